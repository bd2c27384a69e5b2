import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.exceptions
from oracle import NotAnArray, Ours, Theirs, outcome
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)
from sklearn.utils.validation import check_consistent_length as their_length_check
from sklearn.utils.validation import check_random_state as their_random_state

from ardoise.engine.sparse import SparseRows
from ardoise.estimators import exceptions, validation
from ardoise.estimators.parameters import RANDOM_STATE
from ardoise.estimators.validation import (
    check_consistent_length,
    check_random_state,
    check_sample_weight,
    check_samples_in,
    check_targets_real,
    not_fitted,
    warn,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(6, 3))
SQUARES = np.arange(6.0).reshape(2, 3)


def ask_us(x, **settings):
    estimator = Ours()
    got = check_samples_in(estimator, x, reset=True, **settings)
    return got, vars(estimator)


def ask_them(x):
    estimator = Theirs()
    got = validate_data(
        estimator,
        x,
        accept_sparse=["csr", "csc"],
        dtype=(np.float64, np.float32),
        reset=True,
    )
    names = ("feature_names_in_", "n_features_in_")
    return got, {k: v for k, v in vars(estimator).items() if k in names}


def with_(value, dtype=np.float64, at=(1, 1)):
    x = X.astype(dtype)
    x[at] = value
    return x


def strange(values):
    made = np.empty(np.shape(values), object)
    made[...] = values
    return made


SAMPLES = {
    "float64": X,
    "float32": X.astype(np.float32),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "integers": SQUARES.astype(np.int64),
    "bytes": SQUARES.astype(np.uint8),
    "truth values": SQUARES > 2,
    "lists": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
    "list of arrays": list(X.astype(np.float32)),
    "objects": strange(SQUARES),
    "objects, text": strange([["1", "2"], ["3", "4.5"]]),
    "numbers as text": np.array([["1", "2"], ["3", "4.5"]]),
    "text": np.array([["a", "b"], ["c", "d"]]),
    "bytes as text": np.array([[b"a"], [b"b"]]),
    "list of text": [["a", "b"], ["c", "d"]],
    "dict inside": strange([[1, {"foo": "bar"}], [1, 2]]),
    "None inside": strange([[1, None], [1, 2]]),
    "ragged": [[1, 2], [3]],
    "__array__": NotAnArray(X),
    "__array__, complex": NotAnArray(X + 1j),
    "Fortran order": np.asfortranarray(X),
    "every second row": X[::2],
    "every second column": X[:, ::2],
    "backwards": X[::-1],
    "big-endian float64": X.astype(">f8"),
    "big-endian float32": X.astype(">f4"),
    "matrix": np.asmatrix(X),
    "masked": np.ma.masked_array(X, mask=X > 0),
    "dates": np.array([["2020-01-01"]], "M8[D]"),
    "structured": np.zeros((2, 2), [("a", float)]),
    "complex": X + 1j,
    "complex64": (X + 1j).astype(np.complex64),
    "list of complex": [[1j, 2.0]],
    "list of NumPy's complex": [[np.complex128(1j), 2.0]],
    "NaN": with_(np.nan),
    "NaN, float32": with_(np.nan, np.float32),
    "NaN in objects": with_(np.nan).astype(object),
    "infinity": with_(np.inf),
    "minus infinity, float32": with_(-np.inf, np.float32),
    "infinity, then NaN": with_([np.inf, np.nan], at=([1, 2], [1, 1])),
    "NaN, then infinity": with_([np.nan, np.inf], at=([1, 2], [1, 1])),
    "large but finite": np.full((3, 2), 1e308),
    "large float32": np.full((3, 2), 1e38, np.float32),
    "too large for float64": np.full((2, 2), np.longdouble(10) ** 400),
    "no dimension": np.float64(3),
    "a number": 3,
    "one dimension": np.arange(3.0),
    "a list": [1, 2, 3],
    "empty list": [],
    "three dimensions": np.zeros((2, 2, 2)),
    "no sample": np.zeros((0, 3)),
    "no feature": np.zeros((3, 0)),
    "nothing": np.zeros((0, 0)),
    "None": None,
    "a word": "word",
    "dict": {"a": [1]},
    "iterator": iter([[1.0]]),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_taken_or_refused_as_scikit_learn_does(name):
    x = SAMPLES[name]
    expected = outcome(lambda: ask_them(x))
    assert outcome(lambda: ask_us(x)) == expected
    if not isinstance(expected[0][0], list) or expected[0][0][:1] != ["ValueError"]:
        return
    # What is refused in training is refused in prediction, too.
    fitted = Ours()
    fitted.n_features_in_ = 3
    with pytest.raises((ValueError, TypeError)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_samples_in(fitted, x, reset=False)


FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, bool])
@pytest.mark.parametrize("form", [*FORMATS, "csr_matrix", "dok_matrix"])
def test_sparse_matrices_are_taken_as_they_are(form, dtype):
    dense = (X * (X > 0)).astype(dtype)
    name = form if "_" in form else f"{form}_array"
    matrix = getattr(sp, name)(dense)
    expected = outcome(lambda: ask_them(matrix))
    got = outcome(lambda: ask_us(matrix))
    assert got == expected and got[0][0][0] == "sparse"
    assert isinstance(ask_us(matrix)[0], SparseRows)


def test_sparse_matrices_with_long_indices():
    matrix = sp.csr_array(X)
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    np.testing.assert_array_equal(ask_us(matrix)[0][:], X)


@pytest.mark.parametrize(
    "matrix",
    [
        sp.csr_array(with_(np.nan)),
        sp.csr_array(with_(np.inf, np.float32)),
        sp.csr_array((0, 3)),
        sp.csr_array((3, 0)),
        sp.coo_array(np.arange(3.0)),
    ],
    ids=["NaN", "infinity", "no sample", "no feature", "one dimension"],
)
def test_sparse_matrices_are_refused_in_the_same_words(matrix):
    assert outcome(lambda: ask_us(matrix)) == outcome(lambda: ask_them(matrix))


def test_sparse_complex_matrices_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported"):
        ask_us(sp.csr_array(X + 1j))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_in_c_order_are_not_copied(dtype):
    x = X.astype(dtype)
    x.flags.writeable = False
    got, _ = ask_us(x)
    assert np.shares_memory(got, x) and not got.flags.writeable
    for other in (np.asfortranarray(x), x[::2], x[:, ::2], x[::-1]):
        got, _ = ask_us(other)
        assert got.flags.c_contiguous and not np.shares_memory(got, other)
        np.testing.assert_array_equal(got, other)


def test_a_memory_map_stays_on_the_disk(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    got, _ = ask_us(mapped)
    assert np.shares_memory(got, mapped)
    np.testing.assert_array_equal(got, X)


def test_the_search_for_nan_looks_block_by_block(peak_of):
    x = np.zeros((300_000, 10))
    x[-1, -1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        ask_us(x)
    x[-1, -1] = 0
    assert peak_of(lambda: ask_us(x)) < 1e6
    x[-2, 3] = np.inf
    with pytest.raises(ValueError, match=r"infinity.*dtype\('float64'\)"):
        ask_us(x)
    assert peak_of(lambda: outcome(lambda: ask_us(x))) < 2e6


@pytest.fixture
def peak_of():
    import tracemalloc

    def measure(function):
        tracemalloc.start()
        try:
            function()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


def test_other_dtypes_can_be_kept():
    images = np.zeros((2, 4), np.uint8)
    got, _ = ask_us(images, dtypes=(np.float64, np.float32, np.uint8))
    assert got is images or np.shares_memory(got, images)
    assert ask_us(images, dtypes=(np.float32,))[0].dtype == np.float32


def test_samples_may_have_a_shape():
    images = np.zeros((2, 4, 4, 1), np.float32)
    got, features = ask_us(images, allow_nd=True)
    assert got.shape == images.shape and features == {"n_features_in_": 16}
    for bad, message in (
        (np.zeros(3), "got 1D array"),
        (np.zeros((0, 2, 2)), r"0 sample\(s\)"),
    ):
        with pytest.raises(ValueError, match=message):
            ask_us(bad, allow_nd=True)


def test_the_number_of_features_must_be_that_of_training():
    ours, theirs = Ours(), Theirs()
    check_samples_in(ours, X, reset=True)
    validate_data(theirs, X, reset=True)
    check_samples_in(ours, X[:2], reset=False)
    settings = {"reset": False, "accept_sparse": True}
    for bad in (X[:, :1], sp.csr_array(X[:, :2])):
        expected = outcome(lambda bad=bad: validate_data(theirs, bad, **settings))
        assert outcome(lambda bad=bad: check_samples_in(ours, bad, reset=False)) == (
            expected
        )
    check_samples_in(ours, X[:, :1], reset=True)
    assert ours.n_features_in_ == 1
    check_samples_in(Ours(), X, reset=False)  # nothing known, nothing checked


# -- targets ---------------------------------------------------------------------------


def their_targets(y):
    n = 2 if isinstance(y, NotAnArray) else 1 if y is None else len(y)
    x = np.zeros((n, 1))
    _, y = validate_data(Theirs(), x, y, multi_output=True, y_numeric=True)
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


TARGETS = {
    "floats": np.arange(3.0),
    "float32": np.arange(3, dtype=np.float32),
    "integers": np.arange(3),
    "truth values": np.array([True, False]),
    "list": [1, 2.5],
    "objects": strange([1, 2.5]),
    "objects with text": strange(["1", "a"]),
    "objects with NaN": strange([1, np.nan]),
    "column": np.arange(3.0)[:, np.newaxis],
    "columns": X,
    "__array__": NotAnArray([1.0, 2.0]),
    "Fortran order": np.asfortranarray(X),
    "NaN": np.array([1.0, np.nan]),
    "infinity": np.array([1, np.inf], np.float32),
    "NaN in columns": with_(np.nan),
    "complex": np.array([1j]),
    "three dimensions": np.zeros((2, 2, 2)),
    "no sample": np.zeros(0),
    "no column": np.zeros((2, 0)),
    "None": None,
}


@pytest.mark.parametrize("name", TARGETS)
def test_real_targets_are_taken_or_refused_as_scikit_learn_does(name):
    y = TARGETS[name]
    if name in ("no sample", "NaN in columns"):
        assert outcome(lambda: check_targets_real(Ours(), y))[0] == {
            "no sample": (
                ["ValueError"],
                "Found array with 0 sample(s) (shape=(0,)) while a minimum of 1 is "
                "required by MLPClassifier.",
            ),
            "NaN in columns": (["ValueError"], "Input y contains NaN."),
        }.get(name)
        return
    expected = outcome(lambda: their_targets(y))
    assert outcome(lambda: check_targets_real(Ours(), y)) == expected


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (3.0, TypeError, "at least 1 dimension"),
        (["a", "b"], ValueError, "not compatible with arrays of bytes/strings"),
        (np.array([b"1"]), ValueError, "not compatible with arrays of bytes/strings"),
        (sp.csr_array(X), TypeError, "Sparse data was passed for y"),
        (strange([1, float("inf")]), ValueError, "Input y contains infinity"),
    ],
    ids=["number", "text", "bytes", "sparse", "infinity in objects"],
)
def test_other_targets_are_refused(y, error, message):
    with pytest.raises(error, match=message):
        check_targets_real(Ours(), y)


def test_targets_get_the_dtype_that_is_asked_for_if_they_fit():
    y = check_targets_real(Ours(), [1, 2], np.float32)
    assert y.dtype == np.float32
    with pytest.raises(ValueError, match=r"too large for dtype\('float32'\)"):
        check_targets_real(Ours(), [1e300], np.float32)


def test_the_warning_of_a_column_points_to_the_caller():
    with pytest.warns(validation.DataConversionWarning) as caught:
        check_targets_real(Ours(), [[1.0], [2.0]])
    assert caught[0].filename == __file__


# -- weights, lengths, random states ---------------------------------------------------


def their_weights(weights):
    return _check_sample_weight(weights, np.zeros((3, 1)))


WEIGHTS = {
    "list": [1, 2, 3],
    "float64": np.arange(3.0),
    "float32": np.arange(3, dtype=np.float32),
    "integers": np.arange(3),
    "objects": strange([1, 2, 3]),
    "negative": [1.0, -1.0, 0.0],
    "number": 2.5,
    "NumPy number": np.float32(2),
    "two dimensions": np.ones((3, 1)),
    "three dimensions": np.ones((3, 1, 1)),
    "no dimension": np.array(2.0),
    "too few": [1.0, 2.0],
    "none": [],
    "all zero": np.zeros(3),
    "zero": 0.0,
    "NaN": [1.0, np.nan, 1.0],
    "infinity": [1.0, np.inf, 1.0],
    "complex": np.array([1j, 1, 1]),
    "text": ["a", "b", "c"],
    "sparse": sp.csr_array(np.ones((3, 1))),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_taken_or_refused_as_scikit_learn_does(name):
    weights = WEIGHTS[name]
    expected = outcome(lambda: their_weights(weights))

    def ours():
        return check_sample_weight(weights, 3, None)

    assert outcome(ours) == expected


def test_weights_of_their_own_kind():
    assert check_sample_weight(None, 3, np.float32) is None
    weights = check_sample_weight(2, 3, np.float32)
    assert weights.dtype == np.float32 and weights.tolist() == [2, 2, 2]
    with pytest.raises(ValueError, match="Input sample_weight contains NaN"):
        check_sample_weight(np.nan, 3, np.float64)
    with pytest.raises(ValueError, match="Complex"):
        check_sample_weight(1j, 3, np.float64)
    with pytest.raises(ValueError, match="too large for"):
        check_sample_weight([1e300, 1], 2, np.float32)
    with pytest.raises(ValueError, match="at least one non-zero"):
        check_sample_weight(False, 3, np.float64)


@pytest.mark.parametrize(
    "arrays",
    [
        ([1, 2], np.zeros((3, 1))),
        (X, sp.csr_array(X[:4]), None),
        (X, X.tolist()),
        (None,),
    ],
)
def test_lengths_are_compared_as_scikit_learn_does(arrays):
    expected = outcome(lambda: their_length_check(*arrays))
    assert outcome(lambda: check_consistent_length(*arrays)) == expected


def test_random_states():
    random = np.random.RandomState(3)
    generator = np.random.default_rng(3)
    assert check_random_state(random) is random
    assert check_random_state(generator) is generator
    for seed in (42, np.int8(42), True):
        expected = their_random_state(seed).random_sample(3)
        assert check_random_state(seed).random_sample(3).tolist() == expected.tolist()
    for bad in ("word", 1.5, [1], -1):
        expected = outcome(lambda bad=bad: their_random_state(bad))
        assert outcome(lambda bad=bad: check_random_state(bad)) == expected


@pytest.mark.parametrize("seed", [None, np.random])
def test_the_global_generator_is_neither_read_nor_written(seed):
    before = np.random.get_state()  # noqa: NPY002
    try:
        first = check_random_state(seed).random_sample(8)
        np.random.seed(0)  # noqa: NPY002
        untouched = np.random.get_state()[1].tolist()  # noqa: NPY002
        second = check_random_state(seed).random_sample(8)
        assert np.random.get_state()[1].tolist() == untouched  # noqa: NPY002
        assert not np.array_equal(first, second)
    finally:
        np.random.set_state(before)  # noqa: NPY002


# -- errors and warnings that are scikit-learn's too -----------------------------------


def test_not_fitted_is_scikit_learn_s_error_and_ours():
    error = not_fitted(Ours())
    assert isinstance(error, sklearn.exceptions.NotFittedError)
    assert isinstance(error, validation.NotFittedError)
    assert type(error).__name__ == "NotFittedError"
    with pytest.raises(sklearn.exceptions.NotFittedError) as caught:
        check_is_fitted(Theirs())
    assert str(error) == str(caught.value)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)


@pytest.mark.parametrize("kind", ["ConvergenceWarning", "DataConversionWarning"])
def test_warnings_are_scikit_learn_s_and_ours(kind):
    with pytest.warns(getattr(sklearn.exceptions, kind), match="hello") as caught:
        warn(kind, "hello")
    assert caught[0].filename == __file__
    assert issubclass(caught[0].category, getattr(validation, kind))
    assert caught[0].category.__name__ == kind
    assert pickle.loads(pickle.dumps(caught[0].message)).args == ("hello",)
    with pytest.warns(UserWarning) as caught:
        warn("UserWarning", "hello")
    assert caught[0].category is UserWarning


def test_without_scikit_learn_they_are_ours_alone(monkeypatch):
    joined = not_fitted(Ours())
    monkeypatch.delitem(sys.modules, "sklearn.exceptions")
    error = not_fitted(Ours())
    assert type(error) is exceptions.NotFittedError
    assert type(pickle.loads(pickle.dumps(error))) is exceptions.NotFittedError
    assert type(pickle.loads(pickle.dumps(joined))) is exceptions.NotFittedError
    with pytest.warns(UserWarning) as caught:
        warn("ConvergenceWarning", "hello")
    assert caught[0].category is validation.ConvergenceWarning


ALONE = """
import sys
for name in ("sklearn", "scipy", "pandas"):
    sys.modules[name] = None
import numpy as np
from ardoise.estimators.labels import Labels, class_weights
from ardoise.estimators.parameters import RANDOM_STATE, validate_parameters
from ardoise.estimators.splits import train_validation_indices
from ardoise.estimators.validation import check_random_state, check_samples_in, warn

class MLPClassifier:
    def get_params(self, deep):
        return {"random_state": "x"}

estimator = MLPClassifier()
print(check_samples_in(estimator, [[1, 2]], reset=True), estimator.n_features_in_)
labels = Labels.fit(["b", "a", "b"])
print(labels.encode(["b", "a"]).ravel(), labels.decode(np.array([0.2, 0.7])))
print(class_weights("balanced", labels, ["b", "a", "b"], None))
print(train_validation_indices(4, 0.25, check_random_state(0)))
try:
    validate_parameters(estimator, {"random_state": [RANDOM_STATE]})
except ValueError as error:
    print(type(error).__mro__[1:3], error)
warn("ConvergenceWarning", "careful")
"""


def test_it_works_where_numpy_is_all_there_is():
    run = [sys.executable, "-W", "default", "-c", ALONE]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[[1. 2.]] 2",
        "[ True False] ['a' 'b']",
        "[0.75 1.5  0.75]",
        "(array([3, 1, 0]), array([2]))",
        "(<class 'ValueError'>, <class 'TypeError'>) The 'random_state' parameter of "
        f"MLPClassifier must be {RANDOM_STATE}. Got 'x' instead.",
    ]
    assert "ConvergenceWarning: careful" in done.stderr
