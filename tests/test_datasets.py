"""Tests of snnlib.datasets: published figures, splits, and every fault of a fetch."""

import copy
import csv
import dataclasses
import errno
import hashlib
import http.server
import io
import logging
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pooch
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import LeaveOneOut, cross_val_predict

import snnlib
from snnlib import datasets
from snnlib.datasets import (
    DataCorruptError,
    Dataset,
    DatasetError,
    DataUnavailableError,
    _dataset,
    _digits,
    _mnist,
    fetch_mnist,
    load_birth_weight,
    load_digits28,
    load_iris_setosa,
    train_test_birth_weight,
    train_test_iris_setosa,
    train_test_mnist,
)

BIRTH_WEIGHT_TABLE = Path(snnlib.__file__).parent / "data" / "birth_weight.csv"
REAL_DATA_DIR = os.environ.get("SNNLIB_DATA_DIR")
# Class sizes as published with MNIST.
N_TRAIN_PER_DIGIT = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
N_TEST_PER_DIGIT = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]

LOADERS = [
    pytest.param(load_iris_setosa, id="iris"),
    pytest.param(lambda: load_iris_setosa(corrected=False), id="iris-uncorrected"),
    pytest.param(load_birth_weight, id="birth-weight"),
    pytest.param(lambda: load_birth_weight(dummies=True), id="birth-weight-dummies"),
    pytest.param(load_digits28, id="digits28"),
]


@pytest.mark.parametrize("load", LOADERS)
def test_loader_returns_consistent_dataset(load):
    """Every loader gives one type, with a name and a unit for each column."""
    dataset = load()
    n_samples, n_features = dataset.data.shape
    assert isinstance(dataset, Dataset)
    assert dataset.target.shape == (n_samples,)
    assert len(dataset.feature_names) == len(set(dataset.feature_names)) == n_features
    assert len(dataset.feature_units) == n_features
    for words in ("name", "target_name", "target_unit", "description", "source"):
        assert getattr(dataset, words).strip()
    assert np.isfinite(dataset.data).all()
    assert dataset.name in repr(dataset)
    assert len(repr(dataset)) < 100


@pytest.mark.parametrize("load", LOADERS)
def test_loader_returns_read_only_arrays(load):
    """A lesson cannot change the data, nor an attribute."""
    dataset = load()
    with pytest.raises(ValueError, match="read-only"):
        dataset.data[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        dataset.target[0] = 1
    with pytest.raises(AttributeError, match="cannot assign to field 'data'"):
        dataset.data = None


@pytest.mark.parametrize("load", LOADERS)
def test_loader_called_twice_gives_same_digest(load):
    """The digest belongs to the figures, not to the call."""
    assert load().digest == load().digest


def test_digest_differs_between_data_sets():
    """No two forms of the data share a digest."""
    assert len({load.values[0]().digest for load in LOADERS}) == len(LOADERS)


def test_digest_ignores_byte_order_and_memory_layout():
    """Packing does not matter to the digest; type, shape and values do."""
    array = np.arange(6, dtype="<f8").reshape(2, 3)
    digest = _dataset.contents_digest(array)
    assert _dataset.contents_digest(array.astype(">f8")) == digest
    assert _dataset.contents_digest(np.asfortranarray(array)) == digest
    for other in (array + 1, array.astype("<f4"), array.reshape(3, 2)):
        assert _dataset.contents_digest(other) != digest


def pickled(dataset, protocol=pickle.HIGHEST_PROTOCOL):
    """Send a data set as a sweep or ``n_jobs`` would."""
    return pickle.loads(pickle.dumps(dataset, protocol))


def joblib_copied(mmap_mode):
    """Return a function that writes a data set by joblib, and reads it again."""

    def copied(dataset):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "dataset.joblib")
            joblib.dump(dataset, path)
            return joblib.load(path, mmap_mode=mmap_mode)

    return copied


def unpickled_from_before(dataset):
    """Bring the state as it was pickled when arrays came back writeable."""
    state = {
        name: np.copy(it) if name in ARRAYS else it
        for name, it in vars(dataset).items()
    }
    old = object.__new__(Dataset)
    old.__setstate__(state)
    return old


ARRAYS = ("data", "target")
COPIES = [
    pytest.param(pickled, id="pickle"),
    pytest.param(partial(pickled, protocol=0), id="pickle-0"),
    pytest.param(copy.copy, id="copy"),
    pytest.param(copy.deepcopy, id="deepcopy"),
    pytest.param(joblib_copied(None), id="joblib"),
    pytest.param(joblib_copied("r"), id="joblib-mapped"),
    pytest.param(joblib_copied("c"), id="joblib-mapped-to-write"),
    pytest.param(dataclasses.replace, id="replace"),
    pytest.param(unpickled_from_before, id="from-before"),
    pytest.param(
        lambda it: dataclasses.replace(it, **{n: getattr(it, n) + 0 for n in ARRAYS}),
        id="replace-arrays",
    ),
]


@pytest.mark.parametrize("copied", COPIES)
def test_dataset_copies_are_equal_and_read_only(copied):
    """A copy, sent to a process or not, says the same and cannot be changed either."""
    iris = load_iris_setosa()
    other = copied(copied(iris))
    assert type(other) is Dataset
    for field in dataclasses.fields(Dataset):
        assert_array_equal(getattr(other, field.name), getattr(iris, field.name))
    for name in ARRAYS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(other, name)[0] = 1
    with pytest.raises(AttributeError, match="cannot assign to field"):
        other.digest = ""


def test_dataset_is_still_found_where_it_was():
    """A file pickled before the module became a folder names it so."""
    assert pickle.loads(b"csnnlib.datasets\nDataset\n.") is Dataset
    assert pickle.loads(b"csnnlib.datasets\nDataCorruptError\n.") is DataCorruptError


def test_dataset_leaves_the_arrays_of_its_maker_alone():
    """Who makes a data set of arrays may still write to them; it stays as it is."""
    mine = np.zeros((3, 2))
    made = dataclasses.replace(load_iris_setosa(), data=mine)
    mine[:] = 1
    assert not made.data.any()


def test_import_leaves_network_libraries_out():
    """Importing the module costs no pooch and no requests."""
    code = (
        "import sys, snnlib.datasets; "
        "print(sorted({'pooch', 'requests'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("corrected", "r", "slope", "intercept"),
    [
        pytest.param(True, 0.23275, 0.064709, 0.024179, id="corrected"),
        pytest.param(False, 0.27997, 0.078776, -0.025258, id="uci-file"),
    ],
)
def test_load_iris_setosa_gives_published_regression(corrected, r, slope, intercept):
    """r, slope and intercept (cm) are those of SciPy's linregress on each form."""
    iris = load_iris_setosa(corrected=corrected)
    x = iris.data[:, 0]
    assert iris.data.shape == (50, 1)
    assert_allclose(np.corrcoef(x, iris.target)[0, 1], r, atol=5e-6)
    assert_allclose(np.polyfit(x, iris.target, 1), [slope, intercept], atol=5e-7)


@pytest.mark.parametrize(
    ("model", "in_sample", "left_out"),
    [
        pytest.param(LinearRegression(), 0.010294, 0.011255, id="least-squares"),
        pytest.param(DummyRegressor(), 0.010884, 0.011333, id="mean"),
    ],
)
def test_load_iris_setosa_gives_published_errors(model, in_sample, left_out):
    """Errors (cm^2) are those of statsmodels' OLS, left out by the hat matrix."""
    iris = load_iris_setosa()
    X, y = iris.data, iris.target
    fitted = model.fit(X, y).predict(X)
    predicted = cross_val_predict(model, X, y, cv=LeaveOneOut())
    assert_allclose(mean_squared_error(y, fitted), in_sample, atol=5e-7)
    assert_allclose(mean_squared_error(y, predicted), left_out, atol=5e-7)


def test_load_iris_setosa_forms_differ_in_two_figures():
    """The correction touches row 34's petal width and row 37's sepal width only."""
    now, then = load_iris_setosa(), load_iris_setosa(corrected=False)
    assert np.flatnonzero(now.data[:, 0] != then.data[:, 0]).tolist() == [37]
    assert np.flatnonzero(now.target != then.target).tolist() == [34]
    assert (now.data[37, 0], then.data[37, 0]) == (3.6, 3.1)
    assert (now.target[34], then.target[34]) == (0.2, 0.1)


@pytest.fixture(scope="module")
def birth_table():
    """Give the packaged table, a column per name, read without the loader."""
    with BIRTH_WEIGHT_TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if line[0] != "#"))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def fit_by_maximum_likelihood(X, y):
    """Give constant and coefficients, and minus twice the log-likelihood."""
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(X, y)
    deviance = 2 * log_loss(y, model.predict_proba(X), normalize=False)
    return [*model.intercept_, *model.coef_[0]], deviance


def test_birth_weight_table_gives_hosmer_lemeshow_table_2_2(birth_table):
    """Hosmer & Lemeshow (1989), table 2.2: AGE LWT RACE2 RACE3 FTV."""
    race = birth_table["race"]
    X = np.column_stack(
        [
            birth_table["age"],
            birth_table["lwt"],
            race == 2,
            race == 3,
            birth_table["ftv"],
        ]
    )
    coefficients, deviance = fit_by_maximum_likelihood(X, birth_table["low"])
    published = [1.2954, -0.0238, -0.0142, 1.0039, 0.4331, -0.0493]
    assert_allclose(coefficients, published, atol=5e-5)
    assert_allclose(deviance, 222.573, atol=5e-4)


def test_load_birth_weight_gives_known_coefficients():
    """The paper's seven columns give the fit of statsmodels' Logit."""
    dataset = load_birth_weight()
    coefficients, deviance = fit_by_maximum_likelihood(dataset.data, dataset.target)
    known = [
        *(-0.09985, -0.03321, -0.01212, 0.44608),
        *(0.92554, 0.53964, 1.80040, 0.71479),
    ]
    assert_allclose(coefficients, known, atol=5e-6)
    assert_allclose(deviance, 204.331, atol=5e-4)


def test_load_birth_weight_counts_130_normal_59_low():
    """Class sizes are the published ones, and class 1 is the low one."""
    dataset = load_birth_weight()
    assert np.bincount(dataset.target).tolist() == [130, 59]
    assert dataset.target_names == ("normal", "low")


def test_load_birth_weight_label_is_weight_below_2500_g(birth_table):
    """The label follows from the weight the table holds, row by row."""
    assert_array_equal(load_birth_weight().target, birth_table["bwt"] < 2500)


@pytest.mark.parametrize("dummies", [False, True], ids=["codes", "dummies"])
def test_load_birth_weight_never_gives_the_weight(birth_table, dummies):
    """No feature is the baby's weight, its visits, or anything the label follows."""
    dataset = load_birth_weight(dummies=dummies)
    for column in dataset.data.T:
        for forbidden in ("bwt", "ftv", "low"):
            assert not np.array_equal(column, birth_table[forbidden])
        assert abs(np.corrcoef(column, birth_table["bwt"])[0, 1]) < 0.5
    assert not {"bwt", "ftv", "low"} & set(dataset.feature_names)


def test_load_birth_weight_columns_are_the_papers_seven(birth_table):
    """The features are the table's columns in the paper's order."""
    columns = ("age", "lwt", "race", "smoke", "ptl", "ht", "ui")
    expected = np.column_stack([birth_table[name] for name in columns])
    assert_array_equal(load_birth_weight().data, expected)
    assert load_birth_weight().feature_names == (
        *("age", "weight", "race", "smoking"),
        *("premature labours", "hypertension", "uterine irritability"),
    )


def test_load_birth_weight_dummies_replace_race_only(birth_table):
    """Race becomes two 0/1 columns with white as the base; the rest stays."""
    codes, dummies = load_birth_weight(), load_birth_weight(dummies=True)
    assert dummies.data.shape == (189, 8)
    assert_array_equal(dummies.data[:, 2], birth_table["race"] == 2)
    assert_array_equal(dummies.data[:, 3], birth_table["race"] == 3)
    assert_array_equal(np.delete(dummies.data, [2, 3], 1), np.delete(codes.data, 2, 1))
    assert_array_equal(dummies.target, codes.target)
    assert dummies.feature_units[2:4] == ("0/1", "0/1")


def test_birth_weight_table_names_its_source(birth_table):
    """The packaged file says whose figures it holds, and holds all of them."""
    assert "Hosmer and S. Lemeshow" in BIRTH_WEIGHT_TABLE.read_text(encoding="utf-8")
    assert len(birth_table) == 10
    # summary(MASS::birthwt$bwt): mean 2945, from 709 to 4990 g
    bwt = birth_table["bwt"]
    assert (round(bwt.mean()), bwt.min(), bwt.max()) == (2945, 709, 4990)


def test_load_digits28_keeps_range_and_mean_brightness():
    """Enlarging keeps [0, 1], and the mean brightness of each digit nearly."""
    digits, original = load_digits28(), load_digits()
    assert digits.data.shape == (1797, 784)
    assert digits.data.dtype == np.float32
    assert digits.image_shape == (28, 28, 1)
    assert (digits.data.min(), digits.data.max()) == (0, 1)
    assert_array_equal(digits.target, original.target)
    assert_allclose(digits.data.mean(1), original.data.mean(1) / 16, atol=0.02)


def test_load_digits28_keeps_left_right_and_top_bottom():
    """Image and original agree when both are averaged over quarters."""
    original = load_digits().images.reshape(-1, 2, 4, 2, 4).mean((2, 4)) / 16
    enlarged = load_digits28().data.reshape(-1, 2, 14, 2, 14).mean((2, 4))
    assert_allclose(enlarged, original, atol=0.06)
    assert np.corrcoef(enlarged.ravel(), original.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: load_iris_setosa(corrected=1),
            r"load_iris_setosa: corrected must be True or False; got 1\.",
            id="corrected",
        ),
        pytest.param(
            lambda: load_birth_weight(dummies="no"),
            r"load_birth_weight: dummies must be True or False; got 'no'\.",
            id="dummies",
        ),
        pytest.param(
            lambda: fetch_mnist(download_if_missing=None),
            r"fetch_mnist: download_if_missing must be True or False; got None\.",
            id="download_if_missing",
        ),
        pytest.param(
            lambda: train_test_birth_weight(load_birth_weight(), stratify="y"),
            r"train_test_birth_weight: stratify must be True or False; got 'y'\.",
            id="stratify",
        ),
        pytest.param(
            lambda: train_test_iris_setosa(load_iris_setosa(), random_state=-1),
            r"train_test_iris_setosa: random_state must be a whole number from 0 to "
            r"4294967295; got -1\.",
            id="seed-negative",
        ),
        pytest.param(
            lambda: train_test_birth_weight(load_birth_weight(), random_state=True),
            r"train_test_birth_weight: random_state must be a whole number from 0 to "
            r"4294967295; got True\.",
            id="seed-bool",
        ),
        pytest.param(
            lambda: train_test_mnist(load_digits28(), random_state=None),
            r"train_test_mnist: random_state must be a whole number from 0 to "
            r"4294967295; got None\.",
            id="seed-none",
        ),
        pytest.param(
            lambda: train_test_iris_setosa(load_birth_weight()),
            r"train_test_iris_setosa: dataset must have 50 rows; "
            r"got 'birth weight' with 189\.",
            id="iris-rows",
        ),
        pytest.param(
            lambda: train_test_birth_weight(load_iris_setosa()),
            r"train_test_birth_weight: dataset must have 189 rows; "
            r"got 'iris setosa' with 50\.",
            id="birth-weight-rows",
        ),
        pytest.param(
            lambda: train_test_mnist(load_iris_setosa()),
            r"train_test_mnist: dataset must hold images; got 'iris setosa'\.",
            id="no-images",
        ),
        pytest.param(
            lambda: train_test_mnist(load_digits28(), n_test=9),
            r"train_test_mnist: n_test must be a whole number from 10 to 1787; got 9\.",
            id="digits-test",
        ),
        pytest.param(
            lambda: train_test_mnist(load_digits28(), n_train=1598),
            r"train_test_mnist: n_train must be a whole number from 10 to 1597; "
            r"got 1598\.",
            id="digits-train",
        ),
        pytest.param(
            lambda: load_iris_setosa(corrected=np.array([True, False])),
            r"load_iris_setosa: corrected must be True or False; got array",
            id="corrected-array",
        ),
        pytest.param(
            lambda: fetch_mnist(data_dir=3),
            r"fetch_mnist: data_dir must be a path or None; got 3\.",
            id="data_dir",
        ),
        pytest.param(
            lambda: train_test_iris_setosa(None),
            "train_test_iris_setosa: dataset must be a Dataset; got NoneType",
            id="iris-none",
        ),
        pytest.param(
            lambda: train_test_birth_weight([[1.0]]),
            "train_test_birth_weight: dataset must be a Dataset; got list",
            id="birth-weight-list",
        ),
        pytest.param(
            lambda: train_test_mnist("mnist"),
            "train_test_mnist: dataset must be a Dataset; got str",
            id="mnist-name",
        ),
        pytest.param(
            lambda: train_test_mnist(load_digits28(), random_state=10**5000),
            r"random_state must be a whole number from 0 to 4294967295; "
            r"got a value of type int that cannot be written out\.",
            id="seed-endless",
        ),
        pytest.param(
            lambda: train_test_mnist(make_mnist_sized(), n_train=60_001),
            r"train_test_mnist: n_train must be a whole number from 1 to 60000; "
            r"got 60001\.",
            id="mnist-train",
        ),
        pytest.param(
            lambda: train_test_mnist(make_mnist_sized(), n_test=10_000.0),
            r"train_test_mnist: n_test must be a whole number from 1 to 10000; "
            r"got 10000\.0\.",
            id="mnist-test",
        ),
    ],
)
def test_wrong_parameter_is_named_with_range_and_value(call, message):
    """The message has owner, parameter, allowed values and the value got."""
    with pytest.raises(ValueError, match=message):
        call()


def make_mnist_sized():
    """Make a data set with MNIST's rows, numbered, and one pixel."""
    return _dataset.assemble(
        name="numbered",
        data=np.arange(70_000, dtype=np.float32)[:, np.newaxis],
        target=np.arange(70_000),
        feature_names=("pixel",),
        feature_units=("",),
        target_name="row",
        target_unit="",
        image_shape=(1, 1, 1),
        n_train_published=60_000,
        description="",
        source="",
    )


SHUFFLED_SPLITS = [
    pytest.param(train_test_iris_setosa, load_iris_setosa, 43, 7, id="iris"),
    pytest.param(train_test_birth_weight, load_birth_weight, 161, 28, id="births"),
    pytest.param(train_test_mnist, load_digits28, 1597, 200, id="digits28"),
]


def sorted_rows(X, y):
    """Stack inputs and targets, the rows in a fixed order."""
    rows = np.column_stack([X, y])
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize(("split", "load", "n_train", "n_test"), SHUFFLED_SPLITS)
def test_train_test_uses_each_row_once(split, load, n_train, n_test):
    """The two parts have the stated sizes and together are the data set."""
    dataset = load()
    X_train, X_test, y_train, y_test = split(dataset)
    assert (len(X_train), len(X_test)) == (len(y_train), len(y_test))
    assert (len(X_train), len(X_test)) == (n_train, n_test)
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    assert_array_equal(sorted_rows(X, y), sorted_rows(dataset.data, dataset.target))


@pytest.mark.parametrize(("split", "load", "n_train", "n_test"), SHUFFLED_SPLITS)
def test_train_test_follows_its_seed(split, load, n_train, n_test):
    """The same seed gives the same rows, another seed others; rows are shuffled."""
    dataset = load()
    X_train, X_test, *_ = split(dataset, random_state=1)
    again, other = split(dataset, random_state=1), split(dataset, random_state=2)
    assert_array_equal(X_train, again[0])
    assert_array_equal(X_test, again[1])
    assert not np.array_equal(X_train, other[0])
    assert not np.array_equal(X_train, dataset.data[:n_train])
    assert n_test == len(X_test)


def test_train_test_birth_weight_stratify_keeps_share_of_low():
    """Stratified, each test part holds 28 * 59/189 = 8.7, so 9 low; else it varies."""
    births, seeds = load_birth_weight(), range(20)

    def count_low(stratify):
        splits = [
            train_test_birth_weight(births, stratify=stratify, random_state=seed)
            for seed in seeds
        ]
        return {int(y_test.sum()) for *_, y_test in splits}

    assert count_low(stratify=True) == {9}
    assert len(count_low(stratify=False)) > 3


def test_train_test_mnist_digits_keep_their_shares():
    """Each digit has its share of the 200 test images of digits28, to one image."""
    digits = load_digits28()
    *_, y_test = train_test_mnist(digits)
    expected = np.bincount(digits.target) * 200 / 1797
    assert np.abs(np.bincount(y_test) - expected).max() < 1


@pytest.mark.parametrize(
    ("sizes", "n_train", "n_test"),
    [
        pytest.param({}, 50_000, 200, id="paper"),
        pytest.param({"n_test": 10_000}, 50_000, 10_000, id="all-test-images"),
        pytest.param({"n_train": 60_000, "n_test": 1}, 60_000, 1, id="all-train"),
        pytest.param({"n_train": np.int64(7), "random_state": 5}, 7, 200, id="few"),
    ],
)
def test_train_test_mnist_takes_first_rows_in_published_order(sizes, n_train, n_test):
    """Rows count from the top of each published part, whatever the seed."""
    dataset = make_mnist_sized()
    X_train, X_test, y_train, y_test = train_test_mnist(dataset, **sizes)
    assert_array_equal(y_train, np.arange(n_train))
    assert_array_equal(y_test, 60_000 + np.arange(n_test))
    assert_array_equal(X_train[:, 0], y_train)
    assert_array_equal(X_test[:, 0], y_test)


@pytest.mark.parametrize("load", [make_mnist_sized, load_digits28])
def test_train_test_mnist_takes_small_integers(load):
    """NumPy's int8 holds 100, though not the number of rows."""
    parts = train_test_mnist(load(), n_train=np.int8(100), n_test=np.int8(100))
    assert [len(part) for part in parts] == [100] * 4


def test_train_test_mnist_needs_no_names_of_classes():
    """Each part holds each class, as often as the data set has it, named or not."""
    nameless = dataclasses.replace(load_digits28(), target_names=None)
    for part, named in zip(
        train_test_mnist(nameless), train_test_mnist(load_digits28()), strict=True
    ):
        assert_array_equal(part, named)


def test_train_test_mnist_gives_read_only_views():
    """The split copies nothing, and nobody can write through it."""
    dataset = make_mnist_sized()
    for part in train_test_mnist(dataset):
        assert part.base is not None
        assert not part.flags.writeable
    assert np.shares_memory(train_test_mnist(dataset)[0], dataset.data)


def pack(arrays, save=np.savez):
    """Pack arrays as the bytes of an .npz file."""
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


@pytest.fixture
def arrays(monkeypatch):
    """Make 60 + 20 noise images, and let them be what fetch_mnist expects."""
    shapes = {
        "x_train": (60, 28, 28),
        "y_train": (60,),
        "x_test": (20, 28, 28),
        "y_test": (20,),
    }
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.integers(256 if len(shape) == 3 else 10, size=shape, dtype=np.uint8)
        for name, shape in shapes.items()
    }
    digest = _mnist._assemble_mnist(arrays).digest
    monkeypatch.setattr(_mnist, "_MNIST_SHAPES", shapes)
    monkeypatch.setattr(_mnist, "MNIST_DIGEST", digest)
    monkeypatch.setattr(_mnist, "MNIST_URL", "http://127.0.0.1:9/mnist.npz")
    monkeypatch.delenv("SNNLIB_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return arrays


@pytest.fixture
def cache(tmp_path):
    """Name a cache folder that does not exist yet."""
    return tmp_path / "cache"


@pytest.fixture
def user_folder(tmp_path, monkeypatch, arrays):  # noqa: ARG001 (after its delenv)
    """Make the folder that SNNLIB_DATA_DIR names."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("SNNLIB_DATA_DIR", str(folder))
    return folder


def write(folder, content):
    """Write the bytes of mnist.npz into a folder, made if need be."""
    folder.mkdir(exist_ok=True)
    (folder / "mnist.npz").write_bytes(content)


def refuse(*_args, **_kwargs):
    """Fail as the system does for a folder without permission."""
    raise PermissionError(errno.EACCES, "Permission denied")


def list_names(folder):
    """List a folder; nothing if it is not there."""
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def check_says_how_to_fill(error, cache):
    """Both ways out are named: the cache folder and the variable."""
    assert f"put the file {_mnist.MNIST_URL} into {cache}" in str(error)
    assert "environment variable SNNLIB_DATA_DIR" in str(error)


@contextmanager
def http_server(
    monkeypatch, content, *, status=200, declared_length=None, half_way=None
):
    """Serve some bytes on the loopback, and make that MNIST's address."""
    middle = len(content) // 2

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            if declared_length is not None:
                self.send_header("Content-Length", str(declared_length))
            self.end_headers()
            self.wfile.write(content[:middle])
            if half_way is not None:
                half_way()
            self.wfile.write(content[middle:])

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/mnist.npz"
        monkeypatch.setattr(_mnist, "MNIST_URL", url)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def publish(monkeypatch, content):
    """Let these bytes be the published file."""
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(_mnist, "MNIST_SHA256", digest)


def check_is_small_mnist(dataset, arrays):
    """The data set holds these arrays, training rows first."""
    images = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(80, 784)
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    assert dataset.data.dtype == np.float32
    assert_array_equal(dataset.data, images.astype(np.float32) / np.float32(255))
    assert_array_equal(dataset.target, labels)
    assert dataset.target.dtype == np.int64
    assert dataset.image_shape == (28, 28, 1)
    assert dataset.n_train_published == 60
    assert not dataset.data.flags.writeable
    assert not dataset.target.flags.writeable


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_fetch_mnist_accepts_repacked_file(arrays, user_folder, cache, save):
    """What counts is the contents: order, compression and extras do not."""
    backwards = dict(reversed(arrays.items()))
    write(user_folder, pack({**backwards, "extra": np.zeros(3)}, save))
    check_is_small_mnist(fetch_mnist(data_dir=cache), arrays)
    assert list_names(cache) == []


def test_fetch_mnist_prefers_user_folder_to_cache(arrays, user_folder, cache):
    """A good file in SNNLIB_DATA_DIR is taken before the cache is looked at."""
    write(user_folder, pack(arrays))
    write(cache, b"not looked at")
    check_is_small_mnist(fetch_mnist(data_dir=cache), arrays)
    assert list_names(cache) == ["mnist.npz"]


@pytest.mark.usefixtures("user_folder")
@pytest.mark.parametrize("set_variable", ["empty folder", "empty string", "unset"])
def test_fetch_mnist_falls_back_on_cache(arrays, cache, monkeypatch, set_variable):
    """Without a file in SNNLIB_DATA_DIR the cache is used, without a network."""
    if set_variable != "empty folder":
        monkeypatch.setenv("SNNLIB_DATA_DIR", "")
    if set_variable == "unset":
        monkeypatch.delenv("SNNLIB_DATA_DIR")
    write(cache, pack(arrays))
    check_is_small_mnist(fetch_mnist(data_dir=str(cache)), arrays)


def test_fetch_mnist_default_cache_is_the_users(arrays, cache, monkeypatch):
    """Without data_dir the cache is pooch's folder for snnlib."""
    monkeypatch.setattr(pooch, "os_cache", lambda project: cache / project)
    cache.mkdir()
    write(cache / "snnlib", pack(arrays))
    check_is_small_mnist(fetch_mnist(), arrays)


def test_fetch_mnist_downloads_once(arrays, cache, monkeypatch, caplog):
    """A download is logged, kept under its name alone, and not repeated."""
    content = pack(arrays)
    publish(monkeypatch, content)
    caplog.set_level(logging.INFO, logger="snnlib.datasets")
    with http_server(monkeypatch, content, declared_length=len(content)):
        check_is_small_mnist(fetch_mnist(data_dir=cache / "deep"), arrays)
    assert list_names(cache / "deep") == ["mnist.npz"]
    assert (cache / "deep" / "mnist.npz").read_bytes() == content
    check_is_small_mnist(fetch_mnist(data_dir=cache / "deep"), arrays)
    assert caplog.text.count("Downloading MNIST") == 1


def test_fetch_mnist_download_leaves_user_folder_alone(
    arrays, user_folder, cache, monkeypatch
):
    """A download goes into the cache, never into SNNLIB_DATA_DIR."""
    content = pack(arrays)
    publish(monkeypatch, content)
    with http_server(monkeypatch, content):
        fetch_mnist(data_dir=cache)
    assert list_names(user_folder) == []
    assert list_names(cache) == ["mnist.npz"]


def test_fetch_mnist_does_not_read_what_a_killed_download_left(
    arrays, cache, monkeypatch
):
    """Half a file under pooch's name for it is neither taken nor in the way."""
    cache.mkdir()
    (cache / "tmp1abc").write_bytes(pack(arrays)[:1000])
    content = pack(arrays)
    publish(monkeypatch, content)
    with http_server(monkeypatch, content):
        check_is_small_mnist(fetch_mnist(data_dir=cache), arrays)
    assert list_names(cache) == ["mnist.npz", "tmp1abc"]


def test_fetch_mnist_gives_a_download_its_name_when_it_is_whole(
    arrays, cache, monkeypatch
):
    """While the bytes come, and until they are checked, mnist.npz is not there."""
    content = pack(arrays)
    publish(monkeypatch, content)
    seen = []

    def move(source, target):
        seen.append(list_names(cache))
        assert Path(source).read_bytes() == content
        return Path(source).replace(target)

    monkeypatch.setattr(shutil, "move", move)
    look = lambda: seen.append(list_names(cache))  # noqa: E731
    with http_server(monkeypatch, content, half_way=look):
        fetch_mnist(data_dir=cache)
    assert len(seen) == 2
    for names in seen:
        assert len(names) == 1
        assert "mnist.npz" not in names
    assert list_names(cache) == ["mnist.npz"]


def test_fetch_mnist_may_be_called_twice_at_once(arrays, cache, monkeypatch):
    """Two calls that download at the same time both get the whole of it."""
    content = pack(arrays)
    publish(monkeypatch, content)
    both = threading.Barrier(2, timeout=30)
    with (
        http_server(monkeypatch, content, half_way=both.wait),
        ThreadPoolExecutor(2) as threads,
    ):
        calls = [threads.submit(fetch_mnist, data_dir=cache) for _ in range(2)]
        for call in calls:
            check_is_small_mnist(call.result(), arrays)
    assert list_names(cache) == ["mnist.npz"]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR])
@pytest.mark.parametrize("comes", ["well", "badly"])
def test_fetch_mnist_leaves_the_log_of_pooch_as_it_was(
    arrays, cache, monkeypatch, level, comes
):
    """Level and filters are the caller's after a download, also a failed one."""
    log = pooch.get_logger()
    monkeypatch.setattr(log, "level", level)
    filters = list(log.filters)
    content = pack(arrays)
    publish(monkeypatch, content)
    with http_server(monkeypatch, content if comes == "well" else b"hotel"):
        if comes == "well":
            fetch_mnist(data_dir=cache)
        else:
            with pytest.raises(DataCorruptError, match="not the published file"):
                fetch_mnist(data_dir=cache)
    assert (log.level, log.filters) == (level, filters)


def test_fetch_mnist_keeps_the_news_of_pooch_to_itself(
    arrays, cache, monkeypatch, caplog
):
    """What pooch says about a download would stand on the page of a lesson."""
    content = pack(arrays)
    publish(monkeypatch, content)
    log = pooch.get_logger()
    monkeypatch.setattr(log, "level", logging.DEBUG)
    log.addHandler(caplog.handler)
    try:
        with http_server(monkeypatch, content):
            fetch_mnist(data_dir=cache)
        assert not caplog.text
        log.info("heard again")
    finally:
        log.removeHandler(caplog.handler)
    assert "heard again" in caplog.text


def change_byte_in_the_middle(arrays):
    """Flip one bit of the packed images."""
    content = bytearray(pack(arrays))
    content[len(content) // 2] ^= 1
    return bytes(content)


def change_pixel(arrays):
    """Pack images of which one pixel is another."""
    images = arrays["x_train"].copy()
    images[0, 0, 0] ^= 1
    return pack({**arrays, "x_train": images})


def swap_labels(arrays):
    """Pack the two sets of labels rolled by one, shapes unchanged."""
    return pack({**arrays, "y_test": np.roll(arrays["y_test"], 1)})


def replace_entry(arrays, name, content):
    """Pack arrays, and put these bytes where one of them was."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(pack(arrays))) as whole,
        zipfile.ZipFile(file, "w") as changed,
    ):
        for entry in whole.namelist():
            changed.writestr(entry, content if entry == name else whole.read(entry))
    return file.getvalue()


def header(shape):
    """Write the first bytes of an array of numbers, and none of its numbers."""
    file = io.BytesIO()
    about = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)
    return file.getvalue()


FAULTS = [
    pytest.param(
        lambda _: b"", "cannot be unpacked: File is not a zip file", id="empty"
    ),
    pytest.param(
        lambda _: b"<html>Sign in to the hotel's network</html>",
        "cannot be unpacked: File is not a zip file",
        id="html",
    ),
    pytest.param(
        lambda arrays: pack(arrays)[: 28 * 28 * 30],
        "cannot be unpacked: File is not a zip file",
        id="half-written",
    ),
    pytest.param(
        change_byte_in_the_middle, "cannot be unpacked: Bad CRC-32", id="damaged"
    ),
    pytest.param(
        lambda arrays: pack({**arrays, "y_test": np.array([None])}),
        "cannot be unpacked: Object arrays cannot be loaded",
        id="pickle",
    ),
    pytest.param(
        lambda arrays: replace_entry(arrays, "x_train.npy", b"garbage"),
        "cannot be unpacked: x_train is no array",
        id="no-header",
    ),
    pytest.param(
        lambda arrays: replace_entry(arrays, "y_test.npy", header((10**6, 10**7))),
        "cannot be unpacked: Unable to allocate",
        id="endless",
    ),
    pytest.param(
        lambda arrays: pack({k: v for k, v in arrays.items() if k != "y_test"}),
        "it must hold x_train, y_train, x_test, y_test, and lacks y_test",
        id="missing-key",
    ),
    pytest.param(
        lambda arrays: pack({**arrays, "x_train": arrays["x_train"][:-1]}),
        r"x_train must be uint8 of shape \(60, 28, 28\); "
        r"got uint8 of shape \(59, 28, 28\)",
        id="wrong-shape",
    ),
    pytest.param(
        lambda arrays: pack({**arrays, "x_test": arrays["x_test"] / 255}),
        r"x_test must be uint8 of shape \(20, 28, 28\); got float64",
        id="wrong-dtype",
    ),
    pytest.param(
        change_pixel,
        r"digest of its contents must be \w{64}; got \w{64}",
        id="wrong-pixel",
    ),
    pytest.param(
        swap_labels,
        r"digest of its contents must be \w{64}; got \w{64}",
        id="wrong-labels",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_fetch_mnist_removes_bad_file_from_cache(arrays, cache, spoil, message):
    """A bad file in the cache is named, explained and removed."""
    write(cache, spoil(arrays))
    with pytest.raises(DataCorruptError, match=message) as caught:
        fetch_mnist(data_dir=cache)
    assert f"{cache / 'mnist.npz'} is damaged or is not MNIST" in str(caught.value)
    assert "It was removed. Call fetch_mnist() again" in str(caught.value)
    assert list_names(cache) == []


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_fetch_mnist_keeps_bad_file_of_user(arrays, user_folder, cache, spoil, message):
    """A bad file in SNNLIB_DATA_DIR stops everything and stays as it is."""
    content = spoil(arrays)
    write(user_folder, content)
    with pytest.raises(DataCorruptError, match=message) as caught:
        fetch_mnist(data_dir=cache)
    assert str(user_folder / "mnist.npz") in str(caught.value)
    assert "replace the file, or unset the variable" in str(caught.value)
    assert (user_folder / "mnist.npz").read_bytes() == content
    assert list_names(user_folder) == ["mnist.npz"]
    assert list_names(cache) == []


def cut(content, place, _):
    """Leave only what is before a place."""
    return content[:place]


def change(content, place, byte):
    """Put another byte at a place."""
    return content[:place] + bytes([byte]) + content[place + 1 :]


def grow(content, place, byte):
    """Put one byte more at a place."""
    return content[:place] + bytes([byte]) + content[place:]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("spoil", [cut, change, grow])
@settings(
    deadline=None,
    max_examples=80,
    # The folder and what is patched are the same for all examples, as they may be.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_fetch_mnist_takes_a_damaged_file_for_nothing_else(
    arrays, user_folder, cache, spoil, save, data
):
    """Whatever byte is wrong: DataCorruptError, or the right figures all the same."""
    content = pack(arrays, save)
    # Half of the places in the last bytes, where the list of contents lies.
    places = st.integers(0, len(content) - 1) | st.integers(1, 600).map(
        lambda n: len(content) - n
    )
    bad = spoil(content, data.draw(places), data.draw(st.integers(0, 255)))
    write(user_folder, bad)
    with suppress(DataCorruptError):
        check_is_small_mnist(fetch_mnist(data_dir=cache), arrays)


@pytest.mark.usefixtures("arrays")
def test_fetch_mnist_says_when_bad_file_stays(cache, monkeypatch):
    """A bad file that cannot be removed is not said to be gone."""
    write(cache, b"bad")
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(
        DataCorruptError, match=r"could not be removed: Permission denied .* by hand"
    ):
        fetch_mnist(data_dir=cache)
    assert list_names(cache) == ["mnist.npz"]


def test_fetch_mnist_recovers_after_bad_file(arrays, cache, monkeypatch):
    """After the error the next call downloads a good file."""
    write(cache, b"bad")
    with pytest.raises(DataCorruptError, match="It was removed"):
        fetch_mnist(data_dir=cache)
    content = pack(arrays)
    publish(monkeypatch, content)
    with http_server(monkeypatch, content):
        check_is_small_mnist(fetch_mnist(data_dir=cache), arrays)


def test_fetch_mnist_keeps_file_when_memory_runs_out(arrays, cache, monkeypatch):
    """Too little memory says nothing against the file in the cache."""

    def load(*_args, **_kwargs):
        raise MemoryError

    write(cache, pack(arrays))
    monkeypatch.setattr(np, "load", load)
    with pytest.raises(MemoryError):
        fetch_mnist(data_dir=cache)
    assert list_names(cache) == ["mnist.npz"]


@pytest.mark.usefixtures("arrays")
def test_fetch_mnist_offline_names_folder_and_both_ways_out(cache):
    """With no file and no network the error says what to put where."""
    with pytest.raises(
        DataUnavailableError,
        match=r"could not be downloaded from http://127\.0\.0\.1:9/",
    ) as caught:
        fetch_mnist(data_dir=cache)
    assert "ConnectionError" in str(caught.value)
    check_says_how_to_fill(caught.value, cache)
    assert list_names(cache) == []


@pytest.mark.usefixtures("arrays")
def test_fetch_mnist_uses_no_network_when_told(cache, monkeypatch):
    """download_if_missing=False stops before any request, and makes no folder."""
    monkeypatch.setattr(
        pooch, "retrieve", lambda *_args, **_kwargs: pytest.fail("network")
    )
    with pytest.raises(
        DataUnavailableError, match="download_if_missing is False"
    ) as caught:
        fetch_mnist(data_dir=cache, download_if_missing=False)
    check_says_how_to_fill(caught.value, cache)
    assert not cache.exists()


def test_fetch_mnist_refuses_broken_off_download(arrays, cache, monkeypatch):
    """A connection that ends before the declared length leaves nothing behind."""
    content = pack(arrays)
    publish(monkeypatch, content)
    half = content[: len(content) // 2]
    with (
        http_server(monkeypatch, half, declared_length=len(content)),
        pytest.raises(
            DatasetError, match=r"could not be downloaded|not the published"
        ) as caught,
    ):
        fetch_mnist(data_dir=cache)
    check_says_how_to_fill(caught.value, cache)
    assert list_names(cache) == []


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda content: content[: len(content) // 2], id="half"),
        pytest.param(lambda _: b"<html>hotel</html>", id="html"),
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda content: content + b" ", id="one-byte-more"),
    ],
)
def test_fetch_mnist_refuses_other_file_than_published(
    arrays, cache, monkeypatch, spoil
):
    """A download with another SHA-256 never gets into the cache."""
    content = pack(arrays)
    publish(monkeypatch, content)
    with (
        http_server(monkeypatch, spoil(content)),
        pytest.raises(
            DataCorruptError, match=r"is not the published file of SHA-256 \w{64}"
        ) as caught,
    ):
        fetch_mnist(data_dir=cache)
    check_says_how_to_fill(caught.value, cache)
    assert list_names(cache) == []


@pytest.mark.usefixtures("arrays")
def test_fetch_mnist_reports_http_status(cache, monkeypatch):
    """A server's refusal is passed on, and leaves nothing behind."""
    with (
        http_server(monkeypatch, b"gone", status=404),
        pytest.raises(DataUnavailableError, match="404"),
    ):
        fetch_mnist(data_dir=cache)
    assert list_names(cache) == []


def test_fetch_mnist_checks_contents_of_download(arrays, cache, monkeypatch):
    """The right SHA-256 with wrong figures is refused, and removed."""
    content = swap_labels(arrays)
    publish(monkeypatch, content)
    with (
        http_server(monkeypatch, content),
        pytest.raises(DataCorruptError, match="digest of its contents"),
    ):
        fetch_mnist(data_dir=cache)
    assert list_names(cache) == []


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        pytest.param(
            OSError(errno.ENOSPC, "No space left on device"),
            DataUnavailableError,
            "No space left on device",
            id="disk-full",
        ),
        pytest.param(
            KeyboardInterrupt("^C"), KeyboardInterrupt, r"\^C", id="interrupted"
        ),
    ],
)
def test_fetch_mnist_cleans_up_after_stopped_download(
    cache, monkeypatch, failure, error, message
):
    """Whatever stops a download, its half is not left in the cache."""

    def download(_self, _url, path, *_args, **_kwargs):
        Path(path).write_bytes(b"half")
        raise failure

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    with pytest.raises(error, match=message):
        fetch_mnist(data_dir=cache)
    assert list_names(cache) == []


@pytest.mark.parametrize("whose", ["user", "cache"])
def test_fetch_mnist_names_unreadable_folder(user_folder, cache, monkeypatch, whose):
    """Permission denied: the error names the folder, and nothing is fetched."""
    if whose == "cache":
        monkeypatch.delenv("SNNLIB_DATA_DIR")
    folder = user_folder if whose == "user" else cache
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(
        DataUnavailableError, match=r"cannot be read: Permission denied"
    ) as caught:
        fetch_mnist(data_dir=cache)
    assert f"The data folder {folder} " in str(caught.value)
    assert "Let SNNLIB_DATA_DIR name a folder that can be" in str(caught.value)
    assert not cache.exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_fetch_mnist_names_folder_without_permission(user_folder, cache):
    """The same with a folder that really refuses."""
    user_folder.chmod(0)
    try:
        with pytest.raises(DataUnavailableError, match="cannot be read: Permission"):
            fetch_mnist(data_dir=cache)
    finally:
        user_folder.chmod(0o700)


@pytest.mark.parametrize("whose", ["user", "cache"])
def test_fetch_mnist_names_file_in_place_of_folder(
    user_folder, cache, monkeypatch, whose
):
    """A file where a folder should be is named, and left alone."""
    file = user_folder / "file"
    file.write_text("mine")
    if whose == "user":
        monkeypatch.setenv("SNNLIB_DATA_DIR", str(file))
    else:
        cache = file
    with pytest.raises(DataUnavailableError, match="cannot be read") as caught:
        fetch_mnist(data_dir=cache)
    assert str(file) in str(caught.value)
    assert file.read_text() == "mine"


@pytest.mark.parametrize("whose", ["user", "cache"])
@pytest.mark.parametrize("name", ["~nobody-has-this-name/data", "nul\0l"])
def test_fetch_mnist_names_folder_that_cannot_be(
    user_folder, cache, monkeypatch, whose, name
):
    """A home nobody has, and a name no folder can have, are said to be so."""
    if whose == "user":
        # The system takes no such name for a variable's value.
        monkeypatch.setattr(os, "environ", {**os.environ, "SNNLIB_DATA_DIR": name})
    folder = name if whose == "cache" else cache
    with pytest.raises(DataUnavailableError, match=r"cannot be (found|read)") as caught:
        fetch_mnist(data_dir=folder)
    assert name in str(caught.value)
    assert list_names(user_folder) == []


def test_fetch_mnist_names_user_folder_that_is_not_there(
    user_folder, cache, monkeypatch
):
    """A mistyped or relative SNNLIB_DATA_DIR is shown as given and in full."""
    monkeypatch.chdir(user_folder)
    monkeypatch.setenv("SNNLIB_DATA_DIR", "nowhere")
    with pytest.raises(
        DataUnavailableError, match="SNNLIB_DATA_DIR is 'nowhere', but there is no"
    ) as caught:
        fetch_mnist(data_dir=cache)
    assert str(user_folder / "nowhere") in str(caught.value)
    check_says_how_to_fill(caught.value, cache)
    assert not cache.exists()


@pytest.mark.parametrize("whose", ["user", "cache"])
def test_fetch_mnist_keeps_file_that_cannot_be_read(
    arrays, user_folder, cache, monkeypatch, whose
):
    """A file one may not read is not called damaged, and stays."""
    folder = user_folder if whose == "user" else cache
    write(folder, pack(arrays))
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        DataUnavailableError, match=r"mnist\.npz cannot be read: Permission denied"
    ) as caught:
        fetch_mnist(data_dir=cache)
    assert str(folder / "mnist.npz") in str(caught.value)
    assert list_names(folder) == ["mnist.npz"]


@pytest.mark.usefixtures("arrays")
@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "read-only"])
def test_fetch_mnist_names_cache_that_cannot_be_written(cache, monkeypatch, is_there):
    """A folder that cannot be made or written to is named, with the ways out."""
    if is_there:
        cache.mkdir()
    monkeypatch.setattr(os, "makedirs", refuse)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", refuse)
    with pytest.raises(
        DataUnavailableError, match=r"to there: Permission denied \(PermissionError\)\."
    ) as caught:
        fetch_mnist(data_dir=cache)
    check_says_how_to_fill(caught.value, cache)
    assert list_names(cache) == []


@pytest.mark.usefixtures("arrays")
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_fetch_mnist_names_cache_without_permission(cache):
    """The same with a folder that really refuses."""
    cache.mkdir(mode=0o500)
    with pytest.raises(DataUnavailableError, match="to there: Permission") as caught:
        fetch_mnist(data_dir=cache)
    check_says_how_to_fill(caught.value, cache)


def test_errors_are_also_the_builtins_a_caller_would_catch():
    """One family, each also an OSError or a ValueError."""
    assert issubclass(DataUnavailableError, DatasetError)
    assert issubclass(DataUnavailableError, OSError)
    assert issubclass(DataCorruptError, DatasetError)
    assert issubclass(DataCorruptError, ValueError)


@pytest.fixture(scope="module")
def mnist():
    """Read the real file, once."""
    if not REAL_DATA_DIR:
        pytest.skip("SNNLIB_DATA_DIR is not set: no real MNIST to read")
    if not (Path(REAL_DATA_DIR) / "mnist.npz").exists():
        pytest.skip(f"there is no mnist.npz in SNNLIB_DATA_DIR={REAL_DATA_DIR}")
    return fetch_mnist(data_dir="/nowhere", download_if_missing=False)


def test_fetch_mnist_gives_published_contents(mnist):
    """Digest, shapes, class sizes, first labels and mean grey are as published."""
    assert mnist.digest == datasets.MNIST_DIGEST
    assert mnist.data.shape == (70_000, 784)
    assert mnist.data.dtype == np.float32
    assert (mnist.data.min(), mnist.data.max()) == (0, 1)
    assert np.bincount(mnist.target[:60_000]).tolist() == N_TRAIN_PER_DIGIT
    assert np.bincount(mnist.target[60_000:]).tolist() == N_TEST_PER_DIGIT
    assert mnist.target[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.target[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    # 0.1307 and 0.3081: mean and deviation everybody normalises MNIST with
    assert_allclose(mnist.data[:60_000].mean(dtype=float), 0.1307, atol=5e-5)


def test_train_test_mnist_gives_the_papers_rows(mnist):
    """50,000 and the first 200, in published order."""
    X_train, X_test, y_train, y_test = train_test_mnist(mnist)
    assert (X_train.shape, X_test.shape) == ((50_000, 784), (200, 784))
    assert_array_equal(y_train, mnist.target[:50_000])
    assert_array_equal(y_test, mnist.target[60_000:60_200])
    assert_array_equal(X_test, mnist.data[60_000:60_200])


def test_fetch_mnist_accepts_real_file_repacked(mnist, tmp_path, monkeypatch):
    """The real figures packed without compression are as good."""
    pixels = np.rint(mnist.data * 255).astype(np.uint8).reshape(-1, 28, 28)
    labels = mnist.target.astype(np.uint8)
    repacked = pack(
        {
            "y_test": labels[60_000:],
            "x_test": pixels[60_000:],
            "y_train": labels[:60_000],
            "x_train": pixels[:60_000],
        }
    )
    write(tmp_path, repacked)
    monkeypatch.setenv("SNNLIB_DATA_DIR", str(tmp_path))
    assert fetch_mnist(download_if_missing=False).digest == mnist.digest


@pytest.mark.network
def test_fetch_mnist_downloads_published_file(tmp_path, monkeypatch):
    """The one real download: address, SHA-256 and digest belong together."""
    monkeypatch.delenv("SNNLIB_DATA_DIR", raising=False)
    assert fetch_mnist(data_dir=tmp_path).digest == datasets.MNIST_DIGEST
    assert list_names(tmp_path) == ["mnist.npz"]


def test_fetch_digits_falls_back_only_where_mnist_is_missing(monkeypatch):
    """Missing data leads to the bundled digits; damaged data stays an error."""

    def refuse(error):
        def fetch():
            raise error

        return fetch

    missing = refuse(datasets.DataUnavailableError("no network"))
    damaged = refuse(datasets.DataCorruptError("half a file"))
    monkeypatch.setattr(_digits, "fetch_mnist", missing)
    assert datasets.fetch_digits("auto").name == datasets.load_digits28().name
    with pytest.raises(datasets.DataUnavailableError, match="no network"):
        datasets.fetch_digits("mnist")
    monkeypatch.setattr(_digits, "fetch_mnist", damaged)
    with pytest.raises(datasets.DataCorruptError, match="half a file"):
        datasets.fetch_digits("auto")


@pytest.mark.parametrize("name", ["no folder", "a file", "~nobody-has-this-name", "."])
def test_fetch_digits_hides_no_mistake_about_mnist(user_folder, monkeypatch, name):
    """The folder that is named must be there, and its mnist.npz must be a file."""
    (user_folder / "mnist.npz").mkdir()
    (user_folder / "a file").touch()
    monkeypatch.chdir(user_folder)
    monkeypatch.setenv("SNNLIB_DATA_DIR", name)
    with pytest.raises(datasets.DataUnavailableError, match=r"there is no|cannot be"):
        datasets.fetch_digits()


@pytest.mark.parametrize("name", ["fashion", None, ["mnist"], np.array(["mnist"]), 28])
def test_fetch_digits_names_the_choices(name):
    """What is no known data set is answered with the known ones."""
    message = r"'auto', 'digits28', 'mnist'.*got " + re.escape(repr(name))
    with pytest.raises(ValueError, match=message):
        datasets.fetch_digits(name)
