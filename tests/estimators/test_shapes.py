"""Bytes and numbers, images and rows: the same data mean the same in any container."""

import numpy as np
import pytest

from ardoise import (
    Conv2D,
    ConvClassifier,
    Dense,
    Flatten,
    NetworkClassifier,
    NetworkRegressor,
    ReLU,
)

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (90, 6, 8), np.uint8)
ROWS = BYTES.reshape(90, 48)
Y = np.arange(90) % 3
SETTINGS = {"max_iter": 2, "random_state": 0, "threads": 1}


def conv(**settings):
    return ConvClassifier(
        (2,), image_shape=(6, 8), hidden_layer_sizes=4, **{**SETTINGS, **settings}
    )


def dense(**settings):
    return NetworkClassifier([Dense(5), ReLU()], **SETTINGS, **settings)


def containers():
    """Return name → the same bytes in something else."""
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    table = pandas.DataFrame(ROWS)
    return {
        "bytes": ROWS,
        "int64": ROWS.astype(np.int64),
        "big-endian": ROWS.astype(">u2"),
        "int16": ROWS.astype(np.int16),
        "lists": ROWS.tolist(),
        "table": table,
        "table of int64": table.astype(np.int64),
        "table of several": table.astype({0: np.int64, 1: np.uint16}),
        "table that may miss": table.astype("UInt8"),
        "table that may miss, Int64": table.astype("Int64"),
        "sparse": sparse.csr_array(ROWS),
        "sparse int64": sparse.csc_matrix(ROWS.astype(np.int64)),
        "sparse table": table.astype(pandas.SparseDtype(np.uint8, 0)),
        "numbers": (ROWS / 255).astype(np.float32),
    }


NAMES = (
    *("bytes", "int64", "big-endian", "int16", "lists", "table", "table of int64"),
    *("table of several", "table that may miss", "table that may miss, Int64"),
    *("sparse", "sparse int64", "sparse table", "numbers"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [conv, dense])
def test_what_was_trained_on_bytes_reads_whole_numbers_as_bytes(kind, name):
    x = containers()[name]
    model = kind().fit(ROWS, Y)
    expected = model.predict_proba(ROWS)
    np.testing.assert_allclose(model.predict_proba(x), expected, rtol=1e-5, atol=1e-6)
    assert model.predict_proba(x[:1]).shape == (1, 3)
    # In validation, too, and in training that goes on.
    held = {"validation_data": (x, Y)}
    history = kind().fit(ROWS, Y, **held).history_
    own = kind().fit(ROWS, Y, validation_data=(ROWS, Y)).history_
    assert history["validation_loss"] == pytest.approx(own["validation_loss"])
    theta = kind().fit(ROWS, Y).partial_fit(x, Y).network_.theta
    np.testing.assert_allclose(
        theta, kind().fit(ROWS, Y).partial_fit(ROWS, Y).network_.theta, atol=1e-5
    )


@pytest.mark.parametrize("name", ["table", "table that may miss", "sparse"])
@pytest.mark.parametrize("kind", [conv, dense])
def test_what_is_fitted_on_bytes_in_any_container(kind, name):
    x = containers()[name]
    model, expected = kind().fit(x, Y), kind().fit(ROWS, Y)
    assert model.network_.dtype == np.float32
    np.testing.assert_allclose(
        model.network_.theta, expected.network_.theta, rtol=1e-5, atol=1e-6
    )
    # Images for one that was trained on rows, and back.
    if kind is conv:
        np.testing.assert_allclose(
            model.predict_proba(BYTES), expected.predict_proba(BYTES), atol=1e-6
        )


@pytest.mark.parametrize("name", ["int64", "lists", "table of int64", "sparse int64"])
def test_other_whole_numbers_are_numbers_for_a_new_fit(name):
    """Counts, say: nothing says that they are grey levels."""
    model = dense().fit(containers()[name], Y)
    assert model.network_.dtype == np.float64
    expected = dense().fit(ROWS.astype(np.float64), Y)
    np.testing.assert_allclose(model.network_.theta, expected.network_.theta)
    # And then bytes are numbers, too: they are what was trained on.
    np.testing.assert_allclose(
        model.predict_proba(ROWS), expected.predict_proba(ROWS.astype(float))
    )
    assert not model.fit(ROWS / 255, Y)._reads_bytes
    assert model.fit(ROWS, Y)._reads_bytes


@pytest.mark.parametrize("wrong", [-1, 256, 70_000])
@pytest.mark.parametrize("form", ["rows", "images", "lists", "sparse"])
def test_whole_numbers_that_are_no_bytes(wrong, form):
    sparse = pytest.importorskip("scipy.sparse")
    model = conv().fit(BYTES, Y)
    x = ROWS.astype(np.int64)
    x[3, 4] = wrong
    x = {
        "rows": x,
        "images": x.reshape(90, 6, 8),
        "lists": x.tolist(),
        "sparse": sparse.csr_array(x),
    }[form]
    words = rf"X must hold bytes, 0 to 255.* whole numbers from .*{wrong}|to {wrong}"
    with pytest.raises(ValueError, match=words):
        model.predict(x)


def test_truth_values_are_numbers():
    model = conv().fit(BYTES, Y)
    np.testing.assert_array_equal(
        model.predict_proba(BYTES > 99), model.predict_proba((BYTES > 99).astype("f4"))
    )


# -- shapes ---------------------------------------------------------------------------

IMAGES = (BYTES / 255).astype(np.float32)


def test_what_images_may_look_like():
    model = ConvClassifier((2,), **SETTINGS).fit(IMAGES, Y)
    assert model.input_shape_ == (6, 8, 1) and model.n_features_in_ == 48
    expected = model.predict_proba(IMAGES)
    for x in (IMAGES[..., np.newaxis], IMAGES.reshape(90, 48), IMAGES.tolist()):
        np.testing.assert_allclose(model.predict_proba(x), expected, atol=1e-6)
    for shape in ((8, 6), (6, 4, 2), (1, 6, 8), (48, 1), (3, 16, 1)):
        with pytest.raises(ValueError, match=r"samples of the shape \(6, 8, 1\)"):
            model.predict(IMAGES.reshape(-1, *shape))
        with pytest.raises(ValueError, match=r"samples of the shape \(6, 8, 1\)"):
            model.partial_fit(IMAGES.reshape(-1, *shape), Y)
    for name, shape in (("image_shape", (6, 8)), ("image_shape", [6, 8, 1])):
        model.set_params(**{name: shape}).fit(IMAGES, Y)
    with pytest.raises(ValueError, match=r"image_shape=\(8, 6\) is not the shape of"):
        model.set_params(image_shape=(8, 6)).fit(IMAGES, Y)


def test_shapes_of_samples_for_any_layers():
    model = dense().fit(IMAGES.reshape(90, 48), Y)
    for shape in ((6, 8), (48, 1), (6, 8, 1)):
        with pytest.raises(ValueError, match=r"samples of the shape \(48,\)"):
            model.predict(IMAGES.reshape(-1, *shape))
    layers = [Conv2D(2, 3), ReLU(), Flatten()]
    model = NetworkClassifier(layers, input_shape=(6, 8, 1), **SETTINGS)
    model.fit(IMAGES.reshape(90, 48), Y).predict(IMAGES)
    model.fit(IMAGES, Y).predict(IMAGES.reshape(90, 48))
    model.set_params(input_shape=(6, 8)).fit(IMAGES, Y)
    with pytest.raises(ValueError, match=r"input_shape=\(8, 6\) is not the shape"):
        model.set_params(input_shape=(8, 6)).fit(IMAGES, Y)
    with pytest.raises(ValueError, match=r"input_shape must be \(features,\) or \(h, "):
        model.set_params(input_shape=(6, 8, 1, 1)).fit(IMAGES, Y)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (IMAGES.reshape(90, 2, 3, 4, 2), "must have the shape .*5 dimensions"),
        (IMAGES.reshape(90, 2, 3, 2, 2, 2), "must have the shape .*6 dimensions"),
        (IMAGES + 1j, "Complex data not supported"),
        (np.full((90, 6, 8), "a"), "could not convert"),
        (np.full((90, 6, 8), None), "Input X contains NaN"),
        (np.full((90, 6, 8), object()), "float"),
        (np.where(IMAGES > 2, 0, np.inf), "Input X contains infinity"),
        (np.where(IMAGES > 2, 0, np.nan), "Input X contains NaN"),
        (IMAGES[:, :, :0], "0 sample|minimum of 1"),
        ([[[1.0, 2.0], [3.0]]] * 90, "inhomogeneous"),
        ([[1.0, 2.0], [3.0]], "inhomogeneous"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("kind", [ConvClassifier, NetworkClassifier])
def test_images_that_are_none(kind, x, words):
    with pytest.raises((ValueError, TypeError), match=words):
        kind(**SETTINGS).fit(x, Y[: len(x)])


# -- sparse matrices ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["network", "regressor", "conv", "layers for images"])
def test_sparse_rows_are_rows(kind):
    sparse = pytest.importorskip("scipy.sparse")
    x = np.where(ROWS > 200, ROWS / 255, 0).astype(np.float32)
    model = {
        "network": dense(),
        "regressor": NetworkRegressor([Dense(5), ReLU()], **SETTINGS),
        "conv": conv(),
        "layers for images": NetworkClassifier(
            [Conv2D(2, 3), ReLU()], input_shape=(6, 8, 1), **SETTINGS
        ),
    }[kind]
    theta = model.fit(x, Y).network_.theta.copy()
    answers, features = model.predict(x), model.transform(x)
    for form in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        np.testing.assert_array_equal(model.fit(form(x), Y).network_.theta, theta)
        np.testing.assert_array_equal(model.predict(form(x)), answers)
        np.testing.assert_array_equal(model.transform(form(x)), features)
        held = {"validation_data": (form(x), Y)}
        model.fit(form(x), Y, **held).partial_fit(form(x), Y)
    model.set_params(early_stopping=True).fit(form(x), Y)


# -- what transform returns without a hidden layer ------------------------------------


@pytest.mark.parametrize("form", ["bytes", "numbers", "sparse", "images"])
def test_without_a_hidden_layer_features_are_the_samples(form):
    sparse = pytest.importorskip("scipy.sparse")
    x = {
        "bytes": ROWS,
        "numbers": IMAGES.reshape(90, 48),
        "sparse": sparse.csr_array(IMAGES.reshape(90, 48)),
        "images": IMAGES,
    }[form]
    model = NetworkClassifier([], **SETTINGS).fit(x, Y)
    features = model.transform(x)
    np.testing.assert_allclose(features, IMAGES.reshape(90, 48), atol=1e-6)
    assert features.dtype == np.float32 and len(model.get_feature_names_out()) == 48
    assert not np.shares_memory(features, x) if form != "sparse" else True
    for wrong in (0.5, "1", None, 7):
        with pytest.raises(ValueError, match="layer must lie from"):
            model.hidden_activations(x, wrong)
