"""One thread's augmentation of batches: its buffers, and the order of what is done."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Memory, Shape
from ardoise.engine.augmentation.pixels import (
    Hiding,
    Noise,
    Strokes,
    draw_cutout,
    draw_erased,
)
from ardoise.engine.augmentation.settings import Settings
from ardoise.engine.augmentation.warping import (
    ElasticFields,
    Margins,
    Resampler,
    inverse_maps,
)

# So many pixels at a time: then a dozen arrays of them stay in the L2 cache.
CHUNK_PIXELS = 2**16


class Augmenter:
    """Augments batches, in buffers of its own; made by `Augmentation.prepare`.

    Parameters
    ----------
    settings : Settings
    sample_shape : tuple of int
        Of one image, as it comes.
    batch : int
        The most images of a call.
    dtype : numpy dtype
        float32 or float64: in which it computes.

    Raises
    ------
    ShapeError
        If samples of this shape are no images.
    """

    def __init__(
        self, settings: Settings, sample_shape: Shape, batch: int, dtype: Any
    ) -> None:
        self._settings = settings
        self._shape = settings.shape_of(sample_shape)
        pixels = math.prod(self._shape)
        self._most = max(1, min(batch, CHUNK_PIXELS // pixels))
        most = self._most
        self._values = Memory(most * pixels, dtype)
        self._resampler: Resampler | None = None
        self._elastic: ElasticFields | None = None
        is_warp = settings.is_warp
        margin = 2 if is_warp else max(2, settings.shift)
        self._margins = Margins(self._shape, most, margin, dtype)
        if is_warp:
            self._resampler = Resampler(self._margins)
        if settings.elastic is not None:
            self._elastic = ElasticFields(
                self._shape[:2], most, *settings.elastic, dtype
            )
        self._strokes = Strokes(self._margins) if settings.thickness else None
        self._noise = Noise(most * pixels) if settings.noise else None
        hides = settings.erasing or settings.cutout
        self._hiding = Hiding(self._shape, most) if hides else None

    def __call__(self, images: Array, rng: np.random.Generator, out: Array) -> None:
        """Write augmented images into ``out``.

        Parameters
        ----------
        images : array of shape (n, *sample_shape)
            Bytes or floating-point numbers; not written.
        rng : numpy.random.Generator
        out : array of the same shape
            Floating-point numbers, bytes as x / 255; or bytes, of bytes. It may have
            any strides if images come as (n, h, w, c).
        """
        n = len(images)
        if images.shape[1:] != self._shape:
            images = images.reshape(n, *self._shape)
            out = out.reshape(n, *self._shape)
        # Even parts, none above the most.
        size = -(-n // -(-n // self._most)) if n else 1
        for start in range(0, n, size):
            part = slice(start, start + size)
            self._augment(images[part], rng, out[part])

    def _augment(self, images: Array, rng: np.random.Generator, out: Array) -> None:
        settings, n = self._settings, len(images)
        chosen = np.ones(n)
        if settings.probability < 1:
            chosen = (rng.random(n) < settings.probability).astype(float)
        values = self._move(images, chosen, rng)
        if images.dtype == np.uint8:
            np.multiply(values, 1 / 255, out=values)
        if self._noise is not None:
            self._noise(values, settings.noise * chosen, rng)
        if self._hiding is not None and settings.erasing:
            erased = (rng.random(n) < settings.erasing) * chosen
            boxes = draw_erased(self._shape[:2], erased, rng)
            self._hiding(values, boxes, rng)
        if self._hiding is not None and settings.cutout:
            boxes = draw_cutout(self._shape[:2], settings.cutout, chosen, rng)
            self._hiding(values, boxes)
        if out.dtype == np.uint8:
            np.multiply(values, 255, out=values)
            np.add(values, 0.5, out=values)
            np.clip(values, 0, 255, out=values)
        np.copyto(out, values, casting="unsafe")

    def _move(self, images: Array, chosen: Array, rng: np.random.Generator) -> Array:
        """Return the images as numbers of 0 to 255 or as they come, moved."""
        settings, n = self._settings, len(images)
        moves = self._resampler is not None or settings.shift
        if not moves and self._strokes is None:
            values = self._values(images.shape)
            np.copyto(values, images, casting="unsafe")
            return values
        inside = self._margins.images(n)
        np.copyto(inside, images, casting="unsafe")
        if self._strokes is not None:
            amounts = rng.uniform(-settings.thickness, settings.thickness, n)
            self._strokes(amounts * chosen)
        if self._resampler is not None:
            maps = draw_maps(settings, self._shape[:2], chosen, rng)
            fields = None if self._elastic is None else self._elastic(chosen, rng)
            return self._resampler(maps, fields)
        if settings.shift:
            # The one array of this size that is made anew: `take` into a buffer has
            # five times as long to go, over indices of pixels.
            down, right = draw_shifts(settings.shift, chosen, rng)
            middle = self._margins.width
            windows = self._margins.windows()
            moved: Array = windows[np.arange(n), middle - down, middle - right]
            return moved
        values = self._values(images.shape)
        np.copyto(values, inside)
        return values


def draw_maps(
    settings: Settings,
    shape: tuple[int, int],
    chosen: Array,
    rng: np.random.Generator,
) -> Array:
    """Return the maps (2, n, 3) of random transformations; see `inverse_maps`.

    ``chosen`` (n,) is 1 where an image is transformed, and 0 where it is not.
    """
    draws = rng.uniform(-1, 1, (7, len(chosen))) * chosen
    scale, stretch = 1 + settings.scale * draws[1], 1 + settings.stretch * draws[2:4]
    translation = settings.translation * draws[5:7]
    if settings.shift:
        translation += draw_shifts(settings.shift, chosen, rng)
    return inverse_maps(
        shape,
        angle=math.radians(settings.rotation) * draws[0],
        factors=scale * stretch,
        slope=np.tan(math.radians(settings.shear) * draws[4]),
        translation=translation,
    )


def draw_shifts(shift: int, chosen: Array, rng: np.random.Generator) -> Array:
    """Return whole pixels (2, n), down and to the right; 0 where ``chosen`` is 0."""
    moved = chosen.astype(np.int64)
    shifts: Array = rng.integers(-shift, shift, (2, len(chosen)), endpoint=True) * moved
    return shifts
