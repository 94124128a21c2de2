"""The committed tables of the book's sweeps, in the form that lessons read them in."""

from __future__ import annotations

import re
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.checks import shown
from snnlib.metrics import unpack_hits
from snnlib.recording import results_path
from snnlib.tables import read_results
from snnlib.workers import import_extra

if TYPE_CHECKING:
    import pandas as pd

# How the ways of reading out a network are called among its hits.
_WAY = re.compile(
    r"(?P<start>zero|uniform)_(?P<readout>last|mean)_(?P<synapse>[^_]+)"
    r"|layers_(?P<layer_synapse>[^_]+)|(?P<rates>rates)"
)
# Tables of networks that were trained briefly keep no hits, only shares of them.
_SHARE = "accuracy_"
_FIRST = "_200"


def read_committed(*names: str, **fixed: Any) -> pd.DataFrame:
    """Read committed tables, one below the other, with a row for each result.

    A run of experiment 3 reads one network out in many ways, and becomes as many rows:
    with ``initial_voltage``, ``readout`` ("rates" for the network without spikes) and
    ``synapse``, the ``passes`` that it was trained for, its ``accuracy`` in percent,
    its ``accuracy_200`` on the first 200 images and its ``hits``, an array with a bool
    for each test image; a table of networks that were trained briefly has no ``hits``.
    Where a table keeps a number for each split, its cell holds an array. An
    ``amplitude`` that follows the rule 1 / max_rate is written out. Nothing is run or
    downloaded.

    Parameters
    ----------
    *names : str
        Names of tables in ``results``, such as "grid_linear_regression".
    **fixed : number or str
        Values of columns. Rows that have others are left out.

    Returns
    -------
    frame : pandas.DataFrame

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    ValueError
        If there are no names, no column has one of those in ``fixed``, it holds arrays,
        or no row is left.

    See Also
    --------
    snnlib.read_results : Read any table as it is.

    Examples
    --------
    >>> table = read_committed(
    ...     "grid_linear_regression", synapse=0.1, readout="last", tau_rc=0.02
    ... )
    >>> sorted(table["max_rate"].unique().tolist())
    [50.0, 100.0, 150.0, 200.0, 250.0]
    """
    pandas = import_extra("pandas")
    if not names:
        msg = "names must be those of one or more tables; got none."
        raise ValueError(msg)
    frames = [_read_one(name, pandas) for name in names]
    frame = pandas.concat(frames, ignore_index=True)
    for name, value in fixed.items():
        if name not in frame:
            msg = (
                f"{', '.join(names)} must have the columns to be fixed; there is no "
                f"{name!r} among {', '.join(frame)}."
            )
            raise ValueError(msg)
        column = frame[name]
        if column.map(np.ndim).any():
            msg = f"{name} must be a column of numbers or words; it holds arrays."
            raise ValueError(msg)
        frame = frame[has_value(column, value)]
        if not len(frame):
            there = column.dropna()
            there = there if there.dtype.kind in "buif" else there.map(str)
            found = ", ".join(dict.fromkeys(map(str, there.sort_values())))
            msg = f"{name} must be one of {found}; got {shown(value)}."
            raise ValueError(msg)
    return frame.reset_index(drop=True)


def find_committed(*names: str) -> list[str]:
    """Return those of some tables that are committed.

    Parameters
    ----------
    *names : str
        Names of tables in ``results``.

    Returns
    -------
    found : list of str
        In the order they came in.

    Examples
    --------
    >>> find_committed("grid_linear_regression", "grid_of_tomorrow")
    ['grid_linear_regression']
    """
    return [name for name in names if _is_committed(name)]


def _is_committed(name):
    try:
        return results_path(f"{name}.csv").is_file()
    except FileNotFoundError:
        return False


def has_value(column, value):
    """Return where a column has a value, a number being equal but for rounding.

    Parameters
    ----------
    column : pandas.Series
        Of a table.
    value : number or str
        What to look for.

    Returns
    -------
    same : bool array-like
    """
    is_number = isinstance(value, Real | np.bool_)
    if is_number and column.dtype.kind in "buif":
        # Whole numbers, such as seeds, are equal or not.
        is_float = column.dtype.kind == "f"
        return np.isclose(column, value, 1e-9, 0) if is_float else column == value
    # A list would be compared row by row.
    return (
        column == value
        if is_number or isinstance(value, str)
        else np.zeros(len(column), bool)
    )


def _read_one(name, pandas):
    frame = read_results(results_path(f"{name}.csv"))
    for column in frame.filter(regex="_by_split$"):
        frame[column] = [np.array(text.split(), float) for text in frame[column]]
    if "hits" in frame or any(map(_way_of_share, frame)):
        frame = _each_way(frame, pandas)
    if "amplitude" in frame:
        frame["amplitude"] = frame["amplitude"].fillna(1 / frame["max_rate"])
    return frame


def _each_way(frame, pandas):
    """Return a row for each way in which the networks of a table were read out."""
    kept = [c for c in frame if c != "hits" and not c.startswith(_SHARE)]
    read = _from_hits if "hits" in frame else _from_shares
    rows = [
        {**{column: row[column] for column in kept}, **_describe(way, row), **scores}
        for row in frame.to_dict("records")
        for way, scores in read(row)
    ]
    return pandas.DataFrame(rows)


def _describe(way, row):
    """Return what the name of a way of reading out says."""
    way, _, passes = way.partition("_after_")
    its = _WAY.fullmatch(way).groupdict()
    return {
        "initial_voltage": its["start"] or "zero",
        "readout": its["rates"] or its["readout"] or "last",
        "synapse": float(its["synapse"] or its["layer_synapse"] or "nan"),
        "layer_synapse": float(its["layer_synapse"] or 0),
        "passes": float(passes or row["n_epochs"]),
    }


def _from_hits(row):
    for way, hits in unpack_hits(row["hits"]).items():
        first = 100 * hits[:200].mean()
        yield way, {"accuracy": 100 * hits.mean(), "accuracy_200": first, "hits": hits}


def _from_shares(row):
    for way, column in ((_way_of_share(column), column) for column in row):
        if way:
            first = 100 * row.get(f"{column}{_FIRST}", float("nan"))
            yield way, {"accuracy": 100 * row[column], "accuracy_200": first}


def _way_of_share(column):
    """Return the way of reading out that a column holds the accuracy of, or None."""
    way = column.removeprefix(_SHARE)
    return way if way != column and _WAY.fullmatch(way) else None
