"""How sure one can be: of an accuracy, and of the mean of repeated runs."""

from __future__ import annotations

import math
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlib.checks import check_finite, check_number, check_whole, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# A float counts no further one by one.
_LARGEST_COUNT = 2**53


class AccuracyInterval(NamedTuple):
    """An accuracy with its confidence limits, all between 0 and 1."""

    accuracy: float
    low: float
    high: float


def accuracy_interval(
    n_correct: int, n_samples: int, *, confidence: float = 0.95
) -> AccuracyInterval:
    """Return an accuracy with Wilson's confidence interval.

    The interval speaks of the test rows as a random sample. It knows nothing of the
    luck of the training rows.

    Parameters
    ----------
    n_correct : int
        Number of correct predictions.
    n_samples : int
        Number of predictions, at least 1.
    confidence : float, default=0.95
        Share of such intervals that hold the true accuracy, between 0 and 1.

    Returns
    -------
    interval : AccuracyInterval
        ``accuracy``, ``low`` and ``high``.

    Raises
    ------
    ValueError
        If a count is no whole number or not possible, or ``confidence`` is not between
        0 and 1.

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

    n_samples = check_whole("n_samples", n_samples, 1, _LARGEST_COUNT)
    n_correct = check_whole("n_correct", n_correct, 0, n_samples)
    confidence = check_number("confidence", confidence, above=0, high=1)
    if confidence == 1:
        msg = "confidence must be below 1, for no sample makes certain; got 1."
        raise ValueError(msg)
    test = binomtest(n_correct, n_samples)
    low, high = test.proportion_ci(confidence, method="wilson")
    return AccuracyInterval(n_correct / n_samples, float(low), float(high))


@lru_cache
def _reach(confidence, dof):
    """Return how many standard errors an interval has to either side."""
    from scipy.stats import t

    return t.ppf((1 + confidence) / 2, dof)


class Estimate(NamedTuple):
    """A mean effect, and how far it may be from the true one.

    Its interval is Student's where one thing was drawn anew. Where several were, each
    has its own quantile of t: half the interval is the root of the sum of squares of
    errors times quantiles (Banerjee 1960). It then holds the true effect *at least* as
    often as it says, however few of each were drawn, if each error is that of a sample
    of its own.

    Attributes
    ----------
    value : float
        The mean.
    errors : tuple of float
        The standard error from each thing that was drawn, such as seeds and images.
    dofs : tuple of float
        Degrees of freedom of Student's t that each of them comes with.

    References
    ----------
    S. K. Banerjee, "Approximate confidence interval for linear functions of means of k
    populations when the population variances are not equal", Sankhya 22, 1960.

    Examples
    --------
    >>> estimate = Estimate(5.0, (3.0, 4.0), (2.0, 1000.0))
    >>> estimate.error
    5.0
    >>> [float(round(end, 2)) for end in estimate.interval()]
    [-10.11, 20.11]
    """

    value: float
    errors: tuple[float, ...]
    dofs: tuple[float, ...]

    @property
    def error(self) -> float:
        """Standard error of the mean, from all that was drawn."""
        return math.hypot(*self.errors)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the ends of the confidence interval.

        Parameters
        ----------
        confidence : float, default=0.95
            Share of such intervals that hold the true effect, between 0 and 1.

        Returns
        -------
        low, high : float

        Raises
        ------
        ValueError
            If ``confidence`` is not between 0 and 1.
        """
        confidence = check_number("confidence", confidence, above=0, below=1)
        half = self._half(lambda dof: _reach(confidence, dof))
        return self.value - half, self.value + half

    def p_differs(self, null: float = 0.0) -> float:
        """Return the two-sided p-value against the true effect being ``null``.

        It is one minus the confidence of the interval that just reaches ``null``.

        Parameters
        ----------
        null : float, default=0.0
            The effect that is doubted.

        Returns
        -------
        p : float

        Raises
        ------
        ValueError
            If ``null`` is not finite.
        """
        from scipy.optimize import brentq
        from scipy.stats import t

        distance = abs(self.value - check_number("null", null))
        if not distance:
            return 1.0
        # Any one part alone has a narrower interval, so a smaller p-value.
        parts = [it for it in zip(self.errors, self.dofs, strict=True) if it[0]]
        least = max(
            (float(2 * t.sf(distance / error, dof)) for error, dof in parts),
            default=0.0,
        )
        if len(parts) < 2:
            return least

        def too_wide(log_p):
            return self._half(lambda dof: t.isf(math.exp(log_p) / 2, dof)) - distance

        # A smaller p-value than the smallest number of full precision counts as that.
        low = math.log(max(least, sys.float_info.min))
        return math.exp(brentq(too_wide, low, 0)) if too_wide(low) > 0 else least

    def p_within(self, margin: float) -> float:
        """Return the p-value against the true effect lying outside a margin.

        It is the larger of two one-sided tests: small if the effect is shown to be
        smaller than ``margin``, in either direction.

        Parameters
        ----------
        margin : float
            Largest effect that does not matter, above 0.

        Returns
        -------
        p : float

        Raises
        ------
        ValueError
            If ``margin`` is not above 0, or not finite.

        References
        ----------
        D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the
        power approach for assessing the equivalence of average bioavailability",
        Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
        """
        margin = check_number("margin", margin, above=0)
        return max(
            it.p_beyond(-margin) for it in (self, self._replace(value=-self.value))
        )

    def p_beyond(self, bound: float) -> float:
        """Return the p-value against the true effect being no more than ``bound``.

        Parameters
        ----------
        bound : float
            What the effect is to exceed. For one that is to fall short, change signs.

        Returns
        -------
        p : float

        Raises
        ------
        ValueError
            If ``bound`` is not finite.
        """
        bound = check_number("bound", bound)
        of_one_side = self.p_differs(bound) / 2
        return of_one_side if self.value > bound else 1 - of_one_side

    def _half(self, quantile):
        """Return how far an interval reaches to either side, by quantiles of t."""
        # Without an error, all confidence is no more than the mean.
        parts = zip(self.errors, self.dofs, strict=True)
        return math.hypot(*(error and error * quantile(dof) for error, dof in parts))


def mean_over_seeds(values: ArrayLike) -> Estimate:
    """Estimate a mean from repeats that share nothing, such as seeds.

    Parameters
    ----------
    values : array-like of shape (n_repeats,)
        One number for each, such as the paired difference of two settings. At least 2.

    Returns
    -------
    estimate : Estimate
        With ``s / sqrt(n)`` for its error and ``n - 1`` degrees of freedom.

    Raises
    ------
    ValueError
        If there are fewer than 2, or one is not finite.

    Examples
    --------
    >>> estimate = mean_over_seeds([1.0, 2.0, 3.0])
    >>> [float(round(end, 3)) for end in estimate.interval()]
    [-0.484, 4.484]
    """
    values = _check_repeats(values, 1)
    n = len(values)
    return Estimate(_mean(values), (_spread(values) / math.sqrt(n),), (n - 1.0,))


def mean_over_splits(values: ArrayLike, *, n_train: int, n_test: int) -> Estimate:
    """Estimate a mean from random splits of the same rows, which overlap.

    The splits repeat each other, so that ``s / sqrt(n)`` promises too much. Here the
    variance is ``s ** 2 * (1 / n + n_test / n_train)``, which speaks of other rows too.

    Parameters
    ----------
    values : array-like of shape (n_splits,)
        One number for each, such as the paired difference of two settings. At least 2.
    n_train, n_test : int
        Rows of a split.

    Returns
    -------
    estimate : Estimate
        With ``n_splits - 1`` degrees of freedom.

    Raises
    ------
    ValueError
        If there are fewer than 2 splits, a value is not finite, or a number of rows is
        no whole number from 1 on.

    References
    ----------
    C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning
    52, 2003.

    Examples
    --------
    >>> estimate = mean_over_splits([1.0, 2.0, 3.0], n_train=9, n_test=3)
    >>> round(estimate.error, 4)
    0.8165
    """
    values = _check_repeats(values, 1)
    n_train = check_whole("n_train", n_train, 1)
    n_test = check_whole("n_test", n_test, 1)
    n = len(values)
    error = _spread(values) * math.sqrt(1 / n + n_test / n_train)
    return Estimate(_mean(values), (error,), (n - 1.0,))


def mean_over_seeds_and_images(values: ArrayLike) -> Estimate:
    """Estimate a mean from networks that were all tested on the same images.

    Seeds and images are both drawn, and a hard image is hard for all. The variance has
    a part of each, of the mean squares of a two-way table without repeats: ``MS_seeds``
    (or ``MS_rest``, if a few seeds agree by luck and it is the larger) with
    ``n_seeds - 1`` degrees of freedom, and what ``MS_images`` is more than ``MS_rest``;
    both over ``n_seeds * n_images``. It speaks of other seeds *and* of other images, of
    which there should be a hundred or more: what the second part is worth is not known
    from a few.

    Parameters
    ----------
    values : array-like of shape (n_seeds, n_images)
        Hits, or differences of the hits of two settings with the same seed. At least 2
        of each.

    Returns
    -------
    estimate : Estimate

    Raises
    ------
    ValueError
        If there are fewer than 2 of either, or a value is not finite.

    References
    ----------
    B. D. Gallas, A. Bandos, F. W. Samuelson and R. F. Wagner, "A framework for
    random-effects ROC analysis: biases with the bootstrap and other variance
    estimators", Communications in Statistics - Theory and Methods 38, 2009.
    """
    values = _check_repeats(values, 2)
    n_seeds, n_images = values.shape
    mean = values.mean()
    of_seeds, of_images = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_seeds[:, None] - of_images + mean
    of_rest = (rest**2).sum() / ((n_seeds - 1) * (n_images - 1))
    squares = (
        # A part of the variance that comes out negative counts as none.
        max(n_images * ((of_seeds - mean) ** 2).sum() / (n_seeds - 1), of_rest),
        max(n_seeds * ((of_images - mean) ** 2).sum() / (n_images - 1) - of_rest, 0.0),
    )
    return Estimate(
        float(mean),
        tuple(math.sqrt(it / (n_seeds * n_images)) for it in squares),
        (n_seeds - 1.0, n_images - 1.0),
    )


def _mean(values):
    # That of equal values may be rounded away from them.
    return float(values.mean() if np.ptp(values) else values[0])


def _spread(values):
    return float(values.std(ddof=1)) if np.ptp(values) else 0.0


def _check_repeats(values, n_axes):
    values = np.asarray(check_finite("values", values), float)
    if values.ndim != n_axes or min(values.shape) < 2:
        axes = {1: "(n_repeats,)", 2: "(n_seeds, n_images)"}[n_axes]
        msg = (
            f"values must have shape {axes} with at least 2 of each; "
            f"got {values.shape}."
        )
        raise ValueError(msg)
    return values


def adjust_p_values(p_values: ArrayLike) -> NDArray[np.float64]:
    """Correct p-values for the number of questions, by Holm's step-down rule.

    Whoever then calls those below 0.05 small is wrong even once in at most 5 of 100
    such families, however the questions depend on each other.

    Parameters
    ----------
    p_values : array-like of shape (n_questions,)
        P-values of one family.

    Returns
    -------
    adjusted : ndarray of shape (n_questions,)
        In the order they came in, each at least as large as before and at most 1.

    Raises
    ------
    ValueError
        If one is not between 0 and 1.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6, 1979.

    Examples
    --------
    >>> adjust_p_values([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p_values = np.asarray(check_finite("p_values", p_values), float)
    if p_values.ndim != 1 or not ((p_values >= 0) & (p_values <= 1)).all():
        got = shown(p_values.tolist())
        msg = f"p_values must be a list of numbers between 0 and 1; got {got}."
        raise ValueError(msg)
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted
