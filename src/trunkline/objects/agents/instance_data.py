"""`users`, `routing_profiles` and `agent_hierarchy_groups`: what an instance is made of, from the Connect API.

A record is an answer of DescribeUser, DescribeRoutingProfile or DescribeUserHierarchyGroup, as `aws connect` prints it.
Names and types are those of the Amazon Connect analytics data lake: the newest state of each, no history. Profiles and
groups are also read by Trunkline itself, with those that were deleted in Connect (`business/instance.py`).
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.model import (
    RECORD_COLUMNS,
    Column,
    Json,
    ListOf,
    Object,
    Pii,
    Scalar,
    Transform,
    Type,
    own_column,
)

LISTING_SOURCE: Final = "connect_listing"
"""The source that lists an instance's queues, users, routing profiles and hierarchy groups."""
DELETED_IN_CONNECT: Final = (
    "Deleted in Connect: a listing no longer has it and describing it fails. The row stays with its last values and "
    "`record_is_deleted`."
)
_DATABASE: Final = "connect_datalake"
_LEVELS: Final = ("One", "Two", "Three", "Four", "Five")


def _columns(table: str, root: str) -> tuple[Column, ...]:
    """Columns that all three tables have; the instance is in the ARN."""
    return (
        _absent(table, "data_lake_last_processed_timestamp", "Internal to Amazon's lake. Always NULL.", "timestamp"),
        _col(table, "last_modified_timestamp", f"{root}.LastModifiedTime", "When it was changed last; the version.",
             "timestamp"),
        _col(table, "last_modified_region", f"{root}.LastModifiedRegion", "The Region in which it was changed last."),
        _absent(table, "is_active", "Always NULL: the API describes what exists.", "boolean"),
    )  # fmt: skip


def _col(table: str, name: str, path: str, meaning: str, type_: Type = "text", *, transform: Transform = "plain",
         pii: Pii = "none", unit: str | None = None, nullable: bool = True) -> Column:  # fmt: skip
    unit = unit or ("UTC" if type_ == "timestamp" else None)
    return Column(name, type_, tuple(path.split(".")), meaning, unit, nullable, transform, pii,
                  source=f"Amazon Connect data lake, {table}")  # fmt: skip


def _absent(table: str, name: str, meaning: str, type_: Scalar = "text") -> Column:
    return Column(name, type_, None, meaning, source=f"Amazon Connect data lake, {table}")


def _object(table: str, grain: str, key: str, root: str, columns: tuple[Column, ...], is_listed: bool = True) -> Object:
    return Object(
        name=table,
        database=_DATABASE,
        warehouse_table=f"connect.d_{table}",
        grain=grain,
        key=(key,),
        version="last_modified_timestamp",
        event_time="last_modified_timestamp",
        partition="last_modified_timestamp",
        delete_rule=DELETED_IN_CONNECT
        if is_listed
        else "Never: what is deleted in Connect is not described any more, and its row stays.",
        scheduled_source=LISTING_SOURCE if is_listed else "",
        columns=(*columns, *_columns(table, root), *RECORD_COLUMNS),
        anchor=root,
        source="Amazon Connect API reference; analytics data lake tables",
    )


_U, _P, _G = "users", "routing_profiles", "agent_hierarchy_groups"
_USER, _PROFILE, _GROUP = "User", "RoutingProfile", "HierarchyGroup"
_OF_GROUP: Final = "Always NULL: it is in agent_hierarchy_groups, another table."

USERS: Final = _object(
    _U,
    "One row per user, the newest state seen.",
    "user_id",
    _USER,
    (
        _col(_U, "user_id", "User.Id", "The user; the key.", nullable=False),
        _col(_U, "user_arn", "User.Arn", "The user's ARN."),
        _col(_U, "directory_user_id", "User.DirectoryUserId", "The user in the directory. NULL without one."),
        _col(_U, "agent_hierarchy_group_id", "User.HierarchyGroupId", "The user's hierarchy group. NULL without one."),
        _absent(_U, "agent_hierarchy_group_arn", _OF_GROUP),
        *(_absent(_U, f"agent_hierarchy_group_level_{level}_id", _OF_GROUP) for level in range(1, 6)),
        _col(_U, "agent_email", "User.IdentityInfo.Email", "E-mail address. NULL without one.", pii="direct"),
        _col(_U, "agent_secondary_email", "User.IdentityInfo.SecondaryEmail", "Second address. NULL without one.",
             pii="direct"),
        _col(_U, "mobile", "User.IdentityInfo.Mobile", "Mobile number. NULL without one.", pii="direct"),
        _col(_U, "first_name", "User.IdentityInfo.FirstName", "First name.", pii="indirect"),
        _col(_U, "last_name", "User.IdentityInfo.LastName", "Last name.", pii="indirect"),
        _col(_U, "agent_username", "User.Username", "User name.", pii="indirect"),
        _absent(_U, "instance_id", "Always NULL: the answer has it in the ARN only."),
        _absent(_U, "instance_arn", "Always NULL: the answer has it in user_arn only."),
        _col(_U, "agent_routing_profile_id", "User.RoutingProfileId", "The routing profile. NULL without one."),
        _absent(_U, "agent_routing_profile_arn", "Always NULL: it is in routing_profiles, another table."),
        _col(_U, "agent_security_profile_ids", "User.SecurityProfileIds", "Security profiles.", ListOf("text")),
        _absent(_U, "agent_security_profile_arns", "Always NULL: the API gives ids."),
        _col(_U, "after_contact_work_time_limit", "User.PhoneConfig.AfterContactWorkTimeLimit",
             "Longest after contact work in seconds; 0: no limit. NULL where not set.", "integer", unit="s"),
        _col(_U, "auto_accept", "User.PhoneConfig.AutoAccept", "Whether calls are accepted by themselves.", "boolean"),
        _col(_U, "desk_phone_number", "User.PhoneConfig.DeskPhoneNumber", "Desk phone number. NULL without one.",
             pii="direct"),
        own_column("persistent_connection", "User.PhoneConfig.PersistentConnection",
                   "Whether the agent's connection stays open between calls.", "boolean", source="Amazon Connect API"),
        _col(_U, "phone_type", "User.PhoneConfig.PhoneType", "SOFT_PHONE or DESK_PHONE."),
        _absent(_U, "agent_voice_enhancement_mode", "Always NULL: DescribeUser does not have it."),
        own_column("user_tags", "User.Tags", "Tags, JSON. NULL without.", Json(), source="Amazon Connect API"),
    ),
    is_listed=False,
)  # fmt: skip

ROUTING_PROFILES: Final = _object(
    _P,
    "One row per routing profile, the newest state seen.",
    "agent_routing_profile_id",
    _PROFILE,
    (
        _col(_P, "agent_routing_profile_id", "RoutingProfile.RoutingProfileId", "The routing profile; the key.",
             nullable=False),
        _col(_P, "agent_routing_profile_arn", "RoutingProfile.RoutingProfileArn", "Its ARN."),
        _col(_P, "routing_profile_name", "RoutingProfile.Name", "Its name."),
        _col(_P, "instance_id", "RoutingProfile.InstanceId", "The Connect instance."),
        _absent(_P, "instance_arn", "Always NULL: the answer has it in the profile's ARN only."),
        _col(_P, "agent_availability_timer", "RoutingProfile.AgentAvailabilityTimer",
             "What an agent's idle time counts from: TIME_SINCE_LAST_ACTIVITY or TIME_SINCE_LAST_INBOUND."),
        _col(_P, "routing_profile_description", "RoutingProfile.Description", "Its description. NULL without one."),
        _col(_P, "default_outbound_queue_id", "RoutingProfile.DefaultOutboundQueueId", "Queue of agents' own calls."),
        own_column("media_concurrencies", "RoutingProfile.MediaConcurrencies", "Slots by channel, JSON.", Json(),
                   source="Amazon Connect API"),
        own_column("is_default", "RoutingProfile.IsDefault", "Whether it is the instance's default profile.", "boolean",
                   source="Amazon Connect API"),
        own_column("associated_queue_ids", "RoutingProfile.AssociatedQueueIds", "Its queues. NULL where not exported.",
                   ListOf("text"), source="Amazon Connect API"),
        own_column("number_of_associated_queues", "RoutingProfile.NumberOfAssociatedQueues", "Number of its queues.",
                   "bigint", "count", source="Amazon Connect API"),
        own_column("number_of_associated_users", "RoutingProfile.NumberOfAssociatedUsers", "Number of its users.",
                   "bigint", "count", source="Amazon Connect API"),
        own_column("routing_profile_tags", "RoutingProfile.Tags", "Tags, JSON. NULL without.", Json(),
                   source="Amazon Connect API"),
    ),
)  # fmt: skip

AGENT_HIERARCHY_GROUPS: Final = _object(
    _G,
    "One row per hierarchy group, the newest state seen.",
    "agent_hierarchy_group_id",
    _GROUP,
    (
        _col(_G, "agent_hierarchy_group_id", "HierarchyGroup.Id", "The hierarchy group; the key.", nullable=False),
        _absent(_G, "instance_id", "Always NULL: the answer has it in the ARN only."),
        _absent(_G, "instance_arn", "Always NULL: the answer has it in agent_hierarchy_group_arn only."),
        _absent(_G, "aws_account_id", "Always NULL: the answer has it in the ARN only."),
        _col(_G, "agent_hierarchy_group_arn", "HierarchyGroup.Arn", "Its ARN."),
        _col(_G, "agent_hierarchy_group_name", "HierarchyGroup.Name", "Its name."),
        own_column("level_id", "HierarchyGroup.LevelId", "Its level: 1 to 5.", source="Amazon Connect API"),
        *(
            own_column(f"level_{number}_{name}", f"HierarchyGroup.HierarchyPath.Level{word}.{key}",
                       f"The group of level {number} above it, or itself: its {name}. NULL below its own level.",
                       source="Amazon Connect API")
            for number, word in enumerate(_LEVELS, 1)
            for name, key in (("id", "Id"), ("arn", "Arn"), ("name", "Name"))
        ),
        own_column("hierarchy_group_tags", "HierarchyGroup.Tags", "Tags, JSON. NULL without.", Json(),
                   source="Amazon Connect API"),
    ),
)  # fmt: skip
