"""Augmentation: images that training has not seen yet, made from those that it has.

An `Augmentation` holds ranges, and draws for each image of each batch anew how it is
changed. It is a value: it can be compared, printed, and written down as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.augmentation.settings import Settings

if TYPE_CHECKING:
    from ardoise.engine.augmentation.augmenter import Augmenter

__all__ = ["Augment", "Augmentation", "get"]

# From a batch as it lies in the data, to another of the same shape and dtype.
Augment = Callable[[Array, np.random.Generator], Array]


class Augmentation(Settings):
    """Random changes of images, drawn anew for each image of each batch.

    In this order: strokes grow or shrink; the image is scaled, sheared, rotated (all
    about its centre), translated and deformed, in one bilinear resampling, with 0
    outside; noise is added; rectangles are hidden. What is 0, or not given, is not
    done. Images that are not chosen (``probability``) keep their bits.

    Parameters
    ----------
    rotation : float
        Degrees: angles are uniform in [−rotation, rotation].
    translation : float
        Pixels: down and to the right, each uniform in [−translation, translation].
    scale : float
        Height and width are multiplied by one factor, uniform in [1 − scale,
        1 + scale].
    stretch : float
        Height and width are multiplied by a further factor each, uniform in
        [1 − stretch, 1 + stretch].
    shear : float
        Degrees by which upright strokes lean, uniform in [−shear, shear].
    elastic : (alpha, sigma), optional
        Pixels: each pixel is displaced by alpha times uniform noise smoothed by a
        Gaussian of width sigma; Simard has (34, 4) for digits of 28 × 28, which is a
        displacement of 1.4 pixels (root mean square, in each direction).
    shift : int
        Whole pixels: down and to the right, each uniform in {−shift, …, shift}. Alone,
        it is an exact copy, and four times faster than ``translation``.
    thickness : float
        Pixels by which both sides of a stroke move, uniform in [−thickness, thickness].
    noise : float
        Standard deviation of normal noise, where white is 1 (bytes are read as
        x / 255). Sums are not clipped, unless they become bytes.
    erasing : float
        Probability that a rectangle is filled with uniform noise in [0, 1).
    cutout : int
        Pixels: the side of a square, somewhere, that becomes 0.
    probability : float
        Share of the images that are changed at all.
    image_shape : (h, w, c), optional
        Says how rows of numbers are read as images.

    Raises
    ------
    ValueError
        If a value is out of range, in one sentence.

    References
    ----------
    Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied
    to visual document analysis", 2003 (elastic); Zhong et al., "Random erasing data
    augmentation", 2017; DeVries, Taylor, "Improved regularization of convolutional
    neural networks with cutout", 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from ardoise import Augmentation
    >>> augmentation = Augmentation(rotation=15, translation=2, elastic=(34, 4))
    >>> augmentation
    Augmentation(rotation=15.0, translation=2.0, elastic=[34.0, 4.0])
    >>> images = np.zeros((10, 28, 28, 1), np.uint8)
    >>> augmentation(images, np.random.default_rng(0)).shape
    (10, 28, 28, 1)
    """

    def __call__(
        self, images: Array, rng: np.random.Generator, out: Array | None = None
    ) -> Array:
        """Return augmented images.

        Parameters
        ----------
        images : array of shape (B, h, w, c) or (B, h, w)
            Bytes or floating-point numbers; never written. With ``image_shape``, rows
            of numbers (B, h · w · c) too.
        rng : numpy.random.Generator
        out : array of the same shape, optional
            Floating-point numbers: bytes are written as x / 255. By default a new array
            of the images' dtype, in which bytes stay bytes.

        Returns
        -------
        array
            ``out``.

        Raises
        ------
        TypeError, ValueError
            If the images or ``out`` are something else.
        """
        images = np.asanyarray(images)
        if images.dtype != np.uint8 and images.dtype.kind != "f":
            raise TypeError(
                "augmentation needs bytes (uint8) or floating-point numbers; got "
                f"{images.dtype}"
            )
        if out is None:
            out = np.empty(images.shape, images.dtype)
        self._check_out(out, images)
        double = np.float64 in (images.dtype, out.dtype)
        dtype = np.float64 if double else np.float32
        self.prepare(images.shape[1:], len(images), dtype)(images, rng, out)
        return out

    @staticmethod
    def _check_out(out: Array, images: Array) -> None:
        kinds = (images.dtype, np.dtype(np.float32), np.dtype(np.float64))
        whole = out.ndim == 4 or out.flags.c_contiguous
        if out.shape != images.shape or out.dtype not in kinds or not whole:
            wanted = " or ".join(sorted({str(kind) for kind in kinds}))
            raise ValueError(
                f"out must be a contiguous array of {wanted}, of shape {images.shape}; "
                f"got {out.dtype} of shape {out.shape}"
                f"{'' if whole else ', not contiguous'}"
            )

    def prepare(self, sample_shape: Shape, batch: int, dtype: Any) -> Augmenter:
        """Return what augments many batches in reused buffers, for one thread.

        Parameters
        ----------
        sample_shape : tuple of int
            Of one image.
        batch : int
            The most images of a batch.
        dtype : {"float32", "float64"}

        Raises
        ------
        ShapeError
            If samples of this shape are no images.
        """
        # Here, so that whoever does not augment does not wait for it.
        from ardoise.engine.augmentation.augmenter import Augmenter

        return Augmenter(self, sample_shape, batch, dtype)


def get(spec: Mapping[str, Any] | Augment | None) -> Augment | None:
    """Return the augmentation that a mapping of settings describes; others as they are.

    Raises
    ------
    ValueError
        If a setting is unknown or out of range, or ``spec`` is nothing of the kind.
    """
    if isinstance(spec, Mapping):
        try:
            return Augmentation(**spec)
        except TypeError as error:
            raise ValueError(f"augmentation: {error}") from None
    if spec is None or callable(spec):
        return spec
    raise ValueError(
        "augment must be an Augmentation, a mapping of its settings, or a function of "
        f"(rows, rng); got {spec!r}"
    )
