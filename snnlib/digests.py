"""Digests: by what code and from which data a result came."""

import ast
import contextlib
import hashlib
import json
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from snnlib._version import __version__

_PACKAGES = (
    *("numpy", "scipy", "nengo", "scikit-learn", "numba"),
    *("nengo-dl", "tensorflow", "tf-keras", "papermill"),
)
# What cannot change a metric, by its path in the package: what only passes names on,
# plans and carries out runs, keeps and judges tables, draws or explains. The version
# has a place of its own in a run's identity, and so have the results, among its inputs.
# All others count, `checks` and `files` too: they convert what is calculated.
_NOT_CALCULATING = {
    *("__init__", "_docs", "_version", "cli", "collected", "committed"),
    *("definitions", "digests", "graphs", "panels", "verdicts"),
    *("explorers", "folders", "inputs", "kernels", "notebooks", "parameters"),
    *("plans", "plots", "progress", "results", "status", "sweep", "tables"),
    *("trials", "variation", "workers"),
}


def input_digests(*, loaders, results, dataset=None) -> dict:
    """Return the digests of data sets, by contents, and of result files.

    Parameters
    ----------
    loaders : sequence of str
        Names of functions of `snnlib` that load data.
    results : sequence of str
        Names of committed results. "*" is all of them, and has one digest.
    dataset : object, optional
        What to pass to ``fetch_digits``, if it is one of its choices.

    Returns
    -------
    digests : dict of str to str
    """
    import snnlib

    found = {}
    for name in loaders:
        choice = name == "fetch_digits" and dataset in ("auto", "digits28", "mnist")
        data = getattr(snnlib, name)(*([dataset] if choice else []))
        found[data.name] = data.digest
    for name in results:
        if name == "*":
            found["all committed results"] = _digest_of_results()
        else:
            found[name] = _sha256(snnlib.results_path(name))
    return found


def _digest_of_results():
    from snnlib import results_path

    # Any of them says where they are. What a .json says of its table changes whenever
    # that is collected.
    files = results_path("decisions.toml").parent.iterdir()
    endings = (".csv", ".npz", ".toml")
    return digest({it.name: _sha256(it) for it in files if it.suffix in endings})


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_digest(package=None) -> str:
    """Return the SHA-256 of what metrics rest on in `snnlib`: its modules and tables.

    What a module does counts, whatever its docstrings, comments and form. The modules
    that draw, and those that organise runs, do not count.

    Parameters
    ----------
    package : path-like, optional
        Folder of the package; by default, the one that is running.

    Returns
    -------
    digest : str
    """
    package = Path(package or Path(__file__).parent)
    found = {}
    for path in sorted([*package.rglob("*.py"), *package.rglob("data/*.csv")]):
        name = path.relative_to(package)
        parts = name.with_suffix("").parts
        # What has no name for Python, such as an editor's copy, cannot be imported.
        is_module = all(part.isidentifier() for part in parts)
        if parts[0] in _NOT_CALCULATING or (name.suffix == ".py" and not is_module):
            continue
        content = path.read_bytes()
        found[name.as_posix()] = (
            _module_digest(content)
            if name.suffix == ".py"
            else hashlib.sha256(content).hexdigest()
        )
    return digest(found)


@cache
def _module_digest(content):
    return digest(_syntax(ast.parse(content)))


def _syntax(node):
    """Return a syntax tree as nested lists, the same in every version of Python."""
    # Versions differ in how ast.dump and ast.unparse write one tree, in the optional
    # fields of a node, and in which characters repr shows as they are.
    if isinstance(node, list):
        # A text that nothing is done with is a docstring, or acts as a comment.
        return [_syntax(item) for item in node if not _is_idle(item)]
    if not isinstance(node, ast.AST):
        return ascii(node)
    if isinstance(node, ast.JoinedStr):
        # 3.12 ends a format that holds another by an empty text.
        parts = [part for part in node.values if getattr(part, "value", None) != ""]
        node = ast.JoinedStr(values=parts)
    fields = {name: value for name, value in ast.iter_fields(node) if name != "kind"}
    return [
        type(node).__name__,
        *(
            [name, _syntax(value)]
            for name, value in sorted(fields.items())
            if isinstance(node, ast.Constant) or value not in (None, [])
        ),
    ]


def _is_idle(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@cache
def versions() -> dict[str, str]:
    """Return the versions of what a run's results may rest on.

    Returns
    -------
    versions : dict of str to str
        By the name of the package. What is not installed is not there.
    """
    found = {"snnlib": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def version_text() -> str:
    """Return all `versions` in one text."""
    return ", ".join(f"{name} {version}" for name, version in versions().items())


def digest(content: object) -> str:
    """Return the SHA-256 of anything JSON can hold, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(canonical.encode()).hexdigest()


def run_id(identity, inputs, values):
    """Return the id of a run, which nothing but the same run has.

    Parameters
    ----------
    identity : dict of str to str
        Digests of the code it runs, and the version of `snnlib`.
    inputs : dict of str to str
        Digests of the data it reads.
    values : dict
        All its parameters.

    Returns
    -------
    run_id : str
        Sixteen hexadecimal digits.
    """
    return digest({**identity, "inputs": inputs, "values": values})[:16]
