"""The paper's nine panels, with controls for what it held fixed."""

from __future__ import annotations

import base64
import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.explorers import _nine, _picture
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
from snnlib.explorers._nine import CLAIMS, PLACES
from snnlib.files import plain
from snnlib.panels import UNITS, VALUES
from snnlib.verdicts import (
    BASE,
    Setting,
    parts_at,
    read_decisions,
    runs_at,
    verdict_at,
    ways_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# For the parts of a claim, and for the claim.
_WORDS = {
    "yes": "\u2714 holds",
    "no": "\u2718 does not hold",
    "open": "? open",
    "one seed": "? open: one seed",
    "one split": "? open: one split",
    "none": "\u2013 not run",
    "reproduced": "\u2714 reproduced",
    "not reproduced": "\u2718 not reproduced",
    "in part": "\u25d0 in part",
}
# What the paper's claims make most of, with unit and digits.
_COMPARED = {
    (1, "synapse"): ("", 2),
    (2, "synapse"): ("points", 2),
    (3, "max_rate"): ("points", 2),
}
_SCALES = {1: "log", 2: "linear", 3: "errors"}
_Y_MARKS = {
    1: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
    3: [0, 50, 80, 90, 95, 98, 99],
}
# A number has sixteen bits. The largest is none; an index beyond the half is a reason.
_EMPTY, _MISSING = 0xFFFF, 0x8000
_MSPE_STEPS, _LEAST_POWER, _ACCURACY_STEPS = 4000, -4, 500
_CODES = {name: chr(ord("a") + i) for i, name in enumerate(_WORDS)}


class _ResultsExplorer(Explorer):
    """The nine panels, wherever the tables have them."""

    kind = "results"
    scripts = ("_results.js",)
    title = "The paper's figure under your hands"
    sentence = (
        "You are looking at the paper's Figure 4, drawn from the committed tables. "
        "Bars are 95 % intervals of the paired difference from the hollow point, the "
        "paper's own value. Experiments 1 and 2 are repeated on the same splits; the "
        "networks of experiment 3 differ in their seeds, and below each of its panels "
        "stands how long they were trained and on how many images they were tested. "
        "The rule, its margins and the values it compares were decided beforehand and "
        "stay where they are. Numbers are rounded here: MSPE to "
        f"{100 * np.log(10) / (2 * _MSPE_STEPS):.2f} %, accuracy to "
        f"{1 / (2 * _ACCURACY_STEPS):g} points."
    )
    default_question = (
        "The paper does not say when it read its outputs. Set readout to mean. Which "
        "of its claims turn, and in which panel do you see why?"
    )
    default_sliders = (
        *("readout", "initial_voltage", "synapse", "amplitude", "passes", "splits"),
    )
    default_guess = ({"readout": "mean"}, "synapse_1")

    def __init__(self, start, **texts):
        stops = _nine.stops()
        least = stops["passes"][0]
        self.default_presets = {
            "the paper's protocol": {"splits": "paper"},
            "read as a mean": {"readout": "mean"},
            "a random start": {"initial_voltage": "uniform"},
            "synapse 0.001 s": {"synapse": 0.001},
            f"{_nine.label('passes', least)} of training": {"passes": least},
            "1 / max_rate": {"amplitude": "1/max_rate", "passes": least},
        }
        self.default_answer = _answer()
        self.panels, self.readouts = _panels(), _readouts()
        labels = {n: [_nine.label(n, v) for v in its] for n, its in stops.items()}
        super().__init__(None, stops, start, labels=labels, **texts)

    def _checked(self, values):
        values = plain(values)
        for name, value in values.items():
            stops = _nine.stops()[name]
            if isinstance(value, bool) or value not in stops:
                msg = f"{name} must be one of {stops}; got {value!r}."
                raise ValueError(msg)
        return values

    def _compute(self, *, splits, **ways):
        setting = Setting(**ways)
        lines = {it: _nine.line_of(it, setting, splits) for it in PLACES}
        series = {
            f"{place.name}.{name}": points
            for place, line in lines.items()
            for name, points in _points(place, line).items()
        }
        verdicts = {
            f"claim_{claim}": _WORDS[_verdict(claim, setting, splits)]
            for claim in itertools.chain(*CLAIMS.values())
        }
        compared = {
            f"{name}_{number}": _compare(number, name, lines)
            for number, name in _COMPARED
        }
        notes = {
            it.name: _note(it, line, setting, splits) for it, line in lines.items()
        }
        return View(series, verdicts | compared, notes=notes)

    def _data(self):
        return _packed()

    def _png(self, view):
        return _picture.small_png(_picture.draw(self.panels, view))


def _verdict(claim, setting, splits):
    """Return the verdict on a claim; of one split or seed there is none."""
    one = "one split" if claim in {1, 2} else "one seed"
    found = verdict_at(claim, parts_at(claim, setting))
    return one if found == "one" or (splits != "many" and found != "none") else found


def _note(place, line, setting, splits):
    """Return what is said below a panel."""
    lines = [
        [
            it.answer if it.answer in {"yes", "no"} else "open",
            _WORDS[it.answer],
            it.part,
            it.words,
        ]
        for it in _nine.parts_of(place, setting, splits)
    ]
    if line:
        return Note([*lines, ["", "", line.about, ""]])
    here = (*(getattr(setting, name) for name in place.by[:-1]), splits)
    return Note([*lines, ["", "", "no runs", ""]], _nine.why_empty(place, here))


def _points(place, line):
    """Return what a panel draws, by name of the series."""
    level = _level(place)
    found = {"level": ([], [level[1]])} if level else {}
    if line is None:
        return found | dict.fromkeys(("intervals", "scores", "runs", "base"), ([], []))
    each = [*zip(line.values, line.scores, line.ends, strict=True)]
    ended = [(x, end) for x, _, ends in each for end in ends if not np.isnan(end)]
    base = [it for it in each if it[0] == BASE[place.parameter]]
    return {
        **found,
        "intervals": ([x for x, _ in ended], [end for _, end in ended]),
        "scores": ([*line.values], [*line.scores]),
        "runs": _columns(it for it in each if it not in base),
        "base": _columns(base),
    }


def _columns(points):
    points = [*points]
    return [x for x, *_ in points], [y for _, y, _ in points]


def _level(place):
    """Return the label and the height of what a panel is compared with, or None."""
    if place.experiment == 2:
        share = runs_at(2, Setting())["mean_accuracy_majority"].iloc[0]
        return "majority class, many splits", float(100 * share)
    if place.experiment == 3:
        poor = read_decisions()["claims"]["3"]["poor"]
        return f"poor below {poor:g} %", float(poor)
    return None


def _compare(number, name, lines):
    """Return how much the two values of a contrast differ in their panel."""
    line = lines[_place(number, name)]
    scores = dict(zip(line.values, line.scores, strict=True)) if line else {}
    first, second = (scores.get(value) for value in _contrast(number, name))
    if first is None or second is None:
        return "not run"
    return first / second if number == 1 else second - first


def _place(experiment, parameter):
    """Return the panel of a parameter."""
    return next(it for it in PLACES if it[1:] == (experiment, parameter))


def _contrast(experiment, parameter):
    return read_decisions()["contrasts"][str(experiment)][parameter]


def _answer():
    """Return which verdicts turn from the last step to the mean, and why."""
    last = Setting(**{n: v for n, v in _nine.start().items() if n != "splits"})
    mean = last._replace(readout="mean")
    turned = []
    for claim in itertools.chain(*CLAIMS.values()):
        before, after = (_WORDS[_verdict(claim, it, "many")] for it in (last, mean))
        if before != after:
            turned.append(f"claim {claim} goes from {before} to {after}")
    sizes = [
        next(it.words for it in parts_at(1, at) if it.part == "synapse matters")
        for at in (last, mean)
    ]
    return (
        f"[As a mean](readout=mean): {', '.join(turned) or 'none'}. In panel (c), "
        f"between the two values that are compared, {sizes[0]} becomes {sizes[1]}. A "
        "mean over half a presentation does the filter's work."
    )


def _group(experiment):
    """Return the claims of an experiment in the words of the decisions."""
    texts = {n: read_decisions()["claims"][str(n)]["text"] for n in CLAIMS[experiment]}
    return " ".join(f"Claim {number}. {text}" for number, text in texts.items())


def _readouts():
    verdicts = [
        Readout(f"claim_{claim}", f"claim {claim}", spoken=True, group=_group(number))
        for number, claims in CLAIMS.items()
        for claim in claims
    ]
    compared = []
    for (number, name), (unit, digits) in _COMPARED.items():
        first, second = (describe(name, value) for value in _contrast(number, name))
        label = (
            f"MSPE at {first}, times that at {second}"
            if number == 1
            else f"accuracy at {second}, above that at {first}"
        )
        label = f"experiment {number}: {label}"
        compared.append(Readout(f"{name}_{number}", label, unit, digits))
    return (*verdicts, *compared)


def _panels():
    limits = {number: _limits(number) for number in CLAIMS}
    return tuple(_panel(place, limits[place.experiment]) for place in PLACES)


def _panel(place, y_limits):
    name, experiment, parameter = place
    measure = "MSPE (%)" if experiment == 1 else "accuracy (%)"
    values = VALUES[parameter]
    is_far = values[-1] > 100 * values[0]
    level = _level(place)
    series = (
        Series("intervals", "intervals", "spiking", "95 % interval"),
        Series("scores", "line", "spiking", "score"),
        Series("runs", "points", "spiking", ""),
        Series("base", "points", "spiking", "compared with", hollow=True),
    )
    if level:
        series = (Series("level", "level", "baseline", level[0], dashed=True), *series)
    return Panel(
        name,
        f"({name}) {parameter}",
        UNITS[parameter],
        measure,
        series,
        f"Panel ({name}): {measure} of experiment {experiment} against "
        f"{UNITS[parameter]}, with a bar for each interval.",
        x_limits=[values[0] / 1.6, 1.6 * values[-1]]
        if is_far
        else make_limits(values, 0.08),
        y_limits=y_limits,
        x_scale="log" if is_far else "linear",
        y_scale=_SCALES[experiment],
        x_marks=[*values],
        y_marks=_Y_MARKS.get(experiment),
        group=_group(experiment),
    )


def _limits(experiment):
    """Return where the axes of an experiment's panels end: around all that was run."""
    reached = _nine.scores_of(experiment)
    if experiment != 3:
        # Of few networks, intervals reach as far as they can.
        reached = [*reached, *_nine.ends_of(experiment)]
    low, high = min(reached), max(reached)
    if experiment == 1:
        return [low / 1.1, 1.1 * high]
    if experiment == 2:
        return make_limits(reached, 0.05)
    # A tenth more errors below, and a third fewer above.
    return [100 - 1.1 * (100 - low), 100 - (100 - high) / 1.5]


@cache
def _packed():
    """Return all that the panels can show, in no more bytes than can be seen."""
    return {
        "stops": _nine.stops(),
        "words": _WORDS,
        "base": BASE,
        "empty": _EMPTY,
        "missing": _MISSING,
        "mspe": [_MSPE_STEPS, _LEAST_POWER],
        "accuracy": _ACCURACY_STEPS,
        "panels": [_packed_panel(place) for place in PLACES],
        "claims": [_packed_claim(it) for it in itertools.chain(*CLAIMS.values())],
        "compared": [
            {
                "name": f"{name}_{number}",
                "panel": _place(number, name).name,
                "values": _contrast(number, name),
                "is_ratio": number == 1,
            }
            for number, name in _COMPARED
        ],
    }


def _packed_panel(place):
    """Return a panel's lines and answers, each once, and where they belong."""
    reasons, rows, found = {}, {}, []
    for values, line in _nine.combinations(place).items():
        if line is None:
            reason = _nine.why_empty(place, values)
            found.append(_MISSING | reasons.setdefault(reason, len(reasons)))
            continue
        parts = _nine.parts_of(place, _nine.setting_of(place, values), values[-1])
        scores, ends = _quantised(place, line)
        found.append((scores, ends, line.about, tuple(parts)))
        rows[found[-1]] = {*ends} == {_EMPTY}
    # Rows without ends come last, and have none.
    ordered = sorted(rows, key=rows.get)
    at = {row: i for i, row in enumerate(ordered)}
    all_scores, _, abouts, all_parts = zip(*ordered, strict=True)
    kinds = [*dict.fromkeys(abouts)]
    level = _level(place)
    return {
        "name": place.name,
        "by": place.by,
        "parameter": place.parameter,
        "is_mspe": place.experiment == 1,
        "level": level and level[1],
        "index": _encode([it if isinstance(it, int) else at[it] for it in found]),
        "scores": _encode([n for scores in all_scores for n in scores]),
        "ends": _encode([n for row in ordered if not rows[row] for n in row[1]]),
        "abouts": kinds,
        "about": [kinds.index(about) for about in abouts],
        "reasons": [*reasons],
        "parts": [
            {
                "part": its[0].part,
                "answers": "".join(_CODES[it.answer] for it in its),
                "words": [it.words for it in its],
            }
            for its in zip(*all_parts, strict=True)
        ],
    }


def _quantised(place, line):
    """Return scores and ends at each value of a panel, as whole numbers."""
    scores = dict(zip(line.values, line.scores, strict=True))
    ends = dict(zip(line.values, line.ends, strict=True))
    values = VALUES[place.parameter]
    numbers = (
        [scores.get(value, np.nan) for value in values],
        [end for value in values for end in ends.get(value, (np.nan, np.nan))],
    )
    return [_steps(place.experiment, its) for its in numbers]


def _steps(experiment, numbers):
    numbers = np.array(numbers)
    steps = (
        _MSPE_STEPS * (np.log10(numbers) - _LEAST_POWER)
        if experiment == 1
        else _ACCURACY_STEPS * numbers
    )
    return tuple(np.nan_to_num(np.rint(steps), nan=_EMPTY).astype(int).tolist())


def _packed_claim(claim):
    """Return the verdicts on a claim, of many splits or seeds."""
    aside = {1: {"passes"}, 2: {"passes"}, 3: {"max_rate"}, 4: set()}[claim]
    by = [name for name in ways_of(3) if name not in aside]
    settings = (
        Setting(**dict(zip(by, values, strict=True)))
        for values in itertools.product(*(_nine.stops()[name] for name in by))
    )
    return {
        "name": f"claim_{claim}",
        "by": by,
        "verdicts": "".join(_CODES[_verdict(claim, it, "many")] for it in settings),
        "one": "one split" if claim in {1, 2} else "one seed",
    }


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
    'not reproduced'
    """
    start = _nine.start()
    check_names(start_values, start, "results_explorer")
    return _ResultsExplorer(
        start | start_values,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )
