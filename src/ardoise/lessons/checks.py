"""The twelve checks: what each bug changes, measured on inputs that the file never saw.

A check asks the file's functions and compares with its own computations; then it runs
the program as the learner does, watches it, and measures the trained weights on digits
that are in no file. So a mend in another way is a mend, and what takes the bug out
together with the work is none.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ardoise.lessons import reference
from ardoise.lessons.catalogue import Bug
from ardoise.lessons.handout import N_TRAIN, PIXELS, digits, hidden
from ardoise.lessons.reference import Array, Params
from ardoise.lessons.runner import Seed
from ardoise.lessons.session import Session, Unfit, array_of, params_of, type_name
from ardoise.lessons.verdict import (
    Curve,
    Evidence,
    Line,
    Share,
    Slope,
    Slopes,
    Verdict,
)

TOLERANCE = 1e-4  # of a gradient; differences in float64 are right to some 1e-8
LEAST = 0.85  # the accuracy that the mended programs reach, less five points
NEAR_TIES = 0.005  # of the answers; float32 may settle these in another way
TINY = 1e-6  # a gradient below this is none, and differences do not tell its value
POINTS = 24  # of a curve


class _Failed(Exception):
    """The file is not mended; the evidence says why."""


class Examination:
    """One check in progress: the file, randomness, and what was found so far.

    Parameters
    ----------
    session : Session
    rng : numpy.random.Generator
        For inputs that the file cannot know.
    """

    def __init__(self, session: Session, rng: np.random.Generator) -> None:
        self.session = session
        self.rng = rng
        self.evidence: list[Evidence] = []

    def say(self, key: str, **values: Any) -> None:
        self.evidence.append(Line(key, values))

    def fail(self, key: str, **values: Any) -> None:
        """Say what is wrong, and end the check."""
        self.say(key, **values)
        raise _Failed

    # -- gradients --------------------------------------------------------------------

    def ask_gradients(
        self, params: Params, x: Array, t: Array, *more: Any
    ) -> tuple[float, Any, Params]:
        """Return the loss and the gradients that the file computes, and its weights."""
        value, after = self.session.call("gradients", params, x, t, *more)
        if not isinstance(value, list) or len(value) != 2:
            raise Unfit("lesson.wrong.pair", name="gradients", got=type_name(value))
        loss = float(array_of(value[0], (), "gradients"))
        return loss, value[1], after

    def check_gradients(
        self,
        params: Params,
        x: Array,
        t: Array,
        measure: Callable[[Params], float],
    ) -> None:
        """Compare the file's loss and gradients with our own loss and its slopes."""
        loss, grads, _ = self.ask_gradients(params, x, t)
        wanted = measure(params)
        if abs(loss - wanted) > TOLERANCE * max(1.0, abs(wanted)):
            self.fail("lesson.loss_differs", got=loss, wanted=wanted, n=len(t))
        names = [name for name in params if name not in ("mean", "var")]
        shapes = {name: params[name].shape for name in names}
        computed = params_of(grads, shapes, "gradients")
        measured = reference.differences(measure, params, names)
        rows = tuple(_compare(name, computed[name], measured[name]) for name in names)
        self.evidence.append(Slopes(len(t), rows))
        wrong = [row.name for row in rows if not row.right]
        if wrong:
            self.fail("lesson.gradient_wrong", names=", ".join(wrong))
        self.say(
            "lesson.gradient_right",
            error=float(f"{max(row.error for row in rows):.1e}"),
        )

    def check_network(self, widths: Sequence[int], *sizes: int) -> None:
        """Check the gradients of a random network, on batches of these sizes."""
        for n in sizes:
            params = reference.network(widths, self.rng)
            x, t = reference.batch(params, n, self.rng)
            self.check_gradients(params, x, t, partial(reference.loss, x=x, t=t))

    # -- the program ------------------------------------------------------------------

    def run(self, **watch: Mapping[str, Any]) -> tuple[list[Any], dict[str, list[Any]]]:
        """Run the program; return what `train` returned, and what was watched."""
        watched = {name: dict(wanted) for name, wanted in watch.items()}
        watched["train"] = {**watched.get("train", {}), "result": True}
        _, records = self.session.main(**watched)
        return [note.get("result") for note in records["train"]], records

    def check_training(self, least: float = LEAST, *, reads: bool = True) -> None:
        """Run the program, and measure on digits that are in no file what it learned.

        The programs that are checked like this take 640 steps.
        """
        results, records = self.run(step={"every": 640 // POINTS})
        params = weights_of(results[-1])
        x, t = hidden()
        if reads:
            self.check_reading(params, x)
        curve = [
            (i, reference.accuracy(weights_of(note["weights"]), x, t))
            for i, note in enumerate(records["step"])
            if "weights" in note
        ]
        share = reference.accuracy(params, x, t)
        curve.append((len(records["step"]), share))
        places, values = zip(*curve, strict=True)
        self.evidence.append(Curve("accuracy", places, values, least))
        self.demand(share, least)

    def check_reading(self, params: Params, x: Array) -> None:
        """See that `predict` gives the answers of these weights."""
        answers = _labels(self.session.call("predict", params, x)[0], len(x))
        differ = float((answers != reference.scores(params, x).argmax(axis=1)).mean())
        if differ > NEAR_TIES:
            self.fail("lesson.predict_wrong", share=Share(differ))

    def demand(self, share: float, least: float = LEAST) -> None:
        """Say how many digits that are in no file are read; fail if they are few."""
        if share < least:
            self.fail("lesson.learns_little", share=Share(share), least=Share(least))
        self.say("lesson.learns", share=Share(share))


def _compare(name: str, computed: Array, measured: Array) -> Slope:
    """Return the entry of a gradient that is farthest off, and the relative error."""
    off = np.abs(computed - measured)
    place = np.unravel_index(int(off.argmax()), off.shape)
    size = max(float(np.abs(computed).max()), float(np.abs(measured).max()), TINY)
    error = float(off[place]) / size
    return Slope(
        name,
        tuple(int(i) for i in place),
        float(computed[place]),
        float(measured[place]),
        error,
        error < TOLERANCE,
    )


def weights_of(value: Any) -> Params:
    """Return the weights that `train` returned, alone or before other things.

    Raises
    ------
    Unfit
        If they are not those of a network of dense layers.
    """
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        raise Unfit("lesson.wrong.type", name="train", got=type_name(value))
    width, params = PIXELS, dict(value)
    layers = max(reference.depth(params), 2)
    for i in range(1, layers + 1):
        weights = params.get(f"W{i}")
        if not isinstance(weights, np.ndarray) or weights.ndim != 2:
            raise Unfit("lesson.wrong.no_key", name="train", key=f"W{i}")
        n_out = reference.CLASSES if i == layers else weights.shape[1]
        shapes = {f"W{i}": (width, n_out), f"b{i}": (n_out,)}
        params |= params_of(params, shapes, "train")
        width = n_out
    return params


# -- the twelve -----------------------------------------------------------------------


def _two_hidden_layers(exam: Examination) -> None:
    exam.check_network((6, 5, 5, 10), 7)
    exam.check_training()


def _small_batches(exam: Examination) -> None:
    # As many samples as hidden units, as in the program, and then not.
    exam.check_network((6, 5, 10), 5, 8)
    exam.check_training()


def _surer(exam: Examination) -> None:
    z = exam.rng.normal(0, 3, (4, 10))
    for size, scores in (
        (9, z),
        (1000, 1000 * z),
        # The largest score of each row is what counts, not that of all.
        (3000, z + np.array([[3000.0], [0.0], [-1000.0], [-3000.0]])),
    ):
        value, _ = exam.session.call("softmax", scores)
        wanted = reference.softmax(scores)
        if isinstance(value, np.ndarray) and value.shape == wanted.shape:
            lost = int((~np.isfinite(value)).any(axis=1).sum())
            if lost:
                exam.fail("lesson.softmax_nan", size=size, lost=lost, n=len(z))
        p = array_of(value, wanted.shape, "softmax")
        error = float(np.abs(p - wanted).max())
        if error > TOLERANCE:
            exam.fail("lesson.softmax_wrong", size=size, error=error)
    exam.say("lesson.softmax_right", size=3000)
    exam.check_network((6, 5, 10), 7)
    params = reference.network((6, 5, 10), exam.rng)
    x, _ = reference.batch(params, 7, exam.rng)
    value, _ = exam.session.call("forward", params, x)
    if not isinstance(value, list) or len(value) != 2:
        raise Unfit("lesson.wrong.type", name="forward", got=type_name(value))
    found = array_of(value[1], (7, reference.CLASSES), "forward")
    if not np.allclose(found, reference.scores(params, x)):
        exam.fail("lesson.scores_wrong")
    exam.check_training(reads=False)


def _loss_that_stops(exam: Examination) -> None:
    # All weights zero, and the bias all for the right class: the loss can be no less.
    params = reference.network((6, 5, 10), exam.rng)
    x, _ = reference.batch(params, 3, exam.rng)
    certain = {**params, "W2": np.zeros((5, 10)), "b2": 50.0 * (np.arange(10) == 3)}
    loss, *_ = exam.ask_gradients(certain, x, np.full(3, 3))
    if loss > TOLERANCE:
        exam.fail("lesson.loss_floor", got=loss)
    exam.say("lesson.loss_no_floor", got=abs(loss))
    exam.check_network((6, 5, 10), 7)
    exam.check_training()


def _batch_size(exam: Examination) -> None:
    params = reference.network((6, 5, 10), exam.rng)
    x, t = reference.batch(params, 12, exam.rng)
    norms = []
    for n in (3, 12):
        _, grads, _ = exam.ask_gradients(params, x[:n], t[:n])
        computed = params_of(grads, {"b2": (10,)}, "gradients")["b2"]
        measured = reference.differences(
            partial(reference.loss, x=x[:n], t=t[:n]), params, ["b2"]
        )["b2"]
        norms.append(float(np.linalg.norm(computed) / np.linalg.norm(measured)))
    if max(abs(ratio - 1) for ratio in norms) > TOLERANCE:
        exam.say("lesson.ratios", small=norms[0], large=norms[1])
    exam.check_network((6, 5, 10), 3, 12)
    results, _ = exam.run()
    x, t = hidden()
    shares = [reference.accuracy(weights_of(each), x, t) for each in results]
    if len(shares) < 3:
        exam.fail("lesson.fewer_trainings", n=len(shares))
    exam.check_reading(weights_of(results[-1]), x)
    exam.demand(min(shares), 0.78)


def _masks(exam: Examination) -> None:
    exam.check_network((6, 5, 5, 5, 10), 7)
    exam.check_training(0.8)


def _three_measurements(exam: Examination) -> None:
    params = reference.network((20, 12, 10), exam.rng)
    x, _ = reference.batch(params, 200, exam.rng)
    wanted = reference.scores(params, x).argmax(axis=1)
    answers = [
        _labels(exam.session.call("predict", params, x, Seed(seed), optional=1)[0], 200)
        for seed in (1, 2)
    ]
    changed = float((answers[0] != answers[1]).mean())
    if changed:
        exam.fail("lesson.answers_change", share=Share(changed))
    exam.say("lesson.answers_stay")
    differ = float((answers[0] != wanted).mean())
    if differ:
        exam.fail("lesson.answers_differ", share=Share(differ))
    _check_dropout(exam)
    _demand_answers(exam, Seed(0))


def _check_dropout(exam: Examination) -> None:
    """See on single samples that half of the units are left out while it learns.

    With one sample, the gradient of W2 is h1 times that of b2: it shows each unit.
    """
    params = reference.network((6, 20, 10), exam.rng)
    params["b1"] = np.abs(params["b1"]) + 20.0  # every unit answers
    dropped = []
    for seed in range(8):
        x, t = reference.batch(params, 1, exam.rng)
        _, grads, _ = exam.ask_gradients(params, x, t, Seed(seed))
        shapes = {name: each.shape for name, each in params.items()}
        found = params_of(grads, shapes, "gradients")
        j = int(np.abs(found["b2"]).argmax())
        if found["b2"][j] == 0:
            exam.fail("lesson.dropout_scale")
        seen = found["W2"][:, j] / found["b2"][j]
        h1 = np.maximum(reference.hidden_layers(params, x)[0][0], 0)
        out = np.abs(seen) < TOLERANCE * h1
        dropped.append(float(out.mean()))
        doubled = np.allclose(seen[~out], 2 * h1[~out], rtol=TOLERANCE)
        below = 2.0 * (params["W2"] @ found["b2"]) * ~out
        if out.any() and not (
            doubled and np.allclose(found["b1"], below, rtol=TOLERANCE, atol=1e-9)
        ):
            exam.fail("lesson.dropout_scale")
    share = float(np.mean(dropped))
    if not 0.25 < share < 0.75:
        exam.fail("lesson.dropout_gone", share=Share(share))
    exam.say("lesson.dropout_works", share=Share(share))


def _one_at_a_time(exam: Examination) -> None:
    params = reference.network((20, 12, 10), exam.rng)
    params["gamma"] = exam.rng.normal(1, 0.3, 12)
    params["beta"] = exam.rng.normal(0, 0.3, 12)
    params["mean"] = exam.rng.normal(0, 0.5, 12)
    params["var"] = exam.rng.uniform(0.5, 3, 12)
    x, _ = reference.batch(params, 60, exam.rng)
    z1 = x @ params["W1"] + params["b1"]
    wanted = _normalised(params, z1, params["mean"], params["var"]).argmax(axis=1)
    together = _labels(exam.session.call("predict", params, x)[0], 60)
    alone = np.concatenate(
        [_labels(exam.session.call("predict", params, row[None])[0], 1) for row in x]
    )
    changed = float((together != alone).mean())
    if changed:
        exam.fail("lesson.batch_decides", share=Share(changed))
    exam.say("lesson.batch_is_nothing")
    if (differ := float((together != wanted).mean())) > 0:
        exam.fail("lesson.statistics_unused", share=Share(differ))

    # While it learns, a batch is normalised by itself, and remembered.
    def measure(p: Params, x: Array, t: Array) -> float:
        z1 = x @ p["W1"] + p["b1"]
        return reference.cross_entropy(
            _normalised(p, z1, z1.mean(axis=0), z1.var(axis=0)), t
        )

    while True:
        x, t = reference.batch(params, 9, exam.rng)
        z1 = x @ params["W1"] + params["b1"]
        y = params["gamma"] * _hat(z1, z1.mean(axis=0), z1.var(axis=0))
        if np.abs(y + params["beta"]).min() > 1e-3:
            break
    _, _, after = exam.ask_gradients(params, x, t)
    shapes = {"mean": (12,), "var": (12,)}
    kept = params_of(after, shapes, "gradients")
    for name, value in (("mean", z1.mean(axis=0)), ("var", z1.var(axis=0))):
        new = 0.9 * params[name] + 0.1 * value
        if not np.allclose(kept[name], new, rtol=1e-2):
            exam.fail("lesson.statistics_stale", name=name)
    exam.check_gradients(params, x, t, lambda p: measure(p, x, t))
    _demand_answers(exam)


def _hat(z: Array, mean: Array, var: Array) -> Array:
    return np.asarray((z - mean) / np.sqrt(var + 1e-5))


def _normalised(params: Params, z1: Array, mean: Array, var: Array) -> Array:
    """Return the scores of the network whose first layer is normalised."""
    h1 = np.maximum(params["gamma"] * _hat(z1, mean, var) + params["beta"], 0)
    return np.asarray(h1 @ params["W2"] + params["b2"])


def _digit_by_digit(exam: Examination) -> None:
    results, records = exam.run(step={"keep": [2], "pixels": 1, "most": 64})
    notes = records["step"]
    batches = [_kept(note, 0, "step") for note in notes[:64]]
    kinds = float(np.mean([len(np.unique(t)) for t in batches]))
    exam.say("lesson.kinds", kinds=round(kinds, 1))
    images = np.concatenate([_pixels(note, "step") for note in notes[:64]])
    labels = np.concatenate(batches)
    _check_pairs(exam, sources_of(images), labels, "step")
    for digit in range(reference.CLASSES):
        if digit not in labels:
            exam.fail("lesson.digits_left_out", digit=digit)
    x, t = hidden()
    params = weights_of(results[-1])
    exam.check_reading(params, x)
    exam.demand(reference.accuracy(params, x, t))


def _kept(note: Mapping[str, Any], place: int, name: str) -> Array:
    """Return numbers that a watched function was given, in a row."""
    value = note["kept"][place]
    if not isinstance(value, np.ndarray) or value.size == 0:
        raise Unfit("lesson.wrong.images", name=name)
    return value.ravel()


def _pixels(note: Mapping[str, Any], name: str) -> Array:
    """Return every third pixel of the images that a watched function was given."""
    value = note["pixels"]
    shape = (-1, -(-PIXELS // 3))
    if not isinstance(value, np.ndarray) or value.shape[1:] != shape[1:]:
        raise Unfit("lesson.wrong.images", name=name)
    return value


def _check_pairs(exam: Examination, sources: Array, labels: Array, name: str) -> None:
    """See that each image still goes with its own label."""
    if len(sources) != len(labels):
        raise Unfit("lesson.wrong.images", name=name)
    known = np.concatenate([digits()["t_train"], digits()["t_test"]])
    wrong = float((known[sources] != labels).mean())
    if wrong > 0.01:
        exam.fail("lesson.pairs_lost", share=Share(wrong))


def sources_of(x: Array) -> Array:
    """Return, of images thinned to every third pixel, which of the digits they show."""
    data = digits()
    all_digits = np.concatenate([data["x_train"], data["x_test"]])[:, ::3]
    ours = (all_digits / 255).astype(np.float32)
    half = (ours**2).sum(axis=1) / 2
    return np.asarray((x.astype(np.float32) @ ours.T - half).argmax(axis=1))


def _too_good(exam: Examination) -> None:
    results, records = exam.run(
        train={"keep": [1], "pixels": 0, "most": 1},
        predict={"pixels": 1, "most": 100},
    )
    rows = _pixels(records["train"][0], "train")
    asked = [each for each in records["predict"] if "pixels" in each]
    test = max((_pixels(each, "predict") for each in asked), key=len)
    from_train, from_test = sources_of(rows), sources_of(test)
    leaked = np.isin(from_test, from_train)
    params = weights_of(results[-1])
    x, t = hidden()
    share = reference.accuracy(params, x, t)
    if leaked.any():
        exam.say(
            "lesson.leak", count=int(leaked.sum()), n=len(test), share=Share(share)
        )
        raise _Failed
    exam.say("lesson.no_leak", n=len(test))
    if len(test) < 200:
        exam.fail("lesson.test_small", n=len(test))
    copies = len(rows) / len(np.unique(from_train))
    if copies < 2:
        exam.fail("lesson.copies_gone")
    labels = _kept(records["train"][0], 0, "train")
    _check_pairs(exam, from_train, labels, "train")
    exam.check_reading(params, x)
    exam.demand(share)


def _below_chance(exam: Examination) -> None:
    results, _ = exam.run()
    params = weights_of(results[-1])
    x, t = hidden()
    answers = _labels(exam.session.call("predict", params, x)[0], len(t))
    for shift in (-1, 1):
        moved = float((answers == (t + shift) % 10).mean())
        if moved > 0.5:
            exam.fail(
                "lesson.labels_moved",
                share=Share(moved),
                shift="+ 1" if shift > 0 else "− 1",
            )
    for digit in range(10):
        share = float((answers[t == digit] == digit).mean())
        if share < 0.5:
            exam.fail("lesson.digit_unread", digit=digit, share=Share(share))
    exam.demand(float((answers == t).mean()))


def _falling_rate(exam: Examination) -> None:
    results, records = exam.run(step={"keep": [2, 3]})
    notes = records["step"]
    sizes = [len(_kept(note, 0, "step")) for note in notes]
    rates = [float(_kept(note, 1, "step")[0]) for note in notes]
    epochs = (np.cumsum([0, *sizes[:-1]]) / N_TRAIN).astype(int)
    every = max(1, len(rates) // POINTS)
    shown = range(0, len(rates) - 1, every)
    places, values = (*shown, len(rates)), (*(rates[i] for i in shown), rates[-1])
    exam.evidence.append(Curve("rate", places, values))
    if not all(rate > 0 and np.isfinite(rate) for rate in rates):
        exam.fail("lesson.rate_wrong", epoch=1, got=min(rates), wanted=rates[0])
    for epoch in range(int(epochs[-1]) + 1):
        last = rates[int(np.flatnonzero(epochs == epoch)[-1])] / rates[0]
        low, high = 0.98 * 0.9 ** (epoch + 1), 1.02 * 0.9**epoch
        if not low <= last <= high:
            key = "lesson.rate_low" if last < low else "lesson.rate_high"
            exam.fail(
                key,
                epoch=epoch + 1,
                got=last * rates[0],
                wanted=0.9**epoch * rates[0],
            )
    exam.say("lesson.rate_right", first=rates[0], last=rates[-1])
    x, t = hidden()
    params = weights_of(results[-1])
    exam.check_reading(params, x)
    exam.demand(reference.accuracy(params, x, t))


def _labels(value: Any, n: int) -> Array:
    return array_of(value, (n,), "predict").astype(int)


def _demand_answers(exam: Examination, *more: Any) -> None:
    """Run the program, and let its own `predict` read digits that are in no file."""
    results, _ = exam.run()
    params = results[-1]
    weights_of(params)
    x, t = hidden()
    call = ("predict", params, x, *more)
    answers = _labels(exam.session.call(*call, optional=len(more))[0], len(t))
    exam.demand(float((answers == t).mean()))


CHECKS: tuple[Callable[[Examination], None], ...] = (
    _two_hidden_layers,
    _small_batches,
    _surer,
    _loss_that_stops,
    _batch_size,
    _masks,
    _three_measurements,
    _one_at_a_time,
    _digit_by_digit,
    _too_good,
    _below_chance,
    _falling_rate,
)


def check(bug: Bug, path: Path, seed: int | None = None) -> Verdict:
    """Run a learner's file and say whether the bug is mended.

    Parameters
    ----------
    bug : Bug
    path : Path
        The file.
    seed : int, optional
        Of the inputs; other ones each time by default.
    """
    evidence: list[Evidence] = []
    try:
        with Session(path) as session:
            exam = Examination(session, np.random.default_rng(seed))
            evidence = exam.evidence
            CHECKS[bug.number - 1](exam)
    except Unfit as error:
        return Verdict(False, (*evidence, Line(error.key, error.values)))
    except _Failed:
        return Verdict(False, tuple(evidence))
    return Verdict(True, tuple(evidence))
