"""A progress bar for `fit`, drawn by Rich."""

from __future__ import annotations

from typing import Any

from ardoise.engine.training import Callback, Training


class ProgressBar(Callback):
    """A bar with the epoch, the loss and the time left.

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

    def on_train_begin(self, training: Training) -> None:
        self._task = self._bar.add_task("fit", total=training.epochs)
        self._bar.start()

    def on_epoch_end(self, training: Training) -> None:
        words = f"epoch {training.epoch}, loss {training.running_loss:.4f}"
        self._bar.update(self._task, completed=training.epoch, description=words)

    def on_train_end(self, training: Training) -> None:
        self._bar.stop()
