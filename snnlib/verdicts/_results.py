"""The committed results at a point, and what one parameter changes there."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.checks import check_choice, check_whole, shown
from snnlib.committed import find_committed, has_value, read_committed
from snnlib.metrics import Estimate, mean_over_seeds_and_images, mean_over_splits
from snnlib.recording import results_path

if TYPE_CHECKING:
    import pandas as pd

BASE = {"max_rate": 100.0, "tau_rc": 0.02, "synapse": 0.1}
TABLES = {
    1: ("grid_linear_regression",),
    2: ("grid_logistic_regression",),
    # Of networks trained in full. "rates_mnist" is where seeds without a learning
    # curve stand, once some are run.
    3: ("learning_mnist", "rates_mnist", "tau_rc_mnist", "rule_mnist"),
}
# What else the paper's network has, once it is trained.
NETWORK = {"passes": 10, "amplitude": 0.01, "layer_synapse": 0}
# How results are read; the first of each where nothing is said.
WAYS = {"readout": ("last", "mean"), "initial_voltage": ("zero", "uniform")}


class NoResultsError(LookupError):
    """A question to the tables that they do not hold enough results for."""


@cache
def read_decisions() -> dict[str, Any]:
    """Return what was decided before the runs: margins, contrasts, parts of claims.

    Returns
    -------
    decisions : dict
        The content of ``results/decisions.toml``, and as ``later`` that of
        ``results/later_decisions.toml``.
    """
    decided, later = (
        tomllib.loads(results_path(f"{name}.toml").read_text(encoding="utf-8"))
        for name in ("decisions", "later_decisions")
    )
    return {**decided, "later": later}


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
        The first and the second value; by default, those decided beforehand, of
        max_rate, tau_rc and synapse.
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
    ValueError
        If there is no such experiment, read-out or initial voltage, or ``values`` are
        not two, or not given where none were decided.
    """
    check_whole("experiment", experiment, 1, 3)
    point = {"readout": readout, "initial_voltage": initial_voltage, **others}
    return compare(experiment, *both_sides(experiment, parameter, values, point))


def both_sides(experiment, parameter, values, point):
    """Return the results with the first and with the second value of a parameter."""
    if values is None:
        decided = read_decisions()["contrasts"][str(experiment)]
        values = decided.get(parameter)
    if not isinstance(values, tuple | list) or len(values) != 2:
        msg = (
            f"values must be the two of {parameter!r} to be compared (two were decided "
            f"for {', '.join(BASE)} alone); got {shown(values)}."
        )
        raise ValueError(msg)
    return [results_at(experiment, **{**point, parameter: value}) for value in values]


def results_at(experiment: int, **changes: Any) -> pd.DataFrame:
    """Return the committed results at the paper's base point, but for some parameters.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    **changes : number or str
        Parameters with other values than 100 Hz, 0.02 s and 0.1 s, and the ``readout``
        and ``initial_voltage``, which are "last" and "zero" where they are not given.

    Returns
    -------
    results : pandas.DataFrame
        One row in experiments 1 and 2, and one for each network in experiment 3, with
        the ``table`` it is from.

    Raises
    ------
    NoResultsError
        If there is no row, or in experiment 3 no second network.
    ValueError
        If there is no such experiment, read-out or initial voltage.
    """
    check_whole("experiment", experiment, 1, 3)
    way = {name: choices[0] for name, choices in WAYS.items()}
    point = {**BASE, **(NETWORK if experiment == 3 else {}), **way, **changes}
    for name, choices in WAYS.items():
        check_choice(name, point[name], choices)
    return select(TABLES[experiment], point, least=2 if experiment == 3 else 1)


def select(tables, point, least=2):
    """Return the rows of some tables at a point, one for each seed, in order."""
    results = read_tables(tables)
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
def read_tables(names):
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
    check_whole("experiment", experiment, 1, 3)
    if experiment == 3:
        gains = paired_gains(first, second)
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


def count_repeats(experiment, first, second):
    """Return how many splits, or seeds that both have, two results share."""
    if experiment == 3:
        return len({*first["seed"]} & {*second["seed"]})
    return int(first["n_splits"].iloc[0])


def check_networks(name, networks, *, least=1):
    """Refuse networks without hits, or two rows of one, which are no two networks.

    Parameters
    ----------
    name : str
        What to call them in the message.
    networks : pandas.DataFrame
        From `read_committed`.
    least : int, default=1
        How many rows there must be.

    Raises
    ------
    ValueError
        If there are fewer, a column of hits or seeds is missing, or a seed comes twice.
    """
    absent = [it for it in ("seed", "hits") if it not in networks]
    if absent or len(networks) < least:
        got = f"no {absent[0]!r}" if absent else f"{len(networks)} rows"
        msg = (
            f"{name} must have at least {least} rows, with the columns 'seed' and "
            f"'hits'; got {got}."
        )
        raise ValueError(msg)
    twice = networks["seed"].duplicated()
    if twice.any():
        seed = networks["seed"][twice].iloc[0]
        msg = (
            f"{name} must have one row for each seed; seed {seed} has "
            f"{(networks['seed'] == seed).sum()}. Fix what they differ in, such as "
            "readout or passes."
        )
        raise ValueError(msg)


def paired_gains(before, after, name=""):
    """Return for each seed how many points each image gains."""
    for side, networks in (("before", before), ("after", after)):
        check_networks(f"{name} {side}" if name else side, networks, least=0)
    pairs = before.merge(after, on="seed", suffixes=("_before", "_after"))
    return [
        100 * (b.astype(float) - a)
        for a, b in zip(pairs["hits_before"], pairs["hits_after"], strict=True)
    ]


def mean_accuracy(results):
    """Estimate the accuracy of some networks, in percent."""
    return mean_over_seeds_and_images([100.0 * hits for hits in results["hits"]])


def relative_effect(first, second):
    """Estimate the logarithm by which the errors of two results of experiment 2 differ.

    Parameters
    ----------
    first, second : pandas.DataFrame
        From `results_at`.

    Returns
    -------
    effect : Estimate
    """
    first, second = first.iloc[0], second.iloc[0]
    errors = [1 - it["accuracy_by_split"] for it in (first, second)]
    # A split may have no error, but the logarithm of the mean moves with it as the
    # error over the mean does.
    moves = errors[0] / errors[0].mean() - errors[1] / errors[1].mean()
    spread = mean_over_splits(
        moves, n_train=int(first["n_train"]), n_test=int(first["n_test"])
    )
    return spread._replace(value=float(np.log(errors[0].mean() / errors[1].mean())))
