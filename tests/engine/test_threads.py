"""How many processors there are, tasks side by side, and how many threads pay."""

import os
import signal
import threading
import time
from functools import partial

import numpy as np
import pytest
from short_training import blas_limits

from ardoise.engine import threads
from ardoise.engine.threads import (
    Ahead,
    Pace,
    Team,
    available_threads,
    blas_threads,
)

# -- how many there may be ------------------------------------------------------------


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Control groups of our own; returns a function that writes their files."""
    monkeypatch.setattr(threads, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(threads, "OWN_CGROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def write(own, **files):
        (tmp_path / "own").write_text(own, encoding="utf-8")
        for name, text in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("_max", ".max")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


def test_without_quota_it_is_the_affinity(groups):
    assert available_threads() == 8
    groups("0::/\n", cpu_max="max 100000\n")
    assert available_threads() == 8


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000", 2), ("100000", 1), ("30000", 1), ("9000000", 8)]
)
def test_a_quota_limits_and_is_rounded_up(groups, quota, expected):
    groups("0::/\n", cpu_max=f"{quota} 100000\n")
    assert available_threads() == expected


def test_the_quotas_of_the_groups_above_limit_too(groups):
    groups("0::/a/b\n", a__b__cpu_max="max 100000", a__cpu_max="300000 100000")
    assert available_threads() == 3


def test_version_1_has_two_files(groups, tmp_path):
    groups("12:cpu,cpuacct:/me\n3:memory:/\n")
    for name, text in (("quota", "250000"), ("period", "100000")):
        path = tmp_path / "cgroup" / "cpu" / "me" / f"cpu.cfs_{name}_us"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert available_threads() == 3


@pytest.mark.parametrize("text", ["", "max", "-1 100000", "x y", "5 0", "\n"])
def test_files_that_make_no_sense_limit_nothing(groups, text):
    groups("0::/\nnonsense\n", cpu_max=text)
    assert available_threads() == 8


def test_systems_without_affinity_count_processors(groups, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert available_threads() == os.cpu_count()


# -- BLAS -----------------------------------------------------------------------------


def test_blas_limits_are_restored_after_an_error():
    limits = blas_limits()
    with pytest.raises(OSError, match="stop"), blas_threads(1):
        assert set(blas_limits()) <= {1}
        raise OSError("stop")
    assert blas_limits() == limits


def test_limits_can_be_nested_and_overlap():
    limits = blas_limits()
    with blas_threads(2):
        outer = blas_limits()
        with blas_threads(1):
            assert set(blas_limits()) <= {1}
        assert blas_limits() == outer
    first, second = blas_threads(1), blas_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__()
    second.__exit__()
    assert blas_limits() == limits


# -- side by side ---------------------------------------------------------------------


@pytest.mark.parametrize("active", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_all_tasks_are_done_each_on_its_thread(active, count):
    done = [None] * count

    def task(i):
        def do():
            done[i] = threading.get_ident()

        return do

    with Team(3) as team:
        team.active = active
        for _ in range(20):
            team.run([task(i) for i in range(count)])
    assert len(set(done)) == min(active, count)
    assert all(done[i] == done[i % active] for i in range(count))


@pytest.mark.parametrize("entered", [False, True])
def test_without_helpers_one_thread_does_everything(entered):
    team, done = Team(3), []
    if entered:
        with team:
            pass
    team.run([partial(done.append, i) for i in range(4)])
    assert done == [0, 1, 2, 3]


def test_of_limits_that_overlap_the_one_begun_last_holds():
    before = blas_limits()
    first, second, third = blas_threads(2), blas_threads(1), blas_threads(2)
    first.__enter__()
    second.__enter__()
    first.__exit__()  # out of turn
    assert max(blas_limits()) == 1
    third.__enter__()
    third.__exit__()
    assert max(blas_limits()) == 1
    second.__exit__()
    assert blas_limits() == before


def test_tasks_do_run_side_by_side():
    meeting = threading.Barrier(2, timeout=5)
    with Team(2) as team:
        team.run([meeting.wait, meeting.wait])  # alone, each would wait for ever


def test_helpers_have_no_floating_point_warnings():
    with Team(2) as team:
        team.run([lambda: None, lambda: np.float32(1e38) * np.float32(1e38)])


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_error_waits_for_the_others_and_comes_out(where):
    finished = []

    def task(i):
        def do():
            if i == where:
                raise OSError(f"task {i}")
            time.sleep(0.02)
            finished.append(i)

        return do

    before = threading.active_count()
    with Team(3) as team:
        with pytest.raises(OSError, match=f"task {where}"):
            team.run([task(i) for i in range(3)])
        assert len(finished) == 2
        team.run([task(9)] * 3)  # and it goes on
    assert threading.active_count() == before


def test_ctrl_c_while_waiting_waits_and_comes_out():
    ended = []

    def long():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        ended.append(True)

    with Team(2) as team, pytest.raises(KeyboardInterrupt):
        team.run([lambda: None, long])
    assert ended


def test_ctrl_c_at_any_moment_hangs_nothing():
    # It may come after a wait has ended, and before that is known.
    raising, stop = [0], threading.Event()
    counts = [0, 0]

    def press():
        while not stop.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.0003)

    def interrupt(*_):
        if raising[0]:
            raising[0] -= 1
            raise KeyboardInterrupt

    def count(i):
        counts[i] += 1

    def run():
        try:
            raising[0] = 2  # the second one comes while the first is seen to
            team.run([partial(count, 0), partial(count, 1)])
        finally:
            raising[0] = 0

    usual = signal.signal(signal.SIGINT, interrupt)
    hand = threading.Thread(target=press)
    try:
        with Team(2) as team:
            hand.start()
            interrupts, end = 0, time.monotonic() + 1.0
            while time.monotonic() < end:
                try:
                    run()
                except KeyboardInterrupt:
                    interrupts += 1
            stop.set()
            hand.join()
            before = list(counts)
            run()
    finally:
        stop.set()
        hand.join()
        signal.signal(signal.SIGINT, usual)
    assert interrupts > 100
    assert counts == [n + 1 for n in before]


def test_ctrl_c_while_the_others_are_waited_for_waits_on(monkeypatch):
    wait, pressed = Team._wait, []

    def press(team, i):
        if len(pressed) < 2:
            pressed.append(i)
            raise KeyboardInterrupt
        wait(team, i)

    def wrong():
        raise ValueError("here")

    ended = []
    with Team(2) as team:
        monkeypatch.setattr(Team, "_wait", press)
        with pytest.raises(ValueError, match="here"):
            team.run([wrong, lambda: ended.append(True)])
    assert pressed == [0, 0] and ended == [True]


# -- how many pay ---------------------------------------------------------------------


class Machine:
    """Steps that take as long as a processor with so many free cores would need."""

    def __init__(self, most):
        self.pace = Pace(most)
        self.free = most
        self.used = []

    def steps(self, count):
        for _ in range(count):
            used = self.pace.threads
            self.used.append(used)
            # More threads than free cores get in each other's way.
            crowded = 1 if used <= self.free else 2 * used / self.free
            self.pace.record(0.01 * crowded / min(used, self.free), 100)
        return self.used[-count:]


def test_one_thread_needs_no_pace():
    machine = Machine(1)
    assert set(machine.steps(50)) == {1}


@pytest.mark.parametrize("most", [2, 3, 8])
def test_the_first_steps_try_and_the_fastest_stays(most):
    machine = Machine(most)
    tried = machine.steps(50)
    assert set(tried) == {most, *[n for n in (4, 2, 1) if n < most]} - (
        {4, 2} if most == 3 else {4} if most == 2 else set()
    )
    assert set(tried[-10:]) == {most}


def test_it_steps_down_when_processors_are_taken_and_comes_back():
    machine = Machine(8)
    machine.steps(100)
    machine.free = 2
    assert set(machine.steps(400)[-20:]) == {2}
    machine.free = 8
    assert set(machine.steps(3000)[-20:]) == {8}


def test_trials_take_a_small_part_of_the_time():
    machine = Machine(8)
    used = machine.steps(5000)
    assert sum(n != 8 for n in used) < 0.05 * len(used)


def test_a_slow_start_or_a_lucky_step_decides_nothing():
    pace = Pace(2)
    seconds = [0.05] * 8 + [0.01, 0.012, 0.03, 0.004, *[0.01, 0.012] * 20]
    for each in seconds:
        pace.record(each, 100)
    assert pace.threads == 2


def test_short_batches_do_not_look_slow():
    pace = Pace(2)
    for _ in range(40):
        pace.record(0.01, 100)
    threads_now = pace.threads
    for _ in range(50):
        pace.record(0.0001, 1)
    assert pace.threads == threads_now


# -- one task ahead -------------------------------------------------------------------


def test_a_task_is_done_ahead_on_another_thread():
    where = []
    begun = threading.Event()

    def task():
        begun.set()
        where.append(threading.get_ident())

    with Ahead() as ahead:
        ahead.start(task)
        assert begun.wait(10)
        ahead.finish()
        assert where != [threading.get_ident()]
        ahead.start(task)
        ahead.finish()
    assert len(where) == 2


def test_a_task_that_was_not_begun_is_done_by_whoever_waits():
    where = []
    ahead = Ahead()  # nobody has come to work
    ahead.start(lambda: where.append(threading.get_ident()))
    ahead.finish()
    assert where == [threading.get_ident()]
    ahead._tasks.put(None)
    ahead.finish()  # the end is no task


def test_what_a_task_raises_is_raised_by_finish():
    begun, before = threading.Event(), threading.active_count()

    def fails():
        begun.set()
        raise OSError("the disk is gone")

    with Ahead() as ahead:
        ahead.start(fails)
        assert begun.wait(10)
        with pytest.raises(OSError, match="the disk is gone"):
            ahead.finish()
    assert threading.active_count() == before


def test_every_thread_can_set_limits():
    with blas_threads(2):  # this one was the first
        outer, seen = blas_limits(), []

        def look():
            with blas_threads(1):
                seen.append(blas_limits())
            seen.append(blas_limits())

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert set(seen[0]) == {1} and seen[1] == outer
