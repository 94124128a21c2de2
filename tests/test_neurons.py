"""The LIF neuron: gains and rates by formula, limits, and one road to all of them."""

import inspect
import re
from pathlib import Path

import nengo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import snnlib
from snnlib import (
    SpikingClassifier,
    SpikingConvClassifier,
    SpikingRegressor,
    ensemble_network,
    lif_spikes,
    simulate,
)
from snnlib.neurons import SETTINGS, Lif, longest_step, neuron_parameters

PACKAGE = Path(snnlib.__file__).parent
ESTIMATORS = (SpikingRegressor, SpikingClassifier, SpikingConvClassifier)


@given(
    max_rate=st.floats(20, 400),
    intercept=st.floats(-5, 0.9),
    tau_rc=st.floats(0.005, 0.3),
    tau_ref=st.floats(0, 0.002),
)
def test_gain_and_bias_put_the_two_points_of_the_curve_in_place(
    max_rate, intercept, tau_rc, tau_ref
):
    """The rate is 0 up to the intercept and max_rate at 1, to 1e-6, by formula."""
    lif = Lif(max_rate, intercept, tau_rc, tau_ref)
    gain, bias = (value[0] for value in lif.gain_bias())
    assert gain * intercept + bias == pytest.approx(1, abs=1e-9)
    rate = 1 / (tau_ref + tau_rc * np.log1p(1 / (gain + bias - 1)))
    assert rate == pytest.approx(max_rate, rel=1e-6)
    at_ends = lif.rates([gain * (intercept - 1e-3) + bias, gain + bias])
    assert at_ends[0] == 0
    assert at_ends[1] == pytest.approx(max_rate, rel=1e-6)


def test_gain_and_bias_of_many_neurons():
    """Each of some intercepts gives what a neuron of its own has."""
    intercepts = [-1.5, 0.0, 0.7]
    gain, bias = Lif(150, -9, 0.07).gain_bias(intercepts)
    for i, intercept in enumerate(intercepts):
        alone = Lif(150, intercept, 0.07).gain_bias()
        assert (gain[i], bias[i]) == (alone[0][0], alone[1][0])


def test_neuron_type_has_every_setting():
    """Nengo's neuron type carries what Nengo has a name for, and the voltage."""
    lif = Lif(tau_rc=0.03, tau_ref=0.001, amplitude=0.5, min_voltage=-2)
    neuron_type = lif.neuron_type(np.array([0.25]))
    for name in SETTINGS.keys() - {"max_rate", "intercept"}:
        assert getattr(neuron_type, name) == getattr(lif, name)
    assert neuron_type.initial_state["voltage"] == [0.25]


def test_longest_step_still_tells_a_voltage_from_its_current():
    """Up to it, neurons fire as their formula says; above, all in every step."""
    lif = Lif(tau_rc=2.8e-5)
    assert 0.001 < longest_step(lif.tau_rc) == pytest.approx(36.04 * 2.8e-5, rel=1e-3)
    assert longest_step(1.0, np.float32) == pytest.approx(15.94, rel=1e-3)
    spikes = lif_spikes([5.0], 1000, neuron_type=lif.neuron_type())
    assert spikes.sum() == pytest.approx(lif.rates([5.0])[0], abs=2)


@pytest.mark.parametrize(
    ("settings", "dt", "message"),
    [
        ({"max_rate": 500}, 0.001, r"below 1 / tau_ref = 500 Hz.*Got 500 instead"),
        ({"tau_ref": 0.5}, 0.001, r"below 1 / tau_ref = 2 Hz.*Got 100\.0 instead"),
        ({"max_rate": 101.0}, 0.01, r"at most 1 / dt = 100 Hz.*Got 101\.0 instead"),
        (
            {"max_rate": 5000, "tau_ref": 0},
            0.001,
            r"at most 1 / dt = 1000 Hz.*Got 5000",
        ),
        ({"max_rate": 1.0}, 0.001, r"tau_rc=0\.02 s.*fire at 0 Hz.*Got 1\.0 instead"),
        ({"tau_rc": 2e-4}, 0.001, r"tau_rc=0\.0002 s.*fire at 0 Hz.*Got 100\.0"),
        ({"tau_rc": 1e-6}, 0.001, r"tau_rc=1e-06 s.*fire at 0 Hz"),
        ({"tau_rc": 1e300}, 0.001, r"tau_rc=1e\+300 s.*fire at 0 Hz"),
        ({"max_rate": 1e-300}, 0.001, r"fire at 0 Hz.*Got 1e-300 instead"),
        ({"intercept": 1 - 2**-53}, 0.001, r"intercept=0\.9999999999999999: rounding"),
    ],
)
def test_check_refuses_what_no_neuron_can_do(settings, dt, message):
    """The message names max_rate, what does not go with it, and the value."""
    with pytest.raises(ValueError, match=r"'max_rate' parameter of Toy .*" + message):
        Lif(**settings).check(dt, owner="Toy")


def test_check_lets_the_limits_pass():
    """One spike a step is possible, and so is a neuron that never waits."""
    Lif(max_rate=1000, tau_ref=0).check(0.001)
    Lif(max_rate=499.9).check(0.001)
    with pytest.raises(ValueError, match="parameter of LIF must be"):
        Lif(max_rate=500).check(0.001)


def test_rates_of_whole_numbers():
    """J = 2 and 5 give 63.0 and 154.7 Hz, and J up to 1 none."""
    np.testing.assert_allclose(Lif().rates([2, 5, 1]), [63.0, 154.7, 0], atol=0.05)
    gain, bias = Lif(intercept=0).gain_bias([0, -1])
    assert gain[0] == pytest.approx(2 * gain[1])
    assert bias[0] == pytest.approx(1)


def test_neuron_starts_at_rest():
    """Without a voltage, every neuron of an ensemble starts at 0."""
    start = Lif().neuron_type().initial_state["voltage"]
    assert start.sample(3).tolist() == [0, 0, 0]


def test_check_knows_the_precision_of_the_simulation():
    """At 2.5 Hz, J - 1 = 2e-9: 64 bits hold it, 32 bits do not, and then none fires."""
    lif = Lif(max_rate=2.5)
    gain, bias = (value[0] for value in lif.gain_bias())
    assert gain + bias > 1
    assert np.float32(gain) + np.float32(bias) == 1
    lif.check(0.001)
    with pytest.raises(ValueError, match="fire at 0 Hz"):
        lif.check(0.001, dtype=np.float32)


@given(max_rate=st.floats(1e-3, 1e4), tau_rc=st.floats(1e-6, 10))
def test_what_check_accepts_fires_as_it_should(max_rate, tau_rc):
    """Whatever passes has its max_rate at an input of 1, to 1 %."""
    lif = Lif(max_rate, -1.0, tau_rc)
    try:
        lif.check(0.0001)
    except ValueError:
        return
    gain, bias = lif.gain_bias()
    assert lif.rates(gain + bias)[0] == pytest.approx(max_rate, rel=0.01)


@pytest.mark.parametrize("dt", [0.001, 0.002, 0.003, 0.005, 0.01])
@pytest.mark.parametrize("tau_ref", [0.0, 0.002])
def test_lost_time_bounds_the_spikes_that_steps_leave_out(tau_ref, dt):
    """Counted over 20 s at max_rate and below, the loss is within the share told."""
    lif = Lif(max_rate=95.0, tau_ref=tau_ref)
    gain, bias = (value[0] for value in lif.gain_bias())
    current = gain * np.linspace(0.2, 1, 40) + bias
    counted = lif_spikes(
        current, round(20 / dt), neuron_type=lif.neuron_type(), dt=dt
    ).sum(axis=0)
    lost = 1 - counted / (20 * lif.rates(current))
    share = lif.lost_time(dt)
    assert share == pytest.approx(max(0, 95 * (dt - tau_ref)))
    assert lost.max() < share + 0.02
    if share > 0.1:
        assert lost.max() > 0.2 * share


@pytest.mark.parametrize("min_voltage", [0.0, -0.5, -4.0])
def test_min_voltage_is_where_the_voltage_stops(min_voltage):
    """J = -3: v(t) = J (1 - exp(-t / tau_rc)), cut off at the floor."""
    network = ensemble_network(
        [[1.0]], [[1.0]], gain=[1.0], bias=[-3.0], min_voltage=min_voltage
    )
    voltage = simulate(network, [[0.0]], 0.1)["voltage"][0, :, 0]
    free = 3 * np.expm1(-np.arange(1, 101) * 0.001 / 0.02)
    np.testing.assert_allclose(voltage, np.maximum(free, min_voltage), atol=1e-9)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_setting_is_a_parameter_of_every_estimator(Estimator):
    """What `Lif` declares, constructors take, keep, limit and describe."""
    signature = inspect.signature(Estimator.__init__).parameters
    for name, setting in SETTINGS.items():
        assert signature[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert name in Estimator._parameter_constraints
        assert f"    {name} : float, default={signature[name].default!r}" in (
            Estimator.__doc__
        )
        value = setting.default + 0.001 if name != "min_voltage" else -1.0
        estimator = Estimator(**{name: value}).check_parameters()
        assert estimator.get_params()[name] == value
        assert getattr(estimator._lif, name) == value


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_every_parameter_is_described_once(Estimator):
    """The docstring lists the constructor's parameters, in order, with defaults."""
    listed = re.findall(
        r"(?m)^    (\w+) : .*, default=(.*)$",
        Estimator.__doc__.split("Attributes\n")[0],
    )
    parameters = list(inspect.signature(Estimator).parameters.values())
    assert [name for name, _ in listed] == [p.name for p in parameters]
    assert [eval(default) for _, default in listed] == [p.default for p in parameters]
    assert "{" not in re.sub(r'\{"[^}]*\}', "", Estimator.__doc__)


def test_all_roads_to_a_current_lead_through_lif():
    """No other module asks Nengo for a neuron, or for its gain and bias."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"nengo\.(LIF|LIFRate)\((?!\))|LIF\(.*gain_bias", path.read_text())
    }
    assert found == {"neurons.py"}


def test_lif_is_what_nengo_simulates():
    """A neuron at its max_rate fires so many spikes in 2 s, to one."""
    lif = Lif(max_rate=137, intercept=-0.3, tau_rc=0.05, tau_ref=0.003)
    gain, bias = lif.gain_bias()
    with nengo.Network() as network:
        ensemble = nengo.Ensemble(
            1, 1, gain=gain, bias=bias, encoders=[[1]], neuron_type=lif.neuron_type()
        )
        nengo.Connection(nengo.Node(1.0), ensemble, synapse=None)
        probe = nengo.Probe(ensemble.neurons)
    with nengo.Simulator(network, progress_bar=False) as sim:
        sim.run(2)
    assert abs((sim.data[probe] > 0).sum() - 274) <= 1


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_neuron_parameters_are_those_of_every_estimator(estimator):
    """Of all that an estimator takes, it finds what the other two take as well."""
    settings = estimator().get_params()
    shared = set.intersection(*({*kind().get_params()} for kind in ESTIMATORS))
    found = neuron_parameters({"seed": 3, **settings})
    assert found == {name: settings[name] for name in found}
    # What is drawn, and how to train, is no neuron's.
    training = {"random_state", "batch_size", "n_epochs", "learning_rate"}
    assert shared - {*found} == training
    assert {*SETTINGS, "synapse", "readout"} <= {*found}


def test_neuron_parameters_need_one():
    """Variables among which no parameter is are refused, by name."""
    with pytest.raises(ValueError, match=r"max_rate, intercept.*got \['seed'\]"):
        neuron_parameters({"seed": 3})
