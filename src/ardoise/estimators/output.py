"""In what `transform` returns its numbers: an array, or a table with names."""

from __future__ import annotations

import importlib
import sys
from typing import Any, Self

from ardoise.engine.arrays import Array

CONTAINERS = ("default", "pandas", "polars")


class TransformOutput:
    """What lets users, and scikit-learn, choose the container of `transform`."""

    # scikit-learn's name, which its clone and its pipelines look for.
    _sklearn_output_config: dict[str, str]

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose in what `transform` and `fit_transform` return their numbers.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            An array, or a table with the names of `get_feature_names_out` (and the
            index of a pandas table that came in). None changes nothing.

        Raises
        ------
        ValueError
            For anything else.
        """
        if transform is None:
            return self
        if transform not in CONTAINERS:
            raise ValueError(
                f"transform must be 'default', 'pandas', 'polars' or None; got "
                f"{transform!r}"
            )
        self._sklearn_output_config = {"transform": transform}
        return self

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of what `transform` returns."""
        raise NotImplementedError

    def _in_container(self, values: Array, X: Any) -> Any:
        """Return what `transform` has computed for X in the container that is asked.

        Raises
        ------
        ImportError
            If pandas or polars is not installed.
        """
        chosen = getattr(self, "_sklearn_output_config", None) or {}
        kind = chosen.get("transform", _global_choice())
        if kind == "default":
            return values
        names = self.get_feature_names_out()
        library = _import(kind)
        if kind == "polars":
            return library.DataFrame(values, schema=names.tolist(), orient="row")
        is_table = isinstance(X, library.DataFrame | library.Series)
        index = X.index if is_table else None
        return library.DataFrame(values, index=index, columns=names)


def _global_choice() -> str:
    """Return what is set in scikit-learn for all transformers, if it is loaded."""
    get_config = getattr(sys.modules.get("sklearn"), "get_config", None)
    return "default" if get_config is None else str(get_config()["transform_output"])


def _import(kind: str) -> Any:
    try:
        return importlib.import_module(kind)
    except ImportError as error:
        raise ImportError(
            f"set_output(transform={kind!r}) needs {kind}, which is not installed"
        ) from error
