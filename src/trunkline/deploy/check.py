"""`doctor --aws`: whether an installation is as its configuration says, by read-only calls.

What may not be read is `look`, with the permission that is missing: not to know is not to be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from trunkline.aws.clients import QUICK, make_client
from trunkline.aws.errors import translate_errors
from trunkline.deploy.config import DeployConfig
from trunkline.deploy.functions import FUNCTIONS
from trunkline.deploy.stages import ALL_FUNCTIONS, STAGES
from trunkline.errors import TrunklineError
from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.all_objects import ALL_OBJECTS_NAME
from trunkline.orchestration.backfill import BACKFILL_NAME
from trunkline.orchestration.machine import machine_name
from trunkline.pipelines.jobs.doctor import Finding
from trunkline.sql.lake.glue import files_table

ClientMaker = Callable[[str], Any]
Check = Callable[[DeployConfig, ClientMaker], Iterator[Finding]]
_RECORDS, _AGENT_EVENTS = "CONTACT_TRACE_RECORDS", "AGENT_EVENTS"


def check_installation(config: DeployConfig, clients: ClientMaker | None = None) -> list[Finding]:
    """One finding or more for each part of an installation: `ok`, `failed` (it does not work so), or `look`.

    `clients` makes a client by its service's name; by default boto3's in the configuration's Region.
    """
    region = config.installation.region
    maker = clients or (lambda service: make_client(service, region, policy=QUICK))
    checks: dict[str, Check] = {
        "streams of the instance": _streams,
        "keys": _keys,
        "secrets": _secrets,
        "functions": _functions,
        "schedules": _schedules,
        "rules": _rules,
        "state machines": _machines,
        "tables": _tables,
    }
    findings = []
    for name, check in checks.items():
        try:
            findings += list(check(config, maker))
        except TrunklineError as error:
            findings.append(Finding(name, "look", str(error)))
    return findings


def _streams(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether each instance sends contact records and agent events to the streams that are read."""
    streams, place = config.streams, config.installation
    made = f"arn:aws:kinesis:{place.region}:{place.account}:stream/{config.named(streams.contact_stream)}"
    contacts = streams.contact_stream_arn or made
    wanted = {_RECORDS: contacts, _AGENT_EVENTS: streams.agent_stream_arn or contacts}
    for instance in config.connect.instances if streams.is_on else ():
        for kind, arn in wanted.items():
            name = f"{kind.lower()} of {instance.rpartition('/')[2]}"
            sent = _sent_to(clients("connect"), instance, kind)
            if arn in sent:
                yield Finding(name, "ok", f"sent to {arn}")
            else:
                found = f"sent to {', '.join(sent)}" if sent else "sent nowhere"
                advice = "in Connect's console, Data streaming, choose the stream that is configured"
                yield Finding(name, "failed", f"{found}, and {arn} is read: {advice}")


def _sent_to(client: Any, instance: str, kind: str) -> list[str]:
    with translate_errors("connect", instance):
        answer = client.list_instance_storage_configs(InstanceId=instance.rpartition("/")[2], ResourceType=kind)
    configs = answer.get("StorageConfigs", ())
    return [each["KinesisStreamConfig"]["StreamArn"] for each in configs if "KinesisStreamConfig" in each]


def _keys(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether the keys that the configuration names can be used; those of the stacks are theirs."""
    named = {config.lake.key_arn, config.streams.key_arn, config.tables.key_arn, config.transcripts.key_arn} - {""}
    for arn in sorted(named):
        with translate_errors("kms", arn):
            state = clients("kms").describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
        is_ok = state == "Enabled"
        detail = "enabled" if is_ok else f"{state}: what it encrypts cannot be read; enable it, or cancel its deletion"
        yield Finding(f"key {arn.rpartition('/')[2]}", "ok" if is_ok else "failed", detail)


def _secrets(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether the secrets exist. Their values are not read."""
    named = {config.lake.pii_key_secret, config.live.token_secret, config.warehouse.secret} - {""}
    for arn in sorted(named):
        with translate_errors("secretsmanager", arn):
            answer = clients("secretsmanager").describe_secret(SecretId=arn)
        is_ok = "DeletedDate" not in answer
        detail = "exists" if is_ok else "is scheduled for deletion: restore it, or hashes of personal data change"
        yield Finding(f"secret {answer['Name']}", "ok" if is_ok else "failed", detail)


def _functions(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether each function is active and what starts it is on."""
    client = clients("lambda")
    for module in deployed_modules(config):
        name = config.named(ALL_FUNCTIONS[module].name)
        with translate_errors("lambda", name):
            answer = client.get_function_configuration(FunctionName=name)
            mappings = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        is_ok = (answer["State"], answer.get("LastUpdateStatus")) == ("Active", "Successful")
        reason = answer.get("StateReason") or answer.get("LastUpdateStatusReason") or "deploy the stack again"
        yield Finding(f"function {name}", "ok" if is_ok else "failed", "active" if is_ok else f"not active: {reason}")
        for mapping in mappings:
            is_on = mapping["State"] in ("Enabled", "Creating", "Enabling", "Updating")
            source = mapping["EventSourceArn"]
            detail = "read" if is_on else f"the mapping is {mapping['State']}: enable it, since records expire"
            yield Finding(f"{name} from {source.rpartition(':')[2]}", "ok" if is_on else "failed", detail)


def deployed_modules(config: DeployConfig) -> list[str]:
    """The modules of the functions that a configuration deploys, in the catalogue's order."""
    is_live, has_instances = config.live.store != "none", bool(config.connect.instances)
    chosen = {
        "event_processor": config.streams.is_on,
        "stream_processor": bool(config.tables.calls_stream or config.tables.scorecards_stream),
        "transcript_arrived": bool(config.transcripts.bucket_arn),
        "collect": config.connect.collect,
        "persist_agent_event": is_live and config.streams.is_on,
        "persist_contact_event": is_live,
        "persist_instance_data": is_live and has_instances,
        "firehose_framing": config.streams.is_on and config.streams.firehose,
        "release": config.warehouse.mode != "none",
        "install_warehouse": config.warehouse.mode != "none" and config.warehouse.install,
    }
    stages = [module for module in STAGES if module != "stages.backfill_files" or config.orchestration.backfill]
    return [*(module for module in FUNCTIONS if chosen.get(module)), *(stages if config.orchestration.objects else ())]


def _schedules(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether the schedules are on."""
    is_scheduled = bool(config.orchestration.objects) and config.orchestration.trigger == "scheduler"
    names = {
        "trunkline-collect": config.connect.collect,
        "trunkline-release": bool(config.warehouse.mode != "none" and config.warehouse.release_schedule),
        "trunkline-instance-data": config.live.store != "none" and bool(config.connect.instances),
        ALL_OBJECTS_NAME: is_scheduled,
        **dict.fromkeys(_machine_names(config), is_scheduled),
    }
    for name in (config.named(name) for name, is_chosen in names.items() if is_chosen):
        with translate_errors("scheduler", name):
            answer = clients("scheduler").get_schedule(Name=name)
        is_on = answer["State"] == "ENABLED"
        detail = f"{answer['ScheduleExpression']} {answer.get('ScheduleExpressionTimezone', 'UTC')}"
        yield Finding(
            f"schedule {name}", "ok" if is_on else "failed", detail if is_on else f"{detail} is off: enable it"
        )


def _machine_names(config: DeployConfig) -> list[str]:
    """The state machines of the chosen objects."""
    return [machine_name(OBJECTS[name]) for name in config.orchestration.objects]


def _rules(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether the rules that start state machines are on."""
    is_chosen = config.orchestration.trigger == "rules"
    for name in map(config.named, _machine_names(config) if is_chosen else ()):
        with translate_errors("events", name):
            answer = clients("events").describe_rule(Name=name)
        is_on = answer["State"].startswith("ENABLED")
        detail = f"{answer['ScheduleExpression']} UTC"
        yield Finding(f"rule {name}", "ok" if is_on else "failed", detail if is_on else f"{detail} is off: enable it")


def _machines(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether each state machine is active, and how its last execution ended."""
    chosen, place = config.orchestration, config.installation
    names = [*_machine_names(config), ALL_OBJECTS_NAME, *([BACKFILL_NAME] if chosen.backfill else [])]
    for name in map(config.named, names if chosen.objects else ()):
        arn = f"arn:{place.partition}:states:{place.region}:{place.account}:stateMachine:{name}"
        with translate_errors("stepfunctions", name):
            state = clients("stepfunctions").describe_state_machine(stateMachineArn=arn)["status"]
            last = clients("stepfunctions").list_executions(stateMachineArn=arn, maxResults=1)["executions"]
        yield _machine_finding(name, state, last[0] if last else None)


def _machine_finding(name: str, state: str, last: Mapping[str, Any] | None) -> Finding:
    check = f"state machine {name}"
    if state != "ACTIVE":
        return Finding(check, "failed", f"is {state}: deploy OrchestrationStack again")
    if last is None:
        return Finding(check, "ok", "active, no execution yet")
    if last["status"] in ("RUNNING", "SUCCEEDED", "PENDING_REDRIVE"):
        return Finding(check, "ok", f"active, last execution {last['name']} {last['status']}")
    advice = "read its error in Step Functions, remove the cause, then redrive it or wait for the next firing"
    return Finding(check, "failed", f"the last execution {last['name']} is {last['status']}: {advice}")


def _tables(config: DeployConfig, clients: ClientMaker) -> Iterator[Finding]:
    """Whether Glue's tables have every column of this version's catalogue."""
    for obj in OBJECTS.values() if config.lake.register_tables else ():
        table = files_table(obj, f"s3://{config.bucket}")
        with translate_errors("glue", f"{table.database}.{table.name}"):
            answer = clients("glue").get_table(DatabaseName=table.database, Name=table.name)
        present = {column["Name"] for column in answer["Table"]["StorageDescriptor"]["Columns"]}
        missing = [c["Name"] for c in table.input["StorageDescriptor"]["Columns"] if c["Name"] not in present]
        detail = f"lacks {', '.join(missing)}: deploy, or run trunkline lake register" if missing else "every column"
        yield Finding(f"table {table.database}.{table.name}", "failed" if missing else "ok", detail)
