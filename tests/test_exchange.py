"""Models from and for PyTorch and scikit-learn: the same answers."""

import numpy as np
import pytest
import sklearn.neural_network as theirs
import torch
from sklearn.datasets import load_digits

import ardoise
from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    LayerNorm,
    MaxPool2D,
    Network,
    ReLU,
)
from ardoise.exchange import from_pytorch, from_sklearn, to_sklearn

pytestmark = [
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]

nn = torch.nn
X, Y = load_digits(return_X_y=True)
X, Y = X[:500] / 16, Y[:500]
TARGETS = {
    "classes": Y,
    "two classes": Y > 4,
    "text": np.array(list("abcdefghij"))[Y],
    "labels": np.stack([Y > 4, Y % 2 == 0], axis=1).astype(int),
}


# -- PyTorch --------------------------------------------------------------------------


def settled(module):
    """Return a module with running statistics of its own, ready to predict."""
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2)
            nn.init.uniform_(layer.weight)
    return module.eval()


def test_a_convolutional_network_from_pytorch():
    module = settled(
        nn.Sequential(
            nn.Conv2d(2, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, bias=False, groups=2),
            nn.Flatten(),
            nn.Linear(6 * 3 * 2, 5),
            nn.LayerNorm(5),
            nn.ReLU(),
            nn.Linear(5, 3),
        )
    )
    network = Network(
        [
            *(Conv2D(4, 3), BatchNorm(), ReLU(), MaxPool2D(2)),
            *(Conv2D(6, 3, use_bias=False, groups=2), Flatten(), Dense(5)),
            *(LayerNorm(), ReLU(), Dense(3)),
        ],
        (12, 11, 2),
        seed=0,
    )
    assert from_pytorch(module.state_dict(), network) is network
    x = np.random.default_rng(0).random((7, 12, 11, 2), "f4")
    with torch.no_grad():
        expected = module(torch.tensor(x.transpose(0, 3, 1, 2).copy())).numpy()
    np.testing.assert_allclose(network.predict_logits(x), expected, atol=1e-5)


def test_a_dense_network_from_arrays():
    module = settled(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 2)))
    network = Network([Dense(5), BatchNorm(), Dense(2)], 4, seed=0, dtype="float64")
    arrays = {name: t.numpy() for name, t in module.state_dict().items()}
    from_pytorch(arrays, network)
    x = np.random.default_rng(0).random((6, 4))
    with torch.no_grad():
        expected = module(torch.tensor(x, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(network.predict_logits(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Linear(4, 2, bias=False), "has 2 arrays; the state dict holds 1"),
        (nn.Linear(3, 2), r"'weight' has the shape \(2, 3\).*expected \(2, 4\)"),
        (nn.Linear(4, 3), "'weight' has the shape"),
    ],
)
def test_weights_of_another_architecture(module, words):
    network = Network([Dense(2)], 4, seed=0)
    before = network.theta.copy()
    with pytest.raises(ValueError, match=words):
        from_pytorch(module.state_dict(), network)
    np.testing.assert_array_equal(network.theta, before)


def test_maps_of_another_shape():
    network = Network([Conv2D(2, 3)], (5, 5, 1), seed=0)
    with pytest.raises(ValueError, match=r"expected \(2, 1, 3, 3\)"):
        from_pytorch(nn.Conv2d(1, 2, 5).state_dict(), network)


# -- scikit-learn ---------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_classifier_there_and_back(target, solver):
    y = TARGETS[target]
    settings = {"random_state": 0, "max_iter": 30, "solver": solver}
    model = theirs.MLPClassifier(hidden_layer_sizes=(20, 8), **settings).fit(X, y)
    ours = from_sklearn(model)
    assert isinstance(ours, ardoise.MLPClassifier)
    np.testing.assert_array_equal(ours.predict(X), model.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), model.predict_proba(X), atol=1e-9)
    back = to_sklearn(ours)
    assert type(back) is theirs.MLPClassifier
    np.testing.assert_array_equal(back.predict(X), model.predict(X))
    np.testing.assert_allclose(back.predict_proba(X), model.predict_proba(X), atol=1e-9)
    if solver == "adam":
        assert ours.partial_fit(X, y).score(X, y) > 0.5
        assert back.partial_fit(X, y).score(X, y) > 0.5


def test_a_regressor_there_and_back():
    y = np.stack([Y, -Y], axis=1) / 9
    model = theirs.MLPRegressor(hidden_layer_sizes=20, max_iter=30, random_state=0).fit(
        X, y
    )
    ours = from_sklearn(model)
    np.testing.assert_allclose(ours.predict(X), model.predict(X), atol=1e-9)
    np.testing.assert_allclose(to_sklearn(ours).predict(X), model.predict(X), atol=1e-9)
    assert ours.loss_curve_ == model.loss_curve_


def test_what_scikit_learn_has_not_becomes_part_of_the_weights():
    ours = ardoise.MLPClassifier(
        20,
        batch_norm=True,
        dropout=0.1,
        solver="adamw",
        learning_rate={"name": "cosine"},
        calibrate=True,
        random_state=0,
        max_iter=20,
    ).fit(X, Y)
    model = to_sklearn(ours)
    np.testing.assert_allclose(model.predict_proba(X), ours.predict_proba(X), atol=1e-9)
    assert model.get_params()["solver"] == "adam"


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "gelu"},
        {"hidden_layer_sizes": (4, 4), "activation": ("relu", "tanh")},
    ],
)
def test_what_scikit_learn_cannot_be(settings):
    ours = ardoise.MLPClassifier(**settings, max_iter=2, random_state=0).fit(X, Y)
    with pytest.raises(ValueError, match="one activation for all hidden layers"):
        to_sklearn(ours)
    regressor = ardoise.MLPRegressor(loss="huber", max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="huber"):
        to_sklearn(regressor)


def test_what_is_no_fitted_mlp():
    for model in (theirs.MLPClassifier(), 3, ardoise.MLPClassifier()):
        with pytest.raises(ValueError, match="from_sklearn needs a fitted"):
            from_sklearn(model)
    for other in (ardoise.MLPClassifier(), ardoise.ConvClassifier(), 3):
        with pytest.raises(ValueError, match="to_sklearn needs a fitted"):
            to_sklearn(other)
