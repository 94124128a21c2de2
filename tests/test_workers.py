"""Workers do the runs of a sweep, several at a time, and share no kernel."""

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
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
    """Return a list that grows by each server of kernels, none of them a real one."""
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

    monkeypatch.setattr(workers, "WarmKernels", Kernels)
    monkeypatch.setattr(workers, "versions", dict)
    monkeypatch.setattr(workers, "_idle_kernels", workers._IdleKernels())
    return servers


def test_threads_of_a_worker_share_servers_but_not_at_once(started):
    """Two sweeps at a time keep their warm kernels, and those that wait are few."""
    requests = [{**REQUEST, "expected": sweep} for sweep in ("one", "other") * 100]
    random.Random(0).shuffle(requests)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(partial(carry_out, n_at_a_time=4), requests))
    assert [outcome["error"] for outcome in outcomes] == [None] * 200
    # Four for each sweep; as the last runs end, a few may be started again.
    assert len(started) <= 12
    assert sum(not kernels.is_closed for kernels in started) <= 5
    workers._idle_kernels.close()
    assert all(kernels.is_closed for kernels in started)


@pytest.mark.parametrize(
    ("n_workers", "n_runs", "n_expected"),
    [
        (None, 9, 4),
        (-1, 9, 4),
        (-2, 9, 3),
        (-9, 9, 1),
        (0, 9, 1),
        (7, 9, 7),
        (-1, 2, 2),
    ],
)
def test_negative_numbers_of_workers_count_from_the_cores(
    monkeypatch, n_workers, n_runs, n_expected
):
    """As with scikit-learn's n_jobs; there are never more than runs, nor none."""
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    all_there = threading.Barrier(n_expected)

    def meet(request, *, n_at_a_time, unwanted):
        # As many come together as there are workers, and no more are waited for.
        if int(request["parameters"]) < n_expected:
            all_there.wait(timeout=30)
        assert not unwanted()
        return {"threads": request["threads"], "n_at_a_time": n_at_a_time}

    monkeypatch.setattr(workers, "carry_out", meet)
    requests = {
        str(i): {**REQUEST, "threads": None, "parameters": i} for i in range(n_runs)
    }
    outcomes = dict(outcomes_on_this_machine(requests, n_workers))
    assert outcomes.keys() == requests.keys()
    for outcome in outcomes.values():
        assert outcome == {
            "threads": 4 // n_expected or 1,
            **dict.fromkeys(("n_at_a_time", "n_workers"), n_expected),
        }


def test_server_that_ended_is_tried_once_more(monkeypatch):
    """Memory that others used up may be free again; the hint is given if not."""
    ends = [workers.KernelsEndedError("first"), {"error": None}]
    ends += [workers.KernelsEndedError(f"{n} time") for n in ("first", "second")]

    class Kernels:
        def __init__(self, *_, **__):
            pass

        def run(self, *_, **__):
            end = ends.pop(0)
            if isinstance(end, Exception):
                raise end
            return end

        def close(self):
            pass

    monkeypatch.setattr(workers, "WarmKernels", Kernels)
    monkeypatch.setattr(workers, "_idle_kernels", workers._IdleKernels())
    assert carry_out(REQUEST | {"expected": 1})["error"] is None
    assert carry_out(REQUEST | {"expected": 2})["error"] == "second time"


def test_missing_extra_is_named_with_the_way_to_it(monkeypatch):
    """The message is a command to copy."""
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(
        ImportError, match=r'needs filelock.*pip install "snnlib\[sweep'
    ):
        import_extra("filelock")


@pytest.mark.parametrize("name", ["papermill", "psutil"])
def test_missing_extra_is_named_before_a_run(monkeypatch, name):
    """Each would fail without it, in words that name no way out."""
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=rf"This needs {name}\. Install it with"):
        next(outcomes_on_this_machine({"a": REQUEST}))
