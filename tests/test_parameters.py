"""A notebook's parameters are read, converted and checked before anything runs."""

import hashlib
import json
import re

import nbformat
import numpy as np
import pytest
from tiny import write_notebook

from snnlib import datasets, load_iris_setosa, results_path
from snnlib.parameters import (
    Notebook,
    NotebookError,
    ParameterError,
    code_digest,
    digest,
    input_digests,
)


@pytest.fixture
def tiny(tmp_path):
    """Return the tiny notebook, read."""
    return Notebook(write_notebook(tmp_path))


def changed(tmp_path, name, **changes):
    """Return the tiny notebook with some cells changed, read."""
    return Notebook(write_notebook(tmp_path, name, **changes))


def test_parameters_have_defaults_and_comments(tiny):
    """Names come in order, with the notebook's values and what it says of them."""
    assert list(tiny.parameters) == ["x", "power", "offset", "label", "exact", "seed"]
    assert tiny.parameters["x"].default == 1.0
    assert str(tiny.parameters["power"]) == "power = 2  # whole number"
    assert str(tiny.parameters["seed"]) == "seed = 0"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("x", 150, 150.0),
        ("x", np.float32(0.5), 0.5),
        ("x", np.int64(3), 3.0),
        ("x", np.array(0.25), 0.25),
        ("power", 3.0, 3),
        ("power", np.int8(3), 3),
        ("offset", None, None),
        ("label", "a b", "a b"),
        ("exact", np.bool_(False), False),
    ],
)
def test_value_takes_the_type_of_the_default(tiny, name, value, expected):
    """150 is 150.0, and a NumPy scalar is a plain number."""
    (converted,) = tiny.convert({name: value}).values()
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", "fast", "x must be a number, as its default 1.0 is; got 'fast'."),
        ("x", True, "x must be a number, as its default 1.0 is; got True."),
        ("x", float("nan"), "x must be a number, as its default 1.0 is; got nan."),
        ("x", [1.0], "x must be a number, as its default 1.0 is; got [1.0]."),
        ("x", None, "got None. Its comment does not offer None."),
        ("power", 2.5, "power must be a whole number, as its default 2 is; got 2.5."),
        ("power", float("inf"), "power must be a whole number"),
        ("label", 3, "label must be text, as its default 'plain' is; got 3."),
        ("exact", 1, "exact must be true or false, as its default True is; got 1."),
    ],
)
def test_value_of_another_type_is_refused(tiny, name, value, message):
    """The message names the parameter, what it takes and what it got."""
    with pytest.raises(ParameterError, match=re.escape(message)):
        tiny.convert({name: value})


def test_unknown_parameter_is_refused_with_the_list(tiny):
    """A misspelt name gets a hint and the notebook's own parameters."""
    with pytest.raises(ParameterError) as refused:
        tiny.convert({"powr": 3})
    assert "tiny.ipynb has no parameter 'powr'. Did you mean 'power'?" in str(
        refused.value
    )
    assert "x = 1.0, power = 2, offset = 0.0, label = 'plain'" in str(refused.value)


def test_refusal_is_the_notebooks_own(tiny, capsys):
    """The cell that calls check_parameters is carried out with the values, in quiet."""
    assert tiny.refusal({"x": 100.0}) is None
    reason = tiny.refusal({"x": 101.0})
    assert reason == "ValueError: x must be from 0 to 100; got 101.0"
    assert capsys.readouterr() == ("", "")


def test_notebook_without_check_refuses_nothing(tmp_path):
    """Nothing of it is carried out beforehand."""
    notebook = changed(tmp_path, "unchecked", check="1 / 0")
    assert notebook.refusal({"x": -1.0}) is None


@pytest.mark.parametrize(
    ("tags", "n"), [([], 0), (["parameters", "parameters"], 2)], ids=["none", "two"]
)
def test_notebook_needs_one_cell_of_parameters(tmp_path, tags, n):
    """Without the tag papermill would set nothing, and silently."""
    path = write_notebook(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    for i, cell in enumerate(notebook.cells):
        cell.metadata["tags"] = tags[i : i + 1]
    nbformat.write(notebook, path)
    with pytest.raises(NotebookError, match=f"one code cell tagged 'parameters'.*{n}"):
        Notebook(path)


def test_notebook_that_is_none_is_named(tmp_path):
    """A missing file, half a file and a failing cell each get their own message."""
    with pytest.raises(NotebookError, match=r"none\.ipynb cannot be read: No such"):
        Notebook(tmp_path / "none.ipynb")
    path = write_notebook(tmp_path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(NotebookError, match=r"tiny\.ipynb is not a notebook, or only"):
        Notebook(path)
    with pytest.raises(NotebookError, match=r"'parameters' of .* fails: .*NameError"):
        changed(tmp_path, "failing", parameters="x = y")


def test_digest_counts_code_alone(tmp_path):
    """Prose, outputs and ids may change; code and tags may not."""
    path = write_notebook(tmp_path)
    before = Notebook(path).digest
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Another title"))
    notebook.cells[1].id = "another"
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    nbformat.write(notebook, path)
    assert Notebook(path).digest == before
    notebook.cells[-1].source += "  # changed"
    nbformat.write(notebook, path)
    assert Notebook(path).digest != before


def test_imports_are_those_at_the_top_of_cells(tmp_path):
    """Indented ones wait; IPython's own commands do no harm."""
    notebook = changed(
        tmp_path,
        "imports",
        check="%pip list",
        fault="import numpy as np\nif x:\n    import scipy\nfrom os import path, sep",
    )
    assert notebook.imports == [
        "import numpy as np",
        "from os import path, sep",
        "import random",
        "from snnlib import record",
    ]


@pytest.mark.parametrize(
    "code", ["import os\nos.environ['A'] = '1'", "import sys\nsys.path.append('.')"]
)
def test_imports_end_where_the_environment_is_touched(tmp_path, code):
    """What is imported after that may depend on it, so it is left to each run."""
    notebook = changed(tmp_path, "touching", check="import math", fault=code)
    assert notebook.imports == ["import math"]


def test_inputs_are_digests_of_contents(tmp_path):
    """They name the data a loader gives and the committed results in use."""
    code = "load_iris_setosa(); results_path('versions.csv'); results_path(label)"
    notebook = changed(tmp_path, "reading", fault=code)
    found = notebook.inputs()
    assert found.keys() == {"iris setosa", "versions.csv"}
    assert found["iris setosa"] == load_iris_setosa().digest
    committed = results_path("versions.csv").read_bytes()
    assert found["versions.csv"] == hashlib.sha256(committed).hexdigest()


def test_inputs_follow_the_choice_of_digits():
    """A notebook's parameter ``dataset`` says which digits its runs read."""
    found = input_digests(loaders=["fetch_digits"], results=[], dataset="digits28")
    assert found == {"digits28": datasets.load_digits28().digest}


def test_code_digest_counts_what_calculates(tmp_path, monkeypatch):
    """It changes with estimators.py, and not with plots.py."""
    import snnlib.parameters

    package = tmp_path / "snnlib"
    (package / "data").mkdir(parents=True)
    for name in ("estimators.py", "plots.py", "sweep.py", "data/rows.csv"):
        (package / name).write_text("1")
    monkeypatch.setattr(snnlib.parameters, "__file__", str(package / "parameters.py"))
    before = code_digest()
    for name, counts in (
        ("plots.py", False),
        ("sweep.py", False),
        ("estimators.py", True),
        ("data/rows.csv", True),
    ):
        (package / name).write_text("2")
        assert (code_digest() != before) == counts, name
        before = code_digest()


def test_digest_ignores_the_order_of_keys():
    """Two dictionaries that are equal have one digest."""
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    assert digest(json.loads("[0.1]")) == digest([0.1])
    assert digest([1]) != digest([1.0])
