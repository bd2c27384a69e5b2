"""Digits of MNIST as ink of any size, and ink on paper, photographed."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]


def crop(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a digit (28, 28) without the empty pixels around it."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def enlarge(image: NDArray[np.uint8], height: int) -> Floats:
    """Return a digit as sharp ink of a height in pixels, 0 to 1.

    Interpolated (Lanczos), then made as steep as an edge of 1.5 pixels is.
    """
    cut = crop(image)
    scale = height / cut.shape[0]
    size = max(1, round(cut.shape[1] * scale)), height
    large = Image.fromarray(cut).resize(size, Image.Resampling.LANCZOS)
    levels = np.asarray(large, np.float32) / 255
    steep = max(1.0, scale / 1.5)
    return np.clip((levels - 0.5) * steep + 0.5, 0, 1).astype(np.float32)


def paste(sheet: Floats, ink: Floats, top: int, left: int) -> None:
    """Lay ink over a sheet of ink: the stronger of both counts."""
    h, w = ink.shape
    place = sheet[top : top + h, left : left + w]
    np.maximum(place, ink[: place.shape[0], : place.shape[1]], out=place)


def turned(ink: Floats, degrees: float) -> Floats:
    """Return ink turned about its middle, on as much space as it needs."""
    image = Image.fromarray(ink)
    found = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    return np.clip(np.asarray(found, np.float32), 0, 1)


_AROUND = [(1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1)]


def skeleton(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the middle line of strokes, one pixel wide.

    References
    ----------
    Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", 1984.
    """
    kept = np.pad(mask, 1)
    while True:
        before = int(kept.sum())
        for half in (0, 1):
            # The eight neighbours, clockwise from the one above.
            p = [np.roll(kept, shift, (0, 1)) for shift in _AROUND]
            n = np.sum(p, axis=0)
            turns = sum(~a & b for a, b in zip(p, [*p[1:], p[0]], strict=True))
            up, right, down, left = p[0], p[2], p[4], p[6]
            if half == 0:
                free = ~(up & right & down) & ~(right & down & left)
            else:
                free = ~(up & right & left) & ~(up & down & left)
            kept = kept & ~(free & (turns == 1) & (n >= 2) & (n <= 6))
        if int(kept.sum()) == before:
            inner: NDArray[np.bool_] = kept[1:-1, 1:-1]
            return inner


def photograph(
    ink: Floats, rng: np.random.Generator, *, ruled: str | None = None, pitch: int = 0
) -> NDArray[np.uint8]:
    """Return a photo of ink on paper: (h, w, 3), as JPEG left it.

    Paper of a level from 0.72 to 0.95, a little yellow; ink of 0.05 to 0.35, black or
    blue; light that falls off across the sheet and a soft shadow, both down to 0.55;
    blur of a radius up to 1 pixel; noise of 0.01 to 0.03; JPEG quality of 50 to 90.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
    rng : numpy.random.Generator
    ruled : {"lines", "squares"}, optional
        Lines printed on the paper, a third to a half as dark as the ink.
    pitch : int
        Pixels from one to the next.
    """
    h, w = ink.shape
    paper = rng.uniform(0.72, 0.95) * np.array([1, 0.99, rng.uniform(0.88, 0.98)])
    level = rng.uniform(0.05, 0.35)
    blue = (
        np.array([1, 1.05, rng.uniform(1.6, 2.6)]) if rng.random() < 0.5 else np.ones(3)
    )
    pen = np.minimum(level * blue, 0.6)
    if ruled:
        ink = np.maximum(ink, _printed((h, w), rng, ruled, pitch))
    picture = paper + ink[..., np.newaxis] * (pen - paper)
    picture *= (_falling_off((h, w), rng) * _shadow((h, w), rng))[..., np.newaxis]
    levels = np.clip(picture * 255, 0, 255).astype(np.uint8)
    image = Image.fromarray(levels)
    from PIL import ImageFilter

    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.0)))
    noise = rng.normal(0, 255 * rng.uniform(0.01, 0.03), (h, w, 3))
    noisy = np.clip(np.asarray(image, np.float32) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=int(rng.integers(50, 91)))
    file.seek(0)
    with Image.open(file) as found:
        return np.asarray(found.convert("RGB"))


def _printed(
    shape: tuple[int, int], rng: np.random.Generator, ruled: str, pitch: int
) -> Floats:
    lines = np.zeros(shape, np.float32)
    strength, wide = rng.uniform(0.3, 0.5), int(rng.integers(1, 3))
    start = int(rng.integers(pitch))
    for offset in range(wide):
        lines[start + offset :: pitch] = strength
        if ruled == "squares":
            lines[:, start + offset :: pitch] = strength
    return lines


def _falling_off(shape: tuple[int, int], rng: np.random.Generator) -> Any:
    h, w = shape
    y, x = np.linspace(-1, 1, h)[:, np.newaxis], np.linspace(-1, 1, w)
    angle = rng.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * y + np.sin(angle) * x) / np.sqrt(2)
    low = rng.uniform(0.6, 1.0)
    return low + (1 - low) * (slope + 1) / 2


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> Any:
    """Return a half plane in the shade, with a soft edge."""
    if rng.random() < 0.5:
        return np.ones(shape)
    h, w = shape
    y, x = np.arange(h)[:, np.newaxis] - h / 2, np.arange(w) - w / 2
    angle, side = rng.uniform(0, 2 * np.pi), min(h, w)
    distance = np.cos(angle) * y + np.sin(angle) * x + rng.uniform(-0.3, 0.3) * side
    soft = side * rng.uniform(0.05, 0.3)
    dark = rng.uniform(0.55, 0.9)
    return dark + (1 - dark) / (1 + np.exp(-np.clip(distance / soft * 4, -30, 30)))
