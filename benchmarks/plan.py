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
    images_train, images_test : int
        MNIST digits for convolutional networks: one pass over the first is timed.
    seconds : float
        How long whatever is only repeated is repeated: answers, matrix products.
    notebook_digits, notebook_epochs : int
        The notebook's work: 70,000 digits, and a part of (or all) its 700 epochs.
    import_rounds : int
        How often everything is imported.
    """

    rounds: int = 5
    train: int = 60_000
    test: int = 10_000
    epochs: int = 2
    images_train: int = 15_000
    images_test: int = 10_000
    seconds: float = 1.0
    notebook_digits: int = 70_000
    notebook_epochs: int = 40
    import_rounds: int = 25


QUICK = Plan(
    rounds=1,
    train=640,
    test=100,
    epochs=1,
    images_train=300,
    images_test=100,
    seconds=0.05,
    notebook_digits=1_000,
    notebook_epochs=3,
    import_rounds=1,
)
