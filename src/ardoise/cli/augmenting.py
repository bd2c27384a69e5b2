"""``--augment`` and ``ardoise augment``: how images change in training, and a preview.

An augmentation is written as a word (``affine``, ``elastic``, ``none``) or as settings
of `ardoise.Augmentation`: ``rotation=10,translation=2,elastic=34/4``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.parts import load
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset
from ardoise.digits.recipes import AUGMENTATIONS
from ardoise.engine.augmentation import Augmentation
from ardoise.engine.errors import ShapeError
from ardoise.messages import OptionError

NONE = "none"
NAMES = tuple(name for name in vars(Augmentation()) if name != "image_shape")
VARIATIONS = 8  # of each image, in the preview


def read_augmentation(words: str) -> dict[str, Any] | None:
    """Return the settings that these words name; None for ``none``.

    Raises
    ------
    OptionError
        If they name nothing, or a value is out of range.
    """
    if words == NONE:
        return None
    if words in AUGMENTATIONS:
        return dict(AUGMENTATIONS[words])
    settings: dict[str, Any] = {}
    for word in words.split(","):
        name, sign, value = (part.strip() for part in word.partition("="))
        if not sign or name not in NAMES or name in settings:
            raise OptionError(
                "option.augment",
                value=words,
                words=", ".join((NONE, *AUGMENTATIONS)),
                names=", ".join(NAMES),
            )
        try:
            numbers = [float(number) for number in value.split("/")]
            one: dict[str, Any] = {name: numbers if len(numbers) > 1 else numbers[0]}
            settings |= Augmentation(**one).config()
        except ValueError:
            raise OptionError("option.augment_value", name=name, value=value) from None
    return settings


def check_images(data: Dataset, settings: Mapping[str, Any]) -> Augmentation:
    """Return the augmentation of these settings, if it can change these images.

    Raises
    ------
    OptionError
        If it cannot.
    """
    augmentation = Augmentation(**settings)
    try:
        augmentation.prepare(data.images.shape[1:], 1, np.float32)
    except ShapeError:
        shape = " × ".join(map(str, data.images.shape[1:]))
        raise OptionError("option.augment_images", shape=shape) from None
    return augmentation


def setting_words(settings: Mapping[str, Any]) -> str:
    """Return ``{"shear": 5, "elastic": [34, 4]}`` as "shear 5, elastic 34/4"."""

    def shown(value: Any) -> str:
        numbers = value if isinstance(value, list | tuple) else [value]
        return "/".join(f"{number:g}" for number in numbers)

    return ", ".join(f"{name} {shown(value)}" for name, value in settings.items())


def preview(
    words: str, source: str, output: Path, seed: int, terminal: Terminal
) -> int:
    """Draw one image of each class, and what augmentation makes of it."""
    if seed < 0:
        raise OptionError("option.seed", value=seed)
    settings = read_augmentation(words) or {}
    data = load(source, terminal)
    rows = variations(data, check_images(data, settings), seed)
    from ardoise import plots

    figure = plots.augmentation_sheet(rows, data.classes, terminal.lang)
    file = plots.save_figure(figure, output)
    shown = setting_words(settings) or terminal.text("augment.nothing")
    terminal.say("augment.settings", settings=shown)
    terminal.say("augment.sheet", file=file)
    return 0


def variations(
    data: Dataset, augmentation: Augmentation, seed: int
) -> NDArray[np.float64]:
    """Return (classes, 1 + `VARIATIONS`, h, w): an image of each class and variations.

    A class without images has NaN.
    """
    rng = np.random.default_rng(seed)
    rows = np.full((len(data.classes), 1 + VARIATIONS, *data.images.shape[1:3]), np.nan)
    for label, row in enumerate(rows):
        found = np.flatnonzero(data.labels == label)[:1]
        for image in data.images[found]:
            copies = np.repeat(image[np.newaxis], VARIATIONS, axis=0)
            row[0] = image.mean(axis=-1)  # colours become grey
            row[1:] = augmentation(copies, rng).mean(axis=-1)
    return rows
