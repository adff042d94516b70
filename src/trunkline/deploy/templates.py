"""What synthesised CloudFormation templates create: a list for people, and the picture in the docs."""

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
                yield CreatedResource(stack, kind, _name(ident, resource.get("Properties", {})), is_kept)


def _name(ident: str, properties: Mapping[str, Any]) -> str:
    given = (properties.get(name) for name in _NAMES)
    return next((name for name in given if isinstance(name, str)), ident)


def diagram(templates: Mapping[str, Mapping[str, Any]]) -> str:
    """A Mermaid flowchart of the functions, what starts each, and what each writes to; a box a stack."""
    lines, edges = ["flowchart LR"], []
    for stack, template in templates.items():
        resources = template["Resources"]
        names = [ident for ident, resource in sorted(resources.items()) if resource["Type"] == "AWS::Lambda::Function"]
        if names:
            shown = [f'    {stack}_{ident}["{_name(ident, resources[ident]["Properties"])}"]' for ident in names]
            lines += [f"  subgraph {stack}", *shown, "  end"]
        for ident, resource in sorted(resources.items()):
            edges += [f"  {edge}" for edge in _edges(stack, ident, resource)]
    return "\n".join([*lines, *dict.fromkeys(edges)])


def _edges(stack: str, ident: str, resource: Mapping[str, Any]) -> Iterator[str]:
    properties, kind = resource.get("Properties", {}), resource["Type"]
    if kind == "AWS::Lambda::EventSourceMapping":
        yield f"{_source(properties['EventSourceArn'])} --> {stack}_{properties['FunctionName']['Ref']}"
    elif kind == "AWS::Scheduler::Schedule":
        target = properties["Target"]["Arn"]["Fn::GetAtt"][0]
        yield f'{ident}(["{properties["ScheduleExpression"]}"]) --> {stack}_{target}'
    elif kind == "AWS::ApiGateway::RestApi":
        yield f'{ident}(["POST /releases"]) --> {stack}_ReleaseFunction'
    elif kind.startswith("Custom::"):
        yield f'{ident}(["CloudFormation"]) --> {stack}_{properties["ServiceToken"]["Fn::GetAtt"][0]}'
    elif kind == "AWS::Lambda::Function":
        variables = properties.get("Environment", {}).get("Variables", {})
        if "ANALYTICS_BUCKET" in variables or "TRUNKLINE_LAKE" in variables:
            yield f'{stack}_{ident} --> lake[("lake in S3")]'
        if "TRUNKLINE_LIVE_STORE" in variables:
            store = str(variables["TRUNKLINE_LIVE_STORE"]).partition("://")[0]
            yield f'{stack}_{ident} --> live[("{store}")]'
        if "DATABASE" in variables or "TRUNKLINE_WAREHOUSE" in variables:
            yield f'{stack}_{ident} --> redshift[("Redshift")]'


def _source(arn: Any) -> str:
    """A stream or queue as a node: by the name in its ARN, or by that of the resource that is referred to."""
    if isinstance(arn, str):
        parts = arn.split(":", 5)[5].split("/")
        return f'{parts[1].replace("-", "_")}[/"{parts[1]}"/]'
    text = arn["Fn::GetAtt"][0] if "Fn::GetAtt" in arn else str(arn["Fn::ImportValue"]).rpartition("GetAtt")[2]
    name = next((name for name in ("ContactStream", "AgentStream") if name in text), text.removesuffix("Queue"))
    return f'{name}[/"{name}"/]'
