"""Exported programs as a person runs them: Python files on images, the C example."""

import re
import subprocess
import sys

import numpy as np
import pytest
from export_models import images_for, need

from ardoise.export import export


@pytest.fixture(params=["py", "py-stdlib"])
def program(request, small, tmp_path):
    file = tmp_path / "net.py"
    export(small, file, request.param, images=images_for(small, 2))

    def run(*names):
        options = ["-I", "-B"] + ["-S"] * (request.param == "py-stdlib")
        command = [sys.executable, *options, str(file), *map(str, names)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout.splitlines(), done.stderr.strip()

    return run


def said_of(model, images, names):
    p = model.network.predict_proba(images)
    return [
        f"{name}: {model.classes[row.argmax()]} ({row.max():.1%})"
        for name, row in zip(names, p, strict=True)
    ]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (3, 8, 8), (3, 64)])
def test_arrays(program, small, tmp_path, dtype, shape):
    images = images_for(small, 3, floats=dtype is not np.uint8)
    file = tmp_path / "images.npy"
    np.save(file, images.reshape(shape).astype(dtype))
    names = [f"{file}[{i}]" for i in range(3)]
    assert program(file) == (0, said_of(small, images, names), "")


def test_one_image_in_an_array(program, small, tmp_path):
    images, file = images_for(small, 1), tmp_path / "image.npy"
    for shape in ((8, 8), (8, 8, 1), (64,), (1, 8, 8, 1)):
        np.save(file, images.reshape(shape))
        assert program(file) == (0, said_of(small, images, [file]), "")


def test_pictures(program, small, tmp_path):
    images = images_for(small, 2)
    heads = (b"P5\n8 8\n255\n", b"P5 # made by\n# a program\n8 # wide\n8\n255 ")
    files = [tmp_path / "a.pgm", tmp_path / "b.PGM"]
    for file, head, image in zip(files, heads, images, strict=True):
        file.write_bytes(head + image.tobytes())
    assert program(*files) == (0, said_of(small, images, files), "")


def test_files_that_are_none(program, tmp_path):
    def refused(content, name="x.npy"):
        file = tmp_path / name
        file.write_bytes(content)
        code, out, error = program(file)
        assert code == 1 and not out and error.startswith(str(file))
        return error

    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n"):
        # NumPy's own sentence would advise to load it with pickle.
        assert refused(content).endswith(": neither a .npy nor a .pgm file")
    refused(b"", "x.pgm")
    refused(b"P5 8 8 255\n", "x.pgm")
    refused(b"P5 3 3 255\n123456789", "x.pgm")
    refused(b"P2 8 8 255\n" + b"0 " * 64, "x.pgm")
    for array in (np.zeros((2, 5)), np.zeros((1, 64), int), np.zeros((0, 8, 8, 1))):
        np.save(tmp_path / "y.npy", array)
        if array.size:
            refused((tmp_path / "y.npy").read_bytes())
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    refused((tmp_path / "object.npy").read_bytes())
    code, _, error = program(tmp_path / "missing.npy")
    assert code == 1 and "missing.npy" in error


def test_without_arguments_it_says_how(program):
    code, _, error = program()
    assert code == 1 and error.startswith("usage: python net.py")


def test_the_example_in_c(small, tmp_path):
    need("c")
    images = images_for(small, 3)
    header, example = export(small, tmp_path / "net.h", "c", images=images).paths
    assert header.name == "net.h" and example.name == "net_main.c"
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2"]
    command += ["net_main.c", "-o", "net", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    p = small.network.predict_proba(images)
    floats = (images / np.float32(255)).astype(np.float32)
    for options, data in ((), images), (("--floats",), floats):
        done = subprocess.run(
            [tmp_path / "net", *options], input=data.tobytes(), capture_output=True
        )
        lines = done.stdout.decode().splitlines()
        assert lines == [
            f"{small.classes[row.argmax()]} ({100 * row.max():.1f} %)" for row in p
        ]


def test_documented_memory_is_what_the_compiler_reserves(small, tmp_path):
    need("c")
    images = images_for(small, 20)
    for int8 in (False, True):
        header, _ = export(
            *(small, tmp_path / "net.h", "c"),
            images=images,
            int8=int8,
            calibration=images,
            max_loss=1,
        ).paths
        text = header.read_text()
        constants, work = map(
            int,
            re.search(r"Memory: (\d+) bytes.*, (\d+) bytes of static", text).groups(),
        )
        (tmp_path / "size.c").write_text(
            '#include "net.h"\n#include <stdio.h>\nint main(void) { printf("%d", (int)'
            f"(sizeof net_memory{' + sizeof net_sums' * int8})); return 0; }}"
        )
        command = ["cc", "-std=c99", "size.c", "-o", "size", "-lm"]
        subprocess.run(command, cwd=tmp_path, check=True)
        said = subprocess.run([tmp_path / "size"], capture_output=True).stdout
        assert int(said) == work
        n = small.network.n_params
        assert constants == (4 * n if not int8 else n + 7 * (4 + 12 + 3))
