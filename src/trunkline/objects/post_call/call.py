"""`call`: one row per call of the post-call analytics application, from the DynamoDB table `calls`.

The columns are those of the application's analytics table `post_call_analytics.calls`. Its `call_duration_seconds`,
`answer_type` and `transcript_s3_key` come from the call's transcript: what reads another object is a view.
"""

from __future__ import annotations

from functools import partial

from trunkline.objects.model import RECORD_COLUMNS, Column, Object, Pii, Type, own_column

DATABASE = "post_call_analytics"
SOURCE = "DynamoDB table calls"


_col = partial(own_column, source=SOURCE)


def _payload(name: str, key: str, meaning: str, type_: Type = "text", pii: Pii = "none") -> Column:
    return _col(name, f"payload.{key}", f"{meaning} NULL where the item has none.", type_, pii=pii)


CALL = Object(
    name="call",
    database=DATABASE,
    table="calls",
    folder="calls",
    view="call",
    warehouse_table=f"{DATABASE}.f_call",
    grain="One row per call, the latest version of its item.",
    key=("call_id",),
    version="call_timestamp_utc",
    event_time="call_timestamp_utc",
    partition="call_timestamp_utc",
    delete_rule="Deleted when its item is removed from the DynamoDB table; setting `dynamodb_deletes` says which "
    "removals count.",
    columns=(
        _col("call_id", "callId", "Id of the call.", nullable=False),
        _col(
            "call_timestamp_utc",
            "callTimestampUTC",
            "When the call took place. A time without offset is UTC. NULL where the item has none.",
            "timestamp",
            "UTC",
        ),
        _payload("agent_id", "agentId", "Id of the agent."),
        _payload("agent_name", "agentName", "Name of the agent."),
        _payload("allocation", "allocation", "How the call was allocated."),
        _payload("direction", "direction", "Direction of the call, such as inbound or outbound."),
        _payload("file_name", "file_name", "Name of the recording's file.", pii="indirect"),
        _payload("first_or_follow_up", "firstOrFollowUp", "Whether it was a first call or a follow-up."),
        _payload("medium", "medium", "Medium of the call."),
        _payload("program", "program", "Program that the call belongs to."),
        _payload("queue_id", "queueId", "Id of the queue, as text whether the item has a number or a text."),
        _payload("queue_name", "queueName", "Name of the queue."),
        _payload("session_id", "sessionId", "Id of the session."),
        _payload("site_id", "siteId", "Id of the site.", "bigint"),
        _payload("site_name", "siteName", "Name of the site."),
        _payload("tenant_id", "tenantId", "Id of the tenant.", "bigint"),
        _payload("s3_bucket", "s3_bucket", "Bucket of the recording."),
        _col(
            "deleted_by",
            "trunkline:deletedBy",
            "Why the item was removed, in the version that says so: ttl (it expired), user (a user removed it) or "
            "scan (a full scan did not find it). NULL in all others.",
        ),
        *RECORD_COLUMNS,
    ),
    anchor="callId",
    source="DynamoDB table `calls`",
)
