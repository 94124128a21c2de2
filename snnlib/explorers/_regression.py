"""A spiking regressor over its training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlib.checks import check_finite
from snnlib.estimators import SpikingRegressor
from snnlib.explorers._description import Panel, Readout, Series, View, make_limits
from snnlib.explorers._ensemble import (
    EnsembleExplorer,
    as_numbers,
    check_rows,
    own_copy,
)
from snnlib.explorers._explorer import check_text, documented
from snnlib.metrics import mspe
from snnlib.simulation import lowpass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from snnlib.explorers._explorer import Explorer


class _RegressionExplorer(EnsembleExplorer):
    """A regressor of one feature over its training rows."""

    kind = "regression"
    scripts = ("_ensemble.js", "_regression.js")
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
    default_sliders = ("readout", "synapse", "presentation_time", "max_rate", "tau_rc")
    default_presets: ClassVar = {
        "last step, quick synapse": {"readout": "last", "synapse": 0.001},
        "slow synapse": {"synapse": 1.0},
        "slow membrane": {"tau_rc": 0.25},
    }
    default_guess = ({"readout": "last", "synapse": 0.001}, "mspe")
    readouts = (
        Readout("mspe", "MSPE of the neuron", "%", 2, spoken=True),
        Readout("mspe_line", "MSPE of least squares", "%", 2),
        Readout("prediction", "prediction for the chosen row", digits=4, spoken=True),
        Readout("target", "its target", digits=4),
        Readout("spikes", "its spikes", digits=0, spoken=True),
    )

    def __init__(self, regressor, X, y, x_label, y_label, **texts):
        order = np.argsort(X[:, 0], kind="stable")
        labels = [f"{value:g}" for value in X[order, 0]]
        # First of all, for it refuses what cannot be fitted.
        super().__init__(regressor, X[order], y[order], labels, **texts)
        x = X[:, 0]
        self.grid = np.linspace(x.min(), x.max(), 61)[:, np.newaxis]
        self.line = np.polyfit(x, y, 1)
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
                x_limits=make_limits(x, 0.05),
                y_limits=make_limits(y, 0.15),
            ),
            Panel(
                "output",
                "Output for the chosen row",
                "time (s)",
                y_label,
                (
                    Series("filtered", "line", "spiking", "filtered output"),
                    Series("target", "level", "target", "target", dashed=True),
                ),
                "Filtered, decoded output over the presentation of the chosen row, "
                "with its target.",
                **self._output_limits(y),
            ),
        )

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


@documented
def regression_explorer(
    regressor: SpikingRegressor,
    X: ArrayLike,
    y: ArrayLike,
    *,
    x_label: str = "x",
    y_label: str = "y",
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
) -> Explorer:
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
        {texts}
    sliders : sequence of str or None, default=None
        {sliders}
    presets : mapping or None, default=None
        {presets}
    guess : tuple of mapping and str, or None, default=None
        {guess}

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    ValueError
        If the regressor is none or learns by gradient, X has more than one feature, a
        value is missing, a target is zero, or a name is no text.
    """
    regressor = own_copy("regressor", regressor, SpikingRegressor)
    check_text("x_label", x_label)
    check_text("y_label", y_label)
    X, y = check_rows(X, y)
    if X.shape[1] != 1:
        msg = f"X must hold one feature to draw the fit over; got {X.shape[1]}."
        raise ValueError(msg)
    y = check_finite("y", as_numbers(y))
    # MSPE divides by them, and squares the quotient.
    if (np.abs(y) <= 1e-150 * np.abs(y).max()).any():
        msg = (
            "y must hold no zero, nor what is nothing beside its largest value, for "
            f"MSPE divides by it; got {np.abs(y).min():g}."
        )
        raise ValueError(msg)
    return _RegressionExplorer(
        regressor,
        X,
        y,
        x_label,
        y_label,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )
