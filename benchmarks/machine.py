"""Where the figures come from: processor, memory, systems, libraries, and how idle.

Figures of two machines cannot be compared, and those of a busy machine with nothing,
so every result carries this description.
"""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

IDLE_LOAD = 0.15  # per processor; above it the machine counts as busy
PACKAGES = (
    "ardoise",
    "numpy",
    "scikit-learn",
    "torch",
    "jax",
    "jaxlib",
    "onnxruntime",
    "onnx",
)


def usable_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Return the mean number of busy processes of the last minute, where known."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def busy_warning(load: float | None, processors: int) -> str | None:
    """Return a sentence if the machine was not idle, None if it was."""
    if load is None or load <= IDLE_LOAD * processors:
        return None
    return (
        f"the machine was not idle when this began (load average {load:.2f} on "
        f"{processors} processors): these figures mean little"
    )


def describe() -> dict[str, Any]:
    """Return the machine and its software as JSON values."""
    return {
        "cpu": _cpu_model(),
        "processors": os.cpu_count(),
        "usable_processors": usable_processors(),
        "memory_bytes": _memory_bytes(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "blas": _blas(),
        "load_average": load_average(),
    }


def _cpu_model() -> str:
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _blas() -> str:
    """Return the name, version and kernels of the BLAS library that NumPy found."""
    import numpy  # noqa: F401 - loads the library that is asked about
    from threadpoolctl import threadpool_info

    found = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    if not found:
        return "unknown"
    keys = ("internal_api", "version", "architecture")
    return " ".join(str(found[0][key]) for key in keys if found[0].get(key))
