"""Certificates of periods: written when a period closes, amended when a contact of it changes later, verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trunkline.completeness import census, certificate
from trunkline.completeness.census import Counts
from trunkline.completeness.certificate import FORMAT, Amendment, Certificate, Chain, Difference
from trunkline.completeness.periods import Rule, name_of
from trunkline.lake import layout
from trunkline.objects.model import Object
from trunkline.pipelines.counting import Desk, count_certified, fill_certified
from trunkline.pipelines.home import Home
from trunkline.schedules.windows import Window
from trunkline.version import __version__

# Contacts that one amendment names; more are appended as further ones.
AMENDMENT_ENTRIES_MAX = 10_000
_GONE_SHOWN_MAX = 20


def chain_of(home: Home, obj: Object, source: str, period: Window) -> Chain | None:
    """A period's certificate with its amendments; None while it has none. Raises TerminalError for damaged ones."""
    store, prefix = home.store, layout.certificate_prefix(obj.name, source, name_of(period))
    documents = []
    for key in store.list(prefix):
        if key.endswith(".json"):
            data = store.get_bytes(key)
            assert data is not None, f"{key} is listed and not there"
            documents.append(data)
    if not documents:
        return None
    return certificate.decode_chain(documents)


def certify(desk: Desk, period: Window, counts: Counts, listed_as_of: datetime, rule: Rule, now: datetime) -> Chain:
    """Write the certificate of the period whose census the desk holds. the pairs first, since it speaks of them."""
    path = desk.scratch / "pairs.parquet"
    pairs = census.write_pairs(desk.con, path)
    document = Certificate(
        format=FORMAT,
        object=desk.obj.name,
        source=desk.source,
        start=period.start,
        end=period.end,
        scope=desk.scope,
        counts=counts,
        pairs=pairs,
        sha256=certificate.hash_pairs(desk.con, certificate.pairs_of(path)),
        listed_as_of=listed_as_of,
        settle_hours=tuple(age.total_seconds() / 3600 for age in rule.ages),
        closed_at=now,
        code_version=__version__,
    )
    name = name_of(period)
    desk.home.store.put_file(path, layout.pairs_key(desk.obj.name, desk.source, name))
    data = certificate.encode(document)
    desk.home.store.put_bytes(data, layout.certificate_key(desk.obj.name, desk.source, name, 0))
    return certificate.decode_chain([data])


@dataclass(frozen=True, slots=True)
class Amended:
    """What became of a closed period: its chain, how many certified contacts are gone, and the census behind it."""

    chain: Chain
    gone: int
    counts: Counts


def amend(desk: Desk, period: Window, chain: Chain, now: datetime) -> Amended:
    """Append what changed in a closed period since its last document; nothing where nothing did.

    A contact that was certified and that nothing explains the loss of is not amended away: it is gone, and said so.
    """
    fill_certified(desk, period, chain)
    counts = count_certified(desk, period)
    found = certificate.differences(desk.con)
    gone = 0
    entries: list[certificate.Entry] = []
    for one in found:
        if one.is_gone:
            gone += 1
        else:
            entries.append(one.entry())
    for first in range(0, len(entries), AMENDMENT_ENTRIES_MAX):
        chain = _append(desk, period, chain, entries[first : first + AMENDMENT_ENTRIES_MAX], now)
    return Amended(chain, gone, counts)


def _append(desk: Desk, period: Window, chain: Chain, entries: list[certificate.Entry], now: datetime) -> Chain:
    certificate.apply(desk.con, entries)
    number = len(chain.amendments) + 1
    amendment = Amendment(
        format=FORMAT,
        number=number,
        start=period.start,
        entries=tuple(entries),
        pairs=certificate.count_certified(desk.con),
        sha256=certificate.hash_pairs(desk.con, "certified"),
        previous=chain.documents[-1],
        appended_at=now,
        code_version=__version__,
    )
    data = certificate.encode(amendment)
    key = layout.certificate_key(desk.obj.name, desk.source, name_of(period), number)
    desk.home.store.put_bytes(data, key)
    documents = (*chain.documents, certificate.document_hash(data))
    return Chain(chain.certificate, (*chain.amendments, amendment), documents)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found of a period. `faults` are sentences; `since` counts changes that wait for an amendment."""

    source: str
    name: str
    pairs: int
    sha256: str
    amendments: int
    faults: tuple[str, ...]
    since: int

    @property
    def is_well(self) -> bool:
        """Whether certificate and amendments hold."""
        return not self.faults


def verify(desk: Desk, period: Window, chain: Chain) -> Verdict:
    """Check a certificate: the documents, the pairs they are over, and that lake and warehouse still hold each pair."""
    faults = chain.faults()
    name, last = name_of(period), chain.last
    key = layout.pairs_key(desk.obj.name, desk.source, name)
    if key not in set(desk.home.store.list(layout.certificate_prefix(desk.obj.name, desk.source, name))):
        faults.append(f"the pairs of the certificate, {key}, are gone from the lake")
        return Verdict(desk.source, name, last.pairs, last.sha256, len(chain.amendments), tuple(faults), 0)
    pairs = desk.home.store.fetch(key, desk.scratch)
    if certificate.hash_pairs(desk.con, certificate.pairs_of(pairs)) != chain.certificate.sha256:
        faults.append("the pairs kept with the certificate do not have its hash: either was changed")
    fill_certified(desk, period, chain)
    if (
        certificate.hash_pairs(desk.con, "certified") != last.sha256
        or certificate.count_certified(desk.con) != last.pairs
    ):
        faults.append(
            "the pairs with all amendments applied do not have the hash of the last one: an amendment was changed"
        )
    count_certified(desk, period)
    gone, since = _compare(desk)
    if gone:
        shown = ", ".join(one.id for one in gone[:_GONE_SHOWN_MAX])
        more = f" and {len(gone) - _GONE_SHOWN_MAX:,} more" if len(gone) > _GONE_SHOWN_MAX else ""
        faults.append(f"{len(gone):,} certified contacts are no longer held by both lake and warehouse: {shown}{more}")
    return Verdict(desk.source, name, last.pairs, last.sha256, len(chain.amendments), tuple(faults), since)


def _compare(desk: Desk) -> tuple[list[Difference], int]:
    gone, since = [], 0
    for one in certificate.differences(desk.con):
        if one.is_gone:
            gone.append(one)
        else:
            since += 1
    return gone, since
