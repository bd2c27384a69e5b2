import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.model_selection import train_test_split
from sklearn.utils import shuffle

from ardoise.estimators.splits import shuffled, train_validation_indices

SEEDS = st.integers(0, 2**32 - 1)
FRACTIONS = st.one_of(
    st.floats(-0.1, 1.1), st.sampled_from([0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 0.999])
)


def outcome(split):
    """What comes of it: both parts and the next random number, or the error."""
    try:
        train, validation, following = split()
    except ValueError as error:
        return str(error)
    return train.tolist(), validation.tolist(), following


def ours(n, fraction, seed, stratify=None):
    random = np.random.RandomState(seed)
    train, validation = train_validation_indices(n, fraction, random, stratify)
    assert train.dtype == validation.dtype == np.int64
    return train, validation, random.random_sample()


def theirs(n, fraction, seed, stratify=None):
    random = np.random.RandomState(seed)
    with config_context(skip_parameter_validation=True):  # as within MLPClassifier.fit
        train, validation = train_test_split(
            np.arange(n), test_size=fraction, random_state=random, stratify=stratify
        )
    return train, validation, random.random_sample()


@example(n=1, fraction=0.1, seed=0)
@given(n=st.integers(1, 300), fraction=FRACTIONS, seed=SEEDS)
def test_a_plain_split_is_scikit_learn_s_to_the_bit(n, fraction, seed):
    expected = outcome(lambda: theirs(n, fraction, seed))
    assert outcome(lambda: ours(n, fraction, seed)) == expected


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=6),
    fraction=FRACTIONS,
    seed=SEEDS,
    form=st.sampled_from(["int", "text", "bool column", "int column", "columns"]),
)
# Equal remainders, which are decided by lot.
@example(counts=[5, 5, 5, 5], fraction=0.25, seed=0, form="int")
@example(counts=[3, 1], fraction=0.5, seed=0, form="text")  # a single member
@example(counts=[2, 2, 2], fraction=0.1, seed=0, form="int")  # fewer than classes
@example(counts=[2, 2, 2], fraction=0.9, seed=0, form="int")
@example(counts=[9, 8] * 6, fraction=0.5, seed=0, form="int column")  # "10" < "9"
@example(counts=[9, 8, 7, 6], fraction=0.3, seed=0, form="columns")
def test_a_stratified_split_is_scikit_learn_s_to_the_bit(counts, fraction, seed, form):
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = np.random.default_rng(seed).permutation(labels)
    if not len(labels):
        return
    stratify = {
        "int": labels,
        "text": labels.astype(str),
        "bool column": (labels > 1)[:, np.newaxis],
        "int column": labels[:, np.newaxis],
        "columns": np.stack([labels % 2, labels // 2], axis=1),
    }[form]
    n = len(labels)
    expected = outcome(lambda: theirs(n, fraction, seed, stratify))
    assert outcome(lambda: ours(n, fraction, seed, stratify)) == expected


@given(n=st.integers(0, 200), seed=SEEDS)
def test_shuffled_is_scikit_learn_s_shuffle_to_the_bit(n, seed):
    indices = np.random.default_rng(seed).permutation(3 * n)[:n]
    before = indices.copy()
    mine, yours = np.random.RandomState(seed), np.random.RandomState(seed)
    expected = shuffle(indices, random_state=yours)
    np.testing.assert_array_equal(shuffled(indices, mine), expected)
    np.testing.assert_array_equal(indices, before)
    assert mine.random_sample() == yours.random_sample()


def test_a_generator_works_too():
    labels = np.repeat([0, 1, 2], [40, 40, 20])
    for stratify in (None, labels):
        splits = [
            train_validation_indices(100, 0.2, np.random.default_rng(7), stratify)
            for _ in range(2)
        ]
        train, validation = splits[0]
        np.testing.assert_array_equal(splits[0][0], splits[1][0])
        assert sorted([*train, *validation]) == list(range(100))
        if stratify is not None:
            assert np.bincount(labels[validation]).tolist() == [8, 8, 4]
    mixed = shuffled(np.arange(50), np.random.default_rng(7))
    assert sorted(mixed) == list(range(50)) and mixed.tolist() != list(range(50))


@pytest.mark.parametrize("fraction", [np.nan, -1, 1, 0.0, 2.5])
def test_fractions_that_leave_a_part_empty_are_refused(fraction):
    with pytest.raises(ValueError, match=f"test_size={fraction} should be either"):
        train_validation_indices(10, fraction, np.random.RandomState(0))
