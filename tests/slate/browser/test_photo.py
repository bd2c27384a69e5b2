"""Photo: a sheet of numbers is read digit by digit, and put right."""

import re

import numpy as np
import pytest

from ardoise.digits import load_mnist
from browser.driving import expect, go, press, say, saying

LINES = (("314", "59"), ("26", "535"))  # numbers in lines
SIZE = 3  # pixels of the sheet in one of an image


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """A sheet of test digits, dark on light, as a PNG file."""
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    mnist = load_mnist()
    first = {
        d: 60_000 + np.flatnonzero(mnist.labels[60_000:] == d)[1] for d in range(10)
    }
    paper = np.full((420, 700), 235.0)
    for row, numbers in enumerate(LINES):
        x = 40
        for number in numbers:
            for digit in number:
                image = np.kron(
                    mnist.images[first[int(digit)], ..., 0], np.ones((SIZE,) * 2)
                )
                h, w = image.shape
                y = 60 + 170 * row
                paper[y : y + h, x : x + w] -= 0.8 * image
                x += w + 6
            x += 60
    path = tmp_path_factory.mktemp("sheet") / "sheet.png"
    image_module.fromarray(paper.clip(0, 255).astype(np.uint8)).save(path)
    return path


def read(page, sheet):
    page.locator('#photo input[type="file"]').first.set_input_files(sheet)
    expect(page.locator("#photo .boxes .digit")).to_have_count(10)
    return page.locator("#photo")


def lines_of(photo):
    return [
        [n.replace("\n", "") for n in line.locator(".number").all_inner_texts()]
        for line in photo.locator(".photo-lines li").all()
    ]


def signs_of(photo):
    """Return what stands in the lines, without second guesses."""
    return [
        [
            "".join(n.locator(".label").all_inner_texts())
            for n in line.locator(".number").all()
        ]
        for line in photo.locator(".photo-lines li").all()
    ]


def test_a_sheet_is_read_and_a_box_corrected(slate, visit, sheet):
    page = visit(slate, "photo")
    photo = read(page, sheet)
    assert signs_of(photo) == [list(line) for line in LINES]
    # In the dialog, the second digit becomes a 7; the correction joins my hand.
    photo.locator(".boxes .digit").nth(1).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="7", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(photo.locator(".boxes .digit").nth(1)).to_have_accessible_name(
        say("photo.box.corrected", label="7")
    )
    assert signs_of(photo)[0] == ["374", "59"]
    expect(page.locator("#said")).to_have_text(say("photo.kept", label="7"))
    hand = go(page, "hand")
    mine = hand.locator(".hand-thumbs li")
    expect(mine).to_have_count(1)
    mine.get_by_role("button").click()
    expect(mine).to_have_count(0)
    go(page, "photo")
    press(page, "photo.undo")
    assert signs_of(photo) == [list(line) for line in LINES]


def test_boxes_are_corrected_and_removed_by_keys(slate, visit, sheet):
    page = visit(slate, "photo")
    photo = read(page, sheet)
    boxes = photo.locator(".boxes .digit")
    boxes.first.focus()
    page.keyboard.press("ArrowRight")
    expect(boxes.nth(1)).to_be_focused()
    page.keyboard.press("8")
    expect(boxes.nth(1)).to_be_focused()  # and no other section is shown
    assert signs_of(photo)[0] == ["384", "59"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(boxes).to_have_count(9)
    assert sum(map(len, signs_of(photo)[1])) == 4


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
        told = re.sub(r"[^\d?\n]", "", truth.inner_text()).strip().split("\n")
        found = ["".join(line) for line in signs_of(photo)]
        assert len(told) == len(found)  # a digit may be misread, a line not lost


def test_what_is_no_picture_is_refused_in_a_sentence(slate, visit, tmp_path):
    page = visit(slate, "photo")
    file = tmp_path / "words.png"
    file.write_text("These are words.")
    page.locator('#photo input[type="file"]').first.set_input_files(file)
    expect(page.get_by_role("alert")).to_have_text(say("photo.unreadable"))
