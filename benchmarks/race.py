"""The race: the same neurons and the same network in several simulators.

Every side is a process that waits for its turn; each of the others lives in an
environment of its own, which ``make peers`` makes. What each finds is compared.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.measure import ROOT, alternate, pin
from benchmarks.serve import MARK

PEERS = ROOT / "build"


class Side(NamedTuple):
    """A simulator in the race."""

    environment: str
    """Folder below that of the peers; empty for the project's own."""
    program: str
    arguments: tuple = ()


LIF_SIDES = {
    "snnlib": Side("", "home_peer", ("lif_together",)),
    "snnlib, by formula": Side("", "home_peer", ("lif_formula",)),
    "Nengo": Side("", "home_peer", ("lif_nengo",)),
    "Brian2": Side("brian2", "brian2_peer"),
    "NEST": Side("nest", "nest_peer"),
}
CONV_SIDES = {
    "snnlib": Side("", "home_peer", ("conv_event",)),
    "NengoDL": Side("", "home_peer", ("conv_nengo_dl",)),
    "SpikingJelly": Side("simulators", "torch_peer", ("spikingjelly",)),
    "snnTorch": Side("simulators", "torch_peer", ("snntorch",)),
}
# What a side may differ in, as a share of all spikes and of all classes: rounding at
# the threshold moves a spike by a step.
MOST_SPIKES, MOST_CLASSES = 1e-4, 0.005
SIZES = {
    "quick": {"neurons": 400, "lif_rounds": 1, "images": 40, "conv_rounds": 1},
    "normal": {"neurons": 10_000, "lif_rounds": 2, "images": 200, "conv_rounds": 2},
    # Ten thousand images take minutes on each side: one round, after that of the check.
    "full": {"neurons": 10_000, "lif_rounds": 11, "images": 10_000, "conv_rounds": 1},
}
STEPS, THREADS = (8, 30), (1, 2)
# Where neither NIR nor a simulator can say what another means.
SAID = {
    "tau_ref": 0.0,
    "min_voltage": -1e6,
    "initial_voltage": "zero",
    "layer_synapse": None,
    "max_rate": 250.0,
    "amplitude": 1 / 250,
    "synapse": None,
    "readout": "overall",
}


def lif(sizes, peers):
    """Let neurons with settings of their own run for a second, under one input."""
    import nengo
    import numpy as np

    side = round(sizes["neurons"] ** 0.5)
    max_rate, tau_rc = (
        grid.ravel()
        for grid in np.meshgrid(
            np.linspace(20, 400, side), np.linspace(0.01, 0.2, side)
        )
    )
    gain, bias = np.transpose(
        [
            np.ravel(nengo.LIF(tau_rc=tau, tau_ref=0).gain_bias([rate], [0.0]))
            for rate, tau in zip(max_rate, tau_rc, strict=True)
        ]
    )
    arrays = {"J": 0.5 * gain + bias, "tau_rc": tau_rc, "dt": 0.001}
    entry = race(LIF_SIDES, arrays, 1000, 1, sizes["lif_rounds"], peers)
    found = {name: it.pop("found") for name, it in entry["sides"].items()}
    ours = found["snnlib"]
    n_spikes = sum(ours["counts"])
    for name, its in found.items():
        apart = n_apart(ours["counts"], its["counts"])
        if apart > MOST_SPIKES * n_spikes:
            msg = f"{name} must fire as snnlib does; {apart} spikes differ."
            raise RuntimeError(msg)
        check = f"{n_spikes - apart} of {n_spikes} spikes"
        if its["sums"] is not None:
            n_same = n_equal(ours["sums"], its["sums"])
            check += f", at the same steps in {n_same} of {len(max_rate)} neurons"
        entry["sides"][name] |= {"check": check, "how": its["how"]}
    return {
        "lif": {
            "what": "LIF neurons, each with its own max_rate and tau_rc, for 1,000 "
            "steps of 1 ms",
            "size": f"{len(max_rate)} neurons",
            **entry,
        }
    }


def load_network(n_steps):
    """Return the paper's network at settings that every side can say."""
    from benchmarks.sides import load_classifier

    classifier = load_classifier()
    return classifier.set_params(**SAID, presentation_time=n_steps * classifier.dt)


def conv(sizes, peers, n_steps, n_threads):
    """Let the paper's network classify images."""
    from benchmarks.sides import load_images

    images, labels = load_images(sizes["images"])
    arrays = {
        "images": images.reshape(-1, 1, 28, 28),
        **network_arrays(load_network(n_steps)),
    }
    entry = race(CONV_SIDES, arrays, n_steps, n_threads, sizes["conv_rounds"], peers)
    found = {name: it.pop("found") for name, it in entry["sides"].items()}
    ours = found["snnlib"]
    for name, its in found.items():
        n_same = sum(
            a == b for a, b in zip(ours["classes"], its["classes"], strict=True)
        )
        if n_same < (1 - MOST_CLASSES) * len(images):
            msg = f"{name} must find the same classes; got {n_same} of {len(images)}."
            raise RuntimeError(msg)
        check = f"{n_same} of {len(images)} classes"
        if its["spikes"]:
            apart = [
                abs(a - b) for a, b in zip(ours["spikes"], its["spikes"], strict=True)
            ]
            if sum(apart) > MOST_SPIKES * sum(ours["spikes"]):
                msg = f"{name} must spike as snnlib does; {apart} spikes differ."
                raise RuntimeError(msg)
            check += f", {sum(its['spikes'])} spikes for {sum(ours['spikes'])}"
        entry["sides"][name]["check"] = check
    right = n_equal(ours["classes"], labels.tolist())
    return {
        f"conv-{n_steps}-{n_threads}": {
            "what": f"The paper's network, {n_steps} steps",
            "size": f"{len(images)} images",
            "accuracy": right / len(images),
            "spikes_per_image": sum(ours["spikes"]) / len(images),
            **entry,
        }
    }


def n_equal(ours, theirs):
    """Return how many numbers are the same."""
    return sum(a == b for a, b in zip(ours, theirs, strict=True))


def n_apart(ours, theirs):
    """Return how far counts are apart in sum."""
    return sum(abs(a - b) for a, b in zip(ours, theirs, strict=True))


def race(sides, arrays, n_steps, n_threads, n_rounds, peers):
    """Start every side whose environment is there, and let them take turns.

    Parameters
    ----------
    sides : dict of str to Side
        The first is ours.
    arrays : dict of str to array
        What each is given, in a file.
    n_steps, n_threads : int
        Of the simulation, and for each process.
    n_rounds : int
        Rounds that count.
    peers : Path
        Folder of the environments.

    Returns
    -------
    entry : dict
        ``threads``, ``n_rounds``, and ``sides``: for each its ``seconds``, which are
        those of the processor where there is one thread, the ``ratios`` of its time to
        ours, round by round, ``peak_mb``, ``versions`` and what it ``found``; or, in
        ``skipped_sides``, why it is not there.
    """
    import numpy as np

    running, skipped = {}, {}
    with TemporaryDirectory() as folder, ExitStack() as stack:
        path = Path(folder, "arrays.npz")
        np.savez(path, **arrays)
        for name, side in sides.items():
            python = python_of(side, peers)
            if python is None:
                skipped[name] = f"{side.environment} is missing: make peers"
                continue
            command = [*program_of(side, python), *side.arguments]
            command += [str(path), str(n_steps)]
            if side.program != "brian2_peer" and side.program != "nest_peer":
                command.append(str(n_threads))
            running[name] = stack.enter_context(started(command, n_threads))
        versions = {name: answer_of(name, it) for name, it in running.items()}
        found = {name: ask(name, it, "check")[3] for name, it in running.items()}
        peaks = {}

        def turn(name):
            seconds, worked, peaks[name], _ = ask(name, running[name], "time")
            # On one processor the same, unless something else wants it too.
            return worked if n_threads == 1 else seconds

        costs = alternate(
            {name: lambda name=name: turn(name) for name in running},
            n_rounds,
            n_warm_ups=0,
        )
    seconds = {name: [cost.seconds for cost in its] for name, its in costs.items()}
    ours = seconds[next(iter(sides))]
    entries = {
        name: {
            "seconds": median(its),
            "ratios": [a / b for a, b in zip(its, ours, strict=True)],
            "peak_mb": peaks[name],
            "versions": versions[name],
            "found": found[name],
        }
        for name, its in seconds.items()
    }
    entry = {"threads": n_threads, "n_rounds": n_rounds, "sides": entries}
    return entry | ({"skipped_sides": skipped} if skipped else {})


def missing(row, peers):
    """Return the environments that a row needs and has not."""
    sides = LIF_SIDES if row == "lif" else CONV_SIDES
    needed = {side.environment for side in sides.values() if not python_of(side, peers)}
    return sorted(needed)


def python_of(side, peers):
    """Return the Python of a side, or None where it is not installed."""
    if not side.environment:
        return sys.executable
    path = Path(peers, side.environment, "bin", "python")
    return str(path) if path.exists() else None


def program_of(side, python):
    """Return how a side is started: ours as a module, the others as scripts."""
    if not side.environment:
        return [python, "-m", f"benchmarks.{side.program}"]
    return [python, str(Path(__file__).with_name(f"{side.program}.py"))]


def started(command, n_threads):
    """Start a side with so many processors and threads."""
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    threads = {f"{name}_NUM_THREADS": str(n_threads) for name in libraries}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **threads},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: pin(n_threads),
    )


def ask(name, process, what):
    """Let a side work once; return what `benchmarks.serve.serve` answers."""
    process.stdin.write(f"{what}\n")
    process.stdin.flush()
    return answer_of(name, process)


def answer_of(name, process):
    """Return the next line of a side."""
    for line in process.stdout:
        if MARK in line:
            return json.loads(line.partition(MARK)[2])
    msg = f"{name} must answer; it ended with code {process.wait()}."
    raise RuntimeError(msg)


def network_arrays(classifier):
    """Return the network's weights as currents of neurons that PyTorch can lay out.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        Of the paper's architecture, without a refractory time.

    Returns
    -------
    arrays : dict of str to float32 ndarray
        ``kernel 0``, ``bias 0`` ... as PyTorch lays them out, in currents, and
        ``beta``, what a voltage keeps in a step.
    """
    import nengo
    import numpy as np

    lif = nengo.LIF(tau_rc=classifier.tau_rc, tau_ref=classifier.tau_ref)
    gain, bias = lif.gain_bias([classifier.max_rate], [classifier.intercept])
    arrays = {"beta": np.exp(-classifier.dt / classifier.tau_rc)}
    height = 1.0
    for layer in range(4):
        kernel, constant = classifier.weights_[2 * layer : 2 * layer + 2]
        is_read_out = layer == 3
        scale = 1.0 if is_read_out else gain[0]
        offset = 0.0 if is_read_out else bias[0]
        if is_read_out:
            # Flattened after the last pool: PyTorch puts channels before positions.
            kernel = kernel.reshape(5, 5, 128, 10).transpose(3, 2, 0, 1).reshape(10, -1)
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        arrays[f"kernel {layer}"] = kernel * (scale * height)
        arrays[f"bias {layer}"] = constant * scale + offset
        height = classifier.amplitude / classifier.dt
    return {name: np.float32(value) for name, value in arrays.items()}


ROWS = {
    "lif": lif,
    **{
        f"conv-{steps}-{n}": partial(conv, n_steps=steps, n_threads=n)
        for steps in STEPS
        for n in THREADS
    },
}
