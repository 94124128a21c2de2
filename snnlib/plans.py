"""Plans: what a sweep is to run, read from a definition and checked."""

import itertools
import math
import random
import re
from dataclasses import dataclass, field
from functools import cache
from numbers import Integral, Real
from pathlib import Path

from snnlib._version import __version__
from snnlib.parameters import (
    Notebook,
    NotebookError,
    ParameterError,
    code_digest,
    digest,
)

_WAYS = ("one_at_a_time", "grid", "random")
_KEYS = ("notebook", "parameters", *_WAYS, "seeds", "figures")


class SweepError(ValueError):
    """A sweep that cannot be run as it is defined."""


@dataclass(frozen=True)
class Run:
    """One execution of the notebook.

    Attributes
    ----------
    id : str
        Sixteen digits of a hash over all that decides the metrics: the notebook's code,
        the values, the version and the code of `snnlib`, and the data.
    given : dict
        The parameters that the definition names.
    values : dict
        All parameters of the notebook.
    inputs : dict of str to str
        Digests of the data it reads.
    """

    id: str
    given: dict
    values: dict = field(repr=False)
    inputs: dict = field(repr=False)


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep, in the order of its table.

    Attributes
    ----------
    notebook : Notebook
    rows : list of (str or None, Run)
        For each row of the table, the parameter that is varied on it (None in a grid
        and at random) and its run. A run that two axes share has two rows.
    figures : bool
        Whether the executed notebooks keep their figures.
    definition : dict
        What the plan was made from.
    identity : dict of str to str
        What the ids of all runs rest on: digest of the notebook, version and digest of
        `snnlib`.
    """

    notebook: Notebook
    rows: list
    figures: bool
    definition: dict = field(repr=False)
    identity: dict = field(repr=False)

    @property
    def runs(self):
        """The different runs, in the order of the table."""
        return list({run.id: run for _, run in self.rows}.values())


def read_plan(path) -> Plan:
    """Read a sweep's definition from a YAML file, and check every run it asks for.

    Nothing is run, except the notebook's own check of its parameters.

    Parameters
    ----------
    path : path-like
        The definition. Its ``notebook`` is looked for from the definition's folder.

    Returns
    -------
    plan : Plan

    Raises
    ------
    SweepError
        If the definition is not one, or asks for what the notebook cannot do. The
        message begins with file, line and key.
    """
    path = Path(path)
    try:
        content, lines = _read_yaml(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise SweepError(msg) from error
    return _Planner(content, lines, path).plan()


def make_plan(notebook, **definition) -> Plan:
    """Plan a sweep from Python, with the keys that a definition in YAML has.

    NumPy scalars become plain numbers.

    Parameters
    ----------
    notebook : path-like
        The notebook to run.
    **definition
        ``parameters``, one of ``one_at_a_time``, ``grid`` and ``random``, ``seeds`` and
        ``figures``.

    Returns
    -------
    plan : Plan

    Raises
    ------
    SweepError
        As from `read_plan`, the message beginning with the key.
    """
    return _Planner({"notebook": str(notebook), **definition}).plan()


def read_value(text: str) -> object:
    """Return the value that a word stands for, on a command line as in a definition.

    Parameters
    ----------
    text : str
        One word, or YAML's short form of a list or mapping.

    Returns
    -------
    value : None, bool, int, float, str, list or dict
    """
    # papermill's own command line takes Python's word for it.
    if text == "None":
        return None
    return _read_yaml(text, "the value")[0]


class _Planner:
    """Turns a definition into a plan, and knows where each key is written."""

    def __init__(self, content, lines=None, path=None):
        self.content = content
        self.lines = lines or {}
        self.path = path

    def plan(self):
        self._check_keys(self.content, _KEYS, required=("notebook",))
        figures = self.content.get("figures", True)
        self._check_bool(("figures",), figures)
        self.notebook = self._open_notebook()
        self.fixed = self._fixed()
        points = self._points()
        repeats = self._repeats(points)
        self.identity = {
            "notebook": self.notebook.digest,
            "snnlib": __version__,
            "code": code_digest(),
        }
        rows, places = [], {}
        for (axis, point, where), seed in itertools.product(points, repeats):
            run = self._run({**self.fixed, **point, **seed})
            rows.append((axis, run))
            places.setdefault(run.id, (run, where))
        self._let_notebook_check(places.values())
        return Plan(self.notebook, rows, figures, self.content, self.identity)

    def _open_notebook(self):
        name = self.content["notebook"]
        if not isinstance(name, str):
            raise self._error(("notebook",), f"must be a path; got {name!r}.")
        try:
            return Notebook(self.path.parent / name if self.path else name)
        except NotebookError as error:
            raise self._error(("notebook",), str(error)) from error

    def _fixed(self):
        values = self.content.get("parameters", {})
        if not isinstance(values, dict):
            raise self._error(
                ("parameters",), f"must map names to values; got {values!r}."
            )
        return {
            name: self._convert(("parameters", name), name, value)
            for name, value in values.items()
        }

    # Points: a list of (axis, values, where they are written).

    def _points(self):
        ways = [way for way in _WAYS if way in self.content]
        if len(ways) > 1:
            raise self._error(
                (ways[1],), f"cannot go with {ways[0]}: choose one of them."
            )
        return getattr(self, f"_{ways[0]}")() if ways else [(None, {}, ())]

    def _one_at_a_time(self):
        axes = self._axes(("one_at_a_time",), self.content["one_at_a_time"])
        return [
            (name, {name: value}, ("one_at_a_time", name, i))
            for name, values in axes.items()
            for i, value in enumerate(values)
        ]

    def _grid(self):
        axes = self._axes(("grid",), self.content["grid"])
        self._check_not_fixed(("grid",), axes)
        return [
            (None, dict(zip(axes, values, strict=True)), ("grid",))
            for values in itertools.product(*axes.values())
        ]

    def _random(self):
        drawn = self.content["random"]
        self._check_keys(drawn, ("n", "seed", "axes"), ("random",), ("n", "axes"))
        n, seed = drawn["n"], drawn.get("seed", 0)
        self._check_whole(("random", "n"), n, low=1)
        self._check_whole(("random", "seed"), seed, low=0)
        axes = self._axes(("random", "axes"), drawn["axes"], ranges=True)
        self._check_not_fixed(("random", "axes"), axes)
        rng = random.Random(int(seed))
        points = {}
        for _ in range(1000 * n):
            point = {name: _draw(rng, values) for name, values in axes.items()}
            points.setdefault(tuple(point.values()), point)
            if len(points) == n:
                return [(None, point, ("random",)) for point in points.values()]
        msg = f"asks for {n} points, but only {len(points)} different ones were found."
        raise self._error(("random", "n"), msg)

    def _axes(self, where, axes, *, ranges=False):
        if not isinstance(axes, dict) or not axes:
            msg = f"must name a parameter or more, with their values; got {axes!r}."
            raise self._error(where, msg)
        return {
            name: self._range((*where, name), name, values)
            if ranges and isinstance(values, dict)
            else self._list((*where, name), name, values)
            for name, values in axes.items()
        }

    def _list(self, where, name, values):
        self._default(where, name)
        values = values.tolist() if hasattr(values, "tolist") else values
        if not isinstance(values, list | tuple) or not values:
            raise self._error(where, f"must list one value or more; got {values!r}.")
        converted = []
        for i, value in enumerate(values):
            value = self._convert((*where, i), name, value)
            if value in converted:
                raise self._error((*where, i), f"{value!r} is in the list already.")
            converted.append(value)
        return converted

    def _range(self, where, name, limits):
        self._check_keys(limits, ("low", "high", "log"), where, ("low", "high"))
        default = self._default(where, name)
        if isinstance(default, bool) or not isinstance(default, Real):
            raise self._error(where, f"can have no range: its default is {default!r}.")
        low, high = (
            self._convert((*where, end), name, limits[end]) for end in ("low", "high")
        )
        log = limits.get("log", False)
        self._check_bool((*where, "log"), log)
        if None in (low, high) or not low < high < math.inf:
            raise self._error(where, f"must have low < high; got {low!r} and {high!r}.")
        if log and low <= 0:
            raise self._error(
                (*where, "low"), f"must be above 0 with log; got {low!r}."
            )
        return {"low": low, "high": high, "log": log}

    def _repeats(self, points):
        """Return, for each repeat, the seed it sets, if any."""
        if "seeds" not in self.content:
            return [{}]
        seeds = self.content["seeds"]
        if "seed" in self.fixed or "seed" in points[0][1]:
            raise self._error(
                ("seeds",), "cannot be given where `seed` is set elsewhere."
            )
        if not isinstance(seeds, list | tuple):
            self._check_whole(("seeds",), seeds, low=1)
            seeds = range(seeds)
        return [{"seed": seed} for seed in self._list(("seeds",), "seed", list(seeds))]

    # Runs.

    def _run(self, given):
        values = self.notebook.complete(given)
        try:
            inputs = self._inputs(values.get("dataset"))
        except (OSError, ValueError) as error:
            msg = f"it reads what cannot be read here: {error}"
            raise self._error(("notebook",), msg) from error
        run_id = digest({**self.identity, "inputs": inputs, "values": values})[:16]
        return Run(run_id, given, values, inputs)

    @cache  # noqa: B019, a planner lives as long as the plan is made.
    def _inputs(self, dataset):
        return self.notebook.inputs(dataset)

    def _let_notebook_check(self, runs):
        for run, where in runs:
            reason = self.notebook.refusal(run.values)
            if reason is not None:
                point = ", ".join(f"{k} = {v!r}" for k, v in run.given.items())
                msg = f"{self.notebook.path.name} refuses {point}: {reason}"
                raise self._error(where, msg)

    # Checks.

    def _convert(self, where, name, value):
        try:
            return self.notebook.convert({name: value})[name]
        except ParameterError as error:
            raise self._error(where, str(error)) from error

    def _default(self, where, name):
        if name not in self.notebook.parameters:
            self._convert(where, name, None)
        return self.notebook.parameters[name].default

    def _check_keys(self, content, allowed, where=(), required=()):
        if not isinstance(content, dict):
            raise self._error(where, f"must map keys to values; got {content!r}.")
        for key in content:
            if key not in allowed:
                raise self._error(
                    (*where, key), f"is none of the keys {list(allowed)}."
                )
        for key in required:
            if key not in content:
                raise self._error(
                    where, f"must have the key {key!r}; got {list(content)}."
                )

    def _check_not_fixed(self, where, axes):
        for name in axes:
            if name in self.fixed:
                msg = "is an axis, so it cannot be among the fixed parameters too."
                raise self._error((*where, name), msg)

    def _check_bool(self, where, value):
        if not isinstance(value, bool):
            raise self._error(where, f"must be true or false; got {value!r}.")

    def _check_whole(self, where, value, *, low):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
            raise self._error(
                where, f"must be a whole number from {low} on; got {value!r}."
            )

    def _error(self, where, problem):
        """Return an error that begins with file, line and key."""
        lines = [
            self.lines[where[:n]]
            for n in range(len(where), -1, -1)
            if where[:n] in self.lines
        ]
        place = f"{self.path}, line {lines[0]}" if lines else str(self.path or "")
        key = "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in where)
        msg = ": ".join(part for part in (place, key.lstrip("."), problem) if part)
        return SweepError(msg)


def _draw(rng, values):
    """Draw from a list or a range, to six digits, which any machine agrees on."""
    if isinstance(values, list):
        return rng.choice(values)
    low, high, log = values["low"], values["high"], values["log"]
    if isinstance(low, int):
        return (
            round(math.exp(rng.uniform(*map(math.log, (low, high)))))
            if log
            else (rng.randint(low, high))
        )
    if log:
        return float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.6g}")
    return float(f"{rng.uniform(low, high):.6g}")


def _read_yaml(text, source):
    """Return the content of a YAML text, and the line of each key and item."""
    yaml = _import_yaml()

    class Loader(yaml.SafeLoader):
        pass

    # YAML 1.1 takes 1e-3 for a word, because it has no point.
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?\d+[eE][-+]?\d+$"),
        list("-+0123456789"),
    )
    lines = {}

    def content(node, where):
        lines.setdefault(where, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [content(item, (*where, i)) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node)
        found = {}
        for key_node, value_node in node.value:
            key = content(key_node, (*where, None))
            line = lines[(*where, key)] = key_node.start_mark.line + 1
            if not isinstance(key, str) or key in found:
                why = "is there twice" if key in found else "is not a name"
                msg = f"{source}, line {line}: the key {key!r} {why}."
                raise SweepError(msg)
            found[key] = content(value_node, (*where, key))
        return found

    try:
        loader = Loader(text)
        node = loader.get_single_node()
        return (None if node is None else content(node, ())), lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        msg = f"{source}{line}: not YAML: {getattr(error, 'problem', error)}."
        raise SweepError(msg) from error


def _import_yaml():
    try:
        import yaml
    except ImportError as error:
        msg = 'Sweeps need PyYAML. Install it with: pip install "snnlib[sweep]"'
        raise ImportError(msg) from error
    return yaml
