"""What a collection would cost, before it is begun: calls, and the minutes that the quota makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from trunkline.limits import SEARCH_PAGE_MAX, SEARCH_RESULTS_MAX
from trunkline.pipelines.collect import Collector, check_range
from trunkline.pipelines.held import settled_contacts
from trunkline.schedules.windows import Window
from trunkline.sources.connect_api.client import ConnectInstance, NoCache
from trunkline.sources.connect_api.search import ContactQuery, count_contacts


@dataclass(frozen=True, slots=True)
class Planned:
    """What collecting a range from one instance would take.

    `contacts` is what the API says it would list just now; `held` how many of them the warehouse has as complete as the
    API could make them. `search_calls` and `describe_calls` are upper bounds but for contacts that come meanwhile;
    `minutes` is what the slower of the two takes at our share of the quota, since the other goes on meanwhile.
    """

    instance: ConnectInstance
    contacts: int
    held: int
    search_calls: int
    describe_calls: int
    minutes: float


def plan(
    collector: Collector, instance: ConnectInstance, since: datetime, until: datetime, query: ContactQuery
) -> Planned:
    """Ask how many contacts there are (one call, one more per eight weeks), and reckon. Nothing is written."""
    check_range(since, until, collector.now)
    contacts = count_contacts(collector.api(instance, NoCache()), Window(since, until), query)
    describe = collector.home.settings.collect_describe
    held = 0
    if query == ContactQuery():  # what the warehouse has is known by disconnect time alone
        held = min(
            contacts, settled_contacts(collector.home.warehouse, collector.obj, instance.instance_id, since, until)
        )
    describes = {"never": 0, "all": contacts, "missing": contacts - held}[describe]
    searches = math.ceil(contacts / SEARCH_PAGE_MAX) + math.ceil(contacts / SEARCH_RESULTS_MAX)
    seconds = [
        calls / collector.buckets.rate(operation)
        for operation, calls in (("SearchContacts", searches), ("DescribeContact", describes))
    ]
    return Planned(instance, contacts, held, searches, describes, max(seconds) / 60)
