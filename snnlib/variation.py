"""How the variation over a grid of settings divides among its factors."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlib.checks import check_finite, check_whole, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

THE_REST = "three and more"
# A share of the squared scores that rounding may leave of none.
_ROUNDING = 1e-28


class VarianceShare(NamedTuple):
    """A share of the variance with the ends of its interval, between 0 and 1."""

    share: float
    low: float
    high: float


def variance_shares(
    scores: ArrayLike,
    factors: Sequence[str],
    *,
    n_resamples: int = 1000,
    n_drawn: int | None = None,
    random_state: int = 0,
) -> dict[str, VarianceShare]:
    """Divide the variance of scores on a full grid among factors and their pairs.

    The main effect of a value is the mean score of the settings that have it, minus the
    mean of all; that of a pair of values is what their two main effects leave of it.
    Squared and averaged over the grid, effects add up to the variance. It is a share of
    what varies *on this grid*: other values give other shares. What repeats vary by is
    averaged over them, and what is left of it counts as variation too.

    Parameters
    ----------
    scores : array-like of shape (n_values of each factor ..., n_repeats)
        One score for each setting and repeat, such as a seed. One repeat has no
        interval, so its ends are NaN.
    factors : sequence of str
        Names of the factors, in the order of the axes.
    n_resamples : int, default=1000
        How often repeats are drawn anew for the intervals.
    n_drawn : int or None, default=None
        How many repeats a resample draws; None as many as there are. Splits of the same
        rows overlap, and ``n`` of them tell of other rows what ``1 / (1 / n + n_test /
        n_train)`` would that share nothing: draw so many. Fewer make wider intervals,
        and add luck of their own, which lifts small shares and lowers large ones: an
        interval need not hold its share.
    random_state : int, default=0
        Seed of these draws.

    Returns
    -------
    shares : dict of str to VarianceShare
        Of each factor, each pair as "a x b", and "three and more" factors together. The
        interval holds the middle 95 % of the shares that resampled repeats give; few
        repeats give a coarse one. A resample without any variation gives shares of 0.

    Raises
    ------
    ValueError
        If the axes are not one more than the factors, these are no different names, a
        score is not finite, or all settings have the same score; or if a number of
        draws is no whole number from 1 on, or ``n_drawn`` more than the repeats.

    References
    ----------
    R. A. Fisher, *Statistical Methods for Research Workers*, 1925, for the division of
    variance; B. Efron, "Bootstrap methods: another look at the jackknife", Annals of
    Statistics 7, 1979, for the intervals; C. Nadeau and Y. Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003, for splits that overlap.

    Examples
    --------
    >>> shares = variance_shares([[[1.0], [2.0]], [[3.0], [4.0]]], ["a", "b"])
    >>> {name: it.share for name, it in shares.items()}
    {'a': 0.8, 'b': 0.2, 'a x b': 0.0, 'three and more': 0.0}
    """
    scores = np.asarray(check_finite("scores", scores), float)
    factors = _check_factors(factors)
    if scores.ndim != len(factors) + 1 or 0 in scores.shape:
        msg = (
            f"scores must have an axis for each of {factors} and one for repeats; got "
            f"shape {scores.shape}."
        )
        raise ValueError(msg)
    n_resamples = check_whole("n_resamples", n_resamples, 1)
    random_state = check_whole("random_state", random_state, 0)
    # By a power of two, which changes no share, so that squares are in range.
    scores = np.ldexp(scores, -np.frexp(np.abs(scores).max())[1])
    found = _shares(scores.mean(axis=-1), factors)
    if not any(found.values()):
        msg = "scores must differ between settings; got the same everywhere."
        raise ValueError(msg)
    rng = np.random.default_rng(random_state)
    n_repeats = scores.shape[-1]
    n_drawn = check_whole(
        "n_drawn", n_repeats if n_drawn is None else n_drawn, 1, n_repeats
    )
    if n_repeats == 1:
        none = float("nan")
        return {name: VarianceShare(share, none, none) for name, share in found.items()}
    again = [
        _shares(scores[..., rng.integers(n_repeats, size=n_drawn)].mean(-1), factors)
        for _ in range(n_resamples)
    ]
    ends = {
        name: np.percentile([it[name] for it in again], [2.5, 97.5]) for name in found
    }
    return {
        name: VarianceShare(share, *map(float, ends[name]))
        for name, share in found.items()
    }


def _check_factors(factors):
    """Return names of factors as a list, which their pairs can be told by."""
    names = list(factors) if np.iterable(factors) else [factors]
    is_one = isinstance(factors, str) or not all(isinstance(it, str) for it in names)
    taken = [it for it in names if it == THE_REST or " x " in str(it)]
    if is_one or taken or len(set(names)) < len(names):
        msg = (
            f'factors must be different names, none of them "{THE_REST}" or with '
            f'" x " in it; got {shown(factors)}.'
        )
        raise ValueError(msg)
    return names


def _shares(scores, factors):
    centred = scores - scores.mean()
    total = (centred**2).mean()
    is_none = total <= _ROUNDING * (scores**2).mean()
    axes = range(len(factors))

    def mean_over_others(*kept):
        return centred.mean(axis=tuple(a for a in axes if a not in kept), keepdims=True)

    main = {a: mean_over_others(a) for a in axes}
    pairs = {
        (a, b): mean_over_others(a, b) - main[a] - main[b]
        for a, b in combinations(axes, 2)
    }
    rest = centred - sum(main.values()) - sum(pairs.values())
    names = {factors[a]: it for a, it in main.items()}
    names |= {f"{factors[a]} x {factors[b]}": it for (a, b), it in pairs.items()}
    return {
        name: 0.0 if is_none else float((it**2).mean() / total)
        for name, it in {**names, THE_REST: rest}.items()
    }
