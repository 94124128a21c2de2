"""Train lesson 11's network for few steps, with five seeds, and measure it.

Run it with ``make few-steps``. It trains from random weights, one seed after the other,
and measures each network on all 10,000 test images of MNIST, after every step up to 12.
Beside it stands the network of lesson 06, trained by rates, at its own settings and at
those for few steps. Each result is written to ``mnist_few_steps.csv`` as it comes, and
what is already there is left alone; ``--force`` does everything again. The weights of
the first seed are the lesson's.

What was trained is kept in ``runs/few_steps``. Nothing of the recipe was chosen by test
images: earlier ones were compared on the last 10,000 training images, which no network
here is trained on.
"""

import argparse
import json
import logging
import time

import train_mnist
from train_mnist import LIF_PATH, RESULTS, append_rows, provenance

from snnlib import SpikingConvClassifier, fetch_mnist, train_test_mnist

KEPT = RESULTS.parent / "runs" / "few_steps"
TABLE, WEIGHTS = RESULTS / "mnist_few_steps.csv", RESULTS / "mnist_few_steps.npz"
SEEDS = (0, 1, 2, 3, 4)
LONGEST = 12
FEW_STEPS = {
    "max_rate": 250.0,
    "tau_ref": 0.001,
    "amplitude": 0.004,
    "synapse": None,
    "readout": "overall",
    "presentation_time": 0.008,
}
RECIPE = {
    **FEW_STEPS,
    "initial_voltage": "dither",
    "trainer": "counts",
    "n_train_steps": (4, 8),
    "n_epochs": 12,
    "batch_size": 100,
    "learning_rate": 0.002,
    "schedule": "cosine",
    "augmentation": {"shift": 2},
}
# What lesson 06's network is measured at: its own settings, and those for few steps.
BEFORE = {
    "lesson 06": {"readout": "overall", "synapse": None},
    "few-step settings": FEW_STEPS,
}
STARTS = ("zero", "uniform", "dither")
logger = logging.getLogger("train_few_steps")


def train(seed, X, y):
    """Return the network of a seed, trained now unless it is kept."""
    path = KEPT / f"seed_{seed}.npz"
    if path.exists():
        return SpikingConvClassifier.load(path)
    classifier = SpikingConvClassifier(**RECIPE, random_state=seed, verbose=2)
    start = time.perf_counter()
    classifier.fit(X, y)
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {"command": "python scripts/train_few_steps.py"}
    seconds = round(time.perf_counter() - start)
    classifier.save(path, **provenance(**made, training_seconds=seconds))
    return classifier


def measure(classifier, X, y):
    """Yield accuracy and spikes of a fitted classifier after each number of steps."""
    classifier.set_params(presentation_time=LONGEST * classifier.dt)
    run = classifier.simulate(X)
    correct = run.output.cumsum(axis=1).argmax(axis=2) == y[:, None]
    spikes = run.spike_counts.sum(axis=2).cumsum(axis=1)
    for step in range(LONGEST):
        yield {
            "n_steps": step + 1,
            "accuracy": round(correct[:, step].mean(), 4),
            "spikes_per_image": round(spikes[:, step].mean(), 1),
        }


def measured_rows(network, seed, classifier, X, y):
    """Return the rows of the table that a network makes."""
    settings = ("initial_voltage", "max_rate", "tau_ref", "amplitude")
    key = {name: getattr(classifier, name) for name in settings}
    return [
        {"network": network, "seed": seed, **key, "n_images": len(y), **row}
        for row in measure(classifier, X, y)
    ]


def known_keys():
    """Return which networks, seeds and starts the table holds."""
    found = train_mnist.known_keys(TABLE, "network", "seed", "initial_voltage")
    return {(network, int(seed), start) for network, seed, start in found}


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
        for path in (TABLE, WEIGHTS, *KEPT.glob("seed_*.npz")):
            path.unlink(missing_ok=True)

    X_train, X_test, y_train, y_test = train_test_mnist(fetch_mnist(), n_test=10_000)
    for network, changes in BEFORE.items():
        for start in STARTS:
            if (network, 0, start) not in known_keys():
                before = SpikingConvClassifier.load(LIF_PATH)
                before.set_params(**changes, initial_voltage=start)
                rows = measured_rows(network, 0, before, X_test, y_test)
                append_rows(TABLE, rows)
                logger.info("%s, %s: %s", network, start, rows[-1])
    for seed in arguments.seeds:
        if ("counts", seed, RECIPE["initial_voltage"]) in known_keys():
            continue
        logger.info("training seed %d", seed)
        classifier = train(seed, X_train, y_train)
        rows = measured_rows("counts", seed, classifier, X_test, y_test)
        append_rows(TABLE, rows)
        if seed == SEEDS[0]:
            WEIGHTS.write_bytes((KEPT / f"seed_{seed}.npz").read_bytes())
        for row in rows:
            logger.info("%s", row)


if __name__ == "__main__":
    main()
