"""Inside a network: weights as images, how they have moved, maps of what layers tell.

And what becomes of the answers when some units are switched off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.scores import wilson_interval
from ardoise.engine.arrays import Array
from ardoise.engine.layers import Conv2D, Dense
from ardoise.engine.network import Network
from ardoise.engine.threads import blas_threads
from ardoise.slate.looking import as_bytes, eye_of, layer_of, words_of
from ardoise.slate.requests import Answer, Arrays, Request, SlateError
from ardoise.slate.session import Handler, Session
from ardoise.slate.walk import Walk

BINS = 40  # of a histogram
MOST_IMAGES = 1024  # of weights
MOST_POINTS = 1000  # of a map, and images that are read with units switched off


# -- weights ---------------------------------------------------------------------------


def inside(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer a layer's weights as images, and how they have moved since the start.

    For each array, such as ``W``, ``bins_W`` are the edges of a histogram, ``now_W``
    and ``start_W`` its counts. ``start`` says where those come from: ``"moments"``, if
    that training began here, else ``"drawn"``: such weights as a training begins with.
    """
    model = session.model
    with eye_of(model.network) as eye:
        walk = eye.walks[0]
        place = layer_of(request, walk)
        piece = walk.pieces[place]
        now = {name: array.copy() for name, array in piece.arrays().items()}
        images = _weight_images(walk, place)
        answer = {"layer": place, "kind": piece.kind, **words_of(eye)}
    start, origin = _start_of(session, walk, place, now)
    names = [name for name in now if "running_" not in name]
    found: dict[str, Array] = {}
    if images is not None:
        found["weights"] = images[:MOST_IMAGES]
        answer["images"] = len(images)
        answer["channels"] = _channels(walk, place)
    for name in names:
        edges = _edges(now[name], start[name])
        found[f"bins_{name}"] = edges.astype(np.float32)
        for when, values in (("now", now[name]), ("start", start[name])):
            counts, _ = np.histogram(values, edges)
            found[f"{when}_{name}"] = counts.astype(np.int32)
    return {**answer, "arrays_of": names, "start": origin}, found


def _weight_images(walk: Walk, place: int) -> Array | None:
    """Return weights as images (n, h, w), the channels of a unit one after another.

    Those of a dense layer behind an image lie as the image does; those of another are
    one image, n_in × n_out.
    """
    layer = walk.pieces[place].layer
    if isinstance(layer, Conv2D):
        kh, kw = layer.kernel_size
        return layer.W.transpose(3, 2, 0, 1).reshape(-1, kh, kw).astype(np.float32)
    if not isinstance(layer, Dense):
        return None
    shape = walk.image_before(place)
    if shape is None:
        return layer.W[np.newaxis].astype(np.float32)
    units = layer.W.T.reshape(-1, *shape).transpose(0, 3, 1, 2)
    return units.reshape(-1, *shape[:2]).astype(np.float32)


def _channels(walk: Walk, place: int) -> int:
    """Return how many of these images each unit has."""
    layer = walk.pieces[place].layer
    if isinstance(layer, Conv2D):
        return int(layer.W.shape[2])
    shape = walk.image_before(place)
    return 1 if shape is None else shape[2]


def _start_of(
    session: Session, walk: Walk, place: int, now: dict[str, Array]
) -> tuple[dict[str, Array], str]:
    """Return a layer's arrays as a training began with them, and where from."""
    moments = session.moments
    if len(moments) > 1:
        first = moments.network(moments.steps[0]).arrays()
        arrays = {name: first.get(f"{place}.{name}") for name in now}
        found = {name: a for name, a in arrays.items() if a is not None}
        if all(name in found and found[name].shape == now[name].shape for name in now):
            return found, "moments"
    config = {"input_shape": list(walk.input_shape), "dtype": walk.dtype.name}
    drawn = Network.from_config({**config, "layers": walk.layers}, seed=0).arrays()
    return {name: drawn[f"{place}.{name}"] for name in now}, "drawn"


def _edges(now: Array, start: Array) -> Array:
    """Return the edges of bins that hold both, with 0 in the middle."""
    both = np.concatenate([now.reshape(-1), start.reshape(-1)]).astype(np.float64)
    most = float(np.abs(both[np.isfinite(both)]).max(initial=0.0)) or 1.0
    edges: Array = np.linspace(-most, most, BINS + 1)
    return edges


# -- a map of many images --------------------------------------------------------------


def seen_images(session: Session) -> tuple[NDArray[np.uint8], Array, Array]:
    """Return some of the images that the model is measured on, classes, and rows."""
    images, labels = session.validation
    rows = np.linspace(0, len(labels) - 1, min(MOST_POINTS, len(labels)))
    chosen = rows.astype(np.int64)
    return as_bytes(images[chosen]), labels[chosen], chosen


def map_(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer where 1,000 images lie, as a layer sees them, in two dimensions.

    The two along which they spread most (principal components). Without ``layer``, the
    images themselves. ``shares`` are how much of the spread the two hold.

    References
    ----------
    Pearson, "On lines and planes of closest fit to systems of points in space", 1901.
    """
    images, labels, rows = seen_images(session)
    model = session.model
    walk, words = _first_walk(model.network)
    place = None if request.get("layer") is None else layer_of(request, walk)
    end = 0 if place is None else place + 1
    seen = walk.through_all(images, end)
    with blas_threads(1):  # more would wait for each other beside a training
        points, shares = principal(seen.reshape(len(seen), -1))
    return {"layer": place, "shares": shares.tolist(), **words}, {
        "points": points.astype(np.float32),
        "labels": labels.astype(np.int32),
        "rows": rows.astype(np.int32),
    }


def principal(x: Array) -> tuple[Array, Array]:
    """Return two principal components of rows: points (n, 2), and their shares (2,).

    Parameters
    ----------
    x : array of shape (n, d)

    Raises
    ------
    SlateError
        If they are no finite numbers.
    """
    wide = x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)
    if not np.isfinite(wide).all():
        raise SlateError("slate.inside.not_finite")
    n, d = wide.shape
    if d > n:  # of x xᵀ, which is smaller: the same U, and squares of the same values
        u, squares, _ = np.linalg.svd(wide @ wide.T)
        values = np.sqrt(squares)
    else:
        u, values, _ = np.linalg.svd(wide, full_matrices=False)
    points = np.zeros((n, 2))
    shares = np.zeros(2)
    k = min(2, len(values))
    points[:, :k] = u[:, :k] * values[:k]
    total = float(np.square(values).sum())
    if total:
        shares[:k] = np.square(values[:k]) / total
    # The sign of a component means nothing: one rule, so that a map does not flip.
    farthest = np.abs(points).argmax(axis=0)
    points *= np.where(points[farthest, [0, 1]] < 0, -1.0, 1.0)
    return points, shares


# -- without some units ----------------------------------------------------------------


def silence(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how many of 1,000 images are read rightly with some units switched off.

    ``units`` are numbers of a layer's outputs, or of its maps: they give 0.
    """
    images, labels, _ = seen_images(session)
    model = session.model
    walk, words = _first_walk(model.network)
    place = layer_of(request, walk)
    units = request.get("units")
    n_units = walk.pieces[place].output_shape[-1]
    if not isinstance(units, list) or not all(
        type(unit) is int and 0 <= unit < n_units for unit in units
    ):
        raise SlateError("slate.inside.units", most=n_units - 1)
    k = len(model.classes)
    totals = np.bincount(labels, minlength=k)
    found: dict[str, Array] = {"totals": totals.astype(np.int32)}
    answer: dict[str, Any] = {"layer": place, "units": units, "n": len(labels), **words}
    for when, silent in (("before", {}), ("after", {place: units})):
        z = walk.through_all(images, silent=silent)
        right = labels[z.argmax(axis=1) == labels]
        found[when] = np.bincount(right, minlength=k).astype(np.int32)
        low, high = wilson_interval(len(right), len(labels))
        accuracy = len(right) / len(labels)
        answer[when] = {"accuracy": accuracy, "low": low, "high": high}
    return answer, found


def _first_walk(network: Network) -> tuple[Walk, dict[str, Any]]:
    """Return a walk of its own through the layers that are shown, and what to say.

    It takes long: drawings do not wait for it.
    """
    with eye_of(network) as eye:
        return eye.walks[0].astype(network.dtype.name), words_of(eye)


HANDLERS: dict[str, Handler] = {"inside": inside, "map": map_, "silence": silence}
