"""Errors and warnings that also belong to scikit-learn's classes, where it is loaded.

Code written for scikit-learn catches `sklearn.exceptions.NotFittedError` and filters
its warnings. What we raise is of our class, and of scikit-learn's too if somebody has
imported scikit-learn; we never do.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any


class NotFittedError(ValueError, AttributeError):
    """An estimator is asked for what only training could tell."""


class ConvergenceWarning(UserWarning):
    """Training ended before it had converged."""


class DataConversionWarning(UserWarning):
    """Data were taken for something else than what their shape says."""


KINDS: dict[str, type[Warning]] = {
    "ConvergenceWarning": ConvergenceWarning,
    "DataConversionWarning": DataConversionWarning,
    "UserWarning": UserWarning,
}


def not_fitted(estimator: Any) -> NotFittedError:
    """Return the error to raise where an estimator has not been fitted.

    Parameters
    ----------
    estimator : object
        Its class is named in the message.

    Returns
    -------
    NotFittedError
        With scikit-learn's message; also an instance of
        ``sklearn.exceptions.NotFittedError`` if that module is loaded.
    """
    error: NotFittedError = joined(NotFittedError)(
        f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with "
        "appropriate arguments before using this estimator."
    )
    return error


def warn(kind: str, message: str) -> None:
    """Emit a warning that points at the line that called this package.

    Parameters
    ----------
    kind : {"ConvergenceWarning", "DataConversionWarning", "UserWarning"}
        The first two are of our class of that name, and of scikit-learn's if
        ``sklearn.exceptions`` is loaded.
    message : str
    """
    warnings.warn(message, joined(KINDS[kind]), stacklevel=_levels_inside() + 1)


def _levels_inside() -> int:
    """Return how many calls, this one not counted, lie inside the package."""
    package = __name__.partition(".")[0]
    frame, levels = inspect.currentframe(), -1
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] != package:
            break
        frame, levels = frame.f_back, levels + 1
    return levels


def joined(ours: type[Any], module: str = "sklearn.exceptions") -> type[Any]:
    """Return a class that is ``ours`` and the one of its name in a loaded module.

    Parameters
    ----------
    ours : type
    module : str
        Looked for among the modules that are loaded; never imported.

    Returns
    -------
    type
        ``ours`` itself if the module is not loaded or has no such class.
    """
    theirs = getattr(sys.modules.get(module), ours.__name__, None)
    if theirs is None:
        return ours
    if (ours, theirs) not in _JOINED:
        _JOINED[ours, theirs] = _join(ours, theirs, module)
    return _JOINED[ours, theirs]


# The same pair always gives the same class.
_JOINED: dict[tuple[type[Any], type[Any]], type[Any]] = {}


def _join(ours: type[Any], theirs: type[Any], module: str) -> type[Any]:
    def reduce(self: Any) -> Any:
        # The class has no address under which pickle could find it.
        return _rebuild, (ours, module, self.args)

    members = {"__doc__": ours.__doc__, "__module__": ours.__module__}
    return type(ours.__name__, (ours, theirs), {**members, "__reduce__": reduce})


def _rebuild(ours: type[Any], module: str, args: tuple[Any, ...]) -> Any:
    return joined(ours, module)(*args)
