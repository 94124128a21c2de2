"""The grids of all combinations, as arrays whose variation can be divided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.committed import read_committed
from snnlib.variation import VarianceShare, variance_shares

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

FACTORS = ("max_rate", "tau_rc", "synapse", "readout", "initial_voltage")
# All of networks that were trained briefly: those trained in full have no such grid.
# The paper's amplitude stands in the first two.
_GRID = ("grid_mnist", "repeats_mnist")
_MAP = ("amplitude_mnist", "brief_rule_mnist")


def grid_networks(*, amplitudes: bool = False, **fixed: Any) -> pd.DataFrame:
    """Read the networks of experiment 3 that the grid is made of.

    They were trained briefly, all alike.

    Parameters
    ----------
    amplitudes : bool, default=False
        False takes networks with the paper's amplitude of 0.01 only; True those of the
        map of amplitudes too.
    **fixed : number or str
        Values of columns, as for `read_committed`.

    Returns
    -------
    networks : pandas.DataFrame
        A row for each network and each way of reading out its spikes.
    """
    found = read_committed(*_GRID, *(_MAP if amplitudes else ()), **fixed)
    return found.drop_duplicates([*FACTORS, "amplitude", "seed"]).reset_index(drop=True)


def grid_accuracies() -> pd.DataFrame:
    """Return the accuracy of each setting of experiment 3, with a column for each seed.

    Returns
    -------
    accuracies : pandas.DataFrame
        In percent, by the five factors of the grid; NaN where a pair of ``max_rate``
        and ``tau_rc`` was not trained with a seed.
    """
    networks = grid_networks()
    return networks.pivot(index=[*FACTORS], columns="seed", values="accuracy")


def score_grids() -> dict[str, NDArray[np.float64]]:
    """Return the scores of all combinations of the five factors.

    Errors that differ by factors are taken as logarithms, which add up. A pair of
    experiment 3 that was trained with fewer seeds than another repeats the last it has.

    Returns
    -------
    grids : dict of str to ndarray
        ``experiment 1``: minus the logarithm of the root of MSPE. ``experiment 2`` and
        ``experiment 3``: accuracy in percent. ``experiment 3, logarithm``: minus that
        of the error in percent. An axis for each of ``max_rate``, ``tau_rc``,
        ``synapse``, ``readout`` and ``initial_voltage``, in the order of their values,
        and a last one for splits or seeds; larger scores are better.
    """
    linear, logistic = (
        read_committed(f"grid_{name}_regression").sort_values([*FACTORS])
        for name in ("linear", "logistic")
    )
    shape = [linear[name].nunique() for name in FACTORS]
    accuracies = grid_accuracies().ffill(axis=1).bfill(axis=1).to_numpy()
    scores = {
        "experiment 1": -np.log(np.stack(linear["mspe_by_split"])) / 2,
        "experiment 2": 100 * np.stack(logistic["accuracy_by_split"]),
        "experiment 3": accuracies,
        "experiment 3, logarithm": -np.log(np.maximum(100 - accuracies, 0.01)),
    }
    return {name: values.reshape(*shape, -1) for name, values in scores.items()}


def shares_over_seeds(
    grid: ArrayLike, *, n_draws: int = 200, random_state: int = 0
) -> dict[str, VarianceShare]:
    """Divide the variance over a grid whose networks could have had other seeds.

    Each pair of the first two factors has its networks. Each draw takes one of them,
    at random.

    Parameters
    ----------
    grid : array-like
        Of `score_grids`, for experiment 3.
    n_draws : int, default=200
        How many grids are put together.
    random_state : int, default=0
        Seed of these draws.

    Returns
    -------
    shares : dict of str to VarianceShare
        As from `variance_shares`: the share in the grid of the first seed, and the
        middle 95 % of those of the grids that are drawn.
    """
    grid = np.asarray(grid, float)
    rng = np.random.default_rng(random_state)

    def shares(seeds):
        chosen = np.take_along_axis(grid, seeds, axis=-1)
        found = variance_shares(chosen, FACTORS, n_resamples=1)
        return {name: it.share for name, it in found.items()}

    of_one = (*grid.shape[:2], *[1] * (grid.ndim - 2))
    drawn = [shares(rng.integers(grid.shape[-1], size=of_one)) for _ in range(n_draws)]
    ends = {
        name: np.percentile([it[name] for it in drawn], [2.5, 97.5])
        for name in drawn[0]
    }
    return {
        name: VarianceShare(share, *map(float, ends[name]))
        for name, share in shares(np.zeros(of_one, int)).items()
    }
