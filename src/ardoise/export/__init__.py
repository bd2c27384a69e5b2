"""Exports that prove themselves: a model as one file for elsewhere.

`export` writes a Python file (with NumPy or with nothing), a C header, a JavaScript
module or a page with a slate to draw on, runs it on images, and refuses it if it
does not say what the model says.
"""

from ardoise.export.errors import ExportError, NotProvedError
from ardoise.export.exported import Exported
from ardoise.export.exporting import TARGETS, Job, Target, export

__all__ = [
    "TARGETS",
    "ExportError",
    "Exported",
    "Job",
    "NotProvedError",
    "Target",
    "export",
]
