"""Dense layers one behind the other: what `MLPClassifier` and `MLPRegressor` share."""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.layers import (
    ELU,
    GELU,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from ardoise.engine.network import Network
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.parameters import in_order, is_one, whole_numbers
from ardoise.estimators.sealing import LEARNED

ACTIVATIONS: dict[str, type[Layer] | None] = {
    "identity": None,
    "logistic": Sigmoid,
    "tanh": Tanh,
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "gelu": GELU,
    "softplus": Softplus,
}
ARRAYS = ("coefs_", "intercepts_")


class Perceptron(FittedEstimator):
    """Dense layers.

    Attributes
    ----------
    coefs_ : list of array of shape (n_in, n_out)
        The weights of each layer: views of the network's, so that changing them in
        place, or putting others into the list, changes the predictions.
    intercepts_ : list of array of shape (n_out,)
    n_layers_ : int
        Layers, input and output included.
    out_activation_ : str
    """

    takes_sparse: ClassVar[bool] = True

    coefs_: list[Array]
    intercepts_: list[Array]
    n_layers_: int
    out_activation_: str
    hidden_layer_sizes: Any
    activation: Any
    batch_norm: bool
    coefs_init: Any
    intercepts_init: Any

    # -- parameters --------------------------------------------------------------------

    def _each(self, name: str, count: int) -> list[Any]:
        """Return one value for each hidden layer of a parameter."""
        value = getattr(self, name)
        if is_one(value):
            return [value] * count
        values = in_order(value)
        if len(values) != count:
            raise ValueError(
                f"{name} must have one entry for each of the {count} hidden layers; "
                f"got {len(values)}"
            )
        return values

    def _activations(self, count: int) -> list[str]:
        names = self._each("activation", count)
        # A single name is looked at even where there is no layer for it.
        single = [self.activation] if is_one(self.activation) else []
        for name in (*names, *single):
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(
                    f"activation must be one of {', '.join(ACTIVATIONS)}; got {name!r}"
                )
        return names

    def _dropouts(self, count: int) -> list[float]:
        rates = self._each("dropout", count)
        for rate in rates:
            if not isinstance(rate, Real) or not 0 <= float(rate) < 1:
                raise ValueError(
                    f"dropout: a rate must lie in [0, 1), and be a number; got {rate!r}"
                )
        return [float(rate) for rate in rates]

    def _first_arrays(self, name: str, shapes: list[Shape]) -> list[Array]:
        """Return the arrays of `coefs_init` or `intercepts_init`, or nothing."""
        values = getattr(self, name)
        if values is None:
            return []
        wrong = f"{name} must hold arrays of the shapes {shapes}"
        try:
            arrays = [np.asarray(value) for value in values]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{wrong}; got {values!r}") from error
        if [array.shape for array in arrays] != shapes:
            raise ValueError(f"{wrong}; got {[array.shape for array in arrays]}")
        for array in arrays:
            if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
                raise ValueError(f"{name} must hold finite numbers; got {array!r}")
        return arrays

    # -- building ----------------------------------------------------------------------

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        sizes = whole_numbers("hidden_layer_sizes", self.hidden_layer_sizes)
        layers: list[Layer] = []
        settings = zip(
            sizes,
            self._activations(len(sizes)),
            self._dropouts(len(sizes)),
            strict=True,
        )
        for size, activation, dropout in settings:
            layers.append(Dense(size))
            if self.batch_norm:
                layers.append(BatchNorm())
            kind = ACTIVATIONS[activation]
            if kind is not None:
                layers.append(kind())
            if dropout:
                layers.append(Dropout(dropout))
        return [*layers, Dense(n_outputs)]

    def _dense(self, network: Network) -> list[Dense]:
        return [layer for layer in network.layers if isinstance(layer, Dense)]

    def _initialize(self, network: Network, random_state: Any) -> None:
        """Draw weights as scikit-learn does: Glorot's uniform, W then b, by layers.

        Glorot and Bengio, "Understanding the difficulty of training deep feedforward
        neural networks", 2010, equation 16.
        """
        dense = self._dense(network)
        names = self._activations(len(dense) - 1)
        for i, layer in enumerate(dense):
            name = names[min(i, len(names) - 1)] if names else "relu"
            bound = math.sqrt((2.0 if name == "logistic" else 6.0) / sum(layer.W.shape))
            layer.W[...] = random_state.uniform(-bound, bound, layer.W.shape)
            layer.b[...] = random_state.uniform(-bound, bound, layer.b.shape)
        for parameter, name in (("coefs_init", "W"), ("intercepts_init", "b")):
            views = [getattr(layer, name) for layer in dense]
            values = self._first_arrays(parameter, [view.shape for view in views])
            for view, value in zip(views, values, strict=bool(values)):
                view[...] = value

    def _start(self, network: Network) -> None:
        super()._start(network)
        self._show_views()
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = self._out_activation()

    def _out_activation(self) -> str:
        raise NotImplementedError

    # -- the arrays that users see -----------------------------------------------------

    def _views(self) -> tuple[list[Array], list[Array]]:
        dense = self._dense(self.network_)
        return [layer.W for layer in dense], [layer.b for layer in dense]

    def _show_views(self) -> None:
        self.coefs_, self.intercepts_ = self._views()

    def _shows_views(self) -> bool:
        """Say whether nobody has put other arrays there."""
        given = self.coefs_, self.intercepts_
        pairs = zip(given, self._views(), strict=True)
        return all([*map(id, a)] == [*map(id, b)] for a, b in pairs)

    def _refresh(self) -> None:
        """Take over arrays that somebody has put into `coefs_` or `intercepts_`."""
        if "coefs_" not in vars(self):
            return
        if "network_" not in vars(self):
            self._network_from_coefs()
        if self._shows_views():
            return  # as nearly always, and looking at shapes takes time
        views = self._views()
        given = self.coefs_, self.intercepts_
        for name, values, own in zip(ARRAYS, given, views, strict=True):
            shapes = [view.shape for view in own]
            if [np.shape(value) for value in values] != shapes:
                raise ValueError(
                    f"{name} must hold arrays of the shapes {shapes}; got "
                    f"{[np.shape(value) for value in values]}"
                )
        pairs = zip((*given[0], *given[1]), (*views[0], *views[1]), strict=True)
        for value, view in pairs:
            if value is not view:
                view[...] = value
        self._show_views()

    def _network_from_coefs(self) -> None:
        """Build the network of an estimator whose arrays somebody has set."""
        first, last = np.asarray(self.coefs_[0]), np.asarray(self.coefs_[-1])
        features = first.shape[0]
        layers = self._build(features, last.shape[1])
        self.network_ = Network(layers, features, dtype=first.dtype, seed=0)
        vars(self).setdefault("history_", {})

    def __sklearn_is_fitted__(self) -> bool:
        return "coefs_" in vars(self)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        if LEARNED in state and "coefs_" in state and self._shows_views():
            del state["coefs_"], state["intercepts_"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in vars(self):
            # pickle has made arrays of their own of those that were no views. (Those
            # that do not fit stay, and are refused when the estimator is used.)
            with suppress(ValueError):
                self._refresh()
                self._show_views()
