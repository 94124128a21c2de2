"""The paper's claims, judged by rules that were decided before the runs."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.committed import find_committed, has_value, read_committed
from snnlib.datasets import load_iris_setosa, train_test_iris_setosa
from snnlib.metrics import (
    Estimate,
    adjust_p_values,
    mean_over_seeds,
    mean_over_seeds_and_images,
    mean_over_splits,
    mspe,
)
from snnlib.recording import results_path
from snnlib.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

BASE = {"max_rate": 100.0, "tau_rc": 0.02, "synapse": 0.1}
_TABLES = {
    1: ("grid_linear_regression",),
    2: ("grid_logistic_regression",),
    3: (
        *("learning_mnist", "rates_mnist", "tau_rc_mnist"),
        *("amplitude_mnist", "rule_mnist"),
    ),
}
_ONE_LAYER = ("one_layer_mnist", "one_layer_rule_mnist")
# The only table with networks at earlier moments of their training.
_LEARNING = ("learning_mnist",)
# What else the paper's network has, once it is trained.
_NETWORK = {"passes": 10, "amplitude": 0.01, "layer_synapse": 0}
_CONTRARY = {"yes": "no", "no": "yes", "open": "open"}
_MARKS = {
    "reproduced": "\u2714",
    "supported": "\u2714",
    "in part": "\u25d0",
    "open": "?",
    "not reproduced": "\u2718",
    "not supported": "\u2718",
}
_NO_BREAK = "\u00a0"
# How many seeds the networks of a question were to have: `runs.seeds` of the decisions,
# and for what its words name, in its words.
_FIVE, _THREE = 5, 3


class NoResultsError(LookupError):
    """A question to the tables that they do not hold enough results for."""


@cache
def read_decisions() -> dict[str, Any]:
    """Return what was decided before the runs: margins, contrasts, parts of claims.

    Returns
    -------
    decisions : dict
        The content of ``results/decisions.toml``.
    """
    text = results_path("decisions.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def contrast(
    experiment: int,
    parameter: str,
    values: tuple[float, float] | None = None,
    *,
    readout: str = "last",
    initial_voltage: str = "zero",
    **others: float,
) -> Estimate:
    """Estimate what one parameter changes, from the committed tables.

    All other parameters are those of the paper's base point.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    parameter : str
        What is changed, such as "max_rate", "amplitude" or "readout".
    values : tuple, optional
        The first and the second value; by default, those decided beforehand.
    readout : {"last", "mean"}, default="last"
        How the output is read.
    initial_voltage : {"zero", "uniform"}, default="zero"
        Voltage at the first step.
    **others : float
        Parameters that both have in place of the base point's, such as ``max_rate=50``.

    Returns
    -------
    effect : Estimate
        How much larger the errors are with the first value than with the second: the
        logarithm of the ratio of roots of MSPE in experiment 1, points of wrong answers
        in the others.

    Raises
    ------
    NoResultsError
        If the tables do not hold two networks of the same seeds, or in experiments 1
        and 2 a row, for both values.
    """
    point = {"readout": readout, "initial_voltage": initial_voltage, **others}
    return compare(experiment, *_both(experiment, parameter, values, point))


def _both(experiment, parameter, values, point):
    """Return the results with the first and with the second value of a parameter."""
    if values is None:
        values = read_decisions()["contrasts"][str(experiment)][parameter]
    return [results_at(experiment, **{**point, parameter: value}) for value in values]


def results_at(experiment: int, **changes: Any) -> pd.DataFrame:
    """Return the committed results at the paper's base point, but for some parameters.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    **changes : number or str
        Parameters with other values than 100 Hz, 0.02 s and 0.1 s, and the way in which
        the output is read.

    Returns
    -------
    results : pandas.DataFrame
        One row in experiments 1 and 2, and one for each network in experiment 3, with
        the ``table`` it is from.

    Raises
    ------
    NoResultsError
        If there is no row, or in experiment 3 no second network.
    """
    point = {**BASE, **(_NETWORK if experiment == 3 else {}), **changes}
    return _select(_TABLES[experiment], point, least=2 if experiment == 3 else 1)


def _select(tables, point, least=2):
    """Return the rows of some tables at a point, one for each seed, in order."""
    results = _table(tables)
    for name, value in point.items():
        column = results.get(name)
        here = slice(0) if column is None else has_value(column, value)
        results = results[here]
    results = results.drop_duplicates("seed").sort_values("seed")
    if len(results) < least:
        there = find_committed(*tables)
        absent = [name for name in tables if name not in there]
        msg = (
            f"An answer needs {least} results at least with {_listed(point)}; found "
            f"{len(results)} in {', '.join(there)}."
        )
        if absent:
            msg += f" Not committed: {', '.join(absent)}."
        raise NoResultsError(msg)
    return results


def _listed(point):
    return ", ".join(f"{name}={value}" for name, value in point.items())


@cache
def _table(names):
    """Return those of some tables that there are, one below the other."""
    import pandas as pd

    there = find_committed(*names)
    if not there:
        msg = f"No table holds such results; none of {', '.join(names)} is committed."
        raise NoResultsError(msg)
    frames = [read_committed(name).assign(table=name) for name in there]
    results = pd.concat(frames, ignore_index=True)
    # A network without each image's hit cannot be compared with others.
    return results.dropna(subset="hits") if "hits" in results else results


def compare(experiment: int, first: pd.DataFrame, second: pd.DataFrame) -> Estimate:
    """Estimate how much larger the errors of some results are than those of others.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    first, second : pandas.DataFrame
        From `results_at`. Networks are compared with those of the same seed.

    Returns
    -------
    effect : Estimate
        As from `contrast`.

    Raises
    ------
    NoResultsError
        If fewer than two networks have a seed in common.
    """
    if experiment == 3:
        gains = _gains(first, second)
        if len(gains) < 2:
            sides = " and ".join(map(_described, (first, second)))
            msg = f"A comparison needs two seeds at least that both have; got {sides}."
            raise NoResultsError(msg)
        return mean_over_seeds_and_images(gains)
    a, b = first.iloc[0], second.iloc[0]
    sizes = {"n_train": int(a["n_train"]), "n_test": int(a["n_test"])}
    if experiment == 1:
        effects = np.log(a["mspe_by_split"] / b["mspe_by_split"]) / 2
    else:
        effects = 100 * (b["accuracy_by_split"] - a["accuracy_by_split"])
    return mean_over_splits(effects, **sizes)


def _described(results):
    """Return the setting, the seeds and the tables of some networks in words."""
    names = ["max_rate", "tau_rc", "synapse", "amplitude", "passes", "readout"]
    point = results.iloc[0][names].to_dict()
    seeds = ", ".join(map(str, results["seed"]))
    tables = ", ".join(results["table"].unique())
    return f"seeds {seeds} with {_listed(point)} (in {tables})"


def _n_repeats(experiment, first, second):
    """Return how many splits, or seeds that both have, two results share."""
    if experiment == 3:
        return len({*first["seed"]} & {*second["seed"]})
    return int(first["n_splits"].iloc[0])


def _ends(estimate):
    """Return the ends of an estimate's interval, as wide as decided."""
    return estimate.interval(read_decisions()["rule"]["confidence"])


def _without_sign_of_zero(text):
    """Return a text in which no zero has a sign."""
    return re.sub(r"[-+](?=0(\.0+)?(?![.\d]))", "", text)


# How effects are said: what a number is turned into, and how it is written.
_SAID = {
    "MSPE": (lambda x, _: np.exp(2 * x), "MSPE times {:.2f} ({:.2f} to {:.2f})"),
    "ratio": (lambda x, _: np.exp(x), "ratio {:.2f} ({:.2f} to {:.2f})"),
    "points": (lambda x, _: x, "{:+.1f} points ({:+.1f} to {:+.1f})"),
    "below": (lambda x, bound: bound - x, "{:.1f} % right ({:.1f} to {:.1f})"),
    "above": (lambda x, bound: bound + x, "{:.1f} % right ({:.1f} to {:.1f})"),
}


def effect_in_words(estimate: Estimate, unit: str = "points") -> str:
    """Return an effect with its interval, in a unit that can be pictured.

    Parameters
    ----------
    estimate : Estimate
        The effect.
    unit : {"points", "MSPE", "ratio", "below", "above"}, default="points"
        What it is, as for `Question`.

    Returns
    -------
    words : str

    Examples
    --------
    >>> effect_in_words(Estimate(2.0, 0.5, 1000.0))
    '+2.0 points (+1.0 to +3.0)'
    """
    turn, form = _SAID[unit]
    poor = read_decisions()["claims"]["3"]["poor"]
    value, *ends = (turn(it, poor) for it in (estimate.value, *_ends(estimate)))
    return _without_sign_of_zero(form.format(value, *sorted(ends)))


def accuracy_table(
    kinds: Mapping[Any, pd.DataFrame], *, line: float | None = None
) -> pd.DataFrame:
    """Return how many images networks of several kinds get right.

    Parameters
    ----------
    kinds : dict of str or tuple to pandas.DataFrame
        From `read_committed`: a row for each network of a kind.
    line : float, optional
        An accuracy in percent that was decided on beforehand.

    Returns
    -------
    table : pandas.DataFrame
        For each kind: how many ``networks``; the ``lowest`` and the ``highest`` of
        their accuracies; the ``mean`` and its ``95 % interval``, for other networks and
        other images. Of one network it speaks of other images only. With a ``line``,
        also the ``answer``: "below" or "above" it, or "open" if the interval holds it.
    """
    rows = {}
    for kind, networks in kinds.items():
        hits = [100.0 * each for each in networks["hits"]]
        rows[kind] = _summary(hits, "mean", least=0)
        if line is not None:
            low, high = _estimate(hits).interval()
            answer = "below" if high < line else "above" if low > line else "open"
            rows[kind]["answer"] = answer
    return _rows_to_table(rows)


def gain_table(
    pairs: Mapping[Any, tuple[pd.DataFrame, pd.DataFrame]],
) -> pd.DataFrame:
    """Return how many points of accuracy networks gain by a change.

    Parameters
    ----------
    pairs : dict of str or tuple to pair of pandas.DataFrame
        From `read_committed`: the networks before and after. Those of the same seed are
        compared, image by image. What has no such pair is left out.

    Returns
    -------
    table : pandas.DataFrame
        For each change: how many ``networks``; the ``lowest`` and the ``highest`` of
        their gains; ``points gained`` on average, with its ``95 % interval``. As for
        the intervals of `accuracy_table`, it is for other images only where there is
        one network.
    """
    rows = {}
    for change, (before, after) in pairs.items():
        gains = _gains(before, after)
        if gains:
            rows[change] = _summary(gains, "points gained", least=-100)
    return _rows_to_table(rows)


def _gains(before, after):
    """Return for each seed how many points each image gains."""
    pairs = before.merge(after, on="seed", suffixes=("_before", "_after"))
    return [
        100 * (b.astype(float) - a)
        for a, b in zip(pairs["hits_before"], pairs["hits_after"], strict=True)
    ]


def _estimate(values):
    """Estimate a mean over networks and images, or of one network over images."""
    if len(values) > 1:
        return mean_over_seeds_and_images(values)
    return mean_over_seeds(values[0])


def _summary(values, name, least):
    """Return a table's row: networks, their mean, and its interval where it can be."""
    estimate = _estimate(values)
    means = np.mean(values, axis=1)
    low, high = np.clip(estimate.interval(), least, 100)
    return {
        "networks": len(means),
        "lowest": f"{means.min():.2f}",
        "highest": f"{means.max():.2f}",
        name: f"{estimate.value:.2f}",
        "95 % interval": f"{low:.2f} to {high:.2f}",
    }


def _rows_to_table(rows):
    import pandas as pd

    return pd.DataFrame(rows).T


@dataclass(frozen=True)
class Question:
    """One question to the tables, and what its p-values are.

    Attributes
    ----------
    claim : int
        Number of the claim.
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
    unit : {"points", "MSPE", "ratio", "below", "above"}
        What the effect is: points of wrong answers, the logarithm of a ratio of roots
        of MSPE, that of another ratio, or the points by which an accuracy lies below or
        above what counts as poor.
    n : int or None
        How many splits or seeds it was measured on.
    """

    claim: int
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
            p_differs, p_within = self.p_values()
        level = 1 - read_decisions()["rule"]["confidence"]
        value = self.estimate.value
        if self.margin is None:
            if p_differs >= level:
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
    beside = _minus(effects[1, "synapse"].estimate, _relative(readout))
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
        *_of_accuracy(readout, _NETWORK["passes"]),
        *_of_amplitude(readout),
        *(effects[3, name] for name in BASE),
    ]


def _asked(claim, part, experiment, parameter, values=None, *, point, effect=None):
    """Return the question whether a parameter matters, with what answers it."""
    first, second = _both(experiment, parameter, values, point)
    return Question(
        *(claim, part, effect or f"experiment {experiment}: {parameter}"),
        compare(experiment, first, second),
        read_decisions()["experiments"][str(experiment)]["margin"],
        unit="MSPE" if experiment == 1 else "points",
        n=_n_repeats(experiment, first, second),
    )


def _denied(question):
    """Return the question that asks for the contrary."""
    part = question.part.replace(" matters", " does not")
    return replace(question, part=part, contrary=True)


def _of_accuracy(readout, passes):
    """Ask what claim 3 says of single rates, of networks trained for so long."""
    claim = read_decisions()["claims"]["3"]
    how = {"readout": readout, "initial_voltage": "zero", "passes": passes}
    rates = claim["rates"]
    for rate in (*rates["poor"], rates["better"]):
        results = results_at(3, max_rate=rate, **how)
        right = _accuracy(results)
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


def _accuracy(results):
    """Estimate the accuracy of some networks, in percent."""
    return mean_over_seeds_and_images([100.0 * hits for hits in results["hits"]])


def _relative(readout):
    """Estimate the logarithm by which synapse changes the errors of experiment 2."""
    first, second = (
        results_at(2, readout=readout, initial_voltage="zero", synapse=value).iloc[0]
        for value in read_decisions()["contrasts"]["2"]["synapse"]
    )
    errors = [1 - it["accuracy_by_split"] for it in (first, second)]
    # A split may have no error, but the logarithm of the mean moves with it as the
    # error over the mean does.
    moves = errors[0] / errors[0].mean() - errors[1] / errors[1].mean()
    spread = mean_over_splits(
        moves, n_train=int(first["n_train"]), n_test=int(first["n_test"])
    )
    return spread._replace(value=float(np.log(errors[0].mean() / errors[1].mean())))


def _minus(a, b):
    """Return the difference of two estimates that know nothing of each other."""
    variances = np.array([a.error**2, b.error**2])
    dofs = np.array([a.dof, b.dof])
    total = variances.sum()
    dof = total**2 / (variances**2 / dofs).sum() if total else dofs.min()
    return Estimate(a.value - b.value, float(np.sqrt(total)), float(dof))


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
    return _answers(readout).copy()


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
    asked = [*_of_accuracy(readout, passes)]
    answers = _answer([*questions(readout), *asked])
    return answers.tail(len(asked)).reset_index(drop=True)


@cache
def _answers(readout):
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
        low, high = _ends(question.estimate)
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


def parts_of_claims(readout: str, column: str = "answer") -> dict[int, dict[str, str]]:
    """Return the answer to each part of the claims that runs can judge.

    Parameters
    ----------
    readout : {"last", "mean"}
        How the output is read.
    column : {"answer", "corrected"}
        Answers as they are, or corrected for the number of questions.

    Returns
    -------
    parts : dict of int to dict of str to str
        "yes", "no" or "open" by the part's statement, for claims 1 to 4.
    """
    answers = _answers(readout).set_index(["claim", "part"])[column]
    parts = {claim: answers[claim].to_dict() for claim in (1, 2, 3)}
    coupled = {
        part: parts[3].pop(part) for part in [*parts[3]] if part.startswith("1 /")
    }
    parts[3]["amplitude and max_rate depend on each other"] = _any(coupled.values())
    deep = [*answers[4].values, coupled["1 / max_rate matters at 250 Hz"]]
    parts[4] = {"several parameters matter": _several(deep)}
    parts[4]["fewer matter with one layer"] = _fewer(_of_one_layer(readout), deep)
    return parts


def _any(answers):
    """Return yes if one answer is yes, no if all are no, else open."""
    found = {*answers}
    return "yes" if "yes" in found else "no" if found == {"no"} else "open"


def _several(answers):
    """Return whether two things at least matter."""
    if answers.count("yes") > 1:
        return "yes"
    return "no" if len(answers) - answers.count("no") < 2 else "open"


def _fewer(shallow, deep):
    """Return whether surely fewer things matter in one network than in the other."""
    most = len(shallow) - shallow.count("no")
    if most < deep.count("yes"):
        return "yes"
    return "no" if shallow.count("yes") >= len(deep) - deep.count("no") else "open"


def _of_one_layer(readout):
    """Return whether each parameter matters in the network of one layer."""
    return [asked.answer() for asked in _one_layer(readout).values()]


@cache
def _one_layer(readout):
    """Return the question of each parameter to the network of one layer."""
    decided = read_decisions()
    how = {"readout": readout, "initial_voltage": "zero"}

    def at(**changes):
        return _select(_ONE_LAYER, {**BASE, **_NETWORK, **how, **changes})

    pairs = {
        name: [{name: value} for value in values]
        for name, values in decided["contrasts"]["3"].items()
    }
    pairs["amplitude"] = [
        {"max_rate": 250, "amplitude": value} for value in (0.01, 1 / 250)
    ]
    questions = {}
    for name, (first, second) in pairs.items():
        sides = at(**first), at(**second)
        questions[name] = Question(
            *(4, f"{name} matters", f"one layer: {name}", compare(3, *sides)),
            decided["experiments"]["3"]["margin"],
            n=_n_repeats(3, *sides),
        )
    return questions


def judge(parts: dict[str, str]) -> str:
    """Return the verdict on a claim.

    Parameters
    ----------
    parts : dict of str to {"yes", "no", "open"}
        Answers to its parts.

    Returns
    -------
    verdict : {"reproduced", "not reproduced", "in part", "open"}

    Examples
    --------
    >>> judge({"synapse matters": "yes", "tau_rc does not": "open"})
    'in part'
    """
    found = {*parts.values()}
    if "no" in found:
        return "not reproduced"
    if found == {"yes"}:
        return "reproduced"
    return "in part" if "yes" in found else "open"


def verdict_table() -> pd.DataFrame:
    """Return the verdicts on the paper's claims, one row each.

    Returns
    -------
    verdicts : pandas.DataFrame
        By number of the claim: the ``claim``; the verdict for each read-out, "last" and
        "mean", and corrected for the number of questions, "last, corrected" and "mean,
        corrected"; one ``number`` with its interval, for the read-out "last"; and the
        ``panel`` of the paper's figure that shows it.
    """
    import pandas as pd

    claims = read_decisions()["claims"]
    rows = {int(number): {"claim": its["text"]} for number, its in claims.items()}
    for readout in read_decisions()["rule"]["readouts"]:
        for column, name in (
            ("answer", readout),
            ("corrected", f"{readout}, corrected"),
        ):
            parts = parts_of_claims(readout, column)
            for number, found in parts.items():
                rows[number][name] = judge(found)
            rows[5][name] = _judge_need(readout, column)
    numbers, shown = _headlines(), ("(c)", "(f)", "(g)", "(g) to (i)", "(a) to (i)")
    for number, panel in zip(rows, shown, strict=True):
        rows[number] |= {"number": numbers[number], "panel": panel}
    return pd.DataFrame(rows).T


def _judge_need(readout, column):
    """Judge claim 5: whether two parameters at least matter in some experiment."""
    found = _several([*_anywhere(readout, column).values()])
    return {"yes": "supported", "no": "not supported", "open": "open"}[found]


def _anywhere(readout, column="answer"):
    """Return whether each parameter matters in one of the experiments."""
    answers = _answers(readout).set_index("effect")

    def matters(*effects):
        return _any([of_the_effect(answers.loc[it], column) for it in effects])

    found = {
        name: matters(*(f"experiment {number}: {name}" for number in (1, 2, 3)))
        for name in BASE
    }
    return {**found, "amplitude": matters("experiment 3: amplitude at 250 Hz")}


def _headlines():
    """Return for each claim one number with its interval, as words."""
    last = _answers("last").set_index(["claim", "part"])

    def ends(claim, part):
        return last.loc[(claim, part), ["value", "low", "high"]].to_numpy(float)

    times = np.exp(2 * ends(1, "synapse matters"))
    points = ends(2, "synapse does not")
    poor = read_decisions()["claims"]["3"]["poor"]
    right = poor - ends(3, "poor at 100 Hz")[[0, 2, 1]]
    rate = ends(4, "max_rate matters")
    found = [*_anywhere("last").values()]
    words = {
        1: "MSPE is {:.1f} times as large at 0.001 s as at 0.1 s "
        "({:.1f} to {:.1f})".format(*times),
        2: "{:.1f} points more errors at 0.001 s than at 0.1 s "
        "({:.1f} to {:.1f})".format(*points),
        3: "{:.1f} % right at 100 Hz ({:.1f} to {:.1f})".format(*right),
        4: "{:.1f} points more errors at 50 Hz than at 150 Hz "
        "({:.1f} to {:.1f})".format(*rate),
        5: f"{found.count('yes')} of {len(found)} parameters matter somewhere, "
        f"{found.count('open')} open",
    }
    return {number: _without_sign_of_zero(text) for number, text in words.items()}


def show_verdicts(figure: str = "#fig-nine-panels") -> str:
    """Return the verdicts as a table in Markdown, to be read at a glance.

    Parameters
    ----------
    figure : str, default="#fig-nine-panels"
        Where the panels are, as the target of a link.

    Returns
    -------
    table : str
        Each claim with its verdict as it is and corrected for the number of questions.
        Where the read-outs do not agree, each has its own.
    """
    import pandas as pd

    def marked(row, suffix):
        found = {how: row[f"{how}{suffix}"] for how in ("last", "mean")}
        marks = {
            how: f"{_MARKS[it]} {it}".replace(" ", _NO_BREAK)
            for how, it in found.items()
        }
        if len({*found.values()}) == 1:
            return marks["last"]
        # Quotation marks would be turned by what makes them typographic.
        return "<br>".join(f"`{how}`: {it}" for how, it in marks.items())

    def linked(panel):
        return f"[{panel}]({figure})".replace(" ", _NO_BREAK)

    rows = [
        {
            "the paper's claim": f"{number}. {row['claim']}",
            "verdict": marked(row, ""),
            "corrected": marked(row, ", corrected"),
            "one number (`last`), panel": f"{row['number']} {linked(row['panel'])}",
        }
        for number, row in verdict_table().iterrows()
    ]
    return markdown_table(pd.DataFrame(rows))


def show_answers(*claims: int) -> str:
    """Return the answers to the parts of claims as a table in Markdown.

    Parameters
    ----------
    *claims : int
        Numbers of the claims; by default all that runs can judge.

    Returns
    -------
    table : str
        A row for each question, with its effect and answer for both read-outs, and one
        for each part of a claim that follows from several questions.
    """
    import pandas as pd

    rows: dict[tuple[int, str], dict[str, str]] = {}
    for readout in read_decisions()["rule"]["readouts"]:
        answers = _answers(readout)
        told = {
            (row["claim"], row["part"]): row["in_words"]
            for row in answers.to_dict("records")
        }
        asked = {key: _corrected(*its) for key, its in _both_answers(answers)}
        plain, corrected = (
            parts_of_claims(readout, column) for column in ("answer", "corrected")
        )
        follow = {
            (claim, part): _corrected(answer, corrected[claim][part])
            for claim, parts in plain.items()
            for part, answer in parts.items()
        }
        for key, answer in {**asked, **follow}.items():
            size = told.get(key, "follows from the others")
            rows.setdefault(key, {})[f'"{readout}"'] = f"{answer}: {size}"
    table = [
        {"claim": claim, "part": part, **cells}
        for (claim, part), cells in sorted(rows.items(), key=lambda it: it[0][0])
        if claim in claims or not claims
    ]
    return markdown_table(pd.DataFrame(table))


def _both_answers(answers):
    """Yield for each question its answer as it is, and corrected."""
    for row in answers.to_dict("records"):
        yield (row["claim"], row["part"]), (row["answer"], row["corrected"])


def _corrected(answer, corrected):
    """Return an answer, and what becomes of it corrected."""
    if answer == corrected:
        return f"**{answer}**"
    return f"**{answer}** (corrected: {corrected})"


def show_contrasts() -> str:
    """Return what was decided to be compared as a table in Markdown.

    Returns
    -------
    table : str
        A column for each experiment: the two values of each parameter, the error, the
        effect, its margin, and what the interval is taken over.
    """
    import pandas as pd

    decided = read_decisions()
    units = {"max_rate": "Hz", "tau_rc": "s", "synapse": "s"}
    columns = {}
    for number, its in decided["experiments"].items():
        margin = its["margin"]
        columns[f"experiment {number}"] = {
            **{
                f"`{name}`": "{} and {} {}".format(*values, units[name])
                for name, values in decided["contrasts"][number].items()
            },
            "error": its["measure"],
            "effect": its["effect"],
            "margin": f"MSPE times {np.exp(2 * margin):.2f}"
            if number == "1"
            else f"{margin:.1f} points",
            "interval over": its["replication"],
        }
    return markdown_table(pd.DataFrame(columns).rename_axis("compared").reset_index())


def count_seeds() -> pd.DataFrame:
    """Return how many seeds experiment 3 was to have, and how many are here.

    Returns
    -------
    seeds : pandas.DataFrame
        By what the networks are for: how many were ``decided`` beforehand, and how many
        the committed tables hold ``here`` for every value that is compared.
    """
    import pandas as pd

    decided = read_decisions()
    ten = decided["runs"]["seeds"]["n"]
    last = _answers("last")
    rows = {
        name: (ten, int(_n_of(last, f"experiment 3: {name}").min())) for name in BASE
    }
    amplitudes = _n_of(last, "experiment 3: amplitude")
    rows["amplitude"] = (_THREE, int(amplitudes.min()))
    little = decided["claims"]["3"]["little"]
    rows[f"{little} passes"] = (_FIVE, min(it.n for it in _of_accuracy("last", little)))
    one = min(asked.n for asked in _one_layer("last").values())
    rows["one layer"] = (decided["claims"]["4"]["control"]["seeds"], one)
    return pd.DataFrame(rows, ["decided", "here"]).T


def _n_of(answers, effect):
    return answers.loc[answers["effect"].str.startswith(effect), "n"]


def learning_curve(readout: str = "last") -> pd.DataFrame:
    """Return what the networks of experiment 3 knew in the course of their training.

    Parameters
    ----------
    readout : {"last", "mean"}, default="last"
        How the output is read.

    Returns
    -------
    curve : pandas.DataFrame
        A row for each ``max_rate`` and number of ``passes``: the mean ``accuracy`` in
        percent, the ``low`` and ``high`` end of its interval, and ``n`` seeds.
    """
    import pandas as pd

    point = {**BASE, **_NETWORK, "readout": readout, "initial_voltage": "zero"}
    rows = []
    for rate in sorted(_table(_LEARNING)["max_rate"].unique()):
        for passes in read_decisions()["runs"]["training"]["snapshots"]:
            its = {"max_rate": rate, "passes": passes}
            results = _select(_LEARNING, {**point, **its})
            right = _accuracy(results)
            low, high = _ends(right)
            of_seeds = {"low": low, "high": high, "n": len(results)}
            rows.append({**its, "accuracy": right.value, **of_seeds})
    return pd.DataFrame(rows)


def effects_of_depth(readout: str) -> pd.DataFrame:
    """Compare what parameters change in the network of three layers and of one.

    Parameters
    ----------
    readout : {"last", "mean"}
        How the output is read.

    Returns
    -------
    effects : pandas.DataFrame
        By parameter: the ``effect`` with "three layers" and with "one layer", in points
        of wrong answers, with the ``low`` and the ``high`` end of its interval, and all
        three ``in_words``.
    """
    import pandas as pd

    answers = _answers(readout).set_index("effect")
    rows = {}
    for name, asked in _one_layer(readout).items():
        deep = "amplitude at 250 Hz" if name == "amplitude" else name
        its = answers.loc[f"experiment 3: {deep}"]
        low, high = _ends(asked.estimate)
        rows[name] = {
            **{("three layers", key): its[key] for key in ("low", "high", "in_words")},
            ("three layers", "effect"): its["value"],
            ("one layer", "low"): low,
            ("one layer", "high"): high,
            ("one layer", "in_words"): asked.in_words(),
            ("one layer", "effect"): asked.estimate.value,
        }
    return pd.DataFrame(rows).T.rename_axis("parameter")


def beside_constant() -> pd.DataFrame:
    """Compare MSPE in experiment 1 with that of a constant, for each synapse.

    The constant is the one with the least MSPE on the training flowers. It looks at no
    sepal. All models are compared with it on the splits of the committed table.

    Returns
    -------
    errors : pandas.DataFrame
        For the "constant", the "straight line" of least squares, and each synapse with
        each read-out at the paper's base point: the geometric mean of ``mspe`` in
        percent; as how many times the constant's, ``ratio``, with the ``low`` and the
        ``high`` end of its interval.
    """
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    row = _table(_TABLES[1]).iloc[0]
    errors: dict[str, Any] = {"constant": [], "straight line": []}
    iris = load_iris_setosa()
    for split in range(int(row["seed"]), int(row["seed"] + row["n_splits"])):
        X, X_test, y, y_test = train_test_iris_setosa(iris, random_state=split)
        constant = (1 / y).sum() / (1 / y**2).sum()
        errors["constant"].append(mspe(y_test, np.full(len(y_test), constant)))
        line = LinearRegression().fit(X, y)
        errors["straight line"].append(mspe(y_test, line.predict(X_test)))
    how = {"initial_voltage": "zero"}
    for readout in read_decisions()["rule"]["readouts"]:
        for synapse in sorted(_table(_TABLES[1])["synapse"].unique()):
            results = results_at(1, synapse=synapse, readout=readout, **how)
            errors[f'{synapse:g} s, "{readout}"'] = results["mspe_by_split"].iloc[0]
    sizes = {"n_train": int(row["n_train"]), "n_test": int(row["n_test"])}
    rows = {}
    for model, values in errors.items():
        effects = np.log(np.divide(values, errors["constant"]))
        estimate = mean_over_splits(effects, **sizes)
        low, high = np.exp(_ends(estimate))
        size = {"ratio": float(np.exp(estimate.value)), "low": low, "high": high}
        rows[model] = {"mspe": float(np.exp(np.mean(np.log(values)))), **size}
    return pd.DataFrame(rows).T.rename_axis("model")


def multiverse_answers(table: pd.DataFrame, experiment: int) -> pd.DataFrame:
    """Count how many ways of choosing give which answer.

    Parameters
    ----------
    table : pandas.DataFrame
        As for `plot_multiverse`.
    experiment : {1, 2}
        Number of the experiment, for the margin.

    Returns
    -------
    counts : pandas.DataFrame
        A row for each read-out and parameter, and columns "yes" (it matters), "no" and
        "open".
    """
    import pandas as pd

    margin = read_decisions()["experiments"][str(experiment)]["margin"]
    found = []
    for row in table.itertuples():
        for name in BASE:
            value, error = getattr(row, name), getattr(row, f"{name}_error")
            effect = Estimate(value, error, row.n_splits - 1)
            asked = Question(experiment, name, name, effect, margin)
            answer = asked.answer()
            found.append({"readout": row.readout, "parameter": name, "answer": answer})
    counts = pd.DataFrame(found).value_counts(sort=False).unstack(fill_value=0)
    return counts.reindex(columns=["yes", "open", "no"], fill_value=0)
