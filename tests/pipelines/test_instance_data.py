"""Users, routing profiles and hierarchy groups from the API's answers: the newest state of each, on every target."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import Record, load_into, opened, table, write
from servers import SERVERS

from trunkline.objects.agents.instance_data import AGENT_HIERARCHY_GROUPS, ROUTING_PROFILES, USERS

ARN = "arn:aws:connect:us-east-1:111122223333:instance/i1"


def _user(name: str, changed: str, **values: object) -> Record:
    return {
        "User": {
            "Id": "u1", "Arn": f"{ARN}/agent/u1", "Username": name, "RoutingProfileId": "p1", "HierarchyGroupId": "g2",
            "IdentityInfo": {"FirstName": "Ana", "LastName": "Adams", "Email": "ana@example.com", "Mobile": "+15535550100"},
            "PhoneConfig": {
                "PhoneType": "SOFT_PHONE", "AutoAccept": True, "AfterContactWorkTimeLimit": 90, "DeskPhoneNumber": "",
            },
            "SecurityProfileIds": ["s1", "s2"], "Tags": {"team": "a"},
            "LastModifiedTime": changed, "LastModifiedRegion": "us-east-1", **values,
        }
    }  # fmt: skip


@pytest.mark.parametrize("each_target", ["duckdb", *SERVERS], indirect=True)
def test_the_newest_state_of_a_user(tmp_path: Path, each_target: str) -> None:
    """Renamed and moved to another profile: one row, in any order; addresses and numbers are hashed."""
    renamed = _user("ana.new", "2026-03-05T09:00:00.250000+01:00", RoutingProfileId="p2")
    with opened(tmp_path / "home", USERS) as home:
        load_into(home, write(tmp_path / "1", renamed, _user("ana", "2026-03-03T09:00:00Z")), obj=USERS)
        load_into(home, write(tmp_path / "2", _user("ana.old", "2026-03-01T09:00:00Z")), obj=USERS)
        (row,) = table(home, USERS)
    assert (row["agent_username"], row["agent_routing_profile_id"]) == ("ana.new", "p2")
    assert str(row["last_modified_timestamp"]) == "2026-03-05 08:00:00.250000"
    assert (row["after_contact_work_time_limit"], row["auto_accept"]) == (90, True)
    assert row["agent_security_profile_ids"] == ["s1", "s2"]
    assert row["record_unmapped"] is None
    assert all(row[name] and "@" not in row[name] and "+" not in row[name] for name in ("agent_email", "mobile"))


def test_profiles_and_groups(tmp_path: Path) -> None:
    """The other two tables, with their keys and paths."""
    profile = {
        "RoutingProfile": {
            "InstanceId": "i1", "Name": "Sales", "RoutingProfileArn": f"{ARN}/routing-profile/p1", "RoutingProfileId": "p1",
            "Description": "Calls", "MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": 1}],
            "DefaultOutboundQueueId": "q1", "NumberOfAssociatedQueues": 2, "NumberOfAssociatedUsers": 9,
            "AgentAvailabilityTimer": "TIME_SINCE_LAST_INBOUND", "IsDefault": False, "AssociatedQueueIds": ["q1", "q2"],
            "LastModifiedTime": "2026-03-05T09:00:00Z", "LastModifiedRegion": "us-east-1", "Tags": {},
        }
    }  # fmt: skip
    level = {"Id": "g1", "Arn": f"{ARN}/agent-group/g1", "Name": "Americas"}
    group = {
        "HierarchyGroup": {
            "Id": "g2", "Arn": f"{ARN}/agent-group/g2", "Name": "New York", "LevelId": "2",
            "HierarchyPath": {"LevelOne": level, "LevelTwo": dict(level, Id="g2", Name="New York")},
            "LastModifiedTime": "2026-03-05T09:00:00Z", "LastModifiedRegion": "us-east-1",
        }
    }  # fmt: skip
    with opened(tmp_path / "home", ROUTING_PROFILES, AGENT_HIERARCHY_GROUPS) as home:
        load_into(home, write(tmp_path / "1", profile), obj=ROUTING_PROFILES)
        load_into(home, write(tmp_path / "2", group), obj=AGENT_HIERARCHY_GROUPS)
        (row,) = table(home, ROUTING_PROFILES)
        (other,) = table(home, AGENT_HIERARCHY_GROUPS)
    assert (row["agent_routing_profile_id"], row["routing_profile_name"], row["instance_id"]) == ("p1", "Sales", "i1")
    assert row["associated_queue_ids"] == ["q1", "q2"]
    assert (other["level_1_name"], other["level_2_id"], other["level_3_id"]) == ("Americas", "g2", None)
    assert other["record_unmapped"] is None
