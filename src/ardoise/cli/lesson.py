"""``ardoise lesson``: broken networks to mend, their checks, and hints."""

import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.table import Table

from ardoise import plots
from ardoise.cli.terminal import Terminal
from ardoise.files import write_atomically
from ardoise.lessons.catalogue import BUGS, STEPS, Bug, bug_of, named
from ardoise.lessons.checks import check
from ardoise.lessons.handout import DIGITS, N_TEST, N_TRAIN, program, write_digits
from ardoise.lessons.verdict import Curve, Line, Share, Slopes, Verdict
from ardoise.messages import LANGUAGES, OptionError, UserError
from ardoise.plots.numbers import integer, percent, shortest

BARS = "▁▂▃▄▅▆▇█"
MOST_BYTES = 1_000_000  # of a learner's file


def bugs(name: str | None, terminal: Terminal, *, anew: bool = False) -> int:
    """List the bugs with their states here, or write the file of one."""
    if name is None:
        if anew:
            raise OptionError("lesson.anew_alone")
        return _list(terminal)
    return _write(named(name), terminal, anew)


def _list(terminal: Terminal) -> int:
    begun = [bug for bug in BUGS if bug.file.is_file()]
    changed = [bug for bug in begun if not _is_as_given(bug)]
    if changed:
        terminal.say("lesson.checking", files=", ".join(str(b.file) for b in changed))
    with ThreadPoolExecutor(2) as pool:
        verdicts = dict(zip(changed, pool.map(_mended, changed), strict=True))
    text = terminal.text
    table = terminal.table(
        ("", True),
        (text("lesson.column.title"), False),
        (text("lesson.column.file"), False),
        (text("lesson.column.state"), False),
    )
    for bug in BUGS:
        state = "broken" if bug in begun else "not_begun"
        if verdicts.get(bug):
            state = "mended"
        table.add_row(
            str(bug.number),
            bug.title(terminal.lang),
            str(bug.file),
            text(f"lesson.state.{state}"),
        )
    terminal.out.print(table)
    left = [bug for bug in BUGS if not verdicts.get(bug)]
    if not left:
        terminal.say("lesson.all_mended")
    elif left[0] in begun:
        terminal.say("lesson.go_on", file=left[0].file)
    else:
        terminal.say("lesson.begin", number=left[0].number)
    return 0


def _is_as_given(bug: Bug) -> bool:
    try:
        content = bug.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return any(content == program(bug, lang) for lang in LANGUAGES)


def _mended(bug: Bug) -> bool:
    return check(bug, bug.file).mended


def _write(bug: Bug, terminal: Terminal, anew: bool) -> int:
    path, content = bug.file, program(bug, terminal.lang).encode()
    kept = None
    if path.exists():
        if not anew:
            terminal.complain(terminal.text("lesson.there", file=path))
            return 1
        kept = _free_name(path)
    new_digits = write_digits(Path())
    write_atomically(path, content, previous=kept)
    title = terminal.text(
        "lesson.title", number=bug.number, title=_title(bug, terminal)
    )
    terminal.say("lesson.written", title=title, file=path)
    if kept is not None:
        terminal.say("lesson.kept", file=kept)
    if new_digits:
        n = integer(N_TRAIN + N_TEST, terminal.lang)
        terminal.say("lesson.digits", file=DIGITS, n=n)
    terminal.out.print()
    terminal.say(f"lesson.bug{bug.number}.look")
    terminal.out.print()
    steps = Table.grid(padding=(0, 2))
    for key, command in (
        ("run", f"python {path}"),
        ("mend", terminal.text("lesson.editor")),
        ("check", f"ardoise lesson check {path}"),
        ("hint", f"ardoise lesson hint {path}"),
    ):
        steps.add_row(terminal.text(f"lesson.todo.{key}"), command)
    terminal.out.print(steps)
    return 0


def _free_name(path: Path) -> Path:
    """Return a name beside a file that nothing has."""
    names = (f"{path.stem}-old{n or ''}{path.suffix}" for n in (0, *range(2, 10_000)))
    return next(each for name in names if not (each := path.with_name(name)).exists())


def _title(bug: Bug, terminal: Terminal) -> str:
    return bug.title(terminal.lang)


def check_file(file: Path | None, terminal: Terminal) -> int:
    """Say whether a file is mended, and show why; 0 if it is, else 1."""
    path, _, bug = _find(file, terminal)
    terminal.out.print(
        terminal.text("lesson.title", number=bug.number, title=_title(bug, terminal))
    )
    verdict = check(bug, path)
    for each in verdict.evidence:
        if isinstance(each, Line):
            terminal.say(each.key, **_shown(each, terminal))
        elif isinstance(each, Slopes):
            _print_slopes(each, terminal)
        else:
            _print_curve(each, terminal)
    _draw(verdict, path, terminal)
    if verdict.mended:
        terminal.say("lesson.mended", file=path)
        return 0
    terminal.say("lesson.not_mended", file=shlex.quote(str(path)))
    return 1


def hint(file: Path | None, step: int, terminal: Terminal) -> int:
    """Print one of the three hints for a file."""
    if not 1 <= step <= STEPS:
        raise OptionError("lesson.no_step", step=step, most=STEPS)
    path, source, bug = _find(file, terminal)
    words = bug.hint(step, source, terminal.lang)
    terminal.say("lesson.hint", step=step, most=STEPS, hint=words)
    if step < STEPS:
        name = shlex.quote(str(path))
        terminal.say("lesson.next_hint", file=name, step=step + 1)
    return 0


def _find(file: Path | None, terminal: Terminal) -> tuple[Path, str, Bug]:
    """Return a learner's file, its text, and its bug; the latest if none is named."""
    if file is None:
        found = [bug.file for bug in BUGS if bug.file.is_file()]
        if not found:
            raise UserError("lesson.none_here")
        file = max(found, key=lambda path: path.stat().st_mtime)
        terminal.say("lesson.latest", file=file)
    with open(file, "rb") as content:
        source = content.read(MOST_BYTES).decode("utf-8", "replace")
    return file, source, bug_of(file, source)


def _shown(line: Line, terminal: Terminal) -> dict[str, Any]:
    """Return the values of a sentence as the language writes them."""
    lang = terminal.lang

    def shown(value: Any) -> Any:
        if isinstance(value, Share):
            return percent(value, lang, 1)
        if isinstance(value, float):
            return shortest(float(f"{value:.4g}"), lang)
        return integer(value, lang) if isinstance(value, int) else value

    return {name: shown(value) for name, value in line.values.items()}


def _print_slopes(slopes: Slopes, terminal: Terminal) -> None:
    text, lang = terminal.text, terminal.lang
    terminal.say("lesson.slopes", n=slopes.n)
    table = terminal.table(
        (text("lesson.column.parameter"), False),
        (text("lesson.column.entry"), False),
        ("gradients()", True),
        (text("lesson.column.measured"), True),
        (text("lesson.column.error"), True),
        ("", False),
    )
    for row in slopes.rows:
        table.add_row(
            row.name,
            f"[{', '.join(map(str, row.place))}]",
            shortest(row.computed, lang),
            shortest(row.measured, lang),
            shortest(float(f"{row.error:.1e}"), lang),
            text("lesson.right" if row.right else "lesson.wrong_mark"),
        )
    terminal.out.print(table)


def _print_curve(curve: Curve, terminal: Terminal) -> None:
    lang = terminal.lang

    def number(value: float) -> str:
        if curve.quantity == "accuracy":
            return percent(value, lang, 1)
        return shortest(float(f"{value:.2g}"), lang)

    terminal.say(
        f"lesson.curve.{curve.quantity}",
        bars=bars(curve.values),
        first=number(curve.values[0]),
        last=number(curve.values[-1]),
        steps=integer(curve.steps[-1], lang),
    )


def bars(values: tuple[float, ...]) -> str:
    """Return a curve as a line of blocks, from 0 or the smallest to the largest."""
    low, high = min(0.0, *values), max(values)
    size = (high - low) or 1.0
    top = len(BARS) - 1
    return "".join(BARS[round((value - low) / size * top)] for value in values)


def _draw(verdict: Verdict, path: Path, terminal: Terminal) -> None:
    """Draw the curve of the evidence, where there is one and matplotlib is there."""
    curves = [each for each in verdict.evidence if isinstance(each, Curve)]
    if not curves:
        return
    curve = curves[-1]
    try:
        figure = plots.lesson_curve(
            curve.quantity, curve.steps, curve.values, curve.wanted, terminal.lang
        )
    except plots.MissingMatplotlibError:
        return
    file = path.with_name(f"{path.stem}-check.png")
    terminal.say("lesson.picture", file=plots.save_figure(figure, file))
