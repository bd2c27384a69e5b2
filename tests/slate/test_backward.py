"""What flows back is what the loss really does when numbers are moved."""

import numpy as np
import pytest
from looked_at import (
    computed,
    deep,
    dense,
    digit,
    session_of,
    shaken,
    trained,
    trained_session,
)

from ardoise import Dense, Flatten, Network, Residual, Sigmoid
from ardoise.engine.ensemble import average
from ardoise.engine.losses import softmax
from ardoise.slate.backward import HANDLERS, backward, check, fool, slope, why
from ardoise.slate.requests import SlateError
from ardoise.slate.walk import Walk

image = {"image": digit()[0]}


def loss_behind(walk, place, values, label):
    """Return −log p, computed from what the layers before ``place`` gave."""
    for piece in walk.pieces[place:]:
        values = piece.forward(values)
    return float(-np.log(softmax(values)[0, label]))


@pytest.mark.parametrize("make", [deep, dense])
def test_slopes_are_those_of_the_loss(make):
    network = make()
    answer, arrays = backward(session_of(network), {"label": 3}, image)
    walk = Walk.through(network).astype("float64")
    values = walk.forward(walk.entry(image["image"][np.newaxis]))
    rng = np.random.default_rng(0)
    assert answer["loss"] == pytest.approx(loss_behind(walk, 0, values[0], 3), rel=1e-5)
    named = {f"grad{shown['layer']}": shown["layer"] + 1 for shown in answer["layers"]}
    for name, place in {"grad": 0, **named}.items():
        slopes = arrays[name].reshape(values[place].shape)
        scale = float(np.abs(slopes).max())
        assert scale > 0
        for _ in range(6):
            at = tuple(int(rng.integers(n)) for n in slopes.shape)
            ends = []
            for step in (1e-6, -1e-6):
                moved = values[place].copy()
                moved[at] += step
                ends.append(loss_behind(walk, place, moved, 3))
            measured = (ends[0] - ends[1]) / 2e-6
            assert slopes[at] == pytest.approx(measured, rel=1e-3, abs=1e-4 * scale)


def test_what_flows_back_comes_with_what_went_forward():
    network = deep()
    answer, arrays = backward(session_of(network), {"label": 3}, image)
    assert [shown["kind"] for shown in answer["layers"]][-1] == "Dense"
    for shown in answer["layers"]:
        for name in ("forward", "grad"):
            assert list(arrays[f"{name}{shown['layer']}"].shape) == shown["shape"]
    p = network.predict_proba(image["image"][np.newaxis, ..., np.newaxis])[0]
    assert arrays["probabilities"] == pytest.approx(p, abs=1e-6)
    assert answer["loss"] == pytest.approx(-np.log(p[3]), rel=1e-4)
    target = np.eye(10)[3]
    last = answer["layers"][-1]["layer"]
    assert arrays[f"grad{last}"] == pytest.approx(p - target, abs=1e-6)


def test_nothing_of_the_network_is_touched():
    network = deep()
    session = session_of(network)
    kept = [v.copy() for v in (network.theta, network.grad, network.state)]
    backward(session, {"label": 3}, image)
    check(session, {"label": 3, "layer": 0}, image)
    why(session, {}, image)
    fool(session, {}, image)
    slope(session, {"label": 3, "layer": 0, "index": [3, 3, 0]}, image)
    for before, after in zip(
        kept, (network.theta, network.grad, network.state), strict=True
    ):
        assert (before == after).all()


# -- one weight ------------------------------------------------------------------------


def every_weight_array():
    for make in (deep, dense):
        network = make()
        for name in network.parameters():
            yield pytest.param(make, name, id=f"{make.__name__} {name}")


@pytest.mark.parametrize(("make", "name"), list(every_weight_array()))
def test_computed_and_measured_slopes_agree(make, name):
    network = make()
    layer, _, param = name.partition(".")
    values = network.parameters()[name]
    rng = np.random.default_rng(0)
    session = session_of(network)
    request = {"label": 3, "layer": int(layer), "param": param}
    steepest, _ = check(session, request, image)
    assert steepest["error"] < 1e-4
    assert steepest["analytic"] != 0
    for _ in range(5):
        index = [int(rng.integers(n)) for n in values.shape]
        found, _ = check(session, {**request, "index": index}, image)
        difference = abs(found["analytic"] - found["numeric"])
        assert found["error"] < 1e-4 or difference < 1e-9  # float64 ends there
        assert abs(found["analytic"]) <= abs(steepest["analytic"])
        assert found["weight"] == values[tuple(index)]
        measured = (found["upper"] - found["lower"]) / (2 * found["epsilon"])
        assert found["numeric"] == measured


@pytest.mark.parametrize("layer", [0, 2, 7, 9])
def test_a_check_has_the_formula_of_its_slope(layer):
    network = deep()
    names = [n for n in network.parameters() if n.startswith(f"{layer}.")]
    for name in names:
        request = {"label": 3, "layer": layer, "param": name.partition(".")[2]}
        found, _ = check(session_of(network), request, image)
        assert computed(found["formula"]) == pytest.approx(found["analytic"], rel=1e-6)
        assert found["code"]["lines"]


@pytest.mark.parametrize(
    "request_",
    [
        {"layer": 1},  # a maximum has no weights
        {"layer": 0, "param": "U"},
        {"layer": 0, "param": "W", "index": [0, 0, 0, 4]},
        {"layer": 10},
        {"layer": 0, "label": 11},
    ],
)
def test_a_weight_that_is_not_there_is_refused(request_):
    with pytest.raises(SlateError):
        check(session_of(deep()), {"label": 3, **request_}, image)


# -- the slope of one number -----------------------------------------------------------


@pytest.mark.parametrize("make", [deep, dense])
def test_the_slope_of_a_number_is_the_one_that_is_drawn(make):
    session = session_of(make())
    answer, arrays = backward(session, {"label": 3}, image)
    kinds = set()
    for shown in answer["layers"]:
        slopes = arrays[f"grad{shown['layer']}"]
        index = np.unravel_index(int(np.abs(slopes).argmax()), slopes.shape)
        request = {"layer": shown["layer"], "index": [int(n) for n in index]}
        found, _ = slope(session, {"label": 3, **request}, image)
        assert computed(found["formula"]) == pytest.approx(slopes[index], rel=1e-4)
        assert found["code"]["lines"]
        kinds.add(found["kind"])
    assert "loss" in kinds and "Dropout" not in kinds and "Flatten" not in kinds
    at = np.unravel_index(int(np.abs(arrays["grad"]).argmax()), (28, 28))
    request = {"layer": "image", "index": [int(at[0]), int(at[1]), 0], "label": 3}
    found, _ = slope(session, request, image)
    assert found["value"] == pytest.approx(arrays["grad"][at], rel=1e-4)


# -- why -------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [None, 4])
def test_contributions_add_up(label):
    model = trained()
    for row in range(6):
        request = {} if label is None else {"label": label}
        found, arrays = why(trained_session(), request, {"image": digit(row)[0]})
        x = np.stack([digit(row)[0], np.zeros((28, 28), np.uint8)])[..., np.newaxis]
        z = model.network.predict_logits(x)
        k = int(z[0].argmax()) if label is None else label
        assert found["label"] == k
        assert found["logit"] == pytest.approx(float(z[0, k]), rel=1e-3, abs=1e-4)
        assert found["black"] == pytest.approx(float(z[1, k]), rel=1e-3, abs=1e-4)
        contributions = arrays["contributions"]
        assert contributions.shape == (28, 28)
        assert found["sum"] == pytest.approx(float(contributions.sum()), rel=1e-3)
        spread = float(np.abs(contributions).sum())
        assert abs(found["sum"] - (found["logit"] - found["black"])) < 0.03 * spread
        assert not contributions[digit(row)[0] == 0].any()  # black adds nothing


def test_contributions_to_a_smooth_network_are_complete():
    network = shaken([Flatten(), Dense(12), Sigmoid(), Dense(10)])
    found, _ = why(session_of(network), {}, image)
    assert found["sum"] == pytest.approx(found["logit"] - found["black"], rel=0.01)


def test_contributions_to_a_straight_network_are_input_times_weight():
    network = shaken([Flatten(), Dense(10)])
    _, arrays = why(session_of(network), {"label": 2}, image)
    W = network.parameters()["1.W"][:, 2].reshape(28, 28)
    expected = W * image["image"] / 255
    assert arrays["contributions"] == pytest.approx(expected, abs=1e-6)


# -- fooling ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", range(6))
def test_a_small_change_flips_the_answer(row):
    model, before = trained(), {"image": digit(row)[0]}
    found, arrays = fool(trained_session(), {}, before)
    changed = arrays["image"]
    assert changed.dtype == np.uint8
    both = np.stack([before["image"], changed])[..., np.newaxis]
    p = model.network.predict_proba(both)
    assert (found["before"], found["after"]) == tuple(p.argmax(axis=1).tolist())
    assert found["before"] != found["after"]
    assert arrays["probabilities"] == pytest.approx(p[1], abs=1e-5)
    assert arrays["probabilities_before"] == pytest.approx(p[0], abs=1e-5)
    difference = (changed.astype(float) - before["image"]) / 255
    assert arrays["difference"] == pytest.approx(difference, abs=1e-6)
    assert found["size"] == pytest.approx(np.linalg.norm(difference), rel=1e-6)
    assert found["pixels"] == np.count_nonzero(difference)
    assert 0 < found["size"] < 3  # the digit itself has a length of about 9


@pytest.mark.parametrize("target", [1, 8])
def test_a_target_is_reached(target):
    found, _ = fool(trained_session(), {"target": target}, image)
    assert found["after"] == target
    anything, _ = fool(trained_session(), {}, image)
    assert anything["size"] <= found["size"] * 1.01


def test_of_a_straight_network_the_change_is_the_shortest():
    rng = np.random.default_rng(0)
    network = Network([Flatten(), Dense(10)], (28, 28, 1), seed=0)
    network.theta[...] = rng.standard_normal(network.theta.shape) / 28
    grey = np.full((28, 28), 128, np.uint8)  # far from black and from white
    found, _ = fool(session_of(network), {}, {"image": grey})
    z = network.predict_logits(grey[np.newaxis, ..., np.newaxis])[0].astype(float)
    W, best = network.parameters()["1.W"].astype(float), int(z.argmax())
    distances = [
        (z[best] - z[k]) / np.linalg.norm(W[:, k] - W[:, best])
        for k in range(10)
        if k != best
    ]
    assert min(distances) * 0.99 < found["size"] < min(distances) * 1.15


def test_a_mean_can_be_fooled_too():
    mean = average([trained().network, dense()])
    session = session_of(mean)
    found, arrays = fool(session, {}, image)
    both = np.stack([image["image"], arrays["image"]])[..., np.newaxis]
    answers = mean.predict(both).tolist()
    assert answers == [found["before"], found["after"]]
    assert why(session, {}, image)[0]["label"] == found["before"]


@pytest.mark.parametrize("weights", [0.0, np.nan, np.inf])
def test_where_nothing_flips_the_answer_it_says_so(weights):
    network = dense()
    network.theta[...] = weights
    with pytest.raises(SlateError) as failed:
        fool(session_of(network), {}, image)
    assert failed.value.key == "slate.fool.failed"


def test_to_fool_it_into_its_own_answer_is_refused():
    with pytest.raises(SlateError) as refused:
        fool(trained_session(), {"target": digit()[1]}, image)
    assert refused.value.key == "slate.fool.same"


def test_residual_layers_flow_back_through_both_branches():
    inner = [Dense(12), Sigmoid()]
    network = shaken([Flatten(), Dense(12), Residual(inner, [Dense(12)]), Dense(10)])
    request = {"label": 3, "layer": 2}
    for param in ("layers.0.W", "layers.0.b", "shortcut.0.W"):
        found, _ = check(session_of(network), {**request, "param": param}, image)
        assert found["error"] < 1e-4 and found["analytic"] != 0
        assert found["formula"] is None and found["code"] is None


def test_handlers_have_the_names_of_the_protocol():
    assert set(HANDLERS) == {"backward", "slope", "check", "why", "fool"}
