"""`MLPClassifier` and `MLPRegressor`: scikit-learn's, and what it left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ardoise.engine.arrays import Array
from ardoise.engine.losses import Loss
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.estimators.constraints import CLASSIFIER, MLP, REGRESSOR
from ardoise.estimators.incremental import IncrementalClassifier, IncrementalRegressor
from ardoise.estimators.perceptron import Perceptron


class MLPClassifier(Perceptron, IncrementalClassifier):
    """A multi-layer perceptron that classifies: scikit-learn's, and more.

    Every parameter, attribute and method of scikit-learn 1.9's ``MLPClassifier`` is
    here and does the same, but for metadata routing: with the same data and
    ``random_state`` it has the same weights, to rounding. It needs NumPy alone, is
    faster, and has what scikit-learn decided not to add.

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
    augmentation : Augmentation, callable or None
        Applied to each training batch: `ardoise.Augmentation` (with ``image_shape``,
        where images come as rows), or ``augmentation(batch, rng) → batch``, which
        returns a new array of the same shape. ``rng`` is a ``numpy.random.Generator``.
    metrics : callable, sequence or mapping of callables
        ``metric(y_true, y_predicted) → float``: one column of `history_` each,
        ``validation_<name>``.
    callbacks : sequence of Callback
        `ardoise.EarlyStopping` may be one; they see ``validation_data``, or the samples
        held out.
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

    The parameters not listed here are those of `MLPClassifier`, without
    ``class_weight``, ``label_smoothing`` and ``calibrate``; the score is R².

    Parameters
    ----------
    loss : str, mapping or Loss
        ``"squared_error"`` or ``"poisson"`` (the network's output is a logarithm then,
        and y ≥ 0); ours: ``"absolute_error"``, ``"huber"``, or another loss of the
        engine.

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
