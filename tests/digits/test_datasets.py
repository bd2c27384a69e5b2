import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ardoise.digits import DataError, make_dataset

LABELS = [0, 1, 0, 1]
IMAGES = np.arange(64, dtype=np.uint8).reshape(4, 4, 4)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 16), (4, 4, 4, 1)),
        ((4, 15), (4, 15)),
        ((4, 3, 5), (4, 3, 5, 1)),
        ((4, 3, 5, 3), (4, 3, 5, 3)),
        ((4, 1), (4, 1, 1, 1)),
    ],
)
def test_shapes(shape, expected):
    for dtype in (np.uint8, np.int64, np.float32, np.float64):
        data = make_dataset(np.zeros(shape, dtype), LABELS, "zeros")
        assert data.images.shape == expected
        kind = np.float32 if np.dtype(dtype).kind == "f" else np.uint8
        assert data.images.dtype == kind
        assert data.images.flags.c_contiguous
        assert len(data) == 4


def test_what_is_right_already_is_not_copied():
    for images in (IMAGES, IMAGES.astype(np.float32) / 255):
        assert np.shares_memory(make_dataset(images, LABELS, "x").images, images)


def test_pixels_keep_their_place():
    flat = np.asfortranarray(IMAGES.reshape(4, 16).astype(np.int64))
    data = make_dataset(flat, LABELS, "x")
    np.testing.assert_array_equal(data.images[..., 0], IMAGES)
    assert data.images.flags.c_contiguous


def test_lists_and_other_byte_orders_are_welcome():
    assert make_dataset(IMAGES.tolist(), LABELS, "x").images.dtype == np.uint8
    for dtype in (">u2", ">f8", "f2"):
        values = (IMAGES / 64).astype(dtype) if "f" in dtype else IMAGES.astype(dtype)
        assert make_dataset(values, LABELS, "x").images.dtype.isnative


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32])
def test_black_and_white_becomes_0_and_255(dtype):
    picture = np.array([[[0, 1], [1, 0]]] * 2, dtype=dtype)
    data = make_dataset(picture, [0, 1], "x")
    np.testing.assert_array_equal(data.images[0, ..., 0], [[0, 255], [255, 0]])


def test_rounding_beyond_0_and_1_is_clipped():
    images = np.array([[[-5e-7, 1 + 5e-7]], [[0.5, 1.0]]])
    original = images.copy()
    data = make_dataset(images, [0, 1], "x")
    np.testing.assert_array_equal(
        data.images[..., 0], np.float32([[[0, 1]], [[0.5, 1]]])
    )
    np.testing.assert_array_equal(images, original)


@pytest.mark.parametrize(
    ("images", "key", "words"),
    [
        (np.full((4, 4), 255.0), "images.divide", ("255", "divide by 255?")),
        (np.full((4, 4), 99.5), "images.divide", ("99.5", "divide by 255?")),
        (np.full((4, 4), 16.0), "images.divide", ("divide by 16?",)),
        (np.full((4, 4), 65535.0), "images.divide", ("divide by 65535?",)),
        (np.full((4, 4), 1e6), "images.floats", ("1e+06",)),
        (np.full((4, 4), -0.5), "images.floats", ("-0.5",)),
        (np.linspace(-200, 200, 16).reshape(4, 4), "images.floats", ("-200",)),
        (np.full((4, 4), 256), "images.integers", ("256",)),
        (np.full((4, 4), -1), "images.integers", ("-1",)),
        (np.full((4, 4), 2**63, np.uint64), "images.integers", ()),
        (np.zeros(4), "images.shape", ("(4,)",)),
        (np.float64(0), "images.shape", ("()",)),
        (np.zeros((4, 1, 1, 1, 1)), "images.shape", ()),
        (np.zeros((0, 4)), "images.empty", ("(0, 4)",)),
        (np.zeros((4, 0)), "images.empty", ()),
        ([[1, 2], [3]], "images.type", ("list",)),
        (np.full((4, 4), "7"), "images.type", ()),
        (np.zeros((4, 4), complex), "images.type", ("complex128",)),
        (np.zeros((4, 4), object), "images.type", ("object",)),
        (None, "images.type", ()),
        (np.zeros((3, 4)), "data.lengths", ("3 images", "4 labels")),
        (np.zeros((5, 4)), "data.lengths", ("5 images", "4 labels")),
    ],
)
def test_images_that_are_refused(refuses, images, key, words):
    with refuses(key, *words):
        make_dataset(images, LABELS, "x")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan_and_infinity_are_named(refuses, value, dtype):
    images = np.zeros((4, 3, 3), dtype)
    images[2, 1, 1] = value
    with refuses("images.not_finite", "Image 2 "):
        make_dataset(images, LABELS, "x")


@pytest.mark.parametrize(
    ("labels", "classes", "indices"),
    [
        ([3, 7, 3, 7], ("3", "7"), [0, 1, 0, 1]),
        ([10, 9, 2, 10], ("2", "9", "10"), [2, 1, 0, 2]),
        (["10", "9", "2", " 10 "], ("2", "9", "10"), [2, 1, 0, 2]),
        (["b", "a", "c", "b"], ("a", "b", "c"), [1, 0, 2, 1]),
        (["b", "10", "9", "b"], ("10", "9", "b"), [2, 0, 1, 2]),
        ([0.0, 1.0, 2.0, 1.0], ("0", "1", "2"), [0, 1, 2, 1]),
        (["0.0", "1", "1.0", "0"], ("0", "1"), [0, 1, 1, 0]),
        ([False, True, True, False], ("0", "1"), [0, 1, 1, 0]),
        ([b"a", b"b", b"\xe9", b"a"], ("a", "b", "\ufffd"), [0, 1, 2, 0]),
        ([[0], [1], [1], [0]], ("0", "1"), [0, 1, 1, 0]),
        (np.array([0, "a", 0, 1], object), ("0", "1", "a"), [0, 2, 0, 1]),
        (np.array([4, 5, 4, 5], object), ("4", "5"), [0, 1, 0, 1]),
        (
            np.array([2**64 - 1, 0, 0, 1], np.uint64),
            ("0", "1", str(2**64 - 1)),
            [2, 0, 0, 1],
        ),
    ],
)
def test_labels_become_class_indices(labels, classes, indices):
    data = make_dataset(IMAGES, labels, "x")
    assert data.classes == classes
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == indices


@pytest.mark.parametrize(
    ("labels", "key", "words"),
    [
        ([0, 1, -3, 1], "labels.negative", ("image 2", "-3")),
        (["0", "1", "-3", "1"], "labels.negative", ("image 2", "-3")),
        ([0, 1, 0.5, 1], "labels.not_whole", ("image 2", "0.5")),
        (["0", "1", "0.5", "1"], "labels.not_whole", ("0.5",)),
        ([0, 1, np.nan, 1], "labels.not_finite", ("image 2", "nan")),
        ([0, 1, 1, np.inf], "labels.not_finite", ("image 3", "inf")),
        (["a", "b", "", "a"], "labels.missing", ("Image 2",)),
        (["a", "b", "  ", ""], "labels.missing", ()),
        ([4, 4, 4, 4], "labels.one_class", ("4",)),
        (["a", "a ", " a", "a"], "labels.one_class", ("a",)),
        (np.eye(4), "labels.shape", ("(4, 4)",)),
        (3, "labels.shape", ()),
        ([1j, 1, 1, 1], "labels.type", ("complex128",)),
        ([None, 1, 1, 1], "labels.type", ()),
        ([[1], [1, 2], [3], [4]], "labels.type", ()),
        ([], "data.lengths", ("0 labels",)),
    ],
)
def test_labels_that_are_refused(refuses, labels, key, words):
    with refuses(key, *words):
        make_dataset(IMAGES, labels, "x")


@given(
    images=hnp.arrays(
        st.sampled_from(["bool", "int8", "uint8", "int64", "float16", "float64"]),
        st.one_of(
            hnp.array_shapes(min_dims=1, max_dims=5, max_side=4),
            st.sampled_from([(3, 4), (3, 2, 2)]),
        ),
    ),
    labels=hnp.arrays(
        st.sampled_from(["int8", "float32", "U2", "bool"]), st.sampled_from([3, 2])
    ),
)
def test_any_arrays_give_a_sentence_or_a_sound_data_set(images, labels):
    try:
        data = make_dataset(images, labels, "x")
    except DataError:
        return
    assert data.images.dtype in (np.uint8, np.float32)
    if data.images.dtype == np.float32:
        assert data.images.min() >= 0 and data.images.max() <= 1
    assert data.images.ndim in (2, 4)
    assert set(data.labels.tolist()) == set(range(len(data.classes)))
    assert len(data.classes) >= 2


def test_a_subset_keeps_order_and_classes():
    data = make_dataset(IMAGES, [0, 1, 2, 1], "x")
    part = data.subset([3, 0, 0])
    np.testing.assert_array_equal(part.images, data.images[[3, 0, 0]])
    assert part.labels.tolist() == [1, 0, 0]
    assert part.classes == data.classes and part.name == "x"
    assert not np.shares_memory(part.images, data.images)
    assert len(data.subset([])) == 0


def test_labels_follow_a_model_s_classes(refuses):
    data = make_dataset(IMAGES, ["cat", "dog", "cat", "dog"], "x")
    there = data.with_classes(["dog", "eel", "cat"])
    assert there.labels.tolist() == [2, 0, 2, 0]
    assert there.classes == ("dog", "eel", "cat")
    assert there.images is data.images
    with refuses("classes.unknown", "cat", "dog, eel"):
        data.with_classes(["dog", "eel"])
    dogs = data.subset([1, 3])  # the class cat is still listed, but has no picture
    assert dogs.with_classes(["eel", "dog"]).labels.tolist() == [1, 1]
    with refuses("classes.unknown", "10, 11, …"):
        data.with_classes([str(k) for k in range(99)])


def test_the_digest_tells_data_apart():
    data = make_dataset(IMAGES, LABELS, "x")
    other = [
        make_dataset(IMAGES, [1, 0, 0, 1], "x"),
        make_dataset(IMAGES, ["0", "a", "0", "a"], "x"),
        make_dataset(IMAGES[:, ::-1], LABELS, "x"),
        make_dataset(IMAGES.reshape(4, 2, 8), LABELS, "x"),
        make_dataset(IMAGES / 255, LABELS, "x"),
    ]
    digests = {one.digest() for one in (data, *other)}
    assert len(digests) == 6
    assert make_dataset(IMAGES.copy(), LABELS, "other name").digest() in digests
    big_endian = dataclasses.replace(data, labels=data.labels.astype(">i8"))
    assert big_endian.digest() == data.digest()
    strided = dataclasses.replace(data, images=np.repeat(data.images, 2, 1)[:, ::2])
    assert strided.digest() == data.digest()


def test_it_cannot_be_changed_by_accident_and_travels():
    data = make_dataset(IMAGES, LABELS, "x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "y"
    assert pickle.loads(pickle.dumps(data)).digest() == data.digest()
