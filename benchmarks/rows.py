"""The rows of the table: what is measured, against whom, and how much is asked for.

Each measurement runs in a process of its own, started by ``python -m benchmarks``, so
that none finds what another has left behind. What it needs is imported when it runs.
"""

import itertools
import math
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.measure import (
    ROOT,
    Finished,
    alternate,
    compare,
    extrapolate,
    is_met,
    run_process,
)

BATCH = 200
SYNAPSES = (0.001, 0.01, 0.1, 1.0)
MAX_RATES = (50.0, 100.0, 150.0, 200.0, 250.0)
TAU_RCS = (0.02, 0.07, 0.12, 0.17, 0.22)


class Row(NamedTuple):
    """One line of the table."""

    what: str
    peer: str
    goal: tuple
    """("at least", times as fast as the peer) or ("at most", times the peer's time)."""
    memory: float | None = None
    """The largest share of the peer's peak memory that meets the goal."""


ROWS = {
    "conv-warm": Row(
        "Conv net, 200 images for 30 steps, warm", "NengoDL's predict", ("at least", 10)
    ),
    "conv-cold": Row(
        "Conv net, 10,000 images for 30 steps, whole process, compiling included",
        "NengoDL",
        ("at least", 8),
        memory=0.5,
    ),
    "conv-synapses": Row(
        "The same with 4 values of the output synapse",
        "NengoDL, 4 processes",
        ("at least", 30),
    ),
    "training": Row(
        "Training the conv net, an epoch", "NengoDL's fit", ("at least", 1.5)
    ),
    "training-relu": Row(
        "Training the conv net, an epoch",
        "the ReLU network in Keras",
        ("at most", 1.4),
    ),
    "experiment-1": Row(
        "Experiment 1: 14 settings, all test rows",
        "a Nengo simulator for each setting and row",
        ("at least", 100),
    ),
    "experiment-2": Row(
        "Experiment 2: 100 settings, 1000 splits, fits included",
        "a Nengo simulator for each setting, split and row",
        ("at least", 500),
    ),
    "sweep": Row(
        "Sweep of lesson 4's notebook over 14 settings, two at a time",
        "papermill, one after the other",
        ("at least", 5),
    ),
    "import": Row("Importing snnlib", "importing nengo and sklearn", ("at most", 1.3)),
}


class Sizes(NamedTuple):
    """How much of everything is measured."""

    n_rounds: int
    warm_images: int
    cold_rounds: int
    """Whole processes, with neither side warmed up."""
    cold_images: int
    cold_peer_images: tuple
    """Sizes through which the peer's line goes; one that is ``cold_images`` is none."""
    epoch_images: int
    epoch_rounds: int
    n_splits: int
    """Of experiment 2, out of which ours runs all."""
    split_rounds: int
    n_sampled: int
    """Simulators run in each round to estimate all of the peer's in experiment 2."""
    sweep_rounds: int
    n_papermill: int
    """Of the sweep's 14 settings, those that papermill runs."""


SIZES = {
    "quick": Sizes(
        n_rounds=1,
        warm_images=BATCH // 2,
        cold_rounds=1,
        cold_images=BATCH,
        cold_peer_images=(BATCH,),
        epoch_images=2 * BATCH,
        epoch_rounds=1,
        n_splits=20,
        split_rounds=1,
        n_sampled=5,
        sweep_rounds=1,
        n_papermill=1,
    ),
    "normal": Sizes(
        n_rounds=7,
        warm_images=BATCH,
        cold_rounds=3,
        cold_images=10_000,
        cold_peer_images=(BATCH, 5 * BATCH),
        epoch_images=40 * BATCH,
        epoch_rounds=3,
        n_splits=1000,
        split_rounds=2,
        n_sampled=20,
        sweep_rounds=2,
        n_papermill=14,
    ),
    "full": Sizes(
        n_rounds=11,
        warm_images=BATCH,
        cold_rounds=3,
        cold_images=10_000,
        cold_peer_images=(10_000,),
        epoch_images=50_000,
        epoch_rounds=3,
        n_splits=1000,
        split_rounds=5,
        n_sampled=100,
        sweep_rounds=3,
        n_papermill=14,
    ),
}


def conv_warm(sizes):
    """Time both sides in one process, each compiled before the first round."""
    from benchmarks import peers
    from benchmarks.sides import load_classifier, load_images

    classifier = load_classifier()
    images, _ = load_images(sizes.warm_images)
    network, image, probe = peers.nengo_dl_network(classifier.weights_)
    found = {}

    def ours():
        output = classifier.simulate(images).output
        found["ours"] = classifier.decide(output).argmax(axis=1)

    def peer():
        found["peer"] = peers.nengo_dl_classes(sim, image, probe, images)

    with peers.nengo_dl_simulator(network, len(images)) as sim:
        costs = alternate({"ours": ours, "peer": peer}, sizes.n_rounds)
    check = _same_classes(found["ours"], found["peer"])
    about = {"check": check, "size": f"{len(images)} images"}
    return {"conv-warm": judge("conv-warm", costs["ours"], costs["peer"], **about)}


def conv_cold(sizes):
    """Time whole processes, from their imports to the classes on disk."""
    import numpy as np

    with TemporaryDirectory() as folder:
        run_process(side_command("data", folder))
        # An empty cache each, so that Numba compiles as after a fresh install.
        caches = (str(Path(folder, f"numba-{i}")) for i in itertools.count())

        def ours():
            command = side_command("ours", folder, sizes.cold_images, *SYNAPSES)
            return run_process(command, NUMBA_CACHE_DIR=next(caches))

        def peer(n_images):
            return run_process(side_command("nengo_dl", folder, n_images, BATCH, 0.1))

        costs = alternate(
            {"ours": ours} | {n: lambda n=n: peer(n) for n in sizes.cold_peer_images},
            sizes.cold_rounds,
            n_warm_ups=0,
        )
        n_shown = max(sizes.cold_peer_images)
        check = _same_classes(
            np.load(Path(folder, "ours-0.1.npy"))[:n_shown],
            np.load(Path(folder, f"peer-{n_shown}.npy")),
        )
    peers = [
        Finished(
            extrapolate(
                sizes.cold_peer_images, [c.seconds for c in turn], sizes.cold_images
            ),
            max(c.peak_mb for c in turn),
        )
        for turn in zip(*(costs[n] for n in sizes.cold_peer_images), strict=True)
    ]
    about = {
        "check": check,
        "size": f"{sizes.cold_images} images",
        # Of a few images, most of the time goes into starting up.
        "is_judged": sizes.cold_images == SIZES["normal"].cold_images,
    }
    if sizes.cold_peer_images != (sizes.cold_images,):
        measured = " and ".join(map(str, sizes.cold_peer_images))
        about["extrapolated"] = (
            f"NengoDL from processes of {measured} images to {sizes.cold_images}"
        )
    # One of ours serves both rows, though the first would need one synapse only.
    four = [cost._replace(seconds=4 * cost.seconds) for cost in peers]
    return {
        "conv-cold": judge("conv-cold", costs["ours"], peers, **about),
        "conv-synapses": judge("conv-synapses", costs["ours"], four, **about),
    }


def side_command(name, *arguments):
    """Return the command that runs a side as a process of its own."""
    return [sys.executable, "-m", "benchmarks.sides", name, *map(str, arguments)]


def _same_classes(ours, peer):
    """Say how many classes are the same, and refuse sides that do not do one thing."""
    n_same = int((ours == peer).sum())
    # Rounding at the threshold may move a spike, and a spike a close decision.
    if n_same < 0.99 * len(peer):
        msg = f"both sides must find the same classes; got {n_same} of {len(peer)}."
        raise RuntimeError(msg)
    return f"{n_same} of {len(peer)} classes the same"


def training(sizes):
    """Time an epoch of each of the three networks, after one to compile."""
    from benchmarks.peers import nengo_dl_network, nengo_dl_simulator
    from snnlib import fetch_mnist, rate_model, relu_model, tf, train_test_mnist

    X, _, y, _ = train_test_mnist(fetch_mnist(), n_test=1)
    X, y = X[: sizes.epoch_images], y[: sizes.epoch_images]
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    once = {"epochs": 1, "verbose": 0}

    def compiled(model):
        optimizer = tf.optimizers.RMSprop(0.001)
        model.compile(optimizer=optimizer, loss=loss, metrics="accuracy")
        return lambda: model.fit(X, y, batch_size=BATCH, **once)

    rate = rate_model((28, 28, 1), 10, seed=0)
    # NengoDL starts from the same weights, and trains without a synapse.
    network, image, probe = nengo_dl_network(rate.get_weights(), synapse=None)
    with nengo_dl_simulator(network, BATCH) as sim:
        sim.compile(
            optimizer=tf.optimizers.RMSprop(0.001),
            loss={probe: loss},
            metrics={probe: "accuracy"},
        )
        shown, codes = {image: X[:, None]}, {probe: y[:, None, None]}
        costs = alternate(
            {
                "ours": compiled(rate),
                "peer": lambda: sim.fit(shown, codes, **once),
                "relu": compiled(relu_model((28, 28, 1), 10, seed=0)),
            },
            sizes.epoch_rounds,
        )
    size = f"{len(X)} images an epoch"
    return {
        name: judge(name, costs["ours"], costs[peer], size=size)
        for name, peer in (("training", "peer"), ("training-relu", "relu"))
    }


def experiment_1(sizes):
    """Run every setting on every test row of the paper's split, by fitted neurons."""
    import numpy as np

    from snnlib import (
        SpikingRegressor,
        decide_together,
        load_iris_setosa,
        train_test_iris_setosa,
    )

    X, X_test, y, _ = train_test_iris_setosa(load_iris_setosa(), random_state=0)
    models = [
        SpikingRegressor(**{name: value}).fit(X, y)
        for name, values in (("max_rate", MAX_RATES), ("tau_rc", TAU_RCS))
        for value in values
    ]
    usual = SpikingRegressor().fit(X, y)
    settings = [(model, model.synapse) for model in models]
    settings += [(usual, synapse) for synapse in SYNAPSES]
    found = {}

    def ours():
        # The synapse comes after the spikes, so the last four share one neuron.
        *own, shared = decide_together(
            [*models, usual], [X_test] * (len(models) + 1), synapses=SYNAPSES
        )
        at = SYNAPSES.index(usual.synapse)
        found["ours"] = [*(values[at, 0] for values in own), *shared[:, 0]]

    def peer():
        found["peer"] = [simulate_rows(*setting, X_test) for setting in settings]

    costs = alternate({"ours": ours, "peer": peer}, sizes.n_rounds)
    for (model, _), decided, (spikes, theirs) in zip(
        settings, found["ours"], found["peer"], strict=True
    ):
        _refuse_other_numbers(decided, theirs)
        if not np.array_equal(model.spike_trains(X_test), spikes):
            msg = f"the spikes of {model} must be those of Nengo; they are not."
            raise RuntimeError(msg)
    n_spikes = sum(int(spikes.sum()) for spikes, _ in found["peer"])
    check = f"all {n_spikes} spikes identical"
    return {"experiment-1": judge("experiment-1", costs["ours"], costs["peer"], check)}


def experiment_2(sizes):
    """Run the paper's whole grid, with every neuron fitted anew to each split."""
    import numpy as np

    from snnlib import (
        SpikingClassifier,
        decide_together,
        load_birth_weight,
        train_test_birth_weight,
    )

    births = load_birth_weight()
    splits = [
        train_test_birth_weight(births, stratify=True, random_state=seed)
        for seed in range(sizes.n_splits)
    ]
    tests = [X_test for _, X_test, _, _ in splits]
    neurons = [
        {"max_rate": max_rate, "tau_rc": tau_rc}
        for max_rate, tau_rc in itertools.product(MAX_RATES, TAU_RCS)
    ]
    rng = np.random.default_rng(0)
    decisions = np.empty((len(neurons), len(splits), len(SYNAPSES), len(tests[0])))
    sampled = []

    def fit(number, split):
        X, _, y, _ = splits[split]
        return SpikingClassifier(**neurons[number]).fit(X, y)

    def ours():
        places = list(np.ndindex(decisions.shape[:2]))
        values = decide_together(
            (fit(*place) for place in places),
            (tests[split] for _, split in places),
            synapses=SYNAPSES,
        )
        for place, value in zip(places, values, strict=True):
            decisions[place] = value[:, 0]

    def peer():
        seconds = 0.0
        for _ in range(sizes.n_sampled):
            place = tuple(map(int, rng.integers(decisions.shape)))
            number, split, at, row = place
            model = fit(number, split)
            start = time.perf_counter()
            _, decided = simulate_rows(model, SYNAPSES[at], tests[split][[row]])
            seconds += time.perf_counter() - start
            sampled.append((place, decided[0]))
        return seconds / sizes.n_sampled * decisions.size

    costs = alternate({"ours": ours, "peer": peer}, sizes.split_rounds, n_warm_ups=0)
    for place, decided in sampled:
        _refuse_other_numbers(decisions[place], decided)
    return {
        "experiment-2": judge(
            "experiment-2",
            costs["ours"],
            costs["peer"],
            f"all {len(sampled)} sampled decisions the same",
            size=f"{len(splits)} splits x {len(neurons) * len(SYNAPSES)} settings",
            extrapolated=f"Nengo from {len(sampled)} runs to {decisions.size}",
        )
    }


def simulate_rows(model, synapse, rows):
    """Give each row a ``nengo.Simulator`` of its own.

    Parameters
    ----------
    model : SpikingRegressor or SpikingClassifier
        Fitted.
    synapse : float or None
        Low-pass time constant in seconds.
    rows : ndarray of shape (n_rows, n_features)
        Inputs, each held constant.

    Returns
    -------
    spikes : bool ndarray of shape (n_rows, n_steps, n_neurons)
    decisions : ndarray of shape (n_rows,)
        What `snnlib.decide_together` finds for them.
    """
    import nengo
    import numpy as np

    from snnlib import read_out

    # No decoders are solved for, so a cache of them would only cost time.
    nengo.rc.set("decoder_cache", "enabled", "False")
    network = model.network_
    network.decode.synapse = synapse and nengo.Lowpass(synapse)
    probes = {probe.label: probe for probe in network.probes}
    network.probes.remove(probes["voltage"])
    spikes, decisions = [], []
    for row in rows:
        network.input.output = row
        with nengo.Simulator(network, dt=model.dt, progress_bar=False) as sim:
            sim.run(model.presentation_time)
        spikes.append(sim.data[probes["spikes"]] > 0)
        decisions.append(read_out(sim.data[probes["output"]], model.readout)[0])
    return np.array(spikes), np.array(decisions)


def _refuse_other_numbers(ours, theirs):
    import numpy as np

    if not np.allclose(ours, theirs, rtol=1e-9, atol=1e-12):
        msg = f"both sides must decide the same; got {ours} and {theirs}."
        raise RuntimeError(msg)


def sweep(sizes):
    """Time the whole command on the paper's settings, and papermill on each."""
    definition = ROOT / "sweeps" / "paper_linear_regression.yaml"
    script = Path(sys.executable).with_name
    with TemporaryDirectory() as folder:
        folders = (str(Path(folder, f"sweep-{i}")) for i in itertools.count())
        used = []

        def ours():
            used.append(next(folders))
            command = [script("snnlib"), "sweep", definition, "--workers", "2"]
            return run_process([*map(str, command), "--out", used[-1]])

        # Imported here, where no other process is started to be weighed.
        from snnlib import read_metrics
        from snnlib.plans import read_plan

        plan = read_plan(definition)
        chosen = [run for _, run in plan.rows][:: -(-14 // sizes.n_papermill)]
        executed = {run.id: Path(folder, f"{run.id}.ipynb") for run in chosen}

        def peer():
            seconds = 0.0
            for run in chosen:
                pairs = [("-p", name, str(value)) for name, value in run.given.items()]
                command = [script("papermill"), plan.notebook.path, executed[run.id]]
                command += itertools.chain(*pairs)
                seconds += run_process([*map(str, command)]).seconds
            return seconds / len(chosen) * len(plan.rows)

        costs = alternate(
            {"ours": ours, "peer": peer}, sizes.sweep_rounds, n_warm_ups=0
        )
        for run_id, path in executed.items():
            swept = read_metrics(Path(used[-1], "runs", f"{run_id}.ipynb"))
            if swept != read_metrics(path):
                msg = f"both sides must record the same; run {run_id} does not."
                raise RuntimeError(msg)
    ours, peer = ([cost._replace(peak_mb=math.nan) for cost in costs[s]] for s in costs)
    about = {"check": f"the metrics of {len(chosen)} runs identical"}
    if len(chosen) < len(plan.rows):
        about["extrapolated"] = (
            f"papermill from {len(chosen)} settings to {len(plan.rows)}"
        )
    return {"sweep": judge("sweep", ours, peer, **about)}


def imports(sizes):
    """Time whole Python processes that import and end."""
    codes = {
        "ours": "import snnlib",
        "peer": "import nengo, sklearn",
        # Names are loaded when they are first used, so this is what most will wait for.
        "loaded": "from snnlib import SpikingClassifier",
    }
    costs = alternate(
        {
            side: lambda code=code: run_process([sys.executable, "-c", code])
            for side, code in codes.items()
        },
        sizes.n_rounds,
        n_warm_ups=0,
    )
    loaded, peer = ([c.seconds for c in costs[side]] for side in ("loaded", "peer"))
    also = compare(loaded, peer, sense="at most")["median"]
    check = f"`{codes['loaded']}` takes {also:.2f} times theirs"
    return {"import": judge("import", costs["ours"], costs["peer"], check)}


def judge(name, ours, peer, check="", *, size="", extrapolated="", is_judged=True):
    """Return a row of the results: ratios, goal, verdict, and what was measured.

    Parameters
    ----------
    name : str
        One of `ROWS`.
    ours, peer : list of Finished
        The cost of each round.
    check : str, default=""
        How it was made sure that both sides do the same.
    size : str, default=""
        How much was measured, where the title does not say it.
    extrapolated : str, default=""
        What was not measured outright; empty if all was.
    is_judged : bool, default=True
        Whether the goal is about what was measured.

    Returns
    -------
    row : dict
    """
    row = ROWS[name]
    seconds = [[cost.seconds for cost in side] for side in (ours, peer)]
    found = compare(*seconds, sense=row.goal[0])
    met = is_met(row.goal, found["median"])
    peaks = [max(cost.peak_mb for cost in side) for side in (ours, peer)]
    if is_process := not math.isnan(sum(peaks)):
        found["peak_mb"] = dict(zip(("ours", "peer"), peaks, strict=True))
        found["memory_share"] = peaks[0] / peaks[1]
    if row.memory is not None:
        met = met and is_process and found["memory_share"] <= row.memory
    return {
        **row._asdict(),
        **found,
        "n_rounds": len(ours),
        "met": met if is_judged else None,
        "check": check,
        "size": size,
        "extrapolated": extrapolated,
    }


MEASUREMENTS = {
    imports: ("import",),
    conv_warm: ("conv-warm",),
    conv_cold: ("conv-cold", "conv-synapses"),
    experiment_1: ("experiment-1",),
    experiment_2: ("experiment-2",),
    training: ("training", "training-relu"),
    sweep: ("sweep",),
}
