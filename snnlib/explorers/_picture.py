"""The picture of an explorer: its panels by matplotlib, for print and the notebook."""

import base64
import io
import textwrap

import numpy as np

from snnlib.plots import COLORS

# In percent: what a logarithmic axis of errors still tells from none.
LEAST_ERROR = 0.01
_GHOST = {"color": "0.7", "linewidth": 1.2, "zorder": 1}


def draw(panels, view, ghost=None):
    """Draw panels, at most three in a row, over what they showed before if it is given.

    Parameters
    ----------
    panels : sequence of Panel
        What to draw.
    view : View
        What is shown.
    ghost : View or None
        What it is compared with, drawn in grey.

    Returns
    -------
    figure : matplotlib.figure.Figure
    """
    import matplotlib.style
    from matplotlib.figure import Figure

    n_columns = min(len(panels), 3)
    n_rows = -(-len(panels) // n_columns)
    width, height = 3.7 * n_columns, 3 * n_rows
    # Margins by hand: a layout engine draws everything twice.
    margins = {"left": 0.95 / width, "right": 1 - 0.15 / width, "wspace": 0.33}
    margins |= {"bottom": 0.57 / height, "top": 1 - 0.33 / height, "hspace": 0.43}
    with matplotlib.style.context("snnlib.snnlib"):
        figure = Figure(figsize=(width, height), layout="none")
        figure.subplots_adjust(**margins)
        axes = figure.subplots(n_rows, n_columns, squeeze=False)
        for ax, panel in zip(axes.flat, panels, strict=True):
            _draw_panel(ax, panel, view.series, ghost and ghost.series)
            note = view.notes.get(panel.name)
            if note and note.missing:
                _say_why(ax, note.missing)
    return figure


def png(figure):
    """Return a figure as a PNG, in base64."""
    import matplotlib

    file = io.BytesIO()
    # Whole, also where the style of the caller would cut its margins.
    with matplotlib.rc_context({"savefig.bbox": None}):
        figure.savefig(file, format="png", dpi=110)
    return base64.b64encode(file.getvalue()).decode()


def small_png(figure):
    """Return a figure as a PNG of 16 colours, in base64."""
    from PIL import Image

    whole, small = io.BytesIO(base64.b64decode(png(figure))), io.BytesIO()
    Image.open(whole).convert("RGB").quantize(16).save(small, "png", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def _say_why(ax, reason):
    """Write over dimmed axes why nothing is drawn in them."""
    for part in (*ax.lines, *ax.collections, *ax.get_xticklabels()):
        part.set_alpha(0.35)
    text = "\n".join(textwrap.wrap(reason, 34))
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center")


def _draw_panel(ax, panel, series_data, ghost):
    """Draw a panel with matplotlib as ``panel.js`` draws it with SVG."""
    _scale(ax, panel)
    _limit(ax, panel)
    for series in panel.series:
        name = f"{panel.name}.{series.name}"
        if ghost and series.role not in {"data", "baseline"}:
            _draw_series(ax, panel, series, ghost[name], _GHOST)
        style = {"color": COLORS[series.role], "label": series.label or None}
        _draw_series(ax, panel, series, series_data[name], style)
    ax.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
    for axis, marks in ((ax.xaxis, panel.x_marks), (ax.yaxis, panel.y_marks)):
        if marks:
            axis.set_ticks(marks, [f"{mark:g}" for mark in marks])
            axis.set_ticks([], minor=True)
    # What left a held axis must not move it.
    _limit(ax, panel)
    if panel.from_zero and not panel.y_limits:
        ax.set_ylim(bottom=0)
    if panel.y_ticks:
        ax.set_yticks(*zip(*panel.y_ticks, strict=True))
    if ghost:
        ax.plot([], [], label="before", **_GHOST)
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    legend = ax.legend(handles.values(), handles.keys(), fontsize="x-small")
    # Points may lie behind it.
    legend.set_frame_on(True)
    legend.get_frame().set(linewidth=0, alpha=0.8)


def _draw_series(ax, panel, series, points, style):
    x, y = points
    style = dict(style)
    if series.dashed:
        style["linestyle"] = "--"
    if series.kind == "points":
        x, y = _within(x, panel.x_limits), _within(y, panel.y_limits)
        face = "none" if series.hollow else style["color"]
        ax.plot(x, y, "o", markersize=5, markerfacecolor=face, **style)
    elif series.kind == "bars":
        ax.hlines(y, ax.get_xlim()[0], x, **{"linewidth": 4} | style)
    elif series.kind == "ticks":
        style |= {"marker": "|", "linestyle": "", "markersize": 8}
        ax.plot(x, np.full(len(x), 0.95), transform=ax.get_xaxis_transform(), **style)
    elif series.kind == "intervals":
        ax.vlines(x[::2], y[::2], y[1::2], **style)
    elif series.kind == "level":
        ax.axhline(y[0], **style)
    elif series.kind == "limit":
        ax.axvline(x[0], **style)
    else:
        ax.plot(x, y, **style)


def _scale(ax, panel):
    """Set what the axes of a panel are logarithmic in."""
    for axis, scale in (("x", panel.x_scale), ("y", panel.y_scale)):
        if scale == "log":
            ax.set(**{f"{axis}scale": "log"})
    if panel.y_scale == "errors":
        ax.set_yscale("function", functions=(_step_of_accuracy, _accuracy_of_step))


def _step_of_accuracy(accuracy):
    """Return where a percentage stands on an axis whose errors are logarithmic."""
    return -np.log10(np.maximum(100 - np.asarray(accuracy), LEAST_ERROR))


def _accuracy_of_step(step):
    return 100 - 10 ** -np.asarray(step, dtype=float)


def _limit(ax, panel):
    if panel.x_limits:
        ax.set_xlim(*panel.x_limits)
    if panel.y_limits:
        ax.set_ylim(*panel.y_limits)


def _within(values, limits):
    """Return coordinates of points, those beyond the axis moved to its end."""
    return np.clip(values, *limits) if limits else values
