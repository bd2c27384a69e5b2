"""What pages ask of a training: to start, to go step by step, to stop, to rewind.

And the model that draws as a file. The training itself is `ardoise.slate.learning`'s.
"""

import re
from dataclasses import replace
from typing import Any

from ardoise.digits.finishing import OF_THE_END
from ardoise.digits.planning import plan_of
from ardoise.files import save_model
from ardoise.slate import presets
from ardoise.slate.learning import Keep, Learning
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
from ardoise.slate.session import MNIST, Handler, Session

NAME = re.compile(r"[\w-]{1,40}")  # of a file: no path leads out of the folder
SUFFIX = ".safetensors"


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
    """Wait after the step in progress."""
    _running(session).pause()
    return {}, {}


def resume(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Go on after a pause."""
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
    """Answer all about the training in progress, or the last one, and the presets.

    What changes under the eyes, ``watch`` and ``weights``, is pushed again besides.
    """
    header: dict[str, Any] = {
        "learning": session.state,
        "presets": presets.listed(),
        "choices": presets.choices(),
        "moments": _moments(session).steps,
    }
    if isinstance(session.lesson, Learning):
        session.lesson.show_again()
        more, found = session.lesson.report()
        return {**header, **more}, found
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
    final = lesson.final
    if final is not None and final.details["step"] == step:
        model = final
    else:
        model = lesson.model(network, step)
        details = {k: v for k, v in model.details.items() if k not in OF_THE_END}
        model = replace(model, details=details)
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
