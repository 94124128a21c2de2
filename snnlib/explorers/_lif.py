"""One LIF neuron under a constant input."""

from __future__ import annotations

import numpy as np

from snnlib.estimators import SpikingRegressor
from snnlib.explorers._description import STOPS, Panel, Readout, Series, View
from snnlib.explorers._explorer import Explorer, check_names, documented
from snnlib.networks import ensemble_network
from snnlib.neurons import Lif
from snnlib.simulation import read_out, simulate


class LIF(SpikingRegressor):
    """A neuron that is checked as the estimators' are, and blamed by its own name."""


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
        )


@documented
def lif_explorer(
    *, question: str | None = None, answer: str | None = None, **start_values: float
) -> Explorer:
    """Show one LIF neuron with sliders for its parameters.

    The neuron receives a constant input for one second, from a voltage of 0, in steps
    of 1 ms. It does not learn and is connected to nothing.

    Parameters
    ----------
    question, answer : str or None, default=None
        {texts}
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
        LIF(), stops, start | start_values, question=question, answer=answer
    )
