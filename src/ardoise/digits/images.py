"""One image file as grey levels, and grey levels as a network expects a digit.

Files are opened with Pillow (the extra ``images``), which is imported only when a
function here needs it.
"""

import os
import warnings
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError
from ardoise.digits.reading import decoder_errors, open_bytes

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

MAX_PIXELS = 1 << 26
"""The most pixels that one image may have: 67 million."""

# Formats that only hold pixels: among the others that Pillow knows, some run programs.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an image file as grey levels.

    Colour becomes luminance (ITU-R BT.601), transparent places show white, a photo is
    turned upright as its EXIF orientation says, an animation gives its first image,
    and 16 bits become 8.

    Parameters
    ----------
    path : path
        A PNG, JPEG, BMP, GIF, TIFF, WebP, PGM or PPM file.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        0 is black, 255 is white.

    Raises
    ------
    DataError
        If Pillow is not installed, or the file cannot be read, is no such image, is
        damaged, or has more than `MAX_PIXELS` pixels.
    """
    return _read(path, _grey_levels)


def read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read an image file as it is: for `ardoise.pictures.prepare` and `read`.

    A photo is turned upright as its EXIF orientation says, an animation gives its first
    image, and 16 bits become 8.

    Parameters
    ----------
    path : path
        As for `read_image`.

    Returns
    -------
    ndarray of uint8, shape (h, w), (h, w, 3) or (h, w, 4)
        Grey levels; red, green and blue; or these and opacity.

    Raises
    ------
    DataError
        As `read_image`.
    """
    return _read(path, _channels)


def _read(
    path: str | os.PathLike[str], decode: Callable[["PillowImage"], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """Open an image file and decode it; what is wrong with it is said in a sentence."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DataError("image.no_pillow") from error
    name = os.fspath(path)
    with (
        open_bytes(path, unpack=False) as file,
        decoder_errors("image.damaged", name),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # metadata that is a little off
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(cast(IO[bytes], file), formats=_FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise DataError("image.too_large", path=name, limit=MAX_PIXELS)
                return decode(image)
        except UnidentifiedImageError as error:
            raise DataError("image.unknown", path=name) from error
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise DataError("image.too_large", path=name, limit=MAX_PIXELS) from error


def fit_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Make an image bright on dark, like MNIST, and of the size that a model takes.

    It is inverted when its border is light. It keeps its proportions: what it leaves
    of the new size is filled with the border's grey.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w)
        Grey levels.
    height, width : int
        The size wanted, in pixels.

    Returns
    -------
    ndarray of uint8, shape (height, width)
        A new array. Each pixel is the mean of those it replaces.

    Raises
    ------
    DataError
        If the size changes and Pillow is not installed.
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    background = int(np.median(border))
    if background > 127:
        image, background = 255 - image, 255 - background
    if image.shape == (height, width):
        return image.copy()
    try:
        from PIL import Image
    except ImportError as error:
        raise DataError("image.no_pillow") from error
    scale = min(height / image.shape[0], width / image.shape[1])
    h, w = (max(1, round(side * scale)) for side in image.shape)
    resized = Image.fromarray(image).resize((w, h), Image.Resampling.BOX)
    fitted = np.full((height, width), background, dtype=np.uint8)
    top, left = (height - h) // 2, (width - w) // 2
    fitted[top : top + h, left : left + w] = np.asarray(resized)
    return fitted


def _channels(image: "PillowImage") -> NDArray[np.uint8]:
    """Decode an open image of any mode, without taking colours for grey."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # one channel of more than 8 bits
        return _to_8_bits(np.asarray(image))
    if image.has_transparency_data:
        return np.array(image.convert("RGBA"))
    return np.array(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def _grey_levels(image: "PillowImage") -> NDArray[np.uint8]:
    """Decode an open image of any mode."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # one channel of more than 8 bits
        return _to_8_bits(np.asarray(image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("L"))


def _to_8_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale 16-bit levels, or floats from 0 to 1 (else 0 to 255), to 0 to 255."""
    if values.dtype.kind != "f":
        levels: NDArray[np.uint8] = (values.clip(0, 65535) >> 8).astype(np.uint8)
        return levels
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinity among the pixels")
    scale = 255 if values.max() <= 1 else 1
    return (values * scale).round().clip(0, 255).astype(np.uint8)
