"""French and English, board and paper: switched at once, kept for the next visit."""

import re

import pytest

from browser.driving import DIGITS, SECTIONS, draw, expect, go, say, sentences
from browser.test_access import fill

TEXTS = """
() => [...document.querySelectorAll("body *")].flatMap((node) => {
  if (node.closest("[translate=no], #said, pre, math, script, noscript")) return [];
  if (!node.checkVisibility()) return [];
  const own = [...node.childNodes].filter((child) => child.nodeType === 3);
  const texts = own.map((child) => child.textContent.trim());
  return [...texts, node.ariaLabel, node.title, node.ariaValueText].filter(Boolean);
})
"""


def of_the_page(lang):
    return {k: v for k, v in sentences(lang).items() if k.startswith("slate.")}


def only_in(lang, other):
    """Return a pattern of all sentences that are said in one language alone."""
    mine, others = of_the_page(lang), of_the_page(other)
    patterns = []
    for key, sentence in mine.items():
        parts = re.split(r"\{\w+\}", sentence)
        words = re.findall(r"[^\W\d_]{3,}", " ".join(parts))
        if sentence != others[key] and len(words) >= min(len(parts), 2):
            patterns.append(".+".join(map(re.escape, parts)))
    both = set(mine.values()) & set(others.values())
    return re.compile("|".join(patterns)), both


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_everything_is_said_in_the_language_that_is_chosen(slate, visit, lang):
    """Nothing of the language before is left, on any section."""
    other = "fr" if lang == "en" else "en"
    page = visit(slate, locale="fr-FR" if other == "fr" else "en-GB")
    expect(page.locator("html")).to_have_attribute("lang", other)
    draw(page, DIGITS[8])
    page.locator("#ask-why").click()
    for section in SECTIONS:
        go(page, section)
    expect(page.locator("#inside .sentence")).not_to_be_empty()
    page.locator(f'#languages [lang="{lang}"]').click()
    expect(page.locator("html")).to_have_attribute("lang", lang)
    foreign, both = only_in(other, lang)
    for section in SECTIONS:
        go(page, section)
        expect(page.locator(f"#{section}-title")).to_have_text(
            say(f"{section}.title", lang)
        )
        expect(page).to_have_title(f"{say(f'{section}.title', lang)} – Ardoise")
        page.wait_for_timeout(150)
        left = [t for t in page.evaluate(TEXTS) if foreign.fullmatch(t)]
        assert [t for t in left if t not in both] == []


def test_the_language_is_kept(slate, visit):
    page = visit(slate)
    page.get_by_role("button", name="Français").click()
    expect(page.locator("#draw-title")).to_have_text("Dessiner")
    draw(page, DIGITS[7])
    expect(page.locator("#answer")).to_have_text(re.compile("^Je lis un 7 "))
    page.reload()
    expect(page.locator("#draw-title")).to_have_text("Dessiner")
    # The server refuses in French, too.
    go(page, "hand").locator("canvas.pad").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text(say("hand.empty_pad", "fr"))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_theme_is_the_systems_until_another_is_chosen(slate, visit, theme):
    page = visit(slate, color_scheme=theme)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = sum(map(int, re.findall(r"\d+", page.evaluate(ground))[:3])) > 384
    assert light == (theme == "light")
    page.get_by_role("button", name=say("frame.theme")).click()
    other = page.evaluate(ground)
    assert (sum(map(int, re.findall(r"\d+", other)[:3])) > 384) != light
    page.reload()
    assert page.evaluate(ground) == other


# How numbers look that the other language wrote: 0.25, 12,345 and 0,25, 12 345.
WRITTEN = {
    "en": re.compile(r"(?<![\d,])\d+,\d{1,2}(?!\d)|\d\u202f[\d%]|\d+,\d{4,}"),
    "fr": re.compile(r"\d\.\d|\d,\d{3}(?!\d)\s+weights|\d%"),
}
NUMBERS = """
() => [...document.querySelectorAll("main :is(p, td, th, span, button, h3, mn, text)")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !node.closest("[translate=no], pre, msub > :last-child"))
  .filter((node) => node.querySelector("math") === null)
  .flatMap((node) => [node.textContent, node.ariaLabel, node.title, node.ariaValueText])
  .filter(Boolean)
"""


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_numbers_are_written_as_the_language_does(slate, visit, lang):
    """Those that stand there when it changes, too: in formulas, tables, charts."""
    other = "fr" if lang == "en" else "en"
    page = visit(slate, locale=other)
    for section in SECTIONS:
        go(page, section)
        fill(page, section)
        texts = page.evaluate(NUMBERS)
        assert not [t for t in texts if WRITTEN[other].search(t)], section
        page.locator(f'#languages [lang="{lang}"]').click()
        expect(page.locator("html")).to_have_attribute("lang", lang)
        page.wait_for_timeout(150)
        texts = page.evaluate(NUMBERS)
        assert not [t for t in texts if WRITTEN[lang].search(t)], section
        page.locator(f'#languages [lang="{other}"]').click()
