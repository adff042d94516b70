"""What the roles of the state machines' functions allow is what their stages call: no more, and no less.

The stages run one after another as the state machine calls them, from files in S3 and from the Connect API into an
emulated Redshift. Each function's calls are then judged by its own role's statements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_calls import AwsCall, recorded_calls
from connect import MODEL
from function_permissions import ACCOUNT, NONE, REGION, Account, Context, differences
from homes import NARROW, _catalogue_of, jsonl, narrow
from moto import mock_aws
from redshift_home import URL, Redshift, make_database, redshift_of
from redshift_merges import warehouse_of
from stage_functions import STAGE_DECLARATIONS, STAGE_HANDLERS

from trunkline import clock
from trunkline.deploy.stages import MACHINE_STAGES, STAGES
from trunkline.errors import RunFailedError
from trunkline.handlers import stages as stage_handlers
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.run import function
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.contacts import simulate_instance
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.spec import Spec

LISTED = tuple(OBJECTS[name] for name in ("queue", "agent", "routing_profiles", "agent_hierarchy_groups"))
FILES = replace(NARROW, database="connect_datalake")  # one prefix of the lake for all
COLLECTED = (OBJECTS["contact_record"], *LISTED)
OPERATIONS = (
    "SearchContacts", "DescribeContact", "ListQueues", "DescribeQueue", "ListUsers", "DescribeUser",
    "ListRoutingProfiles", "DescribeRoutingProfile", "ListUserHierarchyGroups", "DescribeUserHierarchyGroup",
)  # fmt: skip
NOT_REDRIVEN = {"begun_at_redrive": 0, "redrive": 0}


class Stages:
    """The functions of a state machine, called in its order, with the calls that each has made so far."""

    def __init__(self) -> None:
        self.calls: dict[str, list[AwsCall]] = defaultdict(list)

    def call(self, name: str, event: dict[str, Any]) -> Any:
        """A function in a process of its own, which reads its settings and secrets."""
        function.function_settings.cache_clear()
        with recorded_calls() as calls:
            try:
                return STAGE_HANDLERS[name](event, Context)
            finally:
                self.calls[name] += calls

    def read(self, name: str, execution: str) -> dict[str, Any]:
        """The first stages of a run, which read and merge what the Connect API has; what Extract answers."""
        begun = self.call("Begin", {"object": name, "execution": execution})
        answer: dict[str, Any] = self.call(
            "Extract", {"object": name, "execution": execution, "run_id": begun["run_id"]}
        )
        return answer

    def run(self, name: str, execution: str) -> dict[str, Any]:
        """A run of the object from Begin to Notify; what Notify answers."""
        event = {"object": name, "started_by": "state machine", "execution": execution}
        begun = self.call("Begin", event)
        assert begun["is_due"]
        event["run_id"] = begun["run_id"]
        is_done = False
        while not is_done:
            is_done = self.call("Extract", event)["is_done"]
            if (method := self.call("Stage", event)["method"]) != "none":
                self.call("Load", event | {"method": method})
        self.call("Verify", event)
        answer: dict[str, Any] = self.call("Notify", event)
        return answer

    def fail(self, name: str, execution: str, run_id: str) -> None:
        """The end of a run that failed where it began to read."""
        failure = {"Error": "TerminalError", "Cause": '{"errorMessage": "no access"}'}
        event = {"object": name, "execution": execution, "run_id": run_id, "step": "extract", **NOT_REDRIVEN}
        with pytest.raises(RunFailedError):
            self.call("RecordFailure", event | {"failure": failure})


@pytest.fixture(scope="module")
def warehouse(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "stage_permissions")) as redshift:
        with warehouse_of(redshift, tmp_path_factory.mktemp("install")) as opened:
            opened.install([FILES, *COLLECTED], [])
        yield redshift


@pytest.fixture
def account(warehouse: Redshift, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A lake, a place where files arrive, a topic and a machine; the warehouse is Redshift."""
    with mock_aws(config={"core": {"mock_credentials": False}}), _catalogue_of([FILES, *COLLECTED]):
        given = Account(monkeypatch)
        given.lake()
        given.redshift()
        given.arns["rows"] = given.arns["lake"]
        given.prefixes["rows"] = ["connect_datalake/"]
        given.bucket("staging", "staging")
        given.bucket("sources", "arriving")
        given.arns["sources"] = ["arn:aws:s3:::arriving/narrow/"]
        topic = boto3.client("sns", region_name=REGION).create_topic(Name="runs")["TopicArn"]
        given.arns["topic"] = [topic]
        for name, value in {
            "TRUNKLINE_WAREHOUSE": URL, "TRUNKLINE_THREADS": "1", "TRUNKLINE_RUN_TOPIC": topic,
            "TRUNKLINE_RUN_SOURCES": "narrow=s3://arriving/narrow/", "POWERTOOLS_METRICS_DISABLED": "true",
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield given
    function.function_settings.cache_clear()


@pytest.fixture
def next_window(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Moves the clock, which runs from noon on, by some hours, so that a window is due."""
    real, noon = clock.now, datetime(2026, 3, 4, 12, 5, tzinfo=UTC)
    ahead = [noon - real()]
    monkeypatch.setattr(clock, "now", lambda: real() + ahead[0])

    def move() -> None:
        ahead[0] += timedelta(hours=2)

    return move


def put(name: str, *ids: str, last: bytes = b"") -> None:
    body = jsonl([narrow(id_) for id_ in ids]) + last
    boto3.client("s3", region_name=REGION).put_object(Bucket="arriving", Key=f"narrow/{name}", Body=body)


def faults(account: Account, stages: Stages) -> dict[str, tuple[set[str], set[str]]]:
    """By function, the calls that its role denies and the permissions that it does not need."""
    found = {name: differences(STAGE_DECLARATIONS[name], account, calls) for name, calls in stages.calls.items()}
    return {name: fault for name, fault in found.items() if fault != NONE}


@contextmanager
def instance(account: Account) -> Iterator[None]:
    """A simulated Connect instance at its API, without a quota."""

    def now_s() -> float:
        return clock.now().timestamp()

    quotas = Quotas(now_s, dict.fromkeys(OPERATIONS, (1000.0, 1000.0)))
    simulated = simulate_instance(Spec(contacts=12, seed=1, date=clock.now().date()), INSTANCE_ARN)
    with served(ConnectApi([simulated], now_s, quotas=quotas, check=MODEL("connect"))) as url:
        account.instance(url)
        account.environ.setenv("TRUNKLINE_CONNECT_QUOTA", ",".join(f"{name}=1000" for name in OPERATIONS))
        yield


def test_stages_of_a_run(account: Account, next_window: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """From files, after a run that failed, and from everything that the Connect API has.

    The rows are so many that they are copied; one is set aside, and one is refused by the table.
    """
    stages = Stages()
    stages.fail("narrow", "e-1", stages.call("Begin", {"object": "narrow", "execution": "e-1"})["run_id"])
    next_window()
    put("a.json", *map(str, range(150)), last=b"{broken}\n" + jsonl([narrow("x" * 70_000)]))
    run = stages.run("narrow", "e-2")
    assert (run["rows_changed"], run["dead_letter"]) == (150, 1)
    with instance(account):
        for obj in COLLECTED:
            assert stages.read(obj.name, f"e-{obj.name}")["rows_read"] > 0
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", "http://127.0.0.1:9")
    stages.fail("narrow", "e-3", "")
    assert set(stages.calls) == {*MACHINE_STAGES}
    assert faults(account, stages) == {}


def test_what_starts_and_ends_machines(account: Account) -> None:
    """A firing starts an execution and reads no secret; the summary of all objects calls nothing."""
    client = boto3.client("stepfunctions", region_name=REGION)
    definition = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
    role = f"arn:aws:iam::{ACCOUNT}:role/states"
    machine = client.create_state_machine(name="narrow", definition=definition, roleArn=role)["stateMachineArn"]
    account.arns["machines"] = [machine]
    account.environ.delenv("TRUNKLINE_PII_KEY")  # its stack gives it no secret, since it needs none
    stages = Stages()
    started = stages.call("StartRun", {"object": "narrow", "state_machine": machine, "time": "2026-03-02T14:00:30Z"})
    assert started["name"] == "narrow-20260302T140000Z"
    ended = stages.call("Summarize", {"results": [[{"object": "narrow", "is_failed": False}]], **NOT_REDRIVEN})
    assert ended["succeeded"] == ["narrow"]
    assert faults(account, stages) == {}


def test_a_backfill_of_files(account: Account) -> None:
    """Files by name into the lake alone, one of them with a bad record; a second time nothing is put."""
    put("year 1.json", "1", last=b"{broken}\n")
    event = {"object": "narrow", "Items": [{"Bucket": "arriving", "Key": "narrow/year+1.json"}]}
    stages = Stages()
    assert stages.call("BackfillFiles", event) == {"rows_read": 2, "dead_letter": 1, "batches": 1}
    stages.call("BackfillFiles", event)
    assert faults(account, stages) == {}


def test_every_stage_is_declared() -> None:
    """A function that a state machine calls and no declaration has could not be deployed."""
    folder = Path(stage_handlers.__file__).parent
    modules = {f"stages.{path.stem}" for path in folder.glob("*.py")} - {"stages.__init__", "stages.observed"}
    assert modules == set(STAGES)
