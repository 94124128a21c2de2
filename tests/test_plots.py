"""Plots against the data they draw."""

import matplotlib as mpl
import nengo
import numpy as np
import pytest

from snnlib import COLORS, plot_spikes, plot_voltage


@pytest.fixture(autouse=True)
def _no_window():
    """Draw into memory, and leave no figure behind."""
    import matplotlib.pyplot as plt

    mpl.use("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def firing():
    """Return voltage and output of a neuron that fires under a current of 2."""
    dt, n_steps = 0.002, 100
    neuron = nengo.LIF(tau_rc=0.02, tau_ref=0.004)
    current, output, voltage, refractory = np.array([2.0]), *np.zeros((3, 1))
    recorded = []
    for _ in range(n_steps):
        neuron.step(dt, current, output, voltage=voltage, refractory_time=refractory)
        recorded.append((voltage[0], output[0]))
    return np.array(recorded).T


def test_plot_voltage_draws_the_voltage_at_the_end_of_each_step(firing):
    """The line holds the voltage itself, the first value at dt; the threshold is 1."""
    voltage, _ = firing
    ax = plot_voltage(voltage, dt=0.002)
    trace, threshold = ax.lines
    np.testing.assert_array_equal(trace.get_ydata(), voltage)
    np.testing.assert_allclose(trace.get_xdata(), 0.002 * np.arange(1, 101))
    assert set(threshold.get_ydata()) == {1}
    assert ax.get_xlim() == pytest.approx((0, 0.2))
    assert ax.get_xlabel() == "time (s)"


def test_plot_voltage_puts_a_tick_above_the_threshold_at_each_spike(firing):
    """The ticks stand where Nengo's output is not zero, as often as the formula says.

    A current of 2 takes tau_rc ln 2 to the threshold; a period is that plus tau_ref.
    """
    voltage, output = firing
    (ticks,) = plot_voltage(voltage, spikes=output, dt=0.002).collections
    first = 0.02 * np.log(2)
    expected = np.arange(first, 0.2, first + 0.004)
    # A step of 2 ms ends at most 2 ms after the spike in it.
    late = np.array(ticks.get_positions()) - expected
    assert 0 <= late.min() <= late.max() <= 0.002
    bottoms = [segment[:, 1].min() for segment in ticks.get_segments()]
    assert min(bottoms) > 1


def test_plot_voltage_draws_no_ticks_without_spikes(firing):
    """None draws no ticks, and a silent neuron has none."""
    assert not plot_voltage(firing[0]).collections
    (ticks,) = plot_voltage([0.1, 0.2], spikes=[0, 0]).collections
    assert not len(ticks.get_positions())


def test_plot_voltage_draws_on_the_axes_given(firing):
    """None makes a figure; axes given are drawn on and returned; style is passed on."""
    import matplotlib.pyplot as plt

    voltage, output = firing
    made = plot_voltage(voltage)
    assert made.figure.number in plt.get_fignums()
    assert made.lines[0].get_color() == COLORS["spiking"]
    ax = plt.figure().subplots()
    assert plot_voltage(voltage, spikes=output, ax=ax, color="red") is ax
    assert ax.lines[0].get_color() == "red"
    assert mpl.colors.same_color(ax.collections[0].get_color(), "red")


@pytest.mark.parametrize("n_lines", [1, 3])
def test_plot_spikes_draws_each_line_in_sight(n_lines):
    """Ticks stand at the spike times, at the height of their label, inside the axes."""
    spikes = np.zeros((n_lines, 10), dtype=bool)
    spikes[:, [2, 7]] = True
    ax = plot_spikes(spikes, dt=0.001)
    low, high = ax.get_ylim()
    for line, events in enumerate(ax.collections):
        np.testing.assert_allclose(events.get_positions(), [0.003, 0.008])
        assert events.get_lineoffset() == line
        assert low < line < high
    assert len(ax.collections) == n_lines
