"""The command `snnlib`: run a notebook, sweep over many runs, collect, fetch data."""

import argparse
import csv
import logging
import os
import sys
from pathlib import Path

from snnlib._version import __version__
from snnlib.kernels import quick_imports, thread_limits
from snnlib.parameters import Notebook, NotebookError, ParameterError
from snnlib.plans import SweepError, read_plan, read_value

# Ctrl-C, as shells report it.
_INTERRUPTED = 130


class _UsageError(ValueError):
    """What was asked for on the command line cannot be done."""


def main(arguments=None):
    """Carry out a command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default, those the process was started with.

    Returns
    -------
    code : int
        0 if all went well, 1 if a run failed or something is missing, 2 if what was
        asked for cannot be done, 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    _show_messages()
    try:
        return options.command(options)
    except (NotebookError, ParameterError, SweepError, _UsageError) as error:
        return _fail(error, 2)
    except (ImportError, OSError) as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        return _fail("interrupted. What is finished is kept.", _INTERRUPTED)


def _parser():
    parser = argparse.ArgumentParser(
        prog="snnlib", description="Run notebooks with other parameters."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    run = commands.add_parser(
        "run", help="run a notebook once", description="Run a notebook once."
    )
    run.add_argument("notebook")
    run.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter; may be given again",
    )
    run.add_argument(
        "--row",
        nargs=2,
        metavar=("TABLE", "RUN_ID"),
        help="take the parameters from a row of a collected table",
    )
    run.add_argument(
        "--threads",
        type=whole_number,
        help="threads of its numerical libraries (default: one for each core); more "
        "add up in another order, which a training can feel",
    )
    run.add_argument("-o", "--output", required=True, help="the executed notebook")
    run.set_defaults(command=_run)

    sweep = commands.add_parser(
        "sweep",
        help="do all runs of a definition",
        description="Do all runs of a definition that are not finished yet.",
    )
    sweep.add_argument("definition", help="what to run, in YAML")
    sweep.add_argument(
        "--out", help="folder for the results (default: runs/<name of the definition>)"
    )
    where = sweep.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=whole_number,
        help="runs at a time on this machine (default: one for each core); "
        "0: one at a time, without Dask",
    )
    where.add_argument("--scheduler", help="Dask scheduler, such as tcp://host:8786")
    sweep.add_argument("--threads", type=whole_number, help="threads of one run")
    sweep.add_argument("--timeout", type=float, help="seconds after which a run fails")
    sweep.add_argument(
        "--memory-limit",
        type=amount_of_memory,
        help="memory above which a run fails: 4GB",
    )
    sweep.add_argument(
        "--cold", action="store_true", help="start a kernel anew for each run"
    )
    sweep.add_argument(
        "--force", action="store_true", help="do finished runs again too"
    )
    sweep.add_argument(
        "--check", action="store_true", help="check the definition and run nothing"
    )
    sweep.set_defaults(command=_sweep)

    collect = commands.add_parser(
        "collect",
        help="make a table of finished runs",
        description="Make a table of the finished runs of a sweep.",
    )
    collect.add_argument("folder", help="what was --out of the sweep")
    collect.add_argument("-o", "--output", required=True, help="the table, a .csv")
    collect.set_defaults(command=_collect)

    fetch = commands.add_parser(
        "fetch",
        help="put MNIST into the cache",
        description="Put MNIST into the cache, so that runs need no network.",
    )
    fetch.set_defaults(command=_fetch)
    return parser


def _run(options):
    notebook = Notebook(options.notebook)
    values = _row_values(notebook, *options.row) if options.row else {}
    values |= {name: read_value(text) for name, text in options.parameter}
    values = notebook.convert(values)
    reason = notebook.refusal(notebook.complete(values))
    if reason is not None:
        msg = f"{options.notebook} refuses these values: {reason}"
        raise _UsageError(msg)

    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    from snnlib.recording import MetricsError, read_metrics

    if options.threads:
        # The kernel inherits it.
        os.environ.update(thread_limits(options.threads))
    try:
        execute_notebook(
            options.notebook,
            options.output,
            parameters=values,
            progress_bar=sys.stderr.isatty(),
        )
        metrics = read_metrics(options.output)
    except PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
        return _fail(f"the run failed: {reason}\nSee {options.output}.", 1)
    except MetricsError as error:
        return _fail(error, 1)
    for name, value in metrics.items():
        _say(f"{name} = {value!r}")
    return 0


def _row_values(notebook, table, run_id):
    """Return the parameters of a row of a collected table."""
    with Path(table).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("run_id") == run_id]
    if not rows:
        msg = f"{table} has no run {run_id!r}."
        raise _UsageError(msg)
    return {
        # A table holds None as nothing, and text as it is.
        name: text if isinstance(parameter.default, str) else read_value(text or "null")
        for name, parameter in notebook.parameters.items()
        if (text := rows[0].get(name)) is not None
    }


def _sweep(options):
    with quick_imports():
        plan = read_plan(options.definition)
    _say(f"{len(plan.rows)} rows, {len(plan.runs)} different runs")
    if options.check:
        return 0

    from snnlib.sweep import run_sweep

    out = Path(options.out or Path("runs", Path(options.definition).stem))
    summary = run_sweep(
        plan,
        out,
        workers=options.workers,
        scheduler=options.scheduler,
        threads=options.threads,
        timeout=options.timeout,
        memory_limit=options.memory_limit,
        warm=not options.cold,
        force=options.force,
    )
    _say(f"{summary.n_done} of {summary.n_runs} runs finished, in {out}")
    if not summary.failed:
        return 0
    failed = "\n".join(f"  {id_}  {why}" for id_, why in summary.failed.items())
    return _fail(
        f"{len(summary.failed)} failed; what they did is in {out / 'failed'}. "
        f"The same command tries them again.\n{failed}",
        1,
    )


def _collect(options):
    from snnlib.sweep import collect_runs

    collected = collect_runs(options.folder)
    try:
        collected.write(options.output)
    except ValueError as error:
        raise _UsageError(error) from error
    _say(f"{len(collected.rows)} rows in {options.output}")
    for problem in collected.skipped:
        _fail(f"left out: {problem}", 1)
    missing = collected.provenance["missing"]
    if missing:
        return _fail(f"{len(missing)} runs are not finished: {', '.join(missing)}", 1)
    return 0


def _fetch(_):
    from snnlib.datasets import fetch_mnist

    mnist = fetch_mnist()
    _say(f"{mnist!r}\ndigest {mnist.digest}")
    return 0


# argparse shows these two names when a value is none.


def whole_number(text):
    """Return a number of things, from 0 on."""
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def amount_of_memory(text):
    """Return an amount such as 4GB in bytes."""
    from dask.utils import parse_bytes

    return parse_bytes(text)


def _show_messages():
    """Show what the package logs, on stderr and as it is."""
    logger = logging.getLogger("snnlib")
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
        logger.setLevel(logging.INFO)


def _say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _fail(problem, code):
    sys.stderr.write(f"snnlib: {problem}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
