"""Models whose messages are well-formed, and say something else than they did."""

import numpy as np

from ardoise.onnx.schema import MESSAGES
from ardoise.onnx.wire import decode, encode
from tests.fuzz.damage import damaged

LENGTHS = (-(2**63), -1, 0, 1, 2, 3, 7, 255, 2**16, 2**31 - 1, 2**31, 2**62, 2**63 - 1)
FLOATS = (0.0, -0.0, 1e-45, -1.0, 0.5, 3e38, float("inf"), float("nan"))


def altered(rng, data, names):
    """Return a model that says something else in a few places."""
    try:
        message = decode("Model", data)
    except ValueError:
        return damaged(rng, data)
    forget_what_was_only_seen("Model", message)
    for _ in range(int(rng.integers(1, 5))):
        alter(rng, "Model", message, names)
    return encode("Model", message)


WEIGHTS = {
    "graph": 20,
    "op_type": 1,
    "attribute": 5,
    "ir_version": 0.1,
    "opset_import": 0.3,
}


def forget_what_was_only_seen(kind, message):
    for field in MESSAGES[kind].values():
        if field.kind == "seen":
            message.pop(field.name, None)
        elif field.kind in MESSAGES and field.name in message:
            value = message[field.name]
            for inner in value if field.many else [value]:
                forget_what_was_only_seen(field.kind, inner)


def alter(rng, kind, message, names):
    """Change one field of a message, or go down into one of them."""
    if kind == "Attribute" and rng.random() < 0.3:
        another_attribute(rng, message, names)
        return
    fields = [f for f in MESSAGES[kind].values() if f.kind != "seen"]
    there = [f for f in fields if f.name in message]
    if not there:
        return
    # Other names are refused soon: graphs, numbers and attributes lead further.
    weights = np.array(
        [WEIGHTS.get(f.name, 0.1 if f.kind == "string" else 1) for f in there]
    )
    field = there[rng.choice(len(there), p=weights / weights.sum())]
    value = message[field.name]
    if field.kind in MESSAGES:
        inner = value if field.many else [value]
        if len(inner) and rng.random() < 0.9:
            alter(rng, field.kind, inner[rng.integers(len(inner))], names)
        elif field.many and len(inner):
            i, j = rng.integers(len(inner), size=2)
            inner[int(i) : int(i)] = [inner[j]] * int(rng.integers(1, 4))
        return
    if rng.random() < 0.1:
        del message[field.name]
        return
    new = fresh(rng, field.kind, names)
    if not field.many:
        message[field.name] = new
        return
    values = list(value)
    place = int(rng.integers(len(values) + 1))
    values[place : place + int(rng.integers(2))] = [new] * int(rng.integers(3))
    message[field.name] = values


def another_attribute(rng, message, names):
    """Let an attribute be of another type, in good form."""
    name = message.get("name", "")
    message.clear()
    kinds = {
        1: ("f", "float"),
        2: ("i", "int64"),
        3: ("s", "string"),
        4: ("t", None),
        6: ("floats", "float"),
        7: ("ints", "int64"),
        8: ("strings", "string"),
    }
    code = int(rng.choice(list(kinds)))
    field, kind = kinds[code]
    if kind is None:
        size = int(rng.integers(4))
        value = {"data_type": 7, "dims": [size], "raw_data": rng.bytes(8 * size)}
    else:
        values = [fresh(rng, kind, names) for _ in range(rng.integers(5))]
        values = [v.encode() if isinstance(v, str) else v for v in values]
        value = (
            values if field.endswith("s") and field != "s" else (values or [None])[0]
        )
    message |= {"name": name, "type": code}
    if value is not None:
        message[field] = value


def fresh(rng, kind, names):
    if kind == "string":
        return str(rng.choice(names))
    if kind == "bytes":
        return rng.bytes(int(rng.integers(65)))
    if kind in ("float", "double"):
        return float(rng.choice(FLOATS))
    value = int(LENGTHS[rng.integers(len(LENGTHS))])
    if kind == "int32":
        return (
            max(-(2**31), min(value, 2**31 - 1)) if rng.random() < 0.3 else value % 20
        )
    return value % 2**64 if kind == "uint64" else value


def names_in(seeds):
    """Return the texts of all seeds, of which altered models are made."""
    names = {"", "x", "N"}

    def collect(kind, message):
        for field in MESSAGES[kind].values():
            values = message.get(field.name, [])
            for one in values if field.many else [values]:
                if field.kind == "string" and isinstance(one, str):
                    names.add(one)
                elif field.kind in MESSAGES and isinstance(one, dict):
                    collect(field.kind, one)

    for seed in seeds:
        collect("Model", decode("Model", seed))
    return sorted(names)
