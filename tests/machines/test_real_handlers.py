"""The state machines in a real interpreter, with the real functions: S3, Secrets Manager and Redshift's Data API emulated.

A failure at any state of any machine is retried, or recorded and isolated; the others finish; a redrive or the next
run completes the work; nothing is doubled, and no secret is seen anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from dynamo_tables import arn, change, event
from homes import NARROW, _catalogue_of, jsonl, narrow
from redshift_home import URL, Redshift, make_database, redshift_of
from redshift_merges import warehouse_of
from stage_functions import STAGE_ARNS, STAGE_HANDLERS
from states_interpreter import Interpreter, KilledFunctionError, for_interpreter, interpreting

from trunkline import clock
from trunkline.errors import TerminalError, TransientError
from trunkline.handlers import stream_processor
from trunkline.objects.model import Object
from trunkline.orchestration.all_objects import all_objects_machine, arn_variable
from trunkline.orchestration.backfill import backfill_machine
from trunkline.orchestration.machine import object_machine
from trunkline.pipelines.run import function

TASKS = {"Begin": "Begin", "Extract": "Extract", "Stage": "Stage", "InsertAndMerge": "Load", "Verify": "Verify",
         "Notify": "Notify"}  # fmt: skip
OFTEN = ("Begin", "InsertAndMerge")
"""Where something was done before the failure; `test_machines.py` has every state of every machine."""
KEY = "the-key-that-hashes-numbers"
WIDE = replace(NARROW, name="wide", warehouse_table="connect.d_wide", table="wide")
"""A dimension beside the fact."""


@dataclass
class World:
    """Emulated AWS with a lake, sources, a warehouse, and a state machine of each object."""

    redshift: Redshift
    interpreter: Interpreter
    machines: dict[str, str]
    s3: Any

    def arrive(self, obj: Object, name: str, *ids: str, **changes: Any) -> None:
        body = jsonl([narrow(id_, **changes) for id_ in ids])
        self.s3.put_object(Bucket="arriving", Key=f"{obj.name}/{name}", Body=body)

    def ids(self, obj: Object = NARROW) -> list[str]:
        return [row[0] for row in self.redshift.query(f"SELECT id FROM {obj.warehouse_table} ORDER BY id")]

    def runs(self, columns: str, obj: Object = NARROW) -> list[tuple[Any, ...]]:
        return self.redshift.query(
            f"SELECT {columns} FROM ledger.run WHERE object = '{obj.name}' ORDER BY started_at, run_id"
        )


@pytest.fixture(scope="module")
def server(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "state_machines")) as redshift:
        with warehouse_of(redshift, tmp_path_factory.mktemp("install")) as warehouse:
            warehouse.install([NARROW, WIDE], [])
        yield redshift


@pytest.fixture
def world(server: Redshift, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Everything empty, at one moment; the functions' variables name secrets by their places."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 4, 12, 5, tzinfo=UTC))
    tables = server.query(
        "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('ledger', 'connect')"
    )
    for (table,) in tables:
        if table != "ledger.installation":
            server.query(f"DELETE FROM {table} RETURNING 1")
    server.emulator.forget()
    with ExitStack() as stack:
        stack.enter_context(_catalogue_of([NARROW, WIDE]))
        interpreter = stack.enter_context(interpreting(STAGE_HANDLERS))
        s3 = boto3.client("s3", region_name="us-east-1")
        for bucket in ("arriving", "lake", "staging"):
            s3.create_bucket(Bucket=bucket)
        secrets = boto3.client("secretsmanager", region_name="us-east-1")
        secrets.create_secret(Name="trunkline", SecretString=json.dumps({"pii_key": KEY}))
        for name, value in {
            "ANALYTICS_BUCKET": "lake", "TRUNKLINE_WAREHOUSE": URL, "TRUNKLINE_THREADS": "1",
            "TRUNKLINE_PII_KEY": "secretsmanager:trunkline#pii_key",
            "TRUNKLINE_RUN_SOURCES": "narrow=s3://arriving/narrow/,wide=s3://arriving/wide/",
            "POWERTOOLS_METRICS_DISABLED": "true", "TRUNKLINE_RUN_SCHEDULES": "narrow=rate(1 hour)",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        function.function_settings.cache_clear()
        machines = {
            obj.name: interpreter.create(obj.name, for_interpreter(object_machine(obj), STAGE_ARNS))
            for obj in (NARROW, WIDE)
        }
        yield World(server, interpreter, machines, s3)
        for client in (s3, secrets):
            client.close()
        function.function_settings.cache_clear()


def failing(function_name: str, error: BaseException, times: int = 1, object_name: str | None = None) -> Any:
    left = [times]

    def fail(name: str, event: dict[str, Any]) -> BaseException | None:
        if name != function_name or not left[0] or object_name not in (None, event.get("object")):
            return None
        left[0] -= 1
        return error

    return fail


def test_a_run_from_s3_to_redshift(world: World) -> None:
    """Extract, stage, direct insert, merge, verify, notify; the record has every step; the next firing finds nothing."""
    world.arrive(NARROW, "a.json", "1", "2")
    outcome = world.interpreter.run(world.machines["narrow"])
    assert outcome.status == "SUCCEEDED", outcome.cause
    assert world.ids() == ["1", "2"]
    assert (outcome.output["rows_read"], outcome.output["rows_changed"]) == (2, 2)
    steps = world.redshift.query("SELECT step, step_rows, detail FROM ledger.run_step ORDER BY step_number")
    assert steps == [
        ("extract", 2, None), ("stage", 2, None), ("merge", 2, "insert"), ("verify", 2, None), ("notify", 0, None)
    ]  # fmt: skip
    again = world.interpreter.run(world.machines["narrow"])
    assert again.status == "SUCCEEDED"
    assert again.states[-1] == "NothingDue"
    assert len(world.runs("run_id")) == 1


@pytest.mark.parametrize(
    "state",
    [state if state in OFTEN else pytest.param(state, marks=pytest.mark.soak) for state in TASKS],
)
def test_a_failure_at_any_state(world: World, state: str) -> None:
    """An answer that is lost is asked for again; an error is recorded with its step; a redrive completes the work."""
    lost = failing(TASKS[state], KilledFunctionError("Task timed out"))
    broken = failing(TASKS[state], TerminalError("it is broken: password=hunter2"))
    world.arrive(NARROW, "a.json", "1", "2", "3")
    world.interpreter.lose = lost
    # The first try does its work and its answer is lost; the second one fails.
    world.interpreter.fail = lambda name, event: broken(name, event) if len(calls_of(world, TASKS[state])) > 1 else None
    failed = world.interpreter.run(world.machines["narrow"])
    assert (failed.status, failed.error) == ("FAILED", "RunFailedError")
    assert failed.states[-2:] == [f"{state}Failed", "RecordFailure"]
    is_recorded = state != "Notify"  # whose first try had ended the run
    if is_recorded:
        (recorded,) = world.runs("state, failed_step, error")
        assert recorded[0] == "failed"
        assert recorded[1] == {"InsertAndMerge": "merge"}.get(state, state.lower())
        assert recorded[2] == "TerminalError: it is broken: password=***"
    redriven = world.interpreter.redrive(world.machines["narrow"], failed)
    assert redriven.status == "SUCCEEDED", redriven.cause
    assert world.ids() == ["1", "2", "3"]
    states = [row[0] for row in world.runs("state")]
    assert states == (["failed", "succeeded"] if is_recorded else ["succeeded"])
    assert world.redshift.query("SELECT SUM(inserted), SUM(duplicate) FROM ledger.batch") == [(3, 0)]
    assert_no_secret(world, failed.history, redriven.history)


def calls_of(world: World, name: str) -> list[Any]:
    return [call for call in world.interpreter.calls if call.function == name]


def assert_no_secret(world: World, *texts: str) -> None:
    """Neither in the input and history of executions, nor in records of runs, nor in what the functions got."""
    rows = [
        world.redshift.query(f"SELECT * FROM {table}") for table in ("ledger.run", "ledger.run_step", "ledger.run_lock")
    ]
    keys = world.s3.list_objects_v2(Bucket="lake", Prefix="_ledger/run/").get("Contents", [])
    stored = [world.s3.get_object(Bucket="lake", Key=item["Key"])["Body"].read().decode() for item in keys]
    events = json.dumps([call.event for call in world.interpreter.calls])
    for text in (*texts, str(rows), *stored):
        assert KEY not in text
    for text in (str(rows), *stored):
        assert "hunter2" not in text
    assert KEY not in events


def test_a_load_that_ends_after_its_function_is_done_once(world: World) -> None:
    """COPY by size, and the warehouse fails in the middle of it: the transaction is all or nothing."""
    from redshift_data_emulator import Fault

    world.arrive(NARROW, "a.json", *map(str, range(150)))
    world.redshift.emulator.faults.append(Fault("BatchExecuteStatement", "drop"))
    outcome = world.interpreter.run(world.machines["narrow"])
    assert outcome.status == "SUCCEEDED", outcome.cause
    assert "CopyAndMerge" in outcome.states
    assert len(world.ids()) == 150
    assert world.redshift.query("SELECT detail FROM ledger.run_step WHERE step = 'merge'") == [("copy",)]


def test_one_objects_failure_stops_no_other(world: World) -> None:
    """Dimensions before facts; the machine of all names the one that failed; a redrive runs what is left."""
    for obj in (NARROW, WIDE):
        world.arrive(obj, "a.json", "1")
    arns = {arn_variable(obj): world.machines[obj.name] for obj in (NARROW, WIDE)}
    whole = world.interpreter.create("all", for_interpreter(all_objects_machine([NARROW, WIDE]), STAGE_ARNS | arns))
    world.interpreter.fail = failing("Extract", TerminalError("no access"), 1, "wide")
    failed = world.interpreter.run(whole)
    assert failed.status == "FAILED"
    assert failed.cause is not None
    assert "1 of 2 objects failed: wide (States.TaskFailed)" in failed.cause
    assert (world.ids(), world.ids(WIDE)) == (["1"], [])
    begun = [call.event["object"] for call in calls_of(world, "Begin")]
    assert begun == ["wide", "narrow"]
    redriven = world.interpreter.redrive(whole, failed)
    assert redriven.status == "SUCCEEDED", redriven.cause
    assert (world.ids(), world.ids(WIDE)) == (["1"], ["1"])
    assert [row[0] for row in world.runs("state")] == ["succeeded"]


def test_a_backfill_of_many_files(world: World) -> None:
    """A Distributed Map over a list: each file in a child, one fails once; then one merge. Twice is once."""
    lines = ["Bucket,Key"]
    for number in range(4):
        world.arrive(NARROW, f"year {number}.json", f"id-{number:02}")
        lines.append(f"arriving,narrow/year+{number}.json")
    world.s3.put_object(Bucket="lake", Key="list.csv", Body="\n".join(lines).encode())
    definition = for_interpreter(backfill_machine(), STAGE_ARNS | {"ResultsBucket": "lake"})
    machine = world.interpreter.create("backfill", definition)
    world.interpreter.fail = failing("BackfillFiles", TransientError("slow down"), 2)
    given = {"object": "narrow", "bucket": "lake", "key": "list.csv", "state_machine": world.machines["narrow"]}
    outcome = world.interpreter.run(machine, given)
    assert outcome.status == "SUCCEEDED", outcome.cause
    assert world.ids() == [f"id-{number:02}" for number in range(4)]
    again = world.interpreter.run(machine, given)
    assert again.status == "SUCCEEDED", again.cause
    assert world.redshift.query("SELECT SUM(inserted), SUM(duplicate) FROM ledger.batch") == [(4, 0)]


def test_what_a_function_put_into_the_lake_is_merged_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream's function puts rows into the lake, the machine of their object merges them.

    The merge is done and its answer is lost, the next try fails, and rows arrive again before the redrive.
    """
    monkeypatch.setenv("TRUNKLINE_RUN_SOURCES", "narrow=lake://")
    monkeypatch.setenv("TRUNKLINE_DYNAMODB_TABLES", "numbers=narrow")
    function.function_settings.cache_clear()
    assert deliver("1", "2")["processed"] == 2
    assert world.ids() == []
    world.interpreter.lose = failing("Load", KilledFunctionError("Task timed out"))
    broken = failing("Load", TerminalError("no access"))
    world.interpreter.fail = lambda name, event: broken(name, event) if len(calls_of(world, "Load")) > 1 else None
    failed = world.interpreter.run(world.machines["narrow"])
    assert (failed.status, failed.states[-2:]) == ("FAILED", ["InsertAndMergeFailed", "RecordFailure"])
    assert world.ids() == ["1", "2"]
    assert deliver("1", "2")["processed"] == 2
    assert deliver("3", first=3)["processed"] == 1
    redriven = world.interpreter.redrive(world.machines["narrow"], failed)
    assert redriven.status == "SUCCEEDED", redriven.cause
    assert world.ids() == ["1", "2", "3"]
    assert [row[0] for row in world.runs("state")] == ["failed", "succeeded"]
    assert world.redshift.query("SELECT SUM(inserted), SUM(duplicate) FROM ledger.batch") == [(3, 0)]
    assert_no_secret(world, failed.history, redriven.history)


def deliver(*ids: str, first: int = 1) -> dict[str, Any]:
    """Changes of a DynamoDB table to the function that follows it, in a process of its own; its answer."""
    records = [
        change(number, new=_item(narrow(id_)), stream=arn("numbers"), at=clock.now().timestamp())
        for number, id_ in enumerate(ids, first)
    ]
    stream_processor._processor.cache_clear()
    answer = stream_processor.handler(event(*records), None)
    stream_processor._processor.cache_clear()
    return answer


def _item(record: dict[str, Any]) -> dict[str, Any]:
    """The record's texts as DynamoDB has them."""
    return {name: {"S": value} for name, value in record.items() if isinstance(value, str)}


def test_a_firing_starts_one_execution_for_a_window(world: World) -> None:
    """The same firing twice is one execution; a repeated window gets a name with a number."""
    world.arrive(NARROW, "a.json", "1")
    event = {"object": "narrow", "state_machine": world.machines["narrow"], "time": "2026-03-02T14:00:30Z"}
    first = STAGE_HANDLERS["StartRun"](event, None)
    assert first["name"] == "narrow-20260302T140000Z"
    assert STAGE_HANDLERS["StartRun"](event, None) == first
    wait_for(world, first["execution"])
    assert STAGE_HANDLERS["StartRun"](event, None) == first | {"was_over": True}
    third = STAGE_HANDLERS["StartRun"](event | {"number": 2}, None)
    assert third["name"] == "narrow-20260302T140000Z-2"
    wait_for(world, third["execution"])
    assert world.ids() == ["1"]


def wait_for(world: World, arn: str) -> None:
    import time

    deadline = time.monotonic() + 300
    while world.interpreter.client.describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
