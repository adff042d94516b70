"""What a function calls, judged by the statements of its role as IAM would judge them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
from aws_calls import AwsCall, recorded_calls
from transcript_files import TALK, transcribe

from trunkline.aws.errors import iam_action
from trunkline.deploy.functions import Kind, LambdaFunction
from trunkline.deploy.policies import UNSCOPED, Resources, statements
from trunkline.simulator.centre.centre import INSTANCE_ARN

REGION, ACCOUNT = "us-east-1", "123456789012"  # moto's account
OPERATIONS = (
    "SearchContacts", "DescribeContact", "ListQueues", "ListUsers", "ListUserHierarchyGroups", "ListRoutingProfiles",
    "GetCurrentUserData", "GetCurrentMetricData",
)  # fmt: skip
NONE: tuple[set[str], set[str]] = (set(), set())
"""No call that is denied, and no permission that is unused."""


class Context:
    """What Lambda gives a function."""

    aws_request_id = "request-1"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 600_000


@dataclass
class Account:
    """An emulated account with what functions need, and the ARNs of it by kind."""

    environ: pytest.MonkeyPatch
    arns: dict[Kind, list[str]] = field(default_factory=dict)
    prefixes: dict[Kind, list[str]] = field(default_factory=dict)

    def bucket(self, kind: Kind, name: str) -> Any:
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket=name)
        self.arns[kind] = [f"arn:aws:s3:::{name}"]
        return client

    def secret(self, kind: Kind, variable: str) -> None:
        arn = boto3.client("secretsmanager", region_name=REGION).create_secret(Name=kind, SecretString="a" * 40)["ARN"]
        self.arns[kind] = [arn]
        self.environ.setenv(variable, f"secretsmanager:{arn}")

    def lake(self) -> Any:
        self.environ.setenv("ANALYTICS_BUCKET", "lake")
        self.secret("pii_key", "TRUNKLINE_PII_KEY")
        return self.bucket("lake", "lake")

    def transcripts(self) -> None:
        self.environ.setenv("TRANSCRIBE_BUCKET", "recordings")
        client = self.bucket("transcripts", "recordings")
        body = json.dumps(transcribe(TALK, "channel")).encode()
        client.put_object(Bucket="recordings", Key="transcripts/there.json", Body=body)
        client.put_object(Bucket="recordings", Key="transcripts/broken.json", Body=b"{")

    def live(self) -> None:
        client = boto3.client("timestream-write", region_name="eu-west-1")
        client.create_database(DatabaseName="live")
        client.create_table(DatabaseName="live", TableName="points")
        self.arns["live_table"] = [f"arn:aws:timestream:eu-west-1:{ACCOUNT}:database/live/table/points"]
        self.arns["live_service"] = ["*"]
        self.secret("live_token", "TRUNKLINE_LIVE_TOKEN")
        self.environ.setenv("TRUNKLINE_LIVE_STORE", "timestream://live/points?region=eu-west-1")

    def letters(self) -> None:
        url = boto3.client("sqs", region_name=REGION).create_queue(QueueName="letters")["QueueUrl"]
        self.arns["letters"] = [f"arn:aws:sqs:{REGION}:{ACCOUNT}:letters"]
        self.environ.setenv("TRUNKLINE_LETTER_QUEUE", url)

    def instance(self, url: str) -> None:
        self.arns["instances"] = [INSTANCE_ARN]
        self.environ.setenv("TRUNKLINE_CONNECT_INSTANCES", INSTANCE_ARN)
        self.environ.setenv("TRUNKLINE_CONNECT_ENDPOINT", url)
        self.environ.setenv("TRUNKLINE_CONNECT_QUOTA", ",".join(f"{name}=1000" for name in OPERATIONS))

    def redshift(self) -> None:
        self.arns["redshift"] = [
            f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:analytics",
            f"arn:aws:redshift:{REGION}:{ACCOUNT}:dbname:analytics/dev",
            f"arn:aws:redshift:{REGION}:{ACCOUNT}:dbuser:analytics/loader",
        ]
        for name, value in {"CLUSTER_ID": "analytics", "DATABASE": "dev", "DB_USER": "loader"}.items():
            self.environ.setenv(name, value)

    def warehouse(self, url: str) -> None:
        self.redshift()
        self.environ.setenv("TRUNKLINE_WAREHOUSE", url)


def resources_of(made: AwsCall) -> list[str]:
    """The ARN that IAM checks a call against; several where the call concerns several."""
    given, action = made.parameters, iam_action(made.service, made.operation)
    if action in UNSCOPED:
        return ["*"]
    if made.service == "s3":
        keys = [each["Key"] for each in given["Delete"]["Objects"]] if "Delete" in given else [given.get("Key")]
        return [f"arn:aws:s3:::{given['Bucket']}" + (f"/{key}" if key else "") for key in keys]
    if made.service == "connect":
        parts = {
            "ListQueues": "/queue/*", "DescribeContact": f"/contact/{given.get('ContactId')}",
            "GetCurrentMetricData": "/queue/q", "GetCurrentUserData": "/queue/q",
            "DescribeQueue": f"/queue/{given.get('QueueId')}", "DescribeUser": f"/agent/{given.get('UserId')}",
            "DescribeRoutingProfile": f"/routing-profile/{given.get('RoutingProfileId')}",
            "DescribeUserHierarchyGroup": f"/agent-group/{given.get('HierarchyGroupId')}",
        }  # fmt: skip
        return [INSTANCE_ARN.rpartition("/")[0] + "/" + given["InstanceId"] + parts.get(made.operation, "")]
    by_service: dict[str, Callable[[], str]] = {
        "lambda": lambda: given["FunctionName"],
        "secretsmanager": lambda: given["SecretId"],
        "sqs": lambda: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{given['QueueUrl'].rpartition('/')[2]}",
        "timestream": lambda: (
            f"arn:aws:timestream:eu-west-1:{ACCOUNT}:database/{given['DatabaseName']}/table/{given['TableName']}"
        ),
        "sns": lambda: given["TopicArn"],
        "states": lambda: given["stateMachineArn"],
        "redshift-data": lambda: f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:{given['ClusterIdentifier']}",
    }
    return [by_service[made.service]()]


@dataclass(frozen=True)
class Permission:
    """One action on one resource, on condition of a prefix where the bucket's listing is limited."""

    action: str
    resource: str
    prefixes: tuple[str, ...]

    def allows(self, made: AwsCall, resource: str) -> bool:
        prefix = str(made.parameters.get("Prefix", ""))
        is_listed = not self.prefixes or any(fnmatchcase(prefix, each) for each in self.prefixes)
        return (
            self.action == iam_action(made.service, made.operation)
            and fnmatchcase(resource, self.resource)
            and (is_listed or self.action != "s3:ListBucket")
        )


def permissions_of(function: LambdaFunction, account: Account) -> list[Permission]:
    """The role's statements for what the code calls, each action and resource alone."""
    return [
        Permission(action, resource, tuple(statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", ())))
        for statement in statements(function, Resources(account.arns, {}, account.prefixes), ())
        for action in statement["Action"]
        for resource in statement["Resource"]
    ]


def differences(function: LambdaFunction, account: Account, calls: list[AwsCall]) -> tuple[set[str], set[str]]:
    """The calls that no permission allows, and the permissions that no call needs."""
    permissions = permissions_of(function, account)
    denied = {
        f"{iam_action(made.service, made.operation)} on {resource}"
        for made in calls
        for resource in resources_of(made)
        if not any(permission.allows(made, resource) for permission in permissions)
    }
    reasoned = replace(function, grants=tuple(grant for grant in function.grants if grant.reason))
    explained = permissions_of(reasoned, account)
    unused = {
        f"{permission.action} on {permission.resource}"
        for permission in permissions
        if permission not in explained
        and not any(permission.allows(made, resource) for made in calls for resource in resources_of(made))
    }
    return denied, unused


def run(account: Account, handler: Callable[[Any, Any], Any], *events: Any) -> list[AwsCall]:
    """The calls of a function for these events; each must be answered without an error."""
    with recorded_calls() as calls:
        for each in events:
            handler(each, Context)
    return calls
