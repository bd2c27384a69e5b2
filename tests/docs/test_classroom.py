"""The lab sheets: the same in both languages, and all that they tell to type is there.

What is bold is a word of the page, or in the answers a number that their cells print.
"""

import io
import re
from contextlib import redirect_stdout
from functools import cache

import pytest

from ardoise.cli.app import run
from ardoise.messages import LANGUAGES, _sentences, text
from tests.pages import DOCS, FENCED, NARROW, NO_BREAK, misprints, sections_of

SHEETS = (
    "read-a-digit",
    "gradient-descent",
    "backpropagation",
    "mistakes",
    "hunting-bugs",
)
NAMES = [
    "index.md",
    *(f"{name}.md" for name in SHEETS),
    *(f"answers/{name}.md" for name in SHEETS),
]
FRONT = re.compile(r"\A---\n.*?^---$", re.MULTILINE | re.DOTALL)
CODE = re.compile(
    r"^```(python|\{code-cell\}|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
QUESTION = re.compile(r"^(\d+)\. ", re.MULTILINE)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
COMMAND = re.compile(r"\bardoise ((?:[a-z]+ ?)+)([^`\n]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z0-9-]+")

pages = pytest.mark.parametrize("name", NAMES)
sheets = pytest.mark.parametrize("sheet", SHEETS)
both = pytest.mark.parametrize("lang", LANGUAGES)


def content(lang, name):
    return (DOCS / lang / "classroom" / name).read_text(encoding="utf-8")


def prose(lang, name):
    """Return a page without its front matter and its code."""
    return FENCED.sub("", FRONT.sub("", content(lang, name)))


def code(lang, name, *kinds):
    return [block for kind, block in CODE.findall(content(lang, name)) if kind in kinds]


@cache
def printed(name):
    """Run the code of a page from top to bottom; return what it prints."""
    namespace, out = {"__name__": "__main__"}, io.StringIO()
    with redirect_stdout(out):
        for block in code("en", name, "python", "{code-cell}"):
            exec(compile(block, name, "exec"), namespace)
    return out.getvalue()


# -- both languages --------------------------------------------------------------------


def test_all_pages_are_known():
    for lang in LANGUAGES:
        folder = DOCS / lang / "classroom"
        found = {str(file.relative_to(folder)) for file in folder.rglob("*.md")}
        assert found == set(NAMES)
        listed = re.search(r"```\{toctree\}\n(.*?)```", content(lang, "index.md"), re.S)
        assert [f"{name}.md" for name in listed[1].split()[1:]] == NAMES[1:]


@pages
def test_both_have_the_same_sections_and_code(name):
    english, french = (f"{lang}/classroom/{name}" for lang in LANGUAGES)
    assert sections_of(english) == sections_of(french)
    kinds = ("python", "{code-cell}", "sh")
    assert code("en", name, *kinds) == code("fr", name, *kinds)
    questions = [QUESTION.findall(prose(lang, name)) for lang in LANGUAGES]
    assert questions[0] == questions[1]


@pages
def test_french_has_its_spaces(name):
    front = FRONT.match(content("fr", name))
    lines = front[0].splitlines() if front else []
    wrong = misprints(f"fr/classroom/{name}")
    assert [line for line in wrong if line not in lines] == []
    # Of the tables, which are ours here, the apostrophes.
    tables = [line for line in prose("fr", name).splitlines() if line.startswith("|")]
    assert not [line for line in tables if re.search(r"\w'\w|«[^\u00a0]", line)]


@both
@pages
def test_links_lead_somewhere(lang, name):
    place = (DOCS / lang / "classroom" / name).parent
    for link in re.findall(r"\]\(([^)#]+)", prose(lang, name)):
        assert (place / link).is_file(), link


# -- the hour --------------------------------------------------------------------------


@both
@sheets
def test_a_sheet_takes_an_hour(lang, sheet):
    minutes = re.findall(
        r"^### \d\. .*\((\d+) minutes\)$", prose(lang, f"{sheet}.md"), re.M
    )
    assert len(minutes) >= 4 and sum(map(int, minutes)) == 60


@both
@sheets
def test_every_question_has_its_answer(lang, sheet):
    asked = QUESTION.findall(prose(lang, f"{sheet}.md"))
    assert asked == [str(i) for i in range(1, len(asked) + 1)] and len(asked) >= 8
    assert QUESTION.findall(prose(lang, f"answers/{sheet}.md")) == asked


# -- code and numbers ------------------------------------------------------------------


@sheets
def test_code_of_a_sheet_runs(sheet):
    printed(f"{sheet}.md")


def numbers_of(lang, name):
    """Return the bold numbers of a page, as Python writes them."""
    for word in BOLD.findall(prose(lang, name)):
        word = word.replace("−", "-").replace(NARROW, "").replace(NO_BREAK, "")
        word = word.replace(",", "." if lang == "fr" else "")
        if NUMBER.fullmatch(word):
            yield word


@sheets
def test_the_numbers_of_the_answers_are_printed(sheet):
    name = f"answers/{sheet}.md"
    found = {float(number) for number in NUMBER.findall(printed(name))}
    english, french = (list(numbers_of(lang, name)) for lang in LANGUAGES)
    assert english == french and len(english) >= 3
    assert [number for number in english if float(number) not in found] == []


# -- what is typed and clicked ---------------------------------------------------------


@both
@pages
def test_the_words_of_the_page_are_its_words(lang, name):
    said = {
        sentence
        for key, sentence in _sentences(lang).items()
        if key.startswith("slate.")
    }
    bold = [
        " ".join(re.split(r"[ \n]+", word)) for word in BOLD.findall(prose(lang, name))
    ]
    words = [word for word in bold if not re.fullmatch(r"[−\d.,\u202f]+", word)]
    assert [word for word in words if word not in said] == []
    if name in ("read-a-digit.md", "gradient-descent.md", "mistakes.md"):
        assert len(words) >= 5


def test_layers_are_called_as_on_the_page():
    for lang in LANGUAGES:
        assert "Dense · 64" in prose(lang, "read-a-digit.md")


def commands_of(lang, name):
    """Return (words of the command, its options) of a page, in blocks and in prose."""
    words = code(lang, name, "sh") + re.findall(r"`([^`\n]+)`", prose(lang, name))
    for line in "\n".join(words).splitlines():
        for found in COMMAND.finditer(line):
            first, *more = found[1].split()
            yield [first, *more[: first == "lesson"]], OPTION.findall(found[2])


@pages
def test_the_commands_exist_with_these_options(name, capsys):
    for words, options in commands_of("fr", name):
        if run([words[0], "--help"]) != 0 and words[0] == "lesson":
            pytest.skip("there is no `ardoise lesson` yet")
        capsys.readouterr()
        assert run([*words, "--help"]) == 0, words
        said = capsys.readouterr().out
        assert [option for option in options if option not in said] == []


def test_what_the_index_says_of_the_checks():
    for lang, words in (("en", ("✓", "✗", "--classroom")), ("fr", ("✓", "✗"))):
        page = content(lang, "index.md")
        assert all(word in page for word in words)
        for key in ("classroom.right", "classroom.wrong"):
            assert text(key, lang, sentence="")[0] in page


def test_the_page_takes_as_many_visitors_as_is_said():
    from ardoise.slate.guard import MAX_SOCKETS
    from ardoise.slate.serving import PORT

    assert MAX_SOCKETS == 8
    assert "eight\npages" in content("en", "index.md")
    assert re.search(r"huit pages", content("fr", "index.md"))
    assert f"--port {PORT}" in content("en", "index.md")
