"""Measure how long an image takes in lesson 10, with many spikes, few and none.

Run it with ``python -m scripts.measure_times`` on a machine that does nothing else. It
takes five minutes on two cores and writes ``mnist_times.csv``, anew each time.

Three sides do the work of the same 30 steps with the same weights: the event engine,
NengoDL, and plain passes of Keras's layers, one a step, which get the spikes as inputs
and compute no neurons. They take turns, on one thread and on two, each number in a
process of its own. What is shown goes from a blank image to digits on a white ground,
so that there are no spikes, some and many. A row holds the median of the rounds, with
the shortest and the longest. All sides must find the same outputs.
"""

import copy
import csv
import datetime
import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from statistics import median

import numpy as np

from benchmarks.measure import ROOT, alternate, describe_machine
from benchmarks.sides import load_classifier, load_images
from snnlib.files import written_whole

TABLE = ROOT / "results" / "mnist_times.csv"
THREADS = (1, 2)
# What Numba, TensorFlow and the libraries below them read when they start.
THREAD_VARIABLES = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
N_IMAGES, N_ROUNDS = 20, 7
# How far an output may be from the event engine's, and how many must be as near. Where
# another rounding lets a spike come a step later, it is further away for some steps.
TOLERANCE, LEAST_SAME = 1e-3, 0.99
logger = logging.getLogger("measure_times")


def shown(images):
    """Return what is shown and the voltages it meets, from no spikes to many."""
    return {
        ("blank", "zero"): 0 * images,
        ("digits", "zero"): images,
        ("digits", "uniform"): images,
        ("digits on white", "uniform"): 1 - images,
    }


def plain_passes(classifier, images):
    """Return a function that takes the spikes of each step through Keras's layers."""
    from snnlib import rate_model, tf

    model = rate_model(
        classifier.image_shape_,
        len(classifier.classes_),
        weights=classifier.weights_,
    )
    conv1, conv2, conv3, dense = (layer for layer in model.layers if layer.weights)
    pool, flatten = tf.keras.layers.AveragePooling2D(2), tf.keras.layers.Flatten()

    # All four are returned, for TensorFlow leaves out what nobody asks for.
    @tf.function
    def one_pass(pixels, first, second, third):
        scores = dense(flatten(pool(third)))
        return conv1(pixels), conv2(first), conv3(pool(second)), scores

    pixels = tf.constant(images.reshape(-1, *classifier.image_shape_))
    height = np.float32(classifier.amplitude / classifier.dt)
    trains = [
        [tf.constant(height * train[:, step]) for train in trains]
        for trains in [classifier.spike_trains(images)]
        for step in range(trains[0].shape[1])
    ]

    def passes():
        outputs = [one_pass(pixels, *spikes)[-1] for spikes in trains]
        return np.stack(outputs, axis=1)

    return passes


def sides_of(classifier, by_nengo_dl, images):
    """Return what each side does with some images, as functions without arguments."""
    return {
        "event": lambda: classifier.simulate(images).output,
        "keras": plain_passes(classifier, images),
        "nengo_dl": lambda: by_nengo_dl.simulate(images).output,
    }


def shares_same(classifier, output, reference):
    """Return the shares of outputs and of classes that are the event engine's."""
    classes = [classifier.decide(it).argmax(axis=1) for it in (output, reference)]
    same = {
        "same_outputs": np.isclose(output, reference, atol=TOLERANCE).mean(),
        "same_classes": np.equal(*classes).mean(),
    }
    if min(same.values()) < LEAST_SAME:
        msg = f"all sides must find the same outputs and classes; got {same}."
        raise RuntimeError(msg)
    return {name: round(float(share), 4) for name, share in same.items()}


def measure(n_threads, n_images=N_IMAGES, n_rounds=N_ROUNDS):
    """Return a row for each side and each thing shown."""
    images, _ = load_images(n_images)
    classifiers = {}
    for start in ("zero", "uniform"):
        classifier = load_classifier().set_params(initial_voltage=start)
        by_nengo_dl = copy.copy(classifier)
        by_nengo_dl.set_params(engine="nengo_dl", batch_size=n_images)
        classifiers[start] = classifier, by_nengo_dl
    sides, rows = {}, {}
    for (name, start), pictures in shown(images).items():
        classifier = classifiers[start][0]
        run = classifier.simulate(pictures)
        for engine, work in sides_of(*classifiers[start], pictures).items():
            sides[engine, name, start] = work
            rows[engine, name, start] = {
                "threads": n_threads,
                "engine": engine,
                "shown": name,
                "initial_voltage": start,
                "n_images": n_images,
                "n_steps": run.output.shape[1],
                "spikes_per_image": round(run.spike_counts.sum() / n_images, 1),
                **shares_same(classifier, work(), run.output),
            }
    # Each side has done its work once by now, and compiled what it compiles.
    logger.info("timing %d rounds", n_rounds)
    for key, costs in alternate(sides, n_rounds, n_warm_ups=0).items():
        times = [1000 * cost.seconds / n_images for cost in costs]
        rows[key] |= {
            "n_rounds": n_rounds,
            "ms_per_image": round(median(times), 3),
            "shortest": round(min(times), 3),
            "longest": round(max(times), 3),
        }
    logger.info("timed")
    return list(rows.values())


def measure_apart(n_threads, **options):
    """Measure in a process of its own, which starts with so many threads."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(n_threads)))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=start_logging) as pool:
        return pool.submit(partial(measure, n_threads, **options)).result()


def start_logging():
    """Say what is going on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")


def made():
    """Return when, where and with what the times were measured."""
    machine = describe_machine()
    packages = machine.pop("packages")
    wanted = ("snnlib", "nengo", "nengo-dl", "tensorflow", "numba", "numpy")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **machine,
        **{name: packages[name] for name in wanted},
    }


def write_table(rows):
    """Write all rows, or none."""
    with written_whole(TABLE) as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def main():
    """Measure with each number of threads that the machine has."""
    start_logging()
    machine = made()
    rows = []
    for n_threads in THREADS:
        if n_threads <= machine["cores"]:
            logger.info("measuring with %d threads", n_threads)
            rows += [{**row, **machine} for row in measure_apart(n_threads)]
    write_table(rows)
    for row in rows:
        kept = ("threads", "engine", "shown", "initial_voltage", "ms_per_image")
        logger.info("%s", {name: row[name] for name in kept})


if __name__ == "__main__":
    main()
