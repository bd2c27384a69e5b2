"""How fast several ranks train, against what ``ardoise plan`` predicts of them.

1, 2 and 4 ranks on this host, and 4 ranks on 4 hosts that are network namespaces with
1 Gbit/s and 1 ms between them. The model is told what one rank computes, how ranks of
this host sum, and how fast the network is; how fast they train together it is not told.

``python -m tests.evidence.cluster`` prints a table, and fails if a measured efficiency
is not within 20 % of the predicted one. It needs Linux, root, iproute2, MPICH and
mpi4py.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ardoise import Dense, Flatten, Network, ReLU, fit
from ardoise.cluster.bench import measure_link, measure_speed
from ardoise.cluster.cost import (
    PAYLOAD,
    Cluster,
    Computing,
    Link,
    Prediction,
    Work,
    allreduce,
    fit_line,
    predict,
)
from ardoise.digits.recipes import RECIPES
from ardoise.engine.threads import available_threads
from ardoise.engine.training import Callback
from tests.evidence import MPIEXEC
from tests.evidence.hosts import Hosts

RATE, DELAY = 1e9, 1e-3  # bits per second, seconds
BOUND = 0.2
HAND_OVER = 1e-6
WARM_UP = 5
# Between namespaces of one computer, MPICH would find that they share memory.
NETWORK = {
    "MPIR_CVAR_CH4_NETMOD": "ucx",
    "UCX_TLS": "tcp,self",
    "UCX_NET_DEVICES": "eth0",
}
LAUNCHER = """#!/bin/sh
# Hydra calls this as it would call ssh: options, a host, a command.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1
shift
exec ip netns exec "ardoise$((${host##*.} - 1))" sh -c "$*"
"""


class Clock(Callback):
    """Note when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_batch_end(self, training: Any) -> None:
        self.ends.append(time.perf_counter())


def model(name: str) -> tuple[Network, dict[str, Any]]:
    """Return a network, and how it is trained."""
    if name == "mlp":
        layers = [Flatten(), Dense(512), ReLU(), Dense(256), ReLU(), Dense(10)]
        return Network(layers, (28, 28, 1), seed=0), {"optimizer": "adam"}
    recipe = RECIPES[name]
    training = {
        "optimizer": recipe.optimizer,
        "loss": recipe.loss,
        "augment": recipe.augmentation,
    }
    return recipe.build((28, 28, 1), 10, 0), training


def work_of(name: str, batch: int) -> Work:
    network, _ = model(name)
    return Work(network.n_params, batch, batch, network.state.size)


# -- what the ranks do ----------------------------------------------------------------


def rank(what: str, name: str, batch: int, steps: int, quantile: float) -> None:
    """Do one of three things on this rank; the first one prints what came of it."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    found: Any = None
    if what == "train":
        found = seconds_of_step(comm, *model(name), batch, steps, quantile)
    elif what == "sum":
        link = measure_link(comm, work_of(name, batch).message)
        found = asdict(link) if link is not None else None
    elif what == "speed":
        network, training = model(name)
        speed = measure_speed(
            network, batch, seconds=1.0, quantile=quantile, **training
        )
        found = [speed.points, speed.computing.copy, speed.computing.add]
    if comm.Get_rank() == 0:
        print(json.dumps(found), flush=True)


def seconds_of_step(
    comm: Any,
    network: Network,
    training: dict[str, Any],
    batch: int,
    steps: int,
    quantile: float,
) -> float:
    """Train for so many steps; return this quantile of their seconds."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch * (steps + WARM_UP), 28, 28, 1)).astype(np.uint8)
    y = rng.integers(0, 10, len(x))
    clock = Clock()
    fit(
        network,
        x,
        y,
        epochs=1,
        batch_size=batch,
        threads=1,
        seed=0,
        learning_rate=1e-4,
        callbacks=[clock],
        communicator=comm,
        **training,
    )
    return float(np.quantile(np.diff(clock.ends)[WARM_UP - 1 :], quantile))


# -- who starts them ------------------------------------------------------------------


class Launcher:
    """Starts a module's ranks on this host, or on the hosts of namespaces."""

    def __init__(
        self, mpiexec: str, hosts: Hosts | None, script: Path, module: str
    ) -> None:
        self._mpiexec, self._hosts, self._script = mpiexec, hosts, script
        self._module = module

    def __call__(self, ranks: int, *words: object) -> Any:
        """Run the module on so many ranks; return what the first one printed."""
        before, options, environ = [], [], dict(os.environ, OMP_NUM_THREADS="1")
        if self._hosts is not None:
            addresses = self._hosts.addresses[:ranks]
            before = ["ip", "netns", "exec", self._hosts.names[0]]
            options = ["-localhost", addresses[0], "-hosts", ",".join(addresses)]
            options += ["-ppn", "1", "-launcher", "ssh"]
            options += ["-launcher-exec", str(self._script)]
            environ |= NETWORK
        own = [sys.executable, "-m", self._module, "--rank", *map(str, words)]
        command = [*before, self._mpiexec, *options, "-n", str(ranks), *own]
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


def quickest(found: list[dict[str, float]], ranks: int, work: Work) -> Link:
    """Return the link of which the vector is summed most quickly."""
    links = [Link(**one) for one in found]
    return min(links, key=lambda one: allreduce(one, ranks, work.message))


def computing_of(speeds: list[Any]) -> Computing:
    """Return what a rank computes, from several measurements of each size.

    Of several medians the least counts, here, of the trainings and of the sums: what
    other processes take is not to be measured.
    """
    points, copies, adds = zip(*speeds, strict=True)
    best = [(size[0][0], min(s for _, s in size)) for size in zip(*points, strict=True)]
    return Computing(*fit_line(best), min(copies), min(adds))


def compare(
    mpiexec: str, name: str, batch: int, steps: int, repeats: int, quantile: float
) -> bool:
    """Measure one network on all that there is; return whether the model holds."""
    work, processors = work_of(name, batch), available_threads()
    print(f"\n{name}, batch {batch}: {work.params:,} weights, {work.message:,} bytes")
    with tempfile.TemporaryDirectory() as folder, Hosts(4, RATE, DELAY) as hosts:
        script = Path(folder, "launch")
        script.write_text(LAUNCHER, encoding="ascii")
        script.chmod(0o755)
        here = Launcher(mpiexec, None, script, __spec__.name)
        there = Launcher(mpiexec, hosts, script, __spec__.name)
        tell_of_network(hosts, Link(**there(2, "sum", name, batch, 0, 0)))
        runs: dict[tuple[str, int], list[float]] = {}
        speeds, twos, fours = [], [], []
        for _ in range(repeats):  # in turns, so that a busy minute hits all alike
            speeds.append(here(1, "speed", name, batch, 0, quantile))
            twos.append(here(2, "sum", name, batch, 0, 0))
            fours.append(here(4, "sum", name, batch, 0, 0))
            for place, ranks, start in (
                ("host", 1, here),
                ("host", 2, here),
                ("host", 4, here),
                ("hosts", 4, there),
            ):
                found = start(ranks, "train", name, batch, steps, quantile)
                runs.setdefault((place, ranks), []).append(found)
        before = hosts.switch_seconds()
        there(4, "train", name, batch, steps, quantile)
        switch = (hosts.switch_seconds() - before) / (steps + WARM_UP)
    return report(
        work,
        {place: min(found) for place, found in runs.items()},
        computing_of(speeds),
        (quickest(twos, 2, work), quickest(fours, 4, work)),
        processors,
        switch,
    )


def tell_of_network(hosts: Hosts, found: Link) -> None:
    """Print what stands between the hosts, and what MPI finds there."""
    words = "the kernel's netem" if hosts.kernel else "a process on TAP devices"
    print(f"namespaces: {RATE / 1e9:g} Gbit/s by tbf, {DELAY * 1e3:g} ms by {words}")
    gbit = 8 * found.bandwidth / 1e9
    print(f"two ranks: {found.latency * 1e3:.2f} ms, {gbit:.2f} Gbit/s")


def predictions(
    work: Work, own: Computing, links: tuple[Link, Link], processors: int
) -> dict[tuple[str, int], Prediction]:
    """Return what the model says of each place and number of ranks."""
    two, four = links
    crowded = 4 > processors
    near = Link(HAND_OVER, four.bandwidth) if crowded else four
    far = Link(DELAY, PAYLOAD * RATE / 8)
    wait = four.latency if crowded else 0.0
    one = Cluster(own, two, far, 1, processors)
    return {
        ("host", 1): predict(one, work, 1),
        ("host", 2): predict(replace(one, ranks=2), work, 1),
        ("host", 4): predict(replace(one, ranks=4, near=near, wait=wait), work, 1),
        # All four hosts are this one: each has its share of the processors.
        ("hosts", 4): predict(
            replace(one, processors=processors / 4, wait=wait), work, 4
        ),
    }


def report(
    work: Work,
    runs: dict[tuple[str, int], float],
    own: Computing,
    links: tuple[Link, Link],
    processors: int,
    switch: float,
) -> bool:
    """Print the table; return whether every efficiency is within the bound."""
    print(
        f"one rank: {own.fixed * 1e3:.2f} ms a step, {own.per_sample * 1e6:.1f} µs a "
        f"sample; processors: {processors}"
    )
    for n, one in zip((2, 4), links, strict=True):
        speed = one.bandwidth / 1e9
        print(f"{n} ranks here: {one.latency * 1e6:.0f} µs, {speed:.2f} GB/s")
    print(f"the switch takes {switch * 1e3:.1f} ms of a processor a step")
    print(
        "ranks            step ms  predicted  images/s  efficiency  predicted   ratio"
    )
    base, holds = runs["host", 1], True
    for place, said in predictions(work, own, links, processors).items():
        seconds, (kind, ranks) = runs[place], place
        told = said.computing + said.communicating
        efficiency = base / (ranks * seconds)
        ratio = efficiency / said.efficiency
        within = abs(ratio - 1) <= BOUND
        holds &= within
        name = f"{ranks} on one host" if kind == "host" else f"{ranks} on {ranks} hosts"
        print(
            f"{name:16} {seconds * 1e3:7.2f}  {told * 1e3:9.2f}  "
            f"{work.batch / seconds:8.0f}  {efficiency:10.1%}  {said.efficiency:9.1%}"
            f"  {ratio:6.2f}{'' if within else '  NOT within 20 %'}"
        )
    return holds


def unfit() -> str | None:
    """Return why this cannot be done here."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "make cluster needs root on Linux: it makes network namespaces"
    for tool in ("ip", "tc"):
        found = subprocess.run(
            ["sh", "-c", f"command -v {tool}"], capture_output=True, check=False
        )
        if found.returncode:
            return f"{tool} is missing: apt install iproute2"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rank", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each training")
    parser.add_argument(
        "--quantile",
        type=float,
        default=0.5,
        help="of the steps of a training: 0.5, the median; less on a busy machine",
    )
    parser.add_argument("--models", nargs="*", default=["mlp", "mlp:512", "cnn"])
    given = parser.parse_args()
    if given.rank:
        what, name, batch, steps, quantile = given.rank
        rank(what, name, int(batch), int(steps), float(quantile))
        return 0
    reason = unfit()
    if reason is not None:
        print(reason, file=sys.stderr)
        return 1
    # Ended from outside, it removes the namespaces all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    holds = True
    for each in given.models:
        name, _, batch = each.partition(":")
        steps = max(20, round(given.seconds / 0.05))
        known = (steps, given.repeats, given.quantile)
        holds &= compare(MPIEXEC, name, int(batch or 128), *known)
    print("\nwithin 20 %" if holds else "\nNOT within 20 %")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
