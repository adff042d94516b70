"""Queues, agents, profiles and groups by listing an instance: new, changed and deleted ones, on every target."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from collecting import INSTANCE, service
from connect import DAY, emulator, simulated
from homes import opened, table
from virtual_clock import VirtualClock

from trunkline.cli.main import run
from trunkline.errors import TransientError, UsageError
from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES, USERS
from trunkline.objects.business.instance import AGENT, QUEUE
from trunkline.pipelines.connect.list_instance import ListingResult, list_instance
from trunkline.pipelines.home import Home
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.contacts import SimulatedInstance
from trunkline.simulator.connect_api.http import served
from trunkline.sources.connect_api.quota import OPERATIONS

ENGINES = ("duckdb", "postgresql", "redshift+data")


class Centre:
    """The simulated instance whose queues and users a test changes, on a clock that goes on."""

    def __init__(self) -> None:
        self.instance, self.clock = simulated(), VirtualClock(DAY.timestamp())
        self.failures: Any = lambda operation, request: None

    def list(self, home: Home, obj: Any = QUEUE) -> ListingResult:
        self.clock.sleep(3600)
        api = emulator(self.instance, self.clock)
        api.failures = self.failures
        return list_instance(home, obj, INSTANCE, service(api, self.clock))

    def change(self, **changes: Any) -> None:
        self.instance = dataclasses.replace(self.instance, **changes)

    def modify(self, resource_id: str, **details: Any) -> None:
        changed_at = {**self.instance.changed_at, resource_id: DAY + timedelta(hours=1)}
        self.change(changed_at=changed_at, details={**self.instance.details, resource_id: details})


def rows(home: Home, obj: Any) -> dict[str, dict[str, Any]]:
    return {row[obj.key[0]]: row for row in table(home, obj)}


@pytest.mark.parametrize("each_target", ENGINES, indirect=True)
def test_what_is_deleted_keeps_its_last_values(tmp_path: Path, each_target: str) -> None:
    """Renamed, deleted and listed again: one row a queue with its last values; calls only for what has changed."""
    centre = Centre()
    (first, arn, name), *others = centre.instance.queues
    with opened(tmp_path / "home", QUEUE) as home:
        done = centre.list(home)
        assert (done.tally.listed, done.counts.inserted) == (len(others) + 1, len(others) + 1)
        assert centre.list(home).calls == {"ListQueues": 1}
        centre.modify(first, Description="Renamed", Tags={"team": "a", "cost": "b"}, MaxContacts=7)
        assert centre.list(home).counts.updated == 1
        before = rows(home, QUEUE)[first]
        assert (before["queue_name"], before["max_contacts"], before["record_is_deleted"]) == (name, 7, False)

        centre.change(queues=tuple(others))
        done = centre.list(home)
        assert (done.counts.deleted, done.tally.deleted) == (1, 1)
        after = rows(home, QUEUE)[first]
        assert after["record_is_deleted"]
        columns = [column.name for column in QUEUE.data_columns]
        assert {name: after[name] for name in columns} == {name: before[name] for name in columns}
        assert home.warehouse.query("SELECT count(*) FROM connect_datalake.queue") == [(len(others),)]
        assert centre.list(home).calls == {"ListQueues": 1}

        centre.change(queues=((first, arn, name), *others))
        assert centre.list(home).counts.inserted == 1
        assert not rows(home, QUEUE)[first]["record_is_deleted"]
        centre.change(queues=tuple(others))
        assert centre.list(home).counts.deleted == 1
        assert rows(home, QUEUE)[first]["record_is_deleted"]


@pytest.mark.parametrize("each_target", ENGINES, indirect=True)
def test_a_deleted_agent_loses_addresses_alone(tmp_path: Path, each_target: str) -> None:
    """Names and lists stay; e-mail addresses are hashed while the agent exists, and NULL afterwards."""
    centre = Centre()
    (first, _, name), *others = centre.instance.users
    with opened(tmp_path / "home", AGENT) as home:
        assert centre.list(home, AGENT).counts.inserted == len(others) + 1
        before = rows(home, AGENT)[first]
        assert before["agent_email"]
        assert "@" not in before["agent_email"]
        centre.change(users=tuple(others))
        assert centre.list(home, AGENT).counts.deleted == 1
        after = rows(home, AGENT)[first]
    kept = {"agent_username", "first_name", "agent_security_profile_ids", "instance_id", "agent_routing_profile_id"}
    assert {column: after[column] for column in kept} == {column: before[column] for column in kept}
    assert (after["agent_username"], after["agent_email"]) == (name, None)


def test_profiles_and_groups_are_listed_too(tmp_path: Path) -> None:
    """Amazon's tables of profiles and groups, with each group's place in the tree."""
    centre = Centre()
    with opened(tmp_path / "home", ROUTING_PROFILES, AGENT_HIERARCHY_GROUPS) as home:
        assert centre.list(home, ROUTING_PROFILES).counts.inserted == len(centre.instance.profiles)
        assert centre.list(home, AGENT_HIERARCHY_GROUPS).counts.inserted == len(centre.instance.groups)
        groups = rows(home, AGENT_HIERARCHY_GROUPS)
    team = next(row for row in groups.values() if row["level_id"] == "3")
    assert groups[team["level_1_id"]]["agent_hierarchy_group_name"] == team["level_1_name"]
    assert all(row["record_unmapped"] is None for row in groups.values())


def test_a_queue_without_a_time_of_change_is_one_version(tmp_path: Path) -> None:
    """It is described in every run, and an equal description changes nothing."""
    centre = Centre()
    (queue, *_), *_ = centre.instance.queues
    no_time: dict[str, Any] = {queue: None}
    with opened(tmp_path / "home", QUEUE) as home:
        changed: SimulatedInstance = dataclasses.replace(centre.instance, changed_at=no_time)
        centre.instance = changed
        # The model's times are optional; an emulated answer leaves a NULL out.
        centre.list(home)
        before = rows(home, QUEUE)
        done = centre.list(home)
        assert (done.tally.described, done.counts.read, done.calls["DescribeQueue"]) == (0, 0, 1)
        assert rows(home, QUEUE) == before


def test_a_failed_listing_deletes_nothing(tmp_path: Path) -> None:
    """Throttled after the listing: nothing is marked as deleted, and the next run completes the work."""
    centre = Centre()
    first, *others = centre.instance.queues
    with opened(tmp_path / "home", QUEUE) as home:
        centre.list(home)
        centre.change(queues=tuple(others))
        centre.failures = lambda operation, request: (
            ApiError("ThrottlingException", "Rate exceeded") if operation == "DescribeQueue" else None
        )
        with pytest.raises(TransientError):
            centre.list(home)
        assert not rows(home, QUEUE)[first[0]]["record_is_deleted"]
        centre.failures = lambda operation, request: None
        assert centre.list(home).counts.deleted == 1


def test_the_command_lists_an_instance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`trunkline run queue`, over HTTP with boto3: rows the first time, nothing new the second."""
    instance, clock = simulated(), VirtualClock(DAY.timestamp())
    api = emulator(instance, clock)
    api.quotas.limits |= dict.fromkeys(OPERATIONS, (1e9, 1e9))
    home = str(tmp_path / "home")
    (tmp_path / "home").mkdir()
    quota = ", ".join(f"{operation} = 1000000" for operation in OPERATIONS)
    (tmp_path / "home" / "trunkline.toml").write_text(f"connect_quota = {{ {quota} }}\nconnect_share = 1.0\n")
    with served(api) as url:
        for expected in (f"{len(instance.queues)} inserted", "0 records read"):
            command = ["run", "queue", "--now", "--instance", INSTANCE.arn, "--endpoint", url, "--home", home]
            assert run(command) == 0
            assert expected in capsys.readouterr().out


def test_another_object_is_refused(tmp_path: Path) -> None:
    """An object that no listing has is a usage error that names those that have one."""
    centre = Centre()
    with opened(tmp_path / "home", USERS) as home, pytest.raises(UsageError, match="valid are queue, agent"):
        centre.list(home, USERS)
