"""Writing a file: the old one or the new one, whole, and nothing else beside it."""

import errno
import os
import stat

import pytest

from ardoise.files import write_atomically
from ardoise.files.atomic import read_whole, remove_strays


def test_it_writes_and_replaces(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"first")
    write_atomically(str(path), b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_mode_is_that_of_other_files(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "file", b"")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


@pytest.mark.parametrize("step", ["write", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(error)):
        write_atomically(path, b"new" * 1000)
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path):
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    path = tmp_path / "file"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError):
            write_atomically(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "file", b"")
    with pytest.raises(NotADirectoryError):
        write_atomically(tmp_path / "file" / "file", b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "folder", b"")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_system_that_writes_little_at_a_time(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, view: real(handle, view[:7]))
    write_atomically(tmp_path / "file", b"0123456789" * 10)
    assert (tmp_path / "file").read_bytes() == b"0123456789" * 10


def test_the_one_before_is_kept(tmp_path):
    path, previous = tmp_path / "file", tmp_path / "before"
    for content in (b"1", b"2", b"3"):
        write_atomically(path, content, previous=previous)
    assert (path.read_bytes(), previous.read_bytes()) == (b"3", b"2")


def test_a_name_that_cannot_be_given_gives_the_old_one_back(tmp_path, monkeypatch):
    path, previous = tmp_path / "file", tmp_path / "before"
    path.write_bytes(b"old")
    real = os.replace

    def fail(source, target):
        if target == path and source != previous:
            raise OSError(errno.EIO, "broken")
        real(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="broken"):
        write_atomically(path, b"new", previous=previous)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_strays_of_this_file_alone_are_removed(tmp_path):
    for name in (
        ".file.a1b2c3d4",
        ".file.z_9-x__y",
        ".file",
        ".other.a1b2c3d4",
        "file",
    ):
        (tmp_path / name).write_bytes(b"")
    remove_strays(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [".file", ".other.a1b2c3d4", "file"]


def test_reading_an_ordinary_file_and_nothing_else(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert read_whole(tmp_path / "file") == b"content"
    with pytest.raises(ValueError, match="not an ordinary file"):
        read_whole("/dev/zero")
