"""The shapes of agent events, contact events and contact records: the fields that the folds use.

Fields, event types and states that nobody knows are no errors. Sources: administrator guide, "Agent event streams data
model", "Contact events" and "Contact records data model".
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


class Wire(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Part of an event. A field that is null or missing is None."""


class Named(Wire, frozen=True, rename={"arn": "ARN", "name": "Name"}):
    """Something with an ARN and a name: a queue, a routing profile."""

    arn: str | None = None
    name: str | None = None


class AgentStatus(Wire, frozen=True, rename={"name": "Name", "kind": "Type", "since": "StartTimestamp"}):
    """The status that an agent chose. `kind` is ROUTABLE, CUSTOM or OFFLINE; old events lack it."""

    name: str | None = None
    kind: str | None = None
    since: Time | None = None


class NextStatus(Wire, frozen=True, rename={"name": "Name"}):
    """The status that follows once the present contacts are done; no contact is routed to the agent meanwhile."""

    name: str | None = None


class Slots(Wire, frozen=True, rename={"channel": "Channel", "available": "AvailableSlots", "maximum": "MaximumSlots"}):
    """How many contacts of a channel an agent can take now, and at most."""

    channel: str | None = None
    available: int | None = None
    maximum: int | None = None


class RoutingProfile(Wire, frozen=True, rename={"arn": "ARN", "name": "Name", "slots": "Concurrency"}):
    """A routing profile. Old events lack the slots. Its queues are what `queue_names` reads."""

    arn: str | None = None
    name: str | None = None
    slots: tuple[Slots, ...] | None = None


class HierarchyGroup(Wire, frozen=True, rename={"name": "Name"}):
    """A group of agents."""

    name: str | None = None


class Levels(Wire, frozen=True, rename="pascal"):
    """The hierarchy groups of an agent."""

    level1: HierarchyGroup | None = None
    level2: HierarchyGroup | None = None
    level3: HierarchyGroup | None = None
    level4: HierarchyGroup | None = None
    level5: HierarchyGroup | None = None


class Configuration(
    Wire,
    frozen=True,
    rename={
        "username": "Username",
        "first_name": "FirstName",
        "last_name": "LastName",
        "profile": "RoutingProfile",
        "levels": "AgentHierarchyGroups",
    },
):
    """Who an agent is, and which contacts come to them."""

    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    profile: RoutingProfile | None = None
    levels: Levels | None = None


class OfferedContact(
    Wire,
    frozen=True,
    rename={
        "contact_id": "ContactId",
        "channel": "Channel",
        "method": "InitiationMethod",
        "state": "State",
        "since": "StateStartTimestamp",
        "connected_at": "ConnectedToAgentTimestamp",
        "enqueued_at": "QueueTimestamp",
        "queue": "Queue",
    },
):
    """A contact as an agent's snapshot has it."""

    contact_id: str
    channel: str | None = None
    method: str | None = None
    state: str | None = None
    since: Time | None = None
    connected_at: Time | None = None
    enqueued_at: Time | None = None
    queue: Named | None = None


class AgentSnapshot(
    Wire,
    frozen=True,
    rename={
        "status": "AgentStatus",
        "next_status": "NextAgentStatus",
        "configuration": "Configuration",
        "contacts": "Contacts",
    },
):
    """An agent after an event."""

    status: AgentStatus | None = None
    next_status: NextStatus | None = None
    configuration: Configuration | None = None
    contacts: tuple[OfferedContact, ...] | None = None


class EarlierSnapshot(Wire, frozen=True, rename={"contacts": "Contacts"}):
    """An agent before an event: the contacts alone, which show what has ended."""

    contacts: tuple[OfferedContact, ...] | None = None


class AgentEvent(
    Wire,
    frozen=True,
    rename={
        "agent_arn": "AgentARN",
        "instance_arn": "InstanceARN",
        "event_id": "EventId",
        "at": "EventTimestamp",
        "kind": "EventType",
        "current": "CurrentAgentSnapshot",
        "previous": "PreviousAgentSnapshot",
    },
):
    """One event of the agent event stream."""

    agent_arn: str
    event_id: str
    at: Time
    kind: str
    instance_arn: str | None = None
    current: AgentSnapshot | None = None
    previous: EarlierSnapshot | None = None


class QueueInfo(Wire, frozen=True, rename="camel"):
    """The queue of a contact event."""

    queue_arn: str | None = None
    enqueue_timestamp: Time | None = None


class AgentInfo(Wire, frozen=True, rename="camel"):
    """The agent of a contact event. Durations are seconds."""

    agent_arn: str | None = None
    connected_to_agent_timestamp: Time | None = None
    agent_initiated_hold_duration: int | None = None
    after_contact_work_start_timestamp: Time | None = None
    after_contact_work_end_timestamp: Time | None = None
    after_contact_work_duration: int | None = None


class ContactEvent(Wire, frozen=True, rename="camel"):
    """What happened to a contact: the detail of an EventBridge event. An unset time (1970) is None."""

    contact_id: str
    event_type: str
    instance_arn: str | None = None
    previous_contact_id: str | None = None
    channel: str | None = None
    initiation_method: str | None = None
    initiation_timestamp: Time | None = None
    connected_to_system_timestamp: Time | None = None
    scheduled_timestamp: Time | None = None
    disconnect_timestamp: Time | None = None
    queue_info: QueueInfo | None = None
    agent_info: AgentInfo | None = None


class Envelope(Wire, frozen=True, rename={"kind": "detail-type"}):
    """EventBridge's envelope around a contact event."""

    detail: ContactEvent
    source: str = ""
    kind: str = ""


class RecordQueue(Wire, frozen=True, rename="pascal"):
    """The queue of a contact record. The duration is in seconds."""

    arn: str | None = msgspec.field(name="ARN", default=None)
    name: str | None = None
    enqueue_timestamp: Time | None = None
    duration: int | None = None


class RecordAgent(Wire, frozen=True, rename="pascal"):
    """The agent of a contact record. Durations are in seconds."""

    arn: str | None = msgspec.field(name="ARN", default=None)
    connected_to_agent_timestamp: Time | None = None
    agent_interaction_duration: int | None = None
    customer_hold_duration: int | None = None
    number_of_holds: int | None = None
    agent_pause_duration: int | None = None
    after_contact_work_duration: int | None = None
    after_contact_work_end_timestamp: Time | None = None


class RecordEndpoint(Wire, frozen=True, rename="pascal"):
    """The kind of an endpoint; its address is not decoded."""

    type: str | None = None


class ContactRecord(Wire, frozen=True, rename="pascal"):
    """An exported contact record."""

    contact_id: str
    instance_arn: str | None = msgspec.field(name="InstanceARN", default=None)
    last_update_timestamp: Time | None = None
    channel: str | None = None
    initiation_method: str | None = None
    disconnect_reason: str | None = None
    next_contact_id: str | None = None
    previous_contact_id: str | None = None
    initiation_timestamp: Time | None = None
    connected_to_system_timestamp: Time | None = None
    transfer_completed_timestamp: Time | None = None
    disconnect_timestamp: Time | None = None
    transferred_to_endpoint: RecordEndpoint | None = None
    queue: RecordQueue | None = None
    agent: RecordAgent | None = None


class ProfileQueues(Wire, frozen=True, rename={"queues": "InboundQueues"}):
    """The queues of a routing profile."""

    queues: tuple[Named, ...] | None = None


class ProfileOnly(Wire, frozen=True, rename={"profile": "RoutingProfile"}):
    """The routing profile of a configuration."""

    profile: ProfileQueues


class ConfigurationOnly(Wire, frozen=True, rename={"configuration": "Configuration"}):
    """The configuration of a snapshot."""

    configuration: ProfileOnly


class QueuesOfAgent(Wire, frozen=True, rename={"current": "CurrentAgentSnapshot"}):
    """An agent event, of which the queues of the agent's profile are read."""

    current: ConfigurationOnly
