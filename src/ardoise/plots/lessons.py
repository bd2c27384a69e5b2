"""How a training went that is checked by ``ardoise lesson check``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ardoise.messages import text
from ardoise.plots.curves import number_formatter
from ardoise.plots.figures import BLUE, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lesson_curve(
    quantity: str,
    steps: Sequence[int],
    values: Sequence[float],
    wanted: float | None = None,
    lang: str = "en",
) -> "Figure":
    """Draw the accuracy, or the learning rate, step by step.

    Parameters
    ----------
    quantity : str
        ``"accuracy"`` (fractions, drawn in percent) or ``"rate"``.
    steps : sequence of int
    values : sequence of float
    wanted : float, optional
        What the last value should at least be: a dotted line.
    lang : str
        ``"en"`` or ``"fr"``.

    Returns
    -------
    matplotlib.figure.Figure
        6.4 × 4 inches, one pair of axes.
    """
    scale = 100 if quantity == "accuracy" else 1
    figure = new_figure(6.4, 4)
    axes = figure.add_subplot()
    axes.plot(steps, [scale * value for value in values], color=BLUE)
    if wanted is not None:
        label = text("plots.lesson_wanted", lang)
        axes.axhline(scale * wanted, color=INK, linestyle="dotted", label=label)
        axes.legend()
    axes.set_ylim(bottom=0, top=100 if quantity == "accuracy" else None)
    axes.set_xlabel(text("plots.lesson_step", lang))
    axes.set_title(text(f"plots.lesson_{quantity}", lang))
    axes.xaxis.set_major_formatter(number_formatter(lang))
    axes.yaxis.set_major_formatter(number_formatter(lang))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure
