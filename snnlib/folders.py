"""The folder of a sweep.

It holds all that the sweep writes::

    sweep.json           the plan: every row of the table, with the id of its run
    runs/<id>.ipynb      the executed notebook of a finished run
    failed/<id>.ipynb    that of a failed one, with the traceback
    lock, .lock          who is at work on the folder

A file gets its name once it is complete.
"""

import contextlib
import datetime
import json
import logging
import os
import platform

from snnlib.checks import check_path
from snnlib.definitions import SweepError
from snnlib.digests import digest, run_id
from snnlib.files import written_whole
from snnlib.recording import MetricsError, read_metrics
from snnlib.workers import import_extra

# Bytes of a file that are still read: a plan with a million rows has as many.
_LARGEST = 10**9
# What the files of a sweep hold, and of which types.
_PLAN_TYPES = {"definition": dict, "notebook": str, "identity": dict, "rows": list}
_ROW_TYPES = {"axis": str | None, "run_id": str, "values": dict}
_RUN_TYPES = {
    **dict.fromkeys(("run_id", "checksum", "finished"), str),
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
                holder = self._read_holder() or "it has just begun"
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
            self._take_over(self._read_holder())
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

    def _read_holder(self):
        """Return who is at work, or was; to be asked once the lock was tried."""
        if not self.holder.is_file():
            return ""
        with self.holder.open(encoding="utf-8", errors="replace") as file:
            return " ".join(file.read(200).split())

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
            msg = (
                f"out must be a folder that can be written to; got {str(self.path)!r}: "
                f"{getattr(error, 'strerror', None) or error}."
            )
            raise SweepError(msg) from error

    def begin(self, plan):
        """Make the folder ready for a plan, and write the plan down."""
        content = {
            "definition": plan.definition,
            "notebook": plan.notebook.path.name,
            "identity": plan.identity,
            "rows": [
                {"axis": axis, "run_id": run.id, "values": run.values}
                for axis, run in plan.rows
            ],
        }
        with self._blamed():
            for folder in (self.runs, self.failed):
                folder.mkdir(exist_ok=True)
            for pattern in self._LEFTOVERS:
                for leftover in self.path.glob(pattern):
                    leftover.unlink()
            with written_whole(self.plan) as file:
                file.write(dump(content))

    def read_plan(self):
        """Return what `begin` wrote down."""
        try:
            plan = read_json(self.plan)
            check_types(plan, _PLAN_TYPES)
            for row in plan["rows"]:
                check_types(row, _ROW_TYPES)
        except _UNREADABLE as error:
            msg = f"{self.path} holds no sweep: {error}"
            raise SweepError(msg) from error
        return plan

    def run_files(self):
        """Return all that is where finished runs are, but for what is being written."""
        try:
            found = sorted(self.runs.iterdir())
        except OSError as error:
            msg = f"{self.path} holds no sweep: {error}"
            raise SweepError(msg) from error
        return [path for path in found if not path.match(".*.part")]

    def has(self, run):
        """Say whether a run is finished. One that is damaged is not."""
        path = self.runs / f"{run.id}.ipynb"
        try:
            return path.exists() and bool(read_run(path))
        except RunFileError as error:
            logger.warning("%s It will be run again.", error)
            return False

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
                metrics = write_run(done, executed, about, check=read_metrics)
            except MetricsError:
                about["error"] = "it recorded no metrics, or one name with two values"
            else:
                failed.unlink(missing_ok=True)
                return metrics, None
        write_run(failed, executed, about)
        return None, about["error"]


def write_run(path, executed, about, check=None):
    """Write an executed notebook, with what it came from and a checksum over all."""
    metadata = {**executed["metadata"], "snnlib": about}
    checksum = digest({**executed, "metadata": metadata})
    metadata["snnlib"] = {**about, "checksum": checksum}
    with written_whole(path) as file:
        file.write(dump({**executed, "metadata": metadata}))
        file.flush()
        # If it raises, the file never gets its name.
        return check(file.name) if check else None


def read_run(path):
    """Return what a file in the folder of finished runs says about its run."""
    try:
        executed = read_json(path)
        check_types(executed, {"metadata": dict})
        about = executed["metadata"].get("snnlib")
        check_types(about, _RUN_TYPES)
        checksum = about.pop("checksum")
        is_as_written = digest(executed) == checksum and about["run_id"] == path.stem
        metrics = read_metrics(path)
    except _UNREADABLE as error:
        msg = f"{path} is damaged, or not a run of a sweep: {error!r}."
        raise RunFileError(msg) from error
    if not is_as_written:
        msg = f"{path} was changed after it was written."
        raise RunFileError(msg)
    # Whoever changes a file can make its checksum anew, but not the id of other values.
    if run_id(about["identity"], about["inputs"], about["values"]) != path.stem:
        msg = f"{path} is not the run of its name: its values have another id."
        raise RunFileError(msg)
    return {**about, "metrics": metrics}


def read_json(path):
    """Return what a file holds, if it is one that a sweep can have written."""
    # A pipe or a device would be read for ever.
    if not path.is_file():
        msg = f"{path.name} is missing, or no file"
        raise ValueError(msg)
    if path.stat().st_size > _LARGEST:
        msg = f"{path.name} has more than {_LARGEST:g} bytes"
        raise ValueError(msg)
    return json.loads(path.read_text(encoding="utf-8"))


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
