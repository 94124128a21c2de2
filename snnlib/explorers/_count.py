"""The spikes of one LIF neuron in a few steps, beside what its rate promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlib.checks import check_number, check_whole
from snnlib.explorers._description import STOPS, Panel, Readout, Series, View
from snnlib.explorers._explorer import Explorer, check_names, documented
from snnlib.explorers._lif import LIF
from snnlib.neurons import Lif
from snnlib.simulation import lif_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INPUTS = np.arange(-40, 241) / 200
# Their starting voltages share the range from 0 to 1 evenly.
SPREAD = (np.arange(16) + 0.5) / 16
_MOST_STEPS = 1000


class _CountExplorer(Explorer):
    """One neuron under every constant input for a few steps."""

    kind = "count"
    scripts = ("_count.js",)
    title = "A count under your hands"
    sentence = (
        "You are looking at the spikes that one LIF neuron fires in a few steps under "
        "constant inputs, as spikes per step, and below at how far they are from what "
        "its firing rate promises. Vermilion is the mean of sixteen neurons whose "
        "starting voltages share the range from 0 to 1 evenly."
    )
    default_question = (
        "Raise voltage, where the neuron starts, from 0 to 0.9. Is there a start at "
        "which the staircase keeps to the rate? And what do sixteen starts do together?"
    )
    default_answer = (
        "No single start keeps to it: a low one says too little, a high one too much, "
        "and each is right only where it crosses the line. The mean of sixteen that "
        "share the range stays near the line, with few steps as with many. It says too "
        "much only where a neuron has just begun to fire."
    )
    default_sliders = ("steps", "voltage")
    default_presets: ClassVar = {
        "lockstep": {"voltage": 0.0},
        "half a threshold": {"voltage": 0.5},
        "thirty steps": {"steps": 30},
        "a period of two steps": {"tau_ref": 0.002},
    }
    default_guess = ({"voltage": 0.9}, "count")
    panels = (
        Panel(
            "counts",
            "Spikes per step",
            "input",
            "spikes per step",
            (
                Series("promised", "line", "target", "rate"),
                Series("many", "line", "baseline", "mean of sixteen starts"),
                Series("one", "line", "spiking", "one neuron"),
            ),
            "Spikes per step against input: a smooth curve for the rate, the staircase "
            "of one neuron, and the finer one of the mean of sixteen.",
            from_zero=True,
            x_limits=[-0.2, 1.2],
            y_limits=[0, 0.5],
        ),
        Panel(
            "errors",
            "Off what the rate promises",
            "input",
            "spikes",
            (
                Series("none", "level", "data", "as promised", dashed=True),
                Series("many", "line", "baseline", "mean of sixteen starts"),
                Series("one", "line", "spiking", "one neuron"),
            ),
            "Difference of the counts from what the rate promises, against input: a "
            "saw of up to one spike for one neuron, a flat line for the mean.",
            x_limits=[-0.2, 1.2],
            y_limits=[-1.1, 1.1],
        ),
    )
    readouts = (
        Readout("promised", "spikes by the rate", digits=2),
        Readout("count", "spikes of one neuron", digits=0, spoken=True),
        Readout("mean", "mean of sixteen starts", digits=2, spoken=True),
        Readout("worst", "largest error of one", "spikes", 2),
        Readout("worst_mean", "largest error of the mean", "spikes", 2),
    )

    def _checked(self, values):
        values = super()._checked(values)
        check_whole("steps", values["steps"], 1, _MOST_STEPS)
        values["voltage"] = check_number("voltage", values["voltage"], low=0, high=1)
        return values

    def _compute(self, *, steps, voltage, input, max_rate, intercept, **neuron):
        lif = Lif(max_rate, intercept, **neuron)
        gain, bias = (float(value[0]) for value in lif.gain_bias())
        dt = self.estimator.dt
        if not abs(gain * input + bias) <= 1e300:
            msg = f"input must lead to a current of at most 1e300; got {input:g}."
            raise ValueError(msg)

        def counts(inputs, starts):
            current = np.broadcast_to(gain * inputs + bias, (len(starts), len(inputs)))
            return lif_counts(
                current,
                steps,
                neuron_type=lif.neuron_type(),
                dt=dt,
                voltage=np.asarray(starts)[:, np.newaxis],
            ).mean(axis=0)

        inputs = np.append(INPUTS, input)
        promised = steps * dt * lif.rates(gain * inputs + bias)
        one, many = counts(inputs, [voltage]), counts(inputs, SPREAD)
        shown = slice(len(INPUTS))
        errors = {"one": one - promised, "many": many - promised}
        return View(
            {
                "counts.promised": (INPUTS, promised[shown] / steps),
                "counts.one": (INPUTS, one[shown] / steps),
                "counts.many": (INPUTS, many[shown] / steps),
                "errors.none": ([], [0.0]),
                "errors.one": (INPUTS, errors["one"][shown]),
                "errors.many": (INPUTS, errors["many"][shown]),
            },
            {
                "promised": promised[-1],
                "count": one[-1],
                "mean": many[-1],
                "worst": np.abs(errors["one"][shown]).max(),
                "worst_mean": np.abs(errors["many"][shown]).max(),
            },
        )


@documented
def count_explorer(
    *,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
    **start_values: float,
) -> Explorer:
    """Show how many spikes a LIF neuron fires in a few steps, with sliders.

    The neuron receives a constant input, in steps of 1 ms. Inputs that change are not
    shown, for which the count has no formula.

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
        Where sliders start: ``steps``, ``voltage`` (from 0 to 1, at the first step),
        ``input``, ``max_rate`` (Hz), ``intercept``, ``tau_rc`` (s), ``tau_ref`` (s).

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
    >>> view = count_explorer(steps=8).compute(input=1.0, voltage=0.9)
    >>> float(view.readouts["count"])
    2.0
    """
    start = {
        "steps": 5,
        "voltage": 0.0,
        "input": 0.5,
        "max_rate": 250.0,
        "intercept": 0.0,
        "tau_rc": 0.02,
        "tau_ref": 0.001,
    }
    check_names(start_values, start, "count_explorer")
    stops = {name: STOPS.get(name) for name in start}
    start |= start_values
    check_whole("steps", start["steps"], 1, _MOST_STEPS)
    own = {"steps": [*range(1, 31)], "voltage": [n / 20 for n in range(21)]}
    own["steps"] = sorted({*own["steps"], start["steps"]})
    return _CountExplorer(
        LIF(),
        stops | own,
        start,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
        labels={"steps": [f"{n}" for n in own["steps"]]},
    )
