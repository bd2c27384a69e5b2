"""What a page holds: the model that draws, data, moments of the last training, a hand.

One session serves all connections, so a page that comes back finds everything as it
was. Whoever trains gives it a new model now and then; whoever draws takes the model
once, and computes on a copy of its network or holds that one's lock.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ardoise.digits import Dataset, load_data
from ardoise.digits.asking import Reader
from ardoise.digits.held import SealedError, is_sealed, parts_of, suited
from ardoise.digits.splits import Split
from ardoise.engine.network import Network
from ardoise.files import Model
from ardoise.slate.moments import Moments
from ardoise.slate.requests import (
    Answer,
    Arrays,
    Request,
    SlateError,
    choice_of,
    class_of,
    number_of,
    whole_of,
)

# What the modules that answer requests need, in one place.
__all__ = [
    "MNIST",
    "Answer",
    "Arrays",
    "Bytes",
    "Hand",
    "Handler",
    "Known",
    "Lesson",
    "Moments",
    "Push",
    "Request",
    "Session",
    "SlateError",
    "State",
    "choice_of",
    "label_of",
    "number_of",
    "whole_of",
]

Bytes = NDArray[np.uint8]
Push = Callable[[dict[str, Any], Arrays], None]
State = Literal["idle", "running", "paused"]

MNIST = "mnist"


class Lesson(Protocol):
    """A training beside the page; `ardoise.slate.learning` has the real one."""

    @property
    def doing(self) -> State:
        """What it does now."""

    def close(self, timeout: float = 5.0) -> None:
        """End it, and wait for that."""


@dataclass
class Hand:
    """Somebody's own digits, as the network sees them.

    Attributes
    ----------
    images : list of ndarray of uint8, each of shape (h, w)
    labels : list of str
        Class names: models may number their classes otherwise.
    """

    images: list[Bytes] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Known:
    """The data of a model, divided as for its training.

    Attributes
    ----------
    source : Dataset
        All of it.
    parts : Split
    held : Dataset
        What it is measured on: its validation part (the notebook's, its test part).
    part : str
        ``"validation"`` or ``"test"``: which part that is.
    """

    source: Dataset
    parts: Split
    held: Dataset
    part: str


class Session:
    """What a page holds.

    Parameters
    ----------
    model : Model
        Of one network, or a mean of several, that reads grey pictures.
    file : Path, optional
        Where the model comes from, for sentences.
    folder : Path, optional
        Where models are saved: by default, where the command was started.

    Attributes
    ----------
    model : Model
        The one that draws now. Take it once and use that: it may be replaced at any
        moment. (`network`, `reader` and `moments` are those of this moment, too.)
    file : Path
    folder : Path
    hand : Hand
    teaching : threading.Lock
        Held while the hand is taught, and while a training begins: see `alone`.
    ending : threading.Event
        Set when the slate ends: what takes long gives up.
    lesson : Lesson or None
        The training in progress, or the last one.
    push : callable
        ``push(header, arrays)`` sends to all pages, from any thread; to nobody, until
        the server sets it. A `UserError` in a header becomes its sentence.

    Raises
    ------
    ModelFileError
        If the model does not read grey pictures.
    """

    def __init__(
        self,
        model: Model,
        *,
        file: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self.file = file or Path("model.safetensors")
        self.folder = (folder or Path.cwd()).resolve()
        self.hand = Hand()
        self.teaching = threading.Lock()
        self.ending = threading.Event()
        self.lesson: Lesson | None = None
        self.push: Push = lambda header, arrays: None
        moments = Moments(model.network)
        moments.add(0, model.network)
        self._drawing = Reader(model), moments  # replaced together
        self._data_lock = threading.RLock()
        self._sources: dict[str, Dataset] = {}
        self._known: tuple[tuple[Any, ...], Known] | None = None

    # -- the model that draws ------------------------------------------------------

    @property
    def reader(self) -> Reader:
        """The model that draws now, with how it wants its pictures."""
        return self._drawing[0]

    @property
    def moments(self) -> Moments:
        """The network that draws, as it was at some steps of its training."""
        return self._drawing[1]

    @property
    def model(self) -> Model:
        return self.reader.model

    @property
    def network(self) -> Network:
        return self.reader.model.network

    def adopt(self, model: Model, moments: Moments | None = None) -> None:
        """Have another model draw from now on; those who use the old one end with it.

        Parameters
        ----------
        model : Model
        moments : Moments, optional
            Of its training; where none are given, those of the network before it.

        Raises
        ------
        ModelFileError
            If it does not read grey pictures.
        """
        if moments is None:
            moments = self.moments
        self._drawing = Reader(model), moments

    # -- what learns ---------------------------------------------------------------

    @property
    def state(self) -> State:
        """What the training does."""
        return "idle" if self.lesson is None else self.lesson.doing

    @contextmanager
    def alone(self, busy: str) -> Iterator[None]:
        """Within, nothing else begins to learn.

        Raises
        ------
        SlateError
            If something learns already; ``busy`` is the key of its sentence.
        """
        if not self.teaching.acquire(blocking=False):
            raise SlateError(busy)
        try:
            if self.state != "idle":
                raise SlateError(busy)
            yield
        finally:
            self.teaching.release()

    # -- data ----------------------------------------------------------------------

    @property
    def data(self) -> Known:
        """The data of the model that draws, loaded when first asked for.

        Raises
        ------
        DataError
            If it cannot be found or read, or is of another shape.
        """
        return self.data_of(self.model)

    @property
    def validation(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Images (n, h, w, c) that the model is measured on, and their classes.

        Raises
        ------
        UserError
            As `data`.
        """
        held = self.data.held
        return held.images, held.labels

    def data_of(self, model: Model) -> Known:
        """Return the data of a model, divided as for its training.

        Raises
        ------
        UserError
            If it cannot be found, read or divided.
        """
        details = model.details
        name = str(details.get("data", MNIST))
        names = ("split", "seed", "validation", "recipe", "digest")
        key = (name, *(str(details.get(n)) for n in names), model.classes)
        with self._data_lock:
            if self._known is None or self._known[0] != key:
                self._known = key, self._divided(model, self.source(name))
            return self._known[1]

    def source(self, name: str = MNIST) -> Dataset:
        """Return all of the data of this name; it is read once.

        Raises
        ------
        DataError
        """
        with self._data_lock:
            if name not in self._sources:
                self._sources = {name: load_data(name)}  # one at a time is enough
            return self._sources[name]

    def _divided(self, model: Model, data: Dataset) -> Known:
        split = str(model.details.get("split", "official"))
        parts = parts_of(model, self.file, data, split)
        rows, part = parts.validation, "validation"
        if not is_sealed(str(model.details.get("recipe")), split):
            rows, part = parts.test, "test"
        elif not len(rows):
            raise SealedError("slate.data.sealed")
        return Known(data, parts, suited(data.subset(rows), model), part)

    # -- what a page that comes should know ----------------------------------------

    def summary(self) -> dict[str, Any]:
        """Return what a page says of the model: layers, recipe, score, classes."""
        model, network = self.model, self.network
        shapes = [layer.output_shape for layer in network.layers]
        layers = [
            {"name": str(i), "kind": kind, "shape": list(shapes[i]), "parameters": n}
            for i, (kind, _, n) in enumerate(network.summary())
        ]
        details = model.details
        scores = {"validation": "validation_score", "test": "test"}
        found = {part: details.get(name) for part, name in scores.items()}
        return {
            "classes": list(model.classes),
            "layers": layers,
            "input": list(network.input_shape),
            "parameters": network.n_params,
            "recipe": details.get("recipe"),
            "seed": details.get("seed"),
            "taught": details.get("taught", 0),
            "score": {k: v for k, v in found.items() if isinstance(v, dict)},
            "doubts": model.doubt is not None,
            "learning": self.state,
        }

    def close(self) -> None:
        """End what runs beside the page."""
        self.ending.set()
        if self.lesson is not None:
            self.lesson.close()


Handler = Callable[[Session, Request, Arrays], Answer]


def label_of(session: Session, request: Request, name: str = "label") -> int:
    """Return the class that a request names: by its name, or by its number.

    Raises
    ------
    SlateError
        If there is no such class.
    """
    return class_of(session.model.classes, request, name)
