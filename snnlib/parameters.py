"""Parameters of a notebook: their types, and the values they take."""

import math
import re
import unicodedata
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from snnlib.checks import shown
from snnlib.files import plain

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}
# "Hz: ", "m/s^2: ", "%: " or nothing, and what follows.
_UNIT = re.compile(r"(?:([^\W\d_][\w/·^²³⁻¹-]{0,15}|[%°]\w?): +)?(.*)", re.DOTALL)

_NOTHING = object()


class ParameterError(ValueError):
    """A parameter that a notebook does not have, or a value it cannot take."""


@dataclass(frozen=True)
class Opaque:
    """A value that only the notebook knows; here it is described.

    Attributes
    ----------
    text : str
        What the notebook would show of it.
    plain : object
        What is nearest to it of what JSON knows, such as a list for a tuple.
    """

    text: str
    plain: Any = _NOTHING

    def __repr__(self) -> str:
        """Show the value as the notebook would.

        Returns
        -------
        text : str
        """
        return self.text


@dataclass(frozen=True)
class Parameter:
    """One name in the cell tagged ``parameters``.

    Attributes
    ----------
    name : str
    default : object
        The value the notebook gives it.
    comment : str
        What the notebook says beside it.
    """

    name: str
    default: object
    comment: str = ""

    def __str__(self) -> str:
        """Write it as the notebook does.

        Returns
        -------
        line : str
        """
        comment = f"  # {self.comment}" if self.comment else ""
        return f"{self.name} = {shown(self.default)}{comment}"

    def convert(self, value: object) -> object:
        """Return a value in the type of the default, so that 150 is 150.0.

        NumPy's numbers and arrays become plain ones. None is allowed where the default
        is None or the comment says "None". It does not know which range makes sense.

        Parameters
        ----------
        value : object
            A number, text, list or mapping, or what NumPy has for one.

        Returns
        -------
        value : None, bool, int, float, str, list or dict
            A copy, where it is a list or a mapping.

        Raises
        ------
        ParameterError
            If the value is of another type than the default, or holds what a notebook
            cannot be given, such as a date, NaN or a number beyond a float's range.
        """
        kind: Any = type(self.default)
        hint = "" if value is not None else " Its comment does not offer None."
        try:
            found = as_plain(value, is_nan_allowed=_is_nan(self.default))
            fits = self._fits(found)
        except ValueError as error:
            fits, hint = False, f" A value {error}."
        if not fits:
            msg = (
                f"{self.name} must be {_KINDS.get(kind, 'left alone')}, as its default "
                f"{shown(self.default)} is; got {shown(value)}.{hint}"
            )
            raise ParameterError(msg)
        return kind(found) if kind in (int, float) and found is not None else found

    def _fits(self, value):
        """Say whether a plain value is of the default's type."""
        if value is None:
            return self.default is None or bool(re.search(r"\bNone\b", self.comment))
        kind = type(self.default)
        if kind in (int, float):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return is_number and (kind is float or float(value).is_integer())
        return self.default is None or (kind in _KINDS and isinstance(value, kind))

    def plain_default(self) -> object:
        """Return what is nearest to the default of what JSON knows.

        Returns
        -------
        value : None, bool, int, float, str, list or dict

        Raises
        ------
        ValueError
            If there is no such thing.
        """
        if not isinstance(self.default, Opaque):
            return as_plain(self.default, is_nan_allowed=True)
        if self.default.plain is _NOTHING:
            msg = "must be a value that JSON knows"
            raise ValueError(msg)
        return self.default.plain

    @property
    def about(self) -> dict[str, str]:
        """Its ``unit``, if its comment begins with one, as "Hz: rate", and the rest."""
        found = _UNIT.match(self.comment)
        # It matches any text.
        unit, about = found.groups() if found else (None, None)
        return {k: v for k, v in (("unit", unit), ("about", about)) if v}

    @property
    def is_settable(self) -> bool:
        """Whether it can be given a value, for which its default must be plain."""
        return self.default is None or type(self.default) in _KINDS


def as_name(name: object) -> object:
    """Return a name as Python reads it: the micro sign is the Greek letter, and so on.

    Parameters
    ----------
    name : object
        A text. Anything else comes back as it is.

    Returns
    -------
    name : object
    """
    return unicodedata.normalize("NFKC", name) if isinstance(name, str) else name


def as_plain(value: object, *, is_nan_allowed: bool = False) -> object:
    """Return a copy of a value, made of what JSON and papermill know.

    Parameters
    ----------
    value : object
        None, a number, text, or lists and mappings of them, or what NumPy has for one.
    is_nan_allowed : bool, default=False
        Whether NaN may be in it. It is unequal to itself, so that no run of it can be
        found again.

    Returns
    -------
    value : None, bool, int, float, str, list or dict
        The same in Python's own types.

    Raises
    ------
    ValueError
        If it holds anything else. The message says what a value must be.
    """
    try:
        return _rebuilt(plain(value), is_nan_allowed)
    except RecursionError:
        msg = "must not be nested so deeply"
        raise ValueError(msg) from None
    except (TypeError, AttributeError) as error:
        # What calls itself an array, and is none: NumPy's types, for example.
        msg = "must be a value that can be read"
        raise ValueError(msg) from error


def _rebuilt(value, is_nan_allowed):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Real):
        return _plain_number(value, is_nan_allowed)
    if isinstance(value, str):
        # Half of a pair of surrogates, which no file can hold.
        if re.search("[\ud800-\udfff]", value):
            msg = "must be text that UTF-8 can hold"
            raise ValueError(msg)
        return str.__str__(value)
    if isinstance(value, list):
        return [_rebuilt(item, is_nan_allowed) for item in value]
    if not isinstance(value, dict):
        msg = f"must be of {', '.join(_KINDS.values())} or None"
        raise ValueError(msg)
    if not all(isinstance(key, str) for key in value):
        msg = "must have text for the keys of its mappings"
        raise ValueError(msg)
    return {
        _rebuilt(key, is_nan_allowed): _rebuilt(item, is_nan_allowed)
        for key, item in value.items()
    }


def _plain_number(value, is_nan_allowed):
    try:
        number = float(value)
    except OverflowError:
        number = math.nan
        is_nan_allowed = False
    if math.isnan(number) and not is_nan_allowed:
        msg = "must hold neither NaN nor a number beyond a float's range"
        raise ValueError(msg)
    return int(value) if isinstance(value, Integral) else number


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)
