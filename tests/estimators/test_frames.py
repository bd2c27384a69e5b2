"""Tables of pandas, polars and Arrow: taken, named and refused as by scikit-learn."""

import numpy as np
import pytest
import scipy.sparse as sp
from oracle import Ours, Theirs, outcome
from sklearn.utils.validation import (
    _check_sample_weight,
    column_or_1d,
    validate_data,
)

from ardoise.estimators.frames import feature_names
from ardoise.estimators.labels import Labels
from ardoise.estimators.targets import label_array
from ardoise.estimators.validation import (
    check_sample_weight,
    check_samples_in,
    check_targets_real,
)

SETTINGS = {"accept_sparse": ["csr", "csc"], "dtype": (np.float64, np.float32)}
X = np.arange(6.0).reshape(3, 2)


@pytest.fixture(scope="module")
def pd():
    return pytest.importorskip("pandas")


def known(estimator):
    names = getattr(estimator, "feature_names_in_", None)
    return getattr(estimator, "n_features_in_", None), names


def ask_us(x, estimator=None, reset=True):
    estimator = Ours() if estimator is None else estimator
    return check_samples_in(estimator, x, reset=reset), known(estimator)


def ask_them(x, estimator=None, reset=True):
    estimator = Theirs() if estimator is None else estimator
    got = validate_data(estimator, x, reset=reset, **SETTINGS)
    return got, known(estimator)


TABLES = {
    "floats": {"a": [1.0, 2.0], "b": [3.0, 4.0]},
    "float32": {"a": np.float32([1, 2]), "b": np.float32([3, 4])},
    "float32 beside float64": {"a": np.float32([1, 2]), "b": [3.0, 4.0]},
    "integers beside float32": {"a": [1, 2], "b": np.float32([3, 4])},
    "bytes beside float32": {"a": np.uint8([1, 2]), "b": np.float32([3, 4])},
    "truth values": {"a": [True, False], "b": [True, True]},
    "truth values beside float32": {"a": [True, False], "b": np.float32([3, 4])},
    "objects": {"a": np.array([1, 2.5], object), "b": [1, 2]},
    "objects beside truth values": {"a": np.array([1, 2], object), "b": [True, False]},
    "numbers as text": {"a": ["1", "2"], "b": [1, 2]},
    "text": {"a": ["x", "y"], "b": [1, 2]},
    "text beside truth values": {"a": ["x", "y"], "b": [True, False]},
    "NaN": {"a": [1.0, np.nan]},
    "infinity": {"a": np.float32([1, np.inf])},
    "complex": {"a": [1j, 2]},
    "dates": {"a": np.array(["2020", "2021"], "M8[s]")},
    "a column called dtype": {"dtype": [1.0, 2.0], "b": [3.0, 4.0]},
    "column names of several types": {"a": [1.0], 1: [2.0]},
    "numbers as column names": {0: [1.0], 1: [2.0]},
    "no column": {},
}
# Dtypes of pandas' own: column → dtype.
OWN = {
    "Int64": "Int64",
    "Float32": "Float32",
    "boolean": "boolean",
    "string": "string",
    "category": "category",
}


@pytest.mark.parametrize("name", [name for name in TABLES if name != "no column"])
def test_pandas_tables(pd, name):
    table = pd.DataFrame(TABLES[name])
    assert outcome(lambda: ask_us(table)) == outcome(lambda: ask_them(table))


def test_a_table_without_columns(pd):
    with pytest.raises(ValueError, match=r"Found array with 0 feature\(s\)"):
        ask_us(pd.DataFrame(index=[0, 1]))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_pandas_tables_of_its_own_dtypes(pd, name, missing):
    values = ["1", "0", "1"] if name in ("string", "category") else [1, 0, 1]
    if missing:
        values = [*values[:2], None]
    column = pd.Series(values, dtype=OWN[name])
    for table in (
        pd.DataFrame({"a": column}),
        pd.DataFrame({"a": column, "b": np.float32([1, 2, 3])}),
        pd.DataFrame({"a": column, "b": [True, False, True]}),
    ):
        assert outcome(lambda t=table: ask_us(t)) == outcome(
            lambda t=table: ask_them(t)
        )


def test_pandas_tables_with_sparse_columns(pd):
    sparse = pd.arrays.SparseArray([0.0, 0, 2])
    for columns in ({"a": sparse, "b": sparse}, {"a": sparse, "b": [1.0, 2, 3]}):
        table = pd.DataFrame(columns)
        assert outcome(lambda t=table: ask_us(t)) == outcome(
            lambda t=table: ask_them(t)
        )


def test_a_table_of_float32_is_not_copied(pd):
    x = np.ascontiguousarray(X, np.float32)
    table = pd.DataFrame(x, columns=["a", "b"], copy=False)
    assert np.shares_memory(ask_us(table)[0], x)


def test_a_column_is_no_table(pd):
    for series in (pd.Series([1.0, 2.0]), pd.Series([1, None], dtype="Int64")):
        expected = outcome(lambda s=series: ask_them(s))
        assert outcome(lambda s=series: ask_us(s)) == expected


def test_names_of_several_levels_are_none(pd):
    columns = pd.MultiIndex.from_product([["a"], ["b", "c"]])
    table = pd.DataFrame(X, columns=columns)
    assert outcome(lambda: ask_us(table)) == outcome(lambda: ask_them(table))


@pytest.mark.parametrize("names", [["a", "a"], [0, 0], ["a", "b"] * 2])
def test_names_must_differ(pd, names):
    table = pd.DataFrame(np.ones((2, len(names))), columns=names)
    assert outcome(lambda: ask_us(table)) == outcome(lambda: ask_them(table))


def test_names_are_set_and_forgotten(pd):
    estimator = Ours()
    ask_us(pd.DataFrame(X, columns=["a", "b"]), estimator)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    assert estimator.feature_names_in_.dtype == object
    ask_us(X, estimator)
    assert not hasattr(estimator, "feature_names_in_")


MANY = [f"name{i}" for i in range(8)]
LATER = {
    "the same": MANY,
    "another order": MANY[::-1],
    "other names": [f"other{i}" for i in range(8)],
    "some other names": [*MANY[:6], "x", "y"],
    "some missing": MANY[:3],
    "more": [*MANY, "x"],
    "numbers": range(8),
    "no table": None,
}


@pytest.mark.parametrize("trained", ["named", "unnamed"])
@pytest.mark.parametrize("name", LATER)
def test_names_are_compared_with_those_of_training(pd, name, trained):
    ours, theirs = Ours(), Theirs()
    x = np.ones((2, 8))
    first = pd.DataFrame(x, columns=MANY) if trained == "named" else x
    ask_us(first, ours)
    ask_them(first, theirs)
    names = LATER[name]
    later = x if names is None else pd.DataFrame(np.ones((2, len(names))))
    if names is not None:
        later.columns = list(names)
    expected = outcome(lambda: ask_them(later, theirs, reset=False))
    assert outcome(lambda: ask_us(later, ours, reset=False)) == expected


def test_polars_tables():
    pl = pytest.importorskip("polars")
    for columns in (
        {"a": [1.0, 2.0], "b": [3.0, 4.0]},
        {"a": [1, 2], "b": [True, False]},
        {"a": [1, None]},
        {"a": ["x", "y"]},
    ):
        table = pl.DataFrame(columns)
        assert outcome(lambda t=table: ask_us(t)) == outcome(
            lambda t=table: ask_them(t)
        )
    series = pl.Series([1.0, 2.0])
    assert outcome(lambda: ask_us(series)) == outcome(lambda: ask_them(series))


def test_arrow_tables():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    assert outcome(lambda: ask_us(table)) == outcome(lambda: ask_them(table))


def test_only_tables_have_names():
    assert feature_names(np.zeros(2, [("columns", float), ("shape", int)])) is None
    assert feature_names(sp.csr_array(X)) is None
    assert feature_names([["a", "b"]]) is None
    assert feature_names(np.zeros(2, [("columns", int)]).view(np.recarray)) is None


class Table:
    """What a table of an unknown make looks like."""

    columns, shape = ("a", "b"), X.shape

    def __array__(self, dtype=None, copy=None):
        return np.asarray(X, dtype)


def test_tables_of_an_unknown_make_have_names():
    x, (count, names) = ask_us(Table())
    np.testing.assert_array_equal(x, X)
    assert count == 2 and names.tolist() == ["a", "b"]


# -- targets and weights ---------------------------------------------------------------


def their_targets(y, numeric):
    x = np.zeros((len(y), 1))
    _, y = validate_data(Theirs(), x, y, multi_output=True, y_numeric=numeric)
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


COLUMNS = {
    "floats": ([1.0, 2.0], None),
    "float32": ([1.0, 2.0], "float32"),
    "integers": ([1, 2], None),
    "truth values": ([True, False], None),
    "objects": ([1, 2], object),
    "text": (["x", "y"], None),
    "text objects": (["x", "y"], object),
    "categories": (["x", "y"], "category"),
    "categories of numbers": ([1, 2], "category"),
    "Int64": ([1, 2], "Int64"),
    "Int64 with NA": ([1, None], "Int64"),
    "boolean": ([True, False], "boolean"),
    "NaN": ([1, None], float),
}


@pytest.mark.parametrize("form", ["series", "frame"])
@pytest.mark.parametrize("name", COLUMNS)
def test_pandas_columns_as_targets(pd, name, form):
    values, dtype = COLUMNS[name]
    y = pd.Series(values, dtype=dtype, name="y")
    y = y.to_frame() if form == "frame" else y
    expected = outcome(lambda: their_targets(y, False))
    if expected[1]:  # a column: Labels.fit warns
        assert outcome(lambda: Labels.fit(y) and None)[1] == expected[1]
        np.testing.assert_array_equal(label_array(y).ravel().tolist(), expected[0][2])
    else:
        assert outcome(lambda: label_array(y, "MLPClassifier")) == expected
    if "text" not in name and name != "categories":
        expected = outcome(lambda: their_targets(y, True))
        assert outcome(lambda: check_targets_real(Ours(), y)) == expected


def test_pandas_columns_as_weights(pd):
    for dtype in ("float32", "int64", "Float64", "Int32", object):
        weights = pd.Series([1, 2, 3], dtype=dtype, index=[5, 6, 7])
        expected = outcome(lambda w=weights: _check_sample_weight(w, np.zeros((3, 1))))
        got = outcome(lambda w=weights: check_sample_weight(w, 3, None))
        assert got == expected
