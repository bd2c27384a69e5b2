"""The most memory that this process has needed."""

import sys
from pathlib import Path


def peak_bytes() -> int:
    """Return the peak of this process's resident memory, in bytes.

    Raises
    ------
    OSError
        Where the system does not tell (Windows).
    """
    status = Path("/proc/self/status")
    if status.exists():
        # Linux's ru_maxrss may count the parent's memory as well; VmHWM does not.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        raise OSError("this system does not tell a process's peak memory") from None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
