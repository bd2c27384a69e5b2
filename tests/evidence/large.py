"""A data set of 8 GB on disk, trained on two ranks with a gigabyte of memory each.

``python -m tests.evidence.large`` writes it into the system's temporary folder, trains
one epoch with ``shuffle="blocks"`` under mpiexec, and prints the most memory that each
rank held, the pages of the file included. It exits with 1 if that is over the bound.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from tests.evidence import MPIEXEC

BYTES, PIXELS, MOST = 8 * 10**9, 784, 10**9
RANKS, PIECE = 2, 100_000


def write(folder: Path) -> None:
    """Write noise, with one bright pixel that says the class."""
    n = -(-BYTES // PIXELS)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, n).astype(np.uint8)
    noise = rng.integers(0, 200, (PIECE, PIXELS), np.uint8)
    images = open_memmap(folder / "x.npy", "w+", np.uint8, (n, PIXELS))
    for start in range(0, n, PIECE):
        piece = images[start : start + PIECE]
        piece[:] = noise[: len(piece)]
        own = labels[start : start + PIECE]
        piece[np.arange(len(piece)), 78 * own.astype(int)] = 255
    images.flush()
    np.save(folder / "y.npy", labels)


def train(folder: Path) -> None:
    """Train one of the ranks, and say what it held at most, in bytes."""
    from mpi4py import MPI

    import ardoise

    x, y = np.load(folder / "x.npy", mmap_mode="r"), np.load(folder / "y.npy")
    network = ardoise.Network([ardoise.Dense(10)], PIXELS, seed=0)
    started = time.perf_counter()
    history = ardoise.fit(
        *(network, x, y),
        epochs=1,
        batch_size=4096,
        shuffle="blocks",
        seed=0,
        threads=1,
        communicator=MPI.COMM_WORLD,
    )
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text().splitlines()
    most = next(1024 * int(line.split()[1]) for line in status if "VmHWM" in line)
    rank, accuracy = MPI.COMM_WORLD.Get_rank(), history["accuracy"][0]
    print(
        f"rank {rank}: {most / 1e6:.0f} MB at most, accuracy {100 * accuracy:.1f} %, "
        f"{len(x) / seconds:,.0f} samples/s together\n",
        end="",  # in one piece, or the ranks' lines mix
        flush=True,
    )
    if most > MOST:
        raise SystemExit(f"that is more than {MOST / 1e6:.0f} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rank-of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank_of is not None:
        train(options.rank_of)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        command = [sys.executable, "-m", "tests.evidence.large", "--rank-of", folder]
        return subprocess.call([MPIEXEC, "-n", str(RANKS), *command])


if __name__ == "__main__":
    sys.exit(main())
