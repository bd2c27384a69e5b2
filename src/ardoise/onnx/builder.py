"""From a graph to layers: one value after another, through which everything must pass.

Between two of them lies a node that is a layer, a formula that was spelled out, or a
residual block, whose branches are followed in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ardoise.onnx.algebra import NODES, Algebra, Formula, Unmatched
from ardoise.onnx.branches import Branch, Layers, Values
from ardoise.onnx.conversions import CONVERSIONS
from ardoise.onnx.errors import OnnxError
from ardoise.onnx.model import Node
from ardoise.onnx.statics import refusal
from ardoise.onnx.weighted import plain

MOST_DEPTH = 8  # of residual blocks in residual blocks
MOST_STEPS = 4  # that one formula spans


def follow(branch: Branch, start: str, end: str, depth: int = 0) -> None:
    """Add to a branch the layers that lie between two values.

    Raises
    ------
    OnnxError
        If something else lies there.
    """
    context = branch.context
    values = context.paths.between(start, end)
    at = 0
    while True:
        context.statics.shapes[values[at]] = branch.state.lengths(context.batch)
        if at == len(values) - 1:
            return
        at = _step(branch, values, at, depth)
        context.steps += 1


def _step(branch: Branch, values: Sequence[str], at: int, depth: int) -> int:
    """Add what leads from one value to a later one; return the place of that."""
    paths = branch.context.paths
    start, end = values[at], values[at + 1]
    node = paths.producer[end]
    moving = paths.moving(node)
    if node.outputs[0] != end:
        raise refusal(node)
    if moving == [start] == list(node.inputs[:1]) and node.operator in CONVERSIONS:
        CONVERSIONS[node.operator](branch, node, branch.context.call(node))
        return at + 1
    for last in range(at + 1, min(at + MOST_STEPS, len(values) - 1) + 1):
        formula = _formula(branch, start, values[last])
        if formula is not None:
            _apply(branch, paths.producer[values[last]], formula)
            return last
    if node.operator in ("Add", "Sum") and len(moving) == len(node.inputs) == 2:
        _residual(branch, node, start, depth)
        return at + 1
    region = paths.region(start, end)
    unknown = [n for n in region if n.operator not in (*NODES, *CONVERSIONS)]
    raise refusal((unknown or [node])[0])


def _formula(branch: Branch, start: str, end: str) -> Formula | None:
    """Return the formula that lies between two values, if it is one."""
    context = branch.context
    nodes = context.paths.region(start, end)
    if any(node.operator not in NODES for node in nodes):
        return None
    algebra = Algebra(
        start,
        len(branch.state.axes),
        branch.last_axis,
        context.statics.value,
        context.call,
    )
    try:
        return algebra.formula(nodes)
    except (Unmatched, ValueError):  # constants of shapes that do not go together
        return None


def _apply(branch: Branch, node: Node, formula: Formula) -> None:
    scale = branch.by_channel(node, formula.scale)
    shift = branch.by_channel(node, formula.shift)
    if formula.kind == "layer_norm":
        config = {"type": "LayerNorm", "epsilon": plain(formula.epsilon)}
        branch.put(node, config, {"gamma": scale, "beta": shift})
        return
    if formula.kind == "gelu":
        branch.put(node, {"type": "GELU"})
    branch.scale(node, scale, shift)


def _residual(branch: Branch, node: Node, start: str, depth: int) -> None:
    """Add a residual block, which a node ends by adding its two branches."""
    branch.settle()
    if depth == MOST_DEPTH:
        raise OnnxError("onnx.too_deep", most=MOST_DEPTH)
    found = []
    for end in node.inputs:
        inner = Branch(branch.context, branch.state)
        follow(inner, start, end, depth + 1)
        inner.settle()
        found.append(inner)
    main, side = found if found[0].layers else found[::-1]
    if not main.layers or not _alike(main, side):
        raise refusal(node)
    config: dict[str, Any] = {"type": "Residual"}
    values: Values = {}
    for name, inner in (("layers", main), ("shortcut", side)):
        config[name] = [layer for layer, _ in inner.layers]
        values |= _named(name, inner.layers)
    branch.put(node, config, values)
    branch.state = replace(main.state, shape=branch.state.shape)


def _named(name: str, layers: Layers) -> Values:
    return {
        f"{name}.{i}.{key}": array
        for i, (_, values) in enumerate(layers)
        for key, array in values.items()
    }


def _alike(a: Branch, b: Branch) -> bool:
    """Return whether two branches give their numbers in the same places."""
    if a.state.shape != b.state.shape or a.state.padding or b.state.padding:
        return False
    batch = a.context.batch
    if a.state.lengths(batch) != b.state.lengths(batch):
        return False
    long = [
        [axis for axis, n in zip(s.axes, s.lengths(batch), strict=True) if n != 1]
        for s in (a.state, b.state)
    ]
    orders = a.state.order, b.state.order
    same = all(order is None for order in orders) or (
        all(order is not None for order in orders)
        and bool((orders[0] == orders[1]).all())  # type: ignore[union-attr]
    )
    return long[0] == long[1] and same
