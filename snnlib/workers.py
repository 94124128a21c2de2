"""Workers: where the runs of a sweep are carried out, here or on a cluster.

A run's notebook and parameters travel to a worker, and the executed notebook travels
back. Workers need no file of the caller's machine, only the same `snnlib` and data.
"""

import contextlib
import importlib
import itertools
import json
import logging
import os
import platform
import re
import signal
import sys
import threading
import uuid
from importlib import metadata
from importlib.util import find_spec

from snnlib._version import __version__
from snnlib.checks import shown
from snnlib.definitions import SweepError
from snnlib.digests import code_digest, input_digests
from snnlib.kernels import KernelsError, WarmKernels, system_problem

_PACKAGES = (
    *("numpy", "scipy", "nengo", "scikit-learn", "numba"),
    *("nengo-dl", "tensorflow", "tf-keras", "papermill"),
)
# Seconds to wait for a scheduler that has never answered.
_FIRST_ANSWER = 30
# The last kind is within one process, and has no port.
_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:(?P<port>[0-9]{1,5})|inproc://\S+")

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


def import_extra(name):
    """Import a library that sweeps need, and that not everybody has.

    Parameters
    ----------
    name : str
        Of the module.

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
        msg = f'Sweeps need {name}. Install it with: pip install "snnlib[sweep]"'
        raise ImportError(msg) from error


# Where the runs go: each yields (run id, outcome) as runs end.


def outcomes_here(requests):
    """Carry out runs one after the other in this process, without Dask.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.
    """
    try:
        for run_id, request in requests.items():
            yield run_id, carry_out(request)
    finally:
        _idle_kernels.close()


def outcomes_on_this_machine(requests, n_workers=None):
    """Carry out runs in processes of this machine.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.
    n_workers : int, optional
        Number of runs at a time; by default, one for each core. As with scikit-learn's
        ``n_jobs``, -1 is that too, -2 one less and so on.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.
    """
    with _dask() as distributed:
        from dask.system import CPU_COUNT
        from distributed.system import MEMORY_LIMIT

        if n_workers is None or n_workers < 0:
            n_workers = max(1, CPU_COUNT + 1 + (n_workers or -1))
        n_workers = min(n_workers, len(requests))
        shares = {
            "threads": max(1, CPU_COUNT // n_workers),
            "memory_limit": MEMORY_LIMIT / n_workers,
        }
        for request in requests.values():
            # They were planned on this machine, a moment ago.
            request["is_checked"] = True
            for name, share in shares.items():
                request[name] = request[name] or share
        with (
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                # Without it, and without an address for Dask's pages, whatever
                # listens would do so for the whole network.
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                # The kernels need the memory, not the workers.
                memory_limit=None,
                silence_logs=logging.CRITICAL,
                preload=[__name__],
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            _name_dashboard(client)
            yield from _as_they_end(client, requests)


def outcomes_on_scheduler(requests, address, patience):
    """Carry out runs on the workers of a Dask scheduler, which may be lost meanwhile.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.
    address : str
        Of the scheduler.
    patience : float
        Seconds to wait for a scheduler that was lost. When it is back, the runs that
        had not ended begin again.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.

    Raises
    ------
    SweepError
        If no scheduler answers, or a worker has another `snnlib` or other data.
    """
    left = dict(requests)
    with _dask():
        # It would log, with tracebacks, that it cannot reconnect to a lost scheduler.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        with _connected(address, _FIRST_ANSWER) as client:
            _check_workers(client, next(iter(left.values())))
            _name_dashboard(client)
        timeout = _FIRST_ANSWER
        while left:
            with _connected(address, timeout) as client:
                try:
                    for run_id, outcome in _as_they_end(client, left):
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


@contextlib.contextmanager
def _connected(address, timeout):
    import distributed

    try:
        client = distributed.Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address!r} within {timeout:g} s: {error}"
        raise SweepError(msg) from error
    with client:
        yield client


def _as_they_end(client, requests):
    """Submit the runs, a few more than there are places, and yield their outcomes."""
    import distributed

    queue = iter(list(requests.items()))
    under_way = {}
    ended = distributed.as_completed(loop=client.loop)

    def top_up():
        wanted = 2 * sum(client.nthreads().values()) + 8 - len(under_way)
        for run_id, request in itertools.islice(queue, max(0, wanted)):
            # A key of its own, so that Dask never takes one attempt for another.
            key = f"{run_id}-{uuid.uuid4().hex[:8]}"
            future = client.submit(carry_out, request, key=key, pure=False)
            under_way[future] = run_id
            ended.add(future)

    try:
        top_up()
        for future in ended:
            run_id = under_way.pop(future)
            if future.status == "cancelled":
                raise _SchedulerLostError
            error = future.exception()
            yield run_id, {"error": _one_line(error)} if error else future.result()
            top_up()
    except (OSError, distributed.client.FutureCancelledError) as error:
        raise _SchedulerLostError from error


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


def dask_setup(_):
    """Leave Ctrl-C to the caller, who ends the workers in order. Dask calls this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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


def carry_out(request):
    """Do one run, and return what came of it rather than raise.

    Parameters
    ----------
    request : dict
        ``notebook``, its content; ``parameters``; ``imports``; ``expected`` and
        ``sources``, what must be the same here as where the run was planned, unless it
        ``is_checked``; ``figures``, ``warm``, ``threads``, ``timeout`` and
        ``memory_limit``.

    Returns
    -------
    outcome : dict
        ``error``, None or the reason in one line; ``notebook``, the executed notebook;
        ``wall_time`` in seconds; ``versions`` of what it ran with.
    """
    key = json.dumps(
        [request[name] for name in ("expected", "imports", "warm", "threads")]
    )
    kernels = _idle_kernels.take(key)
    if kernels is None:
        problem = None if request.get("is_checked") else _difference(request)
        if problem is not None:
            return {"error": problem}
        kernels = WarmKernels(
            request["imports"],
            warm=request["warm"],
            threads=request["threads"] or 1,
        )
    worker = _dask_worker()
    try:
        outcome = kernels.run(
            request["notebook"],
            request["parameters"],
            figures=request["figures"],
            timeout=request["timeout"],
            memory_limit=request["memory_limit"],
            unwanted=_unwanted(worker) if worker else None,
        )
    except KernelsError as error:
        kernels.close()
        return {"error": str(error)}
    _idle_kernels.put(key, kernels)
    # As many as there are runs at a time, and one for a second sweep between them.
    _idle_kernels.close(most=1 + (worker.state.nthreads if worker else 1))
    return {**outcome, "versions": _versions()}


def _difference(request):
    """Say in what this machine differs from where the run was planned, or None."""
    if problem := system_problem():
        return problem
    try:
        found = {
            "snnlib": __version__,
            "code": code_digest(),
            "inputs": input_digests(**request["sources"]),
        }
    except (OSError, ValueError) as error:
        return f"it cannot read the data: {error}"
    expected = request["expected"]
    for name, what in (
        ("snnlib", "another version of snnlib"),
        ("code", "another code of snnlib, by its digest"),
        ("inputs", "other data, by their digests"),
    ):
        if found[name] != expected[name]:
            return (
                f"it has {what}: {found[name]}, and the sweep was planned "
                f"with {expected[name]}."
            )
    return None


def _dask_worker():
    """Return the worker of Dask's that this thread works for, or None."""
    # Where nothing has imported Dask, this is no worker of its.
    distributed = sys.modules.get("distributed")
    try:
        return distributed.get_worker() if distributed else None
    except ValueError:
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


def _versions():
    """Return the versions of what a run's results may rest on."""
    found = {"snnlib": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _one_line(error):
    return f"{type(error).__name__}: {error}".splitlines()[0]
