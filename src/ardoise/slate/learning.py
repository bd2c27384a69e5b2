"""A training in a thread of its own: started, paused, led step by step, ended.

It is the training of the command line (`ardoise.digits.planning`), with one callback
more. Pages hear of it by pushes and lead it by requests; it goes on when they go, and
whoever comes later is told everything so far (``learn.state``).
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Literal, TypeVar

import numpy as np

from ardoise.digits.asking import answers_of, outputs_of
from ardoise.digits.finishing import OF_THE_END, doubt_of, temper
from ardoise.digits.planning import Plan, learn, plan_of
from ardoise.engine import schedules
from ardoise.engine.arrays import Array
from ardoise.engine.doctor import Doctor, Finding
from ardoise.engine.errors import DivergenceError
from ardoise.engine.layers import Dropout
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt
from ardoise.engine.threads import blas_threads
from ardoise.engine.training import Callback, Training
from ardoise.files import Model, save_model
from ardoise.messages import UserError, text
from ardoise.plots.findings import sentence
from ardoise.plots.numbers import integer, shortest
from ardoise.slate import presets
from ardoise.slate.gauges import Curve, Gauges
from ardoise.slate.looking import image_of
from ardoise.slate.moments import Moments
from ardoise.slate.requests import (
    Answer,
    Arrays,
    Request,
    SlateError,
    choice_of,
    number_of,
    whole_of,
)
from ardoise.slate.session import MNIST, Handler, Session, State

logger = logging.getLogger("ardoise.slate")
T = TypeVar("T")

PUSH_EVERY = 1 / 10  # seconds between two pushes of the curve
LOOK_EVERY = 1 / 2  # between two of the watched digits, and of the weights
PATIENCE = 30.0  # seconds that a request waits for the step in progress
NAME = re.compile(r"[\w-]{1,40}")
SUFFIX = ".safetensors"
Keep = Literal["best", "last"]


class FindingError(UserError):
    """What the doctor found, as a sentence that each page reads in its language."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(f"doctor.{finding.code}", **finding.values)

    def sentence(self, lang: str = "en") -> str:
        return sentence(self.finding, lang)


class DivergedError(UserError):
    """The loss became infinite."""

    def sentence(self, lang: str = "en") -> str:
        shown = {
            name: integer(v, lang) if isinstance(v, int) else shortest(v, lang)
            for name, v in self.values.items()
        }
        return text(self.key, lang, **shown)


class Learning(Callback):
    """One training, and the thread that it runs in.

    Parameters
    ----------
    session : Session
        Whose pages are told, and whose network that draws is replaced after each epoch.
    plan : Plan
        Of one network.
    settings : presets.Settings
        What it was made from.
    is_paused : bool
        Whether it waits before its first step.
    """

    def __init__(
        self,
        session: Session,
        plan: Plan,
        settings: presets.Settings,
        *,
        is_paused: bool = False,
    ) -> None:
        self._session, self._plan, self._settings = session, plan, settings
        self._network = plan.networks[0]
        self._schedule = schedules.get(plan.recipe.learning_rate)
        self.moments = Moments(self._network)
        self._curve = Curve()
        self._gauges = Gauges(self._network, plan.validation or plan.train)
        self.epochs: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.final: Model | None = None  # what came of it, with score and doubt
        # What requests change, and the training looks at between two steps. The flag is
        # read without the lock: it is enough that it is seen at the next step.
        self._turn, self._telling = threading.Condition(), threading.Lock()
        self._is_called = is_paused
        self._is_paused = is_paused
        self._until: int | Literal["epoch"] | None = None  # then it pauses again
        self._keep: Keep | None = None  # what to keep, once it was asked to stop
        self._commands: deque[Callable[[], None]] = deque()
        self._is_over = False
        self._step, self._epoch = 0, 0
        self._best: tuple[float, Array, Array] | None = None  # loss, theta, state
        self._next_push = self._next_look = 0.0
        self._thread = threading.Thread(
            target=self._run, name="slate-learn", daemon=True
        )

    @property
    def doing(self) -> State:
        """What it does now."""
        if self._is_over:
            return "idle"
        return "paused" if self._is_paused else "running"

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    # -- what pages ask, in their threads ------------------------------------------

    def pause(self) -> None:
        """Wait after the step in progress."""
        self._lead(is_paused=True, until=None)

    def go_on(self) -> None:
        """Go on after a pause."""
        self._lead(is_paused=False, until=None)

    def step(self, of: str) -> None:
        """Make one step, or go to the end of the epoch; then wait."""
        self._lead(is_paused=False, until="epoch" if of == "epoch" else self._step + 1)

    def stop(self, keep: Keep) -> None:
        """End after the step in progress, with the best weights or the last ones."""
        with self._turn:
            self._keep = keep
            self._call()

    def change_rate(self, value: float) -> None:
        """Change the highest learning rate of the schedule, from the next step on."""

        def change() -> None:
            self._schedule.learning_rate = value

        self._between_steps(change)

    def change_dropout(self, value: float) -> None:
        """Change the rate of all dropout layers, from the next step on.

        Raises
        ------
        SlateError
            If there is none.
        """
        if not any(isinstance(k, Dropout) for k in self._network.all_layers()):
            raise SlateError("slate.learn.no_dropout")

        def change() -> None:
            for network in self._training.networks:
                for layer in network.all_layers():
                    if isinstance(layer, Dropout):
                        layer.rate = value

        self._between_steps(change)

    def now(self) -> tuple[int, Network]:
        """Return the step, and a copy of the network as it is."""
        return self._between_steps(lambda: (self._step, self._copy()))

    def wait(self, timeout: float | None = None) -> None:
        """Return when it has ended."""
        self._thread.join(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """End it, and wait for that."""
        self.stop("last")
        self.wait(timeout)

    def _lead(self, *, is_paused: bool, until: int | Literal["epoch"] | None) -> None:
        with self._turn:
            self._is_paused, self._until = is_paused, until
            self._call()
        self._push_state()

    def _call(self) -> None:
        """Have the training look at what was changed; the lock is held."""
        self._is_called = True
        self._turn.notify_all()

    def _between_steps(self, do: Callable[[], T]) -> T:
        """Have something done by the training's thread, and return its result."""
        done: Future[T] = Future()

        def command() -> None:
            try:
                done.set_result(do())
            except BaseException as error:
                done.set_exception(error)

        with self._turn:
            if self._is_over:
                command()
            else:
                self._commands.append(command)
                self._call()
        return done.result(PATIENCE)

    # -- what the training calls, in its thread ------------------------------------

    def on_train_begin(self, training: Training) -> None:
        self._training = training
        self._gauges.begin(training)
        self.moments.add(0, self._network)
        self._obey(training)

    def on_batch_end(self, training: Training) -> None:
        self._step, self._epoch = training.step, training.epoch
        self._curve.note(training)
        self._gauges.after_step(training)
        if self.moments.wants(training.step):
            self.moments.add(training.step, self._network)
        if self._is_called:
            self._obey(training)
        now = time.perf_counter()
        if now >= self._next_push:
            self._next_push = now + PUSH_EVERY
            self._push_curve(training)
            if now >= self._next_look:
                self._next_look = now + LOOK_EVERY
                self._push_looks()

    def on_epoch_end(self, training: Training) -> None:
        row = {name: column[-1] for name, column in training.history.columns.items()}
        row |= {"step": training.step, **self._gauges.layers(training)}
        self.epochs.append(row)
        loss = row["validation_loss"]
        if loss is not None and (self._best is None or loss < self._best[0]):
            theta, state = self._network.theta.copy(), self._network.state.copy()
            self._best = loss, theta, state
        self._push_curve(training)
        self._push({"type": "epoch", **row}, {})
        self._session.adopt(self.model(self._copy()), self.moments)
        with self._turn:
            if self._until == "epoch":
                self._is_paused, self._until = True, None
                self._is_called = True
        if self._is_called:
            self._obey(training)

    def _obey(self, training: Training) -> None:
        """Do what was asked; in a pause, wait here for what is asked next."""
        with self._turn:
            if isinstance(self._until, int) and self._step >= self._until:
                self._is_paused, self._until = True, None
        if self._is_paused:
            self._push_curve(training)
            self._push_looks()
            self._push_state()
        with self._turn:
            while True:
                while self._commands:
                    self._commands.popleft()()
                if self._keep is not None:
                    training.stop()
                    return
                if not self._is_paused:
                    self._is_called = isinstance(self._until, int)
                    return
                self._turn.wait()

    def _push(self, header: dict[str, Any], arrays: Arrays) -> None:
        """Tell all pages; whatever happens there, the training goes on."""
        try:
            self._session.push(header, arrays)
        except Exception:
            logger.exception("pages could not be told")

    def _push_curve(self, training: Training) -> None:
        points = self._curve.take()
        if points:
            self._push({**self._place(), "points": points}, {})

    def _place(self) -> dict[str, Any]:
        """Return where the training stands, as the header of a push."""
        training = self._training
        return {
            "type": "learn",
            "step": self._step,
            "epoch": self._epoch,
            "steps": training.total_steps,
            "epochs": training.epochs,
            "rate": training.learning_rate,
            "seconds": training.seconds,
        }

    def _push_looks(self) -> None:
        header, arrays = self._gauges.watch()
        self._push({"type": "watch", "step": self._step, **header}, arrays)
        found = self._gauges.weights()
        if found is not None:
            header, arrays = found
            header = {"type": "weights", "step": self._step, **header}
            self._push(header, arrays)

    def _push_state(self) -> None:
        # One after another: no page may hear "running" after the pause that followed.
        with self._telling:
            place = {"step": self._step, "epoch": self._epoch}
            self._push({"type": "state", "learning": self.doing, **place}, {})

    # -- the thread ----------------------------------------------------------------

    def _run(self) -> None:
        classes = self._plan.train.classes
        doctor = Doctor(self._tell, classes=classes)
        self._push_state()
        try:
            try:
                callbacks = [self, doctor]
                learn(self._plan, callbacks, learning_rate=self._schedule)
            except DivergenceError as error:
                self._diverged(error)
            with blas_threads(1):  # the other processors are for whoever draws
                self._finish()
        except Exception:  # nothing that goes wrong here may go unsaid
            logger.exception("the training failed")
            self._note(SlateError("slate.learn.failed"), "failed", "warning", None)
        finally:
            with self._turn:
                self._is_over = True
                while self._commands:
                    self._commands.popleft()()
            self._push_state()

    def _tell(self, finding: Finding) -> None:
        rate = self._schedule.learning_rate
        change = presets.change_of(finding.code, {"rate": rate, **finding.values})
        said = FindingError(finding)
        self._note(said, finding.code, finding.severity, change)

    def _diverged(self, error: DivergenceError) -> None:
        lower = error.learning_rate / 10
        values = {"step": error.step, "epoch": error.epoch}
        rates = {"rate": error.learning_rate, "lower": lower}
        said = DivergedError("slate.learn.diverged", **values, **rates)
        self._step, self._epoch = error.step, error.epoch
        change = presets.change_of("diverged", rates)
        self._note(said, "diverged", "warning", change)

    def _note(
        self,
        said: UserError,
        code: str,
        severity: str,
        suggestion: dict[str, Any] | None,
    ) -> None:
        note = {
            "sentence": said,
            "code": code,
            "severity": severity,
            "suggestion": suggestion,
            "step": self._step,
        }
        self.notes.append(note)
        self._push({"type": "note", **note}, {})

    def _finish(self) -> None:
        """Do what the command line does at the end, and have the network draw."""
        network, images = self._network, self._plan.validation
        if self._keep == "best" and self._best is not None:
            _, network.theta[...], network.state[...] = self._best
        self._best = None
        details = self._plan.details
        if images is None:
            self._adopt()
            return
        z = outputs_of(network, images.images)
        if np.isfinite(z).all():
            correct = answers_of(z, images.labels, "validation").correct
            score = {"correct": correct, "total": len(images)}
            details["validation_score"] = score
            z, temperature = temper(network, z, images.labels)
            if temperature is not None:
                details["temperature"] = temperature
        self._adopt()
        known = doubt_of(network, self._plan.train, images, z)
        if known is not None:
            self._adopt(known.doubt)

    def _adopt(self, doubt: Doubt | None = None) -> None:
        """Have the network draw as it is at the end, which is a moment, too."""
        self.moments.add(self._step, self._network)
        self.final = self.model(self._copy(), doubt)
        self._session.adopt(self.final, self.moments)

    def _copy(self) -> Network:
        return self._network.astype(self._network.dtype)

    def model(self, network: Network, doubt: Doubt | None = None) -> Model:
        """Return a network of this training as it goes into a file."""
        model = self._plan.model(network, doubt)
        return replace(model, details={**model.details, "step": self._step})

    # -- for a page that comes later -----------------------------------------------

    def report(self) -> Answer:
        """Return all that pages were told so far."""
        header = {
            "settings": self._settings.shown,
            "epochs": list(self.epochs),
            "notes": list(self.notes),
            "rate": self._schedule.learning_rate,
        }
        if hasattr(self, "_training"):
            header["place"] = {k: v for k, v in self._place().items() if k != "type"}
        return header, {"curve": self._curve.whole()}


# -- requests ------------------------------------------------------------------------


def begin(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Start a training; the settings are those of `presets.settings_of`.

    With ``paused``, it waits before its first step.
    """
    settings = presets.settings_of(request)
    with session.alone("slate.learn.busy"):
        data = session.source(MNIST)
        plan = plan_of(settings.recipe, data, MNIST, "official", settings.seed)
        is_paused = request.get("paused") is True
        lesson = Learning(session, plan, settings, is_paused=is_paused)
        session.lesson = lesson
        lesson.start()
    shown = {"settings": settings.shown, "parameters": plan.networks[0].n_params}
    return shown, {}


def pause(session: Session, request: Request, arrays: Arrays) -> Answer:
    _running(session).pause()
    return {}, {}


def resume(session: Session, request: Request, arrays: Arrays) -> Answer:
    _running(session).go_on()
    return {}, {}


def step(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Make one step, or the rest of an epoch, and pause."""
    _running(session).step(choice_of(request, "of", ("batch", "epoch"), "batch"))
    return {}, {}


def rate(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Change the highest learning rate of the schedule."""
    low, high = presets.LOWEST_RATE, presets.HIGHEST_RATE
    value = number_of(request, "value", low, high)
    _running(session).change_rate(value)
    return {"value": value}, {}


def dropout(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Change the share of numbers that dropout switches off."""
    value = number_of(request, "value", 0.0, presets.MOST_DROPOUT)
    _running(session).change_dropout(value)
    return {"value": value}, {}


def stop(session: Session, request: Request, arrays: Arrays) -> Answer:
    """End the training, with the best weights so far or the last ones."""
    keep: Keep = "last"
    if choice_of(request, "keep", ("best", "last"), "last") == "best":
        keep = "best"
    _running(session).stop(keep)
    return {}, {}


def state(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer all about the training in progress, or the last one, and the presets."""
    header: dict[str, Any] = {
        "learning": session.state,
        "presets": presets.listed(),
        "choices": presets.choices(),
        "moments": _moments(session).steps,
    }
    if isinstance(session.lesson, Learning):
        more, arrays = session.lesson.report()
        return {**header, **more}, arrays
    return header, {}


def moments(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer the steps of which the network is kept."""
    return {"steps": _moments(session).steps}, {}


def rewind(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer what the network made of an image at each moment that is kept."""
    moments = session.moments
    image = image_of(session.model, arrays)[0]
    steps, probabilities = moments.probabilities(image)
    return {"steps": steps}, {"probabilities": probabilities}


def use(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Have the network of a step draw; without a ``step``, that of this moment."""
    lesson = session.lesson
    if not isinstance(lesson, Learning):
        raise SlateError("slate.learn.idle")
    if request.get("step") is None:
        step, network = lesson.now()
    else:
        step = whole_of(request, "step", 0, 2**53)
        network = lesson.moments.network(step)
    model = lesson.model(network)
    details = {k: v for k, v in model.details.items() if k not in OF_THE_END}
    model = replace(model, details={**details, "step": step})
    if lesson.final is not None and lesson.final.details["step"] == step:
        model = lesson.final
    session.adopt(model, lesson.moments)
    return {"step": step}, {}


def save(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Save the model that draws, in the folder where the command was started.

    An older file is replaced only with ``replace``.
    """
    name = request.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SlateError("slate.save.name")
    path = session.folder / f"{name}{SUFFIX}"
    if path.exists() and request.get("replace") is not True:
        raise SlateError("slate.save.exists", path=path)
    model = session.model
    try:
        with model.network.lock:
            save_model(path, model)
    except OSError as error:
        raise SlateError("slate.save.failed", path=path, reason=error) from None
    return {"path": str(path), "size": path.stat().st_size}, {}


def _moments(session: Session) -> Moments:
    """Return those of the training in progress, or of the last one."""
    lesson = session.lesson
    return lesson.moments if isinstance(lesson, Learning) else session.moments


def _running(session: Session) -> Learning:
    """Return the training in progress.

    Raises
    ------
    SlateError
        If there is none.
    """
    lesson = session.lesson
    if not isinstance(lesson, Learning) or lesson.doing == "idle":
        raise SlateError("slate.learn.idle")
    return lesson


HANDLERS: dict[str, Handler] = {
    "learn.start": begin,
    "learn.pause": pause,
    "learn.resume": resume,
    "learn.step": step,
    "learn.rate": rate,
    "learn.dropout": dropout,
    "learn.stop": stop,
    "learn.state": state,
    "learn.moments": moments,
    "learn.use": use,
    "rewind": rewind,
    "model.save": save,
}
