"""Simulate a spiking conv net event by event: a silent neuron costs nothing downstream.

NengoDL multiplies whole matrices at every step, although few neurons spike. Here each
spike adds its weights to the layer after it, and the network's constant input is turned
into a current once. Where many neurons spike in one step, multiplying is faster, and is
what happens for that step. Nothing recurs, so a layer runs through many steps before
the next one begins, and its state stays in the processor's cache. Spikes are NengoDL's
but for rounding at the threshold.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from snnlib.architectures import Conv, Pool, parse_architecture

# Spikes listed at a time for a layer; a longer presentation is run in parts.
_MAX_LISTED = 4_000_000
# Images handed to a thread at a time.
_IMAGES_AT_A_TIME = 4
# The share of its neurons that has to spike in a step, after the pool, before it is
# faster to multiply matrices than to add up spikes. Measured with the paper's network.
_CROWDED = 0.1


class Stage(NamedTuple):
    """One population of LIF neurons, or the read-out, and the weights that feed it.

    A neuron of the population before, or a pixel, has a position and a channel. Its
    spike adds the channel's weights in stretches, each to neurons that stand in a row.
    """

    weights: np.ndarray
    """Shape (channels before, weights of a channel), in the order they are added in."""
    scale: np.floating
    """What a weight of 1 adds to the current J, or to the output."""
    current: np.ndarray
    """The current, or the output, without spikes, for one row of positions."""
    reach: np.ndarray
    """For each position before it, shape (positions, 5); see ``_reach``."""
    steps: tuple
    """From one stretch to the next: neurons, weights."""
    shape: tuple
    """Rows, columns and channels of the population."""
    places: np.ndarray
    """A position before it for each place after the pool, row by row."""


class Neuron(NamedTuple):
    """What the neurons of a population share, and how signals pass between them."""

    share: np.floating
    """Of the way from J to the voltage, what a step of ``dt`` adds; negative."""
    tau_rc: np.floating
    tau_ref: np.floating
    dt: np.floating
    floor: np.floating
    """The voltage does not fall below it."""
    is_filtered: bool
    """Whether a synapse stands between layers."""
    keep: np.floating
    """What this synapse keeps of its output in a step; 0 if there is none."""


class State(NamedTuple):
    """What a population carries from step to step, and the spikes it hands on."""

    signal: np.ndarray
    """Sum of the weights of what each neuron receives."""
    voltage: np.ndarray
    fires: np.ndarray
    """Whether each neuron is above the threshold, eight flags to a word."""
    waiting: np.ndarray
    """The neurons in their refractory period; the first ``n_waiting`` entries."""
    left: np.ndarray
    """How long each of them has to wait, from the start of the step."""
    n_waiting: np.ndarray
    listed: np.ndarray
    """Neurons that spiked, step by step."""
    ends: np.ndarray
    """How many are listed by the end of each step."""
    crowd: np.ndarray
    """Spikes of each place and channel before it, where they are multiplied."""
    product: np.ndarray
    """Their product with the weights, for one row of places."""


def compile_events(
    weights,
    architecture,
    image_shape,
    lifs,
    *,
    dt,
    layer_synapse=None,
    dtype=np.float32,
):
    """Turn a network's layers into stages, each with the average pool before it.

    Parameters
    ----------
    weights : list of ndarray
        Kernel and bias of each layer in turn, read-out last.
    architecture : str
        See `snnlib.parse_architecture`.
    image_shape : tuple of int
        Rows, columns and channels of an image.
    lifs : sequence of snnlib.neurons.Lif
        What the neurons of each population are set to.
    dt, layer_synapse
        As in `snnlib.SpikingConvClassifier`.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Precision of every number. NengoDL's is float32.

    Returns
    -------
    stages : list of Stage
        One for each population, and the read-out.
    neurons : list of Neuron
        One for each population.
    """
    keep = 0.0 if layer_synapse is None else np.exp(-dt / layer_synapse)
    neurons = []
    for lif in lifs:
        # At the precision of NengoDL's own expm1, for an error here adds up over steps.
        share = np.expm1(-dtype(dt) / dtype(lif.tau_rc))
        neurons.append(
            Neuron(
                *map(dtype, (share, lif.tau_rc, lif.tau_ref, dt, lif.min_voltage)),
                layer_synapse is not None,
                dtype(keep),
            )
        )
    # A pixel counts as it is; a spike has height amplitude / dt.
    height = 1.0
    pairs = zip(weights[::2], weights[1::2], strict=True)
    stages, shape, pool = [], tuple(image_shape), 1
    for layer in (*parse_architecture(architecture), None):
        if isinstance(layer, Pool):
            # Pools in a row are one pool of the product of their sizes.
            pool *= layer.size
            continue
        kernel, constant = (np.asarray(w, np.float64) for w in next(pairs))
        if not isinstance(layer, Conv):
            kernel = kernel.reshape(shape[0] // pool, shape[1] // pool, shape[2], -1)
        # J = gain x + bias, but for the read-out, which has no neurons.
        slope, offset = 1.0, 0.0
        if layer is not None:
            lif = lifs[len(stages)]
            slope, offset = (values[0] for values in lif.gain_bias())
        stages.append(
            _make_stage(
                kernel.astype(dtype),
                dtype(slope * height / pool**2),
                (slope * constant + offset).astype(dtype),
                layer.strides if isinstance(layer, Conv) else 1,
                pool,
                shape,
            )
        )
        height = (1 - keep) * lif.amplitude / dt
        shape, pool = stages[-1].shape, 1
    return stages, neurons


def _make_stage(kernel, scale, current, strides, pool, source):
    """Lay a convolution out so that a spike's weights stand in stretches."""
    n_rows, n_columns, n_before, n_channels = kernel.shape
    rows, row_taps = _spans(source[0] // pool, n_rows, strides)
    columns, column_taps = _spans(source[1] // pool, n_columns, strides)
    shape = (
        (source[0] // pool - n_rows) // strides + 1,
        (source[1] // pool - n_columns) // strides + 1,
        n_channels,
    )
    kernel = kernel[row_taps][:, column_taps].transpose(2, 0, 1, 3)
    return Stage(
        np.ascontiguousarray(kernel.reshape(n_before, -1)),
        scale,
        np.tile(current, shape[1]),
        _reach(rows, columns, n_columns, shape, pool, source),
        (shape[1] * n_channels, n_columns * n_channels),
        shape,
        np.arange(source[0] * source[1], dtype=np.int32)
        .reshape(source[:2])[: source[0] // pool * pool : pool][
            :, : source[1] // pool * pool : pool
        ]
        .copy(),
    )


def _spans(n_inputs, size, strides):
    """Return which outputs each input reaches along one axis, and the order of taps."""
    # A row for each input: its first output, the tap that leads there, and how many
    # outputs follow. In the order returned, outputs in a row have taps in a row.
    # Input p reaches output q by tap p - strides q: later outputs have earlier taps.
    taps = [i for s in range(strides) for i in reversed(range(s, size, strides))]
    n_outputs = (n_inputs - size) // strides + 1
    spans = np.zeros((n_inputs, 3), np.int32)
    for p in range(n_inputs):
        first = max(0, -((size - 1 - p) // strides))
        last = min(n_outputs - 1, p // strides)
        if first <= last:
            spans[p] = first, taps.index(p - strides * first), last - first + 1
    return spans, taps


def _reach(rows, columns, n_columns, shape, pool, source):
    """Return what each position reaches, one row of five numbers for each."""
    # First neuron, first weight, stretches, their length, and the place after the
    # pool. A position that the pool leaves out has no stretch and no place.
    n_channels = shape[2]
    places = np.empty((len(rows), len(columns), 5), np.int32)
    places[..., 0] = (rows[:, :1] * shape[1] + columns[:, 0]) * n_channels
    places[..., 1] = (rows[:, 1:2] * n_columns + columns[:, 1]) * n_channels
    places[..., 2] = rows[:, 2:]
    places[..., 3] = columns[:, 2] * n_channels
    places[..., 4] = np.arange(len(rows) * len(columns)).reshape(len(rows), -1)
    reach = np.full((*source[:2], 5), (0, 0, 0, 0, -1), np.int32)
    pooled = places.repeat(pool, axis=0).repeat(pool, axis=1)
    reach[: pooled.shape[0], : pooled.shape[1]] = pooled
    return reach.reshape(-1, 5)


def simulate_events(stages, neurons, images, n_steps, voltages, *, keep_spikes=False):
    """Show images to a spiking conv net, adding up one spike at a time.

    All processors share the images; memory does not grow with their number or with
    ``n_steps``, but for what is returned. It filters no output: see `snnlib.lowpass`.

    Parameters
    ----------
    stages, neurons
        From `compile_events`.
    images : ndarray of shape (n_images, n_pixels)
        Each is shown as a constant input to a network that starts afresh.
    n_steps : int
        Number of steps of ``dt``.
    voltages : list of ndarray
        Membrane voltage of each population before the first step.
    keep_spikes : bool, default=False
        Whether to return every neuron's spikes: a byte for each neuron and step.

    Returns
    -------
    output : ndarray of shape (n_images, n_steps, n_outputs)
        Unfiltered read-out.
    spike_counts : int ndarray of shape (n_images, n_steps, n_populations)
        Spikes of each population.
    spikes : list of bool ndarray of shape (n_images, n_steps, *shape)
        Spikes of each neuron, one array for each population; empty unless asked for.
    """
    dtype = stages[0].weights.dtype
    *populations, read_out = stages
    images = np.ascontiguousarray(images, dtype)
    voltages = [np.ravel(voltage).astype(dtype) for voltage in voltages]
    output = np.empty((len(images), n_steps, len(read_out.current)), dtype)
    counts = np.empty((len(images), n_steps, len(populations)), int)
    spikes = [
        np.zeros((len(images), n_steps, *stage.shape), bool)
        for stage in populations
        if keep_spikes
    ]
    part = min(n_steps, max(1, _MAX_LISTED // max(map(len, voltages))))
    starts = range(0, n_steps, part)

    def show(first):
        states = [_new_state(stage, part) for stage in stages]
        for image in range(first, min(first + _IMAGES_AT_A_TIME, len(images))):
            for state, voltage in zip(states, [*voltages, 0], strict=True):
                state.signal[:], state.voltage[:], state.n_waiting[0] = 0, voltage, 0
            _add_image(populations[0], states[0], images[image])
            for steps in (slice(start, start + part) for start in starts):
                run(image, steps, states)

    def run(image, steps, states):
        shown = output[image, steps]
        listed, ends = np.empty(0, np.int32), np.zeros(len(shown), np.int32)
        # The image's signal is constant: nothing fades from it, and nothing is added.
        first = neurons[0]._replace(is_filtered=True, keep=dtype.type(1))
        passing = [first, *neurons[1:]]
        for n, (stage, state) in enumerate(zip(populations, states, strict=False)):
            _run_population(stage, passing[n], state, listed, ends)
            listed, ends = state.listed, state.ends[: len(shown)]
            counts[image, steps, n] = np.diff(ends, prepend=0)
            if keep_spikes:
                step = np.repeat(np.arange(len(shown)), counts[image, steps, n])
                flat = spikes[n][image, steps].reshape(len(shown), -1)
                flat[step, listed[: ends[-1]]] = True
        _run_read_out(read_out, neurons[-1], states[-1], listed, ends, shown)

    # A thread that multiplies shall not start others.
    with (
        threadpool_limits(1, "blas"),
        ThreadPoolExecutor(numba.config.NUMBA_NUM_THREADS) as pool,
    ):
        # The list waits for every thread, and raises what a thread raised.
        list(pool.map(show, range(0, len(images), _IMAGES_AT_A_TIME)))
    return output, counts, spikes


def _new_state(stage, n_steps):
    dtype, size = stage.weights.dtype, int(np.prod(stage.shape))
    return State(
        np.empty(size, dtype),
        np.empty(size, dtype),
        np.zeros(-(-size // 8), np.uint64),
        np.empty(size, np.int32),
        np.empty(size, dtype),
        np.zeros(1, np.int64),
        # One more, for a neuron is written down before it is known to spike.
        np.empty(size * n_steps + 1, np.int32),
        np.empty(n_steps, np.int32),
        np.empty((*stage.places.shape, len(stage.weights)), dtype),
        np.empty((stage.places.shape[1], stage.weights.shape[1]), dtype),
    )


def _compile(function, **options):
    """Compile a function at its first call, and keep it on disk where there is room."""
    # A division by zero gives infinity, as in NumPy, and needs no check.
    options = {"nogil": True, "error_model": "numpy", **options}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        # No folder can be written to, so each process compiles for itself.
        return numba.njit(**options)(function)


# What only compiled functions call needs no way in from Python, which takes longest.
_compile_inner = partial(_compile, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# A product may be rounded together with the sum it goes into.
_CONTRACT = {"contract"}
_compile_sums = partial(_compile_inner, fastmath=_CONTRACT)


@_compile
def _run_population(stage, neuron, state, spikes, ends):
    """Run LIF neurons through as many steps as there are ``ends``."""
    start = n_listed = 0
    for step in range(len(ends)):
        new = spikes[start : ends[step]]
        start = ends[step]
        if not neuron.is_filtered:
            _add_spikes(stage, new, state)
        n_listed = _step_neurons(stage, neuron, state, n_listed)
        state.ends[step] = n_listed
        _fade(neuron.keep, state.signal)
        # A synapse in Nengo passes its input on one step later.
        if neuron.is_filtered:
            _add_spikes(stage, new, state)


@_compile
def _run_read_out(stage, neuron, state, spikes, ends, output):
    """Sum up the spikes that reach the read-out in each step."""
    start, signal = 0, state.signal
    for step in range(len(ends)):
        new = spikes[start : ends[step]]
        start = ends[step]
        if not neuron.is_filtered:
            _add_spikes(stage, new, state)
        for i in range(len(signal)):
            output[step, i] = stage.current[i] + stage.scale * signal[i]
        _fade(neuron.keep, signal)
        if neuron.is_filtered:
            _add_spikes(stage, new, state)


@_compile_inner
def _step_neurons(stage, neuron, state, n_listed):
    """Advance LIF neurons by a step, list those that spike; return how many are."""
    signal, voltage, fires, waiting, left, n_waiting, listed = state[:7]
    one, zero = voltage.dtype.type(1), voltage.dtype.type(0)
    flags = fires.view(np.uint8)
    _leak(stage, neuron, signal, voltage, flags)

    n_still = 0
    for k in range(n_waiting[0]):
        i, rest = waiting[k], neuron.dt - left[k]
        # v moved from 0 for what the refractory period left of the step.
        v = zero
        if rest > zero:
            J = _current(stage, signal, i)
            v = max(-J * np.expm1(-rest / neuron.tau_rc), neuron.floor)
        voltage[i], flags[i] = v, v > one
        if rest < zero:
            waiting[n_still], left[n_still] = i, -rest
            n_still += 1

    first = n_listed
    for word in range(len(fires)):
        if fires[word]:
            for i in range(8 * word, 8 * word + 8):
                listed[n_listed] = i
                n_listed += int(flags[i])
    for i in listed[first:n_listed]:
        # The spike came where v crossed 1; the rest of the step is refractory.
        J = _current(stage, signal, i)
        since = -neuron.tau_rc * np.log1p((one - voltage[i]) / (J - one))
        voltage[i] = zero
        if since < neuron.tau_ref:
            waiting[n_still], left[n_still] = i, neuron.tau_ref - since
            n_still += 1
    n_waiting[0] = n_still
    return n_listed


@_compile_sums
def _current(stage, signal, i):
    """Return the input current J of a neuron."""
    return stage.current[i % len(stage.current)] + stage.scale * signal[i]


@_compile_sums
def _leak(stage, neuron, signal, voltage, flags):
    """Move every voltage as if no neuron waited, and flag those above 1."""
    one, share, floor = voltage.dtype.type(1), neuron.share, neuron.floor
    current, scale = stage.current, stage.scale
    # Row by row, for all rows share the current they have without spikes.
    for start in range(0, len(voltage), len(current)):
        row = slice(start, start + len(current))
        s, v, above = signal[row], voltage[row], flags[row]
        for i in range(len(current)):
            moved = v[i] + (v[i] - (current[i] + scale * s[i])) * share
            v[i] = max(moved, floor)
            above[i] = moved > one


@_compile_sums
def _fade(keep, signal):
    """Let the synapse between layers forget what it does not keep."""
    if keep == 0:
        signal[:] = 0
    elif keep != 1:
        for i in range(len(signal)):
            signal[i] *= keep


@_compile_sums
def _add_spikes(stage, spikes, state):
    """Add the spikes' weights to the signals of the neurons they reach."""
    if len(spikes) > _CROWDED * state.crowd.size:
        _add_crowd(stage, spikes, state)
    else:
        _add_each(stage, spikes, state.signal)


@_compile_sums
def _add_crowd(stage, spikes, state):
    """Multiply spikes and weights, a row of places at a time, and add the products."""
    channels = len(stage.weights)
    counts = state.crowd.reshape(-1)
    counts[:] = 0
    for spike in spikes:
        position = spike // channels
        place = stage.reach[position, 4]
        if place >= 0:
            counts[place * channels + spike - position * channels] += 1
    for row in range(len(stage.places)):
        np.dot(state.crowd[row], stage.weights, state.product)
        for column in range(len(state.product)):
            position = stage.places[row, column]
            weights = state.product[column]
            _add_one(stage, position, weights, weights.dtype.type(1), state.signal)


@_compile_sums
def _add_each(stage, spikes, signal):
    """Add each spike's weights, spike by spike."""
    channels, one = len(stage.weights), stage.weights.dtype.type(1)
    i = 0
    while i < len(spikes):
        position = spikes[i] // channels
        first = stage.weights[spikes[i] - position * channels]
        # Spikes of one place come one after the other. Four of them at a time read
        # and write the signal once.
        n_alike = 1
        while (
            n_alike < 4
            and i + n_alike < len(spikes)
            and stage.reach[spikes[i + n_alike] // channels, 4]
            == stage.reach[position, 4]
        ):
            n_alike += 1
        if n_alike == 4:
            _add_four(
                stage,
                position,
                first,
                stage.weights[spikes[i + 1] % channels],
                stage.weights[spikes[i + 2] % channels],
                stage.weights[spikes[i + 3] % channels],
                signal,
            )
            i += 4
        else:
            _add_one(stage, position, first, one, signal)
            i += 1


@_compile_sums
def _add_four(stage, position, first, second, third, fourth, signal):
    neuron, weight, n_stretches, length, _ = stage.reach[position]
    for _ in range(n_stretches):
        part = slice(weight, weight + length)
        to, a, b = signal[neuron : neuron + length], first[part], second[part]
        c, d = third[part], fourth[part]
        for k in range(length):
            to[k] += (a[k] + b[k]) + (c[k] + d[k])
        neuron += stage.steps[0]
        weight += stage.steps[1]


@partial(_compile, fastmath=_CONTRACT)
def _add_image(stage, state, image):
    """Add each pixel's weights, times its grey, to the signals it reaches."""
    channels = len(stage.weights)
    for i in range(len(image)):
        if image[i] != 0:
            weights = stage.weights[i % channels]
            _add_one(stage, i // channels, weights, image[i], state.signal)


@_compile_sums
def _add_one(stage, position, weights, height, signal):
    neuron, weight, n_stretches, length, _ = stage.reach[position]
    for _ in range(n_stretches):
        # Slices, for LLVM does not make vectors of indices that might be negative.
        to, added = signal[neuron : neuron + length], weights[weight : weight + length]
        for k in range(length):
            to[k] += height * added[k]
        neuron += stage.steps[0]
        weight += stage.steps[1]
