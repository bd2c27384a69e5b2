"""The doctor beside ``ardoise train``, and how what he finds is printed."""

from ardoise.cli.parts import shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.digits.planning import Plan
from ardoise.engine.doctor import Doctor, Finding
from ardoise.engine.doctor.watch import news
from ardoise.messages import text
from ardoise.plots.findings import sentence


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
