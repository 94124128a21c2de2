"""The grids, their shares and the recipe, by second routes and invented settings."""

import numpy as np
import pandas as pd
import pytest

from snnlib import (
    accepted_by_recipe,
    grid_accuracies,
    grid_networks,
    read_committed,
    read_decisions,
    recipe_numbers,
    recipe_trials,
    score_grids,
    shares_over_seeds,
    show_criteria,
    show_recipe,
    trial_table,
    variance_shares,
)
from snnlib.metrics import mean_over_seeds_and_images
from snnlib.verdicts import NoResultsError, _grids

SETTING = {
    "max_rate": 100.0,
    "synapse": 0.1,
    "readout": "last",
    "presentation_time": 1.0,
    "amplitude": 0.01,
}
FACTORS = ["max_rate", "tau_rc", "synapse", "readout", "initial_voltage"]


def settings(*changes):
    """Return a row for each set of changes to a setting that the recipe accepts."""
    return pd.DataFrame([SETTING | change for change in changes])


def test_recipe_numbers_follow_from_their_definitions():
    """The mean has half the presentation besides the filter; no filter has settled."""
    found = recipe_numbers(settings({}, {"readout": "mean"}, {"synapse": None}))
    assert found["spikes"].tolist() == [10, 60, 0]
    settled = [1 - np.exp(-10), 1 - np.exp(-10), 1]
    assert found["settled"].tolist() == pytest.approx(settled)
    assert found["product"].tolist() == [1, 1, 1]
    assert found["in_presentation"].tolist() == [100, 100, 100]


@pytest.mark.parametrize(
    ("model", "change", "accepted"),
    [
        ("regression", {}, True),
        ("regression", {"synapse": 0.099}, False),
        ("regression", {"synapse": 1.0}, False),
        ("decision", {"synapse": 1.0}, True),
        ("network", {}, True),
        ("network", {"amplitude": 0.02}, True),
        ("network", {"amplitude": 0.021}, False),
        ("network", {"amplitude": 0.004}, False),
        ("network", {"presentation_time": 0.03}, True),
        ("network", {"presentation_time": 0.029}, False),
    ],
)
def test_recipe_accepts_by_its_thresholds(model, change, accepted):
    """Each rule can turn a setting away, and only for the models it is for."""
    assert accepted_by_recipe(settings(change), model).tolist() == [accepted]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (settings({"readout": "Mean"}), r"readout must be one of .*; got 'Mean'"),
        (settings({"max_rate": np.nan}), "the column 'max_rate', without missing"),
        (settings({}).drop(columns="amplitude"), "must have the column 'amplitude'"),
    ],
)
def test_recipe_refuses_settings_that_it_cannot_read(rows, message):
    """An unknown read-out is no last step, and a gap is no low rate."""
    for ask in (recipe_numbers, lambda its: accepted_by_recipe(its, "network")):
        with pytest.raises(ValueError, match=message):
            ask(rows)


def test_recipe_refuses_another_model():
    """What it is asked about must be one of three."""
    with pytest.raises(ValueError, match=r"model.*'decision'.*[Gg]ot 'forest'"):
        accepted_by_recipe(settings({}), "forest")


def test_trials_judge_as_decided():
    """Good is what falls short by no more than the thresholds say."""
    good = read_decisions()["good"]
    trials = recipe_trials()
    kinds = {"grid", "new images", "new settings", "new data"}
    assert {kind for _, kind in trials} == kinds
    for (experiment, kind), judged in trials.items():
        if experiment == "experiment 1":
            expected = judged["fidelity"] >= good["fidelity"]
        elif experiment == "experiment 2":
            expected = judged["mean_auc"] >= judged["mean_auc_line"] - good["auc"]
        else:
            level = level_of_relu(kind)
            np.testing.assert_allclose(judged["short"], level - judged["accuracy"])
            expected = judged["accuracy"] >= level - good["accuracy"]
        # At the threshold itself, rounding decides.
        limit = {1: 1 - good["fidelity"], 2: good["auc"], 3: good["accuracy"]}
        at_limit = np.isclose(judged["short"], limit[int(experiment[-1])], atol=1e-9)
        assert ((judged["good"] == expected) | at_limit).all()


def level_of_relu(kind):
    """Return the mean accuracy of ReLU networks trained and tested as those judged."""
    if kind == "new images":
        first = read_decisions()["later"]["images"]["first"]
        hits = read_committed("relu_mnist")["hits"]
        return 100 * np.mean([its[first:].mean() for its in hits])
    return read_committed("brief_relu_mnist")["accuracy"].mean()


def test_new_images_are_those_that_the_recipe_never_met():
    """By hand: the images after the grid's, in the mean of a setting's networks."""
    first = read_decisions()["later"]["images"]["first"]
    of_grid = grid_networks("brief", amplitudes=True)
    assert set(of_grid["n_test"]) == {first}
    judged = recipe_trials()["experiment 3", "new images"]
    assert not judged.duplicated(["max_rate", "tau_rc", "amplitude"]).any()
    way = {"synapse": 0.1, "readout": "last", "initial_voltage": "zero", "passes": 10}
    its = {"max_rate": 200.0, "tau_rc": 0.02}
    networks = read_committed("rule_mnist", **way, **its)
    relu = read_committed("relu_mnist")["hits"]
    assert not set(networks["seed"]) & set(of_grid["seed"])
    level, right = (
        100 * np.mean([hits[first:].mean() for hits in found])
        for found in (relu, networks["hits"])
    )
    (row,) = judged[
        (judged[[*its]] == [*its.values()]).all(axis=1) & (judged["amplitude"] < 0.01)
    ].to_dict("records")
    assert row["accuracy"] == pytest.approx(right)
    assert row["short"] == pytest.approx(level - right)
    # The interval is of networks beside ReLU networks of the same seeds.
    beside = pd.merge(networks, read_committed("relu_mnist"), on="seed")
    gains = [
        100 * (y[first:].astype(float) - x[first:])
        for x, y in zip(beside["hits_x"], beside["hits_y"], strict=True)
    ]
    interval = mean_over_seeds_and_images(gains).interval()
    assert (row["low"], row["high"]) == pytest.approx(interval)
    assert row["accepted"]


def test_trial_table_counts():
    """A row holds how many are good among the accepted and among the rejected."""
    accepted, good = [True] * 4 + [False] * 3, [True] * 3 + [False, True, False, False]
    judged = pd.DataFrame({"accepted": accepted, "good": good})
    nobody = judged.assign(accepted=False)
    trials = {("a", "b"): judged, ("a", "c"): nobody, ("a", "grid"): judged}
    trials["a", "new images"] = judged
    table = trial_table(trials)
    row = table.loc["a", "b"]
    assert row[["accepted", "good", "rejected", "missed"]].tolist() == [4, 3, 3, 1]
    assert (row["in %"], row["blindly"]) == ("30\u2013\u206095", "57")
    assert table.loc[("a", "c"), ["accepted", "in %"]].tolist() == [0, ""]
    for kind in ("grid", "new images"):
        assert table.loc[("a", kind), ["accepted", "in %"]].tolist() == [4, ""]


def test_recipe_is_shown_with_the_thresholds_decided():
    """No number of the recipe stands in a page but those of the decisions."""
    decided = read_decisions()
    low, high = decided["recipe"]["product"]
    assert f"`{low} <= amplitude * max_rate <= {high}`" in show_recipe()
    assert f"{decided['recipe']['spikes']} times" in show_recipe()
    assert f"{decided['good']['fidelity']:.0%}" in show_criteria()


def test_reference_of_decisions_is_shown():
    """As decided: how many accepted ones are good beside logistic regression."""
    margin = read_decisions()["good"]["auc"]
    n_accepted = n_good = 0
    for (name, _), judged in recipe_trials().items():
        if name == "experiment 2":
            its = judged[judged["accepted"]]
            n_accepted += len(its)
            n_good += int((its["mean_auc_logistic"] - its["mean_auc"] <= margin).sum())
    text = " ".join(show_criteria().split())
    assert f"Of the {n_accepted} settings that the recipe accepts" in text
    assert f"and {n_good} with logistic regression as the reference" in text


def test_grids_are_whole():
    """Each has a score for each setting, as the table has it."""
    grids = score_grids()
    shapes = {name: grid.shape[:5] for name, grid in grids.items()}
    assert shapes.pop("experiment 3") == (5, 2, 4, 2, 2)
    assert shapes.pop("experiment 3, logarithm") == (5, 2, 4, 2, 2)
    assert set(shapes.values()) == {(5, 5, 4, 2, 2)}
    assert all(np.isfinite(grid).all() for grid in grids.values())
    point = {"max_rate": 150.0, "tau_rc": 0.12, "synapse": 0.01}
    way = {"readout": "mean", "initial_voltage": "uniform"}
    (row,) = read_committed("grid_linear_regression", **point, **way).to_dict("records")
    found = grids["experiment 1"][2, 2, 1, 1, 0]
    assert np.exp(-2 * found) == pytest.approx(row["mspe_by_split"])
    for name, training, tau, place in (
        ("experiment 3, brief", "brief", 0.12, 2),
        ("experiment 3", "in full", 0.22, 1),
    ):
        at = point | {"tau_rc": tau}
        networks = grid_networks(training, **at, **way).sort_values("seed")
        of_seeds = grids[name][2, place, 1, 1, 0, : len(networks)]
        np.testing.assert_allclose(of_seeds, networks["accuracy"])
        counted = grid_accuracies(training).loc[(*at.values(), *way.values())].count()
        assert counted == len(networks)
    errors = 100 - grids["experiment 3"]
    logarithm = grids["experiment 3, logarithm"]
    np.testing.assert_allclose(np.exp(-logarithm), errors)


def test_grid_without_a_pair_or_a_common_seed_is_refused():
    """What is missing must not shift the rest into its place."""
    table = grid_accuracies()
    rates, taus = (table.index.get_level_values(name) for name in FACTORS[:2])
    whole = _grids._on_grid(table, table)
    assert whole.shape[:2] == (5, 2)
    gap = table[~((rates == 50) & (taus == 0.22))]
    for lacking in (gap, table.iloc[:, :0]):
        with pytest.raises(NoResultsError, match="A grid must have each of its set"):
            _grids._on_grid(lacking, lacking)


@pytest.mark.parametrize("training", ["in full", "brief"])
def test_networks_of_the_grid_have_its_amplitude(training):
    """Others come with the map of amplitudes only, and none twice."""
    assert grid_networks(training)["amplitude"].eq(0.01).all()
    networks = grid_networks(training, amplitudes=True)
    assert networks["amplitude"].nunique() >= 5
    assert not networks.duplicated([*FACTORS, "amplitude", "seed"]).any()
    assert networks["n_epochs"].nunique() == 1
    # A row for each way of reading out the spikes, and none for the rates.
    ways = networks.groupby(["max_rate", "tau_rc", "amplitude", "seed"]).size()
    assert set(ways) == {16}


def test_networks_of_the_grid_are_trained_in_one_of_two_ways():
    """Another is refused by name."""
    with pytest.raises(ValueError, match=r"training.*'in full'.*[Gg]ot 'twice'"):
        grid_networks("twice")


def test_shares_over_seeds_move_as_far_as_seeds_differ():
    """Networks that agree have one share; those that do not have a range of them."""
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(3, 3, 2, 2, 2, 1))
    same = shares_over_seeds(grid.repeat(4, axis=-1), n_draws=20)
    alone = variance_shares(grid, FACTORS)
    for name, (share, low, high) in same.items():
        assert share == pytest.approx(alone[name].share)
        assert (low, high) == pytest.approx((share, share))
    grid = rng.normal(size=(3, 3, 2, 2, 2, 4))
    # The means of draws vary as that of all would, and for each pair on its own.
    means = np.array(
        [_grids.draw_networks(grid, rng).mean(axis=-1) for _ in range(2000)]
    )
    expected = grid.var(axis=-1, ddof=1) / 4
    np.testing.assert_allclose(means.var(axis=0), expected, rtol=0.3)
    one, another = means[:, 0, 0, 0, 0, 0], means[:, 1, 0, 0, 0, 0]
    assert abs(np.corrcoef(one, another)[0, 1]) < 0.1
    for name, options in (
        ("n_draws", {"n_draws": 0}),
        ("n_draws", {"n_draws": 1.5}),
        ("random_state", {"random_state": -1}),
    ):
        with pytest.raises(ValueError, match=f"{name} must be a whole number from"):
            shares_over_seeds(grid, **options)
    with pytest.raises(
        ValueError, match="grid must be an array with 6 axes; got shape"
    ):
        shares_over_seeds(grid[0, 0])
    lonely = shares_over_seeds(grid[..., :1])
    assert np.isnan([its[1:] for its in lonely.values()]).all()
    other = shares_over_seeds(grid, n_draws=20)
    assert all(low < high for _, low, high in other.values())
    of_mean = variance_shares(grid, FACTORS)
    for name, its in other.items():
        assert its.share == pytest.approx(of_mean[name].share)
