"""From the data to one batch in reused buffers."""

import numpy as np
import pytest
from check_layer import peak_memory, same

from ardoise.engine.batches import BatchLoader, check_data, count_rows, split_rows
from ardoise.engine.layers import Conv2D, Dense, Flatten, ReLU
from ardoise.engine.losses import SoftmaxCrossEntropy, SquaredError
from ardoise.engine.network import Network

N = 10
T = np.arange(N)
WEIGHTS = np.linspace(0, 1, N)
KINDS = {
    "bytes": np.arange(N * 6, dtype=np.uint8).reshape(N, 2, 3),
    "float32": np.arange(N * 6, dtype=np.float32).reshape(N, 2, 3) / 7,
    "float64": np.arange(N * 6, dtype=np.float64).reshape(N, 2, 3) / 7,
    "float16": np.arange(N * 6).reshape(N, 2, 3).astype(np.float16),
    "big endian": (np.arange(N * 6).reshape(N, 2, 3) / 7).astype(">f4"),
    "every other row": (np.arange(N * 12).reshape(2 * N, 2, 3) / 7)[::2],
    "Fortran order": np.asfortranarray(np.arange(N * 6).reshape(N, 2, 3) / 7),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def loader(x, batch=N, weights=WEIGHTS, dtype="float32", t=T):
    network = Network([ReLU()], x.shape[1:], dtype=dtype)
    return BatchLoader(network, x, t, weights, batch)


@every_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rows", [slice(2, 6), np.array([7, 0, 7, 3])], ids=str)
def test_a_batch_is_the_rows_as_numbers(kind, dtype, rows):
    x = KINDS[kind]
    found, t, weights = loader(x, dtype=dtype).load(rows)
    expected = x[rows].astype("f8") / (255 if kind == "bytes" else 1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == dtype
    assert found.flags.c_contiguous
    same(t, T[rows])
    same(weights, WEIGHTS[rows])


@pytest.mark.parametrize("rows", [slice(2, 6), np.array([7, 0, 7, 3])], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_come_with_the_batch_third_and_rows_before_flatten(rows, dtype):
    x = (np.arange(N * 24).reshape(N, 2, 3, 4) % 251).astype(dtype)
    expected = x[rows] / (255 if dtype == np.uint8 else 1)
    conv, flat = (
        Network(layers, (2, 3, 4)) for layers in ([Conv2D(1, 1)], [Flatten(), Dense(1)])
    )
    found = BatchLoader(conv, x, T, None, N).load(rows)[0]
    np.testing.assert_allclose(found.transpose(2, 0, 1, 3), expected, rtol=1e-6)
    assert found.flags.c_contiguous
    found = BatchLoader(flat, x, T, None, N).load(rows)[0]
    np.testing.assert_allclose(found, expected.reshape(4, -1), rtol=1e-6)


def test_without_weights_there_are_none():
    for rows in (slice(0, 2), np.array([1])):
        assert loader(KINDS["bytes"], weights=None).load(rows)[2] is None


def test_targets_can_be_values():
    t = np.arange(2.0 * N).reshape(N, 2)
    for rows in (slice(1, 4), np.array([5, 1])):
        same(loader(KINDS["bytes"], t=t).load(rows)[1], t[rows])


def test_the_data_are_never_written_and_read_in_place_where_they_can_be():
    x = KINDS["float32"].copy()
    x.flags.writeable = False
    assert np.shares_memory(loader(x).load(slice(0, 4))[0], x)
    assert not np.shares_memory(loader(x).load(np.arange(4))[0], x)


def test_batches_reuse_their_buffers():
    x = np.zeros((4000, 100), np.uint8)
    load = loader(x, batch=1000, weights=None, t=np.zeros(4000, int)).load
    rows = np.arange(1000)[::-1]
    first = load(rows)[0]
    assert np.shares_memory(load(rows)[0], first)
    assert peak_memory(lambda: load(rows)) < 10_000  # a batch of bytes has 100,000
    assert peak_memory(lambda: load(slice(1000, 2000))) < 10_000


@pytest.mark.parametrize("size", [1, 3, 5, 12, 20])
def test_rows_are_split_without_loss(size):
    indices = np.arange(12)[::-1]
    parts = split_rows(indices, size)
    same(np.concatenate(parts), indices)
    slices = split_rows(slice(0, 12), size)
    same(np.concatenate([np.arange(12)[part] for part in slices]), np.arange(12))
    for each in (parts, slices):
        counts = [count_rows(part) for part in each]
        assert sum(counts) == 12
        assert all(count == size for count in counts[:-1])
        assert 0 < counts[-1] <= size


# -- what is refused ------------------------------------------------------------------

NETWORK = Network([Dense(3)], 2)
X = np.zeros((4, 2), np.float32)


def test_good_data_come_back_in_the_forms_that_training_reads():
    classes = SoftmaxCrossEntropy()
    x, t, weights = check_data(NETWORK, classes, X, [0, 1, 2, 1], [1, 0, 2, 3])
    assert x is X
    assert t.tolist() == [0, 1, 2, 1]
    assert (weights.tolist(), weights.dtype) == ([1, 0, 2, 3], np.float32)
    values = np.zeros((4, 3))
    _, t, weights = check_data(NETWORK, SquaredError(), X, values, None)
    assert t.dtype == np.float32
    assert weights is None
    assert not np.shares_memory(t, values)


@pytest.mark.parametrize(
    ("x", "y", "weights", "error", "sentence"),
    [
        (X.astype(int), T[:4], None, TypeError, "x must hold bytes .* got int64"),
        (
            X[:, :1],
            T[:4],
            None,
            ValueError,
            r"x must have the shape \(n, 2\); got \(4,",
        ),
        (X, T[:3], None, ValueError, r"got 4 samples and targets of shape \(3,\)"),
        (X, 3, None, ValueError, r"got 4 samples and targets of shape \(\)"),
        (X, T[:4], None, ValueError, "class indices from 0 to 2, .* from 0 to 3"),
        (X, [0] * 4, [1, 2], ValueError, r"sample_weight .* shape \(4,\); got \(2,\)"),
        (X, [0] * 4, [0] * 4, ValueError, "not all zero; got values from 0 to 0"),
        (
            X,
            [0] * 4,
            [1, -1, 1, 1],
            ValueError,
            "must not be negative, .* from -1 to 1",
        ),
        (X, [0] * 4, [1, np.nan, 1, 1], ValueError, "sample_weight .* row 1 holds NaN"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(x, y, weights, error, sentence):
    with pytest.raises(error, match=sentence):
        check_data(NETWORK, SoftmaxCrossEntropy(), x, y, weights)
