"""Pictures of a training: curves, grids of images, the confusion matrix.

Every function takes plain arrays and a language, and returns a matplotlib ``Figure``
that belongs to nobody else: pyplot is never imported, so there is no global state and
no display is needed. `save_figure` writes one to a file. In a notebook, run
``%matplotlib inline`` once and a returned figure shows itself.
"""

from ardoise.plots.confusion import confusion_matrix
from ardoise.plots.curves import notebook_curve, training_curves
from ardoise.plots.figures import MissingMatplotlibError, save_figure
from ardoise.plots.lessons import lesson_curve
from ardoise.plots.pictures import contact_sheet, digit_grid, worst_mistakes
from ardoise.plots.variations import augmentation_sheet

__all__ = [
    "MissingMatplotlibError",
    "augmentation_sheet",
    "confusion_matrix",
    "contact_sheet",
    "digit_grid",
    "lesson_curve",
    "notebook_curve",
    "save_figure",
    "training_curves",
    "worst_mistakes",
]
