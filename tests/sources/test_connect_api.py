"""What the client makes of an instance's contacts: texts in the export's shape, described only where that adds."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from connect import DAY, asking, contact_at, emulator, instance_with, nothing_held, simulated
from virtual_clock import VirtualClock

from trunkline.schedules.windows import Window
from trunkline.simulator.connect_api.contacts import SimulatedInstance
from trunkline.sources.connect_api.contacts import ContactPart, ContactReader, HeldContact, reason_to_describe
from trunkline.sources.connect_api.record import ResourceNames

START_S = int(DAY.timestamp())
WINDOW = Window(DAY, DAY + timedelta(hours=36))
LATER_S = START_S + 10 * 86_400
# What the API cannot give, by the facts of its model.
LACKING = {
    "AgentConnectionAttempts", "NextContactId", "TransferCompletedTimestamp", "TransferredToEndpoint", "Recording",
    "MediaStreams", "References", "ExternalThirdParty", "VoiceIdResult", "AWSContactTraceRecordFormatVersion",
}  # fmt: skip
LACKING_AGENT = {
    "AgentInteractionDuration",
    "CustomerHoldDuration",
    "LongestHoldDuration",
    "NumberOfHolds",
    "RoutingProfile",
}


def source(
    instance: SimulatedInstance, clock: VirtualClock, held=nothing_held, assumed=None, deadline_s=None, **options
) -> ContactReader:
    api = emulator(instance, clock, **(assumed or {}))
    client = asking(api, clock, deadline_s=deadline_s)
    made = ContactReader(client, ResourceNames(client), held, **options)
    made.emulator = api
    return made


def records(parts: list[ContactPart]) -> dict[str, dict[str, object]]:
    texts = [text for part in parts if part.framed for text in part.framed.texts]
    found = {one["ContactId"]: one for one in map(json.loads, texts)}
    assert len(found) == len(texts)
    return found


def test_a_record_from_the_api_equals_the_export_or_lacks_the_field() -> None:
    """Every value is the exported record's; what the API lacks is absent, never zero; times are the same seconds."""
    instance = simulated(120)
    clock = VirtualClock(LATER_S)
    read = source(instance, clock)
    parts = list(read.read(WINDOW))
    found = records(parts)
    assert set(found) == set(instance.contacts)
    compared = 0
    for contact_id, made in found.items():
        exported = instance.contacts[contact_id].record_at(LATER_S)
        assert LACKING.isdisjoint(made)
        assert {"DequeueTimestamp", "Duration"}.isdisjoint(made.get("Queue", {}))
        assert LACKING_AGENT.isdisjoint(made.get("Agent", {}))
        compared += assert_within(made, exported, contact_id)
        for name in ("LastUpdateTimestamp", "DisconnectTimestamp", "Attributes", "DisconnectReason"):
            assert made.get(name) == exported[name]
    assert compared > 3_000
    assert read.tally.described == {"not held": 120}
    assert read.emulator.count()["DescribeContact"] == 120
    assert "GetContactAttributes" not in read.emulator.count()
    assert parts[-1].through == WINDOW.end
    assert {mark.fidelity for part in parts for mark in part.framed.marks} == {"api"}


def assert_within(made: object, exported: object, path: str) -> int:
    """Every leaf of `made` stands at the same place in `exported`; gives how many there were."""
    if isinstance(made, dict):
        assert isinstance(exported, dict), path
        return sum(assert_within(item, exported.get(key), f"{path}.{key}") for key, item in made.items())
    if isinstance(made, list):
        if path.endswith(("Recordings", "RoutingCriteria")):
            return 1
        assert isinstance(exported, list), path
        return sum(assert_within(a, b, path) for a, b in zip(made, exported, strict=True))
    assert made == exported, path
    return 1


def test_names_are_listed_once_and_survive_deletion() -> None:
    """Three listings for a whole window, none in the next run of that day; a deleted queue keeps its name."""
    clock = VirtualClock(LATER_S)
    instance = instance_with(
        [contact_at(1, START_S + 60), contact_at(2, START_S + 120, queue="q-gone", agent="a-gone")]
    )
    read = source(instance, clock)
    found = records(list(read.read(WINDOW)))
    first, second = (found[f"00000000-0000-4000-8000-{n:012d}"] for n in (1, 2))
    assert (first["Queue"]["Name"], first["Agent"]["Username"]) == ("Support", "ana")
    assert second["Queue"]["ARN"].endswith("/queue/q-gone")
    assert "Name" not in second["Queue"]
    assert "Username" not in second["Agent"]
    listings = ("ListQueues", "ListUsers", "ListUserHierarchyGroups")
    assert [read.emulator.count()[name] for name in listings] == [1, 1, 1]
    # The next run, with the queue deleted since: its name is still known, and nothing is listed for it.
    emptied = SimulatedInstance(instance.instance_arn, instance.contacts, (), (), (), (), {}, {})
    api = emulator(emptied, clock)
    client = asking(api, clock)
    again = ContactReader(client, ResourceNames(client, read.names.encode()), nothing_held)
    one = Window(DAY + timedelta(seconds=50), DAY + timedelta(seconds=70))
    assert records(list(again.read(one)))[first["ContactId"]]["Queue"]["Name"] == "Support"
    assert not any(api.count()[name] for name in listings)


@pytest.mark.parametrize(
    ("held", "describe", "reason"),
    [
        (None, "missing", "not held"),
        (HeldContact("stream", False), "missing", None),
        (HeldContact("api", False), "missing", "after-contact work was open"),
        (HeldContact("api", True), "missing", None),
        (HeldContact("stream", True), "all", "all were requested"),
        (None, "never", None),
    ],
)
def test_when_a_description_adds_something(held, describe, reason) -> None:
    """Never to an exported record; to a row from the API only while it was open."""
    assert reason_to_describe(held, describe) == reason


def test_held_contacts_are_counted_and_not_described() -> None:
    """Held from the stream: listed, left out, no call. The rest is described, with the reason counted."""
    clock = VirtualClock(LATER_S)
    instance = simulated(60)
    ids = sorted(instance.contacts)
    there = dict.fromkeys(ids[:40], HeldContact("stream", True)) | dict.fromkeys(ids[40:50], HeldContact("api", False))
    read = source(instance, clock, lambda asked: {one: there[one] for one in asked if one in there})
    parts = list(read.read(WINDOW))
    assert set(records(parts)) == set(ids[40:])
    assert read.tally.described == {"not held": 10, "after-contact work was open": 10}
    assert (read.tally.listed, read.tally.held) == (60, 40)
    assert sum(part.framed.filtered for part in parts if part.framed) == 40
    assert sum(part.framed.read for part in parts if part.framed) == 60
    assert {one.contact_id for part in parts for one in part.listed} == set(ids)


def test_without_descriptions_a_row_is_what_the_search_lists() -> None:
    """`never`: one call a page; no version, so that anything described later is better."""
    clock = VirtualClock(LATER_S)
    read = source(simulated(60), clock, describe="never")
    found = records(list(read.read(WINDOW)))
    assert len(found) == 60
    assert not any("LastUpdateTimestamp" in one or "Attributes" in one for one in found.values())
    assert set(read.emulator.count()) <= {"SearchContacts", "ListQueues", "ListUsers", "ListUserHierarchyGroups"}


def test_attributes_are_fetched_where_descriptions_have_none() -> None:
    """An older service: GetContactAttributes per contact, counted with its reason; the same record in the end."""
    clock = VirtualClock(LATER_S)
    read = source(simulated(60), clock, assumed={"gives_attributes": False})
    found = records(list(read.read(WINDOW)))
    assert read.tally.attributes == {"DescribeContact gives none": 60}
    for contact_id, made in found.items():
        assert made["Attributes"] == simulated(60).contacts[contact_id].record_at(LATER_S)["Attributes"]


def test_a_contact_that_cannot_be_described_is_stored_as_listed() -> None:
    """Listed and then not described (404): its row has what the search knew."""
    from trunkline.simulator.connect_api.answers import ApiError

    clock = VirtualClock(LATER_S)
    read = source(instance_with([contact_at(1, START_S + 60), contact_at(2, START_S + 61)]), clock)
    gone = "00000000-0000-4000-8000-000000000001"
    read.emulator.failures = lambda operation, request: (
        ApiError("ResourceNotFoundException", "gone") if request.get("ContactId") == gone else None
    )
    found = records(list(read.read(WINDOW)))
    assert read.tally.gone == 1
    assert found[gone]["DisconnectTimestamp"] == "2026-03-03T00:01:00Z"
    assert "DisconnectReason" not in found[gone]


def test_parts_tile_the_window_by_whole_seconds() -> None:
    """Cut where a second ends; every contact in one part; the same answers give the same batches."""
    instance = instance_with([contact_at(n, START_S + n // 7) for n in range(500)])

    def read() -> list[ContactPart]:
        return list(source(instance, VirtualClock(LATER_S), batch_contacts=120).read(WINDOW))

    parts = read()
    assert len(parts) > 2
    start = WINDOW.start
    for part in parts:
        assert all(start <= one.at < part.through for one in part.listed)
        start = part.through
    assert start == WINDOW.end
    assert len(records(parts)) == 500
    assert [part.framed.plan.batch_id for part in parts] == [part.framed.plan.batch_id for part in read()]


def test_a_deadline_ends_at_a_whole_second_and_the_next_run_continues() -> None:
    """No call after the deadline; what was read is given; from there a second run reads the rest, nothing twice."""
    instance = instance_with([contact_at(n, START_S + n // 3) for n in range(400)])
    clock = VirtualClock(LATER_S)
    read = source(instance, clock, deadline_s=LATER_S + 25)
    parts = list(read.read(WINDOW))
    assert clock.now_s() <= LATER_S + 25
    through = parts[-1].through
    assert WINDOW.start < through < WINDOW.end
    rest = list(source(instance, clock).read(Window(through, WINDOW.end)))
    first, second = records(parts), records(rest)
    assert len(first) > 50
    assert not set(first) & set(second)
    assert len(first) + len(second) == 400


def test_contacts_are_fetched_by_id_to_heal() -> None:
    """Those asked for, described; one that Connect has forgotten is counted."""
    instance = simulated(60)
    clock = VirtualClock(LATER_S)
    read = source(instance, clock)
    wanted = {
        one: datetime.fromtimestamp(instance.contacts[one].disconnected_at, DAY.tzinfo)
        for one in list(instance.contacts)[:25]
    }
    found = records(list(read.fetch({**wanted, "forgotten": DAY})))
    assert set(found) == set(wanted)
    assert read.tally.gone == 1
    assert read.tally.described == {"missing": 25}
