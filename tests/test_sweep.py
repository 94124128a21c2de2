"""A sweep loses nothing when something dies, and its table stays the same."""

import csv
import errno
import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from clusters import Cluster, check_nothing_is_left
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import (
    GRID,
    marked_environment,
    marked_processes,
    snnlib,
    wait_until,
    without_times,
    write_definition,
    write_notebook,
)

from snnlib import read_metrics
from snnlib.cli import main
from snnlib.collected import _columns, collect_runs
from snnlib.definitions import SweepError
from snnlib.files import written_whole
from snnlib.folders import Folder, SweepBusyError, dump, write_run
from snnlib.plans import make_plan, read_plan
from snnlib.status import sweep_status
from snnlib.sweep import (
    _progress,
    _show,
    prune_runs,
    reasons_to_run,
    restore_runs,
    run_sweep,
)
from snnlib.workers import carry_out

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# Above the kernel of a run are papermill and the server of kernels.
SERVER = 1


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with a definition of eight runs."""
    folder = tmp_path_factory.mktemp("home")
    write_definition(folder)
    return folder


@pytest.fixture(scope="module")
def definition(home):
    """Return the path of the definition."""
    return home / "tiny.yaml"


@pytest.fixture(scope="module")
def plan(definition):
    """Return what the definition asks for."""
    return read_plan(definition)


@pytest.fixture(scope="module")
def kept(plan, tmp_path_factory):
    """Return the folder of a sweep in which nothing went wrong."""
    out = tmp_path_factory.mktemp("kept")
    assert run_sweep(plan, out, workers=0).failed == {}
    return out


@pytest.fixture(scope="module")
def undisturbed(kept):
    """Return the table of a sweep in which nothing went wrong."""
    return table(kept)


@pytest.fixture
def out(kept, tmp_path):
    """Return a copy of that folder, to be disturbed."""
    return shutil.copytree(kept, tmp_path / "out")


@pytest.fixture
def fault(home):
    """Return a function that sets what goes wrong in the runs with x = 3."""
    path = home / "fault.py"

    def set_fault(code):
        path.write_text(textwrap.dedent(code))

    yield set_fault
    path.unlink(missing_ok=True)


@pytest.fixture
def hanging(home, fault):
    """Have the runs with x = 3 hang; return a function that waits for one of them."""
    started = home / "started"
    started.unlink(missing_ok=True)
    fault(
        f"""
        import os, time

        with open({str(started)!r}, "a") as file:
            print(os.getpid(), file=file)
        time.sleep(1000)
        """
    )

    def wait_for_kernel(n=1):
        def pids():
            found = started.read_text().split() if started.exists() else []
            return len(found) >= n and found

        return psutil.Process(int(wait_until(pids)[n - 1]))

    return wait_for_kernel


def table(out):
    """Return the table of a sweep without the column of times."""
    collected = collect_runs(out)
    assert collected.skipped == []
    return without_times(collected.rows)


def finished(out):
    """Return when each finished run was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("runs/*.ipynb")}


def check_no_part_of_a_file(out):
    """Every file is whole, and none has the name of one under way."""
    assert not [path for path in out.rglob("*") if ".part" in path.name]
    for path in [*out.rglob("*.ipynb"), out / "sweep.json"]:
        json.loads(path.read_text())


def resume(definition, out, *options):
    """Go on with a sweep until its end, and check that nothing was run twice."""
    before = finished(out)
    subprocess.run(snnlib("sweep", definition, "--out", out, *options), check=True)
    after = finished(out)
    assert before.items() <= after.items()
    assert list(out.glob("failed/*")) == []


# What a sweep does when nothing goes wrong.


def test_table_holds_parameters_metrics_and_provenance(undisturbed, plan):
    """One row for each point, in the order of the plan, with its metrics."""
    assert [row["run_id"] for row in undisturbed] == [run.id for run in plan.runs]
    for row in undisturbed:
        assert row["result"] == row["x"] ** row["power"]
        assert row["draw"] == random.Random(row["seed"]).random()
        # The notebook recorded the label too, under the name of a parameter.
        assert row["label"] == row["label_recorded"] == "plain"
        assert row["offset"] == 0.0
        assert row["axis"] is None
        assert re.match(r"snnlib \S+, python \S+, numpy \S+", row["versions"])


def test_finished_runs_are_not_run_again(plan, out):
    """Neither by the same call nor by a definition that shares them; force does."""
    before = finished(out)
    start = time.monotonic()
    assert run_sweep(plan, out, workers=0).n_done == 6
    assert time.monotonic() - start < 5
    fewer = make_plan(plan.notebook.path, parameters={"x": 2}, grid={"power": [2]})
    assert run_sweep(fewer, out, workers=0).n_done == 1
    assert finished(out) == before
    run_sweep(fewer, out, workers=0, force=True)
    ((changed, _),) = finished(out).items() - before.items()
    assert changed == f"{fewer.runs[0].id}.ipynb"


def test_shared_run_has_a_row_for_each_axis(tmp_path):
    """The rows name the axis, and only the different runs are carried out."""
    notebook = write_notebook(tmp_path)
    plan = make_plan(notebook, one_at_a_time={"x": [1, 2], "power": [2, 3]})
    run_sweep(plan, tmp_path / "out", workers=0)
    rows = collect_runs(tmp_path / "out").rows
    assert len(finished(tmp_path / "out")) == 3
    assert [(row["axis"], row["x"], row["power"], row["result"]) for row in rows] == [
        ("x", 1.0, 2, 1.0),
        ("x", 2.0, 2, 4.0),
        ("power", 1.0, 2, 1.0),
        ("power", 1.0, 3, 1.0),
    ]


def test_executed_notebook_says_what_it_was(plan, kept):
    """It is papermill's, with identity and versions in its metadata."""
    run = plan.runs[3]
    notebook = nbformat.read(kept / "runs" / f"{run.id}.ipynb", as_version=4)
    nbformat.validate(notebook)
    about = notebook.metadata.snnlib
    assert about.run_id == run.id
    assert about["values"] == run.values
    assert about.identity == plan.identity
    assert about.error is None
    assert notebook.metadata.papermill.parameters == run.given


def test_run_without_metrics_has_failed(tmp_path):
    """It would leave a hole in the table."""
    notebook = write_notebook(tmp_path, result="print('nothing recorded')")
    summary = run_sweep(make_plan(notebook), tmp_path / "out", workers=0)
    (reason,) = summary.failed.values()
    assert reason.endswith("it recorded no metrics")
    assert finished(tmp_path / "out") == {}


def test_failed_run_stops_no_other(plan, out, undisturbed, fault):
    """Its notebook keeps the traceback, and the next call tries it again."""
    for run in plan.runs[-3:]:
        (out / "runs" / f"{run.id}.ipynb").unlink()
    fault("1 / 0")
    summary = run_sweep(plan, out, workers=0)
    assert summary.n_done == 4
    assert [reason.split(": ")[:2] for reason in summary.failed.values()] == [
        ["x = 3.0, power = 2", "ZeroDivisionError"],
        ["x = 3.0, power = 3", "ZeroDivisionError"],
    ]
    for run_id in summary.failed:
        failed = nbformat.read(out / "failed" / f"{run_id}.ipynb", as_version=4)
        shown = [o for cell in failed.cells for o in cell.get("outputs", ())]
        assert [o.ename for o in shown if "ename" in o] == ["ZeroDivisionError"]
    missing = collect_runs(out).provenance["missing"]
    assert missing == sorted(summary.failed)
    fault("")
    assert run_sweep(plan, out, workers=0).failed == {}
    assert list(out.glob("failed/*")) == []
    assert table(out) == undisturbed


def test_machine_that_differs_does_no_run(plan):
    """Another snnlib, or other data, would give another result under the same id."""
    request = {
        "imports": [],
        "sources": {"loaders": ["load_iris_setosa"], "results": []},
        "warm": True,
        "threads": 1,
    }
    expected = {**plan.identity, "inputs": {"iris setosa": "other"}}
    for change, what in (
        ({"snnlib": "9.9"}, "another version of snnlib: "),
        ({"code": "other"}, "another code of snnlib, by its digest: "),
        ({}, "other data, by their digests: {'iris setosa': '"),
    ):
        outcome = carry_out({**request, "expected": {**expected, **change}})
        assert f"it has {what}" in outcome["error"]
        assert "notebook" not in outcome


# What is refused before any work.

NUMBERS = [True, 1.5, "2", math.nan, 10**6, [1], -(10**6)]
AMOUNTS = [0, -1, math.nan, math.inf, "600", True, 10**400]
REFUSED = {
    "workers": NUMBERS,
    "threads": [*NUMBERS, 0, -1],
    "timeout": AMOUNTS,
    "memory_limit": [*AMOUNTS, "4GB"],
    "patience": [*AMOUNTS[1:], None],
    "scheduler": ["", "here", 8786, "tcp://here", "tcp://:1", "here:0", "here:99999"],
    "warm": [1, "no", None],
    "force": [0, "yes", None],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in REFUSED.items() for value in values],
)
def test_argument_is_refused_by_name_before_any_work(plan, tmp_path, name, value):
    """In one sentence with what is allowed and what came, and without a folder."""
    with pytest.raises(SweepError, match=rf"^{name} must be [^.]*.*; got .*\.$") as it:
        run_sweep(plan, tmp_path / "out", **{name: value})
    assert "\n" not in str(it.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "not_a_plan", [None, "small.yaml", Path("small.yaml"), {}, []], ids=repr
)
def test_what_is_no_plan_is_refused(not_a_plan, tmp_path):
    """The message says where plans come from."""
    with pytest.raises(SweepError, match="from read_plan or make_plan; got a "):
        run_sweep(not_a_plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("call", ["run_sweep", "collect_runs"])
@pytest.mark.parametrize("out", ["", None, 3, b"out", "a\0b", ["out"]], ids=repr)
def test_what_is_no_path_is_refused(plan, call, out):
    """It is a path with a name, or nothing is looked for."""
    do = {"run_sweep": partial(run_sweep, plan), "collect_runs": collect_runs}[call]
    message = r"^out must be the path of a file or folder; got .*"
    with pytest.raises(SweepError, match=message):
        do(out)


@pytest.mark.parametrize("name", ["file", "file/below", "x" * 300, "\ud800", "no"])
def test_folder_that_cannot_be_is_refused(plan, tmp_path, monkeypatch, name):
    """A file, a name too long, no permission: the message says which, and no trace."""
    (tmp_path / "file").write_text("mine")
    if name == "no":
        # Who runs the tests may be one whom no permission holds.
        monkeypatch.setattr(Path, "mkdir", refuse)
    out = tmp_path / name
    with pytest.raises(SweepError, match=r"^out must be a folder that can be written"):
        run_sweep(plan, out, workers=0)
    with pytest.raises(SweepError, match="holds no sweep"):
        collect_runs(out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def refuse(*_, **__):
    """Do what the system does to who has no permission."""
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("name", ["runs", "failed", "lock", ".lock", "sweep.json"])
def test_folder_with_another_kind_of_entry_is_refused(plan, tmp_path, name):
    """What has a name of ours, and is something else, is left as it is."""
    is_file = name in {"runs", "failed"}
    (tmp_path / name).write_text("mine") if is_file else (tmp_path / name).mkdir()
    message = rf"^out must be a folder that can be written.*{re.escape(name)}[^.]*\.$"
    with pytest.raises(SweepError, match=message):
        run_sweep(plan, tmp_path, workers=0)
    assert (tmp_path / name).is_file() == is_file


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", ["runs", "failed"])
def test_what_lies_in_place_of_a_run_is_refused(plan, tmp_path, name, make):
    """By its name and before any run, for it would end the sweep after one."""
    path = tmp_path / name / f"{plan.runs[-1].id}.ipynb"
    path.parent.mkdir()
    make(path)
    with pytest.raises(SweepError, match=rf"a regular file or a new one; got '{path}'"):
        run_sweep(plan, tmp_path, workers=0)
    assert not list(tmp_path.rglob("*.json"))
    # What is of no run of the plan is in nobody's way.
    path.rename(path.with_name("0123456789abcdef.ipynb"))
    Folder(tmp_path).begin(plan)


def test_prune_leaves_folders_alone(plan, out):
    """They are none of a sweep's runs, whatever their names."""
    (out / "runs" / "0123456789abcdef.ipynb").mkdir()
    (out / "failed" / "0123456789abcdef.ipynb").write_text("{}")
    assert prune_runs(out) == 1
    assert (out / "runs" / "0123456789abcdef.ipynb").is_dir()
    assert len(finished(out)) == len(plan.runs) + 1


def test_reason_of_a_failure_is_one_line_of_letters(plan, tmp_path):
    """Whatever the notebook says; so is one that was written down before."""
    words = "first\nsecond \x1b[31mred\x07\nthird"
    folder, run = Folder(tmp_path), plan.runs[0]
    folder.begin(plan)
    line = r"first second red\x07 third"
    assert folder.store(run, plan, {"error": words}) == (None, line)
    path = tmp_path / "failed" / f"{run.id}.ipynb"
    executed = json.loads(path.read_text())
    about = executed["metadata"]["snnlib"]
    assert about["error"] == line
    write_run(path, executed, {**about, "error": words})
    assert folder.failures({run.id}) == {run.id: line}


# How far it is.


def test_dead_process_is_not_at_work(out):
    """What it left behind is no sweep that goes on; nobody can tell elsewhere."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = os.uname().nodename
    for pid, where, is_at_work in (
        (ended.pid, host, False),
        (os.getpid(), host, True),
        (ended.pid, "elsewhere", True),
    ):
        holder = f"process {pid} on {where} since 2020-01-01T00:00:00"
        (out / "lock").write_text(holder)
        assert sweep_status(out).holder == (holder if is_at_work else "")


def test_status_takes_any_time_of_a_run(plan, out):
    """None of a table without one, nor one without a zone, ends the others."""
    before = sweep_status(out)
    times = ["", "soon", "2026-01-01T00:00:00", "2026-01-01T01:00:00+00:00"]
    for run, time_ in zip(plan.runs, [*times, "", ""], strict=True):
        path = out / "runs" / f"{run.id}.ipynb"
        executed = json.loads(path.read_text())
        about = executed["metadata"].pop("snnlib")
        del about["checksum"]
        write_run(path, executed, {**about, "finished": time_})
    after = sweep_status(out)
    assert (after.n_done, after.rate) == (before.n_done, 1.0)


# Files.


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "is damaged, or not a run of a sweep"),
        (lambda _: "", "is damaged, or not a run of a sweep"),
        (lambda _: '{"cells": []}', "is damaged, or not a run of a sweep"),
        (lambda text: text.replace('"result": ', '"result": 1'), "was changed after"),
    ],
    ids=["half", "empty", "foreign", "edited"],
)
def test_damaged_run_is_named_and_left_out(plan, out, damage, message):
    """It is never half-read."""
    path = out / "runs" / f"{plan.runs[2].id}.ipynb"
    path.write_text(damage(path.read_text()))
    collected = collect_runs(out)
    assert len(collected.rows) == 5
    assert len(collected.skipped) == 1
    assert str(path) in collected.skipped[0]
    assert message in collected.skipped[0]
    assert collected.provenance["missing"] == [plan.runs[2].id]


def test_damaged_run_is_run_again(plan, out, undisturbed, caplog):
    """The next call names it and puts a whole one in its place."""
    path = out / "runs" / f"{plan.runs[2].id}.ipynb"
    path.write_text(path.read_text()[:500])
    run_sweep(plan, out, workers=0)
    assert f"{path} is damaged" in caplog.text
    assert table(out) == undisturbed


def test_foreign_files_are_named_and_left_out(plan, out):
    """A run of another sweep, a copy and a stray file do not get into the table."""
    runs = out / "runs"
    one = (runs / f"{plan.runs[0].id}.ipynb").read_text()
    (runs / f"{plan.runs[1].id}.ipynb").write_text(one)
    (runs / "copy.ipynb").write_text(one)
    (runs / f"{'0' * 16}.ipynb").write_text(one)
    for i in range(9):
        (runs / f"notes{i}.txt").write_text("notes")
    # What JupyterLab and macOS leave is nothing to speak of.
    (runs / ".ipynb_checkpoints").mkdir()
    (runs / ".DS_Store").touch()
    collected = collect_runs(out)
    assert len(collected.rows) == 5
    assert collected.skipped == [
        f"{runs / plan.runs[1].id}.ipynb was changed after it was written.",
        f"{runs} holds what is none of its runs: copy.ipynb, notes0.txt, notes1.txt, "
        "notes2.txt, notes3.txt, ....",
        f"{runs} holds 1 runs of other definitions or code; snnlib prune {out} removes "
        "them.",
    ]


def test_signed_file_with_other_values_is_left_out(plan, out):
    """Anyone can make a checksum anew; the id of other values is another one."""
    path = out / "runs" / f"{plan.runs[0].id}.ipynb"
    executed = json.loads(path.read_text())
    about = executed["metadata"]["snnlib"]
    del about["checksum"]
    about["values"]["x"] = 999.0
    write_run(path, executed, about)
    (reason,) = collect_runs(out).skipped
    assert reason == (f"{path} is not the run of its name: its values have another id.")
    # Nor does the index vouch for them.
    index = out / "index.jsonl"
    status = path.stat()
    mark = [status.st_size, status.st_mtime_ns]
    line = [path.name, mark, {**about, "metrics": {"result": 1.0}}]
    index.write_text(json.dumps(line))
    assert collect_runs(out).skipped == [reason]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\xff\n[[[[\n{}\n[1, 2, 3]\n" + b"[" * 10**5),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.unlink(), path.symlink_to(path.with_name("elsewhere"))),
        lambda path: path.write_text(path.read_text()[:-7]),
    ],
    ids=["another", "missing", "folder", "pipe", "link", "cut"],
)
def test_index_only_saves_time(plan, out, undisturbed, damage):
    """Whatever became of it, the table is the same, and nothing runs again."""
    damage(out / "index.jsonl")
    assert table(out) == undisturbed
    before = finished(out)
    (out / "runs" / f"{plan.runs[0].id}.ipynb").unlink()
    assert run_sweep(plan, out, workers=1).n_done == 6
    assert len(before.items() & finished(out).items()) == 5
    assert table(out) == undisturbed
    assert not (out / "elsewhere").exists()


def test_finished_sweep_needs_not_be_written_to(plan, out, monkeypatch):
    """A folder that is done is left alone, so that it may be read-only."""
    monkeypatch.setattr(Folder, "locked", None)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert run_sweep(plan, out).n_done == 6
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_different_versions_are_told(plan, out):
    """Rows that ran with different packages do not stand side by side in silence."""
    path = out / "runs" / f"{plan.runs[0].id}.ipynb"
    executed = json.loads(path.read_text())
    about = executed["metadata"]["snnlib"]
    del about["checksum"]
    here = about["versions"]["numpy"]
    about["versions"] |= {"numpy": "9.9.9"}
    write_run(path, executed, about)
    (mixture,) = collect_runs(out).mixtures
    assert mixture == f"the runs had different versions of numpy {here} and 9.9.9."


def test_folder_without_a_sweep_is_named(tmp_path, out):
    """Collecting from it is an error, not an empty table."""
    with pytest.raises(SweepError, match=r"holds no sweep: sweep\.json is m"):
        collect_runs(tmp_path)
    shutil.rmtree(out / "runs")
    with pytest.raises(SweepError, match=r"holds no sweep: .*No such file"):
        collect_runs(out)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda its: st.lists(its, max_size=3) | st.dictionaries(st.text(), its, max_size=3),
    max_leaves=5,
)
anything = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def check_collected_or_refused(out):
    """A folder is collected from, or refused in one line, whatever is in it."""
    try:
        collected = collect_runs(out)
        collected.write(out / "table.csv")
        said = collected.skipped
    except SweepError as error:
        said = [str(error)]
    assert not any("\n" in sentence for sentence in said)


def test_restored_runs_are_those_of_the_table(plan, kept, tmp_path):
    """Another machine goes on from the table, and makes the same table of it."""
    path = tmp_path / "first.csv"
    collect_runs(kept).write(path)
    out = tmp_path / "elsewhere"
    assert restore_runs(path, out) == (len(plan.runs), [])
    assert restore_runs(path, out) == (0, [])
    assert reasons_to_run(plan, out) == {}
    assert run_sweep(plan, out, workers=0).n_done == len(plan.runs)
    again = collect_runs(out)
    assert again.rows == collect_runs(kept).rows
    assert again.columns == collect_runs(kept).columns


def test_restored_sweep_does_only_what_is_missing(plan, kept, tmp_path):
    """A table that was cut short, such as that of a session that ended."""
    path = tmp_path / "first.csv"
    collected = collect_runs(kept)
    del collected.rows[1:]
    collected.write(path)
    out = tmp_path / "elsewhere"
    assert restore_runs(path, out)[0] == 1
    assert len(reasons_to_run(plan, out)) == len(plan.runs) - 1
    assert run_sweep(plan, out, workers=0).failed == {}
    assert table(out) == table(kept)


def test_restore_believes_no_row_that_was_changed(kept, tmp_path):
    """A value, and the id is another; the other rows are restored."""
    path = tmp_path / "first.csv"
    collected = collect_runs(kept)
    collected.rows[0]["x"] += 1
    collected.write(path)
    n_restored, skipped = restore_runs(path, tmp_path / "out")
    assert n_restored == len(collected.rows) - 1
    assert len(skipped) == 1
    assert collected.rows[0]["run_id"] in skipped[0]


def test_restore_on_the_command_line(kept, tmp_path, capsys):
    """It says how many runs are back, and ends with 1 where a row was left out."""
    path, out = tmp_path / "first.csv", tmp_path / "out"
    collected = collect_runs(kept)
    collected.write(path)
    assert main(["restore", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"{len(collected.rows)} runs of {path} were put into {out}" in said
    collected.rows[0]["x"] += 1
    collected.write(path)
    assert main(["restore", str(path), "--out", str(tmp_path / "other")]) == 1
    assert "was changed" in capsys.readouterr().err


def test_restore_needs_a_provenance(kept, tmp_path):
    """Without it no id can be checked."""
    path = tmp_path / "first.csv"
    collect_runs(kept).write(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(SweepError, match=r"first\.csv has no provenance"):
        restore_runs(path, tmp_path / "out")


@anything
@given(data=st.data())
def test_plan_of_another_kind_is_refused(out, kept, data):
    """Any value of sweep.json may be anything."""
    content = json.loads((kept / "sweep.json").read_text())
    place = content
    if data.draw(st.booleans()):
        place = data.draw(st.sampled_from(content["rows"]))
    name = data.draw(st.sampled_from([*place, "foreign"]))
    place[name] = data.draw(JSON)
    if data.draw(st.booleans()):
        del place[name]
    content = data.draw(st.sampled_from([content, place, place.get(name)]))
    (out / "sweep.json").write_text(json.dumps(content))
    check_collected_or_refused(out)


@anything
@given(data=st.data())
def test_run_of_another_kind_is_left_out(plan, out, kept, data):
    """Any value that a run says of itself may be anything, with the right checksum."""
    name = f"{plan.runs[0].id}.ipynb"
    executed = json.loads((kept / "runs" / name).read_text())
    about = executed["metadata"]["snnlib"]
    about[data.draw(st.sampled_from([*about]))] = data.draw(JSON)
    write_run(out / "runs" / name, executed, about)
    check_collected_or_refused(out)


@pytest.mark.parametrize("name", ["sweep.json", "runs/{}.ipynb"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b"NaN", b"[]", b'"rows"', None],
    ids=["empty", "bytes", "deep", "long", "nan", "list", "text", "binary"],
)
def test_file_of_another_kind_is_refused_or_left_out(plan, out, name, content):
    """Whatever its bytes are."""
    path = out / name.format(plan.runs[0].id)
    path.write_bytes(os.urandom(10_000) if content is None else content)
    if path.name == "sweep.json":
        with pytest.raises(SweepError, match=r"holds no sweep: [^\n]*$"):
            collect_runs(out)
    else:
        (reason,) = collect_runs(out).skipped
        assert re.fullmatch(r".* is damaged, or not a run of a sweep: .*", reason)


def make_pipe(path):
    """Make a file that ends when someone writes, which no one does."""
    os.mkfifo(path)


def make_huge(path):
    """Make a file of a size that no run has, and no disk needs."""
    with path.open("wb") as file:
        file.truncate(10**12)


@pytest.mark.parametrize("name", ["sweep.json", "runs/{}.ipynb"])
@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        make_pipe,
        make_huge,
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.symlink_to(path.name),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["folder", "pipe", "huge", "nowhere", "itself", "device"],
)
def test_what_is_no_file_is_not_read(plan, out, name, make):
    """Nor is what has no end, or none in sight."""
    path = out / name.format(plan.runs[0].id)
    path.unlink()
    make(path)
    if path.name == "sweep.json":
        with pytest.raises(SweepError, match=r"holds no sweep: sweep\.json (is|has) "):
            collect_runs(out)
    else:
        (reason,) = collect_runs(out).skipped
        assert reason.startswith(f"{path} ")
        assert re.search("is damaged, or not|cannot be read|leads out", reason)


def test_link_to_a_run_leads_nowhere_else(plan, out, undisturbed, tmp_path):
    """A link within the folder is that run; one that leads out of it is not read."""
    path = out / "runs" / f"{plan.runs[0].id}.ipynb"
    path.symlink_to(path.rename(path.with_name("moved")))
    assert without_times(collect_runs(out).rows) == undisturbed
    path.unlink()
    path.symlink_to(path.with_name("moved").rename(tmp_path / path.name))
    collected = collect_runs(out)
    assert collected.skipped == [f"{path} is a link that leads out of the folder."]
    # The folder of runs may have been moved to a larger disk as a whole.
    path.unlink()
    (tmp_path / path.name).rename(path)
    (out / "runs").rename(tmp_path / "runs")
    (out / "runs").symlink_to(tmp_path / "runs")
    assert table(out) == undisturbed


def test_parts_of_killed_runs_go_and_no_others(plan, out):
    """A part under way is no foreign file; the next sweep removes what was left."""
    ours = (
        *(".sweep.json.0f.part", ".sweep.json.part", ".lock.0f.part"),
        *("runs/.0f.ipynb.0f.part", "failed/.0f.ipynb.part"),
    )
    theirs = (".table.csv.0f.part", "mine.part", "runs/mine.part")
    for name in (*ours, *theirs):
        (out / name).write_text("{")
    (reason,) = collect_runs(out).skipped
    assert reason.endswith("none of its runs: mine.part.")
    (out / "runs" / f"{plan.runs[0].id}.ipynb").unlink()
    run_sweep(plan, out, workers=0)
    assert not any((out / name).exists() for name in ours)
    assert all((out / name).exists() for name in theirs)


def test_part_under_way_is_not_collected(plan, out):
    """While a run is written, the one before it is read."""
    with written_whole(out / "runs" / f"{plan.runs[0].id}.ipynb") as file:
        file.write("{")
        file.flush()
        collected = collect_runs(out)
        file.write("}")
    assert collected.skipped == []
    assert len(collected.rows) == 6


def test_notebooks_are_written_as_nbformat_writes_them(kept):
    """One space, and letters of all languages as they are."""
    for path in kept.glob("runs/*.ipynb"):
        content = json.loads(path.read_text())
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        assert path.read_bytes() == text.encode()
    assert dump({"\N{SNOWMAN}": 1}) == '{\n "\N{SNOWMAN}": 1\n}\n'


@given(JSON)
def test_dump_can_be_written_and_read(content):
    """Half a surrogate pair too, as a failed run may have in its message."""
    for text in (dump(content), dump(["\ud800", content])):
        assert text.encode().decode() == text
        json.loads(text)
    assert json.loads(dump("\ud800")) == "\ud800"


@pytest.mark.parametrize(
    ("metrics", "columns"),
    [
        (["r2"], ["r2"]),
        (["axis"], ["axis_recorded"]),
        (["versions", "r2"], ["versions_recorded", "r2"]),
        (["x", "x_recorded"], ["x_recorded_recorded", "x_recorded"]),
        (["x_recorded", "x"], ["x_recorded", "x_recorded_recorded"]),
        (["y", "y_recorded"], ["y_recorded_recorded", "y_recorded_recorded_recorded"]),
    ],
)
def test_metrics_get_columns_of_their_own(metrics, columns):
    """None takes that of a parameter, of the table or of another metric."""
    run = {"values": {"x": 1, "y": 1, "y_recorded": 1}, "metrics": metrics}
    found = _columns([run])
    assert [found[name] for name in metrics] == columns
    # Another run may record some of them alone, before or after.
    for name in metrics:
        for runs in (
            [{**run, "metrics": [name]}, run],
            [run, {**run, "metrics": [name]}],
        ):
            assert _columns(runs) == found


def test_metrics_named_as_columns_of_the_table_are_renamed(tmp_path):
    """Run id, axis and parameters come first, whatever a notebook records."""
    names = ("run_id", "axis", "wall_time", "versions", "seed", "other")
    result = f"from snnlib import record\nrecord({dict.fromkeys(names, 9)})"
    plan = make_plan(write_notebook(tmp_path, result=result), one_at_a_time={"x": [2]})
    run_sweep(plan, tmp_path / "out", workers=0)
    (row,) = collect_runs(tmp_path / "out").rows
    recorded = [f"{name}_recorded" for name in names[:-1]]
    first = ["run_id", "axis", *plan.runs[0].values]
    assert list(row)[: len(first)] == first
    assert sorted(list(row)[len(first) : -2]) == sorted([*recorded, "other"])
    assert list(row)[-2:] == ["wall_time", "versions"]
    assert (row["run_id"], row["axis"], row["seed"]) == (plan.runs[0].id, "x", 0)
    assert [row[name] for name in recorded] == [9] * 5


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_is_a_bar_or_a_line_now_and_then(monkeypatch, capsys, is_terminal):
    """Without a terminal there is a first and a last line, and one each half minute."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with _progress(50, 40) as progress:
        for i in range(40):
            _show(progress, None if i == 0 else {"r2": i / 40}, n_failed=1)
    said = re.split("[\r\n]+", capsys.readouterr().err.strip())
    assert said[-1].endswith("49 of 50 done, 1 failed, r2 0.975, 00:00 to go")
    assert said[-1].startswith("\N{FULL BLOCK}") == is_terminal
    assert is_terminal or len(said) == 2


def test_table_is_written_with_its_provenance(plan, kept, undisturbed, tmp_path):
    """Numbers come back to the last bit; the .json says where they come from."""
    collect_runs(kept).write(tmp_path / "tables" / "tiny.csv")
    text = (tmp_path / "tables" / "tiny.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [float(row["draw"]) for row in rows] == [row["draw"] for row in undisturbed]
    provenance = json.loads((tmp_path / "tables" / "tiny.json").read_text())
    assert provenance["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert provenance["identity"] == plan.identity
    assert provenance["definition"]["grid"] == GRID
    assert provenance["notebook"] == "tiny.ipynb"
    assert provenance["missing"] == []
    with pytest.raises(
        ValueError, match=r"must end in \.csv or \.parquet; got 'table\.txt'"
    ):
        collect_runs(kept).write("table.txt")


def test_table_says_what_its_columns_are(tmp_path):
    """Kind, type, unit and meaning of each, in the order of the notebook."""
    notebook = write_notebook(
        tmp_path,
        parameters='x = 1.0  # Hz: rate\nname = "a"  # any: text\nn = 1',
        check="",
        fault="",
        result="""
            from snnlib import record
            record({"z": 0.5, "a": None, "x": 2}, units={"z": "s"})
        """,
    )
    run_sweep(make_plan(notebook), tmp_path / "out", workers=0)
    collected = collect_runs(tmp_path / "out")
    assert collected.columns == [
        {"name": "run_id", "type": "text", "kind": "run"},
        {"name": "axis", "type": "None", "kind": "run"},
        {
            "name": "x",
            "type": "number",
            "kind": "parameter",
            "unit": "Hz",
            "about": "rate",
        },
        {
            "name": "name",
            "type": "text",
            "kind": "parameter",
            "unit": "any",
            "about": "text",
        },
        {"name": "n", "type": "whole number", "kind": "parameter"},
        {"name": "z", "type": "number", "kind": "metric", "unit": "s"},
        {"name": "a", "type": "None", "kind": "metric"},
        {"name": "x_recorded", "type": "whole number", "kind": "metric"},
        {"name": "wall_time", "type": "number", "kind": "run", "unit": "s"},
        {"name": "versions", "type": "text", "kind": "run"},
    ]
    assert collected.provenance["columns"] == collected.columns
    frame = collected.to_frame()
    assert list(frame) == [column["name"] for column in collected.columns]
    assert frame.attrs["columns"] == collected.columns


def test_second_sweep_on_a_folder_is_refused(plan, out):
    """The message says who is at work; afterwards the folder is free."""
    (out / "runs" / f"{plan.runs[0].id}.ipynb").unlink()
    with (
        Folder(out).locked(),
        pytest.raises(SweepBusyError, match=f"at work: process {os.getpid()} on "),
    ):
        run_sweep(plan, out, workers=0)
    assert run_sweep(plan, out, workers=0).n_done == 6


def test_holder_that_ends_meanwhile_is_no_holder(out, monkeypatch):
    """Who holds the lock is asked once it is held, and not before."""
    import filelock

    acquire = filelock.FileLock.acquire
    (out / "lock").write_text("process 1 on elsewhere since 2020-01-01T00:00:00")

    def acquire_late(lock, *arguments, **options):
        (out / "lock").write_text("")
        return acquire(lock, *arguments, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", acquire_late)
    with Folder(out).locked():
        assert f"process {os.getpid()} on " in (out / "lock").read_text()
    assert (out / "lock").read_text() == ""


def test_lock_is_lifted_whatever_ends_the_sweep(out):
    """The folder is free again after an error, and no name stays behind."""
    with pytest.raises(KeyboardInterrupt), Folder(out).locked():
        raise KeyboardInterrupt
    assert (out / "lock").read_text() == ""
    with Folder(out).locked():
        pass


def test_no_module_needs_fcntl_or_fork(kept, definition, tmp_path):
    """As on Windows: tables are made there, and sweeps refused with the way out."""
    code = """
        import os, sys
        sys.modules["fcntl"] = None
        del os.fork
        from snnlib.plans import read_plan
        from snnlib.collected import collect_runs
        from snnlib.sweep import run_sweep
        print(len(collect_runs(sys.argv[1]).rows))
        try:
            run_sweep(read_plan(sys.argv[2]), sys.argv[3])
        except ValueError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), kept, definition]
    said = subprocess.check_output([*command, tmp_path / "out"], text=True)
    assert re.fullmatch(r"6\nruns are forked, which .* \(WSL\)\.\n", said)
    assert not (tmp_path / "out").exists()


def test_kernels_that_cannot_start_are_failed_runs(plan, tmp_path, monkeypatch):
    """The sweep goes on to the next run, without Dask too."""
    monkeypatch.setattr(subprocess, "Popen", refuse)
    summary = run_sweep(plan, tmp_path, workers=0)
    assert summary.n_done == 0
    assert all("cannot be started" in reason for reason in summary.failed.values())


def test_lock_left_behind_is_taken_over(plan, out, caplog):
    """A dead owner's lock stops nobody; that of another machine is not judged."""
    lock = out / "lock"
    host = os.uname().nodename
    lock.write_text(f"process {os.getpid()} on {host} since 2020-01-01T00:00:00")
    run = out / "runs" / f"{plan.runs[0].id}.ipynb"
    run.unlink()
    with caplog.at_level("INFO", "snnlib"):
        run_sweep(plan, out, workers=0)
    assert "Taking over from a sweep that ended early: process" in caplog.text
    assert lock.read_text() == ""
    lock.write_text("process 1 on elsewhere since 2020-01-01T00:00:00")
    run.unlink()
    with pytest.raises(SweepBusyError, match=f"has ended, remove {lock} and try again"):
        run_sweep(plan, out, workers=0)


# Faults, with Dask.


def start_sweep(definition, out, *options):
    """Start a sweep as a shell would; return it and the mark of its descendants."""
    mark, environment = marked_environment()
    command = snnlib("sweep", definition, "--out", out, *options)
    sweep = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        # Even where the tests run in the background, and so without Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return sweep, mark


# Runs in a process of its own, in which nothing has imported Dask yet.
WORLD = """
import json, logging, os, signal, sys, time, warnings

import psutil
import zmq

# As Jupyter has it, and Dask would not.
logging.getLogger("tornado").setLevel(15)
from snnlib import workers
from snnlib.plans import read_plan
from snnlib.folders import Folder
from snnlib.collected import collect_runs
from snnlib.sweep import run_sweep

plan, out = read_plan(sys.argv[1]), sys.argv[2]
store, listening = Folder.store, set()
workers._FIRST_ANSWER = 1


def world():
    loggers = logging.root.manager.loggerDict.items()
    return {
        "root": [logging.root.level, len(logging.root.handlers)],
        "loggers": {
            name: [it.level, it.propagate, len(it.handlers)]
            for name, it in loggers
            if isinstance(it, logging.Logger)
        },
        "signals": [str(signal.getsignal(it)) for it in signal.Signals],
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "warnings": list(map(str, warnings.filters)),
    }


def send_without_secret(address):
    # What any process of this machine can do with a port.
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.linger = 500
        socket.connect(f"tcp://{address.ip}:{address.port}")
        socket.send_multipart([bytes(16), b"raise SystemExit"])


def look():
    here = psutil.Process()
    ours = [here.pid, *(it.pid for it in here.children(recursive=True))]
    for it in psutil.net_connections("inet"):
        if it.pid in ours and it.status in (psutil.CONN_LISTEN, psutil.CONN_NONE):
            listening.add((it.laddr.ip, it.pid == here.pid))
            send_without_secret(it.laddr)


def watch(folder, run, *arguments):
    look()
    # A tiny run may be over before anybody looks; the next one has begun by then.
    until = time.monotonic() + 2
    while not listening and time.monotonic() < until:
        look()
    assert collect_runs(out).skipped == []
    if fails:
        raise OSError("as from a full disk")
    return store(folder, run, *arguments)


Folder.store = watch
before = world()
told = []
for fails, options in (
    (True, {"workers": 2}),
    (False, {"workers": 2}),
    (True, {"scheduler": "127.0.0.1:9", "force": True}),
):
    try:
        run_sweep(plan, out, **options)
        ended = "returned"
    except (OSError, ValueError) as error:
        ended = type(error).__name__
    told.append([ended, world()])
print(json.dumps([before, told, sorted(listening)]))
"""


def test_sweep_leaves_its_callers_world_alone(definition, undisturbed, tmp_path):
    """Loggers, signals and more are as before; who has no secret is not listened to."""
    command = [sys.executable, "-c", WORLD, definition, tmp_path / "out"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before, ends, listening = json.loads(said)
    assert [ended for ended, _ in ends] == ["OSError", "returned", "SweepError"]
    # ipykernel takes what a notebook's own processes print from there, with a secret.
    assert listening == [["127.0.0.1", False]]
    assert table(tmp_path / "out") == undisturbed
    for _, after in ends:
        # The loggers that the import of Dask makes are new after the first.
        assert before["loggers"].items() <= after["loggers"].items()
        assert after == {**before, "loggers": after["loggers"]}
        before = after


@pytest.mark.slow
def test_two_workers_give_the_same_table(definition, undisturbed, tmp_path):
    """Nothing is printed but plain lines, and nothing is left running."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", 2)
    out, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 0
    assert out.splitlines() == [
        "6 rows, 6 different runs",
        f"6 of 6 runs finished, in {tmp_path}",
    ]
    lines = re.split("[\r\n]+", err.strip())
    assert all(re.match(r"\d of 6 done, 0 failed", line) for line in lines)
    check_nothing_is_left(mark)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
def test_killed_kernels_are_failed_runs(
    definition, undisturbed, hanging, fault, tmp_path
):
    """Kill -9 of a kernel, of papermill or of the server costs that run alone."""
    sweep, _ = start_sweep(definition, tmp_path, "--workers", 2)
    hanging().kill()
    # The server is started once more, and then given up.
    for n in (2, 3):
        hanging(n).parents()[SERVER].kill()
    _, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 1
    assert "DeadKernelError: Kernel died" in err
    assert "the server of kernels ended with exit code -9" in err
    assert len(finished(tmp_path)) == 4
    fault("")
    resume(definition, tmp_path, "--workers", 2)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
def test_killed_client_can_be_resumed(
    definition, undisturbed, hanging, fault, tmp_path
):
    """Workers and kernels go with it; what was finished is kept."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", 2)
    hanging(2)
    sweep.kill()
    sweep.communicate()
    check_nothing_is_left(mark)
    check_no_part_of_a_file(tmp_path)
    assert (tmp_path / "lock").read_text() != ""
    fault("")
    resume(definition, tmp_path, "--workers", 2)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "number", "code", "how"),
    [
        (0, signal.SIGINT, 130, "interrupted"),
        (2, signal.SIGINT, 130, "interrupted"),
        (2, signal.SIGTERM, 143, "ended by SIGTERM"),
    ],
)
def test_interrupt_ends_all_in_order(
    definition, undisturbed, hanging, fault, tmp_path, workers, number, code, how
):
    """Ctrl-C or SIGTERM: a code, a line, no traceback, no orphan, no part of a file."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", workers)
    hanging()
    os.killpg(sweep.pid, number)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == code
    assert "Traceback" not in err, err
    assert err.splitlines()[-1] == f"snnlib: {how}. What is finished is kept."
    check_nothing_is_left(mark)
    check_no_part_of_a_file(tmp_path)
    assert (tmp_path / "lock").read_text() == ""
    fault("")
    resume(definition, tmp_path, "--workers", 2)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "option", "reason"),
    [
        ("while True: pass", ("--timeout", 8), "it had not ended after 8 s"),
        (
            "hoard = [bytearray(10**8) for _ in range(200)]",
            ("--memory-limit", "1GB"),
            "it used more than its 1 GB of memory",
        ),
    ],
    ids=["hangs", "hoards"],
)
def test_run_beyond_its_limits_fails_alone(
    definition, undisturbed, fault, tmp_path, code, option, reason
):
    """The others are finished, and it is too once the fault is gone."""
    fault(code)
    sweep, mark = start_sweep(definition, tmp_path, "--workers", 2, *option)
    _, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 1
    # Each is told as it fails, and at the end.
    assert err.count(reason) == 4
    assert len(finished(tmp_path)) == 4
    check_nothing_is_left(mark)
    fault("")
    resume(definition, tmp_path, "--workers", 2)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(psutil.Process, "rlimit"), reason="needs Linux")
def test_full_disk_ends_the_sweep_and_spoils_no_file(
    definition, undisturbed, hanging, fault, tmp_path
):
    """The caller may write no more; what was finished stays, and the rest follows."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", 2)
    hanging(2)
    n_before = len(finished(tmp_path))
    # From here on the caller's files end at 1 kB, as if the disk ended there.
    psutil.Process(sweep.pid).rlimit(psutil.RLIMIT_FSIZE, (1000, 1000))
    for kernel in (hanging(1), hanging(2)):
        kernel.send_signal(signal.SIGINT)
    _, err = sweep.communicate(timeout=120)
    assert sweep.returncode == 1
    assert "File too large" in err
    assert "Traceback" not in err, err
    check_nothing_is_left(mark)
    check_no_part_of_a_file(tmp_path)
    assert len(finished(tmp_path)) == n_before
    fault("")
    resume(definition, tmp_path, "--workers", 2)
    assert table(tmp_path) == undisturbed


# A scheduler and workers started by hand.


@pytest.fixture
def cluster(tmp_path):
    """Return a cluster, which is ended after the test."""
    cluster = Cluster(tmp_path / "cluster")
    yield cluster
    cluster.end()


@pytest.mark.slow
def test_cluster_gives_the_same_table(cluster, definition, undisturbed, tmp_path):
    """Nothing is shared but the addresses; only the caller writes."""
    resume(definition, tmp_path / "out", "--scheduler", cluster.address)
    assert table(tmp_path / "out") == undisturbed
    written = [path for path in cluster.folder.rglob("*") if path.suffix == ".ipynb"]
    assert written == []


@pytest.mark.slow
def test_cluster_with_another_snnlib_is_refused(cluster, plan, tmp_path):
    """Before the first run, with the worker's address."""
    other = replace(plan, identity={**plan.identity, "code": "other"})
    wait_until(lambda: len(marked_processes(cluster.mark)) >= 5)
    time.sleep(5)
    message = r"worker at tcp://127\.0\.0\.1:\d+ cannot take part: it has another code"
    with pytest.raises(SweepError, match=message):
        run_sweep(other, tmp_path / "out", scheduler=cluster.address)
    assert finished(tmp_path / "out") == {}


@pytest.mark.slow
def test_lost_scheduler_comes_back(
    cluster, definition, undisturbed, hanging, fault, tmp_path
):
    """The caller waits for it, and the runs that had not ended begin again."""
    out = tmp_path / "out"
    sweep, mark = start_sweep(definition, out, "--scheduler", cluster.address)
    hanging(2)
    before = finished(out)
    fault("")
    cluster.end()
    time.sleep(2)
    assert sweep.poll() is None, sweep.communicate()
    cluster.start()
    _, err = sweep.communicate(timeout=300)
    assert sweep.returncode == 0
    assert f"The scheduler at {cluster.address} is lost." in err
    assert "Traceback" not in err, err
    assert before.items() <= finished(out).items()
    check_nothing_is_left(mark)
    assert table(out) == undisturbed


@pytest.mark.slow
def test_cluster_stops_what_nobody_waits_for(cluster, definition, hanging, tmp_path):
    """After kill -9 of the caller its runs end, and the workers are free again."""
    sweep, _ = start_sweep(definition, tmp_path / "out", "--scheduler", cluster.address)
    kernels = [hanging(1), hanging(2)]
    sweep.kill()
    sweep.communicate()
    wait_until(lambda: not any(kernel.is_running() for kernel in kernels), seconds=60)
    assert all(worker.poll() is None for worker in cluster.workers)


def test_address_without_a_scheduler_is_named(plan, tmp_path, monkeypatch):
    """It does not wait for ever."""
    import snnlib.workers

    monkeypatch.setattr(snnlib.workers, "_FIRST_ANSWER", 1)
    with pytest.raises(SweepError, match="no Dask scheduler answers at 'tcp://127"):
        run_sweep(plan, tmp_path, scheduler="tcp://127.0.0.1:9")


# The lessons.


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["paper_linear_regression", "paper_logistic_regression"]
)
def test_lesson_gives_papermills_metrics(name, tmp_path):
    """Two settings of the paper's sweep, warm and in a plain papermill command."""
    plan = read_plan(NOTEBOOKS.parent / "sweeps" / f"{name}.yaml")
    assert len(plan.rows) == 14
    assert len(plan.runs) == 12
    chosen = plan.runs[0], plan.runs[-1]
    some = replace(plan, rows=[(None, run) for run in chosen])
    assert run_sweep(some, tmp_path / "out", workers=2).failed == {}
    for run in chosen:
        papermill.execute_notebook(
            plan.notebook.path,
            tmp_path / "plain.ipynb",
            run.given,
            progress_bar=False,
            cwd=tmp_path,
        )
        ours = read_metrics(tmp_path / "out" / "runs" / f"{run.id}.ipynb")
        assert ours == read_metrics(tmp_path / "plain.ipynb")
