"""Small pieces of HTML: sentences, sections and tables, everything escaped."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

from ardoise.messages import text
from ardoise.plots.numbers import shortest

Write = Callable[[float, str], str]


class Sentences:
    """``say("kind")`` is the escaped sentence ``report.kind`` in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, key: str, **values: object) -> str:
        return escape(text(f"report.{key}", self.lang, **values))


def section(name: str, content: str, lang: str) -> str:
    return f"""<section aria-labelledby="{name}">
<h2 id="{name}">{Sentences(lang)(f"section.{name}")}</h2>
{content}
</section>"""


def table(
    name: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    lang: str,
    total: Sequence[str] | None = None,
) -> str:
    """Return a table whose first column names its rows, in a box that can scroll.

    Captions and heads are sentences of the locale files; the cells are plain text.
    """
    say = Sentences(lang)
    head = "".join(f'<th scope="col">{say(f"column.{key}")}</th>' for key in heads)
    body = "\n".join(map(_row, rows))
    foot = f"<tfoot>\n{_row(total)}\n</tfoot>\n" if total else ""
    words = ' class="words"' if len(heads) == 2 else ""
    return f"""<div class="wide" role="group" tabindex="0"
 aria-labelledby="{name}-caption">
<table{words}>
<caption id="{name}-caption">{say(f"table.{name}")}</caption>
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{body}
</tbody>
{foot}</table>
</div>"""


def _row(cells: Sequence[str]) -> str:
    first, *others = map(escape, cells)
    data = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr><th scope="row">{first}</th>{data}</tr>'


def notes(sentences: Iterable[str]) -> str:
    """Return sentences to be noticed, a paragraph each."""
    return "\n".join(f'<p class="note">{escape(words)}</p>' for words in sentences)


def number(value: float | None, write: Write, lang: str) -> str:
    """Return a number that may be missing, or not a number after a divergence."""
    if value is None:
        return "–"
    if math.isfinite(value):
        return write(value, lang)
    return "NaN" if math.isnan(value) else "∞"


def setting(value: object, lang: str) -> str:
    """Return a setting as text; whole numbers ungrouped, since a seed is no count."""
    if value is None or isinstance(value, bool):
        return text(f"report.value.{value}".lower(), lang)
    return shortest(value, lang) if isinstance(value, float) else str(value)
