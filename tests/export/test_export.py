"""The whole of an export: written, run, compared, moved to its place, or refused."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from export_models import images_for, model_of, need

from ardoise import Dense, Flatten
from ardoise.export import TARGETS, ExportError, NotProvedError, Target, export
from ardoise.export import exporting as module
from ardoise.messages import LANGUAGES

ENDINGS = {"py": "py", "py-stdlib": "py", "c": "h", "js": "js", "html": "html"}
ALL = sorted(ENDINGS)


def test_every_target_is_tested():
    assert set(ENDINGS) <= set(TARGETS)


def labels_of(model, images):
    return model.network.predict(images)


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


# -- what goes well -------------------------------------------------------------------


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("to", ALL)
def test_export(tmp_path, small, to, int8):
    need(to)
    images = images_for(small, 30)
    path = tmp_path / f"net.{ENDINGS[to]}"
    path.write_text("an older one")
    done = export(
        small,
        path,
        to,
        images=images,
        labels=labels_of(small, images),
        int8=int8,
        calibration=images[:10],
        max_loss=0.2,
    )
    assert done.proved and done.reason is None and done.images == 30
    assert done.paths[0] == path and done.size == path.stat().st_size
    assert 0 < done.seconds < 1
    names = ["net.h", "net_main.c"] if to == "c" else [path.name]
    assert left_in(tmp_path) == names
    if int8:
        assert done.worst < 0.1 and done.lost == 1 - done.accuracy
    else:
        assert done.worst <= 1e-5 and done.accuracy == 1 and done.lost is None
    for lang in LANGUAGES:
        assert str(path) in done.words(lang) and "\n" not in done.words(lang)


@pytest.mark.parametrize("to", ALL)
def test_floating_point_images(tmp_path, small, to):
    need(to)
    images = images_for(small, 3, floats=True)
    path = tmp_path / f"net.{ENDINGS[to]}"
    assert export(small, path, to, images=images).proved
    assert export(small, path, to, images=images.astype(float)).proved


def test_int8_is_smaller(tmp_path):
    model = model_of([Flatten(), Dense(200), Dense(3)], (8, 8, 1))
    images = images_for(model, 5)
    for to in ("py", "py-stdlib"):
        sizes = [
            export(
                model, tmp_path / "n.py", to, images=images, int8=int8, max_loss=1
            ).size
            for int8 in (False, True)
        ]
        assert sizes[1] < 0.45 * sizes[0]


def test_the_example_of_a_header_is_left_as_it_is(tmp_path, small):
    need("c")
    (tmp_path / "net_main.c").write_text("mine")
    done = export(small, tmp_path / "net.h", "c", images=images_for(small, 2))
    assert done.proved and (tmp_path / "net_main.c").read_text() == "mine"


def test_a_model_of_float64(tmp_path, small):
    wide = replace(small, network=small.network.astype("float64"))
    assert export(wide, tmp_path / "n.py", "py", images=images_for(small, 3)).proved


# -- what is wrong is noticed ---------------------------------------------------------


def change_a_weight(file):
    """Make the last array's first number (of the last layer's bias, or W) another."""
    text = file.read_text()
    if file.suffix == ".h":
        text, n = re.subn(r"(_b7\[3\] = \{\n    )[^,]+", r"\g<1>0.75f", text)
    else:
        blob = max(re.findall(r"[A-Za-z0-9+/=\n]{100,}", text), key=len)
        raw = bytearray(base64.b64decode(blob))
        raw[-4:] = np.array([0.75], "<f4").tobytes()
        text, n = text.replace(blob, base64.b64encode(raw).decode()), 1
    assert n == 1
    file.write_text(text)


@pytest.mark.parametrize("to", ALL)
def test_a_changed_weight_is_noticed(tmp_path, small, to, monkeypatch):
    need(to)
    path = tmp_path / f"net.{ENDINGS[to]}"
    path.write_text("an older one")

    def run(file, images):
        change_a_weight(file)
        return target.run(file, images)

    target = TARGETS[to]
    monkeypatch.setitem(TARGETS, to, replace(target, run=run))
    with pytest.raises(ExportError) as caught:
        export(small, path, to, images=images_for(small, 30))
    # The page's policy does not even let a changed script run.
    assert caught.value.key == ("export.failed" if to == "html" else "export.differs")
    assert left_in(tmp_path) == [path.name] and path.read_text() == "an older one"


@pytest.mark.parametrize("to", ALL)
def test_a_file_that_does_not_run_is_refused(tmp_path, small, to, monkeypatch):
    need(to)

    def run(file, images):
        main = file.with_name("net_main.c")
        for each in [file, main] if main.exists() else [file]:
            each.write_text(each.read_text().replace("for", "f0r"))
        return target.run(file, images)

    target = TARGETS[to]
    monkeypatch.setitem(TARGETS, to, replace(target, run=run))
    with pytest.raises(ExportError) as caught:
        export(small, tmp_path / "net.x", to, images=images_for(small, 3))
    assert caught.value.key == "export.failed" and caught.value.values["words"]
    assert left_in(tmp_path) == []


def test_a_page_that_wants_a_network_is_refused(tmp_path, small, monkeypatch):
    need("html")

    def run(file, images):
        text = file.read_text().replace(
            "<main>", '<main><img src="http://127.0.0.1:9/x.png" alt="">'
        )
        file.write_text(text)
        return target.run(file, images)

    target = TARGETS["html"]
    monkeypatch.setitem(TARGETS, "html", replace(target, run=run))
    with pytest.raises(ExportError) as caught:
        export(small, tmp_path / "net.html", "html", images=images_for(small, 3))
    assert caught.value.key == "export.failed"


def says(p):
    """Return a target that says these probabilities."""
    from ardoise.export.running import Run

    return Target(lambda job: {job.name: b"x"}, lambda file, x: Run(np.array(p), 1.0))


@pytest.mark.parametrize(
    "p",
    [
        [[np.nan, 0.5, 0.5]],
        [[np.inf, 0.0, 0.0]],
        [[0.5, 0.5]],
        [[0.3, 0.3, 0.4], [0.3, 0.3, 0.4]],
    ],
)
def test_answers_that_are_no_probabilities(tmp_path, small, monkeypatch, p):
    monkeypatch.setitem(TARGETS, "fake", says(p))
    for int8 in (False, True):
        with pytest.raises(ExportError):
            export(
                small, tmp_path / "x", "fake", images=images_for(small, 1), int8=int8
            )
    assert left_in(tmp_path) == []


def test_a_draw_is_no_difference(tmp_path, monkeypatch):
    model = model_of([Dense(2)], (1,))
    model.network.theta[...] = 0
    for p, fails in (([[0.4999999, 0.5000001]], False), ([[0.49, 0.51]], True)):
        monkeypatch.setitem(TARGETS, "fake", says(p))
        images = np.ones((1, 1), np.float32)
        if fails:
            with pytest.raises(ExportError):
                export(model, tmp_path / "x", "fake", images=images)
        else:
            assert export(model, tmp_path / "x", "fake", images=images).proved


def test_int8_that_costs_too_much(tmp_path, small, monkeypatch):
    images = images_for(small, 50)
    right = labels_of(small, images)
    wrong = np.eye(3)[(right + (np.arange(50) < 10)) % 3]  # 10 of 50 changed
    fake = replace(says(wrong), whole_numbers=True)
    monkeypatch.setitem(TARGETS, "fake", fake)
    given = {"images": images, "int8": True, "calibration": images}
    for more in ({}, {"labels": right}):
        done = export(small, tmp_path / "x", "fake", max_loss=0.21, **given, **more)
        assert done.proved and done.lost == pytest.approx(0.2)
        with pytest.raises(ExportError) as caught:
            export(small, tmp_path / "x", "fake", max_loss=0.19, **given, **more)
        assert caught.value.key == "export.lost"
        assert "20.00" in str(caught.value)


# -- nothing to prove it with ---------------------------------------------------------


@pytest.mark.parametrize("to", ["c", "html", "js"])
def test_without_the_tool_it_is_written_and_not_proved(
    tmp_path, small, to, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    path = tmp_path / f"net.{ENDINGS[to]}"
    done = export(small, path, to, images=images_for(small, 2))
    assert not done.proved and isinstance(done.reason, NotProvedError)
    assert path.stat().st_size == done.size
    assert done.worst is done.accuracy is done.seconds is None
    for lang in LANGUAGES:
        assert done.reason.sentence(lang) in done.words(lang)


def test_the_compiler_of_the_environment(tmp_path, small, monkeypatch):
    need("c")
    log, compiler = tmp_path / "log", tmp_path / "my cc"
    compiler.write_text(f'#!/bin/sh\necho "$@" > "{log}"\nexec cc "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", f"'{compiler}' -O1")
    assert export(small, tmp_path / "n.h", "c", images=images_for(small, 2)).proved
    assert log.read_text().startswith("-O1 -std=c99")


def test_a_browser_that_does_not_start(tmp_path, small, monkeypatch):
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\nexit 1\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{browser.parent}:/bin:/usr/bin")
    done = export(small, tmp_path / "n.html", "html", images=images_for(small, 2))
    assert not done.proved and done.reason.key == "export.no_start"


def test_what_takes_too_long(tmp_path, small, monkeypatch):
    from ardoise.export import running

    monkeypatch.setattr(running, "LIMIT", 0.0)
    for to in ("py", "py-stdlib"):
        done = export(small, tmp_path / "n.py", to, images=images_for(small, 2))
        assert not done.proved and done.reason.key == "export.slow"


# -- arguments ------------------------------------------------------------------------


def test_targets_that_there_are_not(tmp_path, small):
    with pytest.raises(ExportError, match="no export to pdf; there are onnx, py"):
        export(small, tmp_path / "x", "pdf", images=images_for(small, 1))


@pytest.mark.parametrize("to", ["c", "onnx"])
def test_int8_arithmetic_needs_calibration(tmp_path, small, to):
    with pytest.raises(ExportError) as caught:
        export(small, tmp_path / "n.h", to, images=images_for(small, 1), int8=True)
    assert caught.value.key == "export.calibration"


def test_a_header_needs_a_name_that_c_can_say(tmp_path, small):
    with pytest.raises(ExportError) as caught:
        export(small, tmp_path / 'n".h', "c", images=images_for(small, 1))
    assert caught.value.key == "export.name"


def test_a_page_needs_a_picture(tmp_path):
    for shape in ((8, 8, 3), (7,), (2, 2, 2)):
        model = model_of([Flatten(), Dense(3)], shape)
        with pytest.raises(ExportError) as caught:
            images = images_for(model, 1)
            export(model, tmp_path / "n.html", "html", images=images)
        assert caught.value.key == "export.not_picture"


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((0, 8, 8, 1)), None),
        (np.zeros((1, 8, 8)), None),
        (np.full((1, 8, 8, 1), np.nan), None),
        (np.zeros((1, 8, 8, 1), np.uint8), [0, 1]),
        (np.zeros((1, 8, 8, 1), np.uint8), [3]),
        (np.zeros((1, 8, 8, 1), np.uint8), [-1]),
        (np.zeros((1, 8, 8, 1), np.uint8), [0.0]),
    ],
)
def test_images_and_labels_that_do_not_fit(tmp_path, small, images, labels):
    with pytest.raises(ValueError):
        export(small, tmp_path / "n.py", "py", images=images, labels=labels)
    assert left_in(tmp_path) == []


def test_answers_that_are_not_finite(tmp_path):
    model = model_of([Dense(2), Dense(2)], (2,))
    model.network.theta[...] = 3e38
    with pytest.raises(ExportError) as caught:
        export(model, tmp_path / "n.py", "py", images=np.ones((1, 2), np.float32))
    assert caught.value.key == "export.not_finite"
    with pytest.raises(ExportError):
        module.ranges(module.make_plan(model), np.ones((1, 2), np.float32))


def test_a_folder_that_is_not_there(tmp_path, small):
    with pytest.raises(OSError):
        export(small, tmp_path / "no" / "n.py", "py", images=images_for(small, 1))
