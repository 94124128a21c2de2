"""Verdicts and their figures, by second routes and on tables that are invented."""

import json
import shutil
import subprocess
import tomllib
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from snnlib import (
    accuracy_interval,
    committed,
    load_iris_setosa,
    pack_hits,
    train_test_iris_setosa,
)
from snnlib.committed import read_committed
from snnlib.metrics import Estimate, mean_over_seeds_and_images
from snnlib.panels import panel, paper_panel
from snnlib.tables import read_table, write_table
from snnlib.verdicts import (
    NoResultsError,
    Question,
    Setting,
    _claims,
    _questions,
    _results,
    accuracy_table,
    answer_after,
    answer_questions,
    ask_together,
    beside_constant,
    contrast,
    count_seeds,
    effect_in_words,
    gain_table,
    judge,
    learning_curve,
    parts_at,
    parts_of_claims,
    questions,
    read_decisions,
    results_at,
    runs_by_setting,
    show_answers,
    show_contrasts,
    show_verdicts,
    verdict_table,
    ways_of,
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
    asked = Question(1, "x matters", "x", Estimate(value, (error,), (1000.0,)), 1.0)
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
    asked = Question(1, "x is less", "x", Estimate(value, (1.0,), (100.0,)))
    assert asked.answer(*asked.p_values()) == answer


@pytest.mark.parametrize(
    ("unit", "estimate", "words"),
    [
        ("points", (2.0, 0.5), "+2.0 points (+1.0 to +3.0)"),
        ("points", (-0.01, 0.5), "0.0 points (-1.0 to +1.0)"),
        ("points", (-0.5, 0.1), "-0.5 points (-0.7 to -0.3)"),
        ("points", (-90.0, 10.0), "-90.0 points (-100.0 to -70.4)"),
        ("double", (-90.0, 10.0), "-90.0 points (-109.6 to -70.4)"),
        ("MSPE", (np.log(3.0), 0.0), "MSPE times 9.000 (9.000 to 9.000)"),
        ("ratio", (np.log(3.0), 0.0), "ratio 3.00 (3.00 to 3.00)"),
        ("below", (5.0, 0.5), "90.0 % right (89.0 to 91.0)"),
        ("above", (3.0, 0.5), "98.0 % right (97.0 to 99.0)"),
    ],
)
def test_effect_in_words(unit, estimate, words):
    """It has the unit's size, its interval in order, and no sign of a zero."""
    found = Question(
        1, "x matters", "x", Estimate(estimate[0], (estimate[1],), (1e6,)), unit=unit
    )
    assert found.in_words() == words


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
    assert _claims._fewer(shallow, deep) == answer


# The decisions.


@pytest.mark.parametrize(
    ("decisions", "names"),
    [
        (
            "decisions",
            [
                *(f"grid_{it}_regression" for it in NUMBERS.values()),
                *(f"held_out_{it}_regression" for it in NUMBERS.values()),
                *("held_out_diabetes", "held_out_breast_cancer", "learning_mnist"),
                *("tau_rc_mnist", "rule_mnist", "one_layer_mnist"),
                "one_layer_rule_mnist",
            ],
        ),
        ("later_decisions", ["tau_rc_mnist"]),
    ],
)
def test_decisions_are_older_than_the_tables_they_judge(decisions, names):
    """By the date in the file, and by the history where there is one."""
    text = (ROOT / "results" / f"{decisions}.toml").read_text()
    decided = tomllib.loads(text)["date"].isoformat()
    for name in names:
        about = json.loads((ROOT / "results" / f"{name}.json").read_text())
        assert about["last_run"][: len(decided)] >= decided
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
            for name in (f"{decisions}.toml", *(f"{name}.csv" for name in names))
        ]
    except (OSError, subprocess.CalledProcessError):
        return
    if all(times):
        # To what was decided later, Holm's correction and the intervals were added.
        of_file = times[0][-1 if decisions == "later_decisions" else 0]
        assert all(int(of_file) <= int(of_table[0]) for of_table in times[1:])


def test_later_decisions_say_what_they_said_first():
    """Their words were mended; the questions and the images stand as committed."""
    path = "results/later_decisions.toml"
    git = ["git", "log", "--diff-filter=A", "--format=%H", "--", path]
    shown = {"cwd": ROOT, "check": True, "capture_output": True, "text": True}
    try:
        first = subprocess.run(git, **shown).stdout.split()[-1]
        then = subprocess.run(["git", "show", f"{first}:{path}"], **shown).stdout
    except (OSError, IndexError, subprocess.CalledProcessError):
        pytest.skip("no history here")
    now, before = tomllib.loads((ROOT / path).read_text()), tomllib.loads(then)
    for name in ("together", "images"):
        assert now[name] == before[name]


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


# Tables of networks that were trained briefly.


@pytest.mark.parametrize("name", ["grid_mnist", "repeats_mnist"])
def test_shares_become_a_row_for_each_way(name):
    """Where a table keeps no hits, each accuracy stands in a row, in percent."""
    rows = read_table(ROOT / "results" / f"{name}.csv")
    ways = [c for c in rows[0] if c.startswith("accuracy_") and f"{c}_200" in rows[0]]
    table = read_committed(name)
    assert len(table) == len(rows) * len(ways)
    assert not [column for column in table if column in rows[0] and column in ways]
    deep = table[table["layer_synapse"] > 0]
    assert set(deep["readout"]) <= {"last"}
    assert len(deep) == len(rows) * sum("layers" in way for way in ways)
    flat = table[table["layer_synapse"] == 0]
    for row, (start, readout, synapse) in product(
        rows[:2], (("zero", "last", 0.1), ("uniform", "mean", 1.0))
    ):
        same = ["max_rate", "tau_rc", "amplitude", "seed", "every_layer"]
        (found,) = flat[
            (flat[same] == [row[column] for column in same]).all(axis=1)
            & (flat["initial_voltage"] == start)
            & (flat["readout"] == readout)
            & (flat["synapse"] == synapse)
        ].to_dict("records")
        column = f"accuracy_{start}_{readout}_{synapse:g}"
        assert found["accuracy"] == pytest.approx(100 * row[column])
        assert found["accuracy_200"] == pytest.approx(100 * row[f"{column}_200"])
        assert found["passes"] == row["n_epochs"]


def test_other_accuracies_stay_columns():
    """What is no way of reading out a network keeps its column and its unit."""
    table = read_committed("paper_logistic_regression")
    rows = read_table(ROOT / "results" / "paper_logistic_regression.csv")
    assert table["accuracy_low"].tolist() == [row["accuracy_low"] for row in rows]


def test_beside_constant_by_a_second_route():
    """Medians and means of the same splits, that the sweep has recorded too."""
    found = beside_constant()
    rows = [
        row
        for row in read_table(ROOT / "results" / "grid_linear_regression.csv")
        if (row["max_rate"], row["tau_rc"]) == (100.0, 0.02)
        and (row["readout"], row["initial_voltage"]) == ("last", "zero")
    ]
    assert len(rows) == 4
    for row in rows:
        errors = np.array(row["mspe_by_split"].split(), float)
        its = found.loc[f'{row["synapse"]:g} s, "last"']
        assert its["mspe"] == pytest.approx(stats.gmean(errors))
        assert its["ratio"] == pytest.approx(
            its["mspe"] / found.loc["constant", "mspe"]
        )
        assert its["low"] < its["ratio"] < its["high"]
    assert found.loc["constant", ["ratio", "low", "high"]].tolist() == [1, 1, 1]
    # Always the same prediction, so the errors of a split are those of its test rows.
    iris = load_iris_setosa()
    errors = []
    for split in range(1000, 1100):
        *_, y, y_test = train_test_iris_setosa(iris, random_state=split)
        grid = np.linspace(y.min(), y.max(), 2001)
        best = grid[(((grid - y[:, None]) / y[:, None]) ** 2).mean(axis=0).argmin()]
        errors.append(100 * np.mean((best / y_test - 1) ** 2))
    assert found.loc["constant", "mspe"] == pytest.approx(stats.gmean(errors), rel=0.01)
    assert rows[0]["median_mspe_constant"] == pytest.approx(np.median(errors), rel=0.02)


# Claims, on invented tables in which the truth is known.

RATES, TAUS = (50, 100, 150, 200, 250), (0.02, 0.07, 0.12, 0.17, 0.22)
WAYS = [
    f"{start}_{readout}_{synapse}"
    for start, readout, synapse in product(
        ("zero", "uniform"), ("last", "mean"), ("0.001", "0.01", "0.1", "1")
    )
]
N_IMAGES = 1600
# The learning curve: how many more are wrong after so many passes than after all ten.
BEHIND = {0.4: 0.2, 1: 0.1, 2: 0.05, 5: 0.0}
SNAPSHOTS = [
    f"zero_{readout}_0.1_after_{passes:g}"
    for readout, passes in product(("last", "mean"), BEHIND)
]


def invented_hits(rng, hard, share):
    """Return hits of which so many are right, hard images being hard for all."""
    noisy = hard + rng.normal(scale=0.1, size=hard.size)
    return noisy < np.quantile(noisy, share)


def invented_share(way, values, layers):
    """Return how many images a network gets right, by rules of our own."""
    way, _, passes = way.partition("_after_")
    _, readout, synapse = way.split("_")
    share = 0.97 - BEHIND.get(float(passes or 10), 0)
    if values["max_rate"] == 50:
        share -= 0.3
    # Slow membranes help at 50 Hz, and only there.
    if (values["max_rate"], values["tau_rc"], layers) == (50, TAUS[-1], 3):
        share += 0.2
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

    def write(name, points, seeds, layers=3, ways=WAYS):
        rows = []
        for point, seed in product(points, seeds):
            values = {"max_rate": 100, "tau_rc": 0.02, "amplitude": 0.01, **point}
            hits = {
                way: invented_hits(rng, hard, invented_share(way, values, layers))
                for way in ways
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

    of_rates = [{"max_rate": rate} for rate in RATES]
    write("learning_mnist", of_rates, range(10, 15), ways=WAYS + SNAPSHOTS)
    write("rates_mnist", of_rates, range(15, 20))
    taus = [{"tau_rc": tau} for tau in TAUS[1:]]
    taus += [{"max_rate": rate, "tau_rc": TAUS[-1]} for rate in (50, 150)]
    write("tau_rc_mnist", taus, range(10, 20))
    ruled = [{"max_rate": rate, "amplitude": 1 / rate} for rate in RATES]
    write("rule_mnist", [*ruled[:1], *ruled[2:]], range(10, 13))
    flat = of_rates + [{"tau_rc": tau} for tau in TAUS]
    write("one_layer_mnist", flat, range(10, 13), layers=1)
    write("one_layer_rule_mnist", ruled, range(10, 13), layers=1)
    return folder


@pytest.fixture
def folder(invented, tmp_path):
    """Return a copy of the invented results, to be changed."""
    return shutil.copytree(invented, tmp_path / "results")


@pytest.fixture
def judged(folder, monkeypatch):
    """Have verdicts read the invented tables."""

    def path(name):
        return (ROOT / "results" if name.endswith(".toml") else folder) / name

    caches = (_results.read_tables, _questions.cached_answers)
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
def test_rate_and_time_constant_are_asked_about_together():
    """The two effects of tau_rc by hand, and what one is more than the other."""
    for readout in ("last", "mean"):
        asked = ask_together(readout)
        slow, fast = (
            contrast(3, "tau_rc", readout=readout, max_rate=rate) for rate in (50, 150)
        )
        assert (slow.value, fast.value) == (
            pytest.approx(20, abs=2),
            pytest.approx(0, abs=2),
        )
        assert asked.estimate.value == pytest.approx(slow.value - fast.value)
        assert (asked.answer(), asked.n, asked.claim) == ("yes", 10, None)
        assert asked.effect not in {it.effect for it in questions(readout)}


@pytest.mark.usefixtures("judged")
def test_rate_and_time_constant_need_seeds_in_common(folder):
    """A network of one rate says nothing of the other."""
    keep_seeds(folder / "learning_mnist.csv", {10, 11})
    keep_seeds(folder / "rates_mnist.csv", {15})
    keep_seeds(folder / "tau_rc_mnist.csv", {11, 15, 16})
    assert ask_together("last").n == 2
    _results.read_tables.cache_clear()
    keep_seeds(folder / "tau_rc_mnist.csv", {11, 16})
    with pytest.raises(NoResultsError, match="two seeds at least; got 1"):
        ask_together("last")


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
def test_one_layer_is_asked_in_the_same_family():
    """Amplitude and synapse matter with three layers only; all count for Holm."""
    answers = answer_questions("last")
    effects = answers.set_index("effect")["value"]
    assert effects["one layer: max_rate"] == pytest.approx(30, abs=2)
    for name, deep in (("amplitude", "amplitude at 250 Hz"), ("synapse", "synapse")):
        assert effects[f"experiment 3: {deep}"] == pytest.approx(30, abs=2)
        assert abs(effects[f"one layer: {name}"]) < 2
    assert answers["effect"].str.startswith("one layer").sum() == 4
    differs = holm(answers["p_differs"])
    within = holm(answers["p_within"].where(answers["margin"].notna(), np.inf))
    corrected = [
        asked.answer(*its)
        for asked, *its in zip(questions("last"), differs, within, strict=True)
    ]
    assert answers["corrected"].tolist() == corrected


def holm(p_values):
    """Correct p-values by hand; infinite ones are of no question."""
    order = np.argsort(p_values)
    n = np.isfinite(p_values).sum()
    found, largest = np.ones(len(p_values)), 0.0
    for rank, place in enumerate(order[:n]):
        largest = max(largest, (n - rank) * p_values[place])
        found[place] = min(1.0, largest)
    return found


def test_two_networks_give_no_answer():
    """However sure they look: with n = 2 a question is open, with n = 3 it is not."""
    for value, answer in ((5, "yes"), (0, "no")):
        estimate = Estimate(value, (0.1,), (9,))
        asked = Question(3, "it matters", "it", estimate, margin=1.0, n=3)
        assert asked.answer() == answer
        assert replace(asked, n=2).answer() == "open"


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


@pytest.mark.usefixtures("judged")
def test_show_verdicts_names_each_once_where_readouts_agree():
    """A line for each claim, a mark with each verdict, and a link to the panel."""
    header, _, *lines = show_verdicts("#panels").splitlines()
    table = verdict_table()
    assert len(lines) == len(table) == 5
    assert "corrected" in header
    for line, (number, row) in zip(lines, table.iterrows(), strict=True):
        assert line.startswith(f"| {number}. {row['claim']} |")
        assert row["number"] in line
        assert line.count("(#panels)") == 1
        verdict = line.replace("\u00a0", " ").split(" | ")[1]
        if row["last"] == row["mean"]:
            assert verdict[2:] == row["last"]
        else:
            assert verdict.count("<br>") == 1
            assert f"{row['last']}<br>" in verdict
            assert verdict.endswith(row["mean"])


@pytest.mark.usefixtures("judged")
def test_show_verdicts_says_what_is_preliminary(folder):
    """As long as one kind of network has fewer seeds than were decided on."""
    assert "preliminary" not in show_verdicts()
    keep_seeds(folder / "tau_rc_mnist.csv", set(range(10, 16)))
    _results.read_tables.cache_clear()
    _questions.cached_answers.cache_clear()
    text = show_verdicts().partition("\n\n")[2]
    assert text.startswith("Claims 3 to 5 are **preliminary**.")
    assert text.endswith("there are 6 of 10 for `tau_rc`.")


@pytest.mark.usefixtures("judged")
def test_show_answers_has_both_readouts():
    """A line for each question, of some claims or of all."""
    last, mean = (answer_questions(how) for how in ("last", "mean"))
    lines = show_answers().splitlines()[2:]
    # And the parts that follow from several: one of claim 3, two of claim 4.
    follow = [line for line in lines if "follows from the others" in line]
    assert len(lines) == len(last) + len(follow) == len(last) + 3
    asked = [line for line in lines if line not in follow]
    for line, (_, a), (_, b) in zip(
        asked, last.iterrows(), mean.iterrows(), strict=True
    ):
        cells = line.strip("| ").split(" | ")
        assert cells[:2] == [str(a["claim"]), a["part"]]
        for cell, its in zip(cells[2:], (a, b), strict=True):
            assert cell.startswith(f"**{its['answer']}**")
            assert cell.endswith(f": {its['in_words']}")
            is_corrected = f"(corrected: {its['corrected']})" in cell
            assert is_corrected == (its["answer"] != its["corrected"])
    parts = parts_of_claims("last")[4]
    several = parts["several parameters matter"]
    assert follow[1].startswith(f"| 4 | several parameters matter | **{several}**")
    assert len(show_answers(1, 2).splitlines()[2:]) == (last["claim"] < 3).sum()


def test_show_contrasts_has_every_decision():
    """A column for each experiment, with its values, margin and unit of replication."""
    text = show_contrasts()
    decided = read_decisions()
    for number, its in decided["experiments"].items():
        for part in (its["measure"], its["effect"], its["replication"]):
            assert part in text
        for first, second in decided["contrasts"][number].values():
            assert f"| {first} and {second} " in text
    assert "| margin | MSPE times 1.10 | 3.6 points | 1.0 points |" in text


# Tables of experiment 3 that are not there, or not whole.


@pytest.mark.usefixtures("judged")
def test_seeds_are_counted(folder):
    """The number decided stands beside that of the tables, which may grow."""
    assert count_seeds().T.to_dict() == {
        "max_rate": {"decided": 10, "here": 10},
        "tau_rc": {"decided": 10, "here": 10},
        "synapse": {"decided": 10, "here": 10},
        "amplitude": {"decided": 3, "here": 3},
        "0.4 passes": {"decided": 5, "here": 5},
        "one layer": {"decided": 3, "here": 3},
    }
    read = read_decisions()
    assert read["runs"]["seeds"]["n"] == 10
    assert read["claims"]["4"]["control"]["seeds"] == 3
    text = (ROOT / "results" / "decisions.toml").read_text()
    assert "tested, with five seeds" in " ".join(text.replace("#", "").split())
    assert (folder / "rates_mnist.csv").is_file()


@pytest.mark.usefixtures("judged")
def test_table_that_others_make_up_for_may_be_absent(folder):
    """Without the seeds of the last table, fewer seeds are judged."""
    (folder / "rates_mnist.csv").unlink()
    assert count_seeds()["here"].to_dict() == {
        "max_rate": 5,
        "tau_rc": 5,
        "synapse": 5,
        "amplitude": 3,
        "0.4 passes": 5,
        "one layer": 3,
    }
    answers = answer_questions("last").set_index("effect")
    assert answers.loc["experiment 3: max_rate", "n"] == 5
    assert answers.loc["experiment 3: max_rate", "answer"] == "yes"
    assert answers.loc["experiment 1: max_rate", "n"] == 100
    assert set(results_at(3, tau_rc=0.22, readout="last")["table"]) == {"tau_rc_mnist"}


@pytest.mark.usefixtures("judged")
def test_table_without_which_nothing_is_known_is_named(folder):
    """Nothing is judged from no network: the setting and the table are named."""
    (folder / "rule_mnist.csv").unlink()
    with pytest.raises(
        NoResultsError,
        match=r"needs 2 results.*max_rate=50.*amplitude=0\.02.*"
        r"found 0 in learning_mnist.*Not committed: rule_mnist\.",
    ):
        answer_questions("last")
    (folder / "learning_mnist.csv").unlink()
    _results.read_tables.cache_clear()
    with pytest.raises(NoResultsError, match="none of learning_mnist is committed"):
        learning_curve()


def keep_seeds(path, seeds):
    """Leave only some seeds in a table."""
    write_table(path, [row for row in read_table(path) if row["seed"] in seeds])


@pytest.mark.usefixtures("judged")
def test_one_seed_is_none(folder):
    """A single network has no interval, so its setting and table are named."""
    keep_seeds(folder / "tau_rc_mnist.csv", {10})
    with pytest.raises(
        NoResultsError, match=r"needs 2 results.*tau_rc=0\.22.*found 1 in learning_"
    ):
        contrast(3, "tau_rc")
    # The other panels of experiment 3 are as they were, and this one has its base.
    assert panel(3, "max_rate")["value"].tolist() == [*RATES]
    assert panel(3, "tau_rc")["value"].tolist() == [0.02]
    assert paper_panel(3, "tau_rc")["value"].tolist() == [0.02]


@pytest.mark.usefixtures("judged")
def test_seeds_must_be_common(folder):
    """Networks of other seeds are no pair, however many there are."""
    for name in ("learning_mnist", "rates_mnist"):
        keep_seeds(folder / f"{name}.csv", {10, *range(15, 20)})
    keep_seeds(folder / "tau_rc_mnist.csv", {10, 11, 12})
    with pytest.raises(
        NoResultsError,
        match=r"two seeds.*seeds 10, 15,.*tau_rc=0\.02.*\(in learning_mnist, rates_"
        r".*and seeds 10, 11, 12.*tau_rc=0\.22.*\(in tau_rc_mnist\)",
    ):
        contrast(3, "tau_rc")


@pytest.mark.usefixtures("judged")
def test_older_table_is_not_mistaken_for_a_new_one(folder):
    """A table without each image's hit holds no network, whatever its name."""
    rows = read_table(folder / "rule_mnist.csv")
    for row in rows:
        row["accuracy_zero_last_0.1"] = 0.5
        del row["hits"]
    write_table(folder / "rule_mnist.csv", rows)
    with pytest.raises(NoResultsError, match=r"max_rate=50.*found 0 in .*rule_mnist"):
        answer_questions("last")


# The course of training, and other comparisons.


@pytest.mark.usefixtures("judged")
def test_learning_curve_by_a_second_route():
    """The mean over seeds of the bare accuracies, and five points for each rate."""
    curve = learning_curve().set_index(["max_rate", "passes"])
    assert len(curve) == len(RATES) * (len(BEHIND) + 1)
    assert (curve["n"] == 5).all()
    bare = read_committed("learning_mnist", readout="last", synapse=0.1, passes=0.4)
    bare = bare[bare["max_rate"] == 150]["accuracy"].mean()
    assert curve.loc[(150, 0.4), "accuracy"] == pytest.approx(bare)
    assert bare == pytest.approx(77, abs=1)
    assert (curve["low"] <= curve["accuracy"]).all()
    assert (curve["accuracy"] <= curve["high"]).all()


def test_learning_curve_stays_within_accuracies():
    """Of the committed networks: three seeds reach beyond 100 % by Student's t."""
    curve = learning_curve()
    assert (curve["low"] >= 0).all()
    assert (curve["high"] <= 100).all()


@pytest.mark.usefixtures("judged")
def test_answer_after_little_training():
    """After 0.4 passes all rates are poor, and correction only opens that."""
    found = answer_after(0.4)
    parts = dict(zip(found["part"], found["answer"], strict=True))
    assert parts == {
        "poor at 50 Hz": "yes",
        "poor at 100 Hz": "yes",
        "not poor at 150 Hz": "no",
    }
    assert (
        found["corrected"].isin(["open"]) | (found["corrected"] == found["answer"])
    ).all()
    in_full = answer_questions("last").set_index("part")["answer"]
    assert in_full["not poor at 150 Hz"] == "yes"


@pytest.mark.usefixtures("judged")
def test_contrast_of_other_parameters():
    """Amplitude, read-out and start are compared as the three parameters are."""
    at_250 = contrast(3, "amplitude", (0.01, 1 / 250), max_rate=250)
    assert at_250.value == pytest.approx(30, abs=2)
    readouts = contrast(3, "readout", ("last", "mean"), synapse=0.001)
    assert readouts.value == pytest.approx(30, abs=2)
    assert abs(contrast(3, "initial_voltage", ("zero", "uniform")).value) < 2
    with pytest.raises(NoResultsError, match="rate=50"):
        contrast(3, "tau_rc", rate=50)


# Figures.


@pytest.mark.parametrize(("number", "measure"), [(1, "mspe"), (2, "accuracy")])
def test_paper_panel_is_the_single_split(number, measure):
    """Its values are the bare cells of the committed table, in their order."""
    rows = read_table(ROOT / "results" / f"paper_{NUMBERS[number]}_regression.csv")
    scale = 1 if number == 1 else 100
    for parameter in BASE:
        its = {
            row[parameter]: scale * row[measure]
            for row in rows
            if row["axis"] == parameter
        }
        found = paper_panel(number, parameter)
        assert found["value"].tolist() == sorted(its)
        assert found["score"].tolist() == pytest.approx([its[v] for v in sorted(its)])


@pytest.mark.usefixtures("judged")
def test_paper_panel_of_networks_is_one_seed_on_few_images():
    """The first seed's first 200 images."""
    found = paper_panel(3, "max_rate").set_index("value")["score"]
    bare = read_committed("learning_mnist", readout="last", synapse=0.1, passes=10)
    bare = bare[(bare["seed"] == 10) & (bare["initial_voltage"] == "zero")]
    for row in bare.itertuples():
        assert found[row.max_rate] == pytest.approx(100 * row.hits[:200].mean())


# Tables of networks.

AS_READ = {
    "initial_voltage": "zero",
    "readout": "last",
    "synapse": 0.1,
    "passes": 10,
}


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
    one = fast[fast["seed"] == 12]
    low, high = accuracy_interval(int(one["hits"].iloc[0].sum()), N_IMAGES)[1:]
    alone = accuracy_table({"one": one}).loc["one", "95 % interval"]
    assert alone == f"{100 * low:.2f} to {100 * high:.2f}"


@pytest.mark.usefixtures("judged")
def test_tables_of_networks_refuse_two_rows_of_a_seed():
    """Two ways of reading one network are no two networks."""
    fast = read_committed("learning_mnist", max_rate=100, **AS_READ)
    twice = pd.concat([fast, fast])
    for ask in (
        lambda: accuracy_table({"fast": twice}),
        lambda: gain_table({"fast": (fast, twice)}),
        lambda: gain_table({"fast": (twice, fast)}),
    ):
        with pytest.raises(
            ValueError, match=r"\[.fast.\].*one row for each seed; seed 10 has 2"
        ):
            ask()
    for networks in (fast[:0], fast.drop(columns="hits"), fast.drop(columns="seed")):
        with pytest.raises(ValueError, match=r"kinds\['fast'\] must have at l"):
            accuracy_table({"fast": networks})


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: contrast(4, "synapse"), "experiment must be a whole .* 1 to 3; got 4"),
        (lambda: results_at("1"), "experiment must be a whole number .*; got '1'"),
        (
            lambda: results_at(1, readout="lats"),
            "readout must be one of .*; got 'lats'",
        ),
        (lambda: contrast(1, "amplitude"), "values must be .*'amplitude'.*got None"),
        (lambda: contrast(1, "synapse", (0.1,)), r"values must be .* got \(0.1,\)"),
        (lambda: effect_in_words(Estimate(1.0, (), ()), "%"), "unit must be one of"),
        (lambda: parts_at(5, Setting()), "claim must be a whole .* 1 to 4; got 5"),
        (lambda: parts_at(1, Setting(amplitude="none")), "amplitude must be one of"),
        (lambda: parts_at(1, Setting(readout="lats")), "readout must be one of"),
        (lambda: runs_by_setting(4), "experiment must be a whole number from 1 to 3"),
        (lambda: ways_of(0), "experiment must be a whole number from 1 to 3; got 0"),
    ],
)
def test_verdicts_name_what_they_do_not_know(ask, message):
    """A misspelt word finds nothing, and must not look like a result."""
    with pytest.raises(ValueError, match=message):
        ask()


def test_results_are_read_as_the_decisions_say():
    """Which way of reading a row is of does not depend on the table's order."""
    for number in NUMBERS:
        (row,) = results_at(number).to_dict("records")
        assert (row["readout"], row["initial_voltage"]) == ("last", "zero")


def test_a_corrected_p_value_stands_in_for_its_own_alone():
    """The other is then the question's own; nothing is sure of no number."""
    asked = Question(1, "x", "x", Estimate(5.0, (0.1,), (100.0,)), 1.0)
    assert [asked.answer(), asked.answer(0.9), asked.answer(0.9, 1.0)] == [
        *("yes", "open", "open")
    ]
    assert replace(asked, estimate=Estimate(np.nan, (0.1,), (9.0,))).answer() == "open"


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
    assert len(table) == 25 * len(WAYS + SNAPSHOTS)
    one = read_committed(
        *("learning_mnist", "rule_mnist"),
        readout="last",
        synapse=0.1,
        initial_voltage="zero",
        passes=10,
        seed=10,
    )
    assert len(one) == 5 + 4
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
    for readout in (5, None, [5], np.zeros(2)):
        with pytest.raises(ValueError, match=r"readout must be one of last, .*; got"):
            read_committed("learning_mnist", readout=readout)
    for rate in ("50", None, [50], np.zeros(2)):
        with pytest.raises(ValueError, match=r"max_rate must be one of 50, 100.*; got"):
            read_committed("learning_mnist", max_rate=rate)
    with pytest.raises(ValueError, match=r"hits must be a column of .* arrays"):
        read_committed("learning_mnist", hits=1)
    with pytest.raises(FileNotFoundError):
        read_committed("none")
    with pytest.raises(ValueError, match=r"names must be .* one or more tables; got"):
        read_committed()


@pytest.mark.usefixtures("judged")
def test_need_counts_each_parameter_once(monkeypatch):
    """With one that matters, statements that only name others count for nothing."""
    answers = answer_questions("last")
    answers["answer"] = np.where(answers["contrary"], "yes", "no")
    alone = answers["effect"] == "experiment 3: amplitude at 250 Hz"
    answers.loc[alone, "answer"] = "yes"
    answers.loc[answers["effect"] == "experiment 1 beside 2", "answer"] = "yes"
    monkeypatch.setattr(_claims, "cached_answers", lambda _: answers)
    assert _claims._judge_need("last", "answer") == "not supported"
