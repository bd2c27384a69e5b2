"""report.html: all about one training, on one page that opens from disk.

The page holds everything, pictures too, so that it can be mailed as one file. It has no
script and fetches nothing; the standard library alone writes it.
"""

import base64
import struct
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path

from ardoise.cli import markup
from ardoise.cli.summary import RunSummary, Score
from ardoise.digits.scores import wilson_interval
from ardoise.messages import UserError, text
from ardoise.plots.figures import write_whole
from ardoise.plots.numbers import decimal, duration, integer, percent, shortest

PICTURES = ("curve", "confusion", "grid", "mistakes")
"""The pictures a report knows, in the order in which it shows them."""

_COLUMNS: dict[str, markup.Write] = {
    "epoch": lambda value, lang: integer(int(value), lang),
    "loss": lambda value, lang: decimal(value, lang, 4),
    "accuracy": percent,
    "validation_loss": lambda value, lang: decimal(value, lang, 4),
    "validation_accuracy": percent,
    "learning_rate": shortest,
    "seconds": lambda value, lang: decimal(value, lang, 1),
}

_PNG_START = b"\x89PNG\r\n\x1a\n"
# A picture is shown at its size in inches when it was saved at 150 dots per inch, and
# never shrunk below two thirds of that: its words could no longer be read. On a narrow
# screen its box scrolls instead.
_SHOWN, _SMALLEST = 96 / 150, 64 / 150


def write_report(folder: str | Path, run: RunSummary, lang: str = "en") -> Path:
    """Write ``report.html`` into ``folder``, whole or not at all.

    Parameters
    ----------
    folder : str or Path
        An existing folder; an older report in it is replaced.
    run : RunSummary
        What there is to say.
    lang : str
        ``"en"`` or ``"fr"``.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UserError
        If the folder does not exist, or a picture is unknown, missing or not PNG.
    """
    page = _page(run, lang)
    return write_whole(Path(folder) / "report.html", page.encode("utf-8"))


def _page(run: RunSummary, lang: str) -> str:
    say = markup.Sentences(lang)
    style = resources.files("ardoise.cli").joinpath("report.css").read_text("utf-8")
    notes = markup.notes([*filter(None, [run.note]), *run.findings])
    return f"""<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(run.recipe)} – {say("kind")}</title>
<style>
{style}</style>
</head>
<body>
<main>
<p class="kind">{say("kind")}</p>
<h1>{escape(run.recipe)}</h1>
<p>{escape(run.description)}</p>
<p class="result">{_result(run.score, lang)}</p>
{notes}
{_facts(run, lang)}
{_pictures(run.figures, lang)}
<div class="columns">
{_classes(run.score, lang)}
{_coverage(run.coverage, lang)}
{_network(run, lang)}
{_settings(run.settings, lang)}
{_versions(run.versions, lang)}
</div>
{_history(run.history, lang)}
<footer><p>{say("footer")}</p></footer>
</main>
</body>
</html>
"""


def _result(score: Score | None, lang: str) -> str:
    """Return the sentence on top: how many were read correctly, how sure that is."""
    say = markup.Sentences(lang)
    if score is None:
        return say("result_none")
    names = [row[0] for row in score.per_class]
    digits = all(len(name) == 1 and name.isdecimal() for name in names)
    low, high = wilson_interval(score.correct, score.total)
    return say(
        f"result_{'digits' if digits else 'images'}_{score.part}",
        correct=integer(score.correct, lang),
        total=integer(score.total, lang),
        percent=percent(score.correct / score.total, lang),
        low=decimal(100 * low, lang, 2),
        high=decimal(100 * high, lang, 2),
    )


def _facts(run: RunSummary, lang: str) -> str:
    facts = {
        "data": run.data,
        "n_train": integer(run.n_train, lang),
        "n_validation": integer(run.n_validation, lang),
        "n_test": integer(run.n_test, lang),
        "validation_accuracy": markup.number(run.validation_accuracy, percent, lang),
        "n_parameters": integer(run.n_parameters, lang),
        "seconds": duration(run.seconds, lang),
        "images_per_second": integer(round(run.images_per_second), lang),
    }
    if run.validation_accuracy is None:
        del facts["validation_accuracy"]
    say = markup.Sentences(lang)
    items = "\n".join(
        f"<div><dt>{say(f'fact.{name}')}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">\n{items}\n</dl>'


def _pictures(figures: Mapping[str, Path], lang: str) -> str:
    for name in figures:
        if name not in PICTURES:
            raise UserError(
                "report.unknown_picture", name=name, known=", ".join(PICTURES)
            )
    shown = [
        _picture(name, figures[name], lang) for name in PICTURES if name in figures
    ]
    return markup.section("pictures", "\n".join(shown), lang) if shown else ""


def _picture(name: str, path: Path, lang: str) -> str:
    """Return a figure that holds the PNG file's own bytes."""
    if not path.is_file():
        raise UserError("report.missing_picture", path=path)
    content = path.read_bytes()
    if not content.startswith(_PNG_START) or len(content) < 24:
        raise UserError("report.not_png", path=path)
    width, height = struct.unpack(">II", content[16:24])  # of the first chunk, IHDR
    say = markup.Sentences(lang)
    return f"""<figure>
<div class="wide" role="group" tabindex="0" aria-label="{say(f"caption.{name}")}">
<img src="data:image/png;base64,{base64.b64encode(content).decode("ascii")}"
 width="{round(_SHOWN * width)}" height="{round(_SHOWN * height)}"
 style="min-width:{round(_SMALLEST * width)}px" alt="{say(f"alt.{name}")}">
</div>
<figcaption>{say(f"caption.{name}")}</figcaption>
</figure>"""


def _classes(score: Score | None, lang: str) -> str:
    if score is None:
        return ""
    rows = [
        (
            name,
            integer(count, lang),
            markup.number(recall, percent, lang),
            markup.number(precision, percent, lang),
        )
        for name, count, recall, precision in score.per_class
    ]
    heads = ("class", "count", "recall", "precision")
    return markup.section("classes", markup.table("classes", heads, rows, lang), lang)


def _coverage(coverage: Sequence[tuple[float, float, float]], lang: str) -> str:
    """Return what is gained where the model may say that it does not know."""
    if not coverage:
        return ""
    rows = [
        (percent(share, lang, 2), percent(refused, lang, 2), percent(accuracy, lang))
        for share, refused, accuracy in coverage
    ]
    table = markup.table("coverage", ("reject", "refused", "rest"), rows, lang)
    return markup.section("coverage", table, lang)


def _network(run: RunSummary, lang: str) -> str:
    rows = [(name, shape, integer(n, lang)) for name, shape, n in run.layers]
    total = (text("report.total", lang), "", integer(run.n_parameters, lang))
    heads = ("layer", "shape", "parameters")
    return markup.section(
        "network", markup.table("network", heads, rows, lang, total), lang
    )


def _settings(settings: Mapping[str, object], lang: str) -> str:
    rows = []
    for name, value in settings.items():
        try:
            known = text(f"report.setting.{name}", lang)
        except KeyError:
            known = name
        rows.append((known, markup.setting(value, lang)))
    heads = ("setting", "value")
    return markup.section("settings", markup.table("settings", heads, rows, lang), lang)


def _history(history: Mapping[str, Sequence[float | None]], lang: str) -> str:
    columns = [
        name
        for name in _COLUMNS
        if any(value is not None for value in history.get(name, ()))
    ]
    rows = [
        [
            markup.number(value, _COLUMNS[name], lang)
            for name, value in zip(columns, row, strict=True)
        ]
        for row in zip(*(history[name] for name in columns), strict=True)
    ]
    if not rows:
        return ""
    summary = markup.Sentences(lang)("history_rows", n=integer(len(rows), lang))
    table = markup.table("history", columns, rows, lang)
    return markup.section(
        "history",
        f"<details>\n<summary>{summary}</summary>\n{table}\n</details>",
        lang,
    )


def _versions(versions: Mapping[str, str], lang: str) -> str:
    table = markup.table("versions", ("software", "version"), versions.items(), lang)
    return markup.section("versions", table, lang)
