"""The twelve bugs: their numbers, and where each of them sits.

What a bug is called must not give it away, so nothing here but ``mend`` names it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ardoise.messages import OptionError, UserError, text

STEPS = 3  # hints for each bug
_MARK = re.compile(r"# ardoise lesson, bug (\d+)\b")
_NAME = re.compile(r"(?:bug)?0*(\d+)(?:\.py)?", re.IGNORECASE)
_STEM = re.compile(r"bug0*(\d+)(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Bug:
    """One broken network.

    Attributes
    ----------
    number : int
    mend : tuple of (str, str)
        Pieces of the file, and what they become when it is mended; the first is shown
        by the last hint.
    """

    number: int
    mend: tuple[tuple[str, str], ...]

    @property
    def stem(self) -> str:
        return f"bug{self.number:02d}"

    @property
    def file(self) -> Path:
        """The file's name, where it is written."""
        return Path(f"{self.stem}.py")

    def title(self, lang: str) -> str:
        return text(f"lesson.bug{self.number}.title", lang)

    def hint(self, step: int, source: str, lang: str) -> str:
        """Return one of three hints; the last names the line in this text.

        Parameters
        ----------
        step : int
            1 to 3.
        source : str
            The learner's text.
        lang : str
        """
        words = text(f"lesson.bug{self.number}.hint{step}", lang)
        if step < STEPS:
            return words
        wrong = self.mend[0][0]
        shown = wrong.strip().splitlines()[0]
        lines = source.splitlines()
        found = [i for i, line in enumerate(lines, start=1) if shown in line]
        if not found:
            return text("lesson.hint_moved", lang, code=shown, remedy=words)
        shown = lines[found[0] - 1].strip()
        return text("lesson.hint_line", lang, line=found[0], code=shown, remedy=words)


BUGS = (
    Bug(1, (('dz2 @ params["W2"] *', 'dz2 @ params["W2"].T *'),)),
    Bug(2, (("dz1.sum(axis=1)", "dz1.sum(axis=0)"),)),
    Bug(3, (("e = np.exp(z)", "e = np.exp(z - z.max(axis=1, keepdims=True))"),)),
    Bug(
        4,
        (
            (
                'return h1, softmax(h1 @ params["W2"] + params["b2"])',
                'return h1, h1 @ params["W2"] + params["b2"]',
            ),
        ),
    ),
    Bug(5, (("dz2 = p - np.eye(10)[t]", "dz2 = (p - np.eye(10)[t]) / n"),)),
    Bug(6, (("masks.pop(0)", "masks.pop()"),)),
    Bug(
        7,
        (
            (
                "return forward(params, x, rng)[-1]",
                "return forward(params, x, rng, training=False)[-1]",
            ),
        ),
    ),
    Bug(
        8,
        (
            (
                "    s = np.sqrt(var + 1e-5)",
                "    else:\n"
                '        mean, var = params["mean"], params["var"]\n'
                "    s = np.sqrt(var + 1e-5)",
            ),
        ),
    ),
    Bug(9, (("order = np.arange(len(x))", "order = rng.permutation(len(x))"),)),
    Bug(
        10,
        (
            ("    x, t = noisy(x, t, rng)\n", ""),
            (
                "return x[rest], t[rest], x[test], t[test]",
                "return *noisy(x[rest], t[rest], rng), x[test], t[test]",
            ),
        ),
    ),
    Bug(11, (("t - 1] = 1", "t] = 1"),)),
    Bug(12, (("            rate *= 0.9", "        rate *= 0.9"),)),
)


def named(name: str) -> Bug:
    """Return the bug of a number or of a file's name: ``3``, ``bug03``, ``bug03.py``.

    Raises
    ------
    OptionError
        If there is none.
    """
    found = _NAME.fullmatch(name.strip())
    number = int(found[1]) if found else 0
    if not 1 <= number <= len(BUGS):
        raise OptionError("lesson.no_bug", name=name, most=len(BUGS))
    return BUGS[number - 1]


def bug_of(path: Path, source: str) -> Bug:
    """Return the bug of a learner's file, which its first lines or its name tell.

    Raises
    ------
    UserError
        If neither does.
    """
    found = _MARK.search(source[:1000]) or _STEM.match(path.name)
    number = int(found[1]) if found else 0
    if not 1 <= number <= len(BUGS):
        raise UserError("lesson.which_bug", file=path)
    return BUGS[number - 1]
