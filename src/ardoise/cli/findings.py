"""What the doctor finds, in sentences of the learner's language."""

from ardoise.cli.parts import shown_classes
from ardoise.cli.plan import Plan
from ardoise.cli.terminal import Terminal
from ardoise.engine.doctor import Doctor, Finding
from ardoise.engine.doctor.findings import SHARES
from ardoise.engine.doctor.watch import news
from ardoise.messages import text
from ardoise.plots.numbers import decimal, integer, percent, shortest


def watching(plan: Plan, terminal: Terminal, found: list[Finding]) -> Doctor:
    """Return the doctor beside a training, who says what he finds as he finds it.

    He adds it to ``found``; of several networks trained in turn, each mistake once.
    """

    def tell(finding: Finding) -> None:
        if news(found, [finding]):
            found.append(finding)
            terminal.out.print(line(finding, terminal.lang))

    return Doctor(
        tell,
        test=plan.test.images,
        classes=shown_classes(plan.train.classes, terminal.lang),
    )


def line(finding: Finding, lang: str) -> str:
    """Return a finding as one line, which says whether it is a warning or a note."""
    words = sentence(finding, lang)
    return text(f"doctor.severity.{finding.severity}", lang, sentence=words)


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
