"""Neurons of different kinds in one batch, against Nengo and against formulas."""

import nengo
import numpy as np
import pytest

from snnlib import lowpass, read_out
from snnlib.estimators._together import lif_steps, read_out_weights


def random_neurons(n_neurons, dt):
    """Return neurons of 24 kinds, some of which fire just at the end of a step."""
    rng = np.random.default_rng(0)
    neurons = {
        "tau_rc": rng.choice([0.005, 0.02, 0.07, 0.12, 0.17, 0.22], n_neurons),
        "tau_ref": rng.choice([0.0, 0.001, 0.002, 0.0035], n_neurons),
        "voltage": rng.choice([0.0, 1.0], n_neurons) * rng.uniform(size=n_neurons),
    }
    # J of a neuron that fires every so many steps exactly, at most 20 tau_rc apart.
    most = np.minimum(30, 20 * neurons["tau_rc"] / dt).astype(int)
    steps = np.ceil(neurons["tau_ref"] / dt) + rng.integers(1, most)
    rest = (steps * dt - neurons["tau_ref"]) / neurons["tau_rc"]
    exact = -1 / np.expm1(-rest)
    drawn = rng.normal(1.0, 3.0, n_neurons)
    neurons["current"] = np.where(rng.uniform(size=n_neurons) < 0.5, exact, drawn)
    return neurons


def spikes_of(neurons, n_steps, dt):
    """Return the spikes of a batch, shape (n_steps, n_neurons)."""
    spikes = np.zeros((n_steps, len(neurons["current"])), bool)
    for step, fired in enumerate(lif_steps(n_steps=n_steps, dt=dt, **neurons)):
        spikes[step, fired] = True
    return spikes


@pytest.mark.parametrize("dt", [0.001, 0.0003, 0.01])
def test_lif_steps_equal_nengo_for_neurons_of_different_kinds(dt):
    """3000 neurons of 24 kinds spike in one batch as each kind in a Nengo simulator.

    Half of them fire at the very end of a step, where rounding decides.
    """
    neurons = random_neurons(3000, dt)
    spikes = spikes_of(neurons, 300, dt)
    kinds = np.stack([neurons["tau_rc"], neurons["tau_ref"]], axis=1)
    with nengo.Network(seed=0) as network:
        probes = {}
        for kind in np.unique(kinds, axis=0):
            (members,) = np.nonzero((kinds == kind).all(axis=1))
            ensemble = nengo.Ensemble(
                len(members),
                1,
                gain=np.ones(len(members)),
                bias=neurons["current"][members],
                neuron_type=nengo.LIF(
                    *kind, initial_state={"voltage": neurons["voltage"][members]}
                ),
            )
            probes[nengo.Probe(ensemble.neurons)] = members
    # Nengo also works out max rates, which neurons of a constant current do not have.
    with (
        np.errstate(invalid="ignore"),
        pytest.warns(UserWarning, match="Non-finite values"),
        nengo.Simulator(network, dt=dt, progress_bar=False) as sim,
    ):
        sim.run_steps(300)
    assert len(probes) == 24
    for probe, members in probes.items():
        np.testing.assert_array_equal(spikes[:, members], sim.data[probe] > 0)
    assert spikes.any(axis=0).mean() > 0.6


def test_lif_steps_do_not_change_what_they_are_given():
    """Currents, time constants and voltages stay as they were."""
    neurons = random_neurons(50, 0.001)
    for values in neurons.values():
        values.setflags(write=False)
    assert spikes_of(neurons, 100, 0.001).any()


@pytest.mark.parametrize("synapse", [None, 0.0004, 0.01, 1.0])
@pytest.mark.parametrize("readout", ["mean", "last"])
@pytest.mark.parametrize("n_steps", [1, 2, 7, 400])
def test_read_out_weights_sum_up_to_the_read_out(n_steps, readout, synapse):
    """A second route: filter random spikes over time, then read them out."""
    spikes = np.random.default_rng(1).uniform(size=(n_steps, 20)) < 0.3
    expected = read_out(lowpass(spikes, synapse, dt=0.001), readout)
    weights = read_out_weights(n_steps, synapse, readout, 0.001)
    np.testing.assert_allclose(weights @ spikes, expected, atol=1e-12)


def test_read_out_weights_refuse_an_unknown_read_out():
    """The message lists the choices and the value got."""
    with pytest.raises(ValueError, match=r"readout.*'last', 'mean'.*'first'"):
        read_out_weights(10, 0.1, "first", 0.001)
