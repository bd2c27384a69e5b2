"""The data that a model was trained on, and the part of it that it is measured on."""

from ardoise.cli.parts import MNIST, load
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset
from ardoise.digits.held import Held
from ardoise.files import Model


def part_words(held: Held, terminal: Terminal) -> str:
    """Return "validation part of the split official", or "all of it"."""
    if held.split is None:
        return terminal.text("evaluate.whole")
    return terminal.text(f"evaluate.{held.part}_part", split=held.split)


def data_of(model: Model, source: str | None, terminal: Terminal) -> Dataset:
    """Return the data that a model was trained on, or those that ``source`` names.

    A sentence says so if they are not the same any more.
    """
    details = model.details
    wanted = str(details.get("data", MNIST)) if source is None else source
    data = load(wanted, terminal)
    changed = "digest" in details and data.digest() != details["digest"]
    if source is None and changed:
        terminal.complain(terminal.text("evaluate.changed", data=data.name))
    return data
