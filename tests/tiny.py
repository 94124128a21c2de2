"""A notebook small enough to sweep in a test, and what a test asks of a sweep."""

import json
import os
import sys
import textwrap
import time
import uuid

import nbformat
import psutil

CELLS = {
    "parameters": """
        x = 1.0  # number to be raised
        power = 2  # whole number
        offset = 0.0  # number to be added, or None
        label = "plain"  # any text
        exact = True
        seed = 0
    """,
    "check": """
        def check_parameters():
            if not 0 <= x <= 100:
                raise ValueError(f"x must be from 0 to 100; got {x!r}")

        check_parameters()
    """,
    # What makes a run fail lies outside the notebook and its parameters, so that the
    # same run can fail today and end well tomorrow.
    "fault": """
        from pathlib import Path

        fault = Path(FAULT)
        if fault.exists() and x == 3:
            exec(fault.read_text())
    """,
    "result": """
        import random

        from snnlib import record

        result = x**power + (offset or 0)
        record({"result": result, "draw": random.Random(seed).random(), "label": label})
    """,
}
GRID = {"x": [1, 2, 3], "power": [2, 3]}


def write_notebook(folder, name="tiny", **changes):
    """Write the notebook into ``folder``, with some cells changed; return its path."""
    sources = CELLS | changes
    cells = []
    for cell, source in sources.items():
        source = textwrap.dedent(source).strip()
        source = source.replace("FAULT", repr(str(folder / "fault.py")))
        tags = {"tags": [cell]} if cell == "parameters" else {}
        cells.append(nbformat.v4.new_code_cell(source, metadata=tags))
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def write_definition(folder, **definition):
    """Write a sweep of the notebook in ``folder``; return the definition's path."""
    write_notebook(folder)
    content = {"notebook": "tiny.ipynb", **(definition or {"grid": GRID})}
    path = folder / "tiny.yaml"
    # JSON is YAML.
    path.write_text(json.dumps(content, indent=1))
    return path


def without_times(rows):
    """Return the rows of a table without the column that no two runs share."""
    return [{k: v for k, v in row.items() if k != "wall_time"} for row in rows]


def snnlib(*arguments):
    """Return the command line of ``snnlib`` with some arguments."""
    return [sys.executable, "-m", "snnlib.cli", *map(str, arguments)]


def marked_environment():
    """Return a mark, and an environment by which all descendants can be found."""
    mark = uuid.uuid4().hex
    return mark, {**os.environ, "SNNLIB_TEST_MARK": mark}


def marked_processes(mark):
    """Return the living processes with a mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                environment = process.environ()
                if environment.get("SNNLIB_TEST_MARK") == mark:
                    found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until(condition, seconds=120):
    """Wait until a condition is true, and return what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    msg = f"not within {seconds} s"
    raise AssertionError(msg)
