"""Sweeps: one notebook run again and again, on all cores or on a cluster.

Only the caller writes, and only into the sweep's folder: a run's notebook and
parameters travel to a worker, and the executed notebook travels back.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from snnlib.checks import check_bool, check_number, check_whole
from snnlib.definitions import SweepError
from snnlib.folders import Folder, dump
from snnlib.inputs import without_own
from snnlib.kernels import system_problem
from snnlib.plans import Plan
from snnlib.progress import bar
from snnlib.tables import read_provenance, read_table, runs_of_rows
from snnlib.workers import (
    MOST_WORKERS,
    check_address,
    check_security,
    outcomes_on_scheduler,
    outcomes_on_this_machine,
)

if TYPE_CHECKING:
    from distributed import Security


logger = logging.getLogger(__name__)


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
    failed: dict[str, str]


def run_sweep(
    plan: Plan,
    out: str | os.PathLike[str],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    security: Security | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    memory_limit: float | None = None,
    warm: bool = True,
    force: bool = False,
    only_failed: bool = False,
    retries: int = 0,
    patience: float = 600,
) -> SweepSummary:
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
        scikit-learn's ``n_jobs``, -1 is that too, -2 one less and so on. 0 is 1.
        Not used with ``scheduler``.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://192.0.2.7:8786``. Its workers need
        the same ``snnlib`` and data, but no file of this machine.
    security : distributed.Security, optional
        The certificates to show the scheduler; by default, those of Dask's
        configuration. Without any, whoever reaches the scheduler can run code there.
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
    only_failed : bool, default=False
        Whether to do only what failed in an earlier call.
    retries : int, default=0
        How many times more runs that failed are tried, after all others.
    patience : float, default=600
        Seconds to wait for a scheduler that was lost, or for another worker of it when
        the last has gone. The first worker is waited for without end.

    Returns
    -------
    summary : SweepSummary

    Raises
    ------
    SweepBusyError
        If another sweep is at work on the folder.
    SweepError
        If an argument is none of the above, the folder cannot be written to, no
        scheduler or worker answers, a worker has another ``snnlib`` or other data, or
        this system cannot fork (with ``scheduler``, only the workers need to).
    OSError
        If the folder cannot be written to any more, for example because the disk is
        full. What was finished before stays, and the next call goes on from there.
    """
    if not isinstance(plan, Plan):
        kind = type(plan).__name__
        msg = f"plan must be a Plan, from read_plan or make_plan; got a {kind}."
        raise SweepError(msg)
    where = _checked(
        workers=workers, scheduler=scheduler, security=security, patience=patience
    )
    limits = _checked(
        threads=threads, timeout=timeout, memory_limit=memory_limit, warm=warm
    )
    force, only_failed, retries = _checked(
        force=force, only_failed=only_failed, retries=retries
    ).values()
    if scheduler is None and (problem := system_problem()):
        raise SweepError(problem)
    folder = Folder(out)
    runs = {run.id: run for run in plan.runs}
    if not force and folder.holds(plan) and folder.has_finished(runs):
        # Nothing to do, and so nothing that must be written: it may be read-only.
        return SweepSummary(len(runs), len(runs), {})
    with folder.locked():
        folder.begin(plan)
        left = runs if force else _unfinished(runs, folder)
        n_wanted = len(runs)
        if only_failed:
            n_wanted -= len(left)
            left = {run_id: left[run_id] for run_id in folder.failures(left)}
            n_wanted += len(left)
        failed = {}
        for n_retries_left in range(retries, -1, -1):
            failed = _do_runs(left, n_wanted, folder, plan, limits, where)
            left = {run_id: left[run_id] for run_id in failed}
            if not left:
                break
            if n_retries_left:
                logger.info("Trying %d failed runs again.", len(left))
    return SweepSummary(len(runs), n_wanted - len(failed), failed)


def reasons_to_run(
    plan: Plan, out: str | os.PathLike[str], *, force: bool = False
) -> dict[str, str]:
    """Say which runs `run_sweep` would carry out, and why. Nothing is written.

    Parameters
    ----------
    plan : Plan
        What to run.
    out : path-like
        Folder for the results.
    force : bool, default=False
        Whether finished runs are to be done again.

    Returns
    -------
    reasons : dict of str to str
        The reason, by the id of the run and the parameters that the definition names.
    """
    folder = Folder(out)
    runs = {run.id: run for run in plan.runs}
    finished, skipped = folder.finished(runs) if folder.runs.is_dir() else ({}, [])
    failures = folder.failures(runs)
    before = folder.identities() if len(finished) < len(runs) else {}
    reasons = {}
    for run_id, run in runs.items():
        if run_id in finished and not force:
            continue
        if run_id in finished:
            why = "finished, and to be done again"
        elif run_id in failures:
            why = "failed before"
        elif any(run_id in problem for problem in skipped):
            why = "its result is damaged"
        else:
            why = _change(run, plan, before.get(dump(run.values)))
        reasons[f"{run_id}  {_point(run)}"] = why
    return reasons


def _change(run, plan, before):
    """Say in what a run differs from an earlier one with the same values, if any."""
    if before is None:
        return "new"
    here = {**plan.identity, "inputs": run.inputs}
    for name, what in (
        ("notebook", "the notebook's code"),
        ("snnlib", "the version of snnlib"),
        ("code", "the code of snnlib"),
        ("inputs", "the data it reads"),
    ):
        if before.get(name) != here[name]:
            return f"changed since it was run: {what}"
    return "not finished yet"


def prune_runs(out: str | os.PathLike[str]) -> int:
    """Remove the runs in a sweep's folder that are not of its plan.

    Parameters
    ----------
    out : path-like
        Folder of a sweep.

    Returns
    -------
    n_removed : int
        Number of files.

    Raises
    ------
    SweepBusyError
        If a sweep is at work on the folder.
    SweepError
        If ``out`` is not the path of a folder that holds a sweep.
    """
    folder = Folder(out)
    wanted = {row["run_id"] for row in folder.read_plan()["rows"]}
    with folder.locked():
        return folder.prune(wanted)


def restore_runs(
    table: str | os.PathLike[str], out: str | os.PathLike[str]
) -> tuple[int, list[str]]:
    """Put the runs of a table back into a folder, as if they had been run there.

    A sweep that was cut short on one machine goes on from its table on another, and a
    definition with more seeds than its table does only those. What the runs printed and
    drew is lost, and what is in the folder already stays. A row is believed only as far
    as its id, which stands for its parameters, code and data.

    Parameters
    ----------
    table : path-like
        A table from `Collected.write`, with its provenance.
    out : path-like
        Folder of a sweep, made if it is not there.

    Returns
    -------
    n_restored : int
        Number of runs that were put into the folder; those that it had already are
        none.
    skipped : list of str
        For each row that was left out, why.

    Raises
    ------
    OSError
        If the table cannot be read, or the folder not be written to.
    ValueError
        If it is no table, or nothing says what it was made from.
    SweepBusyError
        If a sweep is at work on the folder.
    """
    rows, provenance = read_table(table), read_provenance(table)
    if provenance is None:
        msg = f"{table} has no provenance beside it, so that no row can be believed."
        raise SweepError(msg)
    runs, skipped = runs_of_rows(rows, provenance)
    folder = Folder(out)
    with folder.locked():
        return sum(folder.restore(run, str(table)) for run in runs), skipped


def _unfinished(runs, folder):
    """Return the runs that are not finished. Those that are damaged are not."""
    finished, skipped = folder.finished(runs, keep=True)
    for problem in skipped:
        logger.warning("%s", problem)
    return {run_id: run for run_id, run in runs.items() if run_id not in finished}


def _do_runs(runs, n_wanted, folder, plan, limits, where):
    """Carry out runs and write them down; return why each failed one did, by id."""
    failed = {}
    progress = _progress(n_wanted, len(runs))
    outcomes = _outcomes(plan, runs, limits, **where) if runs else _nothing()
    with contextlib.closing(outcomes), progress:
        for run_id, outcome in outcomes:
            metrics, error = folder.store(runs[run_id], plan, outcome)
            if error is not None:
                failed[run_id] = f"{_point(runs[run_id])}: {error}"
                progress.write(f"failed: {run_id}  {failed[run_id]}", file=sys.stderr)
            _show(progress, metrics, len(failed))
    return failed


def _nothing():
    yield from ()


_CHECKS = {
    "workers": partial(check_whole, low=-MOST_WORKERS, high=MOST_WORKERS),
    "scheduler": check_address,
    "security": check_security,
    "retries": partial(check_whole, low=0, high=MOST_WORKERS),
    "threads": partial(check_whole, low=1, high=MOST_WORKERS),
    "timeout": partial(check_number, above=0),
    "memory_limit": partial(check_number, above=0),
    "patience": partial(check_number, low=0),
    "warm": check_bool,
    "force": check_bool,
    "only_failed": check_bool,
}
_MAY_BE_NONE = (
    *("workers", "scheduler", "security", "threads", "timeout", "memory_limit"),
)


def _checked(**settings):
    """Return settings of `run_sweep` as plain values, or say what is wrong with one."""
    try:
        return {
            name: None
            if value is None and name in _MAY_BE_NONE
            else _CHECKS[name](name, value)
            for name, value in settings.items()
        }
    except ValueError as error:
        raise SweepError(str(error)) from None


def _outcomes(plan, runs, limits, *, workers, scheduler, security, patience):
    """Return the outcomes of runs, as they end, from where they are carried out."""
    requests = {
        run_id: {**_request(plan, run), **limits} for run_id, run in runs.items()
    }
    if scheduler is not None:
        return outcomes_on_scheduler(
            requests, scheduler, security=security, patience=patience
        )
    return outcomes_on_this_machine(requests, workers)


def _request(plan, run):
    """Return what a run needs, as it travels to a worker."""
    return {
        "notebook": plan.notebook.text,
        "parameters": run.given,
        "imports": plan.notebook.imports,
        "figures": plan.figures,
        "expected": {**plan.identity, "inputs": without_own(run.inputs)},
        "sources": {**plan.notebook.sources, "dataset": run.values.get("dataset")},
    }


def _point(run):
    return ", ".join(f"{name} = {value!r}" for name, value in run.given.items())


# Progress.


def _progress(n_runs, n_left):
    """Return a bar for the runs that are left."""
    return bar(
        desc=f"{n_runs - n_left} of {n_runs} done, 0 failed",
        total=n_runs,
        initial=n_runs - n_left,
        disable=not n_left,
    )


def _show(progress, metrics, n_failed):
    """Count one more run, failed if it has no metrics."""
    n_done = progress.n + 1 - n_failed
    progress.desc = f"{n_done} of {progress.total} done, {n_failed} failed"
    name, value = next(iter((metrics or {}).items()), (None, None))
    if isinstance(value, float):
        progress.set_postfix_str(f"{name} {value:.4g}", refresh=False)
    progress.update()
