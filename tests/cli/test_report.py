"""The report: one valid, safe, accessible page, in both languages."""

import base64
import errno
import json
import re
import struct
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest

from ardoise.cli import markup
from ardoise.cli.report import PICTURES, write_report
from ardoise.cli.summary import RunSummary, Score
from ardoise.messages import UserError, text

VOID = {"meta", "img"}


class Page(HTMLParser):
    """What a page holds; a tag closed in the wrong order is an error."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source = source
        self.tags = []  # (tag, attributes) in order
        self.words = []  # (the open tags, text)
        self._open = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.words.append((tuple(self._open), data.strip()))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def within(self, tag):
        return [
            data for tags, data in self.words if tag in tags and "style" not in tags
        ]

    def rows(self, caption):
        """The table with that caption, as lists of the words in its cells."""
        start = self.source.index(f'id="{caption}-caption"')
        table = self.source[start : self.source.index("</table>", start)]
        rows = table.split("<tr>")[1:]
        return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def png(width, height):
    def chunk(kind, content):
        check = zlib.crc32(kind + content)
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * (width + 1) * height)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def figures(tmp_path):
    paths = {name: tmp_path / f"{name}.png" for name in reversed(PICTURES)}
    for number, path in enumerate(paths.values()):
        path.write_bytes(png(300 + number, 150))
    return paths


@pytest.fixture
def run(figures):
    return RunSummary(
        recipe="cnn",
        description="Two convolutions.",
        data="MNIST",
        n_train=54000,
        n_validation=6000,
        n_test=10000,
        layers=[("Dense 784 → 10", "10", 7850), ("ReLU", "10", 0)],
        n_parameters=7850,
        settings={"epochs": 3, "learning_rate": 0.001, "seed": 12345, "my knob": None},
        score=Score(
            "test",
            9842,
            10000,
            [("0", 980, 0.9939, 0.9898), ("1", 1135, None, 0.9)],
        ),
        seconds=185.2,
        images_per_second=6123.4,
        history={
            "epoch": [1, 2],
            "loss": [0.5, float("inf")],
            "accuracy": [0.9, float("nan")],
            "validation_loss": [None, None],
            "validation_accuracy": [0.91, None],
            "learning_rate": [0.001, 0.0005],
            "seconds": np.array([1.25, 2.5]),
            "something_else": [1, 2],
        },
        versions={"NumPy": "2.4.6"},
        validation_accuracy=0.9851,
        coverage=[(0.0, 0.0, 0.985), (0.01, 0.0123, 0.9987)],
        note="Stopped early.",
        figures=figures,
    )


@pytest.fixture
def page(tmp_path, run):
    def write(lang="en", **changes):
        path = write_report(tmp_path, replace(run, **changes), lang)
        assert path == tmp_path / "report.html"
        return Page(path.read_text(encoding="utf-8"))

    return write


# What it says


def test_the_result_is_said_on_top(page):
    (result,) = (w for w in page().within("p") if "read correctly" in w)
    assert result == (
        "9,842 of 10,000 test digits read correctly: 98.42% "
        "(95% interval 98.16 to 98.65)"
    )


def test_the_result_in_french(page):
    (result,) = (w for w in page("fr").within("p") if "bien lus" in w)
    assert result == (
        "Chiffres de test bien lus\u00a0: 9\u202f842 sur 10\u202f000, soit "
        "98,42\u00a0% (intervalle à 95\u00a0%\u00a0: de 98,16 à 98,65)"
    )


def test_images_that_are_not_digits_are_not_called_digits(page):
    coats = [("Coat", 1000, 0.9, 0.9)]
    for part in ("test", "validation"):
        written = page(score=Score(part, 9842, 10000, coats))
        assert f"9,842 of 10,000 {part} images read correctly" in written.source


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_validation_digits_are_not_called_test_digits(page, run, lang):
    written = page(lang, score=replace(run.score, part="validation"))
    (result,) = (w for w in written.within("p") if "95" in w)
    assert "validation" in result and "test" not in result


@pytest.mark.parametrize(("lang", "word"), [("en", "sealed"), ("fr", "scellées")])
def test_nothing_to_be_scored_on(page, lang, word):
    written = page(lang, score=None)
    assert any(word in w for w in written.within("p"))
    assert "classes" not in [t.get("id") for t in written.all("h2")]


@pytest.mark.parametrize(
    ("lang", "facts"),
    [
        (
            "en",
            ["54,000", "6,000", "10,000", "98.51%", "7,850", "3 min 05 s", "6,123"],
        ),
        (
            "fr",
            ["54 000", "6 000", "10 000", "98,51 %", "7 850", "3 min 05 s", "6 123"],
        ),
    ],
)
def test_the_facts_are_in_the_form_of_the_language(page, lang, facts):
    given = [
        w.replace("\u202f", " ").replace("\u00a0", " ") for w in page(lang).within("dd")
    ]
    assert given == ["MNIST", *facts]


def test_the_validation_accuracy_may_be_missing(page):
    assert len(page(validation_accuracy=None).within("dd")) == 7


def test_the_tables(page):
    written = page()
    assert written.rows("classes") == [
        ["Class", "Images", "Recall", "Precision"],
        ["0", "980", "99.39%", "98.98%"],
        ["1", "1,135", "–", "90.00%"],
    ]
    assert written.rows("network") == [
        ["Layer", "Output shape", "Parameters"],
        ["Dense 784 → 10", "10", "7,850"],
        ["ReLU", "10", "0"],
        ["Total", "", "7,850"],
    ]
    # A seed is not a count: no comma in it. A name that is not known stays as it is.
    assert written.rows("settings") == [
        ["Setting", "Value"],
        ["Epochs", "3"],
        ["Learning rate", "0.001"],
        ["Seed", "12345"],
        ["my knob", "none"],
    ]
    assert written.rows("versions")[1:] == [["NumPy", "2.4.6"]]


def test_the_history_holds_what_was_measured(page):
    # validation_loss was never measured, and something_else is not ours.
    assert page("fr").rows("history") == [
        [
            "Époque",
            "Perte",
            "Exactitude",
            "Exactitude de validation",
            "Taux d’apprentissage",
            "Secondes",
        ],
        ["1", "0,5000", "90,00\u00a0%", "91,00\u00a0%", "0,001", "1,2"],
        ["2", "∞", "NaN", "–", "0,0005", "2,5"],
    ]
    assert page().within("summary") == ["Show the table (epochs:\u00a02)"]


def test_no_history_no_section(page):
    assert not page(history={}).all("details")


@pytest.mark.parametrize(
    ("value", "en", "fr"),
    [
        (True, "yes", "oui"),
        (False, "no", "non"),
        (0.5, "0.5", "0,5"),
        ("adam", *2 * ["adam"]),
    ],
)
def test_settings_are_printed_in_the_language(value, en, fr):
    assert (markup.setting(value, "en"), markup.setting(value, "fr")) == (en, fr)


def test_the_note_is_there_only_when_there_is_one(page):
    assert page().within("p").count("Stopped early.") == 1
    assert 'class="note"' not in page(note=None).source


# The pictures


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_pictures_are_in_the_page(page, figures, lang):
    pictures = page(lang).all("img")
    assert len(pictures) == 4
    for name, picture in zip(PICTURES, pictures, strict=True):
        kind, content = picture["src"].split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(content) == figures[name].read_bytes()
        assert picture["alt"] == text(f"report.alt.{name}", lang)
        assert picture["height"] == "96"  # 150 dots, at 150 dots per inch
    assert pictures[0]["width"] == str(round(303 * 0.64))


def test_no_picture_no_section(page):
    written = page(figures={})
    assert not written.all("img")
    assert "Pictures" not in written.within("h2")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("curves", png(1, 1), 'no picture named "curves"; the names are: curve,'),
        ("curve", b"GIF89a" + bytes(30), "is not a PNG file"),
        ("curve", b"\x89PNG\r\n\x1a\n", "is not a PNG file"),
        ("curve", None, "does not exist"),
    ],
)
def test_a_picture_that_cannot_be_used_is_refused(
    tmp_path, run, name, content, sentence
):
    path = tmp_path / "picture.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        write_report(tmp_path, replace(run, figures={name: path}))
    assert not (tmp_path / "report.html").exists()


# The page itself


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_is_html_that_asks_for_nothing_outside(page, lang):
    written = page(lang)
    assert written.source.startswith(f'<!doctype html>\n<html lang="{lang}">\n')
    assert written.all("meta")[0] == {"charset": "utf-8"}
    policy = written.all("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none'; img-src data:;")
    assert not {"script", "link", "iframe", "form", "a"} & {
        tag for tag, _ in written.tags
    }
    for _, attributes in written.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:").startswith("data:")
    (style,) = (w for tags, w in written.words if "style" in tags)
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in style and "@media print" in style


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_page_can_be_read_without_seeing_it(page, lang):
    written = page(lang)
    headings = [tag for tag, _ in written.tags if tag in ("h1", "h2", "h3", "h4")]
    assert headings == ["h1"] + 7 * ["h2"]
    assert len(written.all("main")) == len(written.all("title")) == 1
    ids = [attributes["id"] for _, attributes in written.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in written.tags:
        assert attributes.get("aria-labelledby", ids[0]) in ids
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "img":
            assert attributes["alt"]
    assert len(written.all("caption")) == len(written.all("table")) == 6


def test_everything_is_escaped(page, run):
    evil = '<b onload="x">&amp;\'{text}</b>'
    written = page(
        recipe=evil,
        description=evil,
        data=evil,
        layers=[(evil, evil, 1)],
        settings={evil: evil},
        score=Score("test", 1, 1, [(evil, 1, 0.5, 0.5)]),
        versions={evil: evil},
        note=evil,
    )
    assert not written.all("b")
    # title, h1, description, note, data, layers 2, settings 2, class, versions 2
    assert sum(evil in data for _, data in written.words) == 12


def test_the_report_needs_no_matplotlib(monkeypatch, page):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert page().all("img")


def test_the_old_report_stays_when_writing_fails(tmp_path, run, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("ardoise.files.atomic.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(tmp_path, run)
    assert path.read_text() == "old"


def test_a_missing_folder_is_refused(tmp_path, run):
    with pytest.raises(UserError, match="does not exist; make it first"):
        write_report(tmp_path / "none", run)


def test_the_sentences_exist_in_both_languages():
    keys = []
    for lang in ("en", "fr"):
        file = resources.files("ardoise") / "locales" / f"{lang}.json"
        sentences = json.loads(file.read_text(encoding="utf-8"))
        keys.append({key for key in sentences if key.startswith("report.")})
    assert keys[0] == keys[1] != set()
