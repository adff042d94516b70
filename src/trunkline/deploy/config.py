"""What a deployment is chosen by: one section of `trunkline-deploy.toml` each, with every default.

Every name that the mission's documents use is a default. A resource that exists is given by its ARN, and is then used
and never changed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from trunkline.limits import (
    COLLECT_SCHEDULE,
    COLLECT_ZONE,
    TIMESTREAM_MAGNETIC_DAYS_MAX,
    TIMESTREAM_MEMORY_HOURS_MAX,
)

Arn = Annotated[str, msgspec.Meta(extra={"is_arn": True})]
Positive = Annotated[int, msgspec.Meta(ge=1)]
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]


def _help(text: str) -> Any:
    return msgspec.Meta(description=text)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class Installation(Section, frozen=True, kw_only=True):
    """Where, and what holds for every resource."""

    account: Annotated[str, _help("The AWS account's number.")] = ""
    region: Annotated[str, _help("The Region of everything but Timestream.")] = "eu-west-2"
    prefix: Annotated[
        str, _help("Put before the names of stacks, functions and alarms, where one account has two.")
    ] = ""
    architecture: Annotated[Literal["arm64", "x86_64"], _help("The functions' processor.")] = "arm64"
    python: Annotated[Literal["3.12", "3.13"], _help("The functions' runtime; `make packages` builds for 3.13.")] = (
        "3.13"
    )
    packages: Annotated[str, _help("The folder with the zips of `make packages`.")] = "build/lambda"
    log_retention_days: Annotated[LogDays, _help("How long logs are kept; CloudWatch's own steps.")] = 90
    xray: Annotated[bool, _help("Trace functions, state machines and the API with X-Ray.")] = False
    permissions_boundary: Annotated[Arn, _help("ARN of a policy that bounds every role.")] = ""

    @property
    def partition(self) -> str:
        """The part of AWS that the Region belongs to, as ARNs begin with it."""
        special = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
        return next((name for start, name in special.items() if self.region.startswith(start)), "aws")


class Lake(Section, frozen=True, kw_only=True):
    """The bucket, its catalogue, and who may query it."""

    bucket: Annotated[str, _help("Empty: post-call-analytics-<account>-<region>.")] = ""
    bucket_arn: Annotated[Arn, _help("A bucket that exists, instead.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of the bucket. Empty: one is made, unless the bucket exists.")] = ""
    old_versions_days: Annotated[Positive, _help("How long overwritten and removed objects can be restored.")] = 30
    pii_key_secret: Annotated[Arn, _help("The secret that has TRUNKLINE_PII_KEY. Empty: personal data is dropped.")] = (
        ""
    )
    register_tables: Annotated[bool, _help("Put the catalogue's tables into Glue, partitions projected.")] = True
    crawlers: Annotated[bool, _help("The documents' hourly crawlers as well; projected tables need none.")] = False
    scan_limit_gb: Annotated[Positive, _help("What one query in Athena may read.")] = 100
    lake_formation: Annotated[bool, _help("Tag each column with its class of personal data.")] = False


class Tables(Section, frozen=True, kw_only=True):
    """DynamoDB tables whose changes are followed. `trunkline enable-stream` prints a table's stream."""

    calls_stream: Annotated[Arn, _help("ARN of the stream of the table `calls`.")] = ""
    scorecards_stream: Annotated[Arn, _help("ARN of the stream of the table `scorecards`.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of the tables, where they have one of yours.")] = ""


class Transcripts(Section, frozen=True, kw_only=True):
    """The bucket that Transcribe or Contact Lens writes to; EventBridge must be on for it."""

    bucket_arn: Annotated[Arn, _help("The bucket. Empty: no transcripts.")] = ""
    key_arn: Annotated[Arn, _help("Its KMS key, where it has one.")] = ""
    prefixes: Annotated[tuple[str, ...], _help("What its transcripts' keys begin with.")] = (
        "transcripts/",
        "analytics/",
        "redacted-analytics/",
    )


class Streams(Section, frozen=True, kw_only=True):
    """Contact records and agent events in Kinesis, contact events in EventBridge."""

    is_on: Annotated[bool, _help("Whether streams are read at all.")] = True
    contact_stream: Annotated[str, _help("The stream of contact records that is made.")] = "connect-ctr-stream"
    contact_stream_arn: Annotated[Arn, _help("A stream that exists, instead.")] = ""
    agent_stream_arn: Annotated[Arn, _help("A stream of its own for agent events, as AWS advises.")] = ""
    key_arn: Annotated[Arn, _help("The KMS key of existing streams, where they have one of yours.")] = ""
    retention_hours: Annotated[Annotated[int, msgspec.Meta(ge=24, le=8760)], _help("Of the stream that is made.")] = 168
    firehose: Annotated[bool, _help("Keep the raw records as well, by Firehose, under raw/ in the lake's bucket.")] = (
        False
    )
    contact_events: Annotated[bool, _help("Follow contact events.")] = True


class Connect(Section, frozen=True, kw_only=True):
    """The Connect API: contacts collected on a schedule."""

    instances: Annotated[tuple[Arn, ...], _help("ARNs of instances.")] = ()
    collect: Annotated[bool, _help("Collect contacts through the API, which heals what a stream lost.")] = False
    schedule: Annotated[str, _help("EventBridge's cron or rate.")] = "cron(40 0/2 * * ? *)"
    zone: Annotated[str, _help("IANA time zone of that schedule.")] = "America/New_York"


class WarehouseChoice(Section, frozen=True, kw_only=True):
    """Redshift, and the function RedshiftS3SP2 that runs releases of stored procedures."""

    mode: Annotated[Literal["none", "cluster", "serverless"], _help("An existing cluster, or a new workgroup.")] = (
        "none"
    )
    cluster: Annotated[str, _help("The existing cluster.")] = "daab-redshift-cluster-jr-bedrock"
    workgroup: Annotated[str, _help("The serverless workgroup that is made.")] = "trunkline"
    base_rpu: Annotated[Annotated[int, msgspec.Meta(ge=4, le=512)], _help("Its base capacity.")] = 8
    subnet_ids: Annotated[tuple[str, ...], _help("Its subnets, three of them. Empty: the default VPC's.")] = ()
    database: Annotated[str, _help("The database.")] = "dev"
    user: Annotated[str, _help("The database user of the cluster; better one that may call the procedures alone.")] = (
        "awsuser"
    )
    secret: Annotated[Arn, _help("A secret to sign in with, instead of the user.")] = ""
    install: Annotated[
        bool, _help("Whether the stack installs schemas, tables, views and procedures, and migrates them.")
    ] = True
    install_user: Annotated[
        str, _help("The cluster's user who installs and so owns them. Empty: the user or the secret above.")
    ] = ""
    zone: Annotated[str, _help("IANA time zone of the star's local keys, as the setting zone of what loads.")] = "UTC"
    release_bucket: Annotated[str, _help("The bucket with the releases.")] = "daab-lab-jfr-datalake"
    release_prefix: Annotated[str, _help("What their keys begin with.")] = "Redshift/Rel"
    release_schedule: Annotated[str, _help("When the release runs, EventBridge's cron or rate. Empty: by hand.")] = ""
    api: Annotated[bool, _help("An API of API Gateway that runs a release, with IAM authorization.")] = False


class Orchestration(Section, frozen=True, kw_only=True):
    """The state machines of objects, which run them from their source into the warehouse."""

    objects: Annotated[
        tuple[str, ...], _help("Objects with a state machine, such as contact_record. Empty: no state machines.")
    ] = ()
    sources: Annotated[
        tuple[str, ...],
        _help(
            "Where objects are read, OBJECT=s3://bucket/prefix, or OBJECT=lake:// for what functions of streams and "
            "tables put into the lake. Not for objects of the Connect API, as contact_record."
        ),
    ] = ()
    key_arn: Annotated[Arn, _help("The key that encrypts what is read there and in backfill, where one does.")] = ""
    backfill: Annotated[
        tuple[str, ...],
        _help(
            "Where files of backfills and their lists are, s3://bucket/prefix. Empty: no state machine of backfills."
        ),
    ] = ()
    schedule: Annotated[str, _help("When each is run, EventBridge's cron or rate.")] = COLLECT_SCHEDULE
    zone: Annotated[str, _help("IANA time zone of that schedule.")] = COLLECT_ZONE
    trigger: Annotated[
        Literal["scheduler", "rules"], _help("EventBridge Scheduler in that zone, or EventBridge rules in UTC.")
    ] = "scheduler"


class Live(Section, frozen=True, kw_only=True):
    """Points for boards, written by three functions."""

    store: Annotated[Literal["none", "influx", "timestream"], _help("Timestream admits no new customers.")] = "none"
    url: Annotated[str, _help("`influx+https://host:8086/database` of an InfluxDB server.")] = ""
    token_secret: Annotated[Arn, _help("The secret that has its token.")] = ""
    region: Annotated[str, _help("Timestream's Region; it has none in eu-west-2.")] = "eu-west-1"
    database: Annotated[str, _help("Timestream's database.")] = "connect_live"
    table: Annotated[str, _help("Its table.")] = "live"
    memory_hours: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=TIMESTREAM_MEMORY_HOURS_MAX)], _help("In the memory store.")
    ] = 24
    magnetic_days: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=TIMESTREAM_MAGNETIC_DAYS_MAX)], _help("In the magnetic store.")
    ] = 365
    grafana: Annotated[bool, _help("A workspace of Amazon Managed Grafana (needs IAM Identity Center).")] = False


class Watch(Section, frozen=True, kw_only=True):
    """Alarms and cost."""

    email: Annotated[str, _help("Where alarms are sent. Empty: alarms without a receiver.")] = ""
    iterator_age_minutes: Annotated[Positive, _help("How far a function may lag behind a stream.")] = 15
    monthly_budget_usd: Annotated[Annotated[int, msgspec.Meta(ge=0)], _help("0: no budget.")] = 0


class DeployConfig(Section, frozen=True, kw_only=True):
    """A deployment, one table a section."""

    installation: Installation = Installation()
    lake: Lake = Lake()
    tables: Tables = Tables()
    transcripts: Transcripts = Transcripts()
    streams: Streams = Streams()
    connect: Connect = Connect()
    warehouse: WarehouseChoice = WarehouseChoice()
    orchestration: Orchestration = Orchestration()
    live: Live = Live()
    watch: Watch = Watch()

    @property
    def bucket(self) -> str:
        """The name of the lake's bucket."""
        place = self.installation
        made = self.lake.bucket or f"post-call-analytics-{place.account}-{place.region}"
        return self.lake.bucket_arn.rpartition(":")[2] or made

    def named(self, name: str) -> str:
        """A name with the deployment's prefix."""
        return f"{self.installation.prefix}-{name}" if self.installation.prefix else name
