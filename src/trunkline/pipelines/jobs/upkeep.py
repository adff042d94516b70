"""Upkeep: rebuild the warehouse, compact the lake, remove bytes past their retention, register with Glue and Athena."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from trunkline import clock
from trunkline.aws.clients import make_client
from trunkline.engines.athena import ATHENA
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.compaction import compact_day
from trunkline.lake.glue import crawler, tables
from trunkline.lake.glue import tables as glue
from trunkline.lake.glue.tables import Action, CatalogueChange
from trunkline.lake.store import Store, open_store
from trunkline.ledger.records import Compaction, decode_batch, decode_compaction, encode
from trunkline.objects.catalogue import VIEWS
from trunkline.objects.model import Object
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import Runner
from trunkline.sql.lake.athena import athena_statements, named_queries
from trunkline.sql.lake.glue import CatalogueTable, object_tables, view_table
from trunkline.sql.views import create_view, views_on

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: partitions rewritten, files replaced, files removed, old versions scrubbed.

    `bytes_dropped` counts files of dead letters' bytes whose retention was over.
    """

    partitions: int
    files_replaced: int
    files_removed: int
    scrubbed: int
    bytes_dropped: int


def rebuild(home: Home, obj: Object, advance: Advance = lambda _: None) -> int:
    """Rebuild the warehouse table from the lake; returns its rows. The old rows stay until the new ones are there."""
    Runner(home, obj).recover(is_rebuild=True, advance=advance)
    return home.warehouse.count(obj)


def compact(home: Home, obj: Object, grace: timedelta, advance: Advance = lambda _: None) -> Compacted:
    """Make each partition one sorted file, and remove files replaced longer ago than `grace`.

    Readers miss nothing and see nothing twice. Batches that are not merged are merged first. A partition that is one
    compacted file already is left alone; one file of one batch is not, since it may have versions that a redaction must
    scrub. `advance` is called with 1 for each partition.
    """
    Runner(home, obj).recover()
    replaced_keys = _replaced_keys(home, obj)
    partitions = replaced = scrubbed = 0
    keys = [key for key in home.store.list(layout.table_prefix(obj)) if key.endswith(".parquet")]
    for day, group in itertools.groupby(keys, key=layout.day_of):
        current = [key for key in group if key not in replaced_keys]
        if day is None or not any(layout.batch_of(key) for key in current):
            continue
        done = compact_day(home.con, obj, day, current, home.store, home.scratch)
        record = Compaction(done.key, current, clock.now_naive(), done.scrubbed, done.rows)
        home.store.put_bytes(encode(record), layout.compaction_key(obj.name, done.fingerprint))
        partitions, replaced, scrubbed = partitions + 1, replaced + len(current), scrubbed + done.scrubbed
        advance(1)
    oldest = clock.now().date() - timedelta(days=home.settings.dead_letter_retention_days)
    dropped = drop_old_bytes(home, obj, oldest)
    return Compacted(partitions, replaced, _remove_replaced(home, obj, grace), scrubbed, dropped)


def _replaced_keys(home: Home, obj: Object) -> set[str]:
    return {key for record in _compactions(home, obj).values() for key in record.replaced}


def _compactions(home: Home, obj: Object) -> dict[str, Compaction]:
    keys = home.store.list(layout.compaction_prefix(obj.name))
    return {key: decode_compaction(home.store.require_bytes(key)) for key in keys}


def _remove_replaced(home: Home, obj: Object, grace: timedelta) -> int:
    removed = 0
    for key, record in _compactions(home, obj).items():
        if clock.now_naive() - record.compacted_at >= grace:
            for old in record.replaced:
                home.store.remove(old)
                removed += 1
            home.store.remove(key)
    return removed


def drop_old_bytes(home: Home, obj: Object, before: date) -> int:
    """Remove the bytes of dead letters whose batch was written before a date; the index stays."""
    removed = 0
    for key in home.store.list(layout.bytes_prefix(obj.name)):
        batch_id = layout.id_of(key)
        data = home.store.get_bytes(layout.batch_key(obj.name, batch_id))
        if data is not None and decode_batch(data).loaded_at.date() < before:
            home.store.remove(key)
            removed += 1
    return removed


@dataclass(frozen=True, slots=True)
class RegisterOptions:
    """What to register besides databases, tables and views.

    `is_projected`: Athena computes partitions from the query; else existing partitions are registered by name.
    `workgroup`: Athena's workgroup for named queries, `crawler_role`: the IAM role of crawlers; None for neither.
    """

    is_projected: bool = True
    workgroup: str | None = None
    crawler_role: str | None = None


def check_lake(lake: str) -> None:
    """Raises UsageError for a lake that Athena cannot read."""
    if not lake.startswith("s3://"):
        raise UsageError(
            f"the lake is {lake}, and Athena reads only S3; set the lake of this home to a bucket, "
            'lake = "s3://BUCKET/PREFIX" in trunkline.toml or TRUNKLINE_LAKE'
        )


def tables_of(objects: Mapping[str, Object], lake: str, is_projected: bool = True) -> list[CatalogueTable]:
    """Tables and views of these objects, each after those it depends on."""
    tables = [table for obj in objects.values() for table in object_tables(obj, lake, is_projected=is_projected)]
    return tables + [view_table(view) for view in views_on(objects.values(), VIEWS.values())]


def views_left_out(objects: Mapping[str, Object]) -> dict[str, list[str]]:
    """Views that some of these objects belong to and that are not registered, by the names of the objects they lack."""
    return {
        f"{view.database}.{view.name}": [name for name in view.needs if name not in objects]
        for view in VIEWS.values()
        if not objects.keys().isdisjoint(view.needs) and not objects.keys() >= set(view.needs)
    }


def ddl_of(objects: Mapping[str, Object], lake: str, is_projected: bool = True) -> list[str]:
    """The same as DDL statements for Athena, each a query of its own."""
    statements = [
        statement for obj in objects.values() for statement in athena_statements(obj, lake, is_projected=is_projected)
    ]
    views = [create_view(view, ATHENA) for view in views_on(objects.values(), VIEWS.values())]
    return list(dict.fromkeys([*statements, *views]))


def register(
    objects: Mapping[str, Object],
    lake: str,
    store: Store,
    glue_client: Any,
    athena_client: Any,
    options: RegisterOptions = RegisterOptions(),
) -> list[CatalogueChange]:
    """Register databases, tables and views, and what `options` asks for besides. Idempotent.

    Raises TerminalError before any change where an existing table conflicts or a column would be narrowed, and where
    AWS refuses; TransientError where a retry may help.
    """
    check_lake(lake)
    done = glue.register(glue_client, tables_of(objects, lake, options.is_projected))
    for obj in objects.values():
        done += _register_partitions(glue_client, obj, lake, store, options)
    if options.workgroup is not None:
        done += tables.register_queries(athena_client, named_queries(objects.values(), lake), options.workgroup)
    return done


def _register_partitions(
    glue_client: Any, obj: Object, lake: str, store: Store, options: RegisterOptions
) -> list[CatalogueChange]:
    """What tells Glue of an object's days: its partitions by name, a crawler, or neither."""
    done = []
    files = object_tables(obj, lake, is_projected=options.is_projected)[0]
    if not options.is_projected:
        added = glue.register_partitions(glue_client, files, _days(store, obj))
        action: Action = "updated" if added else "unchanged"
        done.append(CatalogueChange(f"partitions of {files.full_name}", action, f"{added} new"))
    if options.crawler_role is not None:
        definition = crawler.crawler_input(files, obj.table_name, options.crawler_role)
        done.append(crawler.register_crawler(glue_client, definition))
    return done


def register_lake(objects: Mapping[str, Object], lake: str, options: RegisterOptions) -> list[CatalogueChange]:
    """`register` in the account and Region of the AWS environment. Raises what `register` raises."""
    return register(objects, lake, open_store(lake), make_client("glue"), make_client("athena"), options)


def _days(store: Store, obj: Object) -> Sequence[tuple[str, str, str]]:
    days = (layout.day_of(key) for key in store.list(layout.table_prefix(obj)) if key.endswith(".parquet"))
    return [(f"{day:%Y}", f"{day:%m}", f"{day:%d}") for day in dict.fromkeys(days) if day is not None]
