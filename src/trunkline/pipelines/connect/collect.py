"""`collect` and `run`: contacts through the Connect API into lake and warehouse, for a range or on a schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trunkline import clock
from trunkline.accounting import Counts, total
from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import (
    COLLECT_MARGIN_S,
    CONNECT_BATCH_CONTACTS,
    SEARCH_LOOK_BACK_DAYS_MAX,
    SEARCH_PAGE_MAX,
    SEARCH_RESULTS_MAX,
)
from trunkline.objects.model import Object
from trunkline.pipelines.connect.connect_ledger import count_settled, find_held, store_collected
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.positions import API_SOURCE
from trunkline.schedules.schedule import make_schedule
from trunkline.schedules.windows import Window
from trunkline.settings.installation import Settings
from trunkline.sources.connect_api import client
from trunkline.sources.connect_api.client import AnswerCache, ConnectClient, ConnectInstance, Invoke, NoCache
from trunkline.sources.connect_api.contacts import CollectTally, ContactPart, ContactReader, HeldContact
from trunkline.sources.connect_api.journal import CallJournal
from trunkline.sources.connect_api.progress import CollectJob, RangeJob, ScheduleJob, load_names
from trunkline.sources.connect_api.quota import CallClock, TokenBuckets
from trunkline.sources.connect_api.record import ResourceNames
from trunkline.sources.connect_api.search import ContactQuery, ListedContact, count_contacts
from trunkline.sources.connect_api.source import LISTING_CONTACTS, Collection, ContactSource
from trunkline.sources.registry import open_source

LOOK_BACK: Final = timedelta(days=SEARCH_LOOK_BACK_DAYS_MAX) - timedelta(hours=1)
"""How far back a range may begin. The last hour is left out: time passes while windows are read."""
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ConnectService:
    """How the API is reached: the clock, and the way to call an instance. Tests have others."""

    clock: CallClock = field(default_factory=CallClock)
    connect: Callable[[ConnectInstance], Invoke] = client.connect


@dataclass(frozen=True, slots=True)
class CollectResult:
    """What a run did with one instance.

    `calls` by operation; `through` is where the next run continues, `is_done` whether nothing requested is left.
    `waited_s` is the time spent waiting for the quota, `throttled` the number of throttled calls. `loaded` is what the
    runner did with what was read.
    """

    instance: ConnectInstance
    counts: Counts
    tally: CollectTally
    calls: Mapping[str, int]
    through: datetime
    is_done: bool
    seconds: float
    waited_s: float
    throttled: int
    loaded: LoadResult


@dataclass(frozen=True, slots=True)
class CollectEstimate:
    """What collecting a range from one instance would cost.

    `contacts` is how many the API lists now; `held` how many of them the warehouse has as complete as the API could
    make them. `search_calls` and `describe_calls` are upper bounds, except for contacts that arrive meanwhile.
    `minutes` is the time of the slower of the two at our share of the quota, because they overlap.
    """

    instance: ConnectInstance
    contacts: int
    held: int
    search_calls: int
    describe_calls: int
    minutes: float


def chosen_instances(
    settings: Settings, arns: Sequence[str] = (), endpoint: str | None = None
) -> list[ConnectInstance]:
    """The instances to collect from: `arns`, else those of the settings. Raises UsageError where there are none."""
    chosen = tuple(arns) or settings.connect_instances
    if not chosen:
        raise UsageError(
            "no Connect instance is named: set connect_instances (TRUNKLINE_CONNECT_INSTANCES) or give --instance, an "
            "ARN such as arn:aws:connect:us-east-1:111122223333:instance/ID. To try it without an instance: trunkline "
            "simulate --serve-connect"
        )
    url = settings.connect_endpoint if endpoint is None else endpoint
    return [client.parse_instance(arn, settings.connect_roles, url) for arn in chosen]


def collected_object(objects: Mapping[str, Object], name: str | None = None) -> Object:
    """The object of this name, which must be collected from the Connect API on a schedule; None: the one that is.

    Raises UsageError for an object without a schedule.
    """
    scheduled = {obj.name: obj for obj in objects.values() if obj.scheduled_source == API_SOURCE}
    if name is not None and name not in scheduled:
        raise UsageError(f"{name} has no schedule; valid is {', '.join(scheduled)}")
    return scheduled[name] if name is not None else next(iter(scheduled.values()))


def for_each_instance(
    instances: Sequence[ConnectInstance], collect: Callable[[ConnectInstance], CollectResult]
) -> Iterator[CollectResult | TrunklineError]:
    """The result or the error of each instance: one that fails does not stop the others.

    A UsageError would be the same for all, and is raised.
    """
    for instance in instances:
        try:
            yield collect(instance)
        except UsageError:
            raise
        except TrunklineError as error:
            yield error


class Collector:
    """Collects instances, one after another, into a home; instances of one account and Region share its quotas."""

    def __init__(
        self,
        home: Home,
        obj: Object,
        service: ConnectService | None = None,
        *,
        advance: Advance = lambda _: None,
        query: ContactQuery | None = None,
        batch_contacts: int = CONNECT_BATCH_CONTACTS,
        listing_contacts: int = LISTING_CONTACTS,
    ) -> None:
        """`advance` counts contacts that were listed and are durable."""
        self.home, self.obj, self.advance = home, obj, advance
        self._service, self._query = service or ConnectService(), query or ContactQuery()
        self._batch_contacts, self._listing_contacts = batch_contacts, listing_contacts
        settings = home.settings
        self.buckets = TokenBuckets(settings.connect_share, self._service.clock, settings.connect_quota)
        self._runner = Runner(home, obj)

    @property
    def now(self) -> datetime:
        """The present by the collector's clock, aware, UTC."""
        return datetime.fromtimestamp(self._service.clock.now_s(), UTC)

    def collect(self, instance: ConnectInstance, since: datetime, until: datetime) -> CollectResult:
        """Everything in [since, until) that the API lists; the same call again continues where it was stopped.

        Raises UsageError for a range that Connect cannot list, and what the client raises.
        """
        check_range(since, until, self.now)
        state = self._runner.context.state
        return self._run(instance, RangeJob(state, instance.instance_id, since, until, self._query.time_type))

    def run_due(self, instance: ConnectInstance) -> CollectResult:
        """What the schedule requires now: windows since the watermark, then those old enough to be read again."""
        return self._run(instance, self.due(instance))

    def estimate(self, instance: ConnectInstance, since: datetime, until: datetime) -> CollectEstimate:
        """What `collect` would cost, by one call, and one more per eight weeks. Writes nothing.

        Raises UsageError for a range that Connect cannot list.
        """
        check_range(since, until, self.now)
        contacts = count_contacts(self.client(instance, NoCache()), Window(since, until), self._query)
        held = 0
        if self._query == ContactQuery():  # the warehouse's contacts are known by disconnect time only
            settled = count_settled(self.home.warehouse, self.obj, self.now, instance.instance_id, since, until)
            held = min(contacts, settled)
        describes = {"never": 0, "all": contacts, "missing": contacts - held}[self.home.settings.collect_describe]
        searches = math.ceil(contacts / SEARCH_PAGE_MAX) + math.ceil(contacts / SEARCH_RESULTS_MAX)
        rate = self.buckets.rate
        seconds = max(searches / rate("SearchContacts"), describes / rate("DescribeContact"))
        return CollectEstimate(instance, contacts, held, searches, describes, seconds / 60)

    def client(self, instance: ConnectInstance, cache: AnswerCache) -> ConnectClient:
        """Calls an instance, within the quotas that all of this collector's instances share."""
        return ConnectClient(instance, self._service.connect(instance), self.buckets, cache)

    def reader(self, instance: ConnectInstance, job: str) -> tuple[ContactReader, CallJournal]:
        """Reads an instance's contacts; with the journal of one job's calls, which the caller closes."""
        folder = self.home.settings.home / "collect"
        folder.mkdir(mode=0o700, exist_ok=True)
        journal = CallJournal(folder / f"{instance.instance_id}.{job}.jsonl", self._service.clock)
        api = self.client(instance, journal)
        names = ResourceNames(api, load_names(self._runner.context.state, instance.instance_id))
        describe = self.home.settings.collect_describe
        contacts = ContactReader(
            api,
            names,
            self._find_held,
            object_name=self.obj.name,
            query=self._query,
            describe=describe,
            batch_contacts=self._batch_contacts,
        )
        return contacts, journal

    def load(self, part: ContactPart) -> Counts:
        """Put a part into the lake and merge it; durable when this returns, and the same when repeated."""
        if part.framed is None:
            return Counts()
        return total(self._runner.merge([self._runner.put(part.framed)]))

    def due(self, instance: ConnectInstance) -> ScheduleJob:
        """What the schedule requires now."""
        settings, now = self.home.settings, self.now
        schedule = make_schedule(settings.collect_schedule, settings.collect_zone)
        ages = [timedelta(hours=age) for age in settings.collect_again_h]
        return ScheduleJob(self._runner.context.state, instance.instance_id, schedule, now, now - LOOK_BACK, ages)

    def collection(self, instance: ConnectInstance, job: CollectJob) -> Collection:
        """What a job reads from an instance; the source that reads it closes the journal."""
        contacts, journal = self.reader(instance, job.name)

        def store(window: Window, as_of: datetime, listed: Sequence[ListedContact]) -> None:
            # A search by another time than the end does not list a day's contacts.
            if self._query == ContactQuery():
                store_collected(self.home, self.obj, instance, window, as_of, listed)

        return Collection(job, contacts, journal, store, self.advance, self._listing_contacts)

    def _run(self, instance: ConnectInstance, job: CollectJob) -> CollectResult:
        started_s = clock.monotonic_s()
        waited_s, throttled = self.buckets.waits()
        collection = self.collection(instance, job)
        contacts = collection.contacts
        source = open_source(API_SOURCE, self._runner.context, collection=collection)
        assert isinstance(source, ContactSource), "the registry's class"
        result = self._runner.run(source)
        waited_after_s, throttled_after = self.buckets.waits()
        return CollectResult(
            instance=instance,
            counts=result.counts,
            tally=contacts.tally,
            calls=dict(contacts.api.calls),
            through=job.through,
            is_done=source.is_done,
            seconds=clock.monotonic_s() - started_s,
            waited_s=waited_after_s - waited_s,
            throttled=throttled_after - throttled,
            loaded=result,
        )

    def _find_held(self, contact_ids: Sequence[str]) -> Mapping[str, HeldContact]:
        return find_held(self.home.warehouse, self.obj, self.now, contact_ids)


def check_range(since: datetime, until: datetime, now: datetime) -> None:
    """Raises UsageError for a range that Connect cannot list."""
    if since >= until:
        raise UsageError(
            f"the range from {since:%F %T} to {until:%F %T} UTC is empty; --until must be later than --since"
        )
    if until > now:
        raise UsageError(
            f"--until {until:%F %T} UTC is in the future: it is {now:%F %T} UTC; give a time that has passed"
        )
    if since < now - LOOK_BACK:
        raise UsageError(
            f"--since {since:%F %T} UTC is too long ago: Connect's search goes back two years, to "
            f"{now - LOOK_BACK:%F %T} UTC"
        )


def collect_until(settings: Settings, left_s: float, service: ConnectService | None = None) -> dict[str, Any]:
    """What the schedule requires, from every instance, in the time that is left; the next run collects the rest.

    Raises the first error of an instance after all instances were tried.
    """
    given = service or ConnectService()
    until_s = given.clock.now_s() + left_s - COLLECT_MARGIN_S
    timed = replace(given, clock=replace(given.clock, deadline_s=until_s))
    with open_home(settings) as home:
        collector = Collector(home, collected_object(home.objects), timed)
        outcomes = list(for_each_instance(chosen_instances(settings), collector.run_due))
    results: list[CollectResult] = []
    for outcome in outcomes:
        if isinstance(outcome, TrunklineError):
            raise outcome
        results.append(outcome)
    return {
        "is_done": all(result.is_done for result in results),
        "instances": [_fields(result) for result in results],
    }


def _fields(result: CollectResult) -> dict[str, Any]:
    return {
        "instance": result.instance.arn,
        "through": result.through.isoformat(),
        "is_done": result.is_done,
        "listed": result.tally.listed,
        "counts": asdict(result.counts),
        "calls": result.calls,
    }
