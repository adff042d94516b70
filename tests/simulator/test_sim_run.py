"""Guarantees of a simulation: the same bytes, the exact count, totals that add up, a realistic day."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from trunkline.errors import UsageError
from trunkline.simulator.centre.play import play
from trunkline.simulator.oracle.oracle import answer
from trunkline.simulator.run import Result, simulate
from trunkline.simulator.spec import DAY_S, Faults, Spec

Pieces = Callable[[Path], Iterator[tuple[dict[str, Any] | None, bytes]]]
Records = Callable[[Result], list[dict[str, Any]]]
_DIGEST = """
import hashlib, sys
from pathlib import Path
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec
out = Path(sys.argv[1])
simulate(Spec(contacts=400, seed=3, faults=Faults.every(0.03), is_gzip=True), out)
digest = hashlib.sha256()
for path in sorted(p for p in out.rglob("*") if p.is_file()):
    digest.update(f"{path.relative_to(out)} {int(path.stat().st_mtime) if path.suffix == '.gz' else 0}".encode())
    digest.update(path.read_bytes())
print(digest.hexdigest())
"""


def _digest_in_process(out: Path, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Asia/Kathmandu" if hash_seed == "2" else "UTC"}
    done = subprocess.run(
        [sys.executable, "-c", _DIGEST, str(out)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_the_same_spec_gives_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    """Names, bytes and arrival times of all files are equal across processes, hash seeds and local zones."""
    digests = {_digest_in_process(tmp_path / seed, seed) for seed in ("0", "1", "2")}
    assert len(digests) == 1


def test_another_seed_gives_another_day(tmp_path: Path) -> None:
    """Another seed changes the output."""

    def digest(seed: int) -> str:
        result = simulate(Spec(contacts=50, seed=seed), tmp_path / str(seed))
        return hashlib.sha256(b"".join(path.read_bytes() for path in result.files)).hexdigest()

    assert digest(1) != digest(2)


@pytest.mark.parametrize("contacts", [0, 1, 2, 3, 17, 250, 1_001])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_number_of_contacts_is_exact(tmp_path: Path, contacts: int, seed: int, records: Records) -> None:
    """`contacts` is the number of different ContactIds in the files, whatever the seed."""
    result = simulate(Spec(contacts=contacts, seed=seed), tmp_path)
    assert len({record["ContactId"] for record in records(result)}) == contacts
    assert len(result.contacts) == contacts == result.expected.contacts


def test_totals_add_up(plain: Result, plain_records: list[dict[str, object]], pieces: Pieces) -> None:
    """Deliveries, exact copies and later versions, counted from the bytes, equal those in _expected.json."""
    expected = plain.expected
    texts = Counter(raw for path in plain.files for _, raw in pieces(path))
    assert expected.deliveries == len(plain_records) == texts.total()
    assert expected.exact_duplicates == texts.total() - len(texts)
    assert expected.late_versions == len(texts) - expected.contacts
    assert expected.read == expected.contacts + expected.late_versions + expected.exact_duplicates
    assert min(expected.late_versions, expected.exact_duplicates) > 0
    assert expected.bytes == sum(path.stat().st_size for path in plain.files)
    written = json.loads((plain.folder.parent / "_expected.json").read_text())
    assert written["expected"]["read"] == expected.read
    assert written["spec"]["seed"] == 7


def test_the_oracle_gets_the_winning_version(plain: Result, plain_records: list[dict[str, object]]) -> None:
    """One entry per contact, with the times of the version with the greatest LastUpdateTimestamp."""
    best: dict[str, tuple[str, object]] = {}
    for record in plain_records:
        key = str(record["ContactId"])
        agent = record["Agent"]
        work = agent["AfterContactWorkDuration"] if isinstance(agent, dict) else None
        rank = (str(record["LastUpdateTimestamp"]), work)
        if key not in best or rank[0] >= best[key][0]:
            best[key] = rank
    assert {contact.contact_id: contact.acw_s for contact in plain.contacts} == {
        key: work for key, (_, work) in best.items()
    }


def test_a_stale_version_would_change_answers(plain_records: list[dict[str, object]]) -> None:
    """Some first versions lack queue time or after contact work, so keeping the wrong version shows in metrics."""
    lacking = set()
    for record in plain_records:
        queue, agent = record["Queue"], record["Agent"]
        if isinstance(queue, dict) and queue["EnqueueTimestamp"] and queue["Duration"] is None:
            lacking.add("queue")
        if isinstance(agent, dict) and agent["AfterContactWorkStartTimestamp"]:
            lacking |= {"work"} if agent["AfterContactWorkDuration"] is None else set()
    assert lacking == {"queue", "work"}


def test_contacts_arrive_on_the_requested_days(two_days: Result) -> None:
    """Journeys start within the days; both days are busy, and differ."""
    starts = Counter(
        datetime.fromtimestamp(contact.initiated_at, UTC).date()
        for contact in two_days.contacts
        if contact.initiated_at is not None and contact.initiation_method == "INBOUND"
    )
    assert set(starts) == {date(2026, 3, 2), date(2026, 3, 3)}
    assert starts[date(2026, 3, 2)] != starts[date(2026, 3, 3)]
    assert 0.8 < starts[date(2026, 3, 2)] / starts[date(2026, 3, 3)] < 1.25


@pytest.mark.parametrize("day", [date(2026, 3, 2), date(2026, 3, 3)])
def test_headline_numbers_are_believable(two_days: Result, day: date) -> None:
    """The headline numbers are realistic for a day of about 10,000 contacts."""
    since = datetime(day.year, day.month, day.day)
    until = datetime.fromtimestamp(since.replace(tzinfo=UTC).timestamp() + DAY_S, UTC)

    def value(metric: str) -> float:
        result = answer(two_days.contacts, metric, since=since, until=until)[()]
        assert result is not None
        return result

    assert 68 <= value("SERVICE_LEVEL") <= 88
    assert 3 <= value("ABANDONMENT_RATE") <= 7.5
    assert 10 <= value("AVG_QUEUE_ANSWER_TIME") <= 40
    assert 240 <= value("AVG_HANDLE_TIME") <= 360
    assert two_days.occupancy is not None
    assert 70 <= two_days.occupancy <= 88


def test_the_day_has_two_peaks(two_days: Result) -> None:
    """Arrivals by New York hour peak before and after midday, and the night is quiet."""
    calls = [contact for contact in two_days.contacts if contact.channel == "VOICE"]
    by_hour = answer(calls, "CONTACTS_CREATED", interval="hour", zone="America/New_York")
    hours: Counter[int] = Counter()
    for (key,), count in by_hour.items():
        hours[(key.hour - 5) % 24] += count or 0
    assert hours[10] > hours[12] < hours[15]
    assert hours[3] < hours[10] / 10


def test_broken_spans_match_the_expected_ones(faulty: Result, pieces: Pieces) -> None:
    """A reader that resumes at the next record finds exactly the expected number of bad spans and good records."""
    spans = [(record, raw) for path in faulty.files for record, raw in pieces(path)]
    expected = faulty.expected
    unreadable = [raw for record, raw in spans if record is None]
    kinds = expected.broken_by_kind
    assert all(count > 0 for count in kinds.values())
    assert len(unreadable) == kinds["poison"] + kinds["truncation"]
    assert len(spans) == expected.read
    assert len(set(unreadable)) == len(unreadable)
    good = [record for record, _ in spans if record is not None and record.get("ContactId")]
    assert sum(1 for record, _ in spans if record is not None) - len(good) == kinds["missing_contact_id"]
    assert len({record["ContactId"] for record in good}) == 1_500


def test_drift_counts_match_the_expected_ones(faulty: Result, pieces: Pieces) -> None:
    """The counts of unknown fields and case clashes equal those in the files."""
    good = [record for path in faulty.files for record, _ in pieces(path) if record is not None]
    unknown = sum("ConversationSummary" in record or "ForecastGroup" in record for record in good)
    clashing = sum("channel" in record for record in good)
    # Broken records that are still JSON are made from records that may have drift themselves.
    assert unknown >= faulty.expected.drift_by_kind["unknown_fields"] > 0
    assert clashing >= faulty.expected.drift_by_kind["case_clash"] > 0


def test_faults_lose_no_contact_and_change_no_answer(tmp_path: Path) -> None:
    """With and without faults the oracle's contacts are the same."""
    clean = simulate(Spec(contacts=300, seed=5), tmp_path / "clean")
    dirty = simulate(Spec(contacts=300, seed=5, faults=Faults.every(0.1)), tmp_path / "dirty")
    key = lambda contact: contact.contact_id  # noqa: E731
    assert sorted(clean.contacts, key=key) == sorted(dirty.contacts, key=key)
    assert dirty.expected.broken > 0 == clean.expected.broken


def test_reordering_brings_older_versions_after_newer_ones(tmp_path: Path, records: Records) -> None:
    """With reordering some versions arrive in the wrong order; without copies and reordering none do."""

    def backwards(faults: Faults, out: Path) -> int:
        result = simulate(Spec(contacts=800, seed=4, faults=faults, redelivered=0.6, duplicated=0.0), out)
        last: dict[str, str] = {}
        count = 0
        for record in records(result):
            count += record["LastUpdateTimestamp"] < last.get(record["ContactId"], "")
            last[record["ContactId"]] = record["LastUpdateTimestamp"]
        return count

    assert backwards(Faults(), tmp_path / "ordered") == 0
    assert backwards(Faults(reorder=0.3), tmp_path / "reordered") > 0


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    """Progress is reported in deliveries and ends at the total."""
    calls: list[tuple[int, int]] = []
    result = simulate(Spec(contacts=20), tmp_path, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (result.expected.deliveries, result.expected.deliveries)


def test_a_folder_with_data_is_refused(tmp_path: Path) -> None:
    """A simulation does not write into a folder that has data."""
    simulate(Spec(contacts=3), tmp_path)
    with pytest.raises(UsageError, match="not empty"):
        simulate(Spec(contacts=3), tmp_path)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Spec(contacts=-1),
        lambda: Spec(days=0),
        lambda: Faults(poison=0.7),
        lambda: Spec(faults=Faults.every(0.3)),
        lambda: Spec(redacted=1.5),
    ],
)
def test_impossible_specs_are_refused(make: object) -> None:
    """Each error names the option and the valid values."""
    assert callable(make)
    with pytest.raises(UsageError, match="give"):
        make()


def test_a_day_of_a_zone():
    """Contacts arrive from local midnight to local midnight, also on the day that the clock changes."""
    for day, hours in ((date(2026, 3, 8), 23), (date(2026, 3, 3), 24), (date(2026, 11, 1), 25)):
        spec = Spec(contacts=300, date=day, zone="America/New_York")
        assert spec.end_s - spec.start_s == hours * 3600
        first = [c.initiated_at for c in play(spec).contacts if c.hops == 0 and c.method in ("INBOUND", "API")]
        local = {datetime.fromtimestamp(second, ZoneInfo("America/New_York")).date() for second in first}
        assert local == {day}
    with pytest.raises(UsageError, match="zone is 'Nowhere'"):
        Spec(zone="Nowhere")
