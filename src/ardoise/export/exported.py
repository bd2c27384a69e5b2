"""What an export returns: what was written, and what its proof found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ardoise.export.errors import NotProvedError
from ardoise.export.words import decimal, percent, short, size_of
from ardoise.messages import text


@dataclass(frozen=True)
class Exported:
    """What was written, and what its proof found.

    Attributes
    ----------
    paths : tuple of Path
        The file asked for comes first.
    size : int
        Its bytes.
    images : int
        How many images it was tried on.
    proved : bool
        Whether it ran on them, and gave the model's answers.
    worst : float or None
        The largest difference of a probability from the model's.
    accuracy : float or None
        On the images, if their labels are known.
    lost : float or None
        Accuracy that int8 numbers cost; without labels, the share of images of which
        the class has changed.
    seconds : float or None
        Of one image.
    reason : NotProvedError or None
        Why it is not proved.
    """

    paths: tuple[Path, ...]
    size: int
    images: int
    proved: bool
    worst: float | None = None
    accuracy: float | None = None
    lost: float | None = None
    seconds: float | None = None
    reason: NotProvedError | None = None

    def words(self, lang: str = "en") -> str:
        """Return what there is to say of it, one sentence in ``"en"`` or ``"fr"``."""
        file, size = self.paths[0], size_of(self.size, lang)
        if self.worst is None or self.seconds is None:
            reason = self.reason.sentence(lang) if self.reason else ""
            return text("export.not_proved", lang, file=file, size=size, reason=reason)
        values = {
            "file": file,
            "size": size,
            "n": decimal(self.images, lang, 0),
            "time": short(1000 * self.seconds, lang),
        }
        if self.lost is not None:
            lost = percent(self.lost, lang)
            return text("export.proved_int8", lang, lost=lost, **values)
        return text("export.proved", lang, worst=short(self.worst, lang), **values)
