"""``ardoise doctor --classroom``: every check, and every way in which it can fail."""

import re
import socket
import sys
import threading
import time
import tomllib
import webbrowser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ardoise.cli import classroom
from ardoise.cli.classroom import EXTRAS, Check, checks, free_memory
from ardoise.digits import load_mnist
from ardoise.digits.recipes import DEFAULT_RECIPE, EXPECTED, RECIPES
from ardoise.files import load_model, save_model
from ardoise.messages import LANGUAGES, UserError, text

ROOT = Path(__file__).parents[2]
NAMES = [check.name for check in checks()]
both = pytest.mark.parametrize("lang", LANGUAGES)


@pytest.fixture
def screen(monkeypatch):
    """A machine with a screen and a browser."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("firefox"))


@pytest.fixture
def only(ardoise, monkeypatch):
    """Run the command with one of its checks alone."""

    def run(name, lang, **changes):
        check = next(check for check in checks() if check.name == name)
        check = check._replace(**changes)
        monkeypatch.setattr(classroom, "checks", lambda: [check])
        said = ardoise("doctor", "--classroom", "--lang", lang)
        assert said.err == ""
        line, last = said.out.splitlines()
        right = line.startswith("✓ ")
        assert right or line.startswith("✗ ")
        assert said.code == int(not right)
        key = "classroom.ready" if right else "classroom.not_ready"
        assert last == text(key, lang, n=1)
        return right, line[2:]

    return run


def wrong(found, key, lang, *words):
    """Assert that a check failed with this sentence, and that it holds these words."""
    right, sentence = found
    assert not right
    parts = re.split(r"\{\w+\}", text_of(f"classroom.{key}", lang))
    assert re.fullmatch(".+".join(map(re.escape, parts)), sentence), sentence
    assert all(word in sentence for word in words)


def text_of(key, lang):
    from ardoise.messages import _sentences

    return _sentences(lang)[key]


# -- a machine that is ready -----------------------------------------------------------


@both
def test_ready(ardoise, screen, somewhere, monkeypatch, lang):
    monkeypatch.setattr(classroom, "IMAGES", 5000)
    said = ardoise("doctor", "--classroom", "--lang", lang)
    *lines, last = said.out.splitlines()
    assert said.err == "" and len(lines) == len(NAMES)
    assert all(line.startswith("✓ ") for line in lines)
    assert (said.code, last) == (0, text("classroom.ready", lang))
    for line, words in zip(
        lines,
        (
            *(sys.version.split()[0], np.__version__, "cyclopts", "matplotlib"),
            *("pillow", "starlette", "SHA-256", "10", str(somewhere)),
            *("", "127.0.0.1", "firefox", "ardoise train"),
        ),
        strict=True,
    ):
        assert words in line
    # It leaves nothing behind.
    assert not list(somewhere.iterdir())


def test_the_extras_are_those_of_the_package():
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for extra, modules in EXTRAS.items():
        named = {re.match(r"[\w-]+", wanted)[0] for wanted in extras[extra]}
        assert {classroom.CALLED.get(m, m) for m in modules} == named - {"ardoise"}
    assert f"ardoise[{','.join(EXTRAS)}]".count(",") == extras["all"][0].count(",")


def test_the_training_is_that_of_the_command():
    data = load_mnist()
    assert classroom.WHOLE_TRAINING == 0.9 * data.n_train
    assert RECIPES[DEFAULT_RECIPE].validation == 0.1 and DEFAULT_RECIPE in EXPECTED


@both
@pytest.mark.parametrize("option", [("runs",), ("--data", "mnist")])
def test_it_takes_no_model_and_no_data(ardoise, option, lang):
    said = ardoise("doctor", *option, "--classroom", "--lang", lang)
    assert said.code == 2
    name = option[0] if len(option) == 2 else "MODEL"
    assert said.sentence == text("option.classroom", lang, name=name)


def test_a_terminal_that_knows_ascii_only():
    from ardoise.cli.terminal import _plain_character

    assert [_plain_character(sign) for sign in "✓✗"] == ["ok", "!!"]


# -- the checks, failing ---------------------------------------------------------------


@both
def test_all_that_is_wrong_is_counted(ardoise, monkeypatch, lang):
    monkeypatch.setattr(classroom, "checks", lambda: [Check("python", bad)] * 3)
    said = ardoise("doctor", "--classroom", "--lang", lang)
    assert said.code == 1
    assert said.out.splitlines()[-1] == text("classroom.not_ready", lang, n=3)


def bad(lang):
    raise UserError("classroom.numpy.wrong")


@both
def test_an_old_python(only, monkeypatch, lang):
    monkeypatch.setattr(classroom, "PYTHON", (99, 0))
    wrong(only("python", lang), "python.old", lang, sys.version.split()[0], "3.11")


@both
def test_numpy(only, monkeypatch, lang):
    with monkeypatch.context() as changing:
        changing.setattr(np, "__version__", "1.26.4")
        wrong(only("numpy", lang), "numpy.old", lang, "1.26.4")
    with monkeypatch.context() as changing:
        changing.setattr(classroom, "SECONDS_OF_PRODUCT", 0.0)
        wrong(only("numpy", lang), "numpy.slow", lang, "512 × 512")

    class Wrong(np.ndarray):
        def __matmul__(self, other):
            return np.asarray(self) @ np.asarray(other) + (self.dtype == np.float32)

    integers = np.random.Generator.integers

    class Generator:
        def integers(self, *given):
            return integers(np.random.Generator(np.random.PCG64(0)), *given).view(Wrong)

    monkeypatch.setattr(np.random, "default_rng", lambda seed: Generator())
    wrong(only("numpy", lang), "numpy.wrong", lang)


def test_a_blas_that_is_not_known(monkeypatch):
    monkeypatch.setattr("threadpoolctl.threadpool_info", list)
    assert classroom._blas() == ("BLAS", 1)


@both
@pytest.mark.parametrize("extra", EXTRAS)
def test_a_missing_extra(only, monkeypatch, lang, extra):
    package = EXTRAS[extra][-1]
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(classroom, "import_module", importing(package))
    called = classroom.CALLED.get(package, package)
    command = f'pip install "ardoise[{extra}]"'
    wrong(only(f"extra_{extra}", lang), "extra.missing", lang, called, command)


def importing(package, error=None):
    """Return what imports all but one package."""

    def load(name):
        if name == package:
            raise error or ModuleNotFoundError(f"No module named {name}", name=name)
        return __import__(name)

    return load


@both
@pytest.mark.parametrize(
    "error",
    [
        ImportError("libpng.so.16:\ncannot open"),
        ModuleNotFoundError("No module named 'contourpy'", name="contourpy"),
        RuntimeError(),
    ],
)
def test_an_extra_that_is_broken(only, monkeypatch, lang, error):
    monkeypatch.setattr(classroom, "import_module", importing("matplotlib", error))
    words = " ".join(str(error).split()) or "RuntimeError"
    wrong(only("extra_plots", lang), "extra.broken", lang, words, "--force-reinstall")


def test_a_package_without_a_version(only, monkeypatch):
    def unknown(name):
        raise classroom.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(classroom.metadata, "version", unknown)
    assert only("extra_images", "en") == (True, "Extra images: pillow.")


@both
def test_damaged_images(only, monkeypatch, tmp_path, lang):
    from ardoise.digits import mnist

    original = mnist.resources.files("ardoise.digits") / "mnist_files"
    folder = tmp_path / "mnist_files"
    folder.mkdir()
    for file in original.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(mnist.resources, "files", lambda _: tmp_path)
    name = "train-labels-idx1-ubyte.gz"
    (folder / name).write_bytes((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    right, sentence = only("data", lang)
    assert not right and sentence == text("mnist.damaged", lang, path=name)
    (folder / name).write_bytes((original / name).read_bytes()[:1000])
    wrong(only("data", lang), "data.wrong", lang, name, "--force-reinstall")
    (folder / name).unlink()
    wrong(only("data", lang), "data.wrong", lang, name, "--force-reinstall")


@both
def test_a_damaged_model(only, monkeypatch, tmp_path, lang):
    ours = classroom.resources.files("ardoise") / "slate" / "model.safetensors"
    file = tmp_path / "slate" / "model.safetensors"
    file.parent.mkdir()
    content = bytearray(ours.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(classroom, "load_mnist", load_mnist)
    monkeypatch.setattr(classroom, "_PLACE", tmp_path)
    wrong(only("model", lang), "model.wrong", lang, str(file), "--force-reinstall")
    model = load_model(ours)
    model.network.theta[...] = 0
    save_model(file, model)
    wrong(only("model", lang), "model.bad", lang, "1 of 10" if lang == "en" else "1 ")


@both
def test_a_folder_that_cannot_be_written_to(only, monkeypatch, somewhere, lang):
    (somewhere / "runs").write_text("a file")  # as root, nothing else is refused
    wrong(only("folder", lang), "folder.denied", lang, str(somewhere / "runs"))
    (somewhere / "runs").unlink()

    def denied(dir):
        raise PermissionError(13, "Permission denied", str(dir))

    monkeypatch.setattr(classroom.tempfile, "TemporaryFile", denied)
    reason = text("system.EACCES", lang)
    wrong(only("folder", lang), "folder.denied", lang, str(somewhere), reason)


@both
def test_a_file_that_hides_a_module(only, somewhere, lang):
    (somewhere / "random.py").write_text("")
    wrong(only("folder", lang), "folder.shadow", lang, "random.py")


@both
def test_a_folder_that_is_gone(only, tmp_path, monkeypatch, lang):
    def gone():
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(classroom.Path, "cwd", gone)
    right, sentence = only("folder", lang)
    assert not right and sentence.startswith(text("classroom.what.folder", lang))
    assert "FileNotFoundError" in sentence


@both
def test_little_room(only, monkeypatch, lang):
    monkeypatch.setattr(classroom, "free_memory", lambda: None)
    right, sentence = only("room", lang)
    assert right and re.match(r"(Free|Libres)\D+\d", sentence)
    monkeypatch.setattr(classroom, "free_memory", lambda: 300 << 20)
    wrong(only("room", lang), "room.memory", lang, "314")
    monkeypatch.setattr(classroom, "DISK", 1 << 60)
    wrong(only("room", lang), "room.disk", lang)


def test_free_memory(monkeypatch, tmp_path):
    known = free_memory()
    assert known is None or known > 0
    files = {"/proc/meminfo": "MemTotal: 9 kB\nMemAvailable:   2000 kB\n"}
    group = "/sys/fs/cgroup"
    read = Path.read_text

    def pretend(path, **options):
        if str(path) in files:
            return files[str(path)]
        raise FileNotFoundError(2, "No such file", str(path))

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "read_text", pretend)
    assert free_memory() == 2_048_000
    files |= {f"{group}/memory.max": "max\n", f"{group}/memory.current": "1\n"}
    assert free_memory() == 2_048_000
    files[f"{group}/memory.max"] = "1001\n"
    assert free_memory() == 1000
    files.clear()
    assert free_memory() is None
    monkeypatch.setattr(Path, "read_text", read)


# -- the page --------------------------------------------------------------------------


def saying(monkeypatch, script):
    """Let a script stand for the server."""
    monkeypatch.setattr(
        classroom, "_command", lambda lang: [sys.executable, "-c", script]
    )


@both
def test_another_program_has_the_port(only, lang):
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", classroom.USUAL_PORT))
        except OSError:
            pass  # taken already, which is as good
        taken.listen()
        right, sentence = only("page", lang)
    assert right and "8642" in sentence
    assert not re.search(r"port 8642", sentence)


@both
def test_a_page_that_does_not_start(only, monkeypatch, lang):
    saying(monkeypatch, "import sys; print('a'); sys.exit('what is wrong')")
    wrong(only("page", lang), "page.refused", lang, "what is wrong")
    saying(monkeypatch, "pass")
    wrong(only("page", lang), "page.silent", lang)
    monkeypatch.setattr(classroom, "_command", lambda lang: ["/no/such/python"])
    wrong(only("page", lang), "failed", lang, "FileNotFoundError")


@both
def test_a_page_that_hangs(only, monkeypatch, lang):
    monkeypatch.setattr(classroom, "SECONDS_OF_PAGE", 0.5)
    saying(monkeypatch, "import time; time.sleep(60)")
    wrong(only("page", lang), "page.silent", lang)


@both
def test_a_port_that_nobody_answers_at(only, monkeypatch, lang):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # without listening: connections are refused
        port = unused.getsockname()[1]
        address = f"print('http://127.0.0.1:{port}/?token=x', flush=True);"
        saying(monkeypatch, f"{address} import time; time.sleep(60)")
        reason = text("system.ECONNREFUSED", lang)
        wrong(only("page", lang), "page.closed", lang, str(port), reason)


@both
@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (b"HTTP/1.0 403 Forbidden\r\n\r\n<html>", "wrong"),
        (b"HTTP/1.0 200 OK\r\n\r\nlogin", "wrong"),
        (b"nonsense\r\n\r\n", "closed"),
    ],
)
def test_a_filter_answers_instead(only, monkeypatch, lang, answer, key):
    def serve():
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        port = listening.getsockname()[1]
        saying(monkeypatch, f"print('http://127.0.0.1:{port}/', flush=True)")
        wrong(only("page", lang), f"page.{key}", lang, str(port))
        thread.join()


def test_a_server_that_does_not_want_to_end(only, monkeypatch):
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    saying(monkeypatch, f"{ignoring}; print('http://127.0.0.1:9/', flush=True)")
    script = classroom._command("en")[-1] + "; time.sleep(60)"
    saying(monkeypatch, script)
    monkeypatch.setattr(classroom, "SECONDS_TO_END", 0.3)
    start = time.monotonic()
    wrong(only("page", "en"), "page.closed", "en")
    assert time.monotonic() - start < 20


@both
def test_no_browser(only, monkeypatch, lang):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    wrong(only("browser", lang), "browser.screen", lang)
    monkeypatch.setenv("DISPLAY", ":0")

    def none():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    wrong(only("browser", lang), "browser.none", lang)


# -- the training ----------------------------------------------------------------------


@both
def test_a_training_that_learns_nothing(only, monkeypatch, lang):
    def shuffled():
        data = load_mnist()
        labels = np.random.default_rng(0).permutation(data.labels)
        return replace(data, labels=labels)

    monkeypatch.setattr(classroom, "load_mnist", shuffled)
    monkeypatch.setattr(classroom, "IMAGES", 500)
    wrong(only("training", lang), "training.bad", lang, "--force-reinstall")


def test_how_long_the_whole_training_takes():
    for seconds, english, french in (
        (3, "10.0\u00a0s", "10,0\u00a0s"),
        (94, "1\u00a0min\u00a030\u00a0s", "1\u00a0min\u00a030\u00a0s"),
        (260, "4\u00a0min", "4\u00a0min"),
        (90_000, "1,500\u00a0min", "1\u202f500\u00a0min"),
    ):
        assert classroom._about(seconds, "en") == english
        assert classroom._about(seconds, "fr") == french


@both
def test_a_slow_training(only, monkeypatch, lang):
    monkeypatch.setattr(classroom, "SECONDS_OF_TRAINING", 0.0)
    wrong(only("training", lang), "training.slow", lang)


# -- any check -------------------------------------------------------------------------


@both
@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_hangs_and_one_that_breaks(only, lang, name):
    over = threading.Event()
    base, _, extra = name.partition("_")
    what = text(f"classroom.what.{base}", lang, extra=extra)
    found = only(name, lang, run=lambda _: over.wait(), seconds=0.01)
    over.set()
    wrong(found, "slow", lang, what)

    def broken(lang):
        raise RuntimeError("one\ntwo")

    found = only(name, lang, run=broken)
    wrong(found, "failed", lang, what, "RuntimeError: one two")
