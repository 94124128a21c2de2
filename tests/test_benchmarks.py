"""The benchmarks reckon right, run, and left behind a table that is whole."""

import ast
import importlib
import json
import math
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import pytest

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
    measure.save(path, {"a": [1.23456, math.nan], "b": {"c": True}})
    assert measure.load(path) == {"a": [1.235, None], "b": {"c": True}}
    assert list(path.parent.iterdir()) == [path]


def test_leaky_arrays_keep_the_network(module):
    """Weights laid out for PyTorch give the sums that ours give."""
    classifier = module("sides").load_classifier()
    arrays = module("outside").leaky_arrays(classifier)
    rng = np.random.default_rng(0)
    spikes = rng.random((5, 5, 128))
    *_, kernel, bias = classifier.weights_
    np.testing.assert_allclose(
        arrays["kernel 3"] @ spikes.transpose(2, 0, 1).ravel() + arrays["bias 3"],
        # A spike has height amplitude / dt.
        (spikes.ravel() * 10) @ kernel + bias,
        rtol=1e-4,
    )
    # A patch of the image: the input that leads the voltage to J = gain x + bias, and
    # at x = 1 without a refractory period J is 1 / (1 - exp(-1 / (max_rate tau_rc))).
    patch = rng.random((3, 3, 1))
    x = np.einsum("ijc,ijco->o", patch, classifier.weights_[0]) + classifier.weights_[1]
    current = 1 + x * (1 / (1 - np.exp(-1 / (100 * 0.02))) - 1)
    np.testing.assert_allclose(
        np.einsum("cij,ocij->o", patch.transpose(2, 0, 1), arrays["kernel 0"])
        + arrays["bias 0"],
        current * (1 - np.exp(-0.001 / 0.02)),
        rtol=1e-5,
    )


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
    assert "snntorch" in RESULTS["outside"]


def test_page_shows_every_row(monkeypatch):
    """The page's own code runs on the committed results and shows each row of them."""
    monkeypatch.chdir(ROOT / "book")
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    page = Path("benchmarks.md").read_text()
    cells = re.findall(r"```\{code-cell\}.*?\n(.*?)```", page, re.S)
    shown, names = [], {}
    for cell in cells:
        code = re.sub(r"\A(---\n.*?\n---\n|(:[^\n]*\n)+)", "", cell, flags=re.S)
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "page", "exec"), names)
        if last:
            shown.append(eval(ast.unparse(last), names).data)
    text = "\n".join(shown)
    for row in RESULTS["rows"].values():
        assert f"| {row['what']}" in text
        noun = "round" if row["n_rounds"] == 1 else "rounds"
        assert f"{row['n_rounds']} {noun})" in text
    assert re.search(r"Measured on \d+ \w+ \d{4}", text)
    assert len(names["fig"].axes) == 10
    matplotlib.pyplot.close("all")
