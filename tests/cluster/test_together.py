"""What ranks do together: one fails, and all have failed, with one sentence."""

import errno
import sys
import types

import pytest

from ardoise.cli import ranks
from ardoise.cli.ranks import Together, join
from ardoise.cli.terminal import Terminal
from ardoise.cluster import world as world_module
from ardoise.cluster.launched import Launched
from ardoise.cluster.world import RanksError, World
from ardoise.engine.ranks import Ranks
from ardoise.messages import OptionError, UserError
from tests.engine.ranks_in_threads import Communicator, together


class Left(Ranks):
    """Ranks that note who leaves."""

    left = False

    def leave(self):
        self.left = True


def on_ranks(size, do):
    """Return what ``do(together, rank)`` returns or raises, on each rank."""

    def run(communicator):
        world = Left(communicator)
        group = Together(world, Terminal("en"))
        try:
            with group:
                return do(group, world.rank), world.left
        except UserError as error:
            return error.sentence("en"), world.left

    return together(size, run)


def fails(rank, error):
    def do(group, own):
        def work():
            if own == rank:
                raise error
            return own

        return group.all(work)

    return do


def test_alone_everything_is_simply_done():
    with Together(None, Terminal("en")) as alone:
        assert (alone.size, alone.is_first) == (1, True)
        assert alone.all(lambda: 3) == alone.first(lambda: 3) == 3
        alone.same_data("any")
        with pytest.raises(ZeroDivisionError):
            alone.all(lambda: 1 // 0)


def test_all_do_it_and_the_first_does_it_for_all():
    assert [r for r, _ in on_ranks(3, lambda g, own: g.all(lambda: own))] == [0, 1, 2]
    assert [r for r, _ in on_ranks(3, lambda g, own: g.first(lambda: own))] == [0, 0, 0]
    assert [g for g, _ in on_ranks(2, lambda g, own: g.is_first)] == [True, False]


@pytest.mark.parametrize(
    ("rank", "error", "said"),
    [
        (0, OptionError("option.seed", value=-1), "--seed"),
        (1, OptionError("option.seed", value=-1), "Rank 1 cannot go on, so none can. "),
        (1, OSError(errno.ENOSPC, "full", "x.npz"), "Rank 1 cannot go on"),
        (0, MemoryError(), "memory"),
    ],
)
def test_what_fails_on_one_has_failed_on_all(rank, error, said):
    told = on_ranks(3, fails(rank, error))
    assert len({sentence for sentence, _ in told}) == 1
    assert said in told[0][0]


def test_what_fails_on_the_first_has_failed_on_all():
    def wrong():
        raise OptionError("option.seed", value=-1)

    told = on_ranks(2, lambda group, own: group.first(wrong))
    assert told[0] == told[1]
    assert "--seed" in told[0][0]


def test_what_has_failed_on_all_is_said_by_the_first():
    def wrong(group, own):
        raise group.failed(OptionError("option.seed", value=-1))

    def do(communicator):
        world, terminal = Left(communicator), Terminal("en")
        terminal.err.quiet = True
        with pytest.raises(OptionError), Together(world, terminal) as group:
            wrong(group, world.rank)
        return world.left, terminal.err.quiet

    assert together(2, do) == [(True, True)] * 2


def test_other_data_are_refused():
    assert on_ranks(2, lambda g, own: g.same_data("same"))[0] == (None, False)
    told = on_ranks(2, lambda g, own: g.same_data(f"of {own}"))
    assert "Rank 1 read other data than rank 0" in told[1][0]


def test_all_leave_together_unless_one_fails_alone(monkeypatch):
    ends = []
    monkeypatch.setattr(ranks.atexit, "register", lambda *given: ends.append(given))
    lonely = Left(Communicator(0, 1, [None], None))
    with Together(lonely, Terminal("en")):
        pass
    assert lonely.left and not ends
    lonely.left = False
    terminal = Terminal("en")
    terminal.err.quiet = True  # as on each rank but the first
    with pytest.raises(OSError), Together(lonely, terminal):
        raise OSError("disk")
    assert not lonely.left
    assert not terminal.err.quiet
    assert ends == [(ranks.end_at_once, 1)]


@pytest.fixture
def mpi(monkeypatch):
    """Have mpi4py be a module with so many ranks in its world."""

    def install(size):
        module = types.ModuleType("mpi4py")
        world = Communicator(0, size, [None] * size, None)
        module.MPI = types.SimpleNamespace(COMM_WORLD=world, Exception=OSError)
        monkeypatch.setitem(sys.modules, "mpi4py", module)

    return install


def test_the_launcher_and_mpi4py_must_agree(mpi):
    mpi(2)
    assert World(Launched(0, 2)).size == 2
    mpi(1)
    with pytest.raises(RanksError) as caught:
        World(Launched(0, 2))
    assert "mpi4py sees 1" in caught.value.sentence("en")


def test_a_rank_whose_neighbour_is_gone_lets_its_supervisor_speak_first(
    mpi, monkeypatch
):
    waited = []
    monkeypatch.setattr(world_module.time, "sleep", waited.append)
    mpi(2)
    world = World(Launched(0, 2))

    def gone(value):
        raise OSError("Other MPI error\nand a stack")

    world._comm.allgather = gone
    with pytest.raises(RanksError) as caught:
        world.all(1)
    assert "Another rank is gone" in caught.value.sentence("en")
    assert "stack" not in caught.value.sentence("en")
    assert waited == [world_module.LINGER]


def test_without_mpi4py_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(RanksError) as caught:
        World(Launched(0, 2))
    assert 'pip install "ardoise[mpi]"' in caught.value.sentence("en")


def test_who_was_started_alone_is_alone(monkeypatch):
    for name in ("PMI_RANK", "PMI_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert join(Terminal("en")).world is None


def test_the_first_is_waited_for_politely(monkeypatch, mpi):
    looks = iter([False, False, True])
    request = types.SimpleNamespace(Test=lambda: next(looks))
    mpi(2)
    world = World(Launched(0, 2))
    world._comm.Ibarrier = lambda: request
    world.leave()
    assert list(looks) == []
