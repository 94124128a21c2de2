"""The sides of the race that live here: snnlib, Nengo and NengoDL.

Each is a process like those of the other simulators, so that all are weighed and
given their processors alike: ``python -m benchmarks.home_peer``.
"""

import math
import sys

import numpy as np

from benchmarks.serve import serve


def by_tau_rc(arrays):
    """Yield each membrane time constant and the places of its neurons."""
    for tau_rc in np.unique(arrays["tau_rc"]):
        yield float(tau_rc), np.flatnonzero(arrays["tau_rc"] == tau_rc)


def lif_together(arrays, n_steps):
    """Step all neurons together, as `snnlib.decide_together` does."""
    from snnlib.estimators._together import lif_steps

    current, tau_rc = arrays["J"], arrays["tau_rc"]
    rest = np.zeros(current.size)

    def run(_):
        fired = lif_steps(
            current,
            n_steps,
            tau_rc=tau_rc,
            tau_ref=rest,
            dt=float(arrays["dt"]),
            voltage=rest,
        )
        neurons = [*fired]
        steps = np.repeat(np.arange(n_steps), [*map(len, neurons)])
        neurons = np.concatenate(neurons)
        return {
            "counts": np.bincount(neurons, minlength=current.size).tolist(),
            "sums": np.bincount(neurons, steps, current.size).tolist(),
            "how": "the steps of decide_together",
        }

    serve(run, "snnlib", "nengo", "numpy")


def lif_formula(arrays, n_steps):
    """Count spikes by their formula, which takes no step."""
    import nengo

    from snnlib import lif_counts

    def run(_):
        counts = np.empty(arrays["J"].size, dtype=int)
        for tau_rc, at in by_tau_rc(arrays):
            lif = nengo.LIF(tau_rc=tau_rc, tau_ref=0)
            counts[at] = lif_counts(arrays["J"][at], n_steps, neuron_type=lif)
        return {"counts": counts.tolist(), "sums": None, "how": "lif_counts"}

    serve(run, "snnlib", "nengo", "numpy")


def lif_nengo(arrays, n_steps):
    """Put an ensemble for each time constant into one network."""
    import nengo

    def run(_):
        with nengo.Network(seed=0) as network:
            probes = []
            for tau_rc, at in by_tau_rc(arrays):
                rest = {"voltage": nengo.dists.Choice([0])}
                neurons = nengo.Ensemble(
                    at.size,
                    1,
                    neuron_type=nengo.LIF(tau_rc, tau_ref=0, initial_state=rest),
                    gain=np.ones(at.size),
                    bias=arrays["J"][at],
                ).neurons
                probes.append((at, nengo.Probe(neurons)))
        spikes = np.empty((n_steps, arrays["J"].size), dtype=bool)
        dt = float(arrays["dt"])
        with nengo.Simulator(network, dt=dt, progress_bar=False) as sim:
            sim.run_steps(n_steps)
            for at, probe in probes:
                spikes[:, at] = sim.data[probe] > 0
        return {
            "counts": spikes.sum(axis=0).tolist(),
            "sums": (np.arange(n_steps) @ spikes).tolist(),
            "how": "an ensemble for each tau_rc",
        }

    serve(run, "nengo", "numpy")


def conv_event(arrays, n_steps):
    """Classify images spike by spike."""
    from benchmarks.race import load_network

    classifier = load_network(n_steps)
    images = arrays["images"].reshape(len(arrays["images"]), -1)

    def run(_):
        result = classifier.simulate(images)
        classes = classifier.decide(result.output).argmax(axis=1)
        spikes = result.spike_counts.sum(axis=(0, 1))
        return {"classes": classes.tolist(), "spikes": spikes.tolist()}

    serve(run, "snnlib", "numba", "numpy")


def conv_nengo_dl(arrays, n_steps):
    """Classify images as NengoDL's own example does."""
    import nengo

    from benchmarks import peers
    from benchmarks.race import load_network

    classifier = load_network(n_steps)
    network, image, probe = peers.nengo_dl_network(
        classifier.weights_,
        max_rate=classifier.max_rate,
        synapse=classifier.synapse,
        lif=nengo.LIF(
            tau_rc=classifier.tau_rc,
            tau_ref=classifier.tau_ref,
            min_voltage=classifier.min_voltage,
            amplitude=classifier.amplitude,
            initial_state={"voltage": nengo.dists.Choice([0])},
        ),
    )
    images = arrays["images"].reshape(len(arrays["images"]), -1)
    # NengoDL leaves out what does not fill a batch.
    batch = math.gcd(200, len(images))

    with peers.nengo_dl_simulator(network, batch) as sim:

        def run(_):
            shown = (sim, image, probe, images, n_steps)
            classes = peers.nengo_dl_classes(*shown, is_mean=True)
            return {"classes": classes.tolist(), "spikes": None}

        serve(run, "nengo-dl", "tensorflow", "numpy")


def main(side, path, n_steps, _n_threads="1"):
    """Serve as one of the sides."""
    sides = (lif_together, lif_formula, lif_nengo, conv_event, conv_nengo_dl)
    with np.load(path) as file:
        arrays = dict(file)
    {each.__name__: each for each in sides}[side](arrays, int(n_steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
