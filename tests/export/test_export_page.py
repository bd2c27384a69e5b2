"""The page to draw on, in a browser: all ways to draw, both languages, phones."""

import base64
import json
import shutil
import subprocess
from importlib import resources

import numpy as np
import pytest
from export_models import model_of, need

from ardoise import Dense, Flatten, ReLU
from ardoise.digits import fit_image, load_mnist
from ardoise.export import NotProvedError
from ardoise.export.chromium import Chromium
from ardoise.export.page import write_html
from ardoise.export.plan import make_plan
from ardoise.pictures import Settings, prepare

CLASSES = tuple("0123456789")
TWO_FRAMES = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
SAID = "new Promise(r => setTimeout(r, 500)).then(() => answer.textContent)"
KEYS = {
    **{f"Arrow{d}": 37 + i for i, d in enumerate(("Left", "Up", "Right", "Down"))},
    **{" ": 32, "Tab": 9, "Delete": 46, "z": 90},
}


def page_model(shape=(28, 28, 1), **details):
    layers = [Flatten(), Dense(16), ReLU(), Dense(10)]
    model = model_of(layers, shape, classes=CLASSES)
    model.details.update(details)
    return model


class Person:
    """Somebody before a page."""

    def __init__(self, browser):
        self.browser = browser
        self.call, self.evaluate = browser.call, browser.evaluate

    def look(self, *, lang="en", theme="light", width=1000, height=900, touch=False):
        """Open the page anew, as this person's browser is set up."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height},
            **{"deviceScaleFactor": 1, "mobile": touch},
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call(
            "Emulation.setUserAgentOverride", userAgent="person", acceptLanguage=lang
        )
        self.browser.open(self.file)

    def box(self):
        found = self.evaluate("JSON.stringify(slate.getBoundingClientRect())")
        return json.loads(found)

    def points(self, shape):
        """Return where in the window points (0 to 1 on the slate) are."""
        box = self.box()
        return [
            {"x": box["left"] + x * box["width"], "y": box["top"] + y * box["height"]}
            for x, y in shape
        ]

    def draw(self, shape):
        points = self.points(shape)
        for kind, point in (
            ("mousePressed", points[0]),
            *(("mouseMoved", point) for point in points),
            ("mouseReleased", points[-1]),
        ):
            self.call(
                "Input.dispatchMouseEvent",
                **{"type": kind, **point, "button": "left", "buttons": 1},
                clickCount=1,
            )
        self.evaluate(TWO_FRAMES)

    def touch(self, shape):
        points = self.points(shape)
        for kind, touches in (
            ("touchStart", points[:1]),
            *(("touchMove", [point]) for point in points),
            ("touchEnd", []),
        ):
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=touches)
        self.evaluate(TWO_FRAMES)

    def press(self, *keys, modifiers=0):
        for key in keys:
            for kind in ("keyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent",
                    **{"type": kind, "key": key, "modifiers": modifiers},
                    windowsVirtualKeyCode=KEYS[key],
                )
        self.evaluate(TWO_FRAMES)

    def bytes_of(self, expression):
        text = self.evaluate(
            f"(() => {{ const x = {expression}; let s = '';"
            "for (let i = 0; i < x.length; i++) s += String.fromCharCode(x[i]);"
            "return btoa(s); })()"
        )
        return np.frombuffer(base64.b64decode(text), np.uint8)

    def received(self):
        return self.bytes_of("ardoise.received()")

    def of(self, name, what):
        return self.evaluate(f"document.getElementById('{name}').{what}")

    def text(self, name):
        return self.of(name, "textContent")

    def click(self, name):
        self.of(name, "click()")
        self.evaluate(TWO_FRAMES)


@pytest.fixture(scope="module")
def browser():
    need("html")
    with Chromium(60) as found:
        yield found


@pytest.fixture
def person(browser, tmp_path):
    person = Person(browser)
    person.file = tmp_path / "page.html"
    person.file.write_bytes(content_of(page_model()))
    browser.problems.clear()
    yield person
    assert not browser.problems


def content_of(model):
    (content,) = write_html(make_plan(model), "page.html", model.details).values()
    return content


SEVEN = [(0.3, 0.25), (0.5, 0.24), (0.7, 0.26), (0.6, 0.5), (0.5, 0.8)]
LOOP = [(0.5 + 0.2 * np.sin(a), 0.5 - 0.3 * np.cos(a)) for a in np.linspace(0, 6.4, 30)]


# -- the picture ----------------------------------------------------------------------


def test_the_network_receives_what_fit_image_makes(person):
    person.look()
    for shape in (SEVEN, LOOP, [(0.5, 0.5)], [(0, 0), (0, 1), (1, 1), (1, 0)]):
        person.draw(shape)
        grey = person.bytes_of("ardoise.greyLevels()").reshape(560, 560)
        made = fit_image(grey, 28, 28).reshape(-1)
        got = person.received()
        assert np.abs(got.astype(int) - made).max() <= 1
        assert (got == made).mean() > 0.95
        assert 10 < np.count_nonzero(got > 127) < 400
        p = person.evaluate("ardoise.predictProba(ardoise.received())")
        expected = page_model().network.predict_proba(got.reshape(1, 28, 28, 1))[0]
        np.testing.assert_allclose(p, expected, atol=1e-5)


def test_prepared_where_the_network_learned_so(person):
    settings = Settings(thickest=3.0)
    model = page_model(prepare=settings.config())
    person.file.write_bytes(content_of(model))
    person.look()
    for shape in (SEVEN, LOOP, [(0.5, 0.5)], [(0, 0), (0, 1), (1, 1), (1, 0)]):
        person.draw(shape)
        grey = person.bytes_of("ardoise.greyLevels()").reshape(560, 560)
        made, report = prepare(grey, settings)
        got = person.received()
        assert not report.is_empty
        assert np.abs(got.astype(int) - made.reshape(-1)).max() <= 2


def test_dark_on_light_where_the_network_learned_so(person):
    person.file.write_bytes(content_of(page_model(dark_on_light=True)))
    person.look()
    assert (person.received() == 255).all()
    person.draw(SEVEN)
    assert np.count_nonzero(person.received() < 127) > 10


def test_pictures_that_are_not_square(person):
    person.file.write_bytes(content_of(page_model((12, 20))))
    person.look()
    person.draw(SEVEN)
    assert person.received().shape == (240,)
    box = person.box()
    assert box["width"] / box["height"] == pytest.approx(20 / 12, rel=0.01)


def in_node(folder, function, cases):
    """Return what a function of prepare.js makes of each case: bytes and arguments."""
    source = resources.files("ardoise.export") / "templates" / "prepare.js"
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "run.js").write_text(
        source.read_text("utf-8")
        + "const cases = JSON.parse(require('fs').readFileSync('cases.json'));"
        "const made = cases.map(([x, ...given]) =>"
        f"  Array.from({function}(Uint8Array.from(x), ...given)));"
        "process.stdout.write(JSON.stringify(made));"
    )
    command = [shutil.which("node"), "run.js"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return json.loads(done.stdout)


def test_fit_image_in_javascript(tmp_path):
    """On what no drawing is as well: noise, light borders, any size."""
    need("js")
    rng = np.random.default_rng(0)
    cases, expected = [], []
    for i in range(60):
        h, w = (int(n) for n in rng.integers(1, 90, 2))
        to = (28, 28) if i % 2 else tuple(int(n) for n in rng.integers(1, 50, 2))
        image = rng.integers(0, 256, (h, w)).astype(np.uint8)
        if i % 3 == 0:  # a flat background: the median is no matter of chance
            image = np.where(rng.random((h, w)) < 0.2, image, i * 4).astype(np.uint8)
        cases.append([image.reshape(-1).tolist(), h, w, *to])
        expected.append(fit_image(image, *to).reshape(-1))
    for got, wanted in zip(in_node(tmp_path, "fitImage", cases), expected, strict=True):
        # Which of rows and columns come first is up to Pillow's version.
        assert np.abs(np.array(got) - wanted.astype(int)).max() <= 1


def test_prepare_in_javascript(tmp_path):
    """On digits of all sizes and widths of strokes, with specks, or nothing at all."""
    need("js")
    rng = np.random.default_rng(0)
    digits = load_mnist().images[:40, ..., 0]
    cases, expected = [np.zeros((50, 70), np.uint8)], []
    for digit in digits:
        times = int(rng.integers(1, 9))
        large = np.kron(digit, np.ones((times, times), np.uint8))
        # Sharp, like chalk: most of the ink has the strongest level.
        large = np.where(large > 90, 255, 0).astype(np.uint8)
        cases.append(np.pad(large, rng.integers(0, 40, (2, 2))))
        cases[-1][0, 0] = 255
    settings = [Settings(thinnest=t) for t in (1.2, 2.5)]
    settings += [Settings(thickest=2.0), Settings(dark_on_light=True)]
    for i, case in enumerate(cases):
        expected.append(prepare(case, settings[i % 4])[0].reshape(-1))
    given = [
        [case.reshape(-1).tolist(), *case.shape, settings[i % 4].config()]
        for i, case in enumerate(cases)
    ]
    made = in_node(tmp_path, "prepareDrawing", given)
    for got, wanted in zip(made, expected, strict=True):
        assert np.abs(np.array(got) - wanted.astype(int)).max() <= 2


# -- ways to draw ---------------------------------------------------------------------


def test_mouse(person):
    person.look()
    assert person.text("answer") == "The slate is clean."
    person.draw(SEVEN)
    p = np.array(person.evaluate("ardoise.predictProba(ardoise.received())"))
    assert person.text("best") == CLASSES[p.argmax()]
    said = person.evaluate(SAID)
    first, second = np.argsort(-p)[:2]
    assert f"{CLASSES[first]} ({p[first]:.0%})" in said
    assert f"{CLASSES[second]} ({p[second]:.0%})" in said
    shown = person.evaluate(
        "JSON.stringify([...document.querySelectorAll('.value')]"
        ".map((e) => e.textContent))"
    )
    assert json.loads(shown) == [f"{share:.0%}" for share in p]


def test_finger(person):
    person.look(width=360, height=740, touch=True)
    person.touch(SEVEN)
    assert np.count_nonzero(person.received() > 127) > 10
    assert person.text("best")


def test_a_move_without_a_button_draws_nothing(person):
    person.look()
    for point in person.points(SEVEN):
        self_move = {"type": "mouseMoved", **point, "button": "none", "buttons": 0}
        person.call("Input.dispatchMouseEvent", **self_move)
    person.evaluate(TWO_FRAMES)
    assert not person.received().any()


def test_keyboard_alone(person):
    person.look()
    focused = []
    for _ in range(4):
        person.press("Tab")
        focused.append(person.evaluate("document.activeElement.id"))
    assert focused == ["language", "slate", "clear", "undo"]
    person.press("Tab", "Tab", modifiers=8)
    assert person.evaluate("document.activeElement.id") == "slate"
    assert person.of("pen", "hidden") is False
    person.press(*["ArrowUp"] * 5)
    assert not person.received().any()
    person.press(" ", *["ArrowDown"] * 10, *["ArrowRight"] * 5, " ")
    assert person.text("state") == "The pen is up."
    one = np.count_nonzero(person.received() > 127)
    assert 20 < one < 60
    person.press("ArrowRight", "ArrowRight", "ArrowRight", " ", " ")  # a dot
    assert np.count_nonzero(person.received() > 127) > one
    person.press("z", modifiers=2)
    assert np.count_nonzero(person.received() > 127) == one
    assert "The slate" not in person.evaluate(SAID)
    person.press("Delete")
    assert not person.received().any()
    assert person.evaluate(SAID) == "The slate is clean."


def test_the_pen_stays_on_the_slate(person):
    person.look()
    person.press("Tab", "Tab", " ")
    person.press(*["ArrowLeft"] * 12, modifiers=8)
    person.press("ArrowRight", "ArrowRight")
    picture = person.received().reshape(28, 28)
    assert picture[14, 0] > 127 and picture[14, 14] > 127 and not picture[14, 16:].any()


def test_buttons(person):
    person.look()
    assert person.of("clear", "getAttribute('aria-disabled')") == "true"
    person.draw(SEVEN)
    assert person.of("clear", "getAttribute('aria-disabled')") == "false"
    first = person.received()
    person.draw(LOOP)
    person.click("undo")
    np.testing.assert_array_equal(person.received(), first)
    person.click("clear")
    assert not person.received().any() and person.text("best") == ""
    person.click("undo")  # of nothing


# -- languages, themes, sizes ---------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "expected"),
    [("fr", "fr"), ("fr-CA", "fr"), ("en-GB", "en"), ("de", "en"), ("frr", "en")],
)
def test_the_browser_s_language(person, lang, expected):
    person.look(lang=lang)
    heading = {"fr": "Dessinez un chiffre", "en": "Draw a digit"}[expected]
    assert person.evaluate("document.documentElement.lang") == expected
    assert person.evaluate("document.querySelector('h1').textContent") == heading
    assert person.evaluate("document.title") == f"{heading} – ardoise"
    person.draw(SEVEN)
    said = person.evaluate(SAID)
    assert ("\u00a0%" in said or "\u202f%" in said) == (expected == "fr")
    person.click("language")
    other = {"fr": "en", "en": "fr"}[expected]
    assert person.evaluate("document.documentElement.lang") == other
    assert person.received().any()


def test_what_the_model_says_of_itself(person):
    person.file.write_bytes(
        content_of(page_model(test={"correct": 9842, "total": 10000}))
    )
    person.look(lang="fr")
    said = person.text("network")
    assert "28×28 → 16 → 10" in said and "12\u202f730 poids" in said
    assert "98,4\u00a0% de 10\u202f000 images" in said


def test_a_score_on_validation_images():
    score = {"correct": 5910, "total": 6000}
    content = content_of(page_model(validation_score=score)).decode()
    assert "98.5% of 6,000 images right that it did not learn from" in content


@pytest.mark.parametrize(
    "test",
    [
        None,
        [],
        {},
        {"correct": 2, "total": 1},
        {"correct": "<b>", "total": 1},
        {"correct": 0, "total": 0},
        {"correct": True, "total": 1},
        {"correct": 1.5},
    ],
)
def test_details_that_are_no_score(test):
    content = content_of(page_model(test=test)).decode()
    assert "test images" not in content.split('"network": ')[1][:200]


# Contrast of every text with what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || e.closest(".hidden, script, noscript") || !e.offsetWidth) continue;
    let behind = e;
    while (parse(getComputedStyle(behind).backgroundColor)[3] === 0) {
      behind = behind.parentElement;
    }
    const back = parse(getComputedStyle(behind).backgroundColor);
    const front = parse(getComputedStyle(e).color);
    const a = front[3] ?? 1;
    const seen = front.slice(0, 3).map((v, i) => a * v + (1 - a) * back[i]);
    const [low, high] = [light(seen), light(back)].sort((x, y) => x - y);
    found.push([(high + 0.05) / (low + 0.05), e.textContent, e.id || e.className]);
  }
  return JSON.stringify(found);
})()"""


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1000])
def test_everything_can_be_read(person, lang, theme, width):
    person.look(lang=lang, theme=theme, width=width, height=800)
    for _ in range(2):
        wide = person.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        contrasts = json.loads(person.evaluate(CONTRAST))
        assert len(contrasts) > 15
        for ratio, text, name in contrasts:
            assert ratio >= 4.5, (name, text)
        sizes = json.loads(
            person.evaluate(
                "JSON.stringify([...document.querySelectorAll('button')]"
                ".map(e => e.getBoundingClientRect().height))"
            )
        )
        assert min(sizes) >= 44
        person.draw(SEVEN)
        person.evaluate(SAID)


def test_names_for_screen_readers(person):
    person.look(lang="fr")
    tree = person.call("Accessibility.getFullAXTree")["nodes"]
    names = {}
    for node in tree:
        if not node.get("ignored"):
            role = node["role"]["value"]
            names.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    assert names["application"] == ["Ardoise"]
    assert names["image"] == ["Ce que le réseau reçoit"]
    assert names["button"] == ["English", "Effacer", "Annuler"]
    assert names["heading"] == [
        "Dessinez un chiffre",
        "Ardoise",
        "Ce que lit le réseau",
    ]
    assert len(names["listitem"]) == 10
    person.call("Accessibility.disable")


def test_a_page_that_the_browser_may_not_read(browser, tmp_path):
    with pytest.raises(NotProvedError, match="ERR_FILE_NOT_FOUND"):
        browser.open(tmp_path / "missing.html")
    browser.problems.clear()


def test_its_policy_allows_no_connection(person):
    person.look()
    reason = person.evaluate(
        "fetch('data:,x').then(() => 'allowed', () => 'forbidden')"
    )
    assert reason == "forbidden"
    assert any("Content Security Policy" in p for p in person.browser.problems)
    person.browser.problems.clear()
