"""Draw: a digit is read while it is drawn, and every number leads to its code."""

import re
import textwrap
from pathlib import Path

import pytest

import ardoise
from browser.conftest import served
from browser.driving import (
    DIGITS,
    SEVEN,
    draw,
    draw_with_finger,
    draw_with_keys,
    expect,
    expect_read,
    go,
    numbers_in,
    pad_of,
    press,
    ready,
    say,
    saying,
)
from browser.latency import LISTENER, measure

ROOT = Path(ardoise.__file__).parents[1]
# Three times the budget: CI's machines are slow, and others run on them.
IDLE = 3 * 30  # milliseconds


def test_each_digit_is_read_with_the_mouse(slate, visit):
    page = visit(slate)
    for digit, strokes in DIGITS.items():
        draw(page, strokes)
        expect_read(page, digit)
        bar = page.locator("#draw .answer .bars > li").nth(digit)
        assert bar.get_attribute("class") == "first"
        press(page, "pad.clear")
        expect(page.locator("#answer")).to_have_text(say("draw.empty"))


def test_a_digit_is_read_with_the_keyboard(slate, visit):
    page = visit(slate)
    draw_with_keys(page, *SEVEN)
    expect_read(page, 7)
    # A screen reader hears it once nothing is drawn any more.
    expect(page.locator("#said")).to_have_text(page.locator("#answer").inner_text())
    page.keyboard.press("Delete")
    expect(page.locator("#answer")).to_have_text(say("draw.empty"))
    page.keyboard.press("u")
    expect_read(page, 7)
    page.keyboard.press("3")  # an example
    expect_read(page, 3)


def test_a_digit_is_read_with_a_finger(slate, visit):
    page = visit(slate, width=360, height=740, has_touch=True, is_mobile=True)
    draw_with_finger(page, DIGITS[3])
    expect_read(page, 3)
    assert page.evaluate("scrollY") == 0  # the pad took the finger


def test_the_sponge_takes_away_and_undo_brings_back(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[1])
    expect_read(page, 1)
    page.locator("#draw .width input").fill("4")
    press(page, "pad.eraser")
    for _ in range(2):
        draw(page, [[(15, 3), (12, 25)]])
    expect(page.locator("#answer")).not_to_have_text(saying("draw.sure"))
    for _ in range(2):
        press(page, "pad.undo")
    expect_read(page, 1)


# Notes whatever a title says.
WATCH = """(title) => {
  window.titles = [];
  const note = () => titles.push(title.textContent);
  new MutationObserver(note).observe(title, { childList: true, subtree: true });
}"""


def test_a_lit_cell_leads_to_its_formula_and_a_line_of_code(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[4])
    expect_read(page, 4)
    # It says so once nothing changes any more.
    expect(page.locator("#said")).to_have_text(page.locator("#answer").inner_text())
    last = page.locator("#draw .cells").last
    last.focus()
    cell = page.locator("#draw .closer")
    cell.locator("h3").evaluate(WATCH)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(cell.locator("h3")).to_be_focused()
    expect(cell.locator("h3")).to_have_text(
        say("cell.unit", kind=say("kind.Dense"), unit=4)
    )
    # An answer on a cell that was passed does not take its place.
    seen = [numbers_in(title)[0] for title in page.evaluate("titles")]
    assert seen == sorted(seen)
    value = numbers_in(cell.locator(".cell-value").inner_text())[-1]
    expect(cell.locator("tbody tr")).to_have_count(5)
    press(page, "cell.open")
    dialog = page.get_by_role("dialog")
    # The sum of its terms is the number of the cell.
    total = numbers_in(dialog.locator("tfoot td").last.inner_text())[-1]
    assert total == pytest.approx(value, abs=1e-3)
    expect_code(dialog)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    # From a strong input, back to where it comes from.
    cell.locator("tbody button").first.click()
    expect(cell.locator("h3")).to_have_text(saying("cell.unit"))
    assert "cell=" in page.url  # so that the place can be shared
    page.reload()
    ready(page, "draw")
    assert "cell=" in page.url


def expect_code(dialog):
    """Expect lines of code of the engine, as the file has them."""
    figures = dialog.locator("figure.code")
    expect(figures.first).to_be_visible()
    for figure in figures.all():
        caption = figure.locator("figcaption").inner_text()
        file, first = re.search(r"(\S+\.py), from line (\d+)", caption).groups()
        assert file.startswith("ardoise/engine/")
        lines = figure.locator("pre").text_content().rstrip("\n").split("\n")
        source = (ROOT / file).read_text("utf-8").split("\n")[int(first) - 1 :]
        same = textwrap.dedent("\n".join(source[: len(lines)]))
        assert same.split("\n") == lines
        assert any("=" in line or "return" in line for line in lines)


def test_a_cell_is_chosen_with_the_mouse(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[0])
    expect_read(page, 0)
    cells = page.locator("#draw .cells").first
    canvas = cells.locator("canvas").bounding_box()
    cells.click(position={"x": canvas["width"] / 20, "y": canvas["height"] / 4})
    title = page.locator("#draw .closer h3")
    expect(title).to_have_text(saying("cell.in_map"))
    press(page, "cell.open")
    expect_code(page.get_by_role("dialog"))
    page.locator("#dialog-close").click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_why_and_fool_it(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[2])
    expect_read(page, 2)
    press(page, "draw.why")
    why = page.locator("#draw-why .sentence")
    expect(why).to_have_text(saying("why.sentence"))
    assert why.inner_text().startswith("For a 2 speaks +")
    press(page, "draw.fool")
    told = page.locator("#draw-fool .sentence")
    expect(told).to_have_text(saying("fool.sentence"))
    other = re.search(r"turns a 2 into an? (\d)", told.inner_text())[1]
    assert other != "2"
    press(page, "fool.use")
    # It may know that this is unlike all it learned, and still reads the other.
    bar = page.locator("#draw .answer .bars > li").nth(int(other))
    expect(bar).to_have_class("first")


def test_what_it_was_joins_my_hand(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[5])
    expect_read(page, 5)
    press(page, "draw.label")
    pane = page.locator("#draw-label")
    pane.get_by_role("button", name="5", exact=True).click()
    expect(pane.locator("p")).to_have_text(saying("draw.added"))
    hand = go(page, "hand")
    thumbs = hand.locator(".hand-thumbs li")
    expect(thumbs).to_have_count(1)
    hand.get_by_role("button", name=say("hand.remove", label="5", n=1)).click()
    expect(thumbs).to_have_count(0)


def test_before_any_training_rewind_says_where_to_start_one(slate, visit):
    page = visit(slate)
    draw(page, DIGITS[6])
    expect_read(page, 6)
    pad_of(page).blur()
    page.keyboard.press(",")
    expect(page.locator("#draw-rewind")).to_contain_text(say("rewind.none"))


def test_when_the_slate_has_ended_the_page_says_so(visit, tmp_path):
    with served(tmp_path) as slate:
        page = visit(slate)
        draw(page, DIGITS[1])
        expect_read(page, 1)
    expect(page.get_by_role("alert")).to_have_text(say("socket.lost"))
    expect(page.locator("#device")).to_have_text(say("frame.state.lost"))
    # The browser complains of each attempt to connect again.
    assert all("WebSocket" in each for each in visit.complaints)
    visit.complaints.clear()
    page.close()


def test_answers_come_quickly(slate, visit):
    page = visit(slate, script=LISTENER)
    found = measure(page)
    print(found)
    assert found.round_trip < IDLE
