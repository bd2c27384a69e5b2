"""Threads: how many there may be, how many are worth having, and tasks for them.

NumPy lets go of the interpreter lock while it computes, so Python threads use several
processors. How many are best depends on who else is using the machine, which changes
while a training runs: `Pace` measures, and measures again.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from ardoise.engine.arrays import computing

if TYPE_CHECKING:
    from pathlib import Path

CGROUPS = "/sys/fs/cgroup"
BOOT = "/proc/sys/kernel/random/boot_id"  # of this machine since it was started
OWN_CGROUP = "/proc/self/cgroup"

# Pace: how many steps are not timed, at first, when memory is still being fetched; how
# many are, with each number of threads; seconds between two such trials while fewer
# threads than asked for are at work, and while all are; how much slower a step must
# have become to hold one soon.
WARM_UP_STEPS = 8
TRIAL_STEPS = 5
SECONDS_BELOW = 0.25
SECONDS_AT_MOST = 20.0
ALARM = 1.3
TRIAL_COST = 10  # and trials take at most a tenth of the time
HOPELESS = 1.4  # so much slower than the best: one step was enough to see it
GAIN = 0.9  # so much less time must fewer threads take


def available_threads() -> int:
    """Return how many processors this process may use.

    That is the least of what the machine has, the affinity of the process, and the
    quota of its control group (a container's limit), rounded up.
    """
    count = len(processors())
    quota = _cgroup_quota()
    return count if quota is None else max(1, min(count, int(-(-quota // 1))))


def processors() -> frozenset[int]:
    """Return the numbers of the processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))  # macOS and Windows


def computer() -> str:
    """Return what tells this computer from others; containers are no computers."""
    try:
        with open(BOOT, encoding="ascii") as file:
            return file.read()
    except OSError:  # not Linux
        import platform

        return platform.node()


def _cgroup_quota() -> float | None:
    """Return how many processors' time this process's control group may use."""
    # Not needed by those who only predict, and a tenth of the time to import ardoise.
    from pathlib import Path

    quotas = []
    root = Path(CGROUPS)
    try:
        lines = Path(OWN_CGROUP).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for line in lines:
        _, kinds, own = (*line.split(":", 2), "", "")[:3]
        if kinds == "":  # version 2: every group above limits too
            parts = Path(own.lstrip("/")).parts
            for depth in range(len(parts) + 1):
                quotas.append(_quota(root.joinpath(*parts[:depth], "cpu.max")))
        elif "cpu" in kinds.split(","):  # version 1: two files
            for group in (root / "cpu" / own.lstrip("/"), root / "cpu"):
                files = (group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us")
                quotas.append(_quota(*files))
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota(*files: Path) -> float | None:
    """Return quota / period, which stand in one file or in two."""
    try:
        words = " ".join(file.read_text(encoding="utf-8") for file in files).split()
        quota, period = float(words[0]), float(words[1])
    except (OSError, ValueError, IndexError):
        return None  # no such file, or "max": no limit
    return quota / period if quota > 0 and period > 0 else None


class blas_threads:
    """Context manager: limit NumPy's BLAS library to so many threads.

    The limit holds for the whole process: of several that overlap, that of the one
    begun last; and when all have ended, what it was before the first.
    """

    _libraries: ClassVar[list[Any] | None] = None
    _before: ClassVar[list[int]] = []
    _inside: ClassVar[list[blas_threads]] = []  # who is, in the order of coming
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def __enter__(self) -> None:
        cls = blas_threads
        with cls._lock:
            if cls._libraries is None:
                cls._libraries = _find_blas()
            if not cls._inside:
                cls._before = [lib.get_num_threads() for lib in cls._libraries]
            cls._inside.append(self)
            cls._apply()

    def __exit__(self, *_: object) -> None:
        with blas_threads._lock:
            blas_threads._inside.remove(self)
            blas_threads._apply()

    @classmethod
    def _apply(cls) -> None:
        """Give the libraries the limit of who came last, of those who are inside."""
        libraries = cls._libraries or []
        limits = cls._before
        if cls._inside:
            limits = [cls._inside[-1]._threads] * len(libraries)
        for library, count in zip(libraries, limits, strict=True):
            # threadpoolctl 3.8 lets nobody set limits but the first thread that did,
            # lest threads fight over them: here they take turns.
            setting = getattr(library, "_real_set_num_threads", library.set_num_threads)
            setting(count)


def _find_blas() -> list[Any]:
    """Return the BLAS libraries in this process, as threadpoolctl controls them."""
    # Looking for them takes a millisecond, so it is done once.
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().select(user_api="blas")
    return list(found.lib_controllers)


Task = Callable[[], None]
Job = tuple[int, Sequence[Task]]  # the number of the round, and what to do


class Team:
    """Threads that do tasks side by side; a context manager.

    Parameters
    ----------
    threads : int
        The most that will work at the same time, this one included.

    Attributes
    ----------
    active : int
        How many do, at present.
    """

    def __init__(self, threads: int) -> None:
        self.threads = self.active = threads
        helpers = range(threads - 1)
        self._starts: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in helpers]
        self._ends: list[SimpleQueue[None]] = [SimpleQueue() for _ in helpers]
        self._round = 0
        self._finished = [0 for _ in helpers]  # the round that each has done
        self._error: BaseException | None = None
        self._helpers: list[threading.Thread] = []

    def __enter__(self) -> Team:
        for i in range(self.threads - 1):
            helper = threading.Thread(target=self._help, args=(i,), daemon=True)
            helper.start()
            self._helpers.append(helper)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for start in self._starts:
            start.put(None)
        for helper in self._helpers:
            helper.join()
        self._helpers = []

    def run(self, tasks: Sequence[Task]) -> None:
        """Do all tasks and return when they are done; raise what one of them raised.

        Thread j does the tasks j, j + active, j + 2 active…
        """
        # Without helpers, before and after, one thread does everything.
        active = min(self.active, len(tasks), 1 + len(self._helpers))
        if active <= 1:
            for task in tasks:
                task()
            return
        self._error = None
        try:
            self._round += 1
            for i in range(active - 1):
                self._starts[i].put((self._round, tasks[i + 1 :: active]))
            for task in tasks[::active]:
                task()
            for i in range(active - 1):
                self._wait(i)
        except BaseException:
            # Whatever happened here, the others must have ended before anyone goes on.
            self._settle()
            raise
        if self._error is not None:
            raise self._error

    def _wait(self, i: int) -> None:
        # Ctrl-C may come when get() has taken what helper i put, and before it returns:
        # what it finished is written down, too.
        while self._finished[i] != self._round:
            self._ends[i].get()

    def _settle(self) -> None:
        """Return when no helper is at work, however often Ctrl-C is pressed."""
        while True:
            try:
                self._round += 1
                for start in self._starts:
                    start.put((self._round, ()))  # done when all before it is done
                for i in range(len(self._starts)):
                    self._wait(i)
                return
            except KeyboardInterrupt:
                continue

    def _help(self, i: int) -> None:
        # Each thread has floating-point warnings of its own, off as in the main one.
        with computing():
            while (job := self._starts[i].get()) is not None:
                number, tasks = job
                try:
                    for task in tasks:
                        task()
                except BaseException as error:
                    self._error = error
                finally:
                    self._finished[i] = number
                    self._ends[i].put(None)


class Ahead:
    """A thread that does one task while the others go on; a context manager.

    Loading the next batch of 784-100-10, 200 rows, takes 90 µs of a step's 950.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def __enter__(self) -> Ahead:
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tasks.put(None)
        self._thread.join()

    def start(self, task: Task) -> None:
        """Have a task done; `finish` must follow."""
        self._tasks.put(task)

    def finish(self) -> None:
        """Return when the task is done; raise what it raised.

        One that has not been begun, because other processes have the processors, is
        done here.
        """
        try:
            task = self._tasks.get_nowait()
        except Empty:
            error = self._done.get()
            if error is not None:
                raise error from None
            return
        if task is not None:
            task()

    def _work(self) -> None:
        with computing():
            while (task := self._tasks.get()) is not None:
                try:
                    task()
                except BaseException as error:
                    self._done.put(error)
                else:
                    self._done.put(None)


class Pace:
    """How many threads to use next: the number that was fastest when last tried.

    Early on, steps are timed with the most threads, with half as many and so on down to
    one, in turn. Later they are tried again, now and then, and soon when steps have
    become slower: other processes may have taken processors, or given them back.

    Parameters
    ----------
    most : int

    Attributes
    ----------
    threads : int
        To be used for the next step.
    """

    def __init__(self, most: int) -> None:
        self._choices = [most]
        while self._choices[-1] > 1:
            self._choices.append(self._choices[-1] // 2)
        self.threads = most
        self._warm_up = WARM_UP_STEPS
        self._best = 0.0  # seconds per sample, when last tried
        self._recent: list[float] = []  # of the last five steps
        self._since = 0.0  # seconds since the last trial
        self._begin_trial()

    def _begin_trial(self) -> None:
        self._times: dict[int, list[float]] = {choice: [] for choice in self._choices}
        self._trial_seconds = 0.0

    def record(self, seconds: float, rows: int) -> None:
        """Take note of how long the last step took, for so many samples."""
        if len(self._choices) == 1:
            return
        if self._warm_up:
            self._warm_up -= 1
            return
        if self._times:
            self._trial_seconds += seconds
            self._times[self.threads].append(seconds / rows)
            self._continue_trial()
            return
        self._recent = [*self._recent[-4:], seconds / rows]
        self._since += seconds
        slower = len(self._recent) == 5 and min(self._recent) > ALARM * self._best
        below = self.threads < self._choices[0]
        wait = SECONDS_BELOW if slower or below else SECONDS_AT_MOST
        if self._since > max(wait, TRIAL_COST * self._trial_seconds):
            self._begin_trial()
            self._continue_trial()

    def _continue_trial(self) -> None:
        """Choose what to try next; after the last, what was fastest."""
        best = min((min(t) for t in self._times.values() if t), default=math.inf)
        for count in range(TRIAL_STEPS):
            for choice, times in self._times.items():
                below = choice < self._choices[0]
                hopeless = below and bool(times) and min(times) > HOPELESS * best
                if len(times) == count and not hopeless:
                    self.threads = choice
                    return
        # Medians: a single step may be slow or fast by chance.
        speed = {c: sorted(times)[len(times) // 2] for c, times in self._times.items()}
        most = self._choices[0]
        fewer = min(self._choices[1:], key=lambda choice: speed[choice])
        self.threads = fewer if speed[fewer] < GAIN * speed[most] else most
        self._best = speed[self.threads]
        self._times, self._recent, self._since = {}, [], 0.0
