"""Contact events are read in any letter case, and 1970 is no time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from flat_rows import flat_rows

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.loose import tidy_records
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.contact_event import CONTACT_EVENT
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Texts

INSTANCE = "arn:aws:connect:us-east-1:111122223333:instance/9f3c1e52"


def _event(detail: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    return {
        "version": "0", "id": "e1", "detail-type": "Amazon Connect Contact Event", "source": "aws.connect",
        "account": "111122223333", "time": "2026-03-03T15:00:01Z", "region": "us-east-1", "resources": [INSTANCE],
        "detail": {"contactId": "c1", "eventType": "CONNECTED_TO_AGENT", "instanceArn": INSTANCE, **detail},
    } | envelope  # fmt: skip


def _flat(*texts: str) -> tuple[list[dict[str, Any]], Any]:
    arrived = datetime(2026, 3, 4)
    plan = Plan("b", "contact_event", (FileRange("file", "1", 0, 1000, True, arrived),))
    framed = Framed(plan, Texts(text.encode() for text in texts), [0] * len(texts), list(range(len(texts))), [], 1000)
    flattener = Flattener(CONTACT_EVENT, PiiRule("keep", b""))
    flattened = flattener.flatten(framed, arrived)
    return flat_rows(flattener, flattened), flattened


def test_keys_in_any_letter_case() -> None:
    """The same event in Amazon's three spellings is the same row."""
    agent = {"agentArn": f"{INSTANCE}/agent/a1", "connectedToAgentTimestamp": "2026-03-03T15:00:00.123Z"}
    plain = _event({"channel": "VOICE", "agentInfo": agent, "initiationMethod": "INBOUND"})
    old = _event({"channel": "VOICE", "AgentInfo": {"AgentArn": agent["agentArn"], **dict(list(agent.items())[1:])},
                  "initiationMethod": "INBOUND"})  # fmt: skip
    upper = dict(plain, detail={key[0].upper() + key[1:]: value for key, value in plain["detail"].items()})
    rows, flattened = _flat(*(json.dumps(event) for event in (plain, old, upper)))
    assert {row["record_hash"] for row in rows} == {rows[0]["record_hash"]}
    assert rows[0]["agent_id"] == "a1"
    assert rows[0]["agent_connected_to_agent_timestamp"] == datetime(2026, 3, 3, 15, 0, 0, 123000)
    assert rows[0]["record_unmapped"] is None
    assert flattened.drift.unknown == flattened.drift.case_clash == {}


def test_a_time_of_1970_is_not_set() -> None:
    """Amazon's sample has it for a disconnect that did not happen; it is no implausible time."""
    rows, flattened = _flat(json.dumps(_event({"disconnectTimestamp": "1970-01-01T00:00:00.001Z"})))
    assert flattened.dead_letters == []
    assert rows[0]["disconnect_timestamp"] is None


def test_both_spellings_in_one_event() -> None:
    """The catalogue's spelling counts; the other is kept as an unknown field."""
    rows, _ = _flat(json.dumps(_event({"channel": "VOICE", "Channel": "other"})))
    assert rows[0]["channel"] == "VOICE"
    assert json.loads(rows[0]["record_unmapped"]) == {"detail.Channel": "other"}


def test_an_unknown_event_is_a_row() -> None:
    """Unknown event types and fields are kept (Amazon demands that consumers bear them)."""
    rows, _ = _flat(json.dumps(_event({"eventType": "WEBRTC_API", "futureInfo": {"a": 1.50}})))
    assert rows[0]["event_type"] == "WEBRTC_API"
    assert json.loads(rows[0]["record_unmapped"]) == {"detail.futureInfo": {"a": 1.5}}


@pytest.mark.parametrize("text", ['{"id":1', "[1]", '"text"', "{}", '{"detail":null,"Detail":3}'])
def test_other_texts_stay(text: str) -> None:
    """What is no event is left to the reading of all records."""
    assert tidy_records(CONTACT_EVENT, [text.encode()]) == [text.encode()]


def test_a_dead_letter_keeps_the_bytes_that_came() -> None:
    """An event without an id is set aside as it was delivered."""
    text = json.dumps(_event({"AgentInfo": {"AgentArn": "a"}}, id=None))
    rows, flattened = _flat(text)
    assert rows == []
    assert [(letter.reason, letter.payload) for letter in flattened.dead_letters] == [("missing_key", text.encode())]
