"""A training that was recorded is shown again, by a slate that computes nothing."""

from browser.asking import ask
from browser.conftest import rest, served
from browser.driving import (
    DIGITS,
    draw,
    expect,
    go,
    numbers_in,
    ready,
    say,
    saying,
    state,
    step_of,
    wait_until,
)


def test_a_recorded_training_is_shown_again(tmp_path, visit):
    file = tmp_path / "lesson.rec"
    with served(tmp_path, "--record", file) as slate:
        page = visit(slate, "learn")
        ask(slate, "learn.start", preset="tiny", epochs=1)
        expect(page.locator("#learn .digits .digit")).to_have_count(12)
        wait_until(lambda: state(page) == "idle")
        end = step_of(page)
        rest(slate)
        page.close()
    assert end > 100
    with served(tmp_path, "--replay", file) as slate:
        page = visit(slate, "learn")
        expect(page.locator("#device")).to_have_text(say("frame.state.replay"))
        curve = page.locator("#learn canvas.live").first
        expect(curve).to_have_attribute("aria-label", saying("learn.chart"))
        wait_until(lambda: step_of(page) == end)
        expect(page.locator("#learn .digits .digit")).to_have_count(12)
        wait_until(lambda: numbers_in(curve.get_attribute("aria-label"))[0] == end)
        # It still says what it is, and that nothing new can be asked of it.
        expect(page.locator("#device")).to_have_text(say("frame.state.replay"))
        go(page, "draw")
        draw(page, DIGITS[7])
        expect(page.get_by_role("alert")).to_have_text(say("replay.silent"))
        # Another page begins from the first, too.
        page.reload()
        ready(page, "draw")
        go(page, "learn")
        wait_until(lambda: step_of(page) == end)
