"""A Connect instance as the source conformance suite fills it.

Contacts of an hour, each hour a window of the schedule; and queues, each of which is described in a batch of its own.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from collecting import INSTANCE, service
from connect import DAY, contact_at, emulator, instance_with, invoke_of
from source_cases import Subject
from virtual_clock import VirtualClock

from trunkline.objects.business.instance import QUEUE
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.pipelines.connect.collect import Collector
from trunkline.pipelines.connect.list_instance import StoredRows
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.contacts import ApiContact
from trunkline.sources.connect_api.client import ConnectClient
from trunkline.sources.connect_api.listings import InstanceListing, ListingTally
from trunkline.sources.connect_api.progress import ScheduleState, load_schedule_state
from trunkline.sources.connect_api.quota import OPERATIONS, CallClock, TokenBuckets
from trunkline.sources.model import Source
from trunkline.sources.registry import open_source

_HOUR_S = 3600
_CHANGES: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "unknown key": {"CustomerEndpoint": {"Address": "+12015550100", "Type": "TELEPHONE_NUMBER", "fromTheFuture": 1}},
    "broken": {"LastUpdateTimestamp": "2040-01-01T00:00:00Z"},
}


class ContactSubject(Subject):
    """Contacts that were added since the last run ended in the last hour. No call waits, so the clock stands still."""

    name = "connect_api"
    obj = CONTACT_RECORD
    options: ClassVar[dict[str, object]] = {
        "connect_instances": INSTANCE.arn, "connect_share": 1.0, "collect_schedule": "cron(0 * * * ? *)",
        "connect_quota": ",".join(f"{operation}=1000000000000" for operation in OPERATIONS),
    }  # fmt: skip

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self._add(number, "plain")

    def add_unknown_key(self, number: int) -> None:
        self._add(number, "unknown key")

    def add_broken(self, number: int) -> None:
        self._add(number, "broken")

    def key(self, number: int) -> str:
        return f"00000000-0000-4000-8000-{number:012d}"

    def prepare(self, home: Home) -> None:
        """The schedule has run before, up to midnight."""
        state = Runner(home, self.obj).context.state
        if load_schedule_state(state, INSTANCE.instance_id) is None:
            begun = ScheduleState(DAY, DAY, DAY)
            state.put(json.dumps(_plain(begun)).encode(), "collect", INSTANCE.instance_id, "schedule")

    def open(self, runner: Runner) -> Source:
        contacts = self._contacts()
        hours = 1 + max((hour for _, _, hour in contacts), default=0)
        (self.folder / "hours").write_text(str(hours))
        clock = VirtualClock(DAY.timestamp() + hours * _HOUR_S)
        made = [_contact(number, kind, hour) for number, kind, hour in contacts]
        api = emulator(instance_with(made), clock, check=False, index_lag_s=0.0)
        api.quotas.limits |= dict.fromkeys(OPERATIONS, (1e12, 1e12))
        if (self.folder / "throttled").exists():
            api.failures = lambda operation, request: ApiError("ThrottlingException", "Rate exceeded")
        collector = Collector(runner.home, self.obj, service(api, clock), batch_contacts=1)
        collection = collector.collection(INSTANCE, collector.due(INSTANCE))
        return open_source(self.name, runner.context, collection=collection)

    @contextmanager
    def throttled(self) -> Iterator[None]:
        flag = self.folder / "throttled"
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def _contacts(self) -> list[tuple[int, str, int]]:
        path = self.folder / "contacts.json"
        return [tuple(entry) for entry in json.loads(path.read_text())] if path.exists() else []

    def _add(self, number: int, kind: str) -> None:
        hours = self.folder / "hours"
        hour = int(hours.read_text()) if hours.exists() else 0
        contacts = [*self._contacts(), (number, kind, hour)]
        (self.folder / "contacts.json").write_text(json.dumps(contacts))


def _contact(number: int, kind: str, hour: int) -> ApiContact:
    ended_at = int(DAY.timestamp()) + hour * _HOUR_S + 600 + 60 * number
    contact = contact_at(number, ended_at)
    return dataclasses.replace(contact, record_at=lambda now: contact.record_at(now) | _CHANGES[kind])


def _plain(state: ScheduleState) -> dict[str, Any]:
    return {name: getattr(state, name).isoformat() for name in ("since", "watermark", "last_run")}


class ListingSubject(Subject):
    """Queues of an instance. A broken one says that it was changed in the year 2040."""

    name = "connect_listing"
    obj = QUEUE

    def add(self, *numbers: int) -> None:
        self._add(*((number, "plain") for number in numbers))

    def add_unknown_key(self, number: int) -> None:
        self._add((number, "unknown key"))

    def add_broken(self, number: int) -> None:
        self._add((number, "broken"))

    def open(self, runner: Runner) -> Source:
        kinds = {self.key(number): kind for number, kind in self._queues()}
        instance = dataclasses.replace(
            instance_with([]),
            queues=tuple((key, f"{INSTANCE.arn}/queue/{key}", key) for key in kinds),
            changed_at={key: DAY.replace(year=2040) for key, kind in kinds.items() if kind == "broken"},
            details={key: {"fromTheFuture": 1} for key, kind in kinds.items() if kind == "unknown key"},
        )
        clock = VirtualClock(DAY.timestamp())
        api = emulator(instance, clock, check=False)
        api.quotas.limits |= dict.fromkeys(OPERATIONS, (1e12, 1e12))
        if (self.folder / "throttled").exists():
            refusals = iter(range(3))
            api.failures = lambda operation, request: (
                None if next(refusals, None) is None else ApiError("ThrottlingException", "Rate exceeded")
            )
        buckets = TokenBuckets(1.0, CallClock(clock.now_s, clock.sleep), dict.fromkeys(OPERATIONS, 1e12))
        client = ConnectClient(INSTANCE, invoke_of(api), buckets)
        listing = InstanceListing(client, StoredRows(runner.home, self.obj, INSTANCE), ListingTally(), 1)
        return open_source(self.name, runner.context, listing=listing)

    @contextmanager
    def throttled(self) -> Iterator[None]:
        flag = self.folder / "throttled"
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def _queues(self) -> list[tuple[int, str]]:
        path = self.folder / "queues.json"
        return [tuple(entry) for entry in json.loads(path.read_text())] if path.exists() else []

    def _add(self, *queues: tuple[int, str]) -> None:
        (self.folder / "queues.json").write_text(json.dumps([*self._queues(), *queues]))
