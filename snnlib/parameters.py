"""The parameters of a notebook: their names, defaults and checks."""

import ast
import contextlib
import copy
import difflib
import hashlib
import io
import json
import math
import re
import signal
import threading
import tokenize
import warnings
from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Integral, Real
from pathlib import Path

from snnlib.files import plain
from snnlib.recording import read_notebook

_LOADERS = (
    "fetch_digits",
    "fetch_mnist",
    "load_birth_weight",
    "load_digits28",
    "load_iris_setosa",
)
# What cannot change a metric, by its path in the package: what only passes names on,
# plans and carries out runs, keeps tables, draws or explains. The version has a place
# of its own in a run's identity, and so have the results, among its inputs. All others
# count, `checks` and `files` too: they convert what is calculated and recorded.
_NOT_CALCULATING = {
    *("__init__", "_version", "cli", "explorers", "kernels", "parameters", "plans"),
    *("plots", "results", "sweep", "tables", "workers"),
}
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
# What papermill puts into a notebook that it has run.
_PUT_IN = {"injected-parameters", "papermill-error-cell-tag"}
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
        return f"{self.name} = {shown(self.default)}{comment}"

    def convert(self, value: object) -> object:
        """Return a value in the type of the default, so that 150 is 150.0.

        NumPy's numbers and arrays become plain ones. None is allowed where the default
        is None or the comment says "None". It does not know which range makes sense.

        Parameters
        ----------
        value : object
            A number, text, list or mapping, or what NumPy has for one.

        Returns
        -------
        value : None, bool, int, float, str, list or dict
            A copy, where it is a list or a mapping.

        Raises
        ------
        ParameterError
            If the value is of another type than the default, or holds what a notebook
            cannot be given, such as a date, NaN or a number beyond a float's range.
        """
        kind = type(self.default)
        hint = "" if value is not None else " Its comment does not offer None."
        try:
            found = as_plain(value, is_nan_allowed=_is_nan(self.default))
            fits = self._fits(found)
        except ValueError as error:
            fits, hint = False, f" A value {error}."
        if not fits:
            msg = (
                f"{self.name} must be {_KINDS.get(kind, 'left alone')}, as its default "
                f"{shown(self.default)} is; got {shown(value)}.{hint}"
            )
            raise ParameterError(msg)
        return kind(found) if kind in (int, float) and found is not None else found

    def _fits(self, value):
        """Say whether a plain value is of the default's type."""
        if value is None:
            return self.default is None or bool(re.search(r"\bNone\b", self.comment))
        kind = type(self.default)
        if kind in (int, float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and (kind is float or float(value).is_integer())
        return self.default is None or (kind in _KINDS and isinstance(value, kind))

    @property
    def is_settable(self) -> bool:
        """Whether it can be given a value, for which its default must be plain."""
        return self.default is None or type(self.default) in _KINDS


def as_plain(value: object, *, is_nan_allowed: bool = False) -> object:
    """Return a copy of a value, made of what JSON and papermill know.

    Parameters
    ----------
    value : object
        None, a number, text, or lists and mappings of them, or what NumPy has for one.
    is_nan_allowed : bool, default=False
        Whether NaN may be in it. It is unequal to itself, so that no run of it can be
        found again.

    Returns
    -------
    value : None, bool, int, float, str, list or dict
        The same in Python's own types.

    Raises
    ------
    ValueError
        If it holds anything else. The message says what a value must be.
    """
    try:
        return _rebuilt(plain(value), is_nan_allowed)
    except RecursionError:
        msg = "must not be nested so deeply"
        raise ValueError(msg) from None
    except (TypeError, AttributeError) as error:
        # What calls itself an array, and is none: NumPy's types, for example.
        msg = "must be a value that can be read"
        raise ValueError(msg) from error


def _rebuilt(value, is_nan_allowed):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Real):
        return _plain_number(value, is_nan_allowed)
    if isinstance(value, str):
        # Half of a pair of surrogates, which no file can hold.
        if re.search("[\ud800-\udfff]", value):
            msg = "must be text that UTF-8 can hold"
            raise ValueError(msg)
        return str.__str__(value)
    if isinstance(value, list):
        return [_rebuilt(item, is_nan_allowed) for item in value]
    if not isinstance(value, dict):
        msg = f"must be of {', '.join(_KINDS.values())} or None"
        raise ValueError(msg)
    if not all(isinstance(key, str) for key in value):
        msg = "must have text for the keys of its mappings"
        raise ValueError(msg)
    return {
        _rebuilt(key, is_nan_allowed): _rebuilt(item, is_nan_allowed)
        for key, item in value.items()
    }


def _plain_number(value, is_nan_allowed):
    try:
        number = float(value)
    except OverflowError:
        number = math.nan
        is_nan_allowed = False
    if math.isnan(number) and not is_nan_allowed:
        msg = "must hold neither NaN nor a number beyond a float's range"
        raise ValueError(msg)
    return int(value) if isinstance(value, Integral) else number


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def shown(value: object) -> str:
    """Write a value in a line, however large or strange it is."""
    try:
        text = repr(value)
    except Exception:
        # Python does not write out whole numbers of more than 4300 digits.
        text = f"a value of type {type(value).__name__} that cannot be written out"
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]} ..."


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

    Notes
    -----
    An executed notebook is read as it was before papermill ran it: the cells that
    papermill put in, with the values of that run or its error, are left out.
    """

    def __init__(self, path):
        try:
            self.path = Path(path)
            text, content = read_notebook(self.path)
        except OSError as error:
            msg = f"the notebook {path} cannot be read: {error.strerror}."
            raise NotebookError(msg) from error
        except (ValueError, TypeError) as error:
            raise NotebookError(str(error)) from error
        is_as_written = _undo_run(content)
        dumped = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        self.text = text if is_as_written else dumped
        self._cells = [
            ("".join(cell["source"]), cell["metadata"].get("tags", []))
            for cell in content["cells"]
            if cell["cell_type"] == "code"
        ]
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
            with _carried_out():
                exec(source, values)
            comments = _comments(source)
            assigned = [
                (target.id, node.end_lineno)
                for node in ast.parse(source).body
                if isinstance(node, ast.Assign | ast.AnnAssign)
                for target in getattr(node, "targets", [getattr(node, "target", None)])
                if isinstance(target, ast.Name)
            ]
        except _CellError as error:
            msg = f"the cell tagged 'parameters' of {self.path} fails: {error}."
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
        return ", ".join(
            f"{name} = {shown(p.default)}" for name, p in self.parameters.items()
        )

    def complete(self, values: dict) -> dict:
        """Return values for all parameters: the given ones, else the notebook's own.

        A default that is no plain value, such as a function, is left out: the digest of
        the notebook stands for it.

        Parameters
        ----------
        values : dict of str to object
            The given ones, by name.

        Returns
        -------
        values : dict of str to object
        """
        found = {}
        for name, parameter in self.parameters.items():
            with contextlib.suppress(ValueError):
                found[name] = as_plain(parameter.default, is_nan_allowed=True)
        return found | values

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
            with _carried_out():
                for i, code in enumerate(self._checks):
                    exec(code, namespace)
                    if i == 0:
                        # The cells may change what they get.
                        namespace.update(copy.deepcopy(values))
        except _CellError as error:
            return str(error)
        return None

    @cached_property
    def _checks(self):
        """The code from the parameters to the call of check_parameters, compiled."""
        sources = [_without_commands(s) for s, _ in self._cells[self._first :]]
        calls = [i for i, source in enumerate(sources) if "check_parameters(" in source]
        return [
            compile(source, f"<{self.path.name}>", "exec")
            for source in sources[: calls[0] + 1 if calls else 0]
        ]

    @cached_property
    def _trees(self):
        """Source and syntax tree of each code cell that is Python."""
        trees = []
        for source, _ in self._cells:
            with contextlib.suppress(SyntaxError, ValueError, RecursionError):
                trees.append((source, ast.parse(_without_commands(source))))
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
            and isinstance(node.args[0].value, str)
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


def _undo_run(content):
    """Take out of a notebook what papermill put in; say whether there was nothing."""
    cells = content["cells"]
    content["cells"] = [
        cell for cell in cells if _PUT_IN.isdisjoint(cell["metadata"].get("tags", []))
    ]
    # What a run of papermill or of a sweep said about itself.
    traces = [content["metadata"].pop(name, None) for name in ("papermill", "snnlib")]
    return len(content["cells"]) == len(cells) and not any(traces)


def _without_commands(source):
    """Return a cell's source without the lines that are IPython's own commands."""
    return re.sub(r"(?m)^([ \t]*)[%!].*$", r"\1pass", source)


def _one_line(error):
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be shown"
    return " ".join(f"{type(error).__name__}: {text}".split())


class _CellError(Exception):
    """What a cell raised, on one line."""


class _Interrupt(KeyboardInterrupt):
    """Ctrl-C, and not a cell that raises what Ctrl-C does."""


@contextlib.contextmanager
def _carried_out():
    """Carry out code of a notebook in quiet; whatever it raises is a `_CellError`.

    A cell may end its own process, by sys.exit() for example, but not this one.
    """
    try:
        with (
            _ctrl_c_known(),
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            # The run itself will show them.
            warnings.simplefilter("ignore")
            yield
    except _Interrupt:
        raise
    except BaseException as error:
        raise _CellError(_one_line(error)) from error


@contextlib.contextmanager
def _ctrl_c_known():
    """Have Ctrl-C raise `_Interrupt`, where it would raise KeyboardInterrupt."""

    def interrupt(*_):
        raise _Interrupt

    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or handler is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
