"""IAM statements of the functions, from their grants and the resources of one installation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trunkline.deploy.functions import Event, Grant, Kind, LambdaFunction

Statement = dict[str, Any]
TRACES_OF_MACHINES: Final = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
LOGS_OF_MACHINES: Final = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
"""What a state machine needs for its traces and its log."""
UNSCOPED: Final[Mapping[str, str]] = {
    "redshift-data:DescribeStatement": "statements have no ARN; the condition admits the caller's own only",
    "redshift-data:GetStatementResult": "statements have no ARN; the condition admits the caller's own only",
    "redshift-data:CancelStatement": "statements have no ARN; the condition admits the caller's own only",
    "redshift-data:ListStatements": "statements have no ARN; the condition admits the caller's own only",
    "timestream:DescribeEndpoints": "the service has no resource for it",
    **dict.fromkeys(TRACES_OF_MACHINES, "X-Ray has no resource for it"),
    **dict.fromkeys(
        LOGS_OF_MACHINES, "Step Functions sets up the delivery of its logs, which has no resource of its own"
    ),
}
"""Actions that IAM grants on `*` alone, with the reason."""
_OWN_STATEMENTS: Final = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}
_BUCKET_ACTIONS: Final = ("s3:ListBucket", "s3:GetBucketLocation")
_INSTANCE_ACTIONS: Final[Mapping[str, str]] = {
    # Service Authorization Reference: what each action is checked against. The others name the instance.
    "connect:ListQueues": "/queue/*",
    "connect:DescribeContact": "/contact/*",
    "connect:DescribeQueue": "/queue/*",
    "connect:DescribeRoutingProfile": "/routing-profile/*",
    "connect:DescribeUser": "/agent/*",
    "connect:DescribeUserHierarchyGroup": "/agent-group/*",
    "connect:GetCurrentMetricData": "/*",
    "connect:GetCurrentUserData": "/*",
}
_REDSHIFT_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "redshift-data:ExecuteStatement": (":cluster:", ":workgroup/"),
    "redshift-data:BatchExecuteStatement": (":cluster:", ":workgroup/"),
    "redshift:GetClusterCredentials": (":dbname:", ":dbuser:"),
    "redshift-serverless:GetCredentials": (":workgroup/",),
    "secretsmanager:GetSecretValue": (":secret:",),
}
READS: Final[Mapping[Event, tuple[Kind, ...]]] = {
    "kinesis": ("stream", "agent_stream"),
    "dynamodb": ("tables",),
    "sqs": ("event_queue", "transcript_queue"),
}
"""Which resources Lambda itself reads for an event, with the function's role."""
_POLLING: Final[Mapping[Event, tuple[str, ...]]] = {
    "kinesis": (
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    ),
    "dynamodb": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
}


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of one installation: ARNs by kind, and the ARNs of KMS keys that encrypt them, by kind.

    A kind that is absent does not exist there. `prefixes` are those of a bucket's keys, where only some matter; the
    ARNs of `sources` end in the prefix of each, since every one has its own.
    """

    arns: Mapping[Kind, Sequence[str]]
    keys: Mapping[Kind, str] = field(default_factory=dict)
    prefixes: Mapping[Kind, Sequence[str]] = field(default_factory=dict)
    region: str = "eu-west-2"


def statements(function: LambdaFunction, resources: Resources, events: Sequence[Event]) -> list[Statement]:
    """What a function's role allows besides its log: what its code calls, and what Lambda does for its triggers."""
    allowed = [each for grant in function.grants for each in _granted(grant, resources)]
    for event in events:
        for kind in READS.get(event, ()):
            if arns := resources.arns.get(kind):
                allowed.append(_allow(_POLLING[event], arns))
                allowed += _decrypt(kind, resources, event)
    if set(events) & {"kinesis", "dynamodb"} and (failures := resources.arns.get("failures")):
        allowed.append(_allow(("s3:PutObject",), [f"{arn}/aws/lambda/*" for arn in failures]))
        allowed.append(_allow(("s3:ListBucket",), failures))
    if "schedule" in events and (queues := resources.arns.get("undelivered")):
        allowed.append(_allow(("sqs:SendMessage",), queues))
    return _merged(allowed)


def _granted(grant: Grant, resources: Resources) -> Iterator[Statement]:
    arns = resources.arns.get(grant.kind, ())
    if grant.kind == "sources":
        yield from (_in_folder(action, arn) for arn in arns for action in grant.actions)
    for action in grant.actions if arns and grant.kind != "sources" else ():
        targets = _targets(action, grant, arns, resources)
        if targets:
            yield _allow((action,), targets, _condition(action, grant, resources))
    if arns:
        yield from _key_use(grant, resources)


def _in_folder(action: str, arn: str) -> Statement:
    """An action of S3 on one prefix of one bucket: `arn:aws:s3:::bucket/prefix`."""
    bucket, _, prefix = arn.partition("/")
    if action in _BUCKET_ACTIONS:
        return _allow((action,), [bucket], {"StringLike": {"s3:prefix": [f"{prefix}*"]}})
    return _allow((action,), [f"{arn}*"])


def _targets(action: str, grant: Grant, arns: Sequence[str], resources: Resources) -> list[str]:
    if action in UNSCOPED:
        return ["*"]
    service = action.partition(":")[0]
    if service == "s3" and action not in _BUCKET_ACTIONS:
        return [f"{arn}/{prefix}*" for arn in arns for prefix in _prefixes(grant, resources) or ("",)]
    if service == "connect":
        return [arn + _INSTANCE_ACTIONS.get(action, "") for arn in arns]
    if grant.kind == "redshift":
        return [arn for arn in arns if any(part in arn for part in _REDSHIFT_PARTS[action])]
    return list(arns)


def _prefixes(grant: Grant, resources: Resources) -> Sequence[str]:
    return grant.prefixes or resources.prefixes.get(grant.kind, ())


def _condition(action: str, grant: Grant, resources: Resources) -> Statement:
    if action == "s3:ListBucket" and (prefixes := _prefixes(grant, resources)):
        return {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    if UNSCOPED.get(action, "").startswith("statements"):
        return _OWN_STATEMENTS
    return {}


def _key_use(grant: Grant, resources: Resources) -> Iterator[Statement]:
    """What the service does with the key for a call: only through that service, and in this Region."""
    key = resources.keys.get(grant.kind)
    if key is None:
        return
    service = {"letters": "sqs", "topic": "sns", "pii_key": "secretsmanager", "live_token": "secretsmanager"}.get(
        grant.kind, "s3"
    )
    uses = {
        "s3:GetObject": ("kms:Decrypt",),
        "s3:PutObject": ("kms:Decrypt", "kms:GenerateDataKey"),  # a multipart upload decrypts its own parts
        "sns:Publish": ("kms:Decrypt", "kms:GenerateDataKey"),
        "sqs:SendMessage": ("kms:Decrypt", "kms:GenerateDataKey"),
        "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    }
    actions = sorted({use for action in grant.actions for use in uses.get(action, ())})
    if actions:
        yield _allow(actions, [key], _via(service, resources.region))


def _decrypt(kind: Kind, resources: Resources, event: Event) -> list[Statement]:
    key = resources.keys.get(kind)
    return [] if key is None else [_allow(("kms:Decrypt",), [key], _via(event, resources.region))]


def _via(service: str, region: str) -> Statement:
    return {"StringEquals": {"kms:ViaService": f"{service}.{region}.amazonaws.com"}}


def _allow(actions: Sequence[str], targets: Sequence[str], condition: Statement | None = None) -> Statement:
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(targets)}
    return statement | ({"Condition": condition} if condition else {})


def _merged(allowed: Sequence[Statement]) -> list[Statement]:
    """Statements of the same resources and condition as one, in order of their first action; nothing twice."""
    merged: dict[str, Statement] = {}
    for statement in allowed:
        place = repr((statement["Resource"], statement.get("Condition")))
        combined = merged.setdefault(place, statement | {"Action": []})
        combined["Action"] = sorted({*combined["Action"], *statement["Action"]})
    return list(merged.values())
