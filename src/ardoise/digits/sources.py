"""One function for all data: MNIST, what is fetched, CSV, npz, IDX files, a folder.

`load_data` tells the kind from the name and hands the arrays to `make_dataset`, which
checks what they hold.
"""

import math
import os
import zipfile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError, Dataset, make_dataset
from ardoise.digits.idx import read_idx
from ardoise.digits.images import read_image
from ardoise.digits.mnist import load_mnist
from ardoise.digits.reading import (
    MAX_BYTES,
    decoder_errors,
    file_errors,
    open_bytes,
    read_up_to,
)
from ardoise.digits.remote.data import load_remote
from ardoise.digits.remote.table import SOURCES, Progress
from ardoise.digits.tables import read_csv

PathLike: TypeAlias = str | os.PathLike[str]

_CSV_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

_IMAGE_KEYS = ("x", "images", "data")
_LABEL_KEYS = ("y", "labels", "label", "target", "targets")

# What a system leaves in folders of pictures without being asked.
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}


def load_data(
    source: PathLike | tuple[PathLike, PathLike],
    *,
    label_column: str | int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Load a labelled data set, whatever it is stored in.

    Parameters
    ----------
    source : path or pair of paths
        One of

        - ``"mnist"``: the 70,000 digits of the package (for a file or folder of that
          name, write ``"./mnist"``);
        - ``"fashion"`` or ``"letters"``: see `load_fashion` and `load_letters`;
        - a ``.csv`` or ``.tsv`` file, also with ``.gz``: one row per image, the label
          in one column, a pixel in each of the others; see `read_csv` for headers and
          separators;
        - an ``.npz`` file with the images under ``X``, ``x``, ``images`` or ``data``
          and the labels under ``y``, ``labels``, ``label``, ``target`` or
          ``targets``; or with ``x_train``, ``y_train``, ``x_test`` and ``y_test``,
          which are joined in this order (capitals make no difference);
        - two IDX files, images and labels, as a pair or as one string with a comma
          between them;
        - a folder with one sub-folder per class, which it is named after, of images
          that all have one size. They become grey, and are not inverted.
    label_column : str, int or None
        For CSV: the label column's name, or its position (0 is the first, -1 the
        last). Without it, the column that the header calls label, labels, class,
        target or y; the first column if there is no header.
    progress : callable, optional
        While something is downloaded: called with a file's name, the bytes that have
        come, and the bytes that it has.

    Returns
    -------
    Dataset
        Checked by `make_dataset`, and named after the source.

    Raises
    ------
    DataError
        If the source does not exist, cannot be read, is damaged, or does not hold
        what `make_dataset` accepts.
    """
    try:
        return _load(source, label_column, progress)
    except MemoryError as error:
        raise DataError("data.memory", path=_shown(source)) from error


def _load(
    source: PathLike | tuple[PathLike, PathLike],
    label_column: str | int | None,
    progress: Progress | None,
) -> Dataset:
    files = _files(source)
    path = Path(files[0])
    name = path.name.lower()
    is_csv = name.endswith(_CSV_ENDINGS)
    if label_column is not None and not is_csv:
        raise DataError("data.label_column", path=_shown(source))
    if len(files) == 2:
        return _load_idx(*files)
    if files[0].lower() == "mnist":
        return load_mnist()
    if files[0].lower() in SOURCES:
        return load_remote(files[0].lower(), progress)
    with file_errors(files[0]):
        if path.is_dir():
            return _load_folder(path)
        if not path.exists():
            raise DataError("data.missing", path=files[0])
    if is_csv:
        pixels, labels = read_csv(path, label_column)
        return make_dataset(pixels, labels, path.name.split(".")[0])
    if name.endswith(".npz"):
        return _load_npz(path)
    raise DataError("data.kind", path=files[0])


def _files(source: PathLike | tuple[PathLike, PathLike]) -> list[str]:
    """Return the one or two paths that ``source`` stands for."""
    if isinstance(source, (tuple, list)):
        if len(source) != 2:
            raise DataError("data.pair", got=len(source))
        return [os.fspath(path) for path in source]
    path = os.fspath(source)
    pair = [part.strip() for part in path.split(",")]
    return pair if len(pair) == 2 and not os.path.exists(path) else [path]


def _shown(source: PathLike | tuple[PathLike, PathLike]) -> str:
    return ", ".join(_files(source))


def _load_idx(images: str, labels: str) -> Dataset:
    first, second = read_idx(images), read_idx(labels)
    if first.ndim == 1 < second.ndim:  # given the other way round
        first, second = second, first
    return make_dataset(first, second, Path(images).name.split(".")[0])


def _load_npz(path: Path) -> Dataset:
    name = str(path)
    with (
        open_bytes(path, unpack=False) as file,
        decoder_errors("npz.damaged", name),
        zipfile.ZipFile(file) as archive,
    ):
        members = {
            member.filename.removesuffix(".npy").lower(): member
            for member in archive.infolist()
        }
        pairs = _npz_pairs(members, name)
        wanted = [members[key] for pair in pairs for key in pair]
        if sum(member.file_size for member in wanted) > MAX_BYTES:
            raise DataError("data.too_large", path=name, limit=MAX_BYTES)
        arrays = [read_npy(archive, member, name) for member in wanted]
        return make_dataset(*_joined(arrays, name), path.stem)


def _joined(arrays: list[NDArray[Any]], path: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Join images, labels, images, labels, … into one array of each."""
    images, labels = arrays[::2], arrays[1::2]
    if len(images) == 1:
        return images[0], labels[0]
    with decoder_errors("npz.parts", path):
        for pictures, targets in zip(images, labels, strict=True):
            if len(pictures) != len(targets):
                raise DataError(
                    "data.lengths", images=len(pictures), labels=len(targets)
                )
        return np.concatenate(images), np.concatenate(labels)


def _npz_pairs(members: dict[str, zipfile.ZipInfo], path: str) -> list[tuple[str, str]]:
    """Return the names of the arrays to read: images and labels, in pairs."""
    parts = [("x_train", "y_train"), ("x_test", "y_test")]
    if all(key in members for pair in parts for key in pair):
        return parts
    images = next((key for key in _IMAGE_KEYS if key in members), None)
    labels = next((key for key in _LABEL_KEYS if key in members), None)
    if images is None or labels is None:
        raise DataError(
            "npz.arrays",
            path=path,
            got=", ".join(members) or "–",
            images=", ".join(_IMAGE_KEYS),
            labels=", ".join(_LABEL_KEYS),
        )
    return [(images, labels)]


def read_npy(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str
) -> NDArray[Any]:
    """Read one array of an npz file, in memory that its bytes have paid for.

    ``numpy.load`` would allocate what the header says before it reads.

    Raises
    ------
    DataError
        If it is damaged, or holds Python objects.
    """
    # The two methods NumPy writes. zipfile unpacks the others without any bound.
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError("npz.damaged", path=path)
    with archive.open(member) as file:
        # Version 1.0 is what plain arrays are written in; later ones are for
        # structured types.
        if np.lib.format.read_magic(file) != (1, 0):
            raise DataError("npz.damaged", path=path)
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject:
            raise DataError("npz.objects", path=path, name=member.filename)
        size = math.prod(shape) * dtype.itemsize
        data = read_up_to(file, size)
        if len(data) != size or file.read(1):
            raise DataError("npz.damaged", path=path)
    values = np.frombuffer(data, dtype=dtype)
    return values.reshape(shape[::-1]).T if fortran_order else values.reshape(shape)


def _load_folder(folder: Path) -> Dataset:
    """Read sub-folders of images, each named after its class."""
    with file_errors(str(folder)):
        classes = [entry for entry in _visible(folder) if entry.is_dir()]
        files = [(file, sub.name) for sub in classes for file in _visible(sub)]
    if not classes:
        raise DataError("folder.no_classes", path=str(folder))
    filled = {name for _, name in files}
    for sub in classes:
        if sub.name not in filled:
            raise DataError("folder.empty_class", path=str(sub))
    shape = read_image(files[0][0]).shape
    if len(files) * math.prod(shape) > MAX_BYTES:
        raise DataError("data.too_large", path=str(folder), limit=MAX_BYTES)
    images = np.empty((len(files), *shape), dtype=np.uint8)
    for index, (file, _) in enumerate(files):
        image = read_image(file)
        if image.shape != shape:
            raise DataError(
                "folder.sizes",
                path=str(file),
                got=_size(image.shape),
                expected=_size(shape),
            )
        images[index] = image
    labels = np.array([name for _, name in files])
    return make_dataset(images, labels, folder.resolve().name)


def _visible(folder: Path) -> list[Path]:
    """Return what a folder holds, in order, without hidden files and litter."""
    return sorted(
        entry
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.name.lower() not in _LITTER
    )


def _size(shape: tuple[int, ...]) -> str:
    """Return "width × height"."""
    return f"{shape[1]} × {shape[0]}"
