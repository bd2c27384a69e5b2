"""What has been learned stands in a pickle as a sealed file: damage is an error."""

import copy
import pickle

import numpy as np
import pytest

from ardoise import Dense, MLPClassifier, NetworkRegressor, Tanh
from ardoise.engine.network import Network
from ardoise.estimators.sealing import LEARNED, NETWORK
from ardoise.files.safetensors import read_tensors

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

RNG = np.random.default_rng(0)
X, Y = RNG.random((60, 5), np.float32), np.arange(60) % 3


def fitted(**settings):
    sizes = settings.pop("hidden_layer_sizes", (40, 40))
    return MLPClassifier(sizes, max_iter=2, random_state=0, **settings).fit(X, Y)


def refuses(state):
    """Assert that the state of a pickle is refused with a sentence."""
    twin = object.__new__(MLPClassifier)
    with pytest.raises(ValueError, match="this pickle of MLPClassifier is damaged"):
        twin.__setstate__(state)
    assert vars(twin) == {}


def test_the_weights_are_a_safetensors_file():
    model = fitted()
    arrays, _ = read_tensors(model.__getstate__()[LEARNED], sealed=True)
    np.testing.assert_array_equal(arrays["theta"], model.network_.theta)
    assert {"theta", "state", "snapshot.theta"} <= arrays.keys()


def test_they_are_there_once_and_the_gradient_is_not():
    """As are those that another call goes on with: theta, m and v of Adam."""
    model = fitted(hidden_layer_sizes=(300, 300))
    assert len(pickle.dumps(model)) < 4 * model.network_.theta.nbytes + 20_000


def test_a_flipped_bit_is_found_wherever_it_is():
    state = fitted().__getstate__()
    content = state[LEARNED]
    for place in (0, 9, 60, len(content) // 3, len(content) // 2, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 4
        refuses({**state, LEARNED: bytes(damaged)})
    refuses({**state, LEARNED: content[:-1]})


def test_a_bit_that_was_lost_in_a_pickle():
    content = bytearray(pickle.dumps(fitted()))
    place = content.index(fitted().network_.theta.tobytes()) + 100
    content[place] ^= 1
    with pytest.raises(ValueError, match="have it written or sent again"):
        pickle.loads(bytes(content))


@pytest.mark.parametrize("learned", [b"", b"{}", "text", None, 3, [b"a"]])
def test_something_else_instead_of_the_file(learned):
    refuses({**fitted().__getstate__(), LEARNED: learned})


@pytest.mark.parametrize("name", [NETWORK, "_snapshot"])
@pytest.mark.parametrize("value", [None, {}, 5, "text"])
def test_something_else_beside_it(name, value):
    refuses({**fitted().__getstate__(), name: value})


def test_the_weights_of_another_network():
    state, other = fitted().__getstate__(), fitted(hidden_layer_sizes=7)
    refuses({**state, LEARNED: other.__getstate__()[LEARNED]})
    refuses({**state, NETWORK: other.__getstate__()[NETWORK]})


@pytest.mark.parametrize("state", [3, "text", ["a"], None])
def test_no_state_at_all(state):
    refuses(state)


def test_what_has_learned_nothing_has_no_file():
    state = MLPClassifier(7).__getstate__()
    assert state == vars(MLPClassifier(7))


class Doubling(Tanh):
    """A layer of somebody's own: a file of ours could not name it."""


def test_layers_of_somebody_s_own_are_pickled_too():
    model = NetworkRegressor([Dense(4), Doubling()], max_iter=2, random_state=0)
    model.fit(X, X[:, 0])
    twin = pickle.loads(pickle.dumps(model))
    assert type(twin.network_.layers[1]) is Doubling
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))


def test_copies_in_memory_need_no_file():
    model = fitted()
    both = copy.deepcopy([model, model.network_, model])
    assert both[0].network_ is both[1] is not model.network_
    assert both[2] is both[0]
    assert copy.copy(model).network_ is model.network_
    assert isinstance(both[1], Network)
    np.testing.assert_array_equal(both[0].predict(X), model.predict(X))
