"""Compare spikes here with those of other simulators that read the exported graph.

The paper's network is shown 100 images: once with settings that NIR can say, and once
for each setting that it cannot, which the graph then leaves out::

    python scripts/compare_nir.py --python build/simulators/bin/python

The other Python needs what ``environments/simulators.txt`` names; ``make nir`` makes it
first. What comes out is the table ``results/nir.csv``.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nir
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from snnlib import SpikingConvClassifier, __version__, fetch_mnist, results_path, to_nir
from snnlib.files import written_whole

ROOT = Path(__file__).resolve().parent.parent
SIMULATORS = ("spikingjelly", "snntorch")
# Settings that NIR can say, and one change at a time that it cannot.
SAID = {
    "tau_ref": 0.0,
    "min_voltage": -1e6,
    "initial_voltage": "zero",
    "layer_synapse": None,
    "engine": "event",
}
UNSAID = {
    "nothing": {},
    "tau_ref": {"tau_ref": 0.002},
    "min_voltage": {"min_voltage": 0.0},
    "initial_voltage": {"initial_voltage": "uniform"},
    "layer_synapse": {"layer_synapse": 0.005},
}


def compare(classifier, images, simulator, python):
    """Return how far another simulator's run of the exported graph is from ours.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        Fitted.
    images : float32 ndarray of shape (n_images, rows, columns, channels)
        What to show.
    simulator : {"spikingjelly", "snntorch"}
        Who reads the graph.
    python : path-like
        A Python that has the simulator.

    Returns
    -------
    row : dict
        Spikes of each layer here and there, how many of them differ, what `rounded`
        finds, the largest difference between outputs, how many classes differ, and the
        versions.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, shown, out = (Path(folder, name) for name in ("g.nir", "x.npy", "o.npz"))
        graph = to_nir(classifier, synapse=None, unsaid="metadata")
        nir.write(path, graph)
        np.save(shown, images.transpose(0, 3, 1, 2))
        n_steps = round(classifier.presentation_time / classifier.dt)
        command = [python, Path(__file__).with_name("read_nir.py"), simulator]
        run = subprocess.run(
            [*command, path, shown, f"{n_steps}", out],
            capture_output=True,
            text=True,
        )
        if run.returncode:
            msg = f"{simulator} failed: {run.stderr[-2000:]}"
            raise RuntimeError(msg)
        with np.load(out) as arrays:
            found = dict(arrays)
    here = classifier.spike_trains(images)
    # Layers come as lif_0, lif_1 ..., and one alone as lif.
    fired = [found[name] for name in sorted(found) if name.startswith("lif")]
    there = [
        np.moveaxis(layer, 2, -1).reshape(expected.shape)
        for layer, expected in zip(fired, here, strict=True)
    ]
    n_rounded, furthest = rounded(graph, images.transpose(0, 3, 1, 2), fired)
    output = classifier.simulate(images).output
    classes = [
        classifier.decide(each).argmax(axis=1) for each in (output, found["output"])
    ]
    differ = [
        int((ours != theirs).sum()) for ours, theirs in zip(here, there, strict=True)
    ]
    return {
        "simulator": simulator,
        "spikes_here": " ".join(str(int(layer.sum())) for layer in here),
        "spikes_there": " ".join(str(int(layer.sum())) for layer in there),
        "differing_spikes": " ".join(map(str, differ)),
        "rounded_spikes": n_rounded,
        "furthest_from_threshold": f"{rounded_up(furthest):.1g}",
        "output_range": f"{np.ptp(output):.4g}",
        "largest_output_difference": f"{np.abs(output - found['output']).max():.2g}",
        "differing_classes": int((classes[0] != classes[1]).sum()),
        "images": len(images),
        "versions": ", ".join(
            f"{name} {at}"
            for name, at in {"snnlib": __version__, **json.loads(run.stdout)}.items()
        ),
    }


def rounded_up(number):
    """Return the next number that one digit can write."""
    if number == 0:
        return number
    unit = 10.0 ** np.floor(np.log10(number))
    return unit * np.ceil(number / unit)


def rounded(graph, images, spikes):
    """Count the spikes that a simulator decides otherwise than exact arithmetic does.

    Each layer is stepped in double precision, and gets the spikes and the resets of the
    simulator itself, so that no difference leads to another. What is left are voltages
    that are rounded to the other side of the threshold.

    Parameters
    ----------
    graph : nir.NIRGraph
        A conv net of `to_nir`, with average pools.
    images : ndarray of shape (n_images, channels, rows, columns)
        What was shown.
    spikes : list of bool ndarray of shape (n_images, n_steps, channels, rows, columns)
        What each layer fired.

    Returns
    -------
    n_rounded : int
        Decisions that differ, of all neurons at all steps.
    furthest : float
        How far from the threshold, which is 1, the voltage was at most in one of them.
    """
    n_rounded, furthest = 0, 0.0
    for image, *fired in zip(images, *spikes, strict=True):
        layers, signal = iter(fired), image[np.newaxis].astype(float)
        for node in graph.nodes.values():
            if isinstance(node, nir.Flatten):
                # What follows has no threshold.
                break
            if isinstance(node, nir.Conv2d):
                windows = sliding_window_view(signal, node.weight.shape[2:], (2, 3))
                windows = windows[:, :, :: node.stride[0], :: node.stride[1]]
                signal = np.tensordot(
                    windows, node.weight, axes=((1, 4, 5), (1, 2, 3))
                ).transpose(0, 3, 1, 2)
                signal = signal + node.bias[:, np.newaxis, np.newaxis]
            elif isinstance(node, nir.AvgPool2d):
                size = int(node.kernel_size[0])
                windows = sliding_window_view(signal, (size, size), (2, 3))
                signal = windows[:, :, ::size, ::size].mean(axis=(4, 5))
            elif isinstance(node, nir.LIF):
                steps, voltage = next(layers), np.zeros(node.tau.shape)
                share = graph.metadata["dt"] / node.tau
                for step, spiked in enumerate(steps):
                    # The image stands still.
                    current = signal[min(step, len(signal) - 1)]
                    voltage += share * (current - voltage)
                    wrong = (voltage > node.v_threshold) != spiked
                    n_rounded += int(wrong.sum())
                    gaps = np.abs(voltage - node.v_threshold)[wrong]
                    furthest = max(furthest, float(gaps.max(initial=0)))
                    voltage[spiked] = 0
                signal = steps.astype(float)
    return n_rounded, furthest


def paper_network(**changes):
    """Return the paper's trained network with settings that NIR can say, but some."""
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    return classifier.set_params(**{**SAID, **changes})


def main():
    """Compare all settings in all simulators and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="who has them")
    asked = parser.parse_args()
    images = fetch_mnist().data[60_000:60_100].reshape(-1, 28, 28, 1)
    rows = [
        {"left_out": name, **compare(network, images, simulator, asked.python)}
        for name, changes in UNSAID.items()
        for network in [paper_network(**changes)]
        for simulator in SIMULATORS
    ]
    with written_whole(ROOT / "results" / "nir.csv") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
