"""`collect`: contacts through the Connect API into lake and warehouse, by hand for a range, or as a schedule asks.

Each part of a window is durable (in the lake and merged) before the place that a run goes on from moves past it. What a
killed run has asked is in a journal in the home, so that the next run asks none of it again. What was listed is kept,
for the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trunkline import clock
from trunkline.accounting import Counts, total
from trunkline.completeness.listings import Sighting
from trunkline.errors import TrunklineError, UsageError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.limits import COLLECT_MARGIN_S, CONNECT_BATCH_CONTACTS, SEARCH_LOOK_BACK_DAYS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import collect_state as state
from trunkline.pipelines.connect_listing import STRETCH_CONTACTS, keep_collected, sighted
from trunkline.pipelines.held import held_contacts
from trunkline.pipelines.home import Home, open_home
from trunkline.pipelines.runner import Runner
from trunkline.schedules.schedule import make_schedule
from trunkline.schedules.windows import Window, windows_since
from trunkline.settings import Settings
from trunkline.sources.connect_api import client as connect_client
from trunkline.sources.connect_api.client import (
    AnswerCache,
    CallClock,
    ConnectClient,
    ConnectInstance,
    Invoke,
    TokenBuckets,
)
from trunkline.sources.connect_api.contacts import CollectTally, ContactPart, ContactReader
from trunkline.sources.connect_api.journal import CallJournal
from trunkline.sources.connect_api.record import ResourceNames
from trunkline.sources.connect_api.search import ContactQuery

# A contact that began before the look-back is refused at its very edge; the clock runs on while windows are read.
LOOK_BACK: Final = timedelta(days=SEARCH_LOOK_BACK_DAYS_MAX) - timedelta(hours=1)
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Service:
    """How the API is reached: the clock to keep to, and the way to call an instance. Tests have others."""

    pace: CallClock = field(default_factory=CallClock)
    connect: Callable[[ConnectInstance], Invoke] = connect_client.connect


@dataclass(frozen=True, slots=True)
class Collected:
    """What a run did with one instance.

    `calls` by operation; `through` is where the next run goes on, `is_done` whether nothing asked for is left.
    `waited_s` is how long the quota made it wait, `throttled` how often the service refused a call.
    """

    instance: ConnectInstance
    counts: Counts
    tally: CollectTally
    calls: dict[str, int]
    through: datetime
    is_done: bool
    seconds: float
    waited_s: float
    throttled: int


def instances(settings: Settings, chosen: Sequence[str] = (), endpoint: str | None = None) -> list[ConnectInstance]:
    """The instances to collect from: those chosen, else the settings'. UsageError where there is none."""
    arns = tuple(chosen) or settings.connect_instances
    if not arns:
        raise UsageError(
            "no Connect instance is named: set connect_instances (TRUNKLINE_CONNECT_INSTANCES) or give --instance, an "
            "ARN such as arn:aws:connect:us-east-1:111122223333:instance/ID. Who has none: trunkline simulate "
            "--serve-connect"
        )
    place = settings.connect_endpoint if endpoint is None else endpoint
    return [connect_client.parse_instance(arn, settings.connect_roles, place) for arn in arns]


def each(
    chosen: Sequence[ConnectInstance], read: Callable[[ConnectInstance], Collected]
) -> Iterator[Collected | TrunklineError]:
    """What became of each instance: one that fails does not keep the others from their turn.

    A mistake of the caller's is the same for all, and raised.
    """
    for one in chosen:
        try:
            yield read(one)
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
        service: Service | None = None,
        *,
        advance: Advance = lambda _: None,
        query: ContactQuery | None = None,
    ) -> None:
        """`advance` is told of contacts listed."""
        self.home, self.obj, self.advance = home, obj, advance
        self._service, self._query = service or Service(), query or ContactQuery()
        settings = home.settings
        self.buckets = TokenBuckets(settings.connect_share, self._service.pace, settings.connect_quota)
        self.schedule = make_schedule(settings.collect_schedule, settings.collect_zone)
        self._runner = Runner(home, obj)
        self._is_recovered = False

    @property
    def now(self) -> datetime:
        """The present by the collector's clock, aware, UTC."""
        return datetime.fromtimestamp(self._service.pace.now_s(), UTC)

    def collect(self, instance: ConnectInstance, since: datetime, until: datetime) -> Collected:
        """Everything in [since, until) that the API lists; the same question again goes on where it was stopped."""
        check_range(since, until, self.now)
        store, name = self.home.store, state.range_name(since, until, self._query.time_type)
        start = state.load_through(store, instance.instance_id, name) or since
        save = state.save_through(store, instance.instance_id, name)
        with closing(self._run(instance, name, start)) as run:
            # A run that was killed at its very end has left nothing to read.
            if start < until and not run.read(Window(start, until), save):
                return run.result(is_done=False)
            state.forget_range(store, instance.instance_id, name)
            return run.result(is_done=True)

    def run_due(self, instance: ConnectInstance) -> Collected:
        """What the schedule asks for now: windows since the watermark, then those old enough to be read again."""
        now = self.now
        ages = [timedelta(hours=age) for age in self.home.settings.collect_again_h]
        found = state.load_state(self.home.store, instance.instance_id) or state.begun(now, self.schedule)
        place = _Place(self.home.store, instance.instance_id, state.not_before(now - LOOK_BACK, found))
        place.save(state.noted(place.state, now, self.schedule, ages))
        with closing(self._run(instance, state.SCHEDULE, place.state.watermark)) as run:
            for window in windows_since(place.state.watermark, now, self.schedule):
                if not run.read(window, place.moved):
                    return run.result(is_done=False, through=place.state.watermark)
            for window in place.state.windows:
                if not run.read(window, place.read_again):
                    return run.result(is_done=False, through=place.state.watermark)
            return run.result(is_done=True, through=place.state.watermark)

    def api(self, instance: ConnectInstance, memory: AnswerCache) -> ConnectClient:
        """An instance to ask, within the quotas that all of this collector's share."""
        return ConnectClient(instance, self._service.connect(instance), self.buckets, memory)

    def source(self, instance: ConnectInstance, job: str) -> tuple[ContactReader, CallJournal]:
        """The contacts of an instance, and the journal of what is asked for one job, which the caller closes."""
        folder = self.home.settings.home / "collect"
        folder.mkdir(mode=0o700, exist_ok=True)
        journal = CallJournal(folder / f"{instance.instance_id}.{job}.jsonl", self._service.pace)
        api = self.api(instance, journal)
        kept = self.home.store.get_bytes(layout.collect_key(instance.instance_id, state.NAMES))
        return ContactReader(
            api,
            ResourceNames(api, kept),
            lambda ids: held_contacts(self.home.warehouse, self.obj, ids),
            query=self._query,
            describe=self.home.settings.collect_describe,
            batch_contacts=CONNECT_BATCH_CONTACTS,
        ), journal

    def load(self, part: ContactPart) -> Counts:
        """Put a part into the lake and merge it; durable when this returns, and the same when repeated."""
        if part.framed is None:
            return Counts()
        return total(self._runner.merge([self._runner.put(part.framed)]))

    def keep(self, instance: ConnectInstance, window: Window, asked_at: datetime, listed: Sequence[Sighting]) -> None:
        """Keep for the ledger what a window's search listed; by another time than the end it says nothing of a day."""
        if self._query == ContactQuery():
            keep_collected(self.home, self.obj, instance, window, asked_at, listed)

    def _run(self, instance: ConnectInstance, job: str, through: datetime) -> _Run:
        if not self._is_recovered:
            self._runner.recover()
            self._is_recovered = True
        return _Run(self, instance, *self.source(instance, job), through)


class _Run:
    """One instance being read: what was done so far."""

    def __init__(
        self,
        collector: Collector,
        instance: ConnectInstance,
        source: ContactReader,
        journal: CallJournal,
        through: datetime,
    ) -> None:
        self._collector, self._instance, self._source, self._journal = collector, instance, source, journal
        self._through, self._counts = through, Counts()
        self._started_s = clock.monotonic_s()
        self._waited_s, self._throttled = collector.buckets.waits()

    def read(self, window: Window, durable: Callable[[datetime], None]) -> bool:
        """Read a window, part by part; whether it was read to its end. `durable` is told how far it is."""
        # What a killed run was told is believed as of then.
        asked_at = min(self._collector.now, self._journal.searched_since() or self._collector.now)
        start = through = window.start
        listed: list[Sighting] = []
        for part in self._source.read(window):
            self._counts += self._collector.load(part)
            self._save_names()
            durable(part.through)
            # Only now: killed before, the next run begins where this part did, and finds its answers.
            self._journal.forget({one.contact_id for one in part.listed}, part.through)
            through = self._through = part.through
            self._collector.advance(len(part.listed))
            # Last, and for many parts at once: lost with a process, it is what reconcile asks for again.
            listed += map(sighted, part.listed)
            if len(listed) >= STRETCH_CONTACTS or through == window.end:
                self._collector.keep(self._instance, Window(start, through), asked_at, listed)
                start, listed = through, []
        if start < through < window.end:
            self._collector.keep(self._instance, Window(start, through), asked_at, listed)
        return through == window.end

    def result(self, *, is_done: bool, through: datetime | None = None) -> Collected:
        """What was done."""
        if is_done:
            self._journal.clear()
        waited_s, throttled = self._collector.buckets.waits()
        return Collected(
            instance=self._instance,
            counts=self._counts,
            tally=self._source.tally,
            calls=dict(self._source.api.calls),
            through=through or self._through,
            is_done=is_done,
            seconds=clock.monotonic_s() - self._started_s,
            waited_s=waited_s - self._waited_s,
            throttled=throttled - self._throttled,
        )

    def close(self) -> None:
        """Let the journal go."""
        self._journal.close()

    def _save_names(self) -> None:
        names = self._source.names
        if names.is_new:
            key = layout.collect_key(self._instance.instance_id, state.NAMES)
            self._collector.home.store.put_bytes(names.encode(), key, is_private=True)


class _Place:
    """The scheduled job's state, moved on and written as parts become durable."""

    def __init__(self, store: Store, instance_id: str, found: state.State) -> None:
        self._store, self._instance_id, self.state = store, instance_id, found

    def save(self, found: state.State) -> None:
        """Write the state down."""
        state.save_state(self._store, self._instance_id, found)
        self.state = found

    def moved(self, through: datetime) -> None:
        """The watermark is there now."""
        self.save(state.State(self.state.since, through, self.state.last_run, self.state.pending))

    def read_again(self, through: datetime) -> None:
        """What waited before that instant was read again."""
        self.save(state.read_again(self.state, through))


def check_range(since: datetime, until: datetime, now: datetime) -> None:
    """Raises UsageError for a range that Connect cannot be asked for."""
    if since >= until:
        raise UsageError(
            f"the range from {since:%F %T} to {until:%F %T} UTC is empty; --until must be later than --since"
        )
    if until > now:
        raise UsageError(f"--until {until:%F %T} UTC is not yet: it is {now:%F %T} UTC; give a time that has passed")
    if since < now - LOOK_BACK:
        raise UsageError(
            f"--since {since:%F %T} UTC is too long ago: Connect's search goes back two years, to "
            f"{now - LOOK_BACK:%F %T} UTC"
        )


def collect_until(settings: Settings, left_s: float, service: Service | None = None) -> dict[str, Any]:
    """What the schedule asks for, of every instance, in the time that is left; the rest is the next run's.

    Raises the first error of an instance after all had their turn.
    """
    given = service or Service()
    until_s = given.pace.now_s() + left_s - COLLECT_MARGIN_S
    timed = replace(given, pace=replace(given.pace, deadline_s=until_s))
    with open_home(settings) as home:
        collector = Collector(home, home.objects["contact_record"], timed)
        outcomes = list(each(instances(settings), collector.run_due))
    for outcome in outcomes:
        if isinstance(outcome, TrunklineError):
            raise outcome
    done = [one for one in outcomes if not isinstance(one, TrunklineError)]
    return {
        "is_done": all(one.is_done for one in done),
        "instances": [
            {"instance": one.instance.arn, "through": one.through.isoformat(), "is_done": one.is_done,
             "listed": one.tally.listed, "counts": asdict(one.counts), "calls": one.calls}
            for one in done
        ],
    }  # fmt: skip
