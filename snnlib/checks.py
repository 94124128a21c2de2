"""Refuse a bad value in one sentence: its name, what is allowed, what came."""

from __future__ import annotations

import math
import os
import sys
import warnings
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection


def _refuse(owner, name, allowed, got):
    where = f"{owner}: " if owner else ""
    msg = f"{where}{name} must be {allowed}; got {got}."
    raise ValueError(msg)


def shown(value):
    """Write a value in a line, however large or strange it is.

    Parameters
    ----------
    value : object
        What came.

    Returns
    -------
    text : str
    """
    try:
        text = repr(value)
    except Exception:
        # Python does not write out whole numbers of more than 4300 digits.
        text = f"a value of type {type(value).__name__} that cannot be written out"
    text = " ".join(text.split())
    return text if len(text) <= 200 else f"{text[:200]} ..."


def check_bool(name, value, *, owner=""):
    """Return a value that is True or False.

    Parameters
    ----------
    name : str
        What to call it in the message.
    value : object
        What came.
    owner : str, default=""
        Function or class to name in the message.

    Returns
    -------
    value : bool

    Raises
    ------
    ValueError
        If it is anything else, such as 0 or "no".
    """
    if not isinstance(value, bool | np.bool_):
        _refuse(owner, name, "True or False", shown(value))
    return bool(value)


def check_choice(
    name: str, value: Any, choices: Collection[str], *, owner: str = ""
) -> str:
    """Return a value that is one of some words.

    Parameters
    ----------
    name : str
        What to call it in the message.
    value : object
        What came.
    choices : collection of str
        The words.
    owner : str, default=""
        Function or class to name in the message.

    Returns
    -------
    value : str

    Raises
    ------
    ValueError
        If it is none of them.

    Examples
    --------
    >>> check_choice("readout", "mean", ["last", "mean"])
    'mean'
    """
    if not isinstance(value, str) or value not in choices:
        _refuse(owner, name, f"one of {sorted(choices)}", shown(value))
    return value


def check_whole(
    name: str, value: Any, low: int, high: int | None = None, *, owner: str = ""
) -> int:
    """Return a whole number within limits, as Python's int.

    Parameters
    ----------
    name, value, owner
        As in `check_choice`.
    low : int
        The smallest allowed.
    high : int or None, default=None
        The largest allowed; None is no limit.

    Returns
    -------
    value : int

    Raises
    ------
    ValueError
        If it is none, or outside. A float is none, even 3.0, and neither is a bool.

    Examples
    --------
    >>> check_whole("n_splits", 2.5, 1)
    Traceback (most recent call last):
    ValueError: n_splits must be a whole number from 1 on; got 2.5.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < low or (high is not None and value > high):
        limits = f"from {low} to {high}" if high is not None else f"from {low} on"
        _refuse(owner, name, f"a whole number {limits}", shown(value))
    return int(value)


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    low: float | None = None,
    high: float | None = None,
    below: float | None = None,
    is_optional: bool = False,
    owner: str = "",
) -> Any:
    """Return a finite real number within limits, as Python's float.

    Parameters
    ----------
    name, value, owner
        As in `check_choice`.
    above : float or None, default=None
        It must be larger than this.
    low, high : float or None, default=None
        It must not be smaller or larger than these.
    below : float or None, default=None
        It must be smaller than this.
    is_optional : bool, default=False
        Whether None is allowed, and returned.

    Returns
    -------
    value : float or None

    Raises
    ------
    ValueError
        If it is not a number, not finite, or outside.

    Examples
    --------
    >>> check_number("tau_rc", 0.02, above=0)
    0.02
    """
    if value is None and is_optional:
        return None
    number = _as_float(value)
    fits = (
        math.isfinite(number)
        and (above is None or number > above)
        and (low is None or number >= low)
        and (high is None or number <= high)
        and (below is None or number < below)
    )
    if not fits:
        limits = [
            f"{word} {limit:g}"
            for word, limit in (
                ("above", above),
                ("from", low),
                ("to", high),
                ("below", below),
            )
            if limit is not None
        ]
        allowed = " ".join(["a finite number", *limits])
        allowed += ", or None" if is_optional else ""
        _refuse(owner, name, allowed, shown(value))
    return number


def _as_float(value):
    """Return a number as a float, and NaN for what is none or too large for one."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def check_finite(name, values, *, n_axes=None, owner=""):
    """Return finite real numbers as a float array.

    Parameters
    ----------
    name, owner
        As in `check_bool`.
    values : array-like
        What came.
    n_axes : int or None, default=None
        Number of axes it must have; None takes any.

    Returns
    -------
    values : float ndarray
        A view of what came, where that was a float array.

    Raises
    ------
    ValueError
        If it holds what is no real number, or NaN or infinity, or is ragged, or if
        some of it is masked.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(0, object)
    check_unmasked(name, values, owner=owner)
    if array.dtype.kind not in "buif":
        _refuse(owner, name, "an array of real numbers", shown(values))
    if n_axes is not None and array.ndim != n_axes:
        _refuse(owner, name, f"an array with {n_axes} axes", f"shape {array.shape}")
    array = array.astype(float, copy=False)
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        _refuse(owner, name, "finite", f"{n_bad} of {array.size} that are not")
    return array


def check_unmasked(name, values, *, owner=""):
    """Refuse what is masked in part: NumPy would take what lies under the mask.

    Parameters
    ----------
    name, owner
        As in `check_bool`.
    values : object
        What came.

    Raises
    ------
    ValueError
        If some of it is masked.
    """
    if np.ma.is_masked(values):
        _refuse(owner, name, "without missing values", shown(values))


def check_path(name, value, *, owner=""):
    """Return the name of a file or folder, which need not be there.

    Parameters
    ----------
    name, value, owner
        As in `check_bool`.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    ValueError
        If it is no text or path, or empty.
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    # No system knows a file whose name has a null character in it.
    if not isinstance(path, str) or not path or "\0" in path:
        _refuse(owner, name, "the path of a file or folder", shown(value))
    return Path(path)


def warn_caller(message):
    """Warn at the line outside the package that the call came from.

    Parameters
    ----------
    message : str
        What to say, in a UserWarning.
    """
    # The second level is the line that called this function.
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("snnlib."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, UserWarning, stacklevel=level)
