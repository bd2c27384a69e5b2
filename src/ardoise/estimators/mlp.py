"""`MLPClassifier` and `MLPRegressor`: scikit-learn's, and what it left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array
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
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.estimators.constraints import CLASSIFIER, MLP, REGRESSOR
from ardoise.estimators.contract import Data
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.incremental import IncrementalClassifier, IncrementalRegressor

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


class Perceptron(FittedEstimator):
    """Dense layers: what the two MLP estimators share.

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
    batch_norm: bool
    coefs_init: Any
    intercepts_init: Any

    def _sizes(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        if not hasattr(sizes, "__iter__"):
            sizes = [sizes]
        sizes = [int(size) for size in sizes]
        if any(size <= 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        return sizes

    def _each(self, name: str, count: int) -> list[Any]:
        """Return one value for each hidden layer of a parameter."""
        value = getattr(self, name)
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            return [value] * count
        values = list(value)
        if len(values) != count:
            raise ValueError(
                f"{name} must have one entry for each of the {count} hidden layers; "
                f"got {len(values)}"
            )
        return values

    def _activations(self, count: int) -> list[str]:
        names = self._each("activation", count)
        for name in names:
            if name not in ACTIVATIONS:
                raise ValueError(
                    f"activation must be one of {', '.join(ACTIVATIONS)}; got {name!r}"
                )
        return names

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        sizes = self._sizes()
        layers: list[Layer] = []
        settings = zip(
            sizes,
            self._activations(len(sizes)),
            self._each("dropout", len(sizes)),
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
        given = (("coefs_init", "W"), ("intercepts_init", "b"))
        for parameter, name in given:
            values = getattr(self, parameter)
            if values is None:
                continue
            shapes = [getattr(layer, name).shape for layer in dense]
            if [np.shape(value) for value in values] != shapes:
                raise ValueError(
                    f"{parameter} must hold arrays of the shapes {shapes}; got "
                    f"{[np.shape(value) for value in values]}"
                )
            for layer, value in zip(dense, values, strict=True):
                getattr(layer, name)[...] = value

    def _start(self, data: Data, random_state: Any) -> None:
        super()._start(data, random_state)
        self._show_views()
        self.n_layers_ = len(self.coefs_) + 1
        self.out_activation_ = self._out_activation()

    def _out_activation(self) -> str:
        raise NotImplementedError

    def _show_views(self) -> None:
        dense = self._dense(self.network_)
        self.coefs_ = [layer.W for layer in dense]
        self.intercepts_ = [layer.b for layer in dense]

    def _refresh(self) -> None:
        """Take over arrays that somebody has put into `coefs_` or `intercepts_`."""
        if "coefs_" not in vars(self):
            return
        if "network_" not in vars(self):
            self._network_from_coefs()
        dense = self._dense(self.network_)
        views = [layer.W for layer in dense], [layer.b for layer in dense]
        changed = False
        for given, own in zip((self.coefs_, self.intercepts_), views, strict=True):
            for value, view in zip(given, own, strict=True):
                if value is not view:
                    view[...] = value
                    changed = True
        if changed:
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

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "network_" in state:
            self._refresh()
            self._show_views()  # pickle has made arrays of their own of them


class MLPClassifier(Perceptron, IncrementalClassifier):
    """A multi-layer perceptron that classifies: scikit-learn's, and more.

    Every parameter, attribute and method of scikit-learn 1.9's ``MLPClassifier`` is
    here and does the same, but for metadata routing and the display in HTML: with the
    same data and ``random_state`` it has the same weights, to rounding. It needs NumPy
    alone, is faster, and has what scikit-learn decided not to add.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer.
    activation : str or sequence of str
        ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``; ours: ``"leaky_relu"``,
        ``"elu"``, ``"gelu"``, ``"softplus"``, and one for each hidden layer.
    solver : str, mapping or Optimizer
        ``"adam"``, ``"sgd"``, ``"lbfgs"``; ours: ``"adamw"``, ``"rmsprop"``, or an
        optimiser of the engine, such as ``{"name": "sgd", "momentum": 0.8}``.
    alpha : float
        Strength of the L2 penalty, alpha / 2n · Σ W²; for ``"adamw"``, its decay.
    batch_size : int or "auto"
        ``"auto"``: min(200, n).
    learning_rate : str, mapping or Schedule
        ``"constant"``, ``"invscaling"``, ``"adaptive"`` (the last two for ``"sgd"``);
        ours: a schedule of the engine, such as ``{"name": "cosine"}``, whose highest
        rate is ``learning_rate_init`` unless it says another.
    learning_rate_init : float
    power_t : float
        For ``"invscaling"``: the rate is learning_rate_init / (t + 1) ** power_t after
        t samples.
    max_iter : int
        Epochs at most (iterations, for ``"lbfgs"``).
    shuffle : bool
        Whether each epoch takes the samples in a new order.
    random_state : int, RandomState, Generator or None
        None draws a seed from the system, not from NumPy's global generator.
    tol : float
        Less improvement than this is none.
    verbose : bool or int
        Whether to print the loss of each epoch.
    warm_start : bool
        Whether `fit` begins with the weights of the last one.
    momentum, nesterovs_momentum : float, bool
        For ``"sgd"``.
    early_stopping : bool
        Whether to hold samples out, stop when their score does not improve, and go back
        to the best weights.
    validation_fraction : float
        The share of samples to hold out.
    beta_1, beta_2, epsilon : float
        For ``"adam"`` and ``"adamw"``.
    n_iter_no_change : int
        Epochs without improvement that are borne.
    max_fun : int
        For ``"lbfgs"``: evaluations at most.
    class_weight : dict, "balanced" or None
        Weight of each class; ``"balanced"``: n / (K · samples of the class).
    dropout : float or sequence of float
        Share of each hidden layer's outputs that a training step leaves out.
    batch_norm : bool
        Whether to normalise before each activation.
    label_smoothing : float
        This share of each target is spread over all classes.
    max_norm : float or None
        Longer gradients are cut to this length.
    weight_average : float or None
        Decay of a moving average of the weights, which is what is kept.
    augmentation : callable or None
        ``augmentation(batch, rng) → batch``: applied to each training batch; returns a
        new array of the same shape. ``rng`` is a ``numpy.random.Generator``.
    metrics : callable, sequence or mapping of callables
        ``metric(y_true, y_predicted) → float``: one column of `history_` each,
        ``validation_<name>``.
    callbacks : sequence of Callback
    coefs_init, intercepts_init : sequences of array or None
        The first weights, instead of random ones.
    calibrate : bool
        Whether to fit a temperature to held-out samples (``validation_data``, or
        ``validation_fraction`` of X), so that probabilities mean what they say.
    threads : int or None
        None: all processors that this process may use, fewer inside joblib.
    progress_bar : bool
        Needs Rich.

    Attributes
    ----------
    classes_ : array of shape (K,)
    coefs_, intercepts_ : list of array
    loss_, best_loss_ : float
    loss_curve_ : list of float
    validation_scores_, best_validation_score_ : list of float, float; or None
    n_iter_, t_ : int
        Epochs done, samples seen.
    n_layers_, n_outputs_, n_features_in_ : int
    feature_names_in_ : array of str
    out_activation_ : str
    temperature_ : float
    history_ : dict of str to list
    network_ : Network

    Examples
    --------
    >>> from ardoise import MLPClassifier
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> xor = MLPClassifier(8, solver="lbfgs", random_state=1).fit(X, y)
    >>> xor.predict(X)
    array([0, 1, 1, 0])
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {**MLP, **CLASSIFIER}
    loss: ClassVar[str] = "log_loss"  # scikit-learn has it, though not to be chosen

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str | Mapping[str, Any] | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Mapping[str, Any] | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        label_smoothing: float = 0.0,
        max_norm: float | None = None,
        weight_average: float | None = None,
        augmentation: Callable[..., Array] | None = None,
        metrics: Any = None,
        callbacks: Any = None,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        calibrate: bool = False,
        threads: int | None = None,
        progress_bar: bool = False,
    ) -> None:
        self._store(locals())

    def _out_activation(self) -> str:
        return "softmax" if self._labels.kind == "multiclass" else "logistic"


class MLPRegressor(Perceptron, IncrementalRegressor):
    """A multi-layer perceptron that predicts numbers: scikit-learn's, and more.

    Parameters
    ----------
    loss : str, mapping or Loss
        ``"squared_error"`` or ``"poisson"`` (the network's output is a logarithm then,
        and y ≥ 0); ours: ``"absolute_error"``, ``"huber"``, or another loss of the
        engine.

    All others are those of `MLPClassifier`, without ``class_weight``,
    ``label_smoothing`` and ``calibrate``; the score is R².

    Examples
    --------
    >>> from ardoise import MLPRegressor
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = MLPRegressor(hidden_layer_sizes=8, solver="lbfgs", random_state=1)
    >>> model.fit(X, [1.0, 3.0, 5.0, 7.0]).predict([[1.5]]).round(1)
    array([4.])
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {**MLP, **REGRESSOR}

    def __init__(
        self,
        loss: str | Mapping[str, Any] | Loss = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str | Sequence[str] = "relu",
        *,
        solver: str | Mapping[str, Any] | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Mapping[str, Any] | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        max_norm: float | None = None,
        weight_average: float | None = None,
        augmentation: Callable[..., Array] | None = None,
        metrics: Any = None,
        callbacks: Any = None,
        coefs_init: Any = None,
        intercepts_init: Any = None,
        threads: int | None = None,
        progress_bar: bool = False,
    ) -> None:
        self._store(locals())

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"
