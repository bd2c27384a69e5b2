"""Nodes that sum over windows, rows or channels, and the layers that do the same."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.windows import Windows as Geometry
from ardoise.onnx.branches import Branch
from ardoise.onnx.model import Node
from ardoise.onnx.ops.registry import Call
from ardoise.onnx.ops.windows import Windows
from ardoise.onnx.reshaping import FIRST
from ardoise.onnx.statics import refusal


def plain(value: float) -> float:
    """Return a float32 of a file as the short decimal that was meant: 1e-05."""
    return float(str(np.float32(value)))


def _dense(
    branch: Branch, node: Node, w: Array, b: Array | None, scale: float = 1.0
) -> None:
    branch.demand(node, (0, 1))
    order = branch.state.order
    if w.ndim != 2 or w.shape[0] != branch.state.shape[0]:
        raise refusal(node)
    branch.context.take(node, w.size)
    if order is not None:
        ordered = np.empty_like(w)
        ordered[order] = w
        w = ordered
    values = {"W": w if scale == 1 else w * scale}
    units = w.shape[1]
    if b is not None:
        if math.prod(b.shape[:-1]) != 1 or b.size not in (1, units):
            raise refusal(node)
        values["b"] = np.broadcast_to(b.reshape(-1), (units,))
    config = {"type": "Dense", "units": units, "use_bias": b is not None}
    branch.put(node, config, values, axes=(0, 1))


def gemm(branch: Branch, node: Node, call: Call) -> None:
    if call["transA"] or node.inputs[0] not in branch.context.paths.before:
        raise branch.refuse(node, "transA")
    w, b = branch.weight(node, 1), branch.weights(node, 2)
    w = w.T if call["transB"] else w
    beta = call["beta"]
    _dense(branch, node, w, b if b is None or beta == 1 else b * beta, call["alpha"])


def matmul(branch: Branch, node: Node, call: Call) -> None:
    _dense(branch, node, branch.weight(node, 1), None)


def conv(branch: Branch, node: Node, call: Call) -> None:
    image = _image(branch)
    padding = branch.state.padding or {}
    if branch.state.filler == 0:
        branch.state = replace(branch.state, padding=None)
    branch.demand(node, FIRST)
    w, b = branch.weight(node, 1), branch.weights(node, 2)
    if w.ndim != 4 or call["kernel_shape"] not in (None, w.shape[2:]):
        raise refusal(node)
    windows = _windows(node, call, image, w.shape[2:], padding)
    branch.context.take(node, w.size)
    values = {"W": w.transpose(2, 3, 1, 0)}
    if b is not None:
        values["b"] = b
    config = {
        "type": "Conv2D",
        "filters": len(w),
        "kernel_size": w.shape[2:],
        "stride": windows.strides,
        "dilation": windows.dilations,
        "padding": _padding(branch, node, windows),
        "groups": call["group"],
        "use_bias": b is not None,
    }
    branch.put(node, config, values, axes=FIRST)


def _image(branch: Branch) -> Shape:
    """Return (h, w), or () if there is no image."""
    return branch.state.shape[:2] if len(branch.state.shape) == 3 else ()


def _windows(
    node: Node,
    call: Call,
    image: Shape,
    kernel: Shape,
    padding: Any = None,
) -> Windows:
    """Return the windows of a node, with what an earlier node has padded."""
    try:
        padded = [n + sum((padding or {}).get(i + 1, ())) for i, n in enumerate(image)]
        windows = Windows(call, tuple(padded), kernel)
    except ValueError as error:
        raise refusal(node) from error
    windows.image = image
    for axis, (before, after) in (padding or {}).items():
        windows.before[axis - 1] += before
        windows.after[axis - 1] += after
    # With ``ceil_mode`` there may be more windows: as if there were more padding.
    for axis, count in enumerate(windows.output):
        end = (count - 1) * windows.strides[axis] + windows.reach[axis]
        missing = end - image[axis] - windows.before[axis]
        windows.after[axis] = max(windows.after[axis], missing)
    return windows


def _padding(branch: Branch, node: Node, windows: Windows) -> Any:
    """Return the padding in Ardoise's words."""
    before, after = tuple(windows.before), tuple(windows.after)
    if not any(before + after):
        return "valid"
    if before == after:
        return before
    try:
        geometry = Geometry(
            branch.state.shape,
            (windows.kernel[0], windows.kernel[1]),
            (windows.strides[0], windows.strides[1]),
            "same",
            (windows.dilations[0], windows.dilations[1]),
        )
    except ShapeError as error:
        raise refusal(node) from error
    # Padding behind the last window changes nothing.
    if geometry.before == before and geometry.output == windows.output:
        return "same"
    raise branch.refuse(node, "pads")


def max_pool(branch: Branch, node: Node, call: Call) -> None:
    padding = branch.state.padding or {}
    if branch.state.filler == -math.inf:
        branch.state = replace(branch.state, padding=None)
    _pool(branch, node, call, "MaxPool2D", padding)


def average_pool(branch: Branch, node: Node, call: Call) -> None:
    _pool(branch, node, call, "AveragePool2D", {})


def _pool(branch: Branch, node: Node, call: Call, kind: str, padding: Any) -> None:
    branch.demand(node, FIRST)
    kernel = call.required("kernel_shape")
    windows = _windows(node, call, _image(branch), kernel, padding)
    if set(windows.dilations) != {1}:
        raise branch.refuse(node, "dilations")
    padded = any(call["pads"] or ()) or call["auto_pad"].startswith("SAME")
    if kind == "AveragePool2D" and call["count_include_pad"] and padded:
        raise branch.refuse(node, "count_include_pad")
    config = {
        "type": kind,
        "pool_size": kernel,
        "stride": windows.strides,
        "padding": _padding(branch, node, windows),
    }
    branch.put(node, config, axes=FIRST)


def batch_normalization(branch: Branch, node: Node, call: Call) -> None:
    rank = len(branch.state.axes)
    branch.demand(node, (0, rank - 1, *range(1, rank - 1)))
    # Before opset 14 it is the outputs that say so.
    if call["training_mode"] or any(node.outputs[1:]):
        raise branch.refuse(node, "training_mode")
    if not call["spatial"]:
        raise branch.refuse(node, "spatial")
    names = ("gamma", "beta", "running_mean", "running_variance")
    branch.context.take(node, 4 * branch.state.shape[-1])
    values = {
        name: branch.vector(node, branch.weight(node, i + 1))
        for i, name in enumerate(names)
    }
    epsilon, momentum = plain(call["epsilon"]), round(1 - plain(call["momentum"]), 7)
    if not np.all(values["running_variance"] + epsilon > 0):
        raise refusal(node)
    config = {
        "type": "BatchNorm",
        "momentum": momentum if 0 < momentum <= 1 else 0.1,
        "epsilon": epsilon,
    }
    branch.put(node, config, values)


def layer_normalization(branch: Branch, node: Node, call: Call) -> None:
    rank = len(branch.state.axes)
    axis = call["axis"]
    if axis not in (-1, rank - 1) or branch.state.axes[-1] != len(branch.state.shape):
        raise branch.refuse(node, "axis")
    gamma, beta = branch.weight(node, 1), branch.weights(node, 2)
    branch.context.take(node, 2 * gamma.size)
    beta = np.zeros_like(gamma) if beta is None else beta
    values = {"gamma": branch.vector(node, gamma), "beta": branch.vector(node, beta)}
    config = {"type": "LayerNorm", "epsilon": plain(call["epsilon"])}
    branch.put(node, config, values)
