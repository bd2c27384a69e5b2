"""The readers of files from anywhere, and how each is fed bytes of all sorts."""

import gzip
import io
import math
import os
import tempfile
import time
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    DivergenceError,
    Dropout,
    EarlyStopping,
    Flatten,
    MaxPool2D,
    Network,
    ReLU,
    SnapshotError,
    fit,
)
from ardoise.digits import DataError, read_idx, read_picture
from ardoise.digits.idx import write_idx
from ardoise.engine import losses
from ardoise.engine.training import Callback
from ardoise.files import Model, ModelFileError, load_model, save_model
from ardoise.files.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from ardoise.messages import UserError
from ardoise.onnx import OnnxError
from ardoise.onnx import load as load_onnx
from ardoise.onnx import read as read_onnx
from ardoise.onnx import run as run_onnx
from ardoise.onnx.tensors import array_dtype
from ardoise.pictures import prepare, read
from tests.fuzz import onnx_messages, sealed
from tests.fuzz.damage import damaged

SECONDS = 1.0  # of the process, for one input
MEMORY = 64 << 20  # bytes beside the input's own
ONNX_MODELS = Path(__file__).parents[1] / "onnx" / "models"


class Reader(NamedTuple):
    """A reader, and what it is fed with.

    Attributes
    ----------
    read : callable
        Of bytes; returns, or raises ``error``.
    error : type
        The one that is documented.
    seeds : sequence of bytes
        Files in good order.
    altered : callable
        (generator, bytes) → bytes that get further in than mere damage does.
    seconds : float
        Of the process, at most, for one input.
    memory : int
        Bytes beside the input's own, at most.
    """

    read: Callable[[bytes], None]
    error: type[Exception]
    seeds: Sequence[bytes]
    altered: Callable[[np.random.Generator, bytes], bytes]
    seconds: float = SECONDS
    memory: int = MEMORY

    def feed(self, data: bytes) -> bool:
        """Read one input; return whether it was accepted."""
        try:
            self.read(data)
        except self.error:
            return False
        return True

    def case(self, rng: np.random.Generator, data: bytes) -> bytes:
        """Return an input made of another one."""
        return (damaged if rng.random() < 0.3 else self.altered)(rng, data)


class Limits:
    """Feeds a reader, and keeps watch over time and memory.

    Where tracemalloc is running, memory is what was allocated at a time; otherwise, by
    how much the process may have grown meanwhile, which is quicker to know.

    Attributes
    ----------
    count, accepted : int
    slowest : float
        Seconds of the process.
    largest : int
        Bytes, beside the input's own.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.count, self.accepted, self.slowest, self.largest = 0, 0, 0.0, 0

    def feed(self, data: bytes) -> None:
        """Read one input.

        Raises
        ------
        RuntimeError
            If that took too long, or too much memory.
        """
        measure = allocated if tracemalloc.is_tracing() else resident
        before, _ = measure(reset=True)
        begun = time.process_time()
        self.accepted += self.reader.feed(data)
        seconds = time.process_time() - begun
        room = measure()[1] - before - len(data)
        self.count += 1
        self.slowest = max(self.slowest, seconds)
        self.largest = max(self.largest, room)
        if seconds > self.reader.seconds or room > self.reader.memory:
            raise RuntimeError(f"{seconds:.2f} s, {room >> 20} MiB beside the input")

    def __str__(self) -> str:
        return (
            f"{self.count:,} inputs, {self.accepted:,} of them accepted; "
            f"the slowest took {self.slowest:.3f} s, "
            f"the largest {self.largest / 2**20:.1f} MiB beside its own size"
        )


def allocated(*, reset: bool = False) -> tuple[int, int]:
    """Return how many bytes are allocated, and how many were at most."""
    if reset:
        tracemalloc.reset_peak()
    return tracemalloc.get_traced_memory()


def resident(*, reset: bool = False) -> tuple[int, int]:
    """Return how many bytes the process holds, and how many it ever held (Linux)."""
    import resource

    pages = int(Path("/proc/self/statm").read_bytes().split()[1]) if reset else 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize(), most << 10


def at_a_path(load: Callable[[str], object]) -> Callable[[bytes], None]:
    """Return a reader of bytes that puts them into a file first."""
    handle, path = tempfile.mkstemp(prefix="fuzzed")
    os.close(handle)

    def read(data: bytes) -> None:
        with open(path, "wb") as file:
            file.write(data)
        load(path)

    return read


# -- model files ----------------------------------------------------------------------


def small_network() -> Network:
    layers = [
        *(Conv2D(2, 2), BatchNorm(), ReLU(), MaxPool2D(2), Flatten()),
        *(Dropout(0.2), Dense(3)),
    ]
    return Network(layers, (4, 4, 1), seed=0)


def use_model(path: str) -> None:
    """Read a model, and let it answer if it is a small one."""
    model = load_model(path)
    shape = model.network.input_shape
    if math.prod(shape) < 4096:
        with np.errstate(all="ignore"):
            model.network.predict_logits(np.zeros((1, *shape), "f4"))


def model_reader() -> Reader:
    loss = losses.get({"name": "softmax_cross_entropy", "label_smoothing": 0.1})
    details = {"recipe": "mlp", "naïve": ["é", 1, None, 0.1], "nested": {"a": {}}}
    dense = Network([Flatten(), Dense(2), Dense(2)], (2, 2, 1), dtype="float64", seed=0)
    models = [
        Model(small_network(), ("a", "b", "c"), loss, details),
        Model(dense, ("0", "1"), loss),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        seeds = []
        for model in models:
            save_model(path, model)
            seeds.append(path.read_bytes())
    return Reader(
        at_a_path(use_model),
        ModelFileError,
        seeds,
        lambda rng, data: sealed.altered(rng, data, "ardoise"),
    )


# -- checkpoints ----------------------------------------------------------------------

X = np.random.default_rng(0).random((12, 4, 4, 1), "f4")
Y = np.arange(12) % 3
SETTINGS = {"epochs": 2, "batch_size": 4, "seed": 1, "threads": 1}


class Snapshots(Callback):
    def on_batch_end(self, training):
        if training.step == 4:
            self.snapshot = training.snapshot()
            training.stop("interrupted")


def go_on(path: str) -> None:
    """Read a checkpoint and, if it is one of our small training, go on from it."""
    checkpoint = load_checkpoint(path)
    network = small_network()
    if checkpoint.network != network.config():
        return
    stopping = EarlyStopping(monitor="loss")
    try:
        fit(
            network,
            X,
            Y,
            **SETTINGS,
            callbacks=[stopping],
            weight_average=0.9,
            snapshot=checkpoint.snapshot,
        )
    except SnapshotError as error:
        raise CheckpointError("checkpoint.damaged", path=path) from error
    except DivergenceError:
        pass


def checkpoint_reader() -> Reader:
    taken = Snapshots()
    network = small_network()
    stopping = EarlyStopping(monitor="loss")
    fit(network, X, Y, **SETTINGS, callbacks=[stopping, taken], weight_average=0.9)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "point"
        plan = {"recipe": "cnn", "seed": 0}
        save_checkpoint(path, Checkpoint(taken.snapshot, network.config(), plan))
        seeds = [path.read_bytes()]
    return Reader(
        at_a_path(go_on),
        CheckpointError,
        seeds,
        lambda rng, data: sealed.altered(rng, data, "ardoise_checkpoint"),
    )


# -- ONNX -----------------------------------------------------------------------------


def use_onnx(data: bytes) -> None:
    """Read a model as a network and as a graph, and compute both if they are small."""
    model = load_onnx(data)
    try:
        network = read_onnx(data).network
    except OnnxError:
        pass
    else:
        if np.prod(network.input_shape, dtype=object) < 4096:
            with np.errstate(all="ignore"):
                network.predict_logits(np.zeros((1, *network.input_shape), "f4"))
    run_onnx(model, dict(map(onnx_input, model.inputs)), most_numbers=1 << 16)


def onnx_input(entry):
    """Return the name of an input, and an array for it: ones, if that is possible."""
    shape = [n if isinstance(n, int) else 1 for n in entry.shape or ()]
    if entry.code not in (None, 8) and np.prod(shape, dtype=object) < 4096:
        try:
            return entry.name, np.ones(shape, array_dtype(entry.code))
        except (KeyError, ValueError):  # of an unknown type, or of too many axes
            pass
    return entry.name, np.ones(1, np.float32)


def onnx_reader() -> Reader:
    seeds = [path.read_bytes() for path in sorted(ONNX_MODELS.glob("*.onnx"))]
    names = onnx_messages.names_in(seeds)
    return Reader(
        use_onnx,
        OnnxError,
        seeds,
        lambda rng, data: onnx_messages.altered(rng, data, names),
    )


# -- IDX ------------------------------------------------------------------------------


def altered_idx(rng: np.random.Generator, data: bytes) -> bytes:
    """Return an IDX file with another header, packed or not, cut or not."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(1 << 16)
        except (OSError, EOFError, zlib.error):
            return damaged(rng, data)
    head = bytearray(data[:20].ljust(20, b"\0"))
    dimensions = int(rng.choice([0, 1, 1, 2, 3, 4, 33, 255]))
    head[2] = int(rng.choice([0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x0A, 0xFF]))
    head[3] = dimensions
    sizes = rng.choice([0, 1, 2, 3, 4, 28, 255, 65536, 2**31, 2**32 - 1], 40)
    body = data[20:]
    shape = sizes[:dimensions].astype(">u4").tobytes()
    data = bytes(head[:4]) + shape + body[: int(rng.integers(len(body) + 1))]
    if rng.random() < 0.5:
        data = gzip.compress(data, 1, mtime=0)
        if rng.random() < 0.5:
            data = damaged(rng, data)
    return data


def idx_reader() -> Reader:
    arrays = [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.linspace(0, 1, 6).reshape(3, 2),
        np.zeros(300_000, np.uint8),  # packed, it is small
    ]
    with tempfile.TemporaryDirectory() as folder:
        seeds = []
        for i, array in enumerate(arrays):
            path = Path(folder) / f"array{'.gz' * (i != 1)}"
            write_idx(path, array)
            seeds.append(path.read_bytes())
    return Reader(
        lambda data: read_idx(io.BytesIO(data)), DataError, seeds, altered_idx
    )


# -- pictures -------------------------------------------------------------------------


def read_digits(path: str) -> None:
    """Read the digits on a picture, and the one digit that it may be."""
    picture = read_picture(path)
    prepare(picture)
    read(picture, lambda images: np.full((len(images), 10), 0.1))


def altered_png(rng: np.random.Generator, data: bytes) -> bytes:
    """Return a PNG file with one chunk damaged and its checksum right; or damage."""
    if not data.startswith(b"\x89PNG"):
        return damaged(rng, data)
    chunks, place = [], 8
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    if not chunks:
        return damaged(rng, data)
    i = int(rng.integers(len(chunks)))
    kind, content = chunks[i]
    if kind == b"IDAT" and rng.random() < 0.7:
        try:
            # A small stream may hold a great many bytes.
            rows = zlib.decompressobj().decompress(content, 1 << 20)
        except zlib.error:
            return damaged(rng, data)
        content = zlib.compress(damaged(rng, rows))
    elif content:
        at = int(rng.integers(len(content)))
        changed = bytearray(content)
        changed[at] = int(rng.integers(256))
        content = bytes(changed)
    chunks[i] = (kind, content)
    return data[:8] + b"".join(
        len(content).to_bytes(4, "big")
        + kind
        + content
        + zlib.crc32(kind + content).to_bytes(4, "big")
        for kind, content in chunks
    )


def picture_reader() -> Reader:
    rng = np.random.default_rng(0)
    grey = np.zeros((28, 40), np.uint8)
    grey[6:22, 8:11] = grey[6:9, 20:30] = grey[6:22, 26:29] = 255  # a 1 and a 7
    image = Image.fromarray(grey)
    noisy = Image.fromarray(rng.integers(0, 256, (20, 30, 3)).astype(np.uint8))
    deep = Image.fromarray(grey.astype(np.int32) * 257)
    frames = [image.rotate(10 * i) for i in range(3)]
    files: list[tuple[Image.Image, str, dict[str, Any]]] = [
        (image, "PNG", {}),
        (image.convert("P"), "PNG", {"transparency": 0}),
        (noisy.convert("RGBA"), "PNG", {}),
        (deep.convert("I;16"), "PNG", {}),
        (image.convert("1"), "PNG", {}),
        (noisy, "JPEG", {"quality": 60}),
        (noisy.convert("CMYK"), "JPEG", {}),
        (image, "GIF", {"save_all": True, "append_images": frames}),
        (noisy, "BMP", {}),
        (image, "TIFF", {"compression": "tiff_lzw"}),
        (deep, "TIFF", {}),
        (noisy, "WEBP", {}),
        (image, "PPM", {}),
    ]
    seeds = []
    for picture, kind, options in files:
        out = io.BytesIO()
        picture.save(out, kind, **options)
        seeds.append(out.getvalue())
    return Reader(
        at_a_path(read_digits),
        UserError,
        seeds,
        altered_png,
        # A header may promise 67 million pixels, and the decoder makes room for them.
        seconds=10.0,
        memory=800 << 20,
    )


READERS: dict[str, Callable[[], Reader]] = {
    "model": model_reader,
    "checkpoint": checkpoint_reader,
    "onnx": onnx_reader,
    "idx": idx_reader,
    "picture": picture_reader,
}
