"""``ardoise lesson``: files are written once, checked, and hinted at, in two languages.

What the checks decide is tested in tests/lessons; here is what is said of it.
"""

import os
import re

import numpy as np
import pytest

from ardoise.cli import lesson
from ardoise.lessons.catalogue import BUGS
from ardoise.lessons.handout import mended, program
from tests.pages import misprints, sections_of, text_of, twins_of

ENGLISH, FRENCH = twins_of("lessons/bugs.md")
LANGS = ("en", "fr")
BLOCK = re.compile(r"^```console\n\$ (.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def without_numbers(said):
    """Return lines as words alone: random inputs give other numbers each time."""
    said = re.sub("[\u00a0\u202f]", " ", said)
    lines = re.sub(r"-?\d[\d.,]*(e-?\d+)?", "0", said).splitlines()
    return [" ".join(line.split()) for line in lines if line.strip()]


@pytest.mark.parametrize(("page", "lang"), [(ENGLISH, "en"), (FRENCH, "fr")])
def test_the_page_shows_what_is_said(ardoise, page, lang):
    blocks = BLOCK.findall(text_of(page))
    assert len(blocks) == 4
    for command, shown in blocks:
        program_name, *words = command.split()
        if program_name == "python":  # tests/lessons runs it
            continue
        said = ardoise(*words, "--lang", lang)
        assert without_numbers(said.out) == without_numbers(shown), command
        assert said.code == (1 if "check" in words else 0)


def test_both_pages_have_the_same_sections():
    assert sections_of(ENGLISH) == sections_of(FRENCH)
    assert misprints(FRENCH) == []
    for page, lang in ((ENGLISH, "en"), (FRENCH, "fr")):
        for bug in BUGS:
            assert f"| {bug.number} | {bug.title(lang)} |" in text_of(page)
            assert f"<summary>{bug.number}. {bug.title(lang)}<" in text_of(page)


@pytest.mark.parametrize("lang", LANGS)
def test_the_list(ardoise, somewhere, lang):
    words = {
        "en": ("not begun", "broken", "mended"),
        "fr": ("pas commencé", "en panne"),
    }
    said = ardoise("lesson", "bugs", "--lang", lang)
    assert said.code == 0 and said.out.count(words[lang][0]) == 12
    assert "ardoise lesson bugs 1" in said.out
    for bug in BUGS:
        assert bug.title(lang) in said.out
    ardoise("lesson", "bugs", "1", "--lang", lang)
    said = ardoise("lesson", "bugs", "--lang", lang)
    assert said.out.count(words[lang][0]) == 11 and words[lang][1] in said.out
    assert "ardoise lesson check bug01.py" in said.out


def test_the_list_checks_what_was_changed(ardoise, somewhere, monkeypatch):
    judged = []

    class Judged:
        def __init__(self, bug, path):
            judged.append(path.name)
            self.mended = b"pop()" in path.read_bytes()

    monkeypatch.setattr(lesson, "check", Judged)
    (somewhere / "bug02.py").write_text(program(BUGS[1], "fr"), "utf-8")
    (somewhere / "bug05.py").write_text("x = 1\n")
    (somewhere / "bug06.py").write_text(mended(BUGS[5], "en"), "utf-8")
    (somewhere / "bug07.py").write_bytes(b"\xff")
    said = ardoise("lesson", "bugs")
    assert sorted(judged) == ["bug05.py", "bug06.py", "bug07.py"]
    assert "Checking what you have changed: bug05.py, bug06.py, bug07.py.\n" in said.out
    states = re.findall(r"^ *(\d+) .*(not begun|broken|mended) *$", said.out, re.M)
    assert dict(states) == {
        **{str(n): "not begun" for n in (1, 3, 4, 8, 9, 10, 11, 12)},
        **{"2": "broken", "5": "broken", "6": "mended", "7": "broken"},
    }
    for bug in BUGS:
        (somewhere / bug.file).write_text("pop()")
    assert ardoise("lesson", "bugs").out.endswith("All twelve are mended.\n")


@pytest.mark.parametrize("name", ["3", "03", "bug03", "bug03.py"])
def test_a_file_is_written(ardoise, somewhere, name):
    said = ardoise("lesson", "bugs", name)
    assert said.code == 0
    assert sorted(os.listdir(somewhere)) == ["bug03.py", "digits.npz"]
    assert (somewhere / "bug03.py").read_text("utf-8") == program(BUGS[2], "en")
    assert "3,048 digits" in said.out and "python bug03.py" in said.out


def test_a_file_is_not_written_over(ardoise, somewhere):
    (somewhere / "bug03.py").write_text("mine")
    said = ardoise("lesson", "bugs", "3")
    assert (said.code, said.out) == (1, "")
    assert said.sentence.startswith("bug03.py is here already and was left as it is.")
    assert os.listdir(somewhere) == ["bug03.py"]
    for kept in ("bug03-old.py", "bug03-old2.py"):
        said = ardoise("lesson", "bugs", "3", "--anew")
        assert said.code == 0 and f"What was there is now {kept}.\n" in said.out
    assert (somewhere / "bug03-old.py").read_text() == "mine"
    assert (somewhere / "bug03-old2.py").read_text("utf-8") == program(BUGS[2], "en")
    assert "digits.npz, with" not in said.out  # it was there


@pytest.mark.parametrize("content", ["text", "other", "part"])
def test_other_digits_stay(ardoise, somewhere, content):
    path = somewhere / "digits.npz"
    if content == "text":
        path.write_text("mine")
    elif content == "other":
        np.savez(path, x_train=np.zeros(3))
    else:
        ardoise("lesson", "bugs", "1")
        path.write_bytes(path.read_bytes()[:-5000])
    before = path.read_bytes()
    said = ardoise("lesson", "bugs", "2", "--lang", "fr")
    assert said.code == 1 and said.sentence.startswith("digits.npz existe déjà ici")
    assert path.read_bytes() == before and not (somewhere / "bug02.py").exists()


def test_mended(ardoise, somewhere):
    (somewhere / "bug11.py").write_text(mended(BUGS[10], "en"), "utf-8")
    said = ardoise("lesson", "check")
    assert said.code == 0 and not said.err
    first, second, *_, last = said.out.splitlines()
    assert first == "File: bug11.py (changed last)."
    assert second == "Bug 11: Worse than chance"
    assert last == "Mended: bug11.py is right."


def test_a_curve_is_shown_and_drawn(ardoise, somewhere, monkeypatch):
    path = somewhere / "my bug12.py"
    path.write_text(program(BUGS[11], "fr"), "utf-8")
    said = ardoise("lesson", "check", path.name, "--lang", "fr")
    assert said.code == 1
    assert re.search(r"sur 640 pas\s: █▁+ de 0,2 à 1,2e-30\n", said.out)
    assert "ardoise lesson hint 'my bug12.py'" in said.out
    assert (somewhere / "my bug12-check.png").read_bytes()[:4] == b"\x89PNG"

    def missing(*_):
        raise lesson.plots.MissingMatplotlibError("plots.missing_matplotlib")

    monkeypatch.setattr(lesson.plots, "lesson_curve", missing)
    (somewhere / "my bug12-check.png").unlink()
    said = ardoise("lesson", "check", path.name)
    assert said.code == 1 and "Picture" not in said.out


@pytest.mark.parametrize("lang", LANGS)
def test_what_cannot_be_run_is_one_sentence(ardoise, somewhere, lang):
    (somewhere / "bug04.py").write_text("def forward(params, x):\n  return (\n")
    said = ardoise("lesson", "check", "bug04.py", "--lang", lang)
    expected = {"en": "Line 2 is not Python: ", "fr": "La ligne 2 n’est pas du Python"}
    _, sentence, last = said.out.splitlines()
    assert said.code == 1 and sentence.startswith(expected[lang])
    assert last.endswith("ardoise lesson hint bug04.py")


def test_hints(ardoise, somewhere):
    (somewhere / "bug01.py").write_text(program(BUGS[0], "en"), "utf-8")
    first = ardoise("lesson", "hint", "bug01.py")
    assert first.code == 0 and first.out.startswith("Hint 1 of 3. ")
    assert "ardoise lesson hint bug01.py --step 2" in first.out
    last = ardoise("lesson", "hint", "--step", "3")
    line = (
        program(BUGS[0], "en")
        .splitlines()
        .index('    dz1 = dz2 @ params["W2"] * (h1 > 0)')
    )
    assert f"Hint 3 of 3. Line {line + 1}, “dz1 = dz2 @" in last.out
    assert "--step" not in last.out
    last = ardoise("lesson", "hint", "--step=3", "--lang", "fr")
    assert f"Ligne {line + 1}, «\u00a0dz1 = dz2 @" in last.out


@pytest.mark.parametrize(
    ("given", "code", "english", "french"),
    [
        (["bugs", "13"], 2, "There is no bug called 13;", "Il n’y a pas de bug 13"),
        (["bugs", "softmax"], 2, "There is no bug called", "Il n’y a pas de bug"),
        (["bugs", "--anew"], 2, "--anew needs the number", "--anew demande le numéro"),
        (["hint", "--step", "4"], 2, "--step: there are hints 1 to 3", "--step"),
        (["check"], 1, "There is no bug in this folder", "Il n’y a pas encore de bug"),
        (["check", "none.py"], 1, "none.py", "none.py"),
        (["check", "mine.py"], 1, "Which bug is mine.py about?", "De quel bug"),
        (["check", "."], 1, ".", "."),
    ],
)
def test_mistakes(ardoise, somewhere, given, code, english, french):
    (somewhere / "mine.py").write_text("x = 1\n")
    for lang, words in (("en", english), ("fr", french)):
        said = ardoise("lesson", *given, "--lang", lang)
        assert (said.code, said.out) == (code, "")
        assert said.sentence.startswith(words)


def test_the_language_may_stand_first(ardoise):
    said = ardoise("--lang", "fr", "lesson", "bugs")
    assert "pas commencé" in said.out
    said = ardoise("--lang=fr", "lesson", "--help")
    assert "Douze réseaux en panne" in said.out
    for command in ("bugs", "check", "hint"):
        said = ardoise("lesson", command, "--help", "--lang", "fr")
        assert said.code == 0 and f"ardoise lesson {command} [" in said.out
    said = ardoise("lesson", "hint", "--step", "x")
    assert said.code == 2 and "ardoise lesson hint --help" in said.err


def test_blocks():
    assert lesson.bars((0.0, 0.5, 1.0)) == "▁▅█"
    assert lesson.bars((0.0, 0.0)) == "▁▁"
