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

from snnlib import SpikingConvClassifier, fetch_mnist, results_path, to_nir
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
        Spikes of each layer here and there, how many of them differ, the largest
        difference between outputs, how many classes differ, and the versions.
    """
    with tempfile.TemporaryDirectory() as folder:
        graph, shown, out = (Path(folder, name) for name in ("g.nir", "x.npy", "o.npz"))
        nir.write(graph, to_nir(classifier, synapse=None, unsaid="metadata"))
        np.save(shown, images.transpose(0, 3, 1, 2))
        n_steps = round(classifier.presentation_time / classifier.dt)
        command = [python, Path(__file__).with_name("read_nir.py"), simulator]
        run = subprocess.run(
            [*command, graph, shown, f"{n_steps}", out],
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
    there = [found[name] for name in sorted(found) if name.startswith("lif")]
    there = [
        np.moveaxis(layer, 2, -1).reshape(expected.shape)
        for layer, expected in zip(there, here, strict=True)
    ]
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
        "output_range": f"{np.ptp(output):.4g}",
        "largest_output_difference": f"{np.abs(output - found['output']).max():.2g}",
        "differing_classes": int((classes[0] != classes[1]).sum()),
        "images": len(images),
        "versions": ", ".join(
            f"{name} {at}" for name, at in json.loads(run.stdout).items()
        ),
    }


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
