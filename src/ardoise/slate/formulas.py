"""From a number to its formula: with the values it was computed from, ready to show.

A formula is a small tree of JSON values, which a page can write as MathML, and a test
can compute again from its leaves. Every node has ``"is"`` and ``"value"``:

========== =============================================================
is         further entries
========== =============================================================
value      ``name``, and ``index`` where it stands in an array
number     none: a constant of the formula
sum        ``of``: nodes
difference ``of``: two
product    ``of``: nodes
quotient   ``of``: two
max        ``of``: nodes
function   ``name`` (exp, log, sqrt, tanh), ``of``: one node
rest       ``count``: terms of a sum that are too small to be shown
========== =============================================================

Names are those of the source: x, W, b, gamma…
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers import (
    ELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
)
from ardoise.engine.layers.activations import GELU_CUBE, GELU_SCALE
from ardoise.engine.layers.windows import Windows
from ardoise.slate.walk import Branches, Piece

Node = dict[str, Any]
Index = tuple[int, ...]
L = TypeVar("L", bound=Layer)

MOST_TERMS = 12  # of a sum; the others are added up

# -- nodes -----------------------------------------------------------------------------


def value(name: str, number: float, *index: int) -> Node:
    """Return a number out of an array."""
    return {"is": "value", "name": name, "index": list(index), "value": float(number)}


def number(constant: float) -> Node:
    return {"is": "number", "value": float(constant)}


def total(of: Sequence[Node]) -> Node:
    return {"is": "sum", "of": list(of), "value": added(n["value"] for n in of)}


def added(numbers: Iterable[float]) -> float:
    """Return a sum without rounding between; NaN where infinities meet."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return math.nan


def difference(a: Node, b: Node) -> Node:
    return {"is": "difference", "of": [a, b], "value": a["value"] - b["value"]}


def product(*of: Node) -> Node:
    return {"is": "product", "of": list(of), "value": math.prod(n["value"] for n in of)}


def quotient(a: Node, b: Node) -> Node:
    return {"is": "quotient", "of": [a, b], "value": a["value"] / b["value"]}


def largest(of: Sequence[Node]) -> Node:
    return {"is": "max", "of": list(of), "value": max(n["value"] for n in of)}


def function(name: str, of: Node) -> Node:
    """Return a function of one number: ``"exp"``, ``"log"``, ``"sqrt"``, ``"tanh"``."""
    result = FUNCTIONS[name](of["value"])
    return {"is": "function", "name": name, "of": [of], "value": result}


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": _exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
}


def strongest(values: Array, node_at: Callable[[int], Node]) -> list[Node]:
    """Return the nodes of the 12 largest values, and one for the sum of the others.

    Parameters
    ----------
    values : array of shape (n,)
    node_at : callable
        The node of the i-th value.
    """
    order = np.argsort(-np.abs(values), kind="stable")
    shown, left = order[:MOST_TERMS], order[MOST_TERMS:]
    nodes = [node_at(int(i)) for i in shown]
    if len(left):
        rest = added(values[left].tolist())
        nodes.append({"is": "rest", "count": len(left), "value": rest})
    return nodes


# -- weighted sums ---------------------------------------------------------------------


def _dense(piece: Piece, x: Array, index: Index) -> Node:
    layer, (j,) = as_kind(piece, Dense), index
    inputs, weights = x.astype(np.float64), layer.W[:, j].astype(np.float64)

    def term(i: int) -> Node:
        return product(value("x", inputs[i], i), value("W", weights[i], i, j))

    terms = strongest(inputs * weights, term)
    if layer.use_bias:
        terms.append(value("b", layer.b[j], j))
    return total(terms)


def _convolution(piece: Piece, x: Array, index: Index) -> Node:
    layer, (i, j, f) = as_kind(piece, Conv2D), index
    rows, columns = window(piece, i, j)
    c = layer.W.shape[2]
    first = c * (f // (layer.filters // layer.groups))  # channel of the filter's group
    seen = x[np.ix_(rows[1], columns[1], range(first, first + c))].astype(np.float64)
    kernel = layer.W[np.ix_(rows[0], columns[0], range(c))][..., f].astype(np.float64)

    def term(place: int) -> Node:
        r, s, k = (int(n) for n in np.unravel_index(place, seen.shape))
        pixel = (rows[1][r], columns[1][s], first + k)
        tap = (rows[0][r], columns[0][s], k, f)
        return product(
            value("x", seen[r, s, k], *pixel), value("W", kernel[r, s, k], *tap)
        )

    terms = strongest((seen * kernel).reshape(-1), term)
    if layer.use_bias:
        terms.append(value("b", layer.b[f], f))
    return total(terms)


def window(
    piece: Piece, i: int, j: int
) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """Return what the window of output (i, j) sees: of rows, and of columns.

    For each the places of the kernel that lie within the image, and its rows (columns)
    that meet them. Padding adds nothing, and is left out.
    """
    windows = windows_of(piece)

    def along(axis: int, place: int) -> tuple[list[int], list[int]]:
        start = place * windows.stride[axis] - windows.before[axis]
        taps = range(windows.kernel[axis])
        met = [(k, start + k * windows.dilation[axis]) for k in taps]
        inside = [(k, at) for k, at in met if 0 <= at < windows.image[axis]]
        return [k for k, _ in inside], [at for _, at in inside]

    return along(0, i), along(1, j)


def windows_of(piece: Piece) -> Windows:
    """Return the windows of a convolution or a pooling."""
    layer, image = piece.layer, piece.input_shape
    if isinstance(layer, Conv2D):
        kernel, dilation = layer.kernel_size, layer.dilation
        return Windows(image, kernel, layer.stride, layer.padding, dilation)
    if isinstance(layer, MaxPool2D | AveragePool2D):
        return Windows(image, layer.pool_size, layer.stride, layer.padding)
    raise TypeError(f"{piece.kind} has no windows")


# -- maxima and means ------------------------------------------------------------------


def _pixels(piece: Piece, x: Array, index: Index) -> tuple[Array, list[Index]]:
    """Return what a window of a pooling sees of one map, and where that stands."""
    i, j, c = index
    rows, columns = window(piece, i, j)
    seen = x[np.ix_(rows[1], columns[1], [c])].reshape(-1).astype(np.float64)
    return seen, [(row, column, c) for row in rows[1] for column in columns[1]]


def _maximum(piece: Piece, x: Array, index: Index) -> Node:
    seen, places = _pixels(piece, x, index)
    order = np.argsort(-seen, kind="stable")[:MOST_TERMS]
    shown = sorted(order.tolist())  # as they stand in the window
    return largest([value("x", seen[n], *places[n]) for n in shown])


def _mean(seen: Array, places: list[Index]) -> Node:
    terms = strongest(seen, lambda n: value("x", seen[n], *places[n]))
    return quotient(total(terms), number(len(seen)))


def _average(piece: Piece, x: Array, index: Index) -> Node:
    return _mean(*_pixels(piece, x, index))


def _global_average(piece: Piece, x: Array, index: Index) -> Node:
    (c,) = index
    seen = x[:, :, c].reshape(-1).astype(np.float64)
    w = x.shape[1]
    return _mean(seen, [(n // w, n % w, c) for n in range(len(seen))])


# -- normalisation ---------------------------------------------------------------------


def _batch_norm(piece: Piece, x: Array, index: Index) -> Node:
    layer, c = as_kind(piece, BatchNorm), index[-1]
    return _normal(
        value("x", x[index], *index),
        value("running_mean", layer.running_mean[c], c),
        value("running_variance", layer.running_variance[c], c),
        layer,
        c,
    )


def _layer_norm(piece: Piece, x: Array, index: Index) -> Node:
    layer = as_kind(piece, LayerNorm)
    row = x[index[:-1]].astype(np.float64)
    here = value("x", x[index], *index)
    mean, variance = value("mean", row.mean()), value("variance", row.var())
    return _normal(here, mean, variance, layer, index[-1])


def _normal(
    x: Node, mean: Node, variance: Node, layer: BatchNorm | LayerNorm, c: int
) -> Node:
    spread = function("sqrt", total([variance, value("epsilon", layer.epsilon)]))
    normal = quotient(difference(x, mean), spread)
    scaled = product(value("gamma", layer.gamma[c], c), normal)
    return total([scaled, value("beta", layer.beta[c], c)])


# -- number by number ------------------------------------------------------------------


def _itself(piece: Piece, x: Array, index: Index) -> Node:
    """Return the number of x that stands where it stands in y, in rows."""
    place = int(np.ravel_multi_index(index, piece.output_shape))
    origin = tuple(int(n) for n in np.unravel_index(place, x.shape))
    return value("x", x[origin], *origin)


def _relu(piece: Piece, x: Array, index: Index) -> Node:
    return largest([value("x", x[index], *index), number(0)])


def _leaky_relu(piece: Piece, x: Array, index: Index) -> Node:
    here = value("x", x[index], *index)
    slope = value("negative_slope", as_kind(piece, LeakyReLU).negative_slope)
    return largest([here, product(slope, here)])


def _elu(piece: Piece, x: Array, index: Index) -> Node:
    here = value("x", x[index], *index)
    if here["value"] > 0:
        return largest([here, number(0)])
    curve = difference(function("exp", here), number(1))
    return product(value("alpha", as_kind(piece, ELU).alpha), curve)


def _tanh(piece: Piece, x: Array, index: Index) -> Node:
    return function("tanh", value("x", x[index], *index))


def _sigmoid(piece: Piece, x: Array, index: Index) -> Node:
    minus = product(number(-1), value("x", x[index], *index))
    return quotient(number(1), total([number(1), function("exp", minus)]))


def _softplus(piece: Piece, x: Array, index: Index) -> Node:
    here = value("x", x[index], *index)
    # log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|), which cannot overflow.
    small = function("exp", number(-abs(here["value"])))
    return total(
        [largest([here, number(0)]), function("log", total([number(1), small]))]
    )


def _gelu(piece: Piece, x: Array, index: Index) -> Node:
    here = value("x", x[index], *index)
    cube = product(number(GELU_CUBE), here, here, here)
    bend = function("tanh", product(number(GELU_SCALE), total([here, cube])))
    return product(number(0.5), here, total([number(1), bend]))


def _residual(piece: Piece, x: Array, index: Index) -> Node:
    branches = as_branches(piece)
    batch = x[np.newaxis]
    place = (0, *index)
    main = branches.main.forward(batch)[-1][place]
    side = branches.side.forward(batch)[-1][place]
    return total([value("F(x)", main, *index), value("S(x)", side, *index)])


# -- the end ---------------------------------------------------------------------------


def softmax_formula(z: Array, k: int) -> Node:
    """Return the formula of the probability of class k, for logits z (K,)."""
    top = value("max", z.max())
    return quotient(
        _power(z, k, top), total([_power(z, j, top) for j in range(len(z))])
    )


def loss_formula(z: Array, label: int) -> Node:
    """Return the formula of −log of the probability of the right class.

    As the engine computes it: log Σ e^(z − max) − (z[label] − max).
    """
    top = value("max", z.max())
    powers = total([_power(z, j, top) for j in range(len(z))])
    return difference(
        function("log", powers), difference(value("z", z[label], label), top)
    )


def _power(z: Array, k: int, top: Node) -> Node:
    return function("exp", difference(value("z", z[k], k), top))


FORMULAS: dict[str, Callable[[Piece, Array, Index], Node]] = {
    "Dense": _dense,
    "Conv2D": _convolution,
    "MaxPool2D": _maximum,
    "AveragePool2D": _average,
    "GlobalAveragePool2D": _global_average,
    "Residual": _residual,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "GELU": _gelu,
    "Tanh": _tanh,
    "Sigmoid": _sigmoid,
    "Softplus": _softplus,
    "Dropout": _itself,
    "SpatialDropout2D": _itself,
    "BatchNorm": _batch_norm,
    "LayerNorm": _layer_norm,
    "Flatten": _itself,
}


def formula(piece: Piece, x: Array, index: Index) -> Node:
    """Return how one number of a layer's output comes about.

    Parameters
    ----------
    piece : Piece
    x : array of shape (*input_shape,)
        What the layer reads: one sample.
    index : tuple of int
        Which number of its output.
    """
    return FORMULAS[piece.kind](piece, x, index)


def as_kind(piece: Piece, kind: type[L]) -> L:
    """Return the layer of a piece, which is of this kind."""
    if not isinstance(piece.layer, kind):
        raise TypeError(f"expected {kind.__name__}; got {piece.layer!r}")
    return piece.layer


def as_branches(piece: Piece) -> Branches:
    if not isinstance(piece, Branches):
        raise TypeError(f"expected a residual layer; got {piece.layer!r}")
    return piece
