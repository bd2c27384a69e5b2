"""Numbers as each language writes them: 9,842 and 98.42%, or 9 842 and 98,42 %.

French groups thousands with a narrow no-break space, marks decimals with a comma, and
puts a no-break space before the percent sign.
"""

NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"

_TRANSLATE = {"en": {}, "fr": str.maketrans({",": NARROW_SPACE, ".": ","})}
_PERCENT = {"en": "%", "fr": f"{NO_BREAK_SPACE}%"}


def decimal(value: float, lang: str, digits: int) -> str:
    """Return ``value`` with ``digits`` decimals: ``1,234.50`` or ``1 234,50``."""
    return f"{value:,.{digits}f}".translate(_TRANSLATE[lang])


def integer(value: int, lang: str) -> str:
    """Return a count with its thousands grouped: ``60,000`` or ``60 000``."""
    return decimal(value, lang, 0)


def percent(fraction: float, lang: str, digits: int = 2) -> str:
    """Return a fraction (0 to 1) as ``98.42%`` or ``98,42 %``."""
    return decimal(100 * fraction, lang, digits) + _PERCENT[lang]


def shortest(value: float, lang: str) -> str:
    """Return a setting such as a learning rate: ``0.001`` or ``0,001``, ungrouped."""
    return f"{value:g}".translate(_TRANSLATE[lang])


def duration(seconds: float, lang: str) -> str:
    """Return a time: ``8.4 s``, ``3 min 05 s`` or ``2 h 07 min``."""
    if seconds < 59.95:
        return f"{decimal(seconds, lang, 1)}{NO_BREAK_SPACE}s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        large, unit, small, lesser = minutes, "min", left, "s"
    else:
        large, unit, small, lesser = minutes // 60, "h", minutes % 60, "min"
    return NO_BREAK_SPACE.join((str(large), unit, f"{small:02d}", lesser))
