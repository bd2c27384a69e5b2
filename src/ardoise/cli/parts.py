"""Which images a network learns from, is checked on, and is judged by.

A split is written as a word: ``official`` (MNIST's own), ``notebook`` (the seed
notebook's), or percentages for training, validation and test such as ``80/10/10``.
"""

from pathlib import Path

import numpy as np

from ardoise.cli.terminal import OptionError
from ardoise.digits import Dataset, Split, load_data
from ardoise.digits.splits import hold_out, notebook_split, official_split, random_split

MNIST = "mnist"


def load(source: str) -> Dataset:
    """Load the data that ``--data`` names; see `ardoise.digits.load_data`."""
    return load_data(source)


def absolute(source: str) -> str:
    """Return the source so that it is found from any folder: paths made absolute."""
    if source == MNIST:
        return source
    return ",".join(str(Path(part.strip()).absolute()) for part in source.split(","))


def default_split(source: str, wish: str) -> str:
    """Return the split for this data when the user names none.

    Parameters
    ----------
    source : str
        What ``--data`` names.
    wish : str
        The recipe's wish, ``"official"`` or ``"notebook"``, which suits MNIST.
    """
    if source == MNIST:
        return wish
    return "60/0/40" if wish == "notebook" else "80/10/10"


def divide(
    data: Dataset, split: str, validation: float, rng: np.random.Generator
) -> Split:
    """Divide the data as the word ``split`` says.

    Parameters
    ----------
    data : Dataset
    split : str
    validation : float
        Share of the training images that is cut out for validation, where the split
        itself has no validation part.
    rng : numpy.random.Generator
        Draws what is drawn.

    Raises
    ------
    OptionError
        If the word is not a split.
    DataError
        If the data cannot be split that way.
    """
    if split in ("official", "notebook"):
        make = official_split if split == "official" else notebook_split
        parts = make(len(data))
        if not validation:
            return parts
        train, held = hold_out(data.labels, parts.train, validation, rng)
        return Split(train, held, parts.test)
    return random_split(data.labels, _fractions(split), rng)


def _fractions(split: str) -> tuple[float, float, float]:
    try:
        shares = [float(share) / 100 for share in split.split("/")]
    except ValueError:
        shares = []
    if len(shares) != 3 or abs(sum(shares) - 1) > 1e-6 or min(shares) < 0:
        raise OptionError("option.split", split=split)
    train, validation, test = shares
    if not train or not test:
        raise OptionError("option.split", split=split)
    return train, validation, test
