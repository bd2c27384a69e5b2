"""scikit-learn's own tests of its MLP, run on ours.

They are taken from the installed package and collected here, with our two classes in
the place of its own.
"""

import importlib.util
from pathlib import Path
from unittest import mock

import pytest
import sklearn.neural_network
import sklearn.neural_network.tests

import ardoise

pytestmark = pytest.mark.filterwarnings("default")

# They reach into scikit-learn's implementation.
PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs with scikit-learn's lists of arrays",
}


def load():
    path = Path(sklearn.neural_network.tests.__file__).with_name("test_mlp.py")
    spec = importlib.util.spec_from_file_location("sklearns_test_mlp", path)
    module = importlib.util.module_from_spec(spec)
    ours = {
        "MLPClassifier": ardoise.MLPClassifier,
        "MLPRegressor": ardoise.MLPRegressor,
    }
    with mock.patch.multiple(sklearn.neural_network, **ours):
        spec.loader.exec_module(module)
    return module


theirs = load()
tests = {name: item for name, item in vars(theirs).items() if name.startswith("test_")}
globals().update({name: item for name, item in tests.items() if name not in PRIVATE})


@pytest.fixture
def global_random_seed():
    """Scikit-learn's own fixture, with the seed that it uses by default."""
    return 42


def test_they_are_about_our_classes():
    assert theirs.MLPClassifier is ardoise.MLPClassifier
    assert theirs.MLPRegressor is ardoise.MLPRegressor
    assert len(tests) == 43
    assert set(PRIVATE) < set(tests)
