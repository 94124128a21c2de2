"""Images that are shown until the answer is sure."""

import numpy as np
import pytest

from snnlib import bounds_of_sureness, stop_when_sure


def noisy_output(seed, n_images=2000, n_steps=8):
    """Return outputs in which the right class is larger, but for noise, and classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(5, size=n_images)
    ease = rng.uniform(0.2, 3, size=(n_images, 1, 1))
    output = rng.normal(size=(n_images, n_steps, 5))
    return output + ease * (np.arange(5) == y[:, np.newaxis, np.newaxis]), y


def by_hand(output, bounds):
    """Show one image after the other, step by step."""
    for its in output:
        for step in range(1, len(its) + 1):
            scores = sorted(its[:step].mean(axis=0))
            if step == len(its) or scores[-1] - scores[-2] >= bounds[step - 1]:
                yield step, its[:step].mean(axis=0).argmax()
                break


def test_images_stop_as_by_hand():
    """Step and answer of each of 2,000 images, with bounds that fall."""
    output, _ = noisy_output(0)
    bounds = np.linspace(3, 1, 8)
    stop = stop_when_sure(output, bounds)
    expected = np.array([*by_hand(output, bounds)])
    np.testing.assert_array_equal(np.transpose([stop.n_steps, stop.classes]), expected)
    assert set(stop.n_steps) == set(range(1, 9))


def test_infinite_and_no_bounds_are_all_steps_and_one():
    """All that a lead can be lies between."""
    output, _ = noisy_output(0)
    assert (stop_when_sure(output, [1e9] * 8).n_steps == 8).all()
    assert (stop_when_sure(output, [0] * 8).n_steps == 1).all()


@pytest.mark.parametrize("tolerance", [0, 0.002, 0.02, 1])
def test_bounds_keep_to_their_tolerance(tolerance):
    """No more right answers are lost than allowed; more tolerance saves more steps."""
    output, y = noisy_output(1)
    bounds = bounds_of_sureness(output, y, tolerance=tolerance)
    stop = stop_when_sure(output, bounds)
    at_the_end = output.mean(axis=1).argmax(axis=1)
    n_lost = ((stop.classes != y) & (at_the_end == y)).sum()
    assert n_lost <= tolerance * len(y)
    assert bounds[-1] == 0
    if tolerance:
        # A bound that is lower at any one step would lose more than its share.
        earlier = bounds_of_sureness(output, y, tolerance=tolerance / 2)
        assert stop.n_steps.mean() < stop_when_sure(output, earlier).n_steps.mean()
        assert n_lost > 0.8 * min(tolerance, 0.3) * len(y) or tolerance == 1
    else:
        assert 1 < stop.n_steps.mean() < 8


def test_bounds_hold_on_other_images():
    """Twice the tolerance is not lost on images that the bounds were not found on."""
    output, y = noisy_output(2, n_images=20_000)
    bounds = bounds_of_sureness(output, y, tolerance=0.01)
    others, z = noisy_output(3, n_images=20_000)
    stop = stop_when_sure(others, bounds)
    lost = (others.mean(axis=1).argmax(axis=1) == z).mean() - (stop.classes == z).mean()
    assert lost < 0.02
    assert stop.n_steps.mean() < 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 3)), [0, 0, 0]), r"^output must have shape \(-1, -1, -1\)"),
        ((np.zeros((2, 3, 1)), [0, 0, 0]), r"^output must have shape \(n_images"),
        ((np.zeros((0, 3, 2)), [0, 0, 0]), r"^output must have shape \(n_images"),
        ((np.zeros((2, 3, 2)), [0, 0]), r"^bounds must hold .* 3 steps; got 2"),
        ((np.zeros((2, 3, 2)), [0, 0, np.nan]), r"^bounds must"),
    ],
)
def test_stop_refuses_what_does_not_fit(arguments, message):
    """By name, with the shape that was got."""
    with pytest.raises(ValueError, match=message):
        stop_when_sure(*arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": [0, 1, 0]}, r"^y must hold a class for each of 2 images"),
        ({"y": ["a", "b"]}, r"^y must hold whole numbers from 0 to 1; got array"),
        ({"y": ["0", "1"]}, r"^y must hold whole numbers from 0 to 1"),
        ({"y": [1, 2]}, r"^y must hold whole numbers from 0 to 1; got array\(\[1, 2"),
        ({"y": [-1, 0]}, r"^y must hold whole numbers from 0 to 1"),
        ({"y": [0, np.nan]}, r"^y must hold whole numbers from 0 to 1"),
        ({"y": [0, None]}, r"^y must hold whole numbers from 0 to 1"),
        ({"y": np.array([False, True])}, r"^y must hold whole numbers from 0 to 1"),
        ({"y": np.ma.masked_equal([0, 1], 1)}, r"^y must be without missing values"),
        (
            {"output": np.ma.masked_less(np.ones((2, 3, 2)), 2)},
            r"^output must be without missing values",
        ),
        ({"tolerance": 1.5}, r"^tolerance must be"),
        ({"tolerance": None}, r"^tolerance must be"),
    ],
)
def test_bounds_refuse_what_does_not_fit(changes, message):
    """By name, with what was got."""
    with pytest.raises(ValueError, match=message):
        bounds_of_sureness(**{"output": np.zeros((2, 3, 2)), "y": [0, 1], **changes})
