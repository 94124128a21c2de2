"""scikit-learn estimators made of spiking neurons.

A neuron parameter is a hyper-parameter here: ``max_rate``, ``tau_rc``, ``synapse`` and
their kin go into the constructor under Nengo's names, and ``validation_curve`` or
``GridSearchCV`` vary them like any other setting.
"""

import json
import logging
import warnings
import weakref
from importlib.util import find_spec
from numbers import Integral, Real
from pathlib import Path
from typing import ClassVar, NamedTuple

import nengo
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from snnlib._version import __version__
from snnlib.batch import N_TOGETHER, lif_steps, read_out_weights
from snnlib.images import check_images
from snnlib.networks import (
    check_weights,
    conv_network,
    draw_voltage,
    ensemble_network,
    parse_architecture,
    rate_model,
    read_weights,
)
from snnlib.simulation import (
    READOUTS,
    check_lif,
    lif_spikes,
    lowpass,
    read_out,
    step_count,
)

logger = logging.getLogger(__name__)

_LIF_CONSTRAINTS = {
    "max_rate": [Interval(Real, 0, None, closed="neither")],
    "intercept": [Interval(Real, None, 1, closed="neither")],
    "tau_rc": [Interval(Real, 0, None, closed="neither")],
    "tau_ref": [Interval(Real, 0, None, closed="left")],
    "amplitude": [Interval(Real, 0, None, closed="neither")],
    "synapse": [Interval(Real, 0, None, closed="left"), None],
    "initial_voltage": [StrOptions({"zero", "uniform"})],
    "presentation_time": [Interval(Real, 0, None, closed="neither")],
    "dt": [Interval(Real, 0, None, closed="neither")],
    "readout": [StrOptions(set(READOUTS))],
    "random_state": ["random_state"],
}
_TRAINING_CONSTRAINTS = {
    "n_epochs": [Interval(Integral, 1, None, closed="left")],
    "learning_rate": [Interval(Real, 0, None, closed="neither")],
    "batch_size": [Interval(Integral, 1, None, closed="left")],
}


class _SpikingEstimator(BaseEstimator):
    """Checks every spiking estimator makes before it does any work."""

    _warns_of_unsettled_output = True

    def check_parameters(self):
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
        self._validate_params()
        check_lif(
            max_rate=self.max_rate,
            tau_ref=self.tau_ref,
            synapse=self.synapse if self._warns_of_unsettled_output else None,
            presentation_time=self.presentation_time,
            dt=self.dt,
            owner=type(self).__name__,
        )
        return self

    @property
    def _n_steps(self):
        return step_count(self.presentation_time, self.dt)

    def _own(self, *, synapse, readout):
        """Return synapse and read-out, with the estimator's own in place of "own"."""
        return (
            self.synapse if synapse == "own" else synapse,
            self.readout if readout == "own" else readout,
        )


class _EnsembleEstimator(_SpikingEstimator):
    """One ensemble of LIF neurons: what regressor and classifier have in common.

    ``fit`` settles four things in turn: how features are scaled, which direction each
    neuron listens to, which current that direction gives, and how spikes are decoded.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_LIF_CONSTRAINTS,
        **_TRAINING_CONSTRAINTS,
        "n_neurons": [Interval(Integral, 1, None, closed="left")],
        "method": [StrOptions({"nef", "gradient"})],
        "encoders": [StrOptions({"target", "random"})],
        "reg": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_neurons=1,
        *,
        method="nef",
        max_rate=100.0,
        intercept=-1.5,
        tau_rc=0.02,
        tau_ref=0.002,
        amplitude=1.0,
        synapse=0.1,
        initial_voltage="zero",
        presentation_time=1.0,
        dt=0.001,
        readout="mean",
        encoders="target",
        reg=0.01,
        n_epochs=200,
        learning_rate=0.01,
        batch_size=200,
        random_state=None,
    ):
        self.n_neurons = n_neurons
        self.method = method
        self.max_rate = max_rate
        self.intercept = intercept
        self.tau_rc = tau_rc
        self.tau_ref = tau_ref
        self.amplitude = amplitude
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

    def _fit_ensemble(self, X, targets):
        """Fit to real-valued ``targets`` of shape (n_samples, n_outputs)."""
        rng = check_random_state(self.random_state)
        self.offset_, self.scale_ = self._scale_features(X)
        self.encoders_ = self._choose_encoders(X, targets, rng)
        # The largest training input along an encoder becomes 1.
        reach = np.abs(self._represent(X) @ self.encoders_.T).max()
        self.scale_ = self.scale_ * (reach if reach > 0 else 1.0)
        self.gain_, self.bias_ = self._choose_currents(targets.shape[1], rng)
        self.decoders_, self.output_bias_ = self._solve_decoders(X, targets)
        self.initial_voltage_ = draw_voltage(self.initial_voltage, len(self.gain_), rng)

    def _scale_features(self, X):
        """Return mean and standard deviation, leaving constant features out."""
        spread = X.std(axis=0)
        constant = np.ptp(X, axis=0) == 0
        if constant.all():
            msg = (
                "X must hold a feature that varies; got "
                f"{X.shape[1]} feature(s), each with one value only."
            )
            raise ValueError(msg)
        # An infinite scale keeps a constant feature from ever driving a neuron.
        return X.mean(axis=0), np.where(constant, np.inf, spread)

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
        max_rates = np.full(intercepts.size, float(self.max_rate))
        return self._neuron_type().gain_bias(max_rates, intercepts.ravel())

    def _solve_decoders(self, X, targets):
        """Return decoders and constants by regularised least squares on rates."""
        rates = self.amplitude * self._rates(X)
        # Nengo's LstsqL2: the noise to expect is a share of the largest rate.
        penalty = len(rates) * (self.reg * rates.max()) ** 2
        if not rates.any():
            warnings.warn(
                f"No neuron fires for any row of X at intercept={self.intercept}; the "
                "output is a constant.",
                UserWarning,
                stacklevel=4,
            )
            penalty = 1.0
        ridge = Ridge(alpha=penalty).fit(rates, targets)
        return np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_)

    def _neuron_type(self):
        return nengo.LIF(
            tau_rc=self.tau_rc, tau_ref=self.tau_ref, amplitude=self.amplitude
        )

    def _represent(self, X):
        return (X - self.offset_) / self.scale_

    def _currents(self, X):
        """Return the input current J of each neuron for each row of X."""
        scaled_encoders = self.encoders_ * self.gain_[:, np.newaxis]
        return self._represent(X) @ scaled_encoders.T + self.bias_

    def _rates(self, X):
        """Return the firing rate of each neuron for each row of X, in Hz."""
        rate_type = nengo.LIFRate(tau_rc=self.tau_rc, tau_ref=self.tau_ref)
        current = self._currents(X)
        rates = np.zeros_like(current)
        rate_type.step(dt=1.0, J=current, output=rates)
        return rates

    def _train_by_gradient(self, X, targets, loss):
        """Improve encoders, biases and decoders by gradient descent on rates."""
        from snnlib._nengo_dl import nengo_dl, own_randomness, tf

        # Spikes of area 1 / max_rate keep all weights near 1, where Adam works best.
        unit = self.max_rate * self.amplitude
        network = ensemble_network(
            self.encoders_,
            self.decoders_ * unit,
            gain=self.gain_,
            bias=self.bias_,
            output_bias=self.output_bias_,
            offset=self.offset_,
            scale=self.scale_,
            tau_rc=self.tau_rc,
            tau_ref=self.tau_ref,
            amplitude=1 / self.max_rate,
            synapse=None,
        )
        with network:
            nengo_dl.configure_settings(trainable=None)
            network.config[network.encode].trainable = False
            network.config[network.centre].trainable = False
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        batch_size = min(self.batch_size, len(X))
        used = np.resize(np.arange(len(X)), -(-len(X) // batch_size) * batch_size)
        output = _probes(network)["output"]
        with (
            own_randomness(seed),
            _dl_simulator(network, batch_size, self.dt, seed) as sim,
        ):
            sim.compile(
                optimizer=tf.optimizers.Adam(self.learning_rate), loss={output: loss}
            )
            sim.fit(
                {network.input: X[used, np.newaxis]},
                {output: targets[used, np.newaxis]},
                epochs=self.n_epochs,
                verbose=0,
            )
            # Nengo also works out max rates, which trained neurons may not have.
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.filterwarnings("ignore", "Non-finite values detected")
                ensemble = sim.data[network.ensemble]
            trained = ensemble.scaled_encoders.astype(float)
            self.bias_ = ensemble.bias.astype(float)
            self.decoders_ = sim.data[network.decode].weights.astype(float) / unit
            self.output_bias_ = sim.data[network.constant].weights[:, 0].astype(float)
        self.gain_ = np.linalg.norm(trained, axis=1)
        self.encoders_ = trained / self.gain_[:, np.newaxis]

    @property
    def network_(self):
        """The fitted ``nengo.Network``; it gives the same spikes in Nengo."""
        check_is_fitted(self)
        return ensemble_network(
            self.encoders_,
            self.decoders_,
            gain=self.gain_,
            bias=self.bias_,
            output_bias=self.output_bias_,
            offset=self.offset_,
            scale=self.scale_,
            tau_rc=self.tau_rc,
            tau_ref=self.tau_ref,
            amplitude=self.amplitude,
            synapse=self.synapse,
            initial_voltage=self.initial_voltage_,
        )

    def spike_trains(self, X):
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

    def output(self, X):
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

    def simulate(self, X):
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

    def decide(self, decoded, *, synapse="own", readout="own"):
        """Filter decoded spikes and read them out.

        Parameters
        ----------
        decoded : ndarray of shape (n_samples, n_steps, n_outputs)
            From `simulate`.
        synapse : float, None or "own", default="own"
            Low-pass time constant in seconds; "own" is the estimator's.
        readout : {"mean", "last", "own"}, default="own"
            How to read the filtered output; "own" is the estimator's.

        Returns
        -------
        values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            One value for each row and output; flat where there is one output.
        """
        synapse, readout = self._own(synapse=synapse, readout=readout)
        values = read_out(self._filter(decoded, synapse), readout, axis=1)
        return values[:, 0] if values.shape[1] == 1 else values

    def _filter(self, decoded, synapse):
        return lowpass(decoded, synapse, dt=self.dt, axis=1) + self.output_bias_

    def _check_X(self, X):
        check_is_fitted(self)
        self.check_parameters()
        return validate_data(self, X, reset=False, dtype=float)

    def _spikes(self, X):
        return lif_spikes(
            self._currents(X),
            self._n_steps,
            neuron_type=self._neuron_type(),
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
            [self.decide(_decode_together([(self, block)])[0]) for block in blocks]
        )


def simulate_together(estimators, inputs):
    """Simulate many fitted ensembles, each on its own inputs, in one batch.

    The result is that of each estimator's ``simulate``, but the cost is that of few
    simulations: ensembles that share neurons and time step together.

    Parameters
    ----------
    estimators : sequence of SpikingRegressor or SpikingClassifier
        Fitted estimators.
    inputs : sequence of array-like of shape (n_samples, n_features)
        What to show to each of them.

    Returns
    -------
    decoded : list of ndarray of shape (n_samples, n_steps, n_outputs)
        Decoded spikes for each estimator's ``decide``.
    """
    pairs = zip(estimators, inputs, strict=True)
    return _decode_together(
        (estimator, estimator._currents(estimator._check_X(X)))
        for estimator, X in pairs
    )


def _decode_together(pairs):
    """Return the decoded spikes of each estimator's neurons at its currents."""
    decoded = []
    for batch in _batches(pairs):
        spikes = np.zeros((batch.n_steps, batch.ends[-1]), dtype=bool)
        for step, fired in enumerate(batch.steps()):
            spikes[step, fired] = True
        for estimator, own in batch.split(spikes.T):
            weights = estimator.decoders_.T * (estimator.amplitude / estimator.dt)
            decoded.append(np.moveaxis(np.moveaxis(own, 2, 0) @ weights, 0, 1))
    return decoded


def decide_together(estimators, inputs, *, synapses=("own",), readouts=("own",)):
    """Simulate many fitted ensembles and read them out, each in every way asked for.

    It gives what each estimator's ``decide`` makes of its ``simulate``, up to rounding,
    for every synapse and read-out of one simulation. Spikes are summed up as they come
    and never kept. Estimators are taken, simulated and handed out in blocks: with
    generators as ``estimators`` and ``inputs``, memory does not grow with their number.

    Parameters
    ----------
    estimators : iterable of SpikingRegressor or SpikingClassifier
        Fitted estimators. They may differ in every parameter.
    inputs : iterable of array-like of shape (n_samples, n_features)
        What to show to each of them.
    synapses : sequence of float, None or "own", default=("own",)
        Low-pass time constants in seconds; "own" is the estimator's.
    readouts : sequence of {"mean", "last", "own"}, default=("own",)
        How to read the filtered output; "own" is the estimator's.

    Yields
    ------
    values : ndarray of shape (n_synapses, n_readouts, n_samples) or \
            (n_synapses, n_readouts, n_samples, n_outputs)
        Read-outs of the next estimator; without the last axis where it has one output.

    Examples
    --------
    >>> from snnlib import load_iris_setosa
    >>> iris = load_iris_setosa()
    >>> models = [
    ...     SpikingRegressor(tau_rc=tau_rc).fit(iris.data, iris.target)
    ...     for tau_rc in (0.02, 0.07)
    ... ]
    >>> read = decide_together(models, [iris.data] * 2, synapses=[0.01, 0.1])
    >>> [values.shape for values in read]
    [(2, 1, 50), (2, 1, 50)]
    """
    pairs = (
        (estimator, estimator._currents(estimator._check_X(X)))
        for estimator, X in zip(estimators, inputs, strict=True)
    )
    for batch in _batches(pairs):
        ways = [
            [
                estimator._own(synapse=synapse, readout=readout)
                for synapse in synapses
                for readout in readouts
            ]
            for estimator, _ in batch.members
        ]
        distinct = list(dict.fromkeys(way for own in ways for way in own))
        weights = np.stack(
            [read_out_weights(batch.n_steps, *way, batch.dt) for way in distinct],
            axis=1,
        )
        sums = np.zeros((batch.ends[-1], len(distinct)))
        for start in range(0, len(sums), N_TOGETHER):
            part = slice(start, start + N_TOGETHER)
            for step, fired in enumerate(batch.steps(part)):
                sums[part][fired] += weights[step]
        for (estimator, own), own_ways in zip(batch.split(sums), ways, strict=True):
            own = own[:, :, [distinct.index(way) for way in own_ways]]
            decoders = estimator.decoders_.T * (estimator.amplitude / estimator.dt)
            values = np.moveaxis(own, 2, 0) @ decoders + estimator.output_bias_
            values = values.reshape(len(synapses), len(readouts), *values.shape[1:])
            yield values[..., 0] if values.shape[-1] == 1 else values


class _Batch:
    """Ensembles that step together, each with the currents into its neurons."""

    def __init__(self, members):
        self.members = members
        self.n_steps, self.dt = members[0][0]._n_steps, members[0][0].dt
        self.ends = np.cumsum([current.size for _, current in members])
        self._neurons = {
            "current": self._each_neuron(lambda _, current: current),
            "tau_rc": self._each_neuron(lambda estimator, _: float(estimator.tau_rc)),
            "tau_ref": self._each_neuron(lambda estimator, _: float(estimator.tau_ref)),
            "voltage": self._each_neuron(
                lambda estimator, _: estimator.initial_voltage_
            ),
        }

    def _each_neuron(self, value_of):
        return np.concatenate(
            [
                np.broadcast_to(value_of(estimator, current), current.shape).ravel()
                for estimator, current in self.members
            ]
        )

    def steps(self, part=slice(None)):
        """Step some of the neurons, or all; yield which of them fire."""
        neurons = {name: values[part] for name, values in self._neurons.items()}
        return lif_steps(n_steps=self.n_steps, dt=self.dt, **neurons)

    def split(self, values):
        """Give each estimator its rows of ``values``, by sample and neuron."""
        parts = np.split(values, self.ends[:-1])
        for (estimator, current), own in zip(self.members, parts, strict=True):
            yield estimator, own.reshape(*current.shape, -1)


def _batches(pairs):
    """Yield estimators with their currents in batches that can step together."""
    members, size, steps = [], 0, None
    for estimator, current in pairs:
        own_steps = (estimator._n_steps, estimator.dt)
        if members and (size + current.size > N_TOGETHER or own_steps != steps):
            yield _Batch(members)
            members, size = [], 0
        members.append((estimator, current))
        size, steps = size + current.size, own_steps
    if members:
        yield _Batch(members)


class SpikingRegressor(RegressorMixin, _EnsembleEstimator):
    """Predict a quantity with an ensemble of spiking LIF neurons.

    Each row of X is shown to the neurons as a constant input; the prediction is read
    from their filtered, decoded spikes. It predicts one target, and it does not fit
    ``synapse`` or ``readout``: the decoders are solved for settled firing rates.

    Parameters
    ----------
    n_neurons : int, default=1
        LIF neurons for each output.
    method : {"nef", "gradient"}, default="nef"
        "nef" solves for the decoders by regularised least squares on firing rates.
        "gradient" starts there and trains encoders, biases and decoders on firing
        rates with NengoDL, so that ``max_rate`` and ``intercept`` are where it starts
        from rather than what it ends with.
    max_rate : float, default=100
        Firing rate in Hz at the largest training input; larger means more spikes and
        a finer output. Must be below ``1 / tau_ref``.
    intercept : float, default=-1.5
        Scaled input at which a neuron begins to fire. Training inputs lie between -1
        and 1: below -1 the neuron fires for all of them, and its response is nearly a
        line. With several neurons it is the first one's; the others' are drawn above.
    tau_rc : float, default=0.02
        Membrane time constant in seconds; larger straightens the response curve.
    tau_ref : float, default=0.002
        Refractory period in seconds; rates stay below its inverse.
    amplitude : float, default=1
        Area of one spike. The decoders make up for it.
    synapse : float or None, default=0.1
        Low-pass time constant in seconds on the neurons' output; larger smooths more
        and responds later. None passes spikes on as they are.
    initial_voltage : {"zero", "uniform"}, default="zero"
        Membrane voltage at the start of each presentation: 0, or drawn from [0, 1)
        once for each neuron.
    presentation_time : float, default=1
        How long each row is shown, in seconds.
    dt : float, default=0.001
        Length of a simulation step in seconds.
    readout : {"mean", "last"}, default="mean"
        Whether the filtered output is averaged over the second half of the
        presentation or taken at its last step.
    encoders : {"target", "random"}, default="target"
        Direction each neuron listens to: the one along which the target changes most
        (least squares), or one drawn at random. One neuron needs "target"; a relation
        that is not monotonic in one direction needs "random" and many neurons.
    reg : float, default=0.01
        Regularisation of the decoders, as a share of the largest firing rate; larger
        pulls the output towards the mean of the targets.
    n_epochs : int, default=200
        Passes over the training rows, for ``method="gradient"``.
    learning_rate : float, default=0.01
        Step size of Adam, for ``method="gradient"``.
    batch_size : int, default=200
        Rows in a training step, for ``method="gradient"``.
    random_state : int, RandomState instance or None, default=None
        Seed of whatever is drawn: encoders, intercepts, initial voltages.

    Attributes
    ----------
    encoders_ : ndarray of shape (n_neurons, n_features)
        Unit vector each neuron listens to.
    gain_, bias_ : ndarray of shape (n_neurons,)
        Current into each neuron: ``gain_ * (encoder . scaled row) + bias_``.
    decoders_ : ndarray of shape (1, n_neurons)
        Weight of each neuron's filtered spikes.
    output_bias_ : ndarray of shape (1,)
        Constant added to the decoded output.
    offset_, scale_ : ndarray of shape (n_features,)
        The ensemble sees ``(X - offset_) / scale_``.
    initial_voltage_ : ndarray of shape (n_neurons,)
        Membrane voltages at the start of each presentation.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where X had any.

    See Also
    --------
    snnlib.ensemble_network : The declaration behind ``network_``.

    References
    ----------
    C. Eliasmith and C. H. Anderson, "Neural engineering", MIT Press, 2003.

    Examples
    --------
    >>> from snnlib import load_iris_setosa
    >>> iris = load_iris_setosa()
    >>> regressor = SpikingRegressor().fit(iris.data, iris.target)
    >>> regressor.predict(iris.data[:3]).shape
    (3,)
    """

    def fit(self, X, y):
        """Fit encoders, currents and decoders to a quantity.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; they are centred and scaled here.
        y : array-like of shape (n_samples,)
            Targets.

        Returns
        -------
        self : SpikingRegressor
        """
        self.check_parameters()
        X, y = validate_data(
            self, X, y, dtype=float, y_numeric=True, ensure_min_samples=2
        )
        target = np.asarray(y, dtype=float)[:, np.newaxis]
        self._fit_ensemble(X, target)
        if self.method == "gradient":
            self._fit_by_gradient(X, target)
        return self

    def _fit_by_gradient(self, X, target):
        # Training works in units of the target's own spread.
        spread = target.std() or 1.0
        self.decoders_, self.output_bias_ = (
            self.decoders_ / spread,
            (self.output_bias_ - target.mean()) / spread,
        )
        self._train_by_gradient(X, (target - target.mean()) / spread, "mse")
        self.decoders_ = self.decoders_ * spread
        self.output_bias_ = self.output_bias_ * spread + target.mean()

    def predict(self, X):
        """Predict the target of each row from the spikes it causes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return self._read_out(X)


class SpikingClassifier(ClassifierMixin, _EnsembleEstimator):
    """Classify rows with an ensemble of spiking LIF neurons.

    Two classes share one output whose sign decides; more classes have an output each.
    Each row of X is shown to the neurons as a constant input, and the decision is read
    from their filtered, decoded spikes. It does not fit ``synapse`` or ``readout``.

    Parameters
    ----------
    n_neurons : int, default=1
        LIF neurons for each output: one output for two classes, else one a class.
    method : {"nef", "gradient"}, default="nef"
        "nef" solves for the decoders by regularised least squares on firing rates.
        "gradient" starts there and trains encoders, biases and decoders on firing
        rates with NengoDL, so that ``max_rate`` and ``intercept`` are where it starts
        from rather than what it ends with.
    max_rate : float, default=100
        Firing rate in Hz at the largest training input; larger means more spikes and
        a finer output. Must be below ``1 / tau_ref``.
    intercept : float, default=-1.5
        Scaled input at which a neuron begins to fire. Training inputs lie between -1
        and 1: below -1 the neuron fires for all of them, and its response is nearly a
        line. With several neurons it is the first one's; the others' are drawn above.
    tau_rc : float, default=0.02
        Membrane time constant in seconds; larger straightens the response curve.
    tau_ref : float, default=0.002
        Refractory period in seconds; rates stay below its inverse.
    amplitude : float, default=1
        Area of one spike. The decoders make up for it.
    synapse : float or None, default=0.1
        Low-pass time constant in seconds on the neurons' output; larger smooths more
        and responds later. None passes spikes on as they are.
    initial_voltage : {"zero", "uniform"}, default="zero"
        Membrane voltage at the start of each presentation: 0, or drawn from [0, 1)
        once for each neuron.
    presentation_time : float, default=1
        How long each row is shown, in seconds.
    dt : float, default=0.001
        Length of a simulation step in seconds.
    readout : {"mean", "last"}, default="mean"
        Whether the filtered output is averaged over the second half of the
        presentation or taken at its last step.
    encoders : {"target", "random"}, default="target"
        Direction each neuron listens to: the one along which the target changes most
        (least squares), or one drawn at random. One neuron needs "target"; a relation
        that is not monotonic in one direction needs "random" and many neurons.
    reg : float, default=0.01
        Regularisation of the decoders, as a share of the largest firing rate; larger
        pulls the output towards the mean of the targets.
    n_epochs : int, default=200
        Passes over the training rows, for ``method="gradient"``.
    learning_rate : float, default=0.01
        Step size of Adam, for ``method="gradient"``.
    batch_size : int, default=200
        Rows in a training step, for ``method="gradient"``.
    random_state : int, RandomState instance or None, default=None
        Seed of whatever is drawn: encoders, intercepts, initial voltages.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    encoders_ : ndarray of shape (n_outputs * n_neurons, n_features)
        Unit vector each neuron listens to.
    gain_, bias_ : ndarray of shape (n_outputs * n_neurons,)
        Current into each neuron: ``gain_ * (encoder . scaled row) + bias_``.
    decoders_ : ndarray of shape (n_outputs, n_outputs * n_neurons)
        Weight of each neuron's filtered spikes in each output.
    output_bias_ : ndarray of shape (n_outputs,)
        Constant added to each decoded output.
    offset_, scale_ : ndarray of shape (n_features,)
        The ensemble sees ``(X - offset_) / scale_``.
    initial_voltage_ : ndarray of shape (n_outputs * n_neurons,)
        Membrane voltages at the start of each presentation.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of str
        Their names, where X had any.

    See Also
    --------
    snnlib.ensemble_network : The declaration behind ``network_``.

    Examples
    --------
    >>> from snnlib import load_birth_weight
    >>> births = load_birth_weight()
    >>> classifier = SpikingClassifier().fit(births.data, births.target)
    >>> classifier.predict_proba(births.data[:3]).shape
    (3, 2)
    """

    def fit(self, X, y):
        """Fit encoders, currents and decoders to class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; they are centred and scaled here.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : SpikingClassifier
        """
        self.check_parameters()
        X, y = validate_data(self, X, y, dtype=float, ensure_min_samples=2)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            msg = (
                "y must hold at least 2 classes for a classifier; got 1 class, "
                f"{self.classes_[0]!r}."
            )
            raise ValueError(msg)
        # +1 in the column of a row's class, -1 elsewhere; two classes need one column.
        signs = np.where(codes[:, np.newaxis] == np.arange(len(self.classes_)), 1, -1)
        self._fit_ensemble(X, signs[:, 1:].astype(float) if self._is_binary else signs)
        if self.method == "gradient":
            self._fit_by_gradient(X, codes)
        return self

    def _fit_by_gradient(self, X, codes):
        from snnlib._nengo_dl import tf

        loss = (
            tf.losses.BinaryCrossentropy(from_logits=True)
            if self._is_binary
            else tf.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self._train_by_gradient(X, codes[:, np.newaxis].astype(float), loss)

    @property
    def _is_binary(self):
        return len(self.classes_) == 2

    def decision_function(self, X):
        """Return the decoded output of each row, read from its spikes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one value, positive for ``classes_[1]``; else one score per
            class.
        """
        return self._read_out(X)

    def predict_proba(self, X):
        """Return a probability for each class.

        With ``method="nef"`` it is the least-squares estimate of the class indicator,
        cut off at 0 and 1; with "gradient" the logistic function of the output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows sum to 1.
        """
        from scipy.special import expit, softmax

        scores = self.decision_function(X)
        if self._is_binary:
            positive = (
                expit(scores)
                if self.method == "gradient"
                else np.clip((1 + scores) / 2, 0, 1)
            )
            return np.column_stack([1 - positive, positive])
        if self.method == "gradient":
            return softmax(scores, axis=1)
        # The floor leaves a row whose scores are all at -1 with equal probabilities.
        positive = np.maximum((1 + scores) / 2, 1e-12)
        return positive / positive.sum(axis=1, keepdims=True)

    def predict(self, X):
        """Return the class the spikes speak for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        if self._is_binary:
            return self.classes_[(scores > 0).astype(int)]
        return self.classes_[scores.argmax(axis=1)]


class ConvRun(NamedTuple):
    """What one simulation of a conv net leaves behind, before any output filter."""

    output: np.ndarray
    """Unfiltered read-out, shape (n_images, n_steps, n_classes)."""
    spike_counts: np.ndarray
    """Spikes in each layer of neurons, shape (n_images, n_steps, n_layers)."""


class SpikingConvClassifier(ClassifierMixin, _SpikingEstimator):
    """Classify images with a spiking convolutional network, trained through NengoDL.

    With its defaults it is the network of the 2019 paper. Training replaces each
    neuron's spikes by its firing rate; prediction uses the spikes. It does not augment
    or rescale images, and it does not stop early.

    Parameters
    ----------
    architecture : str, default="32C3-64C3-AP2-128C3-AP2"
        Layers before the linear read-out; see `snnlib.parse_architecture`.
    max_rate : float, default=100
        Firing rate at an input of 1, in Hz. Larger puts more spikes into a
        presentation and, at a fixed amplitude, makes each layer's signal larger.
    intercept : float, default=0
        Input at which a neuron begins to fire.
    tau_rc : float, default=0.02
        Membrane time constant in seconds; larger straightens the response curve.
    tau_ref : float, default=0.002
        Refractory period in seconds; rates stay below its inverse.
    amplitude : float, default=0.01
        Area of one output spike; a layer passes on ``amplitude`` times its rate.
    synapse : float or None, default=0.1
        Low-pass time constant of the output in seconds; larger smooths more. It may be
        longer than the presentation: scores come out smaller, all by the same factor.
        None passes the read-out through as it is.
    layer_synapse : float or None, default=None
        Low-pass time constant in seconds of what each layer of neurons passes on;
        larger smooths more and responds later. None passes spikes on as they are, as
        in the paper's network. Training leaves it out.
    initial_voltage : {"zero", "uniform"}, default="zero"
        Membrane voltage at the start: 0 (Nengo up to 3.0), or drawn from [0, 1) for
        each neuron (Nengo since 3.1).
    presentation_time : float, default=0.03
        How long an image is shown, in seconds; longer costs more and errs less.
    dt : float, default=0.001
        Length of a simulation step in seconds.
    readout : {"mean", "last"}, default="last"
        Whether the filtered output is averaged over the second half of the
        presentation or taken at its last step.
    n_epochs : int, default=10
        Passes over the training images.
    learning_rate : float, default=0.001
        Step size of RMSprop.
    batch_size : int, default=200
        Images in a training step, and images simulated together.
    trainer : {"keras", "nengo_dl"}, default="keras"
        What computes the firing rates while training: a plain Keras model, or NengoDL
        itself. Both give the same loss; Keras is faster.
    engine : {"auto", "event", "nengo_dl"}, default="auto"
        What simulates the spikes: Numba, adding up one spike at a time, or NengoDL,
        multiplying whole matrices. Both give the same spikes but for rounding at the
        threshold. "auto" is "event" where Numba is installed.
    random_state : int, RandomState instance or None, default=None
        Seed of weights, order of images, and initial voltages.
    verbose : int, default=1
        1 shows a progress bar with loss and accuracy while training, 2 a line per
        epoch, 0 nothing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    image_shape_ : tuple of int
        Rows, columns and channels of the images.
    n_features_in_ : int
        Pixels of an image.
    weights_ : list of ndarray
        Kernel and bias of each layer in turn, read-out last.
    history_ : dict of str to list of float
        Loss and accuracy of the rate network after each epoch.
    seed_ : int
        The seed drawn from ``random_state``.

    See Also
    --------
    snnlib.conv_network : The declaration behind ``network_``.

    References
    ----------
    E. Hunsberger and C. Eliasmith, "Training spiking deep networks for neuromorphic
    hardware", arXiv:1611.05141, 2016.
    """

    _parameter_constraints: ClassVar[dict] = {
        **_LIF_CONSTRAINTS,
        **_TRAINING_CONSTRAINTS,
        "architecture": [str],
        "trainer": [StrOptions({"keras", "nengo_dl"})],
        "engine": [StrOptions({"auto", "event", "nengo_dl"})],
        "layer_synapse": [Interval(Real, 0, None, closed="neither"), None],
        "verbose": [Interval(Integral, 0, 2, closed="both")],
    }
    # A filter that starts at rest scales all classes alike; the largest stays largest.
    _warns_of_unsettled_output = False
    _network_parameters = (
        "architecture",
        "max_rate",
        "intercept",
        "tau_rc",
        "tau_ref",
        "amplitude",
        "synapse",
        "layer_synapse",
        "initial_voltage",
    )

    def __init__(
        self,
        architecture="32C3-64C3-AP2-128C3-AP2",
        *,
        max_rate=100.0,
        intercept=0.0,
        tau_rc=0.02,
        tau_ref=0.002,
        amplitude=0.01,
        synapse=0.1,
        layer_synapse=None,
        initial_voltage="zero",
        presentation_time=0.03,
        dt=0.001,
        readout="last",
        n_epochs=10,
        learning_rate=0.001,
        batch_size=200,
        trainer="keras",
        engine="auto",
        random_state=None,
        verbose=1,
    ):
        self.architecture = architecture
        self.max_rate = max_rate
        self.intercept = intercept
        self.tau_rc = tau_rc
        self.tau_ref = tau_ref
        self.amplitude = amplitude
        self.synapse = synapse
        self.layer_synapse = layer_synapse
        self.initial_voltage = initial_voltage
        self.presentation_time = presentation_time
        self.dt = dt
        self.readout = readout
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.trainer = trainer
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    def check_parameters(self):
        """Refuse impossible parameters now rather than when fitting.

        Returns
        -------
        self : SpikingConvClassifier

        Raises
        ------
        ValueError
            If a parameter has a wrong type or is out of range, or ``architecture``
            cannot be read; the message names it and the value got.
        """
        super().check_parameters()
        parse_architecture(self.architecture)
        return self

    def fit(self, X, y):
        """Train the network on images by the firing rates of its neurons.

        Parameters
        ----------
        X : array-like of shape (n_images, rows, columns), \
                (n_images, rows, columns, channels) or (n_images, n_pixels)
            Images with pixels in [0, 1]. Flat images must be square.
        y : array-like of shape (n_images,)
            Class labels.

        Returns
        -------
        self : SpikingConvClassifier
        """
        self.check_parameters()
        images, image_shape = check_images(X)
        y = np.asarray(y)
        if y.shape != (len(images),):
            msg = (
                f"y must hold one label for each of the {len(images)} images; "
                f"got shape {y.shape}."
            )
            raise ValueError(msg)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            msg = f"y must hold at least 2 classes; got only {classes[0]!r}."
            raise ValueError(msg)
        check_weights(None, image_shape, len(classes), self.architecture)

        # Until training ends, the estimator is not fitted.
        if hasattr(self, "weights_"):
            self._close_simulator()
            del self.weights_
        self._simulator = None
        self.image_shape_, self.n_features_in_ = image_shape, images.shape[1]
        self.classes_ = classes
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.weights_, self.history_ = self._train(images, codes)
        return self

    @property
    def network_(self):
        """The fitted ``nengo.Network``, for ``nengo_dl.Simulator``."""
        check_is_fitted(self, "weights_")
        return self._declare_network()

    def _declare_network(self, **changes):
        parameters = {name: getattr(self, name) for name in self._network_parameters}
        return conv_network(
            self.image_shape_,
            len(self.classes_),
            **{**parameters, **changes},
            weights=getattr(self, "weights_", None),
            seed=self.seed_,
        )

    def _train(self, images, codes):
        """Return trained weights, and loss and accuracy after each epoch."""
        from snnlib._nengo_dl import own_randomness

        batch_size = min(self.batch_size, len(images))
        order = np.random.default_rng(self.seed_).permutation(len(images))
        logger.info("training on %d images for %d epochs", len(images), self.n_epochs)
        train = self._train_keras if self.trainer == "keras" else self._train_nengo_dl
        with own_randomness(self.seed_):
            weights, history = train(images[order], codes[order], batch_size)
        return weights, {
            name.removeprefix("output_"): values for name, values in history.items()
        }

    def _train_keras(self, images, codes, batch_size):
        from snnlib._nengo_dl import tf

        spiking_only = {"synapse", "layer_synapse", "initial_voltage"}
        names = set(self._network_parameters) - spiking_only
        model = rate_model(
            self.image_shape_,
            len(self.classes_),
            **{name: getattr(self, name) for name in names},
            seed=self.seed_,
        )
        model.compile(
            optimizer=tf.optimizers.RMSprop(self.learning_rate),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics="accuracy",
        )
        history = model.fit(
            images,
            codes,
            batch_size=batch_size,
            epochs=self.n_epochs,
            verbose=self.verbose,
        ).history
        return model.get_weights(), history

    def _train_nengo_dl(self, images, codes, batch_size):
        from snnlib._nengo_dl import tf

        # A synapse would pass nothing on in the single step of training.
        network = self._declare_network(layer_synapse=None)
        output = _probes(network)["output"]
        # NengoDL wants whole batches. Which images are left out is up to chance.
        n_used = len(images) // batch_size * batch_size
        with _dl_simulator(network, batch_size, self.dt, self.seed_) as sim:
            sim.compile(
                optimizer=tf.optimizers.RMSprop(self.learning_rate),
                loss={
                    output: tf.losses.SparseCategoricalCrossentropy(from_logits=True)
                },
                metrics={output: "accuracy"},
            )
            history = sim.fit(
                {network.input: images[:n_used, np.newaxis]},
                {output: codes[:n_used, np.newaxis, np.newaxis]},
                epochs=self.n_epochs,
                verbose=self.verbose,
            ).history
            return sim.keras_model.get_weights(), history

    def simulate(self, X):
        """Show each image to the spiking network and keep what comes out.

        The output is not filtered yet, so that one simulation serves every value of
        ``synapse`` and both read-outs: hand it to `decide`.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        run : ConvRun
            The unfiltered output and the spikes of each layer at each step.
        """
        images = self._check_images(X)
        if self._adds_up_spikes:
            return ConvRun(*self._simulate_events(images)[:2])
        return self._simulate_nengo_dl(images)

    def spike_trains(self, X):
        """Return the spikes of every neuron while each image is shown.

        It takes a byte for each neuron and step, 2 MB for an image and the paper's
        network: show some images at a time.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        spikes : list of bool ndarray of shape \
                (n_images, n_steps, rows, columns, channels)
            True in each step of ``dt`` in which a neuron fired; one array for each
            layer of neurons. A fully connected layer has one row and one column.
        """
        images = self._check_images(X)
        if self._adds_up_spikes:
            return self._simulate_events(images, keep_spikes=True)[2]
        from snnlib._nengo_dl import own_randomness

        network = self._declare_network()
        layers = [
            (connection.post_obj, connection.pre_obj.shape_out)
            for connection in network.all_connections
            if isinstance(connection.post_obj, nengo.ensemble.Neurons)
        ]
        with network:
            probes = [nengo.Probe(neurons) for neurons, _ in layers]
        batch_size = min(self.batch_size, len(images))
        with (
            own_randomness(),
            _dl_simulator(network, batch_size, self.dt, self.seed_) as sim,
        ):
            shown = [
                [spikes > 0 for spikes in batch]
                for batch in self._show(images, sim, network.input, probes)
            ]
        return [
            np.concatenate(spikes).reshape(
                len(images), self._n_steps, *(shape[:-1] or (1, 1)), shape[-1]
            )
            for spikes, (_, shape) in zip(zip(*shown, strict=True), layers, strict=True)
        ]

    def _check_images(self, X):
        check_is_fitted(self, "weights_")
        self.check_parameters()
        return check_images(X, self.image_shape_)[0]

    @property
    def _adds_up_spikes(self):
        return self.engine == "event" or (
            self.engine == "auto" and find_spec("numba") is not None
        )

    def _simulate_events(self, images, **options):
        from snnlib.events import compile_events, simulate_events

        names = set(self._network_parameters) - {"synapse", "initial_voltage"}
        stages, neuron = compile_events(
            self.weights_,
            image_shape=self.image_shape_,
            dt=self.dt,
            **{name: getattr(self, name) for name in names},
        )
        rng = np.random.default_rng(self.seed_)
        voltages = [
            draw_voltage(self.initial_voltage, int(np.prod(stage.shape)), rng)
            for stage in stages[:-1]
        ]
        return simulate_events(
            stages, neuron, images, self._n_steps, voltages, **options
        )

    def _simulate_nengo_dl(self, images):
        from snnlib._nengo_dl import own_randomness

        outputs, counts = [], []
        with own_randomness():
            sim, image, probes = self._warm_simulator()
            layers = [name for name in probes if name.startswith("spikes ")]
            wanted = [probes[name] for name in ("output", *layers)]
            for output, *spikes in self._show(images, sim, image, wanted):
                outputs.append(output)
                counts.append(
                    np.rint(np.concatenate(spikes, axis=2) * self.dt / self.amplitude)
                )
        return ConvRun(np.concatenate(outputs), np.concatenate(counts).astype(int))

    def _show(self, images, sim, image, probes):
        """Show images in batches to a NengoDL simulator; yield what is probed."""
        for start in range(0, len(images), sim.minibatch_size):
            shown = images[start : start + sim.minibatch_size]
            batch = np.zeros((sim.minibatch_size, self.n_features_in_), np.float32)
            batch[: len(shown)] = shown
            data = sim.predict_on_batch(
                {image: np.repeat(batch[:, np.newaxis], self._n_steps, 1)}
            )
            yield [data[probe][: len(shown)] for probe in probes]

    def decide(self, output, *, synapse="own", readout="own"):
        """Filter an unfiltered output and read it out.

        Parameters
        ----------
        output : ndarray of shape (n_images, n_steps, n_classes)
            From `simulate`.
        synapse : float, None or "own", default="own"
            Low-pass time constant in seconds; "own" is the estimator's.
        readout : {"mean", "last", "own"}, default="own"
            How to read the filtered output; "own" is the estimator's.

        Returns
        -------
        scores : ndarray of shape (n_images, n_classes)
            One score per class; the largest is the prediction.
        """
        synapse, readout = self._own(synapse=synapse, readout=readout)
        filtered = lowpass(output, synapse, dt=self.dt, axis=1)
        return read_out(filtered, readout, axis=1)

    def decision_function(self, X):
        """Return the filtered read-out of each image, one score per class.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_images, n_classes)
        """
        return self.decide(self.simulate(X).output)

    def predict_proba(self, X):
        """Return the softmax of the scores, a probability the training aims at.

        It is not calibrated for spikes: a synapse that has not settled makes every
        score smaller, and the probabilities flatter.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_images, n_classes)
        """
        from scipy.special import softmax

        return softmax(self.decision_function(X), axis=1)

    def predict(self, X):
        """Return the class with the largest score for each image.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_images,)
        """
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(axis=1)]

    def save(self, path, **provenance):
        """Write the fitted classifier to an ``.npz`` file that holds no pickle.

        The file is written aside and then renamed, so it is whole or not there.

        Parameters
        ----------
        path : path-like
            Where to write; the folder must exist.
        **provenance : JSON values
            Anything to remember beside the weights, such as the date or a score.
        """
        check_is_fitted(self, "weights_")
        # An object array of strings, as pandas gives, becomes an array of strings.
        classes = np.array(self.classes_.tolist())
        if classes.dtype.hasobject:
            msg = f"classes must be numbers or strings to be saved; got {self.classes_}"
            raise ValueError(msg)
        about = {
            "format": 1,
            "snnlib": __version__,
            "parameters": self.get_params(),
            "image_shape": self.image_shape_,
            "seed": self.seed_,
            "history": self.history_,
            "provenance": provenance,
        }
        path = Path(path)
        aside = path.with_name(path.name + ".part.npz")
        weights = {f"weights_{i:02}": value for i, value in enumerate(self.weights_)}
        about = json.dumps(about, default=_plain_number)
        try:
            np.savez_compressed(aside, about=about, classes=classes, **weights)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path):
        """Read a classifier that `save` wrote.

        Parameters
        ----------
        path : path-like
            The ``.npz`` file.

        Returns
        -------
        classifier : SpikingConvClassifier
            Fitted, with ``provenance_`` as it was given to `save`.

        Raises
        ------
        ValueError
            If the file is not such a classifier, or is damaged.
        """
        try:
            # Opened here, for np.load leaves a damaged file open.
            with (
                Path(path).open("rb") as opened,
                np.load(opened, allow_pickle=False) as file,
            ):
                about = json.loads(str(file["about"]))
                classes = file["classes"]
            weights = read_weights(path)
            classifier = cls(**about["parameters"])
            classifier.seed_, classifier.history_ = about["seed"], about["history"]
            classifier.image_shape_ = tuple(about["image_shape"])
            classifier.provenance_ = about["provenance"]
            check_weights(
                weights, classifier.image_shape_, len(classes), classifier.architecture
            )
        except FileNotFoundError:
            raise
        except Exception as error:
            msg = f"{path} does not hold a classifier written by save: {error}"
            raise ValueError(msg) from error
        classifier.n_features_in_ = int(np.prod(classifier.image_shape_))
        classifier.classes_, classifier.weights_ = classes, weights
        classifier._simulator = None
        return classifier

    def _warm_simulator(self):
        """Return a NengoDL simulator, kept as long as the settings stay the same."""
        # Tracing the network takes longer than simulating a few hundred images.
        settings = (
            [getattr(self, name) for name in self._network_parameters],
            self.batch_size,
            self.dt,
            [id(weight) for weight in self.weights_],
        )
        if self._simulator is None or self._simulator[0] != settings:
            self._close_simulator()
            network = self._declare_network()
            sim = _dl_simulator(network, self.batch_size, self.dt, self.seed_)
            # NengoDL complains of a simulator that is dropped without being closed.
            close = weakref.finalize(self, sim.close)
            self._simulator = (settings, sim, network.input, _probes(network), close)
        return self._simulator[1:4]

    def _close_simulator(self):
        if self._simulator is not None:
            self._simulator[-1]()
        self._simulator = None

    def __getstate__(self):
        """Leave the open simulator behind when pickled or copied."""
        return {**super().__getstate__(), "_simulator": None}

    def __sklearn_tags__(self):
        """Tell scikit-learn that images come in three axes and without negatives."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        return tags


def _plain_number(value):
    """Return Python's number for NumPy's, which is what searches set."""
    if isinstance(value, np.generic):
        return value.item()
    msg = f"save writes numbers, strings, lists and dicts; got {value!r}."
    raise TypeError(msg)


def _probes(network):
    """Return the probes of a network by their labels."""
    return {probe.label: probe for probe in network.all_probes}


def _dl_simulator(network, minibatch_size, dt, seed):
    """Return a NengoDL simulator that says nothing while it works."""
    from snnlib._nengo_dl import nengo_dl

    return nengo_dl.Simulator(
        network, dt=dt, minibatch_size=minibatch_size, seed=seed, progress_bar=False
    )
