"""``python -m benchmarks.exports``: its rows, its table, and what is not there."""

import shutil

import numpy as np
import pytest

from ardoise import Dense, Flatten, Network, ReLU
from ardoise.digits import Dataset
from ardoise.engine import losses
from ardoise.export import ExportError, NotProvedError, running
from ardoise.files import Model
from benchmarks import exports

CLASSES = ("a", "b", "c")


@pytest.fixture
def model():
    network = Network([Flatten(), Dense(6), ReLU(), Dense(3)], (8, 8, 1), seed=0)
    return Model(network, CLASSES, losses.get("softmax_cross_entropy"))


@pytest.fixture
def images(model):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 8, 8, 1), np.uint8)
    return Dataset(pixels, model.network.predict(pixels), CLASSES, "pixels")


def rows_of(model, images, folder, targets, monkeypatch):
    monkeypatch.setattr(exports, "ORDER", targets)
    return exports.measure("small", model, images, images, 2, folder)


@pytest.mark.skipif(not shutil.which("cc"), reason="cc is not installed")
def test_rows(model, images, tmp_path, monkeypatch):
    rows = rows_of(model, images, tmp_path, ("py", "c"), monkeypatch)
    assert [(r.target, r.int8) for r in rows] == [
        *(("py", False), ("py", True), ("c", False), ("c", True)),
    ]
    for row in rows:
        assert not row.reason and len(row.seconds) == 2 and min(row.seconds) > 0
        assert (row.compiled is not None) == (row.target == "c")
        assert (row.lost is not None) == row.int8
    first, _, _, last = (row.line() for row in rows)
    assert first.startswith("| small | `py` | float32 | 0.0") and "e-" in first
    assert last.endswith(" points |") and " · " in last


def test_a_tool_that_is_missing(model, images, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "NODES", ("no-such-program",))
    monkeypatch.setattr(exports, "NODES", ("no-such-program",))
    plain, int8 = rows_of(model, images, tmp_path, ("js",), monkeypatch)
    for row, numbers in (plain, "float32"), (int8, "int8"):
        assert row.line().startswith(f"| small | `js` | {numbers} | 0.0")
        assert row.line().endswith("| not measured | not measured |")
    assert exports.tool_version("node") is None


def test_an_export_that_is_refused_says_why(model, images, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ExportError("export.too_wide", most=9)

    monkeypatch.setattr(exports, "export", refuse)
    row, _ = rows_of(model, images, tmp_path, ("c",), monkeypatch)
    line = row.line()
    assert line.startswith("| small | `c` | float32 | – | – | A layer sums more than 9")


def test_a_compiler_that_is_missing(monkeypatch):
    def none():
        raise NotProvedError("export.no_compiler")

    monkeypatch.setattr(exports, "find_compiler", none)
    assert exports.tool_version("cc") is None


def test_the_table(model, images, monkeypatch, capsys):
    monkeypatch.setattr(exports, "ORDER", ("py",))
    monkeypatch.setattr(
        exports, "models", lambda *given: iter([("small", model, images)])
    )
    assert exports.main(["--quick"]) == 0
    head, rule, first, second, *rest = capsys.readouterr().out.splitlines()
    assert head.startswith("| model | target | numbers | MB | one image, ms |")
    assert len({line.count("|") for line in (head, rule, first, second)}) == 1
    text = "\n".join(rest)
    assert "this is a quick run" in text and f"NumPy {np.__version__}" in text
    assert "on 50 test images" in text
