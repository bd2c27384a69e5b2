import shutil
import time

import numpy as np

from ardoise.digits import load_mnist, mnist, read_idx


def test_it_is_mnist_in_openml_s_order(within):
    with within(60):  # the 55 MB of images exist once
        digits = load_mnist()
    assert len(digits) == 70_000
    assert digits.images.shape == (70_000, 28, 28, 1)
    assert digits.images.dtype == np.uint8 and digits.images.flags.c_contiguous
    assert digits.labels.dtype == np.int64
    assert digits.classes == tuple("0123456789")
    assert digits.name == "MNIST"
    assert digits.labels[:5].tolist() == [5, 0, 4, 1, 9]  # the training set first
    assert digits.labels[60_000:60_005].tolist() == [7, 2, 1, 0, 4]
    counts = [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]
    assert np.bincount(digits.labels).tolist() == counts
    assert digits.digest() == (
        "9cbcee519d9d0f62d41d9b0a9f1c26dce0ebf49c2b83b1931e619d6d81041066"
    )


def test_it_loads_in_under_a_second():
    seconds = []
    for _ in range(3):  # the best of three: other work may share the machine
        start = time.perf_counter()
        load_mnist()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


def test_the_idx_reader_agrees():
    folder = mnist.resources.files("ardoise.digits") / "mnist_files"
    digits = load_mnist()
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(folder / "t10k-labels-idx1-ubyte.gz")
    np.testing.assert_array_equal(digits.images[60_000:, :, :, 0], images)
    np.testing.assert_array_equal(digits.labels[60_000:], labels)


def test_files_that_are_not_the_original_ones(tmp_path, monkeypatch, refuses):
    original = mnist.resources.files("ardoise.digits") / "mnist_files"
    monkeypatch.setattr(mnist.resources, "files", lambda _package: tmp_path)
    with refuses("data.missing", "train-images"):
        load_mnist()
    folder = tmp_path / "mnist_files"
    shutil.copytree(original, folder)
    small, other = "t10k-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz"
    shutil.copy(folder / other, folder / small)  # longer than expected
    with refuses("mnist.damaged", small):
        load_mnist()
    shutil.copy(original / small, folder / small)
    shutil.copy(original / small, folder / other)  # shorter
    with refuses("mnist.damaged", other):
        load_mnist()
    (folder / other).write_bytes((original / other).read_bytes()[:1000])
    with refuses("data.gzip", other):
        load_mnist()
