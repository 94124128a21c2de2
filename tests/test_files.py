"""Files are whole or not there, and NumPy's values become Python's."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snnlib.files import check_can_write, plain, written_whole


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


@pytest.mark.parametrize("through_a_link", [False, True])
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_written_whole_replaces_regular_files_only(make, through_a_link, tmp_path):
    """A pipe, a device or a folder is refused by name before the block begins."""
    path = tmp_path / "file"
    make(path)
    if through_a_link:
        path = tmp_path / "link"
        path.symlink_to("file")
    before = [it.lstat() for it in sorted(tmp_path.iterdir())]
    with pytest.raises(OSError, match=rf"a regular file or a new one; got '{path}'"):
        check_can_write(path)
    assert [it.lstat() for it in sorted(tmp_path.iterdir())] == before


def test_written_whole_takes_the_longest_name(tmp_path):
    """What the system takes for a name can be written; what it does not is refused."""
    for name in ("x" * 255, "é" * 127):
        with written_whole(tmp_path / name) as file:
            file.write("new")
        assert (tmp_path / name).read_text() == "new"
    with pytest.raises(OSError, match="too long") as caught:
        check_can_write(tmp_path / ("x" * 256))
    assert caught.value.filename == str(tmp_path / ("x" * 256))
    assert len(list(tmp_path.iterdir())) == 2


def test_error_has_the_name_of_the_file(tmp_path):
    """And not that of its part: of a folder that is not there, or goes meanwhile."""
    path = tmp_path / "folder" / "file"

    def remove_folder():
        with written_whole(path) as file:
            Path(file.name).unlink()
            path.parent.rmdir()

    with pytest.raises(FileNotFoundError) as caught:
        check_can_write(path)
    assert str(caught.value).endswith(f": {str(path)!r}")
    path.parent.mkdir()
    with pytest.raises(FileNotFoundError) as caught:
        remove_folder()
    assert str(caught.value).endswith(f"directory: {str(path)!r}")


def test_error_of_another_file_keeps_its_name(tmp_path):
    """The block may read one that is not there."""

    def read_another():
        with written_whole(tmp_path / "file"):
            (tmp_path / "other").read_text()

    with pytest.raises(FileNotFoundError, match="other"):
        read_another()


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
