"""The stacks as they would be deployed: three configurations, synthesised and checked. Nothing is deployed.

Templates are kept in build/synth until what they are made from changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trunkline.deploy.config_file import read_config
from trunkline.deploy.install_warehouse import version_of
from trunkline.deploy.picture import diagram
from trunkline.deploy.policies import UNSCOPED
from trunkline.objects.catalogue import OBJECTS
from trunkline.pipelines.run.due import schedule_of
from trunkline.schedules.schedule import make_schedule
from trunkline.settings.installation import Settings
from trunkline.warehouse.redshift.address import address_of

pytestmark = pytest.mark.infra

ROOT = Path(__file__).parents[2]
CDK = ROOT / "infra" / "cdk"
ACCOUNT = "111122223333"
CONFIGURATIONS = ("small", "full", "existing")
# What a stack keeps when it is deleted, since something is in it.
KEPT = {
    "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Kinesis::Stream", "AWS::Glue::Database", "AWS::Glue::Table",
    "AWS::Timestream::Database", "AWS::Timestream::Table", "AWS::RedshiftServerless::Namespace",
    "AWS::SecretsManager::Secret", "AWS::Grafana::Workspace", "AWS::DynamoDB::Table",
}  # fmt: skip
# What goes with its stack: it is made again as it was, or nothing but what is being worked on is in it.
GONE = {
    "AWS::ApiGateway", "AWS::Athena::WorkGroup", "AWS::Budgets::Budget", "AWS::CDK::Metadata", "AWS::CloudWatch", "AWS::Events::Rule",
    "AWS::Glue::Crawler", "AWS::IAM::Role", "AWS::KinesisFirehose::DeliveryStream", "AWS::LakeFormation", "AWS::Lambda", "AWS::Logs",
    "AWS::RedshiftServerless::Workgroup", "AWS::S3::BucketPolicy", "AWS::SNS", "AWS::SQS", "AWS::Scheduler::Schedule", "AWS::StepFunctions",
    "Custom::TrunklineWarehouse",
}  # fmt: skip
# The mission's names that a deployment has unless its configuration says otherwise.
MISSION = (
    "DataPipelineStack", "post-call-analytics-111122223333-eu-west-2", "connect-ctr-stream",
    "post-call-analytics-calls-crawler", "post_call_analytics", "RedshiftS3SP2", "daab-lab-jfr-datalake",
    "Redshift/Rel", "cron(40 0/2 * * ? *)", "persist_agent_event", "persist_contact_event", "persist_instance_data",
)  # fmt: skip
Template = dict[str, Any]


def _made_from() -> str:
    """A hash of everything that templates depend on."""
    sources = [*CDK.rglob("*.py"), *CDK.rglob("*.toml")]
    for part in ("deploy", "objects", "orchestration", "sql", "lake/glue", "engines", "warehouse/redshift"):
        sources += (ROOT / "src" / "trunkline" / part).rglob("*.py")
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def templates(configuration: str) -> dict[str, Template]:
    """The stacks' templates by name. cdk-nag's AwsSolutions runs meanwhile, and fails the run for a finding."""
    pytest.importorskip("aws_cdk", reason="the CDK is not installed: make infra")
    if shutil.which("node") is None:
        pytest.skip("node is not installed, which the CDK runs in")
    out = ROOT / "build" / "synth" / f"{configuration}-{_made_from()}"
    if not list(out.glob("*.template.json")):
        _synthesise(configuration, out)
    paths = sorted(out.glob("*.template.json"))
    return {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in paths}


def _synthesise(configuration: str, out: Path) -> None:
    """Into a folder that appears whole. The zips' content does not matter here, so that empty ones stand for them."""
    scratch = out.with_name(f"{out.name}.{os.getpid()}")
    zips = scratch / "zips"
    zips.mkdir(parents=True)
    for group in ("light", "full"):
        with zipfile.ZipFile(zips / f"{group}-arm64-py313.zip", "w") as archive:
            archive.writestr("empty", group)
    text = (CDK / "examples" / f"{configuration}.toml").read_text()
    config = scratch / "config.toml"
    config.write_text(text.replace("[installation]", f'[installation]\npackages = "{zips}"'))
    done = subprocess.run(
        [sys.executable, str(CDK / "app.py"), str(config), str(scratch / "out")], capture_output=True, text=True,
        cwd=ROOT, check=False, env=os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    (scratch / "out").rename(out)
    shutil.rmtree(scratch)


def resources(configuration: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stack, logical name and definition of every resource."""
    for stack, template in sorted(templates(configuration).items()):
        for name, resource in sorted(template["Resources"].items()):
            yield stack, name, resource


def statements(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a role's inline policies."""
    policies = resource.get("Properties", {}).get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def shown(value: Any) -> str:
    """A value as people read it: a reference by what it refers to."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Fn::ImportValue" in value:
        return f"<import {re.sub('[0-9A-F]{8}$', '', value['Fn::ImportValue'])}>"
    return "".join(map(shown, value["Fn::Join"][1])) if "Fn::Join" in value else json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_names_roles_and_policies(configuration: str, golden: Any) -> None:
    """What a review reads: every resource by name, what stays, and what each role may do."""
    lines = []
    for stack, template in sorted(templates(configuration).items()):
        lines += ["", f"== {stack} =="]
        for name, resource in sorted(template["Resources"].items()):
            if resource["Type"] == "AWS::CDK::Metadata":
                continue
            kept = " (kept)" if resource.get("DeletionPolicy") == "Retain" else ""
            lines.append(f"{name}: {resource['Type'].removeprefix('AWS::')}{kept}")
            for statement in statements(resource):
                condition = json.dumps(statement["Condition"], sort_keys=True) if "Condition" in statement else ""
                lines.append(f"    {statement['Effect']} {', '.join(many(statement['Action']))}")
                lines += [f"        on {shown(target)}" for target in many(statement["Resource"])]
                lines += [f"        if {condition}"] if condition else []
            variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
            lines += [f"    {key}={shown(value)}" for key, value in sorted(variables.items())]
    golden.check(f"infra/{configuration}.txt", "\n".join(lines).lstrip() + "\n")


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_data_and_keys_stay(configuration: str) -> None:
    """When a stack is deleted or a change replaces them. A kind of resource that is in neither list fails."""
    lost, unknown = [], []
    for stack, name, resource in resources(configuration):
        kind = resource["Type"]
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if kind in KEPT and policies != ("Retain", "Retain"):
            lost.append(f"{stack}/{name}")
        if kind not in KEPT and not any(kind == gone or kind.startswith(f"{gone}::") for gone in GONE):
            unknown.append(kind)
    assert (lost, unknown) == ([], [])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_no_secret_is_in_a_template(configuration: str) -> None:
    """Variables name the place of a secret; no property, output or parameter holds one."""
    for stack, name, resource in resources(configuration):
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        for key, value in variables.items():
            if re.search(r"TOKEN|PASSWORD|_KEY|SECRET", key):
                place = str(value) if key == "SECRET_ARN" else str(value).removeprefix("secretsmanager:")
                assert place.startswith("arn:aws:secretsmanager:"), f"{stack}/{name}: {key}"
    text = json.dumps(templates(configuration))
    assert not re.search(r'(?i)"[a-z]*password"\s*:\s*"', text)


@cache
def iam_reference() -> dict[str, Any]:
    """IAM's own reference of actions and the resources that each is checked against, as cfn-lint carries it."""
    cfnlint = pytest.importorskip("cfnlint", reason="cfn-lint is not installed: make infra")
    path = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_no_wildcard_where_iam_knows_resources(configuration: str) -> None:
    """`*` is granted only for actions without resources, each of which is listed with its reason; all actions exist."""
    for stack, name, resource in resources(configuration):
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for statement in statements(resource):
            for action in many(statement["Action"]):
                service, _, operation = action.partition(":")
                known = iam_reference()[service]["Actions"]
                assert operation.lower() in known, f"{stack}/{name}: IAM has no {action}"
                if "*" in many(statement["Resource"]):
                    assert action in UNSCOPED, f"{stack}/{name}: {action} on *"
                    assert not known[operation.lower()].get("Resources"), f"{action} has resources in IAM"


@pytest.mark.parametrize("configuration", ["full", "existing"])
def test_a_role_that_reads_statements_may_send_them(configuration: str) -> None:
    """To one cluster or workgroup, signed in to it; also where the workgroup's ARN is known when it is deployed."""
    for stack, name, resource in resources(configuration):
        given = {
            action: shown(many(each["Resource"])[0]) for each in statements(resource) for action in many(each["Action"])
        }
        if "redshift-data:DescribeStatement" in given:
            sent = given.get("redshift-data:ExecuteStatement", given.get("redshift-data:BatchExecuteStatement", ""))
            assert ":cluster:" in sent or ":workgroup/" in sent, f"{stack}/{name}"
            signs_in = {
                "redshift:GetClusterCredentials",
                "redshift-serverless:GetCredentials",
                "secretsmanager:GetSecretValue",
            }
            assert signs_in & given.keys(), f"{stack}/{name}"


def of_type(configuration: str, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of a configuration's resources of one type, by logical name."""
    return {name: r["Properties"] for _, name, r in resources(configuration) if r["Type"] == kind}


@pytest.mark.parametrize("configuration", ["full", "existing"])
def test_state_machines_are_the_generated_ones(configuration: str) -> None:
    """Each definition is the file of state_machines/, and each name in it has a value."""
    machines = of_type(configuration, "AWS::StepFunctions::StateMachine").values()
    assert len(machines) >= 3
    for machine in machines:
        name = machine["StateMachineName"].removeprefix("acme-").removeprefix("trunkline-").replace("-", "_")
        definition = json.loads(machine["DefinitionString"])
        generated = json.loads((ROOT / "state_machines" / f"{name}.asl.json").read_text())
        if name == "all_objects":  # which lists the chosen objects only
            lists = definition["States"]["Start"]["Parameters"], generated["States"]["Start"]["Parameters"]
            chosen, every = ([*each.pop("dimensions"), *each.pop("facts")] for each in lists)
            objects = read_config(CDK / "examples" / f"{configuration}.toml").orchestration.objects
            assert sorted(each["object"] for each in chosen) == sorted(objects)
            assert [each for each in chosen if each not in every] == []
        assert definition == generated
        assert set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"])) == set(machine["DefinitionSubstitutions"])


@pytest.mark.parametrize("configuration", ["full", "existing"])
def test_functions_of_state_machines_accept_their_variables(configuration: str) -> None:
    """As Lambda gives them; the warehouse's URL names a place for COPY, and each object's schedule is valid."""
    config = read_config(CDK / "examples" / f"{configuration}.toml")
    functions = of_type(configuration, "AWS::Lambda::Function").values()
    stages = [f for f in functions if f["Handler"].startswith("trunkline.handlers.stages.") and "Environment" in f]
    assert len(stages) >= 8
    for function in stages:
        given = {name: shown(value) for name, value in function["Environment"]["Variables"].items()}
        given = {name: re.sub("<[^>]+>", f"arn:aws:iam::{ACCOUNT}:role/made", value) for name, value in given.items()}
        settings = Settings.for_function(Path("/scratch"), given)
        if "TRUNKLINE_WAREHOUSE" in given:
            assert address_of(settings.warehouse).staging == f"s3://{config.bucket}/_staging"
        if "TRUNKLINE_RUN_SCHEDULES" in given:
            schedules = {schedule_of(settings, OBJECTS[name]) for name in config.orchestration.objects}
            zone = "UTC" if config.orchestration.trigger == "rules" else config.orchestration.zone
            assert schedules == {make_schedule(config.orchestration.schedule, zone)}


@pytest.mark.parametrize("configuration", ["full", "existing"])
def test_a_firing_that_cannot_be_delivered_is_kept(configuration: str) -> None:
    """Schedules and rules repeat it and then use a queue that admits them, also where the function itself fails."""
    targets = [each["Target"] for each in of_type(configuration, "AWS::Scheduler::Schedule").values()]
    kept = [target for target in targets if target["RetryPolicy"]["MaximumRetryAttempts"]]
    policies = of_type(configuration, "AWS::SQS::QueuePolicy").values()
    admitted = json.dumps([shown_policy(policy) for policy in policies])
    for rule in of_type(configuration, "AWS::Events::Rule").values():
        kept += rule["Targets"]
        assert f"rule/{rule['Name']}" in admitted
    assert kept
    assert [target for target in kept if "DeadLetterConfig" not in target or "RetryPolicy" not in target] == []
    (failed,) = of_type(configuration, "AWS::Lambda::EventInvokeConfig").values()
    queue = failed["DestinationConfig"]["OnFailure"]["Destination"]
    (role,) = [r for _, name, r in resources(configuration) if name == "StartRunRole"]
    assert [each["Resource"] for each in statements(role) if each["Action"] == ["sqs:SendMessage"]] == [[queue]]


def shown_policy(policy: dict[str, Any]) -> list[str]:
    """The sources that a queue's dead letters and messages may come from."""
    conditions = [each.get("Condition", {}).get("ArnEquals", {}) for each in policy["PolicyDocument"]["Statement"]]
    return [shown(arn) for condition in conditions for arn in many(condition.get("aws:SourceArn", []))]


@pytest.mark.parametrize("configuration", ["full", "existing"])
def test_the_warehouse_is_installed_with_its_stack(configuration: str, tmp_path: Path) -> None:
    """By the function, within CloudFormation's hour, after the workgroup is there, anew when the catalogue changes."""
    (template,) = (template for name, template in templates(configuration).items() if name.endswith("WarehouseStack"))
    installation = template["Resources"]["Installation"]
    zipfile.ZipFile(tmp_path / "full.zip", "w").close()  # as in `_synthesise`: no objects of a user's own
    assert installation["Properties"]["ServiceToken"] == {"Fn::GetAtt": ["InstallWarehouseFunction", "Arn"]}
    assert int(installation["Properties"]["ServiceTimeout"]) == 3_600
    assert installation["Properties"]["CatalogueVersion"] == version_of(tmp_path / "full.zip", "UTC")
    assert ("Workgroup" in installation.get("DependsOn", [])) == (configuration == "full")
    roles = template["Resources"]["InstallWarehouseRole"]
    assert {"Effect": "Allow", "Action": ["lambda:InvokeFunction"]}.items() <= statements(roles)[
        -2 if configuration == "full" else -1
    ].items()


def test_every_role_has_the_boundary() -> None:
    """Where the configuration names one."""
    roles = [resource for _, _, resource in resources("full") if resource["Type"] == "AWS::IAM::Role"]
    assert len(roles) > 10
    assert {role["Properties"]["PermissionsBoundary"] for role in roles} == {f"arn:aws:iam::{ACCOUNT}:policy/boundary"}


def test_names_of_the_documents_are_the_defaults() -> None:
    """Buckets, streams, functions, crawlers, schedules."""
    text = json.dumps({name: template["Resources"] for name, template in templates("full").items()})
    assert [name for name in MISSION if name not in text] == []


def test_existing_resources_are_used_and_not_made() -> None:
    """The bucket, streams and tables of the configuration appear by ARN, and nothing of their kind is created."""
    kinds = {resource["Type"] for _, _, resource in resources("existing")}
    assert not kinds & {"AWS::Kinesis::Stream", "AWS::KMS::Key", "AWS::RedshiftServerless::Namespace"}
    buckets = [r["Properties"]["BucketName"] for _, _, r in resources("existing") if r["Type"] == "AWS::S3::Bucket"]
    assert sorted(buckets) == [
        "acme-trunkline-access-logs-111122223333-eu-west-2", "acme-trunkline-failures-111122223333-eu-west-2",
    ]  # fmt: skip
    text = json.dumps(templates("existing"))
    for arn in ("stream/connect-ctr-stream", "stream/connect-agent-events", "arn:aws:s3:::acme-analytics"):
        assert arn in text


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_a_stream_is_never_held_up_by_one_record(configuration: str) -> None:
    """Each mapping of a stream bisects, answers per record, ends before the stream does, and says where failures go."""
    mappings = [
        resource["Properties"]
        for _, _, resource in resources(configuration)
        if resource["Type"] == "AWS::Lambda::EventSourceMapping" and "StartingPosition" in resource["Properties"]
    ]
    assert mappings
    for mapping in mappings:
        assert mapping["BisectBatchOnFunctionError"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["MaximumRecordAgeInSeconds"] > 0
        assert "trunkline-failures" in shown(mapping["DestinationConfig"]["OnFailure"]["Destination"])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_each_alarm_says_what_to_do(configuration: str) -> None:
    """Its text links a section of a page that exists."""
    page = (ROOT / "docs" / "how-to" / "act-on-an-alarm.md").read_text()
    sections = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.*)$", page, re.MULTILINE)}
    alarms = [r["Properties"] for _, _, r in resources(configuration) if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert alarms
    assert {alarm["AlarmDescription"].rpartition("#")[2] for alarm in alarms} <= sections


def test_the_picture_is_of_the_templates() -> None:
    """The page's flowchart is what `full.toml` creates; the failure shows the new one."""
    page = (ROOT / "docs" / "how-to" / "deploy-with-cdk.md").read_text()
    assert f"```mermaid\n{diagram(templates('full'))}\n```" in page, diagram(templates("full"))


def test_the_api_needs_iam_and_checks_requests() -> None:
    """Every method of the release API."""
    methods = [r["Properties"] for _, _, r in resources("full") if r["Type"] == "AWS::ApiGateway::Method"]
    assert methods
    for method in methods:
        assert method["AuthorizationType"] == "AWS_IAM"
        assert method["RequestValidatorId"]
        assert method["RequestModels"]


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_cfn_lint(configuration: str, tmp_path: Path) -> None:
    """Clean, but for the notice that Timestream admits no new customers, which the docs say as well."""
    pytest.importorskip("cfnlint", reason="cfn-lint is not installed: make infra")
    for name, template in templates(configuration).items():
        (tmp_path / f"{name}.json").write_text(json.dumps(template))
    paths = [str(path) for path in sorted(tmp_path.glob("*.json"))]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3697", "--", *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
