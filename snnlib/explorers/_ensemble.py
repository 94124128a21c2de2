"""An ensemble of neurons, fitted anew whenever a slider moves."""

from sklearn.base import clone
from sklearn.utils import check_random_state, check_X_y

from snnlib.explorers._description import STOPS
from snnlib.explorers._explorer import Explorer


class EnsembleExplorer(Explorer):
    """What the explorers of a fitted ensemble have in common."""

    _control_names = ("max_rate", "tau_rc", "synapse", "presentation_time", "readout")

    def __init__(self, estimator, X, y, sample_labels, *, extra=(), **texts):
        # Every refit must draw what the first one drew.
        seed = check_random_state(estimator.random_state).randint(2**31 - 1)
        # The synapse filters afterwards, so the estimator's own need not be there to
        # warn of a presentation too short for it.
        self.estimator = clone(estimator).set_params(
            random_state=int(seed), synapse=None
        )
        self.X, self.y = X, y
        self.fitted = self._fit()
        names = (*self._control_names, *extra)
        start = {name: getattr(estimator, name, 0.0) for name in names}
        stops = {name: STOPS[name] for name in names}
        stops["sample"] = list(range(len(sample_labels)))
        start["sample"] = len(sample_labels) // 2
        super().__init__(stops, start, labels={"sample": sample_labels}, **texts)

    def _fit(self, **changes):
        return clone(self.estimator).set_params(**changes).fit(self.X, self.y)

    def _data(self):
        """Return what stays the same when neuron parameters change."""
        fitted = self.fitted
        intercepts = (1 - fitted.bias_) / fitted.gain_
        # The first neuron's is known to the last bit.
        intercepts[0] = fitted.intercept
        return {
            "drive": (fitted._represent(self._rows()) @ fitted.encoders_.T).tolist(),
            "n_train": len(self.X),
            "targets": self._targets().tolist(),
            "intercepts": intercepts.tolist(),
            "voltages": fitted.initial_voltage_.tolist(),
            **{
                name: float(getattr(fitted, name))
                for name in ("tau_ref", "amplitude", "dt", "reg")
            },
        }


def check_rows(estimator, X, y, name):
    """Return X and y as arrays, refusing what the JavaScript could not fit."""
    if estimator.method != "nef":
        msg = (
            f'{name}.method must be "nef", which can be solved for at every move of a '
            f"slider; got {estimator.method!r}."
        )
        raise ValueError(msg)
    estimator.check_parameters()
    return check_X_y(X, y, dtype=float)
