"""The images that a model is measured on, and the seal on those for the test.

A model that is still being worked on is measured on its validation part: images that it
did not learn from. The test part is for the end; looking at it is counted. The seed
notebook measured on its test images itself, and its recipe does so still, on its split.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ardoise.digits.datasets import DataError, Dataset
from ardoise.digits.recipes import RECIPES
from ardoise.digits.splits import Indices, Split, divide
from ardoise.files import Model, ModelFileError
from ardoise.messages import UserError


class SealedError(UserError):
    """There are no images but those for the test, and these are sealed."""


@dataclass(frozen=True)
class Held:
    """Images that a model has not learned from.

    Attributes
    ----------
    source : Dataset
        All of the data.
    rows : ndarray of int64
        Which of its images they are.
    part : str
        ``"validation"``, ``"test"``, or ``"whole"``: data that have nothing to do with
        the model's training.
    split : str or None
        The split that they are a part of.
    """

    source: Dataset
    rows: Indices
    part: str
    split: str | None

    def images(self, model: Model) -> Dataset:
        """Return the images as the model numbers its classes.

        Raises
        ------
        DataError
            As `suited`.
        """
        whole = len(self.rows) == len(self.source)
        return suited(self.source if whole else self.source.subset(self.rows), model)


def is_sealed(recipe: str, split: str) -> bool:
    """Return whether the test part of a split is sealed for a recipe's networks."""
    notebook = recipe in RECIPES and RECIPES[recipe].notebook
    return split == "official" or not notebook


def held_out(
    model: Model, file: Path, data: Dataset, split: str | None, *, final: bool = False
) -> Held:
    """Return the images of ``data`` that a model is measured on.

    Parameters
    ----------
    model : Model
    file : Path
        Where it comes from.
    data : Dataset
        Those of its training, or others; of others, all images are held.
    split : str or None
        Another way to divide the data than that of its training.
    final : bool
        Take the test part, whose seal is thereby broken.

    Raises
    ------
    SealedError
        If only test images are left, and ``final`` is False.
    """
    details = model.details
    if split is None and "split" in details and data.digest() == details.get("digest"):
        # The images that this model has never seen, whatever way they were drawn.
        split = str(details["split"])
    if split is None:
        return Held(data, np.arange(len(data), dtype=np.int64), "whole", None)
    parts = parts_of(model, file, data, split)
    if final or not is_sealed(str(details.get("recipe")), split):
        return Held(data, parts.test, "test", split)
    if not len(parts.validation):
        raise SealedError("evaluate.sealed", model=file)
    return Held(data, parts.validation, "validation", split)


def parts_of(model: Model, file: Path, data: Dataset, split: str) -> Split:
    """Return the parts of the data, drawn as for the model's training."""
    seed, validation = drawn_with(model, file)
    return divide(data, split, validation, np.random.default_rng(seed).spawn(3)[0])


def drawn_with(model: Model, file: Path) -> tuple[int, float]:
    """Return the seed and the share of validation images of the model's training."""
    try:
        seed = int(model.details.get("seed", 0))
        validation = float(model.details.get("validation", 0.0))
        if seed < 0 or not 0 <= validation < 1:
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError("model.damaged", path=file) from error
    return seed, validation


def suited(data: Dataset, model: Model) -> Dataset:
    """Return the data as the model numbers its classes.

    Raises
    ------
    DataError
        If the images are of another shape, or of a class that the model does not know.
    """
    data = data.with_classes(model.classes)
    expected, got = model.network.input_shape, data.images.shape[1:]
    if expected != got:
        raise DataError(
            "evaluate.shape", expected=size_words(expected), got=size_words(got)
        )
    return data


def size_words(shape: tuple[int, ...]) -> str:
    """Return "28 × 28 × 1"."""
    return " × ".join(map(str, shape))
