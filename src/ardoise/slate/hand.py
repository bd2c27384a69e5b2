"""My hand: somebody's own digits, and a model that learns them.

They stay on this machine, in the memory of the session; `export_file` is how they are
kept. Teaching is that of ``ardoise teach`` (`ardoise.digits.teaching`).
"""

import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits import Dataset, teaching
from ardoise.digits.sources import read_npy
from ardoise.engine.training import Callback, Training
from ardoise.messages import UserError, text
from ardoise.plots.numbers import percent
from ardoise.slate.looking import image_of
from ardoise.slate.session import (
    Answer,
    Arrays,
    Bytes,
    Handler,
    Request,
    Session,
    SlateError,
    label_of,
    whole_of,
)

WANTED = 2  # of each class: the guided sheet has 20 digits
MOST = 200  # digits
MOST_NAME = 40  # characters of a class name
FILE = "ardoise-hand.npz"
PUSH_EVERY = 10  # steps between two pushes of how far teaching is
IMAGES, LABELS = "images.npy", "labels.npy"
SEED = 0


def own_digits(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer all digits of the hand, and which one to write next."""
    hand = session.hand
    with hand.lock:
        labels, images = list(hand.labels), list(hand.images)
    classes = session.model.classes
    counts = {name: labels.count(name) for name in classes}
    fewest = min(classes, key=lambda name: counts[name])
    header = {
        "labels": labels,
        "counts": counts,
        "wanted": WANTED * len(classes),
        "next": fewest if counts[fewest] < WANTED else None,
        "most": MOST,
    }
    return header, {"images": _stacked(images, session)}


def add(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Add a digit, as the network sees it, with its ``label``."""
    image = image_of(session.model, arrays)[0]
    name = session.model.classes[label_of(session, request)]
    if not image.any():
        raise SlateError("slate.hand.empty")
    hand = session.hand
    with hand.lock:
        if len(hand) >= MOST:
            raise SlateError("slate.hand.full", most=MOST)
        hand.images.append(image.copy())
        hand.labels.append(name)
    return own_digits(session, request, {})


def remove(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Remove the digit with the number ``n``, from 0."""
    hand = session.hand
    with hand.lock:
        if not len(hand):
            raise SlateError("slate.hand.none")
        n = whole_of(request, "n", 0, len(hand) - 1)
        del hand.images[n], hand.labels[n]
    return own_digits(session, request, {})


def teach(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Teach the model that draws the digits of the hand, among those that it knows.

    The new one draws from then on, unless it would forget: then all stays as it was,
    and the answer has ``refused``. Pages are told how far it is (``teach``).

    Raises
    ------
    SlateError
        If there are no digits, another training is in progress, or the slate ends.
    TeachError
        As `teaching.lesson_of`.
    """
    with session.alone("slate.hand.busy"):
        model, own = session.model, _dataset(session)
        known = session.data_of(model)
        # A copy: drawing goes on meanwhile.
        with model.network.lock:
            network = model.network.astype(model.network.dtype)
        model = replace(model, network=network)
        lesson = teaching.lesson_of(model, own, known.source, known.parts, SEED)
        progress = _Progress(session, lesson.trainings)
        found = teaching.teach(model, lesson, [progress], progress.between)
        if not found.forgets:
            session.adopt(found.model)
    return {
        "digits": len(own),
        "own": [found.own_before, found.own_after],
        "set_apart": found.set_apart,
        "known": [found.known_before, found.known_after],
        "known_total": len(lesson.known),
        "part": known.part,
        "refused": found.forgets,
        "sentence": ForgetsError("slate.hand.forgets") if found.forgets else None,
    }, {}


class ForgetsError(UserError):
    """The new model would forget too much."""

    def sentence(self, lang: str = "en") -> str:
        return text(self.key, lang, most=percent(teaching.MOST_LOST, lang, 1))


class _Progress(Callback):
    """Tells pages how far teaching is; gives up when the slate ends.

    Python itself does not end before the thread that teaches.
    """

    def __init__(self, session: Session, trainings: int) -> None:
        self._push, self._ending = session.push, session.ending
        self._trainings, self._done = trainings, 0

    def between(self, done: int) -> None:
        self._done = done
        self._give_up_at_the_end()
        self._tell(done / self._trainings)

    def on_batch_end(self, training: Training) -> None:
        self._give_up_at_the_end()
        if training.step % PUSH_EVERY == 0:
            part = training.step / training.total_steps
            self._tell((self._done + part) / self._trainings)

    def _give_up_at_the_end(self) -> None:
        if self._ending.is_set():
            raise SlateError("slate.serve.ended")

    def _tell(self, share: float) -> None:
        self._push({"type": "teach", "share": share}, {})


# -- as a file -------------------------------------------------------------------------


def export_file(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer the digits as the bytes of an npz file, which ``--data`` takes, too."""
    own = _dataset(session)
    names = np.array([own.classes[label] for label in own.labels])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in ((IMAGES, own.images[..., 0]), (LABELS, names)):
            with archive.open(name, "w") as entry:
                np.lib.format.write_array(entry, array, version=(1, 0))
    content = np.frombuffer(file.getvalue(), np.uint8)
    return {"name": FILE, "digits": len(own)}, {"file": content}


def import_file(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Add the digits of such a file; of a damaged one, nothing."""
    content = arrays.get("file")
    if content is None or content.dtype != np.uint8 or content.ndim != 1:
        raise SlateError("slate.hand.file")
    images, labels = read_file(content.tobytes(), session)
    hand = session.hand
    with hand.lock:
        if len(hand) + len(labels) > MOST:
            raise SlateError("slate.hand.full", most=MOST)
        hand.images += images
        hand.labels += labels
    return own_digits(session, request, {})


def read_file(content: bytes, session: Session) -> tuple[list[Bytes], list[str]]:
    """Return the images and the labels in an npz file of ours.

    Nothing is allocated that its size has not paid for, whatever it says of itself.

    Raises
    ------
    SlateError
        If it is no such file, or its digits are of another size or unknown classes.
    """
    h, w, _ = session.network.input_shape
    most = {IMAGES: MOST * h * w + 1024, LABELS: MOST * MOST_NAME * 4 + 1024}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {member.filename: member for member in archive.infolist()}
            if set(members) != set(most):
                raise SlateError("slate.hand.file")
            if any(members[name].file_size > size for name, size in most.items()):
                raise SlateError("slate.hand.full", most=MOST)
            images = read_npy(archive, members[IMAGES], FILE)
            labels = read_npy(archive, members[LABELS], FILE)
    except SlateError:
        raise
    # Of damaged archives, zipfile and NumPy's headers raise almost anything.
    except Exception as error:
        raise SlateError("slate.hand.file") from error
    n = len(labels) if labels.ndim == 1 else -1
    is_text = labels.dtype.kind == "U"
    if images.dtype != np.uint8 or images.shape != (n, h, w) or not is_text:
        raise SlateError("slate.hand.file")
    if n > MOST:
        raise SlateError("slate.hand.full", most=MOST)
    names = [str(name) for name in labels]
    _check_known(names, session.model.classes)
    return [np.array(image) for image in images], names


def _dataset(session: Session) -> Dataset:
    """Return the digits of the hand as the model numbers its classes.

    Raises
    ------
    SlateError
        If there are none, or the model reads images of another size.
    """
    hand, classes = session.hand, session.model.classes
    with hand.lock:
        if not len(hand):
            raise SlateError("slate.hand.none")
        images = _stacked(hand.images, session)
        _check_known(hand.labels, classes)
        labels = np.array([classes.index(name) for name in hand.labels], np.int64)
    return Dataset(images[..., np.newaxis], labels, classes, "hand")


def _check_known(names: list[str], classes: tuple[str, ...]) -> None:
    """Refuse digits of classes that the model does not know.

    Raises
    ------
    SlateError
    """
    unknown = sorted(set(names) - set(classes))
    if unknown:
        shown, known = unknown[0][:MOST_NAME], ", ".join(classes)
        raise SlateError("slate.hand.unknown", name=shown, known=known)


def _stacked(images: list[Bytes], session: Session) -> NDArray[Any]:
    """Return images (n, h, w) of the size that the model reads.

    Raises
    ------
    SlateError
        If they are of another size: those of a model before it.
    """
    shape = session.network.input_shape[:2]
    if any(image.shape != shape for image in images):
        raise SlateError("slate.hand.size")
    return np.array(images, np.uint8).reshape(len(images), *shape)


HANDLERS: dict[str, Handler] = {
    "hand.list": own_digits,
    "hand.add": add,
    "hand.remove": remove,
    "hand.teach": teach,
    "hand.export": export_file,
    "hand.import": import_file,
}
