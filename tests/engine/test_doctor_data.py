"""What the doctor says of data: each mistake made, and no alarm without one."""

import numpy as np
import pytest
from doctor_data import pictures

from ardoise.engine.doctor import data as module
from ardoise.engine.doctor import examine_data

X, Y = pictures(600)
V, _ = pictures(200, seed=1)


def codes(x=X, y=Y, **settings):
    return {finding.code: finding for finding in examine_data(x, y, **settings)}


# -- healthy --------------------------------------------------------------------------


def table(seed=0, n=500):
    """Return a standardised table with classes that are not equally frequent."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)) + 0.1
    return x, (x[:, 0] > 0.8).astype(int)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_no_alarm_on_pictures(dtype):
    x, v = (a if dtype == "uint8" else (a / 255).astype(dtype) for a in (X, V))
    assert not codes(x, Y, validation=v, test=v[:9], n_classes=5)
    rows, more = x.reshape(len(x), -1), v.reshape(len(v), -1)
    assert not codes(rows, Y, validation=more)


def test_no_alarm_on_tables_and_values():
    x, y = table()
    assert not codes(x, y, validation=table(1)[0], shuffle=False, batch_size=8)
    assert not codes(x, x[:, :1]) and not codes(x, x[:, 0])
    one_hot = np.eye(3)[np.arange(300) % 3]
    padded = np.hstack([one_hot, np.zeros((300, 2))])  # a column that is always 0
    assert not codes(padded, np.arange(300) % 3)
    assert not codes(X[:1], Y[:1] * 0)


def test_no_alarm_on_many_small_classes():
    y = np.arange(600) % 47
    assert not codes(X, y, shuffle=False, batch_size=16)


# -- mistakes -------------------------------------------------------------------------


def test_values_that_are_no_numbers():
    x = X / 255
    x[7, 3, 3] = np.nan
    x[9, 0, 0] = np.inf
    found = codes(x)
    assert list(found) == ["not_finite"]
    assert found["not_finite"].values == {"count": 2, "sample": 7}
    assert "2 values are NaN or infinite, the first in sample 7" in str(
        found["not_finite"]
    )


def test_values_so_large_that_their_squares_overflow_are_numbers():
    large = np.full((4, 3), 1e30, np.float32) * np.arange(1, 5)[:, None]
    assert "not_finite" not in codes(large.astype(np.float32), np.arange(4))


@pytest.mark.parametrize("factor", [255, 100, 1000])
def test_data_that_is_not_scaled(factor):
    x = X.astype(np.float32) * np.float32(factor / 255)
    finding = codes(x)["not_scaled"]
    assert finding.severity == "warning"
    assert finding.values["low"] == 0
    assert finding.values["high"] == pytest.approx(factor)
    assert f"from 0 to {factor:,};" in str(finding)
    assert "not_scaled" not in codes(x, normalised=True)


def test_one_outlier_is_not_a_scale():
    x, y = table()
    x[3, 3] = 90
    assert not codes(x, y)


def test_one_column_that_is_not_scaled():
    x, y = table()
    x[:, 2] += 1990
    assert "not_scaled" in codes(x, y)


def test_values_that_are_divided_twice():
    assert str(codes(X // 16)["squeezed"]).startswith(
        "The values are very small: they go from 0 to 15;"
    )
    assert "squeezed" in codes((X / 255 / 255).astype(np.float32))
    assert "squeezed" not in codes(X // 16, normalised=True)


def test_pictures_that_are_dark_on_light():
    finding = codes(255 - X)["inverted"]
    assert finding.severity == "note" and finding.values["share"] == 1
    assert "inverted" in codes(1 - X / 255)


def test_labels_in_order():
    order = np.argsort(Y, kind="stable")
    found = codes(X[order], Y[order], shuffle=False, batch_size=32)
    values = found["sorted"].values
    assert values["batch"] == 32 and values["found"] < 1.5
    assert values["expected"] == pytest.approx(5, abs=0.05)
    assert "holds 1." in str(found["sorted"])
    assert not codes(X[order], Y[order], shuffle=True, batch_size=32)
    assert not codes(X[order], Y[order], shuffle=False)
    assert not codes(X[order], Y[order], shuffle=False, batch_size=600)
    # One sample at a time: the order is looked at over a few of them.
    assert "sorted" in codes(X[order], Y[order], shuffle=False, batch_size=1)


def test_one_class_among_few_is_no_order():
    y = np.zeros(600, int)
    y[::100] = 1
    assert "sorted" not in codes(X, y, shuffle=False, batch_size=32)


def test_a_class_that_is_missing():
    keep = Y != 3
    found = codes(X[keep], Y[keep], n_classes=5)
    assert found["missing_class"].values == {"name": "3", "missing": 1, "classes": 5}
    named = codes(X[keep], Y[keep], classes=("a", "b", "c", "dog", "e"))
    assert str(named["missing_class"]).startswith("Class dog has no training sample")
    assert "missing_class" in codes(X[Y != 4], Y[Y != 4], n_classes=5)


def test_a_class_that_is_rare():
    keep = (Y != 3) | (np.cumsum(Y == 3) <= 4)
    finding = codes(X[keep], Y[keep])["rare_class"]
    assert finding.values["name"] == "3" and finding.values["count"] == 4
    assert f"4 of {keep.sum()} training samples (0.8%)" in str(finding)


@pytest.mark.parametrize("kind", ["uint8", "float32", "odd"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_samples_that_are_in_two_parts(kind, part):
    x, v = X.copy(), V.copy()
    v[:20] = x[100:120]
    if kind == "float32":
        x, v = (-(a / 255).astype(kind) for a in (x, v))  # with −0 among them
        v[v == 0] = 0
    if kind == "odd":  # a sample that is no whole number of words
        x, v = x[:, :5, :5], v[:, :5, :5]
        v[20:] = 255
        x[:, 4, 4] = 1
        v[:20, 4, 4] = 1
    finding = codes(x, **{part: v})[f"leak_{part}"]
    assert finding.severity == "warning"
    assert finding.values == {"count": 20, "total": 200, "share": 0.1}
    assert f"20 of 200 {part} samples (10.0%)" in str(finding)


def test_one_pair_of_equal_samples_is_noted():
    v = V.copy()
    v[5] = X[5]
    assert codes(validation=v)["leak_validation"].severity == "note"
    assert "leak_validation" not in codes(validation=v[:0])
    assert "leak_validation" not in codes(validation=v / 255)


def test_parts_that_were_prepared_in_two_ways():
    x = (X / 255).astype(np.float32)
    found = codes(x, validation=V.astype(np.float32), test=1 - V / 255)
    assert set(found) == {"other_scale_validation", "other_scale_test"}
    ratio = (
        found["other_scale_validation"].values["found"]
        / found["other_scale_validation"].values["expected"]
    )
    assert ratio == pytest.approx(255, rel=0.1)
    assert not codes(x, validation=V)  # bytes are read as x / 255


def test_features_that_never_change():
    x, y = table()
    x[:, [1, 4]] = 2.5
    finding = codes(x, y)["constant"]
    assert finding.severity == "note"
    assert finding.values == {"count": 2, "total": 6}
    dark = np.zeros_like(X)
    dark[:, 6, 6] = X[:, 6, 6]
    assert codes(dark)["constant"].values == {"count": 143, "total": 144}
    assert codes(np.ones((9, 4)), np.arange(9) % 2)["constant"].severity == "warning"


# -- arguments ------------------------------------------------------------------------


def test_long_data_goes_in_parts(monkeypatch):
    whole = codes(validation=X[:50], n_classes=6)
    monkeypatch.setattr(module, "BLOCK", 144 * 7)
    assert codes(validation=X[:50], n_classes=6) == whole
    assert set(whole) == {"leak_validation", "missing_class"}
    x = X / 255
    x[[100, 400]] = np.nan
    assert codes(x)["not_finite"].values == {"count": 288, "sample": 100}


@pytest.mark.parametrize(
    ("x", "y", "error"),
    [
        (np.array([["a"]]), [0], TypeError),
        (np.zeros(3), np.zeros(3), TypeError),
        (np.zeros((0, 3)), [], ValueError),
        (np.zeros((3, 0)), np.zeros(3), ValueError),
        (np.zeros((3, 2)), np.zeros(2), ValueError),
    ],
)
def test_what_is_no_data(x, y, error):
    with pytest.raises(error, match="x "):
        examine_data(x, y)
    with pytest.raises(ValueError, match="batch_size"):
        examine_data(X, Y, batch_size=0)
