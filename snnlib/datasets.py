"""Load the paper's data sets, all as one type, and split them as the paper did.

Sources
-------
Iris
    R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936) 179-188, as distributed with scikit-learn.
Birth weight
    D. W. Hosmer and S. Lemeshow, *Applied Logistic Regression*, Wiley (1989), appendix
    1: Baystate Medical Center, Springfield, Massachusetts, 1986. The figures are those
    of ``birthwt`` in R's package MASS, all ten columns, in ``data/birth_weight.csv``.
Digits
    E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
    Learning Repository (1998), as distributed with scikit-learn.
MNIST
    Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits",
    http://yann.lecun.com/exdb/mnist/, as packed by Keras in ``mnist.npz``.
"""

import contextlib
import hashlib
import io
import logging
import os
import shutil
import tempfile
import time
import zipfile
from dataclasses import dataclass
from importlib import resources
from numbers import Integral
from pathlib import Path

import numpy as np

# The file as Keras publishes it. The hash is the file's own, so for downloads only.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
# The figures themselves (`Dataset.digest`), so that a re-packed file is as good.
MNIST_DIGEST = "0441b31c4deede181f94277ac00dea3bb6b66123bd8f6d23d10ae9c8747a0b66"

DATA_DIR_VARIABLE = "SNNLIB_DATA_DIR"

_MNIST_FILE = "mnist.npz"
_MNIST_SHAPES = {
    "x_train": (60_000, 28, 28),
    "y_train": (60_000,),
    "x_test": (10_000, 28, 28),
    "y_test": (10_000,),
}
_IMAGE_SHAPE = (28, 28, 1)
_DIGIT_NAMES = tuple("0123456789")

# A process that is killed cannot clear up its download. The file takes minutes at most,
# so a folder as old as this (seconds) belongs to nobody.
_ASIDE_PREFIX = "download-"
_ASIDE_MAX_AGE = 24 * 3600

_PAPER_SIZES = {"iris": (43, 7), "birth weight": (161, 28), "MNIST": (50_000, 200)}

# X_train, X_test, y_train, y_test: the order of scikit-learn's train_test_split.
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

logger = logging.getLogger(__name__)


class DatasetError(Exception):
    """Any failure to supply a data set."""


class DataUnavailableError(DatasetError, OSError):
    """The data cannot be reached: not in any folder, and not by the network."""


class DataCorruptError(DatasetError, ValueError):
    """Data were found, but they are damaged or are not the published ones."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its names, units and provenance.

    It does not say which rows to train on: see the ``train_test_*`` functions. The
    arrays are read-only, so that no lesson can change what the next one sees; copy one
    before changing it.

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
    data: np.ndarray
    target: np.ndarray
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


def load_iris_setosa(*, corrected: bool = True) -> Dataset:
    """Load Iris setosa: petal width on sepal width, 50 flowers (experiment 1).

    The other two species and the two lengths are left out, as in the paper. Rows are in
    published order; nothing is scaled.

    Parameters
    ----------
    corrected : bool, default=True
        True gives Fisher's printed figures, as scikit-learn does since 0.20. False
        gives the UCI file that scikit-learn distributed until then, with its slips in
        rows 34 (petal width 0.1, not 0.2) and 37 (sepal width 3.1, not 3.6) counted
        from 0. A paper of 2019 may have used either.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (50, 1): sepal width in cm. ``target`` of shape (50,): petal
        width in cm.

    Raises
    ------
    ValueError
        If ``corrected`` is not a bool.

    Examples
    --------
    >>> iris = load_iris_setosa()
    >>> iris
    <Dataset iris setosa: 50 samples, 1 feature, target 'petal width'>
    >>> iris.data[34, 0], iris.target[34]
    (np.float64(3.1), np.float64(0.2))
    """
    from sklearn.datasets import load_iris

    _check_bool("load_iris_setosa", "corrected", corrected)
    iris = load_iris()
    setosa = iris.data[iris.target == 0]
    sepal_width, petal_width = setosa[:, [1]], setosa[:, 3].copy()
    figures = "as Fisher printed them"
    if not corrected:
        figures = "with the two slips of the UCI file"
        sepal_width[37] = 3.1
        petal_width[34] = 0.1
    return _assemble(
        name="iris setosa",
        data=sepal_width,
        target=petal_width,
        feature_names=("sepal width",),
        feature_units=("cm",),
        target_name="petal width",
        target_unit="cm",
        description=f"Sepal and petal width of 50 flowers of Iris setosa, {figures}.",
        source="Fisher, Annals of Eugenics 7 (1936) 179-188; scikit-learn's copy",
    )


_BIRTH_WEIGHT_FEATURES = {
    # column of the table: (name, unit)
    "age": ("age", "years"),
    "lwt": ("weight", "pounds"),
    "race": ("race", "1 white, 2 black, 3 other"),
    "smoke": ("smoking", "0/1"),
    "ptl": ("premature labours", "count"),
    "ht": ("hypertension", "0/1"),
    "ui": ("uterine irritability", "0/1"),
}


def load_birth_weight(*, dummies: bool = False) -> Dataset:
    """Load low birth weight: seven facts about 189 mothers (experiment 2).

    Of the babies 130 are of normal weight and 59 low (below 2500 g). The table's number
    of visits to a physician is not among the paper's seven features. Nor is the baby's
    weight, which defines the label. Nothing is scaled.

    Parameters
    ----------
    dummies : bool, default=False
        False gives race as one column coded 1, 2, 3, as in the paper. True gives it as
        two 0/1 columns, black and other (white is neither), as a linear model needs it.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (189, 7), or (189, 8) with ``dummies``: age in years, weight
        at the last menstrual period in pounds, race, smoking during pregnancy (0/1),
        number of premature labours before, history of hypertension (0/1), uterine
        irritability (0/1). ``target`` of shape (189,): 1 low, 0 normal.

    Raises
    ------
    ValueError
        If ``dummies`` is not a bool.

    Examples
    --------
    >>> birth_weight = load_birth_weight()
    >>> birth_weight.data.shape, birth_weight.target.sum()
    ((189, 7), np.int64(59))
    >>> load_birth_weight(dummies=True).feature_names[2:4]
    ('race: black', 'race: other')
    """
    _check_bool("load_birth_weight", "dummies", dummies)
    table = _read_birth_weight_table()
    data = np.column_stack([table[column] for column in _BIRTH_WEIGHT_FEATURES])
    names, units = zip(*_BIRTH_WEIGHT_FEATURES.values(), strict=True)
    if dummies:
        data, names, units = _expand_race(data, names, units)
    return _assemble(
        name="birth weight",
        data=data,
        target=table["low"].astype(np.int64),
        feature_names=names,
        feature_units=units,
        target_name="birth weight below 2500 g",
        target_unit="0/1",
        target_names=("normal", "low"),
        description=(
            "189 births at the Baystate Medical Center, Springfield, Massachusetts, "
            "1986: 130 of normal weight, 59 low (below 2500 g)."
        ),
        source=(
            "Hosmer and Lemeshow, Applied Logistic Regression (1989), appendix 1; "
            "figures of birthwt in R's package MASS"
        ),
    )


def _read_birth_weight_table() -> dict[str, np.ndarray]:
    path = resources.files("snnlib") / "data" / "birth_weight.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split(",") for line in lines if not line.startswith("#")]
    return dict(zip(header, np.array(rows, dtype=np.float64).T, strict=True))


def _expand_race(data, names, units):
    i = names.index("race")
    black_and_other = data[:, [i]] == (2, 3)
    return (
        np.hstack([data[:, :i], black_and_other, data[:, i + 1 :]]),
        (*names[:i], "race: black", "race: other", *names[i + 1 :]),
        (*units[:i], "0/1", "0/1", *units[i + 1 :]),
    )


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
    return _assemble_digits(
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


def fetch_mnist(
    *, data_dir: str | Path | None = None, download_if_missing: bool = True
) -> Dataset:
    """Load MNIST: 70,000 images of handwritten digits (experiment 3).

    The file ``mnist.npz`` is looked for in the folder ``$SNNLIB_DATA_DIR``, then in the
    cache, and is then downloaded (11 MB) into the cache. A file counts by its contents,
    so a re-packed one is as good. In ``$SNNLIB_DATA_DIR`` nothing is ever written or
    removed. From the cache a damaged file is removed. Nothing is kept in memory between
    calls, and one call takes about 0.3 GB.

    Parameters
    ----------
    data_dir : str or path-like, default=None
        Folder of the cache, where a download is kept and a damaged ``mnist.npz`` is
        removed. None is the user's cache folder, ``pooch.os_cache("snnlib")``.
    download_if_missing : bool, default=True
        False raises an error instead of using the network.

    Returns
    -------
    dataset : Dataset
        ``data`` of shape (70000, 784), float32 from 0 to 1 (the published bytes divided
        by 255). ``target`` of shape (70000,): the digit. In published order: 60,000
        training images, then 10,000 test images.

    Raises
    ------
    DataUnavailableError
        If there is no file and it cannot be downloaded, or a folder or file cannot be
        read. It is also an OSError.
    DataCorruptError
        If a file is damaged or is not MNIST, or the download is not the published file.
        It is also a ValueError.
    ValueError
        If ``download_if_missing`` is not a bool.

    Examples
    --------
    >>> mnist = fetch_mnist()  # doctest: +SKIP
    >>> mnist  # doctest: +SKIP
    <Dataset MNIST: 70000 samples, 784 features, target 'digit'>
    """
    _check_bool("fetch_mnist", "download_if_missing", download_if_missing)
    cache = _cache_folder(data_dir)
    path = _find_in_user_folder(cache)
    if path is not None:
        return _read_from_user_folder(path)
    if _MNIST_FILE not in (_names_in(cache) or ()):
        if not download_if_missing:
            msg = (
                f"MNIST is not in {cache}, and download_if_missing is False. "
                f"{_how_to_fill(cache)}"
            )
            raise DataUnavailableError(msg)
        _download_mnist(cache)
    return _read_from_cache(cache / _MNIST_FILE)


def fetch_digits(dataset: str = "auto") -> Dataset:
    """Return MNIST where it can be had, and scikit-learn's bundled digits elsewhere.

    It does not hide a damaged file: only a missing one makes it fall back.

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
        If ``dataset="mnist"`` and MNIST cannot be reached.
    DataCorruptError
        If a file was found but is damaged or not MNIST.
    """
    choices = ("auto", "digits28", "mnist")
    if dataset not in choices:
        msg = f"dataset must be one of {list(choices)}; got {dataset!r}."
        raise ValueError(msg)
    if dataset == "digits28":
        return load_digits28()
    try:
        return fetch_mnist()
    except DataUnavailableError as err:
        if dataset == "mnist":
            raise
        logger.info("Using the bundled digits instead of MNIST: %s", err)
        return load_digits28()


def _cache_folder(data_dir: str | Path | None) -> Path:
    if data_dir is None:
        import pooch

        data_dir = pooch.os_cache("snnlib")
    return Path(data_dir).expanduser().absolute()


def _how_to_fill(cache: Path) -> str:
    return (
        f"Either put the file {MNIST_URL} into {cache}, or set the environment "
        f"variable {DATA_DIR_VARIABLE} to a folder that holds {_MNIST_FILE}."
    )


def _find_in_user_folder(cache: Path) -> Path | None:
    value = os.environ.get(DATA_DIR_VARIABLE)
    if not value:
        return None
    folder = Path(value).expanduser().absolute()
    names = _names_in(folder)
    # Written out in full: a relative path means another folder inside a notebook.
    if names is None:
        msg = (
            f"{DATA_DIR_VARIABLE} is {value!r}, but there is no folder {folder}. "
            f"{_how_to_fill(cache)}"
        )
        raise DataUnavailableError(msg)
    return folder / _MNIST_FILE if _MNIST_FILE in names else None


def _names_in(folder: Path) -> set[str] | None:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return None
    except OSError as err:
        msg = f"The data folder {folder} cannot be read: {_reason(err)}."
        raise DataUnavailableError(msg) from err


def _read_from_user_folder(path: Path) -> Dataset:
    try:
        return _read_mnist(path)
    except DataCorruptError as err:
        msg = (
            f"{err} The folder is the one {DATA_DIR_VARIABLE} names, so nothing in it "
            "was changed: replace the file, or unset the variable."
        )
        raise DataCorruptError(msg) from err


def _read_from_cache(path: Path) -> Dataset:
    try:
        return _read_mnist(path)
    except DataCorruptError as err:
        msg = f"{err} {_remove_from_cache(path)}"
        raise DataCorruptError(msg) from err


def _remove_from_cache(path: Path) -> str:
    try:
        path.unlink(missing_ok=True)
    except OSError as err:
        return f"It could not be removed: {_reason(err)}. Remove it by hand."
    return "It was removed. Call fetch_mnist() again to download a good one."


def _read_mnist(path: Path) -> Dataset:
    try:
        packed = path.read_bytes()
    except OSError as err:
        msg = f"{path} cannot be read: {_reason(err)}."
        raise DataUnavailableError(msg) from err
    try:
        dataset = _assemble_mnist(_unpack_mnist(packed))
        _check_mnist_digest(dataset)
    except DataCorruptError as err:
        msg = f"{path} is damaged or is not MNIST: {err}."
        raise DataCorruptError(msg) from err
    logger.info("Read MNIST from %s", path)
    return dataset


def _unpack_mnist(packed: bytes) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(io.BytesIO(packed)):
        # NumPy would take it for a pickle, and say so.
        msg = f"its {len(packed)} bytes are not a whole .npz archive"
        raise DataCorruptError(msg)
    try:
        with np.load(io.BytesIO(packed), allow_pickle=False) as archive:
            names = [name for name in _MNIST_SHAPES if name in archive.files]
            arrays = {name: archive[name] for name in names}
    except MemoryError:  # says nothing against the file
        raise
    except Exception as err:  # damaged bytes make zipfile and NumPy raise a dozen types
        msg = f"it cannot be unpacked: {_reason(err)}"
        raise DataCorruptError(msg) from err
    _check_mnist_arrays(arrays)
    return arrays


def _check_mnist_arrays(arrays: dict[str, np.ndarray]) -> None:
    for name, shape in _MNIST_SHAPES.items():
        if name not in arrays:
            msg = f"it must hold {', '.join(_MNIST_SHAPES)}, and lacks {name}"
            raise DataCorruptError(msg)
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            msg = (
                f"{name} must be uint8 of shape {shape}, "
                f"got {array.dtype} of shape {array.shape}"
            )
            raise DataCorruptError(msg)


def _check_mnist_digest(dataset: Dataset) -> None:
    if dataset.digest != MNIST_DIGEST:
        msg = f"the digest of its contents must be {MNIST_DIGEST}, got {dataset.digest}"
        raise DataCorruptError(msg)


def _assemble_mnist(arrays: dict[str, np.ndarray]) -> Dataset:
    images = np.concatenate([arrays["x_train"], arrays["x_test"]]).astype(np.float32)
    images /= 255  # in place: at 220 MB a second copy is felt
    return _assemble_digits(
        name="MNIST",
        images=images,
        target=np.concatenate([arrays["y_train"], arrays["y_test"]]),
        n_train_published=len(arrays["x_train"]),
        description=(
            "70,000 handwritten digits of 28 x 28 pixels: 60,000 for training, then "
            "10,000 for testing. The published bytes were divided by 255."
        ),
        source=(
            "LeCun, Cortes and Burges, The MNIST database of handwritten digits; "
            f"packed by Keras, {MNIST_URL}"
        ),
    )


def _download_mnist(cache: Path) -> None:
    # Aside, then renamed: nothing unchecked ever bears the file's name in the cache.
    logger.info("Downloading MNIST from %s to %s", MNIST_URL, cache)
    aside = _make_aside_folder(cache)
    try:
        _retrieve_mnist(aside, cache)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _make_aside_folder(cache: Path) -> str:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _remove_abandoned_downloads(cache)
        return tempfile.mkdtemp(prefix=_ASIDE_PREFIX, dir=cache)
    except OSError as err:
        msg = (
            f"The cache folder {cache} cannot be written: {_reason(err)}. "
            f"{_how_to_fill(cache)}"
        )
        raise DataUnavailableError(msg) from err


def _remove_abandoned_downloads(cache: Path) -> None:
    for aside in cache.glob(f"{_ASIDE_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            if time.time() - aside.stat().st_mtime > _ASIDE_MAX_AGE:
                shutil.rmtree(aside, ignore_errors=True)


def _retrieve_mnist(aside: str, cache: Path) -> None:
    import pooch

    # pooch would say so once more, on the screen and so on the page of a lesson.
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        path = pooch.retrieve(MNIST_URL, MNIST_SHA256, fname=_MNIST_FILE, path=aside)
        Path(path).replace(cache / _MNIST_FILE)
    except OSError as err:  # the exceptions of requests are among them
        msg = (
            f"MNIST is not in {cache} and could not be downloaded from {MNIST_URL}: "
            f"{_reason(err)}. {_how_to_fill(cache)}"
        )
        raise DataUnavailableError(msg) from err
    except ValueError as err:
        msg = (
            f"What {MNIST_URL} sent is not the published file of SHA-256 "
            f"{MNIST_SHA256}, and was thrown away. Try again later. "
            f"{_how_to_fill(cache)}"
        )
        raise DataCorruptError(msg) from err


def _reason(err: Exception) -> str:
    text = getattr(err, "strerror", None) or str(err) or "no reason given"
    return f"{text.rstrip('.')} ({type(err).__name__})"


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
    >>> X_train, X_test, y_train, y_test = train_test_birth_weight(load_birth_weight())
    >>> X_train.shape, X_test.shape
    ((161, 7), (28, 7))
    """
    owner = "train_test_birth_weight"
    n_train, n_test = _PAPER_SIZES["birth weight"]
    _check_bool(owner, "stratify", stratify)
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
    >>> X_train, X_test, y_train, y_test = train_test_mnist(load_digits28())
    >>> X_train.shape, X_test.shape
    ((1597, 784), (200, 784))
    """
    owner = "train_test_mnist"
    _check_integer(owner, "random_state", random_state, 0, 2**32 - 1)
    if dataset.image_shape is None:
        msg = f"{owner}: dataset must hold images, got {dataset.name!r}."
        raise ValueError(msg)
    if dataset.n_train_published is None:
        return _shuffle_and_split_digits(owner, dataset, n_train, n_test, random_state)
    n_rows, n_published = len(dataset.data), dataset.n_train_published
    n_train = _PAPER_SIZES["MNIST"][0] if n_train is None else n_train
    _check_integer(owner, "n_train", n_train, 1, n_published)
    _check_integer(owner, "n_test", n_test, 1, n_rows - n_published)
    train, test = slice(n_train), slice(n_published, n_published + n_test)
    X, y = dataset.data, dataset.target
    return X[train], X[test], y[train], y[test]


def _shuffle_and_split_digits(owner, dataset, n_train, n_test, random_state):
    # Each part must hold each digit.
    n_rows, n_classes = len(dataset.data), len(dataset.target_names)
    _check_integer(owner, "n_test", n_test, n_classes, n_rows - n_classes)
    n_train = n_rows - n_test if n_train is None else n_train
    _check_integer(owner, "n_train", n_train, n_classes, n_rows - n_test)
    return _shuffle_and_split(
        owner, dataset, n_train, n_test, random_state, stratify=True
    )


def _shuffle_and_split(
    owner, dataset, n_train, n_test, random_state, *, stratify=False
):
    from sklearn.model_selection import train_test_split

    _check_integer(owner, "random_state", random_state, 0, 2**32 - 1)
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


def _assemble_digits(*, images, target, **about):
    height, width, _ = _IMAGE_SHAPE
    pixels = [(row, column) for row in range(height) for column in range(width)]
    return _assemble(
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


def _assemble(
    *,
    data,
    target,
    target_names=None,
    image_shape=None,
    n_train_published=None,
    **about,
):
    for array in (data, target):
        array.flags.writeable = False
    return Dataset(
        data=data,
        target=target,
        target_names=target_names,
        image_shape=image_shape,
        n_train_published=n_train_published,
        digest=_contents_digest(data, target),
        **about,
    )


def _contents_digest(*arrays: np.ndarray) -> str:
    # Little-endian and row by row, so that neither machine nor packing matters.
    digest = hashlib.sha256()
    for array in arrays:
        plain = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{plain.dtype.str}{plain.shape}".encode())
        digest.update(plain.data)
    return digest.hexdigest()


def _check_bool(owner: str, name: str, value: object) -> None:
    if not isinstance(value, bool | np.bool_):
        msg = f"{owner}: {name} must be True or False, got {value!r}."
        raise ValueError(msg)


def _check_integer(owner: str, name: str, value: object, low: int, high: int) -> None:
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or not low <= value <= high:
        msg = f"{owner}: {name} must be an integer from {low} to {high}, got {value!r}."
        raise ValueError(msg)


def _check_n_rows(owner: str, dataset: Dataset, n_rows: int) -> None:
    if len(dataset.data) != n_rows:
        msg = (
            f"{owner}: dataset must have {n_rows} rows, "
            f"got {dataset.name!r} with {len(dataset.data)}."
        )
        raise ValueError(msg)
