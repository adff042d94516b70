"""The contact centre: queues, routing profiles, agents, the hierarchy, contacts, and identifiers from the seed."""

from __future__ import annotations

import random
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import IntEnum


@dataclass(slots=True, eq=False)
class Queue:
    """A queue. Hours are local wall-clock hours [opens, closes), the same every day.

    `dialing` counts a campaign's calls that ring.
    """

    name: str
    opens: float
    closes: float
    number: int = 0
    queue_id: str = ""
    arn: str = ""
    dialing: int = 0
    waiting: deque[Contact] = field(default_factory=deque)
    profiles: list[Profile] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Profile:
    """A routing profile: queues in order of priority, and how many contacts an agent takes at once.

    `idle[n]` contains agents who have n contacts and can take more, longest idle first. It is an OrderedDict because
    finding the first entry of a plain dictionary takes time in proportion to the entries removed from its front.
    """

    name: str
    queues: tuple[Queue, ...]
    slots: int
    arn: str = ""
    idle: list[OrderedDict[int, Agent]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Agent:
    """An agent. `on_contact_s` and `idle_s` are wall-clock seconds, as occupancy counts them."""

    number: int
    agent_id: str
    arn: str
    username: str
    profile: Profile
    levels: tuple[Group, ...]
    skill: float
    load: int = 0
    is_on_shift: bool = False
    is_away: bool = False
    is_leaving: bool = False
    break_s: int = 0
    since: int = 0
    on_contact_s: int = 0
    idle_s: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """One hierarchy group."""

    name: str
    arn: str


@dataclass(slots=True, eq=False)
class Centre:
    """The state of the centre before the first contact arrives."""

    queues: dict[str, Queue]
    profiles: dict[str, Profile]
    agents: list[Agent]
    rng: random.Random


QUEUES = (
    ("Sales", 8.0, 20.0),
    ("Support", 0.0, 24.0),
    ("Billing", 8.0, 18.0),
    ("Retention", 9.0, 18.0),
    ("Chat", 7.0, 23.0),
    ("Back office", 8.0, 18.0),
    ("Collections", 9.0, 19.0),
)
# Name, queues by priority, slots.
PROFILES = (
    ("Sales", ("Sales", "Support", "Billing"), 1),
    ("Support", ("Support", "Billing", "Sales"), 1),
    ("Billing", ("Billing", "Support", "Sales"), 1),
    ("Retention", ("Retention", "Sales"), 1),
    ("Digital", ("Chat",), 3),
    ("Back office", ("Back office",), 1),
    ("Outbound", ("Collections", "Retention"), 1),
)
_SITES = (
    ("Americas", "New York", ("Team Hudson", "Team Liberty", "Team Bronx")),
    ("Americas", "Montréal", ("Équipe Saint-Laurent", "Équipe Mont-Royal")),
    ("EMEA", "Zürich", ("Team Limmat", "Team Üetliberg")),
)
_FIRST = (
    "ana", "ben", "carla", "david", "elena", "felix", "grace", "hugo", "ines", "jonas", "kira", "liam", "maria",
    "noah", "olga", "paul", "quinn", "rosa", "sam", "tara", "uma", "victor", "wendy", "xenia", "yusuf", "zoe",
)  # fmt: skip
_LAST = (
    "adams", "brown", "costa", "diaz", "evans", "fischer", "garcia", "hughes", "ito", "jones", "klein", "lopez",
    "martin", "nguyen", "olsen", "patel", "quist", "rossi", "silva", "turner", "ueda", "vogel", "weber", "young",
)  # fmt: skip


def build(rng: random.Random) -> Centre:
    """A centre with queues and routing profiles; `hire` adds agents."""
    queues: dict[str, Queue] = {}
    for number, (name, opens, closes) in enumerate(QUEUES):
        queue_id = uuid_of(rng)
        queues[name] = Queue(name, opens, closes, number, queue_id, arn("queue", queue_id))
    profiles: dict[str, Profile] = {}
    for name, queue_names, slots in PROFILES:
        profile = Profile(
            name, tuple(queues[queue_name] for queue_name in queue_names), slots, arn("routing-profile", uuid_of(rng))
        )
        profile.idle = [OrderedDict() for _ in range(slots)]
        for queue in profile.queues:
            queue.profiles.append(profile)
        profiles[name] = profile
    return Centre(queues, profiles, [], rng)


def hire(centre: Centre, profile: Profile) -> Agent:
    """Add an agent with that routing profile; one in ten is not in the hierarchy."""
    number = len(centre.agents)
    rng = centre.rng
    agent_id = uuid_of(rng)
    first, last = _FIRST[number % len(_FIRST)], _LAST[(number * 5 + number // len(_FIRST)) % len(_LAST)]
    username = f"{first}.{last}{number // 600 or ''}"
    region, site, teams = _SITES[number % len(_SITES)]
    levels = tuple(_group(name) for name in (region, site, teams[number // 3 % len(teams)]))
    agent = Agent(
        number=number,
        agent_id=agent_id,
        arn=arn("agent", agent_id),
        username=username,
        profile=profile,
        levels=() if rng.random() < 0.1 else levels,
        skill=rng.uniform(0.85, 1.15),
    )
    centre.agents.append(agent)
    return agent


def _group(name: str) -> Group:
    """The group of that name. Its id depends on the name only, so that the tree is the same for every seed."""
    return Group(name, arn("agent-group", uuid_of(random.Random(name))))


class State(IntEnum):
    """The state of a contact in the simulation."""

    FLOW = 0
    QUEUED = 1
    RINGING = 2
    CONNECTED = 3
    DONE = 4


@dataclass(slots=True, eq=False)
class Contact:
    """Everything that happened to one leg. Times are Unix seconds, durations seconds; None means it did not happen.

    `pre_disconnect_state` is known to Amazon but not exported. `completed_at` is the end of after contact work (or of
    the contact, without an agent); the record is delivered after it. `call_key` is the number of the journey's first
    leg. It seeds random values per customer rather than per leg, such as the phone number.
    """

    number: int
    contact_id: str
    call_key: int
    channel: str
    method: str
    initiated_at: int
    initial_id: str | None = None
    previous_id: str | None = None
    next_id: str | None = None
    related_id: str | None = None
    association_id: str | None = None
    subtype: str = "connect:Telephony"
    state: State = State.FLOW
    hops: int = 0
    system_at: int | None = None
    disconnected_at: int | None = None
    completed_at: int | None = None
    reason: str | None = None
    pre_disconnect_state: str | None = None
    queue: Queue | None = None
    personal_queue_of: Agent | None = None
    enqueued_at: int | None = None
    dequeued_at: int | None = None
    attempts: int = 0
    ringing: Agent | None = None
    agent: Agent | None = None
    agent_at: int | None = None
    interaction_s: int | None = None
    hold_s: int = 0
    longest_hold_s: int = 0
    holds: int = 0
    holding_since: int | None = None
    pause_s: int | None = None
    pauses: int = 0
    paused_at: int | None = None
    resumed_at: int | None = None
    acw_s: int | None = None
    acw_at: int | None = None
    acw_end_at: int | None = None
    transfer_completed_at: int | None = None
    transferred_to: str | None = None
    external_s: int | None = None
    scheduled_at: int | None = None
    amd: str | None = None
    campaign: int | None = None
    is_preview: bool = False
    has_barged: bool = False
    warm_parent: Contact | None = None
    warm_rest_s: int = 0
    external_number: str | None = None

    def hold(self, seconds: int) -> None:
        """Add one hold."""
        self.holds += 1
        self.hold_s += seconds
        self.longest_hold_s = max(self.longest_hold_s, seconds)


ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
INSTANCE_ID = "9f3c1e52-6d0a-4b7e-8a41-2c5d7e90b1aa"
INSTANCE_ARN = f"arn:aws:connect:{REGION}:{ACCOUNT_ID}:instance/{INSTANCE_ID}"
_STAMPS: dict[int, str] = {}
_STAMPS_MAX = 200_000


def uuid_of(rng: random.Random) -> str:
    """A version 4 UUID from `rng`, so that the same seed gives the same UUID."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def arn(kind: str, identifier: str) -> str:
    """An ARN inside the simulated instance, such as `.../queue/<id>`."""
    return f"{INSTANCE_ARN}/{kind}/{identifier}"


def stamp(second: int) -> str:
    """A Unix second as `yyyy-mm-ddThh:mm:ssZ`, the format of contact records."""
    text = _STAMPS.get(second)
    if text is None:
        if len(_STAMPS) > _STAMPS_MAX:
            _STAMPS.clear()
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        _STAMPS[second] = text
    return text


def phone(number: int) -> str:
    """An E.164 number of the range reserved for fiction (+1 NPA 555 0100 to 0199)."""
    area = 201 + (number * 7919) % 779
    return f"+1{area}55501{(number // 779) % 100:02d}"
