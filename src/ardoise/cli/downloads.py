"""What a person sees while data is downloaded."""

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ardoise.cli.terminal import Terminal
from ardoise.plots.numbers import decimal

MEGABYTE = 1e6


class ShownDownload:
    """A sentence for each file, and a bar where the output is a terminal.

    A context manager around the loading, and the callback of it.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._tasks: dict[str, TaskID] = {}
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
            console=terminal.out,
            transient=True,
        )

    def __enter__(self) -> "ShownDownload":
        return self

    def __exit__(self, *_: object) -> None:
        if self._tasks and self._terminal.out.is_terminal:
            self._bar.stop()

    def __call__(self, name: str, got: int, size: int) -> None:
        """Show that ``got`` bytes of ``size`` have come of the file ``name``."""
        if name not in self._tasks:
            self._terminal.say("download.file", name=name, size=self._mega(size))
            if self._terminal.out.is_terminal:
                self._bar.start()  # only when something really comes
            self._tasks[name] = self._bar.add_task(name, total=size, figures="")
        figures = self._terminal.text(
            "download.figures", got=self._mega(got), size=self._mega(size)
        )
        self._bar.update(self._tasks[name], completed=got, figures=figures)
        if got == size:
            self._bar.update(self._tasks[name], visible=False)

    def _mega(self, n: int) -> str:
        """Return a number of bytes in megabytes, those of 1,000,000 bytes."""
        return decimal(n / MEGABYTE, self._terminal.lang, 1 if n >= 1e5 else 3)
