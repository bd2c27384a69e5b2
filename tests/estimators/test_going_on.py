"""A training that goes on, breaks off, or runs while others look: nothing is mixed."""

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

from ardoise import (
    Callback,
    Conv2D,
    ConvClassifier,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    ReLU,
)
from ardoise.engine.losses import Huber
from ardoise.engine.schedules import Cosine

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

RNG = np.random.default_rng(0)
X = RNG.random((120, 16)).astype(np.float32)
Y = np.digitize(X[:, :2].sum(axis=1), [0.7, 1.3])
NUMBERS = X[:, :2].sum(axis=1)
ALL = {"classes": [0, 1, 2]}
SETTINGS = {"random_state": 0, "batch_size": 40, "threads": 1}
INTERRUPTED = r"Training interrupted by user\."


def mlp(**settings):
    return MLPClassifier(6, **{**SETTINGS, "max_iter": 3, **settings})


class Breaks(Callback):
    """Raises after so many steps."""

    def __init__(self, error, step):
        self.error, self.step, self.count = error, step, 0

    def on_batch_end(self, training):
        self.count += 1
        if self.count == self.step:
            raise self.error("from a callback")


class interrupted:
    """Within, there is one warning, and it says that Ctrl-C ended the training."""

    def __enter__(self):
        self._catch = warnings.catch_warnings(record=True)
        self.caught = self._catch.__enter__()
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "Stochastic Optimizer")

    def __exit__(self, *error):
        self._catch.__exit__(*error)
        if error[0] is None:
            said = [str(warning.message) for warning in self.caught]
            assert said == ["Training interrupted by user."]
            assert self.caught[0].filename == __file__


def is_consistent(model):
    """Say whether all records speak of the same epochs."""
    lengths = {len(model.loss_curve_)}
    lengths |= {len(column) for column in model.history_.values()}
    if model.validation_scores_ is not None:
        lengths.add(len(model.validation_scores_))
    last = model.loss_curve_[-1] if model.loss_curve_ else np.inf
    return len(lengths) == 1 and model.loss_ == last


# -- Ctrl-C ---------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 3, 4, 8])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}], ids=str)
def test_ctrl_c_in_fit(step, settings):
    model = mlp(callbacks=[Breaks(KeyboardInterrupt, step)], **settings)
    with interrupted():
        model.fit(X, Y)
    assert is_consistent(model) and model.n_iter_ == len(model.loss_curve_)
    assert model.predict(X).shape == (120,)


@pytest.mark.parametrize("step", [1, 4, 6, 8])
@pytest.mark.parametrize("batches", [list, iter], ids=["a list", "an iterator"])
def test_ctrl_c_in_batches(step, batches):
    """A pass of 6 steps that was broken off does not count."""
    if step == 8 and batches is iter:
        pytest.skip("there is one pass")
    model = mlp(callbacks=[Breaks(KeyboardInterrupt, step)])
    held = {"validation_data": (X, Y)}
    with interrupted():
        model.fit(batches([(X, Y)] * 2), **ALL, **held)
    passes = 1 if step == 8 else 0
    assert model.n_iter_ == passes and is_consistent(model)
    assert model.t_ == (step - 1) // 3 * 120
    assert set(model.history_) >= {"validation_score"} or not passes
    model.set_params(callbacks=None).partial_fit(X, Y)
    assert is_consistent(model) and model.n_iter_ == 1


def test_ctrl_c_before_the_first_batch_leaves_what_there_was():
    def batches():
        raise KeyboardInterrupt
        yield

    model = mlp().fit(X, Y)
    before = pickle.dumps(model)
    for one in (model, mlp()):
        with pytest.raises(KeyboardInterrupt):
            one.fit(batches(), **ALL)
    assert pickle.dumps(model) == before and not hasattr(one, "classes_")
    # A warm start has a model, with which it ends.
    model.set_params(warm_start=True)
    with interrupted():
        model.fit(batches(), **ALL)
    assert model.n_iter_ == 0 and model.predict(X).shape == (120,)


def test_ctrl_c_in_a_metric_after_a_pass():
    def metric(truth, answers):
        metric.calls += 1
        if metric.calls == 2:
            raise KeyboardInterrupt
        return 1.0

    metric.calls = 0
    model = mlp(metrics=metric)
    with interrupted():
        model.fit([(X, Y)], **ALL, validation_data=(X, Y))
    assert model.n_iter_ == 2 and is_consistent(model)
    assert np.isnan(model.history_["validation_metric"]).tolist() == [False, True]


def test_ctrl_c_in_refit_keeps_the_epochs_that_were_done():
    model = mlp().fit(X, Y).set_params(callbacks=[Breaks(KeyboardInterrupt, 9)])
    with interrupted():
        model.refit(X[:3], Y[:3], replay=(X, Y), epochs=50)
    assert (model.n_iter_, len(model.loss_curve_)) == (2, 5)
    assert is_consistent(model)


def test_ctrl_c_in_the_calibration_spoils_no_training(monkeypatch):
    from ardoise.estimators import answers

    def fit_temperature(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(answers, "fit_temperature", fit_temperature)
    with interrupted():
        model = mlp(calibrate=True).fit(X, Y)
    assert model.n_iter_ == 3 and model.temperature_ == 1


@pytest.mark.parametrize("at", ["first", "metric"])
def test_ctrl_c_in_lbfgs(at):
    class Loss(Huber):
        def __call__(self, *args, **rest):
            if at == "first":
                raise KeyboardInterrupt
            return super().__call__(*args, **rest)

    def metric(truth, answers):
        metric.calls += 1
        if metric.calls == 2:
            raise KeyboardInterrupt
        return 1.0

    metric.calls = 0
    model = MLPRegressor(Loss(), 6, solver="lbfgs", random_state=0, metrics=metric)
    with interrupted():
        model.fit(X, NUMBERS, validation_data=(X, NUMBERS))
    assert model.n_iter_ == len(model.loss_curve_) == (0 if at == "first" else 2)
    assert is_consistent(model) and model.best_loss_ == np.inf


def test_a_piece_that_was_broken_off_is_not_taken_up_with_other_data():
    """Its rows would be those of the data before."""

    class Rows(Callback):
        seen = 0

        def on_epoch_end(self, training):
            self.seen = training.epoch_samples

    model = mlp().partial_fit(X, Y, **ALL)
    model.set_params(callbacks=[Breaks(KeyboardInterrupt, 1)])
    with interrupted():
        model.partial_fit(X, Y)
    rows = Rows()
    model.set_params(callbacks=[rows], batch_size=10).partial_fit(X[:30], Y[:30])
    assert rows.seen == 30 and model.t_ == 150


# -- all or nothing -------------------------------------------------------------------


def state_of(model):
    records = {
        name: copy.deepcopy(getattr(model, name))
        for name in ("loss_curve_", "history_", "n_iter_", "t_", "loss_")
    }
    return {**records, "theta": model.network_.theta.tolist()}


WAYS = {
    "warm start": lambda m: m.set_params(warm_start=True).fit(X, Y),
    "partial_fit": lambda m: m.partial_fit(X, Y),
    "resume": lambda m: m.set_params(max_iter=9).fit(X, Y, resume=True),
    "refit": lambda m: m.refit(X[:3], Y[:3], replay=(X, Y)),
    "batches": lambda m: m.fit([(X, Y)] * 2, **ALL),
    "warm batches": lambda m: m.set_params(warm_start=True).fit([(X, Y)] * 2),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("settings", [{}, {"batch_norm": True, "dropout": 0.2}])
def test_an_error_in_the_midst_changes_nothing(way, settings):
    model = mlp(**settings).fit(X, Y, validation_data=(X, Y))
    whole = copy.deepcopy(model)
    before, curve, columns = state_of(model), model.loss_curve_, model.history_
    model.set_params(callbacks=[Breaks(RuntimeError, 5)])
    if way == "partial_fit":
        model.set_params(callbacks=[Breaks(RuntimeError, 2)])
    with pytest.raises(RuntimeError):
        WAYS[way](model)
    assert state_of(model) == before
    # Whoever has kept the lists sees no broken epoch there either.
    assert curve == model.loss_curve_ and columns == model.history_
    # And it goes on as if nothing had been tried.
    for one in (model, whole):
        one.set_params(callbacks=None, warm_start=False, max_iter=5)
        one.fit(X, Y, resume=True)
    np.testing.assert_array_equal(model.network_.theta, whole.network_.theta)


def test_new_columns_of_the_history_begin_with_what_is_not_known():
    model = mlp(warm_start=True, max_iter=2).fit(X, Y)
    model.fit(X, Y, validation_data=(X, Y))
    model.fit(X, Y)
    assert is_consistent(model) and len(model.loss_curve_) == 6
    known = ~np.isnan(model.history_["validation_loss"])
    assert known.tolist() == [False, False, True, True, False, False]


def test_batches_go_on_where_a_warm_start_is():
    model = mlp(warm_start=True, max_iter=2).fit([(X, Y)], **ALL)
    theta = model.network_.theta.copy()
    model.fit([(X, Y)])
    assert (model.n_iter_, len(model.loss_curve_), model.t_) == (2, 4, 480)
    assert is_consistent(model) and not np.array_equal(model.network_.theta, theta)


def test_batches_lower_the_rate_by_passes():
    """``adaptive`` counts passes, not batches."""
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0}
    model = mlp(**settings, max_iter=7, n_iter_no_change=2)
    rates = model.fit([(X, Y)] * 5, **ALL).history_["learning_rate"]
    np.testing.assert_allclose(
        rates, [1e-3, 1e-3, 1e-3, 1e-3, 2e-4, 2e-4, 2e-4], rtol=1e-6
    )


def test_a_stream_of_pieces_copies_no_records():
    model = mlp().partial_fit(X, Y, **ALL)
    for _ in range(5):
        model.partial_fit(X, Y)
    assert len(model.loss_curve_) == 6 and is_consistent(model)
    assert model._snapshot.values["history"]["epoch"] == []


@pytest.mark.parametrize("kind", ["conv", "network"])
def test_pieces_of_all_sizes_with_layers_that_draw(kind):
    """Larger ones are shared out among more threads, each with its own generator."""
    images = np.random.default_rng(0).random((300, 16, 16, 1), np.float32)
    labels = np.arange(300) % 3
    model = ConvClassifier((16, 16), dropout=0.3, threads=4, random_state=0)
    if kind == "network":
        layers = [Conv2D(16, 3), ReLU(), Dropout(0.3), Flatten(), Dense(64), ReLU()]
        model = NetworkClassifier(layers, threads=4, random_state=0)
    sizes = (5, 300, 1, 120)
    for n in sizes:
        model.partial_fit(images[:n], labels[:n], **ALL)
    assert model.t_ == sum(sizes)
    batches = [(images[:n], labels[:n]) for n in sizes]
    assert model.set_params(max_iter=2).fit(batches, **ALL).n_iter_ == 2


def test_an_average_may_begin_later():
    model = mlp().partial_fit(X, Y, **ALL)
    model.set_params(weight_average=0.9).partial_fit(X, Y).partial_fit(X, Y)
    assert np.isfinite(model.network_.theta).all() and model.t_ == 360


# -- resume ---------------------------------------------------------------------------


def test_resume_takes_validation_data_as_before():
    held = {"validation_data": (X[:40], Y[:40])}
    for first, then in ((held, {}), ({}, held)):
        model = mlp(early_stopping=True).fit(X, Y, **first).set_params(max_iter=5)
        with pytest.raises(ValueError, match="validation_data must be given again"):
            model.fit(X, Y, resume=True, **then)
        assert model.fit(X, Y, resume=True, **first).n_iter_ == 5


def test_resume_is_not_for_batches():
    model = mlp().fit([(X, Y)], **ALL).set_params(max_iter=9)
    with pytest.raises(ValueError, match="they were batches, and now there are 120"):
        model.fit(X, Y, resume=True)


@pytest.mark.parametrize(
    "settings",
    [
        {"tol": 1.0},
        {"n_iter_no_change": 3},
        {"threads": 2},
        {"verbose": False},
        {"warm_start": True},
        {"callbacks": [Callback()]},
        {"learning_rate": Cosine(0.01)},
        {"hidden_layer_sizes": [6]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_resume_with_what_is_equal_or_does_not_matter(settings):
    model = mlp(learning_rate=Cosine(0.01)).fit(X, Y)
    model = pickle.loads(pickle.dumps(model)).set_params(max_iter=4, **settings)
    assert model.fit(X, Y, resume=True).n_iter_ == 4


def test_resume_looks_into_objects():
    model = mlp(learning_rate=Cosine(0.01)).fit(X, Y)
    model.set_params(max_iter=4, learning_rate=Cosine(0.02))
    with pytest.raises(ValueError, match=r"learning_rate was \{'type': 'Cosine'"):
        model.fit(X, Y, resume=True)
    weights = {0: 1.0, 1: 2.0, 2: 1.0}
    model = mlp(class_weight=weights).fit(X, Y).set_params(max_iter=4)
    weights[1] = 3.0
    with pytest.raises(ValueError, match="class_weight was"):
        model.fit(X, Y, resume=True)


@pytest.mark.parametrize("kind", [np.random.RandomState, np.random.default_rng])
def test_resume_is_exact_whoever_draws_from_the_generator_meanwhile(kind):
    whole = mlp(random_state=kind(3), max_iter=6).fit(X, Y)
    shared = kind(3)
    parts = mlp(random_state=shared).fit(X, Y)
    mlp(random_state=shared).fit(X, Y)
    parts.set_params(max_iter=6).fit(X, Y, resume=True)
    np.testing.assert_array_equal(parts.network_.theta, whole.network_.theta)


@pytest.mark.parametrize("step", [1, 2, 3, 4, 7])
def test_resume_is_exact_after_ctrl_c(step):
    whole = mlp(dropout=0.2).fit(X, Y)
    model = mlp(dropout=0.2, callbacks=[Breaks(KeyboardInterrupt, step)])
    with interrupted():
        model.fit(X, Y)
    model = copy.deepcopy(model).set_params(callbacks=None)
    model.fit(X, Y, resume=True)
    if step % 3:  # after the last batch, the epoch's own end is still to come
        np.testing.assert_array_equal(model.network_.theta, whole.network_.theta)
        assert model.loss_curve_ == whole.loss_curve_
    assert model.n_iter_ == 3 and is_consistent(model)


# -- early stopping as a callback -----------------------------------------------------


@pytest.mark.parametrize("monitor", ["validation_loss", "validation_accuracy"])
@pytest.mark.parametrize("way", ["given", "held out"])
def test_early_stopping_as_a_callback(monitor, way):
    stop = EarlyStopping(2, monitor=monitor, min_delta=0.02)
    model = mlp(callbacks=[stop], max_iter=100, learning_rate_init=0.02)
    held = {"validation_data": (X, Y)} if way == "given" else {}
    model.set_params(calibrate=way == "held out").fit(X, Y, **held)
    assert 2 < model.n_iter_ < 100 and is_consistent(model)
    column = "score" if monitor.endswith("accuracy") else "loss"
    values = model.history_[f"validation_{column}"]
    if way == "given":
        best = values[-3]  # whose weights it went back to
        if column == "score":
            assert model.score(X, Y) == pytest.approx(best)
        else:
            p = model.predict_proba(X)[np.arange(120), Y]
            assert -np.log(p).mean() == pytest.approx(best, abs=1e-4)


def test_early_stopping_as_a_callback_is_resumed_exactly():
    def new(**settings):
        stop = EarlyStopping(3, min_delta=0.01)
        return mlp(callbacks=[stop], learning_rate_init=0.02, **settings)

    held = {"validation_data": (X, Y)}
    whole = new(max_iter=60).fit(X, Y, **held)
    assert whole.n_iter_ < 60
    parts = new(max_iter=whole.n_iter_ - 2).fit(X, Y, **held)
    parts = pickle.loads(pickle.dumps(parts)).set_params(max_iter=60)
    parts.fit(X, Y, **held, resume=True)
    assert parts.n_iter_ == whole.n_iter_
    np.testing.assert_array_equal(parts.network_.theta, whole.network_.theta)


def test_other_callbacks_in_resume_remember_nothing():
    held = {"validation_data": (X, Y)}
    model = mlp(callbacks=[EarlyStopping(3)]).fit(X, Y, **held)
    model.set_params(max_iter=5, callbacks=[Callback()])
    assert model.fit(X, Y, **held, resume=True).n_iter_ == 5


# -- refit ----------------------------------------------------------------------------


def test_refit_makes_its_epochs():
    model = mlp(early_stopping=True, shuffle=False).fit(X, Y)
    model.set_params(warm_start=True)
    score, best = len(model.validation_scores_), model.best_validation_score_
    model.refit(X[:3], Y[:3], replay=(X, Y), epochs=7)
    assert model.n_iter_ == 7 and len(model.loss_curve_) == 10
    assert (len(model.validation_scores_), model.best_validation_score_) == (
        score,
        best,
    )
    # The new ones are a fifth of all.
    assert (model.t_ - 3 * 108) // 7 == 120 + 30


def test_refit_with_lbfgs_is_refused():
    model = MLPClassifier(6, solver="lbfgs", random_state=0, max_iter=500).fit(X, Y)
    with pytest.raises(ValueError, match="refit goes on step by step"):
        model.refit(X[:3], Y[:3], replay=(X, Y))
    model.set_params(solver="adam").refit(X[:3], Y[:3], replay=(X, Y), epochs=1)
    assert model.n_iter_ == 1


@pytest.mark.parametrize("form", ["table", "sparse", "sparse replay", "lists"])
def test_refit_on_other_containers(form):
    pandas, sparse = pytest.importorskip("pandas"), pytest.importorskip("scipy.sparse")
    table = pandas.DataFrame(X, columns=[f"c{i}" for i in range(16)])
    forms = {
        "table": (table, table[:3]),
        "sparse": (sparse.csr_array(X), sparse.csr_array(X[:3])),
        "sparse replay": (sparse.csr_array(X), X[:3]),
        "lists": (X.tolist(), X[:3].tolist()),
    }
    known, new = forms[form]
    model = mlp().fit(known, Y)
    model.refit(new, Y[:3].tolist(), replay=(known, Y), epochs=2)
    expected = mlp().fit(X, Y).refit(X[:3], Y[:3], replay=(X, Y), epochs=2)
    np.testing.assert_allclose(
        model.network_.theta, expected.network_.theta, rtol=1e-3, atol=1e-5
    )


# -- threads --------------------------------------------------------------------------


class Meets(Callback):
    """In the midst of the training, lets another thread ask; that one has to wait."""

    def __init__(self, ask):
        self.ask, self.answers, self.waited = ask, [], None

    def __deepcopy__(self, memo):
        return self

    def on_batch_end(self, training):
        if self.waited is None:
            self.thread = threading.Thread(
                target=lambda: self.answers.append(self.ask())
            )
            self.thread.start()
            self.thread.join(0.3)
            self.waited = self.thread.is_alive()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ask", ["predict_proba", "transform", "hidden_activations"])
def test_who_asks_during_a_training_waits_and_disturbs_nothing(way, ask):
    model = mlp().fit(X, Y)
    alone = copy.deepcopy(model)
    meets = Meets(lambda: getattr(model, ask)(X[::-1][:33]))
    model.set_params(callbacks=[meets])
    alone.set_params(callbacks=[Callback()])
    WAYS[way](model)
    meets.thread.join()
    WAYS[way](alone)
    np.testing.assert_array_equal(model.network_.theta, alone.network_.theta)
    assert meets.waited
    assert meets.answers[0].shape[0] == 33
    if way != "batches":  # between two batches others may ask
        np.testing.assert_array_equal(
            meets.answers[0], getattr(model, ask)(X[::-1][:33])
        )


def test_who_asks_during_a_new_fit_gets_answers_of_the_new_model():
    model = mlp().fit(X[:, ::-1], Y)
    meets = Meets(lambda: model.predict_proba(X))
    model.set_params(callbacks=[meets]).fit(X, Y)
    meets.thread.join()
    assert meets.waited
    np.testing.assert_array_equal(meets.answers[0], model.predict_proba(X))
    fresh = mlp(callbacks=[Callback()]).fit(X, Y)
    np.testing.assert_array_equal(model.network_.theta, fresh.network_.theta)


def test_a_callback_may_ask_the_estimator_that_is_being_trained():
    class Asks(Callback):
        def on_epoch_end(self, training):
            self.p = model.predict_proba(X)

    asks = Asks()
    model = mlp(callbacks=[asks])
    model.fit(X, Y)
    np.testing.assert_array_equal(asks.p, model.predict_proba(X))
    np.testing.assert_array_equal(model.network_.theta, mlp().fit(X, Y).network_.theta)


def test_many_threads_train_one_estimator_one_after_the_other():
    model = mlp().partial_fit(X, Y, **ALL)
    jobs = [threading.Thread(target=model.partial_fit, args=(X, Y)) for _ in range(6)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    expected = mlp().partial_fit(X, Y, **ALL)
    for _ in range(6):
        expected.partial_fit(X, Y)
    assert model.t_ == 840
    np.testing.assert_array_equal(model.network_.theta, expected.network_.theta)


# -- what stays as it was given -------------------------------------------------------


class Stateful(Cosine):
    name = "stateful"
    calls = 0

    def __call__(self, step, total_steps):
        self.calls += 1
        return super().__call__(step, total_steps)


class Remembers(Huber):
    """A loss with a private attribute that is no buffer."""

    name = "remembers"

    def __init__(self):
        super().__init__(0.5)
        self._factor = 2.0

    def compute(self, z, t, dz, values):
        super().compute(z, t, dz, values)
        values *= self._factor
        dz *= self._factor


def test_parameters_are_copied_before_they_are_used():
    schedule, loss = Stateful(0.01), Remembers()
    before = dict(vars(loss))
    model = MLPRegressor(loss, 6, learning_rate=schedule, **SETTINGS, max_iter=3)
    model.fit(X, NUMBERS)
    assert schedule.calls == 0 and "calls" not in vars(schedule)
    assert vars(loss) == before and model.loss is loss
    assert np.isfinite(model.predict(X)).all()


def test_a_fitted_estimator_holds_no_vectors_of_an_optimizer():
    """They are in the snapshot; the other copy would go into every pickle."""
    model = MLPClassifier(200, random_state=0, max_iter=2).fit(X, Y)
    assert vars(model._optimizer.optimizer).keys() & {"_state", "_parts"} == set()


# -- the bar --------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["whole", "error", "Ctrl-C"])
def test_batches_have_one_bar(way, capsys):
    pytest.importorskip("rich")
    model = mlp(progress_bar=True)
    if way == "error":
        model.set_params(callbacks=[Breaks(RuntimeError, 4)])
        with pytest.raises(RuntimeError):
            model.fit([(X, Y)] * 2, **ALL)
    elif way == "Ctrl-C":
        model.set_params(callbacks=[Breaks(KeyboardInterrupt, 8)])
        with interrupted():
            model.fit([(X, Y)] * 2, **ALL)
    else:
        model.fit([(X, Y)] * 2, **ALL)
    printed = capsys.readouterr().out.split("\n")
    assert len([line for line in printed if line.strip()]) == 1
    shown = {"whole": "epoch 3, loss", "error": "fit", "Ctrl-C": "epoch 1, loss"}
    assert printed[0].startswith(shown[way])
