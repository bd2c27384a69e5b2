"""A network: layers in a row, and the one vector that holds all they learn.

Building it goes in one direction: shapes are inferred layer by layer, the layout of
the vectors is frozen, and every layer receives its views. From then on the layers
never change; training writes into `Network.theta`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape, as_float_dtype, check_samples, to_float
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import LAYERS, Layer
from ardoise.engine.losses import softmax
from ardoise.engine.params import Layout
from ardoise.engine.tables import build

PREDICT_BATCH = 512


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
        self.layers = tuple(layers)
        self.dtype = as_float_dtype(dtype)
        self.input_shape = _check_shape(input_shape)
        if not self.layers:
            raise ValueError("a network needs at least one layer; got none")
        specs, shape, seen = [], self.input_shape, set()
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layer {i} must be a Layer object; got {layer!r}")
            if hasattr(layer, "input_shape") or id(layer) in seen:
                raise ValueError(
                    f"layer {i}, {layer!r}, already belongs to a network: each layer "
                    "object can be used once"
                )
            try:
                spec = layer.infer(shape)
            except ShapeError as error:
                raise ShapeError(f"layer {i}, {layer!r}: {error}") from None
            specs.append(spec)
            seen.add(id(layer))
            shape = spec.output_shape
        self.output_shape = shape
        self.layout = Layout(
            (f"{i}.{p.name}", p) for i, spec in enumerate(specs) for p in spec.params
        )
        self.state_layout = Layout(
            (f"{i}.{p.name}", p) for i, spec in enumerate(specs) for p in spec.state
        )
        self._specs = tuple(specs)
        learning = [i for i, spec in enumerate(specs) if spec.params]
        self._first_learning = learning[0] if learning else 0

    def _bind(self, theta: Array, grad: Array, state: Array) -> None:
        """Take these vectors for ever and give every layer its views."""
        self._theta, self._grad, self._state = theta, grad, state
        params, grads = self.layout.views(theta), self.layout.views(grad)
        running = self.state_layout.views(state)
        shape = self.input_shape
        for i, (layer, spec) in enumerate(zip(self.layers, self._specs, strict=True)):
            layer.input_shape, layer.output_shape = shape, spec.output_shape
            layer.dtype = self.dtype
            layer.bind(_own(params, i), _own(grads, i), _own(running, i))
            shape = spec.output_shape
        self._reserved = (0, False)
        self._streams: list[np.random.Generator] | None = None
        self._to_undo = 0  # rows of the last forward, if backward may follow it

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
    def n_params(self) -> int:
        """How many numbers are learned."""
        return self.layout.size

    def parameters(self) -> dict[str, Array]:
        """Return name → view, such as ``"0.W"`` → the first layer's weights."""
        return self.layout.views(self._theta)

    def gradients(self) -> dict[str, Array]:
        """Return name → view of the gradients, under the names of `parameters`."""
        return self.layout.views(self._grad)

    # -- computing -------------------------------------------------------------

    def reserve(
        self,
        batch: int,
        *,
        training: bool = False,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Allocate the layers' work space for up to ``batch`` samples.

        Called by itself where needed. Call it to choose the batch, or the generator
        that dropout draws from (each layer gets a child of it, and keeps it until
        another generator is given).
        """
        if batch < 1:
            raise ValueError(f"batch must be at least 1; got {batch}")
        if rng is not None or self._streams is None:
            self._streams = (rng or self._rng).spawn(len(self.layers))
        owner: Layer | None = None  # of the memory that the next layer reads
        for layer, stream in zip(self.layers, self._streams, strict=True):
            in_place = (
                layer.may_write_input and owner is not None and not owner.needs_output
            )
            layer.reserve(batch, training=training, in_place=in_place, rng=stream)
            if not layer.is_view:
                owner = layer
        self._reserved = (batch, training)
        self._to_undo = 0

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
        batch, for_training = self._reserved
        if n > batch or (training and not for_training):
            self.reserve(max(n, batch), training=training or for_training)
        for layer in self.layers:
            x = layer.forward(x, training=training)
        self._to_undo = n if training else 0
        return x

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
        shape = (self._to_undo, *self.output_shape)
        if dz.shape != shape or dz.dtype != self.dtype or not dz.flags.c_contiguous:
            raise ShapeError(
                f"backward expects {self.dtype} of shape {shape}, C-contiguous; got "
                f"{dz.dtype} of shape {dz.shape}"
            )
        dy: Array | None = dz
        # Below the first layer that learns (a Flatten, say) nobody asks for dx.
        last = 0 if need_dx else self._first_learning
        for i in range(len(self.layers) - 1, last - 1, -1):
            if dy is None:
                raise RuntimeError(f"layer {i + 1}, {self.layers[i + 1]!r}: no dx")
            dy = self.layers[i].backward(dy, need_dx=need_dx or i > last)
        return dy if need_dx else None

    def predict_logits(self, x: Array) -> Array:
        """Return the outputs for many samples, in a new array (n, *output_shape).

        Parameters
        ----------
        x : array of shape (n, *input_shape)
            Bytes (read as x / 255) or floating-point numbers.

        Raises
        ------
        TypeError, ValueError
            If x cannot be read; see `ardoise.engine.arrays.check_samples`.
        """
        x = np.asarray(x)
        check_samples(x, self.input_shape)
        out = np.empty((len(x), *self.output_shape), self.dtype)
        for place, z in self.predict_batches(x):
            out[place] = z
        return out

    def predict_batches(self, x: Array) -> Iterator[tuple[slice, Array]]:
        """Yield (place, outputs) batch by batch; the outputs' buffer is reused."""
        batch = min(PREDICT_BATCH, len(x))
        buffer = np.empty((batch, *self.input_shape), self.dtype)
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            yield (
                slice(start, start + len(part)),
                self.forward(to_float(part, buffer[: len(part)])),
            )

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
        network._bind(theta, np.zeros_like(theta), state)
        network._rng = np.random.default_rng()
        return network

    def replica(self, grad: Array, state: Array) -> Network:
        """Return a network on the same theta, with its own gradient and state.

        For another thread: it has its own layers and work space. Only one thread may
        write theta.
        """
        twin = object.__new__(type(self))
        layers = [type(layer)(**layer.config()) for layer in self.layers]
        twin._plan(layers, self.input_shape, self.dtype)
        twin._bind(self._theta, grad, state)
        twin._rng = self._rng.spawn(1)[0]
        return twin

    def astype(self, dtype: Any) -> Network:
        """Return a copy of another dtype: float64 to check gradients, for instance."""
        twin = object.__new__(type(self))
        layers = [type(layer)(**layer.config()) for layer in self.layers]
        twin._plan(layers, self.input_shape, dtype)
        twin._bind(
            self._theta.astype(twin.dtype),
            self._grad.astype(twin.dtype),
            self._state.astype(twin.dtype),
        )
        twin._rng = copy.deepcopy(self._rng)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        # The default would copy each view on its own and cut them all loose.
        return {
            "layers": [(type(layer), layer.config()) for layer in self.layers],
            "input_shape": self.input_shape,
            "dtype": self.dtype,
            "vectors": (self._theta, self._grad, self._state),
            "rng": self._rng,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        layers = [cls(**config) for cls, config in state["layers"]]
        self._plan(layers, state["input_shape"], state["dtype"])
        self._bind(*(vector.copy() for vector in state["vectors"]))
        self._rng = copy.deepcopy(state["rng"])

    # -- words -----------------------------------------------------------------

    def summary(self) -> list[tuple[str, str, int]]:
        """Return (layer, output shape, parameters) for each layer, ready to print."""
        lines = []
        for i, layer in enumerate(self.layers):
            own = [e for e in self.layout.entries if _layer_number(e.key) == i]
            shape = " × ".join(map(str, layer.output_shape))
            count = sum(math.prod(e.spec.shape) for e in own)
            lines.append((type(layer).__name__, shape, count))
        return lines

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return f"Network([{layers}], input_shape={self.input_shape})"


def layer_from_config(config: Mapping[str, Any]) -> Layer:
    """Return the layer that ``{"type": name, **arguments}`` describes.

    Raises
    ------
    ValueError
        If the type is not in the closed table of layers, or an argument is wrong.
    """
    return build("layer type", LAYERS, config, key="type")


def _own(views: Mapping[str, Array], layer: int) -> dict[str, Array]:
    """Return the views of one layer, under the layer's own names."""
    prefix = f"{layer}."
    return {
        key.removeprefix(prefix): view
        for key, view in views.items()
        if key.startswith(prefix)
    }


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
