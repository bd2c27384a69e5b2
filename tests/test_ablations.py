"""The ablations: tools that the engine does not have, and runs that go on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ardoise import DivergenceError
from ardoise.digits.recipes import RECIPES
from ardoise.engine.arrays import Array
from ardoise.engine.layers import Conv2D
from ardoise.engine.network import Network
from benchmarks.ablations import __main__ as program
from benchmarks.ablations import kept, muon, starts, variants
from benchmarks.ablations.tables import TABLES, Table
from benchmarks.ablations.variants import Data, Variant
from benchmarks.records import found, render

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (96, 28, 28, 1), dtype=np.uint8)
DATA = Data(IMAGES[:64], np.arange(64) % 10, IMAGES[64:], np.arange(32) % 10)
FASTEST = replace(RECIPES["fastest"], batch_size=32)


# -- tools ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(216, 32), (25, 24), (8, 50)])
def test_newton_schulz_comes_near_to_an_orthogonal_matrix(shape: tuple) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape)
    u, _, vt = np.linalg.svd(matrix, full_matrices=False)
    near = muon.orthogonalise(matrix)
    assert near.shape == shape
    values = u.T @ near @ vt.T  # with the same singular vectors
    np.testing.assert_allclose(values, np.eye(min(shape)) * values, atol=1e-9)
    assert 0.6 < np.diag(values).min() and np.diag(values).max() < 1.25


def bound(ratio: float, kernels: slice, decay: float = 0.0) -> tuple[Network, Any]:
    network = FASTEST.build((28, 28, 1), 10, seed=0)
    names = muon.kernels_of(network)
    assert names == ["0.W", "4.W"]
    optimizer = muon.Muon(
        network.layout, names[kernels], ratio=ratio, weight_decay=decay
    )
    half = network.n_params // 2
    sections = [slice(0, half), slice(half, network.n_params)]
    optimizer.bind(network.theta, network.grad, sections=sections)
    return network, optimizer


def test_muon_turns_kernels_and_leaves_the_rest_to_adam() -> None:
    network, optimizer = bound(10.0, slice(None))
    adam = FASTEST.build((28, 28, 1), 10, seed=0)
    rule = variants.optimizers.AdamW(weight_decay=0.0)
    rule.bind(adam.theta, adam.grad)
    before = {name: W.copy() for name, W in network.parameters().items()}
    for _ in range(3):
        gradient = RNG.standard_normal(network.n_params)
        network.grad[...] = adam.grad[...] = gradient
        first = network.gradients()["0.W"].reshape(-1, 24).copy()
        optimizer.step(0.01)
        rule.step(0.01)
        if optimizer.t == 1:
            # g + momentum g points as g does; the step's length is rate · ratio · √24.
            W = before["0.W"].reshape(-1, 24)
            turned = W - 0.1 * muon.orthogonalise(first)
            turned *= np.linalg.norm(W) / np.linalg.norm(turned)
            got = network.parameters()["0.W"].reshape(-1, 24)
            np.testing.assert_allclose(got, turned, atol=1e-6)
    for name, W in network.parameters().items():
        if name in ("0.W", "4.W"):
            assert np.linalg.norm(W) == pytest.approx(np.linalg.norm(before[name]))
            assert not np.allclose(W, before[name], atol=0.01)
        else:
            np.testing.assert_array_equal(W, adam.parameters()[name])


def test_a_ratio_of_0_freezes() -> None:
    network, optimizer = bound(0.0, slice(1))
    before = {name: W.copy() for name, W in network.parameters().items()}
    network.grad[...] = 1.0
    optimizer.step(0.01)
    same = {n for n, W in network.parameters().items() if np.all(W == before[n])}
    assert same == {"0.W"}


def smooth_images() -> Array:
    """Return images whose neighbouring pixels are alike."""
    noise = RNG.random((64, 34, 34))
    blurred = sum(noise[:, i : i + 28, j : j + 28] for i in range(7) for j in range(7))
    return (255 * (blurred - 10) / 30).clip(0, 255).astype(np.uint8)[..., None]


def test_white_patches() -> None:
    images = smooth_images()
    kernel = starts.whitening_kernel(images, 3, 4)
    layer = Conv2D(4, 3, use_bias=False)
    network = Network([layer], (28, 28, 1), seed=0)
    network.parameters()["0.W"][...] = kernel
    y = network.predict_logits(images).reshape(-1, 4)
    covariance = np.cov(y[:, :2], rowvar=False)
    patches = np.lib.stride_tricks.sliding_window_view(
        images[..., 0] / 255, (3, 3), (1, 2)
    ).reshape(-1, 9)
    values = np.linalg.eigvalsh(np.cov(patches, rowvar=False))[:-3:-1]
    expected = np.diag(values / (values + starts.EPSILON))  # white but for epsilon
    np.testing.assert_allclose(covariance, expected, atol=1e-3)
    np.testing.assert_allclose(y[:, 2:], -y[:, :2], atol=1e-5)
    W = RNG.standard_normal((3, 3, 1, 4))
    length = np.linalg.norm(W)
    starts.whiten(W, images)
    np.testing.assert_allclose(W / np.linalg.norm(W), kernel / np.linalg.norm(kernel))
    assert np.linalg.norm(W) == pytest.approx(length)


@pytest.mark.parametrize(("channels", "filters"), [(3, 5), (4, 2)])
def test_a_layer_that_passes_its_input_through(channels: int, filters: int) -> None:
    network = Network([Conv2D(filters, 3, padding="same")], (6, 6, channels), seed=0)
    W = network.parameters()["0.W"]
    drawn = W.copy()
    starts.pass_through(W)
    x = RNG.random((2, 6, 6, channels), dtype=np.float32)
    n = min(channels, filters)
    np.testing.assert_array_equal(network.predict_logits(x)[..., :n], x[..., :n])
    np.testing.assert_array_equal(W[..., n:], drawn[..., n:])


def test_shifts_by_a_pixel() -> None:
    image = np.zeros((1, 5, 5, 1), np.uint8)
    image[0, 2, 2, 0] = 1
    alone, *_ = shifted = variants.shifted(image, 8)
    np.testing.assert_array_equal(alone, image)
    places = [tuple(int(i[0]) for i in each[0, :, :, 0].nonzero()) for each in shifted]
    assert {abs(i - 2) + abs(j - 2) for i, j in places[:5]} == {0, 1}
    assert sorted(places) == [(i, j) for i in (1, 2, 3) for j in (1, 2, 3)]
    assert len(variants.shifted(image, 0)) == 1


# -- variants -------------------------------------------------------------------------


def test_the_cut_leaves_the_test_images_alone() -> None:
    data = variants.load()
    assert [len(part) for part in data] == [50_000, 50_000, 10_000, 10_000]
    images = variants.load_mnist().images
    both = np.concatenate([data.images, data.validation_images])
    theirs = np.sort(both.reshape(60_000, -1).sum(axis=1, dtype=np.int64))
    official = images[:60_000].reshape(60_000, -1).sum(axis=1, dtype=np.int64)
    np.testing.assert_array_equal(theirs, np.sort(official))


@pytest.mark.parametrize(
    "tools", [{}, {"white": True, "frozen": True}, {"dirac": True}, {"muon": 0.2}]
)
def test_a_variant_is_trained(tools: dict[str, Any]) -> None:
    variant = Variant("a", FASTEST, **tools)
    first, again = (variants.train(variant, DATA, 3, 1) for _ in range(2))
    np.testing.assert_array_equal(first.theta, again.theta)
    W = first.parameters()["0.W"]
    if "frozen" in tools:
        white = starts.whitening_kernel(DATA.images, 5, 24)
        np.testing.assert_allclose(
            W / np.linalg.norm(W), white / np.linalg.norm(white), atol=1e-6
        )
    plain = variants.train(Variant("b", FASTEST), DATA, 3, 1)
    assert bool(tools) != np.array_equal(first.theta, plain.theta)
    assert 0 <= variants.accuracy(first, DATA, 4) <= 1


def test_what_changes_a_score_is_in_the_digest() -> None:
    base = Variant("a", FASTEST)
    assert base.digest() == replace(base, name="b").digest()
    others = [
        replace(base, white=True),
        replace(base, shifts=4),
        replace(base, muon=0.1),
        replace(base, recipe=replace(FASTEST, epochs=2)),
    ]
    assert len({base.digest(), *(other.digest() for other in others)}) == 5
    assert base.training() == others[1].training() != others[0].training()
    assert "weight_average" not in base.config()["recipe"]  # as it is by default


@pytest.mark.parametrize("name", TABLES)
def test_the_tables(name: str) -> None:
    table = TABLES[name]
    _, *others = table.variants
    assert RECIPES[name] in [v.recipe for v in table.variants[:2]]
    assert len({v.name for v in table.variants}) == len(table.variants)
    assert len({v.digest() for v in table.variants}) == len(table.variants)
    for variant in others:
        variant.recipe.build((28, 28, 1), 10, seed=0)


# -- runs -----------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Have trainings take no time; return them as they are made."""
    done: list[tuple[str, int]] = []

    def train(variant: Variant, data: Data, seed: int, threads: int | None) -> Any:
        done.append((variant.name, seed))
        return seed

    def accuracy(network: Any, data: Data, shifts: int) -> float:
        return 0.99 + network / 1000 + shifts / 10_000

    table = Table(
        "tiny",
        "A tiny table",
        "Nothing is learned.",
        (
            Variant("as it is", FASTEST),
            Variant("white", FASTEST, white=True),
            Variant("4 shifts", FASTEST, shifts=4),
        ),
    )
    monkeypatch.setattr(program, "TABLES", {"tiny": table})
    monkeypatch.setattr(program, "train", train)
    monkeypatch.setattr(program, "accuracy", accuracy)
    monkeypatch.setattr(program, "data", lambda: DATA)
    return done


def test_it_goes_on_where_it_was_stopped(
    tmp_path: Path,
    quick: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    argv = ["tiny", "--folder", str(tmp_path), "--seeds", "2"]
    train = program.train

    def stop(variant: Variant, *more: Any) -> Any:
        if variant.white:
            raise KeyboardInterrupt
        return train(variant, *more)

    with monkeypatch.context() as patch:
        patch.setattr(program, "train", stop)
        assert program.main(argv) == 130
    # One training is read in two ways.
    assert quick == [("as it is", 0), ("as it is", 1)]
    assert program.main(argv) == 0
    assert quick[2:] == [("white", 0), ("white", 1)]
    assert program.main(argv) == 0 and len(quick) == 4
    program.main([*argv[:-1], "0,3"])
    assert quick[4:] == [("as it is", 3), ("white", 3)]
    assert "[2/2] tiny, white, seed 3: 99.30 %, 0 s" in capsys.readouterr().err

    (read,) = found.read_ablations(tmp_path)
    assert read.title == "A tiny table"
    name, seeds, scores = read.rows[0]
    assert (name, seeds) == ("as it is", [0, 1, 3])
    assert scores == pytest.approx([99.0, 99.1, 99.3])
    row = "| 4 shifts | 99.04 99.14 99.34 | 99.173 ± 0.153 | +0.040 ± 0.000 |"
    program.main(argv)
    assert row in render.render(tmp_path) and row in capsys.readouterr().out


def test_changed_settings_are_run_again(
    tmp_path: Path, quick: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    argv = ["--folder", str(tmp_path), "--seeds", "0,"]
    assert program.main(argv) == 0
    table = program.TABLES["tiny"]
    before = json.loads(kept.path_of(tmp_path, table).read_text("utf-8"))
    base, white, shifts = table.variants
    other = replace(white, recipe=replace(FASTEST, epochs=2))
    changed = replace(table, variants=(base, other, shifts))
    monkeypatch.setattr(program, "TABLES", {"tiny": changed})
    assert list(kept.read(tmp_path, changed)) == ["as it is", "4 shifts"]
    renamed = replace(table, variants=(replace(base, name="as it was"), white))
    assert kept.read(tmp_path, renamed)["as it was"] == {
        **before["rows"][0],
        "name": "as it was",
    }
    quick.clear()
    assert program.main(argv) == 0
    assert quick == [("white", 0)]
    after = json.loads(kept.path_of(tmp_path, table).read_text("utf-8"))
    assert after["rows"][0] == before["rows"][0]
    assert after["rows"][1]["digest"] != before["rows"][1]["digest"]
    assert after["rows"][1]["config"]["recipe"]["epochs"] == 2


def test_a_run_that_fails_does_not_end_the_others(
    tmp_path: Path, quick: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    train = program.train

    def fail(variant: Variant, data: Data, seed: int, threads: int | None) -> Any:
        if seed == 0:
            raise DivergenceError(1, 2, 0.1)
        return train(variant, data, seed, threads)

    monkeypatch.setattr(program, "train", fail)
    assert program.main(["--folder", str(tmp_path), "--seeds", "2"]) == 1
    assert quick == [("as it is", 1), ("white", 1)]


def test_what_makes_no_sense(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        program.parse(["none"])
    assert "no table none; there are fastest, cnn, mlp" in capsys.readouterr().err
