"""What people do on the page: go to a section, draw with mouse, keys or fingers, look.

Whoever imports this is skipped where there is no browser to drive.
"""

import json
import math
import re
import time
from contextlib import contextmanager
from functools import cache
from importlib import resources

import pytest

from ardoise.export.chromium import find_chromium
from ardoise.export.errors import NotProvedError
from ardoise.messages import text

reason = "playwright is not installed, so the page is not tried in a browser"
playwright = pytest.importorskip("playwright.sync_api", reason=reason)
try:
    CHROMIUM = find_chromium()
except NotProvedError:
    reason = "chromium is not installed, so the page is not tried in a browser"
    pytest.skip(reason, allow_module_level=True)

FLAGS = (
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
PATIENCE = 20.0  # seconds, on a busy machine
SECTIONS = ("draw", "learn", "steps", "mistakes", "photo", "hand", "inside")
expect = playwright.expect
expect.set_options(timeout=1000 * PATIENCE)
SIDE = 28  # of the pad, in pixels of the image


@contextmanager
def launched():
    """Start the browser; it ends with the block."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def say(key, lang="en", **values):
    """Return a sentence of the page."""
    return text(f"slate.{key}", lang, **values)


def saying(key):
    """Return a pattern of a sentence of the page, whatever its values are."""
    parts = re.split(r"\{\w+\}", sentences("en")[f"slate.{key}"])
    return re.compile(".+?".join(map(re.escape, parts)), re.DOTALL)


@cache
def sentences(lang):
    """Return all sentences of a language, by their keys."""
    words = resources.files("ardoise") / "locales" / f"{lang}.json"
    return json.loads(words.read_text("utf-8"))


def numbers_in(sentence):
    """Return all numbers of an English sentence."""
    found = re.findall(r"[−-]?\d[\d,]*(?:\.\d+)?", sentence)
    return [float(n.replace(",", "").replace("−", "-")) for n in found]


# -- going about -----------------------------------------------------------------------


def wait_until(condition, patience=PATIENCE):
    """Wait until something that Python can ask holds; return it."""
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {patience} s in vain"
        time.sleep(0.02)
    return found


def ready(page, section):
    """Wait until a section is shown, and the server has greeted."""
    expect(page.locator("#network")).not_to_be_empty()
    expect(page.locator(f"#{section} > :nth-child(3)")).to_be_visible()
    return page.locator(f"#{section}")


def go(page, section):
    """Follow the link to a section, in the rail or in the bar of a phone."""
    link = page.locator(f'#sections a[href="#{section}"]')
    if not link.is_visible():
        page.locator("#more").click()
    link.click()
    return ready(page, section)


def press(page, key, within="section:not([hidden])"):
    """Click the button that says this."""
    place = page.locator(within)
    place.get_by_role("button", name=say(key), exact=True).click()


def state(page):
    """Return what the header says of the training."""
    return page.locator("#device").get_attribute("data-state")


def step_of(page):
    """Return the step that the training is at, as the progress bar has it."""
    return int(page.locator("#learn progress").evaluate("bar => bar.value"))


def violations(page):
    """Return what axe has against the page as it stands."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright",
        reason="axe-playwright-python is not installed",
    )
    return [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in axe.Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]


def width_of(page):
    """Return how wide the page is: wider than its window, it scrolls sideways."""
    return page.evaluate("document.documentElement.scrollWidth")


# -- drawing ---------------------------------------------------------------------------


def _oval(x, y, rx, ry, start=-90, turn=360, n=16):
    """Return points of an oval, from an angle in degrees."""
    angles = [math.radians(start + turn * i / n) for i in range(n + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


# Strokes of each digit, in pixels of the pad.
DIGITS = {
    0: [_oval(14, 14, 5, 8)],
    1: [[(15, 5), (13, 23)]],
    2: [[(9, 9), (10, 6), (14, 5), (18, 7), (18, 11), (13, 17), (8, 22), (20, 22)]],
    3: [[(9, 6), (14, 5), (18, 8), (16, 12), (12, 13), (17, 15), (19, 19), (15, 23),
         (9, 22)]],
    4: [[(11, 5), (8, 15), (20, 15)], [(18, 6), (17, 23)]],
    5: [[(19, 5), (10, 5), (9, 12), (14, 12), (18, 16), (17, 21), (12, 23), (8, 21)]],
    6: [[(16, 4), (11, 10), (9, 17), (11, 22), (15, 22), (18, 18), (15, 15), (10, 17)]],
    7: [[(8, 6), (20, 6), (13, 23)]],
    8: [[*_oval(14, 9, 4, 4, 90), *_oval(14, 18, 5, 5, -90, -360)]],
    9: [[*_oval(14, 9, 4, 4.5, 0, -360), (16, 23)]],
}  # fmt: skip


def pad_of(page):
    """Return the pad of the section that is shown."""
    return page.locator("section:not([hidden]) canvas.pad")


def points_on(page, stroke):
    """Return where points of the pad lie in the window."""
    pad = pad_of(page)
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    return [
        (box["x"] + x / SIDE * box["width"], box["y"] + y / SIDE * box["height"])
        for x, y in stroke
    ]


def draw(page, strokes):
    """Draw with the mouse."""
    for stroke in strokes:
        first, *others = points_on(page, stroke)
        page.mouse.move(*first)
        page.mouse.down()
        for point in others:
            page.mouse.move(*point)
        page.mouse.up()


def draw_with_keys(page, *moves):
    """Draw with the keyboard: ``("Right", 11, True)`` draws 11 pixels to the right."""
    pad_of(page).focus()
    for arrow, n, draws in moves:
        key = f"{'Shift+' if draws else ''}Arrow{arrow}"
        for _ in range(n):
            page.keyboard.press(key)


# A seven, from the middle of the pad: where the cursor is at first.
SEVEN = (
    ("Left", 5, False),
    ("Up", 8, False),
    ("Right", 10, True),
    *[("Down", 3, True), ("Left", 1, True)] * 5,
)


def draw_with_finger(page, strokes):
    """Draw on a touch screen."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        places = [{"x": x, "y": y} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    for stroke in strokes:
        first, *others = points_on(page, stroke)
        touch("touchStart", first)
        for point in others:
            touch("touchMove", point)
        touch("touchEnd")
    session.detach()


def named(digit):
    """Return a digit as sentences have it: "a 7", "an 8"."""
    return say("draw.eight") if digit == 8 else say("draw.digit", d=digit)


def expect_read(page, digit, place="#answer"):
    """Wait until the page says that it reads this digit."""
    told = re.compile(rf"^I read {named(digit)} \(")
    expect(page.locator(place)).to_have_text(told)
