"""Data that cannot be learned from: one sentence, exit code 1, nothing written."""

import gzip
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_data import stripes

X, Y = stripes(60)


def npz(name="bad.npz", **arrays):
    np.savez(name, **arrays)
    return name


def written(name, content):
    Path(name).write_bytes(content)
    return name


def saved_npz():
    file = io.BytesIO()
    np.savez(file, x=X, y=Y)
    return file.getvalue()


def spoiled(value):
    floats = X / 255
    floats[3, 4, 5] = value
    return floats


def idx(images_header, labels, packed=bytes):
    written("images", packed(struct.pack(">IIII", 2051, *images_header)))
    written("labels", struct.pack(">II", 2049, len(labels)) + bytes(labels))
    return "images,labels"


def bomb():
    """Return 65 kB of gzip that unpack to 64 MB, a thousand times what is announced."""
    header = struct.pack(">IIII", 2051, 100, 8, 8)
    return gzip.compress(header + bytes(2**26))


def folder(**pictures):
    """Write pictures, arrays or bytes, into a folder; ``__`` in a name stands for /."""
    for name, picture in pictures.items():
        path = Path("folder", name.replace("__", "/")).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            Image.fromarray(picture).save(path)
    return "folder"


CASES = {
    "missing": (lambda: "none.npz", "none.npz: there is no such file"),
    "missing folder": (lambda: "a/b/c.csv", "there is no such file"),
    "unknown kind": (lambda: written("a.docx", b"x"), "a.docx: this kind of file"),
    "empty npz": (lambda: written("a.npz", b""), "a.npz is empty"),
    "empty csv": (lambda: written("a.csv", b""), "a.csv is empty"),
    "blank csv": (lambda: written("a.csv", b"\n\n"), "holds no rows"),
    "truncated npz": (lambda: written("a.npz", saved_npz()[:900]), "it is damaged"),
    "lying npz": (
        lambda: written("a.npz", saved_npz().replace(b"(60, 8, 8)", b"(99, 8, 8)")),
        "it is damaged",
    ),
    "truncated gzip": (
        lambda: written("a.csv.gz", gzip.compress(b"0,1,2\n" * 999)[:20]),
        "compression is damaged",
    ),
    "lying idx": (lambda: idx((10**6, 10**4, 10**4), [0, 1]), "100000000000000 bytes"),
    "truncated idx": (lambda: idx((2, 8, 8), [0, 1]), "is cut short"),
    "gzip bomb": (
        lambda: idx((0, 0, 0), [0, 1], lambda _: bomb()),
        "is longer than its header says",
    ),
    "gzip bomb of csv": (
        lambda: written("a.csv.gz", gzip.compress(b"0," * 2**23)),
        "is too long to be one image",
    ),
    "negative labels": (lambda: npz(x=X, y=Y - 1), "image 0 (counting from 0) is -1"),
    "labels in halves": (lambda: npz(x=X, y=Y + 0.5), "whole numbers or names"),
    "labels nan": (lambda: npz(x=X, y=np.where(Y == 1, np.nan, Y)), "is nan"),
    "labels of objects": (
        lambda: npz(x=X, y=np.array([None, "a"] * 30, object)),
        "holds Python objects",
    ),
    "one class": (lambda: npz(x=X, y=Y * 0), "All labels are 0"),
    "one image": (lambda: npz(x=X[:1], y=Y[:1]), "All labels are 0"),
    "no image": (lambda: npz(x=X[:0], y=Y[:0]), "There are no images"),
    "nan": (lambda: npz(x=spoiled(np.nan), y=Y), "Image 3 (counting from 0) holds NaN"),
    "infinity": (lambda: npz(x=spoiled(np.inf), y=Y), "Image 3 (counting from 0)"),
    "lengths": (lambda: npz(x=X, y=Y[:-1]), "60 images and 59 labels"),
    "floats to 255": (lambda: npz(x=X / 1.0, y=Y), "did you mean to divide by 255?"),
    "floats below 0": (lambda: npz(x=X / 255 - 0.5, y=Y), "must lie between 0"),
    "integers above 255": (
        lambda: npz(x=X.astype(int) * 9, y=Y),
        "between 0 and 255",
    ),
    "words for pixels": (lambda: npz(x=X.astype(str), y=Y), "array of numbers"),
    "two images": (lambda: npz(x=X[:2], y=Y[:2]), "leaves a part empty"),
    "one image a class": (lambda: npz(x=X[:3], y=Y[:3]), "leaves a part empty"),
    "an image a class": (
        lambda: npz(x=X, y=np.arange(60)),
        "an image of each class on both",
    ),
    "ragged csv": (lambda: written("a.csv", b"0,1,2\n1,2\n"), "line 2"),
    "letters in csv": (
        lambda: written("a.csv", b"label,a,b\ncat,1,2\ndog,3,x\n"),
        "line 3, column 3",
    ),
    "latin-1 csv": (
        lambda: written("a.csv", "label,a\nété,1\n".encode("latin-1")),
        "is not text in UTF-8",
    ),
    "no classes": (lambda: folder(**{"0": X[0]}), "folder holds no sub-folder"),
    "mixed sizes": (
        lambda: folder(a__0=X[0], a__1=X[1], b__2=X[2, :4]),
        "8 × 4 pixels",
    ),
    "not an image": (lambda: folder(a__0=X[0], b__1=b"hello"), "is not an image"),
    "a picture": (lambda: folder(a__0=X[0]) + "/a/0.png", "this kind of file"),
}


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("case", CASES)
def test_it_says_what_is_wrong(ardoise, somewhere, case, lang):
    make, words = CASES[case]
    source = make()
    before = sorted(somewhere.rglob("*"))
    said = ardoise(
        *("train", "--data", source, "--epochs", 1, "--threads", 1),
        *("--output", "run", "--lang", lang),
    )
    assert (said.code, said.out) == (1, "")
    assert len(said.sentence) < 400
    if lang == "en":
        assert words in said.sentence
    else:
        assert not re.search(r"\b(the|is|are|must|of|with|an)\b", said.sentence)
    assert sorted(somewhere.rglob("*")) == before
    if "part" not in words and "class" not in words:
        assert ardoise("data", source, "--lang", lang).sentence == said.sentence


@pytest.mark.parametrize("split", ["official", "notebook"])
def test_mnist_s_splits_of_other_data(ardoise, data, somewhere, split, no_pictures):
    options = ("--epochs", 1, "--threads", 1, "--output", "run", "--split", split)
    said = ardoise("train", "--data", data, *options)
    if split == "official":
        assert (said.code, list(somewhere.iterdir())) == (1, [])
        assert "exactly 70000 images; got 300" in said.sentence
    else:
        assert "validation" not in said.err and said.code == 0


def test_odd_data_that_can_be_learned_from(ardoise, somewhere, no_pictures):
    """A comma in the name, words with accents, one pixel, two classes, 30 classes."""
    rng = np.random.default_rng(0)
    words = np.array(["chat", "chien", "élan"])[Y]
    rows = (
        f"{w};{';'.join(map(str, x.ravel()))}\n" for w, x in zip(words, X, strict=True)
    )
    written("mots, à part.csv", "".join(rows).encode())
    pixels = rng.integers(0, 255, (60, 1, 1), dtype=np.uint8)
    for i, source in enumerate(
        (
            "mots, à part.csv",
            npz("pixel.npz", x=pixels, y=np.arange(60) % 2),
            npz("many.npz", x=np.concatenate([X] * 10), y=np.arange(600) % 30),
            npz("rare.npz", x=X, y=np.arange(60) == 7),
        )
    ):
        options = ("--epochs", 1, "--batch-size", 10**9, "--output", f"run {i}")
        said = ardoise("train", "--data", source, "--threads", 1, *options)
        assert (said.code, said.err) == (0, "")
        assert ardoise("evaluate", f"run {i}").code == 0
