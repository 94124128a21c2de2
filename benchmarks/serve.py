"""What every side of the race does: wait for a line, do the work, answer with a line.

It uses the standard library alone, for it runs in the environment of every peer.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

# What a line of ours begins with, among those that libraries print.
MARK = "answer: "


def serve(run, *packages):
    """Serve the process that started this one until it closes the pipe.

    The first line tells the versions. After that each line is answered by the seconds,
    those of the processor, the peak memory in MB so far and what was found.

    Parameters
    ----------
    run : callable
        Does the work once and returns what it found. It is given True where it shall
        also count spikes, which is not timed.
    *packages : str
        Whose versions to tell.
    """
    # Simulators print.
    answers, sys.stdout = sys.stdout, sys.stderr
    about = {name: version(name) for name in packages}

    def answer(value):
        answers.write(f"{MARK}{json.dumps(value)}\n")
        answers.flush()

    answer(about)
    for line in sys.stdin:
        start, worked = time.perf_counter(), time.process_time()
        found = run(line.strip() == "check")
        worked = time.process_time() - worked
        answer([time.perf_counter() - start, worked, peak_memory(), found])


def peak_memory():
    """Return the peak memory of this process in MB, or None where it is not told."""
    path = Path("/proc/self/status")
    if not path.exists():
        return None
    (line,) = (x for x in path.read_text().splitlines() if x.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
