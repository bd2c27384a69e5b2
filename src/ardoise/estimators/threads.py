"""How many threads an estimator uses when it is not told: its share of the machine.

Grid searches and ensembles train several estimators side by side, each of which would
otherwise take all processors.
"""

from __future__ import annotations

import os
import sys
import threading

from ardoise.engine.threads import available_threads

# What joblib's worker processes are given, and users set: threads for each process.
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def default_threads() -> int:
    """Return how many threads to use: at most what the process may have.

    Fewer where an environment variable for numeric libraries (``OMP_NUM_THREADS`` and
    the like) says so, as joblib's worker processes are told, and most of Dask's; its
    share where a worker of Dask was told nothing; and one where joblib runs this beside
    others and tells nothing.
    """
    threads = available = available_threads()
    for name in LIMITS:
        # A list has one entry for each level of threads within threads.
        value = os.environ.get(name, "").partition(",")[0].strip()
        if value.isdecimal() and int(value) > 0:
            threads = min(threads, int(value))
    if _is_one_of_many():
        return 1
    return max(1, min(threads, available // _tasks_of_dask()))


def _tasks_of_dask() -> int:
    """Return how many tasks run at once in the Dask worker that runs this; else 1.

    A worker that a nanny starts is told one thread for each task (``OMP_NUM_THREADS``);
    one without a nanny, or in the process that asks, has all processors for its tasks.
    """
    worker = sys.modules.get("distributed.worker")
    if worker is None:
        return 1
    try:
        return max(1, int(worker.get_worker().state.nthreads))
    except ValueError:  # this is no task
        return 1


def _is_one_of_many() -> bool:
    """Say whether joblib runs this beside others, without a limit in the environment.

    That is in threads of this process, or in the processes of its "multiprocessing"
    backend, which are daemons. loky's have a limit.
    """
    parallel = sys.modules.get("joblib.parallel")
    if parallel is None:
        return False
    backend, _ = parallel.get_active_backend()
    nested = bool(getattr(backend, "nesting_level", 0))
    if not (nested and getattr(backend, "supports_sharedmem", False)):
        return False
    in_thread = threading.current_thread() is not threading.main_thread()
    return in_thread or _is_daemon()


def _is_daemon() -> bool:
    """Say whether this is a process of a pool."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and bool(processes.current_process().daemon)
