"""The Salesforce of the simulated centre: users, customers, cases, matters and tasks that fit its contact records.

Every agent is a user, every customer's number a Contact, every `crmCaseId` of a contact's attributes a Case, and every
contact that an agent had a Task whose CallObject is the contact's id. Some customers have a matter. Records come as the
REST API answers, in pages, as a source that reads what changed would see them: created, changed later, some deleted,
some read twice, and not in order. The same contacts and seed give the same records.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

Record = dict[str, Any]

API_NAMES: Final = {
    "user": "User",
    "customer_contact": "Contact",
    "matter": "litify_pm__Matter__c",
    "case": "Case",
    "task": "Task",
}
"""Salesforce's name of each object."""
FOLDER: Final = "salesforce"
CASE_ATTRIBUTE: Final = "crmCaseId"
_PREFIXES: Final = {"user": "005", "customer_contact": "003", "matter": "a0M", "case": "500", "task": "00T"}
_PAGE: Final = 2_000
_CHANGED, _DELETED, _TWICE, _HAS_MATTER = 0.3, 0.05, 0.05, 0.2
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_FIRST: Final = ("Ada", "Ben", "Chloé", "Dário", "Eve", "Finn", "Gül", "Hana", "Ivo", "Jo")
_LAST: Final = ("Ames", "Brandt", "Castro", "Dunn", "Egede", "Fox", "Gruber", "Hsu", "Íñiguez", "Jain")


@dataclass(frozen=True, slots=True)
class SimulatedRecords:
    """The versions of one object's records in the order in which they are read, and what a table of them ends with.

    `rows` are the ids that exist in the end, `deleted` those that were deleted.
    """

    versions: list[Record]
    rows: frozenset[str]
    deleted: frozenset[str]


def long_id(short: str) -> str:
    """The 18 characters of a 15-character id: its letters' cases as three characters more."""
    parts = (short[start : start + 5] for start in (0, 5, 10))
    return short + "".join(
        _CHECK[sum(1 << bit for bit, char in enumerate(part) if "A" <= char <= "Z")] for part in parts
    )


@dataclass(slots=True)
class SimulatedOrg:
    """Collects contacts with `add`, then gives the records of each object."""

    seed: int
    _records: dict[str, dict[str, Record]] = field(default_factory=lambda: {name: {} for name in API_NAMES})

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in a contact by its winning contact record."""
        agent, endpoint = record.get("Agent"), record.get("CustomerEndpoint") or {}
        began = _second(record["InitiationTimestamp"])
        user = self._user(agent) if agent else None
        is_phone = endpoint.get("Type") == "TELEPHONE_NUMBER"
        customer = self._customer(endpoint["Address"], began) if is_phone else None
        case = self._case((record.get("Attributes") or {}).get(CASE_ATTRIBUTE), began, user, customer)
        if agent and user:
            self._task(record, agent, began, user, customer, case or self._matter(customer, began, user))

    def records(self, name: str) -> SimulatedRecords:
        """An object's records."""
        rng = random.Random(f"salesforce {self.seed} {name}")
        deleted = frozenset(i for i in self._records[name] if name != "user" and rng.random() < _DELETED)
        versions = [
            version for record in self._records[name].values() for version in _versions(name, record, deleted, rng)
        ]
        versions += [version for version in versions if rng.random() < _TWICE]
        rng.shuffle(versions)
        return SimulatedRecords(versions, frozenset(self._records[name]) - deleted, deleted)

    def _put(self, name: str, what: str, made_at: int, **fields: Any) -> str:
        """The id of a record, made with these fields where it is not there yet."""
        short = what if name == "case" else _short_id(_PREFIXES[name], what)
        record_id = long_id(short)
        if record_id not in self._records[name]:
            stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), _time(made_at))
            deletion = {} if name == "user" else {"IsDeleted": False}
            attributes = {
                "type": API_NAMES[name],
                "url": f"/services/data/v62.0/sobjects/{API_NAMES[name]}/{record_id}",
            }
            self._records[name][record_id] = {
                "attributes": attributes,
                "Id": record_id,
                **fields,
                **stamps,
                **deletion,
            }
        return record_id

    def _user(self, agent: Mapping[str, Any]) -> str:
        name = str(agent["Username"])
        first, _, last = name.partition(".")
        return self._put(
            "user",
            name,
            _second("2026-01-05T09:00:00Z"),
            Username=f"{name}@example.com.crm",
            Email=f"{name}@example.com",
            FirstName=first.title(),
            LastName=last.title(),
            Name=f"{first} {last}".title(),
            Alias=name[:8],
            FederationIdentifier=name,
            IsActive=True,
            UserType="Standard",
            TimeZoneSidKey="America/New_York",
        )

    def _customer(self, number: str, at: int) -> str:
        rng = random.Random(f"{self.seed} {number}")
        first, last = rng.choice(_FIRST), rng.choice(_LAST)
        return self._put(
            "customer_contact",
            number,
            at - rng.randrange(10**7),
            FirstName=first,
            LastName=last,
            Name=f"{first} {last}",
            Phone=number,
            Email=f"{number[1:]}@example.com",
            MailingCity="Springfield",
            MailingCountry="US",
        )

    def _case(self, short: str | None, at: int, user: str | None, customer: str | None) -> str | None:
        if short is None:
            return None
        rng = random.Random(f"{self.seed} {short}")
        return self._put(
            "case",
            short,
            at,
            CaseNumber=f"{int(short[3:]) % 10**8:08d}",
            Status="New",
            IsClosed=False,
            Origin="Phone",
            Priority=rng.choice(("High", "Medium", "Low")),
            OwnerId=user,
            ContactId=customer,
            IsEscalated=False,
            Subject="Asked about an invoice",
        )

    def _matter(self, customer: str | None, at: int, user: str) -> str | None:
        rng = random.Random(f"{self.seed} matter {customer}")
        if customer is None or rng.random() >= _HAS_MATTER:
            return None
        return self._put(
            "matter",
            customer,
            at - rng.randrange(10**7),
            Name=f"MAT-{rng.randrange(10**8):08d}",
            OwnerId=user,
            litify_pm__Status__c="Open",
            litify_pm__Principal_Attorney__c=user,
            litify_pm__Open_Date__c=_time(at)[:10],
            litify_pm__Gross_Recovery__c=rng.randrange(10**7) / 100,
        )

    def _task(
        self,
        record: Mapping[str, Any],
        agent: Mapping[str, Any],
        at: int,
        user: str,
        customer: str | None,
        what: str | None,
    ) -> None:
        ended = record.get("DisconnectTimestamp")
        self._put(
            "task",
            record["ContactId"],
            at,
            WhoId=customer,
            WhatId=what,
            OwnerId=user,
            Subject="Call",
            TaskSubtype="Call",
            Status="Completed" if ended else "In Progress",
            IsClosed=bool(ended),
            ActivityDate=_time(at)[:10],
            CompletedDateTime=_time(_second(ended)) if ended else None,
            IsArchived=False,
            CallType="Outbound" if record["InitiationMethod"] == "OUTBOUND" else "Inbound",
            CallDurationInSeconds=agent.get("AgentInteractionDuration"),
            CallObject=record["ContactId"],
        )


def _versions(name: str, record: Record, deleted: Iterable[str], rng: random.Random) -> Iterator[Record]:
    """A record as it was created, then changed, then deleted."""
    yield record
    changed_at = _second(record["CreatedDate"])
    if rng.random() < _CHANGED:
        changed_at += 60 + rng.randrange(86_400)
        record = {**record, **_change(name, changed_at), "LastModifiedDate": _time(changed_at)}
        record["SystemModstamp"] = _time(changed_at)
        yield record
    if record["Id"] in deleted:
        yield {**record, "IsDeleted": True, "SystemModstamp": _time(changed_at + 60)}


def _change(name: str, at: int) -> Record:
    changes: dict[str, Record] = {
        "user": {"Title": "Senior agent"},
        "customer_contact": {"MailingCity": "Shelbyville"},
        "matter": {"litify_pm__Status__c": "Closed", "litify_pm__Close_Date__c": _time(at)[:10]},
        "case": {"Status": "Closed", "IsClosed": True, "ClosedDate": _time(at)},
        "task": {"CallDisposition": "Solved"},
    }
    return changes[name]


def write_org(org: SimulatedOrg, out: Path) -> dict[str, SimulatedRecords]:
    """Write `out/<object>/NNN.json`, each an answer of the REST API. Returns the records by object."""
    made = {name: org.records(name) for name in API_NAMES}
    for name, records in made.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, start in enumerate(range(0, len(records.versions), _PAGE)):
            page = records.versions[start : start + _PAGE]
            answer = {
                "totalSize": len(records.versions),
                "done": start + _PAGE >= len(records.versions),
                "records": page,
            }
            (folder / f"{number:03}.json").write_bytes(msgspec.json.encode(answer))
    return made


def _short_id(prefix: str, what: str) -> str:
    """15 characters, the same for the same thing."""
    number = random.Random(what).randrange(62**12)
    digits = []
    for _ in range(12):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return prefix + "".join(digits)


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _time(second: int) -> str:
    """As the REST API writes times."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
