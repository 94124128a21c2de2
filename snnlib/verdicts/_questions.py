"""The questions that the verdicts rest on, and their answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from snnlib.metrics import Estimate, adjust_p_values, mean_over_seeds_and_images
from snnlib.verdicts._results import (
    BASE,
    NETWORK,
    NoResultsError,
    both_sides,
    compare,
    count_repeats,
    mean_accuracy,
    paired_gains,
    read_decisions,
    relative_effect,
    results_at,
    select,
)
from snnlib.verdicts._words import effect_in_words, interval_of

if TYPE_CHECKING:
    import pandas as pd

_CONTRARY = {"yes": "no", "no": "yes", "open": "open"}
_ONE_LAYER = ("one_layer_mnist", "one_layer_rule_mnist")
# As many as were decided for any question; two are answered by luck more than by runs.
_LEAST_REPEATS = 3


@dataclass(frozen=True)
class Question:
    """One question to the tables, and what its p-values are.

    Attributes
    ----------
    claim : int or None
        Number of the claim, if it is part of one.
    part : str
        What is asked, as a statement.
    effect : str
        What was changed or compared, in short.
    estimate : Estimate
        The effect that answers it.
    margin : float or None
        The largest effect that does not matter; None where only the sign counts.
    contrary : bool
        Whether the statement is that the effect does *not* matter.
    unit : {"points", "double", "MSPE", "ratio", "below", "above"}
        What the effect is: points of wrong answers, or the difference of two such
        differences, the logarithm of a ratio of roots of MSPE, that of another ratio,
        or the points by which an accuracy lies below or above what counts as poor.
    n : int or None
        How many splits or seeds it was measured on. Fewer than three leave it open.
    """

    claim: int | None
    part: str
    effect: str
    estimate: Estimate
    margin: float | None = None
    contrary: bool = False
    unit: str = "points"
    n: int | None = None

    def in_words(self) -> str:
        """Return the effect with its interval, as from `effect_in_words`.

        Returns
        -------
        words : str
        """
        return effect_in_words(self.estimate, self.unit)

    def p_values(self) -> tuple[float, float]:
        """Return the p-values of "differs from zero" and of "within the margin".

        Returns
        -------
        p_differs, p_within : float
            The second is 1 where there is no margin.
        """
        within = 1.0 if self.margin is None else self.estimate.p_within(self.margin)
        return self.estimate.p_differs(), within

    def answer(
        self, p_differs: float | None = None, p_within: float | None = None
    ) -> str:
        """Answer by the rule.

        Parameters
        ----------
        p_differs, p_within : float, optional
            P-values that are corrected for the number of questions; by default, the
            question's own.

        Returns
        -------
        answer : {"yes", "no", "open"}
        """
        if p_differs is None or p_within is None:
            own_differs, own_within = self.p_values()
            p_differs = own_differs if p_differs is None else p_differs
            p_within = own_within if p_within is None else p_within
        if self.n is not None and self.n < _LEAST_REPEATS:
            return "open"
        level = 1 - read_decisions()["rule"]["confidence"]
        value = self.estimate.value
        if self.margin is None:
            if not p_differs < level:
                return "open"
            return "yes" if value > 0 else "no"
        found = "open"
        if p_differs < level and abs(value) > self.margin:
            found = "yes"
        # An interval of 95 % within the margin is two tests at half of 5 %.
        elif p_within < level / 2:
            found = "no"
        return _CONTRARY[found] if self.contrary else found


def questions(readout: str) -> list[Question]:
    """Return all questions that the verdicts of one read-out rest on.

    Parameters
    ----------
    readout : {"last", "mean"}
        How the output is read.

    Returns
    -------
    questions : list of Question
    """
    effects = {
        (number, name): _asked(
            *(4 if number == 3 else number, f"{name} matters", number, name),
            point={"readout": readout, "initial_voltage": "zero"},
        )
        for number in (1, 2, 3)
        for name in BASE
    }
    at = {"readout": readout, "initial_voltage": "zero"}
    less = relative_effect(*both_sides(2, "synapse", None, at))
    beside = minus(effects[1, "synapse"].estimate, less)
    return [
        effects[1, "synapse"],
        *(_denied(effects[1, name]) for name in ("max_rate", "tau_rc")),
        Question(
            *(2, "synapse matters less than in experiment 1", "experiment 1 beside 2"),
            beside,
            unit="ratio",
            n=effects[1, "synapse"].n,
        ),
        *(_denied(effects[2, name]) for name in BASE),
        *of_accuracy(readout, NETWORK["passes"]),
        *_of_amplitude(readout),
        *(effects[3, name] for name in BASE),
        *_of_one_layer(readout),
    ]


def _asked(claim, part, experiment, parameter, values=None, *, point, effect=None):
    """Return the question whether a parameter matters, with what answers it."""
    first, second = both_sides(experiment, parameter, values, point)
    return Question(
        *(claim, part, effect or f"experiment {experiment}: {parameter}"),
        compare(experiment, first, second),
        read_decisions()["experiments"][str(experiment)]["margin"],
        unit="MSPE" if experiment == 1 else "points",
        n=count_repeats(experiment, first, second),
    )


def _denied(question):
    """Return the question that asks for the contrary."""
    part = question.part.replace(" matters", " does not")
    return replace(question, part=part, contrary=True)


def of_accuracy(readout, passes):
    """Ask what claim 3 says of single rates, of networks trained for so long."""
    claim = read_decisions()["claims"]["3"]
    how = {"readout": readout, "initial_voltage": "zero", "passes": passes}
    rates = claim["rates"]
    for rate in (*rates["poor"], rates["better"]):
        results = results_at(3, max_rate=rate, **how)
        right = mean_accuracy(results)
        is_poor = rate in rates["poor"]
        gap = right.value - claim["poor"]
        yield Question(
            *(3, f"{'' if is_poor else 'not '}poor at {rate} Hz"),
            f"accuracy at {rate} Hz",
            right._replace(value=-gap if is_poor else gap),
            unit="below" if is_poor else "above",
            n=len(results),
        )


def _of_amplitude(readout):
    """Ask at which rates it matters that the amplitude goes with max_rate."""
    claim = read_decisions()["claims"]["3"]
    for rate in claim["coupling"]:
        yield _asked(
            *(3, f"1 / max_rate matters at {rate} Hz", 3, "amplitude"),
            (claim["amplitude"], 1 / rate),
            point={"readout": readout, "initial_voltage": "zero", "max_rate": rate},
            effect=f"experiment 3: amplitude at {rate} Hz",
        )


def _of_one_layer(readout):
    """Ask of each parameter whether it matters in the network of one layer."""
    decided = read_decisions()
    how = {"readout": readout, "initial_voltage": "zero"}
    pairs = {
        name: [{name: value} for value in values]
        for name, values in decided["contrasts"]["3"].items()
    }
    pairs["amplitude"] = [
        {"max_rate": 250, "amplitude": value} for value in (0.01, 1 / 250)
    ]
    for name, changes in pairs.items():
        sides = [
            select(_ONE_LAYER, {**BASE, **NETWORK, **how, **its}) for its in changes
        ]
        yield Question(
            *(4, f"{name} matters with one layer", f"one layer: {name}"),
            compare(3, *sides),
            decided["experiments"]["3"]["margin"],
            n=count_repeats(3, *sides),
        )


def ask_together(readout: str) -> Question:
    """Ask whether `max_rate` and `tau_rc` must be chosen together in experiment 3.

    It was decided on after `questions`, belongs to no claim, and is not among those
    that are corrected together.

    Parameters
    ----------
    readout : {"last", "mean"}
        As for `questions`.

    Returns
    -------
    question : Question
        Its effect is what `tau_rc` changes at the lower rate that was decided on, minus
        what it changes at the higher one, seed by seed and image by image.

    Raises
    ------
    NoResultsError
        If the tables do not hold two seeds at least that have all four networks.
    """
    decided = read_decisions()
    pair = decided["later"]["together"]
    how = {"readout": readout, "initial_voltage": "zero"}
    sides = [
        [results_at(3, max_rate=rate, tau_rc=tau, **how) for tau in pair["tau_rc"]]
        for rate in pair["max_rate"]
    ]
    seeds = set.intersection(*({*its["seed"]} for both in sides for its in both))
    if len(seeds) < 2:
        msg = f"Four networks each are needed of two seeds at least; got {len(seeds)}."
        raise NoResultsError(msg)
    gains = [
        paired_gains(*(its[its["seed"].isin(seeds)] for its in both)) for both in sides
    ]
    return Question(
        *(None, "max_rate and tau_rc depend on each other", "max_rate x tau_rc"),
        mean_over_seeds_and_images([a - b for a, b in zip(*gains, strict=True)]),
        decided["experiments"]["3"]["margin"],
        unit="double",
        n=len(seeds),
    )


def minus(a, b):
    """Return the difference of two estimates that know nothing of each other."""
    return Estimate(a.value - b.value, a.errors + b.errors, a.dofs + b.dofs)


def answer_questions(readout: str) -> pd.DataFrame:
    """Answer all questions of a read-out, as they are and corrected by Holm's rule.

    Parameters
    ----------
    readout : {"last", "mean"}
        How the output is read.

    Returns
    -------
    answers : pandas.DataFrame
        A row for each question: its ``claim``, ``part`` and ``effect``; ``value`` with
        ``low`` and ``high`` end; ``margin``; the p-values; ``answer``, ``corrected``;
        ``contrary``, whether the part says that the effect does *not* matter; the
        effect ``in_words``; and on how many splits or seeds it was measured, ``n``.
    """
    return cached_answers(readout).copy()


def answer_after(passes: float, readout: str = "last") -> pd.DataFrame:
    """Answer what claim 3 says of single rates, for networks that saw little.

    Parameters
    ----------
    passes : float
        How often the networks had gone through the training images, such as 0.4.
    readout : {"last", "mean"}, default="last"
        How the output is read.

    Returns
    -------
    answers : pandas.DataFrame
        As from `answer_questions`. Corrected, these questions join those.
    """
    asked = [*of_accuracy(readout, passes)]
    answers = _answer([*questions(readout), *asked])
    return answers.tail(len(asked)).reset_index(drop=True)


@cache
def cached_answers(readout):
    return _answer(questions(readout))


def _answer(asked):
    """Answer questions of one family."""
    import pandas as pd

    p_values = np.array([question.p_values() for question in asked])
    has_margin = np.array([question.margin is not None for question in asked])
    adjusted = np.ones_like(p_values)
    adjusted[:, 0] = adjust_p_values(p_values[:, 0])
    adjusted[has_margin, 1] = adjust_p_values(p_values[has_margin, 1])
    rows = []
    for question, raw, corrected in zip(asked, p_values, adjusted, strict=True):
        low, high = interval_of(question.estimate)
        rows.append(
            {
                "claim": question.claim,
                "part": question.part,
                "effect": question.effect,
                "value": question.estimate.value,
                "low": low,
                "high": high,
                "margin": question.margin,
                "p_differs": raw[0],
                "p_within": raw[1],
                "answer": question.answer(*raw),
                "corrected": question.answer(*corrected),
                "contrary": question.contrary,
                "in_words": question.in_words(),
                "n": question.n,
            }
        )
    return pd.DataFrame(rows)


def of_the_effect(row: pd.Series, column: str = "answer") -> str:
    """Return whether the effect itself matters, whatever its claim says of it.

    Parameters
    ----------
    row : pandas.Series
        Of `answer_questions`.
    column : {"answer", "corrected"}, default="answer"
        Which of its answers.

    Returns
    -------
    answer : {"yes", "no", "open"}
    """
    return _CONTRARY[row[column]] if row["contrary"] else row[column]
