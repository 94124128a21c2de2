"""Networks of experiment 3, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.metrics import (
    accuracy_interval,
    mean_over_seeds,
    mean_over_seeds_and_images,
)
from snnlib.verdicts._results import (
    BASE,
    NETWORK,
    check_networks,
    mean_accuracy,
    paired_gains,
    read_decisions,
    read_tables,
    select,
)
from snnlib.verdicts._words import interval_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

# The only table with networks at earlier moments of their training.
_LEARNING = ("learning_mnist",)


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
        other images. Of one network it is Wilson's, and speaks of other images only.
        With a ``line``, also the ``answer``: "below" or "above" it, or "open" if the
        interval holds it.

    Raises
    ------
    ValueError
        If a kind has no network, or more rows than seeds, or no hits.
    """
    rows = {}
    for kind, networks in kinds.items():
        check_networks(f"kinds[{kind!r}]", networks)
        hits = [100.0 * each for each in networks["hits"]]
        if len(hits) == 1:
            n_right = int(networks["hits"].iloc[0].sum())
            ends = 100 * np.array(accuracy_interval(n_right, len(hits[0]))[1:])
        else:
            ends = _ends(hits, least=0)
        rows[kind] = _summary(hits, ends, "mean")
        if line is not None:
            low, high = ends
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

    Raises
    ------
    ValueError
        If a side has more rows than seeds, or no hits.
    """
    rows = {}
    for change, (before, after) in pairs.items():
        gains = paired_gains(before, after, f"pairs[{change!r}]")
        if gains:
            ends = _ends(gains, least=-100)
            rows[change] = _summary(gains, ends, "points gained")
    return _rows_to_table(rows)


def _ends(values, least):
    """Return the interval of a mean over networks and images, or over images alone."""
    several = len(values) > 1
    estimate = (
        mean_over_seeds_and_images(values) if several else mean_over_seeds(values[0])
    )
    return np.clip(estimate.interval(), least, 100)


def _summary(values, ends, name):
    """Return a table's row: networks, their mean, and its interval."""
    means = np.mean(values, axis=1)
    low, high = ends
    return {
        "networks": len(means),
        "lowest": f"{means.min():.2f}",
        "highest": f"{means.max():.2f}",
        name: f"{means.mean():.2f}",
        "95 % interval": f"{low:.2f} to {high:.2f}",
    }


def _rows_to_table(rows):
    import pandas as pd

    return pd.DataFrame(rows).T


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
        percent, the ``low`` and ``high`` end of its interval, not beyond 0 and 100,
        and ``n`` seeds.
    """
    import pandas as pd

    point = {**BASE, **NETWORK, "readout": readout, "initial_voltage": "zero"}
    rows = []
    for rate in sorted(read_tables(_LEARNING)["max_rate"].unique()):
        for passes in read_decisions()["runs"]["training"]["snapshots"]:
            its = {"max_rate": rate, "passes": passes}
            results = select(_LEARNING, {**point, **its})
            right = mean_accuracy(results)
            low, high = np.clip(interval_of(right), 0, 100)
            of_seeds = {"low": low, "high": high, "n": len(results)}
            rows.append({**its, "accuracy": right.value, **of_seeds})
    return pd.DataFrame(rows)
