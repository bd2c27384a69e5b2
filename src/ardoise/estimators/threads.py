"""How many threads an estimator uses when it is not told: its share of the machine.

Grid searches and ensembles train several estimators side by side, each of which would
otherwise take all processors.
"""

from __future__ import annotations

import os
import sys

from ardoise.engine.threads import available_threads

# What joblib's worker processes are given, and users set: threads for each process.
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def default_threads() -> int:
    """Return how many threads to use: at most what the process may have.

    Fewer where an environment variable for numeric libraries (``OMP_NUM_THREADS`` and
    the like) says so, as joblib's worker processes are told, and one in a thread that
    joblib runs beside others.
    """
    threads = available_threads()
    for name in LIMITS:
        value = os.environ.get(name, "").strip()
        if value.isdecimal() and int(value) > 0:
            threads = min(threads, int(value))
    return 1 if _in_joblib_thread() else threads


def _in_joblib_thread() -> bool:
    """Say whether joblib runs this in one of several threads of this process."""
    parallel = sys.modules.get("joblib.parallel")
    if parallel is None:
        return False
    backend, _ = parallel.get_active_backend()
    nested = getattr(backend, "nesting_level", 0)
    shares = getattr(backend, "supports_sharedmem", False)
    return bool(nested) and bool(shares)
