"""How sure one can be: of an accuracy, and of the mean of repeated runs."""

from __future__ import annotations

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

    Attributes
    ----------
    value : float
        The mean.
    error : float
        Its standard error.
    dof : float
        Degrees of freedom of Student's t that the error comes with.
    """

    value: float
    error: float
    dof: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the ends of the confidence interval.

        Parameters
        ----------
        confidence : float, default=0.95
            Share of such intervals that hold the true effect, between 0 and 1.

        Returns
        -------
        low, high : float
        """
        confidence = check_number("confidence", confidence, above=0, high=1)
        # Without an error, all confidence is no more than the mean.
        half = _reach(confidence, self.dof) * self.error if self.error else 0.0
        return self.value - half, self.value + half

    def p_differs(self, null: float = 0.0) -> float:
        """Return the two-sided p-value against the true effect being ``null``.

        Parameters
        ----------
        null : float, default=0.0
            The effect that is doubted.

        Returns
        -------
        p : float
        """
        from scipy.stats import t

        null = check_number("null", null)
        return float(2 * t.sf(abs(self._distance(null)), self.dof))

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

        References
        ----------
        D. J. Schuirmann, "A comparison of the two one-sided tests procedure and the
        power approach for assessing the equivalence of average bioavailability",
        Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
        """
        from scipy.stats import t

        margin = check_number("margin", margin, above=0)
        above, below = self._distance(-margin), self._distance(margin)
        return float(max(t.sf(above, self.dof), t.cdf(below, self.dof)))

    def p_beyond(self, bound: float) -> float:
        """Return the p-value against the true effect being no more than ``bound``.

        Parameters
        ----------
        bound : float
            What the effect is to exceed. For one that is to fall short, change signs.

        Returns
        -------
        p : float
        """
        from scipy.stats import t

        bound = check_number("bound", bound)
        return float(t.sf(self._distance(bound), self.dof))

    def _distance(self, null):
        """Return how many standard errors lie between the mean and ``null``."""
        difference = self.value - null
        if self.error == 0:
            # Equal repeats are sure of themselves; no difference is none.
            return np.sign(difference) * np.inf if difference else 0.0
        return difference / self.error


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
    return Estimate(
        float(values.mean()), float(values.std(ddof=1) / np.sqrt(n)), n - 1.0
    )


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
    error = values.std(ddof=1) * np.sqrt(1 / n + n_test / n_train)
    return Estimate(float(values.mean()), float(error), n - 1.0)


def mean_over_seeds_and_images(values: ArrayLike) -> Estimate:
    """Estimate a mean from networks that were all tested on the same images.

    Seeds and images are both drawn, and a hard image is hard for all: the variance has
    a part of each, ``(MS_seeds + MS_images - MS_rest) / (n_seeds * n_images)`` with the
    mean squares of a two-way table without repeats, or that of the larger of the two
    where the rest exceeds the smaller. The degrees of freedom are Satterthwaite's. It
    speaks of other seeds *and* of other images.

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
    F. E. Satterthwaite, "An approximate distribution of estimates of variance
    components", Biometrics Bulletin 2, 1946.
    B. D. Gallas, A. Bandos, F. W. Samuelson and R. F. Wagner, "A framework for
    random-effects ROC analysis: biases with the bootstrap and other variance
    estimators", Communications in Statistics - Theory and Methods 38, 2009.
    """
    values = _check_repeats(values, 2)
    n_seeds, n_images = values.shape
    mean = values.mean()
    of_seeds, of_images = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_seeds[:, None] - of_images + mean
    squares = np.array(
        [
            n_images * ((of_seeds - mean) ** 2).sum() / (n_seeds - 1),
            n_seeds * ((of_images - mean) ** 2).sum() / (n_images - 1),
            (rest**2).sum() / ((n_seeds - 1) * (n_images - 1)),
        ]
    )
    dofs = np.array([n_seeds - 1, n_images - 1, (n_seeds - 1) * (n_images - 1)], float)
    # A part of the variance that comes out negative counts as none: the rest is then
    # left in once, as in a table with one way.
    used = squares * [1, 1, -1]
    if squares[2] > squares[:2].min():
        used = squares * (np.arange(3) == squares[:2].argmax())
    variance = used.sum()
    if variance <= 0:
        return Estimate(float(mean), 0.0, dofs[0])
    dof = variance**2 / (used**2 / dofs).sum()
    return Estimate(
        float(mean), float(np.sqrt(variance / (n_seeds * n_images))), float(dof)
    )


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
