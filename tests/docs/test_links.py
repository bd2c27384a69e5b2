"""What reads the built site finds links that lead nowhere and loads from outside."""

import pytest

from tests.docs.links import wrong

GOOD = """<html><head><link rel="stylesheet" href="a.css"></head><body id="top">
<a href="#top">up</a> <a href="b/c.html#here">c</a> <a href="https://example.org">paper</a>
<img src="data:image/png;base64,AA"></body></html>"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "b" / "c.html").write_text("<p id='here'><a href='../index.html'>a</a>")
    (tmp_path / "a.css").write_text("p { background: url(data:image/png;base64,AA) }")
    return tmp_path


def test_a_good_site(site):
    assert list(wrong(site)) == []


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("<a href='no.html'>", "links to no.html, which is not there"),
        ("<a href='b/c.html#no'>", "links to b/c.html#no, which has no such place"),
        ("<a href='#no'>", "links to #no, which has no such place"),
        ("<script src='https://example.org/x.js'></script>", "loads https://example"),
        ("<img src='//example.org/x.png'>", "loads //example.org/x.png"),
        ("<link rel='stylesheet' href='http://example.org/x.css'>", "loads http:"),
        ("<p style='background: url(http://example.org)'>", "loads http:"),
        ("<style>@import 'https://example.org/x';</style>", "loads https:"),
    ],
)
def test_a_bad_link(site, tag, said):
    (site / "index.html").write_text(GOOD + tag)
    (found,) = wrong(site)
    assert said in found


def test_a_font_from_outside(site):
    (site / "a.css").write_text("@font-face { src: url('https://example.org/x.woff') }")
    assert list(wrong(site)) == ["a.css loads https://example.org/x.woff"]
