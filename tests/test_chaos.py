"""A sweep on a cluster whose workers are killed at random loses and repeats nothing."""

import contextlib
import os
import random
import re
import signal
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest
from clusters import Cluster
from tiny import snnlib, write_notebook

from snnlib.collected import collect_runs

SECONDS = float(os.environ.get("SNNLIB_CHAOS_SECONDS", "600"))
SEED = int(os.environ.get("SNNLIB_CHAOS_SEED", "0"))
# Each is there to be hit: most of its time it waits.
RESULT = """
    import time
    from pathlib import Path

    from snnlib import record

    with Path(LOG).open("a") as log:
        log.write(f"{x!r} {time.time()!r}\\n")
    time.sleep(0.5)
    record({"result": x**2, "label": label})
"""


class Chaos:
    """Takes workers away and brings others, until it is told to stop."""

    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.done = Counter()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()

    def _run(self):
        while not self.is_over.wait(self.random.uniform(0.5, 6)):
            what = self.random.choice(
                ["kill", "kill", "kill", "terminate", "stall", "walltime", "all"]
            )
            self.done[what] += 1
            getattr(self, f"_{what}")()
            self._fill_up()

    def _living(self):
        return [it for it in self.cluster.workers if it.poll() is None]

    def _fill_up(self, *options):
        while len(self._living()) < 2:
            self.cluster.workers.append(self.cluster.start_worker(1, *options))

    def _send(self, number):
        """Send a signal to a worker and all that it has started; return it."""
        chosen = self.random.choice(self._living() or [None])
        if chosen is not None:
            with contextlib.suppress(ProcessLookupError):
                chosen.send_signal(number)
        return chosen

    def _kill(self):
        self._send(signal.SIGKILL)

    def _terminate(self):
        """As SLURM does to a job that must make room."""
        self._send(signal.SIGTERM)

    def _stall(self):
        """As a file system or network that is late."""
        chosen = self._send(signal.SIGSTOP)
        self.is_over.wait(self.random.uniform(1, 8))
        if chosen is not None:
            chosen.send_signal(signal.SIGCONT)

    def _walltime(self):
        self._send(signal.SIGKILL)
        seconds = self.random.randint(5, 15)
        self._fill_up("--lifetime", f"{seconds} seconds")

    def _all(self):
        """Leave no worker for a while."""
        for worker in self._living():
            worker.kill()
            worker.wait()
        self.is_over.wait(self.random.uniform(1, 10))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 3 + 600)
def test_workers_may_die_at_any_time(tmp_path):
    """Every run is finished, with its own values; none was begun after it was done."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    log = home / "log.txt"
    write_notebook(
        home, check="", fault="", result=RESULT.replace("LOG", repr(str(log)))
    )
    xs = [float(x) for x in range(max(20, round(SECONDS)))]
    definition = home / "tiny.yaml"
    definition.write_text(f"notebook: tiny.ipynb\nfigures: false\ngrid: {{x: {xs}}}\n")
    cluster = Cluster(
        tmp_path / "cluster", threads=(1, 1), environment={"TMPDIR": str(temporary)}
    )
    command = snnlib(
        *("sweep", definition, "--out", home / "out", "--scheduler", cluster.address)
    )
    with Path(home / "said.txt").open("w") as said:
        sweep = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        try:
            with (
                Chaos(cluster, SEED) as chaos,
                contextlib.suppress(subprocess.TimeoutExpired),
            ):
                sweep.wait(SECONDS)
            cluster.workers += [cluster.start_worker() for _ in range(2)]
            assert sweep.wait(SECONDS * 2 + 300) == 0, (home / "said.txt").read_text()
        finally:
            sweep.kill()
            sweep.wait()
            cluster.end()
    text = (home / "said.txt").read_text()
    assert "Traceback" not in text, text
    collected = collect_runs(home / "out")
    assert collected.skipped == []
    assert [row["x"] for row in collected.rows] == xs
    assert [row["result"] for row in collected.rows] == [x**2 for x in xs]
    begun = Counter()
    finished = {row["x"]: stored_at(home / "out", row) for row in collected.rows}
    for line in log.read_text().splitlines():
        x, when = map(float, line.split())
        begun[x] += 1
        assert when < finished[x], f"x = {x} was begun again after it was done"
    assert begun.keys() == set(xs)
    n_again = sum(begun.values()) - len(xs)
    (home / "chaos.txt").write_text(
        f"{dict(chaos.done)}; {n_again} of {len(xs)} runs were begun again\n"
    )
    # It was chaos: something was lost on the way.
    assert n_again > 0
    left = [path.name for path in temporary.iterdir()]
    assert [name for name in left if re.match("snnlib", name)] == []


def stored_at(out, row):
    """Return when the result of a row was written."""
    return (out / "runs" / f"{row['run_id']}.ipynb").stat().st_mtime
