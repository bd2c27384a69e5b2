"""How quick the slate is: the figures of docs/en/guides/slate.md, on an idle machine.

``python -m tests.evidence.slate`` opens the page in Chromium as a user does, draws on
it at 60 points a second, alone and beside a training of the `conv` preset; asks one
server for thousands of predictions; and trains the same network on the open page and
by ``ardoise train``, in turn.
"""

import argparse
import contextlib
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from ardoise.digits import load_mnist
from ardoise.slate.packets import pack, unpack

sys.path.insert(0, str(Path(__file__).parents[1] / "slate"))
from browser.asking import ask
from browser.driving import launched, ready, state, wait_until
from browser.latency import LISTENER, measure
from served import PATIENCE, command, page_of

# The preset `conv`, in the command line's words.
SAME = ("--recipe", "fastest", "--epochs", "3", "--learning-rate", "0.01")
WARM = 1_000  # predictions before memory is read: what grows once is there by then


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.slate")
    parser.add_argument("--rounds", type=int, default=5, help="of each training")
    parser.add_argument("--predictions", type=int, default=50_000)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with command() as slate, launched() as browser:
            pens(slate, browser)
        with command() as slate:
            memory(slate, options.predictions)
        trainings(options.rounds)


def visit(browser, slate, section, script=None):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en-GB")
    if script is not None:
        page.add_init_script(script)
    place = "" if section == "draw" else f"#{section}"
    page.goto(f"{slate.address}/?token={slate.token}{place}")
    ready(page, section)
    return page


def pens(slate, browser):
    """From the pen to the answer, idle and while a convolution trains."""
    page = visit(browser, slate, "draw", LISTENER)
    measure(page)
    print(f"idle: {measure(page, 6)}", flush=True)
    ask(slate, "learn.start", preset="conv")
    wait_until(lambda: page.evaluate("points.length") > 3)
    page.evaluate("points.length = 0")
    since = page.evaluate("performance.now()")
    found = measure(page, 2)
    seconds = (page.evaluate("performance.now()") - since) / 1000
    points = page.evaluate("points.flat().length")
    assert state(page) == "running"
    print(f"beside a training: {found}, {points / seconds:.0f} points/s", flush=True)
    page.close()


def memory(slate, n):
    """What the server grows by, in so many predictions."""
    images = load_mnist().images[:500, ..., 0]
    pads = [np.kron(image, np.ones((5, 5), np.uint8)) for image in images]
    with page_of(slate.address, slate.token) as socket:
        for i in range(WARM + n):
            if i == WARM:
                before, started = resident(slate.process.pid), time.perf_counter()
            request = {"id": i, "type": "draw"}
            socket.send(pack(request, {"pad": pads[i % len(pads)]}))
            header, _ = unpack(socket.recv(timeout=PATIENCE))
            assert header["id"] == i and "error" not in header, header
    after, seconds = resident(slate.process.pid), time.perf_counter() - started
    grown = (after - before) / 1e6
    print(f"{n:,} predictions in {seconds:.0f} s: {grown:+.1f} MB", flush=True)


def resident(pid):
    """Return the bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def trainings(rounds):
    """The same training on an open page and by the command line, in turn."""
    page_seconds, line_seconds = [], []
    for i in range(rounds):
        with command() as slate, launched() as browser:
            visit(browser, slate, "learn")
            ask(slate, "learn.start", preset="conv")
            # Asked rarely, and not the page: what is timed is the training.
            while ask(slate, "hello", lang="en")["learning"] == "running":
                time.sleep(1)
            epochs = ask(slate, "learn.state")["epochs"]
            page_seconds.append(epochs[-1]["seconds"])
        run = Path(f"run-{i}")
        train = [sys.executable, "-m", "ardoise", "train", *SAME, "--output", run]
        subprocess.run(list(map(str, train)), check=True, stdout=subprocess.DEVNULL)
        with open(run / "history.csv", newline="") as file:
            *_, last = csv.DictReader(file)
        line_seconds.append(float(last["seconds"]))
        print(f"{page_seconds[-1]:.2f} s, {line_seconds[-1]:.2f} s", flush=True)
    ratio = median(line_seconds) / median(page_seconds)
    print(f"a training on the page is {ratio:.0%} as fast as by `ardoise train`")


if __name__ == "__main__":
    main()
