"""Tables made of the finished runs of a sweep."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from snnlib.checks import check_path
from snnlib.files import written_whole
from snnlib.folders import Folder, dump
from snnlib.tables import write_table


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
    rows = [
        _table_row(row, runs[row["run_id"]])
        for row in plan["rows"]
        if row["run_id"] in runs
    ]
    provenance = {
        **{key: plan[key] for key in ("definition", "notebook", "identity")},
        "inputs": _distinct(run["inputs"] for run in runs.values()),
        "versions": _distinct(run["versions"] for run in runs.values()),
        "last_run": max((run["finished"] for run in runs.values()), default=None),
        "n_rows": len(rows),
        "n_runs": len(runs),
        "missing": sorted(known - runs.keys()),
    }
    return Collected(rows, provenance, skipped, _mixtures(provenance))


@dataclass(frozen=True)
class Collected:
    """The table of a sweep.

    Attributes
    ----------
    rows : list of dict
        Run id, varied parameter, parameters, metrics, seconds it took and versions of
        each row. A metric that has the name of another column is called
        ``<name>_recorded``.
    provenance : dict
        What the table was made from and with; ``missing`` lists runs without a result.
    skipped : list of str
        The files that were left out, with the reasons.
    mixtures : list of str
        In what the runs differ that should be the same for all: the versions that they
        ran with.
    """

    rows: list[dict[str, Any]]
    provenance: dict[str, Any]
    skipped: list[str]
    mixtures: list[str]

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table as .csv, and its provenance beside it as .json.

        Parameters
        ----------
        path : path-like
            Name of the table, ending in ``.csv``.

        Raises
        ------
        ValueError
            If the name ends in anything else.
        """
        path = check_path("path", path)
        if path.suffix != ".csv":
            msg = f"path must end in .csv; got {str(path)!r}."
            raise ValueError(msg)
        path.parent.mkdir(parents=True, exist_ok=True)
        table = write_table(path, self.rows)
        sha256 = hashlib.sha256(table.encode()).hexdigest()
        provenance = {"table": path.name, "sha256": sha256, **self.provenance}
        with written_whole(path.with_suffix(".json")) as file:
            file.write(dump(provenance))


def _table_row(row, run):
    versions = ", ".join(f"{name} {v}" for name, v in run["versions"].items())
    first = {"run_id": row["run_id"], "axis": row["axis"], **run["values"]}
    last = {"wall_time": run["wall_time"], "versions": versions}
    return {**first, **_renamed(run["metrics"], {*first, *last}), **last}


def _renamed(metrics, taken):
    """Return metrics by names of their own: neither taken nor those of others."""
    renamed = {}
    for name, value in metrics.items():
        column = name
        while column in taken:
            column += "_recorded"
            while column != name and (column in metrics or column in renamed):
                column += "_recorded"
        renamed[column] = value
    return renamed


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
