"""What every explorer is: sliders, what they compute, and how it shows itself."""

from __future__ import annotations

import copy
import os
import textwrap
from collections.abc import Mapping
from importlib.util import find_spec
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np

from snnlib._docs import fill_in
from snnlib.checks import check_number, check_unmasked, check_whole, shown
from snnlib.explorers import _page, _picture
from snnlib.explorers._description import (
    Guess,
    Preset,
    is_settable,
    make_control,
    read_value,
)
from snnlib.files import plain
from snnlib.neurons import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from snnlib.explorers._description import Control, Panel, Readout, View

FACE_VARIABLE = "SNNLIB_EXPLORERS"
FACES = ("widgets", "html", "text")

# What every function that makes an explorer takes and returns.
_SHARED = {
    "texts": "A question to settle by moving a slider, and its answer, which is folded "
    "away. None asks the explorer's own; a question without an answer folds away none. "
    "In both, ``[at 0.1 s](synapse=0.1)`` becomes a link that sets sliders, and ``&`` "
    "stands between several.",
    "sliders": "Names of the sliders that the question is about, in order; the others "
    "are folded away. None takes those of the explorer's own question, and all beside "
    "a question of yours.",
    "presets": "States to jump to: by the name of each, the values of the sliders that "
    "leave their start in it. None takes the explorer's own.",
    "guess": "Values of sliders, and the name of a read-out. Before they are set, the "
    "reader can choose whether that number will fall, stay or rise, and then sees what "
    "it did. None asks the explorer's own, and nothing beside a question of yours.",
    "explorer": "Shows itself as the last expression of a cell.",
}


_Factory = TypeVar("_Factory")


class Explorer:
    """Sliders, the panels they move, and a question to settle with them.

    It is made by `lif_explorer`, `count_explorer`, `regression_explorer`,
    `classification_explorer`, `image_explorer`, `digit_explorer`, `energy_explorer` or
    `results_explorer`. As the last expression of a cell it shows itself: as ipywidgets
    where there is a kernel, or as HTML with a picture for print while the book is
    built. It holds no state: ``compute`` depends on the values alone.

    Attributes
    ----------
    controls : list of Control
        The sliders.
    sliders : list of str
        Names of those that the question is about; the others are folded away.
    presets : list of Preset
        States to jump to.
    guess : Guess or None
        What the reader may say before he moves a slider.
    start : dict
        Value of each slider at the start, by name.
    """

    kind: str = ""
    title: str = ""
    sentence: str = ""
    panels: tuple[Panel, ...] = ()
    readouts: tuple[Readout, ...] = ()
    question: str
    answer: str
    controls: list[Control]
    sliders: list[str]
    presets: list[Preset]
    guess: Guess | None
    start: dict[str, Any]
    estimator: Any
    # Each kind has its own.
    _compute: Any
    scripts: tuple[str, ...] = ()
    default_question: str = ""
    default_answer: str = ""
    default_sliders: tuple[str, ...] = ()
    default_presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    default_guess: tuple[Mapping[str, Any], str] | None = None

    def __init__(
        self,
        estimator: Any,
        stops: Mapping[str, Any],
        start: dict[str, Any],
        *,
        question: str | None = None,
        answer: str | None = None,
        sliders: Sequence[str] | None = None,
        presets: Mapping[str, Mapping[str, Any]] | None = None,
        guess: tuple[Mapping[str, Any], str] | None = None,
        labels: Mapping[str, list[str]] | None = None,
    ) -> None:
        check_text("question", question, is_optional=True)
        check_text("answer", answer, is_optional=True)
        is_own = question is None
        self.question = self.default_question if question is None else question
        own_answer = self.default_answer if is_own else ""
        self.answer = own_answer if answer is None else answer
        # The sliders that bear the name of one of its parameters set that parameter.
        self.estimator = estimator
        self._n_samples = len(stops.get("sample", ()))
        self.start = self._checked(start)
        self.controls = [
            make_control(name, values, self.start[name], (labels or {}).get(name))
            for name, values in stops.items()
        ]
        own_sliders = (self.default_sliders if is_own else ()) or stops
        self.sliders = list(own_sliders)
        if sliders is not None:
            self.sliders = check_sliders(sliders, self.start, "Explorer")
        self.presets = (
            [Preset(name, dict(v)) for name, v in self.default_presets.items()]
            if presets is None
            else self._checked_presets(presets)
        )
        own_guess = self.default_guess if is_own else None
        self.guess = own_guess and Guess(*own_guess)
        if guess is not None:
            self.guess = self._checked_guess(guess)
        for name, text in (("question", self.question), ("answer", self.answer)):
            for state in _page.states_in(text):
                self._checked_state(name, state, is_text=True)

    def compute(self, **values: Any) -> View:
        """Return what is shown at some values of the sliders.

        Parameters
        ----------
        **values
            Value of each slider that is not at its start, by name.

        Returns
        -------
        view : View
            ``series``, the points to draw by "panel.series", and ``readouts``, the
            numbers by name.

        Raises
        ------
        TypeError
            If there is no slider of that name.
        ValueError
            If a value is of a wrong kind or out of range, or no neuron can meet the
            values together.
        """
        check_names(values, self.start, "Explorer")
        return self._compute(**self._checked(self.start | values))

    def _checked(self, values):
        """Return what sliders are set to as Python's own numbers, or refuse it."""
        values = plain(values)
        for name in values.keys() & {"input", "threshold"}:
            values[name] = check_number(name, values[name])
        if "sample" in values:
            check_whole("sample", values["sample"], 0, self._n_samples - 1)
        named = values.keys() & self.estimator.get_params(deep=False).keys()
        settings = {name: values[name] for name in named}
        copy.copy(self.estimator).set_params(**settings).check_parameters()
        # In words for a reader, a number reads the same wherever it came from.
        numbers = {n: float(v) for n, v in settings.items() if isinstance(v, Real)}
        return values | numbers

    def _checked_presets(self, presets):
        """Return presets as Python's own numbers, or refuse them."""
        check_presets(presets)
        return [
            Preset(name, self._checked_state(f"presets[{name!r}]", values))
            for name, values in presets.items()
        ]

    def _checked_guess(self, guess):
        """Return a guess as Python's own numbers, or refuse it."""
        known = [readout.name for readout in self.readouts]
        is_pair = isinstance(guess, tuple) and len(guess) == 2
        if not (is_pair and isinstance(guess[1], str) and guess[1] in known):
            msg = (
                "guess must be values of sliders and the name of one of "
                f"{known}, or None; got {shown(guess)}."
            )
            raise ValueError(msg)
        values, readout = guess
        return Guess(self._checked_state("guess", values), readout)

    def _checked_state(self, owner, values, *, is_text=False):
        """Return what sliders are set to, some of them, as Python's own numbers."""
        if not isinstance(values, Mapping):
            msg = f"{owner} must map sliders to values; got {shown(values)}."
            raise ValueError(msg)
        check_names(values, self.start, "Explorer")
        # No neuron need meet them together: whether one does, the explorer says.
        controls = {control.name: control for control in self.controls}
        state = {}
        for name, value in values.items():
            read = read_value(controls[name], value) if is_text else plain(value)
            if not is_settable(controls[name], read):
                msg = f"{owner} must set {name} to what it can be; got {shown(value)}."
                raise ValueError(msg)
            stops = controls[name].values
            state[name] = stops[stops.index(read)] if read in stops else float(read)
        return state

    def figure(self, **values: Any) -> Figure:
        """Draw the panels with matplotlib.

        Parameters
        ----------
        **values
            As in `compute`.

        Returns
        -------
        figure : matplotlib.figure.Figure
        """
        return _picture.draw(self.panels, self.compute(**values))

    def html(self) -> str:
        """Return the explorer as HTML that needs no kernel and no network.

        The page's address holds its state: behind ``#``, the ``id`` of its element, a
        ``?`` and ``synapse=0.1&max_rate=200`` set these two and all else to its start.
        Any link on the page may lead there.

        Returns
        -------
        html : str
            Style, scripts and data in one piece; without scripts it shows a picture.
        """
        return self._html(self._png(self.compute()))

    def _html(self, picture):
        """Return the explorer as HTML around a picture of its start."""
        return _page.html(self, picture)

    def widget(self) -> Any:
        """Return the explorer as ipywidgets, for a notebook with a kernel.

        Returns
        -------
        widget : ipywidgets.VBox
        """
        from snnlib.explorers._widget import widget

        return widget(self)

    def _png(self, view):
        return _picture.png(_picture.draw(self.panels, view))

    def _data(self):
        """Return what the JavaScript needs beyond the values of the sliders."""
        return {
            "owner": type(self.estimator).__name__,
            "neuron": {name: float(getattr(self.estimator, name)) for name in SETTINGS},
            "dt": float(self.estimator.dt),
        }

    def __repr__(self) -> str:
        """Return title and read-outs at the start, for where nothing can be drawn."""
        return self._text(self.compute())

    def _text(self, view):
        lines = [f"{readout.label}: {readout.show(view)}" for readout in self.readouts]
        return "\n".join([self.title, _page.without_links(self.question), *lines])

    def _ipython_display_(self):
        from IPython.display import display

        if face() == "widgets":
            display(self.widget())
            return
        view = self.compute()
        if face() == "text":
            display({"text/plain": self._text(view)}, raw=True)
            return
        picture = self._png(view)
        still = {"image/png": picture, "text/plain": self._text(view)}
        display(self._page(picture) | still, raw=True)

    def _page(self, picture):
        """Return what a page without a kernel shows in place of the picture."""
        return {"text/html": self._html(picture)}


def check_text(name, value, *, is_optional=False):
    """Refuse what is no text."""
    if not (isinstance(value, str) or (value is None and is_optional)):
        allowed = "text or None" if is_optional else "text"
        msg = f"{name} must be {allowed}; got {shown(value)}."
        raise ValueError(msg)


def as_array(name, values):
    """Return values as an array, an empty one if ragged, or refuse masked ones."""
    check_unmasked(name, values)
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(0, object)


def check_estimator(name, value, kind):
    """Refuse what is no estimator of a kind, or has impossible parameters."""
    if not isinstance(value, kind):
        msg = f"{name} must be a {kind.__name__}; got {shown(value)}."
        raise ValueError(msg)
    value.check_parameters()


def documented(factory: _Factory) -> _Factory:
    """Put into the docstring of a function what all that make explorers share."""
    # They stand one level deeper than `fill_in` puts the first line.
    wrapped = {
        name: "\n    ".join(textwrap.wrap(text, 80)) for name, text in _SHARED.items()
    }
    return fill_in(factory, **wrapped)


def face():
    """Return "widgets" or "html": what the variable says, else what is installed."""
    face = os.environ.get(FACE_VARIABLE, "")
    if face and face not in FACES:
        msg = f"{FACE_VARIABLE} must be one of {list(FACES)}; got {face!r}."
        raise ValueError(msg)
    return face or ("widgets" if find_spec("ipywidgets") else "html")


def check_presets(presets):
    """Refuse what does not map texts."""
    if not isinstance(presets, Mapping):
        msg = f"presets must be a mapping or None; got {shown(presets)}."
        raise ValueError(msg)
    for name in presets:
        check_text("presets", name)


def check_sliders(sliders, known, owner, *, may_be_none=False):
    """Return names of sliders as a list, or refuse what is no name of one."""
    is_list = np.iterable(sliders) and not isinstance(sliders, str)
    names = list(sliders) if is_list else []
    if not names and not (is_list and may_be_none):
        msg = f"sliders must be one or more names, or None; got {shown(sliders)}."
        raise ValueError(msg)
    check_names(names, known, owner)
    return list(dict.fromkeys(names))


def check_names(values, known, owner):
    for name in values:
        if not isinstance(name, str) or name not in known:
            msg = f"{owner} has no slider {name!r}; choose from {sorted(known)}."
            raise TypeError(msg)
