"""Digits found on sheets that are made here, read by comparing with the very digits."""

import numpy as np
import pytest

from ardoise.digits import load_mnist
from ardoise.pictures import PictureError, connected_components, prepare, read
from ardoise.pictures.framing import Box
from ardoise.pictures.lines import lines_of, spaces
from ardoise.pictures.marks import Mark, find_marks, run_lengths, without_lines
from ardoise.pictures.splitting import join, split

SIDE = 60


@pytest.fixture(scope="module")
def glyphs():
    """One digit of each class, as sharp ink three times as large, cut out."""
    data = load_mnist()
    found = {}
    for label in range(10):
        images = data.images[data.labels == label][:50, ..., 0]
        image = next(x for x in images if len(connected_components(x > 180).areas) == 1)
        large = np.kron(image, np.ones((3, 3))) / 255
        rows, columns = np.flatnonzero(large.any(1)), np.flatnonzero(large.any(0))
        found[label] = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return found


@pytest.fixture(scope="module")
def classify(glyphs):
    """Return what tells how alike images are to each of the digits."""
    known = np.stack([prepare(np.pad(g, 9))[0] for g in glyphs.values()])
    known = known.reshape(10, -1) / 255.0
    known /= np.linalg.norm(known, axis=1, keepdims=True)

    def classify(images):
        x = images.reshape(len(images), -1) / 255.0
        x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
        z = np.exp(30 * (x @ known.T))
        return z / z.sum(axis=1, keepdims=True)

    return classify


def sheet(glyphs, lines, gap=14, space=60, margin=30):
    """Return ink with these numbers on it: 0 to 1."""
    board = np.zeros((2 * margin + (SIDE + 35) * len(lines), 2 * margin + 500))
    for i, line in enumerate(lines):
        left = margin
        for c in line:
            if c == " ":
                left += space
                continue
            glyph = glyphs[int(c)]
            h, w = glyph.shape
            top = margin + (SIDE + 35) * i + (SIDE + 10 - h) // 2
            place = board[top : top + h, left : left + w]
            np.maximum(place, glyph, out=place)
            left += w + gap
    return board


LINES = ["31415", "9 265", "70", "8"]
TEXT = "31415\n9 265\n70\n8"


def test_lines_numbers_and_digits_in_order(glyphs, classify):
    reading = read(sheet(glyphs, LINES), classify)
    assert reading.text() == TEXT
    assert [len(line) for line in reading.lines] == [1, 2, 1, 1]
    assert reading.text(tuple("abcdefghij")).startswith("dbebf")
    for digit in reading.digits:
        assert digit.probability == digit.probabilities[digit.label]
        assert digit.second != digit.label and not digit.is_refused


@pytest.mark.parametrize("kind", ["dark", "bytes", "colour", "shadow", "noise"])
def test_on_paper(glyphs, classify, kind):
    rng = np.random.default_rng(0)
    paper = 0.9 - 0.7 * sheet(glyphs, LINES)
    if kind == "bytes":
        paper = (255 * paper).astype(np.uint8)
    elif kind == "colour":
        paper = np.stack([paper, paper, np.full_like(paper, 0.9)], axis=2)
    elif kind == "shadow":
        paper = paper * np.where(np.arange(paper.shape[1]) < 150, 0.5, 1)
        paper += rng.normal(0, 0.005, paper.shape)
    elif kind == "noise":
        paper = np.clip(paper + rng.normal(0, 0.03, paper.shape), 0, 1)
    assert read(paper, classify).text() == TEXT


def test_boxes_are_where_the_ink_is(glyphs, classify):
    ink = sheet(glyphs, ["7"])
    (digit,) = read(ink, classify).digits
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    expected = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
    assert np.abs(np.array(digit.box) - expected).max() <= 2


def test_a_large_picture_is_made_smaller_and_its_boxes_are_not(glyphs, classify):
    ink = sheet(glyphs, ["31", "8"])
    large = np.kron(ink.astype(np.float32), np.ones((14, 14), np.float32))
    assert max(large.shape) > 2000
    found, expected = read(large, classify), read(ink, classify)
    assert found.text() == expected.text() == "31\n8"
    for one, other in zip(found.digits, expected.digits, strict=True):
        assert np.abs(np.array(one.box) / 14 - other.box).max() <= 2


@pytest.mark.parametrize("squared", [False, True])
def test_the_lines_of_the_paper(glyphs, classify, squared):
    ink = sheet(glyphs, LINES)
    ink[15::47] = np.maximum(ink[15::47], 0.8)
    if squared:
        ink[:, 15::47] = np.maximum(ink[:, 15::47], 0.8)
    reading = read(0.9 - 0.7 * ink, classify)
    assert reading.text() == TEXT
    assert [c.code for c in reading.changes if c.code == "lines"] == ["lines"]


def test_a_frame_and_specks_are_no_digits(glyphs, classify):
    ink = sheet(glyphs, ["42"])
    ink[:4] = ink[-4:] = ink[:, :4] = ink[:, -4:] = 1
    rng = np.random.default_rng(1)
    for _ in range(20):
        y, x = rng.integers(6, 24, 2)
        ink[y : y + 2, x : x + 2] = 1
    assert read(ink, classify).text() == "42"


def test_a_broken_stroke_is_one_digit(glyphs, classify):
    ink = sheet(glyphs, ["5327"])
    whole = read(ink, classify).digits[0].box
    middle = (whole.top + whole.bottom) // 2
    ink[middle - 2 : middle + 2, : whole.right] = 0
    assert len(find_marks(ink.astype(np.float32)).marks) == 4
    assert read(ink, classify).digits[0].box == whole


@pytest.mark.parametrize("pair", ["31", "06", "27"])
def test_digits_that_touch_are_split(glyphs, classify, pair):
    for gap in range(0, -30, -1):
        ink = sheet(glyphs, [pair], gap=gap)
        if len(find_marks(ink.astype(np.float32)).marks) == 1:
            break
    assert read(ink, classify).text() == pair


def test_what_no_digit_is_made_of_is_not_cut(glyphs, classify):
    for gap in range(0, -30, -1):
        ink = sheet(glyphs, ["31"], gap=gap)
        if len(find_marks(ink.astype(np.float32)).marks) == 1:
            break

    def none(images):
        return np.ones(len(images), bool)

    assert len(read(ink, classify, unknown=none).digits) == 1
    assert len(read(ink, classify, unknown=lambda x: ~none(x)).digits) == 2


@pytest.mark.parametrize(("width", "n"), [(1.8, 1), (2.6, 2)])
def test_a_flat_digit_stays_whole(width, n):
    ink = np.zeros((60, round(40 * width)), np.float32)
    ink[10:50, 2:-2] = 1
    middle = ink.shape[1] // 2
    ink[10:50, middle - 1 : middle + 2] = 0.2  # where it could be cut
    mark = Mark(Box(0, 0, 40, round(40 * width) - 4), ink[10:50, 2:-2])

    def sure(pieces):
        return np.array([[0.99, 0.01]] * len(pieces))

    assert len(split(mark, sure)) == n


def bar_of_a_five():
    """Three marks: a body, its bar aside, and another digit far away."""
    ink = np.zeros((70, 200), np.float32)
    ink[20:60, 10:34], ink[5:15, 36:66], ink[10:60, 150:170] = 1, 0.9, 1
    found = find_marks(ink)
    assert len(found.marks) == 3
    return ink, found


def knows(wide):
    """Return what is sure of the marks as wide as these, and of little else."""

    def read(pieces):
        top = [0.95 if piece.shape[1] in wide else 0.4 for piece in pieces]
        return np.array([[p, 1 - p] for p in top])

    return read


def test_a_stroke_beside_its_digit_is_put_to_it():
    ink, found = bar_of_a_five()
    body, bar, far = sorted(found.marks, key=lambda mark: mark.box.left)
    whole = bar.box.right - body.box.left
    marks = join(found.marks, found.height, knows([whole, body.box.width]))
    assert len(marks) == 2 and any(mark is far for mark in marks)
    one = next(mark for mark in marks if mark is not far)
    assert one.box == Box(bar.box.top, body.box.left, body.box.bottom, bar.box.right)
    box = one.box
    assert np.array_equal(one.ink, ink[box.top : box.bottom, box.left : box.right])
    # Each of them may be a digit, and what they are together is none.
    for known in ([], [body.box.width, bar.box.width]):
        assert join(found.marks, found.height, knows(known)) == found.marks


@pytest.mark.parametrize(("known", "n"), [(range(30, 90), 1), ([22], 2), ([], 3)])
def test_strokes_beside_a_digit_are_one_with_it(known, n):
    boxes = [Box(20, 10, 60, 34), Box(5, 36, 15, 50), Box(17, 44, 27, 58)]
    marks = [Mark(box, np.ones((box.height, box.width), np.float32)) for box in boxes]
    assert len(join(marks, 40.0, knows(known))) == n


def test_a_faint_digit_is_found_beside_strong_ones(glyphs, classify):
    ink = sheet(glyphs, ["12", "34"])
    top, left, bottom, right = find_marks(ink.astype(np.float32)).marks[-1].box
    # The 4, as a pencil leaves it: grains of what is ink to all in a grey stroke.
    corner = (slice(top, bottom), slice(left, right))
    grains = np.random.default_rng(0).random(ink[corner].shape) < 0.2
    ink[corner] *= np.where(grains, 0.6, 0.35)
    found = find_marks(ink.astype(np.float32))
    assert len(found.marks) == 4
    assert read(ink, classify).text() == "12\n34"
    # Without a grain of strong ink, it is the paper's own unevenness.
    ink[corner] = np.minimum(ink[corner], 0.4)
    assert len(find_marks(ink.astype(np.float32)).marks) == 3


def test_what_is_refused(glyphs, classify):
    reading = read(
        sheet(glyphs, ["42"]), classify, refuse=lambda images: np.array([True, False])
    )
    assert [digit.is_refused for digit in reading.digits] == [True, False]


def test_nothing_there(classify):
    for picture in (np.zeros((50, 80)), np.full((50, 80), 200, np.uint8)):
        reading = read(picture, classify)
        assert reading.digits == [] and reading.text() == ""
        assert [change.code for change in reading.changes] == ["empty"]
    with pytest.raises(PictureError, match="shape"):
        read(np.zeros(5), classify)


def test_runs():
    mask = np.array([[1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool)
    assert run_lengths(mask).tolist() == [[2, 2, 0, 1], [0, 0, 0, 0], [4, 4, 4, 4]]
    kept, n = without_lines(mask, 1.0)
    assert n == 0 and (kept == mask).all()


def test_lines_that_slope():
    boxes = [Box(10 + 3 * i, 40 * i, 50 + 3 * i, 40 * i + 30) for i in range(8)]
    boxes += [Box(90 + 3 * i, 40 * i, 130 + 3 * i, 40 * i + 30) for i in range(8)]
    assert lines_of(boxes) == [list(range(8)), list(range(8, 16))]
    assert lines_of([]) == []


def test_spaces():
    def row(*gaps):
        lefts = np.cumsum([0, *(20 + gap for gap in gaps)])
        return spaces([Box(0, left, 30, left + 20) for left in lefts.tolist()], 30)

    assert row() == [] and row(10) == [False] and row(50) == [True]
    assert row(10, 12, 40, 8) == [False, False, True, False]
    assert row(30, 28, 35) == [False, False, False]  # far apart, all of them
    assert row(2, 12, 3) == [False, False, False]  # too little to be a space
    assert row(8, 30, 10, 32) == [False, True, False, True]  # 24 10 2
