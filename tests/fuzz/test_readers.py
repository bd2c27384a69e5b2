"""A short version of ``make fuzz``, which needs atheris and takes 45 minutes."""

import tracemalloc

import numpy as np
import pytest

from tests.fuzz.readers import READERS, Limits


@pytest.mark.parametrize("name", READERS)
def test_whatever_stands_in_a_file(name):
    reader = READERS[name]()
    limits = Limits(reader)
    rng = np.random.default_rng(0)
    tracemalloc.start()
    try:
        for seed in reader.seeds:
            limits.feed(seed)
        assert limits.accepted
        for _ in range(1500):
            limits.feed(reader.case(rng, reader.seeds[rng.integers(len(reader.seeds))]))
    finally:
        tracemalloc.stop()
    assert limits.accepted < limits.count
