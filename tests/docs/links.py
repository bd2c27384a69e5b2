"""The built site, read: every link leads somewhere, and nothing comes from outside."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that load something.
LOADS = ("src", "srcset", "data", "poster", "action", "formaction")
CSS_URL = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")


@dataclass
class Page(HTMLParser):
    """What a page links to, loads, and can be linked to."""

    file: Path
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._is_style = False
        self.feed(self.file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._is_style = tag == "style"
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.loads += [given[name] for name in LOADS if name in given]
        self.loads += CSS_URL.findall(given.get("style", ""))
        if "href" in given:
            (self.links if tag in ("a", "area") else self.loads).append(given["href"])

    def handle_data(self, data: str) -> None:
        if self._is_style:
            self.loads += CSS_URL.findall(data)


def is_outside(link: str) -> bool:
    parts = urlsplit(link)
    return parts.scheme not in ("", "data", "blob") or bool(parts.netloc)


def wrong(site: Path) -> Iterator[str]:
    """Yield a sentence for each link that leads nowhere, and each load from outside."""
    pages = {file: Page(file) for file in sorted(site.rglob("*.html"))}
    for file, page in pages.items():
        name = file.relative_to(site)
        yield from (f"{name} loads {load}" for load in page.loads if is_outside(load))
        for link in {*page.links, *page.loads}:
            if is_outside(link) or link.startswith(("data:", "blob:")):
                continue
            path, anchor = urlsplit(link).path, unquote(urlsplit(link).fragment)
            target = (file.parent / unquote(path)).resolve() if path else file.resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{name} links to {link}, which is not there"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{name} links to {link}, which has no such place"
    for file in site.rglob("*.css"):
        for link in CSS_URL.findall(file.read_text(encoding="utf-8")):
            if is_outside(link):
                yield f"{file.relative_to(site)} loads {link}"
