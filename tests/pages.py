"""Pages of the documentation whose examples run, in English and in French.

The first Python block of a page prepares data; every other runs by itself after it, as
the page says. What an example promises, it asserts.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
NO_BREAK, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def twins_of(page: str) -> tuple[str, str]:
    """Return the English and the French page of a name: both have the same one."""
    return f"en/{page}", f"fr/{page}"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks_of(page: str) -> list[str]:
    """Return the code of each block, moved down to the line where the page has it."""
    text = text_of(page)
    return [
        "\n" * text.count("\n", 0, found.start(1)) + found[1]
        for found in BLOCK.finditer(text)
    ]


def execute(page: str, *blocks: str) -> None:
    """Run blocks of a page one after the other."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, DOCS / page, "exec"), namespace)


def examples(*pages: str) -> Iterator[Any]:
    """Yield (page, first block, another block) for `pytest.mark.parametrize`."""
    for page in pages:
        prelude, *others = blocks_of(page)
        for example in others:
            first_line = len(example) - len(example.lstrip("\n")) + 1
            yield pytest.param(page, prelude, example, id=f"{page}:{first_line}")


def code_of(page: str) -> list[str]:
    """Return the code of each block."""
    return [block.lstrip("\n") for block in blocks_of(page)]


def sections_of(page: str) -> list[str]:
    """Return the depth of each section, as number signs."""
    return re.findall(r"^#+(?= )", FENCED.sub("", text_of(page)), re.MULTILINE)


def misprints(page: str) -> list[str]:
    """Return lines of a French page whose spaces or apostrophes are not French."""
    return misprints_in(text_of(page))


def misprints_in(text: str) -> list[str]:
    """Return lines of a French text whose spaces or apostrophes are not French.

    Code, formulas, links, English in its own quotation marks and pasted tables are left
    out.
    """
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = FENCED.sub("", text).replace("![", "[")  # a picture is no cry
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "x", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|“[^”]*”", "x", text)
    wrong = re.compile(
        rf"[^{NARROW}][;!?]|[^{NO_BREAK}]:|«[^{NO_BREAK}]|[^{NO_BREAK}]»|\w'\w"
    )
    lines = [line for line in text.splitlines() if not line.startswith("|")]
    return [line for line in lines if wrong.search(line)]
