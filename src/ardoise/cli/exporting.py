"""``ardoise export``: a model as a file for elsewhere, proved on unseen images."""

import errno
from pathlib import Path

import numpy as np

from ardoise.cli.held import data_of
from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model
from ardoise.digits import Dataset
from ardoise.digits.held import SealedError, held_out, parts_of, suited
from ardoise.export import TARGETS, export
from ardoise.files import Model, load_model
from ardoise.messages import OptionError, UserError

# How many images an export is proved on, and how many show the ranges for int8.
PROOF, CALIBRATION = 1000, 200
SUFFIXES = {
    "onnx": ".onnx",
    "py": ".py",
    "py-stdlib": ".py",
    "html": ".html",
    "c": ".h",
    "js": ".mjs",
}
NOT_PROVED = 3  # the exit code


def run_export(
    model_path: Path | None,
    to: str,
    output: Path | None,
    *,
    int8: bool,
    max_loss: float,
    source: str | None,
    terminal: Terminal,
) -> int:
    """Write an export, run it, and say what came of it.

    Returns
    -------
    int
        0 if it is proved, 3 if there is nothing here to prove it with.

    Raises
    ------
    UserError
        If there is no such target, or the export does not do what the model does.
    """
    if to not in TARGETS:
        raise OptionError("export.unknown", name=to, names=", ".join(TARGETS))
    if not 0 <= max_loss <= 1:
        raise OptionError("option.max_loss", value=max_loss)
    file = find_model(model_path, terminal)
    model = load_model(file)
    proof, calibration = parts_for(images_for(model, file, source, terminal))
    path = output or file.with_suffix(SUFFIXES.get(to, ""))
    if path.suffix == "" or path.is_dir():
        raise UserError("export.output", path=path)
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", str(path.parent))
    done = export(
        model,
        path,
        to,
        images=proof.images,
        labels=proof.labels,
        int8=int8,
        calibration=calibration.images,
        max_loss=max_loss,
    )
    terminal.out.print(done.words(terminal.lang))
    return 0 if done.proved else NOT_PROVED


def images_for(
    model: Model, file: Path, source: str | None, terminal: Terminal
) -> Dataset:
    """Return images to prove an export on: those that the model is checked on.

    Where none were kept, those that it learned from: that both give the same answers
    shows on any images, and the test images stay sealed.
    """
    data = data_of(model, source, terminal)
    try:
        return held_out(model, file, data, None).images(model)
    except SealedError:
        split = str(model.details["split"])
        return suited(data.subset(parts_of(model, file, data, split).train), model)


def parts_for(data: Dataset) -> tuple[Dataset, Dataset]:
    """Return the images that prove an export, and those that show its ranges for int8.

    They are others, if there are enough.
    """
    order = np.random.default_rng(0).permutation(len(data))
    proof, calibration = order[:PROOF], order[PROOF:][:CALIBRATION]
    if not len(calibration):
        calibration = proof
    return data.subset(proof), data.subset(calibration)
