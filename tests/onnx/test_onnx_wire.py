"""Messages on the wire: the same as those of Google's library, and read strictly."""

import struct

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ardoise.onnx.errors import Damage
from ardoise.onnx.schema import MESSAGES, NUMBERS
from ardoise.onnx.wire import MOST_FIELDS, decode, encode

PROTOS = {
    "Model": onnx.ModelProto,
    "OperatorSet": onnx.OperatorSetIdProto,
    "Entry": onnx.StringStringEntryProto,
    "Graph": onnx.GraphProto,
    "Node": onnx.NodeProto,
    "Attribute": onnx.AttributeProto,
    "Tensor": onnx.TensorProto,
    "Value": onnx.ValueInfoProto,
    "Type": onnx.TypeProto,
    "TensorType": onnx.TypeProto.Tensor,
    "Shape": onnx.TensorShapeProto,
    "Dimension": onnx.TensorShapeProto.Dimension,
}
KINDS = {
    "int32": ("INT32", "ENUM"),
    "int64": ("INT64",),
    "uint64": ("UINT64",),
    "float": ("FLOAT",),
    "double": ("DOUBLE",),
    "string": ("STRING",),
    "bytes": ("BYTES",),
}


def test_the_table_is_onnx_s():
    assert PROTOS.keys() == MESSAGES.keys()
    for kind, proto in PROTOS.items():
        theirs = proto.DESCRIPTOR.fields_by_number
        for number, field in MESSAGES[kind].items():
            other = theirs[number]
            assert field.name == other.name
            assert field.many == other.is_repeated
            if field.kind in KINDS:
                codes = {getattr(other, f"TYPE_{name}") for name in KINDS[field.kind]}
                assert other.type in codes
            elif field.kind != "seen":
                assert other.message_type is PROTOS[field.kind].DESCRIPTOR


def test_messages_nest_no_deeper_than_the_table():
    def depth(kind, above=()):
        assert kind not in above
        inner = {f.kind for f in MESSAGES[kind].values() if f.kind in MESSAGES}
        return 1 + max((depth(one, (*above, kind)) for one in inner), default=0)

    assert depth("Model") == 7


def test_what_is_passed_over_is_known():
    """Whoever adds a field to the table, or ONNX to its own, sees it here."""
    over = {
        f"{kind}.{name}"
        for kind, proto in PROTOS.items()
        for name, field in proto.DESCRIPTOR.fields_by_name.items()
        if field.number not in MESSAGES[kind]
    }
    words = ("doc_string", "metadata_props", "denotation")
    assert {name for name in over if not name.endswith(words)} == {
        *("Model.domain", "Model.model_version", "Model.training_info"),
        *("Model.configuration", "Graph.value_info", "Graph.quantization_annotation"),
        *("Node.device_configurations", "Attribute.tp", "Attribute.type_protos"),
        "Attribute.tensors",
    }


def values(kind, many):
    scalar = {
        "int32": st.integers(-(2**31), 2**31 - 1),
        "int64": st.integers(-(2**63), 2**63 - 1),
        "uint64": st.integers(0, 2**64 - 1),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
        "string": st.text(max_size=5),
        "bytes": st.binary(max_size=5),
    }
    one = scalar[kind] if kind in scalar else messages(kind)
    return st.lists(one, max_size=3) if many else one


@st.composite
def messages(draw, kind):
    message = {
        field.name: draw(values(field.kind, field.many))
        for field in MESSAGES[kind].values()
        if field.kind != "seen" and draw(st.booleans())
    }
    if kind == "Dimension" and len(message) > 1:  # only one of the two
        del message["dim_value"]
    return message


def plain(value):
    """Return a decoded message with arrays and views as lists and bytes."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(one) for one in value]
    return bytes(value) if isinstance(value, memoryview) else value


def without_empty(value):
    """A field that may come many times, and comes never, is not there."""
    if isinstance(value, dict):
        return {k: without_empty(v) for k, v in value.items() if v != []}
    return [without_empty(one) for one in value] if isinstance(value, list) else value


@given(st.data())
def test_there_and_back_and_through_google_s_library(data):
    kind = data.draw(st.sampled_from(sorted(MESSAGES)))
    message = data.draw(messages(kind))
    content = encode(kind, message)
    expected = without_empty(message)
    assert plain(decode(kind, content)) == expected
    # Its library packs numbers, and orders fields its own way.
    theirs = PROTOS[kind].FromString(content)
    assert plain(decode(kind, theirs.SerializeToString())) == expected
    assert theirs == PROTOS[kind].FromString(theirs.SerializeToString())


@pytest.mark.parametrize("count", [0, 1, 100_000])
@pytest.mark.parametrize("kind", ["int32", "int64", "uint64"])
def test_packed_numbers(kind, count):
    rng = np.random.default_rng(0)
    bits = {"int32": 31, "int64": 63, "uint64": 64}[kind]
    numbers = [int(rng.integers(2**62)) >> int(rng.integers(62)) for _ in range(count)]
    numbers = [n % 2**bits for n in numbers]
    if kind != "uint64":
        numbers = [n if i % 3 else -n for i, n in enumerate(numbers)]
    field = f"{kind}_data"
    tensor = onnx.TensorProto(**{field: numbers})
    decoded = decode("Tensor", tensor.SerializeToString()).get(field, np.empty(0, int))
    assert decoded.dtype == NUMBERS[kind][1] or not count
    assert decoded.tolist() == numbers


def field(number, wire, content=b""):
    return bytes([number << 3 | wire]) + content


LONG = b"\xff" * 9


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("Entry", b"\x80"),  # half a number
        ("Entry", field(1, 2)),  # no length
        ("Entry", field(1, 2, b"\x05abc")),  # five bytes of three
        ("Entry", field(1, 2, LONG + b"\x01")),  # 2⁶⁴ − 1 bytes
        ("Entry", field(1, 2, LONG + b"\x02")),  # a number of 65 bits
        ("Entry", field(1, 2, LONG + b"\x81\x00")),  # of eleven bytes
        ("Entry", field(0, 2, b"\x00")),  # field 0
        ("Entry", LONG + b"\x01\x00"),  # field 2⁶¹ − 1
        ("Entry", field(1, 3)),  # a group begins
        ("Entry", field(1, 3) + field(1, 4)),  # and ends
        ("Entry", field(1, 6)),
        ("Entry", field(1, 7)),
        ("Entry", field(1, 0, b"\x01")),  # a number where a text belongs
        ("Entry", field(1, 1, bytes(8))),
        ("Entry", field(1, 5, bytes(4))),
        ("Entry", field(1, 2, b"\x01\xff")),  # no UTF-8
        ("Entry", field(1, 2, b"\x03\xed\xa0\x80")),  # half a character
        ("Entry", field(1, 2, b"\x00") * 2),  # twice
        ("Entry", field(9, 2, b"\x02a")),  # an unknown field is cut off
        ("Entry", field(9, 1, bytes(7))),
        ("OperatorSet", field(2, 2, b"\x00")),  # one number is not packed
        ("OperatorSet", field(2, 5, bytes(4))),
        ("OperatorSet", field(2, 0, b"\x01") * 2),
        ("Tensor", field(2, 0, b"\xff\xff\xff\xff\x0f")),  # 2³² − 1 in 32 bits
        ("Tensor", field(4, 2, b"\x03abc")),  # three bytes of four
        ("Tensor", field(4, 1, bytes(8))),
        ("Tensor", field(5, 2, b"\x05\xff\xff\xff\xff\x0f")),
        ("Tensor", field(7, 2, b"\x01\x80")),
        ("Tensor", field(7, 2, b"\x0b" + LONG + b"\x81\x00")),
        ("Tensor", field(7, 2, b"\x0a" + LONG + b"\x02")),
        ("Tensor", field(7, 2, b"\x81\x80\x04" + b"\x80" * 65536 + b"\x01")),
        ("Model", field(7, 0, b"\x01")),  # a number where a message belongs
        ("Model", field(7, 2, b"\x02\x0a\x05")),  # an inner length beyond the outer
    ],
)
def test_what_is_no_message(kind, content):
    with pytest.raises(Damage):
        decode(kind, content)


def test_what_is_unusual_and_allowed():
    # Fields of later versions, of every type of the wire.
    unknown = field(9, 0, b"\x01") + field(9, 1, bytes(8)) + field(9, 5, bytes(4))
    assert decode("Entry", unknown + field(9, 2, b"\x01x")) == {}
    # A number with more bytes than it needs; a field out of order.
    assert decode("OperatorSet", field(2, 0, b"\x91\x80\x00")) == {"version": 17}
    assert decode("Entry", field(2, 2, b"\x01b") + field(1, 2, b"\x01a")) == {
        "key": "a",
        "value": "b",
    }
    # Numbers one by one and in a row.
    content = field(4, 5, struct.pack("<f", 1)) + field(4, 2, b"\x08" + bytes(8))
    assert decode("Tensor", content)["float_data"].tolist() == [1, 0, 0]
    content = field(7, 0, b"\x01") + field(7, 2, b"\x02\x02\x03") + field(7, 2, b"\x00")
    assert decode("Tensor", content)["int64_data"].tolist() == [1, 2, 3]
    # No more of it is read than that it is there.
    assert decode("Attribute", field(6, 2, b"\x03\xff\xff\xff")) == {"g": True}


def test_a_message_of_many_fields():
    many = field(9, 0, b"\x00")
    assert decode("Entry", many * MOST_FIELDS) == {}
    with pytest.raises(Damage, match="more than"):
        decode("Entry", many * (MOST_FIELDS + 1))
    # Those of inner messages count too.
    graph = many * (MOST_FIELDS // 2)
    model = encode("Model", {"graph": {}})[:1] + varint(len(graph)) + graph
    assert decode("Model", model) == {"graph": {}}
    with pytest.raises(Damage, match="more than"):
        decode("Model", model + many * (MOST_FIELDS // 2))


def varint(n):
    return bytes([n & 0x7F | 0x80]) + varint(n >> 7) if n > 0x7F else bytes([n])
