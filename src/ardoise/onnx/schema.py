"""The messages of ONNX that Ardoise uses, field by field.

The table has no circle: messages nest no deeper than it says. Of what Ardoise refuses,
such as a graph within a graph, it only says where it would stand.

References
----------
onnx/onnx.proto of ONNX 1.23 (IR version 14).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Field(NamedTuple):
    """One field of a message.

    Attributes
    ----------
    name : str
    kind : str
        One of `NUMBERS`; ``"string"``, ``"bytes"``; ``"seen"``, of which no more is
        read than that it is there; or the name of a message.
    many : bool
        Whether it may come more than once.
    """

    name: str
    kind: str
    many: bool = False


# Kind of a number → its type on the wire, and the NumPy type of many.
VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
NUMBERS: dict[str, tuple[int, np.dtype[Any]]] = {
    "int32": (VARINT, np.dtype(np.int64)),
    "int64": (VARINT, np.dtype(np.int64)),
    "uint64": (VARINT, np.dtype(np.uint64)),
    "float": (FOUR, np.dtype("<f4")),
    "double": (EIGHT, np.dtype("<f8")),
}

# Message → number of a field → the field. Fields that are not here are passed over, as
# the format wants it: they say nothing about what a model computes.
MESSAGES: dict[str, dict[int, Field]] = {
    "Model": {
        1: Field("ir_version", "int64"),
        2: Field("producer_name", "string"),
        3: Field("producer_version", "string"),
        7: Field("graph", "Graph"),
        8: Field("opset_import", "OperatorSet", many=True),
        14: Field("metadata_props", "Entry", many=True),
        25: Field("functions", "seen", many=True),
    },
    "OperatorSet": {1: Field("domain", "string"), 2: Field("version", "int64")},
    "Entry": {1: Field("key", "string"), 2: Field("value", "string")},
    "Graph": {
        1: Field("node", "Node", many=True),
        2: Field("name", "string"),
        5: Field("initializer", "Tensor", many=True),
        11: Field("input", "Value", many=True),
        12: Field("output", "Value", many=True),
        15: Field("sparse_initializer", "seen", many=True),
    },
    "Node": {
        1: Field("input", "string", many=True),
        2: Field("output", "string", many=True),
        3: Field("name", "string"),
        4: Field("op_type", "string"),
        5: Field("attribute", "Attribute", many=True),
        7: Field("domain", "string"),
        8: Field("overload", "string"),
    },
    "Attribute": {
        1: Field("name", "string"),
        2: Field("f", "float"),
        3: Field("i", "int64"),
        4: Field("s", "bytes"),
        5: Field("t", "Tensor"),
        6: Field("g", "seen"),
        7: Field("floats", "float", many=True),
        8: Field("ints", "int64", many=True),
        9: Field("strings", "bytes", many=True),
        11: Field("graphs", "seen", many=True),
        20: Field("type", "int32"),
        21: Field("ref_attr_name", "string"),
        22: Field("sparse_tensor", "seen"),
        23: Field("sparse_tensors", "seen", many=True),
    },
    "Tensor": {
        1: Field("dims", "int64", many=True),
        2: Field("data_type", "int32"),
        3: Field("segment", "seen"),
        4: Field("float_data", "float", many=True),
        5: Field("int32_data", "int32", many=True),
        6: Field("string_data", "seen", many=True),
        7: Field("int64_data", "int64", many=True),
        8: Field("name", "string"),
        9: Field("raw_data", "bytes"),
        10: Field("double_data", "double", many=True),
        11: Field("uint64_data", "uint64", many=True),
        13: Field("external_data", "seen", many=True),
        14: Field("data_location", "int32"),
    },
    "Value": {1: Field("name", "string"), 2: Field("type", "Type")},
    "Type": {
        1: Field("tensor_type", "TensorType"),
        4: Field("sequence_type", "seen"),
        5: Field("map_type", "seen"),
        7: Field("opaque_type", "seen"),
        8: Field("sparse_tensor_type", "seen"),
        9: Field("optional_type", "seen"),
    },
    "TensorType": {1: Field("elem_type", "int32"), 2: Field("shape", "Shape")},
    "Shape": {1: Field("dim", "Dimension", many=True)},
    "Dimension": {1: Field("dim_value", "int64"), 2: Field("dim_param", "string")},
}
