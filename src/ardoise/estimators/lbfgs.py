"""Training by L-BFGS: the whole data at each step, on the one vector."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ardoise.engine import lbfgs
from ardoise.engine.arrays import Array, computing
from ardoise.engine.workers import Workers
from ardoise.estimators.contract import NetworkEstimator
from ardoise.estimators.exceptions import warn
from ardoise.estimators.monitor import add_line, judge, named_metrics
from ardoise.estimators.stochastic import draws_numbers


def fit_lbfgs(estimator: NetworkEstimator, data: Any, threads: int) -> None:
    """Minimise loss + alpha / 2n · Σ W² and write down how it went.

    Ctrl-C ends it with the best weights so far.

    Raises
    ------
    ValueError
        If the loss would not be the same at every step.
    """
    _refuse_noise(estimator)
    x, targets, weights = data
    network, n = estimator.network_, x.shape[0]
    total = n if weights is None else float(weights.sum())
    decay = float(estimator.alpha) / total
    decayed = slice(0, network.layout.n_decay)
    best = network.theta.copy()
    workers = Workers(
        network,
        estimator._criterion,
        x,
        targets,
        weights,
        batch_size=n,
        threads=threads,
        rng=np.random.default_rng(0),
    )

    def loss_and_gradient(theta: Array) -> tuple[float, Array]:
        network.theta[...] = theta
        value, _ = workers.gradient(slice(0, n))
        workers.collect()
        grad = network.grad.astype(np.float64)
        W = theta[decayed]
        grad[decayed] += decay * W
        return value + 0.5 * decay * float(W @ W), grad

    def note(theta: Array, value: float, n_iter: int) -> None:
        best[...] = theta
        estimator.n_iter_, estimator.loss_ = n_iter, value
        estimator.loss_curve_.append(value)
        line = {"loss": value, "seconds": time.perf_counter() - started}
        if held_out is not None:
            network.theta[...] = theta
            line |= judge(estimator, held_out, metrics)
        add_line(estimator.history_, line)
        if estimator.verbose:
            print(f"Iteration {n_iter}, loss = {value:.8f}")

    held_out, metrics = estimator._last_held_out, named_metrics(estimator.metrics)
    estimator.n_iter_, estimator.loss_curve_, estimator.history_ = 0, [], {}
    started = time.perf_counter()
    try:
        with workers, computing():
            result = lbfgs.minimize(
                loss_and_gradient,
                network.theta.astype(np.float64),
                max_iter=estimator.max_iter,
                max_fun=estimator._setting("max_fun"),
                gtol=estimator.tol,
                callback=note,
            )
    except KeyboardInterrupt:
        network.theta[...] = best
        warn("UserWarning", "Training interrupted by user.", stacklevel=5)
        return
    network.theta[...] = result.x
    estimator.n_iter_, estimator.loss_ = result.n_iter, result.value
    if result.status:
        warn(
            "ConvergenceWarning",
            f"lbfgs failed to converge after {result.n_iter} iteration(s) "
            f"(status={result.status}):\n{result.message}\n\nYou might also want to "
            "scale the data, or increase the number of iterations (max_iter="
            f"{estimator.max_iter}) to improve the convergence.",
            stacklevel=5,
        )


def _refuse_noise(estimator: NetworkEstimator) -> None:
    refused = {
        "dropout or augmentation": draws_numbers(estimator),
        "weight_average": estimator.weight_average is not None,
        "max_norm": estimator.max_norm is not None,
        "callbacks": bool(estimator.callbacks),
        "progress_bar": estimator.progress_bar,
        "metrics without validation_data": estimator.metrics is not None
        and estimator._last_held_out is None,
        "calibrate without validation_data": estimator._needs_held_out()
        and not estimator.early_stopping
        and estimator._last_held_out is None,
    }
    for name, given in refused.items():
        if given:
            raise ValueError(
                f"solver='lbfgs' cannot do {name}: it takes all samples at each step, "
                "and the same function every time; choose another solver"
            )
