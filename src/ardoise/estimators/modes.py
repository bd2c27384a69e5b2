"""What kind of fit is asked for, and how it ended."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Mode(NamedTuple):
    """What kind of fit is asked for.

    Attributes
    ----------
    name : str
        A ``"batch"`` is one of many: whoever goes through them keeps the records,
        prints and warns.
    epochs : int
        Of a refit.
    begins : bool
        Whether a batch is the first of a new training.
    classes : array-like or None
        All classes, if they are given; y need not hold them all.
    """

    name: Literal["fit", "resume", "partial_fit", "refit", "batch"] = "fit"
    epochs: int = 1
    begins: bool = False
    classes: Any = None

    @property
    def once(self) -> bool:
        """Whether it goes on with the optimiser as it is, for ``epochs`` epochs."""
        return self.name in ("partial_fit", "refit", "batch")


FIT = Mode()


class Outcome(NamedTuple):
    """How a training ended.

    Attributes
    ----------
    stopped : str
        Why: as `History.stopped`, or ``"diverged"``.
    samples : int
        In an epoch.
    loss, learning_rate : float
        Of its last epoch.
    """

    stopped: str
    samples: int
    loss: float
    learning_rate: float
