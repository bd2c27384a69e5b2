"""How a training went: the notebook's one curve, and the loss and accuracy by epoch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ardoise.messages import UserError, text
from ardoise.plots.figures import BLUE, INK, QUIET, VERMILION, new_figure
from ardoise.plots.numbers import decimal, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import Formatter

History = Mapping[str, Sequence[float | None]]

# With more epochs than this a dot for each would hide the line.
_MOST_DOTS = 40


def notebook_curve(
    accuracies: Iterable[float], test_accuracy: float, lang: str = "en"
) -> "Figure":
    """Draw the notebook's picture: accuracy during the training, and on the test set.

    Parameters
    ----------
    accuracies : iterable of float
        Training accuracies in percent (0 to 100), recorded at every hundredth of the
        training: 101 values, drawn at 0 to 100.
    test_accuracy : float
        Accuracy on the test set after the training, in percent.
    lang : str
        ``"en"`` or ``"fr"``.

    Returns
    -------
    matplotlib.figure.Figure
        6.4 × 4.8 inches, one pair of axes.

    Raises
    ------
    UserError
        If ``accuracies`` is empty.
    """
    values = _finite(accuracies)
    if values.size == 0:
        raise UserError("plots.nothing_to_draw")
    figure = new_figure(6.4, 4.8)
    axes = figure.add_subplot()
    axes.plot(values, label=text("plots.notebook_train", lang))
    axes.axhline(
        test_accuracy,
        color="red",
        linestyle="dotted",
        label=text("plots.notebook_test", lang),
    )
    # 35 when there are 101 values, as in the notebook.
    x, y = 0.35 * (values.size - 1), test_accuracy - 3
    axes.text(
        x,
        y,
        text("plots.notebook_value", lang, value=decimal(test_accuracy, lang, 2)),
        color="red",
        va="center",
        ha="right",
    )
    # A text does not widen the axes by itself, and must not fall outside them.
    axes.update_datalim([(x, y)])
    axes.autoscale_view()
    axes.xaxis.set_major_formatter(number_formatter(lang))
    axes.yaxis.set_major_formatter(number_formatter(lang))
    axes.set_title(text("plots.notebook_title", lang))
    axes.legend()
    return figure


def training_curves(
    history: History,
    lang: str = "en",
    *,
    best_epoch: int | None = None,
    test_accuracy: float | None = None,
) -> "Figure":
    """Draw the loss on the left and the accuracy on the right, epoch by epoch.

    Parameters
    ----------
    history : mapping of str to sequence of float or None
        Columns of equal length. Those drawn are ``loss``, ``validation_loss``,
        ``accuracy`` and ``validation_accuracy`` (fractions, 0 to 1) over ``epoch``
        (1, 2, … when missing). A missing column, ``None`` or a number that is not
        finite leaves a gap; other columns are ignored.
    lang : str
        ``"en"`` or ``"fr"``.
    best_epoch : int, optional
        The epoch whose weights were kept: a vertical line.
    test_accuracy : float, optional
        A fraction: a dotted horizontal line beside the accuracies.

    Returns
    -------
    matplotlib.figure.Figure
        10 × 4 inches, two pairs of axes.

    Raises
    ------
    UserError
        If no column can be drawn, or two columns differ in length.
    """
    names = ("loss", "validation_loss", "accuracy", "validation_accuracy")
    columns = {name: _finite(history.get(name, ())) for name in names}
    columns = {name: v for name, v in columns.items() if np.isfinite(v).any()}
    if not columns:
        raise UserError("plots.nothing_to_draw")
    length = len(next(iter(columns.values())))
    epochs = _finite(history.get("epoch", range(1, length + 1)))
    for name, values in {"epoch": epochs, **columns}.items():
        if len(values) != length:
            raise UserError(
                "plots.unequal_columns",
                name=name,
                expected=length,
                received=len(values),
            )

    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    _draw_pair(left, epochs, columns, "loss", lang, scale=1)
    _draw_pair(right, epochs, columns, "accuracy", lang, scale=100)
    if test_accuracy is not None:
        right.axhline(
            100 * test_accuracy,
            color=INK,
            linestyle="dotted",
            label=text("plots.test", lang, percent=percent(test_accuracy, lang)),
        )
    for axes in (left, right):
        if best_epoch is not None:
            label = text("plots.best_epoch", lang, epoch=best_epoch)
            axes.axvline(best_epoch, color=QUIET, linestyle=(0, (6, 3)), label=label)
        if axes.lines:
            axes.legend()
    return figure


def _draw_pair(
    axes: "Axes",
    epochs: NDArray[np.float64],
    columns: Mapping[str, NDArray[np.float64]],
    quantity: str,
    lang: str,
    *,
    scale: float,
) -> None:
    """Draw one quantity: on the training set and, where known, on the validation set.

    The second line differs by its dashes and squares too, not by its colour alone.
    """
    from matplotlib.ticker import MaxNLocator

    styles: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (quantity, "plots.train", {"color": BLUE, "marker": "o"}),
        (
            f"validation_{quantity}",
            "plots.validation",
            {"color": VERMILION, "marker": "s", "linestyle": "dashed"},
        ),
    )
    for name, key, style in styles:
        if name in columns:
            if epochs.size > _MOST_DOTS:
                style["marker"] = ""
            axes.plot(
                epochs,
                scale * columns[name],
                label=text(key, lang),
                markersize=4,
                **style,
            )
    axes.set_title(text(f"plots.{quantity}", lang))
    axes.set_xlabel(text("plots.epoch", lang))
    axes.set_ylabel(text(f"plots.{quantity}_axis", lang))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(number_formatter(lang))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def _finite(values: Iterable[float | None]) -> NDArray[np.float64]:
    """Return the values as float64, NaN where there is no finite number."""
    array = np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    array[~np.isfinite(array)] = np.nan
    return array


def number_formatter(lang: str) -> "Formatter":
    """Return what writes the numbers along an axis: matplotlib's own, in ``lang``."""
    from matplotlib.ticker import ScalarFormatter

    class Numbers(ScalarFormatter):
        def __call__(self, x: float, pos: int | None = None) -> str:
            number = super().__call__(x, pos)
            return number.replace(".", ",") if lang == "fr" else number

    return Numbers(useOffset=False)
