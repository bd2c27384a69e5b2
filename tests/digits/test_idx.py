import gzip
import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ardoise.digits import DataError, read_idx, write_idx

TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
CODES = [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E]

SMALL = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def idx_bytes(array, *, packed=False):
    """The bytes of an IDX file, written independently of write_idx."""
    code = CODES[TYPES.index(array.dtype.name)]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    data = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
    return gzip.compress(data) if packed else data


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


@given(
    array=st.sampled_from(TYPES).flatmap(
        lambda name: hnp.arrays(name, hnp.array_shapes(max_dims=5, max_side=4))
    ),
    ending=st.sampled_from([".idx", ".gz"]),
)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(scratch, array, ending):
    path = scratch / f"array{ending}"
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype and back.dtype.isnative
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()  # NaN and -0.0 included
    assert back.flags.c_contiguous and back.flags.writeable


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_type_is_big_endian(tmp_path, name, packed):
    array = np.array([[1, 2, 3], [100, 101, 102]], dtype=name)
    path = tmp_path / "no-ending"  # gzip is told by the bytes, not by the name
    path.write_bytes(idx_bytes(array, packed=packed))
    np.testing.assert_array_equal(read_idx(path), array, strict=True)
    write_idx(path, array)
    assert path.read_bytes() == idx_bytes(array)


def test_other_layouts_of_memory_are_written_in_order(tmp_path):
    for array in (SMALL.T, SMALL[:, ::-1], SMALL.astype(">i2")):
        write_idx(tmp_path / "a", array)
        np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


def test_a_compressed_file_has_no_date_in_it(tmp_path):
    write_idx(tmp_path / "a.gz", SMALL)
    write_idx(tmp_path / "b.gz", SMALL)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_an_open_file_is_read_from_where_it_stands_and_stays_open():
    file = io.BytesIO(b"before" + idx_bytes(SMALL))
    file.seek(6)
    np.testing.assert_array_equal(read_idx(file), SMALL)
    assert not file.closed


@pytest.mark.parametrize("packed", [False, True])
def test_cut_anywhere_it_is_refused(packed):
    data = idx_bytes(SMALL, packed=packed)
    for length in range(len(data)):
        with pytest.raises(DataError):
            read_idx(io.BytesIO(data[:length]))


def test_a_changed_byte_of_the_compressed_values_is_noticed():
    data = idx_bytes(SMALL, packed=True)
    for position in range(len(data) - 8, len(data)):  # checksum and length
        damaged = bytearray(data)
        damaged[position] ^= 1
        with pytest.raises(DataError):
            read_idx(io.BytesIO(damaged))


@given(data=st.binary(max_size=60), start=st.sampled_from(["", "idx", "gzip", "in"]))
@settings(max_examples=200, deadline=None)
def test_random_bytes_give_a_sentence_or_an_array(data, start):
    if start == "idx":
        data = b"\0\0\x08" + data
    elif start == "gzip":
        data = b"\x1f\x8b\x08\0" + data
    elif start == "in":
        data = gzip.compress(b"\0\0\x08\x01" + data)
    try:
        assert read_idx(io.BytesIO(data)).size > 0
    except DataError:
        pass


def test_a_header_that_lies_costs_no_memory(refuses, within):
    liar = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 28, 28)
    assert len(liar) == 16
    with within(1), refuses("idx.too_large", "4294967295 × 28 × 28"):
        read_idx(io.BytesIO(liar))
    liar = struct.pack(">HBB3I", 0, 8, 3, 2_000_000, 28, 28)  # just below 2 GiB
    with within(1), refuses("idx.truncated", "and 0 bytes follow"):
        read_idx(io.BytesIO(liar))
    overflow = struct.pack(">HBB32I", 0, 14, 32, *[2**32 - 1] * 32)
    with within(1), refuses("idx.too_large"):
        read_idx(io.BytesIO(overflow))


def test_a_bomb_costs_no_more_than_its_header_announces(refuses, within):
    head = struct.pack(">HBB3I", 0, 8, 3, 1, 28, 28)
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as file:
        file.write(head)
        for _ in range(64):
            file.write(bytes(2**20))
    bomb.seek(0)
    with within(4), refuses("idx.trailing", "784 bytes"):
        read_idx(bomb)
    bomb.seek(0)
    with refuses("idx.too_large", "783"):
        read_idx(bomb, max_bytes=783)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "data.empty_file"),
        (b"\0\0\x08", "idx.not_idx"),
        (b"\x01\0\x08\x01\0\0\0\x01\0", "idx.not_idx"),
        (b"\0\0\x0a\x01\0\0\0\x01\0", "idx.not_idx"),
        (gzip.compress(b"", mtime=0), "idx.not_idx"),
        (b"\0\0\x08\0\0", "idx.dimensions"),
        (b"\0\0\x08\xff" + bytes(1020), "idx.dimensions"),
        (b"\0\0\x08\x02\0\0\0\x01", "idx.short_header"),
        (b"\0\0\x08\x01\0\0\0\0", "idx.no_values"),
        (b"\0\0\x08\x02\0\0\0\0\xff\xff\xff\xff", "idx.no_values"),
        (b"\0\0\x08\x01\0\0\0\x03\x01\x02", "idx.truncated"),
        (b"\0\0\x08\x01\0\0\0\x03\x01\x02\x03\x04", "idx.trailing"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x01\x05", mtime=0) + b"more", "data.gzip"),
    ],
)
def test_each_fault_has_its_sentence(tmp_path, refuses, data, key):
    path = tmp_path / "file.idx"
    path.write_bytes(data)
    with refuses(key, path):
        read_idx(path)


def test_files_that_cannot_be_opened(tmp_path, refuses, monkeypatch):
    with refuses("data.missing", "nowhere"):
        read_idx(tmp_path / "nowhere")
    with refuses("data.missing"):
        read_idx("zero\0byte")
    with refuses("data.folder"):
        read_idx(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    with refuses("data.unreadable"):
        read_idx(tmp_path / "file" / "below a file")

    def denied(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with refuses("data.denied"):
        read_idx(tmp_path / "file")


def test_arrays_that_idx_cannot_hold(tmp_path, refuses):
    path = tmp_path / "a"
    with refuses("idx.type", "int64"):
        write_idx(path, np.zeros(3, np.int64))
    with refuses("idx.shape", "()"):
        write_idx(path, np.float32(1))
    with refuses("idx.shape", "(0, 3)"):
        write_idx(path, np.zeros((0, 3), np.uint8))
    assert not path.exists()
    with refuses("data.missing"):
        write_idx(tmp_path / "no folder" / "a", SMALL)
