"""Run a row of each committed table again, and note whether today's code gives it.

A run's id names the code that it ran with, so a change of the code makes the ids of new
runs new. ``python scripts/repeat_rows.py`` shows that the committed rows still stand:
it runs the middle row of every table again with today's code, by its id, and writes to
``repeated_rows.csv`` how far the metrics are from the committed ones. ``snnlib run
--row`` reads that when it meets a row of other code. It takes an hour or two, for some
rows train a network in full; what was repeated with today's code is not repeated again.
A network comes again to the last digit with the code that its row names. Where later
code adds up in another order, training makes another network, as another seed does.

``--sample 10`` takes ten rows at random instead, of the named tables or of those of
single neurons, and only says what it finds. Sums may be taken in another order on
another processor, so there a difference of 1e-9 passes.
"""

import argparse
import datetime
import logging
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from snnlib.digests import code_digest
from snnlib.recording import read_metrics
from snnlib.tables import read_provenance, read_table, write_table

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
REPEATED = RESULTS / "repeated_rows.csv"
# What another order of sums may change.
_BY_ROUNDING = 1e-9
logger = logging.getLogger("repeat_rows")


def definitions(names=()):
    """Return the definitions of committed tables, of all or of some, networks last.

    Parameters
    ----------
    names : sequence of str, default=()
        Names of tables; none for all.

    Returns
    -------
    definitions : list of pathlib.Path

    Raises
    ------
    SystemExit
        If there is no such table.
    """
    there = {path.stem: path for path in (ROOT / "sweeps").glob("*.yaml")}
    for name in names:
        if name not in there:
            sys.exit(
                f"tables must be some of {', '.join(sorted(there))}; got {name!r}."
            )
    chosen = [there[name] for name in names or there]
    return sorted(chosen, key=lambda path: ("mnist" in path.stem, path.stem))


def run_again(definition, table, run_id):
    """Do the run of a row by its id, on one thread as the sweep did it."""
    from snnlib import read_plan

    notebook = read_plan(definition).notebook.path
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "again.ipynb")
        command = [sys.executable, "-m", "snnlib.cli", "run", str(notebook)]
        command += ["--row", str(table), run_id, "--threads", "1", "-o", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return read_metrics(out)


def committed_metrics(row, provenance):
    """Return the metrics that a row has, by their names in the run."""
    names = [it["name"] for it in provenance["columns"] if it["kind"] == "metric"]
    return {
        name.removesuffix("_recorded"): row[name]
        for name in names
        if row.get(name) is not None
    }


def largest_difference(metrics, known):
    """Return how far the metrics of a run are from those that are known.

    Parameters
    ----------
    metrics, known : dict
        Values by name.

    Returns
    -------
    difference : float
        The largest; infinite if two differ that are not both finite numbers, or only
        one side has one.
    """

    def apart(*both):
        if both[0] == both[1]:
            return 0.0
        numbers = [it for it in both if isinstance(it, int | float)]
        are_finite = len(numbers) == 2 and all(map(math.isfinite, numbers))
        return abs(numbers[0] - numbers[1]) if are_finite else math.inf

    names = {*metrics, *known}
    return max((apart(metrics.get(it), known.get(it)) for it in names), default=0.0)


def sample(n_rows, seed, names):
    """Repeat rows drawn from all rows of some tables; return the largest difference."""
    rows = [
        (definition, row["run_id"])
        for definition in definitions(names)
        if names or "mnist" not in definition.stem
        for row in read_table(RESULTS / f"{definition.stem}.csv")
    ]
    if not 1 <= n_rows <= len(rows):
        sys.exit(f"--sample must be a number from 1 to {len(rows)} rows; got {n_rows}.")
    differences = []
    for definition, run_id in random.Random(seed).sample(rows, n_rows):
        found = repeat(
            definition,
            lambda rows, run_id=run_id: next(r for r in rows if r["run_id"] == run_id),
        )
        logger.info("%(table)s, %(run_id)s: difference %(largest_difference)g", found)
        differences.append(found["largest_difference"])
    return max(differences)


def repeat(definition, choose=lambda rows: rows[len(rows) // 2]):
    """Repeat a row of a definition's table; return what was found."""
    table = RESULTS / f"{definition.stem}.csv"
    row, provenance = choose(read_table(table)), read_provenance(table)
    metrics = run_again(definition, table, row["run_id"])
    known = committed_metrics(row, provenance)
    return {
        **about(table.name, provenance),
        "run_id": row["run_id"],
        "n_metrics": len(metrics),
        "largest_difference": largest_difference(metrics, known),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def about(table, provenance):
    """Return which code made a table, and which runs it again today."""
    code = provenance["identity"]["code"]
    return {"table": table, "code": code, "repeated_with": code_digest()}


def main():
    """Repeat what was not repeated with today's code yet.

    Returns
    -------
    code : int
        0 if every row came out to the last digit with today's code.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", help="names of tables (default: all)")
    parser.add_argument("--sample", type=int, metavar="N", help="take N rows at random")
    parser.add_argument(
        "--seed", type=int, help="of the sample (default: another each)"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.sample is not None:
        return int(sample(options.sample, options.seed, options.tables) > _BY_ROUNDING)
    found = read_table(REPEATED) if REPEATED.exists() else []
    worst = 0.0
    for definition in definitions(options.tables):
        table = RESULTS / f"{definition.stem}.csv"
        today = about(table.name, read_provenance(table)).items()
        done = [row for row in found if today <= row.items()]
        if not done:
            done = [repeat(definition)]
            found += done
            write_table(REPEATED, found)
            logger.info("%(table)s: %(largest_difference)g in %(n_metrics)d", done[0])
        worst = max(worst, *(row["largest_difference"] for row in done))
    return int(worst > 0)


if __name__ == "__main__":
    sys.exit(main())
