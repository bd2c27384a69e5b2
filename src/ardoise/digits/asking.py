"""What a trained network says of images, and how a model wants to be shown them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import Dataset
from ardoise.digits.held import size_words
from ardoise.digits.images import fit_image
from ardoise.digits.scores import confusion_matrix
from ardoise.engine.arrays import Array
from ardoise.engine.losses import softmax
from ardoise.engine.network import Network
from ardoise.files import Model, ModelFileError
from ardoise.messages import UserError
from ardoise.pictures import Reading, Report, Settings, grey_levels, prepare, read

# Of digits like those that a model learned from, so many may be refused.
REJECT = 0.005
# As strange as one in so many: a piece of a digit, not a digit.
UNKNOWN = 0.01


@dataclass(frozen=True)
class Answers:
    """What a trained network says of images that it has not learned from.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
    probabilities : array of shape (n, K)
    predicted : ndarray of int64, shape (n,)
    part : str
        ``"validation"``, ``"test"``, or ``"whole"``: other data.
    """

    labels: NDArray[np.int64]
    probabilities: Array
    predicted: NDArray[np.int64]
    part: str

    @property
    def correct(self) -> int:
        return int(np.count_nonzero(self.labels == self.predicted))

    @property
    def accuracy(self) -> float:
        return self.correct / len(self.labels)


class AnswerError(UserError):
    """The network's answers are no numbers."""


def ask(network: Network, data: Dataset, part: str = "whole") -> Answers:
    """Return what the network says of these images, the ``part`` of the data.

    Raises
    ------
    AnswerError
        As `probabilities_of`.
    """
    return answers_of(outputs_of(network, data.images), data.labels, part)


def answers_of(z: Array, labels: NDArray[np.int64], part: str) -> Answers:
    """Return what outputs (n, K) say of images with these labels.

    Raises
    ------
    AnswerError
        As `probabilities_of`.
    """
    probabilities = _softmax(z)
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    return Answers(labels, probabilities, predicted, part)


def outputs_of(network: Network, images: NDArray[Any]) -> Array:
    """Return the network's outputs, shape (n, K), whatever they are."""
    with np.errstate(all="ignore"):
        return network.predict_logits(images)


def probabilities_of(network: Network, images: NDArray[Any]) -> Array:
    """Return class probabilities, shape (n, K).

    Raises
    ------
    AnswerError
        If they are not finite: the weights, finite in themselves, are too large.
    """
    return _softmax(outputs_of(network, images))


def _softmax(z: Array) -> Array:
    with np.errstate(all="ignore"):
        probabilities = softmax(z)
    if not np.isfinite(probabilities).all():
        raise AnswerError("evaluate.not_finite")
    return probabilities


def confusion(answers: Answers, n_classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix of the answers."""
    return confusion_matrix(answers.labels, answers.predicted, n_classes)


class Reader:
    """A model, how it wants its pictures, and what it refuses.

    Parameters
    ----------
    model : Model
    share : float or None
        Of digits like those that it learned from, so many may be refused; None to
        refuse nothing. A model without doubt refuses nothing either.

    Attributes
    ----------
    settings : Settings or None
        Of `ardoise.pictures.prepare`; None for a model that was taught pictures of
        another kind: they are only brought to its size.

    Raises
    ------
    ModelFileError
        If the model does not read grey pictures.
    """

    def __init__(self, model: Model, share: float | None = REJECT) -> None:
        shape = model.network.input_shape
        if len(shape) != 3 or shape[2] != 1:
            raise ModelFileError("predict.shape", shape=size_words(shape))
        self.model = model
        self.settings: Settings | None = None
        if "prepare" in model.details:
            try:
                self.settings = Settings.from_config(model.details["prepare"])
            except ValueError as error:
                raise ModelFileError("predict.prepare", reason=error) from None
        self._share = share

    def prepared(
        self, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], Report | None]:
        """Return a picture of one digit as the network was taught it.

        Raises
        ------
        PictureError
            If it is too long for that.
        """
        if self.settings is not None:
            return prepare(picture, self.settings)
        h, w, _ = self.model.network.input_shape
        grey = np.rint(255 * grey_levels(picture).grey).astype(np.uint8)
        image = fit_image(grey, h, w)
        if self.model.details.get("dark_on_light"):
            image = 255 - image  # as the pictures that it learned from
        return image, None

    def classify(self, images: NDArray[np.uint8]) -> Array:
        """Return class probabilities (n, K) of images (n, h, w)."""
        return probabilities_of(self.model.network, images[..., np.newaxis])

    def refuse(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which images (n, h, w) the model does not know."""
        return self._beyond(images, self._share)

    def unknown(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which images (n, h, w) are hardly digits, whatever may be refused."""
        return self._beyond(images, UNKNOWN)

    def read(self, picture: NDArray[np.uint8]) -> Reading:
        """Return what stands on a picture of numbers; see `ardoise.pictures.read`.

        Raises
        ------
        PictureError
            If it is no picture.
        """
        ask = (self.classify, self.settings, self.refuse, self.unknown)
        return read(picture, *ask)

    def _beyond(
        self, images: NDArray[np.uint8], share: float | None
    ) -> NDArray[np.bool_]:
        doubt = self.model.doubt
        if share is None or doubt is None:
            return np.zeros(len(images), bool)
        strangeness = doubt.strangeness(self.model.network, images[..., np.newaxis])
        refused: NDArray[np.bool_] = strangeness > doubt.limit(share)
        return refused
