"""A photo is read as ``ardoise read --json`` reads it."""

import json

import numpy as np
import pytest
from looked_at import dense, digit, model_of, strange_things, trained, trained_session
from PIL import Image

from ardoise.cli.app import run
from ardoise.files import ModelFileError, save_model
from ardoise.pictures import PictureError
from ardoise.slate.photo import read_photo

ROWS, PLACES = (
    (0, 1, 3, 5),
    (60, 150, 400, 490),
)  # of its digits, in pixels from the left


def sheet():
    """Return a photo (h, w) of two numbers and what is none, dark on grey paper."""
    paper = np.full((500, 700), 200, np.uint8)
    for row, place in zip(ROWS, PLACES, strict=True):
        ink = np.kron(digit(row)[0], np.ones((3, 3), np.uint8))
        paper[60:144, place : place + 84] -= (ink * 0.7).astype(np.uint8)
    *_, grid = strange_things()
    paper[300:412, 100:212] -= (np.kron(grid, np.ones((4, 4))) * 0.7).astype(np.uint8)
    return paper


def test_a_photo_is_read_as_the_command_reads_it(tmp_path, capsys):
    grey = sheet()
    save_model(tmp_path / "model.safetensors", trained())
    Image.fromarray(grey).save(tmp_path / "sheet.png")
    model = ["--model", str(tmp_path / "model.safetensors")]
    assert run(["read", str(tmp_path / "sheet.png"), "--json", *model]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said.pop("file") == str(tmp_path / "sheet.png")
    found = read_photo(trained_session(), grey)
    assert json.loads(json.dumps(found)) == said


def test_every_digit_has_its_box_and_its_doubt():
    found = read_photo(trained_session(), sheet())
    assert (found["width"], found["height"]) == (700, 500)
    numbers = [number for line in found["lines"] for number in line]
    assert len(numbers) == 3
    read_digits = [*numbers[0], *numbers[1]]
    for row, place, read in zip(ROWS, PLACES, read_digits, strict=True):
        assert read["label"] == str(digit(row)[1])
        box = read["box"]
        assert place <= box["left"] < box["right"] <= place + 84
        assert 60 <= box["top"] < box["bottom"] <= 144
        assert 0.1 < read["second_probability"] + read["probability"] <= 1.000001
        assert read["doubtful"] == (read["probability"] < 0.9)
    assert all(part["refused"] for part in numbers[2])


def test_an_empty_photo_has_no_lines():
    found = read_photo(trained_session(), np.full((90, 120), 255, np.uint8))
    assert found["lines"] == [] and found["text"] == ""


def test_a_model_of_other_pictures_reads_no_photo():
    model = model_of(dense())
    del model.details["prepare"]
    session = trained_session()
    session.adopt(model)
    with pytest.raises(ModelFileError) as refused:
        read_photo(session, sheet())
    assert refused.value.key == "read.kind"


def test_what_is_no_picture_is_refused():
    with pytest.raises(PictureError):
        read_photo(trained_session(), np.zeros((0, 10), np.uint8))
