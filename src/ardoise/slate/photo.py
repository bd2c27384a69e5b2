"""A photo of a sheet of numbers, read digit by digit: what ``POST /photo`` answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.files import ModelFileError
from ardoise.slate.session import Session


def read_photo(session: Session, grey: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what stands on a photo, as JSON values, as ``ardoise read --json`` has it.

    Parameters
    ----------
    session : Session
    grey : ndarray of uint8, shape (h, w)
        Dark ink on light paper or the reverse.

    Raises
    ------
    ModelFileError
        If the model was taught pictures of another kind than digits.
    PictureError
        If it is no picture.
    """
    reader = session.reader
    if reader.settings is None:
        raise ModelFileError("read.kind")
    with reader.model.network.lock:
        reading = reader.read(grey)
    return reading.as_json(grey.shape, reader.model.classes)
