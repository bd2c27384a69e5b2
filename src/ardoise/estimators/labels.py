"""Class labels of any kind, and the targets that the losses read.

The rules are scikit-learn's: what counts as labels, which order they have, and which
label a probability stands for (`LabelBinarizer`).
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal, Self

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.estimators.checks import class_name, ravel_column
from ardoise.estimators.frames import is_sparse
from ardoise.estimators.targets import (
    SEVERAL,
    label_array,
    labels_in,
    target_type,
    unique_labels,
)

__all__ = ["Labels", "class_weights", "unique_labels"]

Kind = Literal["binary", "multiclass", "multilabel"]


class Labels:
    """The classes of a problem, and both directions between labels and targets.

    Made by `fit` or `of_classes`.

    Attributes
    ----------
    classes : array of shape (K,)
        Sorted; for several labels a sample 0, …, K − 1.
    kind : {"binary", "multiclass", "multilabel"}
        One label a sample out of one or two classes; out of more; or any number of
        labels a sample.
    n_outputs : int
        What the network needs: 1, K or K.
    container : type or None
        Of the sparse matrix that `fit` got, in CSR form; None for dense labels.
    """

    def __init__(self, classes: Array, kind: Kind, container: Any = None) -> None:
        self.classes, self.kind, self.container = classes, kind, container
        self.n_outputs = 1 if kind == "binary" else len(classes)

    @classmethod
    def fit(cls, y: Any, estimator: Any = None) -> Self:
        """Return the labels that occur in y.

        Parameters
        ----------
        y : array-like or sparse matrix of shape (n,), (n, 1) or (n, K)
            Numbers without fractions, truth values or text; 0 and 1 in K > 1 columns
            for several labels a sample. A column is taken as (n,), with a
            DataConversionWarning.
        estimator : object, optional
            Its class is named in messages.

        Raises
        ------
        TypeError, ValueError
            None, no sample, NaN, numbers with fractions, several classes in several
            columns, bytes, objects that are no text.
        """
        values = ravel_column(label_array(y, class_name(estimator)))
        target = _labels_type(values)
        classes = labels_in(values, target)
        if target == SEVERAL:
            container = type(y.tocsr()) if is_sparse(y) else None
            return cls(classes, "multilabel", container)
        return cls(classes, "binary" if len(classes) <= 2 else "multiclass")

    @classmethod
    def of_classes(cls, classes: Any) -> Self:
        """Return the labels for known classes, one label a sample.

        Parameters
        ----------
        classes : array-like of shape (K,)
            In any order, also repeated.

        Raises
        ------
        TypeError, ValueError
            As `fit`; and text beside numbers in a list.
        """
        known = unique_labels(classes)
        return cls(known, "binary" if len(known) <= 2 else "multiclass")

    def encode(self, y: Any) -> Array:
        """Return the targets for labels y.

        Parameters
        ----------
        y : array-like or sparse matrix of shape (n,), (n, 1) or (n, K)
            A column is taken as (n,), without a warning.

        Returns
        -------
        ndarray
            For "multiclass" the index of each class, intp (n,); for "binary" whether
            it is the second, bool (n, 1); for "multilabel" which labels there are,
            bool (n, K).

        Raises
        ------
        TypeError, ValueError
            As `fit`; and classes that are not among `classes`.
        """
        values = label_array(y)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values.ravel()
        target = _labels_type(values)
        if target == SEVERAL:
            return self._encode_several(values)
        index = self._index(values, labels_in(values, target))
        if self.kind == "multiclass":
            return index
        columns = np.arange(len(self.classes)) if self.kind == "multilabel" else [1]
        encoded: Array = index[:, np.newaxis] == columns
        return encoded

    def _encode_several(self, values: Array) -> Array:
        if self.kind != "multilabel":
            raise ValueError("The object was not fitted with multilabel input.")
        if values.shape[1] != len(self.classes):
            raise ValueError(
                f"classes {self.classes} mismatch with the labels "
                f"{np.arange(values.shape[1])} found in the data"
            )
        return values.astype(bool)

    def _index(self, values: Array, seen: Array) -> Array:
        """Return the place of each label among the classes."""
        are_text = seen.dtype.kind == "U"
        comparable = are_text == (self.classes.dtype.kind == "U")
        if not comparable or not np.isin(seen, self.classes).all():
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes}. 'y' has {seen}."
            )
        if are_text:
            values = values.astype(seen.dtype)  # from objects, perhaps
        return np.searchsorted(self.classes, values)

    def decode(self, scores: Array) -> Array:
        """Return the labels that probabilities stand for.

        Parameters
        ----------
        scores : array of shape (n,), (n, 1), (n, 2) or (n, K)
            For "binary" the probability of the second class (in the second column, if
            there are two), else one for each class. Truth values, as `encode` returns
            them, are probabilities.

        Returns
        -------
        ndarray
            Of the dtype of `classes`, (n,): the second class above 0.5, or the class
            of the highest probability (the first of equals). For "multilabel" 0 and 1,
            int (n, K): 1 above 0.5.
        """
        if self.kind == "multiclass":
            chosen: Array = self.classes[scores.argmax(axis=1)]
            return chosen
        above: Array = (scores > 0.5).astype(np.int_)
        if self.kind == "multilabel":
            return above
        second = above[:, -1] if above.ndim == 2 else above
        answers: Array = self.classes[second * (len(self.classes) - 1)]
        return answers

    def as_given(self, decoded: Array) -> Any:
        """Return decoded labels as what `fit` got: sparse, if that was sparse."""
        return decoded if self.container is None else self.container(decoded)


def _labels_type(values: Array) -> str:
    target = target_type(values)
    if "multioutput" in target:
        raise ValueError(
            "Multioutput target data is not supported with label binarization"
        )
    return target


def class_weights(
    class_weight: Any, labels: Labels, y: Any, sample_weight: Array | None
) -> Array | None:
    """Return the weight of each sample: its own times that of its class.

    "balanced" gives a class the weight Σ w / (K Σₖ w), where Σₖ goes over its samples,
    Σ over all, and K is the number of classes that occur (with a weight other than 0):
    all classes then count the same, and a sample of weight 2 counts like two samples.

    Parameters
    ----------
    class_weight : None, "balanced", mapping of class to weight, or list of mappings
        With several labels a sample, one mapping for each, with the keys 0 and 1; the
        weights that belong to a sample's labels are multiplied.
    labels : Labels
    y : array-like of shape (n,) or (n, K)
        Labels, as they were given.
    sample_weight : array of shape (n,) or None

    Returns
    -------
    ndarray of float64, shape (n,), or None
        ``sample_weight`` itself if no class has a weight.

    Raises
    ------
    ValueError
        If classes have no weight, or ``class_weight`` has another form.
    """
    if class_weight is None:
        return sample_weight
    encoded = labels.encode(y)
    own = np.ones(len(encoded))
    if sample_weight is not None:
        own = sample_weight.astype(np.float64)
    if labels.kind != "multilabel":
        index = encoded.reshape(-1).astype(np.intp, copy=False)
        return own * _weight_of_class(class_weight, labels.classes, index, own)
    weights = own
    for k, given in enumerate(_one_each(class_weight, labels.n_outputs)):
        index = encoded[:, k].astype(np.intp)
        weights = weights * _weight_of_class(given, np.arange(2), index, own)
    return weights


def _one_each(class_weight: Any, count: int) -> list[Any]:
    """Return one entry of ``class_weight`` for each of several labels."""
    if isinstance(class_weight, str):
        return [class_weight] * count
    if not isinstance(class_weight, list):
        raise ValueError(
            "For multi-output, class_weight should be a list of dicts, or the string "
            "'balanced'."
        )
    if len(class_weight) != count:
        raise ValueError(
            "For multi-output, number of elements in class_weight should match number "
            f"of outputs. Got {len(class_weight)} element(s) while having {count} "
            "outputs."
        )
    return class_weight


def _weight_of_class(
    class_weight: Any, classes: Array, index: Array, own: Array
) -> Array:
    """Return for each sample the weight of its class, which ``index`` tells."""
    if isinstance(class_weight, Mapping):
        each = _from_mapping(class_weight, classes)
    elif isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(index, weights=own, minlength=len(classes))
        occurs = totals != 0
        each = np.ones(len(classes))
        each[occurs] = totals.sum() / (occurs.sum() * totals[occurs])
    else:
        raise ValueError(
            "The 'class_weight' parameter must be an instance of 'dict', a str among "
            f"{{'balanced'}} or None. Got {class_weight!r} instead."
        )
    chosen: Array = each[index]
    return chosen


def _number(label: Any, weight: Any) -> float:
    if not isinstance(weight, Real) or not np.isfinite(float(weight)):
        raise ValueError(
            f"class_weight must hold finite numbers; got {weight!r} for class {label!r}"
        )
    return float(weight)


def _from_mapping(class_weight: Mapping[Any, float], classes: Array) -> Array:
    each = np.ones(len(classes))
    missing = []
    for i, label in enumerate(classes.tolist()):
        if label in class_weight:
            each[i] = _number(label, class_weight[label])
        else:
            missing.append(label if isinstance(label, str) else int(label))
    # A key that is no class is borne, unless a class is without a weight.
    found = len(classes) - len(missing)
    if class_weight and missing and found != len(class_weight):
        raise ValueError(f"The classes, {missing}, are not in class_weight")
    return each
