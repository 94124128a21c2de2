"""Notebooks with parameters: read and checked, but not run."""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import json
import os
import re
import tokenize
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnlib.checks import check_path, shown
from snnlib.digests import digest, input_digests
from snnlib.parameters import Parameter, ParameterError, as_name
from snnlib.recording import read_notebook
from snnlib.trials import Trial, TrialError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOADERS = (
    "fetch_digits",
    "fetch_mnist",
    "load_birth_weight",
    "load_digits28",
    "load_iris_setosa",
)
_OF_DIGITS = {"digits28": "load_digits28", "mnist": "fetch_mnist"}
# What reads committed results by their names, and how the names of the files end.
_ENDINGS = {"results_path": "", "read_committed": ".csv"}
# The modules of what chooses committed results by itself.
_CHOOSING = ("panels", "verdicts")
# What papermill puts into a notebook that it has run.
_PUT_IN = {"injected-parameters", "papermill-error-cell-tag"}
# What a cell does to the environment may decide what an import after it does.
_TOUCHES_ENVIRONMENT = re.compile(r"\benviron\b|\bputenv\b|%(set_)?env\b|\bsys\.path\b")

# IPython's commands: for a whole cell, which some do not carry out as Python here; for
# a cell of one line, without a mark; %time, which carries out its line; and any other.
_OF_A_CELL = re.compile(r"\s*%%(\S+).*\n?")
_FOREIGN = {
    *("!", "R", "SVG", "HTML", "bash", "cmd", "cython", "file", "html", "javascript"),
    *("js", "latex", "markdown", "perl", "pypy", "python", "python2", "python3"),
    *("ruby", "script", "sh", "sql", "svg", "sx", "system", "writefile"),
}
_UNMARKED = re.compile(
    r"\s*(?:pip|conda|mamba|cd|ls|mkdir|env|load_ext|matplotlib)[ \t][^\n]*\s*"
)
_TIMED = re.compile(r"(?m)^([ \t]*(?:[\w., \t]+=[ \t]*)?)%time[ \t]+(?=[^\s-])")
_COMMAND = re.compile(
    r"(?m)^([ \t]*(?:[\w., \t]+=[ \t]*)?)(?:[%!?](?:.*\\\n)*.*|[%*\w.]+\?\??[ \t]*$)"
)
_OPTIONS = re.compile(r"(?:-\S+\s+(?:\d+\s+)?)*")


class NotebookError(ValueError):
    """A notebook that cannot be run with parameters."""


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

    path: Path
    text: str
    parameters: dict[str, Parameter]

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self.path = check_path("notebook", path)
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
    def name(self) -> str:
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
        source = _as_python(self._cells[self._first][0])
        try:
            values = _literals(source)
            if values is None:
                with Trial() as trial:
                    values = trial.defaults(source)
        except TrialError as error:
            msg = f"the cell tagged 'parameters' of {self.path} fails: {error}."
            raise NotebookError(msg) from error
        comments = _comments(source)
        assigned = [
            (target.id, node.end_lineno)
            for node in ast.parse(source).body
            for target in _targets(node)
            if isinstance(target, ast.Name)
        ]
        return {
            name: Parameter(name, values[name], comments.get(line, ""))
            for name, line in assigned
            if name in values
        }

    def convert(self, values: dict[str, Any]) -> dict[str, Any]:
        """Check names and types of parameters, and return the values converted.

        Parameters
        ----------
        values : dict of str to object
            Parameters, by name.

        Returns
        -------
        values : dict of str to object
            By the names as Python reads them.

        Raises
        ------
        ParameterError
            If the notebook has no such parameter, which papermill would only log, or a
            value has another type than the notebook's own.
        """
        found = ((self._find(name), value) for name, value in values.items())
        return {parameter.name: parameter.convert(value) for parameter, value in found}

    def _find(self, name):
        if as_name(name) in self.parameters:
            return self.parameters[as_name(name)]
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

    def complete(self, values: dict[str, Any]) -> dict[str, Any]:
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
                found[name] = parameter.plain_default()
        return found | values

    def refusal(self, values: dict[str, Any]) -> str | None:
        """Say why the notebook would refuse these values, or None.

        It carries out the cells from the parameters to the first that calls
        ``check_parameters``, in a process of its own that may take a minute. A notebook
        without that call refuses nothing here.

        Parameters
        ----------
        values : dict of str to object
            Parameters, by name.

        Returns
        -------
        reason : str or None
        """
        return next(self.refusals([values]))

    def refusals(self, points: Iterable[dict[str, Any]]) -> Iterator[str | None]:
        """Yield, for each of many points, what `refusal` returns, from one process.

        Parameters
        ----------
        points : iterable of dict
            Parameters, by name.

        Yields
        ------
        reason : str or None
        """
        sources = [_as_python(s) for s, _ in self._cells[self._first :]]
        calls = [i for i, source in enumerate(sources) if "check_parameters(" in source]
        if not calls:
            yield from (None for _ in points)
            return
        unprepared = sources[: calls[0] + 1]
        with Trial() as trial:
            for values in points:
                try:
                    if unprepared:
                        trial.prepare(unprepared)
                        unprepared = []
                    reason = trial.refusal(values)
                except TrialError as error:
                    reason = str(error)
                yield reason

    @cached_property
    def _trees(self):
        """Source and syntax tree of each code cell that is Python."""
        trees = []
        for source, _ in self._cells:
            tree = _parsed(_as_python(source))
            if tree:
                # A command such as %timeit has its code in a text.
                within = map(_parsed, _texts_of_commands(tree))
                trees += [(source, it) for it in (tree, *within) if it]
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
    def imported_modules(self) -> set[str]:
        """Names, at the top level, of the modules that any of its cells imports."""
        nodes = [node for _, tree in self._trees for node in ast.walk(tree)]
        names = [
            alias.name
            for node in nodes
            if isinstance(node, ast.Import)
            for alias in node.names
        ]
        names += [
            node.module
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module and not node.level
        ]
        return {name.partition(".")[0] for name in names}

    @cached_property
    def texts(self) -> set[str]:
        """All texts in its code, some of which may be names of files."""
        return {
            node.value
            for _, tree in self._trees
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its code cells. Prose and outputs do not count."""
        return digest(self._cells)

    @cached_property
    def sources(self) -> dict[str, list[str]]:
        """What it reads: its loaders of data, and the committed results it names.

        A "*" among the results stands for all of them, where its code does not say
        which.
        """
        nodes = [node for _, tree in self._trees for node in ast.walk(tree)]
        imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        imported = [alias for node in imports for alias in node.names]
        known = {*_LOADERS, *_ENDINGS}
        aliases = {it.asname: it.name for it in imported if it.name in known}
        loaders, results, settled = self.texts & {*_LOADERS}, set(), set()
        for node in nodes:
            if not isinstance(node, ast.Call) or (texts := _names_given(node)) is None:
                continue
            name = _name_of(node.func, aliases)
            if name in _ENDINGS:
                results |= {f"{text}{_ENDINGS[name]}" for text in texts}
                settled.add(node.func)
            elif name == "fetch_digits" and texts and _OF_DIGITS.keys() >= {*texts}:
                loaders |= {_OF_DIGITS[text] for text in texts}
                settled.add(node.func)
        names = {_name_of(node, aliases) for node in nodes if node not in settled}
        # A variable may have a name of theirs, if it is not imported.
        taken = {it.name for it in imported}
        taken |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        taken |= names if "*" in taken else set()
        if names & _ENDINGS.keys() or taken & _choosing():
            results.add("*")
        loaders |= names & {*_LOADERS}
        return {"loaders": sorted(loaders), "results": sorted(results)}

    def inputs(self, dataset: object = None) -> dict[str, str]:
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


def _name_of(node, aliases):
    """Return the name that a node is used by, as its own module has it."""
    name = getattr(node, "id", getattr(node, "attr", None))
    return aliases.get(name, name) if name else None


def _names_given(call):
    """Return the texts that a call is given, None if not by texts alone."""
    given = call.args or [
        it.value for it in call.keywords if it.arg in (None, "name", "dataset")
    ]
    if not all(isinstance(it, ast.Constant) for it in given):
        return None
    return [it.value for it in given if isinstance(it.value, str)]


def _choosing():
    """Return the names of what chooses committed results by itself."""
    from snnlib import _HOMES

    return {"find_committed"}.union(*(_HOMES[home] for home in _CHOOSING))


def _literals(source):
    """Return the values of a cell that only assigns literals, None of any other."""
    try:
        body = ast.parse(source).body
        values = {}
        for node in body:
            targets = _targets(node)
            if not targets or not all(isinstance(it, ast.Name) for it in targets):
                return None
            value = ast.literal_eval(node.value)
            values |= dict.fromkeys((target.id for target in targets), value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return values


def _targets(node):
    """Return what a statement assigns to."""
    if isinstance(node, ast.Assign):
        return node.targets
    is_assignment = isinstance(node, ast.AnnAssign) and node.value is not None
    return [node.target] if is_assignment else []


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


def _as_python(source):
    """Return a cell's source as Python, in which IPython's commands are calls."""
    # A line of Python may begin with % or !, in brackets or in a text.
    if _parsed(source):
        return source
    if command := _OF_A_CELL.match(source):
        body = _as_python(source[command.end() :])
        is_carried_out = command[1] not in _FOREIGN and _parsed(body)
        return body if is_carried_out else "pass"
    if _UNMARKED.fullmatch(source):
        return "pass"
    source = _TIMED.sub(r"\1", source)
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return _COMMAND.sub(r"\1get_ipython()", source)
    # Of some of what is no Python it makes an IndexError.
    with contextlib.suppress(SyntaxError, IndexError):
        source = TransformerManager().transform_cell(source)
    return source


def _texts_of_commands(tree):
    """Return what follows the names and options of IPython's commands."""
    return [
        _OPTIONS.sub("", text.value, count=1)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", None) in ("run_line_magic", "run_cell_magic")
        for text in node.args[1:]
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]


def _parsed(source):
    """Return the syntax tree of a source, None of what is no Python."""
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.parse(source)
    return None
