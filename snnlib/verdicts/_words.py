"""Effects in words."""

from __future__ import annotations

import re

import numpy as np

from snnlib.checks import check_choice
from snnlib.metrics import Estimate
from snnlib.verdicts._results import read_decisions


def interval_of(estimate):
    """Return the ends of an estimate's interval, as wide as decided."""
    return estimate.interval(read_decisions()["rule"]["confidence"])


def without_sign_of_zero(text):
    """Return a text in which no zero has a sign."""
    return re.sub(r"[-+](?=0(\.0+)?(?![.\d]))", "", text)


_RIGHT = "{:.1f} % right ({:.1f} to {:.1f})"
_POINTS = "{:+.1f} points ({:+.1f} to {:+.1f})"
# How effects are said: what a number is turned into, and how it is written.
_SAID = {
    "MSPE": (lambda x, _: np.exp(2 * x), "MSPE times {:#.4g} ({:#.4g} to {:#.4g})"),
    "ratio": (lambda x, _: np.exp(x), "ratio {:.2f} ({:.2f} to {:.2f})"),
    "points": (lambda x, _: np.clip(x, -100, 100), _POINTS),
    "double": (lambda x, _: np.clip(x, -200, 200), _POINTS),
    "below": (lambda x, bound: np.clip(bound - x, 0, 100), _RIGHT),
    "above": (lambda x, bound: np.clip(bound + x, 0, 100), _RIGHT),
}


def effect_in_words(estimate: Estimate, unit: str = "points") -> str:
    """Return an effect with its interval, in a unit that can be pictured.

    An end that no accuracy can have, such as more than 100 %, is written as the last
    that it can.

    Parameters
    ----------
    estimate : Estimate
        The effect.
    unit : {"points", "double", "MSPE", "ratio", "below", "above"}, default="points"
        What it is, as for `Question`.

    Returns
    -------
    words : str

    Raises
    ------
    ValueError
        If there is no such unit.

    Examples
    --------
    >>> effect_in_words(Estimate(2.0, (0.5,), (1000.0,)))
    '+2.0 points (+1.0 to +3.0)'
    """
    turn, form = _SAID[check_choice("unit", unit, _SAID)]
    poor = read_decisions()["claims"]["3"]["poor"]
    value, *ends = (turn(it, poor) for it in (estimate.value, *interval_of(estimate)))
    return without_sign_of_zero(form.format(value, *sorted(ends)))
