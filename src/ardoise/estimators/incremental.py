"""Training in pieces, and looking inside: `partial_fit`, `refit`, `transform`."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral
from types import MethodType
from typing import Any, Self

import numpy as np

from ardoise.engine.arrays import Array, to_float
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.answers import NetworkClassifierBase, NetworkRegressorBase
from ardoise.estimators.contract import Samples
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.labels import Labels, unique_labels
from ardoise.estimators.modes import Mode
from ardoise.estimators.output import TransformOutput
from ardoise.estimators.refitting import refit
from ardoise.estimators.targets import SEVERAL, label_array, target_type


class stochastic_only:
    """A method that an estimator whose solver is L-BFGS does not have."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, estimator: Any, owner: Any = None) -> Any:
        if estimator is None:
            return self._method
        if estimator.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. "
                f"{estimator.solver} is not stochastic."
            )
        return MethodType(self._method, estimator)


class Incremental(TransformOutput, FittedEstimator):
    """What classifiers and regressors share."""

    fit: Callable[..., Self]

    def hidden_activations(self, X: Any, layer: int = -1) -> Array:
        """Return what a hidden layer says about each sample.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        layer : int
            Which of the network's layers (`network_.layers`), counted like list items;
            by default the last but one: what the output layer reads (X's own numbers,
            if there is no hidden layer).

        Returns
        -------
        array of shape (n, …)
        """
        self._check_fitted()
        with self._held():
            self._refresh()
            count = len(self.network_.layers)
            if not isinstance(layer, Integral) or not -count <= layer < count:
                raise ValueError(
                    f"layer must lie from {-count} to {count - 1}, as in a list of the "
                    f"{count} layers; got {layer!r}"
                )
            stop = count - 1 if layer == -1 else int(layer) % count + 1
            x = self._check_x(X, reset=False)
            if stop == 0:
                return self._numbers(x)
            return self._first_layers(stop).predict_logits(x)

    def _numbers(self, x: Samples) -> Array:
        """Return samples as the network's first layer reads them, in a new array."""
        dense = x[:] if isinstance(x, SparseRows) else x
        return to_float(dense, np.empty(dense.shape, self.network_.dtype))

    def _first_layers(self, count: int) -> Network:
        """Return a copy of the network's first layers, with its numbers."""
        network = self.network_
        part = Network(
            [one.clone() for one in network.layers[:count]],
            network.input_shape,
            dtype=network.dtype,
            seed=0,
        )
        for own, all_values in (
            (part.parameters(), network.parameters()),
            (
                part.state_layout.views(part.state),
                network.state_layout.views(network.state),
            ),
        ):
            for name, view in own.items():
                view[...] = all_values[name]
        return part

    def transform(self, X: Any) -> Any:
        """Return the last hidden layer's activations: features that were learned.

        Without a hidden layer, they are X's own. `set_output` chooses a table instead
        of an array.
        """
        x = self.hidden_activations(X)
        return self._in_container(x.reshape(len(x), -1), X)

    def fit_transform(self, X: Any, y: Any, **fit_params: Any) -> Any:
        """Do `fit`, then `transform` of the same samples."""
        return self.fit(X, y, **fit_params).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of what `transform` returns: ``mlpclassifier0``, …"""
        self._check_fitted()
        stop = len(self.network_.layers) - 1
        count = self.network_.layers[stop].input_shape
        name = type(self).__name__.lower()
        names = [f"{name}{i}" for i in range(math.prod(count))]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        from sklearn.utils import TransformerTags

        tags.transformer_tags = TransformerTags(preserves_dtype=["float64", "float32"])
        return tags

    def refit(
        self,
        X: Any,
        y: Any,
        *,
        replay: tuple[Any, Any],
        epochs: int = 5,
        share: float = 0.2,
    ) -> Self:
        """Learn a few corrected samples without forgetting the others.

        Parameters
        ----------
        X, y : arrays of shape (n, n_features) and (n,)
            The corrected samples.
        replay : (X, y)
            Samples that it was trained on, or some of them: they are shown again in
            between. Without, a network learns the new and forgets the old.
        epochs : int
            All of them are made: ``early_stopping`` and validation have no part in it.
        share : float in (0, 1)
            The part of each epoch that is new samples.

        Raises
        ------
        ValueError
            If something is not as it should be, or ``solver="lbfgs"``, which cannot go
            on; the estimator is then what it was.
        """
        refit(self, X, y, replay, epochs=epochs, share=share)
        return self


class IncrementalClassifier(Incremental, NetworkClassifierBase):
    """A classifier that can be trained in pieces."""

    @stochastic_only
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> Self:
        """Train for one epoch on X and y, and keep everything for the next call.

        A schedule of the learning rate counts calls, of which it expects `max_iter`.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : array-like of shape (n,) or (n, K)
        sample_weight : array-like of shape (n,), optional
        classes : array-like, needed at the first call
            All classes that there will be.

        Raises
        ------
        ValueError
            If ``classes`` is missing at the first call, or differs later; if the
            estimator is to hold samples out.
        """
        if self.calibrate and not self.__sklearn_is_fitted__():
            raise ValueError(
                "partial_fit cannot hold samples out for calibrate=True: begin with "
                "fit, or give fit(batches, validation_data=...)"
            )
        self._fit(X, y, sample_weight, mode=Mode("partial_fit", classes=classes))
        return self

    def _know_classes(self, y: Any, mode: Mode) -> None:
        """Learn the classes at the first call; refuse others later."""
        classes = mode.classes
        if mode.begins or not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError(
                    "classes must be passed on the first call to partial_fit."
                )
            several = target_type(label_array(y)) == SEVERAL
            self._labels = (
                Labels.fit(y, self) if several else Labels.of_classes(classes)
            )
            self.classes_ = self._labels.classes
        elif classes is not None and not np.array_equal(
            self.classes_, unique_labels(classes)
        ):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to "
                f"partial_fit, was: {self.classes_!r}"
            )


class IncrementalRegressor(Incremental, NetworkRegressorBase):
    """A regressor that can be trained in pieces."""

    @stochastic_only
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on X and y, and keep everything for the next call.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : array-like of shape (n,) or (n, K)
        sample_weight : array-like of shape (n,), optional
        """
        self._fit(X, y, sample_weight, mode=Mode("partial_fit"))
        return self
