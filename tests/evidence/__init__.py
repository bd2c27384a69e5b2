"""Slow evidence: run by ``make evidence``, and in short by the tests."""

import sys
from pathlib import Path

MPIEXEC = str(Path(sys.executable).with_name("mpiexec"))  # of the same environment
