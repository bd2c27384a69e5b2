"""Layers one after another: what a network is, and a branch of a residual block.

A chain infers all shapes when it is made, and says what it needs; then it is bound to
vectors, gets its work space, and computes. It may run the layers in another order than
the one asked for, where the result is the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import (
    Layer,
    LayerSpec,
    Prepared,
    PreparedLayer,
    Step,
)
from ardoise.engine.layers.conv import Bias, Conv2D
from ardoise.engine.layers.pool import MaxPool2D, Pool2D
from ardoise.engine.params import below


class Chain:
    """Layers in a row, for samples of one shape.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : tuple of int

    Attributes
    ----------
    layers : tuple of Layer
        In the order asked for.
    specs : tuple of LayerSpec
        Theirs, in that order.
    output_shape : tuple of int
    params, state : list of (str, ParamSpec)
        What they need, under names such as ``"0.W"``.
    steps : tuple of Layer
        After `bind`: what runs, in this order.

    Raises
    ------
    TypeError
        If something else than a layer stands in the row.
    ValueError
        If a layer stands in it twice, or belongs to a network already.
    ShapeError
        If a layer cannot take what the one before it gives; the sentence names both.
    """

    def __init__(self, layers: Sequence[Layer], input_shape: Shape) -> None:
        self.layers = tuple(layers)
        self.input_shape = input_shape
        specs: list[LayerSpec] = []
        shape, seen = input_shape, set()
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
        self.specs = tuple(specs)
        self.output_shape = shape
        self.params = [
            (f"{i}.{p.name}", p) for i, spec in enumerate(specs) for p in spec.params
        ]
        self.state = [
            (f"{i}.{p.name}", p) for i, spec in enumerate(specs) for p in spec.state
        ]
        self._places = {id(layer): i for i, layer in enumerate(self.layers)}
        self._order = _pool_early(self.layers)
        # Below the first layer that learns (a Flatten, say) nobody asks for dx. (The
        # steps of `bind` come after it: the place is the same among them.)
        learning = [bool(specs[self._places[id(k)]].params) for k in self._order]
        self._last = learning.index(True) if any(learning) else 0

    def bind(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
        dtype: np.dtype[Any],
    ) -> None:
        """Give every layer its shapes and its views; names are those of `params`."""
        shape = self.input_shape
        for layer in self._order:
            i = str(self._places[id(layer)])
            layer.input_shape, layer.dtype = shape, dtype
            shape = layer.output_shape = self._needed_of(layer)
            layer.bind(below(i, params), below(i, grads), below(i, state))
        self.steps = _bias_late(self._order)

    def _needed_of(self, layer: Layer) -> Shape:
        """Return the shape of what others read of a layer's output.

        A maximum of 2 × 2 pixels over 11 × 11 leaves the last row and column out: the
        convolution before it need not compute them, 21 of 121 places.
        """
        shape = layer.infer(layer.input_shape).output_shape
        place = self._order.index(layer) + 1
        after = self._order[place] if place < len(self._order) else None
        if isinstance(layer, Conv2D) and isinstance(after, Pool2D):
            return (*after.covered(shape), shape[2])
        return shape

    def reserve(
        self, batch: int, *, training: bool, streams: Sequence[np.random.Generator]
    ) -> None:
        """Allocate the layers' work space; each has its own random numbers."""
        owner: Layer | None = None  # of the memory that the next layer reads
        for layer in self.steps:
            in_place = (
                layer.may_write_input and owner is not None and not owner.needs_output
            )
            stream = streams[self._places.get(id(layer), 0)]
            layer.reserve(batch, training=training, in_place=in_place, rng=stream)
            if not layer.is_view:
                owner = layer

    def forward(self, x: Array, *, training: bool) -> Array:
        """Return y for x, both in layer order."""
        for layer in self.steps:
            x = layer.forward(x, training=training)
        return x

    def prepare(self, x: Array, *, training: bool) -> Prepared | None:
        """Return what to call to do `forward` for this x again, and y.

        None if one of the layers cannot say.
        """
        calls: list[Step] = []
        for layer in self.steps:
            if not _prepares(layer):
                return None
            prepare = layer.prepare
            if isinstance(layer, PreparedLayer):
                prepare = layer.get_ready
            prepared = prepare(x, training=training)
            if prepared is None:
                return None
            calls += prepared[0]
            x = prepared[1]
        return calls, x

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None] | None:
        """Return what to call to do `backward` for this dy again, and dx."""
        last = 0 if need_dx else self._last
        calls: list[Step] = []
        d: Array | None = dy
        for i in range(len(self.steps) - 1, last - 1, -1):
            layer = self.steps[i]
            if d is None:
                return None
            prepared = layer.prepare_backward(d, need_dx=need_dx or i > last)
            if prepared is None:
                return None
            calls += prepared[0]
            d = prepared[1]
        return calls, d if need_dx else None

    def backward(self, dy: Array, *, need_dx: bool) -> Array | None:
        """Write the gradients of all parameters; return dx if it is needed.

        Raises
        ------
        RuntimeError
            If a layer gave no dx where the one before it needs one.
        """
        last = 0 if need_dx else self._last
        steps = self.steps
        d: Array | None = dy
        for i in range(len(steps) - 1, last - 1, -1):
            if d is None:
                silent = steps[i + 1]
                place = self._places.get(id(silent))
                raise RuntimeError(f"layer {place}, {silent!r}: no dx")
            d = steps[i].backward(d, need_dx=need_dx or i > last)
        return d if need_dx else None


def _prepares(layer: Layer) -> bool:
    """Return whether ``prepare`` says what the layer's own methods do.

    It does not, if a subclass has changed one of them and left ``prepare`` alone.
    """

    def depth(name: str) -> int:
        lines = type(layer).__mro__
        return next((i for i, c in enumerate(lines) if name in vars(c)), len(lines))

    return depth("prepare") <= min(depth("forward"), depth("backward"))


def _bias_late(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Add the bias of a convolution after the maximum that follows it.

    It is the same function, and a quarter of the additions.
    """
    steps: list[Layer] = []
    bias: Bias | None = None
    for i, layer in enumerate(layers):
        steps.append(layer)
        if bias is not None:
            bias.input_shape = bias.output_shape = layer.output_shape
            steps.append(bias)
            bias = None
        following = layers[i + 1 : i + 2]
        if isinstance(layer, Conv2D) and any(
            isinstance(k, MaxPool2D) for k in following
        ):
            bias = layer.give_bias()
    return tuple(steps)


def _pool_early(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Move each maximum before the ReLU that precedes it.

    It is the same function, and the ReLU then has a quarter of the numbers to do.
    """
    order: list[Layer] = []
    for layer in layers:
        place = len(order)
        if isinstance(layer, MaxPool2D):
            while place and order[place - 1].keeps_order:
                place -= 1
        order.insert(place, layer)
    return tuple(order)
