"""A browser, and servers for it that run as anybody's do.

Whatever the browser's console complains of, and whatever a page asks of another
machine, fails the test.

The fixtures of pytest-playwright live as long as the session, with an event loop that
no other test of the main thread could then do without: these end with this folder.
"""

import contextlib
import time
from dataclasses import replace

import numpy as np
import pytest
from served import command
from small_session import small_data

from ardoise.digits.planning import learn, plan_of
from ardoise.digits.recipes import RECIPES
from ardoise.files import save_model
from browser.asking import ask


@pytest.fixture(scope="package")
def chromium():
    from browser.driving import launched

    with launched() as browser:
        yield browser


# -- servers ---------------------------------------------------------------------------


@contextlib.contextmanager
def served(folder, *arguments):
    """Serve a slate that saves models in a folder; it ends by itself as by Ctrl-C."""
    with contextlib.ExitStack() as ending:
        with contextlib.chdir(folder):
            slate = ending.enter_context(command(*arguments))
        yield slate
        assert slate.end()[0] == 0


@pytest.fixture(scope="package")
def slate(tmp_path_factory):
    """The slate as everybody starts it; in it nobody trains."""
    with served(tmp_path_factory.mktemp("slate")) as slate:
        yield slate


@pytest.fixture(scope="package")
def gym(tmp_path_factory):
    """Another, for trainings."""
    with served(tmp_path_factory.mktemp("gym")) as slate:
        yield slate


@pytest.fixture(scope="package")
def school(tmp_path_factory):
    """A third, for teaching: its network knows few digits, so it learns in seconds."""
    folder = tmp_path_factory.mktemp("school")
    data, path = small_data(), folder / "digits.npz"
    names = np.array(data.classes)[data.labels]
    np.savez(path, images=data.images[..., 0], labels=names)
    recipe = replace(RECIPES["mlp"], epochs=4, augmentation=None, outliers=0.0)
    plan = plan_of(recipe, data, str(path), "70/20/10", 0, threads=1)
    learn(plan)
    save_model(folder / "small.safetensors", plan.model(plan.networks[0]))
    with served(folder, folder / "small.safetensors") as slate:
        yield slate


@pytest.fixture
def clean(school):
    """The slate for teaching, without digits before and after."""
    rest(school)
    yield school
    rest(school)


@pytest.fixture
def lab(gym):
    """The slate for trainings, at rest before and after."""
    rest(gym)
    yield gym
    rest(gym)


def rest(slate):
    """End what a slate learns, and remove its digits."""
    while ask(slate, "hello", lang="en")["learning"] != "idle":
        ask(slate, "learn.stop", keep="last")
        time.sleep(0.05)
    for _ in ask(slate, "hand.list")["labels"]:
        ask(slate, "hand.remove", n=0)


# -- pages -----------------------------------------------------------------------------


@pytest.fixture
def visit(chromium):
    """Open pages of a slate, each in a browser that is set up as somebody's is."""
    from browser.driving import PATIENCE, ready

    complaints = []
    with contextlib.ExitStack() as closing:

        def open_page(slate, section="draw", *, context=None, script=None, **options):
            if context is None:
                options = {"width": 1280, "height": 900, **options}
                size = {name: options.pop(name) for name in ("width", "height")}
                options = {"locale": "en-GB", "color_scheme": "dark", **options}
                context = chromium.new_context(viewport=size, **options)
                context.set_default_timeout(1000 * PATIENCE)
                closing.callback(context.close)
                listen(context, slate.address, complaints)
            page = context.new_page()
            if script is not None:
                page.add_init_script(script)
            place = "" if section == "draw" else f"#{section}"
            page.goto(f"{slate.address}/?token={slate.token}{place}")
            ready(page, section)
            return page

        open_page.complaints = complaints
        yield open_page
    assert complaints == []


def listen(context, address, complaints):
    """Note what the console complains of, and requests that leave this machine."""
    own = (f"{address}/", address.replace("http", "ws", 1), "blob:", "data:")

    def check(url):
        if not url.startswith(own):
            complaints.append(f"asked for {url}")

    def hear(message):
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    context.on("console", hear)
    context.on("weberror", lambda caught: complaints.append(str(caught.error)))
    context.on("request", lambda request: check(request.url))
    context.on("page", lambda page: page.on("websocket", lambda ws: check(ws.url)))
