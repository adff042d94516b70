"""The emulated Connect API: plain boto3 can ask it, botocore's model agrees with it, and its limits are Amazon's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from connect import DAY, boto3_client, contact_at, emulator, instance_with, simulated
from pages import ROOT
from virtual_clock import VirtualClock

from trunkline.simulator.centre.centre import INSTANCE_ID
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.instance import OPERATIONS
from trunkline.simulator.connect_api.search import Assumptions

END_S = DAY.timestamp() + 4 * 86_400


def asked(start: datetime = DAY, hours: float = 36, **more: object) -> dict[str, object]:
    """A search by disconnect time, oldest first."""
    return {
        "InstanceId": INSTANCE_ID,
        "TimeRange": {"Type": "DISCONNECT_TIMESTAMP", "StartTime": start, "EndTime": start + timedelta(hours=hours)},
        "Sort": {"FieldName": "DISCONNECT_TIMESTAMP", "Order": "ASCENDING"},
        "MaxResults": 100,
    } | more


def paged(call, clock: VirtualClock, **more: object) -> list[dict[str, object]]:
    """All contacts of a search, asked for no faster than the quota allows."""
    found, token = [], {}
    while True:
        answer = call(**asked(**more), **token)
        found += answer["Contacts"]
        clock.sleep(2)
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def test_plain_boto3_reads_every_contact_and_its_details() -> None:
    """Over HTTP: searched in pages, described, attributes; every answer fits botocore's model and its limits."""
    instance = simulated(120)
    clock = VirtualClock(END_S)
    api = emulator(instance, clock)
    with boto3_client(api) as client:
        found = paged(client.search_contacts, clock, MaxResults=50)
        assert {one["Id"] for one in found} == set(instance.contacts)
        assert len(found) == 120
        assert found == sorted(found, key=lambda one: one["DisconnectTimestamp"])
        for one in found:
            clock.sleep(0.1)
            record = instance.contacts[one["Id"]].record_at(clock.now_s())
            contact = client.describe_contact(InstanceId=INSTANCE_ID, ContactId=one["Id"])["Contact"]
            assert contact["LastUpdateTimestamp"] == datetime.fromisoformat(record["LastUpdateTimestamp"])
            assert contact["Attributes"] == record["Attributes"]
            assert contact.get("DisconnectReason") == record["DisconnectReason"]
            got = client.get_contact_attributes(InstanceId=INSTANCE_ID, InitialContactId=one["Id"])
            assert got["Attributes"] == record["Attributes"]
    assert api.count() == {"SearchContacts": 3, "DescribeContact": 120, "GetContactAttributes": 120}


def test_listings_have_names_and_pages() -> None:
    """Queues, users, routing profiles and hierarchy groups, in pages; agents' own queues only when not left out."""
    instance = simulated()
    clock = VirtualClock(END_S)
    with boto3_client(emulator(instance, clock)) as client:
        for operation, name, count in [
            ("list_queues", "QueueSummaryList", len(instance.queues) + len(instance.users)),
            ("list_users", "UserSummaryList", len(instance.users)),
            ("list_routing_profiles", "RoutingProfileSummaryList", len(instance.profiles)),
            ("list_user_hierarchy_groups", "UserHierarchyGroupSummaryList", len(instance.groups)),
        ]:
            listed: list[object] = []
            for page in client.get_paginator(operation).paginate(InstanceId=INSTANCE_ID, MaxResults=25):
                listed += page[name]
                clock.sleep(1)
            assert len(listed) == count, operation
        standard = client.list_queues(InstanceId=INSTANCE_ID, QueueTypes=["STANDARD"])["QueueSummaryList"]
        assert {one["Name"] for one in standard} == {name for _, _, name in instance.queues}
        user_id, arn, name = instance.users[0]
        user = client.describe_user(InstanceId=INSTANCE_ID, UserId=user_id)["User"]
        assert (user["Arn"], user["Username"]) == (arn, name)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.describe_user(InstanceId=INSTANCE_ID, UserId="nobody")


def test_calls_beyond_the_quota_are_throttled() -> None:
    """HTTP 429 with ThrottlingException; SearchContacts bursts 1 and refills in two seconds, DescribeContact 15."""
    clock = VirtualClock(END_S)
    api = emulator(simulated(), clock)
    with boto3_client(api) as client:
        client.search_contacts(**asked())
        with pytest.raises(ClientError) as refused:
            client.search_contacts(**asked())
        assert refused.value.response["Error"]["Code"] == "ThrottlingException"
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    clock.sleep(1.9)
    with pytest.raises(ApiError, match="Rate exceeded"):
        api.call("SearchContacts", asked())
    clock.sleep(0.1)
    api.call("SearchContacts", asked())
    one = {"InstanceId": INSTANCE_ID, "ContactId": next(iter(simulated().contacts))}
    for _ in range(15):
        api.call("DescribeContact", one)
    with pytest.raises(ApiError, match="Rate exceeded"):
        api.call("DescribeContact", one)
    api.quotas.others = lambda operation: 9.0
    clock.sleep(0.5)
    with pytest.raises(ApiError, match="Rate exceeded"):
        api.call("DescribeContact", one)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asked(MaxResults=101), "outside 1 to 100"),
        (asked(MaxResults=0), "outside 1 to 100"),
        (asked(TimeRange={"Type": "ENDED", "StartTime": DAY, "EndTime": DAY}), "none of INITIATION_TIMESTAMP"),
        (asked(SearchCriteria={"Channels": ["FAX"]}), "none of VOICE, CHAT, TASK, EMAIL"),
        (asked(Sort={"FieldName": "ENQUEUE_TIMESTAMP", "Order": "ASCENDING"}), "none of INITIATION_TIMESTAMP"),
        (asked(hours=0), "before EndTime"),
        (asked(hours=24 * 56 + 1), "longer than 56 days"),
        (asked(start=DAY - timedelta(days=727)), "two years ago"),
        (asked(NextToken="x"), "token is invalid"),
        ({"InstanceId": INSTANCE_ID}, "TimeRange is missing"),
        (asked(Foo=1), "Foo is unknown"),
    ],
)
def test_invalid_requests_are_refused(request_: dict[str, object], said: str) -> None:
    """Enums, maxima, required members, the eight weeks and the two years."""
    api = emulator(simulated(), VirtualClock(END_S))
    with pytest.raises(ApiError, match=said) as refused:
        api.call("SearchContacts", request_)
    assert refused.value.status == 400


def test_a_query_gives_ten_thousand_results_and_no_more() -> None:
    """TotalCount says how many there are; after the 10,000th there is no further token."""
    clock = VirtualClock(END_S)
    start_s = int(DAY.timestamp())
    instance = instance_with([contact_at(n, start_s + n) for n in range(10_050)])
    api = emulator(instance, clock, check=False)
    call = lambda **request: api.call("SearchContacts", request)  # noqa: E731
    found = paged(call, clock)
    assert len(found) == 10_000
    assert call(**asked())["TotalCount"] == 10_050


def test_tokens_expire_and_belong_to_their_query() -> None:
    """After five minutes, or with another range, a token is refused."""
    clock = VirtualClock(END_S)
    api = emulator(simulated(), clock)
    token = api.call("SearchContacts", asked(MaxResults=10))["NextToken"]
    clock.sleep(10)
    with pytest.raises(ApiError, match="another request"):
        api.call("SearchContacts", asked(hours=35, MaxResults=10, NextToken=token))
    clock.sleep(10)
    assert len(api.call("SearchContacts", asked(MaxResults=10, NextToken=token))["Contacts"]) == 10
    clock.sleep(300)
    with pytest.raises(ApiError, match="expired"):
        api.call("SearchContacts", asked(MaxResults=10, NextToken=token))


def test_a_contact_is_found_when_it_is_completed_and_indexed() -> None:
    """By disconnect time only after its after contact work and the index's lag; by other times while it goes on."""
    ended_s = int(DAY.timestamp()) + 7200
    clock = VirtualClock(ended_s + 5)
    instance = instance_with([contact_at(1, ended_s, completed_at=ended_s + 4 * 3600)])

    def found(kind: str = "DISCONNECT_TIMESTAMP") -> list[dict[str, object]]:
        clock.sleep(2)
        window = {"Type": kind, "StartTime": DAY, "EndTime": DAY + timedelta(days=1)}
        return api.call("SearchContacts", asked(TimeRange=window))["Contacts"]

    api = emulator(instance, clock, index_lag_s=60)
    assert found() == []
    assert len(found("INITIATION_TIMESTAMP")) == 1
    clock.set(ended_s + 4 * 3600 + 55)
    assert found() == []
    clock.sleep(10)
    assert [one["DisconnectTimestamp"] for one in found()] == [datetime.fromtimestamp(ended_s, UTC)]
    early = emulator(instance, clock, lists_after_contact_work=True)
    clock.set(ended_s + 100)
    assert early.call("SearchContacts", asked())["TotalCount"] == 1
    one = {"InstanceId": INSTANCE_ID, "ContactId": next(iter(instance.contacts))}
    open_agent = early.call("DescribeContact", one)["Contact"]["AgentInfo"]
    assert "AfterContactWorkEndTimestamp" not in open_agent
    assert "AfterContactWorkStartTimestamp" in open_agent


def test_a_contact_of_the_future_is_not_there_and_one_that_runs_has_no_end() -> None:
    """Before it began the contact is not found; while it runs it has neither end nor reason."""
    ended_s = int(DAY.timestamp()) + 7200
    clock = VirtualClock(ended_s - 700)
    api = emulator(instance_with([contact_at(1, ended_s)]), clock)
    one = {"InstanceId": INSTANCE_ID, "ContactId": "00000000-0000-4000-8000-000000000001"}
    with pytest.raises(ApiError, match="not found"):
        api.call("DescribeContact", one)
    clock.set(ended_s - 100)
    contact = api.call("DescribeContact", one)["Contact"]
    assert {"DisconnectTimestamp", "DisconnectReason"}.isdisjoint(contact)
    assert contact["AgentInfo"]["Id"] == "a-1"


def test_the_command_serves_what_it_writes(tmp_path) -> None:
    """`simulate --serve-connect` prints an endpoint; boto3 finds there the ids that the files hold; Ctrl-C ends it well."""
    words = [
        sys.executable,
        "-c",
        "from trunkline.cli.main import main; main()",
        "simulate",
        "--contacts",
        "30",
        "--date",
        "2026-03-03",
    ]
    options = ["--out", str(tmp_path), "--serve-connect", "--quota", "SearchContacts=50", "--output", "json"]
    # What started the tests may ignore Ctrl-C, and a child inherits that.
    server = subprocess.Popen(
        [*words, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert server.stdout is not None
        assert json.loads(server.stdout.readline())["contacts"] == 30
        told = json.loads(server.stdout.readline())
        client = boto3.client("connect", endpoint_url=told["endpoint"], region_name="us-east-1")
        found = client.search_contacts(**asked())["Contacts"]
        client.close()
        text = "".join(path.read_text() for path in tmp_path.rglob("connect-contact-records*"))
        assert len(found) == 30
        assert all(f'"ContactId":"{one["Id"]}"' in text for one in found)
    finally:
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=90)
    assert (server.returncode, "SearchContacts: 1 calls answered" in said) == (0, True)


def test_every_assumption_is_documented() -> None:
    """Each option of the emulator, and each operation, has its place in the page about it."""
    page = (ROOT / "docs/reference/connect-emulator.md").read_text()
    told = [field.name for field in fields(Assumptions)] + list(OPERATIONS)
    assert [name for name in told if f"`{name}`" not in page] == []
