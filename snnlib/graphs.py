"""Estimators as graphs of NIR, which other simulators and chips read, and back."""

from __future__ import annotations

import io
import itertools
import json
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from sklearn.utils.validation import check_is_fitted

from snnlib._version import __version__
from snnlib.architectures import Conv, Dense, Pool, check_weights, parse_architecture
from snnlib.checks import check_choice, check_number, check_path, shown
from snnlib.files import plain, written_whole

if TYPE_CHECKING:
    from snnlib.estimators import (
        SpikingClassifier,
        SpikingConvClassifier,
        SpikingRegressor,
    )

# No voltage comes so low: the floor of neurons that have none.
_NO_FLOOR = -1e9
# Where in a graph's metadata stands what a reader of ours needs.
_ABOUT = "snnlib"


def to_nir(
    estimator: SpikingRegressor | SpikingClassifier | SpikingConvClassifier,
    *,
    synapse: float | Literal["own"] | None = "own",
    pool: Literal["average", "sum"] = "average",
    unsaid: Literal["refuse", "metadata"] = "refuse",
) -> Any:
    """Return a fitted estimator as a graph of NIR, for other simulators and for chips.

    Weights hold what NIR has no place for: gains, and the height of a spike. Images
    have their channels first. Time constants are those with which a reader that steps
    by Euler with the estimator's ``dt`` computes the same voltages; the graph's
    ``metadata`` names that ``dt``.

    Parameters
    ----------
    estimator : SpikingRegressor, SpikingClassifier or SpikingConvClassifier
        Fitted.
    synapse : float, None or "own", default="own"
        Low-pass time constant of the output in seconds, which becomes an ``LI`` at the
        end; "own" is the estimator's. None ends the graph with the weighted spikes, for
        readers that know no ``LI``; `lowpass` filters what they give. An ``LI`` answers
        one step sooner than Nengo's synapse.
    pool : {"average", "sum"}, default="average"
        Kind of the pools between convolutions. Some readers know only one of them.
    unsaid : {"refuse", "metadata"}, default="refuse"
        What becomes of settings that NIR cannot say and that change spikes: a
        refractory period, a voltage to start from, a floor of the voltage that is
        reached, a synapse between layers. They are refused, or left out of the graph
        and written to its ``metadata``, where `from_nir` finds them and no other
        reader does.

    Returns
    -------
    graph : nir.NIRGraph
        For ``nir.write``, or for a reader's own function.

    Raises
    ------
    ImportError
        If the package ``nir`` is missing.
    ValueError
        If a setting cannot be said; the message names it.

    See Also
    --------
    from_nir : The way back.

    References
    ----------
    J. E. Pedersen et al., "Neuromorphic intermediate representation: A unified
    instruction set for interoperable brain-inspired computing", *Nature
    Communications* 15, 8122, 2024.
    """
    _import_nir()
    check_choice("pool", pool, ("average", "sum"))
    check_choice("unsaid", unsaid, ("refuse", "metadata"))
    if not hasattr(estimator, "_lif"):
        msg = f"estimator must be one of snnlib's; got {shown(estimator)}."
        raise ValueError(msg)
    check_is_fitted(estimator)
    estimator.check_parameters()
    synapse, _ = estimator._own(synapse=synapse, readout="own")
    if synapse is not None:
        synapse = check_number("synapse", synapse, low=0)
    if hasattr(estimator, "architecture"):
        nodes, lowest = _conv_nodes(estimator, synapse or None, pool)
    else:
        # Its input is constant, and a neuron that falls below 0 then never fires.
        nodes, lowest = _ensemble_nodes(estimator, synapse or None), 0.0
    left_out = _unsaid(estimator, lowest)
    if left_out and unsaid == "refuse":
        sentences = " ".join(sentence for _, sentence in left_out.values())
        msg = f"{sentences} With unsaid='metadata' the graph leaves out, and says so."
        raise ValueError(msg)
    metadata: dict[str, Any] = {"dt": float(estimator.dt)}
    if left_out:
        metadata["unsaid"] = {name: value for name, (value, _) in left_out.items()}
    metadata[_ABOUT] = json.dumps(plain(_about(estimator)))
    return _graph(nodes, metadata)


def write_graph(graph, path):
    """Write a graph to a file that is whole or not there.

    Parameters
    ----------
    graph : nir.NIRGraph
        From `to_nir`.
    path : path-like
        Where to write; the folder must exist.
    """
    content = io.BytesIO()
    _import_nir().write(content, graph)
    with written_whole(check_path("path", path), "wb") as file:
        file.write(content.getvalue())


def _import_nir():
    try:
        import nir
    except ImportError as error:
        msg = 'This needs nir. Install it with: pip install "snnlib[nir]"'
        raise ImportError(msg) from error
    return nir


def _unsaid(estimator, lowest):
    """Return what NIR cannot say of an estimator: value and sentence by setting."""
    needs = {
        "tau_ref": (
            estimator.tau_ref == 0,
            "must be 0 for NIR, whose neurons have no refractory period",
        ),
        "initial_voltage": (
            estimator.initial_voltage == "zero",
            "must be 'zero' for NIR, whose neurons have no voltage to start from",
        ),
        "min_voltage": (
            estimator.min_voltage <= lowest,
            f"must be at most {np.floor(lowest):g}, which no voltage falls below, for "
            "NIR, whose neurons have no floor",
        ),
        "layer_synapse": (
            getattr(estimator, "layer_synapse", None) is None,
            "must be None for NIR, whose filters pass spikes on a step sooner",
        ),
    }
    return {
        name: (value, f"{name} {need}; got {value!r}.")
        for name, (is_said, need) in needs.items()
        for value in [getattr(estimator, name, None)]
        if not is_said
    }


def _about(estimator):
    """Return what makes a graph this estimator again, for JSON."""
    parameters = estimator.get_params()
    if not isinstance(parameters["random_state"], Integral):
        # What it drew is kept.
        parameters["random_state"] = None
    about = {
        "snnlib": __version__,
        "estimator": type(estimator).__name__,
        "parameters": parameters,
    }
    if (classes := getattr(estimator, "classes_", None)) is not None:
        about["classes"] = classes
        about["classes_dtype"] = "O" if classes.dtype.hasobject else classes.dtype.str
    for name in ("seed_", "method_", "_drawn_voltage", "feature_names_in_"):
        if hasattr(estimator, name):
            about[name] = getattr(estimator, name)
    return about


def _graph(nodes, metadata):
    """Return nodes that follow each other as a graph, each named by what it is."""
    nir = _import_nir()
    kinds = [type(node).__name__.lower() for node in nodes]
    names = [
        kind if kinds.count(kind) == 1 else f"{kind}_{kinds[:place].count(kind)}"
        for place, kind in enumerate(kinds)
    ]
    edges = list(itertools.pairwise(names))
    named = dict(zip(names, nodes, strict=True))
    return nir.NIRGraph(named, edges, metadata=metadata)


def _conv_nodes(classifier, synapse, pool):
    """Return a conv net's nodes, and the lowest current of neurons fed by spikes."""
    nir = _import_nir()
    lifs = iter(classifier._lifs)
    pairs = zip(classifier.weights_[::2], classifier.weights_[1::2], strict=True)
    rows, columns, channels = classifier.image_shape_
    shape: tuple[int, ...] = (channels, rows, columns)
    nodes = [nir.Input(np.array(shape))]
    # A pixel counts as it is. A spike of NIR is 1, and one of Nengo amplitude / dt.
    height, area, lowest = 1.0, 1, np.inf
    for layer in (*parse_architecture(classifier.architecture), None):
        if isinstance(layer, Pool):
            size = np.array([layer.size] * 2)
            kind = nir.AvgPool2d if pool == "average" else nir.SumPool2d
            nodes.append(kind(kernel_size=size, stride=size, padding=0 * size))
            shape = (shape[0], *(side // layer.size for side in shape[1:]))
            area *= layer.size**2 if pool == "sum" else 1
            continue
        kernel, constant = (np.asarray(w, np.float64) for w in next(pairs))
        # J = gain x + bias, but for the read-out, which has no neurons.
        slope, offset = 1.0, 0.0
        if layer is not None:
            lif = next(lifs)
            slope, offset = (float(values[0]) for values in lif.gain_bias())
        kernel, constant = slope * height * kernel, slope * constant + offset
        if isinstance(layer, Conv):
            weight = kernel.transpose(3, 2, 0, 1)
        else:
            if len(shape) == 3:
                nodes.append(nir.Flatten({"input": np.array(shape)}, 0, -1))
            weight = _channels_first(kernel, shape)
        if layer is not None and any(isinstance(node, nir.LIF) for node in nodes):
            # Where the neurons with negative weights spike, and no others.
            negative = np.minimum(weight, 0).sum(axis=tuple(range(1, weight.ndim)))
            lowest = min(lowest, float((negative + constant).min()))
        weight = weight / area
        if isinstance(layer, Conv):
            nodes.append(
                nir.Conv2d(shape[1:], weight, layer.strides, 0, 1, 1, constant)
            )
            shape = tuple(int(side) for side in nodes[-1].output_type["output"])
        else:
            nodes.append(nir.Affine(weight, constant))
            shape = (len(constant),)
        if layer is not None:
            nodes.append(_lif_node(lif.tau_rc, classifier.dt, shape))
        height, area = classifier.amplitude / classifier.dt, 1
    if synapse:
        nodes.append(_li_node(synapse, classifier.dt, shape))
    return [*nodes, nir.Output(np.array(shape))], min(lowest, 0.0)


def _ensemble_nodes(estimator, synapse):
    """Return the nodes of one ensemble between an input and an output."""
    nir = _import_nir()
    weight = estimator.encoders_ * (estimator.gain_[:, np.newaxis] / estimator.scale_)
    decoders = estimator.decoders_ * (estimator.amplitude / estimator.dt)
    n_outputs, n_neurons = decoders.shape
    nodes = [
        nir.Input(np.array([weight.shape[1]])),
        nir.Affine(weight, estimator.bias_ - weight @ estimator.offset_),
        _lif_node(estimator.tau_rc, estimator.dt, (n_neurons,)),
    ]
    if synapse:
        # The constant of the output is not filtered.
        nodes += [
            nir.Linear(decoders),
            _li_node(synapse, estimator.dt, (n_outputs,)),
            nir.Affine(np.eye(n_outputs), np.array(estimator.output_bias_)),
        ]
    else:
        nodes.append(nir.Affine(decoders, np.array(estimator.output_bias_)))
    return [*nodes, nir.Output(np.array([n_outputs]))]


def _channels_first(kernel, shape):
    """Return a dense kernel as (units, inputs), its inputs with channels first."""
    if len(shape) == 3:
        channels, rows, columns = shape
        kernel = kernel.reshape(rows, columns, channels, -1).transpose(2, 0, 1, 3)
    return kernel.reshape(-1, kernel.shape[-1]).T


def _channels_last(weight, shape):
    """Return the dense kernel that `_channels_first` made ``weight`` of."""
    if len(shape) == 3:
        weight = weight.reshape(-1, *shape).transpose(2, 3, 1, 0)
        return weight.reshape(-1, weight.shape[-1])
    return weight.T


def _lif_node(tau_rc, dt, shape):
    nir = _import_nir()
    one = np.ones(shape)
    return nir.LIF(_euler(tau_rc, dt) * one, one, 0 * one, one, 0 * one)


def _li_node(synapse, dt, shape):
    nir = _import_nir()
    one = np.ones(shape)
    return nir.LI(_euler(synapse, dt) * one, one, 0 * one)


def _euler(tau, dt):
    """Return the time constant with which a step by Euler is the exact one of tau."""
    return float(-dt / np.expm1(-dt / tau))


def _exact(tau, dt):
    """Return the time constant that `_euler` made ``tau`` of."""
    return float(-dt / np.log1p(-dt / tau))


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
    with LIF neurons, pools between them, and a read-out that may be filtered.

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
        If the graph has another shape; the message names the node.
    """
    nir = _import_nir()
    if not isinstance(graph, nir.NIRGraph):
        msg = f"graph must be a nir.NIRGraph; got {shown(graph)}."
        raise ValueError(msg)
    metadata = graph.metadata
    said = float(metadata["dt"]) if "dt" in metadata else None
    if dt is not None:
        dt = check_number("dt", dt, above=0)
        if said is not None and said != dt:
            msg = f"dt must be that of the graph, {said:g} s; got {dt:g}."
            raise ValueError(msg)
    dt = dt or said or 0.001
    about = json.loads(str(metadata[_ABOUT])) if _ABOUT in metadata else {}
    chain = _chain(graph)
    if about.get("estimator") in ("SpikingRegressor", "SpikingClassifier"):
        return _ensemble(chain, about)
    return _conv_net(chain, about, dt)


def _chain(graph):
    """Return the nodes between input and output, with their names, in turn."""
    nir = _import_nir()
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for before, name in graph.edges:
        after[before].append(name)
    names = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    # A graph that turns in a circle has more steps than nodes.
    while len(names) in range(1, len(graph.nodes) + 1) and len(after[names[-1]]) == 1:
        names += after[names[-1]]
    if len(names) != len(graph.nodes) or not isinstance(
        graph.nodes[names[-1]], nir.Output
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


def _one_value(name, node, attribute):
    """Return the value that all neurons of a node share."""
    values = np.unique(np.asarray(getattr(node, attribute), float))
    if len(values) != 1:
        _refuse(name, node, f"must have one {attribute} for all its neurons")
    return float(values[0])


def _pair(value):
    """Return rows and columns of a size that may be one number for both."""
    return tuple(int(side) for side in np.broadcast_to(value, 2))


class _Reader:
    """Reads a chain of nodes into layers, weights and time constants."""

    def __init__(self, shape):
        self.image_shape = self.shape = shape
        self.parts, self.layers = [], []
        self.tau = self.li_tau = None
        self.area, self.waiting = 1, None

    def read(self, name, node):
        """Take the next node in."""
        kind = type(node).__name__
        if not hasattr(self, f"read_{kind}"):
            _refuse(name, node, "is of no kind that snnlib has")
        if self.waiting is not None and kind not in ("LIF", "LI"):
            _refuse(name, node, "must not follow a layer without neurons")
        getattr(self, f"read_{kind}")(name, node)

    def read_Conv2d(self, name, node):
        size, stride = node.weight.shape[2:], _pair(node.stride)
        # A text, or what is read from a file: two numbers.
        padding = "valid" if np.all(node.padding == np.zeros(2)) else node.padding
        if (
            str(padding) != "valid"
            or (_pair(node.dilation) != (1, 1) or int(node.groups) != 1)
            or (len({*size}) != 1 or len({*stride}) != 1)
        ):
            _refuse(
                name,
                node,
                "must have square kernels and steps, and no padding, dilation or "
                "groups",
            )
        weight = np.asarray(node.weight, float)
        layer = Conv(weight.shape[0], size[0], stride[0])
        self.waiting = (layer, weight.transpose(2, 3, 1, 0), node.bias)
        sides = ((side - size[0]) // stride[0] + 1 for side in self.shape[1:])
        self.shape = (weight.shape[0], *sides)

    def read_Affine(self, _, node):
        weight = np.asarray(node.weight, float)
        kernel = _channels_last(weight, self.shape)
        self.waiting = (Dense(len(weight)), kernel, getattr(node, "bias", 0.0))
        self.shape = (len(weight),)

    read_Linear = read_Affine

    def read_AvgPool2d(self, name, node):
        size = _pair(node.kernel_size)
        if (
            len({*size}) != 1
            or size != _pair(node.stride)
            or _pair(node.padding) != (0, 0)
        ):
            _refuse(name, node, "must have squares that touch, and no padding")
        self.parts.append(f"AP{size[0]}")
        self.shape = (self.shape[0], *(side // size[0] for side in self.shape[1:]))
        return size[0] ** 2

    def read_SumPool2d(self, name, node):
        self.area *= self.read_AvgPool2d(name, node)

    def read_Flatten(self, name, node):
        # Weights that follow take the channels first, as the graph does.
        if np.prod(node.output_type["output"]) != np.max(node.output_type["output"]):
            _refuse(name, node, "must flatten all there is")

    def read_LIF(self, name, node):
        if self.waiting is None:
            _refuse(name, node, "must follow a layer with weights")
        tau, r, leak, threshold, reset = (
            _one_value(name, node, attribute)
            for attribute in ("tau", "r", "v_leak", "v_threshold", "v_reset")
        )
        if reset != 0 or not threshold > 0:
            _refuse(name, node, "must reset to 0, below its threshold")
        if self.tau is not None and not np.isclose(tau, self.tau, rtol=1e-6):
            _refuse(name, node, "must have the time constant of all others")
        self.tau = tau if self.tau is None else self.tau
        layer, kernel, constant = self.waiting
        # In units of the threshold, and of a neuron that leaks to 0.
        slope, offset = r / threshold, leak / threshold
        self._keep(layer, slope * kernel, slope * np.asarray(constant, float) + offset)
        steps = f"S{layer.strides}" if getattr(layer, "strides", 1) > 1 else ""
        self.parts.append(
            f"{layer.filters}C{layer.kernel_size}{steps}"
            if isinstance(layer, Conv)
            else f"{layer.units}"
        )

    def read_LI(self, name, node):
        r, leak = (_one_value(name, node, attribute) for attribute in ("r", "v_leak"))
        if self.waiting is None or (r, leak) != (1, 0):
            _refuse(name, node, "must filter the read-out, with r = 1 and v_leak = 0")
        self.li_tau = _one_value(name, node, "tau")

    def end(self, name, node):
        """Take what came last as the read-out."""
        if self.waiting is None or not self.layers or len(self.shape) != 1:
            _refuse(name, node, "must follow neurons and a read-out with weights")
        _, kernel, constant = self.waiting
        self._keep(None, kernel, np.asarray(constant, float))

    def _keep(self, layer, kernel, constant):
        constant = np.broadcast_to(constant, kernel.shape[-1:])
        self.layers.append(_Layer(layer, kernel * self.area, constant))
        self.waiting, self.area = None, 1


def _conv_net(chain, about, dt):
    """Return the conv net that a chain of nodes is."""
    from snnlib.estimators import SpikingConvClassifier

    (_, first), *between, last = chain
    sizes = tuple(int(side) for side in np.ravel(first.input_type["input"]))
    if len(sizes) not in (1, 3):
        _refuse(*chain[0], "must hold channels, rows and columns, or features alone")
    reader = _Reader(sizes if len(sizes) == 3 else (1, 1, *sizes))
    for name, node in between:
        reader.read(name, node)
    reader.end(*last)
    parameters = about.get("parameters") or {
        "dt": dt,
        "presentation_time": 30 * dt,
        "synapse": reader.li_tau and _exact(reader.li_tau, dt),
        "max_rate": min(100.0, 0.1 / dt),
        "tau_ref": 0.0,
        # A spike of height 1.
        "amplitude": dt,
        "min_voltage": _NO_FLOOR,
    }
    tau_rc = _exact(reader.tau, dt)
    if not np.isclose(parameters.get("tau_rc", np.nan), tau_rc, rtol=1e-6, atol=0):
        parameters["tau_rc"] = tau_rc
    parameters["architecture"] = "-".join(reader.parts)
    classifier = SpikingConvClassifier(**parameters).check_parameters()

    gain, bias = (float(values[0]) for values in classifier._lif.gain_bias())
    height, weights = 1.0, []
    for layer, kernel, constant in reader.layers:
        slope, offset = (1.0, 0.0) if layer is None else (gain, bias)
        weights.append((kernel / (slope * height)).astype(np.float32))
        weights.append(((constant - offset) / slope).astype(np.float32))
        height = classifier.amplitude / dt
    channels, rows, columns = reader.image_shape
    classifier.image_shape_ = (rows, columns, channels)
    classifier.n_features_in_ = rows * columns * channels
    classifier.weights_, classifier.history_ = weights, {}
    classifier.seed_ = about.get("seed_", 0)
    classifier.classes_ = np.arange(len(weights[-1]))
    _name(classifier, about)
    classifier._simulator = None
    check_weights(
        weights,
        classifier.image_shape_,
        len(classifier.classes_),
        classifier.architecture,
    )
    return classifier


def _name(estimator, about):
    """Give an estimator the names of its classes and features, where it had any."""
    if "classes" in about:
        estimator.classes_ = np.array(about["classes"], about["classes_dtype"])
    if "feature_names_in_" in about:
        names = np.array(about["feature_names_in_"], dtype=object)
        estimator.feature_names_in_ = names


def _ensemble(chain, about):
    """Return the ensemble that a chain of nodes of `to_nir` is."""
    import snnlib.estimators

    estimator = getattr(snnlib.estimators, about["estimator"])(**about["parameters"])
    estimator.check_parameters()
    nodes = [node for _, node in chain]
    kinds = [type(node).__name__ for node in nodes[1:-1]]
    filtered = ["Affine", "LIF", "Linear", "LI", "Affine"]
    if kinds not in (["Affine", "LIF", "Affine"], filtered):
        msg = f"graph must hold one ensemble, as {about['estimator']} is; got {kinds}."
        raise ValueError(msg)
    _, encode, lif, decode, *_ = nodes
    tau_rc = _exact(_one_value(chain[2][0], lif, "tau"), estimator.dt)
    if not np.isclose(tau_rc, estimator.tau_rc, rtol=1e-6, atol=0):
        estimator.tau_rc = tau_rc
    weight = np.asarray(encode.weight, float)
    gain = np.linalg.norm(weight, axis=1)
    n_neurons, n_features = weight.shape
    # A neuron that hears nothing may listen anywhere.
    estimator.encoders_ = np.tile(np.eye(1, n_features), (n_neurons, 1))
    heard = gain > 0
    estimator.encoders_[heard] = weight[heard] / gain[heard, np.newaxis]
    estimator.gain_, estimator.bias_ = gain, np.asarray(encode.bias, float)
    estimator.offset_, estimator.scale_ = np.zeros(n_features), np.ones(n_features)
    height = estimator.amplitude / estimator.dt
    estimator.decoders_ = np.asarray(decode.weight, float) / height
    estimator.output_bias_ = np.asarray(nodes[-2].bias, float)
    estimator.n_features_in_, estimator.method_ = n_features, about["method_"]
    estimator._drawn_voltage = np.array(about["_drawn_voltage"])
    _name(estimator, about)
    return estimator
