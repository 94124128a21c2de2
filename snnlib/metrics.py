"""Measures of the experiments that scikit-learn does not have."""

from typing import NamedTuple

import numpy as np


def mspe(y_true, y_pred):
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
        If shapes differ, a target is zero, or a value is not finite.

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
    return float(100 * np.mean(((y_true - y_pred) / y_true) ** 2))


def skill_score(y_true, y_pred, y_reference):
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

    Examples
    --------
    >>> skill_score([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], 2.0)
    0.5
    """
    y_true, y_pred = _check_pair(y_true, y_pred)
    reference = np.broadcast_to(np.asarray(y_reference, dtype=float), y_true.shape)
    reference_error = np.mean((y_true - reference) ** 2)
    if not reference_error > 0:
        msg = (
            "y_reference must not predict y_true without error, for there is nothing "
            f"left to save; got a squared error of {reference_error}."
        )
        raise ValueError(msg)
    return float(1 - np.mean((y_true - y_pred) ** 2) / reference_error)


class AccuracyInterval(NamedTuple):
    """An accuracy with its confidence limits, all between 0 and 1."""

    accuracy: float
    low: float
    high: float


def accuracy_interval(n_correct, n_samples, *, confidence=0.95):
    """Return an accuracy with Wilson's confidence interval.

    The interval speaks of the test rows as a random sample. It knows nothing of the
    luck of the training rows.

    Parameters
    ----------
    n_correct : int
        Number of correct predictions.
    n_samples : int
        Number of predictions.
    confidence : float, default=0.95
        Share of such intervals that hold the true accuracy.

    Returns
    -------
    interval : AccuracyInterval
        ``accuracy``, ``low`` and ``high``.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22, 1927.

    Examples
    --------
    >>> low, high = accuracy_interval(198, 200)[1:]
    >>> round(low, 3), round(high, 3)
    (0.964, 0.997)
    """
    from scipy.stats import binomtest

    if not 0 <= n_correct <= n_samples or n_samples < 1:
        msg = (
            "n_correct must be between 0 and n_samples, and n_samples at least 1; "
            f"got {n_correct} of {n_samples}."
        )
        raise ValueError(msg)
    test = binomtest(int(n_correct), int(n_samples))
    low, high = test.proportion_ci(confidence, method="wilson")
    return AccuracyInterval(float(n_correct / n_samples), float(low), float(high))


def _check_pair(y_true, y_pred):
    y_true, y_pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if y_true.shape != y_pred.shape or y_true.size == 0:
        msg = (
            "y_true and y_pred must have the same shape and not be empty; "
            f"got {y_true.shape} and {y_pred.shape}."
        )
        raise ValueError(msg)
    if not (np.isfinite(y_true).all() and np.isfinite(y_pred).all()):
        msg = "y_true and y_pred must be finite; got NaN or infinity."
        raise ValueError(msg)
    return y_true, y_pred
