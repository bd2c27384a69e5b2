"""Estimators that learn from augmented images."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from ardoise import Augmentation, ConvClassifier, MLPClassifier

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype("f4")[:600]
Y = Y[:600]
SETTINGS = {"shift": 1, "noise": 0.02}


pytestmark = pytest.mark.filterwarnings("ignore:.*Maximum iterations")


def test_rows_are_images_of_a_shape():
    change = Augmentation(**SETTINGS, image_shape=(8, 8, 1))
    model = MLPClassifier(
        (64,), augmentation=change, learning_rate_init=0.01, max_iter=50, random_state=0
    )
    again = clone(model)
    assert again.augmentation == change
    model.fit(X, Y)
    again.fit(X, Y)
    np.testing.assert_array_equal(model.network_.theta, again.network_.theta)
    moved = np.roll(X.reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
    plain = clone(model).set_params(augmentation=None).fit(X, Y)
    assert model.score(moved, Y) > plain.score(moved, Y) + 0.2


def test_rows_without_a_shape_are_refused():
    model = MLPClassifier((8,), augmentation=Augmentation(**SETTINGS), max_iter=1)
    with pytest.raises(ValueError, match=r"augmentation needs images, .* image_shape="):
        model.fit(X, Y)


def test_convolutional_estimators_know_their_shape():
    model = ConvClassifier(
        filters=(4,), augmentation=Augmentation(**SETTINGS), max_iter=2, random_state=0
    )
    assert np.isfinite(model.fit(X.reshape(-1, 8, 8, 1), Y).network_.theta).all()
