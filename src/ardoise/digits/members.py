"""The members of an ensemble, trained side by side: in processes, or on a cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import Dataset
from ardoise.digits.planning import Plan, learn
from ardoise.engine.history import History
from ardoise.files.model import read_model, write_model
from ardoise.messages import UserError


def learn_members(plan: Plan, n_jobs: int | None = None) -> list[History]:
    """Train all networks of a plan over the backend of joblib that is active.

    They end with the weights that `learn` gives them in turn, to the bit. Each is
    trained with ``plan.threads`` threads: `plan_of` with ``threads=1`` where there are
    as many at once as processors. Trained networks come back as model files, with their
    digest.

    Parameters
    ----------
    plan : Plan
        Its networks are trained.
    n_jobs : int, optional
        How many at once, as joblib counts; by default, what the active backend says,
        and one without any. A cluster of Dask takes as many as it has threads.

    Raises
    ------
    DivergenceError
        As `ardoise.fit`.
    ModelFileError
        If what came back is damaged.
    UserError
        If joblib is missing.
    """
    try:
        import joblib
    except ImportError as error:
        raise UserError("members.joblib", reason=error) from None
    # Arrays stand alone among the arguments: joblib's processes then map the same
    # memory, and Dask sends them to each worker once.
    held = plan.validation
    arrays = (
        *(plan.train.images, plan.train.labels),
        *((None, None) if held is None else (held.images, held.labels)),
        plan.outliers,
    )
    lean = replace(
        plan,
        train=_without_images(plan.train),
        validation=None if held is None else _without_images(held),
        test=_without_images(plan.test),
        outliers=None,
    )
    pairs = zip(plan.networks, plan.for_fit, strict=True)
    jobs = [
        joblib.delayed(_learn_one)(
            replace(lean, networks=(network,), for_fit=(rng,)), *arrays
        )
        for network, rng in pairs
    ]
    histories = []
    ended = joblib.Parallel(n_jobs=n_jobs)(jobs)
    for i, (network, (content, history)) in enumerate(
        zip(plan.networks, ended, strict=True), start=1
    ):
        trained = read_model(content, f"network {i}").network
        network.theta[...], network.state[...] = trained.theta, trained.state
        histories.append(history)
    return histories


def _learn_one(
    plan: Plan,
    images: NDArray[Any],
    labels: NDArray[np.int64],
    held_images: NDArray[Any] | None,
    held_labels: NDArray[np.int64] | None,
    outliers: NDArray[Any] | None,
) -> tuple[bytes, History]:
    """Train the one network of a plan on these arrays; return its model file."""
    held = plan.validation
    if held is not None and held_images is not None and held_labels is not None:
        held = replace(held, images=held_images, labels=held_labels)
    train = replace(plan.train, images=images, labels=labels)
    plan = replace(plan, train=train, validation=held, outliers=outliers)
    history = learn(plan)
    if history.stopped == "interrupted":  # the others end, too
        raise KeyboardInterrupt
    return write_model(plan.model(plan.networks[0])), history


def _without_images(data: Dataset) -> Dataset:
    return replace(data, images=data.images[:0], labels=data.labels[:0])
