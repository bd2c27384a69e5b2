"""How much work a run of the benchmarks does: the issue's sizes, or tiny ones.

Every section reads its sizes here; tests use `QUICK`, whose figures mean nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Sizes of the work.

    Attributes
    ----------
    rounds : int
        How often each contestant runs.
    train, test : int
        MNIST digits to train and to test on.
    epochs : int
        Passes that are timed, in training with small batches.
    notebook_digits, notebook_epochs : int
        The notebook's work: 70,000 digits, and a part of (or all) its 700 epochs.
    import_rounds : int
        How often everything is imported.
    """

    rounds: int = 5
    train: int = 60_000
    test: int = 10_000
    epochs: int = 2
    notebook_digits: int = 70_000
    notebook_epochs: int = 40
    import_rounds: int = 25


QUICK = Plan(
    rounds=1,
    train=640,
    test=100,
    epochs=1,
    notebook_digits=1_000,
    notebook_epochs=3,
    import_rounds=1,
)
