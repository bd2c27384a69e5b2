"""The lines of the engine that compute a number, found in its own source.

Nothing here knows a line's number: each excerpt is looked up by what its first and last
line hold, so that it moves with the source. Where a line is no longer found, an error
says so, and a test fails.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ardoise
from ardoise.engine import losses
from ardoise.engine.layers import (
    Conv2D,
    Layer,
    MaxPool2D,
    activations,
    conv,
    dense,
    dropout,
    norm,
    pool,
    products,
    reshape,
    residual,
)
from ardoise.slate import walk

MOST_LINES = 12


class Excerpt(NamedTuple):
    """Some lines of a function.

    Attributes
    ----------
    function : callable
        Where they stand.
    first, last : str
        What the first and the last line hold, and no other line from there on.
    more : int
        Lines to show after the last one, which close its brackets.
    """

    function: Callable[..., Any]
    first: str
    last: str
    more: int = 0


class Lines(NamedTuple):
    """Lines of the source.

    Attributes
    ----------
    file : str
        Such as ``"ardoise/engine/layers/dense.py"``.
    first : int
        The number of the first line.
    lines : tuple of str
        Without what indents them all.
    """

    file: str
    first: int
    lines: tuple[str, ...]

    def config(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return {"file": self.file, "first": self.first, "lines": list(self.lines)}


@cache
def find(excerpt: Excerpt) -> Lines | None:
    """Return the lines of an excerpt; None where Ardoise comes without its source.

    Raises
    ------
    LookupError
        If the function no longer holds them, or more than 12 lines between them.
    """
    try:
        source, start = inspect.getsourcelines(excerpt.function)
    except OSError:
        return None
    name = excerpt.function.__qualname__
    first = _only(source, excerpt.first, 0, name)
    last = _only(source, excerpt.last, first, name) + excerpt.more
    if last - first >= MOST_LINES:
        raise LookupError(f"{name}: {last - first + 1} lines, from {excerpt.first!r}")
    file = Path(inspect.getfile(excerpt.function)).resolve()
    root = Path(ardoise.__file__).resolve().parents[1]
    text = textwrap.dedent("".join(source[first : last + 1]))
    return Lines(
        file.relative_to(root).as_posix(), start + first, tuple(text.splitlines())
    )


def _only(source: list[str], held: str, start: int, name: str) -> int:
    """Return the place of the only line from ``start`` on that holds something."""
    places = [i for i, line in enumerate(source) if i >= start and held in line]
    if len(places) != 1:
        raise LookupError(f"{name}: {len(places)} lines hold {held!r}, not one")
    return places[0]


# What computes y of each kind of layer, for one image outside training. (The bias of a
# convolution is added after the maximum that follows it, where there is one.)
FORWARD: dict[str, tuple[Excerpt, ...]] = {
    "Dense": (
        Excerpt(
            dense.Dense.prepare,
            "calls = [forward_product(",
            "calls.append(partial(np.add, y, self.b, out=y))",
        ),
        Excerpt(
            products.forward_product,
            "if n * k * m <= SMALL_PRODUCT or",
            "return partial(np.dot, x, W, out=y)",
        ),
    ),
    "Conv2D": (
        Excerpt(
            conv.Conv2D.prepare,
            "for strip in range(strips):",
            "calls.append(partial(np.add, y, out, out=y))",
        ),
        Excerpt(conv.Bias.prepare, "rows = (h * w, n * c)", "self.b, out="),
    ),
    "MaxPool2D": (
        Excerpt(
            pool.MaxPool2D.prepare,
            "for i, tap in enumerate(self._taps):",
            "calls.append(partial(np.maximum, best, seen, out=best))",
        ),
    ),
    "AveragePool2D": (
        Excerpt(
            pool.AveragePool2D.prepare,
            "for tap in self._taps:",
            "return [*calls, partial(np.multiply, y, self._weight, out=y)], y",
        ),
    ),
    "GlobalAveragePool2D": (
        Excerpt(
            pool.GlobalAveragePool2D.prepare,
            "weights = np.full(",
            "return [partial(np.dot, weights, pixels",
        ),
    ),
    "Residual": (
        Excerpt(
            residual.Residual.forward,
            "main = self._main.forward(",
            "return np.add(main, side,",
        ),
    ),
    "ReLU": (
        Excerpt(
            activations.ReLU.prepare,
            "y = x if self._in_place else",
            "return [partial(np.maximum, x, zeros, out=y)], y",
        ),
    ),
    "LeakyReLU": (
        Excerpt(
            activations.LeakyReLU.compute,
            "np.multiply(x, self.negative_slope, out=lower)",
            "np.maximum(x, lower, out=y)",
        ),
    ),
    "ELU": (
        Excerpt(
            activations.ELU.compute,
            "negative = scratch[0]",
            "np.add(y, negative, out=y)",
        ),
    ),
    "GELU": (
        Excerpt(
            activations.GELU.compute, "_gelu_tanh(x, y)", "np.multiply(y, 0.5, out=y)"
        ),
        Excerpt(
            activations._gelu_tanh,
            "np.multiply(x, x, out=out)",
            "np.tanh(out, out=out)",
        ),
    ),
    "Tanh": (
        Excerpt(activations.Tanh.compute, "np.tanh(x, out=y)", "np.tanh(x, out=y)"),
    ),
    "Sigmoid": (
        Excerpt(
            activations.Sigmoid.compute,
            "np.multiply(x, 0.5, out=y)",
            "np.add(y, 0.5, out=y)",
        ),
    ),
    "Softplus": (
        Excerpt(
            activations.Softplus.compute,
            "np.logaddexp(x, 0, out=y)",
            "np.logaddexp(x, 0, out=y)",
        ),
    ),
    "Dropout": (
        Excerpt(
            dropout.Dropout.prepare,
            "if not training:",
            "return [] if y is x else [partial(np.copyto, y, x)], y",
        ),
    ),
    "BatchNorm": (
        Excerpt(
            norm.BatchNorm.forward,
            "scale = self.gamma /",
            "np.add(y, self.beta - self.running_mean * scale, out=y)",
        ),
    ),
    "LayerNorm": (
        Excerpt(
            norm.LayerNorm.forward,
            "np.subtract(rows, self._row_mean(rows), out=normal)",
            "self._scale_and_shift(normal,",
        ),
        Excerpt(
            norm._Norm._scale_and_shift,
            "np.multiply(normal, self.gamma, out=y)",
            "np.add(y, self.beta, out=y)",
        ),
    ),
    "Flatten": (
        Excerpt(
            reshape.Flatten.prepare,
            "samples = self.work(",
            "return [copy], self.work(",
        ),
    ),
    "softmax": (
        Excerpt(
            losses.softmax,
            "p: Array = z - np.maximum.reduce(",
            "p /= np.add.reduce(",
        ),
    ),
    "loss": (
        Excerpt(
            losses.SoftmaxCrossEntropy.__call__,
            "np.exp(p, out=p)",
            "np.subtract(top, fit, out=fit)",
        ),
    ),
}
FORWARD["SpatialDropout2D"] = FORWARD["Dropout"]
# Windows of 2 × 2 that touch, nearly all that there are, have code of their own.
PAIRS = Excerpt(
    pool.pairs,
    "higher = x[0::2]",
    "partial(np.maximum, higher[:, 0::2], higher[:, 1::2], out=y)",
    more=1,
)


def code_of(kind: str, layer: Layer | None = None) -> list[dict[str, Any]]:
    """Return the lines that compute y of a kind of layer, as JSON values.

    Parameters
    ----------
    kind : str
        The name of its class, ``"softmax"`` or ``"loss"``.
    layer : Layer, optional
        The layer itself: what it was asked for decides which lines run.

    Returns
    -------
    list of dict
        First where its own numbers meet; then, perhaps, what that calls. Empty where
        Ardoise comes without its source.
    """
    excerpts = FORWARD[kind]
    if isinstance(layer, MaxPool2D) and layer.is_pairs:
        excerpts = (PAIRS,)
    if isinstance(layer, Conv2D) and not layer.use_bias:
        excerpts = excerpts[:1]
    return _as_json(excerpts)


# What computes ∂loss/∂ of an array of a kind of layer, or (x) of what it reads. Where
# the engine's own backward is that of a training batch, it is the walk's.
BACKWARD: dict[tuple[str, str], Excerpt] = {
    ("loss", "z"): Excerpt(
        losses.SoftmaxCrossEntropy.__call__,
        "np.divide(scale, total, out=total)",
        "flat[index] -= scale * (1 - smoothing)",
    ),
    ("Dense", "W"): Excerpt(
        dense.Dense.prepare_backward,
        "self.left = self._x, dy",
        "calls += [self.bias_gradient()] if self.use_bias",
    ),
    ("Dense", "b"): Excerpt(
        dense.Dense.bias_gradient,
        "_, dy = self.left",
        "return partial(np.dot, ones, dy, out=self.db)",
    ),
    ("Dense", "x"): Excerpt(
        dense.Dense.prepare_backward,
        "dx = self.work(",
        "calls.append(input_product(dy, self.W, dx))",
    ),
    ("Conv2D", "W"): Excerpt(
        conv.Conv2D._product_for_dW,
        "a = _cut(self._columns, size)",
        "return summed_product(",
    ),
    ("Conv2D", "b"): Excerpt(
        conv.Bias.prepare_backward,
        "rows = dy.reshape(",
        "return [partial(np.dot, ones, rows, out=self.db)]",
    ),
    ("Conv2D", "x"): Excerpt(
        conv.Conv2D._prepare_dx,
        "for tap in self._geometry.taps():",
        "partial(np.add, receiver, sent[tap.outputs], out=receiver)",
        more=1,
    ),
    ("MaxPool2D", "x"): Excerpt(
        pool.MaxPool2D.prepare_backward,
        "for i, tap in enumerate(self._taps):",
        "partial(np.add, receiver, sent[tap.outputs], out=receiver)",
        more=1,
    ),
    ("AveragePool2D", "x"): Excerpt(
        pool.AveragePool2D.prepare_backward,
        "partial(np.multiply, dy, self._weight, out=dy)",
        "calls.append(partial(np.add, receiver, dy[tap.outputs], out=receiver))",
    ),
    ("GlobalAveragePool2D", "x"): Excerpt(
        pool.GlobalAveragePool2D.prepare_backward,
        "pixels = self.input_shape[0]",
        "partial(np.copyto, dx, dy)",
        more=1,
    ),
    ("BatchNorm", "gamma"): Excerpt(walk.Normed.backward, "inverse = 1 /", "dx: Array"),
    ("BatchNorm", "x"): Excerpt(walk.Normed.backward, "dx: Array", "dx: Array"),
    ("LayerNorm", "gamma"): Excerpt(
        norm._Norm._parameter_gradients,
        "ones = self._ones[",
        "np.matmul(ones, rows, out=self.dbeta)",
    ),
    ("LayerNorm", "x"): Excerpt(
        norm.LayerNorm.backward,
        "np.multiply(rows, self.gamma, out=rows)",
        "np.multiply(rows, self._inverse[:n], out=rows)",
    ),
    ("Residual", "x"): Excerpt(walk.Branches.backward, "dx: Array", "dx: Array"),
    ("Flatten", "x"): Excerpt(walk.Same.backward, "return dy", "return dy"),
    ("ReLU", "x"): Excerpt(
        activations.ReLU.prepare_backward, "positive = self.work(", "], dy"
    ),
    **{
        (kind.__name__, "x"): Excerpt(kind.multiply_by_slope, first, last)
        for kind, first, last in (
            (activations.LeakyReLU, "np.greater(kept, 0,", "np.multiply(dy, slope,"),
            (activations.ELU, "np.add(kept, self.alpha,", "np.multiply(dy, slope,"),
            (activations.Tanh, "np.multiply(kept, kept,", "np.multiply(dy, slope,"),
            (activations.Sigmoid, "np.subtract(1, kept,", "np.multiply(dy, slope,"),
            (activations.Softplus, "np.negative(kept,", "np.negative(dy,"),
            (activations.GELU, "np.subtract(1, t, out", "np.multiply(dy, term,"),
        )
    },
}
BACKWARD["BatchNorm", "beta"] = BACKWARD["BatchNorm", "gamma"]
BACKWARD["LayerNorm", "beta"] = BACKWARD["LayerNorm", "gamma"]
BACKWARD["Dropout", "x"] = BACKWARD["SpatialDropout2D", "x"] = BACKWARD["Flatten", "x"]
PAIRS_BACK = Excerpt(
    pool.pairs_backward,
    "left, right = dx[:, 0::2]",
    "partial(np.subtract, left, right, out=left)",
    more=1,
)


def backward_code_of(
    kind: str, name: str, layer: Layer | None = None
) -> list[dict[str, Any]]:
    """Return the lines that compute a slope, as JSON values; of some, there are none.

    Parameters
    ----------
    kind : str
        The name of the layer's class, or ``"loss"``.
    name : str
        Of the array, such as ``"W"``; ``"x"`` is what the layer reads.
    layer : Layer, optional
    """
    excerpt = BACKWARD.get((kind, name))
    if isinstance(layer, MaxPool2D) and layer.is_pairs:
        excerpt = PAIRS_BACK
    return _as_json((excerpt,)) if excerpt else []


def _as_json(excerpts: tuple[Excerpt, ...]) -> list[dict[str, Any]]:
    """Return excerpts as JSON values, without those that have no source."""
    found = [find(excerpt) for excerpt in excerpts]
    return [lines.config() for lines in found if lines is not None]
