import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from oracle import NotAnArray, Ours, Theirs, outcome
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import multiclass
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.validation import column_or_1d, validate_data

from ardoise.estimators.labels import Labels, class_weights, unique_labels
from ardoise.estimators.targets import label_array, target_type


def strange(values):
    made = np.empty(np.shape(values), object)
    made[...] = values
    return made


def rows(*each):
    """An array of objects that are lists."""
    made = np.empty(len(each), object)
    made[:] = each
    return made


SEVERAL = np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
TARGETS = {
    "two integers": np.array([3, 1, 3]),
    "three integers": np.array([3, 1, -2, 3]),
    "bytes": np.array([3, 1, 200], np.uint8),
    "int32": np.array([3, 1], np.int32),
    "one class": np.array([7, 7]),
    "floats": np.array([1.0, 0.0, 1.0]),
    "three floats": np.array([1.0, 0.0, 2.0], np.float32),
    "one float": np.ones(3),
    "truth values": np.array([True, False]),
    "one truth value": np.array([True, True]),
    "text": np.array(["b", "a", "bb", "a"]),
    "text in wide cells": np.array(["b", "a"], "U9"),
    "text objects": strange(["b", "a", "b"]),
    "three text objects": strange(["b", "a", "ccc"]),
    "text as NumPy's text objects": strange(list(np.array(["b", "a"]))),
    "list": [1, 0, 1],
    "list of text": ["b", "a"],
    "tuple": (1, 2, 3),
    "list of text and numbers": ["a", 1],
    "dates": np.array(["2020", "2021", "2022"], "M8[D]"),
    "column": np.array([[1], [0]]),
    "column of text": np.array([["b"], ["a"], ["c"]]),
    "column of text objects": strange([["b"], ["a"]]),
    "list of lists": [[1], [0], [2]],
    "__array__": NotAnArray([1, 0, 2]),
    "several": SEVERAL,
    "several, two columns": SEVERAL[:, :2],
    "several, floats": SEVERAL.astype(float),
    "several, truth values": SEVERAL > 0,
    "several, lists": SEVERAL.tolist(),
    "several, none at all": np.zeros((3, 2), int),
    "several, all": np.ones((3, 2), int),
    "several, one sample": np.array([[1, 0]]),
    "several, sparse": sp.csr_array(SEVERAL),
    "several, sparse columns": sp.csc_array(SEVERAL),
    "several, sparse floats": sp.csr_array(SEVERAL.astype(float)),
    "several, sparse without any": sp.csr_array((3, 2)),
    "other numbers than 0 and 1": np.array([[1, 2], [2, 1]]),
    "classes in columns": np.array([[1, 2], [3, 1]]),
    "text in columns": np.array([["a", "b"], ["c", "d"]]),
    "text objects in columns": strange([["a", "b"], ["c", "d"]]),
    "objects in columns": strange([[0, 1], [1, 0]]),
    "fractions": np.array([0.1, 0.6]),
    "fractions in a column": np.array([[0.1], [0.6]]),
    "fractions in columns": np.array([[0.1, 0.6], [1, 2]]),
    "large floats": np.array([1e300, 1.0]),
    "number objects": strange([0, 1, 0]),
    "text, then numbers": strange(["a", 1]),
    "None": None,
    "NaN": np.array([1.0, np.nan]),
    "NaN objects": strange(["a", np.nan]),
    "infinity": np.array([1.0, np.inf]),
    "complex": np.array([1j]),
    "three dimensions": np.zeros((2, 2, 2), int),
    "no column": np.zeros((2, 0), int),
    "bytes as text": np.array([b"a", b"b"]),
    "lists inside": rows([1], [0, 2]),
    "a sparse column": sp.csr_array(np.array([[1], [0]])),
    "ragged": [[1, 2], [3]],
}


def their_labels(y):
    """What MLPClassifier does with y at its first fit."""
    n = 3 if isinstance(y, NotAnArray) else 1 if y is None else np.shape(y)[0]
    _, y = validate_data(Theirs(), np.zeros((n, 1)), y, multi_output=True)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    binarizer = LabelBinarizer().fit(y)
    return binarizer, binarizer.transform(y).astype(bool), y


@pytest.mark.parametrize("name", TARGETS)
def test_labels_are_taken_or_refused_as_scikit_learn_does(name):
    y = TARGETS[name]
    if name == "ragged":  # np.shape cannot tell
        with pytest.raises(ValueError, match="inhomogeneous shape"):
            Labels.fit(y)
        return
    if name == "None":
        message = "This MLPClassifier estimator requires y to be passed, but the target"
        with pytest.raises(ValueError, match=f"{message} y is None."):
            Labels.fit(None, Ours())
        return

    def theirs():
        binarizer, targets, _ = their_labels(y)
        kind = binarizer.y_type_.partition("-")[0]
        return binarizer.classes_, kind, targets.shape[1], targets

    def ours():
        labels = Labels.fit(y, Ours())
        targets = labels.encode(y)
        if labels.kind == "multiclass":
            assert targets.dtype == np.intp
            targets = targets[:, np.newaxis] == np.arange(len(labels.classes))
        return labels.classes, labels.kind, labels.n_outputs, targets

    assert outcome(ours) == outcome(theirs)


@pytest.mark.parametrize("y", [[1, "a"], [None, None], [{}, {}]])
def test_objects_that_cannot_be_sorted_are_unknown_labels(y):
    # scikit-learn says: '<' not supported between instances of 'dict' and 'dict'
    with pytest.raises(ValueError, match=r"Unknown label type: \(array\("):
        Labels.fit(strange(y))


FITTED = [
    *("two integers", "three integers", "one class", "one float", "truth values"),
    *("text", "text objects", "floats", "several", "several, two columns", "column"),
    *("dates", "one truth value", "several, sparse"),
]


@pytest.mark.filterwarnings("ignore:A column-vector y")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FITTED)
def test_probabilities_become_scikit_learn_s_labels(name, dtype):
    y = TARGETS[name]
    labels = pickle.loads(pickle.dumps(Labels.fit(y)))
    binarizer, targets, _ = their_labels(y)
    rng = np.random.default_rng(0)
    for _ in range(3):
        p = rng.random((50, labels.n_outputs)).astype(dtype)
        p[:10] = np.round(p[:10] * 2) / 2  # exactly 0.5, and equals
        p[10] = np.nan
        p = p.ravel() if labels.kind == "binary" else p
        expected = binarizer.inverse_transform(p)
        if labels.container is not None:
            expected = expected.toarray()
        got = labels.decode(p)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
        if labels.kind == "binary":
            np.testing.assert_array_equal(labels.decode(p[:, np.newaxis]), expected)
            two = np.stack([1 - p, p], axis=1)
            np.testing.assert_array_equal(labels.decode(two), expected)
    if labels.kind != "multiclass":
        expected = outcome(lambda: binarizer.inverse_transform(targets))
        got = outcome(lambda: labels.as_given(labels.decode(labels.encode(y))))
        assert got == expected


@pytest.mark.parametrize("form", ["csr_matrix", "csr_array", "coo_matrix", "lil_array"])
def test_sparse_labels_come_back_sparse(form):
    y = getattr(sp, form)(SEVERAL)
    labels = Labels.fit(y)
    answers = labels.as_given(labels.decode(SEVERAL * 0.9))
    assert type(answers) is type(y.tocsr())
    np.testing.assert_array_equal(answers.toarray(), SEVERAL)
    dense = Labels.fit(SEVERAL)
    assert isinstance(dense.as_given(dense.decode(SEVERAL * 0.9)), np.ndarray)


def test_the_warning_of_a_column_comes_once_and_points_to_the_caller():
    y = np.array([[0], [1], [2]])
    with pytest.warns(UserWarning, match="A column-vector y was passed") as caught:
        labels = Labels.fit(y)
    assert [w.filename for w in caught] == [__file__]
    assert labels.encode(y).tolist() == [0, 1, 2]


# -- known classes ---------------------------------------------------------------------

CLASSES = {
    "integers": [2, 0, 1, 0],
    "two": [5, 3],
    "one": [5],
    "array": np.array([2, 0, 1]),
    "floats": [0.0, 2.0],
    "text": ["b", "a", "c"],
    "text array": np.array(["b", "a"]),
    "text objects": strange(["b", "aa"]),
    "truth values": [True, False],
    "tuple": (1, 2),
    "text beside numbers": ["a", 1],
    "fractions": [0.5, 1],
    "number objects": strange([1, 2]),
    "bytes": [b"a"],
    "lists": [[1], [0, 2]],
    "column": np.array([[1], [2]]),
}


@pytest.mark.parametrize("name", CLASSES)
def test_known_classes_are_scikit_learn_s_unique_labels(name):
    classes = CLASSES[name]
    if name == "lists":
        with pytest.raises(ValueError):
            unique_labels(classes)
        return
    expected = outcome(lambda: multiclass.unique_labels(classes))
    got = outcome(lambda: unique_labels(classes))
    if name in ("fractions", "bytes"):  # they show the list, we the array
        assert got[0][0] == expected[0][0] and got[0][1][:20] == expected[0][1][:20]
        return
    assert got == expected
    assert outcome(lambda: Labels.of_classes(classes).classes) == expected


def test_labels_of_known_classes():
    labels = Labels.of_classes([4, 2, 9])
    assert (labels.kind, labels.n_outputs) == ("multiclass", 3)
    assert labels.encode([9, 9, 2]).tolist() == [2, 2, 0]
    assert labels.encode([9]).tolist() == [2]
    labels = Labels.of_classes(["no", "yes"])
    assert (labels.kind, labels.n_outputs) == ("binary", 1)
    assert labels.encode(strange(["yes", "yes"])).tolist() == [[True], [True]]
    assert labels.encode(["no"]).tolist() == [[False]]
    assert Labels.of_classes([3]).encode([3]).tolist() == [[False]]
    several = Labels.fit(SEVERAL)
    assert several.encode([2, 0]).tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("y", [[0, 1, 7], [7], ["a", "b"], [True, 0.0, 3]])
def test_classes_that_are_not_known_are_refused(y):
    labels = Labels.of_classes([0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        labels.encode(y)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        Labels.of_classes(["0", "1"]).encode([0, 1])


def test_targets_of_another_kind_than_in_fit_are_refused():
    binarizer = LabelBinarizer().fit([0, 1, 2])
    labels = Labels.of_classes([0, 1, 2])
    for y in (SEVERAL, np.array([[1, 2], [3, 4]])):
        expected = outcome(lambda y=y: binarizer.transform(y))
        assert outcome(lambda y=y: labels.encode(y)) == expected
    binarizer, labels = LabelBinarizer().fit(SEVERAL), Labels.fit(SEVERAL)
    expected = outcome(lambda: binarizer.transform(SEVERAL[:, :2]))
    assert outcome(lambda: labels.encode(SEVERAL[:, :2])) == expected
    with pytest.raises(ValueError, match="Unknown label type: "):
        labels.encode([0.5, 1])


values = st.sampled_from([0, 1, 2, -1, 0.5, "a", "b", True, 1.0, 2**40])


@given(st.lists(values, min_size=1, max_size=6), st.sampled_from([1, 2, 3]))
def test_the_type_of_targets_is_scikit_learn_s(listed, columns):
    y = np.array(listed)
    y = y if columns == 1 else np.tile(y[:, np.newaxis], columns)
    expected = outcome(lambda: multiclass.type_of_target(y))
    assert outcome(lambda: target_type(y)) == expected
    y = y.astype(object)
    expected = outcome(lambda: multiclass.type_of_target(y))
    assert outcome(lambda: target_type(y)) == expected


def test_label_arrays_are_those_that_are_given():
    y = np.array([2, 1])
    assert label_array(y) is y


# -- class weights ---------------------------------------------------------------------

WEIGHTS = {
    "none": None,
    "balanced": "balanced",
    "mapping": {0: 0.5, 1: 2.0, 2: 3.0},
    "other classes, too": {0: 0.5, 1: 2.0, 2: 3.0, 9: 4.0},
    "one missing, no other": {0: 0.5, 1: 2.0},
    "one missing, one other": {0: 0.5, 1: 2.0, 9: 4.0},
    "empty": {},
}


@pytest.mark.parametrize("form", ["integers", "floats", "truth values", "text"])
@pytest.mark.parametrize("name", WEIGHTS)
def test_class_weights_are_scikit_learn_s(name, form):
    y = np.array([0, 1, 1, 1, 0, 1] if form == "truth values" else [0, 2, 1, 1, 2, 2])
    given = WEIGHTS[name]
    if form == "text":
        y = np.array(["abc"[i] for i in y])
        if isinstance(given, dict):
            given = {"abcdefghij"[k]: weight for k, weight in given.items()}
    elif form == "floats":
        y = y.astype(float)
    elif form == "truth values":
        y = y.astype(bool)
    labels = Labels.fit(y)

    def ours(sample_weight=None):
        weights = class_weights(given, labels, y, sample_weight)
        return np.ones(len(y)) if weights is None else weights

    assert outcome(ours) == outcome(lambda: compute_sample_weight(given, y))
    own = np.array([1, 2, 3, 0.5, 2, 0.25], np.float32)

    def theirs():
        classes = np.unique(y)
        each = compute_class_weight(given, classes=classes, y=y, sample_weight=own)
        return own.astype(float) * each[np.searchsorted(classes, y)]

    expected, got = outcome(theirs)[0], outcome(lambda: ours(own))[0]
    if isinstance(expected[0], list):
        assert got == expected
    else:
        np.testing.assert_allclose(got[2], expected[2], rtol=1e-14)
    if given is None:
        assert ours(own) is own


SEVERAL_WEIGHTS = {
    "none": None,
    "balanced": "balanced",
    "mappings": [{0: 1, 1: 5}, {0: 2, 1: 3}, {0: 1, 1: 1}],
    "mapping and balanced": [{0: 1, 1: 5}, "balanced", {}],
    "too few": [{0: 1, 1: 5}],
    "one mapping": {0: 1, 1: 5},
    "other labels": [{2: 1, 3: 1}, {0: 2, 1: 3}, {0: 1, 1: 1}],
}


@pytest.mark.parametrize("name", SEVERAL_WEIGHTS)
def test_weights_of_several_labels_are_scikit_learn_s(name):
    given = SEVERAL_WEIGHTS[name]
    labels = Labels.fit(SEVERAL)
    got = outcome(lambda: class_weights(given, labels, SEVERAL, None))
    if given is None:
        assert got[0] is None
    else:
        expected = outcome(lambda: compute_sample_weight(given, SEVERAL))
        assert got == expected


def test_balanced_classes_count_the_same_and_weight_two_is_two_samples():
    y = np.array([0, 0, 0, 1, 1, 2])
    labels = Labels.fit(y)
    own = np.array([1.0, 2, 1, 1, 3, 2])
    weights = class_weights("balanced", labels, y, own)
    np.testing.assert_allclose(np.bincount(y, weights), own.sum() / 3)
    times = own.astype(int)
    repeated = class_weights("balanced", labels, np.repeat(y, times), None)
    np.testing.assert_allclose(weights, np.repeat(weights / own, 1) * own)
    np.testing.assert_allclose(np.repeat(weights / own, times), repeated)


def test_samples_without_weight_are_as_if_they_were_not_there():
    y = np.array([0, 0, 1, 1, 2])
    labels = Labels.fit(y)
    own = np.array([1.0, 1, 1, 0, 0])
    weights = class_weights("balanced", labels, y, own)
    expected = class_weights("balanced", Labels.of_classes([0, 1]), y[:3], None)
    np.testing.assert_allclose(weights, [*expected, 0, 0])


def test_labels_that_are_text_of_numbers_can_have_weights():
    y = np.array(["1", "2"])  # scikit-learn looks for 1 and 2
    weights = class_weights({"1": 2.0, "2": 3.0}, Labels.fit(y), y, None)
    assert weights.tolist() == [2, 3]


@pytest.mark.parametrize("given", ["unbalanced", [{0: 1}], 3])
def test_other_class_weights_are_refused(given):
    with pytest.raises(ValueError, match=r"must be an instance of 'dict', a str among"):
        class_weights(given, Labels.fit([0, 1]), [0, 1], None)
