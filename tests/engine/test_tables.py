"""What cannot be built from a table is refused in one sentence."""

import pytest

from ardoise.engine import initializers, losses, optimizers, schedules


@pytest.mark.parametrize(
    ("get", "kind"),
    [
        (initializers.get, "initializer"),
        (losses.get, "loss"),
        (optimizers.get, "optimizer"),
        (schedules.get, "schedule"),
    ],
)
def test_what_is_neither_a_name_nor_a_mapping(get, kind):
    for spec in (None, [], object, optimizers.SGD):
        with pytest.raises(ValueError, match=f"{kind} must be one of .*; got "):
            get(spec)
    for name in ([], None, 3, "nobody"):
        with pytest.raises(ValueError, match=f"{kind} must be one of .*; got "):
            get({"name": name})


def test_a_number_is_a_loss_for_nobody():
    with pytest.raises(ValueError, match=r"loss must be one of .* or an object; got 3"):
        losses.get(3)
