"""Networks as graphs of NIR: read by Euler steps of our own, and read back."""

import copy
import itertools
import json

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.datasets import load_diabetes, load_iris
from sklearn.datasets import load_digits as load_small_digits
from test_events import NETWORKS, digits, untrained

from snnlib import (
    SpikingClassifier,
    SpikingConvClassifier,
    SpikingRegressor,
    from_nir,
    lowpass,
    to_nir,
)
from snnlib.cli import main
from snnlib.events import compile_events, simulate_events

nir = pytest.importorskip("nir")
# Without a refractory period, what a step leaves of its time is lost.
pytestmark = pytest.mark.filterwarnings("ignore:.*room for one spike")

# What NIR can say: no refractory period, no floor that a voltage reaches.
SAID = {"tau_ref": 0.0, "min_voltage": -1e4}


def through_a_file(graph, folder):
    """Return the graph as whoever reads its file gets it."""
    nir.write(folder / "graph.nir", graph)
    return nir.read(folder / "graph.nir")


def run_graph(graph, inputs, n_steps):
    """Step a graph by Euler, as the equations of NIR's documents say.

    It shares nothing with snnlib. Return what each node gives, by name, with axes
    (inputs, steps, ...), the input standing still.
    """
    (name,) = (n for n, node in graph.nodes.items() if isinstance(node, nir.Input))
    after, dt = dict(graph.edges), float(graph.metadata["dt"])
    names = [name]
    while names[-1] in after:
        names.append(after[names[-1]])
    voltages = dict.fromkeys(names, 0.0)
    given = {name: [] for name in names}
    for _ in range(n_steps):
        signal = np.asarray(inputs, float)
        for name in names:
            node = graph.nodes[name]
            if isinstance(node, nir.LIF | nir.LI):
                v = voltages[name]
                v = v + dt / node.tau * (node.v_leak - v + node.r * signal)
                signal = v
                if isinstance(node, nir.LIF):
                    signal = (v > node.v_threshold).astype(float)
                    v = np.where(signal, node.v_reset, v)
                voltages[name] = v
            else:
                signal = pass_on(node, signal)
            given[name].append(signal)
    return {name: np.stack(signals, axis=1) for name, signals in given.items()}


def pass_on(node, signal):
    """Return what a node without a state makes of a signal."""
    if isinstance(node, nir.Flatten):
        assert (node.start_dim, node.end_dim) == (0, -1)
        return signal.reshape(len(signal), -1)
    if isinstance(node, nir.Affine):
        return signal @ node.weight.T + node.bias
    if isinstance(node, nir.Linear):
        return signal @ node.weight.T
    if isinstance(node, nir.Conv2d):
        windows = windows_of(signal, node.weight.shape[2:], node.stride)
        convolved = np.einsum("nchwij,ocij->nohw", windows, node.weight)
        return convolved + node.bias[:, None, None]
    if isinstance(node, nir.AvgPool2d | nir.SumPool2d):
        windows = windows_of(signal, node.kernel_size, node.stride)
        summed = windows.sum(axis=(-2, -1))
        is_mean = isinstance(node, nir.AvgPool2d)
        return summed / np.prod(node.kernel_size) if is_mean else summed
    assert isinstance(node, nir.Input | nir.Output), node
    return signal


def windows_of(signal, size, stride):
    windows = sliding_window_view(signal, tuple(size), axis=(2, 3))
    return windows[:, :, :: int(stride[0]), :: int(stride[1])]


def channels_first(images, image_shape):
    return images.reshape(-1, *image_shape).transpose(0, 3, 1, 2)


def spikes_of(given):
    """Return the spikes of each layer, with channels last, as snnlib has them."""
    layers = [given[name] > 0 for name in given if name.startswith("lif")]
    return [
        np.moveaxis(layer, 2, -1)
        if layer.ndim == 5
        else layer.reshape(*layer.shape[:2], 1, 1, -1)
        for layer in layers
    ]


def in_double_precision(classifier, images):
    """Return the output and spikes of a conv net whose every number is float64."""
    stages, neurons = compile_events(
        [weights.astype(float) for weights in classifier.weights_],
        classifier.architecture,
        classifier.image_shape_,
        classifier._lifs,
        dt=classifier.dt,
        dtype=np.float64,
    )
    voltages = [np.zeros(stage.shape) for stage in stages[:-1]]
    flat = images.reshape(len(images), -1)
    output, _, spikes = simulate_events(
        stages, neurons, flat, classifier._n_steps, voltages, keep_spikes=True
    )
    return output, spikes


@pytest.fixture(scope="module")
def small_digits():
    """Scikit-learn's digits, 8 x 8 pixels in [0, 1]: 1,000 to train, 200 to test."""
    images, labels = load_small_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8).astype(np.float32) / 16
    return images[:1000], labels[:1000], images[1000:1200], labels[1000:1200]


@pytest.fixture(scope="module")
def conv(small_digits):
    """A conv net with all kinds of layers; its tests must leave it as it is."""
    classifier = SpikingConvClassifier(
        "8C3-AP2-8C2-20",
        max_rate=200.0,
        amplitude=0.005,
        n_epochs=20,
        learning_rate=0.005,
        batch_size=50,
        engine="event",
        verbose=0,
        random_state=0,
        **SAID,
    )
    return classifier.fit(*small_digits[:2])


@pytest.fixture(scope="module")
def ensembles():
    """One fitted estimator of each kind with one ensemble, and rows to show."""
    settings = {"presentation_time": 0.2, "synapse": 0.02, "random_state": 1}
    X, y = load_diabetes(return_X_y=True)
    regressor = SpikingRegressor(7, **settings, **SAID).fit(X[:300], y[:300])
    flowers, kinds = load_iris(return_X_y=True)
    classifier = SpikingClassifier(5, intercept=-0.5, **settings, **SAID)
    return [(regressor, X[300:320]), (classifier.fit(flowers, kinds), flowers[::9])]


@pytest.mark.parametrize("pool", ["average", "sum"])
def test_another_simulator_gives_the_same_spikes(conv, small_digits, tmp_path, pool):
    """In double precision all spikes of digits are equal; outputs and classes too."""
    images, labels = small_digits[2:]
    graph = through_a_file(to_nir(conv, pool=pool), tmp_path)
    given = run_graph(graph, channels_first(images, (8, 8, 1)), 30)
    output, spikes = in_double_precision(conv, images)
    for found, expected in zip(spikes_of(given), spikes, strict=True):
        assert expected.any()
        np.testing.assert_array_equal(found, expected)
    raw = given["affine_1"]
    np.testing.assert_allclose(raw, output, rtol=1e-9, atol=1e-9)
    scores = conv.decide(raw)
    np.testing.assert_allclose(scores, conv.decide(output), rtol=1e-9, atol=1e-9)
    predicted = conv.classes_[scores.argmax(axis=1)]
    assert np.mean(predicted == labels) > 0.8
    np.testing.assert_array_equal(predicted, conv.predict(images))


def test_single_precision_moves_few_spikes(conv, small_digits):
    """What the estimator itself computes differs by spikes at the threshold alone."""
    images = small_digits[2]
    given = run_graph(to_nir(conv), channels_first(images, (8, 8, 1)), 30)
    for found, expected in zip(
        spikes_of(given), conv.spike_trains(images), strict=True
    ):
        assert np.sum(found != expected) <= 1e-3 * expected.sum()


def test_the_filter_at_the_end_is_one_step_ahead(conv, small_digits):
    """The LI gives at a step what Nengo's synapse gives at the next one."""
    images = small_digits[2][:20]
    given = run_graph(to_nir(conv), channels_first(images, (8, 8, 1)), 30)
    filtered = lowpass(given["affine_1"], conv.synapse, axis=1)
    assert np.ptp(filtered) > 0.1
    np.testing.assert_allclose(given["li"][:, :-1], filtered[:, 1:], atol=1e-12)
    np.testing.assert_array_equal(given["output"], given["li"])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_architecture_is_read_alike(name):
    """Shapes, strides, pools and their order: the spikes are ours in each layer."""
    architecture, image_shape, parameters = NETWORKS[name]
    changes = {"initial_voltage": "zero", "layer_synapse": None}
    classifier = untrained(architecture, image_shape, **parameters)
    classifier.set_params(**changes, **SAID)
    images = digits(8, image_shape)
    graph = to_nir(classifier, synapse=None, pool="sum" if "C2" in name else "average")
    given = run_graph(graph, channels_first(images, image_shape), 30)
    output, spikes = in_double_precision(classifier, images)
    for found, expected in zip(spikes_of(given), spikes, strict=True):
        assert found.shape == expected.shape
        assert expected.any()
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(given["output"], output, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_read_back_is_the_same_classifier(name, tmp_path):
    """Weights, settings and spikes, also of what only the metadata says."""
    architecture, image_shape, parameters = NETWORKS[name]
    classifier = untrained(architecture, image_shape, **parameters)
    classifier.classes_ = np.array([f"digit {digit}" for digit in range(10)])
    graph = through_a_file(to_nir(classifier, unsaid="metadata"), tmp_path)
    again = from_nir(graph)
    assert again.get_params() == classifier.get_params()
    assert again.image_shape_ == image_shape
    np.testing.assert_array_equal(again.classes_, classifier.classes_)
    for found, expected in zip(again.weights_, classifier.weights_, strict=True):
        np.testing.assert_array_equal(found, expected)
    images = digits(4, image_shape).reshape(4, *image_shape)
    pairs = again.spike_trains(images), classifier.spike_trains(images)
    for found, expected in zip(*pairs, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("synapse", ["own", None])
def test_ensembles_give_the_same_spikes(ensembles, tmp_path, synapse):
    """So do regressor and classifier, whose rows are centred and scaled by weights."""
    for estimator, X in ensembles:
        graph = through_a_file(estimator.to_nir(synapse=synapse), tmp_path)
        given = run_graph(graph, X, 200)
        spikes = estimator.spike_trains(X)
        assert spikes.any()
        np.testing.assert_array_equal(given["lif"] > 0, spikes)
        output = given["output"]
        if synapse is None:
            expected = estimator.simulate(X) + estimator.output_bias_
            np.testing.assert_allclose(output, expected, rtol=1e-9)
        else:
            expected = estimator.output(X)
            np.testing.assert_allclose(output[:, :-1], expected[:, 1:], rtol=1e-9)


@pytest.mark.parametrize(
    "changes", [{}, {"tau_ref": 0.002, "initial_voltage": "uniform"}]
)
def test_ensembles_are_read_back(ensembles, tmp_path, changes):
    """The estimator read back spikes and predicts as the one that was written."""
    for fitted, X in ensembles:
        estimator = copy.deepcopy(fitted).set_params(**changes)
        graph = through_a_file(to_nir(estimator, unsaid="metadata"), tmp_path)
        again = from_nir(graph)
        assert type(again) is type(estimator)
        assert again.get_params() == estimator.get_params()
        np.testing.assert_array_equal(again.spike_trains(X), estimator.spike_trains(X))
        found, expected = again.predict(X), estimator.predict(X)
        if isinstance(estimator, SpikingClassifier):
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("tau_ref", 0.002, "tau_ref must be 0 for NIR.*refractory period; got 0.002"),
        ("initial_voltage", "dither", "initial_voltage must be 'zero'.*'dither'"),
        ("min_voltage", 0.0, "min_voltage must be at most -[0-9]+, which no voltage"),
        (
            "layer_synapse",
            0.005,
            "layer_synapse must be None.*a step sooner; got 0.005",
        ),
    ],
)
def test_what_nir_cannot_say_is_refused(conv, name, value, sentence):
    """A setting that would be lost is refused, or written beside on request."""
    changed = copy.deepcopy(conv).set_params(**{name: value})
    with pytest.raises(ValueError, match=sentence):
        changed.to_nir()
    graph = changed.to_nir(unsaid="metadata")
    assert graph.metadata["unsaid"] == {name: value}
    assert "unsaid" not in conv.to_nir().metadata
    if name == "tau_ref":
        # The gains that lead to ``max_rate`` follow from it, and they remain.
        return
    # Whoever reads no metadata gets the network without the setting.
    for key, node in conv.to_nir().nodes.items():
        for what, expected in node.to_dict().items():
            found = graph.nodes[key].to_dict()[what]
            np.testing.assert_array_equal(found, expected)


def test_the_lowest_voltage_is_the_floor_that_may_stay(conv, small_digits):
    """At the bound that the refusal names, and at no higher one, nothing is lost."""
    changed = copy.deepcopy(conv).set_params(min_voltage=0.0)
    with pytest.raises(ValueError, match="min_voltage") as refusal:
        to_nir(changed)
    bound = float(str(refusal.value).split("at most ")[1].split(",")[0])
    to_nir(changed.set_params(min_voltage=bound))
    images = small_digits[2]
    pairs = changed.spike_trains(images), conv.spike_trains(images)
    for found, expected in zip(*pairs, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="min_voltage"):
        to_nir(changed.set_params(min_voltage=bound + 2))


def test_a_floor_that_no_spike_feels_may_stay(ensembles):
    """Where all input stands still, a neuron below 0 never fires, floor or not."""
    one_layer = untrained("4C3", (8, 8, 1), tau_ref=0.0)
    assert one_layer.min_voltage == 0
    images = digits(8, (8, 8, 1))
    given = run_graph(to_nir(one_layer), channels_first(images, (8, 8, 1)), 30)
    np.testing.assert_array_equal(
        spikes_of(given)[0], in_double_precision(one_layer, images)[1][0]
    )
    for fitted, X in ensembles:
        estimator = copy.deepcopy(fitted).set_params(min_voltage=0.0)
        given = run_graph(estimator.to_nir(), X, 200)
        np.testing.assert_array_equal(given["lif"] > 0, estimator.spike_trains(X))


def test_neurons_are_those_of_the_documents(conv):
    """One threshold, one resistance, no leak voltage, and the Euler time constant."""
    graph = conv.to_nir()
    neurons = [node for node in graph.nodes.values() if isinstance(node, nir.LIF)]
    assert [node.tau.shape for node in neurons] == [(8, 6, 6), (8, 2, 2), (20,)]
    for node in neurons:
        assert {1.0} == {*node.r.flat, *node.v_threshold.flat}
        assert {0.0} == {*node.v_leak.flat, *node.v_reset.flat}
        # 1 - dt / tau is what a voltage keeps of a step.
        np.testing.assert_allclose(1 - 0.001 / node.tau, np.exp(-0.001 / 0.02))
        np.testing.assert_allclose(node.tau, 0.020504, rtol=1e-4)
    assert graph.nodes["conv2d_0"].weight.shape == (8, 1, 3, 3)
    assert graph.nodes["conv2d_1"].weight.shape == (8, 8, 2, 2)
    assert [*graph.nodes["input"].input_type["input"]] == [1, 8, 8]
    assert [*graph.nodes["output"].output_type["output"]] == [10]


def foreign(**changes):
    """Return a graph that no snnlib wrote: images, neurons, a pool and a read-out."""
    rng = np.random.default_rng(4)
    one = np.ones((3, 6, 6))
    neurons = {"tau": 0.01 * one, "r": 2 * one, "v_leak": 0.1 * one}
    neurons |= {"v_threshold": 0.5 * one, "v_reset": 0 * one}
    two, none = np.array([2, 2]), np.array([0, 0])
    nodes = {
        "in": nir.Input(np.array([2, 8, 8])),
        "a": nir.Conv2d((8, 8), rng.normal(size=(3, 2, 3, 3)), 1, 0, 1, 1, np.ones(3)),
        "b": nir.LIF(**neurons),
        "c": nir.SumPool2d(kernel_size=two, stride=two, padding=none),
        "d": nir.Flatten({"input": np.array([3, 3, 3])}, 0, -1),
        "e": nir.Linear(rng.normal(size=(4, 27))),
        "out": nir.Output(np.array([4])),
    }
    nodes |= changes
    names = list(nodes)
    edges = list(itertools.pairwise(names))
    return nir.NIRGraph(nodes, edges, type_check=False)


def test_a_graph_of_others_becomes_a_classifier():
    """Its thresholds, leaks and resistances are taken into the weights."""
    classifier = from_nir(foreign(), dt=0.002)
    assert classifier.architecture == "3C3-AP2"
    assert (classifier.dt, classifier.tau_ref, classifier.synapse) == (0.002, 0, None)
    images = np.random.default_rng(5).uniform(size=(9, 8, 8, 2)).astype(np.float32)
    graph = foreign()
    graph.metadata = {"dt": 0.002}
    given = run_graph(graph, images.transpose(0, 3, 1, 2), 30)
    assert given["b"].any()
    np.testing.assert_array_equal(
        np.moveaxis(given["b"] > 0, 2, -1), classifier.spike_trains(images)[0]
    )
    output = classifier.simulate(images).output
    np.testing.assert_allclose(output, given["out"], rtol=1e-3, atol=1e-4)


def lif(shape, **changes):
    one = np.ones(shape)
    values = {"tau": 0.01 * one, "r": one, "v_leak": 0 * one, "v_threshold": one}
    return nir.LIF(**{**values, "v_reset": 0 * one, **changes})


ONE = np.ones((3, 6, 6))
TWO = np.array([2, 2])
WEIGHT = np.ones((3, 2, 3, 3))
STRANGE = {
    "reset to another voltage": (
        "'b'.*reset to 0",
        {"b": lif((3, 6, 6), v_reset=-ONE)},
    ),
    "thresholds that differ": (
        "'b'.*one v_threshold",
        {"b": lif((3, 6, 6), v_threshold=np.arange(1, 109.0).reshape(3, 6, 6))},
    ),
    "padding": (
        "'a'.*no padding",
        {"a": nir.Conv2d((8, 8), WEIGHT, 1, 1, 1, 1, np.ones(3))},
    ),
    "groups": (
        "'a'.*groups",
        {"a": nir.Conv2d((8, 8), WEIGHT, 1, 0, 1, 2, ONE[:, 0, 0])},
    ),
    "pools that overlap": (
        "'c'.*squares that touch",
        {"c": nir.SumPool2d(kernel_size=TWO, stride=TWO // 2, padding=0 * TWO)},
    ),
    "another kind": ("'b'.*no kind that snnlib has", {"b": nir.I(ONE)}),
    "no neurons": (
        "'b'.*without neurons",
        {"b": nir.Flatten({"input": np.array([3, 6, 6])}, 0, -1)},
    ),
    "no weights": ("'a'.*layer with weights", {"a": lif((2, 8, 8))}),
    "no step short enough": (
        r"'b'.*tau above dt = 0\.001 s.*got 0\.001",
        {"b": lif((3, 6, 6), tau=0.001 * ONE)},
    ),
    "neurons of another size": ("'b'.*as large as its input, 3 x 6 x 6", {"b": lif(9)}),
    "weights of another size": (
        "'e'.*weights for 27 inputs",
        {"e": nir.Linear(np.ones((4, 26)))},
    ),
    "a bias of another size": (
        r"'a'.*3 numbers as its bias; got \(7,\)",
        {"a": nir.Conv2d((8, 8), WEIGHT, 1, 0, 1, 1, np.ones(7))},
    ),
    "no channels": (
        "'a'.*kernels for 2 channels",
        {"a": nir.Conv2d((8, 8), WEIGHT[:, :1], 1, 0, 1, 1, np.ones(3))},
    ),
    "a kernel larger than the image": (
        "'a'.*larger than its input, 2 x 8 x 8",
        {"a": nir.Conv2d((9, 9), np.ones((3, 2, 9, 9)), 1, 0, 1, 1, np.ones(3))},
    ),
    "steps of none": (
        "'c'.*kernel_size from 1 on",
        {"c": nir.SumPool2d(kernel_size=0 * TWO, stride=TWO, padding=0 * TWO)},
    ),
    "half a pixel": (
        "'c'.*whole numbers as its kernel_size",
        {"c": nir.SumPool2d(kernel_size=1.35 * TWO, stride=TWO, padding=0 * TWO)},
    ),
    "weights that are no numbers": (
        "'e'.*finite real numbers as its weight",
        {"e": nir.Linear(np.full((4, 27), np.nan))},
    ),
    "complex weights": (
        "'e'.*finite real numbers as its weight",
        {"e": nir.Linear(np.ones((4, 27)) * 1j)},
    ),
    "another number of classes": (
        "'out'.*hold 4 numbers",
        {"out": nir.Output(np.array([9]))},
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_graph_of_another_shape_is_refused(name):
    """The message names the node."""
    sentence, changes = STRANGE[name]
    with pytest.raises(ValueError, match=sentence):
        from_nir(foreign(**changes))


def chain(*nodes):
    """Return nodes that follow each other as a graph."""
    named = {str(number): node for number, node in enumerate(nodes)}
    return nir.NIRGraph(named, list(itertools.pairwise(named)), type_check=False)


def li(n, **changes):
    one = np.ones(n)
    return nir.LI(**{"tau": 0.1 * one, "r": one, "v_leak": 0 * one, **changes})


def test_a_filter_inside_is_refused():
    """A low-pass between layers, or a second one at the end, would be lost."""
    first = nir.Input(np.array([3])), nir.Affine(np.ones((4, 3)), np.ones(4)), lif(4)
    dense = nir.Linear(np.ones((4, 4)))
    last = nir.Affine(np.ones((2, 4)), np.ones(2)), nir.Output(np.array([2]))
    assert from_nir(chain(*first, *last)).architecture == "4"
    for between in ((dense, li(4), lif(4)), (dense, li(4), li(4), lif(4))):
        with pytest.raises(ValueError, match=r"'5'.*must not follow a filter"):
            from_nir(chain(*first, *between, *last))
    with pytest.raises(ValueError, match=r"'5'.*must not follow a filter"):
        from_nir(chain(*first, last[0], li(2), li(2), last[1]))


@pytest.mark.parametrize(
    ("dt", "tau"), [(1e-4, 5e-4), (1e-3, 1.1e-3), (1e-3, 5.0), (0.1, 0.3)]
)
def test_neurons_of_any_time_constant_are_read(dt, tau):
    """From one that forgets within a step to one that hardly does."""
    graph = chain(
        nir.Input(np.array([3])),
        nir.Affine(np.array([[1.0, 0, 0], [0, 3, 0], [0, 0, 9]]), np.ones(3)),
        lif(3, tau=np.full(3, tau)),
        nir.Affine(np.eye(3), np.zeros(3)),
        nir.Output(np.array([3])),
    )
    classifier = from_nir(graph, dt=dt)
    graph.metadata = {"dt": dt}
    inputs = np.random.default_rng(0).uniform(0.1, 1, (20, 3)).astype(np.float32)
    n_steps = max(30, round(tau / dt))
    given = run_graph(graph, inputs, n_steps)["2"] > 0
    assert given.any()
    classifier.set_params(presentation_time=n_steps * dt)
    found = classifier.spike_trains(inputs.reshape(20, 1, 3, 1))[0]
    # In single precision a voltage may meet the threshold a step sooner or later.
    counts = found.reshape(given.shape).sum(axis=1), given.sum(axis=1)
    np.testing.assert_allclose(*counts, atol=1)


def test_trained_settings_are_read_back(tmp_path):
    """Each layer's own time constant and rate, and other graphs with such layers."""
    classifier = untrained("4C3-AP2-3C2", (8, 8, 1), **SAID)
    classifier.trained_ = {"tau_rc": [0.02, 0.03], "max_rate": [100.0, 150.0]}
    images = digits(6, (8, 8, 1)).reshape(6, 8, 8, 1)
    expected = classifier.spike_trains(images)
    graph = through_a_file(to_nir(classifier), tmp_path)
    again = from_nir(graph)
    assert again.trained_ == classifier.trained_
    for found, weights in zip(again.weights_, classifier.weights_, strict=True):
        np.testing.assert_allclose(found, weights, rtol=1e-6, atol=1e-7)
    for found, spikes in zip(again.spike_trains(images), expected, strict=True):
        np.testing.assert_array_equal(found, spikes)
    del graph.metadata["snnlib"]
    of_others = from_nir(graph)
    assert of_others.trained_["tau_rc"] == pytest.approx([0.02, 0.03])
    given = run_graph(graph, channels_first(images, (8, 8, 1)), 30)
    for found, spikes in zip(
        of_others.spike_trains(images), spikes_of(given), strict=True
    ):
        assert (found != spikes).sum() <= 2


CHANGES = {
    "v_threshold": ("lif", 0.5, "must have v_threshold = 1"),
    "r": ("lif", 2, "must have r = 1"),
    "r of the filter": ("li", 10, "must filter the output, with r = 1"),
    "weight": ("affine_1", 100, "must pass its input on"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_an_ensemble_cannot_be_is_refused(ensembles, name):
    """A graph that was changed is not read as what it was made of."""
    node, factor, sentence = CHANGES[name]
    graph = ensembles[0][0].to_nir()
    attribute = name.split()[0]
    its = graph.nodes[node]
    setattr(its, attribute, factor * getattr(its, attribute))
    with pytest.raises(ValueError, match=f"'{node}'.*{sentence}"):
        from_nir(graph)


def test_filters_much_shorter_than_a_step_are_read_back(ensembles, conv):
    """They all come as the step itself, and the metadata say which it was."""
    for fitted in (ensembles[0][0], conv):
        estimator = copy.deepcopy(fitted).set_params(synapse=1e-5)
        graph = estimator.to_nir()
        assert (graph.nodes["li"].tau == estimator.dt).all()
        assert from_nir(graph).synapse == 1e-5


def test_filters_that_were_changed_count(ensembles, conv):
    """Another time constant of the output's filter is the synapse read back."""
    for estimator in (ensembles[0][0], ensembles[1][0], conv):
        graph = estimator.to_nir()
        before = from_nir(graph).synapse
        graph.nodes["li"].tau = 10 * graph.nodes["li"].tau
        assert before == estimator.synapse
        assert from_nir(graph).synapse == pytest.approx(10 * before, rel=0.06)


METADATA = {
    "no dict": (None, "metadata of the graph must be a dict; got None"),
    "a dt of none": ({"dt": 0}, "dt in the metadata.*above 0; got 0"),
    "a dt before none": ({"dt": -0.001}, "dt in the metadata.*above 0; got -0.001"),
    "a dt in words": ({"dt": "abc"}, "dt in the metadata.*above 0; got .*abc"),
    "another dt": ({"dt": 0.002}, r"that of its estimator, 0\.001; got 0\.002"),
    "no JSON": ({"snnlib": "{"}, "as to_nir writes it, with estimator"),
    "no object": ({"snnlib": "[1]"}, "as to_nir writes it, with estimator"),
    "no estimator": ({"snnlib": "null"}, "as to_nir writes it, with estimator"),
}


@pytest.mark.parametrize("name", METADATA)
def test_damaged_metadata_are_refused(ensembles, conv, name):
    """The message names what is damaged, whatever the estimator."""
    changes, sentence = METADATA[name]
    for estimator in (ensembles[0][0], conv):
        graph = estimator.to_nir()
        graph.metadata = changes and graph.metadata | changes
        with pytest.raises(ValueError, match=sentence):
            from_nir(graph)


def test_damaged_parameters_are_refused(ensembles, conv):
    """One that is missing, one that snnlib has not, and one of a strange kind."""
    for estimator in (*(it for it, _ in ensembles), conv):
        graph = estimator.to_nir()
        about = json.loads(graph.metadata["snnlib"])
        for name in ("parameters", "method_", "seed_"):
            if name in about:
                without = {key: it for key, it in about.items() if key != name}
                graph.metadata["snnlib"] = json.dumps(without)
                with pytest.raises(ValueError, match=f"to_nir writes it, with {name}"):
                    from_nir(graph)
        for name in ("parameters", "trained_"):
            graph.metadata["snnlib"] = json.dumps(about | {name: [1]})
            with pytest.raises(ValueError, match=f"to_nir writes it, with {name}"):
                from_nir(graph)
        for name, value in (("strange", 1), ("tau_ref", "x")):
            changed = about | {"parameters": about["parameters"] | {name: value}}
            graph.metadata["snnlib"] = json.dumps(changed)
            with pytest.raises(ValueError, match=f"holds no Spiking.*{name}"):
                from_nir(graph)


def test_weights_are_checked_before_they_are_written(ensembles, conv):
    """Numbers that are none, and layers of another architecture."""
    for name, value, sentence in (
        ("architecture", "8C3", "weights must hold"),
        ("weights_", [np.nan * w for w in conv.weights_], "weights at place 0"),
    ):
        changed = copy.copy(conv)
        setattr(changed, name, value)
        with pytest.raises(ValueError, match=sentence):
            to_nir(changed)
    changed = copy.copy(ensembles[0][0])
    changed.decoders_ = np.nan * changed.decoders_
    with pytest.raises(ValueError, match="decoders_ must be finite"):
        to_nir(changed)
    with pytest.raises(ValueError, match="from 0, None or 'own'; got 'foo'"):
        to_nir(conv, synapse="foo")
    days = np.array(["2020-01-01", "2020-01-02"], "datetime64[D]")
    classifier = SpikingClassifier().fit([[0.0], [1.0]], days)
    with pytest.raises(ValueError, match="classes must be numbers or strings"):
        to_nir(classifier)


def test_what_is_no_chain_is_refused(conv):
    """A loop, a fork, another object, and a dt that the weights are not for."""
    graph = conv.to_nir()
    with pytest.raises(ValueError, match=r"dt must be that of the graph, 0\.001 s"):
        from_nir(graph, dt=0.002)
    graph.edges.append(("lif_0", "lif_0"))
    with pytest.raises(ValueError, match="must be a chain"):
        from_nir(graph)
    graph.edges[-2:] = [("li", "conv2d_0")]
    with pytest.raises(ValueError, match="must be a chain"):
        from_nir(graph)
    with pytest.raises(ValueError, match=r"edges of the graph must join.*'zzz'"):
        from_nir(nir.NIRGraph({}, [("zzz", "zzz")], type_check=False))
    with pytest.raises(ValueError, match="must be a chain"):
        from_nir(nir.NIRGraph({}, [], type_check=False))
    with pytest.raises(ValueError, match=r"must be a nir\.NIRGraph"):
        from_nir({})
    with pytest.raises(ValueError, match="estimator must be one of snnlib's"):
        to_nir(3)


def test_metadata_is_plain(conv, tmp_path):
    """Step length and settings can be read without snnlib."""
    changed = copy.deepcopy(conv).set_params(tau_ref=0.001)
    metadata = through_a_file(changed.to_nir(unsaid="metadata"), tmp_path).metadata
    assert metadata["dt"] == 0.001
    assert metadata["unsaid"] == {"tau_ref": 0.001}
    about = json.loads(metadata["snnlib"])
    assert about["estimator"] == "SpikingConvClassifier"
    assert about["parameters"] == changed.get_params()


def test_the_command_line_writes_a_graph(conv, small_digits, tmp_path, capsys):
    """``snnlib export`` takes what ``save`` wrote, and refuses what NIR cannot say."""
    conv.save(tmp_path / "network.npz")
    out = tmp_path / "out.nir"
    assert main(["export", tmp_path / "network.npz", out]) == 0
    assert capsys.readouterr().out == f"12 nodes in {out}\n"
    again = from_nir(nir.read(out))
    images = small_digits[2][:20]
    np.testing.assert_array_equal(again.predict(images), conv.predict(images))
    copy.deepcopy(conv).set_params(tau_ref=0.001).save(tmp_path / "network.npz")
    before = out.read_bytes()
    assert main(["export", tmp_path / "network.npz", out]) == 2
    error = capsys.readouterr().err
    assert "tau_ref must be 0" in error
    assert "With --unsaid metadata the graph leaves that out" in error
    assert out.read_bytes() == before
    assert main(["export", tmp_path / "network.npz", out, "--unsaid", "metadata"]) == 0
    assert nir.read(out).metadata["unsaid"] == {"tau_ref": 0.001}
    assert (
        main(
            [
                "export",
                tmp_path / "network.npz",
                out,
                "--unsaid",
                "metadata",
                "--unfiltered",
                "--pool",
                "sum",
            ]
        )
        == 0
    )
    kinds = {type(node) for node in nir.read(out).nodes.values()}
    assert nir.SumPool2d in kinds
    assert not {nir.LI, nir.AvgPool2d} & kinds
    assert main(["export", tmp_path / "missing.npz", out]) == 1
