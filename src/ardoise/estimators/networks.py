"""Estimators around other networks: convolutions, and any list of layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array, check_finite
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    ReLU,
)
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.constraints import (
    CLASSIFIER,
    CONV,
    NETWORK,
    REGRESSOR,
    STOCHASTIC,
)
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.incremental import IncrementalClassifier, IncrementalRegressor
from ardoise.estimators.stochastic import draw_seed
from ardoise.estimators.validation import check_samples_in


class ShapedEstimator(FittedEstimator):
    """An estimator whose samples have a shape, and may come as rows all the same.

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

    def _shape_for(self, n_features: int) -> tuple[int, ...]:
        """Return the shape of samples that come as rows of so many numbers."""
        raise NotImplementedError

    def _check_x(self, X: Any, *, reset: bool) -> Array | SparseRows:
        """Return samples (n, *input_shape_), without a copy if possible."""
        if isinstance(X, list | tuple) and _depth(X) > 2:
            X = np.asarray(X)
        if len(getattr(X, "shape", ())) <= 2 and not _is_bytes(X):
            rows = check_samples_in(self, X, reset=reset)
            x = rows[:] if isinstance(rows, SparseRows) else rows
        else:
            x = np.asanyarray(X)
            if x.dtype != np.uint8 and x.dtype.kind != "f":
                x = x.astype(np.float64)
            if not len(x) or not x[0].size:
                raise ValueError(
                    f"Found array with {len(x)} sample(s) (shape={x.shape}) while a "
                    f"minimum of 1 is required by {type(self).__name__}."
                )
            if x.dtype.kind == "f":
                check_finite(x, "Input X")
            self._check_size(math.prod(x.shape[1:]), reset=reset)
        features = math.prod(x.shape[1:])
        if reset:
            shape = x.shape[1:] if x.ndim > 2 else self._shape_for(features)
            # Images without channels have one.
            self.input_shape_ = (*shape, 1) if len(shape) == 2 else tuple(shape)
        return np.ascontiguousarray(x).reshape(len(x), *self.input_shape_)

    def _check_size(self, features: int, *, reset: bool) -> None:
        if reset:
            self.n_features_in_ = features
            vars(self).pop("feature_names_in_", None)
        elif features != self.n_features_in_:
            raise ValueError(
                f"X has {features} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )

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


def _is_bytes(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype == np.uint8


def _depth(values: Any) -> int:
    """Return how many lists lie in each other."""
    depth = 0
    while isinstance(values, list | tuple | np.ndarray) and len(values):
        depth, values = depth + 1, values[0]
    return depth


def _check_shape(shape: Sequence[int], n_features: int, name: str) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in shape)
    if math.prod(sizes) != n_features:
        raise ValueError(
            f"{name}={sizes} holds {math.prod(sizes)} numbers; got samples of "
            f"{n_features}"
        )
    return sizes


class ConvClassifier(ShapedEstimator, IncrementalClassifier):
    """A convolutional network that classifies images.

    Convolution, maximum and ReLU for each entry of ``filters``, then dense layers.

    Parameters
    ----------
    filters : sequence of int
        Channels of each convolution.
    kernel_size : int
        Height and width of all kernels.
    pool_size : int
        Height and width of the maxima; 1 for none.
    padding : {"same", "valid"}
        Whether a convolution keeps the size of the image.
    hidden_layer_sizes : sequence of int
        Units of the dense layers.
    image_shape : (h, w) or (h, w, c), optional
        Of samples that come as rows. By default square, if the number of features is a
        square, else one column.
    batch_norm : bool
        Whether to normalise after each convolution.
    dropout : float
        Before each dense layer.
    dtype : {"float32", "float64"} or None
        Of the network. None: float64 if X is, else float32. (Bytes are read as
        x / 255.)

    The others are those of `MLPClassifier`, with other defaults: ``max_iter=10`` (a few
    epochs are enough, and nothing warns at the end) and ``alpha=0``.

    Examples
    --------
    >>> import numpy as np
    >>> from ardoise import ConvClassifier
    >>> stripes = np.zeros((40, 8, 8), np.float32)
    >>> stripes[:20, ::2], stripes[20:, :, ::2] = 1, 1
    >>> labels = ["across"] * 20 + ["down"] * 20
    >>> model = ConvClassifier(filters=(4,), max_iter=20, random_state=0)
    >>> model.fit(stripes, labels).predict(stripes[[0, 39]])
    array(['across', 'down'], dtype='<U6')
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {
        **STOCHASTIC,
        **CLASSIFIER,
        **CONV,
    }
    warns_at_the_end = False

    filters: Sequence[int]
    kernel_size: int
    pool_size: int
    padding: str
    hidden_layer_sizes: Any
    image_shape: Sequence[int] | None
    batch_norm: bool
    dropout: float

    def __init__(
        self,
        filters: Sequence[int] = (32, 64),
        kernel_size: int = 3,
        *,
        pool_size: int = 2,
        padding: str = "same",
        hidden_layer_sizes: Any = (128,),
        image_shape: Sequence[int] | None = None,
        batch_norm: bool = False,
        dropout: float = 0.0,
        dtype: str | None = None,
        solver: str | Mapping[str, Any] | Optimizer = "adam",
        alpha: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str | Mapping[str, Any] | Schedule = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 10,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        max_norm: float | None = None,
        weight_average: float | None = None,
        augmentation: Callable[..., Array] | None = None,
        metrics: Any = None,
        callbacks: Any = None,
        calibrate: bool = False,
        threads: int | None = None,
        progress_bar: bool = False,
    ) -> None:
        self._store(locals())

    def _shape_for(self, n_features: int) -> tuple[int, ...]:
        if self.image_shape is not None:
            return _check_shape(self.image_shape, n_features, "image_shape")
        side = math.isqrt(n_features)
        return (side, side) if side * side == n_features else (n_features, 1)

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        h, w, _ = self.input_shape_
        layers: list[Layer] = []
        for channels in self.filters:
            layers.append(Conv2D(channels, self.kernel_size, padding=self.padding))
            if self.padding == "valid":
                h, w = h - self.kernel_size + 1, w - self.kernel_size + 1
            if self.batch_norm:
                layers.append(BatchNorm())
            layers.append(ReLU())
            # Not across a side that is too short for it.
            pool = (min(self.pool_size, max(h, 1)), min(self.pool_size, max(w, 1)))
            if pool != (1, 1):
                layers.append(MaxPool2D(pool))
                h, w = h // pool[0], w // pool[1]
        layers.append(Flatten())
        sizes = self.hidden_layer_sizes
        for size in sizes if hasattr(sizes, "__iter__") else [sizes]:
            if self.dropout:
                layers.append(Dropout(self.dropout))
            layers += [Dense(int(size)), ReLU()]
        if self.dropout:
            layers.append(Dropout(self.dropout))
        return [*layers, Dense(n_outputs)]


class AnyLayers(ShapedEstimator):
    """What the two estimators around a list of layers share."""

    layers: Sequence[Layer] | None
    input_shape: Sequence[int] | None

    def _shape_for(self, n_features: int) -> tuple[int, ...]:
        if self.input_shape is None:
            return (n_features,)
        return _check_shape(self.input_shape, n_features, "input_shape")

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        layers = [Dense(100), ReLU()] if self.layers is None else list(self.layers)
        if not all(isinstance(layer, Layer) for layer in layers):
            raise ValueError(f"layers must hold Layer objects; got {layers!r}")
        # Copies: each layer object belongs to one network.
        layers = [layer.clone() for layer in layers]
        if len(self._output_shape(layers)) == 3:
            layers.append(Flatten())
        return [*layers, Dense(n_outputs)]

    def _output_shape(self, layers: Sequence[Layer]) -> tuple[int, ...]:
        shape = self.input_shape_
        for layer in layers:
            shape = layer.infer(shape).output_shape
        return shape


class NetworkClassifier(AnyLayers, IncrementalClassifier):
    """A classifier around any list of layers.

    Parameters
    ----------
    layers : sequence of Layer
        All but the last: a dense layer with one output a class (one in all, for two
        classes) is added, behind a `Flatten` where images come out. By default
        ``[Dense(100), ReLU()]``.
    input_shape : tuple of int, optional
        Of samples that come as rows, ``(28, 28, 1)`` say.
    dtype : {"float32", "float64"} or None
        Of the network. None: float64 if X is, else float32. (Bytes are read as
        x / 255.)

    The others are those of `ConvClassifier`.

    Examples
    --------
    >>> from ardoise import Dense, GELU, LayerNorm, NetworkClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], ["a", "b", "b", "a"]
    >>> layers = [Dense(32), LayerNorm(), GELU()]
    >>> model = NetworkClassifier(layers, max_iter=200, random_state=0)
    >>> model.fit(X, y).predict(X)
    array(['a', 'b', 'b', 'a'], dtype='<U1')
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {
        **STOCHASTIC,
        **CLASSIFIER,
        **NETWORK,
    }
    warns_at_the_end = False

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        *,
        input_shape: Sequence[int] | None = None,
        dtype: str | None = None,
        solver: str | Mapping[str, Any] | Optimizer = "adam",
        alpha: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str | Mapping[str, Any] | Schedule = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        max_norm: float | None = None,
        weight_average: float | None = None,
        augmentation: Callable[..., Array] | None = None,
        metrics: Any = None,
        callbacks: Any = None,
        calibrate: bool = False,
        threads: int | None = None,
        progress_bar: bool = False,
    ) -> None:
        self._store(locals())


class NetworkRegressor(AnyLayers, IncrementalRegressor):
    """A regressor around any list of layers.

    Parameters
    ----------
    layers : sequence of Layer
        All but the last: a dense layer with one output a target is added.
    loss : str, mapping or Loss
        As for `MLPRegressor`.

    The others are those of `NetworkClassifier`, without what only classes need.

    Examples
    --------
    >>> from ardoise import Dense, NetworkRegressor, Tanh
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 0.0, 1.0]
    >>> model = NetworkRegressor(
    ...     [Dense(32), Tanh()], max_iter=800, learning_rate_init=0.02, random_state=0
    ... )
    >>> model.fit(X, y).predict(X).round(1).astype(float)
    array([0., 1., 0., 1.])
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {
        **STOCHASTIC,
        **REGRESSOR,
        **NETWORK,
    }
    warns_at_the_end = False

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        loss: str | Mapping[str, Any] | Loss = "squared_error",
        *,
        input_shape: Sequence[int] | None = None,
        dtype: str | None = None,
        solver: str | Mapping[str, Any] | Optimizer = "adam",
        alpha: float = 0.0,
        batch_size: int | str = "auto",
        learning_rate: str | Mapping[str, Any] | Schedule = "constant",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        max_norm: float | None = None,
        weight_average: float | None = None,
        augmentation: Callable[..., Array] | None = None,
        metrics: Any = None,
        callbacks: Any = None,
        threads: int | None = None,
        progress_bar: bool = False,
    ) -> None:
        self._store(locals())
