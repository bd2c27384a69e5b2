"""What the pictures share: a new figure, colours, checks of the input, saving.

This is the one place that meets a missing matplotlib.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.files import write_atomically
from ardoise.messages import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any kind of colour vision tell apart.
BLUE = "#0072b2"
VERMILION = "#d55e00"
INK = "#1d2723"
QUIET = "#66706b"


class MissingMatplotlibError(UserError):
    """matplotlib is not installed, or cannot be imported."""


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of ``width`` × ``height`` inches that lays itself out.

    Raises
    ------
    MissingMatplotlibError
        If matplotlib cannot be imported; the sentence says how to install it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingMatplotlibError("plots.missing_matplotlib") from error
    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: str | Path, dpi: float = 150) -> Path:
    """Write ``figure`` to ``path``, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : str or Path
        The file; its suffix chooses the format (``.png``, ``.svg``, ``.pdf`` …). An
        older file is replaced only once the new one is complete.
    dpi : float
        Dots per inch, for the formats made of dots.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UserError
        If the folder does not exist, or matplotlib cannot write that format.
    """
    path = Path(path)
    form = path.suffix.removeprefix(".").lower()
    forms = figure.canvas.get_supported_filetypes()
    if form not in forms:
        raise UserError(
            "plots.unknown_format", name=path.name, formats=", ".join(sorted(forms))
        )
    content = io.BytesIO()
    figure.savefig(content, format=form, dpi=dpi)
    return write_whole(path, content.getvalue())


def write_whole(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` in one step, and return ``path``.

    Raises
    ------
    UserError
        If the folder does not exist.
    """
    if not path.parent.is_dir():
        raise UserError("plots.missing_folder", folder=path.parent, name=path.name)
    write_atomically(path, content)
    return path


def fitting_size(characters: int, width: float, largest: float) -> float:
    """Return a font size (points) at which so many characters fit in ``width`` points.

    A character of matplotlib's own font is about 0.62 of the size wide.
    """
    return min(largest, width / (0.62 * max(1, characters)))


def as_images(images: ArrayLike) -> NDArray[Any]:
    """Return grey images as an array of shape (n, h, w), of the dtype they came in.

    Raises
    ------
    UserError
        If the shape is neither (n, h, w) nor (n, h, w, 1), or there is no image.
    """
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 or array.size == 0:
        raise UserError("plots.bad_images", shape=np.shape(images))
    return array


def check_one_each(n_images: int, **values: Sequence[Any] | NDArray[Any]) -> None:
    """Raise a `UserError` unless each argument holds one value for each image."""
    for name, given in values.items():
        if len(given) != n_images:
            raise UserError(
                "plots.one_each", name=name, expected=n_images, received=len(given)
            )


def check_labels(labels: ArrayLike, n_images: int, n_classes: int) -> NDArray[Any]:
    """Return labels of shape (n,), integers from 0 to ``n_classes − 1``, checked."""
    array = np.asarray(labels)
    check_one_each(n_images, labels=array)
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= n_classes:
        raise UserError(
            "plots.bad_labels",
            largest=n_classes - 1,
            received=np.array2string(np.unique(array), threshold=8),
        )
    return array


def check_positive(**values: int) -> None:
    """Raise a `UserError` for the first argument that is below 1."""
    for name, given in values.items():
        if given < 1:
            raise UserError("plots.not_positive", name=name, received=given)
