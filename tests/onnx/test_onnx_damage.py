"""Whatever stands in a file: one error, soon, in little memory, and nothing is run."""

import json
import subprocess
import sys
import time
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import fill

from ardoise import BatchNorm, Conv2D, Dense, Flatten, MaxPool2D, Network, ReLU
from ardoise.onnx import OnnxError, read, write
from tests.fuzz.readers import ONNX_MODELS, use_onnx

SECONDS = 1.0
MEMORY = 64 * 2**20


def small():
    """Return the bytes of a model of under 1 KiB with everything in it."""
    layers = [Conv2D(1, 2), BatchNorm(), ReLU(), MaxPool2D(2), Flatten(), Dense(2)]
    network = Network(layers, (3, 3, 1), seed=0)
    fill(network, np.random.default_rng(0))
    return write(network, probabilities=False, class_names=["a", "b"])


SMALL = small()


def soon(content):
    """Read bytes; return whether they are a model."""
    begun = time.process_time()
    try:
        try:
            use_onnx(content)
        except OnnxError:
            pass
        try:
            read(content)
        except OnnxError:
            return False
        return True
    finally:
        assert time.process_time() - begun < SECONDS


def test_every_truncation():
    assert soon(SMALL)
    survived = [n for n in range(len(SMALL)) if soon(SMALL[:n])]
    # What is said after the opset may be missing: it is not needed.
    assert survived == [] or min(survived) > len(SMALL) - 60


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit(bit):
    survived = 0
    for at in range(len(SMALL)):
        changed = bytearray(SMALL)
        changed[at] ^= 1 << bit
        survived += soon(bytes(changed))
    assert survived < len(SMALL)  # mostly numbers and names


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes(content):
    soon(content)


@settings(max_examples=100)
@given(st.data())
def test_any_bytes_within_a_model(data):
    start = data.draw(st.integers(0, len(SMALL)))
    length = data.draw(st.integers(0, 20))
    soon(SMALL[:start] + data.draw(st.binary(max_size=20)) + SMALL[start + length :])


# -- small files that ask for much ----------------------------------------------------


def varint(n):
    return bytes([n & 0x7F | 0x80]) + varint(n >> 7) if n > 0x7F else bytes([n])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def whole(graph):
    """Return a model of opset 17 around the bytes of a graph."""
    return b"\x08\x08" + field(8, b"\x10\x11") + field(7, graph)


def greedy():
    from onnx import TensorProto, helper, numpy_helper

    def model(nodes, shape, constants=(), output="y"):
        graph = helper.make_graph(
            [helper.make_node(*node[:3], **node[3]) for node in nodes],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.asarray(a), name) for name, a in constants],
        )
        opsets = [helper.make_opsetid("", 17)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return made.SerializeToString()

    def chain(operator, count, start="x"):
        names = [start, *(f"v{i}" for i in range(count - 1)), "y"]
        return [(operator, [a], [b], {}) for a, b in pairwise(names)]

    one = np.float32(2)
    yield (
        "a scaled input",
        model([("Mul", ["x", "k"], ["y"], {})], ["N", 2**40], [("k", one)]),
    )
    yield (
        "a flat image",
        model(
            [
                ("Transpose", ["x"], ["t"], {"perm": [0, 3, 1, 2]}),
                ("Flatten", ["t"], ["y"], {}),
            ],
            ["N", 2**20, 2**20, 3],
        ),
    )
    yield (
        "a weight that is computed",
        model(
            [
                ("ConstantOfShape", ["s"], ["w"], {}),
                ("MatMul", ["x", "w"], ["y"], {}),
            ],
            ["N", 2**20],
            [("s", np.array([2**20, 2**20]))],
        ),
    )
    doubled = [("Concat", [f"w{i}"] * 2, [f"w{i + 1}"], {"axis": 0}) for i in range(60)]
    yield (
        "a weight that is doubled",
        model(
            [*doubled, ("MatMul", ["x", "w60"], ["y"], {})],
            ["N", 4],
            [("w0", np.ones((1, 4), "f4"))],
        ),
    )
    copies = [("Neg", [f"w{i}"], [f"w{i + 1}"], {}) for i in range(2000)]
    yield (
        "a weight that is copied",
        model(
            [*copies, ("MatMul", ["x", "w2000"], ["y"], {})],
            ["N", 300],
            [("w0", np.ones((300, 300), "f4"))],
        ),
    )
    shared = chain("MatMul", 400)
    for _, inputs, *_ in shared:
        inputs.append("w")
    yield (
        "a weight that is shared",
        model(shared, ["N", 400], [("w", np.ones((400, 400), "f4"))]),
    )
    for operator in ("Relu", "Identity", "Neg"):
        yield f"a long row of {operator}", model(chain(operator, 3000), ["N", 4])
    sums = [("Relu", ["x"], ["v1"], {})]
    sums += [
        ("Add", [f"v{i}" if i else "x", f"v{i + 1}"], [f"v{i + 2}"], {})
        for i in range(1500)
    ]
    yield "sums of sums", model(sums, ["N", 4], output="v1501")
    blocks = []
    for i in range(700):
        v = f"v{i}" if i else "x"
        blocks += [
            ("Relu", [v], [f"r{i}"], {}),
            ("Add", [v, f"r{i}"], [f"v{i + 1}"], {}),
        ]
    yield "many blocks", model(blocks, ["N", 4], output="v700")
    ladder = [("Relu", ["x"], ["v0"], {})]
    for i in range(700):
        ladder += [
            ("Relu", [f"v{i}"], [f"r{i}"], {}),
            ("Add", ["x", f"r{i}"], [f"v{i + 1}"], {}),
        ]
    yield "blocks in blocks", model(ladder, ["N", 4], output="v700")
    # A tensor of 10¹² numbers, and a text of 2⁶³ bytes.
    tensor = b"\x08" + varint(10**12) + b"\x10\x01" + field(8, b"w")
    yield "a tensor that is not there", whole(field(5, tensor))
    yield "a length", b"\x08\x08\x12" + b"\xff" * 9 + b"\x01"
    yield "empty nodes", whole(b"\x0a\x00" * 90_000)
    yield "empty initializers", whole(b"\x2a\x00" * 90_000)
    yield "empty inputs", whole(b"\x5a\x00" * 90_000)
    node = field(4, b"R") + b"\x12\x00"
    yield "nodes", whole(field(1, node) * 30_000)
    yield "names", whole(field(1, field(4, b"R") + b"\x0a\x00" * 90_000))
    yield "unknown fields", whole(b"\x98\x06\x00" * 90_000)
    yield "numbers", whole(field(5, field(7, b"\x01" * 2_000_000)))
    yield "a number without end", whole(field(5, field(7, b"\x80" * 1_000_000)))


@pytest.mark.parametrize("content", [pytest.param(c, id=name) for name, c in greedy()])
def test_small_files_that_ask_for_much(content):
    begun = time.process_time()
    try:
        read(content)
    except OnnxError:
        pass
    seconds = time.process_time() - begun
    tracemalloc.start()
    try:
        read(content)
    except OnnxError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < 2 * SECONDS  # on a machine that does something else
    assert peak < len(content) + MEMORY


def test_a_large_model_takes_little_more_than_its_network():
    network = Network([Dense(2000)], 2000, seed=0)  # 16 MB
    content = write(network)
    del network
    tracemalloc.start()
    reading = read(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reading.network.n_params == 2000 * 2001
    assert peak < 2.3 * len(content)  # theta and grad


# -- nothing is run -------------------------------------------------------------------

AUDITED = """
import json
import sys
from pathlib import Path

import ardoise.onnx as onnx
from ardoise.onnx import OnnxError

files = sys.argv[1:]
events = []


def hook(event, args):
    if not recording:
        return
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    flags = event == "open" and isinstance(args[2], int) and args[2] & 0b11
    if event != "open" or writes or flags:
        events.append([event, str(args)[:200]])
    elif event == "open":
        opened.append(str(args[0]))


def use(path):
    try:
        onnx.read(path)
    except OnnxError as error:
        str(error), error.sentence("fr")
    try:
        onnx.run(path, {})
    except OnnxError as error:
        str(error), error.sentence("fr")


opened = []
recording = False
use(files[0])  # sentences are loaded once
sys.addaudithook(hook)
recording = True
for path in files:
    use(path)
recording = False
print(json.dumps([events, sorted(set(opened)), sorted(files)]))
"""


def test_reading_raises_no_event_of_anything_else(tmp_path):
    bad = {
        "empty": b"",
        "text": b"import os; os.system('true')",
        "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "flipped": SMALL[:300] + bytes([SMALL[300] ^ 4]) + SMALL[301:],
        "cut": SMALL[:200],
        "small": SMALL,
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    files = [str(p) for p in (*tmp_path.iterdir(), *sorted(ONNX_MODELS.glob("*.onnx")))]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AUDITED, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    events, opened, given = json.loads(done.stdout)
    assert opened == given
    assert {event for event, _ in events} <= {"builtins.id"}  # looks at an object
