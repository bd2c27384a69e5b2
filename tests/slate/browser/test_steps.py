"""Step by step: forward, the loss, backward, each number with its formula."""

import re

from browser.driving import DIGITS, draw, expect, expect_read, go, press, say, saying
from browser.test_draw import expect_code


def loss_in(section):
    said = section.locator(".steps-image .sentence").inner_text()
    found = re.search(r"Loss: ([\d.]+)(?: × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+))?", said)
    power = (found[2] or "⁰").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    return float(found[1].rstrip(".")) * 10 ** int(power)


def test_a_drawing_goes_down_and_its_blame_comes_back(slate, visit):
    # Where the page moves smoothly, a click may come while the button does.
    page = visit(slate, reduced_motion="reduce")
    draw(page, DIGITS[7])
    expect_read(page, 7)
    steps = go(page, "steps")
    said = steps.locator(".steps-image .sentence")
    expect(said).not_to_be_empty()
    example = said.inner_text()
    press(page, "steps.mine")
    expect(said).not_to_have_text(example)
    expect(said).to_have_text(saying("steps.read_right"))
    right = loss_in(steps)
    # Another right answer: the blame grows.
    steps.get_by_label(say("steps.right")).select_option("1")
    expect(said).to_have_text(saying("steps.read_wrong"))
    assert loss_in(steps) > right + 1
    # One stage after the other, from the image and back to it.
    rows = steps.locator(".flow-row")
    press(page, "steps.restart")
    place = steps.locator(".steps-bar p.soft")
    seen = [place.inner_text()]
    while not seen[-1].startswith(f"Step {(n := 2 * rows.count() - 1)} "):
        press(page, "steps.next")
        expect(place).not_to_have_text(seen[-1])
        seen.append(place.inner_text())
        assert len(seen) <= n
    phases = [told.split(": ")[1] for told in seen]
    half = rows.count() - 1
    assert phases == ["forward"] * half + ["the loss"] + ["backward"] * half


def test_any_number_opens_with_its_formula_and_code(slate, visit):
    page = visit(slate, "steps")
    row = page.locator("#steps .flow-row").nth(1)
    picker = row.locator(".cells").first
    picker.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("h2")).to_have_text(saying("cell.in_map"))
    expect(dialog.locator("math").first).to_be_visible()
    expect_code(dialog)
    # Forward and backward: what it is, and how its slope comes about.
    for sign in ("y", "∂L/∂y"):
        expect(dialog.locator("math").filter(has_text=sign).first).to_be_visible()
    backward = [
        line for line in dialog.locator(".code-line").all() if "dy" in line.inner_text()
    ]
    assert backward
    press(page, "steps.to_weights", "dialog")
    expect(dialog).to_be_hidden()
    expect(page.locator("#check .cells")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#check .check-result")).to_contain_text(say("check.numeric"))


def test_backward_agrees_with_what_is_measured(slate, visit):
    page = visit(slate, "steps")
    check = page.locator("#check")
    for layer in check.get_by_label(say("check.layer")).locator("option").all():
        value = layer.get_attribute("value")
        check.get_by_label(say("check.layer")).select_option(value)
        press(page, "check.steepest")
        note = check.locator(".check-result .note")
        expect(note).to_have_text(saying("check.agree"))
        assert int(re.search(r"\d+", note.inner_text())[0]) >= 4
