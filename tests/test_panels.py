"""Figures of the replication, against the data they draw."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from snnlib import (
    panel,
    paper_panel,
    plot_learning,
    plot_multiverse,
    plot_networks,
    read_committed,
    space_by_errors,
)

NETWORKS = pd.DataFrame(
    {
        "max_rate": [50.0, 50.0, 100.0, 100.0],
        "passes": [1.0, 10.0, 1.0, 10.0],
        "seed": [10, 10, 10, 10],
        "accuracy": [40.0, 95.0, 90.0, 98.0],
    }
)


@pytest.fixture(autouse=True)
def _no_window():
    """Draw into memory, and leave no figure behind."""
    mpl.use("agg")
    yield
    plt.close("all")


def test_plot_networks_draws_each_and_their_mean():
    """A point for each network, and a line through the means in the same colour."""
    again = NETWORKS.assign(seed=11, accuracy=NETWORKS["accuracy"] + 1)
    _, ax = plt.subplots()
    its = pd.concat([NETWORKS, again]).query("max_rate == 50")
    plot_networks(its, x="passes", ax=ax, color="#009E73", label="50 Hz")
    line, points = ax.lines
    assert line.get_xydata().tolist() == [[1, 40.5], [10, 95.5]]
    assert sorted(points.get_ydata()) == [40, 41, 95, 96]
    assert points.get_color() == line.get_color() == "#009E73"
    assert ax.get_legend_handles_labels()[1] == ["50 Hz"]


def test_plot_learning_has_a_line_for_each_rate():
    """Lines differ in colour and marker, and each moment of training has a tick."""
    _, ax = plt.subplots()
    plot_learning(NETWORKS, ax=ax)
    handles, labels = ax.get_legend_handles_labels()
    assert labels == ["50 Hz", "100 Hz"]
    assert len({tuple(handle.get_color()) for handle in handles}) == 2
    assert len({handle.get_marker() for handle in handles}) == 2
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "10"]


def test_space_by_errors_makes_equal_steps_of_halved_errors():
    """From 60 to 80 % is as far as from 90 to 95 %, on both of two axes that share."""
    _, (left, right) = plt.subplots(1, 2, sharey=True)
    left.plot([0, 1, 2, 3], [60, 80, 90, 95])
    right.plot([0, 1], [90, 99.5])
    space_by_errors(left)
    for ax in (left, right):
        places = ax.transData.transform([(0, y) for y in (60, 80, 90, 95)])[:, 1]
        assert places[1] - places[0] == pytest.approx(places[3] - places[2])
        low, high = ax.get_ylim()
        assert 50 < low < 60
        assert 99.5 < high < 100
    ticks = [tick.get_text() for tick in left.get_yticklabels()]
    assert ticks == ["80", "90", "95", "98", "99", "99.5"]


def test_space_by_errors_takes_what_is_all_right():
    """An accuracy of 100 % has a place too."""
    _, ax = plt.subplots()
    ax.plot([0, 1], [90, 100])
    space_by_errors(ax)
    places = ax.transData.transform([(0, 90), (1, 100)])
    assert np.isfinite(places).all()
    assert places[0, 1] < places[1, 1]


def test_plot_multiverse_takes_some_of_the_ways():
    """Rows keep the index of the whole table, or have one in which labels repeat."""
    table = read_committed("multiverse_linear_regression")
    for rows in (table.iloc[64:], pd.concat([table.iloc[:8]] * 2)):
        axes = plot_multiverse(rows, 1)
        for ax, name in zip(axes, ("max_rate", "tau_rc", "synapse"), strict=True):
            drawn = np.concatenate([line.get_ydata() for line in ax.lines[1:]])
            assert sorted(drawn) == sorted(rows[name])


@pytest.mark.parametrize("of", [panel, paper_panel])
def test_panels_name_what_is_none(of):
    """There are three experiments and three parameters."""
    for experiment in (0, 4, "1", None, 1.5):
        with pytest.raises(
            ValueError, match=r"experiment must be a whole .* from 1 to 3"
        ):
            of(experiment, "max_rate")
    for parameter in ("rate", "readout", None, ["max_rate"]):
        with pytest.raises(ValueError, match=r"parameter must be one of .*got"):
            of(1, parameter)


def test_plot_multiverse_names_an_experiment_without_one():
    """Networks were not chosen in many ways."""
    with pytest.raises(ValueError, match=r"experiment must be a whole .* from 1 to 2"):
        plot_multiverse(read_committed("multiverse_linear_regression"), 3)
    assert not plt.get_fignums()
