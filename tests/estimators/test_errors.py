"""What goes wrong is said in a sentence, and changes nothing.

Every wrong thing is tried on an estimator that has been fitted: it must then predict,
and say about itself, what it did before.
"""

import copy
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import ardoise
from ardoise import (
    Callback,
    Conv2D,
    ConvClassifier,
    Dense,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    ReLU,
)
from ardoise.engine.losses import SoftmaxCrossEntropy, SquaredError
from ardoise.engine.optimizers import SGD
from ardoise.estimators import NotFittedError

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

RNG = np.random.default_rng(0)
X = RNG.random((120, 64)).astype(np.float32)
IMAGES = X.reshape(-1, 8, 8)
Y = np.digitize(X[:, :3].sum(axis=1), [1.2, 1.8])
BINARY = Y == 1
NUMBERS = X[:, :3].sum(axis=1)
BOTH = np.stack([NUMBERS, -NUMBERS], axis=1)
MANY = np.stack([Y == 0, Y > 1], axis=1).astype(int)
INFINITE = np.where(np.arange(64) == 3, np.inf, X)
NAN = np.where(np.arange(64) == 3, np.nan, X)

SMALL = {"max_iter": 3, "batch_size": 40, "random_state": 0, "threads": 1}
KINDS = {
    "mlp": (MLPClassifier, {"hidden_layer_sizes": 6}, Y),
    "regressor": (MLPRegressor, {"hidden_layer_sizes": 6}, NUMBERS),
    "conv": (ConvClassifier, {"filters": (2,), "hidden_layer_sizes": 4}, Y),
    "network": (NetworkClassifier, {"layers": [Dense(6), ReLU()]}, Y),
    "network regressor": (NetworkRegressor, {"layers": [Dense(6), ReLU()]}, NUMBERS),
}


def new(kind="mlp", **settings):
    cls, own, _ = KINDS[kind]
    return cls(**{**SMALL, **own, **settings})


def trained(kind="mlp", **settings):
    model = new(kind, **settings)
    return model.fit(X, KINDS[kind][2])


def answers(model):
    return getattr(model, "predict_proba", model.predict)(X)


# They do not compare, or are set before fit begins.
OBJECTS = ("_labels", "_order", "_optimizer", "_criterion", "_last_held_out")
OBJECTS += ("_first_classes_given",)


def everything(model):
    """All that training has left, parameters excepted, as one value to compare."""
    left = {k: v for k, v in vars(model).items() if k not in model.get_params()}
    assert "network_" in left, "it is not fitted any more"
    network = left.pop("network_")
    left |= {"theta": network.theta, "state": network.state}
    for name in OBJECTS:
        left.pop(name, None)
    return {**copy.deepcopy(left), "answers": answers(model)}


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) or np.isscalar(a):
        return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f")
    return a == b


# -- data -----------------------------------------------------------------------------

# kind → name → arguments of fit, words of the error.
DATA = {
    "NaN": ((NAN, Y), "Input X contains NaN"),
    "infinity": ((INFINITE, Y), "Input X contains infinity"),
    "no sample": ((X[:0], Y[:0]), "0 sample"),
    "no feature": ((X[:, :0], Y), "0 feature"),
    "one dimension": ((X[0], Y), "Expected 2D array, got 1D array"),
    "a number": ((3.0, Y), "Expected 2D array, got scalar"),
    "text": ((X.astype(str)[:, :2] + "x", Y), "could not convert string to float"),
    "complex": ((X * 1j, Y), "Complex data not supported"),
    "None": ((None, Y), "Expected 2D array"),
    "ragged": (([[1.0, 2.0], [3.0]], [0, 1]), "inhomogeneous"),
    "a dict": (({"a": 1}, Y), None),
    "no y": ((X,), "requires y to be passed"),
    "short y": ((X, Y[:7]), r"inconsistent numbers of samples: \[120, 7\]"),
    "y of NaN": ((X, np.where(Y == 1, np.nan, Y)), "Input y contains NaN"),
    "empty y": ((X, Y[:0]), "0 sample"),
    "3-D y": ((X, Y.reshape(2, 3, 20)), "dim 3"),
    "complex y": ((X, Y * 1j), "Complex data not supported"),
    "short weights": ((X, Y, [1.0, 2.0]), r"sample_weight.shape == \(2,\)"),
    "weights in columns": ((X, Y, np.ones((120, 2))), "Sample weights must be 1D"),
    "weights of NaN": ((X, Y, np.full(120, np.nan)), "sample_weight contains NaN"),
    "no weight at all": ((X, Y, np.zeros(120)), "at least one non-zero"),
    "weights of text": ((X, Y, ["a"] * 120), "could not convert string"),
}
CLASSES = {
    "fractions": ((X, NUMBERS), "Unknown label type"),
    "bytes": ((X, np.array([b"a"] * 120)), "bytes"),
    "lists": ((X, [[0], [0, 1]] * 60), None),
    "other classes, short": ((X, Y[:7] + 5), "inconsistent numbers of samples"),
    "other classes, few weights": ((X, Y + 5, [1.0]), "sample_weight.shape"),
    "several classes in columns": ((X, np.stack([Y, Y], axis=1)), "Multioutput"),
}
VALUES = {
    "text": ((X, np.array(["a"] * 120)), "arrays of bytes/strings"),
    "infinity": ((X, np.append(NUMBERS[1:], np.inf)), "Input y contains infinity"),
    "two columns, short": ((X, BOTH[:7]), "inconsistent numbers of samples"),
}
BAD_DATA = [
    (kind, table, name)
    for kind in KINDS
    for table, items in (("DATA", DATA), ("CLASSES", CLASSES), ("VALUES", VALUES))
    for name in items
    if table == "DATA" or (table == "VALUES") == kind.endswith("regressor")
    if not (kind == "conv" and name in ("ragged", "a dict"))
]


@pytest.mark.parametrize(("kind", "table", "name"), BAD_DATA)
def test_a_second_fit_on_bad_data_changes_nothing(kind, table, name):
    args, words = globals()[table][name]
    model = trained(kind)
    before = everything(model)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(*args)
    assert same(everything(model), before)
    # And a first fit leaves nothing behind.
    fresh = new(kind)
    with pytest.raises((ValueError, TypeError), match=words):
        fresh.fit(*args)
    assert vars(fresh).keys() - fresh.get_params() <= {"_first_classes_given"}
    with pytest.raises(NotFittedError):
        fresh.predict(X)


OTHER_DATA = {
    "fewer features": ((X[:, :5], Y[:7]), {}),
    "other classes": ((X[:50], Y[:50] + 7), {"sample_weight": [1]}),
    "several labels": ((X, MANY), {"validation_data": (X, Y)}),
    "two classes": ((X, BINARY), {"validation_data": (X,)}),
}


@pytest.mark.parametrize("name", OTHER_DATA)
@pytest.mark.parametrize("kind", ["mlp", "conv", "network"])
def test_a_failed_fit_on_other_data_does_not_mix_with_what_was_learned(kind, name):
    """The second data would be another problem: features, classes, labels."""
    args, rest = OTHER_DATA[name]
    model = trained(kind)
    before = everything(model)
    with pytest.raises(ValueError):
        model.fit(*args, **rest)
    assert same(everything(model), before)
    assert model.partial_fit(X, Y).t_ == 480  # and it can go on


VALIDATION = {
    "no tuple": (X, "validation_data must hold two or three arrays"),
    "one array": ((X,), "validation_data must hold two or three arrays.* got 1"),
    "four": ((X, Y, None, None), "validation_data must hold"),
    "a number": (3, "validation_data must hold two or three arrays.* got int"),
    "other features": ((X[:, :3], Y), "X has 3 features, but"),
    "NaN": ((NAN, Y), "Input X contains NaN"),
    "short y": ((X, Y[:5]), "inconsistent numbers of samples"),
    "short weights": ((X, Y, [1.0]), "sample_weight.shape"),
    "an unknown class": ((X, Y + 1), "classes not in `self.classes_`"),
    "other labels": ((X, np.array(list("abc"))[Y]), "classes not in `self.classes_`"),
    "fractions": ((X, NUMBERS), "Unknown label type"),
    "several labels": ((X, MANY), "multilabel"),
}


@pytest.mark.parametrize("name", VALIDATION)
@pytest.mark.parametrize("kind", ["mlp", "conv", "network"])
def test_wrong_validation_data(kind, name):
    given, words = VALIDATION[name]
    model = trained(kind)
    before = everything(model)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X[:, ::-1], Y, validation_data=given)
    assert same(everything(model), before)


@pytest.mark.parametrize(
    ("loss", "y", "given", "words"),
    [
        ("poisson", NUMBERS, (X, -NUMBERS), "must not be negative"),
        ("squared_error", NUMBERS, (X, NUMBERS * np.nan), "Input y contains NaN"),
        ("squared_error", NUMBERS, (X, NUMBERS.astype(str)), "bytes/strings"),
        ("squared_error", NUMBERS, (X, BOTH), "y must have 1 outputs.* got 2"),
        ("squared_error", BOTH, (X, NUMBERS), "y must have 2 outputs.* got 1"),
    ],
)
@pytest.mark.parametrize("kind", ["regressor", "network regressor"])
def test_wrong_validation_data_of_regressors(kind, loss, y, given, words):
    model = new(kind, loss=loss).fit(X, y)
    before = everything(model)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X, y, validation_data=given)
    assert same(everything(model), before)


# -- parameters -----------------------------------------------------------------------


class Raises(Callback):
    def __init__(self, error=RuntimeError, moment="on_epoch_end", time=1):
        self.error, self.moment, self.time = error, moment, time
        self.count = 0

    def _note(self, moment):
        if moment == self.moment:
            self.count += 1
            if self.count == self.time:
                raise self.error("from a callback")

    def on_train_begin(self, training):
        self._note("on_train_begin")

    def on_batch_end(self, training):
        self._note("on_batch_end")

    def on_epoch_end(self, training):
        self._note("on_epoch_end")

    def on_train_end(self, training):
        self._note("on_train_end")


def raising(*_):
    raise ZeroDivisionError("from a metric")


# kind, parameters, words; the error is a ValueError or a TypeError that says them.
PARAMETERS = {
    "dropout of 1": ("mlp", {"dropout": 1.0}, "'dropout' parameter"),
    "negative dropout": ("mlp", {"dropout": -0.1}, "'dropout' parameter"),
    "dropout for other layers": ("mlp", {"dropout": [0.1, 0.2]}, "dropout must have"),
    "one dropout of 1": ("mlp", {"dropout": [1.0]}, r"rate must lie in \[0, 1\)"),
    "one dropout of NaN": ("mlp", {"dropout": [np.nan]}, "rate must lie"),
    "dropout of 1, conv": ("conv", {"dropout": 1.0}, "'dropout' parameter"),
    "dropout in a list, conv": ("conv", {"dropout": [0.1]}, "'dropout' parameter"),
    "activation": ("mlp", {"activation": "swish"}, "activation must be one of"),
    "activations": ("mlp", {"activation": ["relu", "tanh"]}, "activation must have"),
    "an activation": ("mlp", {"activation": ["swish"]}, "activation must be one of"),
    "a class as activation": ("mlp", {"activation": ReLU}, "activation must be one"),
    "label_smoothing": ("mlp", {"label_smoothing": 1.0}, "'label_smoothing' param"),
    "negative smoothing": ("conv", {"label_smoothing": -0.1}, "'label_smoothing' par"),
    "hidden_layer_sizes": ("mlp", {"hidden_layer_sizes": [3, 0]}, "must be > 0"),
    "as text": ("mlp", {"hidden_layer_sizes": "100"}, "'hidden_layer_sizes' param"),
    "solver": ("mlp", {"solver": "newton"}, "'solver' parameter"),
    "no lbfgs for conv": ("conv", {"solver": "lbfgs"}, "'solver' parameter"),
    "solver mapping": ("mlp", {"solver": {"name": "x"}}, "optimizer must be one of"),
    "nameless solver": ("mlp", {"solver": {}}, "optimizer must be one of"),
    "solver's settings": (
        *("mlp", {"solver": {"name": "sgd", "speed": 1}}),
        "optimizer 'sgd'.*speed",
    ),
    "learning_rate": ("mlp", {"learning_rate": "fast"}, "'learning_rate' parameter"),
    "rate mapping": ("mlp", {"learning_rate": {"name": "x"}}, "schedule must be one"),
    "rate settings": (
        *("mlp", {"learning_rate": {"name": "step"}}),
        "schedule 'step'.*step_size",
    ),
    "rate as number": ("mlp", {"learning_rate": 0.1}, "'learning_rate' parameter"),
    "learning_rate_init": ("conv", {"learning_rate_init": 0}, "'learning_rate_init'"),
    "batch_size": ("network", {"batch_size": 0}, "'batch_size' parameter"),
    "max_norm": ("mlp", {"max_norm": 0}, "'max_norm' parameter"),
    "weight_average": ("mlp", {"weight_average": 1.0}, "'weight_average' parameter"),
    "validation_fraction": ("mlp", {"validation_fraction": 1.0}, "'validation_fract"),
    "random_state": ("mlp", {"random_state": "0"}, "'random_state' parameter"),
    "threads": ("mlp", {"threads": 0}, "'threads' parameter"),
    "class_weight": ("mlp", {"class_weight": {7: 1.0}}, "not in class_weight"),
    "class_weight, one wrong": (
        *("mlp", {"class_weight": {0: 1.0, 1: 2.0, 9: 1.0}}),
        r"\[2\], are not in class_weight",
    ),
    "class_weight, list": ("mlp", {"class_weight": [{0: 1}]}, "'class_weight' param"),
    "class_weight, word": ("conv", {"class_weight": "even"}, "'class_weight' param"),
    "coefs_init": ("mlp", {"coefs_init": [np.ones((2, 2))]}, "coefs_init must hold"),
    "coefs_init, a number": ("mlp", {"coefs_init": 3}, "'coefs_init' parameter"),
    "intercepts_init": (
        *("mlp", {"intercepts_init": [np.ones(6), np.ones(4)]}),
        r"intercepts_init must hold arrays of the shapes \[\(6,\), \(3,\)\]",
    ),
    "callbacks": ("mlp", {"callbacks": [print]}, "callbacks must be Callback objects"),
    "a callback class": ("conv", {"callbacks": [Callback]}, "must be Callback objects"),
    "a callback alone": ("mlp", {"callbacks": Callback()}, "'callbacks' parameter"),
    "a metric's name": ("mlp", {"metrics": "accuracy"}, "'metrics' parameter"),
    "augmentation": ("mlp", {"augmentation": "flip"}, "'augmentation' parameter"),
    "augmentation's shape": (
        *("mlp", {"augmentation": lambda x, rng: x[:, :3]}),
        r"augmentation must return an array like.* got float32 of shape \(40, 3\)",
    ),
    "augmentation's dtype": (
        *("conv", {"augmentation": lambda x, rng: x.astype(float)}),
        "augmentation must return an array like",
    ),
    "early stopping": ("mlp", {"early_stopping": 1}, "'early_stopping' parameter"),
    "little to hold out": (
        *("mlp", {"early_stopping": True, "validation_fraction": 0.001}),
        "validation set is too small",
    ),
    "filters": ("conv", {"filters": [0]}, "filters must be a positive whole number"),
    "filters, a number": ("conv", {"filters": 8}, "'filters' parameter"),
    "filters, a mapping": ("conv", {"filters": {}}, "'filters' parameter"),
    "layers, a set": ("network", {"layers": set()}, "'layers' parameter"),
    "a flag in an array": ("mlp", {"warm_start": np.eye(2)}, "'warm_start' parameter"),
    "filters, a fraction": ("conv", {"filters": [1.5]}, "filters must be a positive"),
    "kernel_size": ("conv", {"kernel_size": 0}, "'kernel_size' parameter"),
    "a large kernel": (
        *("conv", {"kernel_size": 9, "padding": "valid"}),
        r"kernel \(9, 9\) is larger than the image",
    ),
    "too many convolutions": (
        *("conv", {"filters": (2, 2, 2), "padding": "valid"}),
        "larger than the image",
    ),
    "padding": ("conv", {"padding": "full"}, "'padding' parameter"),
    "pool_size": ("conv", {"pool_size": 0}, "'pool_size' parameter"),
    "image_shape": ("conv", {"image_shape": (7, 9)}, "image_shape=.* holds 63 numbers"),
    "image_shape, a number": ("conv", {"image_shape": 8}, "'image_shape' parameter"),
    "dense units": ("conv", {"hidden_layer_sizes": [0]}, "hidden_layer_sizes must be"),
    "dtype": ("conv", {"dtype": "float16"}, "'dtype' parameter"),
    "layers": ("network", {"layers": [64, 10]}, "layers must hold Layer objects"),
    "layer classes": ("network", {"layers": [Dense]}, "layers must hold Layer objects"),
    "names of layers": ("network", {"layers": ["dense"]}, "layers must hold Layer obj"),
    "a layer alone": ("network", {"layers": Dense(3)}, "'layers' parameter"),
    "layers for images": ("network", {"layers": [Conv2D(2, 3)]}, "Conv2D reads images"),
    "layers that do not fit": (
        *("network", {"layers": [Dense(3)], "input_shape": (8, 8, 1)}),
        r"Dense reads vectors.*put a Flatten\(\) before it",
    ),
    "input_shape": ("network", {"input_shape": (7, 7, 1)}, "input_shape=.* holds 49"),
    "loss": ("regressor", {"loss": "mae"}, "'loss' parameter"),
    "loss mapping": ("regressor", {"loss": {"name": "mae"}}, "loss must be one of"),
    "loss settings": (
        *("network regressor", {"loss": {"name": "huber", "delta": 0}}),
        "delta must be a positive number",
    ),
    "loss for classes": ("regressor", {"loss": SoftmaxCrossEntropy()}, "outputs"),
    "dropout and lbfgs": (
        *("mlp", {"dropout": 0.1, "solver": "lbfgs"}),
        "solver='lbfgs' cannot do dropout",
    ),
    "averages and lbfgs": (
        *("mlp", {"weight_average": 0.9, "solver": "lbfgs"}),
        "solver='lbfgs' cannot do weight_average",
    ),
    "calibration and lbfgs": (
        *("mlp", {"calibrate": True, "solver": "lbfgs"}),
        "solver='lbfgs' cannot do calibrate",
    ),
    "words as dropout": ("mlp", {"dropout": ["much"]}, "dropout: a rate must lie"),
    "lists of activations": ("mlp", {"activation": [["relu"]]}, "activation must be"),
    "activation of no layer": (
        *("mlp", {"activation": "swish", "hidden_layer_sizes": ()}),
        "activation must be one of",
    ),
    "words as sizes": ("mlp", {"hidden_layer_sizes": ["a"]}, "hidden_layer_sizes must"),
    "half a unit": ("mlp", {"hidden_layer_sizes": [2.5]}, "hidden_layer_sizes must"),
    "sizes without order": ("mlp", {"hidden_layer_sizes": {5}}, "hidden_layer_sizes"),
    "half a unit, conv": (
        *("conv", {"hidden_layer_sizes": [2.5]}),
        "hidden_layer_sizes must be a positive whole number",
    ),
    "words as filters": ("conv", {"filters": ["many"]}, "filters must be a positive"),
    "image_shape of one side": (
        *("conv", {"image_shape": (64,)}),
        r"image_shape must be \(h, w\) or \(h, w, c\), positive whole numbers; got",
    ),
    "image_shape of four": ("conv", {"image_shape": (4, 4, 2, 2)}, "image_shape must"),
    "negative image_shape": ("conv", {"image_shape": (-8, -8)}, "image_shape must be"),
    "words in image_shape": ("conv", {"image_shape": ("8", "b")}, "image_shape must"),
    "fractions of pixels": ("conv", {"image_shape": (8.7, 8)}, "image_shape must be"),
    "input_shape of four": ("network", {"input_shape": (2,) * 6}, "input_shape must"),
    "a weight that is a word": (
        *("mlp", {"class_weight": {0: "a", 1: 1, 2: 1}}),
        "class_weight must hold finite numbers; got 'a' for class 0",
    ),
    "a weight of NaN": (
        *("mlp", {"class_weight": {0: np.nan, 1: 1, 2: 1}}),
        "class_weight must hold finite numbers; got nan for class 0",
    ),
    "ragged coefs_init": ("mlp", {"coefs_init": [[[1], [1, 2]]]}, "coefs_init must"),
    "coefs_init of NaN": (
        *("mlp", {"coefs_init": [np.full((64, 6), np.nan), np.ones((6, 3))]}),
        "coefs_init must hold finite numbers",
    ),
    "augmentation returns None": (
        *("mlp", {"augmentation": lambda x, rng: None}),
        "augmentation must return an array like.* got NoneType",
    ),
    "augmentation returns lists": (
        *("mlp", {"augmentation": lambda x, rng: x.tolist()}),
        "augmentation must return an array like.* got list",
    ),
}
ALL_PARAMETERS = [pytest.param(*v, id=name) for name, v in PARAMETERS.items()]


@pytest.mark.parametrize(("kind", "wrong", "words"), ALL_PARAMETERS)
def test_wrong_parameters(kind, wrong, words):
    model, y = trained(kind), KINDS[kind][2]
    before, answered = everything(model), answers(model)
    model.set_params(**wrong)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(X[:, ::-1], y)
    assert same(everything(model), before)
    np.testing.assert_array_equal(answers(model), answered)
    fresh = new(kind, **wrong)
    with pytest.raises((ValueError, TypeError), match=words):
        fresh.fit(X, y)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


METRICS = {
    "raises": (raising, ZeroDivisionError, "from a metric"),
    "is none": ([3], ValueError, "metrics must be functions.* got 3"),
    "is a name": (["accuracy"], ValueError, "metrics must be functions.* 'accuracy'"),
    "says nothing": (lambda truth, answer: None, ValueError, "must return a number"),
    "says an array": (lambda truth, answer: truth, ValueError, "must return a number"),
    "two of a name": (
        *([lambda t, p: 1.0, lambda t, p: 2.0], ValueError),
        "several functions of the name '<lambda>': give a mapping of names",
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_that_are_none(name):
    metric, error, words = METRICS[name]
    model = trained()
    before = everything(model)
    model.set_params(metrics=metric)
    with pytest.raises(error, match=words):
        model.fit(X[:, ::-1], Y, validation_data=(X, Y))
    assert same(everything(model), before)


@pytest.mark.parametrize("metrics", [["accuracy"], lambda truth, answer: 1.0])
def test_metrics_need_samples_that_do_not_train(metrics):
    with pytest.raises((ValueError, TypeError), match=r"metrics? "):
        trained(metrics=metrics)


def test_filters_may_be_none_at_all():
    """Then it is a perceptron on the pixels: no error, and it says so."""
    model = trained("conv", filters=[])
    assert [type(layer).__name__ for layer in model.network_.layers] == [
        "Flatten",
        "Dense",
        "ReLU",
        "Dense",
    ]


def test_set_params_changes_all_or_nothing():
    model = trained()
    with pytest.raises(ValueError, match="Invalid parameter 'depth' for estimator MLP"):
        model.set_params(alpha=7, depth=3)
    assert model.alpha == 0.0001
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        MLPClassifier(depth=3)


# -- images ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (IMAGES * np.nan, "Input X must hold finite numbers|contains NaN"),
        (IMAGES[:0], "0 sample"),
        (IMAGES[:, :0], "sample|feature"),
        (X.reshape(-1, 4, 4, 2, 2), r"images must have the shape.* got 5 dimensions"),
        (IMAGES * 1j, "Complex data not supported"),
    ],
    ids=["NaN", "none", "no pixel", "five dimensions", "complex"],
)
def test_wrong_images(x, words):
    model = trained("conv")
    before = everything(model)
    with pytest.raises(ValueError, match=words):
        model.fit(x, Y[: len(x)])
    assert same(everything(model), before)


STRIPS = X.reshape(-1, 4, 16)


@pytest.mark.parametrize("shape", [(16, 4), (8, 8), (1, 4, 16), (2, 2, 16)])
def test_images_of_another_shape_are_refused(shape):
    model = new("conv").fit(STRIPS, Y)
    with pytest.raises(ValueError, match="shape"):
        model.predict(X.reshape(-1, *shape))


def test_validation_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        new("conv").fit(STRIPS, Y, validation_data=(X.reshape(-1, 16, 4), Y))


def test_image_shape_must_be_that_of_the_images():
    with pytest.raises(ValueError, match="image_shape"):
        new("conv", image_shape=(4, 16)).fit(IMAGES, Y)


BYTES = np.rint(IMAGES * 255).astype(np.uint8)


@pytest.mark.parametrize("form", ["rows", "images", "channels"])
def test_bytes_in_any_shape_are_grey_levels(form):
    model = new("conv", max_iter=8).fit(BYTES, Y)
    x = {
        "rows": BYTES.reshape(-1, 64),
        "images": BYTES[::1],
        "channels": BYTES[..., np.newaxis],
    }[form]
    np.testing.assert_array_equal(model.predict_proba(x), model.predict_proba(BYTES))


@pytest.mark.parametrize("form", ["a table", "lists", "int64"])
def test_the_same_bytes_in_another_container_mean_the_same(form):
    """Either the same answer, or a refusal."""
    pandas = pytest.importorskip("pandas")
    model = new("conv", max_iter=8).fit(BYTES, Y)
    x = {
        "a table": pandas.DataFrame(BYTES.reshape(-1, 64)),
        "lists": BYTES.tolist(),
        "int64": BYTES.astype(np.int64),
    }[form]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            p = model.predict_proba(x)
        except (ValueError, TypeError):
            return
    np.testing.assert_allclose(p, model.predict_proba(BYTES), atol=1e-5)


# -- predict --------------------------------------------------------------------------

METHODS = ["predict", "predict_proba", "predict_log_proba", "transform", "score"]


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (kind, method)
        for kind, (cls, *_) in KINDS.items()
        for method in (*METHODS, "hidden_activations", "refit")
        if hasattr(cls, method)
    ],
)
def test_nothing_is_answered_before_fit(kind, method):
    model = new(kind)
    args = {"score": (X, Y), "refit": (X, Y)}.get(method, (X,))
    rest = {"replay": (X, Y)} if method == "refit" else {}
    with pytest.raises(NotFittedError, match=r"is not fitted yet\. Call 'fit'"):
        getattr(model, method)(*args, **rest)
    with pytest.raises(NotFittedError):
        model.get_feature_names_out()


WRONG_X = {
    "features": (X[:, :5], "X has 5 features, but .* is expecting 64"),
    "NaN": (NAN, "NaN"),
    "a row": (X[0], "Expected 2D array, got 1D array"),
    "none": (X[:0], "0 sample"),
    "text": ([["a"] * 64], "could not convert string"),
}


@pytest.mark.parametrize("name", WRONG_X)
@pytest.mark.parametrize("kind", KINDS)
def test_predict_on_wrong_x(kind, name):
    x, words = WRONG_X[name]
    model = trained(kind)
    before = everything(model)
    for method in METHODS[:4]:
        if hasattr(model, method):
            with pytest.raises(ValueError, match=words):
                getattr(model, method)(x)
    assert same(everything(model), before)


@pytest.mark.parametrize(
    "reject",
    [0, 1, 0.0, 1.0, -0.1, 1.5, np.nan, np.inf, True, "a"],
)
def test_reject_lies_between(reject):
    model = trained()
    with pytest.raises((ValueError, TypeError), match="reject"):
        model.predict(X, reject=reject)
    assert model.predict(X, reject=np.float32(0.5)).dtype == object


def test_reject_needs_one_label():
    model = new().fit(X, MANY)
    with pytest.raises(ValueError, match="reject needs one label a sample"):
        model.predict(X, reject=0.5)


def test_score_on_wrong_y():
    model, regressor = trained(), trained("regressor")
    for one, y in ((model, Y[:5]), (regressor, NUMBERS[:5]), (model, MANY)):
        with pytest.raises(ValueError, match="y must have the shape"):
            one.score(X, y)


@pytest.mark.parametrize("kind", ["mlp", "regressor"])
def test_score_with_wrong_weights(kind):
    model = trained(kind)
    with pytest.raises(ValueError, match="sample_weight"):
        model.score(X, KINDS[kind][2], sample_weight=[1.0, 2.0])


@pytest.mark.parametrize("y", [NUMBERS, np.full(120, np.nan)], ids=["numbers", "NaN"])
def test_score_on_what_are_no_classes(y):
    with pytest.raises(ValueError):
        trained().score(X, y)


@pytest.mark.parametrize("kind", ["mlp", "regressor", "network"])
def test_transform_without_a_hidden_layer(kind):
    empty = {"layers": []} if kind == "network" else {"hidden_layer_sizes": ()}
    model = trained(kind, **empty)
    assert model.transform(X).shape == (120, len(model.get_feature_names_out()))


# -- going on -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_resume_before_fit(kind):
    model = new(kind)
    with pytest.raises(NotFittedError):
        model.fit(X, KINDS[kind][2], resume=True)


RESUMED = {
    "other features": ({}, (X[:, :5], Y), "X has 5 features"),
    "other classes": ({}, (X, Y + 1), "classes not in `self.classes_`"),
    "several labels": ({}, (X, MANY), "multilabel|classes"),
    "another network": ({"hidden_layer_sizes": 9}, (X, Y), "another network"),
    "another activation": ({"activation": "tanh"}, (X, Y), "another network"),
    "batch normalisation": ({"batch_norm": True}, (X, Y), "another network"),
    "fewer samples": ({}, (X[:50], Y[:50]), "they were 120 samples.* are 50 samples"),
    "more samples": (
        *({}, (np.tile(X, (2, 1)), np.tile(Y, 2))),
        "they were 120 samples.* are 240 samples",
    ),
    "by lbfgs": (
        *({"solver": "lbfgs"}, (X, Y)),
        "resume=True goes on.* solver was 'adam' and is 'lbfgs' now",
    ),
    "by another solver": (
        *({"solver": "sgd", "learning_rate_init": 1e-9}, (X, Y)),
        "resume=True goes on.* was .* and is .* now: set it back",
    ),
    "other batches": ({"batch_size": 7}, (X, Y), "batch_size was 40 and is 7 now"),
    "another penalty": ({"alpha": 0.5}, (X, Y), "alpha was 0.0001 and is 0.5 now"),
    "another schedule": (
        *({"learning_rate": {"name": "cosine"}}, (X, Y)),
        "learning_rate was 'constant' and is {'name': 'cosine'} now",
    ),
    "another seed": ({"random_state": 7}, (X, Y), "random_state was 0 and is 7 now"),
    "early stopping": ({"early_stopping": True}, (X, Y), "resume=True goes on with"),
}


@pytest.mark.parametrize(
    ("settings", "args", "words"), [pytest.param(*v, id=k) for k, v in RESUMED.items()]
)
def test_resume_with_something_else(settings, args, words):
    model = trained()
    before = everything(model)
    model.set_params(max_iter=5, **settings)
    with pytest.raises(ValueError, match=words):
        model.fit(*args, resume=True)
    assert same(everything(model), before)


def test_resume_after_lbfgs():
    model = MLPClassifier(6, solver="lbfgs", random_state=0).fit(X, Y)
    before = everything(model)
    for solver in ("lbfgs", "adam"):
        with pytest.raises(ValueError, match="none to go on with"):
            model.set_params(solver=solver).fit(X, Y, resume=True)
    assert same(everything(model), before)


def test_partial_fit_without_classes():
    for kind in ("mlp", "conv", "network"):
        model = new(kind)
        with pytest.raises(ValueError, match="classes must be passed on the first"):
            model.partial_fit(X, Y)
        assert vars(model).keys() == model.get_params().keys()
        model.partial_fit(X, Y, classes=[2, 1, 0])
        assert model.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((X[:, :5], Y), "X has 5 features"),
        ((X, Y + 1), "classes not in `self.classes_`"),
        ((X, Y[:5]), "inconsistent numbers of samples"),
        ((X, Y, np.ones(5)), "sample_weight.shape"),
        ((X, Y, None, [0, 1]), "is not the same as on last call to partial_fit"),
        ((NAN, Y), "NaN"),
    ],
)
@pytest.mark.parametrize("kind", ["mlp", "conv", "network"])
def test_partial_fit_on_wrong_data_changes_nothing(kind, args, words):
    model = new(kind).partial_fit(X, Y, classes=range(3))
    before = everything(model)
    with pytest.raises(ValueError, match=words):
        model.partial_fit(*args)
    assert same(everything(model), before)
    assert model.partial_fit(X, Y).t_ == 240


@pytest.mark.parametrize(
    ("settings", "x"),
    [({}, NAN), ({"early_stopping": True}, X), ({"hidden_layer_sizes": [0]}, X)],
    ids=["NaN", "early stopping", "no unit"],
)
def test_a_first_partial_fit_that_fails_leaves_nothing(settings, x):
    model = new(**settings)
    with pytest.raises(ValueError):
        model.partial_fit(x, Y, classes=[0, 1, 2])
    model.set_params(early_stopping=False, hidden_layer_sizes=6)
    assert not hasattr(model, "classes_")
    model.partial_fit(X, Y, classes=[0, 1, 2, 3])


class FailsLater:
    """An augmentation that works for a while."""

    def __init__(self, error=RuntimeError, time=3):
        self.error, self.time, self.count = error, time, 0

    def __call__(self, x, rng):
        self.count += 1
        if self.count == self.time:
            raise self.error("from an augmentation")
        return x + 0


# What may happen in the middle of a training.
MIDST = {
    "a callback": lambda: {"callbacks": [Raises()]},
    "a callback in a batch": lambda: {"callbacks": [Raises(moment="on_batch_end")]},
    "an augmentation": lambda: {"augmentation": FailsLater()},
    "divergence": lambda: {"solver": "sgd", "learning_rate_init": 1e300, "alpha": 1e9},
}


@pytest.mark.parametrize("name", MIDST)
def test_a_new_training_that_breaks_off_changes_nothing(name):
    model = new(early_stopping=name == "a callback").fit(X, Y)
    before = everything(model)
    model.set_params(**{"early_stopping": False, **MIDST[name]()})
    with pytest.raises((RuntimeError, ValueError)):
        model.fit(X[:, ::-1], Y)
    assert same(everything(model), before)


@pytest.mark.parametrize("way", ["warm start", "partial_fit", "resume"])
@pytest.mark.parametrize("name", ["a callback", "an augmentation"])
def test_a_training_that_goes_on_and_breaks_off_changes_nothing(name, way):
    model = trained()
    before = everything(model)
    model.set_params(**MIDST[name]())
    with pytest.raises(RuntimeError):
        if way == "partial_fit":
            model.partial_fit(X, Y)
        else:
            model.set_params(warm_start=way == "warm start", max_iter=6)
            model.fit(X, Y, resume=way == "resume")
    assert same(everything(model), before)


@pytest.mark.parametrize("name", MIDST)
def test_blas_and_threads_are_given_back(name):
    threads, blas = set(threading.enumerate()), threadpool_info()
    settings = {"hidden_layer_sizes": (300, 300), "batch_size": 100, "threads": 2}
    model = new(**settings, **MIDST[name]())
    with pytest.raises((RuntimeError, ValueError)):
        model.fit(X, Y)
    assert set(threading.enumerate()) <= threads and threadpool_info() == blas


def test_the_progress_bar_ends_with_an_error():
    pytest.importorskip("rich")
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError):
        trained(progress_bar=True, callbacks=[Raises()])
    left = set(threading.enumerate()) - before
    for thread in left:  # it ends when it has drawn for the last time
        thread.join(5)
    alive = [thread for thread in left if thread.is_alive()]
    for thread in alive:  # for the tests that follow
        thread.stop()
    assert not alive


@pytest.mark.parametrize("coefs", [[], [np.ones((3, 3))]], ids=["none", "another"])
def test_a_new_fit_does_not_look_at_what_was_there(coefs):
    model = trained()
    model.coefs_ = coefs
    model.fit(X, Y)
    assert answers(model).shape == (120, 3)


def test_the_engines_early_stopping_works_as_a_callback():
    callbacks = [ardoise.EarlyStopping(patience=2)]
    new(callbacks=callbacks).fit(X, Y, validation_data=(X, Y))


REFITS = {
    "few labels": ({"y": Y[:1]}, "as many labels as samples"),
    "few replayed": ({"replay": (X, Y[:5])}, "as many labels as samples"),
    "none": ({"X": X[:0], "y": Y[:0]}, "at least one"),
    "none replayed": ({"replay": (X[:0], Y[:0])}, "at least one"),
    "another class": ({"y": Y[:3] + 7}, "classes not in"),
    "features": ({"X": X[:3, :5]}, "dimension|features"),
    "share": ({"share": 1.0}, "share must lie"),
    "share, negative": ({"share": -1}, "share must lie"),
    "share, a word": ({"share": "a"}, "share must lie"),
    "no replay": ({"replay": None}, r"replay must be \(X, y\).* got NoneType"),
    "half a replay": ({"replay": (X,)}, r"replay must be \(X, y\)"),
    "epochs, a fraction": ({"epochs": 1.5}, "epochs must be a positive whole number"),
    "no epochs": ({"epochs": 0}, "epochs must be a positive whole number; got 0"),
    "columns": ({"y": np.stack([Y[:3]] * 2, axis=1)}, "multilabel|Multioutput"),
    "text": ({"y": ["a", "b", "c"]}, "classes not in"),
}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [pytest.param(*v, id=k) for k, v in REFITS.items()],
)
def test_refit_on_wrong_data_changes_nothing(wrong, words):
    model = trained()
    before = everything(model)
    given = {"X": X[:3], "y": Y[:3], "replay": (X, Y), "epochs": 1, **wrong}
    x, y = given.pop("X"), given.pop("y")
    with pytest.raises((ValueError, TypeError), match=words):
        model.refit(x, y, **given)
    assert same(everything(model), before)


def test_refit_after_early_stopping():
    model = trained(early_stopping=True)
    assert model.refit(X[:3], Y[:3], replay=(X, Y), epochs=1).t_ > 324


# -- batches --------------------------------------------------------------------------

CLASSES_OF_ALL = {"classes": [0, 1, 2]}
BATCHES = {
    "none": (lambda: iter([]), CLASSES_OF_ALL, "the iterable of batches held none"),
    "an empty tuple": (lambda: ((),), CLASSES_OF_ALL, r"each batch must be.* got 0"),
    "X alone": (lambda: iter([X]), CLASSES_OF_ALL, r"each batch must be \(X, y\)"),
    "X in a tuple": (lambda: [(X,)], CLASSES_OF_ALL, r"each batch must be.* got 1"),
    "four": (lambda: [(X, Y, Y, Y)], CLASSES_OF_ALL, r"each batch must be.* got 4"),
    "a number": (lambda: iter([3]), CLASSES_OF_ALL, r"each batch must be.* got int"),
    "short y": (lambda: [(X, Y[:5])], CLASSES_OF_ALL, "inconsistent numbers"),
    "an empty batch": (lambda: [(X[:0], Y[:0])], CLASSES_OF_ALL, "0 sample"),
    "NaN": (lambda: [(NAN, Y)], CLASSES_OF_ALL, "Input X contains NaN"),
    "the second is wrong": (
        *(lambda: [(X[:, ::-1], Y), (X,)], CLASSES_OF_ALL),
        "each batch must be",
    ),
    "the second has other features": (
        *(lambda: [(X, Y), (X[:, :5], Y)], CLASSES_OF_ALL),
        "X has 5 features",
    ),
    "an unknown class": (lambda: [(X, Y)], {"classes": [0, 1]}, "classes not in"),
    "no classes": (lambda: [(X, Y)], {}, "classes must be passed"),
}


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("kind", ["mlp", "conv", "network"])
def test_wrong_batches_are_refused(kind, name):
    batches, rest, words = BATCHES[name]
    with pytest.raises((ValueError, TypeError), match=words):
        new(kind).fit(batches(), **rest)


@pytest.mark.parametrize("name", BATCHES)
def test_wrong_batches_change_nothing(name):
    batches, rest, words = BATCHES[name]
    model = trained()
    before = everything(model)
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(batches(), **rest)
    assert same(everything(model), before)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"early_stopping": True}, ValueError, "early_stopping=True needs all samples"),
        ({"solver": "lbfgs"}, ValueError, "lbfgs.* needs all samples"),
        ({"calibrate": True}, ValueError, "calibrate=True without validation_data"),
        ({"metrics": raising}, ValueError, "metrics without validation_data"),
        ({"alpha": -1}, ValueError, "'alpha' parameter"),
        ({"callbacks": [ardoise.EarlyStopping()]}, ValueError, "needs all samples"),
    ],
)
def test_batches_with_wrong_parameters(settings, error, words):
    model = trained()
    before = everything(model)
    model.set_params(**settings)
    with pytest.raises(error, match=words):
        model.fit([(X, Y)], **CLASSES_OF_ALL)
    assert same(everything(model), before)


@pytest.mark.parametrize(
    "rest",
    [{"sample_weight": np.ones(120)}, {"resume": True}],
    ids=lambda rest: next(iter(rest)),
)
def test_what_batches_cannot_have_is_refused(rest):
    model = trained()
    with pytest.raises((ValueError, TypeError), match=next(iter(rest))):
        model.fit([(X, Y)], **CLASSES_OF_ALL, **rest)


@pytest.mark.parametrize("name", VALIDATION)
def test_batches_with_wrong_validation_data(name):
    given, words = VALIDATION[name]
    with pytest.raises((ValueError, TypeError), match=words):
        new().fit([(X, Y)], **CLASSES_OF_ALL, validation_data=given)


def test_batches_that_lack_a_class_and_a_warm_start():
    batches = [(X[Y < 2], Y[Y < 2]), (X, Y)]
    model = new(warm_start=True).fit([(X, Y)], **CLASSES_OF_ALL)
    assert model.fit(batches, **CLASSES_OF_ALL).n_iter_ == 3


# -- what lbfgs cannot do -------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"callbacks": [Callback()]}, "solver='lbfgs' cannot do callbacks"),
        ({"callbacks": [3]}, "callbacks"),
        ({"progress_bar": True}, "solver='lbfgs' cannot do progress_bar"),
        ({"metrics": raising}, "cannot do metrics without validation_data"),
        ({"max_norm": 1.0}, "solver='lbfgs' cannot do max_norm"),
    ],
)
def test_what_lbfgs_does_not_do_is_refused(settings, words):
    model = MLPClassifier(6, solver="lbfgs", random_state=0).fit(X, Y)
    before = everything(model)
    with pytest.raises(ValueError, match=words):
        model.set_params(**settings).fit(X[:, ::-1], Y)
    assert same(everything(model), before)


# -- Ctrl-C ---------------------------------------------------------------------------


class InterruptedLoss(SquaredError):
    """As if Ctrl-C were pressed while the loss is computed, the ``time``-th time."""

    name = "interrupted"

    def __init__(self, time):
        self.time = time
        self._count = 0

    def __call__(self, *args, **rest):
        self._count = getattr(self, "_count", 0) + 1
        if self._count == self.time:
            raise KeyboardInterrupt
        return super().__call__(*args, **rest)


class InterruptedMetric:
    __name__ = "interrupted"

    def __init__(self, time):
        self.time, self.count = time, 0

    def __call__(self, truth, answer):
        self.count += 1
        if self.count == self.time:
            raise KeyboardInterrupt
        return 1.0


CTRL_C = {
    "in a batch": ("mlp", lambda: {"callbacks": [Raises(*ONE, "on_batch_end", 5)]}),
    "after an epoch": ("mlp", lambda: {"callbacks": [Raises(*ONE, "on_epoch_end", 2)]}),
    "in the first batch": (
        "mlp",
        lambda: {"callbacks": [Raises(*ONE, "on_batch_end")]},
    ),
    "in an augmentation": ("conv", lambda: {"augmentation": FailsLater(*ONE, 5)}),
    "in a metric": ("mlp", lambda: {"metrics": InterruptedMetric(2)}),
    "in the loss": ("regressor", lambda: {"loss": InterruptedLoss(5)}),
    "in a network": (
        *("network", lambda: {"callbacks": [Raises(*ONE, "on_batch_end", 5)]}),
    ),
    "in the loss of a network": (
        *("network regressor", lambda: {"loss": InterruptedLoss(5)}),
    ),
    "while weights are averaged": (
        *("mlp", lambda: {"metrics": InterruptedMetric(2), "weight_average": 0.9}),
    ),
    "while it stops early": (
        *("mlp", lambda: {"callbacks": [Raises(*ONE, time=2)], "early_stopping": True}),
    ),
    "before it is calibrated": (
        *("mlp", lambda: {"callbacks": [Raises(*ONE, time=2)], "calibrate": True}),
    ),
}
ONE = (KeyboardInterrupt,)
INTERRUPTED = r"Training interrupted by user\."


@pytest.mark.parametrize("name", CTRL_C)
def test_ctrl_c_keeps_a_usable_model_and_warns(name):
    kind, settings = CTRL_C[name]
    y = KINDS[kind][2]
    model = new(kind, **{"max_iter": 40, **settings()})
    rest = {"validation_data": (X, y)} if "metrics" in model.get_params() else {}
    rest = {} if name in ("in the loss", "in the loss of a network") else rest
    threads, blas = set(threading.enumerate()), threadpool_info()
    with pytest.warns(UserWarning, match=INTERRUPTED):
        assert model.fit(X, y, **rest) is model
    assert set(threading.enumerate()) <= threads and threadpool_info() == blas
    assert np.isfinite(answers(model)).all() and model.n_iter_ <= 2
    assert len(model.loss_curve_) == model.n_iter_ and model.t_ <= 240
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(answers(twin), answers(model))
    # It can be trained on, in every way.
    model.set_params(callbacks=None, metrics=None, max_iter=4)
    model.set_params(**{k: None for k in ("augmentation",) if hasattr(model, k)})
    twin.set_params(callbacks=None, metrics=None, early_stopping=False)
    assert model.fit(X, y, **rest, resume=True).n_iter_ == 4
    twin.partial_fit(X, y)
    assert np.isfinite(answers(model)).all() and np.isfinite(answers(twin)).all()


def test_ctrl_c_leaves_history_and_loss_curve_in_step():
    model = new(metrics=InterruptedMetric(2))
    with pytest.warns(UserWarning, match=INTERRUPTED):
        model.fit(X, Y, validation_data=(X, Y))
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}


@pytest.mark.parametrize("time", [3, 6])
def test_ctrl_c_during_lbfgs(time):
    loss = InterruptedLoss(time)
    model = MLPRegressor(loss, 6, solver="lbfgs", random_state=0, threads=1)
    with pytest.warns(UserWarning, match=INTERRUPTED):
        assert model.fit(X, NUMBERS) is model
    assert 0 <= model.n_iter_ < time and np.isfinite(answers(model)).all()
    # The weights are those of the last iteration, not of the step that broke off.
    whole = MLPRegressor(
        SquaredError(), 6, solver="lbfgs", random_state=0, threads=1, max_iter=1
    )
    if model.n_iter_ == 1:
        np.testing.assert_array_equal(answers(model), answers(whole.fit(X, NUMBERS)))
    loss.time = 0
    better = model.score(X, NUMBERS)
    model.set_params(warm_start=True, max_iter=20).fit(X, NUMBERS)
    assert model.score(X, NUMBERS) > better


def test_ctrl_c_in_the_first_step_of_lbfgs_leaves_all_attributes():
    model = MLPRegressor(InterruptedLoss(1), 6, solver="lbfgs", random_state=0)
    with pytest.warns(UserWarning, match=INTERRUPTED):
        model.fit(X, NUMBERS)
    assert model.loss_ > 0


def test_ctrl_c_ends_the_training_on_batches():
    seen = []

    def batches():
        for i in range(10):
            seen.append(i)
            yield X, Y

    callbacks = [Raises(KeyboardInterrupt, "on_batch_end", 4)]
    with pytest.warns(UserWarning, match=INTERRUPTED):
        model = new(callbacks=callbacks).fit(batches(), **CLASSES_OF_ALL)
    assert seen == [0, 1]
    assert np.isfinite(answers(model)).all()


def test_ctrl_c_in_the_very_first_batch_of_batches():
    callbacks = [Raises(KeyboardInterrupt, "on_batch_end", 1)]
    with pytest.warns(UserWarning, match=INTERRUPTED):
        model = new(callbacks=callbacks).fit([(X, Y)] * 3, **CLASSES_OF_ALL)
    assert np.isfinite(answers(model)).all()


def test_ctrl_c_while_a_batch_is_read():
    def batches():
        yield X, Y
        raise KeyboardInterrupt

    model = new()
    with pytest.warns(UserWarning, match=INTERRUPTED):
        try:
            model.fit(batches(), **CLASSES_OF_ALL)
        except KeyboardInterrupt:  # which would end pytest
            pytest.fail("KeyboardInterrupt came out")
    assert model.n_iter_ <= 1 and np.isfinite(answers(model)).all()


def test_ctrl_c_ends_refit():
    model = trained(max_iter=1)
    model.set_params(callbacks=[Raises(KeyboardInterrupt, "on_batch_end", 1)])
    with pytest.warns(UserWarning, match=INTERRUPTED):
        model.refit(X[:3], Y[:3], replay=(X, Y), epochs=5)
    assert model.t_ == 120  # those of the fit


# -- parameters that are objects ------------------------------------------------------


def test_fit_does_not_change_an_optimizer_that_was_given():
    solver = SGD(momentum=0.5)
    model = new(solver=solver).fit(X, Y)
    assert model.solver is solver and vars(solver) == vars(SGD(momentum=0.5))


def test_fit_does_not_change_layers_and_schedules_that_were_given():
    layers = [Dense(6), ReLU()]
    before = [dict(vars(layer)) for layer in layers]
    schedule = ardoise.engine.schedules.Cosine(0.01)
    new("network", layers=layers, learning_rate=schedule).fit(X, Y)
    assert [dict(vars(layer)) for layer in layers] == before
    assert vars(schedule) == vars(ardoise.engine.schedules.Cosine(0.01))
