"""What scikit-learn decided not to add to its MLP."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits

from ardoise import (
    GELU,
    BatchNorm,
    Callback,
    ConvClassifier,
    Dense,
    Dropout,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)
from ardoise.engine.losses import Huber
from ardoise.engine.optimizers import AdamW
from ardoise.engine.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

X, Y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
TRAIN, TEST = slice(0, 1200), slice(1200, None)


def fitted(kind=MLPClassifier, y=Y, *, fit=None, **settings):
    settings = {"random_state": 0, "max_iter": 10, "batch_size": 50, **settings}
    model = kind(**settings)
    return model.fit(X[TRAIN], y[TRAIN], **(fit or {}))


def same_weights(a, b):
    np.testing.assert_array_equal(a.network_.theta, b.network_.theta)
    np.testing.assert_array_equal(a.network_.state, b.network_.state)


# -- layers ---------------------------------------------------------------------------


def test_dropout_batch_norm_and_an_activation_for_each_layer():
    model = fitted(
        hidden_layer_sizes=(30, 20),
        activation=("gelu", "tanh"),
        dropout=(0.1, 0.0),
        batch_norm=True,
    )
    kinds = [type(layer).__name__ for layer in model.network_.layers]
    assert kinds == ("Dense BatchNorm GELU Dropout Dense BatchNorm Tanh Dense".split())
    assert model.score(X[TEST], Y[TEST]) > 0.8
    assert [coefs.shape for coefs in model.coefs_] == [(64, 30), (30, 20), (20, 10)]
    same_weights(model, copy.deepcopy(model))


@pytest.mark.parametrize(
    "activation",
    ["identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "gelu", "softplus"],
)
def test_every_activation_learns(activation):
    model = fitted(activation=activation, max_iter=15)
    assert model.score(X[TEST], Y[TEST]) > 0.8


def test_first_weights():
    other = fitted(hidden_layer_sizes=5)
    model = MLPClassifier(
        5,
        coefs_init=other.coefs_,
        intercepts_init=other.intercepts_,
        learning_rate_init=1e-12,
        max_iter=1,
    ).fit(X[TRAIN], Y[TRAIN])
    for a, b in zip(model.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-8)


def test_hidden_activations():
    model = fitted(hidden_layer_sizes=(30, 20))
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    np.testing.assert_allclose(model.hidden_activations(X, 1), hidden, atol=1e-5)
    last = np.maximum(hidden @ model.coefs_[1] + model.intercepts_[1], 0)
    np.testing.assert_allclose(model.transform(X), last, atol=1e-5)
    np.testing.assert_allclose(model.hidden_activations(X, -2), last, atol=1e-5)
    z = last @ model.coefs_[2] + model.intercepts_[2]
    np.testing.assert_allclose(model.hidden_activations(X, 4), z, atol=1e-4)
    assert list(model.get_feature_names_out()[:2]) == [
        "mlpclassifier0",
        "mlpclassifier1",
    ]
    assert len(model.get_feature_names_out()) == 20
    for wrong in (5, -6):
        with pytest.raises(ValueError, match="layer must lie"):
            model.hidden_activations(X, wrong)


def test_coefs_can_be_changed_from_outside():
    model = fitted(hidden_layer_sizes=5)
    before = model.predict_proba(X)
    model.coefs_[0][...] = 0
    model.coefs_[1] = np.zeros_like(model.coefs_[1])
    model.intercepts_ = [np.zeros(5), np.arange(10.0)]
    assert not np.allclose(model.predict_proba(X), before)
    assert (model.predict(X) == 9).all()
    # And pickled, they are views again.
    again = pickle.loads(pickle.dumps(model))
    again.intercepts_[1][...] = -np.arange(10)
    assert (again.predict(X) == 0).all()
    assert (model.predict(X) == 9).all()


# -- solvers and losses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "solver",
    ["adamw", "rmsprop", {"name": "sgd", "momentum": 0.95}, AdamW(weight_decay=0.1)],
    ids=str,
)
@pytest.mark.parametrize(
    "learning_rate",
    ["constant", {"name": "cosine"}, {"name": "one_cycle"}, Cosine(3e-3, warmup=5)],
    ids=str,
)
def test_solvers_and_schedules(solver, learning_rate):
    model = fitted(solver=solver, learning_rate=learning_rate, learning_rate_init=3e-3)
    rates = model.history_["learning_rate"]
    assert (len(set(rates)) == 1) == (learning_rate == "constant")
    assert max(rates) <= 3e-3
    assert model.score(X[TEST], Y[TEST]) > 0.6


def test_alpha_is_the_decay_of_adamw_and_the_penalty_of_others():
    def weight(**settings):
        return sum(float((c**2).sum()) for c in fitted(**settings).coefs_)

    assert weight(solver="adamw", alpha=1.0) < 0.95 * weight(solver="adamw", alpha=0)
    assert weight(solver="rmsprop", alpha=50.0) < 0.9 * weight(
        solver="rmsprop", alpha=0
    )


@pytest.mark.parametrize(
    "loss", ["absolute_error", "huber", {"name": "huber", "delta": 0.5}, Huber(0.3)]
)
def test_other_losses_resist_an_outlier(loss):
    y = X.sum(axis=1) / 10
    wild = y.copy()
    wild[:20] += 1000
    settings = {"max_iter": 150, "hidden_layer_sizes": 20, "batch_size": 20}
    model = fitted(MLPRegressor, wild, loss=loss, **settings)
    squared = fitted(MLPRegressor, wild, **settings)
    assert model.score(X[TEST], y[TEST]) > 0.8 > squared.score(X[TEST], y[TEST])


def test_gradients_are_cut():
    free = fitted(MLPRegressor, Y * 1e3, solver="sgd", max_norm=1.0, max_iter=3)
    assert np.isfinite(free.network_.theta).all()
    with pytest.raises(ValueError, match="infinite or undefined at step"):
        fitted(MLPRegressor, Y * 1e6, solver="sgd", learning_rate_init=0.1)


def test_averaged_weights_are_what_is_kept():
    plain = fitted(learning_rate_init=0.03)
    averaged = fitted(learning_rate_init=0.03, weight_average=0.99)
    assert not np.array_equal(plain.network_.theta, averaged.network_.theta)
    assert averaged.score(X[TEST], Y[TEST]) > 0.85


def test_label_smoothing_makes_modest():
    for y in (Y, Y > 4):
        sure = fitted(y=y, max_iter=30).predict_proba(X[TRAIN]).max(axis=1).mean()
        modest = fitted(y=y, max_iter=30, label_smoothing=0.2)
        assert modest.predict_proba(X[TRAIN]).max(axis=1).mean() < sure - 0.02
        assert modest.score(X[TEST], y[TEST]) > 0.8


# -- classes and samples --------------------------------------------------------------


def test_class_weights():
    rare = np.flatnonzero((Y[TRAIN] != 3) | (np.arange(1200) % 20 == 0))
    x, y = X[rare], Y[rare]
    settings = {"max_iter": 60, "random_state": 0, "hidden_layer_sizes": 20}
    recall = {}
    for weight in (None, "balanced", {3: 20.0}):
        model = MLPClassifier(class_weight=weight, **settings).fit(x, y)
        found = model.predict(X[TEST][Y[TEST] == 3])
        recall[str(weight)] = np.mean(found == 3)
    assert recall["balanced"] > recall["None"] + 0.2
    assert recall["{3: 20.0}"] > recall["None"] + 0.2


def test_class_weights_are_sample_weights():
    by_class = fitted(class_weight={3: 2.0, 5: 0.5})
    weights = np.where(Y == 3, 2.0, np.where(Y == 5, 0.5, 1.0))[TRAIN]
    same_weights(by_class, fitted(fit={"sample_weight": weights}))
    both = fitted(class_weight={3: 2.0}, fit={"sample_weight": np.full(1200, 0.5)})
    weights = np.where(Y == 3, 1.0, 0.5)[TRAIN]
    same_weights(both, fitted(fit={"sample_weight": weights}))


def test_augmentation():
    def shifted(batch, rng):
        images = batch.reshape(-1, 8, 8)
        return np.roll(images, rng.integers(-1, 2), axis=2).reshape(batch.shape)

    moved = np.roll(X[TEST].reshape(-1, 8, 8), 1, axis=2).reshape(-1, 64)
    plain = fitted(max_iter=30).score(moved, Y[TEST])
    used = fitted(max_iter=30, augmentation=shifted, batch_size=20)
    assert used.score(moved, Y[TEST]) > plain + 0.2
    same_weights(used, fitted(max_iter=30, augmentation=shifted, batch_size=20))


# -- watching -------------------------------------------------------------------------


def recall_of_0(truth, predicted):
    return np.mean(predicted[truth == 0] == 0)


def test_validation_data_and_metrics():
    metrics = {"recall": recall_of_0, "errors": lambda t, p: np.sum(t != p)}
    held = (X[TEST], Y[TEST])
    model = fitted(metrics=metrics, fit={"validation_data": held})
    history = model.history_
    assert {len(column) for column in history.values()} == {10}
    assert set(history) == {
        *("loss", "learning_rate", "seconds", "validation_loss", "validation_score"),
        *("validation_recall", "validation_errors"),
    }
    score = model.score(*held)
    assert history["validation_score"][-1] == pytest.approx(score)
    assert history["validation_errors"][-1] == np.sum(model.predict(held[0]) != held[1])
    proba = model.predict_proba(held[0])[np.arange(len(held[1])), held[1]]
    assert history["validation_loss"][-1] == pytest.approx(-np.log(proba).mean(), 1e-4)
    # Watching changes nothing.
    same_weights(model, fitted())
    assert fitted(metrics=recall_of_0, fit={"validation_data": held}).history_[
        "validation_recall_of_0"
    ]
    with pytest.raises(ValueError, match="metrics are measured on samples"):
        fitted(metrics=[recall_of_0])


def test_early_stopping_on_ones_own_validation_data():
    held = (X[TEST], Y[TEST])
    model = fitted(
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=200,
        fit={"validation_data": held},
    )
    assert model.n_iter_ < 200
    assert model.score(*held) == pytest.approx(model.best_validation_score_)
    assert max(model.validation_scores_) == model.best_validation_score_
    assert model.validation_scores_ == model.history_["validation_score"]


def test_validation_data_of_several_labels_and_numbers():
    many = np.stack([Y > 4, Y % 2 == 0, Y == 3], axis=1).astype(int)
    model = fitted(y=many, fit={"validation_data": (X[TEST], many[TEST], np.ones(597))})
    assert model.history_["validation_score"][-1] == pytest.approx(
        model.score(X[TEST], many[TEST])
    )
    numbers = np.stack([Y, -Y], axis=1) / 9
    regressor = fitted(
        MLPRegressor, numbers, fit={"validation_data": (X[TEST], numbers[TEST])}
    )
    assert regressor.history_["validation_score"][-1] == pytest.approx(
        regressor.score(X[TEST], numbers[TEST]), abs=1e-5
    )


class StopsAt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, training):
        if training.epoch == self.epoch:
            training.stop()


def test_callbacks():
    model = fitted(callbacks=[StopsAt(4)])
    assert model.n_iter_ == len(model.loss_curve_) == 4
    with pytest.raises(ValueError, match="callbacks must be Callback objects"):
        fitted(callbacks=[print])


def test_a_progress_bar(capsys):
    fitted(progress_bar=True)
    assert "epoch 10" in capsys.readouterr().out


# -- honest probabilities, and no answer ----------------------------------------------


def log_loss(model, x, y):
    return -np.mean(model.predict_log_proba(x)[np.arange(len(y)), y])


def test_calibration_mends_probabilities_and_changes_no_answer():
    settings = {"alpha": 0, "max_iter": 150, "learning_rate_init": 0.01}
    held = (X[1200:1500], Y[1200:1500])
    sure = fitted(**settings)
    honest = fitted(calibrate=True, fit={"validation_data": held}, **settings)
    same_weights(sure, honest)
    assert sure.temperature_ == 1 < honest.temperature_
    x, y = X[1500:], Y[1500:]
    assert log_loss(honest, x, y) < log_loss(sure, x, y)
    np.testing.assert_array_equal(honest.predict(x), sure.predict(x))
    np.testing.assert_allclose(honest.predict_proba(x).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("kind", ["two classes", "several labels"])
def test_calibration_holds_samples_out_by_itself(kind):
    y = Y > 4 if kind == "two classes" else np.stack([Y > 4, Y % 2], axis=1)
    model = fitted(y=y, calibrate=True, max_iter=50)
    assert 0.1 < model.temperature_ < 20 and model.temperature_ != 1
    assert model.predict_proba(X).shape == (1797, 2)
    assert np.exp(model.predict_log_proba(X)) == pytest.approx(
        model.predict_proba(X), abs=1e-5
    )
    assert model.history_["validation_loss"]


def test_no_answer():
    for y in (Y, np.array(list("abcdefghij"))[Y], Y > 4):
        model = fitted(y=y, max_iter=5)
        answers, sure = model.predict(X, reject=0.9), model.predict_proba(X).max(axis=1)
        assert answers.dtype == object
        given = np.array([answer is not None for answer in answers])
        np.testing.assert_array_equal(given, sure >= 0.9)
        assert 0 < given.mean() < 1
        assert (answers[given] == model.predict(X)[given]).all()
        # Those that it answers are better.
        assert np.mean(answers[given] == y[given]) > np.mean(model.predict(X) == y)
    for wrong in (0, 1, 1.5):
        with pytest.raises(ValueError, match="reject must lie between"):
            model.predict(X, reject=wrong)
    many = fitted(y=np.stack([Y > 4, Y % 2], axis=1))
    with pytest.raises(ValueError, match="one label a sample"):
        many.predict(X, reject=0.9)


# -- going on -------------------------------------------------------------------------

GOING_ON = {
    "plain": {},
    "dropout": {"dropout": 0.3, "batch_norm": True},
    "average": {"weight_average": 0.9, "solver": "adamw"},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 50},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5},
    "augmented": {"augmentation": lambda x, rng: x + rng.random(x.shape, "f4")},
}


@pytest.mark.parametrize("settings", GOING_ON)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_resume_is_exact(kind, settings):
    settings = {"batch_size": 100, "threads": 1, **GOING_ON[settings]}
    whole = fitted(kind, **settings, max_iter=9)
    parts = fitted(kind, **settings, max_iter=4)
    if "augmentation" not in settings:  # a lambda cannot be pickled
        parts = pickle.loads(pickle.dumps(parts))
    parts.set_params(max_iter=7).fit(X[TRAIN], Y[TRAIN], resume=True)
    parts.set_params(max_iter=9).fit(X[TRAIN], Y[TRAIN], resume=True)
    same_weights(parts, whole)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.validation_scores_ == whole.validation_scores_
    assert (parts.n_iter_, parts.t_) == (whole.n_iter_, whole.t_)
    # Nothing is left to do: nothing changes.
    parts.fit(X[TRAIN], Y[TRAIN], resume=True)
    same_weights(parts, whole)


def test_resume_needs_something_to_go_on_with():
    with pytest.raises(ValueError, match="not fitted yet"):
        MLPClassifier().fit(X, Y, resume=True)
    model = MLPClassifier(5, solver="lbfgs", max_iter=300, random_state=0)
    model.fit(X[:50], Y[:50])
    with pytest.raises(ValueError, match="none to go on with"):
        model.fit(X[:50], Y[:50], resume=True)


def test_a_few_corrected_samples_without_forgetting():
    model = fitted(max_iter=60, batch_size="auto")
    wrong = np.flatnonzero(model.predict(X[TEST]) != Y[TEST])[:8] + 1200
    others = np.setdiff1d(np.arange(1200, 1797), wrong)
    before = model.score(X[others], Y[others])
    forgetful = copy.deepcopy(model)
    for _ in range(60):
        forgetful.partial_fit(X[wrong], 9 - Y[wrong])
    taught = copy.deepcopy(model).refit(
        X[wrong], 9 - Y[wrong], replay=(X[TRAIN], Y[TRAIN]), epochs=30
    )
    # They were relabelled as something that they do not look like.
    assert taught.score(X[wrong], 9 - Y[wrong]) >= 0.75
    after = taught.score(X[others], Y[others])
    assert after > before - 0.05
    assert after > forgetful.score(X[others], Y[others]) + 0.1
    for share in (0, 1):
        with pytest.raises(ValueError, match="share must lie"):
            model.refit(X[:1], Y[:1], replay=(X, Y), share=share)
    with pytest.raises(ValueError, match="as many labels as samples"):
        model.refit(X[:2], Y[:1], replay=(X, Y))


def test_refit_of_a_regressor():
    y = X.sum(axis=1) / 10
    model = fitted(MLPRegressor, y, max_iter=20)
    before = model.score(X[TEST], y[TEST])
    model.refit(X[:3], y[:3] + 1, replay=(X[TRAIN], y[TRAIN]), epochs=20)
    assert np.abs(model.predict(X[:3]) - y[:3] - 1).mean() < 0.6
    assert model.score(X[TEST], y[TEST]) > before - 0.4


# -- batches --------------------------------------------------------------------------


class Batches:
    """Goes through the training data as often as it is asked."""

    def __init__(self):
        self.passes = 0

    def __iter__(self):
        self.passes += 1
        for start in range(0, 1200, 300):
            rows = slice(start, start + 300)
            yield X[rows], Y[rows]


@pytest.mark.parametrize("kind", [MLPClassifier, ConvClassifier, NetworkClassifier])
def test_batches(kind):
    batches = Batches()
    model = kind(max_iter=12, random_state=0).fit(batches, classes=range(10))
    assert batches.passes == model.n_iter_ == len(model.loss_curve_) == 12
    assert model.score(X[TEST], Y[TEST]) > 0.8
    once = kind(max_iter=12, random_state=0)
    once.fit((batch for batch in Batches()), classes=range(10))
    assert once.n_iter_ == 1
    # Fitted again, it begins anew.
    again = once.fit(list(Batches()), classes=range(10))
    assert again.n_iter_ == 12
    assert again.loss_curve_ == model.loss_curve_


def test_batches_of_numbers_and_weights_stop_when_nothing_improves():
    batches = [(X[:500], Y[:500], np.ones(500)), (X[500:900], Y[500:900])]
    model = MLPRegressor(max_iter=50, tol=1e3, n_iter_no_change=2, random_state=0)
    assert model.fit(batches).n_iter_ == 4
    for wrong, words in (
        ([(X, Y, None, None)], "each batch must be"),
        (iter([]), "held none"),
    ):
        with pytest.raises(ValueError, match=words):
            model.fit(wrong)
    with pytest.raises(ValueError, match="early_stopping=True needs all samples"):
        MLPRegressor(early_stopping=True).fit(batches)


def test_batches_with_a_schedule_validation_and_calibration():
    held = (X[TEST], Y[TEST])
    model = MLPClassifier(
        learning_rate={"name": "linear"},
        learning_rate_init=0.01,
        max_iter=8,
        metrics={"errors": lambda t, p: np.sum(t != p)},
        calibrate=True,
        random_state=0,
    ).fit(Batches(), classes=range(10), validation_data=held)
    history = model.history_
    np.testing.assert_allclose(history["learning_rate"], 0.01 * (1 - np.arange(8) / 8))
    assert history["validation_score"][-1] == pytest.approx(model.score(*held))
    assert history["validation_errors"][-1] == np.sum(model.predict(held[0]) != held[1])
    assert history["loss"] == model.loss_curve_
    assert model.temperature_ != 1
    for settings in (
        {"calibrate": True},
        {"metrics": recall_of_0},
        {"solver": "lbfgs"},
    ):
        with pytest.raises(ValueError, match="needs all samples at once"):
            MLPClassifier(**settings).fit(Batches(), classes=range(10))
    with pytest.raises(ValueError, match="cannot hold samples out"):
        MLPClassifier(calibrate=True).partial_fit(X, Y, classes=range(10))
    # What was calibrated stays so.
    temperature = model.temperature_
    assert model.partial_fit(X[:200], Y[:200]).temperature_ == temperature


def test_batches_print_like_epochs(capsys):
    MLPClassifier(max_iter=2, verbose=True).fit(Batches(), classes=range(10))
    printed = capsys.readouterr().out.splitlines()
    assert [line[:19] for line in printed] == [
        "Iteration 1, loss =",
        "Iteration 2, loss =",
    ]


def test_partial_fit_follows_a_schedule_call_by_call():
    model = MLPRegressor(learning_rate={"name": "linear"}, max_iter=4, random_state=0)
    for _ in range(6):
        model.partial_fit(X, Y)
    rates = np.array(model.history_["learning_rate"]) / 0.001
    np.testing.assert_allclose(rates, [1, 0.75, 0.5, 0.25, 0.25, 0.25])


def test_a_first_piece_that_fails_leaves_nothing():
    model = MLPClassifier()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(X * np.nan, Y, classes=range(10))
    assert not hasattr(model, "classes_")


def test_lbfgs_has_a_history_and_refuses_what_it_cannot_do():
    held = (X[TEST], Y[TEST])
    settings = {"solver": "lbfgs", "hidden_layer_sizes": 5, "tol": 0.05}
    model = fitted(
        **settings, max_iter=400, metrics=recall_of_0, fit={"validation_data": held}
    )
    assert len(model.history_["loss"]) == model.n_iter_ == len(model.loss_curve_)
    assert model.history_["validation_score"][-1] == pytest.approx(model.score(*held))
    assert "validation_recall_of_0" in model.history_
    calibrated = fitted(
        **settings, max_iter=400, calibrate=True, fit={"validation_data": held}
    )
    assert calibrated.temperature_ != 1
    for refused in (
        {"dropout": 0.1},
        {"augmentation": lambda x, rng: x},
        {"weight_average": 0.9},
        {"max_norm": 1.0},
        {"callbacks": [Callback()]},
        {"progress_bar": True},
        {"metrics": recall_of_0},
        {"calibrate": True},
    ):
        with pytest.raises(ValueError, match="solver='lbfgs' cannot do"):
            fitted(**settings, **refused)


# -- other networks -------------------------------------------------------------------


def test_images_as_rows_and_as_images():
    rows = fitted(ConvClassifier, max_iter=3)
    assert rows.input_shape_ == (8, 8, 1)
    images = X.reshape(-1, 8, 8, 1)
    model = ConvClassifier(max_iter=3, batch_size=50, random_state=0)
    model.fit(images[TRAIN], Y[TRAIN])
    same_weights(rows, model)
    np.testing.assert_array_equal(model.predict(images), rows.predict(X))
    np.testing.assert_array_equal(model.predict(X), rows.predict(images[..., 0]))
    assert rows.score(X[TEST], Y[TEST]) > 0.8
    assert rows.transform(X[:5]).shape == (5, 128)


def test_bytes_are_grey_levels_for_convolutions():
    grey = np.rint(X * 255).astype(np.uint8).reshape(-1, 8, 8)
    model = ConvClassifier(max_iter=4, random_state=0).fit(grey[TRAIN], Y[TRAIN])
    by_numbers = ConvClassifier(max_iter=4, random_state=0).fit(
        (grey[TRAIN] / 255).astype("f4"), Y[TRAIN]
    )
    np.testing.assert_allclose(
        model.network_.theta, by_numbers.network_.theta, atol=1e-4
    )
    rows = grey.reshape(-1, 64)
    np.testing.assert_array_equal(model.predict(rows), model.predict(grey))
    assert model.network_.dtype == np.float32


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_shapes_of_convolutions(padding):
    model = ConvClassifier(
        filters=(4, 6),
        kernel_size=3,
        padding=padding,
        pool_size=2,
        hidden_layer_sizes=(),
        image_shape=(8, 8, 2),
        batch_norm=True,
        dropout=0.1,
        max_iter=1,
    )
    x = np.random.default_rng(0).random((30, 128), "f4")
    model.fit(x, np.arange(30) % 3)
    assert model.input_shape_ == (8, 8, 2)
    assert model.predict_proba(x).shape == (30, 3)
    strip = ConvClassifier(max_iter=1, pool_size=1).fit(x[:, :5], np.arange(30) % 2)
    assert strip.input_shape_ == (5, 1, 1)


def test_any_layers():
    layers = [Dense(30), BatchNorm(), GELU(), Dropout(0.1)]
    model = fitted(NetworkClassifier, layers=layers, max_iter=20)
    assert model.score(X[TEST], Y[TEST]) > 0.85
    # The layers that were given belong to no network.
    assert fitted(NetworkClassifier, layers=layers).n_outputs_ == 10
    y = np.stack([X.sum(axis=1), -X.sum(axis=1)], axis=1) / 10
    regressor = fitted(NetworkRegressor, y, layers=[Dense(30), GELU()], max_iter=60)
    assert regressor.score(X[TEST], y[TEST]) > 0.8
    assert regressor.predict(X).shape == (1797, 2)


def test_float64_where_the_data_are_and_where_it_is_asked_for():
    x = X.astype("f8")
    assert NetworkClassifier(max_iter=1).fit(x, Y).network_.dtype == np.float64
    model = NetworkClassifier(max_iter=1, dtype="float32").fit(x, Y)
    assert model.network_.dtype == np.float32
