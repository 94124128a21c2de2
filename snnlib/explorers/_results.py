"""The paper's nine panels, from the committed tables, with what it held fixed moved."""

from __future__ import annotations

import base64
import itertools
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlib.committed import find_committed, read_committed
from snnlib.explorers import _picture
from snnlib.explorers._description import (
    Note,
    Panel,
    Readout,
    Series,
    View,
    describe,
    make_limits,
)
from snnlib.explorers._explorer import Explorer, check_names, documented
from snnlib.files import plain
from snnlib.panels import UNITS, VALUES
from snnlib.verdicts import (
    BASE,
    Answer,
    Setting,
    effect_between,
    parts_at,
    read_decisions,
    runs_at,
    runs_by_setting,
    verdict_at,
    ways_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LETTERS = "abcdefghi"
_WORDS = {
    "yes": "\u2714 holds",
    "no": "\u2718 does not hold",
    "open": "? open",
    "one seed": "? open: one seed",
    "one split": "? open: one split",
    "none": "\u2013 not run",
    "reproduced": "\u2714 holds",
    "not reproduced": "\u2718 does not hold",
    "in part": "\u25d0 holds in part",
}
_SPLITS = ("many", "one", "paper")
_SINGLE = {1: ("paper_linear_regression", "mspe", 1)}
_SINGLE[2] = ("paper_logistic_regression", "accuracy", 100)
_CLAIMS = {1: (1,), 2: (2,), 3: (3, 4)}
_MOST_NETWORKS_ALIKE = "{low} to {high}"
# Sixteen bits a number: MSPE in steps of 0.06 %, accuracy in steps of 0.01 points.
_EMPTY = 0xFFFF
_STEPS_OF_MSPE, _LEAST_POWER = 4000, -4
_STEPS_OF_ACCURACY = 100
_MISSING = 0x8000


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


class _Drawn(NamedTuple):
    """One of the nine panels, and what its line depends on."""

    name: str
    experiment: int
    parameter: str

    @property
    def by(self):
        """Names of the controls that the panel follows."""
        ways = [n for n in ways_of(self.experiment) if n != self.parameter]
        return (*ways, "splits")


DRAWN = tuple(
    _Drawn(letter, experiment, parameter)
    for letter, (experiment, parameter) in zip(
        _LETTERS, itertools.product((1, 2, 3), BASE), strict=True
    )
)


@cache
def line_at(experiment: int, parameter: str, setting: Setting, splits: str) -> Any:
    """Return what a panel shows at a setting, or None where two values were not run.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    parameter : {"max_rate", "tau_rc", "synapse"}
        What is varied, whatever the setting has of it.
    setting : Setting
        All else.
    splits : {"many", "one", "paper"}
        All splits or seeds with intervals, the first of them, or the paper's protocol:
        one split of its own, or the first 200 images.

    Returns
    -------
    line : Line or None
        Ends are as from `snnlib.panel`: those of the interval of the paired difference
        from the paper's value, which has none itself.
    """
    at = {v: setting._replace(**{parameter: v}) for v in VALUES[parameter]}
    if splits == "paper" and experiment in _SINGLE:
        found = {
            v: _single(experiment, parameter).get(key[:-1]) for v, key in at.items()
        }
        found = {v: score for v, score in found.items() if score is not None}
        return _without_ends(found, "split 0, as the paper")
    runs = {v: runs_at(experiment, key) for v, key in at.items()}
    runs = {v: its for v, its in runs.items() if its is not None}
    if len(runs) < 2:
        return None
    about = _about(experiment, [*runs.values()], splits)
    if splits != "many":
        first = {v: _first(experiment, its, splits) for v, its in runs.items()}
        return _without_ends(first, about)
    scores = {v: _score(experiment, its) for v, its in runs.items()}
    ends = _ends(experiment, runs, scores, BASE[parameter])
    return Line(tuple(scores), tuple(scores.values()), tuple(ends), about)


def _without_ends(scores, about):
    if len(scores) < 2:
        return None
    ends = ((np.nan, np.nan),) * len(scores)
    return Line(tuple(scores), tuple(scores.values()), ends, about)


@cache
def _single(experiment, parameter):
    """Return the scores of the paper's protocol along a panel, by setting."""
    name, measure, scale = _SINGLE[experiment]
    if not find_committed(name):
        return {}
    table = read_committed(name, axis=parameter).assign(amplitude="fixed")
    keys = table[[*ways_of(experiment)]].itertuples(index=False, name=None)
    return dict(zip(keys, (scale * table[measure]).tolist(), strict=True))


def _score(experiment, runs):
    """Return the mean over splits or networks; of MSPE the geometric one."""
    if experiment == 1:
        return float(np.exp(np.log(runs.iloc[0]["mspe_by_split"]).mean()))
    if experiment == 2:
        return float(100 * runs.iloc[0]["accuracy_by_split"].mean())
    return float(runs["accuracy"].mean())


def _first(experiment, runs, splits):
    """Return the score of the first split, or of the first network."""
    row = runs.iloc[0]
    if experiment == 1:
        return float(row["mspe_by_split"][0])
    if experiment == 2:
        return float(100 * row["accuracy_by_split"][0])
    return float(row["accuracy_200" if splits == "paper" else "accuracy"])


def _ends(experiment, runs, scores, base):
    """Yield the ends of the interval of each score, beside that of the paper's value."""
    confidence = read_decisions()["rule"]["confidence"]
    for value, its in runs.items():
        effect = None
        if value != base and base in runs:
            effect = effect_between(experiment, its, runs[base])
        if effect is None:
            yield np.nan, np.nan
            continue
        low, high = effect.interval(confidence)
        if experiment == 1:
            # The effect is a logarithm of roots, and MSPE is a square.
            yield tuple(scores[base] * np.exp(2 * np.array([low, high])))
        else:
            # More errors are less accuracy, of which there is none beyond 0 and 100.
            yield tuple(np.clip(scores[base] - np.array([high, low]), 0, 100))


def _about(experiment, runs, splits):
    """Return in words what the scores of a panel are of."""
    if experiment != 3:
        first, n = (int(runs[0].iloc[0][name]) for name in ("seed", "n_splits"))
        return f"{n} splits" if splits == "many" else f"split {first}"
    counts = {len(its) for its in runs}
    row = runs[0].iloc[0]
    n_images = 200 if splits == "paper" else int(row["n_test"])
    of = f"{row['passes']:g} pass{'es' if row['passes'] != 1 else ''}"
    if splits != "many":
        return f"1 network, {of}, {n_images:,} images"
    n = "-".join(f"{count}" for count in sorted({min(counts), max(counts)}))
    return f"{n} network{'s' if n != '1' else ''}, {of}, {n_images:,} images"


def parts_of(drawn: _Drawn, setting: Setting, splits: str) -> list[Answer]:
    """Return the answers that stand below a panel.

    Parameters
    ----------
    drawn : _Drawn
        One of `DRAWN`.
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
        for claim in _CLAIMS[drawn.experiment]
        for part in parts_at(claim, setting)
        if part.part.split()[0] == drawn.parameter
    ]
    if drawn.name == "g":
        its = [*parts_at(3, setting), *its]
    one = "one seed" if drawn.experiment == 3 else "one split"
    if splits != "many":
        return [Answer(part.part, one) for part in its]
    return [p._replace(answer=one) if p.answer == "one" else p for p in its]


class _ResultsExplorer(Explorer):
    """The nine panels, wherever the tables have them."""

    kind = "results"
    scripts = ("_results.js",)
    title = "The paper's figure under your hands"
    default_sliders = (
        *("readout", "initial_voltage", "synapse", "amplitude", "passes", "splits"),
    )
    default_guess = ({"readout": "mean"}, "synapse_1")
    default_question = (
        "The paper does not say when it read its outputs. Set readout to mean. Which "
        "of its claims turn, and in which panel do you see why?"
    )

    def __init__(self, start, **texts):
        self.stops = _stops()
        self.sentence = _sentence()
        self.panels, self.readouts = _panels(), _readouts()
        self.default_answer = "" if texts["question"] else _answer()
        if texts["presets"] is None:
            texts["presets"] = _presets(self.stops)
        labels = {
            name: [_label(name, value) for value in values]
            for name, values in self.stops.items()
        }
        super().__init__(None, self.stops, start, labels=labels, **texts)

    def _checked(self, values):
        values = plain(values)
        for name, value in values.items():
            if isinstance(value, bool) or value not in self.stops[name]:
                msg = f"{name} must be one of {self.stops[name]}; got {value!r}."
                raise ValueError(msg)
        return values

    def _compute(self, *, splits, **ways):
        setting = Setting(**ways)
        series, notes, scores = {}, {}, {}
        for drawn in DRAWN:
            line = line_at(
                drawn.experiment,
                drawn.parameter,
                _without(setting, drawn),
                splits,
            )
            for name, points in _points(drawn, line).items():
                series[f"{drawn.name}.{name}"] = points
            notes[drawn.name] = self._note(drawn, setting, splits, line)
            scores[drawn.name] = (
                dict(zip(line.values, line.scores, strict=True)) if line else {}
            )
        readouts = {
            f"claim_{claim}": _WORDS[_verdict(claim, setting, splits)]
            for claim in (1, 2, 3, 4)
        }
        for number, name in _COMPARED:
            readouts[f"{name}_{number}"] = _compared(number, name, scores)
        return View(series, readouts, notes=notes)

    def _note(self, drawn, setting, splits, line):
        parts = parts_of(drawn, setting, splits)
        if line is None:
            parts = [Answer(part.part, "none") for part in parts]
        lines = [
            [_state(it.answer), f"{_WORDS[it.answer]}: {it.part}", it.words]
            for it in parts
        ]
        why = "" if line else self._why(drawn, setting, splits)
        return Note([*lines, ["", line.about if line else "no runs", ""]], why)

    def _why(self, drawn, setting, splits):
        """Say in one sentence where the nearest runs of a panel are."""
        here = [*(getattr(setting, n) for n in drawn.by[:-1]), splits]
        return _nearest(drawn, tuple(here))

    def _data(self):
        return _packed()

    def _png(self, view):
        return _picture.small_png(_picture.draw(self.panels, view))


def _state(answer):
    """Return what colour an answer has."""
    return answer if answer in {"yes", "no"} else "open"


def _without(setting, drawn):
    """Return a setting without what its panel does not follow."""
    ways = ways_of(drawn.experiment)
    aside = {n: None for n in Setting._fields if n not in ways or n == drawn.parameter}
    return setting._replace(**aside)


def _verdict(claim, setting, splits):
    """Return the verdict on a claim; of one split or seed there is none."""
    one = "one split" if claim in {1, 2} else "one seed"
    found = verdict_at(claim, parts_at(claim, setting))
    if found == "none":
        return found
    return one if splits != "many" or found == "one" else found


def _stops():
    """Return what each control can be set to: the paper's values, and the tables'."""
    passes = sorted({float(key[-1]) for key in runs_by_setting(3)})
    return {
        **{name: [*values] for name, values in VALUES.items()},
        "readout": ["last", "mean"],
        "initial_voltage": ["zero", "uniform"],
        "amplitude": ["fixed", "1/max_rate"],
        "passes": passes,
        "splits": [*_SPLITS],
    }


def _label(name, value):
    """Write a value of a control for a reader."""
    if name == "passes":
        return f"{value:g} pass{'es' if value != 1 else ''}"
    if name == "amplitude":
        return {"fixed": "as the paper", "1/max_rate": "1 / max_rate"}[value]
    if name == "splits":
        return {"many": "many", "one": "one", "paper": "one, as the paper"}[value]
    return describe(name, value)


def _presets(stops):
    """Return states to jump to, of which some need networks of another training."""
    least = min(stops["passes"])
    return {
        "the paper's protocol": {"splits": "paper"},
        "read as a mean": {"readout": "mean"},
        "a random start": {"initial_voltage": "uniform"},
        "synapse 0.001 s": {"synapse": 0.001},
        f"{_label('passes', least)} of training": {"passes": least},
        "1 / max_rate": {"amplitude": "1/max_rate", "passes": least},
    }


def _sentence():
    return (
        "You are looking at the paper's Figure 4, drawn from the committed tables. Bars "
        "are 95 % intervals of the paired difference from the hollow point, the paper's "
        "own value. Experiments 1 and 2 are repeated on the same splits; the networks "
        "of experiment 3 differ in their seeds, and it is said below a panel how long "
        "they were trained and on how many images they were tested. The rule, its "
        "margins and the values it compares were decided beforehand and stay where they "
        "are. Numbers are rounded here: MSPE to "
        f"{100 * np.log(10) / (2 * _STEPS_OF_MSPE):.2f} %, accuracy to "
        f"{1 / (2 * _STEPS_OF_ACCURACY):g} points."
    )


def _answer():
    """Return which verdicts turn from the last step to the mean, and why."""
    last, mean = Setting(), Setting(readout="mean")
    turned = []
    for claim in (1, 2, 3, 4):
        before, after = (
            _WORDS[_verdict(claim, setting, "many")] for setting in (last, mean)
        )
        if before != after:
            turned.append(
                f"claim {claim} from \u201c{before}\u201d to \u201c{after}\u201d"
            )
    sizes = [
        next(it.words for it in parts_at(1, setting) if it.part == "synapse matters")
        for setting in (last, mean)
    ]
    return (
        f"[As a mean](readout=mean), {'; '.join(turned) or 'none'}. Panel (c) shows it: "
        f"between the two values that are compared, {sizes[0]} becomes {sizes[1]}. A "
        "mean over half a presentation does what a longer synapse would have done."
    )


def _group(experiment):
    """Return the claims of an experiment in the words of the decisions."""
    claims = read_decisions()["claims"]
    return " ".join(
        f"Claim {number}. {claims[str(number)]['text']}"
        for number in _CLAIMS[experiment]
    )


def _readouts():
    claims = [
        Readout(f"claim_{claim}", f"claim {claim}", spoken=True, group=_group(number))
        for number, its in _CLAIMS.items()
        for claim in its
    ]
    return tuple(claims) + tuple(
        Readout(f"{name}_{number}", _of_compared(number, name), unit, digits)
        for (number, name), (unit, digits) in _COMPARED.items()
    )


# What the paper's claims make most of, as unit and digits.
_COMPARED = {
    (1, "synapse"): ("", 2),
    (2, "synapse"): ("points", 1),
    (3, "max_rate"): ("points", 1),
}


def _of_compared(number, name):
    """Return the label of what two values of a parameter are to each other."""
    first, second = read_decisions()["contrasts"][str(number)][name]
    ends = f"{describe(name, first)}", f"{describe(name, second)}"
    if number == 1:
        return f"experiment 1: MSPE at {ends[0]}, times that at {ends[1]}"
    return f"experiment {number}: accuracy at {ends[1]}, above that at {ends[0]}"


def _compared(number, name, scores):
    """Return how much two values of a parameter differ, from the line of its panel."""
    (drawn,) = (d for d in DRAWN if (d.experiment, d.parameter) == (number, name))
    line = scores[drawn.name]
    first, second = read_decisions()["contrasts"][str(number)][name]
    if first not in line or second not in line:
        return "not run"
    if number == 1:
        return line[first] / line[second]
    return line[second] - line[first]


def _points(drawn, line):
    """Return what a panel draws, by name of the series."""
    level = _level(drawn)
    found = {"level": ([], [level[1]])} if level else {}
    if line is None:
        return {**found, **dict.fromkeys(("bars", "scores", "runs", "base"), ([], []))}
    with_ends = [
        (value, *ends)
        for value, ends in zip(line.values, line.ends, strict=True)
        if not np.isnan(ends[0])
    ]
    bars = [value for value, *_ in with_ends for _ in range(2)]
    base = BASE[drawn.parameter]
    apart = [i for i, value in enumerate(line.values) if value == base]
    others = [i for i in range(len(line.values)) if i not in apart]

    def at(places):
        return [line.values[i] for i in places], [line.scores[i] for i in places]

    return {
        **found,
        "bars": (bars, [end for _, *ends in with_ends for end in ends]),
        "scores": ([*line.values], [*line.scores]),
        "runs": at(others),
        "base": at(apart),
    }


def _level(drawn):
    """Return the label and the height of what a panel is compared with, or None."""
    if drawn.experiment == 2:
        runs = runs_at(2, Setting())
        return "majority class", float(100 * runs.iloc[0]["mean_accuracy_majority"])
    if drawn.experiment == 3:
        return "poor below", float(read_decisions()["claims"]["3"]["poor"])
    return None


_SCALES = {1: "log", 2: "linear", 3: "errors"}
_MARKS = {
    1: [1, 5, 10, 50, 100, 500, 1000, 5000],
    2: [10.0 * ten for ten in range(1, 10)],
    3: [0, 50, 80, 90, 95, 98, 99],
}


def _panels():
    limits = {number: _limits(number) for number in (1, 2, 3)}
    return tuple(
        _panel(drawn, limits[drawn.experiment], _group(drawn.experiment))
        for drawn in DRAWN
    )


def _panel(drawn, y_limits, group):
    experiment, parameter = drawn.experiment, drawn.parameter
    measure = "MSPE (%)" if experiment == 1 else "accuracy (%)"
    level = _level(drawn)
    values = VALUES[parameter]
    x_scale = "log" if parameter == "synapse" else "linear"
    x_limits = (
        [values[0] / 1.6, values[-1] * 1.6]
        if x_scale == "log"
        else make_limits(values, 0.08)
    )
    series = (
        Series("bars", "bars", "spiking", "95 % interval"),
        Series("scores", "line", "spiking", "score"),
        Series("runs", "points", "spiking", ""),
        Series("base", "points", "spiking", "compared with", hollow=True),
    )
    if level:
        series = (Series("level", "level", "baseline", level[0], dashed=True), *series)
    return Panel(
        drawn.name,
        f"({drawn.name}) {parameter}",
        UNITS[parameter],
        measure,
        series,
        f"Panel ({drawn.name}): {measure} of experiment {experiment} against "
        f"{UNITS[parameter]}, with a bar for each interval.",
        x_limits=x_limits,
        y_limits=y_limits,
        x_scale=x_scale,
        y_scale=_SCALES[experiment],
        x_marks=[*values],
        y_marks=_MARKS[experiment],
        group=group,
    )


def _limits(experiment):
    """Return where the axes of an experiment's panels end: around all that was run."""
    scores = [_score(experiment, runs) for runs in runs_by_setting(experiment).values()]
    low, high = min(scores), max(scores)
    if experiment == 1:
        return [low / 1.3, high * 1.3]
    if experiment == 2:
        return make_limits(scores, 0.1)
    # A tenth more errors below, and a third fewer above.
    return [100 - 1.1 * (100 - low), 100 - (100 - high) / 1.5]


# For the page.


@cache
def _combinations(drawn):
    """Return all settings of the controls that a panel follows, and their lines."""
    stops = _stops()
    found = {}
    for values in itertools.product(*(stops[name] for name in drawn.by)):
        ways = dict(zip(drawn.by[:-1], values, strict=False))
        setting = _without(Setting(**ways), drawn)
        found[values] = line_at(drawn.experiment, drawn.parameter, setting, values[-1])
    return found


@cache
def _nearest(drawn, here):
    """Say in one sentence what would have to be set otherwise for there to be runs."""
    there = [key for key, line in _combinations(drawn).items() if line is not None]
    start = {**Setting()._asdict(), "splits": "many"}
    changed: dict[tuple[str, ...], tuple[Any, ...]] = {}
    apart = [sum(a != b for a, b in zip(key, here, strict=True)) for key in there]
    for key, distance in zip(there, apart, strict=True):
        if distance > min(apart):
            continue
        names = tuple(n for n, a, b in zip(drawn.by, key, here, strict=True) if a != b)
        values = tuple(v for v, b in zip(key, here, strict=True) if v != b)
        is_start = [start[n] for n in names] == [*values]
        if names not in changed or is_start:
            changed[names] = values
    alternatives = [
        " and ".join(f"{n} {_label(n, v)}" for n, v in zip(names, values, strict=True))
        for names, values in changed.items()
    ]
    nearest = " or ".join(alternatives[:2])
    return f"Not run: the nearest runs of experiment {drawn.experiment} have {nearest}."


@cache
def _packed():
    """Return all that the panels can show, in as few bytes as can be seen."""
    stops = _stops()
    return {
        "stops": stops,
        "words": _WORDS,
        "base": BASE,
        "empty": _EMPTY,
        "missing": _MISSING,
        "scales": {
            "mspe": [_STEPS_OF_MSPE, _LEAST_POWER],
            "accuracy": _STEPS_OF_ACCURACY,
        },
        "panels": [_packed_panel(drawn) for drawn in DRAWN],
        "claims": [_packed_claim(claim, stops) for claim in (1, 2, 3, 4)],
        "compared": [
            {
                "name": f"{name}_{number}",
                "panel": next(
                    d.name
                    for d in DRAWN
                    if (d.experiment, d.parameter) == (number, name)
                ),
                "values": read_decisions()["contrasts"][str(number)][name],
                "is_ratio": number == 1,
            }
            for number, name in _COMPARED
        ],
    }


def _packed_panel(drawn):
    """Return a panel's lines and answers, each line once, and where they belong."""
    index, rows, reasons = [], {}, {}
    for values, line in _combinations(drawn).items():
        if line is None:
            reason = _nearest(drawn, values)
            index.append(_MISSING | reasons.setdefault(reason, len(reasons)))
            continue
        setting = Setting(**dict(zip(drawn.by[:-1], values, strict=False)))
        parts = parts_of(drawn, setting, values[-1])
        row = (_quantised(drawn, line), line.about, tuple(parts))
        index.append(rows.setdefault(row, len(rows)))
    level = _level(drawn)
    abouts = [*dict.fromkeys(about for _, about, _ in rows)]
    numbers = [number for numbers, _, _ in rows for number in numbers]
    return {
        "name": drawn.name,
        "by": drawn.by,
        "parameter": drawn.parameter,
        "scale": "mspe" if drawn.experiment == 1 else "accuracy",
        "level": level and level[1],
        "index": _encode(index),
        "numbers": _encode(numbers),
        "abouts": abouts,
        "about": [abouts.index(about) for _, about, _ in rows],
        "reasons": [*reasons],
        "parts": [
            {
                "part": its[0].part,
                "answers": "".join(_CODES[it.answer] for it in its),
                "words": [it.words for it in its],
            }
            for its in zip(*(parts for _, _, parts in rows), strict=True)
        ],
    }


_CODES = {name: chr(ord("a") + i) for i, name in enumerate(_WORDS)}


def _packed_claim(claim, stops):
    """Return the verdict on a claim at each setting, of many splits or seeds."""
    by = [n for n in ways_of(3) if claim in {3, 4} or n != "passes"]
    if claim == 3:
        by.remove("max_rate")
    verdicts = [
        _verdict(claim, Setting(**dict(zip(by, values, strict=True))), "many")
        for values in itertools.product(*(stops[name] for name in by))
    ]
    return {
        "name": f"claim_{claim}",
        "by": by,
        "verdicts": "".join(_CODES[verdict] for verdict in verdicts),
        "one": "one split" if claim in {1, 2} else "one seed",
    }


def _quantised(drawn, line):
    """Return score and ends of a line at each value of its panel, as whole numbers."""
    found = dict(
        zip(line.values, zip(line.scores, line.ends, strict=True), strict=True)
    )
    none = (np.nan, (np.nan, np.nan))
    numbers = [
        number
        for value in VALUES[drawn.parameter]
        for score, ends in [found.get(value, none)]
        for number in (score, *ends)
    ]
    numbers = np.array(numbers)
    steps = (
        _STEPS_OF_MSPE * (np.log10(numbers) - _LEAST_POWER)
        if drawn.experiment == 1
        else _STEPS_OF_ACCURACY * numbers
    )
    return tuple(np.where(np.isnan(steps), _EMPTY, np.rint(steps)).astype(int).tolist())


def _encode(numbers):
    """Return whole numbers of sixteen bits as text."""
    return base64.b64encode(np.array(numbers, "<u2").tobytes()).decode()


@documented
def results_explorer(
    *,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
    **start_values: Any,
) -> Explorer:
    """Show the paper's nine panels, with controls for what it held fixed.

    Lines, intervals and verdicts are those of the committed tables. Nothing is run, and
    nothing is drawn where the tables have no runs; the panel then says where the
    nearest are.

    Parameters
    ----------
    question, answer : str or None, default=None
        {texts}
    sliders : sequence of str or None, default=None
        {sliders}
    presets : mapping or None, default=None
        {presets}
    guess : tuple of mapping and str, or None, default=None
        {guess}
    **start_values
        Where controls start: ``max_rate`` (Hz), ``tau_rc`` (s) and ``synapse`` (s),
        each at one of the paper's values; ``readout``, ``initial_voltage``;
        ``amplitude``, "fixed" or "1/max_rate"; ``passes``, how often the networks of
        experiment 3 went through the training images; ``splits``, "many", "one" or
        "paper".

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    TypeError
        If there is no control of that name.
    ValueError
        If a start value is none that a control can be set to, or question or answer is
        no text.
    FileNotFoundError
        If the tables are not there.

    See Also
    --------
    panel : One of the panels, as a table.

    Examples
    --------
    >>> view = results_explorer().compute(readout="mean")
    >>> view.readouts["claim_1"][2:]
    'does not hold'
    """
    start = {**Setting()._asdict(), "splits": "many"}
    check_names(start_values, start, "results_explorer")
    passes = _stops()["passes"]
    if start["passes"] not in passes:
        start["passes"] = passes[-1]
    return _ResultsExplorer(
        start | start_values,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )
