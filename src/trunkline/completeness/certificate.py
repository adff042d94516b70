"""Certificates: what is stated of a closed period, what was appended since, and whether it still holds.

A certificate's hash is SHA-256 over one line a contact, `<id> <end>\\n` with the end as `2026-03-03T10:05:00Z`, sorted
by the bytes of the id: anybody can compute it from the table with `sort` and `sha256sum`. The certificate is never
written again. What changes later is appended, each amendment with the contacts it names, the hash after it, and the
hash of the document before it, so that none can be changed or taken away without a trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import duckdb
import msgspec

from trunkline.completeness.census import Counts, Scope
from trunkline.errors import TerminalError

FORMAT: Final = 1
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_CHUNK: Final = 50_000

Change = Literal["completed", "moved in", "moved out", "changed", "dropped by rule"]
"""completed: a contact that no period had. moved: from or to another period. changed: its end, within the period."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What is stated of a period when it closes. Times are UTC; `pairs` is the number of contacts in the hash.

    `scope`: column and value of the rows that the source answers for, None for all.
    `listed_as_of`: the listing that it rests on was asked for at this instant or later. `settle_hours` is the rule.
    """

    format: int
    object: str
    source: str
    start: datetime
    end: datetime
    scope: Scope
    counts: Counts
    pairs: int
    sha256: str
    listed_as_of: datetime
    settle_hours: tuple[float, ...]
    closed_at: datetime
    code_version: str


class Entry(msgspec.Struct, frozen=True):
    """A contact that an amendment names: its end before and after, None where it was or is not in the period."""

    id: str
    change: Change
    before: datetime | None
    after: datetime | None


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """What became known after a period closed. `previous` is the SHA-256 of the document before, as it is stored."""

    format: int
    number: int
    start: datetime
    entries: tuple[Entry, ...]
    pairs: int
    sha256: str
    previous: str
    appended_at: datetime
    code_version: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate and its amendments in order, with the SHA-256 of each document as it is stored."""

    certificate: Certificate
    amendments: tuple[Amendment, ...]
    documents: tuple[str, ...]

    @property
    def last(self) -> Certificate | Amendment:
        """What is in force: its `pairs` and `sha256`."""
        return self.amendments[-1] if self.amendments else self.certificate

    def faults(self) -> list[str]:
        """What is wrong with the documents themselves, as sentences."""
        found = []
        for place, amendment in enumerate(self.amendments):
            if amendment.number != place + 1:
                found.append(f"amendment {place + 1} is missing: the next one is number {amendment.number}")
                break
            if amendment.previous != self.documents[place]:
                before = f"amendment {place}" if place else "the certificate"
                found.append(f"{before} is not the document that amendment {place + 1} was appended to")
        return found


def encode(document: Certificate | Amendment) -> bytes:
    """JSON text that people can read; the same document gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def document_hash(data: bytes) -> str:
    """The SHA-256 of a document as it is stored, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def decode_chain(documents: Sequence[bytes]) -> Chain:
    """A certificate and its amendments. Raises TerminalError for text that is none."""
    try:
        certificate = msgspec.json.decode(documents[0], type=Certificate)
        amendments = tuple(msgspec.json.decode(data, type=Amendment) for data in documents[1:])
    except msgspec.DecodeError as error:
        raise TerminalError(
            f"a certificate below _ledger/certificate/ in the lake cannot be read ({error}): it was changed or cut "
            "short. Put it back from a backup"
        ) from error
    return Chain(certificate, amendments, tuple(map(document_hash, documents)))


def hash_pairs(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """The hash over (id, ended) of a FROM item, in order of the id's bytes."""
    digest = hashlib.sha256()
    cursor = con.cursor()
    cursor.execute(f"SELECT id || ' ' || strftime(ended, '{_TIME}') FROM {source} ORDER BY id")
    while lines := cursor.fetchmany(_CHUNK):
        digest.update("".join(f"{line}\n" for (line,) in lines).encode())
    return digest.hexdigest()


def pairs_of(path: Path) -> str:
    """A FROM item of certified pairs: id, ended, began."""
    quoted = str(path).replace("'", "''")
    return f"read_parquet('{quoted}')"


def fill_certified(con: duckdb.DuckDBPyConnection, path: Path, chain: Chain) -> None:
    """Table `certified(id, ended, began)`: the certificate's pairs with every amendment applied."""
    con.execute(f"CREATE OR REPLACE TABLE certified AS SELECT id, ended, began FROM {pairs_of(path)}")
    for amendment in chain.amendments:
        apply(con, amendment.entries)


def apply(con: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    """Make table `certified` as an amendment says."""
    con.execute("DELETE FROM certified WHERE id IN (SELECT unnest($1::VARCHAR[]))", [[entry.id for entry in entries]])
    there = [(entry.id, entry.after.replace(tzinfo=None)) for entry in entries if entry.after is not None]
    if there:
        con.execute(
            "INSERT INTO certified SELECT unnest($1::VARCHAR[]), unnest($2::TIMESTAMP[]), NULL",
            [[id_ for id_, _ in there], [ended for _, ended in there]],
        )


def count_certified(con: duckdb.DuckDBPyConnection) -> int:
    """Contacts in table `certified`."""
    count: int = con.execute("SELECT count(*) FROM certified").fetchall()[0][0]
    return count


@dataclass(frozen=True, slots=True)
class Difference:
    """A contact that differs from what is certified. `verdict` is the census's, None where it names the id no more."""

    id: str
    before: datetime | None
    after: datetime | None
    verdict: str | None

    @property
    def is_gone(self) -> bool:
        """Whether nothing explains that the period lost it: it was certified, and is held no more."""
        return self.before is not None and self.after is None and self.verdict not in ("moved", "dropped by rule")

    def entry(self) -> Entry:
        """How an amendment names it."""
        if self.before is None:
            change: Change = "completed"
        elif self.after is not None:
            change = "changed"
        else:
            change = "moved out" if self.verdict == "moved" else "dropped by rule"
        return Entry(self.id, change, aware(self.before), aware(self.after))


def differences(con: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    """`certified` against `matched`, by id; nothing where the period is as it was certified."""
    cursor = con.cursor()
    cursor.execute(
        "SELECT COALESCE(c.id, m.id), c.ended, CASE WHEN m.is_kept AND m.is_stored THEN m.ended END AS now, m.verdict "
        "FROM certified AS c FULL JOIN matched AS m USING (id) WHERE c.ended IS DISTINCT FROM now "
        "AND (c.id IS NOT NULL OR now IS NOT NULL) ORDER BY 1"
    )
    while rows := cursor.fetchmany(_CHUNK):
        for row in rows:
            yield Difference(*row)


def aware(at: datetime | None) -> datetime | None:
    """A stored time with its zone said."""
    return at.replace(tzinfo=UTC) if at is not None else None
