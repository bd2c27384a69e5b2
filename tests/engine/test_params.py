"""The layout of the one vector: who lies where, and views that share its memory."""

import numpy as np
import pytest

from ardoise.engine.initializers import Zeros
from ardoise.engine.params import Layout, ParamSpec


def spec(name: str, *shape: int, decay: bool = False) -> ParamSpec:
    return ParamSpec(name, shape, Zeros(), decay)


LAYOUT = Layout(
    [
        ("0.W", spec("W", 2, 3, decay=True)),
        ("0.b", spec("b", 3)),
        ("1.gamma", spec("gamma", 3)),
        ("2.W", spec("W", 3, 1, decay=True)),
        ("2.b", spec("b", 1)),
    ]
)


def test_decayed_arrays_come_first_each_part_in_layer_order():
    places = {
        entry.key: (entry.place.start, entry.place.stop) for entry in LAYOUT.entries
    }
    assert places == {
        "0.W": (0, 6),
        "2.W": (6, 9),
        "0.b": (9, 12),
        "1.gamma": (12, 15),
        "2.b": (15, 16),
    }
    assert (LAYOUT.size, LAYOUT.n_decay) == (16, 9)


def test_views_share_the_memory_of_the_vector():
    vector = np.arange(16.0)
    views = LAYOUT.views(vector)
    assert views["0.W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    views["2.W"][...] = -1
    assert vector[6:9].tolist() == [-1, -1, -1]
    vector[15] = 7
    assert views["2.b"].tolist() == [7]


@pytest.mark.parametrize(
    "vector",
    [np.zeros(15), np.zeros(17), np.zeros((16, 1)), np.zeros(32)[::2]],
    ids=["short", "long", "matrix", "strided"],
)
def test_a_vector_that_cannot_be_viewed_is_refused(vector):
    with pytest.raises(
        ValueError, match="a contiguous vector of 16 numbers; got shape"
    ):
        LAYOUT.views(vector)


def test_an_empty_layout():
    layout = Layout([])
    assert (layout.size, layout.n_decay) == (0, 0)
    assert layout.views(np.zeros(0)) == {}
