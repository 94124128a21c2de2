"""What else could have been chosen, and what a constant does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.datasets import load_iris_setosa, train_test_iris_setosa
from snnlib.metrics import Estimate, mean_over_splits, mspe
from snnlib.verdicts._questions import Question
from snnlib.verdicts._results import (
    BASE,
    TABLES,
    read_decisions,
    read_tables,
    results_at,
)
from snnlib.verdicts._words import interval_of

if TYPE_CHECKING:
    import pandas as pd


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

    row = read_tables(TABLES[1]).iloc[0]
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
        for synapse in sorted(read_tables(TABLES[1])["synapse"].unique()):
            results = results_at(1, synapse=synapse, readout=readout, **how)
            errors[f'{synapse:g} s, "{readout}"'] = results["mspe_by_split"].iloc[0]
    sizes = {"n_train": int(row["n_train"]), "n_test": int(row["n_test"])}
    rows = {}
    for model, values in errors.items():
        effects = np.log(np.divide(values, errors["constant"]))
        estimate = mean_over_splits(effects, **sizes)
        low, high = np.exp(interval_of(estimate))
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
            effect = Estimate(value, (error,), (row.n_splits - 1,))
            asked = Question(experiment, name, name, effect, margin)
            answer = asked.answer()
            found.append({"readout": row.readout, "parameter": name, "answer": answer})
    counts = pd.DataFrame(found).value_counts(sort=False).unstack(fill_value=0)
    return counts.reindex(columns=["yes", "open", "no"], fill_value=0)
