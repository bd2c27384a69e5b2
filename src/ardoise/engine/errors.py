"""The errors of the engine.

Each says what was expected and what was received. They are ordinary `ValueError`
and `ArithmeticError`, so that code which knows nothing of Ardoise can catch them.
"""


class ShapeError(ValueError):
    """A layer was given data of a shape it cannot take."""


class SnapshotError(ValueError):
    """A training cannot go on from this snapshot: it is damaged, or of another one."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"training cannot go on from this snapshot: {reason}")


class DivergenceError(ArithmeticError):
    """The loss or the weights stopped being finite numbers during training.

    Attributes
    ----------
    epoch, step : int
        Where it happened, counted from 1.
    learning_rate : float
        The learning rate of that step.
    """

    def __init__(self, epoch: int, step: int, learning_rate: float) -> None:
        super().__init__(
            f"the loss became infinite or undefined at step {step} (epoch {epoch}): "
            f"the learning rate {learning_rate:g} is too high; the last finite weights "
            f"were kept; try {learning_rate / 10:g}"
        )
        self.epoch = epoch
        self.step = step
        self.learning_rate = learning_rate

    def __reduce__(self) -> tuple[type, tuple[int, int, float]]:
        return type(self), (self.epoch, self.step, self.learning_rate)
