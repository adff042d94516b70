"""How the numbers that events gave early differ from those of the contact records, contact by contact, and why.

A live number is made of events first and of records in the end (`contacts.py`). The difference is the price of being
early; here it is listed, so that nobody has to believe that it is small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from trunkline.live.contacts import LiveContact
from trunkline.live.fold import LiveState, last_segment, queue_id_of
from trunkline.live.phases import end_of, expected_row, final_row
from trunkline.live.rules import LiveRules
from trunkline.live.terms import LIVE_METRICS, ContactRow, live_terms
from trunkline.metrics.model import Metric

Number = int | float | None

NO_EVENTS: Final = "no event of the contact arrived"
NO_END: Final = "no event told of its end"
NO_AGENT_EVENT: Final = "no event told of its agent"
NO_QUEUE_EVENT: Final = "no event told of its queue"
OTHER_DAY: Final = "the record ends it on another day"
OTHER_QUEUE: Final = "the record has another queue or channel"
NEXT_CONTACT: Final = "a contact followed that events do not name, or named and the record does not"
TRANSFER: Final = "only records say that a transfer was completed"
SECONDS: Final = "times in events differ from the record's by seconds"
RECORD_ONLY: Final = "only records have the value"
INCOMPLETE_RECORD: Final = "the record lacks a value that events gave"


@dataclass(frozen=True, slots=True)
class LiveDifference:
    """A metric of one contact: its value by the events alone and by the record, and the reason.

    A count is 0 or 1, a rate 0 or 100 percent, a time seconds; None where the contact is not in the metric. `early` is
    None as well for a contact that the events never ended.
    """

    contact_id: str
    metric: str
    early: Number
    final: Number
    reason: str


@dataclass(frozen=True, slots=True)
class LiveReconciliation:
    """The comparison of a day. `compared` contacts have a record, of which `equal` were right in every metric.

    `pending` contacts ended, and have no record yet. `numbers` are each metric over the compared contacts, by events
    alone and by the records. `reasons` counts the contacts by reason; a contact may have several. `differences` are by
    contact and metric.
    """

    day: date
    compared: int
    equal: int
    pending: int
    numbers: dict[str, tuple[Number, Number]]
    reasons: dict[str, int]
    differences: list[LiveDifference]


def reconcile_live(state: LiveState, day: date) -> LiveReconciliation:
    """Compare what events said early of a local day's contacts with their records.

    The state holds today and yesterday; contacts that it has dropped are not compared.
    """
    ended = [contact for contact in state.contacts.values() if _ends_on(contact, day, state.rules)]
    recorded = [contact for contact in ended if final_row(contact) is not None]
    listed: list[LiveDifference] = []
    reasons: Counter[str] = Counter()
    for contact in sorted(recorded, key=lambda contact: contact.contact_id):
        differences = list(_differences(contact, state))
        listed += differences
        reasons.update({difference.reason for difference in differences})
    return LiveReconciliation(
        day,
        compared=len(recorded),
        equal=len(recorded) - len({difference.contact_id for difference in listed}),
        pending=len(ended) - len(recorded),
        numbers=_numbers(recorded, day, state),
        reasons=dict(reasons.most_common()),
        differences=listed,
    )


def _numbers(recorded: list[LiveContact], day: date, state: LiveState) -> dict[str, tuple[Number, Number]]:
    terms = live_terms()
    early, final = [0] * terms.size, [0] * terms.size
    for contact in recorded:
        row = expected_row(contact)
        if contact.seen and _day(row.disconnect_timestamp, state.rules) == day:
            early = [total + term for total, term in zip(early, _terms(row, state), strict=True)]
        if contact.record is not None:
            final = [total + term for total, term in zip(final, _terms(contact.record, state), strict=True)]
    return {metric.name: (terms.value(metric, early), terms.value(metric, final)) for metric in LIVE_METRICS}


def _ends_on(contact: LiveContact, day: date, rules: LiveRules) -> bool:
    end_at = end_of(contact)
    return end_at is not None and rules.day_of(end_at) == day


def _differences(contact: LiveContact, state: LiveState) -> Iterator[LiveDifference]:
    record, early = final_row(contact), expected_row(contact)
    if record is None:
        return
    whole = _whole_reason(contact, early, record, state.rules)
    values = _values(record, state)
    # A contact that no event ended was in no number.
    early_values = _values(early, state) if early.disconnect_timestamp is not None else dict.fromkeys(values)
    for metric in LIVE_METRICS:
        before, after = early_values[metric.name], values[metric.name]
        if before != after or (whole is not None and after):
            yield LiveDifference(
                contact.contact_id, metric.name, before, after, whole or _reason(metric, early, record)
            )


def _values(row: ContactRow, state: LiveState) -> dict[str, Number]:
    """Each metric over this one contact."""
    sums = _terms(row, state)
    return {metric.name: live_terms().value(metric, sums) for metric in LIVE_METRICS}


def _terms(row: ContactRow, state: LiveState) -> tuple[int, ...]:
    name = row.queue_name or state.queue_names.get(row.queue_arn or "")
    return live_terms().of(row, state.rules.target_s(last_segment(row.queue_arn), name, row.channel) * 1000)


def _whole_reason(contact: LiveContact, early: ContactRow, record: ContactRow, rules: LiveRules) -> str | None:
    """The reason why a contact as a whole was missing, or counted elsewhere. None when it was not."""
    if not contact.seen:
        return NO_EVENTS
    if early.disconnect_timestamp is None:
        return NO_END
    if _day(early.disconnect_timestamp, rules) != _day(record.disconnect_timestamp, rules):
        return OTHER_DAY
    if (queue_id_of(early.queue_arn), early.channel) == (queue_id_of(record.queue_arn), record.channel):
        return None
    return NO_QUEUE_EVENT if early.queue_arn is None and record.queue_arn is not None else OTHER_QUEUE


def _day(at: datetime | None, rules: LiveRules) -> date | None:
    return None if at is None else rules.day_of(at)


def _reason(metric: Metric, early: ContactRow, record: ContactRow) -> str:
    """Why one metric differs: by the columns that it reads, the more telling ones first."""
    read = [name for name in _COLUMNS if f'"{name}"' in metric.condition + metric.base + metric.value]
    for name in read:
        before, after = getattr(early, name), getattr(record, name)
        if before == after or ((before is None) == (after is None) and name in _PRESENCE):
            continue
        if name in _PRESENCE:
            return _PRESENCE[name]
        if before is None:
            return RECORD_ONLY
        return INCOMPLETE_RECORD if after is None else SECONDS
    return SECONDS


# Columns whose presence matters, with what it means that only one of the two has it.
_PRESENCE: Final = {
    "agent_connected_to_agent_timestamp": NO_AGENT_EVENT,
    "queue_enqueue_timestamp": NO_QUEUE_EVENT,
    "next_contact_id": NEXT_CONTACT,
    "transfer_completed_timestamp": TRANSFER,
}
_COLUMNS: Final = (*_PRESENCE, *(name for name in ContactRow.__struct_fields__ if name not in _PRESENCE))
