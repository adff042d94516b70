"""Certificates: what is stated about a closed period, what was appended since, and whether it still holds.

A certificate's hash is SHA-256 over one line per contact, `<id> <end>\\n` with the end as `2026-03-03T10:05:00Z`,
sorted by the bytes of the id. Anybody can compute it from the table with `sort` and `sha256sum`. A certificate is never
rewritten. Later changes are appended as amendments, each with the contacts it names and the hash after it.

Every document has a hash of itself and of the one before it, and the warehouse's ledger has the hash of the last one,
so that none can be changed or removed unnoticed by somebody who can write to the lake alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeVar

import duckdb
import msgspec
from msgspec import structs

from trunkline.completeness.census import INCOMPLETE, CensusCounts, Scope
from trunkline.engines.model import text_literal
from trunkline.errors import TerminalError
from trunkline.sql.relation import Relation, relation

T = TypeVar("T")
FORMAT: Final = 2
"""Documents of format 1 have no hash of themselves, and their certificates none of the one before."""
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_CHUNK: Final = 50_000

ChangeKind = Literal["completed", "moved in", "moved out", "changed", "dropped by rule"]
"""completed: a contact that no period had. moved: from or to another period. changed: its end, within the period."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What is stated about a period when it closes. Times are UTC; `pairs` is the number of contacts in the hash.

    `scope`: column and value of the rows that the source answers for, None for all.
    `listed_as_of`: the listing that it relies on was made at this instant or later. `settle_hours` is the rule.
    `previous` is the SHA-256 of the certificate of the period before, as it is stored; None where there was none.
    `document_sha256` is that of the document itself, with this value empty.
    """

    format: int
    object: str
    source: str
    start: datetime
    end: datetime
    scope: Scope
    counts: CensusCounts
    pairs: int
    sha256: str
    listed_as_of: datetime
    settle_hours: tuple[float, ...]
    closed_at: datetime
    code_version: str
    previous: str | None = None
    document_sha256: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A contact that an amendment names: its end before and after, None where it was not or is not in the period."""

    id: str
    change: ChangeKind
    before: datetime | None
    after: datetime | None


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """What became known after a period closed. `previous` is the SHA-256 of the document before, as it is stored.

    `document_sha256` is that of the document itself, with this value empty.
    """

    format: int
    number: int
    start: datetime
    entries: tuple[Entry, ...]
    pairs: int
    sha256: str
    previous: str
    appended_at: datetime
    code_version: str
    document_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate and its amendments in order, with the SHA-256 of each document as it is stored.

    `changed` are the keys of documents that do not have their own hash.
    """

    certificate: Certificate
    amendments: tuple[Amendment, ...]
    documents: tuple[str, ...]
    changed: tuple[str, ...] = ()

    @property
    def last(self) -> Certificate | Amendment:
        """The document in force, with its `pairs` and `sha256`."""
        return self.amendments[-1] if self.amendments else self.certificate

    def faults(self) -> list[str]:
        """What is wrong with the documents themselves, as sentences."""
        faults = [f"{key} was changed: its content does not have its own hash" for key in self.changed]
        for place, amendment in enumerate(self.amendments):
            if amendment.number != place + 1:
                faults.append(f"amendment {place + 1} is missing: the next one is number {amendment.number}")
                break
            if amendment.previous != self.documents[place]:
                before = f"amendment {place}" if place else "the certificate"
                faults.append(f"{before} is not the document that amendment {place + 1} was appended to")
        return faults


def encode(document: Certificate | Amendment) -> bytes:
    """The document with its own hash, as JSON text that people can read."""
    blank = _text(structs.replace(document, document_sha256=""))
    return _text(structs.replace(document, document_sha256=document_hash(blank)))


def _text(document: Certificate | Amendment) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _has_its_hash(document: Certificate | Amendment, data: bytes) -> bool:
    if document.format < FORMAT:
        return True
    named = document.document_sha256.encode()
    return document_hash(data.replace(b'"document_sha256": "' + named, b'"document_sha256": "')).encode() == named


def document_hash(data: bytes) -> str:
    """The SHA-256 of a document as it is stored, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def decode_chain(documents: Mapping[str, bytes]) -> Chain:
    """A certificate and its amendments, by key in order. Raises TerminalError for a document that is not valid."""
    (first, data), *rest = documents.items()
    certificate = _decode(first, data, Certificate)
    amendments = tuple(_decode(key, data, Amendment) for key, data in rest)
    all_documents: list[Certificate | Amendment] = [certificate, *amendments]
    pairs = zip(all_documents, documents.items(), strict=True)
    changed = tuple(key for document, (key, data) in pairs if not _has_its_hash(document, data))
    return Chain(certificate, amendments, tuple(map(document_hash, documents.values())), changed)


def _decode(key: str, data: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"{key} in the lake is not a valid {type_.__name__.lower()} ({error}): it was changed, truncated or "
            "removed. Restore it from a backup"
        ) from error


def hash_pairs(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """The hash over (id, ended) of a FROM item, in order of the id's bytes."""
    digest = hashlib.sha256()
    cursor = con.cursor()
    cursor.execute(f"SELECT id || ' ' || strftime(ended, '{_TIME}') FROM {source} ORDER BY id")
    while lines := cursor.fetchmany(_CHUNK):
        digest.update("".join(f"{line}\n" for (line,) in lines).encode())
    return digest.hexdigest()


def pairs_in(path: Path) -> str:
    """A FROM item of a file of certified pairs: id, ended, began."""
    return f"read_parquet({text_literal(str(path))})"


def load_certified(con: duckdb.DuckDBPyConnection, pairs: Path, chain: Chain) -> Relation:
    """The certified contacts: the certificate's pairs with every amendment applied."""
    certified = relation("certified", ("id", "ended", "began"))
    con.execute(f"CREATE OR REPLACE TABLE {certified.sql} AS SELECT id, ended, began FROM {pairs_in(pairs)}")
    for amendment in chain.amendments:
        apply(con, certified, amendment.entries)
    return certified


def apply(con: duckdb.DuckDBPyConnection, certified: Relation, entries: Sequence[Entry]) -> None:
    """Change certified contacts as an amendment says."""
    con.execute(
        f"DELETE FROM {certified.sql} WHERE id IN (SELECT unnest($1::VARCHAR[]))", [[entry.id for entry in entries]]
    )
    added = [(entry.id, entry.after.replace(tzinfo=None)) for entry in entries if entry.after is not None]
    if added:
        con.execute(
            f"INSERT INTO {certified.sql} SELECT unnest($1::VARCHAR[]), unnest($2::TIMESTAMP[]), NULL",
            [[id_ for id_, _ in added], [ended for _, ended in added]],
        )


def count_certified(con: duckdb.DuckDBPyConnection, certified: Relation) -> int:
    """The number of certified contacts."""
    count: int = con.execute(f"SELECT count(*) FROM {certified.sql}").fetchall()[0][0]
    return count


@dataclass(frozen=True, slots=True)
class ContactDifference:
    """A contact that differs from what is certified. `verdict` is the census's, None where the census lacks the id."""

    id: str
    before: datetime | None
    after: datetime | None
    verdict: str | None

    @property
    def is_lost(self) -> bool:
        """It was certified, is no longer held in the period, and nothing explains that."""
        return self.before is not None and self.after is None and self.verdict not in ("moved", "dropped by rule")

    def entry(self) -> Entry:
        """How an amendment names it."""
        if self.before is None:
            change: ChangeKind = "completed"
        elif self.after is not None:
            change = "changed"
        else:
            change = "moved out" if self.verdict == "moved" else "dropped by rule"
        return Entry(self.id, change, _aware(self.before), _aware(self.after))


def differences(con: duckdb.DuckDBPyConnection, certified: Relation, matched: Relation) -> Iterator[ContactDifference]:
    """Certified contacts against a census, by id; nothing where the period is as it was certified."""
    cursor = con.cursor()
    incomplete = ", ".join(map(text_literal, INCOMPLETE))
    cursor.execute(
        "SELECT COALESCE(c.id, m.id), c.ended, "
        f"CASE WHEN m.is_in_lake AND m.is_in_warehouse AND m.verdict NOT IN ({incomplete}) THEN m.ended END AS now, "
        "m.verdict "
        f"FROM {certified.sql} AS c FULL JOIN {matched.sql} AS m USING (id) WHERE c.ended IS DISTINCT FROM now "
        "AND (c.id IS NOT NULL OR now IS NOT NULL) ORDER BY 1"
    )
    while rows := cursor.fetchmany(_CHUNK):
        for row in rows:
            yield ContactDifference(*row)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None else None
