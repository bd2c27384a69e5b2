"""``ardoise train``: from a recipe and data to a folder with all that came of it."""

import math
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from ardoise.cli.augmenting import setting_words
from ardoise.cli.checkpoints import Checkpointing, check_same, prove_writable
from ardoise.cli.findings import watching
from ardoise.cli.members import Members, temper
from ardoise.cli.parts import MNIST
from ardoise.cli.plan import TrainOptions, make_plan
from ardoise.cli.progress import Interruptible, ShownProgress
from ardoise.cli.ranks import Together
from ardoise.cli.report import write_report
from ardoise.cli.results import draw, say_result, say_time
from ardoise.cli.summary import summarise
from ardoise.cli.terminal import Terminal
from ardoise.digits.asking import Answers, answers_of, ask, outputs_of
from ardoise.digits.finishing import doubt_of
from ardoise.digits.planning import Plan, highest_rate
from ardoise.digits.recipes import EXPECTED, RECIPES
from ardoise.engine.doctor import Finding
from ardoise.engine.errors import DivergenceError, SnapshotError
from ardoise.engine.ranks import RanksError
from ardoise.engine.threads import available_threads, blas_threads
from ardoise.engine.training import Callback
from ardoise.files import save_model, write_atomically
from ardoise.files.checkpoint import Checkpoint, CheckpointError
from ardoise.messages import UserError
from ardoise.plots.findings import sentence
from ardoise.plots.numbers import decimal, duration, integer, percent, shortest

MODEL_FILE, HISTORY_FILE = "model.safetensors", "history.csv"
# Where a model file remembers its score on a part ("validation" is that part's share).
SCORES = {"validation": "validation_score", "test": "test"}
RUNS = Path("runs")


class RunError(UserError):
    """The training could not be done or kept, in one sentence; exit code 1."""


def train(
    options: TrainOptions,
    terminal: Terminal,
    *,
    together: Together,
    checkpoint: Path | None = None,
    every: float = 30.0,
    start: Checkpoint | None = None,
) -> int:
    """Run the whole of ``ardoise train``; return the exit code.

    Parameters
    ----------
    options : TrainOptions
    terminal : Terminal
    together : Together
        The ranks that train; the first one writes all files.
    checkpoint : Path, optional
        Where to write one ``every`` so many seconds.
    every : float
    start : Checkpoint, optional
        Of the training that goes on.

    Raises
    ------
    UserError
        With one sentence, when an option, the data or the output folder is wrong, or
        the training diverges.
    """
    if together.world is not None and options.threads is None:
        options = replace(options, threads=together.world.threads())
    plan = together.all(lambda: make_plan(options, terminal))
    together.same_data(plan.details["digest"])
    if together.world is not None:
        plan.details["ranks"] = together.world.size
    if start is not None:
        together.all(partial(check_same, checkpoint or Path(), start, plan))
    if checkpoint is not None:
        together.first(partial(prove_writable, checkpoint))
    is_new = options.output is None or not os.path.exists(options.output)
    folder = together.first(partial(prepare_folder, options.output, plan.recipe.name))
    introduce(terminal, plan)
    notebook_epochs = plan.recipe.epochs if plan.recipe.notebook else None
    progress, interrupt = ShownProgress(terminal, notebook_epochs), Interruptible()
    callbacks: list[Callback] = [interrupt, progress]
    members, found = Members(plan, start), list[Finding]()
    if checkpoint is not None:
        callbacks.append(
            Checkpointing(checkpoint, every, plan, options, terminal, members.done)
        )
    callbacks.append(watching(plan, terminal, found))
    try:
        try:
            with interrupt, progress:
                members.learn(callbacks, progress, together.world)
        except SnapshotError:
            if is_new and together.is_first:
                folder.rmdir()  # nothing was learned
            wrong = CheckpointError("checkpoint.damaged", path=checkpoint)
            raise together.failed(wrong) from None
        except BaseException:
            # The model first: whatever happened, what was learned is kept.
            if together.is_first:
                keep(plan, members, folder / MODEL_FILE)
            raise
        if not together.is_first:
            return 130 if members.interrupted else 0
        keep(plan, members, folder / MODEL_FILE)
        if not members.has_learned:
            raise KeyboardInterrupt  # before the first epoch ended
        findings = [sentence(finding, terminal.lang) for finding in found]
        return finish(plan, members, folder, terminal, findings)
    except DivergenceError as error:
        rate = highest_rate(plan.recipe)
        usual = highest_rate(RECIPES[plan.recipe.name])
        diverged = RunError(
            "train.diverged_member" if members.done else "train.diverged",
            member=len(members.done) + 1,
            step=error.step,
            epoch=error.epoch,
            rate=shortest(rate, terminal.lang),
            lower=f"{min(rate / 10, usual):g}",
            file=folder / MODEL_FILE,
        )
        raise together.failed(diverged) from None
    except RanksError as error:
        raise together.failed(RunError("ranks.drifted", rank=error.rank)) from None
    except KeyboardInterrupt:
        terminal.complain(terminal.text("train.unfinished", file=folder / MODEL_FILE))
        return 130


def keep(plan: Plan, members: Members, file: Path) -> None:
    """Save the model, and do it again if Ctrl-C came meanwhile.

    Raises
    ------
    RunError
        If it cannot be written there; it is then in the system's temporary folder.
    OSError
        If it cannot be written there either.
    """
    if members.several:
        plan.details["members"] = len(members.several)
    try:
        save_model(file, plan.model(members.network()))
    except KeyboardInterrupt:
        save_model(file, plan.model(members.network()))
        raise
    except OSError as error:
        spare = Path(tempfile.mkdtemp(prefix="ardoise-")) / MODEL_FILE
        save_model(spare, plan.model(members.network()))
        raise RunError(
            "train.kept_elsewhere", file=file, reason=error, spare=spare
        ) from None


def finish(
    plan: Plan,
    members: Members,
    folder: Path,
    terminal: Terminal,
    findings: Sequence[str] = (),
) -> int:
    """Read unseen images, say how well, and fill the folder; return the exit code."""
    members.write_histories(folder / HISTORY_FILE)
    history, network = members.histories[0], members.network()
    part, images = plan.scored
    answers, alone, doubt = None, [], None
    with blas_threads(min(plan.threads, available_threads())):
        if images is not None:
            z = outputs_of(network, images.images)
            if part == "validation":
                z = temper(network, plan, z)
                if plan.recipe.calibrate:
                    doubt = doubt_of(network, plan.train, images, z)
            answers = answers_of(z, images.labels, part)
            plan.details[SCORES[part]] = score_of(answers)
            alone = [ask(member, images, part) for member in members.several]
    if alone:
        plan.details["members_alone"] = [score_of(one) for one in alone]
    save_model(folder / MODEL_FILE, plan.model(network, doubt.doubt if doubt else None))
    note = members.note(terminal)
    if note is not None:
        terminal.out.print(note)
    say_result(terminal, answers, [one.accuracy for one in alone])
    say_time(terminal, members.seconds, members.epochs)
    if "temperature" in plan.details and plan.validation is not None:
        n = integer(len(plan.validation), terminal.lang)
        shown = decimal(plan.details["temperature"], terminal.lang, 2)
        terminal.say("train.temperature", temperature=shown, n=n)
    pictures = draw(folder, terminal, plan.recipe, history, answers, images)
    summary = summarise(plan, members, answers, pictures, note, terminal)
    summary = replace(summary, findings=findings)
    if doubt is not None and answers is not None:
        right = answers.predicted == answers.labels
        summary = replace(summary, coverage=doubt.coverage(right))
    page = write_report(folder, summary, terminal.lang)
    terminal.say("train.folder", folder=folder)
    terminal.say("train.page", page=page)
    if part != "test":
        n = integer(len(plan.test), terminal.lang)
        terminal.say("train.sealed", n=n, command=opening_command(folder))
    return 130 if members.interrupted else 0


def score_of(answers: Answers) -> dict[str, int]:
    """Return how many answers are right, as a model file remembers it."""
    return {"correct": answers.correct, "total": len(answers.labels)}


def opening_command(folder: Path) -> str:
    """Return what to type to open the test images, as this program was started."""
    started = Path(sys.argv[0])
    program = "ardoise"
    if started.parts[-2:] == (program, "__main__.py"):
        program = "python -m ardoise"
    elif started.name == program and shutil.which(program) is None:
        program = str(started)  # of a virtual environment that is not activated
    return f"{program} evaluate --final {shlex.quote(str(folder))}"


def prepare_folder(folder: Path | None, recipe: str) -> Path:
    """Make the folder of the run, and prove that it can be written to.

    Raises
    ------
    RunError
        If it cannot, or if it already holds something.
    """
    try:
        if folder is None:
            folder = _new_folder(recipe)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunError("train.folder_in_use", folder=folder)
        write_atomically(folder / HISTORY_FILE, b"")
        (folder / HISTORY_FILE).unlink()
    except OSError as error:
        raise RunError(
            "train.folder_unwritable", folder=folder or RUNS, reason=error
        ) from None
    return folder


def _new_folder(recipe: str) -> Path:
    """Make a folder for this moment; trainings started together each get their own."""
    RUNS.mkdir(exist_ok=True)
    name = f"{recipe}-{datetime.now():%Y-%m-%d-%H%M%S}"
    folder, number = RUNS / name, 1
    while True:
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            folder = RUNS / f"{name}-{number}"
        else:
            return folder


def introduce(terminal: Terminal, plan: Plan) -> None:
    """Say what is about to be done."""
    lang, recipe, network = terminal.lang, plan.recipe, plan.networks[0]
    about = terminal.text(f"recipe.{recipe.name}.about")
    terminal.say("train.recipe", name=recipe.name, about=about)
    terminal.say(
        "train.data",
        data=plan.train.name,
        train=integer(len(plan.train), lang),
        validation=integer(len(plan.validation or ()), lang),
        test=integer(len(plan.test), lang),
    )
    for network in plan.shapes:
        units = [str(math.prod(network.input_shape))]
        units += [
            shape
            for layer, shape, count in network.summary()
            if count and layer not in ("BatchNorm", "LayerNorm")
        ]
        terminal.say(
            "train.network",
            shape="-".join(units),
            weights=integer(network.n_params, lang),
            threads=plan.threads,
        )
    if "ranks" in plan.details:
        terminal.say("train.ranks", n=integer(plan.details["ranks"], lang))
    expected = EXPECTED.get(recipe.name)
    usual = (MNIST, recipe.split) == (plan.details["data"], plan.details["split"])
    if expected is not None and usual and recipe == RECIPES[recipe.name]:
        terminal.say(
            "train.expected",
            accuracy=percent(expected.accuracy, lang),
            time=duration(expected.seconds, lang),
        )
    if recipe.members > 1:
        terminal.say("train.members", n=integer(recipe.members, lang))
    if recipe.augmentation is not None:
        words = setting_words(recipe.augmentation)
        terminal.say("train.augmentation", settings=words)
    if plan.outliers is not None:
        terminal.say("train.outliers", n=integer(len(plan.outliers), lang))
