"""The configuration of a deployment: what is written can be read, and what is wrong is named with what is valid."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.main import run
from trunkline.deploy.config import DeployConfig, Installation
from trunkline.deploy.config_file import config_text, parse_config, read_config
from trunkline.deploy.cost import (
    IDLE_STATES,
    OBJECT_STATES_OF_PARENT,
    PARENT_STATES,
    RUN_STATES,
    Volume,
    monthly_cost,
)
from trunkline.deploy.templates import created_resources
from trunkline.errors import UsageError
from trunkline.objects.catalogue import OBJECTS
from trunkline.orchestration.all_objects import all_objects_machine
from trunkline.orchestration.machine import object_machine

ACCOUNT = 'account = "111122223333"'
EXAMPLES = Path(__file__).parents[2] / "infra" / "cdk" / "examples"


def test_what_init_writes_is_the_defaults() -> None:
    """Every key with its default, so that leaving one out changes nothing."""
    assert parse_config(config_text("111122223333")) == DeployConfig(installation=Installation(account="111122223333"))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_examples_are_valid(path: Path) -> None:
    """Small, full and existing."""
    assert read_config(path).installation.account == "111122223333"


INSTANCES = "[connect]\ninstances = ['arn:aws:connect:eu-west-2:111122223333:instance/9f3c1e52']\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lake]\nbuckett = 'x'", "no key lake.buckett. Did you mean 'bucket'"),
        ("[lakes]", r"no section \[lakes\]. Did you mean 'lake'"),
        ("lake = 5", "lake = 5 is not a section"),
        ("[lake", "not valid TOML"),
        ("[watch]\nmonthly_budget_usd = -1", "watch.monthly_budget_usd is -1"),
        ("[live]\nstore = 'sqlite'", "live.store is 'sqlite'. Valid: none, influx, timestream"),
        ("[live]\nstore = 'timestream'\nregion = 'eu-west-2'", "live.region is 'eu-west-2', where Timestream has no"),
        ("[live]\nstore = 'influx'\nurl = 'influx+https://me:pw@host/db'", "without a password"),
        ("[lake]\nkey_arn = 'arn:aws:s3:::x'", "lake.key_arn is 'arn:aws:s3:::x'; valid is an ARN of kms"),
        ("[tables]\ncalls_stream = 'arn:aws:dynamodb:eu-west-2:111122223333:table/calls'", "table/NAME/stream/TIME"),
        ("[connect]\ncollect = true", "connect.instances is empty"),
        ("[connect]\nschedule = 'hourly'", "connect.schedule is 'hourly'"),
        ("[orchestration]\nschedule = 'hourly'", "orchestration.schedule is 'hourly'"),
        ("[orchestration]\nzone = 'London'", "orchestration.zone is 'London', which is not an IANA time zone"),
        ("[orchestration]\nobjects = ['contact_recrd']", "orchestration.objects has 'contact_recrd'"),
        ("[orchestration]\nobjects = ['agent_event']", "add agent_event=s3://bucket/prefix"),
        ("[orchestration]\nsources = ['agent_evnt=s3://arriving/events/']", "orchestration.sources has 'agent_evnt'"),
        ("[orchestration]\nbackfill = ['s3://history']", "orchestration.backfill has 's3://history'"),
        ("[orchestration]\nobjects = ['contact_record']", "contact_record of the Connect API"),
        ("[orchestration]\nschedule = 'cron(0 8,20 * * ? *)'", "without a comma"),
        (f"{INSTANCES}collect = true\n[orchestration]\nobjects = ['contact_record']", "collected twice"),
        ("[orchestration]\nsources = ['agent_event=/tmp']", "orchestration.sources has 'agent_event=/tmp'"),
        (
            "[orchestration]\nobjects = ['agent_event']\nsources = ['agent_event=s3://arriving/events/']",
            "warehouse.mode is 'none'",
        ),
        ("[connect]\nzone = 'Mars/Olympus'", "connect.zone is 'Mars/Olympus'"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named(text: str, message: str) -> None:
    """By section and key, with the value and what is valid."""
    with pytest.raises(UsageError, match=message):
        parse_config(f"{text}\n" if text.startswith("lake") else f"[installation]\n{ACCOUNT}\n{text}\n")


@pytest.mark.parametrize("account", ["", "12", "11112222333x"])
def test_an_account_has_twelve_digits(account: str) -> None:
    """No default could be right."""
    with pytest.raises(UsageError, match="12 digits"):
        parse_config(f'[installation]\naccount = "{account}"')


def test_init_never_overwrites(tmp_path: Path, capsys: Any) -> None:
    """A second run says so, and the file stays."""
    path = tmp_path / "deploy.toml"
    words = ["deploy", "init", "--account", "111122223333", "--out", str(path)]
    assert run(words) == 0
    path.write_text(path.read_text() + "# mine\n")
    assert run(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert path.read_text().endswith("# mine\n")


@pytest.mark.parametrize("words", [["deploy", "plan"], ["doctor", "--aws"]])
def test_a_missing_file_says_how_to_write_one(words: list[str], tmp_path: Path, capsys: Any) -> None:
    """Exit code 2, and the command."""
    assert run([*words, str(tmp_path / "none.toml")]) == 2
    assert "trunkline deploy init" in capsys.readouterr().err


def test_cost_is_quantity_times_price() -> None:
    """Each line, and twice the contacts cost no less in any."""
    config = read_config(EXAMPLES / "full.toml")
    small, large = (monthly_cost(config, Volume(contacts, 250)) for contacts in (10_000, 20_000))
    by_name = {(item.service, item.item): item for item in large}
    assert len(by_name) == len(large) > 15
    for item in small:
        assert item.monthly_usd == pytest.approx(item.quantity * item.price)
        assert item.quantity <= by_name[item.service, item.item].quantity
    crawlers = by_name["Glue", "crawler DPU hours"]
    assert crawlers.quantity == pytest.approx(24 * 30 * 10 * 2 / 6)


def test_the_states_that_are_paid_are_those_of_the_machines() -> None:
    """Each leads to the next in the definition, so that a state more or less changes the cost."""
    run, parent = object_machine(OBJECTS["agent_event"])["States"], all_objects_machine(OBJECTS.values())["States"]
    for path, states in ((RUN_STATES, run), (IDLE_STATES, run), (PARENT_STATES, parent)):
        for state, then in pairwise(path):
            given = states[state]
            assert then in (
                given.get("Next"),
                given.get("Default"),
                *(rule["Next"] for rule in given.get("Choices", ())),
            )
        assert states[path[-1]]["Type"] == "Succeed"
    inner = parent["Facts"]["ItemProcessor"]["States"]
    assert len([state for state in inner if not state.endswith("Failed")]) == OBJECT_STATES_OF_PARENT


def test_transitions_are_counted_by_the_schedule() -> None:
    """Twelve runs a day of two objects, and a night's run of both that finds nothing due."""
    items = monthly_cost(read_config(EXAMPLES / "full.toml"), Volume(10_000, 250))
    (transitions,) = (item for item in items if item.item == "thousand transitions")
    assert transitions.quantity * 1000 == 12 * 30 * 2 * 12 + 30 * (6 + 2 * (2 + 4))
    assert transitions.monthly_usd == pytest.approx(transitions.quantity * 0.025)


def test_what_is_not_chosen_costs_nothing() -> None:
    """No warehouse, no live store, no crawler in the smallest deployment."""
    items = monthly_cost(read_config(EXAMPLES / "small.toml"), Volume(0, 0))
    assert {item.service for item in items} == {"CloudWatch", "KMS", "Kinesis", "Lambda", "S3", "SQS"}
    assert sum(item.monthly_usd for item in items if item.service in ("Lambda", "SQS", "S3")) == 0


def test_plan_lists_what_templates_create(tmp_path: Path, capsys: Any) -> None:
    """By stack and name, with what stays; parts of a resource are left out."""
    bucket = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": "lake"}}
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {}}
    template = {"Resources": {"LakeBucket": bucket, "LakeBucketPolicy": policy}}
    (made,) = created_resources({"DataPipelineStack": template})
    assert (made.stack, made.kind, made.name, made.is_kept) == ("DataPipelineStack", "S3 Bucket", "lake", True)
    (tmp_path / "DataPipelineStack.template.json").write_text(json.dumps(template))
    words = ["deploy", "plan", str(EXAMPLES / "small.toml"), "--templates", str(tmp_path)]
    assert run(words) == 0
    shown = capsys.readouterr()
    assert "S3 Bucket" in shown.out
    assert "USD a month for 10,000 contacts and 250 agents a day" in shown.err


def test_the_page_of_state_machines_shows_a_valid_configuration() -> None:
    """What the how-to page tells to write, below the account."""
    page = (EXAMPLES.parents[2] / "docs" / "how-to" / "deploy-with-cdk.md").read_text()
    text = page.partition("```toml\n")[2].partition("```")[0]
    config = parse_config('[installation]\naccount = "111122223333"\n' + text)
    assert "agent_event" in config.orchestration.objects
