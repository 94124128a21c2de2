"""What a network costs: synaptic operations, memory and an estimate of energy."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlib.checks import (
    check_bool,
    check_choice,
    check_finite,
    check_number,
    check_whole,
)
from snnlib.images import check_images
from snnlib.simulation import lowpass, step_count
from snnlib.workers import import_extra

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

# Images counted at a time: the paper's network has 2 MB of spikes for each.
_IMAGES_AT_A_TIME = 16


class SynapticOperations(NamedTuple):
    """Synaptic operations of a layer; see `synaptic_operations`."""

    dense: int
    effective_macs: int
    effective_acs: int


def synaptic_operations(
    weights: ArrayLike, inputs: ArrayLike, *, strides: int = 1
) -> SynapticOperations:
    """Count the synaptic operations of a layer, by NeuroBench's definitions.

    One operation takes one input through one weight. Dense operations are all of them;
    effective ones have an input and a weight that are not zero. They are accumulates
    (ACs) if every input is -1, 0 or 1, else multiply-accumulates (MACs). Biases are not
    counted. A spike in Nengo has height ``amplitude / dt``: divide by it first.

    Parameters
    ----------
    weights : array-like of shape (n_inputs, n_outputs) or \
            (rows, columns, channels in, channels out)
        Weights of a fully connected layer, or the kernel of a convolution.
    inputs : array-like of shape (..., n_inputs) or (..., rows, columns, channels)
        What the layer receives, with any axes in front: samples, steps.
    strides : int, default=1
        Step of the convolution, in rows and columns.

    Returns
    -------
    operations : SynapticOperations
        ``dense``, ``effective_macs`` and ``effective_acs``, summed over all inputs.

    Raises
    ------
    ValueError
        If weights and inputs do not fit together, are empty, or hold what is no finite
        real number, or ``strides`` is no whole number.

    References
    ----------
    J. Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing
    algorithms and systems", Nature Communications 16, 2025.

    Examples
    --------
    >>> synaptic_operations([[1.0, 0.0], [0.5, 2.0]], [0, 1])
    SynapticOperations(dense=4, effective_macs=0, effective_acs=2)
    """
    weights, inputs = _check_layer(weights, inputs)
    strides = check_whole("strides", strides, 1)
    if weights.ndim == 2:
        weights = weights[np.newaxis, np.newaxis]
        inputs = inputs[..., np.newaxis, np.newaxis, :]
    layer = _Layer(weights, np.zeros(weights.shape[3]), strides, 1)
    count = _Count(layer, inputs.shape[-3:], fold_pool=True)
    count.add(inputs.reshape(1, -1, *inputs.shape[-3:]))
    return count.operations()


def _check_layer(weights, inputs):
    """Return weights and inputs of a layer as arrays that fit together."""
    for name, values in (("weights", weights), ("inputs", inputs)):
        check_finite(name, values)
    weights, inputs = np.asarray(weights), np.asarray(inputs)
    n_axes = {2: 1, 4: 3}.get(weights.ndim, np.inf)
    if inputs.ndim < n_axes or weights.shape[-2] != inputs.shape[-1]:
        msg = (
            "weights and inputs must have shapes (n_inputs, n_outputs) and (..., "
            "n_inputs), or (rows, columns, channels in, channels out) and (..., rows, "
            f"columns, channels in); got {weights.shape} and {inputs.shape}."
        )
        raise ValueError(msg)
    if not (weights.size and inputs.size):
        msg = (
            "weights and inputs must not be empty; "
            f"got shapes {weights.shape} and {inputs.shape}."
        )
        raise ValueError(msg)
    return weights, inputs


class LayerCost(NamedTuple):
    """What one layer costs for one image; see `network_cost`."""

    layer: str
    parameters: int
    neurons: int
    active: float
    dense: float
    effective_macs: float
    effective_acs: float


class NetworkCost(NamedTuple):
    """What a network costs for one image; see `network_cost`."""

    layers: tuple[LayerCost, ...]
    n_steps: int

    @property
    def parameters(self) -> int:
        """Weights and biases of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def footprint(self) -> int:
        """Memory of the parameters in bytes, 4 for each."""
        return 4 * self.parameters

    @property
    def neurons(self) -> int:
        """Neurons, or units, of all layers but the read-out."""
        return sum(layer.neurons for layer in self.layers)

    @property
    def activation_sparsity(self) -> float:
        """Share of the neurons' outputs that are zero, over all steps."""
        active = sum(layer.active for layer in self.layers)
        return 1 - active / (self.neurons * self.n_steps)

    @property
    def dense(self) -> float:
        """Synaptic operations of an image, whatever its inputs and weights."""
        return sum(layer.dense for layer in self.layers)

    @property
    def effective_macs(self) -> float:
        """Multiply-accumulates of an image."""
        return sum(layer.effective_macs for layer in self.layers)

    @property
    def effective_acs(self) -> float:
        """Accumulates of an image."""
        return sum(layer.effective_acs for layer in self.layers)

    @property
    def estimated_energy(self) -> float:
        """Energy of the effective operations in joules; see `estimate_energy`."""
        return estimate_energy(self.effective_macs, self.effective_acs)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with a row for each layer and one for their sum.

        Returns
        -------
        table : pandas.DataFrame
            Whole numbers, for one image: ``neurons``, how many are ``active`` over all
            steps, and ``dense operations``, ``MACs`` and ``ACs`` at their inputs.
        """
        pandas = import_extra("pandas")
        rows = [
            {
                "layer": layer.layer,
                "neurons": layer.neurons,
                "active": layer.active,
                "dense operations": layer.dense,
                "MACs": layer.effective_macs,
                "ACs": layer.effective_acs,
            }
            for layer in self.layers
        ]
        table = pandas.DataFrame(rows).set_index("layer")
        table.loc["sum"] = table.sum()
        return table.round().astype("int64")


def network_cost(
    network: Any, X: ArrayLike, *, fold_pools: bool = False
) -> NetworkCost:
    """Count what a network costs for an image, by NeuroBench's definitions.

    It counts as `synaptic_operations` does and averages over the images. The pixels are
    a constant input, and NeuroBench counts their operations at every step; hardware
    that keeps a current can compute the first layer once, at ``1 / n_steps`` of its
    count. Average pools and updates of neurons are not counted.

    Parameters
    ----------
    network : SpikingConvClassifier or tf_keras.Model
        A fitted classifier, or a model from `relu_model` or `rate_model`, whose single
        pass is one step.
    X : array-like of shape (n_images, rows, columns), \
            (n_images, rows, columns, channels) or (n_images, n_pixels)
        Images.
    fold_pools : bool, default=False
        False lets a layer receive what the average pool before it returns, which is no
        longer -1, 0 or 1: MACs, as NeuroBench counts them. True folds the pool into the
        layer's weights, as the event engine does: every neuron's own output counts,
        and spikes stay ACs.

    Returns
    -------
    cost : NetworkCost
        With ``parameters``, ``footprint``, ``neurons``, ``activation_sparsity``,
        ``dense``, ``effective_macs``, ``effective_acs`` and ``estimated_energy`` of the
        network, and ``layers``: for each layer its ``parameters``, its ``neurons``,
        how many of their outputs are ``active`` (not zero) during an image, and the
        operations at its inputs.

    Raises
    ------
    ValueError
        If ``network`` is something else or not fitted, ``X`` holds no images for it, or
        ``fold_pools`` is not a bool.
    """
    fold_pools = check_bool("fold_pools", fold_pools)
    if hasattr(network, "layer_synapse"):
        layers, signals, n_steps = _spiking_signals(network, X)
    else:
        layers, signals, n_steps = _model_signals(network, X)
    counts: list[_Count] = []
    n_images = 0
    for batch in signals:
        if not counts:
            counts = [
                _Count(layer, signal.shape[2:], fold_pool=fold_pools)
                for layer, signal in zip(layers, batch, strict=True)
            ]
        for count, signal in zip(counts, batch, strict=True):
            count.add(signal)
        n_images += len(batch[0])
    # A layer's neurons are the inputs of the layer after it.
    neurons = [count.n_inputs for count in counts[1:]] + [0]
    active = [count.n_active / n_images for count in counts[1:]] + [0.0]
    return NetworkCost(
        tuple(
            LayerCost(
                count.layer.name,
                count.layer.weights.size + count.layer.bias.size,
                *of_neurons,
                *(total / n_images for total in count.operations()),
            )
            for count, *of_neurons in zip(counts, neurons, active, strict=True)
        ),
        n_steps,
    )


class EnergyModel(NamedTuple):
    """What operations cost in joules by published figures; see `ENERGY_MODELS`."""

    mac: float
    ac: float
    update: float
    source: str


# Chips have one figure for a synaptic operation, whatever it multiplies by. An update
# of a neuron, at one step, costs nothing where no figure is given for it alone.
ENERGY_MODELS = {
    "arithmetic": EnergyModel(
        4.6e-12, 0.9e-12, 0.0, "45 nm, floats of 32 bits, no memory: Horowitz 2014"
    ),
    "cache": EnergyModel(
        9.6e-12,
        5.9e-12,
        0.0,
        "the same, and a weight read from a cache of 8 kB, 5 pJ: Horowitz 2014",
    ),
    "dram": EnergyModel(
        644.6e-12,
        640.9e-12,
        0.0,
        "the same, but the weight read from DRAM, 640 pJ: Han 2016",
    ),
    "loihi": EnergyModel(
        23.6e-12, 23.6e-12, 81e-12, "simulated before the chip was made: Davies 2018"
    ),
    "truenorth": EnergyModel(
        26e-12,
        26e-12,
        0.0,
        "all power of the chip at 20 Hz, shared among its operations: Merolla 2014",
    ),
    "seneca": EnergyModel(2.8e-12, 2.8e-12, 0.0, "a core in 22 nm: Tang 2023"),
    "cpu": EnergyModel(
        8.6e-9, 8.6e-9, 8.6e-9, "Intel i7-4960X: Degnan 2016, by KerasSpiking"
    ),
    "gpu": EnergyModel(
        0.3e-9, 0.3e-9, 0.3e-9, "GTX Titan Black: Degnan 2016, by KerasSpiking"
    ),
}


def estimate_energy(
    macs: ArrayLike,
    acs: ArrayLike,
    updates: ArrayLike = 0,
    *,
    model: str = "arithmetic",
) -> Any:
    """Estimate the energy of operations by a published cost model, or by all of them.

    The models lie orders of magnitude apart, for they leave different things out: a
    difference between two networks that not all models agree on is none. None of them
    counts what moves spikes between chips or data to them, and a chip that idles.

    Parameters
    ----------
    macs, acs : float or array-like
        Numbers of multiply-accumulates and of accumulates.
    updates : float or array-like, default=0
        Number of updates of neurons: neurons times steps. Models without a figure for
        them leave them out.
    model : str, default="arithmetic"
        One of `ENERGY_MODELS`, or "all". "arithmetic" is 4.6 pJ for a
        multiply-accumulate and 0.9 pJ for an accumulate of 32-bit floats in a 45 nm
        process, without memory; "cache" and "dram" add the reading of a weight. "cpu"
        and "gpu" are for networks without spikes: they would not skip what is zero.

    Returns
    -------
    energy : float, array or dict
        In joules; for a column of a table a column. By the name of each model, least
        first as for one accumulate, if ``model`` is "all".

    Raises
    ------
    ValueError
        If a number is not finite or negative, they differ in shape or, as columns of
        tables, in their index, or there is no such model.

    References
    ----------
    M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC,
    2014. S. Han et al., "EIE: Efficient inference engine on compressed deep neural
    network", ISCA, 2016. M. Davies et al., "Loihi: A neuromorphic manycore processor
    with on-chip learning", IEEE Micro 38(1), 2018. P. A. Merolla et al., "A million
    spiking-neuron integrated circuit with a scalable communication network and
    interface", Science 345, 2014. G. Tang et al., "SENECA: Building a fully digital
    neuromorphic processor, design trade-offs and challenges", Frontiers in Neuroscience
    17, 2023. B. Degnan, B. Marr, J. Hasler, "Assessing trends in performance per watt
    for signal processing applications", IEEE Transactions on VLSI Systems 24(1), 2016.

    Examples
    --------
    >>> estimate_energy(macs=1e6, acs=1e6)
    5.5e-06
    >>> estimate_energy(macs=0, acs=1e6, model="loihi")
    2.36e-05
    """
    check_choice("model", model, (*ENERGY_MODELS, "all"))
    counts = {"macs": macs, "acs": acs, "updates": updates}
    macs, acs, updates = (_check_operations(*named) for named in counts.items())
    shapes = {
        name: np.shape(number)
        for name, number in zip(counts, (macs, acs, updates), strict=True)
        if np.ndim(number)
    }
    if len({*shapes.values()}) > 1:
        msg = (
            f"{' and '.join(shapes)} must have the same shape, or be numbers; "
            f"got {' and '.join(map(str, shapes.values()))}."
        )
        raise ValueError(msg)
    _check_labels(macs=macs, acs=acs, updates=updates)
    if model != "all":
        return _energy(ENERGY_MODELS[model], macs, acs, updates)
    return {
        name: _energy(of, macs, acs, updates)
        for name, of in sorted(ENERGY_MODELS.items(), key=lambda item: item[1].ac)
    }


def _energy(model, macs, acs, updates):
    return model.mac * macs + model.ac * acs + model.update * updates


def energy_bill(
    macs: float,
    acs: float = 0.0,
    *,
    n_weights: int,
    n_neurons: int,
    n_steps: int | None = None,
    access: float,
    reuse: bool,
) -> dict[str, float]:
    """Estimate what an image costs with neurons and memory, which can be most of it.

    It knows two kinds of networks. One looks once, each unit in one addition to its
    bias. One spikes: in each step each neuron leaks, which is a MAC and an AC, and its
    voltage is read and written. Nothing is said of waiting, of wires, or of a memory's
    hierarchy.

    Parameters
    ----------
    macs, acs : float
        Operations of the synapses, for one image.
    n_weights, n_neurons : int
        Of the network.
    n_steps : int or None, default=None
        Steps of a network that spikes; None for one that looks once.
    access : float
        Joules to read or to write one number.
    reuse : bool
        True reads each weight once a pass or step, and writes each sum once. False
        reads a weight, and where there are no spikes an input, for each operation, and
        a sum with each spike that reaches it.

    Returns
    -------
    bill : dict of str to float
        In joules: "synapses", "neurons", "reading weights and inputs", "reading and
        writing state".

    Raises
    ------
    ValueError
        If a number is negative or not finite, or ``reuse`` is not a bool.

    References
    ----------
    M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC,
    2014, lists 10 pJ for 64 bits from a memory of 8 kB and 100 pJ from one of 1 MB.

    Examples
    --------
    >>> sizes = {"n_weights": 9, "n_neurons": 3, "access": 5e-12, "reuse": True}
    >>> bill = energy_bill(9, **sizes)
    >>> {item: round(1e12 * joules, 1) for item, joules in bill.items()}
    {'synapses': 41.4, 'neurons': 2.7, 'reading weights and inputs': 45.0, \
'reading and writing state': 30.0}
    """
    numbers = {"macs": macs, "acs": acs, "access": access, "n_weights": n_weights}
    macs, acs, access, n_weights, n_neurons = (
        check_number(name, number, low=0)
        for name, number in (numbers | {"n_neurons": n_neurons}).items()
    )
    reuse = check_bool("reuse", reuse)
    if n_steps is None:
        read, states = n_weights if reuse else 2 * macs, n_neurons
        neurons = estimate_energy(0, n_neurons)
    else:
        updates = check_whole("n_steps", n_steps, 1) * n_neurons
        read = n_steps * n_weights if reuse else macs + acs
        states = updates + (updates if reuse else acs)
        neurons = estimate_energy(updates, updates)
    return {
        "synapses": estimate_energy(macs, acs),
        "neurons": neurons,
        "reading weights and inputs": access * read,
        "reading and writing state": 2 * access * states,
    }


def _check_operations(name, numbers):
    """Return numbers of operations as floats, a column of a table as a column."""
    numbers = _without_objects(numbers)
    found = check_finite(name, numbers)
    if (found < 0).any():
        msg = f"{name} must not be negative; got {found.min():g}."
        raise ValueError(msg)
    if found.ndim == 0:
        return float(found)
    # In the precision that it came with, a number of joules may be nothing.
    return numbers.astype(float) if hasattr(numbers, "astype") else found


def _without_objects(numbers):
    """Return whole numbers that are too large for NumPy's as floats."""
    with contextlib.suppress(ValueError, OverflowError):
        array = np.asarray(numbers)
        if array.dtype == object and all(
            isinstance(it, Real) and not isinstance(it, bool) for it in array.flat
        ):
            return (numbers if hasattr(numbers, "astype") else array).astype(float)
    return numbers


def _check_labels(**counts):
    """Refuse columns of tables that pandas would not add row by row."""
    tables = {name: it.axes for name, it in counts.items() if hasattr(it, "axes")}
    for (first, axes), (name, its) in pairwise(tables.items()):
        if not all(here.equals(there) for here, there in zip(axes, its, strict=True)):
            msg = (
                f"{first} and {name} must have the same index and columns; got others."
            )
            raise ValueError(msg)


class _Layer(NamedTuple):
    """Weights as a kernel, and the pool between them and the neurons before."""

    weights: np.ndarray
    bias: np.ndarray
    strides: int
    pool: int

    @property
    def name(self):
        """As in an architecture: 32C3, 64C3S2, or 100 for a fully connected layer."""
        if self.weights.ndim == 2:
            return f"{self.weights.shape[1]}"
        stepping = f"S{self.strides}" if self.strides > 1 else ""
        return f"{self.weights.shape[3]}C{self.weights.shape[0]}{stepping}"


class _Count:
    """Counts the operations of a layer, batch after batch of its inputs."""

    def __init__(self, layer, shape, *, fold_pool):
        self.layer, self.fold_pool = layer, fold_pool
        rows, columns = (side // layer.pool for side in shape[:2])
        channels = shape[2]
        weights = layer.weights
        if weights.ndim == 2:
            weights = weights.reshape(rows, columns, channels, -1)
        self._fan_out = _fan_out(weights != 0, (rows, columns), layer.strides)
        self._connections = int(
            _fan_out(np.ones_like(weights), (rows, columns), layer.strides).sum()
        )
        if fold_pool:
            pooled = self._fan_out.repeat(layer.pool, 0).repeat(layer.pool, 1)
            self._fan_out = np.zeros(shape, int)
            self._fan_out[: pooled.shape[0], : pooled.shape[1]] = pooled
        self.n_inputs, self.n_active = int(np.prod(shape)), 0
        self._n_seen, self._effective, self._adds_only = 0, 0, True

    def add(self, signal):
        """Count a batch of shape (n_images, n_steps, rows, columns, channels)."""
        self.n_active += int(np.count_nonzero(signal))
        self._n_seen += signal.shape[0] * signal.shape[1]
        if not self.fold_pool:
            signal = _average_pool(signal, self.layer.pool)
        active = np.count_nonzero(signal, axis=(0, 1))
        self._effective += int(np.sum(active * self._fan_out))
        self._adds_only = self._adds_only and (
            signal.dtype == bool or bool(np.isin(signal, (-1, 0, 1)).all())
        )

    def operations(self):
        """Return the sums so far."""
        return SynapticOperations(
            self._n_seen * self._connections,
            0 if self._adds_only else self._effective,
            self._effective if self._adds_only else 0,
        )


def _fan_out(connected, sides, strides):
    """Return how many connections leave each input of a convolution."""
    sizes = connected.shape[:2]
    if any(size > side for size, side in zip(sizes, sides, strict=True)):
        msg = (
            f"weights of {sizes[0]} x {sizes[1]} must not be larger than inputs of "
            f"{sides[0]} x {sides[1]}."
        )
        raise ValueError(msg)
    fan_out = np.zeros((*sides, connected.shape[2]), int)
    for tap in np.ndindex(sizes):
        reached = tuple(
            slice(first, side - size + first + 1, strides)
            for first, side, size in zip(tap, sides, sizes, strict=True)
        )
        fan_out[reached] += connected[tap].sum(axis=1, dtype=int)
    return fan_out


def _average_pool(signal, size):
    if size == 1:
        return signal
    *front, rows, columns, channels = signal.shape
    rows, columns = rows // size, columns // size
    signal = signal[..., : rows * size, : columns * size, :]
    squares = signal.reshape(*front, rows, size, columns, size, channels)
    return squares.mean(axis=(-4, -2))


def _spiking_signals(classifier, X):
    """Return the layers of a classifier, batches of what each receives, and steps."""
    from sklearn.utils.validation import check_is_fitted

    from snnlib.architectures import Pool, check_weights, parse_architecture

    check_is_fitted(classifier)
    shape, n_classes = classifier.image_shape_, len(classifier.classes_)
    check_weights(classifier.weights_, shape, n_classes, classifier.architecture)
    images, _ = check_images(X, shape)
    layers, pool, arrays = [], 1, iter(classifier.weights_)
    for part in (*parse_architecture(classifier.architecture), None):
        if isinstance(part, Pool):
            pool *= part.size
        else:
            strides = getattr(part, "strides", 1)
            layers.append(_Layer(next(arrays), next(arrays), strides, pool))
            pool = 1

    n_steps = step_count(classifier.presentation_time, classifier.dt)

    def batches():
        for start in range(0, len(images), _IMAGES_AT_A_TIME):
            shown = images[start : start + _IMAGES_AT_A_TIME]
            pixels = shown.reshape(-1, 1, *shape).repeat(n_steps, axis=1)
            passed_on = [
                spikes
                if classifier.layer_synapse is None
                else lowpass(spikes, classifier.layer_synapse, dt=classifier.dt, axis=1)
                for spikes in classifier.spike_trains(shown)
            ]
            yield [pixels, *passed_on]

    return layers, batches(), n_steps


def _model_signals(model, X):
    """Return the same for a Keras model whose layers stand in a row."""
    keras = _keras_of(model)
    layers, tensors, pool, signal = [], [], 1, model.inputs[0]
    for layer in model.layers:
        arrays = layer.get_weights()
        if isinstance(layer, keras.layers.AveragePooling2D):
            pool *= layer.pool_size[0]
        elif arrays:
            strides = getattr(layer, "strides", (1,))[0]
            layers.append(_Layer(*arrays, strides, pool))
            tensors.append(signal)
            pool, signal = 1, layer.output
        elif not isinstance(layer, keras.layers.Flatten):
            signal = layer.output
    received = keras.Model(model.inputs, tensors)
    # Ours take flat images, and give them their shape themselves.
    shape = tuple(model.inputs[0].shape[1:])
    shapes = (it.target_shape for it in model.layers if hasattr(it, "target_shape"))
    images, _ = check_images(X, next(shapes, shape))
    images = images.reshape(-1, *shape)

    def batches():
        for start in range(0, len(images), _IMAGES_AT_A_TIME):
            signals = received(images[start : start + _IMAGES_AT_A_TIME])
            signals = map(np.asarray, signals if len(tensors) > 1 else [signals])
            yield [
                signal.reshape(
                    len(signal), 1, *[1] * (4 - signal.ndim), *signal.shape[1:]
                )
                for signal in signals
            ]

    return layers, batches(), 1


def _keras_of(model):
    """Return the Keras a model is of, once all its layers are known."""
    # TensorFlow need not be there to refuse what is no model at all.
    if hasattr(model, "layers"):
        from snnlib._nengo_dl import tf

        is_model = isinstance(model, tf.keras.Model) and len(model.inputs or ()) == 1
        if is_model and all(_is_known(it, tf.keras.layers) for it in model.layers):
            return tf.keras
    msg = (
        "network must be a SpikingConvClassifier, or a model from relu_model or "
        f"rate_model; got {type(model).__name__}."
    )
    raise ValueError(msg)


def _is_known(layer, kinds):
    """Return whether the operations of a Keras layer can be counted."""
    kind = type(layer)
    if kind is kinds.Conv2D:
        is_plain = (layer.groups, *layer.dilation_rate) == (1, 1, 1) and layer.use_bias
        return is_plain and layer.padding == "valid" and len({*layer.strides}) == 1
    if kind is kinds.AveragePooling2D:
        return layer.padding == "valid" and len({*layer.pool_size, *layer.strides}) == 1
    if kind is kinds.Dense:
        return layer.use_bias
    return kind in (kinds.InputLayer, kinds.Reshape, kinds.Flatten, kinds.Activation)
