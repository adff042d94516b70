"""`trunkline up`: all schedules, streams and the wallboard of a home, in one process group on one machine."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline import clock
from trunkline.cli import output
from trunkline.cli.shared import Home, load_objects
from trunkline.errors import UsageError
from trunkline.limits import UP_KILL_S, UP_STOP_S, UP_TURN_S
from trunkline.settings.installation import Settings

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.run.supervisor import Program, Supervisor

_TICK_S = 0.2
_COMMAND = (sys.executable, "-c", "from trunkline.cli.main import main; main()")


def up(
    home: Home = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the wallboard.")] = 8080,
    wallboard: Annotated[bool, typer.Option(help="Serve the wallboard.")] = True,
    turn_s: Annotated[
        float, typer.Option("--turn", min=1, help="Seconds for which a stream is followed before others have a turn.")
    ] = UP_TURN_S,
) -> None:
    """Run everything of a home until Ctrl-C: objects on their schedules, streams, and the wallboard.

    Objects with a source (`run_sources`, or one of their own) and contact_record with `connect_instances` are run at
    the firings of their schedules, and at once for windows that were missed. Streams are those of `up_streams`. One
    process owns a home, so runs and streams take turns. What fails is started again after a pause that grows, and stops
    nothing else. `trunkline runs list` has the history. examples/trunkline.service is a unit for systemd.

    Example: trunkline up --home ./my-centre
    """
    from trunkline.pipelines.run.supervisor import Clocks, Supervisor

    settings = Settings.load(home)
    programs = _programs(settings, load_objects(home), turn_s, port if wallboard else None)
    supervisor = Supervisor(programs, _start, output.note, Clocks(clock.now, clock.monotonic_s))
    output.note(f"Running {', '.join(program.name for program in programs)}. Stop with Ctrl-C.")
    with _signals() as is_stopped:
        while not is_stopped():
            supervisor.tick()
            time.sleep(_TICK_S)
    _stop(supervisor)
    output.note("Everything has stopped; nothing is lost: trunkline up goes on from here.")


def _programs(settings: Settings, objects: Mapping[str, Object], turn_s: float, port: int | None) -> list[Program]:
    """What there is to run. Raises UsageError where that is nothing."""
    from importlib.util import find_spec

    from trunkline.objects.catalogue import find
    from trunkline.pipelines.run.due import schedule_of
    from trunkline.pipelines.run.inputs import InputOptions, check_input, runnable
    from trunkline.pipelines.run.supervisor import Program

    place = ("--home", str(settings.home))
    programs = []
    words: tuple[str, ...]
    for obj in runnable(settings, objects.values()):
        check_input(settings, obj, InputOptions())
        words = ("run", obj.name, "--started-by", "schedule", *place)
        programs.append(Program(f"run {obj.name}", words, writes=True, schedule=schedule_of(settings, obj)))
    for url, names in settings.up_streams.items():
        followed = [find(name.strip(), objects).name for name in names.split("+")]
        words = ("stream", *followed, "--from", url, "--for", f"{turn_s:g}", *place)
        programs.append(Program(f"stream {url}", words, writes=True))
    if not programs:
        raise UsageError(
            "there is nothing to run: name sources of objects in run_sources, streams in up_streams, or Connect "
            f"instances in connect_instances, in {settings.home}/trunkline.toml"
        )
    if port is not None and find_spec("nicegui") is not None:
        programs.append(Program("the wallboard", ("serve", "--port", str(port), *place)))
    return programs


def _start(program: Program) -> subprocess.Popen[bytes]:
    """In our own process group, so that Ctrl-C reaches it as well."""
    return subprocess.Popen([*_COMMAND, *program.words], stdin=subprocess.DEVNULL)


@contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """Whether someone wants the end: Ctrl-C, or SIGTERM as systemd sends it."""
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda signum, _: received.append(signum))
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(supervisor: Supervisor) -> None:
    """Wait for the programs, which Ctrl-C has reached too; interrupt those that go on, and in the end kill them."""
    children = [child for _, child in supervisor.running if isinstance(child, subprocess.Popen)]
    for number, wait_s in ((None, 1.0), (signal.SIGINT, UP_STOP_S), (signal.SIGTERM, UP_KILL_S), (signal.SIGKILL, 5.0)):
        until_s = clock.monotonic_s() + wait_s
        for child in children:
            if number is not None and child.poll() is None:
                child.send_signal(number)
        while clock.monotonic_s() < until_s and any(child.poll() is None for child in children):
            time.sleep(_TICK_S)
