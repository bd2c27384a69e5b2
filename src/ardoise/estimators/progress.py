"""A progress bar for `fit`, drawn by Rich."""

from __future__ import annotations

from typing import Any

from ardoise.engine.training import Callback, Training


class ProgressBar(Callback):
    """A bar with the epoch, the loss and the time left.

    Whoever makes one closes it: no callback is told of an error.

    Raises
    ------
    ImportError
        If Rich is not installed; the sentence names the extra that installs it.
    """

    def __init__(self) -> None:
        try:
            from rich.progress import Progress
        except ImportError as error:
            raise ImportError(
                "progress_bar=True needs Rich: pip install 'ardoise[cli]'"
            ) from error
        self._bar: Any = Progress()
        self._is_open = False

    def begin(self, epochs: int) -> None:
        """Show the bar, for so many epochs."""
        self._task = self._bar.add_task("fit", total=epochs)
        self._bar.start()
        self._is_open = True

    def show(self, epoch: int, loss: float) -> None:
        """Show where the training stands."""
        words = f"epoch {epoch}, loss {loss:.4f}"
        self._bar.update(self._task, completed=epoch, description=words)

    def close(self) -> None:
        """Leave the bar as it is, and end the thread that draws it."""
        if self._is_open:
            self._is_open = False
            self._bar.stop()

    def on_train_begin(self, training: Training) -> None:
        self.begin(training.epochs)

    def on_epoch_end(self, training: Training) -> None:
        self.show(training.epoch, training.running_loss)
