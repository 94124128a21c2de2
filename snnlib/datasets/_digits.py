"""Handwritten digits for experiment 3, whether MNIST can be had or not."""

import logging

import numpy as np

from snnlib.checks import check_choice
from snnlib.datasets._dataset import (
    Dataset,
    DataUnavailableError,
    DataUnreadableError,
    assemble_digits,
)
from snnlib.datasets._mnist import fetch_mnist

logger = logging.getLogger(__name__)


def load_digits28() -> Dataset:
    """Load scikit-learn's 1797 digits of 8 x 8 pixels, enlarged to 28 x 28.

    They stand in for MNIST where it cannot be had (experiment 3), and are not MNIST:
    fewer, by fewer writers, blurred by the enlargement, and with no margin. Accuracies
    are not to be compared with published ones.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (1797, 784), float32 from 0 to 1. ``target`` of shape (1797,):
        the digit. ``image_shape`` is (28, 28, 1), as for `fetch_mnist`.

    Examples
    --------
    >>> digits = load_digits28()
    >>> digits.data.shape, digits.data.dtype, digits.image_shape
    ((1797, 784), dtype('float32'), (28, 28, 1))
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    digits = load_digits()
    # Linear, so that no value leaves the range; grid_mode keeps the picture's edges.
    factors = (1, 28 / 8, 28 / 8)
    images = zoom(digits.images / 16, factors, order=1, mode="nearest", grid_mode=True)
    return assemble_digits(
        name="digits28",
        images=images.astype(np.float32),
        target=digits.target,
        description=(
            "1797 handwritten digits of 8 x 8 pixels, enlarged to 28 x 28 by linear "
            "interpolation. A stand-in for MNIST."
        ),
        source=(
            "Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI "
            "(1998), test part; scikit-learn's copy"
        ),
    )


def fetch_digits(dataset: str = "auto") -> Dataset:
    """Return MNIST where it can be had, and scikit-learn's bundled digits elsewhere.

    It does not hide a damaged file, one that cannot be read, or a mistyped
    ``$SNNLIB_DATA_DIR``: only a missing file makes it fall back.

    Parameters
    ----------
    dataset : {"auto", "mnist", "digits28"}, default="auto"
        "mnist" and "digits28" insist on one of them; "auto" tries MNIST first.

    Returns
    -------
    dataset : Dataset
        As from `fetch_mnist` or `load_digits28`; its ``name`` says which.

    Raises
    ------
    ValueError
        If ``dataset`` is none of the above.
    DataUnavailableError
        If ``dataset="mnist"`` and MNIST cannot be reached, or if a file or
        ``$SNNLIB_DATA_DIR`` cannot be read.
    DataCorruptError
        If a file was found but is damaged or not MNIST.
    """
    check_choice("dataset", dataset, ("auto", "digits28", "mnist"))
    if dataset == "digits28":
        return load_digits28()
    try:
        return fetch_mnist()
    except DataUnavailableError as err:
        if dataset == "mnist" or isinstance(err, DataUnreadableError):
            raise
        logger.info("Using the bundled digits instead of MNIST: %s", err)
        return load_digits28()
