"""Class names and file names cannot break out of where they are put."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from export_models import images_for, model_of, need

from ardoise import Dense, Flatten
from ardoise.export import export
from ardoise.export.c_literals import c_string
from ardoise.export.chromium import Chromium
from ardoise.export.javascript import write_js
from ardoise.export.plan import make_plan
from ardoise.export.python import write_numpy, write_stdlib

NAMES = (
    *("'", '"', "\\", '\\"', "'''", '"""', "\n", "\r\n", "\0", "%s%n", "{x}", "`${1}`"),
    *("*/", "/*", "//", "?\x3f/", "??/", "</script>", "<!--", "-->", "<b>&amp;", "]]>"),
    *("@WEIGHTS@", "NAME", "NAME_INPUTS", "$&", "é", "数字", "\u2028", "😀", "\ud800"),
    *("\\u0041", "\\", "__proto__", "0x41\x7f"),
)


@pytest.fixture(scope="module")
def hostile():
    layers = [Flatten(), Dense(len(NAMES))]
    return model_of(layers, (4, 4, 1), classes=NAMES)


@pytest.mark.parametrize("write", [write_numpy, write_stdlib])
def test_python(hostile, write):
    ((_, content),) = write(make_plan(hostile), "n.py").items()
    space = {"__name__": "n"}
    exec(compile(content, "n.py", "exec"), space)
    assert space["CLASSES"] == NAMES
    assert content.isascii()


@pytest.mark.parametrize("to", ["c", "js", "html", "py", "py-stdlib"])
def test_they_are_proved(tmp_path, hostile, to):
    need(to)
    file = tmp_path / {"html": "n.html"}.get(to, "n")
    assert export(hostile, file, to, images=images_for(hostile, 4)).proved


def test_c(tmp_path, hostile):
    need("c")
    export(hostile, tmp_path / "n.h", "c", images=images_for(hostile, 1))
    (tmp_path / "names.c").write_text(
        '#include <stdio.h>\n#include "n.h"\nint main(void) { int i; '
        "for (i = 0; i < N_CLASSES; i++) { fputs(n_class_names[i], stdout); "
        "putchar('\\1'); } return 0; }\n"
    )
    compiler = shutil.which("gcc") or shutil.which("cc")
    warnings = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic", "-trigraphs"]
    command = [compiler, *warnings, "names.c", "-o", "names", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    said = subprocess.run([tmp_path / "names"], capture_output=True, check=True).stdout
    expected = [n.encode("utf-8", "replace").split(b"\0")[0] for n in NAMES]
    assert said.split(b"\1")[:-1] == expected


def test_c_strings_are_letters_and_octal_numbers():
    assert c_string('a"*/é\n?') == r'"a\042\052\057\303\251\012\077"'


def test_javascript(tmp_path, hostile):
    need("js")
    ((_, content),) = write_js(make_plan(hostile), "n.mjs").items()
    assert content.isascii() and b"</" not in content.replace(b"/</", b"")
    (tmp_path / "n.mjs").write_bytes(content)
    code = (
        'import { CLASSES } from "./n.mjs";'
        "process.stdout.write(JSON.stringify(CLASSES))"
    )
    command = ["node", "--input-type=module", "-e", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(done.stdout) == list(NAMES)


class Scripts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def test_html(tmp_path, hostile):
    need("html")
    file = tmp_path / "n.html"
    export(hostile, file, "html", images=images_for(hostile, 1))
    parser = Scripts()
    parser.feed(file.read_text("utf-8"))
    assert parser.tags.count("script") == 1 and "b" not in parser.tags
    with Chromium(60) as browser:
        browser.open(file)
        assert browser.evaluate("ardoise.CLASSES.map(encodeURI_)") is None
        browser.problems.clear()
        names = browser.evaluate("JSON.stringify(ardoise.CLASSES)")
        shown = browser.evaluate(
            "JSON.stringify([...document.querySelectorAll('.name')]"
            ".map((e) => e.textContent))"
        )
        assert json.loads(names) == list(NAMES)
        assert json.loads(shown) == list(NAMES)
        assert not browser.problems


@pytest.mark.parametrize(
    "name", ["class.py", "a b-c.py", "é'\"\n.py", "3.py", ".py", "x", "*x@FILE@.py"]
)
def test_file_names_in_python(hostile, name):
    for write in (write_numpy, write_stdlib):
        ((written, content),) = write(make_plan(hostile), name).items()
        assert written == name and content.isascii()
        compile(content, "n.py", "exec")


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("digits.h", "digits"),
        ("my net-2.h", "my_net_2"),
        ("3.h", "net3"),
        ("é.h", "net"),
    ],
)
def test_file_names_in_c(tmp_path, small, name, prefix):
    need("c")
    done = export(small, tmp_path / name, "c", images=images_for(small, 1))
    assert done.proved and done.paths[1].name == f"{prefix}_main.c"
    text = done.paths[0].read_text()
    assert f"{prefix}_predict_proba" in text and not re.search(r"\bNAME\b", text)


def test_file_names_in_javascript(tmp_path, hostile):
    need("js")
    for name in ("*/ x.js", "é.js", "x"):
        content = write_js(make_plan(hostile), name)[name]
        assert content.count(b"*/") == content.count(b"/*") and content.isascii()


def test_two_headers_in_one_program(tmp_path):
    need("c")
    for name in ("first", "second"):
        model = model_of([Dense(3), Dense(2)], (4,))
        images = np.ones((1, 4), np.float32)
        export(model, tmp_path / f"{name}.h", "c", images=images)
    (tmp_path / "both.c").write_text(
        '#include "first.h"\n#include "second.h"\n#include "first.h"\n'
        "int main(void) { float x[4] = {0};"
        "return first_predict(x) != second_predict(x); }"
    )
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "both.c", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run(["./a.out"], cwd=tmp_path, check=True)
