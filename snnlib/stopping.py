"""Stop showing an image when the answer is sure enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from snnlib.checks import check_finite, check_number, check_unmasked, shown
from snnlib.simulation import check_signal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class EarlyStop(NamedTuple):
    """When each image was answered, and how."""

    n_steps: NDArray[np.int64]
    """Steps for which each image was shown."""
    classes: NDArray[np.int64]
    """Number of the class with the largest score by then."""


def stop_when_sure(output: ArrayLike, bounds: ArrayLike) -> EarlyStop:
    """Read each image's output until one score leads the others by enough.

    The score is the mean of the unfiltered output over the steps so far. An image that
    is never sure is shown for all steps.

    Parameters
    ----------
    output : array-like of shape (n_images, n_steps, n_classes)
        Unfiltered, as `SpikingConvClassifier` leaves it after ``simulate``; two classes
        or more.
    bounds : array-like of shape (n_steps,)
        The lead that is enough at each step, as from `bounds_of_sureness`; larger waits
        longer. The last does not count.

    Returns
    -------
    stop : EarlyStop

    Raises
    ------
    ValueError
        If the shapes do not go together.

    Examples
    --------
    >>> output = [[[1.0, 0.0], [1.0, 0.0]], [[0.2, 0.0], [0.0, 1.0]]]
    >>> stop_when_sure(output, [0.5, 0.5]).n_steps.tolist()
    [1, 2]
    """
    leads, classes = _leads(output)
    bounds = check_finite("bounds", bounds, n_axes=1)
    if len(bounds) != leads.shape[1]:
        msg = (
            f"bounds must hold one number for each of {leads.shape[1]} steps; got "
            f"{len(bounds)}."
        )
        raise ValueError(msg)
    is_sure = leads >= bounds
    is_sure[:, -1] = True
    last = is_sure.argmax(axis=1)
    return EarlyStop(last + 1, classes[np.arange(len(last)), last])


def bounds_of_sureness(
    output: ArrayLike, y: ArrayLike, *, tolerance: float = 0.001
) -> NDArray[np.float64]:
    """Find the leads at which stopping early costs hardly a right answer.

    Step by step from the first, the bound is the smallest lead with which the images
    that stop there lose no more right answers than the step's share of ``tolerance``,
    and what earlier steps left of theirs. Find bounds on other images than those that
    are tested with them.

    Parameters
    ----------
    output : array-like of shape (n_images, n_steps, n_classes)
        As in `stop_when_sure`.
    y : array-like of shape (n_images,)
        Number of each image's class, from 0 to ``n_classes - 1``.
    tolerance : float, default=0.001
        Share of the images that may be answered wrongly where all steps would have
        given the right answer; larger stops earlier.

    Returns
    -------
    bounds : ndarray of shape (n_steps,)
        The last is 0: then every image stops.

    Raises
    ------
    ValueError
        If a shape does not fit, a class has no such number or the tolerance is not
        from 0 to 1.
    """
    leads, classes = _leads(output)
    tolerance = check_number("tolerance", tolerance, low=0, high=1)
    check_unmasked("y", y)
    y = np.asarray(y)
    n_images, n_steps = leads.shape
    if y.shape != (n_images,):
        msg = f"y must hold a class for each of {n_images} images; got {y.shape}."
        raise ValueError(msg)
    n_classes = np.shape(output)[2]
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= n_classes:
        msg = f"y must hold whole numbers from 0 to {n_classes - 1}; got {shown(y)}."
        raise ValueError(msg)
    is_lost = (classes != y[:, np.newaxis]) & (classes[:, -1:] == y[:, np.newaxis])
    bounds, is_shown, n_lost = np.zeros(n_steps), np.full(n_images, True), 0
    for step in range(n_steps - 1):
        allowed = tolerance * n_images * (step + 1) / (n_steps - 1) - n_lost
        bounds[step] = _smallest_bound(
            leads[is_shown, step], is_lost[is_shown, step], allowed
        )
        stops = is_shown & (leads[:, step] >= bounds[step])
        n_lost += is_lost[stops, step].sum()
        is_shown &= ~stops
    return bounds


def _smallest_bound(leads, is_lost, allowed):
    """Return the smallest lead above which no more answers than allowed are lost."""
    order = np.argsort(-leads, kind="stable")
    too_many = np.flatnonzero(np.cumsum(is_lost[order]) > allowed)
    if not len(too_many):
        return 0.0
    # Just above the lead of the first image that is one too many.
    return np.nextafter(leads[order[too_many[0]]], np.inf)


def _leads(output):
    """Return the largest score's lead over the second, and its class, at each step."""
    output = check_signal("output", output, (-1, -1, -1))
    n_images, n_steps, n_classes = output.shape
    if not n_images or not n_steps or n_classes < 2:
        msg = (
            "output must have shape (n_images, n_steps, n_classes), with two classes "
            f"or more and none of them 0; got {output.shape}."
        )
        raise ValueError(msg)
    so_far = np.arange(1, n_steps + 1)[:, np.newaxis]
    scores = output.cumsum(axis=1, dtype=float) / so_far
    second, first = np.moveaxis(np.partition(scores, -2, axis=2)[..., -2:], -1, 0)
    return first - second, scores.argmax(axis=2)
