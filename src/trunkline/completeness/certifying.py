"""Certificates of periods: issued when a period closes, amended when a contact of it changes later, verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline.completeness import census, certificates
from trunkline.completeness.census import CensusCounts
from trunkline.completeness.certificates import FORMAT, Amendment, Certificate, Chain, Difference
from trunkline.completeness.periods import SettleRule, period_name
from trunkline.completeness.workspace import Census, Workspace, census_of_certified, load_certified
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
    documents = [store.require_bytes(key) for key in keys if key.endswith(".json")]
    return certificates.decode_chain(documents) if documents else None


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
    )
    name = period_name(period)
    space.store.put_file(path, layout.pairs_key(space.obj.name, space.source, name))
    data = certificates.encode(document)
    space.store.put_bytes(data, layout.certificate_key(space.obj.name, space.source, name, 0))
    return certificates.decode_chain([data])


@dataclass(frozen=True, slots=True)
class Amended:
    """A closed period after a look for changes: its chain, how many certified contacts are lost, and its counts."""

    chain: Chain
    lost: int
    counts: CensusCounts


def amend(space: Workspace, period: Window, chain: Chain, now: datetime) -> Amended:
    """Append what changed in a closed period since its last document; nothing where nothing changed.

    A certified contact that was lost without an explanation is not amended away: it is counted as lost.
    """
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
    faults = chain.faults()
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
    if lost:
        shown = ", ".join(difference.id for difference in lost[:_LOST_SHOWN_MAX])
        more = f" and {len(lost) - _LOST_SHOWN_MAX:,} more" if len(lost) > _LOST_SHOWN_MAX else ""
        faults.append(f"{len(lost):,} certified contacts are no longer held by both lake and warehouse: {shown}{more}")
    return Verdict(space.source, name, last.pairs, last.sha256, len(chain.amendments), tuple(faults), len(changed))


def _compare(space: Workspace, certified: Relation, matched: Relation) -> tuple[list[Difference], list[Difference]]:
    """The certified contacts that are lost, and the other changes."""
    lost: list[Difference] = []
    changed: list[Difference] = []
    for difference in certificates.differences(space.con, certified, matched):
        (lost if difference.is_lost else changed).append(difference)
    return lost, changed
