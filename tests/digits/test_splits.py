import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from ardoise.digits import (
    DataError,
    hold_out,
    load_mnist,
    notebook_split,
    official_split,
    random_split,
    train_test_indices,
)

LABELS = np.repeat(np.arange(10), [69, 79, 70, 71, 68, 63, 69, 73, 68, 70])


def is_partition(n, *parts):
    together = np.concatenate(parts)
    assert all(part.dtype == np.int64 for part in parts)
    assert np.array_equal(np.sort(together), np.arange(n))


def test_the_official_split(refuses):
    split = official_split()
    is_partition(70_000, split.train, split.validation, split.test)
    assert (split.train[-1], split.test[0]) == (59_999, 60_000)
    assert len(split.validation) == 0
    with refuses("split.official", 1797):
        official_split(1797)


def test_the_notebook_s_split():
    split = notebook_split()
    is_partition(70_000, split.train, split.validation, split.test)
    assert (len(split.train), len(split.test)) == (42_000, 28_000)
    labels = load_mnist().labels
    assert labels[split.test[:9]].tolist() == [6, 2, 7, 5, 7, 6, 3, 5, 1]
    train, test = train_test_split(np.arange(70_000), train_size=0.6, random_state=1)
    np.testing.assert_array_equal(split.train, train)
    np.testing.assert_array_equal(split.test, test)


sizes = st.one_of(
    st.none(),
    st.floats(-0.1, 1.1),
    st.integers(-1, 60),
    st.sampled_from([0.1, 0.25, 0.6, 1 / 3, 0.999]),
)


@example(n=2, train=0.75, test=0.5, seed=0)  # fits once rounded, but sums to 1.25
@given(n=st.integers(1, 50), train=sizes, test=sizes, seed=st.integers(0, 2**32 - 1))
def test_it_is_scikit_learn_s_rule_to_the_bit(n, train, test, seed):
    if train is None and test is None:
        return  # scikit-learn then takes a quarter
    try:
        expected = train_test_split(
            np.arange(n), train_size=train, test_size=test, random_state=seed
        )
    except ValueError:
        with pytest.raises(DataError):
            train_test_indices(n, train, seed, test_size=test)
        return
    parts = train_test_indices(n, train, seed, test_size=test)
    for part, wanted in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part, wanted)
        assert part.dtype == np.int64


@pytest.mark.parametrize("n", [70_000, 1797, 1000, 333])
@pytest.mark.parametrize("size", [0.6, 0.7, 0.8, 0.123456, 200])
def test_it_is_scikit_learn_s_rule_on_real_sizes(n, size):
    for seed in (0, 1, 42):
        expected = train_test_split(np.arange(n), train_size=size, random_state=seed)
        for part, wanted in zip(
            train_test_indices(n, size, seed), expected, strict=True
        ):
            np.testing.assert_array_equal(part, wanted)


def test_sizes_that_cannot_be(refuses):
    with refuses("split.fraction", "1.5"):
        train_test_indices(10, 1.5, 0)
    with refuses("split.fraction", "nan"):
        train_test_indices(10, float("nan"), 0)
    with refuses("split.sizes", "10 images", "0 to test"):
        train_test_indices(10, 10, 0)
    with refuses("split.sizes"):
        train_test_indices(10, 6, 0, test_size=5)
    with refuses("split.sizes"):
        notebook_split(1)
    with refuses("split.seed", "-1"):
        train_test_indices(10, 5, -1)
    with refuses("split.no_size"):
        train_test_indices(10, None, 1)


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize(
    ("fractions", "expected"),
    [
        ((0.7, 0.1, 0.2), (490, 70, 140)),
        ((0.8, 0.2, 0), (560, 140, 0)),
        ((0.8, 0, 0.2), (560, 0, 140)),
        ((1, 0, 0), (700, 0, 0)),
        ((1 / 3, 1 / 3, 1 / 3), (234, 233, 233)),
    ],
)
def test_sizes_of_a_random_split(stratify, fractions, expected):
    split = random_split(LABELS, fractions, 0, stratify)
    parts = (split.train, split.validation, split.test)
    is_partition(700, *parts)
    assert tuple(map(len, parts)) == expected
    if stratify:
        for part in parts:
            counts = np.bincount(LABELS[part], minlength=10)
            ideal = np.bincount(LABELS) * len(part) / 700
            assert np.abs(counts - ideal).max() < 2


def test_the_seed_decides():
    def first(seed, stratify=True):
        return random_split(LABELS, (0.6, 0.2, 0.2), seed, stratify).train.tolist()

    for stratify in (True, False):
        assert first(3, stratify) == first(3, stratify)
        assert first(3, stratify) != first(4, stratify)
    assert first(3) == first(np.random.default_rng(3))
    assert first(3) != sorted(first(3))  # in random order


@given(
    members=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    shares=st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 5)),
    seed=st.integers(0, 99),
)
def test_stratified_parts_hold_every_class_that_has_enough(members, shares, seed):
    labels = np.repeat(np.arange(len(members)), members)
    fractions = tuple(share / sum(shares) for share in shares)
    try:
        split = random_split(labels, fractions, seed)
    except DataError as error:
        assert error.key in ("split.classes", "split.empty_part")
        return
    parts = [split.train, split.validation, split.test]
    is_partition(len(labels), *parts)
    assert len(split.test) == round(len(labels) * fractions[2])
    assert len(split.validation) == round(len(labels) * fractions[1])
    assert set(labels[split.train]) == set(labels)
    filled = [part for part in parts if len(part)]
    for label, count in enumerate(members):
        if count >= len(filled):
            assert all(label in labels[part] for part in filled)


def test_splits_that_cannot_be(refuses):
    for fractions in [
        (0.5, 0.2, 0.2),
        (1.2, -0.1, -0.1),
        (0, 0.5, 0.5),
        (float("nan"), 0.5, 0.5),
        (0.5, 0.5),
    ]:
        with refuses("split.fractions"):
            random_split(LABELS, fractions, 0)
    with refuses("split.seed"):
        random_split(LABELS, (0.8, 0.1, 0.1), -1)
    with refuses("split.empty_part", "3 images"):
        random_split([0, 1, 2], (0.8, 0.1, 0.1), 0)
    with refuses("split.empty_part"):
        random_split([], (0.8, 0.1, 0.1), 0)
    with refuses("split.classes", "10 classes", "cut with 7"):
        random_split(LABELS, (0.98, 0.01, 0.01), 0)
    with refuses("split.classes"):
        random_split(LABELS, (0.01, 0, 0.99), 0)
    assert len(random_split(LABELS, (0.98, 0.01, 0.01), 0, stratify=False).test) == 7


@pytest.mark.parametrize("stratify", [True, False])
def test_holding_out(stratify):
    indices = np.arange(0, 700, 2)
    kept, held_out = hold_out(LABELS, indices, 0.2, 5, stratify)
    assert (len(kept), len(held_out)) == (280, 70)
    assert np.array_equal(np.sort(np.concatenate([kept, held_out])), indices)
    again = hold_out(LABELS, indices, 0.2, 5, stratify)
    np.testing.assert_array_equal(again[1], held_out)
    if stratify:
        assert set(LABELS[held_out]) == set(LABELS[kept]) == set(range(10))


def test_holding_out_what_cannot_be(refuses):
    for fraction in (0, 1, -0.5, float("nan")):
        with refuses("split.fraction"):
            hold_out(LABELS, range(700), fraction, 0)
    with refuses("split.empty_part"):
        hold_out(LABELS, range(3), 0.1, 0)
    with refuses("split.classes"):
        hold_out(LABELS, range(700), 0.01, 0)
