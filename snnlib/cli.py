"""The command `snnlib`: start, run, sweep, collect and plot, export, fetch data."""

import argparse
import contextlib
import io
import logging
import math
import os
import platform
import re
import signal
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path

from snnlib._version import __version__
from snnlib.checks import check_path, shown
from snnlib.definitions import read_value
from snnlib.digests import code_digest
from snnlib.files import check_can_write, written_whole
from snnlib.inputs import without_own
from snnlib.kernels import one_line, private_manager, thread_limits
from snnlib.notebooks import Notebook
from snnlib.plans import read_plan
from snnlib.tables import TableError, planned_values, read_provenance, read_table
from snnlib.workers import MOST_WORKERS, import_extra

# Ctrl-C and SIGTERM, as shells report them.
_INTERRUPTED = 130
_TERMINATED = 143
_RUN_OPTIONS = {
    *("-h", "--help", "-p", "--parameter", "--row", "--threads", "-o", "--output"),
}
# Seconds between two words on a sweep that is watched.
_WATCH = 10
# Of failed runs that are listed at the end; each was named when it failed.
_MOST_LINES = 20
# What is put before a value that argparse would take for an option.
_NO_OPTION = "\0"


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
        asked for cannot be done, 130 after Ctrl-C, 143 after SIGTERM.
    """
    words = sys.argv[1:] if arguments is None else list(map(str, arguments))
    _open_what_is_closed()
    try:
        with _messages_shown(), _sigterm_raised():
            options = _parser().parse_args(_with_values_marked(words))
            return options.command(options)
    except BrokenPipeError:
        # Who reads, as `head` does, has read enough. Python says more as it ends.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    # All that this package refuses is one.
    except ValueError as error:
        return _fail(error, 2)
    except (ImportError, OSError) as error:
        return _fail(error, 1)
    except _TerminatedError:
        return _fail("ended by SIGTERM. What is finished is kept.", _TERMINATED)
    except KeyboardInterrupt:
        if arguments is None:
            # One more would end the process without a code of its own.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return _fail("interrupted. What is finished is kept.", _INTERRUPTED)


def _open_what_is_closed():
    """Have somewhere to write to where the caller, as some services do, gives none."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, nowhere)


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM, by which SLURM and systemd end a process: all ends as with Ctrl-C."""


@contextlib.contextmanager
def _sigterm_raised():
    """Have SIGTERM raise an error for a while, where signals can be handled."""

    def end(*_):
        raise _TerminatedError

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Parser(argparse.ArgumentParser):
    """A parser that refuses as all of the command does: in one sentence."""

    def error(self, message):
        msg = f"{message}. See: {self.prog} --help"
        raise _UsageError(msg)


def _with_values_marked(words):
    """Have each ``-p`` followed by two words that argparse takes for no option.

    The words ``name=value`` are two, and a value may begin as an option does: -1e0, -x.
    Both may be one word with the option: ``-pname=value``, ``--parameter=name=value``.

    Returns
    -------
    words : list of str
    """
    if words[:1] != ["run"]:
        return list(words)
    marked, left = [], list(words)
    while left:
        word = left.pop(0)
        option, equals, pair = word.partition("=")
        if equals and len(option) > 2 and "--parameter".startswith(option):
            word, left = option, [pair, *left]
        elif equals and option.startswith("-p"):
            word, left = "-p", [word[2:].removeprefix("="), *left]
        marked.append(word)
        is_parameter = word == "-p" or (
            len(word) > 2 and "--parameter".startswith(word)
        )
        if not is_parameter or not left:
            continue
        name, equals, value = left[0].partition("=")
        if equals and name.isidentifier():
            marked += [name, _NO_OPTION + value]
            del left[0]
        # An option of the command itself follows where the value was forgotten.
        elif len(left) > 1 and left[1] not in _RUN_OPTIONS:
            marked += [left[0], _NO_OPTION + left[1]]
            del left[:2]
    return marked


def _parser():
    parser = _Parser(prog="snnlib", description="Run notebooks with other parameters.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")

    new = commands.add_parser(
        "new",
        help="copy the lessons and sweeps into a folder",
        description="Copy the lessons and the sweep definitions into a new folder.",
    )
    new.add_argument("folder")
    new.set_defaults(command=_new)

    run = commands.add_parser(
        "run", help="run a notebook once", description="Run a notebook once."
    )
    run.add_argument("notebook")
    _add_parameters(run, "set a parameter; may be given again")
    run.add_argument(
        "--row",
        nargs=2,
        metavar=("TABLE", "RUN_ID"),
        help="take the parameters from a row of a collected table",
    )
    run.add_argument(
        "--threads",
        type=_number_of_threads,
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
    _add_parameters(
        sweep,
        "set a parameter for all runs, in place of the definition's; may be "
        "given again",
    )
    where = sweep.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=_number_of_workers,
        help="runs at a time on this machine (default: -1, one for each core; -2 is "
        "one less, 0 is 1)",
    )
    where.add_argument("--scheduler", help="Dask scheduler, such as tcp://host:8786")
    for option, what in (
        ("--tls-ca", "certificate of who signed the scheduler's, for tls:// addresses"),
        ("--tls-cert", "certificate to show the scheduler"),
        ("--tls-key", "key of that certificate"),
    ):
        sweep.add_argument(option, metavar="FILE", help=what)
    sweep.add_argument(
        "--patience",
        type=_amount_of_time,
        default=600,
        metavar="SECONDS",
        help="how long to wait for a scheduler that was lost, or for a worker when "
        "none is left (default: 600)",
    )
    sweep.add_argument("--threads", type=_number_of_threads, help="threads of one run")
    sweep.add_argument(
        "--timeout",
        type=_amount_of_time,
        help="seconds after which a run fails (default: never)",
    )
    sweep.add_argument(
        "--memory-limit",
        type=_amount_of_memory,
        help="memory above which a run fails, such as 4GB (default: its share of this "
        "machine's)",
    )
    sweep.add_argument(
        "--cold", action="store_true", help="start a kernel anew for each run"
    )
    sweep.add_argument(
        "--force", action="store_true", help="do finished runs again too"
    )
    sweep.add_argument(
        "--retries",
        type=_number_of_retries,
        default=0,
        metavar="N",
        help="try runs that failed N times more, after all others",
    )
    sweep.add_argument(
        "--only-failed", action="store_true", help="do only what failed before"
    )
    sweep.add_argument(
        "--check", action="store_true", help="check the definition and run nothing"
    )
    sweep.add_argument(
        "--dry-run", action="store_true", help="list what would run and why"
    )
    sweep.set_defaults(command=_sweep)

    restore = commands.add_parser(
        "restore",
        help="put the runs of a table back into a folder",
        description="Put the runs of a table into a folder, so that a sweep goes on "
        "from there: on another machine, or with more seeds.",
    )
    restore.add_argument("table", help="from snnlib collect, with its .json beside it")
    restore.add_argument("--out", required=True, help="folder of a sweep")
    restore.set_defaults(command=_restore)

    status = commands.add_parser(
        "status",
        help="say how far a sweep is",
        description="Say how far a sweep is, on whatever machine it is at work.",
    )
    status.add_argument("folder", help="what was --out of the sweep")
    status.add_argument(
        "--watch", action="store_true", help="say it again every ten seconds"
    )
    status.set_defaults(command=_status)

    collect = commands.add_parser(
        "collect",
        help="make a table of finished runs",
        description="Make a table of the finished runs of a sweep.",
    )
    collect.add_argument("folder", help="what was --out of the sweep")
    collect.add_argument(
        "-o", "--output", required=True, help="the table, a .csv or a .parquet"
    )
    collect.set_defaults(command=_collect)

    plot = commands.add_parser(
        "plot",
        help="draw a metric against a parameter",
        description="Draw a metric of finished runs against a parameter, with the "
        "95 % interval of its mean where runs differ in their seed alone.",
    )
    plot.add_argument("results", help="folder of a sweep, or a table made of one")
    plot.add_argument("--x", required=True, metavar="PARAMETER", help="along the axis")
    plot.add_argument("--y", required=True, metavar="METRIC", help="what to draw")
    plot.add_argument(
        "--by",
        nargs="+",
        default=[],
        metavar="PARAMETER",
        help="draw a line for each value; of several, for each combination",
    )
    plot.add_argument(
        "-o",
        "--output",
        help="the picture, such as a .png, .svg or .pdf (default: a .png named after "
        "what is drawn, in the folder or beside the table)",
    )
    plot.set_defaults(command=_plot)

    export = commands.add_parser(
        "export",
        help="write a saved network for other simulators",
        description="Write a network that was saved as .npz as a graph of NIR, which "
        "other simulators and chips read.",
    )
    export.add_argument("network", help="what save() wrote, an .npz")
    export.add_argument("output", help="the graph, such as a .nir")
    export.add_argument(
        "--unfiltered",
        action="store_true",
        help="end before the output's filter, for readers that know none",
    )
    export.add_argument(
        "--pool",
        choices=("average", "sum"),
        default="average",
        help="kind of the pools (default: average); some readers know only one",
    )
    export.add_argument(
        "--unsaid",
        choices=("refuse", "metadata"),
        default="refuse",
        help="refuse settings that NIR cannot say (the default), or leave them out and "
        "write them to the metadata",
    )
    export.set_defaults(command=_export)

    prune = commands.add_parser(
        "prune",
        help="remove runs of older definitions",
        description="Remove the runs in a sweep's folder that are not of its plan.",
    )
    prune.add_argument("folder", help="what was --out of the sweep")
    prune.set_defaults(command=_prune)

    fetch = commands.add_parser(
        "fetch",
        help="put MNIST into the cache",
        description="Put MNIST into the cache, so that runs need no network.",
    )
    fetch.set_defaults(command=_fetch)
    return parser


def _add_parameters(parser, what):
    parser.add_argument(
        "-p",
        "--parameter",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help=f"{what}; NAME=VALUE is the same",
    )


def _parameters(options):
    """Return the values of ``-p``, by name."""
    return {
        name: read_value(text.removeprefix(_NO_OPTION))
        for name, text in options.parameter
    }


def _new(options):
    from snnlib.starter import copy_starter

    copied = copy_starter(options.folder)
    parts = sorted({path.parent for path in copied})
    for part in parts:
        _say(f"{part}: {sum(path.parent == part for path in copied)} files")
    return 0


def _run(options):
    notebook = Notebook(options.notebook)
    values = _row_values(notebook, *options.row) if options.row else {}
    values |= _parameters(options)
    values = notebook.convert(values)
    reason = notebook.refusal(notebook.complete(values))
    if reason is not None:
        msg = f"{options.notebook} refuses these values: {reason}"
        raise _UsageError(msg)
    sources = [notebook.path]
    if options.row:
        # A table's provenance lies beside it.
        sources += [options.row[0], Path(options.row[0]).with_suffix(".json")]
    output = _check_output("--output", options.output, *sources)

    from snnlib.recording import MetricsError, read_metrics

    with _environment(thread_limits(options.threads) if options.threads else {}):
        error = _execute(notebook, values, output)
    if error is not None:
        see = f" See {output}." if output.exists() else ""
        return _fail(f"the run failed: {error}.{see}", 1)
    try:
        metrics = read_metrics(output)
    except MetricsError as error:
        return _fail(error, 1)
    for name, value in metrics.items():
        _say(f"{name} = {value!r}")
    return 0


def _check_output(name, output, *sources):
    """Return the path of an output that can be written and is none of the sources."""
    path = Path(output)
    is_other = path.exists() and not path.is_file()
    if output == "-" or not path.name or is_other:
        msg = f"{name} must be the name of a file; got {output!r}."
        raise _UsageError(msg)
    if not path.parent.is_dir():
        msg = f"{name} must be in a folder that is there; got {output!r}."
        raise _UsageError(msg)
    for source in map(Path, sources):
        if path.exists() and source.exists() and path.samefile(source):
            msg = f"{name} must not be {source} itself; got {output!r}."
            raise _UsageError(msg)
    check_can_write(path)
    return path


def _execute(notebook, values, output):
    """Have papermill execute a notebook; return what went wrong, or None."""
    execute_notebook = import_extra("papermill").execute_notebook
    from papermill.exceptions import PapermillExecutionError

    path = str(notebook.path)

    def name_files(notebook):
        notebook.metadata.papermill |= {"input_path": path, "output_path": str(output)}

    with tempfile.TemporaryDirectory(prefix="snnlib-run-") as folder:
        # Not the file itself, which may hold what another run put in.
        copy, executed = Path(folder, "notebook.ipynb"), Path(folder, "executed.ipynb")
        copy.write_text(notebook.text, encoding="utf-8")
        try:
            execute_notebook(
                *map(_without_places, (copy, executed)),
                parameters=values,
                progress_bar=sys.stderr.isatty(),
                on_notebook_start=name_files,
                kernel_manager_class=private_manager(folder),
                # As a sweep ends its kernels; asked to end by itself, one may complain.
                shutdown_kernel="immediate",
            )
        except PapermillExecutionError as error:
            return one_line(f"{error.ename}: {error.evalue}").rstrip(".")
        # Whatever a kernel, its starting or the notebook's format may lack.
        except Exception as error:
            return one_line(f"{type(error).__name__}: {error}").rstrip(".")
        finally:
            # As far as it came, also after Ctrl-C.
            if executed.exists() and executed.stat().st_size:
                _hand_over(executed, output)
    return None


def _without_places(path):
    """Return a path in which papermill, which fills in what is in braces, has none."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _hand_over(executed, output):
    """Write an executed notebook where it is asked for, or else say where it is."""
    try:
        with written_whole(output) as file:
            file.write(executed.read_text(encoding="utf-8"))
    except OSError as error:
        # On the same disk: there is room.
        kept = Path(tempfile.mkdtemp(prefix="snnlib-kept-"), "executed.ipynb")
        executed.replace(kept)
        msg = f"{str(error).rstrip('.')}. What was run is in {kept}."
        raise OSError(msg) from error


def _row_values(notebook, table, run_id):
    """Return the parameters of a row of a collected table, which its id vouches for."""
    rows = [row for row in read_table(table) if row.get("run_id") == run_id]
    if not rows:
        msg = f"{table} has no run {run_id!r}."
        raise _UsageError(msg)
    provenance = read_provenance(table)
    if provenance is None:
        _tell(
            f"{table} has no provenance beside it, which its values could be held to."
        )
        values = {name: v for name, v in rows[0].items() if name in notebook.parameters}
    else:
        values, inputs = planned_values(rows[0], provenance)
        if values is None:
            msg = f"the values of run {run_id!r} in {table} are not those of its id."
            raise _UsageError(msg)
        _tell_differences(notebook, values, inputs, provenance["identity"])
        _tell_repeat(table, provenance["identity"].get("code"))
    _tell_versions(rows[0].get("versions"))
    # A default that is nothing papermill could set is the same in the notebook.
    return {
        name: value
        for name, value in values.items()
        if name not in notebook.parameters or notebook.parameters[name].is_settable
    }


def _tell_differences(notebook, values, inputs, identity):
    """Say in what a row's run differs from one here, its packages apart."""
    dataset = values.get("dataset")
    try:
        inputs_here = notebook.inputs(dataset)
    except (OSError, ValueError) as error:
        inputs_here = None
        _tell(f"the data cannot be read here: {error}")
    for what, there, here in (
        ("notebook", identity.get("notebook"), notebook.digest),
        ("version of snnlib", identity.get("snnlib"), __version__),
        ("code of snnlib", identity.get("code"), code_digest()),
        ("data", without_own(inputs), inputs_here or without_own(inputs)),
    ):
        if there != here:
            _tell(f"the row's run had another {what} than there is here.")


def _tell_repeat(table, code):
    """Say whether a row of a table was repeated with today's code, and how exactly."""
    path = Path(table).with_name("repeated_rows.csv")
    here = (Path(table).name, code, code_digest())
    with contextlib.suppress(OSError, TableError):
        for row in read_table(path):
            found = (row.get("table"), row.get("code"), row.get("repeated_with"))
            if found == here:
                _tell(
                    f"today's code gave run {row['run_id']!r} of this table again; its "
                    f"metrics differed by {row['largest_difference']:g} at most."
                )


def _tell_versions(versions):
    """Say which packages a row's run had in another version than there is here."""
    differences = []
    for package in (versions or "").split(", "):
        name, _, version = package.rpartition(" ")
        here = None
        with contextlib.suppress(metadata.PackageNotFoundError, ValueError):
            here = {"python": platform.python_version(), "snnlib": __version__}.get(
                name
            ) or metadata.version(name)
        if name and version != here:
            differences.append(f"{name} {version}, here {here}")
    if differences:
        _tell(f"the row's run had other versions: {'; '.join(differences)}.")


def _sweep(options):
    security = _security(options)
    plan = read_plan(options.definition, parameters=_parameters(options))
    _say(f"{len(plan.rows)} rows, {len(plan.runs)} different runs")
    if options.check:
        return 0

    from snnlib.sweep import reasons_to_run, run_sweep

    default = Path("runs", Path(options.definition).stem)
    out = default if options.out is None else options.out
    if options.dry_run:
        return _say_reasons(reasons_to_run(plan, out, force=options.force))
    summary = run_sweep(
        plan,
        out,
        workers=options.workers,
        scheduler=options.scheduler,
        security=security,
        threads=options.threads,
        timeout=options.timeout,
        memory_limit=options.memory_limit,
        warm=not options.cold,
        force=options.force,
        only_failed=options.only_failed,
        retries=options.retries,
        patience=options.patience,
    )
    _say(f"{summary.n_done} of {summary.n_runs} runs finished, in {out}")
    if not summary.failed:
        return 0
    lines = [f"  {run_id}  {why}" for run_id, why in summary.failed.items()]
    more = ["  ..."] if len(lines) > _MOST_LINES else []
    failed = "\n".join([*lines[:_MOST_LINES], *more])
    return _fail(
        f"{len(summary.failed)} failed; what they did is in {Path(out, 'failed')}. "
        f"The same command tries them again.\n{failed}",
        1,
    )


def _restore(options):
    from snnlib.sweep import restore_runs

    n_restored, skipped = restore_runs(options.table, options.out)
    for problem in skipped:
        _tell(problem)
    _say(f"{n_restored} runs of {options.table} were put into {options.out}")
    return 1 if skipped else 0


def _security(options):
    """Return what to show a scheduler so that it is let in, or None."""
    files = {
        "tls_ca_file": options.tls_ca,
        "tls_client_cert": options.tls_cert,
        "tls_client_key": options.tls_key,
    }
    given = [file for file in files.values() if file is not None]
    if not given:
        return None
    if len(given) < len(files) or not options.scheduler:
        msg = "--tls-ca, --tls-cert and --tls-key go together, and with --scheduler."
        raise _UsageError(msg)
    if not options.scheduler.startswith("tls://"):
        msg = f"--scheduler must begin with tls:// here; got {options.scheduler!r}."
        raise _UsageError(msg)
    for file in given:
        # Now, for Dask would say it by a traceback.
        with Path(file).open(encoding="utf-8") as opened:
            opened.read(1)

    from snnlib.workers import import_extra

    return import_extra("distributed").Security(require_encryption=True, **files)


def _say_reasons(reasons):
    """List what would run, by reason."""
    for reason in dict.fromkeys(reasons.values()):
        points = [point for point, why in reasons.items() if why == reason]
        _say(f"{len(points)} to run: {reason}")
        for point in points:
            _say(f"  {point}")
    if not reasons:
        _say("nothing to run")
    return 0


def _status(options):
    from snnlib.status import sweep_status

    while True:
        status = sweep_status(options.folder)
        _say(str(status))
        if not options.watch or not status.holder:
            return 0
        time.sleep(_WATCH)


def _prune(options):
    from snnlib.sweep import prune_runs

    n = prune_runs(options.folder)
    _say(f"{n} runs removed from {options.folder}")
    return 0


def _collect(options):
    from snnlib.collected import collect_runs

    collected = collect_runs(options.folder)
    try:
        collected.write(options.output)
    except ValueError as error:
        raise _UsageError(error) from error
    _say(f"{len(collected.rows)} rows in {options.output}")
    for problem in collected.skipped:
        _tell(f"left out: {problem}")
    for mixture in collected.mixtures:
        _tell(mixture)
    missing = collected.provenance["missing"]
    if missing:
        return _fail(f"{len(missing)} runs are not finished", 1)
    return 0


def _plot(options):
    from snnlib.collected import collect_runs
    from snnlib.plots import plot_results
    from snnlib.tables import read_results

    source = Path(options.results)
    name = re.sub(r"[^\w.-]", "_", f"{options.y}_over_{options.x}") + ".png"
    folder = source if source.is_dir() else source.parent
    output = str(folder / name) if options.output is None else options.output
    if source.exists() or options.output is not None:
        output = _check_output("--output", output, source)
    if source.is_file():
        results = read_results(source)
    else:
        results = collect_runs(source).to_frame()
    picture = io.BytesIO()

    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context("snnlib.snnlib"):
        # Wide enough for a legend beside the lines.
        figure = Figure(figsize=(8, 4))
        plot_results(
            results, x=options.x, y=options.y, by=options.by, ax=figure.subplots()
        )
        figure.savefig(picture, format=output.suffix[1:] or "png")
    with written_whole(output, "wb") as file:
        file.write(picture.getvalue())
    _say(f"{options.y} against {options.x}, in {output}")
    return 0


def _export(options):
    from snnlib.estimators import SpikingConvClassifier
    from snnlib.graphs import to_nir, write_graph

    network = check_path("network", options.network)
    output = _check_output("output", options.output, network)
    classifier = SpikingConvClassifier.load(network)
    try:
        graph = to_nir(
            classifier,
            synapse=None if options.unfiltered else "own",
            pool=options.pool,
            unsaid=options.unsaid,
        )
    except ValueError as error:
        msg = str(error).replace("unsaid='metadata'", "--unsaid metadata")
        raise _UsageError(msg) from error
    write_graph(graph, output)
    _say(f"{len(graph.nodes)} nodes in {output}")
    for name, value in graph.metadata.get("unsaid", {}).items():
        _tell(f"{name} = {value!r} is in the metadata alone, where few readers look.")
    return 0


def _fetch(_):
    from snnlib.datasets import fetch_mnist

    mnist = fetch_mnist()
    _say(f"{mnist!r}\ndigest {mnist.digest}")
    return 0


def _number_of_workers(text):
    """Return a number of workers, None for one on each core."""
    value = _whole(text, -MOST_WORKERS, MOST_WORKERS)
    return None if value == -1 else value


def _number_of_retries(text):
    return _whole(text, 0)


def _number_of_threads(text):
    return _whole(text, 1)


def _whole(text, low, high=MOST_WORKERS):
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        msg = f"must be a whole number from {low} to {high}; got {shown(text)}"
        raise argparse.ArgumentTypeError(msg)
    return value


def _amount_of_time(text):
    """Return a number of seconds."""
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    msg = f"must be a number of seconds above 0; got {shown(text)}"
    raise argparse.ArgumentTypeError(msg)


def _amount_of_memory(text):
    """Return an amount such as 4GB in bytes."""
    from dask.utils import parse_bytes

    with contextlib.suppress(ValueError, OverflowError):
        # To Dask, nothing and a unit alone are one of them.
        if any(map(str.isdigit, text)) and 0 < parse_bytes(text) < math.inf:
            return parse_bytes(text)
    msg = f"must be an amount of memory above 0, such as 4GB; got {shown(text)}"
    raise argparse.ArgumentTypeError(msg)


@contextlib.contextmanager
def _environment(variables):
    """Set variables of the environment, which kernels inherit, and give them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _messages_shown():
    """Show what the package logs, on stderr and as it is."""
    logger = logging.getLogger("snnlib")
    if logger.handlers:
        yield
        return
    handler, level = logging.StreamHandler(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _say(text):
    encoding = sys.stdout.encoding or "utf-8"
    # A name or a metric may hold what the terminal has no letter for.
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _tell(problem):
    sys.stderr.write(f"snnlib: {problem}\n")


def _fail(problem, code):
    _tell(problem)
    return code


if __name__ == "__main__":
    sys.exit(main())
