"""Architectures of conv nets: their layers in words, and the weights that fit them."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlib.checks import check_finite, check_path, check_whole, shown
from snnlib.files import read_arrays

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

# No array has an axis as long.
_MOST = 10**9


class Conv(NamedTuple):
    """A convolution with a LIF neuron behind every output."""

    filters: int
    kernel_size: int
    strides: int = 1


class Pool(NamedTuple):
    """An average over non-overlapping ``size`` x ``size`` squares."""

    size: int


class Dense(NamedTuple):
    """A fully connected layer with a LIF neuron behind every unit."""

    units: int


_LAYER_PATTERNS = {
    # More digits than nine are no layer that a computer could hold.
    Conv: re.compile(r"([0-9]{1,9})C([0-9]{1,9})(?:S([0-9]{1,9}))?"),
    Pool: re.compile(r"AP([0-9]{1,9})"),
    Dense: re.compile(r"([0-9]{1,9})"),
}


def parse_architecture(architecture: str) -> tuple[Conv | Pool | Dense, ...]:
    """Read a layer list such as ``"32C3-64C3-AP2-128C3-AP2"``.

    The linear read-out at the end is not written: its size is the number of classes.

    Parameters
    ----------
    architecture : str
        Layers joined by hyphens: ``32C3`` is a convolution with 32 filters of 3 x 3,
        ``64C3S2`` the same with a stride of 2, ``AP2`` an average pool of 2 x 2,
        and ``100`` a fully connected layer of 100. A LIF neuron follows every
        convolution and every fully connected layer.

    Returns
    -------
    layers : tuple of Conv, Pool and Dense

    Raises
    ------
    ValueError
        If a part cannot be read, an image layer follows a fully connected one, or
        there is no layer with neurons.

    Examples
    --------
    >>> parse_architecture("12C5-AP2-30")
    (Conv(filters=12, kernel_size=5, strides=1), Pool(size=2), Dense(units=30))
    """
    if not isinstance(architecture, str):
        got = shown(architecture)
        msg = f"architecture must be text such as '32C3-AP2'; got {got}."
        raise ValueError(msg)
    layers = tuple(_parse_layer(part, architecture) for part in architecture.split("-"))
    for before, after in itertools.pairwise(layers):
        if isinstance(before, Dense) and not isinstance(after, Dense):
            msg = (
                f"architecture={architecture!r}: {type(after).__name__} cannot follow "
                "a fully connected layer."
            )
            raise ValueError(msg)
    if all(isinstance(layer, Pool) for layer in layers):
        msg = f"architecture={architecture!r} has no neurons, only average pools."
        raise ValueError(msg)
    return layers


def _parse_layer(part, architecture):
    for layer, pattern in _LAYER_PATTERNS.items():
        match = pattern.fullmatch(part)
        numbers = [int(number) for number in match.groups() if number] if match else [0]
        if all(numbers):
            return layer(*numbers)
    msg = (
        f"architecture={shown(architecture)}: cannot read {shown(part)}. Each part "
        "must look like 32C3 (convolution), 32C3S2 (with stride 2), AP2 (average pool) "
        "or 100 (fully connected)."
    )
    raise ValueError(msg)


def check_weights(weights, image_shape, n_classes, architecture):
    """Refuse layers larger than their image, and weights of another architecture.

    Parameters
    ----------
    weights : list of ndarray or None
        Kernel and bias of each layer in turn, read-out last. None is fine.
    image_shape, n_classes, architecture
        As in `snnlib.conv_network`.

    Raises
    ------
    ValueError
        If a layer, the number of weights or one of their shapes does not fit.
    """
    shapes = weight_shapes(image_shape, n_classes, architecture)
    if weights is None:
        return
    if not isinstance(weights, list | tuple):
        msg = f"weights must be a list of arrays; got {type(weights).__name__}."
        raise ValueError(msg)
    if len(weights) != len(shapes):
        msg = (
            f"weights must hold {len(shapes)} arrays for architecture="
            f"{architecture!r}; got {len(weights)}."
        )
        raise ValueError(msg)
    for number, (weight, shape) in enumerate(zip(weights, shapes, strict=True)):
        if np.shape(weight) != shape:
            msg = (
                f"weights must have shape {shape} at place {number} for architecture="
                f"{architecture!r}; got {np.shape(weight)}."
            )
            raise ValueError(msg)
        check_finite(f"weights at place {number}", weight)


def weight_shapes(image_shape, n_classes, architecture):
    """Return the shapes of all weights, refusing layers larger than their image.

    Parameters
    ----------
    image_shape, n_classes, architecture
        As in `snnlib.conv_network`.

    Returns
    -------
    shapes : list of tuple of int
        Of kernel and bias of each layer in turn, read-out last.

    Raises
    ------
    ValueError
        If a layer does not fit, or a size is no whole number.
    """
    if not isinstance(image_shape, list | tuple) or len(image_shape) != 3:
        msg = (
            f"image_shape must be (rows, columns, channels); got {shown(image_shape)}."
        )
        raise ValueError(msg)
    *sides, channels = (
        check_whole("image_shape", side, 1, _MOST) for side in image_shape
    )
    check_whole("n_classes", n_classes, 1, _MOST)
    shapes = []
    for layer in parse_architecture(architecture):
        if isinstance(layer, Dense):
            shapes += [(math.prod(sides) * channels, layer.units), (layer.units,)]
            sides, channels = [], layer.units
            continue
        is_pool = isinstance(layer, Pool)
        size = layer.size if is_pool else layer.kernel_size
        step = layer.size if is_pool else layer.strides
        if size > min(sides):
            msg = (
                f"architecture={architecture!r}: {layer} is larger than the "
                f"{sides[0]} x {sides[1]} image that reaches it."
            )
            raise ValueError(msg)
        sides = [(side - size) // step + 1 for side in sides]
        if not is_pool:
            shapes += [(size, size, channels, layer.filters), (layer.filters,)]
            channels = layer.filters
    return [*shapes, (math.prod(sides) * channels, n_classes), (n_classes,)]


def read_weights(path: str | os.PathLike[str]) -> list[NDArray[Any]]:
    """Read trained weights in the order `conv_network` and its twins take them.

    Parameters
    ----------
    path : path-like
        An ``.npz`` file with arrays ``weights_00``, ``weights_01`` ...

    Returns
    -------
    weights : list of ndarray
        Kernel and bias of each layer in turn, read-out last.

    Raises
    ------
    ValueError
        If the file is damaged, or holds no such arrays.
    """
    path = check_path("path", path)
    arrays = read_arrays(path)
    numbers = {
        int(name.removeprefix("weights_")): name
        for name in arrays
        if re.fullmatch(r"weights_[0-9]{1,9}", name)
    }
    if not numbers:
        msg = f"{path} holds no weights, only {sorted(arrays)}."
        raise ValueError(msg)
    return [arrays[numbers[number]] for number in sorted(numbers)]
