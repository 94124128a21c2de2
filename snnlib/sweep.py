"""Sweeps: one notebook run again and again, on all cores or on a cluster.

What a sweep writes, and all it writes, is in one folder::

    sweep.json           the plan: every row of the table, with the id of its run
    runs/<id>.ipynb      the executed notebook of a finished run
    failed/<id>.ipynb    that of a failed one, with the traceback
    lock                 who is at work on the folder
    .lock                what the system locks meanwhile; always empty

A file gets its name once it is complete. Only the caller writes: a run's notebook and
parameters travel to a worker, and the executed notebook travels back.
"""

import contextlib
import datetime
import hashlib
import json
import logging
import os
import platform
import reprlib
import sys
from dataclasses import dataclass
from pathlib import Path

from snnlib.checks import check_bool, check_number, check_whole
from snnlib.files import written_whole
from snnlib.kernels import system_problem
from snnlib.parameters import digest
from snnlib.plans import Plan, Run, SweepError
from snnlib.recording import MetricsError, read_metrics
from snnlib.tables import write_table
from snnlib.workers import (
    check_address,
    import_extra,
    outcomes_here,
    outcomes_on_scheduler,
    outcomes_on_this_machine,
)

# Seconds between two lines of progress where there is no terminal.
_QUIET = 30
# More runs at a time, or threads of one, than any machine has cores.
_MOST = 1024
# Bytes of a file that are still read. Executed lessons have a few million.
_LARGEST = 10**8
# What the files of a sweep must hold, and of which kind.
_PLAN_KINDS = {"definition": dict, "notebook": str, "identity": dict, "rows": list}
_ROW_KINDS = {"axis": str | None, "run_id": str, "values": dict}
_RUN_KINDS = {
    **{"run_id": str, "values": dict, "inputs": dict, "versions": dict},
    **{"wall_time": int | float | None, "finished": str},
}

logger = logging.getLogger(__name__)


class SweepBusyError(SweepError):
    """A folder that another sweep is at work on."""


class RunFileError(ValueError):
    """A file that is not a finished run, or is damaged."""


@dataclass(frozen=True)
class SweepSummary:
    """How a sweep ended.

    Attributes
    ----------
    n_runs : int
        Number of different runs in the plan.
    n_done : int
        How many of them are finished, now or from before.
    failed : dict of str to str
        For each run that failed, its parameters and the reason in one line, by id.
    """

    n_runs: int
    n_done: int
    failed: dict


def run_sweep(
    plan,
    out,
    *,
    workers=None,
    scheduler=None,
    threads=None,
    timeout=None,
    memory_limit=None,
    warm=True,
    force=False,
    patience=600,
):
    """Carry out the runs of a plan that are not finished yet.

    A run that fails does not stop the others, and is tried again by the next call.

    Parameters
    ----------
    plan : Plan
        What to run, from `read_plan` or `make_plan`.
    out : path-like
        Folder for the results, made if it is not there.
    workers : int, optional
        Number of runs at a time on this machine; by default, one for each core. As with
        scikit-learn's ``n_jobs``, -1 is that too, -2 one less and so on. With 0 there
        is one at a time and no Dask. Not used with ``scheduler``.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://192.0.2.7:8786``. Its workers need
        the same `snnlib` and data, but no file of this machine.
    threads : int, optional
        Threads of one run's numerical libraries; by default, the cores divided by the
        workers, and 1 with ``scheduler``.
    timeout : float, optional
        Seconds after which a run is stopped and counts as failed.
    memory_limit : float, optional
        Bytes above which a run is killed and counts as failed. By default, this
        machine's memory divided by the workers; without limit with ``scheduler``.
    warm : bool, default=True
        Whether to fork each run's kernel from a process that has done the imports. If
        not, a kernel is started anew for each run, which is slower.
    force : bool, default=False
        Whether to run finished runs again. Each stays until its successor is there.
    patience : float, default=600
        Seconds to wait for a scheduler that was lost.

    Returns
    -------
    summary : SweepSummary

    Raises
    ------
    SweepBusyError
        If another sweep is at work on the folder.
    SweepError
        If an argument is none of the above, the folder cannot be written to, no
        scheduler answers, a worker has another `snnlib` or other data, or this system
        cannot fork (with ``scheduler``, only the workers need to).
    OSError
        If the folder cannot be written to any more, for example because the disk is
        full. What was finished before stays, and the next call goes on from there.
    """
    _check_plan(plan)
    settings = _check_settings(
        workers=workers,
        scheduler=scheduler,
        threads=threads,
        timeout=timeout,
        memory_limit=memory_limit,
        warm=warm,
        force=force,
        patience=patience,
    )
    folder = _Folder(out)
    with folder.locked():
        folder.begin(plan)
        left = {run.id: run for run in plan.runs if force or not folder.has(run)}
        outcomes = _outcomes(plan, left, **settings)
        failed = {}
        progress = _progress(len(plan.runs), len(left))
        with contextlib.closing(outcomes), progress:
            for run_id, outcome in outcomes if left else ():
                metrics, error = folder.store(left[run_id], plan, outcome)
                if error is not None:
                    failed[run_id] = f"{_point(left[run_id])}: {error}"
                progress.step(metrics)
    return SweepSummary(len(plan.runs), len(plan.runs) - len(failed), failed)


def collect_runs(out):
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
    folder = _Folder(out)
    plan = folder.read_plan()
    known = {row["run_id"] for row in plan["rows"]}
    runs, skipped = {}, []
    for path in folder.run_files():
        try:
            if path.suffix != ".ipynb" or path.stem not in known:
                msg = f"{path} is none of this sweep's runs."
                raise RunFileError(msg)
            runs[path.stem] = _read_run(path)
        except RunFileError as error:
            skipped.append(str(error))
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
    return Collected(rows, provenance, skipped)


@dataclass(frozen=True)
class Collected:
    """The table of a sweep.

    Attributes
    ----------
    rows : list of dict
        Run id, varied parameter, parameters, metrics, seconds it took and versions of
        each row. A metric that has the name of a parameter is called
        ``<name>_recorded``.
    provenance : dict
        What the table was made from and with; ``missing`` lists runs without a result.
    skipped : list of str
        The files that were left out, each with the reason.
    """

    rows: list
    provenance: dict
    skipped: list

    def write(self, path):
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
        path = Path(path)
        if path.suffix != ".csv":
            msg = f"path must end in .csv; got {str(path)!r}."
            raise ValueError(msg)
        path.parent.mkdir(parents=True, exist_ok=True)
        table = write_table(path, self.rows)
        sha256 = hashlib.sha256(table.encode()).hexdigest()
        provenance = {"table": path.name, "sha256": sha256, **self.provenance}
        _write(path.with_suffix(".json"), _dump(provenance))


def _check_plan(plan):
    """Refuse what `read_plan` and `make_plan` do not return."""
    if not isinstance(plan, Plan):
        kind = type(plan).__name__
        msg = f"plan must be a Plan, from read_plan or make_plan; got a {kind}."
        raise SweepError(msg)
    for row in plan.rows:
        if not (isinstance(row, tuple) and len(row) == 2 and isinstance(row[1], Run)):
            msg = f"plan.rows must hold pairs (axis, Run); got {reprlib.repr(row)}."
            raise SweepError(msg)


def _check_settings(**settings):
    """Return the settings of `run_sweep` that may be given, as plain values."""
    checks = {
        "workers": lambda *it: check_whole(*it, -_MOST, _MOST),
        "scheduler": check_address,
        "threads": lambda *it: check_whole(*it, 1, _MOST),
        "timeout": lambda *it: check_number(*it, above=0),
        "memory_limit": lambda *it: check_number(*it, above=0),
        "warm": check_bool,
        "force": check_bool,
        "patience": lambda *it: check_number(*it, low=0),
    }
    needed = ("warm", "force", "patience")
    try:
        settings = {
            name: value
            if value is None and name not in needed
            else checks[name](name, value)
            for name, value in settings.items()
        }
    except ValueError as error:
        raise SweepError(str(error)) from None
    if settings["scheduler"] is None and (problem := system_problem()):
        raise SweepError(problem)
    return settings


def _outcomes(plan, runs, *, workers, scheduler, patience, force, **limits):  # noqa: ARG001
    """Return the outcomes of runs, as they end, from where they are carried out."""
    requests = {
        run_id: {**_request(plan, run), **limits} for run_id, run in runs.items()
    }
    if scheduler is not None:
        return outcomes_on_scheduler(requests, scheduler, patience)
    if workers == 0:
        return outcomes_here(requests)
    return outcomes_on_this_machine(requests, workers)


def _request(plan, run):
    """Return what a run needs, as it travels to a worker."""
    return {
        "notebook": plan.notebook.text,
        "parameters": run.given,
        "imports": plan.notebook.imports,
        "figures": plan.figures,
        "expected": {**plan.identity, "inputs": run.inputs},
        "sources": {**plan.notebook.sources, "dataset": run.values.get("dataset")},
    }


def _point(run):
    return ", ".join(f"{name} = {value!r}" for name, value in run.given.items())


def _table_row(row, run):
    metrics = {
        f"{name}_recorded" if name in run["values"] else name: value
        for name, value in run["metrics"].items()
    }
    versions = ", ".join(f"{name} {v}" for name, v in run["versions"].items())
    return {
        "run_id": row["run_id"],
        "axis": row["axis"],
        **run["values"],
        **metrics,
        "wall_time": run["wall_time"],
        "versions": versions,
    }


def _distinct(items):
    return [json.loads(text) for text in sorted({_dump(item) for item in items})]


# The folder.


class _Folder:
    """The one place that knows the files of a sweep."""

    def __init__(self, path):
        self.path = _as_path(path)
        self.runs = self.path / "runs"
        self.failed = self.path / "failed"
        self.plan = self.path / "sweep.json"
        self.lock = self.path / "lock"
        # A file of its own: filelock may empty it, and Windows lets no one read it.
        self.system_lock = self.path / ".lock"

    @contextlib.contextmanager
    def locked(self):
        """Keep other sweeps out; the system lifts the lock when this process ends."""
        filelock = import_extra("filelock", "Sweeps need filelock")
        lock = filelock.FileLock(self.system_lock)
        with self._blamed():
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                msg = f"{self.path} belongs to another sweep at work: {self._holder()}."
                raise SweepBusyError(msg + self._way_out()) from None
        with lock:
            lock.release()
            with self._blamed():
                self._take_over()
                self._sign()
            try:
                yield
            finally:
                # What ended the sweep matters more than a text that stays behind.
                with contextlib.suppress(OSError):
                    self.lock.write_text("")

    @contextlib.contextmanager
    def _blamed(self):
        """Name the folder where the system would not have it."""
        try:
            yield
        except OSError as error:
            msg = (
                f"out must be a folder that can be written to; got {str(self.path)!r}: "
                f"{error.strerror or error}."
            )
            raise SweepError(msg) from error

    def _holder(self):
        """Return who says to be at work. To be asked only once the lock was tried."""
        if not self.lock.is_file():
            return ""
        with self.lock.open(encoding="utf-8", errors="replace") as file:
            return " ".join(file.read(200).split())

    def _take_over(self):
        """Take a lock that was left behind, unless its owner may live elsewhere."""
        holder = self._holder()
        if not holder:
            return
        if self._way_out():
            msg = f"{self.path} may belong to another sweep at work: {holder}."
            raise SweepBusyError(msg + self._way_out())
        logger.info("Taking over from a sweep that ended early: %s.", holder)

    def begin(self, plan):
    def store(self, run, plan, outcome):
        """Write down a run; return its metrics and its error, one of which is None."""
        about = {
            "run_id": run.id,
            "values": run.values,
            "inputs": run.inputs,
            "identity": plan.identity,
            "versions": outcome.get("versions", {}),
            "wall_time": outcome.get("wall_time"),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(),
            "error": outcome["error"],
        }
        executed = json.loads(outcome.get("notebook") or plan.notebook.text)
        done, failed = (
            folder / f"{run.id}.ipynb" for folder in (self.runs, self.failed)
        )
        if about["error"] is None:
            try:
                metrics = _write_run(done, executed, about, check=read_metrics)
            except MetricsError:
                about["error"] = "it recorded no metrics, or one name with two values"
            else:
                failed.unlink(missing_ok=True)
                return metrics, None
        _write_run(failed, executed, about)
        return None, about["error"]


def _write_run(path, executed, about, check=None):
    """Write an executed notebook, with what it came from and a checksum over all."""
    metadata = {**executed["metadata"], "snnlib": about}
    checksum = digest({**executed, "metadata": metadata})
    metadata["snnlib"] = {**about, "checksum": checksum}
    return _write_whole(path, _dump({**executed, "metadata": metadata}), check)


def _read_run(path):
    """Return what a file in the folder of finished runs says about its run."""
    try:
        executed = json.loads(path.read_text(encoding="utf-8"))
        about = executed["metadata"]["snnlib"]
        checksum = about.pop("checksum")
        metrics = read_metrics(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{path} is damaged, or not a run of a sweep: {error!r}."
        raise RunFileError(msg) from error
    if digest(executed) != checksum or about["run_id"] != path.stem:
        msg = f"{path} was changed after it was written."
        raise RunFileError(msg)
    return {**about, "metrics": metrics}


def _dump(content):
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _write_whole(path, text, check=None):
    """Write a file whole or not at all; return what a check says before it is named."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        checked = check(part) if check else None
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    return checked


# Progress.


class _Progress:
    """Says how far a sweep is: a bar in a terminal, a line now and then elsewhere."""

    def __init__(self, n_runs, n_left):
        self._n_runs, self._n_left, self._n_at_start = n_runs, n_left, n_left
        self._n_failed = 0
        self._latest = ""
        self._start = self._told = time.monotonic()
        self._bar = None

    def __enter__(self):
        if self._n_left and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._n_runs,
                initial=self._n_runs - self._n_left,
                bar_format="{bar:20} {desc}",
                dynamic_ncols=True,
            )
            self._bar.set_description_str(self._line())
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def step(self, metrics):
        """Count one more run, failed if it has no metrics."""
        self._n_left -= 1
        self._n_failed += metrics is None
        if metrics:
            name, value = next(iter(metrics.items()))
            self._latest = f"; {name} {value:.4g}" if isinstance(value, float) else ""
        if self._bar is not None:
            self._bar.set_description_str(self._line(), refresh=False)
            self._bar.update()
        elif time.monotonic() - self._told > _QUIET:
            self._told = time.monotonic()
            logger.info(self._line())

    def _line(self):
        n_ended = self._n_at_start - self._n_left
        n_done = self._n_runs - self._n_left - self._n_failed
        line = f"{n_done} of {self._n_runs} done, {self._n_failed} failed"
        if n_ended and self._n_left:
            seconds = (time.monotonic() - self._start) / n_ended * self._n_left
            to_go = datetime.timedelta(seconds=round(seconds))
            line += f", {self._n_left} left, about {to_go} to go"
        return line + self._latest
