"""The Terraform modules: arguments that the AWS provider knows, and the declared permissions.

With a provider at hand (TF_PLUGIN_DIR, or /opt/tf-plugins) they are validated by Terraform itself, and planned on
mocked providers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.deploy.functions import FUNCTIONS

pytestmark = pytest.mark.infra

FOLDER = Path(__file__).parents[2] / "infra" / "terraform"
MODULES = ("timestream", "kinesis")
# Arguments that Terraform itself gives every resource, and the parser's own keys.
META = {"count", "for_each", "provider", "depends_on", "lifecycle", "dynamic", "content", "labels"}


@pytest.fixture
def terraform(monkeypatch: pytest.MonkeyPatch) -> str:
    """The program."""
    program = shutil.which("terraform") or shutil.which("tofu")
    if program is None:
        pytest.skip("neither terraform nor tofu is installed")
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    return program


@pytest.fixture
def plugins() -> str:
    """A folder with the AWS provider, as `terraform providers mirror` writes it."""
    folder = Path(os.environ.get("TF_PLUGIN_DIR", "/opt/tf-plugins"))
    if not (folder / "registry.terraform.io" / "hashicorp" / "aws").is_dir():
        pytest.skip(f"{folder} has no AWS provider: terraform providers mirror {folder}, or set TF_PLUGIN_DIR")
    return str(folder)


def run(program: str, folder: Path, *words: str) -> str:
    """The program's output; it must succeed."""
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def blocks(module: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Kind, type, name and body of every resource and data source."""
    hcl2 = pytest.importorskip("hcl2", reason="python-hcl2 is not installed: make infra")
    for path in sorted((FOLDER / module).glob("*.tf")):
        parsed = hcl2.loads(path.read_text())
        for kind in ("resource", "data"):
            for entry in parsed.get(kind, []):
                for type_name, named in entry.items():
                    if not type_name.startswith("__"):
                        for name, body in named.items():
                            if not name.startswith("__"):
                                yield kind, type_name.strip('"'), name.strip('"'), body


def unknown(body: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    """Arguments and blocks that the provider does not have, and required ones that are missing."""
    given = {name.strip('"') for name in body if not name.startswith("__")}
    inner = schema.get("blocks", {})
    yield from (f"{path}.{name}" for name in given - set(schema["arguments"]) - set(inner) - META)
    yield from (f"{path}.{name} is missing" for name in set(schema["required"]) - given)
    for name, value in body.items():
        if name.strip('"') in inner and isinstance(value, list):
            for each in value:
                yield from unknown(each, inner[name.strip('"')], f"{path}.{name}")


@pytest.mark.parametrize("module", MODULES)
def test_arguments_exist(module: str) -> None:
    """By the provider's schema, of which infra/terraform/schema.json has the resources that are used."""
    schema = json.loads((FOLDER / "schema.json").read_text())
    found = list(blocks(module))
    assert len(found) > 1
    faults = [
        fault
        for kind, type_name, name, body in found
        for fault in unknown(body, schema[kind][type_name], f"{type_name}.{name}")
    ]
    assert faults == []


def test_permissions_are_the_declared_ones() -> None:
    """Every action of the functions' grants is in the module, but those of resources that it does not have."""
    text = (FOLDER / "timestream" / "permissions.tf").read_text()
    left_out = {"pii_key", "live_token"}
    for module in ("persist_agent_event", "persist_contact_event", "persist_instance_data"):
        for grant in FUNCTIONS[module].grants:
            if grant.kind not in left_out:
                assert [action for action in grant.actions if f'"{action}"' not in text] == []


def test_data_and_keys_cannot_be_destroyed() -> None:
    """`terraform destroy` refuses them; see the how-to for what to do."""
    kept = {"aws_timestreamwrite_database", "aws_timestreamwrite_table", "aws_kms_key", "aws_kinesis_stream"}
    for module in MODULES:
        for kind, type_name, name, body in blocks(module):
            if kind == "resource" and type_name in kept:
                assert body["lifecycle"][0]["prevent_destroy"], f"{type_name}.{name}"


def test_format(terraform: str) -> None:
    """As `terraform fmt` writes it."""
    assert run(terraform, FOLDER, "fmt", "-check", "-recursive", "-diff").strip() == ""


def test_terraform_validates_and_plans(terraform: str, plugins: str, tmp_path: Path) -> None:
    """The example is valid, and its plan on mocked providers creates the store, three functions and what starts them."""
    folder = tmp_path / "terraform"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns(".terraform*"))
    (tmp_path / "light.zip").write_bytes(b"PK")
    module = folder / "timestream"
    (module / "tests").mkdir()
    shutil.copy(FOLDER / "tests" / "live.tftest.hcl", module / "tests" / "live.tftest.hcl")
    example = folder / "examples" / "live"
    for place in (example, module):
        run(terraform, place, "init", "-input=false", "-no-color", f"-plugin-dir={plugins}")
    run(terraform, example, "validate", "-no-color")
    shown = run(terraform, module, "test", "-no-color", f"-var=package={tmp_path / 'light.zip'}")
    assert "2 passed, 0 failed" in shown
