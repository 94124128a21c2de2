"""Many ensembles in one batch: stepped together, and read out as they spike."""

from __future__ import annotations

from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

import numpy as np
from sklearn.base import clone

from snnlib.checks import check_choice, check_number, shown
from snnlib.simulation import READOUTS, first_read, lowpass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from snnlib.estimators import SpikingClassifier, SpikingRegressor

# Neurons that step together: few enough for their state to stay in a processor's cache.
N_TOGETHER = 8192

_NONE_LEFT = object()


def simulate_together(
    estimators: Sequence[SpikingRegressor | SpikingClassifier],
    inputs: Sequence[ArrayLike],
) -> list[NDArray[np.float64]]:
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

    Raises
    ------
    ValueError
        If they are not equally many, or one is no such estimator.
    """
    return decode_together(_with_currents(estimators, inputs))


def _with_currents(estimators, inputs):
    """Yield each estimator with the currents into its neurons."""
    for name, values in (("estimators", estimators), ("inputs", inputs)):
        try:
            iter(values)
        except TypeError as error:
            msg = f"{name} must be a sequence or a generator; got {shown(values)}."
            raise ValueError(msg) from error
    for estimator, X in zip_longest(estimators, inputs, fillvalue=_NONE_LEFT):
        if estimator is _NONE_LEFT or X is _NONE_LEFT:
            msg = "estimators and inputs must be equally many; got one more of one."
            raise ValueError(msg)
        if not hasattr(estimator, "_currents"):
            msg = (
                "estimators must hold SpikingRegressor and SpikingClassifier; got "
                f"{shown(estimator)}."
            )
            raise ValueError(msg)
        yield estimator, estimator._currents(estimator._check_X(X))


def decode_together(pairs):
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


def decide_together(
    estimators: Iterable[SpikingRegressor | SpikingClassifier],
    inputs: Iterable[ArrayLike],
    *,
    synapses: Sequence[float | Literal["own"] | None] = ("own",),
    readouts: Sequence[Literal["mean", "last", "overall", "own"]] = ("own",),
) -> Iterator[NDArray[np.float64]]:
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
    readouts : sequence of {"mean", "last", "overall", "own"}, default=("own",)
        How to read the filtered output; "own" is the estimator's.

    Yields
    ------
    values : ndarray of shape (n_synapses, n_readouts, n_samples) or \
            (n_synapses, n_readouts, n_samples, n_outputs)
        Read-outs of the next estimator; without the last axis where it has one output.

    Raises
    ------
    ValueError
        If they are not equally many, one is no such estimator, or there is no synapse
        or read-out.

    Examples
    --------
    >>> from snnlib import SpikingRegressor, load_iris_setosa
    >>> iris = load_iris_setosa()
    >>> models = [
    ...     SpikingRegressor(tau_rc=tau_rc).fit(iris.data, iris.target)
    ...     for tau_rc in (0.02, 0.07)
    ... ]
    >>> read = decide_together(models, [iris.data] * 2, synapses=[0.01, 0.1])
    >>> [values.shape for values in read]
    [(2, 1, 50), (2, 1, 50)]
    """
    synapses = _each("synapses", synapses, check_number, low=0, is_optional=True)
    readouts = _each("readouts", readouts, check_choice, choices=READOUTS)
    for batch in _batches(_with_currents(estimators, inputs)):
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


def decide_on_splits(
    estimator: SpikingRegressor | SpikingClassifier,
    splits: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
) -> NDArray[np.float64]:
    """Fit an estimator to each split's training rows, and read out its test rows.

    The estimator itself is not fitted. All are simulated together.

    Parameters
    ----------
    estimator : SpikingRegressor or SpikingClassifier
        With one output: what it predicts, or what it decides by, above 0 for the second
        class.
    splits : sequence of (X_train, X_test, y_train, y_test)
        With equally many test rows each, as from ``train_test_split``.

    Returns
    -------
    values : ndarray of shape (n_splits, n_test)

    Raises
    ------
    ValueError
        If there is no split, or their numbers of test rows differ.

    Examples
    --------
    >>> from snnlib import SpikingRegressor, load_iris_setosa, train_test_iris_setosa
    >>> iris = load_iris_setosa()
    >>> splits = [train_test_iris_setosa(iris, random_state=s) for s in range(3)]
    >>> decide_on_splits(SpikingRegressor(), splits).shape
    (3, 7)
    """
    sizes = sorted({np.shape(X_test)[0] for _, X_test, *_ in splits})
    if len(sizes) != 1:
        msg = f"splits must have equally many test rows, and be some; got {sizes}."
        raise ValueError(msg)
    models = [clone(estimator).fit(X, y) for X, _, y, _ in splits]
    read = decide_together(models, [X_test for _, X_test, *_ in splits])
    return np.stack([values[0, 0] for values in read])


def _each(name, values, check, **limits):
    """Return a list of one value or more, each of them "own" or checked."""
    is_list = isinstance(values, list | tuple) or getattr(values, "ndim", 0) == 1
    if not is_list or not len(values):
        msg = f"{name} must be a list of one value or more; got {shown(values)}."
        raise ValueError(msg)
    return [
        value
        if isinstance(value, str) and value == "own"
        else check(name, value, **limits)
        for value in values
    ]


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


def lif_steps(current, n_steps, *, tau_rc, tau_ref, dt, voltage):
    """Step LIF neurons that each have a current and time constants of their own.

    It takes the steps of ``nengo.LIF.step`` in the same arithmetic, so that spikes are
    the same to the last, and leaves out what does not change. It keeps no spikes.

    Parameters
    ----------
    current : ndarray of shape (n_neurons,)
        Constant input current J of each neuron; a neuron fires where J > 1.
    n_steps : int
        Number of time steps.
    tau_rc, tau_ref : ndarray of shape (n_neurons,)
        Membrane time constant and refractory period in seconds.
    dt : float
        Length of a step in seconds.
    voltage : ndarray of shape (n_neurons,)
        Membrane voltage before the first step.

    Yields
    ------
    fired : int ndarray
        The neurons that fire in a step, in order.
    """
    voltage = np.array(voltage, dtype=float)
    change = np.empty_like(voltage)
    # A neuron that does not wait goes the same share of its way to J at every step.
    share = np.expm1(-dt / tau_rc)
    waiting, left = np.empty(0, np.intp), np.empty(0)
    for _ in range(n_steps):
        left -= dt
        still = left > 0
        waiting, left = waiting[still], left[still]

        np.subtract(current, voltage, out=change)
        change *= share
        # A neuron that waits stays at 0, but for what is left of its last step.
        rest = np.clip(dt - left, 0, dt)
        change[waiting] = current[waiting] * np.expm1(-rest / tau_rc[waiting])
        voltage -= change

        fired = np.flatnonzero(voltage > 1)
        # The spike comes where v crosses 1; from then on the neuron waits.
        past = -(voltage[fired] - 1) / (current[fired] - 1)
        time = dt + tau_rc[fired] * np.log1p(past)
        waiting = np.concatenate([waiting, fired])
        left = np.concatenate([left, tau_ref[fired] + time])
        # No floor: under a constant current, who falls below 0 never fires.
        voltage[fired] = 0
        yield fired


@lru_cache(maxsize=128)
def read_out_weights(n_steps, synapse, readout, dt):
    """Return what a spike adds to a read-out, by the step at which it comes.

    Filter and read-out are linear: a read-out is a weighted sum of spikes, and no
    filtered output is needed for it.

    Parameters
    ----------
    n_steps : int
        Steps of a presentation.
    synapse : float or None
        Low-pass time constant in seconds, as in `snnlib.lowpass`.
    readout : {"mean", "last", "overall"}
        As in `snnlib.read_out`.
    dt : float
        Length of a step in seconds.

    Returns
    -------
    weights : ndarray of shape (n_steps,)
        ``weights @ spikes`` is ``read_out(lowpass(spikes, synapse), readout)``.
    """
    check_choice("readout", readout, READOUTS)
    first = first_read(readout, n_steps)
    shares = np.zeros(n_steps)
    shares[first:] = 1 / (n_steps - first)
    # What a filter does to a sum over time is the filter itself, run backwards.
    weights = lowpass(shares[::-1], synapse, dt=dt)[::-1]
    weights.setflags(write=False)
    return weights
