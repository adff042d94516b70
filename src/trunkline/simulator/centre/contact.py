"""One contact (one leg, one ContactId) while it lives in the simulated centre."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trunkline.simulator.centre.centre import Agent, Queue


class State(IntEnum):
    """Where a contact is."""

    FLOW = 0
    QUEUED = 1
    RINGING = 2
    CONNECTED = 3
    DONE = 4


@dataclass(slots=True, eq=False)
class Contact:
    """Everything that happened to one leg. Instants are Unix seconds, durations seconds, None means it never was.

    `pre_disconnect_state` is what Amazon knows and does not export. `completed_at` is the end of after contact work
    (or of the contact, where no agent was), after which the record is delivered. `call_key` seeds what is drawn
    per customer rather than per leg, such as the phone number; it is the number of the journey's first leg.
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
    outside_number: str | None = None

    def hold(self, seconds: int) -> None:
        """Add one hold."""
        self.holds += 1
        self.hold_s += seconds
        self.longest_hold_s = max(self.longest_hold_s, seconds)
