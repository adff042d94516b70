"""A Redshift as the pipelines' warehouse, behind its Data API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from trunkline.accounting import Counts
from trunkline.aws.clients import make_client
from trunkline.aws.redshift_data import DataApi
from trunkline.engines.model import Engine, quote_qualified
from trunkline.engines.redshift import REDSHIFT
from trunkline.objects.ledger import LedgerTable
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.sql.relation import Relation
from trunkline.sql.session import Rows, Session
from trunkline.warehouse.duckdb.warehouse import open_beside
from trunkline.warehouse.model import Answer, CommitHooks, Lock, Opening, Staged
from trunkline.warehouse.redshift import install
from trunkline.warehouse.redshift.address import address_of
from trunkline.warehouse.redshift.loading import RedshiftLoader
from trunkline.warehouse.redshift.session import RedshiftSession


@dataclass(frozen=True, slots=True)
class RedshiftWarehouse:
    """One Redshift database: its session and its loader."""

    db: RedshiftSession
    loader: RedshiftLoader

    @property
    def engine(self) -> Engine:
        """Redshift."""
        return REDSHIFT

    @property
    def local(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine that reads the lake's files."""
        return self.loader.local

    def query(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """All rows of a query."""
        return self.db.query(sql, values)

    def run(self, sql: str, values: Sequence[object] = ()) -> None:
        """A statement that changes something."""
        self.db.run(sql, values)

    def put(self, table: LedgerTable, rows: Sequence[Mapping[str, Any]], better: Sequence[str] = ()) -> None:
        """Insert ledger rows whose key is not there, in one transaction."""
        self.db.put(table, rows, better)

    def query_read_only(self, sql: str) -> Answer:
        """One read-only query of a person."""
        return self.db.query_read_only(sql)

    def shared(self) -> AbstractContextManager[None]:
        """Nothing to do: a server is always shared."""
        return nullcontext()

    def locks(self) -> list[Lock]:
        """Who holds or waits for the catalogue's tables now."""
        return self.db.locks()

    def install(self, objects: Sequence[Object], views: Sequence[View], zone: str = "UTC") -> list[str]:
        """Create what is not there, add columns that the catalogue has gained."""
        return install.install(self.db, objects, views, zone)

    def missing(self, objects: Sequence[Object], views: Sequence[View] = (), zone: str = "UTC") -> list[str]:
        """Names of the objects that `install` has something to do for."""
        return install.missing(self.db, objects)

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        """Fold batches into the table: copy, merge and ledger in one transaction, sent once."""
        return self.loader.merge(obj, batches, hooks)

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fill the table again from the lake's files; the old rows stay until the new ones are in."""
        return self.loader.rebuild(obj, groups, before_commit)

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Delete the rows whose keys are in `touched`, insert those of `winners`."""
        self.loader.refold(obj, touched, winners, before_commit)

    def count(self, obj: Object) -> int:
        """Rows of the table that are not deleted."""
        table = quote_qualified(REDSHIFT, obj.warehouse_table)
        return int(self.query(f"SELECT COUNT(*) FROM {table} WHERE NOT record_is_deleted")[0][0])


@contextmanager
def open_warehouse(opening: Opening) -> Iterator[RedshiftWarehouse]:
    """The database, to change or to query it. No request is sent before the first question."""
    address = address_of(opening.url)
    api = DataApi(make_client("redshift-data", address.target.region), address.target)
    clients: list[Any] = []

    def s3() -> Any:
        if not clients:
            clients.append(make_client("s3", address.target.region))
        return clients[0]

    opening.scratch.mkdir(parents=True, exist_ok=True)
    try:
        with open_beside(opening, opening.scratch / "spill") as local:
            db = RedshiftSession(api, address, opening.schemas)
            yield RedshiftWarehouse(db, RedshiftLoader(db, local, s3, opening.scratch))
    finally:
        for client in [api.client, *clients]:
            client.close()


open_reader = open_warehouse
