"""The peak: one large float32 matrix product again and again, as fast as BLAS goes.

No code that multiplies matrices with NumPy can do more of them on these processors.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.contestants.architecture import training_flops

SIZE = 1024


def gflops(seconds: float) -> float:
    """Return the rate of products in this thread, for about so many seconds."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((SIZE, SIZE), np.float32) for _ in range(2))
    out = np.empty_like(a)
    np.matmul(a, b, out=out)
    count, elapsed, started = 0, 0.0, time.perf_counter()
    while elapsed < seconds:
        np.matmul(a, b, out=out)
        count += 1
        elapsed = time.perf_counter() - started
    return count * 2 * SIZE**3 / elapsed / 1e9


def run(*, network: str, seconds: float, python_threads: int) -> dict[str, float]:
    """Measure the peak, in GFLOP/s and in images of a training of ``network``.

    With one Python thread, BLAS uses the threads that the environment gives it. With
    more, each computes products of its own, with BLAS at one thread.
    """
    if python_threads == 1:
        rate = gflops(seconds)
    else:
        with (
            threadpool_limits(1, user_api="blas"),
            ThreadPoolExecutor(python_threads) as pool,
        ):
            rate = sum(pool.map(gflops, [seconds] * python_threads))
    return {
        "images_per_second": rate * 1e9 / training_flops(network),
        "gflops": rate,
    }
