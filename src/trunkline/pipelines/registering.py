"""Registering a lake with Glue and Athena: which tables, in which order, and what goes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trunkline.aws.clients import make_client
from trunkline.engines.athena import ATHENA
from trunkline.errors import UsageError
from trunkline.lake import layout
from trunkline.lake.glue import athena, crawler
from trunkline.lake.glue import tables as glue
from trunkline.lake.glue.tables import Change
from trunkline.lake.store import Store, open_store
from trunkline.objects.catalogue import VIEWS
from trunkline.objects.model import Object
from trunkline.sql.lake.athena import athena_statements, named_queries
from trunkline.sql.lake.glue import CatalogueTable, object_tables, view_table
from trunkline.sql.views import create_view, views_on

if TYPE_CHECKING:
    from botocore.client import BaseClient


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to register besides databases, tables and views.

    `is_projected`: partitions are computed from the query; else those that are there are registered by name.
    `workgroup`: Athena's workgroup for named queries; `crawler_role`: the role of crawlers; None for none of them.
    """

    is_projected: bool = True
    workgroup: str | None = None
    crawler_role: str | None = None


def check_lake(lake: str) -> None:
    """Raises UsageError for a lake that Athena cannot read."""
    if not lake.startswith("s3://"):
        raise UsageError(
            f"the lake is {lake}, and Athena reads S3 alone; set the lake of this home to a bucket, "
            'lake = "s3://BUCKET/PREFIX" in trunkline.toml or TRUNKLINE_LAKE'
        )


def tables_of(objects: Mapping[str, Object], lake: str, is_projected: bool = True) -> list[CatalogueTable]:
    """Everything for these objects, in the order in which one needs the other."""
    tables = [table for obj in objects.values() for table in object_tables(obj, lake, is_projected=is_projected)]
    return tables + [view_table(view) for view in views_on(objects.values(), VIEWS.values())]


def ddl_of(objects: Mapping[str, Object], lake: str, is_projected: bool = True) -> list[str]:
    """The same as statements for Athena, each a query of its own."""
    statements = [one for obj in objects.values() for one in athena_statements(obj, lake, is_projected=is_projected)]
    views = [create_view(view, ATHENA) for view in views_on(objects.values(), VIEWS.values())]
    return list(dict.fromkeys([*statements, *views]))


def register(
    objects: Mapping[str, Object], lake: str, store: Store, glue_client: BaseClient, athena_client: BaseClient,
    wanted: Wanted = Wanted(),
) -> list[Change]:  # fmt: skip
    """Make Glue and Athena know the lake. Again, it changes nothing.

    Raises TerminalError before any change where a table of theirs stands in the way or a column would narrow.
    """
    check_lake(lake)
    done = glue.register(glue_client, tables_of(objects, lake, wanted.is_projected))
    for obj in objects.values():
        files = object_tables(obj, lake, is_projected=wanted.is_projected)[0]
        if not wanted.is_projected:
            added = glue.register_partitions(glue_client, files, _days(store, obj))
            done.append(Change(f"partitions of {files.full_name}", "updated" if added else "unchanged", f"{added} new"))
        if wanted.crawler_role is not None:
            done.append(crawler.keep(glue_client, crawler.crawler_input(files, obj.table_name, wanted.crawler_role)))
    if wanted.workgroup is not None:
        done += athena.keep(athena_client, named_queries(objects.values(), lake), wanted.workgroup)
    return done


def register_lake(objects: Mapping[str, Object], lake: str, wanted: Wanted) -> list[Change]:
    """The same, with clients of the machine's own account and Region.

    Raises TransientError where AWS does not answer, TerminalError where it refuses.
    """
    return register(objects, lake, open_store(lake), make_client("glue"), make_client("athena"), wanted)


def _days(store: Store, obj: Object) -> Sequence[tuple[str, str, str]]:
    found = (layout.day_of(key) for key in store.list(layout.table_prefix(obj)) if key.endswith(".parquet"))
    return [(f"{day:%Y}", f"{day:%m}", f"{day:%d}") for day in dict.fromkeys(found) if day is not None]
