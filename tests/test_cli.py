"""The command line, and every command of the page that explains it."""

import contextlib
import csv
import logging
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
import tiny

from snnlib import __version__
from snnlib.cli import main
from snnlib.recording import read_metrics

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "how_to_sweep.md").read_text()


def blocks(kind):
    """Return the code blocks of a kind on the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.S | re.M)


@pytest.fixture(autouse=True)
def _own_messages(monkeypatch):
    """Take back the handler that the command line shows messages with."""
    logger = logging.getLogger("snnlib")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_version_is_the_packages(capsys):
    """``--version`` prints it and ends well."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert (end.value.code, capsys.readouterr().out.strip()) == (0, __version__)


def test_run_prints_what_was_recorded(folder, capsys):
    """A run takes typed values, writes the notebook and prints its metrics."""
    notebook = tiny.write_notebook(folder)
    values = ["-p", "x", "3", "-p", "power", "3", "-p", "label", "cube"]
    assert main(["run", str(notebook), *values, "-o", "out.ipynb"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert "result = 27.0" in printed
    assert "label = 'cube'" in printed
    assert read_metrics("out.ipynb")["result"] == 27.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("pwoer", "3", r"no parameter 'pwoer'.*Did you mean 'power'.*x = 1\.0, power"),
        ("power", "two", r"power must be a whole number.*got 'two'"),
        ("x", "101", r"refuses these values.*x must be from 0 to 100; got 101"),
    ],
    ids=["unknown name", "wrong type", "refused by the notebook"],
)
def test_run_refuses_before_it_starts(folder, capsys, name, value, message):
    """A parameter that cannot be ends with code 2, a message and no file."""
    notebook = tiny.write_notebook(folder)
    command = ["run", str(notebook), "-p", name, value, "-o", "out.ipynb"]
    assert main(command) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not Path("out.ipynb").exists()


def test_failing_run_says_where_to_look(folder, capsys):
    """A notebook that raises ends with code 1 and leaves the traceback in its file."""
    notebook = tiny.write_notebook(folder, result="1 / 0")
    assert main(["run", str(notebook), "-o", "out.ipynb"]) == 1
    error = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in error
    assert "See out.ipynb" in error
    assert "ZeroDivisionError" in Path("out.ipynb").read_text()


def test_sweep_collect_and_row(folder, capsys):
    """The three commands in turn: a table, and one of its rows again."""
    definition = tiny.write_definition(folder)
    assert main(["sweep", str(definition), "--check"]) == 0
    assert "6 rows, 6 different runs" in capsys.readouterr().out
    assert not Path("runs").exists()
    assert main(["sweep", str(definition), "--workers", "0"]) == 0
    assert "6 of 6 runs finished" in capsys.readouterr().out
    assert main(["collect", "runs/tiny", "-o", "tiny.csv"]) == 0
    assert "6 rows in tiny.csv" in capsys.readouterr().out
    with Path("tiny.csv").open(newline="") as table:
        row = list(csv.DictReader(table))[3]
    again = ["run", "tiny.ipynb", "--row", "tiny.csv", row["run_id"], "-o", "a.ipynb"]
    assert main(again) == 0
    assert read_metrics("a.ipynb")["result"] == float(row["result"])
    assert main(["run", "tiny.ipynb", "--row", "tiny.csv", "0", "-o", "b.ipynb"]) == 2
    assert "tiny.csv has no run '0'" in capsys.readouterr().err


def test_sweep_tells_of_failed_runs_and_missing_ones(folder, capsys):
    """Failures end with code 1 and are listed; so are rows that a table lacks."""
    definition = tiny.write_definition(folder)
    (folder / "fault.py").write_text("raise RuntimeError('a spike too many')")
    assert main(["sweep", str(definition), "--workers", "0"]) == 1
    error = capsys.readouterr().err
    assert "2 failed" in error
    assert error.count("RuntimeError: a spike too many") == 2
    damaged = sorted(Path("runs/tiny/runs").iterdir())[0]
    damaged.write_text(damaged.read_text()[:100])
    assert main(["collect", "runs/tiny", "-o", "tiny.csv"]) == 1
    error = capsys.readouterr().err
    assert f"left out: {damaged} is damaged" in error
    assert "3 runs are not finished" in error


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["sweep", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["run", "nowhere.ipynb", "-o", "o.ipynb"], "nowhere.ipynb cannot be read"),
        (["collect", "nowhere", "-o", "t.csv"], "nowhere.* holds no sweep"),
    ],
    ids=["no definition", "no notebook", "no folder"],
)
def test_what_is_not_there_is_named(folder, capsys, command, message):  # noqa: ARG001
    """Code 2 and one line."""
    assert main(command) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert len(error.splitlines()) == 1


def test_fetch_says_what_is_missing(folder, capsys, monkeypatch):
    """Empty-handed and without a network, ``fetch`` ends with code 1 and advice."""
    monkeypatch.setenv("SNNLIB_DATA_DIR", str(folder))
    monkeypatch.setattr("pooch.retrieve", _no_network)
    monkeypatch.setattr("pooch.os_cache", lambda *_: folder / "cache")
    assert main(["fetch"]) == 1
    assert "SNNLIB_DATA_DIR" in capsys.readouterr().err


def _no_network(*_, **__):
    msg = "no network"
    raise OSError(msg)


def test_without_a_terminal_there_is_no_bar(folder):
    """What a log file would hold is plain lines without carriage returns."""
    definition = tiny.write_definition(folder)
    command = tiny.snnlib("sweep", definition, "--workers", "0")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\r" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("6 of 6 runs finished")


def test_makefile_has_the_targets_of_the_page():
    """Every make target that the page names is one."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = re.findall(r"`make ([a-z-]+)`", PAGE)
    assert {"sweeps", "sweeps-quick"} <= set(named) <= set(targets)


def small_sweep(folder):
    """Lay out a folder as the page has it: the lesson, and the definition it shows."""
    (folder / "notebooks").mkdir()
    lesson = "notebooks/04_linear_regression.ipynb"
    shutil.copy(ROOT / lesson, folder / lesson)
    definition = next(text for text in blocks("yaml") if text.startswith("notebook:"))
    (folder / "small.yaml").write_text(definition)


@contextlib.contextmanager
def shell(folder):
    """Yield a function that runs a command in one shell, and end what it started."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    # Background jobs of the page write to the shell's own log.
    with (folder / "shell.log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-e"],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_page_works(tmp_path, monkeypatch):
    """From top to bottom in one shell: sweeps, tables, and a cluster by hand."""
    small_sweep(tmp_path)
    commands = blocks("bash")
    assert len(commands) >= 8
    with shell(tmp_path) as process:
        process.stdin.write("".join(commands) + "echo END > end\n")
        process.stdin.close()
        tiny.wait_until(
            lambda: (tmp_path / "end").exists() or process.poll() is not None, 600
        )
        log = (tmp_path / "shell.log").read_text()
        assert (tmp_path / "end").exists(), log
    assert "5 rows, 4 different runs" in log
    assert log.count("4 of 4 runs finished") == 3
    again, first = (
        read_metrics(tmp_path / name) for name in ("again.ipynb", "out.ipynb")
    )
    assert again.keys() == first.keys()
    # The cluster's runs are those of the laptop.
    ids = [
        {path.name for path in (tmp_path / "runs" / name / "runs").iterdir()}
        for name in ("small", "cluster")
    ]
    assert ids[0] == ids[1]
    monkeypatch.chdir(tmp_path)
    exec(blocks("python")[0], {})


@pytest.fixture
def stand_ins(monkeypatch):
    """Put clusters of this machine in place of SLURM's and Kubernetes'.

    They take the arguments that the page gives, and nothing else is checked of them:
    neither service is here. What is tested is our side of the scripts.
    """
    from distributed import LocalCluster

    taken = {}

    def cluster_of(name):
        def make(**arguments):
            taken[name] = arguments
            cluster = LocalCluster(
                n_workers=0, threads_per_worker=1, dashboard_address=None
            )
            scale = cluster.scale
            # One worker stands for as many as the page asks for.
            cluster.scale = lambda n=None, jobs=0: scale(
                min(1, jobs if n is None else n)
            )
            return cluster

        return make

    jobqueue = types.ModuleType("dask_jobqueue")
    jobqueue.SLURMCluster = cluster_of("slurm")
    kubernetes = types.ModuleType("dask_kubernetes")
    operator = types.ModuleType("dask_kubernetes.operator")
    operator.KubeCluster = cluster_of("kubernetes")
    for module in (jobqueue, kubernetes, operator):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return taken


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_scripts_for_clusters_run(name, folder, stand_ins, capsys):
    """The page's script sweeps through whatever cluster it was given."""
    small_sweep(folder)
    (code,) = (text for text in blocks("python") if f"runs/{name}" in text)
    Path("script.py").write_text(code)
    runpy.run_path("script.py")
    assert "4 of 4" in capsys.readouterr().out
    assert stand_ins[name]
    assert len(list(Path("runs", name, "runs").iterdir())) == 4
