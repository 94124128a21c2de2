"""The paper's training and test rows of each data set."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnlib.checks import check_bool, check_whole
from snnlib.datasets._dataset import Dataset

_PAPER_SIZES = {"iris": (43, 7), "birth weight": (161, 28), "MNIST": (50_000, 200)}

# X_train, X_test, y_train, y_test: the order of scikit-learn's train_test_split.
Split = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def train_test_iris_setosa(dataset: Dataset, *, random_state: int = 0) -> Split:
    """Split Iris setosa into the paper's 43 flowers to train on and 7 to test on.

    The paper does not say which flowers: they are drawn at random. With 7 flowers one
    split says next to nothing, so repeat it over many seeds.

    Parameters
    ----------
    dataset : Dataset
        As from `load_iris_setosa`, 50 rows.
    random_state : int, default=0
        Seed of the draw, from 0 to 2**32 - 1.

    Returns
    -------
    X_train, X_test : ndarray of shape (43, 1) and (7, 1)
        Sepal width in cm.
    y_train, y_test : ndarray of shape (43,) and (7,)
        Petal width in cm.

    Raises
    ------
    ValueError
        If ``dataset`` has another number of rows, or the seed is out of range.

    Examples
    --------
    >>> from snnlib import load_iris_setosa
    >>> X_train, X_test, y_train, y_test = train_test_iris_setosa(load_iris_setosa())
    >>> X_train.shape, X_test.shape
    ((43, 1), (7, 1))
    """
    owner = "train_test_iris_setosa"
    n_train, n_test = _PAPER_SIZES["iris"]
    _check_n_rows(owner, dataset, n_train + n_test)
    return _shuffle_and_split(owner, dataset, n_train, n_test, random_state)


def train_test_birth_weight(
    dataset: Dataset, *, stratify: bool = False, random_state: int = 0
) -> Split:
    """Split birth weight into the paper's 161 rows to train on and 28 to test on.

    The rows are shuffled. In 28 rows one is worth 3.6 points of accuracy, so repeat the
    split over many seeds.

    Parameters
    ----------
    dataset : Dataset
        As from `load_birth_weight`, 189 rows.
    stratify : bool, default=False
        False shuffles freely, as in the paper: a split may hold more or fewer low
        weights. True gives both parts the table's share of them (50 and 9).
    random_state : int, default=0
        Seed of the shuffle, from 0 to 2**32 - 1.

    Returns
    -------
    X_train, X_test : ndarray of shape (161, n_features) and (28, n_features)
        The mothers' features, in the units of ``dataset``.
    y_train, y_test : ndarray of shape (161,) and (28,)
        1 low, 0 normal.

    Raises
    ------
    ValueError
        If ``dataset`` has another number of rows, the seed is out of range or
        ``stratify`` is not a bool.

    Examples
    --------
    >>> from snnlib import load_birth_weight
    >>> X_train, X_test, y_train, y_test = train_test_birth_weight(load_birth_weight())
    >>> X_train.shape, X_test.shape
    ((161, 7), (28, 7))
    """
    owner = "train_test_birth_weight"
    n_train, n_test = _PAPER_SIZES["birth weight"]
    check_bool("stratify", stratify, owner=owner)
    _check_n_rows(owner, dataset, n_train + n_test)
    return _shuffle_and_split(
        owner, dataset, n_train, n_test, random_state, stratify=stratify
    )


def train_test_mnist(
    dataset: Dataset,
    *,
    n_train: int | None = None,
    n_test: int = 200,
    random_state: int = 0,
) -> Split:
    """Split MNIST into the paper's 50,000 images to train on and 200 to test on.

    MNIST keeps its published split and order: the first ``n_train`` training images and
    the first ``n_test`` test images, so the 200 are always the same. They are views of
    ``dataset``, read-only, and cost no memory. A data set without a published split,
    such as `load_digits28`, is shuffled, each digit keeping its share.

    Parameters
    ----------
    dataset : Dataset
        As from `fetch_mnist` or `load_digits28`.
    n_train : int, default=None
        Number of images to train on. None is 50,000 for MNIST; without a published
        split it is all that are not tested (1597 of the 1797 digits).
    n_test : int, default=200
        Number of images to test on; MNIST has 10,000. With 200 a wrong answer is worth
        0.5 points of accuracy, so quote all 10,000 beside them.
    random_state : int, default=0
        Seed of the shuffle, from 0 to 2**32 - 1. Without effect on MNIST, which is not
        shuffled.

    Returns
    -------
    X_train, X_test : ndarray of shape (n_train, 784) and (n_test, 784)
        Pixels from 0 to 1.
    y_train, y_test : ndarray of shape (n_train,) and (n_test,)
        The digits.

    Raises
    ------
    ValueError
        If a number of images or the seed is out of range, or ``dataset`` holds none.

    Examples
    --------
    >>> from snnlib import load_digits28
    >>> X_train, X_test, y_train, y_test = train_test_mnist(load_digits28())
    >>> X_train.shape, X_test.shape
    ((1597, 784), (200, 784))
    """
    owner = "train_test_mnist"
    _check_dataset(owner, dataset)
    _check_seed(owner, random_state)
    if dataset.image_shape is None:
        msg = f"{owner}: dataset must hold images; got {dataset.name!r}."
        raise ValueError(msg)
    if dataset.n_train_published is None:
        return _shuffle_and_split_digits(owner, dataset, n_train, n_test, random_state)
    n_rows, n_published = len(dataset.data), dataset.n_train_published
    n_train = _PAPER_SIZES["MNIST"][0] if n_train is None else n_train
    n_train = check_whole("n_train", n_train, 1, n_published, owner=owner)
    n_test = check_whole("n_test", n_test, 1, n_rows - n_published, owner=owner)
    train, test = slice(n_train), slice(n_published, n_published + n_test)
    X, y = dataset.data, dataset.target
    return X[train], X[test], y[train], y[test]


def _shuffle_and_split_digits(owner, dataset, n_train, n_test, random_state):
    # Each part must hold each digit.
    n_rows, n_classes = len(dataset.data), len(np.unique(dataset.target))
    n_test = check_whole("n_test", n_test, n_classes, n_rows - n_classes, owner=owner)
    n_train = n_rows - n_test if n_train is None else n_train
    n_train = check_whole("n_train", n_train, n_classes, n_rows - n_test, owner=owner)
    return _shuffle_and_split(
        owner, dataset, n_train, n_test, random_state, stratify=True
    )


def _shuffle_and_split(
    owner, dataset, n_train, n_test, random_state, *, stratify=False
):
    from sklearn.model_selection import train_test_split

    _check_seed(owner, random_state)
    return tuple(
        train_test_split(
            dataset.data,
            dataset.target,
            train_size=n_train,
            test_size=n_test,
            random_state=random_state,
            stratify=dataset.target if stratify else None,
        )
    )


def _check_seed(owner: str, random_state: int) -> None:
    check_whole("random_state", random_state, 0, 2**32 - 1, owner=owner)


def _check_dataset(owner: str, dataset: Dataset) -> None:
    if not isinstance(dataset, Dataset):
        msg = f"{owner}: dataset must be a Dataset; got {type(dataset).__name__}."
        raise ValueError(msg)


def _check_n_rows(owner: str, dataset: Dataset, n_rows: int) -> None:
    _check_dataset(owner, dataset)
    if len(dataset.data) != n_rows:
        msg = (
            f"{owner}: dataset must have {n_rows} rows; "
            f"got {dataset.name!r} with {len(dataset.data)}."
        )
        raise ValueError(msg)
