"""What an explorer is made of: controls, presets, panels, series and read-outs."""

from __future__ import annotations

from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping

STOPS = {
    "max_rate": [float(rate) for rate in range(10, 601, 10)],
    "intercept": [tenth / 10 for tenth in range(-20, 10)],
    "tau_rc": [
        *(0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.12, 0.15, 0.17),
        *(0.2, 0.22, 0.25),
    ],
    # Below a step of 1 ms, Nengo's LIF fires less than the formula says.
    "tau_ref": [0.001, 0.002, 0.003, 0.004, 0.005, 0.01],
    "amplitude": [
        *(0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.03, 0.05),
        *(0.1, 0.2, 0.3, 0.5, 1.0, 2.0),
    ],
    "synapse": [None, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
    "input": [twentieth / 20 for twentieth in range(-20, 31)],
    "presentation_time": [0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, 2.0],
    "readout": ["mean", "last"],
    "threshold": [tenth / 10 for tenth in range(-10, 11)],
}

_UNITS = {
    "max_rate": "Hz",
    "input": "",
    "intercept": "",
    "amplitude": "",
    # Prices of single operations.
    "multiplication": "pJ",
    "addition": "pJ",
    "access": "pJ",
} | dict.fromkeys(("tau_rc", "tau_ref", "synapse", "presentation_time"), "s")


class Control(NamedTuple):
    """A slider: its name, the values it stops at, and how each of them reads.

    Beside a slider with a unit, a value between its stops can be typed; the unit of a
    plain number is empty. Where the stops are words or rows, it is None.
    """

    name: str
    values: list[Any]
    labels: list[str]
    start: int
    unit: str | None = None


class Preset(NamedTuple):
    """A state with a name: the values that are not those of the start."""

    name: str
    values: dict[str, Any]


class Guess(NamedTuple):
    """What a reader may say beforehand: where a number goes if values are set."""

    values: Mapping[str, Any]
    readout: str


class Series(NamedTuple):
    """What a panel draws under one name; the numbers come from ``compute``.

    Kinds are "line" and "points" (x and y), "intervals" (x twice over, with the low and
    the high end of each for y), "bars" (from the left to x, at the height y), "ticks"
    (x only, at the top), "level" (one y across the panel) and "limit" (one x from top
    to bottom). Each has an entry in the legend, its label, unless that is empty.
    """

    name: str
    kind: str
    role: str
    label: str
    dashed: bool = False
    hollow: bool = False


class Panel(NamedTuple):
    """A pair of axes and what is drawn on them.

    Limits hold whatever the sliders do, so that what moves is seen to move. Where there
    are none, the axis follows what is drawn. An axis is "linear", "log", or "errors",
    on which the distance of a percentage from 100 is logarithmic; its marks are where
    it is labelled. Panels of a group stand below its name, three in a row.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    alt: str
    from_zero: bool = False
    x_limits: list[float] | None = None
    y_limits: list[float] | None = None
    y_ticks: list[Any] | None = None
    x_scale: str = "linear"
    y_scale: str = "linear"
    x_marks: list[float] | None = None
    y_marks: list[float] | None = None
    group: str = ""


class Readout(NamedTuple):
    """A number or a word; the screen reader is told the spoken ones.

    It is shown below the panels, or beside the name of their group.
    """

    name: str
    label: str
    unit: str = ""
    digits: int = 2
    spoken: bool = False
    group: str = ""

    def show(self, view: View) -> str:
        """Write the number as it stands in a view, with its unit."""
        number = view.readouts[self.name]
        # A verdict is a word, and the name of a class may be one; words have no unit.
        if isinstance(number, str):
            return number
        unit = view.units.get(self.name, self.unit)
        return f"{number:.{self.digits}f} {unit}".strip()


class Note(NamedTuple):
    """What is said below a panel."""

    lines: list[list[str]]
    """Of each a state ("yes", "no", "open" or ""), a verdict, on what, and a number."""
    missing: str = ""
    """Why nothing is drawn; the panel is dimmed."""


class View(NamedTuple):
    """What an explorer shows at some values of its sliders."""

    series: dict[str, Any]
    """x and y by "panel.series"."""
    readouts: dict[str, Any]
    """Number by name."""
    units: Mapping[str, str] = MappingProxyType({})
    """Unit by name of a read-out whose own unit does not hold here."""
    notes: Mapping[str, Note] = MappingProxyType({})
    """What is said below a panel, by its name."""


def make_control(name, values, start, labels=None):
    """Return a control that stops at ``values`` and at ``start``."""
    values = list(values)
    if start not in values:
        values = sorted([*values, start], key=lambda value: (value is not None, value))
    is_typed = labels is None and not isinstance(start, str)
    return Control(
        name,
        values,
        labels or [describe(name, value) for value in values],
        values.index(start),
        _UNITS.get(name, "") if is_typed else None,
    )


def is_settable(control, value):
    """Say whether a control can be set to a value: a stop, or a number between them."""
    if isinstance(value, bool):
        return False
    numbers = [stop for stop in control.values if stop is not None]
    is_typed = control.unit is not None and isinstance(value, Real)
    return value in control.values or (
        is_typed and min(numbers) <= value <= max(numbers)
    )


def read_value(control, text):
    """Return what a link sets a control to, or the text if it is no value."""
    typed = unquote_plus(text)
    words = {str(stop).replace("None", "none"): stop for stop in control.values}
    try:
        return words[typed] if typed in words else float(typed)
    except ValueError:
        return typed


def describe(name, value):
    """Write a value of a slider with its unit."""
    if value is None or isinstance(value, str):
        return str(value).replace("None", "none")
    return f"{value:g} {_UNITS.get(name, '')}".strip()


def make_limits(values, share):
    """Return where an axis ends: beyond the values, also where they are all one."""
    low, high = float(min(values)), float(max(values))
    room = share * (high - low) or abs(high) / 2
    return [low - room, high + room]
