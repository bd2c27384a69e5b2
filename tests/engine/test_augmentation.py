"""Augmentation: the same as SciPy's resampling, and random as it says."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from check_layer import peak_memory, same
from scipy import ndimage

import ardoise
from ardoise.engine import augmentation as module
from ardoise.engine.augmentation import Augmentation, augmenter, get, warping
from ardoise.engine.augmentation.augmenter import draw_maps
from ardoise.engine.augmentation.pixels import (
    ERASED_AREA,
    Noise,
    Strokes,
    draw_cutout,
    draw_erased,
)
from ardoise.engine.augmentation.warping import (
    ElasticFields,
    Margins,
    Resampler,
    field_basis,
    inverse_maps,
)
from ardoise.engine.errors import ShapeError

SHAPES = [(28, 28, 1), (7, 10, 3), (9, 5, 2), (1, 1, 1)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
both_dtypes = pytest.mark.parametrize("dtype", ["f4", "f8"])
EVERYTHING = {
    "rotation": 20,
    "translation": 2.5,
    "scale": 0.2,
    "stretch": 0.1,
    "shear": 15,
    "elastic": (34, 4),
    "shift": 1,
    "thickness": 1.5,
    "noise": 0.1,
    "erasing": 0.5,
    "cutout": 5,
    "probability": 0.9,
}
ONE_EACH = [{k: v} for k, v in EVERYTHING.items() if k != "probability"]
every_kind = pytest.mark.parametrize(
    "settings", [*ONE_EACH, EVERYTHING], ids=lambda s: "+".join(s)
)


def pictures(n=6, shape=(28, 28, 1), dtype="f4", seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "u1":
        return rng.integers(0, 256, (n, *shape)).astype(dtype)
    return rng.random((n, *shape)).astype(dtype)


def generator():
    return np.random.default_rng(7)


def resampled(images, maps, displacements=None):
    margins = Margins(images.shape[1:], len(images), 2, images.dtype)
    margins.images(len(images))[...] = images
    return Resampler(margins)(maps, displacements)


def close(a, b):
    np.testing.assert_allclose(a, b, atol=1e-6)


def maps_of(shape, n=1, *, angle=0.0, factors=(1, 1), slope=0.0, translation=(0, 0)):
    return inverse_maps(
        shape[:2],
        angle=np.full(n, angle, float),
        factors=np.repeat(np.array(factors, float)[:, np.newaxis], n, axis=1),
        slope=np.full(n, slope, float),
        translation=np.repeat(np.array(translation, float)[:, np.newaxis], n, axis=1),
    )


# -- one resampling, as SciPy does it --------------------------------------------------


@every_shape
@both_dtypes
def test_any_affine_map_is_scipy_s(shape, dtype):
    images = pictures(20, shape, dtype)
    everything = Augmentation(
        rotation=180, translation=4, scale=0.5, stretch=0.5, shear=45
    )
    maps = draw_maps(everything, shape[:2], np.ones(20), generator())
    found = resampled(images, maps)
    for image, result, i in zip(images, found, range(20), strict=True):
        for channel in range(shape[2]):
            expected = ndimage.affine_transform(
                image[..., channel].astype("f8"),
                maps[:, i, :2],
                maps[:, i, 2],
                order=1,
                mode="grid-constant",
            )
            np.testing.assert_allclose(result[..., channel], expected, atol=1e-5)


@every_shape
@both_dtypes
def test_maps_and_displacements_are_scipy_s(shape, dtype):
    h, w, c = shape
    images = pictures(5, shape, dtype)
    maps = draw_maps(Augmentation(rotation=30), (h, w), np.ones(5), generator())
    fields = generator().normal(0, 3, (2, 5, h * w)).astype(dtype)
    found = resampled(images, maps, fields)
    grid = np.stack([*np.indices((h, w)).reshape(2, -1), np.ones(h * w)])
    for i in range(5):
        places = (maps[:, i] @ grid + fields[:, i]).reshape(2, h, w)
        for channel in range(c):
            expected = ndimage.map_coordinates(
                images[i, ..., channel].astype("f8"),
                places,
                order=1,
                mode="grid-constant",
            )
            np.testing.assert_allclose(found[i, ..., channel], expected, atol=1e-5)


@every_shape
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_nothing_changes_no_bit(shape, dtype):
    images = pictures(5, shape, dtype)
    same(Augmentation()(images, generator()), images)
    everything = {**EVERYTHING, "probability": 0, "shift": 0}
    same(Augmentation(**everything)(images, generator()), images)
    if dtype != "u1":
        same(resampled(images, maps_of(shape, 5)), images)


def test_bytes_are_read_as_without_augmentation():
    images = pictures(dtype="u1")
    out = np.empty(images.shape, "f4")
    for settings in ({}, {**EVERYTHING, "probability": 0}):
        assert Augmentation(**settings)(images, generator(), out) is out
        same(out, images * np.float32(1 / 255))


@every_shape
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_rotation_by_90_degrees(shape, k):
    h, _, c = shape
    images = pictures(4, (h, h, c))
    found = resampled(images, maps_of((h, h), 4, angle=k * math.pi / 2))
    np.testing.assert_allclose(found, np.rot90(images, k, (1, 2)), atol=1e-5)


@pytest.mark.parametrize("shift", [(0, 2), (3, 0), (-1, 4), (-30, 0), (2, -2)])
def test_a_translation_by_whole_pixels_is_a_slice(shift):
    images = pictures(3, (9, 8, 2))
    same(
        resampled(images, maps_of((9, 8), 3, translation=shift)), moved(images, *shift)
    )


def moved(images, down, right):
    """Return the images moved, with slices."""
    _, h, w, _ = images.shape
    expected = np.zeros_like(images)
    if abs(down) < h and abs(right) < w:
        to = [
            slice(max(0, d), d + s if d < 0 else s) for d, s in ((down, h), (right, w))
        ]
        by = [slice(max(0, -d), s - max(0, d)) for d, s in ((down, h), (right, w))]
        expected[:, to[0], to[1]] = images[:, by[0], by[1]]
    return expected


def test_factors_enlarge_about_the_centre():
    image = np.zeros((1, 15, 15, 1), "f4")
    image[0, 6:9, 6:9] = 1
    tall = resampled(image, maps_of((15, 15), factors=(3, 1)))[0, ..., 0]
    assert tall[:, 7].sum() == pytest.approx(9)
    assert tall[7].sum() == pytest.approx(3)
    np.testing.assert_allclose(tall, tall[::-1, ::-1], atol=1e-6)


def test_a_slope_leans_to_the_right():
    image = np.zeros((1, 9, 9, 1), "f4")
    image[0, :, 4] = 1
    leaning = resampled(image, maps_of((9, 9), slope=0.5))[0, ..., 0]
    np.testing.assert_allclose(leaning @ np.arange(9), 4 + (4 - np.arange(9)) / 2)


def test_images_can_be_too_large(monkeypatch):
    monkeypatch.setattr(warping, "MOST_PIXELS", 1000)
    with pytest.raises(ShapeError, match="16 million pixels; got 40 × 40"):
        Augmentation(rotation=1).prepare((40, 40, 1), 1, "f4")


# -- what is drawn --------------------------------------------------------------------


def test_maps_are_drawn_as_the_settings_say():
    n, chosen = 4000, np.ones(4000)
    settings = Augmentation(rotation=30)
    maps = draw_maps(settings, (28, 28), chosen, generator())
    angles = np.degrees(np.arctan2(maps[0, :, 1], maps[0, :, 0]))
    assert (angles.min(), angles.max()) == (
        pytest.approx(-30, abs=0.1),
        pytest.approx(30, abs=0.1),
    )
    assert angles.std() == pytest.approx(30 / math.sqrt(3), rel=0.05)
    maps = draw_maps(Augmentation(translation=2.5), (28, 28), chosen, generator())
    assert abs(maps[:, :, 2]).max() == pytest.approx(2.5, abs=0.01)
    assert abs(np.corrcoef(maps[:, :, 2])[0, 1]) < 0.05
    maps = draw_maps(Augmentation(scale=0.2), (28, 28), chosen, generator())
    same(maps[0, :, 0], maps[1, :, 1])
    assert (1 / maps[0, :, 0]).max() == pytest.approx(1.2, abs=0.01)
    maps = draw_maps(Augmentation(stretch=0.2), (28, 28), chosen, generator())
    assert abs(np.corrcoef(maps[0, :, 0], maps[1, :, 1])[0, 1]) < 0.05
    maps = draw_maps(Augmentation(shear=45), (28, 28), chosen, generator())
    assert maps[1, :, 0].max() == pytest.approx(1, abs=0.01)
    shifts = draw_maps(Augmentation(shift=2), (28, 28), chosen, generator())[:, :, 2]
    assert np.unique(shifts).tolist() == [-2, -1, 0, 1, 2]
    assert shifts.shape == (2, n)


@pytest.mark.parametrize("dtype", ["f4", "u1"])
def test_shifts_are_whole_and_all_there(dtype):
    images = np.repeat(pictures(1, (6, 7, 2), dtype), 600, axis=0)
    found = Augmentation(shift=2)(images, generator())
    seen = set()
    wanted = {
        (down, right): moved(images[:1], down, right)[0]
        for down in range(-2, 3)
        for right in range(-2, 3)
    }
    for image in found:
        (place,) = [k for k, v in wanted.items() if np.array_equal(image, v)]
        seen.add(place)
    assert len(seen) == 25


@pytest.mark.parametrize(("alpha", "sigma"), [(34, 4), (8, 2), (5, 0.5), (100, 40)])
def test_fields_are_simard_s(alpha, sigma):
    """The covariance of uniform noise, smoothed, far from the border."""
    h, w, n = 14, 10, 4000
    fields = ElasticFields((h, w), n, alpha, sigma, "f4")(np.ones(n), generator())
    fields = fields.reshape(2 * n, h, w).astype("f8")
    size = 2 * math.ceil(5 * sigma) + 1
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1
    smooth = ndimage.gaussian_filter(impulse, sigma, mode="constant", truncate=5)
    deviation = alpha * math.sqrt((smooth**2).sum() / 3)
    assert fields.std() == pytest.approx(deviation, rel=0.03)
    if sigma >= 1:
        expected = alpha / (2 * sigma * math.sqrt(3 * math.pi))
        assert deviation == pytest.approx(expected, rel=0.01)
    # As large at the border, and correlated as a Gaussian of twice the variance.
    assert fields[:, 0, 0].std() == pytest.approx(deviation, rel=0.06)
    for distance in (1, 3):
        line = field_basis(40, sigma)
        correlation = line[20] @ line[20 + distance] / (line[20] @ line[20])
        pairs = (fields[:, distance:] * fields[:, :-distance]).mean()
        assert pairs / deviation**2 == pytest.approx(correlation, abs=0.03)
        if sigma >= 2:
            wanted = math.exp(-(distance**2) / (4 * sigma**2))
            assert correlation == pytest.approx(wanted, abs=0.01)
    down, right = fields.reshape(2, -1)
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.1


def test_a_basis_has_as_few_columns_as_the_field_is_smooth():
    assert field_basis(28, 4).shape == (28, 7)
    assert field_basis(28, 100).shape[1] <= 2
    assert field_basis(28, 0.1).shape == (28, 28)
    assert field_basis(1, 4).shape == (1, 1)


def test_elastic_amounts():
    make = ElasticFields((8, 8), 2, 10, 2, "f4")
    fields = make(np.array([0, 1]), generator()).copy()
    assert not fields[:, 0].any()
    assert fields[:, 1].any()


def test_noise_is_normal():
    values = np.zeros((64, 28, 28, 1), "f4")
    Noise(values.size)(values, np.full(64, 0.5), generator())
    flat = values.reshape(-1) / 0.5
    assert flat.mean() == pytest.approx(0, abs=0.02)
    assert flat.std() == pytest.approx(1, abs=0.01)
    assert (flat**3).mean() == pytest.approx(0, abs=0.05)
    assert (flat**4).mean() == pytest.approx(3, abs=0.1)
    assert abs(np.corrcoef(flat[: len(flat) // 2], flat[len(flat) // 2 :])[0, 1]) < 0.02
    assert (abs(flat) > 3).mean() == pytest.approx(0.0027, abs=0.0008)


def test_noise_of_an_odd_count_and_none():
    values = np.zeros((3, 1, 1, 1), "f8")
    Noise(3)(values, np.array([1, 0, 1]), generator())
    assert values[0] and values[2]
    assert not values[1]


def test_bytes_with_noise_stay_in_range():
    images = np.zeros((4, 28, 28, 1), np.uint8)
    images[:2] = 255
    found = Augmentation(noise=0.1)(images, generator())
    assert found.dtype == np.uint8
    assert found[2:].max() < 150
    assert found[:2].min() > 100
    assert (found[2:] == 0).mean() == pytest.approx(0.5, abs=0.05)


def test_erased_rectangles():
    chosen = np.arange(4000) % 2
    top, bottom, left, right = draw_erased((20, 30), chosen, generator())
    area = ((bottom - top) * (right - left)) / 600
    assert not area[::2].any()
    area = area[1::2]
    assert 0.01 < area.min() < 0.03
    assert 0.35 < area.max() < 0.43
    assert area.mean() == pytest.approx(np.mean(ERASED_AREA), rel=0.05)
    assert top.min() == 0 and left.min() == 0
    assert bottom.max() == 20 and right.max() == 30
    for side in (top, left, bottom, right):
        same(side, np.rint(side))


def test_erasing_fills_one_rectangle_with_noise():
    images = np.full((400, 20, 30, 2), 2, "f4")
    found = Augmentation(erasing=0.5)(images, generator())
    erased = found != 2
    same(erased[..., 0], erased[..., 1])
    some = erased.any(axis=(1, 2, 3))
    assert some.mean() == pytest.approx(0.5, abs=0.1)
    for mask in erased[some][..., 0]:
        rows, columns = mask.any(1), mask.any(0)
        same(mask, rows[:, np.newaxis] & columns)
    noise = found[erased]
    assert noise.min() >= 0 and noise.max() < 1
    assert noise.std() == pytest.approx(1 / math.sqrt(12), rel=0.05)


def test_cutout_is_a_square_around_any_pixel():
    chosen = np.arange(2000) % 2
    top, bottom, left, right = draw_cutout((8, 6), 3, chosen, generator())
    same(bottom - top, 3 * chosen)
    same(right - left, np.full(2000, 3))
    assert np.unique(top).tolist() == [*range(-1, 7)]
    assert np.unique(left).tolist() == [*range(-1, 5)]
    found = Augmentation(cutout=3)(np.ones((300, 8, 6, 1), "f4"), generator())
    holes = (found == 0).sum(axis=(1, 2, 3))
    assert set(holes.tolist()) == {4, 6, 9}


def test_strokes_grow_and_shrink_by_a_disc():
    images = pictures(5, (9, 8, 2))
    margins = Margins((9, 8, 2), 5, 2, "f4")
    inside = margins.images(5)
    inside[...] = images
    amounts = np.array([1, -1, 0, 0.25, -2])
    Strokes(margins)(amounts)
    cross = ndimage.generate_binary_structure(2, 1)[..., np.newaxis]

    def grown(image, how):
        return how(image, footprint=cross, mode="constant", cval=0)

    close(inside[0], grown(images[0], ndimage.grey_dilation))
    close(inside[1], grown(images[1], ndimage.grey_erosion))
    same(inside[2], images[2])
    full = grown(images[3], ndimage.grey_dilation)
    close(inside[3], images[3] + (full - images[3]) / 4)
    once = grown(images[4], ndimage.grey_erosion)
    close(inside[4], grown(once, ndimage.grey_erosion))
    margins.images(5)[...] = 0
    assert not margins.padded.any()


# -- as a whole -----------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("shape", SHAPES[:-1], ids=str)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "u1"])
def test_every_kind_changes_images_and_leaves_what_it_was_given(settings, shape, dtype):
    images = pictures(10, shape, dtype)
    images.flags.writeable = False
    change = Augmentation(**settings)
    found = change(images, generator())
    assert (found.shape, found.dtype) == (images.shape, images.dtype)
    assert np.isfinite(found).all()
    assert not np.array_equal(found, images)
    same(found, change(images, generator()))
    assert not np.array_equal(found, change(images, np.random.default_rng(8)))


@every_kind
def test_both_dtypes_draw_the_same(settings):
    images = pictures(10, (12, 9, 2))
    one = Augmentation(**settings)(images, generator())
    two = Augmentation(**settings)(images.astype("f8"), generator())
    np.testing.assert_allclose(one, two, atol=1e-4)


@every_kind
def test_the_layout_of_out_makes_no_difference(settings):
    images = pictures(10, (12, 9, 2), "u1")
    plain, turned = np.empty(images.shape, "f4"), np.empty((12, 9, 10, 2), "f4")
    Augmentation(**settings)(images, generator(), plain)
    Augmentation(**settings)(images, generator(), turned.transpose(2, 0, 1, 3))
    same(turned.transpose(2, 0, 1, 3), plain)
    rounded = Augmentation(**settings)(images, generator())
    np.testing.assert_allclose(rounded / 255, plain.clip(0, 1), atol=0.51 / 255)


def test_chosen_images_alone_change():
    images = np.repeat(pictures(1, (28, 28, 1), "u1"), 400, axis=0)
    settings = {**EVERYTHING, "probability": 0.25, "erasing": 1}
    found = Augmentation(**settings)(images, generator())
    changed = (found != images).any(axis=(1, 2, 3))
    assert changed.mean() == pytest.approx(0.25, abs=0.06)


def test_images_without_channels_and_rows():
    images = pictures(6, (8, 7, 1))
    settings = {"rotation": 10, "noise": 0.1}
    expected = Augmentation(**settings)(images, generator())
    found = Augmentation(**settings)(images[..., 0], generator())
    same(found, expected[..., 0])
    rows = Augmentation(**settings, image_shape=(8, 7, 1))
    same(rows(images.reshape(6, -1), generator()), expected.reshape(6, -1))
    same(rows(images, generator()), expected)


def test_no_images_are_no_images():
    empty = np.zeros((0, 8, 7, 1), "f4")
    for settings in (EVERYTHING, {"shift": 1}, {"thickness": 1}):
        assert Augmentation(**settings)(empty, generator()).shape == empty.shape


def test_long_batches_are_done_in_even_parts(monkeypatch):
    monkeypatch.setattr(augmenter, "CHUNK_PIXELS", 3 * 28 * 28)
    images = pictures(7)
    found = Augmentation(**EVERYTHING)(images, generator())
    rng = generator()
    parts = [Augmentation(**EVERYTHING)(images[p : p + 3], rng) for p in (0, 3, 6)]
    same(found, np.concatenate(parts))


@every_kind
def test_batches_reuse_buffers(settings):
    images = pictures(256, dtype="u1")
    out = np.empty(images.shape, "f4")
    change = Augmentation(**settings).prepare((28, 28, 1), 256, "f4")
    rng = generator()
    change(images, rng, out)
    first = out.copy()
    # One array of 64 images for whole shifts, and numbers that belong to images.
    most = 64 * 784 * 4 * 1.1 if "shift" in settings and len(settings) == 1 else 60_000
    assert peak_memory(lambda: change(images, rng, out)) < most
    assert not np.array_equal(first, out)
    assert out.nbytes > 10 * 60_000


# -- written down ---------------------------------------------------------------------


@every_kind
def test_config_is_json_and_rebuilds(settings):
    change = Augmentation(**settings)
    config = json.loads(json.dumps(change.config()))
    assert set(config) == {k for k in settings if k != "probability"} | (
        {"probability"} & set(settings)
    )
    assert get(config) == Augmentation(**config) == change
    assert pickle.loads(pickle.dumps(change)) == copy.deepcopy(change) == change
    assert hash(change) == hash(get(config))
    same(get(config)(pictures(), generator()), change(pictures(), generator()))


def test_what_is_not_set_is_not_written():
    assert Augmentation().config() == {}
    change = Augmentation(image_shape=(28, 28, 1), elastic=[34, 4])
    assert change.config() == {"elastic": [34, 4], "image_shape": [28, 28, 1]}
    assert repr(change) == (
        "Augmentation(elastic=[34.0, 4.0], image_shape=[28, 28, 1])"
    )
    assert change != Augmentation()
    assert ardoise.Augmentation is module.Augmentation


def test_get_takes_functions_and_nothing():
    assert get(None) is None
    assert get(generator) is generator
    with pytest.raises(ValueError, match=r"augment must be an Augmentation, .* got 3"):
        get(3)
    with pytest.raises(ValueError, match=r"augmentation: .*'rotate'"):
        get({"rotate": 3})


# -- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rotation": -1}, r"rotation must be a number in \[0, 180\] degrees; got -1"),
        ({"rotation": 181}, "rotation must be"),
        ({"rotation": math.nan}, "rotation must be .* got nan"),
        ({"rotation": "much"}, "rotation must be .* got 'much'"),
        ({"rotation": None}, "rotation must be .* got None"),
        ({"translation": -1}, r"translation .* at least 0 \(pixels\); got -1"),
        ({"translation": math.inf}, "translation must be a finite number"),
        ({"scale": 1}, r"scale must be a number in \[0, 1\); got 1"),
        ({"stretch": 1.5}, "stretch must be"),
        ({"shear": 90}, r"shear must be a number in \[0, 90\) degrees; got 90"),
        ({"shift": 1.5}, "shift must be a whole number of pixels; got 1.5"),
        ({"shift": -1}, "shift must be"),
        ({"cutout": 2.5}, "cutout must be a whole number"),
        ({"thickness": -0.1}, "thickness must be"),
        ({"noise": -0.1}, "noise must be a finite number of at least 0; got -0.1"),
        ({"erasing": 1.1}, r"erasing must be a number in \[0, 1\]; got 1.1"),
        ({"probability": 2}, "probability must be"),
        ({"elastic": 34}, r"elastic must be a pair \(alpha, sigma\) .* got 34"),
        ({"elastic": (34, 4, 1)}, "elastic must be a pair"),
        ({"elastic": (-1, 4)}, "elastic must be a pair"),
        ({"elastic": (34, 0)}, "elastic must be a pair"),
        ({"elastic": (34, 1000)}, "elastic must be a pair"),
        ({"image_shape": (28, 28)}, r"image_shape must be three .* got \(28, 28\)"),
        ({"image_shape": (28, 0, 1)}, "image_shape must be"),
    ],
    ids=str,
)
def test_settings_are_refused_in_one_sentence(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        Augmentation(**settings)


def test_samples_that_are_no_images():
    rng = generator()
    with pytest.raises(ShapeError, match=r"needs images, .* got samples of shape \(4"):
        Augmentation()(np.zeros((3, 4)), rng)
    with pytest.raises(ShapeError, match=r"shape \(5,\) cannot be read as images of"):
        Augmentation(image_shape=(2, 2, 1))(np.zeros((3, 5)), rng)
    with pytest.raises(ShapeError, match=r"shape \(4, 1, 1\) cannot be read"):
        Augmentation(image_shape=(2, 2, 1))(np.zeros((3, 4, 1, 1)), rng)
    with pytest.raises(
        ShapeError, match=r"shift must be less than .* 4 and 3 .* got 3"
    ):
        Augmentation(shift=3)(np.zeros((3, 4, 3, 1)), rng)
    with pytest.raises(TypeError, match=r"bytes \(uint8\) or .* got int64"):
        Augmentation()(np.zeros((3, 4, 3, 1), int), rng)


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        (np.zeros((2, 4, 3), "f4"), r"of shape \(3, 4, 3\); got float32 of shape \(2"),
        (np.zeros((3, 4, 3), int), "float32 or float64, of shape .* got int64"),
        (np.zeros((3, 4, 3), "u1"), "got uint8"),
        (np.zeros((3, 3, 4), "f4").transpose(0, 2, 1), "not contiguous"),
    ],
)
def test_out_must_be_able_to_take_them(out, sentence):
    with pytest.raises(ValueError, match=sentence):
        Augmentation()(np.zeros((3, 4, 3)), generator(), out)
