"""ONNX both ways, and computed: `write`, `read` and `run`, with NumPy alone.

Nothing in a model is ever executed, no other file is opened for it, and what Ardoise
does not know it refuses in one sentence.
"""

from ardoise.onnx.errors import OnnxError
from ardoise.onnx.evaluate import run
from ardoise.onnx.int8 import Int8Product
from ardoise.onnx.model import Model, load
from ardoise.onnx.reader import OnnxNetwork, read
from ardoise.onnx.writer import write

__all__ = [
    "Int8Product",
    "Model",
    "OnnxError",
    "OnnxNetwork",
    "load",
    "read",
    "run",
    "write",
]
