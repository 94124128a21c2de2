"""Images as the conv nets take them: flat rows of grey between 0 and 1."""

import numpy as np

from snnlib.checks import check_unmasked


def check_images(X, image_shape=None):
    """Return images as flat rows of float32, with the shape they came in.

    Parameters
    ----------
    X : array-like of shape (n_images, rows, columns), \
            (n_images, rows, columns, channels) or (n_images, n_pixels)
        Images with pixels in [0, 1]. Flat images must be square.
    image_shape : tuple of int or None, default=None
        Rows, columns and channels the images must have; None takes any.

    Returns
    -------
    images : float32 ndarray of shape (n_images, n_pixels)
    image_shape : tuple of int
        Rows, columns and channels.

    Raises
    ------
    ValueError
        If ``X`` holds something else, images of another shape, or pixels outside
        [0, 1]. Images with their channels first are recognised and refused.
    """
    check_unmasked("X", X)
    try:
        images = np.asarray(X)
    except ValueError as error:
        msg = f"X must hold images of one shape: {error}."
        raise ValueError(msg) from error
    if images.dtype.kind not in "buif":
        msg = f"X must hold real numbers; got dtype {images.dtype}."
        raise ValueError(msg)
    if images.ndim not in (2, 3, 4) or 0 in images.shape:
        msg = (
            "X must have shape (n_images, n_pixels), (n_images, rows, columns) or "
            f"(n_images, rows, columns, channels), none of them 0; got {images.shape}."
        )
        raise ValueError(msg)
    found = image_shape if images.ndim == 2 and image_shape else _image_shape(images)
    if image_shape is not None and found != tuple(image_shape):
        msg = f"X must hold images of shape {tuple(image_shape)}; got {found}."
        raise ValueError(msg)
    # What overflows is outside the range, too.
    with np.errstate(over="ignore"):
        flat = images.reshape(len(images), -1).astype(np.float32, copy=False)
    if flat.shape[1] != np.prod(found):
        msg = f"X must hold {np.prod(found)} pixels an image; got {flat.shape[1]}."
        raise ValueError(msg)
    # Not (a <= b) instead of a > b, so that NaN is refused too.
    if not (flat.min() >= 0 and flat.max() <= 1):
        msg = (
            f"X must hold pixels in [0, 1]; got values from {flat.min():g} to "
            f"{flat.max():g}. Divide 8-bit images by 255."
        )
        raise ValueError(msg)
    return flat, tuple(found)


def _image_shape(images):
    """Read rows, columns and channels from the shape of ``images``."""
    if images.ndim > 2:
        rows, columns, channels = (*images.shape[1:], 1)[:3]
        # No image has so few rows and so many colours.
        if rows <= 4 < min(columns, channels):
            msg = (
                f"X must have its channels last, (n_images, rows, columns, channels); "
                f"got {images.shape}, which looks like channels first."
            )
            raise ValueError(msg)
        return rows, columns, channels
    side = round(images.shape[1] ** 0.5)
    if side**2 != images.shape[1]:
        msg = (
            f"X has {images.shape[1]} pixels an image, which is not a square. Give "
            "images the shape (n_images, rows, columns)."
        )
        raise ValueError(msg)
    return (side, side, 1)
