"""Whether a training that is to go on is still the training that it was."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.layers import Layer
from ardoise.engine.losses import Loss
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule

# Parameters that may change: how long, how it is watched, and by how many threads.
# The first weights act at the beginning alone, and functions say nothing of what they
# do: two augmentations cannot be compared. Layers can, whatever parameters they come
# from, and have been.
FREE = {
    *("max_iter", "tol", "n_iter_no_change", "warm_start"),
    *("verbose", "progress_bar", "callbacks", "metrics", "threads"),
    *("coefs_init", "intercepts_init", "augmentation"),
    *("hidden_layer_sizes", "activation", "batch_norm", "dropout"),
    *("filters", "kernel_size", "pool_size", "padding", "image_shape"),
    *("layers", "input_shape"),
}


class Course(NamedTuple):
    """What a training was, as far as one that goes on must be the same.

    Attributes
    ----------
    samples : int or None
        None for batches, which are not there any more.
    holds_out : bool
        Whether some of the samples are held out.
    parameters : dict
        Values that compare by what they say.
    callbacks : list of str
        The types; those of other types remember nothing.
    """

    samples: int | None
    holds_out: bool
    parameters: dict[str, Any]
    callbacks: list[str]


def course_of(estimator: Any, samples: int | None, holds_out: bool) -> Course:
    """Return what a training of an estimator is."""
    values = vars(estimator)
    names = sorted({*estimator.constraints, *estimator._parameter_names()} - FREE)
    callbacks = () if estimator.callbacks is None else estimator.callbacks
    return Course(
        samples,
        holds_out,
        {name: _plain(values[name]) for name in names if name in values},
        [type(callback).__qualname__ for callback in callbacks],
    )


def check_course(old: Course | None, new: Course) -> None:
    """Refuse to go on with another training than the old one.

    Raises
    ------
    ValueError
        Naming what has changed.
    """
    if old is None:  # written by an earlier version, which did not note it
        return
    if old.samples != new.samples:
        was = "batches" if old.samples is None else f"{old.samples} samples"
        raise ValueError(
            f"resume=True goes on with the same data: they were {was}, and now there "
            f"are {new.samples} samples; use partial_fit or warm_start for others"
        )
    if old.holds_out != new.holds_out:
        raise ValueError(
            "resume=True goes on with the same data: validation_data must be given "
            "again if it was given before, and only then"
        )
    for name, value in new.parameters.items():
        before = old.parameters.get(name)
        if not _equal(before, value):
            raise ValueError(
                f"resume=True goes on with the same training, but {name} was "
                f"{before!r} and is {value!r} now: set it back, or fit without resume"
            )


def _plain(value: Any) -> Any:
    """Return a value that compares by what it says, and does not change."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Optimizer | Schedule | Loss | Layer):
        with suppress(Exception):  # one that a user wrote may have none
            return {"type": type(value).__name__, **_plain(value.config())}
    return value


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    try:
        return bool(a == b)
    except Exception:  # whatever a stranger's comparison does
        return False
