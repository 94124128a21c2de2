"""Verdicts, answers and rules as tables of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnlib.tables import markdown_table
from snnlib.verdicts._claims import parts_of_claims, verdict_table
from snnlib.verdicts._questions import cached_answers, of_accuracy
from snnlib.verdicts._results import BASE, read_decisions

if TYPE_CHECKING:
    import pandas as pd

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
        Where the read-outs do not agree, each has its own. Below it, as long as seeds
        are missing that were decided on, that some verdicts are preliminary.
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
            "one number (`last`, start at 0), panel": (
                f"{row['number']} {linked(row['panel'])}"
            ),
        }
        for number, row in verdict_table().iterrows()
    ]
    return markdown_table(pd.DataFrame(rows)) + _preliminary(count_seeds())


def _preliminary(seeds):
    """Return a paragraph on what is to come, or nothing."""
    short = seeds[seeds["here"] < seeds["decided"]]
    if short.empty:
        return ""
    listed = ", ".join(
        f"{row.here} of {row.decided} for {name}"
        for name, row in short.rename(index="`{}`".format).iterrows()
    )
    return (
        "\n\nClaims 3 to 5 are **preliminary**. Of the seeds decided on, there are "
        f"{listed}."
    )


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
        answers = cached_answers(readout)
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
    last = cached_answers("last")
    rows = {
        name: (ten, int(_n_of(last, f"experiment 3: {name}").min())) for name in BASE
    }
    amplitudes = _n_of(last, "experiment 3: amplitude")
    rows["amplitude"] = (_THREE, int(amplitudes.min()))
    little = decided["claims"]["3"]["little"]
    rows[f"{little} passes"] = (_FIVE, min(it.n for it in of_accuracy("last", little)))
    one = int(_n_of(last, "one layer").min())
    rows["one layer"] = (decided["claims"]["4"]["control"]["seeds"], one)
    return pd.DataFrame(rows, ["decided", "here"]).T


def _n_of(answers, effect):
    return answers.loc[answers["effect"].str.startswith(effect), "n"]
