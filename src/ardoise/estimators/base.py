"""What every estimator is: parameters, a representation, tags, and a score.

scikit-learn's conventions without scikit-learn: it is imported where scikit-learn
itself asks for an estimator's tags, and where it is loaded and can draw a diagram.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal, Self

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.estimators.frames import as_dense
from ardoise.estimators.scores import (
    accuracy,
    check_labels,
    check_numbers,
    check_weights,
    r2,
)


class Estimator:
    """Base class: constructor arguments are parameters, and nothing else.

    A subclass stores each argument of its constructor under the same name, unchanged.
    """

    # What `__sklearn_tags__` says besides.
    takes_sparse: ClassVar[bool] = False

    @classmethod
    def _parameter_names(cls) -> list[str]:
        return list(_names_of(cls.__init__))

    def _store(self, arguments: Mapping[str, Any]) -> None:
        """Keep the constructor's arguments, given as its ``locals()``.

        All of them: a subclass whose own constructor has others calls this one.
        """
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return name → value of the constructor's parameters.

        Parameters
        ----------
        deep : bool
            Whether to add the parameters of parameters that are estimators
            themselves, as ``name__parameter``.
        """
        values: dict[str, Any] = {}
        for name in self._parameter_names():
            value = values[name] = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                inner = value.get_params().items()
                values |= {f"{name}__{key}": item for key, item in inner}
        return values

    def set_params(self, **params: Any) -> Self:
        """Change parameters; ``name__parameter`` reaches into a parameter.

        Raises
        ------
        ValueError
            If there is no parameter of that name.
        """
        names = self._parameter_names()
        for name in params:
            if name.partition("__")[0] not in names:
                raise ValueError(
                    f"Invalid parameter {name.partition('__')[0]!r} for estimator "
                    f"{self}. Valid parameters are: {names!r}."
                )
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            outer, inside, inner = name.partition("__")
            if inside:
                nested.setdefault(outer, {})[inner] = value
            else:
                setattr(self, name, value)
        for outer, inner_params in nested.items():
            getattr(self, outer).set_params(**inner_params)
        return self

    def __repr__(self) -> str:
        """Return the call that makes this estimator, without what is default."""
        defaults = inspect.signature(type(self).__init__).parameters
        changed = []
        for name in defaults:
            if name == "self":
                continue
            value = getattr(self, name)
            if not _same(value, defaults[name].default):
                changed.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(changed)})"

    def _repr_html_(self) -> str | None:
        """Return scikit-learn's diagram for a notebook, if scikit-learn is loaded."""
        if sys.modules.get("sklearn") is None:
            return None  # the notebook shows the text
        from sklearn.utils import estimator_html_repr

        html: str = estimator_html_repr(self)
        return html

    def __sklearn_clone__(self) -> Self:
        """Return an estimator with the same parameters that has learned nothing."""
        params = {
            name: value.__sklearn_clone__()
            if hasattr(value, "__sklearn_clone__") and not isinstance(value, type)
            else copy.deepcopy(value)
            for name, value in self.get_params(deep=False).items()
        }
        twin = type(self)(**params)
        chosen = "_sklearn_output_config"  # by `set_output`
        if chosen in vars(self):
            vars(twin)[chosen] = dict(vars(self)[chosen])
        return twin

    def __sklearn_is_fitted__(self) -> bool:
        """Say whether `fit` has been done."""
        return hasattr(self, "n_features_in_") and hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        """Return the tags that scikit-learn asks for; the one import of it."""
        from sklearn.utils import Tags, TargetTags

        tags = Tags(estimator_type=None, target_tags=TargetTags(required=True))
        tags.input_tags.sparse = self.takes_sparse
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class Classifier(Estimator):
    """What classifiers have besides: `score` is the accuracy."""

    _estimator_type: ClassVar[Literal["classifier"]] = "classifier"

    def predict(self, X: Any) -> Array:
        """Return the class of each sample."""
        raise NotImplementedError

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of right answers, in [0, 1].

        For several labels a sample, all of them must be right.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, K)
        sample_weight : array-like of shape (n,), optional

        Raises
        ------
        ValueError
            If y holds no labels, or something has another length or shape.
        """
        predicted = as_dense(self.predict(X))
        weights = check_weights(sample_weight, predicted)
        return accuracy(check_labels(y, predicted), predicted, weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        from sklearn.utils import ClassifierTags

        tags.estimator_type = "classifier"
        tags.classifier_tags = ClassifierTags(multi_label=True)
        return tags


class Regressor(Estimator):
    """What regressors have besides: `score` is R²."""

    _estimator_type: ClassVar[Literal["regressor"]] = "regressor"

    def predict(self, X: Any) -> Array:
        """Return the value or values of each sample."""
        raise NotImplementedError

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², 1 − Σ (y − ŷ)² / Σ (y − mean)², averaged over the outputs.

        1 is perfect; always answering the mean gives 0.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, K)
        sample_weight : array-like of shape (n,), optional

        Raises
        ------
        ValueError
            If y holds no finite numbers, or something has another length or shape.
        """
        predicted = self.predict(X)
        weights = check_weights(sample_weight, predicted)
        return r2(check_numbers(y, predicted), predicted, weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        from sklearn.utils import RegressorTags

        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        tags.target_tags.multi_output = True
        return tags


@cache
def _names_of(constructor: Any) -> tuple[str, ...]:
    # Looking into a signature takes 60 µs, and every `partial_fit` asks twice.
    names = inspect.signature(constructor).parameters
    return tuple(sorted(name for name in names if name != "self"))


def _same(a: Any, b: Any) -> bool:
    """Say whether a value is the default, whatever its type compares like."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) or type(a) is not type(b):
        return False
    try:
        return bool(a == b) or (a != a and b != b)
    except Exception:  # a list of arrays, say: not the default
        return False
