"""Which rank of MPI this process is, from what its launcher left in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ardoise.messages import language_apart

# (rank, size), as MPICH and Intel MPI, Open MPI and PRRTE, and Slurm's srun name them.
NAMES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "PMIX_SIZE"),
    ("PMIX_RANK", "SLURM_NTASKS"),
)


class Launched(NamedTuple):
    """What the launcher says of this process.

    Attributes
    ----------
    rank, size : int
        Which one it is, from 0, and how many there are.
    """

    rank: int
    size: int


def launched(environ: Mapping[str, str] | None = None) -> Launched | None:
    """Return which rank this process is, or None where it is alone."""
    environ = os.environ if environ is None else environ
    for names in NAMES:
        words = [environ.get(name, "") for name in names]
        if all(word.isdecimal() and len(word) < 7 for word in words):
            rank, size = map(int, words)
            if rank < size and size > 1:
                return Launched(rank, size)
    return None


def trains(arguments: Sequence[str]) -> bool:
    """Tell whether a command line asks for a training; ``--lang`` may come first."""
    _, given = language_apart(arguments)
    return given[:1] == ["train"]
