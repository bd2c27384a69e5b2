"""Who watches over a rank says when it dies or hangs, and never when it is slow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ardoise.cluster import supervising
from ardoise.cluster.launched import Launched
from ardoise.cluster.supervising import PATIENCE, Watch, supervise, supervised

PLACE = Launched(2, 4)
unix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes of Unix")


def told(*heard):
    """Return a watch of 20 s that has heard (seconds, state) …"""
    watch = Watch(20.0, 0.0)
    for now, state in heard:
        watch.hear(state, now)
    return watch


@pytest.mark.parametrize(
    ("heard", "now", "wrong"),
    [
        ([], 1e6, None),  # it still reads its data
        ([(0, "waiting")], 1e6, None),
        ([(0, "computing")], 1e6, None),
        ([(0, "step")], 20, None),
        ([(0, "step")], 20.1, "ranks.hung"),
        ([(0, "step"), (1, "waiting")], 28, None),  # the others' supervisors come first
        ([(0, "step"), (1, "waiting")], 29.1, "ranks.lost"),
        ([(0, "step"), (19, "computing")], 38, None),  # it says that it is at work
        ([(0, "step"), (5, "waiting"), (6, "step")], 50, None),  # ten times as long
        ([(0, "step"), (5, "waiting"), (6, "step")], 57, "ranks.hung"),
        ([(0, "step"), (1, "done")], 1e6, None),
        ([(0, "step"), (1, "nonsense")], 22, "ranks.hung"),
        ([(5, "beat")], 25, None),
        ([(5, "beat")], 25.1, "ranks.hung"),  # even while it reads its data
        ([(0, "step"), (1, "waiting"), (1, "beat")], 21.1, "ranks.hung"),
        ([(0, "step"), (1, "waiting"), (29, "beat")], 29.1, "ranks.lost"),
        ([(0, "step"), (20, "beat")], 20.1, "ranks.hung"),  # alive, and stuck
        ([(5, "beat"), (25, "idle")], 25, None),
        ([(5, "beat"), (25, "idle")], 25.1, "ranks.hung"),  # nothing comes from a disk
        ([(5, "computing"), (25, "idle")], 25.1, "ranks.hung"),
        ([(5, "beat"), (15, "beat"), (30, "idle")], 30, None),  # little by little
        ([(5, "waiting"), (90, "idle")], 90, None),  # for one that reads
        ([(0, "step"), (1, "done"), (90, "idle")], 90, None),
        ([(0, "step"), (5, "waiting"), (6, "step"), (50, "idle")], 50, None),
    ],
)
def test_silence_is_judged_by_what_a_rank_was_doing(heard, now, wrong):
    assert told(*heard).wrong(now) == wrong


RANK = """
import sys, time
from ardoise.cluster.supervising import pulse
tell = pulse()
{what}
"""
STEPS = "tell('waiting'); tell('step')"


def run(what, tmp_path, checkpoint=None, lang="en"):
    program = tmp_path / "rank.py"
    program.write_text(RANK.format(what=what))
    return supervise([sys.executable, str(program)], PLACE, lang, checkpoint)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv(PATIENCE, "1")
    monkeypatch.setattr(supervising, "GRACE", 0.0)


@pytest.fixture(autouse=True)
def signals():
    """A supervisor lives as long as its process: it does not restore them."""
    kept = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@unix
def test_a_rank_that_ends_gives_its_exit_code(tmp_path, quick, capfd):
    assert run(STEPS, tmp_path) == 0
    assert run("sys.exit(3)", tmp_path) == 3
    assert capfd.readouterr().err == ""


@unix
def test_a_killed_rank_is_named_with_the_way_to_go_on(tmp_path, quick, capfd):
    kills = "import os; os.kill(os.getpid(), 9)"
    assert run(kills, tmp_path, str(tmp_path / "none.ck")) == 1
    said = capfd.readouterr().err
    assert said.startswith("Rank 2 of 4 (process ")
    assert said.endswith(
        "was killed by SIGKILL: the training has ended on all ranks.\n"
    )
    kept = tmp_path / "run.ck"
    kept.touch()
    assert run(kills, tmp_path, str(kept), "fr") == 1
    said = capfd.readouterr().err
    assert said.startswith("Le rang 2 sur 4 (processus ")
    assert said.endswith(f"mpiexec -n 4 ardoise train --resume {kept}\n")


@unix
@pytest.mark.parametrize(
    "hangs",
    [
        "time.sleep(60)",
        "import os; os.kill(os.getpid(), 19)",
        "import os; tell('waiting'); os.kill(os.getpid(), 19)",
    ],
)
def test_a_rank_that_hangs_is_ended_and_named(tmp_path, quick, capfd, hangs):
    started = time.monotonic()
    assert run(f"{STEPS}\n{hangs}", tmp_path) == 1
    assert time.monotonic() - started < 10
    assert "has done nothing for" in capfd.readouterr().err


@unix
def test_a_rank_that_reads_may_take_long_but_not_do_nothing(tmp_path, quick, capfd):
    works = "end = time.monotonic() + 2\nwhile time.monotonic() < end: {}"
    assert run(works.format("pass"), tmp_path) == 0
    assert run(works.format("time.sleep(0.1); sum(range(10000))"), tmp_path) == 0
    assert run(f"tell('waiting')\n{works.format('time.sleep(0.1)')}", tmp_path) == 0
    assert capfd.readouterr().err == ""
    started = time.monotonic()
    reads = "import os; os.read(os.pipe()[0], 1)"  # of a disk that does not answer
    assert run(f"tell('computing'); {reads}", tmp_path) == 1
    assert time.monotonic() - started < 10
    assert "has done nothing for" in capfd.readouterr().err


@unix
def test_a_rank_that_cannot_even_be_killed_is_named(
    tmp_path, quick, capfd, monkeypatch
):
    # As one that waits for a disk that does not answer.
    killed = []
    kill = subprocess.Popen.kill
    monkeypatch.setattr(subprocess.Popen, "kill", lambda child: killed.append(child))
    monkeypatch.setattr(supervising, "KILLED", 0.1)
    started = time.monotonic()
    assert run(f"{STEPS}; time.sleep(60)", tmp_path) == 1
    assert time.monotonic() - started < 10
    assert "has done nothing for" in capfd.readouterr().err
    kill(killed[0])
    killed[0].wait()


PROGRAM = (
    "import sys\n"
    "from ardoise.cluster.supervising import supervise, Launched\n"
    "sys.exit(supervise([sys.executable, sys.argv[1]], Launched(0, 2), 'en'))"
)


def supervisor(what, tmp_path):
    """Start one in a process of its own; return it, and its rank's number."""
    rank, note = tmp_path / "rank.py", tmp_path / "pid"
    says = f"import os; open({str(note)!r}, 'w').write(str(os.getpid()))"
    rank.write_text(RANK.format(what=f"{STEPS}; {says}\n{what}"))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(rank)], stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: note.exists() and note.read_text())
    return process, int(note.read_text())


@unix
def test_a_supervisor_that_is_told_to_end_accuses_nobody(tmp_path, quick):
    # Open MPI ends the ranks that are left in this way, and schedulers all of them.
    process, pid = supervisor("time.sleep(60)", tmp_path)
    with process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (128 + signal.SIGTERM, "")
    assert not is_running(pid)


@unix
def test_a_rank_that_is_told_to_end_may_keep_what_it_learned(tmp_path, quick):
    keeps = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))"
    process, _ = supervisor(f"{keeps}; tell('done'); time.sleep(60)", tmp_path)
    with process:
        time.sleep(0.5)  # until it listens
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (130, "")


@unix
def test_a_rank_that_is_told_to_end_and_cannot_is_ended(
    tmp_path, quick, monkeypatch, capfd
):
    monkeypatch.setattr(supervising, "LEAVE", 0.5)
    waits = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    tells = "os.kill(os.getppid(), signal.SIGTERM)"
    started = time.monotonic()
    deaf = f"{waits}; tell('done'); {tells}; time.sleep(60)"
    assert run(deaf, tmp_path) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 10
    assert capfd.readouterr().err == ""


@unix
def test_a_rank_that_could_not_join_has_the_launcher_end_the_others(tmp_path, quick):
    wait = "time.sleep(0.5)"  # until it has been heard of
    process, _ = supervisor(f"{wait}; sys.exit({supervising.ALONE})", tmp_path)
    with process:
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (-signal.SIGTERM, "")


@unix
def test_a_rank_that_was_stopped_with_its_supervisor_goes_on(tmp_path, quick):
    process, pid = supervisor("time.sleep(0.5); tell('done')", tmp_path)
    with process:
        for number in (process.pid, pid):
            os.kill(number, signal.SIGSTOP)
        time.sleep(2.5)
        # First who watches: it sees how late it is before the rank says anything.
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.3)
        os.kill(pid, signal.SIGCONT)
        _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, "")


@unix
def test_a_rank_whose_others_are_gone_does_not_wait_for_ever(tmp_path, quick, capfd):
    assert run(f"{STEPS}; tell('waiting'); time.sleep(60)", tmp_path) == 1
    assert "for the others" in capfd.readouterr().err


@unix
@pytest.mark.parametrize("stopped", [False, True])
def test_a_rank_ends_with_its_supervisor(tmp_path, stopped):
    note = tmp_path / "pid"
    rank = tmp_path / "rank.py"
    stop = "os.kill(os.getpid(), 19)" if stopped else "time.sleep(60)"
    rank.write_text(
        "import os, pathlib, time\n"
        "from ardoise.cluster.supervising import pulse\n"
        "tell = pulse()\n"
        f"pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n{stop}"
    )
    program = (
        "from ardoise.cluster.supervising import supervise, Launched\n"
        f"supervise([{sys.executable!r}, {str(rank)!r}], Launched(0, 2), 'en')"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as supervisor:
        wait_for(lambda: note.exists() and note.read_text())
        pid = int(note.read_text())
        if stopped and sys.platform != "linux":
            os.kill(pid, signal.SIGCONT)
        supervisor.kill()
        wait_for(lambda: not is_running(pid))


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_for(there):
    end = time.monotonic() + 20
    while not there():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_only_a_training_of_several_ranks_has_a_supervisor(monkeypatch):
    asked = []
    monkeypatch.setattr(supervising, "supervise", lambda *given: asked.append(given))
    for name in ("PMI_RANK", "PMI_SIZE", supervising.PULSE):
        monkeypatch.delenv(name, raising=False)
    assert supervised(["train"]) is None
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "2")
    assert supervised(["predict", "a.png"]) is None
    assert supervised([]) is None
    assert asked == []
    supervised(["train", "--resume", "a.ck", "--lang", "fr"])
    supervised(["train", "--checkpoint=b.ck"])
    supervised(["train", "--epochs", "3"])
    assert [(place, lang, path) for _, place, lang, path in asked] == [
        ((1, 2), "fr", "a.ck"),
        ((1, 2), "en", "b.ck"),
        ((1, 2), "en", None),
    ]
    monkeypatch.setenv(supervising.PULSE, "3,4,5")  # it is the rank itself
    assert supervised(["train"]) is None


def test_patience_is_a_number_of_seconds(monkeypatch):
    for word, seconds in (("60", 60), ("0", 1), ("soon", 20), ("", 20)):
        monkeypatch.setenv(PATIENCE, word)
        assert supervising._patience() == seconds
