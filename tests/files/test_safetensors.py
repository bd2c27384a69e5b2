"""Arrays in files: to the bit both ways with the format's own library, and strictly."""

import json

import numpy as np
import pytest
import safetensors.numpy as theirs

from ardoise.files.safetensors import (
    DTYPES,
    MAX_HEADER,
    read_tensors,
    strict_json,
    write_tensors,
)


def random_tensors(rng):
    """Return a few arrays of any dtype and shape, some empty, some of no axis."""
    tensors = {}
    for i in range(rng.integers(0, 7)):
        dtype = np.dtype(DTYPES[rng.choice(list(DTYPES))])
        shape = tuple(rng.integers(0, 4, rng.integers(0, 5)))
        size = int(np.prod(shape)) * dtype.itemsize
        array = np.frombuffer(rng.bytes(size), dtype).reshape(shape)
        if dtype.kind == "b":
            array = np.asarray(rng.random(shape) < 0.5)
        tensors[f'{i}.é\n"\\ {"x" * i}'] = array
    return tensors


def same(found, expected):
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].tobytes() == array.tobytes()
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)


@pytest.mark.parametrize("seed", range(500))
def test_both_ways_with_the_library(seed):
    rng = np.random.default_rng(seed)
    tensors = random_tensors(rng)
    metadata = {"a": "b", "é": "\n"} if seed % 2 else None
    same(theirs.load(write_tensors(tensors, metadata)), tensors)
    found, texts = read_tensors(theirs.save(tensors, metadata))
    same(found, tensors)
    assert texts == (metadata or {})
    found, texts = read_tensors(
        write_tensors(tensors, metadata, seal=True), sealed=True
    )
    same(found, tensors)
    assert texts == (metadata or {})


def test_every_bit_and_every_length_is_noticed():
    tensors = {"x": np.arange(3.0), "y": np.array(True), "z": np.zeros((0, 2), "f4")}
    content = write_tensors(tensors, {"about": "it"}, seal=True)
    read_tensors(content, sealed=True)
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match=r"."):
            read_tensors(damaged, sealed=True)
    for size in range(len(content)):
        with pytest.raises(ValueError, match=r"."):
            read_tensors(content[:size], sealed=True)
    with pytest.raises(ValueError, match="longer than its header"):
        read_tensors(content + b"\0", sealed=True)


def test_a_text_that_looks_like_an_unsealed_digest():
    texts = {"zeros": "0" * 64}
    assert read_tensors(write_tensors({}, texts, seal=True), sealed=True) == ({}, texts)


def test_wide_arrays_come_first_so_that_all_are_aligned():
    content = write_tensors({"a": np.zeros(3, "i1"), "b": np.zeros(2), "c": np.ones(5)})
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert length % 8 == 0 and list(header) == ["b", "c", "a"]
    assert header["a"]["data_offsets"] == [56, 59]


def test_big_endian_and_strided_arrays_are_written_as_they_read():
    big = np.arange(6, dtype=">i4").reshape(2, 3)
    found, _ = read_tensors(write_tensors({"x": big, "y": big.T}))
    np.testing.assert_array_equal(found["x"], big)
    np.testing.assert_array_equal(found["y"], big.T)
    assert found["x"].dtype.isnative


@pytest.mark.parametrize(
    "tensors", [{"x": np.array(["a"])}, {"__metadata__": np.zeros(1)}]
)
def test_what_cannot_be_written(tensors):
    with pytest.raises(ValueError, match="cannot be written"):
        write_tensors(tensors)


def test_a_header_that_would_be_too_long():
    with pytest.raises(ValueError, match=f"at most {MAX_HEADER} bytes"):
        write_tensors({}, {"a": "x" * MAX_HEADER})


def made_of(header, body=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


LINE = {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}


@pytest.mark.parametrize(
    ("header", "body", "words"),
    [
        (b" {}", b"", "does not begin as JSON"),
        (b"{}", b"x", "longer than its header"),
        (b"\xff\xfe", b"", "does not begin"),
        (b'{"a"', b"", "."),
        (b'{"a": ' + b"[" * 90_000, b"", "."),
        ({"a": LINE}, b"x", "cut off"),
        ({"a": LINE, "b": LINE}, b"xx", "overlap"),
        ({"a": LINE | {"data_offsets": [1, 3]}}, b"xxx", "leave bytes"),
        ({"a": LINE | {"data_offsets": [2, 0]}}, b"xx", "do not agree"),
        ({"a": LINE | {"data_offsets": [-2, 0]}}, b"xx", "whole numbers"),
        ({"a": LINE | {"data_offsets": [0, 2, 4]}}, b"xx", "whole numbers"),
        ({"a": LINE | {"data_offsets": [0, True]}}, b"xx", "whole numbers"),
        ({"a": LINE | {"shape": [2.0]}}, b"xx", "whole numbers"),
        ({"a": LINE | {"shape": "2"}}, b"xx", "whole numbers"),
        ({"a": LINE | {"shape": [10**30]}}, b"xx", "whole numbers"),
        ({"a": LINE | {"shape": [10**17, 10**17]}}, b"xx", "do not agree"),
        ({"a": LINE | {"shape": [1] * 40 + [2]}}, b"xx", "too many axes"),
        ({"a": LINE | {"dtype": "U9"}}, b"xx", "unknown dtype"),
        ({"a": LINE | {"dtype": ["U8"]}}, b"xx", "unknown dtype"),
        ({"a": LINE | {"more": 1}}, b"xx", "three entries"),
        ({"a": {"dtype": "U8", "shape": [2]}}, b"xx", "three entries"),
        ({"a": [1]}, b"", "three entries"),
        ({"__metadata__": {"a": 1}}, b"", "map of texts"),
        ({"__metadata__": ["a"]}, b"", "map of texts"),
    ],
)
def test_headers_that_break_a_rule(header, body, words):
    with pytest.raises(ValueError, match=words):
        read_tensors(made_of(header, body))


@pytest.mark.parametrize("length", [0, 1, MAX_HEADER + 1, 2**40, 2**64 - 1])
def test_lengths_that_cannot_be(length):
    with pytest.raises(ValueError, match="length of the header"):
        read_tensors(length.to_bytes(8, "little") + b"{}")


@pytest.mark.parametrize("content", [b"", b"1234567"])
def test_files_that_are_too_short(content):
    with pytest.raises(ValueError, match="length of the header"):
        read_tensors(content)


@pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 64, "f" * 64])
def test_digests_that_are_none(digest):
    content = made_of({"__metadata__": {"sha256": digest}})
    with pytest.raises(ValueError, match="digest"):
        read_tensors(content, sealed=True)


@pytest.mark.parametrize("text", ['{"a": NaN}', "[-Infinity]", '{"a": 1, "a": 2}'])
def test_json_that_is_not_strict(text):
    with pytest.raises(ValueError, match=r"JSON has no|named twice"):
        strict_json(text)
