"""Random networks over all layers say the same in every language, within 1e-5."""

import importlib.util
import json
import shutil
import subprocess

import numpy as np
import pytest
from export_models import images_for, random_model
from int8_in_numpy import simulate

from ardoise.engine.losses import sigmoid, softmax
from ardoise.export.c import write_c
from ardoise.export.javascript import write_js
from ardoise.export.plan import make_plan
from ardoise.export.python import write_numpy, write_stdlib
from ardoise.export.quantize import dequantized, lower, ranges, with_int8_weights
from ardoise.export.with_numpy import run

SEEDS = range(50)
N = 5  # images a network
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")

needs_gcc = pytest.mark.skipif(not shutil.which("gcc"), reason="no gcc")
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="no node")


def expected_of(model, x):
    z = model.network.predict_logits(x)
    return sigmoid(z) if model.loss.name.startswith("sigmoid") else softmax(z)


@pytest.fixture(scope="module")
def cases():
    """(plan, images, what the engine says of them) of each network."""
    models = [random_model(seed) for seed in SEEDS]
    images = [images_for(m, N, i, floats=i % 2 == 1) for i, m in enumerate(models)]
    return [
        (make_plan(m), x, expected_of(m, x))
        for m, x in zip(models, images, strict=True)
    ]


@pytest.fixture(scope="module")
def int8_cases(cases):
    """The same with int8 weights, and what these say in floating point."""
    found = []
    for plan, x, _ in cases:
        int8 = with_int8_weights(plan)
        z = run(dequantized(int8), as_read(x))[plan.result]
        found.append((int8, x, softmax(z) if plan.output == "softmax" else sigmoid(z)))
    return found


def as_read(x):
    return x.astype(np.float32) / (255 if x.dtype == np.uint8 else 1)


def write(folder, content):
    for name, data in content.items():
        (folder / name).write_bytes(data)


def imported(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check(answers, cases):
    for i, ((_, _, expected), p) in enumerate(zip(cases, answers, strict=True)):
        worst = np.abs(np.asarray(p).reshape(expected.shape) - expected).max()
        assert worst <= 1e-5, f"network {i}"


# -- Python ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["cases", "int8_cases"])
def test_numpy(tmp_path, request, kind):
    cases, answers = request.getfixturevalue(kind), []
    for i, (plan, x, _) in enumerate(cases):
        write(tmp_path, write_numpy(plan, f"n{i}.py"))
        module = imported(tmp_path / f"n{i}.py")
        answers.append(module.predict_proba(x))
        assert module.CLASSES == plan.classes and module.INPUT_SHAPE == plan.shapes[0]
        np.testing.assert_array_equal(module.predict(x), answers[-1].argmax(axis=1))
    check(answers, cases)


@pytest.mark.parametrize("kind", ["cases", "int8_cases"])
def test_stdlib(tmp_path, request, kind):
    cases, answers = request.getfixturevalue(kind), []
    for i, (plan, x, _) in enumerate(cases):
        write(tmp_path, write_stdlib(plan, f"n{i}.py"))
        module = imported(tmp_path / f"n{i}.py")
        images = [k.tobytes() for k in x] if x.dtype == np.uint8 else x.tolist()
        answers.append(module.predict_proba(images))
        assert module.predict(images) == np.argmax(answers[-1], axis=1).tolist()
    check(answers, cases)


# -- C --------------------------------------------------------------------------------


def run_all_in_c(folder, cases, headers):
    """Compile all headers into one program; return what it says of the images."""
    body = []
    for i, content in enumerate(headers):
        write(folder, content)
        body.append(
            f"    for (k = 0; k < {N}; k++) {{ static float x[N{i}_INPUTS], "
            f"p[N{i}_CLASSES];\n"
            f"        if (fread(x, sizeof x, 1, stdin) != 1) return 1;\n"
            f"        n{i}_predict_proba(x, p);\n"
            f'        for (i = 0; i < N{i}_CLASSES; i++) printf("%.9g ", p[i]); }}'
        )
    includes = "".join(f'#include "n{i}.h"\n' for i in range(len(headers)))
    lines = "\n".join(body)
    (folder / "all.c").write_text(
        f"#include <stdio.h>\n{includes}int main(void)\n{{\n    int i, k;\n{lines}\n"
        "    return 0;\n}\n"
    )
    command = ["gcc", *STRICT, "all.c", "-o", "all", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    data = b"".join(as_read(x).tobytes() for _, x, _ in cases)
    done = subprocess.run([folder / "all"], input=data, capture_output=True, check=True)
    numbers = np.array(done.stdout.split(), float)
    sizes = [expected.size for _, _, expected in cases]
    assert len(numbers) == sum(sizes)
    return np.split(numbers, np.cumsum(sizes)[:-1])


@needs_gcc
def test_c(tmp_path, cases):
    headers = [write_c(plan, f"n{i}.h") for i, (plan, _, _) in enumerate(cases)]
    check(run_all_in_c(tmp_path, cases, headers), cases)
    command = ["g++", "-x", "c++", *STRICT[1:], "-fsyntax-only", "all.c"]
    if shutil.which("g++"):
        subprocess.run(command, cwd=tmp_path, check=True)


@needs_gcc
def test_c_in_whole_numbers(tmp_path, int8_cases):
    """As the same arithmetic in NumPy: but for numbers that fall on a half."""
    headers, answers = [], []
    for i, (plan, x, _) in enumerate(int8_cases):
        lowered = lower(plan, ranges(dequantized(plan), as_read(x)))
        headers.append(write_c(plan, f"n{i}.h", lowered))
        answers.append(simulate(lowered, as_read(x)))
    found = run_all_in_c(tmp_path, int8_cases, headers)
    apart = [
        np.abs(p.reshape(q.shape) - q).max(axis=1)
        for p, q in zip(found, answers, strict=True)
    ]
    assert np.mean(np.concatenate(apart) > 1e-5) < 0.02
    assert max(map(np.max, apart)) < 0.05
    # And near to what the network says; there are only a few numbers to round well.
    far = [
        np.abs(p.reshape(e.shape) - e).max()
        for p, (_, _, e) in zip(found, int8_cases, strict=True)
    ]
    assert np.median(far) < 0.01


# -- JavaScript -----------------------------------------------------------------------

DRIVER = """
import { readFileSync } from "node:fs";
const answers = [];
for (const [i, images] of JSON.parse(readFileSync("images.json")).entries()) {
  const { predictProba, predict, CLASSES } = await import(`./n${i}.mjs`);
  for (const [isBytes, image] of images) {
    const x = isBytes ? Uint8Array.from(image) : image;
    answers.push(predictProba(x));
    if (answers.at(-1)[predict(x)] !== Math.max(...answers.at(-1))) throw new Error();
    if (answers.at(-1).length !== CLASSES.length) throw new Error();
  }
}
process.stdout.write(JSON.stringify(answers.flat()));
"""


@needs_node
@pytest.mark.parametrize("kind", ["cases", "int8_cases"])
def test_javascript(tmp_path, request, kind):
    cases, images = request.getfixturevalue(kind), []
    for i, (plan, x, _) in enumerate(cases):
        write(tmp_path, write_js(plan, f"n{i}.mjs"))
        images.append([(x.dtype == np.uint8, k.reshape(-1).tolist()) for k in x])
    (tmp_path / "images.json").write_text(json.dumps(images))
    (tmp_path / "run.mjs").write_text(DRIVER)
    command = ["node", "run.mjs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    sizes = [expected.size for _, _, expected in cases]
    answers = np.split(np.array(json.loads(done.stdout)), np.cumsum(sizes)[:-1])
    check(answers, cases)
