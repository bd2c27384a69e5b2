"""Mistakes: the matrix, the gallery, what the network withstands."""

import re

from browser.driving import expect, say, saying


def number_in(text):
    return int(re.sub(r"\D", "", re.search(r"[\d,]+", text)[0]))


def test_a_confusion_leads_to_its_images_and_to_draw(slate, visit):
    page = visit(slate, "mistakes")
    mistakes = page.locator("#mistakes")
    expect(mistakes.locator(".score-card .big")).to_have_text(
        saying("mistakes.accuracy")
    )
    correct, total = map(
        number_in,
        mistakes.locator(".score-card .soft")
        .inner_text()
        .split(" validation")[0]
        .split(" of "),
    )
    # The table and the sentences count the same images.
    cells = [
        int(cell) if cell.isdecimal() else 0
        for cell in mistakes.locator(".matrix td button").all_inner_texts()
    ]
    assert len(cells) == 100
    assert sum(cells) == total
    assert sum(cells[::11]) == correct
    assert correct / total > 0.98  # the network that comes with ardoise
    # Most frequent first.
    worst = mistakes.locator(".worst button").first
    n = max(count for i, count in enumerate(cells) if i % 11)
    assert number_in(worst.inner_text()) == n
    a, b = divmod([i for i, c in enumerate(cells) if c == n and i % 11][0], 10)
    assert worst.inner_text() in (
        say("mistakes.cell", n=n, a=a, b=b),
        say("mistakes.cell_one", n=n, a=a, b=b),
    )
    # By the keyboard to that cell, whose images are then shown.
    mistakes.locator(".matrix td button").first.focus()
    for key, times in (("ArrowDown", a), ("ArrowRight", b)):
        for _ in range(times):
            page.keyboard.press(key)
    page.keyboard.press("Enter")
    thumbs = mistakes.locator(".thumbs button")
    expect(thumbs).to_have_count(n)
    for name in thumbs.evaluate_all("all => all.map((each) => each.ariaLabel)"):
        assert name.startswith(f"{a} read as {b} ")
    thumbs.first.click()
    expect(page.locator("#draw")).to_be_visible()
    expect(page.locator("#draw .answer .bars > li").nth(b)).to_have_class("first")


def test_all_mistakes_are_there_the_surest_first(slate, visit):
    page = visit(slate, "mistakes")
    mistakes = page.locator("#mistakes")
    thumbs = mistakes.locator(".thumbs li")
    expect(thumbs.first).to_be_visible()
    shares = [int(s.rstrip("%")) for s in thumbs.locator(".soft").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    mistakes.get_by_label(say("mistakes.order")).select_option("least")
    least = [int(s.rstrip("%")) for s in thumbs.locator(".soft").all_inner_texts()]
    assert least == shares[::-1]
    mistakes.get_by_label(say("mistakes.true")).select_option("4")
    expect(thumbs.first).to_contain_text("4 →")
    assert 0 < thumbs.count() < len(shares)


def test_noise_spoils_it(slate, visit):
    page = visit(slate, "mistakes")
    robustness = page.locator("#mistakes .robustness")
    verdict = robustness.locator("[aria-live]")
    expect(verdict).to_have_text(saying("mistakes.robust"))
    whole = share_in(verdict)
    noise = robustness.get_by_role(
        "slider", name=re.compile(say("mistakes.kind.noise"))
    )
    noise.press("End")
    expect(verdict).to_contain_text(say("mistakes.level.noise", n=1))
    assert share_in(verdict) < whole / 2
    expect(robustness.locator("li.wrong").first).to_be_visible()
    expect(robustness.locator("li")).to_have_count(10)


def share_in(sentence):
    return float(re.search(r"([\d.]+)%", sentence.inner_text())[1])
