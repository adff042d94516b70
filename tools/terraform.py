"""What Terraform modules have from the declarations: the functions' permissions, and pages of inputs and outputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from trunkline.deploy.functions import FUNCTIONS, Event, Kind
from trunkline.deploy.policies import Resources, statements

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = "infra/terraform"
_NOTE: Final = (
    "# Generated from src/trunkline/deploy/functions.py by `python -m tools.generate`: what each function calls.\n"
)
# How the module names the resources of each kind; `@` begins a list, of which each ARN gets what follows it.
_NAMES: Final[Mapping[Kind, str]] = {
    "live_table": "${aws_timestreamwrite_table.live.arn}",
    "live_service": "*",
    "letters": "${aws_sqs_queue.letters.arn}",
    "instances": "@var.connect_instance_arns@",
    "stream": "@var.stream_arns@",
    "event_queue": "${aws_sqs_queue.contact_events.arn}",
    "failures": "@compact([var.failure_bucket_arn])@",
}
_EVENTS: Final[Mapping[str, tuple[Event, ...]]] = {
    "persist_agent_event": ("kinesis",),
    "persist_contact_event": ("sqs",),
    "persist_instance_data": (),
}
_BLOCK: Final = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)


def terraform_files() -> Iterable[tuple[str, str]]:
    """`permissions.tf` of the module `timestream`, and a README.md for each module."""
    yield f"{FOLDER}/timestream/permissions.tf", _permissions()
    for module, purpose in (
        ("timestream", "The live path: Timestream's database and table, three functions, and what starts them."),
        ("kinesis", "The stream of contact records, and who else may read it."),
    ):
        yield f"{FOLDER}/{module}/README.md", _page(module, purpose)


def _permissions() -> str:
    resources = Resources(
        {kind: [name] for kind, name in _NAMES.items()}, {"stream": "@compact([var.stream_kms_key_arn])@"}, {}, "REGION"
    )
    lines = [_NOTE, 'data "aws_region" "current" {}', "", "locals {", "  permissions = {"]
    for module, events in _EVENTS.items():
        lines.append(f"    {module} = [")
        for statement in statements(FUNCTIONS[module], resources, events):
            lines += _statement(statement)
        lines.append("    ]")
    return "\n".join([*lines, "  }", "}", ""])


def _statement(statement: dict[str, Any]) -> list[str]:
    via = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService", "")
    return [
        "      {",
        f"        actions   = {json.dumps(statement['Action'])}",
        f"        resources = {_resources(statement['Resource'])}",
        f'        via       = "{via.replace("REGION", "${data.aws_region.current.name}")}"',
        "      },",
    ]


def _resources(targets: list[str]) -> str:
    """A list of texts, or one that is made of a variable's ARNs."""
    first = targets[0]
    if not first.startswith("@"):
        return (
            "[" + ", ".join(target[2:-1] if target.startswith("${") else json.dumps(target) for target in targets) + "]"
        )
    _, source, suffix = first.split("@")
    return f'[for arn in {source} : "${{arn}}{suffix}"]' if suffix else source


def _page(module: str, purpose: str) -> str:
    folder = ROOT / FOLDER / module
    parts = [f"# Module `{module}`\n\n{purpose} An example is in [`examples/live`](../examples/live/main.tf).\n"]
    inputs = [(name, body) for kind, name, body in _blocks(folder / "variables.tf") if kind == "variable"]
    parts.append("## Inputs\n\n| name | default | meaning |\n|---|---|---|\n")
    parts += [f"| `{name}` | {_default(body)} | {_value(body, 'description')} |\n" for name, body in inputs]
    parts.append("\n## Outputs\n\n| name | meaning |\n|---|---|\n")
    outputs = _blocks(folder / "outputs.tf")
    parts += [f"| `{name}` | {_value(body, 'description')} |\n" for _, name, body in outputs]
    return "".join([parts[0], "\n", *parts[1:]])


def _blocks(path: Path) -> list[tuple[str, str, str]]:
    return [(match[1], match[2], match[3]) for match in _BLOCK.finditer(path.read_text(encoding="utf-8"))]


def _value(body: str, key: str) -> str:
    found = re.search(rf"^  {key} += (.*)$", body, re.MULTILINE)
    return found[1].strip('"') if found else ""


def _default(body: str) -> str:
    default = re.search(r"^  default +=\s*(.*)$", body, re.MULTILINE)
    return f"`{default[1]}`" if default else "required"
