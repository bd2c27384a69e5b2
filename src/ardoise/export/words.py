"""What exports say of themselves: in their first lines, and of their proof."""

from __future__ import annotations

import textwrap
from collections import Counter

import ardoise
from ardoise.export.plan import Plan

NO_BREAK, NARROW = "\u00a0", "\u202f"


def version() -> str:
    """Return ardoise's version."""
    return ardoise.__version__


def shape_of(plan: Plan) -> str:
    """Return a network in a few characters, such as ``28×28 → 512 → 256 → 10``.

    The numbers are those of a dense layer's outputs, or a convolution's filters.
    """
    shape = plan.shapes[0]
    first = "×".join(map(str, shape[:-1] if shape[1:] and shape[-1] == 1 else shape))
    wide = [
        str(plan.shapes[step.target][-1])
        for step in plan.steps
        if step.kind in ("dense", "conv")
    ]
    return " → ".join([first, *wide])


def about(plan: Plan, width: int) -> str:
    """Return what the network is made of, in ASCII, for a comment."""
    counts = Counter(step.kind for step in plan.steps)
    made = ", ".join(f"{n} {kind}" for kind, n in counts.items())
    numbers = "float32"
    if any("scale" in step.weights for step in plan.steps):
        numbers = "int8 by output channel"
        if not any(step.kind.endswith("_int8") for step in plan.steps):
            numbers += ", computed with in floating point"
    sentence = (
        f"The network: {plan.n_weights} weights ({numbers}); steps: {made or 'none'}; "
        f"then {plan.output}."
    )
    return textwrap.fill(sentence, width)


_MARKS = {"en": {}, "fr": str.maketrans({",": NARROW, ".": ","})}


def decimal(value: float, lang: str, digits: int) -> str:
    """Return ``value`` with ``digits`` decimals: ``1,234.5`` or ``1 234,5``."""
    return f"{value:,.{digits}f}".translate(_MARKS[lang])


def count(value: int, lang: str) -> str:
    """Return a whole number with its thousands grouped."""
    return decimal(value, lang, 0)


def percent(share: float, lang: str, digits: int = 2) -> str:
    """Return a share (0 to 1) as ``0.12%`` or ``0,12 %``."""
    sign = "%" if lang == "en" else f"{NO_BREAK}%"
    return decimal(100 * share, lang, digits) + sign


def percent_of_both(share: float) -> str:
    """Return a share for sentences in either language: ``0.12``, without the sign."""
    return f"{100 * share:.2f}"


def short(value: float, lang: str) -> str:
    """Return a number in two digits: ``3.1e-07``, ``0.21``, ``197``."""
    plain = value >= 100
    return (f"{value:,.0f}" if plain else f"{value:.2g}").translate(_MARKS[lang])


def size_of(size: int, lang: str) -> str:
    """Return a size in kB or MB (of 1000), or Mo."""
    kilo, mega = ("kB", "MB") if lang == "en" else ("ko", "Mo")
    if size < 10**6:
        return f"{decimal(size / 1000, lang, 0)}{NO_BREAK}{kilo}"
    return f"{decimal(size / 10**6, lang, 1)}{NO_BREAK}{mega}"
