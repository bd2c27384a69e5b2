"""Any picture of one digit, as the network was taught: and what was done to it.

One function for a drawing, a scan, a photo: the same steps wherever a model is asked.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.pictures.components import connected_components
from ardoise.pictures.framing import BOX, SIDE, Box, box_of, frame, resample
from ardoise.pictures.levels import CHANNELS, Levels, grey_levels
from ardoise.pictures.light import UNEVEN, Ink, find_ink
from ardoise.pictures.marks import HALF
from ardoise.pictures.strokes import thicken, thickness
from ardoise.pictures.windows import Grey

# The longest side at which strokes are looked at: each of these pixels is a quarter of
# one of MNIST's.
FINE = 4 * BOX
# A larger picture of one digit is made smaller.
MOST_SIDE = 800
# A mark belongs to the digit if it has so much of the largest mark's ink; or half of
# that, no farther from it than so much of its longest side: strokes break.
MARK, NEAR = 0.04, 0.2
# A smaller change of the strokes is not spoken of.
WORTH_SAYING = 1.05


@dataclass(frozen=True)
class Settings:
    """What `prepare` does; it is kept in the model file.

    Attributes
    ----------
    name : str
        Of this way to prepare a picture.
    thinnest, thickest : float
        The widths of strokes that the network was taught, in pixels of 28. Strokes
        within them are left as they are; others are brought to the nearer of the two.
    dark_on_light : bool
        Whether the network was taught dark ink on light ground.
    """

    name: str = "mnist"
    thinnest: float = 1.2
    thickest: float = 4.7
    dark_on_light: bool = False

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Any) -> "Settings":
        """Return the settings that `config` gave.

        Raises
        ------
        ValueError
            If they are others.
        """
        known = {entry.name for entry in fields(cls)}
        if not isinstance(config, dict) or not config.keys() <= known:
            raise ValueError(f"expected settings among {sorted(known)}; got {config!r}")
        found = cls(**config)
        if found.name != "mnist" or type(found.dark_on_light) is not bool:
            raise ValueError(f"no such way to prepare a picture: {config!r}")
        widths = (found.thinnest, found.thickest)
        if not all(type(width) in (int, float) for width in widths) or not (
            0 <= found.thinnest <= found.thickest <= BOX
        ):
            raise ValueError(
                f"expected widths of strokes in order, from 0 to {BOX}; got {widths}"
            )
        return found


@dataclass(frozen=True)
class Change:
    """A thing that was done to a picture.

    Attributes
    ----------
    code : str
        What, such as ``"inverted"``; its sentence is ``prepare.<code>``.
    values : dict
        The numbers in it.
    """

    code: str
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What `prepare` did.

    Attributes
    ----------
    changes : tuple of Change
        In the order in which they were made.
    box : Box or None
        Where the digit lies, in the picture's pixels; None if there is none.
    stages : dict of str to ndarray
        The picture after each step: ``"grey"``, ``"ink"``, ``"digit"``, ``"strokes"``,
        ``"prepared"``; float32 from 0 to 1.
    """

    changes: tuple[Change, ...]
    box: Box | None
    stages: dict[str, Grey]

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing on the picture."""
        return self.box is None


def prepare(
    picture: ArrayLike, settings: Settings | None = None
) -> tuple[NDArray[np.uint8], Report]:
    """Return a picture of a digit as the network was taught, and what was done to it.

    Grey levels, ink out of its ground, the digit out of specks, strokes of the usual
    thickness, MNIST's frame.

    Parameters
    ----------
    picture : array-like of shape (h, w) or (h, w, c)
        As `ardoise.pictures.grey_levels` takes it: dark on light or light on dark.
    settings : Settings, optional

    Returns
    -------
    image : ndarray of uint8, shape (28, 28)
        All 0 (or 255, dark on light) if there is nothing on the picture.
    report : Report

    Raises
    ------
    PictureError
        If it is no picture.
    """
    settings = settings or Settings()
    levels, found, changes = ink_of(picture, MOST_SIDE)
    stages = {"grey": levels.grey, "ink": found.ink}
    digit, box = _largest(found.ink)
    if box is None:
        blank = np.zeros((SIDE, SIDE), np.float32)
        return _bytes(blank, settings), Report(
            (*changes, Change("empty")), None, {**stages, "prepared": blank}
        )
    if found.inverted != settings.dark_on_light:
        changes.append(Change("inverted" if found.inverted else "inverted_back"))
    if found.uneven > UNEVEN:
        changes.append(Change("light", {"share": found.uneven}))
    stages["digit"] = digit
    image, more, own = prepare_ink(digit, settings)
    box = box.times(levels.times)
    scale = BOX / max(box.height, box.width)
    if abs(scale - 1) > 0.05:
        more = (*more, Change("scaled", {"ratio": scale}))
    return image, Report((*changes, *more), box, stages | own)


def ink_of(picture: ArrayLike, most_side: int) -> tuple[Levels, Ink, list[Change]]:
    """Return grey levels, the ink in them, and which channel was taken, if one was.

    Raises
    ------
    PictureError
        As `ardoise.pictures.grey_levels`.
    """
    levels = grey_levels(picture, most_side)
    channel = (
        [Change(f"channel_{levels.channel}")] if levels.channel in CHANNELS else []
    )
    return levels, find_ink(levels.grey), channel


def prepare_ink(
    digit: Grey, settings: Settings
) -> tuple[NDArray[np.uint8], tuple[Change, ...], dict[str, Grey]]:
    """Return ink that was cut out around a digit as the network was taught.

    Also what was done to it, and the stages ``"strokes"`` and ``"prepared"``.
    """
    strokes, ratio = _usual(digit, settings)
    changes: tuple[Change, ...] = ()
    if ratio is not None and max(ratio, 1 / ratio) >= WORTH_SAYING:
        key = "thickened" if ratio > 1 else "thinned"
        changes = (Change(key, {"ratio": max(ratio, 1 / ratio)}),)
    prepared = frame(strokes)
    stages = {"strokes": strokes, "prepared": prepared}
    return _bytes(prepared, settings), changes, stages


def _bytes(ink: Grey, settings: Settings) -> NDArray[np.uint8]:
    shown = 1 - ink if settings.dark_on_light else ink
    levels: NDArray[np.uint8] = np.rint(255 * shown).astype(np.uint8)
    return levels


def _largest(ink: Grey) -> tuple[Grey, Box | None]:
    """Return the digit, cut out and without specks, and where it lies.

    A mark counts as a part of it if it has a share of the largest mark's ink.
    """
    marks = connected_components(ink >= HALF)
    if not len(marks.areas):
        return ink, None
    main = int(marks.areas.argmax())
    least = MARK * marks.areas[main]
    away = (
        _gaps(marks.boxes, main) / (marks.boxes[main, 2:] - marks.boxes[main, :2]).max()
    )
    kept = (marks.areas >= least) | ((marks.areas >= least / 2) & (away <= NEAR))
    strong = np.concatenate([[False], kept])[marks.labels]
    # Grey edges belong to the mark that they touch.
    grown = connected_components(ink > 0)
    near = np.zeros(len(grown.areas) + 1, bool)
    near[np.unique(grown.labels[strong])] = True
    near[0] = False
    mask = near[grown.labels]
    box = box_of(mask)
    if box is None:  # cannot be: a strong mark is in one that is grown
        return ink, None
    part = (slice(box.top, box.bottom), slice(box.left, box.right))
    return np.where(mask[part], ink[part], 0).astype(np.float32), box


def _gaps(boxes: NDArray[np.int64], main: int) -> NDArray[np.int64]:
    """Return how many pixels lie between each box and one of them."""
    low, high = boxes[:, :2], boxes[:, 2:]
    gaps = np.maximum(low - high[main], low[main] - high).max(axis=1)
    wide: NDArray[np.int64] = np.maximum(gaps, 0)
    return wide


def _usual(digit: Grey, settings: Settings) -> tuple[Grey, float | None]:
    """Return a digit with strokes of a usual width, and the ratio if they changed."""
    longest = max(digit.shape)
    width = thickness(digit) * BOX / longest  # in MNIST's pixels
    wanted = min(max(width, settings.thinnest), settings.thickest)
    if width == 0 or wanted == width:
        return digit, None
    fine = digit
    if longest > 1.5 * FINE or longest < FINE:
        scale = FINE / longest
        shape = tuple(max(1, round(side * scale)) for side in digit.shape)
        fine = resample(digit, (shape[0], shape[1]), scale, (0.0, 0.0))
    unit = max(fine.shape) / BOX  # of its pixels in one of MNIST's
    # Both sides grow, and the frame then shrinks all by what the box grew.
    now = thickness(fine)
    more = (wanted * unit - now) / 2 / (1 - wanted / BOX)
    changed = thicken(fine, max(more, -0.35 * now))  # so that no stroke breaks
    box = box_of(changed > 0)
    if box is None:
        return digit, None
    return changed[box.top : box.bottom, box.left : box.right], wanted / width
