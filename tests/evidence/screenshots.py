"""The pictures of docs/slate.md, docs/ardoise.md and the README, taken anew.

``python -m tests.evidence.screenshots`` starts the slate with the model that comes with
the package, brings each section into a state worth showing, in English on the board and
in French on paper, and writes ``docs/images/slate*.png``. Look at them before they are
committed: what they show depends a little on chance.
"""

import argparse
import contextlib
import io
import math
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "slate"))
from browser.asking import ask
from browser.driving import (
    DIGITS,
    draw,
    expect,
    go,
    launched,
    pad_of,
    ready,
    say,
    wait_until,
)
from served import command

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDTH, LARGEST = 1280, 250_000  # of a picture: pixels, and bytes
LOOKS = {"en": "dark", "fr": "light"}
ENOUGH = 0.75  # of a training, for its curves to be worth showing
VIVID = 90  # between the channels of a colour that stands out
TRIES = 40  # of sheets of numbers, whose digits are drawn by lot


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.screenshots")
    parser.add_argument("names", nargs="*", help="pictures to take; all, if none is")
    wanted = parser.parse_args(argv).names or list(SHOTS)
    with contextlib.ExitStack() as ending:
        folder = ending.enter_context(tempfile.TemporaryDirectory())
        ending.enter_context(contextlib.chdir(folder))
        browser = ending.enter_context(launched())
        for name in wanted:
            section, lang, height, prepare = SHOTS[name]
            with command() as slate:
                page = visit(browser, slate, section, lang)
                first = prepare(page, slate, lang)
                save(page, name, height, first)
                page.context.close()


def visit(browser, slate, section, lang):
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 900},
        **{"locale": lang, "color_scheme": LOOKS[lang], "reduced_motion": "reduce"},
    )
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{slate.address}/?token={slate.token}#{section}")
    ready(page, section)
    return page


def save(page, name, height, first=None):
    """Write what the window shows, in few enough colours to be small.

    ``first``: the card that stands at the top; None for the top of the page.
    """
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.mouse.move(WIDTH - 1, 1)
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo(0, 0)")
    if first is not None:
        top = page.locator(first).bounding_box()["y"]
        page.evaluate("top => scrollTo(0, top)", top - 16)
    page.wait_for_timeout(400)
    whole = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for colours in (None, 256, 128, 64):
        few = whole
        if colours is not None:
            few = reduced(whole, colours)
        written = io.BytesIO()
        few.save(written, "PNG", optimize=True)
        if len(written.getvalue()) < LARGEST:
            break
    path = IMAGES / f"{name}.png"
    path.write_bytes(written.getvalue())
    shown = "all" if colours is None else colours
    print(f"{path.name}: {len(written.getvalue()) / 1000:.0f} kB, {shown} colours")


def reduced(whole, n):
    """Return a picture in n colours, among them the commonest vivid ones."""
    kept = n // 5
    vivid = [
        (count, colour)
        for count, colour in whole.getcolors(whole.width * whole.height)
        if max(colour) - min(colour) > VIVID
    ]
    chosen = [channel for _, colour in sorted(vivid)[-kept:] for channel in colour]
    rest = n - len(chosen) // 3
    common = whole.quantize(rest, dither=Image.Dither.NONE).getpalette()[: 3 * rest]
    palette = Image.new("P", (1, 1))
    palette.putpalette(chosen + common)
    return whole.quantize(palette=palette, dither=Image.Dither.NONE)


# -- digits as a hand writes them ------------------------------------------------------


def arc(x, y, rx, ry, start, turn, n=24):
    angles = [math.radians(start + turn * i / n) for i in range(n + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


THREE = [[*arc(13, 9, 4.6, 4.2, -150, 245), *arc(12.8, 18.2, 5.2, 5, -88, 240)]]
SEVEN = [[(8, 6), (14, 6.4), (20, 5.6), (16.5, 12), (14, 18), (12.6, 24)]]

# A hand of its own: what was not written so in MNIST.
ODD = {
    **DIGITS,
    1: [[(7, 13), (11, 9), (15, 4), (15, 13), (15, 24)]],
    2: [[(8, 9), (9, 6), (13, 4), (17, 6), (17, 10), (13, 15), (8, 20), (7, 23)],
        [(7, 22), (9, 19), (12, 20), (15, 23), (20, 21)]],
    4: [[(10, 4), (7, 15), (20, 15)], [(15, 10), (15, 25)]],
    7: [[(7, 7), (8, 5), (20, 5), (13, 24)], [(10, 14), (19, 13)]],
    9: [[*arc(14, 9, 4.5, 4.5, 0, -360), (18, 17), (16, 22), (11, 24), (8, 21)]],
}  # fmt: skip


def askew(strokes, lean):
    return [[(1.15 * x - lean * (y - 14) - 2.1, y) for x, y in s] for s in strokes]


# -- sections --------------------------------------------------------------------------


def drawn(page, strokes, digit, lang):
    draw(page, strokes)
    expect(page.locator("#answer")).to_have_text(re.compile(str(digit)))
    pad_of(page).blur()
    page.wait_for_timeout(600)  # a moment without a stroke


def drawing(page, slate, lang):
    """A digit, the layers, and the number behind the answer, closely."""
    drawn(page, THREE, 3, lang)
    maps = page.locator("#draw .cells canvas").first
    box = maps.bounding_box()
    place = {"x": 5.5 / 8 * box["width"], "y": 0.45 * box["height"]}
    maps.click(position=place)
    expect(page.locator("#draw .closer tbody tr")).to_have_count(5)


def asking_why(page, slate, lang):
    """A digit, and what each of its pixels adds."""
    drawn(page, SEVEN, 7, lang)
    page.locator("#ask-why").click()
    expect(page.locator("#draw-why .sentence")).not_to_be_empty()


def learning(page, slate, lang):
    """A convolution well under way, beside the training before."""
    device = page.locator("#device")
    ask(slate, "learn.start", preset="tiny", epochs=2, batch_size=256)
    wait_until(lambda: device.get_attribute("data-state") == "running")
    wait_until(lambda: device.get_attribute("data-state") == "idle", 120)
    ask(slate, "learn.start", preset="conv")
    share = "bar => bar.max > 1 ? bar.value / bar.max : 0"
    bar = page.locator("#learn progress")
    expect(page.locator("#learn .health tbody tr").first).to_be_visible()
    wait_until(lambda: ENOUGH < bar.evaluate(share) < 1, 120)


def stepping(page, slate, lang):
    """A drawing on its way through the network, and the gradient back."""
    go(page, "draw")
    drawn(page, THREE, 3, lang)
    go(page, "steps")
    expect(page.locator("#steps .flow-ends")).to_be_visible()
    press_in(page, "steps.mine", lang)
    page.get_by_label(say("steps.right", lang)).select_option("5")
    page.wait_for_timeout(500)


def erring(page, slate, lang):
    expect(page.locator("#mistakes .robustness li").first).to_be_visible()
    page.wait_for_timeout(300)


def reading(page, slate, lang):
    """A sheet of numbers; of those that are written by lot, one with a doubt or two."""
    for _ in range(TRIES):
        press_in(page, "photo.sample.slate", lang)
        expect(page.locator("#photo .boxes:not([aria-busy])")).to_be_visible()
        labels = page.locator("#photo .photo-lines .label").all_inner_texts()
        truth = page.locator("#photo .photo-truth").inner_text().splitlines()[1:]
        written = re.sub(r"\s", "", "".join(truth))
        doubtful, refused = (
            page.locator(f"#photo .boxes .{kind}").count()
            for kind in ("doubtful", "refused")
        )
        if len(labels) == len(written) and doubtful in (1, 2) and refused < 2:
            break


def teaching(page, slate, lang):
    """Twenty digits of a hand of its own, before and after they were taught."""
    hand = page.locator("#hand")
    wanted, thumbs = hand.locator(".hand-ask"), hand.locator(".hand-thumbs li")
    expect(thumbs).to_have_count(0)
    for n in range(20):
        expect(wanted).to_have_text(re.compile(r"\d"))
        digit = int(re.search(r"\d", wanted.inner_text())[0])
        draw(page, askew(ODD[digit], 0.3 + 0.15 * (n % 3)))
        press_in(page, "hand.add", lang)
        expect(thumbs).to_have_count(n + 1)
    press_in(page, "hand.teach", lang)
    expect(hand.locator(".hand-result .note")).to_be_visible(timeout=180_000)
    print(hand.locator(".hand-result .note").inner_text())
    return "#hand > .card:nth-of-type(2)"


def looking(page, slate, lang):
    """The map of images as a layer sees them, and the network without some units."""
    expect(page.locator("#inside .map-side")).to_be_visible()
    choice = page.locator("#inside select").first
    choice.select_option(index=choice.locator("option").count() - 3)
    page.wait_for_timeout(1500)
    press_in(page, "silence.half", lang)
    page.wait_for_timeout(500)
    return "#inside > .card:has(.map)"


def press_in(page, key, lang):
    place = page.locator("section:not([hidden])")
    place.get_by_role("button", name=say(key, lang), exact=True).click()


# What is shown of each section, and how much of the page: once in each language.
SECTIONS = {
    "draw": ("draw", 1400, drawing),
    "learn": ("learn", 1130, learning),
    "steps": ("steps", 1265, stepping),
    "mistakes": ("mistakes", 1400, erring),
    "photo": ("photo", 785, reading),
    "hand": ("hand", 915, teaching),
    "inside": ("inside", 1130, looking),
}
SHOTS = {
    "slate": ("draw", "en", 1142, asking_why),
    **{
        f"slate-{name}{ending}": (section, lang, height, prepare)
        for lang, ending in (("en", ""), ("fr", "-fr"))
        for name, (section, height, prepare) in SECTIONS.items()
    },
}

if __name__ == "__main__":
    main()
