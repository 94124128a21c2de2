"""The spiking conv net: what it learns, how it spikes, what it saves."""

import copy
import json
import pickle
from dataclasses import replace
from typing import NamedTuple

import nengo
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import snnlib
from snnlib import SpikingConvClassifier, lowpass, read_weights

LABELS = np.array(["zero", "one", "two"])
CONV = {
    "architecture": "8C3-AP2-8C3",
    "max_rate": 200,
    "amplitude": 0.02,
    "n_epochs": 8,
    "learning_rate": 0.01,
    "batch_size": 25,
    # tests/test_events.py compares the other engine with this one.
    "engine": "nengo_dl",
    "verbose": 0,
    "random_state": 2,
}


class Images(NamedTuple):
    train: np.ndarray
    test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray


@pytest.fixture(scope="module")
def digits():
    """400 and 60 of scikit-learn's digits 0, 1 and 2: 8 x 8 pixels in [0, 1]."""
    from sklearn.datasets import load_digits

    data = load_digits(n_class=3)
    images, labels = data.images.astype(np.float32) / 16, LABELS[data.target]
    return Images(images[:400], images[400:460], labels[:400], labels[400:460])


@pytest.fixture(scope="module")
def conv(digits):
    """A classifier fitted in a second; its tests must leave it as it is."""
    return SpikingConvClassifier(**CONV).fit(digits.train, digits.y_train)


@pytest.fixture(scope="module")
def run(conv, digits):
    """What the classifier's spikes do for 60 images, in batches of 25."""
    return conv.simulate(digits.test)


@pytest.fixture(scope="module")
def second_route(conv, digits):
    """What probes record when a reader runs ``network_`` in NengoDL."""
    network = conv.network_
    with network:
        neurons = [nengo.Probe(each.neurons) for each in network.all_ensembles]
    filtered = next(p for p in network.all_probes if p.label == "filtered output")
    flat = digits.test.reshape(60, 1, 64)
    with snnlib.nengo_dl.Simulator(
        network, minibatch_size=12, seed=conv.seed_, progress_bar=False
    ) as sim:
        data = sim.predict({network.input: np.repeat(flat, 30, axis=1)})
    return data[filtered], [data[probe] for probe in neurons]


@pytest.fixture
def cheap():
    """A classifier that takes no time to speak of: 4 neurons, 12 images."""
    return SpikingConvClassifier("4", n_epochs=1, verbose=0, random_state=0)


def test_conv_learns(conv, run, digits):
    """More than 80 % of three digits, where chance is 35 %; labels may be strings."""
    assert set(conv.classes_) == set(LABELS)
    assert conv.n_features_in_ == 64
    assert conv.image_shape_ == (8, 8, 1)
    assert set(conv.history_) == {"loss", "accuracy"}
    assert len(conv.history_["loss"]) == len(conv.history_["accuracy"]) == 8
    assert conv.history_["loss"][-1] < conv.history_["loss"][0]
    predicted = conv.classes_[conv.decide(run.output).argmax(axis=1)]
    assert (predicted == digits.y_test).mean() > 0.8


def test_conv_predictions_follow_from_the_simulation(conv, run, digits):
    """All methods read one and the same simulation."""
    scores = conv.decision_function(digits.test)
    np.testing.assert_array_equal(scores, conv.decide(run.output))
    probabilities = conv.predict_proba(digits.test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    odds = np.exp(scores)
    np.testing.assert_allclose(probabilities, odds / odds.sum(axis=1, keepdims=True))
    predicted = conv.predict(digits.test)
    np.testing.assert_array_equal(
        predicted, conv.classes_[probabilities.argmax(axis=1)]
    )
    assert conv.score(digits.test, digits.y_test) == np.mean(predicted == digits.y_test)


def test_conv_run_does_not_depend_on_batches(conv, run, digits):
    """60 images in batches of 25 give what a few of them give."""
    assert run.output.shape == (60, 30, 3)
    assert run.spike_counts.shape == (60, 30, 2)
    few = conv.simulate(digits.test[48:53])
    np.testing.assert_array_equal(few.spike_counts, run.spike_counts[48:53])
    np.testing.assert_allclose(few.output, run.output[48:53], atol=1e-5)


@pytest.mark.parametrize("shape", [(64,), (8, 8, 1)], ids=["flat", "with channel"])
def test_conv_takes_images_of_any_form(conv, run, digits, shape):
    """Flat images and images with a channel axis are the same images."""
    again = conv.simulate(digits.test[:7].reshape(7, *shape))
    np.testing.assert_allclose(again.output, run.output[:7], atol=1e-5)


def test_conv_spike_counts_are_those_of_the_neurons(run, second_route):
    """Probes on all neurons count the same spikes at each step."""
    neurons = second_route[1]
    counted = np.stack([(layer > 0).sum(axis=2) for layer in neurons], axis=2)
    assert (counted.sum(axis=(0, 1)) > 0).all()
    np.testing.assert_array_equal(run.spike_counts, counted)
    # A spike has the height amplitude / dt.
    assert set(np.unique(neurons[0].round(3))) == {0.0, 20.0}


def test_conv_decides_as_the_networks_own_filter(conv, run, second_route):
    """The probe "filtered output" holds the same values at all steps, to 1e-5."""
    filtered = second_route[0]
    assert np.ptp(filtered[:, -1]) > 0.1
    np.testing.assert_allclose(lowpass(run.output, 0.1, axis=1), filtered, atol=1e-5)
    last = conv.decide(run.output, synapse=0.1, readout="last")
    np.testing.assert_allclose(last, filtered[:, -1], atol=1e-5)
    mean = conv.decide(run.output, readout="mean")
    np.testing.assert_allclose(mean, filtered[:, 15:].mean(axis=1), atol=1e-5)


def test_conv_decide_refuses_what_it_cannot_do(conv, run):
    """An unknown read-out and an impossible synapse are named with their value."""
    with pytest.raises(ValueError, match=r"readout must be one of.*got 'first'"):
        conv.decide(run.output, readout="first")
    with pytest.raises(ValueError, match=r"synapse must be.*got -0\.1"):
        conv.decide(run.output, synapse=-0.1)


@pytest.mark.parametrize("engine", ["event", "nengo_dl"])
@pytest.mark.parametrize(
    ("setting", "effect"),
    [
        ({"max_rate": 50}, lambda new, old: new.sum() < 0.7 * old.sum()),
        (
            {"initial_voltage": "uniform"},
            lambda new, old: new[:, 0].sum() > 0 == old[:, 0].sum(),
        ),
        (
            {"layer_synapse": 0.005},
            lambda new, old: (
                (new[..., 0] == old[..., 0]).all()
                and new[..., 1].nonzero()[1].min() > old[..., 1].nonzero()[1].min()
            ),
        ),
    ],
    ids=["max_rate", "initial_voltage", "layer_synapse"],
)
def test_conv_setting_changed_after_fit_acts(
    conv, run, digits, setting, effect, engine
):
    """Fewer spikes at a lower rate; in the first step from drawn voltages.

    A synapse between layers makes the second layer start later, and not the first.
    """
    changed = copy.deepcopy(conv).set_params(engine=engine, **setting)
    counts = changed.simulate(digits.test[:20]).spike_counts
    assert effect(counts, run.spike_counts[:20])


@pytest.mark.parametrize("engine", ["event", "nengo_dl"])
def test_conv_weights_changed_in_place_act(conv, digits, engine):
    """A constant added to one class's output is added to its score."""
    changed = copy.deepcopy(conv).set_params(engine=engine, synapse=None)
    before = changed.decision_function(digits.test[:3])
    changed.weights_[-1][1] += 5
    after = changed.decision_function(digits.test[:3])
    np.testing.assert_allclose(after - before, [[0, 5, 0]] * 3, atol=1e-4)


@pytest.mark.parametrize("engine", ["event", "nengo_dl"])
@pytest.mark.parametrize("method", ["predict", "simulate", "spike_trains"])
def test_conv_architecture_changed_after_fit_is_refused(conv, digits, engine, method):
    """Weights of another architecture are named, whichever engine runs."""
    changed = copy.deepcopy(conv).set_params(engine=engine, architecture="4C3-AP2-8C3")
    with pytest.raises(ValueError, match=r"weights must have shape \(3, 3, 1, 4\)"):
        getattr(changed, method)(digits.test[:2])


@pytest.mark.parametrize("layer_synapse", [1e-6, 1e-5, 1e-4])
def test_conv_tiny_layer_synapse_delays_by_a_step(conv, digits, layer_synapse):
    """In both engines the second layer hears the first one a step later."""
    counts = [
        copy.deepcopy(conv)
        .set_params(engine=engine, layer_synapse=value)
        .simulate(digits.test[:10])
        .spike_counts[:, :, 1]
        for engine in ("event", "nengo_dl")
        for value in (layer_synapse, None)
    ]
    for delayed, prompt in (counts[:2], counts[2:]):
        assert prompt.sum() > 100
        # The digits are few and trained briefly: on another number of threads, other.
        assert np.mean(delayed[:, 1:] != prompt[:, :-1]) < 0.05


def test_conv_min_voltage_acts_in_both_engines(conv, digits):
    """Without a floor, inhibited neurons fire later: fewer spikes, alike in both."""
    floored, deep = conv.simulate(digits.test[:20]), {}
    for engine in ("event", "nengo_dl"):
        changed = copy.deepcopy(conv).set_params(engine=engine, min_voltage=-5.0)
        deep[engine] = changed.simulate(digits.test[:20])
    totals = [deep[engine].spike_counts.sum() for engine in deep]
    assert totals[0] == pytest.approx(totals[1], rel=1e-3)
    assert totals[0] < 0.99 * floored.spike_counts.sum()


def test_conv_fitted_again_forgets_the_first_fit(conv, digits):
    """Fitted to fewer images after a prediction, it predicts by its new weights."""
    again = copy.deepcopy(conv)
    again.simulate(digits.test[:1])
    again.set_params(architecture="4", n_epochs=1)
    again.fit(digits.train[:50].reshape(50, 4, 16), digits.y_train[:50])
    shown = again.simulate(digits.test[:5].reshape(5, 4, 16))
    fresh = SpikingConvClassifier(**again.get_params())
    fresh.fit(digits.train[:50].reshape(50, 4, 16), digits.y_train[:50])
    np.testing.assert_array_equal(
        shown.output, fresh.simulate(digits.test[:5].reshape(5, 4, 16)).output
    )


def test_conv_random_state_decides_the_weights(cheap, digits):
    """The same seed gives the same weights; another seed gives others."""
    X, y = digits.train[:12], digits.y_train[:12]
    first, again, other = (
        clone(cheap).set_params(random_state=seed).fit(X, y).weights_
        for seed in (1, 1, 2)
    )
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize("trainer", ["keras", "nengo_dl"])
def test_conv_verbose_0_is_silent(cheap, digits, capfd, trainer):
    """Neither training nor prediction prints anything."""
    cheap.set_params(trainer=trainer).fit(digits.train[:12], digits.y_train[:12])
    cheap.predict(digits.test[:3])
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_conv_trainers_agree(digits):
    """One batch per epoch: Keras and NengoDL give the same losses to 1e-3.

    The first loss is that of the drawn weights, the second follows a training step.
    Neither trains with synapses between layers.
    """
    X, y = digits.train[:60], digits.y_train[:60]
    histories = [
        SpikingConvClassifier(
            **{**CONV, "batch_size": 60, "n_epochs": 2, "learning_rate": 1e-3},
            layer_synapse=0.005,
            trainer=trainer,
        )
        .fit(X, y)
        .history_
        for trainer in ("keras", "nengo_dl")
    ]
    assert histories[0]["loss"][1] != pytest.approx(histories[0]["loss"][0], rel=1e-3)
    for name in "loss", "accuracy":
        assert histories[0][name] == pytest.approx(histories[1][name], rel=1e-3)


FEW_STEPS = {
    "max_rate": 250,
    "amplitude": 1 / 250,
    "tau_ref": 0.001,
    "synapse": None,
    "readout": "overall",
    "presentation_time": 0.002,
}


@pytest.fixture(scope="module")
def by_rates(digits):
    """A classifier trained by rates that is to answer in two steps."""
    settings = {**CONV, **FEW_STEPS, "engine": "auto"}
    return SpikingConvClassifier(**settings).fit(digits.train, digits.y_train)


def by_counts(started, digits, **settings):
    """Go on from a classifier by counts."""
    counts = {"trainer": "counts", "warm_start": True, "schedule": "cosine"}
    counts |= {"n_epochs": 3, "learning_rate": 0.003}
    trained = copy.copy(started).set_params(**counts, **settings)
    return trained.fit(digits.train, digits.y_train)


def test_conv_counts_are_trained_for_the_steps_that_come(by_rates, digits):
    """Trained by counts, two steps are enough for many more images."""
    before = by_rates.score(digits.test, digits.y_test)
    after = by_counts(by_rates, digits)
    assert after.history_["loss"][-1] < after.history_["loss"][0]
    assert after.score(digits.test, digits.y_test) > before + 0.1
    # The classifier that it began with is as it was.
    assert by_rates.score(digits.test, digits.y_test) == before


def test_conv_counts_can_be_had_again(by_rates, digits):
    """Steps and moves are drawn by the seed, and what they are makes a difference."""
    how = {"n_train_steps": (2, 6), "augmentation": {"shift": 1, "rotation": 5}}
    first, again = (by_counts(by_rates, digits, **how).weights_ for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    for changes in ({"n_train_steps": 6}, {"augmentation": {"zoom": 0.1}}):
        others = by_counts(by_rates, digits, **{**how, **changes}).weights_
        assert (first[0] != others[0]).any()


@pytest.fixture(scope="module")
def with_settings(by_rates, digits):
    """A classifier whose training by counts found two settings for each layer too."""
    how = {"trainable": ["tau_rc", "max_rate"], "n_epochs": 1, "learning_rate": 0.003}
    trained = copy.copy(by_rates).set_params(trainer="counts", warm_start=True, **how)
    return trained.fit(digits.train, digits.y_train, snapshots=[0.5])


def test_conv_trains_settings_of_its_neurons(with_settings, by_rates, digits, tmp_path):
    """They move with the weights, are saved, and go on from there."""
    assert by_rates.trained_ == {}
    assert {*with_settings.trained_} == {"tau_rc", "max_rate"}
    for name, each in with_settings.trained_.items():
        assert len(set(each)) == 2
        assert getattr(with_settings, name) not in each
    assert len(with_settings.weights_) == len(by_rates.weights_)
    half = with_settings.snapshot(0.5)
    assert half.trained_ != with_settings.trained_
    assert len(half.weights_) == len(with_settings.weights_)

    with_settings.save(tmp_path / "trained.npz")
    loaded = SpikingConvClassifier.load(tmp_path / "trained.npz")
    assert loaded.trained_ == with_settings.trained_
    output = with_settings.simulate(digits.test).output
    np.testing.assert_array_equal(loaded.simulate(digits.test).output, output)
    # A warm start with hardly a step begins where the last training ended.
    loaded.set_params(learning_rate=1e-9).fit(digits.train, digits.y_train)
    for name, each in loaded.trained_.items():
        assert each == pytest.approx(with_settings.trained_[name], rel=1e-4)
    # One that trains weights alone keeps them; another fit forgets them.
    loaded.set_params(trainable=None).fit(digits.train, digits.y_train)
    assert loaded.trained_["tau_rc"] == pytest.approx(with_settings.trained_["tau_rc"])
    loaded.set_params(warm_start=False).fit(digits.train[:50], digits.y_train[:50])
    assert loaded.trained_ == {}


def test_conv_engines_take_trained_settings(with_settings, digits):
    """Both spike alike with them, and not as without them."""
    counts, plain = (
        copy.copy(with_settings).set_params(engine=engine, presentation_time=0.03)
        for engine in ("event", "nengo_dl")
    )
    ours, theirs = (each.simulate(digits.test).spike_counts for each in (counts, plain))
    # A spike may come a step apart by rounding.
    assert np.abs(ours - theirs).sum() <= 1e-3 * ours.sum()
    counts.trained_ = {}
    without = counts.simulate(digits.test).spike_counts
    assert np.abs(ours - without).sum() > 0.01 * ours.sum()


def test_conv_max_rate_of_a_layer_is_in_its_weights(with_settings, digits):
    """Weights and biases times the ratio of the gains: the same spikes."""
    scaled = copy.copy(with_settings).set_params(engine="event")
    before = scaled.spike_trains(digits.test)
    ratios = []
    for lif in scaled._lifs:
        alike = {"max_rate": scaled.max_rate, "tau_rc": lif.tau_rc}
        others = replace(lif, **alike).gain_bias()[0][0]
        ratios.append(lif.gain_bias()[0][0] / others)
    assert max(np.abs(np.log(ratios))) > 0.01
    scaled.weights_ = [
        weights * ratio
        for weights, ratio in zip(
            scaled.weights_, [*np.repeat(ratios, 2), 1.0, 1.0], strict=True
        )
    ]
    scaled.trained_ = {"tau_rc": with_settings.trained_["tau_rc"]}
    after = scaled.spike_trains(digits.test)
    for one, other in zip(before, after, strict=True):
        assert (one != other).sum() <= 1e-3 * one.sum()


def test_conv_warm_start_goes_on_from_the_weights(by_rates, digits):
    """With hardly a step the weights stay; images of another form are refused."""
    how = {"warm_start": True, "learning_rate": 1e-9, "n_epochs": 1}
    again = copy.copy(by_rates).set_params(**how)
    again.fit(digits.train, digits.y_train)
    assert again.seed_ == by_rates.seed_
    for one, other in zip(by_rates.weights_, again.weights_, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    with pytest.raises(ValueError, match=r"warm_start goes on with the images and"):
        again.fit(np.pad(digits.train, ((0, 0), (0, 1), (0, 0))), digits.y_train)
    with pytest.raises(ValueError, match=r"warm_start goes on with the images and"):
        again.fit(digits.train[:9], ["no", "one", "two"] * 3)
    # Without weights there is nothing to go on from.
    new = clone(again).set_params(learning_rate=0.001)
    assert (new.fit(digits.train, digits.y_train).weights_[0] != one[0]).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_train_steps": (4, 5, 6)}, r"^n_train_steps must be a number or two"),
        ({"n_train_steps": (5, 4)}, r"^n_train_steps must be .* from 5 on; got 4"),
        ({"n_train_steps": (0.5, 4)}, r"^n_train_steps must be .*; got 0.5"),
        ({"augmentation": {"mirror": 1}}, r"^augmentation must be one of .*'zoom'"),
        ({"augmentation": {"shift": -1}}, r"^augmentation\['shift'\] must be"),
        ({"augmentation": {"zoom": "much"}}, r"^augmentation\['zoom'\] must be"),
        (
            {"augmentation": {"shift": 1}, "trainer": "nengo_dl"},
            r"^augmentation must be None where the trainer is 'nengo_dl'",
        ),
        (
            {"tau_ref": 0.0005, "trainer": "counts"},
            r"^tau_ref must be 0 or at least dt = 0.001 s where the trainer",
        ),
        ({"warm_start": 1}, r"'warm_start' parameter of"),
        (
            {"trainable": ["tau_ref"], "trainer": "counts"},
            r"^trainable must be .*'max_rate', 'tau_rc'.*got \['tau_ref'\]",
        ),
        ({"trainable": ["tau_rc"]}, r"^trainable must be None .* is not 'counts'; got"),
    ],
)
def test_conv_refuses_impossible_training(cheap, digits, settings, message):
    """Before any work starts, and by name."""
    with pytest.raises(ValueError, match=message):
        cheap.set_params(**settings).fit(digits.train, digits.y_train)


def test_conv_save_and_load(conv, run, digits, tmp_path):
    """What is read back predicts alike and knows what was noted beside it."""
    path = tmp_path / "digits.npz"
    conv.save(path, seconds=1.5, where="here")
    assert [file.name for file in tmp_path.iterdir()] == ["digits.npz"]
    loaded = SpikingConvClassifier.load(path)
    assert loaded.get_params() == conv.get_params()
    assert loaded.provenance_ == {"seconds": 1.5, "where": "here"}
    assert loaded.history_ == conv.history_
    np.testing.assert_array_equal(loaded.classes_, conv.classes_)
    np.testing.assert_array_equal(loaded.simulate(digits.test).output, run.output)
    assert (loaded.predict(digits.test[:5]) == conv.predict(digits.test[:5])).all()
    for one, other in zip(read_weights(path), conv.weights_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_conv_saves_no_pickle(conv, tmp_path):
    """Every entry opens where pickles are forbidden."""
    path = tmp_path / "digits.npz"
    conv.save(path)
    with np.load(path, allow_pickle=False) as file:
        assert len(file.files) == 2 + len(conv.weights_)
        assert not any(file[name].dtype.hasobject for name in file.files)


def test_conv_saves_settings_and_labels_as_searches_leave_them(conv, tmp_path):
    """NumPy's numbers and pandas' strings are numbers and strings, too."""
    found = copy.deepcopy(conv).set_params(
        max_rate=np.float32(150), batch_size=np.int64(10)
    )
    found.classes_ = found.classes_.astype(object)
    found.save(tmp_path / "found.npz", accuracy=np.float32(0.5))
    loaded = SpikingConvClassifier.load(tmp_path / "found.npz")
    assert loaded.get_params() == found.get_params()
    assert loaded.provenance_ == {"accuracy": 0.5}
    assert loaded.classes_.tolist() == conv.classes_.tolist()


def test_conv_saves_tuples_as_tuples(conv, tmp_path):
    """JSON has lists alone; a list stays one."""
    counted = {"trainer": "counts", "n_train_steps": (3, 5)}
    for trainable in (("tau_rc",), ["tau_rc"]):
        odd = copy.copy(conv).set_params(trainable=trainable, **counted)
        odd.save(tmp_path / "odd.npz")
        loaded = SpikingConvClassifier.load(tmp_path / "odd.npz")
        assert loaded.get_params() == odd.get_params()


def test_conv_loaded_warns_of_settings_changed_since(conv, digits, tmp_path):
    """As after `fit`; with its own settings it says nothing."""
    conv.save(tmp_path / "digits.npz")
    loaded = SpikingConvClassifier.load(tmp_path / "digits.npz")
    loaded.set_params(engine="event", max_rate=100).predict(digits.test[:2])
    with pytest.warns(UserWarning, match=r"dt=0\.008 s is longer"):
        loaded.set_params(dt=0.008).predict(digits.test[:2])


def test_conv_saves_without_a_generator(conv, tmp_path):
    """A generator has a state of its own; what it drew is saved, as ``seed_``."""
    drawn = copy.copy(conv).set_params(random_state=np.random.RandomState(0))
    drawn.save(tmp_path / "drawn.npz")
    loaded = SpikingConvClassifier.load(tmp_path / "drawn.npz")
    assert loaded.random_state is None
    assert loaded.seed_ == conv.seed_


ENDLESS: list = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"x", 1j, {(1, 2): 3}, ENDLESS])
def test_conv_refuses_to_save_what_it_could_not_load(conv, tmp_path, value):
    """The message says what can be written, and no file is left."""
    with pytest.raises(ValueError, match=r"save writes numbers, text, lists and dicts"):
        conv.save(tmp_path / "odd.npz", odd=value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes_": np.array(["a", "a\0", "b"], object)},
            r"^classes must not end in",
        ),
        ({"architecture": "4"}, r"^weights must hold 4 arrays"),
        ({"n_epochs": 0}, r"'n_epochs' parameter"),
        ({"seed_": -1}, r"^seed must be a whole number"),
    ],
)
def test_conv_refuses_to_save_a_fit_it_could_not_load(conv, tmp_path, changes, message):
    """What would be refused on the way back is refused on the way out."""
    changed = copy.copy(conv)
    for name, value in changes.items():
        setattr(changed, name, value)
    with pytest.raises(ValueError, match=message):
        changed.save(tmp_path / "odd.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "labels",
    [
        np.array([1, 0, 2], "int8"),
        np.array([0.0, 1.0, 2.0], "float32"),
        np.array(["b", "a", "c"]),
        np.array(["b", "a", "c"], object),
    ],
    ids=["int8", "float32", "text", "text objects"],
)
def test_conv_keeps_the_type_of_labels(cheap, digits, tmp_path, labels):
    """What is read back predicts labels of the type that fit was given."""
    y = labels[np.arange(12) % 3]
    cheap.fit(digits.train[:12], y).save(tmp_path / "labels.npz")
    loaded = SpikingConvClassifier.load(tmp_path / "labels.npz")
    assert loaded.classes_.dtype == cheap.classes_.dtype == labels.dtype
    assert loaded.classes_.tolist() == cheap.classes_.tolist()
    assert loaded.predict(digits.test[:2]).dtype == labels.dtype


def test_conv_knows_the_names_of_pixels(cheap, digits, tmp_path):
    """A table's columns are remembered, saved, and asked for in their order."""
    X = pd.DataFrame(digits.train[:12].reshape(12, 64)).rename(columns="p{}".format)
    cheap.fit(X, digits.y_train[:12])
    assert cheap.feature_names_in_.tolist() == list(X.columns)
    cheap.save(tmp_path / "named.npz")
    for fitted in (cheap, SpikingConvClassifier.load(tmp_path / "named.npz")):
        fitted.predict(X)
        with pytest.raises(ValueError, match="feature names should match"):
            fitted.predict(X[X.columns[::-1]])
        with pytest.warns(UserWarning, match="does not have valid feature names"):
            fitted.predict(X.to_numpy())


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def as_array(path):
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").replace(path)


def rewritten(**changes):
    """Return what rewrites a file with some entries changed, or left out if None."""

    def rewrite(path):
        with np.load(path) as file:
            entries = {name: file[name] for name in file.files} | changes
        np.savez(path, **{k: v for k, v in entries.items() if v is not None})

    return rewrite


def noted(**changes):
    """Return what rewrites a file with something else noted about its weights."""

    def rewrite(path):
        with np.load(path) as file:
            about = json.loads(str(file["about"])) | changes
        rewritten(about=json.dumps(about))(path)

    return rewrite


DAMAGES = {
    "truncated": truncated,
    "text": lambda path: path.write_text("weights"),
    "empty": lambda path: path.write_bytes(b""),
    "pickle": lambda path: path.write_bytes(pickle.dumps([1.0])),
    "array": as_array,
    "foreign": lambda path: np.savez(path, x=np.zeros(3)),
    "pickled entry": rewritten(classes=np.array([None, 1], dtype=object)),
    "no JSON": rewritten(about="{"),
    "no settings": rewritten(about=json.dumps({"format": 1})),
    "no classes": rewritten(classes=None),
    "weights lost": rewritten(weights_05=None),
    "weights of another shape": rewritten(weights_00=np.zeros((3, 3, 1, 9))),
    "classes of another number": rewritten(classes=np.arange(4)),
    "classes with two axes": rewritten(classes=np.arange(6).reshape(3, 2)),
    "classes twice": rewritten(classes=[1, 1, 2]),
    "classes missing": rewritten(classes=[0, 1, np.nan]),
    "weights too large": rewritten(weights_05=np.full(3, 1e300)),
    "another format": noted(format=99),
    "no format": noted(format=None),
    "list about": rewritten(about="[]"),
    "seed of text": noted(seed="abc"),
    "seed below 0": noted(seed=-1),
    "no seed": noted(seed=None),
    "no trained": noted(trained=None),
    "trained list": noted(trained=[1]),
    "trained unknown": noted(trained={"foo": [0.1, 0.1]}),
    "trained layers": noted(trained={"tau_rc": [0.1]}),
    "trained below 0": noted(trained={"tau_rc": [0.1, -0.1]}),
    "trained too fast": noted(trained={"max_rate": [100.0, 1e6]}),
    "two names": noted(feature_names=["a", "b"]),
    "numbers as names": noted(feature_names=[*range(64)]),
    "history of text": noted(history="x"),
    "shape of text": noted(image_shape="abc"),
    "tuple of none": noted(tuples=["n_epochs"]),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_conv_load_refuses_other_files(conv, tmp_path, damage):
    """A damaged or foreign file is named in a ValueError."""
    path = tmp_path / "digits.npz"
    conv.save(path)
    DAMAGES[damage](path)
    with pytest.raises(ValueError, match=r"digits\.npz does not hold a classifier"):
        SpikingConvClassifier.load(path)


def test_conv_load_of_no_file(tmp_path):
    """A missing file is missing, not damaged."""
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        SpikingConvClassifier.load(tmp_path / "none.npz")


@pytest.mark.parametrize("before", [False, True], ids=["new file", "over another"])
def test_conv_crash_while_saving_leaves_no_half_file(
    conv, tmp_path, monkeypatch, before
):
    """The file that was there stays whole, and nothing else stays."""
    path = tmp_path / "digits.npz"
    if before:
        conv.save(path)
    files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full_disk(file, **_):
        file.write(b"PK half of it")
        message = "No space left on device"
        raise OSError(message)

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="No space left"):
        conv.save(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == files


GOOD_IMAGES = np.full((4, 8, 8), 0.5)


def with_pixel(value):
    """Return good images but for one pixel."""
    images = GOOD_IMAGES.copy()
    images[2, 3, 4] = value
    return images


BAD_IMAGES = {
    "8 bit": (GOOD_IMAGES * 510, r"pixels in \[0, 1\]; got.*255\. Divide.* by 255"),
    "too bright": (with_pixel(1.01), r"pixels in \[0, 1\]; got.*0\.5 to 1\.01"),
    "negative": (with_pixel(-0.01), r"pixels in \[0, 1\]; got.*-0\.01 to 0\.5"),
    "NaN": (with_pixel(np.nan), r"pixels in \[0, 1\]; got.*nan"),
    "infinity": (with_pixel(np.inf), r"pixels in \[0, 1\]; got.*inf"),
    "one axis": (np.zeros(64), r"X must have shape.*got \(64,\)"),
    "five axes": (np.zeros((4, 1, 8, 8, 1)), r"X must have shape.*got \(4, 1, 8, 8, 1"),
    "no image": (np.zeros((0, 8, 8)), r"none of them 0; got \(0, 8, 8\)"),
    "text": (np.full((4, 8, 8), "x"), r"X must hold .*numbers; got dtype <U1"),
    "channels first": (np.zeros((4, 3, 8, 8)), r"channels last.*got \(4, 3, 8, 8\)"),
    "ragged": ([[[0.5]], [[0.5, 0.5]]], r"X must hold images of one shape"),
    "complex": (GOOD_IMAGES * 1j, r"X must hold .*numbers; got dtype complex128"),
}


@pytest.mark.parametrize("images", BAD_IMAGES)
def test_conv_bad_images_are_refused(conv, images):
    """Fit and predict say what images must be and what they got."""
    X, message = BAD_IMAGES[images]
    with pytest.raises(ValueError, match=message):
        SpikingConvClassifier("4").fit(X, ["a", "b", "a", "b"])
    with pytest.raises(ValueError, match=message):
        conv.predict(X)


def test_conv_images_of_another_shape_are_refused(conv):
    """In fit flat images must be square, in predict all must be as in fit."""
    with pytest.raises(ValueError, match=r"60 pixels an image, which is not a square"):
        SpikingConvClassifier("4").fit(np.zeros((4, 60)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"64 pixels an image; got 49"):
        conv.predict(np.zeros((4, 49)))
    with pytest.raises(ValueError, match=r"shape \(8, 8, 1\); got \(4, 16, 1\)"):
        conv.predict(np.zeros((4, 4, 16)))
    with pytest.raises(ValueError, match=r"shape \(8, 8, 1\); got \(8, 8, 3\)"):
        conv.predict(np.zeros((4, 8, 8, 3)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1, 0], r"each of the 4 images; got shape \(3,\)"),
        ([[0], [1], [0], [1]], r"each of the 4 images; got shape \(4, 1\)"),
        (["a"] * 4, r"at least 2 classes; got only.*'a'"),
        ([0.1, 0.2, 0.3, 0.4], r"Unknown label type: continuous"),
        ([0.0, 1.0, np.nan, 1.0], r"^y must be without missing values; got \[0.0"),
        ([0.0, 1.0, np.inf, 1.0], r"Input y contains infinity"),
        (["a", "b", np.nan, "a"], r"^y must be without missing values; got \['a'"),
    ],
    ids=["too few", "a column", "one class", "a quantity", "NaN", "infinity", "text"],
)
def test_conv_bad_labels_are_refused(y, message):
    """There must be one label an image, and two classes."""
    with pytest.raises(ValueError, match=message):
        SpikingConvClassifier("4").fit(GOOD_IMAGES, y)


def test_conv_without_fit_says_so(digits, tmp_path):
    """Nothing works before fit, and the message says why."""
    conv = SpikingConvClassifier()
    for act in (conv.predict, conv.simulate, conv.predict_proba):
        with pytest.raises(NotFittedError, match="SpikingConvClassifier instance"):
            act(digits.test)
    with pytest.raises(NotFittedError, match="SpikingConvClassifier instance"):
        conv.save(tmp_path / "x.npz")
    with pytest.raises(NotFittedError, match="SpikingConvClassifier instance"):
        _ = conv.network_


def test_conv_interrupted_while_training_is_not_fitted(cheap, digits, monkeypatch):
    """Whoever stops a training is told so, rather than given drawn weights."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("snnlib.estimators._conv.train_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cheap.fit(digits.train[:12], digits.y_train[:12])
    with pytest.raises(NotFittedError, match="SpikingConvClassifier instance"):
        cheap.predict(digits.test)


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
@pytest.mark.parametrize("warm_start", [False, True])
def test_conv_fit_that_fails_leaves_what_was_there(
    conv, run, digits, monkeypatch, error, warm_start
):
    """Weights of an earlier fit, or of a file, are not lost to one that fails."""

    def fails(*_, **__):
        raise error

    monkeypatch.setattr("snnlib.estimators._conv.train_model", fails)
    again = copy.copy(conv).set_params(warm_start=warm_start, random_state=7)
    y = digits.y_train if warm_start else digits.y_train == "one"
    with pytest.raises(error):
        again.fit(digits.train.reshape(-1, 64), y)
    assert again.seed_ == conv.seed_
    assert again.classes_.tolist() == conv.classes_.tolist()
    output = again.simulate(digits.test[:5]).output
    np.testing.assert_allclose(output, run.output[:5], atol=1e-5)


def test_conv_snapshots_are_the_training_on_its_way(cheap, digits):
    """One pass of a training of two is a training of one pass, and changes nothing."""
    X, y = digits.train[:200], digits.y_train[:200]
    cheap.set_params(n_epochs=2, batch_size=50)
    plain = clone(cheap).fit(X, y)
    kept = clone(cheap).fit(X, y, snapshots=[0.5, 1, 2])
    once = clone(cheap).set_params(n_epochs=1).fit(X, y)
    for ours, others in (
        (kept.weights_, plain.weights_),
        (kept.snapshot(2).weights_, plain.weights_),
        (kept.snapshot(1).weights_, once.weights_),
    ):
        for a, b in zip(ours, others, strict=True):
            np.testing.assert_array_equal(a, b)
    half = kept.snapshot(0.5)
    assert any(
        (a != b).any() for a, b in zip(half.weights_, once.weights_, strict=True)
    )
    assert (half.predict(digits.test[:5]) != -1).all()


@pytest.mark.parametrize(
    "snapshots", [[0], [-1], [9], ["1"], [np.nan], 3, None, np.array(1), "1", [[1]]]
)
def test_conv_refuses_snapshots_outside_the_training(cheap, digits, snapshots):
    """Before any training, by name."""
    with pytest.raises(ValueError, match="snapshots"):
        cheap.fit(digits.train[:12], digits.y_train[:12], snapshots=snapshots)


def test_conv_snapshot_that_was_not_kept(conv):
    """The message lists those that were."""
    with pytest.raises(ValueError, match=r"passes.*kept in fit: none; got 1"):
        conv.snapshot(1)


def test_conv_pickle_leaves_the_simulator_behind(conv, run, digits):
    """A copy made after a prediction, when a simulator is open, predicts alike."""
    thawed = pickle.loads(pickle.dumps(conv))
    np.testing.assert_array_equal(
        thawed.simulate(digits.test[:5]).spike_counts, run.spike_counts[:5]
    )
