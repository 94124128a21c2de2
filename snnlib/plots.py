"""Draw what was computed: each function takes data and returns the Axes it drew on.

None of them computes a model, shows a figure or changes a setting. A colour means the
same thing in every lesson; see `COLORS`. Use the style sheet with
``plt.style.use("snnlib.snnlib")``.

What cannot be drawn is refused by a ValueError that names the parameter, before there
is a new figure. NaN leaves a gap in a line.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import t as student_t

from snnlib.checks import check_finite, check_number, check_unmasked, shown
from snnlib.variation import THE_REST, VarianceShare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

COLORS = {
    "data": "#6b6b6b",
    "spiking": "#0072B2",
    "baseline": "#D55E00",
    "target": "#009E73",
    "majority": "#E69F00",
    "chosen": "#222222",
}

# Values that span such a factor are drawn on a logarithmic axis.
_FAR = 50
# Lines whose legend stands within the axes.
_MOST_WITHIN = 4


def plot_spikes(
    spikes: ArrayLike,
    *,
    dt: float = 0.001,
    labels: Sequence[str] | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a raster: one line of ticks for each neuron or sample.

    Parameters
    ----------
    spikes : bool array-like of shape (n_lines, n_steps)
        Where each line spikes.
    dt : float, default=0.001
        Length of a step in seconds.
    labels : sequence of str or None, default=None
        One label a line; None numbers them.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.eventplot``.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    spikes, dt = _check_spikes(spikes, 2), _check_dt(dt)
    labels = range(len(spikes)) if labels is None else labels
    labels = _check_labels("labels", labels, len(spikes))
    ax = _axes(ax)
    times = [(np.flatnonzero(line) + 1) * dt for line in spikes]
    # A single line would otherwise be drawn at 1, outside the limits below.
    places = {"lineoffsets": range(len(times)), "linelengths": 0.8, "linewidths": 1}
    ax.eventplot(times, **{"color": COLORS["spiking"], **places, **kwargs})
    ax.set(xlabel="time (s)", xlim=(0, spikes.shape[1] * dt))
    ax.set_ylim(-0.6, len(spikes) - 0.4)
    ax.set_yticks(range(len(spikes)), labels)
    ax.grid(visible=False)
    return ax


def plot_output(
    output: ArrayLike,
    *,
    dt: float = 0.001,
    target: float | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a decoded output over time, with the value it aims at.

    Parameters
    ----------
    output : array-like of shape (n_steps,) or (n_steps, n_lines)
        Output at each step.
    dt : float, default=0.001
        Length of a step in seconds.
    target : float or None, default=None
        Value to mark by a dashed line.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.plot``.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    output, dt = _check_numbers("output", output, 1, 2), _check_dt(dt)
    target = check_number("target", target, is_optional=True)
    ax = _axes(ax)
    time = np.arange(1, len(output) + 1) * dt
    ax.plot(time, output, **kwargs)
    if target is not None:
        ax.axhline(target, color=COLORS["target"], linestyle="--", label="target")
    ax.set(xlabel="time (s)", xlim=(0, time[-1]))
    return ax


def plot_voltage(
    voltage: ArrayLike,
    *,
    spikes: ArrayLike | None = None,
    dt: float = 0.001,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a LIF neuron's voltage, its threshold, and a tick above each spike.

    The voltage at a step is that at its end, after a reset; so the trace of a neuron
    that fires comes close to the threshold and falls back, but is never seen above it.

    Parameters
    ----------
    voltage : array-like of shape (n_steps,)
        Voltage at each step; the threshold is 1.
    spikes : array-like of shape (n_steps,) or None, default=None
        Not zero where the neuron spikes; None draws no ticks.
    dt : float, default=0.001
        Length of a step in seconds.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.plot`` for the voltage; the ticks take its colour.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    voltage, dt = _check_numbers("voltage", voltage, 1), _check_dt(dt)
    if spikes is not None:
        spikes = _check_spikes(spikes, 1)
        _check_lengths(voltage=voltage, spikes=spikes)
    ax = _axes(ax)
    time = np.arange(1, len(voltage) + 1) * dt
    (trace,) = ax.plot(time, voltage, **{"color": COLORS["spiking"], **kwargs})
    ax.axhline(1, color=COLORS["data"], linestyle="--", label="threshold")
    if spikes is not None:
        ticks = {"lineoffsets": 1.2, "linelengths": 0.2, "linewidths": 1}
        ax.eventplot(time[spikes > 0], color=trace.get_color(), **ticks)
    ax.set(xlabel="time (s)", ylabel="voltage", xlim=(0, time[-1]), yticks=[0, 0.5, 1])
    return ax


def plot_fit(
    x: ArrayLike,
    y: ArrayLike,
    fits: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw data points and the curves fitted to them.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,) or (n_samples, 1)
        The data.
    fits : dict of str to (x, y) pairs of array-like
        Curves by name; "spiking" and "baseline" at the start of a name choose the
        colour.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    x, y = _check_columns(x=x, y=y)
    curves = {
        name: _check_curve(f"fits[{name!r}]", curve)
        for name, curve in _check_names("fits", fits).items()
    }
    ax = _axes(ax)
    ax.plot(x, y, "o", color=COLORS["data"], alpha=0.6, label="data")
    for name, curve in curves.items():
        ax.plot(*curve, color=_color(name), label=name)
    ax.legend()
    return ax


def plot_curve(
    values: ArrayLike,
    scores: ArrayLike,
    *,
    reference: Mapping[str, float] | None = None,
    label: str | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a score against one parameter, with the spread over repeats.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        Values of the parameter.
    scores : array-like of shape (n_values,) or (n_values, n_repeats)
        One score, or one a repeat: then the line is their median and the band holds
        the middle half of them.
    reference : dict of str to float or None, default=None
        Levels to mark by name, such as a baseline's score.
    label : str or None, default=None
        Name of the line in the legend.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.plot``.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    values = _check_numbers("values", values, 1)
    scores = _check_numbers("scores", scores, 1, 2).astype(float)
    _check_lengths(values=values, scores=scores)
    reference = {} if reference is None else reference
    if not (label is None or isinstance(label, str | Real)):
        msg = f"label must be text or None; got {shown(label)}."
        raise ValueError(msg)
    levels = {
        name: check_number(f"reference[{name!r}]", level)
        for name, level in _check_names("reference", reference).items()
    }
    ax = _axes(ax)
    scores = scores.reshape(len(values), -1)
    low, middle, high = np.percentile(scores, [25, 50, 75], axis=1)
    (line,) = ax.plot(values, middle, "o-", label=label, **kwargs)
    if scores.shape[1] > 1:
        ax.fill_between(values, low, high, color=line.get_color(), alpha=0.18, lw=0)
    for name, level in levels.items():
        color = _color(name, COLORS["data"])
        ax.axhline(level, color=color, linestyle="--", label=name)
    return ax


def plot_matrix(
    matrix: pd.DataFrame,
    *,
    fmt: str = ".0f",
    framed: ArrayLike | None = None,
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a table of numbers as coloured cells, each with its number.

    Parameters
    ----------
    matrix : pandas.DataFrame
        Numbers; the index and the columns are written at the axes, and the names of the
        two label them. The first row is the uppermost. Where a number is missing, the
        cell stays empty.
    fmt : str, default=".0f"
        How a number is written.
    framed : bool array-like or None, default=None
        Which cells have a frame, in the shape of the matrix; None frames none.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.imshow``, such as ``vmin`` and ``vmax``.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Its ``images[0]`` is what a colour bar explains.
    """
    from matplotlib.patches import Rectangle

    if not hasattr(matrix, "index") or not hasattr(matrix, "columns"):
        msg = f"matrix must be a pandas.DataFrame; got {shown(matrix)}."
        raise ValueError(msg)
    values = _check_numbers("matrix", matrix, 2).astype(float)
    _check_format(fmt)
    framed = (
        np.zeros(values.shape) if framed is None else check_finite("framed", framed)
    )
    if framed.shape != values.shape:
        msg = f"framed must have shape {values.shape}; got {framed.shape}."
        raise ValueError(msg)
    ax = _axes(ax)
    image = ax.imshow(values, **{"cmap": "Blues", "aspect": "auto", **kwargs})
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            # Dark on light, and light on dark.
            light = np.dot(image.to_rgba(value)[:3], [0.299, 0.587, 0.114])
            ax.text(
                *(column, row, format(value, fmt)),
                ha="center",
                va="center",
                fontsize="small",
                color="black" if light > 0.5 else "white",
                # In drawings for the dark, book/_ext/figures.py keeps its colour.
                gid="on-colour",
            )
    for row, column in np.argwhere(framed):
        frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, lw=2)
        frame.set(edgecolor=COLORS["baseline"], clip_on=False)
        ax.add_patch(frame)
    ax.set_xticks(range(len(matrix.columns)), matrix.columns)
    ax.set_yticks(range(len(matrix.index)), matrix.index)
    ax.set(xlabel=matrix.columns.name or "", ylabel=matrix.index.name or "")
    ax.grid(visible=False)
    return ax


def plot_shares(
    shares: Mapping[str, Any], *, ax: Axes | None = None, **kwargs: Any
) -> Axes:
    """Draw how the variation over a grid divides, as a triangle of percentages.

    Parameters
    ----------
    shares : mapping of str to VarianceShare
        From `variance_shares`: single factors come onto the diagonal, pairs below it;
        "three and more" is not drawn.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to `plot_matrix`, such as ``vmax``.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    import pandas as pd

    _check_names("shares", shares)
    cells = {
        (name.split(" x ")[-1], name.split(" x ")[0]): it
        for name, it in shares.items()
        if name != THE_REST
    }
    factors = [row for row, column in cells if row == column]
    if (
        set(itertools.chain(*cells)) != {*factors}
        or not all(isinstance(it, VarianceShare) for it in shares.values())
        or not factors
    ):
        msg = f"shares must be those of variance_shares; got {shown(shares)}."
        raise ValueError(msg)
    cells = {pair: 100 * it.share for pair, it in cells.items()}
    matrix = pd.Series(cells).unstack().loc[factors, factors]
    ax = plot_matrix(matrix, ax=ax, **kwargs)
    ax.tick_params(axis="x", rotation=90)
    return ax


def plot_results(
    results: pd.DataFrame,
    *,
    x: str,
    y: str,
    by: str | Sequence[str] = (),
    ax: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draw a metric of a sweep against one of its parameters.

    Runs that differ in nothing but their seed are repeats: a point is their mean, and
    its bar the 95 % interval of that mean, by Student's t. Where runs differ in other
    parameters than ``x`` and ``by``, each is a point of its own, without line or bar,
    and the title says in which.

    Parameters
    ----------
    results : pandas.DataFrame
        A table of runs, from `read_results` or `Collected.to_frame`. Where it varies
        one parameter at a time, the rows that vary ``x`` are drawn. A run that stands
        in it twice, by its ``run_id``, counts once. Without the schema of such a table
        nothing tells repeats from other settings, and each run is a point.
    x, y : str
        Columns of a parameter and of a metric. The axis of ``x`` is logarithmic if its
        values span a factor of 50, and a list of them if they are not all numbers.
    by : str or sequence of str, default=()
        Columns of which each combination has a line of its own.
    ax : matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.
    **kwargs
        Passed to ``ax.errorbar``.

    Returns
    -------
    ax : matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there is no such column or row, or ``y`` holds no numbers.
    """
    if not isinstance(by, Iterable):
        msg = f"by must be a name or a sequence of names; got {shown(by)}."
        raise ValueError(msg)
    by = [by] if isinstance(by, str) else list(by)
    columns = _check_results(results, x, y, by)
    # Tables that were joined may have an index in which some label stands twice.
    rows = results.reset_index(drop=True)
    if "axis" in rows and (rows["axis"] == x).any():
        rows = rows[rows["axis"] == x]
    if "run_id" in rows:
        rows = rows[~rows["run_id"].duplicated() | rows["run_id"].isna()]
    n_rows = len(rows)
    rows = rows[rows[y].notna()]
    if not len(rows):
        msg = f"y must be a metric that some run has; none has {y!r}."
        raise ValueError(msg)
    parameters = [n for n, it in columns.items() if it.get("kind") == "parameter"]
    others = [
        name
        for name in parameters
        if name not in (x, *by, "seed") and rows[name].map(repr).nunique() > 1
    ]
    of_runs = ""
    if others:
        of_runs = f"each point is a run; they differ in {', '.join(others)} too"
    elif not parameters:
        of_runs = "each point is a run; no schema tells which are repeats"
    ax = _axes(ax)
    places, ticks = _places(rows[x])
    lines = (
        rows.groupby([rows[name].map(repr) for name in by], sort=False)
        if by
        else [((), rows)]
    )
    most = 1
    for marker, (_, line) in zip(itertools.cycle("osD^vP*X"), lines):
        label = ", ".join(f"{name} = {line[name].iloc[0]}" for name in by)
        style = {"marker": marker, "capsize": 3, "label": label or None, **kwargs}
        at = np.array([places[i] for i in line.index], float)
        y_values = line[y].astype(float)
        if of_runs:
            ax.errorbar(at, y_values, **{"linestyle": "none", **style})
            continue
        points = y_values.groupby(at)
        counts, means = points.count(), points.mean()
        # Of one run there is no interval.
        half = student_t.ppf(0.975, counts - 1) * points.std() / np.sqrt(counts)
        drawn = ax.errorbar(means.index.to_numpy(), means, yerr=half, **style)
        ax.scatter(at, y_values, s=8, alpha=0.4, color=drawn.lines[0].get_color())
        most = max(most, counts.max())
    _dress_results(ax, columns, (x, y, by), ticks)
    about = [of_runs] if of_runs else []
    if most > 1:
        about.append(f"mean of up to {most} runs, with its 95 % interval")
    if n_rows > len(rows):
        about.append(f"{n_rows - len(rows)} runs without {y} are left out")
    ax.set_title("; ".join(about), loc="left", fontsize="small")
    return ax


def plot_images(
    images: ArrayLike, titles: Sequence[str], *, axes: NDArray[np.object_] | None = None
) -> NDArray[np.object_]:
    """Draw small grey images in a row, with ink dark.

    Parameters
    ----------
    images : array-like of shape (n_images, rows, columns)
        Pixels in [0, 1].
    titles : sequence of str
        One a picture.
    axes : array of matplotlib.axes.Axes or None, default=None
        Where to draw; None makes a new figure.

    Returns
    -------
    axes : array of matplotlib.axes.Axes
    """
    images = _check_numbers("images", images, 3)
    titles = _check_labels("titles", titles, len(images))
    # Not (a <= b) instead of a > b, so that NaN is refused too.
    if not (images.min() >= 0 and images.max() <= 1):
        msg = (
            f"images must hold pixels in [0, 1]; got values from {images.min():g} to "
            f"{images.max():g}."
        )
        raise ValueError(msg)
    axes = _images_axes(axes, len(images))
    for ax, image, title in zip(np.ravel(axes), images, titles, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(title, fontsize="medium")
        ax.set_axis_off()
    return axes


def _check_results(results, x, y, by):
    """Return the schema of a table of runs, by column, if it has those asked for."""
    if not hasattr(results, "groupby") or not hasattr(results, "columns"):
        msg = f"results must be a pandas.DataFrame; got {shown(results)}."
        raise ValueError(msg)
    names = list(results.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        msg = f"results must have each column once; got {twice!r} twice or more."
        raise ValueError(msg)
    for what, name in (("x", x), ("y", y), *(("by", name) for name in by)):
        if not isinstance(name, str | Real) or name not in names:
            near = difflib.get_close_matches(str(name), map(str, names), 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            msg = f"{what} must be one of {shown(names)}; got {shown(name)}.{hint}"
            raise ValueError(msg)
    is_number = results[y].map(_is_number)
    if not is_number[results[y].notna()].all():
        msg = f"y must be a column of numbers; {y!r} is none."
        raise ValueError(msg)
    # What others left there need not be a schema.
    schema = results.attrs.get("columns")
    known = {
        column["name"]: column
        for column in (schema if isinstance(schema, list | tuple) else ())
        if isinstance(column, Mapping) and isinstance(column.get("name"), str)
    }
    return {name: known.get(name, {}) for name in names}


def _is_number(value):
    """Say whether a value is a number that a float can hold."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def _places(values):
    """Return where the values of a column are on an axis, and what stands there.

    Returns
    -------
    places : dict
        Position, by the index of the column.
    ticks : dict of float to str or None
        None for numbers, which are where they are.
    """
    if values.map(_is_number).all() and values.notna().all():
        return values.astype(float).to_dict(), None
    # Not by value != value, which of pandas's NA is neither.
    texts = values.astype(object).map(str).where(values.notna(), "None")
    order = {text: float(i) for i, text in enumerate(dict.fromkeys(texts))}
    return texts.map(order).to_dict(), {i: text for text, i in order.items()}


def _dress_results(ax, columns, names, ticks):
    """Label the axes of a table's plot, with units, and choose their scale."""
    x, y, by = names
    for name, set_label in ((x, ax.set_xlabel), (y, ax.set_ylabel)):
        unit = columns[name].get("unit")
        set_label(f"{name} ({unit})" if unit else name)
    low, high = ax.dataLim.intervalx
    if ticks is not None:
        ax.set_xticks(list(ticks), list(ticks.values()))
    elif low > 0 and high >= _FAR * low:
        ax.set_xscale("log")
    if by:
        is_long = len(ax.get_legend_handles_labels()[1]) > _MOST_WITHIN
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)} if is_long else {}
        ax.legend(fontsize="small", **place)


def _axes(ax):
    """Return the axes given, or those of a new figure."""
    import matplotlib.pyplot as plt

    if ax is None:
        return plt.subplots()[1]
    _check_axes("ax", ax)
    return ax


def _images_axes(axes, n_images):
    """Return one of the axes for each image, or those of a new figure."""
    import matplotlib.pyplot as plt

    if axes is None:
        size = {"figsize": (6.4, 1.2), "squeeze": False}
        return plt.subplots(1, n_images, **size)[1]
    # A Figure's axes come as a list, those of subplots as an array.
    try:
        flat = np.ravel(axes)
    except ValueError:
        # Ragged.
        flat = []
    if len(flat) != n_images:
        msg = f"axes must be {n_images}, one an image; got {len(flat)}."
        raise ValueError(msg)
    for ax in flat:
        _check_axes("axes", ax)
    return axes


def _check_axes(name, ax):
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        msg = f"{name} must be Matplotlib's Axes or None; got {type(ax).__name__}."
        raise ValueError(msg)


def _color(name, otherwise=None):
    """Return the colour that the first word of a name stands for."""
    return COLORS.get((name.split() or [""])[0], otherwise)


def _check_numbers(name, values, *n_axes):
    """Return numbers as an array of one of some numbers of axes, none of them empty."""
    try:
        array = np.asarray(values)
    except ValueError:
        # Ragged.
        array = np.empty(0, object)
    check_unmasked(name, values)
    if array.dtype.kind not in "buif":
        msg = f"{name} must hold real numbers; got dtype {array.dtype}."
        raise ValueError(msg)
    if array.ndim not in n_axes or 0 in array.shape:
        noun = "axis" if n_axes == (1,) else "axes"
        allowed = f"{' or '.join(map(str, n_axes))} {noun}"
        msg = f"{name} must have {allowed} and not be empty; got shape {array.shape}."
        raise ValueError(msg)
    return array


def _check_dt(dt):
    # Longer ones, times many steps, are no limits of axes.
    return check_number("dt", dt, above=0, high=1e9)


def _check_spikes(spikes, n_axes):
    spikes = _check_numbers("spikes", spikes, n_axes)
    # NaN is not 0, and so would be a spike.
    check_finite("spikes", spikes)
    return spikes


def _check_columns(**values):
    """Return arrays of one length as rows, be they rows or columns."""
    arrays = [_check_numbers(name, array, 1, 2) for name, array in values.items()]
    for name, array in zip(values, arrays, strict=True):
        if array.size != len(array):
            msg = f"{name} must have one column; got shape {array.shape}."
            raise ValueError(msg)
    _check_lengths(**dict(zip(values, arrays, strict=True)))
    return [array.ravel() for array in arrays]


def _check_curve(name, curve):
    """Return x and y of a curve."""
    if not isinstance(curve, list | tuple | np.ndarray) or len(curve) != 2:
        msg = f"{name} must be a pair of x and y; got {shown(curve)}."
        raise ValueError(msg)
    return _check_columns(**{f"x of {name}": curve[0], f"y of {name}": curve[1]})


def _check_lengths(**arrays):
    """Refuse two arrays of which one is longer."""
    (first, second), (n_first, n_second) = arrays, map(len, arrays.values())
    if n_first != n_second:
        got = f"{n_first} and {n_second}"
        msg = f"{first} and {second} must be equally long; got {got}."
        raise ValueError(msg)


def _check_names(name, values):
    """Return a mapping whose keys are text."""
    if not isinstance(values, Mapping) or not all(isinstance(k, str) for k in values):
        msg = f"{name} must be a dict with names as keys; got {shown(values)}."
        raise ValueError(msg)
    return values


def _check_format(fmt):
    """Refuse what no number is written by."""
    try:
        format(0.5, fmt)
    except (TypeError, ValueError) as error:
        msg = f'fmt must be a format of numbers, such as ".1f"; got {shown(fmt)}.'
        raise ValueError(msg) from error


def _check_labels(name, labels, number):
    """Return a list of as many labels."""
    is_list = isinstance(labels, Iterable) and not isinstance(labels, str)
    if not is_list or getattr(labels, "ndim", 1) != 1:
        msg = f"{name} must be a sequence of {number}; got {shown(labels)}."
        raise ValueError(msg)
    labels = [str(label) for label in labels]
    if len(labels) != number:
        msg = f"{name} must be {number}, one each; got {len(labels)}."
        raise ValueError(msg)
    return labels
