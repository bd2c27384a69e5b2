"""Training by L-BFGS: the whole data at each step, on the one vector."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ardoise.engine import lbfgs
from ardoise.engine.arrays import Array, computing
from ardoise.engine.lbfgs import Function
from ardoise.engine.workers import Workers
from ardoise.estimators.contract import Data, HeldOut, NetworkEstimator
from ardoise.estimators.exceptions import warn
from ardoise.estimators.metrics import named_metrics
from ardoise.estimators.modes import Outcome
from ardoise.estimators.monitor import judge, note_epoch, straighten
from ardoise.estimators.stochastic import (
    INTERRUPTED,
    draws_numbers,
    listed_callbacks,
)


def fit_lbfgs(
    estimator: NetworkEstimator, data: Data, held_out: HeldOut | None
) -> Outcome:
    """Minimise loss + alpha / 2n · Σ W² and write down how it went.

    Ctrl-C ends it with the best weights so far.

    Raises
    ------
    ValueError
        If the loss would not be the same at every step.
    """
    _refuse_noise(estimator, held_out)
    x, targets, weights = data
    network, n = estimator.network_, x.shape[0]
    best = network.theta.copy()
    workers = Workers(
        network,
        estimator._criterion,
        x,
        targets,
        weights,
        batch_size=n,
        threads=estimator._thread_count(),
        rng=np.random.default_rng(0),
    )
    total = n if weights is None else float(weights.sum())
    estimator.n_iter_, estimator.loss_curve_, estimator.history_ = 0, [], {}
    estimator._snapshot = estimator._split = None
    try:
        with workers, computing():
            result = lbfgs.minimize(
                _objective(estimator, workers, n, float(estimator.alpha) / total),
                network.theta.astype(np.float64),
                max_iter=estimator.max_iter,
                max_fun=estimator._setting("max_fun"),
                gtol=estimator.tol,
                callback=_recorder(estimator, held_out, best),
            )
    except KeyboardInterrupt:
        network.theta[...] = best
        straighten(estimator, 0)
        warn("UserWarning", INTERRUPTED)
        return Outcome("interrupted", n, estimator.loss_, 0.0)
    network.theta[...] = result.x
    estimator.n_iter_, estimator.loss_ = result.n_iter, result.value
    if result.status:
        _warn(result, estimator.max_iter)
    return Outcome("finished", n, result.value, 0.0)


def _warn(result: lbfgs.Result, max_iter: int) -> None:
    warn(
        "ConvergenceWarning",
        f"lbfgs failed to converge after {result.n_iter} iteration(s) "
        f"(status={result.status}):\n{result.message}\n\nYou might also want to scale "
        f"the data, or increase the number of iterations (max_iter={max_iter}) to "
        "improve the convergence.",
    )


def _objective(
    estimator: NetworkEstimator, workers: Workers, n: int, decay: float
) -> Function:
    """Return the function to minimise: from weights to loss and gradient."""
    network = estimator.network_
    decayed = slice(0, network.layout.n_decay)

    def loss_and_gradient(theta: Array) -> tuple[float, Array]:
        network.theta[...] = theta
        value, _ = workers.gradient(slice(0, n))
        workers.collect()
        grad = network.grad.astype(np.float64)
        W = theta[decayed]
        grad[decayed] += decay * W
        return value + 0.5 * decay * float(W @ W), grad

    return loss_and_gradient


def _recorder(
    estimator: NetworkEstimator, held_out: HeldOut | None, best: Array
) -> Callable[[Array, float, int], None]:
    """Return what is to be done after each iteration; the weights go into ``best``."""
    metrics, started = named_metrics(estimator.metrics), time.perf_counter()

    def note(theta: Array, value: float, n_iter: int) -> None:
        best[...] = theta
        line = {"loss": value, "seconds": time.perf_counter() - started}
        try:
            if held_out is not None:
                estimator.network_.theta[...] = theta
                line |= judge(estimator, held_out, metrics)
        finally:  # Ctrl-C in a metric comes after the iteration, which counts
            note_epoch(estimator, line)
        if estimator.verbose:
            print(f"Iteration {n_iter}, loss = {value:.8f}")

    return note


def _refuse_noise(estimator: NetworkEstimator, held_out: HeldOut | None) -> None:
    refused = {
        "dropout or augmentation": draws_numbers(estimator),
        "weight_average": estimator.weight_average is not None,
        "max_norm": estimator.max_norm is not None,
        "callbacks": bool(listed_callbacks(estimator)),
        "progress_bar": estimator.progress_bar,
        "metrics without validation_data": estimator.metrics is not None
        and held_out is None,
        "calibrate without validation_data": estimator._needs_held_out()
        and not estimator.early_stopping
        and held_out is None,
    }
    for name, given in refused.items():
        if given:
            raise ValueError(
                f"solver='lbfgs' cannot do {name}: it takes all samples at each step, "
                "and the same function every time; choose another solver"
            )
