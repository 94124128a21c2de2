"""Write estimators as graphs of NIR."""

from __future__ import annotations

import io
import itertools
import json
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils.validation import check_is_fitted

from snnlib._version import __version__
from snnlib.architectures import Conv, Pool, check_weights, parse_architecture
from snnlib.checks import check_choice, check_finite, check_number, check_path, shown
from snnlib.files import plain, written_whole
from snnlib.graphs._nodes import ABOUT, euler, import_nir

if TYPE_CHECKING:
    from snnlib.estimators import (
        SpikingClassifier,
        SpikingConvClassifier,
        SpikingRegressor,
    )

# What of an ensemble becomes weights.
_ENSEMBLE = ("encoders_", "gain_", "bias_", "offset_", "scale_", "decoders_")


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
        If a setting cannot be said, or a weight is not finite or of another
        architecture; the message names it.

    See Also
    --------
    from_nir : The way back.

    References
    ----------
    J. E. Pedersen et al., "Neuromorphic intermediate representation: A unified
    instruction set for interoperable brain-inspired computing", *Nature
    Communications* 15, 8122, 2024.
    """
    import_nir()
    check_choice("pool", pool, ("average", "sum"))
    check_choice("unsaid", unsaid, ("refuse", "metadata"))
    if not hasattr(estimator, "_lif"):
        msg = f"estimator must be one of snnlib's; got {shown(estimator)}."
        raise ValueError(msg)
    check_is_fitted(estimator)
    estimator.check_parameters()
    synapse, _ = estimator._own(synapse=synapse, readout="own")
    if isinstance(synapse, str):
        msg = f"synapse must be a number from 0, None or 'own'; got {synapse!r}."
        raise ValueError(msg)
    synapse = check_number("synapse", synapse, low=0, is_optional=True)
    _check_fitted_values(estimator)
    if hasattr(estimator, "architecture"):
        nodes, lowest = _conv_nodes(estimator, synapse or None, pool)
    else:
        # Its input is constant, and a neuron that falls below 0 then never fires.
        nodes, lowest = _ensemble_nodes(estimator, synapse or None), 0.0
    left_out = _unsaid(estimator, lowest)
    if left_out and unsaid == "refuse":
        sentences = " ".join(sentence for _, sentence in left_out.values())
        where = "With unsaid='metadata' the graph leaves that out, and says so."
        msg = f"{sentences} {where}"
        raise ValueError(msg)
    metadata: dict[str, Any] = {"dt": float(estimator.dt)}
    if left_out:
        metadata["unsaid"] = {name: value for name, (value, _) in left_out.items()}
    metadata[ABOUT] = json.dumps(plain(_about(estimator)))
    return _graph(nodes, metadata)


def _check_fitted_values(estimator):
    """Refuse weights that are not finite or do not fit, and classes JSON has not."""
    if hasattr(estimator, "architecture"):
        shape, n_classes = tuple(estimator.image_shape_), len(estimator.classes_)
        check_weights(estimator.weights_, shape, n_classes, estimator.architecture)
    else:
        for name in (*_ENSEMBLE, "output_bias_"):
            check_finite(name, getattr(estimator, name))
    classes = getattr(estimator, "classes_", None)
    if classes is not None and np.array(classes.tolist()).dtype.kind not in "biufU":
        msg = f"classes must be numbers or strings for a graph; got {shown(classes)}."
        raise ValueError(msg)


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
    import_nir().write(content, graph)
    with written_whole(check_path("path", path), "wb") as file:
        file.write(content.getvalue())


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
    for name in ("seed_", "method_", "_drawn_voltage", "feature_names_in_", "trained_"):
        if hasattr(estimator, name):
            about[name] = getattr(estimator, name)
    return about


def _graph(nodes, metadata):
    """Return nodes that follow each other as a graph, each named by what it is."""
    nir = import_nir()
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
    nir = import_nir()
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
    nir = import_nir()
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


def _lif_node(tau_rc, dt, shape):
    nir = import_nir()
    one = np.ones(shape)
    return nir.LIF(euler(tau_rc, dt) * one, one, 0 * one, one, 0 * one)


def _li_node(synapse, dt, shape):
    nir = import_nir()
    one = np.ones(shape)
    return nir.LI(euler(synapse, dt) * one, one, 0 * one)
