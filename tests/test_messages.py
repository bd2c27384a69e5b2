"""The sentences: the same in both languages, all of them used, none missing."""

import ast
import errno
import pickle
import re
import string
from functools import cache
from importlib import resources
from pathlib import Path

import pytest

import ardoise
from ardoise.messages import LANGUAGES, UserError, _sentences, reason, text

SOURCES = sorted(Path(ardoise.__file__).parent.rglob("*.py"))
KEYS = sorted(_sentences("en"))

# Calls whose first argument is a key, with what stands before it.
PREFIXES = {
    **{name: "" for name in ("text", "say")},
    "t": "help.",  # cli/app.py
    "number": "help.",
}
REPORT = {"report.py", "markup.py"}  # where say("kind") is report.kind
NO_BREAK, NARROW = "\u00a0", "\u202f"


def placeholders(sentence):
    return sorted(
        (field, spec or "", conversion or "")
        for _, field, spec, conversion in string.Formatter().parse(sentence)
        if field is not None
    )


# -- one language beside the other ----------------------------------------------------


def test_both_languages_have_the_same_keys():
    assert _sentences("en").keys() == _sentences("fr").keys()


@pytest.mark.parametrize("key", KEYS)
def test_both_sentences_show_the_same_values(key):
    english, french = (_sentences(lang)[key] for lang in LANGUAGES)
    assert set(placeholders(english)) == set(placeholders(french))
    for field, *_ in placeholders(english):
        assert field.isidentifier()
    for sentence in (english, french):
        assert sentence.strip() and sentence == sentence.strip()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_files_are_in_order(lang):
    """As the script that changes them writes them: a change is a line of the diff."""
    import json

    file = resources.files("ardoise") / "locales" / f"{lang}.json"
    content = file.read_text(encoding="utf-8")
    sentences = json.loads(content)
    written = json.dumps(sentences, ensure_ascii=False, indent=2, sort_keys=True)
    assert content == written + "\n"


# -- typography -----------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_typography(key):
    for lang in LANGUAGES:
        sentence = _sentences(lang)[key]
        words = re.sub(r"\{\w+\}", "X", sentence)
        assert not re.search(r"\w'\w", words), "an apostrophe is ’"
        assert "..." not in words, "an ellipsis is …"
        assert "  " not in words
        if lang == "fr":
            check_french(words)


def check_french(words):
    # A colon within a path or a time has nothing before or after it that is a space.
    for mark in re.finditer(r"(.)([:;!?%»])(?=\s|$|\))", words):
        before, sign = mark.groups()
        if sign == "%" and before == "(":  # "Exactitude (%)"
            continue
        assert before == (NARROW if sign in ";!?" else NO_BREAK), mark.group()
    assert not re.search(rf"«(?!{NO_BREAK})", words)
    # Other quotation marks belong to what is typed: pip install "…".
    assert words.count('"') in (0, 2)
    assert '"' not in words or "pip install" in words


def test_english_quotes_nothing_in_french():
    for sentence in _sentences("en").values():
        assert not re.search(r"[«»]| [:;!?]", sentence)


# -- the keys and the code ------------------------------------------------------------


@cache
def used():
    """Return keys that the code names, and patterns of those that it puts together."""
    keys, patterns = {}, {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            prefix = "" if name.endswith("Error") else PREFIXES.get(name)
            if prefix is None:
                continue
            if path.name in REPORT and name == "say":
                prefix = "report."
            where = f"{path.name}, line {node.lineno}"
            note(node.args[0], prefix, where, keys, patterns)
    return keys, patterns


def note(node, prefix, where, keys, patterns):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        keys[prefix + node.value] = where
    elif isinstance(node, ast.IfExp):
        note(node.body, prefix, where, keys, patterns)
        note(node.orelse, prefix, where, keys, patterns)
    elif isinstance(node, ast.JoinedStr):
        parts = (
            re.escape(part.value) if isinstance(part, ast.Constant) else r"[\w.-]+"
            for part in node.values
        )
        patterns[re.escape(prefix) + "".join(parts)] = where


@cache
def literals():
    """Return every string in the code: keys can stand in tables and variables too."""
    return {
        node.value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_key_that_the_code_names_exists():
    keys, patterns = used()
    assert len(keys) > 100
    # The sentences of plain exceptions are no keys.
    missing = {
        key: where
        for key, where in keys.items()
        if re.fullmatch(r"[a-z]+(\.\w+)+", key) and key not in KEYS
    }
    assert not missing
    for pattern, where in patterns.items():
        if " " not in pattern and re.match(r"[a-z]+\\\.", pattern):
            assert any(re.fullmatch(pattern, key) for key in KEYS), where


def test_every_key_is_used():
    keys, patterns = used()
    named = keys.keys() | literals()
    unused = [
        key
        for key in KEYS
        if key not in named and not any(re.fullmatch(p, key) for p in patterns)
    ]
    # Put together by cli/markup.py and cli/report.py from tables of names.
    made = ("report.column.", "report.section.", "report.table.", "report.setting.")
    unused = [key for key in unused if not key.startswith(made)]
    # Of the page: tests/slate/test_page_units.py looks for them in its modules, too.
    unused = [key for key in unused if not key.startswith("slate.")]
    # Of errno.errorcode, by messages.py.
    unused = [key for key in unused if not is_system(key)]
    assert not unused


def is_system(key):
    room, _, name = key.partition(".")
    return room == "system" and name in errno.errorcode.values()


def test_every_recipe_speaks_both_languages():
    from ardoise.digits.recipes import RECIPES

    for name in RECIPES:
        for lang in LANGUAGES:
            assert text(f"recipe.{name}.about", lang)


# -- messages.py itself ---------------------------------------------------------------


def test_a_sentence():
    assert (
        text("option.repeated", name="--seed")
        == "--seed was given twice; give it once."
    )
    french = text("option.repeated", "fr", name="--seed")
    assert french == "--seed est donné deux fois\u202f; donnez-le une seule fois."


def test_mistakes_of_the_program():
    with pytest.raises(KeyError):
        text("no.such.sentence")
    with pytest.raises(KeyError):
        text("option.repeated")
    with pytest.raises(ValueError, match="en, fr; got 'de'"):
        text("option.repeated", "de", name="x")


def test_an_error_speaks_both_languages():
    error = UserError("option.repeated", name="{x}")
    assert str(error) == error.sentence() == "{x} was given twice; give it once."
    assert error.sentence("fr").startswith("{x} est donné")
    twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), twin.key, twin.values) == (UserError, error.key, error.values)


def test_an_error_may_speak_of_others():
    refused = OSError(errno.ECONNREFUSED, "Connection refused")
    reasons = tuple(
        UserError("download.unreachable", host=host, reason=refused) for host in "ab"
    )
    error = UserError("data.unreadable", path="x", reason=reasons)
    both = "a: the connection is refused, b: the connection is refused"
    assert str(error) == f"x could not be read: {both}."
    french = pickle.loads(pickle.dumps(error)).sentence("fr")
    assert french.count("\u00a0: la connexion est refusée") == 2
    alone = UserError("data.unreadable", path="x", reason=reasons[0])
    assert "a\u00a0: la connexion est refusée." in alone.sentence("fr")
    assert UserError("data.unreadable", path=(), reason=("a", 1)).values["path"] == ()


def test_what_the_system_says():
    full = OSError(errno.ENOSPC, "No space left on device", "file")
    assert (reason(full), reason(full, "fr")) == (
        "the disk is full",
        "le disque est plein",
    )
    error = UserError("error.write", reason=full)
    assert str(error) == "Writing stopped: the disk is full."
    assert (
        error.sentence("fr") == "L’écriture s’est arrêtée\u00a0: le disque est plein."
    )
    twin = pickle.loads(pickle.dumps(error))
    assert twin.sentence("fr") == error.sentence("fr")
    assert reason(OSError(errno.ELOOP, "Too many links"), "fr") == "Too many links"
    assert reason(OSError("no number"), "fr") == "no number"


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith("system.")])
def test_the_system_s_reasons_are_errors_of_the_system(key):
    assert is_system(key)
