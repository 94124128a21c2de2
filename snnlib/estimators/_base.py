"""What all spiking estimators have in common: parameters checked, and described."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from snnlib._docs import entry, fill_in
from snnlib.checks import check_unmasked, shown, warn_caller
from snnlib.estimators._settings import COMMON
from snnlib.neurons import SETTINGS, Lif, longest_step
from snnlib.simulation import step_count, warn_of_settings

_SETTINGS_AFTER_FIT = (
    "What ``fit`` learned stays as it is until the next ``fit``: the attributes that "
    "end in an underscore. Every other setting acts at once, on the next prediction."
)


class SpikingEstimator(BaseEstimator):
    """Checks every spiking estimator makes before it does any work.

    A subclass whose docstring holds ``{parameters}`` gets them listed there, as its
    constructor names them and as ``_settings`` describes them.
    """

    _settings = COMMON
    _warns_of_unsettled_output = True
    _dtype: type[np.floating] = np.float64

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A parameter of somebody's own is for them to check and describe.
        parameters = [
            p
            for p in inspect.signature(cls.__init__).parameters.values()
            if p.name in cls._settings
        ]
        cls._parameter_constraints = {
            p.name: cls._settings[p.name].limits for p in parameters
        }
        listed = (
            entry(
                p.name,
                f"{cls._settings[p.name].kind}, default={_quote(p.default)}",
                cls._settings[p.name].text,
            )
            for p in parameters
        )
        fill_in(cls, after_fit=_SETTINGS_AFTER_FIT, parameters="\n".join(listed))

    def check_parameters(self) -> Self:
        """Refuse impossible parameters now rather than when fitting.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter has a wrong type or is out of range; the message names it,
            the allowed values and the value got.
        """
        self._check_sizes()
        self._validate_params()
        for name in {"synapse", "layer_synapse"} & self._settings.keys():
            self._check_synapse(name)
        step_count(self.presentation_time, self.dt)
        self._lif.check(self.dt, dtype=self._dtype, owner=type(self).__name__)
        return self

    def to_nir(
        self,
        *,
        synapse: float | Literal["own"] | None = "own",
        pool: Literal["average", "sum"] = "average",
        unsaid: Literal["refuse", "metadata"] = "refuse",
    ) -> Any:
        """Return the fitted estimator as a graph of NIR.

        Parameters
        ----------
        synapse, pool, unsaid
            As in `snnlib.to_nir`.

        Returns
        -------
        graph : nir.NIRGraph
        """
        from snnlib.graphs import to_nir

        return to_nir(self, synapse=synapse, pool=pool, unsaid=unsaid)

    @contextmanager
    def _fitted_or_as_before(self):
        """Give everything back as it was if the block, a fit, does not end well."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def _check_sizes(self):
        """Refuse whole numbers that no calculation could hold, and truth values."""
        for name, value in self.get_params(deep=False).items():
            # For scikit-learn, True is 1. Its own habit is ``verbose=True``.
            if name not in self._settings:
                continue
            is_switch = name == "verbose" or self._settings[name].kind == "bool"
            if isinstance(value, bool | np.bool_) and not is_switch:
                msg = (
                    f"The {name!r} parameter of {type(self).__name__} must be "
                    f"{self._settings[name].kind}. Got {value} instead."
                )
                raise ValueError(msg)
            if isinstance(value, Integral) and not -(2**62) < value < 2**62:
                msg = (
                    f"The {name!r} parameter of {type(self).__name__} must be below "
                    f"2**62 in size. Got a number of {int(value).bit_length()} bits."
                )
                raise ValueError(msg)

    def _check_synapse(self, name):
        """Refuse a filter so short that Nengo's calculation of it overflows."""
        synapse = getattr(self, name)
        if synapse and synapse < self.dt / 1000:
            msg = (
                f"The {name!r} parameter of {type(self).__name__} must be None or at "
                f"least dt / 1000 = {self.dt / 1000:g} s. Got {synapse!r} instead."
            )
            raise ValueError(msg)

    def _check_table(self, *data, **options):
        """Return what scikit-learn's ``validate_data`` makes of X, or of X and y."""
        check_unmasked("X", data[0])
        check_targets(*data[1:])
        try:
            return validate_data(self, *data, dtype=float, **options)
        except OverflowError as error:
            names = "X" if len(data) == 1 else "X and y"
            msg = f"{names} must hold numbers within a float's range: {error}."
            raise ValueError(msg) from error

    def _note_settings(self):
        """Note what the next prediction need not warn of; return if it was noted."""
        names = ["dt", "presentation_time", "tau_rc", "tau_ref", "max_rate"]
        names += ["synapse"] if self._warns_of_unsettled_output else []
        settings = {name: getattr(self, name) for name in names}
        # What was pickled by an older version has noted nothing.
        is_noted = getattr(self, "_noted", settings) == settings
        self._noted = settings
        return is_noted

    def _warn_of_new_settings(self):
        """Warn where settings are others than those of `fit`, once."""
        if not self._note_settings():
            self._warn_of_settings()

    def _warn_of_settings(self):
        self._note_settings()
        shortest = self.dt / longest_step(1.0, self._dtype)
        if self.tau_rc < shortest:
            warn_caller(
                f"{type(self).__name__}: tau_rc={self.tau_rc} s is below "
                f"{shortest:.3g} s, so that rounding leaves no time of a spike within "
                f"a step of dt={self.dt} s; every neuron that fires does so in each."
            )
        warn_of_settings(
            self._lif,
            dt=self.dt,
            synapse=self.synapse if self._warns_of_unsettled_output else None,
            presentation_time=self.presentation_time,
            owner=type(self).__name__,
        )

    @property
    def _lif(self):
        return Lif(**{name: getattr(self, name) for name in SETTINGS})

    @property
    def _n_steps(self):
        return step_count(self.presentation_time, self.dt)

    def _own(self, *, synapse, readout):
        """Return synapse and read-out, with the estimator's own in place of "own"."""
        return (
            self.synapse if isinstance(synapse, str) and synapse == "own" else synapse,
            self.readout if isinstance(readout, str) and readout == "own" else readout,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read what was pickled before a parameter was there."""
        start = inspect.signature(type(self).__init__).parameters
        defaults = {name: start[name].default for name in self._parameter_constraints}
        super().__setstate__({**defaults, **state})


def check_trained(estimator, weights):
    """Refuse weights that training made infinite or no numbers at all.

    Parameters
    ----------
    estimator : SpikingEstimator
        What was trained.
    weights : sequence of ndarray
        What became of its weights.

    Raises
    ------
    ValueError
        If one is not finite.
    """
    if not all(np.isfinite(values).all() for values in weights):
        msg = (
            f"The 'learning_rate' parameter of {type(estimator).__name__} must be so "
            "small that weights stay finite while training. Got "
            f"{estimator.learning_rate} instead."
        )
        raise ValueError(msg)


def check_targets(y=None):
    """Refuse labels or quantities of which some are missing.

    Parameters
    ----------
    y : array-like, default=None
        As the caller gave them, for NumPy makes text of what is missing among texts.

    Raises
    ------
    ValueError
        If some are masked, or None, NaN, or what else stands for none.
    """
    check_unmasked("y", y)
    # pandas has whole numbers of which some are missing.
    if isinstance(y, np.ndarray) and y.dtype.kind in "biuf":
        return
    values = np.asarray(y, dtype=object)
    words = {str(value) for value in values.flat if not isinstance(value, str)}
    if values.ndim and words & {"None", "nan", "<NA>", "NaT"}:
        msg = f"y must be without missing values; got {shown(y)}."
        raise ValueError(msg)


def class_codes(y):
    """Return the classes in order, and the number of each label's class.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    codes : int ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If they are no classes, or cannot be put in order.
    """
    try:
        check_classification_targets(y)
        return np.unique(y, return_inverse=True)
    except TypeError as error:
        msg = f"y must hold numbers alone or text alone; got {shown(y)}."
        raise ValueError(msg) from error


def _quote(value):
    return f'"{value}"' if isinstance(value, str) else f"{value!r}"
