"""Write files whole or not at all, and values as JSON knows them."""

import contextlib
import io
import math
import os
import secrets
import zipfile
from pathlib import Path

import numpy as np

# Letters of a file's name in that of its part, which no system finds too long then.
_MOST_LETTERS = 40


@contextlib.contextmanager
def written_whole(path, mode="w"):
    """Open a file that gets its name once the block has ended well.

    Until then it lies beside, under a name that cannot be guessed, and an error in the
    block removes it: whoever reads ``path`` finds the old content or the new. A link at
    ``path`` is replaced, not followed. Folders are not made.

    Parameters
    ----------
    path : path-like
        The file's name.
    mode : {"w", "wb"}, default="w"
        For text, in UTF-8, or for bytes.

    Yields
    ------
    file : file object
        Its ``name`` is where the content lies meanwhile.

    Raises
    ------
    OSError
        If ``path`` is a folder or a device, or its folder cannot be written to. The
        error has the name of ``path``.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        msg = f"path must be a regular file or a new one; got {str(path)!r}."
        raise OSError(msg)
    name = f".{path.name[:_MOST_LETTERS]}.{secrets.token_hex(8)}.part"
    part = path.with_name(name)
    # "x" fails where something has that name already, be it a link.
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    try:
        # It fails with a name that is too long, which that of the part is not.
        with contextlib.suppress(FileNotFoundError):
            path.lstat()
        with part.open(mode.replace("w", "x"), **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if (
            isinstance(error, OSError)
            and error.errno
            and str(error.filename) in ("None", str(part))
        ):
            # A full disk has no name by itself, and that of the part says nothing.
            # Without a number, a name would replace the error's own words.
            error.filename = str(path)
            del error.filename2
        raise


class _EnoughError(Exception):
    """A file could be opened."""


def check_can_write(path):
    """Refuse what `written_whole` cannot write, and leave all as it is.

    Parameters
    ----------
    path : path-like
        The file's name.

    Raises
    ------
    OSError
        As from `written_whole`.
    """
    with contextlib.suppress(_EnoughError), written_whole(path):
        raise _EnoughError


def read_arrays(path):
    """Return the arrays of an ``.npz`` file. It reads no pickles.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    arrays : dict of str to ndarray

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, or something else.
    """
    # In memory, for np.load leaves a damaged file open.
    packed, unpacked_size = io.BytesIO(Path(path).read_bytes()), 0
    try:
        # NumPy would take anything else for a pickle.
        with zipfile.ZipFile(packed) as archive:
            unpacked_size = sum(info.file_size for info in archive.infolist())
        packed.seek(0)
        with np.load(packed, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        # NumPy hands out bytes where a header is damaged.
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                msg = f"{name} is no array"
                raise ValueError(msg)
        return arrays
    except Exception as error:
        if isinstance(error, MemoryError):
            # NumPy says for what. More than there is to unpack is a damaged header's.
            shape = getattr(error, "shape", ())
            size = math.prod(shape) * error.dtype.itemsize if shape else 0
            if size <= unpacked_size:
                raise
        msg = f"{path} is not a whole .npz file: {error}"
        raise ValueError(msg) from error


def plain(value):
    """Return NumPy's numbers and arrays as Python's own, inside containers too.

    What is nothing of NumPy's comes back as it is, be it known to JSON or not.

    Parameters
    ----------
    value : object
        A number, text, or lists, tuples and dicts of them.

    Returns
    -------
    value : object
        With lists for tuples and arrays.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"a": np.int64(3), "b": (np.float64(0.5), np.arange(2))})
    {'a': 3, 'b': [0.5, [0, 1]]}
    """
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    # Arrays and scalars have it, also those of JAX and PyTorch; so has their type.
    if isinstance(value, type) or not hasattr(value, "tolist"):
        return value
    found = value.tolist()
    # What Python has no number for, such as a long double, stays what it is.
    return value if type(found) is type(value) else plain(found)
