"""Notes on a training, as sentences that each page reads in its language."""

from ardoise.engine.doctor import Finding
from ardoise.messages import UserError, text
from ardoise.plots.findings import sentence
from ardoise.plots.numbers import integer, shortest


class FindingError(UserError):
    """What the doctor found."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(f"doctor.{finding.code}", **finding.values)

    def sentence(self, lang: str = "en") -> str:
        return sentence(self.finding, lang)


class DivergedError(UserError):
    """The loss became infinite."""

    def sentence(self, lang: str = "en") -> str:
        shown = {
            name: integer(v, lang) if isinstance(v, int) else shortest(v, lang)
            for name, v in self.values.items()
        }
        return text(self.key, lang, **shown)
