"""Events out of JSON texts: told apart by shape, in any case, with whatever is new or unset in them."""

from __future__ import annotations

from datetime import timedelta

import live_events as make
import msgspec
import pytest
from live_events import AGENT, NOON, QUEUE, after, stamp

from trunkline.errors import RecordError
from trunkline.live.events import check_times, decode, queue_names
from trunkline.live.wire import AgentEvent, ContactEvent, ContactRecord

# The sample of the administrator guide, "Contact events": keys of both cases, `Voice`, a queue and an agent.
MIXED = {
    "version": "0",
    "id": "abcabcab-abca-abca-abca-abcabcabcabc",
    "detail-type": "Amazon Connect Contact Event",
    "source": "aws.connect",
    "time": "2021-08-04T17:43:48Z",
    "detail": {
        "eventType": "DISCONNECTED",
        "contactId": "c-1",
        "channel": "Voice",
        "initiationTimestamp": "2021-08-04T17:17:53.000Z",
        "disconnectTimestamp": "2021-08-04T17:18:37.000Z",
        "queueInfo": {"queueArn": "q", "queueType": "type", "enqueueTimestamp": "2021-08-04T17:29:04.000Z"},
        "AgentInfo": {"AgentArn": "a", "connectedToAgentTimestamp": "2021-08-04T17:29:09.000Z"},
        "CustomerVoiceActivity": {"greetingStartTimestamp": "2021-08-04T17:29:20.000Z"},
    },
}


def recased(value: object, recase) -> object:
    if not isinstance(value, dict):
        return value
    return {recase(key): recased(member, recase) for key, member in value.items()}


@pytest.mark.parametrize(
    "recase", [str, str.upper, str.lower, lambda key: key[0].upper() + key[1:], lambda key: key.swapcase()]
)
@pytest.mark.parametrize("has_envelope", [True, False])
def test_contact_events_in_any_case(recase, has_envelope: bool) -> None:
    """The same event whatever the case of its keys, in EventBridge's envelope or alone."""
    detail = recased(MIXED["detail"], recase)
    event = decode(msgspec.json.encode(MIXED | {"detail": detail} if has_envelope else detail))
    assert isinstance(event, ContactEvent)
    assert (event.contact_id, event.event_type) == ("c-1", "DISCONNECTED")
    assert event.agent_info is not None
    assert event.agent_info.agent_arn == "a"
    assert event.agent_info.connected_to_agent_timestamp is not None
    assert event.queue_info is not None
    assert event.queue_info.enqueue_timestamp is not None


def test_of_two_spellings_the_one_with_a_value() -> None:
    """Both spellings in one event: null loses, wherever it stands."""
    for order in (
        {"agentInfo": None, "AgentInfo": {"agentArn": "a"}},
        {"AgentInfo": {"agentArn": "a"}, "agentInfo": None},
    ):
        event = decode(msgspec.json.encode({"contactId": "c", "eventType": "QUEUED"} | order))
        assert isinstance(event, ContactEvent)
        assert event.agent_info is not None
        assert event.agent_info.agent_arn == "a"


def test_unset_times_are_none() -> None:
    """Amazon's samples have 1970-01-01T00:00:00.001Z for a time that is not set."""
    unset = "1970-01-01T00:00:00.001Z"
    text = make.contact_event(
        "QUEUED",
        disconnectTimestamp=unset,
        queueInfo={"queueArn": QUEUE, "enqueueTimestamp": unset},
        agentInfo={"afterContactWorkEndTimestamp": unset, "connectedToAgentTimestamp": stamp(after(1))},
    )
    event = decode(text)
    assert isinstance(event, ContactEvent)
    assert event.disconnect_timestamp is None
    assert event.queue_info is not None
    assert event.queue_info.enqueue_timestamp is None
    assert event.agent_info is not None
    assert event.agent_info.after_contact_work_end_timestamp is None
    assert event.agent_info.connected_to_agent_timestamp == after(1)


def test_one_stream_carries_all_three() -> None:
    """By shape, not by where it comes from; keys of the other kinds inside of it do not matter."""
    inner = {"AgentARN": "x", "EventTimestamp": "y", "detail-type": "z", "AWSContactTraceRecordFormatVersion": "1"}
    assert isinstance(decode(make.agent_event(1, make.snapshot() | {"X": inner})), AgentEvent)
    assert isinstance(decode(make.contact_event("QUEUED", tags=inner)), ContactEvent)
    assert isinstance(decode(make.contact_record(Attributes=inner)), ContactRecord)
    for first in (inner, {"pad": "x" * 400}):
        late = {"Attributes": first} | msgspec.json.decode(make.contact_record())
        assert isinstance(decode(msgspec.json.encode(late)), ContactRecord)
        late = {"Extra": first} | msgspec.json.decode(make.agent_event(1, make.snapshot()))
        assert isinstance(decode(msgspec.json.encode(late)), AgentEvent)


def test_other_json_is_no_error() -> None:
    """An event of another kind is None, so that a shared bus or stream does not fill the dead letters."""
    for text in (
        b'{"a": 1}',
        b'{"detail-type": "X", "source": "aws.ec2", "detail": {"contactId": "c", "eventType": "Q"}}',
    ):
        assert decode(text) is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"AgentARN": ', "invalid_json"),
        (b"[]", "not_an_object"),
        (make.agent_event(1, make.snapshot(), EventTimestamp="yesterday"), "wrong_type"),
        (make.agent_event(1, make.snapshot(), EventTimestamp="2026-03-03T12:00:00"), "wrong_type"),
        (make.contact_event("QUEUED", queueInfo=3), "wrong_type"),
        (make.contact_record(Queue={"Duration": "long"}), "wrong_type"),
        (
            b'{"detail-type": "Amazon Connect Contact Event", "source": "aws.connect", "detail": {"a": 1}}',
            "missing_key",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(text: bytes, code: str) -> None:
    """With a reason, and no value of the record in it."""
    with pytest.raises(RecordError) as refused:
        decode(text)
    assert refused.value.code == code
    assert "yesterday" not in str(refused.value)


def test_unknown_kinds_states_and_fields_pass() -> None:
    """What Amazon adds later is no error."""
    contact = make.offered("c", "TELEPATHY", 1, 1, NewField={"a": [1]})
    event = decode(make.agent_event(1, make.snapshot(contacts=[contact]), kind="DAYDREAM", New=[1]))
    assert isinstance(event, AgentEvent)
    assert event.current is not None
    assert event.current.contacts is not None
    assert event.current.contacts[0].state == "TELEPATHY"
    assert isinstance(decode(make.contact_event("WEBRTC_API")), ContactEvent)


@pytest.mark.parametrize(
    "text",
    [
        make.agent_event(3 * 86_400, make.snapshot()),
        make.agent_event(1, make.snapshot(), EventTimestamp="1970-01-01T00:00:00.001Z"),
        make.contact_event("DISCONNECTED", disconnectTimestamp="2036-01-01T00:00:00Z"),
        make.contact_event("DISCONNECTED", disconnectTimestamp="2005-01-01T00:00:00Z"),
        make.contact_event("QUEUED", queueInfo={"enqueueTimestamp": "2036-01-01T00:00:00Z"}),
        make.contact_event("CONNECTED_TO_AGENT", agentInfo={"connectedToAgentTimestamp": "2036-01-01T00:00:00Z"}),
        make.contact_record(LastUpdateTimestamp=stamp(NOON + timedelta(days=3))),
        make.contact_record(DisconnectTimestamp="1999-01-01T00:00:00Z"),
    ],
)
def test_implausible_times_are_refused(text: bytes) -> None:
    """An event of the far future would outrank all that follow."""
    event = decode(text)
    assert event is not None
    with pytest.raises(RecordError, match="valid is 2010"):
        check_times(event, NOON)


def test_queue_names() -> None:
    """Of an agent's routing profile; an agent's own queue has none."""
    inbound = [{"ARN": QUEUE, "Name": "Sales"}, {"ARN": f"{AGENT}/queue/agent/a", "Name": None}]
    profile = {"Configuration": {"RoutingProfile": {"ARN": "p", "InboundQueues": inbound}}}
    assert queue_names(make.agent_event(1, make.snapshot(**profile))) == [(QUEUE, "Sales")]
    assert queue_names(make.agent_event(1, None)) == []
