from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import trunkline
from trunkline.cli import output
from trunkline.cli.main import NOUNS, VERBS, build, run
from trunkline.cli.output import Format
from trunkline.cli.shared import Home, Output
from trunkline.errors import RecordError, TerminalError, TransientError, UsageError

SRC = str(Path(trunkline.__file__).parents[1])


def with_command(body: Callable[[], None]) -> typer.Typer:
    return build({"work": lambda: body()}, {})


def raising(error: BaseException) -> typer.Typer:
    def body() -> None:
        raise error

    return with_command(body)


def in_process_of_its_own(program: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": SRC, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False, **options
    )


def test_a_command_that_is_done_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Its data on standard output, nothing else."""
    assert run(["work"], with_command(lambda: output.text("data"))) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("data\n", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransientError("the bucket is busy; run again"), 1),
        (TerminalError("the bucket is gone"), 1),
        (RecordError("invalid_json", "not JSON"), 1),
        (UsageError("no object is called x"), 2),
    ],
)
def test_our_errors_are_one_message(error: Exception, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The message alone, on standard error, and the exit code says whose fault it is."""
    assert run(["work"], raising(error)) == code
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"trunkline: {error}\n")


def test_an_unexpected_error_shows_no_traceback_and_no_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's error may quote a record; who wants it asks for it."""
    app = raising(ValueError("bad value +15550100123"))
    assert run(["work"], app) == 1
    said = capsys.readouterr().err
    assert "unexpected ValueError" in said
    assert "TRUNKLINE_DEBUG=1" in said
    assert "Traceback" not in said
    assert "5550100" not in said
    monkeypatch.setenv("TRUNKLINE_DEBUG", "1")
    assert run(["work"], app) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["--nope"], ["nope"], ["work", "extra"], ["work", "--output", "xml"]])
def test_wrong_usage_exits_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown commands, options, arguments and choices."""
    assert run(args, with_command(lambda: None)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: trunkline" in captured.err


def test_a_commands_own_exit_code_is_kept() -> None:
    """`--strict` and the like exit 1 without being an error."""
    assert run(["work"], raising(typer.Exit(1))) == 1


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The package's own."""
    assert run([flag]) == 0
    assert capsys.readouterr().out == f"trunkline {trunkline.__version__}\n"


@pytest.mark.parametrize("words", [[], ["load"], ["metric"], ["metric", "query"]])
def test_help_has_a_short_name(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """-h is --help, of every command."""
    assert run([*words, "-h"]) == 0
    short = capsys.readouterr().out
    assert run([*words, "--help"]) == 0
    assert capsys.readouterr().out == short
    assert short.startswith("Usage: trunkline")


def listening() -> None:
    """A shell that starts the tests in the background makes them and their children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_interrupt_says_how_to_go_on() -> None:
    """Ctrl-C in a command: one line, exit 130."""
    program = (
        "import sys, time\n"
        "from trunkline.cli.main import build, run\n"
        "def work():\n    print('ready', flush=True)\n    time.sleep(30)\n"
        "sys.exit(run(['work'], build({'work': work}, {})))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": SRC}, preexec_fn=listening,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert said.strip() == "stopped; run the same command again to resume"


def test_a_closed_pipe_is_no_error() -> None:
    """`trunkline ... | head -1` prints its line and nothing about a broken pipe, and exits 0."""
    program = (
        "import sys\nfrom trunkline.cli import output\nfrom trunkline.cli.main import build, run\n"
        "def work(): output.rows(['n'], ([n] for n in range(1_000_000)), output.Format.CSV)\n"
        "sys.exit(run(['work'], build({'work': work}, {})))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": SRC},
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == "n\n"
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == 0


def test_a_terminal_of_few_characters_is_no_error() -> None:
    """What cannot be shown is escaped."""
    program = (
        "import sys\nfrom trunkline.cli import main, output\n"
        "main.run = lambda args: output.text('Zoë') or 0\n"
        "main.main()"
    )
    done = in_process_of_its_own(program, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, "Zo\\xeb\n")


def test_shared_options_reach_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """--home and --output are spelled once and mean the same everywhere."""

    def show(home: Home = None, output_format: Output = Format.TABLE) -> None:
        output.record({"home": str(home)}, output_format)

    app = build({"show": show, "other": show}, {})
    assert run(["show", "--home", "there", "--output", "json"], app) == 0
    assert run(["show"], app) == 0
    assert capsys.readouterr().out == '{"home":"there"}\nhome  None\n'


def test_help_imports_nothing_heavy() -> None:
    """Help answers at once, because of what it does not import."""
    program = (
        "import sys\nfrom trunkline.cli.main import run\ncode = run(['--help'])\n"
        "heavy = {'duckdb', 'boto3', 'sqlglot', 'simpy', 'rich', 'pyarrow', 'asyncio'} & set(sys.modules)\n"
        "sys.stderr.write(','.join(sorted(heavy)))\nsys.exit(code)"
    )
    done = in_process_of_its_own(program)
    assert (done.returncode, done.stderr) == (0, "")


def commands(app: typer.Typer) -> Iterator[tuple[str, str]]:
    """Every command's full name and what its --help prints, the root's and the nouns' included."""

    def walk(command: Any, name: str) -> Iterator[tuple[str, str]]:
        context = command.make_context(name, [], resilient_parsing=True)
        yield name, command.get_help(context)
        for word, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{name} {word}")

    return walk(typer.main.get_command(app), "trunkline")


def without_example(app: typer.Typer) -> list[str]:
    """Names of leaf commands (and the root) whose help does not end with an example of that very command."""
    listed = list(commands(app))
    faults = []
    for name, shown in listed:
        is_leaf = not any(other.startswith(name + " ") for other, _ in listed)
        last = shown.rstrip().split("\n\n")[-1]
        if (is_leaf or name == "trunkline") and not (last.lstrip().startswith("Example") and name in last):
            faults.append(name)
    return faults


def test_every_commands_help_ends_with_an_example() -> None:
    """A person copies a line and changes it."""
    assert without_example(build()) == []


def test_a_command_without_example_is_found() -> None:
    """The walk sees verbs and nouns' commands."""

    def good() -> None:
        """Does it."""

    noun = typer.Typer()
    noun.command("bad")(good)
    noun.command("fine", epilog="Example: trunkline lake fine --all")(good)
    assert without_example(build({"run": good}, {"lake": noun})) == ["trunkline run", "trunkline lake bad"]


def test_no_command_is_named_twice() -> None:
    """A noun would hide a verb of the same name."""
    assert set(VERBS) & set(NOUNS) == set()
