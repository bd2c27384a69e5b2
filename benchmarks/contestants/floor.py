"""The floor: the matrix products of training and nothing else, as fast as they go.

Each step of a dense network is one product forward and two backward for each layer
(the first needs no dx). Whoever computes them on these processors with NumPy's BLAS
library cannot train faster.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.contestants.architecture import training_flops

Step = Callable[[], None]


def make_step(layers: Sequence[int], batch: int) -> Step:
    """Return a function that does the products of one step on arrays of its own."""
    rng = np.random.default_rng(0)

    def array(*shape: int) -> NDArray[Any]:
        return rng.standard_normal(shape, np.float32)

    values = [array(batch, n) for n in layers]  # x, y, …: what each layer reads
    errors = [array(batch, n) for n in layers]  # ∂loss/∂ of the same
    pairs = list(pairwise(layers))
    # Values of a usual size: they would grow from layer to layer otherwise.
    weights = [array(n, m) / np.float32(n**0.5) for n, m in pairs]
    gradients = [array(n, m) for n, m in pairs]

    def step() -> None:
        for i, w in enumerate(weights):
            np.matmul(values[i], w, out=values[i + 1])
        for i in range(len(weights) - 1, -1, -1):
            np.matmul(values[i].T, errors[i + 1], out=gradients[i])
            if i:
                np.matmul(errors[i + 1], weights[i].T, out=errors[i])

    return step


def repeat(step: Step, count: int) -> None:
    """Call ``step`` so many times."""
    for _ in range(count):
        step()


def run(
    *, network: str, batch: int, steps: int, python_threads: int
) -> dict[str, float]:
    """Time so many steps of a dense network, such as "784-16-10".

    With one Python thread, BLAS uses the threads that the environment gives it. With
    more, each thread computes its part of every batch, with BLAS at one thread, and
    never waits for the others: less than any real training could get away with.
    """
    layers = [int(word) for word in network.split("-")]
    parts = [batch // python_threads] * python_threads
    parts[0] += batch % python_threads
    jobs = [make_step(layers, part) for part in parts]
    for job in jobs:
        repeat(job, 20)
    if python_threads == 1:
        started = time.perf_counter()
        repeat(jobs[0], steps)
        seconds = time.perf_counter() - started
    else:
        with (
            threadpool_limits(1, user_api="blas"),
            ThreadPoolExecutor(python_threads) as pool,
        ):
            started = time.perf_counter()
            list(pool.map(repeat, jobs, [steps] * python_threads))
            seconds = time.perf_counter() - started
    speed = steps * batch / seconds
    return {
        "images_per_second": speed,
        "gflops": speed * training_flops(network) / 1e9,
    }
