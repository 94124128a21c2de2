"""Compare with simulators outside Nengo, where one is installed."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import alternate, compare

N_STEPS = 30


def snntorch(sizes, *, python=sys.executable):
    """Time snnTorch, in a process that waits for its turns beside ours.

    Parameters
    ----------
    sizes : Sizes
        How much is measured.
    python : str
        The Python to run it with, which needs PyTorch and snnTorch.

    Returns
    -------
    found : dict
        As a row of the table but without a goal; ``skipped`` alone where snnTorch is
        missing.
    """
    import numpy as np

    from benchmarks.sides import load_classifier, load_images

    classifier = load_classifier()
    images, labels = load_images(sizes.warm_images)
    found = {}

    def ours():
        output = classifier.simulate(images).output
        found["ours"] = classifier.decide(output).argmax(axis=1)

    def peer():
        process.stdin.write("\n")
        process.stdin.flush()
        seconds, found["peer"] = json.loads(process.stdout.readline())
        return seconds

    with TemporaryDirectory() as folder:
        path = Path(folder, "arrays.npz")
        np.savez(path, images=images.reshape(-1, 1, 28, 28), **leaky_arrays(classifier))
        command = [
            python,
            Path(__file__).with_name("torch_peer.py"),
            path,
            f"{N_STEPS}",
        ]
        with subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            versions = process.stdout.readline()
            if not versions:
                return {"skipped": "PyTorch or snnTorch is missing"}
            costs = alternate({"ours": ours, "peer": peer}, sizes.n_rounds)
            # The end of its input is what it waits for to end.
            process.stdin.close()
    accuracy = {side: float(np.mean(found[side] == labels)) for side in found}
    seconds = [[cost.seconds for cost in costs[side]] for side in ("ours", "peer")]
    return {
        "what": f"Conv net, {len(images)} images for {N_STEPS} steps, warm",
        "peer": "snnTorch",
        **compare(*seconds, sense="at least"),
        "n_rounds": sizes.n_rounds,
        "accuracy": accuracy,
        "versions": json.loads(versions),
    }


def leaky_arrays(classifier):
    """Return the network's weights for leaky neurons without a refractory period.

    snnTorch's neuron adds its input to ``beta`` times its voltage, so an input of
    ``(1 - beta) J`` leads it to J. The gain makes it fire at ``max_rate`` where the
    input is 1, as ours; in between the two differ a little.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        Of the paper's architecture.

    Returns
    -------
    arrays : dict of str to float32 ndarray
        ``kernel 0``, ``bias 0`` ... as PyTorch lays them out, ``beta``, and what the
        output's synapse keeps in a step, ``keep``.
    """
    import nengo
    import numpy as np

    lif = nengo.LIF(tau_rc=classifier.tau_rc, tau_ref=0)
    gain, bias = lif.gain_bias([classifier.max_rate], [classifier.intercept])
    beta = np.exp(-classifier.dt / classifier.tau_rc)
    arrays = {"beta": beta, "keep": np.exp(-classifier.dt / classifier.synapse)}
    height = 1.0
    for layer in range(4):
        kernel, constant = classifier.weights_[2 * layer : 2 * layer + 2]
        is_read_out = layer == 3
        scale = 1.0 if is_read_out else gain[0] * (1 - beta)
        offset = 0.0 if is_read_out else bias[0] * (1 - beta)
        if is_read_out:
            # Flattened after the last pool: PyTorch puts channels before positions.
            kernel = kernel.reshape(5, 5, 128, 10).transpose(3, 2, 0, 1).reshape(10, -1)
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        arrays[f"kernel {layer}"] = kernel * (scale * height)
        arrays[f"bias {layer}"] = constant * scale + offset
        height = classifier.amplitude / classifier.dt
    return {name: np.float32(value) for name, value in arrays.items()}
