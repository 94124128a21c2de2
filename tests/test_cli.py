"""The command line, and every command of the page that explains it."""

import contextlib
import json
import logging
import math
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
import tiny
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snnlib import __version__, cli
from snnlib.cli import main
from snnlib.collected import collect_runs
from snnlib.digests import code_digest
from snnlib.notebooks import Notebook
from snnlib.plans import make_plan, read_plan
from snnlib.recording import read_metrics
from snnlib.sweep import run_sweep
from snnlib.tables import planned_values, read_provenance, read_table, write_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "how_to_sweep.md").read_text()


def blocks(kind):
    """Return the code blocks of a kind on the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.S | re.M)


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


def test_new_fills_the_folder_it_is_in(folder, capsys):
    """An empty one, which stays the one it was; anything in it is left alone."""
    before = folder.stat().st_ino
    assert main(["new", "."]) == 0
    assert re.fullmatch(
        r"notebooks: \d+ files\nsweeps: \d+ files\n", capsys.readouterr().out
    )
    assert sorted(it.name for it in Path().iterdir()) == ["notebooks", "sweeps"]
    assert folder.stat().st_ino == before
    copied = sorted(Path().rglob("*"))
    assert "must be new or empty; got '.'" in refused(capsys, ["new", "."], 1)
    assert sorted(Path().rglob("*")) == copied


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
    """The three commands in turn: a table, and one of its rows again.

    Where there is no terminal, a sweep says it in plain lines without a bar.
    """
    definition = tiny.write_definition(folder)
    assert main(["sweep", str(definition), "--check"]) == 0
    assert "6 rows, 6 different runs" in capsys.readouterr().out
    assert not Path("runs").exists()
    assert main(["sweep", str(definition), "--workers", "0"]) == 0
    printed, error = capsys.readouterr()
    assert printed.splitlines()[-1].startswith("6 of 6 runs finished")
    assert re.fullmatch(
        r"0 of 6 done, 0 failed, \? to go\n"
        r"6 of 6 done, 0 failed, result 27, 00:00 to go\n",
        error,
    )
    assert main(["collect", "runs/tiny", "-o", "tiny.csv"]) == 0
    assert "6 rows in tiny.csv" in capsys.readouterr().out
    row = read_table("tiny.csv")[3]
    again = ["run", "tiny.ipynb", "--row", "tiny.csv", row["run_id"], "-o", "a.ipynb"]
    assert main(again) == 0
    assert read_metrics("a.ipynb")["result"] == row["result"]
    assert main(["run", "tiny.ipynb", "--row", "tiny.csv", "0", "-o", "b.ipynb"]) == 2
    assert "tiny.csv has no run '0'" in capsys.readouterr().err


def test_plot_draws_a_sweep_and_its_table(folder, capsys):
    """The picture is beside what was drawn, or where it is asked for."""
    definition = tiny.write_definition(folder)
    assert main(["sweep", str(definition), "--workers", "0"]) == 0
    capsys.readouterr()
    drawn = ["--x", "x", "--y", "result", "--by", "power"]
    assert main(["plot", "runs/tiny", *drawn]) == 0
    picture = Path("runs/tiny/result_over_x.png")
    assert capsys.readouterr() == (f"result against x, in {picture}\n", "")
    assert picture.read_bytes().startswith(b"\x89PNG")
    for table in ("tiny.csv", "tiny.parquet"):
        assert main(["collect", "runs/tiny", "-o", table]) == 0
        assert main(["plot", table, *drawn, "-o", "p.svg"]) == 0
        assert "power = 3" in Path("p.svg").read_text()
        Path("p.svg").unlink()
    capsys.readouterr()
    assert "Did you mean 'result'" in refused(
        capsys, ["plot", "runs/tiny", "--x", "x", "--y", "results"]
    )
    assert "Format 'xyz' is not supported" in refused(
        capsys, ["plot", "runs/tiny", *drawn, "-o", "p.xyz"]
    )
    assert "empty holds no sweep" in refused(capsys, ["plot", "empty", *drawn])


def test_sweep_tells_of_failed_runs_and_missing_ones(folder, capsys):
    """Failures end with code 1 and are listed; so are rows that a table lacks."""
    definition = tiny.write_definition(folder)
    (folder / "fault.py").write_text("raise RuntimeError('a spike too many')")
    assert main(["sweep", str(definition), "--workers", "0"]) == 1
    error = capsys.readouterr().err
    assert "2 failed" in error
    # When it happens, and at the end.
    assert error.count("RuntimeError: a spike too many") == 4
    assert error.count("\nfailed: ") + error.count("\rfailed: ") == 2
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


def refused(capsys, command, code=2):
    """Carry out a command that is refused; return the one sentence it says."""
    assert main(list(map(str, command))) == code
    printed, error = capsys.readouterr()
    assert printed == ""
    assert len(error.splitlines()) == 1, error
    assert error.startswith("snnlib: ")
    return error


@pytest.fixture(name="given")
def given_to_papermill(monkeypatch):
    """Have papermill execute nothing; return what it is given, by run."""
    taken = []

    def execute(notebook, output, *, parameters, **_):
        content = json.loads(Path(notebook).read_text())
        metrics = {"application/vnd.snnlib.metrics+json": {"done": 1}}
        shown = {"output_type": "display_data", "metadata": {}, "data": metrics}
        content["cells"][-1]["outputs"] = [shown]
        taken.append(parameters)
        Path(output).write_text(json.dumps(content))

    monkeypatch.setattr("papermill.execute_notebook", execute)
    return taken


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("offset", "-1.", -1.0),
        ("offset", "-1e0", -1.0),
        ("offset", "-.5", -0.5),
        ("offset", "-.5e-3", -0.0005),
        ("offset", "-3", -3.0),
        ("offset", "-.inf", -math.inf),
        ("offset", "None", None),
        ("seed", "-1", -1),
        ("label", "-x", "-x"),
        ("label", "-inf", "-inf"),
        ("label", "--x", "--x"),
        ("label", "--", "--"),
        ("label", "-x y", "-x y"),
        ("label", "12:30", "12:30"),
        ("label", "007", "007"),
        ("label", "yes", "yes"),
        ("label", '"-o"', "-o"),
    ],
)
@pytest.mark.parametrize("option", ["-p", "--parameter", "--param"])
def test_value_is_no_option(folder, given, option, name, text, value):
    """A value that begins with a minus reaches the notebook."""
    notebook = tiny.write_notebook(folder)
    assert main(["run", str(notebook), option, name, text, "-o", "out.ipynb"]) == 0
    assert given == [{name: value}]
    assert type(given[0][name]) is type(value)


@pytest.mark.parametrize(
    "words", ["--parameter=label=-x=5", "--param=label=-x=5", "-plabel=-x=5"]
)
def test_parameter_may_be_one_word(folder, given, words):
    """As options of other commands may."""
    command = ["run", str(tiny.write_notebook(folder)), words, "-o", "out.ipynb"]
    assert main(command) == 0
    assert given == [{"label": "-x=5"}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["rum"], "invalid choice: 'rum'"),
        (["run", "tiny.ipynb"], "the following arguments are required: -o/--output"),
        (["run", "tiny.ipynb", "-p", "x", "-o", "o.ipynb"], "expected 2 arguments"),
        (["run", "tiny.ipynb", "-p", "x"], "expected 2 arguments"),
        (["run", "tiny.ipynb", "-o", "o.ipynb", "--thread", "0"], "from 1 to 1024"),
        (["run", "tiny.ipynb", "-o", "o.ipynb", "-x"], "unrecognized arguments: -x"),
        (
            ["run", "tiny.ipynb", "-o", "o", "-p", "x", "@"],
            "the value '@', line 1: not",
        ),
        (["run", "tiny.ipynb", "-o", "o", "-p", "x", "1e400"], "'1e400' is no float"),
        *(
            (["sweep", "tiny.yaml", option, value], message)
            for option, values, message in (
                (
                    "--timeout",
                    ("0", "-1", "nan", "inf", "1e400", "x", ""),
                    "of seconds",
                ),
                ("--timeout", ("-.5", "-1e0", "-inf"), "--timeout: "),
                (
                    "--memory-limit",
                    ("0", "-1", "nan", "inf", "x", "", "GB", "0GB"),
                    "4GB",
                ),
                (
                    "--workers",
                    ("-1025", "1025", "1.5", "x", ""),
                    "a whole number from -1024 to 1024",
                ),
                (
                    "--threads",
                    ("0", "-1", "1.5", "x", "1025"),
                    "a whole number from 1 to 1024",
                ),
            )
            for value in values
        ),
    ],
    ids=str,
)
def test_usage_is_refused_in_a_sentence(folder, capsys, arguments, message):
    """Code 2, the argument's name and what it may be, also where argparse refuses."""
    tiny.write_definition(folder)
    assert message in refused(capsys, arguments)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"workers": None, "threads": None, "timeout": None, "memory_limit": None}),
        (["--workers", "-1"], {"workers": None}),
        (["--workers", "-2"], {"workers": -2}),
        (["--workers", "0"], {"workers": 0}),
        (["--workers", "3", "--threads", "1"], {"workers": 3, "threads": 1}),
        (["--timeout", "0.5"], {"timeout": 0.5}),
        (["--memory-limit", "4GB"], {"memory_limit": 4e9}),
        (["--cold", "--force"], {"warm": False, "force": True}),
    ],
    ids=str,
)
def test_options_of_a_sweep(folder, monkeypatch, options, expected):
    """Each has one meaning; -1 workers are one for each core, as in scikit-learn."""
    from snnlib.sweep import SweepSummary

    taken = {}

    def run(_, out, **options):
        taken.update(options, out=out)
        return SweepSummary(6, 6, {})

    monkeypatch.setattr("snnlib.sweep.run_sweep", run)
    assert main(["sweep", str(tiny.write_definition(folder)), *options]) == 0
    assert expected.items() <= taken.items()
    assert taken["out"] == Path("runs/tiny")


def test_empty_name_of_a_folder_is_refused(folder, capsys):
    """It is not taken for the default."""
    assert main(["sweep", str(tiny.write_definition(folder)), "--out", ""]) == 2
    assert "out must be the path of a file or folder; got ''" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_output_that_cannot_be_is_refused(folder, given, capsys, monkeypatch):
    """Before anything runs: the notebook itself by any name, no file, no folder."""
    notebook = tiny.write_notebook(folder)
    content = notebook.read_bytes()
    (folder / "link.ipynb").symlink_to(notebook)
    (folder / "hard.ipynb").hardlink_to(notebook)
    (folder / "sub").mkdir()
    os.mkfifo("pipe")
    Path("t.csv").write_text("run_id\n")
    for output, message in (
        ("tiny.ipynb", "tiny.ipynb itself; got"),
        (notebook, "tiny.ipynb itself; got"),
        ("./sub/../tiny.ipynb", "tiny.ipynb itself; got"),
        ("link.ipynb", "tiny.ipynb itself; got"),
        ("hard.ipynb", "tiny.ipynb itself; got"),
        ("-", "must be the name of a file; got '-'"),
        ("", "must be the name of a file; got ''"),
        (".", "must be the name of a file; got '.'"),
        ("sub", "must be the name of a file; got 'sub'"),
        ("sub/", "must be the name of a file; got 'sub/'"),
        ("pipe", "must be the name of a file; got 'pipe'"),
        ("none/out.ipynb", "must be in a folder that is there; got 'none/out.ipynb'"),
        ("tiny.ipynb/out.ipynb", "must be in a folder that is there"),
        ("http://192.0.2.1/out.ipynb", "must be in a folder that is there"),
    ):
        assert message in refused(
            capsys,
            ["run", notebook, f"-o{output}"] if output else ["run", notebook, "-o", ""],
        )
    assert refused(capsys, ["run", "link.ipynb", "-o", "tiny.ipynb"])
    monkeypatch.setattr(cli, "_row_values", lambda *_: {})
    row = ["run", notebook, "--row", "t.csv", "0", "-o", "t.csv"]
    assert "must not be t.csv itself" in refused(capsys, row)
    Path("t.json").write_text("{}")
    assert "must not be t.json itself" in refused(capsys, [*row[:-1], "t.json"])
    long = "x" * 250 + ".ipynb"
    assert long in refused(capsys, ["run", notebook, "-o", long], 1)
    assert given == []
    assert notebook.read_bytes() == content
    assert not list(folder.glob(".*"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no such folder")
def test_folder_that_takes_no_file_is_named_before_the_run(folder, given, capsys):
    """By the name that was asked for, and not by that of a part."""
    command = ["run", tiny.write_notebook(folder), "-o", "/proc/out.ipynb"]
    assert refused(capsys, command, 1).endswith(": '/proc/out.ipynb'\n")
    assert given == []


def test_run_is_kept_where_its_output_cannot_be_written(folder, capsys, monkeypatch):
    """A folder may be removed meanwhile: the executed notebook lies elsewhere."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    (folder / "sub").mkdir()
    code = "import os\nos.rmdir(folder)\nfrom snnlib import record\nrecord({'a': 1})"
    parameters = f"folder = {str(folder / 'sub')!r}"
    cells = {"parameters": parameters, "check": "", "fault": "", "result": code}
    command = ["run", tiny.write_notebook(folder, **cells), "-o", "sub/out.ipynb"]
    error = refused(capsys, command, 1)
    kept = re.search(r"'sub/out\.ipynb'\. What was run is in (\S+)\.\n", error)[1]
    assert read_metrics(kept) == {"a": 1}


def test_table_that_is_drawn_is_not_drawn_over(folder, capsys):
    """Nor is a pipe replaced, nor an empty name taken for none."""
    Path("data.svg").write_text("x,y\n1,2\n")
    os.mkfifo("pipe")
    drawn = ["plot", "data.svg", "--x", "x", "--y", "y", "-o"]
    assert "must not be data.svg itself" in refused(capsys, [*drawn, "./data.svg"])
    for output in ("pipe", ""):
        message = f"--output must be the name of a file; got '{output}'"
        assert message in refused(capsys, [*drawn, output])
    assert (folder / "data.svg").read_text() == "x,y\n1,2\n"
    assert (folder / "pipe").is_fifo()
    lost = ["plot", "runs/typo", "--x", "x", "--y", "y"]
    assert "runs/typo holds no sweep" in refused(capsys, lost)


def test_options_of_other_commands_may_be_short(folder, capsys):
    """Only `run` has parameters: --p is short for another command's --pool."""
    assert "net.npz" in refused(capsys, ["export", "--p=sum", "net.npz", "g.nir"], 1)
    assert not (folder / "g.nir").exists()


@pytest.mark.parametrize(
    ("network", "output", "message"),
    [
        ("net.npz", "net.npz", "output must not be net.npz itself; got 'net.npz'"),
        ("net.npz", "link.npz", "output must not be net.npz itself; got 'link.npz'"),
        ("link.npz", "net.npz", "output must not be link.npz itself; got 'net.npz'"),
        ("net.npz", "no/g.nir", "output must be in a folder that is there; got"),
        ("net.npz", "", "output must be the name of a file; got ''"),
        ("net.npz", ".", "output must be the name of a file; got '.'"),
        ("net.npz", "pipe", "output must be the name of a file; got 'pipe'"),
        ("", "g.nir", "network must be the path of a file or folder; got ''"),
    ],
)
def test_export_refuses_before_it_reads(folder, capsys, network, output, message):
    """A trained network is not lost to its graph."""
    Path("net.npz").write_text("trained")
    Path("link.npz").symlink_to("net.npz")
    os.mkfifo("pipe")
    assert message in refused(capsys, ["export", network, output])
    assert (folder / "net.npz").read_text() == "trained"
    assert (folder / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["out{x}.ipynb", "{}.ipynb", "{0.ipynb", "a b.ipynb"])
def test_output_has_the_name_it_is_given(folder, name):
    """Braces are no places to be filled in."""
    notebook = tiny.write_notebook(folder, check="", fault="", result=RESULT)
    assert main(["run", str(notebook), "-p", "x", "2", "-o", name]) == 0
    assert read_metrics(name) == {"result": 4.0}
    about = json.loads(Path(name).read_text())["metadata"]["papermill"]
    assert about["input_path"] == str(notebook)


def test_temporary_folder_may_have_braces_too(folder, monkeypatch):
    """Papermill would fill in the name of what it reads as well."""
    (folder / "a{b}").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "a{b}"))
    notebook = tiny.write_notebook(folder, check="", fault="", result=RESULT)
    assert main(["run", str(notebook), "-o", "out.ipynb"]) == 0
    assert read_metrics("out.ipynb") == {"result": 1.0}


RESULT = "from snnlib import record\nrecord({'result': x**power})"


def test_output_may_be_written_over(folder, given):
    """What another run left there is replaced."""
    notebook = tiny.write_notebook(folder)
    Path("out.ipynb").write_text("old")
    assert main(["run", str(notebook), "-o", "out.ipynb"]) == 0
    assert read_metrics("out.ipynb") == {"done": 1}
    assert given == [{}]


def test_executed_notebook_is_run_anew(folder, capsys):
    """With its own defaults, and whatever values it is given; a failed one too."""
    notebook = tiny.write_notebook(folder, check="", fault="", result=RESULT)
    assert main(["run", str(notebook), "-p", "x", "3", "-o", "a.ipynb"]) == 0
    assert main(["run", "a.ipynb", "-o", "b.ipynb"]) == 0
    assert read_metrics("b.ipynb") == {"result": 1.0}
    tags = [
        tag
        for cell in json.loads(Path("b.ipynb").read_text())["cells"]
        for tag in cell["metadata"]["tags"]
    ]
    assert "injected-parameters" not in tags
    bad = tiny.write_notebook(folder, check="", fault="1 / (x - 3)", result=RESULT)
    assert main(["run", str(bad), "-p", "x", "3", "-o", "c.ipynb"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert main(["run", "c.ipynb", "-p", "x", "2", "-o", "d.ipynb"]) == 0
    assert read_metrics("d.ipynb") == {"result": 4.0}


def without_kernel(notebook):
    notebook.metadata.pop("kernelspec")


def with_kernel(name):
    def change(notebook):
        notebook.metadata["kernelspec"].update(name=name, language="python")

    return change


def with_code(source):
    def change(notebook):
        notebook.cells[-1].source = source

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            without_kernel,
            "the run failed: ValueError: No kernel name found in notebook",
        ),
        (with_kernel("nokernel"), "the run failed: NoSuchKernel: No such kernel"),
        (
            with_code("import os; os._exit(1)"),
            "the run failed: DeadKernelError: Kernel",
        ),
        (
            with_code("import sys; sys.exit(3)"),
            "the run failed: SystemExit: 3. See out",
        ),
        (
            with_code("1 / 0"),
            "the run failed: ZeroDivisionError: division by zero. See",
        ),
        (
            with_code("raise ValueError('a\\n\\nb')"),
            "the run failed: ValueError: a b. S",
        ),
        (with_code("pass"), "out.ipynb holds no recorded metrics"),
    ],
    ids=["no kernel", "other kernel", "dead", "exit", "error", "two lines", "nothing"],
)
def test_run_that_fails_says_so_in_a_sentence(folder, capfd, change, message):
    """Code 1, and no traceback on the screen."""
    path = tiny.write_notebook(folder)
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)
    assert main(["run", str(path), "-p", "x", "2", "-o", "out.ipynb"]) == 1
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error
    (line,) = (line for line in error.splitlines() if line.startswith("snnlib: "))
    assert len(line) < 400


CELL = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "x = 1"}


@pytest.mark.parametrize("place", ["notebook", "definition", "table"])
@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\x00\xff" * 50,
            b"[1, 2]",
            b"3",
            b"null",
            b"{}",
            b"{",
            b'{"cells": 1}',
        ),
        *(
            json.dumps({"cells": [{**CELL, **change}]}).encode()
            for change in ({"source": 3}, {"metadata": 3}, {"cell_type": []})
        ),
        json.dumps({"cells": [{"cell_type": "code"}]}).encode(),
        None,
    ],
    ids=lambda content: (
        "a folder" if content is None else content[:50].decode("latin1")
    ),
)
def test_odd_file_is_refused_in_a_sentence(folder, capsys, place, content):
    """Whatever is handed in as a notebook, a definition or a table."""
    odd = folder / "odd"
    odd.mkdir() if content is None else odd.write_bytes(content)
    notebook = tiny.write_notebook(folder)
    command = {
        "notebook": ["run", odd, "-o", "out.ipynb"],
        "definition": ["sweep", odd, "--check"],
        "table": ["run", notebook, "--row", odd, "0", "-o", "out.ipynb"],
    }[place]
    code = 1 if content is None and place == "table" else 2
    assert str(odd) in refused(capsys, command, code)
    assert not Path("out.ipynb").exists()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("papermill", ["run", "tiny.ipynb", "-o", "out.ipynb"]),
        ("papermill", ["sweep", "tiny.yaml"]),
        ("tqdm", ["sweep", "tiny.yaml"]),
    ],
)
def test_missing_extra_is_named(folder, capsys, monkeypatch, name, command):
    """With the way to it, and no run has failed of it."""
    tiny.write_definition(folder)
    monkeypatch.setitem(sys.modules, name, None)
    assert main(command) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == (
        f'snnlib: This needs {name}. Install it with: pip install "snnlib[sweep]"'
    )
    assert not list(folder.rglob("runs/*.ipynb"))


@pytest.mark.usefixtures("folder")
def test_notebook_without_metadata_fails_in_a_sentence(capsys):
    """It can be read here, and papermill says what it lacks."""
    Path("bare.ipynb").write_text(json.dumps({"cells": [CELL]}))
    error = refused(capsys, ["run", "bare.ipynb", "-o", "out.ipynb"], 1)
    assert error.startswith("snnlib: the run failed: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_file_that_may_not_be_read_is_named(folder, capsys):
    """No permission is one sentence too."""
    notebook = tiny.write_notebook(folder)
    notebook.chmod(0)
    error = refused(capsys, ["run", notebook, "-o", "out.ipynb"])
    assert "cannot be read: Permission denied" in error


@pytest.mark.parametrize("code", ["raise SystemExit", "raise KeyboardInterrupt"])
@pytest.mark.parametrize("cell", ["parameters", "check"])
def test_cell_cannot_end_the_command(folder, capsys, cell, code):
    """A cell that exits is a refusal, not an exit in silence."""
    check = f"def check_parameters(): {code}\ncheck_parameters()"
    notebook = tiny.write_notebook(folder, **{cell: check if cell == "check" else code})
    assert code.split()[1] in refused(capsys, ["run", notebook, "-o", "out.ipynb"])


def test_main_leaves_its_caller_as_it_was(folder, given, monkeypatch):
    """Handlers and level of the log, and the environment, are given back."""
    logger = logging.getLogger("snnlib")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    logger.setLevel(logging.WARNING)
    try:
        before = list(logger.handlers), logger.level, dict(os.environ)
        notebook = str(tiny.write_notebook(folder))
        assert main(["run", notebook, "--threads", "1", "-o", "out.ipynb"]) == 0
        assert main(["run", notebook, "-o", "-"]) == 2
        with pytest.raises(SystemExit):
            main(["--help"])
        assert (list(logger.handlers), logger.level, dict(os.environ)) == before
    finally:
        logger.setLevel(logging.NOTSET)
    assert given


def test_kernel_has_the_threads_it_was_given(folder):
    """``--threads`` reaches the numerical libraries of the notebook's process."""
    code = "import os\nfrom snnlib import record\n"
    code += "record({'n': os.environ['OMP_NUM_THREADS']})"
    notebook = tiny.write_notebook(folder, result=code)
    assert main(["run", str(notebook), "--threads", "3", "-o", "out.ipynb"]) == 0
    assert read_metrics("out.ipynb") == {"n": "3"}


HARD = [
    *(
        "",
        "None",
        "007",
        "1e5",
        "True",
        "[1]",
        " x ",
        "a\nb\r\nc\td",
        "'\"\\",
        "é\u2028😀",
    ),
    *("1", "{a: 1}", "null", "~", "-x", "#", "\x00\x1f"),
]
ODD = """
    text = "a"  # any text
    free = None
    x = 1.0
    n = 1
    xs = [1]
    opts = {}
    pair = (1, 2)
"""
ROWS = [
    *({"text": text, "free": text} for text in HARD),
    *({"free": value} for value in (None, True, False, 1, 1.0, -0.0, 1e300, math.inf)),
    *({"free": value} for value in ([], {}, [None, [True, "1"]], {"a": [1.0, None]})),
    *({"x": value} for value in (50, 1e-05, math.inf, -math.inf, 1e16)),
    *({"n": value} for value in (0, -3, 10**30)),
    *({"xs": [1, None, "007"], "opts": {"é": [{"b": 0.1}]}}, {"xs": [[]]}),
]


@pytest.fixture
def table(folder):
    """Write a notebook and a table of runs of it; return the runs."""
    notebook = tiny.write_notebook(
        folder, "odd", parameters=ODD, check="", fault="", result="1"
    )
    runs = [make_plan(notebook, parameters=values).runs[0] for values in ROWS]
    rows = [
        {"run_id": run.id, "axis": None, **run.values, "result": 0.5, "versions": None}
        for run in runs
    ]
    plan = make_plan(notebook)
    write_table(folder / "odd.csv", rows)
    provenance = {"identity": plan.identity, "inputs": [plan.runs[0].inputs]}
    (folder / "odd.json").write_text(json.dumps(provenance))
    return runs


def test_row_gives_exactly_its_values(table, given, capsys):
    """Each in its type, whatever text it looks like, and without a word."""
    for run in table:
        command = ["run", "odd.ipynb", "--row", "odd.csv", run.id, "-o", "out.ipynb"]
        assert main(command) == 0
        values = dict(run.values)
        # A tuple is the notebook's own; papermill would make a list of it.
        assert values.pop("pair") == [1, 2]
        assert repr(given[-1]) == repr(values)
        again = make_plan("odd.ipynb", parameters=given[-1]).runs[0]
        assert again.id == run.id
    assert capsys.readouterr().err == ""


def test_values_reach_the_notebook_as_they_are(folder):
    """What a run is given is what its cells see: papermill writes it as Python."""
    code = "import json\nfrom snnlib import record\n"
    code += "record({'seen': json.dumps([text, free, x, n, xs, opts])})"
    notebook = tiny.write_notebook(
        folder, "odd", parameters=ODD, check="", fault="", result=code
    )
    values = {"text": "".join(HARD), "free": [HARD, None, True, {"'\"": -math.inf}]}
    values |= {"x": math.inf, "n": 10**30, "xs": [[None]], "opts": {"é\n": [0.1]}}
    words = [word for name in values for word in ("-p", name, json.dumps(values[name]))]
    words[words.index("x") + 1] = ".inf"
    words[words.index("free") + 1] = words[words.index("free") + 1].replace(
        "Infinity", ".inf"
    )
    assert main(["run", str(notebook), *words, "-o", "out.ipynb"]) == 0
    seen = json.loads(read_metrics("out.ipynb")["seen"])
    assert repr(seen) == repr(list(values.values()))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
    | st.sampled_from(HARD)
)
FREE = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=5,
)
SEEN = """
    import json
    from snnlib import record
    record({"seen": json.dumps(free), "done": True})
"""


def as_yaml(value):
    """Write a value as YAML 1.2, in ASCII."""
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, dict):
        pairs = (f"{as_yaml(k)}: {as_yaml(v)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if value in (math.inf, -math.inf):
        return ".inf" if value > 0 else "-.inf"
    return json.dumps(value)


# Each example is a sweep: a smaller one that fails would cost minutes to find.
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=HealthCheck,
    phases=[Phase.generate],
)
@given(values=st.lists(FREE, min_size=8, max_size=12, unique_by=repr))
def test_any_value_makes_the_whole_way(tmp_path_factory, values):
    """Through definition, kernel, record, both kinds of table, and back by its row."""
    folder = tmp_path_factory.mktemp("way")
    tiny.write_notebook(folder, parameters=ODD, check="", fault="", result=SEEN)
    listed = "".join(f"    - {as_yaml(value)}\n" for value in values)
    (folder / "t.yaml").write_text(f"notebook: tiny.ipynb\ngrid:\n  free:\n{listed}")
    plan = read_plan(folder / "t.yaml")
    assert [repr(run.given["free"]) for run in plan.runs] == [*map(repr, values)]
    assert run_sweep(plan, folder / "out").failed == {}
    collected = collect_runs(folder / "out")
    notebook = Notebook(folder / "tiny.ipynb")
    for ending in ("csv", "parquet"):
        table = folder / f"t.{ending}"
        collected.write(table)
        for row, value, run in zip(read_table(table), values, plan.runs, strict=True):
            assert repr(row["free"]) == repr(value)
            # NaN and infinity are no JSON of others, but Python's json reads them.
            assert repr(json.loads(row["seen"])) == repr(value)
            found, inputs = planned_values(row, read_provenance(table))
            assert (repr(found), inputs) == (repr(run.values), run.inputs)
            again = cli._row_values(notebook, table, run.id)
            assert repr(again["free"]) == repr(value)


@pytest.mark.parametrize(
    "change",
    [{"x": 51.0}, {"x": 50}, {"n": 2}, {"text": "b"}, {"xs": None}, {"free": 1}],
    ids=str,
)
def test_row_that_does_not_fit_its_id_is_refused(table, given, capsys, change):
    """A value that was changed by hand, even in its type, is no value of that run."""
    (run,) = (run for run in table if run.values["x"] == 50.0)
    rows = read_table("odd.csv")
    (row,) = (row for row in rows if row["run_id"] == run.id)
    row.update(change)
    write_table("odd.csv", rows)
    command = ["run", "odd.ipynb", "--row", "odd.csv", run.id, "-o", "out.ipynb"]
    assert "are not those of its id" in refused(capsys, command)
    assert given == []


def test_row_may_be_there_twice(table, given):
    """Two axes share the run at their crossing."""
    rows = read_table("odd.csv")
    write_table("odd.csv", [*rows, {**rows[0], "axis": "x"}])
    command = ["run", "odd.ipynb", "--row", "odd.csv", table[0].id, "-o", "out.ipynb"]
    assert main(command) == 0
    assert given[0]["text"] == table[0].values["text"]


def test_row_says_what_is_different_here(table, given, capsys, monkeypatch):
    """A line for each: notebook, version, code, data and packages; then it runs."""
    command = ["run", "odd.ipynb", "--row", "odd.csv", table[0].id, "-o", "out.ipynb"]
    rows = [
        {**row, "versions": "python 2.7, numpy 0, none 1"}
        for row in read_table("odd.csv")
    ]
    write_table("odd.csv", rows)
    Path("odd.ipynb").write_text(
        Path("odd.ipynb").read_text().replace("n = 1", "n = 2")
    )
    monkeypatch.setattr("snnlib.cli.__version__", "9.9")
    monkeypatch.setattr("snnlib.cli.code_digest", lambda: "other")
    monkeypatch.setattr(Notebook, "inputs", lambda *_: {"data": "other"})
    assert main(command) == 0
    lines = capsys.readouterr().err.splitlines()
    for line, what in zip(
        lines, ("notebook", "version of snnlib", "code of snnlib", "data"), strict=False
    ):
        assert line == f"snnlib: the row's run had another {what} than there is here."
    assert re.fullmatch(
        r"snnlib: the row's run had other versions: python 2\.7, here .*; numpy 0, "
        r"here .*; none 1, here None\.",
        lines[4],
    )
    assert given[0]["n"] == 1


def test_row_of_data_that_are_not_here_says_so(table, given, capsys, monkeypatch):
    """Its run may fail, and it is known why."""

    def missing(*_):
        msg = "no MNIST"
        raise OSError(msg)

    monkeypatch.setattr(Notebook, "inputs", missing)
    command = ["run", "odd.ipynb", "--row", "odd.csv", table[0].id, "-o", "out.ipynb"]
    assert main(command) == 0
    assert "the data cannot be read here: no MNIST" in capsys.readouterr().err
    assert given


def test_row_without_provenance_says_so(table, given, capsys):
    """Its values are taken as they are written."""
    Path("odd.json").unlink()
    command = ["run", "odd.ipynb", "--row", "odd.csv", table[3].id, "-o", "out.ipynb"]
    assert main(command) == 0
    assert "odd.csv has no provenance beside it" in capsys.readouterr().err
    assert given[0]["text"] == table[3].values["text"]


def test_row_of_another_notebook_is_refused(table, given, folder, capsys):
    """A parameter that the notebook does not have is named, not left out."""
    other = tiny.write_notebook(folder)
    command = ["run", other, "--row", "odd.csv", table[0].id, "-o", "out.ipynb"]
    assert main(list(map(str, command))) == 2
    assert "tiny.ipynb has no parameter 'text'" in capsys.readouterr().err
    assert given == []


def test_parameter_goes_before_a_row(table, given):
    """``-p`` beside ``--row`` changes one of its values."""
    command = ["run", "odd.ipynb", "--row", "odd.csv", table[0].id, "-o", "out.ipynb"]
    assert main([*command, "-p", "x", "-1."]) == 0
    assert given[0]["x"] == -1.0


@pytest.mark.parametrize(
    ("how", "code"), [("| true", 1), (">&-", 0), ("2>&-", 0), (">/dev/null 2>&-", 0)]
)
def test_output_that_nobody_takes_is_no_fault(folder, how, code):
    """A pipe that `head` has closed, or no output at all, as cron jobs may have it."""
    tiny.write_definition(folder, grid={"x": list(range(99)), "seed": list(range(60))})
    command = shlex.join(tiny.snnlib("sweep", "tiny.yaml", "--dry-run"))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} {how}"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    # The one line of progress ends with an empty one.
    told = [it for it in done.stderr.splitlines() if it]
    assert all(it.startswith("checking runs: ") for it in told)


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
    assert log.count("4 of 4 runs finished") == 4
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


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_script_for_kubernetes_runs(folder, monkeypatch, capsys):
    """A cluster of this machine takes its arguments, of which nothing is checked.

    Kubernetes is not here. What is tested is our side of the script.
    """
    from distributed import LocalCluster

    taken = {}

    def cluster(**arguments):
        taken.update(arguments)
        cluster = LocalCluster(
            n_workers=0, threads_per_worker=1, dashboard_address=None
        )
        # One worker stands for as many as the page asks for.
        scale = cluster.scale
        cluster.scale = lambda n: scale(min(1, n))
        return cluster

    operator = types.ModuleType("dask_kubernetes.operator")
    operator.KubeCluster = cluster
    monkeypatch.setitem(sys.modules, "dask_kubernetes", types.ModuleType("package"))
    monkeypatch.setitem(sys.modules, operator.__name__, operator)
    small_sweep(folder)
    (code,) = (text for text in blocks("python") if "KubeCluster" in text)
    Path("script.py").write_text(code)
    runpy.run_path("script.py")
    assert "4 of 4" in capsys.readouterr().out
    assert taken["image"]
    assert len(list(Path("runs", "kubernetes", "runs").iterdir())) == 4


@pytest.mark.parametrize(
    ("repeated", "said"),
    [
        ({}, "gave run 'abc' of this table again; its metrics differed by 0 at most."),
        ({"largest_difference": 0.5}, "differed by 0.5 at most."),
        ({"repeated_with": "of another day"}, None),
        ({"table": "other.csv"}, None),
        ({"code": "of another row"}, None),
    ],
)
def test_row_of_other_code_is_vouched_for(repeated, said, tmp_path, capsys):
    """What was repeated with today's code, for a row of this code, is said."""
    row = {
        "run_id": "abc",
        "table": "some.csv",
        "code": "of the row",
        "repeated_with": code_digest(),
        "largest_difference": 0.0,
    }
    write_table(tmp_path / "repeated_rows.csv", [row | repeated])
    cli._tell_repeat(tmp_path / "some.csv", "of the row")
    assert (said or "") in capsys.readouterr().err
    (tmp_path / "repeated_rows.csv").write_text("no table\n1,2\n")
    cli._tell_repeat(tmp_path / "some.csv", "of the row")
    assert capsys.readouterr().err == ""
