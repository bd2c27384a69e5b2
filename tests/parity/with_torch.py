"""PyTorch as the other witness: tolerances, and how its numbers are asked for.

Everything is compared in float64, where two right implementations differ by rounding
alone. Importing this module skips a test file where PyTorch is not installed.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

# Largest |ours − PyTorch's| of any element, in float64.
FORWARD = 1e-10
GRADIENT = 1e-10
OPTIMIZER = 1e-10  # parameters of about 1, after each of OPTIMIZER_STEPS steps
OPTIMIZER_STEPS = 1000
SCHEDULE = 1e-12  # of a rate of 1


def tensor(array: np.ndarray, *, grad: bool = False):
    """Return a copy of an array as a tensor of the same dtype."""
    return torch.tensor(np.array(array), requires_grad=grad)


def agree(ours: np.ndarray, theirs, tolerance: float) -> None:
    """Fail unless an array and a tensor are as close as ``tolerance``."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert np.abs(ours - theirs).max(initial=0) <= tolerance
