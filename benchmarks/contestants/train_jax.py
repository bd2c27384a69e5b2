"""JAX training a network: one compiled step, parameters donated to it.

The images stay on the device as bytes; the step picks its rows, scales them, and does
Adam. Python only starts the steps, and waits for the last one alone. With
``whole_epochs`` even the loop over the batches is compiled: nothing can be watched or
stopped within an epoch then, so it has a row of its own.
"""

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants.architecture import (
    Convolution,
    Dense,
    Pool,
    Step,
    he_weights,
    parse,
)
from benchmarks.contestants.data import accuracy, read_mnist, warm_up_size

Tree = Any  # a list of (W, b)


class Trainer:
    """The compiled functions of one network.

    Parameters
    ----------
    network : str
    whole_epochs : bool
    """

    def __init__(self, network: str, whole_epochs: bool) -> None:
        self.steps = parse(network)
        self.whole_epochs = whole_epochs
        self.one_step = jax.jit(self._adam_step, donate_argnums=0)
        self.all_steps = jax.jit(self._adam_steps, donate_argnums=0)
        self.logits = jax.jit(self._logits)

    def train(
        self, params: Tree, x: jax.Array, y: jax.Array, batch: int, batches: list[Any]
    ) -> Tree:
        """Return the parameters after a step for each batch; rows of each epoch."""
        zeros = partial(jax.tree.map, jnp.zeros_like)
        state = (params, zeros(params), zeros(params), jnp.float32(0))
        for order in batches:
            # The compiled loop takes batches of one size; the shorter last one follows.
            looped = len(order) - len(order) % batch if self.whole_epochs else 0
            if looped:
                rows = order[:looped].reshape(-1, batch)
                state = self.all_steps(state, x, y, rows)
            for start in range(looped, len(order), batch):
                state = self.one_step(state, x, y, order[start : start + batch])
        return jax.block_until_ready(state)[0]

    def _logits(self, params: Tree, images: jax.Array) -> jax.Array:
        """Return the outputs (B, 10) for bytes (B, 784)."""
        x = images.astype(jnp.float32) * jnp.float32(1 / 255)
        x = x.reshape(-1, *self.steps[0].input_shape)
        left = list(params)
        for step in self.steps:
            x = apply(step, x, left)
            if left and not isinstance(step, Pool):
                x = jax.nn.relu(x)
        return x

    def _loss(self, params: Tree, images: jax.Array, y: jax.Array) -> jax.Array:
        """Return the mean cross-entropy."""
        log_p = jax.nn.log_softmax(self._logits(params, images))
        return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

    def _adam_step(
        self, state: Tree, x: jax.Array, y: jax.Array, rows: jax.Array
    ) -> Tree:
        """Return (params, m, v, t) after one step of Adam on these rows."""
        params, m, v, t = state
        grads = jax.grad(self._loss)(params, x[rows], y[rows])
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
        c1, c2 = 1 - 0.9**t, 1 - 0.999**t
        params = jax.tree.map(
            lambda p, m, v: p - 1e-3 * (m / c1) / (jnp.sqrt(v / c2) + 1e-8),
            params,
            m,
            v,
        )
        return params, m, v, t

    def _adam_steps(
        self, state: Tree, x: jax.Array, y: jax.Array, batches: jax.Array
    ) -> Tree:
        """Return the state after one step for each row of ``batches`` (steps, B)."""

        def body(state: Tree, rows: jax.Array) -> tuple[Tree, None]:
            return self._adam_step(state, x, y, rows), None

        return jax.lax.scan(body, state, batches)[0]


def apply(step: Step, x: jax.Array, params: list[Any]) -> jax.Array:
    """Return the step's outputs; its parameters are taken off the list's front."""
    match step:
        case Convolution():
            w, b = params.pop(0)
            names = ("NHWC", "HWIO", "NHWC")
            y = jax.lax.conv_general_dilated(
                x, w, (1, 1), "VALID", dimension_numbers=names
            )
            return y + b
        case Pool():
            # The gradient of reduce_window is slow: 950 images/s with it, 1,600 so.
            k, (height, width, channels) = step.size, step.output_shape
            cut = x[:, : height * k, : width * k]
            return cut.reshape(-1, height, k, width, k, channels).max(axis=(2, 4))
        case Dense():
            w, b = params.pop(0)
            return x.reshape(len(x), -1) @ w + b


def run(
    *,
    network: str,
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
    whole_epochs: bool = False,
) -> dict[str, float]:
    """Train; the warm-up compiles everything for every size of batch."""
    (images, labels), (images_test, y_test) = read_mnist(n_train, n_test)
    x, y = jnp.asarray(images), jnp.asarray(labels.astype(np.int32))
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(x)).astype(np.int32) for _ in range(epochs)]
    trainer = Trainer(network, whole_epochs)
    # A compiled epoch is compiled for its length.
    few = len(x) if whole_epochs else warm_up_size(len(x), batch)
    trainer.train(first_weights(network, seed), x, y, batch, [orders[0][:few]])
    params = first_weights(network, seed)
    started = time.perf_counter()
    params = trainer.train(params, x, y, batch, orders)
    seconds = time.perf_counter() - started
    predicted = np.asarray(trainer.logits(params, jnp.asarray(images_test)))
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(predicted.argmax(axis=1), y_test),
    }


def first_weights(network: str, seed: int) -> Tree:
    """Return weights with variance 2 / n_in, and zero biases."""
    return [
        (jnp.asarray(w), jnp.zeros(len(b), jnp.float32))
        for w, b in he_weights(network, seed)
    ]
