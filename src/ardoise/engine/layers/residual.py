"""Residual connections: layers that learn what to add to their input.

Gradients pass the addition unchanged, and so reach the first layers of deep networks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import Layer, LayerSpec, Prepared, Step
from ardoise.engine.layers.chain import Chain
from ardoise.engine.params import below
from ardoise.engine.threads import Team


class Residual(Layer):
    """y = F(x) + S(x), with F and S layers in a row; S is x itself if it is empty.

    Shapes: x of any shape that F and S can take, y of the shape that both must give.
    Their parameters are named ``"layers.0.W"``, ``"shortcut.0.W"``…
    dx = dF/dxᵀ dy + dS/dxᵀ dy.

    Parameters
    ----------
    layers : sequence of Layer
        F.
    shortcut : sequence of Layer
        S; a 1 × 1 convolution, say, where F changes the number of channels.

    Raises
    ------
    TypeError, ValueError
        If they are not layers, F is empty, or a layer comes twice.
    ShapeError
        If F(x) and S(x) have different shapes, or a layer cannot take its input.

    References
    ----------
    He et al., "Deep residual learning for image recognition", 2016, section 3.2.
    """

    needs_input = True

    def __init__(
        self,
        layers: Sequence[Layer],
        shortcut: Sequence[Layer] = (),
    ) -> None:
        self.layers, self.shortcut = tuple(layers), tuple(shortcut)
        inner = self.layers + self.shortcut
        if not self.layers or not all(isinstance(layer, Layer) for layer in inner):
            raise TypeError(
                "Residual needs at least one layer, and nothing but layers; got "
                f"{layers!r} and {shortcut!r}"
            )
        if len({id(layer) for layer in inner}) < len(inner):
            raise ValueError("Residual: each layer object can be used once")
        self._rng: np.random.Generator | None = None
        self.mixes_samples = any(layer.mixes_samples for layer in inner)

    def config(self) -> dict[str, Any]:
        return {
            name: [{"type": type(layer).__name__, **layer.config()} for layer in branch]
            for name, branch in (("layers", self.layers), ("shortcut", self.shortcut))
        }

    def inner_layers(self) -> tuple[Layer, ...]:
        return self.layers + self.shortcut

    def clone(self) -> Residual:
        return Residual(
            [layer.clone() for layer in self.layers],
            [layer.clone() for layer in self.shortcut],
        )

    def infer(self, input_shape: Shape) -> LayerSpec:
        main = Chain(self.layers, input_shape)
        side = Chain(self.shortcut, input_shape)
        if main.output_shape != side.output_shape:
            raise ShapeError(
                f"its layers give {main.output_shape}, and its shortcut "
                f"{side.output_shape}: they must give the same shape to be added"
            )
        specs = main.specs + side.specs
        branches = (("layers", main), ("shortcut", side))
        params = [
            spec._replace(name=f"{name}.{key}")
            for name, chain in branches
            for key, spec in chain.params
        ]
        state = [
            spec._replace(name=f"{name}.{key}")
            for name, chain in branches
            for key, spec in chain.state
        ]
        return LayerSpec(
            main.output_shape,
            tuple(params),
            tuple(state),
            multiply_adds=sum(spec.multiply_adds for spec in specs),
            work=max(max(s.work, math.prod(s.output_shape)) for s in specs),
        )

    def bind(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
    ) -> None:
        self._main = Chain(self.layers, self.input_shape)
        self._side = Chain(self.shortcut, self.input_shape)
        for name, chain in (("layers", self._main), ("shortcut", self._side)):
            chain.bind(
                below(name, params),
                below(name, grads),
                below(name, state),
                self.dtype,
            )

    def share_products(self, team: Team | None) -> None:
        super().share_products(team)
        for layer in (*self.layers, *self.shortcut):
            layer.share_products(team)

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        if rng is not self._rng:  # else the streams go on
            self._rng = rng
            self._streams = rng.spawn(len(self.layers) + len(self.shortcut))
        streams = self._streams
        cut = len(self.layers)
        self._main.reserve(batch, training=training, streams=streams[:cut])
        self._side.reserve(batch, training=training, streams=streams[cut:])
        size = batch * math.prod(self.output_shape)
        self._y = self.memory(size)
        self._dy = self.memory(size if training else 0)

    def forward(self, x: Array, *, training: bool) -> Array:
        main = self._main.forward(x, training=training)
        side = self._side.forward(x, training=training)
        return np.add(main, side, out=self._y(main.shape))

    def prepare(self, x: Array, *, training: bool) -> Prepared | None:
        main = self._main.prepare(x, training=training)
        side = self._side.prepare(x, training=training)
        if main is None or side is None:
            return None
        y = self._y(main[1].shape)
        return [*main[0], *side[0], partial(np.add, main[1], side[1], out=y)], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None] | None:
        other = self._dy(dy.shape)
        main = self._main.prepare_backward(dy, need_dx=need_dx)
        side = self._side.prepare_backward(other, need_dx=need_dx)
        if main is None or side is None:
            return None
        calls: list[Step] = [partial(np.copyto, other, dy), *main[0], *side[0]]
        if main[1] is None or side[1] is None:
            return calls, None
        return [*calls, partial(np.add, main[1], side[1], out=main[1])], main[1]

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        other = self._dy(dy.shape)  # each branch may overwrite its own
        np.copyto(other, dy)
        main = self._main.backward(dy, need_dx=need_dx)
        side = self._side.backward(other, need_dx=need_dx)
        if main is None or side is None:
            return None
        return np.add(main, side, out=main)
