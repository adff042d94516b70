"""Records have the names, types and relations of Amazon Connect's contact record; files are named as by Firehose."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from trunkline.simulator.run import Result, simulate
from trunkline.simulator.spec import Spec

Pieces = Callable[[Path], Iterator[tuple[dict[str, Any] | None, bytes]]]
Record = dict[str, Any]
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
STAMP_MS = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
PHONE = re.compile(r"^\+1\d{3}55501\d\d$")
KEYS = [
    "AWSAccountId",
    "AWSContactTraceRecordFormatVersion",
    "AdditionalEmailRecipients",
    "Agent",
    "AgentConnectionAttempts",
    "AnsweringMachineDetectionStatus",
    "Attributes",
    "Campaign",
    "Channel",
    "ChatMetrics",
    "ConnectedToSystemTimestamp",
    "ContactAssociationId",
    "ContactDetails",
    "ContactEvaluations",
    "ContactId",
    "ContactLens",
    "Customer",
    "CustomerEndpoint",
    "CustomerId",
    "CustomerVoiceActivity",
    "DisconnectDetails",
    "DisconnectReason",
    "DisconnectTimestamp",
    "ExternalThirdParty",
    "GlobalResiliencyMetadata",
    "InitialContactId",
    "InitiationMethod",
    "InitiationTimestamp",
    "InstanceARN",
    "LastPausedTimestamp",
    "LastResumedTimestamp",
    "LastUpdateTimestamp",
    "MediaStreams",
    "NextContactId",
    "OutboundStrategy",
    "PreviousContactId",
    "QualityMetrics",
    "Queue",
    "Recording",
    "Recordings",
    "References",
    "RelatedContactId",
    "RoutingCriteria",
    "ScheduledTimestamp",
    "SegmentAttributes",
    "SystemEndpoint",
    "Tags",
    "TotalPauseCount",
    "TotalPauseDurationInSeconds",
    "TransferCompletedTimestamp",
    "TransferredToEndpoint",
    "VoiceIdResult",
    "WisdomInfo",
]


def _second(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


@pytest.fixture(scope="module")
def final(plain_records: list[Record]) -> dict[str, Record]:
    """The newest version per contact."""
    best: dict[str, Record] = {}
    for record in plain_records:
        known = best.get(record["ContactId"])
        if known is None or record["LastUpdateTimestamp"] >= known["LastUpdateTimestamp"]:
            best[record["ContactId"]] = record
    return best


def test_every_record_has_the_full_set_of_keys(plain_records: list[Record]) -> None:
    """Explicit nulls, and the keys in Amazon's order."""
    assert all(list(record) == KEYS for record in plain_records)
    assert all(type(record["AgentConnectionAttempts"]) is int for record in plain_records)
    assert {record["AWSContactTraceRecordFormatVersion"] for record in plain_records} == {"2017-03-10"}


def test_timestamps_and_durations_have_their_formats(plain_records: list[Record]) -> None:
    """Timestamps are whole seconds with Z, except voice activity; durations are whole numbers from 0."""

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(key, inner)
        elif isinstance(value, list):
            for inner in value:
                walk(name, inner)
        elif name.endswith("Timestamp") and value is not None:
            pattern = STAMP_MS if name.startswith("Greeting") else STAMP
            assert pattern.match(value), name
        elif ("Duration" in name or name.endswith("InMillis")) and value is not None:
            assert type(value) is int, name
            assert value >= 0, name

    for record in plain_records:
        walk("", {key: value for key, value in record.items() if key != "Attributes"})


def test_queue_times_agree(final: dict[str, Record]) -> None:
    """Duration is Dequeue minus Enqueue, if present; no agent is connected before the contact leaves the queue."""
    queued = [r for r in final.values() if r["Queue"] and r["Queue"]["EnqueueTimestamp"]]
    assert len(queued) > 1_000
    missing = 0
    for record in queued:
        queue = record["Queue"]
        enqueued, dequeued = _second(queue["EnqueueTimestamp"]), _second(queue["DequeueTimestamp"])
        assert enqueued is not None
        assert dequeued is not None
        missing += queue["Duration"] is None
        assert queue["Duration"] in (None, dequeued - enqueued)
        assert dequeued >= enqueued
        assert enqueued >= (_second(record["InitiationTimestamp"]) or 0)
        if record["Agent"] is not None:
            assert record["Agent"]["ConnectedToAgentTimestamp"] == queue["DequeueTimestamp"]
    assert 0 < missing < len(queued) / 50


def test_agent_times_agree(final: dict[str, Record]) -> None:
    """Talk, hold and pause fill the time from connection to disconnect; after contact work follows."""
    handled = [r for r in final.values() if r["Agent"] is not None]
    assert len(handled) > 1_000
    for record in handled:
        agent = record["Agent"]
        connected, end = _second(agent["ConnectedToAgentTimestamp"]), _second(record["DisconnectTimestamp"])
        assert connected is not None
        assert end is not None
        hold_s, longest_s = agent["CustomerHoldDuration"], agent["LongestHoldDuration"]
        assert agent["AgentInteractionDuration"] + (hold_s or 0) + (agent["AgentPauseDuration"] or 0) == end - connected
        if record["Channel"] in ("TASK", "EMAIL"):
            assert agent["NumberOfHolds"] is hold_s is longest_s is None
        else:
            assert longest_s <= hold_s
            assert agent["NumberOfHolds"] > 0 or hold_s == 0
        if agent["AfterContactWorkStartTimestamp"] is not None:
            work_end = _second(agent["AfterContactWorkEndTimestamp"])
            assert agent["AfterContactWorkStartTimestamp"] == record["DisconnectTimestamp"]
            assert agent["AfterContactWorkDuration"] == (work_end or 0) - end
        assert (_second(record["LastUpdateTimestamp"]) or 0) > end


def test_an_agent_never_has_more_contacts_than_slots(final: dict[str, Record]) -> None:
    """One voice, task or e-mail contact at a time, three chats; hierarchy has three levels or none."""
    spans: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for record in final.values():
        agent = record["Agent"]
        if agent is not None and record["InitiationMethod"] != "AGENT_REPLY":
            end = agent["AfterContactWorkEndTimestamp"] or record["DisconnectTimestamp"]
            spans[agent["ARN"]].append((agent["ConnectedToAgentTimestamp"], end, agent["RoutingProfile"]["Name"]))
            groups = agent["HierarchyGroups"]
            assert groups is None or [level for level, group in groups.items() if group] == [
                "Level1",
                "Level2",
                "Level3",
            ]
    for mine in spans.values():
        events = sorted([(start, 1) for start, _, _ in mine] + [(end, -1) for _, end, _ in mine], key=lambda e: e)
        most = load = 0
        for _, change in events:
            load += change
            most = max(most, load)
        assert most <= (3 if mine[0][2] == "Digital" else 1)
    assert any(len(mine) > 20 for mine in spans.values())


def test_legs_refer_to_each_other(final: dict[str, Record]) -> None:
    """Previous and initial contacts exist, roots have none, and a parent's next contact is its last child."""
    for record in final.values():
        parent = final.get(record["PreviousContactId"])
        if record["PreviousContactId"] is None:
            assert record["InitialContactId"] is None
            continue
        assert parent is not None
        assert record["InitialContactId"] == (parent["InitialContactId"] or parent["ContactId"])
        assert parent["NextContactId"] == record["ContactId"]


def test_transfers_and_consults_are_distinguishable(two_days_records: list[Record]) -> None:
    """All relations that distinguish cold and warm transfers, consults and conferences in Amazon's guide occur."""
    final = {record["ContactId"]: record for record in two_days_records}
    kinds_seen: Counter[str] = Counter()
    for child in final.values():
        parent = final.get(child["PreviousContactId"])
        if parent is None or parent["Agent"] is None:
            continue
        left = parent["Agent"]["AfterContactWorkStartTimestamp"]
        is_completed = parent["TransferCompletedTimestamp"] is not None
        if child["InitiationMethod"] == "EXTERNAL_OUTBOUND":
            outside_s = child["ExternalThirdParty"]["ExternalThirdPartyInteractionDuration"]
            assert child["Agent"] is None
            if is_completed:
                assert child["DisconnectTimestamp"] > parent["TransferCompletedTimestamp"]
                assert child["CustomerEndpoint"] in (None, parent["TransferredToEndpoint"])
                kinds_seen["external transfer"] += 1
            else:
                assert left > child["DisconnectTimestamp"]
                longer = parent["Agent"]["CustomerHoldDuration"] > outside_s
                kinds_seen["external consult" if longer else "external conference"] += 1
        elif child["Agent"] is not None and child["InitiationMethod"] == "TRANSFER":
            if is_completed:
                assert left < child["Agent"]["AfterContactWorkStartTimestamp"]
                kinds_seen["cold"] += 1
            elif left < child["Agent"]["AfterContactWorkStartTimestamp"]:
                kinds_seen["warm"] += 1
            else:
                kinds_seen["consult" if child["Agent"]["AgentInteractionDuration"] <= 2 else "conference"] += 1
    kinds = {"cold", "warm", "consult", "conference"}
    assert set(kinds_seen) == kinds | {"external transfer", "external consult", "external conference"}


def test_everything_the_centre_does_occurs(two_days_records: list[Record]) -> None:
    """All channels, methods, answering machine results and unusual shapes occur in two days' records."""
    records = two_days_records
    assert {r["Channel"] for r in records} == {"VOICE", "CHAT", "TASK", "EMAIL"}
    assert {r["InitiationMethod"] for r in records} == {
        "INBOUND", "OUTBOUND", "TRANSFER", "CALLBACK", "API", "QUEUE_TRANSFER", "MONITOR", "DISCONNECT", "WEBRTC_API",
        "EXTERNAL_OUTBOUND", "AGENT_REPLY", "CAMPAIGN_PREVIEW",
    }  # fmt: skip
    assert len({r["AnsweringMachineDetectionStatus"] for r in records}) == 12
    assert any(r["ContactEvaluations"] for r in records)
    assert any(r["RoutingCriteria"] for r in records)
    assert any(r["TotalPauseCount"] for r in records)
    assert any(r["DisconnectDetails"] for r in records)
    assert any(r["ScheduledTimestamp"] for r in records)
    assert any(r["Queue"] and r["Queue"]["ARN"] and r["Queue"]["EnqueueTimestamp"] is None for r in records)
    assert any(r["Queue"] and "/queue/agent/" in r["Queue"]["ARN"] for r in records)
    assert any(not key.isascii() for r in records for key in r["Attributes"])
    redacted = [r for r in records if "connect:RedactedFields" in r["SegmentAttributes"]]
    assert redacted
    assert all(r["CustomerEndpoint"] is None for r in redacted)
    ties = Counter((r["ContactId"], r["LastUpdateTimestamp"], str(r["Attributes"])) for r in records)
    moments = Counter(key[:2] for key in ties)
    assert any(count > 1 for count in moments.values())


def test_versions_of_one_second_differ_only_in_fields_without_metrics(plain_records: list[Record]) -> None:
    """Versions that tie differ only in attributes and redacted fields."""
    same: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in plain_records:
        same[record["ContactId"], record["LastUpdateTimestamp"]].append(record)
    free = {"Attributes", "CustomerEndpoint", "SegmentAttributes"}
    compared = 0
    for first, *others in same.values():
        for other in others:
            compared += other != first
            assert {key: value for key, value in first.items() if key not in free} == {
                key: value for key, value in other.items() if key not in free
            }
    assert compared > 0


def test_numbers_are_fictional(plain_records: list[Record]) -> None:
    """Every phone number is in the range reserved for fiction; every e-mail address is at example.com."""
    seen = set()
    for record in plain_records:
        for name in ("CustomerEndpoint", "SystemEndpoint", "TransferredToEndpoint"):
            endpoint = record[name]
            if endpoint is not None:
                seen.add(endpoint["Type"])
                address = endpoint["Address"]
                is_phone = endpoint["Type"] == "TELEPHONE_NUMBER"
                assert PHONE.match(address) if is_phone else address.endswith("@example.com")
    assert seen == {"TELEPHONE_NUMBER", "EMAIL_ADDRESS"}


def test_records_have_a_realistic_size(plain: Result) -> None:
    """About 4 KB on average."""
    assert 3_000 <= plain.expected.bytes / plain.expected.read <= 4_300


@pytest.mark.parametrize("is_gzip", [False, True])
def test_files_are_laid_out_as_firehose_does(tmp_path: Path, is_gzip: bool, pieces: Pieces) -> None:
    """Folder and name have the oldest record's arrival; files end by size or age; records have no separator.

    The modification time is the arrival of the file, at most the buffer's age later.
    """
    spec = Spec(contacts=400, seed=2, is_gzip=is_gzip, file_bytes_max=20_000)
    result = simulate(spec, tmp_path)
    pattern = re.compile(
        r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/connect-contact-records-1-\1-\2-\3-\4-(\d\d)-(\d\d)-[0-9a-f-]{36}(\.gz)?"
    )
    full = 0
    for path in result.files:
        match = pattern.fullmatch(path.relative_to(result.folder).as_posix())
        assert match is not None
        assert (match[7] is not None) == is_gzip
        opened = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]
        assert 0 <= path.stat().st_mtime - opened <= 300
        spans = list(pieces(path))
        size = sum(len(raw) for _, raw in spans)
        full += size >= 20_000
        assert size < 20_000 + 20_000
        for record, raw in spans:
            assert record is not None
            assert b"\n" not in raw
            # Delivered after the last change; within the buffer's age of it unless it is a copy.
            assert (_second(record["LastUpdateTimestamp"]) or 0) <= path.stat().st_mtime
    assert full > 0
    assert sorted(result.files) == sorted(p for p in result.folder.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("day", "hour"),
    [(date(2026, 3, 8), 7), (date(2026, 11, 1), 6)],
)
def test_contacts_go_on_through_a_clock_change(tmp_path: Path, day: date, hour: int) -> None:
    """Calls arrive in the hours before and after both clock changes of New York."""
    result = simulate(Spec(contacts=4_000, date=day), tmp_path)
    change = int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp())
    starts = [contact.initiated_at for contact in result.contacts if contact.initiated_at is not None]
    assert any(change - 3600 <= at < change for at in starts)
    assert any(change <= at < change + 3600 for at in starts)
