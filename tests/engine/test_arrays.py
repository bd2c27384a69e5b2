"""How data are read: bytes and floats, and what is refused."""

import numpy as np
import pytest

from ardoise.engine.arrays import (
    MOST_SHAPES,
    Memory,
    as_float_dtype,
    as_samples,
    batch_count,
    batch_shape,
    check_finite,
    check_samples,
    from_layers,
    to_float,
    to_layers,
)


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("float32")])
def test_two_dtypes_are_taken(dtype):
    assert as_float_dtype(dtype) == np.dtype(dtype)


def test_a_dtype_is_always_in_the_order_of_this_machine():
    assert as_float_dtype(np.dtype("float32").newbyteorder()).isnative


@pytest.mark.parametrize("dtype", ["float16", "int64", "uint8", "complex128"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match=f"float32 or float64; got {dtype}"):
        as_float_dtype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bytes_are_divided_by_255_and_floats_taken_as_they_are(dtype):
    levels = np.arange(256, dtype=np.uint8)
    out = to_float(levels, np.empty(256, dtype))
    np.testing.assert_allclose(out, np.arange(256) / 255, rtol=1e-6)
    assert out[0] == 0
    assert out[255] == pytest.approx(1, abs=1e-7)
    numbers = np.array([0.0, 128.0, 255.0])
    assert to_float(numbers, np.empty(3, dtype)).tolist() == [0, 128, 255]


def test_good_samples_are_taken():
    check_samples(np.zeros((2, 3), np.uint8), (3,))
    check_samples(np.zeros((2, 3), np.float16), (3,))
    check_samples(np.zeros(2), ())


@pytest.mark.parametrize(
    ("x", "shape", "error", "sentence"),
    [
        (np.zeros((2, 3), int), (3,), TypeError, "bytes .* or floating.* got int64"),
        (np.zeros((2, 3), bool), (3,), TypeError, "got bool"),
        (np.zeros((2, 4)), (3,), ValueError, r"shape \(n, 3\); got \(2, 4\)"),
        (np.zeros(3), (3,), ValueError, r"shape \(n, 3\); got \(3,\)"),
        (np.zeros(()), (), ValueError, r"got \(\)"),
        (np.zeros((2, 8, 8)), (8, 8, 1), ValueError, r"\(n, 8, 8, 1\); got \(2, 8, 8"),
        (np.zeros((0, 3)), (3,), ValueError, "holds no sample"),
        (np.array([[0.0], [np.nan]]), (1,), ValueError, "x must hold .* row 1 holds"),
        (np.array([[-np.inf], [np.inf]]), (1,), ValueError, "row 0 holds NaN or"),
    ],
)
def test_bad_samples_are_refused_in_one_sentence(x, shape, error, sentence):
    with pytest.raises(error, match=sentence):
        check_samples(x, shape)


def test_a_bad_number_is_found_in_any_block_of_rows():
    values = np.zeros((3000, 1000), np.float32)  # three blocks of 2**20 numbers
    check_finite(values, "values")
    values[2500, 7] = np.inf
    with pytest.raises(ValueError, match=r"values must .* row 2500 holds"):
        check_finite(values, "values")


def test_large_finite_numbers_whose_sum_overflows_are_taken():
    check_finite(np.full((4, 2), 1e308), "values")
    check_finite(np.full(4, 1e308), "values")


# -- order and memory -----------------------------------------------------------------


@pytest.mark.parametrize("sample", [(), (3,), (4, 5), (2, 3, 4), (2, 3, 4, 5)])
def test_images_have_the_batch_third_and_the_rest_has_it_first(sample):
    x = np.arange(6 * int(np.prod(sample))).reshape(6, *sample)
    ordered = to_layers(x)
    assert ordered.shape == batch_shape(sample, 6)
    assert batch_count(ordered) == 6
    assert ordered.flags.c_contiguous
    np.testing.assert_array_equal(from_layers(ordered), x)
    np.testing.assert_array_equal(as_samples(ordered, sample), x)


def test_memory_gives_the_same_array_for_the_same_shape():
    memory = Memory(24, np.float32)
    view = memory((2, 3, 4))
    assert view.dtype == np.float32
    assert memory((2, 3, 4)) is view
    assert np.shares_memory(memory((5,)), view)
    for n in range(1, 3 * MOST_SHAPES):
        assert memory((n,)).shape == (n,)
    assert len(memory._views) <= MOST_SHAPES
