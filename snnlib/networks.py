"""Declare the book's networks: functions that return a ``nengo.Network``.

Nothing here is simulated or trained.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import nengo
import numpy as np

from snnlib.architectures import Conv, Dense, Pool, check_weights, parse_architecture
from snnlib.checks import (
    check_choice,
    check_finite,
    check_number,
    check_whole,
    shown,
)
from snnlib.neurons import Lif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

VOLTAGES = ("zero", "uniform", "dither")
# What `count_model` can train beside the weights.
TRAINABLE = ("max_rate", "tau_rc")

GOLDEN = (5**0.5 - 1) / 2
# Bayer's order of a window of two by two places, each in the middle of its quarter.
WINDOW = np.array([[1, 5], [7, 3]]) / 8


def ensemble_network(
    encoders: ArrayLike,
    decoders: ArrayLike,
    *,
    gain: ArrayLike,
    bias: ArrayLike,
    output_bias: ArrayLike = 0.0,
    offset: ArrayLike = 0.0,
    scale: ArrayLike = 1.0,
    synapse: float | None = 0.1,
    initial_voltage: ArrayLike = 0.0,
    **neuron: float,
) -> nengo.Network:
    """Declare one ensemble of LIF neurons between an input and a decoded output.

    It is the network of experiments 1 and 2. The input is shifted and scaled, encoded
    into currents, turned into spikes, filtered by the synapse, and decoded by a
    weighted sum. Nothing recurs, and neurons do not see each other.

    Parameters
    ----------
    encoders : array-like of shape (n_neurons, n_features)
        Direction of the input to which each neuron answers most; normalised by Nengo.
    decoders : array-like of shape (n_outputs, n_neurons)
        Weight of each neuron's filtered spikes in each output.
    gain, bias : array-like of shape (n_neurons,)
        Current into each neuron: ``gain * (encoder . input) + bias``; see
        ``nengo.LIF.gain_bias`` for how they follow from rates and intercepts. The
        neurons therefore take no ``max_rate`` and no ``intercept``.
    output_bias : float or array-like of shape (n_outputs,), default=0
        Constant added to each output, not filtered.
    offset, scale : float or array-like of shape (n_features,), default=0 and 1
        The ensemble sees ``(input - offset) / scale``.
    synapse : float or None, default=0.1
        Low-pass time constant in seconds on the neurons' output; larger smooths more
        and responds later. None passes spikes on as they are.
    initial_voltage : float or array-like of shape (n_neurons,), default=0
        Membrane voltages at the first step, from 0 to 1.
    **neuron : float
        ``tau_rc``, ``tau_ref``, ``amplitude`` and ``min_voltage``, as in
        `SpikingRegressor`.

    Returns
    -------
    network : nengo.Network
        With ``input`` (a Node holding zeros: set ``network.input.output`` before the
        run), ``ensemble``, ``output``, the connections ``encode``, ``decode`` and
        ``constant``, and probes labelled "spikes", "voltage" and "output".

    Raises
    ------
    TypeError
        If a neuron has no such setting.
    ValueError
        If the shapes do not go together, or a number is missing, not finite or out of
        range.
    """
    if taken := {"max_rate", "intercept"} & neuron.keys():
        msg = f"ensemble_network takes gain and bias in place of {sorted(taken)}."
        raise TypeError(msg)
    lif = Lif(**neuron).check_limits()
    _check_synapse("synapse", synapse)
    encoders = np.atleast_2d(check_finite("encoders", encoders))
    decoders = np.atleast_2d(check_finite("decoders", decoders))
    for name, axes, values in (
        ("encoders", "(n_neurons, n_features)", encoders),
        ("decoders", "(n_outputs, n_neurons)", decoders),
    ):
        if values.ndim != 2 or 0 in values.shape:
            msg = f"{name} must have shape {axes}, none of them 0; got {values.shape}."
            raise ValueError(msg)
    n_neurons, n_features = encoders.shape
    if decoders.shape[1] != n_neurons:
        msg = (
            "decoders must have shape (n_outputs, n_neurons) with as many neurons as "
            f"encoders; got {decoders.shape} and {encoders.shape}."
        )
        raise ValueError(msg)
    gain, bias, initial_voltage = (
        _one_each(name, values, n_neurons)
        for name, values in (
            ("gain", gain),
            ("bias", bias),
            ("initial_voltage", initial_voltage),
        )
    )
    offset = _one_each("offset", offset, n_features)
    scale = _each_scale(scale, n_features)
    output_bias = _one_each("output_bias", output_bias, len(decoders))
    with nengo.Network(label="ensemble") as network:
        network.input = nengo.Node(np.zeros(n_features), label="input")
        network.ensemble = nengo.Ensemble(
            n_neurons,
            n_features,
            encoders=encoders,
            gain=gain,
            bias=bias,
            neuron_type=lif.neuron_type(initial_voltage),
        )
        network.output = nengo.Node(size_in=len(decoders), label="output")
        one = nengo.Node(1.0, label="one")

        network.encode = nengo.Connection(
            network.input, network.ensemble, transform=1 / scale, synapse=None
        )
        network.centre = nengo.Connection(
            one, network.ensemble, transform=-(offset / scale)[:, None], synapse=None
        )
        network.decode = nengo.Connection(
            network.ensemble.neurons,
            network.output,
            transform=decoders,
            synapse=synapse,
        )
        network.constant = nengo.Connection(
            one, network.output, transform=output_bias[:, None], synapse=None
        )
        nengo.Probe(network.ensemble.neurons, label="spikes")
        nengo.Probe(network.ensemble.neurons, "voltage", label="voltage")
        nengo.Probe(network.output, label="output")
    return network


def _one_each(name, values, number):
    """Return a float for each of so many things, from one for all or one for each."""
    values = check_finite(name, values)
    if values.shape not in ((), (1,), (number,)):
        msg = f"{name} must hold 1 or {number} numbers; got shape {values.shape}."
        raise ValueError(msg)
    return np.broadcast_to(values, number)


def _each_scale(scale, n_features):
    """Return the scale of each feature; one of infinite scale is not heard."""
    try:
        is_infinite = np.asarray(scale, float) == np.inf
    except (TypeError, ValueError, OverflowError):
        # What is no number is refused by its name below.
        is_infinite = np.False_
    heard = np.where(is_infinite, 1.0, scale) if is_infinite.any() else scale
    scale = _one_each("scale", heard, n_features)
    if not (scale >= 1e-300).all():
        msg = f"scale must be above 0, from 1e-300 on; got {scale.min():g}."
        raise ValueError(msg)
    return np.where(is_infinite, np.inf, scale)


def conv_network(
    image_shape: list[int] | tuple[int, int, int],
    n_classes: int,
    architecture: str = "32C3-64C3-AP2-128C3-AP2",
    *,
    synapse: float | None = 0.1,
    layer_synapse: float | None = None,
    initial_voltage: Literal["zero", "uniform", "dither"] = "zero",
    weights: list[NDArray[Any]] | tuple[NDArray[Any], ...] | None = None,
    seed: int | None = None,
    **neuron: float | ArrayLike,
) -> nengo.Network:
    """Declare a spiking convolutional network out of NengoDL layers.

    With its defaults this is the 2019 paper's network for MNIST. It needs
    ``nengo_dl.Simulator``: the layers are TensorFlow's and do not run in
    ``nengo.Simulator``. Gains and biases of the neurons are fixed by ``max_rate`` and
    ``intercept``; only the weights of the layers can be trained.

    Parameters
    ----------
    image_shape : tuple of int
        Rows, columns and channels of an image.
    n_classes : int
        Number of outputs of the linear read-out.
    architecture : str, default="32C3-64C3-AP2-128C3-AP2"
        See `parse_architecture`.
    synapse : float or None, default=0.1
        Low-pass time constant in seconds of the probe "filtered output"; larger
        smooths more and responds later. It is outside the network's own signals.
    layer_synapse : float or None, default=None
        Low-pass time constant in seconds of what each layer of neurons passes on;
        larger smooths more and responds later. None passes spikes on as they are.
    initial_voltage : {"zero", "uniform", "dither"}, default="zero"
        Membrane voltage at the first step: 0, drawn from [0, 1) for each neuron, or
        spread evenly over [0, 1) among the neurons next to each other.
    weights : list of ndarray or None, default=None
        Kernel and bias of each layer in turn, read-out last. None draws kernels by
        Glorot's rule and sets biases to 0.
    seed : int or None, default=None
        Seed of the drawn weights and initial voltages.
    **neuron : float or array-like of shape (n_layers,)
        ``max_rate``, ``intercept``, ``tau_rc``, ``tau_ref``, ``amplitude`` and
        ``min_voltage``, with the meaning and the defaults that they have in
        `SpikingConvClassifier`: one number for all neurons, or one for each layer of
        them.

    Returns
    -------
    network : nengo.Network
        ``network.input`` is the image Node, ``network.output`` the read-out.
        Probes by label: "output", "filtered output", and "spikes 1", "spikes 2" ...
        for the number of spikes in each layer of neurons at a step, in units of
        ``amplitude / dt``.

    Raises
    ------
    TypeError
        If a neuron has no such setting.
    ValueError
        If a layer, the weights or a setting do not fit; the message says what was
        expected.
    """
    lifs = iter(conv_neurons(architecture, **neuron))
    _check_synapse("synapse", synapse)
    _check_synapse("layer_synapse", layer_synapse)
    check_choice("initial_voltage", initial_voltage, VOLTAGES)
    _check_seed(seed)
    check_weights(weights, image_shape, n_classes, architecture)
    from snnlib._nengo_dl import nengo_dl, tf

    keras_layers = iter(
        _keras_layers(parse_architecture(architecture), n_classes, weights, seed, tf)
    )
    rng = np.random.default_rng(seed)
    with nengo.Network(label="conv", seed=seed) as network:
        of_neurons = network.config[nengo.Ensemble]
        nengo_dl.configure_settings(trainable=False, stateful=False)

        network.input = nengo.Node(np.zeros(np.prod(image_shape)), label="image")
        signal, shape, spiking = network.input, tuple(image_shape), []
        synapse_before = None
        for layer in parse_architecture(architecture):
            keras_layer = next(keras_layers)
            if isinstance(layer, Dense):
                shape = (int(np.prod(shape)),)
            signal = nengo_dl.Layer(keras_layer)(
                signal, shape_in=shape, synapse=synapse_before
            )
            synapse_before = None
            shape = tuple(keras_layer.compute_output_shape((1, *shape))[1:])
            if not isinstance(layer, Pool):
                lif = next(lifs)
                of_neurons.max_rates = nengo.dists.Choice([lif.max_rate])
                of_neurons.intercepts = nengo.dists.Choice([lif.intercept])
                voltage = draw_voltage(initial_voltage, shape, rng).ravel()
                signal = nengo_dl.Layer(lif.neuron_type(voltage))(signal)
                spiking.append(signal)
                synapse_before = layer_synapse
        network.output = nengo_dl.Layer(next(keras_layers))(
            signal, shape_in=(int(np.prod(shape)),), synapse=synapse_before
        )

        nengo.Probe(network.output, label="output")
        nengo.Probe(network.output, synapse=synapse, label="filtered output")
        for number, neurons in enumerate(spiking, start=1):
            total = nengo_dl.Layer(lambda x: tf.reduce_sum(x, axis=1, keepdims=True))
            nengo.Probe(total(neurons), label=f"spikes {number}")
    return network


def _check_synapse(name, synapse):
    """Refuse what is neither a time constant nor one of Nengo's own synapses."""
    if not isinstance(synapse, nengo.synapses.Synapse):
        check_number(name, synapse, low=0, is_optional=True)


def _check_seed(seed):
    if seed is not None:
        check_whole("seed", seed, 0, 2**32 - 1)


def draw_voltage(initial_voltage, shape, rng):
    """Return the membrane voltage of each neuron at the first step.

    Parameters
    ----------
    initial_voltage : {"zero", "uniform", "dither"}
        0 for all, as in Nengo up to 3.0; drawn from [0, 1), as since 3.1; or the same
        numbers without the chance: neurons that are summed up, in a window of two by
        two and over the channels, start at voltages that share [0, 1) evenly.
    shape : tuple of int
        Rows, columns and channels of a layer, or the number of neurons alone.
    rng : numpy.random.Generator, numpy.random.RandomState or None
        Where to draw from; left alone but by "uniform".

    Returns
    -------
    voltage : ndarray of shape ``shape``

    Raises
    ------
    ValueError
        If ``initial_voltage`` is none of them.
    """
    check_choice("initial_voltage", initial_voltage, VOLTAGES)
    if initial_voltage == "zero":
        return np.zeros(shape)
    if initial_voltage == "uniform":
        return rng.uniform(size=shape)
    row, column, channel = np.indices((1, 1, *shape)[-3:])
    # Multiples of the golden ratio, without their whole part, never crowd together.
    voltage = (WINDOW[row % 2, column % 2] + channel * GOLDEN) % 1
    return voltage.reshape(shape)


def conv_neuron(**neuron):
    """Return the neuron of a conv net, whose spikes are small unless told otherwise.

    Parameters
    ----------
    **neuron : float
        Settings of `snnlib.neurons.Lif` by name.

    Returns
    -------
    lif : Lif
    """
    return Lif(**{"amplitude": 0.01, **neuron}).check_limits()


def conv_neurons(architecture, **neuron):
    """Return the neuron of each layer of a conv net.

    Parameters
    ----------
    architecture : str
        As in `conv_network`.
    **neuron : float or sequence of float
        As in `conv_network`.

    Returns
    -------
    lifs : list of Lif

    Raises
    ------
    ValueError
        If a setting is out of range, or there is not one for each layer.
    """
    layers = parse_architecture(architecture)
    n_layers = sum(not isinstance(layer, Pool) for layer in layers)
    each = {name: values for name, values in neuron.items() if np.ndim(values)}
    for name, values in each.items():
        if np.shape(values) != (n_layers,):
            msg = (
                f"{name} must be a number, or one for each of the {n_layers} layers of "
                f"neurons; got shape {np.shape(values)}."
            )
            raise ValueError(msg)
    return [
        conv_neuron(**{**neuron, **{name: its[n] for name, its in each.items()}})
        for n in range(n_layers)
    ]


def rate_model(
    image_shape: list[int] | tuple[int, int, int],
    n_classes: int,
    architecture: str = "32C3-64C3-AP2-128C3-AP2",
    *,
    weights: list[NDArray[Any]] | tuple[NDArray[Any], ...] | None = None,
    seed: int | None = None,
    **neuron: float | ArrayLike,
) -> Any:
    """Declare the Keras model of the firing rates of `conv_network`.

    Its outputs are what the spiking network tends to over a long presentation. Its
    weights have the same layout and can be handed over as they are. It has no state
    and no time, and trains faster than the same network inside NengoDL.

    Parameters
    ----------
    image_shape, n_classes, architecture, weights, seed
        As in `conv_network`.
    **neuron : float or array-like of shape (n_layers,)
        As in `conv_network`.

    Returns
    -------
    model : tf_keras.Model
        From flat images of shape (n_images, n_pixels) to one score per class.
    """
    rates = iter(conv_neurons(architecture, **neuron))
    _check_seed(seed)
    check_weights(weights, image_shape, n_classes, architecture)
    from snnlib._nengo_dl import tf

    def rate(_):
        return _lif_rate(next(rates), tf)

    return _keras_model(image_shape, n_classes, architecture, rate, weights, seed, tf)


def count_model(
    image_shape: list[int] | tuple[int, int, int],
    n_classes: int,
    architecture: str = "32C3-64C3-AP2-128C3-AP2",
    *,
    n_steps: Any,
    dt: float = 0.001,
    initial_voltage: Literal["zero", "uniform", "dither"] = "zero",
    trainable: Sequence[str] = (),
    weights: list[NDArray[Any]] | tuple[NDArray[Any], ...] | None = None,
    seed: int | None = None,
    **neuron: float | ArrayLike,
) -> Any:
    """Declare the Keras model of the spike counts of `conv_network`.

    It is `rate_model` with each rate replaced by the spikes that a neuron fires in so
    many steps, if its current is constant: see `lif_counts`. In the first layer it is;
    in deeper ones spikes come one by one, and the count is near the real one. Backward
    the model passes on the slope of the rate, up to a limit, and nothing where a neuron
    would have to fire more than once a step.

    Parameters
    ----------
    image_shape, n_classes, architecture, initial_voltage, weights, seed
        As in `conv_network`. ``seed`` also draws the voltages that it draws there.
    n_steps : int or scalar tf.Variable
        Number of time steps. A variable may change between two calls.
    dt : float, default=0.001
        Length of a step in seconds; ``tau_ref`` must be 0 or not below it.
    trainable : sequence of {"max_rate", "tau_rc"}, default=()
        Settings of the neurons that are trained too, one number for each layer. They
        begin at what ``neuron`` says.
    **neuron : float or array-like of shape (n_layers,)
        As in `conv_network`.

    Returns
    -------
    model : tf_keras.Model
        From flat images of shape (n_images, n_pixels) to one score per class: the mean
        of the unfiltered output over all steps. Its weights are those of the layers
        and, for each setting that is trained, an array of shape (n_layers,): how far
        each layer's has moved, which `SpikingConvClassifier` turns into settings.

    Raises
    ------
    ValueError
        If a setting does not fit.

    References
    ----------
    T. Bu et al., "Optimal ANN-SNN conversion for high-accuracy and
    ultra-low-latency spiking neural networks", *ICLR*, 2022, counts the spikes of
    neurons without leak in this way.
    """
    lifs = conv_neurons(architecture, **neuron)
    check_number("dt", dt, above=0)
    for tau_ref in {lif.tau_ref for lif in lifs}:
        if 0 < tau_ref < dt:
            msg = f"tau_ref must be 0 or at least dt = {dt:g} s; got {tau_ref:g}."
            raise ValueError(msg)
    trainable = check_trainable(trainable)
    check_choice("initial_voltage", initial_voltage, VOLTAGES)
    _check_seed(seed)
    check_weights(weights, image_shape, n_classes, architecture)
    from snnlib._nengo_dl import tf

    rng = np.random.default_rng(seed)
    moved = {
        name: tf.Variable(tf.zeros(len(lifs)), name=name, trainable=True)
        for name in trainable
    }
    numbers = iter(range(len(lifs)))

    def count(shape):
        voltage = draw_voltage(initial_voltage, shape, rng)
        n = next(numbers)
        own = {name: (its, n) for name, its in moved.items()}
        return _lif_count(lifs[n], n_steps, dt, voltage, tf, own)

    model = _keras_model(image_shape, n_classes, architecture, count, weights, seed, tf)
    # Keras finds variables that are a model's attributes.
    model.moved_settings = list(moved.values())
    return model


def check_trainable(trainable):
    """Return what is trained beside the weights, or refuse it.

    Parameters
    ----------
    trainable : sequence of str
        Names of settings.

    Returns
    -------
    trainable : tuple of str

    Raises
    ------
    ValueError
        If one is no setting that can be trained, or comes twice.
    """
    is_sequence = isinstance(trainable, list | tuple)
    if (
        not is_sequence
        or len({*map(str, trainable)}) < len(trainable)
        or not {*map(str, trainable)} <= {*TRAINABLE}
    ):
        msg = (
            f"trainable must be a list or tuple of some of {list(TRAINABLE)}, each "
            f"once; got {shown(trainable)}."
        )
        raise ValueError(msg)
    return tuple(trainable)


def trained_settings(moved, lifs, dt):
    """Return the settings of neurons that the trained numbers of a model stand for.

    Parameters
    ----------
    moved : dict of str to array-like of shape (n_layers,)
        The last arrays of the weights of `count_model`, by the names that it was told
        to train; 0 is where a setting began.
    lifs : sequence of Lif
        The neuron of each layer, as the model was told.
    dt : float
        Length of a step in seconds.

    Returns
    -------
    settings : dict of str to list of float
        One number for each layer. Each ``tau_rc`` is above 0, each ``max_rate`` below
        ``1 / tau_ref``, and at most ``1 / dt``.
    """
    return {
        name: [
            float(_setting(name, float(x), lif, dt, np.exp))
            for x, lif in zip(its, lifs, strict=True)
        ]
        for name, its in moved.items()
    }


# Adam moves each number by its step size at most. A logarithm takes ten times as long
# to change as much, for its share, as a weight of 0.1.
_PACE = 10.0


def _setting(name, moved, lif, dt, exp):
    """Return a setting that began at the neuron's and was moved within its limits."""
    if name == "tau_rc":
        return lif.tau_rc * exp(_PACE * moved)
    # What a spike at an input of 1 takes beyond the shortest time that it can.
    shortest = max(lif.tau_ref, dt)
    return 1 / (shortest + (1 / lif.max_rate - shortest) * exp(-_PACE * moved))


def relu_model(
    image_shape: list[int] | tuple[int, int, int],
    n_classes: int,
    architecture: str = "32C3-64C3-AP2-128C3-AP2",
    *,
    weights: list[NDArray[Any]] | tuple[NDArray[Any], ...] | None = None,
    seed: int | None = None,
) -> Any:
    """Declare the network of `conv_network` with ReLU units in place of neurons.

    It is the second-generation twin to compare with: the same layers, the same number
    of weights, no spikes and no time.

    Parameters
    ----------
    image_shape, n_classes, architecture, weights, seed
        As in `conv_network`.

    Returns
    -------
    model : tf_keras.Model
        From flat images of shape (n_images, n_pixels) to one score per class.
    """
    _check_seed(seed)
    check_weights(weights, image_shape, n_classes, architecture)
    from snnlib._nengo_dl import tf

    return _keras_model(
        image_shape, n_classes, architecture, lambda _: tf.nn.relu, weights, seed, tf
    )


def _keras_model(image_shape, n_classes, architecture, activate, weights, seed, tf):
    """Return a Keras model whose layers of a shape have the activation for it."""
    layers = parse_architecture(architecture)
    keras_layers = _keras_layers(layers, n_classes, weights, seed, tf)
    image = signal = tf.keras.Input((int(np.prod(image_shape)),))
    signal = tf.keras.layers.Reshape(image_shape)(signal)
    for layer, keras_layer in zip(layers, keras_layers, strict=False):
        if isinstance(layer, Dense):
            signal = tf.keras.layers.Flatten()(signal)
        signal = keras_layer(signal)
        if not isinstance(layer, Pool):
            activation = activate(tuple(signal.shape[1:]))
            signal = tf.keras.layers.Activation(activation)(signal)
    scores = keras_layers[-1](tf.keras.layers.Flatten()(signal))
    return tf.keras.Model(image, scores)


def _fused(function, tf):
    """Return a TensorFlow function in one pass over memory, where that can be had."""
    # Operation by operation, the activations take a quarter of a training step.
    # TensorFlow for Windows comes without the compiler.
    return tf.function(function, jit_compile=os.name != "nt", autograph=False)


def _with_gradient(forward, backward, tf):
    """Return a TensorFlow function that has another one for a gradient."""

    @tf.custom_gradient
    def activation(*inputs):
        values = forward(*inputs)
        return values, lambda upstream: backward(*inputs, values, upstream)

    return activation


def _lif_rate(lif, tf):
    """Return the rate of a LIF neuron as a TensorFlow function with a safe gradient."""
    gain, bias = (float(value[0]) for value in lif.gain_bias())
    tau_rc, tau_ref, amplitude = lif.tau_rc, lif.tau_ref, lif.amplitude

    def forward(x):
        # r(J) = amplitude / (tau_ref + tau_rc log(1 + 1 / (J - 1))) for J > 1, else 0.
        # The floor is NengoDL's; it keeps the branch that is not taken finite.
        fires = gain * x + bias > 1
        excess = tf.maximum(gain * x + (bias - 1), 1e-15)
        rates = amplitude / (tau_ref + tau_rc * tf.math.log1p(1 / excess))
        return tf.where(fires, rates, 0.0)

    def backward(x, rates, upstream):
        # dr/dJ = tau_rc / amplitude * r^2 / ((J - 1) J), 0 where the rate is.
        excess = tf.maximum(gain * x + (bias - 1), 1e-15)
        slope = tau_rc / amplitude * rates**2 / (excess * (excess + 1))
        return upstream * gain * slope

    return _with_gradient(_fused(forward, tf), _fused(backward, tf), tf)


# Where a neuron begins to fire, its rate rises without limit: no slope above this one
# is passed on. A slope of 1 is that of a signal that passes unchanged.
_STEEPEST = 5.0


def _lif_count(lif, n_steps, dt, voltage, tf, moved=None):
    """Return what LIF neurons pass on in the mean of so many steps, for TensorFlow."""
    # ``moved`` has the variable of each setting that is trained, and their place in it.
    # All times in steps. The gain times x - intercept is J - 1.
    tau_ref, height, intercept = lif.tau_ref / dt, lif.amplitude / dt, lif.intercept
    to_threshold = tf.constant(1 - voltage, tf.float32)

    def settings():
        """Return the gain, and tau_rc in steps, as they are now."""
        if not moved:
            return tf.constant(lif.gain_bias()[0][0], tf.float32), lif.tau_rc / dt
        now = {
            name: _setting(name, its[n], lif, dt, tf.exp)
            for name, (its, n) in moved.items()
        }
        tau_rc = now.get("tau_rc", lif.tau_rc) / dt
        left = 1 / (now.get("max_rate", lif.max_rate) * dt) - tau_ref
        return 1 / ((1 - intercept) * tf.math.expm1(left / tau_rc)), tau_rc

    def charging(x, gain, tau_rc):
        """Return J - 1, held above 0, and the time from reset to threshold."""
        excess = tf.maximum(gain * (x - intercept), 1e-6)
        return excess, tau_rc * tf.math.log1p(1 / excess)

    def forward(x, gain, tau_rc, steps):
        excess, period = charging(x, gain, tau_rc)
        first = tau_rc * tf.math.log1p(to_threshold / excess)
        if tau_ref:
            spikes = tf.math.ceil((steps - first) / (tau_ref + period))
        else:
            spikes = (steps - tf.floor(first) - 1) // (tf.floor(period) + 1) + 1
        spikes = tf.clip_by_value(spikes, 0.0, steps)
        return tf.where(x > intercept, spikes * (height / steps), 0.0)

    def backward(x, gain, tau_rc, _, upstream):
        # With r = 1 / (tau_ref + tau_rc log(1 + 1 / (J - 1))):
        # dr/dJ = tau_rc r^2 / ((J - 1) J) and dr/dtau_rc = -r^2 log(1 + 1 / (J - 1)).
        excess, period = charging(x, gain, tau_rc)
        rate = 1 / (tau_ref + period)
        slope = height * tau_rc * rate**2 / (excess * (excess + 1))
        passes = (x > intercept) & (rate <= 1)
        upstream = tf.where(passes, upstream, 0.0)
        to_x = upstream * tf.minimum(gain * slope, _STEEPEST)
        if not moved:
            return to_x, None, None
        to_gain = upstream * slope * (x - intercept)
        to_tau_rc = -upstream * height * rate**2 * period / tau_rc
        return to_x, tf.reduce_sum(to_gain), tf.reduce_sum(to_tau_rc)

    count = _fused(forward, tf)
    activation = _with_gradient(
        lambda *inputs: count(*inputs, tf.cast(n_steps, tf.float32)),
        _fused(backward, tf),
        tf,
    )
    return lambda x: activation(x, *map(tf.convert_to_tensor, settings()))


def _keras_layers(layers, n_classes, weights, seed, tf):
    """Return one Keras layer for each of ``layers``, and the linear read-out."""
    sources = iter(weights) if weights is not None else None
    rng = np.random.default_rng(seed)

    def initializers():
        if sources is None:
            kernel = tf.keras.initializers.GlorotUniform(int(rng.integers(2**31)))
            return {"kernel_initializer": kernel, "bias_initializer": "zeros"}
        return {
            "kernel_initializer": _constant(next(sources), tf),
            "bias_initializer": _constant(next(sources), tf),
        }

    keras_layers = []
    for layer in layers:
        if isinstance(layer, Conv):
            keras_layers.append(tf.keras.layers.Conv2D(*layer, **initializers()))
        elif isinstance(layer, Pool):
            keras_layers.append(tf.keras.layers.AveragePooling2D(layer.size))
        else:
            keras_layers.append(tf.keras.layers.Dense(layer.units, **initializers()))
    return [*keras_layers, tf.keras.layers.Dense(n_classes, **initializers())]


def _constant(values, tf):
    """Return a Keras initializer that hands out ``values`` and nothing else."""

    def initializer(shape, dtype=None, **_):
        return tf.reshape(tf.constant(values, dtype), shape)

    return initializer
