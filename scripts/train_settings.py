"""Let gradient descent choose the settings of lesson 11's neurons, with five seeds.

Run it with ``python scripts/train_settings.py``. Each seed stands for a network of its
own: its random weights, and the order and shifts of its images. It is trained twice,
from the settings that lesson 11 chose by hand and by that lesson's recipe, but for two
passes: once with the weights alone, once with ``tau_rc`` and ``max_rate`` of each layer
beside them. Each result is written to ``mnist_learned_parameters.csv`` as it comes, and
what is already there is left alone; ``--force`` does everything again.
"""

import argparse
import json
import logging
import time

from train_few_steps import RECIPE, SEEDS
from train_mnist import RESULTS, append_rows, known_keys, provenance

from snnlib import SpikingConvClassifier, fetch_mnist, train_test_mnist
from snnlib.networks import TRAINABLE

TABLE = RESULTS / "mnist_learned_parameters.csv"
N_EPOCHS, N_TEST = 2, 10_000
STEPS = (4, 8)
WAYS = {"weights and neurons": TRAINABLE, "weights": None}
PACKAGES = ("date", "snnlib", "nengo", "tensorflow", "numpy")
logger = logging.getLogger("train_settings")


def train(seed, trainable, X, y):
    """Return the network of a seed, trained from random weights, and the seconds."""
    classifier = SpikingConvClassifier(
        **RECIPE | {"n_epochs": N_EPOCHS},
        trainable=trainable,
        engine="event",
        random_state=seed,
        verbose=2,
    )
    start = time.perf_counter()
    classifier.fit(X, y)
    return classifier, time.perf_counter() - start


def measure(classifier, X, y):
    """Return the accuracy of a classifier after so many steps, by column."""
    classifier.set_params(presentation_time=max(STEPS) * classifier.dt)
    output = classifier.simulate(X).output.cumsum(axis=1)
    correct = output.argmax(axis=2) == y[:, None]
    return {f"accuracy_{n}": round(correct[:, n - 1].mean(), 4) for n in STEPS}


def rows_of(classifier):
    """Return the settings of each layer of neurons, as rows."""
    before = {name: [getattr(classifier, name)] * 3 for name in TRAINABLE}
    settings = before | classifier.trained_
    return [
        {
            "layer": layer,
            **{name: float(f"{its[layer - 1]:.5g}") for name, its in settings.items()},
        }
        for layer in (1, 2, 3)
    ]


def main():
    """Train and measure whatever has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="do everything again")
    parser.add_argument(
        "--seeds", type=json.loads, default=list(SEEDS), help="such as [0, 1]"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if arguments.force:
        TABLE.unlink(missing_ok=True)

    X_train, X_test, y_train, y_test = train_test_mnist(fetch_mnist(), n_test=N_TEST)
    made = provenance()
    versions = {name: made[name] for name in PACKAGES}
    versions["data_digest"] = made["data_digest"][:12]
    for seed in arguments.seeds:
        for learned, trainable in WAYS.items():
            if (str(seed), learned) in known_keys(TABLE, "seed", "learned"):
                continue
            logger.info("seed %d: training %s", seed, learned)
            classifier, seconds = train(seed, trainable, X_train, y_train)
            about = {
                "seed": seed,
                "learned": learned,
                "n_train": len(y_train),
                "n_epochs": N_EPOCHS,
                "training_seconds": round(seconds),
                "n_images": len(y_test),
                **measure(classifier, X_test, y_test),
            }
            rows = [{**about, **row, **versions} for row in rows_of(classifier)]
            append_rows(TABLE, rows)
            logger.info("%s", rows)


if __name__ == "__main__":
    main()
