"""The file of a table: the scores of each variant, by seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.ablations.tables import Table
from benchmarks.ablations.variants import Variant
from benchmarks.records.runs import read_json, write_json

Row = dict[str, Any]


def path_of(folder: Path, table: Table) -> Path:
    """Return where a table is kept."""
    return folder / "ablations" / f"{table.name}.json"


def read(folder: Path, table: Table) -> dict[str, Row]:
    """Return variant → row, of those measured with the settings that they have now.

    Under whatever name they were measured: what a recipe was without may be what it is.
    """
    rows = read_json(path_of(folder, table)).get("rows", [])
    found = {row["digest"]: row for row in rows}
    digests = {variant.name: variant.digest() for variant in table.variants}
    return {
        name: {**found[digest], "name": name}
        for name, digest in digests.items()
        if digest in found
    }


def keep(folder: Path, table: Table, seed: int, scores: Mapping[str, float]) -> None:
    """Write the table with a seed's scores of some variants."""
    rows = read(folder, table)  # what another process wrote meanwhile, too
    for variant in table.variants:
        if variant.name in scores:
            row = rows.setdefault(variant.name, new_row(variant))
            by_seed = dict(zip(row["seeds"], row["scores"], strict=True))
            by_seed[seed] = scores[variant.name]
            row["seeds"] = sorted(by_seed)
            row["scores"] = [by_seed[each] for each in row["seeds"]]
    order = [variant.name for variant in table.variants if variant.name in rows]
    write_json(
        path_of(folder, table),
        {
            "title": table.title,
            "about": table.about,
            "rows": [rows[name] for name in order],
        },
    )


def new_row(variant: Variant) -> Row:
    """Return a row without scores."""
    settings = {"digest": variant.digest(), "config": variant.config()}
    return {"name": variant.name, "seeds": [], "scores": [], **settings}
