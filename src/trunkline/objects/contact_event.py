"""`contact_event`: one row per contact event of EventBridge, in near real time; contact records remain the truth.

Amazon has no table of them, so names are those of the contact record's columns where they mean the same.
Source of the paths: Amazon Connect administrator guide, contact events. Letter case differs between Amazon's samples:
keys are read in any.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from trunkline.objects.model import RECORD_COLUMNS, Column, Json, ListOf, Object, Transform, own_column

_EVENTS: Final = "Amazon Connect contact events"
_own = partial(own_column, source=_EVENTS)


def _col(name: str, key: str, meaning: str, transform: Transform = "plain") -> Column:
    path = ("detail", *key.split("."))
    return Column(name, "text", path, meaning, None, transform=transform, is_amazon=False, source=_EVENTS)


def _time(name: str, key: str, meaning: str) -> Column:
    return _own(name, f"detail.{key}", f"{meaning} NULL if it did not happen, or not yet.", "timestamp", "UTC")


def _ms(name: str, key: str, meaning: str) -> Column:
    path = ("detail", *key.split("."))
    return Column(name, "bigint", path, meaning, "ms", transform="seconds_to_ms", is_amazon=False, source=_EVENTS)


def _json(name: str, key: str, meaning: str) -> Column:
    return _own(name, f"detail.{key}", f"{meaning}, JSON. NULL without.", Json(), pii="indirect")


CONTACT_EVENT: Final = Object(
    name="contact_event",
    database="connect_datalake",
    warehouse_table="connect.f_contact_event",
    grain="One row per contact event.",
    key=("event_id",),
    version="event_timestamp",
    event_time="event_timestamp",
    partition="event_timestamp",
    delete_rule="Never deleted: an event stays what it was.",
    columns=(
        _own("event_id", "id", "Id of the event; the key. Two Regions publish a contact of both with two ids.",
             nullable=False),
        _own("event_version", "version", "Version of EventBridge's envelope."),
        _own("event_timestamp", "time", "When the event was published, in whole seconds.", "timestamp", "UTC"),
        _own("event_detail_type", "detail-type", "Kind of event of EventBridge: Amazon Connect Contact Event."),
        _own("event_source", "source", "aws.connect."),
        _own("aws_account_id", "account", "The AWS account that owns the contact."),
        _own("event_region", "region", "The Region that published the event."),
        _own("event_resources", "resources", "ARNs of the contact and the instance.", ListOf("text")),
        _col("event_type", "eventType",
             "INITIATED, CONNECTED_TO_SYSTEM, CONTACT_DATA_UPDATED, QUEUED, CONNECTED_TO_AGENT, DISCONNECTED, "
             "COMPLETED, PAUSED, RESUMED; an open list. NULL where it is missing."),
        _own("event_updated_properties", "detail.updatedProperties", "What CONTACT_DATA_UPDATED changed. NULL else.",
             ListOf("text")),
        _col("instance_arn", "instanceArn", "The instance's ARN."),
        _col("instance_id", "instanceArn", "The Connect instance.", "last_arn_segment"),
        _col("contact_id", "contactId", "The contact."),
        _col("initial_contact_id", "initialContactId", "First leg of the contact. NULL on the first leg."),
        _col("previous_contact_id", "previousContactId", "The leg before this one. NULL on the first leg."),
        _col("related_contact_id", "relatedContactId", "A related contact. NULL without one."),
        _col("contact_association_id", "contactAssociationId", "Groups contacts of one conversation. NULL without."),
        _col("channel", "channel", "VOICE, CHAT, TASK, EMAIL; Amazon's samples have Voice too."),
        _col("initiation_method", "initiationMethod", "How the contact began; an open list."),
        _time("initiation_timestamp", "initiationTimestamp", "When the contact began."),
        _time("connected_to_system_timestamp", "connectedToSystemTimestamp", "When the system had the customer."),
        _time("ring_start_timestamp", "ringStartTimestamp", "When a campaign's call began to ring."),
        _time("scheduled_timestamp", "scheduledTimestamp", "For when the contact is scheduled."),
        _time("disconnect_timestamp", "disconnectTimestamp", "When the contact ended."),
        _col("disconnect_reason", "disconnectReason", "Why it ended. NULL where it is not published."),
        _time("queue_enqueue_timestamp", "queueInfo.enqueueTimestamp", "When it entered the queue."),
        _col("queue_arn", "queueInfo.queueArn", "The queue's ARN. NULL before a queue, and for outbound contacts."),
        _col("queue_id", "queueInfo.queueArn", "The queue. NULL as queue_arn.", "last_arn_segment"),
        _col("queue_type", "queueInfo.queueType", "STANDARD or AGENT. NULL as queue_arn."),
        _col("agent_arn", "agentInfo.agentArn", "The agent's ARN. NULL before an agent has it."),
        _col("agent_id", "agentInfo.agentArn", "The agent. NULL as agent_arn.", "last_arn_segment"),
        _time("agent_connected_to_agent_timestamp", "agentInfo.connectedToAgentTimestamp",
              "When an agent was connected."),
        _time("agent_accepted_by_agent_timestamp", "agentInfo.acceptedByAgentTimestamp", "When an agent accepted it."),
        _time("agent_preview_end_timestamp", "agentInfo.previewEndTimestamp", "When a campaign's preview ended."),
        _time("agent_after_contact_work_start_timestamp", "agentInfo.afterContactWorkStartTimestamp",
              "When after contact work began."),
        _time("agent_after_contact_work_end_timestamp", "agentInfo.afterContactWorkEndTimestamp",
              "When after contact work ended."),
        _ms("agent_after_contact_work_duration_ms", "agentInfo.afterContactWorkDuration",
            "Time in after contact work. NULL without."),
        _ms("agent_initiated_hold_duration_ms", "agentInfo.agentInitiatedHoldDuration",
            "Time on hold by the agent. NULL without."),
        *(
            _col(f"agent_hierarchy_groups_level_{level}_arn", f"agentInfo.hierarchyGroups.level{level}.arn",
                 f"The agent's hierarchy group of level {level}. NULL without one.")
            for level in range(1, 6)
        ),
        _col("agent_active_region", "agentInfo.activeRegion", "Region of the agent. NULL without global resiliency."),
        _json("agent_state_transitions", "agentInfo.stateTransitions", "States of a supervisor who monitors"),
        _time("customer_voice_activity_greeting_start_timestamp", "customerVoiceActivity.greetingStartTimestamp",
              "When the customer began to speak."),
        _time("customer_voice_activity_greeting_end_timestamp", "customerVoiceActivity.greetingEndTimestamp",
              "When the customer's greeting ended."),
        _col("answering_machine_detection_status", "answeringMachineDetectionStatus",
             "What answered a campaign's call. NULL off campaigns."),
        _col("campaign_id", "campaign.campaignId", "The outbound campaign. NULL off campaigns."),
        _json("tags", "tags", "Tags of the contact"),
        _json("segment_attributes", "segmentAttributes", "Segment attributes"),
        _json("routing_criteria", "routingCriteria", "Routing steps"),
        _json("contact_lens", "contactLens", "Conversational analytics settings"),
        _json("contact_evaluations", "contactEvaluations", "Evaluations"),
        _json("recordings", "recordings", "Recordings"),
        _json("chat_metrics", "chatMetrics", "Chat metrics"),
        _json("outbound_strategy", "outboundStrategy", "Outbound strategy"),
        _json("global_resiliency_metadata", "globalResiliencyMetadata", "Regions"),
        _own("system_endpoint", "detail.systemEndpoint", "The centre's endpoint, JSON. NULL where it is not published.",
             Json(), pii="direct"),
        *RECORD_COLUMNS,
    ),
    anchor="detail-type",
    is_loose=True,
    source="Amazon Connect administrator guide: contact events",
)  # fmt: skip
