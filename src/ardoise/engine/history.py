"""What happened in a training, epoch by epoch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Stopped = Literal["finished", "early_stopping", "interrupted", "stopped", "running"]


class History:
    """What happened, epoch by epoch.

    Attributes
    ----------
    columns : dict of str to list
        ``epoch`` (from 1), ``loss`` and ``accuracy`` (means over the epoch's batches,
        each before its step), ``validation_loss``, ``validation_accuracy`` (after the
        epoch; None where there is no validation data or no classes),
        ``learning_rate`` (of the epoch's last step), ``seconds`` (of training, since
        the start), ``samples_per_second``.
    stopped : str
        Why it ended: ``"finished"``, ``"early_stopping"``, ``"interrupted"`` (Ctrl-C)
        or ``"stopped"`` (by a callback).
    best_epoch : int or None
        The epoch whose weights were restored, if any were.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = (
        "epoch",
        "loss",
        "accuracy",
        "validation_loss",
        "validation_accuracy",
        "learning_rate",
        "seconds",
        "samples_per_second",
    )

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {name: [] for name in self.COLUMNS}
        self.stopped: Stopped = "running"
        self.best_epoch: int | None = None

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.columns["epoch"])

    def append(self, **values: Any) -> None:
        """Add one epoch."""
        for name, column in self.columns.items():
            column.append(values[name])

    def cut_to_whole_lines(self) -> None:
        """Drop a line that Ctrl-C left half-written."""
        length = min(map(len, self.columns.values()))
        for column in self.columns.values():
            del column[length:]
