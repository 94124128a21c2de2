"""A notebook's parameters are read, converted and checked before anything runs."""

import hashlib
import json
import math
import os
import re
import shutil
import signal
import sys
import threading
from fractions import Fraction
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import write_notebook

import snnlib
from snnlib import datasets, digests, load_iris_setosa, results_path
from snnlib.digests import code_digest, digest, input_digests
from snnlib.notebooks import Notebook, NotebookError
from snnlib.parameters import Parameter, ParameterError, as_plain, shown


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
        ("x", Fraction(1, 4), 0.25),
        ("x", math.inf, math.inf),
        ("power", 10**30, 10**30),
        ("power", Fraction(4, 2), 2),
        ("offset", np.float32(0.5), 0.5),
        ("label", np.str_("a"), "a"),
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
        ("x", 10**400, "A value must hold neither NaN nor a number beyond a float's"),
        pytest.param(
            *("power", 10**5000, "got a value of type int that cannot be written out."),
            id="a number too long to be written out",
        ),
        ("x", 1j, "x must be a number, as its default 1.0 is; got 1j."),
        ("label", "\ud800", "A value must be text that UTF-8 can hold."),
        ("offset", {1: 2}, "A value must have text for the keys of its mappings."),
        ("x", np.float64, "x must be a number, as its default 1.0 is; got <class"),
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
    code = "load_iris_setosa(); results_path('versions.csv'); results_path(3)"
    notebook = changed(tmp_path, "reading", fault=code)
    found = notebook.inputs()
    assert found.keys() == {"iris setosa", "versions.csv"}
    assert found["iris setosa"] == load_iris_setosa().digest
    committed = results_path("versions.csv").read_bytes()
    assert found["versions.csv"] == hashlib.sha256(committed).hexdigest()


@pytest.mark.parametrize(
    ("code", "loaders", "results"),
    [
        ("from snnlib import fetch_digits as fd\nfd()", ["fetch_digits"], []),
        (
            "from snnlib.datasets import load_digits28 as ld\nld()",
            ["load_digits28"],
            [],
        ),
        ("import snnlib.datasets as d\nd.load_digits28()", ["load_digits28"], []),
        ("f = [load_digits28][0]", ["load_digits28"], []),
        ("import snnlib\ngetattr(snnlib, 'load_digits28')()", ["load_digits28"], []),
        ("fetch_digits('digits28')", ["load_digits28"], []),
        ("fetch_digits(dataset='mnist')", ["fetch_mnist"], []),
        ("fetch_digits(dataset)", ["fetch_digits"], []),
        ("from snnlib import fetch_mnist", [], []),
        ("results_path(name='mnist_lif.npz')", [], ["mnist_lif.npz"]),
        ("from snnlib import results_path as r\nr('nir.csv')", [], ["nir.csv"]),
        ("read_committed('nir', 'grid_mnist')", [], ["grid_mnist.csv", "nir.csv"]),
        ("read_committed('nir', synapse=x, **more)", [], ["nir.csv"]),
        ("results_path(label)", [], ["*"]),
        ("results_path(f'{label}.csv')", [], ["*"]),
        ("results_path(**given)", [], ["*"]),
        ("[*map(results_path, names)]", [], ["*"]),
        ("read_committed('nir', *names)", [], ["*"]),
        ("from snnlib import panel\npanel(1, 'max_rate')", [], ["*"]),
        ("from snnlib import panel as p\np(1, 'max_rate')", [], ["*"]),
        ("import snnlib as s\ns.show_verdicts()", [], ["*"]),
        ("from snnlib import *\nfind_committed('nir')", [], ["*"]),
        ("panel = questions = 3\npanel + questions", [], []),
    ],
)
def test_sources_are_known_by_any_name(tmp_path, code, loaders, results):
    """Where the code does not say which results it reads, all of them count."""
    notebook = changed(tmp_path, "reading", fault=code)
    assert notebook.sources == {"loaders": loaders, "results": results}


def test_all_results_have_one_digest(tmp_path, monkeypatch):
    """It counts what a table holds, and not when it was collected."""
    monkeypatch.setattr(snnlib, "results_path", tmp_path.joinpath)

    def found():
        return input_digests(loaders=[], results=["*"])["all committed results"]

    (tmp_path / "a.csv").write_text("x")
    before = found()
    (tmp_path / "a.json").write_text("{}")
    assert found() == before
    (tmp_path / "a.csv").write_text("y")
    assert found() != before


def test_inputs_follow_the_choice_of_digits():
    """A notebook's parameter ``dataset`` says which digits its runs read."""
    found = input_digests(loaders=["fetch_digits"], results=[], dataset="digits28")
    assert found == {"digits28": datasets.load_digits28().digest}


SMALL_PACKAGE = {
    "__init__.py": "a = 1",
    "metrics.py": '"""Measure."""\ndef mean(xs):\n    """Do."""\n    return xs[0]',
    "estimators/__init__.py": "from snnlib.estimators._base import Base",
    "estimators/_base.py": "class Base:\n    pass",
    "explorers/_lif.py": "a = 1",
    **{f"{name}.py": "a = 1" for name in ("plots", "sweep", "cli", "tables", "plans")},
    **{f"{name}.py": "a = 1" for name in ("files", "checks", "recording", "_version")},
    "data/rows.csv": "1\n2\n",
    "lif.js": "1",
}


@pytest.fixture
def package(tmp_path):
    """Return the folder of a small package, of which nothing is remembered."""
    digests._module_digest.cache_clear()
    for name, content in SMALL_PACKAGE.items():
        path = tmp_path / "snnlib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "snnlib"


@pytest.mark.parametrize(
    ("name", "content", "counts"),
    [
        ("metrics.py", "def mean(xs):\n    return xs[0]", False),
        (
            "metrics.py",
            '"""Other."""\ndef mean(xs):  # first\n  return xs [ 0 ]',
            False,
        ),
        (
            "metrics.py",
            'def mean(xs):\n    """A."""\n    "B."\n    return xs[0]',
            False,
        ),
        ("metrics.py", "def mean(xs):\n    return xs[1]", True),
        ("metrics.py", "def mean(xs):\n    return xs[0.0]", True),
        ("metrics.py", "def mean(xs):\n    return xs['0']", True),
        ("metrics.py", "def mean(xs, y=None):\n    return xs[0]", True),
        ("metrics.py", "def mean(xs, y=0):\n    return xs[0]", True),
        ("metrics.py", "", True),
        ("estimators/_base.py", "class Base:\n    a = 1", True),
        ("estimators/_base.py", "class Base:\n    # A\n    pass", False),
        ("estimators/__init__.py", "b = 1", True),
        ("estimators/_new.py", "", True),
        ("files.py", "a = 2", True),
        ("checks.py", "a = 2", True),
        ("recording.py", "a = 2", True),
        ("data/rows.csv", "1\n3\n", True),
        ("data/more.csv", "1", True),
        ("__init__.py", "a = 2", False),
        ("_version.py", "a = 2", False),
        ("explorers/_lif.py", "a = 2", False),
        ("explorers/_new.py", "a = 2", False),
        ("plots.py", "a = 2", False),
        ("plans.py", "a = 2", False),
        ("sweep.py", "a = 2", False),
        ("cli.py", "a = 2", False),
        ("definitions.py", "a = 2", False),
        ("notebooks.py", "a = 2", False),
        ("digests.py", "a = 2", False),
        ("_docs.py", "a = 2", False),
        ("tables.py", "a = 2", False),
        ("lif.js", "2", False),
        ("results/train.py", "a = 2", False),
        ("results/table.csv", "2", False),
        (".ipynb_checkpoints/metrics-checkpoint.py", "a = 2", False),
        ("metrics-copy.py", "a = 2", False),
    ],
)
def test_code_digest_counts_what_calculates(package, name, content, counts):
    """What a module does counts, and so do tables; form, docs and drawing do not."""
    before = code_digest(package)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text(content)
    assert (code_digest(package) != before) == counts


def test_code_digest_counts_names_and_places(package):
    """A module that moves to another folder is another module."""
    before = code_digest(package)
    (package / "metrics.py").rename(package / "estimators" / "metrics.py")
    assert code_digest(package) != before


def test_code_digest_is_that_of_the_running_package(tmp_path):
    """It rests on the content of the package's folder, wherever that is."""
    copy = tmp_path / "elsewhere"
    here = Path(snnlib.__file__).parent
    shutil.copytree(here, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_digest(copy) == code_digest()


def test_code_digest_is_one_in_every_python(package):
    """A digest from one version of Python is compared on workers that have others.

    It was calculated with 3.11; a version that writes syntax trees otherwise fails.
    """
    (package / "metrics.py").write_text(
        "from a import b as c\n\n\nclass A(B, metaclass=C):\n    x: int = 1\n\n"
        "    @d\n    async def f(self, a, /, b=1.5, *c, d=None, **e) -> str:\n"
        "        async with a as b, c:\n            pass\n"
        "        return f'{a!r:>{b}.2f}{a:{b}}' 'é\\u2028' rf'\\n{c}', "
        "b'\\x00', 1j, ...\n\n\n"
        "try:\n    g = [x for x in y if x] + [*z]\nexcept (E, F) as error:\n"
        "    del g[1:2, ::3]\nelse:\n    lambda: (yield)\n"
        "match g:\n    case [1, *_] | {'a': None, **r} if x:\n        a = b = -1\n"
    )
    assert code_digest(package)[:16] == "4854a354d754c635"


def test_digest_ignores_the_order_of_keys():
    """Two dictionaries that are equal have one digest."""
    assert digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    assert digest(json.loads("[0.1]")) == digest([0.1])
    assert digest([1]) != digest([1.0])


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**1000), 2**1000)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_plain_value_stays_as_it_is(value):
    """What JSON knows comes back equal, in the same types, and as a copy."""
    found = as_plain(value)
    assert repr(found) == repr(value)
    assert not isinstance(value, list | dict) or found is not value


@given(PLAIN, PLAIN)
def test_any_default_takes_a_value_or_refuses_it(default, value):
    """Whatever the two are, the value comes back in the default's type or is named."""
    parameter = Parameter("it", default, "a number, or None")
    try:
        found = parameter.convert(value)
    except ParameterError as error:
        found = default
        assert str(error).startswith("it must be "), error  # noqa: PT017
    assert found is None or default is None or type(found) is type(default)


def test_value_of_any_size_is_shown_on_a_line():
    """A message stays a sentence."""
    assert len(shown("a" * 10**6)) < 300
    assert shown({"a": [1, "b\n"]}) == "{'a': [1, 'b\\n']}"
    assert "int that cannot be written out" in shown(10**5000)


def test_default_that_is_no_value_is_left_alone(tmp_path):
    """A function or a tuple among the parameters is the notebook's own affair."""
    notebook = changed(
        tmp_path, "odd", parameters="x = 1.0\nf = print\npair = (1, 2)\nno = {1: 2}"
    )
    assert notebook.complete({}) == {"x": 1.0, "pair": [1, 2]}
    assert [p.is_settable for p in notebook.parameters.values()] == [
        *(True, False, False, False)
    ]
    with pytest.raises(ParameterError, match="f must be left alone, as its default <b"):
        notebook.convert({"f": 1})


def test_defaults_are_not_shared(tmp_path):
    """Each run has lists of its own."""
    notebook = changed(tmp_path, "lists", parameters="xs = [1]")
    notebook.complete({})["xs"].append(2)
    assert notebook.complete({}) == {"xs": [1]}


def executed(tmp_path, value, *, error=False):
    """Return the tiny notebook as papermill leaves it, with a value put in."""
    path = write_notebook(tmp_path, "executed")
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata["papermill"] = {"exception": error}
    injected = nbformat.v4.new_code_cell(
        f"# Parameters\nx = {value}\nseed = 5\n",
        metadata={"tags": ["injected-parameters"]},
    )
    notebook.cells.insert(1, injected)
    if error:
        tags = {"tags": ["papermill-error-cell-tag"]}
        notebook.cells.insert(3, nbformat.v4.new_markdown_cell("here", metadata=tags))
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell("there", metadata=tags))
        # A banner of code would be run.
        notebook.cells.insert(4, nbformat.v4.new_code_cell("1 / 0", metadata=tags))
    notebook.metadata["papermill"] = {"parameters": {"x": value}, "exception": error}
    notebook.metadata["snnlib"] = {"run_id": "0"}
    nbformat.write(notebook, path)
    return Notebook(path)


@pytest.mark.parametrize("error", [False, True], ids=["ended well", "failed"])
@pytest.mark.parametrize("value", [3, 101], ids=["good value", "bad value"])
def test_executed_notebook_is_read_as_it_was_before(tiny, tmp_path, value, error):
    """What papermill put in is neither read, hashed and checked, nor sent to be run."""
    notebook = executed(tmp_path, value, error=error)
    assert notebook.digest == tiny.digest
    assert notebook.parameters == tiny.parameters
    assert notebook.refusal(notebook.complete({"x": 1.0})) is None
    assert "got 101.5" in notebook.refusal(notebook.complete({"x": 101.5}))
    assert notebook.imports == tiny.imports
    sent = nbformat.reads(notebook.text, as_version=4)
    assert [cell.source for cell in sent.cells] == [
        cell.source for cell in nbformat.reads(tiny.text, as_version=4).cells
    ]
    assert not sent.metadata.keys() & {"papermill", "snnlib"}


def test_notebook_that_was_not_run_is_sent_as_it_is(tiny):
    """To the last byte."""
    assert tiny.text == tiny.path.read_text()


NOTEBOOK = {
    "cell_type": "code",
    "metadata": {"tags": ["parameters"]},
    "source": "x = 1",
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"\x00" * 100,
        b"[]",
        b"3",
        b"null",
        b'"text"',
        b"{}",
        b'{"cells": 3}',
        b'{"cells": {"a": 1}}',
        b'{"cells": [3]}',
        b'{"cells": [null]}',
        b'{"cells": [{}]}',
        b'{"worksheets": [{"cells": []}]}',
        b"[" * 100_000,
        *(
            json.dumps({"cells": [{**NOTEBOOK, **change}]}).encode()
            for change in (
                {"source": 3},
                {"source": None},
                {"source": [1]},
                {"source": {"a": 1}},
                {"cell_type": 3},
                {"metadata": 3},
                {"metadata": None},
                {"metadata": {"tags": 3}},
                {"metadata": {"tags": None}},
                {"metadata": {"tags": [["parameters"]]}},
                {"outputs": 3},
                {"outputs": [3]},
                {"outputs": [{"data": 3}]},
            )
        ),
        json.dumps({"cells": [NOTEBOOK], "metadata": []}).encode(),
        json.dumps({"cells": [{"cell_type": "code", "metadata": {}}]}).encode(),
    ],
    ids=lambda content: content[:80].decode(errors="replace"),
)
def test_file_that_is_no_notebook_is_refused(tmp_path, content):
    """Whatever file is handed in, the answer is one sentence with its name."""
    path = tmp_path / "odd.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=r"odd\.ipynb is not a notebook") as refused:
        Notebook(path)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "path", [".", "a\0b", 3, None, b"bytes", ""], ids=lambda path: repr(path)
)
def test_path_of_no_notebook_is_refused(tmp_path, monkeypatch, path):
    """A folder, or what is no path at all."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotebookError):
        Notebook(path)


ENDINGS = [
    ("raise SystemExit", "SystemExit"),
    ("import sys; sys.exit(3)", "SystemExit: 3"),
    ("quit()", "SystemExit"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("raise GeneratorExit", "GeneratorExit"),
    ("raise BaseException('a')", "BaseException: a"),
    ("raise ValueError('a\\n\\nb')", "ValueError: a b"),
    ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    ("raise MemoryError", "MemoryError"),
    ("x = (", "SyntaxError"),
    ("return 1", "SyntaxError"),
    ("a = '\\0'\n\0", "Error"),
    ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E: its message"),
    ("raise StopIteration", "StopIteration"),
]


@pytest.mark.parametrize(("code", "message"), ENDINGS)
def test_cell_of_parameters_ends_nothing_but_itself(tmp_path, code, message):
    """Whatever it raises is an error of the notebook, not the end of the caller."""
    with pytest.raises(NotebookError, match=r"'parameters' of .* fails: ") as refused:
        changed(tmp_path, "ending", parameters=code)
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(("code", "message"), ENDINGS)
def test_check_ends_nothing_but_itself(tmp_path, code, message):
    """Whatever it raises is the reason of a refusal."""
    check = f"def check_parameters(): pass\ncheck_parameters()\n{code}"
    reason = changed(tmp_path, "ending", check=check).refusal({"x": 1.0})
    assert message in reason
    assert len(reason.splitlines()) == 1


def test_check_that_is_no_python_refuses_every_point(tmp_path):
    """The second is told what the first was."""
    notebook = changed(tmp_path, "broken", check="check_parameters(")
    first, second = notebook.refusals([{"x": 1.0}, {"x": 2.0}])
    assert first == second
    assert "SyntaxError" in first


def test_ctrl_c_is_no_refusal(tmp_path):
    """Ctrl-C during a check stops the caller, and its handler is given back."""
    check = "import time\ncheck_parameters = time.sleep\ncheck_parameters(60)"
    notebook = changed(tmp_path, "long", check=check)
    # A shell that starts tests in the background has them ignore it.
    handler = signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        notebook.refusal({})
    timer.join()
    assert signal.signal(signal.SIGINT, before) is handler


def test_check_may_run_in_a_thread(tiny):
    """Where Ctrl-C cannot be told apart, nothing else changes."""
    found = []
    thread = threading.Thread(target=lambda: found.append(tiny.refusal({"x": 101.0})))
    thread.start()
    thread.join()
    assert found == ["ValueError: x must be from 0 to 100; got 101.0"]


def test_commands_of_ipython_are_no_fault(tmp_path):
    """A cell before the check, or the check itself, may hold some."""
    check = (
        "%matplotlib inline\n!ls\nimport math\ndef check_parameters():\n"
        "    %time\n    math.sqrt(x)\n\ncheck_parameters()"
    )
    notebook = changed(tmp_path, "commands", check=check)
    assert notebook.refusal({"x": 1.0}) is None
    assert notebook.refusal({"x": -1.0}).startswith("ValueError: ")
    assert "import math" in notebook.imports


def test_data_after_a_command_are_known(tmp_path):
    """What a cell with a command reads is an input like any other."""
    code = "%matplotlib inline\nload_iris_setosa(); results_path(3)"
    assert changed(tmp_path, "reading", fault=code).sources == {
        "loaders": ["load_iris_setosa"],
        "results": [],
    }


CHECKED = """
    def check_parameters():
        if x > 100:
            raise ValueError("too much")

    check_parameters()
"""


@pytest.mark.parametrize(
    "code",
    [
        "is_new = (x\n          != 2.0)",
        "msg = ('%s'\n       % x)",
        "y = x \\\n % 3",
        "y = [x\n!= 3, 'a?']",
        "text = '''\n!ls\n%time\n'''\nassert '!ls' in text",
        "%matplotlib inline\ntext = '''\n!ls\n'''\nassert '!ls' in text",
        "display(x)\nfrom IPython.display import display\ndisplay(x)",
        "get_ipython().run_line_magic('matplotlib', 'inline')\nOut, In, _",
        "from IPython import get_ipython\nget_ipython().run_line_magic('env', 'A=1')",
        "from IPython.core.getipython import get_ipython\nget_ipython().system('ls')",
        *("x?", "x??", "?x", "*int*?", "y = x\ny?", "!pip install a \\\n  --quiet"),
        *("files = !ls", "here = %pwd\nlen(here)", "pip install nothing", "%cd /"),
        *("t = %timeit -o x**2\nt.best", "%timeit -n 3 x**2", "y = %time x\ny + 1"),
        *("%time y = x\ny + 1", "if x:\n    !ls\nelse:\n    %pwd"),
        *("%%bash\nls", "%%bash\nls | wc\nexit 1", "%%html\n<b>bold</b>"),
        *("%%time\ny = x", "\n%%capture\n%matplotlib inline\ny = x\n!ls"),
        *("%%writefile a.py\nimport nothing", "%%python\nnothing"),
        *("  y = x\n  y + 1", ">>> y = x\n>>> y + 1"),
        "import asyncio\nawait asyncio.sleep(0)\ny = await asyncio.sleep(0, 3)\ny + 1",
        "async def f():\n    yield 1\nasync for i in f():\n    i + 1",
    ],
)
def test_what_jupyter_carries_out_is_no_fault(tmp_path, code):
    """A cell before the check is taken as Jupyter takes it."""
    notebook = changed(tmp_path, "jupyter", check=code, fault=CHECKED)
    reasons = list(notebook.refusals([{"x": 1.0}, {"x": 101.0}]))
    assert reasons == [None, "ValueError: too much"]


@pytest.mark.parametrize(
    "code",
    [
        "is_new = (x\n          != 2.0)\nload_iris_setosa()",
        "msg = ('%s'\n       % x)\nload_iris_setosa()",
        *("files = !ls\nload_iris_setosa()", "d = load_iris_setosa()\nd?"),
        *("%time load_iris_setosa()", "d = %time load_iris_setosa()"),
        *("%timeit -n 3 -r1 load_iris_setosa()", "%prun load_iris_setosa()"),
        *("%%time\nload_iris_setosa()", "%%timeit -n 3\nload_iris_setosa()"),
        "!ls \\\n  -l\nload_iris_setosa()",
        "get_ipython().run_line_magic('time', 'load_iris_setosa()')",
    ],
)
def test_data_beside_a_command_are_known(tmp_path, code):
    """What a cell of Jupyter reads is an input."""
    notebook = changed(tmp_path, "reading", fault=code)
    assert notebook.sources["loaders"] == ["load_iris_setosa"]


@pytest.mark.parametrize(
    "code", ["files = !ls \\\n -l", "!ls", "x?", "%%time", "y = %who"]
)
def test_data_beside_a_command_are_known_without_ipython(tmp_path, monkeypatch, code):
    """Where only plans are made, it need not be there."""
    monkeypatch.setitem(sys.modules, "IPython.core.inputtransformer2", None)
    notebook = changed(tmp_path, "reading", fault=f"{code}\nload_iris_setosa()")
    assert notebook.sources["loaders"] == ["load_iris_setosa"]


@pytest.mark.parametrize(
    "code",
    ["%matplotlib inline", "files = !ls", "display(1)", "from math import *\nx?"],
)
def test_cell_of_parameters_may_hold_commands(tmp_path, code):
    """The parameters beside them are read, and keep their comments."""
    notebook = changed(tmp_path, "commands", parameters=f"{code}\nx = 1.0  # Hz: it")
    assert str(notebook.parameters["x"]) == "x = 1.0  # Hz: it"


@pytest.mark.parametrize("dataset", [["mnist"], {"a": 1}, 3, None, "other"])
def test_dataset_may_be_no_name(dataset):
    """Only the names of sets of digits are passed on."""
    found = input_digests(loaders=["load_iris_setosa"], results=[], dataset=dataset)
    assert found.keys() == {"iris setosa"}
