import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from ardoise.engine.arrays import Memory
from ardoise.engine.sparse import SparseRows


def some(n=7, k=5, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, k)).astype(dtype)
    dense[rng.random((n, k)) < 0.6] = 0
    dense[2:4] = 0  # two empty rows
    return dense


def sparse(dense, index=np.int32):
    csr = sp.csr_array(dense)
    return SparseRows(
        csr.data, csr.indices.astype(index), csr.indptr.astype(index), dense.shape[1]
    )


ROWS = [
    slice(None),
    slice(1, 4),
    slice(3, 3),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(-2, None),
    np.array([3, 0, 0, 6], np.int32),
    np.array([], np.intp),
    np.array([-1, 2]),
    np.array([5], np.uint8),
    [1, 2],
    [],
]


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_rows_are_those_of_the_dense_matrix(rows, dtype, index):
    dense = some(dtype=dtype)
    x = sparse(dense, index)
    key = rows if isinstance(rows, slice) else np.asarray(rows, np.intp)
    for got in (x[rows], x.rows(rows)[:]):
        assert got.dtype == dtype and got.flags.c_contiguous and got.flags.owndata
        np.testing.assert_array_equal(got, dense[key])
    assert x.rows(rows).shape == dense[key].shape


def test_it_looks_like_an_array():
    dense = some()
    x = sparse(dense)
    assert x.shape == dense.shape and x.ndim == 2 and len(x) == 7
    assert x.dtype == np.float32
    assert x.reshape(7, -1) is x.reshape((7, -1)) is x.reshape(7, 5) is x
    assert repr(x) == f"SparseRows((7, 5), float32, {(dense != 0).sum()} stored)"
    with pytest.raises(ValueError, match=r"keep their shape \(7, 5\); got \(5, 7\)"):
        x.reshape(5, 7)
    copied = pickle.loads(pickle.dumps(x))
    np.testing.assert_array_equal(copied[:], dense)


@pytest.mark.parametrize("convert", [np.asarray, np.asanyarray, np.array])
def test_it_does_not_become_dense_by_accident(convert):
    with pytest.raises(TypeError, match="ask for rows"):
        convert(sparse(some()))


def test_take_writes_into_a_reused_buffer():
    dense = some()
    x = sparse(dense)
    memory = Memory(4 * 5, np.float32)
    for rows in ([6, 0, 1, 1], [2, 3, 2], [4, 5, 6, 0]):
        out = memory((len(rows), 5))
        out.fill(np.nan)
        assert x.take(np.array(rows), axis=0, out=out, mode="clip") is out
        np.testing.assert_array_equal(out, dense[rows])


@pytest.mark.parametrize("mode", ["clip", "wrap", "raise"])
def test_take_treats_rows_that_do_not_exist_as_numpy_does(mode):
    dense = some()
    x = sparse(dense)
    rows = np.array([0, 9, -1, -3])
    if mode == "raise":
        np.testing.assert_array_equal(x.take(rows[2:]), dense.take(rows[2:], axis=0))
        with pytest.raises(IndexError):
            x.take(rows)
        with pytest.raises(IndexError):
            x[rows]
    else:
        expected = dense.take(rows, axis=0, mode=mode)
        np.testing.assert_array_equal(x.take(rows, mode=mode), expected)


@pytest.mark.parametrize("out", ["shape", "dtype", "order"])
def test_take_refuses_a_buffer_that_does_not_fit(out):
    shape, dtype, order = (2, 5), np.float32, "C"
    if out == "shape":
        shape = (3, 5)
    elif out == "dtype":
        dtype = np.float64
    else:
        order = "F"
    with pytest.raises(ValueError, match=r"C-contiguous, of shape \(2, 5\) and float3"):
        sparse(some()).take(np.arange(2), out=np.empty(shape, dtype, order))


def test_what_is_no_list_of_rows_is_refused():
    x = sparse(some())
    with pytest.raises(ValueError, match="axis 0; got axis 1"):
        x.take(np.arange(2), axis=1)
    for rows in (3, np.eye(2, dtype=int), [True, False], [0.5]):
        with pytest.raises(IndexError, match="one-dimensional array of integers"):
            x[rows]


def test_numbers_at_the_same_place_are_added_and_columns_sorted():
    data = np.array([1, 2, 4, 8, 16, 32], np.float32)
    indices = np.array([2, 0, 2, 1, 1, 0])
    x = SparseRows(data, indices, np.array([0, 3, 3, 6]), 3)
    expected = np.array([[2, 0, 5], [0, 0, 0], [32, 24, 0]], np.float32)
    np.testing.assert_array_equal(x[:], expected)
    assert x.indices.tolist() == [0, 2, 0, 1] and x.indptr.tolist() == [0, 2, 2, 4]
    assert x.data.dtype == np.float32
    np.testing.assert_array_equal(x.rows([2, 0])[:], expected[[2, 0]])
    assert data.tolist() == [1, 2, 4, 8, 16, 32]  # unchanged


@given(
    st.integers(0, 6),
    st.integers(0, 5),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=20),
)
def test_any_matrix(n, k, places):
    places = [(i % n, j % k) for i, j in places] if n and k else []
    at = np.array(places, int).reshape(-1, 2)
    at = at[np.argsort(at[:, 0], kind="stable")]
    data = np.arange(1.0, len(at) + 1)
    indptr = np.searchsorted(at[:, 0], np.arange(n + 1))
    expected = np.zeros((n, k))
    np.add.at(expected, tuple(at.T), data)
    x = SparseRows(data, at[:, 1], indptr, k)
    np.testing.assert_array_equal(x[:], expected)
    np.testing.assert_array_equal(x[::-1], expected[::-1])
    if n:
        rows = np.arange(3 * n) % n
        np.testing.assert_array_equal(x.take(rows), expected[rows])
        np.testing.assert_array_equal(x.rows(rows)[:], expected[rows])


FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
def test_scipy_matrices_of_any_format(form, kind):
    dense = some(dtype=np.float64)
    matrix = getattr(sp, f"{form}_{kind}")(dense)
    x = SparseRows.of(matrix, np.float32)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[:], dense.astype(np.float32))
    np.testing.assert_array_equal(matrix.toarray(), dense)


def test_a_csr_matrix_is_neither_copied_nor_changed():
    dense = some()
    matrix = sp.csr_array(dense)
    x = SparseRows.of(matrix, np.float32)
    assert np.shares_memory(x.data, matrix.data)
    assert np.shares_memory(x.indices, matrix.indices)
    matrix = sp.csr_array((np.ones(3, np.float32), [1, 0, 1], [0, 3]), shape=(1, 2))
    assert SparseRows.of(matrix, np.float32)[:].tolist() == [[1, 2]]
    assert matrix.indices.tolist() == [1, 0, 1] and matrix.data.tolist() == [1, 1, 1]


def test_room_behind_the_stored_numbers_is_not_read():
    data = np.array([1.0, np.nan])
    x = SparseRows(data, np.array([0, 99]), np.array([0, 1]), 2)
    assert x[:].tolist() == [[1, 0]] and len(x.data) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": np.ones((1, 3))}, "must have one dimension"),
        ({"indices": np.ones((1, 3), int)}, "must have one dimension"),
        ({"indptr": np.ones((1, 3), int)}, "must have one dimension"),
        ({"indptr": np.array([], int)}, "must have one dimension"),
        ({"indptr": np.array([1, 2, 3])}, "from 0 to at most 3.*got 1 to 3"),
        ({"indptr": np.array([0, 2, 4])}, "from 0 to at most 3.*got 0 to 4"),
        ({"indptr": np.array([0, 2, 1])}, "got 0 to 1, not in order"),
        ({"data": np.ones(2)}, "from 0 to at most 2.*got 0 to 3"),
        ({"indices": np.array([0, 1])}, "from 0 to at most 2.*got 0 to 3"),
        ({"indices": np.array([0, 1, 4])}, "from 0 to 3; got 0 to 4"),
        ({"indices": np.array([0, -1, 1])}, "from 0 to 3; got -1 to 1"),
    ],
)
def test_arrays_that_describe_no_matrix_are_refused(changed, message):
    arrays = {
        "data": np.ones(3),
        "indices": np.array([0, 1, 2]),
        "indptr": np.array([0, 2, 3]),
    }
    assert SparseRows(**arrays, n_columns=4).shape == (2, 4)
    with pytest.raises(ValueError, match=message):
        SparseRows(**{**arrays, **changed}, n_columns=4)


def test_a_batch_takes_the_memory_of_a_batch():
    n, k = 2000, 100_000  # dense: 800 MB
    matrix = sp.random_array(
        (n, k), density=1e-4, rng=np.random.default_rng(0), dtype=np.float32
    )
    x = SparseRows.of(matrix, np.float32)
    out = np.empty((8, k), np.float32)
    tracemalloc.start()
    try:
        x.take(np.arange(8) * 200, out=out, mode="clip")
        x.rows(np.arange(1000))
        assert tracemalloc.get_traced_memory()[1] < 2e6
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(out, matrix.tocsr()[np.arange(8) * 200].toarray())
