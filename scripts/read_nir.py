"""Run a graph of NIR in another simulator: a process that `compare_nir.py` starts.

It uses nothing of snnlib, so it runs in an environment of its own, with PyTorch and the
simulator in it::

    python scripts/read_nir.py spikingjelly graph.nir images.npy 30 out.npz

What it writes holds the output of each step, and the spikes of each layer.
"""

import contextlib
import json
import sys
from importlib.metadata import version

import nir
import numpy as np
import torch


def read_spikingjelly(graph):
    """Return SpikingJelly's network, which is told the length of a step."""
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(graph, dt=float(graph.metadata["dt"]))


def read_snntorch(graph):
    """Return snnTorch's network, which takes each step for 0.1 ms."""
    from snntorch.import_nir import import_from_nir

    for node in graph.nodes.values():
        if isinstance(node, nir.LIF):
            node.tau = node.tau * 1e-4 / graph.metadata["dt"]
        # It counts the axis of the images among those to be flattened.
        if isinstance(node, nir.Flatten):
            node.start_dim += 1
    return import_from_nir(graph)


READERS = {"spikingjelly": read_spikingjelly, "snntorch": read_snntorch}


def run(net, images, n_steps):
    """Return the output at each step, and by name the spikes of each layer."""
    spikes = {}

    def keep(name, given):
        # A layer with a state returns it as well.
        given = given[0] if isinstance(given, tuple) else given
        spikes.setdefault(name, []).append(given.numpy() > 0)

    for name, module in net.named_children():
        if name.startswith("lif"):
            module.register_forward_hook(lambda *got, name=name: keep(name, got[2]))
    state, outputs = None, []
    with torch.no_grad():
        for _ in range(n_steps):
            output, state = net(torch.from_numpy(images), state)
            outputs.append(output.numpy().copy())
    return {
        "output": np.stack(outputs, axis=1),
        **{name: np.stack(steps, axis=1) for name, steps in spikes.items()},
    }


def main(simulator, graph, images, n_steps, out):
    """Read, run and write; print the versions there are."""
    # Readers print warnings of their own.
    with contextlib.redirect_stdout(sys.stderr):
        net = READERS[simulator](nir.read(graph))
        found = run(net, np.load(images), int(n_steps))
    np.savez(out, **found)
    names = (simulator, "nir", "nirtorch", "torch")
    sys.stdout.write(json.dumps({name: version(name) for name in names}))


if __name__ == "__main__":
    main(*sys.argv[1:])
