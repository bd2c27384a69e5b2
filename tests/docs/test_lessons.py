"""The lessons: each has all its parts, runs, and is the same in both languages."""

import ast
import re

import pytest

from ardoise.engine.layers import LAYERS
from ardoise.engine.losses import LOSSES
from ardoise.engine.optimizers import OPTIMIZERS
from tests.pages import DOCS, NARROW, NO_BREAK

# The parts of a lesson. An optimiser has no gradient to derive, but a step to explain.
PARTS = {
    "en": [
        "The idea",
        "Formula and shapes",
        "In ten lines of NumPy",
        "The gradient, derived|Why this step",
        "Check it",
        "What it costs",
        "Where it stands in the engine",
        "To go on",
    ],
    "fr": [
        "L’idée",
        "La formule et les formes",
        "En dix lignes de NumPy",
        "Le gradient, pas à pas|Pourquoi ce pas",
        "Vérifier",
        "Ce que cela coûte",
        "Où cela se trouve dans le moteur",
        "Pour aller plus loin",
    ],
}
NOT_LESSONS = {"index", "bugs"}
LESSONS = sorted(
    path.stem
    for path in (DOCS / "en/lessons").glob("*.md")
    if path.stem not in NOT_LESSONS
)
lessons = pytest.mark.parametrize("lesson", LESSONS)
languages = pytest.mark.parametrize("language", ["en", "fr"])

FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(---\n.*?^---\n)?(.*?)^```$", re.MULTILINE | re.DOTALL
)
SHOWN = re.compile(r"^```\{literalinclude\} (.+)\n:pyobject: (.+)$", re.MULTILINE)


def text_of(language, lesson):
    return (DOCS / language / "lessons" / f"{lesson}.md").read_text(encoding="utf-8")


def cells_of(text):
    """Return (line, options, code) of each code cell."""
    return [
        (text.count("\n", 0, found.start(2)), found[1] or "", found[2])
        for found in CELL.finditer(text)
    ]


def headings_of(text, depth="#+"):
    return re.findall(rf"^({depth}) (.+)$", FENCED.sub("", text), re.MULTILINE)


def parts_of(text):
    """Return what stands in each part, by number."""
    marks = re.sub(FENCED, lambda found: re.sub(r"^#", "x", found[0], flags=re.M), text)
    starts = [found.start() for found in re.finditer(r"^## ", marks, re.MULTILINE)]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def test_there_are_lessons_in_both_languages():
    french = {path.stem for path in (DOCS / "fr/lessons").glob("*.md")}
    assert len(LESSONS) >= 18
    assert french - NOT_LESSONS == set(LESSONS)


@lessons
@languages
def test_lesson_has_all_parts(lesson, language):
    headings = [title for _, title in headings_of(text_of(language, lesson), "##")]
    assert len(headings) == len(PARTS[language])
    for title, expected in zip(headings, PARTS[language], strict=True):
        assert title in expected.split("|")


@lessons
def test_parts_hold_what_they_promise(lesson):
    text = text_of("en", lesson)
    _, formula, numpy, derived, check, cost, engine, further = parts_of(text)
    assert "$$" in formula and "$$" in derived
    _, _, code = cells_of(numpy)[0]
    lines = [line for line in code.splitlines() if line and "import" not in line]
    assert len(lines) <= 16, "ten lines are meant to be short"
    assert "assert" in check and "ardoise" in check, "nothing is compared"
    assert "print(" in cost
    assert SHOWN.search(engine)
    assert "<details>" in further and "ources" in further


@lessons
def test_both_languages_are_the_same(lesson):
    english, french = text_of("en", lesson), text_of("fr", lesson)
    codes = [[code for _, _, code in cells_of(text)] for text in (english, french)]
    assert codes[0] == codes[1]
    assert SHOWN.findall(english) == SHOWN.findall(french)
    depths = [[mark for mark, _ in headings_of(text)] for text in (english, french)]
    assert depths[0] == depths[1]
    assert links_of(english) == links_of(french)
    for mark in ("<details>", "$$"):
        assert english.count(mark) == french.count(mark)


def links_of(text):
    return sorted(set(re.findall(r"\]\(([^)]+)\)", text)))


@lessons
@languages
def test_figures_are_described(lesson, language):
    for _, options, code in cells_of(text_of(language, lesson)):
        if "plt.subplots" in code:
            assert re.search(r'alt: "[^"]{20,}"', options)


@lessons
def test_code_that_is_shown_is_there(lesson):
    for path, name in SHOWN.findall(text_of("en", lesson)):
        source = (DOCS / "en/lessons" / path).resolve()
        body = ast.parse(source.read_text(encoding="utf-8")).body
        for part in name.split("."):
            named = (ast.ClassDef, ast.FunctionDef)
            (found,) = (n for n in body if isinstance(n, named) and n.name == part)
            body = found.body


@lessons
def test_lesson_runs(lesson, tmp_path, monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    with plt.rc_context():
        for line, _, code in cells_of(text_of("en", lesson)):
            source = "\n" * line + code
            exec(compile(source, DOCS / f"en/lessons/{lesson}.md", "exec"), namespace)
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
        plt.close("all")


@pytest.mark.parametrize("lesson", [*LESSONS, "index"])
def test_french_has_its_spaces(lesson):
    text = text_of("fr", lesson)
    alts = re.findall(r'alt: "(.*?)"', text)
    text = FENCED.sub("", re.sub(r"\A---\n.*?^---\n", "", text, flags=re.S | re.M))
    text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "x", text, flags=re.DOTALL)
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|<[^>]+>|“[^”]*”|^\|?:?-+\|.*$", "x", text)
    wrong = re.compile(
        rf"[^{NARROW}][;!?]|[^{NO_BREAK}]:|«[^{NO_BREAK}]|[^{NO_BREAK}]»|\w'\w"
    )
    lines = [*text.splitlines(), *alts]
    assert [line for line in lines if wrong.search(line)] == []


@languages
def test_each_class_of_the_engine_has_its_lesson(language):
    index = text_of(language, "index")
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", index, re.MULTILINE)
    lessons = {
        name: links_of(where)
        for names, where in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    for table in (LAYERS, LOSSES, OPTIMIZERS):
        for cls in table.values():
            assert lessons.get(cls.__name__), f"{cls.__name__} has no lesson"


@languages
def test_index_lists_every_lesson(language):
    trees = re.findall(r"```\{toctree\}\n(.*?)```", text_of(language, "index"), re.S)
    listed = [
        line for tree in trees for line in tree.splitlines() if line.isidentifier()
    ]
    assert len(listed) == len(set(listed))
    assert set(LESSONS) <= set(listed)
    assert len(trees) == 3
