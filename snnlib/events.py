"""Simulate a spiking conv net event by event: a silent neuron costs nothing downstream.

NengoDL multiplies whole matrices at every step, although few neurons spike. Here each
spike adds one row of weights to the layer after it, and the network's constant input
is turned into a current once. Spikes are NengoDL's but for rounding at the threshold.
"""

from typing import NamedTuple

import numba
import numpy as np

from snnlib.networks import Conv, Dense, Pool, parse_architecture


class Stage(NamedTuple):
    """One population of LIF neurons, or the read-out, and the weights that feed it."""

    kernel: np.ndarray
    """float32, shape (rows, columns, channels in, channels out)."""
    bias: np.ndarray
    strides: int
    pool: int
    """Size of the average pool between the neurons before and this kernel."""
    shape: tuple
    """Rows, columns and channels of the population."""


def conv_stages(weights, architecture, image_shape):
    """Turn layers into stages: each convolution or read-out with the pool before it.

    Parameters
    ----------
    weights : list of ndarray
        Kernel and bias of each layer in turn, read-out last.
    architecture : str
        See `snnlib.parse_architecture`.
    image_shape : tuple of int
        Rows, columns and channels of an image.

    Returns
    -------
    stages : list of Stage
        One for each population, and the read-out.
    """
    pairs = zip(weights[::2], weights[1::2], strict=True)
    stages, shape, pool = [], tuple(image_shape), 1
    read_out = Dense(len(weights[-1]))
    for layer in (*parse_architecture(architecture), read_out):
        if isinstance(layer, Pool):
            # Pools in a row are one pool of the product of their sizes.
            pool *= layer.size
            continue
        kernel, bias = (np.asarray(w, np.float32) for w in next(pairs))
        rows, columns = shape[0] // pool, shape[1] // pool
        if isinstance(layer, Dense):
            kernel = kernel.reshape(rows, columns, shape[2], -1)
        strides = layer.strides if isinstance(layer, Conv) else 1
        size = kernel.shape
        shape = (
            (rows - size[0]) // strides + 1,
            (columns - size[1]) // strides + 1,
            size[3],
        )
        stages.append(Stage(np.ascontiguousarray(kernel), bias, strides, pool, shape))
        pool = 1
    return stages


def simulate_events(
    stages,
    images,
    n_steps,
    *,
    max_rate,
    intercept,
    tau_rc,
    tau_ref,
    amplitude,
    dt,
    voltages,
):
    """Show images to a spiking conv net, adding up one spike at a time.

    Both cores share the images; memory does not grow with their number, but for what
    is returned. It filters nothing: see `snnlib.lowpass`.

    Parameters
    ----------
    stages : list of Stage
        From `conv_stages`.
    images : float32 ndarray of shape (n_images, rows, columns, channels)
        Each is shown as a constant input to a network that starts afresh.
    n_steps : int
        Number of steps of ``dt``.
    max_rate, intercept, tau_rc, tau_ref, amplitude, dt : float
        As in `snnlib.SpikingConvClassifier`.
    voltages : list of ndarray
        Membrane voltage of each population before the first step.

    Returns
    -------
    output : float32 ndarray of shape (n_images, n_steps, n_outputs)
        Unfiltered read-out.
    spike_counts : int ndarray of shape (n_images, n_steps, n_populations)
        Spikes of each population.
    """
    import nengo

    gain, bias = nengo.LIF(tau_rc=tau_rc, tau_ref=tau_ref).gain_bias(
        [max_rate], [intercept]
    )
    geometry = np.array(
        [(*s.kernel.shape, s.strides, s.pool, *s.shape) for s in stages], np.int64
    )
    sizes = np.array([np.prod(s.shape) for s in stages[:-1]], np.int64)
    output = np.empty((len(images), n_steps, stages[-1].shape[2]), np.float32)
    counts = np.empty((len(images), n_steps, len(sizes)), np.int64)
    _simulate_images(
        np.ascontiguousarray(images, np.float32),
        np.concatenate([s.kernel.ravel() for s in stages]),
        np.concatenate([s.bias for s in stages]),
        geometry,
        np.concatenate([np.ravel(v) for v in voltages]).astype(np.float32),
        np.concatenate([[0], np.cumsum(sizes)]),
        np.array([gain[0], bias[0], tau_rc, tau_ref, dt, amplitude / dt], np.float32),
        numba.get_num_threads(),
        output,
        counts,
    )
    return output, counts


@numba.njit(cache=True, parallel=True)
def _simulate_images(
    images,
    kernels,
    biases,
    geometry,
    voltages,
    starts,
    neuron,
    n_threads,
    output,
    counts,
):
    for thread in numba.prange(n_threads):
        voltage = np.empty_like(voltages)
        refractory = np.empty_like(voltages)
        first = np.empty(starts[1], np.float32)
        current = np.empty((starts[1:] - starts[:-1]).max(), np.float32)
        spikes = np.empty(len(current), np.int64)
        for image in range(thread, len(images), n_threads):
            voltage[:] = voltages
            refractory[:] = 0
            _convolve(images[image], kernels, biases, geometry[0], first)
            for step in range(output.shape[1]):
                _simulate_step(
                    first,
                    kernels,
                    biases,
                    geometry,
                    voltage,
                    refractory,
                    starts,
                    neuron,
                    current,
                    spikes,
                    output[image, step],
                    counts[image, step],
                )


@numba.njit(cache=True)
def _simulate_step(
    first,
    kernels,
    biases,
    geometry,
    voltage,
    refractory,
    starts,
    neuron,
    current,
    spikes,
    output,
    counts,
):
    """Pass one step's spikes from the first population to the read-out."""
    kernel_start = geometry[0, :4].prod()
    bias_start = geometry[0, 3]
    signal = first
    for stage in range(1, len(geometry)):
        here = slice(starts[stage - 1], starts[stage])
        n_spikes = _step_neurons(
            signal, voltage[here], refractory[here], neuron, spikes
        )
        counts[stage - 1] = n_spikes
        shape = geometry[stage]
        kernel = kernels[kernel_start : kernel_start + shape[:4].prod()]
        bias = biases[bias_start : bias_start + shape[3]]
        signal = output if stage == len(geometry) - 1 else current[: shape[6:].prod()]
        for i in range(len(signal)):
            signal[i] = bias[i % len(bias)]
        before = geometry[stage - 1]
        for spike in spikes[:n_spikes]:
            _add_spike(spike, before[7], before[8], kernel, shape, neuron[5], signal)
        kernel_start += len(kernel)
        bias_start += len(bias)


@numba.njit(cache=True)
def _step_neurons(signal, voltage, refractory, neuron, spikes):
    """Advance LIF neurons by a step, list those that spike, and return how many."""
    gain, bias, tau_rc, tau_ref, dt, _ = neuron
    one, zero = np.float32(1), np.float32(0)
    decay = np.expm1(-dt / tau_rc)
    n_spikes = 0
    for i in range(len(voltage)):
        # v moves towards J for what the refractory period leaves of the step.
        left = refractory[i]
        share = decay if left <= zero else np.expm1(-max(dt - left, zero) / tau_rc)
        excess = gain * signal[i] + bias
        v = voltage[i] + (voltage[i] - excess) * share
        if v > one:
            # The spike came where v crossed 1; the rest of the step is refractory.
            since = -tau_rc * np.log1p((one - v) / (excess - one))
            refractory[i] = tau_ref - since
            voltage[i] = zero
            spikes[n_spikes] = i
            n_spikes += 1
        else:
            refractory[i] = left - dt
            voltage[i] = max(v, zero)
    return n_spikes


@numba.njit(cache=True, fastmath=True)
def _add_spike(spike, columns, channels, kernel, shape, height, signal):
    """Add one spike's row of weights to the signal of the next stage."""
    n_rows, n_columns, _, n_out, strides, pool, out_rows, out_columns = shape[:8]
    channel = spike % channels
    column = spike // channels % columns // pool
    row = spike // (channels * columns) // pool
    scale = height / np.float32(pool * pool)
    for i in range(n_rows):
        out_row, rest = divmod(row - i, strides)
        if rest or out_row < 0 or out_row >= out_rows:
            continue
        for j in range(n_columns):
            out_column, rest = divmod(column - j, strides)
            if rest or out_column < 0 or out_column >= out_columns:
                continue
            source = ((i * n_columns + j) * channels + channel) * n_out
            target = (out_row * out_columns + out_column) * n_out
            for k in range(n_out):
                signal[target + k] += scale * kernel[source + k]


@numba.njit(cache=True)
def _convolve(image, kernels, biases, shape, signal):
    """Turn an image into the constant signal of the first population."""
    n_rows, n_columns, channels, n_out, strides, pool, out_rows, out_columns = shape[:8]
    for position in range(out_rows * out_columns):
        row, column = divmod(position, out_columns)
        target = signal[position * n_out : (position + 1) * n_out]
        target[:] = biases[:n_out]
        for i in range(n_rows * n_columns * channels):
            top = (row * strides + i // (n_columns * channels)) * pool
            left = (column * strides + i // channels % n_columns) * pool
            square = image[top : top + pool, left : left + pool, i % channels]
            pixel = square.sum() / np.float32(pool * pool)
            if pixel != 0:
                target += pixel * kernels[i * n_out : (i + 1) * n_out]
