"""What the network sees: a drawing through every layer, and any number looked at.

``draw`` is asked for 60 times a second. It prepares the drawing as the library does,
and sends it through the layers once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.asking import REJECT
from ardoise.engine.arrays import Array
from ardoise.engine.layers import Conv2D, Dense
from ardoise.engine.losses import softmax
from ardoise.engine.network import Network
from ardoise.engine.novelty import Pool, feature_places
from ardoise.engine.threads import blas_threads
from ardoise.files import Model
from ardoise.pictures import Report
from ardoise.slate.excerpts import code_of
from ardoise.slate.formulas import Node, formula, loss_formula, softmax_formula
from ardoise.slate.requests import (
    Answer,
    Arrays,
    Request,
    SlateError,
    class_of,
    whole_of,
)
from ardoise.slate.session import Handler, Session
from ardoise.slate.walk import Same, Walk, is_mean, walks_through

MOST_SIDE = 256  # of a drawing
STRONGEST = 5  # inputs of a number that are told


# -- the network -----------------------------------------------------------------------


class Eye:
    """A network to look through: a walk through each member, kept from call to call.

    Attributes
    ----------
    walks : list of Walk
        One, or one a member of a mean; layers are shown of the first.
    layers : list of dict
        Those that are shown, as JSON values.
    """

    def __init__(self, network: Network) -> None:
        self.walks = walks_through(network)
        self.is_mean = is_mean(network)
        self.layers = shown_layers(self.walks[0])
        self.lock = threading.Lock()

    def look(self, images: Array) -> tuple[list[list[Array]], Array]:
        """Return what all layers of each member give for images, and the outputs."""
        seen = [walk.forward(walk.entry(images)) for walk in self.walks]
        outputs: Array = np.mean([values[-1] for values in seen], axis=0)
        return seen, outputs

    def features(self) -> list[list[tuple[int, Pool]]]:
        """Return where each member shows what is strange to it."""
        return [
            feature_places([piece.layer for piece in walk.pieces])
            for walk in self.walks
        ]


_EYES: WeakKeyDictionary[Network, Eye] = WeakKeyDictionary()
_EYES_LOCK = threading.Lock()


@contextmanager
def eye_of(network: Network) -> Iterator[Eye]:
    """Yield what looks through a network, for one thread at a time.

    The network is copied when it is first looked through: one that draws does not
    change, it is replaced.
    """
    with _EYES_LOCK:
        eye = _EYES.get(network)
        if eye is None:
            eye = _EYES[network] = Eye(network)
    with eye.lock:
        yield eye


def shown_layers(walk: Walk) -> list[dict[str, Any]]:
    """Return the layers that are worth showing, as JSON values.

    Not those that change no number: `Flatten`, `Dropout`. Each has its place in the
    network (``layer``), which arrays such as ``layer0`` and requests name it by.
    """
    return [
        {
            "layer": i,
            "kind": piece.kind,
            "shape": list(piece.output_shape),
            "parameters": piece.n_params,
        }
        for i, piece in enumerate(walk.pieces)
        if not isinstance(piece, Same)
    ]


def words_of(eye: Eye) -> dict[str, Any]:
    """Return what answers say of the network that they are about."""
    words: dict[str, Any] = {"layers": eye.layers}
    if eye.is_mean:  # the layers are those of the first
        words["members"] = len(eye.walks)
    return words


# -- requests --------------------------------------------------------------------------


def pad_of(arrays: Arrays) -> NDArray[np.uint8]:
    """Return the drawing of a request: bytes (h, w), light ink on black.

    Raises
    ------
    SlateError
        If it has none, or one that is too large.
    """
    pad = arrays.get("pad")
    if pad is None or pad.dtype != np.uint8 or pad.ndim != 2:
        raise SlateError("slate.look.pad", most=MOST_SIDE)
    if not 0 < min(pad.shape) <= max(pad.shape) <= MOST_SIDE:
        raise SlateError("slate.look.pad", most=MOST_SIDE)
    return pad


def image_of(model: Model, arrays: Arrays) -> NDArray[np.uint8]:
    """Return the image of a request, as a model reads it: bytes (1, h, w).

    Raises
    ------
    SlateError
        If it has none of that size.
    """
    h, w = model.network.input_shape[:2]
    image = arrays.get("image")
    if image is None or image.dtype != np.uint8 or image.shape != (h, w):
        raise SlateError("slate.look.image", h=h, w=w)
    return image[np.newaxis]


def layer_of(request: Request, walk: Walk) -> int:
    """Return the place of the layer that a request names.

    Raises
    ------
    SlateError
        If there is no such layer.
    """
    return whole_of(request, "layer", 0, len(walk.pieces) - 1)


def index_of(request: Request, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the place in an array of this shape that a request names.

    Raises
    ------
    SlateError
        If there is no such place.
    """
    found = request.get("index")
    if not (
        isinstance(found, list)
        and len(found) == len(shape)
        and all(type(n) is int for n in found)
        and all(0 <= n < size for n, size in zip(found, shape, strict=True))
    ):
        raise SlateError("slate.look.index", shape=" × ".join(map(str, shape)))
    return tuple(found)


# -- handlers --------------------------------------------------------------------------


def draw(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer what the network makes of a drawing.

    An ``image`` beside it, of an example or of a network that was fooled, is shown to
    the network as it is: preparing it again would change it.
    """
    reader, pad = session.reader, pad_of(arrays)
    report: Report | None = None
    if "image" in arrays:
        image = image_of(reader.model, arrays)[0]
    else:
        with blas_threads(1):  # more would wait for each other beside a training
            image, report = reader.prepared(pad)
    is_empty = report.is_empty if report is not None else not image.any()
    changes = report.changes if report is not None else ()
    model = reader.model
    with eye_of(model.network) as eye:
        answer = {
            "empty": is_empty,
            "refused": False,
            "changes": [{"code": c.code, "values": c.values} for c in changes],
            **words_of(eye),
        }
        if is_empty:
            blank = np.zeros(model.network.output_shape, np.float32)
            return answer, {"image": image, "probabilities": blank}
        seen, outputs = eye.look(image[np.newaxis])
        answer["refused"] = _is_refused(model, eye, seen, outputs)
        return answer, {
            "image": image,
            "probabilities": probabilities_of(outputs)[0],
            **shown_arrays(eye, seen[0], "layer"),
        }


def shown_arrays(eye: Eye, values: list[Array], name: str) -> dict[str, Array]:
    """Return the numbers behind each layer that is shown, as ``layer0`` and so on.

    Parameters
    ----------
    eye : Eye
    values : list of arrays
        As `Walk.forward` or `Walk.backward` returns them, of one image.
    name : str
        What the arrays' names begin with.
    """
    return {
        f"{name}{shown['layer']}": values[shown["layer"] + 1][0].astype(np.float32)
        for shown in eye.layers
    }


def probabilities_of(outputs: Array) -> Array:
    """Return probabilities; of weights that have become infinite, NaN."""
    with np.errstate(all="ignore"):
        return softmax(outputs)


def _is_refused(
    model: Model, eye: Eye, seen: list[list[Array]], outputs: Array
) -> bool:
    """Tell whether the model does not know such an image."""
    if model.doubt is None:
        return False
    features = [
        [pool(values[n]) for n, pool in places]
        for places, values in zip(eye.features(), seen, strict=True)
    ]
    strangeness = model.doubt.of_features(features, outputs)
    return bool(strangeness[0] > model.doubt.limit(REJECT))


def example(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer one of the images that the network is measured on.

    Any one; of a ``label``, if there is one; or that of a ``row``.
    """
    images, labels = session.validation
    if "row" in request:
        row = whole_of(request, "row", 0, len(labels) - 1)
    else:
        rows = np.arange(len(labels))
        if "label" in request:
            rows = np.flatnonzero(labels == class_of(session.model.classes, request))
        if not len(rows):
            raise SlateError("slate.look.no_example")
        row = int(np.random.default_rng().choice(rows))
    image = as_bytes(images[row : row + 1])[0]
    return {"label": int(labels[row]), "row": row}, {"image": image}


def as_bytes(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return grey images (n, h, w, 1), bytes or numbers from 0 to 1, as (n, h, w)."""
    grey = images.reshape(images.shape[:3])
    if grey.dtype == np.uint8:
        return grey
    levels: NDArray[np.uint8] = np.rint(255 * grey).astype(np.uint8)
    return levels


def cell(session: Session, request: Request, arrays: Arrays) -> Answer:
    """Answer how one number comes about: its formula, its inputs, its lines of code.

    ``layer`` is a layer's place, or ``"softmax"``, or ``"loss"``; of the loss,
    ``index`` is the right class.
    """
    model, layer = session.model, request.get("layer")
    image = image_of(model, arrays)
    weights: dict[str, Array] = {}
    with eye_of(model.network) as eye:
        walk = eye.walks[0]
        values = walk.forward(walk.entry(image))
        answer = words_of(eye)
        if isinstance(layer, str) and layer in ENDS:
            kind, index = layer, index_of(request, walk.output_shape)
            tree, code = ENDS[kind](values[-1][0], index[0]), code_of(kind)
        else:
            place = layer_of(request, walk)
            piece = walk.pieces[place]
            kind, index = piece.kind, index_of(request, piece.output_shape)
            tree = formula(piece, values[place][0], index)
            code = code_of(kind, piece.layer)
            answer["inputs"] = _inputs(walk, place, tree)
            weights = _weights(walk, place, index)
    return answer | {
        "layer": layer,
        "kind": kind,
        "index": list(index),
        "value": tree["value"],
        "formula": tree,
        "code": code[0] if code else None,
        "deeper": code[1:],
    }, weights


ENDS = {"softmax": softmax_formula, "loss": loss_formula}


def _inputs(walk: Walk, place: int, tree: Node) -> list[dict[str, Any]]:
    """Return the strongest inputs of a weighted sum, and which layer gave them.

    Their ``index`` is that of the layer before that is shown, ``from`` (−1: the image).
    """
    if walk.pieces[place].kind not in ("Dense", "Conv2D"):
        return []
    before = place - 1
    while before >= 0 and isinstance(walk.pieces[before], Same):
        before -= 1
    shape = walk.pieces[before].output_shape if before >= 0 else walk.input_shape
    found: list[dict[str, Any]] = []
    for term in tree["of"]:
        if term["is"] == "product" and len(found) < STRONGEST:
            x, weight = term["of"]
            flat = np.ravel_multi_index(x["index"], walk.pieces[place].input_shape)
            index = [int(n) for n in np.unravel_index(flat, shape)]
            found.append(
                {
                    "from": before,
                    "index": index,
                    "input": x["value"],
                    "weight": weight["value"],
                    "product": term["value"],
                }
            )
    return found


def _weights(walk: Walk, place: int, index: tuple[int, ...]) -> dict[str, Array]:
    """Return the weights of a number as an image (h, w) or (h, w, c), if they are one.

    Those of a convolution are its kernel; those of a dense layer behind an image lie as
    the image does.
    """
    layer = walk.pieces[place].layer
    if isinstance(layer, Conv2D):
        image = layer.W[..., index[-1]]
    elif isinstance(layer, Dense):
        shape = walk.image_before(place)
        if shape is None:
            return {}
        image = layer.W[:, index[0]].reshape(shape)
    else:
        return {}
    if image.shape[2] == 1:
        image = image[..., 0]
    return {"weights": image.astype(np.float32)}


HANDLERS: dict[str, Handler] = {"draw": draw, "example": example, "cell": cell}
