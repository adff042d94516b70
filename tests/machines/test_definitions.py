"""What is generated: valid by a published validator, and by AWS's own model of the calls that it makes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator

from trunkline.errors import UsageError
from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.firings import execution_name, rules, schedules, window_end_of
from trunkline.schedules.schedule import make_schedule

FOLDER = Path(__file__).parents[2] / "state_machines"
MACHINES = sorted(path.name for path in FOLDER.glob("*.asl.json"))
BYTES_MAX = 1_000_000
INVOKE = "arn:aws:states:::lambda:invoke"
START = "arn:aws:states:::states:startExecution.sync:2"


def states_of(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"])


def model(service: str) -> Any:
    return botocore.session.Session().get_service_model(service)


def problems(value: dict[str, Any], shape: Any) -> list[str]:
    """What the service would refuse: unknown, missing and ill-typed members, enums, patterns and lengths."""
    found = [ParamValidator().validate(value, shape).generate_report()]
    return [text for text in [*found, *_walk(value, shape, "")] if text]


def _walk(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, item in value.items():
            if name not in shape.members:  # type: ignore[attr-defined]
                yield f"{path}.{name} is unknown"
            else:
                yield from _walk(item, shape.members[name], f"{path}.{name}")  # type: ignore[attr-defined]
    elif shape.type_name == "string" and "${" not in value:
        allowed, pattern = getattr(shape, "enum", []), shape.metadata.get("pattern")
        if allowed and value not in allowed:
            yield f"{path} is {value!r}"
        if pattern and not re.fullmatch(pattern, value):
            yield f"{path} is {value!r}, which {pattern} does not match"
        if len(value) > shape.metadata.get("max", len(value)):
            yield f"{path} is too long"


def test_the_walk_sees_mistakes() -> None:
    """Wrong case, unknown members, and values that are none of the enum."""
    shape = model("scheduler").operation_model("CreateSchedule").input_shape
    good = schedules([OBJECTS["call"]])[0]
    assert problems(good, shape) == []
    assert problems(good | {"state": "ENABLED"}, shape)
    assert problems(good | {"State": "ON"}, shape)
    assert problems(good | {"Name": "with a space"}, shape)


@pytest.mark.parametrize("name", MACHINES)
def test_calls_have_the_parameters_that_services_take(name: str) -> None:
    """Each SDK parameter by botocore's model; names of states within 80 characters; the definition within 1 MB."""
    text = (FOLDER / name).read_text()
    assert len(text.encode()) < BYTES_MAX
    tasks = 0
    for state_name, state in states_of(json.loads(text)):
        assert len(state_name) <= 80
        if state["Type"] != "Task":
            continue
        tasks += 1
        given = {key.removesuffix(".$") for key in state["Parameters"]}
        service, operation = {INVOKE: ("lambda", "Invoke"), START: ("stepfunctions", "StartExecution")}[
            state["Resource"]
        ]
        members = model(service).operation_model(operation).input_shape.members
        # Step Functions writes every name with a capital.
        assert given <= {member[:1].upper() + member[1:] for member in members}
    assert tasks >= 2


@pytest.mark.parametrize("name", MACHINES)
def test_states_all_comes_alone_and_last(name: str) -> None:
    """What the published validator does not look for."""
    for _, state in states_of(json.loads((FOLDER / name).read_text())):
        for rule in ("Retry", "Catch"):
            for number, entry in enumerate(state.get(rule, [])):
                if "States.ALL" in entry["ErrorEquals"]:
                    assert entry["ErrorEquals"] == ["States.ALL"]
                    assert number == len(state[rule]) - 1
        assert state["Type"] != "Fail", "a redrive would only fail again"


def test_a_published_validator_accepts_every_definition(tmp_path: Path) -> None:
    """asl-validator, where Node is and npm can install it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    cached = FOLDER.parent / ".pytest_cache" / "asl-validator"
    program = cached / "node_modules" / ".bin" / "asl-validator"
    if not program.exists():
        cached.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(Path(__file__).parent / "validator" / name, cached / name)
        made = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund"], cwd=cached, capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.skip(f"npm cannot install asl-validator: {made.stderr.strip().splitlines()[-1:]}")
    paths = [option for name in MACHINES for option in ("--json-path", str(FOLDER / name))]
    checked = subprocess.run([str(program), *paths], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    broken = json.loads((FOLDER / "call.asl.json").read_text())
    broken["StartAt"] = "Nowhere"
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    refused = subprocess.run(
        [str(program), "--json-path", str(tmp_path / "broken.json")], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0


def test_schedules_are_what_the_scheduler_takes() -> None:
    """In a zone, with retries and a dead-letter queue; the collector's as the mission has it."""
    made = schedules(OBJECTS.values())
    shape = model("scheduler").operation_model("CreateSchedule").input_shape
    assert [text for schedule in made for text in problems(schedule, shape)] == []
    by_name = {schedule["Name"]: schedule for schedule in made}
    assert len(by_name) == len(OBJECTS) + 1
    collector = by_name["trunkline-contact-record"]
    assert collector["ScheduleExpression"] == "cron(40 0/2 * * ? *)"
    assert collector["ScheduleExpressionTimezone"] == "America/New_York"
    assert json.loads(collector["Target"]["Input"]) == {
        "object": "contact_record", "state_machine": "${ContactRecordStateMachineArn}",
        "time": "<aws.scheduler.scheduled-time>",
    }  # fmt: skip
    assert all(schedule["Target"]["DeadLetterConfig"]["Arn"] for schedule in made)
    enabled = {name for name, schedule in by_name.items() if schedule["State"] == "ENABLED"}
    assert enabled == {"trunkline-contact-record", "trunkline-all-objects"}


def test_rules_are_what_eventbridge_takes() -> None:
    """Plain rules, in UTC, as the mission's document has them."""
    put_rule = model("events").operation_model("PutRule").input_shape
    target = model("events").operation_model("PutTargets").input_shape.members["Targets"].member
    made = rules(OBJECTS.values())
    assert [text for rule in made for text in problems(rule["Rule"], put_rule)] == []
    assert [text for rule in made for text in problems(rule["Target"], target)] == []
    assert made[0]["Rule"]["ScheduleExpression"] == "cron(40 0/2 * * ? *)"
    filled = made[0]["Target"]["InputTransformer"]["InputTemplate"].replace("<time>", '"2026-03-02T14:40:00Z"')
    assert json.loads(filled)["time"] == "2026-03-02T14:40:00Z"


def test_a_firing_has_one_name_however_late_it_comes() -> None:
    """The name is the window's; across the days on which clocks change no two windows have the same."""
    schedule = make_schedule("cron(40 0/2 * * ? *)", "America/New_York")
    fired = datetime(2026, 3, 2, 15, 40, tzinfo=UTC)
    names = {
        execution_name("contact_record", window_end_of(schedule, fired + timedelta(seconds=late)))
        for late in (0, 9, 3_600)
    }
    assert names == {"contact_record-20260302T150000Z"}
    for day in (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)):
        minutes = [day + timedelta(minutes=number) for number in range(0, 3 * 1440, 5)]
        ends = [window_end_of(schedule, minute) for minute in minutes]
        assert ends == sorted(ends)
        assert len({execution_name("x", end) for end in ends}) == len(set(ends))
    with pytest.raises(UsageError, match="80 characters"):
        execution_name("x" * 70, fired)
