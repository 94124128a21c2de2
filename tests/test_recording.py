"""Metrics written into a notebook and read back."""

import nbformat
import numpy as np
import pytest

from snnlib import MetricsError, read_metrics, record, results_path
from snnlib.recording import MIME_TYPE


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
        "IPython.display.display", lambda data, raw: shown.append((data, raw))
    )
    record(
        {"mspe": np.float32(1.5), "n": np.int64(3), "ok": np.bool_(True), "x": np.nan}
    )
    ((data, raw),) = shown
    assert raw
    assert data[MIME_TYPE] == {"mspe": 1.5, "n": 3, "ok": True, "x": None}
    assert type(data[MIME_TYPE]["n"]) is int
    assert "mspe  1.5" in data["text/plain"]


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ({}, ValueError, "at least one"),
        ({3: 1.0}, TypeError, "named by strings; got 3"),
        ({"a": [1, 2]}, TypeError, r"metrics\['a'\].*list"),
    ],
    ids=["nothing", "number as name", "list as value"],
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


@pytest.mark.parametrize("content", ["", '{"cells": [', "[1]", "3"])
def test_read_metrics_refuses_half_a_notebook(tmp_path, content):
    """A truncated or foreign file is named."""
    path = tmp_path / "half.ipynb"
    path.write_text(content)
    with pytest.raises(MetricsError, match=r"half\.ipynb is not a notebook"):
        read_metrics(path)


def test_read_metrics_of_a_missing_file_says_so(tmp_path):
    """A missing file is Python's own error."""
    with pytest.raises(FileNotFoundError, match="gone"):
        read_metrics(tmp_path / "gone.ipynb")


def test_results_path_lists_what_there_is():
    """A wrong name is answered with the right ones."""
    assert results_path("versions.csv").is_file()
    with pytest.raises(FileNotFoundError, match=r"'versions\.csv'.*got 'nothing\.csv'"):
        results_path("nothing.csv")
