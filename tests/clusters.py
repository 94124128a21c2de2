"""A Dask cluster of real processes on this machine, which tests may kill."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from tiny import marked_environment, marked_processes, wait_until

DASK = Path(sys.executable).with_name("dask")


class Cluster:
    """A scheduler and workers, each in a folder of its own, without a file in common.

    Parameters
    ----------
    folder : pathlib.Path
        For the folders.
    threads : sequence of int, default=(1, 2)
        Runs at a time of each worker at the start.
    options : sequence of str
        For scheduler and workers alike, such as those of TLS.
    environment : dict
        Variables for all of them.
    """

    def __init__(self, folder, *, threads=(1, 2), options=(), environment=None):
        self.folder, self.threads, self.options = folder, threads, options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        protocol = "tls" if options else "tcp"
        self.address = f"{protocol}://127.0.0.1:{self.port}"
        self.mark, marked = marked_environment()
        self.environment = {**marked, **(environment or {})}
        self.start()

    def start(self):
        """Start all of them."""
        self.scheduler = self._popen(
            *("scheduler", "--host", "127.0.0.1", "--port", self.port),
            *("--dashboard-address", "127.0.0.1:0", "--no-dashboard"),
        )
        self.workers = [self.start_worker(n) for n in self.threads]

    def start_worker(self, n_threads=1, *options, **environment):
        """Start one more worker."""
        return self._popen(
            *("worker", self.address, "--host", "127.0.0.1", "--nthreads", n_threads),
            *("--dashboard-address", "127.0.0.1:0", "--no-dashboard", *options),
            **environment,
        )

    def _popen(self, *arguments, **environment):
        folder = self.folder / f"{arguments[0]}-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        return subprocess.Popen(
            [DASK, *map(str, (*arguments, *self.options))],
            cwd=folder,
            env={**self.environment, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self):
        """Kill all of them, and see that nothing is left."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        check_nothing_is_left(self.mark)


def check_nothing_is_left(mark):
    """All processes with a mark are gone, within a moment."""
    wait_until(lambda: not marked_processes(mark), seconds=30)
