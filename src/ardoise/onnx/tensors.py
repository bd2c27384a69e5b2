"""Tensors of ONNX as NumPy arrays.

An array is a view of the file's bytes where these are its numbers as they are. The
length of what is there is compared with the announced shape before anything is made.
Numbers of 16 bits in bfloat16, which NumPy does not know, become float32; texts are
carried along unread.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.onnx.errors import Damage, OnnxError, shown
from ardoise.onnx.wire import Message

# The numbers of TensorProto.DataType, and what they are called here. The others (of 4
# to 8 bits, complex) are refused.
NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}
CODES = {name: code for code, name in NAMES.items()}
STRING, BFLOAT16 = 8, 16
MOST_AXES = 16
# Where the numbers of each type stand, if not in raw_data.
FIELDS = {
    "float_data": {1},
    "int32_data": {2, 3, 4, 5, 6, 9, 10, 16},
    "int64_data": {7},
    "double_data": {11},
    "uint64_data": {12, 13},
    "string_data": {8},
}


class Text:
    """A tensor of texts: Ardoise computes nothing with it."""


def array_dtype(code: int) -> np.dtype[Any]:
    """Return the NumPy type of the arrays for a number of `NAMES`, native order."""
    return np.dtype("float32" if code == BFLOAT16 else NAMES[code])


def known_code(code: int, name: str) -> int:
    """Return the number of a type, or refuse it.

    Raises
    ------
    OnnxError
        If Ardoise does not know it; ``name`` says what is of that type.
    """
    if code not in NAMES:
        raise OnnxError("onnx.dtype", name=shown(name), code=code)
    return code


def tensor_array(message: Message) -> Array | Text:
    """Return the numbers of a tensor.

    Raises
    ------
    Damage
        If they are more or fewer than its shape says, or stand in the wrong field.
    OnnxError
        If they lie in another file, or are of a type that Ardoise does not know.
    """
    name = message.get("name", "")
    if message.get("data_location", 0) != 0 or "external_data" in message:
        raise OnnxError("onnx.external", name=shown(name))
    if "segment" in message:
        raise Damage(f"the tensor {name} is a part of another")
    code = message.get("data_type", 0)
    if code == 0:
        raise Damage(f"the tensor {name} has no type")
    known_code(code, name)
    shape, size = _shape(message)
    used = [field for field in (*FIELDS, "raw_data") if field in message]
    if code == STRING:
        if used not in ([], ["string_data"]):
            raise Damage(f"the tensor {name} holds texts and numbers")
        return Text()
    if len(used) > 1 or (
        used != ["raw_data"] and any(code not in FIELDS[f] for f in used)
    ):
        raise Damage(f"the tensor {name} has its numbers in {used}")
    array = _raw(message["raw_data"], code) if "raw_data" in message else None
    if array is None:
        array = (
            _listed(message[used[0]], code) if used else np.empty(0, array_dtype(code))
        )
    if array.size != size:
        raise Damage(f"the tensor {name} has {array.size} numbers for {shape}")
    return array.reshape(shape)


def _shape(message: Message) -> tuple[Shape, int]:
    """Return the shape of a tensor, and how many numbers that are."""
    dims = message.get("dims", ())
    if len(dims) > MOST_AXES:
        raise Damage(f"a tensor of {len(dims)} axes")
    shape = tuple(int(n) for n in dims)
    # NumPy counts even what is beside an axis of length 0.
    if any(n < 0 for n in shape) or math.prod(max(n, 1) for n in shape) > 1 << 48:
        raise Damage(f"a tensor of shape {shape}")
    return shape, math.prod(shape)


def _raw(content: memoryview, code: int) -> Array:
    """Return the numbers that are the bytes themselves, little-endian."""
    if code == BFLOAT16:
        dtype: np.dtype[Any] = np.dtype("<u2")
    else:
        # Any byte but 0 is true; NumPy wants it to be 1.
        dtype = np.dtype(np.uint8) if NAMES[code] == "bool" else array_dtype(code)
        dtype = dtype.newbyteorder("<")
    if len(content) % dtype.itemsize:
        raise Damage(f"{len(content)} bytes of numbers of {dtype.itemsize}")
    return _meaning(np.frombuffer(content, dtype), code)


def _listed(numbers: Array, code: int) -> Array:
    """Return the numbers of a field such as ``int32_data``, checked."""
    if code in (10, BFLOAT16):  # 16 bits each, as they are
        stored: np.dtype[Any] = np.dtype(np.uint16)
    else:
        stored = np.dtype(np.uint8) if NAMES[code] == "bool" else array_dtype(code)
    if stored.kind in "iu" and len(numbers):
        limits = np.iinfo(stored)
        if int(numbers.min()) < limits.min or int(numbers.max()) > limits.max:
            raise Damage(f"numbers that are no {stored}")
    numbers = numbers.astype(stored, copy=False)
    return _meaning(numbers.view(np.float16) if code == 10 else numbers, code)


def _meaning(numbers: Array, code: int) -> Array:
    """Return bytes as truth values, bfloat16 as float32, all in native order."""
    if NAMES[code] == "bool":
        return np.not_equal(numbers, 0)
    if code == BFLOAT16:  # the upper half of a float32
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(array_dtype(code), copy=False)


def tensor_message(name: str, array: Array) -> Message:
    """Return a tensor as a message, its numbers in ``raw_data``."""
    stored = array.dtype.newbyteorder("<")
    return {
        "dims": array.shape,
        "data_type": CODES[array.dtype.name],
        "name": name,
        "raw_data": np.ascontiguousarray(array, stored).tobytes(),
    }
