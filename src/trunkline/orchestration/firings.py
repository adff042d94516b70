"""Schedules of EventBridge, and what their firings start: one execution for each window, by its name.

A schedule of EventBridge Scheduler has a zone; a rule, as the mission's document has it, is in UTC. Both call the
function `start_run`, since neither can name an execution. What cannot be delivered goes to a dead-letter queue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trunkline import clock
from trunkline.aws.errors import translate_errors
from trunkline.errors import UsageError
from trunkline.limits import (
    COLLECT_ZONE,
    EXECUTION_NAME_CHARS_MAX,
    FIRING_RETRIES,
    FIRING_RETRY_S,
    RUN_SCHEDULE,
)
from trunkline.objects import catalogue
from trunkline.objects.model import Object
from trunkline.orchestration.all_objects import ALL_OBJECTS_NAME, all_objects_machine, arn_variable
from trunkline.orchestration.backfill import backfill_machine
from trunkline.orchestration.machine import machine_name, object_machine
from trunkline.pipelines.home import user_object_files
from trunkline.pipelines.run.due import is_collected, schedule_of
from trunkline.schedules.schedule import Schedule, make_schedule
from trunkline.schedules.windows import window_at
from trunkline.settings.installation import Settings

ALL_OBJECTS: Final = "all"
ALL_OBJECTS_SCHEDULE: Final = "cron(30 3 * * ? *)"
"""At night, when the centre's day is over."""
# What Scheduler puts there is the time of the firing, which is the same when it comes twice.
_SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
_EVENT_TIME: Final = "$.time"


def execution_name(object_name: str, window_end: datetime, number: int = 1) -> str:
    """The name of the execution for an object's window that ends then. A repeated one has a number of its own.

    Raises UsageError for a name that is longer than Step Functions allows.

    >>> execution_name("contact_record", datetime(2026, 3, 2, 14, tzinfo=UTC))
    'contact_record-20260302T140000Z'
    """
    name = f"{object_name}-{window_end.astimezone(UTC):%Y%m%dT%H%M%SZ}" + (f"-{number}" if number > 1 else "")
    if len(name) > EXECUTION_NAME_CHARS_MAX:
        raise UsageError(
            f"the name {name!r} is longer than the {EXECUTION_NAME_CHARS_MAX} characters of an execution's"
        )
    return name


def window_end_of(schedule: Schedule, fired_at: datetime) -> datetime:
    """The end of the last window that a firing at this time is for."""
    return window_at(fired_at - schedule.delay, schedule).start


def start_execution(event: Mapping[str, Any], settings: Settings, client: Any) -> dict[str, Any]:
    """Start the execution that a firing is for: `execution`, `name`, and `was_over`.

    `event` has `object` (a name, or `all`), `state_machine` (its ARN) and `time` (of the firing, ISO; now without one).
    A firing that comes twice finds the first's execution; `was_over` says that it had ended by then. Where it had
    failed, its windows stay due, and the next firing or a redrive does them. With `number` above 1 another execution is
    started for the same window. Raises UsageError for an event that lacks something.
    """
    missing = [name for name in ("object", "state_machine") if not event.get(name)]
    if missing:
        raise UsageError(f"the event has no {' and no '.join(missing)}; valid is the input of a generated schedule")
    name = _name_of(event, settings)
    machine = str(event["state_machine"])
    with translate_errors("stepfunctions", machine):
        try:
            answer = client.start_execution(stateMachineArn=machine, name=name, input="{}")
        except client.exceptions.ExecutionAlreadyExists:
            arn = machine.replace(":stateMachine:", ":execution:") + f":{name}"
            return {"execution": arn, "name": name, "was_over": True}
    return {"execution": answer["executionArn"], "name": name, "was_over": False}


def _name_of(event: Mapping[str, Any], settings: Settings) -> str:
    try:
        fired_at = datetime.fromisoformat(str(event["time"])) if event.get("time") else clock.now()
        number = int(event.get("number") or 1)
    except ValueError as error:
        raise UsageError(
            f"the event's time or number is not valid ({error}); valid are ISO 8601 and a number"
        ) from None
    fired_at = fired_at if fired_at.tzinfo else fired_at.replace(tzinfo=UTC)
    if event["object"] == ALL_OBJECTS:
        schedule = make_schedule(ALL_OBJECTS_SCHEDULE, COLLECT_ZONE)
        return execution_name("all-objects", window_end_of(schedule, fired_at), number)
    obj = catalogue.find(str(event["object"]), catalogue.load(user_object_files(settings)))
    return execution_name(obj.name, window_end_of(schedule_of(settings, obj), fired_at), number)


def definitions(objects: Iterable[Object], settings: Settings | None = None) -> Iterator[tuple[str, Any]]:
    """File name and content of each state machine: one an object, all objects, a backfill; and of what starts them.

    The schedules are those of `settings`, by default the default ones.
    """
    every = list(objects)
    for obj in every:
        yield f"{obj.name}.asl.json", object_machine(obj)
    yield "all_objects.asl.json", all_objects_machine(every)
    yield "backfill.asl.json", backfill_machine()
    yield "schedules.json", schedules(every, settings)
    yield "rules.json", rules(every, settings)


def schedules(objects: Iterable[Object], settings: Settings | None = None) -> list[dict[str, Any]]:
    """Schedules of EventBridge Scheduler in a zone, as CreateSchedule takes them: one per object, one for all.

    The one for all is enabled, and so is the collector's; an object's own is there to be enabled instead.
    """
    settings = settings or Settings.load(environ={})
    made = [_schedule(ALL_OBJECTS_NAME, ALL_OBJECTS, "AllObjectsStateMachineArn", ALL_OBJECTS_SCHEDULE, COLLECT_ZONE)]
    for obj in objects:
        is_collector = is_collected(settings, obj)
        zone = settings.collect_zone if is_collector else settings.run_zone
        expression = _expression(settings, obj)
        made.append(
            _schedule(machine_name(obj), obj.name, arn_variable(obj), expression, zone, is_enabled=is_collector)
        )
    return made


def _schedule(
    name: str, object_name: str, machine: str, expression: str, zone: str, is_enabled: bool = True
) -> dict[str, Any]:
    firing = {"object": object_name, "state_machine": f"${{{machine}}}", "time": _SCHEDULED_TIME}
    return {
        "Name": name,
        "Description": f"Runs {object_name} in windows of this schedule; a firing twice is once.",
        "ScheduleExpression": expression,
        "ScheduleExpressionTimezone": zone,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED" if is_enabled else "DISABLED",
        "Target": {
            "Arn": "${StartRunFunctionArn}",
            "RoleArn": "${SchedulerRoleArn}",
            "Input": json.dumps(firing),
            "RetryPolicy": {"MaximumEventAgeInSeconds": FIRING_RETRY_S, "MaximumRetryAttempts": FIRING_RETRIES},
            "DeadLetterConfig": {"Arn": "${FiringsDeadLetterQueueArn}"},
        },
    }


def _expression(settings: Settings, obj: Object) -> str:
    if is_collected(settings, obj):
        return settings.collect_schedule
    return settings.run_schedules.get(obj.name, RUN_SCHEDULE)


def rules(objects: Iterable[Object], settings: Settings | None = None) -> list[dict[str, Any]]:
    """Plain rules of EventBridge, in UTC, as PutRule and PutTargets take them, for who has no Scheduler."""
    settings = settings or Settings.load(environ={})
    return [_rule(obj, _expression(settings, obj)) for obj in objects]


def _rule(obj: Object, expression: str) -> dict[str, Any]:
    machine = f"${{{arn_variable(obj)}}}"
    return {
        "Rule": {
            "Name": machine_name(obj),
            "Description": f"Runs {obj.name} in windows of this schedule, which is in UTC.",
            "ScheduleExpression": expression,
            "State": "DISABLED",
        },
        "Target": {
            "Id": "start-run",
            "Arn": "${StartRunFunctionArn}",
            "InputTransformer": {
                "InputPathsMap": {"time": _EVENT_TIME},
                "InputTemplate": f'{{"object": "{obj.name}", "state_machine": "{machine}", "time": <time>}}',
            },
            "RetryPolicy": {"MaximumEventAgeInSeconds": FIRING_RETRY_S, "MaximumRetryAttempts": FIRING_RETRIES},
            "DeadLetterConfig": {"Arn": "${FiringsDeadLetterQueueArn}"},
        },
    }
