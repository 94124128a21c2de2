"""Images: one form for all that come, and a sentence for those that do not fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snnlib.images import check_images


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((2, 25), (5, 5, 1)),
        ((2, 5, 7), (5, 7, 1)),
        ((2, 5, 7, 3), (5, 7, 3)),
        # A row of a few pixels with a few channels may be just that.
        ((2, 1, 9, 4), (1, 9, 4)),
        ((2, 5, 5, 32), (5, 5, 32)),
    ],
)
def test_check_images_flattens_what_it_is_given(shape, found):
    """Rows hold the pixels in order, and the shape is found or asked for."""
    X = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    for asked in (None, found):
        flat, image_shape = check_images(X, asked)
        assert image_shape == found
        assert flat.dtype == np.float32
        np.testing.assert_array_equal(flat.ravel(), X.ravel().astype(np.float32))


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 1, 28, 28), (2, 4, 9, 30)])
def test_check_images_recognises_channels_first(shape):
    """One, three or four rows of many channels are no picture."""
    with pytest.raises(ValueError, match=r"X must have its channels last.*got \(2, "):
        check_images(np.zeros(shape))


@given(
    hnp.arrays(
        st.sampled_from(["f8", "f4", "i4", "u1", "?", "c16", "U2", "O"]),
        hnp.array_shapes(min_dims=0, max_dims=5, max_side=5),
    )
    | st.lists(st.lists(st.floats(0, 1) | st.none() | st.text(), max_size=3))
    | st.none()
    | st.text()
)
def test_check_images_returns_images_or_says_why_not(X):
    """Nothing but a ValueError that speaks of X comes out of bad input."""
    try:
        flat, (rows, columns, channels) = check_images(X)
    except ValueError as error:
        message = str(error)
    else:
        assert flat.shape == (len(X), rows * columns * channels)
        assert flat.min() >= 0
        assert flat.max() <= 1
        message = "X is fine"
    assert message.startswith("X ")
