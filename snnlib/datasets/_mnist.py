"""MNIST: find its file or download it, and check what it holds."""

import contextlib
import logging
import os
from pathlib import Path

import numpy as np

from snnlib.checks import check_bool, shown
from snnlib.datasets._dataset import (
    DataCorruptError,
    Dataset,
    DataUnavailableError,
    DataUnreadableError,
    assemble_digits,
)
from snnlib.files import read_arrays

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

logger = logging.getLogger(__name__)


def fetch_mnist(
    *, data_dir: str | os.PathLike[str] | None = None, download_if_missing: bool = True
) -> Dataset:
    """Load MNIST: 70,000 images of handwritten digits (experiment 3).

    The file ``mnist.npz`` is looked for in the folder ``$SNNLIB_DATA_DIR``, then in the
    cache, and is then downloaded (11 MB) into the cache. A file counts by its contents,
    so a re-packed one is as good. In ``$SNNLIB_DATA_DIR`` nothing is ever written or
    removed. From the cache a damaged file is removed. A download gets its name once it
    is whole; one that is killed leaves a file ``tmp...`` behind, which is never read
    and may be deleted. Nothing is kept in memory between calls, and one call takes
    about 0.3 GB.

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
        If ``download_if_missing`` is not a bool, or ``data_dir`` not a path.

    Examples
    --------
    >>> mnist = fetch_mnist()  # doctest: +SKIP
    >>> mnist  # doctest: +SKIP
    <Dataset MNIST: 70000 samples, 784 features, target 'digit'>
    """
    owner = "fetch_mnist"
    check_bool("download_if_missing", download_if_missing, owner=owner)
    if not isinstance(data_dir, str | os.PathLike | None):
        msg = f"{owner}: data_dir must be a path or None; got {shown(data_dir)}."
        raise ValueError(msg)
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


def _cache_folder(data_dir: str | os.PathLike[str] | None) -> Path:
    if data_dir is None:
        import pooch

        data_dir = pooch.os_cache("snnlib")
    return _in_full(data_dir)


def _in_full(folder: str | os.PathLike[str]) -> Path:
    # A relative path means another folder inside a notebook.
    try:
        return Path(folder).expanduser().absolute()
    except RuntimeError as err:  # ~name, where nobody has that name
        msg = f"The data folder {folder} cannot be found: {_reason(err)}."
        raise DataUnavailableError(msg) from err


def _how_to_fill(cache: Path) -> str:
    return (
        f"Either put the file {MNIST_URL} into {cache}, or set the environment "
        f"variable {DATA_DIR_VARIABLE} to a folder that holds {_MNIST_FILE}."
    )


def _find_in_user_folder(cache: Path) -> Path | None:
    value = os.environ.get(DATA_DIR_VARIABLE)
    if not value:
        return None
    try:
        folder = _in_full(value)
        names = _names_in(folder)
    except DataUnavailableError as err:
        raise DataUnreadableError(str(err)) from err
    if names is None:
        msg = (
            f"{DATA_DIR_VARIABLE} is {value!r}, but there is no folder {folder}. "
            f"{_how_to_fill(cache)}"
        )
        raise DataUnreadableError(msg)
    return folder / _MNIST_FILE if _MNIST_FILE in names else None


def _names_in(folder: Path) -> set[str] | None:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as err:  # the latter where a path holds a null byte
        msg = (
            f"The data folder {folder} cannot be read: {_reason(err)}. Let "
            f"{DATA_DIR_VARIABLE} name a folder that can be, and holds {_MNIST_FILE}."
        )
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
        arrays = read_arrays(path)
        _check_mnist_arrays(arrays)
        dataset = _assemble_mnist(arrays)
        _check_mnist_digest(dataset)
    except OSError as err:
        msg = f"{path} cannot be read: {_reason(err)}."
        raise DataUnreadableError(msg) from err
    except ValueError as err:
        msg = f"{path} is damaged or is not MNIST: {_reason_against(err)}."
        raise DataCorruptError(msg) from err
    logger.info("Read MNIST from %s", path)
    return dataset


def _reason_against(err: ValueError) -> str:
    if isinstance(err, DataCorruptError):
        return str(err)
    return f"it cannot be unpacked: {_reason(err.__cause__ or err)}"


def _check_mnist_arrays(arrays: dict[str, np.ndarray]) -> None:
    for name, shape in _MNIST_SHAPES.items():
        if name not in arrays:
            msg = f"it must hold {', '.join(_MNIST_SHAPES)}, and lacks {name}"
            raise DataCorruptError(msg)
        array = arrays[name]
        if array.shape != shape or array.dtype != np.uint8:
            msg = (
                f"{name} must be uint8 of shape {shape}; "
                f"got {array.dtype} of shape {array.shape}"
            )
            raise DataCorruptError(msg)


def _check_mnist_digest(dataset: Dataset) -> None:
    if dataset.digest != MNIST_DIGEST:
        msg = f"the digest of its contents must be {MNIST_DIGEST}; got {dataset.digest}"
        raise DataCorruptError(msg)


def _assemble_mnist(arrays: dict[str, np.ndarray]) -> Dataset:
    images = np.concatenate([arrays["x_train"], arrays["x_test"]]).astype(np.float32)
    images /= 255  # in place: at 220 MB a second copy is felt
    return assemble_digits(
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
    # pooch downloads to a name of its own, and renames what has the right hash. It
    # tries once: who has no network wants the bundled digits now.
    import pooch

    logger.info("Downloading MNIST from %s to %s", MNIST_URL, cache)
    try:
        with _without_news(pooch.get_logger()):
            pooch.retrieve(MNIST_URL, MNIST_SHA256, fname=_MNIST_FILE, path=cache)
    except OSError as err:  # the exceptions of requests are among them
        msg = (
            f"MNIST is not in {cache} and could not be downloaded from {MNIST_URL} to "
            f"there: {_reason(err.__cause__ or err)}. {_how_to_fill(cache)}"
        )
        raise DataUnavailableError(msg) from err
    except ValueError as err:
        msg = (
            f"What {MNIST_URL} sent is not the published file of SHA-256 "
            f"{MNIST_SHA256}, and was thrown away. Try again later. "
            f"{_how_to_fill(cache)}"
        )
        raise DataCorruptError(msg) from err


@contextlib.contextmanager
def _without_news(log: logging.Logger):
    """Keep what is no warning off the screen, and so off the page of a lesson."""

    def is_warning(record):
        return record.levelno >= logging.WARNING

    # Not by the level: two threads would give each other's back.
    log.addFilter(is_warning)
    try:
        yield
    finally:
        log.removeFilter(is_warning)


def _reason(err: BaseException) -> str:
    text = getattr(err, "strerror", None) or str(err) or "no reason given"
    return f"{text.rstrip('.')} ({type(err).__name__})"
