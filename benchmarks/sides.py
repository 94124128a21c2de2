"""The two sides of the conv net, also as processes: ``python -m benchmarks.sides``.

A process does what a user's script would, from its imports to the saved classes.
"""

import sys
from pathlib import Path

import numpy as np


def load_classifier():
    """Return the committed network, to be simulated event by event."""
    from snnlib import SpikingConvClassifier, results_path

    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    return classifier.set_params(engine="event")


def load_images(n_images):
    """Return MNIST's first test images and their labels."""
    from snnlib import fetch_mnist, train_test_mnist

    _, images, _, labels = train_test_mnist(fetch_mnist(), n_test=10_000)
    return images[:n_images].astype(np.float32), labels[:n_images]


def data(folder):
    """Write the test images where both sides find them."""
    np.save(folder / "images.npy", load_images(10_000)[0])


def ours(folder, n_images, *synapses):
    """Simulate once, event by event; classify with each synapse."""
    classifier = load_classifier()
    run = classifier.simulate(np.load(folder / "images.npy")[: int(n_images)])
    for synapse in synapses:
        scores = classifier.decide(run.output, synapse=float(synapse))
        np.save(folder / f"ours-{synapse}.npy", scores.argmax(axis=1))


def nengo_dl(folder, n_images, batch_size, synapse):
    """Simulate with NengoDL and classify with one synapse."""
    from benchmarks.peers import (
        nengo_dl_classes,
        nengo_dl_network,
        nengo_dl_simulator,
    )
    from snnlib import read_weights, results_path

    weights = read_weights(results_path("mnist_lif.npz"))
    network, image, probe = nengo_dl_network(weights, synapse=float(synapse))
    images = np.load(folder / "images.npy")[: int(n_images)]
    with nengo_dl_simulator(network, int(batch_size)) as sim:
        classes = nengo_dl_classes(sim, image, probe, images)
    np.save(folder / f"peer-{n_images}.npy", classes)


if __name__ == "__main__":
    name, folder, *arguments = sys.argv[1:]
    {"data": data, "ours": ours, "nengo_dl": nengo_dl}[name](Path(folder), *arguments)
