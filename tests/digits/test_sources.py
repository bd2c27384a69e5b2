import gzip
import io
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ardoise.digits import (
    DataError,
    load_data,
    load_mnist,
    make_dataset,
    sources,
    tables,
    write_idx,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 4, 4), dtype=np.uint8)
LABELS = np.arange(12) % 3
WANTED = make_dataset(IMAGES, LABELS, "wanted").digest()


def csv_text(images=IMAGES, labels=LABELS, *, header="", separator=",", column=0):
    """Rows of a CSV file with the label in the given column."""
    lines = [header] if header else []
    for image, label in zip(images.reshape(len(images), -1), labels, strict=True):
        cells = [str(value) for value in image.tolist()]
        cells.insert(column, str(label))
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


PIXELS = ",".join(f"pixel{i}" for i in range(16))
UNTITLED = csv_text()


@pytest.mark.parametrize(
    ("text", "label_column"),
    [
        (UNTITLED, None),
        (UNTITLED, 0),
        (UNTITLED, "0"),
        (UNTITLED.replace("\n", "\r\n"), None),
        ("\ufeff" + UNTITLED, None),
        ("\n" + UNTITLED.replace("\n", "\n\n"), None),
        (UNTITLED.rstrip("\n"), None),
        (UNTITLED.replace(",", " , "), None),
        (UNTITLED.replace(",", ".0,"), None),
        (UNTITLED.replace(",", '","').replace("\n", '"\n"').join('""')[:-2], None),
        (csv_text(separator=";"), None),
        (csv_text(separator="\t"), None),
        (csv_text(header=f"label,{PIXELS}"), None),
        (csv_text(header=f"LABEL ,{PIXELS}"), None),
        (csv_text(header="label," + ",".join(map(str, range(16)))), None),
        (csv_text(header=f"{PIXELS},Class", column=16), None),
        (csv_text(header=f"{PIXELS},kind", column=16), "kind"),
        (csv_text(header=f"{PIXELS},kind", column=16), -1),
        (csv_text(header=f"{PIXELS},kind", column=16), "16"),
        (csv_text(column=16), -1),
        (csv_text(column=5), 5),
        (csv_text(header=",".join("0123456789abcdefg"), column=3), "3"),
        (csv_text(header=PIXELS.replace("5", "5,y", 1), column=6), None),
    ],
)
def test_csv_files_in_many_dresses(csv_file, text, label_column):
    data = load_data(csv_file(text), label_column=label_column)
    assert data.digest() == WANTED
    assert data.name == "data"


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ", "a.csv", "a.tsv.gz"])
def test_csv_files_may_be_compressed(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(UNTITLED.encode()))
    assert load_data(str(path)).digest() == WANTED


def test_labels_of_a_csv_may_be_names(csv_file):
    names = np.array(["zéro", '"un, deux"', "three"])[LABELS]
    data = load_data(csv_file(csv_text(labels=names)))
    assert data.classes == ("three", "un, deux", "zéro")
    assert data.labels.tolist() == [2, 1, 0] * 4


def test_row_numbers_without_a_title_are_left_out(csv_file):
    rows = csv_text().splitlines()
    numbered = "\n".join(f"{i},{row}" for i, row in enumerate(rows))
    assert load_data(csv_file(f",label,{PIXELS}\n{numbered}")).digest() == WANTED


def test_floats_in_a_csv(csv_file, refuses):
    images = (IMAGES / 255).astype(np.float32)
    images[:5] = 0  # whole numbers to begin with
    data = load_data(csv_file(csv_text(images)))
    np.testing.assert_array_equal(data.images[..., 0], images)
    assert data.images.dtype == np.float32
    with refuses("images.divide", "divide by 255?"):
        load_data(csv_file(csv_text(IMAGES - 0.5 * (IMAGES > 9))))
    with refuses("images.integers", 999):
        load_data(csv_file(csv_text(IMAGES.astype(int) * 0 + 999)))


def test_a_csv_is_the_same_in_blocks_of_any_size(csv_file, monkeypatch):
    floats = IMAGES / 255
    floats[:4] = 1
    path = csv_file(csv_text(floats))
    whole = load_data(path).digest()
    for rows in (1, 5, 11, 12):
        monkeypatch.setattr(tables, "_BLOCK_ROWS", rows)
        assert load_data(path).digest() == whole
    monkeypatch.setattr(tables, "_BLOCK_CHARACTERS", 1)
    assert load_data(path).digest() == whole


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("1,2,3\n0,2,x\n", "csv.cell", ("line 2, column 3", "“x”")),
        ("label,a,b\n\n1,2,3\n0,,3\n", "csv.cell", ("line 4, column 2", "“”")),
        ("1,2,3\n0,nan,3\n", "csv.cell", ("line 2, column 2", "nan")),
        ("1,2,3\n0,2,-inf\n", "csv.cell", ("-inf",)),
        ("1,2,3\n0,2,1e39\n", "csv.cell", ("1e39",)),
        ("1,2,3\n0,2,1_0\n", "csv.cell", ("1_0",)),
        ("1,2,3\n0,2,٣\n", "csv.cell", ("٣",)),
        ("1,2,3\n0,2," + "x" * 99 + "\n", "csv.cell", ("x" * 40 + "…",)),
        ("1,2,3\n,2,3\n", "csv.cell", ("line 2, column 1",)),
        ("1,2,3\n0,2\n", "csv.columns", ("line 2 has 2", "has 3")),
        ("1,2,3\n0,2,3,4\n", "csv.columns", ("line 2 has 4",)),
        ("1,2,3\n0;2;3\n", "csv.columns", ("line 2 has 1",)),
        ("1;0,5;3\n0;2;3\n", "csv.cell", ("column 2", "0,5")),
        ('1,2,3\n0,"2\n,3"\n', "csv.columns", ("line 2",)),
        ("id,p0,p1\n0,2,3\n", "csv.no_label", ("starts with id", "label, labels")),
        ("label,p0\n", "csv.no_rows", ()),
        ("\n \n\t\n", "csv.no_rows", ()),
        ("7\n8\n", "csv.one_column", ()),
        ("label,\n0,1\n", "csv.one_column", ()),
        ("1,2,3\n1,2,3\n", "labels.one_class", ()),
        ("1,2,3\n-1,2,3\n", "labels.negative", ("-1",)),
        ("1,2,3\n1.5,2,3\n", "labels.not_whole", ("1.5",)),
        ("", "data.empty_file", ()),
    ],
)
def test_csv_files_with_a_fault(csv_file, refuses, text, key, words):
    with refuses(key, *words):
        load_data(csv_file(text))


def test_csv_columns_that_do_not_exist(csv_file, refuses):
    path = csv_file(csv_text(header=f"label,{PIXELS}"))
    for column in ("kind", 17, -18, "17", "Label"):
        with refuses("csv.no_column", column, "17 columns"):
            load_data(path, label_column=column)


def test_a_fault_that_only_the_fast_reader_sees(csv_file, refuses, monkeypatch):
    monkeypatch.setattr(tables, "_is_finite", lambda _cell: True)
    with refuses("csv.block", "lines 1 and 3"):
        load_data(csv_file("0,2,3\n1,2,3\n1,2,x\n"))


def test_csv_files_that_are_none(tmp_path, refuses):
    path = tmp_path / "a.csv"
    path.write_bytes(b"label,p\xe9,p1\n1,2,3\n")
    with refuses("data.not_text"):
        load_data(path)
    cell = "5" * 200_000  # more than the csv module takes
    path.write_text(f"1,{cell}\n")
    with pytest.raises(DataError):
        load_data(path)


def test_a_csv_bomb_costs_little(tmp_path, refuses, within, monkeypatch):
    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(64):
            file.write(bytes(2**20))  # one line without an end
    with within(40), refuses("csv.long_line", "line 1 "):
        load_data(path)
    monkeypatch.setattr(tables, "MAX_BYTES", 1000)
    path.write_bytes(gzip.compress(UNTITLED.encode() * 50))
    with refuses("data.too_large", 1000):
        load_data(path)


def test_a_large_csv_is_read_in_seconds_and_little_memory(tmp_path, within):
    rows = 3000  # a 14th of the 42,000 that the time is meant for
    images = load_mnist().images[:rows].reshape(rows, 784)
    path = tmp_path / "large.csv"
    path.write_text(csv_text(images, np.arange(rows) % 10, header="label" + ",p" * 784))
    start = time.perf_counter()
    data = load_data(path)
    assert time.perf_counter() - start < 1
    np.testing.assert_array_equal(data.images.reshape(rows, 784), images)
    with within(30):
        load_data(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("x", "y"), [("X", "y"), ("images", "labels"), ("data", "target"), ("x", "Label")]
)
def test_npz_files(tmp_path, save, x, y):
    path = tmp_path / "own.npz"
    save(path, **{x: IMAGES, y: LABELS, "unused": np.zeros(3)})
    data = load_data(path)
    assert data.digest() == WANTED
    assert data.name == "own"
    save(path, **{x: np.asfortranarray(IMAGES.astype(">i8")), y: LABELS.astype(str)})
    assert load_data(path).digest() == WANTED


def test_npz_files_with_a_test_part(tmp_path, refuses):
    path = tmp_path / "keras.npz"
    parts = {
        "x_test": IMAGES[8:],
        "x_train": IMAGES[:8],
        "y_train": LABELS[:8],
        "y_test": LABELS[8:],
    }
    np.savez(path, **parts)
    assert load_data(path).digest() == WANTED
    np.savez(path, **{**parts, "y_test": LABELS[9:]})
    with refuses("data.lengths", "4 images", "3 labels"):
        load_data(path)
    np.savez(path, **{**parts, "x_test": IMAGES[8:, :3]})
    with refuses("npz.parts"):
        load_data(path)
    np.savez(path, **{**parts, "y_test": np.float64(3)})
    with refuses("npz.parts"):
        load_data(path)
    del parts["y_test"]
    np.savez(path, **parts)
    with refuses("npz.arrays", "x_test, x_train, y_train"):
        load_data(path)


def npz_bytes(x_member, method=zipfile.ZIP_STORED, labels=LABELS):
    """An npz file whose array X is given byte for byte."""
    file, y = io.BytesIO(), io.BytesIO()
    np.save(y, labels)
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("X.npy", x_member)
        archive.writestr("y.npy", y.getvalue())
    return file.getvalue()


def npy_bytes(header, data=b"", version=b"\x01\0"):
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


def header(shape, descr="|u1"):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}"


@pytest.mark.parametrize(
    ("member", "key"),
    [
        (npy_bytes(header((12, 4)), bytes(48)), "labels.one_class"),  # X is sound
        (npy_bytes(header((12, 4)), bytes(47)), "npz.damaged"),
        (npy_bytes(header((12, 4)), bytes(49)), "npz.damaged"),
        (npy_bytes(header((2**40, 28, 28)), bytes(48)), "npz.damaged"),
        (npy_bytes(header((2**31 - 1,)), bytes(48)), "npz.damaged"),
        (npy_bytes(header((-12, -4)), bytes(48)), "npz.damaged"),
        (npy_bytes(header((12, -4))), "npz.damaged"),
        (npy_bytes(header((1,) * 99), b"1"), "npz.damaged"),
        (npy_bytes(header((12, 4), "|S0")), "npz.damaged"),
        (npy_bytes(header((12, 4), "|O"), bytes(384)), "npz.objects"),
        (npy_bytes(header((12, 0))), "images.empty"),
        (npy_bytes(header((12, 4), "<U1"), b"\xff" * 192), "images.type"),
        (npy_bytes(header((12, 4)), bytes(48), b"\x02\0"), "npz.damaged"),
        (npy_bytes("__import__('os')"), "npz.damaged"),
        (npy_bytes("(" * 5000), "npz.damaged"),
        (npy_bytes("{'descr'"), "npz.damaged"),
        (b"not an array", "npz.damaged"),
        (b"", "npz.damaged"),
    ],
)
def test_npz_members_with_a_fault(tmp_path, refuses, within, member, key):
    path = tmp_path / "a.npz"
    path.write_bytes(npz_bytes(member, labels=np.zeros(12, int)))
    with within(2), refuses(key):
        load_data(path)


def test_npz_labels_that_are_no_text(tmp_path, refuses):
    path = tmp_path / "a.npz"
    y = npy_bytes(header((12,), "<U1"), b"\xff" * 48)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("y.npy", y)
        archive.writestr("x.npy", npy_bytes(header((12, 4)), bytes(48)))
    with refuses("npz.damaged"):
        load_data(path)


def test_npz_bombs(tmp_path, refuses, within, monkeypatch):
    path = tmp_path / "bomb.npz"
    zeros = npy_bytes(header((2**26,)), bytes(2**26))
    path.write_bytes(npz_bytes(zeros, zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 2**17
    monkeypatch.setattr(sources, "MAX_BYTES", 2**25)
    with within(1), refuses("data.too_large", 2**25):
        load_data(path)
    path.write_bytes(npz_bytes(zeros, zipfile.ZIP_BZIP2))  # 64 MB in 100 bytes
    monkeypatch.setattr(sources, "MAX_BYTES", 2**27)
    with within(1), refuses("npz.damaged"):
        load_data(path)


def test_npz_files_cut_or_changed(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, X=IMAGES, y=LABELS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            load_data(path)
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert load_data(path).digest() == WANTED  # a date, say
        except DataError:
            pass


def test_pairs_of_idx_files(tmp_path, refuses):
    images, labels = tmp_path / "own-images.idx", tmp_path / "own-labels.idx.gz"
    write_idx(images, IMAGES)
    write_idx(labels, LABELS.astype(np.uint8))
    for source in (
        (images, labels),
        (str(labels), str(images)),
        [images, labels],
        f"{images},{labels}",
        f"{labels} , {images}",
    ):
        assert load_data(source).digest() == WANTED
    assert load_data((images, labels)).name == "own-images"
    with refuses("data.missing", "nowhere"):
        load_data(f"{images},nowhere")
    with refuses("labels.shape"):
        load_data((images, images))
    with refuses("images.shape"):
        load_data((labels, labels))
    with refuses("data.pair", 3):
        load_data((images, labels, labels))
    write_idx(labels, LABELS[1:].astype(np.int32))
    with refuses("data.lengths", "12 images", "11 labels"):
        load_data((images, labels))


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    for index, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        sub = root / str(label)
        sub.mkdir(parents=True, exist_ok=True)
        ending = ("png", "bmp", "pgm", "tif")[index % 4]
        Image.fromarray(image).save(sub / f"{index:02}.{ending}")
    (root / "README.txt").write_text("loose files are not classes")
    (root / ".git").mkdir()
    (root / "__MACOSX").mkdir()
    (root / "1" / ".hidden").write_text("x")
    (root / "1" / "Thumbs.db").write_text("x")
    return root


def test_a_folder_of_classes(folder, monkeypatch):
    data = load_data(folder)
    order = np.argsort(LABELS, kind="stable")
    wanted = make_dataset(IMAGES[order], LABELS[order], "wanted")
    assert data.digest() == wanted.digest()
    assert data.name == "pictures"
    monkeypatch.chdir(folder)
    assert load_data(".").name == "pictures"


def test_folders_with_a_fault(folder, refuses, monkeypatch):
    with refuses("folder.no_classes", folder / "1"):
        load_data(folder / "1")
    (folder / "7").mkdir()
    with refuses("folder.empty_class", folder / "7"):
        load_data(folder)
    stray = folder / "7" / "a.png"
    stray.write_bytes(b"not a picture")
    with refuses("image.unknown", stray):
        load_data(folder)
    stray.unlink()
    stray.mkdir()
    with refuses("data.folder", stray):
        load_data(folder)
    stray.rmdir()
    Image.new("L", (4, 5)).save(stray)
    with refuses("folder.sizes", stray, "4 × 5", "4 × 4"):
        load_data(folder)
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    with refuses("data.too_large", folder):
        load_data(folder)


def test_mnist_by_its_name():
    assert load_data("mnist").name == load_data("MNIST").name == "MNIST"


def test_sources_that_are_none(tmp_path, refuses, monkeypatch):
    for missing in (tmp_path / "a.csv", tmp_path / "a.npz", "no/where", "a\0b"):
        with refuses("data.missing", missing):
            load_data(missing)
    for name in ("a.xlsx", "a", "a.npy", "a.gz"):
        path = tmp_path / name
        path.write_bytes(b"x")
        with refuses("data.kind", path, "IDX"):
            load_data(path)
    for name in ("a.npz", "a.csv"):
        (tmp_path / name).write_bytes(b"")
        with refuses("data.empty_file"):
            load_data(tmp_path / name)
    for source in ("mnist", tmp_path, tmp_path / "a.npz", ("a.csv.idx", "b")):
        with refuses("data.label_column"):
            load_data(source, label_column="y")

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with refuses("data.denied", tmp_path):
        load_data(tmp_path)
    monkeypatch.setattr(Path, "is_dir", denied)
    with refuses("data.denied", tmp_path):
        load_data(tmp_path)


def test_too_little_memory_is_said(csv_file, refuses, monkeypatch):
    def exhausted(*_args, **_options):
        raise MemoryError

    path = csv_file(UNTITLED)
    monkeypatch.setattr(sources, "make_dataset", exhausted)
    with refuses("data.memory", path):
        load_data(path)


@given(
    data=st.one_of(
        st.binary(max_size=200),
        st.text(alphabet='0123456789.,;\t\n"-e label', max_size=120).map(str.encode),
    ),
    name=st.sampled_from(["a.csv", "a.tsv.gz", "a.npz"]),
    packed=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_random_files_give_a_sentence_or_data(tmp_path_factory, data, name, packed):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(gzip.compress(data) if packed else data)
    try:
        assert len(load_data(path)) >= 2
    except DataError:
        pass
