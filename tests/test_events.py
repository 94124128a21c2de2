"""Event-driven simulation against NengoDL, spike for spike."""

import copy
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nengo
import numba
import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import snnlib
from snnlib import (
    DataUnavailableError,
    SpikingConvClassifier,
    events,
    fetch_mnist,
    load_digits28,
    results_path,
    train_test_mnist,
)
from snnlib.architectures import Conv, Pool, parse_architecture, weight_shapes
from snnlib.events import compile_events, simulate_events
from snnlib.networks import draw_voltage, rate_model
from snnlib.neurons import Lif

# An architecture, the rows, columns and channels of its images, and the parameters
# that differ from the defaults.
NETWORKS = {
    "conv": ("4C3", (8, 8, 1), {}),
    "pool after conv": ("4C3-AP2-6C2", (8, 8, 1), {"initial_voltage": "uniform"}),
    "pool that leaves a row over": ("3C2-AP3-5C2", (8, 8, 1), {"tau_rc": 0.22}),
    "pool of a pool": ("3C1-AP2-AP2-4C2", (8, 8, 1), {"layer_synapse": 0.005}),
    "pool of the image": ("AP2-4C2", (8, 8, 1), {"max_rate": 250.0}),
    "pool before the read-out": ("9C3-AP4", (8, 8, 1), {"layer_synapse": 0.02}),
    "strides": ("4C3S2-5C2", (8, 8, 1), {"intercept": 0.1, "amplitude": 0.02}),
    "strides after a pool": ("3C1-AP2-5C2S2", (8, 8, 1), {"layer_synapse": 0.1}),
    "strides that skip pixels": ("4C2S3-5C1S2", (8, 8, 1), {"tau_ref": 0.0}),
    "colour and not square": ("4C3-AP2-5C3", (9, 14, 3), {"tau_ref": 0.0035}),
    "fully connected": ("3C3-AP2-12-7", (8, 8, 1), {"layer_synapse": 0.01}),
    "fully connected only": ("9", (8, 8, 1), {"dt": 0.002}),
    # At high rates, four neurons of one place often spike together.
    "many channels": ("16C3-AP2-7C3-12", (8, 8, 1), {"max_rate": 400.0}),
    "no floor": ("4C3-AP2-6C2", (8, 8, 1), {"min_voltage": -1e3}),
    "a low floor": ("4C3-9", (8, 8, 1), {"min_voltage": -0.5, "tau_ref": 0.001}),
}
SETTINGS = {
    "reference": {},
    "slow membrane": {"tau_rc": 0.22},
    "high rate": {"max_rate": 250.0},
    "uniform voltage": {"initial_voltage": "uniform"},
    "raised intercept": {"intercept": 0.1, "amplitude": 0.02},
    "synapse between layers": {"layer_synapse": 0.005},
}
N_STEPS = 30


def untrained(architecture, image_shape=(28, 28, 1), **parameters):
    """Return a classifier of ten classes with random weights that do fire."""
    classifier = SpikingConvClassifier(architecture, batch_size=10, **parameters)
    classifier.set_params(presentation_time=N_STEPS * classifier.dt)
    classifier.image_shape_ = image_shape
    classifier.n_features_in_ = int(np.prod(image_shape))
    classifier.classes_, classifier.seed_ = np.arange(10), 1
    model = rate_model(image_shape, 10, architecture, seed=3)
    classifier.weights_ = [3 * weights for weights in model.get_weights()]
    classifier._simulator = None
    return classifier


def digits(n_images, image_shape=(28, 28, 1)):
    """Return digits, thinned out to the shape asked for, with shifted channels."""
    images = load_digits28().data[:n_images].reshape(-1, 28, 28)
    *sides, channels = image_shape
    step = 28 // max(sides)
    rows, columns = (
        slice((28 - side * step) // 2, (28 + side * step) // 2, step) for side in sides
    )
    thin = images[:, rows, columns]
    return np.stack([np.roll(thin, i, axis=1) for i in range(channels)], axis=3)


def run_events(classifier, images, dtype=np.float32):
    """Return output, counts and spikes of the event engine at a precision."""
    stages, neurons = compile_events(
        classifier.weights_,
        classifier.architecture,
        classifier.image_shape_,
        classifier._lifs,
        dt=classifier.dt,
        layer_synapse=classifier.layer_synapse,
        dtype=dtype,
    )
    rng = np.random.default_rng(classifier.seed_)
    voltages = [
        draw_voltage(classifier.initial_voltage, stage.shape, rng)
        for stage in stages[:-1]
    ]
    images = np.reshape(images, (len(images), -1))
    return simulate_events(stages, neurons, images, N_STEPS, voltages, keep_spikes=True)


def run_matrices(classifier, images):
    """Return output and spike counts of the declared network in NengoDL at float64."""
    from snnlib import nengo_dl, tf

    tf.keras.backend.set_floatx("float64")
    try:
        network = classifier.network_
        with network:
            nengo_dl.configure_settings(dtype="float64")
        shown = np.reshape(images, (len(images), 1, -1)).repeat(N_STEPS, axis=1)
        with nengo_dl.Simulator(
            network, dt=classifier.dt, minibatch_size=len(images), progress_bar=False
        ) as sim:
            data = sim.predict_on_batch({network.input: shown.astype(float)})
    finally:
        tf.keras.backend.set_floatx("float32")
    recorded = {probe.label: data[probe] for probe in network.all_probes}
    layers = [name for name in recorded if name.startswith("spikes")]
    counts = np.concatenate([recorded[name] for name in layers], axis=2)
    return recorded["output"], counts * classifier.dt / classifier.amplitude


def both_engines(classifier, images):
    """Simulate with both engines at float32, as the estimator does."""
    return [
        copy.copy(classifier).set_params(engine=engine).simulate(images)
        for engine in ("event", "nengo_dl")
    ]


def check_agreement(event, matrix):
    """Outputs to 1e-3 in 99.5 % of entries, counts to 0.01 %, all decisions equal."""
    assert matrix.spike_counts.sum() > 200
    totals = [run.spike_counts.sum(axis=(0, 1)) for run in (event, matrix)]
    np.testing.assert_allclose(*totals, rtol=1e-4, atol=1)
    assert np.mean(np.abs(event.output - matrix.output) < 1e-3) >= 0.995
    decisions = [run.output.mean(axis=1).argmax(axis=1) for run in (event, matrix)]
    np.testing.assert_array_equal(*decisions)


@pytest.mark.parametrize(
    ("architecture", "shape", "parameters"), NETWORKS.values(), ids=NETWORKS
)
def test_events_equal_nengo_dl_without_rounding(architecture, shape, parameters):
    """With 64 bits every layer spikes alike at every step, and outputs agree to 1e-9.

    So nothing but the rounding of 32 bits sets the engines apart.
    """
    classifier = untrained(architecture, shape, **parameters)
    images = digits(8, shape)
    output, counts, spikes = run_events(classifier, images, np.float64)
    expected, expected_counts = run_matrices(classifier, images)
    assert (counts.sum(axis=(0, 1)) > 20).all()
    np.testing.assert_array_equal(counts, np.rint(expected_counts))
    np.testing.assert_allclose(output, expected, atol=1e-9, rtol=0)
    for layer, spiked in enumerate(spikes):
        np.testing.assert_array_equal(spiked.sum(axis=(2, 3, 4)), counts[:, :, layer])


def drawn(architecture, image_shape, **parameters):
    """Return a classifier of three classes with random weights, without TensorFlow."""
    classifier = SpikingConvClassifier(architecture, **parameters)
    classifier.image_shape_, classifier.classes_ = image_shape, np.arange(3)
    classifier.seed_, classifier._simulator = 1, None
    rng = np.random.default_rng(2)
    shapes = weight_shapes(image_shape, 3, architecture)
    classifier.weights_ = [rng.normal(0.1, 1, shape) for shape in shapes]
    return classifier


def dense_lif(classifier, images):
    """Return output and spikes of every layer by dense sums and ``nengo.LIF.step``."""
    lif, dt = classifier._lif, classifier.dt
    gain, bias = lif.gain_bias()
    keep = classifier.layer_synapse and np.exp(-dt / classifier.layer_synapse)
    rng = np.random.default_rng(classifier.seed_)
    signal = np.repeat(images[:, np.newaxis], N_STEPS, axis=1).astype(float)
    weights, layers = iter(classifier.weights_), []
    for layer in (*parse_architecture(classifier.architecture), None):
        if isinstance(layer, Pool):
            size = layer.size
            windows = sliding_window_view(signal, (size, size), (2, 3))
            signal = windows[:, :, ::size, ::size].mean(axis=(-2, -1))
            continue
        kernel, constant = next(weights), next(weights)
        if isinstance(layer, Conv):
            windows = sliding_window_view(signal, kernel.shape[:2], (2, 3))
            windows = windows[:, :, :: layer.strides, :: layer.strides]
            x = np.einsum("itrckyx,yxkf->itrcf", windows, kernel) + constant
        else:
            x = signal.reshape(*signal.shape[:2], 1, 1, -1) @ kernel + constant
        if layer is None:
            return x[:, :, 0, 0], layers
        shape = x.shape[2:]
        voltage = draw_voltage(classifier.initial_voltage, shape, rng)
        state = {
            "voltage": np.tile(voltage, (len(images), 1, 1, 1)),
            "refractory_time": np.zeros((len(images), *shape)),
        }
        signal, filtered = np.zeros_like(x), np.zeros((len(images), *shape))
        spikes, output = np.zeros(x.shape, bool), np.zeros((len(images), *shape))
        for step in range(N_STEPS):
            before = output.copy()
            lif.neuron_type().step(dt, gain * x[:, step] + bias, output, **state)
            spikes[:, step] = output > 0
            if keep is not None:
                filtered = keep * filtered + (1 - keep) * before
            signal[:, step] = output if keep is None else filtered
        layers.append(spikes)
    return None


@pytest.mark.parametrize(
    ("architecture", "shape", "parameters"), NETWORKS.values(), ids=NETWORKS
)
def test_events_equal_dense_sums(architecture, shape, parameters):
    """With 64 bits every neuron spikes as by ``nengo.LIF.step`` on dense sums."""
    classifier = drawn(architecture, shape, **parameters)
    # More than a thread takes at a time, with blank pixels and full ones.
    images = np.random.default_rng(3).uniform(size=(6, *shape))
    images[:, ::2], images[:, 1::4] = 0, 1
    output, counts, spikes = run_events(classifier, images, np.float64)
    expected, layers = dense_lif(classifier, images)
    for number, (ours, theirs) in enumerate(zip(spikes, layers, strict=True)):
        assert ours.sum() > 20
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(counts[:, :, number], theirs.sum(axis=(2, 3, 4)))
    np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-9)


def test_events_keep_the_precision_they_are_compiled_for():
    """Weights, currents and outputs have 32 bits unless 64 are asked for."""
    classifier = drawn("4C3-AP2-6C2", (8, 8, 1))
    for weights in classifier.weights_:
        weights.setflags(write=False)
    images = np.random.default_rng(3).uniform(size=(2, 64))
    for dtype in (np.float32, np.float64):
        output, counts, spikes = run_events(classifier, images, dtype)
        assert output.dtype == dtype
        assert counts.dtype == int
        assert {layer.dtype for layer in spikes} == {np.dtype(bool)}
        stages, neurons = compile_events(
            classifier.weights_,
            "4C3-AP2-6C2",
            (8, 8, 1),
            [Lif()] * 2,
            dt=0.001,
            dtype=dtype,
        )
        for stage in stages:
            assert stage.weights.dtype == stage.current.dtype == stage.scale.dtype
            assert stage.weights.dtype == dtype
            assert stage.reach.dtype == np.int32
        assert {type(value) for value in neurons[0] if value is not False} == {dtype}
    assert not simulate_events(stages, neurons, images, 3, [np.zeros(144), [0] * 24])[2]


@pytest.mark.parametrize("parameters", SETTINGS.values(), ids=SETTINGS)
def test_events_agree_with_nengo_dl(parameters):
    """As the estimator runs them, with 32 bits, the engines keep the limits set."""
    shape = (14, 14, 1)
    classifier = untrained("6C3-AP2-8C3S2", shape, **parameters)
    check_agreement(*both_engines(classifier, digits(200, shape)))


def test_spike_trains_are_those_of_nengo_dl():
    """Both engines give each neuron's spikes, in the same shape."""
    classifier = untrained("3C3-AP2-4C2-7", (8, 8, 1), initial_voltage="uniform")
    images = digits(13, (8, 8, 1))
    event, matrix = (
        copy.copy(classifier).set_params(engine=engine).spike_trains(images)
        for engine in ("event", "nengo_dl")
    )
    shapes = [spikes.shape[2:] for spikes in event]
    assert shapes == [(6, 6, 3), (2, 2, 4), (1, 1, 7)]
    run = classifier.simulate(images)
    for layer, (ours, theirs) in enumerate(zip(event, matrix, strict=True)):
        assert ours.dtype == theirs.dtype == bool
        assert ours.shape == theirs.shape
        assert np.mean(ours != theirs) <= 1e-4
        totals = ours.sum(axis=(2, 3, 4))
        np.testing.assert_array_equal(totals, run.spike_counts[:, :, layer])
        assert totals.sum() > 100


def test_events_do_not_depend_on_the_batch(monkeypatch):
    """An image gives the same alone, among others, in few threads and in small parts.

    Parts of 7 steps have to carry voltages, signals and refractory times over.
    """
    images = digits(7)
    for parameters in ({}, {"layer_synapse": 0.003}):
        classifier = untrained("4C3-AP2-6C2", initial_voltage="uniform", **parameters)
        classifier.set_params(engine="event")
        together, alone = classifier.simulate(images), classifier.simulate(images[3:4])
        monkeypatch.setattr(events, "_MAX_LISTED", 7 * 26 * 26 * 4)
        monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
        in_parts = classifier.simulate(images)
        monkeypatch.undo()
        for run, part in ((alone, slice(3, 4)), (in_parts, slice(None))):
            np.testing.assert_array_equal(run.output, together.output[part])
            np.testing.assert_array_equal(run.spike_counts, together.spike_counts[part])


def test_events_list_a_layer_that_fires_whole():
    """Every neuron may spike at every step, and all spikes are counted."""
    classifier = untrained("3C3", (8, 8, 1), tau_ref=0.0, max_rate=1000.0)
    classifier.weights_[0], classifier.weights_[1] = (
        np.zeros_like(classifier.weights_[0]),
        np.full_like(classifier.weights_[1], 100),
    )
    classifier.set_params(engine="event")
    counts = classifier.simulate(digits(3, (8, 8, 1))).spike_counts
    assert (counts == 6 * 6 * 3).all()


def test_events_need_no_folder_to_write_to(tmp_path):
    """Where nothing can be cached, code is compiled quietly, with the same result.

    A file stands where each folder is wanted, which stops even an administrator.
    """
    package = tmp_path / "snnlib"
    shutil.copytree(
        Path(snnlib.__file__).parent, package, ignore=shutil.ignore_patterns("__py*")
    )
    file = tmp_path / "file"
    for path in (package / "__pycache__", file):
        path.write_text("")
    homes = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME")
    code = (
        "import numpy as np\n"
        "from snnlib import SpikingConvClassifier\n"
        "classifier = SpikingConvClassifier('4', engine='event')\n"
        "rng = np.random.default_rng(0)\n"
        "classifier.weights_ = [rng.normal(size=s) for s in ((9, 4), 4, (4, 2), 2)]\n"
        "classifier.image_shape_, classifier.seed_ = (3, 3, 1), 0\n"
        "classifier.classes_ = np.arange(2)\n"
        "output = classifier.simulate(rng.uniform(size=(2, 3, 3))).output\n"
    )
    script = (
        f"{code}from snnlib import events\nprint(events.__file__, output.tobytes())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={
            **os.environ,
            **dict.fromkeys(homes, str(file)),
            "NUMBA_CACHE_DIR": str(file / "cache"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    here = {}
    exec(code, here)
    assert np.ptp(here["output"]) > 1
    assert done.stdout == f"{package / 'events.py'} {here['output'].tobytes()}\n"


@pytest.fixture(scope="module")
def reference():
    """The trained network of lesson 06, and 200 test images of MNIST."""
    try:
        mnist = fetch_mnist(download_if_missing=False)
    except DataUnavailableError as error:
        pytest.skip(f"needs MNIST: {error}")
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    return classifier, train_test_mnist(mnist)[1]


@pytest.mark.slow
@pytest.mark.parametrize("parameters", SETTINGS.values(), ids=SETTINGS)
def test_events_agree_with_nengo_dl_on_the_reference_weights(reference, parameters):
    """The limits hold for 200 MNIST images and the trained network.

    A synapse between layers makes NengoDL many times slower: 40 images have to do.
    """
    classifier, images = reference
    changed = copy.copy(classifier).set_params(**parameters)
    n_images = 40 if changed.layer_synapse else 200
    check_agreement(*both_engines(changed, images[:n_images]))


@pytest.mark.slow
def test_events_equal_nengo_dl_without_rounding_on_the_reference_weights(reference):
    """With 64 bits the trained network spikes alike in both engines."""
    classifier, images = reference
    output, counts, _ = run_events(classifier, images[:20], np.float64)
    expected, expected_counts = run_matrices(classifier, images[:20])
    np.testing.assert_array_equal(counts, np.rint(expected_counts))
    np.testing.assert_allclose(output, expected, atol=1e-9, rtol=0)


@pytest.mark.slow
def test_engines_differ_only_by_rounding_at_the_threshold(reference):
    """Where a spike first differs from 64 bits, the voltage was within 1e-6 of 1.

    A number of 32 bits near 1 is one of a grid 1.2e-7 wide. Only the first difference
    counts: those after it follow from the spike gained or lost.
    """
    classifier, images = reference
    distances = {"event": [], "nengo_dl": []}
    for parameters in ({"max_rate": 250.0}, {"tau_rc": 0.22}, {}):
        changed = copy.copy(classifier).set_params(**parameters, batch_size=20)
        exact = run_events(changed, images, np.float64)[2]
        for engine, found in distances.items():
            spikes = changed.set_params(engine=engine).spike_trains(images)
            found += first_distances(changed, images, spikes, exact)
    for engine, found in distances.items():
        assert len(found) >= 2, engine
        assert np.abs(found).max() < 1e-6, engine


def first_distances(classifier, images, spikes, exact):
    """Return how far from 1 the voltage was where an image's spikes first differ."""
    distances = []
    for i, image in enumerate(images):
        differs = [
            ours[i] != theirs[i] for ours, theirs in zip(spikes, exact, strict=True)
        ]
        steps = [layer.any(axis=(1, 2, 3)) for layer in differs]
        if not np.any(steps):
            continue
        step = np.flatnonzero(np.any(steps, axis=0))[0]
        layer = [changed[step] for changed in steps].index(True)
        before = exact[layer - 1][i] if layer else image.reshape(1, 28, 28, 1)
        for neuron in np.argwhere(differs[layer][step]):
            voltage, fired = replay(classifier, layer, before, neuron)
            known = exact[layer][(i, slice(None), *neuron)]
            np.testing.assert_array_equal(fired[: step + 1], known[: step + 1])
            distances.append(voltage[step] - 1)
    return distances


def replay(classifier, layer, before, neuron):
    """Return a neuron's voltage before each reset, and its spikes, by nengo.LIF."""
    signal = np.broadcast_to(before, (N_STEPS, *before.shape[1:])).astype(float)
    if layer > 0:
        signal = signal * classifier.amplitude / classifier.dt
    if layer == 2:
        signal = signal.reshape(N_STEPS, 12, 2, 12, 2, -1).mean(axis=(2, 4))
    kernel, bias = (w.astype(float) for w in classifier.weights_[2 * layer :][:2])
    row, column, channel = neuron
    patch = signal[:, row : row + 3, column : column + 3]
    x = np.sum(patch * kernel[..., channel], axis=(1, 2, 3)) + bias[channel]
    lif = nengo.LIF(tau_rc=classifier.tau_rc, tau_ref=classifier.tau_ref)
    gain, offset = lif.gain_bias([classifier.max_rate], [classifier.intercept])
    state = {"voltage": np.zeros(1), "refractory_time": np.zeros(1)}
    voltages, fired, output = [], [], np.zeros(1)
    for current in gain * x[:, np.newaxis] + offset:
        waits = state["refractory_time"] - classifier.dt
        share = np.expm1(-np.clip(classifier.dt - waits, 0, classifier.dt) / lif.tau_rc)
        voltages.append(state["voltage"] - (current - state["voltage"]) * share)
        lif.step(classifier.dt, current, output, **state)
        fired.append(output > 0)
    return np.concatenate(voltages), np.concatenate(fired)
