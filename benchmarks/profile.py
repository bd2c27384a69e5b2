"""Where a step of training goes, kernel by kernel: ``python -m benchmarks.profile``.

One thread trains; the clock runs around the parts of a step: what fills the batch, the
calls that each layer prepares for forward and backward, the loss, the optimiser. What
is left is Python between them, the clock itself, and the sum of the micro-batches'
gradients. The floor is the rate of a large matrix product on the same thread, measured
just before.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from threadpoolctl import threadpool_limits

from ardoise import Callback, Network, Training, fit
from ardoise.engine import losses, optimizers
from ardoise.engine.batches import BatchLoader
from benchmarks.contestants.architecture import Pool, input_shape, parse, training_flops
from benchmarks.contestants.data import read_mnist
from benchmarks.contestants.sgemm import gflops
from benchmarks.contestants.train_ardoise import build

# Name on the command line → network and its usual batch.
NETWORKS = {
    "cnn": ("32c3-p2-64c3-p2-128-10", 128),
    "cnn5": ("24c5-p2-32c3-p2-256-10", 256),
    "mlp": ("784-256-128-10", 128),
}
WARM_UP_STEPS = 5
FLOOR_SECONDS = 0.5


@dataclass
class Clock(Callback):
    """Seconds and calls of every part, from the end of the warm-up.

    Attributes
    ----------
    seconds, calls : dict
        By the part's name; in the order in which `watch` was told of them.
    total, started : float
        Seconds of all steps, and when the first of them began.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    total: float = 0.0
    started: float = 0.0

    def watch(self, part: str, owner: Any, method: str) -> Any:
        """Return a context manager: the owner's method runs under the clock in it."""
        self.seconds[part], self.calls[part] = 0.0, 0
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            result = original(*args, **kwargs)
            self.seconds[part] += time.perf_counter() - started
            self.calls[part] += 1
            return result

        return patch.object(owner, method, timed)

    def watch_calls(self, part: str, owner: Any, method: str) -> Any:
        """Return a context manager: what the method returns to be called is timed."""
        self.seconds[part], self.calls[part] = 0.0, 0
        original: Callable[..., Any] = getattr(owner, method)

        def timed(call: Callable[[], Any]) -> Callable[[], None]:
            def run() -> None:
                started = time.perf_counter()
                call()
                self.seconds[part] += time.perf_counter() - started
                self.calls[part] += 1

            return run

        def prepare(*args: Any, **kwargs: Any) -> Any:
            calls, result = original(*args, **kwargs)
            return [timed(call) for call in calls], result

        return patch.object(owner, method, prepare)

    def on_batch_end(self, training: Training) -> None:
        now = time.perf_counter()
        if training.step == WARM_UP_STEPS:
            self.seconds = dict.fromkeys(self.seconds, 0.0)
            self.calls = dict.fromkeys(self.calls, 0)
            self.started = now
        self.total = now - self.started


@dataclass(frozen=True)
class Kernel:
    """One row: seconds and floating-point operations per image (0: not counted)."""

    name: str
    calls: float  # a step
    seconds: float
    flops: float


def main(argv: Sequence[str] | None = None) -> int:
    """Train a little, print the table."""
    options = parse_arguments(argv)
    network, usual = NETWORKS[options.network]
    batch = options.batch or usual
    with threadpool_limits(1, user_api="blas"):
        floor = gflops(FLOOR_SECONDS)
    kernels, whole = measure(network, batch, options.steps)
    print(f"{network}, batch {batch}, {options.steps} steps of Adam on one thread")
    print(f"floor: {floor:.1f} GFLOP/s\n")
    for line in table(kernels, whole, floor):
        print(line)
    return 0


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description="Where a training step goes."
    )
    parser.add_argument("--network", choices=list(NETWORKS), default="cnn")
    parser.add_argument("--batch", type=int, help="by default, the benchmark's")
    parser.add_argument("--steps", type=int, default=40)
    return parser.parse_args(argv)


def measure(network: str, batch: int, steps: int) -> tuple[list[Kernel], Kernel]:
    """Return every kernel and the whole step, per image."""
    (x, y), _ = read_mnist((WARM_UP_STEPS + steps) * batch, 0)
    x = x.reshape(-1, *input_shape(network))
    steps = len(x) // batch - WARM_UP_STEPS  # MNIST may have fewer
    x, y = x[: (WARM_UP_STEPS + steps) * batch], y[: (WARM_UP_STEPS + steps) * batch]
    model, clock = build(network, seed=0), Clock()
    with watched(clock, model) as ways:
        fit(model, x, y, epochs=1, batch_size=batch, threads=1, seed=0, **ways)
    images = steps * batch
    flops = kernel_flops(network, model)
    kernels = [
        Kernel(part, clock.calls[part] / steps, seconds / images, flops.get(part, 0.0))
        for part, seconds in clock.seconds.items()
    ]
    rest = clock.total / images - sum(kernel.seconds for kernel in kernels)
    kernels.append(Kernel("everything else", 1, rest, 0.0))
    whole = Kernel("a step", 1, clock.total / images, training_flops(network))
    return kernels, whole


@contextmanager
def watched(clock: Clock, model: Network) -> Iterator[dict[str, Any]]:
    """Put every part under the clock; yield the arguments of `fit` that this takes."""
    loss, optimizer = losses.get("softmax_cross_entropy"), optimizers.get("adam")
    named = [(layer_name(i, layer), layer) for i, layer in enumerate(model.steps)]
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(clock.watch("batch", BatchLoader, "load"))
        for name, layer in named:
            enter(clock.watch_calls(f"{name} forward", layer, "prepare"))
        # Python looks up __call__ in the class.
        enter(clock.watch("loss", type(loss), "__call__"))
        enter(clock.watch("accuracy", loss, "predict"))
        for name, layer in reversed(named):
            enter(clock.watch_calls(f"{name} backward", layer, "prepare_backward"))
        enter(clock.watch("optimiser", optimizer, "update_section"))
        yield {"loss": loss, "optimizer": optimizer, "callbacks": [clock]}


def layer_name(place: int, layer: Any) -> str:
    """Return "0 Conv2D"."""
    return f"{place} {type(layer).__name__}"


def kernel_flops(network: str, model: Network) -> dict[str, float]:
    """Return what the matrix products of each part take, per image."""
    steps = [step for step in parse(network) if not isinstance(step, Pool)]
    learning = [
        layer_name(i, layer)
        for i, layer in enumerate(model.steps)
        if hasattr(layer, "W")
    ]
    result: dict[str, float] = {}
    for i, (name, step) in enumerate(zip(learning, steps, strict=True)):
        result[f"{name} forward"] = 2 * step.multiply_adds
        # The first layer has no ∂loss/∂x to compute.
        result[f"{name} backward"] = (4 if i else 2) * step.multiply_adds
    return result


def table(kernels: Sequence[Kernel], whole: Kernel, floor: float) -> Iterator[str]:
    """Yield the lines: per image, the share of the step, the rate, its share."""
    heads = ("calls a step", "µs an image", "share", "GFLOP/s", "of floor")
    width = max(len(kernel.name) for kernel in kernels)
    yield f"{'':{width}}" + "".join(f"  {head:>12}" for head in heads)
    for kernel in (*kernels, whole):
        cells = [
            f"{kernel.calls:.0f}",
            f"{1e6 * kernel.seconds:.2f}",
            f"{100 * kernel.seconds / whole.seconds:.1f} %",
        ]
        if kernel.flops and kernel.seconds:
            rate = kernel.flops / kernel.seconds / 1e9
            cells += [f"{rate:.1f}", f"{100 * rate / floor:.0f} %"]
        row = "".join(f"  {cell:>12}" for cell in cells)
        yield f"{kernel.name:{width}}{row}"
    yield f"\n{1 / whole.seconds:,.0f} images/s on one thread"


if __name__ == "__main__":
    sys.exit(main())
