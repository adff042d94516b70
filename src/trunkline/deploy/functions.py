"""Every Lambda function as it is deployed: its zip, triggers, variables, and what its code may call.

A grant names a resource by kind; `policies.py` makes IAM statements of it for the resources of one installation. A
grant whose kind an installation does not have is left out. `tests/handlers/test_permissions.py` runs each handler,
records its calls, and fails where a function may do more than that, or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from trunkline.objects.catalogue import OBJECTS

Kind = Literal[
    "lake",
    "rows",
    "transcripts",
    "staging",
    "releases",
    "letters",
    "instances",
    "redshift",
    "installer",
    "live_table",
    "live_service",
    "pii_key",
    "live_token",
    "stream",
    "agent_stream",
    "tables",
    "event_queue",
    "transcript_queue",
    "failures",
    "sources",
    "topic",
    "machines",
    "undelivered",
]
"""A kind of resource that an installation may have.

`rows` are the folders of chosen objects in the lake, `staging` is where a load puts files for COPY, `undelivered` where
Lambda sends events that a function failed, `installer` the function that installs the warehouse. `live_service` is
Timestream itself, which has no resource.
"""
Event = Literal["kinesis", "dynamodb", "sqs", "eventbridge", "schedule", "firehose", "s3", "api", "cloudformation"]

_LEDGER: Final = ("_ledger/", "_dead_letter_bytes/")


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be called on resources of one kind. `prefixes` narrow it to keys of a bucket.

    `reason` is set where no call needs the action by its name, and says what does.
    """

    kind: Kind
    actions: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """One function. `name` is the default in AWS, `package` its zip, `events` what may trigger it.

    `is_single`: a reserved concurrency of 1, because one process owns a home or a quota.
    """

    name: str
    module: str
    package: Literal["light", "full"]
    purpose: str
    events: tuple[Event, ...]
    grants: tuple[Grant, ...]
    timeout_s: int
    memory_mb: int
    is_single: bool = False

    @property
    def handler(self) -> str:
        """The entry point, as Lambda's configuration has it."""
        return f"trunkline.handlers.{self.module}.handler"


def _folders(*names: str) -> tuple[str, ...]:
    """The prefixes of objects' rows and of the ledger in the lake."""
    return (*(f"{OBJECTS[name].lake_folder}/" for name in names), *_LEDGER)


def _lake(*names: str) -> tuple[Grant, ...]:
    """Rows and ledger entries of objects: written once, and read back to know what is there."""
    return (
        Grant("lake", ("s3:PutObject",), _folders(*names)),
        Grant("lake", ("s3:GetObject",), ("_ledger/",)),
        Grant("lake", ("s3:ListBucket",), ("_ledger/",), "without it S3 answers 403 for an object that does not exist"),
        _secret("pii_key"),
    )


def _secret(kind: Literal["pii_key", "live_token"]) -> Grant:
    return Grant(kind, ("secretsmanager:GetSecretValue",))


_READ_TRANSCRIPTS: Final = (
    Grant("transcripts", ("s3:GetObject",)),
    Grant("transcripts", ("s3:ListBucket",), (), "without it S3 answers 403 for an object that does not exist"),
)
_LIVE: Final = (
    Grant("live_table", ("timestream:WriteRecords",)),
    Grant("live_service", ("timestream:DescribeEndpoints",)),
    _secret("live_token"),
)
_LETTERS: Final = Grant("letters", ("sqs:SendMessage",))
_READ_INSTANCE: Final = ("connect:ListQueues", "connect:ListUsers")
_RUN_STATEMENTS: Final = (
    "redshift-data:ExecuteStatement",
    "redshift-data:DescribeStatement",
    "redshift-data:CancelStatement",
)
_SIGN_IN: Final = Grant(
    "redshift",
    ("redshift:GetClusterCredentials", "redshift-serverless:GetCredentials", "secretsmanager:GetSecretValue"),
    (),
    "the Data API signs in with the caller's permissions",
)
WAREHOUSE: Final = (
    Grant(
        "redshift",
        (
            "redshift-data:BatchExecuteStatement",
            "redshift-data:ExecuteStatement",
            "redshift-data:DescribeStatement",
            "redshift-data:GetStatementResult",
        ),
    ),
    _SIGN_IN,
)
"""To run statements in the warehouse and to read their results."""
CANCEL: Final = Grant(
    "redshift", ("redshift-data:CancelStatement",), (), "a statement that takes too long is cancelled"
)
LIST_STATEMENTS: Final = Grant("redshift", ("redshift-data:ListStatements",))
STAGING: Final = Grant("staging", ("s3:PutObject", "s3:ListBucket", "s3:DeleteObject"))
"""To put files there for COPY, and to remove them."""

FUNCTIONS: Final[Mapping[str, LambdaFunction]] = {
    function.module: function
    for function in (
        LambdaFunction(
            name="event_processor",
            module="event_processor",
            package="full",
            purpose="contact records, agent events and contact events into the lake",
            events=("kinesis", "sqs", "eventbridge"),
            grants=_lake("contact_record", "agent_event", "contact_event"),
            timeout_s=120,
            memory_mb=1024,
        ),
        LambdaFunction(
            name="stream_processor",
            module="stream_processor",
            package="full",
            purpose="changes of DynamoDB tables into the lake, with the transcripts of calls",
            events=("dynamodb",),
            grants=(*_lake("call", "scorecard", "transcript"), *_READ_TRANSCRIPTS),
            timeout_s=120,
            memory_mb=1024,
        ),
        LambdaFunction(
            name="transcript_arrived",
            module="transcript_arrived",
            package="full",
            purpose="transcripts that S3 notifies of into the lake",
            events=("sqs", "eventbridge", "s3"),
            grants=(*_lake("transcript"), *_READ_TRANSCRIPTS),
            timeout_s=120,
            memory_mb=1024,
        ),
        LambdaFunction(
            name="boto3_connect_redshift",
            module="collect",
            package="full",
            purpose="contacts through the Connect API, by schedule",
            events=("schedule",),
            grants=(
                Grant("lake", ("s3:PutObject", "s3:GetObject"), ("connect_datalake/contact_record/", "_ledger/")),
                Grant("lake", ("s3:ListBucket",), ("_ledger/",)),
                Grant("lake", ("s3:DeleteObject",), ("_ledger/plan/",)),
                Grant(
                    "lake",
                    ("s3:PutObject",),
                    ("_dead_letter_bytes/",),
                    "a contact of the API that is no valid record is set aside with its bytes",
                ),
                _secret("pii_key"),
                Grant(
                    "instances",
                    (
                        "connect:SearchContacts",
                        "connect:DescribeContact",
                        *_READ_INSTANCE,
                        "connect:ListUserHierarchyGroups",
                    ),
                ),
                *WAREHOUSE,
                CANCEL,
                LIST_STATEMENTS,
                STAGING,
            ),
            timeout_s=900,
            memory_mb=1024,
            is_single=True,
        ),
        LambdaFunction(
            name="persist_agent_event",
            module="persist_agent_event",
            package="light",
            purpose="a point of a time series for each agent event",
            events=("kinesis",),
            grants=(*_LIVE, _LETTERS),
            timeout_s=60,
            memory_mb=256,
        ),
        LambdaFunction(
            name="persist_contact_event",
            module="persist_contact_event",
            package="light",
            purpose="a point of a time series for each contact event",
            events=("eventbridge", "sqs"),
            grants=(*_LIVE, _LETTERS),
            timeout_s=60,
            memory_mb=256,
        ),
        LambdaFunction(
            name="persist_instance_data",
            module="persist_instance_data",
            package="light",
            purpose="queues, agents and routing profiles as the Connect API has them now",
            events=("schedule",),
            grants=(
                *_LIVE,
                Grant(
                    "instances",
                    (
                        *_READ_INSTANCE,
                        "connect:ListRoutingProfiles",
                        "connect:GetCurrentMetricData",
                        "connect:GetCurrentUserData",
                    ),
                ),
            ),
            timeout_s=60,
            memory_mb=256,
            is_single=True,
        ),
        LambdaFunction(
            name="firehose_framing",
            module="firehose_framing",
            package="light",
            purpose="ends each record that Firehose delivers with a newline",
            events=("firehose",),
            grants=(),
            timeout_s=300,
            memory_mb=256,
        ),
        LambdaFunction(
            name="RedshiftS3SP2",
            module="release",
            package="light",
            purpose="runs the release of stored procedures in S3, or one procedure",
            events=("api", "eventbridge"),
            grants=(
                Grant("releases", ("s3:GetObject", "s3:PutObject", "s3:ListBucket")),
                Grant("redshift", _RUN_STATEMENTS),
                _SIGN_IN,
            ),
            timeout_s=900,
            memory_mb=256,
        ),
        LambdaFunction(
            name="trunkline_install_warehouse",
            module="install_warehouse",
            package="full",
            purpose="installs the warehouse's schemas, tables, views and procedures, for the stack that deploys them",
            events=("cloudformation",),
            grants=(
                *WAREHOUSE,
                Grant("installer", ("lambda:InvokeFunction",)),
            ),
            timeout_s=900,
            memory_mb=256,
        ),
    )
}
"""Every function by its module in `trunkline.handlers`."""
