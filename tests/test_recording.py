"""Metrics written into a notebook and read back."""

import json
import sys
from fractions import Fraction

import nbformat
import numpy as np
import pytest

from snnlib import MetricsError, read_metrics, record, results_path
from snnlib.recording import MIME_TYPE, recorded_metrics


def write_notebook(path, *recorded):
    """Write a notebook with one output cell for each recorded dict."""
    cells = []
    for metrics in recorded:
        cell = nbformat.v4.new_code_cell("record(...)")
        cell.outputs = [nbformat.v4.new_output("display_data", {MIME_TYPE: metrics})]
        cells.append(cell)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_record_shows_plain_numbers(monkeypatch):
    """NumPy scalars become numbers JSON knows, and NaN becomes None."""
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw, **_: shown.append((data, raw))
    )
    record(
        {"mspe": np.float32(1.5), "n": np.int64(3), "ok": np.bool_(True), "x": np.nan}
    )
    ((data, raw),) = shown
    assert raw
    assert data[MIME_TYPE] == {"mspe": 1.5, "n": 3, "ok": True, "x": None}
    assert type(data[MIME_TYPE]["n"]) is int
    assert "mspe  1.5" in data["text/plain"]


def shown_and_written(monkeypatch, path, metrics, **options):
    """Record metrics in a notebook, and write it as papermill does."""
    outputs = []
    monkeypatch.setattr(
        "IPython.display.display",
        lambda data, metadata, **_: outputs.append((data, metadata)),
    )
    record(metrics, **options)
    cell = nbformat.v4.new_code_cell("record(...)")
    cell.outputs = [
        nbformat.v4.new_output("display_data", data, metadata=metadata)
        for data, metadata in outputs
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_metrics_keep_the_order_they_were_recorded_in(monkeypatch, tmp_path):
    """Notebooks are written with sorted keys, which no table shall show."""
    metrics = {"z": 1, "a": 2, "m": 3}
    path = shown_and_written(monkeypatch, tmp_path / "n.ipynb", metrics)
    assert list(read_metrics(path)) == ["z", "a", "m"]


def test_units_are_recorded(monkeypatch, tmp_path):
    """They travel with the metrics."""
    metrics, units = {"z": 1, "a": 2}, {"a": "Hz"}
    path = shown_and_written(monkeypatch, tmp_path / "n.ipynb", metrics, units=units)
    assert recorded_metrics(json.loads(path.read_text()), path) == (metrics, units)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"b": "s"}, r"units must name metrics \['a'\]; got 'b'"),
        ({"a": 1}, "units must be a dict of texts by name"),
        ("s", "units must be a dict of texts by name"),
    ],
)
def test_units_of_nothing_are_refused(units, message):
    """Each unit belongs to a metric, and is text."""
    with pytest.raises(ValueError, match=message):
        record({"a": 1}, units=units)


@pytest.mark.parametrize(
    "about", [None, 3, {"order": 3}, {"order": ["b", ["a"]], "units": [1]}]
)
def test_odd_order_and_units_are_left_aside(about):
    """Whatever another program wrote there, the metrics are read."""
    output = {"data": {MIME_TYPE: {"a": 1, "b": 2}}, "metadata": {MIME_TYPE: about}}
    cell = {"cell_type": "code", "source": "", "outputs": [output]}
    metrics, units = recorded_metrics({"cells": [cell]}, "it")
    assert metrics == {"a": 1, "b": 2}
    assert units == {}


def test_record_prints_where_there_is_no_ipython(monkeypatch, capsys):
    """A plain Python needs no notebook's packages to read the numbers."""
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    record({"mspe": 0.5, "share": 1})
    assert capsys.readouterr().out == "mspe   0.5\nshare  1\n"


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (np.array(0.25), 0.25),
        (np.bool_(False), False),
        (np.str_("a"), "a"),
        (Fraction(1, 4), 0.25),
        (np.inf, None),
        (np.float64("nan"), None),
        (10**30, 10**30),
        (None, None),
    ],
)
def test_recorded_value_is_plain(monkeypatch, value, recorded):
    """Each kind of number has one of JSON's, in its type."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    record({"a": value})
    found = shown[0][MIME_TYPE]["a"]
    assert found == recorded
    assert type(found) is type(recorded)


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ({}, ValueError, "at least one"),
        ({3: 1.0}, TypeError, "named by strings; got 3"),
        ({"a": [1, 2]}, TypeError, r"metrics\['a'\].*list"),
        ({"a": np.arange(2)}, TypeError, r"metrics\['a'\].*list"),
        ({"a": 1j}, TypeError, r"metrics\['a'\].*complex"),
        ({"a": {}}, TypeError, r"metrics\['a'\].*dict"),
        ({"a": 10**400}, ValueError, r"metrics\['a'\] must be a number that a float"),
        ({"a": 10**5000}, ValueError, r"metrics\['a'\] must be a number that a float"),
    ],
    ids=[
        *("nothing", "number as name", "list as value", "array", "complex", "dict"),
        *("huge number", "number too long to be written out"),
    ],
)
def test_record_refuses_what_it_could_not_read_back(metrics, error, message):
    """Each message names the entry and what it got."""
    with pytest.raises(error, match=message):
        record(metrics)


def test_read_metrics_joins_outputs(tmp_path):
    """Two records make one dict; the same value twice is no contradiction."""
    path = write_notebook(tmp_path / "a.ipynb", {"b": 1, "a": 2.5}, {"c": "x", "b": 1})
    assert read_metrics(path) == {"b": 1, "a": 2.5, "c": "x"}


def test_read_metrics_refuses_a_contradiction(tmp_path):
    """One name with two values is an error that shows both."""
    path = write_notebook(tmp_path / "a.ipynb", {"b": 1}, {"b": 2})
    with pytest.raises(MetricsError, match="'b' twice, as 1 and as 2"):
        read_metrics(path)


def test_read_metrics_tells_a_notebook_that_was_not_run(tmp_path):
    """The message says how to run it."""
    with pytest.raises(MetricsError, match=r"no recorded metrics.*papermill"):
        read_metrics(write_notebook(tmp_path / "a.ipynb"))


CELL = {"cell_type": "code", "metadata": {}, "source": ""}


@pytest.mark.parametrize(
    "content",
    [
        *("", '{"cells": [', "[1]", "3", "{}", '{"cells": 3}', '{"cells": [3]}'),
        *(
            json.dumps({"cells": [{**CELL, "outputs": outputs}]})
            for outputs in (3, [3], [{"data": 3}], [{"data": []}])
        ),
        "[" * 100_000,
    ],
    ids=lambda content: content[:80],
)
def test_read_metrics_refuses_half_a_notebook(tmp_path, content):
    """A truncated or foreign file is named."""
    path = tmp_path / "half.ipynb"
    path.write_text(content)
    with pytest.raises(MetricsError, match=r"half\.ipynb is not a notebook"):
        read_metrics(path)


@pytest.mark.parametrize("recorded", [3, None, [], "a"])
def test_read_metrics_passes_over_what_is_no_record(tmp_path, recorded):
    """Another program's output of that kind has no metrics by name."""
    path = write_notebook(tmp_path / "a.ipynb", {"b": 1})
    content = json.loads(path.read_text())
    content["cells"].append({**CELL, "outputs": [{"data": {MIME_TYPE: recorded}}]})
    path.write_text(json.dumps(content))
    assert read_metrics(path) == {"b": 1}


def test_read_metrics_of_a_missing_file_says_so(tmp_path):
    """A missing file is Python's own error."""
    with pytest.raises(FileNotFoundError, match="gone"):
        read_metrics(tmp_path / "gone.ipynb")


def test_results_path_lists_what_there_is():
    """A wrong name is answered with the right ones."""
    assert results_path("versions.csv").is_file()
    with pytest.raises(FileNotFoundError, match=r"'versions\.csv'.*got 'nothing\.csv'"):
        results_path("nothing.csv")
