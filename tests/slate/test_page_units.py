"""The page's modules: their own tests, types, words, and the rules of the house."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

import ardoise
from ardoise.messages import LANGUAGES

PAGE = Path(ardoise.__file__).parent / "slate" / "page"
MODULES = sorted(PAGE.glob("*.js"))
TESTS = sorted((Path(__file__).parent / "page").glob("*.test.mjs"))
TYPESCRIPT = "7.0.2"
CHECK = (
    *("--noEmit", "--checkJs", "--allowJs", "--strict", "--skipLibCheck"),
    *("--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"),
    *("--lib", "es2023,dom,dom.iterable", "--types", ""),
)
WIDTH, MOST_LINES = 88, 150


# -- their own tests -------------------------------------------------------------------


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_node(file):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed, so the page's own tests cannot run")
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", file],
        **{"capture_output": True, "text": True, "timeout": 120},
        env={**os.environ, "ARDOISE_PYTHON": sys.executable},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = int(re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)[1])
    assert passed > 0, done.stdout


# -- types -----------------------------------------------------------------------------


@cache
def tsc():
    """Return TypeScript's compiler, installed once for all tests, or None."""
    folder = Path(tempfile.gettempdir()) / f"ardoise-typescript-{TYPESCRIPT}"
    compiler = folder / "node_modules" / ".bin" / "tsc"
    if compiler.exists():
        return compiler
    npm = shutil.which("npm")
    if npm is None:
        return None
    with tempfile.TemporaryDirectory() as made:
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        try:
            subprocess.run(
                [npm, "install", *quiet, "--prefix", made, f"typescript@{TYPESCRIPT}"],
                **{"check": True, "capture_output": True, "timeout": 120},
            )
        except (subprocess.SubprocessError, OSError):
            return None
        if not compiler.exists():  # another process may have been faster
            shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
    return compiler


def test_types():
    compiler = tsc()
    if compiler is None:
        pytest.skip("TypeScript cannot be had from npm, so types were not checked")
    done = subprocess.run(
        [compiler, *CHECK, *MODULES],
        **{"capture_output": True, "text": True, "timeout": 120, "check": False},
    )
    assert done.returncode == 0, done.stdout


def test_the_check_of_types_notices(tmp_path):
    compiler = tsc()
    if compiler is None:
        pytest.skip("TypeScript cannot be had from npm, so types were not checked")
    file = tmp_path / "wrong.js"
    file.write_text("// @ts-check\n/** @type {number} */\nexport const n = 'one';\n")
    done = subprocess.run(
        [compiler, *CHECK, file],
        **{"capture_output": True, "text": True, "timeout": 120, "check": False},
    )
    assert done.returncode != 0 and "wrong.js" in done.stdout


# -- words -----------------------------------------------------------------------------

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
COMMENT = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.DOTALL | re.MULTILINE)


@cache
def words(lang):
    """Return the page's sentences, by the names that the page has for them."""
    file = resources.files("ardoise") / "locales" / f"{lang}.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    prefix = "slate."
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


@cache
def named():
    """Return keys that the page names, and patterns of those put together: → file."""
    keys, patterns = {}, {}
    for file in MODULES:
        for found in LITERAL.finditer(COMMENT.sub("", file.read_text("utf-8"))):
            plain, template = found.groups()
            if plain is not None:
                keys[plain] = file.name
            elif "${" in template:
                parts = re.split(r"\$\{[^}]*\}", template)
                patterns[r"[\w.-]+".join(map(re.escape, parts))] = file.name
    index = (PAGE / "index.html").read_text("utf-8")
    for key in re.findall(r'data-(?:text|label|hint)="([^"]+)"', index):
        keys[key] = "index.html"
    return keys, patterns


def test_every_key_that_the_page_names_exists():
    keys, _ = named()
    rooms = {key.partition(".")[0] for key in words("en")}
    key = re.compile(rf"(?:{'|'.join(sorted(rooms))})(?:\.\w+)+")
    asked = {k: file for k, file in keys.items() if key.fullmatch(k)}
    types = re.compile(r"(?:learn|hand|model)\.\w+")  # of requests have dots, too
    for lang in LANGUAGES:
        missing = {k: v for k, v in asked.items() if k not in words(lang)}
        assert not {k: v for k, v in missing.items() if not types.fullmatch(k)}
    assert len(asked) > 100


def test_every_sentence_of_the_page_is_used():
    keys, patterns = named()
    python = "\n".join(
        file.read_text("utf-8") for file in Path(ardoise.__file__).parent.rglob("*.py")
    )
    # Keys that Python puts together: f"slate.preset.{name}".
    made = {
        re.escape(prefix) + r"[\w.-]+"
        for prefix in re.findall(r'f"slate\.([\w.]*)\{', python)
    }
    unused = [
        key
        for key in words("en")
        if key not in keys
        and f'"slate.{key}"' not in python
        and not any(re.fullmatch(p, key) for p in (*patterns, *made) if p != r"[\w.-]+")
    ]
    assert not unused


def test_values_that_sentences_need_are_words():
    """Sentences of the page know {name} alone, not Python's formats."""
    for lang in LANGUAGES:
        for key, sentence in words(lang).items():
            assert re.fullmatch(r"(?:[^{}]|\{\w+\})*", sentence), key


def test_french_has_its_spaces():
    """U+202F before ; ! ? and within numbers, U+00A0 before : and % and in « »."""
    wrong = re.compile(r"[^\u202f][;!?]|[^\u00a0]»|«[^\u00a0]| [:%]|\d \d|\w:(?= |$)")
    sentences = {k: v for k, v in words("fr").items() if "«" in v or wrong.search(v)}
    assert len(sentences) > 10
    assert not {k: v for k, v in sentences.items() if wrong.search(v)}
    assert wrong.search("C’est vrai ?") and wrong.search("« Oui »")


# -- rules of the house ----------------------------------------------------------------

FORBIDDEN = {
    r"\.(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write": "text is no HTML",
    r"\beval\(|new Function\(": "text is no code",
    r'setAttribute\(\s*"style"|(?<!\w)style: "(?!percent)': "the policy forbids it",
    r"https?://(?!www\.w3\.org/)": "nothing comes from elsewhere",
    r"console\.log|debugger\b": "for writing the page only",
}


def breaches(text, name="x.js"):
    """Return where a module breaks a rule."""
    found = [f"{name}: {why}" for p, why in FORBIDDEN.items() if re.search(p, text)]
    lines = text.splitlines()
    if lines[0] != "// @ts-check":
        found.append(f"{name}: begins without // @ts-check")
    if len(lines) > MOST_LINES:
        found.append(f"{name}: {len(lines)} lines")
    wide = [n for n, line in enumerate(lines, 1) if len(line) > WIDTH]
    return found + [f"{name}, line {n}: wider than {WIDTH}" for n in wide]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_rules(file):
    assert not breaches(file.read_text("utf-8"), file.name)


@pytest.mark.parametrize(
    "line",
    [
        "node.innerHTML = text;",
        'node.setAttribute("style", "color: red");',
        'make("p", { style: "color: red" });',
        'fetch("https://example.com/x.js");',
        "console.log(x);",
        "const long = '" + "x" * WIDTH + "';",
        "\n" * MOST_LINES,
    ],
)
def test_rules_notice(line):
    good = '// @ts-check\nmakeSvg("svg", { xmlns: "http://www.w3.org/2000/svg" });\n'
    assert not breaches(good)
    assert breaches(good + line)


def test_index_has_nothing_inline():
    index = (PAGE / "index.html").read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", index)
    assert not re.search(r"https?:|//\w", index)
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", index, re.DOTALL)
    assert script == ""
    assert len(re.findall("<h1", index)) == 1


def test_every_file_that_the_page_names_exists():
    index = (PAGE / "index.html").read_text("utf-8")
    names = set(re.findall(r'"/page/([\w.-]+)"', index))
    for file in MODULES:
        names |= set(re.findall(r'"\./([\w.-]+)"', file.read_text("utf-8")))
    assert {"slate.css", "main.js", "draw.js"} <= names
    assert not [name for name in names if not (PAGE / name).exists()]
