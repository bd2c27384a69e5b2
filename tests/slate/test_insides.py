"""Inside a network: its weights, where they came from, maps, and units switched off."""

import numpy as np
import pytest
from looked_at import (
    deep,
    dense,
    mnist,
    model_of,
    session_of,
    trained,
    trained_session,
)

from ardoise.engine.ensemble import average
from ardoise.slate.insides import HANDLERS, inside, map_, principal, silence
from ardoise.slate.requests import SlateError

# -- weights ---------------------------------------------------------------------------


def test_kernels_are_images_filter_by_filter():
    network = deep()
    answer, arrays = inside(session_of(network), {"layer": 4}, {})
    assert "weights" not in arrays and answer["kind"] == "Residual"
    network = trained().network
    answer, arrays = inside(trained_session(), {"layer": 3}, {})
    W = network.parameters()["3.W"]  # (3, 3, 8, 16)
    assert arrays["weights"].shape == (16 * 8, 3, 3)
    assert (answer["images"], answer["channels"]) == (128, 8)
    assert (arrays["weights"][5 * 8 + 2] == W[:, :, 2, 5]).all()


def test_weights_of_units_lie_as_the_image_does():
    network = dense()
    answer, arrays = inside(session_of(network), {"layer": 1}, {})
    W = network.parameters()["1.W"]
    assert arrays["weights"].shape == (20, 28, 28)
    assert (arrays["weights"][7] == W[:, 7].reshape(28, 28)).all()
    assert answer["channels"] == 1
    answer, arrays = inside(session_of(network), {"layer": 3}, {})
    assert (arrays["weights"][0] == network.parameters()["3.W"]).all()
    network = deep()
    answer, arrays = inside(session_of(network), {"layer": 7}, {})
    W = network.parameters()["7.W"].reshape(12, 12, 4, 16)
    assert (arrays["weights"][3 * 4 + 1] == W[:, :, 1, 3]).all()
    assert (answer["images"], answer["channels"]) == (64, 4)


def test_no_more_images_than_can_be_looked_at():
    answer, arrays = inside(trained_session(), {"layer": 7}, {})
    assert answer["images"] == 64 * 16 and len(arrays["weights"]) == 1024


@pytest.mark.parametrize("layer", range(10))
def test_histograms_hold_every_number(layer):
    network = deep()
    answer, arrays = inside(session_of(network), {"layer": layer}, {})
    own = {k for k in network.parameters() if k.startswith(f"{layer}.")}
    assert {f"{layer}.{name}" for name in answer["arrays_of"]} == own
    for name in answer["arrays_of"]:
        values = network.parameters()[f"{layer}.{name}"]
        edges = arrays[f"bins_{name}"]
        assert edges[0] == -edges[-1]
        for when in ("now", "start"):
            assert arrays[f"{when}_{name}"].sum() == values.size
        counts, _ = np.histogram(values, edges.astype(np.float64))
        assert np.abs(counts - arrays[f"now_{name}"]).sum() <= 2  # rounded edges


def test_the_start_is_that_of_the_training_if_it_is_known():
    session = session_of(dense())
    answer, arrays = inside(session, {"layer": 1}, {})
    assert answer["start"] == "drawn"
    drawn = arrays["start_b"]
    assert (drawn > 0).sum() == 1 and drawn.sum() == 20  # biases begin with 0
    other = dense()
    other.theta[...] += 1
    session.moments.add(5, other)
    answer, arrays = inside(session, {"layer": 1}, {})
    assert answer["start"] == "moments"
    assert (arrays["start_b"] == arrays["now_b"]).all()  # step 0 is the network itself


def test_moments_of_another_network_are_no_start():
    session = session_of(dense())
    session.moments.add(5, dense())
    session.adopt(trained())
    answer, _ = inside(session, {"layer": 0}, {})
    assert answer["start"] == "drawn"


def test_a_network_in_ruins_has_an_inside():
    network = dense()
    network.theta[:7] = [np.inf, -np.inf, np.nan, 1, 2, 3, 4]
    _, arrays = inside(session_of(network), {"layer": 1}, {})
    assert np.isfinite(arrays["bins_W"]).all()


# -- maps ------------------------------------------------------------------------------


def test_a_map_is_of_validation_images():
    session = trained_session()
    images, labels = session.validation
    answer, arrays = map_(session, {"layer": 8}, {})
    assert arrays["points"].shape == (1000, 2)
    assert (labels[arrays["rows"]] == arrays["labels"]).all()
    assert len(np.unique(arrays["rows"])) == 1000
    assert 0 < answer["shares"][1] <= answer["shares"][0] < 1
    short = trained().network.with_layers(
        trained().network.config()["layers"][:9], trained().network.arrays()
    )
    seen = short.predict_logits(images[arrays["rows"]])
    points, shares = principal(seen)
    assert arrays["points"] == pytest.approx(points, abs=1e-3)
    assert answer["shares"] == pytest.approx(shares.tolist(), abs=1e-5)


def test_the_last_layers_part_the_digits_and_the_image_does_not():
    session = trained_session()

    def parted(request):
        """How far apart the digits lie, beside how far each spreads."""
        _, arrays = map_(session, request, {})
        groups = [arrays["points"][arrays["labels"] == k] for k in range(10)]
        centres = np.array([group.mean(axis=0) for group in groups])
        within = np.mean([group.var(axis=0).sum() for group in groups])
        return centres.var(axis=0).sum() / within

    assert parted({"layer": 9}) > 2 * parted({})


def test_the_first_layers_map_too_though_they_are_wide():
    _, arrays = map_(trained_session(), {"layer": 0}, {})  # 24 × 24 × 8 numbers
    assert np.isfinite(arrays["points"]).all()


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (5, 1), (1, 5), (6, 6)])
def test_principal_components(shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape) * np.linspace(3, 1, shape[1]) + 5
    points, shares = principal(x)
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    k = min(2, shape[1], max(shape[0] - 1, 0))
    expected = centred @ vectors[:, ::-1][:, :k]
    assert np.abs(points[:, :k]) == pytest.approx(np.abs(expected), abs=1e-6)
    assert points[:, k:] == pytest.approx(0, abs=1e-6)
    if values.sum() > 0:
        assert shares[:k] == pytest.approx(values[::-1][:k] / values.sum())
        farthest = np.abs(points[:, :k]).argmax(axis=0)
        assert (points[farthest, range(k)] >= 0).all()
    else:
        assert not shares.any()


def test_a_network_in_ruins_has_no_map():
    network = dense()
    network.theta[...] = np.nan
    with pytest.raises(SlateError) as refused:
        map_(session_of(network), {"layer": 1}, {})
    assert refused.value.key == "slate.inside.not_finite"


# -- units switched off ----------------------------------------------------------------


def read_without(network, layer, units, images):
    """Return the answers of a network whose units have no weights to be heard by."""
    twin = network.astype(network.dtype)
    twin.parameters()[f"{layer + 1}.W"][units] = 0
    return twin.predict(images)


def test_a_unit_that_is_off_is_one_that_nobody_hears():
    session, network = trained_session(), trained().network
    images, labels = session.validation
    _, arrays = map_(session, {}, {})
    images, labels = images[arrays["rows"]], labels[arrays["rows"]]
    units = [0, 3, 5, 8, 20, 21, 22, 40, 50, 60]
    answer, arrays = silence(session, {"layer": 8, "units": units}, {})
    before = network.predict(images) == labels
    after = read_without(network, 8, units, images) == labels
    assert answer["n"] == 1000
    assert answer["before"]["accuracy"] == before.mean()
    assert answer["after"]["accuracy"] == after.mean()
    for when in ("before", "after"):
        told = answer[when]
        assert told["low"] < told["accuracy"] < told["high"]
    assert (arrays["totals"] == np.bincount(labels, minlength=10)).all()
    for when, right in (("before", before), ("after", after)):
        assert (arrays[when] == np.bincount(labels[right], minlength=10)).all()


def test_without_any_map_of_the_first_layer_there_is_one_answer_for_all():
    session = trained_session()
    answer, arrays = silence(session, {"layer": 0, "units": list(range(8))}, {})
    assert np.count_nonzero(arrays["after"]) == 1
    assert answer["after"]["accuracy"] < 0.2 < answer["before"]["accuracy"]


def test_with_all_units_on_nothing_changes():
    answer, arrays = silence(trained_session(), {"layer": 2, "units": []}, {})
    assert answer["before"] == answer["after"]
    assert (arrays["before"] == arrays["after"]).all()


@pytest.mark.parametrize("units", [None, 3, [64], [-1], [True], [1.0], ["1"]])
def test_units_that_are_not_there_are_refused(units):
    with pytest.raises(SlateError) as refused:
        silence(trained_session(), {"layer": 8, "units": units}, {})
    assert refused.value.key == "slate.inside.units"


def test_what_is_asked_here_leaves_the_network_as_it_was():
    network = deep()
    session = session_of(network)
    theta, state = network.theta.copy(), network.state.copy()
    inside(session, {"layer": 0}, {})
    silence(session, {"layer": 0, "units": [1]}, {})
    map_(session, {"layer": 3}, {})
    assert (theta == network.theta).all() and (state == network.state).all()


def test_of_a_mean_the_first_member_is_looked_into():
    mean = average([dense(), trained().network])
    session = session_of(mean)
    for handler, request in ((inside, {}), (map_, {}), (silence, {"units": [1]})):
        answer, _ = handler(session, {"layer": 1, **request}, {})
        assert answer["members"] == 2
        assert answer["layers"][0]["kind"] == "Dense"


@pytest.mark.parametrize("handler", [inside, silence])
@pytest.mark.parametrize("layer", [10, -1, None, "softmax", 1.5])
def test_a_layer_that_is_not_there_is_refused(handler, layer):
    with pytest.raises(SlateError):
        handler(trained_session(), {"layer": layer, "units": []}, {})


def test_handlers_have_the_names_of_the_protocol():
    assert set(HANDLERS) == {"inside", "map", "silence"}
    assert model_of(dense()).classes == mnist().classes
