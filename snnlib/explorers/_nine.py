"""The lines of the paper's nine panels, wherever the committed tables have runs."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from snnlib.committed import find_committed, read_committed
from snnlib.explorers._description import describe
from snnlib.panels import VALUES
from snnlib.verdicts import (
    BASE,
    Answer,
    Setting,
    effect_between,
    parts_at,
    read_decisions,
    runs_along,
    runs_by_setting,
    ways_of,
)

CLAIMS = {1: (1,), 2: (2,), 3: (3, 4)}
SPLITS = {"many": "many", "one": "one", "paper": "one, as the paper"}
_AMPLITUDES = {"fixed": "fixed", "1/max_rate": "1 / max_rate"}
_SINGLE = {1: ("paper_linear_regression", "mspe", 1)}
_SINGLE[2] = ("paper_logistic_regression", "accuracy", 100)
_NO_ENDS = (np.nan, np.nan)


class Line(NamedTuple):
    """What a panel shows at one setting."""

    values: tuple[float, ...]
    """Of the panel's parameter, where there are runs."""
    scores: tuple[float, ...]
    """MSPE, or accuracy in percent."""
    ends: tuple[tuple[float, float], ...]
    """Of the interval of each; NaN where there is none."""
    about: str
    """What the scores are of."""


class Place(NamedTuple):
    """One of the nine panels."""

    name: str
    experiment: int
    parameter: str

    @property
    def by(self) -> tuple[str, ...]:
        """Names of the controls that the panel follows."""
        ways = [n for n in ways_of(self.experiment) if n != self.parameter]
        return (*ways, "splits")


PLACES = tuple(
    Place(letter, *its)
    for letter, its in zip("abcdefghi", itertools.product(CLAIMS, BASE), strict=True)
)


@cache
def stops():
    """Return what each control can be set to: the paper's values, and the tables'."""
    return {
        **{name: [*values] for name, values in VALUES.items()},
        "readout": ["last", "mean"],
        "initial_voltage": ["zero", "uniform"],
        "amplitude": [*_AMPLITUDES],
        "passes": sorted({float(key[-1]) for key in runs_by_setting(3)}),
        "splits": [*SPLITS],
    }


@cache
def start():
    """Return where the controls stand as the paper had it."""
    paper = Setting()
    trained = stops()["passes"]
    passes = paper.passes if paper.passes in trained else trained[-1]
    return {**paper._asdict(), "passes": passes, "splits": "many"}


def label(name, value):
    """Write a value of a control for a reader."""
    if name == "passes":
        return f"{value:g} pass{'' if value == 1 else 'es'}"
    return {**_AMPLITUDES, **SPLITS}.get(value) or describe(name, value)


def line_of(place: Place, setting: Setting, splits: str) -> Line | None:
    """Return what a panel shows at a setting, or None where two values were not run.

    Parameters
    ----------
    place : Place
        One of `PLACES`.
    setting : Setting
        Where to look; the panel varies its own parameter, whatever the setting has.
    splits : {"many", "one", "paper"}
        All splits or seeds with intervals, the first of them, or the paper's protocol:
        one split of its own, or the first 200 images.

    Returns
    -------
    line : Line or None
        Ends are as from `snnlib.panel`: those of the interval of the paired difference
        from the paper's value, which has none itself.
    """
    aside = [name for name in Setting._fields if name not in place.by]
    return _line(place, setting.without(*aside), splits)


@cache
def _line(place, setting, splits):
    experiment = place.experiment
    at = {v: setting._replace(**{place.parameter: v}) for v in VALUES[place.parameter]}
    if splits == "paper" and experiment in _SINGLE:
        single = _single(experiment, place.parameter)
        found = {v: single[its[:-1]] for v, its in at.items() if its[:-1] in single}
        about = "split 0, as the paper"
    else:
        # Whatever is drawn as one line was tested on the same images.
        along = runs_along(experiment, [*at.values()])
        runs = {v: r for v, r in zip(at, along, strict=True) if r is not None}
        score = _score if splits == "many" else _first
        found = {v: score(experiment, its, splits) for v, its in runs.items()}
        about = _about(experiment, [*runs.values()], splits) if runs else ""
    if len(found) < 2:
        return None
    ends = (_NO_ENDS,) * len(found)
    if splits == "many":
        ends = tuple(_ends(experiment, runs, found, BASE[place.parameter]))
    return Line(tuple(found), tuple(found.values()), ends, about)


@cache
def _single(experiment, parameter):
    """Return the scores of the paper's protocol along a panel, by setting."""
    name, measure, scale = _SINGLE[experiment]
    if not find_committed(name):
        return {}
    table = read_committed(name, axis=parameter).assign(amplitude="fixed")
    keys = table[[*ways_of(experiment)]].itertuples(index=False, name=None)
    return dict(zip(keys, (scale * table[measure]).tolist(), strict=True))


def _score(experiment, runs, splits="many"):  # noqa: ARG001
    """Return the mean over splits or networks; of MSPE the geometric one."""
    if experiment == 1:
        return float(np.exp(np.log(runs["mspe_by_split"].iloc[0]).mean()))
    if experiment == 2:
        return float(100 * runs["accuracy_by_split"].iloc[0].mean())
    return float(runs["accuracy"].mean())


def _first(experiment, runs, splits):
    """Return the score of the first split, or of the first network."""
    if experiment == 1:
        return float(runs["mspe_by_split"].iloc[0][0])
    if experiment == 2:
        return float(100 * runs["accuracy_by_split"].iloc[0][0])
    column = "accuracy_200" if splits == "paper" else "accuracy"
    return float(runs[column].iloc[0])


def scores_of(experiment):
    """Return the scores of all runs of an experiment, where axes have to reach."""
    return [_score(experiment, runs) for runs in runs_by_setting(experiment).values()]


def ends_of(experiment):
    """Return the ends of all intervals where only read-out and start are moved."""
    ways = itertools.product(stops()["readout"], stops()["initial_voltage"])
    settings = [Setting(readout=readout, initial_voltage=v) for readout, v in ways]
    places = [place for place in PLACES if place.experiment == experiment]
    lines = (line_of(*at, "many") for at in itertools.product(places, settings))
    return [e for line in lines if line for e in np.ravel(line.ends) if not np.isnan(e)]


def _ends(experiment, runs, scores, base):
    """Yield the ends of each interval of the difference from the paper's value."""
    confidence = read_decisions()["rule"]["confidence"]
    for value, its in runs.items():
        effect = None
        if value != base and base in runs:
            effect = effect_between(experiment, its, runs[base])
        if effect is None:
            yield _NO_ENDS
            continue
        low, high = effect.interval(confidence)
        if experiment == 1:
            # The effect is a logarithm of roots, and MSPE is a square.
            yield tuple(scores[base] * np.exp([2 * low, 2 * high]))
        else:
            # More errors are less accuracy, of which there is none beyond 0 and 100.
            yield tuple(np.clip([scores[base] - high, scores[base] - low], 0, 100))


def _about(experiment, runs, splits):
    """Return in words what the scores of a panel are of."""
    if experiment != 3:
        first = runs[0].iloc[0]
        n = int(first["n_splits"])
        return f"{n} splits" if splits == "many" else f"split {first['seed']}"
    passes = label("passes", runs[0]["passes"].iloc[0])
    sizes = {200} if splits == "paper" else {int(its["n_test"].iloc[0]) for its in runs}
    n = _range({1} if splits != "many" else {len(its) for its in runs})
    networks = "network" if n == "1" else "networks"
    return f"{n} {networks}, {passes}, {_range(sizes)} images"


def _range(counts):
    return "-".join(f"{it:,}" for it in dict.fromkeys((min(counts), max(counts))))


def parts_of(place: Place, setting: Setting, splits: str) -> list[Answer]:
    """Return the answers that stand below a panel.

    Parameters
    ----------
    place : Place
        One of `PLACES`.
    setting : Setting
        Where to ask.
    splits : {"many", "one", "paper"}
        Only many splits or seeds give an answer by the rule.

    Returns
    -------
    parts : list of Answer
        From `parts_at`, with "one split" or "one seed" in place of "one".
    """
    its = [
        part
        for claim in CLAIMS[place.experiment]
        for part in parts_at(claim, setting)
        if part.part.split()[0] == place.parameter
    ]
    # Claim 3 is about single rates.
    its = [*parts_at(3, setting), *its] if place.name == "g" else its
    one = "one seed" if place.experiment == 3 else "one split"
    if line_of(place, setting, splits) is None:
        return [Answer(part.part, "none") for part in its]
    if splits != "many":
        return [Answer(part.part, one) for part in its]
    return [it._replace(answer=one) if it.answer == "one" else it for it in its]


@cache
def combinations(place):
    """Return the settings of the controls that a panel follows, each with its line."""
    return {
        values: line_of(place, setting_of(place, values), values[-1])
        for values in itertools.product(*(stops()[name] for name in place.by))
    }


def setting_of(place, values):
    """Return the setting that values of a panel's controls stand for."""
    return Setting(**dict(zip(place.by[:-1], values, strict=False)))


@cache
def why_empty(place, here):
    """Say in one sentence what would have to be set otherwise for there to be runs."""
    there, numbers = _numbered(place)
    apart = numbers != _numbers(place, here)
    distances = apart.sum(axis=1)
    changes: dict[tuple[str, ...], dict[str, Any]] = {}
    for at in np.flatnonzero(distances == distances.min()):
        new = {place.by[i]: there[at][i] for i in np.flatnonzero(apart[at])}
        if tuple(new) not in changes or new.items() <= start().items():
            changes[tuple(new)] = new
    ways = [
        " and ".join(f"{name} {label(name, value)}" for name, value in new.items())
        for new in changes.values()
    ]
    nearest = ", or ".join(ways[:2])
    return f"Not run: the nearest runs of experiment {place.experiment} have {nearest}."


@cache
def _numbered(place):
    """Return where a panel has runs, as values and as the numbers of their stops."""
    there = [key for key, line in combinations(place).items() if line is not None]
    return there, np.array([_numbers(place, key) for key in there])


def _numbers(place, values):
    return [stops()[n].index(v) for n, v in zip(place.by, values, strict=True)]
