"""The command `trunkline`: the list of commands, and how errors are reported.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
Modules named here import nothing heavy at their top: `trunkline --help` imports them all.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from trunkline.cli import output
from trunkline.cli.check import dead_letter, ledger
from trunkline.cli.check.reconcile import reconcile
from trunkline.cli.check.shadow import shadow
from trunkline.cli.ingest.collect import collect
from trunkline.cli.ingest.dynamodb import backfill, enable_stream
from trunkline.cli.ingest.load import enrich, load, undo
from trunkline.cli.ingest.simulate import demo, simulate
from trunkline.cli.ingest.stream import stream
from trunkline.cli.operate import deploy, release, storage
from trunkline.cli.operate import run as run_commands
from trunkline.cli.operate.run import run as run_object
from trunkline.cli.operate.serve import alert_rules, dashboards, serve
from trunkline.cli.operate.storage import doctor
from trunkline.cli.operate.up import up
from trunkline.cli.query import objects
from trunkline.cli.query.sql import app as metric_app
from trunkline.cli.query.sql import report, sql
from trunkline.errors import TrunklineError, UsageError
from trunkline.settings.installation import is_debug
from trunkline.version import __version__

# Every command, in the order that help shows. A verb is one function; a noun is an app of its own.
VERBS: Final[Mapping[str, Callable[..., None]]] = {
    "demo": demo,
    "simulate": simulate,
    "load": load,
    "undo": undo,
    "collect": collect,
    "run": run_object,
    "up": up,
    "reconcile": reconcile,
    "shadow": shadow,
    "enrich": enrich,
    "stream": stream,
    "enable-stream": enable_stream,
    "backfill": backfill,
    "sql": sql,
    "report": report,
    "serve": serve,
    "alert-rules": alert_rules,
    "dashboards": dashboards,
    "doctor": doctor,
}
NOUNS: Final[Mapping[str, typer.Typer]] = {
    "object": objects.app,
    "metric": metric_app,
    "runs": run_commands.app,
    "ledger": ledger.app,
    "dead-letter": dead_letter.app,
    "warehouse": storage.warehouse_app,
    "lake": storage.lake_app,
    "release": release.app,
    "deploy": deploy.app,
}

_HELP: Final = """Amazon Connect's contacts, complete: lake, warehouse and reports, on one machine or on AWS.

Data goes to standard output, progress to standard error; exit 0 done, 1 failed, 2 wrong usage.
"""
_EPILOG: Final = "Example: trunkline --version"


def _print_version(is_given: bool) -> None:
    if is_given:
        output.text(f"trunkline {__version__}")
        raise typer.Exit


def build(verbs: Mapping[str, Callable[..., None]] = VERBS, nouns: Mapping[str, typer.Typer] = NOUNS) -> typer.Typer:
    """The whole command line. Plain help, not rich's: it starts faster and reads the same in a pipe."""
    app = typer.Typer(
        help=_HELP,
        epilog=_EPILOG,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: Annotated[
            bool,
            typer.Option("--version", "-V", help="Show the version.", callback=_print_version, is_eager=True),
        ] = False,
    ) -> None:
        del version  # acted on by its callback

    for name, function in verbs.items():
        text, example = _help_and_example(function)
        app.command(name, help=text, epilog=example)(function)
    for name, noun in nouns.items():
        for command in noun.registered_commands:
            if command.callback is not None and command.epilog is None:
                command.help, command.epilog = _help_and_example(command.callback)
        app.add_typer(noun, name=name)
    return app


def _help_and_example(function: Callable[..., object]) -> tuple[str, str | None]:
    """A docstring's text, and its last paragraph where that is an example: help shows it below the options."""
    text = inspect.getdoc(function) or ""
    head, _, last = text.rpartition("\n\n")
    return (head, last) if last.startswith("Example") else (text, None)


def run(args: Sequence[str], app: Callable[..., Any] | None = None) -> int:
    """Runs one command line and returns its exit code. Every error becomes a message here, and only here."""
    command = app or build()
    try:
        command(args=list(args), prog_name="trunkline")
        sys.stdout.flush()
    except SystemExit as stop:
        return _code_of(stop)
    except UsageError as error:
        output.failure(str(error))
        return 2
    except TrunklineError as error:
        output.failure(str(error))
        return 1
    except KeyboardInterrupt:
        return _stopped()
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        return _system_error(error)
    except Exception as error:  # noqa: BLE001 - the boundary: a person gets a sentence, TRUNKLINE_DEBUG=1 the traceback
        return _unexpected(error)
    return 0


def main() -> None:
    """Entry point of the installed command."""
    for standard in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its escape instead of an error.
        standard.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _code_of(stop: SystemExit) -> int:
    code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if code == 130:  # typer turns Ctrl-C into this code without a word
        return _stopped()
    if isinstance(stop.__context__, BrokenPipeError):  # which typer turns into exit code 1
        return _pipe_closed()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    return code


def _stopped() -> int:
    output.note("\nstopped; run the same command again to resume")
    return 130


def _pipe_closed() -> int:
    """The reader of the pipe (such as `head`) has closed it. Python's flush at exit must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _system_error(error: OSError) -> int:
    """An error of the operating system, with its file: full disk, no permission, name too long."""
    if is_debug():
        return _unexpected(error)
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    output.failure(
        f"{where}{error.strerror or type(error).__name__}. Correct that, or name another place, then run the same "
        "command again: nothing is lost"
    )
    return 1


def _unexpected(error: Exception) -> int:
    """The type alone: the text of a library's error may hold a customer's data."""
    if is_debug():
        import traceback

        output.note("".join(traceback.format_exception(error)).rstrip())
        return 1
    output.failure(
        f"unexpected {type(error).__name__}, a bug in Trunkline. Run the same command with TRUNKLINE_DEBUG=1 "
        "for the traceback, and check it for personal data before you share it."
    )
    return 1
