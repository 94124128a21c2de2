"""Workers do the runs of a sweep, several at a time, and share no kernel."""

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import dask.system
import distributed
import pytest

from snnlib import workers
from snnlib.workers import carry_out, import_extra, outcomes_on_this_machine

REQUEST = {
    **dict.fromkeys(("notebook", "parameters", "figures", "timeout", "memory_limit")),
    "imports": [],
    "warm": True,
    "threads": 1,
    "is_checked": True,
}


@pytest.fixture
def started(monkeypatch):
    """Return a list that grows by each server of kernels, none of which is a real one.

    The worker has four threads.
    """
    servers = []

    class Kernels:
        def __init__(self, *_, **__):
            self.busy = threading.Lock()
            self.is_closed = False
            servers.append(self)

        def run(self, *_, **__):
            assert not self.is_closed
            assert self.busy.acquire(blocking=False), "two runs at once"
            time.sleep(random.random() / 500)
            self.busy.release()
            return {"error": None}

        def close(self):
            assert not self.busy.locked()
            self.is_closed = True

    worker = SimpleNamespace(state=SimpleNamespace(nthreads=4))
    monkeypatch.setattr(workers, "WarmKernels", Kernels)
    monkeypatch.setattr(workers, "_dask_worker", lambda: worker)
    monkeypatch.setattr(workers, "_unwanted", lambda _: None)
    monkeypatch.setattr(workers, "_versions", dict)
    monkeypatch.setattr(workers, "_idle_kernels", workers._IdleKernels())
    return servers


def test_threads_of_a_worker_share_servers_but_not_at_once(started):
    """Two sweeps at a time keep their warm kernels, and those that wait are few."""
    requests = [{**REQUEST, "expected": sweep} for sweep in ("one", "other") * 100]
    random.Random(0).shuffle(requests)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(carry_out, requests))
    assert [outcome["error"] for outcome in outcomes] == [None] * 200
    # Four for each sweep; as the last runs end, a few may be started again.
    assert len(started) <= 12
    assert sum(not kernels.is_closed for kernels in started) <= 5
    workers._idle_kernels.close()
    assert all(kernels.is_closed for kernels in started)


@pytest.mark.parametrize(
    ("n_workers", "n_runs", "n_expected"),
    [(None, 9, 4), (-1, 9, 4), (-2, 9, 3), (-9, 9, 1), (7, 9, 7), (-1, 2, 2)],
)
def test_negative_numbers_of_workers_count_from_the_cores(
    monkeypatch, n_workers, n_runs, n_expected
):
    """As with scikit-learn's n_jobs; there are never more than runs, nor none."""
    monkeypatch.setattr(dask.system, "CPU_COUNT", 4)
    asked = {}

    def cluster(**options):
        asked.update(options)
        raise InterruptedError

    monkeypatch.setattr(distributed, "LocalCluster", cluster)
    requests = {str(i): dict(REQUEST) for i in range(n_runs)}
    with pytest.raises(InterruptedError):
        next(outcomes_on_this_machine(requests, n_workers))
    assert asked["n_workers"] == n_expected


def test_missing_extra_is_named_with_the_way_to_it(monkeypatch):
    """The message is a command to copy."""
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(ImportError, match=r'need filelock.*pip install "snnlib\[sweep'):
        import_extra("filelock")
