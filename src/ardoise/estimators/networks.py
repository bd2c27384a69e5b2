"""Estimators around other networks: convolutions, and any list of layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

from ardoise.engine.arrays import Array
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
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.estimators.constraints import (
    CLASSIFIER,
    CONV,
    NETWORK,
    REGRESSOR,
    STOCHASTIC,
)
from ardoise.estimators.incremental import IncrementalClassifier, IncrementalRegressor
from ardoise.estimators.parameters import in_order, whole_numbers
from ardoise.estimators.shaped import ShapedEstimator


class ConvClassifier(ShapedEstimator, IncrementalClassifier):
    """A convolutional network that classifies images.

    Convolution, maximum and ReLU for each entry of ``filters``, then dense layers.

    X holds images (n, h, w) or (n, h, w, c), or rows; a sparse matrix is made dense.
    Bytes (uint8) are read as x / 255, and after a training on bytes so are all whole
    numbers. Floating-point numbers are taken as they are.

    The parameters not listed here are those of `MLPClassifier`, with other defaults:
    ``max_iter=10`` (a few epochs are enough, and nothing warns at the end) and
    ``alpha=0``.

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
        square, else one column. Images have theirs, which must be the same.
    batch_norm : bool
        Whether to normalise after each convolution.
    dropout : float
        Before each dense layer.
    dtype : {"float32", "float64"} or None
        Of the network. None: float64 if X is, else float32.

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
    shape_parameter = "image_shape"
    shape_lengths = (2, 3)

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

    def _default_shape(self, n_features: int) -> tuple[int, ...]:
        side = math.isqrt(n_features)
        return (side, side) if side * side == n_features else (n_features, 1)

    def _channels(self) -> list[int]:
        filters = in_order(self.filters)
        for channels in filters:
            if not isinstance(channels, Integral) or channels < 1:
                raise ValueError(
                    "each of the filters must be a positive whole number; got "
                    f"{channels!r}"
                )
        return [int(channels) for channels in filters]

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        h, w, _ = self.input_shape_
        layers: list[Layer] = []
        for channels in self._channels():
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
        for size in whole_numbers("hidden_layer_sizes", self.hidden_layer_sizes):
            if self.dropout:
                layers.append(Dropout(self.dropout))
            layers += [Dense(size), ReLU()]
        if self.dropout:
            layers.append(Dropout(self.dropout))
        return [*layers, Dense(n_outputs)]


class AnyLayers(ShapedEstimator):
    """What the two estimators around a list of layers share."""

    shape_parameter = "input_shape"
    shape_lengths = (1, 2, 3)

    layers: Sequence[Layer] | None
    input_shape: Sequence[int] | None

    def _default_shape(self, n_features: int) -> tuple[int, ...]:
        return (n_features,)

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

    X holds rows, which may be a sparse matrix and stays one unless the layers read
    images; or images. Bytes are read as by `ConvClassifier`, which has the parameters
    that are not listed here, too.

    Parameters
    ----------
    layers : sequence of Layer
        All but the last: a dense layer with one output a class (one in all, for two
        classes) is added, behind a `Flatten` where images come out. By default
        ``[Dense(100), ReLU()]``.
    input_shape : tuple of int, optional
        Of samples that come as rows, ``(28, 28, 1)`` say.
    dtype : {"float32", "float64"} or None
        Of the network. None: float64 if X is, else float32.

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

    The parameters not listed here are those of `NetworkClassifier`, without what only
    classes need.

    Parameters
    ----------
    layers : sequence of Layer
        All but the last: a dense layer with one output a target is added.
    loss : str, mapping or Loss
        As for `MLPRegressor`.

    Examples
    --------
    >>> from ardoise import Dense, NetworkRegressor, Tanh
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 0.0, 1.0]
    >>> model = NetworkRegressor(
    ...     [Dense(32), Tanh()], max_iter=800, learning_rate_init=0.02, random_state=0
    ... )
    >>> model.fit(X, y).predict(X).round().astype(int)
    array([0, 1, 0, 1])
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
