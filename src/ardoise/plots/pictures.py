"""Images with what they are and what the network read in them.

Grey images of any size, as bytes or as floats. All the images of one figure share one
scale of grey, so that a faint one looks faint.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.messages import UserError, text
from ardoise.plots.figures import (
    INK,
    VERMILION,
    as_images,
    check_labels,
    check_one_each,
    check_positive,
    fitting_size,
    new_figure,
)
from ardoise.plots.numbers import integer, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def digit_grid(
    images: ArrayLike,
    predicted: Sequence[object] | NDArray[Any],
    actual: Sequence[object] | NDArray[Any],
    lang: str = "en",
    rows: int = 3,
    columns: int = 3,
) -> "Figure":
    """Draw the notebook's grid: the first images, each with its answer and the truth.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, h, w, 1)
        Grey images; the first ``rows * columns`` are drawn.
    predicted, actual : sequences of length n
        What the network read, and what the image is, printed as they are.
    lang : str
        ``"en"`` or ``"fr"``.
    rows, columns : int
        The size of the grid.

    Returns
    -------
    matplotlib.figure.Figure
        8 × 6 inches for a grid of 3 × 3. The titles of mistakes are coloured.

    Raises
    ------
    UserError
        If the shapes do not fit together.
    """
    pixels = as_images(images)
    check_one_each(len(pixels), predicted=predicted, actual=actual)
    check_positive(rows=rows, columns=columns)
    shown = rows * columns
    titles = [
        (
            text("plots.grid_one", lang, predicted=p, actual=a),
            INK if p == a else VERMILION,
        )
        for p, a in zip(predicted[:shown], actual[:shown], strict=True)
    ]
    return _grid(
        pixels[:shown],
        titles,
        text("plots.grid_title", lang),
        rows,
        columns,
        cell=(8 / 3, 2.0),
        cmap="hot",
    )


def worst_mistakes(
    images: ArrayLike,
    probabilities: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[object],
    lang: str = "en",
    rows: int = 4,
    columns: int = 6,
) -> "Figure":
    """Draw the wrong answers that the network was most sure of, the surest first.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, h, w, 1)
        Grey images.
    probabilities : array of float, shape (n, k)
        What the network gives each class; the answer is the largest.
    labels : array of int, shape (n,)
        The true classes, 0 to k − 1.
    classes : sequence of length k
        The names of the classes.
    lang : str
        ``"en"`` or ``"fr"``.
    rows, columns : int
        At most so many images are drawn.

    Returns
    -------
    matplotlib.figure.Figure
        With no mistake to show, it says so in words.

    Raises
    ------
    UserError
        If the shapes do not fit together, or a label is not one of the classes.
    """
    pixels = as_images(images)
    n, k = len(pixels), len(classes)
    given = np.asarray(probabilities)
    if given.shape != (n, k):
        raise UserError("plots.bad_probabilities", expected=(n, k), shape=given.shape)
    actual = check_labels(labels, n, k)
    check_positive(rows=rows, columns=columns)
    read = given.argmax(axis=1)
    sureness = given.max(axis=1)
    wrong = np.flatnonzero(read != actual)
    if wrong.size == 0:
        return _words(text("plots.no_mistake", lang, n=integer(n, lang)))

    shown = wrong[np.argsort(-sureness[wrong], kind="stable")][: rows * columns]
    titles = [
        text(
            "plots.mistake",
            lang,
            predicted=classes[read[i]],
            percent=percent(float(sureness[i]), lang, 1),
            actual=classes[actual[i]],
        )
        for i in shown
    ]
    return _grid(
        pixels[shown],
        [(title, INK) for title in titles],
        text(
            "plots.mistakes_title",
            lang,
            shown=integer(len(shown), lang),
            mistakes=integer(len(wrong), lang),
        ),
        -(-len(shown) // columns),  # rounded up: no empty row
        columns,
        cell=(1.5, 1.75),
        cmap="gray",
    )


def contact_sheet(
    images: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[object],
    lang: str = "en",
    per_class: int = 10,
) -> "Figure":
    """Draw the first images of every class, one row a class.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, h, w, 1)
        Grey images.
    labels : array of int, shape (n,)
        Their classes, 0 to k − 1.
    classes : sequence of length k
        The names of the classes.
    lang : str
        ``"en"`` or ``"fr"``.
    per_class : int
        At most so many images in a row.

    Returns
    -------
    matplotlib.figure.Figure
        One picture made of all the images: quick to draw, even with 60 classes.

    Raises
    ------
    UserError
        If the shapes do not fit together, or a label is not one of the classes.
    """
    pixels = as_images(images)
    n, h, w = pixels.shape
    k = len(classes)
    numbers = check_labels(labels, n, k)
    check_positive(per_class=per_class)

    gap = max(1, h // 14)
    sheet = np.full((k * (h + gap) - gap, per_class * (w + gap) - gap), np.nan)
    for row in range(k):
        for column, i in enumerate(np.flatnonzero(numbers == row)[:per_class]):
            top, left = row * (h + gap), column * (w + gap)
            sheet[top : top + h, left : left + w] = pixels[i]

    inches = 0.5 / h  # an image is half an inch high
    figure = new_figure(sheet.shape[1] * inches + 1.2, sheet.shape[0] * inches + 0.6)
    import matplotlib  # after new_figure, which says so when it is missing

    axes = figure.add_subplot()
    axes.imshow(sheet, cmap=matplotlib.colormaps["gray"].with_extremes(bad="white"))
    axes.set_xticks([])
    middles = np.arange(k) * (h + gap) + (h - 1) / 2
    axes.set_yticks(middles, [str(name) for name in classes], parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(text("plots.contact_title", lang, n=per_class))
    return figure


def _grid(
    pixels: NDArray[Any],
    titles: list[tuple[str, str]],
    heading: str,
    rows: int,
    columns: int,
    *,
    cell: tuple[float, float],
    cmap: str,
) -> "Figure":
    """Draw one image for each (title, colour), in cells of (width, height) inches."""
    figure = new_figure(columns * cell[0], rows * cell[1])
    longest = max(len(line) for title, _ in titles for line in title.split("\n"))
    size = fitting_size(longest, 72 * cell[0], largest=12 if cell[0] > 2 else 9)
    low, high = pixels.min(), pixels.max()
    for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if place < len(titles):
            title, colour = titles[place]
            axes.imshow(pixels[place], cmap=cmap, vmin=low, vmax=high)
            # A class may be named "$": that is not the start of a formula.
            axes.set_title(title, color=colour, fontsize=size, parse_math=False)
    figure.suptitle(heading)
    return figure


def _words(sentence: str) -> "Figure":
    """Return a figure that holds one sentence and nothing else."""
    figure = new_figure(6, 1.5)
    figure.text(0.5, 0.5, sentence, ha="center", va="center", color=INK)
    return figure
