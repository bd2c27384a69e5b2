"""The ranks that a launcher of MPI has started, as mpi4py knows them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ardoise.cluster.launched import Launched
from ardoise.cluster.supervising import pulse
from ardoise.engine.ranks import Ranks
from ardoise.engine.threads import computer
from ardoise.messages import UserError

# Seconds in which the launcher ends this rank, once another's supervisor has spoken.
LINGER = 5.0
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
        self._mpi_error: type[Exception] = MPI.Exception
        super().__init__(MPI.COMM_WORLD, pulse())
        if self.size != place.size:
            raise RanksError("ranks.other_mpi", launched=place.size, found=self.size)

    @property
    def communicator(self) -> Any:
        """The ranks, as mpi4py has them."""
        return self._comm

    def near(self) -> int:
        """Return how many ranks are on this rank's computer, this one included."""
        where = self.all(computer())
        return where.count(where[self.rank])

    def _wait(self, together: Callable[[], Any], then: str = "computing") -> Any:
        """Do it with the others; if one is gone, let its supervisor say so first."""
        try:
            return super()._wait(together, then)
        except self._mpi_error as error:
            self.beat()
            time.sleep(LINGER)
            reason = str(error).partition("\n")[0]
            raise RanksError("ranks.cut", reason=reason) from None

    def leave(self) -> None:
        """Wait until all ranks do, without taking a processor."""
        self.done()
        request = self._comm.Ibarrier()
        while not request.Test():
            time.sleep(POLITE)
