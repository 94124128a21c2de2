"""Train the networks of lesson 06 on MNIST and measure them.

Run it with ``make weights``. It takes about an hour on two cores, writes each result as
it comes, and leaves alone what is already there; ``--force`` does everything again.
``--measure`` only measures the committed weights on all 10,000 test images and prints
what it finds.
"""

import argparse
import csv
import datetime
import json
import logging
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from snnlib import (
    SpikingConvClassifier,
    accuracy_interval,
    fetch_mnist,
    train_test_mnist,
)
from snnlib.files import written_whole
from snnlib.networks import relu_model

RESULTS = Path(__file__).resolve().parent.parent / "results"
SEED = 0
N_EPOCHS = 10
TABLE = RESULTS / "mnist_accuracy.csv"
LIF_PATH, RELU_PATH = RESULTS / "mnist_lif.npz", RESULTS / "mnist_relu.npz"
PARAMETERS = ("max_rate", "tau_rc", "amplitude", "synapse", "initial_voltage")
SETTINGS = {
    "paper": {"initial_voltage": "zero"},
    "reference": {"initial_voltage": "uniform"},
}
logger = logging.getLogger("train_mnist")


def provenance(**more):
    """Say when and with what a result was made, and what else there is to say."""
    packages = ("snnlib", "nengo", "nengo-dl", "tensorflow", "tf-keras", "numpy")
    return {
        "command": "python scripts/train_mnist.py",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "data": "MNIST, first 50,000 training images",
        "data_digest": fetch_mnist().digest,
        **more,
    }


def train_lif(path, X, y):
    """Train the paper's network of LIF neurons and write it to ``path``."""
    classifier = SpikingConvClassifier(n_epochs=N_EPOCHS, random_state=SEED, verbose=2)
    classifier.fit(X, y).save(path, **provenance())


def train_relu(path, X, y):
    """Train the same network of ReLU units and write its weights to ``path``."""
    from snnlib._nengo_dl import tf

    tf.keras.utils.set_random_seed(SEED)
    model = relu_model((28, 28, 1), 10, seed=SEED)
    model.compile(
        optimizer=tf.optimizers.RMSprop(0.001),
        loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics="accuracy",
    )
    history = model.fit(X, y, batch_size=200, epochs=N_EPOCHS, verbose=2).history
    weights = {f"weights_{i:02}": value for i, value in enumerate(model.get_weights())}
    about = {"seed": SEED, "history": history, "provenance": provenance()}
    with written_whole(path, "wb") as file:
        np.savez_compressed(file, about=json.dumps(about), **weights)


def measure(classifier, X, y):
    """Return the accuracies of a fitted classifier on test images, as a table's row."""
    run = classifier.simulate(X)
    row = {name: getattr(classifier, name) for name in PARAMETERS}
    row["n_images"] = len(y)
    row["spikes_per_image"] = round(run.spike_counts.sum((1, 2)).mean(), 1)
    for readout in ("last", "mean"):
        correct = classifier.decide(run.output, readout=readout).argmax(axis=1) == y
        row[f"accuracy_{readout}_200"] = correct[:200].mean().round(4)
        interval = accuracy_interval(correct.sum(), len(y))
        for name, value in interval._asdict().items():
            row[f"{name}_{readout}"] = round(value, 4)
    return row


def measure_settings(X, y):
    """Yield a row for each setting of lesson 06, on all test images."""
    for name, changes in SETTINGS.items():
        classifier = SpikingConvClassifier.load(LIF_PATH).set_params(**changes)
        yield {"setting": name}, lambda c=classifier: measure(c, X, y)


def write_rows(path, rows):
    """Append each row that the table at ``path`` does not hold yet."""
    done = set()
    if path.exists():
        with path.open(newline="") as file:
            done = {tuple(row.values()) for row in csv.DictReader(file)}
    for key, compute in rows:
        wanted = tuple(str(value) for value in key.values())
        if any(row[: len(wanted)] == wanted for row in done):
            continue
        logger.info("%s: measuring %s", path.name, key)
        row = {**key, **compute()}
        append_rows(path, [row])
        logger.info("%s", row)


def known_keys(path, *columns):
    """Return what stands in some columns of a table, as text, row by row."""
    if not path.exists():
        return set()
    with path.open(newline="") as file:
        return {tuple(row[name] for name in columns) for row in csv.DictReader(file)}


def append_rows(path, rows):
    """Add rows to a .csv file, with a header if it is new, wholly or not at all."""
    is_new = not path.exists()
    written = "" if is_new else path.read_bytes().decode()
    with written_whole(path) as file:
        file.write(written)
        writer = csv.DictWriter(file, rows[0])
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def main():
    """Train and measure whatever has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="do everything again")
    parser.add_argument(
        "--measure", action="store_true", help="only measure the committed weights"
    )
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    X_train, X_test, y_train, y_test = train_test_mnist(fetch_mnist(), n_test=10_000)
    if arguments.measure:
        for key, compute in measure_settings(X_test, y_test):
            logger.info("%s", {**key, **compute()})
        return
    for train, path in ((train_lif, LIF_PATH), (train_relu, RELU_PATH)):
        if arguments.force or not path.exists():
            logger.info("training %s", path.name)
            train(path, X_train, y_train)
    if arguments.force:
        TABLE.unlink(missing_ok=True)
    write_rows(TABLE, measure_settings(X_test, y_test))


if __name__ == "__main__":
    main()
