"""The examples run by themselves, reach their target, and say so if they do not."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ardoise
from tests.engine.check_layer import CHECKS, Case

EXAMPLES = Path(__file__).parents[2] / "examples"
ROOT = EXAMPLES.parent
SMALL = {
    "xor": [],
    "regression": [],
    "tabular": [],
    "own_layer": ["--samples", "20000", "--target", "0.93"],
    "mnist_mlp": ["--samples", "20000", "--epochs", "3", "--target", "0.95"],
    "mnist_cnn": ["--samples", "10000", "--epochs", "2", "--target", "0.95"],
}
examples = pytest.mark.parametrize("name", SMALL)


def run(name, *options):
    return subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), *options],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        timeout=300,
    )


@examples
def test_reaches_its_target(name):
    done = run(name, *SMALL[name])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith(
        ("with one: accuracy ", "mean accuracy ", "test accuracy ", "R² ")
    )


@examples
def test_says_that_it_is_below_its_target(name):
    quick = [] if name in ("xor", "regression", "tabular") else ["--samples", "1000"]
    done = run(name, *quick, "--target", "1.1")
    assert done.returncode == 1
    assert done.stdout != ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("is below the target, 1.1.\n")


def test_all_are_short_and_tested_and_in_the_readme():
    files = sorted(EXAMPLES.glob("*.py"))
    assert [file.stem for file in files] == sorted([*SMALL, "notebook"])
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for file in files:
        assert f"examples/{file.name}" in readme
        if file.stem != "notebook":  # the whole class, on which the notebook is built
            assert len(file.read_text(encoding="utf-8").splitlines()) <= 60, file


@pytest.fixture
def own_layer(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module("own_layer").PReLU


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_own_layer_keeps_the_contract(check, own_layer):
    check(Case("PReLU", {"slope": 0.3}, (5,), (100,), {"PReLU": own_layer}))


def test_own_layer_refuses_images(own_layer):
    with pytest.raises(ardoise.ShapeError, match=r"shape \(n,\); got \(3, 3, 1\)"):
        own_layer().infer((3, 3, 1))
