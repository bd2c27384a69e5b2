"""``mpiexec -n 4 ardoise train``: one command, run by all ranks, that speaks once."""

import atexit
import os
import sys
import time
from collections.abc import Callable
from typing import NoReturn, TypeVar

from ardoise.cli.terminal import Terminal
from ardoise.cluster.launched import launched
from ardoise.cluster.supervising import ALONE, PULSE
from ardoise.cluster.world import RanksError, World
from ardoise.messages import UserError

FIRST = 2.0  # seconds that the first rank has to say what all of them lack

Result = TypeVar("Result")
Failure = TypeVar("Failure", bound=UserError)


class Together:
    """What the ranks do together; alone, everything is simply done.

    A context manager: at its end all ranks wait for the first one, unless this one
    fails where the others do not. Then it ends at once, and the launcher ends them.

    Parameters
    ----------
    world : World or None
        None where there is one process.
    terminal : Terminal
    """

    def __init__(self, world: World | None, terminal: Terminal) -> None:
        self.world, self._terminal = world, terminal
        self._all_failed = False
        self.is_first = world is None or world.rank == 0
        self.size = 1 if world is None else world.size

    def __enter__(self) -> "Together":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.world is None:
            return
        if kind is None or self._all_failed:
            self.world.leave()
        else:
            self._terminal.err.quiet = False  # nobody else knows what is wrong
            # Before mpi4py does so in its own way, which waits for all others.
            atexit.register(end_at_once, 1)

    def all(self, do: Callable[[], Result]) -> Result:
        """Do it on every rank; if it fails on one, it has failed on all.

        Raises
        ------
        UserError
            The first rank's that has one: it names the rank, if it is not the first.
        """
        if self.world is None:
            return do()
        mine, wrong = _attempt(do)
        told = self.world.all(wrong)
        for rank, error in enumerate(told):
            if error is None:
                continue
            self._all_failed = True
            if rank:
                what = error.sentence(self._terminal.lang)
                raise RanksError("ranks.one_failed", rank=rank, what=what)
            raise error
        return mine

    def first(self, do: Callable[[], Result]) -> Result:
        """Do it on the first rank, and return to all what came of it.

        Raises
        ------
        UserError
            The first rank's.
        """
        if self.world is None:
            return do()
        mine, wrong = _attempt(do) if self.is_first else (None, None)
        told: tuple[Result, UserError | None] = self.world.first((mine, wrong))
        if told[1] is not None:
            self._all_failed = True
            raise told[1]
        return told[0]

    def failed(self, error: Failure) -> Failure:
        """Return an error that all ranks have: the first one has time to say it."""
        self._all_failed = True
        return error

    def same_data(self, digest: str) -> None:
        """Refuse ranks that read other data.

        Raises
        ------
        RanksError
        """
        if self.world is None:
            return
        for rank, other in enumerate(told := self.world.all(digest)):
            if other != told[0]:
                self._all_failed = True
                raise RanksError("ranks.other_data", rank=rank)


def _attempt(do: Callable[[], Result]) -> tuple[Result, UserError | None]:
    """Do it; return what came of it, or the error that says why nothing did."""
    nothing: Result = None  # type: ignore[assignment]
    try:
        return do(), None
    except UserError as error:
        return nothing, error
    except OSError as error:
        wrong = UserError("error.system", name=error.filename, reason=error)
        return nothing, wrong
    except MemoryError:
        return nothing, UserError("error.memory")


def join(terminal: Terminal) -> Together:
    """Return the ranks that were started with this process, or this one alone.

    If it cannot speak to the others, it says why and ends.
    """
    place = launched()
    if place is None:
        return Together(None, terminal)
    try:
        return Together(World(place), terminal)
    except RanksError as error:
        if place.rank:  # where all lack the same, the first one says so
            time.sleep(FIRST)
        terminal.err.quiet = False
        terminal.complain(error.sentence(terminal.lang))
        end_at_once(ALONE if PULSE in os.environ else 1)


def end_at_once(code: int) -> NoReturn:
    """End a rank for which others may be waiting: its launcher ends them, too."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
