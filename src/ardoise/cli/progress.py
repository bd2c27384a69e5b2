"""What a person sees while a network learns, and how Ctrl-C ends it well."""

import signal
import time
from types import FrameType

from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from ardoise.cli.terminal import Terminal
from ardoise.engine.training import Callback, Training
from ardoise.plots.numbers import decimal, integer, percent

# Ctrl-C, and how launchers, schedulers and containers ask a process to end.
ENDING = (signal.SIGINT, signal.SIGTERM)
REFRESH = 0.1  # seconds between two updates of the bar
# Columns of the terminal that the epoch, a bar, the figures and the time left take.
WIDE = 80


class Interruptible(Callback):
    """Let the first Ctrl-C, or SIGTERM, end the training after the step in progress.

    A context manager around the training. A second Ctrl-C is for whoever saw it before.

    Attributes
    ----------
    asked : bool
        Whether there was one.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "Interruptible":
        # Known before they are replaced: Ctrl-C may come at once.
        self._before = {int(each): signal.getsignal(each) for each in ENDING}
        for number in self._before:
            signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            # After a second one, whoever saw it may want no other.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        # SIGTERM may come twice: to a whole group, and from who watches over it.
        if number == signal.SIGINT:
            signal.signal(number, self._before[number])

    def on_batch_end(self, training: Training) -> None:
        if self.asked:
            training.stop("interrupted")


class ShownProgress(Callback):
    """A live bar, where the output is a terminal, and a line for each epoch.

    A long training has a line every twentieth of the way.

    A context manager around the training.

    Parameters
    ----------
    terminal : Terminal
    notebook_epochs : int or None
        Speak as the notebook did, for so many epochs: a line every tenth.

    Attributes
    ----------
    member : (int, int) or None
        Which network is trained, of how many, if there are several.
    """

    def __init__(self, terminal: Terminal, notebook_epochs: int | None = None) -> None:
        self._terminal = terminal
        self._notebook_epochs = notebook_epochs
        self._shown_at = 0.0
        self.member: tuple[int, int] | None = None
        self._wide = terminal.out.width >= WIDE
        first = (TextColumn("{task.description}"), BarColumn(bar_width=None))
        self._bar = Progress(
            *(first if self._wide else ()),
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
        self._epoch_started = time.perf_counter()
        for task in self._bar.task_ids:  # of the member before
            self._bar.remove_task(task)
        self._task = self._bar.add_task("", total=training.total_steps, figures="")

    def on_batch_end(self, training: Training) -> None:
        now = time.perf_counter()
        if now - self._shown_at >= REFRESH and self._terminal.out.is_terminal:
            self._shown_at = now
            self._show(training)

    def on_epoch_end(self, training: Training) -> None:
        if self._notebook_epochs is not None:
            self._print_notebook_line(training)
        elif (
            training.epoch % max(1, training.epochs // 20) == 0
            or training.epoch == training.epochs
            or training.history.stopped != "running"
        ):
            words = [self._epoch(training), *self._learned(training)]
            checked = training.history["validation_accuracy"][-1]
            if checked is not None:
                accuracy = percent(checked, self._terminal.lang)
                words.append(self._terminal.text("train.checked", accuracy=accuracy))
            words.append(self._speed(training.history["samples_per_second"][-1]))
            self._terminal.out.print("  ".join(words))
        self._epoch_started = time.perf_counter()

    def _show(self, training: Training) -> None:
        figures = self._learned(training)
        if self._wide:
            elapsed = time.perf_counter() - self._epoch_started
            figures.append(self._speed(training.epoch_samples / max(elapsed, 1e-9)))
        self._bar.update(
            self._task,
            completed=training.step,
            description=self._epoch(training),
            figures="  ".join(figures),
        )

    def _epoch(self, training: Training) -> str:
        words = self._terminal.text(
            "train.epoch", epoch=training.epoch, epochs=training.epochs
        )
        if self.member is None:
            return words
        member, members = self.member
        which = self._terminal.text("train.member", member=member, members=members)
        return f"{which}  {words}"

    def _learned(self, training: Training) -> list[str]:
        """Return the loss and the accuracy so far, in the learner's language."""
        lang, text = self._terminal.lang, self._terminal.text
        return [
            text("train.loss", loss=decimal(training.running_loss, lang, 4)),
            text("train.accuracy", accuracy=percent(training.running_accuracy, lang)),
        ]

    def _speed(self, speed: float) -> str:
        speed_text = integer(round(speed), self._terminal.lang)
        return self._terminal.text("train.speed", speed=speed_text)

    def _print_notebook_line(self, training: Training) -> None:
        """Print what the notebook printed, to the letter, in any language."""
        epochs = self._notebook_epochs or 1
        i = training.epoch - 1  # it counts from 0, and measures before the step
        if i % (epochs / 10) == 0:
            accuracy = round(training.running_accuracy * 100, 2)
            self._terminal.out.print(f"Epoch #{i}. Accuracy : {accuracy}%.")
        if i == epochs:
            self._terminal.out.print("----- Training Finished -----")
