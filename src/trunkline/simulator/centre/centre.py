"""The centre itself: queues, routing profiles, agents and the hierarchy they hang in."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from trunkline.simulator.centre.contact import Contact
from trunkline.simulator.centre.ids import arn, uuid_of


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

    `idle[n]` holds agents who carry n contacts and may take more, longest idle first (ordered, because finding the
    first entry of a plain dictionary that is emptied from the front takes time in proportion to what was removed).
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
    """All there is before the first contact arrives."""

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
    """Queues and routing profiles; agents join through `hire`."""
    queues: dict[str, Queue] = {}
    for number, (name, opens, closes) in enumerate(QUEUES):
        queue_id = uuid_of(rng)
        queues[name] = Queue(name, opens, closes, number, queue_id, arn("queue", queue_id))
    profiles: dict[str, Profile] = {}
    for name, served, slots in PROFILES:
        profile = Profile(name, tuple(queues[one] for one in served), slots, arn("routing-profile", uuid_of(rng)))
        profile.idle = [OrderedDict() for _ in range(slots)]
        for queue in profile.queues:
            queue.profiles.append(profile)
        profiles[name] = profile
    return Centre(queues, profiles, [], rng)


def hire(centre: Centre, profile: Profile) -> Agent:
    """A new agent with that routing profile; one in ten stands outside the hierarchy."""
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
    """The group of that name; its id follows from the name, so that every seed's centre has the same tree."""
    return Group(name, arn("agent-group", uuid_of(random.Random(name))))
