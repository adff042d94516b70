"""Findings of cdk-nag's AwsSolutions that are accepted, each with the reason.

A role's finding of wildcards is about ARNs that end in `*` below a bucket, a Connect instance or a log group. What is
granted on `*` alone is in `UNSCOPED` of deploy/policies.py, and tests/infra checks it against IAM's own reference.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Acknowledgment, Validations
from parts import TrunklineStack

_UNSCOPED: Final = "IAM has no resource for these actions; deploy/policies.py lists them, each with the reason"
_INSTANCE: Final = "IAM checks these actions against queues and contacts below the instance, which come and go"
_CRAWLERS: Final = "Glue names the log groups of crawlers itself"
_EXECUTIONS: Final = "executions of the machines that this one starts, whose names come with each"
_PREFIXES: Final = "objects are granted by prefix, since their keys hold dates and hashes that nobody knows beforehand"
# Resource type to finding to reason.
ACCEPTED: Final = {
    "AWS::Lambda::Function": {
        "AwsSolutions-L1": "the package is tested on Python 3.11 to 3.13; the next runtime follows when it is"
    },
    "AWS::Glue::Crawler": {
        "AwsSolutions-GL1": "a crawler logs the names of tables and partitions, and none of their data"
    },
    "AWS::KinesisFirehose::DeliveryStream": {
        "AwsSolutions-KDF1": "its source is a Kinesis stream that is encrypted, and Firehose keeps nothing of it"
    },
    "AWS::ApiGateway::Method": {
        "AwsSolutions-COG4": "callers are programs with IAM permissions, not people of a user pool"
    },
    "AWS::ApiGateway::Stage": {
        "AwsSolutions-APIG3": "IAM refuses every caller without execute-api:Invoke, at one request a second"
    },
    "AWS::StepFunctions::StateMachine": {"AwsSolutions-SF2": "X-Ray is an option: installation.xray"},
    "AWS::SecretsManager::Secret": {
        "AwsSolutions-SMG4": "nobody knows the password; rotate it by changing the secret and deploying the namespace"
    },
    "AWS::Kinesis::Stream": {"AwsSolutions-KDS3": "Connect writes to it with a key that its policy can name"},
}
# Dead-letter queues that no queue of the stack redrives to: those of schedules.
_DEAD_LETTERS: Final = "it is itself where what failed for good is kept"
_ACCESS_LOGS: Final = "it is where the access logs of the other buckets are written"


def acknowledge(stack: TrunklineStack) -> None:
    """Accept the findings of a stack's resources."""
    for role, targets in stack.roles:
        for target in dict.fromkeys(targets):
            if "*" in target:
                finding = f"AwsSolutions-IAM5[Resource::{target}]"
                Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=_reason(target)))
    for construct in stack.node.find_all():
        kind, name = getattr(construct, "cfn_resource_type", ""), construct.node.id
        reasons = dict(ACCEPTED.get(kind, {}))
        if name.endswith("DeadLetters"):
            reasons["AwsSolutions-SQS3"] = _DEAD_LETTERS
        if name == "AccessLogsBucket":
            reasons["AwsSolutions-S1"] = _ACCESS_LOGS
        for finding, reason in reasons.items():
            Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def _reason(target: str) -> str:
    reasons = {":connect:": _INSTANCE, ":states:": _EXECUTIONS, ":logs:": _CRAWLERS, ":s3:": _PREFIXES}
    return _UNSCOPED if target == "*" else next(reason for part, reason in reasons.items() if part in target)
