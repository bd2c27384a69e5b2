"""Eight bits a number: how far from what they stand for, and what is computed with."""

import numpy as np
import pytest
from export_models import images_for, model_of
from hypothesis import given
from hypothesis import strategies as st

from ardoise import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Residual, Tanh
from ardoise.export import ExportError
from ardoise.export.plan import make_plan
from ardoise.export.proof import Case
from ardoise.export.quantize import (
    MOST_SUMMANDS,
    as_range,
    dequantized,
    lower,
    quantize_weights,
    ranges,
    with_int8_weights,
)

NUMBERS = st.floats(-1e6, 1e6, width=32)


def test_weights_are_within_half_a_step():
    rng = np.random.default_rng(0)
    W = (rng.normal(size=(3, 3, 4, 5)) * 10.0 ** np.arange(-2, 3)).astype(np.float32)
    q, scale = quantize_weights(W)
    assert q.dtype == np.int8 and q.min() >= -127 and scale.shape == (5,)
    np.testing.assert_array_equal(np.abs(q).reshape(-1, 5).max(axis=0), 127)
    assert (np.abs(q * scale - W) <= scale * 0.5001).all()


def test_weights_of_nothing_and_next_to_nothing():
    W = np.array([[0, 1e-45, 3e38], [0, -1e-45, -3e38]], np.float32)
    q, scale = quantize_weights(W)
    assert np.isfinite(scale).all() and np.isfinite(q * scale).all()
    np.testing.assert_allclose(q * scale, W, rtol=1e-6, atol=1e-44)


@given(NUMBERS, NUMBERS)
def test_a_range_covers_its_numbers_and_zero_exactly(a, b):
    low, high = min(a, b), max(a, b)
    kept = as_range(low, high)
    assert -128 <= kept.zero <= 127 and kept.scale > 0
    for x in (low, high, 0.0):
        q = min(max(round(x / kept.scale + kept.zero), -128), 127)
        assert abs(kept.scale * (q - kept.zero) - x) <= kept.scale * 1.01


def lowered(layers, shape, n=20):
    model = model_of(layers, shape)
    plan, x = with_int8_weights(make_plan(model)), images_for(model, n, floats=True)
    return lower(plan, ranges(dequantized(plan), x))


def kinds(int8):
    return [step.kind for step in int8.plan.steps]


def test_whole_numbers_go_through_relu_and_maximum():
    int8 = lowered(
        [
            *(Conv2D(4, 3), ReLU(), MaxPool2D(), Conv2D(4, 2), MaxPool2D(), ReLU()),
            *(Flatten(), Dense(5), ReLU(), Dense(3)),
        ],
        (9, 9, 1),
    )
    assert kinds(int8) == [
        *("quantize", "conv_int8", "max_pool_int8"),
        *("conv_int8", "max_pool_int8", "relu_int8", "flatten"),
        *("dense_int8", "dense_int8"),
    ]
    assert int8.plan.result not in int8.ranges


def test_what_needs_floats_gets_them():
    int8 = lowered([Dense(4), Tanh(), Dense(4), ReLU(), Residual([Dense(4)])], (3,))
    assert kinds(int8) == [
        *("quantize", "dense_int8", "tanh", "quantize", "dense_int8", "relu"),
        *("quantize", "dense_int8", "add"),
    ]


def test_one_copy_in_whole_numbers_serves_two():
    layers = [Residual([Dense(3)], [Dense(3)]), Dense(2)]
    assert kinds(lowered(layers, (3,))).count("quantize") == 2


def test_too_many_summands_for_32_bits():
    n = MOST_SUMMANDS + 1
    with pytest.raises(ExportError) as caught:
        lowered([Dense(1)], (n,), n=1)
    assert caught.value.key == "export.too_wide"
    assert MOST_SUMMANDS * 255 * 127 < 2**31 <= (MOST_SUMMANDS + 1) * 255 * 127


@pytest.mark.parametrize("wrong", range(1, 1000, 37))
def test_a_loss_that_is_just_allowed_is_allowed(wrong):
    """Of 1,000 images, one is 0.001, whatever the accuracy was before."""
    labels = np.zeros(1000, int)
    before, after = np.tile([0.9, 0.1], (1000, 1)), np.tile([0.9, 0.1], (1000, 1))
    before[:wrong], after[: wrong + 1] = [0.1, 0.9], [0.1, 0.9]
    for known in (labels, None):
        case = Case("c", before, known, 0.001, None)
        assert case.loss(after.argmax(axis=1)) == 0.001
