import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ardoise.digits import DataError, fit_image, images, read_image, read_picture

GREY = np.array([[0, 50, 100], [150, 200, 255]], dtype=np.uint8)


@pytest.fixture
def saved(tmp_path):
    def save(image, name="image.png", **options):
        path = tmp_path / name
        image.save(path, **options)
        return path

    return save


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tif", "pgm", "webp", "jpg"])
def test_formats(saved, ending):
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100}}.get(ending, {})
    image = read_image(saved(Image.fromarray(GREY), f"image.{ending}", **options))
    assert image.dtype == np.uint8 and image.flags.writeable
    np.testing.assert_allclose(
        image.astype(int), GREY, atol=2 if ending in ("jpg", "webp") else 0
    )


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_modes(saved, mode):
    picture = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    name = "image.tif" if mode == "CMYK" else "image.png"
    image = read_image(saved(picture.convert(mode), name))
    np.testing.assert_array_equal(image, [[0, 255], [255, 0]])


@pytest.mark.parametrize(
    ("mode", "shape"),
    [
        *(("1", (2, 2)), ("L", (2, 2)), ("P", (2, 2, 3)), ("RGB", (2, 2, 3))),
        *(("RGBA", (2, 2, 4)), ("LA", (2, 2, 4)), ("CMYK", (2, 2, 3))),
        *(("I;16", (2, 2)), ("F", (2, 2))),
    ],
)
def test_pictures_keep_their_channels(saved, mode, shape):
    picture = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    if mode == "I;16":
        picture = Image.fromarray(np.array([[0, 65535], [65535, 0]], np.uint16))
    picture = picture if mode == "I;16" else picture.convert(mode)
    image = read_picture(saved(picture, "image.tif"))
    assert image.dtype == np.uint8 and image.shape == shape
    grey = image if image.ndim == 2 else image[..., 0]
    np.testing.assert_array_equal(grey, [[0, 255], [255, 0]])


def test_a_picture_is_upright_and_its_errors_are_sentences(saved, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    path = saved(Image.fromarray(GREY), "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(path), np.rot90(GREY, -1))
    (tmp_path / "b.png").write_text("hello")
    with pytest.raises(DataError, match="not an image"):
        read_picture(tmp_path / "b.png")


def test_colour_becomes_luminance(saved):
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    image = read_image(saved(Image.fromarray(colours)))
    np.testing.assert_array_equal(image, [[76, 150, 29]])


def test_what_is_transparent_shows_white(saved):
    pixels = np.array([[[0, 0], [0, 255], [100, 255]]], np.uint8)
    picture = Image.fromarray(pixels, "LA")
    np.testing.assert_array_equal(read_image(saved(picture)), [[255, 0, 100]])
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([10, 10, 10, 20, 20, 20])
    np.testing.assert_array_equal(
        read_image(saved(palette, transparency=0)), [[255, 20]]
    )


def test_more_than_8_bits(saved):
    levels = np.array([[0, 257 * 77, 65535]], np.uint16)
    np.testing.assert_array_equal(
        read_image(saved(Image.fromarray(levels))), [[0, 77, 255]]
    )
    wide = Image.fromarray(levels.astype(np.int32))
    np.testing.assert_array_equal(read_image(saved(wide, "a.tif")), [[0, 77, 255]])


def test_floats(saved, refuses):
    def read(values):
        return read_image(saved(Image.fromarray(np.float32([values])), "a.tif"))

    np.testing.assert_array_equal(read([0, 0.2, 1]), [[0, 51, 255]])
    np.testing.assert_array_equal(read([-3, 50, 300]), [[0, 50, 255]])
    with refuses("image.damaged"):
        read([np.nan, 0])


def test_a_photo_is_turned_upright(saved):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the left
    path = saved(Image.fromarray(GREY), exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(GREY, -1))


def test_an_animation_gives_its_first_image(saved):
    frames = [Image.new("L", (3, 2), level) for level in (10, 200)]
    path = saved(frames[0], "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(path), np.full((2, 3), 10))


def test_files_that_are_no_images(tmp_path, refuses):
    path = tmp_path / "a.png"
    with refuses("data.missing", path):
        read_image(path)
    with refuses("data.folder", tmp_path):
        read_image(tmp_path)
    path.write_bytes(b"")
    with refuses("data.empty_file", path):
        read_image(path)
    path.write_bytes(b"GIF, JPEG or what?")
    with refuses("image.unknown", path):
        read_image(path)
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with refuses("image.unknown", path):  # Pillow would start another program
        read_image(path)


def test_too_many_pixels(saved, refuses, within, monkeypatch):
    path = saved(Image.new("1", (9000, 9000)))  # 81 million in 10 kB
    with within(1), refuses("image.too_large", path, 2**26):
        read_image(path)
    for limit in (1_000_000, 60_000_000):  # Pillow's own error, and its warning
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with within(1), refuses("image.too_large"):
            read_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(images, "MAX_PIXELS", 5)
    with refuses("image.too_large"):
        read_image(saved(Image.fromarray(GREY)))


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "tif", "pgm", "jpg", "webp"])
def test_cut_short_it_gives_a_sentence_or_an_image(saved, ending):
    path = saved(Image.fromarray(GREY), f"a.{ending}")
    whole = path.read_bytes()
    for length in range(0, len(whole), 1 + len(whole) // 100):
        path.write_bytes(whole[:length])
        try:
            assert read_image(path).dtype == np.uint8
        except DataError:
            pass


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_changed_bytes_give_a_sentence_or_an_image(tmp_path_factory, data):
    ending = data.draw(st.sampled_from(["png", "bmp", "gif", "tiff", "ppm", "jpeg"]))
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, ending)
    damaged = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(
            st.integers(0, 255)
        )
    path = tmp_path_factory.getbasetemp() / f"changed.{ending}"
    path.write_bytes(damaged)
    try:
        assert read_image(path).dtype == np.uint8
    except DataError:
        pass


def test_pillow_is_imported_only_when_needed():
    program = """
import sys
sys.modules["PIL"] = None  # any import of it fails
import numpy as np
from ardoise.digits import DataError, fit_image, load_mnist, read_image
dark = np.zeros((4, 4), np.uint8)
fit_image(dark, 4, 4)
for act in (lambda: read_image("a.png"), lambda: fit_image(dark, 2, 2)):
    try:
        act()
    except DataError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.count('pip install "ardoise[images]"') == 2


def test_dark_on_light_is_inverted():
    paper = np.full((5, 5), 230, np.uint8)
    paper[1:4, 2] = 20
    fitted = fit_image(paper, 5, 5)
    np.testing.assert_array_equal(fitted, 255 - paper)
    np.testing.assert_array_equal(fit_image(fitted, 5, 5), fitted)
    assert not np.shares_memory(fit_image(fitted, 5, 5), fitted)


def test_each_pixel_is_the_mean_of_those_it_replaces():
    large = np.random.default_rng(0).integers(0, 100, (56, 56), dtype=np.uint8)
    means = large.reshape(28, 2, 28, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(fit_image(large, 28, 28), means, atol=1)


@pytest.mark.parametrize(
    "shape", [(10, 40), (40, 10), (1, 1), (1, 500), (500, 1), (3, 2), (28, 27)]
)
def test_proportions_are_kept(shape):
    image = np.full(shape, 40, np.uint8)
    if min(shape) > 4:
        image[2:-2, 2:-2] = 200
    fitted = fit_image(image, 28, 28)
    assert fitted.shape == (28, 28) and fitted.dtype == np.uint8
    assert fitted[0, 0] == 40
    if shape == (10, 40):
        assert (fitted[:10] == 40).all() and (fitted[-10:] == 40).all()
        assert fitted[14, 14] == 200
