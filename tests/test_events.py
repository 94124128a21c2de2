"""Event-driven simulation against NengoDL, spike for spike."""

import copy

import numpy as np
import pytest
from sklearn.datasets import load_digits

from snnlib import (
    DataUnavailableError,
    SpikingConvClassifier,
    fetch_mnist,
    results_path,
    train_test_mnist,
)
from snnlib.networks import rate_model

ARCHITECTURES = {
    "conv": "4C3",
    "pool after conv": "4C3-AP2-6C2",
    "pool that leaves a row over": "3C2-AP3-5C2",
    "pool of a pool": "3C1-AP2-AP2-4C2",
    "pool of the image": "AP2-4C2",
    "strides": "4C3S2-5C2",
    "strides after a pool": "3C1-AP2-5C2S2",
    "fully connected": "3C3-AP2-12-7",
    "fully connected only": "9",
}
SETTINGS = {
    "reference": {},
    "slow membrane": {"tau_rc": 0.22},
    "high rate": {"max_rate": 250.0},
    "uniform voltage": {"initial_voltage": "uniform"},
    "raised intercept": {"intercept": 0.1, "amplitude": 0.02},
}


def digit_classifier(architecture, **parameters):
    """Return a classifier of 8 x 8 digits with random weights that do fire."""
    classifier = SpikingConvClassifier(architecture, batch_size=10, **parameters)
    classifier.image_shape_, classifier.n_features_in_ = (8, 8, 1), 64
    classifier.classes_, classifier.seed_ = np.arange(10), 1
    model = rate_model((8, 8, 1), 10, architecture, seed=3)
    classifier.weights_ = [3 * weights for weights in model.get_weights()]
    classifier._simulator = None
    return classifier


def both_runs(classifier, images):
    """Simulate with both engines."""
    return [
        copy.copy(classifier).set_params(engine=engine).simulate(images)
        for engine in ("event", "nengo_dl")
    ]


def check_agreement(event, matrix):
    """Compare two runs by the limits set for the reference network."""
    assert matrix.spike_counts.sum() > 200
    totals = [run.spike_counts.sum(axis=(0, 1)) for run in (event, matrix)]
    np.testing.assert_allclose(*totals, rtol=1e-4, atol=1)
    assert np.mean(np.abs(event.output - matrix.output) < 1e-3) >= 0.995
    decisions = [run.output.mean(axis=1).argmax(axis=1) for run in (event, matrix)]
    np.testing.assert_array_equal(*decisions)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_events_equal_nengo_dl_for_any_architecture(architecture):
    """Outputs to 1e-3 in 99.5 % of entries, counts to 0.01 %, all decisions equal."""
    images = load_digits().images[:20] / 16
    check_agreement(*both_runs(digit_classifier(architecture), images))


@pytest.mark.parametrize("parameters", SETTINGS.values(), ids=SETTINGS)
def test_events_equal_nengo_dl_for_any_neuron(parameters):
    """The same, with each neuron parameter away from its default."""
    images = load_digits().images[:20] / 16
    check_agreement(*both_runs(digit_classifier("6C3-AP2-8C2", **parameters), images))


def test_events_differ_only_by_rounding_at_the_threshold():
    """Where an output differs, moving weights by rounding error moves it as much.

    The same engine, with weights scaled by 1 + 1e-7, differs from itself about as
    often as the engines differ from each other.
    """
    images = load_digits().images[:100] / 16
    classifier = digit_classifier("6C3-AP2-8C2").set_params(engine="event")
    run = classifier.simulate(images)
    nudged = copy.copy(classifier)
    nudged.weights_ = [
        weights * np.float32(1 + 3e-7) for weights in classifier.weights_
    ]
    nudged_run = nudged.simulate(images)
    matrix = copy.copy(classifier).set_params(engine="nengo_dl").simulate(images)
    by_rounding = np.mean(np.abs(run.output - nudged_run.output) > 1e-3)
    by_engine = np.mean(np.abs(run.output - matrix.output) > 1e-3)
    assert by_engine <= max(3 * by_rounding, 1e-3)


def test_events_do_not_depend_on_the_batch():
    """An image gives the same output alone as among others."""
    images = load_digits().images[:7] / 16
    classifier = digit_classifier("4C3-AP2-6C2", initial_voltage="uniform")
    classifier.set_params(engine="event")
    together, alone = classifier.simulate(images), classifier.simulate(images[3:4])
    np.testing.assert_array_equal(together.output[3:4], alone.output)
    np.testing.assert_array_equal(together.spike_counts[3:4], alone.spike_counts)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", SETTINGS.values(), ids=SETTINGS)
def test_events_equal_nengo_dl_on_the_reference_weights(parameters):
    """The limits hold for 200 MNIST images and the trained network."""
    try:
        mnist = fetch_mnist(download_if_missing=False)
    except DataUnavailableError as error:
        pytest.skip(f"needs MNIST: {error}")
    images = train_test_mnist(mnist)[1]
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    check_agreement(*both_runs(classifier.set_params(**parameters), images))
