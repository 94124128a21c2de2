"""Batched simulation against formulas and against nengo.Simulator."""

import nengo
import numpy as np
import pytest

from snnlib import (
    lif_counts,
    lif_spikes,
    lowpass,
    read_out,
    settled_fraction,
    simulate,
)
from snnlib.networks import ensemble_network
from snnlib.neurons import Lif
from snnlib.simulation import step_count, warn_of_settings


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


@pytest.mark.parametrize("n_steps", [0, 1, 4, 8, 30])
@pytest.mark.parametrize("tau_ref", [0.0, 0.0003, 0.0009, 0.001, 0.002, 0.0035])
def test_lif_counts_equal_stepping(tau_ref, n_steps):
    """6,000 neurons, of which some start at 0 and some at the threshold."""
    rng = np.random.default_rng(n_steps)
    current = np.concatenate([rng.uniform(0, 3, 3000), 10 ** rng.uniform(0, 4, 3000)])
    voltage = rng.uniform(size=current.size)
    voltage[::5], voltage[1::5] = 0, 1
    how = {"voltage": voltage, "neuron_type": nengo.LIF(0.02, tau_ref)}
    counted = lif_counts(current, n_steps, **how)
    np.testing.assert_array_equal(counted, lif_spikes(current, n_steps, **how).sum(0))
    # No count is asked for that all neurons share.
    assert n_steps < 2 or len(np.unique(counted)) > 2


@pytest.mark.parametrize("tau_rc", [0.005, 0.02, 0.2])
@pytest.mark.parametrize("dt", [0.0005, 0.001, 0.004])
def test_lif_counts_equal_stepping_at_other_time_constants(dt, tau_rc):
    """The shape of the currents stays, and a step may be longer than tau_ref."""
    current = np.random.default_rng(0).uniform(0.5, 50, (20, 5, 10))
    how = {"neuron_type": nengo.LIF(tau_rc), "dt": dt}
    counted = lif_counts(current, 25, **how)
    np.testing.assert_array_equal(counted, lif_spikes(current, 25, **how).sum(0))


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


def test_simulate_says_nothing_unless_asked(capsys):
    """Nengo's progress bar is off by default."""
    simulate(random_case(3)[0], [[0.5, 0.1]], 0.01)
    assert capsys.readouterr() == ("", "")


def test_simulate_restores_the_input_and_repeats():
    """Two runs are alike, and the network's input is left as it was."""
    network = random_case(3)[0]
    before = np.array(network.input.output)
    first, again = (simulate(network, [[0.5, 0.1], [0.2, 0.2]], 0.05) for _ in "ab")
    assert first["spikes"].shape[:2] == (2, 50)
    np.testing.assert_array_equal(first["output"], again["output"])
    np.testing.assert_array_equal(network.input.output, before)


@pytest.mark.parametrize("seed", [None, 0])
def test_simulate_shows_all_inputs_to_one_network(seed):
    """What is drawn is drawn once, from no generator of the caller's."""
    with nengo.Network(seed=seed) as network:
        network.input = nengo.Node([0.0])
        ensemble = nengo.Ensemble(20, 1)
        nengo.Connection(network.input, ensemble)
        nengo.Probe(ensemble.neurons, label="spikes")
    before = repr(np.random.get_state())  # noqa: NPY002
    first, again = (simulate(network, [[0.3], [0.3]], 0.1)["spikes"] for _ in "ab")
    assert repr(np.random.get_state()) == before  # noqa: NPY002
    assert network.seed == seed
    np.testing.assert_array_equal(first[0], first[1])
    assert np.array_equal(first, again) == (seed is not None)


@pytest.mark.parametrize("dt", [0.0005, 0.002])
def test_simulate_takes_steps_of_dt(dt):
    """A ramp without neurons holds the times at which the steps end."""
    with nengo.Network() as network:
        network.input = nengo.Node([0.0])
        nengo.Probe(nengo.Node(lambda t: t), label="time")
    times = simulate(network, [[0.0]], 0.1, dt=dt)["time"][0, :, 0]
    np.testing.assert_allclose(times, dt * np.arange(1, round(0.1 / dt) + 1))


def test_step_count_refuses_less_than_a_step():
    """A presentation shorter than dt is named."""
    assert step_count(0.03, 0.001) == 30
    with pytest.raises(ValueError, match=r"presentation_time.*dt=0\.001.*0\.0001"):
        step_count(0.0001, 0.001)


@pytest.mark.parametrize("dt", [0.001, 0.0001, 0.0005])
def test_step_count_is_exact_for_whole_numbers_of_steps(dt):
    """Quotients such as 0.043 / 0.001 lie just below a whole number."""
    assert 0.043 / 0.001 != 43
    for number in range(1, 3000):
        assert step_count(number * dt, dt) == number
        assert step_count(round(number * dt, 9), dt) == number


def test_lif_spikes_start_at_rest_in_steps_of_a_millisecond():
    """J = 2 crosses 1 after tau_rc ln 2 = 13.9 ms, in the 14th step; whole numbers do.

    An amplitude of a ten-thousandth makes spikes of 0.1, which are spikes, too.
    """
    weak = nengo.LIF(amplitude=1e-4)
    for current, voltage in ((2.0, 0.0), (2, 0)):
        spikes = lif_spikes([current], 20, voltage=[voltage], neuron_type=weak)
        assert spikes.dtype == bool
        assert np.flatnonzero(spikes).tolist() == [13]
    assert np.flatnonzero(lif_spikes([2.0], 20)).tolist() == [13]
    # The threshold itself is no spike, and any current above it is.
    assert np.flatnonzero(lif_spikes([2.0, 1.0], 20, voltage=1)[0]).tolist() == [0]


def test_settled_fraction_without_synapse_is_all():
    """None and 0 have settled at once."""
    assert settled_fraction(None, 0.03) == settled_fraction(0, 0.03) == 1.0


def test_read_out_keeps_the_other_axes():
    """Time goes, whichever axis it has; the rest stays in order."""
    signal = np.arange(24.0).reshape(4, 2, 3)
    np.testing.assert_array_equal(read_out(signal), signal[2:].mean(axis=0))
    np.testing.assert_array_equal(read_out(signal, "last", axis=2), signal[..., 2])
    assert read_out(signal, axis=1).shape == (4, 3)


def test_step_count_has_limits():
    """Half a step rounds to none; a thousand million are the most."""
    assert step_count(1e9, 1.0) == 10**9
    for time, dt in ((1e9 + 1, 1.0), (0.0005, 0.001)):
        with pytest.raises(ValueError, match="at least one step"):
            step_count(time, dt)


NOT_A_NUMBER = ("fast", None, float("nan"), float("inf"), [1.0], 1j, 10**400, True)


def refusals(function, name, values, message):
    """Return a case for each value."""
    return [
        pytest.param(function, name, value, message, id=f"{name}={str(value)[:12]}")
        for value in values
    ]


@pytest.mark.parametrize(
    ("function", "name", "value", "message"),
    [
        *refusals(
            lambda dt: lif_spikes([2.0], 10, dt=dt),
            "dt",
            (0, -1, *NOT_A_NUMBER),
            "dt must be a finite number above 0",
        ),
        *refusals(
            lambda n_steps: lif_spikes([2.0], n_steps),
            "n_steps",
            (-1, 100.0, "ten", None, [3], float("nan"), True),
            "n_steps must be a whole number from 0 to 1000000000",
        ),
        *refusals(
            lambda current: lif_spikes(current, 10),
            "current",
            ([np.inf], [np.nan], "strong", None, [1j], [[1.0], [1.0, 2.0]], [10**400]),
            "current must be",
        ),
        *refusals(
            lambda voltage: lif_spikes([2.0, 3.0], 10, voltage=voltage),
            "voltage",
            (5, -0.1, [0.1, 1.1], np.nan, "high", [0.1, 0.2, 0.3], None),
            "voltage must",
        ),
        *refusals(
            lambda neuron_type: lif_spikes([2.0], 10, neuron_type=neuron_type),
            "neuron_type",
            (nengo.LIFRate(), nengo.AdaptiveLIF(), nengo.Izhikevich(), "LIF", 3),
            "neuron_type must be a nengo.LIF or None",
        ),
        *refusals(
            lambda synapse: lowpass([1.0], synapse),
            "synapse",
            (-0.1, "slow", float("nan"), float("inf"), [0.1], 10**400),
            "synapse must be a finite number from 0, or None",
        ),
        *refusals(
            lambda dt: lowpass([1.0], 0.1, dt=dt),
            "dt",
            (0, -1, *NOT_A_NUMBER),
            "dt must be a finite number above 0",
        ),
        *refusals(
            lambda signal: lowpass(signal, 0.1),
            "signal",
            ("loud", None, [1j], 3.0, [None]),
            "signal must be an array of real numbers",
        ),
        *refusals(
            lambda time: settled_fraction(0.1, time),
            "presentation_time",
            (-1, *NOT_A_NUMBER),
            "presentation_time must be a finite number from 0",
        ),
        *refusals(
            lambda synapse: settled_fraction(synapse, 1.0),
            "synapse",
            (-1, "slow", float("nan"), [0.1]),
            "synapse must be a finite number from 0, or None",
        ),
        *refusals(
            lambda readout: read_out([1.0], readout),
            "readout",
            ("first", None, 3, ["mean"]),
            r"readout must be one of \['last', 'mean', 'overall'\]",
        ),
        *refusals(
            read_out, "signal", ([], np.zeros((0, 3))), "signal must hold a step"
        ),
        *refusals(
            lambda dt: lif_spikes([2.0], 5, neuron_type=nengo.LIF(0.01), dt=dt),
            "dt",
            (0.361, 1, 1e300, 10**30),
            r"dt must be at most 0.36 s at tau_rc=0.01 s",
        ),
        *refusals(
            lambda axis: lowpass(np.ones((3, 2)), 0.1, axis=axis),
            "axis",
            (2, -3, 0.0, None, "time", (0,), 10**400),
            "axis must be a whole number from -2 to 1",
        ),
        *refusals(
            lambda axis: read_out(np.ones((3, 2)), axis=axis),
            "axis",
            (2, -3, 0.0, None, "time", (0,), 10**400),
            "axis must be a whole number from -2 to 1",
        ),
        *refusals(
            lambda time: step_count(time, 0.001),
            "presentation_time",
            (0, -1, *NOT_A_NUMBER),
            "presentation_time must be a finite number above 0",
        ),
        *refusals(
            lambda dt: step_count(1.0, dt),
            "dt",
            (0, -1, *NOT_A_NUMBER),
            "dt must be a finite number above 0",
        ),
        *refusals(
            lambda time: step_count(time, 1e-300),
            "presentation_time",
            (1.0, 1e300),
            r"presentation_time must be at least one step.*at most 1e9",
        ),
    ],
)
def test_refusals_name_the_parameter(function, name, value, message):
    """Whatever is wrong with a value, the sentence begins with its name."""
    assert message.startswith(name)
    with pytest.raises(ValueError, match=f"^{message}"):
        function(value)


@pytest.mark.parametrize(
    ("network", "x", "time", "message"),
    [
        (3, [[0.0]], 0.1, r"network must be a nengo\.Network with a Node `input`; got"),
        (
            nengo.Network(),
            [[0.0]],
            0.1,
            r"network must be a nengo\.Network with a Node",
        ),
        (None, [[0.0, 1.0, 2.0]], 0.1, r"x must have shape \(n_samples, 2\).*\(1, 3\)"),
        (None, [[0.0, np.nan]], 0.1, r"x must be finite; got 1 of 2"),
        (None, "x", 0.1, r"x must be an array of real numbers"),
        (None, np.zeros((0, 2)), 0.1, r"x must have shape.*got \(0, 2\)"),
        (None, [[0.0, 0.0]], 0.0, r"presentation_time must be"),
        (None, [[0.0, 0.0]], "long", r"presentation_time must be"),
    ],
    ids=[
        *("number", "no input", "features", "nan", "text", "no sample"),
        *("no time", "word"),
    ],
)
def test_simulate_refuses_what_it_cannot_show(network, x, time, message):
    """Before a simulator is built, each argument is looked at."""
    with pytest.raises(ValueError, match=message):
        simulate(random_case(3)[0] if network is None else network, x, time)


@pytest.mark.parametrize(
    ("synapse", "share"), [(0.1001, "63%"), (0.2, "39%"), (1.0, "10%")]
)
def test_unsettled_output_is_told_from_the_presentation_time_on(synapse, share):
    """A synapse as long as the presentation, 0.1 s, is the longest without a word."""
    common = {"dt": 0.001, "presentation_time": 0.1, "owner": "Toy"}
    warn_of_settings(Lif(), synapse=0.1, **common)
    with pytest.warns(
        UserWarning, match=rf"^Toy: synapse={synapse} s.*only {share} of its"
    ):
        warn_of_settings(Lif(), synapse=synapse, **common)


def test_lost_spikes_are_told():
    """A step of 5 ms and 2 ms of refractory time lose 30 % at 100 Hz; 4 % pass."""
    common = {"synapse": 0.1, "presentation_time": 1.0, "owner": "Toy"}
    with pytest.warns(UserWarning, match=r"^Toy: dt=0\.005 s.*tau_ref=0\.002 s.*30%"):
        warn_of_settings(Lif(), dt=0.005, **common)
    warn_of_settings(Lif(max_rate=40.0, tau_ref=0.0), dt=0.001, **common)
    with pytest.warns(UserWarning, match=r"up to 100% of a neuron's spikes are left"):
        warn_of_settings(Lif(), dt=0.05, **common)
