"""The paper's claims, judged by rules that were decided before the runs."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.committed import has_value, read_committed
from snnlib.metrics import (
    Estimate,
    adjust_p_values,
    mean_over_seeds,
    mean_over_seeds_and_images,
    mean_over_splits,
)
from snnlib.recording import results_path

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
# What else the paper's network has, once it is trained.
_NETWORK = {"passes": 10, "amplitude": 0.01, "layer_synapse": 0}
_CONTRARY = {"yes": "no", "no": "yes", "open": "open"}


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
) -> Estimate:
    """Estimate what one parameter changes, from the committed tables.

    All other parameters are those of the paper's base point.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    parameter : {"max_rate", "tau_rc", "synapse"}
        What is changed.
    values : tuple of float, optional
        The first and the second value; by default, those decided beforehand.
    readout : {"last", "mean"}, default="last"
        How the output is read.
    initial_voltage : {"zero", "uniform"}, default="zero"
        Voltage at the first step.

    Returns
    -------
    effect : Estimate
        How much larger the errors are with the first value than with the second: the
        logarithm of the ratio of roots of MSPE in experiment 1, points of wrong answers
        in the others.
    """
    if values is None:
        values = read_decisions()["contrasts"][str(experiment)][parameter]
    first, second = (
        results_at(
            experiment,
            readout=readout,
            initial_voltage=initial_voltage,
            **{parameter: value},
        )
        for value in values
    )
    return compare(experiment, first, second)


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
        One row in experiments 1 and 2, and one for each network in experiment 3.
    """
    point = {**BASE, **changes}
    if experiment == 3:
        point = {**_NETWORK, **point}
    return _select(_TABLES[experiment], point)


def _select(tables, point):
    """Return the rows of some tables at a point, one for each seed, in order."""
    results = _table(tables)
    for name, value in point.items():
        results = results[has_value(results[name], value)]
    return results.drop_duplicates("seed").sort_values("seed")


@cache
def _table(names):
    return read_committed(*names)


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
    """
    if experiment == 3:
        return mean_over_seeds_and_images(_gains(first, second))
    a, b = first.iloc[0], second.iloc[0]
    sizes = {"n_train": int(a["n_train"]), "n_test": int(a["n_test"])}
    if experiment == 1:
        effects = np.log(a["mspe_by_split"] / b["mspe_by_split"]) / 2
    else:
        effects = 100 * (b["accuracy_by_split"] - a["accuracy_by_split"])
    return mean_over_splits(effects, **sizes)


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
    """

    claim: int
    part: str
    effect: str
    estimate: Estimate
    margin: float | None = None
    contrary: bool = False

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
    decided = read_decisions()
    margins = {
        number: decided["experiments"][str(number)]["margin"] for number in (1, 2, 3)
    }
    effects = {
        (number, name): contrast(number, name, readout=readout)
        for number in margins
        for name in BASE
    }
    found = [
        Question(
            *(1, "synapse matters", "experiment 1: synapse"),
            *(effects[1, "synapse"], margins[1]),
        ),
        *(
            Question(
                *(1, f"{name} does not", f"experiment 1: {name}"),
                *(effects[1, name], margins[1], True),
            )
            for name in ("max_rate", "tau_rc")
        ),
        Question(
            *(2, "synapse matters less than in experiment 1", "experiment 1 beside 2"),
            _minus(effects[1, "synapse"], _relative(readout)),
        ),
        *(
            Question(
                *(2, f"{name} does not", f"experiment 2: {name}"),
                *(effects[2, name], margins[2], True),
            )
            for name in BASE
        ),
    ]
    return [*found, *_of_networks(readout, decided, effects, margins[3])]


def _of_networks(readout, decided, effects, margin):
    claim = decided["claims"]["3"]
    how = {"readout": readout, "initial_voltage": "zero"}
    for rate in claim["rates"]["poor"]:
        right = _accuracy(rate, how)
        yield Question(
            *(3, f"poor at {rate} Hz", f"accuracy at {rate} Hz"),
            right._replace(value=claim["poor"] - right.value),
        )
    rate = claim["rates"]["better"]
    right = _accuracy(rate, how)
    enough = right._replace(value=right.value - claim["poor"])
    yield Question(3, f"not poor at {rate} Hz", f"accuracy at {rate} Hz", enough)
    for rate in claim["coupling"]:
        fixed, ruled = (
            results_at(3, max_rate=rate, amplitude=amplitude, **how)
            for amplitude in (claim["amplitude"], 1 / rate)
        )
        effect = compare(3, fixed, ruled)
        yield Question(
            *(3, f"1 / max_rate matters at {rate} Hz"),
            *(f"experiment 3: amplitude at {rate} Hz", effect, margin),
        )
    for name in BASE:
        yield Question(
            *(4, f"{name} matters", f"experiment 3: {name}"),
            *(effects[3, name], margin),
        )


def _accuracy(rate, how):
    hits = [100.0 * it for it in results_at(3, max_rate=rate, **how)["hits"]]
    return mean_over_seeds_and_images(hits)


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
        and ``contrary``, whether the part says that the effect does *not* matter.
    """
    return _answers(readout).copy()


@cache
def _answers(readout):
    import pandas as pd

    asked = questions(readout)
    p_values = np.array([question.p_values() for question in asked])
    has_margin = np.array([question.margin is not None for question in asked])
    adjusted = np.ones_like(p_values)
    adjusted[:, 0] = adjust_p_values(p_values[:, 0])
    adjusted[has_margin, 1] = adjust_p_values(p_values[has_margin, 1])
    rows = []
    for question, raw, corrected in zip(asked, p_values, adjusted, strict=True):
        low, high = question.estimate.interval(read_decisions()["rule"]["confidence"])
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
    margin = read_decisions()["experiments"]["3"]["margin"]
    asked = [
        Question(4, f"{name} matters", f"one layer: {name}", effect, margin)
        for name, effect in _one_layer(readout).items()
    ]
    return [it.answer() for it in asked]


@cache
def _one_layer(readout):
    """Return the effect of each parameter in the network of one layer."""
    tables = ("one_layer_mnist", "one_layer_rule_mnist")
    how = {"readout": readout, "initial_voltage": "zero"}

    def at(**changes):
        return _select(tables, {**BASE, **_NETWORK, **how, **changes})

    pairs = {
        name: [{name: value} for value in values]
        for name, values in read_decisions()["contrasts"]["3"].items()
    }
    pairs["amplitude"] = [
        {"max_rate": 250, "amplitude": value} for value in (0.01, 1 / 250)
    ]
    return {
        name: compare(3, at(**first), at(**second))
        for name, (first, second) in pairs.items()
    }


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
    numbers, shown = _headlines(), ("(c)", "(f)", "(g)", "(g) to (i)", "")
    for number, panel in zip(rows, shown, strict=True):
        rows[number] |= {"number": numbers[number], "panel": panel}
    return pd.DataFrame(rows).T


def _judge_need(readout, column):
    """Judge claim 5: whether two parameters at least matter in some experiment."""
    answers = _answers(readout).set_index("effect")

    def matters(*effects):
        return _any([of_the_effect(answers.loc[it], column) for it in effects])

    found = [
        matters(*(f"experiment {number}: {name}" for number in (1, 2, 3)))
        for name in BASE
    ]
    found = _several([*found, matters("experiment 3: amplitude at 250 Hz")])
    return {"yes": "supported", "no": "not supported", "open": "open"}[found]


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
    return {
        1: "MSPE is {:.1f} times as large at 0.001 s as at 0.1 s "
        "({:.1f} to {:.1f})".format(*times),
        2: "{:.1f} points more errors at 0.001 s than at 0.1 s "
        "({:.1f} to {:.1f})".format(*points),
        3: "{:.1f} % right at 100 Hz ({:.1f} to {:.1f})".format(*right),
        4: "{:.1f} points more errors at 50 Hz than at 150 Hz "
        "({:.1f} to {:.1f})".format(*rate),
        5: "",
    }


def effects_of_depth(readout: str) -> pd.DataFrame:
    """Compare what parameters change in the network of three layers and of one.

    Parameters
    ----------
    readout : {"last", "mean"}
        How the output is read.

    Returns
    -------
    effects : pandas.DataFrame
        By parameter: the effect with ``three layers`` and with ``one layer``, each with
        its interval, in points of wrong answers.
    """
    import pandas as pd

    answers = _answers(readout).set_index("effect")
    rows = {}
    for name, of_one in _one_layer(readout).items():
        deep = "amplitude at 250 Hz" if name == "amplitude" else name
        its = answers.loc[f"experiment 3: {deep}"]
        low, high = of_one.interval()
        rows[name] = {
            ("three layers", "effect"): its["value"],
            ("three layers", "low"): its["low"],
            ("three layers", "high"): its["high"],
            ("one layer", "effect"): of_one.value,
            ("one layer", "low"): low,
            ("one layer", "high"): high,
        }
    return pd.DataFrame(rows).T.rename_axis("parameter")


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
