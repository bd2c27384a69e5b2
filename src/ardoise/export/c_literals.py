"""Numbers, arrays and texts as C writes them."""

from __future__ import annotations

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.export.plan import Setting


def c_number(value: Setting) -> str:
    """Return a float32 number as C writes it, exactly."""
    text = str(np.array(value, np.float32))
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def c_array(name: str, value: Array) -> str:
    """Return the definition of a constant array."""
    is_int8 = value.dtype == np.int8
    # The shortest decimals that are read as the same float32.
    numbers = value.reshape(-1).astype(str).tolist()
    if not is_int8:
        numbers = [f"{text}f" for text in numbers]
    rows = (", ".join(numbers[i : i + 16]) for i in range(0, len(numbers), 16))
    body = ",\n    ".join(rows)
    kind = "int8_t" if is_int8 else "float"
    return f"static const {kind} NAME_{name}[{value.size}] = {{\n    {body}\n}};"


def c_string(text: str) -> str:
    """Return a literal in ASCII: other bytes (of UTF-8) and signs as octal numbers."""
    literal = "".join(
        chr(byte)
        if (chr(byte).isalnum() and byte < 128) or byte in b" .,-+_"
        else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "replace")
    )
    return f'"{literal}"'
