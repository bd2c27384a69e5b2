"""What a layer is: the contract that every layer keeps and the network relies on.

A layer's constructor stores plain values. `Layer.infer` reasons about shapes,
`Layer.bind` receives views of the network's vectors, `Layer.reserve` allocates work
space, and from then on `Layer.forward` and `Layer.backward` only compute.

The invariants, each tested on every layer by ``tests/engine/check_layer.py``:

1. x is C-contiguous, of the network's dtype and in layer order: (n, *input_shape), and
   (h, w, n, c) for images, with 1 ≤ n ≤ the reserved batch; n may vary from call to
   call.
2. y belongs to the layer and holds until its next forward.
3. x is read-only, unless ``reserve`` was told ``in_place=True``.
4. Gradients are assigned, not accumulated: backward writes every element.
5. dy is consumed: backward may overwrite it.
6. Layers never divide by n: the scale lives in the loss, so gradients of parts of a
   batch just add.
7. Hyper-parameters are Python numbers, so that float32 stays float32.
8. Views (``self.W``, ``self.dW``, …) are never rebound after ``bind``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array, Memory, Shape
from ardoise.engine.params import ParamSpec
from ardoise.engine.threads import Team

Step = Callable[[], Any]  # one prepared call
Prepared = tuple[list[Step], Array]  # calls, and what holds the result after them


class LayerSpec(NamedTuple):
    """What a layer answers about itself, given the shape of one input sample.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one output sample, without the batch axis.
    params : tuple of ParamSpec
        What is learned by gradient.
    state : tuple of ParamSpec
        What is kept besides: running statistics.
    multiply_adds : int
        Of the matrix products of one sample, forward.
    work : int
        Numbers per sample in the largest array that is neither x nor y.
    """

    output_shape: Shape
    params: tuple[ParamSpec, ...] = ()
    state: tuple[ParamSpec, ...] = ()
    multiply_adds: int = 0
    work: int = 0


class Layer:
    """Base class of all layers; see the module's text for the contract.

    Attributes
    ----------
    needs_input : bool
        backward reads x.
    needs_output : bool
        backward reads y.
    may_write_input : bool
        forward can write y over x, when it is told so.
    is_view : bool
        y is x under another shape: the layer owns no memory. (Known after `bind`.)
    keeps_order : bool
        y never falls where x rises, number by number, and exactly so: a maximum may
        be taken before it as well as after.
    team : Team or None
        Threads among which long matrix products of a training are shared out.
    mixes_samples : bool
        In training, y of one sample depends on the others of the batch.
    """

    needs_input: ClassVar[bool] = False
    needs_output: ClassVar[bool] = False
    may_write_input: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False

    mixes_samples: bool = False
    team: Team | None = None
    is_view: bool = False
    input_shape: Shape
    output_shape: Shape
    dtype: np.dtype[Any]

    def inner_layers(self) -> tuple[Layer, ...]:
        """Return the layers that it is made of, if it is made of layers."""
        return ()

    def generator(self) -> np.random.Generator | None:
        """Return what it draws random numbers from in training, if it draws any."""
        return None

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON values."""
        names = inspect.signature(type(self)).parameters
        values = {name: getattr(self, name) for name in names}
        return {
            name: value.config() if hasattr(value, "config") else value
            for name, value in values.items()
        }

    def clone(self) -> Layer:
        """Return another layer with the same arguments, which no network has."""
        return type(self)(**self.config())

    def infer(self, input_shape: Shape) -> LayerSpec:
        """Return output shape, parameters and state for this input shape.

        Pure: nothing is stored. Raises `ShapeError` for a shape it cannot take.
        """
        return LayerSpec(tuple(input_shape))

    def bind(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
    ) -> None:
        """Keep the views of parameters as ``self.W``, gradients as ``self.dW``…"""
        for name, view in params.items():
            setattr(self, name, view)
            setattr(self, f"d{name}", grads[name])
        for name, view in state.items():
            setattr(self, name, view)

    def share_products(self, team: Team | None) -> None:
        """Share long matrix products out among threads, from the next `reserve` on."""
        self.team = team

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        """Allocate the work space for up to ``batch`` samples.

        Parameters
        ----------
        batch : int
        training : bool
            Whether backward will be called.
        in_place : bool
            forward may write y over x.
        rng : numpy.random.Generator
            The layer's own stream of random numbers, for layers that draw any.
        """

    def forward(self, x: Array, *, training: bool) -> Array:
        """Return y for x, both in layer order."""
        raise NotImplementedError

    def prepare(self, x: Array, *, training: bool) -> Prepared | None:
        """Return what to call to do `forward` for this x again and again, and y.

        Computes nothing. None, if the layer cannot promise that the same array is y
        each time; then `forward` is called instead.
        """
        return None

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None] | None:
        """Return what to call to do `backward` for this dy again and again, and dx.

        For the x that was prepared last; otherwise like `prepare`.
        """
        return None

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        """Write the gradients of the parameters; return dx, or None if not needed.

        ``dy`` is ∂loss/∂y, of y's shape, for the last ``forward(training=True)``.
        """
        raise NotImplementedError

    def empty(self, *shape: int, dtype: Any = None) -> Array:
        """Return an uninitialised work array of the network's dtype."""
        return np.empty(shape, dtype or self.dtype)

    def memory(self, size: int, dtype: Any = None) -> Memory:
        """Return work space for up to ``size`` numbers, of the network's dtype."""
        return Memory(size, dtype or self.dtype)

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in self.config().items())
        return f"{type(self).__name__}({values})"


class PreparedLayer(Layer):
    """A layer that does not compute, but says what to call.

    A subclass defines `prepare` and `prepare_backward`, which list NumPy calls on
    arrays that are found or allocated once; a step then runs the lists, and spends no
    time on shapes, views and attributes.
    """

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        self._batch = batch
        self._work: dict[str, Memory] = {}
        self._forward_for: tuple[Array, bool] | None = None
        self._backward_for: tuple[Array, bool] | None = None

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        raise NotImplementedError

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        raise NotImplementedError

    def forward(self, x: Array, *, training: bool) -> Array:
        known = self._forward_for
        if known is None or known[0] is not x or known[1] != training:
            self.get_ready(x, training=training)
        for call in self._calls:
            call()
        return self._result

    def get_ready(self, x: Array, *, training: bool) -> Prepared:
        """Prepare, keep what was prepared for `forward`, and return it."""
        self._calls, self._result = self.prepare(x, training=training)
        self._forward_for, self._backward_for = (x, training), None
        return self._calls, self._result

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if self._forward_for is None:
            raise RuntimeError("backward must follow forward(x, training=True)")
        known = self._backward_for
        if known is None or known[0] is not dy or known[1] != need_dx:
            prepared = self.prepare_backward(dy, need_dx=need_dx)
            self._calls_back, self._result_back = prepared
            self._backward_for = (dy, need_dx)
        for call in self._calls_back:
            call()
        return self._result_back

    def work(self, name: str, shape: Shape, dtype: Any = None) -> Array:
        """Return a work array that is allocated when it is first asked for."""
        size = math.prod(shape)
        memory = self._work.get(name)
        if memory is None or memory.size < size:
            memory = self._work[name] = self.memory(size, dtype)
        return memory(shape)


class Elementwise(PreparedLayer):
    """A layer whose y has x's shape, computed number by number, without parameters.

    It keeps one buffer for y, unless it writes over x, and the scratch arrays that
    its formulas need, so that a step allocates nothing. A subclass defines `compute`
    and `multiply_by_slope`.

    Attributes
    ----------
    scratch : tuple
        The kinds of scratch arrays, each of x's shape: ``float`` for the network's
        dtype, or ``bool``.
    """

    needs_output = True
    may_write_input = True
    scratch: ClassVar[tuple[type, ...]] = (float,)

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        self._in_place = in_place

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        y = x if self._in_place else self.work("y", x.shape)
        self._kept = y if self.needs_output else x
        return [partial(self.compute, x, y, *self._scratch(x.shape))], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        scratch = self._scratch(dy.shape)
        return [partial(self.multiply_by_slope, dy, self._kept, *scratch)], dy

    def _scratch(self, shape: Shape) -> list[Array]:
        return [
            self.work(f"scratch {i}", shape, None if kind is float else kind)
            for i, kind in enumerate(self.scratch)
        ]

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        """Write the function of ``x`` into ``y``, which may be ``x`` itself."""
        raise NotImplementedError

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        """Multiply ``dy`` in place by the derivative.

        ``kept`` is y where the class says ``needs_output``, else x, read-only.
        """
        raise NotImplementedError
