"""Any picture of a digit, as MNIST frames it; and what was done to it."""

import numpy as np
import pytest

from ardoise.digits import load_mnist
from ardoise.pictures import PictureError, Settings, grey_levels, prepare
from ardoise.pictures.framing import frame
from ardoise.pictures.strokes import thicken, thickness

LEFT_ALONE = Settings(thinnest=0, thickest=20)  # strokes


@pytest.fixture(scope="module")
def digits():
    return load_mnist().images[:200, ..., 0]


def close(a, b, share=0.02):
    """Tell whether two images differ by little ink."""
    return np.abs(a.astype(float) - b).mean() <= share * 255


def codes(report):
    return [change.code for change in report.changes]


def test_mnist_stays_mnist(digits):
    """But for a few: MNIST has some that are smaller, and specks that count as ink."""
    prepared = [prepare(digit, LEFT_ALONE) for digit in digits]
    assert all(image.shape == (28, 28) for image, _ in prepared)
    same = [
        close(image, digit, 0.01) and not report.changes
        for (image, report), digit in zip(prepared, digits, strict=True)
    ]
    assert np.mean(same) >= 0.98


@pytest.mark.parametrize(
    "kind", ["float", "bool", "uint16", "colour", "opaque", "list", "column"]
)
def test_the_same_digit_in_other_numbers(digits, kind):
    digit = digits[3]
    expected, _ = prepare(digit)
    other = {
        "float": digit / 255,
        "bool": digit > 127,
        "uint16": digit.astype(np.uint16) * 257,
        "colour": np.repeat(digit[..., np.newaxis], 3, axis=2),
        "opaque": np.dstack([digit] * 3 + [np.full_like(digit, 255)]),
        "list": digit.tolist(),
        "column": digit[..., np.newaxis],
    }[kind]
    image, _ = prepare(other)
    assert close(image, expected, 0.06 if kind == "bool" else 0.005)


def test_what_is_said(digits):
    digit = digits[0]
    assert codes(prepare(255 - digit)[1])[:1] == ["inverted"]
    large = np.kron(digit, np.ones((5, 5), np.uint8))
    assert "scaled" in codes(prepare(large)[1])
    thin = np.where(np.indices((60, 60)).sum(axis=0) == 60, 255, 0)
    assert "thickened" in codes(prepare(thin)[1])
    # What hardly shows is done, and not spoken of.
    cut_out = prepare(large)[1].stages["digit"]
    width = thickness(cut_out) * 20 / max(cut_out.shape)
    for times, spoken in ((1.02, False), (1.2, True)):
        _, report = prepare(large, Settings(thinnest=times * width))
        assert ("thickened" in codes(report)) is spoken
    ramp = np.linspace(0.3, 1, 140)[:, np.newaxis] * (255 - large.astype(float))
    image, report = prepare(ramp / 255)
    assert "light" in codes(report) and close(image, prepare(large)[0], 0.06)


def test_the_channel_that_shows_most_is_taken(digits):
    ink = digits[5] / 255
    paper = np.array([0.9, 0.9, 0.95])
    blue = np.array([0.2, 0.3, 0.9])
    picture = paper + ink[..., np.newaxis] * (blue - paper)
    image, report = prepare(picture)
    assert "channel_red" in codes(report) and close(image, prepare(digits[5])[0], 0.03)


@pytest.mark.parametrize("level", [0, 3, 128, 255])
def test_an_empty_board(level):
    rng = np.random.default_rng(0)
    board = np.clip(level + rng.normal(0, 2, (90, 70)), 0, 255).astype(np.uint8)
    for picture in (np.full((90, 70), level, np.uint8), board):
        image, report = prepare(picture)
        assert report.is_empty and codes(report) == ["empty"] and not image.any()
    image, _ = prepare(board, Settings(dark_on_light=True))
    assert (image == 255).all()


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros(3), "of shape"),
        (np.zeros((2, 2, 5)), "of shape"),
        (np.zeros((0, 4)), "pixels a side"),
        (np.zeros((1, 20_001), np.uint8), "pixels a side"),
        (np.full((4, 4), np.nan), "from 0 to 65535"),
        (np.full((4, 4), -1.0), "from 0 to 65535"),
        (np.full((4, 4), np.inf), "from 0 to 65535"),
        (np.array([["a"]]), "array of numbers"),
        ([[1, 2], [3]], "differ in length"),
    ],
)
def test_what_is_no_picture(picture, words):
    with pytest.raises(PictureError, match=words):
        prepare(picture)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 300)])
def test_odd_shapes(shape):
    rng = np.random.default_rng(0)
    image, _ = prepare(rng.integers(0, 256, shape).astype(np.uint8))
    assert image.shape == (28, 28)


def test_one_axis_larger_than_the_window_of_light():
    picture = np.zeros((400, 20), np.uint8)
    picture[50:350, 8:12] = 255
    image, report = prepare(picture)
    assert not report.is_empty and image.sum() > 0


@pytest.mark.parametrize("width", [1, 2, 3, 5, 9])
def test_how_thick_strokes_are(width):
    ink = np.zeros((60, 60), np.float32)
    ink[5:55, 20 : 20 + width] = 1
    # A straight stroke along the grid is where the mean over directions is most wrong.
    assert 0.7 * width <= thickness(ink) <= 1.5 * width
    for more in (0.5, 1.0, 2.3):
        now = thickness(thicken(ink, more))
        assert now == pytest.approx(thickness(ink) + 2 * more, rel=0.3)
    assert thickness(np.zeros((4, 4), np.float32)) == 0


def test_thinner_and_thicker_again():
    ink = np.zeros((60, 60), np.float32)
    ink[5:55, 20:32] = 1
    thinner = thicken(ink, -3)
    assert thinner.shape == ink.shape
    assert np.flatnonzero(thinner[30]).tolist() == list(range(23, 29))


def test_the_frame_is_mnists(digits):
    rng = np.random.default_rng(0)
    for _ in range(20):
        h, w = rng.integers(1, 90, 2)
        image = frame(rng.random((h, w), np.float32))
        rows = image.sum(axis=1) @ (np.arange(28) + 0.5) / image.sum()
        columns = image.sum(axis=0) @ (np.arange(28) + 0.5) / image.sum()
        assert rows == pytest.approx(14.5, abs=0.6)
        assert columns == pytest.approx(14.5, abs=0.6)
        filled = np.flatnonzero(image.any(axis=1 if h >= w else 0))
        assert 20 <= filled[-1] - filled[0] + 1 <= 21
    assert not frame(np.zeros((5, 5), np.float32)).any()


def test_settings_are_json_and_strict():
    settings = Settings(thinnest=2.0, dark_on_light=True)
    assert Settings.from_config(settings.config()) == settings
    for wrong in (
        {"name": "x"},
        {"thinnest": -1},
        {"thickest": 1},
        {"a": 1},
        {"dark_on_light": 1},
        None,
    ):
        with pytest.raises(ValueError, match=r"expected|no such|must lie"):
            Settings.from_config(wrong)


def test_grey_levels_of_transparent_pictures():
    picture = np.zeros((4, 4, 4), np.uint8)  # black, and nowhere to be seen
    assert (grey_levels(picture).grey == 1).all()
