"""First values of kernels that are not drawn: eigenvectors of patches, and identities.

Both are Jordan's, "94 % on CIFAR-10 in 3.29 seconds on a single GPU", 2024 (arXiv
2404.00498), sections 3.1 and 3.2.
"""

import numpy as np

from ardoise.engine.arrays import Array

PATCH_IMAGES = 2000
EPSILON = 1e-2  # of the eigenvalues, of grey levels from 0 to 1


def whitening_kernel(images: Array, side: int, filters: int) -> Array:
    """Return a kernel (side, side, 1, filters) that makes patches white.

    The filters are eigenvectors v of the covariance of patches, divided by the root of
    eigenvalue + `EPSILON`, the largest first: ``filters // 2`` of them, then their
    negatives.

    Parameters
    ----------
    images : array of shape (n, h, w, 1)
        Bytes.
    side, filters : int
        ``filters`` is even, and at most 2 · side².
    """
    some = images[:PATCH_IMAGES, :, :, 0].astype(np.float32) / 255
    windows = np.lib.stride_tricks.sliding_window_view(some, (side, side), (1, 2))
    patches = windows.reshape(-1, side * side)
    values, vectors = np.linalg.eigh(np.cov(patches, rowvar=False))
    half = filters // 2
    largest = slice(None, -half - 1, -1)
    scaled = vectors[:, largest] / np.sqrt(values[largest] + EPSILON)
    both: Array = np.concatenate([scaled, -scaled], axis=1)
    return both.reshape(side, side, 1, filters).astype(np.float32)


def whiten(W: Array, images: Array) -> None:
    """Start a first layer's kernel white, with the length that it had.

    Batch normalisation follows, so that only the directions of filters count, and
    their lengths say how fast they turn.
    """
    white = whitening_kernel(images, W.shape[0], W.shape[3])
    W[...] = white * (np.linalg.norm(W) / np.linalg.norm(white))


def pass_through(W: Array) -> None:
    """Let the first filters of a kernel return its input channels; the rest stays."""
    kh, kw, channels, filters = W.shape
    n = min(channels, filters)
    W[..., :n] = 0.0
    W[kh // 2, kw // 2, range(n), range(n)] = 1.0
