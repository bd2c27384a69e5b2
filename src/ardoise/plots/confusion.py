"""The confusion matrix, coloured so that the mistakes stand out.

A good network is right nearly always, so a matrix coloured by counts shows a dark
diagonal and nothing else. Here the diagonal is left grey, and each mistake is coloured
by its share of the images of its class.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.messages import UserError, text
from ardoise.plots.figures import INK, fitting_size, new_figure
from ardoise.plots.numbers import decimal, integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS_PER_INCH = 72
# Beyond this many classes, ticks on the far sides spare the eye a long way.
_FAR_TICKS = 25


def confusion_matrix(
    matrix: ArrayLike, classes: Sequence[object], lang: str = "en"
) -> "Figure":
    """Draw which classes are taken for which.

    Parameters
    ----------
    matrix : array of int, shape (k, k)
        ``matrix[i, j]`` images of class i were read as class j.
    classes : sequence of length k
        The names of the classes, at least two.
    lang : str
        ``"en"`` or ``"fr"``.

    Returns
    -------
    matplotlib.figure.Figure
        It grows with the number of classes, so that the counts stay readable.

    Raises
    ------
    UserError
        If the matrix is not a square of counts, or does not fit the classes.
    """
    counts = np.asarray(matrix)
    k = len(classes)
    if k < 2 or counts.shape != (k, k) or counts.dtype.kind not in "iu":
        raise UserError("plots.bad_matrix", n=k, shape=counts.shape, dtype=counts.dtype)
    totals = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(totals, 1)  # (k, k), in percent
    np.fill_diagonal(shares, np.nan)
    worst = float(np.nanmax(shares)) or 1.0

    cell = max(0.45, 4.5 / k)  # inches
    figure = new_figure(k * cell + 2.0, k * cell + 1.3)
    axes = figure.add_subplot()
    _draw_cells(axes, counts, shares, worst, cell * _POINTS_PER_INCH, lang)
    _name_sides(axes, [str(name) for name in classes], lang)
    mistakes = int(counts.sum() - np.trace(counts))
    axes.set_title(
        text(
            "plots.confusion_title",
            lang,
            mistakes=integer(mistakes, lang),
            total=integer(int(counts.sum()), lang),
        ),
        pad=12,
        fontsize=_heading_size(k),
    )
    return figure


def _draw_cells(
    axes: "Axes",
    counts: NDArray[Any],
    shares: NDArray[np.float64],
    worst: float,
    cell: float,
    lang: str,
) -> None:
    """Colour every cell and write its count; a mistake never made stays empty."""
    import matplotlib
    from matplotlib.ticker import FuncFormatter

    colours = matplotlib.colormaps["Oranges"].with_extremes(bad="#e3eae7")
    image = axes.imshow(shares, cmap=colours, vmin=0, vmax=worst)
    digits = 0 if worst >= 10 else 1
    axes.figure.colorbar(
        image,
        ax=axes,
        label=text("plots.confusion_share", lang),
        format=FuncFormatter(lambda value, _: decimal(value, lang, digits)),
        shrink=min(0.9, 9 / len(counts)),
        aspect=30,
    )
    longest = len(integer(int(counts.max()), lang))
    size = fitting_size(longest, 0.9 * cell, largest=11)
    for row, column in np.ndindex(counts.shape):
        count = int(counts[row, column])
        if count == 0 and row != column:
            continue
        dark = shares[row, column] > 0.75 * worst  # False on the diagonal (NaN)
        axes.text(
            column,
            row,
            integer(count, lang),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else INK,
            in_layout=False,  # it fits its cell: the layout need not measure it
        )


def _name_sides(axes: "Axes", names: list[str], lang: str) -> None:
    """Write the classes along both sides, and a white line between the cells."""
    places = range(len(names))
    turned = 90 if max(map(len, names)) > 3 else 0
    axes.set_xticks(places, names, rotation=turned, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    axes.set_xlabel(text("plots.read_as", lang), fontsize=_heading_size(len(names)))
    axes.set_ylabel(text("plots.actual", lang), fontsize=_heading_size(len(names)))
    edges = np.arange(len(names) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0)
    if len(names) > _FAR_TICKS:
        axes.tick_params(labeltop=True, labelright=True)
    axes.spines[:].set_visible(False)


def _heading_size(n_classes: int) -> float:
    """Return the font size (points) of words that belong to the whole picture."""
    return max(11, 0.4 * n_classes)
