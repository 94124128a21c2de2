"""Read graphs of NIR as estimators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlib.architectures import Conv, Dense
from snnlib.checks import check_number, shown
from snnlib.files import plain
from snnlib.graphs._nodes import ABOUT, euler, exact, import_nir

if TYPE_CHECKING:
    from snnlib.estimators import (
        SpikingClassifier,
        SpikingConvClassifier,
        SpikingRegressor,
    )

# No voltage comes so low: the floor of neurons that have none.
_NO_FLOOR = -1e9
_NEURONS = {"r": 1, "v_leak": 0, "v_threshold": 1, "v_reset": 0}
# What `to_nir` writes of each estimator, beside its parameters.
_FITTED = {
    "SpikingConvClassifier": ("seed_", "classes"),
    "SpikingClassifier": ("method_", "_drawn_voltage", "classes"),
    "SpikingRegressor": ("method_", "_drawn_voltage"),
}


class _Layer(NamedTuple):
    """A layer as a graph holds it, with everything in units of a threshold of 1."""

    layer: Conv | Dense | None
    kernel: np.ndarray
    constant: np.ndarray


def from_nir(
    graph: Any, *, dt: float | None = None
) -> SpikingRegressor | SpikingClassifier | SpikingConvClassifier:
    """Return the estimator that a graph of NIR describes.

    A graph of `to_nir` becomes the estimator that it was made of; its features then
    come unscaled, and what only training knew is not there. Any other graph of the same
    shape becomes a `SpikingConvClassifier` without a refractory period and without a
    floor of the voltage, whose classes are numbers from 0: convolutions or dense layers
    with LIF neurons, pools between them, and a read-out that may be filtered. Where a
    graph of `to_nir` was changed afterwards, its nodes count.

    Parameters
    ----------
    graph : nir.NIRGraph
        Such as ``nir.read`` returns.
    dt : float or None, default=None
        Length of a step in seconds. None takes that of `to_nir`, and 0.001 where the
        graph does not say it.

    Returns
    -------
    estimator : SpikingRegressor, SpikingClassifier or SpikingConvClassifier
        Fitted.

    Raises
    ------
    ImportError
        If the package ``nir`` is missing.
    ValueError
        If the graph has another shape, in which case the message names the node, or
        what `to_nir` wrote into its metadata is damaged.
    """
    nir = import_nir()
    if not isinstance(graph, nir.NIRGraph):
        msg = f"graph must be a nir.NIRGraph; got {shown(graph)}."
        raise ValueError(msg)
    about = _read_about(graph)
    dt = _step(graph, about, dt)
    chain = _chain(graph)
    if about.get("estimator") in ("SpikingRegressor", "SpikingClassifier"):
        return _ensemble(chain, about)
    return _conv_net(chain, about, dt)


def _read_about(graph):
    """Return what `to_nir` wrote of its estimator, or nothing if others wrote."""
    metadata = graph.metadata
    if not isinstance(metadata, dict):
        msg = f"metadata of the graph must be a dict; got {shown(metadata)}."
        raise ValueError(msg)
    if ABOUT not in metadata:
        return {}
    try:
        about = json.loads(str(metadata[ABOUT]))
        missing = {*_FITTED[about["estimator"]], "parameters"} - {*about}
        missing |= {
            name
            for name in ("parameters", "trained_")
            if not isinstance(about.get(name, {}), dict)
        }
    except (KeyError, TypeError, ValueError):
        missing = {"estimator"}
    if missing:
        msg = (
            f"metadata[{ABOUT!r}] of the graph must be as to_nir writes it, with "
            f"{', '.join(sorted(missing))}; got {shown(metadata[ABOUT])}."
        )
        raise ValueError(msg)
    return about


def _step(graph, about, dt):
    """Return the length of a step, of which all that say it must say the same."""
    said = graph.metadata.get("dt")
    if said is not None:
        said = check_number("dt in the metadata of the graph", plain(said), above=0)
    if about and said != about["parameters"].get("dt"):
        msg = (
            "dt in the metadata of the graph must be that of its estimator, "
            f"{shown(about['parameters'].get('dt'))}; got {shown(said)}."
        )
        raise ValueError(msg)
    if dt is not None:
        dt = check_number("dt", dt, above=0)
        if said is not None and said != dt:
            msg = f"dt must be that of the graph, {said:g} s; got {dt:g}."
            raise ValueError(msg)
    return dt or said or 0.001


def _chain(graph):
    """Return the nodes between input and output, with their names, in turn."""
    nir = import_nir()
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for edge in graph.edges:
        for name in edge:
            if name not in after:
                msg = f"edges of the graph must join its nodes; got {name!r}."
                raise ValueError(msg)
        after[edge[0]].append(edge[1])
    names = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    # A graph that turns in a circle has more steps than nodes.
    while len(names) in range(1, len(graph.nodes) + 1) and len(after[names[-1]]) == 1:
        names += after[names[-1]]
    if (
        len(names) < 2
        or len(names) != len(graph.nodes)
        or not isinstance(graph.nodes[names[-1]], nir.Output)
    ):
        msg = (
            "graph must be a chain of all its nodes from one input to one output; "
            f"got {len(graph.nodes)} nodes and {len(graph.edges)} edges."
        )
        raise ValueError(msg)
    return [(name, graph.nodes[name]) for name in names]


def _refuse(name, node, need):
    msg = f"The node {name!r} of the graph, {type(node).__name__}, {need}."
    raise ValueError(msg)


def _numbers(name, node, attribute, n_axes=None):
    """Return an attribute of a node, which must be finite real numbers."""
    values = np.asarray(getattr(node, attribute))
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        _refuse(name, node, f"must have finite real numbers as its {attribute}")
    if n_axes is not None and values.ndim != n_axes:
        _refuse(name, node, f"must have a {attribute} with {n_axes} axes")
    return values.astype(float)


def _one_value(name, node, attribute, shape):
    """Return the value that all neurons of a node share."""
    values = _numbers(name, node, attribute)
    if values.size not in (1, np.prod(shape)):
        _refuse(name, node, f"must be as large as its input, {_times(shape)}")
    if len(np.unique(values)) != 1:
        _refuse(name, node, f"must have one {attribute} for all its neurons")
    return float(values.flat[0])


def _tau(name, node, shape, dt, known):
    """Return the time constant of a node, to which a step by Euler must be able."""
    tau = _one_value(name, node, "tau", shape)
    # Those much shorter than a step all come as the step itself.
    if not tau > dt and not any(_is_that_of(tau, seconds, dt) for seconds in known):
        _refuse(
            name,
            node,
            f"must have a tau above dt = {dt:g} s, which from_nir can be told; got "
            f"{tau:g}",
        )
    return tau


def _pair(name, node, attribute, least):
    """Return rows and columns of a size that may be one number for both."""
    values = _numbers(name, node, attribute)
    if values.size not in (1, 2) or (values != np.rint(values)).any():
        _refuse(name, node, f"must have one or two whole numbers as its {attribute}")
    if (values < least).any():
        _refuse(name, node, f"must have a {attribute} from {least} on")
    return tuple(int(side) for side in np.broadcast_to(np.ravel(values), 2))


def _constant(name, node, n):
    """Return what a node adds to each of its outputs."""
    if getattr(node, "bias", None) is None:
        return np.zeros(n)
    values = _numbers(name, node, "bias")
    if values.shape not in ((), (1,), (n,)):
        _refuse(name, node, f"must have {n} numbers as its bias; got {values.shape}")
    return np.broadcast_to(values, n)


def _times(shape):
    return " x ".join(map(str, shape))


class _Reader:
    """Reads a chain of nodes into layers, weights and time constants."""

    def __init__(self, shape, dt, known):
        self.image_shape = self.shape = shape
        self.dt, self.known = dt, known
        self.parts, self.layers, self.taus = [], [], []
        self.li_tau, self.is_flat = None, False
        self.area, self.waiting = 1, None

    def read(self, name, node):
        """Take the next node in."""
        kind = type(node).__name__
        if not hasattr(self, f"read_{kind}"):
            _refuse(name, node, "is of no kind that snnlib has")
        if self.li_tau is not None:
            _refuse(name, node, "must not follow a filter, which ends a graph here")
        if self.waiting is not None and kind not in ("LIF", "LI"):
            _refuse(name, node, "must not follow a layer without neurons")
        getattr(self, f"read_{kind}")(name, node)

    def read_Conv2d(self, name, node):
        weight = _numbers(name, node, "weight", n_axes=4)
        size, stride = weight.shape[2:], _pair(name, node, "stride", 1)
        # A text, or what is read from a file: two numbers.
        padding = "valid" if np.all(node.padding == np.zeros(2)) else node.padding
        if (
            str(padding) != "valid"
            or (_pair(name, node, "dilation", 1) != (1, 1) or int(node.groups) != 1)
            or (len({*size}) != 1 or len({*stride}) != 1)
        ):
            _refuse(
                name,
                node,
                "must have square kernels and steps, and no padding, dilation or "
                "groups",
            )
        self._check_image(name, node, size[0])
        if weight.shape[1] != self.shape[0]:
            _refuse(name, node, f"must have kernels for {self.shape[0]} channels")
        layer = Conv(weight.shape[0], size[0], stride[0])
        constant = _constant(name, node, len(weight))
        self.waiting = (layer, weight.transpose(2, 3, 1, 0), constant)
        sides = ((side - size[0]) // stride[0] + 1 for side in self.shape[1:])
        self.shape = (weight.shape[0], *sides)

    def _check_image(self, name, node, size):
        if self.is_flat:
            _refuse(name, node, "must not follow a dense layer or a Flatten")
        if size > min(self.shape[1:]):
            _refuse(name, node, f"must not be larger than its input, {self._sides()}")

    def _sides(self):
        return f"{_times(self.shape)} channels, rows and columns"

    def read_Affine(self, name, node):
        weight = _numbers(name, node, "weight", n_axes=2)
        n_inputs = int(np.prod(self.shape))
        if weight.shape[1] != n_inputs:
            _refuse(name, node, f"must have weights for {n_inputs} inputs")
        kernel = _channels_last(weight, self.shape)
        constant = _constant(name, node, len(weight))
        self.waiting = (Dense(len(weight)), kernel, constant)
        self.shape, self.is_flat = (len(weight),), True

    read_Linear = read_Affine

    def read_AvgPool2d(self, name, node):
        size = _pair(name, node, "kernel_size", 1)
        if (
            len({*size}) != 1
            or size != _pair(name, node, "stride", 0)
            or _pair(name, node, "padding", 0) != (0, 0)
        ):
            _refuse(name, node, "must have squares that touch, and no padding")
        self._check_image(name, node, size[0])
        self.parts.append(f"AP{size[0]}")
        self.shape = (self.shape[0], *(side // size[0] for side in self.shape[1:]))
        return size[0] ** 2

    def read_SumPool2d(self, name, node):
        self.area *= self.read_AvgPool2d(name, node)

    def read_Flatten(self, name, node):
        # Weights that follow take the channels first, as the graph does.
        if np.prod(node.output_type["output"]) != np.max(node.output_type["output"]):
            _refuse(name, node, "must flatten all there is")
        self.is_flat = True

    def read_LIF(self, name, node):
        if self.waiting is None:
            _refuse(name, node, "must follow a layer with weights")
        r, leak, threshold, reset = (
            _one_value(name, node, attribute, self.shape) for attribute in _NEURONS
        )
        if reset != 0 or not threshold > 0:
            _refuse(name, node, "must reset to 0, below its threshold")
        self.taus.append(_tau(name, node, self.shape, self.dt, self.known))
        layer, kernel, constant = self.waiting
        # In units of the threshold, and of a neuron that leaks to 0.
        slope, offset = r / threshold, leak / threshold
        self._keep(layer, slope * kernel, slope * constant + offset)
        steps = f"S{layer.strides}" if getattr(layer, "strides", 1) > 1 else ""
        self.parts.append(
            f"{layer.filters}C{layer.kernel_size}{steps}"
            if isinstance(layer, Conv)
            else f"{layer.units}"
        )

    def read_LI(self, name, node):
        if self.waiting is None or _has_other_filter(name, node, self.shape):
            _refuse(name, node, "must filter the read-out, with r = 1 and v_leak = 0")
        self.li_tau = _tau(name, node, self.shape, self.dt, self.known)

    def end(self, name, node):
        """Take what came last as the read-out."""
        if self.waiting is None or not self.layers or len(self.shape) != 1:
            _refuse(name, node, "must follow neurons and a read-out with weights")
        if np.prod(node.input_type["input"]) != self.shape[0]:
            _refuse(name, node, f"must hold {self.shape[0]} numbers")
        _, kernel, constant = self.waiting
        self._keep(None, kernel, constant)

    def _keep(self, layer, kernel, constant):
        self.layers.append(_Layer(layer, kernel * self.area, constant))
        self.waiting, self.area = None, 1


def _channels_last(weight, shape):
    """Return the dense kernel that ``_channels_first`` made ``weight`` of."""
    if len(shape) == 3:
        weight = weight.reshape(-1, *shape).transpose(2, 3, 1, 0)
        return weight.reshape(-1, weight.shape[-1])
    return weight.T


def _has_other_filter(name, node, shape):
    """Return whether an LI is more than a low-pass filter."""
    r, leak = (_one_value(name, node, it, shape) for it in ("r", "v_leak"))
    return (r, leak) != (1, 0)


def _is_that_of(tau, seconds, dt):
    """Return whether a graph's time constant is the one that ``seconds`` makes."""
    # Compared as they stand in the graph: the way back is inexact where a neuron
    # forgets within a step.
    is_number = isinstance(seconds, int | float) and seconds > 0
    return is_number and np.isclose(euler(seconds, dt), tau, rtol=1e-6, atol=0)


def _new(about, **changes):
    """Return the estimator of a graph's metadata, with some settings of its nodes."""
    import snnlib.estimators

    kind = getattr(snnlib.estimators, about["estimator"])
    # JSON has no tuples.
    kept = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in about["parameters"].items()
    }
    try:
        return kind(**(kept | changes)).check_parameters()
    except (TypeError, ValueError) as error:
        msg = f"metadata[{ABOUT!r}] of the graph holds no {about['estimator']}: {error}"
        raise ValueError(msg) from error


def _conv_net(chain, about, dt):
    """Return the conv net that a chain of nodes is."""
    from snnlib.estimators._saving import check_fit

    (_, first), *between, last = chain
    sizes = tuple(int(side) for side in np.ravel(first.input_type["input"]))
    if len(sizes) not in (1, 3):
        _refuse(*chain[0], "must hold channels, rows and columns, or features alone")
    about = about or {"estimator": "SpikingConvClassifier", "parameters": {}}
    said, trained = about["parameters"], about.get("trained_", {})
    known = [said.get("synapse"), said.get("tau_rc"), *trained.get("tau_rc", ())]
    reader = _Reader(sizes if len(sizes) == 3 else (1, 1, *sizes), dt, known)
    for name, node in between:
        reader.read(name, node)
    reader.end(*last)
    changes = {"architecture": "-".join(reader.parts)}
    if not said:
        changes |= _of_others(reader, dt)
    if reader.li_tau and not _is_that_of(reader.li_tau, said.get("synapse"), dt):
        changes["synapse"] = exact(reader.li_tau, dt)
    of_layers = trained.get("tau_rc", [said.get("tau_rc")] * len(reader.taus))
    if len(of_layers) != len(reader.taus) or not all(
        _is_that_of(tau, seconds, dt)
        for tau, seconds in zip(reader.taus, of_layers, strict=False)
    ):
        seconds = [exact(tau, dt) for tau in reader.taus]
        changes["tau_rc"] = seconds[0]
        trained = {name: its for name, its in trained.items() if name != "tau_rc"}
        if np.ptp(seconds) > 1e-6 * seconds[0]:
            trained["tau_rc"] = seconds
    classifier = _new(about, **changes)
    classifier.trained_ = trained
    channels, rows, columns = reader.image_shape
    classifier.image_shape_ = (rows, columns, channels)
    classifier.n_features_in_ = rows * columns * channels
    classifier.weights_, classifier.history_ = _weights(reader, classifier), {}
    classifier.seed_ = about.get("seed_", 0)
    classifier.classes_ = np.arange(len(classifier.weights_[-1]))
    _name(classifier, about)
    classifier._simulator = None
    check_fit(classifier)
    return classifier


def _of_others(reader, dt):
    """Return the parameters of a graph that no estimator of ours became."""
    # At such a rate a neuron fires before it has forgotten, so its gain is a number.
    fastest = 1 / exact(min(reader.taus), dt)
    return {
        "dt": dt,
        "presentation_time": 30 * dt,
        "synapse": None,
        "max_rate": min(max(min(100.0, 0.1 / dt), fastest), 1 / dt),
        "tau_ref": 0.0,
        # A spike of height 1.
        "amplitude": dt,
        "min_voltage": _NO_FLOOR,
    }


def _weights(reader, classifier):
    """Return kernels and biases as the classifier's neurons take them."""
    lifs = iter(classifier._lifs)
    height, weights = 1.0, []
    for layer, kernel, constant in reader.layers:
        slope, offset = 1.0, 0.0
        if layer is not None:
            slope, offset = (float(values[0]) for values in next(lifs).gain_bias())
        weights.append((kernel / (slope * height)).astype(np.float32))
        weights.append(((constant - offset) / slope).astype(np.float32))
        height = classifier.amplitude / classifier.dt
    return weights


def _name(estimator, about):
    """Give an estimator the names of its classes and features, where it had any."""
    if "classes" in about:
        estimator.classes_ = np.array(about["classes"], about["classes_dtype"])
    if "feature_names_in_" in about:
        names = np.array(about["feature_names_in_"], dtype=object)
        estimator.feature_names_in_ = names


def _ensemble(chain, about):
    """Return the ensemble that a chain of nodes of `to_nir` is."""
    kinds = [type(node).__name__ for _, node in chain[1:-1]]
    filtered = ["Affine", "LIF", "Linear", "LI", "Affine"]
    if kinds not in (["Affine", "LIF", "Affine"], filtered):
        msg = f"graph must hold one ensemble, as {about['estimator']} is; got {kinds}."
        raise ValueError(msg)
    _, encode, lif, decode, *rest = chain
    said, dt = about["parameters"], about["parameters"]["dt"]
    weight = _numbers(*encode, "weight", n_axes=2)
    n_neurons, n_features = weight.shape
    for attribute, value in _NEURONS.items():
        if _one_value(*lif, attribute, (n_neurons,)) != value:
            _refuse(*lif, f"must have {attribute} = {value}")
    changes = {}
    known = [said.get("tau_rc"), said.get("synapse")]
    tau = _tau(*lif, (n_neurons,), dt, known)
    if not _is_that_of(tau, said.get("tau_rc"), dt):
        changes["tau_rc"] = exact(tau, dt)
    decoders = _numbers(*decode, "weight", n_axes=2)
    n_outputs = len(decoders)
    if decoders.shape[1] != n_neurons:
        _refuse(*decode, f"must have weights for {n_neurons} inputs")
    if kinds == filtered:
        li, shift, _ = rest
        if _has_other_filter(*li, (n_outputs,)):
            _refuse(*li, "must filter the output, with r = 1 and v_leak = 0")
        tau = _tau(*li, (n_outputs,), dt, known)
        if not _is_that_of(tau, said.get("synapse"), dt):
            changes["synapse"] = exact(tau, dt)
        if not np.array_equal(_numbers(*shift, "weight"), np.eye(n_outputs)):
            _refuse(*shift, "must pass its input on, and add a constant alone")
    else:
        shift = decode
    estimator = _new(about, **changes)
    gain = np.linalg.norm(weight, axis=1)
    # A neuron that hears nothing may listen anywhere.
    estimator.encoders_ = np.tile(np.eye(1, n_features), (n_neurons, 1))
    heard = gain > 0
    estimator.encoders_[heard] = weight[heard] / gain[heard, np.newaxis]
    estimator.gain_, estimator.bias_ = gain, _constant(*encode, n_neurons)
    estimator.offset_, estimator.scale_ = np.zeros(n_features), np.ones(n_features)
    estimator.decoders_ = decoders / (estimator.amplitude / estimator.dt)
    estimator.output_bias_ = _constant(*shift, n_outputs)
    estimator.n_features_in_, estimator.method_ = n_features, about["method_"]
    estimator._drawn_voltage = np.array(about["_drawn_voltage"])
    _name(estimator, about)
    return estimator
