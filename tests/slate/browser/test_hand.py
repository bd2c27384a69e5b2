"""My hand: twenty digits are written, kept, taught."""

import re

from browser.driving import (
    DIGITS,
    SEVEN,
    draw,
    draw_with_keys,
    expect,
    press,
    say,
    saying,
)


def askew(strokes):
    """Return strokes as a hand writes them that leans to the right and writes wide."""
    return [[(1.2 * x - 0.35 * (y - 14) - 2.8, y) for x, y in s] for s in strokes]


def test_twenty_digits_are_taught(clean, visit):
    page = visit(clean, "hand")
    hand = page.locator("#hand")
    ask = hand.locator(".hand-ask")
    thumbs = hand.locator(".hand-thumbs li")
    for n in range(20):
        expect(ask).to_have_text(re.compile(r"\d"))
        digit = int(re.search(r"\d", ask.inner_text())[0])
        draw(page, askew(DIGITS[digit]))
        press(page, "hand.add")
        expect(thumbs).to_have_count(n + 1)
    expect(ask).to_have_text(say("hand.done"))
    press(page, "hand.teach")
    result = hand.locator(".hand-result")
    expect(result.locator(".note")).to_have_text(saying("hand.taught"))
    own_before, own_after, known_before, known_after = (
        float(value.rstrip("%")) for value in result.locator(".value").all_inner_texts()
    )
    assert own_after > own_before
    assert known_after >= known_before - 0.2
    said = result.locator(".note").inner_text()
    assert f"{own_before:.0f}% before, {own_after:.0f}% after" in said


def test_digits_are_written_by_keys_exported_and_imported(clean, visit, tmp_path):
    page = visit(clean, "hand")
    hand = page.locator("#hand")
    hand.get_by_label(say("hand.other")).select_option("7")
    draw_with_keys(page, *SEVEN)
    expect(hand.locator(".hand-read .sentence")).not_to_be_empty()
    page.keyboard.press("Enter")
    thumbs = hand.locator(".hand-thumbs li")
    expect(thumbs).to_have_count(1)
    with page.expect_download() as caught:
        press(page, "hand.export")
    assert caught.value.suggested_filename == "ardoise-hand.npz"
    file = tmp_path / "mine.npz"
    caught.value.save_as(file)
    hand.get_by_role("button", name=say("hand.remove", label="7", n=1)).click()
    expect(thumbs).to_have_count(0)
    hand.locator('input[type="file"]').set_input_files(file)
    expect(thumbs).to_have_count(1)
    expect(thumbs).to_contain_text("7")


def test_an_empty_pad_and_a_wrong_file_are_refused_in_a_sentence(
    clean, visit, tmp_path
):
    page = visit(clean, "hand")
    page.locator("#hand canvas.pad").focus()
    page.keyboard.press("Enter")
    problem = page.get_by_role("alert")
    expect(problem).to_have_text(say("hand.empty_pad"))
    file = tmp_path / "words.npz"
    file.write_text("These are words.")
    page.locator('#hand input[type="file"]').set_input_files(file)
    expect(problem).to_have_text(say("hand.file"))
