"""An explorer and its faces: a page without a kernel, widgets, and a picture."""

from __future__ import annotations

import base64
import copy
import io
import itertools
import json
import os
import textwrap
from functools import lru_cache
from html import escape
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from snnlib._docs import fill_in
from snnlib.checks import check_number, check_whole
from snnlib.explorers._description import make_control
from snnlib.files import plain
from snnlib.neurons import SETTINGS
from snnlib.plots import COLORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

    from snnlib.explorers._description import Control, Panel, Readout, View

FACE_VARIABLE = "SNNLIB_EXPLORERS"
FACES = ("widgets", "html", "text")

_SHARED = {
    "texts": "A question to settle by moving a slider, and its answer, which is folded "
    "away. None asks the explorer's own; a question without an answer folds away none.",
    "explorer": "Shows itself as the last expression of a cell.",
}


_Factory = TypeVar("_Factory")


class Explorer:
    """Sliders, the panels they move, and a question to settle with them.

    It is made by `lif_explorer`, `regression_explorer`, `classification_explorer` or
    `image_explorer`. As the last expression of a cell it shows itself: as ipywidgets
    where there is a kernel, or as HTML with a picture for print while the book is
    built. It holds no state: ``compute`` depends on the values alone.

    Attributes
    ----------
    controls : list of Control
        The sliders.
    start : dict
        Value of each slider at the start, by name.
    """

    kind: str = ""
    title: str = ""
    sentence: str = ""
    panels: tuple[Panel, ...] = ()
    readouts: tuple[Readout, ...] = ()
    question: str
    answer: str
    controls: list[Control]
    start: dict[str, Any]
    estimator: Any
    # Each kind has its own.
    _compute: Any
    default_question: str = ""
    default_answer: str = ""
    _numbers = itertools.count(1)

    def __init__(
        self,
        estimator: Any,
        stops: Mapping[str, Any],
        start: dict[str, Any],
        *,
        question: str | None = None,
        answer: str | None = None,
        labels: Mapping[str, list[str]] | None = None,
    ) -> None:
        check_text("question", question, is_optional=True)
        check_text("answer", answer, is_optional=True)
        self.question = self.default_question if question is None else question
        self.answer = self.default_answer if answer is None else answer
        if question is not None and answer is None:
            self.answer = ""
        # The sliders that bear the name of one of its parameters set that parameter.
        self.estimator = estimator
        self._n_samples = len(stops.get("sample", ()))
        self.start = self._checked(start)
        self.controls = [
            make_control(name, values, self.start[name], (labels or {}).get(name))
            for name, values in stops.items()
        ]

    def compute(self, **values: Any) -> View:
        """Return what is shown at some values of the sliders.

        Parameters
        ----------
        **values
            Value of each slider that is not at its start, by name.

        Returns
        -------
        view : View
            ``series``, the points to draw by "panel.series", and ``readouts``, the
            numbers by name.

        Raises
        ------
        TypeError
            If there is no slider of that name.
        ValueError
            If a value is of a wrong kind or out of range, or no neuron can meet the
            values together.
        """
        check_names(values, self.start, "Explorer")
        return self._compute(**self._checked(self.start | values))

    def _checked(self, values):
        """Return what sliders are set to as Python's own numbers, or refuse it."""
        values = plain(values)
        for name in values.keys() & {"input", "threshold"}:
            values[name] = check_number(name, values[name])
        if "sample" in values:
            check_whole("sample", values["sample"], 0, self._n_samples - 1)
        named = values.keys() & self.estimator.get_params(deep=False).keys()
        settings = {name: values[name] for name in named}
        copy.copy(self.estimator).set_params(**settings).check_parameters()
        # In words for a reader, a number reads the same wherever it came from.
        numbers = {n: float(v) for n, v in settings.items() if isinstance(v, Real)}
        return values | numbers

    def figure(self, **values: Any) -> Figure:
        """Draw the panels with matplotlib.

        Parameters
        ----------
        **values
            As in `compute`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return self._draw(self.compute(**values))

    def _draw(self, view):
        import matplotlib.style
        from matplotlib.figure import Figure

        width = 3.7 * len(self.panels)
        # Margins by hand: a layout engine draws everything twice.
        margins = {"left": 0.95 / width, "right": 1 - 0.15 / width, "wspace": 0.33}
        with matplotlib.style.context("snnlib.snnlib"):
            figure = Figure(figsize=(width, 3), layout="none")
            figure.subplots_adjust(**margins, bottom=0.19, top=0.89)
            axes = figure.subplots(1, len(self.panels), squeeze=False)[0]
            for ax, panel in zip(axes, self.panels, strict=True):
                _draw_panel(ax, panel, view.series)
        return figure

    def html(self) -> str:
        """Return the explorer as HTML that needs no kernel and no network.

        Returns
        -------
        html : str
            Style, scripts and data in one piece; without scripts it shows a picture.
        """
        return self._html(self._png(self.compute()))

    def _html(self, picture):
        """Return the explorer as HTML around a picture of its start."""
        identity = f"snnlib-explorer-{self.kind}-{next(self._numbers)}"
        answer = (
            f"<details><summary>Answer</summary><p>{escape(self.answer)}</p></details>"
            if self.answer
            else ""
        )
        return (
            f"<style>{asset('explorers.css')}</style>"
            f'<section class="snnlib-explorer" id="{identity}" '
            f'aria-label="{escape(self.title)}">'
            f'<p class="snnlib-question"><strong>Question.</strong> '
            f"{escape(self.question)}</p>"
            f'<div class="snnlib-stage"></div>'
            f'<noscript><img alt="{escape(self._alt())}" '
            f'src="data:image/png;base64,{picture}"></noscript>'
            f'<p class="snnlib-sentence">{escape(self.sentence)}</p>{answer}</section>'
            f"<script>{asset('lif.js')}{asset('explorers.js')}"
            f"snnlib.mount({json.dumps(identity)}, {self._description()});</script>"
        )

    def widget(self) -> Any:
        """Return the explorer as ipywidgets, for a notebook with a kernel.

        Returns
        -------
        widget : ipywidgets.VBox
        """
        import ipywidgets

        sliders = {
            control.name: ipywidgets.SelectionSlider(
                options=list(zip(control.labels, control.values, strict=True)),
                index=control.start,
                description=control.name,
                continuous_update=False,
                style={"description_width": "9em"},
                layout={"width": "26em"},
            )
            for control in self.controls
        }
        reset = ipywidgets.Button(description="Reset")
        stage = ipywidgets.HTML()

        def redraw(_change=None):
            values = {name: slider.value for name, slider in sliders.items()}
            stage.value = self._stage(values)

        def set_back(_button):
            for control in self.controls:
                sliders[control.name].index = control.start

        for slider in sliders.values():
            slider.observe(redraw, names="value")
        reset.on_click(set_back)
        redraw()
        columns = ipywidgets.Layout(flex_flow="row wrap")
        return ipywidgets.VBox(
            [
                ipywidgets.HTML(f"<b>Question.</b> {escape(self.question)}"),
                ipywidgets.HBox([*sliders.values(), reset], layout=columns),
                stage,
                ipywidgets.HTML(
                    f"<p>{escape(self.sentence)}</p><details><summary>Answer</summary>"
                    f"<p>{escape(self.answer)}</p></details>"
                ),
            ]
        )

    def _stage(self, values):
        """Return picture and read-outs at some values as HTML."""
        try:
            view = self.compute(**values)
        except ValueError as error:
            return f'<p role="status"><b>Not possible.</b> {escape(str(error))}</p>'
        numbers = "; ".join(
            f"{readout.label}: <b>{readout.show(view)}</b>" for readout in self.readouts
        )
        return (
            f'<img alt="{escape(self._alt())}" style="max-width: 100%" '
            f'src="data:image/png;base64,{self._png(view)}">'
            f'<p role="status">{numbers}</p>'
        )

    def _png(self, view):
        file = io.BytesIO()
        self._draw(view).savefig(file, format="png", dpi=110)
        return base64.b64encode(file.getvalue()).decode()

    def _alt(self):
        return " ".join(panel.alt for panel in self.panels)

    def _data(self):
        """Return what the JavaScript needs beyond the values of the sliders."""
        return {
            "owner": type(self.estimator).__name__,
            "neuron": {name: float(getattr(self.estimator, name)) for name in SETTINGS},
            "dt": float(self.estimator.dt),
        }

    def _description(self):
        """Return controls, panels, read-outs and data as JSON for a script element."""
        description = {
            "kind": self.kind,
            "controls": [control._asdict() for control in self.controls],
            "panels": [
                panel._asdict() | {"series": [s._asdict() for s in panel.series]}
                for panel in self.panels
            ],
            "readouts": [readout._asdict() for readout in self.readouts],
            "data": self._data(),
        }
        return json.dumps(description).replace("<", "\\u003c")

    def __repr__(self) -> str:
        """Return title and read-outs at the start, for where nothing can be drawn."""
        return self._text(self.compute())

    def _text(self, view):
        lines = [f"{readout.label}: {readout.show(view)}" for readout in self.readouts]
        return "\n".join([self.title, self.question, *lines])

    def _ipython_display_(self):
        from IPython.display import display

        if face() == "widgets":
            display(self.widget())
            return
        view = self.compute()
        if face() == "text":
            display({"text/plain": self._text(view)}, raw=True)
            return
        picture = self._png(view)
        still = {"image/png": picture, "text/plain": self._text(view)}
        display(self._page(picture) | still, raw=True)

    def _page(self, picture):
        """Return what a page without a kernel shows in place of the picture."""
        return {"text/html": self._html(picture)}


def check_text(name, value, *, is_optional=False):
    """Refuse what is no text."""
    if not (isinstance(value, str) or (value is None and is_optional)):
        allowed = "text or None" if is_optional else "text"
        msg = f"{name} must be {allowed}; got {in_a_line(value)}."
        raise ValueError(msg)


def check_estimator(name, value, kind):
    """Refuse what is no estimator of a kind, or has impossible parameters."""
    if not isinstance(value, kind):
        msg = f"{name} must be a {kind.__name__}; got {in_a_line(value)}."
        raise ValueError(msg)
    value.check_parameters()


def in_a_line(value):
    """Write a value for a message, however long or broken its own text is."""
    return f"{' '.join(repr(value).split()):.200}"


def documented(factory: _Factory) -> _Factory:
    """Put into the docstring of a function what all that make explorers share."""
    # They stand one level deeper than `fill_in` puts the first line.
    wrapped = {
        name: "\n    ".join(textwrap.wrap(text, 80)) for name, text in _SHARED.items()
    }
    return fill_in(factory, **wrapped)


def face():
    """Return "widgets" or "html": what the variable says, else what is installed."""
    face = os.environ.get(FACE_VARIABLE, "")
    if face and face not in FACES:
        msg = f"{FACE_VARIABLE} must be one of {list(FACES)}; got {face!r}."
        raise ValueError(msg)
    return face or ("widgets" if find_spec("ipywidgets") else "html")


def check_names(values, known, owner):
    for name in values:
        if name not in known:
            msg = f"{owner} has no slider {name!r}; choose from {sorted(known)}."
            raise TypeError(msg)


@lru_cache
def asset(name):
    """Return the text of one of the package's JavaScript or CSS files."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _draw_panel(ax, panel, series_data):
    """Draw a panel with matplotlib as ``explorers.js`` draws it with SVG."""
    for series in panel.series:
        x, y = series_data[f"{panel.name}.{series.name}"]
        style = {"color": COLORS[series.role], "label": series.label}
        if series.dashed:
            style["linestyle"] = "--"
        if series.kind == "points":
            face = "none" if series.hollow else style["color"]
            ax.plot(x, y, "o", markersize=5, markerfacecolor=face, **style)
        elif series.kind == "ticks":
            style |= {"marker": "|", "linestyle": "", "markersize": 8}
            ax.plot(
                x, np.full(len(x), 0.95), transform=ax.get_xaxis_transform(), **style
            )
        elif series.kind == "level":
            ax.axhline(y[0], **style)
        elif series.kind == "limit":
            ax.axvline(x[0], **style)
        else:
            ax.plot(x, y, **style)
    ax.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
    if panel.from_zero:
        ax.set_ylim(bottom=0)
    if panel.x_limits:
        ax.set_xlim(*panel.x_limits)
    if panel.y_limits:
        ax.set_ylim(*panel.y_limits)
    if panel.y_ticks:
        ax.set_yticks(*zip(*panel.y_ticks, strict=True))
    handles = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    if handles:
        legend = ax.legend(handles.values(), handles.keys(), fontsize="x-small")
        # Points may lie behind it.
        legend.set_frame_on(True)
        legend.get_frame().set(linewidth=0, alpha=0.8)
