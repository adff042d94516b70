"""`agent_event`: one row per event of the agent event stream, with the agent's snapshots before and after.

Names, types and units are those of the Amazon Connect analytics data lake. Source of the paths: Amazon Connect
administrator guide, agent event stream data model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trunkline.objects.model import (
    RECORD_COLUMNS,
    Column,
    Field,
    Json,
    ListOf,
    Object,
    Pii,
    Struct,
    Transform,
    Type,
    own_column,
)

LAKE: Final = "Amazon Connect analytics data lake, agent_event"

AGENT_CONTACT: Final = Struct(
    (
        Field("contact_id", "ContactId", "text"),
        Field("initial_contact_id", "InitialContactId", "text"),
        Field("channel", "Channel", "text"),
        Field("initiation_method", "InitiationMethod", "text"),
        Field("state", "State", "text"),
        Field("state_start_timestamp", "StateStartTimestamp", "timestamp"),
        Field("connected_to_agent_timestamp", "ConnectedToAgentTimestamp", "timestamp"),
        Field("queue_timestamp", "QueueTimestamp", "timestamp"),
        Field("queue", "Queue", Struct((Field("arn", "ARN", "text"), Field("name", "Name", "text")))),
    )
)
_PROFICIENCY: Final = Struct(
    (
        Field("name", "Name", "text"),
        Field("value", "Value", "text"),
        Field("level", "Level", "double"),
        Field("proficiency_level", "ProficiencyLevel", "double"),
    )
)
_CONCURRENCY: Final = Struct(
    (
        Field("available_slots", "AvailableSlots", "bigint"),
        Field("channel", "Channel", "text"),
        Field("maximum_slots", "MaximumSlots", "bigint"),
    )
)
_QUEUE: Final = Struct(
    (Field("arn", "ARN", "text"), Field("channels", "Channels", ListOf("text")), Field("name", "Name", "text"))
)
_STREAM: Final = "agent event stream (no column in Amazon's data lake)"
_UNPUBLISHED: Final = "Amazon does not publish the name of its key."


def _col(name: str, path: str, meaning: str, type_: Type = "text", *, unit: str | None = None, nullable: bool = True,
         transform: Transform = "plain", pii: Pii = "none") -> Column:  # fmt: skip
    return Column(name, type_, tuple(path.split(".")), meaning, unit, nullable, transform, pii, source=LAKE)


def _time(name: str, path: str, meaning: str) -> Column:
    return _col(name, path, meaning, "timestamp", unit="UTC")


def _status(prefix: str, snapshot: str, which: str) -> Iterator[Column]:
    path = f"{snapshot}.AgentStatus"
    yield _col(f"{prefix}_agent_status_arn", f"{path}.ARN", f"The agent's status {which}: its ARN. NULL if absent.")
    yield _col(
        f"{prefix}_agent_status_name",
        f"{path}.Name",
        f"Its name {which}; Error is an internal error of Connect. NULL if absent.",
    )
    yield _col(
        f"{prefix}_agent_status_type",
        f"{path}.Type",
        f"ROUTABLE, CUSTOM or OFFLINE {which}. NULL in events that do not name it.",
    )
    yield _time(f"{prefix}_agent_status_start_timestamp", f"{path}.StartTimestamp",
                f"When the agent chose that status {which}. NULL if absent.")  # fmt: skip


def _routing_profile(prefix: str, snapshot: str, which: str) -> Iterator[Column]:
    path, name = f"{snapshot}.Configuration.RoutingProfile", f"{prefix}_routing_profile"
    outbound = f"{name}_default_outbound_queue"
    yield _col(f"{name}_arn", f"{path}.ARN", f"The agent's routing profile {which}: its ARN. NULL if absent.")
    yield _col(f"{name}_name", f"{path}.Name", f"Its name {which}. NULL if absent.")
    yield _col(
        f"{name}_concurrency",
        f"{path}.Concurrency",
        f"Slots by channel {which}, free and in all. NULL in older events.",
        ListOf(_CONCURRENCY),
    )
    yield _col(
        f"{name}_inbound_queues",
        f"{path}.InboundQueues",
        f"Queues {which}; the agent's own has no name. NULL if absent.",
        ListOf(_QUEUE),
    )
    yield _col(
        f"{outbound}_arn",
        f"{path}.DefaultOutboundQueue.ARN",
        f"Queue of the agent's own calls {which}: its ARN. NULL without one.",
    )
    yield _col(f"{outbound}_name", f"{path}.DefaultOutboundQueue.Name", f"Its name {which}. NULL without one.")
    yield _col(f"{outbound}_channels", f"{path}.DefaultOutboundQueue.Channels",
               f"Its channels {which}. NULL without one.", ListOf("text"))  # fmt: skip


def _hierarchy(prefix: str, snapshot: str, which: str) -> Iterator[Column]:
    for level in range(1, 6):
        path, name = f"{snapshot}.Configuration.AgentHierarchyGroups.Level{level}", f"level_{level}"
        yield _col(
            f"{prefix}_agent_hierarchy_groups_{name}_arn",
            f"{path}.ARN",
            f"The agent's hierarchy group of level {level} {which}: its ARN. NULL without one.",
        )
        yield _col(f"{prefix}_agent_hierarchy_groups_{name}_name", f"{path}.Name",
                   f"Its name {which}. NULL without one.")  # fmt: skip


_CURRENT, _PREVIOUS = "CurrentAgentSnapshot", "PreviousAgentSnapshot"
_NEXT = f"{_CURRENT}.NextAgentStatus"
_CONFIGURATION = f"{_CURRENT}.Configuration"
_AFTER, _BEFORE = "after the event", "before the event"

AGENT_EVENT: Final = Object(
    name="agent_event",
    database="connect_datalake",
    warehouse_table="connect.f_agent_event",
    grain="One row per agent event.",
    key=("event_id",),
    version="event_timestamp",
    event_time="event_timestamp",
    partition="event_timestamp",
    delete_rule="Never deleted: an event stays what it was.",
    columns=(
        _col("instance_id", "InstanceARN", "The Connect instance.", transform="last_arn_segment"),
        _col("aws_account_id", "AWSAccountId", "The AWS account that owns the instance."),
        _col("instance_arn", "InstanceARN", "The instance's ARN."),
        _col("agent_arn", "AgentARN", "The agent's ARN."),
        _col("event_id", "EventId", "Id of the event; the key.", nullable=False),
        _time("event_timestamp", "EventTimestamp", "When it happened, to the millisecond."),
        _col("event_type", "EventType", "LOGIN, LOGOUT, STATE_CHANGE or HEART_BEAT; an open list."),
        _col("version", "Version", "Version of the event's format, a date."),
        *_status("current", _CURRENT, _AFTER),
        _col("current_next_agent_status_arn", f"{_NEXT}.ARN",
             "The status chosen for after the current contacts: its ARN. NULL while none is chosen."),
        _col("current_next_agent_status_name", f"{_NEXT}.Name", "Its name. NULL while none is chosen."),
        _col("current_next_agent_status_type", f"{_NEXT}.Type", f"Its type. NULL where not exported. {_UNPUBLISHED}"),
        _time("current_next_agent_status_enqueued_timestamp", f"{_NEXT}.EnqueuedTimestamp",
              "When it was chosen, and no more contacts were routed to the agent. NULL while none is chosen."),
        _col("current_configuration_username", f"{_CONFIGURATION}.Username", "User name of the agent.",
             pii="indirect"),
        _col("current_configuration_first_name", f"{_CONFIGURATION}.FirstName", "First name of the agent.",
             pii="indirect"),
        _col("current_configuration_last_name", f"{_CONFIGURATION}.LastName", "Last name of the agent.",
             pii="indirect"),
        _col("current_configuration_sip_address", f"{_CONFIGURATION}.SipAddress",
             f"SIP address of the agent. NULL where not exported. {_UNPUBLISHED}", pii="indirect"),
        _col("current_configuration_language_code", f"{_CONFIGURATION}.LanguageCode",
             f"Language of the agent. NULL where not exported. {_UNPUBLISHED}"),
        _col("current_configuration_auto_accept", f"{_CONFIGURATION}.AutoAccept",
             f"Whether calls are accepted without a click. NULL where not exported. {_UNPUBLISHED}", "boolean"),
        _col("current_configuration_proficiencies", f"{_CONFIGURATION}.Proficiencies",
             "Proficiencies of the agent. The level has the key Level or ProficiencyLevel. NULL in older events.",
             ListOf(_PROFICIENCY)),
        *_routing_profile("current", _CURRENT, _AFTER),
        *_hierarchy("current", _CURRENT, _AFTER),
        _col("current_contacts", f"{_CURRENT}.Contacts",
             "The agent's contacts after the event, with their states; those in after contact work are ENDED.",
             ListOf(AGENT_CONTACT)),
        _time("current_snapshot_timestamp", "EventTimestamp",
              "When the snapshot was taken: the event's time, since the stream has no other."),
        *_status("previous", _PREVIOUS, _BEFORE),
        _col("previous_configuration_proficiencies", f"{_PREVIOUS}.Configuration.Proficiencies",
             "Proficiencies before the event. NULL after a login.", ListOf(_PROFICIENCY)),
        *_routing_profile("previous", _PREVIOUS, _BEFORE),
        *_hierarchy("previous", _PREVIOUS, _BEFORE),
        _col("previous_contacts", f"{_PREVIOUS}.Contacts", "The agent's contacts before the event. NULL after a login.",
             ListOf(AGENT_CONTACT)),
        Column("previous_snapshot_timestamp", "timestamp", None,
               "Always NULL: it is the time of the agent's preceding event, another row.", "UTC", source=LAKE),
        Column("data_lake_last_processed_timestamp", "timestamp", None, "Internal to Amazon's lake. Always NULL.",
               "UTC", source=LAKE),
        *(
            own_column(f"previous_configuration_{name}", f"{_PREVIOUS}.Configuration.{key}",
                       f"{meaning} before the event. NULL after a login.", pii="indirect", source=_STREAM)
            for name, key, meaning in (
                ("username", "Username", "User name of the agent"),
                ("first_name", "FirstName", "First name of the agent"),
                ("last_name", "LastName", "Last name of the agent"),
            )
        ),
        own_column("previous_next_agent_status", f"{_PREVIOUS}.NextAgentStatus",
                   "The status chosen for after the contacts before the event, JSON. NULL while none was chosen.",
                   Json(), source=_STREAM),
        own_column("current_region_routing", f"{_CURRENT}.AgentCrossRegionRoutingConfiguration",
                   "Regions of an agent of several, JSON. NULL without.", Json(), source=_STREAM),
        *RECORD_COLUMNS,
    ),
    anchor="AgentARN",
    source="Amazon Connect administrator guide: agent event stream data model; analytics data lake tables",
)  # fmt: skip
