"""What the functions of a state machine share: settings and secrets read once, the open home, errors by a few names.

A state machine sees an error's class and message. So the classes are few (TransientError and LockedError are retried,
TerminalError, UsageError and UnexpectedError are not), no message holds a secret, and an error that is not ours is
reported by its type alone.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from trunkline import clock
from trunkline.aws.secrets import resolve_secrets
from trunkline.errors import (
    LockedError,
    RunFailedError,
    TerminalError,
    TransientError,
    TrunklineError,
    UnexpectedError,
    UsageError,
)
from trunkline.lake import layout
from trunkline.lake.store import open_store
from trunkline.ledger import runs
from trunkline.limits import LAMBDA_MARGIN_S, RUN_ERROR_CHARS_MAX
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home, LakeHome, open_home, user_object_files
from trunkline.pipelines.run.history import begun_run, failed, put_lake_record, unbegun_record
from trunkline.pipelines.run.notify import Publish, notify_of_run
from trunkline.pipelines.run.scrub import describe_error, scrub
from trunkline.settings.installation import Settings

_STAGE_FIELDS: Final = ("object", "run_id", "execution")


@cache
def function_settings() -> Settings:
    """The settings of the function's variables, secrets read where they are stored.

    Read once for all invocations of a warm function. Raises UsageError for a setting that is not valid.
    """
    return resolve_secrets(Settings.for_function(Path(tempfile.mkdtemp(prefix="trunkline-"))))


def left(context: Any) -> Callable[[], bool]:
    """Whether the function's time is nearly over, asked again and again. Without a context, as by hand, it never is."""
    if context is None:
        return lambda: False
    ends_s = clock.monotonic_s() + context.get_remaining_time_in_millis() / 1000 - LAMBDA_MARGIN_S
    return lambda: clock.monotonic_s() >= ends_s


def call_stage(event: Mapping[str, Any], work: Callable[[Home, Object], dict[str, Any]]) -> dict[str, Any]:
    """Open the home and do a stage's work on the event's object.

    Raises one of the classes that state machines know: LockedError, TransientError, TerminalError, UsageError or
    UnexpectedError.
    """
    try:
        with open_home(function_settings()) as home:
            return work(home, catalogue.find(str(event.get("object")), home.objects))
    except Exception as error:  # noqa: BLE001 - the boundary: what leaves is one of ours, without secrets
        raise public_error(error, _known_secrets()) from None


def public_error(error: Exception, secrets: frozenset[str] = frozenset()) -> TrunklineError:
    """The error as a state machine may see it: one of its classes, with a text that holds no secret."""
    if isinstance(error, LockedError):
        return LockedError(error.what, scrub(error.holder, secrets), error.is_read)
    text = describe_error(error, secrets)
    for known in (RunFailedError, TransientError, UsageError, UnexpectedError, TerminalError):
        if isinstance(error, known):
            return known(text)
    return TerminalError(text) if isinstance(error, TrunklineError) else UnexpectedError(text)


def _known_secrets() -> frozenset[str]:
    try:
        return function_settings().secrets
    except TrunklineError:
        return frozenset()


def record_failure(event: Mapping[str, Any], publish: Publish | None = None) -> dict[str, Any]:
    """End the event's run as failed, in the lake alone where the warehouse cannot be reached, and then raise.

    `redrive` is the execution's count of redrives now, `begun_at_redrive` that at its start: where they differ, the
    execution was redriven since the failure, so nothing is raised and the machine begins anew. Raises RunFailedError.
    """
    if event["redrive"] != event["begun_at_redrive"]:
        return {"is_redriven": True}
    name, cause = str(event["failure"].get("Error", "")), _message(str(event["failure"].get("Cause", "")))
    settings = function_settings()
    error = TerminalError(scrub(f"{name}: {cause}", settings.secrets))
    try:
        with open_home(settings) as home:
            _end_failed(home, event, error, publish)
    except TrunklineError:
        _end_failed_in_lake(settings, event, error)
    raise RunFailedError(f"{event['object']}: {error}")


def _message(cause: str) -> str:
    """The message in what Step Functions gives as the cause of a function's error."""
    match = re.search(r'"errorMessage"\s*:\s*"((?:[^"\\]|\\.)*)"', cause)
    return (match[1].replace('\\"', '"') if match else cause)[:RUN_ERROR_CHARS_MAX]


def _end_failed(home: Home, event: Mapping[str, Any], error: TerminalError, publish: Publish | None) -> None:
    obj = catalogue.find(str(event["object"]), home.objects)
    execution = str(event["execution"])
    if event["run_id"]:
        record = runs.find_run(home.warehouse, str(event["run_id"]))
    else:
        # Where only the answer of `begin` was lost, there is one.
        begun = begun_run(home, obj, execution)
        record = begun or unbegun_record(home.settings, obj, execution, "state machine")
    if record.is_over:
        return
    ended = failed(record, error, str(event["step"]), home.settings.secrets)
    put_lake_record(home.lake, ended)
    runs.put_run(home.warehouse, ended)
    runs.unlock(home.warehouse, obj.name, execution)
    notify_of_run(home, ended, publish)


def _end_failed_in_lake(settings: Settings, event: Mapping[str, Any], error: TerminalError) -> None:
    """End the lake's record of the run alone, where the warehouse does not answer; the next run takes it over."""
    lake = LakeHome(settings, open_store(settings.lake), settings.home)
    record = None
    for key in lake.store.list(layout.run_prefix(str(event["object"]))):
        if event["run_id"] and layout.id_of(key) == event["run_id"]:
            record = runs.decode_run(lake.store.require_bytes(key))
    if record is None:
        obj = catalogue.find(str(event["object"]), catalogue.load(user_object_files(settings)))
        record = unbegun_record(settings, obj, str(event["execution"]), "state machine")
    if not record.is_over:
        put_lake_record(lake, failed(record, error, str(event["step"]), settings.secrets))


def summarize(event: Mapping[str, Any]) -> dict[str, Any]:
    """What the machine of all objects ends with: the objects that succeeded. Raises RunFailedError naming the others.

    After a redrive it does not raise: the machine begins anew, and objects that have nothing due end at once.
    """
    if event["redrive"] != event["begun_at_redrive"]:
        return {"is_redriven": True}
    results = [result for group in event["results"] for result in group]
    failures = [f"{result['object']} ({result.get('error', 'unknown')})" for result in results if result["is_failed"]]
    if failures:
        raise RunFailedError(f"{len(failures)} of {len(results)} objects failed: {', '.join(failures)}")
    return {"is_redriven": False, "succeeded": [result["object"] for result in results]}


def stage_event(event: Mapping[str, Any]) -> dict[str, str]:
    """What names the run in a stage's event. Raises UsageError for an event that lacks it."""
    missing = [name for name in _STAGE_FIELDS if not event.get(name)]
    if missing:
        raise UsageError(f"the event has no {', '.join(missing)}; start the state machine, not its function")
    return {name: str(event[name]) for name in _STAGE_FIELDS}
