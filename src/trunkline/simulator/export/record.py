"""A contact record as Amazon Connect exports it: names, nesting, letter case and explicit nulls.

Source: https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html. Keys are in the order AWS writes
them (by name). Timestamps are whole seconds with a Z; durations are whole seconds.
"""

from __future__ import annotations

import random
from typing import Any

from trunkline.simulator.centre.centre import ACCOUNT_ID, INSTANCE_ARN, INSTANCE_ID, Agent, Contact, arn, phone, stamp
from trunkline.simulator.export import record_details as details
from trunkline.simulator.export.delivery import Version

Record = dict[str, Any]
FORMAT_VERSION = "2017-03-10"


def export(contact: Contact, version: Version, seed: int) -> Record:
    """The record of that version. Values that are not simulated depend on the seed and the contact's number only."""
    rng = random.Random(seed * 1_000_003 + contact.number)
    caller = random.Random(seed * 1_000_003 + contact.call_key)
    system = system_endpoint(contact)
    recording, recordings = details.recordings(contact, version)
    return {
        "AWSAccountId": ACCOUNT_ID,
        "AWSContactTraceRecordFormatVersion": FORMAT_VERSION,
        "AdditionalEmailRecipients": {"CcList": [], "ToList": []} if contact.channel == "EMAIL" else None,
        "Agent": _agent(contact, version, rng),
        "AgentConnectionAttempts": contact.attempts,
        "AnsweringMachineDetectionStatus": contact.amd,
        "Attributes": details.attributes(contact, version, rng, caller),
        "Campaign": {"CampaignId": details.campaign_id(contact.campaign)},
        "Channel": contact.channel,
        "ChatMetrics": details.chat_metrics(contact, rng) if contact.channel == "CHAT" else None,
        "ConnectedToSystemTimestamp": _stamp(contact.system_at),
        "ContactAssociationId": contact.association_id,
        "ContactDetails": details.contact_details(contact, rng),
        "ContactEvaluations": details.evaluations(contact, version, rng) if version.has_evaluation else None,
        "ContactId": contact.contact_id,
        "ContactLens": details.contact_lens(contact),
        "Customer": None,
        "CustomerEndpoint": None if version.is_redacted else customer_endpoint(contact, caller),
        "CustomerId": None,
        "CustomerVoiceActivity": details.voice_activity(contact, rng),
        "DisconnectDetails": details.disconnect_details(contact, rng),
        "DisconnectReason": contact.reason,
        "DisconnectTimestamp": _stamp(contact.disconnected_at),
        "ExternalThirdParty": _third_party(contact),
        "GlobalResiliencyMetadata": None,
        "InitialContactId": contact.initial_id,
        "InitiationMethod": contact.method,
        "InitiationTimestamp": stamp(contact.initiated_at),
        "InstanceARN": INSTANCE_ARN,
        "LastPausedTimestamp": _stamp(contact.paused_at),
        "LastResumedTimestamp": _stamp(contact.resumed_at),
        "LastUpdateTimestamp": stamp(version.updated_at),
        "MediaStreams": details.media_streams(contact),
        "NextContactId": contact.next_id,
        "OutboundStrategy": {"Config": None, "Type": "AGENT_FIRST"} if contact.is_preview else None,
        "PreviousContactId": contact.previous_id,
        "QualityMetrics": details.quality(contact, rng),
        "Queue": _queue(contact, version),
        "Recording": recording,
        "Recordings": recordings,
        "References": details.references(contact, rng),
        "RelatedContactId": contact.related_id,
        "RoutingCriteria": details.routing_criteria(contact, rng),
        "ScheduledTimestamp": _stamp(contact.scheduled_at),
        "SegmentAttributes": _segment_attributes(contact, version),
        "SystemEndpoint": system,
        "Tags": _tags(system),
        **_pauses(contact),
        "TransferCompletedTimestamp": _stamp(contact.transfer_completed_at),
        "TransferredToEndpoint": _telephone(contact.transferred_to),
        "VoiceIdResult": None,
        "WisdomInfo": None,
    }


def _pauses(contact: Contact) -> Record:
    is_task = contact.channel == "TASK"
    return {
        "TotalPauseCount": contact.pauses if is_task else None,
        "TotalPauseDurationInSeconds": contact.pause_s if is_task else None,
    }


def _tags(system: Record | None) -> dict[str, str]:
    tags = {"aws:connect:instanceId": INSTANCE_ID}
    return tags if system is None else {**tags, "aws:connect:systemEndpoint": system["Address"]}


def _stamp(second: int | None) -> str | None:
    return None if second is None else stamp(second)


def _telephone(number: str | None) -> Record | None:
    return None if number is None else {"Address": number, "Type": "TELEPHONE_NUMBER"}


def customer_endpoint(contact: Contact, caller: random.Random) -> Record | None:
    """The customer's endpoint: a fictional phone number, an example.com address, or None."""
    number = phone(caller.randrange(60_000))
    if contact.external_number is not None:
        return _telephone(contact.external_number)
    if contact.channel == "EMAIL":
        return {"Address": f"customer{caller.randrange(100_000)}@example.com", "Type": "EMAIL_ADDRESS"}
    if contact.channel != "VOICE" or contact.subtype == "connect:WebRTC":
        return _telephone(number) if contact.subtype == "connect:SMS" else None
    return _telephone(number)


def system_endpoint(contact: Contact) -> Record | None:
    """The contact centre's endpoint: a number per queue, an address for e-mail, or None."""
    if contact.channel == "EMAIL":
        return {"Address": "service@example.com", "Type": "EMAIL_ADDRESS"}
    if contact.channel != "VOICE" or contact.subtype == "connect:WebRTC":
        return None
    return _telephone(f"+180055501{contact.queue.number if contact.queue is not None else 99:02d}")


def _third_party(contact: Contact) -> Record | None:
    return None if contact.external_s is None else {"ExternalThirdPartyInteractionDuration": contact.external_s}


def _segment_attributes(contact: Contact, version: Version) -> Record:
    values: Record = {"connect:Subtype": {"ValueString": contact.subtype}}
    if contact.channel == "VOICE" and contact.method in ("INBOUND", "OUTBOUND"):
        values["connect:Direction"] = {"ValueString": contact.method}
    if version.is_redacted:
        values["connect:RedactedFields"] = {"ValueString": "CustomerEndpoint"}
    return values


def _queue(contact: Contact, version: Version) -> Record | None:
    """The queue. Amazon warns that Duration can be missing; here most such records are completed later."""
    if contact.personal_queue_of is not None:
        name, queue_arn = None, arn("queue", f"agent/{contact.personal_queue_of.agent_id}")
    elif contact.queue is not None:
        name, queue_arn = contact.queue.name, contact.queue.arn
    else:
        return None
    duration = None
    if contact.enqueued_at is not None and contact.dequeued_at is not None and not version.lacks_queue_time:
        duration = contact.dequeued_at - contact.enqueued_at
    return {
        "ARN": queue_arn,
        "DequeueTimestamp": _stamp(contact.dequeued_at),
        "Duration": duration,
        "EnqueueTimestamp": _stamp(contact.enqueued_at),
        "Name": name,
    }


def _agent(contact: Contact, version: Version, rng: random.Random) -> Record | None:
    agent = contact.agent
    if agent is None:
        return None
    is_open = version.lacks_after_contact_work
    # Tasks and e-mails cannot be put on hold: no values, rather than zeros.
    can_hold = contact.channel in ("VOICE", "CHAT")
    return {
        "ARN": agent.arn,
        "AcceptedByAgentTimestamp": _stamp(contact.agent_at) if contact.is_preview else None,
        "AfterContactWorkDuration": None if is_open else contact.acw_s,
        "AfterContactWorkEndTimestamp": None if is_open else _stamp(contact.acw_end_at),
        "AfterContactWorkStartTimestamp": _stamp(contact.acw_at),
        "AgentInitiatedHoldDuration": contact.hold_s if can_hold else None,
        "AgentInteractionDuration": contact.interaction_s,
        "AgentPauseDuration": contact.pause_s,
        "Capabilities": None,
        "ConnectedToAgentTimestamp": _stamp(contact.agent_at),
        "CustomerHoldDuration": contact.hold_s if can_hold else None,
        "DeviceInfo": details.agent_device(agent),
        "HierarchyGroups": _hierarchy(agent),
        "LongestHoldDuration": contact.longest_hold_s if can_hold else None,
        "NumberOfHolds": contact.holds if can_hold else None,
        "PreviewEndTimestamp": _stamp(contact.agent_at) if contact.is_preview else None,
        "RoutingProfile": {"ARN": agent.profile.arn, "Name": agent.profile.name},
        "StateTransitions": details.state_transitions(contact, rng),
        "Username": agent.username,
    }


def _hierarchy(agent: Agent) -> Record | None:
    if not agent.levels:
        return None
    groups: Record = {f"Level{level}": None for level in range(1, 6)}
    for level, group in enumerate(agent.levels, 1):
        groups[f"Level{level}"] = {"ARN": group.arn, "GroupName": group.name}
    return groups
