"""Data larger than memory: a file that is mapped, and one that comes in batches."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from ardoise import (
    ConvClassifier,
    Dense,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
    ReLU,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

MB = 2**20
ROWS, FEATURES = 24_576, 1024  # 96 MB of float32, 24 MB of bytes
BATCH = 512


def write(path, dtype):
    """Write rows of two classes, of which the odd ones are brighter on the left."""
    rng = np.random.default_rng(0)
    x = rng.random((BATCH, FEATURES), np.float32) * 0.7
    x[1::2, : FEATURES // 2] += 0.3
    block = np.rint(x * 255).astype(dtype) if dtype == np.uint8 else x
    with open(path, "wb") as file:
        for _ in range(ROWS // BATCH):
            block.tofile(file)
    return path


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("floats") / "x.bin", np.float32)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def bytes_file(tmp_path_factory):
    path = write(tmp_path_factory.mktemp("bytes") / "x.bin", np.uint8)
    yield path
    path.unlink()


def mapped(path, dtype=np.float32, shape=(ROWS, FEATURES)):
    return np.memmap(path, dtype, "r", shape=shape)


Y = np.arange(ROWS) % 2


class measured:
    """Within, the most memory that NumPy and Python take at once: ``peak``, in MB."""

    def __enter__(self):
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *_):
        self.peak = (tracemalloc.get_traced_memory()[1] - self._before) / MB
        tracemalloc.stop()


ONE_EPOCH = {"max_iter": 1, "random_state": 0, "threads": 2}
MAPPED = {
    "MLPClassifier": (MLPClassifier(8, **ONE_EPOCH), Y),
    "MLPRegressor": (MLPRegressor(hidden_layer_sizes=8, **ONE_EPOCH), Y / 1.0),
    "NetworkClassifier": (NetworkClassifier([Dense(8), ReLU()], **ONE_EPOCH), Y),
    "NetworkRegressor": (NetworkRegressor([Dense(8), ReLU()], **ONE_EPOCH), Y / 1.0),
    "ConvClassifier": (
        ConvClassifier((2,), pool_size=4, hidden_layer_sizes=8, **ONE_EPOCH),
        Y,
    ),
    "weights": (MLPClassifier(8, class_weight="balanced", **ONE_EPOCH), Y),
    "lbfgs": (MLPClassifier(4, solver="lbfgs", **{**ONE_EPOCH, "max_iter": 6}), Y),
}


@pytest.mark.parametrize("name", MAPPED)
def test_a_mapped_file_is_not_copied_whole(floats, name):
    model, y = MAPPED[name]
    x = mapped(floats)
    with measured() as fit:
        model.fit(x, y)
    with measured() as prediction:
        score = model.score(x, y)
    assert score > 0.9 if "Regressor" not in name else score > 0
    assert fit.peak < 16 and prediction.peak < 16


def test_a_mapped_file_is_not_copied_by_early_stopping(floats):
    model = MLPClassifier(8, early_stopping=True, validation_fraction=0.05, **ONE_EPOCH)
    with measured() as fit:
        model.fit(mapped(floats), Y)
    assert fit.peak < 12 + 0.05 * 96
    model = MLPClassifier(8, early_stopping=True, **ONE_EPOCH)
    with measured() as fit:
        model.fit(mapped(floats), Y, validation_data=(mapped(floats), Y))
    assert fit.peak < 12


@pytest.mark.parametrize("shape", [(32, 32), (FEATURES,)])
def test_mapped_bytes_stay_bytes(bytes_file, shape):
    x = mapped(bytes_file, np.uint8, (ROWS, *shape))
    model = ConvClassifier((2,), pool_size=4, hidden_layer_sizes=8, **ONE_EPOCH)
    with measured() as fit:
        model.fit(x, Y)
    assert fit.peak < 12  # of 24; as floating-point numbers they are 96
    assert model.score(x, Y) > 0.9


def test_a_fitted_estimator_does_not_keep_the_data(floats):
    """What is left is the network, and the records."""
    x = mapped(floats)
    model = MLPClassifier(8, **ONE_EPOCH)
    tracemalloc.start()
    model.fit(x, Y, sample_weight=np.ones(ROWS))
    left = tracemalloc.get_traced_memory()[0] / MB
    tracemalloc.stop()
    assert left < 2


SPARSE_SHAPE = (2_000, 10_000)  # 76 MB of float32, of which 0.2 % are stored


@pytest.mark.parametrize(
    "model",
    [
        MLPClassifier(4, **ONE_EPOCH),
        MLPRegressor(hidden_layer_sizes=4, **ONE_EPOCH),
        NetworkClassifier([Dense(4), ReLU()], **ONE_EPOCH),
        NetworkRegressor([Dense(4), ReLU()], **ONE_EPOCH),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_sparse_matrix_is_not_made_dense_whole(model):
    scipy_sparse = pytest.importorskip("scipy.sparse")
    x = scipy_sparse.random_array(
        SPARSE_SHAPE, density=0.002, format="csr", dtype=np.float32, rng=0
    )
    with measured() as fit:
        model.fit(x, np.arange(len(x.indptr) - 1) % 2)
    with measured() as prediction:
        model.predict(x)
    assert max(fit.peak, prediction.peak) < 40


# -- a process that may not have so much memory ---------------------------------------

# What `ulimit -v` does, in a process that has been warmed up: beyond what it has, it
# may have a quarter of the file.
LIMITED = """
import os
import resource
import sys

import numpy as np

from ardoise import ConvClassifier, MLPClassifier

path, kind = sys.argv[1:]
BATCH, FEATURES, ALLOWED = 512, 1024, 24 << 20
assert os.path.getsize(path) == 4 * ALLOWED


class Batches:
    # The file, read batch by batch, as often as it is asked for.
    def __iter__(self):
        with open(path, "rb") as file:
            while len(x := np.fromfile(file, np.float32, BATCH * FEATURES)):
                yield x.reshape(-1, FEATURES), np.arange(len(x) // FEATURES) % 2


def model():
    if kind == "conv":
        return ConvClassifier((2,), pool_size=4, hidden_layer_sizes=8, max_iter=1,
                              random_state=0, threads=2)
    return MLPClassifier(8, max_iter=2, random_state=0, threads=2)


batch = next(iter(Batches()))
model().fit([batch], classes=[0, 1])  # modules, and the work space of BLAS
with open("/proc/self/statm") as file:
    size = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + ALLOWED, size + ALLOWED))
fitted = model().fit(Batches(), classes=[0, 1])
print(fitted.n_iter_, fitted.t_, fitted.score(*batch) > 0.95)
try:
    x = np.fromfile(path, np.float32).reshape(-1, FEATURES)
    model().fit(x, np.arange(len(x)) % 2)
except MemoryError:
    print("MemoryError")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, sets RLIMIT_AS")
@pytest.mark.parametrize(("kind", "passes"), [("mlp", 2), ("conv", 1)])
def test_a_file_four_times_as_large_as_the_memory_allowed(floats, kind, passes):
    command = [sys.executable, "-W", "error", "-c", LIMITED, str(floats), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seen = f"{passes} {passes * ROWS} True"
    assert done.stdout.splitlines() == [seen, "MemoryError"], done.stdout
