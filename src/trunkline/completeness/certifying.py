"""Certificates of periods: issued when a period closes, amended when a contact of it changes later, verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline.completeness import census, certificates
from trunkline.completeness.census import CensusCounts
from trunkline.completeness.certificates import FORMAT, Amendment, Certificate, Chain, ContactDifference
from trunkline.completeness.period_records import certificate_head
from trunkline.completeness.periods import DAY, SettleRule, period_name
from trunkline.completeness.workspace import Census, Workspace, census_of_certified, load_certified
from trunkline.errors import TerminalError
from trunkline.lake import layout
from trunkline.lake.store import Store
from trunkline.objects.model import Object
from trunkline.schedules.windows import Window
from trunkline.sql.relation import Relation
from trunkline.version import __version__

AMENDMENT_ENTRIES_MAX: Final = 10_000
"""Contacts that one amendment names; more are appended as further amendments."""
_LOST_SHOWN_MAX: Final = 20


def chain_of(store: Store, obj: Object, source: str, period: Window) -> Chain | None:
    """A period's certificate with its amendments; None without one. Raises TerminalError for damaged documents."""
    keys = store.list(layout.certificate_prefix(obj.name, source, period_name(period)))
    documents = {key: store.require_bytes(key) for key in keys if key.endswith(".json")}
    if not documents:
        return None
    first = layout.certificate_key(obj.name, source, period_name(period), 0)
    if first not in documents:
        raise TerminalError(f"{first} is missing from the lake, and its amendments are there: restore it from a backup")
    return certificates.decode_chain(documents)


def certify(
    space: Workspace, period: Window, taken: Census, listed_as_of: datetime, rule: SettleRule, now: datetime
) -> Chain:
    """Issue the certificate of a period from its census. The pairs are written first, since it refers to them."""
    path = space.scratch / "pairs.parquet"
    pairs = census.write_pairs(space.con, taken.matched, path)
    document = Certificate(
        format=FORMAT,
        object=space.obj.name,
        source=space.source,
        start=period.start,
        end=period.end,
        scope=space.scope,
        counts=taken.counts,
        pairs=pairs,
        sha256=certificates.hash_pairs(space.con, certificates.pairs_in(path)),
        listed_as_of=listed_as_of,
        settle_hours=tuple(age.total_seconds() / 3600 for age in rule.ages),
        closed_at=now,
        code_version=__version__,
        previous=_hash_before(space, period),
    )
    name = period_name(period)
    space.store.put_file(path, layout.pairs_key(space.obj.name, space.source, name))
    data = certificates.encode(document)
    key = layout.certificate_key(space.obj.name, space.source, name, 0)
    space.store.put_bytes(data, key)
    return certificates.decode_chain({key: data})


def _hash_before(space: Workspace, period: Window) -> str | None:
    """The hash of the certificate of the period before, as it is stored."""
    before = period_name(Window(period.start - DAY, period.start))
    data = space.store.get_bytes(layout.certificate_key(space.obj.name, space.source, before, 0))
    return None if data is None else certificates.document_hash(data)


@dataclass(frozen=True, slots=True)
class Amended:
    """A closed period after a look for changes: its chain, how many certified contacts are lost, and its counts."""

    chain: Chain
    lost: int
    counts: CensusCounts


def amend(space: Workspace, period: Window, chain: Chain, now: datetime) -> Amended:
    """Append what changed in a closed period since its last document; nothing where nothing changed.

    A certified contact that was lost without an explanation is not amended away: it is counted as lost. Raises
    TerminalError where documents were changed or removed, which an amendment would hide.
    """
    faults = chain_faults(space, period, chain)
    if faults:
        raise TerminalError(
            f"the certificate of {period_name(period)} cannot be amended: {'; '.join(faults)}. Restore its documents "
            "below _ledger/certificate/ from a backup; trunkline ledger verify checks them"
        )
    certified = load_certified(space, period, chain)
    taken = census_of_certified(space, period, certified)
    lost, changed = _compare(space, certified, taken.matched)
    entries = [difference.entry() for difference in changed]
    for first in range(0, len(entries), AMENDMENT_ENTRIES_MAX):
        chain = _append(space, period, chain, certified, entries[first : first + AMENDMENT_ENTRIES_MAX], now)
    return Amended(chain, len(lost), taken.counts)


def _append(
    space: Workspace,
    period: Window,
    chain: Chain,
    certified: Relation,
    entries: list[certificates.Entry],
    now: datetime,
) -> Chain:
    certificates.apply(space.con, certified, entries)
    number = len(chain.amendments) + 1
    amendment = Amendment(
        format=FORMAT,
        number=number,
        start=period.start,
        entries=tuple(entries),
        pairs=certificates.count_certified(space.con, certified),
        sha256=certificates.hash_pairs(space.con, certified.sql),
        previous=chain.documents[-1],
        appended_at=now,
        code_version=__version__,
    )
    data = certificates.encode(amendment)
    key = layout.certificate_key(space.obj.name, space.source, period_name(period), number)
    space.store.put_bytes(data, key)
    documents = (*chain.documents, certificates.document_hash(data))
    return Chain(chain.certificate, (*chain.amendments, amendment), documents)


def chain_faults(space: Workspace, period: Window, chain: Chain) -> list[str]:
    """What shows that documents of a period were changed or removed, as sentences.

    The warehouse's ledger has the hash of the last document as of the last run. Amendments after it are valid: a run
    may have been stopped before it recorded them.
    """
    faults = chain.faults()
    head = certificate_head(space.warehouse, space.obj.name, space.source, period.start)
    if head is not None and head not in chain.documents:
        faults.append(f"the last document in the warehouse's ledger, with the hash {head}, was changed or removed")
    before = chain.certificate.previous
    if before is not None and before != _hash_before(space, period):
        name = period_name(Window(period.start - DAY, period.start))
        faults.append(f"the certificate of {name}, which this one was written after, was changed or removed")
    return faults


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying a period. `faults` are sentences; `changed` counts changes that await an amendment."""

    source: str
    name: str
    pairs: int
    sha256: str
    amendments: int
    faults: tuple[str, ...]
    changed: int

    @property
    def holds(self) -> bool:
        """Whether certificate and amendments hold."""
        return not self.faults


def verify(space: Workspace, period: Window, chain: Chain) -> Verdict:
    """Check a certificate: its documents, the pairs they are over, and that lake and warehouse still hold each pair."""
    faults = chain_faults(space, period, chain)
    name, last = period_name(period), chain.last
    key = layout.pairs_key(space.obj.name, space.source, name)
    if key not in set(space.store.list(layout.certificate_prefix(space.obj.name, space.source, name))):
        faults.append(f"the pairs of the certificate, {key}, are missing from the lake")
        return Verdict(space.source, name, last.pairs, last.sha256, len(chain.amendments), tuple(faults), 0)
    pairs = space.fetch(key)
    if certificates.hash_pairs(space.con, certificates.pairs_in(pairs)) != chain.certificate.sha256:
        faults.append("the hash of the stored pairs differs from the certificate's: one of them was changed")
    certified = load_certified(space, period, chain)
    is_same = certificates.hash_pairs(space.con, certified.sql) == last.sha256
    if not is_same or certificates.count_certified(space.con, certified) != last.pairs:
        faults.append(
            "the pairs with all amendments applied do not have the last document's hash: an amendment was changed"
        )
    lost, changed = _compare(space, certified, census_of_certified(space, period, certified).matched)
    differing = [difference for difference in lost if difference.verdict == "not merged"]
    absent = [difference for difference in lost if difference.verdict != "not merged"]
    if absent:
        faults.append(_named(absent, "are no longer held by both lake and warehouse"))
    if differing:
        faults.append(_named(differing, "have another end in the warehouse than in the lake, or are not in it"))
    return Verdict(space.source, name, last.pairs, last.sha256, len(chain.amendments), tuple(faults), len(changed))


def _named(contacts: list[ContactDifference], what: str) -> str:
    shown = ", ".join(contact.id for contact in contacts[:_LOST_SHOWN_MAX])
    more = f" and {len(contacts) - _LOST_SHOWN_MAX:,} more" if len(contacts) > _LOST_SHOWN_MAX else ""
    return f"{len(contacts):,} certified contacts {what}: {shown}{more}"


def _compare(
    space: Workspace, certified: Relation, matched: Relation
) -> tuple[list[ContactDifference], list[ContactDifference]]:
    """The certified contacts that are lost, and the other changes."""
    lost: list[ContactDifference] = []
    changed: list[ContactDifference] = []
    for difference in certificates.differences(space.con, certified, matched):
        (lost if difference.is_lost else changed).append(difference)
    return lost, changed
