"""What makes an export proved: it said of images what the model says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.export.errors import ExportError
from ardoise.export.running import Run
from ardoise.export.words import percent_of_both, short

TOLERANCE = 1e-5
# Two classes whose probabilities differ by less are a draw: sums of the same numbers in
# another order may tell them apart the other way round.
DRAW = 1e-6


@dataclass(frozen=True)
class Proof:
    """What was measured; the attributes are those of `Exported`."""

    worst: float
    accuracy: float | None
    lost: float | None
    seconds: float


@dataclass(frozen=True)
class Case:
    """What an export has to stand up to.

    Attributes
    ----------
    target : str
    expected : array (n, K)
        The model's probabilities.
    labels : array (n,) or None
    max_loss : float or None
        The accuracy that int8 may cost; None for float32.
    quantized : array (n, K) or None
        What the int8 weights say in floating point, where the export computes so.
    """

    target: str
    expected: Array
    labels: Array | None
    max_loss: float | None
    quantized: Array | None

    def prove(self, run: Run) -> Proof:
        """Return what the proof finds.

        Raises
        ------
        ExportError
            If it fails.
        """
        p, expected = run.probabilities, self.expected
        if p.shape != expected.shape or not np.isfinite(p).all():
            words = " × ".join(map(str, p.shape)) if np.isfinite(p).all() else "NaN"
            raise ExportError("export.failed", tool=self.target, words=words)
        if self.max_loss is None:
            self.check(p, expected)
        elif self.quantized is not None:
            self.check(p, self.quantized)
        chosen = p.argmax(axis=1)
        lost = None
        if self.max_loss is not None:
            lost = self.loss(chosen)
            if not lost <= self.max_loss:
                raise ExportError(
                    "export.lost",
                    target=self.target,
                    lost=percent_of_both(lost),
                    limit=percent_of_both(self.max_loss),
                    n=len(p),
                )
        right = None if self.labels is None else float((chosen == self.labels).mean())
        return Proof(float(np.abs(p - expected).max()), right, lost, run.seconds)

    def check(self, p: Array, reference: Array) -> None:
        """Refuse another class, or a probability that is off."""
        worst = float(np.abs(p - reference).max())
        chosen = np.take_along_axis(reference, p.argmax(axis=1)[:, None], axis=1)
        differing = int(np.count_nonzero(reference.max(axis=1) - chosen[:, 0] > DRAW))
        if differing or not worst <= TOLERANCE:
            raise ExportError(
                "export.differs",
                target=self.target,
                n=len(p),
                differing=differing,
                worst=short(worst, "en"),
            )

    def loss(self, chosen: Array) -> float:
        """Return the accuracy lost; without labels, the share of changed classes."""
        before = self.expected.argmax(axis=1)
        if self.labels is None:
            changed = int(np.count_nonzero(chosen != before))
        else:
            # Whole numbers: 0.986 − 0.985 is a little more than 0.001.
            right = np.count_nonzero(before == self.labels)
            changed = int(right - np.count_nonzero(chosen == self.labels))
        return changed / len(chosen)
