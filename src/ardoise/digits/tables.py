"""CSV files: one row per picture, one column with its label, the others its pixels.

A large file (42,000 rows of 785 columns) is read in blocks that shrink to uint8 at
once when they can. A cell that is not a number is named by its line and column.
"""

import csv
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError
from ardoise.digits.reading import MAX_BYTES, open_bytes

LABEL_NAMES = ("label", "labels", "class", "target", "y")

_BLOCK_ROWS = 1024
_BLOCK_CHARACTERS = 1 << 23
_LINE_CHARACTERS = 1 << 23  # a picture of over a million pixels

_Line = tuple[int, str]  # its number in the file, from 1, and its text


@dataclass(frozen=True)
class _Layout:
    """How the columns of one file are arranged."""

    path: str
    delimiter: str
    columns: int
    label: int
    pixels: list[int]
    header: bool


def read_csv(
    path: str | os.PathLike[str], label_column: str | int | None = None
) -> tuple[NDArray[Any], NDArray[np.str_]]:
    """Read the pixels and the labels of a CSV file, plain or gzip.

    The separator is the tab, the semicolon or the comma: the first of the three that
    the first line holds. The first line is a header if it holds one of `LABEL_NAMES`,
    or ``label_column``, or more than one cell that is not a number. Columns without a
    name in the header are row numbers, and are left out.

    Parameters
    ----------
    path : path
        The file, in UTF-8.
    label_column : str, int or None
        The label column's name in the header, or its position (0 is the first, -1 the
        last). None stands for the first of `LABEL_NAMES` in the header (capitals or
        not), and for the first column when there is no header.

    Returns
    -------
    pixels : ndarray, shape (n, d)
        uint8 when every value is a whole number from 0 to 255; other whole numbers
        int32 where they fit; float32 otherwise.
    labels : ndarray of str, shape (n,)
        The cells of the label column.

    Raises
    ------
    DataError
        If the file cannot be read, has no label column, or holds a row of another
        length or a cell that is not a finite number.
    """
    name = os.fspath(path)
    with (
        open_bytes(path) as raw,
        io.TextIOWrapper(cast(BinaryIO, raw), encoding="utf-8-sig") as text,
    ):
        lines = _lines(text, name)
        first = next(lines, None)
        if first is None:
            raise DataError("csv.no_rows", path=name)
        layout = _layout(first, label_column, name)
        rows = lines if layout.header else chain([first], lines)
        codes: dict[str, int] = {}
        pixels, labels = [], []
        for block in _blocks(rows):
            values = _parse(block, layout, codes)
            pixels.append(_compact(values[:, layout.pixels]))
            labels.append(values[:, layout.label].astype(np.int64))
    if not pixels:
        raise DataError("csv.no_rows", path=name)
    return np.concatenate(pixels), np.array(list(codes))[np.concatenate(labels)]


def _lines(text: io.TextIOBase, path: str) -> Iterator[_Line]:
    """Yield the lines that are not blank, with their numbers."""
    number, total = 0, 0
    while line := text.readline(_LINE_CHARACTERS):
        number += 1
        total += len(line)
        if len(line) == _LINE_CHARACTERS:
            raise DataError("csv.long_line", path=path, line=number)
        if total > MAX_BYTES:
            raise DataError("data.too_large", path=path, limit=MAX_BYTES)
        if not line.isspace():
            yield number, line


def _blocks(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    """Group lines so that neither a block's rows nor its characters grow large."""
    block: list[_Line] = []
    characters = 0
    for line in lines:
        block.append(line)
        characters += len(line[1])
        if len(block) == _BLOCK_ROWS or characters >= _BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block


def _layout(first: _Line, label_column: str | int | None, path: str) -> _Layout:
    """Read the arrangement of the columns off the first line."""
    delimiter = next((mark for mark in "\t;," if mark in first[1]), None)
    if delimiter is None:
        raise DataError("csv.one_column", path=path)
    cells = _cells(first[1], delimiter)
    lowered = [cell.lower() for cell in cells]
    known = [lowered.index(name) for name in LABEL_NAMES if name in lowered]
    named = label_column in cells and not _is_number(str(label_column))
    header = bool(known) or named or sum(not _is_number(cell) for cell in cells) > 1
    if label_column is not None:
        label = _position(label_column, cells, header, path)
    elif known or not header:
        label = known[0] if known else 0
    else:
        raise DataError(
            "csv.no_label", path=path, names=", ".join(LABEL_NAMES), first=cells[0]
        )
    pixels = [
        column
        for column, cell in enumerate(cells)
        if column != label and (cell or not header)
    ]
    if not pixels:
        raise DataError("csv.one_column", path=path)
    return _Layout(path, delimiter, len(cells), label, pixels, header)


def _position(
    label_column: str | int, cells: list[str], header: bool, path: str
) -> int:
    """Return the column that a name or a number stands for."""
    if header and label_column in cells:
        return cells.index(str(label_column))
    try:
        position = int(label_column)  # "0" from a command line is the first column
    except ValueError:
        position = len(cells)
    if not -len(cells) <= position < len(cells):
        raise DataError(
            "csv.no_column", path=path, column=label_column, columns=len(cells)
        )
    return position % len(cells)


def _parse(
    block: list[_Line], layout: _Layout, codes: dict[str, int]
) -> NDArray[np.int32] | NDArray[np.float32]:
    """Return a block's cells, whole numbers if all are, with labels as their codes.

    A label's code is its place in ``codes``, which grows here.
    """

    def encode(cell: str) -> int:
        return codes.setdefault(cell.strip(), len(codes))

    texts = [text for _, text in block]
    for dtype in (np.int32, np.float32):  # whole numbers are read six times faster
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                values: NDArray[Any] = np.loadtxt(
                    texts,
                    dtype=dtype,
                    comments=None,
                    delimiter=layout.delimiter,
                    converters={layout.label: encode},
                    quotechar='"',
                    ndmin=2,
                    encoding=None,
                )
        except (ValueError, Warning):
            continue
        fits = values.shape == (len(block), layout.columns)
        if fits and np.isfinite(values).all() and "" not in codes:
            return values
    raise _fault(block, layout)


def _fault(block: list[_Line], layout: _Layout) -> DataError:
    """Find the cell that a block could not be read for."""
    for line, text in block:
        cells = _cells(text, layout.delimiter)
        if len(cells) != layout.columns:
            return DataError(
                "csv.columns",
                path=layout.path,
                line=line,
                got=len(cells),
                expected=layout.columns,
            )
        for column, cell in enumerate(cells):
            if not (cell if column == layout.label else _is_finite(cell)):
                return DataError(
                    "csv.cell",
                    path=layout.path,
                    line=line,
                    column=column + 1,
                    cell=cell if len(cell) <= 40 else cell[:40] + "…",
                )
    first, last = block[0][0], block[-1][0]
    return DataError("csv.block", path=layout.path, first=first, last=last)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([line], delimiter=delimiter))
    except csv.Error:  # a cell of more than 131,072 characters
        return []
    return [cell.strip() for cell in rows[0]]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell  # Python takes these, C does not


def _is_finite(cell: str) -> bool:
    """Tell whether a cell is a number that float32 can hold."""
    return _is_number(cell) and abs(float(cell)) <= float(np.finfo(np.float32).max)


def _compact(values: NDArray[Any]) -> NDArray[Any]:
    """Return a block as uint8 if every value is a whole number from 0 to 255."""
    if values.min() < 0 or values.max() > 255:
        return values
    levels = values.astype(np.uint8)
    same = values.dtype.kind == "i" or np.array_equal(levels, values)
    return levels if same else values
