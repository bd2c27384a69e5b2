"""What the doctor finds, in sentences of the learner's language."""

from ardoise.engine.doctor import Finding
from ardoise.engine.doctor.findings import SHARES
from ardoise.messages import text
from ardoise.plots.numbers import decimal, integer, percent, shortest


def sentence(finding: Finding, lang: str) -> str:
    """Return a finding as a sentence in one language."""
    shown = {name: _shown(name, v, lang) for name, v in finding.values.items()}
    return text(f"doctor.{finding.code}", lang, **shown)


def _shown(name: str, value: object, lang: str) -> str:
    if isinstance(value, float):
        if name in SHARES:
            return percent(value, lang, 1)
        large = 100 <= abs(value) < 1e9
        return (
            decimal(value, lang, 0) if large else shortest(float(f"{value:.3g}"), lang)
        )
    return integer(value, lang) if isinstance(value, int) else str(value)
