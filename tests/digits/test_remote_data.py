"""Fashion-MNIST and letters: fetched, kept, checked, and one sentence when not."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ardoise.digits import (
    cache_folder,
    load_data,
    load_fashion,
    load_letters,
    official_split,
)
from ardoise.digits.remote import cache, data, download
from ardoise.digits.remote.table import FASHION, FASHION_CLASSES, LETTERS, SOURCES
from ardoise.messages import text
from tests.digits.bad_server import (
    N_TEST,
    N_TRAIN,
    BadServer,
    arrays,
    breaks_off,
    damaged_gzip,
    file_of,
    good,
    packed,
    says,
    small_fashion,
    small_letters,
)


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A cache of our own, no pauses, and no proxy."""
    monkeypatch.setenv("ARDOISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE", 0.0)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def made(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


@pytest.fixture
def server():
    with BadServer() as running:
        yield running


@pytest.fixture
def use(monkeypatch):
    def put(small):
        monkeypatch.setitem(SOURCES, small.name, small)
        return small

    return put


@pytest.fixture
def fashion(server, made, use):
    """A small Fashion-MNIST at a good mirror."""
    return use(small_fashion(made, lambda name, c: (server.at(good(c), name),)))


@pytest.fixture
def letters(server, made, use):
    return use(small_letters(made, lambda name, c: (server.at(good(c), name),)))


def kept(name):
    return sorted(os.listdir(cache_folder() / name))


# -- the table ------------------------------------------------------------------------


@pytest.mark.parametrize("known", SOURCES.values(), ids=SOURCES)
def test_the_table(known):
    """Safe addresses, several of each file, and nothing left open."""
    assert known.name in SOURCES
    for file in known.files:
        assert len(set(file.urls)) == len(file.urls) >= 3
        assert all(url.startswith("https://") for url in file.urls)
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert 5000 < file.size < 600e6
    assert len({file.sha256 for file in known.files}) == len(known.files)
    names = {file.name for file in known.files}
    assert known.in_archive or set(known.parts) == names
    assert len(set(known.parts)) == 4
    assert len(set(known.classes)) == len(known.classes) in (10, 26)


def test_the_sizes_of_the_official_splits():
    assert (FASHION.n_train, FASHION.n_test) == (60_000, 10_000)
    assert (LETTERS.n_train, LETTERS.n_test) == (124_800, 20_800)
    assert sum(file.size for file in FASHION.files) == 30_878_645


def test_the_classes_in_english_are_those_of_the_models():
    for i, name in enumerate(FASHION_CLASSES):
        assert text(f"class.fashion.{i}") == name


# -- what comes of it -----------------------------------------------------------------


def test_fashion(fashion, server):
    seen = []
    articles = load_fashion(lambda *call: seen.append(call))
    assert articles.images.shape == (N_TRAIN + N_TEST, 28, 28, 1)
    assert articles.images.dtype == np.uint8 and articles.images.flags.c_contiguous
    train, train_labels, test, test_labels = arrays(FASHION)
    np.testing.assert_array_equal(
        articles.images[..., 0], np.concatenate([train, test])
    )
    np.testing.assert_array_equal(
        articles.labels, np.concatenate([train_labels, test_labels])
    )
    assert articles.classes == FASHION_CLASSES and articles.name == "Fashion-MNIST"
    assert {name for name, *_ in seen} == set(FASHION.parts)
    assert kept("fashion") == sorted([".lock", *FASHION.parts])
    # The second time, from the cache.
    assert load_fashion().digest() == articles.digest()
    assert load_data("FASHION").digest() == articles.digest()
    assert len(server.asked) == 4


def test_letters_stand_upright(letters, server):
    characters = load_letters()
    upright = np.concatenate([part.swapaxes(1, 2) for part in arrays(LETTERS)[::2]])
    np.testing.assert_array_equal(characters.images[..., 0], upright)
    # The bright row of the class, across the picture.
    rows = characters.images[..., 0].astype(int).sum(axis=2)
    np.testing.assert_array_equal(rows.argmax(axis=1), characters.labels)
    assert characters.classes == tuple("abcdefghijklmnopqrstuvwxyz")
    assert characters.images.flags.c_contiguous
    assert (characters.labels.min(), characters.labels.max()) == (0, 25)
    # The archive is gone; what came out of it is known by its SHA-256.
    assert kept("letters") == sorted([".lock", "manifest.json", *LETTERS.parts])
    assert load_data("letters").digest() == characters.digest()
    assert len(server.asked) == 1


def test_the_official_split_is_known(fashion):
    articles = load_fashion()
    split = official_split(len(articles), articles.n_train)
    assert split.train.tolist() == list(range(N_TRAIN))
    assert split.test.tolist() == list(range(N_TRAIN, N_TRAIN + N_TEST))
    assert articles.subset([0, 1]).n_train is None
    assert articles.with_classes(articles.classes).n_train == N_TRAIN


# -- the cache ------------------------------------------------------------------------


def test_where_the_cache_is(tmp_path, monkeypatch, refuses):
    here = {"ARDOISE_CACHE": "own", "XDG_CACHE_HOME": "/x", "HOME": "/home/me"}
    assert cache_folder(here) == Path("own").absolute()
    del here["ARDOISE_CACHE"]
    assert cache_folder(here) == Path("/x/ardoise")
    for relative in ("", "x/y"):
        elsewhere = here | {"XDG_CACHE_HOME": relative}
        for system, folder in (
            ("linux", "/home/me/.cache/ardoise"),
            ("darwin", "/home/me/Library/Caches/ardoise"),
            ("win32", "/home/me/AppData/Local/ardoise/Cache"),
        ):
            monkeypatch.setattr(cache.sys, "platform", system)
            assert cache_folder(elsewhere) == Path(folder)
    there = {"LOCALAPPDATA": "/local", "HOME": "/home/me"}
    assert cache_folder(there) == Path("/local/ardoise/Cache")
    monkeypatch.undo()

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", no_home)
    with refuses("cache.nowhere", "ARDOISE_CACHE"):
        cache_folder({})


@pytest.mark.parametrize("part", [0, 3])
def test_a_damaged_file_is_fetched_again(fashion, server, part):
    digest = load_fashion().digest()
    path = cache_folder() / "fashion" / FASHION.parts[part]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert load_fashion().digest() == digest
    path.unlink()
    assert load_fashion().digest() == digest
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").write_text('{"archive": "00"}'),
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / LETTERS.parts[0]).write_bytes(b"x"),
        lambda folder: (folder / LETTERS.parts[1]).unlink(),
    ],
)
def test_damaged_letters_are_unpacked_again(letters, server, damage):
    digest = load_letters().digest()
    damage(cache_folder() / "letters")
    assert load_letters().digest() == digest
    assert len(server.asked) == 2


def test_an_archive_put_there_by_hand_stays(letters, server, made):
    folder = cache_folder() / "letters"
    folder.mkdir(parents=True)
    archive = server.behaviours.popitem()  # nothing can be fetched
    handler = type("H", (), {"first": 0, "headers": {}, "sent": b""})()
    handler.answer = lambda status, body, **_: setattr(handler, "sent", body)
    archive[1](handler)
    (folder / "gzip.zip").write_bytes(handler.sent)
    load_letters()
    load_letters()
    assert "gzip.zip" in kept("letters") and server.asked == []


def test_a_cache_that_can_only_be_read(fashion, monkeypatch):
    """Where everything is there, nothing is written, not even a lock."""
    load_fashion()
    (cache_folder() / "fashion" / ".lock").unlink()
    load_fashion()
    assert kept("fashion") == sorted(FASHION.parts)


def test_a_cache_that_cannot_be_written(fashion, tmp_path, monkeypatch, refuses):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARDOISE_CACHE", str(tmp_path / "file" / "cache"))
    with refuses("cache.unwritable", "a part of this path is a file", "ARDOISE_CACHE"):
        load_fashion()
    monkeypatch.setenv("ARDOISE_CACHE", str(tmp_path / "cache"))
    (cache_folder() / "fashion" / ".lock").mkdir(parents=True)
    with refuses("cache.unwritable", "it is a folder"):
        load_fashion()


# -- what is wrong with the mirrors ---------------------------------------------------


def test_no_network(made, use, refuses):
    """Which files, from where, into which folder."""
    with BadServer() as gone:
        address = gone.address("/")
    use(small_fashion(made, lambda name, _: (address + name, address + "b/" + name)))
    with refuses("download.failed", *FASHION.parts, address, f"{address}b/") as _:
        load_fashion()
    with pytest.raises(data.DataError) as caught:
        load_fashion()
    for lang in ("en", "fr"):
        sentence = caught.value.sentence(lang)
        assert str(cache_folder() / "fashion") in sentence
        assert sentence.count(address) == 2
    # What is there already is not asked for.
    name, array = FASHION.parts[0], arrays(FASHION)[0]
    (cache_folder() / "fashion" / name).write_bytes(packed(made / name, array))
    with pytest.raises(data.DataError) as caught:
        load_fashion()
    assert name not in str(caught.value) and FASHION.parts[1] in str(caught.value)
    # One that is damaged stays, and the sentence says so.
    (cache_folder() / "fashion" / name).write_bytes(b"x")
    with refuses("download.failed", f"{name} in the cache is damaged"):
        load_fashion()
    assert (cache_folder() / "fashion" / name).read_bytes() == b"x"


def test_no_network_for_an_archive(made, use, refuses):
    with BadServer() as gone:
        addresses = gone.address("/a/gzip.zip"), gone.address("/b?id=1")
    use(small_letters(made, lambda *_: addresses))
    with refuses("download.failed", "gzip.zip, from", ", ".join(addresses)):
        load_letters()


def test_one_mirror_is_bad_and_one_good(server, made, use):
    def mirrors(name, content):
        wrong = server.at(good(bytes(len(content))), name)
        return wrong, server.at(says(503), name), server.at(good(content), name)

    use(small_fashion(made, mirrors))
    assert len(load_fashion()) == N_TRAIN + N_TEST


def test_connections_that_break(server, made, use):
    def mirror(name, content):
        return (server.at(breaks_off(content, len(content) // 2 + 1), name),)

    use(small_fashion(made, mirror))
    assert len(load_fashion()) == N_TRAIN + N_TEST
    assert len(server.asked) == 8


def test_every_mirror_is_named(server, made, use, refuses):
    use(
        small_fashion(
            made, lambda n, c: (server.at(says(404), n), server.at(says(500), n))
        )
    )
    with refuses("download.failed", "it answers 404, 127.0.0.1", "it answers 500)"):
        load_fashion()


# -- the right file, and wrong inside -------------------------------------------------


def wrong_contents(made):
    images, labels = arrays(FASHION)[:2]
    path = made / "wrong.gz"
    return {
        "damaged gzip": (
            {"train_images_idx3": damaged_gzip(path, images)},
            "data.gzip",
        ),
        "no idx": ({"train_labels_idx1": b"hello"}, "idx.not_idx"),
        "too few": (
            {"train_images_idx3": packed(path, images[:-1])},
            "download.content",
        ),
        "labels": (
            {"train_labels_idx1": packed(path, labels + np.uint8(1))},
            "download.content",
        ),
        "words": (
            {"train_labels_idx1": packed(path, labels.astype(np.int16))},
            "download.content",
        ),
    }


@pytest.mark.parametrize(
    "case", ["damaged gzip", "no idx", "too few", "labels", "words"]
)
def test_a_table_that_vouches_for_nonsense(server, made, use, refuses, case):
    changed, key = wrong_contents(made)[case]
    use(small_fashion(made, lambda name, c: (server.at(good(c), name),), **changed))
    with refuses(key, next(iter(changed)).split("_")[1]):
        load_fashion()


def test_an_archive_without_the_letters(server, made, use, refuses):
    def mirror(name, content):
        return (server.at(good(content), name),)

    use(small_letters(made, mirror, left_out=LETTERS.parts[2:3]))
    with refuses("download.archive", "gzip.zip"):
        load_letters()


def test_an_archive_that_is_none(server, use, refuses):
    url = server.at(good(b"no archive"), "gzip.zip")
    file = file_of("gzip.zip", b"no archive", url)
    use(replace(LETTERS, files=(file,)))
    with refuses("download.archive", "gzip.zip"):
        load_letters()


def test_a_member_that_is_too_large(letters, monkeypatch, refuses):
    monkeypatch.setattr(data, "MAX_BYTES", 100)
    with refuses("data.too_large", "gzip.zip"):
        load_letters()


# -- at once, and cut short -----------------------------------------------------------


def test_two_at_once(letters, server):
    """The second waits, and finds everything there."""
    done, seen = [], []

    def load(progress=None):
        done.append(load_letters(progress).digest())

    (path,) = server.behaviours
    whole = server.behaviours[path]

    def slowly(handler):
        time.sleep(0.3)
        whole(handler)

    server.behaviours[path] = slowly
    first = threading.Thread(target=load)
    first.start()
    while not server.asked:
        time.sleep(0.01)
    load(lambda *call: seen.append(call))
    first.join()
    assert len(done) == 2 and len(set(done)) == 1
    assert len(server.asked) == 1
    assert {got for _, got, _ in seen} == {0}  # it waited, and says so


def test_where_there_are_no_locks(fashion, monkeypatch):
    import fcntl

    def no_locks(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert len(load_fashion()) == N_TRAIN + N_TEST


PROGRAM = """
import sys
from ardoise.digits.remote.table import RemoteData, RemoteFile, SOURCES

SOURCES[{small.name!r}] = {small!r}
from ardoise.digits import load_data

print(load_data({small.name!r}).digest())
"""


def program(small, **options):
    command = [sys.executable, "-c", PROGRAM.format(small=small)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_cut_short_and_gone_on_with(server, made, use, how):
    """A process that is killed in the middle leaves what had come."""
    contents = {}

    def drips(name, content):
        contents[name] = content
        return (server.at(server.drips(content, 0.02, 400), name),)

    small = small_letters(made, drips)
    part = cache_folder() / "letters" / "gzip.zip.part"
    running = program(small)
    try:
        while not (part.exists() and part.stat().st_size > 2000):
            assert running.poll() is None, running.communicate()
            time.sleep(0.01)
        running.send_signal(how)
        out, _ = running.communicate(timeout=30)
    finally:
        running.kill()
    assert out == "" and running.returncode != 0
    had = part.stat().st_size
    assert 2000 < had < len(contents["gzip.zip"])
    assert not (cache_folder() / "letters" / "gzip.zip").exists()
    (path,) = server.behaviours
    server.behaviours[path] = good(contents["gzip.zip"])
    use(small)
    assert len(load_letters()) == N_TRAIN + N_TEST
    assert server.ranges == ["", f"bytes={had}-"]


def test_two_processes_at_once(server, made):
    def slow(name, content):
        return (server.at(server.drips(content, 0.005, len(content) // 20), name),)

    small = small_letters(made, slow)
    both = [program(small) for _ in range(2)]
    outs = []
    for running in both:
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
        outs.append(out)
    assert outs[0] == outs[1] != ""
    assert server.ranges == [""]
    assert kept("letters") == sorted([".lock", "manifest.json", *LETTERS.parts])


def test_http_is_only_loaded_when_something_is_fetched(fashion):
    load_fashion()
    code = PROGRAM.format(small=fashion)
    code += "print('urllib.request' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_the_manifest(letters):
    load_letters()
    path = cache_folder() / "letters" / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["archive"] == letters.files[0].sha256
    for name, about in manifest["files"].items():
        file = path.parent / name
        assert file.stat().st_size == about["size"]
        assert cache.sha256_of(file) == about["sha256"]
