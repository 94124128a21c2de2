"""Batched simulation against formulas and against nengo.Simulator."""

import nengo
import numpy as np
import pytest

from snnlib import lif_spikes, lowpass, read_out, settled_fraction, simulate
from snnlib.networks import ensemble_network
from snnlib.simulation import step_count


def random_case(seed):
    """Return a random one-ensemble network, its arrays and an input."""
    rng = np.random.default_rng(seed)
    n_neurons = int(rng.integers(1, 5))
    tau_ref = rng.uniform(0.0005, 0.004)
    neurons = {
        "tau_rc": rng.uniform(0.005, 0.25),
        "tau_ref": tau_ref,
        "amplitude": rng.uniform(0.005, 2.0),
    }
    gain, bias = nengo.LIF(**neurons).gain_bias(
        rng.uniform(20, 0.9 / tau_ref, n_neurons), rng.uniform(-2, 0.9, n_neurons)
    )
    encoders = rng.normal(size=(n_neurons, 2))
    encoders /= np.linalg.norm(encoders, axis=1, keepdims=True)
    arrays = {
        "gain": gain,
        "bias": bias,
        "output_bias": rng.normal(size=1),
        "synapse": [None, rng.uniform(0.001, 0.2)][int(rng.integers(2))],
        "initial_voltage": rng.uniform(size=n_neurons),
    }
    decoders = rng.normal(size=(1, n_neurons))
    network = ensemble_network(encoders, decoders, **arrays, **neurons)
    return network, encoders, decoders, arrays, neurons, rng.uniform(-1, 1, 2)


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_lif_spikes_equal_nengo_simulator_on_random_networks(first):
    """100 random networks spike alike and filter alike to 1e-9."""
    for seed in range(first, first + 25):
        network, encoders, decoders, arrays, neurons, x = random_case(seed)
        recorded = simulate(network, [x], 0.2)
        current = (encoders * arrays["gain"][:, None]) @ x + arrays["bias"]
        spikes = lif_spikes(
            current,
            200,
            neuron_type=nengo.LIF(**neurons),
            voltage=arrays["initial_voltage"],
        )
        np.testing.assert_array_equal(spikes, recorded["spikes"][0] > 0)
        height = neurons["amplitude"] / 0.001
        output = lowpass(spikes @ decoders.T * height, arrays["synapse"])
        np.testing.assert_allclose(
            output + arrays["output_bias"],
            recorded["output"][0],
            atol=1e-9,
            rtol=0,
        )


def test_lif_spikes_of_a_batch_equal_those_of_each_neuron_alone():
    """The shape of the batch does not matter to a neuron in it."""
    current = np.random.default_rng(0).uniform(0.5, 8, size=(3, 2, 4))
    together = lif_spikes(current, 300)
    assert together.shape == (300, 3, 2, 4)
    alone = lif_spikes(current[1, 0, 3], 300)
    np.testing.assert_array_equal(together[:, 1, 0, 3], alone)


@pytest.mark.parametrize(
    ("current", "rate"),
    [(1.1, 20.0), (1.5, 41.7), (2, 63.0), (5, 154.7), (10, 243.5), (50, 416.0)],
)
def test_lif_spikes_follow_the_rate_formula(current, rate):
    """Spikes in 20 s give 1 / (tau_ref + tau_rc log(1 + 1 / (J - 1))) to 0.1 Hz.

    A naive Euler step would give 142.8, 200 and 333.4 Hz at J = 5, 10 and 50.
    """
    exact = 1 / (0.002 + 0.02 * np.log1p(1 / (current - 1)))
    counted = lif_spikes([current], 20_000).sum() / 20
    assert counted == pytest.approx(exact, abs=0.1)
    assert exact == pytest.approx(rate, abs=0.05)


def test_lif_spikes_do_not_change_what_they_are_given():
    """Current and voltage stay as they were."""
    current, voltage = np.array([2.0, 3.0]), np.array([0.1, 0.9])
    for array in (current, voltage):
        array.setflags(write=False)
    assert lif_spikes(current, 50, voltage=voltage).any()


@pytest.mark.parametrize(
    ("tau", "settled"),
    [
        (0.001, 1.0),
        (0.005, 0.9975),
        (0.01, 0.950),
        (0.05, 0.451),
        (0.1, 0.259),
        (0.5, 0.058),
        (1.0, 0.030),
    ],
)
def test_lowpass_settles_as_published(tau, settled):
    """A constant seen for 30 steps of 1 ms settles to 1 - exp(-0.03 / tau)."""
    shown = lowpass(np.ones(31), tau)
    assert shown[0] == 0
    assert shown[30] == pytest.approx(1 - np.exp(-0.03 / tau), abs=1e-12)
    assert shown[30] == pytest.approx(settled, abs=6e-4)
    assert settled_fraction(tau, 0.03) == pytest.approx(shown[30], abs=1e-12)


def test_lowpass_is_a_convolution_one_step_late():
    """A second route: convolve with the impulse response."""
    signal = np.random.default_rng(1).normal(size=(80, 3))
    keep = np.exp(-0.001 / 0.02)
    kernel = np.concatenate([[0], (1 - keep) * keep ** np.arange(79)])
    expected = np.stack([np.convolve(s, kernel)[:80] for s in signal.T], axis=1)
    np.testing.assert_allclose(lowpass(signal, 0.02), expected, atol=1e-12)
    np.testing.assert_allclose(lowpass(signal.T, 0.02, axis=1), expected.T, atol=1e-12)


@pytest.mark.parametrize("synapse", [None, 0])
def test_lowpass_without_synapse_returns_the_signal(synapse):
    """None and 0 neither smooth nor delay."""
    np.testing.assert_array_equal(lowpass([1.0, 5.0, 2.0], synapse), [1, 5, 2])


def test_read_out_takes_last_step_or_mean_of_second_half():
    """Four steps: the last is 8, the mean of the last two is 6."""
    signal = [[1.0], [2.0], [4.0], [8.0]]
    assert read_out(signal, "last") == [8]
    assert read_out(signal, "mean") == [6]
    with pytest.raises(ValueError, match=r"readout.*'last', 'mean'.*'first'"):
        read_out(signal, "first")


def test_simulate_restores_the_input_and_repeats():
    """Two runs are alike, and the network's input is left as it was."""
    network = random_case(3)[0]
    before = np.array(network.input.output)
    first, again = (simulate(network, [[0.5, 0.1], [0.2, 0.2]], 0.05) for _ in "ab")
    assert first["spikes"].shape[:2] == (2, 50)
    np.testing.assert_array_equal(first["output"], again["output"])
    np.testing.assert_array_equal(network.input.output, before)


def test_step_count_refuses_less_than_a_step():
    """A presentation shorter than dt is named."""
    assert step_count(0.03, 0.001) == 30
    with pytest.raises(ValueError, match=r"presentation_time.*dt=0\.001.*0\.0001"):
        step_count(0.0001, 0.001)
