"""Ardoise answering: `ardoise.Predictor`, a frozen copy of the network."""

from ardoise import Network, Predictor
from benchmarks.contestants import calls
from benchmarks.contestants.architecture import he_weights
from benchmarks.contestants.train_ardoise import build


def with_weights(network: str) -> Network:
    """Return the network with the weights that everybody has."""
    result = build(network, calls.WEIGHTS_SEED)
    places = result.parameters()
    learning = [i for i in range(len(result.layers)) if f"{i}.W" in places]
    for i, (w, b) in zip(
        learning, he_weights(network, calls.WEIGHTS_SEED), strict=True
    ):
        places[f"{i}.W"][...] = w
        places[f"{i}.b"][...] = b
    return result


def run(
    *,
    network: str,
    batch: int,
    n_test: int,
    seconds: float,
    threads: int | None = None,
) -> dict[str, float]:
    """Time `Predictor.predict_proba`, with the default's threads unless given."""
    predictor = Predictor(with_weights(network), threads=threads)
    inputs = calls.batches(network, batch, n_test)
    return calls.time_calls(predictor.predict_proba, inputs, seconds)
