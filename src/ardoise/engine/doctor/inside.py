"""Is this network able to learn? Read from its units, its gradients, its answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.batches import check_data
from ardoise.engine.doctor.findings import Finding, note, warning
from ardoise.engine.doctor.probe import Activity, Probe, Push
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network

# Healthy trainings (dense and convolutional, 1 to 20 layers, SGD and Adam) have up to
# 36 % dead units in a layer, most of them 0 to 5 %; one short epoch at 0.02 (the recipe
# `fastest`) 51 %; Adam at ten times its rate 63 %, SGD at 1.0 89 %, Adam at 0.1 99 %.
DEAD_SHARE = 0.57
# Of tanh and sigmoid answers: healthy trainings up to 29 % (after 40 epochs); values up
# to 255 that are not scaled 98 %, Adam at 0.03 87 %.
SATURATED_SHARE = 0.75
# Gradient over weights, in the first layer beside the last: healthy 7e-3 (four sigmoid
# layers) to 3; eight sigmoid layers, which learn nothing for epochs, 6e-5.
VANISHING_RATIO = 1e-3
# Gradient over weights: healthy up to 1.2 (the notebook's start); values up to 255
# that are not scaled 150, four layers of weights in [-1, 1] 180.
EXPLODING_RATIO = 10.0
# Root mean square of the weights, times √inputs: healthy 1 (he_normal) to 8 (the
# notebook); after a training that diverged, 90 and more.
LARGE_GAIN = 50.0
# Confidence minus accuracy: 1 % for the recipes, 8 % for 500 samples learned by heart.
TOO_SURE = 0.05

SAMPLES = 256  # that units are looked at with
PUSH_SAMPLES = 64  # that gradients are computed with


def examine_network(
    network: Network,
    x: Array,
    y: Array,
    *,
    loss: str | Mapping[str, Any] | Loss = "softmax_cross_entropy",
) -> list[Finding]:
    """Say what is wrong inside a network, from its answers to a few samples.

    Works on a copy: the network is left as it was. At most 256 samples are taken,
    evenly over the data.

    Parameters
    ----------
    network : Network
    x : array of shape (n, *input_shape)
        Bytes or floating-point numbers.
    y : array of shape (n,) or (n, K)
        Targets, as the loss takes them.
    loss : str, mapping or Loss

    Returns
    -------
    list of Finding
        On dead or saturated units, vanishing or exploding gradients, units that are
        all the same, and weights that are much too large.

    Raises
    ------
    TypeError, ValueError
        If the data cannot be read, in one sentence.
    """
    criterion = losses.get(loss)
    x, t, _ = check_data(network, criterion, x, y, None)
    rows = spread(len(x), SAMPLES)
    probe = Probe(network, x[rows])
    return judge(probe, criterion, t[rows])


def dead_layer(network: Network, x: Array) -> list[Finding]:
    """Return which layer of ReLU units is 0 for all samples: its network is constant.

    A branch of a residual block may be, and the block goes on without it.
    """
    probe = Probe(network, x[spread(len(x), SAMPLES)])
    whole = [a for a in probe.activity() if a.kind == "ReLU" and a.dead == a.units]
    return of_units([a for a in whole if "." not in a.layer])


def judge(probe: Probe, loss: Loss, t: Array) -> list[Finding]:
    """Return what is wrong with the network of a probe now; t are its targets."""
    few = spread(len(t), PUSH_SAMPLES)
    pushes = probe.pushes(loss, t, few)
    return [
        *of_likeness(pushes),
        *of_units(probe.activity()),
        *of_gradients(pushes),
        *of_weights(pushes),
    ]


def of_units(layers: Sequence[Activity]) -> list[Finding]:
    """Return which layers are asleep: the one that is worst off, of each kind."""
    found = []
    dead = [a for a in layers if a.kind == "ReLU" and a.dead > DEAD_SHARE * a.units]
    if dead:
        worst = max(dead, key=lambda a: a.dead / a.units)
        shown = {"layer": worst.layer, "count": worst.dead, "units": worst.units}
        found.append(warning("dead_units", **shown, share=worst.dead / worst.units))
    flat = [a for a in layers if a.kind != "ReLU" and a.flat > SATURATED_SHARE]
    if flat:
        most = max(flat, key=lambda a: a.flat)
        found.append(warning("saturated_units", layer=most.layer, share=most.flat))
    return found


def of_likeness(pushes: Sequence[Push]) -> list[Finding]:
    """Return which layer's units are copies of each other, and will stay so."""
    for push in pushes:
        if push.alike:
            return [warning("equal_units", name=push.name, units=push.units)]
    return []


def of_gradients(pushes: Sequence[Push]) -> list[Finding]:
    """Return whether gradients vanish or explode, relative to the weights."""
    sizes = [p.gradient / p.weights if p.weights else 0.0 for p in pushes]
    if not sizes or not all(map(math.isfinite, sizes)):
        return []
    largest = int(np.argmax(sizes))
    if sizes[largest] > EXPLODING_RATIO:
        shown = {"name": pushes[largest].name, "ratio": sizes[largest]}
        return [warning("exploding_gradients", **shown)]
    # Where all are dead, both are 0: that has a finding of its own.
    if 0 < sizes[0] < VANISHING_RATIO * sizes[-1]:
        ratio = sizes[0] / sizes[-1]
        ends = {"first": pushes[0].name, "last": pushes[-1].name}
        return [warning("vanishing_gradients", ratio=ratio, **ends)]
    return []


def of_weights(pushes: Sequence[Push]) -> list[Finding]:
    """Return whether weights are so large that the training must have diverged."""
    gains = [push.weights * math.sqrt(push.inputs) for push in pushes]
    for push, gain in zip(pushes, gains, strict=True):
        if gain > LARGE_GAIN:
            return [warning("large_weights", name=push.name, size=push.weights)]
    return []


def examine_answers(probabilities: Array, labels: Array) -> list[Finding]:
    """Say whether a classifier is surer than it is right.

    Parameters
    ----------
    probabilities : array of shape (n, K)
        For samples that were not trained on.
    labels : array of int of shape (n,)

    Returns
    -------
    list of Finding
    """
    n = len(labels)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    confidence = float(probabilities.max(axis=1).mean())
    chance = 2 * math.sqrt(accuracy * (1 - accuracy) / n)  # two standard errors
    if confidence - accuracy > TOO_SURE + chance:
        return [note("too_sure", confidence=confidence, accuracy=accuracy)]
    return []


def spread(n: int, most: int) -> Array:
    """Return the places of at most so many of n samples, evenly from first to last."""
    places: Array = np.linspace(0, n - 1, min(n, most)).astype(np.intp)
    return places
