"""A contact as Amazon Connect exports it: names, nesting and casing of the contact record, explicit nulls included.

Source: https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html. Keys are in the order AWS writes
them (by name). Timestamps are whole seconds with a Z, durations whole seconds.
"""

from __future__ import annotations

import random
from typing import Any

from trunkline.simulator.centre.centre import ACCOUNT_ID, INSTANCE_ARN, INSTANCE_ID, Agent, Contact, arn, phone, stamp
from trunkline.simulator.export import record_details as details
from trunkline.simulator.export.delivery import Version

Record = dict[str, Any]
FORMAT_VERSION = "2017-03-10"


def export(one: Contact, version: Version, seed: int) -> Record:
    """The record of that version. What is not simulated follows from the seed and the contact's number alone."""
    rng = random.Random(seed * 1_000_003 + one.number)
    caller = random.Random(seed * 1_000_003 + one.call_key)
    system = system_endpoint(one)
    recording, recordings = details.recordings(one, version)
    return {
        "AWSAccountId": ACCOUNT_ID,
        "AWSContactTraceRecordFormatVersion": FORMAT_VERSION,
        "AdditionalEmailRecipients": {"CcList": [], "ToList": []} if one.channel == "EMAIL" else None,
        "Agent": _agent(one, version, rng),
        "AgentConnectionAttempts": one.attempts,
        "AnsweringMachineDetectionStatus": one.amd,
        "Attributes": details.attributes(one, version, rng, caller),
        "Campaign": {"CampaignId": details.campaign_id(one.campaign)},
        "Channel": one.channel,
        "ChatMetrics": details.chat_metrics(one, rng) if one.channel == "CHAT" else None,
        "ConnectedToSystemTimestamp": _stamp(one.system_at),
        "ContactAssociationId": one.association_id,
        "ContactDetails": details.contact_details(one, rng),
        "ContactEvaluations": details.evaluations(one, version, rng) if version.has_evaluation else None,
        "ContactId": one.contact_id,
        "ContactLens": details.contact_lens(one),
        "Customer": None,
        "CustomerEndpoint": None if version.is_redacted else customer_endpoint(one, caller),
        "CustomerId": None,
        "CustomerVoiceActivity": details.voice_activity(one, rng),
        "DisconnectDetails": details.disconnect_details(one, rng),
        "DisconnectReason": one.reason,
        "DisconnectTimestamp": _stamp(one.disconnected_at),
        "ExternalThirdParty": _third_party(one),
        "GlobalResiliencyMetadata": None,
        "InitialContactId": one.initial_id,
        "InitiationMethod": one.method,
        "InitiationTimestamp": stamp(one.initiated_at),
        "InstanceARN": INSTANCE_ARN,
        "LastPausedTimestamp": _stamp(one.paused_at),
        "LastResumedTimestamp": _stamp(one.resumed_at),
        "LastUpdateTimestamp": stamp(version.updated_at),
        "MediaStreams": details.media_streams(one),
        "NextContactId": one.next_id,
        "OutboundStrategy": {"Config": None, "Type": "AGENT_FIRST"} if one.is_preview else None,
        "PreviousContactId": one.previous_id,
        "QualityMetrics": details.quality(one, rng),
        "Queue": _queue(one, version),
        "Recording": recording,
        "Recordings": recordings,
        "References": details.references(one, rng),
        "RelatedContactId": one.related_id,
        "RoutingCriteria": details.routing_criteria(one, rng),
        "ScheduledTimestamp": _stamp(one.scheduled_at),
        "SegmentAttributes": _segment_attributes(one, version),
        "SystemEndpoint": system,
        "Tags": _tags(system),
        **_pauses(one),
        "TransferCompletedTimestamp": _stamp(one.transfer_completed_at),
        "TransferredToEndpoint": _telephone(one.transferred_to),
        "VoiceIdResult": None,
        "WisdomInfo": None,
    }


def _pauses(one: Contact) -> Record:
    is_task = one.channel == "TASK"
    return {
        "TotalPauseCount": one.pauses if is_task else None,
        "TotalPauseDurationInSeconds": one.pause_s if is_task else None,
    }


def _tags(system: Record | None) -> dict[str, str]:
    tags = {"aws:connect:instanceId": INSTANCE_ID}
    return tags if system is None else {**tags, "aws:connect:systemEndpoint": system["Address"]}


def _stamp(second: int | None) -> str | None:
    return None if second is None else stamp(second)


def _telephone(number: str | None) -> Record | None:
    return None if number is None else {"Address": number, "Type": "TELEPHONE_NUMBER"}


def customer_endpoint(one: Contact, caller: random.Random) -> Record | None:
    """The other side: a number of the range reserved for fiction, an example.com mailbox, or nothing."""
    number = phone(caller.randrange(60_000))
    if one.outside_number is not None:
        return _telephone(one.outside_number)
    if one.channel == "EMAIL":
        return {"Address": f"customer{caller.randrange(100_000)}@example.com", "Type": "EMAIL_ADDRESS"}
    if one.channel != "VOICE" or one.subtype == "connect:WebRTC":
        return _telephone(number) if one.subtype == "connect:SMS" else None
    return _telephone(number)


def system_endpoint(one: Contact) -> Record | None:
    """Our side: one number per queue, a mailbox for e-mail."""
    if one.channel == "EMAIL":
        return {"Address": "service@example.com", "Type": "EMAIL_ADDRESS"}
    if one.channel != "VOICE" or one.subtype == "connect:WebRTC":
        return None
    return _telephone(f"+180055501{one.queue.number if one.queue is not None else 99:02d}")


def _third_party(one: Contact) -> Record | None:
    return None if one.external_s is None else {"ExternalThirdPartyInteractionDuration": one.external_s}


def _segment_attributes(one: Contact, version: Version) -> Record:
    values: Record = {"connect:Subtype": {"ValueString": one.subtype}}
    if one.channel == "VOICE" and one.method in ("INBOUND", "OUTBOUND"):
        values["connect:Direction"] = {"ValueString": one.method}
    if version.is_redacted:
        values["connect:RedactedFields"] = {"ValueString": "CustomerEndpoint"}
    return values


def _queue(one: Contact, version: Version) -> Record | None:
    """Docs warn that Duration can be missing; here it is in records that are delivered complete a little later."""
    if one.personal_queue_of is not None:
        name, queue_arn = None, arn("queue", f"agent/{one.personal_queue_of.agent_id}")
    elif one.queue is not None:
        name, queue_arn = one.queue.name, one.queue.arn
    else:
        return None
    duration = None
    if one.enqueued_at is not None and one.dequeued_at is not None and not version.lacks_queue_time:
        duration = one.dequeued_at - one.enqueued_at
    return {
        "ARN": queue_arn,
        "DequeueTimestamp": _stamp(one.dequeued_at),
        "Duration": duration,
        "EnqueueTimestamp": _stamp(one.enqueued_at),
        "Name": name,
    }


def _agent(one: Contact, version: Version, rng: random.Random) -> Record | None:
    agent = one.agent
    if agent is None:
        return None
    is_open = version.lacks_after_contact_work
    # Nobody puts a task or an e-mail on hold: no values, rather than zeros.
    can_hold = one.channel in ("VOICE", "CHAT")
    return {
        "ARN": agent.arn,
        "AcceptedByAgentTimestamp": _stamp(one.agent_at) if one.is_preview else None,
        "AfterContactWorkDuration": None if is_open else one.acw_s,
        "AfterContactWorkEndTimestamp": None if is_open else _stamp(one.acw_end_at),
        "AfterContactWorkStartTimestamp": _stamp(one.acw_at),
        "AgentInitiatedHoldDuration": one.hold_s if can_hold else None,
        "AgentInteractionDuration": one.interaction_s,
        "AgentPauseDuration": one.pause_s,
        "Capabilities": None,
        "ConnectedToAgentTimestamp": _stamp(one.agent_at),
        "CustomerHoldDuration": one.hold_s if can_hold else None,
        "DeviceInfo": details.agent_device(agent),
        "HierarchyGroups": _hierarchy(agent),
        "LongestHoldDuration": one.longest_hold_s if can_hold else None,
        "NumberOfHolds": one.holds if can_hold else None,
        "PreviewEndTimestamp": _stamp(one.agent_at) if one.is_preview else None,
        "RoutingProfile": {"ARN": agent.profile.arn, "Name": agent.profile.name},
        "StateTransitions": details.state_transitions(one, rng),
        "Username": agent.username,
    }


def _hierarchy(agent: Agent) -> Record | None:
    if not agent.levels:
        return None
    groups: Record = {f"Level{level}": None for level in range(1, 6)}
    for level, group in enumerate(agent.levels, 1):
        groups[f"Level{level}"] = {"ARN": group.arn, "GroupName": group.name}
    return groups
