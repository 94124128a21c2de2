"""How cost grows: time and peak memory of the conv net against one quantity at a time.

Each curve runs in a process of its own, from its smallest value to its largest.
"""

from contextlib import contextmanager
from functools import partial
from itertools import repeat
from statistics import median

from benchmarks.measure import (
    alternate,
    peak_memory,
    pin,
    processor_time,
    reset_peak,
    slope,
)

# Neurons that fire more and more: their `max_rate` in Hz, and the input at which they
# begin to fire. Below 0 they fire at nothing too.
SPIKES = (
    *((50.0, 0.0), (100.0, 0.0), (200.0, 0.0), (300.0, 0.0), (400.0, 0.0)),
    *((100.0, -1.0), (150.0, -1.0), (200.0, -1.0), (300.0, -1.0), (400.0, -1.0)),
)
SIZES = {
    "quick": {
        "n_images": 40,
        "n_rounds": 1,
        "ours": {"images": [20, 40, 80], "spikes": [*SPIKES[1:3], SPIKES[5]]},
        "peer": {"images": [20, 40]},
    },
    "normal": {
        "n_images": 40,
        "n_rounds": 2,
        "ours": {
            "images": [10, 20, 30, 40, 60, 80, 120, 160, 240, 320],
            "steps": [3, 5, 8, 12, 18, 26, 40, 60, 90, 130],
            "spikes": [*SPIKES],
            "batch": [1, 4, 10, 40],
            "neurons": [1000 * 2**power for power in range(10)],
        },
        "peer": {
            "images": [10, 20, 30, 40, 60, 80, 120, 160, 240, 320],
            "steps": [3, 5, 8, 12, 18, 26, 40, 60, 90, 130],
            "spikes": [*SPIKES],
            "batch": [10, 40],
            "neurons": [1, 2, 3, 4, 6, 9, 14, 20, 30, 45],
        },
    },
}
# As they are named in the results.
CURVES = [f"{it}, {side}" for side in ("ours", "peer") for it in SIZES["normal"][side]]
SIZES["full"] = {
    **SIZES["normal"],
    "n_rounds": 5,
    "peer": {**SIZES["normal"]["peer"], "batch": [1, 4, 10, 40]},
}


def grow(side, quantity, sizes):
    """Measure one curve.

    Parameters
    ----------
    side : {"ours", "peer"}
        Whose cost: the peer is NengoDL, or Nengo for single neurons.
    quantity : {"images", "steps", "spikes", "batch", "neurons"}
        What varies: images, steps for each of them, spikes for each of them, images
        handed over at a time, or single neurons that run for a second. Spikes are
        varied through ``max_rate`` and ``intercept``, with amplitude 1 / max_rate, and
        counted.
    sizes : dict
        One of `SIZES`.

    Returns
    -------
    curve : dict
        ``x``, ``seconds`` of a single processor and ``peak_mb`` (of the whole process),
        and the slopes of the two on log axes.
    """
    # Of one processor, no other process takes anything away.
    pin(1)
    measure = _neurons if quantity == "neurons" else _conv_net
    curve = {"x": [], "seconds": [], "peak_mb": []}
    for x, run in measure(side, quantity, sizes):
        run()
        reset_peak()
        timed = {side: processor_time(run)}
        (costs,) = alternate(timed, sizes["n_rounds"], n_warm_ups=0).values()
        curve["x"].append(x)
        curve["seconds"].append(median(cost.seconds for cost in costs))
        curve["peak_mb"].append(peak_memory())
    return curve | {
        f"{cost}_slope": slope(curve["x"], curve[cost])
        for cost in ("seconds", "peak_mb")
    }


def _conv_net(side, quantity, sizes):
    """Yield each value of the quantity, and a function to time."""
    from benchmarks.sides import load_classifier, load_images

    classifier = load_classifier()
    values = sizes[side][quantity]
    shown, _ = load_images(max(values) if quantity == "images" else sizes["n_images"])
    for value in values:
        images = shown[:value] if quantity == "images" else shown
        at = {"steps": 30, "spikes": SPIKES[1], "batch": len(images), quantity: value}
        if quantity == "images":
            at["batch"] = min(values)
        max_rate, intercept = at["spikes"]
        classifier.set_params(
            max_rate=max_rate,
            intercept=intercept,
            amplitude=1 / max_rate,
            presentation_time=at["steps"] * classifier.dt,
        )
        if quantity == "spikes":
            value = float(classifier.simulate(images).spike_counts.sum() / len(images))
        if side == "peer":
            with _nengo_dl(classifier, images, at) as run:
                yield value, run
        elif quantity == "batch":
            parts = [images[i : i + value] for i in range(0, len(images), value)]
            yield value, lambda parts=parts: [*map(classifier.simulate, parts)]
        else:
            yield value, lambda images=images: classifier.simulate(images)


@contextmanager
def _nengo_dl(classifier, images, at):
    from benchmarks.peers import nengo_dl_classes, nengo_dl_network, nengo_dl_simulator

    network, image, probe = nengo_dl_network(
        classifier.weights_,
        max_rate=classifier.max_rate,
        intercept=classifier.intercept,
        amplitude=classifier.amplitude,
    )
    with nengo_dl_simulator(network, at["batch"]) as sim:
        yield lambda: nengo_dl_classes(sim, image, probe, images, at["steps"])


def _neurons(side, quantity, sizes):
    """Yield each number of neurons, and a function to time."""
    from benchmarks.rows import SYNAPSES, simulate_rows
    from snnlib import SpikingClassifier, decide_together, load_birth_weight

    births = load_birth_weight()
    model = SpikingClassifier().fit(births.data, births.target)

    def together(n_neurons):
        n_models = -(-n_neurons // len(births.data))
        pairs = (repeat(x, n_models) for x in (model, births.data))
        for _ in decide_together(*pairs, synapses=SYNAPSES):
            pass

    def apart(n_neurons):
        simulate_rows(model, model.synapse, births.data[:n_neurons])

    for n_neurons in sizes[side][quantity]:
        yield n_neurons, partial({"ours": together, "peer": apart}[side], n_neurons)
