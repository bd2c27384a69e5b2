"""Photo: a sheet of numbers is read digit by digit, and put right."""

import re

import numpy as np
import pytest

from ardoise.digits import load_mnist
from browser.driving import expect, go, press, say, saying

LINES = (("314", "59"), ("26", "535"))  # numbers, line by line
WRITTEN = [list(line) for line in LINES]
SCALE = 3  # pixels of the sheet in one of an image


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """A sheet of handwritten numbers, dark on light, as a PNG file."""
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    mnist = load_mnist()
    paper = np.full((420, 700), 235.0)
    for row, numbers in enumerate(LINES):
        top, left = 60 + 170 * row, 40
        for number in numbers:
            for digit in number:
                at = np.flatnonzero(mnist.labels == int(digit))[1]
                ink = np.kron(mnist.images[at, ..., 0], np.ones((SCALE, SCALE)))
                h, w = ink.shape
                paper[top : top + h, left : left + w] -= 0.8 * ink
                left += w + 6
            left += 60
    path = tmp_path_factory.mktemp("sheet") / "sheet.png"
    pillow.fromarray(paper.clip(0, 255).astype(np.uint8)).save(path)
    return path


def read(page, sheet):
    """Have a sheet read; return the section."""
    page.locator('#photo input[type="file"]').first.set_input_files(sheet)
    expect(page.locator("#photo .boxes .digit")).to_have_count(10)
    return page.locator("#photo")


def lines_of(photo):
    """Return the numbers of each line, without second guesses."""
    return photo.locator(".photo-lines li").evaluate_all(
        """(lines) => lines.map((line) =>
          [...line.querySelectorAll(".number")].map((number) =>
            [...number.querySelectorAll(".label")].map((sign) => sign.textContent)
              .join("")))"""
    )


def test_a_sheet_is_read_and_a_box_corrected(slate, visit, sheet):
    page = visit(slate, "photo")
    photo = read(page, sheet)
    assert lines_of(photo) == WRITTEN
    # In the dialog, the second digit becomes a 7; the correction joins my hand.
    photo.locator(".boxes .digit").nth(1).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="7", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(photo.locator(".boxes .digit").nth(1)).to_have_accessible_name(
        say("photo.box.corrected", label="7")
    )
    assert lines_of(photo)[0] == ["374", "59"]
    expect(page.locator("#said")).to_have_text(say("photo.kept", label="7"))
    hand = go(page, "hand")
    mine = hand.locator(".hand-thumbs li")
    expect(mine).to_have_count(1)
    mine.get_by_role("button").click()
    expect(mine).to_have_count(0)
    go(page, "photo")
    press(page, "photo.undo")
    assert lines_of(photo) == WRITTEN


def test_boxes_are_corrected_and_removed_by_keys(slate, visit, sheet):
    page = visit(slate, "photo")
    photo = read(page, sheet)
    boxes = photo.locator(".boxes .digit")
    boxes.first.focus()
    page.keyboard.press("ArrowRight")
    expect(boxes.nth(1)).to_be_focused()
    page.keyboard.press("8")
    expect(boxes.nth(1)).to_be_focused()  # and no other section is shown
    assert lines_of(photo)[0] == ["384", "59"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(boxes).to_have_count(9)
    assert sum(map(len, lines_of(photo)[1])) == 4


def test_the_text_is_copied(slate, visit, sheet):
    page = visit(slate, "photo", permissions=["clipboard-read", "clipboard-write"])
    photo = read(page, sheet)
    press(page, "photo.copy")
    expect(photo.get_by_text(say("photo.copied"))).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert text == "\n".join(" ".join(line) for line in LINES)


def test_doubt_is_a_slider(slate, visit, sheet):
    page = visit(slate, "photo")
    photo = read(page, sheet)
    photo.get_by_role("slider", name=re.compile(say("photo.least"))).press("End")
    expect(photo).to_contain_text(say("photo.nothing"))
    assert photo.locator(".boxes .digit").count() == 0


@pytest.mark.parametrize("sample", ["paper", "shadow", "slate"])
def test_sample_sheets(slate, visit, sample):
    page = visit(slate, "photo")
    photo = page.locator("#photo")
    press(page, f"photo.sample.{sample}")
    expect(photo.locator(".boxes .digit").nth(9)).to_be_visible()
    truth = photo.locator(".photo-truth")
    expect(truth).to_be_visible()
    if truth.inner_text() != say("photo.all_right"):
        expect(truth).to_have_text(saying("photo.truth"))
        # A digit may be misread, or missed; a line is not lost.
        lines = truth.inner_text().strip().split("\n")[1:]
        assert len(lines_of(photo)) == len(lines)


def test_what_is_no_picture_is_refused_in_a_sentence(slate, visit, tmp_path):
    page = visit(slate, "photo")
    file = tmp_path / "words.png"
    file.write_text("These are words.")
    page.locator('#photo input[type="file"]').first.set_input_files(file)
    expect(page.get_by_role("alert")).to_have_text(say("photo.unreadable"))
