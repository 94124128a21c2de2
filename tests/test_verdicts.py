"""Verdicts: rules, contrasts by a second route, and claims on invented tables."""

import json
import subprocess
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from snnlib import committed, pack_hits, verdicts
from snnlib.committed import read_committed
from snnlib.metrics import Estimate, mean_over_seeds_and_images
from snnlib.tables import read_table, write_table
from snnlib.verdicts import (
    Question,
    accuracy_table,
    answer_questions,
    contrast,
    effects_of_depth,
    gain_table,
    judge,
    parts_of_claims,
    read_decisions,
    verdict_table,
)

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = {1: "linear", 2: "logistic"}
SIZES = {1: (43, 7), 2: (161, 28)}
BASE = {"max_rate": 100.0, "tau_rc": 0.02, "synapse": 0.1}


# The rule.


@pytest.mark.parametrize(
    ("value", "error", "answer"),
    [
        (3.0, 0.5, "yes"),
        (-3.0, 0.5, "yes"),
        (1.1, 0.5, "yes"),
        (0.9, 0.4, "open"),
        (3.0, 2.0, "open"),
        (0.2, 0.1, "no"),
        (0.0, 0.0, "no"),
        (0.9, 0.04, "no"),
        (0.9, 0.06, "open"),
        (5.0, 0.0, "yes"),
    ],
)
def test_answer_is_that_of_the_interval(value, error, answer):
    """Margin 1: yes beyond it and without zero, no within it, else open."""
    asked = Question(1, "x matters", "x", Estimate(value, error, 1000.0), 1.0)
    assert asked.answer(*asked.p_values()) == answer
    low, high = asked.estimate.interval()
    expected = "open"
    if abs(value) > 1 and not low <= 0 <= high:
        expected = "yes"
    elif low > -1 and high < 1:
        expected = "no"
    assert answer == expected
    contrary = Question(1, "x does not", "x", asked.estimate, 1.0, contrary=True)
    assert (contrary.answer(*contrary.p_values()), answer) in {
        ("yes", "no"),
        ("no", "yes"),
        ("open", "open"),
    }


@pytest.mark.parametrize(
    ("value", "answer"), [(3.0, "yes"), (-3.0, "no"), (1.0, "open")]
)
def test_answer_without_a_margin_is_the_sign(value, answer):
    """Where only the side of zero counts, no is the other side."""
    asked = Question(1, "x is less", "x", Estimate(value, 1.0, 100.0))
    assert asked.answer(*asked.p_values()) == answer


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (["yes", "yes"], "reproduced"),
        (["yes", "open"], "in part"),
        (["open", "open"], "open"),
        (["yes", "no"], "not reproduced"),
        (["open", "no"], "not reproduced"),
    ],
)
def test_judge(answers, verdict):
    """One part that fails is enough to fail, and one that is open to leave open."""
    assert judge(dict(enumerate(answers))) == verdict


@pytest.mark.parametrize(
    ("shallow", "deep", "answer"),
    [
        (["no", "no"], ["yes", "yes"], "yes"),
        (["no", "open"], ["yes", "yes"], "yes"),
        (["open", "open"], ["yes", "yes"], "open"),
        (["yes", "yes"], ["yes", "yes"], "no"),
        (["yes", "no"], ["yes", "open"], "open"),
        (["yes", "no"], ["no", "open"], "no"),
    ],
)
def test_fewer_is_sure_or_open(shallow, deep, answer):
    """What is open may turn out either way."""
    assert verdicts._fewer(shallow, deep) == answer


# The decisions.


def test_decisions_are_older_than_the_tables_they_judge():
    """By the date in the file, and by the history where there is one."""
    decided = read_decisions()["date"].isoformat()
    names = ["grid_linear_regression", "grid_logistic_regression"]
    for name in names:
        about = json.loads((ROOT / "results" / f"{name}.json").read_text())
        assert about["last_run"][:10] >= decided
    history = ["git", "log", "--follow", "--format=%ct", "--"]
    try:
        times = [
            subprocess.run(
                [*history, f"results/{name}"],
                cwd=ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            for name in ("decisions.toml", *(f"{name}.csv" for name in names))
        ]
    except (OSError, subprocess.CalledProcessError):
        return
    if all(times):
        assert all(int(times[0][-1]) <= int(of_table[0]) for of_table in times[1:])


def test_decisions_fit_the_sweeps():
    """Splits, and the values that are compared, are those of the committed tables."""
    decided = read_decisions()
    for number, name in NUMBERS.items():
        table = read_committed(f"grid_{name}_regression")
        assert set(table["seed"]) == {decided["runs"]["splits"]["first"]}
        assert set(table["n_splits"]) == {decided["runs"]["splits"]["n"]}
        assert (*table[["n_train", "n_test"]].iloc[0],) == SIZES[number]
        for parameter, values in decided["contrasts"][str(number)].items():
            assert {*values} <= {*table[parameter]}


# Contrasts of the committed tables, from the bare cells.


@pytest.mark.parametrize("readout", ["last", "mean"])
@pytest.mark.parametrize("parameter", [*BASE])
@pytest.mark.parametrize("number", [1, 2])
def test_contrast_by_a_second_route(number, parameter, readout):
    """Rows by hand, and the interval of Nadeau and Bengio written out."""
    rows = read_table(ROOT / "results" / f"grid_{NUMBERS[number]}_regression.csv")
    values = read_decisions()["contrasts"][str(number)][parameter]
    column = "mspe_by_split" if number == 1 else "accuracy_by_split"
    first, second = (
        [
            np.array(row[column].split(), float)
            for row in rows
            if all(row[k] == v for k, v in {**BASE, parameter: value}.items())
            and (row["readout"], row["initial_voltage"]) == (readout, "zero")
        ]
        for value in map(float, values)
    )
    assert len(first) == len(second) == 1
    effects = (
        np.log(np.sqrt(first[0]) / np.sqrt(second[0]))
        if number == 1
        else 100 * ((1 - first[0]) - (1 - second[0]))
    )
    n_train, n_test = SIZES[number]
    half = stats.t.ppf(0.975, 99) * effects.std(ddof=1)
    half *= np.sqrt(1 / 100 + n_test / n_train)
    found = contrast(number, parameter, readout=readout)
    assert found.value == pytest.approx(effects.mean())
    assert found.interval() == pytest.approx(
        (effects.mean() - half, effects.mean() + half)
    )


# Claims, on invented tables in which the truth is known.

RATES, TAUS = (50, 100, 150, 200, 250), (0.02, 0.07, 0.12, 0.17, 0.22)
WAYS = [
    f"{start}_{readout}_{synapse}"
    for start, readout, synapse in product(
        ("zero", "uniform"), ("last", "mean"), ("0.001", "0.01", "0.1", "1")
    )
]
N_IMAGES = 400


def invented_hits(rng, hard, share):
    """Return hits of which so many are right, hard images being hard for all."""
    noisy = hard + rng.normal(scale=0.3, size=hard.size)
    return noisy < np.quantile(noisy, share)


def invented_share(way, values, layers):
    """Return how many images a network gets right, by rules of our own."""
    _, readout, synapse = way.split("_")
    share = 0.97
    if values["max_rate"] == 50:
        share -= 0.3
    if values["max_rate"] == 250 and values["amplitude"] == 0.01 and layers == 3:
        share -= 0.3
    if (readout, synapse) == ("last", "0.001") and layers == 3:
        share -= 0.3
    return share


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """Return a folder of results: those of experiments 1 and 2, and invented ones."""
    folder = tmp_path_factory.mktemp("results")
    for name in ("grid_linear_regression", "grid_logistic_regression"):
        for suffix in (".csv", ".json"):
            path = ROOT / "results" / f"{name}{suffix}"
            (folder / path.name).write_bytes(path.read_bytes())
    rng = np.random.default_rng(0)
    hard = rng.normal(size=N_IMAGES)

    def write(name, points, seeds, layers=3):
        rows = []
        for point, seed in product(points, seeds):
            values = {"max_rate": 100, "tau_rc": 0.02, "amplitude": 0.01, **point}
            hits = {
                way: invented_hits(rng, hard, invented_share(way, values, layers))
                for way in WAYS
            }
            rows.append(
                {
                    "run_id": f"{len(rows):016x}",
                    "axis": None,
                    "seed": seed,
                    **values,
                    "n_epochs": 10,
                    "hits": pack_hits(hits),
                }
            )
        write_table(folder / f"{name}.csv", rows)

    write("learning_mnist", [{"max_rate": rate} for rate in RATES], range(10, 15))
    write("rates_mnist", [{"max_rate": rate} for rate in RATES], range(15, 20))
    write("tau_rc_mnist", [{"tau_rc": tau} for tau in TAUS[1:]], range(10, 20))
    ruled = [{"max_rate": rate, "amplitude": 1 / rate} for rate in RATES]
    write("amplitude_mnist", [ruled[0], ruled[3]], range(10, 13))
    write("rule_mnist", [ruled[2], ruled[4]], range(10, 13))
    flat = [{"max_rate": rate} for rate in RATES] + [{"tau_rc": tau} for tau in TAUS]
    write("one_layer_mnist", flat, range(10, 13), layers=1)
    write("one_layer_rule_mnist", ruled, range(10, 13), layers=1)
    return folder


@pytest.fixture
def judged(invented, monkeypatch):
    """Have verdicts read the invented tables."""

    def path(name):
        return (ROOT / "results" if name.endswith(".toml") else invented) / name

    caches = (verdicts._table, verdicts._answers, verdicts._one_layer)
    monkeypatch.setattr(committed, "results_path", path)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("judged")
def test_claims_on_invented_networks():
    """Poor at 50 Hz alone, amplitude at 250 Hz, synapse at the last step alone."""
    last, mean = (parts_of_claims(how) for how in ("last", "mean"))
    for parts in (last, mean):
        assert parts[3] == {
            "poor at 50 Hz": "yes",
            "poor at 100 Hz": "no",
            "not poor at 150 Hz": "yes",
            "amplitude and max_rate depend on each other": "yes",
        }
        assert parts[4]["several parameters matter"] == "yes"
        assert judge(parts[3]) == "not reproduced"
    # Of three (two) effects of the deep network, the shallow one has max_rate alone.
    assert last[4]["fewer matter with one layer"] == "yes"
    answers = {
        how: answer_questions(how).set_index("effect") for how in ("last", "mean")
    }
    assert answers["last"].loc["experiment 3: synapse", "answer"] == "yes"
    assert answers["mean"].loc["experiment 3: synapse", "answer"] == "no"
    assert answers["last"].loc["experiment 3: max_rate", "value"] == pytest.approx(
        30, abs=2
    )
    assert answers["last"].loc["experiment 3: tau_rc", "answer"] == "no"


@pytest.mark.usefixtures("judged")
def test_correction_only_opens_answers():
    """Holm's rule turns answers into open ones, and leaves sure ones alone."""
    for how in ("last", "mean"):
        table = answer_questions(how)
        moved = table[table["answer"] != table["corrected"]]
        assert (moved["corrected"] == "open").all()
        assert table.set_index("effect").loc["experiment 3: max_rate"][
            ["answer", "corrected"]
        ].tolist() == ["yes", "yes"]


@pytest.mark.usefixtures("judged")
def test_effects_of_depth_beside_each_other():
    """Amplitude and synapse matter with three layers only."""
    effects = effects_of_depth("last")
    assert effects.loc["max_rate", ("one layer", "effect")] == pytest.approx(30, abs=2)
    for name in ("amplitude", "synapse"):
        deep, shallow = (
            effects.loc[name, (layers, "effect")]
            for layers in ("three layers", "one layer")
        )
        assert deep == pytest.approx(30, abs=2)
        assert abs(shallow) < 2


@pytest.mark.usefixtures("judged")
def test_verdict_table_has_a_verdict_for_each_claim():
    """Five claims, four verdicts each, and a number with its interval."""
    table = verdict_table()
    assert table.index.tolist() == [1, 2, 3, 4, 5]
    ways = ["last", "mean", "last, corrected", "mean, corrected"]
    known = {"reproduced", "not reproduced", "in part", "open"}
    assert {*table.loc[[1, 2, 3, 4], ways].to_numpy().flat} <= known
    assert table.loc[5, "last"] == "supported"
    assert table.loc[[1, 2, 3, 4], "number"].str.contains(r"\(.* to .*\)").all()
    assert not table["number"].str.contains("nan").any()


# Tables of networks.

AS_READ = {"initial_voltage": "zero", "readout": "last", "synapse": 0.1}


@pytest.mark.usefixtures("judged")
def test_accuracy_table_is_of_networks_and_images():
    """Its interval is that of seeds and images, and answers where the line lies."""
    slow, fast = (
        read_committed("learning_mnist", max_rate=rate, **AS_READ) for rate in (50, 100)
    )
    table = accuracy_table({"slow": slow, "fast": fast}, line=90)
    assert table.index.tolist() == ["slow", "fast"]
    assert table["networks"].tolist() == [5, 5]
    assert table["answer"].tolist() == ["below", "above"]
    for row, networks in (("slow", slow), ("fast", fast)):
        estimate = mean_over_seeds_and_images(100.0 * np.stack(networks["hits"]))
        low, high = np.clip(estimate.interval(), 0, 100)
        assert table.loc[row, "mean"] == f"{networks['accuracy'].mean():.2f}"
        assert table.loc[row, "lowest"] == f"{networks['accuracy'].min():.2f}"
        assert table.loc[row, "highest"] == f"{networks['accuracy'].max():.2f}"
        assert table.loc[row, "95 % interval"] == f"{low:.2f} to {high:.2f}"
    held = accuracy_table({"fast": fast}, line=fast["accuracy"].mean())
    assert held.loc["fast", "answer"] == "open"


@pytest.mark.usefixtures("judged")
def test_gain_table_pairs_networks_of_a_seed():
    """Only those of the same seed are compared; one has an interval of images."""
    before, after = (
        read_committed("learning_mnist", max_rate=rate, **AS_READ) for rate in (50, 100)
    )
    one = after[after["seed"] == 12]
    none = after[after["seed"] == 99]
    changes = {"all": (before, after), "one": (before, one), "none": (before, none)}
    table = gain_table(changes)
    assert table.index.tolist() == ["all", "one"]
    assert table["networks"].tolist() == [5, 1]
    assert float(table.loc["all", "points gained"]) == pytest.approx(30, abs=2)
    hits = [its[its["seed"] == 12].iloc[0]["hits"] for its in (before, after)]
    gains = 100.0 * hits[1] - 100.0 * hits[0]
    half = stats.t.ppf(0.975, N_IMAGES - 1) * gains.std(ddof=1) / np.sqrt(N_IMAGES)
    low, high = gains.mean() - half, gains.mean() + half
    assert table.loc["one", "95 % interval"] == f"{low:.2f} to {high:.2f}"
    assert table.loc["one", "points gained"] == f"{gains.mean():.2f}"


# Reading.


@pytest.mark.usefixtures("judged")
def test_read_committed_makes_a_row_of_each_way():
    """A network with its hits, its accuracy in percent and what it was read with."""
    table = read_committed("learning_mnist")
    assert len(table) == 25 * len(WAYS)
    one = read_committed(
        *("learning_mnist", "rule_mnist"),
        readout="last",
        synapse=0.1,
        initial_voltage="zero",
        seed=10,
    )
    assert len(one) == 5 + 2
    for row in one.itertuples():
        assert row.hits.dtype == bool
        assert row.accuracy == pytest.approx(100 * row.hits.mean())
        assert row.passes == 10


@pytest.mark.usefixtures("judged")
def test_read_committed_refuses_what_is_not_there():
    """The message names the columns, or the values that there are."""
    with pytest.raises(ValueError, match="there is no 'rate' among"):
        read_committed("learning_mnist", rate=50)
    with pytest.raises(ValueError, match=r"max_rate must be one of 50, 100.*got 75"):
        read_committed("learning_mnist", max_rate=75)
    with pytest.raises(FileNotFoundError):
        read_committed("none")


@pytest.mark.usefixtures("judged")
def test_need_counts_each_parameter_once(monkeypatch):
    """With one that matters, statements that only name others count for nothing."""
    answers = answer_questions("last")
    answers["answer"] = np.where(answers["contrary"], "yes", "no")
    alone = answers["effect"] == "experiment 3: amplitude at 250 Hz"
    answers.loc[alone, "answer"] = "yes"
    answers.loc[answers["effect"] == "experiment 1 beside 2", "answer"] = "yes"
    monkeypatch.setattr(verdicts, "_answers", lambda _: answers)
    assert verdicts._judge_need("last", "answer") == "not supported"
