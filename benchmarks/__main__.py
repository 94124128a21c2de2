"""Run the measurements, and write each down as it comes."""

import argparse
import datetime
import json
import logging
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import growth, parts, race, rows
from benchmarks.measure import (
    ROOT,
    SECTIONS,
    describe_machine,
    load,
    machine_of,
    record,
)

RESULTS = ROOT / "benchmarks" / "results.json"
QUICK_RESULTS = ROOT / "build" / "benchmarks-quick.json"
logger = logging.getLogger("benchmarks")


def tasks(mode, peers):
    """Return what there is to do: entries of the results by section, and how to.

    Parameters
    ----------
    mode : {"quick", "normal", "full"}
        How much to measure.
    peers : Path
        Folder of the environments of other simulators.

    Returns
    -------
    tasks : dict of str to (section, names, function)
        The function returns an entry for each name.
    """
    sizes = rows.SIZES[mode]
    curves = {
        name: partial(growth.grow, side, quantity, growth.SIZES[mode])
        for name in growth.CURVES
        for quantity, side in [name.split(", ")]
        if quantity in growth.SIZES[mode][side]
    }
    return {
        **{
            measure.__name__: ("rows", names, partial(measure, sizes))
            for measure, names in rows.MEASUREMENTS.items()
        },
        **{
            name: ("race", (name,), partial(run, race.SIZES[mode], peers))
            for name, run in race.ROWS.items()
        },
        **{
            f"parts, {name}": (
                "parts",
                (name,),
                lambda name=name, take=take: {name: take(parts.SIZES[mode])},
            )
            for name, take in parts.PARTS.items()
        },
        **{
            name: ("growth", (name,), lambda name=name, grow=grow: {name: grow()})
            for name, grow in curves.items()
        },
    }


def perform(task, options):
    """Do a task in a process of its own; return its entries, or None if it fails."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "entries.json")
        command = [sys.executable, "-m", "benchmarks", *options, "--task", task]
        done = subprocess.run([*command, "--output", path], cwd=ROOT)
        if done.returncode:
            logger.error("%s failed; what was measured before it is kept.", task)
            return None
        return json.loads(path.read_text())


def describe(name, entry):
    """Return an entry as one line."""
    if "sides" in entry:
        times = [f"{side} {it['seconds']:.3g} s" for side, it in entry["sides"].items()]
        return f"{name}: {', '.join(times)}"
    if "parts" in entry:
        times = [f"{part} {seconds:.3g} s" for part, seconds in entry["parts"].items()]
        return f"{name}: {', '.join(times)}"
    if "seconds_slope" in entry:
        time_, memory = entry["seconds_slope"], entry["peak_mb_slope"]
        return f"{name}: time grows as x^{time_:.2f}, peak memory as x^{memory:.2f}"
    spread = f"{entry['low']:.3g} to {entry['high']:.3g}, {entry['n_rounds']} rounds"
    line = f"{name}: {entry['median']:.3g} x ({spread}) against {entry['peer']}"
    if "goal" in entry:
        verdict = {True: "met", False: "NOT MET", None: "not judged"}[entry["met"]]
        line += f"; goal {' '.join(map(str, entry['goal']))} x: {verdict}"
    if "memory_share" in entry:
        line += f"; peak memory {entry['memory_share']:.0%}"
    return line


def main(arguments=None):
    """Measure what is asked for.

    Parameters
    ----------
    arguments : list of str or None, default=None
        Those of the command line; None takes them from there.

    Returns
    -------
    code : int
        0 if every task ended well.
    """
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument(
        "--quick", action="store_true", help="smaller sizes, fewer rounds, same rows"
    )
    how_much.add_argument(
        "--full", action="store_true", help="extrapolate nothing but experiment 2"
    )
    parser.add_argument(
        "--row",
        nargs="+",
        metavar="NAME",
        choices=[*rows.ROWS, *race.ROWS, *parts.PARTS, *growth.CURVES, *SECTIONS[1:]],
        help="only these: %(choices)s",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="only what was not yet measured on this machine",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="PATH",
        help=f"where to write; {RESULTS.relative_to(ROOT)}, or with --quick "
        f"{QUICK_RESULTS.relative_to(ROOT)}",
    )
    parser.add_argument(
        "--peers",
        type=Path,
        default=race.PEERS,
        metavar="PATH",
        help="folder of the environments that make peers makes; "
        f"{race.PEERS.relative_to(ROOT)}",
    )
    parser.add_argument("--task", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    mode = "quick" if asked.quick else "full" if asked.full else "normal"
    to_do = tasks(mode, asked.peers)
    if asked.task:
        asked.output.write_text(json.dumps(to_do[asked.task][2]()))
        return 0

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    options = ["--peers", str(asked.peers)]
    options += [f"--{mode}"] if mode != "normal" else []
    path = asked.output or (QUICK_RESULTS if asked.quick else RESULTS)
    machine = describe_machine()
    try:
        held = load(path)
    except (OSError, ValueError) as error:
        parser.error(f"{error} Move it away, or write elsewhere with --output.")
    failed = False
    for task, (section, names, _) in to_do.items():
        if asked.row and not {*names, section} & {*asked.row}:
            continue
        found = held.get(section, {})
        here = {name for name in found if machine_of(held, found[name]) == machine}
        if asked.resume and here >= {*names}:
            continue
        missing = race.missing(task, asked.peers) if section == "race" else []
        if missing and not asked.row:
            logger.info("%s needs %s: make peers", task, " and ".join(missing))
            continue
        start = time.monotonic()
        entries = perform(task, options)
        failed = failed or entries is None
        if entries:
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            about = {"mode": mode, "date": today}
            named = {name: {**about, **entry} for name, entry in entries.items()}
            record(path, section, named, machine, order=rows.ROWS)
            for name, entry in named.items():
                logger.info("%s", describe(name, entry))
        logger.info("    %s took %.0f s", task, time.monotonic() - start)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
