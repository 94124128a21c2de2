"""What an explorer is made of: controls, panels, series and read-outs."""

from typing import Any, NamedTuple

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
} | dict.fromkeys(("tau_rc", "tau_ref", "synapse", "presentation_time"), "s")


class Control(NamedTuple):
    """A slider: its name, the values it stops at, and how each of them reads."""

    name: str
    values: list[Any]
    labels: list[str]
    start: int


class Series(NamedTuple):
    """What a panel draws under one name; the numbers come from ``compute``.

    Kinds are "line" and "points" (x and y), "ticks" (x only, at the top), "level" (one
    y across the panel) and "limit" (one x from top to bottom).
    """

    name: str
    kind: str
    role: str
    label: str | None = None
    dashed: bool = False
    hollow: bool = False


class Panel(NamedTuple):
    """A pair of axes and what is drawn on them."""

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


class Readout(NamedTuple):
    """A number shown beside the panels; the screen reader is told the spoken ones."""

    name: str
    label: str
    unit: str = ""
    digits: int = 2
    spoken: bool = False

    def show(self, view: "View") -> str:
        """Write the number as it stands in a view, with its unit."""
        number = view.readouts[self.name]
        # The name of a class may be a word.
        text = number if isinstance(number, str) else f"{number:.{self.digits}f}"
        return f"{text} {self.unit}".strip()


class View(NamedTuple):
    """What an explorer shows at some values of its sliders."""

    series: dict[str, Any]
    """x and y by "panel.series"."""
    readouts: dict[str, Any]
    """Number by name."""


def make_control(name, values, start, labels):
    """Return a control that stops at ``values`` and at ``start``."""
    values = list(values)
    if start not in values:
        values = sorted([*values, start], key=lambda value: (value is not None, value))
    return Control(
        name, values, labels or [_label(name, v) for v in values], values.index(start)
    )


def _label(name, value):
    if value is None or isinstance(value, str):
        return str(value).replace("None", "none")
    return f"{value:g} {_UNITS.get(name, '')}".strip()
