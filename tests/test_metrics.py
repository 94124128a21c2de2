"""Metrics against hand-made and published values."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.metrics import r2_score

from snnlib import (
    SpikingConvClassifier,
    accuracy_interval,
    estimate_energy,
    load_digits28,
    lowpass,
    mspe,
    network_cost,
    skill_score,
    synaptic_operations,
)
from snnlib.networks import Conv, Pool, parse_architecture, relu_model


def test_mspe_of_a_tenth_off_is_one_percent():
    """Errors of 10 % have a squared percentage error of 1 %."""
    assert mspe([1.0, 2.0, -4.0], [1.1, 1.8, -4.4]) == pytest.approx(1.0)
    assert mspe([3.0], [3.0]) == 0


def test_mspe_refuses_a_target_of_zero():
    """A percentage of zero is not defined; the message counts the zeros."""
    with pytest.raises(ValueError, match=r"y_true.*zeros.*got 2 of 3"):
        mspe([0.0, 1.0, 0.0], [1.0, 1.0, 1.0])


@pytest.mark.parametrize("metric", [mspe, lambda a, b: skill_score(a, b, 0.0)])
def test_metrics_refuse_shapes_that_differ_and_nan(metric):
    """Broadcasting would hide a mistake, and NaN would spread it."""
    with pytest.raises(ValueError, match=r"same shape.*\(2,\).*\(1,\)"):
        metric([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        metric([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(ValueError, match="not be empty"):
        metric([], [])


def test_skill_score_with_the_test_mean_is_r_squared():
    """Its reference made the test mean, skill is scikit-learn's r2_score."""
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=20), rng.normal(size=20)
    assert skill_score(y, predicted, y.mean()) == pytest.approx(r2_score(y, predicted))


def test_skill_score_refuses_a_perfect_reference():
    """Nothing can be saved where there is no error."""
    with pytest.raises(ValueError, match=r"y_reference.*0\.0"):
        skill_score([1.0, 1.0], [0.5, 1.0], 1.0)


def test_accuracy_interval_is_the_published_wilson_interval():
    """198 of 200 has a 95 % interval of 96.4 to 99.7 %."""
    accuracy, low, high = accuracy_interval(198, 200)
    assert accuracy == pytest.approx(0.99)
    assert (round(low, 3), round(high, 3)) == (0.964, 0.997)


def test_accuracy_interval_follows_wilsons_formula():
    """A second route: the closed form."""
    k, n, z = 130, 189, 1.959963984540054
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    interval = accuracy_interval(k, n)
    assert interval.low == pytest.approx(centre - half)
    assert interval.high == pytest.approx(centre + half)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_accuracy_interval_refuses_impossible_counts(k, n):
    """The message repeats both counts."""
    with pytest.raises(ValueError, match=f"n_correct.*{k} of {n}"):
        accuracy_interval(k, n)


TOY_WEIGHTS = [[1.3, 0, -3.2], [0, 1.2, -5.1], [-1.1, 2.7, 0]]


def test_synaptic_operations_of_neurobenchs_toy():
    """Nine connections, four of which have a weight and an input that are not zero."""
    for weights in (TOY_WEIGHTS, np.transpose(TOY_WEIGHTS)):
        assert synaptic_operations(weights, [0, 1.3, -1]) == (9, 4, 0)
    assert synaptic_operations(TOY_WEIGHTS, [0, 1, -1]) == (9, 0, 4)
    batch = synaptic_operations(TOY_WEIGHTS, [[[0, 1, -1], [1, 0, 0]]] * 5)
    assert batch == (90, 0, 5 * (4 + 2))
    assert synaptic_operations([[1.0, 1.0], [0.0, 0.0]], [1, 0]).effective_acs == 2


def brute_force(kernel, signal, strides):
    """Multiply every input of every window with every weight, and count.

    The signal has shape (rows, columns, channels).
    """
    windows = sliding_window_view(signal, kernel.shape[:2], axis=(0, 1))
    windows = np.moveaxis(windows[::strides, ::strides], 2, -1)[..., np.newaxis]
    products = (
        windows != 0,
        np.broadcast_to(kernel != 0, (*windows.shape[:-1], kernel.shape[3])),
    )
    return products[1].size, np.count_nonzero(products[0] & products[1])


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_synaptic_operations_of_a_convolution(strides):
    """A second route: every window of every image, borders and strides included."""
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 2, 4, 5)) * (rng.uniform(size=(3, 2, 4, 5)) < 0.6)
    inputs = rng.normal(size=(6, 8, 9, 4)) * (rng.uniform(size=(6, 8, 9, 4)) < 0.3)
    counts = [brute_force(kernel, signal, strides) for signal in inputs]
    dense, effective = np.sum(counts, axis=0)
    found = synaptic_operations(kernel, inputs, strides=strides)
    assert found == (dense, effective, 0)
    assert synaptic_operations(kernel, inputs != 0, strides=strides) == (
        dense,
        0,
        effective,
    )


@pytest.mark.parametrize(
    ("weights", "inputs", "message"),
    [
        ((3, 2), (4,), r"weights and inputs.*\(1, 1, 3, 2\).*\(1, 1, 4\)"),
        ((3, 3, 1, 2), (5, 5, 2), r"weights and inputs.*\(3, 3, 1, 2\).*\(5, 5, 2\)"),
        ((3, 3, 1, 2), (5, 1), "weights and inputs"),
        ((3, 4, 1, 2), (5, 3, 1), "weights of 3 x 4.*inputs of 5 x 3"),
    ],
)
def test_synaptic_operations_refuse_what_does_not_fit(weights, inputs, message):
    """The message holds both shapes."""
    with pytest.raises(ValueError, match=message):
        synaptic_operations(np.ones(weights), np.ones(inputs))


def untrained(architecture, image_shape=(28, 28, 1), **parameters):
    """Return a classifier of ten classes whose weights are drawn, a third of them 0."""
    classifier = SpikingConvClassifier(architecture, **parameters)
    classifier.image_shape_ = image_shape
    classifier.n_features_in_ = int(np.prod(image_shape))
    classifier.classes_, classifier.seed_ = np.arange(10), 1
    model = relu_model(image_shape, 10, architecture, seed=3)
    rng = np.random.default_rng(0)
    classifier.weights_ = [
        3 * weights * (rng.uniform(size=weights.shape) < 2 / 3)
        for weights in model.get_weights()
    ]
    classifier._simulator = None
    model.set_weights(classifier.weights_)
    return classifier, model


def test_network_cost_of_the_papers_network():
    """Parameters, neurons and operations are those published, and 30 times over."""
    classifier, model = untrained(SpikingConvClassifier().architecture)
    images = load_digits28().data[:3]
    spiking, rates = network_cost(classifier, images), network_cost(model, images)
    for cost, n_steps in ((spiking, 30), (rates, 1)):
        assert (cost.parameters, cost.neurons) == (124_682, 71_296)
        assert cost.footprint == 4 * 124_682
        assert cost.n_steps == n_steps
        dense = [layer.dense / n_steps for layer in cost.layers]
        assert dense == [194_688, 10_616_832, 7_372_800, 32_000]
        assert cost.dense == n_steps * 18_216_320
    run = classifier.simulate(images)
    spikes = run.spike_counts.sum() / 3
    assert sum(layer.active for layer in spiking.layers) == pytest.approx(spikes)
    sparsity = 1 - spikes / (71_296 * 30)
    assert spiking.activation_sparsity == pytest.approx(sparsity)
    assert [layer.layer for layer in spiking.layers] == ["32C3", "64C3", "128C3", "10"]


def brute_force_cost(weights, architecture, signals, fold_pools):
    """Count the operations of every layer, window by window and step by step.

    ``signals`` holds what neurons, or the image, pass on to each layer, with shape
    (n_steps, rows, columns, channels).
    """
    layers, pool, pairs, signals = (
        [],
        1,
        zip(*[iter(weights)] * 2, strict=True),
        iter(signals),
    )
    for layer in (*parse_architecture(architecture), None):
        if isinstance(layer, Pool):
            pool *= layer.size
            continue
        (kernel, _), signal = next(pairs), next(signals)
        rows, columns = (side // pool for side in signal.shape[1:3])
        if kernel.ndim == 2:
            kernel = kernel.reshape(rows, columns, signal.shape[3], -1)
        strides = layer.strides if isinstance(layer, Conv) else 1
        cut = signal[:, : rows * pool, : columns * pool]
        squares = cut.reshape(len(cut), rows, pool, columns, pool, -1)
        pooled = squares.mean(axis=(2, 4))
        counts = [brute_force(kernel, step, strides) for step in pooled]
        dense, effective = np.sum(counts, axis=0)
        if fold_pools:
            # Each neuron of a square has the weights of the square.
            big = kernel.repeat(pool, axis=0).repeat(pool, axis=1)
            counts = [brute_force(big, step, strides * pool) for step in cut]
            effective = np.sum(counts, axis=0)[1]
        received = cut if fold_pools else pooled
        adds_only = np.isin(received, (-1, 0, 1)).all()
        layers.append((dense, *((0, effective) if adds_only else (effective, 0))))
        pool = 1
    return layers


@pytest.mark.parametrize("layer_synapse", [None, 0.005])
@pytest.mark.parametrize(
    "architecture", ["4C3-AP2-5C2S2", "AP2-3C2S3-AP2-6", "3C2-AP3-4C1"]
)
def test_network_cost_equals_a_count_by_brute_force(architecture, layer_synapse):
    """A second route, by NengoDL's spikes and every window of every step."""
    images = load_digits28().data[:2].reshape(-1, 28, 28)[:, ::2, ::2]
    classifier, _ = untrained(
        architecture, (14, 14, 1), layer_synapse=layer_synapse, presentation_time=0.02
    )
    trains = classifier.set_params(engine="nengo_dl").spike_trains(images)
    classifier.set_params(engine="auto")
    for fold_pools in (False, True):
        expected = 0
        for i, image in enumerate(images):
            passed_on = [lowpass(spikes[i], layer_synapse) for spikes in trains]
            signals = [np.stack([image[..., np.newaxis]] * 20), *passed_on]
            counts = brute_force_cost(
                classifier.weights_, architecture, signals, fold_pools
            )
            expected = expected + np.array(counts) / len(images)
        cost = network_cost(classifier, images, fold_pools=fold_pools)
        np.testing.assert_allclose([layer[4:] for layer in cost.layers], expected)
        assert (cost.effective_acs > 0) == (layer_synapse is None)
        only_first = all(layer.effective_macs == 0 for layer in cost.layers[1:])
        assert only_first == (layer_synapse is None and fold_pools)


@pytest.mark.parametrize("fold_pools", [False, True])
def test_network_cost_of_relu_units_equals_a_count_by_brute_force(fold_pools):
    """A second route: NumPy's own forward pass, and every window."""
    architecture = "4C3-AP2-5C2S2"
    images = load_digits28().data[:3].reshape(-1, 28, 28)[:, ::2, ::2]
    classifier, model = untrained(architecture, (14, 14, 1))
    kernels = classifier.weights_
    expected, active = 0, 0
    for image in images:
        first = relu_layer(image[..., np.newaxis], *kernels[:2], 1)
        pooled = first.reshape(6, 2, 6, 2, 4).mean(axis=(1, 3))
        second = relu_layer(pooled, *kernels[2:4], 2)
        signals = [
            image[np.newaxis, ..., np.newaxis],
            first[np.newaxis],
            second[np.newaxis],
        ]
        counts = brute_force_cost(kernels, architecture, signals, fold_pools)
        expected = expected + np.array(counts) / len(images)
        active += (np.count_nonzero(first) + np.count_nonzero(second)) / len(images)
    cost = network_cost(model, images, fold_pools=fold_pools)
    np.testing.assert_allclose([layer[4:] for layer in cost.layers], expected)
    assert cost.effective_acs == 0
    assert cost.activation_sparsity == pytest.approx(1 - active / cost.neurons)
    assert cost.estimated_energy == pytest.approx(4.6e-12 * cost.effective_macs)


def relu_layer(signal, kernel, bias, strides):
    """Convolve an image of shape (rows, columns, channels) and cut off below 0."""
    windows = sliding_window_view(signal, kernel.shape[:2], axis=(0, 1))
    windows = windows[::strides, ::strides]
    return np.maximum(np.einsum("rcmij,ijmn->rcn", windows, kernel) + bias, 0)


def test_estimate_energy_in_45_nm():
    """4.6 pJ for a multiply-accumulate and 0.9 pJ for an accumulate."""
    assert estimate_energy(1e12, 0) == pytest.approx(4.6)
    assert estimate_energy(0, 1e12) == pytest.approx(0.9)
