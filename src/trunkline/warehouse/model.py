"""The protocol of a warehouse, for every engine: the values that it takes and gives, and what installations share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from trunkline import clock
from trunkline.accounting import Counts
from trunkline.errors import TerminalError
from trunkline.objects.model import Object
from trunkline.objects.view import View
from trunkline.records import Refused
from trunkline.sql.migrate import TableChange
from trunkline.sql.relation import Relation
from trunkline.sql.session import Session
from trunkline.version import __version__


@dataclass(frozen=True, slots=True)
class Opening:
    """What a warehouse is opened with: its URL, limits of the embedded engine, a scratch directory.

    `home` is named in messages that say which command to run. `schemas` are those of the catalogue: names without a
    schema are looked up in them in this order, and locks on their tables are listed. `notify` gets a sentence where a
    loader has to wait for a reader.
    """

    url: str
    memory_mb: int
    threads: int
    scratch: Path
    home: Path
    schemas: tuple[str, ...]
    notify: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Staged:
    """One batch whose rows are in the lake, as local Parquet files."""

    batch_id: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CommitHooks:
    """What must commit together with a merge; both are called before the commit.

    `tombstones(moved, batch_ids)` publishes the tombstones of these batches from a relation of the warehouse's
    `local` engine, see `tombstone_rows`. `ledger(session, counts, refused)` writes the batches' rows, with `run` and
    `put` alone, so that an engine may collect the statements and send them with its own. An engine that learns the
    counts only when everything is done leaves them out of `counts` and fills the rows itself.
    """

    tombstones: Callable[[Relation, Sequence[str]], None]
    ledger: Callable[[Session, Mapping[str, Counts], Sequence[Refused]], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a question."""

    columns: list[str]
    rows: list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a table that a loader holds or waits for. `holder` is for people; `since` is UTC."""

    table: str
    holder: str
    is_granted: bool
    since: datetime | None


class Readable(Session, Protocol):
    """A warehouse that can be queried."""

    @property
    def local(self) -> duckdb.DuckDBPyConnection:
        """The embedded engine, which reads the lake's files: the warehouse itself where that is DuckDB."""

    def query_read_only(self, sql: str) -> Answer:
        """One read-only query of a person. Raises UsageError with the engine's message."""

    def locks(self) -> list[Lock]:
        """Who holds or waits for our tables just now."""


class Warehouse(Readable, Protocol):
    """A warehouse that can be written. Every method is one transaction."""

    def shared(self) -> AbstractContextManager[None]:
        """Meanwhile others can read the warehouse, except while a method runs: a file is not held in between."""

    def install(self, objects: Sequence[Object], views: Sequence[View], zone: str = "UTC") -> list[str]:
        """Create what is not there, add columns that the catalogue has gained; a sentence for each change.

        `zone` is the IANA zone of the star's local keys.

        Raises TerminalError, and changes nothing, where that would take something away from rows that are there; it
        names the statements that a person would have to run.
        """

    def missing(self, objects: Sequence[Object], views: Sequence[View] = (), zone: str = "UTC") -> list[str]:
        """Names of the objects that `install` has something to do for.

        `views` and `zone` matter to an embedded warehouse, which installs itself when it is opened.
        """

    def merge(self, obj: Object, batches: Sequence[Staged], hooks: CommitHooks) -> dict[str, Counts]:
        """Fold batches into the object's table; the merge's terms of the accounting by batch id.

        Raises TransientError, naming the loader, when another one holds the table for too long.
        """

    def rebuild(
        self, obj: Object, groups: Sequence[Sequence[Path]], before_commit: Callable[[Session, int], None]
    ) -> int:
        """Fill the table again from the lake's files, group of partitions by group; its rows.

        A key lives in one partition (tombstones say which), so that each group can be folded alone. The old rows stay
        until the new ones are in. `before_commit` gets the number of rows; it writes with `run` and `put` alone, and
        may refuse by raising.
        """

    def refold(
        self, obj: Object, touched: Relation, winners: Relation, before_commit: Callable[[Session, int], None]
    ) -> None:
        """Delete the rows whose keys are in `touched`, insert those of `winners`; both are of the `local` engine.

        Both have the object's columns. `before_commit` gets the change in the table's number of rows.
        """

    def count(self, obj: Object) -> int:
        """Rows of the object's table, without those that are deleted."""


def installation_rows(fingerprints: Mapping[Object, str]) -> list[dict[str, Any]]:
    """One row per object, now: the hash of its statements, the catalogue's version and ours."""
    now = clock.now_naive()
    return [
        {
            "object": obj.name,
            "fingerprint": fingerprint,
            "catalogue_version": obj.catalogue_version,
            "code_version": __version__,
            "installed_at": now,
        }
        for obj, fingerprint in fingerprints.items()
    ]


def refuse_unsafe(changes: Sequence[TableChange]) -> None:
    """Raise TerminalError naming each change that could lose something, with the statements a person would run."""
    refused = [change for change in changes if not change.is_safe]
    if refused:
        listed = "\n".join(
            f"- {change.sentence}:\n" + "\n".join(f"    {statement};" for statement in change.statements)
            for change in refused
        )
        raise TerminalError(
            "the warehouse differs from the catalogue, and adapting it could lose data; nothing was changed. "
            f"Run the statements that you agree with by hand, then run `trunkline warehouse install` again:\n{listed}"
        )
