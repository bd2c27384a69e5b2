"""C as a target: one header, and an example of a program that uses it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from ardoise.export.c_literals import c_array, c_number, c_string
from ardoise.export.errors import ExportError
from ardoise.export.memory import IMAGE, Memory, arrange
from ardoise.export.pack import arguments, fill, template
from ardoise.export.plan import ELEMENTWISE, Plan, Setting, Step
from ardoise.export.quantize import Int8Plan, Range
from ardoise.export.words import about, version

# Parts of the template that a step needs besides its own, in the template's order.
_NEEDS = {
    "conv": ("window",),
    "max_pool": ("window",),
    "average_pool": ("window",),
    "quantize": ("to_int8",),
    "dense_int8": ("to_int8", "give"),
    "conv_int8": ("window", "to_int8", "give"),
    "max_pool_int8": ("window",),
}
_FLOATS = "float32"
_INT8 = (
    "int8 products with int32 sums in dense layers and\n"
    " * convolutions, one float32 multiplication an output; float32 elsewhere"
)


def write_c(plan: Plan, name: str, lowered: Int8Plan | None = None) -> dict[str, bytes]:
    """Return the header and the example (name → content).

    Parameters
    ----------
    plan : Plan
    name : str
        The header's; what it defines begins with its stem.
    lowered : Int8Plan, optional
        The plan as one for whole numbers.

    Raises
    ------
    ExportError
        If the example cannot name the header.
    """
    if re.search(r'["\\\r\n]', name):
        raise ExportError("export.name", name=name)
    prefix = prefix_of(name)
    if lowered is None:
        text = _Header(plan, {}).text(_FLOATS)
    else:
        text = _Header(lowered.plan, lowered.ranges).text(_INT8)
    header = _named(text, prefix)
    # After the prefix, which they must not get.
    names = ",\n".join(f"    {c_string(name)}" for name in plan.classes)
    example = fill(template("main.c"), N_INPUTS=plan.size(IMAGE))
    example = example.replace('"NAME.h"', f'"{name}"')
    return {
        name: fill(header, CLASS_NAMES=names).encode(),
        f"{prefix}_main.c": _named(example, prefix).encode(),
    }


def prefix_of(name: str) -> str:
    """Return what the names in a header begin with: its stem, as C writes names."""
    stem = re.sub(r"\W", "_", name.rpartition(".")[0] or name, flags=re.ASCII)
    stem = stem.strip("_")
    return stem if stem and not stem[0].isdigit() else f"net{stem}"


def _named(text: str, prefix: str) -> str:
    """Put the prefix in the place of NAME, in capitals before capitals."""
    text = re.sub(r"NAME(?=_[A-Z])|(?<=ARDOISE_)NAME", prefix.upper(), text)
    return re.sub(r"(?<![A-Za-z0-9])NAME(?![A-Z0-9])", prefix, text)


class _Header:
    """The text of a header, for a plan; these arrays hold int8 numbers."""

    def __init__(self, plan: Plan, ranges: dict[int, Range]) -> None:
        self.plan, self.ranges = plan, ranges
        in_place = (*ELEMENTWISE, "relu_int8")
        self.memory: Memory = arrange(plan, self.units, in_place)
        self.tables: list[str] = []  # windows and scales, static in the function

    def units(self, value: int) -> int:
        """Return how many floats an array takes the place of."""
        size = self.plan.size(value)
        return math.ceil(size / 4) if value in self.ranges else size

    def text(self, arithmetic: str) -> str:
        plan = self.plan
        sums = self.widest_sums()
        weights = [
            (f"{name}{i}", value)
            for i, step in enumerate(plan.steps, 1)
            for name, value in step.weights.items()
        ]
        calls = [self.call(step, i) for i, step in enumerate(plan.steps, 1)]
        # Twice nothing is needed: a network can be one that only flattens.
        size = max(1, self.memory.size)
        words = about(plan, 86).replace("\n", "\n * ")
        return fill(
            template("header.h"),
            VERSION=version(),
            ABOUT=f" * {words}",
            SHAPE=" x ".join(map(str, plan.shapes[IMAGE])),
            ARITHMETIC=f"{arithmetic}.",
            CONSTANT=sum(value.nbytes for _, value in weights),
            WORK=4 * (size + sums),
            N_INPUTS=plan.size(IMAGE),
            N_CLASSES=len(plan.classes),
            CLASS_NAMES="@CLASS_NAMES@",
            WEIGHTS="\n\n".join(c_array(name, value) for name, value in weights),
            PARTS=self.parts(),
            MEMORY=size,
            SUMS=f"NAME_STORAGE int32_t NAME_sums[{sums}];\n" if sums else "",
            TABLES="\n".join(self.tables),
            CALLS="\n".join([*calls, self.last_call()]),
        )

    def widest_sums(self) -> int:
        return max(
            (
                self.plan.shapes[step.target][-1]
                for step in self.plan.steps
                if step.kind in ("dense_int8", "conv_int8")
            ),
            default=0,
        )

    def parts(self) -> str:
        """Return the functions that are needed, in the order of the template."""
        kinds = {step.kind for step in self.plan.steps} | {self.plan.output}
        wanted = kinds.union(*(_NEEDS.get(kind, ()) for kind in kinds))
        return "\n\n".join(text for name, text in c_parts() if name in wanted)

    def place(self, value: int) -> str:
        """Return the expression of where an array begins."""
        if value not in self.memory.places:
            return "image"
        offset = self.memory.places[value]
        place = f"m + {offset}" if offset else "m"
        return f"(int8_t *)({place})" if value in self.ranges else place

    def call(self, step: Step, number: int) -> str:
        """Return the lines that do a step, under one that says what it does."""
        shapes = [self.plan.shapes[v] for v in (step.source, step.target)]
        before, after = ("x".join(map(str, shape)) for shape in shapes)
        lines = [f"    /* {number}. {step.kind}: {before} -> {after} */"]
        if step.kind != "flatten":
            given = ", ".join(_ARGUMENTS[step.kind](self, step, number))
            lines.append(f"    NAME_{step.kind}({given});")
        return "\n".join(lines)

    def last_call(self) -> str:
        """Return the line that makes probabilities."""
        size = self.plan.size(self.plan.result)
        place = self.place(self.plan.result)
        return f"    NAME_{self.plan.output}({place}, probabilities, {size});"

    # -- arguments of the functions -----------------------------------------------

    def elementwise(self, step: Step, number: int) -> list[str]:
        settings = [c_number(value) for value in step.settings.values()]
        channels = [str(w.size) for w in list(step.weights.values())[:1]]
        return [
            *(self.place(step.source), self.place(step.target)),
            str(self.plan.size(step.target)),
            *channels,
            *settings,
            *self.weights(step, number),
        ]

    def dense(self, step: Step, number: int) -> list[str]:
        sizes = (self.plan.size(v) for v in (step.source, step.target))
        return [
            *self.sources(step, number),
            *map(str, sizes),
            *self.weights(step, number),
        ]

    def conv(self, step: Step, number: int) -> list[str]:
        filters = str(self.plan.shapes[step.target][2])
        return [
            *self.sources(step, number),
            self.window(step, number),
            filters,
            *self.weights(step, number),
        ]

    def pool(self, step: Step, number: int) -> list[str]:
        places = self.place(step.source), self.place(step.target)
        return [*places, self.window(step, number)]

    def global_average(self, step: Step, number: int) -> list[str]:
        h, w, c = self.plan.shapes[step.source]
        return [self.place(step.source), self.place(step.target), str(h * w), str(c)]

    def add(self, step: Step, number: int) -> list[str]:
        values = (*step.sources, step.target)
        return [*map(self.place, values), str(self.plan.size(step.target))]

    def quantize(self, step: Step, number: int) -> list[str]:
        kept = self.ranges[step.target]
        return [
            *(self.place(step.source), self.place(step.target)),
            *(str(self.plan.size(step.target)), c_number(kept.scale), str(kept.zero)),
        ]

    def relu_int8(self, step: Step, number: int) -> list[str]:
        places = self.place(step.source), self.place(step.target)
        zero = self.ranges[step.target].zero
        return [*places, str(self.plan.size(step.target)), str(zero)]

    # -- what they have in common -------------------------------------------------

    def sources(self, step: Step, number: int) -> list[str]:
        """Return where a product reads and writes, and its scales."""
        source, target = self.place(step.source), self.place(step.target)
        if step.source not in self.ranges:
            return [source, target]
        x, y = self.ranges[step.source], self.ranges.get(step.target)
        scales = [c_number(x.scale), str(x.zero)]
        scales += [c_number(y.scale), str(y.zero)] if y else ["1.0f", "0"]
        self.tables.append(
            f"    static const NAME_scales scales{number} = {{{', '.join(scales)}}};"
        )
        places = ["NULL", target] if y else [target, "NULL"]
        return [source, *places, "NAME_sums", f"&scales{number}"]

    def weights(self, step: Step, number: int) -> list[str]:
        names = arguments(step, number)
        names += [f"scale{number}"] if "scale" in step.weights else []
        return [f"NAME_{name}" for name in names]

    def window(self, step: Step, number: int) -> str:
        numbers: list[int] = []
        for key, usual in _WINDOW:
            value: Setting = step.settings.get(key, usual)
            numbers += value if isinstance(value, tuple) else [int(value)]
        text = ", ".join(map(str, numbers))
        self.tables.append(f"    static const NAME_window window{number} = {{{text}}};")
        return f"&window{number}"


# The members of NAME_window, and what poolings do not say.
_WINDOW: tuple[tuple[str, Setting], ...] = (
    *(("shape", 0), ("output", 0), ("kernel", 0), ("stride", 0), ("before", 0)),
    *(("dilation", (1, 1)), ("groups", 1)),
)

_ARGUMENTS: dict[str, Callable[[_Header, Step, int], list[str]]] = {
    **dict.fromkeys(ELEMENTWISE, _Header.elementwise),
    **dict.fromkeys(("dense", "dense_int8"), _Header.dense),
    **dict.fromkeys(("conv", "conv_int8"), _Header.conv),
    **dict.fromkeys(("max_pool", "average_pool", "max_pool_int8"), _Header.pool),
    "global_average": _Header.global_average,
    "add": _Header.add,
    "quantize": _Header.quantize,
    "relu_int8": _Header.relu_int8,
}


def c_parts() -> list[tuple[str, str]]:
    """Return the parts of the template by name, in order."""
    found = re.split(r"/\* -- (\w+) -- \*/\n", template("network.h"))
    names, texts = found[1::2], found[2::2]
    return [(name, text.strip()) for name, text in zip(names, texts, strict=True)]
