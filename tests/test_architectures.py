"""Architectures in words, and files of weights that fit them."""

import numpy as np
import pytest

from snnlib import parse_architecture, read_weights
from snnlib.architectures import Conv, Dense, Pool, check_weights, weight_shapes


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


@pytest.mark.parametrize(
    ("architecture", "image_shape", "shapes"),
    [
        ("4C3", (8, 7, 2), [(3, 3, 2, 4), (4,), (6 * 5 * 4, 10), (10,)]),
        ("4C3S2-AP2", (9, 9, 1), [(3, 3, 1, 4), (4,), (2 * 2 * 4, 10), (10,)]),
        ("AP3-5C2", (10, 8, 3), [(2, 2, 3, 5), (5,), (2 * 1 * 5, 10), (10,)]),
        (
            "4C3-5C2",
            (8, 7, 2),
            [(3, 3, 2, 4), (4,), (2, 2, 4, 5), (5,), (5 * 4 * 5, 10), (10,)],
        ),
        ("4C8", (8, 8, 1), [(8, 8, 1, 4), (4,), (4, 10), (10,)]),
        ("7-6", (3, 4, 2), [(24, 7), (7,), (7, 6), (6,), (6, 10), (10,)]),
    ],
)
def test_weight_shapes_follow_from_the_layers(architecture, image_shape, shapes):
    """A convolution of k leaves (n - k) // s + 1 places, a pool n // p."""
    assert weight_shapes(image_shape, 10, architecture) == shapes
    weights = [np.ones(shape) for shape in shapes]
    check_weights(weights, image_shape, 10, architecture)
    check_weights(tuple(weights), list(image_shape), 10, architecture)
    check_weights(None, image_shape, 10, architecture)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": 3}, r"^weights must be a list of arrays; got int\.$"),
        ({"weights": np.ones((4, 1))}, r"^weights must be a list of arrays; got ndarr"),
        (
            {"weights": []},
            r"^weights must hold 4 arrays for architecture='4C3'; got 0\.$",
        ),
        (
            {"weights": [np.ones((3, 3, 1, 4)), np.ones(4), np.ones((9, 2)), None]},
            r"^weights must have shape \(144, 2\) at place 2 for architecture='4C3'; "
            r"got \(9, 2\)\.$",
        ),
        (
            {"weights": [np.full((3, 3, 1, 4), np.inf), *[None] * 3]},
            r"^weights at place 0 must be finite; got 36 of 36 that are not\.$",
        ),
        (
            {"image_shape": (8, 8)},
            r"^image_shape must be \(rows, columns, channels\); got \(8, 8\)\.$",
        ),
        (
            {"image_shape": 8},
            r"^image_shape must be \(rows, columns, channels\); got 8",
        ),
        (
            {"image_shape": (8, 0, 1)},
            r"^image_shape must be a whole number from 1 to 10*; ",
        ),
        (
            {"n_classes": 0},
            r"^n_classes must be a whole number from 1 to 10*; got 0\.$",
        ),
        (
            {"architecture": "4C9"},
            r"^architecture='4C9': Conv\(filters=4, kernel_size=9, strides=1\) is "
            r"larger than the 8 x 8 image that reaches it\.$",
        ),
        (
            {"architecture": "4C3-AP7", "image_shape": (8, 20, 1)},
            r"Pool\(size=7\) is larger than the 6 x 18 image that reaches it\.$",
        ),
        (
            {"architecture": 32},
            r"^architecture must be text such as '32C3-AP2'; got 32\.$",
        ),
        (
            {"architecture": "4-4C3"},
            r"^architecture='4-4C3': Conv cannot follow a fully connected layer\.$",
        ),
        (
            {"architecture": "AP2"},
            r"^architecture='AP2' has no neurons, only average pools\.$",
        ),
        (
            {"architecture": "4C3-x"},
            r"^architecture='4C3-x': cannot read 'x'\. Each part must look like 32C3 "
            r"\(convolution\), 32C3S2 \(with stride 2\), AP2 \(average pool\) or 100 "
            r"\(fully connected\)\.$",
        ),
    ],
)
def test_check_weights_says_what_does_not_fit(changes, message):
    """The whole sentence: what it must be, for which architecture, what came."""
    given = {"weights": None, "image_shape": (8, 8, 1), "n_classes": 2}
    with pytest.raises(ValueError, match=message):
        check_weights(**{**given, "architecture": "4C3", **changes})


def test_read_weights_names_the_file_and_what_it_holds(tmp_path):
    """A file of other arrays is named, with their names in order."""
    np.savez(tmp_path / "w.npz", y=[1], x=[1])
    with pytest.raises(
        ValueError, match=r"w\.npz holds no weights, only \['x', 'y'\]\.$"
    ):
        read_weights(tmp_path / "w.npz")
