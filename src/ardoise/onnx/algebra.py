"""Formulas that an exporter has spelled out in additions and multiplications.

ONNX gained its own GELU in opset 20 and its layer normalisation in opset 17; before,
and in many exporters since, they are a dozen nodes. Whatever their order, they are one
polynomial in x and a few quantities made from it: the mean m of x, its variance v,
s = √(v + epsilon), and t = tanh of a polynomial. Here that polynomial is computed, and
compared with those of the layers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.model import Node

# Exponents of (x, m, v, s, t) → coefficient, broadcast to x as NumPy does it.
Powers = tuple[int, int, int, int, int]
Polynomial = dict[Powers, Array]

ONE: Powers = (0, 0, 0, 0, 0)
X: Powers = (1, 0, 0, 0, 0)
M: Powers = (0, 1, 0, 0, 0)
V: Powers = (0, 0, 1, 0, 0)
S: Powers = (0, 0, 0, 1, 0)
T: Powers = (0, 0, 0, 0, 1)
X_BY_S: Powers = (1, 0, 0, -1, 0)
M_BY_S: Powers = (0, 1, 0, -1, 0)
X_T: Powers = (1, 0, 0, 0, 1)
CUBE: Powers = (3, 0, 0, 0, 0)
# (x − m)², whose mean is v.
SQUARE: dict[Powers, float] = {
    (2, 0, 0, 0, 0): 1,
    (1, 1, 0, 0, 0): -2,
    (0, 2, 0, 0, 0): 1,
}
GELU_SCALE, GELU_CUBE = math.sqrt(2 / math.pi), 0.044715

MOST_TERMS = 12
CLOSE = 1e-5  # constants stand in files with six digits and more


class Unmatched(Exception):
    """The nodes are none of the formulas that are known here."""


class Formula(NamedTuple):
    """What some nodes compute from x.

    Attributes
    ----------
    kind : str
        ``"affine"``, ``"gelu"`` or ``"layer_norm"``.
    scale, shift : array
        What the result of GELU or the normalisation (of x itself, for "affine") is
        multiplied with, and what is added then.
    epsilon : float
        Of the normalisation.
    """

    kind: str
    scale: Array
    shift: Array
    epsilon: float = 0.0


class Algebra:
    """Computes with polynomials what nodes compute with arrays.

    Parameters
    ----------
    base : str
        The value that is x.
    rank, last_axis : int
        How many axes x has, and over which of them means are taken.
    known : function
        From the name of a value to its array, or None if it depends on x.
    attributes : function
        From a node to a mapping of its attributes, defaults included.
    """

    def __init__(
        self,
        base: str,
        rank: int,
        last_axis: int | None,
        known: Callable[[str], Array | None],
        attributes: Callable[[Node], Any],
    ) -> None:
        self.rank, self.last_axis = rank, last_axis
        self.known, self.attributes = known, attributes
        self.values: dict[str, Polynomial] = {base: {X: _number(1)}}
        self.epsilon: float | None = None
        self.inner: Polynomial | None = None  # what t is the tanh of

    def formula(self, nodes: Sequence[Node]) -> Formula:
        """Return what the last of these nodes gives.

        Raises
        ------
        Unmatched
            If it is none of the known formulas.
        """
        result: Polynomial = {}
        for node in nodes:
            result = self._node(node)
            self.values[node.outputs[0]] = result
        result = {powers: c for powers, c in result.items() if np.any(c)}
        shift = result.pop(ONE, _number(0))
        kinds = result.keys()
        if kinds == {X}:
            return Formula("affine", result[X], shift)
        if kinds == {X, X_T} and self._is_gelu(result):
            return Formula("gelu", 2 * result[X], shift)
        if kinds == {X_BY_S, M_BY_S} and self.epsilon is not None:
            if _equal(result[M_BY_S], -result[X_BY_S]):
                return Formula("layer_norm", result[X_BY_S], shift, self.epsilon)
        raise Unmatched

    def _is_gelu(self, result: Polynomial) -> bool:
        """Return whether it is a multiple of x (1 + t), with t the tanh of GELU."""
        inner = self.inner or {}
        return (
            _equal(result[X], result[X_T])
            and inner.keys() == {X, CUBE}
            and _equal(inner[X], GELU_SCALE)
            and _equal(inner[CUBE], GELU_SCALE * GELU_CUBE)
        )

    # -- nodes -----------------------------------------------------------------

    def _node(self, node: Node) -> Polynomial:
        if node.operator not in NODES or len(node.inputs) not in (1, 2):
            raise Unmatched
        return NODES[node.operator](self, node)

    def operand(self, node: Node, place: int) -> Polynomial:
        """Return an input of a node as a polynomial."""
        if place >= len(node.inputs):
            raise Unmatched
        name = node.inputs[place]
        if name in self.values:
            return self.values[name]
        array = self.known(name)
        if array is None or array.dtype.kind not in "fiu":
            raise Unmatched
        return {ONE: array.astype(np.float64)}

    def power(self, node: Node) -> Polynomial:
        x, exponent = self.operand(node, 0), self.operand(node, 1)
        if exponent.keys() != {ONE} or exponent[ONE].size != 1:
            raise Unmatched
        p = float(exponent[ONE].reshape(()))
        if p in (2, 3):
            square = _product(x, x)
            return square if p == 2 else _product(square, x)
        if p in (0.5, -0.5):
            root = self.root(x)
            return root if p > 0 else _inverse(root)
        if p == -1:
            return _inverse(x)
        raise Unmatched

    def root(self, x: Polynomial) -> Polynomial:
        """Return s for v + epsilon."""
        if x.keys() != {V, ONE} or x[ONE].size != 1 or not _equal(x[V], 1):
            raise Unmatched
        epsilon = float(x[ONE].reshape(()))
        if self.epsilon not in (None, epsilon):
            raise Unmatched
        self.epsilon = epsilon
        return {S: _number(1)}

    def tanh(self, x: Polynomial) -> Polynomial:
        """Return t, whose argument is remembered."""
        if self.inner is not None or not all(p[1:] == ONE[1:] for p in x):
            raise Unmatched
        self.inner = x
        return {T: _number(1)}

    def mean(self, node: Node) -> Polynomial:
        """Return m for x, and v for (x − m)²."""
        x, settings = self.operand(node, 0), self.attributes(node)
        axes = settings["axes"]
        if axes is None and len(node.inputs) == 2:
            array = self.known(node.inputs[1])
            axes = None if array is None else tuple(array.reshape(-1).tolist())
        if axes is None or len(axes) != 1 or not settings["keepdims"]:
            raise Unmatched
        if self.last_axis is None or axes[0] % self.rank != self.last_axis:
            raise Unmatched
        if x.keys() == {X} and _equal(x[X], 1):
            return {M: _number(1)}
        if x.keys() == SQUARE.keys() and all(_equal(x[p], SQUARE[p]) for p in x):
            return {V: _number(1)}
        raise Unmatched


def _number(value: float) -> Array:
    return np.array(value, np.float64)


def _equal(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=CLOSE, atol=0))


def _sum(a: Polynomial, b: Polynomial, sign: float = 1) -> Polynomial:
    total = dict(a)
    for powers, c in b.items():
        total[powers] = _checked(np.add, total.get(powers, _number(0)), sign * c)
    return total


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for p, c in a.items():
        for q, d in b.items():
            powers = p[0] + q[0], p[1] + q[1], p[2] + q[2], p[3] + q[3], p[4] + q[4]
            total = _sum(total, {powers: _checked(np.multiply, c, d)})
    if len(total) > MOST_TERMS:
        raise Unmatched
    return total


def _inverse(a: Polynomial) -> Polynomial:
    """Return 1 / a for a single term; no constant of it may be 0."""
    if len(a) != 1:
        raise Unmatched
    ((powers, c),) = a.items()
    if powers not in (ONE, S) or not np.all(c):
        raise Unmatched
    return {(0, 0, 0, -powers[3], 0): 1 / c}


def _checked(function: np.ufunc, a: Array, b: Array) -> Array:
    """Combine coefficients, where the result is no larger than one of them."""
    if math.prod(np.broadcast_shapes(a.shape, b.shape)) > max(a.size, b.size):
        raise Unmatched
    c: Array = function(a, b)
    return c


Rule = Callable[[Algebra, Node], Polynomial]


def _two(function: Callable[[Polynomial, Polynomial], Polynomial]) -> Rule:
    return lambda algebra, node: function(
        algebra.operand(node, 0), algebra.operand(node, 1)
    )


NODES: dict[str, Rule] = {
    "Add": _two(_sum),
    "Sum": _two(_sum),
    "Sub": _two(lambda a, b: _sum(a, b, -1)),
    "Mul": _two(_product),
    "Div": _two(lambda a, b: _product(a, _inverse(b))),
    "Neg": lambda algebra, node: _sum({}, algebra.operand(node, 0), -1),
    "Pow": Algebra.power,
    "Sqrt": lambda algebra, node: algebra.root(algebra.operand(node, 0)),
    "Reciprocal": lambda algebra, node: _inverse(algebra.operand(node, 0)),
    "Tanh": lambda algebra, node: algebra.tanh(algebra.operand(node, 0)),
    "ReduceMean": Algebra.mean,
    "Identity": lambda algebra, node: algebra.operand(node, 0),
}
