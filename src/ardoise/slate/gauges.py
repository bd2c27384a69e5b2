"""What a page is shown of a training: points of its curve, and how each layer does.

Nothing here touches the training itself: it looks at copies of the weights.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits import Dataset
from ardoise.engine.arrays import Array, computing
from ardoise.engine.doctor.inside import PUSH_SAMPLES, SAMPLES, spread
from ardoise.engine.doctor.probe import Probe
from ardoise.engine.layers import Conv2D, Dense
from ardoise.engine.losses import softmax
from ardoise.engine.network import Network
from ardoise.engine.training import Training
from ardoise.slate.requests import Arrays

PER_PUSH = 4  # points of the curve in one push, the mean of those since the last one
# Of a whole curve: every second one goes when there are twice as many.
MOST_POINTS = 2000
WATCHED = 12  # digits of which each answer is shown
MOST_IMAGES = 32  # units of the first layer whose weights are shown

Point = list[float]  # step, loss, accuracy


class Curve:
    """Loss and accuracy of the steps of a training, as few points as can be drawn."""

    def __init__(self) -> None:
        self._new: list[tuple[int, float, float]] = []
        self._kept: list[Point] = []
        self._samples, self._loss, self._right = 0, 0.0, 0.0  # sums of this epoch

    def note(self, training: Training) -> None:
        """Note a step that has just been made."""
        if training.epoch_samples <= self._samples:  # a new epoch
            self._samples, self._loss, self._right = 0, 0.0, 0.0
        samples = training.epoch_samples
        loss = training.running_loss * samples
        right = training.running_accuracy * samples
        n = samples - self._samples
        self._new.append(
            (training.step, (loss - self._loss) / n, (right - self._right) / n)
        )
        self._samples, self._loss, self._right = samples, loss, right

    def take(self) -> list[Point]:
        """Return the points since the last time: at most `PER_PUSH` means."""
        new, self._new = self._new, []
        if not new:
            return []
        table = np.array(new, np.float64)
        parts = np.array_split(table, min(len(table), PER_PUSH))
        points = [[int(p[-1, 0]), *p[:, 1:].mean(axis=0).tolist()] for p in parts]
        self._kept += points
        if len(self._kept) > 2 * MOST_POINTS:
            self._kept = self._kept[1::2]
        return points

    def whole(self) -> NDArray[np.float32]:
        """Return all points that were taken, (n, 3): step, loss, accuracy."""
        return np.array(list(self._kept), np.float32).reshape(-1, 3)


class Gauges:
    """How the layers of a network do while it learns, and what it says of some digits.

    Parameters
    ----------
    network : Network
        That which learns.
    images : Dataset
        Validation images, or others.
    """

    def __init__(self, network: Network, images: Dataset) -> None:
        self._network = network
        rows = spread(len(images), SAMPLES)
        self._probe = Probe(network, images.images[rows])
        self._targets = images.labels[rows]
        self._few = spread(len(rows), PUSH_SAMPLES)
        self._twin = network.astype(network.dtype)
        chosen = _of_each_class(images.labels, WATCHED)
        self._watched, self.labels = images.images[chosen], images.labels[chosen]
        self._place = first_weights(network)
        # After which step theta was kept: before the last one of an epoch.
        self._before: tuple[int, Array] | None = None

    def begin(self, training: Training) -> None:
        """Look at the network before the first step."""
        self.after_step(training)

    def after_step(self, training: Training) -> None:
        """Keep the weights, if the next step is the last one of its epoch."""
        if (training.step + 1) % training.steps_per_epoch == 0:
            self._before = training.step, self._network.theta.copy()

    def layers(self, training: Training) -> dict[str, Any]:
        """Return gradients, updates and dead units of each layer, as JSON values.

        ``weights``: for each array W, the length of its gradient on a few images, and
        how long the last step was beside W itself (None, where the epoch was cut
        short). ``dead``: for each layer of ReLU, tanh or sigmoid units, the share that
        has no slope on any image.
        """
        self._probe.refresh()
        pushes = self._probe.pushes(training.loss, self._targets, self._few)
        now = self._network.parameters()
        before = None
        if self._before is not None and self._before[0] == training.step - 1:
            before = self._network.layout.views(self._before[1])
        weights = []
        for push in pushes:
            values = now[push.name]
            length = push.weights * math.sqrt(values.size)
            update = None
            if before is not None and length > 0:
                step = (values - before[push.name]).reshape(-1)
                update = float(np.linalg.norm(step)) / length
            gradient = push.gradient * math.sqrt(values.size)
            weights.append({"name": push.name, "gradient": gradient, "update": update})
        dead = [
            {"layer": a.layer, "kind": a.kind, "share": a.dead / a.units}
            for a in self._probe.activity()
        ]
        return {"weights": weights, "dead": dead}

    def watch(self) -> tuple[dict[str, Any], Arrays]:
        """Return what the network says of the same few digits."""
        np.copyto(self._twin.theta, self._network.theta)
        np.copyto(self._twin.state, self._network.state)
        with computing():
            probabilities = softmax(self._twin.predict_logits(self._watched))
        return {"labels": self.labels.tolist()}, {
            "probabilities": np.nan_to_num(probabilities).astype(np.float32),
            "images": self._watched[..., 0],
        }

    def weights(self) -> tuple[dict[str, Any], Arrays] | None:
        """Return the first layer's weights as images; None where they are none."""
        if self._place is None:
            return None
        images = weight_images(self._network, self._place, MOST_IMAGES)
        return {"layer": self._place}, {"weights": images}


def _of_each_class(labels: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the places of n images, the classes in turn."""
    order = np.argsort(labels, kind="stable")
    sorted_labels = labels[order]
    firsts = np.searchsorted(sorted_labels, sorted_labels, side="left")
    turn = np.arange(len(labels)) - firsts  # the how-manieth of its class
    places = order[np.lexsort((sorted_labels, turn))][:n]
    return places.astype(np.int64)


def weight_images(network: Network, layer: int, most: int) -> NDArray[np.float32]:
    """Return the weights of a layer's units as images, (n, h, w); signed.

    Of a Dense layer that reads the picture itself, an image of that size for each unit;
    of a convolution, its kernels (of several channels, side by side would be too small:
    their mean). Other layers have none: n is 0.

    Parameters
    ----------
    network : Network
    layer : int
        Its place.
    most : int
        At most so many units.
    """
    found = network.layers[layer]
    values = network.parameters().get(f"{layer}.W")
    empty = np.zeros((0, 0, 0), np.float32)
    if values is None:
        return empty
    if isinstance(found, Conv2D):
        kernels: NDArray[np.float32] = values.mean(axis=2)[..., :most]
        return kernels.transpose(2, 0, 1).astype(np.float32)
    h, w, c = network.input_shape
    if isinstance(found, Dense) and len(values) == h * w * c and c == 1:
        images: NDArray[np.float32] = values[:, :most].T.reshape(-1, h, w)
        return images.astype(np.float32)
    return empty


def first_weights(network: Network) -> int | None:
    """Return the place of the first layer whose weights can be shown as images."""
    for place in range(len(network.layers)):
        if len(weight_images(network, place, 1)):
            return place
    return None
