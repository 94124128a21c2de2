"""A sweep loses nothing when something dies, and its table stays the same."""

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
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
from snnlib.definitions import SweepError
from snnlib.plans import make_plan, read_plan
from snnlib.sweep import SweepBusyError, _Folder, collect_runs, run_sweep
from snnlib.workers import carry_out

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
DASK = Path(sys.executable).with_name("dask")
# Which process of a run is which: kernel, papermill, server of kernels, Dask's worker.
WORKER = 2


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
    assert reason.endswith("it recorded no metrics, or one name with two values")
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
    one = (out / "runs" / f"{plan.runs[0].id}.ipynb").read_text()
    (out / "runs" / f"{plan.runs[1].id}.ipynb").write_text(one)
    (out / "runs" / "copy.ipynb").write_text(one)
    (out / "runs" / "notes.txt").write_text("notes")
    collected = collect_runs(out)
    assert len(collected.rows) == 5
    reasons = [reason.removeprefix(f"{out / 'runs'}/") for reason in collected.skipped]
    assert sorted(reasons) == sorted(
        [
            f"{plan.runs[1].id}.ipynb was changed after it was written.",
            "copy.ipynb is none of this sweep's runs.",
            "notes.txt is none of this sweep's runs.",
        ]
    )


def test_folder_without_a_sweep_is_named(tmp_path):
    """Collecting from it is an error, not an empty table."""
    with pytest.raises(SweepError, match="holds no sweep"):
        collect_runs(tmp_path)


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
    with pytest.raises(ValueError, match=r"must end in \.csv; got 'table\.txt'"):
        collect_runs(kept).write("table.txt")


def test_second_sweep_on_a_folder_is_refused(plan, out):
    """The message says who is at work; afterwards the folder is free."""
    with (
        _Folder(out).locked(),
        pytest.raises(SweepBusyError, match=f"at work: process {os.getpid()} on "),
    ):
        run_sweep(plan, out, workers=0)
    assert run_sweep(plan, out, workers=0).n_done == 6


def test_lock_left_behind_is_taken_over(plan, out, caplog):
    """A dead owner's lock stops nobody; that of another machine is not judged."""
    lock = out / "lock"
    host = os.uname().nodename
    lock.write_text(f"process {os.getpid()} on {host} since 2020-01-01T00:00:00")
    with caplog.at_level("INFO", "snnlib"):
        run_sweep(plan, out, workers=0)
    assert "Taking over from a sweep that ended early: process" in caplog.text
    assert lock.read_text() == ""
    lock.write_text("process 1 on elsewhere since 2020-01-01T00:00:00")
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


def check_nothing_is_left(mark):
    """All processes of a sweep are gone, within a moment."""
    wait_until(lambda: not marked_processes(mark), seconds=30)


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
    assert all(re.match(r"\d of 6 done, 0 failed", line) for line in err.splitlines())
    check_nothing_is_left(mark)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
def test_killed_worker_loses_nothing(definition, undisturbed, hanging, fault, tmp_path):
    """Its run begins again elsewhere, without an orphan and in the same call."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", 2)
    kernel = hanging()
    worker = kernel.parents()[WORKER]
    assert "spawn" in " ".join(worker.cmdline())
    fault("")
    worker.kill()
    assert sweep.wait(timeout=300) == 0
    assert not kernel.is_running()
    sweep.communicate()
    check_nothing_is_left(mark)
    assert table(tmp_path) == undisturbed


@pytest.mark.slow
def test_killed_kernels_are_failed_runs(
    definition, undisturbed, hanging, fault, tmp_path
):
    """Kill -9 of a kernel, of papermill or of the server costs that run alone."""
    sweep, _ = start_sweep(definition, tmp_path, "--workers", 2)
    hanging().kill()
    hanging(2).parents()[WORKER - 1].kill()
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
@pytest.mark.parametrize("workers", [0, 2])
def test_interrupt_ends_all_in_order(
    definition, undisturbed, hanging, fault, tmp_path, workers
):
    """Ctrl-C: exit code 130, no traceback, no orphan, no part of a file."""
    sweep, mark = start_sweep(definition, tmp_path, "--workers", workers)
    hanging()
    os.killpg(sweep.pid, signal.SIGINT)
    _, err = sweep.communicate(timeout=60)
    assert sweep.returncode == 130
    assert "Traceback" not in err, err
    assert err.splitlines()[-1] == "snnlib: interrupted. What is finished is kept."
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
    assert err.count(reason) == 2
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


class Cluster:
    """A scheduler and two workers, in three folders, without a file in common."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.mark, self.environment = marked_environment()
        self.start()

    def start(self):
        """Start all three."""
        self.scheduler = self._popen(
            "scheduler", "--host", "127.0.0.1", "--port", self.port, "--no-dashboard"
        )
        self.workers = [
            self._popen("worker", self.address, "--nthreads", 1, "--no-dashboard")
            for _ in range(2)
        ]

    def _popen(self, *arguments):
        folder = self.folder / f"{arguments[0]}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        return subprocess.Popen(
            [DASK, *map(str, arguments)],
            cwd=folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self):
        """Kill all three, and see that nothing is left."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        check_nothing_is_left(self.mark)


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
    assert sweep.poll() is None
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
