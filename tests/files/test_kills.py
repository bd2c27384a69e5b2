"""A few of the kills that ``make evidence`` does by the hundred."""

import os
import random

import pytest

from tests.evidence.kills import survive


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_killed_processes_lose_no_checkpoint(tmp_path):
    survive(tmp_path, kills=4, calls=14, rng=random.Random(0))
