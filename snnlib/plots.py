"""Draw what was computed: each function takes data and returns the Axes it drew on.

None of them computes a model, shows a figure or changes a setting. A colour means the
same thing in every lesson; see `COLORS`. Use the style sheet with
``plt.style.use("snnlib.snnlib")``.
"""

import numpy as np

COLORS = {
    "data": "#6b6b6b",
    "spiking": "#0072B2",
    "baseline": "#D55E00",
    "target": "#009E73",
    "majority": "#E69F00",
    "chosen": "#222222",
}


def _axes(ax):
    import matplotlib.pyplot as plt

    return plt.subplots()[1] if ax is None else ax


def plot_spikes(spikes, *, dt=0.001, labels=None, ax=None, **kwargs):
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
    ax = _axes(ax)
    spikes = np.asarray(spikes)
    times = [(np.flatnonzero(line) + 1) * dt for line in spikes]
    # A single line would otherwise be drawn at 1, outside the limits below.
    places = {"lineoffsets": range(len(times)), "linelengths": 0.8, "linewidths": 1}
    ax.eventplot(times, **{"color": COLORS["spiking"], **places, **kwargs})
    ax.set(xlabel="time (s)", xlim=(0, spikes.shape[1] * dt))
    ax.set_ylim(-0.6, len(spikes) - 0.4)
    ax.set_yticks(range(len(spikes)), labels or [str(i) for i in range(len(spikes))])
    ax.grid(visible=False)
    return ax


def plot_output(output, *, dt=0.001, target=None, ax=None, **kwargs):
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
    ax = _axes(ax)
    output = np.asarray(output)
    time = np.arange(1, len(output) + 1) * dt
    ax.plot(time, output, **kwargs)
    if target is not None:
        ax.axhline(target, color=COLORS["target"], linestyle="--", label="target")
    ax.set(xlabel="time (s)", xlim=(0, time[-1]))
    return ax


def plot_voltage(voltage, *, spikes=None, dt=0.001, ax=None, **kwargs):
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
    ax = _axes(ax)
    time = np.arange(1, len(voltage) + 1) * dt
    (trace,) = ax.plot(time, voltage, **{"color": COLORS["spiking"], **kwargs})
    ax.axhline(1, color=COLORS["data"], linestyle="--", label="threshold")
    if spikes is not None:
        ticks = {"lineoffsets": 1.2, "linelengths": 0.2, "linewidths": 1}
        ax.eventplot(time[np.asarray(spikes) > 0], color=trace.get_color(), **ticks)
    ax.set(xlabel="time (s)", ylabel="voltage", xlim=(0, time[-1]), yticks=[0, 0.5, 1])
    return ax


def plot_fit(x, y, fits, *, ax=None):
    """Draw data points and the curves fitted to them.

    Parameters
    ----------
    x, y : array-like of shape (n_samples,)
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
    ax = _axes(ax)
    ax.plot(x, y, "o", color=COLORS["data"], alpha=0.6, label="data")
    for name, (curve_x, curve_y) in fits.items():
        ax.plot(curve_x, curve_y, color=COLORS.get(name.split()[0]), label=name)
    ax.legend()
    return ax


def plot_curve(values, scores, *, reference=None, label=None, ax=None, **kwargs):
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
    ax = _axes(ax)
    scores = np.asarray(scores, dtype=float).reshape(len(values), -1)
    low, middle, high = np.percentile(scores, [25, 50, 75], axis=1)
    (line,) = ax.plot(values, middle, "o-", label=label, **kwargs)
    if scores.shape[1] > 1:
        ax.fill_between(values, low, high, color=line.get_color(), alpha=0.18, lw=0)
    for name, level in (reference or {}).items():
        color = COLORS.get(name.split()[0], COLORS["data"])
        ax.axhline(level, color=color, linestyle="--", label=name)
    return ax


def plot_images(images, titles, *, axes=None):
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
    import matplotlib.pyplot as plt

    if axes is None:
        _, axes = plt.subplots(1, len(images), figsize=(6.4, 1.2), squeeze=False)
    for ax, image, title in zip(np.ravel(axes), images, titles, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set_title(title, fontsize="medium")
        ax.set_axis_off()
    return axes
