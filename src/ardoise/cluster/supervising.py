"""A process beside each rank that says when it dies or hangs, and ends the training.

One rank that is gone leaves the others waiting in a sum for ever, and most launchers
say at best the number of a process. So what a launcher starts is a supervisor; it
starts the rank itself, which tells it through a pipe what it is doing. No rank has to
reach another one for this: each supervisor judges its own, and by ending has the
launcher end all the others.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from ardoise.cluster.launched import Launched, launched, trains
from ardoise.messages import text, wanted_language

PULSE = "ARDOISE_PULSE"  # environment: the pipes of a rank that is supervised
PATIENCE = "ARDOISE_PATIENCE"  # environment: seconds that a rank may be silent
SECONDS = 20.0
# Whoever waits for others gives their supervisors time to notice first.
LONGER = 1.4
# A rank is hung if it takes so many times longer than ever before, and more than that.
FACTOR = 10
BEAT = 0.25  # seconds between two signs of life
IDLE = 1e-4  # seconds of a processor: with fewer between two, nothing was done
GRACE = 0.5  # seconds for the launcher to pass on what was said, before all ends
LEAVE = 10.0  # seconds that a rank has, when told to end, to keep what it learned
KILLED = 1.0  # seconds in which a process that is killed has ended, if it can
BYTES = {
    "computing": b"c",
    "waiting": b"w",
    "step": b"s",
    "done": b"d",
    # Signs of life: something was done since the last one, or nothing was.
    "beat": b"b",
    "idle": b"i",
}
_STATES = {code: state for state, code in BYTES.items()}
PR_SET_PDEATHSIG = 1
ALONE = 75  # the exit code of a rank that could not join the others


def supervise(
    command: Sequence[str], place: Launched, lang: str, checkpoint: str | None = None
) -> int:
    """Run a rank, and return its exit code; 1 if it was killed or hangs.

    Parameters
    ----------
    command : sequence of str
        What starts it.
    place : Launched
    lang : str
    checkpoint : str, optional
        Where it writes checkpoints, to be named in the sentence.
    """
    states, told = os.pipe()  # what it does
    alive, held = os.pipe()  # closed when this process ends: then it must end, too
    environ = {**os.environ, PULSE: f"{told},{alive},{held}"}
    # It may have inherited what it speaks to its launcher with: nothing is closed.
    for end in (told, alive, held):
        os.set_inheritable(end, True)
    child = subprocess.Popen(command, close_fds=False, env=environ)
    os.close(told)
    os.close(alive)

    def say(key: str, **values: object) -> None:
        host = socket.gethostname()
        values = {**place._asdict(), "pid": child.pid, "host": host, **values}
        words = text(key, lang, **values)
        if checkpoint is not None and os.path.exists(checkpoint):
            words += " " + text("ranks.go_on", lang, size=place.size, path=checkpoint)
        print(words, file=sys.stderr, flush=True)
        time.sleep(GRACE)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the rank ends, and then this
    # When a launcher or a scheduler ended it: nothing is wrong with this rank.
    ended: float | None = None

    def pass_on(*_: object) -> None:
        nonlocal ended
        if ended is None:
            ended = time.monotonic()
            child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    watch = Watch(_patience(), time.monotonic())
    while True:
        before = time.monotonic()
        ready, _, _ = select.select([states], [], [], watch.tick)
        now = time.monotonic()
        watch.skip(now - before)
        if ready:
            heard = os.read(states, 65536)
            if not heard:
                break  # it has ended, or closed all that it had
            for code in heard:
                watch.hear(_STATES.get(bytes([code]), ""), now)
        if ended is not None and now - ended > LEAVE:
            _kill(child)  # it waits for others that are gone
            return 128 + signal.SIGTERM
        if (wrong := watch.wrong(now)) is not None:
            _kill(child)
            say(wrong, seconds=watch.seconds)
            return 1
    code = child.wait()
    if code == ALONE:
        # The others may be waiting in MPI's own beginning, where most launchers leave
        # them when a process ends that has not begun: but not when one is killed.
        time.sleep(GRACE)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    if code >= 0:
        return code
    if ended is not None:
        return 128 + signal.SIGTERM
    name = signal.Signals(-code).name if -code in [*signal.Signals] else str(-code)
    say("ranks.killed", signal=name)
    return 1


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):  # it waits for a disk, perhaps
        child.wait(KILLED)


def supervised(arguments: Sequence[str]) -> int | None:
    """Run a training of the command line beside this process, if it is one of several.

    Returns
    -------
    int or None
        Its exit code; None where this process is to do itself what was asked.
    """
    place = launched()
    if place is None or PULSE in os.environ or not hasattr(os, "fork"):
        return None
    if not trains(arguments):
        return None
    command = [sys.executable, "-m", "ardoise", *arguments]
    lang = wanted_language(arguments)
    return supervise(command, place, lang, _checkpoint(arguments))


def _checkpoint(arguments: Sequence[str]) -> str | None:
    """Return where a training was asked to write its checkpoints."""
    given = [word.partition("=") for word in arguments]
    for (name, sign, value), following in zip(given, [*arguments[1:], ""], strict=True):
        if name in ("--checkpoint", "--resume"):
            return value if sign else following
    return None


class Watch:
    """What a rank was heard to do, and whether that, or its silence, is too long.

    Whatever it does, it gives signs of life all the time: one that is stopped while it
    waits for others is not taken for one of those that wait for it.

    Before its first step it reads data, and may take as long as it likes, but not do
    nothing: a disk that does not answer takes no time of a processor.

    Parameters
    ----------
    patience : float
        Seconds of silence that are borne, at least.
    now : float
        Seconds, of any clock.

    Attributes
    ----------
    seconds : int
        How long it had done what was wrong.
    tick : float
        After how many seconds of silence to ask `wrong`.
    """

    def __init__(self, patience: float, now: float) -> None:
        self._patience, self.seconds = patience, 0
        self._since = now
        self._heard: float | None = None  # when it last gave a sign of life
        self._state, self._longest = "", 0.0
        self._armed = False  # before its first step, a rank reads data, as it may
        self._busy = now  # when it last did something, before that
        self.tick = min(1.0, patience / 10)

    def hear(self, state: str, now: float) -> None:
        """Note what it does now."""
        if state in ("beat", "idle"):
            self._heard = now
            if state == "beat":
                self._busy = now
            return
        self._busy = now
        if self._armed and self._state == "computing":
            self._longest = max(self._longest, now - self._since)
        if state == "step":
            self._armed, state = True, "computing"
        elif state == "done":
            self._armed = False
        self._state, self._since = state, now

    def skip(self, seconds: float) -> None:
        """Do not count a wait that was too long: whoever waited was stopped itself.

        With the rank, mostly: by Ctrl-Z, by a scheduler, or with the whole computer.
        """
        if seconds > self.tick + 1:
            self._since += seconds - self.tick
            self._busy += seconds - self.tick
            if self._heard is not None:
                self._heard += seconds - self.tick

    def wrong(self, now: float) -> str | None:
        """Return the key of the sentence that says what is wrong, if anything is."""
        if self._heard is not None and now - self._heard > self._patience:
            self.seconds = round(now - self._heard)
            return "ranks.hung"
        if not self._armed:
            self.seconds = round(now - self._busy)
            idle = self._heard is not None and now - self._busy > self._patience
            return "ranks.hung" if idle and self._state in ("", "computing") else None
        most = max(self._patience, FACTOR * self._longest)
        self.seconds = round(now - self._since)
        if self._state == "waiting":
            return "ranks.lost" if now - self._since > LONGER * most else None
        return "ranks.hung" if now - self._since > most else None


def pulse() -> Callable[[str], None] | None:
    """Return what tells this rank's supervisor what it does; None if it has none.

    From now on, this process ends when its supervisor does.
    """
    word = os.environ.pop(PULSE, None)
    if word is None:
        return None
    told, alive, held = map(int, word.split(","))
    os.close(held)
    for descriptor in (told, alive):
        os.set_inheritable(descriptor, False)
    _die_with_parent()
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()

    def tell(state: str) -> None:
        # Or else it has ended, and this process is about to.
        with suppress(OSError):
            os.write(told, BYTES[state])

    def live() -> None:
        worked = 0.0
        while True:
            of_others = time.process_time() - time.thread_time()  # of all but this one
            if of_others > worked + IDLE:
                worked = of_others
                tell("beat")
            else:
                tell("idle")
            time.sleep(BEAT)

    tell("beat")  # before anything can happen to it
    threading.Thread(target=live, daemon=True).start()
    return tell


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, even if it is stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _end_with(alive: int) -> NoReturn:
    """End this process when the other end of a pipe is closed."""
    os.read(alive, 1)
    os._exit(1)


def _patience() -> float:
    try:
        return max(1.0, float(os.environ.get(PATIENCE, "")))
    except ValueError:
        return SECONDS
