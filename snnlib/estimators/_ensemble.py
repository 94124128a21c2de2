"""One ensemble of spiking neurons: how it is fitted, simulated and read out."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from snnlib._docs import entry
from snnlib.checks import warn_caller
from snnlib.estimators._base import SpikingEstimator, check_trained
from snnlib.estimators._settings import ENSEMBLE
from snnlib.estimators._together import decode_together, simulate_together
from snnlib.networks import draw_voltage, ensemble_network
from snnlib.simulation import check_signal, lif_spikes, lowpass, read_out

if TYPE_CHECKING:
    import nengo
    from numpy.typing import ArrayLike, NDArray


def ensemble_attributes(outputs, neurons):
    """Return the attributes of a fitted ensemble with so many outputs and neurons."""
    entries = {
        "encoders_": (
            f"({neurons}, n_features)",
            "Unit vector each neuron listens to.",
        ),
        "gain_, bias_": (
            f"({neurons},)",
            "Current into each neuron: ``gain_ * (encoder . scaled row) + bias_``.",
        ),
        "decoders_": (
            f"({outputs}, {neurons})",
            "Weight of each neuron's filtered spikes in each output.",
        ),
        "output_bias_": (f"({outputs},)", "Constant added to each decoded output."),
        "offset_, scale_": (
            "(n_features,)",
            "The ensemble sees ``(X - offset_) / scale_``.",
        ),
        "initial_voltage_": (
            f"({neurons},)",
            "Membrane voltages at the start of each presentation. They follow "
            "``initial_voltage``; what may be drawn is drawn once, in `fit`.",
        ),
    }
    return "\n".join(
        [
            *(
                entry(name, f"ndarray of shape {shape}", text)
                for name, (shape, text) in entries.items()
            ),
            entry("n_features_in_", "int", "Number of features seen in `fit`."),
            entry("feature_names_in_", "ndarray of str", "Their names, if X had any."),
        ]
    )


class EnsembleEstimator(SpikingEstimator):
    """One ensemble of LIF neurons: what regressor and classifier have in common.

    ``fit`` settles four things in turn: how features are scaled, which direction each
    neuron listens to, which current that direction gives, and how spikes are decoded.
    """

    _settings = ENSEMBLE
    n_features_in_: int
    method_: Literal["nef", "gradient"]
    offset_: NDArray[np.float64]
    scale_: NDArray[np.float64]
    encoders_: NDArray[np.float64]
    gain_: NDArray[np.float64]
    bias_: NDArray[np.float64]
    decoders_: NDArray[np.float64]
    output_bias_: NDArray[np.float64]

    def __init__(
        self,
        n_neurons: int = 1,
        *,
        method: Literal["nef", "gradient"] = "nef",
        synapse: float | None = 0.1,
        initial_voltage: Literal["zero", "uniform", "dither"] = "zero",
        presentation_time: float = 1.0,
        dt: float = 0.001,
        readout: Literal["mean", "last", "overall"] = "mean",
        encoders: Literal["target", "random"] = "target",
        reg: float = 0.01,
        n_epochs: int = 200,
        learning_rate: float = 0.01,
        batch_size: int = 200,
        random_state: int | np.random.RandomState | None = None,
        max_rate: float = 100.0,
        intercept: float = -1.5,
        tau_rc: float = 0.02,
        tau_ref: float = 0.002,
        amplitude: float = 1.0,
        min_voltage: float = 0.0,
    ) -> None:
        self.n_neurons = n_neurons
        self.method = method
        self.synapse = synapse
        self.initial_voltage = initial_voltage
        self.presentation_time = presentation_time
        self.dt = dt
        self.readout = readout
        self.encoders = encoders
        self.reg = reg
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.random_state = random_state
        self.max_rate = max_rate
        self.intercept = intercept
        self.tau_rc = tau_rc
        self.tau_ref = tau_ref
        self.amplitude = amplitude
        self.min_voltage = min_voltage

    def _fit_ensemble(self, X, targets):
        """Fit to real-valued ``targets`` of shape (n_samples, n_outputs)."""
        _check_scale("y", targets)
        self._warn_of_settings()
        if self.max_rate * self.presentation_time < 1:
            warn_caller(
                f"{type(self).__name__}: at max_rate={self.max_rate} Hz, no spike "
                f"comes in a presentation_time of {self.presentation_time} s; the "
                "output is hardly more than a constant."
            )
        rng = check_random_state(self.random_state)
        self.method_ = self.method
        self.offset_, self.scale_ = _scale_features(X)
        self.encoders_ = self._choose_encoders(X, targets, rng)
        # The largest training input along an encoder becomes 1.
        reach = np.abs(self._represent(X) @ self.encoders_.T).max()
        self.scale_ = self.scale_ * (reach if reach > 0 else 1.0)
        self.gain_, self.bias_ = self._choose_currents(targets.shape[1], rng)
        self.decoders_, self.output_bias_ = self._solve_decoders(X, targets)
        # A generator that is the caller's is left alone where nothing is asked of it.
        rng = rng if self.initial_voltage == "uniform" else copy.deepcopy(rng)
        self._drawn_voltage = draw_voltage("uniform", (len(self.gain_),), rng)

    def _choose_encoders(self, X, targets, rng):
        """Return one unit vector for each neuron."""
        n_outputs = targets.shape[1]
        shape = (n_outputs, self.n_neurons, X.shape[1])
        if self.encoders == "random":
            encoders = rng.normal(size=shape)
        else:
            centred = targets - targets.mean(axis=0)
            slopes = np.linalg.lstsq(self._represent(X), centred, rcond=None)[0].T
            # Where the target does not change with X, every direction is as good.
            slopes[np.linalg.norm(slopes, axis=1) == 0] = 1.0
            signs = rng.choice([-1.0, 1.0], size=(n_outputs, self.n_neurons, 1))
            signs[:, 0] = 1.0
            encoders = slopes[:, np.newaxis] * signs
        encoders = encoders.reshape(-1, X.shape[1])
        return encoders / np.linalg.norm(encoders, axis=1, keepdims=True)

    def _choose_currents(self, n_outputs, rng):
        """Return gains and biases from ``max_rate`` and ``intercept``."""
        # The first neuron of each output starts at ``intercept``, others above it.
        intercepts = self.intercept + (1 - self.intercept) * rng.uniform(
            0, 0.95, size=(n_outputs, self.n_neurons)
        )
        intercepts[:, 0] = self.intercept
        return self._lif.gain_bias(intercepts.ravel())

    def _solve_decoders(self, X, targets):
        """Return decoders and constants by regularised least squares on rates."""
        firing = self._lif.rates(self._currents(X))
        rates = self.amplitude * firing
        # Nengo's LstsqL2: the noise to expect is a share of the largest rate.
        with np.errstate(over="ignore"):
            penalty = len(rates) * (self.reg * rates.max()) ** 2
            square = len(rates) * rates.max() ** 2
        if not firing.any():
            warn_caller(
                f"No neuron fires for any row of X at intercept={self.intercept}; the "
                "output is a constant."
            )
            penalty = square = 1.0
        elif np.ptp(firing, axis=0).max() < 0.01 * firing.max():
            warn_caller(
                "The rate of no neuron changes by 1 % over the rows of X, at "
                f"intercept={self.intercept}, max_rate={self.max_rate} Hz and tau_rc="
                f"{self.tau_rc} s; the output is nearly a constant."
            )
        if 0 < square < np.inf and not np.isfinite(penalty):
            msg = (
                f"The 'reg' parameter of {type(self).__name__} must let a share of the "
                f"largest rate be squared. Got {self.reg} instead."
            )
            raise ValueError(msg)
        if not 0 < square < np.inf:
            msg = (
                f"The 'amplitude' parameter of {type(self).__name__} must let rates be "
                f"squared and summed with reg={self.reg}. Got {self.amplitude} instead."
            )
            raise ValueError(msg)
        ridge = Ridge(alpha=penalty).fit(rates, targets)
        return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)

    def _represent(self, X):
        return (X - self.offset_) / self.scale_

    def _currents(self, X):
        """Return the input current J of each neuron for each row of X."""
        scaled_encoders = self.encoders_ * self.gain_[:, np.newaxis]
        return self._represent(X) @ scaled_encoders.T + self.bias_

    def _train_by_gradient(self, X, targets, loss):
        """Improve encoders, biases and decoders by gradient descent on rates."""
        from snnlib.estimators._training import train_ensemble

        self._check_single_precision()
        # Spikes of area 1 / max_rate keep all weights near 1, where Adam works best.
        unit = self.max_rate * self.amplitude
        network = self._declare_network(
            decoders=self.decoders_ * unit,
            amplitude=1 / self.max_rate,
            synapse=None,
            initial_voltage=0.0,
        )
        trained = train_ensemble(
            network,
            X,
            targets,
            loss=loss,
            n_epochs=self.n_epochs,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            dt=self.dt,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
        )
        check_trained(self, trained)
        self.gain_ = np.linalg.norm(trained.scaled_encoders, axis=1)
        self.encoders_ = trained.scaled_encoders / self.gain_[:, np.newaxis]
        self.bias_ = trained.bias
        self.decoders_ = trained.decoders / unit
        self.output_bias_ = trained.output_bias

    def _check_single_precision(self):
        """Refuse features that NengoDL's numbers cannot tell apart."""
        scale = self.scale_[np.isfinite(self.scale_)]
        offset = np.abs(self.offset_[np.isfinite(self.scale_)])
        fits = (scale > 1e-30) & (scale < 1e30) & (offset < 1e5 * scale)
        if not fits.all():
            msg = (
                'X must hold features that method="gradient" can tell apart in single '
                "precision, with a spread from 1e-30 to 1e30 and a mean below 1e5 of "
                f"it; got a mean of {offset[~fits][0]:.3g} and a spread of "
                f"{scale[~fits][0]:.3g}."
            )
            raise ValueError(msg)

    @property
    def network_(self) -> nengo.Network:
        """The fitted ``nengo.Network``; it gives the same spikes in Nengo."""
        check_is_fitted(self)
        return self._declare_network()

    def _declare_network(self, **changes):
        lif = self._lif.settings
        # They have become gain and bias.
        del lif["max_rate"], lif["intercept"]
        arrays = {
            "encoders": self.encoders_,
            "decoders": self.decoders_,
            "gain": self.gain_,
            "bias": self.bias_,
            "output_bias": self.output_bias_,
            "offset": self.offset_,
            "scale": self.scale_,
            "synapse": self.synapse,
            "initial_voltage": self.initial_voltage_,
        }
        return ensemble_network(**{**arrays, **lif, **changes})

    @property
    def initial_voltage_(self) -> NDArray[np.float64]:
        """Membrane voltages at the start of each presentation."""
        check_is_fitted(self, "gain_")
        if self.initial_voltage == "uniform":
            return self._drawn_voltage
        return draw_voltage(self.initial_voltage, (len(self.gain_),), None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read what was pickled when the voltages were kept as they were drawn."""
        state = dict(state)
        if "initial_voltage_" in state:
            kept = state.pop("initial_voltage_")
            drawn = np.random.RandomState(0).uniform(size=len(kept))
            state["_drawn_voltage"] = kept if kept.any() else drawn
            state["method_"] = state["method"]
        super().__setstate__(state)

    def spike_trains(self, X: ArrayLike) -> NDArray[np.bool_]:
        """Return the spikes of each neuron while each row of X is shown.

        Every row is shown to a neuron that starts afresh.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        spikes : bool ndarray of shape (n_samples, n_steps, n_neurons)
            True in each step of ``dt`` in which a neuron fired.
        """
        X = self._check_X(X)
        return np.moveaxis(self._spikes(X), 0, 1)

    def output(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the filtered output at each step while each row of X is shown.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        output : ndarray of shape (n_samples, n_steps, n_outputs)
            What the probe "output" of ``network_`` records.
        """
        return self._filter(self.simulate(X), self.synapse)

    def simulate(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the decoded spikes at each step, before any filter.

        One simulation serves every value of ``synapse`` and both read-outs: hand it to
        `decide`. See `simulate_together` for many estimators at once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        decoded : ndarray of shape (n_samples, n_steps, n_outputs)
            Weighted spikes, without the constant ``output_bias_``.
        """
        return simulate_together([self], [X])[0]

    def decide(
        self,
        decoded: ArrayLike,
        *,
        synapse: float | Literal["own"] | None = "own",
        readout: Literal["mean", "last", "overall", "own"] = "own",
    ) -> NDArray[np.float64]:
        """Filter decoded spikes and read them out.

        Parameters
        ----------
        decoded : ndarray of shape (n_samples, n_steps, n_outputs)
            From `simulate`.
        synapse : float, None or "own", default="own"
            Low-pass time constant in seconds; "own" is the estimator's.
        readout : {"mean", "last", "overall", "own"}, default="own"
            How to read the filtered output; "own" is the estimator's.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            One value for each row and output; flat where there is one output.
        """
        synapse, readout = self._own(synapse=synapse, readout=readout)
        check_is_fitted(self)
        decoded = check_signal("decoded", decoded, (-1, -1, len(self.output_bias_)))
        values = read_out(self._filter(decoded, synapse), readout, axis=1)
        return values[:, 0] if values.shape[1] == 1 else values

    def _filter(self, decoded, synapse):
        return lowpass(decoded, synapse, dt=self.dt, axis=1) + self.output_bias_

    def _check_X(self, X):
        check_is_fitted(self)
        self.check_parameters()
        X = self._check_table(X, reset=False)
        self._warn_of_new_settings()
        return X

    def _spikes(self, X):
        return lif_spikes(
            self._currents(X),
            self._n_steps,
            neuron_type=self._lif.neuron_type(),
            dt=self.dt,
            voltage=self.initial_voltage_,
        )

    def _read_out(self, X):
        """Return the decision for each row, simulating some rows at a time."""
        currents = self._currents(self._check_X(X))
        # A block holds some 10 million spikes, so memory does not grow with X.
        rows = max(1, 10_000_000 // (self._n_steps * len(self.gain_)))
        blocks = (currents[i : i + rows] for i in range(0, len(currents), rows))
        return np.concatenate(
            [self.decide(decode_together([(self, block)])[0]) for block in blocks]
        )


def _scale_features(X):
    """Return mean and standard deviation, leaving constant features out."""
    # A sum of n values is rounded n times: what varies less than this is constant.
    rounding = len(X) * np.finfo(float).eps * np.abs(X).max(axis=0)
    constant = np.ptp(X, axis=0) <= rounding
    if constant.all():
        msg = (
            "X must hold a feature that varies; got "
            f"{X.shape[1]} feature(s), each with one value only."
        )
        raise ValueError(msg)
    _check_scale("X", X[:, ~constant])
    # An infinite scale keeps a constant feature from ever driving a neuron.
    return X.mean(axis=0), np.where(constant, np.inf, X.std(axis=0))


def _check_scale(name, values):
    """Refuse values whose squares are too large or too small for a float."""
    with np.errstate(over="ignore"):
        spread = np.ptp(values, axis=0)
    for size in (np.abs(values).max(), spread.max(), spread.min()):
        if not (size == 0 or 1e-150 <= size <= 1e150):
            msg = (
                f"{name} must hold values whose squares can be calculated with, from "
                f"1e-150 to 1e150 in size and spread; got {size:.3g}."
            )
            raise ValueError(msg)
