"""Mistakes: the matrix, the gallery, what the network withstands."""

import re

from browser.driving import expect, numbers_in, say, saying


def test_a_confusion_leads_to_its_images_and_to_draw(slate, visit):
    page = visit(slate, "mistakes")
    mistakes = page.locator("#mistakes")
    interval = mistakes.locator(".score-card .soft")
    expect(interval).to_have_text(saying("mistakes.interval"))
    correct, total, low, high, _, _ = numbers_in(interval.inner_text())
    share = 100 * correct / total
    assert 98 < low < share < high  # of the network that comes with ardoise
    # The table counts the same images.
    cells = mistakes.locator(".matrix td button")
    counts = [int(n.replace("·", "0")) for n in cells.all_inner_texts()]
    assert len(counts) == 100
    assert (sum(counts), sum(counts[::11])) == (total, correct)
    # The most frequent confusion comes first.
    wrong = {i: count for i, count in enumerate(counts) if i % 11}
    most = max(wrong.values())
    truth, read = divmod(next(i for i, count in wrong.items() if count == most), 10)
    values = {"n": most, "a": truth, "b": read}
    key = "mistakes.cell_one" if most == 1 else "mistakes.cell"
    first = mistakes.locator(".worst button").first
    expect(first).to_have_text(say(key, **values))
    # By keys to its cell, whose images are then shown.
    cells.first.focus()
    for key, times in (("ArrowDown", truth), ("ArrowRight", read)):
        for _ in range(times):
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    thumbs = mistakes.locator(".thumbs button")
    expect(thumbs).to_have_count(most)
    for name in thumbs.evaluate_all("all => all.map((each) => each.ariaLabel)"):
        assert name.startswith(say("mistakes.thumb", a=truth, b=read, p="")[:12])
    thumbs.first.click()
    expect(page.locator("#draw")).to_be_visible()
    expect(page.locator("#draw .answer .bars > li").nth(read)).to_have_class("first")


def test_all_mistakes_are_there_the_surest_first(slate, visit):
    page = visit(slate, "mistakes")
    mistakes = page.locator("#mistakes")
    thumbs = mistakes.locator(".thumbs li")
    expect(thumbs.first).to_be_visible()

    def shares():
        found = thumbs.locator(".soft").all_inner_texts()
        return [int(share.rstrip("%")) for share in found]

    surest = shares()
    assert surest == sorted(surest, reverse=True)
    mistakes.get_by_label(say("mistakes.order")).select_option("least")
    assert shares() == surest[::-1]
    mistakes.get_by_label(say("mistakes.true")).select_option("4")
    expect(thumbs.first).to_contain_text("4 →")
    assert 0 < thumbs.count() < len(surest)


def test_noise_spoils_it(slate, visit):
    page = visit(slate, "mistakes")
    robustness = page.locator("#mistakes .robustness")
    verdict = robustness.locator("[aria-live]")
    expect(verdict).to_have_text(saying("mistakes.robust"))

    def share():
        return float(re.search(r": ([\d.]+)%", verdict.inner_text())[1])

    whole = share()
    noise = re.compile(say("mistakes.kind.noise"))
    robustness.get_by_role("slider", name=noise).press("End")
    expect(verdict).to_contain_text(say("mistakes.level.noise", n="100%"))
    assert share() < whole / 2
    expect(robustness.locator("li.wrong").first).to_be_visible()
    expect(robustness.locator("li")).to_have_count(10)
