"""How far a sweep is, as its folder tells, on this machine or another."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, field

from snnlib.folders import Folder


@dataclass(frozen=True)
class SweepStatus:
    """How far a sweep is.

    Attributes
    ----------
    out : str
        Its folder.
    n_runs : int
        Number of different runs in the plan.
    n_done : int
        How many of them are finished.
    failed : dict of str to str
        Why each run failed that is not finished yet, by id.
    holder : str
        Who is at work on the folder, or was when it was killed, where that cannot be
        told from here; empty if nobody.
    n_workers : int or None
        Runs at a time, when the last one ended; None if none has ended.
    rate : float or None
        Runs that were finished in an hour, of the last hundred; None for less than two.
    """

    out: str
    n_runs: int
    n_done: int
    failed: dict[str, str] = field(repr=False)
    holder: str
    n_workers: int | None
    rate: float | None

    @property
    def n_left(self) -> int:
        """Runs that are neither finished nor failed."""
        return self.n_runs - self.n_done - len(self.failed)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to go, at that rate; None if there is none."""
        return self.n_left * 3600 / self.rate if self.rate else None

    def __str__(self) -> str:
        """Write it down in some lines.

        Returns
        -------
        text : str
        """
        lines = [f"{self.out}: {self.n_done} of {self.n_runs} runs finished"]
        lines[0] += f", {len(self.failed)} failed, {self.n_left} left"
        if self.holder:
            workers = f", {self.n_workers} runs at a time" if self.n_workers else ""
            lines.append(f"at work: {self.holder}{workers}")
        else:
            lines.append("nobody is at work")
        if self.rate and self.holder and self.n_left:
            left = datetime.timedelta(seconds=round(self.seconds_left or 0))
            lines.append(f"{self.rate:.4g} runs an hour, about {left} to go")
        lines += [f"failed: {run_id}  {why}" for run_id, why in self.failed.items()]
        return "\n".join(lines)


def sweep_status(out: str | os.PathLike[str]) -> SweepStatus:
    """Say how far a sweep is. Nothing is changed, and no scheduler is asked.

    Parameters
    ----------
    out : path-like
        Folder of the sweep.

    Returns
    -------
    status : SweepStatus

    Raises
    ------
    SweepError
        If ``out`` is not the path of a folder that holds a sweep.
    """
    folder = Folder(out)
    wanted = {row["run_id"] for row in folder.read_plan()["rows"]}
    runs, _ = folder.finished(wanted)
    moments = (_moment(run["finished"]) for run in runs.values())
    ends = sorted(moment for moment in moments if moment)[-100:]
    span = (ends[-1] - ends[0]).total_seconds() if ends else 0
    latest = max(runs.values(), key=lambda run: run["finished"]) if runs else {}
    return SweepStatus(
        str(out),
        len(wanted),
        len(runs),
        folder.failures(wanted),
        "" if folder.has_dead_holder() else folder.read_holder(),
        latest.get("n_workers"),
        (len(ends) - 1) * 3600 / span if span else None,
    )


def _moment(text):
    """Return a moment, or None for what a restored run says that knows of none."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
