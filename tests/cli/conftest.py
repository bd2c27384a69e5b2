"""What the tests of the command line share: small data, and commands run in process."""

import io
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_data import stripes

from ardoise.cli.app import run


@dataclass
class Said:
    """What a command came to: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line that was said on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    """An empty folder to work in, and no wishes from the environment."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ardoise(capsys):
    """Run the command line in this process."""

    def command(*arguments) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        for text in (printed.out, printed.err):
            assert "Traceback" not in text and not re.search(r"\wWarning", text)
        return Said(code, printed.out, printed.err)

    return command


@pytest.fixture(scope="session", autouse=True)
def started_as_ardoise():
    """Sentences that say what to type next name the program as it was started."""
    before, sys.argv[0] = sys.argv[0], "ardoise"
    yield
    sys.argv[0] = before


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """300 pictures of 8 × 8 pixels in three classes, as an .npz file."""
    images, labels = stripes()
    path = tmp_path_factory.mktemp("data") / "stripes.npz"
    np.savez(path, x=images, y=labels)
    return path


@pytest.fixture(scope="session")
def trained(data, tmp_path_factory) -> dict[str, tuple[Path, Said]]:
    """One whole training in each language: its folder, and what it printed."""
    return {
        lang: train_apart(data, tmp_path_factory.mktemp(lang) / "run", lang)
        for lang in ("en", "fr")
    }


def train_apart(data: Path, folder: Path, lang: str) -> tuple[Path, Said]:
    """Train without the fixtures that last for one test only."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        options = f"--recipe mlp --epochs 2 --threads 1 --lang {lang} --output".split()
        code = run(["train", "--data", str(data), *options, str(folder)])
    return folder, Said(code, out.getvalue(), err.getvalue())


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take most of the time of a short training."""
    monkeypatch.setattr("ardoise.cli.training.draw", lambda *_: {})


@pytest.fixture
def pictures(somewhere) -> list[Path]:
    """Three pictures that nobody trained on, as PNG files."""
    images, _ = stripes(3, seed=1)
    files = [somewhere / f"{i}.png" for i in range(3)]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    return files
