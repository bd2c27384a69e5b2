"""What holds for all tests.

The helper modules explain their failed assertions too, and hypothesis never fails a
test because the machine was slow. In CI it tries the same examples each time: what it
finds at random belongs to whoever runs it at a desk.
"""

import os

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("check_layer", "with_torch")

# Before SciPy is imported: with it scikit-learn has all of its estimator checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
