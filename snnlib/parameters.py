"""The parameters of a notebook: their names, defaults and checks."""

import ast
import contextlib
import difflib
import hashlib
import io
import json
import math
import re
import tokenize
import warnings
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path

_LOADERS = (
    "fetch_digits",
    "fetch_mnist",
    "load_birth_weight",
    "load_digits28",
    "load_iris_setosa",
)
# The modules that draw results or organise runs cannot change a metric.
_NOT_CALCULATING = {
    *("__init__", "cli", "explorers", "kernels", "parameters", "plans", "plots"),
    *("sweep", "workers"),
}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
# What a cell does to the environment may decide what an import after it does.
_TOUCHES_ENVIRONMENT = re.compile(r"\benviron\b|\bputenv\b|%(set_)?env\b|\bsys\.path\b")


class NotebookError(ValueError):
    """A notebook that cannot be run with parameters."""


class ParameterError(ValueError):
    """A parameter that a notebook does not have, or a value it cannot take."""


@dataclass(frozen=True)
class Parameter:
    """One name in the cell tagged ``parameters``.

    Attributes
    ----------
    name : str
    default : object
        The value the notebook gives it.
    comment : str
        What the notebook says beside it.
    """

    name: str
    default: object
    comment: str = ""

    def __str__(self) -> str:
        """Write it as the notebook does.

        Returns
        -------
        line : str
        """
        comment = f"  # {self.comment}" if self.comment else ""
        return f"{self.name} = {self.default!r}{comment}"

    def convert(self, value: object) -> object:
        """Return a value in the type of the default, so that 150 is 150.0.

        NumPy scalars become plain numbers. None is allowed where the default is None
        or the comment says "None". It does not know which range makes sense.

        Parameters
        ----------
        value : object
            A number, text, list or mapping, or what NumPy has for one.

        Returns
        -------
        value : None, bool, int, float, str, list or dict

        Raises
        ------
        ParameterError
            If the value is of another type than the default.
        """
        value = _plain(value)
        kind = type(self.default)
        if value is None:
            fits = self.default is None or re.search(r"\bNone\b", self.comment)
        elif self.default is None:
            fits = isinstance(value, tuple(_KINDS))
        elif kind in (int, float):
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            fits = is_number and (
                float(value).is_integer() if kind is int else not math.isnan(value)
            )
            value = kind(value) if fits else value
        else:
            fits = kind in _KINDS and isinstance(value, kind)
        if not fits:
            none = "" if value is not None else " Its comment does not offer None."
            msg = (
                f"{self.name} must be {_KINDS.get(kind, 'left alone')}, as its default "
                f"{self.default!r} is; got {value!r}.{none}"
            )
            raise ParameterError(msg)
        return value


def _plain(value):
    """Return NumPy's scalars and arrays as Python's own numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list) else value


class Notebook:
    """A notebook with a cell tagged ``parameters``, read but not run.

    Parameters
    ----------
    path : path-like
        The notebook's file.

    Raises
    ------
    NotebookError
        If there is no such file, it is not a notebook, or it does not have exactly one
        code cell tagged ``parameters`` that can be executed by itself.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.text = self.path.read_text(encoding="utf-8")
            cells = json.loads(self.text)["cells"]
            self._cells = [
                ("".join(cell["source"]), cell.get("metadata", {}).get("tags", []))
                for cell in cells
                if cell["cell_type"] == "code"
            ]
        except OSError as error:
            msg = f"the notebook {path} cannot be read: {error.strerror}."
            raise NotebookError(msg) from error
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{path} is not a notebook, or only half of one: {error!r}."
            raise NotebookError(msg) from error
        self.parameters = self._read_parameters()

    @property
    def name(self):
        """File name without its ending."""
        return self.path.stem

    def _read_parameters(self):
        tagged = [i for i, (_, tags) in enumerate(self._cells) if "parameters" in tags]
        if len(tagged) != 1:
            msg = (
                f"{self.path} must have one code cell tagged 'parameters', in which "
                f"papermill sets values; got {len(tagged)}."
            )
            raise NotebookError(msg)
        self._first = tagged[0]
        source = self._cells[self._first][0]
        values = {}
        try:
            exec(source, values)
            comments = _comments(source)
            assigned = [
                (target.id, node.end_lineno)
                for node in ast.parse(source).body
                for target in getattr(node, "targets", [getattr(node, "target", None)])
                if isinstance(target, ast.Name)
            ]
        except Exception as error:
            msg = f"the cell tagged 'parameters' of {self.path} fails: {error!r}."
            raise NotebookError(msg) from error
        return {
            name: Parameter(name, values[name], comments.get(line, ""))
            for name, line in assigned
            if name in values
        }

    def convert(self, values: dict) -> dict:
        """Check names and types of parameters, and return the values converted.

        Parameters
        ----------
        values : dict of str to object
            Parameters, by name.

        Returns
        -------
        values : dict of str to object

        Raises
        ------
        ParameterError
            If the notebook has no such parameter, which papermill would only log, or a
            value has another type than the notebook's own.
        """
        return {name: self._find(name).convert(value) for name, value in values.items()}

    def _find(self, name):
        if name in self.parameters:
            return self.parameters[name]
        close = difflib.get_close_matches(str(name), self.parameters, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        msg = (
            f"{self.path.name} has no parameter {name!r}.{hint} Its parameters are: "
            f"{self.summary()}."
        )
        raise ParameterError(msg)

    def summary(self) -> str:
        """List the parameters with their defaults, on one line."""
        return ", ".join(f"{p.name} = {p.default!r}" for p in self.parameters.values())

    def complete(self, values: dict) -> dict:
        """Return values for all parameters: the given ones, else the notebook's own."""
        return {name: p.default for name, p in self.parameters.items()} | values

    def refusal(self, values: dict) -> str | None:
        """Say why the notebook would refuse these values, or None.

        It carries out the cells from the parameters to the first that calls
        ``check_parameters``, in this process. A notebook without that call refuses
        nothing here.

        Parameters
        ----------
        values : dict of str to object
            Parameters, by name.

        Returns
        -------
        reason : str or None
        """
        namespace = {"__name__": "__main__"}
        try:
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                # The run itself will show them.
                warnings.simplefilter("ignore")
                for i, code in enumerate(self._checks):
                    exec(code, namespace)
                    if i == 0:
                        namespace.update(values)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    @cached_property
    def _checks(self):
        """The code from the parameters to the call of check_parameters, compiled."""
        sources = [source for source, _ in self._cells[self._first :]]
        calls = [i for i, source in enumerate(sources) if "check_parameters(" in source]
        return [
            compile(source, f"<{self.path.name}>", "exec")
            for source in sources[: calls[0] + 1 if calls else 0]
        ]

    @cached_property
    def _trees(self):
        """Source and syntax tree of each code cell without IPython's own commands."""
        trees = []
        for source, _ in self._cells:
            with contextlib.suppress(SyntaxError):
                trees.append((source, ast.parse(source)))
        return trees

    @cached_property
    def imports(self) -> list[str]:
        """Import statements at the top level of its cells.

        The list ends where a cell touches the environment or ``sys.path``, since what
        is imported after it may depend on that.
        """
        found = []
        for source, tree in self._trees:
            if _TOUCHES_ENVIRONMENT.search(source):
                break
            found += [
                ast.unparse(node)
                for node in tree.body
                if isinstance(node, ast.Import | ast.ImportFrom)
            ]
        return list(dict.fromkeys(found))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its code cells. Prose and outputs do not count."""
        return digest(self._cells)

    @cached_property
    def sources(self) -> dict:
        """What it reads: its loaders of data, and the committed results it names."""
        nodes = [node for _, tree in self._trees for node in ast.walk(tree)]
        names = {getattr(node, "id", getattr(node, "attr", None)) for node in nodes}
        results = {
            node.args[0].value
            for node in nodes
            if isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", None))
            == "results_path"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        }
        return {"loaders": sorted(names & set(_LOADERS)), "results": sorted(results)}

    def inputs(self, dataset: object = None) -> dict:
        """Return the digest of each data set and result file it reads.

        Parameters
        ----------
        dataset : object, optional
            Its parameter of that name, which says which digits it takes.

        Returns
        -------
        digests : dict of str to str
        """
        return input_digests(**self.sources, dataset=dataset)


def input_digests(*, loaders, results, dataset=None) -> dict:
    """Return the digests of data sets, by contents, and of result files.

    Parameters
    ----------
    loaders : sequence of str
        Names of functions of `snnlib` that load data.
    results : sequence of str
        Names of committed results.
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
        found[name] = hashlib.sha256(snnlib.results_path(name).read_bytes()).hexdigest()
    return found


def code_digest() -> str:
    """Return the SHA-256 of what metrics rest on in `snnlib`: its modules and tables.

    Any change to them counts, even a comment. The modules that draw, and those that
    organise runs, do not count.

    Returns
    -------
    digest : str
    """
    package = Path(__file__).parent
    files = sorted([*package.glob("*.py"), *package.glob("data/*.csv")])
    return digest(
        [
            [path.name, hashlib.sha256(path.read_bytes()).hexdigest()]
            for path in files
            if path.stem not in _NOT_CALCULATING
        ]
    )


def digest(content: object) -> str:
    """Return the SHA-256 of anything JSON can hold, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _comments(source):
    """Return the comment that ends each line, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ")
        for token in tokens
        if token.type == tokenize.COMMENT
    }
