"""Files are whole or not there, and NumPy's values become Python's."""

import json
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snnlib.files import plain, written_whole


@pytest.mark.parametrize(("mode", "content"), [("w", "naïve\r\n"), ("wb", b"\0\r\n")])
def test_written_whole_writes_what_it_is_given(mode, content, tmp_path):
    """Text and bytes come out as they went in, and nothing else is left behind."""
    with written_whole(tmp_path / "file", mode) as file:
        file.write(content)
        assert not (tmp_path / "file").exists()
    data = (tmp_path / "file").read_bytes()
    assert data == (content.encode() if mode == "w" else content)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_written_whole_keeps_the_old_file_on_an_error(error, tmp_path):
    """Whatever ends the block early, the old content stays and no part is left."""
    (tmp_path / "file").write_text("old")

    def stop_half_way():
        with written_whole(tmp_path / "file") as file:
            file.write("half")
            raise error

    with pytest.raises(error):
        stop_half_way()
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_written_whole_replaces_a_link(tmp_path):
    """What a link points to is left alone."""
    (tmp_path / "target").write_text("precious")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    with written_whole(tmp_path / "file") as file:
        file.write("new")
    assert (tmp_path / "target").read_text() == "precious"
    assert (tmp_path / "file").read_text() == "new"


def test_written_whole_leaves_permissions_to_the_user(tmp_path):
    """A file gets the mode that the user's umask gives any new file."""
    (tmp_path / "ordinary").write_text("")
    with written_whole(tmp_path / "file"):
        pass
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()
)
numpy_scalars = hnp.from_dtype(np.dtype("f8"), allow_nan=False) | hnp.from_dtype(
    np.dtype("i8")
)


@given(
    st.recursive(
        scalars
        | numpy_scalars
        | hnp.arrays("i8", hnp.array_shapes(max_dims=2, max_side=3)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(), inner, max_size=3)
            | st.tuples(inner)
        ),
        max_leaves=8,
    )
)
def test_plain_leaves_nothing_of_numpy(value):
    """What comes out goes through JSON and back unchanged, at any depth."""
    found = plain(value)
    assert json.loads(json.dumps(found)) == found
