"""Run one contestant in this process and print its figures as one line of JSON.

Usage: ``python -m benchmarks.contestants train_ardoise '{"layers": [784, 16, 10], …}'``
"""

import json
import sys
from importlib import import_module


def main() -> None:
    """Call ``run(**settings)`` of the module that the first argument names."""
    name, settings = sys.argv[1], json.loads(sys.argv[2])
    figures = import_module(f"benchmarks.contestants.{name}").run(**settings)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
