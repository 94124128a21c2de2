"""The paper's claims, judged by rules that were decided before the runs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from snnlib.verdicts._questions import Question, cached_answers, of_the_effect
from snnlib.verdicts._results import (
    BASE,
    NETWORK,
    compare,
    count_repeats,
    read_decisions,
    select,
)
from snnlib.verdicts._words import interval_of, without_sign_of_zero

if TYPE_CHECKING:
    import pandas as pd

_ONE_LAYER = ("one_layer_mnist", "one_layer_rule_mnist")


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
    answers = cached_answers(readout).set_index(["claim", "part"])[column]
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
    return [asked.answer() for asked in effects_in_one_layer(readout).values()]


@cache
def effects_in_one_layer(readout):
    """Return the question of each parameter to the network of one layer."""
    decided = read_decisions()
    how = {"readout": readout, "initial_voltage": "zero"}

    def at(**changes):
        return select(_ONE_LAYER, {**BASE, **NETWORK, **how, **changes})

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
            n=count_repeats(3, *sides),
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
    answers = cached_answers(readout).set_index("effect")

    def matters(*effects):
        return _any([of_the_effect(answers.loc[it], column) for it in effects])

    found = {
        name: matters(*(f"experiment {number}: {name}" for number in (1, 2, 3)))
        for name in BASE
    }
    return {**found, "amplitude": matters("experiment 3: amplitude at 250 Hz")}


def _headlines():
    """Return for each claim one number with its interval, as words."""
    last = cached_answers("last").set_index(["claim", "part"])

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
    return {number: without_sign_of_zero(text) for number, text in words.items()}


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

    answers = cached_answers(readout).set_index("effect")
    rows = {}
    for name, asked in effects_in_one_layer(readout).items():
        deep = "amplitude at 250 Hz" if name == "amplitude" else name
        its = answers.loc[f"experiment 3: {deep}"]
        low, high = interval_of(asked.estimate)
        rows[name] = {
            **{("three layers", key): its[key] for key in ("low", "high", "in_words")},
            ("three layers", "effect"): its["value"],
            ("one layer", "low"): low,
            ("one layer", "high"): high,
            ("one layer", "in_words"): asked.in_words(),
            ("one layer", "effect"): asked.estimate.value,
        }
    return pd.DataFrame(rows).T.rename_axis("parameter")
