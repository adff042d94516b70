"""What a home knows about the contacts of a Connect instance: rows in the warehouse, and listings for completeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from trunkline.completeness.listings import Listing, Sighting, store_listing
from trunkline.completeness.periods import LISTING_LAG, split_by_period
from trunkline.engines.model import quote_qualified, text_literal
from trunkline.objects.model import FIDELITY_STREAM, Object
from trunkline.pipelines.home import Home
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectInstance
from trunkline.sources.connect_api.contacts import HeldContact
from trunkline.sources.connect_api.search import ListedContact
from trunkline.sql.session import Session

_NO_AFTER_CONTACT_WORK: Final = ("AGENT_REPLY", "MONITOR")
"""Initiation methods of contacts that never have after-contact work: e-mails of agents, and supervisors who listen."""
_LONGEST_WORK: Final = timedelta(days=3)
"""A row that was read this long after its contact's end has its after-contact work, or there is none."""
_FORGOTTEN: Final = timedelta(days=30)
"""Contacts that ended longer ago are not described again, whenever they were read."""
_SECOND: Final = timedelta(seconds=1)


def _settled(now: datetime) -> str:
    """A condition for rows that DescribeContact would not change. `now` is aware."""
    methods = ", ".join(map(text_literal, _NO_AFTER_CONTACT_WORK))
    hours = _LONGEST_WORK // timedelta(hours=1)
    return (
        "(agent_connected_to_agent_timestamp IS NULL OR agent_after_contact_work_end_timestamp IS NOT NULL "
        f"OR initiation_method IN ({methods}) OR record_arrived_at >= disconnect_timestamp + INTERVAL '{hours} hours' "
        f"OR disconnect_timestamp < DATE '{(now - _FORGOTTEN).date()}')"
    )


def find_held(db: Session, obj: Object, now: datetime, contact_ids: Sequence[str]) -> Mapping[str, HeldContact]:
    """The rows of these contacts: fidelity, and whether the API cannot add to them. Others are absent."""
    if not contact_ids:
        return {}
    marks = ", ".join(f"${number}" for number in range(1, len(contact_ids) + 1))
    rows = db.query(
        f"SELECT contact_id, record_fidelity, {_settled(now)} "
        f"FROM {quote_qualified(db.engine, obj.warehouse_table)} WHERE contact_id IN ({marks})",
        list(contact_ids),
    )
    return {contact_id: HeldContact(fidelity, bool(is_settled)) for contact_id, fidelity, is_settled in rows}


def count_settled(db: Session, obj: Object, now: datetime, instance_id: str, since: datetime, until: datetime) -> int:
    """The rows that ended in [since, until) and that the API cannot add to: exported ones, and settled ones."""
    rows = db.query(
        f"SELECT count(*) FROM {quote_qualified(db.engine, obj.warehouse_table)} WHERE instance_id = $1 "
        f"AND disconnect_timestamp >= $2 AND disconnect_timestamp < $3 AND (record_fidelity = $4 OR {_settled(now)})",
        [instance_id, since.replace(tzinfo=None), until.replace(tzinfo=None), FIDELITY_STREAM],
    )
    return int(rows[0][0])


def source_of(instance: ConnectInstance) -> str:
    """An instance's name in the ledger: Region and id, because an id alone does not say where to ask."""
    return f"connect-{instance.region}-{instance.instance_id}"


def sighting_of(contact: ListedContact) -> Sighting:
    """A listed contact as completeness has it."""
    text = contact.summary.get("InitiationTimestamp")
    began = datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None) if text else None
    return contact.contact_id, began, contact.at.replace(tzinfo=None)


def store_collected(
    home: Home,
    obj: Object,
    instance: ConnectInstance,
    window: Window,
    as_of: datetime,
    contacts: Sequence[ListedContact],
) -> None:
    """Store what `collect` listed of a window, so that `reconcile` need not list it again.

    Only whole seconds count, and nothing that had ended less than `LISTING_LAG` before it was listed.
    """
    start = window.start.replace(microsecond=0)
    start = start if start == window.start else start + _SECOND
    end = min(window.end, as_of - LISTING_LAG).replace(microsecond=0)
    if start >= end:
        return
    sightings = [sighting_of(contact) for contact in contacts]
    for part in split_by_period(Window(start, end)):
        store_listing(home.store, home.scratch, obj, home.con, source_of(instance), Listing(part, as_of, sightings))
