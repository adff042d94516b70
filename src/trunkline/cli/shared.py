"""What commands share: options, an open home, progress bars, and what the shell completes.

Names that exist in the home are looked up while the person types. Completion never fails and never waits: where a home
cannot be opened, nothing is offered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.engines.catalogue import ENGINES
from trunkline.settings.installation import Settings

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.home import Home as OpenHome
    from trunkline.pipelines.reading import Reader


Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder of lake, warehouse and trunkline.toml (default: TRUNKLINE_HOME, else ./trunkline-data).",
        show_default=False,
        file_okay=False,
    ),
]


def engine_option(flag: str, purpose: str) -> Any:
    """An option that takes the name of an engine. `engines.catalogue.find` refuses any other name."""
    names = ", ".join(ENGINES)
    return typer.Option(flag, metavar="ENGINE", help=f"{purpose}: {names}.", autocompletion=lambda: list(ENGINES))


Output = Annotated[Format, typer.Option("--output", help="Format of the data on standard output.")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="Seconds to wait while another process has the home locked.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 when a record was set aside.")]
Advance = Callable[[int], None]


def load_objects(home: Path | None) -> dict[str, Object]:
    """All objects by name: the built-in ones and those of the home's `objects.toml`. The home need not exist."""
    from trunkline.pipelines.home import load_objects as load

    return load(Settings.load(home))


@contextmanager
def open_to_write(home: Path | None, wait_s: float, is_install: bool = False) -> Iterator[OpenHome]:
    """The home, opened to change it. With `is_install` a server's warehouse may be empty.

    Raises LockedError when another process has it locked for longer than `wait_s`.
    """
    from trunkline.pipelines.home import open_home
    from trunkline.pipelines.waiting import waiting_to_write

    settings = Settings.load(home)
    with waiting_to_write(lambda: open_home(settings, is_install, output.note), wait_s, output.note) as opened:
        yield opened


@contextmanager
def open_to_read(home: Path | None, wait_s: float) -> Iterator[Reader]:
    """The home, opened for queries. Raises LockedError when a load has it locked for longer than `wait_s`."""
    from trunkline.pipelines.reading import open_reader
    from trunkline.pipelines.waiting import waiting

    settings = Settings.load(home)
    with waiting(lambda: open_reader(settings), wait_s, output.note) as opened:
        yield opened


def shows_progress() -> bool:
    """Whether progress bars are shown, so that it is worth a call to find the amount of work."""
    return sys.stderr.isatty()


@contextmanager
def progress(description: str, total: int | None, unit: str = "") -> Iterator[Advance]:
    """Shows a bar for work of `total` steps; yields the function that advances it by a number of steps.

    `total` None means unknown: the bar only shows that work goes on. `unit` is "bytes", or a noun such as "contacts".
    Nothing is written when standard error is not a terminal.
    """
    if not shows_progress():
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


def by_totals(advance: Advance) -> Callable[[int, int], None]:
    """For work that reports (done, total): a callback that advances the bar by what was done since the last call."""
    last = 0

    def report(done: int, _: int) -> None:
        nonlocal last
        advance(done - last)
        last = done

    return report


Complete = Callable[[typer.Context, str], list[str]]


def _quiet(names: Callable[[Path | None], Iterable[str]]) -> Complete:
    """A completion of the names that begin as typed, in any case; of none where they cannot be found."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:  # typer knows the arguments by these names
        try:
            listed = list(names(ctx.params.get("home")))
        except Exception:  # noqa: BLE001 - a shell that completes cannot show an error
            return []
        return [name for name in listed if name.lower().startswith(incomplete.lower())]

    return complete


@_quiet
def object_names(home: Path | None) -> Iterable[str]:
    """Objects, the home's own included."""
    return load_objects(home)


@_quiet
def table_names(home: Path | None) -> Iterable[str]:
    """Objects and views."""
    from trunkline.objects.catalogue import BUSINESS_VIEWS, VIEWS

    return [*load_objects(home), *VIEWS, *BUSINESS_VIEWS]


@_quiet
def metric_names(home: Path | None) -> Iterable[str]:
    """Metrics, in the case in which people type them."""
    from trunkline.metrics.catalogue import METRICS

    return [name.lower() for name in METRICS]


@_quiet
def group_names(home: Path | None) -> Iterable[str]:
    """What metrics of any object can be grouped by."""
    from trunkline.metrics.catalogue import METRICS

    return dict.fromkeys(dimension.name for metric in METRICS.values() for dimension in metric.of.obj.dimensions)


@_quiet
def reasons(home: Path | None) -> Iterable[str]:
    """Reasons for dead letters."""
    from trunkline.limits import DEAD_LETTER_REASONS

    return DEAD_LETTER_REASONS


@_quiet
def dead_letter_ids(home: Path | None) -> Iterable[str]:
    """The ids that `dead-letter list` shows."""
    from trunkline.ledger.index import dead_letters

    with open_to_read(home, 0) as opened:
        return dict.fromkeys(letter.payload_hash[:12] for letter in dead_letters(opened.warehouse))


@_quiet
def batch_ids(home: Path | None) -> Iterable[str]:
    """The batches in the ledger, latest first."""
    with open_to_read(home, 0) as opened:
        rows = opened.warehouse.query("SELECT batch_id FROM ledger.batch ORDER BY merged_at DESC LIMIT 100")
        return [str(batch) for (batch,) in rows]
