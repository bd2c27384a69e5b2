"""A headless Chromium that opens a page from disk, through the DevTools protocol.

It is spoken over a pair of pipes, so that no port is opened. Whatever the page asks of
a network, and whatever it has to complain of, is written down.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ardoise.export.errors import NotProvedError

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
OPTIONS = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--no-default-browser-check", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--mute-audio", "--remote-debugging-pipe"),
)
START_LIMIT = 60.0  # seconds
# The browser reads from file 3 and writes to file 4: this puts the pipes there.
_TRAMPOLINE = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 10) for n in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str:
    """Return the path of a browser.

    Raises
    ------
    NotProvedError
        If there is none, or the system has no such pipes (Windows).
    """
    found = [path for path in map(shutil.which, NAMES) if path]
    if not found or os.name != "posix":
        raise NotProvedError("export.no_browser")
    return found[0]


class Chromium:
    """A browser with one page; a context manager.

    Attributes
    ----------
    problems : list of str
        Exceptions, errors on the console, and requests for anything but the page.

    Raises
    ------
    NotProvedError
        If there is no browser, it does not start, or does not answer in time.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self.problems: list[str] = []
        self._messages: list[dict[str, Any]] = []
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self._page = ""

    def __enter__(self) -> Chromium:
        browser = find_chromium()
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [browser, *OPTIONS, *sandbox, f"--user-data-dir={self._profile.name}"]
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        pipes = to_read, to_write
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _TRAMPOLINE, *map(str, pipes), *command],
            pass_fds=pipes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for pipe in pipes:
            os.close(pipe)
        try:
            self._attach()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _attach(self) -> None:
        limit, self._limit = self._limit, START_LIMIT
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        answer = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self._limit = limit

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._session = None
            self._send("Browser.close", {})
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._profile.cleanup()

    # -- the protocol ------------------------------------------------------------

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return what the browser answers to a command of the protocol."""
        try:
            number = self._send(method, parameters)
        except OSError:  # it is gone
            raise NotProvedError("export.no_start", tool="Chromium") from None
        answer = self._wait(lambda message: message.get("id") == number)
        if "error" in answer:
            raise NotProvedError(
                "export.no_start", tool=f"Chromium ({answer['error']})"
            )
        result: dict[str, Any] = answer["result"]
        return result

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        return self._number

    def _wait(self, is_wanted: Any) -> dict[str, Any]:
        """Return the first message that is wanted; note what others tell."""
        end = time.monotonic() + self._limit
        while True:
            while self._messages:
                message = self._messages.pop(0)
                self._note(message)
                if is_wanted(message):
                    return message
            ready, _, _ = select.select(
                [self._read], [], [], max(0.0, end - time.monotonic())
            )
            if not ready:
                raise NotProvedError(
                    "export.slow", tool="Chromium", limit=round(self._limit)
                )
            data = os.read(self._read, 1 << 20)
            if not data:
                raise NotProvedError("export.no_start", tool="Chromium")
            *whole, self._rest = (self._rest + data).split(b"\0")
            self._messages += [json.loads(text) for text in whole]

    def _note(self, message: dict[str, Any]) -> None:
        method, said = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            thrown = details.get("exception", {}).get("description")
            self.problems.append(thrown or details["text"])
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.problems.append(said["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] == "error":
            self.problems.append(str(said["args"]))
        elif method == "Network.requestWillBeSent":
            url = said["request"]["url"]
            if url != self._page and not url.startswith("data:"):
                self.problems.append(url)

    # -- the page ----------------------------------------------------------------

    def open(self, file: Path) -> None:
        """Open a page from disk and wait until it is there.

        Raises
        ------
        NotProvedError
            If the browser may not read it (some are shut up in a box of their own).
        """
        self._page = file.resolve().as_uri()
        answer = self.call("Page.navigate", url=self._page)
        if "errorText" in answer:
            tool = f"Chromium ({answer['errorText']})"
            raise NotProvedError("export.no_start", tool=tool)
        self._wait(lambda message: message.get("method") == "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression; None, and a problem, if it throws."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            thrown = details.get("exception", {}).get("description")
            self.problems.append(thrown or details["text"])
            return None
        return answer["result"].get("value")
