"""Metrics against hand-made and published values."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from snnlib import accuracy_interval, mspe, skill_score


def test_mspe_of_a_tenth_off_is_one_percent():
    """Errors of 10 % have a squared percentage error of 1 %."""
    assert mspe([1.0, 2.0, -4.0], [1.1, 1.8, -4.4]) == pytest.approx(1.0)
    assert mspe([3.0], [3.0]) == 0


def test_mspe_refuses_a_target_of_zero():
    """A percentage of zero is not defined; the message counts the zeros."""
    with pytest.raises(ValueError, match=r"y_true.*zeros.*got 2 of 3"):
        mspe([0.0, 1.0, 0.0], [1.0, 1.0, 1.0])


@pytest.mark.parametrize("metric", [mspe, lambda a, b: skill_score(a, b, 0.0)])
def test_metrics_refuse_shapes_that_differ_and_nan(metric):
    """Broadcasting would hide a mistake, and NaN would spread it."""
    with pytest.raises(ValueError, match=r"same shape.*\(2,\).*\(1,\)"):
        metric([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="finite"):
        metric([1.0, 2.0], [1.0, np.nan])
    with pytest.raises(ValueError, match="not be empty"):
        metric([], [])


def test_skill_score_with_the_test_mean_is_r_squared():
    """Its reference made the test mean, skill is scikit-learn's r2_score."""
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(size=20), rng.normal(size=20)
    assert skill_score(y, predicted, y.mean()) == pytest.approx(r2_score(y, predicted))


def test_skill_score_refuses_a_perfect_reference():
    """Nothing can be saved where there is no error."""
    with pytest.raises(ValueError, match=r"y_reference.*0\.0"):
        skill_score([1.0, 1.0], [0.5, 1.0], 1.0)


def test_accuracy_interval_is_the_published_wilson_interval():
    """198 of 200 has a 95 % interval of 96.4 to 99.7 %."""
    accuracy, low, high = accuracy_interval(198, 200)
    assert accuracy == pytest.approx(0.99)
    assert (round(low, 3), round(high, 3)) == (0.964, 0.997)


def test_accuracy_interval_follows_wilsons_formula():
    """A second route: the closed form."""
    k, n, z = 130, 189, 1.959963984540054
    centre = (k + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(k * (n - k) / n + z**2 / 4)
    interval = accuracy_interval(k, n)
    assert interval.low == pytest.approx(centre - half)
    assert interval.high == pytest.approx(centre + half)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_accuracy_interval_refuses_impossible_counts(k, n):
    """The message repeats both counts."""
    with pytest.raises(ValueError, match=f"n_correct.*{k} of {n}"):
        accuracy_interval(k, n)
