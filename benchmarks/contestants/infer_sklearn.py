"""scikit-learn answering: MLPClassifier.predict_proba on float32 images."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.contestants import calls
from benchmarks.contestants.architecture import he_weights


def with_weights(network: str) -> MLPClassifier:
    """Return the dense classifier with the weights that everybody has."""
    n_in, *hidden, n_out = (int(word) for word in network.split("-"))
    model = MLPClassifier(hidden, random_state=0)
    # One step makes everything that prediction needs; then the weights are put in.
    classes = np.arange(n_out)
    model.partial_fit(np.zeros((n_out, n_in), np.float32), classes, classes=classes)
    weights = he_weights(network, calls.WEIGHTS_SEED)
    model.coefs_ = [w for w, _ in weights]
    model.intercepts_ = [b for _, b in weights]
    return model


def run(*, network: str, batch: int, n_test: int, seconds: float) -> dict[str, float]:
    """Time `predict_proba`, from array to array."""
    model = with_weights(network)
    inputs = calls.batches(network, batch, n_test)
    return calls.time_calls(model.predict_proba, inputs, seconds)
