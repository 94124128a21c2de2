"""Effects in words."""

from __future__ import annotations

import re

import numpy as np

from snnlib.metrics import Estimate
from snnlib.verdicts._results import read_decisions


def interval_of(estimate):
    """Return the ends of an estimate's interval, as wide as decided."""
    return estimate.interval(read_decisions()["rule"]["confidence"])


def without_sign_of_zero(text):
    """Return a text in which no zero has a sign."""
    return re.sub(r"[-+](?=0(\.0+)?(?![.\d]))", "", text)


_RIGHT = "{:.1f} % right ({:.1f} to {:.1f})"
# How effects are said: what a number is turned into, and how it is written.
_SAID = {
    "MSPE": (lambda x, _: np.exp(2 * x), "MSPE times {:.2f} ({:.2f} to {:.2f})"),
    "ratio": (lambda x, _: np.exp(x), "ratio {:.2f} ({:.2f} to {:.2f})"),
    "points": (lambda x, _: x, "{:+.1f} points ({:+.1f} to {:+.1f})"),
    "below": (lambda x, bound: np.clip(bound - x, 0, 100), _RIGHT),
    "above": (lambda x, bound: np.clip(bound + x, 0, 100), _RIGHT),
}


def effect_in_words(estimate: Estimate, unit: str = "points") -> str:
    """Return an effect with its interval, in a unit that can be pictured.

    Parameters
    ----------
    estimate : Estimate
        The effect.
    unit : {"points", "MSPE", "ratio", "below", "above"}, default="points"
        What it is, as for `Question`.

    Returns
    -------
    words : str

    Examples
    --------
    >>> effect_in_words(Estimate(2.0, (0.5,), (1000.0,)))
    '+2.0 points (+1.0 to +3.0)'
    """
    turn, form = _SAID[unit]
    poor = read_decisions()["claims"]["3"]["poor"]
    value, *ends = (turn(it, poor) for it in (estimate.value, *interval_of(estimate)))
    return without_sign_of_zero(form.format(value, *sorted(ends)))
