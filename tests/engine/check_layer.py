"""What every layer must do, whatever it computes.

A `Case` names a layer, its settings and the shape of a sample. Each function of
`CHECKS` takes a case and fails where the layer breaks one of the invariants written in
`ardoise.engine.layers.base`; ``test_layers.py`` runs all of them on all layers, and
``test_check_layer.py`` shows that each finds what it looks for.
"""

import contextlib
import copy
import json
import math
import pickle
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ardoise.engine.arrays import batch_count, batch_shape, from_layers, to_layers
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import LAYERS, Flatten, Layer, layer_from_config
from ardoise.engine.network import Network
from ardoise.engine.params import Layout

# A central difference in float64 with this step has an error near 1e-10.
EPSILON = 1e-5
PER_ELEMENT = 1e-7
SEED = 20


@dataclass(frozen=True)
class Case:
    """One layer to check.

    Attributes
    ----------
    name : str
        A name of the table `LAYERS`.
    settings : mapping
        The constructor's arguments.
    shape : tuple of int
        A small input shape, for differences with respect to every number.
    real : tuple of int
        An input shape as in real networks.
    table : mapping
        Where the name is looked up.
    """

    name: str
    settings: Mapping[str, Any]
    shape: tuple[int, ...]
    real: tuple[int, ...]
    table: Mapping[str, type[Layer]] = field(default_factory=lambda: LAYERS, repr=False)

    def layer(self) -> Layer:
        # A layer among the settings may be used once.
        settings = {
            name: [layer.clone() for layer in value]
            if name in ("layers", "shortcut")
            else value
            for name, value in self.settings.items()
        }
        return self.table[self.name](**settings)

    def __str__(self) -> str:
        settings = ", ".join(f"{k}={v}" for k, v in self.settings.items())
        return f"{self.name}({settings}) on {self.shape}"


class Bench:
    """A layer alone, bound to vectors of its own as a network would bind it.

    Parameters and statistics are random, so that nothing hides behind zeros and ones.
    """

    def __init__(self, case: Case, *, real: bool = False, dtype: str = "float64"):
        self.rng = np.random.default_rng(SEED)
        self.dtype = np.dtype(dtype)
        self.layer = layer = case.layer()
        layer.input_shape = case.real if real else case.shape
        spec = layer.infer(layer.input_shape)
        layer.output_shape = spec.output_shape
        layer.dtype = self.dtype
        params = Layout((p.name, p) for p in spec.params)
        state = Layout((p.name, p) for p in spec.state)
        self.theta = self.rng.standard_normal(params.size).astype(dtype)
        self.grad = np.zeros(params.size, dtype)
        self.state = self.rng.uniform(0.5, 1.5, state.size).astype(dtype)
        self.views = (
            params.views(self.theta),
            params.views(self.grad),
            state.views(self.state),
        )
        layer.bind(*self.views)

    def x(self, n: int) -> np.ndarray:
        """Return n random samples, none of their numbers near 0, the usual kink."""
        x = self.rng.standard_normal((n, *self.layer.input_shape))
        x = np.ascontiguousarray(x + 0.1 * np.sign(x), self.dtype)
        return to_layers(x)

    def dy(self, n: int) -> np.ndarray:
        """Return a random cotangent: ones would hide a transposition."""
        dy = self.rng.standard_normal((n, *self.layer.output_shape))
        return to_layers(np.ascontiguousarray(dy, self.dtype))

    def reserve(self, batch: int, *, in_place: bool = False) -> None:
        """Reserve, and let a layer that draws numbers draw the same again."""
        self.layer.reserve(
            batch, training=True, in_place=in_place, rng=np.random.default_rng(SEED)
        )

    def forward(self, x: np.ndarray, *, training: bool = True) -> np.ndarray:
        """Return y and check its form; statistics are left as they were."""
        state = self.state.copy()
        y = self.layer.forward(x, training=training)
        self.state[...] = state
        assert y.shape == batch_shape(self.layer.output_shape, batch_count(x))
        assert y.dtype == self.dtype
        assert y.flags.c_contiguous
        return y

    def backward(self, dy: np.ndarray, *, need_dx: bool = True) -> np.ndarray | None:
        """Return dx and check its form; the gradients start as NaN."""
        self.grad[...] = np.nan
        dx = self.layer.backward(dy.copy(), need_dx=need_dx)
        assert np.isfinite(self.grad).all(), "a gradient was added to, or forgotten"
        if not need_dx:
            assert dx is None
            return None
        assert dx is not None
        assert dx.shape == batch_shape(self.layer.input_shape, batch_count(dy))
        assert dx.dtype == self.dtype
        assert dx.flags.c_contiguous
        return dx

    def run(
        self, x: np.ndarray, dy: np.ndarray, *, in_place: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return copies of y, dx and the gradient vector of one fresh step."""
        self.reserve(batch_count(x), in_place=in_place)
        y = self.forward(x).copy()
        dx = self.backward(dy)
        return y, dx.copy(), self.grad.copy()

    def pairing(self, x: np.ndarray, dy: np.ndarray) -> float:
        """Return ⟨dy, y⟩, whose derivatives are dx and the gradient vector."""
        self.reserve(batch_count(x))
        return float(np.vdot(dy, self.forward(x)))


def rows(x: np.ndarray, place: slice) -> np.ndarray:
    """Return some samples of an array in layer order, as such an array."""
    return to_layers(from_layers(x)[place])


def together(parts: list[np.ndarray]) -> np.ndarray:
    """Return one array in layer order from several."""
    return to_layers(np.concatenate([from_layers(part) for part in parts]))


def same(a: np.ndarray, b: np.ndarray) -> None:
    """Fail unless both arrays hold the same bits."""
    np.testing.assert_array_equal(a, b, strict=True)


def close(a: np.ndarray, b: np.ndarray) -> None:
    """Fail unless both are equal up to the order of float64 additions."""
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, strict=True)


def peak_memory(step: Callable[[], object]) -> int:
    """Return how many bytes a call needs at most, besides what is allocated before."""
    # NumPy's casts work through buffers of a fixed size: make them small.
    buffer_size = np.setbufsize(16)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        np.setbufsize(buffer_size)
    return peak - before


def draws(layer: Layer) -> bool:
    """Return whether a layer on which `reserve` was called draws random numbers."""
    inner = (*getattr(layer, "layers", ()), *getattr(layer, "shortcut", ()))
    return any(map(draws, inner)) or any(
        isinstance(v, np.random.Generator) for v in vars(layer).values()
    )


# -- what a layer says of itself ------------------------------------------------------


def check_constructor_stores_plain_values(case: Case) -> None:
    layer = case.layer()
    arrays = [k for k, v in vars(layer).items() if isinstance(v, np.ndarray)]
    assert not arrays
    rngs = [k for k, v in vars(layer).items() if isinstance(v, np.random.Generator)]
    assert not rngs
    for name, value in vars(layer).items():
        assert not isinstance(value, np.generic), f"{name} is a NumPy scalar"


def check_infer_is_pure(case: Case) -> None:
    layer = case.layer()
    before = dict(vars(layer))
    first, second = layer.infer(case.shape), layer.infer(case.shape)
    assert first == second
    assert vars(layer) == before
    other = layer.infer(case.real)
    assert all(math.prod(p.shape) > 0 for p in other.params + other.state)


def check_config_round_trip(case: Case) -> None:
    layer = case.layer()
    config = json.loads(json.dumps(layer.config()))
    twin = _from_config(case, config)
    assert twin.config() == layer.config()
    assert repr(twin) == repr(layer)
    assert layer.infer(case.shape) == twin.infer(case.shape)


# -- what it computes -----------------------------------------------------------------


def check_every_derivative(case: Case) -> None:
    """Central differences of ⟨dy, y⟩ by every number of x and of the parameters."""
    for n in (1, 4):
        bench = Bench(case)
        x, dy = bench.x(n), bench.dy(n)
        _, dx, grad = bench.run(x, dy)
        for moved, computed in ((x, dx), (bench.theta, grad)):
            numbers, slopes = moved.reshape(-1), np.empty(moved.size)
            for i in range(moved.size):
                kept = numbers[i]
                numbers[i] = kept + EPSILON
                above = bench.pairing(x, dy)
                numbers[i] = kept - EPSILON
                below = bench.pairing(x, dy)
                numbers[i] = kept
                slopes[i] = (above - below) / (2 * EPSILON)
            error = np.abs(slopes - computed.reshape(-1))
            assert error.max(initial=0) <= PER_ELEMENT


def check_a_random_direction(case: Case) -> None:
    """⟨dy, J u⟩ for a random u: one number judges all derivatives at a real size."""
    bench = Bench(case, real=True)
    x, dy = bench.x(64), bench.dy(64)
    _, dx, grad = bench.run(x, dy)
    # A direction of length one: its derivative is about as large as one of dx.
    u = bench.rng.standard_normal(x.size + grad.size)
    u /= np.linalg.norm(u)
    ux, ut = u[: x.size].reshape(x.shape), u[x.size :]
    theta = bench.theta.copy()
    ends = []
    for sign in (1, -1):
        bench.theta[...] = theta + sign * EPSILON * ut
        ends.append(bench.pairing(x + sign * EPSILON * ux, dy))
    measured = (ends[0] - ends[1]) / (2 * EPSILON)
    computed = float(np.vdot(dx, ux) + np.vdot(grad, ut))
    assert abs(measured - computed) <= PER_ELEMENT * max(1.0, abs(measured))


def check_shards_add(case: Case) -> None:
    """Layers never divide by the batch: gradients of parts of a batch just add."""
    bench = Bench(case)
    if bench.layer.mixes_samples:
        return
    x, dy = bench.x(7), bench.dy(7)
    bench.reserve(7)
    # Two forwards of one reservation: dropout draws for the second where it stopped.
    parts = []
    for place in (slice(0, 3), slice(3, 7)):
        bench.forward(rows(x, place))
        parts.append((bench.backward(rows(dy, place)).copy(), bench.grad.copy()))
    _, dx, grad = bench.run(x, dy)
    close(together([parts[0][0], parts[1][0]]), dx)
    close(parts[0][1] + parts[1][1], grad)


def check_short_batches(case: Case) -> None:
    """n rows in a work space for more: as the first n rows of a full batch."""
    bench = Bench(case)
    x, dy = bench.x(6), bench.dy(6)
    full = bench.run(x, dy)
    for n in (1, 4):
        first = slice(0, n)
        alone = bench.run(rows(x, first), rows(dy, first))
        if not bench.layer.mixes_samples:
            close(alone[0], rows(full[0], first))
            close(alone[1], rows(full[1], first))
        # What other samples left in the buffers must not matter.
        bench.reserve(6)
        bench.forward(bench.x(6))
        bench.backward(dy)
        if draws(bench.layer):
            continue
        y = bench.forward(rows(x, first)).copy()
        dx = bench.backward(rows(dy, first))
        for found, expected in zip((y, dx, bench.grad), alone, strict=True):
            close(found, expected)


def check_need_dx_changes_no_gradient(case: Case) -> None:
    bench = Bench(case)
    x, dy = bench.x(4), bench.dy(4)
    _, _, grad = bench.run(x, dy)
    bench.reserve(4)
    bench.forward(x)
    bench.backward(dy, need_dx=False)
    same(bench.grad, grad)
    bench.forward(x)
    assert bench.layer.backward(dy.copy()) is not None  # dx, unless told otherwise


def check_in_place_is_the_same(case: Case) -> None:
    if not case.layer().may_write_input:
        return
    bench = Bench(case)
    x, dy = bench.x(4), bench.dy(4)
    expected = bench.run(x, dy)
    found = bench.run(x.copy(), dy, in_place=True)
    for a, b in zip(found, expected, strict=True):
        same(a, b)
    written = x.copy()
    bench.reserve(4, in_place=True)
    # y is written over x, or dx later on.
    if not np.shares_memory(bench.forward(written), written):
        assert np.shares_memory(bench.backward(dy), written)
    inference = bench.forward(x.copy(), training=False).copy()
    bench.reserve(4)
    same(bench.forward(x, training=False), inference)


def check_prepared_calls_compute_the_same(case: Case) -> None:
    """What `prepare` gives, called whenever x has changed, is forward's y."""
    bench = Bench(case)
    layer, x, dy = bench.layer, bench.x(3), bench.dy(3)
    samples, slopes = [bench.x(3) for _ in range(3)], [bench.dy(3) for _ in range(3)]
    bench.reserve(5)
    prepared = layer.prepare(x, training=False)
    if prepared is None:
        return
    calls, y = prepared
    for sample in samples:
        expected = bench.forward(sample.copy(), training=False).copy()
        x[...] = sample
        if not np.shares_memory(x, y):
            y[...] = np.nan
        for call in calls:
            call()
        close(y, expected)
        same(x, sample)
    prepared = layer.prepare(x, training=True)
    if prepared is None:
        return
    expected = []
    bench.reserve(5)
    for sample, slope in zip(samples, slopes, strict=True):
        z = bench.forward(sample).copy()
        expected.append((z, bench.backward(slope).copy(), bench.grad.copy()))
    bench.reserve(5)
    calls, y = layer.prepare(x, training=True)
    calls_back, dx = layer.prepare_backward(dy, need_dx=True)
    for i, right in enumerate(expected):
        x[...], dy[...], bench.grad[...] = samples[i], slopes[i], np.nan
        for call in calls:
            call()
        close(y, right[0])
        for call in calls_back:
            call()
        close(dx, right[1])
        close(bench.grad, right[2])
    assert layer.prepare_backward(dy, need_dx=False)[1] is None


def check_float32_stays_float32(case: Case) -> None:
    """The forms are checked by Bench; here the values and all that the layer keeps."""
    double, single = Bench(case), Bench(case, dtype="float32")
    x, dy = double.x(5), double.dy(5)
    expected = double.run(x, dy)
    found = single.run(x.astype("float32"), dy.astype("float32"))
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    single.forward(x.astype("float32"), training=False)
    for name, value in vars(single.layer).items():
        for kept in value if isinstance(value, tuple) else (value,):
            wide = (
                isinstance(kept, np.ndarray | np.generic) and kept.dtype == np.float64
            )
            assert not wide, f"{name} is float64"


# -- memory ---------------------------------------------------------------------------


def check_x_is_only_read(case: Case) -> None:
    """Alone, first in a network, and behind a Flatten that shows it the same memory."""
    bench = Bench(case)
    x, dy = _read_only(bench.x(4)), bench.dy(4)
    before = x.copy()
    bench.reserve(4)
    for training in (True, False, True):
        bench.forward(x, training=training)
    bench.backward(dy)
    same(x, before)
    samples = _read_only(from_layers(x).copy())
    for layers in _networks_beginning_with(case):
        network = Network(layers, case.shape, dtype="float64", seed=0)
        for training in (False, True):
            z = network.forward(samples, training=training)
        network.backward(bench.rng.standard_normal(z.shape), need_dx=True)
        same(to_layers(samples), before)


def check_output_holds(case: Case) -> None:
    """y stands until the next forward, whatever backward does."""
    bench = Bench(case)
    x, dy = bench.x(4), bench.dy(4)
    bench.reserve(4)
    y = bench.forward(x)
    before = y.copy()
    bench.backward(dy)
    same(y, before)


def check_needs_are_true(case: Case) -> None:
    """What the layer does not need may be overwritten between forward and backward."""
    bench = Bench(case)
    x, dy = bench.x(4), bench.dy(4)
    _, dx, grad = bench.run(x, dy)
    layer = bench.layer
    for needs in (layer.needs_input, True), (True, layer.needs_output):
        own = x.copy()
        bench.reserve(4)
        y = bench.forward(own)
        for needed, array in zip(needs, (own, y), strict=True):
            if not needed:
                array[...] = np.nan
        same(bench.backward(dy), dx)
        same(bench.grad, grad)


def check_views_are_never_rebound(case: Case) -> None:
    bench = Bench(case)
    params, grads, state = bench.views
    bench.run(bench.x(3), bench.dy(3))
    bench.forward(bench.x(2), training=False)
    for views, prefix in ((params, ""), (grads, "d"), (state, "")):
        for name, view in views.items():
            *path, last = name.split(".")
            owner = bench.layer
            for step in path:  # "layers.0.W" of a Residual
                owner = owner[int(step)] if step.isdigit() else getattr(owner, step)
            assert getattr(owner, prefix + last) is view


def check_steady_state_allocates_nothing(case: Case) -> None:
    """After the first steps none allocates an array of the size of a batch."""
    bench = Bench(case, real=True)
    n = 256
    x, dy = bench.x(n), bench.dy(n)
    bench.reserve(n)

    def train() -> None:
        bench.layer.forward(x, training=True)
        bench.layer.backward(dy)

    def infer() -> None:
        bench.layer.forward(x, training=False)

    for step in (train, infer, train):
        step()
        # A few numbers a sample are allowed, and a few Python objects.
        assert peak_memory(step) < 4 * n * x.itemsize


# -- copies ---------------------------------------------------------------------------


def check_copies_compute_the_same(case: Case) -> None:
    """Pickle, deepcopy and config give networks that compute the same bits."""
    network = Network([case.layer()], case.shape, dtype="float64", seed=1)
    bench = Bench(case)
    x, dy = from_layers(bench.x(3)), from_layers(bench.dy(3))
    built = Network([_rebuilt(case)], case.shape, dtype="float64", seed=1)
    twins = [pickle.loads(pickle.dumps(network)), copy.deepcopy(network), built]
    results = []
    for each in (network, *twins):
        each.reserve(3, training=True, rng=np.random.default_rng(SEED))
        z = each.forward(x, training=True).copy()
        dx = each.backward(dy.copy(), need_dx=True)
        results.append((z, dx.copy(), each.grad.copy(), each.state.copy()))
    for found in results[1:]:
        for a, b in zip(found, results[0], strict=True):
            same(a, b)


def _rebuilt(case: Case) -> Layer:
    return _from_config(case, json.loads(json.dumps(case.layer().config())))


def _from_config(case: Case, config: Mapping[str, Any]) -> Layer:
    if case.table is LAYERS:
        return layer_from_config({"type": case.name, **config})
    return case.table[case.name](**config)


def _networks_beginning_with(case: Case) -> Iterator[list[Layer]]:
    yield [case.layer()]
    with contextlib.suppress(ShapeError):  # a layer that does not read vectors
        case.layer().infer((math.prod(case.shape),))
        yield [Flatten(), case.layer()]


def _read_only(x: np.ndarray) -> np.ndarray:
    x.flags.writeable = False
    return x


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_constructor_stores_plain_values,
    check_infer_is_pure,
    check_config_round_trip,
    check_every_derivative,
    check_a_random_direction,
    check_shards_add,
    check_short_batches,
    check_need_dx_changes_no_gradient,
    check_in_place_is_the_same,
    check_prepared_calls_compute_the_same,
    check_float32_stays_float32,
    check_x_is_only_read,
    check_output_holds,
    check_needs_are_true,
    check_views_are_never_rebound,
    check_steady_state_allocates_nothing,
    check_copies_compute_the_same,
)
