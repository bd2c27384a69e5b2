"""Bytes that were something once: a few of them changed, cut, added or moved."""


def damaged(rng, data):
    """Return ``data`` with one to eight such damages."""
    data = bytearray(data)
    for _ in range(1 << int(rng.integers(4))):
        at = int(rng.integers(len(data) + 1))
        kind = rng.integers(7)
        if not data or kind == 0:
            data[at:at] = rng.bytes(int(rng.integers(1, 9)))
        elif kind == 1:
            data[at % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            data[at % len(data)] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            del data[at : at + int(rng.integers(1, 9))]
        elif kind == 5:
            length = int(rng.integers(1, 65))
            start = int(rng.integers(len(data)))
            data[at:at] = data[start : start + length]
        else:  # a number of ten bytes, such as a length
            data[at : at + 1] = b"\xff" * 9 + b"\x01"
    return bytes(data)
