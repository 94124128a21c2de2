"""An ensemble of neurons, fitted anew whenever a slider moves."""

import copy
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from snnlib.checks import check_finite, check_unmasked
from snnlib.explorers._description import STOPS, make_limits
from snnlib.explorers._explorer import Explorer, as_array, check_estimator
from snnlib.neurons import SETTINGS


class EnsembleExplorer(Explorer):
    """What the explorers of a fitted ensemble have in common."""

    _control_names = ("max_rate", "tau_rc", "synapse", "presentation_time", "readout")

    def __init__(self, estimator, X, y, sample_labels, *, extra=(), **texts):
        # Every refit must draw what the first one drew.
        seed = check_random_state(estimator.random_state).randint(2**31 - 1)
        names = (*self._control_names, *extra)
        start = {name: getattr(estimator, name, 0.0) for name in names}
        stops = {name: STOPS[name] for name in names}
        # A presentation takes a step or more.
        times = stops["presentation_time"]
        stops["presentation_time"] = [time for time in times if time >= estimator.dt]
        stops["sample"] = list(range(len(sample_labels)))
        start["sample"] = len(sample_labels) // 2
        # The synapse filters afterwards, so the estimator's own need not be there to
        # warn of a presentation too short for it.
        estimator = clone(estimator).set_params(random_state=int(seed), synapse=None)
        super().__init__(
            estimator, stops, start, labels={"sample": sample_labels}, **texts
        )
        self.X, self.y = X, y
        self.fitted = self._fit()

    def _fit(self, **changes):
        moved = clone(self.estimator).set_params(**changes)
        if not changes:
            return moved.fit(self.X, self.y)
        # What warns of a setting shows in the picture: no spike comes, say.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return moved.fit(self.X, self.y)

    def _output_limits(self, targets):
        """Return the ends of both axes of a decoded output over time."""
        # The output starts from the decoder's constant. A spike adds its weight over
        # the synapse, of which the axis shows no more than the targets span.
        fitted, time = self.fitted, self.start["presentation_time"]
        if "presentation_time" in self.sliders:
            (slider,) = (c for c in self.controls if c.name == "presentation_time")
            time = max(slider.values)
        synapse = max(self.start["synapse"] or 0, fitted.dt)
        spike = np.abs(fitted.decoders_).max() * fitted.amplitude / synapse
        low, high = targets.min(), targets.max()
        room = min(spike, high - low)
        ends = [low - room, high + room, fitted.output_bias_[0]]
        return {"x_limits": [0.0, float(time)], "y_limits": make_limits(ends, 0.06)}

    def _data(self):
        """Return what stays the same when neuron parameters change."""
        fitted = self.fitted
        intercepts = (1 - fitted.bias_) / fitted.gain_
        # The first neuron's is known to the last bit.
        intercepts[0] = fitted.intercept
        return super()._data() | {
            "drive": (fitted._represent(self._rows()) @ fitted.encoders_.T).tolist(),
            "n_train": len(self.X),
            "targets": self._targets().tolist(),
            "intercepts": intercepts.tolist(),
            "voltages": fitted.initial_voltage_.tolist(),
            "reg": float(fitted.reg),
        }


def own_copy(name, estimator, kind):
    """Return an estimator that draws as the user's would, and leaves that one alone."""
    check_estimator(name, estimator, kind)
    # The JavaScript cannot train.
    if estimator.method != "nef":
        msg = (
            f'{name}.method must be "nef", which can be solved for at every move of a '
            f"slider; got {estimator.method!r}."
        )
        raise ValueError(msg)
    rng = copy.deepcopy(check_random_state(estimator.random_state))
    # In words for a reader, 1 and 1.0 are two numbers.
    neuron = {name: float(getattr(estimator, name)) for name in SETTINGS}
    return clone(estimator).set_params(random_state=rng, **neuron)


def check_rows(X, y):
    """Return features as floats, and one target a row as it came."""
    check_unmasked("X", X)
    X = check_finite("X", as_numbers(X), n_axes=2)
    if len(X) < 2 or not X.shape[1]:
        msg = f"X must hold at least 2 rows and 1 feature; got shape {X.shape}."
        raise ValueError(msg)
    y = as_array("y", y)
    if y.shape not in {(len(X),), (len(X), 1)}:
        msg = (
            f"y must hold one value for each of the {len(X)} rows of X; "
            f"got shape {y.shape}."
        )
        raise ValueError(msg)
    return X, y.ravel()


def as_numbers(values):
    """Return numbers that pandas hands over as objects as an array of floats."""
    try:
        array = np.asarray(values)
        return array.astype(float) if array.dtype.kind == "O" else array
    except (TypeError, ValueError):
        return values
