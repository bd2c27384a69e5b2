"""Look inside: weights, a map of images, units that are switched off."""

import re

from browser.driving import expect, numbers_in, press, say, saying


def test_units_are_switched_off(slate, visit):
    page = visit(slate, "inside")
    inside = page.locator("#inside")
    layer = inside.get_by_role("combobox", name=say("inside.layer"))
    conv = layer.locator("option").filter(has_text=say("kind.Conv2D")).first
    layer.select_option(conv.get_attribute("value"))
    silence = inside.locator(".card").last
    sentence = silence.locator(".sentence")
    expect(sentence).to_have_text(saying("silence.all_on"))
    _, whole, _ = numbers_in(sentence.inner_text())
    assert whole > 98
    press(page, "silence.half")
    expect(sentence).to_have_text(saying("silence.result"))
    n, units, half, *_, before = numbers_in(sentence.inner_text())
    assert n == units / 2
    assert half < before == whole
    press(page, "silence.none")
    expect(sentence).to_have_text(saying("silence.all_on"))
    # One by keys: off, and on again.
    silence.locator(".cells").focus()
    page.keyboard.press("Enter")
    expect(sentence).to_contain_text(re.compile("^Without 1 of "))
    page.keyboard.press("Enter")
    expect(sentence).to_have_text(saying("silence.all_on"))


def test_each_layer_shows_its_weights_and_its_map(slate, visit):
    page = visit(slate, "inside")
    inside = page.locator("#inside")
    layer = inside.get_by_role("combobox", name=say("inside.layer"))
    expect(layer.locator("option").nth(6)).to_be_attached()
    options = layer.locator("option").all()
    summary = saying("map.summary")
    for option in options[1:]:  # the first are the images themselves
        layer.select_option(option.get_attribute("value"))
        expect(inside).to_contain_text(summary)
    # The last one is dense, and has weights.
    expect(inside.locator(".chart-picture").first).to_be_visible()
    expect(inside).to_contain_text(say("inside.from_drawn"))


def test_an_image_of_the_map_goes_to_draw(slate, visit):
    page = visit(slate, "inside")
    press(page, "inside.to_draw")
    expect(page.locator("#draw")).to_be_visible()
    expect(page.locator("#answer")).not_to_have_text(say("draw.empty"))
