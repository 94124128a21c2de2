"""A refusal is one sentence with name, allowed range and value."""

import math

import numpy as np
import pytest

from snnlib.checks import (
    check_bool,
    check_choice,
    check_finite,
    check_number,
    check_whole,
)


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
