"""`doctor --aws` against stand-ins that check every request and answer by botocore's own models."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from trunkline.deploy.check import check_installation, deployed_modules
from trunkline.deploy.config import DeployConfig
from trunkline.deploy.config_file import parse_config, read_config
from trunkline.deploy.stages import ALL_FUNCTIONS, STAGES
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.jobs.doctor import Finding
from trunkline.sql.lake.glue import files_table

INSTANCE = "9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa"
ARN = f"arn:aws:connect:eu-west-2:111122223333:instance/{INSTANCE}"
STREAM = "arn:aws:kinesis:eu-west-2:111122223333:stream/connect-ctr-stream"
KEY = "arn:aws:kms:eu-west-2:111122223333:key/11111111-1111-1111-1111-111111111111"
SECRET = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:trunkline/pii-key-AbCdEf"
EXAMPLES = Path(__file__).parents[2] / "infra" / "cdk" / "examples"
CONFIG = f"""
[installation]
account = "111122223333"
[lake]
bucket_arn = "arn:aws:s3:::acme-analytics"
key_arn = "{KEY}"
pii_key_secret = "{SECRET}"
register_tables = false
[connect]
instances = ["{ARN}"]
collect = true
"""


class Account:
    """Clients of an account, each of which answers what was put, in order, and refuses anything else."""

    def __init__(self) -> None:
        self._stubs: dict[str, tuple[Any, Stubber]] = {}

    def __call__(self, service: str) -> Any:
        return self._made(service)[0]

    def _made(self, service: str) -> tuple[Any, Stubber]:
        if service not in self._stubs:
            client = boto3.client(service, region_name="eu-west-2")
            stub = Stubber(client)
            stub.activate()
            self._stubs[service] = (client, stub)
        return self._stubs[service]

    def answer(self, service: str, operation: str, answer: dict[str, Any], request: dict[str, Any]) -> None:
        self._made(service)[1].add_response(operation, answer, request)

    def refuse(self, service: str, operation: str, code: str) -> None:
        self._made(service)[1].add_client_error(operation, code, "no", http_status_code=400)

    def streams(self, kind: str, *arns: str) -> None:
        configs = [{"StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {"StreamArn": arn}} for arn in arns]
        request = {"InstanceId": INSTANCE, "ResourceType": kind}
        self.answer("connect", "list_instance_storage_configs", {"StorageConfigs": configs}, request)

    def key(self, state: str) -> None:
        metadata = {"KeyId": KEY.rpartition("/")[2], "KeyState": state}
        self.answer("kms", "describe_key", {"KeyMetadata": metadata}, {"KeyId": KEY})

    def secret(self, **more: Any) -> None:
        answer = {"ARN": SECRET, "Name": "trunkline/pii-key", **more}
        self.answer("secretsmanager", "describe_secret", answer, {"SecretId": SECRET})

    def function(self, name: str, state: str = "Active", mapping: str = "Enabled") -> None:
        answer = {"FunctionName": name, "State": state, "LastUpdateStatus": "Successful", "StateReason": "why"}
        self.answer("lambda", "get_function_configuration", answer, {"FunctionName": name})
        mappings = [{"EventSourceArn": STREAM, "State": mapping}] if name == "event_processor" else []
        self.answer("lambda", "list_event_source_mappings", {"EventSourceMappings": mappings}, {"FunctionName": name})

    def schedule(self, state: str, name: str = "trunkline-collect") -> None:
        answer = {"Name": name, "State": state, "ScheduleExpression": "cron(40 0/2 * * ? *)"}
        self.answer("scheduler", "get_schedule", answer, {"Name": name})

    def rule(self, state: str, name: str) -> None:
        answer = {"Name": name, "State": state, "ScheduleExpression": "cron(40 0/2 * * ? *)"}
        self.answer("events", "describe_rule", answer, {"Name": name})

    def machine(self, name: str, last: str = "", state: str = "ACTIVE") -> None:
        arn, day = f"arn:aws:states:eu-west-2:111122223333:stateMachine:{name}", datetime(2026, 11, 1, tzinfo=UTC)
        described = {"stateMachineArn": arn, "name": name, "status": state, "definition": "{}", "roleArn": "r",
                     "type": "STANDARD", "creationDate": day}  # fmt: skip
        self.answer("stepfunctions", "describe_state_machine", described, {"stateMachineArn": arn})
        execution = {
            "executionArn": f"{arn}:e",
            "stateMachineArn": arn,
            "name": "window-1",
            "status": last,
            "startDate": day,
        }
        answer = {"executions": [execution] if last else []}
        self.answer("stepfunctions", "list_executions", answer, {"stateMachineArn": arn, "maxResults": 1})


def well(account: Account) -> Account:
    """An installation without a fault."""
    account.streams("CONTACT_TRACE_RECORDS", STREAM)
    account.streams("AGENT_EVENTS", STREAM)
    account.key("Enabled")
    account.secret()
    account.function("event_processor")
    account.function("boto3_connect_redshift")
    account.schedule("ENABLED")
    return account


def found(config: DeployConfig, account: Account) -> dict[str, Finding]:
    return {finding.check: finding for finding in check_installation(config, account)}


def test_an_installation_without_a_fault() -> None:
    """Every part is ok."""
    findings = found(parse_config(CONFIG), well(Account()))
    assert {finding.state for finding in findings.values()} == {"ok"}
    assert len(findings) == 8


def test_each_fault_is_found_with_what_to_do() -> None:
    """A stream elsewhere, a disabled key, a secret to be deleted, a failed function, a mapping and a schedule off."""
    account = Account()
    account.streams("CONTACT_TRACE_RECORDS", STREAM + "-old")
    account.streams("AGENT_EVENTS")
    account.key("PendingDeletion")
    account.secret(DeletedDate=datetime(2026, 11, 1, tzinfo=UTC))
    account.function("event_processor", mapping="Disabled")
    account.function("boto3_connect_redshift", state="Failed")
    account.schedule("DISABLED")
    findings = found(parse_config(CONFIG), account)
    failed = {check: finding.detail for check, finding in findings.items() if finding.state == "failed"}
    assert len(failed) == 7
    assert "connect-ctr-stream-old" in failed[f"contact_trace_records of {INSTANCE}"]
    assert failed[f"agent_events of {INSTANCE}"].startswith("sent nowhere")
    assert "cancel its deletion" in failed[f"key {KEY.rpartition('/')[2]}"]
    assert "restore it" in failed["secret trunkline/pii-key"]
    assert "not active: why" in failed["function boto3_connect_redshift"]
    assert "Disabled" in failed["event_processor from stream/connect-ctr-stream"]
    assert "is off" in failed["schedule trunkline-collect"]


def machines(trigger: str) -> DeployConfig:
    """Two objects' state machines in a cluster's deployment that has nothing else."""
    return parse_config(f"""
[installation]
account = "111122223333"
[lake]
register_tables = false
[streams]
is_on = false
[connect]
instances = ["{ARN}"]
[warehouse]
mode = "cluster"
[orchestration]
objects = ["contact_record", "queue"]
backfill = ["s3://acme/history/"]
trigger = "{trigger}"
""")


def test_state_machines_and_their_schedules() -> None:
    """One that is not there any more, one whose last execution failed, one that never ran, and a schedule that is off."""
    account = Account()
    for module in deployed_modules(machines("scheduler")):
        account.function(ALL_FUNCTIONS[module].name)
    account.schedule("ENABLED", "trunkline-all-objects")
    account.schedule("ENABLED", "trunkline-contact-record")
    account.schedule("DISABLED", "trunkline-queue")
    account.machine("trunkline-contact-record", "FAILED")
    account.machine("trunkline-queue", "SUCCEEDED", "DELETING")
    account.machine("trunkline-all-objects", "RUNNING")
    account.machine("trunkline-backfill")
    findings = found(machines("scheduler"), account)
    failed = {check: finding.detail for check, finding in findings.items() if finding.state != "ok"}
    assert failed.keys() == {
        "schedule trunkline-queue", "state machine trunkline-contact-record", "state machine trunkline-queue"
    }  # fmt: skip
    assert "window-1 is FAILED" in failed["state machine trunkline-contact-record"]
    assert "is DELETING" in failed["state machine trunkline-queue"]
    assert findings["state machine trunkline-backfill"].detail == "active, no execution yet"
    assert len(findings) == 2 + len(STAGES) + 3 + 4


def test_rules_instead_of_schedules() -> None:
    """Each is looked at by its name; nothing starts the machine of all objects."""
    account = Account()
    account.rule("ENABLED", "trunkline-contact-record")
    account.rule("DISABLED", "trunkline-queue")
    findings = found(machines("rules"), account)
    assert findings["rule trunkline-contact-record"].state == "ok"
    assert "is off" in findings["rule trunkline-queue"].detail
    assert not [check for check in findings if check.startswith("schedule ")]


def test_what_may_not_be_read_is_unknown() -> None:
    """One refused call names its permission, and the other checks go on."""
    account = Account()
    account.refuse("connect", "list_instance_storage_configs", "AccessDeniedException")
    account.key("Enabled")
    account.secret()
    account.function("event_processor")
    account.function("boto3_connect_redshift")
    account.schedule("ENABLED")
    findings = found(parse_config(CONFIG), account)
    assert findings["streams of the instance"].state == "look"
    assert "ListInstanceStorageConfigs" in findings["streams of the instance"].detail
    assert findings["schedule trunkline-collect"].state == "ok"


def test_a_table_that_lacks_a_column() -> None:
    """As after an upgrade without `lake register`."""
    account = Account()
    for place, obj in enumerate(OBJECTS.values()):
        table = files_table(obj, "s3://post-call-analytics-111122223333-eu-west-2")
        columns = table.input["StorageDescriptor"]["Columns"][0 if place else 1 :]
        answer = {"Table": {"Name": table.name, "StorageDescriptor": {"Columns": columns}}}
        account.answer("glue", "get_table", answer, {"DatabaseName": table.database, "Name": table.name})
    config = parse_config('[installation]\naccount = "111122223333"\n[streams]\nis_on = false\n')
    findings = found(config, account)
    assert len(findings) == len(OBJECTS)
    (failed,) = (finding for finding in findings.values() if finding.state == "failed")
    assert "trunkline lake register" in failed.detail


@pytest.mark.parametrize("name", ["small", "full", "existing"])
def test_the_functions_that_are_checked_are_those_of_the_stacks(name: str) -> None:
    """By the reviewed lists of the synthesised templates."""
    listed = (Path(__file__).parents[1] / "golden" / "infra" / f"{name}.txt").read_text()
    modules = deployed_modules(read_config(EXAMPLES / f"{name}.toml"))
    deployed = {ident for ident in map(ident_of, ALL_FUNCTIONS) if f"\n{ident}Function: Lambda::Function" in listed}
    assert set(map(ident_of, modules)) == deployed


def ident_of(module: str) -> str:
    """What a function's resources begin with in a template."""
    return "".join(part.capitalize() for part in module.rpartition(".")[2].split("_"))
