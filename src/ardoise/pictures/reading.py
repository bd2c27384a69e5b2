"""All digits of a picture: where they stand, what they are, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.pictures.framing import Box
from ardoise.pictures.light import UNEVEN
from ardoise.pictures.lines import lines_of, spaces
from ardoise.pictures.marks import Mark, find_marks
from ardoise.pictures.preparing import Change, Settings, ink_of, prepare_ink
from ardoise.pictures.splitting import join, split
from ardoise.pictures.windows import Grey

# Images (n, 28, 28) of bytes → probabilities (n, K); → which are refused (n,).
Classify = Callable[[NDArray[np.uint8]], NDArray[np.floating]]
Refuse = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]

# A larger picture is made smaller: one of 12 megapixels to half of its sides.
MOST_SIDE = 2000
# Below this probability the second guess is worth a look.
DOUBT = 0.9
# What the network does not know counts so much less when a mark is cut.
STRANGE = 0.3


@dataclass(frozen=True)
class Digit:
    """One digit of a picture.

    Attributes
    ----------
    box : Box
        In the picture's pixels.
    image : ndarray of uint8, shape (28, 28)
        As the network saw it.
    probabilities : ndarray, shape (K,)
    is_refused : bool
        Whether the network does not know such a thing.
    """

    box: Box
    image: NDArray[np.uint8]
    probabilities: NDArray[np.floating]
    is_refused: bool = False

    @property
    def label(self) -> int:
        """Return the most probable class."""
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        return float(self.probabilities.max())

    @property
    def second(self) -> int:
        """Return the second guess."""
        return int(np.argsort(-self.probabilities, kind="stable")[1])

    @property
    def is_doubtful(self) -> bool:
        return self.probability < DOUBT

    def as_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return what it is and where, as JSON values."""
        box = self.box
        return {
            "label": classes[self.label],
            "probability": round(self.probability, 6),
            "second": classes[self.second],
            "second_probability": round(float(self.probabilities[self.second]), 6),
            "doubtful": self.is_doubtful,
            "refused": self.is_refused,
            "box": {"left": box.left, "top": box.top}
            | {"right": box.right, "bottom": box.bottom},
        }


@dataclass(frozen=True)
class Reading:
    """What stands on a picture.

    Attributes
    ----------
    lines : tuple of tuple of tuple of Digit
        Lines, numbers, digits.
    changes : tuple of Change
        What was done to the picture before it was read.
    ink : ndarray of float32
        The picture's ink, at the size at which it was read.
    """

    lines: tuple[tuple[tuple[Digit, ...], ...], ...]
    changes: tuple[Change, ...]
    ink: Grey

    @property
    def digits(self) -> list[Digit]:
        """Return all digits in reading order."""
        return [d for line in self.lines for number in line for d in number]

    def text(self, classes: Sequence[str] | None = None) -> str:
        """Return the numbers, a line of text for each line of the picture."""

        def name(digit: Digit) -> str:
            return str(digit.label) if classes is None else classes[digit.label]

        return "\n".join(
            " ".join("".join(map(name, number)) for number in line)
            for line in self.lines
        )

    def as_json(self, shape: tuple[int, ...], classes: Sequence[str]) -> dict[str, Any]:
        """Return all that was found, as JSON values.

        Parameters
        ----------
        shape : tuple of int
            Of the picture: (h, w) or (h, w, c).
        classes : sequence of str
            What digits are called.
        """
        return {
            "width": shape[1],
            "height": shape[0],
            "text": self.text(classes),
            "changes": [{"code": c.code, **c.values} for c in self.changes],
            "lines": [
                [[digit.as_json(classes) for digit in number] for number in line]
                for line in self.lines
            ],
        }


def read(
    picture: ArrayLike,
    classify: Classify,
    settings: Settings | None = None,
    refuse: Refuse | None = None,
    unknown: Refuse | None = None,
) -> Reading:
    """Find the digits on a picture, and read them.

    Parameters
    ----------
    picture : array-like of shape (h, w) or (h, w, c)
        As `ardoise.pictures.grey_levels` takes it.
    classify : callable
        Class probabilities (n, K) of images (n, 28, 28) of bytes.
    settings : Settings, optional
        How the network wants its images.
    refuse : callable, optional
        Tells which images (n, 28, 28) it does not know.
    unknown : callable, optional
        The same, to weigh the pieces of what may be two digits: a piece that it does
        not know is no digit, however sure it is.

    Raises
    ------
    PictureError
        If it is no picture.
    """
    settings = settings or Settings()
    levels, found, changes = ink_of(picture, MOST_SIDE)
    if found.inverted:
        changes.append(Change("inverted"))
    if found.uneven > UNEVEN:
        changes.append(Change("light", {"share": found.uneven}))
    sheet = find_marks(found.ink)
    if sheet.n_lines:
        changes.append(Change("lines", {"n": sheet.n_lines}))

    def sure(pieces: list[Grey]) -> NDArray[np.floating]:
        images = np.stack([prepare_ink(piece, settings)[0] for piece in pieces])
        found = classify(images)
        if unknown is not None:
            found = np.where(unknown(images)[:, np.newaxis], STRANGE * found, found)
        return found

    marks = join(sheet.marks, sheet.height, sure)
    marks = [piece for mark in marks for piece in split(mark, sure)]
    if not marks:
        return Reading((), (*changes, Change("empty")), found.ink)
    images = np.stack([prepare_ink(mark.ink, settings)[0] for mark in marks])
    probabilities = classify(images)
    refused = np.zeros(len(marks), bool) if refuse is None else refuse(images)
    digits = [
        Digit(mark.box.times(levels.times), image, p, bool(unknown))
        for mark, image, p, unknown in zip(
            marks, images, probabilities, refused, strict=True
        )
    ]
    return Reading(_arranged(marks, digits, sheet.height), tuple(changes), found.ink)


def _arranged(
    marks: list[Mark], digits: list[Digit], height: float
) -> tuple[tuple[tuple[Digit, ...], ...], ...]:
    lines = []
    for line in lines_of([mark.box for mark in marks]):
        numbers: list[list[Digit]] = [[]]
        apart = [False, *spaces([marks[i].box for i in line], height)]
        for i, is_next in zip(line, apart, strict=True):
            if is_next:
                numbers.append([])
            numbers[-1].append(digits[i])
        lines.append(tuple(tuple(number) for number in numbers))
    return tuple(lines)
