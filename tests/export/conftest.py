"""A model small enough for every proof."""

import pytest
from export_models import model_of

from ardoise import Conv2D, Dense, Flatten, MaxPool2D, ReLU


@pytest.fixture
def small():
    """A small model for pictures of 8 × 8 pixels."""
    layers = [
        *(Conv2D(4, 3, padding="same"), ReLU(), MaxPool2D()),
        *(Flatten(), Dense(12), ReLU(), Dense(3)),
    ]
    return model_of(layers, (8, 8, 1), classes=("zéro", "un", "deux"))
