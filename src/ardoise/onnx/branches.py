"""Layers as they are found in a graph, one after another.

A branch knows in which order the axes of the file's arrays stand for the axes of
Ardoise's, which are (batch, height, width, channels). So a transposition is no work: it
is remembered, and weights are turned instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers import layer_from_config
from ardoise.onnx.context import MOST_LAYERS, Context, State
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Node
from ardoise.onnx.statics import refusal

Values = dict[str, Array]
Layers = list[tuple[dict[str, Any], Values]]
FOLDING = ("Dense", "Conv2D", "BatchNorm", "LayerNorm")


class Branch:
    """Layers in a row.

    Parameters
    ----------
    context : Context
    state : State
        Of what the first of them reads.

    Attributes
    ----------
    state : State
        Of what the last of them gives.
    layers : list of (dict, dict)
        Their descriptions, and their arrays by name.
    """

    def __init__(self, context: Context, state: State) -> None:
        self.context, self.state = context, state
        self.layers: Layers = []
        self._start: State | None = None  # as long as it may still be another
        self._pending: tuple[Node, Array, Array] | None = None

    # -- what a node says ------------------------------------------------------

    def weights(self, node: Node, place: int) -> Array | None:
        """Return an input that is known beforehand; None, if it is left out."""
        if place >= len(node.inputs) or not node.inputs[place]:
            return None
        array = self.context.statics.value(node.inputs[place])
        if array is None or array.dtype.kind != "f":
            raise refusal(node)
        self.context.has_double |= array.dtype == np.float64
        return array

    def weight(self, node: Node, place: int) -> Array:
        """Return an input that is known beforehand, and must be there."""
        array = self.weights(node, place)
        if array is None:
            raise refusal(node)
        return array

    def refuse(self, node: Node, attribute: str) -> OnnxError:
        """Return the error for a setting that Ardoise's layers do not have."""
        return OnnxError(
            "onnx.layer_attribute",
            node=shown(node.name),
            operator=shown(node.operator),
            attribute=shown(attribute),
        )

    # -- axes ------------------------------------------------------------------

    def demand(self, node: Node, axes: Sequence[int]) -> None:
        """Refuse a node unless the file's axes are these of Ardoise's.

        Axes of length 1 are all alike.
        """
        own = (self.context.batch, *self.state.shape)
        if self.state.padding is not None:
            raise refusal(node)
        if len(axes) == len(self.state.axes) and max(axes) < len(own):
            wanted = [(axis, own[axis]) for axis in axes]
            there = self.state.lengths(self.context.batch)
            long = [axis for axis, n in wanted if n != 1]
            have = [a for a, n in zip(self.state.axes, there, strict=True) if n != 1]
            if there == tuple(n for _, n in wanted) and long == have:
                return
        raise OnnxError(
            "onnx.layout", node=shown(node.name), operator=shown(node.operator)
        )

    def by_channel(self, node: Node, values: Array) -> Array:
        """Return one number for each channel, from what the file broadcasts."""
        state, channels = self.state, self.state.shape[-1]
        self.context.take(node, 2 * channels)
        rank, place = len(state.axes), self.last_axis
        if values.ndim > rank:  # and so has the result
            raise refusal(node)
        if values.size == 1:
            return np.full(channels, values.reshape(()), np.float64)
        shape = (1,) * (rank - values.ndim) + values.shape
        if place is None or shape[place] != values.size:
            raise refusal(node)
        return self.vector(node, values.reshape(-1))

    @property
    def last_axis(self) -> int | None:
        """Where Ardoise's last axis, that of the channels, stands in the file."""
        axes, last = self.state.axes, len(self.state.shape)
        return axes.index(last) if last in axes else None

    def vector(self, node: Node, values: Array) -> Array:
        """Return one number for each channel, in Ardoise's order, as float64."""
        if values.shape != self.state.shape[-1:]:
            raise refusal(node)
        wide = values.astype(np.float64)
        if self.state.order is None:
            return wide
        ordered = np.empty_like(wide)
        ordered[self.state.order] = wide
        return ordered

    # -- layers ----------------------------------------------------------------

    def put(
        self,
        node: Node,
        config: dict[str, Any],
        values: Mapping[str, Array] | None = None,
        axes: tuple[int | None, ...] | None = None,
    ) -> None:
        """Add a layer; ``axes`` are those of its output, by default its input's."""
        self.settle()
        values = dict(values or {})
        self.context.layers_left -= 1
        if self.context.layers_left < 0:
            raise OnnxError("onnx.too_deep", most=MOST_LAYERS)
        if self.state.padding is not None:
            raise refusal(node)
        try:
            spec = layer_from_config(config).infer(self.state.shape)
        except ValueError as error:
            raise refusal(node) from error
        needed = {p.name: p.shape for p in (*spec.params, *spec.state)}
        if needed != {name: array.shape for name, array in values.items()}:
            raise refusal(node)
        self.layers.append((config, values))
        kept = self.state
        if axes is not None:
            kept = replace(kept, axes=axes, order=None)
        self.state = replace(kept, shape=spec.output_shape)

    def scale(self, node: Node, factor: Array, shift: Array) -> None:
        """Multiply each channel, and add to it.

        It becomes part of the layer before, if that multiplies and adds too; otherwise
        it waits for more of its kind, and a batch normalisation does it.
        """
        if self.state.padding is not None:
            raise refusal(node)
        if self._pending is not None:
            _, first, added = self._pending
            self._pending = node, first * factor, added * factor + shift
        elif self.layers and self.layers[-1][0]["type"] in FOLDING:
            self.layers[-1] = _scaled(*self.layers[-1], factor, shift)
        else:
            self._pending = node, factor, shift

    def settle(self) -> None:
        """Let a batch normalisation do what waits, unless that is nothing."""
        if self._pending is None:
            return
        (node, factor, shift), self._pending = self._pending, None
        # Bytes are divided by 255 here, and multiplied by float32's 1 / 255 there.
        if np.allclose(factor, 1, rtol=1e-6, atol=0) and not np.any(shift):
            return
        config = {"type": "BatchNorm", "momentum": 0.1, "epsilon": 1e-5}
        ones = np.ones_like(factor)
        values = {
            "gamma": factor * math.sqrt(1 + 1e-5),
            "beta": shift,
            "running_mean": 0 * ones,
            "running_variance": ones,
        }
        self.put(node, config, values)

    # -- the beginning ---------------------------------------------------------

    def begin(self, node: Node, factor: float) -> None:
        """Say that nothing comes before this branch: its input may be reshaped.

        ``factor`` times what the network reads is what the model reads.
        """
        self._start = self.state
        self._begin_with(node, factor)

    def _begin_with(self, node: Node, factor: float) -> None:
        if factor != 1:
            channels = self.state.shape[-1]
            self.context.take(node, 2 * channels)
            self._pending = node, np.full(channels, factor), np.zeros(channels)

    def restart(self, lengths: Sequence[int]) -> bool:
        """Take an input of another shape, where this is the beginning."""
        if self.state is not self._start or self.layers or len(lengths) < 3:
            return False
        pending = self._pending
        if pending is not None and (np.any(pending[2]) or np.ptp(pending[1]) > 0):
            return False
        self._start = self.state = self.context.state(lengths)
        if pending is not None:
            self._begin_with(pending[0], pending[1][0])
        return True


def _scaled(
    config: dict[str, Any], values: Values, factor: Array, shift: Array
) -> tuple[dict[str, Any], Values]:
    """Return a layer whose outputs are multiplied and shifted, channel by channel."""
    values = dict(values)
    if "gamma" in values:
        values["gamma"] = values["gamma"] * factor
        values["beta"] = values["beta"] * factor + shift
        return config, values
    if np.any(factor != 1):
        values["W"] = values["W"] * factor
    bias = values.get("b")
    values["b"] = shift if bias is None else bias * factor + shift
    return {**config, "use_bias": True}, values
