"""Time two sides in turns, weigh their processes, and keep what was found.

Nothing here imports NumPy or any package: a process that starts others must stay small,
for on Linux the peak memory a child reports includes its parent's at the start.
"""

import json
import math
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from benchmarks import serve

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "snnlib",
    "nengo",
    "nengo-dl",
    "tensorflow",
    "tf-keras",
    "numba",
    "numpy",
    "scipy",
    "scikit-learn",
)
SECTIONS = ("rows", "race", "growth", "parts")
_MEGABYTE = 2**20


class Finished(NamedTuple):
    """What a whole process cost, from its start to its end."""

    seconds: float
    peak_mb: float
    worked: float = math.nan
    """Seconds of the processor, in all threads."""


def alternate(sides, n_repeats, *, n_warm_ups=1):
    """Time functions in turns, so that a slow moment of the machine hits all alike.

    Every other round goes through the sides backwards.

    Parameters
    ----------
    sides : dict of str to callable
        What to time. A callable that returns a float has timed itself, in seconds;
        one that returns `Finished` stands for a process.
    n_repeats : int
        Rounds that count.
    n_warm_ups : int, default=1
        Rounds before them that do not.

    Returns
    -------
    costs : dict of str to list of Finished
        One for each round; the peak memory is NaN except for a process.
    """
    costs = {name: [] for name in sides}
    for turn in range(-n_warm_ups, n_repeats):
        for name in list(sides)[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            cost = sides[name]()
            seconds = time.perf_counter() - start
            if isinstance(cost, float):
                cost = Finished(cost, math.nan)
            elif not isinstance(cost, Finished):
                cost = Finished(seconds, math.nan)
            if turn >= 0:
                costs[name].append(cost)
    return costs


def pin(n_processors):
    """Keep this process to the first processors it has, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_processors])


def processor_time(work):
    """Return a function that works and returns the processor's seconds it took.

    They are those of all threads, and do not grow while others use the machine.

    Parameters
    ----------
    work : callable
        What to time.

    Returns
    -------
    timed : callable
    """

    def timed():
        start = time.process_time()
        work()
        return time.process_time() - start

    return timed


def run_process(command, **environment):
    """Run a process to its end and return what it cost.

    Parameters
    ----------
    command : list of str
        Program and arguments; run in the root of the project.
    **environment : str
        Environment variables to set.

    Returns
    -------
    cost : Finished

    Raises
    ------
    subprocess.CalledProcessError
        If the process fails. It has said why on the standard error it shares.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    # Popen must know that its child is gone, or it waits for it again.
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    worked = usage.ru_utime + usage.ru_stime
    return Finished(seconds, usage.ru_maxrss * unit / _MEGABYTE, worked)


def compare(ours, peer, *, sense):
    """Return the ratio of each round, its median and its spread.

    Parameters
    ----------
    ours, peer : sequence of float
        Seconds of each round.
    sense : {"at least", "at most"}
        "at least" asks how many times faster ours is: peer / ours. "at most" asks how
        many times the peer's time ours takes: ours / peer.

    Returns
    -------
    comparison : dict
        ``ratios``, ``median``, ``low`` and ``high`` (least and greatest), and the
        median ``seconds`` of both sides.
    """
    pairs = list(zip(ours, peer, strict=True))
    ratios = [b / a if sense == "at least" else a / b for a, b in pairs]
    return {
        "ratios": ratios,
        "median": median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "seconds": {"ours": median(ours), "peer": median(peer)},
    }


def is_met(goal, measured):
    """Return whether a median meets a goal such as ``("at least", 10)``."""
    sense, limit = goal
    return measured >= limit if sense == "at least" else measured <= limit


def extrapolate(sizes, seconds, target):
    """Return the time at ``target`` by the least-squares line through measured sizes.

    Parameters
    ----------
    sizes : sequence of float
        What was measured; one size only if it is the target.
    seconds : sequence of float
        How long each took.
    target : float
        Size wanted.

    Returns
    -------
    seconds : float

    Raises
    ------
    ValueError
        If there is no line to draw.

    Examples
    --------
    >>> extrapolate([200, 1000], [14.0, 30.0], 10_000)
    210.0
    """
    if target in sizes and len(set(sizes)) == 1:
        return fmean(seconds)
    if len(set(sizes)) < 2:
        msg = f"sizes must hold two different ones or the target {target}; got {sizes}."
        raise ValueError(msg)
    rise, middle, level = _line(sizes, seconds)
    return level + rise * (target - middle)


def slope(x, y):
    """Return the exponent p of y ~ x^p: the least-squares slope on log axes.

    Parameters
    ----------
    x, y : sequence of float
        Positive numbers.

    Returns
    -------
    exponent : float
        1 where y grows in proportion to x, 0 where it stays the same.

    Examples
    --------
    >>> round(slope([1, 10, 100], [3, 300, 30_000]), 6)
    2.0
    """
    return _line([math.log(value) for value in x], [math.log(value) for value in y])[0]


def _line(x, y):
    """Return slope, mean of x and mean of y of the least-squares line."""
    middle, level = fmean(x), fmean(y)
    spread = sum((a - middle) ** 2 for a in x)
    joint = sum((a - middle) * (b - level) for a, b in zip(x, y, strict=True))
    return joint / spread, middle, level


def reset_peak():
    """Make the peak memory of this process what it now uses, where the system can."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def peak_memory():
    """Return the peak memory of this process since `reset_peak`, in MB, or NaN."""
    told = serve.peak_memory()
    return math.nan if told is None else told


def describe_machine():
    """Return what a time depends on: processor, memory, system and versions.

    Returns
    -------
    machine : dict of str to str, int, float or dict
    """
    affinity = getattr(os, "sched_getaffinity", None)
    n_pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "memory_gb": round(n_pages * page / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor():
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [x.partition(":")[2].strip() for x in lines if x.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def load(path):
    """Return the results in a file, or none yet.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    results : dict

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it holds something else.
    """
    if not path.exists():
        return {}
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} must be a JSON file: {error}."
        raise ValueError(msg) from error
    if not isinstance(results, dict) or "machine" not in results:
        msg = f"{path} must hold results with their machine; it does not."
        raise ValueError(msg)
    return results


def machine_of(results, entry):
    """Return the machine an entry was measured on: its own, or that of the others."""
    return entry.get("machine", results["machine"])


def record(path, section, entries, machine, *, order=()):
    """Put entries in the place of their older ones, and leave all others as they are.

    The file is read again, for another process may have written to it meanwhile.

    Parameters
    ----------
    path : Path
        Where results are, or will be.
    section : {"rows", "race", "growth", "parts"}
        Part of the results.
    entries : dict of str to dict
        What was measured, by name.
    machine : dict
        Where; see `describe_machine`.
    order : iterable of str, default=()
        Names that come first, whichever was measured first.
    """
    results = {"machine": machine, **load(path)}
    named = {name: {**entry, "machine": machine} for name, entry in entries.items()}
    held = {**results.get(section, {}), **named}
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys([*order, *held]))}
    results[section] = dict(sorted(held.items(), key=lambda item: ranks[item[0]]))
    _share_machine(results)
    save(path, results)


def _share_machine(results):
    """Say once where most was measured, and of the other entries where each was."""
    entries = [it for name in SECTIONS for it in results.get(name, {}).values()]
    machines = [machine_of(results, entry) for entry in entries]
    # Of two with as many entries, the one that was there.
    results["machine"] = max([results["machine"], *machines], key=machines.count)
    for entry, machine in zip(entries, machines, strict=True):
        entry.pop("machine", None)
        if machine != results["machine"]:
            entry["machine"] = machine


def save(path, results):
    """Write results, so that the file is whole or as it was."""
    # Here, for it brings NumPy: this process measures nothing itself.
    from snnlib.files import written_whole

    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        file.write(json.dumps(_finite(results), indent=1) + "\n")


def _finite(value):
    """Round to what was measured, and turn NaN into None, which JSON knows."""
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value
