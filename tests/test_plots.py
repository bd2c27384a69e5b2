"""The pictures: what they show and say, in both languages; never their pixels."""

import json
import pickle
import struct
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from ardoise import plots
from ardoise.messages import UserError
from ardoise.plots import numbers
from ardoise.plots.figures import BLUE, VERMILION

DIGITS = [str(i) for i in range(10)]
HISTORY = {
    "epoch": [1, 2, 3],
    "loss": [2.3, 0.5, 0.25],
    "accuracy": [0.2, 0.8, 0.9],
    "validation_loss": [2.0, 0.6, None],
    "validation_accuracy": [0.3, 0.7, None],
    "learning_rate": [0.1, 0.1, 0.1],
}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (40, 7, 5), dtype=np.uint8)


def words(figure):
    """Every text of the figure that is not empty."""
    return [t.get_text() for t in figure.findobj(Text) if t.get_text()]


def labels_of(axes):
    return [t.get_text() for t in axes.get_legend().get_texts()]


# The notebook's curve


def test_notebook_curve_is_the_picture_of_the_notebook():
    accuracies = np.linspace(16.21, 88.95, 101)
    figure = plots.notebook_curve(accuracies, 88.53)
    (axes,) = figure.axes
    assert tuple(figure.get_size_inches()) == (6.4, 4.8)

    curve, level = axes.lines
    np.testing.assert_array_equal(curve.get_xdata(), np.arange(101))
    np.testing.assert_array_equal(curve.get_ydata(), accuracies)
    assert set(level.get_ydata()) == {88.53}
    assert (level.get_color(), level.get_linestyle()) == ("red", ":")

    (note,) = axes.texts
    assert note.get_text() == "Test Accuracy: 88.53%"
    assert note.get_position() == pytest.approx((35, 85.53))
    assert (note.get_color(), note.get_ha(), note.get_va()) == (
        "red",
        "right",
        "center",
    )
    assert axes.get_title() == "Neural Network Accuracy"
    assert labels_of(axes) == [
        "Train Set Accuracy (during training)",
        "Test Set Accuracy (after training)",
    ]


def test_notebook_curve_in_french():
    (axes,) = plots.notebook_curve([10.0, 88.5], 88.53, "fr").axes
    assert axes.texts[0].get_text() == "Exactitude de test\u00a0: 88,53\u00a0%"
    assert axes.get_title() == "Exactitude du réseau de neurones"
    assert axes.yaxis.get_major_formatter().format_ticks([0.5, 1.0]) == ["0,5", "1,0"]


def test_notebook_curve_keeps_its_note_inside_the_axes():
    (axes,) = plots.notebook_curve([97.0, 98.0, 98.4], 98.3).axes
    x, y = axes.texts[0].get_position()
    assert x == pytest.approx(0.7)  # 35 % of the way
    assert axes.get_ylim()[0] < y


def test_notebook_curve_needs_a_value():
    with pytest.raises(UserError, match="nothing to draw"):
        plots.notebook_curve([], 50.0)


# Training curves


def test_training_curves_shows_both_quantities_for_both_sets():
    figure = plots.training_curves(HISTORY, best_epoch=2, test_accuracy=0.875)
    loss, accuracy = figure.axes
    assert [loss.get_title(), accuracy.get_title()] == ["Loss", "Accuracy"]
    assert labels_of(loss) == ["Training", "Validation", "Best epoch: 2"]
    assert labels_of(accuracy) == [
        "Training",
        "Validation",
        "Test: 87.50%",
        "Best epoch: 2",
    ]
    train, validation, test, best = accuracy.lines
    np.testing.assert_allclose(train.get_ydata(), [20, 80, 90])
    np.testing.assert_allclose(validation.get_ydata(), [30, 70, np.nan])
    assert set(test.get_ydata()) == {87.5}
    assert set(best.get_xdata()) == {2}
    # Told apart without colour too.
    assert train.get_linestyle() != validation.get_linestyle()
    assert train.get_marker() != validation.get_marker()
    assert (to_hex(train.get_color()), to_hex(validation.get_color())) == (
        BLUE,
        VERMILION,
    )


def test_training_curves_in_french():
    loss, accuracy = plots.training_curves(
        HISTORY, "fr", best_epoch=2, test_accuracy=0.875
    ).axes
    assert loss.get_title() == "Perte"
    assert accuracy.get_ylabel() == "Exactitude (%)"
    assert labels_of(accuracy) == [
        "Entraînement",
        "Validation",
        "Test\u00a0: 87,50\u00a0%",
        "Meilleure époque\u00a0: 2",
    ]


def test_training_curves_without_epochs_validation_or_numbers():
    history = {
        "loss": np.array([1.0, np.inf, np.nan]),
        "validation_loss": [None, None, None],
    }
    loss, accuracy = plots.training_curves(history).axes
    (line,) = loss.lines
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(line.get_ydata(), [1, np.nan, np.nan])
    assert not accuracy.lines
    assert accuracy.get_legend() is None


def test_one_epoch_is_a_dot_over_a_whole_number():
    figure = plots.training_curves({"loss": [0.5]})
    figure.draw_without_rendering()
    assert figure.axes[0].lines[0].get_marker() == "o"
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_many_epochs_have_no_dots():
    (loss, _) = plots.training_curves({"loss": np.linspace(2, 1, 200)}).axes
    assert loss.lines[0].get_marker() == ""


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        ({}, "nothing to draw"),
        ({"loss": [None, float("nan")]}, "nothing to draw"),
        ({"loss": [1, 2], "accuracy": [0.5]}, 'expected 2 values in "accuracy", got 1'),
        ({"loss": [1, 2], "epoch": [1]}, 'expected 2 values in "epoch", got 1'),
    ],
)
def test_training_curves_refuses(history, sentence):
    with pytest.raises(UserError, match=sentence):
        plots.training_curves(history)


# Grids of images


@pytest.mark.parametrize(
    ("lang", "heading", "first", "third"),
    [
        ("en", "Examples", "Predicted: 6. Actual: 6", "Predicted: 3. Actual: 7"),
        (
            "fr",
            "Visualisation d’exemples",
            "Prédit\u00a0: 6. Réalité\u00a0: 6",
            "Prédit\u00a0: 3. Réalité\u00a0: 7",
        ),
    ],
)
def test_digit_grid_is_the_grid_of_the_notebook(images, lang, heading, first, third):
    predicted = np.array([6, 2, 3, 5, 7, 6, 3, 5, 1])
    actual = np.array([6, 2, 7, 5, 7, 6, 3, 5, 1])
    figure = plots.digit_grid(images[:9], predicted, actual, lang)
    assert tuple(figure.get_size_inches()) == pytest.approx((8, 6))
    assert figure.get_suptitle() == heading
    assert len(figure.axes) == 9
    assert [figure.axes[i].get_title() for i in (0, 2)] == [first, third]
    assert {axes.images[0].get_cmap().name for axes in figure.axes} == {"hot"}
    right, wrong = (to_hex(figure.axes[i].title.get_color()) for i in (0, 2))
    assert wrong == VERMILION != right


def test_digit_grid_takes_floats_with_a_channel_and_any_number_of_images(images):
    floats = images[..., None] / 255
    names = list("abcd" * 10)
    figure = plots.digit_grid(floats, names, names, rows=1, columns=2)
    assert len(figure.axes) == 2
    np.testing.assert_array_equal(
        figure.axes[1].images[0].get_array(), floats[1, ..., 0]
    )
    few = plots.digit_grid(floats[:1], ["a"], ["a"])
    assert [len(axes.images) for axes in few.axes] == [1] + 8 * [0]


def test_worst_mistakes_come_surest_first(images):
    probabilities = np.full((40, 3), [0.8, 0.1, 0.1])
    probabilities[:3] = [[0.1, 0.9, 0.0], [0.0, 0.01, 0.99], [0.4, 0.6, 0.0]]
    labels = np.zeros(40, int)
    figure = plots.worst_mistakes(images, probabilities, labels, ["$", "b", "c$"])
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == [
        "Read: c$ (99.0%)\nActual: $",
        "Read: b (90.0%)\nActual: $",
        "Read: b (60.0%)\nActual: $",
    ]
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), images[1])
    assert figure.get_suptitle() == "The most confident mistakes: 3 of 3"
    assert len(figure.axes) == 6  # one row is enough

    french = plots.worst_mistakes(
        images, probabilities, labels, "abc", "fr", rows=1, columns=2
    )
    assert french.axes[0].get_title() == "Lu\u00a0: c (99,0\u00a0%)\nRéalité\u00a0: a"
    assert french.get_suptitle().endswith("2 sur 3")


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "No mistake: 40 of 40 read correctly."),
        ("fr", "Aucune erreur\u00a0: 40 bonnes réponses sur 40."),
    ],
)
def test_no_mistake_is_said_in_words(images, lang, sentence):
    labels = np.arange(40) % 10
    figure = plots.worst_mistakes(images, np.eye(10)[labels], labels, DIGITS, lang)
    assert words(figure) == [sentence]


def test_contact_sheet_has_one_row_a_class(images):
    labels = np.array([0] * 5 + [2] * 35)
    figure = plots.contact_sheet(images, labels, ["zero", "one", "two"], per_class=10)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["zero", "one", "two"]
    assert axes.get_title() == "The first images of each class (at most 10)"
    sheet = axes.images[0].get_array()
    assert sheet.shape == (3 * 8 - 1, 10 * 6 - 1)
    np.testing.assert_array_equal(sheet[0:7, 6:11], images[1])
    np.testing.assert_array_equal(sheet[16:23, 54:59], images[14])
    assert np.ma.masked_invalid(sheet[8:15]).mask.all()  # no image of the class "one"


def test_augmentation_sheet_has_one_row_a_class(images):
    rows = images[:9].reshape(3, 3, 7, 5).astype(float)
    rows[1] = np.nan
    figure = plots.augmentation_sheet(rows, ["zero", "one", "$2"])
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["zero", "one", "$2"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["Image", "Variations"]
    assert axes.get_title() == "Images and variations"
    sheet = axes.images[0].get_array()
    assert sheet.shape == (3 * 8 - 1, 3 * 6 - 1 + 4)
    np.testing.assert_array_equal(sheet[0:7, 0:5], images[0])
    np.testing.assert_array_equal(sheet[16:23, 16:21], images[8])
    for empty in (sheet[8:15], sheet[:, 5:10]):
        assert np.ma.masked_invalid(empty).mask.all()
    with pytest.raises(UserError, match=r"variations, .* got shape \(3, 1, 7, 5\)"):
        plots.augmentation_sheet(rows[:, :1], ["zero", "one", "two"])
    with pytest.raises(UserError, match="classes"):
        plots.augmentation_sheet(rows, ["zero"])


@pytest.mark.parametrize("shape", [(28, 28), (3, 784), (2, 4, 4, 3), (0, 4, 4)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(UserError, match=r"Expected grey images .* got shape"):
        plots.digit_grid(np.zeros(shape), [0], [0])


@pytest.mark.parametrize(
    ("draw", "sentence"),
    [
        (lambda x: plots.digit_grid(x, [1], [1]), '"predicted" for each of the 40'),
        (
            lambda x: plots.digit_grid(x, DIGITS * 4, DIGITS * 4, rows=0),
            '"rows" to be at least 1; got 0',
        ),
        (
            lambda x: plots.worst_mistakes(x, np.ones((40, 2)), [0] * 40, DIGITS),
            r"shape \(40, 10\), .* got shape \(40, 2\)",
        ),
        (
            lambda x: plots.worst_mistakes(x, np.ones((40, 10)), [10] * 40, DIGITS),
            r"from 0 to 9, .* got \[10\]",
        ),
        (lambda x: plots.contact_sheet(x, [0.5] * 40, DIGITS), "whole numbers"),
        (lambda x: plots.contact_sheet(x, [0] * 3, DIGITS), "40 images; got 3"),
        (lambda x: plots.contact_sheet(x, [0] * 40, DIGITS, per_class=0), "per_class"),
    ],
)
def test_input_that_does_not_fit_is_refused(images, draw, sentence):
    with pytest.raises(UserError, match=sentence):
        draw(images)


# The confusion matrix


def test_confusion_matrix_colours_the_mistakes_not_the_diagonal():
    matrix = np.array([[1000, 10, 0], [5, 95, 0], [0, 0, 0]])
    figure = plots.confusion_matrix(matrix, ["a", "b", "c"])
    axes, bar = figure.axes
    shares = axes.images[0].get_array()
    assert np.ma.getmaskarray(np.ma.masked_invalid(shares)).diagonal().all()
    assert shares[1, 0] == pytest.approx(5.0)
    assert shares[0, 1] == pytest.approx(1000 / 1010)
    assert axes.images[0].get_clim() == (0, 5)
    # Mistakes that were never made are left out; the diagonal is always written.
    cells = {t.get_position(): t.get_text() for t in axes.texts}
    assert cells == {(0, 0): "1,000", (1, 0): "10", (0, 1): "5", (1, 1): "95"} | {
        (2, 2): "0"
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Read as", "Actual")
    assert axes.get_title() == "Mistakes: 15 of 1,110"
    assert bar.get_ylabel() == "Share of the row, in %"


def test_confusion_matrix_in_french():
    figure = plots.confusion_matrix([[1000, 1], [0, 9]], ["$x$", "non"], "fr")
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Lu comme", "Réalité")
    assert axes.get_title() == "Erreurs\u00a0: 1 sur 1\u202f010"
    assert axes.texts[0].get_text() == "1\u202f000"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["$x$", "non"]
    assert not any(t.get_parse_math() for t in axes.get_xticklabels())


@pytest.mark.parametrize("k", [2, 10, 60])
def test_confusion_matrix_stays_readable(k, tmp_path, rng):
    matrix = np.diag(rng.integers(900, 1500, k))
    matrix[0, 1] = 7
    figure = plots.confusion_matrix(matrix, [f"class {i}" for i in range(k)])
    plots.save_figure(figure, tmp_path / "matrix.png", dpi=20)
    axes = figure.axes[0]
    cell = axes.get_window_extent().width / figure.dpi / k  # inches
    sizes = {t.get_fontsize() for t in axes.texts}
    assert min(sizes) >= 6
    assert len("1,234") * 0.62 * max(sizes) <= 72 * cell


def test_a_perfect_matrix_can_be_drawn():
    figure = plots.confusion_matrix(np.eye(3, dtype=int), "abc")
    figure.draw_without_rendering()
    assert figure.axes[0].get_title() == "Mistakes: 0 of 3"


@pytest.mark.parametrize(
    "matrix", [np.eye(2, dtype=int), np.eye(3), np.zeros((3, 2), int), [1, 2, 3]]
)
def test_a_matrix_that_does_not_fit_is_refused(matrix):
    with pytest.raises(UserError, match="for each of the 3 classes"):
        plots.confusion_matrix(matrix, "abc")


# Files


def every_figure(lang, images):
    labels = np.arange(40) % 10
    probabilities = np.eye(10)[labels]
    yield plots.worst_mistakes(images, probabilities, labels, DIGITS, lang)
    probabilities[:5] = np.roll(probabilities[:5], 1, axis=1)
    names = [f"long name {i}" for i in range(10)]
    yield plots.worst_mistakes(images, probabilities, labels, names, lang)
    yield plots.notebook_curve([10, 50, 80], 81, lang)
    yield plots.training_curves(HISTORY, lang, best_epoch=2, test_accuracy=0.9)
    yield plots.digit_grid(images, labels, labels, lang)
    yield plots.contact_sheet(images, labels, DIGITS, lang)
    yield plots.augmentation_sheet(images.reshape(10, 4, 7, 5), DIGITS, lang)
    yield plots.confusion_matrix(5000 * np.eye(10, dtype=int) + 1, DIGITS, lang)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_figure_is_written_and_its_titles_have_room(lang, images, tmp_path):
    for number, figure in enumerate(every_figure(lang, images)):
        path = plots.save_figure(figure, tmp_path / f"{number}.png", dpi=figure.dpi)
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        size = np.array(struct.unpack(">II", content[16:24]))
        np.testing.assert_allclose(size, figure.dpi * figure.get_size_inches(), atol=1)

        boxes = [a.title.get_window_extent() for a in figure.axes if a.get_title()]
        for i, box in enumerate(boxes):
            assert 0 <= box.x0 and box.x1 <= size[0] and box.y1 <= size[1]
            assert not any(box.overlaps(other) for other in boxes[:i])


def test_save_figure_keeps_the_old_file_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "curve.png"
    path.write_text("old")
    figure = plots.notebook_curve([1, 2], 2)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("ardoise.files.atomic.os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        plots.save_figure(figure, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_save_figure_writes_other_formats_and_accepts_a_text_path(tmp_path):
    figure = plots.notebook_curve([1, 2], 2)
    path = plots.save_figure(figure, str(tmp_path / "curve.SVG"))
    assert path == tmp_path / "curve.SVG"
    assert "<svg" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["curve", "curve.xyz"])
def test_save_figure_refuses_an_unknown_format(name, tmp_path):
    figure = plots.notebook_curve([1, 2], 2)
    with pytest.raises(UserError, match=rf'"{name}"; end its name with .*png'):
        plots.save_figure(figure, tmp_path / name)


def test_save_figure_refuses_a_missing_folder(tmp_path):
    figure = plots.notebook_curve([1, 2], 2)
    with pytest.raises(UserError, match="does not exist; make it first"):
        plots.save_figure(figure, tmp_path / "none" / "curve.png")


# matplotlib


def test_missing_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(plots.MissingMatplotlibError) as caught:
        plots.notebook_curve([1, 2], 2)
    for lang in ("en", "fr"):
        assert 'pip install "ardoise[plots]"' in caught.value.sentence(lang)
    assert isinstance(caught.value, UserError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_matplotlib_is_imported_late_and_pyplot_never():
    program = """
import sys
from ardoise import plots
assert "matplotlib" not in sys.modules
plots.training_curves({"loss": [2, 1]}).draw_without_rendering()
plots.confusion_matrix([[1, 2], [3, 4]], "ab").draw_without_rendering()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# Numbers and sentences


@pytest.mark.parametrize(
    ("written", "en", "fr"),
    [
        (lambda lang: numbers.integer(60000, lang), "60,000", "60\u202f000"),
        (lambda lang: numbers.decimal(1234.5, lang, 2), "1,234.50", "1\u202f234,50"),
        (lambda lang: numbers.percent(0.8895, lang), "88.95%", "88,95\u00a0%"),
        (lambda lang: numbers.percent(1, lang, 0), "100%", "100\u00a0%"),
        (lambda lang: numbers.shortest(0.001, lang), "0.001", "0,001"),
        (lambda lang: numbers.duration(8.43, lang), "8.4\u00a0s", "8,4\u00a0s"),
        (
            lambda lang: numbers.duration(59.96, lang),
            *2 * ("1\u00a0min\u00a000\u00a0s",),
        ),
        (lambda lang: numbers.duration(185, lang), *2 * ("3\u00a0min\u00a005\u00a0s",)),
        (
            lambda lang: numbers.duration(7650, lang),
            *2 * ("2\u00a0h\u00a007\u00a0min",),
        ),
    ],
)
def test_numbers_are_written_as_the_language_does(written, en, fr):
    assert written("en") == en
    assert written("fr") == fr


def test_the_sentences_exist_in_both_languages():
    keys = []
    for lang in ("en", "fr"):
        file = resources.files("ardoise") / "locales" / f"{lang}.json"
        sentences = json.loads(file.read_text(encoding="utf-8"))
        keys.append({key for key in sentences if key.startswith("plots.")})
    assert keys[0] == keys[1] != set()
