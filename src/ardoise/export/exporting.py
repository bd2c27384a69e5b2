"""Writing a model for elsewhere, and proving that it gives the same answers there.

The files are written under temporary names, run on images, compared with what the
model itself says of them, and only then moved to their places.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ardoise import onnx
from ardoise.engine.arrays import Array, check_samples, computing
from ardoise.engine.inference import fold
from ardoise.engine.losses import sigmoid, softmax
from ardoise.engine.threads import blas_threads
from ardoise.export import with_numpy
from ardoise.export.c import write_c
from ardoise.export.errors import ExportError, NotProvedError
from ardoise.export.exported import Exported
from ardoise.export.javascript import write_js
from ardoise.export.page import write_html
from ardoise.export.plan import Plan, make_plan
from ardoise.export.proof import Case
from ardoise.export.python import write_numpy, write_stdlib
from ardoise.export.quantize import (
    Int8Plan,
    dequantized,
    lower,
    products,
    ranges,
    with_int8_weights,
)
from ardoise.export.running import (
    Run,
    run_c,
    run_node,
    run_numpy,
    run_onnxruntime,
    run_page,
    run_stdlib,
)
from ardoise.files.model import Model

AT_ONCE = 16  # images that go through a plan together


@dataclass(frozen=True)
class Job:
    """What is to be written.

    Attributes
    ----------
    model : Model
    plan : Plan
        With int8 weights, if they are wanted.
    name : str
        Of the file.
    calibration : array or None
        Images as the network reads them (float32), for the ranges of int8 arithmetic;
        None where it is not wanted.
    """

    model: Model
    plan: Plan
    name: str
    calibration: Array | None


@dataclass(frozen=True)
class Target:
    """Somewhere to export to.

    Attributes
    ----------
    write : callable
        Job → content of each file by its name.
    run : callable
        File and images → what it says of them. Raises NotProvedError if there is
        nothing to run it with, ExportError if it does not run.
    whole_numbers : bool
        Whether int8 means arithmetic in whole numbers, and not only small weights.
    """

    write: Callable[[Job], dict[str, bytes]]
    run: Callable[[Path, Array], Run]
    whole_numbers: bool = False


def _write_c(job: Job) -> dict[str, bytes]:
    if job.calibration is None:
        return write_c(job.plan, job.name)
    return write_c(job.plan, job.name, _whole_numbers(job.plan, job.calibration))


def _write_onnx(job: Job) -> dict[str, bytes]:
    network, int8 = job.model.network, None
    if job.calibration is not None:
        network = fold(network)  # the plan's layers, one by one
        int8 = products(_whole_numbers(job.plan, job.calibration))
    content = onnx.write(
        network.astype("float32"),  # onnxruntime has no convolutions in float64
        class_names=job.model.classes,
        loss=job.model.loss,
        int8=int8,
    )
    return {job.name: content}


def _whole_numbers(plan: Plan, calibration: Array) -> Int8Plan:
    return lower(plan, ranges(dequantized(plan), calibration))


TARGETS: dict[str, Target] = {
    "onnx": Target(_write_onnx, run_onnxruntime, whole_numbers=True),
    "py": Target(lambda job: write_numpy(job.plan, job.name), run_numpy),
    "py-stdlib": Target(lambda job: write_stdlib(job.plan, job.name), run_stdlib),
    "html": Target(
        lambda job: write_html(job.plan, job.name, job.model.details), run_page
    ),
    "c": Target(_write_c, run_c, whole_numbers=True),
    "js": Target(lambda job: write_js(job.plan, job.name), run_node),
}


def export(
    model: Model,
    path: str | Path,
    to: str,
    *,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    int8: bool = False,
    calibration: ArrayLike | None = None,
    max_loss: float = 0.005,
) -> Exported:
    """Write a model for elsewhere, if it gives the same answers there.

    Parameters
    ----------
    model : Model
    path : path
        The file; an older one is replaced whole or not at all. (The example beside a C
        header is written if there is none.)
    to : str
        A key of `TARGETS`.
    images : array of shape (n, *input_shape)
        Test images, bytes or floating-point numbers: the proof runs on all of them.
    labels : array of shape (n,), optional
        Their classes, by number.
    int8 : bool
        Whether weights (and in C and ONNX the arithmetic) are of 8 bits.
    calibration : array of shape (m, *input_shape), optional
        Training images that show which numbers go through the network. Needed for
        int8 in C and ONNX alone.
    max_loss : float
        The most accuracy that int8 may cost.

    Returns
    -------
    Exported
        Not ``proved`` if this machine has nothing to run it with.

    Raises
    ------
    ExportError
        If the model cannot be exported there, or the export does not do what the model
        does: of an image it says another class, a probability is off by more than 1e-5,
        or int8 costs more than ``max_loss``. Nothing is left behind.
    OSError
        If a file cannot be written.
    TypeError, ValueError
        If the images or the labels cannot be read.
    """
    if to not in TARGETS:
        raise ExportError("export.unknown", name=to, names=", ".join(TARGETS))
    target, path = TARGETS[to], Path(path)
    x = _images(model, images)
    t = None if labels is None else _labels(labels, len(x), len(model.classes))
    plan = make_plan(model)
    shown = quantized = None
    if int8:
        plan = with_int8_weights(plan)
        if not target.whole_numbers:
            quantized = _answers_of_plan(plan, x)
        elif calibration is None:
            raise ExportError("export.calibration")
        else:
            shown = _as_read(_images(model, calibration))
    case = Case(to, _answers(model, x), t, max_loss if int8 else None, quantized)
    content = target.write(Job(model, plan, path.name, shown))
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}.", ignore_cleanup_errors=True
    ) as folder:
        for name, data in content.items():
            _write(Path(folder, name), data)
        reason = proof = None
        try:
            proof = case.prove(target.run(Path(folder, path.name), x))
        except NotProvedError as error:
            reason = error
        paths = tuple(_move(Path(folder, name), path) for name in content)
    return Exported(
        paths=paths,
        size=len(content[path.name]),
        images=len(x),
        proved=proof is not None,
        reason=reason,
        **(asdict(proof) if proof else {}),
    )


def _images(model: Model, images: ArrayLike) -> Array:
    """Return images as bytes or float32, contiguous."""
    x = np.asarray(images)
    check_samples(x, model.network.input_shape)
    return np.ascontiguousarray(x, np.uint8 if x.dtype == np.uint8 else np.float32)


def _labels(labels: ArrayLike, n: int, n_classes: int) -> Array:
    t = np.asarray(labels)
    if t.shape != (n,) or t.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be {n} whole numbers, one an image; got {t.dtype} of shape "
            f"{t.shape}"
        )
    if t.min() < 0 or t.max() >= n_classes:
        raise ValueError(
            f"labels must lie from 0 to {n_classes - 1}; got {t.min()} to {t.max()}"
        )
    return t


def _as_read(images: Array) -> Array:
    """Return images as the network reads them."""
    x = images.astype(np.float32)
    return x / np.float32(255) if images.dtype == np.uint8 else x


def _answers(model: Model, images: Array) -> Array:
    """Return the model's probabilities.

    Raises
    ------
    ExportError
        If they are not finite.
    """
    with model.network.lock, blas_threads(1), computing():
        z = model.network.predict_logits(images)
        p = sigmoid(z) if model.loss.name.startswith("sigmoid") else softmax(z)
    if not np.isfinite(p).all():
        raise ExportError("export.not_finite")
    return p


def _answers_of_plan(plan: Plan, images: Array) -> Array:
    """Return what int8 weights say, in floating point."""
    plain, answers = dequantized(plan), []
    with blas_threads(1), computing():
        for start in range(0, len(images), AT_ONCE):
            x = _as_read(images[start : start + AT_ONCE])
            z = with_numpy.run(plain, x)[plan.result]
            answers.append(sigmoid(z) if plan.output == "sigmoid" else softmax(z))
    return np.concatenate(answers)


def _write(file: Path, content: bytes) -> None:
    with open(file, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _move(file: Path, path: Path) -> Path:
    """Put a file into its place; an example beside it that is there stays."""
    place = path.with_name(file.name)
    if place == path or not place.exists():
        os.replace(file, place)
    return place
