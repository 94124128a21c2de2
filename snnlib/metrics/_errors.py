"""Errors of predictions, as the paper and its critics measure them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnlib.checks import check_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mspe(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean squared percentage error, the measure of experiment 1.

    It weighs an error by the size of its target, so small targets count most.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Targets, none of them zero.
    y_pred : array-like of shape (n_samples,)
        Predictions.

    Returns
    -------
    error : float
        ``100 * mean(((y_true - y_pred) / y_true) ** 2)``, in percent; 0 is best.

    Raises
    ------
    ValueError
        If shapes differ, a target is zero, or a value or the error is not finite.

    Examples
    --------
    >>> round(mspe([1.0, 2.0], [1.1, 1.8]), 6)
    1.0
    """
    y_true, y_pred = _check_pair(y_true, y_pred)
    if (y_true == 0).any():
        msg = (
            "y_true must not hold zeros, for a percentage of zero is not defined; "
            f"got {int((y_true == 0).sum())} of {y_true.size}."
        )
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        error = float(100 * np.mean(((y_true - y_pred) / y_true) ** 2))
    return _check_float("y_pred", error)


def skill_score(y_true: ArrayLike, y_pred: ArrayLike, y_reference: ArrayLike) -> float:
    """Return the share of a reference's squared error that a prediction saves.

    With the mean of the *training* targets as reference it differs from R squared,
    which compares with the mean of the test targets.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        Targets.
    y_pred : array-like of shape (n_samples,)
        Predictions.
    y_reference : float or array-like of shape (n_samples,)
        What the reference predicts, such as the mean of the training targets.

    Returns
    -------
    skill : float
        ``1 - MSE(y_pred) / MSE(y_reference)``: 1 is perfect, 0 no better than the
        reference, negative worse.

    Raises
    ------
    ValueError
        If shapes differ, a value or an error is not finite, or the reference has none.

    Examples
    --------
    >>> skill_score([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], 2.0)
    0.5
    """
    y_true, y_pred = _check_pair(y_true, y_pred)
    reference = check_finite("y_reference", y_reference)
    if reference.size != 1 and reference.shape != y_true.shape:
        msg = (
            f"y_reference must be a number or have the shape {y_true.shape} of y_true; "
            f"got {reference.shape}."
        )
        raise ValueError(msg)
    reference_error = _squared_error("y_reference", y_true, reference)
    # A mean of equal targets is theirs but for its rounding.
    if np.sqrt(reference_error) <= 1e-14 * np.abs(y_true).max():
        msg = (
            "y_reference must not predict y_true without error, for there is nothing "
            f"left to save; got a squared error of {reference_error}."
        )
        raise ValueError(msg)
    return float(1 - _squared_error("y_pred", y_true, y_pred) / reference_error)


def _check_pair(y_true, y_pred):
    y_true = check_finite("y_true", y_true)
    y_pred = check_finite("y_pred", y_pred)
    if y_true.shape != y_pred.shape or y_true.size == 0:
        msg = (
            "y_true and y_pred must have the same shape and not be empty; "
            f"got {y_true.shape} and {y_pred.shape}."
        )
        raise ValueError(msg)
    return y_true, y_pred


def _squared_error(name, y_true, values):
    with np.errstate(over="ignore"):
        return _check_float(name, np.mean((y_true - values) ** 2))


def _check_float(name, error):
    """Return an error of ``name`` that a float can hold."""
    if not np.isfinite(error):
        msg = f"{name} must not be so far from y_true; got an error of {error}."
        raise ValueError(msg)
    return error
