"""Where the time goes in the rows that miss their goals, part by part."""

import math
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import alternate, processor_time, run_process
from benchmarks.rows import BATCH, SYNAPSES, side_command

SIZES = {
    "quick": {"n_images": BATCH, "n_rounds": 1},
    "normal": {"n_images": 10_000, "n_rounds": 3},
}
SIZES["full"] = SIZES["normal"]
# Inputs and outputs of the three convolutions of 3 x 3: side and channels.
CONVOLUTIONS = ((28, 1, 32), (26, 32, 64), (12, 64, 128))
MATRIX = 2000


def cold(sizes):
    """Take a cold process of ours apart, by processes that do less and less.

    Parameters
    ----------
    sizes : dict
        One of `SIZES`.

    Returns
    -------
    found : dict
        ``parts``: the processor's seconds in each part. They add up to those of the
        whole process. ``additions``: billions of weights that spikes add up in a second
        of simulating, all else that a step takes counted in; ``bound``: billions of
        numbers that NumPy adds in one, to others in the processor's cache.
    """
    with TemporaryDirectory() as folder:
        run_process(side_command("data", folder))
        fresh = (str(Path(folder, f"fresh-{i}")) for i in range(99))
        kept = str(Path(folder, "kept"))

        def ours(n_images, cache):
            command = side_command("ours", folder, n_images, *SYNAPSES)
            return lambda: run_process(command, NUMBA_CACHE_DIR=cache or next(fresh))

        code = "import numpy; from snnlib import SpikingConvClassifier"
        costs = alternate(
            {
                "import": lambda: run_process([sys.executable, "-c", code]),
                "one, compiled": ours(1, kept),
                "one": ours(1, ""),
                "all, compiled": ours(sizes["n_images"], kept),
            },
            sizes["n_rounds"],
            # The first compiles what the others find compiled.
            n_warm_ups=1,
        )
    seconds = {name: min(cost.worked for cost in its) for name, its in costs.items()}
    simulating = seconds["all, compiled"] - seconds["one, compiled"]
    return {
        "what": f"A cold process with {sizes['n_images']:,} images",
        "additions": sizes["n_images"] * _additions() / simulating / 1e9,
        "bound": _cached_additions(),
        "parts": {
            "importing": seconds["import"],
            "loading, and the first image": seconds["one, compiled"]
            - seconds["import"],
            "compiling": seconds["one"] - seconds["one, compiled"],
            "simulating": simulating,
        },
    }


def _additions():
    """Return how many weights the spikes of an image add up, in the mean of a batch."""
    from benchmarks.sides import load_classifier, load_images
    from snnlib import network_cost

    images, _ = load_images(BATCH)
    return network_cost(load_classifier(), images, fold_pools=True).effective_acs


def _cached_additions(size=2**16, n_repeats=2000):
    """Return how many billions of numbers NumPy adds in a second, in the cache."""
    import numpy as np

    added, total = np.ones((2, size), np.float32)

    def add():
        for _ in range(n_repeats):
            np.add(total, added, out=total)

    cost = alternate({"add": processor_time(add)}, 5)["add"]
    return size * n_repeats / min(its.seconds for its in cost) / 1e9


def training(sizes):
    """Time a step of training, and the same convolutions with nothing around them.

    Parameters
    ----------
    sizes : dict
        One of `SIZES`.

    Returns
    -------
    found : dict
        ``parts``: the processor's seconds in each pass of the three convolutions, and
        in the rest; ``gflops``: billions of operations in such a second; ``bound``: as
        many in the product of two large matrices.
    """
    import numpy as np

    from snnlib import rate_model, tf

    rng = np.random.default_rng(0)
    model = rate_model((28, 28, 1), 10, seed=0)
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=tf.optimizers.RMSprop(0.001), loss=loss)
    images = rng.random((BATCH, 28 * 28), dtype=np.float32)
    labels = rng.integers(0, 10, BATCH)
    work = {"step": lambda: model.train_on_batch(images, labels)}
    operations = 0
    for number, (side, n_in, n_out) in enumerate(CONVOLUTIONS, 1):
        passes = _passes(rng, side, n_in, n_out)
        if number == 1:
            # No gradient is asked for at the pixels.
            del passes["input gradient"]
        operations += len(passes) * 2 * BATCH * (side - 2) ** 2 * 9 * n_in * n_out
        work |= {f"{name}, {number}": run for name, run in passes.items()}
    large = tf.constant(rng.standard_normal((MATRIX, MATRIX), dtype=np.float32))
    work["product"] = _waited(lambda: large @ large)
    timed = {name: processor_time(run) for name, run in work.items()}
    costs = alternate(timed, 5 * sizes["n_rounds"], n_warm_ups=2)
    seconds = {name: min(c.seconds for c in its) for name, its in costs.items()}
    step, product = seconds.pop("step"), seconds.pop("product")
    parts = {}
    for name, its in seconds.items():
        kind = name.partition(",")[0]
        parts[kind] = parts.get(kind, 0.0) + its
    in_all = math.fsum(parts.values())
    return {
        "what": f"A step of training, {BATCH} images",
        "parts": {
            **{f"convolutions, {kind}": its for kind, its in parts.items()},
            "all else": step - in_all,
        },
        "gflops": operations / in_all / 1e9,
        "bound": 2 * MATRIX**3 / product / 1e9,
    }


def _passes(rng, side, n_in, n_out):
    """Return the three passes of a convolution, each as a function to time."""
    import numpy as np

    from snnlib import tf

    shape, out = (BATCH, side, side, n_in), (BATCH, side - 2, side - 2, n_out)
    x, kernel, dy = (
        tf.constant(rng.standard_normal(of, dtype=np.float32))
        for of in (shape, (3, 3, n_in, n_out), out)
    )
    how = {"strides": [1, 1, 1, 1], "padding": "VALID"}
    run = {
        "forward": lambda: tf.nn.conv2d(x, kernel, **how),
        "filter gradient": lambda: tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=kernel.shape, out_backprop=dy, **how
        ),
        "input gradient": lambda: tf.raw_ops.Conv2DBackpropInput(
            input_sizes=shape, filter=kernel, out_backprop=dy, **how
        ),
    }
    return {name: _waited(compute) for name, compute in run.items()}


def _waited(compute):
    """Return a function that computes a tensor and reads from it."""
    from snnlib import tf

    # What is read has been computed.
    return lambda: float(tf.reduce_sum(compute()[..., :1, :1]))


PARTS = {"cold-process": cold, "training-step": training}
