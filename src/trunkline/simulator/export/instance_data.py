"""Users, routing profiles and hierarchy groups as the Connect API describes them, a file each.

Source: API reference, DescribeUser, DescribeRoutingProfile, DescribeUserHierarchyGroup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from trunkline.simulator.centre.centre import INSTANCE_ID, REGION, Agent, Group, Profile, stamp
from trunkline.simulator.spec import DAY_S, Spec

FOLDERS: Final = {
    "users": "users",
    "routing_profiles": "routing-profiles",
    "agent_hierarchy_groups": "agent-hierarchy-groups",
}
_LEVELS: Final = ("One", "Two", "Three", "Four", "Five")
Answer = dict[str, Any]


def write_instance_data(spec: Spec, agents: Sequence[Agent], out: Path) -> dict[str, tuple[int, int]]:
    """Write `users/<user name>.json` and so on below `out`. Returns answers and bytes by object."""
    changed_at = stamp(spec.start_s - DAY_S)
    counts: dict[str, tuple[int, int]] = {}
    for name, answers in (
        ("users", _users(agents, changed_at)),
        ("routing_profiles", _profiles(agents, changed_at)),
        ("agent_hierarchy_groups", _groups(agents, changed_at)),
    ):
        folder = out / FOLDERS[name]
        folder.mkdir(parents=True, exist_ok=True)
        data = [(file_name, msgspec.json.encode(answer)) for file_name, answer in answers]
        for file_name, text in data:
            (folder / f"{file_name}.json").write_bytes(text)
        counts[name] = len(data), sum(len(text) for _, text in data)
    return counts


def _users(agents: Sequence[Agent], changed_at: str) -> Iterator[tuple[str, Answer]]:
    for agent in agents:
        first, _, last = agent.username.rstrip("0123456789").partition(".")
        user = {
            "Id": agent.agent_id,
            "Arn": agent.arn,
            "Username": agent.username,
            "IdentityInfo": {
                "FirstName": first.capitalize(),
                "LastName": last.capitalize(),
                "Email": f"{agent.username}@example.com",
            },
            "PhoneConfig": {"PhoneType": "SOFT_PHONE", "AutoAccept": False, "AfterContactWorkTimeLimit": 0},
            "RoutingProfileId": _last(agent.profile.arn),
            "Tags": {},
            "LastModifiedTime": changed_at,
            "LastModifiedRegion": REGION,
        }
        if agent.levels:
            user["HierarchyGroupId"] = _last(agent.levels[-1].arn)
        yield agent.username, {"User": user}


def _profiles(agents: Sequence[Agent], changed_at: str) -> Iterator[tuple[str, Answer]]:
    profiles: dict[str, Profile] = {agent.profile.arn: agent.profile for agent in agents}
    for profile_arn, profile in profiles.items():
        yield (
            _last(profile_arn),
            {
                "RoutingProfile": {
                    "InstanceId": INSTANCE_ID,
                    "Name": profile.name,
                    "RoutingProfileArn": profile_arn,
                    "RoutingProfileId": _last(profile_arn),
                    "Description": f"{profile.name}: {', '.join(queue.name for queue in profile.queues)}",
                    "MediaConcurrencies": [{"Channel": "VOICE", "Concurrency": profile.slots}],
                    "DefaultOutboundQueueId": profile.queues[0].queue_id,
                    "NumberOfAssociatedQueues": len(profile.queues),
                    "NumberOfAssociatedUsers": sum(agent.profile is profile for agent in agents),
                    "AssociatedQueueIds": [queue.queue_id for queue in profile.queues],
                    "Tags": {},
                    "LastModifiedTime": changed_at,
                    "LastModifiedRegion": REGION,
                }
            },
        )


def _groups(agents: Sequence[Agent], changed_at: str) -> Iterator[tuple[str, Answer]]:
    paths: dict[str, tuple[Group, ...]] = {
        group.arn: agent.levels[: depth + 1] for agent in agents for depth, group in enumerate(agent.levels)
    }
    for group_arn, path in paths.items():
        levels = {
            f"Level{word}": {"Id": _last(group.arn), "Arn": group.arn, "Name": group.name}
            for word, group in zip(_LEVELS, path, strict=False)
        }
        yield (
            _last(group_arn),
            {
                "HierarchyGroup": {
                    "Id": _last(group_arn),
                    "Arn": group_arn,
                    "Name": path[-1].name,
                    "LevelId": str(len(path)),
                    "HierarchyPath": levels,
                    "Tags": {},
                    "LastModifiedTime": changed_at,
                    "LastModifiedRegion": REGION,
                }
            },
        )


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
