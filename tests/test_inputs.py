"""Files and modules of a user's own count among what a result rests on."""

import logging
import os

import pytest
from tiny import write_definition, write_notebook

from snnlib.collected import collect_runs
from snnlib.definitions import SweepError
from snnlib.inputs import module_files, own_inputs, unnamed_inputs
from snnlib.plans import make_plan, read_plan
from snnlib.sweep import reasons_to_run, run_sweep


@pytest.fixture
def home(tmp_path):
    """Return a folder with a helper, a package, and data."""
    (tmp_path / "helper.py").write_text("def f(x):\n    return 2 * x\n")
    (tmp_path / "pack" / "inner").mkdir(parents=True)
    (tmp_path / "pack" / "__init__.py").write_text("raise SystemExit('not imported')")
    (tmp_path / "pack" / "inner" / "a.py").touch()
    (tmp_path / "data").mkdir()
    for name in ("one", "two"):
        (tmp_path / "data" / f"{name}.csv").write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ("helper.py", ["file:helper.py"]),
        ("helper", ["module:helper"]),
        ("pack", ["module:pack"]),
        ("data/*.csv", ["file:data/one.csv", "file:data/two.csv"]),
        ("**/*.csv", ["file:data/one.csv", "file:data/two.csv"]),
    ],
)
def test_entries_are_files_patterns_or_modules(home, entry, names):
    """Each has a name that is the same wherever the folder lies."""
    assert list(own_inputs(entry, home)) == names
    assert own_inputs(entry, home) == own_inputs(entry, os.path.relpath(home))


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("helper", "helper.py"),
        ("pack", "pack/inner/a.py"),
        ("data/*.csv", "data/two.csv"),
    ],
)
def test_what_is_named_counts(home, entry, path):
    """An edit, anywhere in it, makes another digest."""
    before = own_inputs(entry, home)
    (home / path).write_text("changed")
    after = own_inputs(entry, home)
    assert before.keys() == after.keys()
    assert before != after


@pytest.mark.parametrize(
    "entry",
    [
        *("nowhere", "no.csv", "*.csv", "sys", "data", "a b"),
        ".",
        "..",
        "./",
        "**x",
        "\0",
    ],
)
def test_entry_that_is_nothing_is_refused(home, entry):
    """A misspelt name is no input that never changes."""
    with pytest.raises(ValueError, match="is no file, and no module that is found"):
        own_inputs(entry, home)


def test_file_with_the_name_of_a_pattern_is_one(home):
    """Brackets in the name of a file that is there stand for themselves."""
    (home / "data[1].csv").write_text("")
    assert list(own_inputs("data[1].csv", home)) == ["file:data[1].csv"]
    (home / "data1.csv").write_text("")
    (home / "data[1].csv").unlink()
    assert list(own_inputs("data[1].csv", home)) == ["file:data1.csv"]


def test_unnamed_inputs_are_found(home):
    """What is imported from beside the notebook, or names a file there; no others."""
    imports = {"numpy", "snnlib", "sys", "json", "helper", "pack", "missing"}
    texts = {"data/one.csv", "data", "", "a\nb", "missing.csv", str(home / "helper.py")}
    found = unnamed_inputs(imports, texts, [home], ["module:helper"])
    assert found == [
        f"imports pack from {home / 'pack' / '__init__.py'}",
        f"names the file {home / 'helper.py'}",
        f"names the file {home / 'data' / 'one.csv'}",
    ]
    named = ["module:pack", "module:helper", "file:helper.py", "file:data/one.csv"]
    assert unnamed_inputs(imports, texts, [home], named) == []


def test_no_module_is_imported_to_be_found(home):
    """Its files are looked for, and not carried out."""
    names = [path.relative_to(home).as_posix() for path in module_files("pack", [home])]
    assert names == ["pack/__init__.py", "pack/inner/a.py"]


def test_changed_input_is_run_again(home, caplog):
    """Results of the old helper stay out of the table of the new one."""
    code = f"import sys; sys.path.insert(0, {str(home)!r})\nfrom helper import f"
    definition = write_definition(home, grid={"x": [1, 2]}, inputs=["helper"])
    write_notebook(home, fault=code)
    with caplog.at_level(logging.WARNING, "snnlib"):
        plan = read_plan(definition)
    assert caplog.text == ""
    assert run_sweep(plan, home / "out", workers=2).n_done == 2
    assert reasons_to_run(plan, home / "out") == {}
    (home / "helper.py").write_text("def f(x):\n    return 3 * x\n")
    changed = read_plan(definition)
    reasons = reasons_to_run(changed, home / "out")
    assert set(reasons.values()) == {"changed since it was run: the data it reads"}
    assert run_sweep(changed, home / "out", workers=2).n_done == 2
    collected = collect_runs(home / "out")
    (inputs,) = collected.provenance["inputs"]
    assert list(inputs) == ["module:helper"]


def test_unnamed_input_is_told(home, caplog):
    """Before anything runs, for an edit of it would go unnoticed."""
    definition = write_definition(home)
    write_notebook(home, fault="from helper import f")
    with caplog.at_level(logging.WARNING, "snnlib"):
        read_plan(definition)
    told = f"imports helper from {home / 'helper.py'}, which is not among the inputs"
    assert told in caplog.text


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("helper", "inputs: must list files and modules; got 'helper'"),
        ([3], r"inputs\[0\]: must be a file, a pattern or a module; got 3"),
        (["helper", "gone.csv"], r"inputs\[1\]: 'gone\.csv' is no file, and no module"),
    ],
)
def test_inputs_are_checked_by_name(home, inputs, message):
    """The key and the number of the entry are in the message."""
    with pytest.raises(SweepError, match=message):
        read_plan(write_definition(home, inputs=inputs))


def test_versions_can_count(home, monkeypatch):
    """An upgrade makes other ids where the definition asks for that."""
    notebook = write_notebook(home)
    for versions, n_same in ((False, 1), (True, 0)):
        before = make_plan(notebook, versions=versions).runs[0].id
        with monkeypatch.context() as patch:
            patch.setattr("snnlib.plans.version_text", lambda: "numpy 9.9.9")
            after = make_plan(notebook, versions=versions).runs[0].id
        assert (before == after) == n_same
    plan = make_plan(notebook, versions=True)
    assert run_sweep(plan, home / "out", workers=1).failed == {}
