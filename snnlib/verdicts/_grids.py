"""The grids of all combinations, as arrays whose variation can be divided."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from snnlib.checks import check_choice, check_finite, check_whole
from snnlib.committed import find_committed, read_committed
from snnlib.variation import VarianceShare, variance_shares
from snnlib.verdicts._results import NoResultsError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

FACTORS = ("max_rate", "tau_rc", "synapse", "readout", "initial_voltage")
# The grid has the paper's amplitude of 0.01; the map of amplitudes has others. Of seeds
# without a learning curve, "rates_mnist" holds those that were run.
_GRID = {
    "in full": ("learning_mnist", "rates_mnist", "tau_rc_mnist"),
    "brief": ("grid_mnist", "repeats_mnist"),
}
_MAP = {"in full": ("rule_mnist",), "brief": ("amplitude_mnist", "brief_rule_mnist")}


def grid_networks(
    training: Literal["in full", "brief"] = "in full",
    *,
    amplitudes: bool = False,
    **fixed: Any,
) -> pd.DataFrame:
    """Read the networks of experiment 3 that the grid is made of.

    Parameters
    ----------
    training : {"in full", "brief"}, default="in full"
        How they were trained, all alike. Those trained in full have each image's hit,
        and the shortest and the longest ``tau_rc``; those trained briefly have five.
    amplitudes : bool, default=False
        False takes networks with the paper's amplitude of 0.01 only; True others too:
        of networks trained in full those of 1 / max_rate, of others a whole map.
    **fixed : number or str
        Values of columns, as for `read_committed`.

    Returns
    -------
    networks : pandas.DataFrame
        A row for each network and each way of reading out its spikes.

    Raises
    ------
    ValueError
        If ``training`` is neither.
    """
    check_choice("training", training, _GRID)
    names = _GRID[training] + (_MAP[training] if amplitudes else ())
    found = read_committed(*find_committed(*names), layer_synapse=0, **fixed)
    # Of the others, what the same weights do without spikes, or did earlier on.
    ended = (found["readout"] != "rates") & (found["passes"] == found["n_epochs"])
    found = found[ended].drop_duplicates([*FACTORS, "amplitude", "seed"])
    return found.reset_index(drop=True)


def grid_accuracies(training: Literal["in full", "brief"] = "in full") -> pd.DataFrame:
    """Return the accuracy of each setting of experiment 3, with a column for each seed.

    Parameters
    ----------
    training : {"in full", "brief"}, default="in full"
        As for `grid_networks`.

    Returns
    -------
    accuracies : pandas.DataFrame
        In percent, by the five factors of the grid; NaN where a pair of ``max_rate``
        and ``tau_rc`` was not trained with a seed.
    """
    networks = grid_networks(training)
    return networks.pivot(index=[*FACTORS], columns="seed", values="accuracy")


def score_grids() -> dict[str, NDArray[np.float64]]:
    """Return the scores of all combinations of the five factors.

    Errors that differ by factors are taken as logarithms, which add up. In experiment 3
    the seeds are those that all settings have; where networks were trained briefly, a
    pair with fewer seeds than another repeats the last it has.

    Returns
    -------
    grids : dict of str to ndarray
        ``experiment 1``: minus the logarithm of the root of MSPE. ``experiment 2`` and
        ``experiment 3``: accuracy in percent. ``experiment 3, logarithm``: minus that
        of the error in percent. ``experiment 3, brief``: accuracy of networks that were
        trained briefly, for more values of ``tau_rc``. An axis for each of
        ``max_rate``, ``tau_rc``, ``synapse``, ``readout`` and ``initial_voltage``, in
        the order of their values, and a last one for splits or seeds; larger scores are
        better.

    Raises
    ------
    NoResultsError
        If a grid lacks settings, or a seed that all of them have.
    """
    linear, logistic = (
        read_committed(f"grid_{name}_regression").sort_values([*FACTORS])
        for name in ("linear", "logistic")
    )
    errors = np.stack(linear["mspe_by_split"])
    right = 100 * np.stack(logistic["accuracy_by_split"])
    in_full = grid_accuracies().dropna(axis=1)
    brief = grid_accuracies("brief").ffill(axis=1).bfill(axis=1)
    return {
        "experiment 1": _on_grid(linear, -np.log(errors) / 2),
        "experiment 2": _on_grid(logistic, right),
        "experiment 3": _on_grid(in_full, in_full),
        "experiment 3, logarithm": _on_grid(
            in_full, -np.log(np.maximum(100 - in_full, 0.01))
        ),
        "experiment 3, brief": _on_grid(brief, brief),
    }


def _on_grid(settings, scores):
    """Return scores of settings, which are in order, with an axis for each factor."""
    settings, scores = settings.reset_index(), np.asarray(scores)
    shape = [settings[name].nunique() for name in FACTORS]
    if math.prod(shape) != len(settings.drop_duplicates([*FACTORS])) or not scores.size:
        pairs = settings.groupby([*FACTORS[:2]]).size().to_dict()
        msg = (
            f"A grid must have each of its settings, {math.prod(shape)}, with a seed "
            f"that all of them have; got {len(settings)} settings and "
            f"{scores.shape[-1]} such seeds, by max_rate and tau_rc: {pairs}."
        )
        raise NoResultsError(msg)
    return scores.reshape(*shape, -1)


def shares_over_seeds(
    grid: ArrayLike, *, n_draws: int = 200, random_state: int = 0
) -> dict[str, VarianceShare]:
    """Divide the variance over a grid whose networks could have had other seeds.

    Each pair of the first two factors has its networks. Each draw takes, for each pair
    on its own and with replacement, one less than there are: the means of so many vary
    as the mean of all would with other networks.

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
        As from `variance_shares`: the share in the mean of all seeds, and the middle
        95 % of those of the grids that are drawn. A draw adds its own luck to that of
        the networks, which lifts small shares and lowers large ones, most where there
        are few networks: it tells how far a share moves, and is no interval for the
        share of networks without luck. Of one seed there is nothing to draw from, and
        the ends are NaN.

    Raises
    ------
    ValueError
        If ``grid`` has not an axis for each factor and one for seeds, or ``n_draws`` or
        ``random_state`` is no whole number from 1 or 0 on.

    References
    ----------
    J. N. K. Rao and C. F. J. Wu, "Resampling inference with complex survey data",
    Journal of the American Statistical Association 83, 1988.
    """

    def shares(chosen):
        found = variance_shares(chosen, FACTORS, n_resamples=1)
        return {name: it.share for name, it in found.items()}

    grid = np.asarray(check_finite("grid", grid, n_axes=len(FACTORS) + 1), float)
    of_all = shares(grid)
    check_whole("n_draws", n_draws, 1)
    rng = np.random.default_rng(check_whole("random_state", random_state, 0))
    if grid.shape[-1] < 2:
        none = float("nan")
        return {name: VarianceShare(it, none, none) for name, it in of_all.items()}
    drawn = [shares(draw_networks(grid, rng)) for _ in range(n_draws)]
    ends = {
        name: np.percentile([it[name] for it in drawn], [2.5, 97.5])
        for name in drawn[0]
    }
    return {
        name: VarianceShare(share, *map(float, ends[name]))
        for name, share in of_all.items()
    }


def draw_networks(grid, rng):
    """Return a grid with one network less, those of each pair drawn anew."""
    n_seeds = grid.shape[-1]
    of_pairs = (*grid.shape[:2], *[1] * (grid.ndim - 3), n_seeds - 1)
    return np.take_along_axis(grid, rng.integers(n_seeds, size=of_pairs), axis=-1)
