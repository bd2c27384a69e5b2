"""Formulas of what flows back: ∂loss/∂ of a weight, of a layer's number, of a pixel.

The nodes are those of `ardoise.slate.formulas`. In their names, ``dy`` is ∂loss/∂ of
what the layer gave, and comes from behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product as pairs_of

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    LayerNorm,
)
from ardoise.slate.formulas import (
    Index,
    Node,
    as_branches,
    as_kind,
    difference,
    function,
    number,
    product,
    quotient,
    strongest,
    total,
    value,
    window,
    windows_of,
)
from ardoise.slate.walk import Piece

# -- of weights ------------------------------------------------------------------------


def gradient_formula(
    piece: Piece, x: Array, dy: Array, name: str, index: Index
) -> Node | None:
    """Return the formula of ∂loss/∂ of one weight; None of what has no formula here.

    Parameters
    ----------
    piece : Piece
    x, dy : arrays of shapes (*input_shape,) and (*output_shape,)
        What the layer read, and ∂loss/∂ of what it gave: of one sample.
    name : str
        ``"W"``, ``"b"``, ``"gamma"`` or ``"beta"``.
    index : tuple of int
    """
    of = GRADIENTS.get((piece.kind, name))
    return None if of is None else of(piece, x, dy, index)


def _dense_weight(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    i, j = index
    return product(value("x", x[i], i), value("dy", dy[j], j))


def _kernel_weight(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    layer, (r, s, k, f) = as_kind(piece, Conv2D), index
    c = layer.W.shape[2]
    channel = k + c * (f // (layer.filters // layer.groups))
    starts = windows_of(piece).before
    found = []  # places in x and dy that meet at this tap, within the image
    for i, j in np.ndindex(*dy.shape[:2]):
        row = i * layer.stride[0] - starts[0] + r * layer.dilation[0]
        column = j * layer.stride[1] - starts[1] + s * layer.dilation[1]
        if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
            found.append(((row, column, channel), (i, j, f)))
    pixels = np.array([x[at] for at, _ in found], np.float64)
    slopes = np.array([dy[at] for _, at in found], np.float64)

    def term(n: int) -> Node:
        at, back = found[n]
        return product(value("x", pixels[n], *at), value("dy", slopes[n], *back))

    return total(strongest(pixels * slopes, term))


def _bias(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    """Return Σ dy over all places of a feature: the gradient of what is added there."""
    (c,) = index
    slopes = dy[..., c].astype(np.float64)
    if not slopes.ndim:
        return value("dy", dy[c], c)

    def term(n: int) -> Node:
        at = tuple(int(k) for k in np.unravel_index(n, slopes.shape))
        return value("dy", slopes[at], *at, c)

    return total(strongest(slopes.reshape(-1), term))


def _gamma(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    """Return Σ dy x̂ over all places of a feature."""
    (c,) = index
    layer, wide = piece.layer, x.astype(np.float64)
    if isinstance(layer, BatchNorm):
        mean, variance = layer.running_mean[c], layer.running_variance[c]
        normal = (wide[..., c] - mean) / np.sqrt(variance + layer.epsilon)
    else:
        variance = wide.var(axis=-1) + as_kind(piece, LayerNorm).epsilon
        normal = (wide[..., c] - wide.mean(axis=-1)) / np.sqrt(variance)
    slopes = dy[..., c].astype(np.float64)

    def term(n: int) -> Node:
        at = tuple(int(k) for k in np.unravel_index(n, slopes.shape))
        return product(value("dy", slopes[at], *at, c), value("x̂", normal[at], *at, c))

    return total(strongest((slopes * normal).reshape(-1), term))


GRADIENTS: dict[tuple[str, str], Callable[[Piece, Array, Array, Index], Node]] = {
    ("Dense", "W"): _dense_weight,
    ("Dense", "b"): _bias,
    ("Conv2D", "W"): _kernel_weight,
    ("Conv2D", "b"): _bias,
    ("BatchNorm", "gamma"): _gamma,
    ("BatchNorm", "beta"): _bias,
    ("LayerNorm", "gamma"): _gamma,
    ("LayerNorm", "beta"): _bias,
}


# -- of numbers between layers ---------------------------------------------------------


def loss_slope(p: Array, label: int, k: int) -> Node:
    """Return the formula of ∂loss/∂ of output k: its probability, less its target."""
    return difference(value("p", p[k], k), number(float(k == label)))


def slope_formula(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    """Return the formula of ∂loss/∂ of one number that a layer reads.

    Parameters
    ----------
    piece : Piece
    x, dy : arrays of shapes (*input_shape,) and (*output_shape,)
        What the layer read, and ∂loss/∂ of what it gave: of one sample.
    index : tuple of int
        Which number of x.
    """
    return SLOPES.get(piece.kind, _curve)(piece, x, dy, index)


def _to_dense(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    (i,) = index
    weights = as_kind(piece, Dense).W[i].astype(np.float64)
    slopes = dy.astype(np.float64)

    def term(j: int) -> Node:
        return product(value("W", weights[j], i, j), value("dy", slopes[j], j))

    return total(strongest(weights * slopes, term))


def _to_convolution(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    layer, channel = as_kind(piece, Conv2D), index[2]
    c, per_group = layer.W.shape[2], layer.filters // layer.groups
    group, k = divmod(channel, c)
    filters = range(group * per_group, (group + 1) * per_group)
    places = [
        ((r, s, k, f), (i, j, f))
        for (r, i), (s, j) in pairs_of(
            _meeting(piece, 0, index), _meeting(piece, 1, index)
        )
        for f in filters
    ]
    weights = np.array([layer.W[at] for at, _ in places], np.float64)
    slopes = np.array([dy[at] for _, at in places], np.float64)

    def term(n: int) -> Node:
        tap, out = places[n]
        return product(value("W", weights[n], *tap), value("dy", slopes[n], *out))

    return total(strongest(weights * slopes, term))


def _meeting(piece: Piece, axis: int, index: Index) -> list[tuple[int, int]]:
    """Return (tap, output) for all windows that hold a row, or a column."""
    windows = windows_of(piece)
    found = []
    for k in range(windows.kernel[axis]):
        ahead = index[axis] + windows.before[axis] - k * windows.dilation[axis]
        out, left = divmod(ahead, windows.stride[axis])
        if not left and 0 <= out < windows.output[axis]:
            found.append((k, out))
    return found


def _outputs(piece: Piece, index: Index) -> list[Index]:
    """Return the outputs of a pooling whose windows hold a pixel."""
    rows, columns = (_meeting(piece, axis, index) for axis in (0, 1))
    return [(i, j, index[2]) for _, i in rows for _, j in columns]


def _to_maximum(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    won = []
    for i, j, c in _outputs(piece, index):
        rows, columns = window(piece, i, j)
        seen = x[np.ix_(rows[1], columns[1], [c])].reshape(-1)
        first = divmod(int(seen.argmax()), len(columns[1]))
        if (rows[1][first[0]], columns[1][first[1]]) == index[:2]:
            won.append(value("dy", dy[i, j, c], i, j, c))
    return total(won) if won else number(0)


def _to_average(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    shares = []
    for i, j, c in _outputs(piece, index):
        rows, columns = window(piece, i, j)
        pixels = len(rows[1]) * len(columns[1])
        shares.append(quotient(value("dy", dy[i, j, c], i, j, c), number(pixels)))
    return total(shares) if shares else number(0)


def _to_global_average(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    c = index[2]
    return quotient(value("dy", dy[c], c), number(x.shape[0] * x.shape[1]))


def _to_batch_norm(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    layer, c = as_kind(piece, BatchNorm), index[-1]
    variance = value("running_variance", layer.running_variance[c], c)
    spread = function("sqrt", total([variance, value("epsilon", layer.epsilon)]))
    scale = quotient(value("gamma", layer.gamma[c], c), spread)
    return product(value("dy", dy[index], *index), scale)


def _to_layer_norm(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    """Return (g − mean(g) − x̂ mean(g x̂)) / σ, with g = gamma dy."""
    layer, c = as_kind(piece, LayerNorm), index[-1]
    row = x[index[:-1]].astype(np.float64)
    normal = (row - row.mean()) / np.sqrt(row.var() + layer.epsilon)
    g = layer.gamma * dy[index[:-1]].astype(np.float64)
    own = product(value("gamma", layer.gamma[c], c), value("dy", dy[index], *index))
    spread = total([value("variance", row.var()), value("epsilon", layer.epsilon)])
    bent = product(
        value("x̂", normal[c], *index), value("mean(g x̂)", (g * normal).mean())
    )
    level = difference(own, value("mean(g)", g.mean()))
    return quotient(difference(level, bent), function("sqrt", spread))


def _to_same(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    place = int(np.ravel_multi_index(index, x.shape))
    origin = tuple(int(n) for n in np.unravel_index(place, dy.shape))
    return value("dy", dy[origin], *origin)


def _to_residual(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    branches, place = as_branches(piece), (0, *index)
    sent = []
    for name, walk in (("dF", branches.main), ("dS", branches.side)):
        walk.forward(x[np.newaxis], keep=True)
        sent.append(value(name, walk.backward(dy[np.newaxis])[0][place], *index))
    return total(sent)


def _to_relu(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    return product(value("dy", dy[index], *index), number(float(x[index] > 0)))


def _curve(piece: Piece, x: Array, dy: Array, index: Index) -> Node:
    """Return dy times the slope at x of a function that works number by number."""
    piece.forward(x[np.newaxis], keep=True)
    slope = piece.backward(np.ones_like(x)[np.newaxis])[(0, *index)]
    return product(value("dy", dy[index], *index), value("slope", slope, *index))


SLOPES: dict[str, Callable[[Piece, Array, Array, Index], Node]] = {
    "Dense": _to_dense,
    "Conv2D": _to_convolution,
    "MaxPool2D": _to_maximum,
    "AveragePool2D": _to_average,
    "GlobalAveragePool2D": _to_global_average,
    "Residual": _to_residual,
    "ReLU": _to_relu,
    "Dropout": _to_same,
    "SpatialDropout2D": _to_same,
    "BatchNorm": _to_batch_norm,
    "LayerNorm": _to_layer_norm,
    "Flatten": _to_same,
}
