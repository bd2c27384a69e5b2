"""Any picture → what the network was taught, with a report; digits found on a sheet."""

from ardoise.pictures.components import Components, connected_components
from ardoise.pictures.framing import is_framed
from ardoise.pictures.levels import PictureError, grey_levels
from ardoise.pictures.preparing import Change, Report, Settings, prepare
from ardoise.pictures.reading import Digit, Reading, read

__all__ = [
    "Change",
    "Components",
    "Digit",
    "PictureError",
    "Reading",
    "Report",
    "Settings",
    "connected_components",
    "grey_levels",
    "is_framed",
    "prepare",
    "read",
]
