"""The ranks that a launcher of MPI has started, as mpi4py knows them."""

from __future__ import annotations

import time

from ardoise.cluster.launched import Launched
from ardoise.cluster.supervising import pulse
from ardoise.engine.ranks import Ranks
from ardoise.messages import UserError

POLITE = 0.02  # seconds between two looks whether the first rank is done


class RanksError(UserError):
    """The ranks cannot train together, in one sentence."""


class World(Ranks):
    """All ranks that were started together; see `Ranks`.

    Parameters
    ----------
    place : Launched
        What the launcher said.

    Raises
    ------
    RanksError
        If mpi4py is missing, or is of another MPI than the launcher.
    """

    def __init__(self, place: Launched) -> None:
        try:
            from mpi4py import MPI
        except ImportError as error:
            raise RanksError("ranks.extra", reason=error) from None
        super().__init__(MPI.COMM_WORLD, pulse() or (lambda state: None))
        if self.size != place.size:
            raise RanksError("ranks.other_mpi", launched=place.size, found=self.size)

    def leave(self) -> None:
        """Wait until the first rank has ended its work, without taking a processor."""
        self.done()
        request = self._comm.Ibarrier()
        while not request.Test():
            time.sleep(POLITE)
