"""The type of every data set, and the family of its errors."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IMAGE_SHAPE = (28, 28, 1)
_DIGIT_NAMES = tuple("0123456789")
_ARRAYS = ("data", "target")


class DatasetError(Exception):
    """Any failure to supply a data set."""


class DataUnavailableError(DatasetError, OSError):
    """The data cannot be reached: not in any folder, and not by the network."""


class DataUnreadableError(DataUnavailableError):
    """They cannot be reached where the caller says, or where they are."""


class DataCorruptError(DatasetError, ValueError):
    """Data were found, but they are damaged or are not the published ones."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its names, units and provenance.

    It does not say which rows to train on: see the ``train_test_*`` functions. The
    arrays are read-only, so that no lesson can change what the next one sees; copy one
    before changing it. So are those of its copies, pickled or deep, and arrays that
    could be written to are copied on the way in.

    Attributes
    ----------
    name : str
        Short name of the data set.
    data : ndarray of shape (n_samples, n_features)
        Input values: float64 for a table; float32 from 0 (paper) to 1 (ink) for
        images, a row holding one image line by line.
    target : ndarray of shape (n_samples,)
        Values to predict: float64 for a quantity, int64 for the number of a class.
    feature_names : tuple of str, of length n_features
        What each column of ``data`` holds.
    feature_units : tuple of str, of length n_features
        Unit, or coding, of each column of ``data``.
    target_name : str
        What ``target`` holds.
    target_unit : str
        Unit, or coding, of ``target``.
    target_names : tuple of str or None
        Name of class 0, 1 ...; None where ``target`` is a quantity.
    image_shape : tuple of (height, width, channels) or None
        Shape of the image in a row of ``data``, in pixels; None for a table.
    n_train_published : int or None
        Number of rows, at the top, that are published for training, the others being
        for testing; None where the source publishes no split.
    description : str
        What the rows are, and what was done to the published figures.
    source : str
        Where the figures were published, and whose copy this is.
    digest : str
        SHA-256 of the contents of ``data`` and ``target`` (type, shape and values),
        whatever file they were read from.
    """

    name: str
    data: NDArray[Any]
    target: NDArray[Any]
    feature_names: tuple[str, ...]
    feature_units: tuple[str, ...]
    target_name: str
    target_unit: str
    target_names: tuple[str, ...] | None
    image_shape: tuple[int, int, int] | None
    n_train_published: int | None
    description: str
    source: str
    digest: str

    def __post_init__(self) -> None:
        """Keep arrays that nobody can write to."""
        for name in _ARRAYS:
            # The dataclass is frozen for all but itself.
            object.__setattr__(self, name, _read_only(getattr(self, name)))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what `pickle` and `copy` bring, whose arrays can be written to."""
        self.__dict__.update(state)
        for name in _ARRAYS:
            getattr(self, name).flags.writeable = False

    def __repr__(self) -> str:
        """Sum up in one line, as 784 feature names would fill a page.

        Returns
        -------
        line : str
        """
        n_samples, n_features = self.data.shape
        return (
            f"<Dataset {self.name}: {n_samples} samples, {n_features} feature"
            f"{'' if n_features == 1 else 's'}, target {self.target_name!r}>"
        )


def assemble_digits(*, images, target, **about):
    """Make a data set of images of 28 x 28 pixels and the digits they show."""
    height, width, _ = _IMAGE_SHAPE
    pixels = [(row, column) for row in range(height) for column in range(width)]
    return assemble(
        data=images.reshape(len(images), -1),
        target=target.astype(np.int64),
        feature_names=tuple(f"pixel_{row}_{column}" for row, column in pixels),
        feature_units=("0 paper to 1 ink",) * len(pixels),
        target_name="digit",
        target_unit="0 to 9",
        target_names=_DIGIT_NAMES,
        image_shape=_IMAGE_SHAPE,
        **about,
    )


def assemble(
    *,
    data,
    target,
    target_names=None,
    image_shape=None,
    n_train_published=None,
    **about,
):
    """Make a data set of arrays that are nobody else's, which become read-only."""
    # Here, and not by copies: 220 MB are felt.
    for array in (data, target):
        array.flags.writeable = False
    return Dataset(
        data=data,
        target=target,
        target_names=target_names,
        image_shape=image_shape,
        n_train_published=n_train_published,
        digest=contents_digest(data, target),
        **about,
    )


def _read_only(array):
    """Return the array, or a copy of it if it can be written to."""
    array = np.asarray(array)
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def contents_digest(*arrays: np.ndarray) -> str:
    """Return the SHA-256 of what arrays hold, whatever they were read from."""
    # Little-endian and row by row, so that neither machine nor packing matters.
    digest = hashlib.sha256()
    for array in arrays:
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{plain.dtype.str}{plain.shape}".encode())
        digest.update(plain.data)
    return digest.hexdigest()
