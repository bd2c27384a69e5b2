"""The ``ardoise`` command: options, help in two languages, errors as sentences.

Exit codes: 0 done, 1 something is wrong with the data, a file or the training (of
``ardoise doctor``: there is a warning; of ``ardoise lesson check``: the file is not
mended), 2 wrong option, 3 an export that could not be
proved, 130 interrupted by Ctrl-C.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Group, Parameter

import ardoise
from ardoise.cli.options import (
    HelpPage,
    command_first,
    sentence,
    where_to_look,
    whole,
)
from ardoise.cli.terminal import Terminal, speak_plainly
from ardoise.cluster.launched import launched, trains
from ardoise.digits.recipes import RECIPES
from ardoise.messages import Lang, OptionError, UserError, text, wanted_language


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; no exception leaves it.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name.
    """
    speak_plainly()
    lang = wanted_language(arguments)
    terminal = Terminal(lang)
    place = launched()
    if place is not None and place.rank and trains(arguments):
        # The first of several ranks speaks for all.
        terminal.out.quiet = terminal.err.quiet = True
    try:
        code = _build(terminal)(
            command_first(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        return int(code or 0)
    except CycloptsError as error:
        terminal.complain(sentence(error, lang))
        terminal.complain(where_to_look(error, lang))
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
        terminal.err.quiet = False  # of any rank
        terminal.complain(text("error.memory", lang))
        return 1
    except OSError as error:
        terminal.err.quiet = False
        if error.filename is None:  # standard output, mostly
            wrong = UserError("error.write", reason=error)
        else:
            wrong = UserError("error.system", name=error.filename, reason=error)
        terminal.complain(wrong.sentence(lang))
        return 1


def _build(terminal: Terminal) -> App:
    """Return the command line, with its help in the terminal's language."""
    lang = terminal.lang

    def t(key: str, **values: object) -> str:
        return text(f"help.{key}", lang, **values)

    def number(key: str) -> Parameter:
        return Parameter(help=t(key), converter=whole)

    lang_option = Annotated[Lang, Parameter(help=t("lang"))]
    model_option = Annotated[Path | None, Parameter(help=t("model"))]
    options = Group(t("options"))
    app = App(
        name="ardoise",
        help=t("ardoise"),
        usage=t("usage"),
        version=ardoise.__version__,
        help_formatter=HelpPage(lang),
        suppress_keyboard_interrupt=False,
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
        recipe: Annotated[str | None, Parameter(help=t("recipe"))] = None,
        data: Annotated[str, Parameter(help=t("data_option"))] = "mnist",
        split: Annotated[str | None, Parameter(help=t("split"))] = None,
        epochs: Annotated[int | None, number("epochs")] = None,
        batch_size: Annotated[int | None, number("batch_size")] = None,
        learning_rate: Annotated[
            float | None, Parameter(help=t("learning_rate"))
        ] = None,
        augment: Annotated[str | None, Parameter(help=t("augment_option"))] = None,
        members: Annotated[int | None, number("members")] = None,
        seed: Annotated[int, number("seed")] = 0,
        threads: Annotated[int | None, number("threads")] = None,
        output: Annotated[Path | None, Parameter(help=t("output"))] = None,
        checkpoint: Annotated[Path | None, Parameter(help=t("checkpoint"))] = None,
        every: Annotated[str, Parameter(help=t("every"))] = "30s",
        resume: Annotated[Path | None, Parameter(help=t("resume"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.checkpoints import resumed_options, seconds_of
        from ardoise.cli.plan import TrainOptions
        from ardoise.cli.ranks import join
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
            augment,
            members,
        )
        seconds, start = seconds_of(every), None
        with join(terminal) as together:
            if resume is not None:
                none = (None,) * 4
                default = TrainOptions(None, "mnist", *none, 0, None, None)
                known = (resume, given, default, terminal, together.size)
                start, given = together.first(partial(resumed_options, *known))
            return run_training(
                given,
                terminal,
                together=together,
                checkpoint=checkpoint or resume,
                every=seconds,
                start=start,
            )

    @app.command(usage=t("usage_plan"), help=t("plan"))
    def plan(
        *,
        params: Annotated[int | None, number("plan_params")] = None,
        samples: Annotated[int | None, number("plan_samples")] = None,
        nodes: Annotated[int, number("plan_nodes")] = 64,
        recipe: Annotated[str | None, Parameter(help=t("plan_recipe"))] = None,
        batch_size: Annotated[int | None, number("plan_batch_size")] = None,
        ranks_per_node: Annotated[int | None, number("plan_ranks")] = None,
        latency: Annotated[str | None, Parameter(help=t("plan_latency"))] = None,
        bandwidth: Annotated[str | None, Parameter(help=t("plan_bandwidth"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.hosts import PlanOptions
        from ardoise.cli.hosts import plan as run_plan
        from ardoise.cli.ranks import join

        what = (params, samples, nodes, recipe, batch_size)
        given = PlanOptions(*what, ranks_per_node, latency, bandwidth)
        with join(terminal) as together:
            return run_plan(given, terminal, together)

    @app.command(usage=t("usage_evaluate"), help=t("evaluate"))
    def evaluate(
        model: model_option = None,
        *,
        data: Annotated[str | None, Parameter(help=t("evaluate_data"))] = None,
        split: Annotated[str | None, Parameter(help=t("evaluate_split"))] = None,
        final: Annotated[bool, Parameter(help=t("final"))] = False,
        json: Annotated[bool, Parameter(help=t("json"))] = False,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.measuring import evaluate as run_evaluation

        return run_evaluation(model, data, split, terminal, final=final, as_json=json)

    @app.command(usage=t("usage_compare"), help=t("compare"))
    def compare(
        a: Annotated[Path, Parameter(help=t("compare_a"), name="A")],
        b: Annotated[Path, Parameter(help=t("compare_b"), name="B")],
        /,
        *,
        data: Annotated[str | None, Parameter(help=t("evaluate_data"))] = None,
        final: Annotated[bool, Parameter(help=t("final"))] = False,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.measuring import compare as run_comparison

        return run_comparison((a, b), data, terminal, final=final)

    @app.command(usage=t("usage_predict"), help=t("predict"))
    def predict(
        files: Annotated[list[Path], Parameter(help=t("files"), name=t("file"))],
        /,
        *,
        model: model_option = None,
        reject: Annotated[str | None, Parameter(help=t("reject"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.pictures import predict as run_prediction

        return run_prediction(files, model, terminal, reject)

    @app.command(usage=t("usage_read"), help=t("read"))
    def read(
        files: Annotated[list[Path], Parameter(help=t("files"), name=t("file"))],
        /,
        *,
        model: model_option = None,
        reject: Annotated[str | None, Parameter(help=t("reject"))] = None,
        json: Annotated[bool, Parameter(help=t("read_json"))] = False,
        csv: Annotated[Path | None, Parameter(help=t("csv"))] = None,
        annotate: Annotated[Path | None, Parameter(help=t("annotate"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.pictures import read_numbers

        return read_numbers(
            files,
            model,
            terminal,
            reject=reject,
            as_json=json,
            table=csv,
            annotated=annotate,
        )

    @app.command(usage=t("usage_teach"), help=t("teach"))
    def teach(
        folder: Annotated[Path, Parameter(help=t("teach_folder"), name=t("folder"))],
        /,
        *,
        model: model_option = None,
        output: Annotated[Path | None, Parameter(help=t("teach_output"))] = None,
        seed: Annotated[int, number("seed")] = 0,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.teaching import teach as run_teaching

        return run_teaching(folder, model, output, seed, terminal)

    @app.command(usage=t("usage_export"), help=t("export"))
    def export(
        model: model_option = None,
        *,
        to: Annotated[str, Parameter(help=t("to"))],
        output: Annotated[Path | None, Parameter(help=t("export_output"))] = None,
        int8: Annotated[bool, Parameter(help=t("int8"))] = False,
        max_loss: Annotated[float, Parameter(help=t("max_loss"))] = 0.005,
        data: Annotated[str | None, Parameter(help=t("export_data"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.exporting import run_export

        return run_export(
            model,
            to,
            output,
            int8=int8,
            max_loss=max_loss,
            source=data,
            terminal=terminal,
        )

    @app.command(usage=t("usage_info"), help=t("info"))
    def info(model: model_option = None, *, lang: lang_option = terminal.lang) -> int:
        from ardoise.cli.about import info as tell

        return tell(model, terminal)

    @app.command(usage=t("usage_doctor"), help=t("doctor"))
    def doctor(
        model: model_option = None,
        *,
        data: Annotated[str | None, Parameter(help=t("doctor_data"))] = None,
        classroom: Annotated[bool, Parameter(help=t("classroom"))] = False,
        lang: lang_option = terminal.lang,
    ) -> int:
        if classroom:
            for name, value in (("MODEL", model), ("--data", data)):
                if value is not None:
                    raise OptionError("option.classroom", name=name)
            from ardoise.cli.classroom import examine_classroom

            return examine_classroom(terminal)
        from ardoise.cli.doctor import examine

        return examine(model, data, terminal)

    @app.command(usage=t("usage_verify"), help=t("verify"))
    def verify(
        file: Annotated[Path, Parameter(help=t("verify_file"), name=t("file"))],
        /,
        *,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.about import verify as prove

        return prove(file, terminal)

    @app.command(usage=t("usage_data"), help=t("data"))
    def data(
        source: Annotated[str, Parameter(help=t("data_option"))] = "mnist",
        *,
        sheet: Annotated[Path | None, Parameter(help=t("sheet"))] = None,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.using import describe

        return describe(source, sheet, terminal)

    @app.command(usage=t("usage_augment"), help=t("augment"))
    def augment(
        settings: Annotated[str, Parameter(help=t("augment_settings"))] = "elastic",
        *,
        data: Annotated[str, Parameter(help=t("data_option"))] = "mnist",
        output: Annotated[Path, Parameter(help=t("augment_output"))] = Path(
            "augment.png"
        ),
        seed: Annotated[int, number("augment_seed")] = 0,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.augmenting import preview

        return preview(settings, data, output, seed, terminal)

    @app.command(usage=t("usage_slate"), help=t("slate"))
    def slate(
        model: Annotated[Path | None, Parameter(help=t("slate_model"))] = None,
        *,
        port: Annotated[int | None, number("slate_port")] = None,
        host: Annotated[str, Parameter(help=t("slate_host"))] = "127.0.0.1",
        no_browser: Annotated[bool, Parameter(help=t("slate_no_browser"))] = False,
        record: Annotated[Path | None, Parameter(help=t("slate_record"))] = None,
        replay: Annotated[Path | None, Parameter(help=t("slate_replay"))] = None,
        debug: Annotated[bool, Parameter(help=t("slate_debug"))] = False,
        lang: Annotated[Lang | None, Parameter(help=t("slate_lang"))] = None,
    ) -> int:
        from ardoise.cli.slate import SlateOptions
        from ardoise.cli.slate import slate as run_slate

        given = SlateOptions(model, host, port, lang, no_browser, record, replay, debug)
        return run_slate(given, terminal)

    _add_lesson(app, terminal, options)
    return app


def _add_lesson(app: App, terminal: Terminal, options: Group) -> None:
    """Add ``ardoise lesson``, a command with commands of its own."""
    lang = terminal.lang

    def t(key: str, **values: object) -> str:
        return text(f"help.{key}", lang, **values)

    lang_option = Annotated[Lang, Parameter(help=t("lang"))]
    file_option = Annotated[
        Path | None, Parameter(help=t("lesson_file"), name=t("file"))
    ]
    lesson = App(name="lesson", usage=t("usage_lesson"), help=t("lesson"))
    lesson["--help"].help = t("help")
    app.command(lesson)

    @lesson.command(usage=t("usage_bugs"), help=t("bugs"))
    def bugs(
        number: Annotated[
            str | None, Parameter(help=t("bugs_number"), name=t("number"))
        ] = None,
        /,
        *,
        anew: Annotated[bool, Parameter(help=t("bugs_anew"))] = False,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.lesson import bugs as run_bugs

        return run_bugs(number, terminal, anew=anew)

    @lesson.command(usage=t("usage_check"), help=t("check"))
    def check(file: file_option = None, /, *, lang: lang_option = terminal.lang) -> int:
        from ardoise.cli.lesson import check_file

        return check_file(file, terminal)

    @lesson.command(usage=t("usage_hint"), help=t("hint"))
    def hint(
        file: file_option = None,
        /,
        *,
        step: Annotated[int, Parameter(help=t("hint_step"), converter=whole)] = 1,
        lang: lang_option = terminal.lang,
    ) -> int:
        from ardoise.cli.lesson import hint as run_hint

        return run_hint(file, step, terminal)
