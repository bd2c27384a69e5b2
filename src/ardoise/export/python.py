"""Python as a target: a file that needs NumPy, or one that needs nothing else."""

from __future__ import annotations

import inspect
import keyword
import re
from pprint import pformat
from types import ModuleType

from ardoise.export import with_numpy, with_stdlib
from ardoise.export.pack import arguments, fill, lines, packed, pieces, template
from ardoise.export.plan import Plan, Step
from ardoise.export.words import about, version

WIDTH = 88


def write_numpy(plan: Plan, name: str) -> dict[str, bytes]:
    """Return the one file (name → content) that needs NumPy only."""
    return _write(plan, name, "numpy.txt", with_numpy)


def write_stdlib(plan: Plan, name: str) -> dict[str, bytes]:
    """Return the one file (name → content) that needs the standard library only."""
    return _write(plan, name, "stdlib.txt", with_stdlib)


def _write(plan: Plan, name: str, file: str, parts: ModuleType) -> dict[str, bytes]:
    stem = re.sub(r"\W", "_", name.rpartition(".")[0] or name, flags=re.ASCII)
    table = [(p.name, p.offset, p.count, p.shape, p.scale) for p, _ in pieces(plan)]
    text = fill(
        template(file),
        VERSION=version(),
        MODULE=f"{stem}_" if keyword.iskeyword(stem) else stem,
        FILE=f"{stem}.py",
        ABOUT=about(plan, WIDTH),
        SHAPE=plan.shapes[0],
        INPUT_SHAPE=plan.shapes[0],
        N_INPUTS=plan.size(0),
        N_CLASSES=len(plan.classes),
        CLASSES=ascii(plan.classes),  # whatever they hold stays between quotes
        X="x0",
        STEPS="\n".join(_call(step, i) for i, step in enumerate(plan.steps, 1)),
        RESULT=f"{plan.output}(x{plan.result})",
        FUNCTIONS=_functions(plan, parts),
        PIECES=pformat(table, width=WIDTH),
        WEIGHTS=lines(packed(plan), WIDTH),
    )
    return {name: text.encode()}


def _call(step: Step, number: int) -> str:
    """Return the line, or lines, that do a step."""
    given = [f"x{source}" for source in step.sources]
    given += [f'P["{name}"]' for name in arguments(step, number)]
    given += [f"{name}={value!r}" for name, value in step.settings.items()]
    line = f"    x{step.target} = {step.kind}({', '.join(given)})"
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"        {argument},\n" for argument in given)
    return f"    x{step.target} = {step.kind}(\n{inside}    )"


def _functions(plan: Plan, parts: ModuleType) -> str:
    """Return the source of the functions that a plan needs, each once."""
    wanted: list[str] = []
    for kind in (*(step.kind for step in plan.steps), plan.output):
        for name in (kind, *parts.NEEDS.get(kind, ())):
            if name not in wanted:
                wanted.append(name)
    return "\n\n".join(inspect.getsource(getattr(parts, name)) for name in wanted)[:-1]
