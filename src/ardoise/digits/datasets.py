"""What a data set is, and the checks that every one passes on its way in.

A `Dataset` holds pictures, the class of each, and the classes' names. `make_dataset`
builds one from arrays and refuses what cannot be learned from, in one sentence.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.messages import UserError

# How far floats may leave [0, 1] before they are refused: resizing and averaging in
# float32 leave this much; it is clipped away.
_ROUNDING = 1e-6


class DataError(UserError):
    """Data that cannot be used, with the sentence that says why."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Pictures with the class of each.

    Attributes
    ----------
    images : ndarray, shape (n, h, w, c) or (n, d), uint8 or float32
        Grey levels 0 to 255, or floats in [0, 1]; C-contiguous. ``(n, d)`` when the
        columns do not make a square picture.
    labels : ndarray of int64, shape (n,)
        The class of each picture, as an index into `classes`.
    classes : tuple of str
        The classes' names.
    name : str
        What the data is called in reports.
    n_train : int or None
        How many of the first pictures are the part to train on, in the split that came
        with the data; None if there is no such split.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    name: str
    n_train: int | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: ArrayLike) -> "Dataset":
        """Return the pictures at ``indices`` (copied), with all of the classes.

        Parameters
        ----------
        indices : array_like of int
            Positions in this data set, in the order wanted.
        """
        chosen = np.asarray(indices, dtype=np.intp)
        images, labels = self.images[chosen], self.labels[chosen]
        return replace(self, images=images, labels=labels, n_train=None)

    def with_classes(self, classes: Sequence[str]) -> "Dataset":
        """Return the same pictures, labelled as a model numbers its classes.

        Parameters
        ----------
        classes : sequence of str
            The model's class names, in its order.

        Raises
        ------
        DataError
            If a picture belongs to a class that is not among them.
        """
        place = {name: index for index, name in enumerate(classes)}
        table = np.zeros(len(self.classes), dtype=np.int64)
        for index in np.unique(self.labels).tolist():
            name = self.classes[index]
            if name not in place:
                raise DataError(
                    "classes.unknown", name=name, known=_short_list(classes)
                )
            table[index] = place[name]
        return replace(self, labels=table[self.labels], classes=tuple(classes))

    def digest(self) -> str:
        """Return the SHA-256 of the pictures, labels and class names, in hexadecimal.

        It is the same on every machine, and says nothing of `name`.
        """
        head = [self.images.shape, self.images.dtype.name, self.classes]
        sha = hashlib.sha256(json.dumps(head).encode())
        for array in (self.images, self.labels):
            little_endian = array.dtype.newbyteorder("<")
            sha.update(np.ascontiguousarray(array, dtype=little_endian).data)
        return sha.hexdigest()


def make_dataset(images: ArrayLike, labels: ArrayLike, name: str) -> Dataset:
    """Check pictures and labels, and return them as a `Dataset`.

    Parameters
    ----------
    images : array_like, shape (n, d), (n, h, w) or (n, h, w, c)
        Whole numbers 0 to 255 become uint8; floats in [0, 1] become float32. Whole
        numbers (or booleans) of which none is above 1 are black and white: 1 becomes
        255. ``(n, d)`` with d a square number becomes ``(n, √d, √d, 1)``, and
        ``(n, h, w)`` becomes ``(n, h, w, 1)``. An array that already is as it should
        be is not copied.
    labels : array_like, shape (n,) or (n, 1)
        Whole numbers from 0 (classes sorted as numbers), or names (sorted as text).
        The classes are the values that occur. Names that all are numbers count as
        numbers.
    name : str
        What the data is called in reports.

    Raises
    ------
    DataError
        If there are no images, the lengths differ, a shape or a type does not fit, a
        value is NaN, infinite or out of range, a label is missing, negative or not
        whole, or all labels are the same.
    """
    pixels = _as_array(images, "images.type")
    if pixels.dtype.kind not in "biuf":
        raise DataError("images.type", got=pixels.dtype.name)
    if pixels.ndim not in (2, 3, 4):
        raise DataError("images.shape", shape=pixels.shape)
    if pixels.size == 0:
        raise DataError("images.empty", shape=pixels.shape)
    targets = _label_array(labels)
    if len(pixels) != len(targets):
        raise DataError("data.lengths", images=len(pixels), labels=len(targets))
    checked = _unit_floats(pixels) if pixels.dtype.kind == "f" else _levels(pixels)
    indices, classes = _class_indices(targets)
    pictures = np.ascontiguousarray(checked.reshape(_picture_shape(checked.shape)))
    return Dataset(pictures, indices, classes, name)


def _as_array(values: ArrayLike, key: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:  # rows of unequal length
        raise DataError(key, got=type(values).__name__) from error


def _picture_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 2:
        side = math.isqrt(shape[1])
        return (shape[0], side, side, 1) if side * side == shape[1] else shape
    return (*shape, 1) if len(shape) == 3 else shape


def _levels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return whole numbers 0 to 255 as uint8; 0 and 1 alone as 0 and 255."""
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > 255:
        raise DataError("images.integers", low=low, high=high)
    levels: NDArray[np.uint8] = pixels.astype(np.uint8, copy=False)
    return levels * np.uint8(255) if high == 1 else levels


def _unit_floats(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return floats in [0, 1] as float32."""
    low, high = float(pixels.min()), float(pixels.max())  # NaN if there is one
    if not (math.isfinite(low) and math.isfinite(high)):
        finite = np.isfinite(pixels.reshape(len(pixels), -1)).all(axis=1)
        raise DataError("images.not_finite", index=int(np.argmin(finite)))
    if 0 <= low and 1 + _ROUNDING < high <= 65535:
        # The full scales in use: scikit-learn's small digits, 8 bits, 16 bits.
        divisor = 16 if high == 16 else 255 if high <= 255 else 65535
        raise DataError("images.divide", high=f"{high:g}", divisor=divisor)
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise DataError("images.floats", low=f"{low:g}", high=f"{high:g}")
    if low < 0 or high > 1:
        pixels = pixels.clip(0, 1)
    return pixels.astype(np.float32, copy=False)


def _label_array(labels: ArrayLike) -> NDArray[Any]:
    """Return the labels as a vector of numbers or of text."""
    values = _as_array(labels, "labels.type")
    if values.dtype.kind == "O":  # a column of a table: numbers or text in boxes
        values = _as_array(values.tolist(), "labels.type")
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind not in "biufU":
        raise DataError("labels.type", got=values.dtype.name)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError("labels.shape", shape=values.shape)
    return values


def _class_indices(
    labels: NDArray[Any],
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return each label's class index, and the names of the classes."""
    distinct, positions = np.unique(labels, return_inverse=True)
    values: list[Any] = distinct.tolist()
    values = [v.strip() if isinstance(v, str) else v for v in values]
    numbers = [_number(value) for value in values]
    if None not in numbers:
        values = list(numbers)
    for position, value in enumerate(values):
        key = _label_fault(value)
        if key is not None:
            index = int(np.argmax(positions == position))
            raise DataError(key, label=value, index=index)
    keys = [value if isinstance(value, str) else int(value) for value in values]
    classes = sorted(set(keys))
    if len(classes) < 2:
        raise DataError("labels.one_class", label=classes[0])
    place = {key: index for index, key in enumerate(classes)}
    table = np.array([place[key] for key in keys], dtype=np.int64)
    return table[positions], tuple(str(key) for key in classes)


def _number(value: Any) -> int | float | None:
    """Return the number that a label is or spells, or None."""
    if isinstance(value, float):
        return value
    for convert in (int, float):
        try:
            return convert(value)
        except ValueError:
            continue
    return None


def _label_fault(value: Any) -> str | None:
    """Return the key of the sentence that says what is wrong with a label."""
    if isinstance(value, str):
        return None if value else "labels.missing"
    if not math.isfinite(value):
        return "labels.not_finite"
    if value != int(value):
        return "labels.not_whole"
    return "labels.negative" if value < 0 else None


def _short_list(names: Sequence[str], limit: int = 12) -> str:
    """Return the names separated by commas, at most ``limit`` of them."""
    tail = ", …" if len(names) > limit else ""
    return ", ".join(names[:limit]) + tail
