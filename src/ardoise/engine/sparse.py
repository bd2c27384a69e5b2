"""A matrix of mostly zeros, as rows: each batch becomes dense, the whole never does.

Texts as counts of words have a hundred thousand columns and a hundred numbers a row.
Such a matrix is held as the numbers that are not zero and their places (compressed
sparse rows, CSR), in three NumPy arrays. A batch of its rows is written out in full
when it is needed, into a buffer that is reused: training takes the memory of the
numbers that are not zero plus one dense batch. Nothing here writes out more rows than
it is asked for.
"""

from __future__ import annotations

from typing import Any, NoReturn, Self

import numpy as np

from ardoise.engine.arrays import Array


class SparseRows:
    """A matrix (n, k) that stores what is not zero, row after row.

    It stands in for an array of samples where rows are asked for: it has ``shape``,
    ``ndim``, ``dtype``, a length and `take`, and ``x[rows]`` is dense.

    Parameters
    ----------
    data : array of shape (m,)
        The stored numbers, row after row.
    indices : array of int of shape (m,)
        The column of each, int32 or int64, in any order within a row. Numbers at the
        same place are added.
    indptr : array of int of shape (n + 1,)
        Row i is ``data[indptr[i] : indptr[i + 1]]``.
    n_columns : int
        k.

    Attributes
    ----------
    data, indices, indptr : array
        In order of rows and columns, no place twice. The given arrays, where they are
        so already: do not write into them.
    shape : (n, k)

    Raises
    ------
    ValueError
        If the arrays do not describe such a matrix.
    """

    ndim = 2

    def __init__(
        self, data: Array, indices: Array, indptr: Array, n_columns: int
    ) -> None:
        _check_rows(data, indices, indptr, n_columns)
        self.shape = (len(indptr) - 1, int(n_columns))
        stored = slice(0, int(indptr[-1]))
        self.data, self.indices, self.indptr = data[stored], indices[stored], indptr
        self._sort()

    @classmethod
    def of(cls, matrix: Any, dtype: Any) -> Self:
        """Return a sparse matrix of SciPy's kind as SparseRows.

        Parameters
        ----------
        matrix : object of shape (n, k) with ``tocsr``
            Of any format; not changed.
        dtype : dtype
            Of the numbers.
        """
        csr = matrix.tocsr()
        data = np.asarray(csr.data).astype(dtype, copy=False)
        return cls(data, csr.indices, csr.indptr, csr.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.data.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"SparseRows({self.shape}, {self.dtype}, {len(self.data)} stored)"

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        # NumPy would else make an array of objects, or of all rows one by one.
        raise TypeError(
            "SparseRows are not made dense as a whole: ask for rows, as in x[:10]"
        )

    def __getitem__(self, rows: slice | Array) -> Array:
        """Return rows, dense and C-contiguous, in a new array."""
        starts, counts = self._extents(rows)
        out = np.empty((len(starts), self.shape[1]), self.dtype)
        return self._write(starts, counts, out)

    def take(
        self,
        rows: Array,
        axis: int = 0,
        out: Array | None = None,
        mode: str = "raise",
    ) -> Array:
        """Return rows, dense, as `numpy.ndarray.take` does.

        Parameters
        ----------
        rows : array of int of shape (r,)
        axis : int
            Only 0.
        out : C-contiguous array of shape (r, k) and of this dtype, optional
            Where to write them.
        mode : {"raise", "clip", "wrap"}
            What to do with rows that do not exist.

        Raises
        ------
        IndexError
            If there is no such row and ``mode`` is "raise".
        ValueError
            If ``axis`` is not 0, or ``out`` does not fit.
        """
        if axis != 0:
            raise ValueError(f"SparseRows give rows, axis 0; got axis {axis}")
        starts, counts = self._extents(rows, mode)
        shape = (len(starts), self.shape[1])
        if out is None:
            out = np.empty(shape, self.dtype)
        elif not (
            out.shape == shape and out.dtype == self.dtype and out.flags.c_contiguous
        ):
            raise ValueError(
                f"out must be C-contiguous, of shape {shape} and {self.dtype}; got "
                f"{out.shape} and {out.dtype}"
            )
        return self._write(starts, counts, out)

    def rows(self, rows: slice | Array) -> SparseRows:
        """Return rows as SparseRows."""
        starts, counts = self._extents(rows)
        places = _runs(starts, counts)
        indptr = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        return SparseRows(
            self.data.take(places), self.indices.take(places), indptr, self.shape[1]
        )

    def reshape(self, *shape: Any) -> SparseRows:
        """Return itself: rows are flat already.

        Raises
        ------
        ValueError
            For another shape than ``(n, -1)`` or ``(n, k)``.
        """
        n, k = self.shape
        if shape not in ((n, -1), (n, k), ((n, -1),), ((n, k),)):
            raise ValueError(f"SparseRows keep their shape {self.shape}; got {shape}")
        return self

    def _extents(self, rows: slice | Array, mode: Any = "raise") -> tuple[Array, Array]:
        """Return where each row starts in ``data``, and how many numbers it has."""
        starts, ends = self.indptr[:-1], self.indptr[1:]
        if isinstance(rows, slice):
            starts, ends = starts[rows], ends[rows]
        else:
            rows = np.asarray(rows)
            if rows.ndim != 1 or (rows.dtype.kind not in "iu" and len(rows)):
                raise IndexError(
                    "rows must be a slice or a one-dimensional array of integers; got "
                    f"{rows.dtype} of shape {rows.shape}"
                )
            rows = rows.astype(np.intp, copy=False)
            starts, ends = starts.take(rows, mode=mode), ends.take(rows, mode=mode)
        return starts, ends - starts

    def _write(self, starts: Array, counts: Array, out: Array) -> Array:
        """Write rows into ``out``, zeros included."""
        n, k = out.shape
        places = _runs(starts, counts)
        target = np.repeat(np.arange(n) * k, counts)
        target += self.indices.take(places)
        out.fill(0)
        out.reshape(-1)[target] = self.data.take(places)
        return out

    def _sort(self) -> None:
        """Sort by rows and columns and add up what is at the same place, if need be."""
        n, k = self.shape
        place = np.repeat(np.arange(n, dtype=np.int64) * k, np.diff(self.indptr))
        place += self.indices
        if bool((place[1:] > place[:-1]).all()):
            return
        order = np.argsort(place, kind="stable")
        place = place[order]
        first = np.flatnonzero(np.diff(place, prepend=-1))
        self.data = np.add.reduceat(self.data[order], first, dtype=self.dtype)
        self.indices = self.indices[order][first]
        self.indptr = np.searchsorted(place[first], np.arange(n + 1) * k)


def _runs(starts: Array, counts: Array) -> Array:
    """Return start, start + 1, …, start + count − 1 of each pair, one after another."""
    ends = np.cumsum(counts, dtype=np.intp)
    places = np.repeat(starts - (ends - counts), counts)
    places += np.arange(len(places))
    return places


def _check_rows(data: Array, indices: Array, indptr: Array, n_columns: int) -> None:
    if data.ndim != 1 or indices.ndim != 1 or indptr.ndim != 1 or not len(indptr):
        raise ValueError(
            "data, indices and indptr must have one dimension, indptr one entry more "
            f"than there are rows; got the shapes {data.shape}, {indices.shape} and "
            f"{indptr.shape}"
        )
    stored = min(len(data), len(indices))
    grows = bool((np.diff(indptr) >= 0).all())
    if indptr[0] != 0 or not grows or indptr[-1] > stored:
        raise ValueError(
            f"indptr must grow from 0 to at most {stored}, the stored numbers; got "
            f"{indptr[0]} to {indptr[-1]}{'' if grows else ', not in order'}"
        )
    columns = indices[: int(indptr[-1])]
    if len(columns) and not 0 <= columns.min() <= columns.max() < n_columns:
        raise ValueError(
            f"indices must lie from 0 to {n_columns - 1}; got {columns.min()} to "
            f"{columns.max()}"
        )
