"""Same data, parameters and random_state: scikit-learn's weights, to rounding."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network as theirs
from sklearn.datasets import load_digits, make_multilabel_classification

import ardoise as ours

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

X, DIGITS = load_digits(return_X_y=True)
X, DIGITS = X[:600] / 16, DIGITS[:600]
NAMES = np.array(["zéro", "un", "deux", "trois", "quatre", *"56789"])
MANY_X, MANY_Y = make_multilabel_classification(200, random_state=0)
TARGETS = {
    "ten classes": (X, DIGITS),
    "two classes": (X, DIGITS > 4),
    "text": (X, NAMES[DIGITS]),
    "one class": (X[:50], np.zeros(50)),
    "several labels": (MANY_X, MANY_Y),
    "sparse": (scipy.sparse.csr_array(X), DIGITS),
    "one column": (X, DIGITS.astype(float)),
    "two columns": (X, np.stack([DIGITS, 9 - DIGITS], axis=1) / 9.0),
}
SETTINGS = {
    "defaults": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.01},
    "plain sgd": {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    "inverse scaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 2, "max_iter": 60},
    "stops by itself": {"tol": 0.1, "n_iter_no_change": 2},
    "tanh, deep": {"hidden_layer_sizes": (20, 10), "activation": "tanh"},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": 8},
    "identity": {"activation": "identity", "hidden_layer_sizes": [5]},
    "small batches": {"batch_size": 33, "alpha": 0.1, "beta_1": 0.5, "epsilon": 1e-3},
    "in order": {"shuffle": False},
    "lbfgs": {"solver": "lbfgs", "hidden_layer_sizes": 5, "max_iter": 5},
}
RECORDS = (
    "loss_",
    "loss_curve_",
    "best_loss_",
    "n_iter_",
    "t_",
    "validation_scores_",
    "best_validation_score_",
    "n_layers_",
    "n_outputs_",
    "n_features_in_",
    "out_activation_",
)


def pair(kind, **settings):
    settings = {"random_state": 3, "max_iter": 12, **settings}
    return [getattr(module, kind)(**settings) for module in (theirs, ours)]


def agree(a, b, tolerance=1e-9):
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(a, name), getattr(b, name), strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=tolerance)
            assert one.dtype == other.dtype
    for name in RECORDS:
        assert hasattr(a, name) == hasattr(b, name) or b.solver == "lbfgs", name
        if hasattr(a, name):
            one, other = getattr(a, name), getattr(b, name)
            if isinstance(one, str) or one is None:
                assert one == other, name
            else:
                np.testing.assert_allclose(other, one, rtol=tolerance, err_msg=name)


@pytest.mark.parametrize("targets", [k for k in TARGETS if "column" not in k])
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_classifier_has_scikit_learns_weights(settings, targets):
    if settings == "early stopping" and targets == "one class":
        pytest.skip("scikit-learn refuses to stratify a single class")
    x, y = TARGETS[targets]
    a, b = pair("MLPClassifier", **SETTINGS[settings])
    a.fit(x, y)
    b.fit(x, y)
    agree(a, b)
    np.testing.assert_array_equal(a.predict(x), b.predict(x))
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), atol=1e-9)
    assert a.score(x, y) == b.score(x, y)
    np.testing.assert_array_equal(a.classes_, b.classes_)
    assert a.classes_.dtype == b.classes_.dtype


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("targets", ["one column", "two columns", "sparse"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_regressor_has_scikit_learns_weights(settings, targets, loss):
    x, y = TARGETS[targets]
    a, b = pair("MLPRegressor", loss=loss, **SETTINGS[settings])
    a.fit(x, y)
    b.fit(x, y)
    agree(a, b, 1e-7)
    np.testing.assert_allclose(a.predict(x), b.predict(x), rtol=1e-6)
    assert a.score(x, y) == pytest.approx(b.score(x, y))


@pytest.mark.parametrize("settings", ["defaults", "sgd", "early stopping", "lbfgs"])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_with_weights_of_samples(kind, settings):
    y = DIGITS if kind == "MLPClassifier" else DIGITS / 9
    weights = np.random.default_rng(0).random(len(y))
    a, b = pair(kind, **SETTINGS[settings])
    agree(a.fit(X, y, weights), b.fit(X, y, sample_weight=weights))


@pytest.mark.parametrize("settings", ["defaults", "sgd", "inverse scaling", "adaptive"])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_in_pieces(kind, settings):
    a, b = pair(kind, **SETTINGS[settings])
    first = {"classes": range(10)} if kind == "MLPClassifier" else {}
    for start in (0, 200, 400, 0):
        rows = slice(start, start + 200)
        for model in (a, b):
            model.partial_fit(X[rows], DIGITS[rows], **first)
        first = {}
    agree(a, b)


# Not with early stopping: there, scikit-learn's second fit trains the very arrays that
# it had put aside as the best, and so cannot go back to them. Ours does.
@pytest.mark.parametrize("settings", ["defaults", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_warm_start_and_in_pieces_after_it(kind, settings):
    a, b = pair(kind, warm_start=True, **SETTINGS[settings])
    for model in (a, b):
        model.fit(X, DIGITS).fit(X, DIGITS)
    agree(a, b, 1e-6)
    if settings in ("defaults", "sgd"):
        agree(a.partial_fit(X, DIGITS), b.partial_fit(X, DIGITS))


def test_a_random_state_that_goes_on():
    a, b = pair("MLPClassifier", early_stopping=True)
    for model in (a, b):
        model.set_params(random_state=np.random.RandomState(7))
        model.fit(X, DIGITS)
    agree(a, b)
    # Both have drawn as much.
    assert a.random_state.random_sample() == b.random_state.random_sample()


def test_float32_stays_float32_and_close():
    a, b = pair("MLPClassifier", max_iter=5)
    x = X.astype(np.float32)
    agree(a.fit(x, DIGITS), b.fit(x, DIGITS), 1e-4)
    assert b.predict_proba(x).dtype == np.float32


def test_what_is_printed_is_the_same(capsys):
    for settings in (
        {"early_stopping": True, "n_iter_no_change": 1, "tol": 0.1},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1.0, "max_iter": 60},
        {"n_iter_no_change": 1, "tol": 1.0},
    ):
        printed = []
        for model in pair("MLPClassifier", verbose=True, **settings):
            model.fit(X, DIGITS)
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1] != ""


def test_every_parameter_and_default_of_scikit_learn_is_there():
    for kind in ("MLPClassifier", "MLPRegressor"):
        a, b = getattr(theirs, kind)(), getattr(ours, kind)()
        assert a.get_params().items() <= b.get_params().items()
        public = {name for name in dir(a) if not name.startswith("_")}
        routing = {name for name in public if name.endswith("_request")}
        assert public - routing - {"get_metadata_routing"} <= set(dir(b))
