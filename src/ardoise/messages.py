"""Every sentence that a learner reads, in French and in English.

The sentences live in ``locales/en.json`` and ``locales/fr.json`` under flat keys
(``"data.missing"``); code names a key and gives the values to put in it.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

Lang = Literal["en", "fr"]
LANGUAGES = ("en", "fr")


def default_language(environ: Mapping[str, str] | None = None) -> Lang:
    """Return ``"fr"`` where the system speaks French, else ``"en"``.

    The variables are those of POSIX (section 8.2), the first that is set deciding.
    """
    environ = os.environ if environ is None else environ
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "fr" if environ[name].lower().startswith("fr") else "en"
    return "en"


def wanted_language(arguments: Sequence[str]) -> Lang:
    """Return the language of ``--lang``, before the options are read in earnest."""
    for i, argument in enumerate(arguments):
        value = ""
        if argument == "--lang" and i + 1 < len(arguments):
            value = arguments[i + 1]
        elif argument.startswith("--lang="):
            value = argument.removeprefix("--lang=")
        if value in LANGUAGES:
            return cast(Lang, value)
    return default_language()


def language_apart(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a ``--lang`` that stands before the command, and what follows it."""
    given = list(arguments)
    n = 0
    if given and given[0].startswith("--lang="):
        n = 1
    elif given and given[0] == "--lang":
        n = 2
    return given[:n], given[n:]


@cache
def _sentences(lang: str) -> dict[str, str]:
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}; got {lang!r}")
    file = resources.files("ardoise") / "locales" / f"{lang}.json"
    sentences: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return sentences


def text(key: str, /, lang: str = "en", **values: Any) -> str:
    """Return the sentence ``key`` in ``lang`` (``"en"`` or ``"fr"``).

    Parameters
    ----------
    key : str
        A key of the locale files, such as ``"data.missing"``.
    lang : str
        ``"en"`` or ``"fr"``.
    **values
        What the sentence's ``{placeholders}`` stand for (``str.format`` rules).

    Raises
    ------
    KeyError
        If there is no such sentence: a mistake in the program, not in its input.
    ValueError
        If ``lang`` is not one of `LANGUAGES`.
    """
    return _sentences(lang)[key].format(**values)


def reason(error: OSError, lang: str = "en") -> str:
    """Return what the operating system has against something, in ``lang``.

    The system itself speaks English, or whatever it was set up in.
    """
    key = f"system.{errno.errorcode.get(error.errno or 0)}"
    if key in _sentences(lang):
        return text(key, lang)
    return error.strerror or str(error)


class UserError(ValueError):
    """Something a person can put right, said in one sentence in either language.

    ``str(error)`` is the English sentence; `sentence` gives it in any language.

    Parameters
    ----------
    key : str
        A key of the locale files.
    **values
        The values of the sentence's placeholders; an OSError stands for its `reason`,
        another UserError for its sentence, a tuple for these with commas between them.
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        self.key = key
        self.values = values
        super().__init__(self.sentence())

    def sentence(self, lang: str = "en") -> str:
        """Return the sentence in ``lang``."""
        values = {name: _shown(value, lang) for name, value in self.values.items()}
        return text(self.key, lang, **values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.key, self.values)


class OptionError(UserError):
    """An option that makes no sense; exit code 2 on the command line."""


def _shown(value: Any, lang: str) -> Any:
    if isinstance(value, OSError):
        return reason(value, lang)
    if isinstance(value, UserError):
        return value.sentence(lang)
    if isinstance(value, tuple) and value and isinstance(value[0], UserError):
        return ", ".join(each.sentence(lang) for each in value)
    return value


def _rebuild(cls: type[UserError], key: str, values: dict[str, Any]) -> UserError:
    return cls(key, **values)
