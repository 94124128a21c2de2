"""The paper's network in SpikingJelly or snnTorch: a process that another one drives.

It uses nothing of snnlib, so it runs in an environment of its own, with PyTorch in it.
Each simulator gets the network as its tutorials write it for the CPU.
"""

import sys

import numpy as np
import torch
from serve import serve
from torch import nn
from torch.nn import functional

# Of the sizes from 20 to 200 the quickest here, by little.
BATCH = 50


def spikingjelly(arrays, n_steps, kept):
    """Return a network that takes all steps of a layer at once."""
    from spikingjelly.activation_based import functional as states
    from spikingjelly.activation_based import layer, neuron

    def lif():
        # Its step adds (J - v) / tau, so this tau makes it exact.
        return neuron.LIFNode(
            tau=float(1 / (1 - arrays["beta"])), v_threshold=1.0, v_reset=0.0
        )

    first = nn.Conv2d(1, 32, 3)
    net = nn.Sequential(
        lif(),
        layer.Conv2d(32, 64, 3),
        lif(),
        layer.AvgPool2d(2),
        layer.Conv2d(64, 128, 3),
        lif(),
        layer.AvgPool2d(2),
        layer.Flatten(),
        layer.Linear(5 * 5 * 128, 10),
    )
    give(arrays, [first, net[1], net[4], net[8]])
    states.set_step_mode(net, "m")
    net.eval()
    for at in (0, 2, 5):
        net[at].register_forward_hook(lambda *got: kept(got[2]))

    def show(images):
        states.reset_net(net)
        # What stands before the first state is computed once.
        current = first(images)
        return net(current.unsqueeze(0).expand(n_steps, *current.shape)).mean(0)

    return show


def snntorch(arrays, n_steps, kept):
    """Return a network that takes a step of all layers at once."""
    import snntorch as snn

    convs = [nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Conv2d(64, 128, 3)]
    last = nn.Linear(5 * 5 * 128, 10)
    give(arrays, [*convs, last])
    options = {"reset_mechanism": "zero", "reset_delay": False}
    lifs = [snn.Leaky(beta=arrays["beta"].item(), **options) for _ in convs]
    # Its input is not scaled by the leak.
    scale = 1 - arrays["beta"]
    for conv in convs:
        conv.weight.mul_(scale)
        conv.bias.mul_(scale)

    def show(images):
        voltages = [lif.reset_mem() for lif in lifs]
        total = 0.0
        current = convs[0](images)
        for _ in range(n_steps):
            spikes, voltages[0] = lifs[0](current, voltages[0])
            kept(spikes)
            spikes, voltages[1] = lifs[1](convs[1](spikes), voltages[1])
            kept(spikes)
            pooled = functional.avg_pool2d(spikes, 2)
            spikes, voltages[2] = lifs[2](convs[2](pooled), voltages[2])
            kept(spikes)
            total = total + last(functional.avg_pool2d(spikes, 2).flatten(1))
        return total / n_steps

    return show


def give(arrays, layers):
    """Give layers their trained weights."""
    for number, layer in enumerate(layers):
        layer.weight = nn.Parameter(arrays[f"kernel {number}"], requires_grad=False)
        layer.bias = nn.Parameter(arrays[f"bias {number}"], requires_grad=False)


def main(simulator, path, n_steps, n_threads):
    """Classify all images anew for each line."""
    torch.set_num_threads(int(n_threads))
    torch.set_grad_enabled(False)
    with np.load(path) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    # Of each layer and step, while they are counted.
    counts = []

    def kept(spikes):
        if is_counting:
            counts.append(int(spikes.count_nonzero()))

    is_counting = False
    makers = {"spikingjelly": spikingjelly, "snntorch": snntorch}
    show = makers[simulator](arrays, int(n_steps), kept)

    @torch.inference_mode()
    def run(check):
        nonlocal is_counting
        is_counting = check
        counts.clear()
        classes = [
            label
            for images in arrays["images"].split(BATCH)
            for label in show(images).argmax(1).tolist()
        ]
        layers = [sum(counts[layer::3]) for layer in range(3)] if check else None
        return {"classes": classes, "spikes": layers}

    serve(run, simulator, "torch")


if __name__ == "__main__":
    main(*sys.argv[1:])
