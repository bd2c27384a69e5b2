"""What it would gain to sum a gradient while the backward pass still computes it.

``python -m tests.evidence.overlap`` trains `cnn` on two ranks: of one computer, and of
two that are network namespaces with 1 Gbit/s and 1 or 0.1 ms between them. Once as
`fit` does it, with one sum after the backward pass; once so that the sum of the dense
layers' gradient (92 % of the numbers, known first) is under way while the convolutions
compute theirs. Both take the same steps. Only `cnn` is of interest: of a network of
dense layers alone, the first layer has most weights, and its gradient is known last.

It needs Linux, root, iproute2, MPICH and mpi4py.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ardoise import Dense, Flatten, Network
from ardoise.engine.ranks import ENDS, HITS, KEEPS, LOSS, Ranks
from tests.evidence import MPIEXEC
from tests.evidence.cluster import LAUNCHER, Launcher, model, seconds_of_step, unfit
from tests.evidence.hosts import Hosts

PLACES = ((None, "one computer"), (1e-4, "0.1 ms"), (1e-3, "1 ms"))
RATE = 1e9  # bits per second
STEPS = 40


class Early(Ranks):
    """Ranks that begin to sum before the backward pass ends."""

    def __init__(self, communicator: Any, network: Network) -> None:
        super().__init__(communicator)
        self._pending: list[Any] = []
        layers = network.layers
        first = 1 + next(i for i, one in enumerate(layers) if isinstance(one, Flatten))
        kernels = [one.dW for one in layers[first:] if isinstance(one, Dense)]
        start = _place(network, kernels[0])
        self._early = slice(start, start + sum(each.size for each in kernels))
        self._network = network
        _then(layers[first], self._send)
        for layer in layers[:first]:
            _then(layer, self._go_on)

    def _send(self) -> None:
        self._start(self._early)

    def _start(self, part: slice) -> None:
        self._pending.append(self._comm.Iallreduce(None, self._network.summed[part]))

    def _go_on(self) -> None:
        # MPICH moves a sum only while somebody asks for it.
        for sent in self._pending:
            sent.Test()

    def reduce(self, network: Network, loss: float, hits: int) -> tuple[float, int]:
        vector, statistics = network.summed, slice(network.n_params, LOSS)
        vector[statistics] = network.state
        vector[LOSS:] = loss, hits, self._end is not None, self._keep
        self._start(slice(0, self._early.start))
        self._start(slice(self._early.stop, None))
        for sent in self._pending:
            sent.Wait()
        self._pending.clear()
        np.divide(vector[statistics], self.size, out=network.state)
        self._flags, self._keep = (bool(vector[ENDS]), bool(vector[KEEPS])), False
        return float(vector[LOSS]), int(vector[HITS])


def _place(network: Network, part: Any) -> int:
    """Return where a layer's gradient lies in that of the network."""
    start, whole = (
        each.__array_interface__["data"][0] for each in (part, network.grad)
    )
    return int(start - whole) // network.grad.itemsize


def _then(layer: Any, do: Callable[[], None]) -> None:
    """Do something whenever a layer has computed its gradient."""
    backward = layer.backward

    def both(*given: Any, **named: Any) -> Any:
        dx = backward(*given, **named)
        do()
        return dx

    layer.backward = both


def rank(how: str, batch: int) -> None:
    """Train on this rank; the first one prints the median seconds of a step."""
    from mpi4py import MPI

    network, training = model("cnn")
    ranks: Any = MPI.COMM_WORLD
    if how == "early":
        ranks = Early(ranks, network)
    seconds = seconds_of_step(ranks, network, training, batch, STEPS, 0.5)
    if MPI.COMM_WORLD.Get_rank() == 0:
        print(json.dumps([seconds, float(network.theta.sum())]), flush=True)


def compare(place: str, delay: float | None, batch: int, repeats: int) -> None:
    """Measure both ways in turns; print how much longer the early one takes."""
    with contextlib.ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory())
        hosts = None
        if delay is not None:
            hosts = ending.enter_context(Hosts(2, RATE, delay))
        script = Path(folder, "launch")
        script.write_text(LAUNCHER, encoding="ascii")
        script.chmod(0o755)
        start = Launcher(MPIEXEC, hosts, script, __spec__.name)
        runs: dict[str, list[float]] = {"plain": [], "early": []}
        sums = set()
        for _ in range(repeats):
            for how, found in runs.items():
                seconds, total = start(2, how, batch)
                found.append(seconds)
                sums.add(round(total, 3))
    plain, early = map(min, runs.values())
    same = "the same weights" if len(sums) == 1 else f"OTHER weights: {sums}"
    print(
        f"{place:12}  batch {batch:4}  {plain * 1e3:6.1f} ms  early {early * 1e3:6.1f} "
        f"ms  {early / plain - 1:+.0%}  {same}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rank", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    if given.rank:
        how, batch = given.rank
        rank(how, int(batch))
        return 0
    reason = unfit()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 1
    for delay, place in PLACES:
        for batch in (128, 512):
            compare(place, delay, batch, given.repeats)
    return 0


if __name__ == "__main__":
    sys.exit(main())
