"""`fit` follows fifty steps of PyTorch, which need not be installed to check that."""

import json
from pathlib import Path

import numpy as np
import pytest

from ardoise.engine.layers import Dense, ReLU
from ardoise.engine.network import Network
from ardoise.engine.training import Callback, fit

# Largest |ours − PyTorch's| of a loss or a parameter, in float64.
TRAJECTORY = 1e-10

with np.load(Path(__file__).with_name("golden") / "mlp.npz") as file:
    GOLDEN = dict(file)
SETTINGS = json.loads(str(GOLDEN["settings"]))


class Keep(Callback):
    """Keeps the loss before each step and the parameters after it."""

    def __init__(self):
        self.losses, self.thetas = [], []

    def on_batch_end(self, training):
        # The running loss is the mean over an epoch's batches, here of equal size.
        before = training.epoch_samples // training.batch_size - 1
        done = sum(self.losses[-before:]) if before else 0.0
        self.losses.append(training.running_loss * (before + 1) - done)
        self.thetas.append(training.network.theta.copy())


@pytest.mark.parametrize("name", SETTINGS["runs"])
def test_fifty_steps(name):
    n_classes = int(GOLDEN["y"].max()) + 1
    network = Network(
        [Dense(SETTINGS["hidden"]), ReLU(), Dense(n_classes)],
        GOLDEN["x"].shape[1],
        dtype="float64",
    )
    network.theta[...] = GOLDEN["theta"]
    keep = Keep()
    steps = len(GOLDEN[f"{name}.losses"])
    fit(
        network,
        GOLDEN["x"],
        GOLDEN["y"],
        epochs=steps * SETTINGS["batch"] // len(GOLDEN["x"]),
        batch_size=SETTINGS["batch"],
        shuffle=False,
        callbacks=[keep],
        **SETTINGS["runs"][name],
    )
    assert len(keep.losses) == steps == 50
    np.testing.assert_allclose(
        keep.losses, GOLDEN[f"{name}.losses"], rtol=0, atol=TRAJECTORY
    )
    for step, theta in zip(GOLDEN["kept"], GOLDEN[f"{name}.thetas"], strict=True):
        np.testing.assert_allclose(
            keep.thetas[step - 1], theta, rtol=0, atol=TRAJECTORY
        )
    assert keep.losses[-1] < 0.7 * keep.losses[0]  # it went somewhere


def test_the_file_is_what_its_script_writes():
    pytest.importorskip("torch")
    import make_golden

    written = make_golden.golden()
    assert set(written) == set(GOLDEN)
    for name, array in written.items():
        if array.dtype.kind == "f":
            np.testing.assert_allclose(array, GOLDEN[name], rtol=0, atol=TRAJECTORY)
        else:
            np.testing.assert_array_equal(array, GOLDEN[name])
    assert make_golden.GOLDEN.stat().st_size < 50_000
