"""Try NengoDL on each TensorFlow the project says it runs on, and note the outcome.

Each version gets a virtual environment of its own, which is deleted afterwards::

    python tests/versions.py
    python tests/versions.py --tensorflow 2.20 2.21 --python python3.12 python3.13

Every finished combination is a row of ``results/versions.csv``; an older row of the
same Python and TensorFlow is replaced, so an interrupted run loses nothing.
"""

import argparse
import csv
import datetime
import logging
import platform
import runpy
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "snnlib" / "_nengo_dl.py"
TABLE = ROOT / "results" / "versions.csv"
TENSORFLOWS = ("2.16", "2.17", "2.18", "2.19", "2.20", "2.21")
PACKAGES = ("tensorflow", "tf-keras", "keras", "nengo", "nengo-dl", "numpy")
STAGES = ("imports", "fits", "predicts")
COLUMNS = ("python", *PACKAGES, *STAGES, "date")

logger = logging.getLogger("versions")


def check():
    """Yield the name of each stage reached; an exception ends the check."""
    layer = runpy.run_path(str(LAYER))
    nengo_dl, tf = layer["nengo_dl"], layer["tf"]
    # Only after the layer: Keras 3 must come back unharmed.
    import keras
    import nengo
    import numpy as np

    assert keras.__version__.startswith("3."), keras.__version__
    yield "imports"

    with nengo.Network(seed=0) as net:
        stimulus = nengo.Node([0])
        neurons = nengo.Ensemble(50, 1, neuron_type=nengo.LIF(), seed=0)
        nengo.Connection(stimulus, neurons, synapse=None)
        output = nengo.Node(size_in=1)
        # The decoders start from nothing, so that all they know is learned.
        nengo.Connection(neurons, output, function=lambda _: 0, synapse=0.005)
        probe = nengo.Probe(output)
    x = np.tile(np.linspace(-1, 1, 16)[:, None, None], (1, 30, 1))
    with nengo_dl.Simulator(net, minibatch_size=16, progress_bar=False) as sim:
        sim.compile(tf.keras.optimizers.Adam(3e-4), loss={probe: "mse"})
        loss = sim.fit({stimulus: x}, {probe: -x}, epochs=60, verbose=0).history["loss"]
        assert loss[-1] < 0.3 * loss[0], loss
        yield "fits"
        y = sim.predict({stimulus: x}, verbose=0)[probe]
    error = np.mean((y[:, -10:] + x[:, -10:]) ** 2)
    assert error < 0.2 * np.mean(x**2), error
    yield "predicts"


def install(home, python, tensorflow):
    """Make a virtual environment and return its Python."""
    subprocess.run([python, "-m", "venv", home], check=True)
    env_python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pip = [env_python, "-m", "pip", "install", "--quiet"]
    # NengoDL's sdist asks for a setuptools that Python 3.12 cannot run.
    subprocess.run([*pip, "setuptools<81", "wheel"], check=True)
    packages = [
        "nengo>=4.1",
        "nengo-dl==3.6.0",
        f"tensorflow=={tensorflow}.*",
        f"tf-keras=={tensorflow}.*",
        "numpy>=1.26,<2.4",
    ]
    subprocess.run([*pip, "--no-build-isolation", *packages], check=True)
    return env_python


def outcome(python, tensorflow):
    """Return one row of the table: what was installed, and how far it got."""
    with tempfile.TemporaryDirectory(prefix="versions-") as folder:
        env_python = install(Path(folder), python, tensorflow)
        done = subprocess.run(
            [env_python, "-u", __file__, "--check"], capture_output=True, text=True
        )
    if done.returncode:
        logger.error("TensorFlow %s:\n%s", tensorflow, done.stderr)
    row = dict.fromkeys(STAGES, "no")
    row["date"] = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    row |= dict(line.split("=") for line in done.stdout.splitlines() if "=" in line)
    return row


def combination(row):
    """Return what makes a row unique: the minor versions, as numbers to sort by."""
    return [
        tuple(int(part) for part in row[name].split(".")[:2])
        for name in ("python", "tensorflow")
    ]


def save(row):
    """Put a row in the table, in the place of an older one of its combination."""
    rows = list(csv.DictReader(TABLE.open())) if TABLE.exists() else []
    rows = [old for old in rows if combination(old) != combination(row)]
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(sorted([*rows, row], key=combination))


def main():
    """Run the combinations that were asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tensorflow", nargs="+", default=TENSORFLOWS, metavar="X.Y")
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PATH")
    parser.add_argument("--check", action="store_true", help="check this environment")
    asked = parser.parse_args()
    if asked.check:
        write = sys.stdout.write
        write(f"python={platform.python_version()}\n")
        write("".join(f"{name}={version(name)}\n" for name in PACKAGES))
        for stage in check():
            write(f"{stage}=yes\n")
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for python in asked.python:
        for tensorflow in asked.tensorflow:
            row = outcome(python, tensorflow)
            save(row)
            logger.info(" ".join(f"{name}={row[name]}" for name in COLUMNS))


if __name__ == "__main__":
    main()
