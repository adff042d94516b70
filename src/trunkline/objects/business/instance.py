"""`queue` and `agent`: the queues and users of a Connect instance, with those that were deleted there.

A record is an answer of DescribeQueue or DescribeUser, as `aws connect` prints it, or as Trunkline reads it: it lists
the instance, describes what is new or changed, and marks what is no longer listed as deleted. A deleted row keeps its
last values except for e-mail addresses and phone numbers, because contacts still name its id: `record_is_deleted` is
set in the table, `is_deleted` in the dimension (`connect.d_queue`, `connect.d_agent`), and the views of what exists
leave it out.

`agent` and `users` come from the same answers. `users` is Amazon's table under Amazon's names, for SQL that was written
for it: the users that exist, loaded from files. `agent` is the dimension that facts join: every agent there ever was,
kept up to date by Trunkline itself. Names of routing profiles and hierarchy groups belong to other objects, so the
dimension looks them up and the row has the ids alone.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from trunkline.objects.agents.instance_data import DELETED_IN_CONNECT, LISTING_SOURCE
from trunkline.objects.model import RECORD_COLUMNS, Column, Json, ListOf, Object, Pii, own_column

_DATABASE: Final = "connect_datalake"

_col = partial(own_column, source="Amazon Connect API")


def _state(root: str) -> tuple[Column, ...]:
    return (
        _col("last_modified_timestamp", f"{root}.LastModifiedTime",
             "When it was changed last in Connect. NULL where Connect does not say.", "timestamp", "UTC"),
        _col("last_modified_region", f"{root}.LastModifiedRegion", "The Region in which it was changed last."),
        _col("instance_id", "InstanceId", "The Connect instance. NULL in a row from a file without it."),
    )  # fmt: skip


def _by_channel(name: str, key: str, what: str, pii: Pii = "none") -> Column:
    return _col(name, f"User.{key}", f"{what} by channel, JSON. NULL where not set by channel.", Json(), pii=pii)


def _object(name: str, grain: str, root: str, columns: tuple[Column, ...]) -> Object:
    return Object(
        name=name,
        database=_DATABASE,
        warehouse_table=f"connect.d_{name}s",
        grain=grain,
        key=(f"{name}_id",),
        version="last_modified_timestamp",
        event_time="last_modified_timestamp",
        partition="last_modified_timestamp",
        delete_rule=DELETED_IN_CONNECT,
        columns=(*columns, *_state(root), *RECORD_COLUMNS),
        anchor=root,
        source="Amazon Connect API reference",
        scheduled_source=LISTING_SOURCE,
    )


QUEUE: Final = _object(
    "queue",
    "One row per standard queue there ever was, its latest state.",
    "Queue",
    (
        _col("queue_id", "Queue.QueueId", "The queue; the key.", nullable=False),
        _col("queue_arn", "Queue.QueueArn", "Its ARN."),
        _col("queue_name", "Queue.Name", "Its name."),
        _col("queue_description", "Queue.Description", "Its description. NULL without one."),
        _col("queue_status", "Queue.Status", "ENABLED or DISABLED."),
        _col("max_contacts", "Queue.MaxContacts", "Most contacts in it at once. NULL: no limit of its own.", "integer",
             "count"),
        _col("hours_of_operation_id", "Queue.HoursOfOperationId", "When it is open."),
        _col("outbound_caller_id_name", "Queue.OutboundCallerConfig.OutboundCallerIdName",
             "Caller name of outbound calls. NULL without one."),
        _col("outbound_caller_id_number_id", "Queue.OutboundCallerConfig.OutboundCallerIdNumberId",
             "Phone number resource of outbound calls. NULL without one."),
        _col("outbound_flow_id", "Queue.OutboundCallerConfig.OutboundFlowId",
             "Flow of outbound calls. NULL without one."),
        _col("outbound_email_address_id", "Queue.OutboundEmailConfig.OutboundEmailAddressId",
             "E-mail address resource of outbound e-mails. NULL without one."),
        _col("queue_tags", "Queue.Tags", "Tags, JSON. NULL without.", Json()),
    ),
)  # fmt: skip

AGENT: Final = _object(
    "agent",
    "One row per user of Connect there ever was, the latest state.",
    "User",
    (
        _col("agent_id", "User.Id", "The agent; the key.", nullable=False),
        _col("agent_arn", "User.Arn", "The agent's ARN."),
        _col("agent_username", "User.Username", "User name.", pii="indirect"),
        _col("first_name", "User.IdentityInfo.FirstName", "First name.", pii="indirect"),
        _col("last_name", "User.IdentityInfo.LastName", "Last name.", pii="indirect"),
        _col("agent_email", "User.IdentityInfo.Email", "E-mail address. NULL without one.", pii="direct"),
        _col("agent_secondary_email", "User.IdentityInfo.SecondaryEmail", "Second address. NULL without one.",
             pii="direct"),
        _col("mobile", "User.IdentityInfo.Mobile", "Mobile number. NULL without one.", pii="direct"),
        _col("directory_user_id", "User.DirectoryUserId", "The user in the directory. NULL without one."),
        _col("agent_routing_profile_id", "User.RoutingProfileId", "The routing profile."),
        _col("agent_hierarchy_group_id", "User.HierarchyGroupId", "The hierarchy group. NULL without one."),
        _col("agent_security_profile_ids", "User.SecurityProfileIds", "Security profiles.", ListOf("text")),
        _col("phone_type", "User.PhoneConfig.PhoneType", "SOFT_PHONE or DESK_PHONE."),
        _col("desk_phone_number", "User.PhoneConfig.DeskPhoneNumber", "Desk phone number. NULL without one.",
             pii="direct"),
        _col("auto_accept", "User.PhoneConfig.AutoAccept", "Whether calls are accepted by themselves.", "boolean"),
        _col("after_contact_work_time_limit", "User.PhoneConfig.AfterContactWorkTimeLimit",
             "Longest after contact work in seconds; 0: no limit. NULL where not set.", "integer", "s"),
        _col("persistent_connection", "User.PhoneConfig.PersistentConnection",
             "Whether the agent's connection stays open between calls.", "boolean"),
        _by_channel("auto_accept_configs", "AutoAcceptConfigs", "Automatic acceptance"),
        _by_channel("after_contact_work_configs", "AfterContactWorkConfigs", "Longest after contact work"),
        _by_channel("phone_number_configs", "PhoneNumberConfigs", "Phone types and numbers", pii="direct"),
        _by_channel("persistent_connection_configs", "PersistentConnectionConfigs", "Open connection"),
        _by_channel("voice_enhancement_configs", "VoiceEnhancementConfigs", "Voice enhancement"),
        _col("agent_tags", "User.Tags", "Tags, JSON. NULL without.", Json()),
    ),
)  # fmt: skip
