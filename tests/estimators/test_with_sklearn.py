"""The estimators in the hands of scikit-learn, pandas and joblib."""

import copy
import os
import pickle
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.datasets import load_digits, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import (
    ConvergenceWarning,
    FitFailedWarning,
    NotFittedError,
    UnsetMetadataPassedError,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
)
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from ardoise import (
    Callback,
    ConvClassifier,
    Dense,
    EarlyStopping,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    ReLU,
)
from ardoise.engine import losses
from ardoise.engine.losses import Huber, SquaredError
from ardoise.engine.optimizers import SGD, AdamW
from ardoise.engine.schedules import Cosine
from ardoise.estimators.threads import LIMITS, default_threads

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

X, Y = load_digits(n_class=4, return_X_y=True)
X, Y = (X[:240] / 16).astype(np.float32), Y[:240]
NAMES = np.array(["zéro", "un", "deux", "trois"])[Y]
BINARY = Y == 2
WEIGHTS = np.random.default_rng(0).random(240)
REAL_X, REAL_Y = make_regression(240, 6, n_targets=2, noise=1.0, random_state=0)
REAL_Y = REAL_Y / REAL_Y.std()
ONE_Y = REAL_Y[:, 0]

SETTINGS = {"random_state": 0, "max_iter": 12, "learning_rate_init": 0.01}
CLASSIFIERS = {
    "mlp": MLPClassifier(16, batch_size=20, **SETTINGS),
    "conv": ConvClassifier(
        (4,), batch_size=20, hidden_layer_sizes=16, **{**SETTINGS, "max_iter": 6}
    ),
    "network": NetworkClassifier([Dense(16), ReLU()], batch_size=20, **SETTINGS),
}
REGRESSORS = {
    "mlp": MLPRegressor(hidden_layer_sizes=16, batch_size=20, **SETTINGS),
    "network": NetworkRegressor([Dense(16), ReLU()], batch_size=20, **SETTINGS),
}


@pytest.fixture(params=CLASSIFIERS)
def classifier(request):
    return clone(CLASSIFIERS[request.param])


@pytest.fixture(params=REGRESSORS)
def regressor(request):
    return clone(REGRESSORS[request.param]).set_params(max_iter=40)


@pytest.fixture
def mlp():
    return clone(CLASSIFIERS["mlp"])


def name_of(estimator):
    return type(estimator).__name__.lower()


# -- what they are taken for ----------------------------------------------------------


@pytest.mark.parametrize("name", CLASSIFIERS | {"regressor": 0, "net regressor": 0})
def test_what_scikit_learn_takes_them_for(name):
    classifies = name in CLASSIFIERS
    model = {**REGRESSORS, **CLASSIFIERS, "regressor": REGRESSORS["mlp"]}.get(name)
    model = clone(model or REGRESSORS["network"])
    assert is_classifier(model) == classifies and is_regressor(model) != classifies
    assert has_fit_parameter(model, "sample_weight")
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    check_is_fitted(model.fit(X, Y))


class Narrow(MLPClassifier):
    """A subclass with a constructor of its own, as scikit-learn's users write them."""

    def __init__(self, width=8, max_iter=5):
        super().__init__(hidden_layer_sizes=(width,), max_iter=max_iter)
        self.width = width


class Plain(MLPClassifier):
    """A subclass without one."""

    def fit(self, X, y):
        self.seen_ = len(X)
        return super().fit(X, y)


def test_a_subclass():
    model = clone(Plain(5, max_iter=2)).fit(X, Y)
    assert model.seen_ == 240 and "Plain(hidden_layer_sizes=5" in repr(model)
    assert pickle.loads(pickle.dumps(model)).score(X, Y) == model.score(X, Y)


def test_a_subclass_with_other_parameters():
    model = Narrow(width=6)
    assert set(model.get_params()) == {"width", "max_iter"}
    assert [c.shape[1] for c in clone(model).fit(X, Y).coefs_] == [6, 4]
    model.set_params(max_iter=1).fit([(X, Y)], classes=range(4))
    assert model.alpha == 0.0001


# -- pipelines and pictures of them ---------------------------------------------------


def test_at_the_end_of_a_pipeline(classifier):
    pipe = make_pipeline(StandardScaler(), classifier).fit(X, NAMES)
    assert pipe.score(X, NAMES) > 0.9
    assert pipe.predict_proba(X).shape == (240, 4)
    assert list(pipe.classes_) == sorted(set(NAMES)) and pipe.n_features_in_ == 64
    step = f"{name_of(classifier)}__sample_weight"
    pipe.fit(X, NAMES, **{step: WEIGHTS})
    pipe.set_params(**{f"{name_of(classifier)}__max_iter": 1})
    assert len(pipe.fit(X, NAMES)[-1].loss_curve_) == 1


def test_regressors_at_the_end_of_a_pipeline(regressor):
    pipe = make_pipeline(StandardScaler(), regressor).fit(REAL_X, REAL_Y)
    assert pipe.score(REAL_X, REAL_Y) > 0.8 and pipe.predict(REAL_X).shape == (240, 2)


def test_in_the_middle_of_a_pipeline(classifier):
    pipe = make_pipeline(StandardScaler(), classifier, LogisticRegression())
    assert pipe.fit(X, NAMES).score(X, NAMES) > 0.9
    features = pipe[:-1].transform(X)
    assert features.shape == (240, 16) and pipe[-1].n_features_in_ == 16
    names = pipe[:-1].get_feature_names_out()
    assert list(names[:2]) == [f"{name_of(classifier)}{i}" for i in range(2)]
    direct = clone(classifier).fit(StandardScaler().fit_transform(X), NAMES)
    np.testing.assert_array_equal(
        direct.transform(StandardScaler().fit_transform(X)), features
    )


def test_regressors_in_the_middle_of_a_pipeline(regressor):
    pipe = make_pipeline(regressor, StandardScaler(), REGRESSORS["mlp"])
    assert pipe.fit(REAL_X, ONE_Y).score(REAL_X, ONE_Y) > 0.5


def test_a_pipeline_with_memory(mlp, tmp_path):
    memory = joblib.Memory(tmp_path, verbose=0)
    pipe = make_pipeline(mlp, LogisticRegression(), memory=memory)
    first = pipe.fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(pipe.fit(X, Y).predict_proba(X), first)


def test_their_picture_in_a_notebook(classifier):
    name = type(classifier).__name__
    pipe = make_pipeline(StandardScaler(), classifier)
    for model in (classifier, pipe, GridSearchCV(classifier, {"alpha": [0.1]})):
        html = estimator_html_repr(model)
        assert name in html and "<span>Not fitted</span>" in html
    for model in (classifier.fit(X, Y), pipe):
        html = estimator_html_repr(model)
        assert name in html and "<span>Fitted</span>" in html
    assert "StandardScaler" in pipe._repr_html_() and name in pipe._repr_html_()
    assert f"{name}(" in repr(pipe) and f"estimator={name}(" in repr(
        GridSearchCV(classifier, {})
    )


def test_their_own_picture_in_a_notebook(classifier):
    assert type(classifier).__name__ in classifier._repr_html_()


# -- searches -------------------------------------------------------------------------

GRID = {
    "mlpclassifier__alpha": [1e-4, 1.0],
    "mlpclassifier__hidden_layer_sizes": [4, (12, 8)],
}


def searched(search, *args, **rest):
    search.fit(*args, **rest)
    results = search.cv_results_
    scores = {k: v for k, v in results.items() if k.startswith(("mean_test", "split"))}
    return {**scores, "best": search.best_index_}


def test_grid_search_in_processes_is_grid_search(mlp):
    pipe = make_pipeline(StandardScaler(), mlp)
    settings = {
        "scoring": ["accuracy", "neg_log_loss", "roc_auc_ovr"],
        "refit": "neg_log_loss",
        "cv": 2,
    }
    alone = searched(GridSearchCV(pipe, GRID, **settings), X, NAMES)
    search = GridSearchCV(pipe, GRID, n_jobs=2, **settings)
    np.testing.assert_equal(searched(search, X, NAMES), alone)
    assert search.best_score_ > -1 and search.n_features_in_ == 64
    assert search.score(X, NAMES) == search.score(X, NAMES)
    assert search.predict_proba(X).shape == (240, 4)
    best = search.best_estimator_.named_steps["mlpclassifier"]
    assert best.alpha == search.best_params_["mlpclassifier__alpha"]
    with joblib.parallel_config("threading", n_jobs=2):
        np.testing.assert_equal(
            searched(GridSearchCV(pipe, GRID, **settings), X, NAMES), alone
        )


def test_grid_search_over_objects(classifier):
    """Parameters that are schedules, optimisers, dicts, lists of callbacks."""
    grid = {
        "learning_rate": ["constant", Cosine(0.02), {"name": "cosine"}],
        "solver": ["adam", AdamW(), {"name": "sgd", "momentum": 0.5}],
    }
    search = GridSearchCV(classifier.set_params(max_iter=2), grid, n_jobs=2, cv=2)
    search.fit(X, Y)
    assert len(search.cv_results_["params"]) == 9
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_grid_search_over_layers():
    grid = {"layers": [[Dense(4), ReLU()], [Dense(8), ReLU(), Dense(8), ReLU()]]}
    search = GridSearchCV(clone(CLASSIFIERS["network"]), grid, n_jobs=2, cv=2)
    search.fit(X, Y)
    assert repr(search.best_estimator_.layers) == repr(search.best_params_["layers"])


def test_grid_search_of_a_regressor(regressor):
    grid = {"loss": ["squared_error", Huber(0.5)], "alpha": [0.0, 0.1]}
    search = GridSearchCV(regressor, grid, cv=2, n_jobs=2, scoring="r2")
    assert search.fit(REAL_X, ONE_Y).best_score_ > 0.5


def test_wrong_candidates_are_the_search_s_business(mlp):
    grid = {"activation": ["relu", "swish"], "alpha": [0.1, -1]}
    search = GridSearchCV(mlp.set_params(max_iter=1), grid, cv=2)
    non_finite = pytest.warns(UserWarning, match="test scores are non-finite")
    with (
        non_finite,
        pytest.warns(FitFailedWarning, match="activation must be one of") as told,
    ):
        search.fit(X, Y)
    words = " ".join(str(warning.message) for warning in told)
    assert "The 'alpha' parameter of MLPClassifier" in words
    assert search.best_params_ == {"activation": "relu", "alpha": 0.1}
    with pytest.raises(ValueError, match="activation must be one of"):
        GridSearchCV(mlp, {"activation": ["swish"]}, error_score="raise").fit(X, Y)


def test_other_searches(mlp):
    random = RandomizedSearchCV(
        mlp,
        {"alpha": [0.1, 1.0], "learning_rate_init": [0.001, 0.01]},
        n_iter=2,
        cv=2,
        n_jobs=2,
        random_state=0,
    )
    assert random.fit(X, Y).best_score_ > 0.5
    grid = {"hidden_layer_sizes": [2, 16]}
    for resource, settings in (
        ("n_samples", {"min_resources": 60}),
        ("max_iter", {"min_resources": 2, "max_resources": 8}),
    ):
        halving = HalvingGridSearchCV(
            mlp, grid, resource=resource, cv=2, factor=2, n_jobs=2, **settings
        )
        assert halving.fit(X, Y).best_params_["hidden_layer_sizes"] == 16
    halving = HalvingRandomSearchCV(
        clone(REGRESSORS["mlp"]),
        {"alpha": [0.0, 0.1, 1.0]},
        n_candidates=2,
        min_resources=60,
        cv=2,
        n_jobs=2,
        random_state=0,
    )
    halving.fit(REAL_X, ONE_Y)


# -- cross validation -----------------------------------------------------------------


def test_cross_validation(classifier):
    scores = cross_val_score(classifier, X, NAMES, cv=3, n_jobs=2)
    np.testing.assert_array_equal(scores, cross_val_score(classifier, X, NAMES, cv=3))
    assert scores.min() > 0.7
    for method in ("predict", "predict_proba", "predict_log_proba"):
        out = cross_val_predict(classifier, X, NAMES, cv=3, method=method)
        assert len(out) == 240
    p = cross_val_predict(classifier, X, NAMES, cv=3, method="predict_proba", n_jobs=2)
    assert p.shape == (240, 4) and np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert (np.unique(NAMES)[p.argmax(axis=1)] == NAMES).mean() > 0.7


def test_cross_validation_of_regressors(regressor):
    done = cross_validate(
        regressor,
        REAL_X,
        REAL_Y,
        cv=2,
        scoring=("r2", "neg_mean_absolute_error"),
        return_estimator=True,
        return_train_score=True,
        n_jobs=2,
    )
    assert done["test_r2"].min() > 0.5
    for fitted in done["estimator"]:
        check_is_fitted(fitted)
        np.testing.assert_array_equal(
            fitted.predict(REAL_X), copy.deepcopy(fitted).predict(REAL_X)
        )


def test_curves(mlp):
    sizes, train, test = learning_curve(
        mlp, X, Y, train_sizes=[0.3, 1.0], cv=2, n_jobs=2
    )
    assert list(sizes) == [36, 120] and test.shape == (2, 2)
    _, train, _ = learning_curve(
        mlp, X, Y, train_sizes=[0.3, 0.6, 1.0], cv=2, exploit_incremental_learning=True
    )
    assert train.shape == (3, 2)
    _, test = validation_curve(
        mlp, X, Y, param_name="max_iter", param_range=[1, 12], cv=2, n_jobs=2
    )
    assert test[1].mean() > test[0].mean()


# -- around one estimator -------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *((kind, "sigmoid") for kind in CLASSIFIERS),
        ("mlp", "isotonic"),
        ("mlp", "temperature"),
    ],
)
def test_calibrated(kind, method):
    classifier = clone(CLASSIFIERS[kind])
    calibrated = CalibratedClassifierCV(classifier, method=method, cv=2)
    calibrated.fit(X, NAMES, sample_weight=WEIGHTS)
    assert calibrated.score(X, NAMES) > 0.8
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    frozen = FrozenEstimator(classifier.fit(X, NAMES))
    again = CalibratedClassifierCV(frozen, method=method).fit(X, NAMES)
    assert again.score(X, NAMES) > 0.8


def test_permutation_importance_of_regressors(regressor):
    wider = np.hstack([REAL_X, np.zeros((240, 1))])
    model = regressor.fit(wider, ONE_Y)
    found = permutation_importance(model, wider, ONE_Y, n_repeats=3, n_jobs=2)
    assert found.importances_mean[:6].max() > 0.1 > found.importances_mean[6] == 0


def test_permutation_importance(classifier):
    classifier.fit(X, Y)
    found = permutation_importance(classifier, X, Y, n_repeats=1, n_jobs=2)
    assert found.importances_mean.shape == (64,)
    assert (found.importances_mean[X.std(axis=0) == 0] == 0).all()


def test_partial_dependence_of_regressors(regressor):
    regressor.fit(REAL_X, ONE_Y)
    found = partial_dependence(regressor, REAL_X, [0, 1], grid_resolution=5)
    assert found["average"].shape == (1, 5, 5)
    strongest = int(np.abs(np.corrcoef(REAL_X.T, ONE_Y)[-1, :-1]).argmax())
    found = partial_dependence(regressor, REAL_X, [strongest], kind="both")
    assert np.all(np.diff(found["average"][0]) > 0)


def test_partial_dependence(classifier):
    classifier.fit(X, Y)
    found = partial_dependence(classifier, X, [20], grid_resolution=4)
    assert found["average"].shape == (4, 4)


def test_thresholds(mlp):
    tuned = TunedThresholdClassifierCV(mlp, scoring="f1", cv=2).fit(X, BINARY)
    assert tuned.score(X, BINARY) > 0.9
    fixed = FixedThresholdClassifier(
        mlp, threshold=0.99, response_method="predict_proba"
    )
    assert fixed.fit(X, BINARY).predict(X).sum() < BINARY.sum()


def test_other_wrappers(mlp):
    unknown = np.where(np.arange(240) % 3 == 0, -1, Y)
    assert SelfTrainingClassifier(mlp).fit(X, unknown).score(X, Y) > 0.9
    selector = SequentialFeatureSelector(
        clone(REGRESSORS["mlp"]).set_params(max_iter=3), n_features_to_select=2, cv=2
    )
    assert selector.fit(REAL_X, ONE_Y).transform(REAL_X).shape == (240, 2)


# -- ensembles ------------------------------------------------------------------------


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting):
    models = [(name, clone(model)) for name, model in CLASSIFIERS.items()]
    vote = VotingClassifier([*models, ("lr", LogisticRegression())], voting=voting)
    vote.set_params(n_jobs=2, mlp__alpha=0.1)
    assert vote.fit(X, NAMES, sample_weight=WEIGHTS).score(X, NAMES) > 0.9
    assert [model.alpha for model in vote.estimators_[:2]] == [0.1, 0.0]


def test_stacking():
    models = [(name, clone(model)) for name, model in CLASSIFIERS.items()]
    stack = StackingClassifier(models, cv=2, n_jobs=2, passthrough=True)
    assert stack.fit(X, NAMES).score(X, NAMES) > 0.9
    final = StackingClassifier([("lr", LogisticRegression())], models[0][1], cv=2)
    assert final.fit(X, NAMES).score(X, NAMES) > 0.9
    models = [(name, clone(model)) for name, model in REGRESSORS.items()]
    stack = StackingRegressor(models, cv=2, n_jobs=2).fit(REAL_X, ONE_Y)
    vote = VotingRegressor(models).fit(REAL_X, ONE_Y, sample_weight=WEIGHTS)
    assert min(stack.score(REAL_X, ONE_Y), vote.score(REAL_X, ONE_Y)) > 0.3


def test_bagging(classifier):
    bag = BaggingClassifier(classifier, 3, max_samples=0.7, n_jobs=2, random_state=0)
    assert bag.fit(X, NAMES, sample_weight=WEIGHTS).score(X, NAMES) > 0.8
    assert len({m.random_state for m in bag.estimators_}) == 3
    bag.set_params(bootstrap=False, max_features=49 if "Conv" in repr(bag) else 0.5)
    assert bag.fit(X, NAMES).score(X, NAMES) > 0.6


def test_bagging_of_regressors(regressor):
    bag = BaggingRegressor(regressor, 2, n_jobs=2).fit(REAL_X, REAL_Y)
    assert bag.score(REAL_X, REAL_Y) > 0.5


def test_boosting(classifier):
    """Each member is given other weights."""
    boost = AdaBoostClassifier(classifier, n_estimators=3, random_state=0)
    assert boost.fit(X, NAMES).score(X, NAMES) > 0.9


def test_boosting_of_regressors(regressor):
    boost = AdaBoostRegressor(regressor, n_estimators=2, random_state=0)
    assert boost.fit(REAL_X, ONE_Y).score(REAL_X, ONE_Y) > 0.5
    boost = GradientBoostingRegressor(init=regressor, n_estimators=5, random_state=0)
    assert boost.fit(REAL_X, ONE_Y, WEIGHTS).score(REAL_X, ONE_Y) > 0.5


def test_weights_arrive_through_ensembles(mlp):
    """Samples of weight 0 are as if they were not there."""
    weights = np.where(Y == 3, 0.0, 1.0)
    with_others = VotingClassifier([("mlp", mlp)], voting="soft")
    p = with_others.fit(X, Y, sample_weight=weights).predict_proba(X)
    assert p[:, 3].max() < 0.5 and p[Y == 0, 0].min() > 0.3


def test_several_classes_from_two(mlp):
    mlp.set_params(max_iter=8)
    for kind in (OneVsRestClassifier, OneVsOneClassifier):
        many = kind(mlp, n_jobs=2)
        assert many.fit(X, NAMES).score(X, NAMES) > 0.9
        kind(mlp).partial_fit(X, Y, classes=np.unique(Y)).partial_fit(X, Y)
    codes = OutputCodeClassifier(mlp, code_size=2, random_state=0)
    assert codes.fit(X, NAMES).score(X, NAMES) > 0.8


def test_several_targets(classifier):
    several = np.stack([NAMES, NAMES[::-1]], axis=1)
    many = MultiOutputClassifier(classifier, n_jobs=2).fit(X, several)
    assert many.predict(X).shape == (240, 2)
    assert [p.shape for p in many.predict_proba(X)] == [(240, 4), (240, 4)]
    chain = ClassifierChain(CLASSIFIERS["mlp"], cv=2)
    chain.fit(X, np.stack([BINARY, ~BINARY], axis=1).astype(int))


def test_several_targets_of_regressors(regressor):
    many = MultiOutputRegressor(regressor, n_jobs=2).fit(REAL_X, REAL_Y, WEIGHTS)
    assert many.score(REAL_X, REAL_Y) > 0.5
    many.partial_fit(REAL_X, REAL_Y)
    assert RegressorChain(regressor).fit(REAL_X, REAL_Y).score(REAL_X, REAL_Y) > 0.5


def test_transformed_targets(regressor):
    whole = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    wide = 1000 * ONE_Y + 5000
    whole.fit(REAL_X, wide, sample_weight=WEIGHTS)
    assert whole.score(REAL_X, wide) > 0.5
    whole = TransformedTargetRegressor(regressor, func=np.log1p, inverse_func=np.expm1)
    assert (whole.fit(REAL_X, np.exp(REAL_Y)).predict(REAL_X) > -1).all()


# -- tables ---------------------------------------------------------------------------


@pytest.fixture
def table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(REAL_X, columns=[f"column{i}" for i in range(6)])
    frame["colour"] = np.where(ONE_Y > 0, "red", "blue")
    return frame


def columns_of_the_table():
    return make_column_transformer(
        (StandardScaler(), [f"column{i}" for i in range(6)]),
        (OneHotEncoder(sparse_output=False), ["colour"]),
    ).set_output(transform="pandas")


def test_tables_through_a_column_transformer(table, classifier):
    columns = columns_of_the_table()
    y = np.where(ONE_Y > 0, "rising", "falling")
    pipe = make_pipeline(columns, classifier).fit(table, y)
    assert pipe.score(table, y) > 0.9
    names = [f"standardscaler__column{i}" for i in range(6)]
    names += ["onehotencoder__colour_blue", "onehotencoder__colour_red"]
    assert list(pipe[-1].feature_names_in_) == names
    assert list(pipe.feature_names_in_) == list(table.columns)
    assert pipe.score(table[table.columns[::-1]], y) > 0.9


def test_tables_for_regressors(table, regressor):
    pipe = make_pipeline(columns_of_the_table(), regressor)
    pipe.fit(table, table["column0"])
    assert pipe.score(table, table["column0"]) > 0.5


@pytest.mark.parametrize("kind", ["mlp", "conv", "network", "regressor"])
def test_names_of_columns(table, kind):
    numbers = table.drop(columns="colour")
    model = {**CLASSIFIERS, "regressor": REGRESSORS["mlp"]}[kind]
    model, y = clone(model), ONE_Y > 0
    model.fit(numbers, y)
    assert list(model.feature_names_in_) == list(numbers.columns)
    answers = model.predict(numbers)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(numbers[numbers.columns[::-1]])
    with pytest.raises(ValueError, match="unseen at fit time"):
        model.predict(numbers.rename(columns={"column0": "other"}))
    with pytest.raises(ValueError, match="now missing"):
        model.predict(numbers.drop(columns="column3"))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(model.predict(REAL_X), answers)
    held = {"validation_data": (numbers, y)}
    assert len(model.fit(numbers, y, **held).history_["validation_score"]) > 1
    assert not hasattr(model.fit(REAL_X, y), "feature_names_in_")
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        model.predict(numbers)


def test_as_a_transformer_among_others(table, mlp):
    numbers = [f"column{i}" for i in range(6)]
    y = table["colour"]
    columns = ColumnTransformer(
        [("net", mlp, numbers), ("hot", OneHotEncoder(), ["colour"])]
    )
    out = columns.fit_transform(table, y)
    names = columns.get_feature_names_out()
    assert out.shape == (240, 18) and list(names[:2]) == [
        "net__mlpclassifier0",
        "net__mlpclassifier1",
    ]
    union = FeatureUnion([("scaled", StandardScaler()), ("net", mlp)], n_jobs=2)
    assert union.fit_transform(REAL_X, ONE_Y > 0).shape == (240, 22)
    with sklearn.config_context(transform_output="pandas"):
        assert union.fit(REAL_X, ONE_Y > 0).transform(REAL_X).shape == (240, 22)


def test_pandas_output_of_a_pipeline_that_ends_with_one(table, classifier):
    numbers, y = table.drop(columns="colour"), table["colour"]
    pipe = make_pipeline(StandardScaler(), classifier).set_output(transform="pandas")
    assert list(pipe.fit(numbers, y)[-1].feature_names_in_) == list(numbers.columns)


def test_pandas_output_of_transform(table, classifier):
    numbers = table.drop(columns="colour")
    model = classifier.set_output(transform="pandas").fit(numbers, ONE_Y > 0)
    out = model.transform(numbers)
    assert list(out.columns) == list(model.get_feature_names_out())
    assert list(out.index) == list(numbers.index)


# -- clones ---------------------------------------------------------------------------


class Counts(Callback):
    def __init__(self):
        self.epochs = 0

    def on_epoch_end(self, training):
        self.epochs += 1


def right(truth, answer):
    return float(np.mean(truth == answer))


OBJECTS = {
    "schedule": (MLPClassifier, {"learning_rate": Cosine(0.01)}),
    "optimizer": (MLPClassifier, {"solver": SGD(momentum=0.5)}),
    "mapping": (MLPClassifier, {"solver": {"name": "adamw", "weight_decay": 0.1}}),
    "rate mapping": (MLPClassifier, {"learning_rate": {"name": "one_cycle"}}),
    "loss": (MLPRegressor, {"loss": Huber(0.3)}),
    "loss mapping": (NetworkRegressor, {"loss": {"name": "huber", "delta": 2.0}}),
    "callbacks": (MLPClassifier, {"callbacks": [Counts()]}),
    "callbacks in a tuple": (ConvClassifier, {"callbacks": (Counts(), Counts())}),
    "metrics": (MLPClassifier, {"metrics": {"right": right}}),
    "augmentation": (ConvClassifier, {"augmentation": lambda x, rng: x + 0}),
    "class_weight": (NetworkClassifier, {"class_weight": {0: 1, 1: 2, 2: 3, 3: 4}}),
    "layers": (NetworkClassifier, {"layers": [Dense(5), ReLU()]}),
    "arrays": (
        MLPClassifier,
        {"coefs_init": [np.ones((64, 3)), np.ones((3, 4))], "hidden_layer_sizes": 3},
    ),
    "RandomState": (MLPClassifier, {"random_state": np.random.RandomState(3)}),
    "Generator": (MLPRegressor, {"random_state": np.random.default_rng(3)}),
    "array of sizes": (MLPClassifier, {"hidden_layer_sizes": np.array([3, 4])}),
    "float32": (MLPClassifier, {"alpha": np.float32(0.1)}),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_clones(name):
    kind, settings = OBJECTS[name]
    settings = {"random_state": 0, "max_iter": 2, **settings}
    model = kind(**settings)
    # The constructor keeps what it is given.
    assert all(getattr(model, key) is value for key, value in settings.items())
    y = Y if is_classifier(model) else Y / 3
    held = {"validation_data": (X, y)} if model.metrics else {}
    twin, fitted = clone(model), clone(model).fit(X, y, **held)
    for other in (twin, clone(fitted)):
        assert type(other) is kind and not hasattr(other, "network_")
        assert other.get_params().keys() == model.get_params().keys()
    twin.fit(X, y, **held)
    np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))
    if "random_state" not in OBJECTS[name][1]:  # of which fit draws
        again = clone(fitted).fit(X, y, **held)
        np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    for key, value in OBJECTS[name][1].items():
        if not callable(value) and not np.isscalar(value):
            assert getattr(twin, key) is not value
    # What the clones did has left no trace in the original.
    callbacks = model.callbacks or ()
    assert all(callback.epochs == 0 for callback in callbacks)


def test_a_clone_of_a_fitted_one_can_be_fitted_alike(classifier):
    first = classifier.fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(clone(classifier).fit(X, Y).predict_proba(X), first)
    pipe = Pipeline([("a", StandardScaler()), ("b", classifier)])
    assert not hasattr(clone(pipe)["b"], "network_")
    assert hasattr(clone(FrozenEstimator(classifier)).estimator, "network_")
    twin = clone([classifier, classifier])
    assert twin[0] is not twin[1] and twin[0] is not classifier


# -- metadata -------------------------------------------------------------------------


def test_weights_through_a_search_without_routing(mlp):
    weights = np.where(Y == 3, 0.0, 1.0)
    search = GridSearchCV(mlp, {"alpha": [0.1]}, cv=2)
    search.fit(X, Y, sample_weight=weights)
    assert (search.predict(X) != 3).mean() > 0.9
    # Whatever is as long as X is cut with it, and the weights are among that.
    held = (X[:40], Y[:40])
    search.fit(X, Y, sample_weight=weights, validation_data=held)
    assert len(search.best_estimator_.history_["validation_score"]) == 12


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_with_routing_nothing_is_lost_without_a_word(routing, mlp):
    """Nobody has asked for weights: they are refused, as for scikit-learn's own."""
    search = GridSearchCV(mlp, {"alpha": [0.1]}, cv=2)
    assert search.fit(X, Y).best_score_ > 0.7
    with pytest.raises((TypeError, UnsetMetadataPassedError), match="sample_weight"):
        search.fit(X, Y, sample_weight=WEIGHTS)
    with pytest.raises((TypeError, UnsetMetadataPassedError), match="sample_weight"):
        VotingClassifier([("a", mlp)]).fit(X, Y, sample_weight=WEIGHTS)
    make_pipeline(StandardScaler(), mlp).fit(X, Y)
    BaggingClassifier(mlp, 2).fit(X, Y)


class Weighed(MLPClassifier):
    """One that notes what it was given."""

    seen = ()

    def fit(self, X, y, sample_weight=None):
        Weighed.seen = (*Weighed.seen, sample_weight)
        return super().fit(X, y, sample_weight)


def test_with_routing_calibration_gives_no_weights(routing):
    """It takes them for itself, as the page of the estimators says.

    scikit-learn's own ask whether the classifier shall have them too.
    """
    with pytest.raises(UnsetMetadataPassedError):
        CalibratedClassifierCV(TheirClassifier(2, max_iter=1), cv=2).fit(
            X, Y, sample_weight=WEIGHTS
        )
    CalibratedClassifierCV(Weighed(2, max_iter=1), cv=2).fit(
        X, Y, sample_weight=WEIGHTS
    )
    assert Weighed.seen == (None, None)


def test_there_is_no_routing(classifier):
    for name in ("set_fit_request", "set_score_request", "get_metadata_routing"):
        assert not hasattr(classifier, name)


# -- copies on disk and elsewhere -----------------------------------------------------

COPIES = {
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "oldest protocol": lambda model, path: pickle.loads(pickle.dumps(model, 2)),
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "joblib": lambda model, path: joblib.load(joblib.dump(model, path)[0]),
    "joblib, packed": lambda model, path: joblib.load(
        joblib.dump(model, path, compress=3)[0]
    ),
    "joblib, mapped": lambda model, path: joblib.load(
        joblib.dump(model, path)[0], mmap_mode="r"
    ),
}
TO_COPY = {
    "mlp": (CLASSIFIERS["mlp"], Y, {}),
    "batch norm": (
        *(CLASSIFIERS["mlp"], Y),
        {"batch_norm": True, "dropout": 0.1, "hidden_layer_sizes": (8, 8)},
    ),
    "early stopping": (CLASSIFIERS["mlp"], NAMES, {"early_stopping": True}),
    "average": (CLASSIFIERS["mlp"], Y, {"weight_average": 0.9, "calibrate": True}),
    "optimizer": (CLASSIFIERS["mlp"], Y, {"solver": SGD(momentum=0.9)}),
    "schedule": (CLASSIFIERS["mlp"], Y, {"learning_rate": Cosine(0.01)}),
    "lbfgs": (CLASSIFIERS["mlp"], Y, {"solver": "lbfgs"}),
    "conv": (CLASSIFIERS["conv"], NAMES, {"batch_norm": True}),
    "network": (CLASSIFIERS["network"], Y, {}),
    "regressor": (REGRESSORS["mlp"], Y / 3, {"loss": Huber(0.5)}),
    "network regressor": (REGRESSORS["network"], Y / 3, {}),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("name", TO_COPY)
def test_copies(name, way, tmp_path):
    model, y, settings = TO_COPY[name]
    model = clone(model).set_params(**settings, max_iter=3)
    unfitted = COPIES[way](model, tmp_path / "unfitted")
    assert repr(unfitted) == repr(model)
    with pytest.raises(NotFittedError):
        unfitted.predict(X)
    model.fit(X, y)
    answers, theta = model.predict(X), model.network_.theta.copy()
    twin = COPIES[way](model, tmp_path / "fitted")
    np.testing.assert_array_equal(twin.predict(X), answers)
    np.testing.assert_array_equal(unfitted.fit(X, y).network_.theta, theta)
    assert twin.network_ is not model.network_
    # Both go on alike, and each for itself.
    if hasattr(model, "partial_fit") and not model.early_stopping:
        twin.partial_fit(X, y)
        np.testing.assert_array_equal(model.network_.theta, theta)
        model.partial_fit(X, y)
        np.testing.assert_array_equal(twin.network_.theta, model.network_.theta)
    twin.network_.theta[...] = 0
    assert not np.array_equal(model.network_.theta, twin.network_.theta)


@pytest.mark.parametrize("way", [*COPIES, "copy"])
def test_views_stay_views(way, tmp_path):
    model = MLPClassifier((6, 5), max_iter=2, random_state=0).fit(X, Y)
    if way == "copy":
        twin = copy.copy(model)  # of the same network
        assert twin.network_ is model.network_
    else:
        twin = COPIES[way](model, tmp_path / "model")
    for arrays, names in (
        (twin.coefs_, ("0.W", "2.W", "4.W")),
        (twin.intercepts_, ("0.b", "2.b", "4.b")),
    ):
        for array, name in zip(arrays, names, strict=True):
            assert np.shares_memory(array, twin.network_.theta)
            np.testing.assert_array_equal(array, twin.network_.parameters()[name])
    before = twin.predict_proba(X)
    twin.coefs_[0][...] = 0
    # One row alone may be summed in another order than many.
    np.testing.assert_allclose(
        twin.predict_proba(X), np.tile(twin.predict_proba(X[:1]), (len(X), 1)), 1e-6
    )
    twin.intercepts_[2][...] = [0, 0, 9, 0]
    assert (twin.predict(X) == 2).all()
    if way != "copy":
        np.testing.assert_array_equal(model.predict_proba(X), before)
    # Arrays that somebody has put there go along, too.
    model.coefs_[2] = np.zeros((5, 4))
    model.intercepts_[2] = np.arange(4.0)
    twin = copy.deepcopy(model)
    assert (twin.predict(X) == 3).all()
    twin.intercepts_[2][...] = -np.arange(4)
    assert (twin.predict(X) == 0).all() and (model.predict(X) == 3).all()


@pytest.mark.parametrize("way", ["given", "held out"])
def test_pickles_do_not_hold_the_data(mlp, way):
    many_x, many_y = np.tile(X, (20, 1)), np.tile(Y, 20)
    held = {"validation_data": (many_x, many_y)} if way == "given" else {}
    mlp.set_params(max_iter=1, early_stopping=True, validation_fraction=0.5)
    mlp.fit(many_x, many_y, **held)
    weights = 6 * mlp.network_.theta.nbytes + 16 * len(many_y)
    assert len(pickle.dumps(mlp)) < weights + 20_000


# -- joblib ---------------------------------------------------------------------------


def fit_and_predict(model, x, y):
    return model.fit(x, y).predict(x)


def threads_here(_):
    return default_threads(), os.environ.get("OMP_NUM_THREADS"), os.getpid()


class ThreadsSeen(Callback):
    """The most threads, besides those that there are, at the end of a step."""

    def __init__(self):
        self.most = 0
        self.before = set(threading.enumerate())

    def on_batch_end(self, training):
        self.most = max(self.most, len(set(threading.enumerate()) - self.before))


def threads_of_a_fit(threads):
    seen = ThreadsSeen()
    x = np.random.default_rng(0).random((400, 256), np.float32)
    MLPClassifier(
        (512, 512), max_iter=1, random_state=0, threads=threads, callbacks=[seen]
    ).fit(x, np.arange(400) % 2)
    return seen.most


MODELS = [
    MLPClassifier((64,), max_iter=3, random_state=0),
    MLPClassifier((200, 200), max_iter=2, random_state=1, threads=2),
    ConvClassifier((8,), max_iter=1, random_state=2),
    ConvClassifier((8,), max_iter=1, random_state=3, threads=2),
    NetworkClassifier([Dense(20), ReLU()], max_iter=2, random_state=4),
    MLPClassifier((20,), solver="lbfgs", max_iter=10, random_state=5),
]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_beside_each_other_they_do_what_they_do_alone(backend):
    """No deadlock either, though this process has used threads and BLAS before."""
    x, y = np.tile(X, (4, 1)), np.tile(Y, 4)
    # The same number of threads: sums are added in another order by another number.
    models = [clone(m).set_params(threads=m.threads or 1) for m in MODELS]
    alone = [fit_and_predict(clone(model), x, y) for model in models]
    jobs = (joblib.delayed(fit_and_predict)(clone(m), x, y) for m in models)
    parallel = joblib.Parallel(n_jobs=2, backend=backend, timeout=120)
    for got, expected in zip(parallel(jobs), alone, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_two_workers_share_the_processors(backend):
    parallel = joblib.Parallel(n_jobs=2, backend=backend, timeout=120)
    seen = parallel(joblib.delayed(threads_here)(i) for i in range(4))
    share = max(1, joblib.cpu_count() // 2)
    assert all(1 <= threads <= share for threads, *_ in seen)
    ours = {pid for *_, pid in seen} == {os.getpid()}
    assert ours == (backend == "threading")
    if share == 1 and not ours:
        jobs = (joblib.delayed(threads_of_a_fit)(None) for _ in range(2))
        assert parallel(jobs) == [0, 0]


def test_alone_they_take_what_there_is(monkeypatch):
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    everything = default_threads()
    for backend in ("loky", "threading", "sequential"):
        with joblib.parallel_config(backend, n_jobs=1):
            (seen,) = joblib.Parallel()(joblib.delayed(threads_here)(0) for _ in "x")
        assert seen[0] == everything
    if everything > 1:
        assert threads_of_a_fit(None) == 1 if everything == 2 else True
    assert threads_of_a_fit(1) == 0 and threads_of_a_fit(2) == 1


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="there is one processor")
def test_a_worker_process_has_the_threads_that_joblib_gives_it():
    def here():  # defined here, it does not make the workers import this module
        return default_threads(), os.environ.get("OMP_NUM_THREADS")

    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=2):
        seen = joblib.Parallel(timeout=120)(joblib.delayed(here)() for _ in range(2))
    assert set(seen) == {(2, "2")}


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize(
    ("value", "most"),
    [
        ("1", 1),
        (" 1 ", 1),
        ("999", None),
        ("", None),
        ("0", None),
        ("-1", None),
        ("many", None),
        ("1,2", 1),  # OpenMP's list, one entry for each nesting level
    ],
)
def test_limits_in_the_environment(monkeypatch, name, value, most):
    for other in LIMITS:
        monkeypatch.delenv(other, raising=False)
    everything = default_threads()
    if everything == 1 and most == 1:
        pytest.skip("there is one processor")
    monkeypatch.setenv(name, value)
    assert default_threads() == (most or everything)
    if most == 1:
        assert threads_of_a_fit(None) == 0
    assert threads_of_a_fit(2) == 1  # what the user says counts


# -- many threads on one estimator ----------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "conv", "network", "regressor"])
def test_many_threads_ask_one_estimator(kind):
    model = clone({**CLASSIFIERS, "regressor": REGRESSORS["mlp"]}[kind])
    model.set_params(max_iter=2, threads=2).fit(X, Y)
    x = np.tile(X, (8, 1))
    sizes = (1, 5, 33, 1500, 240, 700)
    parts = [x[i : i + n] for i, n in zip(range(0, 360, 3), sizes * 20, strict=True)]
    methods = ["predict", "transform", "hidden_activations"]
    if kind != "regressor":
        methods += ["predict_proba", "predict_log_proba"]
    questions = [(methods[i % len(methods)], part) for i, part in enumerate(parts)]

    def ask(question):
        return getattr(model, question[0])(question[1])

    expected = [ask(question) for question in questions]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, questions))
    for got, right_one in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(got, right_one)


def test_many_threads_train_many_estimators():
    models = [
        MLPClassifier((200,), max_iter=4, random_state=i, threads=2, batch_size=100)
        for i in range(6)
    ]
    alone = [fit_and_predict(clone(model), X, Y) for model in models]
    with ThreadPoolExecutor(6) as threads:
        jobs = [threads.submit(fit_and_predict, m, X, Y) for m in models]
    for job, expected in zip(jobs, alone, strict=True):
        np.testing.assert_array_equal(job.result(), expected)


class Meets(SquaredError):
    """A loss in the midst of which something else happens, once."""

    name = "meets"
    meanwhile = None

    def __call__(self, *args, **rest):
        result = super().__call__(*args, **rest)
        event, Meets.meanwhile = Meets.meanwhile, None
        if event is not None:
            event()
        return result


@pytest.mark.parametrize("rows", [40, 33, 240])
def test_a_prediction_during_partial_fit_does_not_disturb_it(rows):
    def trained(event):
        model = MLPRegressor(
            Meets(), 8, max_iter=2, batch_size=40, random_state=0, threads=1
        ).fit(X, Y / 3)
        Meets.meanwhile = event and (lambda: event(model))
        try:
            model.partial_fit(X, Y / 3)
        finally:
            Meets.meanwhile = None
        return model.network_.theta

    asking = []

    def ask(model):
        asking.append(threading.Thread(target=lambda: model.predict(X[::-1][:rows])))
        asking[0].start()
        asking[0].join(0.2)  # it may have to wait for the end of the training

    disturbed = trained(ask)
    asking[0].join()
    np.testing.assert_array_equal(disturbed, trained(None))


def test_two_trainings_at_once_may_share_a_loss():
    def trained(event):
        loss = Meets()
        first, second = (
            MLPRegressor(loss, 8, max_iter=2, batch_size=40, random_state=i, threads=1)
            for i in range(2)
        )
        Meets.meanwhile = (lambda: second.fit(X, Y / 3)) if event else None
        return first.fit(X, Y / 3).network_.theta

    np.testing.assert_array_equal(trained(True), trained(False))


class Fits(Callback):
    """Trains another estimator in the midst of a training."""

    def __init__(self, other):
        self.other = other

    def on_batch_end(self, training):
        if self.other is not None:
            other, self.other = self.other, None
            other.fit(X, Y)


def test_two_trainings_at_once_may_share_an_optimizer():
    def trained(solver, other):
        second = MLPClassifier(8, solver=other, random_state=1, max_iter=2)
        first = MLPClassifier(
            8, solver=solver, random_state=0, max_iter=2, callbacks=[Fits(second)]
        )
        return first.fit(X, Y).network_.theta

    solver = SGD(momentum=0.5)
    np.testing.assert_array_equal(
        trained(solver, solver), trained(SGD(momentum=0.5), SGD(momentum=0.5))
    )


# -- warnings -------------------------------------------------------------------------


def test_filters_for_scikit_learns_warnings_catch_ours():
    model = MLPClassifier(3, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, Y)
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning) as caught:
            model.fit(X, Y)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, ConvergenceWarning) and str(again) == str(caught.value)


def test_losses_and_early_stopping_of_the_engine_are_deep_copied():
    """As `clone` does with every parameter that is no estimator."""
    stop, loss = EarlyStopping(monitor="loss"), losses.get("huber")
    model = clone(MLPRegressor(loss=loss, callbacks=[stop]))
    assert model.loss is not loss and model.callbacks[0] is not stop
    assert model.loss.config() == loss.config()
    assert model.callbacks[0].patience == stop.patience
