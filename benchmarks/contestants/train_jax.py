"""JAX training a dense network: one compiled step, parameters donated to it.

The images stay on the device as bytes; the step picks its rows, scales them, and does
Adam. Python only starts the steps, and waits for the last one alone. With
``whole_epochs`` even the loop over the batches is compiled: nothing can be watched or
stopped within an epoch then, so it has a row of its own.
"""

import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants.data import accuracy, read_mnist

Tree = Any  # a list of (W, b)


def build(layers: Sequence[int], seed: int) -> Tree:
    """Return weights with variance 2 / n_in, and zero biases."""
    rng = np.random.default_rng(seed)
    return [
        (
            jnp.asarray(rng.standard_normal((n, m), np.float32) * (2 / n) ** 0.5),
            jnp.zeros(m, jnp.float32),
        )
        for n, m in pairwise(layers)
    ]


def logits(params: Tree, images: jax.Array) -> jax.Array:
    """Return the outputs (B, 10) for bytes (B, 784)."""
    x = images.astype(jnp.float32) * jnp.float32(1 / 255)
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b


def loss(params: Tree, images: jax.Array, y: jax.Array) -> jax.Array:
    """Return the mean cross-entropy."""
    log_p = jax.nn.log_softmax(logits(params, images))
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def adam_step(state: Tree, x: jax.Array, y: jax.Array, rows: jax.Array) -> Tree:
    """Return (params, m, v, t) after one step of Adam on these rows."""
    params, m, v, t = state
    grads = jax.grad(loss)(params, x[rows], y[rows])
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
    c1, c2 = 1 - 0.9**t, 1 - 0.999**t
    params = jax.tree.map(
        lambda p, m, v: p - 1e-3 * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), params, m, v
    )
    return params, m, v, t


def adam_steps(state: Tree, x: jax.Array, y: jax.Array, batches: jax.Array) -> Tree:
    """Return the state after one step for each row of ``batches`` (steps, B)."""

    def body(state: Tree, rows: jax.Array) -> tuple[Tree, None]:
        return adam_step(state, x, y, rows), None

    return jax.lax.scan(body, state, batches)[0]


step = jax.jit(adam_step, donate_argnums=0)
steps = jax.jit(adam_steps, donate_argnums=0)


def train(
    params: Tree,
    x: jax.Array,
    y: jax.Array,
    batch: int,
    epochs: int,
    seed: int,
    whole_epochs: bool,
) -> Tree:
    """Return the parameters after ``epochs`` passes."""
    rng = np.random.default_rng(seed)
    zeros = partial(jax.tree.map, jnp.zeros_like)
    state = (params, zeros(params), zeros(params), jnp.float32(0))
    # The compiled loop takes batches of one size; the last, shorter one comes after.
    looped = len(x) - len(x) % batch if whole_epochs else 0
    for _ in range(epochs):
        order = rng.permutation(len(x)).astype(np.int32)
        if looped:
            state = steps(state, x, y, order[:looped].reshape(-1, batch))
        for start in range(looped, len(x), batch):
            state = step(state, x, y, order[start : start + batch])
    return jax.block_until_ready(state)[0]


def run(
    *,
    layers: Sequence[int],
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
    whole_epochs: bool = False,
) -> dict[str, float]:
    """Train; the warm-up epoch compiles everything for every size of batch."""
    (images, labels), (images_test, y_test) = read_mnist(n_train, n_test)
    x, y = jnp.asarray(images), jnp.asarray(labels.astype(np.int32))
    train(build(layers, seed), x, y, batch, 1, seed, whole_epochs)
    params = build(layers, seed)
    started = time.perf_counter()
    params = train(params, x, y, batch, epochs, seed, whole_epochs)
    seconds = time.perf_counter() - started
    predicted = np.asarray(logits(params, jnp.asarray(images_test))).argmax(axis=1)
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(predicted, y_test),
    }
