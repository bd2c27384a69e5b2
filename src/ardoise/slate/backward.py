"""What flows back: whose fault an error is, why an answer is given, what flips it.

All gradients are those of the network at rest (see `ardoise.slate.walk`), on a copy of
its weights. The loss is −log of the probability of the right class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ardoise.engine.arrays import Array, computing
from ardoise.engine.losses import SoftmaxCrossEntropy, softmax
from ardoise.slate.excerpts import backward_code_of
from ardoise.slate.looking import (
    eye_of,
    image_of,
    index_of,
    layer_of,
    probabilities_of,
    shown_arrays,
    words_of,
)
from ardoise.slate.requests import (
    Answer,
    Arrays,
    Request,
    SlateError,
    choice_of,
    class_of,
)
from ardoise.slate.session import Handler, Session
from ardoise.slate.slopes import gradient_formula, loss_slope, slope_formula
from ardoise.slate.walk import Same, Walk, walks_through

EPSILON = 1e-5  # how far a weight is moved to both sides
WHY_STEPS = 16  # images between black and the drawing
FOOL_STEPS = 50
OVERSHOOT = 0.02  # of a step over the border between two answers
LONGEST = 1.0  # step, where black is 0 and white 1
SCALES = 64  # shortened changes that are tried at once


def backward(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how much each number of each layer is to blame for a loss.

    ``forward0``… are what the layers give, ``grad0``… ∂loss/∂ of that, and ``grad``
    that of the image.
    """
    model = session.model
    image, label = image_of(model, arrays), class_of(model.classes, request)
    with eye_of(model.network) as eye:
        walk = eye.walks[0]
        values = walk.forward(walk.entry(image), keep=True)
        loss, dz = loss_of(values[-1], label)
        slopes = walk.backward(dz)
        answer = {"label": label, "loss": loss, **words_of(eye)}
        return answer, {
            "probabilities": probabilities_of(values[-1])[0],
            "grad": slopes[0].reshape(image.shape[1:]).astype(np.float32),
            **shown_arrays(eye, values, "forward"),
            **shown_arrays(eye, slopes, "grad"),
        }


def loss_of(z: Array, label: int) -> tuple[float, Array]:
    """Return −log of the probability of a class, and ∂/∂z; z (1, K)."""
    with computing():
        value, dz = SoftmaxCrossEntropy()(z, np.array([label]), scale=1.0)
    return value, dz.copy()


def slope(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how ∂loss/∂ of one number comes about: its formula, its lines of code.

    Of the number ``index`` that a ``layer`` gave, or of a pixel, if that is
    ``"image"``. It is computed by the layer that reads it, ``by``, or the loss.
    """
    model, layer = session.model, request.get("layer")
    image, label = image_of(model, arrays), class_of(model.classes, request)
    with eye_of(model.network) as eye:
        walk = eye.walks[0]
        values = walk.forward(walk.entry(image), keep=True)
        slopes = walk.backward(loss_of(values[-1], label)[1])
        place = 0 if layer == "image" else layer_of(request, walk) + 1
        index = read = index_of(request, values[place].shape[1:])
        while place < len(walk.pieces) and isinstance(walk.pieces[place], Same):
            here = int(np.ravel_multi_index(read, values[place].shape[1:]))
            place += 1
            shape = values[place].shape[1:]
            read = tuple(int(n) for n in np.unravel_index(here, shape))
        if place == len(walk.pieces):
            kind = "loss"
            tree = loss_slope(probabilities_of(values[-1])[0], label, read[0])
            code = backward_code_of("loss", "z")
        else:
            piece = walk.pieces[place]
            kind = piece.kind
            tree = slope_formula(piece, values[place][0], slopes[place + 1][0], read)
            code = backward_code_of(kind, "x", piece.layer)
    return {
        "layer": layer,
        "index": list(index),
        "label": label,
        "by": place if kind != "loss" else "loss",
        "kind": kind,
        "value": tree["value"],
        "formula": tree,
        "code": code[0] if code else None,
        "deeper": code[1:],
    }, {}


# -- one weight ------------------------------------------------------------------------


def check(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer the slope of the loss along one weight, computed and measured.

    Both in float64. Without ``index``, of the weight whose slope is steepest.
    """
    model = session.model
    image, label = image_of(model, arrays), class_of(model.classes, request)
    with eye_of(model.network) as eye:
        answer = words_of(eye)
        walk = eye.walks[0].astype("float64")
    place = layer_of(request, walk)
    values = walk.forward(walk.entry(image), keep=True)
    slopes = walk.backward(loss_of(values[-1], label)[1])
    piece = walk.pieces[place]
    gradients = piece.gradients()
    if not gradients:
        raise SlateError("slate.check.no_weights", layer=place, kind=piece.kind)
    name = choice_of(request, "param", gradients, next(iter(gradients)))
    gradient = gradients[name]
    if "index" in request:
        index = index_of(request, gradient.shape)
    else:
        steepest = np.unravel_index(int(np.abs(gradient).argmax()), gradient.shape)
        index = tuple(int(n) for n in steepest)
    weights = piece.arrays()[name]
    analytic, weight = float(gradient[index]), float(weights[index])
    ends = []
    for moved in (weight - EPSILON, weight + EPSILON):
        weights[index] = moved
        ends.append(loss_of(walk.forward(walk.entry(image))[-1], label)[0])
    lower, upper = ends
    numeric = (upper - lower) / (2 * EPSILON)
    largest = max(abs(analytic), abs(numeric))
    tree = gradient_formula(piece, values[place][0], slopes[place + 1][0], name, index)
    code = backward_code_of(piece.kind, name)
    return answer | {
        "layer": place,
        "kind": piece.kind,
        "param": name,
        "index": list(index),
        "label": label,
        "weight": weight,
        "epsilon": EPSILON,
        "lower": lower,
        "upper": upper,
        "analytic": analytic,
        "numeric": numeric,
        "error": abs(analytic - numeric) / largest if largest else 0.0,
        "formula": tree,
        "code": code[0] if code else None,
        "deeper": code[1:],
    }, {}


# -- one answer ------------------------------------------------------------------------


def why(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how much each pixel adds to an output, from a black image to this one.

    Of the class ``label``, or of the answer. The contributions add up to about
    ``logit`` − ``black``; ``sum`` is what they do add up to.

    References
    ----------
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", 2017,
    section 3.
    """
    model = session.model
    image, walks = image_of(model, arrays), walks_through(model.network)
    x = walks[0].entry(image)
    ends = outputs_of(walks, np.concatenate([x, np.zeros_like(x)]))
    label = int(ends[0].argmax())
    if request.get("label") is not None:
        label = class_of(model.classes, request)
    shares = (np.arange(WHY_STEPS) + 0.5) / WHY_STEPS
    path = (shares.reshape(-1, *[1] * (x.ndim - 1)) * x).astype(x.dtype)
    dz = np.zeros((WHY_STEPS, len(ends[0])), x.dtype)
    dz[:, label] = 1
    slopes = np.mean([_slopes(walk, path, dz)[1] for walk in walks], axis=0)
    found = (slopes.mean(axis=0) * x[0]).reshape(image.shape[1:])
    return {
        "label": label,
        "logit": float(ends[0, label]),
        "black": float(ends[1, label]),
        "sum": float(found.sum(dtype=np.float64)),
        "steps": WHY_STEPS,
    }, {"contributions": found.astype(np.float32)}


def outputs_of(walks: Sequence[Walk], x: Array) -> Array:
    """Return the outputs (n, K) for samples: the mean of the members'."""
    outputs: Array = np.mean([walk.forward(x)[-1] for walk in walks], axis=0)
    return outputs


def _slopes(walk: Walk, x: Array, dz: Array) -> tuple[Array, Array]:
    """Return the outputs for samples x, and ∂/∂x of Σ dz · outputs."""
    z = walk.forward(x, keep=True)[-1]
    return z, walk.backward(dz)[0]


def fool(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer a picture close to this one that the network reads as something else.

    As anything else, or as ``target``. Each step goes to the nearest border between two
    answers, as if it were straight, without leaving the grey levels that there are; the
    whole change is then made as short as it can be.

    Raises
    ------
    SlateError
        If it finds none, or the image is read as the target already.

    References
    ----------
    Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool", 2016, algorithm 2.
    """
    model = session.model
    image, walks = image_of(model, arrays), walks_through(model.network)
    first = walks[0].entry(image)
    start = int(outputs_of(walks, first)[0].argmax())
    target = None
    if request.get("target") is not None:
        target = class_of(model.classes, request, "target")
        if target == start:
            raise SlateError("slate.fool.same", label=model.classes[target])
    x, steps = _over_the_border(walks, first, start, target)
    changed = None if x is None else _shortened(walks, image, x - first, start, target)
    if changed is None:
        raise SlateError("slate.fool.failed", steps=FOOL_STEPS)
    both = np.concatenate([image, changed])
    probabilities = probabilities_of(outputs_of(walks, walks[0].entry(both)))
    difference = (changed.astype(np.float32) - image)[0] / 255
    return {
        "before": start,
        "after": int(probabilities[1].argmax()),
        "steps": steps,
        "size": float(np.sqrt(np.square(difference, dtype=np.float64).sum())),
        "pixels": int(np.count_nonzero(difference)),
    }, {
        "image": changed[0],
        "difference": difference,
        "probabilities": probabilities[1],
        "probabilities_before": probabilities[0],
    }


def _over_the_border(
    walks: Sequence[Walk], x: Array, start: int, target: int | None
) -> tuple[Array | None, int]:
    """Return a sample near x (1, …) with another answer, if one is found, and steps."""
    for step in range(FOOL_STEPS + 1):
        z, slopes = _jacobian(walks, x)
        if not (np.isfinite(z).all() and np.isfinite(slopes).all()):
            break
        if _is_reached(int(z.argmax()), start, target):
            return x, step
        way, gap = (
            _nearest(z, slopes, start) if target is None else _to(z, slopes, target)
        )
        length = float(np.linalg.norm(way))
        if not length:
            break  # nothing that is changed a little changes anything
        # Slopes hold close by: a long step is cut.
        gap = min(gap * (1 + OVERSHOOT) + 1e-4, LONGEST * length)
        x = x + _within(x.reshape(-1), way, gap).reshape(x.shape)
    return None, FOOL_STEPS


def _nearest(z: Array, slopes: Array, start: int) -> tuple[Array, float]:
    """Return the way to the nearest border of an answer, and how far z is from it."""
    gaps = z[start] - z
    ways = (slopes - slopes[start]).reshape(len(z), -1)
    lengths = np.linalg.norm(ways, axis=1)
    distances = np.full(len(z), np.inf)
    np.divide(gaps, lengths, out=distances, where=lengths > 0)
    distances[start] = np.inf
    k = int(distances.argmin())
    return ways[k], float(gaps[k])


def _to(z: Array, slopes: Array, target: int) -> tuple[Array, float]:
    """Return the way to a target from all other answers, and how far z is from it.

    They count as their probabilities: towards the first alone, two answers might lead
    by turns.
    """
    others = np.arange(len(z)) != target
    weights = softmax(z[np.newaxis, others])[0]
    away = np.tensordot(weights, slopes[others], 1)
    gap = float(np.logaddexp.reduce(z[others])) - float(z[target])
    return (slopes[target] - away).reshape(-1), gap


def _is_reached(answer: int, start: int, target: int | None) -> bool:
    return answer != start if target is None else answer == target


def _jacobian(walks: Sequence[Walk], x: Array) -> tuple[Array, Array]:
    """Return the outputs (K,) for a sample x (1, …), and ∂/∂x of each (K, …)."""
    k = walks[0].output_shape[0]
    copies, each = np.repeat(x, k, axis=0), np.eye(k, dtype=x.dtype)
    found = [_slopes(walk, copies, each) for walk in walks]
    z: Array = np.mean([outputs[0] for outputs, _ in found], axis=0)
    slopes: Array = np.mean([slopes for _, slopes in found], axis=0)
    return z, slopes


def _within(x: Array, way: Array, gap: float) -> Array:
    """Return the shortest r with way · r = gap and x + r in [0, 1], or the longest.

    Without the bounds it is in the direction of ``way``; with them, each number goes
    that way as far as it may.
    """

    def move(t: float) -> Array:
        moved: Array = np.clip(x + t * way, 0, 1) - x
        return moved

    low, high = 0.0, gap / float(way @ way)
    for _ in range(30):
        if float(way @ move(high)) >= gap:
            break
        low, high = high, 2 * high
    for _ in range(30):
        middle = (low + high) / 2
        if float(way @ move(middle)) >= gap:
            high = middle
        else:
            low = middle
    return move(high)


def _shortened(
    walks: Sequence[Walk],
    image: NDArray[np.uint8],
    change: Array,
    start: int,
    target: int | None,
) -> NDArray[np.uint8] | None:
    """Return the image (1, h, w) with as little of a change as it takes, in bytes.

    A little more than all of it is tried, too: bytes are rounded. None, if that is not
    enough.
    """
    scales = np.arange(1, 2 * SCALES + 1)[:, np.newaxis, np.newaxis] / SCALES
    moved = image + 255 * scales * change.reshape(image.shape)
    tried: NDArray[np.uint8] = np.rint(np.clip(moved, 0, 255)).astype(np.uint8)
    answers = outputs_of(walks, walks[0].entry(tried)).argmax(axis=1)
    for place, answer in enumerate(answers.tolist()):
        if _is_reached(answer, start, target):
            return tried[place : place + 1]
    return None


HANDLERS: dict[str, Handler] = {
    "backward": backward,
    "slope": slope,
    "check": check,
    "why": why,
    "fool": fool,
}
