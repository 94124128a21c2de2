"""Record results and read them back."""

from __future__ import annotations

import json
import math
import sys
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnlib.checks import check_path, shown
from snnlib.files import plain

if TYPE_CHECKING:
    import os

MIME_TYPE = "application/vnd.snnlib.metrics+json"


class MetricsError(ValueError):
    """A notebook without metrics, or with metrics that cannot be read."""


def record(metrics: dict[str, Any], *, units: dict[str, str] | None = None) -> None:
    """Show metrics as the one machine-readable output of a notebook.

    They travel inside the executed notebook; nothing is written to disk. Outside a
    notebook, where IPython is not installed, they are printed.

    Parameters
    ----------
    metrics : dict of str to number, str, bool or None
        What the run found. NumPy scalars become plain numbers. A table of runs has
        its columns in this order.
    units : dict of str to str, optional
        Units of some of them, such as ``{"wall_time": "s"}``, for tables and plots.

    Raises
    ------
    TypeError
        If a name is not a string, or a value is none of the above.
    ValueError
        If there is nothing to record, or a unit of what is not.

    See Also
    --------
    read_metrics : Read them back from the executed notebook.
    """
    if not isinstance(metrics, dict):
        msg = f"metrics must be a dict of values by name; got {shown(metrics)}."
        raise TypeError(msg)
    found = {_check_name(name): _metric(name, value) for name, value in metrics.items()}
    if not found:
        msg = "metrics must hold at least one value to record; got none."
        raise ValueError(msg)
    units = _check_units(units, found)
    width = max(map(len, found))
    lines = "\n".join(f"{name:<{width}}  {_show(v)}" for name, v in found.items())
    try:
        from IPython.display import display
    except ModuleNotFoundError:
        sys.stdout.write(f"{lines}\n")
    else:
        # Notebooks are written with their keys sorted; a list stays as it is.
        about = {"order": list(found), "units": units}
        display(
            {MIME_TYPE: found, "text/plain": lines},
            raw=True,
            metadata={MIME_TYPE: about},
        )


def read_metrics(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the metrics that an executed notebook recorded.

    Parameters
    ----------
    path : path-like
        A notebook after its run, such as papermill's output.

    Returns
    -------
    metrics : dict
        The metrics by name, in the order in which they were recorded.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MetricsError
        If the file is not a notebook, was not run to its record, or recorded one
        name twice with two values.
    """
    try:
        _, notebook = read_notebook(path)
    except ValueError as error:
        raise MetricsError(str(error)) from error
    metrics, _ = recorded_metrics(notebook, path)
    if not metrics:
        msg = (
            f"{path} holds no recorded metrics. Run it to its end first, for example "
            f"with: papermill {path} out.ipynb"
        )
        raise MetricsError(msg)
    return metrics


def recorded_metrics(notebook, path):
    """Return what an executed notebook recorded.

    Parameters
    ----------
    notebook : dict
        Its content, as JSON has it.
    path : path-like
        What to call it in a message.

    Returns
    -------
    metrics : dict
        As from `read_metrics`; empty if it was not run to its record.
    units : dict of str to str
        Units of some of them.

    Raises
    ------
    MetricsError
        If it is none, or recorded one name twice with two values.
    """
    if not _is_notebook(notebook):
        msg = f"{path} has no cells, or not as version 4 of the format has them."
        raise MetricsError(msg)
    metrics: dict[str, Any] = {}
    units: dict[str, str] = {}
    for recorded, its_units in _recorded(notebook):
        units |= its_units
        for name, value in recorded.items():
            if metrics.setdefault(name, value) != value:
                msg = (
                    f"{path} recorded {name!r} twice, as {metrics[name]!r} and as "
                    f"{value!r}."
                )
                raise MetricsError(msg)
    return metrics, units


def metrics_alone(metrics, units, source):
    """Return a notebook that holds metrics and no code.

    Parameters
    ----------
    metrics : dict
        As from `read_metrics`.
    units : dict of str to str
        Units of some of them.
    source : str
        Where they come from.

    Returns
    -------
    notebook : dict
        As JSON has it.
    """
    output = {
        "output_type": "display_data",
        "data": {MIME_TYPE: metrics},
        "metadata": {MIME_TYPE: {"order": [*metrics], "units": units}},
    }
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [output],
        "source": f"# Not run here: the metrics come from {source}",
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def results_path(name: str) -> Path:
    """Return the path of a committed result, such as trained weights.

    It does not read the file.

    Parameters
    ----------
    name : str
        File name in the folder ``results``.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such result; the message lists those there are.
    ValueError
        If ``name`` is no name of a file.
    """
    name = check_path("name", name)
    package = Path(__file__).parent
    # Inside the package once installed, beside it in a checkout.
    folders = [
        f for f in (package / "results", package.parent / "results") if f.is_dir()
    ]
    for folder in folders:
        if str(name) == name.name and (folder / name).is_file():
            return folder / name
    found = sorted(p.name for f in folders for p in f.iterdir())
    msg = f"name must be one of the committed results {found}; got {str(name)!r}."
    raise FileNotFoundError(msg)


def read_notebook(path):
    """Read a notebook's file, as far as its cells have what a notebook's have.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    text : str
        All that is in it.
    content : dict
        The same as JSON has it, with metadata for it and each cell.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not a notebook. The message names the file and the reason.
    """
    path = check_path("path", path)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except RecursionError:
        msg = f"{path} is not a notebook: it is nested too deeply."
        raise ValueError(msg) from None
    except ValueError as error:
        msg = f"{path} is not a notebook, or only half of one: {error}."
        raise ValueError(msg) from error
    if not _is_notebook(content):
        msg = (
            f"{path} is not a notebook: it has no cells, or not as version 4 has them."
        )
        raise ValueError(msg)
    return text, content


def _is_notebook(content):
    """Say whether it has cells with the right types, after adding missing metadata."""
    try:
        cells = content["cells"]
        for part in (content, *cells):
            part.setdefault("metadata", {}).keys()
        return all(map(_is_cell, cells))
    except (KeyError, TypeError, AttributeError):
        return False


def _is_cell(cell):
    """Say whether a cell has the types that the format of notebooks asks for."""
    source, tags = cell["source"], cell["metadata"].get("tags", [])
    lines = [source] if isinstance(source, str) else source
    return (
        isinstance(cell["cell_type"], str)
        and isinstance(lines, list)
        and isinstance(tags, list)
        and all(isinstance(text, str) for text in (*lines, *tags))
        and all(
            isinstance(part, dict)
            for output in cell.get("outputs", ())
            for part in (output, output.get("data", {}))
        )
    )


def _recorded(notebook):
    """Yield metrics and units of each metrics output, from top to bottom."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            recorded = output.get("data", {}).get(MIME_TYPE)
            if not isinstance(recorded, dict):
                continue
            about = output.get("metadata")
            about = about.get(MIME_TYPE) if isinstance(about, dict) else None
            about = about if isinstance(about, dict) else {}
            order, units = about.get("order"), about.get("units")
            order = order if isinstance(order, list) else []
            names = [*filter(recorded.__contains__, map(str, order)), *recorded]
            units = units.items() if isinstance(units, dict) else ()
            yield (
                {name: recorded[name] for name in names},
                {name: unit for name, unit in units if isinstance(unit, str)},
            )


def _check_units(units, metrics):
    units = {} if units is None else units
    if not isinstance(units, dict) or not all(
        isinstance(it, str) for it in units.values()
    ):
        msg = f"units must be a dict of texts by name; got {shown(units)}."
        raise ValueError(msg)
    for name in units:
        if name not in metrics:
            msg = f"units must name metrics {list(metrics)}; got {shown(name)}."
            raise ValueError(msg)
    return units


def _check_name(name):
    if not isinstance(name, str) or not name:
        msg = f"metrics must be named by strings; got {shown(name)}."
        raise TypeError(msg)
    return name


def _metric(name, value):
    """Return ``value`` as JSON knows it, with NaN and infinity as None."""
    value = plain(value)
    if value is None or isinstance(value, (str, bool)):
        return value
    try:
        if isinstance(value, Real) and not math.isfinite(value):
            return None
        if isinstance(value, Real):
            return int(value) if isinstance(value, Integral) else float(value)
    except OverflowError as error:
        msg = f"metrics[{name!r}] must be a number that a float can hold."
        raise ValueError(msg) from error
    msg = (
        f"metrics[{name!r}] must be a number, a string, a bool or None; "
        f"got {type(value).__name__}."
    )
    raise TypeError(msg)


def _show(value):
    return f"{value:.6g}" if isinstance(value, float) else str(value)
