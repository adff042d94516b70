"""What agents did, in whole seconds: the raw material of the agent event stream."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.simulator.centre.centre import Agent, Contact

AVAILABLE = "Available"
OFFLINE = "Offline"
CUSTOM_STATUSES = ("Break", "Lunch", "Team meeting")
_LUNCH_S = 1800


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change at a Unix second. Entries are not in order of time: some are known in advance, some afterwards.

    With a contact, `name` is its state at the agent as Connect calls it, None when the contact leaves the agent.
    Without one, it is the agent's status, or the status chosen for after the current contacts (`is_next`).
    """

    at: int
    agent: Agent
    name: str | None
    contact: Contact | None = None
    is_next: bool = False


def break_name(agent: Agent, seconds: int) -> str:
    """The custom status of a break. The short breaks of one agent in seven are meetings."""
    if seconds >= _LUNCH_S:
        return "Lunch"
    return "Team meeting" if agent.number % 7 == 3 else "Break"
