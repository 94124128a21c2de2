"""The paper's claims, judged by rules that were decided before the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnlib.verdicts._questions import cached_answers, of_the_effect
from snnlib.verdicts._results import BASE, read_decisions
from snnlib.verdicts._words import without_sign_of_zero

if TYPE_CHECKING:
    import pandas as pd


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
    has_one_layer = answers[4].index.str.endswith("with one layer")
    shallow = answers[4][has_one_layer].tolist()
    deep = [*answers[4][~has_one_layer], coupled["1 / max_rate matters at 250 Hz"]]
    parts[4] = {"several parameters matter": _several(deep)}
    parts[4]["fewer matter with one layer"] = _fewer(shallow, deep)
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
    right = np.clip(poor - ends(3, "poor at 100 Hz")[[0, 2, 1]], 0, 100)
    rate = ends(4, "max_rate matters")
    found = [*_anywhere("last").values()]
    words = {
        1: "MSPE is {:.1f} times as large at 0.001 s as at 0.1 s "
        "({:.1f} to {:.1f})".format(*times),
        2: "{:.1f} points more errors at 0.001 s than at 0.1 s "
        "({:.1f} to {:.1f})".format(*points),
        3: "{:.1f} % right at 100 Hz ({:.1f} to {:.1f}; {} networks)".format(
            *right, last.loc[(3, "poor at 100 Hz"), "n"]
        ),
        4: "{:.1f} points more errors at 50 Hz than at 150 Hz "
        "({:.1f} to {:.1f}; {} networks)".format(
            *rate, last.loc[(4, "max_rate matters"), "n"]
        ),
        5: f"{found.count('yes')} of {len(found)} parameters matter somewhere, "
        f"{found.count('open')} open",
    }
    return {number: without_sign_of_zero(text) for number, text in words.items()}
