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
    """Return the definitions of committed tables, of all or of some, networks last."""
    paths = [
        path
        for path in (ROOT / "sweeps").glob("*.yaml")
        if not names or path.stem in names
    ]
    return sorted(paths, key=lambda path: ("mnist" in path.stem, path.stem))


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


def largest_difference(metrics, row):
    """Return how far metrics are from a row's; infinite where they are not numbers."""
    differences = [0.0]
    for name, value in metrics.items():
        known = row.get(f"{name}_recorded", row[name])
        if value != known:
            is_number = isinstance(value, int | float)
            differences.append(abs(value - known) if is_number else float("inf"))
    return max(differences)


def sample(n_rows, seed, names):
    """Repeat rows drawn from all rows of some tables; return the largest difference."""
    drawn = random.Random(seed)
    rows = [
        (definition, row["run_id"])
        for definition in definitions(names)
        if names or "mnist" not in definition.stem
        for row in read_table(RESULTS / f"{definition.stem}.csv")
    ]
    differences = [0.0]
    for definition, run_id in drawn.sample(rows, n_rows):
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
    row = choose(read_table(table))
    metrics = run_again(definition, table, row["run_id"])
    return {
        "run_id": row["run_id"],
        "table": table.name,
        "code": read_provenance(table)["identity"]["code"],
        "repeated_with": code_digest(),
        "n_metrics": len(metrics),
        "largest_difference": largest_difference(metrics, row),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def main():
    """Repeat what was not repeated with today's code yet.

    Returns
    -------
    code : int
        0 if every row came out to the last digit.
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
    today = code_digest()
    for definition in definitions(options.tables):
        table = f"{definition.stem}.csv"
        if any((r["table"], r["repeated_with"]) == (table, today) for r in found):
            continue
        found.append(repeat(definition))
        write_table(REPEATED, found)
        logger.info("%(table)s: %(largest_difference)g in %(n_metrics)d", found[-1])
    return int(any(r["largest_difference"] for r in found))


if __name__ == "__main__":
    sys.exit(main())
