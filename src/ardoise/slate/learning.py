"""A training in a thread of its own: started, paused, led step by step, ended.

It is the training of the command line (`ardoise.digits.planning`), with one callback
more. Pages hear of it by pushes and lead it by requests; it goes on when they go, and
whoever comes later is told everything so far (``learn.state``).
"""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from ardoise.digits import Dataset
from ardoise.digits.asking import answers_of, outputs_of
from ardoise.digits.finishing import doubt_of, temper
from ardoise.digits.planning import Plan, learn
from ardoise.engine import schedules
from ardoise.engine.arrays import Array
from ardoise.engine.doctor import Doctor, Finding
from ardoise.engine.errors import DivergenceError
from ardoise.engine.layers import Dropout
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt
from ardoise.engine.threads import blas_threads
from ardoise.engine.training import Callback, Training
from ardoise.files import Model
from ardoise.messages import UserError
from ardoise.slate import presets
from ardoise.slate.gauges import Curve, Gauges
from ardoise.slate.moments import Moments
from ardoise.slate.notes import DivergedError, FindingError
from ardoise.slate.requests import Answer, Arrays, SlateError
from ardoise.slate.session import Session, State

logger = logging.getLogger("ardoise.slate")
T = TypeVar("T")

PUSH_EVERY = 1 / 10  # seconds between two pushes of the curve
LOOK_EVERY = 1 / 2  # between two of the watched digits, and of the weights
PATIENCE = 30.0  # seconds that a request waits for the step in progress
Keep = Literal["best", "last"]
# Held while pages are told what has a newest version, by whatever training.
_TELLING = threading.Lock()


class _Best(NamedTuple):
    """The network after the epoch with the lowest validation loss so far."""

    loss: float
    step: int
    epoch: int
    theta: Array
    state: Array


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
        self._session, self._network = session, plan.networks[0]
        self._settings = dict(settings.shown)  # as they are now
        # Not the plan: its images would stay in memory as long as this training does.
        self._model = plan.model(self._network)
        self._schedule = schedules.get(plan.recipe.learning_rate)
        self.moments = Moments(self._network)
        self._curve = Curve()
        self._gauges = Gauges(self._network, plan.validation or plan.train)
        self.epochs: list[dict[str, Any]] = []
        self.notes: list[dict[str, Any]] = []
        self.final: Model | None = None  # what came of it, with score and doubt
        # What requests change, and the training looks at between two steps. The flag is
        # read without the lock: it is enough that it is seen at the next step.
        self._turn = threading.Condition()
        self._is_called = is_paused
        self._is_paused = is_paused
        self._until: int | Literal["epoch"] | None = None  # then it pauses again
        self._keep: Keep | None = None  # what to keep, once it was asked to stop
        self._commands: deque[Callable[[], None]] = deque()
        self._is_over = False
        # Where it stands: the network is that of this step.
        self._step, self._epoch, self._rate = 0, 0, math.nan
        self._steps, self._epochs = 0, 0  # of the whole training; 0 until it begins
        self._replicas: list[Network] = []  # among them, the network itself
        self._best: _Best | None = None
        self._looks: list[tuple[dict[str, Any], Arrays]] = []  # as last pushed
        self._next_push = self._next_look = 0.0
        self._thread = threading.Thread(
            target=self._run, args=(plan,), name="slate-learn", daemon=True
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
            self._schedule.learning_rate = self._settings["learning_rate"] = value

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
            self._settings["dropout"] = value
            for network in self._replicas:
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
        self._steps, self._epochs = training.total_steps, training.epochs
        self._replicas = training.networks
        self._gauges.begin(training)
        self.moments.add(0, self._network)
        self._obey(training)

    def on_batch_end(self, training: Training) -> None:
        self._step, self._epoch = training.step, training.epoch
        self._rate = training.learning_rate
        self._curve.note(training)
        self._gauges.after_step(training)
        if self.moments.wants(training.step):
            self.moments.add(training.step, self._network)
        if self._is_called:
            self._obey(training)
        now = time.perf_counter()
        if now >= self._next_push:
            self._next_push = now + PUSH_EVERY
            self._push_curve()
            if now >= self._next_look:
                self._next_look = now + LOOK_EVERY
                self._push_looks()

    def on_epoch_end(self, training: Training) -> None:
        row = {name: column[-1] for name, column in training.history.columns.items()}
        row |= {"step": training.step, **self._gauges.layers(training)}
        self.epochs.append(row)
        loss = row["validation_loss"]
        if loss is not None and (self._best is None or loss < self._best.loss):
            theta, state = self._network.theta.copy(), self._network.state.copy()
            self._best = _Best(loss, self._step, self._epoch, theta, state)
        self._push_curve()
        self._session.adopt(self.model(self._copy(), self._step), self.moments)
        self._push({"type": "epoch", **row}, {})
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
            self._push_curve()
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

    def _push_curve(self) -> None:
        points = self._curve.take()
        if points:
            self._push({"type": "learn", **self._place(), "points": points}, {})

    def _place(self) -> dict[str, Any]:
        """Return where the training stands, as pages are told it."""
        return {
            "step": self._step,
            "epoch": self._epoch,
            "steps": self._steps,
            "epochs": self._epochs,
            "rate": self._rate,
        }

    def _push_looks(self) -> None:
        """Tell what the network says of some digits, and what its weights look like."""
        found = {"watch": self._gauges.watch(), "weights": self._gauges.weights()}
        looks = [
            ({"type": kind, "step": self._step, **look[0]}, look[1])
            for kind, look in found.items()
            if look is not None
        ]
        with _TELLING:
            self._looks = looks
            for look in looks:
                self._push(*look)

    def _push_state(self) -> None:
        # One after another: no page may hear "running" after the pause that followed,
        # nor "idle" after the next training began.
        with _TELLING:
            if self._session.lesson is self:
                place = {"step": self._step, "epoch": self._epoch}
                self._push({"type": "state", "learning": self.doing, **place}, {})

    # -- the thread ----------------------------------------------------------------

    def _run(self, plan: Plan) -> None:
        doctor = Doctor(self._tell, classes=plan.train.classes)
        self._push_state()
        try:
            try:
                callbacks = [self, doctor]
                learn(plan, callbacks, learning_rate=self._schedule)
            except DivergenceError as error:
                self._diverged(error)
            with blas_threads(1):  # the other processors are for whoever draws
                self._finish(plan)
        except Exception:  # nothing that goes wrong here may go unsaid
            logger.exception("the training failed")
            self._note(SlateError("slate.learn.failed"), "failed", "warning", None)
        finally:
            with self._turn:
                self._is_over = True
                self._replicas = []  # so much memory for each thread
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

    def _finish(self, plan: Plan) -> None:
        """Do what the command line does at the end, and have the network draw."""
        network, images, best = self._network, plan.validation, self._best
        if self._keep == "best" and best is not None:
            network.theta[...], network.state[...] = best.theta, best.state
            self._step, self._epoch = best.step, best.epoch
            self.moments.cut(best.step)
        self._best = None
        z = None if images is None else self._measure(images)
        self._adopt()
        self._push_looks()
        if images is not None and z is not None:
            known = doubt_of(network, plan.train, images, z)
            if known is not None:
                self._adopt(known.doubt)

    def _measure(self, images: Dataset) -> Array:
        """Note how well validation images are read, and set the temperature by them.

        Returns
        -------
        array of shape (n, K)
            The network's outputs for them.
        """
        z = outputs_of(self._network, images.images)
        if np.isfinite(z).all():
            details = self._model.details
            correct = answers_of(z, images.labels, "validation").correct
            details["validation_score"] = {"correct": correct, "total": len(images)}
            z, temperature = temper(self._network, z, images.labels)
            if temperature is not None:
                details["temperature"] = temperature
        return z

    def _adopt(self, doubt: Doubt | None = None) -> None:
        """Have the network draw as it is at the end, which is a moment, too."""
        self.moments.add(self._step, self._network)
        self.final = self.model(self._copy(), self._step, doubt)
        self._session.adopt(self.final, self.moments)

    def _copy(self) -> Network:
        return self._network.astype(self._network.dtype)

    def model(self, network: Network, step: int, doubt: Doubt | None = None) -> Model:
        """Return a network of this training, after a step, as it goes into a file."""
        details = {**self._model.details, "step": step}
        return replace(self._model, network=network, details=details, doubt=doubt)

    # -- for a page that comes later -----------------------------------------------

    def report(self) -> Answer:
        """Return all that pages were told so far, and the settings as they are now."""
        header = {
            "settings": dict(self._settings),
            "epochs": list(self.epochs),
            "notes": list(self.notes),
            "rate": self._schedule.learning_rate,
        }
        if self._steps:
            header["place"] = self._place()
        return header, {"curve": self._curve.whole()}

    def show_again(self) -> None:
        """Push again what was last seen of digits and weights."""
        with _TELLING:
            for look in self._looks:
                self._push(*look)
