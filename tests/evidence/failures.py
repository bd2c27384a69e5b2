"""Disks that are full or broken: the old file stays, and there is one sentence.

``python -m tests.evidence.failures`` lets each of the first calls that write fail, in
turn, with each error that a disk may give; trains beside a disk that is really full
(where it may mount one: root, on Linux); and trains under a limit on the size of files.
"""

import argparse
import contextlib
import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ardoise import Dense, Network, fit
from ardoise.engine import losses
from ardoise.engine.training import Callback
from ardoise.files import Model, atomic, load_model, save_model
from ardoise.files.checkpoint import (
    Checkpoint,
    load_only,
    previous_of,
    save_checkpoint,
)
from ardoise.messages import UserError
from tests.evidence.kills import CALLS

ERRORS = ("ENOSPC", "EIO", "EFBIG", "EDQUOT", "EROFS")
KIBIBYTES = 4096  # of the disk that is full


# -- calls that fail ------------------------------------------------------------------


@contextlib.contextmanager
def failing(k: int, code: int):
    """Let the k-th call to the system fail, and yield how many there were (a list)."""
    made = []

    class Os:
        """The os module, one of whose calls fails."""

        def __getattr__(self, name):
            real = getattr(os, name)
            if name not in CALLS:
                return real

            def call(*arguments, **more):
                made.append(name)
                if len(made) == k:
                    if name == "close":
                        real(*arguments)  # Linux closes it all the same
                    raise OSError(code, os.strerror(code))
                return real(*arguments, **more)

            return call

    atomic.os = Os()
    try:
        yield made
    finally:
        atomic.os = os


class Snapshots(Callback):
    """Keeps a snapshot of each step."""

    def __init__(self):
        self.all = []

    def on_batch_end(self, training):
        self.all.append(training.snapshot())


def small_network() -> Network:
    return Network([Dense(4), Dense(3)], 8, seed=0)


def fail_at_each_call(folder: Path) -> int:
    """Fail each call of writing a model and a checkpoint, with each error; count them.

    Raises
    ------
    SystemExit
        If an old file was lost, or something was left beside it.
    """
    taken = Snapshots()
    rng = np.random.default_rng(0)
    x, y = rng.random((24, 8), "f4"), np.arange(24) % 3
    fit(small_network(), x, y, epochs=1, batch_size=8, threads=1, callbacks=[taken])
    points = [Checkpoint(s, small_network().config(), {}) for s in taken.all]
    loss = losses.get("softmax_cross_entropy")
    models = [
        Model(small_network(), ("a", "b", "c"), loss, {"version": i}) for i in range(2)
    ]
    path, model_path = folder / "point", folder / "model"
    count = 0
    for name in ERRORS:
        code = getattr(errno, name)
        for write in ("checkpoint", "model"):
            k = 0
            while True:
                k += 1
                save_checkpoint(path, points[0])
                save_checkpoint(path, points[1])
                save_model(model_path, models[0])
                with failing(k, code) as made:
                    try:
                        if write == "checkpoint":
                            save_checkpoint(path, points[2])
                        else:
                            save_model(model_path, models[1])
                    except OSError as error:
                        _check_error(error, code)
                    else:
                        break
                count += 1
                # From the second replace on, the new one is there.
                steps = load_only(path).snapshot.values["step"]
                renamed = made.count("replace") > (write == "checkpoint")
                late = renamed and made[-1] != "replace"
                if steps != (3 if late and write == "checkpoint" else 2):
                    raise SystemExit(f"call {k}, {name}: step {steps} is there")
                version = load_model(model_path).details["version"]
                if version != (late and write == "model"):
                    raise SystemExit(f"call {k}, {name}: model {version} is there")
                left = {p.name for p in folder.iterdir()} - {"point", "model"}
                if not left <= {previous_of(path).name}:
                    raise SystemExit(f"call {k}, {name}: left {sorted(left)}")
    return count


def _check_error(error: OSError, code: int) -> None:
    sentence = UserError("error.system", name=error.filename, reason=error)
    said = sentence.sentence("en")
    if error.errno != code or not error.filename or "\n" in said:
        raise SystemExit(f"said: {said}")


# -- disks that are full, files that may not grow -------------------------------------


def pictures(folder: Path) -> Path:
    """Write a small data set."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (300, 12, 12), dtype=np.uint8)
    path = folder / "small.npz"
    np.savez(path, images=images, labels=np.arange(300) % 10)
    return path


def train(*options: object, before: str = "", code: int = 0) -> list[str]:
    """Run the command; return the lines of its standard error.

    Raises
    ------
    SystemExit
        If it ended otherwise, or printed a traceback.
    """
    command = [sys.executable, "-m", "ardoise", "train", *map(str, options)]
    done = subprocess.run(
        ["sh", "-c", f'{before} exec "$@"', "sh", *command, "--lang", "en"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != code or "Traceback" in done.stderr:
        raise SystemExit(f"exit code {done.returncode}: {done.stderr}")
    return done.stderr.splitlines()


def expect(lines: list[str], *words: str) -> None:
    """Refuse anything but one line with these words.

    Raises
    ------
    SystemExit
    """
    if len(lines) != 1 or not all(word in lines[0] for word in words):
        raise SystemExit(f"said: {lines}")


def limited_files(folder: Path) -> None:
    """Train where no file may be larger than 200 KiB: the model has 800."""
    data, point = pictures(folder), folder / "limited"
    short = ("--data", data, "--recipe", "mlp", "--epochs", 1, "--every", "0s")
    limit = "ulimit -f 400;"  # in blocks of 512 bytes
    train(*short, "--checkpoint", point, "--output", folder / "a")
    old = point.read_bytes()
    said = train(
        *(*short, "--seed", 1, "--checkpoint", point, "--output", folder / "b"),
        before=limit,
        code=1,
    )
    expect(said[:1], "limited", "File too large", "training goes on")
    expect(said[1:], "model.safetensors", "File too large")
    if point.read_bytes() != old or any((folder / "b").iterdir()):
        raise SystemExit("the old checkpoint is lost, or something is half-written")


def full_disk(folder: Path) -> bool:
    """Train beside a disk that is full; return whether one could be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    size = f"size={KIBIBYTES}k"
    mount = ["mount", "-t", "tmpfs", "-o", size, "none", str(disk)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            return False
    except FileNotFoundError:
        return False
    try:
        data, point = pictures(folder), disk / "point"
        short = ("--data", data, "--recipe", "mlp", "--epochs", 1)
        every = ("--checkpoint", point, "--every", "0s")
        train(*short, *every, "--output", folder / "c")
        old = point.read_bytes()
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            with contextlib.suppress(OSError):
                while ballast.write(bytes(4096)):
                    pass
        said = train(*(*short, *every), *("--seed", 1, "--output", folder / "d"))
        expect(said, "point", "the disk is full", "training goes on")
        if point.read_bytes() != old:
            raise SystemExit("the old checkpoint is lost")
        said = train(*short, "--output", disk / "e", code=1)
        expect(said, "the disk is full", "the model is in")
        spare = Path(said[0].split("the model is in ")[1].split(",")[0])
        load_model(spare)
        spare.unlink()
        spare.parent.rmdir()
        if any((disk / "e").iterdir()):
            raise SystemExit("something is half-written")
        return True
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "calls").mkdir()
        count = fail_at_each_call(folder / "calls")
        print(f"{count} calls failed ({', '.join(ERRORS)}): no old file was lost.")
        limited_files(folder)
        print("Files that may not grow: one sentence each, and no old file was lost.")
        if full_disk(folder):
            print("A full disk: one sentence each, and no old file was lost.")
        else:
            print("A full disk: not done, because it takes root to mount one.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
