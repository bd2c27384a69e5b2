"""Models from and for other libraries: PyTorch's weights, scikit-learn's estimators.

None of them is imported, but scikit-learn by `to_sklearn`: weights come as whatever has
a shape and numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.inference import fold
from ardoise.engine.layers import BatchNorm, Conv2D, Dense, Flatten, Layer, LayerNorm
from ardoise.engine.network import Network
from ardoise.estimators.labels import Labels
from ardoise.estimators.mlp import MLPClassifier, MLPRegressor
from ardoise.estimators.perceptron import Perceptron

# What both scikit-learn's estimators and ours have learned, by the same names.
RECORDS = (
    "classes_",
    "n_features_in_",
    "feature_names_in_",
    "n_outputs_",
    "n_layers_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "loss_curve_",
    "validation_scores_",
    "best_validation_score_",
)


def from_pytorch(state_dict: Mapping[str, Any], network: Network) -> Network:
    """Copy PyTorch's weights into a network of the same architecture.

    Parameters
    ----------
    state_dict : mapping of str to tensor or array
        Of a model whose layers come in the same order: Linear, Conv2d, BatchNorm1d or
        2d, LayerNorm. (``num_batches_tracked`` is left out.)
    network : Network
        Its layers receive the weights, in PyTorch's order of axes turned into ours:
        (out, in) into (in, out), (out, in, kh, kw) into (kh, kw, in, out), and behind a
        Flatten of maps (c, h, w) into (h, w, c).

    Returns
    -------
    Network
        The same.

    Raises
    ------
    ValueError
        If there are more or fewer arrays than the network has, or of another shape; the
        network is then unchanged.
    """
    given = [
        (name, _as_array(tensor))
        for name, tensor in state_dict.items()
        if not name.endswith("num_batches_tracked")
    ]
    places = list(_places(network))
    if len(given) != len(places):
        raise ValueError(
            f"this network has {len(places)} arrays; the state dict holds {len(given)}"
        )
    turned = []
    for (name, array), (place, maps) in zip(given, places, strict=True):
        values = _turned(array, maps)
        if values.shape != place.shape:
            raise ValueError(
                f"{name!r} has the shape {array.shape}; for an array of shape "
                f"{place.shape} of this network, expected {_before(place.shape)}"
            )
        turned.append(values)
    for values, (place, _) in zip(turned, places, strict=True):
        place[...] = values
    return network


def _as_array(tensor: Any) -> Array:
    for name in ("detach", "cpu"):
        if hasattr(tensor, name):
            tensor = getattr(tensor, name)()
    return np.asarray(tensor)


def _places(network: Network) -> Iterator[tuple[Array, Shape | None]]:
    """Yield our arrays in PyTorch's order, and the maps that were flattened before."""
    maps: Shape | None = None
    for layer in network.all_layers():
        if isinstance(layer, Flatten) and len(layer.input_shape) == 3:
            maps = layer.input_shape
        for name in _names(layer):
            yield getattr(layer, name), maps if name == "W" else None
        if isinstance(layer, Dense):
            maps = None


def _names(layer: Layer) -> tuple[str, ...]:
    """Return the names of a layer's arrays, in the order of PyTorch's state dicts."""
    if isinstance(layer, Dense | Conv2D):
        return ("W", "b") if layer.use_bias else ("W",)
    if isinstance(layer, BatchNorm):
        return ("gamma", "beta", "running_mean", "running_variance")
    return ("gamma", "beta") if isinstance(layer, LayerNorm) else ()


def _turned(array: Array, maps: Shape | None) -> Array:
    """Return a PyTorch array with its axes in our order."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim != 2:
        return array
    if maps is None or array.shape[1] != math.prod(maps):
        return array.T
    h, w, c = maps
    pixels = array.reshape(-1, c, h, w).transpose(2, 3, 1, 0)
    return pixels.reshape(h * w * c, -1)


def _before(shape: Shape) -> Shape:
    """Return the shape that PyTorch has for an array of ours."""
    if len(shape) == 4:
        return (shape[3], shape[2], shape[0], shape[1])
    return shape[::-1]


def from_sklearn(model: Any) -> MLPClassifier | MLPRegressor:
    """Return our estimator for a fitted ``MLPClassifier`` or ``MLPRegressor``.

    It predicts the same, and can be trained on (with a new optimiser).

    Raises
    ------
    ValueError
        If it is something else, or not fitted.
    """
    kinds: dict[str, Any] = {
        "MLPClassifier": MLPClassifier,
        "MLPRegressor": MLPRegressor,
    }
    kind = kinds.get(type(model).__name__)
    if kind is None or not hasattr(model, "coefs_"):
        raise ValueError(
            "from_sklearn needs a fitted MLPClassifier or MLPRegressor; got "
            f"{type(model).__name__}"
        )
    params = model.get_params(deep=False)
    ours = kind(**{k: params[k] for k in kind().get_params() if k in params})
    _copy_records(model, ours)
    ours.coefs_ = [np.array(coefs) for coefs in model.coefs_]
    ours.intercepts_ = [np.array(b) for b in model.intercepts_]
    if kind is MLPClassifier:
        several = model._label_binarizer.y_type_.startswith("multilabel")
        labels = Labels.of_classes(model.classes_)
        if several:
            labels = Labels(model.classes_, "multilabel")
        ours._labels = labels
    ours._refresh()
    ours._criterion = ours._make_loss()
    fitted: MLPClassifier | MLPRegressor = ours
    return fitted


def to_sklearn(model: MLPClassifier | MLPRegressor) -> Any:
    """Return scikit-learn's estimator for a fitted one of ours.

    Batch normalisation becomes part of the weights and dropout is left out, as for
    inference; a temperature is put into the last layer.

    Raises
    ------
    ValueError
        If it is not fitted, or has activations or a loss that scikit-learn does not.
    ImportError
        If scikit-learn is not installed.
    """
    from sklearn import neural_network
    from sklearn.preprocessing import LabelBinarizer

    if not isinstance(model, Perceptron) or not hasattr(model, "coefs_"):
        raise ValueError(
            "to_sklearn needs a fitted MLPClassifier or MLPRegressor of ardoise; got "
            f"{type(model).__name__}"
        )
    activation = _one_activation(model)
    kind = getattr(neural_network, type(model).__name__)
    params = model.get_params(deep=False)
    known = {k: params[k] for k in kind().get_params() if k in params}
    theirs = kind(**known | {"activation": activation} | _plain(known))
    _copy_records(model, theirs)
    dense = [m for m in fold(model.network_).layers if isinstance(m, Dense)]
    theirs.coefs_ = [layer.W.copy() for layer in dense]
    theirs.intercepts_ = [layer.b.copy() for layer in dense]
    temperature = getattr(model, "temperature_", 1.0)
    theirs.coefs_[-1] /= temperature
    theirs.intercepts_[-1] /= temperature
    theirs._no_improvement_count = 0
    if isinstance(model, MLPClassifier):
        binarizer = LabelBinarizer()
        if model._labels.kind == "multilabel":
            binarizer.fit(np.eye(len(model.classes_), dtype=int))
        else:
            binarizer.fit(model.classes_)
        theirs._label_binarizer = binarizer
    return theirs


def _copy_records(source: Any, target: Any) -> None:
    for name in RECORDS:
        if hasattr(source, name):
            setattr(target, name, getattr(source, name))


def _one_activation(model: Perceptron) -> str:
    """Return the activation that all hidden layers have, if scikit-learn knows it."""
    names = set(model._activations(len(model.coefs_) - 1))
    known = {"identity", "logistic", "tanh", "relu"}
    loss = getattr(model, "loss", "log_loss")
    if (
        len(names) > 1
        or not names <= known
        or loss
        not in (
            "log_loss",
            "squared_error",
            "poisson",
        )
    ):
        raise ValueError(
            "scikit-learn has one activation for all hidden layers, of "
            f"{', '.join(sorted(known))}, and the losses squared_error and poisson; "
            f"this one has {', '.join(sorted(names))} and {loss}"
        )
    return names.pop() if names else "relu"


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return scikit-learn's nearest for the parameters that it would not accept."""
    plain: dict[str, Any] = {}
    if params["solver"] not in ("adam", "sgd", "lbfgs"):
        plain["solver"] = "adam"
    if not isinstance(params["learning_rate"], str):
        plain["learning_rate"] = "constant"
    return plain
