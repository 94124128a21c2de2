"""The house is in order: notebooks, addresses, commands and the cost of an import."""

import ast
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

import snnlib

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAVY = {"tensorflow", "dask", "papermill", "matplotlib", "sklearn"}

each_notebook = pytest.mark.parametrize(
    "notebook", [pytest.param(path, id=path.stem) for path in NOTEBOOKS]
)


def code_cells(notebook):
    """Return the code cells of a notebook file."""
    cells = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def syntax(notebook):
    """Return the syntax trees of the code cells, without IPython's own commands."""
    sources = ["".join(cell["source"]) for cell in code_cells(notebook)]
    return [
        ast.parse(re.sub(r"(?m)^( *)[%!].*$", r"\1pass", source)) for source in sources
    ]


@each_notebook
def test_notebook_has_no_outputs(notebook):
    """A committed notebook holds what was written, not what was computed."""
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@each_notebook
def test_notebook_has_minimal_metadata(notebook):
    """No editor or machine leaves its traces in a notebook's metadata."""
    content = json.loads(notebook.read_text())
    assert content["metadata"].keys() <= {"kernelspec", "language_info"}
    assert content["metadata"]["kernelspec"] == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert content["metadata"].get("language_info", {}).keys() <= {"name"}
    for cell in content["cells"]:
        assert cell["metadata"].keys() <= {"tags", "mystnb"}, cell["source"]


@each_notebook
def test_notebook_has_one_parameters_cell(notebook):
    """papermill needs one cell tagged ``parameters``, and it only assigns."""
    (cell,) = (
        cell
        for cell in code_cells(notebook)
        if "parameters" in cell["metadata"].get("tags", [])
    )
    statements = ast.parse("".join(cell["source"])).body
    assert statements
    assert all(isinstance(node, ast.Assign | ast.AnnAssign) for node in statements)


@each_notebook
def test_notebook_uses_public_names(notebook):
    """A lesson takes from the package only what ``snnlib.__all__`` names."""
    public = set(snnlib.__all__)
    for node in (node for tree in syntax(notebook) for node in ast.walk(tree)):
        match node:
            case ast.ImportFrom(module="snnlib", names=names):
                assert {alias.name for alias in names} <= public
            case ast.ImportFrom(module=str(module)):
                assert not module.startswith("snnlib.")
            case ast.Import(names=names):
                assert not any(alias.name.startswith("snnlib.") for alias in names)
            case ast.Attribute(value=ast.Name(id="snnlib"), attr=attribute):
                assert attribute in public


def test_files_name_no_machine():
    """No file holds a path of somebody's machine or a package registry's address."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git repository, so there is no list of its files")
    # In pieces, so that this file does not hold what it forbids.
    pieces = [
        (r"(?<![\w.])/", r"(home|Users|root|work|opt|tmp)/\w"),
        ("--index-", "url"),
        ("extra-", "index"),
        ("find-", "links"),
        ("/sim", "ple/"),
        ("file:", "///"),
    ]
    forbidden = re.compile("|".join(start + end for start, end in pieces))
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in {".npz", ".png", ".ico"}:
            found = forbidden.search(path.read_text())
            assert found is None, f"{name}: {found[0]}"


def test_make_help_lists_every_target():
    """``make help`` has a line for each target that can be called by name."""
    makefile = (ROOT / "Makefile").read_text()
    phony = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.M))
    printed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = re.findall(r"^make ([\w-]+) +\S.*$", printed, re.M)
    assert sorted(listed) == sorted(phony.split())


def test_make_refuses_old_python(tmp_path):
    """Without a Python of 3.11 or newer, make says so in one sentence."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    done = subprocess.run(
        ["make", "test", f"PYTHON={python}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert f"This needs Python 3.11 or newer with venv, which {python} is not" in (
        done.stderr
    )
    assert not (tmp_path / ".venv").exists()


def test_default_run_is_offline():
    """A test without the mark ``network`` cannot reach another machine."""
    # 192.0.2.1 is set aside for examples: nothing answers there.
    with socket.socket() as client:
        client.settimeout(1)
        with pytest.raises(AssertionError, match="without the mark 'network'"):
            client.connect(("192.0.2.1", 80))


def fresh_python(code):
    """Run code in a Python that has imported nothing yet; return what it printed."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_import_leaves_heavy_packages_out():
    """``import snnlib`` loads nothing that takes long."""
    loaded = fresh_python("import sys, snnlib; print(*sys.modules)").split()
    assert set(loaded) & HEAVY == set()


def test_import_costs_little_more_than_nengo_and_sklearn():
    """``import snnlib`` takes at most 1.3 times ``import nengo, sklearn``."""

    def seconds(code):
        start = time.perf_counter()
        fresh_python(code)
        return time.perf_counter() - start

    # In turns, so that a busy machine slows both alike.
    turns = [
        (seconds("import snnlib"), seconds("import nengo, sklearn")) for _ in range(3)
    ]
    ours, theirs = zip(*turns, strict=True)
    assert median(ours) <= 1.3 * median(theirs)
