"""HTML as a target: one page with a slate to draw on, which needs no network."""

from __future__ import annotations

import base64
import hashlib
import html
import math
from typing import Any

from ardoise.export.errors import ExportError
from ardoise.export.javascript import core
from ardoise.export.memory import IMAGE
from ardoise.export.pack import fill, script_json, template
from ardoise.export.plan import Plan
from ardoise.export.words import count, decimal, shape_of, version
from ardoise.messages import LANGUAGES, text
from ardoise.pictures import Settings
from ardoise.pictures.framing import SIDE

# The page's sentences, and the names that its script puts values in the place of.
_SENTENCES = (
    *("heading", "heading_digits", "intro", "slate", "invitation", "invitation_digits"),
    *("clear", "undo", "keys", "result", "picture", "offline"),
    *("empty", "read", "sure", "unsure", "pen_up", "pen_down"),
)
_LATER = {name: f"{{{name}}}" for name in ("first", "sure", "second", "perhaps")}
_DIGITS = frozenset("0123456789")


def write_html(plan: Plan, name: str, details: dict[str, Any]) -> dict[str, bytes]:
    """Return the page (name → content).

    Parameters
    ----------
    plan : Plan
    name : str
    details : dict
        The model's: its score on images that did not train, how pictures are prepared,
        and whether they are dark on light.

    Raises
    ------
    ExportError
        If the network does not read grey pictures.
    """
    height, width = picture_size(plan)
    ending = "_digits" if set(plan.classes) <= _DIGITS else ""
    script = fill(
        template("page.js"),
        VERSION=version(),
        CLASSES=script_json(plan.classes),
        HEIGHT=height,
        WIDTH=width,
        DARK_ON_LIGHT=script_json(details.get("dark_on_light") is True),
        SETTINGS=script_json(_settings(plan, details)),
        TEXTS=script_json({lang: _texts(plan, details, lang) for lang in LANGUAGES}),
        CORE=core(plan, export=False),
        PREPARE=template("prepare.js").strip(),
    )
    style = fill(template("page.css"), HEIGHT=height, WIDTH=width)
    page = fill(
        template("page.html"),
        VERSION=version(),
        HEADING=f"heading{ending}",
        INVITATION=f"invitation{ending}",
        HEIGHT=height,
        WIDTH=width,
        NOSCRIPT=html.escape(
            " ".join(text("export.page.noscript", lang) for lang in LANGUAGES)
        ),
        SCRIPT=script,
        SCRIPT_HASH=_hash(script),
        STYLE=style,
        STYLE_HASH=_hash(style),
    )
    return {name: page.encode()}


def picture_size(plan: Plan) -> tuple[int, int]:
    """Return the height and the width of what the network reads.

    Raises
    ------
    ExportError
        If it is no grey picture.
    """
    shape = plan.shapes[IMAGE]
    side = math.isqrt(plan.size(IMAGE))
    if len(shape) == 1 and side * side == shape[0] and side > 1:
        return side, side
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return shape[0], shape[1]
    raise ExportError("export.not_picture", shape=" × ".join(map(str, shape)))


def _settings(plan: Plan, details: dict[str, Any]) -> dict[str, Any] | None:
    """Return how the page prepares a drawing, as `ardoise.pictures.prepare` does."""
    if picture_size(plan) != (SIDE, SIDE) or "prepare" not in details:
        return None
    try:
        return Settings.from_config(details["prepare"]).config()
    except ValueError as error:
        raise ExportError("predict.prepare", reason=error) from None


def _texts(plan: Plan, details: dict[str, Any], lang: str) -> dict[str, str]:
    """Return the page's sentences by their short names."""
    texts = {name: text(f"export.page.{name}", lang, **_LATER) for name in _SENTENCES}
    network = text(
        "export.page.network",
        lang,
        shape=shape_of(plan),
        weights=count(plan.n_weights, lang),
    )
    score = _score(details, lang)
    return {**texts, "network": f"{network} {score}".strip()}


def _score(details: dict[str, Any], lang: str) -> str:
    """Return a sentence on images that did not train, if the model remembers some."""
    key = "test" if "test" in details else "validation_score"
    score = details.get(key)
    if not isinstance(score, dict):
        return ""
    correct, total = score.get("correct"), score.get("total")
    if type(correct) is not int or type(total) is not int or not 0 <= correct <= total:
        return ""
    if total == 0:
        return ""
    share = decimal(100 * correct / total, lang, 1)
    sentence = "export.page.score" if key == "test" else "export.page.score_validation"
    return text(sentence, lang, share=share, total=count(total, lang))


def _hash(content: str) -> str:
    """Return what the page's policy calls a script or a style by."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
