"""Declared networks against formulas, published sizes and second routes."""

import time
from dataclasses import replace

import nengo
import numpy as np
import pytest

import snnlib
from snnlib import (
    SpikingRegressor,
    conv_network,
    count_model,
    ensemble_network,
    lif_counts,
    rate_model,
    relu_model,
    simulate,
)
from snnlib.events import compile_events, simulate_events
from snnlib.networks import (
    TRAINABLE,
    _lif_count,
    _lif_rate,
    conv_neurons,
    draw_voltage,
    trained_settings,
)
from snnlib.neurons import Lif

SMALL = {"image_shape": (8, 8, 1), "n_classes": 10, "architecture": "4C3-AP2-6C3"}
SMALL_SHAPES = [(3, 3, 1, 4), (4,), (3, 3, 4, 6), (6,), (6, 10), (10,)]


def drawn_weights(shapes, seed=0):
    """Return random kernels and biases, large enough to make neurons fire."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0.1, 0.5, shape).astype(np.float32) for shape in shapes]


def labelled(network):
    """Return the probes of a network by their labels."""
    return {probe.label: probe for probe in network.all_probes}


def weights_in_nengo_dl(network):
    """Return the weights NengoDL builds a network with."""
    with snnlib.nengo_dl.Simulator(network, progress_bar=False) as sim:
        return sim.keras_model.get_weights()


def lif_rate(current, tau_rc=0.02, tau_ref=0.002):
    """Return 1 / (tau_ref + tau_rc log(1 + 1 / (J - 1))), or 0 up to J = 1."""
    current = np.asarray(current, dtype=float)
    excess = np.maximum(current - 1, 1e-300)
    rate = 1 / (tau_ref + tau_rc * np.log1p(1 / excess))
    return np.where(current > 1, rate, 0.0)


def test_networks_are_declared_without_a_simulator(monkeypatch):
    """Declaring opens no simulator and takes milliseconds."""
    nengo_dl = snnlib.nengo_dl
    for module in nengo, nengo_dl:
        monkeypatch.delattr(module, "Simulator")
    seconds = []
    # The first one also wakes TensorFlow; the best of the rest is not disturbed.
    for _ in range(4):
        start = time.process_time()
        ensemble_network(np.eye(50), np.ones((1, 50)), gain=np.ones(50), bias=[1] * 50)
        conv_network(**SMALL)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def test_networks_are_probed_by_label():
    """What the docstrings promise to record is there under its name."""
    ensemble = ensemble_network([[1.0]], [[1.0]], gain=[1.0], bias=[1.0])
    assert set(labelled(ensemble)) == {"spikes", "voltage", "output"}
    conv = conv_network((8, 8, 1), 10, "4C3-AP2-6C3-20", synapse=0.05)
    assert set(labelled(conv)) == {
        *("output", "filtered output"),
        *("spikes 1", "spikes 2", "spikes 3"),
    }
    assert labelled(conv)["output"].synapse is None
    assert labelled(conv)["filtered output"].synapse.tau == 0.05


def test_ensemble_network_adds_nothing_and_filters_by_a_tenth_of_a_second():
    """What is not asked for is 0, and the synapse is 0.1 s; all parts have names."""
    network = ensemble_network([[1.0], [-1.0]], [[1.0, 2.0]], gain=2, bias=1)
    assert network.label == "ensemble"
    assert {node.label for node in network.all_nodes} == {"input", "output", "one"}
    assert network.decode.synapse.tau == 0.1
    assert network.constant.transform.init.tolist() == [[0.0]]
    assert network.centre.synapse is network.encode.synapse is None
    assert network.centre.transform.init.tolist() == [[0.0]]
    silent = simulate(
        ensemble_network([[1.0]], [[5.0]], gain=1, bias=0.2), [[0.5]], 0.02
    )
    assert not silent["output"].any()


def test_ensemble_network_of_a_silent_neuron_gives_its_constant():
    """J = 0.9: v(t) = J (1 - exp(-t / tau_rc)), no spike, output the constant."""
    network = ensemble_network(
        [[1.0]], [[7.0]], gain=[2.0], bias=[0.5], output_bias=-3.0, tau_rc=0.05
    )
    recorded = simulate(network, [[0.2]], 0.3)
    time_of_step = np.arange(1, 301) * 0.001
    np.testing.assert_allclose(
        recorded["voltage"][0, :, 0], 0.9 * -np.expm1(-time_of_step / 0.05), atol=1e-9
    )
    assert not recorded["spikes"].any()
    np.testing.assert_array_equal(recorded["output"], np.full((1, 300, 1), -3.0))


@pytest.mark.parametrize("synapse", [None, 0.05], ids=["unfiltered", "filtered"])
def test_ensemble_network_of_settled_neurons_gives_the_decoded_rates(synapse):
    """Over 2 s: output = constant + sum of decoder x amplitude x rate, to 1 spike.

    J = gain x encoder . (x - offset) / scale + bias; 154.7 Hz at J = 5.
    """
    encoders = np.array([[0.6, 0.8], [-1.0, 0.0]])
    decoders = np.array([[0.5, -2.0], [1.0, 0.25]])
    gain, bias, constant = np.array([3.0, 1.5]), np.array([2.0, 1.2]), [0.3, -40.0]
    offset, scale, x = np.array([10.0, 5.0]), np.array([4.0, 0.5]), [8.0, 5.8125]
    network = ensemble_network(
        encoders,
        decoders,
        gain=gain,
        bias=bias,
        output_bias=constant,
        offset=offset,
        scale=scale,
        amplitude=0.2,
        synapse=synapse,
    )
    current = gain * (encoders @ ((x - offset) / scale)) + bias
    assert current == pytest.approx([5.0, 1.95])
    rates = lif_rate(current)
    assert rates[0] == pytest.approx(154.7, abs=0.05)

    settled = simulate(network, [x], 3)["output"][0, 1000:].mean(axis=0)
    one_spike = 0.2 * np.abs(decoders).sum(axis=1) / 2
    assert (np.abs(settled - (constant + 0.2 * decoders @ rates)) < one_spike).all()


def test_ensemble_network_does_not_hear_a_feature_of_infinite_scale():
    """The second feature moves by a million, and nothing changes."""
    network = ensemble_network(
        [[0.6, 0.8]], [[1.0]], gain=[4.0], bias=[2.0], offset=[0, 9], scale=[1, np.inf]
    )
    recorded = simulate(network, [[1.0, 9.0], [1.0, 1e6]], 0.1)
    assert recorded["spikes"].any()
    np.testing.assert_array_equal(recorded["output"][0], recorded["output"][1])


@pytest.mark.parametrize(
    ("max_rate", "tau_rc", "published"),
    [
        (50, 0.02, 0.6851),
        (100, 0.02, 2.0332),
        (150, 0.02, 3.8051),
        (200, 0.02, 6.1792),
        (250, 0.02, 9.5083),
        (100, 0.06, 7.0111),
        (100, 0.10, 12.0067),
        (100, 0.14, 17.0048),
        (100, 0.18, 22.0037),
        (100, 0.22, 27.0030),
    ],
)
def test_gain_follows_from_max_rate_as_published(max_rate, tau_rc, published):
    """Formula, Nengo and estimator agree with the published gain at intercept 0."""
    formula = 1 / -np.expm1((0.002 - 1 / max_rate) / tau_rc) - 1
    assert formula == pytest.approx(published, abs=5e-5)
    gain, bias = nengo.LIF(tau_rc=tau_rc).gain_bias([max_rate], [0.0])
    assert gain[0] == pytest.approx(formula, rel=1e-9)
    assert bias[0] == pytest.approx(1)

    regressor = SpikingRegressor(1, intercept=0, max_rate=max_rate, tau_rc=tau_rc)
    regressor.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    assert regressor.gain_ == pytest.approx(gain, rel=1e-12)
    assert regressor.bias_ == pytest.approx(1)


def test_conv_network_by_default_is_the_papers():
    """Layers, 71,296 neurons, 124,682 weights and 18,216,320 operations a step."""
    network = conv_network((28, 28, 1), 10)
    neurons = [ensemble.n_neurons for ensemble in network.all_ensembles]
    assert neurons == [26 * 26 * 32, 24 * 24 * 64, 10 * 10 * 128]
    assert sum(neurons) == 71_296

    # Layers of Keras carry their shape; the sums behind "spikes 1" and so on do not.
    shapes = [
        node.shape_out
        for node in network.all_nodes
        if isinstance(node, snnlib.nengo_dl.TensorNode) and len(node.shape_out) == 3
    ]
    conv_1, conv_2, pool_1, conv_3, pool_2 = shapes
    assert (conv_1, conv_2, pool_1) == ((26, 26, 32), (24, 24, 64), (12, 12, 64))
    assert (conv_3, pool_2) == ((10, 10, 128), (5, 5, 128))
    assert network.output.size_out == 10
    assert labelled(network)["filtered output"].synapse.tau == 0.1

    weights = rate_model((28, 28, 1), 10).get_weights()
    assert sum(weight.size for weight in weights) == 124_682
    assert relu_model((28, 28, 1), 10).count_params() == 124_682
    multiplied = [
        weights[0].size * 26 * 26,
        weights[2].size * 24 * 24,
        weights[4].size * 10 * 10,
        weights[6].size,
    ]
    assert multiplied == [194_688, 10_616_832, 7_372_800, 32_000]
    assert sum(multiplied) == 18_216_320


def test_conv_network_and_rate_model_draw_the_same_weights_from_a_seed():
    """Seed 3 gives both the same weights, and seed 4 gives others."""
    in_nengo_dl = weights_in_nengo_dl(conv_network(**SMALL, seed=3))
    in_keras = rate_model(**SMALL, seed=3).get_weights()
    assert [weight.shape for weight in in_nengo_dl] == SMALL_SHAPES
    for one, other in zip(in_nengo_dl, in_keras, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        relu_model(**SMALL, seed=3).get_weights()[0], in_keras[0]
    )
    assert (rate_model(**SMALL, seed=4).get_weights()[0] != in_keras[0]).any()
    # Glorot's rule: uniform within sqrt(6 / (fan in + fan out)), biases 0.
    for kernel, bias in zip(in_keras[::2], in_keras[1::2], strict=True):
        limit = np.sqrt(6 / (np.prod(kernel.shape[:-2]) * sum(kernel.shape[-2:])))
        assert 0.8 * limit < np.abs(kernel).max() <= limit
        assert not bias.any()


def test_given_weights_are_used_as_they_are():
    """All three networks hand back the weights they were given."""
    given = drawn_weights(SMALL_SHAPES)
    for found in (
        weights_in_nengo_dl(conv_network(**SMALL, weights=given)),
        rate_model(**SMALL, weights=given).get_weights(),
        relu_model(**SMALL, weights=given).get_weights(),
    ):
        for one, other in zip(found, given, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda weights: weights[:3], r"6 arrays.*got 3"),
        (lambda weights: [*weights, *weights], r"6 arrays.*got 12"),
        (
            lambda weights: [weights[0].T, *weights[1:]],
            r"shape \(3, 3, 1, 4\).*got \(4, 1, 3, 3\)",
        ),
        (
            lambda weights: [weights[0][:2], *weights[1:]],
            r"shape \(3, 3, 1, 4\).*got \(2, 3, 1, 4\)",
        ),
    ],
    ids=["too few", "too many", "transposed", "too small"],
)
@pytest.mark.parametrize("declare", [rate_model, conv_network])
def test_weights_that_do_not_fit_are_refused(declare, changed, message):
    """Shapes and number of weights must be the architecture's own."""
    with pytest.raises(ValueError, match=f"weights must.*{message}"):
        declare(**SMALL, weights=changed(drawn_weights(SMALL_SHAPES)))


@pytest.mark.parametrize("architecture", ["4C9", "AP8-AP2-5", "4C3-AP7"])
@pytest.mark.parametrize("declare", [rate_model, conv_network])
def test_architecture_larger_than_the_image_is_refused(declare, architecture):
    """The message names the architecture and the part that finds too few pixels."""
    with pytest.raises(ValueError, match=f"architecture='{architecture}'.*larger than"):
        declare((8, 8, 1), 10, architecture)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"max_rate": 250, "tau_rc": 0.07},
        {"amplitude": 1, "tau_ref": 0.001, "intercept": -0.5},
    ],
    ids=["paper", "rate and tau_rc", "amplitude, tau_ref and intercept"],
)
def test_rate_model_gives_the_rates_of_nengo_dl(setting, monkeypatch):
    """NengoDL's own rate neurons in place of LIF give the same scores to 1e-4."""
    weights = drawn_weights(SMALL_SHAPES, seed=1)
    images = np.random.default_rng(2).uniform(size=(5, 64)).astype(np.float32)
    scores = rate_model(**SMALL, weights=weights, **setting)(images).numpy()

    monkeypatch.setattr(
        "snnlib.neurons.Lif.neuron_type",
        lambda lif, _=0: nengo.LIFRate(lif.tau_rc, lif.tau_ref, lif.amplitude),
    )
    # NengoDL warns of a filter that a single step leaves no time for.
    network = conv_network(**SMALL, weights=weights, **setting, synapse=None)
    output = labelled(network)["output"]
    with snnlib.nengo_dl.Simulator(
        network, minibatch_size=5, progress_bar=False
    ) as sim:
        shown = {network.input: images[:, np.newaxis]}
        rates = sim.predict_on_batch(shown)[output][:, 0]
    assert np.ptp(scores, axis=0).min() > 0.01
    np.testing.assert_allclose(scores, rates, rtol=1e-4, atol=1e-4)


def test_rate_model_has_the_gradient_of_the_rate():
    """Against central differences of the rate formula; 0 where no spike is fired."""
    tf = snnlib.tf
    # The first that fire are a thousandth and a hundredth above the threshold.
    x = np.array([-2.0, 0.0, 0.0005, 0.005, 0.05, 0.3, 1.0, 5.0], np.float32)
    rate = _lif_rate(Lif(amplitude=0.01), tf)
    gain = 1 / -np.expm1((0.002 - 0.01) / 0.02) - 1
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        values = rate(inputs)
    slope = tape.gradient(values, inputs).numpy()

    def formula(x):
        return 0.01 * lif_rate(gain * x + 1)

    np.testing.assert_allclose(values, formula(x.astype(float)), rtol=1e-5, atol=1e-7)
    assert (slope[:2] == 0).all()
    step = 1e-3 * x[2:].astype(float)
    central = (formula(x[2:] + step) - formula(x[2:] - step)) / (2 * step)
    np.testing.assert_allclose(slope[2:], central, rtol=1e-2)


@pytest.mark.parametrize("tau_ref", [0.0, 0.001, 0.002])
def test_count_passes_on_counts_and_the_slope_of_the_rate(tau_ref):
    """Forward as counted, backward against central differences of the rate."""
    tf = snnlib.tf
    # The first does not fire. The last would fire more than once a step without rest.
    x = np.array([-2.0, 0.0, 0.2, 0.3, 0.6, 1.0, 2.0, 400.0], np.float32)
    lif = Lif(amplitude=0.004, max_rate=250, tau_ref=tau_ref)
    voltage = np.linspace(0.05, 0.85, len(x))
    with tf.GradientTape() as tape:
        inputs = tf.constant(x)
        tape.watch(inputs)
        values = _lif_count(lif, 8, 0.001, voltage, tf)(inputs)
    slope = tape.gradient(values, inputs).numpy()
    gain, bias = lif.gain_bias()
    counted = lif_counts(
        gain * x + bias, 8, neuron_type=lif.neuron_type(), voltage=voltage
    )
    np.testing.assert_allclose(values, counted * 0.004 / 0.008, rtol=1e-6)
    assert len(np.unique(counted)) > 3

    def formula(x):
        return 0.004 * lif.rates(gain * x + bias)

    assert (slope[:2] == 0).all()
    step = 1e-3 * x[2:].astype(float)
    central = (formula(x[2:] + step) - formula(x[2:] - step)) / (2 * step)
    too_fast = formula(x[2:]) > 0.004 / 0.001
    assert too_fast.any() == (tau_ref < 0.001)
    np.testing.assert_allclose(slope[2:], np.where(too_fast, 0, central), rtol=1e-2)


@pytest.mark.parametrize("intercept", [0.0, 0.1])
@pytest.mark.parametrize("name", ["max_rate", "tau_rc"])
def test_count_has_the_slope_of_the_rate_over_a_setting(name, intercept):
    """Against central differences of the rate, with Nengo's gain and bias."""
    tf = snnlib.tf
    lif = Lif(amplitude=0.004, max_rate=250, tau_ref=0.001, intercept=intercept)
    # Of two layers it is the second; the first and the last do not count.
    x = np.array([-2.0, 0.15, 0.3, 0.6, 1.0, 2.0], np.float32)
    moved = tf.Variable([0.3, 0.03])
    count = _lif_count(lif, 8, 0.001, np.zeros(len(x)), tf, {name: (moved, 1)})
    with tf.GradientTape() as tape:
        values = count(tf.constant(x)) * x
    slope = tf.convert_to_tensor(tape.gradient(values, moved)).numpy()

    def formula(moved):
        ((its,),) = trained_settings({name: [moved]}, [lif], 0.001).values()
        at = replace(lif, **{name: its})
        gain, bias = at.gain_bias()
        return (x * 0.004 * at.rates(gain * x + bias)).sum()

    assert slope[0] == 0
    central = (formula(0.0301) - formula(0.0299)) / 0.0002
    assert slope[1] == pytest.approx(central, rel=1e-3)
    assert abs(central) > 0.1


def test_trained_settings_begin_at_the_neurons_and_stay_within_limits():
    """0 is where they began; however far they move, a neuron can have them."""
    for tau_ref in (0.0, 0.001, 0.002):
        lif = Lif(max_rate=250, tau_ref=tau_ref)
        for name in TRAINABLE:
            moved = {name: [0, -0.2, 0.2]}
            begun, low, high = trained_settings(moved, [lif] * 3, 0.001)[name]
            assert begun == pytest.approx(getattr(lif, name))
            assert 0 < low < begun < high
            replace(lif, **{name: low}).check(0.001, dtype=np.float32)
            replace(lif, **{name: high}).check(0.001, dtype=np.float32)


def test_count_model_trains_settings_behind_the_weights():
    """A number for each layer and setting; unmoved, they change no count."""
    images = np.random.default_rng(2).uniform(size=(5, 64)).astype(np.float32)
    how = {**SMALL, "weights": drawn_weights(SMALL_SHAPES, seed=1), "tau_ref": 0.001}
    how |= {"n_steps": 8, "max_rate": [200, 250], "initial_voltage": "dither"}
    plain, model = count_model(**how), count_model(**how, trainable=TRAINABLE)
    assert [len(moved) for moved in model.get_weights()[-2:]] == [2, 2]
    assert len(model.trainable_variables) == len(plain.trainable_variables) + 2
    scores = plain(images).numpy()
    assert np.ptp(scores, axis=0).min() > 0.01
    np.testing.assert_allclose(model(images), scores, rtol=1e-4, atol=1e-5)
    model.set_weights([*plain.get_weights(), *np.array([[0.1, 0.0], [0.0, 0.1]])])
    assert np.abs(model(images).numpy() - scores).max() > 0.01


@pytest.mark.parametrize("trainable", ["tau_rc", ["tau"], ["tau_rc"] * 2, [["tau_rc"]]])
def test_count_model_refuses_to_train_other_settings(trainable):
    """The message lists those there are."""
    with pytest.raises(ValueError, match=r"^trainable must be .*'max_rate', 'tau_rc'"):
        count_model(**SMALL, n_steps=8, trainable=trainable)


def test_conv_neurons_of_each_layer():
    """A setting is one for all or one for each; pools have none."""
    lifs = conv_neurons("4C3-AP2-6C2", tau_rc=[0.01, 0.03], max_rate=50)
    assert [lif.tau_rc for lif in lifs] == [0.01, 0.03]
    assert {(lif.max_rate, lif.amplitude) for lif in lifs} == {(50, 0.01)}
    with pytest.raises(ValueError, match=r"^tau_rc must .* 2 layers.*got shape \(3,"):
        conv_neurons("4C3-AP2-6C2", tau_rc=[0.01] * 3)
    with pytest.raises(ValueError, match=r"^tau_rc must be .*above 0; got -1"):
        conv_neurons("4C3-AP2-6C2", tau_rc=[0.01, -1])


def test_count_has_no_slope_beyond_a_limit():
    """Just above the threshold the rate rises more steeply than is passed on."""
    tf = snnlib.tf
    inputs = tf.constant([1e-4, 1e-6])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        values = _lif_count(Lif(max_rate=250), 8, 0.001, np.zeros(2), tf)(inputs)
    assert (tape.gradient(values, inputs).numpy() == 5).all()


def test_count_model_in_its_first_layer_is_the_spiking_network():
    """A layer with one set of weights: outputs are the same, whichever engine runs."""
    rng = np.random.default_rng(0)
    setting = {"max_rate": 250, "amplitude": 0.004, "tau_ref": 0.001, "seed": 3}
    how = {**SMALL, "architecture": "4C3", "weights": None, **setting}
    images = rng.uniform(size=(6, np.prod(how["image_shape"]))).astype(np.float32)
    lifs = conv_neurons("4C3", max_rate=250, amplitude=0.004, tau_ref=0.001)
    for voltage in ("zero", "uniform", "dither"):
        model = count_model(**how, n_steps=8, initial_voltage=voltage)
        scores = model(images).numpy()
        network = conv_network(**how, initial_voltage=voltage)
        with snnlib.nengo_dl.Simulator(
            network, minibatch_size=6, progress_bar=False
        ) as sim:
            shown = np.repeat(images[:, np.newaxis], 8, axis=1)
            (probe,) = (p for p in network.all_probes if p.label == "output")
            output = sim.predict_on_batch({network.input: shown})[probe]
        assert np.ptp(scores, axis=0).min() > 0.001
        np.testing.assert_allclose(scores, output.mean(axis=1), rtol=1e-4, atol=1e-5)
        layers = model.get_weights(), "4C3", how["image_shape"]
        stages, neurons = compile_events(*layers, lifs, dt=0.001)
        start = draw_voltage(voltage, stages[0].shape, np.random.default_rng(3))
        added_up, *_ = simulate_events(stages, neurons, images, 8, [start])
        np.testing.assert_allclose(added_up, output, rtol=1e-4, atol=1e-5)


def test_count_model_refuses_a_rest_that_ends_within_a_step():
    """Its counts would not follow from the formula."""
    with pytest.raises(ValueError, match=r"^tau_ref must be 0 or at least dt = 0.001"):
        count_model(**SMALL, n_steps=8, tau_ref=0.0005)


def test_spiking_network_tends_to_the_rate_model():
    """In 0.3 s each neuron is one spike at most from its rate.

    So the mean output is within sum |weight| x amplitude / time of the rate's.
    """
    weights = drawn_weights([(64, 12), (12,), (12, 3), (3,)], seed=5)
    images = np.random.default_rng(6).uniform(size=(4, 64)).astype(np.float32)
    scores = rate_model((8, 8, 1), 3, "12", weights=weights)(images).numpy()
    network = conv_network((8, 8, 1), 3, "12", weights=weights)
    with snnlib.nengo_dl.Simulator(
        network, minibatch_size=4, progress_bar=False
    ) as sim:
        shown = {network.input: np.repeat(images[:, np.newaxis], 300, axis=1)}
        output = sim.predict_on_batch(shown)[labelled(network)["output"]]
    bound = np.abs(weights[2]).sum(axis=0) * 0.01 / 0.3
    assert (np.abs(output.mean(axis=1) - scores) < bound).all()
    assert (bound < 0.2 * np.ptp(scores, axis=0)).all()


def test_relu_model_is_the_rate_models_twin():
    """It has the same layers and weights, with max(0, x) for the rate."""
    relu, rate = relu_model(**SMALL), rate_model(**SMALL)
    for one, other in zip(relu.layers, rate.layers, strict=True):
        assert one.output_shape == other.output_shape
    assert relu.output_shape == (None, 10)
    assert relu.count_params() == rate.count_params() == 4 * 10 + 6 * 37 + 10 * 7

    kernel, bias, read_out, constant = weights = drawn_weights(
        [(64, 12), (12,), (12, 3), (3,)]
    )
    images = np.random.default_rng(1).normal(size=(5, 64)).astype(np.float32)
    scores = relu_model((8, 8, 1), 3, "12", weights=weights)(images).numpy()
    expected = np.maximum(images @ kernel + bias, 0) @ read_out + constant
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)


def test_draw_voltage_uniform_covers_the_range_below_the_threshold():
    """Ten thousand draws: mean 1/2, and no tenth of [0, 1) with more than its share."""
    drawn = draw_voltage("uniform", (10_000,), np.random.default_rng(0))
    counts, _ = np.histogram(drawn, bins=10, range=(0, 1))
    # A tenth of the draws has a standard deviation of 30.
    assert counts.sum() == 10_000
    assert np.abs(counts - 1000).max() < 150
    assert not draw_voltage("zero", (5,), None).any()


def test_draw_voltage_dither_is_even_over_windows_and_channels():
    """The same every time; each window of each channel has one of each quarter."""
    shape = (6, 8, 34)
    voltage = draw_voltage("dither", shape, None)
    np.testing.assert_array_equal(voltage, draw_voltage("dither", shape, None))
    assert voltage.min() >= 0
    assert voltage.max() < 1
    windows = voltage.reshape(3, 2, 4, 2, 34).transpose(0, 2, 4, 1, 3).reshape(-1, 4)
    gaps = np.diff(np.sort(windows), axis=1)
    np.testing.assert_allclose(gaps, 0.25, atol=1e-12)
    # 34 is a Fibonacci number: no two channels are further apart than 2.3 / 34, or
    # nearer to each other than 0.6 / 34.
    gaps = np.diff(np.sort(voltage[0, 0]))
    assert gaps.max() < 2.3 / 34
    assert gaps.min() > 0.6 / 34
    # A layer without places, and neurons alone, start as one place does.
    alone = draw_voltage("dither", (34,), None)
    np.testing.assert_array_equal(alone, draw_voltage("dither", (1, 1, 34), None)[0, 0])
    np.testing.assert_array_equal(alone, voltage[0, 0])


@pytest.mark.parametrize("value", ["one", None, 0, ["zero"]])
def test_draw_voltage_refuses_other_words(value):
    """The message lists those there are."""
    with pytest.raises(
        ValueError, match=r"^initial_voltage must be one of \['dither', 'uniform'"
    ):
        draw_voltage(value, (5,), np.random.default_rng(0))


ENSEMBLE = {
    "encoders": [[1.0], [-1.0]],
    "decoders": [[1.0, 2.0]],
    "gain": [1.0, 2.0],
    "bias": [1.0, 1.0],
}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"gain": [1.0, 2.0, 3.0]}, ValueError, r"gain must hold 1 or 2 numbers; got"),
        ({"bias": [[1.0]]}, ValueError, r"bias must hold 1 or 2 numbers; got shape"),
        ({"gain": [np.nan, 1]}, ValueError, r"gain must be finite"),
        ({"bias": "high"}, ValueError, r"bias must be an array of real numbers"),
        ({"encoders": [["a"]]}, ValueError, r"encoders must be an array of real"),
        ({"encoders": None}, ValueError, r"encoders must be an array of real"),
        ({"decoders": [[1.0]]}, ValueError, r"^decoders must have shape.*\(1, 1\)"),
        ({"decoders": [["a", "b"]]}, ValueError, r"^decoders must be an array of"),
        ({"decoders": [[[1.0], [2.0]]]}, ValueError, r"^decoders must have shape"),
        ({"decoders": np.ones((1, 1, 2))}, ValueError, r"decoders must have shape"),
        ({"output_bias": [1.0, 2.0]}, ValueError, r"output_bias must hold 1 or 1 num"),
        ({"offset": [1.0, 2.0]}, ValueError, r"offset must hold 1 or 1 numbers"),
        ({"scale": [1.0, 2.0]}, ValueError, r"scale must hold 1 or 1 numbers"),
        ({"initial_voltage": [0.0] * 3}, ValueError, r"initial_voltage must hold 1 or"),
        ({"scale": 0}, ValueError, r"scale must be above 0, from 1e-300 on; got 0"),
        ({"scale": -np.inf}, ValueError, r"scale must be finite"),
        ({"scale": "wide"}, ValueError, r"scale must be an array of real numbers"),
        ({"encoders": []}, ValueError, r"^encoders must have shape \(n_neurons, n_fe"),
        ({"decoders": []}, ValueError, r"^decoders must have shape \(n_outputs, n_ne"),
        ({"max_rate": 100}, TypeError, r"takes gain and bias in place of \['max_rate"),
        ({"intercept": 0, "max_rate": 9}, TypeError, r"of \['intercept', 'max_rate'\]"),
        ({"tau": 0.02}, TypeError, r"unexpected keyword argument 'tau'"),
    ],
)
def test_ensemble_network_refuses_what_does_not_fit(changes, error, message):
    """Shapes, numbers and settings are named with what came."""
    with pytest.raises(error, match=message):
        ensemble_network(**{**ENSEMBLE, **changes})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ((8, 8), 10),
            r"image_shape must be \(rows, columns, channels\); got \(8, 8\)",
        ),
        ((8, 10), r"image_shape must be \(rows, columns, channels\); got 8"),
        (
            ((8, 8, 0), 10),
            r"image_shape must be a whole number from 1 to 10*; got 0",
        ),
        (
            ((8.0, 8, 1), 10),
            r"image_shape must be a whole number from 1 to 10*; got 8\.0",
        ),
        (
            ((8, 8, 1), 0),
            r"n_classes must be a whole number from 1 to 10*; got 0",
        ),
        (
            ((8, 8, 1), "ten"),
            r"n_classes must be a whole number from 1 to 10*; got 'ten'",
        ),
        (((8, 8, 1), 10, None), r"architecture must be text such as '32C3-AP2'; got N"),
        (((8, 8, 1), 10, 32), r"architecture must be text such as '32C3-AP2'; got 32"),
        (((8, 8, 1), 10, "9" * 5000), r"cannot read '9999"),
        (((8, 8, 1), 10, "\u0663C3"), r"cannot read '\u0663C3'"),
    ],
)
@pytest.mark.parametrize("declare", [rate_model, relu_model, conv_network])
def test_networks_refuse_impossible_shapes(declare, arguments, message):
    """Image, classes and architecture are looked at before TensorFlow is asked."""
    with pytest.raises(ValueError, match=message):
        declare(*arguments)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_rate": 0}, "max_rate must be a finite number above 0; got 0"),
        ({"max_rate": None}, "max_rate must be a finite number above 0; got None"),
        ({"intercept": 1}, "intercept must be a finite number below 1; got 1"),
        ({"intercept": np.nan}, "intercept must be a finite number below 1; got nan"),
        ({"tau_rc": np.nan}, "tau_rc must be a finite number above 0; got nan"),
        ({"tau_ref": -1e-3}, "tau_ref must be a finite number from 0; got -0.001"),
        ({"amplitude": 10**400}, "amplitude must be a finite number above 0; got 1"),
        ({"min_voltage": 0.1}, "min_voltage must be a finite number to 0; got 0.1"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295; got -1"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4294967295; got"),
        ({"seed": "0"}, "seed must be a whole number from 0 to 4294967295; got '0'"),
        ({"synapse": np.nan}, "synapse must be a finite number from 0, or None; got"),
        ({"synapse": -0.1}, "synapse must be a finite number from 0, or None; got -0"),
        ({"layer_synapse": "0.1"}, "layer_synapse must be a finite number from 0, or"),
        ({"initial_voltage": 0}, "initial_voltage must be one of"),
    ],
)
def test_networks_refuse_settings_by_name(settings, message):
    """What no estimator takes, no network takes, each with the settings it has."""
    conv_only = {"layer_synapse", "initial_voltage"}
    with pytest.raises(ValueError, match=f"^{message}"):
        conv_network((8, 8, 1), 2, "2C3", **settings)
    if not settings.keys() & {"synapse", *conv_only}:
        with pytest.raises(ValueError, match=f"^{message}"):
            rate_model((8, 8, 1), 2, "2C3", **settings)
    if not settings.keys() & {"max_rate", "intercept", "seed", *conv_only}:
        with pytest.raises(ValueError, match=f"^{message}"):
            ensemble_network(**{**ENSEMBLE, **settings})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (3, r"weights must be a list of arrays; got int"),
        (np.zeros((6, 1)), r"weights must be a list of arrays; got ndarray"),
        ([None] * 6, r"weights must have shape \(3, 3, 1, 4\) at place 0.*got \(\)"),
        (
            [np.full(shape, np.nan) for shape in SMALL_SHAPES],
            r"weights at place 0 must be finite; got 36 of 36",
        ),
        (
            [np.full(shape, "w") for shape in SMALL_SHAPES],
            r"weights at place 0 must be an array of real numbers",
        ),
    ],
    ids=["number", "array", "nothing", "nan", "text"],
)
def test_weights_that_are_none_are_refused(weights, message):
    """Their kind, their shapes and their numbers are looked at."""
    with pytest.raises(ValueError, match=message):
        rate_model(**SMALL, weights=weights)


def test_conv_network_takes_the_floor_of_the_voltage():
    """``min_voltage`` reaches every neuron that is declared."""
    network = conv_network(**SMALL, min_voltage=-3.0)
    types = [ensemble.neuron_type for ensemble in network.all_ensembles]
    assert [neuron_type.min_voltage for neuron_type in types] == [-3.0, -3.0]


def test_networks_name_their_parts():
    """Whoever looks a network over in Nengo's tools reads what is what."""
    ensemble = ensemble_network([[1.0]], [[1.0]], gain=[1.0], bias=[1.0])
    conv = conv_network(**SMALL)
    assert (ensemble.label, conv.label) == ("ensemble", "conv")
    assert (ensemble.input.label, ensemble.output.label) == ("input", "output")
    assert conv.input.label == "image"


def test_conv_network_filters_what_neurons_pass_on_and_nothing_else():
    """``layer_synapse`` stands behind each layer of neurons, also before a pool."""
    network = conv_network((8, 8, 1), 10, "4C3-AP2-6C3-20", layer_synapse=0.03)
    neurons = [ensemble.neurons for ensemble in network.all_ensembles]
    tau, counted = {}, []
    for connection in network.all_connections:
        synapse = connection.synapse
        if connection.pre in tau:
            # The first one goes to the next layer, the second to the sum of spikes.
            counted.append(synapse)
        else:
            tau[connection.pre] = synapse and synapse.tau
    assert {pre for pre, value in tau.items() if value == 0.03} == {*neurons}
    assert {value for pre, value in tau.items() if pre not in neurons} == {None}
    assert counted == [None] * 3


def test_conv_network_starts_anew_at_each_presentation():
    """NengoDL is told to keep no voltage from one call of ``predict`` to the next."""
    assert conv_network(**SMALL).config[nengo.Network].stateful is False


def test_conv_network_draws_voltages_by_its_seed():
    """Uniform starts are those of the seed, and differ from layer to layer."""

    def starts(seed):
        network = conv_network(**SMALL, initial_voltage="uniform", seed=seed)
        types = [ensemble.neuron_type for ensemble in network.all_ensembles]
        return [neuron_type.initial_state["voltage"] for neuron_type in types]

    def same(one, other):
        return [np.array_equal(*pair) for pair in zip(one, other, strict=True)]

    assert same(starts(3), starts(3)) == [True, True]
    assert same(starts(3), starts(4)) == [False, False]
