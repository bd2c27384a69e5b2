"""What a value of the file is in Ardoise, and what all branches of a network share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ardoise.engine.arrays import Array, Shape
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Model, Node
from ardoise.onnx.ops import OPERATORS
from ardoise.onnx.ops.registry import Call
from ardoise.onnx.paths import Paths
from ardoise.onnx.statics import UNKNOWN_BATCH, Statics, refusal

MOST_LAYERS = 500


@dataclass(frozen=True)
class State:
    """What a value of the file is in Ardoise.

    Attributes
    ----------
    shape : tuple of int
        Of one sample, as Ardoise has it.
    axes : tuple of (int or None)
        Axis of the file → axis of Ardoise, 0 being the batch; None for one of length 1
        that Ardoise has not. Axes of length 1 may be missing.
    order : array or None
        For vectors: place in the file → place in Ardoise, where they differ.
    padding : mapping of int to (int, int)
        Zeros that the file has put around an image, and Ardoise not yet: axis of
        Ardoise → how many before and after.
    filler : float
        What stands there, 0 or −infinity.
    """

    shape: Shape
    axes: tuple[int | None, ...]
    order: Array | None = None
    padding: Mapping[int, tuple[int, int]] | None = None
    filler: float = 0.0

    def lengths(self, batch: int) -> Shape:
        """Return the shape of the file's array."""
        own = (batch, *self.shape)
        return tuple(1 if axis is None else own[axis] for axis in self.axes)


class Context:
    """What all branches of one network share.

    Parameters
    ----------
    model : Model
    output : str
        The value at which the network ends.
    channels_first : bool
        Whether images come as (batch, channels, height, width).

    Attributes
    ----------
    fixed_batch : int or None
        The batch's length, if the file says it; everywhere else `batch` stands for it.
    entry, entry_axes : tuple of int
        Lengths of the array that the first layer reads, as the file has it; and which
        of its axes Ardoise's are.
    input_shape : tuple of int
        Of a sample, as Ardoise has it.
    has_double : bool
        Whether a weight in float64 was met.
    steps : int
        How far it came.
    """

    def __init__(self, model: Model, output: str, channels_first: bool) -> None:
        self.model = model
        self.paths = Paths(model, output)
        self.statics = Statics(model, self.paths)
        self.batch = UNKNOWN_BATCH
        self.fixed_batch: int | None = None
        self.channels_first = channels_first
        self.entry: Shape = ()
        self.entry_axes: tuple[int, ...] = ()
        self.input_shape: Shape = ()
        self.has_double = False
        self.steps = 0
        self.layers_left = MOST_LAYERS
        # What is made of a model has little more numbers than its file.
        self.numbers_left = 2 * model.size + (1 << 16)

    def take(self, node: Node, numbers: int) -> None:
        """Count numbers that are about to be made, or refuse so many."""
        self.numbers_left -= numbers
        if self.numbers_left < 0:
            raise OnnxError(
                "onnx.too_large",
                node=shown(node.name),
                operator=shown(node.operator),
                most=2 * self.model.size,
            )

    def state(self, lengths: Sequence[int]) -> State:
        """Return what an input of these lengths is; the first is the batch's."""
        self.entry = tuple(lengths)
        rank = len(lengths)
        axes, self.entry_axes = tuple(range(rank)), tuple(range(rank))
        if rank > 2 and self.channels_first:
            axes, self.entry_axes = (0, rank - 1, *axes[1:-1]), (0, *axes[2:], 1)
        self.input_shape = tuple(self.entry[axis] for axis in self.entry_axes[1:])
        return State(self.input_shape, axes)

    def call(self, node: Node) -> Call:
        """Return a node with its attributes, defaults included."""
        found = OPERATORS.get(node.operator)
        if found is None or not found.least <= len(node.inputs) <= found.most:
            raise refusal(node)
        return Call(node, self.model.opset, found.attributes, self.model.size)
