"""Processes that are killed while they write checkpoints; none may be lost.

``python -m tests.evidence.kills --kills 500`` kills a process as often at random
moments, and at each of its first 40 calls that write, sync or rename; after each, the
checkpoint must be there, whole, and not older than what the process said it wrote.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ardoise import Dense, Network, fit
from ardoise.engine.training import Callback
from ardoise.files import atomic
from ardoise.files.checkpoint import Checkpoint, load_checkpoint, save_checkpoint

CALLS = ("write", "fsync", "replace", "open", "close", "chmod")


class Writes(Callback):
    """Write a checkpoint at each step, and say so when it is done."""

    def __init__(self, path):
        self.path = path

    def on_batch_end(self, training):
        about = training.network.config()
        save_checkpoint(self.path, Checkpoint(training.snapshot(), about, {}))
        print(training.step, flush=True)


def write_for_ever(path: Path, kill_at: int | None) -> None:
    """Train and write, until somebody, or the k-th call to the system, kills this."""
    if kill_at is not None:
        _kill_at(kill_at)
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 8), "f4"), np.arange(64) % 3
    network = Network([Dense(16), Dense(3)], 8, seed=0)
    atomic.remove_strays(path)
    fit(network, x, y, epochs=10**6, batch_size=8, threads=1, callbacks=[Writes(path)])


def _kill_at(k: int) -> None:
    """Have this process die just before its k-th call among `CALLS`."""
    calls = 0

    def counted(name):
        real = getattr(os, name)

        def call(*arguments, **more):
            nonlocal calls
            calls += 1
            if calls == k:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **more)

        return call

    class Os:
        """The os module, some of whose functions are counted."""

        def __getattr__(self, name):
            return counted(name) if name in CALLS else getattr(os, name)

    atomic.os = Os()


def killed(path: Path, *, kill_at: int | None = None, seconds: float = 0.0) -> int:
    """Run a process until it is killed; return the last step that it said it wrote."""
    command = [sys.executable, "-m", "tests.evidence.kills", "--write", str(path)]
    if kill_at is not None:
        command += ["--kill-at", str(kill_at)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if kill_at is None:
        process.stdout.readline()  # it has begun
        time.sleep(seconds)
        process.kill()
    said, _ = process.communicate(timeout=60)
    steps = [int(line) for line in said.splitlines() if line.strip().isdigit()]
    return steps[-1] if steps else 0


def check(path: Path, least: int) -> None:
    """Refuse a checkpoint that is lost, damaged, or older than was promised."""
    step = load_checkpoint(path).snapshot.values["step"]
    if step < least:
        raise SystemExit(f"step {least} was written, and step {step} is there")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kill-at", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write is not None:
        write_for_ever(options.write, options.kill_at)
    with tempfile.TemporaryDirectory() as folder:
        survive(Path(folder), options.kills, options.calls, random.Random(0))
    print(
        f"{options.kills} kills at random moments and {options.calls} at calls:", end=""
    )
    print(" no checkpoint was lost.")
    return 0


def survive(folder: Path, kills: int, calls: int, rng: random.Random) -> None:
    path = folder / "point"
    killed(path, seconds=0.2)  # there is one to lose
    for _ in range(kills):
        check(path, killed(path, seconds=rng.uniform(0, 0.1)))
    for k in range(1, calls + 1):
        check(path, killed(path, kill_at=k))


if __name__ == "__main__":
    sys.exit(main())
