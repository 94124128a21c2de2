"""The house is in order: notebooks, addresses, commands and the cost of an import."""

import ast
import inspect
import itertools
import json
import re
import socket
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import addresses
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import environments
import snnlib
from snnlib.architectures import Conv, Dense, Pool
from snnlib.estimators._engines import ConvRun
from snnlib.explorers import Control, Guess, Panel, Preset, Readout, Series, View
from snnlib.metrics import AccuracyInterval, LayerCost, NetworkCost, SynapticOperations
from snnlib.notebooks import Notebook
from snnlib.parameters import Parameter
from snnlib.plans import Run

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAVY = {"tensorflow", "dask", "papermill", "matplotlib", "sklearn"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What Colab has installed, by name, from the newest list.
COLAB = {
    canonicalize_name(name): version
    for name, version in (
        line.split("==")
        for line in max((ROOT / "environments").glob("colab-*.txt"))
        .read_text()
        .splitlines()
        if "==" in line
    )
}

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
def test_notebook_tags_what_measures_time(notebook):
    """By the tag, the book knows which lessons to run with nothing beside them."""
    for cell in code_cells(notebook):
        measures = "perf_counter" in "".join(cell["source"])
        assert measures == ("timing" in cell["metadata"].get("tags", []))


@each_notebook
def test_notebook_folds_answers(notebook):
    """The code of an explorer holds its answer: the page folds it away."""
    for cell in code_cells(notebook):
        if re.search(r"_explorer\(.*answer=", "".join(cell["source"]), re.DOTALL):
            tags = cell["metadata"].get("tags", [])
            assert {"hide-input", "hide-cell", "remove-input"} & {*tags}


@each_notebook
def test_notebook_uses_public_names(notebook):
    """A lesson takes from the package only public names."""
    # A star import must not load TensorFlow, so these two are public beside __all__.
    public = {*snnlib.__all__, "nengo_dl", "tf"}
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


# Numbers with the unit of a result that prose may hold: levels of confidence, margins
# and other settings, and what a formula beside them gives. Results come from cells.
SETTINGS = {
    "02_spikes_to_numbers": {"63 %"},
    "02b_many_neurons": {"1 %"},
    "03_training_with_rates": {"95 %"},
    "03b_deep_spiking": {"95 %"},
    "05_logistic_regression": {"95 %", "75 %", "50 %"},
    "06_mnist": {"98.5 %"},
    "07_parameter_sweeps": {"95 %"},
    "08_how_sure": {"95 %", "28 points", "80 %", "5 %", "5 points"},
    "09_interactions": {"95 %"},
}


@each_notebook
def test_notebook_types_no_result(notebook):
    """No accuracy, share or ratio stands in prose that a run could change."""
    cells = json.loads(notebook.read_text())["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = re.sub(r"```.*?```", "", "".join(cell["source"]), flags=re.S)
            found = re.findall(r"\b\d[\d,.]*\s?(?:%|points?\b|times\b)", text)
            assert {*found} <= SETTINGS.get(notebook.stem, set())


# Inside these MathJax reads text, and shows every backslash but a few.
RAW_BACKSLASH = re.compile(
    r"\\(?:text[a-z]*|[mhf]box)\s*\{(?:[^{}\\]|\\[${}\\])*\\(?![${}\\(]|(?:eq)?ref\b)"
)


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"\text{max\_rate}", True),
        (r"\textrm{95\%}", True),
        (r"\mbox{a\,b}", True),
        (r"\text{5\$ and max\_rate}", True),
        (r"\text{max_rate}", False),
        (r"\mathrm{max\_rate}", False),
        (r"\text{rate} = \frac{1}{t\_0}", False),
        (r"\text{a \{b\} for 5\$}", False),
    ],
)
def test_raw_backslash_is_found(formula, shown):
    """What is looked for in formulas is what MathJax cannot read, and no more."""
    assert bool(RAW_BACKSLASH.search(formula)) == shown


def test_formulas_show_no_backslash():
    """No formula of a lesson or page has a command where MathJax expects text."""
    texts = {path: path.read_text() for path in (ROOT / "book").rglob("*.md")}
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text())["cells"]
        texts[path] = "\n".join("".join(cell["source"]) for cell in cells)
    assert len(texts) > len(NOTEBOOKS)
    for path, text in texts.items():
        found = RAW_BACKSLASH.search(text)
        assert found is None, f"{path}: {found[0]}"


def requirements(*extras):
    """Return what pip would be asked for, with these extras of our own."""
    optional = PROJECT["optional-dependencies"]
    asked = [
        *PROJECT["dependencies"],
        *(r for extra in extras for r in optional[extra]),
    ]
    found = {}
    for requirement in map(Requirement, asked):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        if requirement.name == PROJECT["name"]:
            found |= requirements(*requirement.extras)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def test_pins_are_in_range():
    """Every package that pyproject.toml names is pinned, to a version it allows."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    pins = {canonicalize_name(name): version for name, version in pairs}
    for name, requirement in requirements("all").items():
        assert name in pins, name
        assert requirement.specifier.contains(pins[name]), (
            f"{requirement}: {pins[name]}"
        )


@pytest.mark.parametrize("extras", [(), ("dl",)], ids=["base", "dl"])
def test_colab_keeps_its_versions(extras):
    """Installed on Colab, we and what we bring along replace nothing of its own."""
    to_check = list(requirements(*extras).values())
    brought = set()
    while to_check:
        requirement = to_check.pop()
        name = canonicalize_name(requirement.name)
        if name in COLAB:
            assert requirement.specifier.contains(COLAB[name]), requirement
        elif name in requirements("dl") and name not in brought:
            brought.add(name)
            needs = map(Requirement, metadata.requires(name) or [])
            to_check += [
                need
                for need in needs
                if need.marker is None or need.marker.evaluate({"extra": ""})
            ]
    assert "nengo" in brought


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


def test_type_checkers_see_every_public_name():
    """What is loaded lazily, and so hidden from them, stands in the stub."""
    stub = (ROOT / "snnlib" / "__init__.pyi").read_text()
    named = re.findall(r"^from snnlib\.(\w+) import (\w+) as \2$", stub, re.M)
    homes = {name: home for home, names in snnlib._HOMES.items() for name in names}
    declared = re.findall(r"^(\w+): ", stub, re.M)
    assert {name: home for home, name in named} | {
        name: "_nengo_dl" for name in declared if name != "__version__"
    } == homes
    # TensorFlow is public, but no star import may load it.
    assert sorted(snnlib.__all__) == sorted(
        {"__version__", *homes} - {"nengo_dl", "tf"}
    )
    assert (ROOT / "snnlib" / "py.typed").is_file()


def public_functions():
    """Yield each public function, and each public method of a public class."""
    named = {name: getattr(snnlib, name) for name in snnlib.__all__}
    # What they return is as public as they are.
    returned = {
        kind.__name__: kind
        for kind in (
            *(AccuracyInterval, LayerCost, NetworkCost, SynapticOperations),
            *(Conv, Dense, Pool, ConvRun, Notebook, Parameter, Run),
            *(Control, Guess, Panel, Preset, Readout, Series, View),
        )
    }
    for name, value in (named | returned).items():
        if not inspect.isclass(value):
            yield name, value
            continue
        for kind in value.__mro__:
            if kind.__module__.startswith("snnlib."):
                for attribute, member in vars(kind).items():
                    member = getattr(member, "fget", None) or member
                    member = getattr(member, "func", member)
                    member = getattr(member, "__func__", member)
                    if attribute == "__init__" or not attribute.startswith("_"):
                        yield f"{name}.{attribute}", member


def test_public_functions_are_typed():
    """Every argument and every result has a type, so that mypy checks who calls."""
    untyped = []
    for name, function in public_functions():
        if inspect.isfunction(function):
            signature = inspect.signature(function)
            parameters = list(signature.parameters.values())
            bare = [
                p.name
                for p in parameters
                if p.annotation is p.empty and p.name not in {"self", "cls"}
            ]
            if bare or (
                signature.return_annotation is signature.empty
                and not name.endswith("__init__")
            ):
                untyped.append((name, bare))
    assert untyped == []


def test_addresses_agree():
    """Every file that names the repository or the book names that of pyproject.toml."""
    if subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("not a git repository, so there is no list of its files")
    repository, book = (
        addresses.default_repository(),
        addresses.book_of(addresses.default_repository()),
    )
    named = [
        re.compile(r"git\+(https://[\w./-]+)"),
        re.compile(r"git clone (https://\S+)"),
        re.compile(r"repository-code: (\S+)"),
        re.compile(r"(https://[\w-]+\.github\.io/[\w.-]*)"),
        re.compile(r"(https://[\w./-]+?)/(?:issues|blob/main|tree/main)\b"),
    ]
    found = {}
    for path, text in addresses.files():
        if path.parts[-2] not in {"_ext", "tests"}:
            hits = {hit for pattern in named for hit in pattern.findall(text)}
            found |= {path.name: hits} if hits else {}
    assert len(found) == 25, sorted(found)
    allowed = {repository, book, book.removesuffix("/")}
    assert {
        name: hits - allowed for name, hits in found.items() if hits - allowed
    } == {}


def test_address_is_written_everywhere(tmp_path):
    """A fork's owner gives it once, and then no file names the original."""
    new = "https://github.com/you/neurons.2"
    copy = environments.snapshot(tmp_path)
    script = copy / "book" / "_ext" / "addresses.py"
    subprocess.run([sys.executable, script, f"{new}.git"], check=True)
    texts = {
        path: path.read_text()
        for path in copy.rglob("*")
        if path.suffix in {".md", ".toml", ".ipynb", ".cff", ".yml", ".py", ".txt"}
    }
    old = urlsplit(addresses.default_repository()).path.strip("/")
    owner, name = old.split("/")
    left = [
        path.name
        for path, text in texts.items()
        if old in text or f"{owner}.github.io/{name}" in text
    ]
    assert left == []
    assert sum(f"git+{new}" in text for text in texts.values()) == 19
    refused = subprocess.run(
        [sys.executable, script, "you/neurons"], capture_output=True, text=True
    )
    assert (
        "must be as https://github.com/owner/name; got 'you/neurons'" in refused.stderr
    )


def test_address_of_the_book_is_pages():
    """GitHub serves the book of a repository, and that of an owner's own page."""
    book_of = addresses.book_of
    assert book_of("https://github.com/You/neurons") == "https://you.github.io/neurons/"
    assert book_of("https://github.com/You/you.github.io") == "https://you.github.io/"


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


def fresh_python(code, *arguments):
    """Run code in a Python that has imported nothing yet; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_leaves_heavy_packages_out():
    """``import snnlib`` loads nothing that takes long."""
    loaded = fresh_python("import sys, snnlib; print(*sys.modules)").split()
    assert set(loaded) & HEAVY == set()


LOOK_AROUND = """
import inspect, json, pydoc, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import snnlib
from snnlib import *
text = pydoc.render_doc(snnlib, renderer=pydoc.plaintext)
members = dict(inspect.getmembers(snnlib))
places = {"dir": dir(snnlib), "help": text, "inspect": members, "import *": globals()}
lost = [
    (place, name)
    for place, names in places.items() for name in snnlib.__all__ if name not in names
]
print(json.dumps({"lost": lost, "tensorflow": bool(sys.modules.get("tensorflow"))}))
"""
ASK_FOR_TENSORFLOW = """
for name in "nengo_dl", "tf":
    assert not hasattr(snnlib, name), name
try:
    from snnlib import tf
except ImportError as error:
    assert 'pip install "snnlib[dl]"' in str(error), error
"""


@pytest.fixture(scope="module")
def extra_modules():
    """Return the modules that only our optional packages bring."""
    extra = requirements("all").keys() - requirements().keys()
    brought = metadata.packages_distributions().items()
    return [
        module
        for module, names in brought
        if {canonicalize_name(name) for name in names} <= extra
    ]


def test_names_can_be_listed():
    """Help, completion and a star import find every name, and load no TensorFlow."""
    seen = json.loads(fresh_python(LOOK_AROUND))
    assert seen == {"lost": [], "tensorflow": False}


def test_names_can_be_listed_without_extras(extra_modules):
    """So they do where no optional package is; NengoDL is then not there, and why."""
    assert {"tensorflow", "distributed", "papermill", "numba"} <= {*extra_modules}
    seen = fresh_python(LOOK_AROUND + ASK_FOR_TENSORFLOW, *extra_modules)
    assert json.loads(seen) == {"lost": [], "tensorflow": False}


BREAK_NUMPY = """
import sys, types
sys.modules["numpy"] = types.ModuleType("numpy") if sys.argv[1] == "empty" else None
import snnlib
assert not hasattr(snnlib, "lif_spikes")
for statement in "from snnlib import lif_spikes", "from snnlib import *":
    try:
        exec(statement)
    except ImportError as error:
        assert sys.argv[2] in str(error), error
    else:
        raise AssertionError(statement)
"""


@pytest.mark.parametrize(
    ("numpy", "reason"),
    [("empty", "'numpy' "), ("missing", "import of numpy halted")],
    ids=["empty", "missing"],
)
def test_import_tells_why_it_fails(numpy, reason):
    """Where a module of ours cannot be loaded, ``from snnlib import`` says why."""
    fresh_python(BREAK_NUMPY, numpy, reason)


@pytest.mark.timing
def test_import_costs_little_more_than_nengo_and_sklearn():
    """``import snnlib`` takes at most 1.3 times ``import nengo, sklearn``."""
    seconds = {"import nengo, sklearn": [], "import snnlib": []}
    for _, code in itertools.product(range(3), seconds):
        start = time.perf_counter()
        fresh_python(code)
        seconds[code].append(time.perf_counter() - start)
    # What else the machine does only ever adds to the time.
    theirs, ours = map(min, seconds.values())
    assert ours <= 1.3 * theirs, seconds
