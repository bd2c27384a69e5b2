"""The convolution: a fully connected layer applied to every window of an image.

The formulas are those of `Dense`, y = windows W + b, dW = windowsᵀ dy, and dx, where
each tap of the kernel sends dy Wᵀ back to the pixels that it saw. Windows overlap, so
only their rows are copied side by side (`columns`); one product for each row of the
kernel then reads them where they lie. Whatever depends on shapes alone is prepared once
for a batch size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ardoise.engine import initializers
from ardoise.engine.arrays import Array, Shape, batch_count, batch_shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import LayerSpec, Prepared, PreparedLayer, Step
from ardoise.engine.layers.products import (
    rows_per_product,
    shared_product,
    summed_product,
)
from ardoise.engine.layers.windows import Windows, as_padding, as_pair, image_shape
from ardoise.engine.params import ParamSpec

# With so few input channels whole windows are copied, their places last: the copy then
# moves runs of w · B numbers, not of c. 28 × 28 × 1, 3 × 3: 0.7 against 11 µs an image.
FEW_CHANNELS = 4
# dW is a sum over stacks. Of 121 rows each, 107 GFLOP/s; of 44, 97; one of all, 97.
LEAST_SUMMED_ROWS = 100


class Bias(PreparedLayer):
    """y = x + b; db = Σ dy over all but the last axis, dx = dy.

    Part of a convolution, and in a network perhaps a step of its own: the maximum of
    numbers to which b is added is their maximum plus b, which takes fewer additions.

    Shapes: x, y (h, w, B, c), b (c,).
    """

    may_write_input = True

    b: Array
    db: Array

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
        h, w, n, c = x.shape
        y = x if self._in_place else self.work("y", x.shape)
        rows = (h * w, n * c)
        if n == 1:
            return [partial(np.add, x.reshape(rows), self.b, out=y.reshape(rows))], y
        # b once per image: rows of B · c numbers to add, not of c.
        repeated = self.work("b", (n, c))
        row = repeated.reshape(-1)
        return [
            partial(np.copyto, repeated, self.b),
            partial(np.add, x.reshape(rows), row, out=y.reshape(rows)),
        ], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        rows = dy.reshape(-1, dy.shape[3])
        ones = self.work("ones", (len(rows),))
        ones.fill(1)
        return [partial(np.dot, ones, rows, out=self.db)], dy if need_dx else None


class Conv2D(PreparedLayer):
    """y[i, j] = Σ x[i · stride + r · dilation, j · stride + s · dilation] W[r, s] + b.

    The sum runs over the places (r, s) of the kernel and the input channels; pixels
    outside the image are 0. (As everywhere in the field this is a cross-correlation:
    the kernel is not flipped.)

    Shapes: x (h, w, B, c), W (kh, kw, c / groups, filters), b (filters,),
    y (h', w', B, filters), columns (h' w' B, kh kw c).
    Backward: dW = columnsᵀ dy, db = Σ dy over batch and places, dx = Σ over the taps of
    dy W[r, s]ᵀ, each added where its tap read.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or (int, int)
        Pixels, vertical and horizontal.
    stride, dilation : int or (int, int)
        Pixels from one window to the next, and from one tap to the next.
    padding : "valid", "same", int or (int, int)
        No zeros around the image; so many that the output has ⌈h / stride⌉ rows and
        ⌈w / stride⌉ columns (what is odd goes below and right); or a number of them on
        both sides.
    groups : int
        Channels and filters fall into so many groups, and each filter sees the channels
        of its group alone; with one channel a group the convolution is "depthwise".
    use_bias : bool
    kernel_initializer, bias_initializer : str, mapping or Initializer
        How W and b begin; see `ardoise.engine.initializers.get`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the groups do not divide the filters.
    ShapeError
        If a sample is not an image, the kernel is larger than the padded image, or the
        groups do not divide its channels.

    References
    ----------
    LeCun et al., "Gradient-based learning applied to document recognition", 1998,
    section II. Windows as rows of a matrix: Chellapilla, Puri and Simard,
    "High performance convolutional neural networks for document processing", 2006.
    """

    needs_input = True

    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = "valid",
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        use_bias: bool = True,
        kernel_initializer: str | Mapping[str, Any] | initializers.Initializer = "he",
        bias_initializer: str | Mapping[str, Any] | initializers.Initializer = "zeros",
    ) -> None:
        for name, value in (("filters", filters), ("groups", groups)):
            if isinstance(value, bool) or int(value) != value or value < 1:
                raise ValueError(
                    f"{name} must be a positive whole number; got {value!r}"
                )
        self.filters, self.groups = int(filters), int(groups)
        if self.filters % self.groups:
            raise ValueError(
                f"groups must divide the filters; got {filters} filters in {groups} "
                "groups"
            )
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.stride = as_pair("stride", stride)
        self.dilation = as_pair("dilation", dilation)
        self.padding = as_padding(padding)
        reach = [
            d * (k - 1) + 1
            for d, k in zip(self.dilation, self.kernel_size, strict=True)
        ]
        if not isinstance(self.padding, str) and (
            self.padding[0] >= reach[0] or self.padding[1] >= reach[1]
        ):
            raise ValueError(
                f"padding {self.padding} must be smaller than what the kernel covers, "
                f"{tuple(reach)}: some windows would hold nothing but zeros"
            )
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def _windows(self, input_shape: Shape) -> Windows:
        return Windows(
            input_shape, self.kernel_size, self.stride, self.padding, self.dilation
        )

    def infer(self, input_shape: Shape) -> LayerSpec:
        image = image_shape("Conv2D", input_shape)
        if image[2] % self.groups:
            raise ShapeError(
                f"groups must divide the input channels; got images {image} with "
                f"{image[2]} channels in {self.groups} groups"
            )
        windows = self._windows(image)
        shape = (*self.kernel_size, image[2] // self.groups, self.filters)
        params = [ParamSpec("W", shape, self.kernel_initializer, decay=True)]
        if self.use_bias:
            params.append(ParamSpec("b", (self.filters,), self.bias_initializer))
        places = math.prod(windows.output)
        return LayerSpec(
            (*windows.output, self.filters),
            tuple(params),
            multiply_adds=places * math.prod(shape),
            work=math.prod(self._columns_shape(image, windows)),
        )

    def _columns_shape(self, image: Shape, windows: Windows) -> Shape:
        """Return how many numbers are copied for one image, as a shape."""
        (h, _, c), (kh, kw) = image, self.kernel_size
        if c <= FEW_CHANNELS and self.groups == 1:
            return (*windows.output, kh, kw, c)
        height = h + windows.before[0] + windows.after[0]
        return (height, windows.output[1], kw, c)

    def bind(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
    ) -> None:
        super().bind(params, grads, state)
        self._bias: Bias | None = None
        if self.use_bias:
            self._bias = Bias()
            self._bias.dtype = self.dtype
            self._bias.input_shape = self._bias.output_shape = self.output_shape
            self._bias.bind({"b": self.b}, {"b": self.db}, {})

    def give_bias(self) -> Bias | None:
        """Return the bias, if there is one, as a layer; it is no longer added here."""
        bias, self._bias = self._bias, None
        return bias

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        self._geometry = windows = self._windows(self.input_shape)
        # What is read of the output; the network may have said that it is less.
        windows.output = (self.output_shape[0], self.output_shape[1])
        channels = self.input_shape[2]
        self._places_last = channels <= FEW_CHANNELS and self.groups == 1
        self._copies_image = windows.is_padded or (self._places_last and channels > 1)
        # A kernel one pixel wide reads the image as it is, if it reads all of it.
        width = self.input_shape[1] + windows.before[1] + windows.after[1]
        self._copies_windows = self._places_last or not (
            self.kernel_size[1] == self.stride[1] == self.groups == 1
            and windows.output[1] == width
        )
        self._cleared: Shape = ()  # the batch around which the padding is 0
        if self._bias is not None:
            self._bias.reserve(batch, training=training, in_place=True, rng=rng)

    # A place is one position of the kernel on one image of the batch. Axes of the
    # matrices: S rows of the kernel, G groups, L · Q stacks of R places each, K numbers
    # in a row of a window and of one group, F filters of a group.

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        n, groups = batch_count(x), self.groups
        y = self.work("y", batch_shape(self.output_shape, n))
        calls, image = self._prepare_image(x)  # image ← x
        matrices = self._whole_windows if self._places_last else self._rows_of_windows
        columns, windows = matrices(image)
        if windows is not None:
            calls.append(partial(np.copyto, *windows))  # columns ← windows
        self._columns = columns
        strips, k = len(columns), columns.shape[-1]
        W = self.W.reshape(strips, k, groups, -1).transpose(0, 2, 1, 3)
        size = self._stack_size(k)
        stacks = _cut(columns, size)  # (S, G, L, Q, R, K)
        for strip in range(strips):  # y = Σ columns W over the rows of the kernel
            out = self.work("part", y.shape) if strip else y
            calls.append(
                shared_product(
                    stacks[strip],
                    W[strip, :, None, None],  # (G, 1, 1, K, F)
                    self._by_group(out, size),
                    self.team if training else None,
                )
            )
            if strip:
                calls.append(partial(np.add, y, out, out=y))
        if self._bias is not None:
            calls += self._bias.prepare(y, training=training)[0]
        return calls, y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        calls = [self._product_for_dW(dy)]  # dW = columnsᵀ dy
        if self._bias is not None:
            calls += self._bias.prepare_backward(dy, need_dx=False)[0]
        if not need_dx:
            return calls, None
        more, dx = self._prepare_dx(dy)
        return calls + more, dx

    def _prepare_dx(self, dy: Array) -> tuple[list[Step], Array]:
        """Return what sends dy back to the pixels, tap by tap, and dx."""
        n, groups = batch_count(dy), self.groups
        kh, kw, c, _ = self.W.shape
        dx = self.work("dx", batch_shape(self.input_shape, n))
        # W turned to (kh, kw, groups, filters / groups, c / groups), contiguous.
        W_turned = self.W.reshape(kh, kw, c, groups, -1).transpose(0, 1, 3, 4, 2)
        turned = self.work("W turned", W_turned.shape)
        calls: list[Step] = [
            partial(np.copyto, turned, W_turned),
            partial(dx.fill, 0),
        ]
        sent = self.work("sent", (*self._geometry.output, n, groups * c))
        rows = dy.size // self.filters
        size = rows_per_product(rows, c * (self.filters // groups))
        a = dy.reshape(-1, size, groups, self.filters // groups).transpose(2, 0, 1, 3)
        out = sent.reshape(-1, size, groups, c).transpose(2, 0, 1, 3)
        for tap in self._geometry.taps():
            b = turned[tap.row, tap.column, :, None]
            receiver = dx[tap.inputs]
            calls += [
                shared_product(a, b, out, self.team),  # dy W[r, s]ᵀ
                partial(np.add, receiver, sent[tap.outputs], out=receiver),
            ]
        return calls, dx

    def _prepare_image(self, x: Array) -> tuple[list[Step], Array]:
        """Return the padded image (H, W, B, c), and the calls that fill it."""
        if not self._copies_image:
            return [], x
        h, w, n, c = x.shape
        (top, left), (bottom, right) = self._geometry.before, self._geometry.after
        height, width = h + top + bottom, w + left + right
        if self._places_last:
            image = self.work("image", (c, height, width, n)).transpose(1, 2, 3, 0)
        else:
            image = self.work("image", (height, width, n, c))
        inside = image[top : top + h, left : left + w]
        return [partial(self._clear, image), partial(np.copyto, inside, x)], image

    def _clear(self, image: Array) -> None:
        """Put zeros around the image, if the memory was last used for another batch."""
        if image.shape != self._cleared:
            image[...] = 0
            self._cleared = image.shape

    def _whole_windows(self, image: Array) -> tuple[Array, tuple[Array, Array] | None]:
        """Return whole windows as matrices (1, 1, 1, places, kh kw c), places last.

        And the two arrays of the copy that fills them: target, source.
        """
        (kh, kw), (oh, ow) = self.kernel_size, self._geometry.output
        (up, across), (dy, dx) = self.stride, self.dilation
        n, c = image.shape[2:]
        row, column, sample, channel = image.strides
        windows = np.lib.stride_tricks.as_strided(
            image,
            (kh, kw, c, oh, ow, n),
            (row * dy, column * dx, channel, row * up, column * across, sample),
        )
        columns = self.work("columns", windows.shape)
        matrices = columns.reshape(1, 1, 1, kh * kw * c, -1).swapaxes(-1, -2)
        return matrices, (columns, windows)

    def _rows_of_windows(
        self, image: Array
    ) -> tuple[Array, tuple[Array, Array] | None]:
        """Return rows of windows as matrices (S, G, L, places of a block, K).

        Those of different S overlap: they begin with another row of the image. And the
        two arrays of the copy that fills them, if it takes one: target, source.
        """
        kh, kw = self.kernel_size
        (oh, ow), groups = self._geometry.output, self.groups
        (up, across), (dy, dx) = self.stride, self.dilation
        height, (n, c) = (oh - 1) * up + (kh - 1) * dy + 1, image.shape[2:]
        row, column, sample, channel = image.strides
        shape = (groups, height, ow, n, kw, c // groups)
        windows = np.lib.stride_tricks.as_strided(
            image,
            shape,
            (
                *(channel * (c // groups), row, column * across, sample),
                *(column * dx, channel),
            ),
        )
        columns = self.work("columns", shape) if self._copies_windows else windows
        size, k = columns.itemsize, kw * c // groups
        line = ow * n * k * size  # from one row of the image to the next
        # Without vertical stride the places of all rows follow each other: one block.
        blocks, places = (1, oh * ow * n) if up == 1 else (oh, ow * n)
        matrices = np.lib.stride_tricks.as_strided(
            columns,
            (kh, groups, blocks, places, k),
            (line * dy, line * height, line * up, k * size, size),
        )
        return matrices, (columns, windows) if self._copies_windows else None

    def _stack_size(self, k: int) -> int:
        """Return how many places to multiply at a time."""
        places = int(self._columns.shape[3])
        return rows_per_product(places, k * (self.filters // self.groups))

    def _by_group(self, y: Array, size: int) -> Array:
        """Return y or dy, as stacks (G, L, Q, size, F)."""
        blocks, places = self._columns.shape[2:4]
        stacks = y.reshape(blocks, places // size, size, self.groups, -1)
        return stacks.transpose(3, 0, 1, 2, 4)

    def _product_for_dW(self, dy: Array) -> Step:
        """Return what computes dW: products for each tap and stack, then their sum."""
        strips, groups, k = *self._columns.shape[:2], self._columns.shape[-1]
        taps = 1 if self._places_last else self.kernel_size[1]
        size = self._stack_size(k // taps)
        if size < LEAST_SUMMED_ROWS:  # wide layers: the sums would take too long
            taps, size = 1, int(self._columns.shape[3])
        a = _cut(self._columns, size)  # (S, G, L, Q, R, K)
        a = a.reshape(*a.shape[:-1], taps, k // taps).transpose(2, 3, 0, 1, 5, 6, 4)
        b = self._by_group(dy, size).transpose(1, 2, 0, 3, 4)  # (L, Q, G, R, F)
        b = b[:, :, None, :, None]
        total = self.dW.reshape(strips, taps, k // taps, groups, -1)
        total = total.transpose(0, 3, 1, 2, 4)  # (S, G, T, K / T, F)
        if a.shape[0] == a.shape[1] == 1:
            return partial(np.matmul, a[0, 0], b[0, 0], out=total)
        parts = self.work("parts", (*a.shape[:2], *total.shape))
        flat = parts.reshape(-1, *total.shape)
        return summed_product(a, b, parts, flat, total, self.team)


def _cut(matrices: Array, size: int) -> Array:
    """Return matrices (..., places, K) as stacks (..., Q, size, K)."""
    *outer, places, k = matrices.shape
    return matrices.reshape(*outer, places // size, size, k)
