"""Fashion-MNIST and letters on the command line, from a local server."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from ardoise.cli.downloads import ShownDownload
from ardoise.cli.parts import absolute, default_split, shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.digits import cache_folder
from ardoise.digits.remote.table import FASHION, SOURCES
from tests.digits.bad_server import (
    N_TEST,
    N_TRAIN,
    BadServer,
    good,
    small_fashion,
    small_letters,
)

TRAIN = ("--epochs", 2, "--threads", 1, "--output", "run")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("ARDOISE_CACHE", str(tmp_path / "cache"))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def server():
    with BadServer() as running:
        yield running


@pytest.fixture
def fashion(server, made, monkeypatch):
    small = small_fashion(made, lambda name, c: (server.at(good(c), name),))
    monkeypatch.setitem(SOURCES, "fashion", small)
    return small


@pytest.fixture
def letters(server, made, monkeypatch):
    small = small_letters(made, lambda name, c: (server.at(good(c), name),))
    monkeypatch.setitem(SOURCES, "letters", small)
    return small


@pytest.fixture
def nowhere(made, monkeypatch):
    """No network: the addresses are of a server that is gone."""
    with BadServer() as gone:
        address = gone.address("/")
    small = small_fashion(made, lambda name, _: (f"{address}{name}",))
    monkeypatch.setitem(SOURCES, "fashion", small)
    return address


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_training_and_after(ardoise, fashion, server, lang, pictures):
    say = ("--lang", lang)
    said = ardoise("train", "--data", "fashion", *TRAIN, *say)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    downloads = [line for line in lines if "ubyte.gz" in line]
    assert len(downloads) == 4 == len(server.asked)
    mine = "Downloading" if lang == "en" else "Téléchargement de"
    assert all(line.startswith(mine) for line in downloads)
    validation = N_TRAIN // 10
    assert any(
        f"{N_TRAIN - validation}" in line and f" {N_TEST} " in line for line in lines
    )
    boot = "Ankle boot" if lang == "en" else "Bottine"
    shirt = "T-shirt/top" if lang == "en" else "T-shirt ou haut"
    again = ardoise("evaluate", "run", *say)
    assert (again.code, again.err) == (0, "") and "Fashion-MNIST" in again.out
    assert "official" in again.out and f"{validation} images" in again.out
    assert boot in again.out and shirt in again.out
    # The model's names are the same in both languages: it can be asked in the other.
    other = ardoise("evaluate", "run", "--lang", "fr" if lang == "en" else "en")
    assert other.code == 0 and boot not in other.out
    assert len(server.asked) == 4  # all of that from the cache
    assert boot in ardoise("info", "run", *say).out
    read = ardoise("predict", *pictures, "--model", "run", *say)
    assert read.code == 0
    names = shown_classes(FASHION.classes, lang)
    assert all(any(n in line for n in names) for line in read.out.splitlines())
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert boot in page
    assert ardoise("evaluate", "run", "--data", "Fashion", *say).out == again.out


def test_letters(ardoise, letters, server):
    said = ardoise("train", "--data", "letters", *TRAIN[:2], "--output", "run")
    assert (said.code, said.err) == (0, "")
    said = ardoise("evaluate", "run")
    assert "Data EMNIST letters (validation part of the split official)" in said.out
    said = ardoise("evaluate", "run", "--final")
    assert "Data EMNIST letters (test part of the split official): 60" in said.out
    assert len(server.asked) == 1


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_they_hold(ardoise, fashion, letters, lang, somewhere):
    said = ardoise("data", "fashion", "--sheet", "sheet.png", "--lang", lang)
    assert (said.code, said.err) == (0, "") and (somewhere / "sheet.png").exists()
    assert "licence MIT" in said.out
    assert ("Trouser" if lang == "en" else "Pantalon") in said.out
    said = ardoise("data", "letters", "--lang", lang)
    assert "NIST" in said.out and "ardoise data letters --sheet" in said.out


def test_the_split_is_the_data_s_own(fashion):
    for wish in ("official", "notebook"):
        assert default_split("fashion", wish) == "official"
        assert default_split("mnist", wish) == wish
    assert absolute("Letters") == "letters"


def test_a_folder_of_that_name(ardoise, fashion, somewhere):
    (somewhere / "fashion").mkdir()
    assert "Fashion-MNIST" in ardoise("data", "fashion").out
    assert "no sub-folder" in ardoise("data", "./fashion").sentence


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("command", ["train", "data"])
def test_no_network(ardoise, nowhere, somewhere, command, lang):
    options = ("--data", "fashion", *TRAIN) if command == "train" else ("fashion",)
    said = ardoise(command, *options, "--lang", lang)
    assert (said.code, said.out) == (1, "")
    for word in (*FASHION.parts, str(cache_folder() / "fashion"), nowhere):
        assert word in said.sentence
    refused = "the connection is refused" if lang == "en" else "connexion est refusée"
    assert refused in said.sentence
    assert not (somewhere / "run").exists()


def test_an_unwritable_cache(ardoise, fashion, somewhere, monkeypatch):
    (somewhere / "file").write_text("")
    monkeypatch.setenv("ARDOISE_CACHE", str(somewhere / "file" / "cache"))
    said = ardoise("train", "--data", "fashion", *TRAIN)
    assert (said.code, said.out) == (1, "")
    assert said.sentence.endswith("or set ARDOISE_CACHE to another folder.")


def test_ctrl_c_while_it_downloads(server, made, somewhere):
    """One line, exit code 130, and the part that had come stays."""
    small = small_fashion(
        made, lambda name, c: (server.at(server.drips(c, 0.02, 400), name),)
    )
    code = (
        "import sys\n"
        "from ardoise.digits.remote.table import RemoteData, RemoteFile, SOURCES\n"
        f"SOURCES['fashion'] = {small!r}\n"
        "from ardoise.cli.app import run\n"
        "sys.exit(run(['data', 'fashion']))\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    part = cache_folder() / "fashion" / f"{FASHION.parts[0]}.part"
    try:
        while not (part.exists() and part.stat().st_size > 2000):
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    finally:
        running.kill()
    assert running.returncode == 130
    assert out.startswith("Downloading train-images") and len(err.splitlines()) == 1
    assert part.stat().st_size > 2000


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_bar(lang):
    terminal = Terminal(lang)
    shown = io.StringIO()
    terminal.out = Console(
        file=shown, force_terminal=True, width=100, highlight=False, markup=False
    )
    with ShownDownload(terminal) as progress:
        for got in (0, 400_000, 1_200_000):
            progress("one.gz", got, 1_200_000)
            progress._bar.refresh()
        progress("two.gz", 5_000, 10_000)
    text = shown.getvalue()
    if lang == "en":
        assert "Downloading one.gz (1.2 MB)." in text and "0.4 of 1.2 MB" in text
        assert "Downloading two.gz (0.010 MB)." in text
    else:
        assert "0,4 sur 1,2\u00a0Mo" in text
