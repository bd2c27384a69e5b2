"""The ``ardoise`` command: options, help in two languages, errors as sentences.

Exit codes: 0 done, 1 something is wrong with the data, a file or the training, 2 wrong
option, 130 interrupted by Ctrl-C.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, cast

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

import ardoise
from ardoise.cli.terminal import Lang, OptionError, Terminal, default_language
from ardoise.digits.recipes import DEFAULT_RECIPE, RECIPES
from ardoise.messages import LANGUAGES, UserError, text


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; no exception leaves it.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.
    """
    lang = _wanted_language(arguments)
    terminal = Terminal(lang)
    try:
        code = _build(terminal)(
            list(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        return int(code or 0)
    except CycloptsError as error:
        terminal.complain(_option_sentence(error, lang))
        terminal.complain(text("option.help", lang))
        return 2
    except OptionError as error:
        terminal.complain(error.sentence(lang))
        return 2
    except UserError as error:
        terminal.complain(error.sentence(lang))
        return 1
    except KeyboardInterrupt:
        terminal.complain(text("error.interrupted", lang))
        return 130
    except MemoryError:
        terminal.complain(text("error.memory", lang))
        return 1
    except BrokenPipeError:
        # The reader of our output has gone (``ardoise … | head``): nothing to say.
        sys.stderr.close()
        return 1
    except OSError as error:
        name = error.filename or ""
        reason = error.strerror or str(error)
        terminal.complain(text("error.system", lang, name=name, reason=reason))
        return 1


def _build(terminal: Terminal) -> App:
    """Return the command line, with its help in the terminal's language."""
    lang = terminal.lang

    def t(key: str, **values: object) -> str:
        return text(f"help.{key}", lang, **values)

    lang_option = Annotated[Lang, Parameter(help=t("lang"))]
    model_option = Annotated[Path | None, Parameter(help=t("model"))]
    options = Group(t("options"))
    app = App(
        name="ardoise",
        help=t("ardoise"),
        usage=t("usage"),
        version=ardoise.__version__,
        group_commands=Group(t("commands")),
        group_parameters=options,
        group_arguments=options,
        # Defaults and choices stand in the sentences, in the learner's language.
        default_parameter=Parameter(
            negative=(), show_default=False, show_choices=False
        ),
    )
    app["--help"].help = t("help")
    app["--version"].help = t("version")

    @app.command(usage=t("usage_train"), help=t("train", names=", ".join(RECIPES)))
    def train(
        *,
        recipe: Annotated[str, Parameter(help=t("recipe"))] = DEFAULT_RECIPE,
        data: Annotated[str, Parameter(help=t("data_option"))] = "mnist",
        split: Annotated[str | None, Parameter(help=t("split"))] = None,
        epochs: Annotated[int | None, Parameter(help=t("epochs"))] = None,
        batch_size: Annotated[int | None, Parameter(help=t("batch_size"))] = None,
        learning_rate: Annotated[
            float | None, Parameter(help=t("learning_rate"))
        ] = None,
        seed: Annotated[int, Parameter(help=t("seed"))] = 0,
        threads: Annotated[int | None, Parameter(help=t("threads"))] = None,
        output: Annotated[Path | None, Parameter(help=t("output"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.plan import TrainOptions
        from ardoise.cli.training import train as run_training

        given = TrainOptions(
            recipe,
            data,
            split,
            epochs,
            batch_size,
            learning_rate,
            seed,
            threads,
            output,
        )
        return run_training(given, terminal)

    @app.command(usage=t("usage_evaluate"), help=t("evaluate"))
    def evaluate(
        model: model_option = None,
        *,
        data: Annotated[str | None, Parameter(help=t("evaluate_data"))] = None,
        split: Annotated[str | None, Parameter(help=t("evaluate_split"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.using import evaluate as run_evaluation

        return run_evaluation(model, data, split, terminal)

    @app.command(usage=t("usage_predict"), help=t("predict"))
    def predict(
        files: Annotated[list[Path], Parameter(help=t("files"))],
        /,
        *,
        model: model_option = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.using import predict as run_prediction

        return run_prediction(files, model, terminal)

    @app.command(usage=t("usage_data"), help=t("data"))
    def data(
        source: Annotated[str, Parameter(help=t("data_option"))] = "mnist",
        *,
        sheet: Annotated[Path | None, Parameter(help=t("sheet"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.using import describe

        return describe(source, sheet, terminal)

    return app


def _wanted_language(arguments: Sequence[str]) -> Lang:
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


def _option_sentence(error: CycloptsError, lang: str) -> str:
    """Return Cyclopts' error as one sentence in the learner's language."""
    if isinstance(error, UnknownCommandError):
        tokens = error.unused_tokens or [""]
        return text("option.unknown_command", lang, name=tokens[0])
    if isinstance(error, UnknownOptionError):
        name = error.token.keyword or error.token.value
        return text("option.unknown", lang, name=name)
    if isinstance(error, UnusedCliTokensError):
        tokens = error.unused_tokens or [""]
        return text("option.unused", lang, value=tokens[0])
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return text("option.missing", lang, name=error.argument.name)
    if isinstance(error, CoercionError) and error.argument is not None:
        token = error.token.value if error.token is not None else ""
        return text("option.value", lang, name=error.argument.name, value=token)
    return " ".join(str(error).split())
