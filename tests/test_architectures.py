"""Architectures in words, and files of weights that fit them."""

import numpy as np
import pytest

from snnlib import parse_architecture, read_weights
from snnlib.architectures import Conv, Dense, Pool


@pytest.mark.parametrize(
    ("architecture", "layers"),
    [
        ("32C3", (Conv(32, 3, 1),)),
        ("64C5S2-AP4", (Conv(64, 5, 2), Pool(4))),
        ("10C10-AP10-100", (Conv(10, 10), Pool(10), Dense(100))),
        ("784-512", (Dense(784), Dense(512))),
        (
            "32C3-64C3-AP2-128C3-AP2",
            (Conv(32, 3), Conv(64, 3), Pool(2), Conv(128, 3), Pool(2)),
        ),
    ],
    ids=["one", "stride", "zeros inside numbers", "dense only", "paper"],
)
def test_parse_architecture_reads_every_kind_of_layer(architecture, layers):
    """Each part becomes the layer it names, in order."""
    assert parse_architecture(architecture) == layers


@pytest.mark.parametrize(
    ("architecture", "part"),
    [
        ("", "''"),
        ("32C3--AP2", "''"),
        ("32C3-", "''"),
        ("32C", "'32C'"),
        ("32c3", "'32c3'"),
        ("32C3 - AP2", "'32C3 '"),
        ("MP2", "'MP2'"),
        ("AP2S2", "'AP2S2'"),
        ("-5", "''"),
        ("3.5", "'3.5'"),
        ("0C3", "'0C3'"),
        ("4C0", "'4C0'"),
        ("4C3S0", "'4C3S0'"),
        ("AP0", "'AP0'"),
        ("0", "'0'"),
        ("AP00", "'AP00'"),
        ("00C3", "'00C3'"),
        ("4C3S00", "'4C3S00'"),
    ],
)
def test_parse_architecture_names_the_part_it_cannot_read(architecture, part):
    """The message holds the whole, the part and what a part looks like."""
    whole = rf"architecture='{architecture}': cannot read {part}\..*32C3S2.*AP2.*100"
    with pytest.raises(ValueError, match=whole):
        parse_architecture(architecture)


@pytest.mark.parametrize("architecture", ["AP2", "AP2-AP2"])
def test_parse_architecture_refuses_pools_alone(architecture):
    """Without a neuron there is nothing to spike."""
    with pytest.raises(ValueError, match=f"architecture='{architecture}'.*no neurons"):
        parse_architecture(architecture)


@pytest.mark.parametrize(
    ("architecture", "layer"), [("10-4C3", "Conv"), ("4C3-10-AP2-5", "Pool")]
)
def test_parse_architecture_refuses_images_after_dense(architecture, layer):
    """A fully connected layer leaves no image behind for ``layer``."""
    with pytest.raises(ValueError, match=f"{architecture}.*{layer} cannot follow"):
        parse_architecture(architecture)


def test_read_weights_keeps_their_order(tmp_path):
    """Twelve arrays come back as they were numbered, whatever else is in the file."""
    weights = [np.full(2, number) for number in range(12)]
    numbered = {f"weights_{number:02}": weights[number] for number in range(12)}
    np.savez(tmp_path / "w.npz", about="{}", **dict(reversed(numbered.items())))
    np.testing.assert_array_equal(read_weights(tmp_path / "w.npz"), weights)


def test_read_weights_sorts_by_number(tmp_path):
    """Number 100 comes after number 11, and other arrays are no weights."""
    arrays = {f"weights_{i:02}": np.full(1, i) for i in range(102)}
    np.savez(tmp_path / "w.npz", **arrays, weights_mean=[0.5], my_weights_00=[9])
    assert np.concatenate(read_weights(tmp_path / "w.npz")).tolist() == [*range(102)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a whole .npz file"),
        (b"weights", "is not a whole .npz file"),
        (b"PK\x03\x04 and so on", "is not a whole .npz file"),
    ],
)
def test_read_weights_names_a_damaged_file(content, message, tmp_path):
    """The message begins with the file's name."""
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(ValueError, match=rf"w\.npz {message}"):
        read_weights(tmp_path / "w.npz")


def test_read_weights_asks_for_weights(tmp_path):
    """A file of other arrays is named, with what it holds."""
    np.savez(tmp_path / "w.npz", x=[1])
    with pytest.raises(ValueError, match=r"w\.npz holds no weights, only \['x'\]"):
        read_weights(tmp_path / "w.npz")
