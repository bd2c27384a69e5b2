"""Ctrl-C at any moment, as a signal and not from a callback.

In a process of its own: a signal that comes late would end pytest.
"""

import subprocess
import sys

import pytest

SCRIPT = """
import copy
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np

from ardoise import ConvClassifier, MLPClassifier

rng = np.random.default_rng(0)
X, Y = rng.random((200, 32)).astype(np.float32), np.arange(200) % 3
HELD = {"validation_data": (X[:100], Y[:100])}
SETTINGS = {"batch_size": 20, "random_state": 0, "threads": 2, "max_iter": 4,
            "metrics": lambda truth, answers: float(np.mean(truth == answers))}
KINDS = {
    "mlp": MLPClassifier(16, dropout=0.2, batch_norm=True, **SETTINGS),
    "conv": ConvClassifier((2,), image_shape=(4, 8), **SETTINGS),
    "lbfgs": MLPClassifier(16, solver="lbfgs", **SETTINGS),
}
WAYS = {
    "fit": lambda m: m.fit(X, Y, **HELD),
    "warm": lambda m: m.set_params(warm_start=True).fit(X, Y, **HELD),
    "batches": lambda m: m.fit([(X, Y)] * 2, classes=[0, 1, 2], **HELD),
    "partial_fit": lambda m: m.partial_fit(X, Y),
    "refit": lambda m: m.refit(X[:5], Y[:5], replay=(X, Y), epochs=3),
    "resume": lambda m: m.set_params(max_iter=7).fit(X, Y, **HELD, resume=True),
}


def check(model):
    lengths = {len(column) for column in model.history_.values()}
    assert lengths <= {len(model.loss_curve_)}, lengths
    last = model.loss_curve_[-1] if model.loss_curve_ else np.inf
    assert model.loss_ == last or model.solver == "lbfgs"
    found = []
    asking = threading.Thread(target=lambda: found.append(model.predict_proba(X)))
    asking.start()
    asking.join(20)  # nobody holds the lock any more
    assert np.isfinite(found[0]).all()


def broken_off(model, way, delay):
    "Return whether it was interrupted, at the latest on its way out."
    signal.setitimer(signal.ITIMER_REAL, delay)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            way(model)
        return any("interrupted" in str(warning.message) for warning in caught)
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


warnings.simplefilter("ignore")
random.seed(int(sys.argv[2]))
kind, count = sys.argv[1], 0
fitted = KINDS[kind].fit(X, Y, **HELD)
ways = {k: w for k, w in WAYS.items() if kind != "lbfgs" or k in ("fit", "warm")}
before = threading.active_count()
for way in ways.values():
    model, started = copy.deepcopy(fitted), time.perf_counter()
    way(model)
    whole = time.perf_counter() - started
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for _ in range(25):
        model = copy.deepcopy(fitted)
        try:
            count += broken_off(model, way, 1e-4 + random.random() * whole)
        except KeyboardInterrupt:  # it came when all was over
            pass
        check(model)
        assert threading.active_count() <= before
        if kind != "lbfgs":
            check(model.set_params(metrics=None).partial_fit(X[:60], Y[:60]))
print(count > 10)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such timer")
@pytest.mark.parametrize("seed", ["0", "1"])
@pytest.mark.parametrize("kind", ["mlp", "conv", "lbfgs"])
def test_records_are_in_step_whenever_ctrl_c_comes(kind, seed):
    command = [sys.executable, "-c", SCRIPT, kind, seed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"]
