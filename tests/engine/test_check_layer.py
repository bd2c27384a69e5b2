"""The checks of `check_layer` find what they look for: each meets a broken layer."""

import check_layer as checks
import numpy as np
import pytest

from ardoise.engine.layers import ELU, BatchNorm, Dense, Dropout, Sigmoid, Tanh


class KeepsAnArray(Tanh):
    def __init__(self):
        self.table = np.zeros(3)


class KeepsANumPyScalar(Dropout):
    def __init__(self, rate):
        self.rate = np.float64(rate)


class RemembersTheShape(Tanh):
    def infer(self, input_shape):
        self.seen = input_shape
        return super().infer(input_shape)


class ForgetsASetting(Dense):
    def config(self):
        return {"units": self.units}


class WrongSlope(Tanh):
    def multiply_by_slope(self, dy, kept, *scratch):
        super().multiply_by_slope(dy, kept, *scratch)
        dy *= 1.001


class TransposedGradient(Dense):
    def backward(self, dy, *, need_dx=True):
        dx = super().backward(dy, need_dx=need_dx)
        self.dW[...] = self.dW.T.copy()
        return dx


class AddsToItsGradient(Dense):
    def backward(self, dy, *, need_dx=True):
        before = self.db.copy()
        dx = super().backward(dy, need_dx=need_dx)
        self.db += before
        return dx


class ForgetsTheBias(Dense):
    def backward(self, dy, *, need_dx=True):
        before = self.db.copy()
        dx = super().backward(dy, need_dx=need_dx)
        self.db[...] = before
        return dx


class DividesByTheBatch(Dense):
    def backward(self, dy, *, need_dx=True):
        dx = super().backward(dy, need_dx=need_dx)
        self.dW /= len(dy)
        return dx


class ReadsTheWholeBuffer(Tanh):
    def compute(self, x, y, *scratch):
        y[...] = np.tanh(x) + 0.001 * self._batch


class NeedsDxForItsGradient(Dense):
    def backward(self, dy, *, need_dx=True):
        if need_dx:
            return super().backward(dy)
        self.dW[...] = self.db[...] = 0
        return None


class PreparesOnce(Tanh):
    def prepare(self, x, *, training):
        return [], np.tanh(x)


class ReadsXAfterWritingY(ELU):
    def compute(self, x, y, *scratch):
        np.expm1(x, out=y)
        np.copyto(y, x, where=x > 0)


class ComputesInFloat64(Sigmoid):
    def forward(self, x, *, training):
        return super().forward(x, training=training) * np.float64(1)


class KeepsFloat64(Tanh):
    def reserve(self, batch, **rest):
        super().reserve(batch, **rest)
        self.table = np.zeros(3)


class WritesItsInput(Tanh):
    def compute(self, x, y, *scratch):
        np.tanh(x, out=x)
        np.copyto(y, x)


class WritesItsInputOutsideTraining(BatchNorm):
    def forward(self, x, *, training):
        if not training:
            x *= 1.5
        return super().forward(x, training=training)


class SpoilsItsOutput(Tanh):
    def multiply_by_slope(self, dy, kept, *scratch):
        np.multiply(kept, kept, out=kept)
        np.subtract(1, kept, out=kept)
        np.multiply(dy, kept, out=dy)


class NeedsMoreThanItSays(Tanh):
    needs_output = True

    def forward(self, x, *, training):
        self.x = x
        return super().forward(x, training=training)

    def multiply_by_slope(self, dy, kept, *scratch):
        dy *= 1 - np.tanh(self.x) ** 2


class RebindsItsGradient(Dense):
    def backward(self, dy, *, need_dx=True):
        dx = super().backward(dy, need_dx=need_dx)
        self.dW = self._x.T @ dy
        return dx


class Allocates(Tanh):
    def compute(self, x, y, *scratch):
        y[...] = np.tanh(x)


class ReturnsAnotherLayout(Dense):
    def forward(self, x, *, training):
        return np.asfortranarray(super().forward(x, training=training))


class DrawsInItsConstructor(Dense):
    def __init__(self, units):
        super().__init__(units)
        self.shift = float(np.random.default_rng().random())

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        y += self.shift
        return y


BROKEN = [
    (KeepsAnArray, {}, checks.check_constructor_stores_plain_values),
    (KeepsANumPyScalar, {"rate": 0.5}, checks.check_constructor_stores_plain_values),
    (RemembersTheShape, {}, checks.check_infer_is_pure),
    (ForgetsASetting, {"units": 2, "use_bias": False}, checks.check_config_round_trip),
    (WrongSlope, {}, checks.check_every_derivative),
    (WrongSlope, {}, checks.check_a_random_direction),
    (TransposedGradient, {"units": 3}, checks.check_every_derivative),
    (AddsToItsGradient, {"units": 2}, checks.check_every_derivative),
    (ForgetsTheBias, {"units": 2}, checks.check_every_derivative),
    (ReturnsAnotherLayout, {"units": 2}, checks.check_every_derivative),
    (DividesByTheBatch, {"units": 2}, checks.check_shards_add),
    (ReadsTheWholeBuffer, {}, checks.check_short_batches),
    (NeedsDxForItsGradient, {"units": 2}, checks.check_need_dx_changes_no_gradient),
    (PreparesOnce, {}, checks.check_prepared_calls_compute_the_same),
    (ReadsXAfterWritingY, {}, checks.check_in_place_is_the_same),
    (ComputesInFloat64, {}, checks.check_float32_stays_float32),
    (KeepsFloat64, {}, checks.check_float32_stays_float32),
    (WritesItsInput, {}, checks.check_x_is_only_read),
    (WritesItsInputOutsideTraining, {}, checks.check_x_is_only_read),
    (SpoilsItsOutput, {}, checks.check_output_holds),
    (NeedsMoreThanItSays, {}, checks.check_needs_are_true),
    (RebindsItsGradient, {"units": 2}, checks.check_views_are_never_rebound),
    (Allocates, {}, checks.check_steady_state_allocates_nothing),
    (DrawsInItsConstructor, {"units": 2}, checks.check_copies_compute_the_same),
]


@pytest.mark.parametrize(
    ("broken", "settings", "check"),
    BROKEN,
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_layer_is_found(broken, settings, check):
    table = {"Broken": broken}
    case = checks.Case("Broken", settings, (3,), (200,), table)
    # A write into read-only memory is NumPy's ValueError, the rest our assertions.
    with pytest.raises((AssertionError, ValueError)):
        check(case)


def test_every_check_has_met_a_broken_layer():
    assert {check for _, _, check in BROKEN} == set(checks.CHECKS)
