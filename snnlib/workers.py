"""Workers: where the runs of a sweep are carried out, here or on a cluster.

A run's notebook and parameters travel to a worker, and the executed notebook travels
back. Workers need no file of the caller's machine, only the same `snnlib` and data.
"""

import contextlib
import itertools
import json
import logging
import platform
import signal
import sys
import uuid
from importlib import metadata
from importlib.util import find_spec

from snnlib._version import __version__
from snnlib.definitions import SweepError
from snnlib.digests import code_digest, input_digests
from snnlib.kernels import KernelsError, WarmKernels

_PACKAGES = (
    *("numpy", "scipy", "nengo", "scikit-learn", "numba"),
    *("nengo-dl", "tensorflow", "tf-keras", "papermill"),
)
# Seconds to wait for a scheduler that has never answered.
_FIRST_ANSWER = 30

logger = logging.getLogger(__name__)


class _SchedulerLostError(Exception):
    """The connection to the scheduler broke, and with it all that was under way."""


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
        _close_idle_kernels()


def outcomes_on_this_machine(requests, n_workers=None):
    """Carry out runs in processes of this machine.

    Parameters
    ----------
    requests : dict of str to dict
        What `carry_out` takes, by the run's id.
    n_workers : int, optional
        Number of runs at a time; by default, one for each core.

    Yields
    ------
    run_id : str
    outcome : dict
        As from `carry_out`.
    """
    distributed = _import_distributed()
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    n_workers = min(n_workers or CPU_COUNT, len(requests))
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
            host="127.0.0.1",
            # The kernels need the memory, not the workers.
            memory_limit=None,
            # Without a host, Dask's pages would be served to the whole network.
            dashboard_address="127.0.0.1:0",
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
def _connected(address, timeout):
    distributed = _import_distributed()
    # It would log, with tracebacks, that it cannot reconnect to a lost scheduler.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler answers at {address!r} within {timeout:g} s: {error}"
        raise SweepError(msg) from error
    with client:
        yield client


def _as_they_end(client, requests):
    """Submit the runs, a few more than there are places, and yield their outcomes."""
    distributed = _import_distributed()
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


def _import_distributed():
    try:
        import distributed
    except ImportError as error:
        msg = (
            "Sweeps with more than one run at a time need Dask. Install it with: "
            'pip install "snnlib[sweep]"'
        )
        raise ImportError(msg) from error
    return distributed


# In a worker.


def dask_setup(_):
    """Leave Ctrl-C to the caller, who ends the workers in order. Dask calls this."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# Servers of kernels that wait for the next run of the same sweep.
_idle_kernels: dict[str, list[WarmKernels]] = {}


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
    waiting = _idle_kernels.get(key)
    if not waiting:
        # Another sweep, or another snnlib: what the last one loaded is of no use.
        _close_idle_kernels()
        problem = None if request.get("is_checked") else _difference(request)
        if problem is not None:
            return {"error": problem}
    kernels = (
        waiting.pop()
        if waiting
        else WarmKernels(
            request["imports"],
            warm=request["warm"],
            threads=request["threads"] or 1,
        )
    )
    try:
        outcome = kernels.run(
            request["notebook"],
            request["parameters"],
            figures=request["figures"],
            timeout=request["timeout"],
            memory_limit=request["memory_limit"],
            unwanted=_unwanted(),
        )
    except KernelsError as error:
        kernels.close()
        return {"error": str(error)}
    _idle_kernels.setdefault(key, []).append(kernels)
    return {**outcome, "versions": _versions()}


def _close_idle_kernels():
    for kernels in itertools.chain(*_idle_kernels.values()):
        kernels.close()
    _idle_kernels.clear()


def _difference(request):
    """Say in what this machine differs from where the run was planned, or None."""
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


def _unwanted():
    """Return a function that says whether the scheduler has given up this run."""
    # Where nothing has imported Dask, this is no worker of its.
    distributed = sys.modules.get("distributed")
    try:
        worker = distributed.get_worker() if distributed else None
    except ValueError:
        worker = None
    if worker is None:
        return None
    key = worker.get_current_task()

    def unwanted():
        task = worker.state.tasks.get(key)
        stopping = worker.status not in (
            distributed.Status.running,
            distributed.Status.paused,
        )
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
