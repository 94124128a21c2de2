"""A refusal is one sentence with name, allowed range and value."""

import datetime
import decimal
import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import snnlib
from snnlib.checks import (
    check_bool,
    check_choice,
    check_finite,
    check_number,
    check_path,
    check_whole,
    shown,
)
from snnlib.tables import read_provenance, read_table, write_table


class Unwritable:
    """A value whose own text ends in an error."""

    def __repr__(self):
        """Fail."""
        raise RuntimeError


# What comes in by mistake, of every type that NumPy and pandas users meet.
STRANGE = {
    "None": None,
    "text": "abc",
    "empty": "",
    "bytes": b"abc",
    "set": {1, 2},
    "list": [1, "a"],
    "ragged": [[1], [1, 2]],
    "dict": {1: 2},
    "tuple": (),
    "object": object(),
    "class": int,
    "complex": 1 + 2j,
    "bool": True,
    "huge": 10**400,
    "unprintable": 10**5000,
    "least": -(2**70),
    "nan": math.nan,
    "inf": math.inf,
    "negative": -1,
    "zero": 0,
    "subnormal": 1e-320,
    "0-d": np.array(3.0),
    "no rows": np.empty((0, 3)),
    "3-d": np.ones((2, 3, 4)),
    "sparse": scipy.sparse.csr_matrix(np.eye(3)),
    "objects": np.array([object()]),
    "frame": pd.DataFrame({"a": ["x", "y"]}),
    "record": np.zeros(2, "f8,f8"),
    "masked": np.ma.array([1.0, 2.0], mask=[0, 1]),
    "unwritable": Unwritable(),
    "decimal": decimal.Decimal(1),
    "date": datetime.date(2024, 1, 1),
    "no time": np.datetime64("NaT"),
    "missing": pd.NA,
    "null": "a\0b",
}

FITTED = snnlib.SpikingRegressor(presentation_time=0.02, synapse=0.01).fit(
    np.arange(10.0)[:, np.newaxis], np.arange(10.0)
)
ONE = np.ones((3, 1))
NETWORK = {"encoders": ONE, "decoders": ONE.T, "gain": [1.0] * 3, "bias": [1.0] * 3}
# Functions with arguments that they take.
TAKEN = {
    snnlib.mspe: {"y_true": [1.0, 2.0], "y_pred": [1.0, 3.0]},
    snnlib.skill_score: {
        "y_true": [1.0, 2.0],
        "y_pred": [1.0, 3.0],
        "y_reference": [2.0, 2.0],
    },
    snnlib.accuracy_interval: {"n_correct": 5, "n_samples": 10, "confidence": 0.95},
    snnlib.estimate_energy: {
        "macs": 5,
        "acs": 10,
        "updates": 3,
        "model": "arithmetic",
    },
    snnlib.synaptic_operations: {"weights": ONE, "inputs": ONE.T, "strides": 1},
    **{
        owner: {
            "current": [2.0],
            "n_steps": 5,
            "neuron_type": None,
            "dt": 0.001,
            "voltage": 0.0,
        }
        for owner in (snnlib.lif_spikes, snnlib.lif_counts)
    },
    snnlib.lowpass: {"signal": ONE, "synapse": 0.01, "dt": 0.001, "axis": 0},
    snnlib.read_out: {"signal": ONE, "readout": "mean", "axis": 0},
    snnlib.settled_fraction: {"synapse": 0.1, "presentation_time": 1.0},
    snnlib.simulate: {
        "network": FITTED.network_,
        "x": [[1.0]],
        "presentation_time": 0.002,
        "dt": 0.001,
        "progress_bar": False,
    },
    snnlib.ensemble_network: {
        **NETWORK,
        "output_bias": 0.0,
        "offset": 0.0,
        "scale": 1.0,
        "synapse": 0.1,
        "initial_voltage": 0.0,
        "tau_rc": 0.02,
        "tau_ref": 0.002,
        "amplitude": 1.0,
        "min_voltage": 0.0,
    },
    snnlib.parse_architecture: {"architecture": "2C3"},
    snnlib.read_weights: {"path": "none.npz"},
    snnlib.SpikingConvClassifier.load: {"path": "none.npz"},
    snnlib.read_metrics: {"path": "none.ipynb"},
    snnlib.results_path: {"name": "versions.csv"},
    snnlib.read_plan: {"path": "none.yaml"},
    snnlib.make_plan: {"notebook": "none.ipynb"},
    snnlib.collect_runs: {"out": "none"},
    snnlib.read_results: {"path": "none.csv"},
    read_table: {"path": "none.csv"},
    read_provenance: {"path": "none.csv"},
    write_table: {"path": "none.csv", "rows": [{"run_id": "a"}]},
    partial(snnlib.simulate_together, inputs=[ONE]): {"estimators": [FITTED]},
    FITTED.decide: {"decoded": np.ones((1, 20, 1)), "synapse": 0.1, "readout": "mean"},
}


def problem_of(function, name, value):
    """Return what is wrong with how a function meets a value, or None."""
    try:
        function(**{**TAKEN[function], name: value})
    except ValueError as error:
        # A name of a file is in its messages itself.
        is_named = name in str(error) or isinstance(value, str)
        return None if is_named and "\n" not in str(error) else repr(error)
    except OSError as error:
        return None if isinstance(value, str) else repr(error)
    except Exception as error:
        return repr(error)
    return None


@pytest.mark.parametrize(
    ("function", "name"),
    [(function, name) for function, taken in TAKEN.items() for name in taken],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_outside_input_is_taken_or_refused(function, name, tmp_path, monkeypatch):
    """Whatever comes in, the only error is a sentence in a line that names it."""
    monkeypatch.chdir(tmp_path)
    problems = {
        what: problem_of(function, name, value) for what, value in STRANGE.items()
    }
    assert {what: problem for what, problem in problems.items() if problem} == {}


@pytest.mark.parametrize("value", [0, 1, "no", None, 1.0, np.array([True])])
def test_check_bool_refuses_what_only_acts_like_one(value):
    """Only Python's and NumPy's truth values pass."""
    assert check_bool("flag", np.True_) is True
    with pytest.raises(ValueError, match=r"f: flag must be True or False; got "):
        check_bool("flag", value, owner="f")


@pytest.mark.parametrize("value", ["Mean", None, 3, ["mean"], b"mean"])
def test_check_choice_names_the_choices(value):
    """The message lists them in order."""
    assert check_choice("readout", "mean", ("mean", "last")) == "mean"
    with pytest.raises(ValueError, match=r"readout must be one of \['last', 'mean'\];"):
        check_choice("readout", value, ("mean", "last"))


@pytest.mark.parametrize("value", [0, 6, 3.0, "3", None, True, math.nan, [3], 10**400])
def test_check_whole_refuses(value):
    """A float, a bool and what is outside are refused by name."""
    assert check_whole("n", np.int8(3), 1, 5) == 3
    assert check_whole("n", 10**400, 1) == 10**400
    with pytest.raises(ValueError, match="n must be a whole number from 1 to 5; got"):
        check_whole("n", value, 1, 5)


@pytest.mark.parametrize(
    "value", [0, 2.1, "1", None, True, math.nan, math.inf, [1.0], 10**400, 1j]
)
def test_check_number_refuses(value):
    """What is no number, not finite or outside is refused by name."""
    assert check_number("x", np.float32(0.5), above=0, high=2) == 0.5
    assert check_number("x", None, is_optional=True) is None
    with pytest.raises(ValueError, match="x must be a finite number above 0 to 2; got"):
        check_number("x", value, above=0, high=2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"], "x must be an array of real numbers"),
        ([[1.0], [1.0, 2.0]], "x must be an array of real numbers"),
        ([1j], "x must be an array of real numbers"),
        ([None], "x must be an array of real numbers"),
        ([1.0, math.nan], "x must be finite; got 1 of 2 that are not"),
        ([[1.0]], "x must be an array with 1 axes"),
    ],
    ids=["text", "ragged", "complex", "none", "nan", "axes"],
)
def test_check_finite_refuses(values, message):
    """Text, ragged lists, complex numbers, NaN and other shapes are refused."""
    assert check_finite("x", [1, 2], n_axes=1).dtype == float
    with pytest.raises(ValueError, match=message):
        check_finite("x", values, n_axes=1)


@pytest.mark.parametrize("value", [None, 3, b"a", "", "a\0b", Unwritable()])
def test_check_path_refuses(value):
    """What is no name of a file is refused before there is an error of the system."""
    assert check_path("path", "a/b.csv") == Path("a/b.csv")
    with pytest.raises(ValueError, match="path must be the path of a file or folder;"):
        check_path("path", value)


def test_check_finite_refuses_what_is_masked():
    """What lies under a mask is not taken for a value; a mask of nothing is fine."""
    assert check_finite("x", np.ma.array([1.0, 2.0], mask=False)).tolist() == [1, 2]
    with pytest.raises(ValueError, match="x must be without missing values; got "):
        check_finite("x", np.ma.array([1.0, 2.0], mask=[False, True]))


def test_shown_is_one_short_line():
    """Whatever it is, and however its own text ends."""
    lines = [shown(value) for value in STRANGE.values()]
    assert all("\n" not in line and len(line) < 210 for line in lines)
