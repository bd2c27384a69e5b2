"""What a person sees while a network learns, and how Ctrl-C ends it well."""

import signal
import time
from types import FrameType
from typing import Any

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ardoise.cli.terminal import Terminal
from ardoise.engine.training import Callback, Training
from ardoise.plots.numbers import decimal, integer, percent

REFRESH = 0.1  # seconds between two updates of the bar


class Interruptible(Callback):
    """Let the first Ctrl-C end the training after the step in progress.

    A context manager around the training. A second Ctrl-C is Python's own.
    """

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> "Interruptible":
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, self._before)

    def on_batch_end(self, training: Training) -> None:
        if self._asked:
            training.stop("interrupted")


class ShownProgress(Callback):
    """A live bar on a terminal; elsewhere, one line an epoch.

    A context manager around the training.

    Parameters
    ----------
    terminal : Terminal
    notebook_epochs : int or None
        Speak as the notebook did, for so many epochs: a line every tenth.
    """

    def __init__(self, terminal: Terminal, notebook_epochs: int | None = None) -> None:
        self._terminal = terminal
        self._notebook_epochs = notebook_epochs
        self._shown_at = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=terminal.out,
            transient=True,
        )

    def __enter__(self) -> "ShownProgress":
        if self._terminal.out.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal.out.is_terminal:
            self._bar.stop()

    def on_train_begin(self, training: Training) -> None:
        self._task = self._bar.add_task("", total=training.total_steps, figures="")

    def on_batch_end(self, training: Training) -> None:
        now = time.perf_counter()
        if now - self._shown_at >= REFRESH and self._terminal.out.is_terminal:
            self._shown_at = now
            self._show(training)

    def on_epoch_end(self, training: Training) -> None:
        if self._notebook_epochs is not None:
            self._print_notebook_line(training)
        elif not self._terminal.out.is_terminal:
            self._print_epoch(training)
        if self._terminal.out.is_terminal and training.epoch == training.epochs:
            self._show(training)

    def _show(self, training: Training) -> None:
        lang, text = self._terminal.lang, self._terminal.text
        history = training.history
        figures = text(
            "train.figures",
            loss=decimal(training.running_loss, lang, 4),
            accuracy=percent(training.running_accuracy, lang, 2),
        )
        if len(history) and history["validation_accuracy"][-1] is not None:
            checked = percent(history["validation_accuracy"][-1], lang, 2)
            figures += text("train.figures_validation", accuracy=checked)
        if len(history):
            speed = integer(round(history["samples_per_second"][-1]), lang)
            figures += text("train.figures_speed", speed=speed)
        self._bar.update(
            self._task,
            completed=training.step,
            description=text(
                "train.epoch", epoch=training.epoch, epochs=training.epochs
            ),
            figures=figures,
        )

    def _print_epoch(self, training: Training) -> None:
        lang, text = self._terminal.lang, self._terminal.text
        last: dict[str, Any] = {k: v[-1] for k, v in training.history.columns.items()}
        line = text("train.epoch", epoch=training.epoch, epochs=training.epochs)
        line += " " + text(
            "train.figures",
            loss=decimal(last["loss"], lang, 4),
            accuracy=percent(last["accuracy"], lang, 2),
        )
        if last["validation_accuracy"] is not None:
            checked = percent(last["validation_accuracy"], lang, 2)
            line += text("train.figures_validation", accuracy=checked)
        speed = integer(round(last["samples_per_second"]), lang)
        self._terminal.out.print(line + text("train.figures_speed", speed=speed))

    def _print_notebook_line(self, training: Training) -> None:
        """Print what the notebook printed, to the letter, in any language."""
        epochs = self._notebook_epochs or 1
        i = (
            training.epoch - 1
        )  # the notebook counts from 0 and measures before the step
        if i % (epochs / 10) == 0:
            accuracy = round(training.running_accuracy * 100, 2)
            self._terminal.out.print(f"Epoch #{i}. Accuracy : {accuracy}%.")
        if i == epochs:
            self._terminal.out.print("----- Training Finished -----")
