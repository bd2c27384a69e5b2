"""Several networks as one: the mean of their outputs.

Networks that start from other weights make other mistakes, and their mean makes fewer
than each of them (Lakshminarayanan et al., "Simple and scalable predictive uncertainty
estimation using deep ensembles", 2017, section 2.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ardoise.engine.arrays import Array
from ardoise.engine.calibration import scale_outputs
from ardoise.engine.errors import ShapeError
from ardoise.engine.network import Network
from ardoise.engine.params import below

# A row of layers: their descriptions, and their arrays by name.
_Row = tuple[list[dict[str, Any]], Mapping[str, Array]]


def average(networks: Sequence[Network]) -> Network:
    """Return one network whose outputs are the mean of those of several.

    Of logits, it is the geometric mean of the probabilities, normalised. The networks
    are copied side by side into `Residual` layers, which add two rows of layers: what
    reads or exports a network can do the same with their mean.

    Parameters
    ----------
    networks : sequence of Network
        At least one; of any layers, so long as the last one is `Dense`.

    Raises
    ------
    ShapeError
        If their inputs, outputs or dtypes differ.
    ValueError
        If there is none, or one ends in another layer.
    """
    if not networks:
        raise ValueError("expected at least one network; got none")
    kinds = {(n.input_shape, n.output_shape, n.dtype.name) for n in networks}
    if len(kinds) > 1:
        raise ShapeError(
            "networks with a mean must agree in input, output and dtype; got "
            + " and ".join(map(str, sorted(kinds)))
        )
    layers, arrays = _sum([_row(network) for network in networks])
    mean = networks[0].with_layers(layers, arrays)
    scale_outputs(mean, 1 / len(networks))
    return mean


def members(network: Network) -> list[Network]:
    """Return the networks of which `average` made this one, as copies.

    A network that is no mean is its own only member; one that is a single `Residual`
    layer is taken for a mean. What each gives is in proportion to what it gave before:
    the mean may have been given a temperature since.
    """
    found = [network.with_layers(*row) for row in _addends(_row(network))]
    for member in found if len(found) > 1 else ():
        scale_outputs(member, len(found))
    return found


def _row(network: Network) -> _Row:
    return network.config()["layers"], network.arrays()


def _sum(rows: Sequence[_Row]) -> _Row:
    """Return the row that adds rows up, in pairs: they nest as little as they can."""
    if len(rows) == 1:
        return rows[0]
    half = len(rows) // 2
    branches = {"layers": _sum(rows[:half]), "shortcut": _sum(rows[half:])}
    layer = {"type": "Residual"} | {k: layers for k, (layers, _) in branches.items()}
    arrays = {
        f"0.{branch}.{name}": array
        for branch, (_, named) in branches.items()
        for name, array in named.items()
    }
    return [layer], arrays


def _addends(row: _Row) -> Iterator[_Row]:
    """Yield the rows that `_sum` added up."""
    layers, arrays = row
    if len(layers) == 1 and layers[0]["type"] == "Residual":
        for branch in ("layers", "shortcut"):
            yield from _addends((layers[0][branch], below(f"0.{branch}", arrays)))
    else:
        yield row
