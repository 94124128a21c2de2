"""One LIF neuron under a constant input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlib.estimators import SpikingRegressor
from snnlib.explorers._description import STOPS, Panel, Readout, Series, View
from snnlib.explorers._explorer import Explorer, check_names, documented
from snnlib.networks import ensemble_network
from snnlib.neurons import Lif
from snnlib.simulation import read_out, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class LIF(SpikingRegressor):
    """A neuron that is checked as the estimators' are, and blamed by its own name."""


class _LifExplorer(Explorer):
    """One neuron under a constant input for a second."""

    kind = "lif"
    scripts = ("_lif.js",)
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
    default_sliders = ("max_rate", "tau_rc")
    default_presets: ClassVar = {
        "slow membrane": {"tau_rc": 0.25},
        "quick synapse": {"synapse": 0.005},
        "slow synapse": {"synapse": 1.0},
        "silent below 0": {"intercept": 0.0},
    }
    default_guess = ({"tau_rc": 0.25}, "rate")
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
            x_limits=[-1, 1.5],
        ),
        Panel(
            "voltage",
            "Voltage and spikes",
            "time (s)",
            "voltage",
            (
                Series("trace", "line", "spiking", "voltage"),
                Series("threshold", "level", "data", "threshold", dashed=True),
                Series("spikes", "ticks", "spiking", "spikes"),
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
            "amplitude x rate",
            (
                Series("filtered", "line", "spiking", "filtered spikes"),
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

    # Level and ripple are rates, in Hz, where a spike counts 1.
    _levels = ("target", "mean", "last", "ripple")

    def __init__(self, *args, **shown):
        super().__init__(*args, **shown)
        rate, level = self._largest()
        heights = {"curve": rate, "output": level}
        self.panels = tuple(
            panel._replace(y_limits=[0.0, 1.06 * heights[panel.name]])
            if panel.name in heights
            else panel
            for panel in self.panels
        )

    def _largest(self):
        """Return the largest rate and level that the question's sliders lead to."""
        moved = {c.name: c.values for c in self.controls if c.name in self.sliders}
        states = [self.start | {n: v} for n, vs in moved.items() for v in vs]
        rates, levels = zip(
            *(_heights(**state) for state in (self.start, *states)), strict=True
        )
        spike = self.start["amplitude"] / max(self.start["synapse"] or 0, LIF().dt)
        # A silent neuron promises nothing to be compared with.
        level = levels[0] or self.start["amplitude"] * self.start["max_rate"]
        # Beside a level a thousand times its size, that of the start would be nothing.
        return max(rates), min(max(levels), 4 * level) + min(spike, 2 * level)

    def _compute(self, *, synapse, input, max_rate, intercept, **neuron):
        lif = Lif(max_rate, intercept, **neuron)
        dt = self.estimator.dt
        gain, bias = lif.gain_bias()
        current = float(gain[0]) * input + float(bias[0])
        if not max(abs(current), lif.amplitude / dt) <= 1e300:
            msg = (
                "input and amplitude must lead to a current and to spikes of at most "
                f"1e300; got {input:g} and {lif.amplitude:g}."
            )
            raise ValueError(msg)
        network = ensemble_network(
            [[1.0]], [[1.0]], gain=gain, bias=bias, synapse=synapse, **neuron
        )
        recorded = simulate(network, [[input]], 1.0, dt=dt)
        spikes = recorded["spikes"][0, :, 0] > 0
        voltage = recorded["voltage"][0, :, 0]
        output = recorded["output"][0, :, 0]
        time = np.arange(1, len(output) + 1) * dt
        inputs = np.arange(-50, 76) / 50
        rate = float(lif.rates([current])[0])
        shown = time <= 0.2
        second_half = output[len(output) // 2 :]
        return View(
            {
                "curve.formula": (inputs, lif.rates(gain * inputs + bias)),
                "curve.measured": ([input], [spikes.sum()]),
                "voltage.trace": (time[shown], voltage[shown]),
                "voltage.threshold": ([], [1.0]),
                "voltage.spikes": (time[shown & spikes], []),
                "output.filtered": (time, output),
                "output.target": ([], [lif.amplitude * rate]),
            },
            {
                "gain": gain[0],
                "bias": bias[0],
                "current": current,
                "rate": rate,
                "spikes": spikes.sum(),
                "target": lif.amplitude * rate,
                "mean": read_out(output, "mean"),
                "last": read_out(output, "last"),
                "ripple": second_half.max() - second_half.min(),
            },
            {} if lif.amplitude == 1 else dict.fromkeys(self._levels, ""),
        )


def _heights(*, input, synapse, max_rate, intercept, **neuron):  # noqa: ARG001
    """Return the rate at the right end of the curve and the level at the input."""
    lif = Lif(max_rate, intercept, **neuron)
    if max_rate * neuron["tau_ref"] >= 1:
        return 0.0, 0.0
    gain, bias = lif.gain_bias()
    rates = lif.rates(gain * np.clip([1.5, input], -1e9, 1e9) + bias)
    return float(rates[0]), float(lif.amplitude * rates[1])


@documented
def lif_explorer(
    *,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
    **start_values: float,
) -> Explorer:
    """Show one LIF neuron with sliders for its parameters.

    The neuron receives a constant input for one second, from a voltage of 0, in steps
    of 1 ms. It does not learn and is connected to nothing.

    Parameters
    ----------
    question, answer : str or None, default=None
        {texts}
    sliders : sequence of str or None, default=None
        {sliders}
    presets : mapping or None, default=None
        {presets}
    guess : tuple of mapping and str, or None, default=None
        {guess}
    **start_values
        Where sliders start: ``max_rate`` (Hz), ``intercept``, ``tau_rc`` (s),
        ``tau_ref`` (s), ``amplitude``, ``synapse`` (s or None), ``input``.

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    TypeError
        If there is no slider of that name.
    ValueError
        If a start value is out of range, no neuron can meet them together, or question
        or answer is no text.

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
    check_names(start_values, start, "lif_explorer")
    stops = {name: STOPS[name] for name in start}
    return _LifExplorer(
        LIF(),
        stops,
        start | start_values,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )
