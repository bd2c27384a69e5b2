"""What runs on the first pages: a slate to draw on, and a training that was recorded.

Both are made when the pages are: the slate is an export of the model that comes with
Ardoise (`ardoise export --to html`), the training is played to the page of `ardoise
slate` by ``_static/replay.js`` in the place of its server.
"""

from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ardoise.export.page import write_html
from ardoise.export.plan import make_plan
from ardoise.files import Model, load_model
from ardoise.messages import text
from ardoise.slate.app import ANSWERS, answer_with
from ardoise.slate.files import INDEX, page_files, word_files
from ardoise.slate.packets import pack
from ardoise.slate.recording import Recorder
from ardoise.slate.session import Session
from site_parts.links import language_of

FOLDER = "live"
EPOCHS = 5
WEIGHTS_EVERY = 900  # steps, of 1,688 in an epoch
STATIC = Path(__file__).parents[1] / "_static"
WORDS = {
    "en": {
        "pad": "A slate to draw a digit on, and what a network reads",
        "link": "See a training",
        "about": "A recording, made when this page was built: the training took"
        " <strong id='took'></strong> s, and is shown in 15. Choose “{start}”.",
        "home": "Documentation",
        "served": "Nothing moves? Browsers load the slate's modules from a server only:"
        " <code>python -m http.server -d site</code>, then open"
        " <code>localhost:8000</code>.",
    },
    "fr": {
        "pad": "Une ardoise où dessiner un chiffre, et ce qu’un réseau lit",
        "link": "Voir un apprentissage",
        "about": "Un enregistrement, fait quand cette page a été construite\u00a0:"
        " l’apprentissage a duré <strong id='took'></strong>\u00a0s, et il est montré"
        " en 15. Choisissez «\u00a0{start}\u00a0».",
        "home": "Documentation",
        "served": "Rien ne bouge\u202f? Les navigateurs ne chargent les modules de"
        " l’ardoise que d’un serveur\u00a0: <code>python -m http.server -d site</code>,"
        " puis ouvrez <code>localhost:8000</code>.",
    },
}
# What the page of the slate has, and what stands there instead.
CHANGES = {
    '<html lang="en">': '<html lang="{lang}">',
    '"/page/main.js"': '"replay.js"',
    '<script type="module"': '<link rel="stylesheet" href="replay.css">\n'
    '<script type="module"',
    '<p class="lead" data-text="learn.lead"></p>': '<p class="recorded">{about}'
    ' <a href="../../index.html">{home}</a></p>\n    <p class="served">{served}</p>',
    '"/page/': '"page/',
}


def own_model() -> Model:
    """Return the model that comes with Ardoise."""
    with resources.as_file(resources.files("ardoise.slate")) as folder:
        return load_model(folder / "model.safetensors")


def write_pad(folder: Path) -> None:
    """Write the slate to draw on."""
    model = own_model()
    plan = make_plan(model)
    for name, content in write_html(plan, "pad.html", model.details).items():
        (folder / name).write_bytes(content)


def write_replay(folder: Path, lang: str, epochs: int = EPOCHS) -> None:
    """Write the page of the slate, which is told what was recorded."""
    for name in ("page", "words"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    about = WORDS[lang]["about"].format(start=text("slate.learn.start", lang))
    words = {**WORDS[lang], "about": about}
    files = page_files()
    page = files.pop(INDEX).content.decode()
    for before, after in CHANGES.items():
        if before not in page:
            raise ValueError(f"the slate's page has no {before} to put a recording in")
        page = page.replace(before, after.format(lang=lang, **words))
    (folder / INDEX).write_text(page, encoding="utf-8")
    for name, file in files.items():
        (folder / "page" / name).write_bytes(file.content)
    for name, file in word_files().items():
        (folder / "words" / name).write_bytes(file.content)
    for name in ("replay.js", "replay.css"):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    record(folder / "recording.bin", lang, epochs)


def record(path: Path, lang: str, epochs: int) -> None:
    """Write all that a slate says while it trains the preset ``tiny``."""
    session = Session(own_model())
    answer = answer_with(session, ANSWERS)

    def complain(error: Exception) -> None:
        raise error

    with Recorder(path, complain) as recorder:

        def say(kind: str, **fields: Any) -> None:
            header, arrays = answer(kind, {"lang": lang, **fields}, {})
            recorder.write(pack({"id": 0, "type": kind, **header}, arrays, lang))

        wanted = 0

        def push(header: dict[str, Any], arrays: dict[str, Any]) -> None:
            nonlocal wanted
            if header["type"] == "weights":  # a hundred kilobytes each
                if header["step"] < wanted:
                    return
                wanted = header["step"] + WEIGHTS_EVERY
            recorder.write(pack(header, arrays, lang))

        quiet = session.push
        for kind in ("hello", "learn.state", "learn.moments"):
            say(kind)
        session.push = push
        say("learn.start", preset="tiny", epochs=epochs)
        session.lesson.wait()
        session.push = quiet
        for kind in ("hello", "learn.state", "learn.moments"):
            say(kind)
    session.close()


def write_all(app: Sphinx, error: Exception | None) -> None:
    """Write both beside the pages."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / FOLDER
        lang = language_of(app)
        write_replay(folder / "slate", lang)
        write_pad(folder)


class Live(SphinxDirective):
    """A directive that puts HTML into a page, with the words of its language."""

    html = ""

    def run(self) -> list[nodes.Node]:
        lang = "fr" if self.config.language == "fr" else "en"
        html = self.html.format(folder=FOLDER, lang=lang, **WORDS[lang])
        return [nodes.raw("", html, format="html")]


class Pad(Live):
    html = (
        '<iframe class="pad" src="{folder}/pad.html?lang={lang}" title="{pad}">'
        "</iframe>"
    )


class Replay(Live):
    html = (
        '<p><a class="replay" href="{folder}/slate/index.html?lang={lang}#learn">'
        "{link}</a></p>"
    )


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("pad", Pad)
    app.add_directive("replay", Replay)
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
