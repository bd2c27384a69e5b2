"""Nodes that move numbers about, and what Ardoise's layers make of them.

A transposition, and axes of length 1 that come and go, are only remembered. All axes in
one are a `Flatten`; zeros around an image wait for the convolution that follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ardoise.onnx.branches import Branch
from ardoise.onnx.model import Node
from ardoise.onnx.ops.linear import axes_of
from ardoise.onnx.ops.registry import Call
from ardoise.onnx.ops.shaping import padding
from ardoise.onnx.statics import refusal

FIRST = (0, 3, 1, 2)  # where Ardoise's axes stand in (batch, channels, height, width)


def transpose(branch: Branch, node: Node, call: Call) -> None:
    axes = branch.state.axes
    perm = call["perm"] or tuple(range(len(axes)))[::-1]
    if sorted(perm) != list(range(len(axes))):
        raise refusal(node)
    branch.state = replace(branch.state, axes=tuple(axes[p] for p in perm))


def pad(branch: Branch, node: Node, call: Call) -> None:
    state, statics = branch.state, branch.context.statics
    inputs = [*node.inputs, "", "", ""]
    widths = call["pads"] or statics.whole(node, inputs[1])
    named = statics.whole(node, inputs[3]) or range(len(state.axes))
    fill = branch.weights(node, 2) if inputs[2] else np.array(call["value"])
    if widths is None or fill is None or fill.size != 1 or state.padding is not None:
        raise refusal(node)
    filler = float(fill.reshape(()))
    if call["mode"] != "constant" or filler not in (0, -math.inf):
        raise branch.refuse(node, "mode")
    try:
        before, after = padding(widths, named, len(state.axes))
    except (IndexError, ValueError) as error:
        raise refusal(node) from error
    around: dict[int, tuple[int, int]] = {}
    for axis, both in zip(state.axes, zip(before, after, strict=True), strict=True):
        if any(both):
            if axis not in (1, 2) or min(both) < 0 or len(state.shape) != 3:
                raise branch.refuse(node, "pads")
            around[axis] = both
    if around:
        branch.state = replace(state, padding=around, filler=filler)


def reduce_mean(branch: Branch, node: Node, call: Call) -> None:
    """Convert the mean over height and width."""
    state = branch.state
    named = branch.context.statics.whole(node, [*node.inputs, ""][1])
    listed = None if named is None else np.array(named)
    try:
        axes = set(axes_of(call, np.empty((0,) * len(state.axes)), listed) or ())
    except IndexError as error:
        raise refusal(node) from error
    if len(state.shape) != 3 or {state.axes[axis] for axis in axes} != {1, 2}:
        raise branch.refuse(node, "axes")
    kept = [
        None if i in axes else axis and 1
        for i, axis in enumerate(state.axes)
        if call["keepdims"] or i not in axes
    ]
    branch.put(node, {"type": "GlobalAveragePool2D"}, axes=tuple(kept))


def global_average_pool(branch: Branch, node: Node, call: Call) -> None:
    branch.demand(node, FIRST)
    branch.put(node, {"type": "GlobalAveragePool2D"}, axes=(0, 1, None, None))


def reshape(branch: Branch, node: Node, call: Call) -> None:
    target = list(branch.context.statics.whole(node, node.inputs[1]) or ())
    lengths = branch.state.lengths(branch.context.batch)
    if not target or len([n for n in target if n == -1]) > 1:
        raise refusal(node)
    if target[:1] == [branch.context.fixed_batch]:
        target[0] = lengths[0]
    if not call["allowzero"]:
        target = [
            lengths[i] if n == 0 and i < len(lengths) else n
            for i, n in enumerate(target)
        ]
    if -1 in target:
        known = -math.prod(target)
        rest, left = divmod(math.prod(lengths), known) if known > 0 else (0, 1)
        if left:
            raise refusal(node)
        target = [rest if n == -1 else n for n in target]
    to_shape(branch, node, target)


def flatten(branch: Branch, node: Node, call: Call) -> None:
    lengths = branch.state.lengths(branch.context.batch)
    if call["axis"] not in (1, 1 - len(lengths)):
        raise branch.refuse(node, "axis")
    to_shape(branch, node, (lengths[0], math.prod(lengths[1:])))


def squeeze(branch: Branch, node: Node, call: Call) -> None:
    lengths = branch.state.lengths(branch.context.batch)
    named = call["axes"] or branch.context.statics.whole(node, [*node.inputs, ""][1])
    axes = [i for i, n in enumerate(lengths) if n == 1] if named is None else named
    if any(not -len(lengths) <= axis < len(lengths) for axis in axes):
        raise refusal(node)
    gone = {axis % len(lengths) for axis in axes}
    to_shape(branch, node, [n for i, n in enumerate(lengths) if i not in gone])


def unsqueeze(branch: Branch, node: Node, call: Call) -> None:
    named = call["axes"] or branch.context.statics.whole(node, [*node.inputs, ""][1])
    lengths = list(branch.state.lengths(branch.context.batch))
    rank = len(lengths) + len(named or ())
    if named is None or any(not -rank <= axis < rank for axis in named):
        raise refusal(node)
    for axis in sorted(axis % rank for axis in named):
        lengths.insert(axis, 1)
    to_shape(branch, node, lengths)


def to_shape(branch: Branch, node: Node, target: Sequence[int]) -> None:
    """Give a value another shape: axes of length 1 come and go, or all become one."""
    state, batch = branch.state, branch.context.batch
    lengths = state.lengths(batch)
    if (
        state.axes[0] != 0
        or state.padding is not None
        or len(target) < 2
        or target[0] != batch
        or math.prod(target) != math.prod(lengths)
    ):
        raise refusal(node)
    if tuple(target) == lengths:
        return
    if branch.restart(target):
        return
    flat = len(target) == 2 and len(state.shape) > 1
    long = [axis for axis, n in zip(state.axes, lengths, strict=True) if n != 1][1:]
    if not flat and [n for n in target[1:] if n != 1] == [
        n for n in lengths[1:] if n != 1
    ]:
        rest = iter(long)
        axes = [None if n == 1 else next(rest) for n in target[1:]]
        branch.state = replace(state, axes=(0, *axes))
    elif flat:
        _flat(branch, node)
    else:
        raise refusal(node)


def _flat(branch: Branch, node: Node) -> None:
    """Add a Flatten, and remember where its numbers stand in the file."""
    state = branch.state
    present = [axis - 1 for axis in state.axes if axis]
    missing = [i for i in range(len(state.shape)) if i not in present]
    branch.put(node, {"type": "Flatten"}, axes=(0, 1))
    if present != sorted(present):
        size = math.prod(state.shape)
        branch.context.take(node, 2 * size)
        places = np.arange(size).reshape(state.shape)
        order = places.transpose(*present, *missing).reshape(-1)
        if np.any(order[1:] < order[:-1]):
            branch.state = replace(branch.state, order=order)
