"""Schedules follow those of PyTorch that are defined in the same way."""

import warnings

import pytest
from with_torch import SCHEDULE, torch

from ardoise.engine import schedules
from ardoise.engine.schedules import SCHEDULES

S = torch.optim.lr_scheduler
TOTAL = 40

# Our settings; PyTorch's schedule on an optimiser whose rate is 1.
CASES = [
    ({"name": "constant"}, lambda o: S.ConstantLR(o, factor=1.0)),
    ({"name": "step", "step_size": 7, "gamma": 0.5}, lambda o: S.StepLR(o, 7, 0.5)),
    ({"name": "step", "step_size": 20}, lambda o: S.StepLR(o, 20)),
    ({"name": "exponential", "gamma": 0.9}, lambda o: S.ExponentialLR(o, 0.9)),
    (
        {"name": "linear", "final": 0.25},
        lambda o: S.LinearLR(o, 1.0, 0.25, total_iters=TOTAL),
    ),
    (
        {"name": "linear"},
        lambda o: S.PolynomialLR(o, total_iters=TOTAL, power=1.0),
    ),
    (
        {"name": "cosine", "final": 0.1},
        lambda o: S.CosineAnnealingLR(o, TOTAL, eta_min=0.1),
    ),
    (
        {"name": "one_cycle"},
        lambda o: S.OneCycleLR(o, 1.0, TOTAL, cycle_momentum=False),
    ),
    (
        {"name": "one_cycle", "peak": 0.4, "start_divisor": 5, "final_divisor": 50},
        lambda o: S.OneCycleLR(
            o,
            1.0,
            TOTAL,
            pct_start=0.4,
            div_factor=5,
            final_div_factor=50,
            cycle_momentum=False,
        ),
    ),
    (
        {"name": "cosine", "warmup": 8},
        lambda o: S.SequentialLR(
            o,
            [
                S.LinearLR(o, 1 / 9, 1.0, total_iters=8),
                S.CosineAnnealingLR(o, TOTAL - 8),
            ],
            [8],
        ),
    ),
]


def test_no_schedule_is_forgotten():
    assert {spec["name"] for spec, _ in CASES} == set(SCHEDULES)


@pytest.mark.parametrize(
    ("spec", "make"),
    CASES,
    ids=lambda v: str(v)[:60] if isinstance(v, dict) else "theirs",
)
def test_every_step(spec, make):
    schedule = schedules.get({"learning_rate": 1.0, **spec})
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    with warnings.catch_warnings():
        # PyTorch's SequentialLR warns about a call that it makes itself.
        warnings.simplefilter("ignore")
        other = make(optimizer)
        theirs = []
        for _ in range(TOTAL):
            theirs.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            other.step()
    ours = [schedule(step, TOTAL) for step in range(TOTAL)]
    assert ours == pytest.approx(theirs, rel=0, abs=SCHEDULE)
