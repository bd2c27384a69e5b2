"""Reading a file, good or bad, does nothing else: no code is run, nothing written."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.fuzz.readers import READERS

AUDITED = """
import json
import sys

from ardoise.digits import DataError, read_idx
from ardoise.files import ModelFileError, load_model
from ardoise.files.checkpoint import CheckpointError, load_checkpoint

READERS = {
    "model": (load_model, ModelFileError),
    "checkpoint": (load_checkpoint, CheckpointError),
    "idx": (read_idx, DataError),
}
name, *files = sys.argv[1:]
read, error = READERS[name]
events, opened = [], set()
read_well = 0
recording = False


def hook(event, args):
    if not recording:
        return
    if event != "open":
        events.append([event, str(args)[:200]])
        return
    path, mode, flags = args
    if (isinstance(mode, str) and set(mode) & set("wax+")) or flags & 0b11:
        events.append([event, str(args)[:200]])
    opened.add(str(path))


def use(path):
    try:
        read(path)
    except error as wrong:
        str(wrong), wrong.sentence("fr")
        return 0
    return 1


for path in files:  # modules and sentences are loaded once
    use(path)
sys.addaudithook(hook)
recording = True
for path in files:
    read_well += use(path)
recording = False
print(json.dumps([events, sorted(opened), read_well]))
"""

# They look at an object, and at the names of a layer's arguments.
HARMLESS = {"builtins.id", "object.__getattr__"}


@pytest.mark.parametrize("name", ["model", "checkpoint", "idx"])
def test_reading_raises_no_event_of_anything_else(tmp_path, name):
    reader = READERS[name]()
    rng = np.random.default_rng(0)
    contents = [
        *reader.seeds,
        *(reader.case(rng, seed) for seed in reader.seeds for _ in range(100)),
        b"",
        b"import os; os.system('true')",
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        b"PK\x03\x04",
        *(seed[: len(seed) // 2] for seed in reader.seeds),
    ]
    files = []
    for i, content in enumerate(contents):
        (tmp_path / f"{i}").write_bytes(content)
        files.append(str(tmp_path / f"{i}"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AUDITED, name, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events, opened, read_well = json.loads(done.stdout)
    assert read_well >= len(reader.seeds)
    asked = set(files)
    if name == "checkpoint":  # the one before
        asked |= {f"{file}.previous" for file in files}
    assert set(opened) <= asked and set(files) <= set(opened)
    assert [e for e in events if e[0] not in HARMLESS] == []
