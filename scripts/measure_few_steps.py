"""Compare patterns of starting voltages, and measure lesson 11's early stop.

Run it with ``python scripts/measure_few_steps.py``. It trains nothing, takes some
minutes, and leaves alone what is already in its tables; ``--force`` does all again.

``mnist_dither.csv`` tells how accurate two networks are from each pattern: lesson 06's
at settings for few steps, which no pattern was trained into, and lesson 11's. Patterns
are compared on some of the last 10,000 training images, which no network here is
trained on; ``--images`` says on how many.

``mnist_when_sure.csv`` tells when lesson 11's network is sure of the 10,000 test
images, if it looks for 8 steps at most, with bounds from those 10,000 training images.
"""

import argparse
import datetime
import logging
from importlib.metadata import version

import numpy as np
from train_few_steps import FEW_STEPS, WEIGHTS
from train_mnist import LIF_PATH, RESULTS, append_rows, known_keys

from snnlib import (
    SpikingConvClassifier,
    bounds_of_sureness,
    fetch_mnist,
    stop_when_sure,
)
from snnlib.events import compile_events, simulate_events
from snnlib.networks import GOLDEN, WINDOW, conv_neurons, draw_voltage
from snnlib.neurons import SETTINGS

DITHER, SURE = RESULTS / "mnist_dither.csv", RESULTS / "mnist_when_sure.csv"
STEPS = (4, 8)
TOLERANCES = (0.0, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05)
# The root of x^3 = x + 1: what the golden ratio is to a line, it is to a plane.
PLASTIC = 1.324717957244746
PACKAGES = ("snnlib", "nengo", "numba", "numpy")
logger = logging.getLogger("measure_few_steps")


def window_turned(row, column, channel):
    """Return Bayer's window, turned by a quarter from channel to channel."""
    turned = np.stack([np.rot90(WINDOW, turns) for turns in range(4)])
    return turned[channel % 4, row % 2, column % 2] + channel * GOLDEN


def window_turned_once(row, column, channel):
    """Return Bayer's window, turned by a quarter in all channels alike."""
    return np.rot90(WINDOW)[row % 2, column % 2] + channel * GOLDEN


def window_of_four(row, column, channel):
    """Return Bayer's window of four by four places."""
    quarter = np.array([[0, 2], [3, 1]])
    wide = 4 * np.tile(quarter, (2, 2)) + quarter.repeat(2, 0).repeat(2, 1)
    return (wide[row % 4, column % 4] + 0.5) / 16 + channel * GOLDEN


def plane(row, column, channel):
    """Return steps of two lengths that, like blue noise, leave no crowds in a plane."""
    return 0.5 + row / PLASTIC + column / PLASTIC**2 + channel * GOLDEN


def units(row, column, channel):
    """Return multiples of the golden ratio from neuron to neuron, in memory's order."""
    n_columns, n_channels = column.max() + 1, channel.max() + 1
    return ((row * n_columns + column) * n_channels + channel) * GOLDEN


def channels_alone(row, column, channel):
    """Return the same at all places of a channel."""
    return 0 * (row + column) + channel * GOLDEN


PATTERNS = {
    "window and channels": "dither",
    "window turned by channel": window_turned,
    "plane and channels": plane,
    "unit by unit": units,
    "channels alone": channels_alone,
    "uniform": "uniform",
    "zero": "zero",
    "window turned once": window_turned_once,
    "window of 4 x 4": window_of_four,
}


def voltages(pattern, shapes, seed):
    """Return the voltages of each layer at the first step."""
    if isinstance(pattern, str):
        rng = np.random.default_rng(seed)
        return [draw_voltage(pattern, shape, rng) for shape in shapes]
    return [pattern(*np.indices(shape)) % 1 for shape in shapes]


def show(classifier, pattern, images, n_steps):
    """Return output and spike counts of a network that starts at a pattern."""
    stages, neurons = compile_events(
        classifier.weights_,
        classifier.architecture,
        classifier.image_shape_,
        conv_neurons(
            classifier.architecture,
            **{name: getattr(classifier, name) for name in SETTINGS},
        ),
        dt=classifier.dt,
    )
    starts = voltages(pattern, [stage.shape for stage in stages[:-1]], classifier.seed_)
    flat = images.reshape(len(images), -1)
    return simulate_events(stages, neurons, flat, n_steps, starts)[:2]


def dither_rows(classifier, pattern, X, y):
    """Return accuracy and spikes after some numbers of steps, as rows."""
    output, counts = show(classifier, pattern, X, max(STEPS))
    correct = output.cumsum(axis=1).argmax(axis=2) == y[:, None]
    spikes = counts.sum(axis=2).cumsum(axis=1)
    return [
        {
            "n_steps": step,
            "n_images": len(y),
            "accuracy": round(correct[:, step - 1].mean(), 4),
            "spikes_per_image": round(spikes[:, step - 1].mean(), 1),
        }
        for step in STEPS
    ]


def sure_rows(checked, y_checked, shown, y):
    """Return what stopping early costs at each tolerance, as rows."""
    output, counts = shown
    spikes = counts.sum(axis=2).cumsum(axis=1)
    for tolerance in TOLERANCES:
        bounds = bounds_of_sureness(checked, y_checked, tolerance=tolerance)
        stop = stop_when_sure(output, bounds)
        until = spikes[np.arange(len(y)), stop.n_steps - 1]
        yield {
            "tolerance": tolerance,
            "n_images": len(y),
            "mean_steps": round(stop.n_steps.mean(), 3),
            "accuracy": round((stop.classes == y).mean(), 4),
            "spikes_per_image": round(until.mean(), 1),
        }


def main():
    """Measure whatever has no rows yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="do everything again")
    parser.add_argument(
        "--images", type=int, default=2_000, help="to compare patterns on"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if arguments.force:
        for path in (DITHER, SURE):
            path.unlink(missing_ok=True)

    mnist = fetch_mnist()
    X_check, y_check = mnist.data[50_000:60_000], mnist.target[50_000:60_000]
    X_test, y_test = mnist.data[60_000:], mnist.target[60_000:]
    versions = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **{package: version(package) for package in PACKAGES},
        "data_digest": mnist.digest[:12],
    }

    lesson_6 = SpikingConvClassifier.load(LIF_PATH).set_params(**FEW_STEPS)
    few_steps = SpikingConvClassifier.load(WEIGHTS)
    networks = {"few-step settings": lesson_6, "counts": few_steps}
    if not SURE.exists():
        checked, _ = show(few_steps, "dither", X_check, max(STEPS))
        shown = show(few_steps, "dither", X_test, max(STEPS))
        rows = [
            {**row, **versions} for row in sure_rows(checked, y_check, shown, y_test)
        ]
        append_rows(SURE, rows)
        logger.info("%s", rows)
    for name, pattern in PATTERNS.items():
        for network, classifier in networks.items():
            if (network, name) in known_keys(DITHER, "network", "pattern"):
                continue
            rows = [
                {"network": network, "pattern": name, **row, **versions}
                for row in dither_rows(
                    classifier,
                    pattern,
                    X_check[-arguments.images :],
                    y_check[-arguments.images :],
                )
            ]
            append_rows(DITHER, rows)
            logger.info("%s", rows)


if __name__ == "__main__":
    main()
