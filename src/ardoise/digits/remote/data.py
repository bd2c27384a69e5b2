"""Fashion-MNIST and EMNIST's letters, from the cache, which is filled at first need.

Sources: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for
benchmarking machine learning algorithms", arXiv:1708.07747; G. Cohen, S. Afshar,
J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters",
arXiv:1702.05373.
"""

import hashlib
import json
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError, Dataset
from ardoise.digits.idx import read_idx
from ardoise.digits.reading import MAX_BYTES, decoder_errors, open_bytes, read_up_to
from ardoise.digits.remote.cache import (
    alone_in,
    cache_errors,
    cache_folder,
    is_whole,
    missing,
)
from ardoise.digits.remote.table import SOURCES, Progress, RemoteData, RemoteFile
from ardoise.files.atomic import write_atomically

SIDE = 28
"""Pixels along each side of an image."""

MANIFEST = "manifest.json"
"""The size and SHA-256 of each file that came out of an archive."""


def load_fashion(progress: Progress | None = None) -> Dataset:
    """Return Fashion-MNIST: 60,000 articles to train on, then 10,000 to test on.

    Its four files are downloaded at the first call (31 MB) and kept in the cache; see
    `ardoise.digits.cache_folder`. Licence: MIT, Zalando SE.

    Parameters
    ----------
    progress : callable, optional
        While something is downloaded: called with a file's name, the bytes that have
        come, and the bytes that it has.

    Returns
    -------
    Dataset
        ``images`` (70000, 28, 28, 1) uint8, light on black; ``classes`` "T-shirt/top",
        "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot".

    Raises
    ------
    DataError
        If it is not there and cannot be fetched, or the cache cannot be written to.
    """
    return load_remote("fashion", progress)


def load_letters(progress: Progress | None = None) -> Dataset:
    """Return EMNIST's letters: 124,800 to train on, then 20,800 to test on.

    A class holds a letter's capital and small forms; the images stand upright. At the
    first call, NIST's archive of all of EMNIST is downloaded (562 MB); the files that
    hold the letters are kept in the cache.

    Parameters
    ----------
    progress : callable, optional
        As for `load_fashion`.

    Returns
    -------
    Dataset
        ``images`` (145600, 28, 28, 1) uint8, white on black; ``classes`` "a" to "z".

    Raises
    ------
    DataError
        As for `load_fashion`.
    """
    return load_remote("letters", progress)


def load_remote(name: str, progress: Progress | None = None) -> Dataset:
    """Return the data set of that name in the table of sources; see `load_fashion`."""
    data = SOURCES[name]
    folder = fetch(data, progress or (lambda *_: None))
    n = data.n_train + data.n_test
    images = np.empty((n, SIDE, SIDE, 1), dtype=np.uint8)
    labels = np.empty(n, dtype=np.int64)
    train, test = slice(0, data.n_train), slice(data.n_train, n)
    for part, files in ((train, data.parts[:2]), (test, data.parts[2:])):
        count = part.stop - part.start
        pixels = _read(folder / files[0], (count, SIDE, SIDE), 0, 255)
        images[part, ..., 0] = pixels.swapaxes(1, 2) if data.transposed else pixels
        last = data.first_label + len(data.classes) - 1
        labels[part] = _read(folder / files[1], (count,), data.first_label, last)
    labels -= data.first_label
    return Dataset(images, labels, data.classes, data.title, n_train=data.n_train)


def _read(path: Path, shape: tuple[int, ...], low: int, high: int) -> NDArray[Any]:
    """Read an IDX file of which the shape and the range of values are known."""
    values = read_idx(path)
    fits = values.dtype == np.uint8 and values.shape == shape
    if not fits or values.min() < low or values.max() > high:
        raise DataError("download.content", path=path)
    return values


def fetch(data: RemoteData, progress: Progress) -> Path:
    """Return the folder that holds a data set's parts, fetched if they are not there.

    Processes that want it at once wait for the first of them.

    Raises
    ------
    DataError
        If they cannot be fetched, or not be written there.
    """
    folder = cache_folder() / data.name
    if _is_there(data, folder):
        return folder
    with cache_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)

    def waiting() -> None:
        file = data.files[0]
        progress(file.name, 0, file.size)

    with alone_in(folder, waiting) as is_alone:
        if _is_there(data, folder):
            return folder
        wanted = missing(data.files, folder)
        if wanted:
            _download(data, wanted, folder, progress, private=not is_alone)
        if data.in_archive:
            _unpack(data, folder)
            if wanted:  # one that somebody put there stays
                with cache_errors(folder):
                    (folder / data.files[0].name).unlink()
    return folder


def _is_there(data: RemoteData, folder: Path) -> bool:
    if not data.in_archive:
        return not missing(data.files, folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["archive"] != data.files[0].sha256:
            return False
        kept = [manifest["files"][name] for name in data.parts]
        return all(
            is_whole(folder / name, about["size"], about["sha256"])
            for name, about in zip(data.parts, kept, strict=True)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _download(
    data: RemoteData,
    wanted: tuple[RemoteFile, ...],
    folder: Path,
    progress: Progress,
    *,
    private: bool,
) -> None:
    """Download the files that are wanted.

    Raises
    ------
    DataError
        If that cannot be done: which files to put where, and where they are.
    """
    # HTTP is only loaded where something is fetched.
    from ardoise.digits.remote.download import DownloadError, download

    for i, file in enumerate(wanted):
        try:
            download(file, folder, progress, private=private)
        except DownloadError as error:
            reasons: tuple[DataError, ...] = error.reasons
            if (folder / file.name).exists():
                damaged = DataError("download.damaged", name=file.name)
                reasons = (damaged, *reasons)
            raise DataError(
                "download.failed",
                data=data.title,
                reasons=reasons,
                files=", ".join(file.name for file in wanted[i:]),
                folder=folder,
                addresses=", ".join(_places(file, len(data.files))),
            ) from error


def _places(file: RemoteFile, n_files: int) -> list[str]:
    """Return where a file lies, or the folders that it shares with others."""
    if n_files == 1:
        return list(file.urls)
    return [url.removesuffix(file.name) for url in file.urls]


def _unpack(data: RemoteData, folder: Path) -> None:
    """Take the parts out of the archive, and note what they are."""
    archive = folder / data.files[0].name
    files = {}
    for name in data.parts:
        content = _member(archive, name)
        with cache_errors(folder):
            write_atomically(folder / name, content)
        sha256 = hashlib.sha256(content).hexdigest()
        files[name] = {"size": len(content), "sha256": sha256}
    manifest = {"archive": data.files[0].sha256, "files": files}
    with cache_errors(folder):
        text = json.dumps(manifest, indent=2)
        write_atomically(folder / MANIFEST, text.encode())


def _member(archive: Path, name: str) -> bytes:
    """Return a file out of a zip archive, whatever folder it lies in there."""
    path = str(archive)
    with (
        open_bytes(archive, unpack=False) as file,
        decoder_errors("download.archive", path),
        zipfile.ZipFile(file) as unpacked,
    ):
        members = {PurePosixPath(m.filename).name: m for m in unpacked.infolist()}
        with unpacked.open(members[name]) as member:
            content = read_up_to(member, MAX_BYTES)
            if member.read(1):
                raise DataError("data.too_large", path=path, limit=MAX_BYTES)
    return bytes(content)
