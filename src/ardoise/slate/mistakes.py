"""How well the network that draws reads, what it takes for what, what it bears."""

import threading
import weakref
from collections.abc import Callable

import numpy as np

from ardoise.digits import Dataset
from ardoise.digits.asking import Answers, answers_of, confusion
from ardoise.digits.corruptions import changed, changes
from ardoise.digits.corruptions.resampling import Change
from ardoise.digits.scores import calibration_bins, calibration_error, wilson_interval
from ardoise.engine.arrays import Array
from ardoise.engine.inference import Predictor
from ardoise.engine.network import Network
from ardoise.files import Model
from ardoise.slate.looking import as_bytes
from ardoise.slate.session import (
    Answer,
    Arrays,
    Handler,
    Request,
    Session,
    SlateError,
    choice_of,
    number_of,
)

MOST_SHOWN = 200  # mistakes in the gallery
BINS = 10  # of the calibration curve
READ = 1000  # images that robustness is measured on
EXAMPLES = 10

# Kind of change → the highest level, and what makes the change of a level.
KINDS: dict[str, tuple[float, Callable[[float], Change]]] = {
    "noise": (1.0, changes.noise),  # deviation, where white is 1
    "turn": (180.0, changes.rotation),  # degrees
    "shift": (10.0, changes.translation),  # pixels
    "thick": (4.0, changes.thickness),  # whole pixels on each side
    "thin": (4.0, lambda level: changes.thickness(-level)),
}

# Which images a network was asked, and what it said: 6,000 take a second or more.
_SAID: weakref.WeakKeyDictionary[Network, tuple[Dataset, Answers]]
_SAID = weakref.WeakKeyDictionary()
_ASKING = threading.Lock()


def said_by(model: Model, held: Dataset, part: str) -> Answers:
    """Return what a model says of the images that it is measured on; asked once.

    Raises
    ------
    AnswerError
        If its answers are no numbers.
    """
    with _ASKING:
        images, answers = _SAID.get(model.network, (None, None))
        if answers is None or images is not held:
            answers = answers_of(_outputs(model, held.images), held.labels, part)
            _SAID[model.network] = held, answers
        return answers


def _outputs(model: Model, images: Array) -> Array:
    """Return what a frozen copy of a network says: drawing goes on meanwhile."""
    with model.network.lock:
        frozen = Predictor(model.network)
    with np.errstate(all="ignore"):
        return frozen.predict_logits(images)


def mistakes(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer accuracy, confusion matrix, calibration, and the mistakes, surest first.

    ``images`` are those of the gallery, (n, h, w); ``places`` in it say where to find
    them again (`example` takes one as its ``row``).
    """
    choice_of(request, "part", ("validation",), "validation")
    known = session.data
    held, model = known.held, session.model
    answers = said_by(model, held, known.part)
    correct, total = answers.correct, len(held)
    low, high = wilson_interval(correct, total)
    sureness = answers.probabilities.max(axis=1)
    wrong = np.flatnonzero(answers.predicted != answers.labels)
    shown = wrong[np.argsort(-sureness[wrong], kind="stable")][:MOST_SHOWN]
    gallery = [
        {
            "true": int(answers.labels[i]),
            "read": int(answers.predicted[i]),
            "probability": float(sureness[i]),
            "row": int(i),
        }
        for i in shown
    ]
    bins = calibration_bins(answers.probabilities, answers.labels, BINS)
    header = {
        "part": known.part,
        "data": held.name,
        "classes": list(model.classes),
        "correct": correct,
        "total": total,
        "accuracy": answers.accuracy,
        "interval": [low, high],
        "mistakes": len(wrong),
        "gallery": gallery,
        "calibration": [
            {"count": int(n), "accuracy": float(right), "confidence": float(sure)}
            for n, right, sure in zip(
                bins.counts, bins.accuracy, bins.confidence, strict=True
            )
        ],
        "calibration_error": calibration_error(answers.probabilities, answers.labels),
    }
    return header, {
        "confusion": confusion(answers, len(model.classes)).astype(np.int32),
        "images": as_bytes(held.images[shown]),
    }


def robustness(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how well changed images are read, and show some of them.

    The same images and the same draws at every level, so that a slider shows what the
    level does.
    """
    kind = choice_of(request, "kind", KINDS)
    highest, make = KINDS[kind]
    level = number_of(request, "level", 0.0, highest)
    some = some_of(session.data.held)
    if level:
        images = changed(some.images, make(level), np.random.default_rng(0))
    else:
        images = some.images
    answers = answers_of(_outputs(session.model, images), some.labels, "validation")
    low, high = wilson_interval(answers.correct, len(some))
    first = slice(0, EXAMPLES)
    header = {
        "kind": kind,
        "level": level,
        "accuracy": answers.accuracy,
        "interval": [low, high],
        "total": len(some),
        "true": answers.labels[first].tolist(),
        "read": answers.predicted[first].tolist(),
    }
    return header, {"images": as_bytes(images[first])}


def some_of(held: Dataset) -> Dataset:
    """Return `READ` images, the same each time.

    Raises
    ------
    SlateError
        If they are no grey images of bytes.
    """
    if held.images.dtype != np.uint8 or held.images.shape[3:] != (1,):
        raise SlateError("slate.mistakes.grey")
    rng = np.random.default_rng(0)
    rows = rng.choice(len(held), min(READ, len(held)), replace=False)
    return held.subset(rows)


HANDLERS: dict[str, Handler] = {"mistakes": mistakes, "robustness": robustness}
