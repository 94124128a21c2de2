"""Something to start from: the lessons and the sweeps, in a folder of one's own."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from snnlib.checks import check_path

if TYPE_CHECKING:
    import os

_PARTS = {"notebooks": ("*.ipynb",), "sweeps": ("*.ipynb", "*.yaml")}


def copy_starter(folder: str | os.PathLike[str]) -> list[Path]:
    """Copy the lessons and the sweep definitions into a new folder.

    It runs nothing and overwrites nothing: the folder appears, or what is in it, once
    all is copied.

    Parameters
    ----------
    folder : path-like
        Where to; its parent must be there. If it is there itself, it must be empty.

    Returns
    -------
    copied : list of pathlib.Path
        The files, by name.

    Raises
    ------
    FileExistsError
        If there is something in ``folder``, or it is a file.
    FileNotFoundError
        If its parent is missing.
    """
    folder = check_path("folder", folder)
    if not folder.parent.is_dir():
        msg = f"folder must be in a folder that is there; got {str(folder)!r}."
        raise FileNotFoundError(msg)
    if folder.is_symlink() or (
        folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))
    ):
        msg = f"folder must be new or empty; got {str(folder)!r}."
        raise FileExistsError(msg)
    is_there = folder.exists()
    # One that is there may be where the caller is, and stays the same.
    part = (folder if is_there else folder.parent) / f".{secrets.token_hex(8)}.part"
    try:
        for name, patterns in _PARTS.items():
            (part / name).mkdir(parents=True)
            for path in _files(name, patterns):
                shutil.copyfile(path, part / name / path.name)
        if is_there:
            for name in _PARTS:
                (part / name).rename(folder / name)
        else:
            part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _files(name, patterns):
    """Return the files of a part that match one of the patterns."""
    package = Path(__file__).parent
    # Inside the package once installed, beside it in a checkout.
    folders = (package / "data" / name, package.parent / name)
    home = next(folder for folder in folders if folder.is_dir())
    return [path for pattern in patterns for path in home.glob(pattern)]
