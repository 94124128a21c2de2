"""Run spiking neurons: a whole batch at once, then filter and read out.

The batch takes the very steps that ``nengo.Simulator`` takes, so its spikes are the
same; it only takes them for all samples and all settings together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import nengo
import numpy as np
from nengo.builder import Model

from snnlib.checks import (
    check_bool,
    check_choice,
    check_finite,
    check_number,
    check_unmasked,
    check_whole,
    shown,
    warn_caller,
)
from snnlib.neurons import longest_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

READOUTS = ("mean", "last", "overall")

# The share of its spikes that a neuron may lose to long steps without a warning.
_LOST_IN_SILENCE = 0.05

# More steps are no simulation that would ever end.
_MOST_STEPS = 10**9


def lif_spikes(
    current: ArrayLike,
    n_steps: int,
    *,
    neuron_type: nengo.LIF | None = None,
    dt: float = 0.001,
    voltage: ArrayLike = 0.0,
) -> NDArray[np.bool_]:
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
        Length of a step in seconds. Where it is longer than ``tau_ref``, neurons fire
        less than their formula says: a step has room for one spike.
    voltage : array-like, default=0.0
        Membrane voltage before the first step, at most 1; broadcast against
        ``current``.

    Returns
    -------
    spikes : bool ndarray of shape (n_steps, *current.shape)
        Whether each neuron fired in each step. The output of a Nengo neuron is this
        times ``amplitude / dt``.

    Raises
    ------
    ValueError
        If a number is missing, not finite or out of range, ``neuron_type`` is another
        kind of neuron, or ``dt`` is longer than 36 of its ``tau_rc``.

    Examples
    --------
    >>> lif_spikes([0.9, 2.0, 5.0], n_steps=1000).sum(axis=0).tolist()
    [0, 63, 155]
    """
    current, n_steps, neuron_type, dt, voltage = _check_constant(
        current, n_steps, neuron_type, dt, voltage
    )
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


def lif_counts(
    current: ArrayLike,
    n_steps: int,
    *,
    neuron_type: nengo.LIF | None = None,
    dt: float = 0.001,
    voltage: ArrayLike = 0.0,
) -> NDArray[np.int64]:
    """Count the spikes of LIF neurons that each receive a constant current.

    The counts are those of `lif_spikes`, from a formula: no step is taken. A voltage
    that is higher at the start brings the first spike forward, and so up to one spike
    more. A current that changes is not for it.

    Parameters
    ----------
    current, n_steps, neuron_type, dt, voltage
        As in `lif_spikes`.

    Returns
    -------
    counts : int ndarray of the shape of ``current``
        Spikes of each neuron in ``n_steps`` steps, at most one a step.

    Raises
    ------
    ValueError
        As in `lif_spikes`.

    Notes
    -----
    The first spike comes ``tau_rc log((J - v) / (J - 1))`` after the start, and each
    of the others a refractory period and ``tau_rc log(J / (J - 1))`` after the one
    before. What is left of a step after a refractory period that ends within it is
    lost, as in Nengo: only with ``tau_ref`` below ``dt``.

    Examples
    --------
    >>> lif_counts([0.9, 2.0, 5.0], n_steps=1000).tolist()
    [0, 63, 155]
    >>> lif_counts([2.0, 2.0], n_steps=10, voltage=[0.0, 0.5]).tolist()
    [0, 1]
    """
    current, n_steps, neuron_type, dt, voltage = _check_constant(
        current, n_steps, neuron_type, dt, voltage
    )
    # All times in steps.
    tau_rc, tau_ref = neuron_type.tau_rc / dt, neuron_type.tau_ref / dt
    fires = current > 1
    excess = np.where(fires, current - 1, 1.0)
    first = tau_rc * np.log1p((1 - voltage) / excess)
    charging = tau_rc * np.log1p(1 / excess)
    # A voltage has to be above 1 at the end of a step: one that is 1 there fires in the
    # next.
    if tau_ref >= 1:
        counts = np.ceil((n_steps - first) / (tau_ref + charging))
    elif tau_ref == 0:
        # Every interval begins with a step, and so takes whole steps.
        counts = (n_steps - _end(first)) // _end(charging) + 1
    else:
        counts = _count_one_by_one(first, charging, tau_ref, n_steps)
    return np.where(fires, np.clip(counts, 0, n_steps), 0).astype(np.int64)


def _end(time):
    """Return when the step ends that a time lies in, in steps."""
    return np.floor(time) + 1


def _count_one_by_one(spike, charging, tau_ref, n_steps):
    """Count the spikes from the first on, where a step may outlast ``tau_ref``."""
    counts = np.zeros(spike.shape)
    while (in_time := spike < n_steps).any():
        counts += in_time
        spike = np.maximum(_end(spike), spike + tau_ref) + charging
    return counts


def _check_constant(current, n_steps, neuron_type, dt, voltage):
    """Return what neurons with constant currents are given, or refuse it."""
    neuron_type = nengo.LIF() if neuron_type is None else neuron_type
    if type(neuron_type) is not nengo.LIF:
        msg = f"neuron_type must be a nengo.LIF or None; got {shown(neuron_type)}."
        raise ValueError(msg)
    current = check_finite("current", current)
    n_steps = check_whole("n_steps", n_steps, 0, _MOST_STEPS)
    dt = check_number("dt", dt, above=0)
    if dt > longest_step(neuron_type.tau_rc):
        msg = (
            f"dt must be at most {longest_step(neuron_type.tau_rc):.3g} s at tau_rc="
            f"{neuron_type.tau_rc} s, or rounding leaves no time of a spike; got {dt}."
        )
        raise ValueError(msg)
    voltage = _check_voltage(voltage, neuron_type.min_voltage, current.shape)
    return current, n_steps, neuron_type, dt, voltage


def _check_voltage(voltage, lowest, shape):
    """Return voltages below the threshold, of a shape that fits the currents'."""
    voltage = check_finite("voltage", voltage)
    if voltage.size and not (voltage.min() >= lowest and voltage.max() <= 1):
        msg = (
            f"voltage must be from {lowest:g} to 1, the threshold; got values from "
            f"{voltage.min():g} to {voltage.max():g}."
        )
        raise ValueError(msg)
    try:
        return np.broadcast_to(voltage, shape)
    except ValueError as error:
        msg = (
            f"voltage must have the shape of current, {shape}, or go with it; "
            f"got {voltage.shape}."
        )
        raise ValueError(msg) from error


def lowpass(
    signal: ArrayLike, synapse: float | None, *, dt: float = 0.001, axis: int = 0
) -> NDArray[np.float64]:
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

    Raises
    ------
    ValueError
        If ``signal`` holds no real numbers or has no such axis, or a time is not
        finite or negative.

    Examples
    --------
    >>> lowpass([1.0] * 31, synapse=0.1)[30].round(3).item()
    0.259
    """
    signal = check_signal("signal", signal)
    axis = check_whole("axis", axis, -signal.ndim, signal.ndim - 1)
    synapse = check_number("synapse", synapse, low=0, is_optional=True)
    dt = check_number("dt", dt, above=0)
    signal = signal.astype(float, copy=False)
    if not synapse:
        return signal
    from scipy.signal import lfilter

    # y[t] = a y[t-1] + (1 - a) u[t-1], exact for an input held over each step.
    keep = math.exp(-dt / synapse)
    return lfilter([0, 1 - keep], [1, -keep], signal, axis=axis)


def check_signal(name, signal, shape=None):
    """Return a signal as an array; NaN and infinity may pass through a filter.

    Parameters
    ----------
    name : str
        What to call it in the message.
    signal : object
        What came.
    shape : tuple of int or None, default=None
        Its axes, with -1 for any size; None is any shape with an axis or more.

    Returns
    -------
    signal : ndarray

    Raises
    ------
    ValueError
        If it holds no real numbers, or has another shape.
    """
    check_unmasked(name, signal)
    try:
        signal = np.asarray(signal)
    except ValueError:
        # Ragged.
        signal = np.empty(0, object)
    if signal.dtype.kind not in "buif" or signal.ndim == 0:
        msg = (
            f"{name} must be an array of real numbers with an axis of time; got dtype "
            f"{signal.dtype} and shape {signal.shape}."
        )
        raise ValueError(msg)
    if shape is not None and (
        signal.ndim != len(shape)
        or any(
            n not in (-1, found) for n, found in zip(shape, signal.shape, strict=True)
        )
    ):
        msg = f"{name} must have shape {shape}, -1 for any; got {signal.shape}."
        raise ValueError(msg)
    return signal


def settled_fraction(synapse: float | None, presentation_time: float) -> float:
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

    Raises
    ------
    ValueError
        If a time is negative or no finite number.

    Examples
    --------
    >>> round(settled_fraction(0.1, 0.03), 3)
    0.259
    """
    synapse = check_number("synapse", synapse, low=0, is_optional=True)
    presentation_time = check_number("presentation_time", presentation_time, low=0)
    if not synapse:
        return 1.0
    return -math.expm1(-presentation_time / synapse)


def read_out(
    signal: ArrayLike,
    readout: Literal["mean", "last", "overall"] = "mean",
    *,
    axis: int = 0,
) -> NDArray[Any]:
    """Turn an output over time into one value per sample.

    Parameters
    ----------
    signal : array-like
        Output, with time along ``axis``.
    readout : {"mean", "last", "overall"}, default="mean"
        "last" takes the last step. "mean" averages the second half of the
        presentation; the first half lets the synapse settle. "overall" averages all
        steps, for an output without a synapse and few steps to spare.
    axis : int, default=0
        Axis of time.

    Returns
    -------
    value : ndarray
        ``signal`` without the time axis.

    Raises
    ------
    ValueError
        If there is no such read-out or axis, or no step to read.
    """
    check_choice("readout", readout, READOUTS)
    signal = check_signal("signal", signal)
    axis = check_whole("axis", axis, -signal.ndim, signal.ndim - 1)
    signal = np.moveaxis(signal, axis, 0)
    if not len(signal):
        msg = f"signal must hold a step or more to read out; got shape {signal.shape}."
        raise ValueError(msg)
    if readout == "last":
        return signal[-1]
    return signal[first_read(readout, len(signal)) :].mean(axis=0)


def first_read(readout, n_steps):
    """Return the first of the steps that a read-out averages.

    Parameters
    ----------
    readout : {"mean", "last", "overall"}
        How to read an output.
    n_steps : int
        How many steps it has.

    Returns
    -------
    step : int
    """
    return {"mean": n_steps // 2, "last": n_steps - 1, "overall": 0}[readout]


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

    Raises
    ------
    ValueError
        If it is less than one or more than a thousand million.
    """
    presentation_time = check_number("presentation_time", presentation_time, above=0)
    dt = check_number("dt", dt, above=0)
    # Compared before it is rounded, for a quotient may be infinite.
    n_steps = presentation_time / dt
    if not 0.5 < n_steps <= _MOST_STEPS:
        msg = (
            f"presentation_time must be at least one step of dt={dt} s and at most "
            f"1e9 of them; got {presentation_time}."
        )
        raise ValueError(msg)
    return round(n_steps)


def warn_of_settings(lif, *, dt, synapse, presentation_time, owner):
    """Warn of an output that stays behind, and of spikes that steps leave out.

    Parameters
    ----------
    lif : snnlib.neurons.Lif
        The neuron.
    dt : float
        Length of a step in seconds.
    synapse : float or None
        Low-pass time constant of the output in seconds.
    presentation_time : float
        How long an input is shown, in seconds.
    owner : str
        Name of the class to name in the message.
    """
    if synapse is not None and synapse > presentation_time:
        fraction = settled_fraction(synapse, presentation_time)
        warn_caller(
            f"{owner}: synapse={synapse} s is longer than presentation_time="
            f"{presentation_time} s, so the output settles to only {fraction:.0%} of "
            "its final value."
        )
    lost = lif.lost_time(dt)
    if lost > _LOST_IN_SILENCE:
        warn_caller(
            f"{owner}: dt={dt} s is longer than tau_ref={lif.tau_ref} s, and a step "
            f"has room for one spike: near max_rate={lif.max_rate} Hz, up to "
            f"{min(lost, 1):.0%} of a neuron's spikes are left out."
        )


def simulate(
    network: nengo.Network,
    x: ArrayLike,
    presentation_time: float,
    *,
    dt: float = 0.001,
    progress_bar: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Show inputs to a network one after the other, each to a fresh simulator.

    It runs ``nengo.Simulator`` and is the slow, second route to what the estimators
    compute for a whole batch. It does not run NengoDL layers.

    Parameters
    ----------
    network : nengo.Network
        A network with an ``input`` Node and labelled probes. One without a seed is
        drawn once for all inputs, and anew by every call.
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

    Raises
    ------
    ValueError
        If the network has no input, or ``x`` or a time does not fit.
    """
    n_steps = step_count(presentation_time, dt)
    progress_bar = check_bool("progress_bar", progress_bar)
    samples = np.atleast_2d(check_finite("x", x))
    if not isinstance(getattr(network, "input", None), nengo.Node):
        got = shown(network)
        msg = f"network must be a nengo.Network with a Node `input`; got {got}."
        raise ValueError(msg)
    if samples.shape[1:] != (network.input.size_out,) or not len(samples):
        msg = (
            f"x must have shape (n_samples, {network.input.size_out}), with a sample "
            f"or more; got {np.shape(x)}."
        )
        raise ValueError(msg)
    recorded: dict[str, list] = {probe.label: [] for probe in network.all_probes}
    # All samples are shown to one and the same network, also where it has no seed.
    seed = network.seed
    if seed is None:
        seed = int(np.random.default_rng().integers(2**31 - 1))
    shown_before = network.input.output
    # Nengo's builder draws from NumPy's global generator, whatever the seed.
    state = np.random.get_state()  # noqa: NPY002
    try:
        for sample in samples:
            network.input.output = sample
            # A model of its own goes without Nengo's cache of decoders, which warns
            # when two processes meet in it; no decoders are solved for here.
            model = Model(dt=float(dt))
            model.seeds[network] = seed
            with nengo.Simulator(
                network, model=model, seed=seed + 1, progress_bar=progress_bar
            ) as sim:
                sim.run_steps(n_steps)
            for probe in network.all_probes:
                recorded[probe.label].append(sim.data[probe])
    finally:
        network.input.output = shown_before
        np.random.set_state(state)  # noqa: NPY002
    return {label: np.stack(values) for label, values in recorded.items()}
