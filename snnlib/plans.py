"""Plans: what a sweep is to run, read from a definition and checked."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import math
import os
import random
from dataclasses import dataclass, field
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from snnlib._version import __version__
from snnlib.checks import check_path, shown
from snnlib.definitions import SweepError, read_yaml
from snnlib.digests import code_digest, run_id, version_text
from snnlib.inputs import own_inputs, unnamed_inputs
from snnlib.notebooks import Notebook, NotebookError
from snnlib.parameters import ParameterError, as_name, as_plain
from snnlib.progress import watched
from snnlib.tables import OF_RUNS

_WAYS = ("one_at_a_time", "grid", "random")
_KEYS = (
    *("notebook", "parameters", *_WAYS, "seeds", "figures", "inputs", "versions"),
    "max_rows",
)
_MOST_ROWS = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """One execution of the notebook.

    Attributes
    ----------
    id : str
        Sixteen digits of a hash over all that decides the metrics: the notebook's code,
        the values, the version and the code of ``snnlib``, and the data.
    given : dict
        The parameters that the definition names.
    values : dict
        All parameters of the notebook.
    inputs : dict of str to str
        Digests of the data it reads.
    """

    id: str
    given: dict[str, Any]
    values: dict[str, Any] = field(repr=False)
    inputs: dict[str, str] = field(repr=False)


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
        ``snnlib``.
    """

    notebook: Notebook
    rows: list[tuple[str | None, Run]]
    figures: bool
    definition: dict[str, Any] = field(repr=False)
    identity: dict[str, str] = field(repr=False)

    @property
    def runs(self) -> list[Run]:
        """The different runs, in the order of the table."""
        return list({run.id: run for _, run in self.rows}.values())


def read_plan(
    path: str | os.PathLike[str], *, parameters: dict[str, Any] | None = None
) -> Plan:
    """Read a sweep's definition from a YAML file, and check every run it asks for.

    Nothing is run, except the notebook's own check of its parameters.

    Parameters
    ----------
    path : path-like
        The definition. Its ``notebook`` is looked for from the definition's folder.
    parameters : dict of str to object, optional
        Values for all runs, in place of those under the definition's ``parameters``.

    Returns
    -------
    plan : Plan

    Raises
    ------
    SweepError
        If the definition is not one, or asks for what the notebook cannot do. The
        message begins with file, line and key.
    """
    try:
        path = check_path("path", path)
    except ValueError as error:
        raise SweepError(str(error)) from None
    try:
        # Some editors put a mark before UTF-8.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise SweepError(msg) from error
    except ValueError as error:
        msg = f"{path} is not a file of text in UTF-8: {error}."
        raise SweepError(msg) from error
    content, lines = read_yaml(text, path)
    if parameters and isinstance(content, dict):
        fixed = content.get("parameters", {})
        content["parameters"] = {
            as_name(name): value
            for values in (fixed if isinstance(fixed, dict) else {}, parameters)
            for name, value in values.items()
        }
    return _Planner(content, lines, path).plan()


def make_plan(notebook: str | os.PathLike[str], **definition: Any) -> Plan:
    """Plan a sweep from Python, with the keys that a definition in YAML has.

    NumPy's numbers and arrays become plain ones.

    Parameters
    ----------
    notebook : path-like
        The notebook to run.
    **definition
        ``parameters``, one of ``one_at_a_time``, ``grid`` and ``random``, ``seeds``,
        ``figures``, ``inputs``, ``versions`` and ``max_rows``.

    Returns
    -------
    plan : Plan

    Raises
    ------
    SweepError
        As from `read_plan`, the message beginning with the key.
    """
    if isinstance(notebook, os.PathLike):
        notebook = os.fspath(notebook)
    return _Planner({"notebook": notebook, **definition}).plan()


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
        self.max_rows = self.content.get("max_rows", _MOST_ROWS)
        self._check_whole(("max_rows",), self.max_rows, low=1)
        self.notebook = self._open_notebook()
        self.own_inputs = self._own_inputs()
        self.fixed = self._fixed()
        points = self._points()
        repeats = self._repeats(points)
        self._check_count((), len(points) * len(repeats))
        self.identity = {
            "notebook": self.notebook.digest,
            "snnlib": __version__,
            "code": code_digest(),
            **self._versions(),
        }
        rows, places = [], {}
        for (axis, point, where), seed in itertools.product(points, repeats):
            run = self._run({**self.fixed, **point, **seed})
            rows.append((axis, run))
            places.setdefault(run.id, (run, where))
        self._let_notebook_check(places.values())
        definition = as_plain(self.content)
        return Plan(self.notebook, rows, figures, definition, self.identity)

    def _open_notebook(self):
        name = self.content["notebook"]
        if not isinstance(name, str):
            raise self._error(("notebook",), f"must be a path; got {shown(name)}.")
        try:
            notebook = Notebook(self.path.parent / name if self.path else name)
        except NotebookError as error:
            raise self._error(("notebook",), str(error)) from error
        for name, parameter in notebook.parameters.items():
            if name in OF_RUNS:
                msg = f"its parameter {name!r} has the name of a column of the table."
                raise self._error(("notebook",), msg)
            try:
                parameter.plain_default()
            except ValueError as error:
                msg = (
                    f"its parameter {name!r} has the default {shown(parameter.default)}"
                    f", which no table can hold: a value {error}."
                )
                raise self._error(("notebook",), msg) from error
        return notebook

    def _own_inputs(self):
        """Return the digests of the files and modules that the definition names."""
        entries = self.content.get("inputs", [])
        if not isinstance(entries, list | tuple):
            msg = f"must list files and modules; got {shown(entries)}."
            raise self._error(("inputs",), msg)
        # Relative names begin at the definition, or where a plan is made from Python.
        folder = self.path.parent if self.path else Path()
        folders = [folder, self.notebook.path.parent]
        found = {}
        for i, entry in enumerate(entries):
            if not isinstance(entry, str) or not entry:
                msg = f"must be a file, a pattern or a module; got {shown(entry)}."
                raise self._error(("inputs", i), msg)
            try:
                found |= own_inputs(entry, folder, folders)
            except (OSError, ValueError) as error:
                raise self._error(("inputs", i), f"{error}.") from error
        unnamed = unnamed_inputs(
            self.notebook.imported_modules, self.notebook.texts, folders, found
        )
        for what in unnamed:
            logger.warning(
                "%s %s, which is not among the inputs of the sweep: it may change, "
                "and what is finished will not be run again.",
                *(self.notebook.path.name, what),
            )
        return found

    def _versions(self):
        """Return the versions that ids are to rest on, if the definition says so."""
        is_asked = self.content.get("versions", False)
        self._check_bool(("versions",), is_asked)
        if not is_asked:
            return {}
        return {"versions": version_text()}

    def _fixed(self):
        values = self.content.get("parameters", {})
        if not isinstance(values, dict):
            raise self._error(
                ("parameters",), f"must map names to values; got {shown(values)}."
            )
        return {
            name: self._convert(("parameters", name), name, value)
            for name, value in self._by_name(("parameters",), values).items()
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
        self._check_count(("grid",), math.prod(map(len, axes.values())))
        return [
            (None, dict(zip(axes, values, strict=True)), ("grid",))
            for values in itertools.product(*axes.values())
        ]

    def _random(self):
        drawn = self.content["random"]
        self._check_keys(drawn, ("n", "seed", "axes"), ("random",), ("n", "axes"))
        n, seed = drawn["n"], drawn.get("seed", 0)
        self._check_whole(("random", "n"), n, low=1)
        self._check_count(("random", "n"), n)
        self._check_whole(("random", "seed"), seed, low=0)
        axes = self._axes(("random", "axes"), drawn["axes"], ranges=True)
        self._check_not_fixed(("random", "axes"), axes)
        rng = random.Random(int(seed))
        points, misses = {}, 0
        # A point that is as rare as one of a thousand of each found is not missed.
        while len(points) < n and misses < 1000 * (len(points) + 1):
            point = {name: _draw(rng, values) for name, values in axes.items()}
            is_new = points.setdefault(_key(point), point) is point
            misses = 0 if is_new else misses + 1
        if len(points) < n:
            msg = (
                f"asks for {shown(n)} points, but only {len(points)} different ones "
                "were found."
            )
            raise self._error(("random", "n"), msg)
        return [(None, point, ("random",)) for point in points.values()]

    def _axes(self, where, axes, *, ranges=False):
        if not isinstance(axes, dict) or not axes:
            msg = (
                f"must name a parameter or more, with their values; got {shown(axes)}."
            )
            raise self._error(where, msg)
        return {
            name: self._range((*where, name), name, values)
            if ranges and isinstance(values, dict)
            else self._list((*where, name), name, values)
            for name, values in self._by_name(where, axes).items()
        }

    def _list(self, where, name, values):
        self._default(where, name)
        values = _listed(values)
        if not isinstance(values, list | tuple) or not values:
            msg = f"must list one value or more; got {shown(values)}."
            raise self._error(where, msg)
        self._check_count(where, len(values))
        converted = {}
        for i, value in enumerate(values):
            value = self._convert((*where, i), name, value)
            if _key(value) in converted:
                msg = f"{shown(value)} is in the list already."
                raise self._error((*where, i), msg)
            converted[_key(value)] = value
        return list(converted.values())

    def _range(self, where, name, limits):
        self._check_keys(limits, ("low", "high", "log"), where, ("low", "high"))
        default = self._default(where, name)
        if isinstance(default, bool) or not isinstance(default, Real):
            msg = f"can have no range: its default is {shown(default)}."
            raise self._error(where, msg)
        low, high = (
            self._convert((*where, end), name, limits[end]) for end in ("low", "high")
        )
        log = limits.get("log", False)
        self._check_bool((*where, "log"), log)
        if None in (low, high) or not -math.inf < low < high < math.inf:
            msg = f"must have low < high; got {shown(low)} and {shown(high)}."
            raise self._error(where, msg)
        if isinstance(low, float) and math.isinf(high - low):
            msg = f"must be within a float's range; got from {low!r} to {high!r}."
            raise self._error(where, msg)
        if log and low <= 0:
            raise self._error(
                (*where, "low"), f"must be above 0 with log; got {shown(low)}."
            )
        return {"low": low, "high": high, "log": log}

    def _repeats(self, points):
        """Return, for each repeat, the seed it sets, if any."""
        if "seeds" not in self.content:
            return [{}]
        seeds = self.content["seeds"]
        if "seed" in self.fixed or any("seed" in point for _, point, _ in points):
            raise self._error(
                ("seeds",), "cannot be given where `seed` is set elsewhere."
            )
        seeds = _listed(seeds)
        if not isinstance(seeds, list | tuple):
            self._check_whole(("seeds",), seeds, low=1)
            self._check_count(("seeds",), seeds)
            seeds = list(range(seeds))
        return [{"seed": seed} for seed in self._list(("seeds",), "seed", seeds)]

    # Runs.

    def _run(self, given):
        values = self.notebook.complete(given)
        dataset = values.get("dataset")
        try:
            # The names of data sets are words.
            inputs = self._inputs(dataset if isinstance(dataset, str) else None)
        except (OSError, ValueError) as error:
            msg = f"it reads what cannot be read here: {error}"
            raise self._error(("notebook",), msg) from error
        return Run(run_id(self.identity, inputs, values), given, values, inputs)

    @cache  # noqa: B019, a planner lives as long as the plan is made.
    def _inputs(self, dataset):
        return {**self.notebook.inputs(dataset), **self.own_inputs}

    def _let_notebook_check(self, runs):
        runs = list(runs)
        reasons = self.notebook.refusals(run.values for run, _ in runs)
        with contextlib.closing(reasons):
            both = zip(runs, reasons, strict=True)
            for (run, where), reason in watched(both, "checking runs", len(runs)):
                if reason is not None:
                    point = ", ".join(f"{k} = {shown(v)}" for k, v in run.given.items())
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
            msg = f"must map keys to values; got {shown(content)}."
            raise self._error(where, msg)
        for key in content:
            if key not in allowed:
                msg = f"is none of the keys {list(allowed)}."
                raise self._error((*where, key), msg)
        for key in required:
            if key not in content:
                msg = f"must have the key {key!r}; got {shown(list(content))}."
                raise self._error(where, msg)

    def _by_name(self, where, content):
        """Return a mapping with its keys as Python reads names."""
        found = {}
        for key, value in content.items():
            name = as_name(key)
            if name in found:
                raise self._error((*where, key), "is there twice.")
            found[name] = value
        return found

    def _check_not_fixed(self, where, axes):
        for name in axes:
            if name in self.fixed:
                msg = "is an axis, so it cannot be among the fixed parameters too."
                raise self._error((*where, name), msg)

    def _check_bool(self, where, value):
        if not isinstance(value, bool):
            raise self._error(where, f"must be true or false; got {shown(value)}.")

    def _check_whole(self, where, value, *, low):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
            msg = f"must be a whole number from {low} on; got {shown(value)}."
            raise self._error(where, msg)

    def _check_count(self, where, n):
        if n > self.max_rows:
            msg = (
                f"asks for {shown(n)} rows, and a sweep has at most {self.max_rows}, "
                "unless its key max_rows names more."
            )
            raise self._error(where, msg)

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


def _listed(values):
    """Return an array as a list, and anything else as it is."""
    is_array = hasattr(values, "tolist") and not isinstance(values, type)
    return values.tolist() if is_array else values


def _key(value):
    """Return what two values share only if a run of one is a run of the other."""
    return json.dumps(value, sort_keys=True)


def _draw(rng, values):
    """Draw from a list or a range, to six digits, which any machine agrees on."""
    if isinstance(values, list):
        return rng.choice(values)
    low, high, log = values["low"], values["high"], values["log"]
    if isinstance(low, int) and not log:
        return rng.randint(low, high)
    value = (
        math.exp(rng.uniform(math.log(low), math.log(high)))
        if log
        else rng.uniform(low, high)
    )
    value = round(value) if isinstance(low, int) else float(f"{value:.6g}")
    # Rounding may have led out of the range.
    return min(max(value, low), high)
