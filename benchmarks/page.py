"""What the book's page shows of the results: Markdown, and figures."""

import csv
import json
from datetime import date
from itertools import pairwise
from math import exp, inf, log
from pathlib import Path
from statistics import median
from textwrap import shorten

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.ticker import LogLocator, NullFormatter

from snnlib import COLORS, markdown_table

SIDES = {"ours": "snnlib", "peer": "NengoDL (for neurons: Nengo)"}
SIDE_COLORS = {"ours": COLORS["spiking"], "peer": COLORS["baseline"]}
QUANTITIES = {
    "images": "images",
    "steps": "steps",
    "spikes": "spikes per image",
    "batch": "images at a time",
    "neurons": "single neurons",
}
COSTS = {"seconds": "time (s)", "peak_mb": "memory (MB)"}
PASSES = "ours are a dozen passes of NumPy over all of them at every step"
MATRICES = "it multiplies matrices, which costs the same however many neurons spike"
WHY = {
    "NEST": f"its neurons are compiled C++ that updates one by one, {PASSES}",
    "Brian2": f"it compiles the equations of these neurons to one loop, {PASSES}",
    "SpikingJelly": MATRICES,
    "snnTorch": MATRICES,
}


def read_results(path):
    """Return what `make bench` and `make race` wrote."""
    return json.loads(Path(path).read_text())


def number(value):
    """Return a number with the digits it deserves."""
    return f"{value:,.0f}" if value >= 20 else f"{value:.2g}"


def table(header, lines):
    """Return a table in the markup of the page."""
    return Markdown(markdown_table(pd.DataFrame(lines, columns=header)))


def bullets(lines):
    """Return a list in the markup of the page."""
    return Markdown("\n".join(f"- {line}" for line in lines))


def speed(row, ratio):
    """Return a ratio as times as fast; rows whose goal is at most have times."""
    return ratio if row["goal"][0] == "at least" else 1 / ratio


def peers(race):
    """Return the median ratio of each side of the race but ours, by row and side."""
    return {
        (name, side): median(it["ratios"])
        for name, row in race.items()
        for side, it in row["sides"].items()
        if not side.startswith("snnlib")
    }


# Side by side


def count_wins(results):
    """Return in how many comparisons we were faster, and how many goals were met."""
    rows = results["rows"].values()
    ratios = [speed(row, row["median"]) for row in rows]
    ratios += peers(results["race"]).values()
    n_met = sum(row["met"] is True for row in rows)
    return Markdown(
        f"In {sum(ratio > 1 for ratio in ratios)} of {len(ratios)} comparisons "
        f"`snnlib` is faster. It is from {number(min(ratios))} to "
        f"{number(max(ratios))} times as fast as its peer, and meets {n_met} of "
        f"{len(rows)} goals."
    )


def plot_ratios(results):
    """Return a figure with a bar for each row and each side of the race."""
    rows, race = results["rows"], peers(results["race"])
    bars = {
        f"{name}, {row['peer']}": speed(row, row["median"])
        for name, row in rows.items()
    } | {f"{name}, {side}": ratio for (name, side), ratio in race.items()}
    fig, ax = plt.subplots(figsize=(5.2, 0.19 * len(bars) + 0.7))
    colors = [
        COLORS["spiking" if ratio >= 1 else "baseline"] for ratio in bars.values()
    ]
    places = range(len(bars))
    drawn = ax.barh(
        places, [ratio - 1 for ratio in bars.values()], left=1, color=colors
    )
    ax.bar_label(drawn, map(number, bars.values()), padding=3, fontsize="x-small")
    labels = [shorten(name, 34, placeholder=" …") for name in bars]
    ax.set_yticks(places, labels, fontsize="x-small")
    ax.axhline(len(rows) - 0.5, color=COLORS["data"], linewidth=0.8)
    ax.axvline(1, color=COLORS["chosen"], linewidth=0.8)
    ax.invert_yaxis()
    ax.set(xscale="log", xlabel="times as fast as the peer")
    ax.set_xlim(right=5 * max(bars.values()))
    ax.xaxis.set_major_formatter("{x:,g}")
    return fig


def tabulate_rows(results):
    """Return the table of rows: times as fast, with the spread, goal and verdict."""
    verdicts = {True: "met", False: "**not&nbsp;met**", None: "too small to judge"}

    def cells(row):
        ends = sorted(speed(row, row[end]) for end in ("low", "high"))
        spread = "&ndash;".join(map(number, ends))
        goal = number(speed(row, row["goal"][1]))
        if row["memory"]:
            goal += f", at most {row['memory']:.0%} of their memory"
        return [
            row["what"],
            row["peer"],
            f"{number(speed(row, row['median']))}&nbsp;({spread})",
            goal,
            verdicts[row["met"]],
        ]

    header = ["what", "beside", "times as fast", "at least", "goal"]
    return table(header, [cells(row) for row in results["rows"].values()])


def list_seconds(results):
    """Return what both sides of each row needed, how often, and what was checked."""

    def both(row, cost, unit):
        ours, theirs = row[cost]["ours"], row[cost]["peer"]
        return f"{number(ours)} {unit} against {number(theirs)} {unit}"

    def line(row):
        rounds = "1 round" if row["n_rounds"] == 1 else f"{row['n_rounds']} rounds"
        said = [f"{both(row, 'seconds', 's')} ({rounds})"]
        if "memory_share" in row:
            said.append(f"at the peak {both(row, 'peak_mb', 'MB')}")
        said += filter(None, (row["size"], row["extrapolated"], row["check"]))
        return f"{row['what']}, beside {row['peer']}: {'; '.join(said)}."

    return bullets(map(line, results["rows"].values()))


def _at_bound(cold):
    """Return the share of a cold process that is left if adding is all it simulates."""
    parts = cold["parts"]
    saved = parts["simulating"] * (1 - cold["additions"] / cold["bound"])
    return 1 - saved / sum(parts.values())


def list_parts(results):
    """Return where the time of the rows goes that were taken apart."""

    def share(parts, *names):
        found = sum(spent for name, spent in parts.items() if name.startswith(names))
        return f"{found / sum(parts.values()):.0%}"

    def listed(entry):
        its = ", ".join(f"{name} {s:.2g} s" for name, s in entry["parts"].items())
        return f"{entry['what']}: {its}"

    said = []
    if cold := results["parts"].get("cold-process"):
        said.append(
            f"{listed(cold)}. Of this, {share(cold['parts'], 'importing', 'loading')} "
            f"goes into importing and loading and {share(cold['parts'], 'compiling')} "
            "into compiling. What is left adds up the weights of spikes, at "
            f"{cold['additions']:.1f} billion in a second of a processor, all else "
            "that a step takes counted in; NumPy adds "
            f"{cold['bound']:.1f} billion numbers to others that are in the cache "
            "already. Were the simulation that fast, the "
            f"process would take {_at_bound(cold):.0%} of its time."
        )
    if step := results["parts"].get("training-step"):
        said.append(
            f"{listed(step)}. The convolutions, which all three networks have in "
            f"common, are {share(step['parts'], 'convolutions')} of it, at "
            f"{step['gflops']:.0f} billion operations in a second of a processor; the "
            f"product of two large matrices reaches {step['bound']:.0f} billion. It is "
            "bound by arithmetic in TensorFlow's library, and none of the three can be "
            "much faster than that."
        )
    return bullets(said)


# Where it was measured


def days(entries):
    """Return the first and the last day on which entries were measured."""
    found = sorted({date.fromisoformat(entry["date"]) for entry in entries})
    ends = found if len(found) < 2 else [found[0], found[-1]]
    return " to ".join(f"{day.day} {day:%B %Y}" for day in ends)


def measured(machine, entries):
    """Return when and where entries were measured."""
    packages = ", ".join(f"{name} {at}" for name, at in machine["packages"].items())
    cores = f"{machine['cores']} core{'s' if machine['cores'] > 1 else ''}"
    return (
        f"Measured on {days(entries)}, on a machine with {cores} "
        f"({machine['processor']}) and {machine['memory_gb']:.0f} GB of memory, under "
        f"{machine['system']} and Python {machine['python']}, with {packages}."
    )


def list_machines(results):
    """Return where the last was measured, and what was measured elsewhere."""
    rows = results["rows"]
    titles = {f"{row['what']}, beside {row['peer']}": row for row in rows.values()}
    titles |= {f"How cost grows, {name}": it for name, it in results["growth"].items()}
    titles |= {f"The race, {it['what']}": it for it in results["race"].values()}
    titles |= {f"Taken apart, {it['what']}": it for it in results["parts"].values()}
    # What names no machine of its own was measured where the last was.
    here = [entry for entry in titles.values() if "machine" not in entry]
    text = [measured(results["machine"], here)] if here else []
    if any(row["mode"] == "quick" for row in rows.values()):
        text.append("Some rows were measured at small sizes.")
    elsewhere = [
        f"- {title}. {measured(entry['machine'], [entry])}"
        for title, entry in titles.items()
        if "machine" in entry
    ]
    if elsewhere:
        text.append("\n".join(["Elsewhere:\n", *elsewhere]))
    return Markdown(" ".join(text))


# How cost grows


def read_curves(results):
    """Return the curves of growth by quantity and side."""
    return {tuple(key.split(", ")): it for key, it in results["growth"].items()}


def plot_growth(results):
    """Return a figure with time and memory against one quantity at a time."""
    curves = read_curves(results)
    fig, axes = plt.subplots(len(QUANTITIES), 2, sharey="col", figsize=(6.4, 8.5))
    for (quantity, label), pair in zip(QUANTITIES.items(), axes, strict=True):
        for ax, cost in zip(pair, COSTS, strict=True):
            ax.set(xscale="log", yscale="log", xlabel=label, ylabel=COSTS[cost])
            # Memory stays within a decade or two, which needs more than their ends.
            subs = (1, 2, 5) if cost == "peak_mb" else (1,)
            ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=4))
            ax.yaxis.set(major_formatter="{x:g}", minor_formatter=NullFormatter())
            for side in SIDES:
                if (quantity, side) in curves:
                    curve = curves[quantity, side]
                    ax.plot(curve["x"], curve[cost], "o-", color=SIDE_COLORS[side])
    for side, name in SIDES.items():
        axes[0, 0].plot([], [], "o-", color=SIDE_COLORS[side], label=name)
    names = axes[0, 0].get_legend_handles_labels()
    fig.legend(*names, loc="outside upper center", ncols=2)
    return fig


def tabulate_slopes(results):
    """Return the table of exponents: a line for each quantity, both sides in a cell."""
    curves = read_curves(results)

    def cell(quantity, cost):
        slopes = (
            f"{curves[quantity, side][cost]:.2f}" if (quantity, side) in curves else "-"
            for side in SIDES
        )
        return " / ".join(slopes)

    return table(
        ["against", "time", "memory"],
        [
            [label, cell(quantity, "seconds_slope"), cell(quantity, "peak_mb_slope")]
            for quantity, label in QUANTITIES.items()
        ],
    )


def seconds_at(x, curve):
    """Return the time at ``x``; between two measured points, by a power law."""
    return np.exp(np.interp(*map(np.log, (x, curve["x"], curve["seconds"]))))


def list_leads(results):
    """Return how many times as fast we are over what both sides were measured for."""
    curves = read_curves(results)
    said = []
    for quantity, label in QUANTITIES.items():
        ours, peer = curves[quantity, "ours"], curves[quantity, "peer"]
        common = [
            (x, seconds / seconds_at(x, ours))
            for x, seconds in zip(peer["x"], peer["seconds"], strict=True)
            if ours["x"][0] <= x <= ours["x"][-1]
        ]
        if common:
            (first, lead), (last, last_lead) = common[0], common[-1]
            said.append(
                f"From {number(first)} to {number(last)} {label}, `snnlib` is "
                f"{number(lead)} and then {number(last_lead)} times as fast."
            )
            level = where_level(common)
            if level:
                said[-1] += f" Both take as long at about {float(f'{level:.1g}'):,.0f}."
    return bullets(said)


def where_level(leads):
    """Return where the last of the leads crosses 1, on logarithmic axes, or None."""
    crossings = [
        exp(log(x) + log(lead) / log(lead / after) * log(x_after / x))
        for (x, lead), (x_after, after) in pairwise(leads)
        if (lead - 1) * (after - 1) < 0
    ]
    return crossings[-1] if crossings else None


# The race


def titled(row):
    """Return what a row of the race measured, and on how many threads."""
    return f"{row['what']}, threads: {row['threads']}"


def tabulate_race(results):
    """Return the table of the race, the quickest side of each row first."""

    def lines(row):
        order = sorted(row["sides"].items(), key=lambda item: item[1]["seconds"])
        for at, (side, it) in enumerate(order):
            yield [
                "" if at else f"{titled(row)}, {row['size']}",
                side + (f" ({it['how']})" if "how" in it else ""),
                f"{number(it['seconds'])} s",
                "" if side == "snnlib" else number(median(it["ratios"])),
                f"{it['peak_mb']:,.0f} MB",
                it["check"],
            ]

    header = ["what", "side", "time", "times ours", "peak memory", "the same"]
    rows = results["race"].values()
    return table(header, [line for row in rows for line in lines(row)])


def list_winners(results):
    """Return who is first in each row of the race, and who is ahead of our steps."""
    said = []
    for row in results["race"].values():
        seconds = {side: it["seconds"] for side, it in row["sides"].items()}
        said.append(f"{titled(row)}: first is {min(seconds, key=seconds.get)}.")
        ahead = [side for side in WHY if seconds.get(side, inf) < seconds["snnlib"]]
        if ahead:
            said[-1] += f" {' and '.join(ahead)} took less time than our steps, for "
            said[-1] += f"{WHY[ahead[0]]}."
    return bullets(said)


def list_versions(results):
    """Return the versions of all that took part in the race."""
    versions = {
        f"{name} {at}"
        for row in results["race"].values()
        for it in row["sides"].values()
        for name, at in it["versions"].items()
    }
    return bullets([f"Versions: {', '.join(sorted(versions))}."])


# Other simulators


def tabulate_survival(path):
    """Return how far exported networks spiked alike elsewhere, by what was left out."""
    survived, simulators = {}, {}
    for row in csv.DictReader(Path(path).read_text().splitlines()):
        here, there, differing = (
            sum(map(int, row[name].split()))
            for name in ("spikes_here", "spikes_there", "differing_spikes")
        )
        simulators[row["simulator"]] = row["versions"].partition(",")[0]
        survived.setdefault(row["left_out"], []).append(
            f"{differing / (here + there):.4%} of spikes, "
            f"{row['differing_classes']} of {row['images']} classes"
        )
    return table(
        ["left out", *simulators.values()],
        [
            [name if name == "nothing" else f"`{name}`", *cells]
            for name, cells in survived.items()
        ],
    )
