"""The container that `transform` returns, and the picture in a notebook."""

import builtins
import pickle
import sys
import types

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.utils import estimator_checks

from ardoise import (
    ConvClassifier,
    Dense,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    ReLU,
)

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

pandas = pytest.importorskip("pandas")
X = np.random.default_rng(0).random((30, 4))
Y = np.arange(30) % 2
SETTINGS = {"max_iter": 2, "random_state": 0}
KINDS = [
    MLPClassifier(5, **SETTINGS),
    MLPRegressor(hidden_layer_sizes=5, **SETTINGS),
    ConvClassifier((2,), hidden_layer_sizes=5, **SETTINGS),
    NetworkClassifier([Dense(5), ReLU()], **SETTINGS),
    NetworkRegressor([Dense(5), ReLU()], **SETTINGS),
]
CHECKS = [
    "check_set_output_transform",
    "check_set_output_transform_pandas",
    "check_global_output_transform_pandas",
    "check_set_output_transform_polars",
    "check_global_set_output_transform_polars",
]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.filterwarnings("ignore:X has feature names, but")
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("model", KINDS, ids=lambda model: type(model).__name__)
def test_scikit_learns_checks(model, check):
    if "polars" in check:
        pytest.importorskip("polars")
    getattr(estimator_checks, check)(type(model).__name__, clone(model))


@pytest.mark.parametrize("model", KINDS, ids=lambda model: type(model).__name__)
def test_set_output(model):
    model = clone(model)
    table = pandas.DataFrame(X, columns=list("abcd"), index=range(100, 130))
    plain = model.fit(table, Y).transform(table)
    assert type(plain) is np.ndarray
    assert model.set_output(transform="pandas") is model
    assert model.set_output() is model and model.set_output(transform=None) is model
    for one in (model, clone(model).fit(table, Y), pickle.loads(pickle.dumps(model))):
        out = one.transform(table)
        assert list(out.columns) == list(model.get_feature_names_out())
        assert list(out.index) == list(table.index)
        np.testing.assert_array_equal(out.to_numpy(), plain)
        assert type(one.hidden_activations(table)) is np.ndarray
    assert list(model.fit_transform(table, Y).index) == list(table.index)
    assert list(model.fit(X, Y).transform(X.tolist()).index) == list(range(30))
    model.set_output(transform="default")
    assert type(model.transform(X)) is np.ndarray
    with sklearn.config_context(transform_output="pandas"):
        assert type(model.transform(X)) is np.ndarray
        assert isinstance(clone(KINDS[0]).fit_transform(X, Y), pandas.DataFrame)


@pytest.mark.parametrize("wrong", ["numpy", 3, "Pandas", ["pandas"]])
def test_other_containers_are_refused(wrong):
    model = MLPClassifier(5, **SETTINGS)
    with pytest.raises(ValueError, match="'default', 'pandas', 'polars' or None; got"):
        model.set_output(transform=wrong)
    assert vars(model).keys() == model.get_params().keys()


def test_a_library_that_is_missing_is_named(monkeypatch):
    imported = builtins.__import__

    def without(name, *rest):
        if name in ("polars", "pandas"):
            raise ImportError(name)
        return imported(name, *rest)

    model = MLPClassifier(5, **SETTINGS).fit(X, Y)
    for library in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, library, None)
        model.set_output(transform=library)  # nothing is imported yet
        with pytest.raises(ImportError, match=f"needs {library}, which is not install"):
            model.transform(X)
        assert model.predict(X).shape == (30,)


def test_polars_gets_names_and_rows(monkeypatch):
    """Its own checks run where polars is; here something stands for it."""

    class DataFrame:
        def __init__(self, data, schema, orient):
            self.data, self.schema, self.orient = data, schema, orient

    polars = types.SimpleNamespace(DataFrame=DataFrame)
    monkeypatch.setitem(sys.modules, "polars", polars)
    model = MLPClassifier(3, **SETTINGS).fit(X, Y).set_output(transform="polars")
    out = model.transform(X)
    assert out.schema == ["mlpclassifier0", "mlpclassifier1", "mlpclassifier2"]
    assert out.orient == "row" and out.data.shape == (30, 3)


def test_the_picture_is_scikit_learns_where_that_is_loaded(monkeypatch):
    model = MLPClassifier(5)
    assert "MLPClassifier" in model._repr_html_()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert model._repr_html_() is None  # a notebook then shows the text
