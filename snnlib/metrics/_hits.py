"""Which predictions were right, kept as text in a table."""

from __future__ import annotations

import base64
import binascii
import bz2
from typing import TYPE_CHECKING

import numpy as np

from snnlib.checks import check_unmasked, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

# Bytes that an honest text unpacks to: a million samples, predicted in 256 ways.
_LARGEST = 32_000_000


def pack_hits(hits: Mapping[str, ArrayLike]) -> str:
    """Write down which samples were predicted right, in several ways, as one text.

    A text of a thousand characters holds 16 ways of predicting 10,000 images: ways
    that mostly miss the same few images share their bits. It can be recorded as a
    metric, so that networks are compared image by image later.

    Parameters
    ----------
    hits : dict of str to bool array-like of shape (n_samples,)
        Whether each sample was predicted right, by the name of the way.

    Returns
    -------
    text : str

    Raises
    ------
    ValueError
        If there are none, a name is empty or holds a comma or colon, or the arrays are
        not bool, masked in part, or differ in length.

    See Also
    --------
    unpack_hits : Read them back.

    Examples
    --------
    >>> text = pack_hits({"last": [True, True, False], "mean": [True, True, True]})
    >>> unpack_hits(text)["last"].tolist()
    [True, True, False]
    """
    if not hasattr(hits, "items"):
        msg = f"hits must be a dict of arrays by name; got {shown(hits)}."
        raise ValueError(msg)
    # Tables too have items by name, but other values.
    for _, values in hits.items():
        check_unmasked("hits", values)
    try:
        arrays = {name: np.asarray(values) for name, values in hits.items()}
    except ValueError as error:
        msg = f"hits must hold arrays of one length; got {shown(hits)}."
        raise ValueError(msg) from error
    lengths = {array.shape for array in arrays.values()}
    if len(lengths) != 1 or len(*lengths) != 1 or next(iter(lengths)) == (0,):
        msg = (
            "hits must hold arrays of one length, one number for each sample; got "
            f"shapes {shown(sorted(lengths))}."
        )
        raise ValueError(msg)
    for name, array in arrays.items():
        if array.dtype != bool:
            msg = f"hits must be True or False; {name!r} has {array.dtype}."
            raise ValueError(msg)
        if not isinstance(name, str) or not name or set(name) & set(",:"):
            msg = f"hits must have names without comma and colon; got {shown(name)}."
            raise ValueError(msg)
    # Image by image: a miss is a rare byte then, whatever way it happened in.
    misses = np.packbits(~np.stack([*arrays.values()], axis=1), axis=1)
    packed = base64.b64encode(bz2.compress(misses.tobytes())).decode()
    return f"{','.join(arrays)}:{packed}"


def unpack_hits(text: str) -> dict[str, NDArray[np.bool_]]:
    """Read what `pack_hits` wrote.

    Parameters
    ----------
    text : str
        From `pack_hits`.

    Returns
    -------
    hits : dict of str to bool ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If it is something else.
    """
    names, _, packed = str(text).partition(":")
    names = names.split(",")
    width = -(-len(names) // 8)
    try:
        decompressor = bz2.BZ2Decompressor()
        content = decompressor.decompress(
            base64.b64decode(packed, validate=True), _LARGEST
        )
        is_whole = decompressor.eof and len(content) and not len(content) % width
    except (binascii.Error, OSError, EOFError, ValueError):
        is_whole = False
    if not is_whole:
        msg = f"text must be one from pack_hits; got {shown(text)}."
        raise ValueError(msg)
    misses = np.frombuffer(content, np.uint8).reshape(-1, width)
    bits = ~np.unpackbits(misses, axis=1, count=len(names)).astype(bool)
    return dict(zip(names, bits.T, strict=True))
