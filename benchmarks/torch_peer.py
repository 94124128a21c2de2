"""Run the paper's network in snnTorch: a process that another one drives.

It takes a file of arrays and a number of steps, and then simulates once for each line
it reads, answering each with a line: the seconds and the classes it found. It uses
nothing of snnlib, so it may run in an environment of its own, with PyTorch in it.
"""

import json
import sys
import time

import numpy as np
import snntorch
import torch
from torch.nn import functional


def classify(arrays, n_steps):
    """Show all images at once and return the class of each at the last step."""
    kernels = [arrays[f"kernel {layer}"] for layer in range(4)]
    biases = [arrays[f"bias {layer}"] for layer in range(4)]
    lifs = [
        snntorch.Leaky(beta=arrays["beta"].item(), reset_mechanism="zero")
        for _ in range(3)
    ]
    voltages = [lif.init_leaky() for lif in lifs]
    filtered = 0.0
    # The image stands still, so its current is worked out once.
    current = functional.conv2d(arrays["images"], kernels[0], biases[0])
    for _ in range(n_steps):
        spikes, voltages[0] = lifs[0](current, voltages[0])
        driven = functional.conv2d(spikes, kernels[1], biases[1])
        spikes, voltages[1] = lifs[1](driven, voltages[1])
        pooled = functional.avg_pool2d(spikes, 2)
        driven = functional.conv2d(pooled, kernels[2], biases[2])
        spikes, voltages[2] = lifs[2](driven, voltages[2])
        pooled = functional.avg_pool2d(spikes, 2).flatten(1)
        output = functional.linear(pooled, kernels[3], biases[3])
        filtered = arrays["keep"] * filtered + (1 - arrays["keep"]) * output
    return filtered.argmax(1).tolist()


def main():
    """Serve the process that started this one until it closes the pipe."""
    path, n_steps = sys.argv[1:]
    with np.load(path) as file:
        arrays = {name: torch.from_numpy(file[name]) for name in file.files}
    about = {"torch": torch.__version__, "snntorch": snntorch.__version__}
    sys.stdout.write(json.dumps(about) + "\n")
    sys.stdout.flush()
    for _ in sys.stdin:
        start = time.perf_counter()
        with torch.inference_mode():
            classes = classify(arrays, int(n_steps))
        seconds = time.perf_counter() - start
        sys.stdout.write(json.dumps([seconds, classes]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
