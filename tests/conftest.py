"""What holds for all tests: the helper modules explain their failed assertions too."""

import pytest

pytest.register_assert_rewrite("check_layer", "with_torch")
