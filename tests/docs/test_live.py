"""What runs on the first pages: the slate to draw on, and the recorded training."""

import numpy as np
import pytest
from site_parts.live import own_model, write_pad, write_replay

from ardoise.messages import text
from ardoise.slate.packets import unpack
from ardoise.slate.recording import read_recording

LANGUAGES = ("en", "fr")
MOST = 1_500_000  # bytes of a recording
STEPS = 1688  # of an epoch


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """What is written beside the pages of each language."""
    folder = tmp_path_factory.mktemp("live")
    for lang in LANGUAGES:
        write_replay(folder / lang, lang, epochs=1)
    write_pad(folder)
    return folder


@pytest.fixture(scope="module")
def chromium():
    reason = "playwright is not installed, so the page is not tried in a browser"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    from ardoise.export.chromium import find_chromium
    from ardoise.export.errors import NotProvedError
    from tests.docs.site import FLAGS

    try:
        path = find_chromium()
    except NotProvedError:
        pytest.skip("chromium is not installed, so the page is not tried in a browser")
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def visit(live, chromium):
    """Open a page of the folder, and fail with what it complains of."""
    from tests.docs.site import opened, served

    complaints = []
    with served(live) as address, opened(chromium, address, complaints) as page:

        def go(name):
            page.goto(f"{address}/{name}")
            return page

        yield go
    assert complaints == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_recording_is_small_and_whole(live, lang):
    file = live / lang / "recording.bin"
    assert file.stat().st_size < MOST / 5
    entries = read_recording(file)
    kinds = [entry.header["type"] for entry in entries]
    assert kinds[:3] == kinds[-3:] == ["hello", "learn.state", "learn.moments"]
    assert {"learn", "epoch", "watch", "weights", "learn.start"} <= set(kinds)
    assert entries[-1].header["steps"][-1] == STEPS
    weights = [unpack(e.packet)[1] for e in entries if e.header["type"] == "weights"]
    assert np.ptp(weights[-1]["weights"]) > 0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_training_is_replayed(visit, lang):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"{lang}/index.html")
    page.wait_for_selector("#took:not(:empty)")
    assert not page.locator(".served").count()
    start = text("slate.learn.start", lang)
    page.get_by_role("button", name=start, exact=True).click()
    page.wait_for_function("document.querySelector('progress').value > 500")
    main = page.locator(".drive .primary")
    main.click()  # pause: nothing moves
    page.wait_for_function(
        "document.querySelector('#device').dataset.state == 'paused'"
    )
    step = page.evaluate("document.querySelector('progress').value")
    page.wait_for_timeout(700)
    assert page.evaluate("document.querySelector('progress').value") == step
    main.click()
    page.wait_for_function(f"document.querySelector('progress').value > {step}")
    page.locator(".drive-buttons button").last.click()  # to the end
    page.wait_for_function(f"document.querySelector('progress').value == {STEPS}")
    page.wait_for_selector("#device[data-state=idle]")
    assert page.locator("#problem").is_hidden()
    assert page.evaluate("document.documentElement.lang") == lang
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("1")  # no other section
    assert page.locator("#draw").is_hidden()
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    ("lang", "title"), [("en", "Draw a digit"), ("fr", "Dessinez un chiffre")]
)
def test_the_pad_speaks_the_language_of_its_page(visit, lang, title):
    page = visit(f"pad.html?lang={lang}")
    assert page.evaluate("document.documentElement.lang") == lang
    assert page.title().startswith(title)


def test_the_pad_reads_what_is_drawn(visit):
    page = visit("pad.html?lang=en")
    box = page.locator("#slate").bounding_box()
    mouse, side = page.mouse, box["width"]
    for n, (x, y) in enumerate([(0.3, 0.25), (0.7, 0.25), (0.6, 0.5), (0.48, 0.8)]):
        mouse.move(box["x"] + x * side, box["y"] + y * side, steps=1 if n == 0 else 12)
        if n == 0:
            mouse.down()
    mouse.up()
    page.wait_for_selector("#best:has-text('7')")
    shown = page.evaluate("ardoise.predictProba(ardoise.received())")
    image = np.array(page.evaluate("[...ardoise.received()]"), np.uint8)
    expected = own_model().network.predict_proba(image.reshape(1, 28, 28, 1))
    np.testing.assert_allclose(shown, expected[0], atol=1e-5)
