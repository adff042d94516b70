"""What synthesised CloudFormation templates create, as a list for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trunkline.errors import UsageError

_SUFFIX: Final = ".template.json"
# Parts of a resource that is listed; alone they say nothing.
_PARTS: Final = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Model",
        "AWS::ApiGateway::RequestValidator",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::Stage",
    }
)
_NAMES: Final = (
    "FunctionName",
    "BucketName",
    "QueueName",
    "Name",
    "RuleName",
    "StateMachineName",
    "AlarmName",
    "DashboardName",
    "LogGroupName",
    "DatabaseName",
    "TableName",
    "WorkgroupName",
    "NamespaceName",
    "DeliveryStreamName",
)


@dataclass(frozen=True, slots=True)
class CreatedResource:
    """One resource of a stack. `is_kept`: it stays when the stack is deleted."""

    stack: str
    kind: str
    name: str
    is_kept: bool


def read_templates(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The templates in a folder by their stack's name. Raises UsageError where there is none."""
    templates = {
        path.name.removesuffix(_SUFFIX): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob(f"*{_SUFFIX}"))
    }
    if not templates:
        raise UsageError(
            f"{folder} has no templates: write them with `python infra/cdk/app.py CONFIG {folder}` (make .venv/.infra)."
        )
    return templates


def created_resources(templates: Mapping[str, Mapping[str, Any]]) -> Iterator[CreatedResource]:
    """What the templates create, by stack and kind; policies and parts of an API are left out."""
    for stack, template in templates.items():
        for ident, resource in sorted(template["Resources"].items(), key=lambda entry: (entry[1]["Type"], entry[0])):
            if resource["Type"] not in _PARTS:
                kind = resource["Type"].removeprefix("AWS::").replace("::", " ")
                is_kept = resource.get("DeletionPolicy") == "Retain"
                yield CreatedResource(stack, kind, name_of(ident, resource.get("Properties", {})), is_kept)


def name_of(ident: str, properties: Mapping[str, Any]) -> str:
    """The name of a resource in AWS where its template gives one, else its name in the template."""
    given = (properties.get(name) for name in _NAMES)
    return next((name for name in given if isinstance(name, str)), ident)
