"""scikit-learn training a dense network: MLPClassifier on float32 images."""

import time
import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants.data import accuracy, read_mnist, warm_up_size


def build(network: str, batch: int, epochs: int, seed: int) -> Any:
    """Return the dense classifier; n_iter_no_change keeps it from stopping early."""
    _, *hidden, _ = (int(word) for word in network.split("-"))
    return MLPClassifier(
        hidden,
        solver="adam",
        alpha=0.0,
        batch_size=batch,
        learning_rate_init=1e-3,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )


def run(
    *,
    network: str,
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
) -> dict[str, float]:
    """Train; the images are made float32, which is faster here, before the clock."""
    (images, y), (images_test, y_test) = read_mnist(n_train, n_test)
    x, x_test = (i.astype(np.float32) / np.float32(255) for i in (images, images_test))
    warnings.simplefilter("ignore", ConvergenceWarning)  # few epochs, on purpose
    few = warm_up_size(len(x), batch)
    build(network, batch, 1, seed).fit(x[:few], y[:few])
    model = build(network, batch, epochs, seed)
    started = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - started
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(model.predict(x_test), y_test),
    }
