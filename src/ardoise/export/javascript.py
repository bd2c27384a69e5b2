"""JavaScript as a target: an ES module; and the core that the page shares with it."""

from __future__ import annotations

import json
import math
import re

from ardoise.export.memory import IMAGE, arrange
from ardoise.export.pack import arguments, fill, packed, pieces, script_json, template
from ardoise.export.plan import Plan, Step
from ardoise.export.words import about, version

# Parts of the template that a step needs besides its own, which come before it.
_NEEDS = {
    "dense": ("gathered",),
    "conv": ("windows", "gathered"),
    "max_pool": ("windows", "pool"),
    "average_pool": ("windows", "pool"),
}


def write_js(plan: Plan, name: str) -> dict[str, bytes]:
    """Return the module (name → content)."""
    words = about(plan, 84).replace("\n", "\n * ")
    text = fill(
        template("module.js"),
        VERSION=version(),
        FILE=re.sub(r"[^\w.-]", "_", name, flags=re.ASCII),
        ABOUT=f" * {words}",
        SHAPE=plan.shapes[IMAGE],
        N_CLASSES=len(plan.classes),
        CLASSES=script_json(plan.classes),
        INPUT_SHAPE=json.dumps(plan.shapes[IMAGE]),
        CORE=core(plan, export=True),
    )
    return {name: text.encode()}


def core(plan: Plan, *, export: bool) -> str:
    """Return ``predictProba`` and what it needs."""
    memory = arrange(plan, plan.size)
    table = [(p.name, p.offset, p.count, p.scale) for p, _ in pieces(plan)]
    steps = [
        _call(plan, step, i, memory.places) for i, step in enumerate(plan.steps, 1)
    ]
    return fill(
        template("core.js"),
        EXPORT="export " if export else "",
        N_INPUTS=plan.size(IMAGE),
        N_CLASSES=len(plan.classes),
        STEPS="\n".join(steps),
        OUTPUT=plan.output,
        RESULT=plan.result,
        FUNCTIONS=_functions(plan),
        PIECES=json.dumps(table),
        WEIGHTS=packed(plan),
        MEMORY=memory.size,
    ).rstrip()


def _call(plan: Plan, step: Step, number: int, places: dict[int, int]) -> str:
    """Return the lines that do a step."""
    target = f"x{step.target}"
    if step.kind == "flatten":
        return f"  const {target} = x{step.source};"
    first = places[step.target]
    last = first + plan.size(step.target)
    given = [*(f"x{source}" for source in step.sources), target]
    given += [f"P.{name}" for name in arguments(step, number)]
    if step.settings:
        given.append(json.dumps(step.settings))
    return (
        f"  const {target} = memory.subarray({first}, {last});\n"
        f"  {step.kind}({', '.join(given)});"
    )


def _functions(plan: Plan) -> str:
    """Return the functions that a plan needs, in the order of the template."""
    kinds = {step.kind for step in plan.steps} | {plan.output}
    wanted = {"types", *kinds}.union(*(_NEEDS.get(kind, ()) for kind in kinds))
    found = re.split(r"/\* -- (\w+) -- \*/\n", template("network.js"))
    parts = zip(found[1::2], found[2::2], strict=True)
    text = "\n\n".join(text.strip() for name, text in parts if name in wanted)
    return fill(text, MOST_INPUTS=_most_inputs(plan))


def _most_inputs(plan: Plan) -> int:
    """Return how many inputs an output of a dense layer or a convolution can have."""
    products = [step.weights["W"] for step in plan.steps if "W" in step.weights]
    return max((math.prod(W.shape[:-1]) for W in products), default=0)
