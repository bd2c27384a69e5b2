"""Pictures that are no digit."""

import numpy as np

from ardoise.digits.outliers import outliers


def test_they_are_framed_as_digits_are_and_differ():
    images = outliers(300, np.random.default_rng(0))
    assert images.shape == (300, 28, 28, 1) and images.dtype == np.uint8
    assert len(np.unique(images.reshape(300, -1), axis=0)) > 295
    ink = images[..., 0] > 127
    assert ink.any(axis=(1, 2)).all()
    for axis in (1, 2):
        lines = ink.any(axis=axis)
        first, last = lines.argmax(axis=1), 27 - lines[:, ::-1].argmax(axis=1)
        assert (last - first < 21).all()
        assert (last - first >= 8).all()  # what is narrow may be a 1
    levels, places = images[..., 0].astype(float), np.arange(28) + 0.5
    for axis in (1, 2):
        middle = levels.sum(axis=axis) @ places / levels.sum(axis=(1, 2))
        assert np.quantile(np.abs(middle - 14), 0.9) < 1


def test_the_generator_decides():
    first, again, other = (outliers(5, np.random.default_rng(i)) for i in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
    assert outliers(0, np.random.default_rng(0)).shape == (0, 28, 28, 1)
