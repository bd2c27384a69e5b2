"""Data that lie in a file: read in blocks, and their memory given back."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.format import open_memmap
from short_training import At, X, Y, trained

from ardoise.engine import mapped, order
from ardoise.engine.batches import BatchLoader
from ardoise.engine.evaluation import evaluate
from ardoise.engine.layers import Dense
from ardoise.engine.mapped import Pages
from ardoise.engine.network import Network
from ardoise.engine.order import BlockOrder

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def file(tmp_path):
    """A file of 64 MiB: 65,536 rows of bytes."""
    path = tmp_path / "x.npy"
    x = open_memmap(path, "w+", np.uint8, (2**16, 2**10))
    x[:] = np.arange(2**16)[:, None] % 100
    x.flush()
    return path


def resident():
    """Return how many bytes of files are this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if "RssFile" in line)


def load(path, mode):
    return np.load(path, mmap_mode=mode)


@linux
@pytest.mark.parametrize("reads", ["rows", "slices", "predictions", "check"])
def test_what_was_read_is_given_back(file, monkeypatch, reads):
    monkeypatch.setattr(mapped, "MOST_BYTES", 2**20)
    x = load(file, "r")
    y = np.zeros(len(x), int)
    net = Network([Dense(2)], 2**10, seed=0)
    before = resident()
    if reads == "predictions":
        evaluate(net, x, y)
    elif reads == "check":
        evaluate(Network([Dense(2)], 2**8), x.view(np.float32), y)
    else:
        loader = BatchLoader(net, x, y, None, 256)
        for start in range(0, len(x), 256):
            rows = slice(start, start + 256)
            if reads == "rows":
                rows = np.arange(start, start + 256)
            got, *_ = loader.load(rows)
            np.testing.assert_allclose(
                got[:, 7], np.arange(start, start + 256) % 100 / 255, rtol=1e-6
            )
    assert resident() - before < 2**24


@linux
@pytest.mark.parametrize("mode", ["r+", "c"])
def test_what_may_have_been_written_is_kept(file, mode):
    x = load(file, mode)
    x[:100] = 9
    pages = Pages(x)
    pages.read(len(x))
    assert (x[:100] == 9).all()
    assert pages._file is None


def test_arrays_in_memory_are_left_alone(monkeypatch, file):
    assert Pages(np.zeros((3, 4)))._file is None
    monkeypatch.delattr(mapped.mmap, "MADV_DONTNEED", raising=False)
    pages = Pages(load(file, "r"))
    pages.read(10**9)
    assert pages._file is None


@pytest.mark.parametrize(("n", "block"), [(1000, 10), (1003, 10), (7, 10), (64, 1)])
def test_blocks_hold_every_row_once(n, block):
    rows = BlockOrder(n, block, np.random.default_rng(0))
    first, second = rows.next(), rows.next()
    assert sorted(first) == sorted(second) == list(range(n))
    assert n < 10 or (first != second).any()


def test_a_window_reads_few_blocks(monkeypatch):
    monkeypatch.setattr(order, "WINDOW_BLOCKS", 4)
    rows = BlockOrder(1000, 10, np.random.default_rng(0)).next()
    for window in rows.reshape(-1, 40):
        assert len({row // 10 for row in window}) == 4
        assert (np.diff(window) != 1).mean() > 0.8  # they are mixed


def test_blocks_train_and_go_on_to_the_bit():
    kept = []
    keep = At("on_batch_end", lambda t: kept.append(t.snapshot()), k=5)
    settings = {"shuffle": "blocks", "epochs": 3}
    whole, _ = trained(callbacks=[keep], **settings)
    again, _ = trained(snapshot=kept[0], **settings)
    assert again.theta.tobytes() == whole.theta.tobytes()


def test_a_mapped_file_trains_as_an_array_does(tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = load(tmp_path / "x.npy", "r")
    for shuffle in (True, False, "blocks"):
        nets = [trained(data=(each, Y), shuffle=shuffle)[0] for each in (X, x)]
        assert nets[0].theta.tobytes() == nets[1].theta.tobytes()


def test_other_words_are_refused():
    with pytest.raises(ValueError, match="True, False or 'blocks'; got 'yes'"):
        trained(shuffle="yes")
