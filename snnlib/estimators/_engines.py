"""Simulate a spiking conv net, spike by spike or by NengoDL's matrices."""

import weakref
from typing import NamedTuple

import nengo
import numpy as np
from numpy.typing import NDArray

from snnlib.estimators._training import (
    dl_simulator,
    new_dl_simulator,
    probes_by_label,
)
from snnlib.networks import draw_voltage


class ConvRun(NamedTuple):
    """What one simulation of a conv net leaves behind, before any output filter."""

    output: NDArray[np.float32]
    """Unfiltered read-out, shape (n_images, n_steps, n_classes)."""
    spike_counts: NDArray[np.int64]
    """Spikes in each layer of neurons, shape (n_images, n_steps, n_layers)."""


def run_events(
    weights,
    architecture,
    image_shape,
    lifs,
    images,
    *,
    dt,
    n_steps,
    layer_synapse,
    initial_voltage,
    seed,
    **options,
):
    """Show images to a conv net whose spikes are added up one by one.

    Parameters
    ----------
    weights, architecture, image_shape, lifs, dt, layer_synapse
        As in `snnlib.events.compile_events`.
    images : ndarray of shape (n_images, n_pixels)
        What to show.
    n_steps : int
        Number of steps of ``dt``.
    initial_voltage : {"zero", "uniform", "dither"}
        As in `SpikingConvClassifier`.
    seed : int
        Seed of the voltages.
    **options
        As in `snnlib.events.simulate_events`.

    Returns
    -------
    output, spike_counts, spikes
        As from `snnlib.events.simulate_events`.
    """
    # It needs Numba, which is optional.
    from snnlib.events import compile_events, simulate_events

    stages, neurons = compile_events(
        weights, architecture, image_shape, lifs, dt=dt, layer_synapse=layer_synapse
    )
    rng = np.random.default_rng(seed)
    voltages = [
        draw_voltage(initial_voltage, stage.shape, rng) for stage in stages[:-1]
    ]
    return simulate_events(stages, neurons, images, n_steps, voltages, **options)


class WarmSimulator:
    """A NengoDL simulator that is kept as long as its network stays the same.

    Tracing a network takes longer than simulating a few hundred images.
    """

    def __init__(self):
        self._network = None

    def get(self, network, declare, **options):
        """Return the simulator of a network, opened where there is none yet.

        Parameters
        ----------
        network : object
            What the network follows from, to be compared.
        declare : callable
            Returns the ``nengo.Network`` that follows from it.
        **options
            As in `new_dl_simulator`.

        Returns
        -------
        sim : nengo_dl.Simulator
        image : nengo.Node
        probes : dict of str to nengo.Probe
        """
        if self._network != network:
            self.close()
            declared = declare()
            sim = new_dl_simulator(declared, **options)
            # NengoDL complains of a simulator that is dropped without being closed.
            self._close = weakref.finalize(self, sim.close)
            self._open = sim, declared.input, probes_by_label(declared)
            self._network = network
        return self._open

    def close(self):
        """Close the simulator, if one is open."""
        if self._network is not None:
            self._network = self._open = None
            self._close()


def run_nengo_dl(simulator, images, n_steps, spike_height):
    """Show images to a conv net in NengoDL.

    Parameters
    ----------
    simulator : tuple
        From `WarmSimulator.get`.
    images : ndarray of shape (n_images, n_pixels)
        What to show.
    n_steps : int
        Number of steps.
    spike_height : float
        Output of a neuron in a step in which it fires.

    Returns
    -------
    run : ConvRun
    """
    sim, image, probes = simulator
    layers = [name for name in probes if name.startswith("spikes ")]
    wanted = [probes[name] for name in ("output", *layers)]
    outputs, counts = [], []
    for output, *spikes in _show(images, n_steps, sim, image, wanted):
        outputs.append(output)
        counts.append(np.rint(np.concatenate(spikes, axis=2) / spike_height))
    return ConvRun(np.concatenate(outputs), np.concatenate(counts).astype(int))


def spike_trains_by_nengo_dl(network, images, n_steps, minibatch_size, dt, seed):
    """Return the spikes of every neuron of a conv net in NengoDL.

    Parameters
    ----------
    network : nengo.Network
        From `snnlib.conv_network`.
    images, n_steps
        As in `run_nengo_dl`.
    minibatch_size, dt, seed
        As in `dl_simulator`.

    Returns
    -------
    spikes : list of bool ndarray of shape \
            (n_images, n_steps, rows, columns, channels)
        One array for each layer of neurons.
    """
    layers = [
        (connection.post_obj, connection.pre_obj.shape_out)
        for connection in network.all_connections
        if isinstance(connection.post_obj, nengo.ensemble.Neurons)
    ]
    with network:
        probes = [nengo.Probe(neurons) for neurons, _ in layers]
    with dl_simulator(network, minibatch_size, dt, seed) as sim:
        shown = [
            [spikes > 0 for spikes in batch]
            for batch in _show(images, n_steps, sim, network.input, probes)
        ]
    return [
        np.concatenate(spikes).reshape(
            len(images), n_steps, *(shape[:-1] or (1, 1)), shape[-1]
        )
        for spikes, (_, shape) in zip(zip(*shown, strict=True), layers, strict=True)
    ]


def _show(images, n_steps, sim, image, probes):
    """Show images in batches to a NengoDL simulator; yield what is probed."""
    for start in range(0, len(images), sim.minibatch_size):
        shown = images[start : start + sim.minibatch_size]
        batch = np.zeros((sim.minibatch_size, images.shape[1]), np.float32)
        batch[: len(shown)] = shown
        data = sim.predict_on_batch(
            {image: np.repeat(batch[:, np.newaxis], n_steps, 1)}
        )
        yield [data[probe][: len(shown)] for probe in probes]
