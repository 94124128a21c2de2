"""Files and modules of a user's own that a notebook's results rest on."""

import importlib.machinery
import os
import re
import site
import sys
import sysconfig
from hashlib import sha256
from pathlib import Path

from snnlib.checks import shown
from snnlib.digests import digest

# What their names begin with, among the inputs of a run.
_OWN = ("file:", "module:")
_MODULE = re.compile(r"[^\W\d]\w*")
# A text in code that may be the name of a file.
_NAME = re.compile(r"[^\n\0*?]{1,255}")


def own_inputs(entry, folder, modules=()):
    """Return the digests of the files or of the module that an entry names.

    Parameters
    ----------
    entry : str
        A file, a pattern such as ``data/*.csv``, or a module's name.
    folder : path-like
        Where relative names begin.
    modules : sequence of path-like, default=()
        More folders in which modules are looked for.

    Returns
    -------
    digests : dict of str to str

    Raises
    ------
    ValueError
        If there is no such thing.
    OSError
        If it cannot be read.
    """
    folder = Path(folder)
    found = sorted(path for path in _matches(entry, folder) if path.is_file())
    if found:
        return {f"file:{_name(path, folder)}": _digest([path]) for path in found}
    if _MODULE.fullmatch(entry):
        files = module_files(entry, [folder, *modules, *_search_path()])
        if files:
            return {f"module:{entry}": _digest(files)}
    msg = f"{shown(entry)} is no file, and no module that is found"
    raise ValueError(msg)


def without_own(inputs):
    """Return the inputs of a run that a worker has too.

    Parameters
    ----------
    inputs : dict of str to str
        Digests by name.

    Returns
    -------
    inputs : dict of str to str
    """
    return {name: it for name, it in inputs.items() if not name.startswith(_OWN)}


def unnamed_inputs(imports, texts, folders, named):
    """Return what a notebook seems to use that its definition does not name.

    Nothing of it is carried out: what is read or imported under a name that is put
    together while it runs goes unseen.

    Parameters
    ----------
    imports : iterable of str
        Names of modules that it imports.
    texts : iterable of str
        Texts in its code.
    folders : sequence of path-like
        Where its files and modules may be.
    named : collection of str
        Inputs that are named.

    Returns
    -------
    found : list of str
        In words.
    """
    found = []
    for name in sorted(set(imports)):
        files = module_files(name, [*folders, *_search_path()])
        is_own = files and not any(map(_is_installed, files))
        is_named = f"module:{name}" in named or _are_named(files, folders, named)
        if is_own and not is_named:
            found.append(f"imports {name} from {files[0]}")
    for text in sorted(set(filter(_NAME.fullmatch, texts))):
        for folder in folders:
            path = Path(folder, text)
            try:
                is_file = path.is_file()
            except (OSError, ValueError):
                continue
            if is_file and not _are_named([path], folders, named):
                found.append(f"names the file {path}")
                break
    return found


def module_files(name, folders):
    """Return the files of a module or package, without importing any.

    Parameters
    ----------
    name : str
        Of a module at the top level.
    folders : sequence of path-like
        Where it is looked for, the first first.

    Returns
    -------
    files : list of pathlib.Path
        None where there is no such module, or it is built into Python.
    """
    paths = list(map(str, folders))
    try:
        spec = importlib.machinery.PathFinder.find_spec(name, paths)
    except (ImportError, ValueError, OSError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        places = map(Path, spec.submodule_search_locations)
        return sorted(path for place in places for path in place.rglob("*.py"))
    return [Path(spec.origin)] if spec.has_location and spec.origin else []


def _search_path():
    return [folder for folder in sys.path if folder]


def _matches(entry, folder):
    path = folder / entry
    # A name with brackets is a pattern too, but not its own.
    if Path(entry).is_absolute() or path.is_file():
        return [path]
    try:
        return list(folder.glob(entry))
    # Python has two other errors for "." and "./".
    except (ValueError, NotImplementedError, IndexError, AttributeError):
        return []


def _name(path, folder):
    is_within = path.is_relative_to(folder)
    return (path.relative_to(folder) if is_within else path).as_posix()


def _digest(files):
    """Return the SHA-256 of a file, or of several with their names."""
    if len(files) == 1:
        return sha256(files[0].read_bytes()).hexdigest()
    top = os.path.commonpath(files)
    return digest(
        {
            os.path.relpath(path, top): sha256(path.read_bytes()).hexdigest()
            for path in files
        }
    )


def _are_named(files, folders, named):
    names = {f"file:{_name(path, Path(f))}" for path in files for f in folders}
    return bool(names & set(named))


def _is_installed(path):
    """Say whether a file came with Python or with a package, and has a version."""
    places = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    places.append(str(Path(__file__).parent))
    return any(path.resolve().is_relative_to(Path(it).resolve()) for it in places)
