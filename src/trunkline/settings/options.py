"""Every key of `trunkline.toml`, and every other TRUNKLINE_* variable, each with its help.

Each key has a variable of the same name in capitals (`service_level_s`, `TRUNKLINE_SERVICE_LEVEL_S`); there a list is
written `a,b` and a mapping `Sales=30,Support=60`. The key that hashes personal data is never in the file, since people
share and commit settings files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from trunkline.limits import BATCH_BYTES_MAX, COLLECT_SCHEDULE, COLLECT_ZONE, SESSION_HOURS_DEFAULT, THRESHOLD_S_MAX
from trunkline.settings.fields import about

OTHER_VARIABLES: Final[Mapping[str, str]] = {
    "TRUNKLINE_HOME": "The home, where `--home` is not given. Default: `./trunkline-data`.",
    "TRUNKLINE_PII_KEY": "The key that hashes personal data, a long random text, or its [place](#secrets). Default: "
    "the file `pii.key` in the home, created at first use. It cannot be a key of the settings file, which people "
    "share.",
    "TRUNKLINE_SERVE_TOKEN": "The token that `trunkline serve` asks for, 16 characters or more, or its "
    "[place](#secrets). Without it the board is served on this machine only.",
    "TRUNKLINE_SERVE_EDIT_TOKEN": "The token, another one, or its [place](#secrets), with which the wallboard's "
    "settings can be changed as well. Without it they can be changed on this machine alone, where no "
    "TRUNKLINE_SERVE_TOKEN is set.",
    "TRUNKLINE_LIVE_TOKEN": "The token of the live store, where its server wants one, or its [place](#secrets).",
    "TRUNKLINE_DEBUG": "Anything but empty or 0: an unexpected error shows its traceback, which may contain data.",
}
"""TRUNKLINE_* variables that are not keys of the file, with their help."""

Seconds = Annotated[int, msgspec.Meta(ge=1, le=THRESHOLD_S_MAX)]
Hours = Annotated[int, msgspec.Meta(ge=1, le=8_760)]


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of `trunkline.toml` as they may be written."""

    lake: Annotated[
        str,
        about("`file://` or `s3://` URL of the lake. Empty: `lake` in the home.", bucket="ANALYTICS_BUCKET"),
    ] = ""
    warehouse: Annotated[
        str,
        about(
            "URL of the warehouse: `duckdb:///` a file; `postgresql://`, `redshift+data://` and `redshift://` a "
            "server. With a password in it, the URL may be in a secret, and its [place](#secrets) here. Empty: "
            "`warehouse.duckdb` in the home."
        ),
    ] = ""
    pii: Annotated[
        Literal["hash", "drop", "keep"],
        about("How personal data is stored: `hash` (keyed, so that joins still work), `drop` or `keep`."),
    ] = "hash"
    pii_exceptions: Annotated[
        tuple[str, ...],
        about("Keys of attributes that are stored unchanged although a value looks like personal data."),
    ] = ()
    service_level_s: Annotated[Seconds, about("X of the metrics `in X`, seconds, 1 to 604,800.")] = 20
    service_level_queue_s: Annotated[
        dict[str, Seconds],
        about("X of single queues, by queue id or name; the id wins.", example="Sales=30,Support=60"),
    ] = {}
    service_level_channel_s: Annotated[
        dict[Literal["VOICE", "CHAT", "TASK", "EMAIL"], Seconds],
        about(
            "X of channels, unless the queue has its own. By default 4 hours for e-mail and tasks, which nobody "
            "answers in the time of a call.",
            example="CHAT=45,EMAIL=14400",
        ),
    ] = msgspec.field(default_factory=lambda: {"TASK": 14_400, "EMAIL": 14_400})
    service_level_goal: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=100)],
        about("The service level that you want, percent: a line in the report's chart."),
    ] = 80
    opening_hours: Annotated[
        str,
        about(
            "When queues are open that have no hours of their own: days and times, parts between semicolons, such as "
            "`Mon-Fri 09:00-17:30; Sat 10:00-14:00`. A date may follow (`2026-12-24 09:00-12:00`), and `zone "
            "Europe/London` where it is not `zone`. Empty: always open. Nothing is an alarm while a queue is closed."
        ),
    ] = ""
    opening_hours_queue: Annotated[
        dict[str, str],
        about(
            "Opening hours of single queues, by queue id or name; the id wins. `always` is open on holidays too.",
            example="Support=always,Sales=Mon-Sat 08:00-20:00",
        ),
    ] = {}
    holidays: Annotated[
        tuple[str, ...],
        about("Dates on which queues are closed, `2026-12-25`, or open at other times, `2026-12-24 09:00-12:00`."),
    ] = ()
    zone: Annotated[
        str,
        about("IANA time zone for people: days, intervals, `--since`. Nothing stored depends on it."),
    ] = "UTC"
    settle_hours: Annotated[
        tuple[Hours, ...],
        about(
            "Hours after its end at which a UTC day is listed again, ascending; after the last one nothing more is "
            "expected and the day is certified ([why](../explanation/completeness.md))."
        ),
    ] = (6, 24, 72)
    transcripts: Annotated[
        str,
        about(
            "`s3://` or `file://` URL of the place that holds the keys of `transcript_keys`. Used by `enrich`.",
            bucket="TRANSCRIBE_BUCKET",
        ),
    ] = ""
    transcript_keys: Annotated[
        tuple[str, ...],
        about(
            "Keys of transcripts, with `{call_id}` in place of the call's id. A file's name is matched from its end, "
            "so that a prefix does not matter; Contact Lens's own names are recognised as well."
        ),
    ] = (
        "transcripts/{call_id}.json",
        "transcripts/redacted-{call_id}.json",
        "analytics/{call_id}.json",
        "redacted-analytics/{call_id}.json",
    )
    dynamodb_tables: Annotated[
        dict[str, str],
        about(
            "Which object a DynamoDB table's items are, by the table's exact name or ARN; the ARN wins.",
            example="calls=call,scorecards=scorecard",
        ),
    ] = msgspec.field(default_factory=lambda: {"calls": "call", "scorecards": "scorecard"})
    salesforce_instance: Annotated[
        str,
        about(
            "The Salesforce that task, case, matter, user and customer_contact are read from: your My Domain, "
            "`https://NAME.my.salesforce.com`. Empty: they are only loaded from files."
        ),
    ] = ""
    salesforce_credentials: Annotated[
        str,
        about(
            "Where its client_id and client_secret are, as JSON text: `env:NAME`, `file:PATH`, `ssm:NAME` or "
            "`secretsmanager:NAME`. Never the secret itself."
        ),
    ] = ""
    contact_link: Annotated[
        tuple[str, ...],
        about(
            "How a contact is linked to Salesforce's cases and tasks: `attribute:NAME`, a contact attribute with a "
            "case's id or number, and `task:COLUMN`, a column of tasks with the contact's id. A server's views take it "
            "over by `trunkline warehouse install`.",
            example="attribute:crmCaseId,task:call_object",
        ),
    ] = ("attribute:crmCaseId", "task:call_object")
    dynamodb_deletes: Annotated[
        Literal["all", "users", "none"],
        about("Which removals of items delete rows: `all`, `users` (not those by time to live) or `none`."),
    ] = "all"
    scorecard_zone: Annotated[
        str,
        about("IANA time zone of a scorecard's `datetime`, which names none; its day in the lake depends on it."),
    ] = "UTC"
    dead_letter_retention_days: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=3650)], about("Days to keep the bytes of dead letters, 1 to 3,650.")
    ] = 90
    batch_bytes: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=2 * BATCH_BYTES_MAX)],
        about("Decoded bytes of one batch, at most. The first batches of files are smaller. Rows do not depend on it."),
    ] = BATCH_BYTES_MAX
    connect_instances: Annotated[
        tuple[str, ...], about("ARNs of the Connect instances to collect from; an ARN names Region and account.")
    ] = ()
    connect_roles: Annotated[
        dict[str, str],
        about(
            "Role to assume, by account; other accounts use the credentials of the environment.",
            example="111122223333=arn:aws:iam::111122223333:role/trunkline",
        ),
    ] = {}
    connect_endpoint: Annotated[
        str, about("URL of the Connect API where it is not AWS's own, such as the emulator's.")
    ] = ""
    connect_share: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=1)],
        about("Share of each quota of the Connect API that the collector uses, above 0, at most 1."),
    ] = 0.5
    connect_quota: Annotated[
        dict[str, Annotated[float, msgspec.Meta(gt=0)]],
        about(
            "Calls a second that AWS allows your account, by operation, where it has raised a quota.",
            example="SearchContacts=2",
        ),
    ] = {}
    collect_schedule: Annotated[str, about("When windows are collected: EventBridge's `cron(...)` or `rate(...)`.")] = (
        COLLECT_SCHEDULE
    )
    collect_zone: Annotated[str, about("IANA time zone of that schedule.")] = COLLECT_ZONE
    collect_again_h: Annotated[
        tuple[Hours, ...],
        about("Hours after which a window is read again, for contacts that complete late."),
    ] = (12, 168)
    collect_describe: Annotated[
        Literal["missing", "all", "never"],
        about("DescribeContact for contacts `missing` here or open when last read, for `all`, or `never`."),
    ] = "missing"
    objects_folder: Annotated[
        str,
        about(
            "Folder of your own objects (`objects.toml`, `objects/`, `hooks/`); a relative path begins at the home. "
            "Empty: the home; in a Lambda function the folder `own_objects` of its zip, where it has one."
        ),
    ] = ""
    sheets_endpoint: Annotated[
        str, about("URL of the Google Sheets API where it is not Google's own: a server on this machine, for tests.")
    ] = ""
    run_sources: Annotated[
        dict[str, str],
        about(
            "Where `trunkline run` reads an object: a path, `s3://bucket/prefix`, `dynamodb://TABLE`, or `lake://` for "
            "what others put into the lake, such as the Lambda functions of streams.",
            example="call=dynamodb://calls,agent_event=s3://bucket/agent-events/",
        ),
    ] = {}
    run_schedules: Annotated[
        dict[str, str],
        about(
            "When an object is run, by object: EventBridge's `cron(...)` or `rate(...)`; hourly by default. What is "
            "collected from the Connect API has `collect_schedule`.",
            example="call=rate(1 hour),scorecard=cron(15 6 * * ? *)",
        ),
    ] = {}
    run_zone: Annotated[str, about("IANA time zone of those schedules.")] = "UTC"
    run_topic: Annotated[
        str,
        about("ARN of the SNS topic that gets a message for a failed run, and for the first that succeeds after one."),
    ] = ""
    idempotency_table: Annotated[
        str,
        about("DynamoDB table with which functions send the message of a run once (needs `trunkline[functions]`)."),
    ] = ""
    up_streams: Annotated[
        dict[str, str],
        about(
            "Streams that `trunkline up` follows, with the objects that each one holds.",
            example="kinesis://connect-ctr-stream=contact_record+agent_event",
        ),
    ] = {}
    serve_streams: Annotated[
        tuple[str, ...],
        about("Streams that `trunkline serve` reads: `kinesis://STREAM`, and `sqs://QUEUE` that nobody else reads."),
    ] = ()
    serve_session_hours: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=8_760)],
        about("Hours after which a browser needs the wallboard's token again."),
    ] = SESSION_HOURS_DEFAULT
    live_store: Annotated[
        str,
        about(
            "Store of time series that live points are written to: `memory:`, `prometheus:`, "
            "`influx+http://host:8086/database`, or `timestream://database/table`."
        ),
    ] = "memory:"
    letter_queue: Annotated[
        str,
        about("URL of the SQS queue to which `persist_*` functions send what they cannot use. Empty: they log it."),
    ] = ""
    firehose_object: Annotated[
        str,
        about("The object that the function `firehose_framing` keeps, such as `contact_record`. Empty: all."),
    ] = ""
    memory_mb: Annotated[
        Annotated[int, msgspec.Meta(ge=64)],
        about("Memory limit of the embedded engine, MB; the process needs some 300 MB beyond it."),
    ] = 400
    threads: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=256)],
        about("Threads of the engine and of flattening. Default: the machine's cores."),
    ] = msgspec.field(default_factory=lambda: os.cpu_count() or 1)
