"""Run spiking neurons: a whole batch at once, then filter and read out.

The batch takes the very steps that ``nengo.Simulator`` takes, so its spikes are the
same; it only takes them for all samples and all settings together.
"""

import math
import warnings

import nengo
import numpy as np
from nengo.builder import Model

READOUTS = ("mean", "last")


def lif_spikes(current, n_steps, *, neuron_type=None, dt=0.001, voltage=0.0):
    """Simulate LIF neurons that each receive a constant current.

    All neurons step together, whatever the shape of ``current``: samples, settings and
    neurons are just axes. It does not connect neurons to each other.

    Parameters
    ----------
    current : array-like of any shape
        Input current J of each neuron; a neuron fires where J > 1.
    n_steps : int
        Number of time steps.
    neuron_type : nengo.LIF or None, default=None
        Time constants and amplitude; None means ``nengo.LIF()``.
    dt : float, default=0.001
        Length of a step in seconds.
    voltage : array-like, default=0.0
        Membrane voltage before the first step, broadcast against ``current``.

    Returns
    -------
    spikes : bool ndarray of shape (n_steps, *current.shape)
        Whether each neuron fired in each step. The output of a Nengo neuron is this
        times ``amplitude / dt``.

    Examples
    --------
    >>> lif_spikes([0.9, 2.0, 5.0], n_steps=1000).sum(axis=0).tolist()
    [0, 63, 155]
    """
    neuron_type = nengo.LIF() if neuron_type is None else neuron_type
    current = np.asarray(current, dtype=float)
    # nengo.LIF.step selects with masks, which needs at least one axis.
    batch = np.atleast_1d(current)
    state = {
        "voltage": np.array(np.broadcast_to(voltage, batch.shape), dtype=float),
        "refractory_time": np.zeros(batch.shape),
    }
    output = np.zeros(batch.shape)
    spikes = np.empty((n_steps, *batch.shape), dtype=bool)
    for step in range(n_steps):
        neuron_type.step(dt, batch, output, **state)
        np.greater(output, 0, out=spikes[step])
    return spikes.reshape(n_steps, *current.shape)


def lowpass(signal, synapse, *, dt=0.001, axis=0):
    """Filter a signal by an exponential synapse that starts at rest.

    Like every synapse in Nengo it passes its input on one step later, so that the value
    at a step holds the inputs of all steps before it.

    Parameters
    ----------
    signal : array-like
        Input, with time along ``axis``.
    synapse : float or None
        Low-pass time constant in seconds; larger smooths more and responds later.
        None and 0 return the signal unfiltered and without delay.
    dt : float, default=0.001
        Length of a step in seconds.
    axis : int, default=0
        Axis of time.

    Returns
    -------
    filtered : ndarray of the shape of ``signal``

    Examples
    --------
    >>> lowpass([1.0] * 31, synapse=0.1)[30].round(3).item()
    0.259
    """
    signal = np.asarray(signal, dtype=float)
    if not synapse:
        return signal
    if not 0 < synapse < math.inf:
        msg = f"synapse must be a finite time from 0 s, or None; got {synapse}."
        raise ValueError(msg)
    from scipy.signal import lfilter

    # y[t] = a y[t-1] + (1 - a) u[t-1], exact for an input held over each step.
    keep = math.exp(-dt / synapse)
    return lfilter([0, 1 - keep], [1, -keep], signal, axis=axis)


def settled_fraction(synapse, presentation_time):
    """Return the share of a constant input that a low-pass shows after some time.

    Parameters
    ----------
    synapse : float or None
        Low-pass time constant in seconds; None is settled at once.
    presentation_time : float
        Time since the input began, in seconds.

    Returns
    -------
    fraction : float
        ``1 - exp(-presentation_time / synapse)``.

    Examples
    --------
    >>> round(settled_fraction(0.1, 0.03), 3)
    0.259
    """
    if not synapse:
        return 1.0
    return -math.expm1(-presentation_time / synapse)


def read_out(signal, readout="mean", *, axis=0):
    """Turn an output over time into one value per sample.

    Parameters
    ----------
    signal : array-like
        Output, with time along ``axis``.
    readout : {"mean", "last"}, default="mean"
        "last" takes the last step. "mean" averages the second half of the
        presentation; the first half lets the synapse settle.
    axis : int, default=0
        Axis of time.

    Returns
    -------
    value : ndarray
        ``signal`` without the time axis.
    """
    if readout not in READOUTS:
        msg = f"readout must be one of {sorted(READOUTS)}; got {readout!r}."
        raise ValueError(msg)
    signal = np.moveaxis(np.asarray(signal), axis, 0)
    if readout == "last":
        return signal[-1]
    return signal[len(signal) // 2 :].mean(axis=0)


def step_count(presentation_time, dt):
    """Return the number of steps in a presentation, refusing less than one.

    Parameters
    ----------
    presentation_time : float
        How long an input is shown, in seconds.
    dt : float
        Length of a step in seconds.

    Returns
    -------
    n_steps : int
    """
    n_steps = round(presentation_time / dt)
    if n_steps < 1:
        msg = (
            f"presentation_time must be at least one step of dt={dt} s; "
            f"got {presentation_time}."
        )
        raise ValueError(msg)
    return n_steps


def check_lif(*, max_rate, tau_ref, synapse, presentation_time, dt, owner="LIF"):
    """Refuse settings no LIF neuron can meet, and warn of a synapse that stays behind.

    Parameters
    ----------
    max_rate : float
        Firing rate at an input of 1, in Hz.
    tau_ref : float
        Refractory period in seconds.
    synapse : float or None
        Low-pass time constant in seconds.
    presentation_time : float
        How long an input is shown, in seconds.
    dt : float
        Length of a step in seconds.
    owner : str, default="LIF"
        Name of the class to blame in the message.

    Raises
    ------
    ValueError
        If ``max_rate`` is not below ``1 / tau_ref``, or the presentation is shorter
        than a step.
    """
    step_count(presentation_time, dt)
    if tau_ref > 0 and max_rate * tau_ref >= 1:
        msg = (
            f"The 'max_rate' parameter of {owner} must be below 1 / tau_ref = "
            f"{1 / tau_ref:g} Hz, the rate of a neuron that never waits. "
            f"Got {max_rate} instead."
        )
        raise ValueError(msg)
    if synapse is not None and synapse > presentation_time:
        fraction = settled_fraction(synapse, presentation_time)
        warnings.warn(
            f"{owner}: synapse={synapse} s is longer than presentation_time="
            f"{presentation_time} s, so the output settles to only {fraction:.0%} of "
            "its final value.",
            UserWarning,
            stacklevel=3,
        )


def simulate(network, x, presentation_time, *, dt=0.001, progress_bar=False):
    """Show inputs to a network one after the other, each to a fresh simulator.

    It runs ``nengo.Simulator`` and is the slow, second route to what the estimators
    compute for a whole batch. It does not run NengoDL layers.

    Parameters
    ----------
    network : nengo.Network
        A network with an ``input`` Node and labelled probes.
    x : array-like of shape (n_samples, n_features)
        Inputs, each held constant for ``presentation_time``.
    presentation_time : float
        How long each input is shown, in seconds.
    dt : float, default=0.001
        Length of a step in seconds.
    progress_bar : bool, default=False
        Whether Nengo shows its progress.

    Returns
    -------
    recorded : dict of str to ndarray of shape (n_samples, n_steps, size)
        What each probe recorded, by its label.
    """
    recorded = {probe.label: [] for probe in network.all_probes}
    shown_before = network.input.output
    try:
        for sample in np.atleast_2d(x):
            network.input.output = sample
            # A model of its own goes without Nengo's cache of decoders, which warns
            # when two processes meet in it; no decoders are solved for here.
            model = Model(dt=float(dt))
            with nengo.Simulator(
                network, dt=dt, model=model, progress_bar=progress_bar
            ) as sim:
                sim.run_steps(step_count(presentation_time, dt))
            for probe in network.all_probes:
                recorded[probe.label].append(sim.data[probe])
    finally:
        network.input.output = shown_before
    return {label: np.stack(values) for label, values in recorded.items()}
