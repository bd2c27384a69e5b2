"""``ardoise slate``: the local page where a network learns and reads what is drawn."""

from dataclasses import dataclass
from pathlib import Path

from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model
from ardoise.files import load_model
from ardoise.messages import Lang, OptionError, UserError

# What the extra installs, by the names that Python imports.
PACKAGES = frozenset({"starlette", "uvicorn", "websockets", "anyio", "h11"})
MOST_PORT = 65535


@dataclass(frozen=True)
class SlateOptions:
    """The options of ``ardoise slate``, as they were given."""

    model: Path | None
    host: str
    port: int | None
    lang: Lang | None
    no_browser: bool
    record: Path | None
    replay: Path | None
    debug: bool


class ExtraError(UserError):
    """What the page needs is not installed."""


def slate(given: SlateOptions, terminal: Terminal) -> int:
    """Serve the page until Ctrl-C; return the exit code.

    Raises
    ------
    OptionError
        If the options make no sense together.
    UserError
        If it cannot be served.
    """
    if given.port is not None and not 1 <= given.port <= MOST_PORT:
        raise OptionError("slate.option.port", port=given.port, most=MOST_PORT)
    if given.replay is not None:
        for name, value in (("--record", given.record), ("--model", given.model)):
            if value is not None:
                raise OptionError("slate.option.replay", name=name)
    try:
        from ardoise.slate import serve
    except ModuleNotFoundError as error:
        if error.name in PACKAGES:
            raise ExtraError("slate.extra") from None
        raise
    model = None
    if given.model is not None:
        model = load_model(find_model(given.model, terminal))
    serve(
        model,
        host=given.host,
        port=given.port,
        lang=terminal.lang,
        page_lang=given.lang,
        browser=not given.no_browser,
        record=given.record,
        replay=given.replay,
        debug=given.debug,
        say=terminal.out.print,
        complain=terminal.complain,
    )
    return 0
