"""The estimators where NumPy is all there is; what they load where there is more."""

import subprocess
import sys

import pytest

# In every script: nothing but NumPy, threadpoolctl and the standard library exists.
BLOCKED = """
import sys

BEFORE = set(sys.modules)
ALLOWED = {*sys.stdlib_module_names, "ardoise", "numpy", "threadpoolctl"}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)


sys.meta_path.insert(0, Blocker())
for name in ("sklearn", "scipy", "pandas", "joblib", "pytest"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{name} is not blocked")
"""

# What all scripts use.
DATA = """
import copy
import pickle
import warnings

import numpy as np

import ardoise
from ardoise import (
    ConvClassifier, Dense, MLPClassifier, MLPRegressor, NetworkClassifier,
    NetworkRegressor, ReLU, Tanh,
)
from ardoise.estimators import ConvergenceWarning, DataConversionWarning
from ardoise.estimators import NotFittedError
from ardoise.estimators.parameters import InvalidParameterError

rng = np.random.default_rng(0)
X = rng.random((120, 16)).astype(np.float32)
y = np.digitize(X[:, :2].sum(axis=1), [0.7, 1.3])
NUMBERS = X[:, :3].sum(axis=1)
KINDS = {
    "MLPClassifier": (MLPClassifier, {"hidden_layer_sizes": 8}),
    "MLPRegressor": (MLPRegressor, {"hidden_layer_sizes": 8}),
    "ConvClassifier": (ConvClassifier, {"filters": (2,), "hidden_layer_sizes": 6}),
    "NetworkClassifier": (NetworkClassifier, {"layers": [Dense(6), ReLU()]}),
    "NetworkRegressor": (NetworkRegressor, {"layers": [Dense(6), Tanh()]}),
}


def error_of(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        return error
    raise SystemExit("no error")


def warnings_of(function, *args, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*args, **kwargs)
    return [w.category for w in caught]
"""

EVERYTHING = """
kind, settings = KINDS[sys.argv[1]]
settings = {**settings, "max_iter": 3, "random_state": 0}
classifies = sys.argv[1].endswith("Classifier")
perceptron = sys.argv[1].startswith("MLP")
t = y if classifies else NUMBERS

# Before fit.
model = kind(**settings)
assert type(error_of(model.predict, X)) is NotFittedError
assert isinstance(error_of(model.score, X, t), (ValueError, AttributeError))
params = model.get_params()
assert {name: params[name] for name in settings} == settings
assert model.set_params(max_iter=2).max_iter == 2
assert model.set_params(max_iter=3) is model
assert "Invalid parameter 'depth'" in str(error_of(model.set_params, depth=3))
again = eval(repr(model))
assert repr(again) == repr(model) and "max_iter=3" in repr(model)
for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model),
             model.__sklearn_clone__()):
    assert type(twin) is kind and repr(twin) == repr(model)

# fit, and its warnings: of our classes.
expected = [ConvergenceWarning] if perceptron else []
assert warnings_of(model.fit, X, t) == expected
assert warnings_of(kind(**settings).fit, X, t[:, np.newaxis]) == [
    DataConversionWarning, *expected
]
warnings.simplefilter("ignore", ConvergenceWarning)
assert warnings_of(model.set_params(batch_size=500).fit, X, t)[0] is UserWarning
model.set_params(batch_size="auto")

# Afterwards.
assert model.fit(X, t) is model
answers = model.predict(X)
assert answers.shape == t.shape and answers.dtype == (t.dtype if classifies else "f4")
assert 0 <= model.score(X, t) <= 1 or not classifies
assert model.score(X, t, sample_weight=np.ones(120)) == model.score(X, t)
assert model.transform(X).shape == (120, len(model.get_feature_names_out()))
assert model.fit_transform(X, t).shape == model.transform(X).shape
assert model.hidden_activations(X, 0).shape[0] == 120
if classifies:
    p = model.predict_proba(X)
    assert p.shape == (120, 3) and np.allclose(np.exp(model.predict_log_proba(X)), p)
    assert model.predict(X, reject=0.99).dtype == object
for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
    assert np.array_equal(twin.predict(X), answers)
twin = pickle.loads(pickle.dumps(model))
if perceptron:
    twin.coefs_[0][...] = 0
else:
    twin.network_.theta[...] = 0
assert not np.array_equal(twin.predict(X), answers) or classifies

# Going on.
first = {"classes": np.unique(y)} if classifies else {}
model = kind(**settings).partial_fit(X, t, **first).partial_fit(X, t)
assert model.t_ == 240
assert model.fit([(X, t), (X, t, np.ones(120))], **first).n_iter_ == 3
assert model.refit(X[:3], t[:3], replay=(X, t)) is model
model = kind(**settings).fit(X, t)
assert model.set_params(max_iter=5).fit(X, t, resume=True).n_iter_ == 5
held = {"validation_data": (X, t)}
assert len(kind(**settings).fit(X, t, **held).history_["validation_score"]) == 3
kind(**settings, early_stopping=True).fit(X, t, sample_weight=np.ones(120))
if classifies:
    kind(**settings, calibrate=True, class_weight="balanced").fit(X, t)
    model = kind(**settings).fit(X, np.array(list("abc"))[y])
    assert set(model.predict(X)) <= set("abc")
    model = kind(**settings).fit(X, np.eye(3, dtype=int)[y])
    assert model.predict(X).shape == (120, 3)
if perceptron:
    settings = {**settings, "solver": "lbfgs"}
    assert warnings_of(kind(**settings).fit, X, t) == [ConvergenceWarning]
    assert not hasattr(kind(**settings), "partial_fit")

# Errors.
for wrong in ({"alpha": -1}, {"solver": "newton"}, {"max_iter": 0}):
    error = error_of(kind(**{**settings, **wrong}).fit, X, t)
    assert type(error) is InvalidParameterError, error
    assert isinstance(error, ValueError) and isinstance(error, TypeError)
assert type(error_of(kind(**settings).fit, X, t[:5])) is ValueError
assert "Input X contains NaN" in str(error_of(kind(**settings).fit, X * np.nan, t))
assert "requires y to be passed" in str(error_of(kind(**settings).fit, X))
error = error_of(kind(**{**settings, "solver": "adam"}, progress_bar=True).fit, X, t)
assert type(error) is ImportError and "pip install 'ardoise[cli]'" in str(error)
error = error_of(model.__sklearn_tags__)
assert type(error) is ModuleNotFoundError and error.name == "sklearn"

# Nothing else came in.
files = [name for name, m in sys.modules.items() if getattr(m, "__spec__", None)]
assert not {name.partition(".")[0] for name in set(files) - BEFORE} - ALLOWED, files
print("done")
"""

# Compressed sparse rows as SciPy's look, where SciPy is not.
SPARSE = """
class Rows:
    ndim = 2

    def __init__(self, x):
        self.x, self.shape, self.dtype = x, x.shape, x.dtype
        self.indptr = np.arange(0, x.size + 1, x.shape[1], np.int32)
        self.indices = np.tile(np.arange(x.shape[1], dtype=np.int32), len(x))
        self.data = x.reshape(-1)

    def tocsr(self):
        return self

    def toarray(self):
        return self.x


warnings.simplefilter("ignore", ConvergenceWarning)
for name, (kind, settings) in KINDS.items():
    t = y if name.endswith("Classifier") else NUMBERS
    models = [kind(**settings, max_iter=2, random_state=0) for _ in range(2)]
    dense, sparse = models[0].fit(X, t), models[1].fit(Rows(X), t)
    assert np.array_equal(dense.network_.theta, sparse.network_.theta)
    assert np.array_equal(dense.predict(X), sparse.predict(Rows(X)))
print("done")
"""

# What is loaded, where everything is there.
LOADED = """
import sys

before = set(sys.modules)


def loaded():
    # Cython puts modules without a specification there, which no file stands for.
    new = [name for name in sys.modules if name not in before]
    files = [name for name in new if getattr(sys.modules[name], "__spec__", None)]
    roots = {name.partition(".")[0] for name in files}
    return " ".join(sorted(roots - set(sys.stdlib_module_names)))


import ardoise

print(loaded(), "ardoise.estimators" in sys.modules)
assert "ardoise.estimators" not in sys.modules
dir(ardoise), ardoise.Dense
assert not hasattr(ardoise, "Perceptron")
assert "ardoise.estimators" not in sys.modules
ardoise.MLPClassifier
print(loaded(), "ardoise.estimators" in sys.modules)
"""

AND_AFTER_USE = """
warnings.simplefilter("ignore", ConvergenceWarning)
for name, (kind, settings) in KINDS.items():
    classifies = name.endswith("Classifier")
    t = y if classifies else NUMBERS
    model = kind(**settings, max_iter=2, random_state=0)
    assert type(error_of(model.predict, X)) is NotFittedError
    model.fit(X, t, validation_data=(X, t))
    model.predict(X), model.score(X, t), model.transform(X), repr(model)
    model.partial_fit(X, t), model.get_params(), model.set_params(alpha=0.1)
    pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.__sklearn_clone__()
    error_of(model.fit, X, t[:3])
print(loaded())
"""


def run(*parts, arguments=()):
    """Run a script in an interpreter of its own; return the lines it printed."""
    script = "\n".join(parts)
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name",
    [
        "MLPClassifier",
        "MLPRegressor",
        "ConvClassifier",
        "NetworkClassifier",
        "NetworkRegressor",
    ],
)
def test_everything_works_where_numpy_is_all_there_is(name):
    assert run(BLOCKED, DATA, EVERYTHING, arguments=[name]) == ["done"]


def test_sparse_matrices_need_no_scipy():
    assert run(BLOCKED, DATA, SPARSE) == ["done"]


def test_the_estimators_are_loaded_when_they_are_asked_for():
    assert run(LOADED) == ["ardoise numpy False", "ardoise numpy True"]


def test_using_them_loads_nothing_though_scikit_learn_is_there():
    pytest.importorskip("sklearn")
    *_, last = run(LOADED, DATA, AND_AFTER_USE)
    assert last == "ardoise numpy threadpoolctl"


def test_pickles_go_from_where_scikit_learn_is_to_where_it_is_not(tmp_path):
    """Nothing in the pickle of an estimator, or of a warning, asks for scikit-learn."""
    pytest.importorskip("sklearn")
    path = str(tmp_path / "models.pickle")
    write = """
import sklearn.exceptions, sklearn.base
warnings.simplefilter("ignore", ConvergenceWarning)
models = []
for name, (kind, settings) in KINDS.items():
    t = y if name.endswith("Classifier") else NUMBERS
    model = sklearn.base.clone(kind(**settings, max_iter=2, random_state=0))
    models.append((model.fit(X, t, validation_data=(X, t)), model.predict(X)))
error = error_of(MLPClassifier().predict, X)
assert isinstance(error, sklearn.exceptions.NotFittedError)
with open(sys.argv[1], "wb") as file:
    pickle.dump((models, error), file)
"""
    read = """
with open(sys.argv[1], "rb") as file:
    models, error = pickle.load(file)
for model, answers in models:
    assert np.array_equal(model.predict(X), answers)
assert type(error) is NotFittedError
print(len(models))
"""
    run("import sys", DATA, write, arguments=[path])
    assert run(BLOCKED, DATA, read, arguments=[path]) == ["5"]
