"""Workers: where the runs of a sweep are carried out, here or on a cluster.

A run's notebook and parameters travel to a worker, and the executed notebook travels
back. Workers need no file of the caller's machine, only the same `snnlib` and data.
"""

import contextlib
import errno
import importlib
import json
import logging
import os
import re
import socket
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from snnlib._version import __version__
from snnlib.checks import shown
from snnlib.definitions import SweepError
from snnlib.digests import code_digest, input_digests, version_text, versions
from snnlib.kernels import (
    KernelsEndedError,
    KernelsError,
    KernelsUnwantedError,
    WarmKernels,
    system_problem,
)

# More runs at a time, or threads of one, than any machine has cores.
MOST_WORKERS = 1024
# Seconds to wait for a scheduler that has never answered, and between two looks at
# whether there are workers.
_FIRST_ANSWER = 10
_LOOK = 60
# Dask gives a run up after four workers have died of it, or under it by chance. So it
# begins again, after all others, and is a failure only the fifth time.
_MOST_ROUNDS = 5
# Where Linux says how much memory the processes of a container may use.
_CONTAINER_MEMORY = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
# What a run says whose temporary folder has no room: no space, or none for this user.
_NO_ROOM = re.compile(rf"OSError: \[Errno ({errno.ENOSPC}|{errno.EDQUOT})\]")
# The last kind is within one process, and has no port.
_ADDRESS = re.compile(
    r"((tcp|tls|ws|wss|ucx)://)?(?P<host>[^\s/]+):(?P<port>[0-9]{1,5})|inproc://\S+"
)

logger = logging.getLogger(__name__)


class _SchedulerLostError(Exception):
    """The connection to the scheduler broke, and with it all that was under way."""


def check_address(name, value):
    """Return a text that has the form of a scheduler's address.

    Nobody is asked whether a scheduler is there.

    Parameters
    ----------
    name : str
        What to call it in the message.
    value : object
        What came.

    Returns
    -------
    value : str

    Raises
    ------
    ValueError
        If it is none.
    """
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if not found or not 0 < int(found["port"] or 1) < 2**16:
        got = shown(value)
        msg = f"{name} must be an address such as tcp://192.0.2.7:8786; got {got}."
        raise ValueError(msg)
    return value


def check_security(name, value):
    """Return what Dask shows a scheduler so that it is let in.

    Parameters
    ----------
    name : str
        What to call it in the message.
    value : object
        What came.

    Returns
    -------
    value : distributed.Security

    Raises
    ------
    ValueError
        If it is none.
    """
    with _dask() as distributed:
        if isinstance(value, distributed.Security):
            return value
    msg = f"{name} must be a distributed.Security; got {shown(value)}."
    raise ValueError(msg)


def import_extra(name, extra="sweep"):
    """Import a library that not everybody has.

    Parameters
    ----------
    name : str
        Of the module.
    extra : str, default="sweep"
        What it comes with.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If it is not installed. The message says how to do it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        msg = f'This needs {name}. Install it with: pip install "snnlib[{extra}]"'
        raise ImportError(msg) from error


# Where the runs go: each yields (run id, outcome) as runs end.


def outcomes_on_this_machine(requests, n_workers=None):
    """Carry out runs on this machine, where no other process can ask for any.

    A worker is a thread that looks after kernels of its own, over pipes. Nothing has a
    port.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.
    n_workers : int, optional
        Number of runs at a time; by default, one for each core. As with scikit-learn's
        ``n_jobs``, -1 is that too, -2 one less and so on. 0 is 1.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.

    Raises
    ------
    OSError
        If a run finds no room on the disk for temporary files.
    """
    import joblib

    # Without one of them each run would fail, and say less.
    for name in ("psutil", "papermill"):
        if find_spec(name) is None:
            import_extra(name)
    n_cores = joblib.cpu_count()
    if n_workers is None or n_workers < 0:
        n_workers = n_cores + 1 + (n_workers or -1)
    n_workers = max(1, min(n_workers, len(requests)))
    shares = {
        "threads": max(1, n_cores // n_workers),
        "memory_limit": _memory() / n_workers,
    }
    is_over = threading.Event()
    do = partial(carry_out, n_at_a_time=n_workers, unwanted=is_over.is_set)
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            under_way = {}
            for run_id, request in requests.items():
                # They were planned on this machine, a moment ago.
                request = {**request, "is_checked": True}
                for name, share in shares.items():
                    request[name] = request[name] or share
                under_way[pool.submit(do, request)] = run_id
            for future in as_completed(list(under_way)):
                outcome = {**future.result(), "n_workers": n_workers}
                if outcome.get("is_unfit"):
                    reason = os.strerror(errno.ENOSPC)
                    raise OSError(errno.ENOSPC, reason, tempfile.gettempdir())
                yield under_way.pop(future), outcome
        finally:
            is_over.set()
            pool.shutdown(cancel_futures=True)
            _idle_kernels.close()


def _memory():
    """Return the memory of this machine, or what we may use of it, in bytes."""
    import psutil

    sizes = [psutil.virtual_memory().total]
    for path in _CONTAINER_MEMORY:
        # No limit is a word there.
        with contextlib.suppress(OSError, ValueError):
            sizes.append(int(Path(path).read_text()))
    return min(sizes)


def outcomes_on_scheduler(requests, address, *, security=None, patience):
    """Carry out runs on the workers of a Dask scheduler, which may be lost meanwhile.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.
    address : str
        Of the scheduler.
    security : distributed.Security, optional
        The certificates to show it; by default, those of Dask's configuration.
    patience : float
        Seconds to wait for a scheduler that was lost, or for another worker when the
        last has gone. When one is back, the runs that had not ended begin again. The
        first worker is waited for without end.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.

    Raises
    ------
    SweepError
        If no scheduler or worker answers, or one of the first workers has another
        `snnlib` or other data.
    """
    left = dict(requests)
    with _dask():
        # It would log, with tracebacks, that it cannot reconnect to a lost scheduler.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        _check_host(address)
        connected = partial(_connected, address, security)
        with connected(_FIRST_ANSWER) as client:
            _check_workers(client, next(iter(left.values())))
            _name_dashboard(client)
        timeout = _FIRST_ANSWER
        while left:
            with connected(timeout) as client:
                try:
                    for run_id, outcome in _as_they_end(client, left, patience):
                        del left[run_id]
                        yield run_id, outcome
                except _SchedulerLostError:
                    logger.warning(
                        "The scheduler at %s is lost. Waiting up to %g s for it.",
                        *(address, patience),
                    )
                    timeout = patience


@contextlib.contextmanager
def _dask():
    """Import Dask for a while, and undo then what it has changed in this process."""
    # The loggers that the import makes keep what it gave them.
    with _unchanged():
        distributed = import_extra("distributed")
        with _unchanged():
            yield distributed


@contextlib.contextmanager
def _unchanged():
    """Give back the environment, and the loggers there are, as they are now."""
    environment = dict(os.environ)
    loggers = [
        (it, it.level, it.propagate, it.handlers[:])
        for it in [logging.root, *logging.root.manager.loggerDict.values()]
        # Some are placeholders.
        if isinstance(it, logging.Logger)
    ]
    try:
        yield
    finally:
        for it, level, propagate, handlers in loggers:
            it.setLevel(level)
            it.propagate = propagate
            it.handlers[:] = handlers
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


def _check_host(address):
    """Refuse a name that no machine has, for which Dask would wait."""
    found = _ADDRESS.fullmatch(address)
    if found["host"]:
        try:
            socket.getaddrinfo(found["host"].strip("[]"), None)
        except OSError as error:
            msg = f"scheduler {address!r} cannot be found: {error.strerror}."
            raise SweepError(msg) from error


@contextlib.contextmanager
def _connected(address, security, timeout):
    import distributed

    client = distributed.Client.__new__(distributed.Client)
    try:
        client.__init__(
            address, security=security, timeout=timeout, set_as_default=False
        )
    # Dask does not say what a wrong address or certificate can end in.
    except Exception as error:
        # A half-made client would try for a minute to close what it never had.
        client.status = "closed"
        msg = (
            f"no Dask scheduler answers at {address!r} within {timeout:g} s: "
            f"{_one_line(error)}"
        )
        raise SweepError(msg) from error
    with client:
        yield client


def _as_they_end(client, requests, patience):
    """Submit the runs, a few more than there are places, and yield their outcomes."""
    import distributed

    waiting = list(reversed(requests.items()))
    under_way = {}
    n_rounds, sent_away = dict.fromkeys(requests, 0), set()
    lonely = _Loneliness(client, patience)

    def top_up():
        wanted = 2 * sum(client.nthreads().values()) + 8 - len(under_way)
        while waiting and wanted > 0:
            run_id, request = waiting.pop()
            # A key of its own, so that Dask never takes one attempt for another.
            key = f"{run_id}-{uuid.uuid4().hex[:8]}"
            future = client.submit(carry_out_for_dask, request, key=key, pure=False)
            under_way[future] = run_id
            wanted -= 1

    try:
        top_up()
        while under_way:
            try:
                # It asks whatever client is the current one.
                with client.as_current():
                    ended = distributed.wait(
                        list(under_way), timeout=_LOOK, return_when="FIRST_COMPLETED"
                    ).done
            except TimeoutError:
                ended = ()
            for future in ended:
                run_id = under_way.pop(future)
                outcome = _outcome(future)
                # As long as it is held, Dask does the run again if its worker dies.
                future.release()
                n_rounds[run_id] += bool(outcome.get("was_killed"))
                if outcome.get("is_unfit"):
                    _send_away(client, outcome, sent_away)
                    waiting.append((run_id, requests[run_id]))
                elif outcome.get("is_unwanted"):
                    # Its worker was going.
                    waiting.append((run_id, requests[run_id]))
                elif outcome.get("was_killed") and n_rounds[run_id] < _MOST_ROUNDS:
                    waiting.insert(0, (run_id, requests[run_id]))
                else:
                    n_workers = sum(client.nthreads().values())
                    yield run_id, {**outcome, "n_workers": n_workers}
            lonely.look()
            top_up()
    except (OSError, CancelledError) as error:
        raise _SchedulerLostError from error


def _outcome(future):
    """Return what came of a run that has ended, whatever ended it."""
    if future.status == "cancelled":
        raise _SchedulerLostError
    error = future.exception()
    if error is None:
        return future.result()
    if "deserialization of the task graph" in str(error):
        msg = f"the scheduler needs the same snnlib as there is here: {error.__cause__}"
        raise SweepError(msg)
    if type(error).__name__ == "KilledWorker":
        return {"error": "each worker that it was given to died", "was_killed": True}
    return {"error": _one_line(error)}


def _send_away(client, outcome, sent):
    """End a worker that came later than the others and cannot do what they do."""
    address = outcome["worker"]
    # One with several threads says it for each.
    if address not in sent:
        sent.add(address)
        logger.warning(
            "The worker at %s cannot take part, and is sent away: %s",
            *(address, outcome["error"]),
        )
    client.retire_workers(workers=[address], close_workers=True)


class _Loneliness:
    """Says when there are no workers, and ends the sweep when that lasts too long."""

    def __init__(self, client, patience):
        self._client = client
        self._patience = patience
        # Before the first worker came there is no hurry: clusters have queues.
        self._last_seen = None
        self._next_word = 0.0

    def look(self):
        now = time.monotonic()
        if self._client.nthreads():
            self._last_seen, self._next_word = now, now + _LOOK
            return
        if self._last_seen is not None and now - self._last_seen > self._patience:
            msg = (
                f"no worker has been left for {self._patience:g} s. What is finished "
                "is kept; start workers and call again."
            )
            raise SweepError(msg)
        if now >= self._next_word:
            logger.warning("The scheduler has no workers. Waiting for one.")
            self._next_word = now + _LOOK


def _check_workers(client, request):
    """Refuse a cluster with a worker that would calculate something else."""
    if not client.nthreads():
        logger.info("The scheduler has no workers yet; waiting for the first.")
    found = client.run(_difference, request, on_error="return")
    for address, problem in found.items():
        if problem is not None:
            msg = f"the worker at {address} cannot take part: {problem}"
            raise SweepError(msg)


def _name_dashboard(client):
    if find_spec("bokeh") and client.dashboard_link:
        logger.info("Dask's dashboard: %s", client.dashboard_link)


# In a worker.


class _IdleKernels:
    """Servers of kernels, each waiting for the next run of its sweep.

    A worker with several threads does several runs at a time, be it of several sweeps.
    """

    def __init__(self):
        self._lock = threading.Lock()
        # The one that has waited longest comes first.
        self._waiting = []

    def take(self, key):
        """Return a server that no one else will get, or None."""
        with self._lock:
            for i, (its_key, kernels) in enumerate(self._waiting):
                if its_key == key:
                    del self._waiting[i]
                    return kernels
        return None

    def put(self, key, kernels):
        """Have a server wait."""
        with self._lock:
            self._waiting.append((key, kernels))

    def close(self, most=0):
        """End those that have waited longest, until no more than ``most`` are left."""
        with self._lock:
            n_left = min(most, len(self._waiting))
            surplus = [self._waiting.pop(0) for _ in self._waiting[n_left:]]
        for _, kernels in surplus:
            kernels.close()


_idle_kernels = _IdleKernels()
_asking = threading.Lock()


def carry_out(request, *, n_at_a_time=1, unwanted=None):
    """Do one run, and return what came of it rather than raise.

    Parameters
    ----------
    request : dict
        ``notebook``, its content; ``parameters``; ``imports``; ``expected`` and
        ``sources``, what must be the same here as where the run was planned, unless it
        ``is_checked``; ``figures``, ``warm``, ``threads``, ``timeout`` and
        ``memory_limit``.
    n_at_a_time : int, default=1
        How many threads of this process carry out runs.
    unwanted : callable, optional
        Asked again and again whether nobody waits for the run any more.

    Returns
    -------
    outcome : dict
        ``error``, None or the reason in one line; ``notebook``, the executed notebook;
        ``wall_time`` in seconds; ``versions`` of what it ran with. ``is_unfit`` is true
        where no run can be done, for this machine has other code or data, or no room on
        its disk, and
        ``is_unwanted`` where the run was stopped and says nothing about itself.
    """
    key = json.dumps(
        [request[name] for name in ("expected", "imports", "warm", "threads")]
    )
    kernels = _idle_kernels.take(key)
    if kernels is None:
        problem = None if request.get("is_checked") else _difference(request)
        if problem is not None:
            return {"error": problem, "is_unfit": True}
        kernels = WarmKernels(
            request["imports"],
            warm=request["warm"],
            threads=request["threads"] or 1,
        )
    run = partial(
        kernels.run,
        request["notebook"],
        request["parameters"],
        figures=request["figures"],
        timeout=request["timeout"],
        memory_limit=request["memory_limit"],
        unwanted=unwanted,
    )
    try:
        try:
            outcome = run()
        except KernelsEndedError:
            # Whatever ended it need not do so again: memory that others used up.
            outcome = run()
    except KernelsError as error:
        kernels.close()
        is_unwanted = isinstance(error, KernelsUnwantedError)
        return {"error": str(error), "is_unwanted": is_unwanted}
    if _NO_ROOM.match(outcome["error"] or ""):
        # So would all others.
        kernels.close()
        error = f"its disk is full, with {tempfile.gettempdir()}: {outcome['error']}"
        return {"error": error, "is_unfit": True}
    _idle_kernels.put(key, kernels)
    # As many as there are runs at a time, and one for a second sweep between them.
    _idle_kernels.close(most=1 + n_at_a_time)
    return {**outcome, "versions": versions()}


def carry_out_for_dask(request):
    """Do one run as a task of a Dask worker.

    Parameters
    ----------
    request : dict
        As `carry_out` takes.

    Returns
    -------
    outcome : dict
        As from `carry_out`, with the ``worker``'s address.
    """
    from distributed import get_worker

    worker = get_worker()
    outcome = carry_out(
        request, n_at_a_time=worker.state.nthreads, unwanted=_unwanted(worker)
    )
    return {**outcome, "worker": worker.address}


def _difference(request):
    """Say in what this machine differs from where the run was planned, or None."""
    if problem := system_problem():
        return problem
    try:
        # Python 3.11 cannot parse in two threads at once.
        with _asking:
            found = {
                "snnlib": __version__,
                "code": code_digest(),
                "inputs": input_digests(**request["sources"]),
                "versions": version_text(),
            }
    except (OSError, ValueError) as error:
        return f"it cannot read the data: {error}"
    expected = request["expected"]
    for name, what in (
        ("snnlib", "another version of snnlib"),
        ("code", "another code of snnlib, by its digest"),
        ("inputs", "other data, by their digests"),
        ("versions", "other packages"),
    ):
        # Versions are compared where the definition says so.
        if found[name] != expected.get(name, found[name]):
            return (
                f"it has {what}: {found[name]}, and the sweep was planned "
                f"with {expected[name]}."
            )
    return None


def _unwanted(worker):
    """Return a function that says whether the scheduler has given up this run."""
    status = sys.modules["distributed"].Status
    key = worker.get_current_task()

    def unwanted():
        task = worker.state.tasks.get(key)
        stopping = worker.status not in (status.running, status.paused)
        return stopping or task is None or task.state == "cancelled"

    return unwanted


def _one_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]
