"""What the Connect API listed, as the ledger keeps it: no matter whether `collect` or `reconcile` asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from trunkline.completeness.listings import Listing, Sighting, store_listing
from trunkline.completeness.periods import LISTING_LAG, split_by_period
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectInstance
from trunkline.sources.connect_api.search import ListedContact

STRETCH_CONTACTS: Final = 5_000
"""Contacts of one stretch, kept as one file: some 100 s of searches, which are asked again where a run was killed."""
_SECOND: Final = timedelta(seconds=1)


def source_of(instance: ConnectInstance) -> str:
    """An instance's name in the ledger: Region and id, since an id alone does not say where to ask."""
    return f"connect-{instance.region}-{instance.instance_id}"


def sighted(one: ListedContact) -> Sighting:
    """A listed contact as the ledger has it."""
    text = one.summary.get("InitiationTimestamp")
    began = datetime.fromisoformat(str(text)).astimezone(UTC).replace(tzinfo=None) if text else None
    return one.contact_id, began, one.at.replace(tzinfo=None)


def keep_collected(
    home: Home, obj: Object, instance: ConnectInstance, window: Window, asked_at: datetime, listed: Sequence[Sighting]
) -> None:
    """Keep what a run of `collect` listed of a window, so that `reconcile` need not ask for it again.

    Only whole seconds of it count, and nothing that had ended less than `LISTING_LAG` before it was asked for.
    """
    start = window.start.replace(microsecond=0)
    start = start if start == window.start else start + _SECOND
    end = min(window.end, asked_at - LISTING_LAG).replace(microsecond=0)
    if start >= end:
        return
    for part in split_by_period(Window(start, end)):
        store_listing(home.store, home.scratch, obj, home.con, source_of(instance), Listing(part, asked_at, listed))
