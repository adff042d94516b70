"""The picture of a deployment in the docs, drawn from its templates: what starts each function, where each writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from trunkline.deploy.templates import name_of

Resource = Mapping[str, Any]
_FUNCTION: Final = "AWS::Lambda::Function"
_MACHINE: Final = "AWS::StepFunctions::StateMachine"
_STAGES: Final = "stages of a run"


def diagram(templates: Mapping[str, Mapping[str, Any]]) -> str:
    """A Mermaid flowchart, a box a stack. Functions that a state machine calls in turn have a box of their own."""
    lines, edges = ["flowchart LR"], []
    for stack, template in templates.items():
        drawn = _Stack(stack, template["Resources"])
        lines += drawn.box()
        edges += [f"  {edge}" for edge in drawn.edges()]
    return "\n".join([*lines, *dict.fromkeys(edges)])


class _Stack:
    """One stack's box, and the arrows from and to what is in it."""

    def __init__(self, name: str, resources: Mapping[str, Resource]) -> None:
        self._name, self._resources = name, dict(sorted(resources.items()))
        self._machines = self._idents(_MACHINE)
        called = [self._called(ident, _FUNCTION) for ident in self._machines]
        self._stages = {ident for idents in called if len(idents) > 1 for ident in idents}

    def box(self) -> Iterator[str]:
        """The lines of the stack's functions and state machines; none where it has no function."""
        functions = self._idents(_FUNCTION)
        if not functions:
            return
        yield f"  subgraph {self._name}"
        for ident in self._machines:
            yield f'    {self._node(ident)}[["{self._shown(ident)}"]]'
        for ident in functions:
            if ident not in self._stages:
                yield f'    {self._name}_{ident}["{self._shown(ident)}"]'
        if self._stages:
            yield f'    subgraph {self._name}_Stages["{_STAGES}"]'
            yield from (f'      {self._name}_{ident}["{self._shown(ident)}"]' for ident in sorted(self._stages))
            yield "    end"
        yield "  end"

    def edges(self) -> Iterator[str]:
        """What starts each function and state machine, and what each function writes to."""
        for ident, resource in self._resources.items():
            properties, kind = resource.get("Properties", {}), resource["Type"]
            if kind == "AWS::Lambda::EventSourceMapping":
                yield f"{_source(properties['EventSourceArn'])} --> {self._node(properties['FunctionName']['Ref'])}"
            elif kind == "AWS::Scheduler::Schedule":
                target = properties["Target"]["Arn"]["Fn::GetAtt"][0]
                yield f'{ident}(["{properties["ScheduleExpression"]}"]) --> {self._node(target)}'
            elif kind == "AWS::Events::Rule" and "ScheduleExpression" in properties:
                target = properties["Targets"][0]["Arn"]["Fn::GetAtt"][0]
                yield f'{ident}(["{properties["ScheduleExpression"]} UTC"]) --> {self._node(target)}'
            elif kind == "AWS::ApiGateway::RestApi":
                yield f'{ident}(["POST /releases"]) --> {self._name}_ReleaseFunction'
            elif kind.startswith("Custom::"):
                yield f'{ident}(["CloudFormation"]) --> {self._node(properties["ServiceToken"]["Fn::GetAtt"][0])}'
            elif kind == _MACHINE:
                yield from (f"{self._node(ident)} --> {self._node(each)}" for each in self._called(ident, _FUNCTION))
                yield from self._started(ident, properties["RoleArn"])
            elif kind == _FUNCTION:
                yield from self._started(ident, properties["Role"])
                yield from (f"{self._node(ident)} --> {store}" for store in self._stores(properties))

    def _idents(self, kind: str) -> list[str]:
        return [ident for ident, resource in self._resources.items() if resource["Type"] == kind]

    def _node(self, ident: str) -> str:
        return f"{self._name}_Stages" if ident in self._stages else f"{self._name}_{ident}"

    def _shown(self, ident: str) -> str:
        return name_of(ident, self._resources[ident]["Properties"])

    def _called(self, machine: str, kind: str) -> list[str]:
        """The resources of this kind that a state machine's definition names."""
        values = self._resources[machine]["Properties"].get("DefinitionSubstitutions", {}).values()
        return [ident for value in values if (ident := _referred(value)) and self._resources[ident]["Type"] == kind]

    def _started(self, ident: str, role: Any) -> Iterator[str]:
        """Arrows to the state machines that a role may start."""
        for statement in self._statements(role):
            if "states:StartExecution" in _listed(statement["Action"]):
                machines = filter(None, map(_referred, _listed(statement["Resource"])))
                yield from (f"{self._node(ident)} --> {self._node(machine)}" for machine in machines)

    def _stores(self, properties: Resource) -> Iterator[str]:
        """What a function writes to: by its variables, and to the lake where its role allows that."""
        variables = properties.get("Environment", {}).get("Variables", {})
        actions = [each for statement in self._statements(properties["Role"]) for each in _listed(statement["Action"])]
        if "s3:PutObject" in actions and ("ANALYTICS_BUCKET" in variables or "TRUNKLINE_LAKE" in variables):
            yield 'lake[("lake in S3")]'
        if "TRUNKLINE_LIVE_STORE" in variables:
            yield f'live[("{str(variables["TRUNKLINE_LIVE_STORE"]).partition("://")[0]}")]'
        if "DATABASE" in variables or "TRUNKLINE_WAREHOUSE" in variables:
            yield 'redshift[("Redshift")]'

    def _statements(self, role: Any) -> list[Resource]:
        policies = self._resources.get(str(_referred(role)), {}).get("Properties", {}).get("Policies", ())
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _referred(value: Any) -> str | None:
    """The resource of the stack that a value is an attribute of."""
    return str(value["Fn::GetAtt"][0]) if isinstance(value, dict) and "Fn::GetAtt" in value else None


def _source(arn: Any) -> str:
    """A stream or queue as a node: by the name in its ARN, or by that of the resource that is referred to."""
    if isinstance(arn, str):
        parts = arn.split(":", 5)[5].split("/")
        return f'{parts[1].replace("-", "_")}[/"{parts[1]}"/]'
    text = _referred(arn) or str(arn["Fn::ImportValue"]).rpartition("GetAtt")[2]
    name = next((name for name in ("ContactStream", "AgentStream") if name in text), text.removesuffix("Queue"))
    return f'{name}[/"{name}"/]'
