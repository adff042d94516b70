"""The contacts of a simulated Connect instance: the time of each event, and the record as of any moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

from trunkline.simulator.centre.centre import Agent, Contact, stamp
from trunkline.simulator.centre.play import Played, play
from trunkline.simulator.connect_api.current import CurrentState, current_state
from trunkline.simulator.export.delivery import Version, schedule
from trunkline.simulator.export.record import export
from trunkline.simulator.spec import Spec

Record = dict[str, Any]

CREATED_AT: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When an instance's queues, users and profiles were changed last, unless `changed_at` says otherwise."""

TIME_TYPES = (
    "INITIATION_TIMESTAMP",
    "SCHEDULED_TIMESTAMP",
    "CONNECTED_TO_AGENT_TIMESTAMP",
    "DISCONNECT_TIMESTAMP",
    "ENQUEUE_TIMESTAMP",
)


@dataclass(frozen=True, slots=True)
class ApiContact:
    """One contact. Instants are Unix seconds; None: it did not happen, or not yet.

    `times` has one instant per entry of `TIME_TYPES`. `begins_at` is when a search that is not for ended contacts finds
    it first, `completed_at` the end of after contact work. `record_at(now)` is its exported record as of then.
    """

    contact_id: str
    begins_at: int
    completed_at: int
    times: tuple[int | None, ...]
    record_at: Callable[[float], Record]

    @property
    def disconnected_at(self) -> int | None:
        """When the customer left."""
        return self.times[TIME_TYPES.index("DISCONNECT_TIMESTAMP")]


@dataclass(frozen=True, slots=True)
class SimulatedInstance:
    """A simulated instance: its contacts by id, and what its listings name, each a tuple of (id, ARN, name).

    `changed_at` says when a queue, user, profile or group was changed last, by its id (None: the service does not say);
    `details` are members of what is described of it, instead of the emulator's own or beside them.
    """

    instance_arn: str
    contacts: Mapping[str, ApiContact]
    queues: tuple[tuple[str, str, str], ...]
    users: tuple[tuple[str, str, str], ...]
    profiles: tuple[tuple[str, str, str], ...]
    groups: tuple[tuple[str, str, str], ...]
    profile_of: Mapping[str, str]
    group_of: Mapping[str, str]
    current: Callable[[], CurrentState] | None = None
    """Gives who was where at any instant; None for an instance without agents' states."""
    changed_at: Mapping[str, datetime | None] = field(default_factory=dict)
    details: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def instance_id(self) -> str:
        """The last segment of the ARN."""
        return self.instance_arn.rpartition("/")[2]

    def modified(self, resource_id: str) -> Record:
        """When and where a queue, user, profile or group was changed last, as listings and descriptions have it."""
        at = self.changed_at.get(resource_id, CREATED_AT)
        return {} if at is None else {"LastModifiedTime": at, "LastModifiedRegion": self.instance_arn.split(":")[3]}


def simulate_instance(spec: Spec, instance_arn: str) -> SimulatedInstance:
    """The instance whose contacts the same spec writes into files: the same ids, times and versions."""
    played = play(spec)
    versions: dict[str, list[Version]] = {}
    for delivery in schedule(played.contacts, spec):
        if not delivery.is_copy:
            versions.setdefault(delivery.contact.contact_id, []).append(delivery.version)
    contacts = {
        contact.contact_id: _contact(contact, versions[contact.contact_id], spec.seed) for contact in played.contacts
    }
    return _named(played, contacts, instance_arn)


def _named(played: Played, contacts: Mapping[str, ApiContact], instance_arn: str) -> SimulatedInstance:
    profiles = {agent.profile.arn: agent.profile for agent in played.agents}
    queues = {queue.arn: queue for profile in profiles.values() for queue in profile.queues}
    groups = {group.arn: group for agent in played.agents for group in agent.levels}
    return SimulatedInstance(
        instance_arn=instance_arn,
        contacts=contacts,
        queues=tuple((queue.queue_id, arn, queue.name) for arn, queue in queues.items()),
        users=tuple((agent.agent_id, agent.arn, agent.username) for agent in played.agents),
        profiles=tuple((_last(arn), arn, profile.name) for arn, profile in profiles.items()),
        groups=tuple((_last(arn), arn, group.name) for arn, group in groups.items()),
        profile_of={agent.agent_id: _last(agent.profile.arn) for agent in played.agents},
        group_of={agent.agent_id: _last(agent.levels[-1].arn) for agent in played.agents if agent.levels},
        current=cache(partial(current_state, played)),
        details={
            _last(agent.levels[number].arn): _place(agent, number)
            for agent in played.agents
            for number in range(len(agent.levels))
        },
    )


def _place(agent: Agent, number: int) -> Record:
    """The level of a hierarchy group, and the groups above it."""
    words = ("One", "Two", "Three", "Four", "Five")
    groups = agent.levels[: number + 1]
    path = {f"Level{words[at]}": {"Id": _last(g.arn), "Arn": g.arn, "Name": g.name} for at, g in enumerate(groups)}
    return {"LevelId": str(number + 1), "HierarchyPath": path}


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _contact(contact: Contact, versions: list[Version], seed: int) -> ApiContact:
    assert contact.completed_at is not None
    return ApiContact(
        contact_id=contact.contact_id,
        begins_at=_begins_at(contact),
        completed_at=contact.completed_at,
        times=(
            contact.initiated_at,
            contact.scheduled_at,
            contact.agent_at,
            contact.disconnected_at,
            contact.enqueued_at,
        ),
        record_at=partial(_record_at, contact, tuple(sorted(versions, key=lambda v: v.level)), seed),
    )


def _begins_at(contact: Contact) -> int:
    """Voice once an agent has it or it has ended, callbacks sooner; a chat when the system has it; others at once."""
    end = contact.disconnected_at if contact.disconnected_at is not None else contact.initiated_at
    if contact.channel == "VOICE" and contact.method != "CALLBACK":
        return contact.agent_at if contact.agent_at is not None else end
    if contact.channel == "CHAT":
        return contact.system_at if contact.system_at is not None else end
    return contact.initiated_at


def _record_at(contact: Contact, versions: tuple[Version, ...], seed: int, now: float) -> Record:
    """The newest version; before the first one, the part of it that has happened."""
    there = [version for version in versions if version.updated_at <= now]
    record = export(contact, there[-1] if there else versions[0], seed)
    return record if there else until(record, now)


def until(record: Record, now: float) -> Record:
    """A record without what happens after `now`; its last update is the latest event before it."""
    known = dict(record)
    if _is_later(known.get("DisconnectTimestamp"), now):
        known |= dict.fromkeys(("DisconnectTimestamp", "DisconnectReason", "NextContactId", "Recordings", "Recording"))
    agent = known.get("Agent")
    if agent is not None and _is_later(agent["ConnectedToAgentTimestamp"], now):
        known["Agent"] = agent = None
    if agent is not None and _is_later(agent["AfterContactWorkEndTimestamp"], now):
        known["Agent"] = {**agent, "AfterContactWorkEndTimestamp": None, "AfterContactWorkDuration": None}
    if _is_later(known.get("ConnectedToSystemTimestamp"), now):
        known["ConnectedToSystemTimestamp"] = None
    names = ("InitiationTimestamp", "ConnectedToSystemTimestamp", "DisconnectTimestamp")
    happened = [known.get(name) for name in names]
    happened.append(agent["ConnectedToAgentTimestamp"] if agent is not None else None)
    known["LastUpdateTimestamp"] = max(time for time in happened if time is not None)
    return known


def _is_later(text: str | None, now: float) -> bool:
    return text is not None and text > stamp(int(now))
