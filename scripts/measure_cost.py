"""Measure what the networks of lesson 10 cost on all 10,000 test images of MNIST.

Run it with ``python scripts/measure_cost.py``. It takes about an hour on two cores,
writes the rows of each setting as they come to ``mnist_cost.csv``, and leaves alone
what is already there; ``--force`` does everything again. The weights are those of
``train_mnist.py``, trained at 100 Hz; here they meet other values of ``max_rate``,
with ``amplitude = 1 / max_rate``. Beside them stand two networks without spikes: the
ReLU twin, and the same weights with firing rates in place of spikes. Last comes the
network of ``train_few_steps.py`` at its own settings.

A row holds means over images. ``conv1`` counts the operations of one pass over the
image, of which a network that runs for many steps needs one or as many as there are
steps. ``conv2``, ``conv3`` and ``dense`` count what the spikes of all steps cause, with
the average pools folded into the weights. They are spikes on all images times the
weights that a spike meets on average, which is counted on the first images only.
"""

import argparse
import csv
import datetime
import logging
from importlib.metadata import version
from pathlib import Path

import numpy as np

from snnlib import (
    SpikingConvClassifier,
    accuracy_interval,
    fetch_mnist,
    network_cost,
    rate_model,
    read_weights,
    relu_model,
    train_test_mnist,
)
from snnlib.files import written_whole

RESULTS = Path(__file__).resolve().parent.parent / "results"
TABLE = RESULTS / "mnist_cost.csv"
MAX_RATES = (50.0, 100.0, 150.0, 200.0, 250.0)
TRAINED_RATE = 100.0
# How often a neuron at an input of 1 fires: at the rate of the training, at the others.
N_SPIKES_TRAINED, N_SPIKES = 10, 6
STEPS = (*range(1, 11), 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120)
N_COUNTED, N_AT_A_TIME = 400, 20
logger = logging.getLogger("measure_cost")


def reached(n_inputs, size=3):
    """Return how many outputs each input reaches in a convolution along one axis."""
    return np.convolve(np.ones(n_inputs - size + 1), np.ones(size))


def fan_out(n_inputs, n_channels, pool=1):
    """Return how many weights of a 3 x 3 convolution the spike of a place meets."""
    along = reached(n_inputs // pool).repeat(pool)
    return n_channels * np.outer(along, along)


# From the image, from the first two layers of neurons, and to the read-out.
FAN_OUTS = (
    fan_out(28, 32),
    fan_out(26, 64),
    fan_out(24, 128, 2),
    np.full((10, 10), 10),
)


def count_weights(classifier, images):
    """Return how many weights a spike meets on average, by step and layer."""
    n_spikes, n_weights = 0, 0
    for start in range(0, len(images), N_AT_A_TIME):
        trains = classifier.spike_trains(images[start : start + N_AT_A_TIME])
        maps = [train.sum(axis=(0, -1)) for train in trains]
        n_spikes += np.stack([m.sum(axis=(1, 2)) for m in maps], axis=1)
        n_weights += np.stack(
            [
                (m * fan).sum(axis=(1, 2))
                for m, fan in zip(maps, FAN_OUTS[1:], strict=True)
            ],
            axis=1,
        )
    n_spikes, n_weights = n_spikes.cumsum(axis=0), n_weights.cumsum(axis=0)
    return n_weights / np.maximum(n_spikes, 1)


def measure_spiking(classifier, X, y):
    """Return a row for each number of steps."""
    n_correct, n_spikes = 0, 0
    n_steps = round(classifier.presentation_time / classifier.dt)
    steps = [n for n in STEPS if n <= n_steps]
    for start in range(0, len(X), 500):
        part = slice(start, start + 500)
        run = classifier.simulate(X[part])
        scores = [classifier.decide(run.output[:, :n]) for n in steps]
        n_correct += np.array([(s.argmax(axis=1) == y[part]).sum() for s in scores])
        n_spikes += run.spike_counts.sum(axis=0).cumsum(axis=0)
    weights_met = count_weights(classifier, X[:N_COUNTED])
    pixels = (X.reshape(-1, 28, 28) > 0).mean(axis=0)
    rows = []
    for n, hits in zip(steps, n_correct, strict=True):
        spikes = n_spikes[n - 1] / len(X)
        operations = [(pixels * FAN_OUTS[0]).sum(), *spikes * weights_met[n - 1]]
        rows.append(row_of(n, len(X), hits, spikes, operations))
    return rows


def measure_model(declare, name, X, y):
    """Return the row of a network without spikes, whose pools average first."""
    model = declare((28, 28, 1), 10, weights=read_weights(RESULTS / name))
    hits = (model.predict(X, verbose=0).argmax(axis=1) == y).sum()
    operations = [layer.effective_macs for layer in network_cost(model, X).layers]
    return [row_of(1, len(X), hits, [np.nan] * 3, operations)]


def row_of(n_steps, n_images, n_correct, spikes, operations):
    """Return one row of the table, without the setting it belongs to."""
    accuracy = accuracy_interval(n_correct, n_images)._asdict()
    names = ("conv1", "conv2", "conv3", "dense")
    return {
        "n_steps": n_steps,
        "n_images": n_images,
        **{name: round(value, 4) for name, value in accuracy.items()},
        **{f"spikes_{i}": round(float(n), 1) for i, n in enumerate(spikes, start=1)},
        **{name: round(float(n)) for name, n in zip(names, operations, strict=True)},
    }


def settings(X, y):
    """Yield each setting and the function that measures it."""
    relu = {"network": "relu", "max_rate": "", "initial_voltage": ""}
    yield relu, lambda: measure_model(relu_model, "mnist_relu.npz", X, y)
    # At the rate and the amplitude of the training, which are the defaults.
    rate = {"network": "rate", "max_rate": TRAINED_RATE, "initial_voltage": ""}
    yield rate, lambda: measure_model(rate_model, "mnist_lif.npz", X, y)
    # The setting of lesson 06 first, then the paper's other rates.
    for max_rate in sorted(MAX_RATES, key=lambda rate: rate != TRAINED_RATE):
        n_spikes = N_SPIKES_TRAINED if max_rate == TRAINED_RATE else N_SPIKES
        for voltage in ("uniform", "zero"):
            classifier = SpikingConvClassifier.load(
                RESULTS / "mnist_lif.npz"
            ).set_params(
                max_rate=max_rate,
                amplitude=1 / max_rate,
                initial_voltage=voltage,
                presentation_time=n_spikes / max_rate,
                engine="event",
            )
            key = {
                "network": "spiking",
                "max_rate": max_rate,
                "initial_voltage": voltage,
            }
            yield key, lambda c=classifier: measure_spiking(c, X, y)
    # Lesson 11's network at its own settings.
    few = SpikingConvClassifier.load(RESULTS / "mnist_few_steps.npz")
    few.set_params(presentation_time=12 * few.dt, engine="event")
    key = {"network": "few steps", "max_rate": few.max_rate}
    yield (
        {**key, "initial_voltage": few.initial_voltage},
        lambda: measure_spiking(few, X, y),
    )


def read_table():
    """Return the rows that are already there."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def write_table(rows):
    """Write all rows, so that a setting is whole or not there."""
    with written_whole(TABLE) as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main():
    """Measure every setting that has no rows yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="do everything again")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    mnist = fetch_mnist()
    _, X, _, y = train_test_mnist(mnist, n_test=10_000)
    packages = ("snnlib", "nengo", "numba", "numpy")
    rows = [] if arguments.force else read_table()
    for key, measure in settings(X, y):
        wanted = {name: str(value) for name, value in key.items()}
        if any(wanted.items() <= row.items() for row in rows):
            continue
        logger.info("measuring %s", key)
        made = {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            **{package: version(package) for package in packages},
            "data_digest": mnist.digest[:12],
        }
        rows += [{**key, **row, **made} for row in measure()]
        write_table(rows)
        logger.info("%s", rows[-1])


if __name__ == "__main__":
    main()
