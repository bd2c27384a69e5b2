"""What is wanted of each recipe: accuracy, time of the whole command, calibration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """The promises of a recipe.

    Attributes
    ----------
    accuracy : float
        At least, in % of the test images: mean over the seeds, last epoch.
    budget : float
        At most, in seconds: the whole command, start-up and pictures included, on an
        idle machine with two processors.
    seeds : int
        How many runs make the mean: seeds 0, 1, 2 …
    accuracy_goal, budget_goal : float or None
        Better values, hoped for; they decide nothing.
    ece : float or None
        The calibration error, in %, at most.
    """

    accuracy: float
    budget: float
    seeds: int
    accuracy_goal: float | None = None
    budget_goal: float | None = None
    ece: float | None = None


WANTED = {
    "fastest": Wanted(99.0, 8, 10, budget_goal=5),
    "cnn": Wanted(99.5, 180, 10, budget_goal=90, ece=0.3),
    "cnn-large": Wanted(99.62, 1500, 5, accuracy_goal=99.65, budget_goal=900),
    "best": Wanted(99.70, 5400, 1, accuracy_goal=99.75, ece=0.3),
    "mlp": Wanted(98.6, 20, 10),
    "mlp-large": Wanted(99.3, 900, 3, accuracy_goal=99.4),
}
# Recipes whose models read corrupted test images too, and the recipe of the race.
ROBUST = ("cnn",)
RACED = "fastest"
