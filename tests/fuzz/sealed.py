"""Model files and checkpoints that are whole to their digest, and mean something else.

A digest turns every plain damage away at the door; behind it, a reader must bear
whatever somebody may have sealed.
"""

import copy
import hashlib
import json

from ardoise.files.safetensors import UNSEALED
from tests.fuzz.damage import damaged

NASTY = (
    *(
        None,
        True,
        False,
        -1,
        0,
        1,
        2,
        3,
        0.5,
        -0.0,
        2**31,
        2**62,
        10**30,
        1e308,
        5e-324,
    ),
    *("", "x", "0", "Dense", "float64", "F64", "BF16", "__class__", "../x", "é\0"),
    *(
        [],
        [0],
        [1],
        [2**31] * 3,
        [[]] * 9,
        {},
        {"": {}},
        {"type": "Dense", "units": 2**40},
    ),
)


def split(content, key):
    """Return a file's header, what it says under ``key``, and its arrays.

    Raises
    ------
    ValueError, LookupError, TypeError
        If it is no such file.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return header, json.loads(header["__metadata__"][key]), content[8 + size :]


def join(header, key, about, body):
    """Return such a file, with the digest that fits it."""
    about = about if isinstance(about, str) else json.dumps(about)
    text = json.dumps(header | {"__metadata__": {"sha256": UNSEALED, key: about}})
    return sealed(len(text.encode()).to_bytes(8, "little") + text.encode() + body)


def sealed(content):
    """Return a file whose digest, where it has one, is made to fit."""
    start = content.find(b'"sha256"', 8)
    place = content.find(b'"', start + 8) + 1
    if start < 0 or place <= 0:
        return content
    zeros = content[:place] + UNSEALED.encode() + content[place + 64 :]
    digest = hashlib.sha256(zeros).hexdigest().encode()
    return zeros[:place] + digest + zeros[place + 64 :]


def altered(rng, content, key):
    """Return a sealed file in which something else stands in a few places."""
    try:
        header, about, body = split(content, key)
    except (ValueError, LookupError, TypeError, RecursionError):
        return sealed(damaged(rng, content))
    kind = rng.integers(8)
    if kind == 0:
        return sealed(damaged(rng, content))
    if kind == 1:
        text = damaged(rng, json.dumps(about).encode()).decode("latin1")
        if rng.random() < 0.1:
            place = int(rng.integers(len(text) + 1))
            text = text[:place] + "[{"[rng.integers(2)] * 5000 + text[place:]
        return join(header, key, text, body)
    if kind == 2:
        return join(header, key, about, damaged(rng, body))
    header.pop("__metadata__")
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.7:
            about = changed(rng, about)
        else:
            header = changed(rng, header)
    if not isinstance(header, dict):
        header = {}
    return join(header, key, about, body)


def changed(rng, value):
    """Return a copy of a JSON value with one place in it changed."""
    routes = list(places(value))
    route = routes[rng.integers(len(routes))]
    other = routes[rng.integers(len(routes))]
    kind = rng.random()
    if kind < 0.15 and route:
        return without(value, route)
    if kind < 0.3:
        return put(value, route, at(value, other))
    if kind < 0.35:
        new = at(value, route)
        for _ in range(1 << int(rng.integers(9))):
            new = [new]
        return put(value, route, new)
    return put(value, route, NASTY[rng.integers(len(NASTY))])


def places(value, route=()):
    """Yield the way to every value within a JSON value."""
    yield route
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*route, key))


def at(value, route):
    """Return the value at the end of the route."""
    for key in route:
        value = value[key]
    return value


def put(value, route, new):
    """Return a copy of a JSON value with another value at the end of the route."""
    if not route:
        return new
    other = copy.copy(value)
    other[route[0]] = put(value[route[0]], route[1:], new)
    return other


def without(value, route):
    """Return a copy of a JSON value that lacks what is at the end of the route."""
    other = copy.copy(value)
    if len(route) == 1:
        del other[route[0]]
    else:
        other[route[0]] = without(value[route[0]], route[1:])
    return other
