"""Connected components: SciPy says the same of any mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ardoise.pictures import connected_components

EIGHT = np.ones((3, 3), int)


def check(mask):
    found = connected_components(mask)
    labels, n = ndimage.label(mask, EIGHT)
    assert len(found.areas) == n == found.labels.max(initial=0)
    # The same partition, whatever the numbers.
    pairs = set(
        zip(found.labels.ravel().tolist(), labels.ravel().tolist(), strict=True)
    )
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert ((found.labels == 0) == (labels == 0)).all()
    for i, place in enumerate(ndimage.find_objects(found.labels)):
        rows, columns = place
        assert found.boxes[i].tolist() == [
            *(rows.start, columns.start),
            *(rows.stop, columns.stop),
        ]
        assert found.areas[i] == (found.labels == i + 1).sum()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.41, 0.5, 0.59, 0.7, 0.95])
@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (17, 23), (60, 80)])
def test_random_masks(share, shape):
    rng = np.random.default_rng(0)
    for _ in range(20):
        check(rng.random(shape) < share)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_mask(data):
    h, w = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    bits = data.draw(st.lists(st.booleans(), min_size=h * w, max_size=h * w))
    check(np.array(bits).reshape(h, w))


def test_a_spiral_is_one_and_its_walls_another():
    mask = np.zeros((41, 41), bool)
    y = x = 20
    step, length = 0, 1
    while 0 <= y < 41 and 0 <= x < 41:
        for _ in range(2):
            dy, dx = ((0, 1), (1, 0), (0, -1), (-1, 0))[step % 4]
            for _ in range(2 * length):
                if 0 <= y < 41 and 0 <= x < 41:
                    mask[y, x] = True
                y, x = y + dy, x + dx
            step += 1
        length += 1
    check(mask)
    check(~mask)


def test_the_order_is_that_of_reading():
    mask = np.zeros((6, 9), bool)
    mask[0, 7] = mask[2, 1] = mask[2, 4] = mask[5, 0] = True
    boxes = connected_components(mask).boxes[:, :2].tolist()
    assert boxes == [[0, 7], [2, 1], [2, 4], [5, 0]]


def test_nothing():
    found = connected_components(np.zeros((3, 4), bool))
    assert found.labels.shape == (3, 4) and not found.labels.any()
    assert len(found.areas) == len(found.boxes) == 0
