"""Checks the built site: ``python -m tests.docs.site site``, which `make docs` runs.

Links and what is loaded are read from the files. `make docs-check` also opens every
page in Chromium, wide and as narrow as a phone, where axe looks at it; what a page asks
of another machine, or its console complains of, is a mistake. A page that is light when
wide is dark when narrow, and the next one the other way round: axe takes seconds for a
look.
"""

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import Any

from ardoise.export.chromium import find_chromium
from tests.docs.links import wrong

LOOKS = ((1280, ("light", "dark")), (360, ("dark", "light")))
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and says nothing."""

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the site; yield its address."""
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def opened(chromium: Any, address: str, complaints: list[str], **options: Any) -> Any:
    """Yield a page of a browser that is set up as somebody's is."""
    context = chromium.new_context(**options)
    context.on("weberror", lambda caught: complaints.append(str(caught.error)))
    page = context.new_page()

    def ask(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            complaints.append(f"{page.url} asks for {request.url}")

    def hear(message: Any) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{page.url}: {message.type}: {message.text}")

    context.on("request", ask)
    context.on("console", hear)
    yield page
    context.close()


def looked_at(page: Any, axe: Any) -> Iterator[str]:
    """Yield what axe finds, and whether the page scrolls to the side."""
    for found in axe.run(page).response["violations"]:
        where = found["nodes"][0]["target"]
        yield f"{found['id']}: {found['help']} ({len(found['nodes'])}, first {where})"
    width = page.evaluate("document.documentElement.scrollWidth")
    room = page.evaluate("document.documentElement.clientWidth")
    if width > room:
        yield f"is {width} pixels wide in {room}"


def browsed(
    site: Path, names: list[str], width: int, themes: Sequence[str]
) -> list[str]:
    """Return what is wrong with pages in a browser, in one theme after the other."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    axe = Axe()
    found: list[str] = []
    with sync_playwright() as started, served(site) as address:
        chromium = started.chromium.launch(
            executable_path=find_chromium(), args=list(FLAGS)
        )
        size = {"width": width, "height": 900}
        with opened(chromium, address, found, viewport=size) as page:
            for name, theme in zip(names, cycle(themes), strict=False):
                page.emulate_media(color_scheme=theme)
                page.goto(f"{address}/{name}", wait_until="load")
                if name.endswith("slate/index.html"):
                    page.wait_for_selector(".live[aria-label]")
                at = f"{name} at {width}, {theme}"
                found += [f"{at}: {each}" for each in looked_at(page, axe)]
        chromium.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("pages", nargs="*", help="only these, such as en/index.html")
    parser.add_argument("--links", action="store_true", help="the links alone")
    given = parser.parse_args()
    start = time.monotonic()
    mistakes = list(wrong(given.site))
    files = sorted(given.site.rglob("*.html"))
    names = given.pages or [str(file.relative_to(given.site)) for file in files]
    if not given.links:
        with ProcessPoolExecutor(len(LOOKS)) as pool:
            looks = [pool.submit(browsed, given.site, names, *look) for look in LOOKS]
        mistakes += [each for look in looks for each in look.result()]
    for mistake in mistakes:
        print(mistake)
    seconds = time.monotonic() - start
    print(f"{len(names)} pages, {len(mistakes)} mistakes, {seconds:.0f} s")
    return 1 if mistakes else 0


if __name__ == "__main__":
    raise SystemExit(main())
