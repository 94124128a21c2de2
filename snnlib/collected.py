"""Tables made of the finished runs of a sweep."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnlib.checks import check_path
from snnlib.folders import Folder, dump
from snnlib.tables import OF_RUNS, describe, to_frame, version_list, write_table

if TYPE_CHECKING:
    import pandas as pd


def collect_runs(out: str | os.PathLike[str]) -> Collected:
    """Gather the finished runs of a sweep into a table.

    Nothing is run, and nothing in the folder is changed.

    Parameters
    ----------
    out : path-like
        Folder of a sweep.

    Returns
    -------
    collected : Collected

    Raises
    ------
    SweepError
        If ``out`` is not the path of a folder that holds a sweep.
    """
    folder = Folder(out)
    plan = folder.read_plan()
    known = {row["run_id"] for row in plan["rows"]}
    runs, skipped = folder.finished(known)
    names = _columns(runs.values())
    rows = [
        _table_row(row, runs[row["run_id"]], names)
        for row in plan["rows"]
        if row["run_id"] in runs
    ]
    columns = describe(rows, _about(plan, runs.values(), names))
    provenance = {
        **{key: plan[key] for key in ("definition", "notebook", "identity")},
        "inputs": _distinct(run["inputs"] for run in runs.values()),
        "versions": _distinct(run["versions"] for run in runs.values()),
        "last_run": max((run["finished"] for run in runs.values()), default=None),
        "n_rows": len(rows),
        "n_runs": len(runs),
        "missing": sorted(known - runs.keys()),
        "columns": columns,
    }
    return Collected(rows, columns, provenance, skipped, _mixtures(provenance))


@dataclass(frozen=True)
class Collected:
    """The table of a sweep.

    Attributes
    ----------
    rows : list of dict
        Run id, varied parameter, parameters, metrics, seconds it took and versions of
        each row. A metric that has the name of another column is called
        ``<name>_recorded``.
    columns : list of dict
        The schema: of each column its ``name``; its ``kind``, "parameter", "metric" or
        "run"; its ``type``, such as "number or None"; its ``unit``, if the notebook
        names one; and ``about``, what else the notebook says of a parameter.
    provenance : dict
        What the table was made from and with; ``missing`` lists runs without a result.
    skipped : list of str
        The files that were left out, with the reasons.
    mixtures : list of str
        In what the runs differ that should be the same for all: the versions that they
        ran with.
    """

    rows: list[dict[str, Any]]
    columns: list[dict[str, str]]
    provenance: dict[str, Any]
    skipped: list[str]
    mixtures: list[str]

    def to_frame(self) -> pd.DataFrame:
        """Return the table for pandas.

        Returns
        -------
        frame : pandas.DataFrame
            As from `read_results`.
        """
        return to_frame(self.rows, self.columns)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table, and its provenance beside a .csv as .json.

        Parameters
        ----------
        path : path-like
            Name of the table, ending in ``.csv`` or ``.parquet``.

        Raises
        ------
        ValueError
            If the name ends in anything else, or the .json beside a .csv comes from no
            table.
        ImportError
            If there is no library for .parquet.
        """
        path = check_path("path", path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(path, self.rows, self.provenance)


def _table_row(row, run, names):
    versions = version_list(run["versions"])
    first = {"run_id": row["run_id"], "axis": row["axis"], **run["values"]}
    metrics = {names[name]: value for name, value in run["metrics"].items()}
    return {**first, **metrics, "wall_time": run["wall_time"], "versions": versions}


def _about(plan, runs, columns):
    """Return what is known of each column besides the types of its values."""
    known = {name: {"kind": "run", **its} for name, its in OF_RUNS.items()}
    for name, its in plan["parameters"].items():
        known[name] = {"kind": "parameter", **its}
    seen = set()
    for run in runs:
        names = *run["values"], None, *run["metrics"]
        if names in seen:
            continue
        seen.add(names)
        for name in run["values"]:
            known.setdefault(name, {"kind": "parameter"})
        for name in run["metrics"]:
            unit = run.get("units", {}).get(name)
            known[columns[name]] = {
                "kind": "metric",
                **({"unit": unit} if unit else {}),
            }
    return known


def _columns(runs):
    """Return the column of each metric: neither taken nor that of one beside it."""
    taken = {*OF_RUNS, *(name for run in runs for name in run["values"])}
    kinds = {(*run["metrics"],) for run in runs}
    columns = {}
    # One column for a metric in all runs, in whatever order they are read.
    for name in sorted({name for kind in kinds for name in kind}):
        beside = {other for kind in kinds if name in kind for other in kind} - {name}
        beside |= {columns[other] for other in beside & columns.keys()}
        column = name
        while column in taken or (column != name and column in beside):
            column += "_recorded"
        columns[name] = column
    return columns


def _mixtures(provenance):
    """Say which packages the runs had in several versions."""
    names = dict.fromkeys(name for its in provenance["versions"] for name in its)
    mixed = []
    for name in names:
        found = dict.fromkeys(its.get(name, "none") for its in provenance["versions"])
        if len(found) > 1:
            mixed.append(f"{name} {' and '.join(sorted(map(str, found)))}")
    return [f"the runs had different versions of {it}." for it in mixed]


def _distinct(items):
    return [json.loads(text) for text in sorted({dump(item) for item in items})]
