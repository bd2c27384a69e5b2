"""``ardoise predict`` and ``read``: what a model sees on pictures."""

import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ardoise.cli.parts import shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model
from ardoise.digits import DataError, read_picture
from ardoise.digits.asking import REJECT, Reader
from ardoise.files import Model, ModelFileError, load_model
from ardoise.files.atomic import write_atomically
from ardoise.messages import OptionError, UserError, text
from ardoise.pictures import (
    Change,
    Digit,
    PictureError,
    Reading,
)
from ardoise.plots.numbers import integer, percent, shortest


def share_of(given: str | None, model: Model) -> float | None:
    """Return the share that may be refused, as ``--reject`` says; None if nothing is.

    Raises
    ------
    OptionError
        If so many cannot be refused.
    """
    if given is None:
        return None if model.doubt is None else REJECT
    number = given.strip().replace(",", ".")
    try:
        if number.endswith("%"):
            share = float(number[:-1]) / 100
        else:
            share = float(number)
    except ValueError:
        raise OptionError("option.reject", value=given) from None
    if share == 0:
        return None
    if model.doubt is None:
        raise OptionError("option.no_doubt")
    if not 0 < share <= model.doubt.shares[-1]:
        raise OptionError("option.reject", value=given)
    return share


def predict(
    files: Sequence[Path],
    model_path: Path | None,
    terminal: Terminal,
    reject: str | None = None,
) -> int:
    """Print what the model reads on each picture; exit code 1 if one was unreadable."""
    lang = terminal.lang
    model = load_model(find_model(model_path, terminal))
    reader = Reader(model, share_of(reject, model))
    classes = shown_classes(model.classes, lang)
    failed = False
    for file in files:
        try:
            image, report = reader.prepared(read_picture(file))
        except (DataError, PictureError) as error:
            terminal.complain(_sentence(file, error, lang))
            failed = True
            continue
        if report is not None and report.is_empty:
            terminal.say("predict.empty", file=file)
            continue
        probabilities = reader.classify(image[np.newaxis])[0]
        refused = reader.refuse(image[np.newaxis])[0]
        first, second = np.argsort(-probabilities, kind="stable")[:2]
        terminal.say(
            "predict.refused" if refused else "predict.line",
            file=file,
            first=classes[first],
            sure=percent(float(probabilities[first]), lang, 1),
            second=classes[second],
            perhaps=percent(float(probabilities[second]), lang, 1),
        )
        if report is not None and report.changes:
            say_changes(report.changes, terminal)
    return 1 if failed else 0


def read_numbers(
    files: Sequence[Path],
    model_path: Path | None,
    terminal: Terminal,
    *,
    reject: str | None = None,
    as_json: bool = False,
    table: Path | None = None,
    annotated: Path | None = None,
) -> int:
    """Print the numbers on each picture; exit code 1 if one was unreadable.

    Parameters
    ----------
    files : sequence of Path
    model_path : Path or None
    terminal : Terminal
    reject : str or None
    as_json : bool
        A line of JSON for each picture.
    table : Path or None
        A CSV file: a row for each number.
    annotated : Path or None
        Where to draw what was read: a picture; of several, a folder for them.
    """
    terminal.out.quiet = as_json  # but for the lines of JSON
    model = load_model(find_model(model_path, terminal))
    reader = Reader(model, share_of(reject, model))
    if reader.settings is None:
        raise ModelFileError("read.kind")
    classes = shown_classes(model.classes, terminal.lang)
    rows: list[dict[str, Any]] = []
    drawn: set[Path] = set()
    failed = False
    try:
        for file in _followed(files, terminal):
            try:
                picture = read_picture(file)
                reading = reader.read(picture)
            except (DataError, PictureError) as error:
                terminal.complain(_sentence(file, error, terminal.lang))
                failed = True
                continue
            rows += _rows(file, reading, classes)
            if as_json:
                terminal.out.quiet = False
                found = reading.as_json(picture.shape, classes)
                terminal.out.print(json.dumps({"file": str(file), **found}))
                terminal.out.quiet = True
            _say(file, reading, classes, len(files) > 1, terminal)
            if annotated is not None:
                place = _place(annotated, file, len(files), drawn)
                write_atomically(place, _drawn(picture, reading, classes, place))
                drawn.add(place)
                terminal.say("read.annotated", file=place)
    finally:  # what was read before Ctrl-C is kept
        if table is not None and rows:
            write_atomically(table, _csv(rows))
            terminal.say("read.table", file=table)
    return 1 if failed else 0


def say_changes(changes: Sequence[Change], terminal: Terminal) -> None:
    """Print what was done to a picture, in words."""
    lang, words = terminal.lang, []
    for change in changes:
        values = {
            k: shortest(float(f"{v:.2g}"), lang) for k, v in change.values.items()
        }
        words.append(text(f"prepare.{change.code}", lang, **values))
    said = terminal.text("predict.changes", changes=", ".join(words))
    terminal.out.print(f"  {said}")


def digit_text(digit: Digit, classes: Sequence[str]) -> str:
    """Return a digit as it is printed: ``7``, ``7(1?)`` in doubt, ``?`` if refused."""
    if digit.is_refused:
        return "?"
    if digit.is_doubtful:
        return f"{classes[digit.label]}({classes[digit.second]}?)"
    return classes[digit.label]


def _sentence(file: Path, error: UserError, lang: str) -> str:
    """Return what is wrong with a file, which errors of pictures do not name."""
    said = error.sentence(lang)
    return f"{file}: {said}" if isinstance(error, PictureError) else said


def _followed(files: Sequence[Path], terminal: Terminal) -> Iterator[Path]:
    """Yield files; of several, show on a terminal how many have been read."""
    if len(files) < 2 or terminal.out.quiet or not terminal.out.is_terminal:
        yield from files
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=terminal.out, transient=True) as bar:
        task = bar.add_task(terminal.text("read.progress"), total=len(files))
        for file in files:
            yield file
            bar.advance(task)


def _say(
    file: Path,
    reading: Reading,
    classes: Sequence[str],
    named: bool,
    terminal: Terminal,
) -> None:
    """Print what stands on a picture, line by line."""
    if named:
        terminal.say("read.file", file=file)
    if not reading.digits:
        terminal.say("read.empty")
        return
    for line in reading.lines:
        numbers = ["".join(digit_text(d, classes) for d in number) for number in line]
        terminal.out.print(" ".join(numbers))
    digits = reading.digits
    doubtful = sum(d.is_doubtful and not d.is_refused for d in digits)
    refused = sum(d.is_refused for d in digits)
    if doubtful:
        terminal.say("read.doubtful", n=integer(doubtful, terminal.lang))
    if refused:
        terminal.say("read.refused", n=integer(refused, terminal.lang))
    if reading.changes:
        say_changes(reading.changes, terminal)


def _rows(file: Path, reading: Reading, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row of the table for each number."""
    rows = []
    for place, line in enumerate(reading.lines, 1):
        for number in line:
            boxes = np.array([digit.box for digit in number])
            top, left = boxes[:, :2].min(axis=0).tolist()
            bottom, right = boxes[:, 2:].max(axis=0).tolist()
            rows.append(
                {
                    "file": str(file),
                    "line": place,
                    "number": "".join(
                        "?" if d.is_refused else classes[d.label] for d in number
                    ),
                    "least_probability": round(min(d.probability for d in number), 4),
                    "doubtful": sum(d.is_doubtful for d in number),
                    "refused": sum(d.is_refused for d in number),
                    "left": left,
                    "top": top,
                    "right": right,
                    "bottom": bottom,
                }
            )
    return rows


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "surrogateescape")


def _place(annotated: Path, file: Path, n: int, taken: Collection[Path]) -> Path:
    """Return where to draw what was read of a file: of several, in a folder.

    Files of the same name in two folders get a picture each.
    """
    if n == 1 and not annotated.is_dir():
        return annotated
    annotated.mkdir(parents=True, exist_ok=True)
    place = annotated / f"{file.stem}-read.png"
    number = 2
    while place in taken:
        place = annotated / f"{file.stem}-read-{number}.png"
        number += 1
    return place


# Colours of boxes: digits that were read, in doubt, refused (Okabe and Ito, 2008).
_READ, _DOUBTFUL, _REFUSED = "#009E73", "#E69F00", "#D55E00"


def _drawn(
    picture: NDArray[np.uint8], reading: Reading, classes: Sequence[str], place: Path
) -> bytes:
    """Return a picture file with a box around each digit, and what it was read as."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture).convert("RGB")
    draw = ImageDraw.Draw(image)
    width = max(1, round(max(image.size) / 500))
    for digit in reading.digits:
        colour = _DOUBTFUL if digit.is_doubtful else _READ
        colour = _REFUSED if digit.is_refused else colour
        box = digit.box
        corners = (box.left, box.top, box.right - 1, box.bottom - 1)
        draw.rectangle(corners, outline=colour, width=width)
        # Short, or those of neighbours cover each other.
        words = "?" if digit.is_refused else classes[digit.label]
        if digit.is_doubtful and not digit.is_refused:
            words += "?"
        font = ImageFont.load_default(max(10, 0.4 * box.height))
        place_of_words = (box.left, box.top - width)
        draw.text(place_of_words, words, fill=colour, font=font, anchor="lb")
    file = io.BytesIO()
    image.save(file, _FORMATS.get(place.suffix.lower(), "PNG"))
    return file.getvalue()


_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".png": "PNG"}
