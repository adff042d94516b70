"""What an instance is made of, through the Connect API: queues, agents, routing profiles and hierarchy groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkline.accounting import Counts
from trunkline.engines.model import quote_qualified
from trunkline.errors import UsageError
from trunkline.objects.model import Column, Object
from trunkline.pipelines.connect.collect import ConnectService
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Advance, LoadResult, Runner, no_advance
from trunkline.sources.connect_api.client import ConnectClient, ConnectInstance
from trunkline.sources.connect_api.listings import RESOURCES, InstanceListing, ListingTally
from trunkline.sources.connect_api.quota import TokenBuckets
from trunkline.sources.registry import open_source


@dataclass(frozen=True, slots=True)
class ListingResult:
    """What a run did with one object of one instance. `calls` are by operation, `loaded` is the run's account."""

    instance: ConnectInstance
    tally: ListingTally
    calls: Mapping[str, int]
    loaded: LoadResult

    @property
    def counts(self) -> Counts:
        """What happened to each description."""
        return self.loaded.counts


def list_instance(
    home: Home,
    obj: Object,
    instance: ConnectInstance,
    service: ConnectService | None = None,
    buckets: TokenBuckets | None = None,
    advance: Advance = no_advance,
) -> ListingResult:
    """Bring an object's rows of an instance up to date: new, changed and deleted resources.

    `buckets` are shared by runs of one account and Region, by default those of this run alone. `advance` is called with
    the bytes of each batch that is in the lake. Stopping it at any point loses nothing.

    Raises UsageError for an object that no listing has, and what the client raises.
    """
    if obj.name not in RESOURCES:
        raise UsageError(f"{obj.name} is not listed by the Connect API; valid are {', '.join(RESOURCES)}")
    given, settings = service or ConnectService(), home.settings
    buckets = buckets or TokenBuckets(settings.connect_share, given.clock, settings.connect_quota)
    client = ConnectClient(instance, given.connect(instance), buckets)
    tally, runner = ListingTally(), Runner(home, obj)
    runner.recover()  # before the stored rows are read
    listing = InstanceListing(client, StoredRows(home, obj, instance), tally)
    source = open_source(obj.scheduled_source, runner.context, listing=listing)
    loaded = runner.run(source, on_put=lambda record: advance(record.bytes_read))
    return ListingResult(instance, tally, dict(client.calls), loaded)


class StoredRows:
    """An object's rows of one instance in the warehouse: those whose ARN begins with the instance's."""

    def __init__(self, home: Home, obj: Object, instance: ConnectInstance) -> None:
        self._warehouse, self._obj, self._instance = home.warehouse, obj, instance

    def changed_at(self) -> dict[str, datetime | None]:
        """When each resource that is not marked as deleted was changed last (naive UTC), by id."""
        quote = self._warehouse.engine.quote
        # The resource's own: a hierarchy group also has those of the groups above it, deeper in the record.
        (arn,) = (c.name for c in self._obj.columns if c.path and len(c.path) == 2 and c.path[1].endswith("Arn"))
        prefix = f"{self._instance.arn}/"
        rows = self._warehouse.query(
            f"SELECT {quote(self._obj.key[0])}, {quote(self._obj.version)} FROM {self._table} "
            f"WHERE NOT record_is_deleted AND SUBSTRING({quote(arn)}, 1, {len(prefix)}) = $1",
            [prefix],
        )
        return dict(rows)

    def last_record(self, resource_id: str) -> dict[str, Any]:
        """The record that gives the resource's row again, without direct personal data."""
        quote = self._warehouse.engine.quote
        columns = [column for column in self._obj.data_columns if column.path and column.pii != "direct"]
        listed = ", ".join(quote(column.name) for column in columns)
        (row,) = self._warehouse.query(
            f"SELECT {listed} FROM {self._table} WHERE {quote(self._obj.key[0])} = $1", [resource_id]
        )
        record: dict[str, Any] = {}
        for column, value in zip(columns, row, strict=True):
            if value is not None:
                _set(record, column.path or (), _plain(column, value))
        return record

    @property
    def _table(self) -> str:
        return quote_qualified(self._warehouse.engine, self._obj.warehouse_table)


def _set(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        record = record.setdefault(key, {})
    record[path[-1]] = value


def _plain(column: Column, value: Any) -> Any:
    """The value as JSON has it. Servers give lists and JSON as texts, or as they are."""
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return json.loads(value) if isinstance(value, str) and not isinstance(column.type, str) else value
