"""Figures of the replication: the nine panels, the effects, the multiverse."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.checks import check_choice, check_whole
from snnlib.committed import read_committed
from snnlib.plots import COLORS
from snnlib.verdicts import (
    BASE,
    NoResultsError,
    compare,
    of_the_effect,
    read_decisions,
    results_at,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VALUES = {
    "max_rate": (50.0, 100.0, 150.0, 200.0, 250.0),
    "tau_rc": (0.02, 0.07, 0.12, 0.17, 0.22),
    "synapse": (0.001, 0.01, 0.1, 1.0),
}
UNITS = {"max_rate": "max_rate (Hz)", "tau_rc": "tau_rc (s)", "synapse": "synapse (s)"}
_COLOR_OF = {"last": COLORS["spiking"], "mean": COLORS["target"]}
_LETTERS = "abcdefghi"
# Experiments 1 and 2 on the paper's single split, and the number of its test images.
_SINGLE = {1: ("paper_linear_regression", "mspe")}
_SINGLE[2] = ("paper_logistic_regression", "accuracy")
_N_IMAGES = 200


def panel(
    experiment: int,
    parameter: str,
    *,
    readout: str = "last",
    initial_voltage: str = "zero",
) -> pd.DataFrame:
    """Return one panel of the paper's figure, from the committed tables.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    parameter : {"max_rate", "tau_rc", "synapse"}
        What is varied; all else stays at the paper's base point.
    readout, initial_voltage : str
        How the output is read, and how neurons start.

    Returns
    -------
    panel : pandas.DataFrame
        A row for each value: ``value``, ``score`` (MSPE in percent, of the geometric
        mean; or accuracy in percent) and ``low`` and ``high``, where the score would
        lie at the ends of the interval of the paired difference from the base point. A
        value is left out while fewer than two networks have it.
    """
    import pandas as pd

    _check_panel(experiment, parameter)
    how = {"readout": readout, "initial_voltage": initial_voltage}
    base = results_at(experiment, **how)
    rows = []
    for value in VALUES[parameter]:
        try:
            results = results_at(experiment, **{parameter: value}, **how)
            low, high = compare(experiment, results, base).interval()
        except NoResultsError:
            continue
        if experiment == 1:
            level, here = (
                np.exp(np.log(it.iloc[0]["mspe_by_split"]).mean())
                for it in (base, results)
            )
            # The effect is a logarithm of roots, and MSPE is a square.
            ends = level * np.exp(2 * low), level * np.exp(2 * high)
        else:
            level, here = (_accuracy(experiment, it) for it in (base, results))
            ends = level - high, level - low
        if value == BASE[parameter]:
            ends = here, here
        rows.append({"value": value, "score": here, "low": ends[0], "high": ends[1]})
    return pd.DataFrame(rows)


def _accuracy(experiment, results):
    if experiment == 2:
        return 100 * results.iloc[0]["accuracy_by_split"].mean()
    return results["accuracy"].mean()


def _check_panel(experiment, parameter):
    check_whole("experiment", experiment, 1, 3)
    check_choice("parameter", parameter, VALUES)


def paper_panel(experiment: int, parameter: str) -> pd.DataFrame:
    """Return one panel by the paper's own protocol: a single split, or 200 images.

    Read at the last step and started at 0. In experiment 3 it is the network of the
    first seed, on the first 200 test images.

    Parameters
    ----------
    experiment : {1, 2, 3}
        Number of the experiment.
    parameter : {"max_rate", "tau_rc", "synapse"}
        What is varied; all else stays at the paper's base point.

    Returns
    -------
    panel : pandas.DataFrame
        A row for each value: ``value``, and the ``score`` in percent.
    """
    import pandas as pd

    _check_panel(experiment, parameter)
    if experiment in _SINGLE:
        name, measure = _SINGLE[experiment]
        table = read_committed(name, axis=parameter).sort_values(parameter)
        scale = 1 if experiment == 1 else 100
        scores = {"value": table[parameter], "score": scale * table[measure]}
        return pd.DataFrame(scores).reset_index(drop=True)
    rows = []
    for value in VALUES[parameter]:
        how = {"readout": "last", "initial_voltage": "zero", parameter: value}
        try:
            hits = results_at(3, **how).iloc[0]["hits"]
        except NoResultsError:
            continue
        rows.append({"value": value, "score": 100 * hits[:_N_IMAGES].mean()})
    return pd.DataFrame(rows)


def new_panels(**options: Any) -> tuple[Figure, np.ndarray]:
    """Return an empty figure with a row for each experiment.

    Parameters
    ----------
    **options
        Passed to ``plt.subplots``.

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : ndarray of shape (3, 3) of matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt

    options = {"figsize": (7.6, 7.2), "sharex": "col", "sharey": "row", **options}
    fig, axes = plt.subplots(3, 3, **options)
    for letter, ax in zip(_LETTERS, axes.flat, strict=True):
        ax.set_title(f"({letter})", loc="left", fontsize="medium")
    for row, label in zip(axes, ("MSPE (%)", *["accuracy (%)"] * 2), strict=True):
        row[0].set(ylabel=label)
    for ax, name in zip(axes[2], BASE, strict=True):
        ax.set(xlabel=UNITS[name])
    axes[0, 0].set(yscale="log")
    ticks = [5, 10, 20, 50, 100, 200]
    axes[0, 0].set_yticks(ticks, [str(tick) for tick in ticks])
    axes[0, 0].minorticks_off()
    axes[2, 2].set(xscale="log")
    return fig, axes


def plot_panel(data: pd.DataFrame, *, ax: Axes, side: int = 0, **kwargs: Any) -> Axes:
    """Draw one line of a panel, with its intervals.

    Parameters
    ----------
    data : pandas.DataFrame
        From `panel`.
    ax : matplotlib.axes.Axes
        Where to draw.
    side : {-1, 0, 1}, default=0
        Where the bars of the intervals stand, so that two lines' do not cover each
        other: left of the points, on them, or right.
    **kwargs
        Passed to ``ax.plot``.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    values = data["value"]
    # Of the panel's width; on a logarithmic axis that is a factor.
    share = 0.012 * side
    shifted = (
        values * (values.max() / values.min()) ** share
        if values.max() > 100 * values.min()
        else values + share * np.ptp(values)
    )
    (line,) = ax.plot(shifted, data["score"], "o-", ms=4, **kwargs)
    ax.vlines(shifted, data["low"], data["high"], color=line.get_color(), lw=1.5)
    is_base = data["low"] == data["high"]
    ax.plot(
        shifted[is_base],
        data["score"][is_base],
        "o",
        color=line.get_color(),
        mfc="white",
        ms=5,
    )
    return ax


def plot_networks(results: pd.DataFrame, *, x: str, ax: Axes, **kwargs: Any) -> Axes:
    """Draw the accuracy of each network as a point, and a line through the means.

    Parameters
    ----------
    results : pandas.DataFrame
        From `read_committed`: a row for each network that was read out in one way.
    x : str
        Column to draw against, such as "max_rate" or "passes".
    ax : matplotlib.axes.Axes
        Where to draw.
    **kwargs
        Passed to ``ax.plot`` for the line; the points take its colour.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    means = results.groupby(x)["accuracy"].mean()
    (line,) = ax.plot(means.index, means, **{"lw": 1.4, **kwargs})
    color = line.get_color()
    ax.plot(results[x], results["accuracy"], "o", color=color, ms=3, alpha=0.6)
    return ax


def plot_learning(networks: pd.DataFrame, *, ax: Axes) -> Axes:
    """Draw accuracy against the length of training, a line for each ``max_rate``.

    Parameters
    ----------
    networks : pandas.DataFrame
        From `read_committed`: a row for each network at each moment of its training.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt

    rates = networks.groupby("max_rate")
    colors = plt.get_cmap("cividis")(np.linspace(0, 0.9, len(rates)))
    for color, marker, (rate, its) in zip(colors, cycle("os^Dv"), rates):
        look = {"color": color, "marker": marker, "ms": 5, "label": f"{rate:g} Hz"}
        plot_networks(its, x="passes", ax=ax, **look)
    passes = np.unique(networks["passes"])
    ax.set(xscale="log", xlabel="passes through the training images")
    ax.set_xticks(passes, [f"{value:g}" for value in passes])
    ax.minorticks_off()
    return ax


def space_by_errors(ax: Axes) -> Axes:
    """Space an axis of accuracies by the logarithm of the errors.

    Half as many errors are the same step everywhere, so that both 50 and 99 % can be
    read. Call it once all is drawn.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With accuracies in percent on its y axis, which others may share.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    least = 0.01
    functions = (
        lambda accuracy: -np.log(np.maximum(100 - np.asarray(accuracy), least)),
        lambda step: 100 - np.exp(-np.asarray(step)),
    )
    shared = ax.get_shared_y_axes().get_siblings(ax)
    low, high = np.array([it.dataLim.intervaly for it in shared]).T
    low, high = low.min(), min(high.max(), 100 - least)
    ax.set_yscale("function", functions=functions)
    # A tenth more errors below, and a tenth fewer above.
    ax.set_ylim(100 - 1.1 * (100 - low), 100 - (100 - high) / 1.1)
    low, high = ax.get_ylim()
    ticks = [0, 50, 80, 90, 95, 98, 99, 99.5, 99.8]
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    return ax


def plot_effects(answers: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw effects with their intervals, in units of the margin.

    Parameters
    ----------
    answers : pandas.DataFrame
        From `answer_questions`; rows without a margin are left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default, in a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt

    shown = answers.dropna(subset="margin").iloc[::-1].reset_index(drop=True)
    if ax is None:
        _, ax = plt.subplots(figsize=(7.6, 0.36 * len(shown) + 1))
    scaled = shown[["value", "low", "high"]].div(shown["margin"], axis=0)
    colors = {
        "yes": COLORS["baseline"],
        "no": COLORS["spiking"],
        "open": COLORS["data"],
    }
    ax.axvspan(-1, 1, color=COLORS["data"], alpha=0.15, lw=0)
    ax.axvline(0, color=COLORS["data"], lw=0.8)
    for row, ends in scaled.iterrows():
        found = of_the_effect(shown.loc[row])
        ax.plot([ends["low"], ends["high"]], [row, row], color=colors[found], lw=2)
        ax.plot(ends["value"], row, "o", color=colors[found])
    ax.set_yticks(range(len(shown)), shown["effect"])
    ax.set_xscale("symlog", linthresh=2, linscale=1.5)
    ticks = [-100, -10, -1, 0, 1, 10, 100]
    low, high = ax.get_xlim()
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="effect / margin")
    return ax


def plot_multiverse(
    table: pd.DataFrame, experiment: int, *, ax: np.ndarray | None = None
) -> np.ndarray:
    """Draw the three contrasts of an experiment under every choice left open.

    Parameters
    ----------
    table : pandas.DataFrame
        From the sweep of `multiverse.ipynb`: a row for each way of choosing.
    experiment : {1, 2}
        Number of the experiment, for the margin.
    ax : ndarray of matplotlib.axes.Axes, optional
        Three of them; by default, in a new figure.

    Returns
    -------
    ax : ndarray of matplotlib.axes.Axes
        One for each parameter: a thin bar for the interval of each way, sorted by its
        effect, in the colour of its read-out; a grey band for the margin.
    """
    import matplotlib.pyplot as plt
    from scipy import stats

    check_whole("experiment", experiment, 1, 2)
    if ax is None:
        _, ax = plt.subplots(1, 3, figsize=(7.6, 3), sharey=experiment == 2)
    margin = read_decisions()["experiments"][str(experiment)]["margin"]
    for axes, name in zip(np.ravel(ax), BASE, strict=True):
        order = table.sort_values(name)
        axes.axhspan(-margin, margin, color=COLORS["data"], alpha=0.15, lw=0)
        axes.axhline(0, color=COLORS["data"], lw=0.8)
        # As many splits as the sweep has made.
        reach = stats.t.ppf(0.975, order["n_splits"] - 1)
        half = reach * order[f"{name}_error"]
        for readout, color in _COLOR_OF.items():
            of = (order["readout"] == readout).to_numpy()
            x = np.arange(len(order))[of]
            y, error = order[name][of], half[of]
            axes.vlines(x, y - error, y + error, color=color, lw=0.8, alpha=0.5)
            axes.plot(x, y, ".", color=color, ms=4, label=f'"{readout}"')
        axes.set_title(name, fontsize="medium")
        axes.set_xticks([])
    return ax
