"""Metrics against hand-made and published values."""

import base64
import bz2

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import norm, t, ttest_1samp
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score

from snnlib import (
    ENERGY_MODELS,
    SpikingConvClassifier,
    SpikingRegressor,
    accuracy_interval,
    adjust_p_values,
    energy_bill,
    estimate_energy,
    load_digits28,
    lowpass,
    mean_over_seeds,
    mean_over_seeds_and_images,
    mean_over_splits,
    mspe,
    network_cost,
    pack_hits,
    skill_score,
    synaptic_operations,
    unpack_hits,
    variance_shares,
)
from snnlib.metrics import Estimate, LayerCost, NetworkCost
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


NO_NUMBERS = [
    pytest.param("abc", id="text"),
    pytest.param(["1.0", "2.0"], id="texts"),
    pytest.param(None, id="none"),
    pytest.param([1.0, None], id="holds-none"),
    pytest.param([1.0, [2.0, 3.0]], id="ragged"),
    pytest.param([1.0, 2.0 + 1.0j], id="complex"),
    pytest.param([1.0, np.nan], id="nan"),
    pytest.param([np.inf, 1.0], id="infinite"),
    pytest.param([1.0, "2"], id="mixed"),
    pytest.param({1.0: 2.0}, id="dict"),
    pytest.param(np.array(["2024-01-01"] * 2, "datetime64"), id="dates"),
]
SCORES = {
    "y_true": (mspe, lambda y, p: skill_score(y, p, 0.0)),
    "y_pred": (lambda p, y: mspe(y, p), lambda p, y: skill_score(y, p, 0.0)),
    "y_reference": (lambda r, y: skill_score(y, y, r),),
}


@pytest.mark.parametrize("values", NO_NUMBERS)
@pytest.mark.parametrize("name", SCORES)
def test_metrics_name_what_holds_no_numbers(name, values):
    """Whatever is no list of finite real numbers is refused by its parameter's name."""
    for score in SCORES[name]:
        with pytest.raises(ValueError, match=rf"^{name} must be .*got "):
            score(values, [1.0, 2.0])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ([1.0, 2.0, 3.0], r"y_reference must .* shape \(2,\) of y_true; got \(3,\)"),
        ([[1.0, 2.0]], r"y_reference must .* shape \(2,\) of y_true; got \(1, 2\)"),
        ([], r"y_reference must .* shape \(2,\) of y_true; got \(0,\)"),
    ],
)
def test_skill_score_names_a_reference_of_another_shape(reference, message):
    """One number or one a sample; anything else would be spread over the samples."""
    with pytest.raises(ValueError, match=message):
        skill_score([1.0, 2.0], [1.0, 2.0], reference)


def test_skill_score_takes_a_reference_for_each_sample():
    """By hand: errors of 1 and 2 leave 5, of which 1 is left over: 1 - 1 / 5."""
    assert skill_score([1.0, 2.0], [1.0, 1.0], [0.0, 4.0]) == pytest.approx(0.8)
    assert skill_score([1.0, 2.0], [1.0, 1.0], [0.0]) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("score", "name"),
    [
        (lambda: mspe([1e-200], [1e200]), "y_pred"),
        (lambda: skill_score([0.0], [1e200], 1.0), "y_pred"),
        (lambda: skill_score([0.0], [1.0], 1e200), "y_reference"),
        (lambda: mspe([-1e308], [1e308]), "y_pred"),
    ],
)
def test_metrics_name_what_a_float_cannot_hold(score, name):
    """An error too large for a float is not handed on as infinity or NaN."""
    with pytest.raises(ValueError, match=rf"^{name} must not be so far .*got .*inf"):
        score()


def test_skill_score_with_the_test_mean_is_r_squared():
    """Its reference made the test mean, skill is scikit-learn's r2_score."""
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=20), rng.normal(size=20)
    assert skill_score(y, predicted, y.mean()) == pytest.approx(r2_score(y, predicted))


def test_skill_score_refuses_a_perfect_reference():
    """Nothing can be saved where there is no error."""
    with pytest.raises(ValueError, match=r"y_reference.*0\.0"):
        skill_score([1.0, 1.0], [0.5, 1.0], 1.0)
    # The mean of three tenths is not one of them.
    for scale in (1.0, 1e200, 1e-100):
        y = [0.1 * scale] * 3
        with pytest.raises(ValueError, match=r"y_reference must not .*; got"):
            skill_score(y, [0.1 * scale, 0.1 * scale, 0.2 * scale], np.mean(y))


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


@pytest.mark.parametrize(
    ("k", "n", "message"),
    [
        (3, 2, "n_correct must be a whole number from 0 to 2; got 3"),
        (-1, 2, "n_correct must be a whole number from 0 to 2; got -1"),
        (0, 0, "n_samples must be a whole number from 1 to .*; got 0"),
        (0, -5, "n_samples must be a whole number from 1 to .*; got -5"),
        (1.9, 10, r"n_correct must be a whole number from 0 to 10; got 1\.9"),
        (2.0, 10, r"n_correct must be a whole number from 0 to 10; got 2\.0"),
        (0.95, 200, r"n_correct must be a whole number from 0 to 200; got 0\.95"),
        (np.float64(0.5), 2, r"n_correct must be a whole number .*got .*0\.5"),
        (1, 10.5, r"n_samples must be a whole number .*; got 10\.5"),
        (1, np.nan, "n_samples must be a whole number .*; got nan"),
        (True, 2, "n_correct must be a whole number from 0 to 2; got True"),
        (np.True_, 2, "n_correct must be a whole number from 0 to 2; got .*True"),
        (1, True, "n_samples must be a whole number .*; got True"),
        ("1", 2, "n_correct must be a whole number from 0 to 2; got '1'"),
        (None, 2, "n_correct must be a whole number from 0 to 2; got None"),
        (1, None, "n_samples must be a whole number .*; got None"),
        ([1, 2], 2, r"n_correct must be a whole number from 0 to 2; got \[1, 2\]"),
        (1, np.array([2, 3]), "n_samples must be a whole number .*; got array"),
        (1 + 0j, 2, r"n_correct must be a whole number from 0 to 2; got \(1\+0j\)"),
        # The first number that a float skips is 2**53 + 1.
        (1, 2**53 + 1, "n_samples must be a whole number from 1 to 9007199254740992"),
        (1, 10**400, "n_samples must be a whole number from 1 to .*; got 1000"),
    ],
)
def test_accuracy_interval_refuses_impossible_counts(k, n, message):
    """A proportion by mistake, or any other that is no count, is named."""
    with pytest.raises(ValueError, match=message):
        accuracy_interval(k, n)


@pytest.mark.parametrize(
    "confidence", [0, 1, 1.5, -0.1, 95, np.nan, np.inf, "0.95", None, True, [0.95], 1j]
)
def test_accuracy_interval_refuses_a_confidence_that_is_none(confidence):
    """It is a share, neither 0 nor 1."""
    with pytest.raises(ValueError, match=r"^confidence must be .*got "):
        accuracy_interval(1, 2, confidence=confidence)


@pytest.mark.parametrize("whole", [int, np.int64, np.uint8])
def test_accuracy_interval_takes_whole_numbers_of_any_kind(whole):
    """A count summed by NumPy is the same count."""
    interval = accuracy_interval(whole(19), whole(20))
    assert interval == accuracy_interval(19, 20)
    assert [type(limit) for limit in interval] == [float] * 3


@pytest.mark.parametrize("confidence", [0.5, 0.99])
def test_accuracy_interval_widens_with_confidence(confidence):
    """A second route: the closed form with the normal quantile of the confidence."""
    k, n, z = 0, 30, norm.ppf((1 + confidence) / 2)
    interval = accuracy_interval(k, n, confidence=confidence)
    assert interval.low == pytest.approx(0, abs=1e-15)
    assert interval.high == pytest.approx(z**2 / (n + z**2))


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
    if strides == 1:
        assert synaptic_operations(kernel, inputs) == found
    assert synaptic_operations(kernel, inputs != 0, strides=strides) == (
        dense,
        0,
        effective,
    )


@pytest.mark.parametrize(
    ("weights", "inputs", "message"),
    [
        ((3, 2), (4,), r"weights and inputs.*got \(3, 2\) and \(4,\)"),
        ((3, 2), (), r"weights and inputs.*got \(3, 2\) and \(\)"),
        ((), (3,), r"weights and inputs.*got \(\) and \(3,\)"),
        ((3,), (3,), r"weights and inputs.*got \(3,\) and \(3,\)"),
        ((3, 3, 1), (5, 5, 1), r"weights and inputs.*got \(3, 3, 1\) and"),
        ((1,) * 5, (5, 5, 1), r"weights and inputs.*got \(1, 1, 1, 1, 1\) and"),
        ((3, 0), (3,), r"must not be empty; got shapes \(3, 0\) and \(3,\)"),
        ((3, 2), (0, 3), r"must not be empty; got shapes \(3, 2\) and \(0, 3\)"),
        ((3, 3, 1, 2), (5, 5, 2), r"weights and inputs.*\(3, 3, 1, 2\).*\(5, 5, 2\)"),
        ((3, 3, 1, 2), (5, 1), "weights and inputs"),
        ((3, 4, 1, 2), (5, 3, 1), "weights of 3 x 4.*inputs of 5 x 3"),
    ],
)
def test_synaptic_operations_refuse_what_does_not_fit(weights, inputs, message):
    """The message holds both shapes."""
    with pytest.raises(ValueError, match=message):
        synaptic_operations(np.ones(weights), np.ones(inputs))


@pytest.mark.parametrize("values", NO_NUMBERS)
@pytest.mark.parametrize("name", ["weights", "inputs"])
def test_synaptic_operations_name_what_holds_no_numbers(name, values):
    """NaN would count as a spike, and text as nothing at all."""
    layer = {"weights": np.ones((2, 3)), "inputs": np.ones(2), name: values}
    with pytest.raises(ValueError, match=rf"^{name} must be .*got "):
        synaptic_operations(**layer)


@pytest.mark.parametrize("strides", [0, -1, 1.0, True, None, "2", (2, 2), np.nan])
def test_synaptic_operations_name_strides_that_are_none(strides):
    """A step is a whole number of pixels."""
    with pytest.raises(ValueError, match=r"^strides must be a whole number from 1 on"):
        synaptic_operations(np.ones((1, 1, 1, 1)), np.ones((2, 2, 1)), strides=strides)


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


def test_network_cost_of_many_images_is_their_mean():
    """A second route: each image alone, more of them than are counted at a time."""
    images = load_digits28().data[:20].reshape(-1, 28, 28)[:, ::4, ::4]
    networks = untrained("3C2-AP2-5", (7, 7, 1), presentation_time=0.01)
    for network, n_steps in zip(networks, (10, 1), strict=True):
        alone = [network_cost(network, images[[i]]) for i in range(len(images))]
        together = network_cost(network, images)
        for i, layer in enumerate(together.layers):
            each = np.mean([cost.layers[i][3:] for cost in alone], axis=0)
            np.testing.assert_allclose(layer[3:], each, err_msg=layer.layer)
        assert together.n_steps == alone[0].n_steps == n_steps


def test_network_cost_names_its_layers():
    """As in an architecture, strides included; a pool belongs to the layer after it."""
    image = load_digits28().data[:1]
    for network in untrained("3C4S2-AP2-4C2-7"):
        cost = network_cost(network, image)
        assert [layer.layer for layer in cost.layers] == ["3C4S2", "4C2", "7", "10"]
        # 28 -> 13 -> pooled 6 -> 5: kernel and bias of each, and the neurons behind it.
        assert [layer.parameters for layer in cost.layers] == [
            4 * 4 * 1 * 3 + 3,
            2 * 2 * 3 * 4 + 4,
            5 * 5 * 4 * 7 + 7,
            7 * 10 + 10,
        ]
        assert [layer.neurons for layer in cost.layers] == [507, 100, 7, 0]
        assert cost.neurons == 614


def test_network_cost_sums_its_layers():
    """Each total of the network is the sum over its layers, energy included."""
    classifier, _ = untrained("3C4S2-AP2-4C2-7")
    cost = network_cost(classifier, load_digits28().data[:2])
    for name in ("parameters", "neurons", "dense", "effective_macs", "effective_acs"):
        total = sum(getattr(layer, name) for layer in cost.layers)
        assert getattr(cost, name) == pytest.approx(total)
        assert total > 0
    assert cost.estimated_energy == pytest.approx(
        4.6e-12 * cost.effective_macs + 0.9e-12 * cost.effective_acs
    )


def small_model(tf, *layers, **inputs):
    """Return a Keras model of some layers behind another and a read-out."""
    kinds = tf.keras.layers
    return tf.keras.Sequential(
        [tf.keras.Input((6, 6, 2)), *layers, kinds.Flatten(), kinds.Dense(10, **inputs)]
    )


ODD_LAYERS = {
    "same": lambda k: k.Conv2D(3, 3, padding="same"),
    "dilated": lambda k: k.Conv2D(3, 2, dilation_rate=2),
    "groups": lambda k: k.Conv2D(4, 2, groups=2),
    "oblong-step": lambda k: k.Conv2D(4, 2, strides=(1, 2)),
    "no-bias": lambda k: k.Conv2D(4, 2, use_bias=False),
    "transposed": lambda k: k.Conv2DTranspose(3, 2),
    "depthwise": lambda k: k.DepthwiseConv2D(2),
    "max-pool": lambda k: k.MaxPooling2D(2),
    "oblong-pool": lambda k: k.AveragePooling2D((1, 2)),
    "overlapping-pool": lambda k: k.AveragePooling2D(3, strides=2),
    "padded-pool": lambda k: k.AveragePooling2D(4, padding="same"),
    "normalised": lambda k: k.BatchNormalization(),
    "dense-no-bias": lambda k: k.Dense(4, use_bias=False),
}


@pytest.mark.parametrize("layer", ODD_LAYERS)
def test_network_cost_refuses_a_model_it_cannot_count(layer):
    """A layer whose operations are others than it counts is not counted wrongly."""
    from snnlib._nengo_dl import tf

    model = small_model(tf, ODD_LAYERS[layer](tf.keras.layers))
    with pytest.raises(ValueError, match=r"^network must be .*; got Sequential\."):
        network_cost(model, np.ones((1, 6, 6, 2)))


def test_network_cost_of_ones_own_model():
    """By hand: 4 places of a 3 x 3 kernel step 2 from 2 to 3 channels, 12 to 10."""
    from snnlib._nengo_dl import tf

    model = small_model(tf, tf.keras.layers.Conv2D(3, 3, strides=2))
    for images in (np.ones((1, 6, 6, 2)), np.ones((5, 6, 6, 2))):
        first, last = network_cost(model, images).layers
        assert (first.dense, last.dense) == (4 * 9 * 2 * 3, 12 * 10)
        assert (first.effective_acs, first.effective_macs) == (first.dense, 0)


@pytest.mark.parametrize(
    "network",
    [None, "mnist", 3, [1.0], SpikingConvClassifier, SpikingRegressor(), object()],
    ids=lambda it: getattr(it, "__name__", type(it).__name__),
)
def test_network_cost_refuses_what_is_no_network(network):
    """The message says which networks it counts."""
    with pytest.raises(
        ValueError, match=r"^network must be .*SpikingConvClassifier.*got"
    ):
        network_cost(network, load_digits28().data[:1])


def test_network_cost_asks_for_a_fitted_classifier():
    """One that has no weights has no cost yet."""
    with pytest.raises(
        NotFittedError, match=r"SpikingConvClassifier .* not fitted yet"
    ):
        network_cost(SpikingConvClassifier(), load_digits28().data[:1])


def test_network_cost_refuses_weights_of_another_architecture():
    """Changed after fit, the architecture is no longer that of the weights."""
    classifier, _ = untrained("2C5-AP4")
    with pytest.raises(ValueError, match="weights must have shape"):
        network_cost(
            classifier.set_params(architecture="4C5-AP4"), load_digits28().data[:1]
        )


@pytest.mark.parametrize(
    ("X", "message"),
    [
        pytest.param(None, "X must hold real numbers", id="none"),
        pytest.param("images", "X must hold real numbers", id="text"),
        pytest.param(
            np.ones((0, 14, 14)), "X must have shape.*none of them 0", id="empty"
        ),
        pytest.param(
            np.ones((2, 9, 9)), "X must hold images of shape", id="other-size"
        ),
        pytest.param(np.ones((2, 100)), "X must hold 196 pixels", id="other-pixels"),
        pytest.param(np.full((1, 14, 14), np.nan), r"X must hold pixels in", id="nan"),
        pytest.param(np.full((1, 14, 14), 255), r"X must hold pixels in", id="bytes"),
        pytest.param(
            [[1.0], [1.0, 2.0]], "X must hold images of one shape", id="ragged"
        ),
        pytest.param(
            np.ones((1, 14, 14)) * 1j, "X must hold real numbers", id="complex"
        ),
    ],
)
def test_network_cost_names_images_that_are_none(X, message):
    """Classifier and model refuse the same images, by the same name."""
    for network in untrained("3C3-AP4", (14, 14, 1), presentation_time=0.01):
        with pytest.raises(ValueError, match=message):
            network_cost(network, X)


@pytest.mark.parametrize("fold_pools", [1, "no", None, np.array([True, False])])
def test_network_cost_names_fold_pools_that_is_no_bool(fold_pools):
    """It is True or False."""
    with pytest.raises(ValueError, match=r"^fold_pools must be True or False; got"):
        network_cost(None, None, fold_pools=fold_pools)


def relu_layer(signal, kernel, bias, strides):
    """Convolve an image of shape (rows, columns, channels) and cut off below 0."""
    windows = sliding_window_view(signal, kernel.shape[:2], axis=(0, 1))
    windows = windows[::strides, ::strides]
    return np.maximum(np.einsum("rcmij,ijmn->rcn", windows, kernel) + bias, 0)


def test_network_cost_as_a_table():
    """A row for each layer, whole numbers, and their sum."""
    cost = NetworkCost(
        (
            LayerCost("32C3", 10, 4, 1.6, 90.0, 40.4, 0.0),
            LayerCost("10", 20, 0, 0.0, 40.0, 0.0, 7.0),
        ),
        3,
    )
    table = cost.to_frame()
    assert table.index.tolist() == ["32C3", "10", "sum"]
    assert (table.dtypes == "int64").all()
    columns = ["neurons", "active", "dense operations", "MACs", "ACs"]
    assert table.columns.tolist() == columns
    assert table.loc["sum"].tolist() == [4, 2, 130, 40, 7]


MEMORY = {"n_weights": 100, "n_neurons": 20, "access": 1.0}


def test_energy_bill_by_hand():
    """Spikes scatter sums and neurons leak; with all reuse only state is left."""
    mac, ac = 4.6e-12, 0.9e-12
    spiking = energy_bill(50, 700, n_steps=3, reuse=False, **MEMORY)
    assert list(spiking.values()) == pytest.approx(
        [50 * mac + 700 * ac, 60 * (mac + ac), 750, 2 * (60 + 700)]
    )
    shared = energy_bill(50, 700, n_steps=3, reuse=True, **MEMORY)
    assert list(shared.values())[2:] == [3 * 100, 2 * (60 + 60)]
    once = energy_bill(900, reuse=False, **MEMORY)
    assert list(once.values()) == pytest.approx([900 * mac, 20 * ac, 1800, 2 * 20])
    assert energy_bill(900, reuse=True, **MEMORY)["reading weights and inputs"] == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"macs": -1}, r"macs.*got -1|'macs'.*Got -1"),
        ({"access": float("nan")}, r"access"),
        ({"reuse": "all"}, r"reuse.*'all'"),
        ({"n_steps": 0}, r"n_steps"),
    ],
)
def test_energy_bill_names_what_is_wrong(changes, message):
    """A number of the wrong kind is refused by its name."""
    good = {"macs": 1, "reuse": True, **MEMORY}
    with pytest.raises(ValueError, match=message):
        energy_bill(**(good | changes))


def test_estimate_energy_in_45_nm():
    """4.6 pJ for a multiply-accumulate and 0.9 pJ for an accumulate."""
    assert estimate_energy(1e12, 0) == pytest.approx(4.6)
    assert estimate_energy(0, 1e12) == pytest.approx(0.9)


def test_estimate_energy_of_columns():
    """Each row of a table has its own; a list counts as a column, and one with all."""
    columns = (np.array([0, 1, 2]), [0, 1, 2], pd.Series([0, 1, 2], [5, 6, 7]))
    for macs in columns:
        energies = estimate_energy(macs, 10)
        np.testing.assert_allclose(energies, [9e-12, 13.6e-12, 18.2e-12])
        np.testing.assert_allclose(estimate_energy(macs, macs), [0, 5.5e-12, 11e-12])
    assert energies.index.tolist() == [5, 6, 7]
    assert type(estimate_energy(1, 2)) is float


@pytest.mark.parametrize("name", ["macs", "acs", "updates"])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (-1, "must not be negative; got -1"),
        (-1e-9, "must not be negative; got -1e-09"),
        ([1.0, -2.0], "must not be negative; got -2"),
        (np.nan, "must be finite; got 1 of 1 that are not"),
        (np.inf, "must be finite; got 1 of 1 that are not"),
        ([1.0, np.nan], "must be finite; got 1 of 2 that are not"),
        ("1", "must be an array of real numbers; got '1'"),
        (None, "must be an array of real numbers; got None"),
        (1j, "must be an array of real numbers; got 1j"),
        ([[1], [1, 2]], r"must be an array of real numbers; got \[\[1\], \[1, 2\]\]"),
        (10**400, "must be an array of real numbers; got 1000"),
        ([10**20, "1"], "must be an array of real numbers; got "),
        ([10**20, True], "must be an array of real numbers; got "),
        ([10**20, None], "must be an array of real numbers; got "),
    ],
)
def test_estimate_energy_names_what_is_no_number_of_operations(name, number, message):
    """Numbers of operations are finite and not negative."""
    with pytest.raises(ValueError, match=f"^{name} {message}"):
        estimate_energy(**{"macs": 1, "acs": 1, name: number})


def printed(number, digits):
    """Write a number to as many significant digits as a table prints."""
    return float(f"{number:.{digits}g}")


def test_estimate_energy_of_a_table_with_cpu_gpu_and_loihi():
    """KerasSpiking's page on the energy of a model: all that is printed to two digits,
    of connections and neurons that it prints as well."""
    # Name, connections and neurons; J by CPU and GPU; J of the updates by Loihi.
    rows = [
        (47_432, 0, 0.00041, 1.4e-05, 0),
        (0, 968, 8.3e-06, 2.9e-07, 7.8e-08),
        (123_904, 0, 0.0011, 3.7e-05, 0),
        (0, 128, 1.1e-06, 3.8e-08, 1.0e-08),
        (1280, 0, 1.1e-05, 3.8e-07, 0),
    ]
    connections, neurons, cpu, gpu, loihi = map(np.array, zip(*rows, strict=True))
    found = estimate_energy(connections, 0, neurons, model="all")
    assert [printed(energy, 2) for energy in found["cpu"]] == cpu.tolist()
    assert [printed(energy, 2) for energy in found["gpu"]] == gpu.tolist()
    assert printed(found["cpu"].sum(), 3) == 1.49e-03
    assert printed(found["gpu"].sum(), 3) == 5.21e-05
    updates = estimate_energy(0, 0, neurons, model="loihi")
    assert [printed(energy, 2) for energy in updates] == loihi.tolist()


def test_estimate_energy_of_a_table_with_macs_and_acs():
    """Frontiers in Neuroscience 17:1091097 (2023), table 3: 845.94 and 3.09 in units of
    1e-7 J, and their ratio. Its formula takes the rate of spikes twice."""
    network = estimate_energy(18.39e6, 0)
    spiking = estimate_energy(0, 2.51e6 * 0.1366)
    assert printed(network, 5) == 845.94e-7
    assert printed(spiking, 3) == 3.09e-7
    assert printed(printed(network, 5) / printed(spiking, 3), 5) == 273.77


def test_estimate_energy_of_all_models_is_a_range():
    """Least first for spikes; memory only adds, and an unknown model is refused."""
    found = estimate_energy(0, 1e6, model="all")
    assert found.keys() == ENERGY_MODELS.keys()
    assert [*found.values()] == sorted(found.values())
    assert found["arithmetic"] < found["cache"] < found["dram"]
    # A weight of 32 bits from a cache of 8 kB takes 5 pJ, and 640 pJ from DRAM.
    reads = {"cache": 5e-12, "dram": 640e-12}
    for name, read in reads.items():
        for kind in ({"macs": 1, "acs": 0}, {"macs": 0, "acs": 1}):
            added = estimate_energy(**kind, model=name) - estimate_energy(**kind)
            assert added == pytest.approx(read)
    with pytest.raises(ValueError, match=r"model must be one of .*'abacus'"):
        estimate_energy(1, 1, model="abacus")


def test_estimate_energy_names_columns_that_differ():
    """One number may stand for all, two of three not."""
    with pytest.raises(ValueError, match=r"macs and acs .*got \(2,\) and \(3,\)"):
        estimate_energy([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match=r"acs and updates .*got \(2,\) and \(3,\)"):
        estimate_energy(1, [1, 2], [1, 2, 3])


def test_estimate_energy_names_columns_of_other_rows():
    """pandas would pair rows by their label, and find none for some."""
    first, other = pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0], [1, 2])
    with pytest.raises(ValueError, match="macs and acs must have the same index"):
        estimate_energy(first, other)
    with pytest.raises(ValueError, match="acs and updates must have the same index"):
        estimate_energy(1, first, other)
    table = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert estimate_energy(table, table.copy()).columns.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"macs and acs must have the same .*columns"):
        estimate_energy(table, table.rename(columns={"b": "c"}))
    # An array has no labels that could differ.
    energies = estimate_energy(other, [1.0, 2.0])
    assert energies.index.tolist() == [1, 2]
    np.testing.assert_allclose(energies, [5.5e-12, 11e-12])


@pytest.mark.parametrize("model", ["arithmetic", "loihi"])
def test_estimate_energy_of_numbers_of_any_width(model):
    """Half precision holds no picojoules, and 64 bits not all whole numbers."""
    found = estimate_energy(1000.0, 0, model=model)
    narrow = (
        np.float16(1000),
        np.array([1000], np.float16),
        pd.Series([1000], dtype="f2"),
    )
    for number in (*narrow, np.int16(1000), np.array(1000)):
        energy = estimate_energy(number, 0, model=model)
        np.testing.assert_allclose(energy, found, rtol=1e-12)
    found = estimate_energy(1e20, 0, model=model)
    for number in (10**20, [10**20], pd.Series([10**20])):
        energy = estimate_energy(number, 0, model=model)
        np.testing.assert_allclose(energy, found, rtol=1e-12)


def test_energy_bill_of_numbers_of_any_width():
    """Twice 60,000 is more than half precision holds."""
    sizes = {"n_weights": 9, "n_neurons": 3, "access": 5e-12, "reuse": False}
    assert energy_bill(np.float16(60_000), **sizes) == energy_bill(6e4, **sizes)


VALUES = np.random.default_rng(0).normal(1.0, 2.0, 12)


def test_mean_over_seeds_is_student_s():
    """Interval and p-values are those of SciPy's t-test."""
    estimate, test = mean_over_seeds(VALUES), ttest_1samp(VALUES, 0)
    assert estimate.interval() == pytest.approx(tuple(test.confidence_interval()))
    assert estimate.p_differs() == pytest.approx(test.pvalue)
    assert estimate.p_differs(0.7) == pytest.approx(ttest_1samp(VALUES, 0.7).pvalue)
    above = ttest_1samp(VALUES, 0.7, alternative="greater").pvalue
    assert estimate.p_beyond(0.7) == pytest.approx(above)


def test_p_within_is_the_larger_of_two_one_sided_tests():
    """An interval of 90 % that touches the margin has a p-value of 5 %."""
    estimate = mean_over_seeds(VALUES)
    for margin in (0.5, 2.0, 5.0):
        sides = [
            ttest_1samp(VALUES, bound, alternative=side).pvalue
            for bound, side in ((-margin, "greater"), (margin, "less"))
        ]
        assert estimate.p_within(margin) == pytest.approx(max(sides))
    far = max(map(abs, estimate.interval(0.9)))
    assert estimate.p_within(far) == pytest.approx(0.05)


def test_estimate_of_equal_repeats_is_sure():
    """No spread leaves no doubt, but for a difference that is none."""
    sure = mean_over_seeds([2.0, 2.0, 2.0])
    assert sure.interval() == (2.0, 2.0)
    assert (sure.p_differs(), sure.p_within(1.0), sure.p_within(3.0)) == (0, 1, 0)
    assert mean_over_seeds([0.0, 0.0]).p_differs() == 1
    # The mean of these is rounded, and would differ from each of them.
    for n in (11, 20):
        equal = mean_over_seeds([0.7] * n)
        assert (equal.p_differs(0.7), equal.interval()) == (1, (0.7, 0.7))
        equal = mean_over_splits([0.7] * n, n_train=9, n_test=3)
        assert (equal.p_differs(0.7), equal.interval()) == (1, (0.7, 0.7))
    with pytest.raises(ValueError, match=r"confidence must be .* below 1; got 1"):
        sure.interval(1)


def test_p_value_of_two_parts_does_not_end_where_one_does():
    """At 38 each part alone underflows to 0; both together do not."""
    near, far = (
        Estimate(value, (1.0, 0.9), (1e5, 1e6)).p_differs() for value in (37.0, 38.0)
    )
    assert 0 < far < near < 1e-150


@pytest.mark.parametrize("number", ["1", None, [1.0], np.nan, np.inf, 10**400])
def test_estimates_name_what_is_no_effect(number):
    """What is doubted is a number."""
    estimate = mean_over_seeds(VALUES)
    with pytest.raises(ValueError, match="null must be a finite number; got"):
        estimate.p_differs(number)
    with pytest.raises(ValueError, match="bound must be a finite number; got"):
        estimate.p_beyond(number)


def test_mean_over_splits_by_hand():
    """Nadeau and Bengio 2003, equation 7: s^2 (1 / n + n_test / n_train)."""
    estimate = mean_over_splits(VALUES, n_train=43, n_test=7)
    error = np.sqrt(np.var(VALUES, ddof=1) * (1 / 12 + 7 / 43))
    assert estimate.value == pytest.approx(VALUES.mean())
    assert (*estimate.errors, *estimate.dofs) == pytest.approx((error, 11))


def test_mean_over_splits_holds_what_it_promises():
    """The mean of many splits of 60 numbers is as far off as it says, seed 1.

    The mean of the test rows estimates the mean of all. Without the second term the
    error is a fourth of what it is.
    """
    rng = np.random.default_rng(1)
    found, naive, corrected = [], [], []
    for _ in range(200):
        rows = rng.normal(size=60)
        tests = [rng.permutation(rows)[:12].mean() for _ in range(50)]
        found.append(np.mean(tests))
        naive.append(mean_over_seeds(tests).error)
        corrected.append(mean_over_splits(tests, n_train=48, n_test=12).error)
    assert np.mean(corrected) == pytest.approx(np.std(found), rel=0.15)
    assert np.mean(naive) < 0.35 * np.std(found)


def test_mean_over_seeds_and_images_by_hand():
    """Mean squares of a table of two by two: 6.25, 2.25 and 0.25."""
    estimate = mean_over_seeds_and_images([[1, 2], [3, 5]])
    assert estimate.value == 2.75
    assert np.square(estimate.errors) == pytest.approx([6.25 / 4, (2.25 - 0.25) / 4])
    assert estimate.dofs == (1, 1)
    # Quantile of t for one degree of freedom: the tangent, 12.706 at 97.5 %.
    half = 12.7062 * np.sqrt(8.25 / 4)
    assert estimate.interval() == pytest.approx((2.75 - half, 2.75 + half), rel=1e-5)


def test_p_values_of_two_errors_are_those_of_the_interval():
    """The interval of confidence 1 - p just reaches what is doubted."""
    estimate = Estimate(2.0, (0.3, 0.4), (2.0, 9999.0))
    for null in (0.0, 1.9, 2.5, -30.0):
        p = estimate.p_differs(null)
        low, high = estimate.interval(1 - p)
        assert min(abs(low - null), abs(high - null)) == pytest.approx(0, abs=1e-6)
    assert estimate.p_beyond(1.0) == pytest.approx(estimate.p_differs(1.0) / 2)
    assert estimate.p_beyond(3.0) == pytest.approx(1 - estimate.p_differs(3.0) / 2)
    assert estimate.p_within(3.0) == pytest.approx(estimate.p_beyond(1.0))
    # A part without an error is none.
    alone = Estimate(2.0, (0.3, 0.0), (2.0, 9999.0))
    assert alone.p_differs() == pytest.approx(2 * t.sf(2 / 0.3, 2))
    assert alone.interval() == Estimate(2.0, (0.3,), (2.0,)).interval()


@pytest.mark.parametrize("confidence", [0.95, 0.998])
def test_few_seeds_are_not_surer_than_they_say(confidence):
    """Three seeds, seed 3: also at the small levels that many questions ask for.

    With Satterthwaite's degrees of freedom, which an accident of three can put at those
    of the images, intervals of 99.8 % leave out the truth several times too often.
    """
    rng = np.random.default_rng(3)
    values = (
        rng.normal(size=(3000, 3, 1))
        + 2 * rng.normal(size=(3000, 1, 40))
        + 4 * rng.normal(size=(3000, 3, 40))
    )
    estimates = map(mean_over_seeds_and_images, values)
    ends = np.array([it.interval(confidence) for it in estimates])
    held = ((ends[:, 0] <= 0) & (ends[:, 1] >= 0)).mean()
    assert held >= confidence - 3 * np.sqrt(confidence * (1 - confidence) / 3000)


@pytest.mark.parametrize(("seeds", "images"), [(1.0, 3.0), (0.0, 3.0), (1.0, 0.0)])
def test_mean_over_seeds_and_images_holds_the_truth(seeds, images):
    """About 95 of 100 intervals do, seed 2: few seeds, many images, and a rest."""
    rng = np.random.default_rng(2)
    held, reaches = [], []
    for _ in range(400):
        values = (
            seeds * rng.normal(size=(5, 1))
            + images * rng.normal(size=60)
            + 5 * rng.normal(size=(5, 60))
        )
        low, high = mean_over_seeds_and_images(values).interval()
        held.append(low <= 0 <= high)
        reaches.append((high - low) / 2)
    assert np.mean(held) >= 0.93
    # Not by being wide: with four degrees of freedom t is 2.78, and 1.96 with many.
    true = np.sqrt(seeds**2 / 5 + images**2 / 60 + 25 / 300)
    assert np.median(reaches) < 1.1 * 2.78 * true


def test_seeds_that_agree_by_luck_do_not_count_as_sure():
    """Rows with one mean, whose hits differ: the luck of the hits stands for seeds."""
    values = np.array([[0.0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 1, 0]])
    estimate = mean_over_seeds_and_images(values)
    rest = ((values - values.mean(axis=0)) ** 2).sum() / (2 * 3)
    assert estimate.errors[0] == pytest.approx(np.sqrt(rest / 12))


def test_mean_over_seeds_and_images_where_nothing_varies():
    """Equal hits are sure; seeds that agree leave the luck of the images."""
    assert mean_over_seeds_and_images(np.ones((3, 4))).error == 0
    hits = np.array([[1, 1, 0, 1]] * 3)
    of_images = hits[0].std(ddof=1) / 2
    assert mean_over_seeds_and_images(hits).error == pytest.approx(of_images)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (mean_over_seeds, [1.0]),
        (mean_over_seeds, [[1.0, 2.0]]),
        (mean_over_seeds, [1.0, np.nan]),
        (mean_over_seeds_and_images, [1.0, 2.0]),
        (mean_over_seeds_and_images, [[1.0, 2.0]]),
        (mean_over_seeds_and_images, np.ones((0, 3))),
    ],
)
def test_means_refuse_what_has_no_spread(function, values):
    """One repeat, another shape or NaN says nothing of how sure one can be."""
    with pytest.raises(ValueError, match="values"):
        function(values)


def test_adjust_p_values_as_r_does():
    """``p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")`` of R, and shuffled."""
    expected = np.array([0.05, 0.08, 0.09, 0.09, 0.09])
    p_values = np.array([0.01, 0.02, 0.03, 0.04, 0.05])
    np.testing.assert_allclose(adjust_p_values(p_values), expected)
    order = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(adjust_p_values(p_values[order]), expected[order])
    assert adjust_p_values([0.6, 0.7]).tolist() == [1, 1]
    assert adjust_p_values([]).tolist() == []


@pytest.mark.parametrize("p_values", [[1.1], [-0.1], [np.nan], [[0.1]], "p"])
def test_adjust_p_values_refuses_what_is_none(p_values):
    """The message says what was asked for."""
    with pytest.raises(ValueError, match="p_values"):
        adjust_p_values(p_values)


def test_adjusted_p_values_cry_wolf_in_one_of_twenty_families():
    """Of 1,000 families of ten questions with nothing in them, seed 3."""
    found = np.random.default_rng(3).uniform(size=(1000, 10))
    wrong = np.mean([adjust_p_values(it).min() < 0.05 for it in found])
    assert wrong == pytest.approx(0.05, abs=0.02)
    assert np.mean(found.min(axis=1) < 0.05) > 0.35


def test_hits_come_back():
    """Nine ways need two bytes an image; the text is short where misses are rare."""
    rng = np.random.default_rng(4)
    easy = rng.random(10_000) > 0.02
    hits = {f"way {i}": easy & (rng.random(10_000) > 0.001) for i in range(9)}
    text = pack_hits(hits)
    assert pack_hits(pd.DataFrame(hits)) == text
    assert len(text) < 2000
    found = unpack_hits(text)
    assert list(found) == list(hits)
    for name, its in hits.items():
        assert found[name].dtype == bool
        np.testing.assert_array_equal(found[name], its)


@pytest.mark.parametrize(
    "hits",
    [
        {},
        {"a": []},
        {"a": [1, 0]},
        {"a": [True], "b": [True, False]},
        {"a": [[True]]},
        {"a,b": [True]},
        {"a:b": [True]},
        {"": [True]},
        {"a": True},
        [[True]],
        None,
        {"a": [[True], [True, False]]},
        {"a": np.ma.masked_array([True, False], [True, False])},
    ],
)
def test_pack_hits_refuses_other_things(hits):
    """The message says what hits are."""
    with pytest.raises(ValueError, match="hits must"):
        pack_hits(hits)


@pytest.mark.parametrize("text", ["", "a", "a:", "a:b", "a:QlpoOTFBWSZT", 5, None])
def test_unpack_hits_refuses_other_text(text):
    """Half a text too."""
    with pytest.raises(ValueError, match="pack_hits"):
        unpack_hits(text)


def test_unpack_hits_refuses_a_bomb():
    """A short text that would unpack to a gigabyte."""
    bomb = base64.b64encode(bz2.compress(bytes(100_000_000))).decode()
    assert len(bomb) < 1000
    with pytest.raises(ValueError, match="pack_hits"):
        unpack_hits(f"a:{bomb}")


def test_estimate_is_exported():
    """What the functions return has its name in the module of metrics."""
    assert isinstance(mean_over_seeds([1.0, 2.0]), Estimate)


@pytest.mark.parametrize("p_values", [0.5, [[0.5]], [0.5, 1.5], [-0.1]])
def test_adjust_p_values_says_what_it_got(p_values):
    """A list of probabilities."""
    with pytest.raises(ValueError, match=r"p_values must be a list .* and 1; got"):
        adjust_p_values(p_values)


def test_variance_shares_are_those_of_known_effects():
    """Main effects of 3 and 1, a pair of 2 and three factors of 0.5 in units of 1.

    With values of +1 and -1 the shares are the squares of the coefficients.
    """
    a, b, c = np.meshgrid(*[[-1.0, 1.0]] * 3, indexing="ij")
    scores = 3 * a + b + 2 * a * c + 0.5 * a * b * c
    found = variance_shares(scores[..., None], ["a", "b", "c"])
    total = 9 + 1 + 4 + 0.25
    expected = {"a": 9, "b": 1, "c": 0, "a x b": 0, "a x c": 4, "b x c": 0}
    for name, square in {**expected, "three and more": 0.25}.items():
        assert found[name].share == pytest.approx(square / total)
        # One repeat has no interval.
        assert np.isnan([found[name].low, found[name].high]).all()


def test_variance_shares_are_those_of_an_analysis_of_variance():
    """Sums of squares by groupby, a second route; they add up to one, seed 5."""
    rng = np.random.default_rng(5)
    scores = rng.normal(size=(5, 4, 3, 6))
    found = variance_shares(scores, ["a", "b", "c"], n_resamples=50)
    means = scores.mean(axis=-1)
    table = pd.DataFrame(
        [(*at, means[at]) for at in np.ndindex(means.shape)], columns=[*"abcy"]
    )
    centred = table["y"] - table["y"].mean()
    main = centred.groupby(table["b"]).transform("mean")
    share = (main**2).sum() / (centred**2).sum()
    assert found["b"].share == pytest.approx(share)
    assert sum(it.share for it in found.values()) == pytest.approx(1)
    for it in found.values():
        assert 0 <= it.low <= it.high <= 1


def test_variance_shares_of_fewer_draws_have_wider_intervals():
    """Means of m draws vary as n / m times those of n, seed 7."""
    rng = np.random.default_rng(7)
    level = np.arange(4.0)[:, None] + 1.5 * np.arange(3.0)
    scores = level[..., None] + rng.normal(size=(4, 3, 60))
    reach = {
        n: np.ptp(variance_shares(scores, ["a", "b"], n_drawn=n)["a"][1:])
        for n in (None, 60, 15)
    }
    assert reach[None] == reach[60]
    assert reach[15] == pytest.approx(2 * reach[60], rel=0.25)
    for n in (0, 61, 1.5):
        with pytest.raises(ValueError, match=r"n_drawn must be a whole .* 1 to 60"):
            variance_shares(scores, ["a", "b"], n_drawn=n)


def test_variance_shares_know_their_luck():
    """Repeats that differ widen the interval, and it is the same at each call."""
    rng = np.random.default_rng(6)
    clear = np.arange(4.0)[:, None, None] + np.zeros((1, 3, 5))
    noisy = clear + rng.normal(size=(4, 3, 5))
    sure = variance_shares(clear, ["a", "b"])["a"]
    assert sure == pytest.approx((1, 1, 1))
    low, high = variance_shares(noisy, ["a", "b"])["a"][1:]
    assert high - low > 0.05
    assert variance_shares(noisy, ["a", "b"]) == variance_shares(noisy, ["a", "b"])


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.zeros((2, 3, 4)), "differ between settings"),
        # Their mean is rounded.
        (np.full((7, 3, 1), 0.1), "differ between settings"),
        (np.full((7, 3, 7), 1e300 / 3), "differ between settings"),
        (np.ones((2, 3)), "axis for each"),
        (np.full((2, 3, 1), np.nan), "scores"),
        (np.ones((2, 0, 1)), "axis for each"),
    ],
)
def test_variance_shares_refuse_what_has_none(scores, reason):
    """No variation, no share."""
    with pytest.raises(ValueError, match=reason):
        variance_shares(scores, ["a", "b"])


def test_variance_shares_count_a_resample_without_variation():
    """Of two repeats, a quarter of the draws are the one that is equal everywhere."""
    share = variance_shares([[0.0, 1.0], [0.0, 2.0]], ["a"])["a"]
    assert share == (1, 0, 1)


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-3])
def test_variance_shares_know_no_unit(scale):
    """Squares of large scores and of small ones are out of a float's range."""
    scores = np.random.default_rng(7).normal(size=(3, 2, 4))
    found = variance_shares(scale * scores, ["a", "b"], n_resamples=20)
    for name, it in variance_shares(scores, ["a", "b"], n_resamples=20).items():
        assert found[name] == pytest.approx(it)


@pytest.mark.parametrize(
    "factors",
    [
        ["a", "a"],
        ["a", "a x b"],
        ["a", "three and more"],
        "ab",
        ["a", 1],
        None,
        [[], []],
    ],
)
def test_variance_shares_refuse_factors_that_cannot_be_told_apart(factors):
    """Each share needs a name of its own."""
    with pytest.raises(ValueError, match=r"factors must be different names.*got"):
        variance_shares(np.random.default_rng(8).normal(size=(2, 3, 2)), factors)


@pytest.mark.parametrize("random_state", [-1, "x", None, 1.5])
def test_variance_shares_refuse_what_is_no_seed(random_state):
    """A seed, so that the interval is the same at each call."""
    with pytest.raises(ValueError, match=r"random_state must be a whole number.*got"):
        variance_shares([[0.0], [1.0]], ["a"], random_state=random_state)
