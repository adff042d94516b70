"""Progress of long work, on standard error, and only where a person watches: pipes and logs stay quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


def is_watched() -> bool:
    """Whether a person watches: worth a call to find out how much there is to do."""
    return sys.stderr.isatty()


@contextmanager
def progress(description: str, total: int | None, unit: str = "") -> Iterator[Advance]:
    """Shows a bar for work of `total` steps and gives the function that moves it on by some steps.

    `total` None means unknown: the bar only shows that work goes on. `unit` is "bytes", or a noun such as "contacts".
    Nothing is written when standard error is not a terminal.
    """
    if not is_watched():
        yield lambda steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    count = DownloadColumn() if unit == "bytes" else TextColumn("{task.completed:,.0f} " + unit)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        count,
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


def steps(advance: Advance) -> Callable[[int, int], None]:
    """For work that tells how far it is (done, total): a function that moves the bar on by what is new."""
    last = 0

    def moved(done: int, _: int) -> None:
        nonlocal last
        advance(done - last)
        last = done

    return moved
