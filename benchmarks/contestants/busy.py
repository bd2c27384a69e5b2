"""Another process that wants a processor for itself, as on any shared machine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

MOST_SECONDS = 300.0
# It ends by itself, too, should whoever started it be killed.
PROGRAM = """
import os, sys, time
parent, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
print("busy", flush=True)
while time.monotonic() < end and os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many processes computing, on no processor in particular, meanwhile."""
    command = [sys.executable, "-c", PROGRAM, str(os.getpid()), str(MOST_SECONDS)]
    running: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            running.append(process)
            if process.stdout is not None:
                process.stdout.readline()  # it has begun
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()
