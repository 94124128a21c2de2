"""Sliders over a spiking neuron: one description, two faces.

With a kernel the sliders are ipywidgets, and what they show is computed by Nengo and
the estimators. In the built book, where there is no kernel, they are HTML, and
``lif.js`` computes the same series and read-outs in the reader's browser. Controls,
panels and read-outs are described once, here; both faces draw what is described.
"""

import base64
import io
import itertools
import json
import os
from functools import lru_cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnlib.neurons import Lif
from snnlib.plots import COLORS
from snnlib.simulation import lowpass, read_out, simulate

FACE_VARIABLE = "SNNLIB_EXPLORERS"
FACES = ("widgets", "html")

_STOPS = {
    "max_rate": [float(rate) for rate in range(10, 601, 10)],
    "intercept": [tenth / 10 for tenth in range(-20, 10)],
    "tau_rc": [
        *(0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.12, 0.15, 0.17),
        *(0.2, 0.22, 0.25),
    ],
    # Below a step of 1 ms, Nengo's LIF fires less than the formula says.
    "tau_ref": [0.001, 0.002, 0.003, 0.004, 0.005, 0.01],
    "amplitude": [
        *(0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05),
        *(0.1, 0.2, 0.3, 0.5, 1.0, 2.0),
    ],
    "synapse": [None, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
    "input": [twentieth / 20 for twentieth in range(-20, 31)],
    "presentation_time": [0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0],
    "readout": ["mean", "last"],
    "threshold": [tenth / 10 for tenth in range(-10, 11)],
}
_UNITS = {
    "max_rate": "Hz",
    "input": "",
    "intercept": "",
    "amplitude": "",
} | dict.fromkeys(("tau_rc", "tau_ref", "synapse", "presentation_time"), "s")


class Control(NamedTuple):
    """A slider: its name, the values it stops at, and how each of them reads."""

    name: str
    values: list
    labels: list
    start: int


class Series(NamedTuple):
    """What a panel draws under one name; the numbers come from ``compute``.

    Kinds are "line" and "points" (x and y), "ticks" (x only, at the top), "level" (one
    y across the panel) and "limit" (one x from top to bottom).
    """

    name: str
    kind: str
    role: str
    label: str | None = None
    dashed: bool = False
    hollow: bool = False


class Panel(NamedTuple):
    """A pair of axes and what is drawn on them."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple
    alt: str
    from_zero: bool = False
    x_limits: list | None = None
    y_limits: list | None = None
    y_ticks: list | None = None


class Readout(NamedTuple):
    """A number shown beside the panels; the screen reader is told the spoken ones."""

    name: str
    label: str
    unit: str = ""
    digits: int = 2
    spoken: bool = False


class View(NamedTuple):
    """What an explorer shows at some values of its sliders."""

    series: dict
    """x and y by "panel.series"."""
    readouts: dict
    """Number by name."""


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

    kind = title = sentence = ""
    panels = readouts = ()
    default_question = default_answer = ""
    _numbers = itertools.count(1)

    def __init__(self, stops, start, *, question=None, answer=None, labels=None):
        self.question = self.default_question if question is None else question
        self.answer = self.default_answer if answer is None else answer
        if question is not None and answer is None:
            self.answer = ""
        self.controls = [
            _control(name, values, start[name], (labels or {}).get(name))
            for name, values in stops.items()
        ]
        self.start = {c.name: c.values[c.start] for c in self.controls}

    def compute(self, **values):
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
            If no neuron can meet the values.
        """
        _check_names(values, self.start, type(self).__name__)
        return self._compute(**{**self.start, **values})

    def figure(self, **values):
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

    def html(self):
        """Return the explorer as HTML that needs no kernel and no network.

        Returns
        -------
        html : str
            Style, scripts and data in one piece; without scripts it shows a picture.
        """
        identity = f"snnlib-explorer-{self.kind}-{next(self._numbers)}"
        answer = (
            f"<details><summary>Answer</summary><p>{escape(self.answer)}</p></details>"
            if self.answer
            else ""
        )
        return (
            f"<style>{_asset('explorers.css')}</style>"
            f'<section class="snnlib-explorer" id="{identity}" '
            f'aria-label="{escape(self.title)}">'
            f'<p class="snnlib-question"><strong>Question.</strong> '
            f"{escape(self.question)}</p>"
            f'<div class="snnlib-stage"></div>'
            f'<noscript><img alt="{escape(self._alt())}" '
            f'src="data:image/png;base64,{self._png(self.compute())}"></noscript>'
            f'<p class="snnlib-sentence">{escape(self.sentence)}</p>{answer}</section>'
            f"<script>{_asset('lif.js')}{_asset('explorers.js')}"
            f"snnlib.mount({json.dumps(identity)}, {self._description()});</script>"
        )

    def widget(self):
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
            f"{readout.label}: <b>{_show(readout, view.readouts[readout.name])}</b>"
            for readout in self.readouts
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
        return {}

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

    def __repr__(self):
        """Return title and read-outs at the start, for where nothing can be drawn."""
        view = self.compute()
        lines = [
            f"{readout.label}: {_show(readout, view.readouts[readout.name])}"
            for readout in self.readouts
        ]
        return "\n".join([self.title, self.question, *lines])

    def _ipython_display_(self):
        from IPython.display import display

        if _face() == "widgets":
            display(self.widget())
            return
        bundle = {"text/html": self.html(), "image/png": self._png(self.compute())}
        display({**bundle, "text/plain": repr(self)}, raw=True)


class _LifExplorer(Explorer):
    """One neuron under a constant input for a second."""

    kind = "lif"
    title = "A LIF neuron under your hands"
    sentence = (
        "You are looking at one LIF neuron that receives a constant input for one "
        "second: its response curve, its voltage in the first fifth of a second, and "
        "its spikes after the synapse. Green is what the formula promises, blue is "
        "what the spikes do."
    )
    default_question = (
        "Move max_rate and then tau_rc. Which of them moves the ends of the response "
        "curve, and which only bends it?"
    )
    default_answer = (
        "max_rate moves the upper end: it is the rate at an input of 1. tau_rc leaves "
        "both ends where they are and bends what lies between; the larger it is, the "
        "straighter the curve."
    )
    panels = (
        Panel(
            "curve",
            "Response curve",
            "input",
            "rate (Hz)",
            (
                Series("formula", "line", "target", "formula"),
                Series("measured", "points", "spiking", "spikes in 1 s"),
            ),
            "Firing rate against input: the curve of the formula and the rate counted "
            "at the chosen input.",
            from_zero=True,
        ),
        Panel(
            "voltage",
            "Voltage and spikes",
            "time (s)",
            "voltage",
            (
                Series("trace", "line", "spiking"),
                Series("threshold", "level", "data", "threshold", dashed=True),
                Series("spikes", "ticks", "spiking"),
            ),
            "Membrane voltage over the first 0.2 s, with the threshold and a tick at "
            "each spike.",
            x_limits=[0, 0.2],
            y_limits=[0, 1.3],
        ),
        Panel(
            "output",
            "Filtered output",
            "time (s)",
            "amplitude x rate (Hz)",
            (
                Series("filtered", "line", "spiking"),
                Series("target", "level", "target", "formula", dashed=True),
            ),
            "Output after the synapse over 1 s, with the level that the formula "
            "promises.",
            from_zero=True,
            x_limits=[0, 1],
        ),
    )
    readouts = (
        Readout("gain", "gain", digits=4),
        Readout("bias", "bias", digits=4),
        Readout("current", "current J", digits=3),
        Readout("rate", "rate by formula", "Hz", 1, spoken=True),
        Readout("spikes", "spikes in 1 s", digits=0, spoken=True),
        Readout("target", "target level", "Hz", 3),
        Readout("mean", "mean of second half", "Hz", 3, spoken=True),
        Readout("last", "last step", "Hz", 3),
        Readout("ripple", "ripple, top to bottom", "Hz", 3),
    )

    def _compute(
        self, *, max_rate, intercept, tau_rc, tau_ref, amplitude, synapse, input
    ):
        from snnlib.networks import ensemble_network

        dt = 0.001
        lif = Lif(max_rate, intercept, tau_rc, tau_ref, amplitude)
        lif.check(dt)
        gain, bias = lif.gain_bias()
        network = ensemble_network(
            [[1.0]],
            [[1.0]],
            gain=gain,
            bias=bias,
            tau_rc=tau_rc,
            tau_ref=tau_ref,
            amplitude=amplitude,
            synapse=synapse,
        )
        recorded = simulate(network, [[input]], 1.0, dt=dt)
        spikes = recorded["spikes"][0, :, 0] > 0
        voltage = recorded["voltage"][0, :, 0]
        output = recorded["output"][0, :, 0]
        time = np.arange(1, len(output) + 1) * dt
        inputs = np.arange(-50, 76) / 50
        rate = float(lif.rates(gain * input + bias)[0])
        shown = time <= 0.2
        second_half = output[len(output) // 2 :]
        return View(
            {
                "curve.formula": (
                    inputs,
                    lif.rates(gain * inputs + bias),
                ),
                "curve.measured": ([input], [spikes.sum()]),
                "voltage.trace": (time[shown], voltage[shown]),
                "voltage.threshold": ([], [1.0]),
                "voltage.spikes": (time[shown & spikes], []),
                "output.filtered": (time, output),
                "output.target": ([], [amplitude * rate]),
            },
            {
                "gain": gain[0],
                "bias": bias[0],
                "current": gain[0] * input + bias[0],
                "rate": rate,
                "spikes": spikes.sum(),
                "target": amplitude * rate,
                "mean": read_out(output, "mean"),
                "last": read_out(output, "last"),
                "ripple": second_half.max() - second_half.min(),
            },
        )


class _EnsembleExplorer(Explorer):
    """What the explorers of a fitted ensemble have in common."""

    _control_names = ("max_rate", "tau_rc", "synapse", "presentation_time", "readout")

    def __init__(self, estimator, X, y, sample_labels, *, extra=(), **texts):
        from sklearn.base import clone
        from sklearn.utils import check_random_state

        # Every refit must draw what the first one drew.
        seed = check_random_state(estimator.random_state).randint(2**31 - 1)
        # The synapse filters afterwards, so the estimator's own need not be there to
        # warn of a presentation too short for it.
        self.estimator = clone(estimator).set_params(
            random_state=int(seed), synapse=None
        )
        self.X, self.y = X, y
        self.fitted = self._fit()
        names = (*self._control_names, *extra)
        start = {name: getattr(estimator, name, 0.0) for name in names}
        stops = {name: _STOPS[name] for name in names}
        stops["sample"] = list(range(len(sample_labels)))
        start["sample"] = len(sample_labels) // 2
        super().__init__(stops, start, labels={"sample": sample_labels}, **texts)

    def _fit(self, **changes):
        from sklearn.base import clone

        return clone(self.estimator).set_params(**changes).fit(self.X, self.y)

    def _data(self):
        """Return what stays the same when neuron parameters change."""
        fitted = self.fitted
        intercepts = (1 - fitted.bias_) / fitted.gain_
        # The first neuron's is known to the last bit.
        intercepts[0] = fitted.intercept
        return {
            "drive": (fitted._represent(self._rows()) @ fitted.encoders_.T).tolist(),
            "n_train": len(self.X),
            "targets": self._targets().tolist(),
            "intercepts": intercepts.tolist(),
            "voltages": fitted.initial_voltage_.tolist(),
            **{
                name: float(getattr(fitted, name))
                for name in ("tau_ref", "amplitude", "dt", "reg")
            },
        }


class _RegressionExplorer(_EnsembleExplorer):
    """A regressor of one feature over its training rows."""

    kind = "regression"
    title = "A regression by spikes under your hands"
    default_question = (
        "Set the read-out to the last step. Which slider can ruin the fit, and which "
        "can hardly touch it?"
    )
    default_answer = (
        "synapse can. Under a short one the last step catches a spike or a gap, and "
        "the predictions jump. Under one as long as the presentation the output has "
        "not settled, and every prediction stays behind; so it does when "
        "presentation_time gets short. (MSPE may even fall then: a percentage forgives "
        "predictions that are too small.) max_rate and tau_rc do far less, because the "
        "decoder is solved for again whenever they change. The mean of the second half "
        "forgives a short synapse."
    )
    readouts = (
        Readout("mspe", "MSPE of the neuron", "%", 2, spoken=True),
        Readout("mspe_line", "MSPE of least squares", "%", 2),
        Readout("prediction", "prediction for the chosen row", digits=4, spoken=True),
        Readout("target", "its target", digits=4),
        Readout("spikes", "its spikes", digits=0, spoken=True),
    )

    def __init__(self, regressor, X, y, x_label, y_label, **texts):
        x = X[:, 0]
        low, high, reach = x.min(), x.max(), np.ptp(x)
        self.grid = np.linspace(low, high, 61)[:, np.newaxis]
        self.line = np.polyfit(x, y, 1)
        spread = 0.15 * (y.max() - y.min())
        y_limits = [float(y.min() - spread), float(y.max() + spread)]
        self.sentence = (
            f"You are looking at a spiking regressor fitted to {len(y)} rows and shown "
            "the same rows again: its predictions over the data, and its filtered "
            "output while it looks at the row you choose. It is fitted anew at every "
            "setting. Vermilion is least squares, green the row's target."
        )
        self.panels = (
            Panel(
                "fit",
                "Fit over the data",
                x_label,
                y_label,
                (
                    Series("data", "points", "data", "data"),
                    Series("spiking", "line", "spiking", "spiking"),
                    Series("baseline", "line", "baseline", "least squares", True),
                    Series("chosen", "points", "chosen", "chosen row"),
                ),
                f"Data points of {y_label} against {x_label}, the least-squares line "
                "and the predictions of the spiking regressor.",
                x_limits=[float(low - 0.05 * reach), float(high + 0.05 * reach)],
                y_limits=y_limits,
            ),
            Panel(
                "output",
                "Output for the chosen row",
                "time (s)",
                y_label,
                (
                    Series("filtered", "line", "spiking"),
                    Series("target", "level", "target", "target", dashed=True),
                ),
                "Filtered, decoded output over the presentation of the chosen row, "
                "with its target.",
            ),
        )
        order = np.argsort(x, kind="stable")
        labels = [f"{value:g}" for value in x[order]]
        super().__init__(regressor, X[order], y[order], labels, **texts)

    def _rows(self):
        return np.concatenate([self.X, self.grid])

    def _targets(self):
        return self.y

    def _data(self):
        slope, constant = self.line
        return super()._data() | {
            "x": self.X[:, 0].tolist(),
            "grid": self.grid[:, 0].tolist(),
            "slope": float(slope),
            "constant": float(constant),
        }

    def _compute(self, *, sample, readout, synapse, **neuron):
        from snnlib.metrics import mspe

        fitted = self._fit(**neuron)
        decoded = fitted.simulate(self._rows())
        values = fitted.decide(decoded, synapse=synapse, readout=readout)
        n_rows = len(self.y)
        output = lowpass(decoded[sample, :, 0], synapse, dt=fitted.dt)
        output = output + fitted.output_bias_[0]
        x = self.X[:, 0]
        unit = fitted.decoders_[0] * fitted.amplitude / fitted.dt
        spikes = fitted.spike_trains(self.X[[sample]]).sum() if unit.any() else 0
        return View(
            {
                "fit.data": (x, self.y),
                "fit.baseline": (x[[0, -1]], np.polyval(self.line, x[[0, -1]])),
                "fit.spiking": (self.grid[:, 0], values[n_rows:]),
                "fit.chosen": ([x[sample]], [values[sample]]),
                "output.filtered": (
                    np.arange(1, len(output) + 1) * fitted.dt,
                    output,
                ),
                "output.target": ([], [self.y[sample]]),
            },
            {
                "mspe": mspe(self.y, values[:n_rows]),
                "mspe_line": mspe(self.y, np.polyval(self.line, x)),
                "prediction": values[sample],
                "target": self.y[sample],
                "spikes": spikes,
            },
        )


class _ClassificationExplorer(_EnsembleExplorer):
    """A classifier of two classes over its training rows."""

    kind = "classification"
    title = "A decision by spikes under your hands"
    default_question = (
        "Set the read-out to the last step and move synapse to its smallest value. "
        "Does accuracy fall as badly as the picture looks?"
    )
    default_answer = (
        "No. The decisions fall apart into two groups: rows whose neuron happened to "
        "spike just before the last step, and rows whose neuron did not and which get "
        "the decoder's constant. Accuracy suffers, but far less than the values do: a "
        "decision asks for a side of the threshold, not for a value."
    )
    readouts = (
        Readout("accuracy", "accuracy", "%", 1, spoken=True),
        Readout("majority", "majority class alone", "%", 1),
        Readout("true_positive", "", digits=0),
        Readout("false_negative", "", digits=0),
        Readout("false_positive", "", digits=0),
        Readout("true_negative", "", digits=0),
        Readout("decision", "decision for the chosen row", digits=4, spoken=True),
        Readout("spikes", "its spikes", digits=0),
    )

    def __init__(self, classifier, X, y, class_names, **texts):
        negative, positive = class_names
        self.sentence = (
            f"You are looking at a spiking classifier fitted to {len(y)} rows and "
            "shown the same rows again. Each point is a row, in the band of its true "
            f'class; right of the threshold it is called "{positive}". Rows called '
            "wrongly are hollow. The classifier is fitted anew at every setting."
        )
        self.panels = (
            Panel(
                "decisions",
                "Decision for each row",
                "decision",
                "true class",
                (
                    Series("right", "points", "spiking", "called rightly"),
                    Series("wrong", "points", "spiking", "called wrongly", hollow=True),
                    Series("threshold", "limit", "target", "threshold", dashed=True),
                    Series("chosen", "points", "chosen", "chosen row"),
                ),
                "Decision value of each row in two bands, one a class, with the "
                "threshold as a vertical line.",
                y_limits=[-0.5, 1.5],
                y_ticks=[[0, negative], [1, positive]],
            ),
            Panel(
                "output",
                "Output for the chosen row",
                "time (s)",
                "decision",
                (
                    Series("filtered", "line", "spiking"),
                    Series("threshold", "level", "target", "threshold", dashed=True),
                ),
                "Filtered, decoded output over the presentation of the chosen row, "
                "with the threshold.",
            ),
        )
        wording = {
            "true_positive": f'"{positive}" called "{positive}"',
            "false_negative": f'"{positive}" called "{negative}"',
            "false_positive": f'"{negative}" called "{positive}"',
            "true_negative": f'"{negative}" called "{negative}"',
        }
        self.readouts = tuple(
            readout._replace(label=wording.get(readout.name, readout.label))
            for readout in self.readouts
        )
        self.classes, codes = np.unique(y, return_inverse=True)
        fitted = classifier.fit(X, y)
        order = np.argsort((fitted._represent(X) @ fitted.encoders_[0]), kind="stable")
        self.codes = codes[order]
        # Multiples of the golden ratio spread the points of a band evenly.
        self.heights = self.codes + 0.7 * (np.arange(len(y)) * 0.6180339887 % 1 - 0.5)
        labels = [
            f"{place}: {class_names[code]}"
            for place, code in enumerate(self.codes, start=1)
        ]
        super().__init__(
            classifier, X[order], y[order], labels, extra=("threshold",), **texts
        )

    def _rows(self):
        return self.X

    def _targets(self):
        return 2.0 * self.codes - 1

    def _data(self):
        return super()._data() | {
            "codes": self.codes.tolist(),
            "heights": self.heights.tolist(),
        }

    def _compute(self, *, sample, readout, synapse, threshold, **neuron):
        fitted = self._fit(**neuron)
        decoded = fitted.simulate(self.X)
        decisions = fitted.decide(decoded, synapse=synapse, readout=readout)
        called, codes = decisions > threshold, self.codes.astype(bool)
        right = called == codes
        output = lowpass(decoded[sample, :, 0], synapse, dt=fitted.dt)
        output = output + fitted.output_bias_[0]
        return View(
            {
                "decisions.right": (decisions[right], self.heights[right]),
                "decisions.wrong": (decisions[~right], self.heights[~right]),
                "decisions.threshold": ([threshold], []),
                "decisions.chosen": ([decisions[sample]], [self.heights[sample]]),
                "output.filtered": (
                    np.arange(1, len(output) + 1) * fitted.dt,
                    output,
                ),
                "output.threshold": ([], [threshold]),
            },
            {
                "accuracy": 100 * right.mean(),
                "majority": 100 * max(codes.mean(), 1 - codes.mean()),
                "true_positive": (codes & called).sum(),
                "false_negative": (codes & ~called).sum(),
                "false_positive": (~codes & called).sum(),
                "true_negative": (~codes & ~called).sum(),
                "decision": decisions[sample],
                "spikes": fitted.spike_trains(self.X[[sample]]).sum(),
            },
        )


class _ImageExplorer(Explorer):
    """A trained conv net over a few images; it needs a kernel to move."""

    kind = "image"
    title = "A trained network under your hands"
    sentence = (
        "You are looking at the ten outputs of the trained network while it sees one "
        "image, and at its accuracy on the images given. The weights stay as they were "
        "trained; only the neurons change."
    )
    default_question = (
        "Raise max_rate to 300 Hz. The network spikes more, and yet it errs more. "
        "Which slider repairs that?"
    )
    default_answer = (
        "amplitude. A layer passes on amplitude times rate, so three times the rate "
        "makes its signal three times what the weights were trained for, and every "
        "layer multiplies that again. A third of the amplitude brings the signal back."
    )
    readouts = (
        Readout("accuracy", "accuracy on the images given", "%", 1),
        Readout("spikes", "spikes an image", digits=0),
        Readout("prediction", "prediction for the chosen image", digits=0),
        Readout("target", "its label", digits=0),
    )
    _names = (
        *("max_rate", "tau_rc", "amplitude", "synapse", "presentation_time"),
        "readout",
    )

    def __init__(self, classifier, images, labels, **texts):
        self.classifier, self.images, self.labels = classifier, images, labels
        self.panels = (
            Panel(
                "outputs",
                "Outputs for the chosen image",
                "time (s)",
                "filtered output",
                (
                    Series("others", "lines", "data", "other classes"),
                    Series("label", "line", "spiking", "its class"),
                ),
                "Filtered outputs over the presentation, the one of the image's class "
                "in blue and the others in grey.",
            ),
            Panel(
                "spikes",
                "Spikes in each step",
                "time (s)",
                "spikes in all layers",
                (Series("count", "line", "spiking"),),
                "Number of spikes in all layers at each step of the presentation.",
                from_zero=True,
            ),
        )
        stops = {name: _STOPS[name] for name in self._names}
        # A second of an image costs what a thousand steps cost: too long to wait for.
        stops["presentation_time"] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2]
        start = {name: getattr(classifier, name) for name in self._names}
        stops["sample"] = list(range(len(labels)))
        sample_labels = [f"{i}: a {label}" for i, label in enumerate(labels)]
        # The last few settings are kept, for synapse and read-out need no new run.
        self._run = lru_cache(maxsize=4)(self._simulate)
        super().__init__(
            stops, start | {"sample": 0}, labels={"sample": sample_labels}, **texts
        )

    def _simulate(self, **neuron):
        import copy

        return copy.copy(self.classifier).set_params(**neuron).simulate(self.images)

    def _compute(self, *, sample, synapse, readout, **neuron):
        run = self._run(**neuron)
        scores = self.classifier.decide(run.output, synapse=synapse, readout=readout)
        called = self.classifier.classes_[scores.argmax(axis=1)]
        outputs = lowpass(run.output[sample], synapse, dt=self.classifier.dt)
        time = np.arange(1, len(outputs) + 1) * self.classifier.dt
        of_label = self.classifier.classes_ == self.labels[sample]
        return View(
            {
                "outputs.others": (time, outputs[:, ~of_label]),
                "outputs.label": (time, outputs[:, of_label]),
                "spikes.count": (time, run.spike_counts[sample].sum(axis=1)),
            },
            {
                "accuracy": 100 * (called == self.labels).mean(),
                "spikes": run.spike_counts.sum(axis=(1, 2)).mean(),
                "prediction": called[sample],
                "target": self.labels[sample],
            },
        )

    def _ipython_display_(self):
        from IPython.display import display

        if _face() == "widgets":
            display(self.widget())
            return
        # No sliders rather than dead ones.
        display(
            {"image/png": self._png(self.compute()), "text/plain": repr(self)}, raw=True
        )


def lif_explorer(*, question=None, answer=None, **start_values):
    """Show one LIF neuron with sliders for its parameters.

    The neuron receives a constant input for one second, from a voltage of 0, in steps
    of 1 ms. It does not learn and is connected to nothing.

    Parameters
    ----------
    question, answer : str or None, default=None
        A question to settle by moving a slider, and its answer, which is folded away.
        None asks the explorer's own.
    **start_values
        Where sliders start: ``max_rate`` (Hz), ``intercept``, ``tau_rc`` (s),
        ``tau_ref`` (s), ``amplitude``, ``synapse`` (s or None), ``input``.

    Returns
    -------
    explorer : Explorer
        Shows itself as the last expression of a cell.

    Raises
    ------
    TypeError
        If there is no slider of that name.
    ValueError
        If a start value is out of range, or no neuron can meet them together.

    Examples
    --------
    >>> view = lif_explorer(max_rate=200).compute(input=1.0)
    >>> round(float(view.readouts["rate"]))
    200
    """
    start = {
        "max_rate": 100.0,
        "intercept": -1.0,
        "tau_rc": 0.02,
        "tau_ref": 0.002,
        "amplitude": 1.0,
        "synapse": 0.1,
        "input": 0.5,
    }
    _check_names(start_values, start, "lif_explorer")
    start |= start_values
    _check_neuron({name: value for name, value in start.items() if name != "input"})
    if not isinstance(start["input"], (int, float)) or not np.isfinite(start["input"]):
        msg = f"input must be a finite number; got {start['input']!r}."
        raise ValueError(msg)
    stops = {name: _STOPS[name] for name in start}
    return _LifExplorer(stops, start, question=question, answer=answer)


def regression_explorer(
    regressor, X, y, *, x_label="x", y_label="y", question=None, answer=None
):
    """Show a spiking regressor over its training rows, with sliders for its neurons.

    Whenever a slider moves, the regressor is fitted anew to all rows and shown them
    again. It holds no rows out and shows one feature only.

    Parameters
    ----------
    regressor : SpikingRegressor
        Its parameters are where the sliders start. It need not be fitted, and is left
        as it is.
    X : array-like of shape (n_samples, 1)
        The feature.
    y : array-like of shape (n_samples,)
        Targets, none of them zero.
    x_label, y_label : str
        Names of feature and target, with units.
    question, answer : str or None, default=None
        As in `lif_explorer`.

    Returns
    -------
    explorer : Explorer
        Shows itself as the last expression of a cell.

    Raises
    ------
    ValueError
        If X has more than one feature, or the regressor learns by gradient.
    """
    X, y = _check_rows(regressor, X, y, "regressor")
    if X.shape[1] != 1:
        msg = f"X must hold one feature to draw the fit over; got {X.shape[1]}."
        raise ValueError(msg)
    return _RegressionExplorer(
        regressor,
        X,
        y.astype(float),
        x_label,
        y_label,
        question=question,
        answer=answer,
    )


def classification_explorer(
    classifier, X, y, *, class_names=None, question=None, answer=None
):
    """Show a spiking classifier over its training rows, with sliders for its neurons.

    Whenever a slider moves, the classifier is fitted anew to all rows and shown them
    again. It holds no rows out and shows two classes only.

    Parameters
    ----------
    classifier : SpikingClassifier
        Its parameters are where the sliders start. It need not be fitted, and is left
        as it is.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    class_names : sequence of two str or None, default=None
        What to call the classes, in sorted order; None calls them by their labels.
    question, answer : str or None, default=None
        As in `lif_explorer`.

    Returns
    -------
    explorer : Explorer
        Shows itself as the last expression of a cell.

    Raises
    ------
    ValueError
        If there are not two classes or names, or the classifier learns by gradient.
    """
    from sklearn.base import clone

    X, y = _check_rows(classifier, X, y, "classifier")
    labels = np.unique(y)
    names = [str(label) for label in labels] if class_names is None else class_names
    if len(labels) != 2 or len(names) != 2:
        msg = (
            "y must hold 2 classes, and class_names must name them; "
            f"got {len(labels)} classes and {len(names)} names."
        )
        raise ValueError(msg)
    return _ClassificationExplorer(
        clone(classifier), X, y, list(names), question=question, answer=answer
    )


def image_explorer(classifier, images, labels, *, question=None, answer=None):
    """Show a trained conv net over a few images, with sliders for its neurons.

    The weights stay as they are. It needs a kernel: in the built book it is a picture.
    Every image is simulated at every new setting, so a few dozen are enough.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        A fitted network.
    images : array-like of images
        As in the classifier's ``predict``.
    labels : array-like of shape (n_images,)
        Their classes.
    question, answer : str or None, default=None
        As in `lif_explorer`.

    Returns
    -------
    explorer : Explorer
        Shows itself as the last expression of a cell.

    Raises
    ------
    ValueError
        If images and labels differ in number.
    """
    labels = np.asarray(labels)
    if len(images) != len(labels) or not len(labels):
        msg = (
            "labels must hold one label for each image, and at least one; "
            f"got {len(labels)} for {len(images)} images."
        )
        raise ValueError(msg)
    return _ImageExplorer(classifier, images, labels, question=question, answer=answer)


def _face():
    """Return "widgets" or "html": what the variable says, else what is installed."""
    face = os.environ.get(FACE_VARIABLE, "")
    if face and face not in FACES:
        msg = f"{FACE_VARIABLE} must be one of {list(FACES)}; got {face!r}."
        raise ValueError(msg)
    return face or ("widgets" if find_spec("ipywidgets") else "html")


def _control(name, values, start, labels):
    """Return a control that stops at ``values`` and at ``start``."""
    values = list(values)
    if start not in values:
        values = sorted([*values, start], key=lambda value: (value is not None, value))
    return Control(
        name, values, labels or [_label(name, v) for v in values], values.index(start)
    )


def _label(name, value):
    if value is None or isinstance(value, str):
        return str(value).replace("None", "none")
    return f"{value:g} {_UNITS.get(name, '')}".strip()


def _show(readout, value):
    return f"{value:.{readout.digits}f} {readout.unit}".strip()


def _check_names(values, known, owner):
    for name in values:
        if name not in known:
            msg = f"{owner} has no slider {name!r}; choose from {sorted(known)}."
            raise TypeError(msg)


def _check_neuron(parameters):
    """Refuse what the estimators refuse, in their words."""
    from snnlib.estimators import SpikingRegressor

    SpikingRegressor(**parameters).check_parameters()


def _check_rows(estimator, X, y, name):
    """Return X and y as arrays, refusing what the JavaScript could not fit."""
    from sklearn.utils import check_X_y

    if estimator.method != "nef":
        msg = (
            f'{name}.method must be "nef", which can be solved for at every move of a '
            f"slider; got {estimator.method!r}."
        )
        raise ValueError(msg)
    estimator.check_parameters()
    return check_X_y(X, y, dtype=float)


@lru_cache
def _asset(name):
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
