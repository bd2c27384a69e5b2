"""What the doctor finds: one mistake each, as fields for programs and as a sentence.

The sentences are English, as all that the engine says; the command line has the same
ones in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["warning", "note"]

# Values under these names are shares, and shown in per cent.
SHARES = ("accuracy", "confidence", "highest", "share", "training", "validation")

SENTENCES: dict[str, str] = {
    # Of the data.
    "not_finite": (
        "{count} values are NaN or infinite, the first in sample {sample}: remove or "
        "replace them before training."
    ),
    "not_scaled": (
        "The values are not scaled: they go from {low} to {high}; divide them, or "
        "standardise them, so that they lie about between 0 and 1 or -1 and 1."
    ),
    "squeezed": (
        "The values are very small: they go from {low} to {high}; scale them so that "
        "they fill 0 to 1."
    ),
    "sorted": (
        "The samples come in the order of their classes and are not shuffled: a batch "
        "of {batch} holds {found} classes on average instead of {expected}; train with "
        "shuffle=True."
    ),
    "missing_class": (
        "Class {name} has no training sample ({missing} of {classes} classes have "
        "none), so it can never be answered: add samples of it, or leave it out."
    ),
    "rare_class": (
        "Class {name} is rare: {count} of {total} training samples ({share}); add "
        "samples of it, or give them more weight, or it will hardly be answered."
    ),
    "leak_validation": (
        "{count} of {total} validation samples ({share}) are training samples as well, "
        "so their score flatters: remove them from one of the two."
    ),
    "leak_test": (
        "{count} of {total} test samples ({share}) are training samples as well, so "
        "their score flatters: remove them from one of the two."
    ),
    "other_scale_validation": (
        "The validation samples are on another scale than the training samples (root "
        "mean square {found} instead of {expected}): prepare both in the same way."
    ),
    "other_scale_test": (
        "The test samples are on another scale than the training samples (root mean "
        "square {found} instead of {expected}): prepare both in the same way."
    ),
    "constant": (
        "{count} of {total} features have the same value in all samples and teach "
        "nothing: check how the data was read, or leave them out."
    ),
    "inverted": (
        "The pictures are dark on light ({share} of their border pixels are bright): "
        "light on dark, 255 - x, is learned faster."
    ),
    # Of a training.
    "rate_too_high_rising": (
        "The training loss rises, from {lowest} to {loss}: the learning rate {rate} is "
        "too high; try {lower}."
    ),
    "rate_too_high_oscillating": (
        "The training loss goes up and down ({rises} rises in the last {epochs} "
        "epochs): the learning rate {rate} is too high; try {lower}."
    ),
    "rate_too_high_jumping": (
        "The validation accuracy jumps, from {highest} to {accuracy} between two "
        "epochs: the learning rate {rate} is too high; try {lower}."
    ),
    "rate_too_high_dead": (
        "{share} of the units of layer {layer} have died ({count} of {units} are 0 for "
        "every sample looked at): the learning rate {rate} is too high; try {lower}."
    ),
    "rate_too_low": (
        "The training loss has hardly moved, from {first} to {loss} in {epochs} "
        "epochs, and has not slowed down: the learning rate {rate} is too low; try "
        "{higher}."
    ),
    "stuck": (
        "The training loss does not move: it is {loss} after {epochs} epochs, and "
        "{chance} without looking at the samples; check that labels and samples belong "
        "together, then change the learning rate {rate}, to {lower} and to {higher}."
    ),
    "over_fitting": (
        "The network learns its samples by heart: accuracy {training} in training and "
        "{validation} in validation, at epoch {epoch}; take more samples, "
        "augmentation, dropout, or a smaller network."
    ),
    "over_trained": (
        "The validation loss has risen from {lowest}, at epoch {epoch}, to {loss}, "
        "while the training loss fell: stop earlier (EarlyStopping), or add dropout or "
        "weight decay."
    ),
    # Of a network.
    "dead_units": (
        "{share} of the units of layer {layer} are dead: {count} of {units} are 0 for "
        "every sample looked at; begin with other weights (he_normal), and check how "
        "the data is scaled."
    ),
    "saturated_units": (
        "{share} of the answers of layer {layer} are saturated, where nothing is "
        "learned; scale the data, or lower the learning rate."
    ),
    "vanishing_gradients": (
        "The gradient vanishes on its way back: relative to the weights it is {ratio} "
        "times as large at {first} as at {last}; take ReLU, batch normalisation, "
        "residual connections or fewer layers."
    ),
    "exploding_gradients": (
        "The gradient explodes: it is {ratio} times as large as the weights of {name}; "
        "scale the data and the targets, begin with smaller weights (he_normal), or "
        "limit it with max_norm."
    ),
    "equal_units": (
        "All {units} units of {name} have the same weights and the same gradients, so "
        "they stay one unit for ever: begin with random weights (he_normal)."
    ),
    "large_weights": (
        "The weights of {name} are very large (root mean square {size}): the training "
        "has diverged; train again with a lower learning rate."
    ),
    "too_sure": (
        "The network is surer than it is right: it gives its answers a probability of "
        "{confidence} on average, and {accuracy} of them are right; train less long, "
        "or calibrate its probabilities."
    ),
}


@dataclass(frozen=True)
class Finding:
    """One mistake, with the number that shows it.

    ``str(finding)`` is one English sentence, with the number and the change to make.

    Attributes
    ----------
    code : str
        What it is, such as ``"dead_units"``: a key of `SENTENCES`.
    severity : {"warning", "note"}
        A note need not be a mistake.
    values : mapping
        The values in the sentence, unrounded; shares between 0 and 1.
    """

    code: str
    severity: Severity = "warning"
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shown = {name: _shown(name, value) for name, value in self.values.items()}
        return SENTENCES[self.code].format(**shown)


class TrainingWarning(UserWarning):
    """A training that cannot come out well, said while there is time to change it.

    Attributes
    ----------
    finding : Finding
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(str(finding))
        self.finding = finding

    def __reduce__(self) -> tuple[type, tuple[Finding]]:
        return type(self), (self.finding,)


def warning(code: str, **values: Any) -> Finding:
    """Return a finding that asks for a change."""
    return Finding(code, "warning", values)


def note(code: str, **values: Any) -> Finding:
    """Return a finding that may be as it should."""
    return Finding(code, "note", values)


def _shown(name: str, value: Any) -> str:
    if isinstance(value, float):
        if name in SHARES:
            return f"{value:.1%}"
        return f"{value:,.0f}" if 100 <= abs(value) < 1e9 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
