"""The explorer of counts: a formula here, steps in the page, and its answer is true."""

import numpy as np
import pytest
from test_explorers import embedded, view_of  # noqa: F401

from snnlib import count_explorer, lif_spikes
from snnlib.neurons import Lif

EXPLORER = count_explorer()
NEURON = ("max_rate", "intercept", "tau_rc", "tau_ref")


def random_state(rng):
    """Return what sliders may stand at."""
    return {
        "steps": int(rng.integers(1, 31)),
        "voltage": float(rng.uniform(0, 1)),
        "input": float(rng.uniform(-0.2, 1.2)),
        "max_rate": float(rng.uniform(50, 350)),
        "intercept": float(rng.uniform(-0.5, 0.5)),
        "tau_rc": float(rng.uniform(0.005, 0.2)),
        "tau_ref": float(rng.choice([0.001, 0.002])),
    }


def test_counts_are_those_of_stepping():
    """At 20 random states (seed 0), one neuron and the mean of sixteen starts."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        state = random_state(rng)
        view = EXPLORER.compute(**state)
        lif = Lif(**{name: state[name] for name in NEURON})
        gain, bias = lif.gain_bias()
        x, shown = view.series["counts.one"]
        stepped = lif_spikes(
            gain * x + bias,
            state["steps"],
            neuron_type=lif.neuron_type(),
            voltage=state["voltage"],
        ).sum(axis=0)
        np.testing.assert_array_equal(np.rint(shown * state["steps"]), stepped)
        starts = (np.arange(16) + 0.5) / 16
        many = lif_spikes(
            np.full(16, gain[0] * state["input"] + bias[0]),
            state["steps"],
            neuron_type=lif.neuron_type(),
            voltage=starts,
        ).sum(axis=0)
        assert view.readouts["mean"] == pytest.approx(many.mean())


def test_its_answer_is_true():
    """No start keeps within half a spike of the rate; the mean of sixteen does."""
    worst = [
        EXPLORER.compute(voltage=voltage).readouts["worst"]
        for voltage in np.linspace(0, 0.95, 20)
    ]
    assert min(worst) > 0.5
    for steps in (2, 5, 8, 30):
        readouts = EXPLORER.compute(steps=steps).readouts
        assert readouts["worst_mean"] < 0.4
        assert readouts["worst_mean"] < readouts["worst"] / 2
    low, high = (EXPLORER.compute(voltage=v).readouts["count"] for v in (0.0, 0.9))
    assert (low, high) == (0, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, r"steps.*at least 1.*got 0|steps.*1 to 1000.*got 0"),
        ({"steps": 2.5}, r"steps.*got 2\.5"),
        ({"steps": "5"}, "steps must be a whole number from 1 to 1000; got '5'"),
        ({"steps": None}, "steps must be a whole number from 1 to 1000; got None"),
        ({"steps": [5]}, r"steps must be a whole number from 1 to 1000; got \[5\]"),
        ({"presets": {"a": {"steps": True}}}, r"must set steps to .*got True"),
        ({"presets": {"a": {"voltage": 7}}}, r"must set voltage to .*got 7"),
        ({"voltage": 1.5}, r"voltage.*1.*got 1\.5"),
        ({"max_rate": 1000}, r"max_rate.*1000"),
    ],
)
def test_impossible_states_are_refused(changes, message):
    """The message names the slider and what it got."""
    with pytest.raises(ValueError, match=message):
        count_explorer(**changes)


@pytest.mark.browser
def test_page_counts_the_same(embedded):  # noqa: F811
    """At 20 random states (seed 1): every number, where the page takes each step."""
    page, identity = embedded(EXPLORER)
    rng = np.random.default_rng(1)
    for _ in range(20):
        state = random_state(rng)
        here, there = EXPLORER.compute(**state), view_of(page, identity, state)
        for name, number in here.readouts.items():
            assert there["readouts"][name] == pytest.approx(number, abs=1e-9)
        for name, (_, y) in here.series.items():
            shown = np.array(there["series"][name]["y"], dtype=float)
            np.testing.assert_allclose(shown, y, rtol=0, atol=1e-9, err_msg=name)


def test_count_explorer_names_an_input_that_is_too_large():
    """It is what came, not the current that follows from it."""
    with pytest.raises(ValueError, match=r"input must lead to a current.*got 1e\+308"):
        EXPLORER.compute(input=1e308)
    assert EXPLORER.compute(input=1e290).readouts["count"] > 0


def test_presets_of_counts_are_whole():
    """A preset stands at a stop, in whatever type it came."""
    (preset,) = count_explorer(presets={"three": {"steps": 3.0}}).presets
    assert EXPLORER.compute(**preset.values).readouts["promised"] >= 0
