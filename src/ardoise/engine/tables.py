"""Objects that can be written down: a name from a closed table, and plain settings.

Initializers, losses, optimisers, schedules and layers are all rebuilt this way. Only
what stands in a table can be built, whatever a file says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def build(
    kind: str,
    table: Mapping[str, type[T]],
    spec: str | Mapping[str, Any],
    *,
    key: str = "name",
) -> T:
    """Return the object that ``spec`` describes.

    Parameters
    ----------
    kind : str
        What it is, for the sentences: ``"loss"``.
    table : mapping of str to class
    spec : str or mapping
        A name of the table, or a mapping with the name under ``key`` and settings.

    Raises
    ------
    ValueError
        If it is neither, the name is unknown, or a setting is missing, unknown or
        refused.
    """
    names = ", ".join(table)
    if isinstance(spec, str):
        spec = {key: spec}
    if not isinstance(spec, Mapping):
        raise ValueError(
            f"{kind} must be one of {names}, a mapping with such a {key}, or an "
            f"object; got {spec!r}"
        )
    settings = dict(spec)
    name = settings.pop(key, None)
    if not isinstance(name, str) or name not in table:
        raise ValueError(f"{kind} must be one of {names}; got {name!r}")
    try:
        return table[name](**settings)
    except TypeError as error:
        raise ValueError(f"{kind} {name!r}: {error}") from None
