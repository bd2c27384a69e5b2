"""All or nothing: a fit that breaks off with an error leaves an estimator as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Lists to which training appends; columns of the history do not stand here.
RECORDS = ("loss_curve_", "validation_scores_")


@contextmanager
def unchanged_after_errors(estimator: Any, *, in_place: bool) -> Iterator[None]:
    """Within, whatever raises undoes what was done to an estimator.

    Parameters
    ----------
    estimator : object
    in_place : bool
        Whether its network is trained on, not replaced by another: only then are the
        weights copied, and the records cut back to what they held.
    """
    before = dict(vars(estimator))
    network = before.get("network_") if in_place else None
    kept = None if network is None else (network.theta.copy(), network.state.copy())
    lengths = _lengths(before) if in_place else []
    columns = set(before.get("history_", ()))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        for record, length in lengths:
            del record[length:]
        if in_place:
            for name in set(before.get("history_", ())) - columns:
                del before["history_"][name]
        if network is not None and kept is not None:
            network.theta[...], network.state[...] = kept
        raise


def _lengths(before: dict[str, Any]) -> list[tuple[list[Any], int]]:
    """Return the lists to which training appends, and how long they are.

    Cutting them back takes no copy, which would be long after many calls of
    `partial_fit`.
    """
    lists = [before[name] for name in RECORDS if before.get(name) is not None]
    lists += before.get("history_", {}).values()
    return [(record, len(record)) for record in lists]
