"""The folder of a sweep.

It holds all that the sweep writes::

    sweep.json           the plan: every row of the table, with the id of its run
    runs/<id>.ipynb      the executed notebook of a finished run
    failed/<id>.ipynb    that of a failed one, with the traceback
    index.jsonl          what the finished runs say, so that they need not be read
    lock, .lock          who is at work on the folder

A file gets its name once it is complete.
"""

import contextlib
import datetime
import json
import logging
import os
import platform
import re

from snnlib.checks import check_path
from snnlib.definitions import SweepError
from snnlib.digests import digest, run_id
from snnlib.files import check_can_write, written_whole
from snnlib.kernels import one_line
from snnlib.progress import watched
from snnlib.recording import MetricsError, metrics_alone, recorded_metrics
from snnlib.workers import import_extra

# Bytes of a file that are still read: a plan with a million rows has as many.
_LARGEST = 10**9
# Names that are listed of files that do not belong there.
_MOST_NAMES = 5
_RUN_NAME = r"[0-9a-f]{16}\.ipynb"
# What the files of a sweep hold, and of which types.
_PLAN_TYPES = {"definition": dict, "notebook": str, "identity": dict, "rows": list}
_ROW_TYPES = {"axis": str | None, "run_id": str, "values": dict}
_RUN_TYPES = {
    **dict.fromkeys(("run_id", "finished"), str),
    **dict.fromkeys(("values", "inputs", "identity", "versions"), dict),
    "wall_time": int | float | None,
}
# What reading such a file can end in, whatever is in it.
_UNREADABLE = (OSError, ValueError, RecursionError)

logger = logging.getLogger(__name__)


class SweepBusyError(SweepError):
    """A folder that another sweep is at work on."""


class RunFileError(ValueError):
    """A file that is not a finished run, or is damaged."""


class Folder:
    """The one place that knows the files of a sweep."""

    # What a killed sweep can leave behind of `written_whole`.
    _LEFTOVERS = (".sweep.json.*part", ".lock.*part", "runs/.*.part", "failed/.*.part")

    def __init__(self, path):
        try:
            self.path = check_path("out", path)
        except ValueError as error:
            raise SweepError(str(error)) from None
        self.runs = self.path / "runs"
        self.failed = self.path / "failed"
        self.plan = self.path / "sweep.json"
        self.index = self.path / "index.jsonl"
        self.holder = self.path / "lock"

    @contextlib.contextmanager
    def locked(self):
        """Keep other sweeps out; the system lifts the lock when this process ends."""
        filelock = import_extra("filelock")
        # Not the file that names the holder: filelock may empty what it tries to lock.
        lock = filelock.FileLock(self.path / ".lock", timeout=0)
        with self._blamed():
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except filelock.Timeout:
                holder = self.read_holder() or "it has just begun"
                msg = f"{self.path} belongs to another sweep at work: {holder}."
                raise SweepBusyError(msg) from None
        try:
            with self._signed():
                yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _signed(self):
        """Name this process as the holder of the lock, for a while."""
        with self._blamed():
            self._take_over(self.read_holder())
            started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            with written_whole(self.holder) as file:
                file.write(
                    f"process {os.getpid()} on {platform.node()} since {started}"
                )
        try:
            yield
        finally:
            # What ended the sweep matters more than a text that stays behind.
            with contextlib.suppress(OSError):
                os.truncate(self.holder, 0)

    def read_holder(self):
        """Return who is at work, or was if it was killed."""
        if not self.holder.is_file():
            return ""
        with self.holder.open(encoding="utf-8", errors="replace") as file:
            return one_line(file.read(200))

    def has_dead_holder(self):
        """Say whether who is named as the holder was a process of this machine."""
        holder = re.match(r"process (\d{1,9}) on (.*) since ", self.read_holder())
        # Elsewhere a signal of no meaning may end a process.
        if not holder or holder[2] != platform.node() or os.name != "posix":
            return False
        try:
            os.kill(int(holder[1]), 0)
        except OSError as error:
            return isinstance(error, ProcessLookupError)
        return False

    def _take_over(self, holder):
        """Take a lock that was left behind, unless its owner may live elsewhere."""
        if not holder:
            return
        if f" on {platform.node()} since " not in holder:
            msg = (
                f"{self.path} may belong to another sweep at work: {holder}. If that "
                f"has ended, remove {self.holder} and try again."
            )
            raise SweepBusyError(msg)
        logger.info("Taking over from a sweep that ended early: %s.", holder)

    @contextlib.contextmanager
    def _blamed(self):
        """Name the folder where the system would not have it."""
        try:
            yield
        except (OSError, UnicodeError) as error:
            file = getattr(error, "filename", None)
            where = f"{file}: " if file and str(file) != str(self.path) else ""
            why = str(getattr(error, "strerror", None) or error).rstrip(".")
            msg = (
                f"out must be a folder that can be written to; got {str(self.path)!r}: "
                f"{where}{why}."
            )
            raise SweepError(msg) from error

    def holds(self, plan):
        """Say whether this plan is written down already."""
        try:
            return read_text(self.plan) == dump(_content(plan))
        except (OSError, ValueError):
            return False

    def begin(self, plan):
        """Make the folder ready for a plan, and write the plan down."""
        names = {f"{run.id}.ipynb" for run in plan.runs}
        with self._blamed():
            for folder in (self.runs, self.failed):
                folder.mkdir(exist_ok=True)
                for path in folder.glob("*.ipynb"):
                    # Met after a run, it would end the sweep and lose that.
                    if path.name in names and not path.is_file():
                        check_can_write(path)
            for pattern in self._LEFTOVERS:
                for leftover in self.path.glob(pattern):
                    leftover.unlink()
            with written_whole(self.plan) as file:
                file.write(dump(_content(plan)))

    def read_plan(self):
        """Return what `begin` wrote down."""
        try:
            plan = read_json(self.plan)
            check_types(plan, _PLAN_TYPES)
            for row in plan["rows"]:
                check_types(row, _ROW_TYPES)
            # Folders of before say nothing of the parameters.
            parameters = plan.setdefault("parameters", {})
            check_types(plan, {"parameters": dict})
            check_types(parameters, dict.fromkeys(parameters, dict))
            for its in parameters.values():
                check_types(its, dict.fromkeys(its, str))
        except _UNREADABLE as error:
            msg = f"{self.path} holds no sweep: {error}"
            raise SweepError(msg) from error
        return plan

    def finished(self, wanted, *, keep=False):
        """Return the finished runs among those wanted, by id, and what was left out.

        Parameters
        ----------
        wanted : collection of str
            Ids of runs.
        keep : bool, default=False
            Whether to add to the index what had to be read. Otherwise nothing is
            written.

        Returns
        -------
        runs : dict of str to dict
            What each says about itself, and its metrics.
        skipped : list of str
            For each damaged file, and for all foreign ones together, why.
        """
        known = self._read_index()
        runs, skipped, foreign, older = {}, [], [], []
        paths = self._run_files()
        for path in watched(paths, "reading results", len(paths)):
            if path.suffix != ".ipynb" or path.stem not in wanted:
                is_run = re.fullmatch(_RUN_NAME, path.name)
                (older if is_run else foreign).append(path.name)
                continue
            try:
                runs[path.stem], is_known = self._known_run(path, known)
            except RunFileError as error:
                skipped.append(str(error))
                continue
            if keep and not is_known:
                self._add_to_index(path, runs[path.stem])
        if foreign:
            names = ", ".join(foreign[:_MOST_NAMES]) + (
                ", ..." if len(foreign) > _MOST_NAMES else ""
            )
            skipped.append(f"{self.runs} holds what is none of its runs: {names}.")
        if older:
            skipped.append(
                f"{self.runs} holds {len(older)} runs of other definitions or code; "
                f"snnlib prune {self.path} removes them."
            )
        return runs, skipped

    def has_finished(self, wanted):
        """Say whether all runs that are wanted are finished, without a word."""
        is_there = all((self.runs / f"{run_id}.ipynb").is_file() for run_id in wanted)
        return is_there and len(self.finished(wanted, keep=True)[0]) == len(wanted)

    def _run_files(self):
        """Return all that is where finished runs are, but for hidden files."""
        try:
            found = sorted(self.runs.iterdir())
        except OSError as error:
            msg = f"{self.path} holds no sweep: {error}"
            raise SweepError(msg) from error
        return [path for path in found if not path.name.startswith(".")]

    def prune(self, wanted):
        """Remove the runs, finished and failed, that are not wanted; say how many."""
        unwanted = [
            path
            for folder in (self.runs, self.failed)
            for path in folder.glob("*.ipynb")
            if re.fullmatch(_RUN_NAME, path.name)
            and path.stem not in wanted
            and not path.is_dir()
        ]
        for path in unwanted:
            path.unlink()
        return len(unwanted)

    def failures(self, wanted):
        """Return why runs failed that are not finished, by id."""
        found = {}
        for path in sorted(self.failed.glob("*.ipynb")):
            if path.stem in wanted and not (self.runs / path.name).exists():
                try:
                    about = read_json(path)["metadata"]["snnlib"]
                    found[path.stem] = one_line(str(about["error"]))
                except (*_UNREADABLE, KeyError, TypeError):
                    found[path.stem] = "its notebook is damaged"
        return found

    def identities(self):
        """Return what runs of before rested on, by their values as JSON."""
        found = {}
        for _, run in self._read_index().values():
            with contextlib.suppress(ValueError):
                check_types(run, _RUN_TYPES)
                found[dump(run["values"])] = {
                    **run["identity"],
                    "inputs": run["inputs"],
                }
        return found

    # The index saves reading thousands of notebooks. It is believed where a file is as
    # old and as large as when its line was written.

    def _known_run(self, path, known):
        """Return what a run says about itself, and whether the index knew."""
        try:
            if path.is_symlink() and path.resolve().parent != self.runs.resolve():
                msg = f"{path} is a link that leads out of the folder."
                raise RunFileError(msg)
            mark = _mark(path)
        except (OSError, RuntimeError) as error:
            # A link that leads to itself is either.
            msg = f"{path} cannot be read: {error}."
            raise RunFileError(msg) from error
        its_mark, run = known.get(path.name, (None, None))
        if its_mark == mark and _is_run_of(run, path):
            return run, True
        return read_run(path), False

    def _read_index(self):
        known = {}
        with contextlib.suppress(OSError, ValueError):
            for line in read_text(self.index).splitlines():
                with contextlib.suppress(ValueError, TypeError, RecursionError):
                    name, mark, run = json.loads(line)
                    known[name] = mark, run
        return known

    def _add_to_index(self, path, run):
        """Append a run. Where that cannot be done, its file will be read instead."""
        # No link is followed, and no pipe is waited for.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        line = json.dumps([path.name, _mark(path), run])
        with contextlib.suppress(OSError):
            fd = os.open(self.index, flags, 0o666)
            try:
                # A line that was cut short does not spoil this one.
                os.write(fd, f"\n{line}".encode())
            finally:
                os.close(fd)

    def store(self, run, plan, outcome):
        """Write down a run; return its metrics and its error, one of which is None."""
        about = {
            "run_id": run.id,
            "values": run.values,
            "inputs": run.inputs,
            "identity": plan.identity,
            "versions": outcome.get("versions", {}),
            "wall_time": outcome.get("wall_time"),
            "n_workers": outcome.get("n_workers"),
            "finished": datetime.datetime.now(datetime.UTC).isoformat(),
            "error": outcome["error"] and one_line(outcome["error"]),
        }
        executed = json.loads(outcome.get("notebook") or plan.notebook.text)
        done, failed = (
            folder / f"{run.id}.ipynb" for folder in (self.runs, self.failed)
        )
        if about["error"] is None:
            try:
                metrics, about["units"] = recorded_metrics(executed, "it")
                if not metrics:
                    about["error"] = "it recorded no metrics"
            except MetricsError as error:
                about["error"] = one_line(str(error))
        if about["error"] is not None:
            write_run(failed, executed, about)
            return None, about["error"]
        write_run(done, executed, about)
        self._add_to_index(done, {**about, "metrics": metrics})
        failed.unlink(missing_ok=True)
        return metrics, None

    def restore(self, run, source):
        """Write down a run of elsewhere, unless it is here; say whether it was not."""
        path = self.runs / f"{run['run_id']}.ipynb"
        if path.exists():
            return False
        self.runs.mkdir(exist_ok=True)
        about = {key: it for key, it in run.items() if key != "metrics"}
        write_run(path, metrics_alone(run["metrics"], run["units"], source), about)
        self._add_to_index(path, run)
        return True


def _content(plan):
    """Return a plan as it is written down."""
    return {
        "definition": plan.definition,
        "notebook": plan.notebook.path.name,
        "identity": plan.identity,
        "parameters": {
            name: parameter.about
            for name, parameter in plan.notebook.parameters.items()
        },
        "rows": [
            {"axis": axis, "run_id": run.id, "values": run.values}
            for axis, run in plan.rows
        ],
    }


def write_run(path, executed, about):
    """Write an executed notebook, with what it came from and a checksum over all."""
    metadata = {**executed["metadata"], "snnlib": about}
    checksum = digest({**executed, "metadata": metadata})
    metadata["snnlib"] = {**about, "checksum": checksum}
    with written_whole(path) as file:
        file.write(dump({**executed, "metadata": metadata}))


def read_run(path):
    """Return what a file in the folder of finished runs says about its run."""
    try:
        executed = read_json(path)
        check_types(executed, {"metadata": dict})
        about = executed["metadata"].get("snnlib")
        check_types(about, _RUN_TYPES)
        checksum = about.pop("checksum")
        is_as_written = digest(executed) == checksum and about["run_id"] == path.stem
        metrics, units = recorded_metrics(executed, path)
    except _UNREADABLE as error:
        msg = f"{path} is damaged, or not a run of a sweep: {error!r}."
        raise RunFileError(msg) from error
    if not is_as_written:
        msg = f"{path} was changed after it was written."
        raise RunFileError(msg)
    run = {**about, "metrics": metrics, "units": units}
    if not _is_run_of(run, path):
        msg = f"{path} is not the run of its name: its values have another id."
        raise RunFileError(msg)
    return run


def _is_run_of(run, path):
    """Say whether a run has the values that the name of its file stands for."""
    # Whoever changes a file can make its checksum anew, but not the id of other values.
    try:
        check_types(run, {**_RUN_TYPES, "metrics": dict, "units": dict})
    except ValueError:
        return False
    return run_id(run["identity"], run["inputs"], run["values"]) == path.stem


def _mark(path):
    """Return what changes when a file is written anew."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def read_json(path):
    """Return what a file holds, if it is one that a sweep can have written."""
    return json.loads(read_text(path))


def read_text(path):
    """Return the text of a file that is one, and not beyond all sizes."""
    # A pipe or a device would be read for ever.
    if not path.is_file():
        msg = f"{path.name} is missing, or no file"
        raise ValueError(msg)
    if path.stat().st_size > _LARGEST:
        msg = f"{path.name} has more than {_LARGEST:g} bytes"
        raise ValueError(msg)
    return path.read_text(encoding="utf-8")


def check_types(content, types):
    """Refuse what does not hold, by name, values of some types."""
    for name, its_type in types.items():
        if not isinstance(content, dict) or not isinstance(
            content.get(name, ...), its_type
        ):
            msg = f"it has no {name!r}, or not of the type that a sweep writes"
            raise ValueError(msg)


def dump(content):
    """Return JSON that can be written as UTF-8, whatever texts are in it."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    # Half a surrogate pair is no UTF-8. Its escape is JSON, and is read as the same.
    return text.encode(errors="backslashreplace").decode()
