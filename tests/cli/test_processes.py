"""The command as people run it: terminals, pipes, Ctrl-C, missing packages.

Each test starts Python once or twice; everything that needs no process of its own
stands in the other files.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import numpy as np
import pytest
from small_data import stripes

from ardoise.files import load_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")

COMMAND = (sys.executable, "-W", "error", "-m", "ardoise")
LONG = ("--epochs", "100000", "--threads", "1", "--output", "run")
FILES = {"model.safetensors", "history.csv", "report.html"}
PICTURES = {"confusion.png", "curve.png", "grid.png", "mistakes.png"}
PATIENCE = 60  # seconds, on a busy machine


def start(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([*COMMAND, *map(str, arguments)], **options)


def finished(*arguments, code=0, **options):
    """Run a command to its end; return what it printed on both outputs."""
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, (out, err)
    assert b"Traceback" not in err
    return out, err


def names(folder):
    return {file.name for file in folder.iterdir()}


# -- Ctrl-C ---------------------------------------------------------------------------


def interrupted(data):
    """Start a training that would last for hours, and press Ctrl-C during it."""
    process = start("train", "--data", data, *LONG, "--lang", "en")
    read_to(b"Network", process)
    time.sleep(0.3)  # the training is under way
    process.send_signal(signal.SIGINT)
    return process


def read_to(beginning, process):
    for line in process.stdout:
        if line.startswith(beginning):
            return
    raise AssertionError(process.stderr.read())


def test_ctrl_c_keeps_everything(data, somewhere):
    process = interrupted(data)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, b"")
    assert re.search(rb"Interrupted during epoch \d+: what was learned", out)
    assert b"Validation accuracy: " in out
    assert names(somewhere / "run") == FILES | PICTURES
    assert (
        load_model("run/model.safetensors").details["validation_score"]["total"] == 30
    )


def test_a_second_ctrl_c_keeps_the_model(data, somewhere):
    process = interrupted(data)
    read_to(b"Interrupted during epoch", process)
    process.send_signal(signal.SIGINT)  # while the pictures are drawn
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert re.fullmatch(rb"Interrupted: what was learned is in [^\n]+\n", err)
    assert names(somewhere / "run") < FILES | PICTURES
    load_model("run/model.safetensors")


@pytest.mark.parametrize("pause", [0.001, 0.01])
@pytest.mark.parametrize("after", [0.0, 0.5])
def test_a_fist_on_ctrl_c_keeps_the_model(data, somewhere, after, pause):
    process = start("train", "--data", data, *LONG, "--lang", "en")
    read_to(b"Network", process)
    time.sleep(after)
    for _ in range(30):
        process.send_signal(signal.SIGINT)
        time.sleep(pause)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert re.fullmatch(rb"(Interrupted[^\n]+\n)?", err)
    if after or err != b"Interrupted.\n":  # else it may not have begun
        load_model("run/model.safetensors")


# -- pipes ----------------------------------------------------------------------------


def test_a_reader_that_goes_away(data, somewhere):
    """``ardoise train … | head -1``: nobody asked the training to stop."""
    process = start("train", "--data", data, *LONG[2:], "--epochs", "3")
    assert process.stdout.readline().startswith(b"Recipe")
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(PATIENCE) == 0
    assert names(somewhere / "run") == FILES | PICTURES


def test_a_full_disk_behind_the_output(data, somewhere):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "wb") as full:
        _, err = finished("data", data, "--lang", "fr", stdout=full, code=1)
    text = err.decode()
    assert text == "L’écriture s’est arrêtée\u00a0: le disque est plein.\n"


def test_no_output_at_all(data, somewhere):
    options = ("--data", str(data), "--epochs", "1", "--threads", "1")
    closed = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *COMMAND, "train", *options]
    assert (
        subprocess.run([*closed, "--output", "run"], timeout=PATIENCE).returncode == 0
    )
    assert FILES <= names(somewhere / "run")


def test_an_output_that_knows_ascii_only(somewhere):
    images, labels = stripes(60)
    names = np.array(["chat", "chien", "élan ½ 漢"])[labels]
    np.savez("été.npz", x=images, y=names)
    environment = {**os.environ, "LANG": "fr_FR.UTF-8", "PYTHONIOENCODING": "ascii"}
    out, err = finished("data", "été.npz", env=environment)
    text = out.decode("ascii")
    assert text.startswith("ete : 60 images de 8 x 8 x 1 (uint8, valeurs de 0 a 219)")
    assert "elan 1 ?" in text and err == b""
    out, _ = finished("train", "--help", env=environment)
    assert b"Taux d'apprentissage (sa plus grande valeur, s'il varie)." in out
    _, err = finished("data", "manqué.csv", env=environment, code=1)
    assert err.startswith(b"manque.csv : ce fichier ou ce dossier n'existe pas ; v")


def test_a_system_without_utf_8(somewhere):
    """LC_ALL=C and a name that is not even ASCII."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONIOENCODING"}
    environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    images, labels = stripes(60)
    np.savez("\udce9.npz", x=images, y=labels)
    out, err = finished(
        "data", b"\xe9.npz".decode("utf-8", "surrogateescape"), env=environment
    )
    assert out.startswith(rb"\udce9: 60 images") and err == b""


# -- a terminal -----------------------------------------------------------------------


def on_a_terminal(columns, *arguments):
    """Run the command on a terminal of so many columns; return (exit code, frames)."""
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", 24, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    ends = dict.fromkeys(("stdin", "stdout", "stderr"), theirs)
    # With an env: readline, which pytest imports, exports COLUMNS behind our back.
    process = start(*arguments, **ends, env={**os.environ, "TERM": "xterm-256color"})
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):  # Linux's way of saying that it is over
        while time.monotonic() < deadline:
            if select.select([ours], [], [], 0.1)[0]:
                piece = os.read(ours, 1 << 16)
                if not piece:
                    break
                shown += piece
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    return process.wait(PATIENCE), re.split(r"[\r\n]+", text)


@pytest.fixture
def larger(somewhere):
    """Enough pictures for a training of about a second."""
    images, labels = stripes(12_000)
    np.savez("larger.npz", x=images, y=labels)
    return "larger.npz"


def test_the_live_bar(larger, somewhere):
    code, frames = on_a_terminal(
        80,
        *("train", "--data", larger, "--epochs", 6, "--batch-size", 16),
        *("--threads", 1, "--lang", "fr", "--output", "run"),
    )
    assert code == 0 and FILES <= names(somewhere / "run")
    bars = [frame for frame in frames if "━" in frame and "perte" in frame]
    assert len(bars) > 3
    for bar in bars:
        # The epoch, a bar, loss, accuracy, images/s, time left: all on one line.
        assert re.fullmatch(
            r"Époque \d/6 [━╸╺ ]+ perte \d,\d{4}  exactitude \d+,\d\d\u00a0%  "
            r"\d+(\u202f\d{3})* images/s (--:--|\d\d:\d\d)",
            bar.strip(),
        )
        assert len(bar) <= 80
    assert any("--:--" not in bar for bar in bars)
    epochs = [frame for frame in frames if re.match(r"Époque \d/6  perte", frame)]
    assert len(epochs) == 6 and all("validation" in line for line in epochs)


def test_a_narrow_terminal(larger, somewhere):
    code, frames = on_a_terminal(
        40,
        *("train", "--data", larger, "--epochs", 2, "--batch-size", 16),
        *("--threads", 1, "--lang", "fr", "--output", "run"),
    )
    assert code == 0
    bars = [frame.rstrip() for frame in frames if re.search(r"% (--|\d\d):", frame)]
    assert bars and "…" not in "".join(bars)
    assert all(
        re.fullmatch(r"perte \d,\d{4}  exactitude \d+,\d\d\u00a0% \S+", bar)
        for bar in bars
    )


# -- what is not installed ------------------------------------------------------------


def without(*packages):
    """Return code that runs the command in a Python where packages are missing."""
    return (
        f"import sys; sys.modules.update(dict.fromkeys({packages!r}));"
        "from ardoise.__main__ import main; sys.exit(main())"
    )


def run_without(packages, *arguments):
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", without(*packages), *map(str, arguments)],
        capture_output=True,
        timeout=PATIENCE,
    )
    assert b"Traceback" not in process.stderr
    return process.returncode, process.stdout.decode(), process.stderr.decode()


@pytest.mark.parametrize("package", ["cyclopts", "rich"])
def test_without_the_extra_of_the_command(package):
    code, out, err = run_without([package], "train")
    assert (code, out) == (1, "")
    english, french = err.splitlines()
    assert english.endswith('pip install "ardoise[all]"') and "needs" in english
    assert french.endswith('pip install "ardoise[all]"') and "demande" in french


def test_without_matplotlib(data, somewhere):
    options = ("--epochs", 1, "--threads", 1, "--output", "run", "--lang", "fr")
    code, out, err = run_without(["matplotlib"], "train", "--data", data, *options)
    assert code == 0 and "Exactitude de validation" in out
    assert 'pip install "ardoise[plots]"' in err and err.count("\n") == 1
    assert names(somewhere / "run") == FILES


def test_a_sheet_without_matplotlib(data, somewhere):
    code, _, err = run_without(["matplotlib"], "data", data, "--sheet", "a.png")
    assert code == 1 and 'pip install "ardoise[plots]"' in err


def test_without_pillow(trained, pictures):
    model = ("--model", trained["en"][0])
    code, out, err = run_without(["PIL"], "predict", *pictures, *model)
    assert (code, out) == (1, "")
    assert set(err.splitlines()) == {
        "Image files need Pillow, which is not installed; "
        'run: pip install "ardoise[images]"'
    }
