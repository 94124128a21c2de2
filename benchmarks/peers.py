"""The paper's network as users of other libraries write it, to compare with."""

import nengo
import numpy as np

from snnlib import nengo_dl, tf

N_STEPS = 30
# Images handed to NengoDL at a time: whole presentations of all 10,000 would take 1 GB.
CHUNK = 1000


def nengo_dl_network(
    weights, *, max_rate=100.0, intercept=0.0, amplitude=0.01, synapse=0.1, lif=None
):
    """Declare the network as NengoDL's own example for MNIST does, with one probe.

    Parameters
    ----------
    weights : list of ndarray
        Kernel and bias of each layer in turn, read-out last.
    max_rate, intercept, amplitude, synapse
        As in `snnlib.conv_network`.
    lif : nengo.LIF or None, default=None
        Neuron type in place of Nengo's usual one with that amplitude.

    Returns
    -------
    network : nengo.Network
    image : nengo.Node
    probe : nengo.Probe
        The filtered output.
    """
    values = iter(weights)

    def given():
        kernel, bias = next(values), next(values)
        return {
            "kernel_initializer": tf.constant_initializer(kernel),
            "bias_initializer": tf.constant_initializer(bias),
        }

    layers = tf.keras.layers
    rest = {"voltage": nengo.dists.Choice([0])}
    lif = lif or nengo.LIF(amplitude=amplitude, initial_state=rest)
    with nengo.Network(seed=0) as network:
        network.config[nengo.Ensemble].max_rates = nengo.dists.Choice([max_rate])
        network.config[nengo.Ensemble].intercepts = nengo.dists.Choice([intercept])
        # Only the layers' weights learn, and no state outlives a presentation.
        nengo_dl.configure_settings(trainable=False, stateful=False)
        image = nengo.Node(np.zeros(28 * 28))
        x = nengo_dl.Layer(layers.Conv2D(32, 3, **given()))(image, shape_in=(28, 28, 1))
        x = nengo_dl.Layer(lif)(x)
        x = nengo_dl.Layer(layers.Conv2D(64, 3, **given()))(x, shape_in=(26, 26, 32))
        x = nengo_dl.Layer(lif)(x)
        x = nengo_dl.Layer(layers.AveragePooling2D(2))(x, shape_in=(24, 24, 64))
        x = nengo_dl.Layer(layers.Conv2D(128, 3, **given()))(x, shape_in=(12, 12, 64))
        x = nengo_dl.Layer(lif)(x)
        x = nengo_dl.Layer(layers.AveragePooling2D(2))(x, shape_in=(10, 10, 128))
        output = nengo_dl.Layer(layers.Dense(10, **given()))(x)
        probe = nengo.Probe(output, synapse=synapse)
    return network, image, probe


def nengo_dl_simulator(network, batch_size):
    """Return an open NengoDL simulator that says nothing while it works."""
    return nengo_dl.Simulator(
        network, minibatch_size=batch_size, seed=0, progress_bar=False
    )


def nengo_dl_classes(sim, image, probe, images, n_steps=N_STEPS, *, is_mean=False):
    """Show images with ``sim.predict`` and return the class of each.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        Open, as from `nengo_dl_simulator`.
    image, probe : nengo.Node and nengo.Probe
        From `nengo_dl_network`.
    images : ndarray of shape (n_images, 784)
        As many as go into whole batches.
    n_steps : int, default=30
        Steps of 1 ms for which each image is shown.
    is_mean : bool, default=False
        Whether the mean over all steps decides, and not the last step.

    Returns
    -------
    classes : int ndarray of shape (n_images,)
    """
    classes = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK, np.newaxis]
        shown = np.tile(chunk, (1, n_steps, 1))
        output = sim.predict({image: shown}, verbose=0)[probe]
        scores = output.mean(axis=1) if is_mean else output[:, -1]
        classes.append(scores.argmax(axis=1))
    return np.concatenate(classes)
