"""PyTorch answering, in inference mode."""

import torch
from torch import nn

from benchmarks.contestants import calls
from benchmarks.contestants.architecture import he_weights_channels_first
from benchmarks.contestants.train_pytorch import Images, build


def with_weights(network: str, channels_last: bool) -> nn.Sequential:
    """Return the network with the weights that everybody has."""
    model = build(network, channels_last).eval()
    learning = [m for m in model if isinstance(m, nn.Conv2d | nn.Linear)]
    weights = he_weights_channels_first(network, calls.WEIGHTS_SEED)
    with torch.no_grad():
        for module, (w, b) in zip(learning, weights, strict=True):
            module.weight.copy_(torch.from_numpy(w))  # keeps the memory format
            module.bias.copy_(torch.from_numpy(b))
    return model


def run(
    *,
    network: str,
    batch: int,
    n_test: int,
    seconds: float,
    channels_last: bool = False,
) -> dict[str, float]:
    """Time the model and softmax, from tensor to tensor."""
    model = with_weights(network, channels_last)
    inputs = [
        torch.from_numpy(x.reshape(batch, -1))
        for x in calls.batches(network, batch, n_test)
    ]
    if isinstance(model[0], Images):  # seen as images before the clock starts
        inputs, model = [model[0](x) for x in inputs], model[1:]
    with torch.inference_mode():
        return calls.time_calls(
            lambda x: torch.softmax(model(x), dim=1), inputs, seconds
        )
