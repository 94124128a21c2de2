"""A trained conv net small enough for a page: a byte for each weight."""

import base64
import json

import numpy as np
from sklearn.utils.validation import check_is_fitted

from snnlib.architectures import check_weights, weight_shapes
from snnlib.explorers._page import asset
from snnlib.files import plain

# Of MNIST's 10,000 test images the committed network calls 9,814 rightly with these
# bytes, 9,810 with its own weights and 9,809 with 16-bit floats, which take twice the
# room. The largest whole number that a byte holds on both sides of 0:
_MOST = 127
# What a run is set to besides its neurons.
_SETTINGS = (
    *("dt", "presentation_time", "initial_voltage", "layer_synapse"),
    *("synapse", "readout"),
)


def encode_network(classifier):
    """Write a fitted classifier as values that JSON knows, for ``conv.js`` to load.

    Each weight of a kernel becomes a whole number from -127 to 127, times a scale that
    those into one output channel share. Biases are kept as they are.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        A fitted network.

    Returns
    -------
    encoded : dict
        What the network is (``architecture``, ``image_shape``, ``classes``), the
        ``generator`` that its initial voltages are drawn from, the ``settings`` of the
        classifier, and its ``weights`` as text: base64 of the scales and the bias of
        each layer as 32-bit floats, and then of each kernel's bytes.

    Raises
    ------
    ValueError
        If neurons of two layers differ.
    """
    check_is_fitted(classifier, "weights_")
    if trained := getattr(classifier, "trained_", {}):
        msg = (
            "classifier must have the same neurons in every layer to run in a page; it "
            f"has trained {', '.join(trained)}."
        )
        raise ValueError(msg)
    weights = [np.asarray(weight, np.float32) for weight in classifier.weights_]
    shape = tuple(classifier.image_shape_)
    check_weights(weights, shape, len(classifier.classes_), classifier.architecture)
    scaled = [_to_bytes(kernel) for kernel in weights[::2]]
    floats = [
        values.astype("<f4").tobytes()
        for (_, scale), bias in zip(scaled, weights[1::2], strict=True)
        for values in (scale, bias)
    ]
    packed = b"".join([*floats, *(whole.tobytes() for whole, _ in scaled)])
    start = np.random.default_rng(classifier.seed_).bit_generator.state["state"]
    settings = {name: getattr(classifier, name) for name in _SETTINGS}
    return plain(
        {
            "architecture": classifier.architecture,
            "image_shape": shape,
            "classes": classifier.classes_,
            # JSON's numbers are too short for 128 bits.
            "generator": {name: hex(number) for name, number in start.items()},
            "settings": classifier._lif.settings | settings,
            "weights": base64.b64encode(packed).decode(),
        }
    )


def engine_script():
    """Return the JavaScript that runs networks, for a script element of its own."""
    return "".join(asset(name) for name in ("lif.js", "conv.js", "worker.js"))


def network_script(name, classifier):
    """Return a script that gives a network to the page that loads it.

    Parameters
    ----------
    name : str
        What ``snnlib.worker.load`` calls it.
    classifier : SpikingConvClassifier
        As in `encode_network`.

    Returns
    -------
    script : str
        The content of a ``.js`` file.
    """
    encoded = json.dumps(encode_network(classifier))
    return f"snnlib.networks[{json.dumps(name)}] = {encoded};\n"


def decode_weights(encoded):
    """Return the weights of an encoded network as the page has them.

    Parameters
    ----------
    encoded : dict
        From `encode_network`.

    Returns
    -------
    weights : list of float32 ndarray
        Kernel and bias of each layer in turn, read-out last.
    """
    shapes = weight_shapes(
        encoded["image_shape"], len(encoded["classes"]), encoded["architecture"]
    )
    packed = base64.b64decode(encoded["weights"])
    n_floats = 2 * sum(shape[0] for shape in shapes[1::2])
    floats = np.frombuffer(packed, "<f4", n_floats)
    whole = np.frombuffer(packed, np.int8, offset=floats.nbytes)
    weights = []
    for kernel_shape, (n_outputs,) in zip(shapes[::2], shapes[1::2], strict=True):
        scale, bias, floats = np.split(floats, [n_outputs, 2 * n_outputs])
        kernel, whole = np.split(whole, [int(np.prod(kernel_shape))])
        weights += [kernel.reshape(kernel_shape) * scale, bias.astype(np.float32)]
    return weights


def _to_bytes(kernel):
    """Return a kernel as whole numbers, and the scale of each output channel."""
    largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    # Of a channel without weights, any scale will do.
    scale = np.where(largest > 0, largest / _MOST, 1).astype(np.float32)
    whole = np.rint(kernel / scale).clip(-_MOST, _MOST)
    return whole.astype(np.int8), scale
