"""The corruptions: each beside its definition, word for word, or SciPy's."""

import math

import numpy as np
import pytest
from scipy import ndimage

from ardoise.digits.corruptions import CORRUPTIONS, changes, corrupt, lines, mnist_c
from ardoise.digits.corruptions.resampling import about_the_centre, resample

RNG = np.random.default_rng(0)
IMAGES = RNG.random((7, 28, 28))
BYTES = RNG.integers(0, 256, (300, 28, 28, 1), dtype=np.uint8)
CROSS = ndimage.generate_binary_structure(2, 1)


class Signs:
    """A generator that always goes the same way."""

    def __init__(self, bit):
        self.bit = bit

    def integers(self, low, high, size):
        return np.full(size, self.bit)


def scipy_s(image, matrix, shift):
    """Return an image read at ``matrix · (x, y) + shift``, by SciPy."""
    flipped = np.array(matrix)[::-1, ::-1]  # its points are (row, column)
    return ndimage.affine_transform(
        image, flipped, np.array(shift)[::-1], order=1, mode="grid-constant"
    )


# -- all of them ----------------------------------------------------------------------


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_seed_decides_and_the_images_stay(name):
    before = BYTES.copy()
    first, again, other = (corrupt(BYTES, name, seed) for seed in (1, 1, 2))
    assert first.dtype == np.uint8 and first.shape == BYTES.shape
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(BYTES, before)
    assert np.array_equal(first, BYTES) is (name == "mnist-c/identity")
    random = not name.startswith(("scale", "thickness", "inversion")) and not any(
        name == f"mnist-c/{kind}"
        for kind in ("identity", "scale", "brightness", "stripe")
    )
    assert np.array_equal(first, other) is not random


def test_their_names():
    assert len(CORRUPTIONS) == 34
    assert {"rotation/20", "thickness/-1", "inversion", "mnist-c/fog"} < set(
        CORRUPTIONS
    )
    assert all(name == entry.name for name, entry in CORRUPTIONS.items())
    assert CORRUPTIONS["thickness/-1"].about == "strokes −1 pixel on each side"


def test_what_is_refused():
    with pytest.raises(ValueError, match="expected one of rotation/10, "):
        corrupt(BYTES, "rotation")
    for images in (BYTES[..., 0], BYTES / 255, np.repeat(BYTES, 3, axis=3)):
        with pytest.raises(ValueError, match="expected grey images, uint8"):
            corrupt(images, "inversion")


def test_none_at_all():
    assert corrupt(BYTES[:0], "rotation/20").shape == (0, 28, 28, 1)


# -- movements ------------------------------------------------------------------------


def test_resampling_is_scipy_s():
    rng = np.random.default_rng(1)
    matrices = np.eye(2) + 0.5 * rng.standard_normal((7, 2, 2))
    shifts = 9 * rng.standard_normal((7, 2))
    maps = np.concatenate([matrices, shifts[..., np.newaxis]], axis=2)
    for image, moved, *map_ in zip(
        IMAGES, resample(IMAGES, maps), matrices, shifts, strict=True
    ):
        np.testing.assert_allclose(moved, scipy_s(image, *map_), atol=1e-12)


def test_far_away_is_black():
    maps = np.tile(np.eye(2, 3), (7, 1, 1))
    maps[:, 0, 2] = 1e6
    assert not resample(IMAGES, maps).any()


def test_the_centre_stays():
    maps = about_the_centre(RNG.standard_normal((5, 2, 2)), (28, 20))
    np.testing.assert_allclose(maps @ (9.5, 13.5, 1), np.tile((9.5, 13.5), (5, 1)))


@pytest.mark.parametrize("bit", [0, 1])
@pytest.mark.parametrize("name", ["rotate", "shear", "scale", "translate"])
def test_mnist_c_s_movements(name, bit):
    """The matrices of scikit-image when MNIST-C was made, about (13.5, 13.5)."""
    a = 0.4 * (2 * bit - 1)
    matrix, shift = {
        "rotate": ([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]], None),
        "shear": ([[1, -math.sin(a)], [0, math.cos(a)]], None),
        "scale": ([[1 / 0.7, 0], [0, 1 / 0.7]], None),
        "translate": (np.eye(2), [3 * (2 * bit - 1)] * 2),
    }[name]
    if shift is None:
        shift = 13.5 - np.array(matrix) @ [13.5, 13.5]
    change = getattr(mnist_c, name)
    for image, moved in zip(IMAGES, change(IMAGES, Signs(bit)), strict=True):
        np.testing.assert_allclose(moved, scipy_s(image, matrix, shift), atol=1e-12)


def test_our_movements():
    same = changes.rotation(90)(IMAGES, Signs(1))
    np.testing.assert_allclose(same, np.rot90(IMAGES, 1, (1, 2)), atol=1e-9)
    moved = changes.translation(2)(IMAGES, Signs(0))
    np.testing.assert_allclose(moved[:, 2:, 2:], IMAGES[:, :-2, :-2])
    assert not moved[:, :2].any() and not moved[:, :, :2].any()
    t = math.tan(math.radians(20))
    leaning = changes.shear(20)(IMAGES, Signs(1))
    expected = scipy_s(IMAGES[0], [[1, t], [0, 1]], [-13.5 * t, 0])
    np.testing.assert_allclose(leaning[0], expected, atol=1e-12)
    large = changes.scale(1.3)(IMAGES, Signs(1))
    shift = 13.5 * (1 - 1 / 1.3)
    expected = scipy_s(IMAGES[0], np.eye(2) / 1.3, [shift, shift])
    np.testing.assert_allclose(large[0], expected, atol=1e-12)


def test_both_ways_are_taken():
    bar = np.zeros((200, 28, 28, 1), np.uint8)
    bar[:, :, 14] = 255
    for name in ("rotation/20", "shear/20", "mnist-c/rotate", "mnist-c/shear"):
        upper_left = corrupt(bar, name)[:, :10, :13].any(axis=(1, 2, 3))
        assert 70 < upper_left.sum() < 130


# -- strokes, noise, light ------------------------------------------------------------


@pytest.mark.parametrize(("pixels", "times"), [(1, 1), (-1, 1), (2, 2)])
def test_thickness_is_scipy_s_morphology(pixels, times):
    change = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    for image, changed in zip(
        IMAGES, changes.thickness(pixels)(IMAGES, RNG), strict=True
    ):
        for _ in range(times):
            image = change(image, footprint=CROSS, mode="constant", cval=0)
        np.testing.assert_array_equal(changed, image)


def test_light():
    np.testing.assert_allclose(changes.inversion(0)(IMAGES, RNG), 1 - IMAGES)
    bright = corrupt(BYTES, "mnist-c/brightness").astype(int)
    assert np.abs(bright - np.minimum(BYTES.astype(int) + 127.5, 255)).max() <= 0.5
    striped = corrupt(BYTES, "mnist-c/stripe")
    np.testing.assert_array_equal(striped[:, :, 7:21], BYTES[:, :, 7:21])
    for edge in (slice(0, 7), slice(21, 28)):
        np.testing.assert_array_equal(striped[:, :, edge], 255 - BYTES[:, :, edge])


def test_noise():
    grey = np.full((300, 28, 28, 1), 128, np.uint8)
    found = corrupt(grey, "noise/0.1") / 255
    assert found.mean() == pytest.approx(128 / 255, abs=1e-3)
    assert found.std() == pytest.approx(0.1, rel=0.01)
    found = corrupt(grey, "mnist-c/shot_noise") / 255
    x = 3 * 128 / 255
    for k in range(3):  # Poisson's shares
        share = math.exp(-x) * x**k / math.factorial(k)
        assert (np.abs(found - k / 3) < 0.01).mean() == pytest.approx(share, abs=0.005)
    found = corrupt(grey, "mnist-c/impulse_noise")
    assert (found == 128).mean() == pytest.approx(0.83, abs=0.005)
    assert (found == 0).mean() == pytest.approx(0.085, abs=0.005)
    assert (found == 255).mean() == pytest.approx(0.085, abs=0.005)


# -- MNIST-C's weather and lines ------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("axis", [1, 2])
def test_blurring_is_scipy_s(sigma, axis):
    expected = ndimage.gaussian_filter1d(IMAGES, sigma, axis, mode="nearest")
    np.testing.assert_allclose(mnist_c.blurred(IMAGES, sigma, axis), expected)


def test_frosted_glass():
    """Pixel by pixel, as it is defined."""
    image = IMAGES[0]
    rng = np.random.default_rng(3)
    grey = np.uint8(255 * ndimage.gaussian_filter1d(image, 0.7, 0, mode="nearest"))
    for _ in range(2):
        for row in range(27, 1, -1):
            for column in range(27, 1, -1):
                swaps = rng.integers(0, 2, 1)[0]
                dx, dy = rng.integers(-1, 1, (2, 1))[:, 0]
                if swaps:
                    there = row + dy, column + dx
                    grey[row, column], grey[there] = grey[there], grey[row, column]
    expected = ndimage.gaussian_filter1d(grey / 255, 0.7, 0, mode="nearest")
    found = mnist_c.glass_blur(IMAGES[:1], np.random.default_rng(3))
    np.testing.assert_allclose(found[0], expected)


def slow_plasma(rng):
    """Diamonds and squares, point by point, on a torus."""
    size, step, wild = 256, 256, 100.0
    grid = np.zeros((size, size))

    def fill(points, neighbours):
        side = size // step
        random = rng.uniform(-wild, wild, (1, side, side))[0]
        new = {}
        for i, j in np.ndindex(side, side):
            y, x = points[0] + i * step, points[1] + j * step
            around = [grid[(y + dy) % size, (x + dx) % size] for dy, dx in neighbours]
            new[y, x] = sum(around) / 4 + wild * random[i, j]
        for point, value in new.items():
            grid[point] = value

    while step >= 2:
        h = step // 2
        fill((h, h), [(-h, -h), (-h, h), (h, -h), (h, h)])
        beside = [(-h, 0), (h, 0), (0, -h), (0, h)]
        fill((0, h), beside)
        fill((h, 0), beside)
        step, wild = h, wild / 1.4
    return (grid - grid.min()) / np.ptp(grid)


def test_the_fractal():
    found = mnist_c.plasma(1, np.random.default_rng(5))[0]
    np.testing.assert_allclose(found, slow_plasma(np.random.default_rng(5)), atol=1e-12)
    assert (found.min(), found.max()) == (0, 1)


def test_fog():
    found = mnist_c.fog(IMAGES, np.random.default_rng(5))
    haze = mnist_c.plasma(7, np.random.default_rng(5))[:, :28, :28]
    for image, foggy, h in zip(IMAGES, found, haze, strict=True):
        white = image.max()
        np.testing.assert_allclose(foggy, (image + 3 * h) * white / (white + 3))


def test_spatter():
    rng = np.random.default_rng(5)
    liquid = rng.normal(0.65, 0.3, IMAGES.shape)
    found = mnist_c.spatter(IMAGES, np.random.default_rng(5))
    for image, wet, seen in zip(IMAGES, liquid, found, strict=True):
        wet = ndimage.gaussian_filter(wet, 1, mode="nearest")
        mud = ndimage.gaussian_filter((wet > 0.65).astype(float), 1.5, mode="nearest")
        mud[mud < 0.8] = 0
        np.testing.assert_allclose(seen, image * (1 - mud) + 63 / 255 * mud, atol=1e-9)


def test_a_line():
    drawn = lines.line((28, 28), 3, 10, 20.5, 10)
    assert not drawn[:, :3].any() and not drawn[:, 21:].any()
    expected = [0, 1 + math.log(1 - 1 / 2.3), 1, 1 + math.log(1 - 1 / 2.3), 0]
    np.testing.assert_allclose(drawn[8:13, 10], expected)
    assert not lines.line((28, 28), 3, 10, 3, 20).any()
    steep = lines.line((28, 28), 0, 0, 27, 27)
    np.testing.assert_allclose(steep.diagonal()[:27], 1)


def test_a_dotted_line():
    drawn = lines.dotted_line(np.zeros((200, 28, 28)), np.random.default_rng(0))
    shown = drawn.any(axis=(0, 1))
    assert shown.tolist() == [c // 2 % 2 == 1 for c in range(27)] + [False]
    assert drawn[:, :, 2].argmax(axis=1).max() >= 25


def test_a_zigzag():
    """Level ones have six teeth of two pixels, from column 2 to 25."""
    drawn = lines._zigzag((28, 28), 14, 0)
    assert not drawn[:, :2].any() and not drawn[:, 25:].any()
    for column, row in ((4, 16), (8, 12), (12, 16), (16, 12), (20, 16), (24, 12)):
        assert drawn[row, column] == pytest.approx(1)
    found = lines.zigzag(IMAGES, np.random.default_rng(0))
    assert (found >= IMAGES).all() and (found > IMAGES).any(axis=(1, 2)).all()
