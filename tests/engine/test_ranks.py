"""Several ranks that train one network: as one would, and all the same."""

import os
import signal
from itertools import pairwise

import numpy as np
import pytest
from ranks_in_threads import Communicator, together
from short_training import CLASSES, NEW_X, NEW_Y, At, X, Y, network, trained

from ardoise.engine import ranks as ranks_module
from ardoise.engine import threads as threads_module
from ardoise.engine import workers as workers_module
from ardoise.engine.errors import DivergenceError, SnapshotError
from ardoise.engine.evaluation import Evaluation
from ardoise.engine.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, ReLU
from ardoise.engine.network import Network
from ardoise.engine.ranks import Ranks, RanksError, ranks_of
from ardoise.engine.training import Callback, EarlyStopping, fit

VALID = (NEW_X[:37], NEW_Y[:37])


def train(size, make=network, **settings):
    """Return the (network, history) of each of so many ranks."""
    if size == 1:
        return [trained(make(), **settings)]
    return together(size, lambda c: trained(make(), communicator=c, **settings))


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 2, "epochs": 1},  # fewer samples than ranks
        {"batch_size": None},
        {"shuffle": False, "optimizer": {"name": "sgd", "momentum": 0.9}},
        {"sample_weight": np.linspace(0, 2, len(X))},
        {"l2": 0.1, "max_norm": 0.5, "weight_average": 0.9},
        {"validation_data": (*VALID, np.arange(37) % 3)},
        {
            "validation_data": (*VALID, (np.arange(37) > 30) * 1.0)
        },  # nothing for the first
        {"shuffle": "blocks"},
        {"outliers": np.array([[9.0, 9.0], [-9.0, 8.0]])},
    ],
    ids=lambda settings: ",".join(settings) or "plain",
)
def test_ranks_do_as_one_process_does(size, settings):
    settings = {"validation_data": VALID, **settings}
    (alone, history), *_ = train(1, **settings)
    for net, told in train(size, **settings):
        np.testing.assert_allclose(net.theta, alone.theta, rtol=0, atol=1e-12)
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            np.testing.assert_allclose(told[name], history[name], atol=1e-12)


def convolution(seed=0):
    layers = [Conv2D(4, 3), ReLU(), Flatten(), Dense(CLASSES)]
    return Network(layers, (8, 8, 1), seed=seed, dtype="float64")


def test_images_whose_batches_are_cut_into_shares_and_micro_batches():
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (90, 8, 8, 1), np.uint8), rng.integers(0, 3, 90)
    settings = {"data": data, "batch_size": 30, "epochs": 2}
    (alone, _), *_ = train(1, convolution, **settings)
    for net, _ in train(2, convolution, threads=2, **settings):
        np.testing.assert_allclose(net.theta, alone.theta, rtol=0, atol=1e-12)


def test_the_same_ranks_give_the_same_bits():
    def make():
        return network(Dropout(0.3))

    first, second = train(3, make), train(3, make)
    bits = {net.theta.tobytes() for net, _ in first + second}
    assert len(bits) == 1
    assert train(2, make)[0][0].theta.tobytes() not in bits  # they draw other numbers


def test_all_begin_with_the_weights_and_the_seed_of_the_first():
    def do(communicator):
        net = network(seed=communicator.Get_rank())
        fit(net, X, Y, epochs=1, threads=1, communicator=communicator)
        return net.theta.tobytes()

    assert len(set(together(3, do))) == 1


def test_running_statistics_are_the_means_over_the_ranks():
    def make():
        return network(BatchNorm())

    ranks = train(2, make, batch_size=60, shuffle=False, epochs=1)
    halves = [
        trained(make(), data=(X[k], Y[k]), batch_size=30, shuffle=False, epochs=1)
        for k in (slice(0, 30), slice(30, 60))
    ]
    expected = np.mean([net.state for net, _ in halves], axis=0)
    for net, _ in ranks:
        np.testing.assert_allclose(net.state, expected)


class Ends(Callback):
    """Ends the training on one rank, at a moment."""

    def __init__(self, rank, moment, reason="stopped"):
        self.rank, self.reason, self.steps = rank, reason, 0
        setattr(self, moment, self.end)

    def end(self, training):
        if training.rank == self.rank and training.epoch == 2:
            training.stop(self.reason)

    def on_batch_end(self, training):
        pass


@pytest.mark.parametrize("moment", ["on_batch_end", "on_epoch_end"])
def test_one_rank_can_end_the_training_of_all(moment):
    def do(communicator):
        return trained(
            callbacks=[Ends(1, moment, "interrupted")],
            epochs=9,
            communicator=communicator,
        )

    for _, history in together(2, do):
        assert history.stopped == "interrupted"
        assert history["epoch"] == [1, 2]


def test_early_stopping_is_one_decision():
    def do(communicator):
        stopping = EarlyStopping(1, min_delta=9.0)
        settings = {"validation_data": VALID, "epochs": 9, "callbacks": [stopping]}
        return trained(communicator=communicator, **settings)

    ends = {(h.stopped, len(h), n.theta.tobytes()) for n, h in together(3, do)}
    assert len(ends) == 1
    assert next(iter(ends))[:2] == ("early_stopping", 2)


class Keeps(Callback):
    """Keeps a snapshot on all ranks, when one of them wishes so."""

    def __init__(self, step):
        self.step, self.kept, self.at = step, None, None

    def on_batch_end(self, training):
        wish = training.rank == 1 and training.step == self.step
        if training.agreed(wish) and self.kept is None:
            self.kept, self.at = training.snapshot(), training.step


def kept(size, step, make, **settings):
    def do(communicator):
        keeps = Keeps(step)
        return trained(
            make(), communicator=communicator, callbacks=[keeps], **settings
        ), keeps

    return together(size, do)


def with_dropout():
    return network(Dropout(0.3))


def test_a_training_goes_on_to_the_bit_with_as_many_ranks():
    (whole, keeps), *others = kept(2, 3, with_dropout)
    assert [k.at for _, k in ((whole, keeps), *others)] == [4, 4]

    def do(communicator):
        net, history = trained(
            with_dropout(), communicator=communicator, snapshot=keeps.kept
        )
        return net.theta.tobytes(), history["loss"]

    for bits, loss in together(2, do):
        assert bits == whole[0].theta.tobytes()
        assert loss == whole[1]["loss"]


@pytest.mark.parametrize("size", [1, 3])
def test_a_training_goes_on_with_other_ranks(size):
    (whole, keeps), *_ = kept(2, 3, network)
    for net, _ in train(size, snapshot=keeps.kept):
        np.testing.assert_allclose(net.theta, whole[0].theta, rtol=0, atol=1e-12)
    # What is drawn is new then, and not what was drawn at the beginning.
    (_, keeps), *_ = kept(2, 3, with_dropout)
    for net, history in train(size, with_dropout, snapshot=keeps.kept):
        assert np.isfinite(net.theta).all()
        assert len(history) == 3


def test_a_wish_to_keep_is_fulfilled_once():
    class Late(Callback):
        def __init__(self):
            self.late, self.steps = True, []

        def on_batch_end(self, training):
            if training.agreed(self.late):  # as long as nothing was kept
                self.late = False
                self.steps.append(training.step)

    def do(communicator):
        late = Late()
        trained(communicator=communicator, callbacks=[late])
        return late.steps

    assert together(2, do) == [[2], [2]]


def images(n, side=8):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, side, side, 1), np.uint8), np.arange(n) % 3


def test_ranks_with_other_threads_than_before_go_on(monkeypatch):
    monkeypatch.setattr(workers_module, "THREAD_MULTIPLICATIONS", 1)
    settings = {"data": images(90), "batch_size": 30, "epochs": 2}

    def make():
        layers = [Conv2D(4, 3), Dropout(0.3), Flatten(), Dense(CLASSES)]
        return Network(layers, (8, 8, 1), seed=0, dtype="float64")

    (_, keeps), *_ = kept(2, 1, make, threads=1, **settings)

    def do(communicator):
        threads = 1 + communicator.Get_rank()
        more = {"communicator": communicator, "threads": threads, **settings}
        return trained(make(), snapshot=keeps.kept, **more)

    (first, _), (second, history) = together(2, do)
    assert first.theta.tobytes() == second.theta.tobytes()
    assert len(history) == 2


def test_what_one_rank_refuses_to_go_on_from_all_refuse():
    (_, keeps), *_ = kept(2, 3, with_dropout)
    keeps.kept.values["generators"][1] = ["nonsense"] * len(
        keeps.kept.values["generators"][0]
    )

    def do(communicator):
        with pytest.raises(SnapshotError):
            trained(with_dropout(), communicator=communicator, snapshot=keeps.kept)
        return True

    assert together(2, do) == [True, True]


def test_an_empty_share_is_not_augmented_ahead():
    # The last batch of each epoch has two images for three ranks.
    data = images(402, 28)

    def do(communicator):
        layers = [Flatten(), Dense(64), ReLU(), Dense(CLASSES)]
        net = Network(layers, (28, 28, 1), seed=0)
        fit(
            net,
            *data,
            epochs=2,
            batch_size=100,
            threads=2,
            augment={"rotation": 10},
            communicator=communicator,
        )
        return net.theta.tobytes()

    assert len(set(together(3, do))) == 1


def test_a_rank_that_is_interrupted_alone_makes_no_sum_with_others():
    class Interrupts(Callback):
        def on_batch_end(self, training):
            if training.rank == 1:
                raise KeyboardInterrupt

        def on_train_end(self, training):
            raise AssertionError("it cannot know where the others are")

    def do(communicator):
        return trained(communicator=communicator, callbacks=[Interrupts()])

    with pytest.raises(KeyboardInterrupt):
        together(2, do)


def test_a_wish_to_end_is_not_heard_by_the_next_training():
    def do(communicator):
        ranks = Ranks(communicator)
        late = At("on_train_end", lambda training: training.stop())
        trained(communicator=ranks, callbacks=[late])
        return trained(communicator=ranks)[1].stopped

    assert together(2, do) == ["finished", "finished"]


def test_alone_a_wish_is_fulfilled_at_once():
    found = []
    at = At("on_batch_end", lambda t: found.extend([t.agreed(True), t.agreed(False)]))
    trained(callbacks=[at])
    assert found == [True, False]


def test_a_diverging_training_diverges_on_all_ranks():
    def spoil(training):
        if training.rank == 1:
            training.network.theta[...] = np.nan

    def do(communicator):
        spoils = At("on_batch_end", spoil)
        with pytest.raises(DivergenceError):
            trained(communicator=communicator, callbacks=[spoils])
        return True

    assert together(2, do) == [True, True]


def test_weights_that_drift_apart_are_noticed():
    class Drifts(Callback):
        def on_batch_end(self, training):
            if training.rank == 1:
                training.network.theta[0] += 1

    def do(communicator):
        with pytest.raises(RanksError, match="rank 1 no longer has the weights"):
            trained(communicator=communicator, callbacks=[Drifts()])
        return True

    assert together(2, do) == [True, True]


@pytest.mark.parametrize(
    ("size", "allowed", "threads"),
    [
        (4, 8, [2, 2, 2, 1]),
        (1, 8, [4]),
        (1, 3, [3]),  # the limit of a container
    ],
)
def test_ranks_of_one_computer_divide_its_processors(
    monkeypatch, size, allowed, threads
):
    four = ("a", {0, 1, 2, 3})
    where = [four, four, ("b", {0, 1}), ("b", {2})][:size]
    monkeypatch.setattr(ranks_module, "available_threads", lambda: allowed)
    monkeypatch.setattr(Ranks, "all", lambda ranks, own: where)
    assert together(size, lambda c: Ranks(c).threads()) == threads


def test_threads_are_chosen_where_none_are_asked_for():
    seen = []
    see = At("on_batch_end", lambda t: seen.append(t.rank))
    together(2, lambda c: trained(threads=None, communicator=c, callbacks=[see]))
    assert seen


def test_a_computer_has_a_name(monkeypatch, tmp_path):
    assert threads_module.computer()
    monkeypatch.setattr(threads_module, "BOOT", str(tmp_path / "none"))
    assert threads_module.computer()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert threads_module.processors() == frozenset(range(os.cpu_count()))


def test_evaluations_are_merged_by_weight():
    def do(communicator):
        ranks = Ranks(communicator)
        own = [(Evaluation(2.0, 0.5, 1, 2), 3.0)] if ranks.rank else []
        numbers = [(Evaluation(5.0, None, 0, 4), 4.0)]
        return ranks.merge(own), ranks.merge(numbers)

    for classified, numbers in together(2, do):
        assert classified == (2.0, 0.5, 1, 2)
        assert numbers == (5.0, None, 0, 8)


def test_whoever_listens_hears_what_a_rank_does():
    heard = []

    def do(communicator):
        pulse = heard.append if communicator.Get_rank() == 0 else lambda _: None
        ranks = Ranks(communicator, pulse)
        return trained(communicator=ranks, validation_data=VALID, epochs=1)

    together(2, do)
    assert heard[0] == "waiting"
    assert heard[-1] == "done"
    steps = -(-len(X) // 16)
    assert heard.count("step") == steps
    after = {then for now, then in pairwise(heard) if now == "waiting"}
    assert after == {"step", "computing"}


def test_ctrl_c_is_a_wish_and_a_second_one_is_not():
    ranks = Ranks(Communicator(0, 1, [None], None))
    with ranks.interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        assert ranks._end == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            signal.sigtimedwait([], 1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_all_agree_is_not_lost():
    def do(communicator):
        ranks = Ranks(communicator)
        wait = ranks.all

        def interrupted(value):
            told = wait(value)
            ranks.wish_to_end("interrupted")
            return told

        ranks.all = interrupted
        first = ranks.agree(X)
        ranks.all = wait
        return first, ranks.agree(X), ranks.agree(X)

    assert together(2, do) == [(None, "interrupted", None)] * 2


def test_whoever_ignores_ctrl_c_goes_on_to():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Ranks(Communicator(0, 1, [None], None)).interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_one_process_needs_no_ranks():
    alone = Communicator(0, 1, [None], None)
    assert ranks_of(None) is None
    assert ranks_of(alone) is None
    assert ranks_of(Ranks(alone)) is None


def test_what_is_no_communicator_is_refused():
    with pytest.raises(TypeError, match=r"MPI communicator.* got int, which has no G"):
        trained(communicator=4)
