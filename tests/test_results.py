"""The committed tables are whole, and what is in them can be had again."""

import hashlib
import importlib
import json
import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tiny

from snnlib.digests import code_digest, digest
from snnlib.plans import read_plan
from snnlib.recording import read_metrics
from snnlib.tables import planned_values, read_provenance, read_table

ROOT = Path(__file__).resolve().parents[1]
DEFINITIONS = sorted((ROOT / "sweeps").glob("*.yaml"))
definitions = pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda p: p.stem)


def committed(name):
    """Return the path of a committed table."""
    return ROOT / "results" / f"{name}.csv"


@definitions
def test_table_is_as_it_was_collected(definition):
    """The provenance beside a table has its checksum, and misses no run."""
    path = committed(definition.stem)
    provenance = json.loads(path.with_suffix(".json").read_text())
    assert provenance["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert provenance["missing"] == []
    assert provenance["n_rows"] == len(read_table(path))


@definitions
def test_ids_are_those_of_their_rows(definition):
    """Each id is the digest of its row's values, and of what lies beside the table.

    It shows that a cell gives back the value that was run, to the last digit and in its
    type, and that no id depends on how ids are made today.
    """
    table = committed(definition.stem)
    provenance = read_provenance(table)
    for row in read_table(table):
        values, inputs = planned_values(row, provenance)
        assert values, row["run_id"]
        assert inputs in provenance["inputs"]
        planned = {**provenance["identity"], "inputs": inputs, "values": values}
        assert digest(planned)[:16] == row["run_id"]


@definitions
def test_table_holds_what_the_definition_asks_for(definition, monkeypatch):
    """Row by row, the parameters of a table are those of its definition."""
    # Without MNIST the points can be planned all the same.
    monkeypatch.setattr("snnlib.plans._Planner._inputs", lambda *_: {})
    monkeypatch.setattr("snnlib.notebooks.Notebook.refusal", lambda *_: None)
    plan = read_plan(definition)
    rows = read_table(committed(definition.stem))
    assert len(rows) == len(plan.rows)
    for row, (axis, run) in zip(rows, plan.rows, strict=True):
        assert row["axis"] == axis
        assert {name: row[name] for name in run.values} == run.values


def repeated(definition):
    """Return what ``repeat_rows.py`` found of a definition's table."""
    table = committed(definition.stem)
    code = read_provenance(table)["identity"]["code"]
    return [
        row
        for row in read_table(committed("repeated_rows"))
        if (row["table"], row["code"]) == (table.name, code)
    ]


@pytest.fixture
def repeat_rows():
    """Return the module of the script that repeats rows."""
    return importlib.import_module("scripts.repeat_rows")


@pytest.mark.parametrize(
    ("metrics", "known", "difference"),
    [
        ({"a": 1.0, "b": "x"}, {"a": 1.0, "b": "x"}, 0),
        ({"a": 1.0, "b": 2.0}, {"a": 1.5, "b": 1.75}, 0.5),
        ({"a": 1.0, "b": None}, {"a": 1.0}, 0),
        ({"a": 1.0}, {"a": math.nan}, math.inf),
        ({"a": math.nan}, {"a": 1.0}, math.inf),
        ({"a": 1.0}, {"a": 1.0, "hits": "xxx"}, math.inf),
        ({"a": 1.0, "c": 1.0}, {"a": 1.0}, math.inf),
        ({"a": "x"}, {"a": 1.0}, math.inf),
    ],
)
def test_difference_of_a_repeated_row(repeat_rows, metrics, known, difference):
    """What only one side has, or is no number, is no agreement."""
    assert repeat_rows.largest_difference(metrics, known) == difference


def test_repeat_rows_compares_all_metrics_of_a_row(repeat_rows):
    """By the table's own schema."""
    table = committed("paper_linear_regression")
    row, about = read_table(table)[0], read_provenance(table)
    known = repeat_rows.committed_metrics(row, about)
    values, _ = planned_values(row, about)
    others = {*values, "run_id", "axis", "wall_time", "versions"}
    expected = {name for name in row if name not in others and row[name] is not None}
    # A metric that has a parameter's name has another one in the table.
    assert "n_splits_recorded" in expected
    assert known.keys() == {name.removesuffix("_recorded") for name in expected}
    assert repeat_rows.largest_difference(known, known) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["grid_lineer_regression"], "tables must be some of .*'grid_lineer_reg"),
        (["--sample", "0"], "--sample must be a number from 1 to .*; got 0"),
        (["--sample", "-1"], "--sample must be a number from 1 to .*; got -1"),
        (["--sample", "99999"], "--sample must be a number from 1 to .*; got 99999"),
    ],
)
def test_repeat_rows_names_what_it_cannot_do(
    repeat_rows, monkeypatch, options, message
):
    """Before it runs anything."""
    monkeypatch.setattr("sys.argv", ["repeat_rows.py", *options])
    with pytest.raises(SystemExit, match=message):
        repeat_rows.main()


def definitions_of(notebook):
    """Return the definitions that run a notebook of the sweeps."""
    return [
        it
        for it in DEFINITIONS
        if read_provenance(committed(it.stem))["notebook"] == notebook
    ]


@definitions
def test_a_row_of_each_table_was_repeated_to_the_last_digit(definition):
    """``repeat_rows.py`` found no difference, in a row that the table still has.

    It names the code that it ran with, which need not be today's. A network trained in
    full takes a quarter of an hour. Of those, the row may be of another table from the
    same notebook.
    """
    found, table = repeated(definition), committed(definition.stem)
    notebook = read_provenance(table)["notebook"]
    if not found and notebook in {"mnist_in_full.ipynb", "relu.ipynb"}:
        assert any(map(repeated, definitions_of(notebook)))
        return
    assert found
    for row in found:
        assert row["run_id"] in {it["run_id"] for it in read_table(table)}
        assert row["n_metrics"] > 0
        assert row["largest_difference"] == 0


def run_again(name, row, folder):
    """Do the run of a row by its id, as the how-to page says; return its metrics."""
    definition = read_plan(ROOT / "sweeps" / f"{name}.yaml")
    out = folder / "again.ipynb"
    # In a process of its own, for --threads sets the environment.
    command = tiny.snnlib("run", definition.notebook.path, "--row", committed(name))
    command += [row["run_id"], "--threads", "1", "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return read_metrics(out)


def rows_at_random(*groups):
    """Return a table's name and a row's number for each group of tables.

    What is drawn changes with the code, and with nothing else.
    """
    drawn = np.random.default_rng(int(code_digest(), 16))
    for names in groups:
        name = names[drawn.integers(len(names))]
        yield name, int(drawn.integers(len(read_table(committed(name)))))


IN_FULL = [it.stem for it in definitions_of("mnist_in_full.ipynb")]
LINEAR, LOGISTIC, NETWORK, FULL = rows_at_random(
    [path.stem for path in DEFINITIONS if path.stem.endswith("linear_regression")],
    [path.stem for path in DEFINITIONS if path.stem.endswith("logistic_regression")],
    [path.stem for path in DEFINITIONS if path.stem.endswith("mnist")],
    IN_FULL,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        LINEAR,
        LOGISTIC,
        *(
            pytest.param(name, number, marks=pytest.mark.slow)
            for name, number in (
                ("grid_linear_regression", 123),
                ("grid_logistic_regression", 321),
                ("paper_linear_regression", 7),
                ("paper_logistic_regression", 13),
                ("held_out_linear_regression", 0),
                ("amplitude_logistic_regression", 5),
            )
        ),
    ],
)
def test_row_of_a_regression_can_be_had_again(name, number, tmp_path):
    """A single neuron's run gives every metric again, to the last digits.

    Sums may be taken in another order on another processor, which allows 1e-9.
    """
    row = read_table(committed(name))[number]
    metrics = run_again(name, row, tmp_path)
    assert metrics
    for metric, value in metrics.items():
        if isinstance(value, float):
            assert math.isclose(value, row[metric], rel_tol=1e-9), metric
        else:
            assert value == row[metric], metric


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [
        *([] if NETWORK[0] in IN_FULL else [NETWORK]),
        ("transferred_mnist", 3),
        ("transferred_rule_mnist", 0),
        ("grid_mnist", 10),
        ("full_mnist", 5),
    ],
)
def test_row_of_mnist_can_be_had_again(name, number, tmp_path):
    """A network gives every accuracy again to 0.5 points."""
    row = read_table(committed(name))[number]
    for metric, value in run_again(name, row, tmp_path).items():
        if metric.startswith("accuracy"):
            # One of the paper's 200 images is half a point.
            assert value == pytest.approx(row[metric], abs=0.005 + 1e-9), metric


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [FULL, ("one_layer_mnist", 5)])
def test_training_in_full_can_be_had_again(name, number, tmp_path):
    """Its firing rates give their accuracy again to 0.5 points.

    With other rounding, ten passes lead to another network of the same quality. The
    hits by its spikes may differ more, as they do between seeds.
    """
    row = read_table(committed(name))[number]
    again = run_again(name, row, tmp_path)
    assert again["accuracy_rates"] == pytest.approx(row["accuracy_rates"], abs=0.005)
    assert again["dataset_used"] == row["dataset_used"]


def dictionary():
    """Return patterns of the columns that the data dictionary explains, by name."""
    text = (ROOT / "book" / "data_dictionary.md").read_text()
    names = re.findall(r"^\| `([^`]+)` \|[^|]*\| [^|]+ \|$", text, re.M)
    stands_for = {
        "{start}": "(zero|uniform)",
        "{readout}": "(last|mean)",
        "{synapse}": r"\d+(\.\d+)?",
        "{steps}": r"\d+",
        "{passes}": r"\d+(\.\d+)?",
        "{parameter}": "(max_rate|tau_rc|synapse)",
    }
    patterns = {}
    for name in names:
        assert name not in patterns, f"{name} is explained twice"
        patterns[name] = re.escape(name)
        for placeholder, values in stands_for.items():
            patterns[name] = patterns[name].replace(re.escape(placeholder), values)
    return patterns


def columns():
    """Return every column of the committed tables, with one table that has it."""
    return {
        name: path.name
        for path in sorted((ROOT / "results").glob("*.csv"))
        for name in path.read_text().partition("\n")[0].split(",")
    }


def test_dictionary_explains_every_column():
    """What a column means, and its unit, can be looked up."""
    patterns = dictionary().values()
    unexplained = {
        name: table
        for name, table in columns().items()
        if not any(re.fullmatch(pattern, name) for pattern in patterns)
    }
    assert len(columns()) > 100
    assert unexplained == {}


def test_dictionary_explains_nothing_else():
    """No explanation outlives its column."""
    stale = [
        name
        for name, pattern in dictionary().items()
        if not any(re.fullmatch(pattern, column) for column in columns())
    ]
    assert stale == []
