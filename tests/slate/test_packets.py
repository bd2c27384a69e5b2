"""Packets: what goes in comes out, and what is none is refused in one sentence."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from ardoise.messages import UserError
from ardoise.slate.packets import DTYPES, MAX_ARRAYS, PacketError, pack, unpack

# Some are too deep for what reads JSON, some for what looks at the numbers in it.
DEPTHS = (600, 700, 800, 900, 960, 990, 1100)
NAMES = st.text(st.characters(codec="utf-8"), max_size=8)
ARRAYS = st.dictionaries(
    NAMES,
    st.sampled_from(sorted(DTYPES)).flatmap(
        lambda kind: arrays_of.arrays(
            np.dtype(kind), arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0)
        )
    ),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner),
    max_leaves=8,
)


def packet(header, content=b""):
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<I", len(encoded)) + encoded + content


def one(**changes):
    return {"arrays": [{"name": "x", "dtype": "uint8", "shape": [4], **changes}]}


@given(NAMES, JSON, ARRAYS)
def test_what_goes_in_comes_out(kind, value, arrays):
    header, came = unpack(pack({"type": kind, "value": value}, arrays))
    assert header == json.loads(json.dumps({"type": kind, "value": without_inf(value)}))
    assert list(came) == list(arrays)
    for name, array in arrays.items():
        assert came[name].dtype == array.dtype and came[name].shape == array.shape
        np.testing.assert_array_equal(came[name], array)
        assert came[name].flags.writeable


def without_inf(value):
    if isinstance(value, float) and abs(value) == float("inf"):
        return None
    if isinstance(value, list):
        return [without_inf(each) for each in value]
    if isinstance(value, dict):
        return {name: without_inf(each) for name, each in value.items()}
    return value


def test_the_bytes():
    """What packets.js reads: every array at a multiple of 4 bytes."""
    image = np.array([[1, 2, 3]], np.uint8)
    logits = np.array([0.5], np.float32)
    content = pack({"id": 7}, {"image": image, "logits": logits})
    (length,) = struct.unpack_from("<I", content)
    assert length % 4 == 0
    assert json.loads(content[4 : 4 + length]) == {
        "id": 7,
        "arrays": [
            {"name": "image", "dtype": "uint8", "shape": [1, 3]},
            {"name": "logits", "dtype": "float32", "shape": [1]},
        ],
    }
    assert content[4 + length :] == b"\1\2\3\0" + struct.pack("<f", 0.5)


def test_text_is_a_header():
    assert unpack('{"id": 1, "type": "hello"}') == ({"id": 1, "type": "hello"}, {})


def test_other_numbers_become_those_of_the_wire():
    header, arrays = unpack(
        pack(
            {"n": np.int64(3), "loss": float("nan"), "rate": np.float32(0.5)},
            {
                "wide": np.array([1.5]),
                "counts": np.array([3], np.int64),
                "yes": np.array([True]),
                "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
                "big_endian": np.array([1.5], ">f4"),
            },
        )
    )
    assert header == {"n": 3, "loss": None, "rate": 0.5}
    kinds = {name: str(array.dtype) for name, array in arrays.items()}
    assert kinds == {
        "wide": "float32",
        "counts": "int32",
        "yes": "uint8",
        "turned": "float32",
        "big_endian": "float32",
    }
    np.testing.assert_array_equal(arrays["turned"], [[0, 3], [1, 4], [2, 5]])
    assert arrays["big_endian"] == 1.5


def test_a_sentence_speaks_the_language_of_the_reader():
    note = {"type": "note", "sentence": UserError("slate.packet.json")}
    (english, _), (french, _) = (unpack(pack(note, lang=lang)) for lang in ("en", "fr"))
    assert english["sentence"] == UserError("slate.packet.json").sentence("en")
    assert french["sentence"] == UserError("slate.packet.json").sentence("fr")


def test_what_no_packet_holds():
    with pytest.raises(TypeError):
        pack({"type": object()})
    with pytest.raises(TypeError):
        pack({}, {"x": np.array(["text"])})


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("short", b""),
        ("short", b"\0\0\0"),
        ("short", struct.pack("<I", 3) + b"{}"),
        ("short", b"\xff\xff\xff\xff{}"),
        ("json", packet(b"")),
        ("json", packet(b"{")),
        ("json", packet(b"\xff\xfe")),
        ("json", packet([])),
        ("json", packet(None)),
        ("json", packet(b'{"a": NaN}')),
        ("json", packet(b'{"a": [{"b": 1e999}]}')),
        ("json", packet(b'{"a": 1, "a": 2}')),
        ("json", packet(b"[" * 30_000)),
        *(("json", packet(b'{"a": ' + b"[" * n + b"]" * n + b"}")) for n in DEPTHS),
        ("json", packet(b'{"a": ' + b"9" * 5000 + b"}")),
        ("json", "{"),
        ("json", '{"a": "\ud800'),
        ("arrays", packet({"arrays": {}})),
        ("arrays", packet({"arrays": None})),
        ("arrays", packet({"arrays": [1]})),
        ("arrays", packet({"arrays": [{}]})),
        ("arrays", packet(one(more=1), b"abcd")),
        ("arrays", packet(one(name=1), b"abcd")),
        ("arrays", packet(one(dtype="object"), b"abcd")),
        ("arrays", packet(one(dtype=["uint8"]), b"abcd")),
        ("arrays", packet(one(shape=4), b"abcd")),
        ("arrays", packet(one(shape=[-4]), b"abcd")),
        ("arrays", packet(one(shape=[4.0]), b"abcd")),
        ("arrays", packet(one(shape=[True]), b"\0\0\0\0")),
        ("arrays", packet(one(shape=[1] * 5), b"\0\0\0\0")),
        ("arrays", packet(one(shape=[1 << 31]), b"\0\0\0\0")),
        ("arrays", packet({"arrays": one()["arrays"] * 2}, b"abcdefgh")),
        ("arrays", packet({"arrays": [1] * (MAX_ARRAYS + 1)})),
        ("size", packet(one())),
        ("size", packet(one(), b"abc")),
        ("size", packet(one(shape=[3]), b"abc")),  # without its padding
        ("size", packet(one(), b"abcde")),
        ("size", packet({}, b"abcd")),
        ("size", packet(one(shape=[1 << 30] * 4), b"abcd")),
        ("size", json.dumps(one())),
    ],
)
def test_what_is_no_packet_is_refused(key, content):
    with pytest.raises(PacketError) as caught:
        unpack(content)
    assert caught.value.key == f"slate.packet.{key}"


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_refused(content):
    try:
        unpack(content)
    except PacketError as error:
        assert error.sentence("fr")


@settings(max_examples=500)
@given(ARRAYS, st.data())
def test_a_damaged_packet_is_a_packet_or_refused(arrays, data):
    content = bytearray(pack({"id": 1, "type": "draw"}, arrays))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    try:
        unpack(bytes(content))
    except PacketError as error:
        assert error.sentence("en")
