"""A network: layers in a row, and the one vector that holds all they learn.

Building it goes in one direction: shapes are inferred layer by layer, the layout of
the vectors is frozen, and every layer receives its views. From then on the layers
never change; training writes into `Network.theta`.
"""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import (
    Array,
    Memory,
    Shape,
    as_float_dtype,
    as_samples,
    batch_count,
    batch_shape,
    check_samples,
    fill_batch,
    from_layers,
    to_layers,
)
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import Chain, Flatten, Layer, Step, layer_from_config
from ardoise.engine.losses import softmax
from ardoise.engine.mapped import Pages
from ardoise.engine.params import Layout
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import Team

# 784-16-10 on 42,000 digits, two cores: 29 ms an epoch in micro-batches of 512, 17 in
# 1024, 40 in 4096, 38 whole. 32c3-p2-64c3-p2-128-10, one core: 4,260 images/s in
# micro-batches of 8, 4,370 in 16, 4,110 in 32.
MICRO_BATCH_BYTES = 3_300_000
MOST_MICRO_BATCH = 1024
MORE = 4  # numbers of a training that several ranks sum with the gradient


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : sequence of Layer
        Each belongs to this network alone from now on.
    input_shape : tuple of int
        Shape of one sample, without the batch axis: ``(784,)``, ``(28, 28, 1)``.
    dtype : {"float32", "float64"}
        Of the parameters and of every computation.
    seed : int, numpy.random.Generator or None
        Draws the first weights, and feeds the layers that draw numbers (dropout).

    Attributes
    ----------
    theta, grad : arrays of shape (n_params,)
        All parameters, and ∂loss/∂theta after `backward`; never rebound.
    state : array of shape (n_state,)
        Running statistics of layers such as BatchNorm.
    layout, state_layout : Layout
        Where each array lies in them.
    lock : threading.RLock
        Held by whoever uses the network while others may: its work space serves one
        call at a time.

    Raises
    ------
    ShapeError
        If a layer cannot take what the one before it gives; the sentence names both.

    Examples
    --------
    >>> from ardoise import Dense, Network, ReLU
    >>> network = Network([Dense(16), ReLU(), Dense(10)], input_shape=(784,), seed=0)
    >>> network.n_params
    12730
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        input_shape: int | Sequence[int],
        *,
        dtype: Any = "float32",
        seed: int | np.random.Generator | None = None,
    ) -> None:
        self._plan(layers, input_shape, dtype)
        self._bind(
            np.zeros(self.layout.size, self.dtype),
            np.zeros(self.state_layout.size, self.dtype),
        )
        self._rng = np.random.default_rng(seed)
        for layout, vector in (
            (self.layout, self._theta),
            (self.state_layout, self._state),
        ):
            views = layout.views(vector)
            # In layer order, whatever the order in the vector.
            for entry in sorted(layout.entries, key=lambda e: _layer_number(e.key)):
                entry.spec.initializer(views[entry.key], self._rng)

    def _plan(
        self, layers: Sequence[Layer], input_shape: int | Sequence[int], dtype: Any
    ) -> None:
        """Infer every shape and freeze the layouts; allocate nothing."""
        self.dtype = as_float_dtype(dtype)
        self.input_shape = _check_shape(input_shape)
        self._chain = Chain(layers, self.input_shape)
        self.layers = self._chain.layers
        if not self.layers:
            raise ValueError("a network needs at least one layer; got none")
        self.output_shape = self._chain.output_shape
        self.layout = Layout(self._chain.params)
        self.state_layout = Layout(self._chain.state)

    def _bind(self, theta: Array, state: Array, grad: Array | None = None) -> None:
        """Take these vectors for ever and give every layer its views."""
        self._summed = np.zeros(0, self.dtype)
        if grad is None:
            self._summed = np.zeros(theta.size + state.size + MORE, self.dtype)
            grad = self._summed[: theta.size]
        self._theta, self._grad, self._state = theta, grad, state
        views = self.layout.views(theta), self.layout.views(grad)
        self._chain.bind(*views, self.state_layout.views(state), self.dtype)
        if isinstance(self.layers[0], Flatten):  # it is given rows: see `entry_shape`
            self.layers[0].is_view = True
        self._reserved = (0, False)
        self._team: Team | None = None
        # The last inputs, outside training and in it, and what was prepared for them:
        # the last one is first. (Batches come in two buffers by turns.)
        self._seen = [[_Seen(None)] * 2, [_Seen(None)] * 2]
        self._prepared_last: Array | None = None
        self._entry: Memory | None = None  # where `predict_batches` puts samples
        self._streams: list[np.random.Generator] | None = None
        self._to_undo = 0  # rows of the last forward, if backward may follow it
        self.lock = threading.RLock()

    @property
    def theta(self) -> Array:
        """All parameters in one vector; write into it with ``theta[...] =``."""
        return self._theta

    @property
    def grad(self) -> Array:
        """∂loss/∂theta, as the last `backward` left it."""
        return self._grad

    @property
    def state(self) -> Array:
        """Running statistics of all layers in one vector."""
        return self._state

    @property
    def summed(self) -> Array:
        """What several ranks sum: `grad`, room for `state`, and `MORE` numbers.

        A `replica` has none.
        """
        return self._summed

    def entry_shape(self, n: int) -> Shape:
        """Return the shape in which `propagate` takes n samples: layer order.

        A network that begins with `Flatten` takes them in rows, as they come.
        """
        if isinstance(self.layers[0], Flatten):
            return (n, math.prod(self.input_shape))
        return batch_shape(self.input_shape, n)

    def micro_batch(self) -> int:
        """Return how many samples at a time the processor's cache can hold."""
        specs = self._chain.specs
        widest = max(max(s.work, math.prod(s.output_shape)) for s in specs)
        widest = max(widest, math.prod(self.input_shape))
        most = MICRO_BATCH_BYTES // (widest * self.dtype.itemsize)
        return min(MOST_MICRO_BATCH, 1 << max(0, most.bit_length() - 1))

    @property
    def steps(self) -> tuple[Layer, ...]:
        """The layers in the order in which they run, each with what it was split off.

        Maxima come before the ReLU that precedes them, biases after the maximum.
        """
        return self._chain.steps

    def generators(self) -> list[np.random.Generator]:
        """Return what the layers draw from in training, once work space is reserved."""
        own = (layer.generator() for layer in self.all_layers())
        return [generator for generator in own if generator is not None]

    def all_layers(self) -> Iterator[Layer]:
        """Yield every layer, those inside of others too."""
        left = list(self.layers)
        while left:
            layer = left.pop(0)
            yield layer
            left = [*layer.inner_layers(), *left]

    @property
    def multiply_adds(self) -> int:
        """Multiplications of the matrix products of one sample, forward."""
        return sum(spec.multiply_adds for spec in self._chain.specs)

    @property
    def training_operations(self) -> int:
        """Floating-point operations of these products in a step, for one sample.

        Back, each has two products more, but the first: nobody asks for the gradient
        of the samples.
        """
        costs = [spec.multiply_adds for spec in self._chain.specs]
        return 2 * (3 * sum(costs) - next(filter(None, costs), 0))

    @property
    def n_params(self) -> int:
        """How many numbers are learned."""
        return self.layout.size

    def parameters(self) -> dict[str, Array]:
        """Return name → view, such as ``"0.W"`` → the first layer's weights."""
        return self.layout.views(self._theta)

    def gradients(self) -> dict[str, Array]:
        """Return name → view of the gradients, under the names of `parameters`."""
        return self.layout.views(self._grad)

    def arrays(self) -> dict[str, Array]:
        """Return name → view of all parameters, then of all running statistics."""
        return {**self.parameters(), **self.state_layout.views(self._state)}

    # -- computing -------------------------------------------------------------

    def reserve(
        self,
        batch: int,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
        team: Team | None = None,
    ) -> None:
        """Allocate the layers' work space for up to ``batch`` samples.

        Called by itself where needed. Call it to choose the batch, or the generator
        that dropout draws from (each layer gets a child of it, and keeps it until
        another generator is given), or a team among whose threads long matrix products
        are shared out.
        """
        if batch < 1:
            raise ValueError(f"batch must be at least 1; got {batch}")
        self._team = team
        for layer in self.layers:
            layer.share_products(team)
        if rng is not None or self._streams is None:
            self._streams = (rng or self._rng).spawn(len(self.layers))
        self._chain.reserve(batch, training=training, streams=self._streams)
        self._reserved = (batch, training)
        self._to_undo = 0
        self._seen = [[_Seen(None)] * 2, [_Seen(None)] * 2]

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """Return the outputs (logits) for x, in a buffer that the next call reuses.

        Parameters
        ----------
        x : array of shape (n, *input_shape)
            C-contiguous, of the network's dtype. Never written.
        training : bool
            Whether dropout drops, BatchNorm uses the batch, and `backward` may follow.

        Raises
        ------
        ShapeError
            If x has another shape or dtype.
        """
        n = len(x)
        if x.shape[1:] != self.input_shape or x.dtype != self.dtype or n == 0:
            raise ShapeError(
                f"forward expects {self.dtype} of shape (n, "
                f"{', '.join(map(str, self.input_shape))}) with n ≥ 1; "
                f"got {x.dtype} of shape {x.shape}"
            )
        rows = isinstance(self.layers[0], Flatten)
        entry = x.reshape(n, -1) if rows else to_layers(x)
        return self.propagate(entry, training=training)

    def propagate(self, x: Array, *, training: bool = False) -> Array:
        """Do `forward` for x in layer order, (h, w, n, c) for images, unchecked."""
        n = batch_count(x)
        batch, for_training = self._reserved
        if n > batch or (training and not for_training):
            # With the same team: an evaluation in the midst of a training has larger
            # batches, and must not change how the next step computes.
            self.reserve(
                max(n, batch), training=training or for_training, team=self._team
            )
        y = self._run(x, training)
        self._to_undo = n if training else 0
        return from_layers(y)

    def _run(self, x: Array, training: bool) -> Array:
        """Do forward; from the second time that x comes, by prepared calls."""
        before = self._seen[training]
        seen, other = before
        if x is not seen.array:
            if x is not other.array:
                self._seen[training] = [_Seen(x), seen]
                self._prepared_last = x
                return self._chain.forward(x, training=training)
            before.reverse()
            seen = other
        if not seen.is_prepared:
            seen.is_prepared, self._prepared_last = True, x
            prepared = self._chain.prepare(x, training=training)
            if prepared is not None:
                seen.calls, seen.result = prepared
        if seen.calls is None:
            self._prepared_last = x
            return self._chain.forward(x, training=training)
        for call in seen.calls:
            call()
        y: Array = seen.result
        return y

    def backward(self, dz: Array, *, need_dx: bool = False) -> Array | None:
        """Write ∂loss/∂theta into `grad`, for the last ``forward(training=True)``.

        Parameters
        ----------
        dz : array of shape (n, *output_shape)
            ∂loss/∂output; may be overwritten.
        need_dx : bool
            Whether to return ∂loss/∂x as well (a whole matrix product more).

        Raises
        ------
        ShapeError
            If dz has another shape or dtype than the outputs, or is not C-contiguous
            (layers write into it through reshaped views).
        RuntimeError
            If the last forward was not one for training.
        """
        if self._to_undo == 0:
            raise RuntimeError("backward must follow forward(x, training=True)")
        seen = self._seen[True][0]
        if dz is seen.dz and not need_dx:  # as the last time, and checked then
            for call in seen.calls_back:
                call()
            return None
        shape = (self._to_undo, *self.output_shape)
        if dz.shape != shape or dz.dtype != self.dtype or not dz.flags.c_contiguous:
            raise ShapeError(
                f"backward expects {self.dtype} of shape {shape}, C-contiguous; got "
                f"{dz.dtype} of shape {dz.shape}"
            )
        if seen.calls is not None:
            # What was prepared last, for evaluation say, is not what ran last.
            if self._prepared_last is not seen.array:
                self._chain.prepare(seen.array, training=True)
                self._prepared_last = seen.array
            if not need_dx and len(self.output_shape) != 3:
                self._prepare_back(seen, dz)
                for call in seen.calls_back:
                    call()
                return None
        dx = self._chain.backward(to_layers(dz), need_dx=need_dx)
        return None if dx is None else from_layers(dx)

    def _prepare_back(self, seen: _Seen, dz: Array) -> None:
        """Prepare backward, after a forward by prepared calls."""
        prepared = self._chain.prepare_backward(dz, need_dx=False)
        if prepared is None:
            raise RuntimeError("a layer prepares forward, but not backward")
        seen.dz, seen.calls_back = dz, prepared[0]

    def predict_logits(self, x: Array | SparseRows) -> Array:
        """Return the outputs for many samples, in a new array (n, *output_shape).

        Parameters
        ----------
        x : array of shape (n, *input_shape) or SparseRows
            Bytes (read as x / 255) or floating-point numbers.

        Raises
        ------
        TypeError, ValueError
            If x cannot be read; see `ardoise.engine.arrays.check_samples`.
        """
        if not isinstance(x, SparseRows):
            x = np.asarray(x)
            check_samples(x, self.input_shape)
        out = np.empty((len(x), *self.output_shape), self.dtype)
        for place, z in self.predict_batches(x):
            out[place] = z
        return out

    def predict_batches(self, x: Array | SparseRows) -> Iterator[tuple[slice, Array]]:
        """Yield (place, outputs) batch by batch; the outputs' buffer is reused."""
        batch = min(self.micro_batch(), len(x))
        size = batch * math.prod(self.input_shape)
        if self._entry is None or self._entry.size < size:
            self._entry = Memory(size, self.dtype)
        memory = self._entry
        pages = Pages(x)
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            out = memory(self.entry_shape(len(part)))
            fill_batch(part, out, as_samples(out, self.input_shape))
            pages.read(len(part))
            yield slice(start, start + len(part)), self.propagate(out)

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities (n, K): the softmax of `predict_logits`."""
        return softmax(self.predict_logits(x))

    def predict(self, x: Array) -> Array:
        """Return the most probable class of each sample, shape (n,)."""
        classes: Array = self.predict_logits(x).argmax(axis=1)
        return classes

    # -- copies ----------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """Return the architecture as JSON values; `from_config` rebuilds it."""
        return {
            "input_shape": list(self.input_shape),
            "dtype": self.dtype.name,
            "layers": [
                {"type": type(layer).__name__, **layer.config()}
                for layer in self.layers
            ],
        }

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        seed: int | np.random.Generator | None = None,
    ) -> Network:
        """Build the network that `config` describes, with new weights.

        Raises
        ------
        ValueError
            If a layer's type is not in the table of layers, or a setting is wrong.
        """
        layers = [layer_from_config(entry) for entry in config["layers"]]
        return cls(layers, config["input_shape"], dtype=config["dtype"], seed=seed)

    @classmethod
    def from_values(cls, config: Mapping[str, Any], values: Array) -> Network:
        """Build the network that `config` describes on these numbers, not copied.

        Parameters
        ----------
        config : mapping
            As `config` returns it.
        values : array of shape (n_params + n_state,)
            theta, then state; contiguous, of the network's dtype.

        Raises
        ------
        ValueError
            If there are more or fewer numbers than the architecture asks for, or of
            another dtype, or as `from_config`. Nothing of their size is allocated
            before.
        """
        network = object.__new__(cls)
        layers = [layer_from_config(entry) for entry in config["layers"]]
        network._plan(layers, config["input_shape"], config["dtype"])
        n_params, n_state = network.layout.size, network.state_layout.size
        if values.shape != (n_params + n_state,) or values.dtype != network.dtype:
            raise ValueError(
                f"this architecture has {n_params + n_state} numbers of "
                f"{network.dtype}; got {values.dtype} of shape {values.shape}"
            )
        theta, state = values[:n_params], values[n_params:]
        network._bind(theta, state)
        network._rng = np.random.default_rng()
        return network

    def with_layers(
        self, layers: Sequence[Mapping[str, Any]], arrays: Mapping[str, Array]
    ) -> Network:
        """Return a new network for the same samples, of other layers.

        Parameters
        ----------
        layers : sequence of mapping
            As in `config`.
        arrays : mapping of str to array
            As `arrays` names them; copied.
        """
        network = Network.from_config({**self.config(), "layers": layers}, seed=0)
        for name, place in network.arrays().items():
            place[...] = arrays[name]
        return network

    def replica(self, grad: Array, state: Array) -> Network:
        """Return a network on the same theta, with its own gradient and state.

        For another thread: it has its own layers and work space. Only one thread may
        write theta.
        """
        twin = object.__new__(type(self))
        layers = [layer.clone() for layer in self.layers]
        twin._plan(layers, self.input_shape, self.dtype)
        twin._bind(self._theta, state, grad)
        twin._rng = self._rng.spawn(1)[0]
        return twin

    def astype(self, dtype: Any) -> Network:
        """Return a copy of another dtype: float64 to check gradients, for instance."""
        twin = object.__new__(type(self))
        layers = [layer.clone() for layer in self.layers]
        twin._plan(layers, self.input_shape, dtype)
        twin._bind(self._theta.astype(twin.dtype), self._state.astype(twin.dtype))
        twin._grad[...] = self._grad
        twin._rng = copy.deepcopy(self._rng)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # The default would copy each view on its own and cut them all loose.
        return {
            "layers": [layer.clone() for layer in self.layers],
            "input_shape": self.input_shape,
            "dtype": self.dtype,
            "vectors": (self._theta, self._grad, self._state),
            "rng": self._rng,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        try:
            self._plan(state["layers"], state["input_shape"], state["dtype"])
            vectors = [vector.copy() for vector in state["vectors"]]
            rng = copy.deepcopy(state["rng"])
        except (AttributeError, LookupError, TypeError) as error:
            raise ValueError(f"this is no state of a Network ({error!r})") from error
        sizes = self.layout.size, self.layout.size, self.state_layout.size
        wanted = [((size,), self.dtype) for size in sizes]
        if [(vector.shape, vector.dtype) for vector in vectors] != wanted:
            raise ValueError(
                "the vectors of a Network must have the shapes and dtypes "
                f"{wanted}; got {[(v.shape, v.dtype) for v in vectors]}"
            )
        theta, grad, statistics = vectors
        self._bind(theta, statistics)
        self._grad[...] = grad
        self._rng = rng

    # -- words -----------------------------------------------------------------

    def summary(self) -> list[tuple[str, str, int]]:
        """Return (layer, output shape, parameters) for each layer, ready to print."""
        lines = []
        for i, layer in enumerate(self.layers):
            own = [e for e in self.layout.entries if _layer_number(e.key) == i]
            shape = " × ".join(map(str, self._chain.specs[i].output_shape))
            count = sum(math.prod(e.spec.shape) for e in own)
            lines.append((type(layer).__name__, shape, count))
        return lines

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"Network([{layers}], input_shape={self.input_shape})"


class _Seen:
    """An input that came, and the calls that were prepared when it came again."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.is_prepared = False
        self.calls: list[Step] | None = None
        self.result = array  # until it is known
        self.dz: Array | None = None
        self.calls_back: list[Step] = []


def _layer_number(key: str) -> int:
    return int(key.split(".", 1)[0])


def _check_shape(input_shape: int | Sequence[int]) -> Shape:
    shape: Sequence[int] = (
        (input_shape,)
        if isinstance(input_shape, int | np.integer)
        else tuple(input_shape)
    )
    if not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        raise ValueError(
            f"input_shape must hold positive whole numbers; got {input_shape!r}"
        )
    return tuple(int(n) for n in shape)
