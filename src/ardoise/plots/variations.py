"""Images beside what augmentation makes of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ardoise.messages import UserError, text
from ardoise.plots.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def augmentation_sheet(
    images: ArrayLike, classes: Sequence[object], lang: str = "en"
) -> "Figure":
    """Draw rows of images: an original and its variations, one row a class.

    Parameters
    ----------
    images : array, shape (k, 1 + variations, h, w)
        Grey images, the originals first; NaN where there is none.
    classes : sequence of length k
        The names of the classes.
    lang : str
        ``"en"`` or ``"fr"``.

    Returns
    -------
    matplotlib.figure.Figure
        One picture made of all the images, with a gap after the originals.

    Raises
    ------
    UserError
        If the shapes do not fit together.
    """
    pixels = np.asarray(images, float)
    if pixels.ndim != 4 or pixels.shape[1] < 2 or pixels.size == 0:
        raise UserError("plots.bad_variations", shape=pixels.shape)
    k, columns, h, w = pixels.shape
    if len(classes) != k:
        raise UserError(
            "plots.one_each", name="classes", expected=k, received=len(classes)
        )
    gap, wide = max(1, h // 14), max(4, w // 3)
    sheet = np.full((k * (h + gap) - gap, columns * (w + gap) - gap + wide), np.nan)
    for row in range(k):
        for column in range(columns):
            top, left = row * (h + gap), column * (w + gap) + (wide if column else 0)
            sheet[top : top + h, left : left + w] = pixels[row, column]
    inches = 0.5 / h  # an image is half an inch high
    figure = new_figure(sheet.shape[1] * inches + 1.2, sheet.shape[0] * inches + 0.9)
    import matplotlib  # after new_figure, which says so when it is missing

    axes = figure.add_subplot()
    axes.imshow(sheet, cmap=matplotlib.colormaps["gray"].with_extremes(bad="white"))
    middles = np.arange(k) * (h + gap) + (h - 1) / 2
    axes.set_yticks(middles, [str(name) for name in classes], parse_math=False)
    variations = (w + gap + wide + sheet.shape[1] - 1) / 2
    labels = [text("plots.original", lang), text("plots.augmented", lang)]
    axes.set_xticks([(w - 1) / 2, variations], labels)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(text("plots.augmented_title", lang))
    return figure
