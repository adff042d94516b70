"""What each function's role allows is what its code calls: no action or resource more, and none less.

Each function runs with the events of its triggers, and botocore's hooks record every call. The calls are then judged
by the very statements that the CDK stacks and the Terraform module give the role, as IAM would judge them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_calls import recorded_calls
from connect import DAY, MODEL, emulator, simulated
from dynamo_tables import call, change, event, scorecard
from function_permissions import NONE, OPERATIONS, Account, differences, run
from homes import contact
from lambda_events import AGENT, CONTACT_EVENT, firehose, from_eventbridge, from_kinesis, from_s3, from_sqs
from moto import mock_aws
from virtual_clock import VirtualClock

from trunkline import clock, handlers
from trunkline.deploy.functions import FUNCTIONS
from trunkline.handlers import (
    event_processor,
    firehose_framing,
    persist_agent_event,
    persist_contact_event,
    persist_instance_data,
    release,
    stream_processor,
    transcript_arrived,
)
from trunkline.pipelines.connect.collect import ConnectService, collect_until
from trunkline.settings.installation import Settings
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.contacts import simulate_instance
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.spec import Spec
from trunkline.sources.connect_api.quota import CallClock

RECORD = contact("c-1") | {"AWSContactTraceRecordFormatVersion": "2017-03-10"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty one."""
    with mock_aws():
        yield Account(monkeypatch)


@pytest.fixture(autouse=True)
def _cold() -> Iterator[None]:
    """Every function starts anew, so that what it calls once is called."""
    made = (
        stream_processor._processor, event_processor._receiver, transcript_arrived._receiver,
        persist_agent_event._function, persist_contact_event._function, persist_instance_data._function,
        firehose_framing._kept_object,
    )  # fmt: skip
    for function in made:
        function.cache_clear()
    yield
    for function in made:
        function.cache_clear()


@pytest.fixture
def connect_url() -> Iterator[str]:
    """A simulated instance that had a day of contacts yesterday, at once and without a quota."""

    def now_s() -> float:
        return clock.now().timestamp()

    yesterday = (clock.now() - timedelta(days=1)).date()
    instance = simulate_instance(Spec(contacts=24, seed=1, date=yesterday), INSTANCE_ARN)
    api = ConnectApi(
        [instance], now_s, quotas=Quotas(now_s, dict.fromkeys(OPERATIONS, (1000.0, 1000.0))), check=MODEL("connect")
    )
    with served(api) as url:
        yield url


def test_every_handler_is_declared() -> None:
    """A function without a declaration would be deployed with no role, or not at all."""
    folder = Path(handlers.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert modules == set(FUNCTIONS)


def test_stream_processor(account: Account) -> None:
    """Calls, scorecards, a transcript that is there, one that is missing, a bad item, and a second delivery."""
    account.lake()
    account.transcripts()
    delivered = event(
        change(1, new=call("there")), change(2, new=call("missing")), change(3, new={"x": {"S": "y"}}),
        change(4, new=scorecard("g-1"), stream="arn:aws:dynamodb:us-east-1:111122223333:table/scorecards/stream/x"),
    )  # fmt: skip
    calls = run(account, stream_processor.handler, delivered, delivered)
    assert differences(FUNCTIONS["stream_processor"], account, calls) == NONE


def test_event_processor(account: Account) -> None:
    """Records of every kind through every trigger, with bad ones, and a second delivery."""
    account.lake()
    records = from_kinesis(RECORD, AGENT, {"unknown": 1})
    calls = run(
        account, event_processor.handler, records, from_sqs(json.dumps(CONTACT_EVENT), "{"), from_eventbridge(), records
    )
    assert differences(FUNCTIONS["event_processor"], account, calls) == NONE


def test_transcript_arrived(account: Account) -> None:
    """A transcript through every trigger, one that is missing, and a broken one."""
    account.lake()
    account.transcripts()
    there = from_s3("recordings", "transcripts/there.json")
    calls = run(
        account, transcript_arrived.handler, there, from_sqs(json.dumps(there)),
        from_s3("recordings", "transcripts/missing.json"), from_s3("recordings", "transcripts/broken.json"),
    )  # fmt: skip
    assert differences(FUNCTIONS["transcript_arrived"], account, calls) == NONE


def test_collect(account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two windows of a day's contacts into the lake, with an engine in the function's own space."""
    account.lake()
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKLINE_LAKE", "s3://lake")
    virtual = VirtualClock(DAY.timestamp() + 17.7 * 3600)
    api = emulator(simulated(24), virtual)
    with served(api) as url, recorded_calls() as calls:
        account.instance(url)
        settings = Settings.load()
        service = ConnectService(CallClock(virtual.now_s, virtual.sleep, None))
        for _ in range(2):
            assert collect_until(settings, 900.0, service)["is_done"]
            virtual.sleep(7200)
    assert differences(FUNCTIONS["collect"], account, calls) == NONE


@pytest.mark.parametrize("function", [persist_agent_event, persist_contact_event])
def test_live_points(account: Account, function: Any) -> None:
    """Points, and letters for what cannot be used."""
    account.live()
    account.letters()
    events = {
        persist_agent_event: [from_kinesis(AGENT, RECORD, AGENT | {"EventTimestamp": 5})],
        persist_contact_event: [from_eventbridge(), from_sqs(json.dumps(CONTACT_EVENT), "x")],
    }
    calls = run(account, function.handler, *events[function])
    assert differences(FUNCTIONS[function.__name__.rpartition(".")[2]], account, calls) == NONE


def test_persist_instance_data(account: Account, connect_url: str) -> None:
    """Queues, agents and routing profiles of one instance."""
    account.live()
    account.instance(connect_url)
    calls = run(account, persist_instance_data.handler, {})
    assert differences(FUNCTIONS["persist_instance_data"], account, calls) == NONE


def test_firehose_framing(account: Account) -> None:
    """It calls nothing."""
    calls = run(account, firehose_framing.handler, firehose(b'{"a": 1}'))
    assert differences(FUNCTIONS["firehose_framing"], account, calls) == NONE


def test_release(account: Account, endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's procedures, one by name, and one that takes too long."""
    account.redshift()
    client = account.bucket("releases", "daab-lab-jfr-datalake")
    client.put_object(Bucket="daab-lab-jfr-datalake", Key="Redshift/Rel1.txt", Body=b"connect.load_dims\n")
    monkeypatch.setenv("RELEASE_TIMEOUT", "1")
    slow = {"stored_procedure_name": "connect.slow", "parameters": [5]}
    calls = run(account, release.handler, {}, slow)
    assert differences(FUNCTIONS["release"], account, calls) == NONE


@pytest.mark.parametrize("change", ["more", "less", "elsewhere"])
def test_a_wrong_declaration_is_found(account: Account, change: str) -> None:
    """One action more, one less, or the right action on another prefix."""
    account.letters()
    account.live()
    right = FUNCTIONS["persist_contact_event"]
    letters = next(grant for grant in right.grants if grant.kind == "letters")
    wrong = {
        "more": replace(letters, actions=(*letters.actions, "sqs:PurgeQueue")),
        "less": replace(letters, actions=()),
        "elsewhere": replace(letters, kind="live_service", actions=("timestream:DescribeEndpoints",)),
    }[change]
    calls = run(account, persist_contact_event.handler, from_eventbridge(), from_sqs("x"))
    assert differences(right, account, calls) == NONE
    grants = tuple(wrong if grant is letters else grant for grant in right.grants)
    denied, unused = differences(replace(right, grants=grants), account, calls)
    assert any(fault.startswith("sqs:") for fault in denied | unused)
