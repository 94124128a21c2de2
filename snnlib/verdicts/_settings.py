"""The claims wherever the tables have runs: what the paper held fixed, moved."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlib.checks import check_choice, check_whole
from snnlib.committed import find_committed, read_committed
from snnlib.metrics import Estimate, mean_over_seeds
from snnlib.verdicts._claims import _any, _fewer, _several, judge
from snnlib.verdicts._questions import Question, cached_answers, minus
from snnlib.verdicts._results import (
    BASE,
    NETWORK,
    TABLES,
    WAYS,
    NoResultsError,
    compare,
    count_repeats,
    mean_accuracy,
    read_decisions,
    relative_effect,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

RULES = ("fixed", "1/max_rate")
_CHOICES = {"amplitude": RULES, **WAYS}
_FIXED = {1: 1.0, 2: 1.0, 3: NETWORK["amplitude"]}
# Whichever are committed. Of the same setting and seed, the first counts.
_TABLES = {
    1: (*TABLES[1], "amplitude_linear_regression"),
    2: (*TABLES[2], "amplitude_logistic_regression"),
    3: (
        *(*TABLES[3], "full_mnist"),
        *("grid_mnist", "repeats_mnist", "amplitude_mnist", "brief_rule_mnist"),
    ),
}
_KEPT = (
    *("seed", "n_splits", "n_train", "n_test", "mspe_by_split", "accuracy_by_split"),
    *("mean_accuracy_majority", "accuracy", "accuracy_200", "hits"),
)
_UNIT = {1: "MSPE", 2: "points", 3: "points"}


class Setting(NamedTuple):
    """What the paper held fixed; by default, as it had it."""

    max_rate: float = BASE["max_rate"]
    tau_rc: float = BASE["tau_rc"]
    synapse: float = BASE["synapse"]
    readout: str = "last"
    initial_voltage: str = "zero"
    amplitude: str = "fixed"
    """One of `RULES`."""
    passes: float = NETWORK["passes"]
    """Of experiment 3 alone: the decoders of one neuron are solved for."""

    def without(self, *names: str) -> Setting:
        """Return the setting with None for what is not looked at.

        Parameters
        ----------
        *names : str
            Of what is left open.

        Returns
        -------
        setting : Setting
        """
        gaps: dict[str, Any] = dict.fromkeys(names)
        return self._replace(**gaps)


def ways_of(experiment: int) -> tuple[str, ...]:
    """Return the names by which the runs of an experiment differ.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.

    Returns
    -------
    names : tuple of str
        Of the fields of `Setting`.

    Raises
    ------
    ValueError
        If there is no such experiment.
    """
    check_whole("experiment", experiment, 1, 3)
    return Setting._fields if experiment == 3 else Setting._fields[:-1]


class Answer(NamedTuple):
    """The answer to one part of a claim at one setting."""

    part: str
    """What is asked, as a statement."""
    answer: str
    """"yes", "no" or "open" by the rule; "one" where a single seed is all there is, or
    "none" where nothing was run."""
    words: str = ""
    """The effect with its interval, where there is one."""


def runs_by_setting(experiment: int) -> dict[tuple[Any, ...], pd.DataFrame]:
    """Return the committed runs of an experiment, by their setting.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.

    Returns
    -------
    runs : dict of tuple to pandas.DataFrame
        By a `Setting`, in experiments 1 and 2 without its passes: one row there, and
        one for each seed in experiment 3. Where networks were tested on fewer images
        and others on more, those on more.

    Raises
    ------
    ValueError
        If there is no such experiment.
    """
    check_whole("experiment", experiment, 1, 3)
    found = _runs_by_test(experiment)
    return {key: its for runs in reversed(found) for key, its in runs.items()}


@cache
def _runs_by_test(experiment):
    """Return the runs by their setting for each number of test images, most first."""
    import pandas as pd

    found = pd.concat(
        [read_committed(name) for name in find_committed(*_TABLES[experiment])],
        ignore_index=True,
    )
    if experiment == 3:
        of_paper = (found["layer_synapse"] == 0) & (found["readout"] != "rates")
        found = found[of_paper]
    amplitudes = (_FIXED[experiment], 1 / found["max_rate"])
    ruled = [
        found[np.isclose(found["amplitude"], amplitude)].assign(amplitude=rule)
        for rule, amplitude in zip(RULES, amplitudes, strict=True)
    ]
    together = pd.concat(ruled).round(dict.fromkeys(BASE, 9))
    # Each row that is taken would copy all that is kept.
    together.attrs.clear()
    ways = [*ways_of(experiment)]
    together = together[[*ways, *(it for it in _KEPT if it in together)]]
    together = together.drop_duplicates([*ways, "n_test", "seed"]).sort_values("seed")
    by_test = [its for _, its in together.groupby("n_test")]
    return [dict(iter(its.groupby(ways))) for its in reversed(by_test)]


def runs_at(experiment: int, setting: Setting) -> pd.DataFrame | None:
    """Return the committed runs of an experiment at a setting, or None.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    setting : Setting
        Where to look.

    Returns
    -------
    runs : pandas.DataFrame or None
        As from `runs_by_setting`.
    """
    (runs,) = runs_along(experiment, [setting])
    return runs


def runs_along(
    experiment: int, settings: Sequence[Setting]
) -> list[pd.DataFrame | None]:
    """Return the committed runs at some settings that were tested on the same images.

    Some test images are harder than others, so networks that were tested on the first
    2,000 are not compared with networks that were tested on all.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    settings : sequence of Setting
        Where to look.

    Returns
    -------
    runs : list of pandas.DataFrame or None
        For each setting, as from `runs_by_setting`: those tested on the most images of
        which two settings have runs, or if there are none, on the most images.
    """
    size = len(ways_of(experiment))
    found = [
        [runs.get(its[:size]) for its in settings] for runs in _runs_by_test(experiment)
    ]
    # Of lines of the same length, `max` takes the first.
    return max(found, key=lambda line: min(2, sum(it is not None for it in line)))


def effect_between(
    experiment: int, first: pd.DataFrame, second: pd.DataFrame
) -> Estimate | None:
    """Estimate how much larger the errors of some runs are than those of others.

    Where the hits of images are not known, the interval is over seeds alone, and speaks
    of these images only.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    first, second : pandas.DataFrame
        From `runs_at`.

    Returns
    -------
    effect : Estimate or None
        As from `contrast`; None where fewer than two seeds have both.
    """
    if count_repeats(experiment, first, second) < 2:
        return None
    if experiment != 3 or (_has_hits(first) and _has_hits(second)):
        return compare(experiment, first, second)
    _, *places = np.intersect1d(first["seed"], second["seed"], return_indices=True)
    before, after = (
        it["accuracy"].to_numpy()[place]
        for it, place in zip((first, second), places, strict=True)
    )
    return mean_over_seeds(after - before)


def _has_hits(runs):
    return "hits" in runs and runs["hits"].notna().all()


def _both_sides(experiment, parameter, setting):
    values = read_decisions()["contrasts"][str(experiment)][parameter]
    at = [setting._replace(**{parameter: float(value)}) for value in values]
    return runs_along(experiment, at)


def _answer(part, sides, ask):
    """Answer a part by the question to runs, if there are enough of them."""
    if any(it is None for it in sides):
        return Answer(part, "none")
    asked = ask(*sides)
    if asked is None:
        common = set.intersection(*({*it["seed"]} for it in sides))
        return Answer(part, "one" if common else "none")
    return Answer(part, asked.answer(), asked.in_words())


@cache
def _matters(claim, experiment, parameter, setting, contrary=False):
    """Answer whether a parameter matters, or does not, at a setting."""
    part = f"{parameter} {'does not matter' if contrary else 'matters'}"
    sides = _both_sides(experiment, parameter, setting)
    return _answer(
        part, sides, lambda *both: _effect(claim, part, experiment, both, contrary)
    )


def _effect(claim, part, experiment, sides, contrary=False):
    """Return the question whether what two sides differ by matters, or None."""
    estimate = effect_between(experiment, *sides)
    margin = read_decisions()["experiments"][str(experiment)]["margin"]
    n = count_repeats(experiment, *sides)
    asked = {"contrary": contrary, "unit": _UNIT[experiment], "n": n}
    return estimate and Question(claim, part, part, estimate, margin, **asked)


@cache
def _less(setting):
    """Answer whether synapse matters less in experiment 2 than in 1, at a setting."""
    part = "synapse matters less than in experiment 1"
    sides = [
        runs for number in (1, 2) for runs in _both_sides(number, "synapse", setting)
    ]

    def ask(*of_both):
        beside = minus(effect_between(1, *of_both[:2]), relative_effect(*of_both[2:]))
        return Question(2, part, part, beside, unit="ratio")

    return _answer(part, sides, ask)


@cache
def _poor(rate, setting):
    """Answer whether the networks of a rate are poor, or not, as claim 3 says."""
    claim = read_decisions()["claims"]["3"]
    is_poor = rate in claim["rates"]["poor"]
    part = f"{'' if is_poor else 'not '}poor at {rate} Hz"

    def ask(runs):
        if len(runs) < 2:
            return None
        right = (mean_accuracy if _has_hits(runs) else _mean_over_networks)(runs)
        gap = right.value - claim["poor"]
        gap = right._replace(value=-gap if is_poor else gap)
        unit = "below" if is_poor else "above"
        return Question(3, part, part, gap, unit=unit, n=len(runs))

    return _answer(part, [runs_at(3, setting._replace(max_rate=float(rate)))], ask)


def _mean_over_networks(runs):
    return mean_over_seeds(runs["accuracy"])


@cache
def _coupled(rate, setting):
    """Answer whether the amplitude of a rate matters."""
    part = f"1 / max_rate matters at {rate} Hz"
    at_rate = setting._replace(max_rate=float(rate))
    sides = runs_along(3, [at_rate._replace(amplitude=rule) for rule in RULES])
    return _answer(part, sides, lambda *both: _effect(3, part, 3, both))


def _together(part, answers, follow):
    """Answer a part that follows from others."""
    found = [it.answer for it in answers]
    if {*found} <= {"none", "one"}:
        return Answer(part, "one" if "one" in found else "none")
    return Answer(part, follow([_by_the_rule(it) for it in found]))


def _by_the_rule(answer):
    """Return an answer of the rule, to which what was not run is open."""
    return answer if answer in {"yes", "no"} else "open"


def parts_at(claim: int, setting: Setting) -> list[Answer]:
    """Answer the parts of one of the paper's claims at a setting.

    The rule and the contrasts are those decided beforehand; only what they leave alone
    is moved. At the paper's setting the answers are those of `parts_of_claims`.

    Parameters
    ----------
    claim : {1, 2, 3, 4}
        Number of the claim.
    setting : Setting
        Where to ask. A contrast puts its own values in place of the setting's.

    Returns
    -------
    parts : list of Answer
        The parts that decide; before those of claim 4, what they follow from.

    Raises
    ------
    ValueError
        If ``claim`` is none of the four, or there is no such amplitude, read-out or
        initial voltage.
    """
    check_whole("claim", claim, 1, 4)
    for name, choices in _CHOICES.items():
        check_choice(name, getattr(setting, name), choices)
    if claim in {1, 2}:
        at = {name: setting.without(name, "passes") for name in BASE}
        denied = {name: claim == 2 or name != "synapse" for name in BASE}
        found = [_matters(claim, claim, name, at[name], denied[name]) for name in BASE]
        return [*found, _less(at["synapse"])] if claim == 2 else found
    decided = read_decisions()["claims"]["3"]
    at_all = setting.without("max_rate")
    of_rates = setting.without("max_rate", "amplitude")
    coupled = {rate: _coupled(rate, of_rates) for rate in decided["coupling"]}
    if claim == 3:
        rates = *decided["rates"]["poor"], decided["rates"]["better"]
        part = "amplitude and max_rate depend on each other"
        follows = _together(part, coupled.values(), _any)
        return [*(_poor(rate, at_all) for rate in rates), follows]
    deep = [
        *(_matters(4, 3, name, setting.without(name)) for name in BASE),
        coupled[250],
    ]
    several = _together("several parameters matter", deep, _several)
    return [*deep, several, _fewer_with_one_layer(deep, setting)]


def _fewer_with_one_layer(deep, setting):
    """Answer whether fewer parameters matter with one layer, at the paper's setting."""
    part = "fewer matter with one layer"
    if setting != Setting(readout=setting.readout):
        return Answer(part, "none")
    try:
        answers = cached_answers(setting.readout).set_index("effect")["answer"]
    except NoResultsError:
        return Answer(part, "none")
    shallow = answers[answers.index.str.startswith("one layer")].tolist()
    return Answer(part, _fewer(shallow, [_by_the_rule(it.answer) for it in deep]))


def verdict_at(claim: int, parts: Iterable[Answer]) -> str:
    """Return the verdict on a claim, from the answers to its parts.

    Parameters
    ----------
    claim : {1, 2, 3, 4}
        Number of the claim.
    parts : iterable of Answer
        From `parts_at`.

    Returns
    -------
    verdict : str
        As from `judge`, to which a part is open that was not run or has one seed; "one"
        where one seed is all there is, and "none" where nothing was run.
    """
    # Of claim 4, what its last two parts follow from are none themselves.
    judged = [*parts][-2:] if claim == 4 else [*parts]
    found = {it.answer for it in judged}
    if found <= {"one", "none"}:
        return "one" if "one" in found else "none"
    return judge({it.part: _by_the_rule(it.answer) for it in judged})
