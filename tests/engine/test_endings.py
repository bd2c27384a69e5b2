"""Trainings that do not end by themselves: Ctrl-C and divergence."""

import math
import pickle

import numpy as np
import pytest
from check_layer import same
from short_training import (
    NEW_X,
    NEW_Y,
    At,
    Watch,
    X,
    Y,
    averaged,
    blas_limits,
    line,
    network,
    trained,
)

from ardoise.engine.errors import DivergenceError
from ardoise.engine.evaluation import evaluate
from ardoise.engine.layers import BatchNorm
from ardoise.engine.losses import SoftmaxCrossEntropy, SquaredError
from ardoise.engine.training import EarlyStopping

# -- Ctrl-C ---------------------------------------------------------------------------


def press_ctrl_c(_training):
    raise KeyboardInterrupt


class Interrupted(SoftmaxCrossEntropy):
    """A loss during whose k-th call somebody presses Ctrl-C."""

    def __init__(self, k):
        super().__init__()
        self._left = k

    def __call__(self, z, t, **rest):
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt
        return super().__call__(z, t, **rest)


@pytest.mark.parametrize(
    ("make", "epochs", "steps"),
    [
        (lambda: {"callbacks": [At("on_batch_end", press_ctrl_c, 1)]}, 0, 1),
        (lambda: {"callbacks": [At("on_batch_end", press_ctrl_c, 6)]}, 1, 6),
        (lambda: {"callbacks": [At("on_epoch_end", press_ctrl_c, 2)]}, 2, 8),
        (lambda: {"loss": Interrupted(1)}, 0, 0),
        (lambda: {"loss": Interrupted(7)}, 1, 6),
        # The first evaluation, of 200 samples, comes after four steps.
        (lambda: {"loss": Interrupted(5), "validation_data": (NEW_X, NEW_Y)}, 0, 4),
    ],
    ids=[
        "first step",
        "sixth step",
        "epoch's end",
        "at once",
        "in a step",
        "evaluation",
    ],
)
@pytest.mark.parametrize("weight_average", [None, 0.9])
def test_ctrl_c_keeps_what_was_learned(make, epochs, steps, weight_average):
    settings = make()
    watch, limits = Watch(), blas_limits()
    callbacks = [watch, *settings.pop("callbacks", [])]
    net, history = trained(
        epochs=5, callbacks=callbacks, weight_average=weight_average, **settings
    )
    assert history.stopped == "interrupted"
    assert {len(column) for column in history.columns.values()} == {epochs}
    assert len(watch.steps) == steps
    assert watch.calls[-1] == "end"
    learned = watch.steps[-1] if steps else watch.start
    same(net.theta, averaged(watch, 0.9) if weight_average else learned)
    assert blas_limits() == limits
    net.predict(NEW_X)
    _, history = trained(net)  # and training goes on
    assert history.stopped == "finished"


def test_ctrl_c_goes_back_to_the_best_weights_so_far():
    watch, stop = Watch(), EarlyStopping(monitor="loss", min_delta=10)
    ctrl_c = At("on_batch_end", press_ctrl_c, 7)
    net, history = trained(epochs=5, callbacks=[watch, stop, ctrl_c])
    assert (history.stopped, history.best_epoch) == ("interrupted", 1)
    same(net.theta, watch.epochs[0])


def test_ctrl_c_before_the_first_epoch_is_no_training():
    net = network()
    before = net.theta.copy()
    with pytest.raises(KeyboardInterrupt):
        trained(net, callbacks=[At("on_train_begin", press_ctrl_c), EarlyStopping()])
    same(net.theta, before)


# -- divergence -----------------------------------------------------------------------


def test_a_loss_that_explodes_ends_with_the_last_finite_weights():
    net, watch = line(), Watch()
    data = (np.array([[1.0], [100]]), np.array([1.0, 2]))
    with pytest.raises(
        DivergenceError, match=r"learning rate 10 is too high; .* try 1$"
    ):
        trained(
            net,
            data=data,
            epochs=500,
            loss="squared_error",
            optimizer="sgd",
            learning_rate=10,
            callbacks=[watch],
        )
    assert np.isfinite(net.theta).all()
    same(net.theta, watch.epochs[-1])
    assert watch.calls[-1] != "end"


class BadGradient(SoftmaxCrossEntropy):
    """Its value is finite; its gradient, from the k-th call on, is not."""

    def __init__(self, k):
        super().__init__()
        self._left = k

    def __call__(self, z, t, **rest):
        value, dz = super().__call__(z, t, **rest)
        self._left -= 1
        if self._left <= 0:
            dz[...] = np.nan
        return value, dz


@pytest.mark.parametrize(
    ("k", "epoch", "step"),
    [(4, 1, 4), (6, 2, 7), (8, 2, 8)],
    ids=["at the end of an epoch", "in the next step", "at the end of the second"],
)
def test_weights_that_stop_being_finite_are_noticed(k, epoch, step):
    net, watch = network(BatchNorm()), Watch()
    with pytest.raises(DivergenceError) as caught:
        trained(net, loss=BadGradient(k), learning_rate=0.25, callbacks=[watch])
    found = (caught.value.epoch, caught.value.step, caught.value.learning_rate)
    assert found == (epoch, step, 0.25)
    same(net.theta, watch.epochs[-1] if epoch == 2 else watch.start)
    same(net.state, watch.states[epoch - 1])
    assert np.isfinite(evaluate(net, X, Y).loss)


def test_a_long_epoch_goes_back_at_most_a_hundred_steps():
    net, watch = line(), Watch()
    data = (np.ones((150, 1)), np.zeros((150, 1)))

    class Breaks(SquaredError):
        def __call__(self, z, t, **rest):
            value, dz = super().__call__(z, t, **rest)
            return math.inf if len(watch.steps) == 130 else value, dz

    with pytest.raises(DivergenceError, match=r"at step 131 \(epoch 1\)"):
        trained(net, data=data, batch_size=1, loss=Breaks(), callbacks=[watch])
    same(net.theta, watch.steps[99])


def test_a_gradient_too_long_to_measure_is_a_divergence():
    # Scaled to the longest allowed length it would be 0, and training stand still.
    net = network(dtype="float32")
    before = net.theta.copy()

    class Huge(SoftmaxCrossEntropy):
        def __call__(self, z, t, **rest):
            value, dz = super().__call__(z, t, **rest)
            dz[...] = 1e30
            return value, dz

    with pytest.raises(DivergenceError):
        trained(net, loss=Huge(), max_norm=1.0)
    same(net.theta, before)


def test_ctrl_c_during_divergence_says_so():
    net = network()

    def spoil(training):
        training.network.theta[...] = np.nan
        raise KeyboardInterrupt

    before = net.theta.copy()
    with pytest.raises(DivergenceError):
        trained(net, callbacks=[At("on_batch_end", spoil)])
    same(net.theta, before)


def test_a_divergence_error_can_be_pickled():
    error = DivergenceError(2, 30, 0.5)
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error)
    assert (twin.epoch, twin.step, twin.learning_rate) == (2, 30, 0.5)
