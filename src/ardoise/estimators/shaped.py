"""Samples that have a shape, images say, and may come as rows all the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.checks import check_finite_input
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.frames import has_bytes, has_whole_numbers, is_sparse, to_array
from ardoise.estimators.parameters import in_order
from ardoise.estimators.stochastic import draw_seed
from ardoise.estimators.validation import check_samples_in

# What whole numbers keep when they are read; others become the first of these.
WHOLE = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (64, 32, 16, 8)]


class ShapedEstimator(FittedEstimator):
    """An estimator whose samples have a shape, and may come as rows all the same.

    Bytes (uint8: arrays, tables, sparse matrices) are grey levels, read as x / 255. An
    estimator that was trained on bytes takes all whole numbers for bytes from then on,
    whatever holds them: lists, int64, tables. Floating-point numbers are taken as they
    are. Sparse matrices stay sparse for networks that read vectors; for those that read
    images, they are made dense.

    Attributes
    ----------
    n_features_in_ : int
        Numbers in a sample.
    input_shape_ : tuple of int
        Of a sample.
    """

    takes_sparse: ClassVar[bool] = True

    n_features_in_: int
    input_shape_: tuple[int, ...]
    dtype: str | None
    _reads_bytes: bool = False

    # The parameter that gives it for rows, and how many numbers that may have.
    shape_parameter: ClassVar[str]
    shape_lengths: ClassVar[tuple[int, ...]]

    def _asked_shape(self) -> tuple[int, ...] | None:
        """Return the shape that the user asks for, or None; refuse what is none."""
        name = self.shape_parameter
        return _check_shape(name, getattr(self, name), self.shape_lengths)

    def _default_shape(self, n_features: int) -> tuple[int, ...]:
        """Return the shape of samples that come as rows of so many numbers."""
        raise NotImplementedError

    def _check_x(self, X: Any, *, reset: bool) -> Array | SparseRows:
        """Return samples (n, *input_shape_), without a copy if possible."""
        if isinstance(X, list | tuple) and _depth(X) > 2:
            X = np.asarray(X)
        if reset:
            self._reads_bytes = has_bytes(X)
        whole = self._reads_bytes and has_whole_numbers(X)
        x: Array | SparseRows
        if len(getattr(X, "shape", ())) > 2 and not is_sparse(X):
            x = self._check_images(X, whole=whole, reset=reset)
        else:
            x = self._check_rows(X, whole=whole, reset=reset)
        if isinstance(x, SparseRows):
            if len(self.input_shape_) == 1:
                return x
            x = x[:]  # convolutions read images, which are dense
        return np.ascontiguousarray(x).reshape(len(x), *self.input_shape_)

    def _check_rows(self, X: Any, *, whole: bool, reset: bool) -> Array | SparseRows:
        if whole and isinstance(X, list | tuple):
            X = np.asarray(X)
        if not whole:
            x = check_samples_in(self, X, reset=reset)
        else:
            x = check_samples_in(self, X, reset=reset, dtypes=WHOLE)
            x = self._scaled(x) if isinstance(x, SparseRows) else _as_bytes(x)
        if reset:
            features = math.prod(x.shape[1:])
            asked = self._asked_shape()
            if asked is not None and math.prod(asked) != features:
                raise ValueError(
                    f"{self.shape_parameter}={asked} holds {math.prod(asked)} numbers; "
                    f"got samples of {features}"
                )
            self.input_shape_ = _with_channel(asked or self._default_shape(features))
        return x

    def _check_images(self, X: Any, *, whole: bool, reset: bool) -> Array:
        x, name = to_array(X, None), type(self).__name__
        if x.ndim > 4:
            raise ValueError(
                "images must have the shape (n, h, w) or (n, h, w, c); got "
                f"{x.ndim} dimensions, {x.shape}"
            )
        if not x.size:
            raise ValueError(
                f"Found array with {len(x)} sample(s) (shape={x.shape}) while a "
                f"minimum of 1 is required by {name}."
            )
        if whole:
            x = _as_bytes(x)
        elif x.dtype.kind != "f":
            x = x.astype(np.float64)
        check_finite_input(x, "X", name)
        self._check_shape(x.shape[1:], reset=reset)
        return x

    def _check_shape(self, shape: tuple[int, ...], *, reset: bool) -> None:
        """Learn the shape of images, or refuse those of another one."""
        full = _with_channel(shape)
        if not reset:
            if full != self.input_shape_:
                raise ValueError(
                    f"X must hold samples of the shape {self.input_shape_}, as in "
                    f"training; got {shape}"
                )
            return
        asked = self._asked_shape()
        if asked is not None and full != _with_channel(asked):
            raise ValueError(
                f"{self.shape_parameter}={asked} is not the shape of the images, "
                f"{shape}: leave it out, or give images of that shape"
            )
        self.input_shape_ = full
        self.n_features_in_ = math.prod(shape)
        vars(self).pop("feature_names_in_", None)

    def _scaled(self, rows: SparseRows) -> SparseRows:
        """Return sparse bytes as numbers: those that are stored, divided by 255."""
        dtype = np.dtype(self.dtype or np.float32)
        data = _as_bytes(rows.data).astype(dtype)
        np.multiply(data, 1 / 255, out=data)  # as the engine does with dense ones
        return SparseRows(data, rows.indices, rows.indptr, rows.shape[1])

    def _dtype(self, x: Array | SparseRows) -> Any:
        if self.dtype is not None:
            return self.dtype
        return np.float64 if x.dtype == np.float64 else np.float32

    def _input_shape(self, n_features: int) -> tuple[int, ...]:
        return self.input_shape_

    def _network_seed(self, random_state: Any) -> np.random.Generator:
        return draw_seed(random_state)

    def _initialize(self, network: Network, random_state: Any) -> None:
        """Leave the weights as the layers draw them."""

    def __sklearn_is_fitted__(self) -> bool:
        return "network_" in vars(self)


def _check_shape(
    name: str, shape: Any, lengths: Sequence[int]
) -> tuple[int, ...] | None:
    """Return the shape that a parameter gives as a tuple, None for None.

    Parameters
    ----------
    name : str
        The parameter.
    shape : sequence of int or None
    lengths : sequence of int
        How many numbers it may have.

    Raises
    ------
    ValueError
        If it is none.
    """
    if shape is None:
        return None
    sizes = in_order(shape)
    whole = all(isinstance(size, Integral) and int(size) > 0 for size in sizes)
    if len(sizes) not in lengths or not whole:
        forms = {1: "(features,)", 2: "(h, w)", 3: "(h, w, c)"}
        raise ValueError(
            f"{name} must be {' or '.join(forms[k] for k in lengths)}, positive whole "
            f"numbers; got {shape!r}"
        )
    return tuple(int(size) for size in sizes)


def _with_channel(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a sample; images without channels have one."""
    return (*shape, 1) if len(shape) == 2 else shape


def _depth(values: Any) -> int:
    """Return how many lists lie in each other."""
    depth = 0
    while isinstance(values, list | tuple | np.ndarray) and len(values):
        depth, values = depth + 1, values[0]
    return depth


def _as_bytes(x: Array) -> Array:
    """Return whole numbers as bytes, if they are such.

    Raises
    ------
    ValueError
        If one lies outside of 0 to 255.
    """
    if x.dtype == np.uint8 or not x.size:
        return x.astype(np.uint8, copy=False)
    low, high = x.min(), x.max()
    if low < 0 or high > 255:
        raise ValueError(
            "X must hold bytes, 0 to 255, as in training, or floating-point numbers, "
            f"which are taken as they are; got whole numbers from {low} to {high}"
        )
    return x.astype(np.uint8)
