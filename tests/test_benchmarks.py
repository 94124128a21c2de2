"""The benchmarks reckon right, run, and left behind a table that is whole."""

import ast
import copy
import csv
import importlib
import json
import math
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from snnlib import SpikingConvClassifier, load_digits28

ROOT = Path(__file__).resolve().parent.parent
RESULTS = json.loads((ROOT / "benchmarks" / "results.json").read_text())


@pytest.fixture(scope="module")
def module():
    """Return a function that imports one of the benchmarks' modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture(scope="module")
def measure(module):
    return module("measure")


@pytest.fixture(scope="module")
def rows(module):
    return module("rows")


def costs(measure, *seconds, peak_mb=math.nan):
    return [measure.Finished(s, peak_mb) for s in seconds]


def test_extrapolate_follows_line(measure):
    """10 s to start and 20 ms an image make 14 s, 30 s, and 210 s for 10,000."""
    assert measure.extrapolate([200, 1000], [14.0, 30.0], 10_000) == pytest.approx(210)


def test_extrapolate_takes_least_squares_line(measure):
    """Times of 1, 2 and 6 at 0, 1 and 2 lie about 0.5 + 2.5 x, which is 8 at 3."""
    assert measure.extrapolate([0, 1, 2], [1.0, 2.0, 6.0], 3) == pytest.approx(8)


def test_extrapolate_takes_what_was_measured(measure):
    """The wanted size itself needs no line; one other size gives none."""
    assert measure.extrapolate([400], [7.0], 400) == 7.0
    with pytest.raises(ValueError, match=r"target 400; got \[200\]"):
        measure.extrapolate([200], [7.0], 400)


def test_slope_is_exponent(measure):
    """5 x^-1.5 has slope -1.5 on log axes; what stays the same has slope 0."""
    x = [1.0, 4.0, 9.0]
    assert measure.slope(x, [5 * v**-1.5 for v in x]) == pytest.approx(-1.5)
    assert measure.slope(x, [3.0, 3.0, 3.0]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("sense", "ratios", "middle"),
    [("at least", [5.0, 4.0, 2.0], 4.0), ("at most", [0.2, 0.25, 0.5], 0.25)],
)
def test_compare_divides_round_by_round(measure, sense, ratios, middle):
    """Each round has its own ratio; the medians of the sides are not divided."""
    found = measure.compare([2.0, 1.0, 5.0], [10.0, 4.0, 10.0], sense=sense)
    assert found["ratios"] == pytest.approx(ratios)
    assert found["median"] == pytest.approx(middle)
    assert (found["low"], found["high"]) == (min(ratios), max(ratios))
    assert found["seconds"] == {"ours": 2.0, "peer": 10.0}


def test_alternate_takes_turns(measure):
    """Every other round goes backwards, and rounds to warm up are not counted."""
    calls = []
    sides = {
        "ours": lambda: calls.append("ours"),
        # One that has timed itself is believed.
        "peer": lambda: calls.append("peer") or 7.0,
    }
    found = measure.alternate(sides, 2)
    assert calls == ["peer", "ours", "ours", "peer", "peer", "ours"]
    assert [cost.seconds for cost in found["peer"]] == [7.0, 7.0]
    assert all(0 <= cost.seconds < 1 for cost in found["ours"])


def test_judge_asks_for_ratio_and_memory(measure, rows):
    """9 times as fast meets a goal of 8, unless it takes more than half the memory."""
    peer = costs(measure, 90.0, peak_mb=1000.0)
    lean = rows.judge("conv-cold", costs(measure, 10.0, peak_mb=400.0), peer)
    fat = rows.judge("conv-cold", costs(measure, 10.0, peak_mb=600.0), peer)
    assert rows.ROWS["conv-cold"][2:] == (("at least", 8), 0.5)
    assert lean["median"] == 9.0
    assert (lean["memory_share"], lean["met"]) == (0.4, True)
    assert (fat["memory_share"], fat["met"]) == (0.6, False)


def test_judge_of_time_share(measure, rows):
    """1.5 times the time misses a goal of at most 1.4 times."""
    row = rows.judge("training-relu", costs(measure, 3.0), costs(measure, 2.0))
    assert (row["median"], row["met"]) == (1.5, False)
    assert "memory_share" not in row


def test_run_process_weighs_child_alone():
    """A child of 200 MB has that peak, and the next one does not inherit it."""
    # In a process of its own, for this one is large, which Linux counts to the child.
    code = (
        "import sys; from benchmarks.measure import run_process\n"
        "for code in ('bytearray(200 * 2**20)', 'pass'):\n"
        "    print(run_process([sys.executable, '-c', code]).peak_mb)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    large, small = map(float, done.stdout.split())
    assert 200 < large < 250
    assert small < 50


def test_run_process_raises_with_child(measure):
    """A child that fails is no measurement."""
    with pytest.raises(subprocess.CalledProcessError, match="status 3"):
        measure.run_process([sys.executable, "-c", "raise SystemExit(3)"])


def test_save_writes_whole_file(measure, tmp_path):
    """What is not finite becomes null, and nothing is left beside the file."""
    path = tmp_path / "new" / "results.json"
    measure.save(path, {"machine": {}, "a": [1.23456, math.nan], "b": {"c": True}})
    found = {"machine": {}, "a": [1.235, None], "b": {"c": True}}
    assert measure.load(path) == found
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(TypeError, match="not JSON serializable"):
        measure.save(path, {"machine": object()})
    assert measure.load(path) == found
    assert list(path.parent.iterdir()) == [path]


def test_save_changes_no_number_of_the_committed_table(measure, tmp_path):
    """Read and written again, the table is the same to the last byte."""
    committed = ROOT / "benchmarks" / "results.json"
    measure.save(tmp_path / "results.json", measure.load(committed))
    assert (tmp_path / "results.json").read_bytes() == committed.read_bytes()


HERE, OTHER = {"cores": 2, "packages": {"numpy": "2"}}, {"cores": 64, "packages": {}}


def test_record_leaves_the_rows_of_other_machines(measure, tmp_path):
    """A row takes the place of its own older one alone, and says where it is from."""
    path = tmp_path / "results.json"
    old = {name: {"median": 2.0} for name in ("a", "b", "c")}
    measure.save(path, {"machine": OTHER, "rows": old, "growth": {"x": {"y": 1.0}}})
    measure.record(path, "rows", {"b": {"median": 3.0}}, HERE)
    found = measure.load(path)
    assert found["machine"] == OTHER
    assert found["growth"] == {"x": {"y": 1.0}}
    assert found["rows"] == {**old, "b": {"median": 3.0, "machine": HERE}}
    where = [measure.machine_of(found, row) for row in found["rows"].values()]
    assert where == [OTHER, HERE, OTHER]


def test_record_says_once_where_most_was_measured(measure, tmp_path):
    """As the new machine takes over, the old rows say where they are from."""
    path = tmp_path / "results.json"
    measure.record(path, "rows", {"a": {"median": 1.0}, "b": {"median": 2.0}}, OTHER)
    assert measure.load(path)["machine"] == OTHER
    measure.record(path, "rows", {"a": {"median": 3.0}}, HERE)
    assert measure.load(path)["machine"] == OTHER
    measure.record(path, "race", {"c": {"seconds": 4.0}}, HERE)
    assert measure.load(path) == {
        "machine": HERE,
        "rows": {"a": {"median": 3.0}, "b": {"median": 2.0, "machine": OTHER}},
        "race": {"c": {"seconds": 4.0}},
    }
    measure.record(path, "rows", {"b": {"median": 5.0}}, HERE)
    assert "machine" not in measure.load(path)["rows"]["b"]


def test_record_reads_what_another_process_has_written(measure, tmp_path):
    """Two benchmarks that write to one file in turns keep each other's rows."""
    path = tmp_path / "results.json"
    for name in ("b", "a", "c"):
        measure.record(path, "rows", {name: {"median": 1.0}}, HERE, order=("a", "b"))
    assert [*measure.load(path)["rows"]] == ["a", "b", "c"]


@pytest.fixture
def bench(module, monkeypatch):
    """Return a function that runs the command with made-up measurements."""

    def run(path, *arguments, fails=(), machine=HERE):
        main = module("__main__")
        tasks = main.tasks("normal", ROOT / "build")
        names = {name: task[1] for name, task in tasks.items()}
        done = []

        def perform(task, _):
            done.append(task)
            if task in fails:
                return None
            return {name: {"parts": {"made up": 1.0}} for name in names[task]}

        monkeypatch.setattr(main, "perform", perform)
        monkeypatch.setattr(main, "describe_machine", lambda: machine)
        code = main.main(["--output", str(path), *arguments])
        return code, done

    return run


@pytest.mark.parametrize("machine", [RESULTS["machine"], HERE], ids=["same", "other"])
@pytest.mark.parametrize("fails", [False, True], ids=["well", "failing"])
def test_row_drops_no_other_row(bench, measure, tmp_path, machine, fails):
    """Wherever ``--row`` runs, and however it ends, all other rows stay as they are."""
    path = tmp_path / "results.json"
    committed = (ROOT / "benchmarks" / "results.json").read_bytes()
    path.write_bytes(committed)
    failing = ("training",) if fails else ()
    code, done = bench(path, "--row", "training", fails=failing, machine=machine)
    assert (code, done) == (int(fails), ["training"])
    if fails:
        assert path.read_bytes() == committed
        return
    found = measure.load(path)
    for section in measure.SECTIONS:
        assert [*found[section]] == [*RESULTS[section]]
        for name, entry in RESULTS[section].items():
            row = found[section][name]
            if name in {"training", "training-relu"}:
                assert row["parts"] == {"made up": 1.0}
                assert measure.machine_of(found, row) == machine
            else:
                assert row == entry
    assert found["machine"] == RESULTS["machine"]


def test_failing_row_writes_no_file(bench, tmp_path):
    """Where there is nothing to write there is no file; others are measured still."""
    path = tmp_path / "results.json"
    assert bench(path, "--row", "import", fails=("imports",)) == (1, ["imports"])
    assert not path.exists()
    code, done = bench(path, "--row", "import", "sweep", fails=("imports",))
    assert (code, done) == (1, ["imports", "sweep"])
    assert json.loads(path.read_text())["rows"].keys() == {"sweep"}


def test_resume_measures_what_this_machine_has_not(bench, measure, tmp_path):
    """What another machine has measured is measured here too; what this has is not."""
    path = tmp_path / "results.json"
    assert bench(path, "--row", "import", "sweep", machine=OTHER)[0] == 0
    assert bench(path, "--row", "import")[0] == 0
    _, done = bench(path, "--resume", "--row", "import", "sweep", "conv-8-1")
    assert done == ["sweep", "conv-8-1"]
    assert bench(path, "--resume", "--row", "import", "sweep", "conv-8-1")[1] == []
    found = measure.load(path)
    assert found["machine"] == HERE
    assert "machine" not in found["rows"]["sweep"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "3", "null", "{}", '{"rows": {}}'])
def test_file_of_another_kind_is_refused_first(bench, tmp_path, content, capsys):
    """Nothing is measured for a file that could not be written to, and it stays."""
    path = tmp_path / "results.json"
    path.write_text(content)
    with pytest.raises(SystemExit, match="2"):
        bench(path)
    assert re.search(
        r"results\.json must (be|hold) .*--output", capsys.readouterr().err
    )
    assert path.read_text() == content


def test_measure_cost_writes_a_whole_table(monkeypatch, tmp_path):
    """The table of lesson 10 is written as before, and nothing is left beside it."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("measure_cost")
    monkeypatch.setattr(script, "TABLE", tmp_path / "mnist_cost.csv")
    committed = ROOT / "results" / "mnist_cost.csv"
    with committed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    script.write_table(rows)
    assert script.TABLE.read_bytes() == committed.read_bytes()
    assert [*map(dict, script.read_table())] == rows
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        script.write_table([*rows, {"unknown": 1}])
    assert script.TABLE.read_bytes() == committed.read_bytes()
    assert list(tmp_path.iterdir()) == [script.TABLE]


@pytest.fixture
def times(monkeypatch):
    """Return the script that times the network of lesson 10."""
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("scripts.measure_times")


def test_measure_times_writes_a_whole_table(times, monkeypatch, tmp_path):
    """The committed table is whole, and nothing else is left beside it."""
    monkeypatch.setattr(times, "TABLE", tmp_path / "mnist_times.csv")
    committed = ROOT / "results" / "mnist_times.csv"
    with committed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    times.write_table(rows)
    assert times.TABLE.read_bytes() == committed.read_bytes()
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        times.write_table([*rows, {"unknown": 1}])
    assert times.TABLE.read_bytes() == committed.read_bytes()
    assert list(tmp_path.iterdir()) == [times.TABLE]


def test_times_are_all_there(times):
    """Each side has a time for each thing shown, and all found the same outputs."""
    with (ROOT / "results" / "mnist_times.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = ("threads", "engine", "shown", "initial_voltage")
    found = [tuple(row[name] for name in keys) for row in rows]
    things = times.shown(np.zeros((1, 784), np.float32))
    assert sorted(found) == sorted(
        (str(threads), engine, *thing)
        for threads in times.THREADS
        for engine in ("event", "keras", "nengo_dl")
        for thing in things
    )
    for row in rows:
        assert 0 < float(row["shortest"]) <= float(row["ms_per_image"])
        assert float(row["ms_per_image"]) <= float(row["longest"])
        assert min(float(row["same_outputs"]), float(row["same_classes"])) >= 0.99
        assert (float(row["spikes_per_image"]) == 0) == (row["shown"] == "blank")
        assert row.keys() >= times.made().keys()
        assert "" not in row.values()
    # What lesson 10 says of them.
    ms = {key: float(row["ms_per_image"]) for key, row in zip(found, rows, strict=True)}
    for n in map(str, times.THREADS):
        blank, zero, uniform, white = (ms[n, "event", *thing] for thing in things)
        assert blank < zero < uniform < white
        for thing in things:
            assert ms[n, "keras", *thing] < ms[n, "nengo_dl", *thing]
        assert zero < ms[n, "keras", "digits", "zero"]
        assert white > ms[n, "keras", "digits on white", "uniform"]


def test_times_of_other_outputs_are_refused(times):
    """A side that decides otherwise, or as much as half of the time, is no peer."""

    class Classifier:
        def decide(self, output):
            return output[:, -1]

    output = np.eye(4)[:, np.newaxis].repeat(5, axis=1)
    same = times.shares_same(Classifier(), output + 1e-5, output)
    assert same == {"same_outputs": 1.0, "same_classes": 1.0}
    with pytest.raises(RuntimeError, match=r"same outputs and classes.*0\.5"):
        times.shares_same(Classifier(), output[::-1], output)


def test_train_mnist_adds_a_whole_row(monkeypatch, tmp_path):
    """The table of lesson 06, row by row, is the committed one."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("train_mnist")
    committed, table = ROOT / "results" / "mnist_accuracy.csv", tmp_path / "table.csv"
    with committed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        script.append_rows(table, [row])
    assert table.read_bytes() == committed.read_bytes()
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        script.append_rows(table, [{**rows[0], "setting": "\udc80"}])
    assert table.read_bytes() == committed.read_bytes()
    assert list(tmp_path.iterdir()) == [table]


def test_train_few_steps_adds_whole_rows(monkeypatch, tmp_path):
    """The table of lesson 11, network by network, is the committed one."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("train_few_steps")
    committed, table = script.TABLE, tmp_path / "table.csv"
    with committed.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for start in range(0, len(rows), script.LONGEST):
        script.append_rows(table, rows[start : start + script.LONGEST])
    assert table.read_bytes() == committed.read_bytes()
    monkeypatch.setattr(script, "TABLE", table)
    known = script.known_keys()
    assert {key for key in known if key[0] != "counts"} == {
        (network, 0, start) for network in script.BEFORE for start in script.STARTS
    }
    seeds = {seed for network, seed, _ in known if network == "counts"}
    assert script.SEEDS[0] in seeds
    assert len(seeds) >= 2
    assert seeds <= {*script.SEEDS}


def test_train_few_steps_measures_every_step(monkeypatch):
    """A row is what predicting after so many steps gives, and the spikes till then."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    script = importlib.import_module("train_few_steps")
    digits = load_digits28()
    X, y = digits.data[:60], digits.target[:60]
    classifier = SpikingConvClassifier.load(ROOT / "results" / "mnist_few_steps.npz")
    rows = list(script.measure(classifier, X, y))
    assert [row["n_steps"] for row in rows] == [*range(1, script.LONGEST + 1)]
    for row in rows[3], rows[7]:
        classifier.set_params(presentation_time=row["n_steps"] * classifier.dt)
        assert row["accuracy"] == pytest.approx(classifier.score(X, y), abs=5e-5)
        spikes = classifier.simulate(X).spike_counts.sum() / len(X)
        assert row["spikes_per_image"] == pytest.approx(spikes, abs=0.05)


def test_network_arrays_keep_the_network(module):
    """Weights laid out for PyTorch give the currents that ours give."""
    classifier = module("race").load_network(30)
    arrays = module("race").network_arrays(classifier)
    rng = np.random.default_rng(0)
    spikes = rng.random((5, 5, 128))
    *_, kernel, bias = classifier.weights_
    np.testing.assert_allclose(
        arrays["kernel 3"] @ spikes.transpose(2, 0, 1).ravel() + arrays["bias 3"],
        # A spike has height amplitude / dt, and the amplitude is 1 / 250 Hz.
        (spikes.ravel() * 4) @ kernel + bias,
        rtol=1e-4,
    )
    # A patch of the image: the input x leads the voltage to J = gain x + bias, and at
    # x = 1 without a refractory period J is 1 / (1 - exp(-1 / (max_rate tau_rc))).
    patch = rng.random((3, 3, 1))
    x = np.einsum("ijc,ijco->o", patch, classifier.weights_[0]) + classifier.weights_[1]
    np.testing.assert_allclose(
        np.einsum("cij,ocij->o", patch.transpose(2, 0, 1), arrays["kernel 0"])
        + arrays["bias 0"],
        1 + x * (1 / (1 - np.exp(-1 / (250 * 0.02))) - 1),
        rtol=1e-5,
    )


def made_up(sides):
    """Return what a race of these sides returns, where each found what is given."""
    entries = {name: {"seconds": 1.0, "found": found} for name, found in sides.items()}
    return lambda *_: {"threads": 1, "n_rounds": 1, "sides": entries}


def test_race_refuses_other_spikes(module, monkeypatch):
    """A side that fires otherwise, or at other steps, is no peer or is said to be."""
    race = module("race")
    ours = {"counts": [3, 1, 0, 6], "sums": [9, 2, 0, 30], "how": "steps"}
    sizes = {"neurons": 4, "lif_rounds": 1}
    monkeypatch.setattr(
        race, "race", made_up({"snnlib": ours, "B": {**ours, "sums": [9, 3, 0, 30]}})
    )
    sides = race.lif(sizes, None)["lif"]["sides"]
    assert (
        sides["snnlib"]["check"] == "10 of 10 spikes, at the same steps in 4 of 4 "
        "neurons"
    )
    assert sides["B"]["check"].endswith("in 3 of 4 neurons")
    other = {**ours, "counts": [3, 1, 0, 5]}
    monkeypatch.setattr(race, "race", made_up({"snnlib": ours, "B": other}))
    with pytest.raises(RuntimeError, match="B must fire as snnlib does; 1 spikes"):
        race.lif(sizes, None)


def test_race_has_an_environment_for_each_peer(module):
    """Each is pinned to the last version, and made by one command."""
    race = module("race")
    sides = (*race.LIF_SIDES.values(), *race.CONV_SIDES.values())
    needed = {side.environment for side in sides} - {""}
    (made,) = re.findall(r"^PEERS := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert {*made.split()} == needed
    for name in needed:
        text = (ROOT / "environments" / f"{name}.txt").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert all("==" in line for line in lines), name


@pytest.mark.slow
def test_race_of_the_sides_at_home(module, tmp_path):
    """Steps, formula and Nengo fire the same spikes, each in a process of its own."""
    race = module("race")
    assert race.missing("lif", tmp_path) == ["brian2", "nest"]
    entry = race.lif({"neurons": 9, "lif_rounds": 1}, tmp_path)["lif"]
    assert entry["sides"].keys() == {"snnlib", "snnlib, by formula", "Nengo"}
    assert entry["skipped_sides"].keys() == {"Brian2", "NEST"}
    for side in entry["sides"].values():
        assert side["seconds"] > 0
        n_found, n_all = re.match(r"(\d+) of (\d+) spikes", side["check"]).groups()
        assert n_found == n_all != "0"


def test_quick_row_runs_to_its_end(measure, tmp_path):
    """``--quick --row import`` measures that row and leaves the others as they are."""
    path = tmp_path / "results.json"
    older = {"training": {"median": 2.0}}
    measure.save(path, {"machine": measure.describe_machine(), "rows": older})
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", path]
    done = subprocess.run(
        [*command, "--row", "import"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = measure.load(path)
    assert found["rows"].keys() == {"training", "import"}
    assert found["rows"]["training"] == older["training"]
    check_row(found["rows"]["import"])
    assert found["rows"]["import"]["mode"] == "quick"
    # snnlib waits with all it can: it is far below the time of what it needs.
    assert found["rows"]["import"]["median"] < 1


def check_row(row):
    """Check that a row of the results holds what the page shows."""
    assert len(row["ratios"]) == row["n_rounds"] > 0
    assert row["median"] == pytest.approx(median(row["ratios"]), rel=1e-3)
    assert (row["low"], row["high"]) == (min(row["ratios"]), max(row["ratios"]))
    assert row["seconds"].keys() == {"ours", "peer"}
    assert min(row["seconds"].values()) > 0
    assert row["mode"] in {"quick", "normal", "full"}
    assert date.fromisoformat(row["date"])


def test_results_hold_every_row(rows):
    """The committed table has every row, with its goal and a verdict that follows."""
    assert RESULTS["rows"].keys() == rows.ROWS.keys()
    for name, row in RESULTS["rows"].items():
        check_row(row)
        (sense, limit), memory = rows.ROWS[name][2:]
        assert (row["what"], row["peer"], *row["goal"], row["memory"]) == (
            *rows.ROWS[name][:2],
            sense,
            limit,
            memory,
        )
        met = row["median"] >= limit if sense == "at least" else row["median"] <= limit
        if memory:
            met = met and row["memory_share"] <= memory
        assert row["met"] in {met, None}, name


def test_results_hold_the_race(module):
    """The committed race has every side of its rows, all checked against ours."""
    race = module("race")
    found = RESULTS["race"].keys()
    assert {"lif", "conv-8-1", "conv-30-1"} <= found <= race.ROWS.keys()
    for name, row in RESULTS["race"].items():
        expected = race.LIF_SIDES if name == "lif" else race.CONV_SIDES
        assert row["sides"].keys() == expected.keys()
        for side in row["sides"].values():
            assert len(side["ratios"]) == row["n_rounds"]
            assert side["seconds"] > 0
            assert side["peak_mb"] > 0
            assert side["versions"]
            n_same, n_all = map(
                int, re.match(r"(\d+) of (\d+)", side["check"]).groups()
            )
            assert n_same >= (1 - race.MOST_CLASSES) * n_all


def test_results_hold_parts(module):
    """The committed parts of rows that miss their goals are there, and are times."""
    assert RESULTS["parts"].keys() == module("parts").PARTS.keys()
    for entry in RESULTS["parts"].values():
        assert min(entry["parts"].values()) > 0
    # Nothing is faster than what bounds it, but for the spread of a few percent.
    for name, reached in (("cold-process", "additions"), ("training-step", "gflops")):
        entry = RESULTS["parts"][name]
        assert 0 < entry[reached] < 1.1 * entry["bound"]


def test_results_hold_machine_and_growth(module):
    """The committed results say where they come from, and how cost grows."""
    machine = RESULTS["machine"]
    assert machine["cores"] > 0
    assert machine["memory_gb"] > 0
    assert machine["packages"].keys() >= {"snnlib", "nengo", "nengo-dl", "numba"}
    assert {"images, ours", "images, peer", "spikes, ours"} <= RESULTS["growth"].keys()
    for name, curve in RESULTS["growth"].items():
        assert len(curve["x"]) == len(curve["seconds"]) == len(curve["peak_mb"]) > 1
        slope = module("measure").slope(curve["x"], curve["seconds"])
        assert curve["seconds_slope"] == pytest.approx(slope, abs=0.01), name


@pytest.fixture
def shown(monkeypatch, tmp_path):
    """Return a function that runs the page's own code; it returns text and names."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    page = (ROOT / "book" / "benchmarks.md").read_text()
    cells = re.findall(r"```\{code-cell\}.*?\n(.*?)```", page, re.S)

    def run(results):
        for folder in ("book", "benchmarks", "results"):
            (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(ROOT / "results" / "nir.csv", tmp_path / "results")
        (tmp_path / "benchmarks" / "results.json").write_text(json.dumps(results))
        monkeypatch.chdir(tmp_path / "book")
        # A cell of the page adds the folder above, from which the page is built.
        monkeypatch.syspath_prepend(ROOT)
        shown, names = [], {}
        for cell in cells:
            code = re.sub(r"\A(---\n.*?\n---\n|(:[^\n]*\n)+)", "", cell, flags=re.S)
            tree = ast.parse(code)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "page", "exec"), names)
            if last:
                shown.append(eval(ast.unparse(last), names).data)
        return "\n".join(shown), names

    yield run
    matplotlib.pyplot.close("all")


def test_page_shows_every_row(shown):
    """The page's own code runs on the committed results and shows each row of them."""
    text, names = shown(RESULTS)
    for row in RESULTS["rows"].values():
        ratio = row["median"] ** (1 if row["goal"][0] == "at least" else -1)
        cells = rf"\| {row['what']} \| {row['peer']} \| (\S+)&nbsp;"
        shown_ratio = float(re.search(cells, text)[1].replace(",", ""))
        assert shown_ratio == pytest.approx(ratio, rel=0.05)
        noun = "round" if row["n_rounds"] == 1 else "rounds"
        assert f"{row['n_rounds']} {noun})" in text
    assert re.search(r"Measured on \d+ \w+ \d{4}", text)
    assert len(names["fig"].axes) == 10
    named = [*RESULTS["rows"].values(), *RESULTS["race"].values()]
    assert ("Elsewhere" in text) == any("machine" in entry for entry in named)
    for row in RESULTS["race"].values():
        for side, it in row["sides"].items():
            assert re.search(rf"\| {side}[^|]*\|[^|]* s \|.*{it['check']}", text)
    ratios = [patch.get_width() for patch in names["fig_faster"].axes[0].patches]
    n_peers = sum(
        not side.startswith("snnlib")
        for row in RESULTS["race"].values()
        for side in row["sides"]
    )
    assert len(ratios) == len(RESULTS["rows"]) + n_peers
    assert "| nothing | 0.0000% of spikes, 0 of 100 classes |" in text


def test_page_counts_wins(module):
    """The page counts a peer that is faster, and a goal that is not met."""

    def counted(results):
        said = module("page").count_wins(results).data
        return [int(n) for n in re.findall(r"(\d+) of", said)]

    results = copy.deepcopy(RESULTS)
    assert results["rows"]["conv-warm"]["met"]
    results["rows"]["conv-warm"] |= {"median": 0.5, "met": False}
    assert counted(results) == [n - 1 for n in counted(RESULTS)]


def test_page_reads_between_points(module):
    """Between two measured points, the page goes by the power law through them."""
    curve = {"x": [1, 100, 400], "seconds": [2, 20, 20]}
    assert module("page").seconds_at(25, curve) == pytest.approx(2 * 25**0.5)
    assert module("page").seconds_at(200, curve) == pytest.approx(20)


@pytest.mark.parametrize(
    ("leads", "level"),
    [
        ([(1, 100.0), (10, 10.0), (1000, 0.1)], 100),
        ([(1, 100.0), (10, 10.0)], None),
        ([(1, 4.0), (4, 0.25), (16, 0.1)], 2),
    ],
)
def test_page_says_where_the_peer_draws_level(module, leads, level):
    """On the straight line between two points of logarithmic axes."""
    found = module("page").where_level(leads)
    assert found == (level and pytest.approx(level))


def test_page_says_where_each_row_was_measured(shown):
    """A row of another machine is named with it, and its day is not of the others."""
    results = copy.deepcopy(RESULTS)
    other = {**RESULTS["machine"], "processor": "Abacus", "cores": 77}
    moved = {"rows": "import", "growth": "images, ours", "race": "lif"}
    for section in (*moved, "parts"):
        for entry in results[section].values():
            entry.pop("machine", None)
    for section, name in moved.items():
        results[section][name] |= {"machine": other, "date": "2031-01-02"}
    text, _ = shown(results)
    first, elsewhere = text.split("Elsewhere:\n\n")
    assert "2031" not in first
    assert f"with {RESULTS['machine']['cores']} core" in first
    lines = [line for line in elsewhere.splitlines() if line.startswith("- ")][:3]
    titles = (
        "Importing snnlib, beside",
        "How cost grows, images, ours",
        "The race, LIF neurons",
    )
    for line, title in zip(lines, titles, strict=True):
        assert line.startswith(f"- {title}")
        assert "2 January 2031, on a machine with 77 cores (Abacus)" in line
