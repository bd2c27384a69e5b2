"""The model file: it comes back to the bit, or is refused in one sentence."""

import copy
import hashlib
import json
import tracemalloc

import numpy as np
import pytest
import safetensors
import safetensors.numpy

from ardoise import BatchNorm, Dense, Dropout, Flatten, LayerNorm, Network, ReLU
from ardoise.engine import losses
from ardoise.files import Model, ModelFileError, load_model, save_model
from ardoise.files.model import MAX_HEADER
from ardoise.files.safetensors import UNSEALED
from ardoise.messages import LANGUAGES
from tests.fuzz.sealed import places, put

LOSS = losses.get({"name": "softmax_cross_entropy", "label_smoothing": 0.1})
DETAILS = {"recipe": "mlp", "naïve": ["é", 1, None, 0.1], "nested": {"a": {}}}


def model(dtype="float32", seed=0) -> Model:
    """Return a small model with some of everything, its state not as it began."""
    layers = [
        *(Flatten(), Dense(5), BatchNorm(), ReLU(), Dropout(0.2)),
        *(Dense(4, use_bias=False), LayerNorm(), Dense(3)),
    ]
    network = Network(layers, (2, 3, 1), dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    network.state[...] = rng.random(network.state.shape)
    return Model(network, ("chat", "chien", "élan"), LOSS, copy.deepcopy(DETAILS))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def content(path):
    save_model(path, model())
    return path.read_bytes()


def refused(path, content, key="model.damaged"):
    """Expect that such a file is refused, in one line in each language."""
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    error = caught.value
    assert error.key == key, error.__cause__
    for lang in LANGUAGES:
        assert str(path) in error.sentence(lang) and "\n" not in error.sentence(lang)
    return error


# -- there and back -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_comes_back_to_the_bit(path, dtype):
    before = model(dtype)
    save_model(path, before)
    after = load_model(str(path))
    for vector in ("theta", "state"):
        old, new = getattr(before.network, vector), getattr(after.network, vector)
        assert new.dtype == dtype and new.flags.writeable
        assert old.tobytes() == new.tobytes()
    assert after.network.config() == before.network.config()
    assert after.classes == before.classes
    assert after.loss.config() == before.loss.config()
    assert after.details == before.details
    x = np.random.default_rng(1).random((9, 2, 3, 1))
    np.testing.assert_array_equal(
        after.network.predict_logits(x), before.network.predict_logits(x)
    )


def test_the_same_model_gives_the_same_bytes(path, content):
    save_model(path, load_model(path))
    assert path.read_bytes() == content


def test_a_loaded_network_can_learn_on(path, content):
    from ardoise import fit

    loaded = load_model(path).network
    x = np.random.default_rng(1).random((30, 2, 3, 1))
    before = loaded.theta.copy()
    fit(loaded, x, np.arange(30) % 3, epochs=1, threads=1, seed=0)
    assert not np.array_equal(loaded.theta, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_safetensors_reads_it(path, dtype):
    before = model(dtype)
    save_model(path, before)
    network = before.network
    expected = network.parameters() | network.state_layout.views(network.state)
    arrays = safetensors.numpy.load_file(path)
    assert arrays.keys() == expected.keys()
    for key, array in arrays.items():
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, expected[key])
    with safetensors.safe_open(path, "numpy") as file:
        about = json.loads(file.metadata()["ardoise"])
    assert about["classes"] == ["chat", "chien", "élan"]


def test_the_arrays_begin_at_a_multiple_of_8(content):
    assert int.from_bytes(content[:8], "little") % 8 == 0


# -- what cannot be saved -------------------------------------------------------------


@pytest.mark.parametrize(
    "details", [{"a": object()}, {"a": float("nan")}, {"a": "x" * MAX_HEADER}]
)
def test_details_that_cannot_be_saved(path, content, details):
    good = model()
    with pytest.raises((TypeError, ValueError)):
        save_model(path, Model(good.network, good.classes, good.loss, details))
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        save_model(tmp_path / "none" / "model", model())


# -- what cannot be loaded ------------------------------------------------------------


def test_every_truncation_is_noticed(path, content):
    for size in range(len(content)):
        refused(path, content[:size])
    refused(path, content + b"\0")


@pytest.mark.parametrize("flip", [0xFF])
def test_every_damaged_byte(path, content, flip):
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= flip
        refused(path, damaged)


def test_every_single_bit(path, content):
    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            load_model(path)


def split(content):
    """Return a file's header, what it says of Ardoise, and its arrays."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    return header, json.loads(header["__metadata__"]["ardoise"]), content[8 + size :]


def join(header, about, body):
    """Return such a file, with the digest that fits it; ``about`` can be any text."""
    about = about if isinstance(about, str) else json.dumps(about)
    text = header
    if not isinstance(header, bytes):
        metadata = {"ardoise": about, "sha256": UNSEALED}
        text = json.dumps(header | {"__metadata__": metadata}).encode()
    content = len(text).to_bytes(8, "little") + text + body
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(UNSEALED.encode(), digest, 1)


NASTY = [
    *(None, True, -1, 0, 1, 2, 0.5, 10**9, 10**30, 1e308, "", "x", "Dense", "float64"),
    *([], [1], [10**9] * 3, {}, {"name": "uniform"}, {"type": "Dense", "units": 10**9}),
]


def survives(path, content, megabytes=2):
    """Load a hostile file: a model or a `ModelFileError`, with little memory."""
    path.write_bytes(content)
    tracemalloc.start()
    try:
        loaded = load_model(path)
    except ModelFileError:
        return
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < megabytes << 20
    assert np.isfinite(loaded.network.theta).all()
    assert len(loaded.classes) == loaded.network.output_shape[0]


@pytest.mark.parametrize("value", NASTY, ids=repr)
def test_a_hostile_value_anywhere(path, content, value):
    header, about, body = split(content)
    for route in places(about):
        survives(path, join(header, put(about, route, value), body))
    for route in places(header):
        if route[:1] != ("__metadata__",):
            changed = put(header, route, value)
            if isinstance(changed, dict):
                survives(path, join(changed, about, body))


def test_numbers_that_json_does_not_know(path, content):
    header, about, body = split(content)
    text = json.dumps(about)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999"):
        assert '"units": 5' in text
        refused(
            path, join(header, text.replace('"units": 5', f'"units": {number}'), body)
        )
        lied = text.replace('"rate": 0.2', f'"rate": {number}')
        refused(path, join(header, lied, body))


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b" ", b"null", b"[]", b"{}", b"1", b'"text"', b"\xff\xfe", b"{"),
        *(b'{"__metadata__": {}}', b'{"__metadata__": {"ardoise": "{}"}}'),
        *(b"[" * 100_000, b'{"a":' * 50_000, b"9" * 100_000),
        b'{"__metadata__": {"ardoise": "' + b"[" * 100_000 + b'"}}',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_headers_that_are_none(path, text):
    refused(path, join(text, None, b""))


def test_names_that_come_twice(path, content):
    header, about, body = split(content)
    text = join(header, about, body)[8 : -len(body)]
    twice = text.replace(b'{"__metadata__"', b'{"1.b": {}, "__metadata__"')
    refused(path, join(twice, "", body))
    lied = json.dumps(about).replace('"format": 2', '"format": 2, "format": 2')
    refused(path, join(header, lied, body))


def test_a_header_longer_than_is_read(path, content):
    for size in (MAX_HEADER + 1, 2**40, 2**63, 2**64 - 1):
        path.write_bytes(size.to_bytes(8, "little") + content[8:])
        tracemalloc.start()
        with pytest.raises(ModelFileError):
            load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()


def test_a_layer_that_is_not_in_the_table(path, content):
    header, about, body = split(content)
    for name in ("Lambda", "__class__", "os.system", "Layer", "dense"):
        about["network"]["layers"][0]["type"] = name
        refused(path, join(header, about, body))


def test_arrays_that_are_not_those_of_the_architecture(path, content):
    header, about, body = split(content)
    line = header["1.W"]
    for change in (
        *({"dtype": "F64"}, {"shape": [5, 6]}, {"data_offsets": [4, 124]}),
        *({"shape": [30]}, {"extra": 1}),
    ):
        refused(path, join(header | {"1.W": line | change}, about, body))
    refused(path, join({k: v for k, v in header.items() if k != "1.W"}, about, body))
    refused(path, join(header | {"8.W": line}, about, body))


def test_weights_that_are_not_finite(path):
    for value in (np.nan, np.inf, -np.inf):
        diverged = model()
        diverged.network.theta[7] = value
        save_model(path, diverged)
        refused(path, path.read_bytes(), "model.not_finite")


def test_another_format(path, content):
    header, about, body = split(content)
    refused(path, join(header, about | {"format": 3}, body), "model.format")
    refused(path, join(header, about | {"format": "x" * 9999}, body), "model.format")


def test_as_many_classes_as_outputs(path, content):
    header, about, body = split(content)
    for classes in ([], ["a"], ["a"] * 4, "ab", None, 3):
        refused(path, join(header, about | {"classes": classes}, body))


def test_what_the_system_refuses(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path, english, french in (
        ("none", "there is no such file or folder", "n’existe pas"),
        (".", "it is a folder", "c’est un dossier"),
        ("file/model", "is a file, not a folder", "est un fichier, pas un dossier"),
    ):
        with pytest.raises(ModelFileError) as caught:
            load_model(tmp_path / path)
        assert caught.value.key == "model.unreadable"
        assert english in caught.value.sentence("en")
        assert french in caught.value.sentence("fr")


def test_a_file_that_never_ends():
    with pytest.raises(ModelFileError):
        load_model("/dev/zero")
