"""A network one layer at a time, as it stands: what each gives, and what it sends back.

The engine runs layers in the order that is fastest, and keeps few of their numbers.
Here each layer is a network of its own on copies of the weights: every number between
two layers can be shown, in the order in which the layers were asked for, and whatever
trains meanwhile is left alone. All is as outside training: batch normalisation uses its
running statistics, and dropout drops nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape, computing, to_float
from ardoise.engine.ensemble import members
from ardoise.engine.layers import BatchNorm, Layer, Residual, layer_from_config
from ardoise.engine.network import Network
from ardoise.engine.params import below
from ardoise.engine.threads import blas_threads

BATCH = 100  # images at a time, where there are many

Config = Mapping[str, Any]
Arrays = Mapping[str, Array]


class Piece:
    """One layer.

    Parameters
    ----------
    config : mapping
        As in `Network.config`.
    input_shape : tuple of int
        Of one sample.
    dtype : numpy dtype
    arrays : mapping of str to array
        Its parameters and running statistics, such as ``"W"``; copied.

    Attributes
    ----------
    kind : str
        The name of its class.
    layer : Layer
        With its weights, as ``layer.W``.
    input_shape, output_shape : tuple of int
    n_params : int
        How many numbers it has learned.
    """

    def __init__(
        self, config: Config, input_shape: Shape, dtype: np.dtype[Any], arrays: Arrays
    ) -> None:
        self.kind = str(config["type"])
        self.input_shape, self.dtype = input_shape, dtype
        alone = {"input_shape": list(input_shape), "dtype": dtype.name}
        # No first weights are drawn: they would take longer than all else.
        size = sum(array.size for array in arrays.values())
        self._network = Network.from_values(
            {**alone, "layers": [config]}, np.zeros(size, dtype)
        )
        self.layer: Layer = self._network.layers[0]
        self.output_shape = self._network.output_shape
        self.n_params = self._network.n_params
        self._arrays = below("0", self._network.arrays())
        for name, place in self._arrays.items():
            place[...] = arrays[name]

    def arrays(self) -> dict[str, Array]:
        """Return its parameters and running statistics by name, not copied."""
        return dict(self._arrays)

    def forward(self, x: Array, *, keep: bool = False) -> Array:
        """Return y (n, *output_shape) for x (n, *input_shape), in an array of its own.

        Parameters
        ----------
        x : array
        keep : bool
            Whether `backward` may follow.
        """
        return self._network.forward(x, training=keep).copy()

    def backward(self, dy: Array) -> Array:
        """Return ∂loss/∂x for ∂loss/∂y; `gradients` then has those of the weights."""
        dx = self._network.backward(dy.copy(), need_dx=True)
        if dx is None:  # cannot be: it was asked for
            raise RuntimeError(f"{self.kind}: no dx")
        return dx.copy()

    def gradients(self) -> dict[str, Array]:
        """Return ∂loss/∂W and so on, as the last `backward` left them."""
        return below("0", self._network.gradients())


class Same(Piece):
    """A layer that changes no number outside training: `Flatten`, `Dropout`."""

    def forward(self, x: Array, *, keep: bool = False) -> Array:
        return x.reshape(len(x), *self.output_shape)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(len(dy), *self.input_shape)

    def gradients(self) -> dict[str, Array]:
        return {}


class Normed(Piece):
    """Batch normalisation by its running statistics.

    The engine's backward is that of a batch, whose mean and variance depend on each
    sample. Outside training they are fixed, and y = gamma x̂ + beta is a straight line.
    """

    def forward(self, x: Array, *, keep: bool = False) -> Array:
        self._x = x
        return super().forward(x)

    def backward(self, dy: Array) -> Array:
        norm = self.layer
        if not isinstance(norm, BatchNorm):
            raise TypeError(f"expected BatchNorm; got {norm!r}")
        inverse = 1 / np.sqrt(norm.running_variance + norm.epsilon)  # (C,)
        normal = (self._x - norm.running_mean) * inverse  # x̂
        axes = tuple(range(dy.ndim - 1))
        self._gradients = {
            "gamma": np.sum(dy * normal, axis=axes),
            "beta": np.sum(dy, axis=axes),
        }
        dx: Array = dy * (norm.gamma * inverse)
        return dx

    def gradients(self) -> dict[str, Array]:
        return self._gradients


class Branches(Piece):
    """A residual layer: y = F(x) + S(x).

    Attributes
    ----------
    main, side : Walk
        F and S; S is x itself if it has no layers.
    """

    def __init__(
        self, config: Config, input_shape: Shape, dtype: np.dtype[Any], arrays: Arrays
    ) -> None:
        self.kind = str(config["type"])
        self.input_shape, self.dtype = input_shape, dtype
        self.main = Walk(config["layers"], input_shape, dtype, below("layers", arrays))
        side = below("shortcut", arrays)
        self.side = Walk(config["shortcut"], input_shape, dtype, side)
        self.layer = layer_from_config(config)
        self.output_shape = self.main.output_shape
        inner = (*self.main.pieces, *self.side.pieces)
        self.n_params = sum(piece.n_params for piece in inner)

    def arrays(self) -> dict[str, Array]:
        return self._named(lambda piece: piece.arrays())

    def forward(self, x: Array, *, keep: bool = False) -> Array:
        main = self.main.forward(x, keep=keep)[-1]
        y: Array = main + self.side.forward(x, keep=keep)[-1]
        return y

    def backward(self, dy: Array) -> Array:
        dx: Array = self.main.backward(dy)[0] + self.side.backward(dy)[0]
        return dx

    def gradients(self) -> dict[str, Array]:
        return self._named(lambda piece: piece.gradients())

    def _named(self, of: Callable[[Piece], dict[str, Array]]) -> dict[str, Array]:
        return {
            f"{branch}.{i}.{name}": array
            for branch, walk in (("layers", self.main), ("shortcut", self.side))
            for i, piece in enumerate(walk.pieces)
            for name, array in of(piece).items()
        }


_KINDS: dict[str, type[Piece]] = {
    "BatchNorm": Normed,
    "Residual": Branches,
    "Flatten": Same,
    "Dropout": Same,
    "SpatialDropout2D": Same,
}


class Walk:
    """Layers in a row, each to be looked at.

    Parameters
    ----------
    layers : sequence of mapping
        As in `Network.config`.
    input_shape : tuple of int
    dtype : numpy dtype
    arrays : mapping of str to array
        As `Network.arrays` names them; copied.

    Attributes
    ----------
    layers : tuple of mapping
        As given.
    pieces : list of Piece
        One a layer.
    input_shape, output_shape : tuple of int
    """

    def __init__(
        self,
        layers: Sequence[Config],
        input_shape: Shape,
        dtype: np.dtype[Any],
        arrays: Arrays,
    ) -> None:
        self.pieces: list[Piece] = []
        self.layers = tuple(layers)
        self.input_shape, self.dtype = input_shape, dtype
        shape = input_shape
        for i, config in enumerate(layers):
            kind = _KINDS.get(config["type"], Piece)
            piece = kind(config, shape, dtype, below(str(i), arrays))
            self.pieces.append(piece)
            shape = piece.output_shape
        self.output_shape = shape

    @classmethod
    def through(cls, network: Network) -> Walk:
        """Return a walk through a network as it is now; later it may change."""
        config = network.config()
        return cls(
            config["layers"], network.input_shape, network.dtype, network.arrays()
        )

    def astype(self, dtype: str) -> Walk:
        """Return a copy of another dtype: float64 to measure slopes, for instance."""
        arrays = {
            f"{i}.{name}": array
            for i, piece in enumerate(self.pieces)
            for name, array in piece.arrays().items()
        }
        return Walk(self.layers, self.input_shape, np.dtype(dtype), arrays)

    def entry(self, images: Array) -> Array:
        """Return images of bytes (n, h, w) as samples: x / 255, (n, *input_shape)."""
        x = images.reshape(len(images), *self.input_shape)
        return to_float(x, np.empty(x.shape, self.dtype))

    def forward(
        self,
        x: Array,
        *,
        keep: bool = False,
        silent: Mapping[int, Sequence[int]] | None = None,
    ) -> list[Array]:
        """Return x and what each layer gives for it.

        Parameters
        ----------
        x : array of shape (n, *input_shape)
        keep : bool
            Whether `backward` may follow.
        silent : mapping of int to sequence of int, optional
            Layer → units (maps of an image) that give 0.

        Returns
        -------
        list of arrays, one longer than `pieces`
            Layer i reads number i and gives number i + 1.
        """
        values = [x]
        with blas_threads(1), computing():
            for i, piece in enumerate(self.pieces):
                y = piece.forward(values[-1], keep=keep)
                if silent is not None and i in silent:
                    y = y.copy()  # it may be x itself
                    y[..., list(silent[i])] = 0
                values.append(y)
        return values

    def image_before(self, place: int) -> Shape | None:
        """Return the shape of the image that a layer reads flattened, if it does."""
        while place and isinstance(self.pieces[place - 1], Same):
            place -= 1
        shape = self.pieces[place].input_shape
        return shape if len(shape) == 3 else None

    def through_all(
        self,
        images: Array,
        end: int | None = None,
        silent: Mapping[int, Sequence[int]] | None = None,
    ) -> Array:
        """Return what the layers before ``end`` give for many images, batch by batch.

        Parameters
        ----------
        images : array of bytes, shape (n, h, w)
        end : int, optional
            By default, all layers.
        silent
            As in `forward`.
        """
        short = copy.copy(self)
        short.pieces = self.pieces[:end]
        parts = [
            short.forward(self.entry(images[start : start + BATCH]), silent=silent)[-1]
            for start in range(0, len(images), BATCH)
        ]
        return np.concatenate(parts)

    def backward(self, dz: Array) -> list[Array]:
        """Return ∂loss/∂ of x and of what each layer gave, in the order of `forward`.

        Parameters
        ----------
        dz : array of shape (n, *output_shape)
            ∂loss/∂ of the last ``forward(keep=True)``.
        """
        slopes = [dz]
        with blas_threads(1), computing():
            for piece in reversed(self.pieces):
                slopes.append(piece.backward(slopes[-1]))
        return slopes[::-1]


def walks_through(network: Network) -> list[Walk]:
    """Return a walk through each member of a mean of networks; else the one there is.

    The network's outputs are the mean of theirs.
    """
    if not is_mean(network):
        return [Walk.through(network)]
    return [Walk.through(member) for member in members(network)]


def is_mean(network: Network) -> bool:
    """Tell whether a network is taken for a mean of several."""
    return len(network.layers) == 1 and isinstance(network.layers[0], Residual)
