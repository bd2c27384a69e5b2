"""A network: shapes, the shared vectors, the plan of memory, copies and predictions."""

import copy
import json
import pickle

import numpy as np
import pytest
from check_layer import close, peak_memory, same

from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import (
    GELU,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool2D,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
    layer_from_config,
)
from ardoise.engine.layers.base import PreparedLayer
from ardoise.engine.losses import SoftmaxCrossEntropy
from ardoise.engine.network import Network


def small(*, dtype="float64", seed=0, dropout=0.0):
    """Return a network with each kind of layer, on images of 2 × 3 pixels."""
    layers = [
        Flatten(),
        Dense(5),
        BatchNorm(),
        ReLU(),
        Dropout(dropout),
        Dense(4, use_bias=False),
        LayerNorm(),
        Tanh(),
        Dense(3),
    ]
    return Network(layers, (2, 3, 1), dtype=dtype, seed=seed)


def images(n=4, dtype="float64", seed=0):
    return np.random.default_rng(seed).random((n, 2, 3, 1)).astype(dtype)


def step(network, x, seed=0):
    """Run forward and backward; return copies of all results."""
    z = network.forward(x, training=True).copy()
    dz = np.random.default_rng(seed).standard_normal(z.shape).astype(z.dtype)
    dx = network.backward(dz, need_dx=True).copy()
    return z, dx, network.grad.copy(), network.state.copy()


def memory_plan(layers, input_shape):
    """Return, for each layer, whether its output lies in its input's memory."""
    network = Network(layers, input_shape, seed=0)
    x = np.ones((2, *network.input_shape), np.float32)
    network.forward(x, training=True)
    plan = []
    for layer in network.layers:
        y = layer.forward(x, training=True)
        plan.append(np.shares_memory(x, y))
        x = y
    return plan


# -- building -------------------------------------------------------------------------


def test_shapes_are_inferred_layer_by_layer():
    network = small()
    assert [layer.output_shape for layer in network.layers] == [
        (6,),
        (5,),
        (5,),
        (5,),
        (5,),
        (4,),
        (4,),
        (4,),
        (3,),
    ]
    assert network.layers[1].input_shape == (6,)
    assert (network.input_shape, network.output_shape) == ((2, 3, 1), (3,))
    assert network.n_params == 35 + 10 + 20 + 8 + 15
    assert network.theta.shape == network.grad.shape == (network.n_params,)
    assert network.state.shape == (10,)


def test_weights_come_first_in_the_vector_and_alone_are_decayed():
    network = small()
    keys = [entry.key for entry in network.layout.entries]
    assert keys == "1.W 5.W 8.W 1.b 2.gamma 2.beta 6.gamma 6.beta 8.b".split()
    assert network.layout.n_decay == 30 + 20 + 12
    assert list(network.parameters()) == list(network.gradients()) == keys


def test_layers_and_vectors_share_memory():
    network = small()
    network.parameters()["8.W"][...] = 7
    assert (network.layers[8].W == 7).all()
    assert np.shares_memory(network.layers[8].W, network.theta)
    assert np.shares_memory(network.layers[2].dgamma, network.grad)
    assert np.shares_memory(network.layers[2].running_mean, network.state)
    network.grad[...] = 3
    assert (network.gradients()["1.b"] == 3).all()


@pytest.mark.parametrize("name", ["theta", "grad", "state", "n_params"])
def test_the_vectors_cannot_be_replaced(name):
    with pytest.raises(AttributeError):
        setattr(small(), name, np.zeros(3))


def test_the_start_depends_on_the_seed_alone():
    same(small(seed=3).theta, small(seed=3).theta)
    same(small(seed=np.random.default_rng(3)).theta, small(seed=3).theta)
    assert (small(seed=4).theta != small(seed=3).theta).any()
    same(small(seed=3, dtype="float32").theta, small(seed=3).theta.astype("f4"))
    assert (small(seed=None).theta != small(seed=None).theta).any()


def test_weights_are_drawn_in_layer_order():
    """So that a layer added at the end leaves the first layers' start as it was."""
    short = Network([Dense(4)], 3, seed=0).parameters()
    long = Network([Dense(4), Dense(2)], 3, seed=0).parameters()
    same(long["0.W"], short["0.W"])


@pytest.mark.parametrize("shape", [6, np.int64(6), (6,), [6], np.array([6])])
def test_an_input_shape_is_a_number_or_a_sequence(shape):
    assert Network([Dense(2)], shape).input_shape == (6,)


@pytest.mark.parametrize(
    ("layers", "shape", "error", "sentence"),
    [
        ([], 3, ValueError, "at least one layer; got none"),
        (
            [Dense(2), "relu"],
            3,
            TypeError,
            "layer 1 must be a Layer object; got 'relu'",
        ),
        ([Dense], 3, TypeError, "layer 0 must be a Layer object"),
        (
            [ReLU(), Dense(2)],
            (4, 4, 1),
            ShapeError,
            r"layer 1, Dense\(units=2.*Flatten",
        ),
        ([ReLU()], (0,), ValueError, r"positive whole numbers; got \(0,\)"),
        ([ReLU()], (2.5,), ValueError, r"positive whole numbers; got \(2.5,\)"),
        ([ReLU()], "ab", ValueError, "positive whole numbers; got 'ab'"),
    ],
)
def test_what_is_no_network_is_refused_in_one_sentence(layers, shape, error, sentence):
    with pytest.raises(error, match=sentence):
        Network(layers, shape)


def test_a_dtype_other_than_two_is_refused():
    with pytest.raises(ValueError, match="float32 or float64; got float16"):
        Network([ReLU()], 3, dtype="float16")


def test_a_layer_object_can_be_used_once():
    layer = Dense(3)
    with pytest.raises(ValueError, match=r"layer 2, Dense.* already belongs"):
        Network([layer, ReLU(), layer], 3)
    Network([layer], 3)  # the failed attempt left it free
    with pytest.raises(ValueError, match=r"layer 0, Dense.* can be used once"):
        Network([layer], 3)


# -- forward and backward -------------------------------------------------------------


def test_forward_by_hand():
    network = Network([Dense(2), ReLU(), Dense(1)], 2, dtype="float64")
    for name, value in {
        "0.W": [[1, -1], [2, 0]],
        "0.b": [0, 1],
        "2.W": [[3], [5]],
        "2.b": [-1],
    }.items():
        network.parameters()[name][...] = value
    z = network.forward(np.array([[1.0, 1], [-1, 0]]), training=True)
    assert z.tolist() == [[3 * 3 + 0 - 1], [0 + 2 * 5 - 1]]
    assert network.backward(np.array([[1.0], [0]])) is None
    gradients = {k: v.tolist() for k, v in network.gradients().items()}
    assert gradients == {
        "0.W": [[3, 0], [3, 0]],
        "2.W": [[3], [0]],
        "0.b": [3, 0],
        "2.b": [1],
    }


@pytest.mark.parametrize(
    ("x", "got"),
    [
        (np.zeros((2, 6)), r"got float64 of shape \(2, 6\)"),
        (np.zeros((2, 2, 3, 1), "f4"), r"got float32 of shape \(2, 2, 3, 1\)"),
        (np.zeros((0, 2, 3, 1)), r"got float64 of shape \(0, 2, 3, 1\)"),
    ],
)
def test_forward_refuses_what_it_cannot_read(x, got):
    expected = r"forward expects float64 of shape \(n, 2, 3, 1\) with n ≥ 1; "
    with pytest.raises(ShapeError, match=expected + got):
        small().forward(x)


@pytest.mark.parametrize(
    "dz",
    [np.zeros((3, 3)), np.zeros((4, 3), "f4"), np.zeros((3, 4)).T],
    ids=["rows", "dtype", "order"],
)
def test_backward_refuses_what_does_not_fit_the_outputs(dz):
    network = small()
    network.forward(images(4), training=True)
    with pytest.raises(
        ShapeError, match=r"expects float64 of shape \(4, 3\), C-contig"
    ):
        network.backward(dz)


def test_backward_must_follow_a_forward_for_training():
    network, dz = small(), np.zeros((4, 3))
    with pytest.raises(RuntimeError, match="must follow forward"):
        network.backward(dz)
    network.forward(images(4), training=True)
    network.forward(images(4))
    with pytest.raises(RuntimeError, match="must follow forward"):
        network.backward(dz)
    network.forward(images(4), training=True)
    network.reserve(8, training=True)
    with pytest.raises(RuntimeError, match="must follow forward"):
        network.backward(dz)


def test_a_layer_that_breaks_the_contract_is_named():
    class Stops(ReLU):
        def backward(self, dy, *, need_dx=True):
            return None

    network = Network([Dense(3), Stops(), Dense(3)], 3)
    network.forward(np.ones((1, 3), "f4"), training=True)
    with pytest.raises(RuntimeError, match=r"layer 1, Stops\(\): no dx"):
        network.backward(np.ones((1, 3), "f4"))


@pytest.mark.parametrize("inside", [False, True])
def test_a_layer_that_prepares_nothing_is_called_instead(inside):
    class New(Layer):
        def forward(self, x, *, training):
            return 2 * x  # another array each time

    layers = [Residual([ReLU(), New()])] if inside else [Dense(4), New(), Dense(2)]
    network = Network(layers, 3, dtype="float64", seed=0)
    x = np.random.default_rng(0).random((5, 3))
    expected = network.forward(x).copy()
    for _ in range(4):
        same(network.propagate(x), expected)


@pytest.mark.parametrize("need_dx", [False, True])
def test_training_and_evaluation_take_turns_without_mixing_up(need_dx):
    def layers():
        inner = [Conv2D(2, 2, padding="same"), Tanh()]
        row = [Residual(inner), ReLU(), MaxPool2D(1), Conv2D(2, 1), Flatten()]
        return [*row, Dense(4), Dropout(0.3), Dense(3)]

    made = [Network(layers(), (2, 3, 2), dtype="float64", seed=0) for _ in range(2)]
    prepared, fresh = made
    rng = np.random.default_rng(0)
    shapes = [each.entry_shape(n) for each, n in ((prepared, 5), (prepared, 3))]
    entry, other = (np.empty(shape) for shape in shapes)
    dz = np.empty((5, 3))
    prepared.reserve(5, training=True, rng=np.random.default_rng(7))
    fresh.reserve(5, training=True, rng=np.random.default_rng(7))
    for turn in range(6):
        entry[...], slope = rng.random(entry.shape), rng.random((5, 3))
        dz[...] = slope
        z = prepared.propagate(entry, training=True).copy()
        dx = prepared.backward(dz, need_dx=need_dx)
        same(z, fresh.propagate(entry.copy(), training=True))
        expected = fresh.backward(slope.copy(), need_dx=need_dx)
        same(prepared.grad, fresh.grad)
        assert (dx is None) == (not need_dx)
        if dx is not None:
            same(dx, expected)
        if turn >= 2:
            other[...] = rng.random(other.shape)
            for _ in range(2):
                close(prepared.propagate(other), fresh.propagate(other.copy()))


class Half(Layer):
    """Prepares forward alone."""

    def prepare(self, x, *, training):
        y = np.empty_like(x)
        return [lambda: np.copyto(y, x)], y

    def forward(self, x, *, training):
        return x.copy()


class Silent(Tanh):
    """Gives no dx."""

    def prepare(self, x, *, training):
        return super().prepare(x, training=training)

    def prepare_backward(self, dy, *, need_dx):
        return [], None


@pytest.mark.parametrize("layer", [Half(), Residual([Half()]), Silent()], ids=repr)
def test_a_layer_that_prepares_half_is_found(layer):
    network = Network([Dense(2), layer], 3, dtype="float64")
    x = np.ones((1, 3))
    for _ in range(2):
        network.propagate(x, training=True)
    with pytest.raises(RuntimeError, match="prepares forward, but not backward"):
        network.backward(np.ones((1, 2)))


def test_a_layer_prepares_nothing_unless_it_says_so():
    layer = Layer()
    assert layer.prepare(np.ones((1, 2)), training=True) is None
    assert layer.prepare_backward(np.ones((1, 2)), need_dx=True) is None


def test_a_prepared_layer_says_what_it_calls():
    for call in (
        lambda: PreparedLayer().prepare(None, training=True),
        lambda: PreparedLayer().prepare_backward(None, need_dx=True),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_a_prepared_input_may_change_and_so_may_the_weights():
    network = small()
    x = images(4)
    entry = np.empty(network.entry_shape(4))
    for _ in range(4):
        x[...] = np.random.default_rng(1).random(x.shape)
        network.theta[...] += 0.1
        entry[...] = x.reshape(entry.shape)
        close(network.propagate(entry), copy.deepcopy(network).forward(x))


def test_dense_needs_a_forward_before_backward():
    network = Network([Dense(2)], 3)
    network.reserve(1, training=True)
    with pytest.raises(RuntimeError, match="must follow forward"):
        network.layers[0].backward(np.ones((1, 2), "f4"))


def test_work_space_grows_by_itself_and_is_checked():
    network = small()
    for n in (2, 5, 3):
        assert network.forward(images(n), training=True).shape == (n, 3)
    with pytest.raises(ValueError, match="batch must be at least 1; got 0"):
        network.reserve(0)


def test_outputs_do_not_depend_on_the_batch_around_them():
    network = small()
    z = network.forward(images(6)).copy()
    close(network.forward(images(6)[4:5]), z[4:5])
    network.reserve(100, training=True)
    close(network.forward(images(6)), z)


def test_the_gradient_of_x_is_given_on_request():
    network, x = small(), images(3)
    _, dx, grad, _ = step(network, x)
    assert dx.shape == x.shape
    network.forward(x, training=True)
    dz = np.random.default_rng(0).standard_normal((3, 3))
    assert network.backward(dz) is None
    same(network.grad, grad)


def test_backward_goes_no_further_down_than_something_is_learned():
    asked = []

    class Asks(Tanh):
        def backward(self, dy, *, need_dx=True):
            asked.append(need_dx)
            return super().backward(dy, need_dx=need_dx)

    class AsksDense(Dense):
        def backward(self, dy, *, need_dx=True):
            asked.append(need_dx)
            return super().backward(dy, need_dx=need_dx)

    net = Network([Asks(), Flatten(), AsksDense(3), Asks(), Dense(2)], (2, 3))
    x, dz = np.ones((4, 2, 3), "f4"), np.ones((4, 2), "f4")
    net.forward(x, training=True)
    assert net.backward(dz.copy()) is None
    assert asked == [True, False]  # the second Tanh, then the first Dense
    asked.clear()
    assert net.backward(dz.copy(), need_dx=True).shape == x.shape
    assert asked == [True, True, True]
    unlearned = Network([Asks(), Tanh()], 3)
    unlearned.forward(np.ones((1, 3), "f4"), training=True)
    assert unlearned.backward(np.ones((1, 3), "f4")) is None


def test_an_x_that_is_no_row_by_row_copy_is_read_all_the_same():
    network = small()
    x = images(4)
    close(network.forward(np.asfortranarray(x)), network.forward(x).copy())


# -- memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "plan"),
    [
        # Nothing is ever written over x.
        ([ReLU(), ReLU()], [False, False]),
        ([Dropout(0.5), Tanh()], [False, True]),
        ([BatchNorm(), Tanh()], [False, True]),
        # Over a Dense layer's output, which nobody reads again.
        ([Dense(3), ReLU()], [False, True]),
        ([Dense(3), BatchNorm(), ReLU(), Dense(2)], [False, True, True, False]),
        ([Dense(3), Dropout(0.5), ReLU()], [False, True, True]),
        # Not over an output that its layer needs for backward.
        ([Dense(3), ReLU(), Dropout(0.5)], [False, True, False]),
        ([Dense(3), Tanh(), LayerNorm(), Sigmoid()], [False, True, False, True]),
        # GELU keeps x and writes elsewhere; its own output is free.
        ([Dense(3), GELU(), ReLU()], [False, False, True]),
    ],
    ids=str,
)
def test_layers_write_over_their_input_only_where_nobody_reads_it(layers, plan):
    assert memory_plan(layers, (3,)) == plan


def test_flatten_is_looked_through():
    assert memory_plan([Flatten(), ReLU()], (2, 2)) == [True, False]
    assert memory_plan([BatchNorm(), Flatten(), ReLU()], (2, 2)) == [False, True, True]
    assert memory_plan([Tanh(), Flatten(), ReLU()], (2, 2)) == [False, True, False]


def test_writing_in_place_changes_no_number():
    """The same layers, each with memory of its own."""
    network, x = small(dropout=0.5), images(5)
    network.reserve(5, training=True, rng=np.random.default_rng(1))
    found = step(network, x)
    network = small(dropout=0.5)
    streams = np.random.default_rng(1).spawn(len(network.layers))
    network.reserve(5, training=True)
    for layer, stream in zip(network.layers, streams, strict=True):
        layer.reserve(5, training=True, in_place=False, rng=stream)
    for a, b in zip(found, step(network, x), strict=True):
        same(a, b)


def test_x_is_never_written():
    for dtype in ("float32", "float64"):
        network, x = small(dtype=dtype, dropout=0.5), images(4, dtype)
        before = x.copy()
        x.flags.writeable = False
        step(network, x)
        network.predict_logits(x)
        same(x, before)


def test_in_the_steady_state_a_step_allocates_nothing():
    layers = [Dense(32), ReLU(), Dropout(0.2), Dense(32), LayerNorm(), Dense(10)]
    network = Network(layers, 784, seed=0)
    x = np.random.default_rng(0).random((512, 784), dtype=np.float32)
    t, loss = np.arange(512) % 10, SoftmaxCrossEntropy()

    def one_step():
        z = network.forward(x, training=True)
        network.backward(loss(z, t, scale=1 / 512)[1])

    one_step()
    # The smallest array of batch × width, 512 × 10, has 20,480 bytes.
    assert peak_memory(one_step) < 20_000


# -- randomness -----------------------------------------------------------------------


def test_dropout_goes_on_where_it_was_when_the_work_space_grows():
    """An evaluation with large batches in the middle must change no later draw."""
    results = []
    for evaluate in (False, True):
        network = small(dropout=0.5)
        network.reserve(4, training=True, rng=np.random.default_rng(1))
        step(network, images(4))
        if evaluate:
            network.predict(images(100))
        results.append(step(network, images(4)))
    for a, b in zip(*results, strict=True):
        same(a, b)


def test_dropout_follows_the_generator_that_is_given():
    network = small(dropout=0.5)
    drawn = []
    for seed in (1, 1, 2):
        network.reserve(4, training=True, rng=np.random.default_rng(seed))
        drawn.append(step(network, images(4))[0])
    same(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


# -- prediction -----------------------------------------------------------------------


def test_predict_is_forward_in_batches():
    network = small()
    x = images(network.micro_batch() + 7)
    z = network.predict_logits(x)
    close(z, network.forward(x))
    same(network.predict(x), z.argmax(axis=1))
    p = network.predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(p, np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


def test_predictions_are_the_callers_own():
    network, x = small(), images(4)
    z = network.predict_logits(x)
    before = z.copy()
    network.predict_logits(1 - x)
    same(z, before)


def test_bytes_are_read_as_shares_of_255_and_floats_as_they_are():
    network = Network([Flatten(), Dense(3)], (2, 3, 1), seed=0)
    grey = np.random.default_rng(0).integers(0, 256, (5, 2, 3, 1), dtype=np.uint8)
    as_bytes = network.predict_logits(grey)
    np.testing.assert_allclose(as_bytes, network.predict_logits(grey / 255), atol=1e-6)
    as_numbers = network.predict_logits(grey.astype(float))
    np.testing.assert_allclose(as_numbers, 255 * as_bytes, rtol=1e-5)
    mirrored = grey[:, :, ::-1]
    same(network.predict_logits(mirrored), network.predict_logits(mirrored.copy()))


def test_predict_refuses_what_it_cannot_read():
    with pytest.raises(TypeError, match="x must hold bytes"):
        small().predict([[[[1], [2], [3]], [[4], [5], [6]]]])
    with pytest.raises(ValueError, match=r"shape \(n, 2, 3, 1\); got \(2, 3\)"):
        small().predict_proba(np.zeros((2, 3)))


# -- copies ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied",
    [copy.deepcopy, copy.copy, lambda n: pickle.loads(pickle.dumps(n))],
    ids=["deepcopy", "copy", "pickle"],
)
def test_copies_compute_the_same_and_keep_their_views_joined(copied):
    network = small(dropout=0.5)
    step(network, images(4))
    twin = copied(network)
    for vector in ("theta", "grad", "state"):
        same(getattr(twin, vector), getattr(network, vector))
        assert not np.shares_memory(getattr(twin, vector), getattr(network, vector))
    before = network.theta.copy()
    twin.theta[...] = 0
    assert (twin.layers[1].W == 0).all()
    twin.layers[1].dW[...] = 5
    assert (twin.gradients()["1.W"] == 5).all()
    same(network.theta, before)
    twin.theta[...] = network.theta
    same(twin.predict_logits(images(5)), network.predict_logits(images(5)))


def changed(**changes):
    state = {**small().__getstate__(), **changes}
    return {key: value for key, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (changed(rng=None), "this is no state of a Network"),
        (changed(layers=None), "this is no state of a Network"),
        (changed(layers=3), "this is no state of a Network"),
        (changed(vectors=("a", "b", "c")), "this is no state of a Network"),
        ([], "this is no state of a Network"),
        (changed(vectors=(np.zeros(3),) * 3), r"vectors .* \(\(3,\), dtype\('float64"),
        (changed(vectors=(np.zeros(3),) * 2), "vectors of a Network"),
    ],
)
def test_another_state_than_that_of_a_network_is_refused(state, sentence):
    network = object.__new__(Network)
    with pytest.raises(ValueError, match=sentence):
        network.__setstate__(state)


def test_a_copy_of_a_fresh_network_drops_the_same():
    network = small(dropout=0.5)
    twin = copy.deepcopy(network)
    for a, b in zip(step(network, images(4)), step(twin, images(4)), strict=True):
        same(a, b)


def test_a_network_is_its_config_and_its_numbers():
    network = small(dropout=0.25, dtype="float32")
    step(network, images(4, "float32"))
    config = json.loads(json.dumps(network.config()))
    assert config["input_shape"] == [2, 3, 1]
    assert config["layers"][4] == {"type": "Dropout", "rate": 0.25}
    twin = Network.from_config(config, seed=0)
    assert twin.config() == network.config()
    assert repr(twin) == repr(network)
    same(twin.theta, small(dtype="float32").theta)
    values = np.concatenate([network.theta, network.state])
    restored = Network.from_values(config, values)
    same(restored.predict_logits(images(9)), network.predict_logits(images(9)))
    assert np.shares_memory(restored.theta, values)
    assert np.shares_memory(restored.state, values)


@pytest.mark.parametrize(
    "values",
    [np.zeros(97), np.zeros(99), np.zeros(98, "f4"), np.zeros((98, 1))],
    ids=["short", "long", "dtype", "matrix"],
)
def test_from_values_refuses_other_numbers(values):
    with pytest.raises(ValueError, match="has 98 numbers of float64; got float"):
        Network.from_values(small().config(), values)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            {"type": "Danse", "units": 3},
            "layer type must be one of Dense, .* got 'Danse'",
        ),
        ({"units": 3}, "layer type must be one of .* got None"),
        ({"type": "Dense"}, "layer type 'Dense': .*units"),
        ({"type": "Dense", "units": 3, "colour": 1}, "layer type 'Dense': .*colour"),
        (
            {"type": "Dense", "units": -3},
            "units must be a positive whole number; got -3",
        ),
    ],
)
def test_a_layer_that_is_not_in_the_table_is_refused(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        layer_from_config(config)


def test_replicas_share_theta_and_nothing_else():
    network, x = small(), images(4)
    grad = np.full(network.n_params, np.nan)
    twin = network.replica(grad, network.state.copy())
    assert twin.theta is network.theta
    assert twin.grad is grad
    for a, b in zip(step(twin, x), step(network, x), strict=True):
        same(a, b)
    assert not np.shares_memory(twin.forward(x), network.forward(x))
    network.theta[...] = 0
    assert (twin.forward(x) == 0).all()


def test_astype_is_a_copy_in_the_other_dtype():
    network = small(dtype="float32")
    twin = network.astype("float64")
    assert twin.theta.dtype == twin.state.dtype == np.float64
    x = images(4)
    np.testing.assert_allclose(
        twin.predict_logits(x), network.predict_logits(x), atol=1e-5
    )
    twin.theta[...] = 0
    assert network.theta.any()


# -- words ----------------------------------------------------------------------------


def test_summary_names_layers_shapes_and_sizes():
    network = small()
    lines = network.summary()
    assert lines[0] == ("Flatten", "6", 0)
    assert lines[1] == ("Dense", "5", 35)
    assert sum(count for *_, count in lines) == network.n_params
    on_images = Network([ReLU()], (28, 28, 1)).summary()
    assert on_images == [("ReLU", "28 × 28 × 1", 0)]


def test_operations_of_a_training_step():
    """Three products a layer, but for the first that reads the samples: two."""
    network = Network([Flatten(), Dense(5), ReLU(), Dense(4), Dense(3)], (2, 3, 1))
    assert network.training_operations == 2 * (2 * 6 * 5 + 3 * 5 * 4 + 3 * 4 * 3)
    assert Network([ReLU()], 3).training_operations == 0


def test_repr_rebuilds_the_idea():
    assert repr(Network([Dropout(0.5), Tanh()], 3)) == (
        "Network([Dropout(rate=0.5), Tanh()], input_shape=(3,))"
    )


def test_layers_of_ones_own_are_welcome():
    class Double(Layer):
        def forward(self, x, *, training):
            return x * 2

        def backward(self, dy, *, need_dx=True):
            return dy * 2

    network = Network([Double()], 3, dtype="float64")
    assert network.forward(np.ones((1, 3)), training=True).tolist() == [[2, 2, 2]]
    assert network.replica(network.grad, network.state).predict(np.ones((1, 3))) == [0]
