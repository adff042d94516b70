"""Every record is accounted for (must hold 1): whatever bytes come, the sum is an equation and good records land."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard
from homes import (
    NARROW,
    Record,
    assert_adds_up,
    contact,
    jsonl,
    letters,
    load_into,
    narrow,
    opened,
    table,
    totals,
    write,
)  # fmt: skip

from trunkline.flatten.flattener import Flattener
from trunkline.pipelines import flattening


@dataclass(frozen=True)
class Case:
    """A file's bytes; the contacts that must land; why each other span is set aside."""

    data: bytes
    landed: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    duplicates: int = 0


@dataclass(frozen=True)
class Names:
    """Keys of a record by the kind of value that belongs there."""

    map: str
    list: str
    number: str
    time: str
    version: str


def cases(make: Callable[..., Record], names: Names) -> dict[str, Case]:
    """The inputs, of records that `make` makes; `names` are the keys that the kinds of values have there."""
    good, other = jsonl([make("good")]), jsonl([make("other")])
    long = jsonl([make("good", **{names.map: {"Long": "x" * 5_000_000}})]) + other
    half = b'"' + names.map.encode() + b'":{'
    return {
        "empty file": Case(b""),
        "white space alone": Case(b" \r\n\t\n"),
        "one byte": Case(b"x", reasons=("invalid_json",)),
        "one brace": Case(b"{", reasons=("truncated",)),
        "one digit": Case(b"7", reasons=("not_an_object",)),
        "byte order mark alone": Case(b"\xef\xbb\xbf"),
        "byte order mark before records": Case(b"\xef\xbb\xbf" + good + other, ("good", "other")),
        "back to back": Case(good + other, ("good", "other")),
        "lines": Case(good + b"\n" + other + b"\r\n", ("good", "other")),
        "pretty-printed": Case(json.dumps(make("good"), indent=4).encode() + b"\n" + other, ("good", "other")),
        "array": Case(b"[" + good + b", " + other + b"]", ("good", "other")),
        "empty array": Case(b"[]"),
        "array with numbers": Case(b"[1, " + good + b', "x", null]', ("good",), ("not_an_object",) * 3),
        "numbers where objects belong": Case(b"1 2 3\n" + good, ("good",), ("not_an_object",) * 3),
        "nested array": Case(b"[[" + good + b"]," + other + b"]", ("other",), ("not_an_object",)),
        "invalid UTF-8 in a record": Case(
            good.replace(b"+1553", b"\xff\xfe") + b"\n" + other, ("other",), ("invalid_utf8",)
        ),
        "invalid UTF-8 between records": Case(good + b"\n\xff\xfe\xfd\n" + other, ("good", "other"), ("invalid_utf8",)),
        "truncated before a good one": Case(good[: len(good) // 2] + other, ("other",), ("invalid_json",)),
        "truncated at the end": Case(good + other[:-40], ("good",), ("truncated",)),
        "trailing comma": Case(good[:-1] + b",}\n" + other, ("other",), ("invalid_json",)),
        "NaN": Case(good[:-1] + b',"Score":NaN}\n' + other, ("other",), ("invalid_json",)),
        "a key twice": Case(good[:-1] + b',"ContactId":"other"}' + other, ("other",), ("duplicate_key",)),
        "an unknown key twice": Case(good[:-1] + b',"New":1,"New":2}' + other, ("other",), ("duplicate_key",)),
        "a key twice in an attribute map": Case(
            good.replace(half, half + b'"k":"1","k":"2",') + other, ("other",), ("duplicate_key",)
        ),
        "a key twice in an unknown object": Case(
            good[:-1] + b',"New":{"a":1,"a":2}}' + other, ("other",), ("duplicate_key",)
        ),
        "10,000 brackets in a record": Case(
            good[:-1] + b',"Deep":' + b"[" * 10_000 + b"]" * 10_000 + b"}" + other, ("other",), ("too_deep",)
        ),
        "10,000 brackets never closed": Case(good + b"\n" + b"[" * 10_000 + b"\n", ("good",), ("too_deep",)),
        "NUL bytes": Case(b"\0\0\0\n" + good + b"\n\0", ("good",), ("invalid_json",) * 2),
        "a NUL escape in a value": Case(good.replace(half, half + b'"k":"go\\u0000ld",') + other, ("good", "other")),
        "half of a surrogate pair": Case(good.replace(half, half + b'"k":"\\ud83d",') + other, ("good", "other")),
        "a surrogate pair": Case(good.replace(half, half + b'"k":"\\ud83d\\ude00",') + other, ("good", "other")),
        "a number of 60 digits": Case(good[:-1] + b',"New":' + b"9" * 60 + b"}" + other, ("good", "other")),
        "a record of 5 MB": Case(long, ("good", "other")),
        "key missing": Case(good.replace(b'"ContactId"', b'"Contactid"') + other, ("other",), ("missing_key",)),
        "key empty": Case(good.replace(b'"good"', b'""') + other, ("other",), ("missing_key",)),
        "key null": Case(good.replace(b'"good"', b"null") + other, ("other",), ("missing_key",)),
        "an empty object": Case(b"{}" + other, ("other",), ("missing_key",)),
        "a number as key": Case(good.replace(b'"good"', b"12") + other, ("12", "other")),
        "a number where a list or an object belongs": Case(
            jsonl([make("kept", **{names.list: 17})]) + other, ("kept", "other")
        ),
        "a list where a map belongs": Case(
            jsonl([make("kept", **{names.map: ["a"]})]) + other, ("kept", "other")
        ),
        "a word where a number belongs": Case(
            jsonl([make("kept", **{names.number: "several"})]) + other, ("kept", "other")
        ),
        "a time that is none": Case(
            jsonl([make("bad", **{names.time: "yesterday"})]) + other, ("other",), ("wrong_type",)
        ),
        "a time in the year 9999": Case(
            jsonl([make("bad", **{names.version: "9999-12-31T23:59:59Z"})]) + other, ("other",), ("implausible_time",)
        ),
        "the same record twice": Case(good + good, ("good",), duplicates=1),
        "gzip": Case(gzip.compress(good + other), ("good", "other")),
        "gzip in two members": Case(gzip.compress(good) + gzip.compress(other), ("good", "other")),
        "zstd": Case(zstandard.compress(good + other), ("good", "other")),
        "gzip cut short": Case(
            gzip.compress(good + b"\n" + other, compresslevel=0)[:-200], ("good",), ("corrupt_compression",)
        ),
        "gzip cut to its head": Case(gzip.compress(good)[:8], reasons=("corrupt_compression",)),
        "gzip of nothing": Case(gzip.compress(b"")),
        "nothing but junk": Case(b"<html>502 Bad Gateway</html>", reasons=("invalid_json",)),
    }  # fmt: skip


CASES = cases(narrow, Names("Labels", "Items", "Score", "Began", "Changed"))
CONTACT_CASES = cases(
    contact,
    Names("Attributes", "MediaStreams", "AgentConnectionAttempts", "InitiationTimestamp", "LastUpdateTimestamp"),
)


@pytest.mark.parametrize("name", CASES)
def test_every_input_adds_up(tmp_path: Path, name: str) -> None:
    """The accounting is an equation, the good records land beside the bad, and each bad span is one dead letter."""
    case = CASES[name]
    file = tmp_path / "in" / "file"
    file.parent.mkdir()
    file.write_bytes(case.data)
    with opened(tmp_path / "home", NARROW) as home:
        counts = load_into(home, file, obj=NARROW).counts
        assert sorted(row["id"] for row in table(home, NARROW)) == sorted(case.landed)
        assert sorted(one.reason for one in letters(home, NARROW)) == sorted(case.reasons)
        assert (counts.inserted, counts.dead_letter) == (len(case.landed), len(case.reasons))
        assert (counts.filtered, counts.deleted, counts.rejected) == (0, 0, 0)
        assert counts.duplicate == case.duplicates
        assert counts.read == counts.inserted + counts.dead_letter + counts.duplicate
        assert totals(home, NARROW) == counts
        again = load_into(home, file, obj=NARROW)
        assert (again.counts.read, again.batches) == (0, 0)
        assert totals(home, NARROW) == counts


def test_a_folder_with_nothing(tmp_path: Path) -> None:
    """Nothing to read is nothing read, and no error."""
    (tmp_path / "in").mkdir()
    with opened(tmp_path / "home") as home:
        result = load_into(home, tmp_path / "in")
        assert (result.counts.read, result.batches, result.files) == (0, 0, 0)
        assert table(home) == []


def test_all_inputs_together(tmp_path: Path) -> None:
    """All of them as contact records in one load, in small batches: the sum is the sum of the parts and nobody harms the other."""
    landed: set[str] = set()
    (tmp_path / "in").mkdir()
    for number, case in enumerate(CONTACT_CASES.values()):
        (tmp_path / "in" / f"{number:02}").write_bytes(case.data)
        landed |= set(case.landed)
    with opened(tmp_path / "home", batch_bytes=100_000) as home:
        result = load_into(home, tmp_path / "in")
        assert result.batches > 2
        assert {row["contact_id"] for row in table(home)} == landed
        assert result.counts.dead_letter == sum(len(case.reasons) for case in CONTACT_CASES.values())
        assert result.counts.read == sum(
            len(case.landed) + len(case.reasons) + case.duplicates for case in CONTACT_CASES.values()
        )
        assert totals(home) == result.counts


def test_a_changed_file_is_a_new_version(tmp_path: Path) -> None:
    """A file that grew is read again as a whole; what it held before is a duplicate then."""
    file = write(tmp_path / "in" / "file", contact("a"))
    with opened(tmp_path / "home") as home:
        load_into(home, file)
        write(file, contact("a"), contact("b"))
        counts = load_into(home, file).counts
        assert (counts.read, counts.inserted, counts.duplicate) == (2, 1, 1)
        assert_adds_up(totals(home))
        assert [row["contact_id"] for row in table(home)] == ["a", "b"]


def test_many_threads_give_the_same_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches flattened side by side are accounted for as those one after another."""
    monkeypatch.setattr(flattening, "Flattener", Flattener)  # the tests' shared one is for one thread
    for number in range(6):
        write(tmp_path / "in" / f"{number}", contact(f"c{number}"), contact("same", Channel=f"C{number}"))
        with (tmp_path / "in" / f"{number}").open("ab") as file:
            file.write(b"{broken\n")
    with opened(tmp_path / "home", threads=3, batch_bytes=2_000) as home:
        counts = load_into(home, tmp_path / "in").counts
        assert (counts.read, counts.dead_letter) == (18, 6)
        assert counts.inserted == 7
        assert len(table(home)) == 7
        assert totals(home) == counts


def test_what_does_not_depend_on_the_grouping(tmp_path: Path) -> None:
    """Read, set aside, inserted, and the sum of updated, superseded and duplicate, however loads are cut; the split does."""
    versions = [(f"k{key}", second) for second in (1, 3, 2, 3, 1) for key in range(8)]
    records = [narrow(id_, Changed=f"2026-03-03T10:00:0{second}Z", Score=second) for id_, second in versions]
    ends: list[tuple[int, ...]] = []
    splits: set[tuple[int, ...]] = set()
    rows = []
    for number, (cut, batch_bytes) in enumerate([(40, 1_000_000), (40, 1000), (14, 1_000_000)]):
        folder = tmp_path / f"in-{number}"
        with opened(tmp_path / f"home-{number}", NARROW, batch_bytes=batch_bytes) as home:
            for start in range(0, len(records), cut):
                path = write(folder / f"{start:02}", *records[start : start + cut])
                path.write_bytes(path.read_bytes() + (b'{"ContactId": "cut' if start + cut >= len(records) else b""))
                load_into(home, path, obj=NARROW)
            counts = totals(home, NARROW)
            rows.append(table(home, NARROW))
        later = counts.updated + counts.superseded + counts.duplicate
        ends.append((counts.read, counts.filtered, counts.dead_letter, counts.rejected, counts.inserted, later))
        splits.add((counts.updated, counts.superseded, counts.duplicate))
    assert set(ends) == {(41, 0, 1, 0, 8, 32)}
    assert len(splits) > 1
    assert all(table_rows == rows[0] for table_rows in rows)
