"""``python -m tests.fuzz READER``: a million inputs that atheris makes, for one reader.

The readers are ``model``, ``checkpoint``, ``onnx``, ``idx`` and
``picture``. atheris watches which
lines an input reaches, and keeps those that reach new ones. Half of the inputs are made
by libFuzzer's own mutations; the others by ours, which know the formats (and seal what
they change).
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "reader", choices=["model", "checkpoint", "onnx", "idx", "picture"]
    )
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("Fuzzing needs atheris: pip install 'ardoise[fuzz]'", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["ardoise"]):
        from tests.fuzz.readers import READERS, Limits

    reader = READERS[options.reader]()
    limits = Limits(reader)
    tenth = max(1, options.runs // 10)

    def one(data: bytes) -> None:
        limits.feed(data)
        if limits.count % tenth == 0 or limits.count == options.runs:
            print(f"{options.reader}: {limits}", flush=True)

    def another(data: bytes, most: int, seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        if rng.random() < 0.5:
            return atheris.Mutate(data, most)
        return reader.case(rng, bytes(data))[:most]

    with tempfile.TemporaryDirectory() as folder:
        for i, seed in enumerate(reader.seeds):
            (Path(folder) / f"{i}").write_bytes(seed)
        settings = [
            *(f"-runs={options.runs}", f"-seed={options.seed}", "-max_len=20000"),
            *("-timeout=60", "-rss_limit_mb=4096", "-verbosity=0", folder),
        ]
        atheris.Setup([sys.argv[0], *settings], one, custom_mutator=another)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
