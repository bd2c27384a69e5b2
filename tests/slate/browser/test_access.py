"""For everybody: axe, keyboard alone, phones."""

import re

import pytest

from browser.driving import (
    DIGITS,
    SECTIONS,
    SEVEN,
    draw,
    draw_with_keys,
    expect,
    expect_read,
    go,
    ready,
    say,
    violations,
    width_of,
)


def fill(page, section):
    """Have a section show all that it can."""
    if section == "draw":
        draw(page, DIGITS[5])
        expect(page.locator("#draw .answer .first")).to_be_visible()
        page.locator("#ask-fool").click()
        expect(page.locator("#draw-fool .sentence")).not_to_be_empty()
        cells = page.locator("#draw .cells").last
        cells.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#draw .closer .primary")).to_be_visible()
    elif section == "mistakes":
        expect(page.locator("#mistakes .robustness li").first).to_be_visible()
    elif section == "photo":
        page.locator("#photo .drop button:visible").last.click()
        expect(page.locator("#photo .boxes .digit").first).to_be_visible()
    elif section == "steps":
        expect(page.locator("#steps .flow-ends")).to_be_visible()
        page.locator("#check .primary").click()
        expect(page.locator("#check .note")).to_be_visible()
    elif section == "inside":
        expect(page.locator("#inside .sentence")).not_to_be_empty()
        expect(page.locator("#inside .map-side")).to_be_visible()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing(slate, visit, lang, theme):
    page = visit(slate, locale=lang, color_scheme=theme, reduced_motion="reduce")
    for section in SECTIONS:
        go(page, section)
        fill(page, section)
        assert violations(page) == []
    page.locator("#help").click()
    for details in page.locator("dialog details").all():
        if details.get_attribute("open") is None:
            details.locator("summary").first.click()
    assert violations(page) == []


# What is too small for a finger; boxes lie where digits do, whose lines are larger.
SMALL = """
() => [...document.querySelectorAll("main :is(a, button, input, select)")]
  .filter((node) => node.checkVisibility() && !node.closest("label:has(input)"))
  .filter((node) => !node.closest(".boxes"))
  .filter((node) => {
    const { width, height } = node.getBoundingClientRect();
    return Math.min(width, height) < 24;
  })
  .map((node) => node.outerHTML.slice(0, 90))
"""


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_on_a_phone_nothing_scrolls_sideways(slate, visit, lang):
    page = visit(slate, locale=lang, width=360, height=740, has_touch=True)
    for section in SECTIONS:
        go(page, section)
        fill(page, section)
        assert width_of(page) == 360, section
        assert page.evaluate(SMALL) == []  # WCAG 2.5.8
    page.locator("#help").click()
    assert width_of(page) == 360
    assert page.locator("#dialog").evaluate("d => d.scrollWidth <= d.clientWidth")


STOPS = """
() => [...document.querySelectorAll(
  "a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((node) => node.tabIndex >= 0 && !node.disabled && node.checkVisibility())
  .filter((node) => node.type !== "radio" || node.checked)
  .map((node, i) => ((node.dataset.stop = i), i))
"""
FOCUSED = """
() => {
  const node = document.activeElement;
  const around = node.closest("label") ?? node; // of a card that can be chosen
  const looks = [node, around].map((each) => getComputedStyle(each));
  const { top, bottom } = node.getBoundingClientRect();
  const seen = bottom > 0 && top < innerHeight;
  const marked = looks.some(({ outlineStyle }) => outlineStyle !== "none");
  const what = node.outerHTML.slice(0, 90);
  return { stop: node.dataset.stop ?? null, seen, marked, what };
}
"""


@pytest.mark.parametrize("section", SECTIONS)
def test_tab_reaches_all_that_can_be_used(slate, visit, section):
    page = visit(slate, section, reduced_motion="reduce")
    fill(page, section)
    page.evaluate("document.activeElement.blur()")
    stops = set(map(str, page.evaluate(STOPS)))
    reached = set()
    for _ in range(len(stops) + 5):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if found["stop"] is None:
            continue
        reached.add(found["stop"])
        assert found["seen"], found["what"]
        assert found["marked"], found["what"]
    assert reached == stops


def test_every_section_by_keys_alone(slate, visit):
    page = visit(slate)
    for number, section in enumerate(SECTIONS, 1):
        page.keyboard.press(str(number))
        ready(page, section)
        expect(page.locator(f"#{section}-title")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("1")
    draw_with_keys(page, *SEVEN)
    expect_read(page, 7)
    page.keyboard.press("Tab")
    page.keyboard.press("2")
    ready(page, "learn")
    # While somebody types, digits are digits.
    page.locator("#learn summary").first.press("Enter")
    epochs = page.get_by_label(say("learn.setting.epochs"))
    epochs.focus()
    page.keyboard.press("1")
    expect(page.locator("#learn")).to_be_visible()


def test_the_skip_link_is_first(slate, visit):
    page = visit(slate)
    page.keyboard.press("Tab")
    skip = page.locator("#skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_keys_work_beside_what_takes_no_letters(slate, visit):
    page = visit(slate)
    page.locator("#draw .tools input[type=range]").focus()
    page.keyboard.press("2")
    ready(page, "learn")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("4")
    ready(page, "mistakes")
    page.locator("#mistakes select").first.focus()
    page.keyboard.press("2")  # chooses among what is listed
    expect(page.locator("#mistakes")).to_be_visible()


# What is filled with a colour that means something, and would be the ground's.
FILLED = """
() => [...document.querySelectorAll(
  "main :is(.fill, .swatch, .key, .mark, .track), progress, .digit")]
  .filter((node) => node.checkVisibility())
  .filter((node) => {
    const { width, height } = node.getBoundingClientRect();
    const { backgroundColor, borderTopColor, borderTopWidth } =
      getComputedStyle(node);
    const { outlineStyle, outlineColor } = getComputedStyle(node);
    const isClear = (color) => /^rgba.*, 0.$/.test(color);
    const groundOf = (around) => {
      const color = getComputedStyle(around).backgroundColor;
      return isClear(color) ? groundOf(around.parentElement) : color;
    };
    const ground = groundOf(node.parentElement);
    const isSeen = (color) => color !== ground && !isClear(color);
    const isFilled = isSeen(backgroundColor);
    const isBordered = parseFloat(borderTopWidth) > 0 && isSeen(borderTopColor);
    const isOutlined = outlineStyle !== "none" && isSeen(outlineColor);
    const hasText = node.textContent.trim() !== "";
    return width * height > 0 && !isFilled && !isBordered && !isOutlined && !hasText;
  })
  .map((node) => node.outerHTML.slice(0, 90))
"""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_with_the_colours_of_the_system_everything_is_seen(slate, visit, theme):
    page = visit(slate, forced_colors="active", color_scheme=theme)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    for section in SECTIONS:
        go(page, section)
        fill(page, section)
        assert page.evaluate(FILLED) == [], section
    # What is chosen is told from what is not; chalk lies on slate.
    looks = "node => JSON.stringify(Object.entries(getComputedStyle(node)))"
    for chosen, other in (
        ("#sections [aria-current]", "#sections a:not([aria-current])"),
        ("#languages [aria-pressed=true]", "#languages [aria-pressed=false]"),
    ):
        found = [page.locator(each).first.evaluate(looks) for each in (chosen, other)]
        assert found[0] != found[1]
    go(page, "draw")
    ground = page.locator("#draw .layers").evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64
