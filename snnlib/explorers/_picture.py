"""The picture of an explorer: its panels by matplotlib, for print and the notebook."""

import base64
import io

import numpy as np

from snnlib.plots import COLORS

_GHOST = {"color": "0.7", "linewidth": 1.2, "zorder": 1}


def draw(panels, view, ghost=None):
    """Draw panels side by side, over what they showed before if it is given.

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

    width = 3.7 * len(panels)
    # Margins by hand: a layout engine draws everything twice.
    margins = {"left": 0.95 / width, "right": 1 - 0.15 / width, "wspace": 0.33}
    with matplotlib.style.context("snnlib.snnlib"):
        figure = Figure(figsize=(width, 3), layout="none")
        figure.subplots_adjust(**margins, bottom=0.19, top=0.89)
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for ax, panel in zip(axes, panels, strict=True):
            _draw_panel(ax, panel, view.series, ghost and ghost.series)
    return figure


def png(figure):
    """Return a figure as a PNG, in base64."""
    import matplotlib

    file = io.BytesIO()
    # Whole, also where the style of the caller would cut its margins.
    with matplotlib.rc_context({"savefig.bbox": None}):
        figure.savefig(file, format="png", dpi=110)
    return base64.b64encode(file.getvalue()).decode()


def _draw_panel(ax, panel, series_data, ghost):
    """Draw a panel with matplotlib as ``panel.js`` draws it with SVG."""
    for axis in panel.log:
        ax.set(**{f"{axis}scale": "log"})
    _limit(ax, panel)
    for series in panel.series:
        name = f"{panel.name}.{series.name}"
        if ghost and series.role not in {"data", "baseline"}:
            _draw_series(ax, panel, series, ghost[name], _GHOST)
        style = {"color": COLORS[series.role], "label": series.label}
        _draw_series(ax, panel, series, series_data[name], style)
    ax.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
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
    elif series.kind == "level":
        ax.axhline(y[0], **style)
    elif series.kind == "limit":
        ax.axvline(x[0], **style)
    else:
        ax.plot(x, y, **style)


def _limit(ax, panel):
    if panel.x_limits:
        ax.set_xlim(*panel.x_limits)
    if panel.y_limits:
        ax.set_ylim(*panel.y_limits)


def _within(values, limits):
    """Return coordinates of points, those beyond the axis moved to its end."""
    return np.clip(values, *limits) if limits else values
