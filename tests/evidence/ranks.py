"""Ranks that are killed or stopped at random moments; none may leave others waiting.

``python -m tests.evidence.ranks --kills 50`` trains on three ranks as often, and each
time kills one of them (or its supervisor) or stops it. All must end within 30 seconds,
one sentence must name the rank, the last checkpoint must be whole, and another number
of ranks must go on from it.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from ardoise.files.checkpoint import load_checkpoint
from tests.evidence import MPIEXEC

ARDOISE = (sys.executable, "-m", "ardoise", "train")
RANKS, MOST_SECONDS = 3, 30.0
# What is done to which process, how often of ten.
DEEDS = ("killed",) * 5 + ("stopped",) * 4 + ("supervisor",)


def started(ranks: int, *arguments: str) -> subprocess.Popen[str]:
    launcher = () if ranks == 1 else (MPIEXEC, "-n", str(ranks))
    pipe = subprocess.PIPE
    command = [*launcher, *ARDOISE, *arguments]
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


def children(pid: int) -> list[int]:
    """Return the processes that a process has started, as Linux knows them."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()]


def trains(pid: int) -> bool:
    """Tell whether a process is `ARDOISE`: neither a launcher nor a proxy of it."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    return words[1 : len(ARDOISE)] == [*ARDOISE[1:]]


def workers(launcher: int) -> dict[int, int]:
    """Return the processes that train, with their supervisors."""
    found, parents = {}, [launcher]
    for parent in parents:
        for child in children(parent):
            parents.append(child)
            if trains(child) and trains(parent):
                found[child] = parent
    return found


def wait_for(there, process, seconds=60.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"it did not come so far: {process.communicate()[1]}")
        time.sleep(0.05)


def disturb(folder: Path, rng: random.Random, deed: str) -> float:
    """Train, disturb a rank, and return after how many seconds all had ended."""
    point = folder / "run.ck"
    options = ("--recipe", "mlp", "--epochs", "10000", "--threads", "1")
    options += ("--output", str(folder / "run"), "--checkpoint", str(point))
    process = started(RANKS, *options, "--every", "0.5s")
    wait_for(point.exists, process)
    time.sleep(rng.uniform(0, 4))
    everybody = workers(process.pid)
    worker, supervisor = rng.choice(sorted(everybody.items()))
    began = time.monotonic()
    number = signal.SIGSTOP if deed == "stopped" else signal.SIGKILL
    os.kill(supervisor if deed == "supervisor" else worker, number)
    _, said = process.communicate(timeout=MOST_SECONDS)
    seconds = time.monotonic() - began
    words = {"killed": "was killed by SIGKILL", "stopped": "has done nothing for"}
    if deed in words:
        sentence = f"(process {worker} on "
        if said.count(sentence) != 1 or words[deed] not in said:
            raise SystemExit(f"the rank was not named:\n{said}")
    left = [pid for pid in everybody if _runs(pid)]
    if left:
        raise SystemExit(f"{left} still run after the end")
    step = load_checkpoint(point).snapshot.values["step"]
    go_on(folder, point, step, ranks=rng.choice([1, 2]))
    return seconds


def _runs(pid: int) -> bool:
    """Whether a process runs, half a second after it should have ended."""
    time.sleep(0.5)
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        )
    except OSError:
        return False


def go_on(folder: Path, point: Path, step: int, ranks: int) -> None:
    """Go on from a checkpoint until another one is written, and end by Ctrl-C."""
    options = ("--resume", str(point), "--output", str(folder / "on"))
    process = started(ranks, *options, "--every", "0.5s")
    wait_for(lambda: load_checkpoint(point).snapshot.values["step"] > step, process)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=300)  # it draws and writes its report
    kept = (folder / "on" / "model.safetensors").exists()
    if not kept or not ("Interrupted" in said or (ranks > 1 and says_no_more())):
        raise SystemExit(f"it did not go on:\n{said}\n{wrong}")


def says_no_more() -> bool:
    """Tell whether the launcher is Open MPI's: after Ctrl-C it passes on nothing."""
    said = subprocess.run([MPIEXEC, "--version"], capture_output=True, text=True)
    return "Open MPI" in said.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    took, done = Counter[str](), Counter[str]()
    for i in range(options.kills):
        deed = DEEDS[i % len(DEEDS)]
        with tempfile.TemporaryDirectory() as folder:
            seconds = disturb(Path(folder), rng, deed)
        done[deed] += 1
        took[deed] = max(took[deed], seconds)
        print(f"{i + 1}: {deed}, all ended after {seconds:.1f} s, went on", flush=True)
    for deed, n in done.items():
        print(f"{deed}: {n} times, all ended within {took[deed]:.1f} s")
    print(f"{options.kills} times nothing hung, every checkpoint was whole and went on")


if __name__ == "__main__":
    main()
