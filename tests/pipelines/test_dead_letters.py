"""Dead letters keep their bytes and come back after a fix, and the totals stay true (must hold 5)."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest
from homes import (
    NARROW,
    assert_adds_up,
    contact,
    contacts,
    jsonl,
    letters,
    load_into,
    narrow,
    opened,
    settings_of,
    table,
    totals,
    write,
)  # fmt: skip

from trunkline.errors import UsageError
from trunkline.objects.model import Object
from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.jobs.upkeep import drop_old_bytes, rebuild
from trunkline.pipelines.set_aside import kept_bytes
from trunkline.records import Mark
from trunkline.sources.files.reader import FileSource

POISON = b'{"ContactId":"x",,}\n'
# What the source calls the beginning has become a text: the fix is a catalogue in which it is one.
WORD = jsonl([narrow("w", Began="seven")])
FIXED: Object = dataclasses.replace(
    NARROW,
    partition=NARROW.version,
    columns=tuple(dataclasses.replace(c, type="text") if c.name == "began_at" else c for c in NARROW.columns),
)


def test_the_bytes_are_kept(tmp_path: Path) -> None:
    """Each dead letter has the bytes it had in the source, its position tells where, and its reason why."""
    file = tmp_path / "in"
    file.write_bytes(jsonl([narrow("a")]) + POISON + WORD)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        found = letters(home, NARROW)
        assert [one.reason for one in found] == ["invalid_json", "wrong_type"]
        data = file.read_bytes()
        for one in found:
            kept = kept_bytes(home, one)
            offset = int(one.position.rpartition(":")[2])
            assert kept.payload.strip() == data[offset : offset + one.length].strip()
            assert kept.length == one.length
        assert kept_bytes(home, found[1]).payload == WORD


def test_the_first_mebibyte_of_a_long_one_is_kept(tmp_path: Path) -> None:
    """A long dead letter keeps its first MiB and its length."""
    file = tmp_path / "in"
    file.write_bytes(jsonl([narrow("a", Began="x" * 3_000_000)]))
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        (one,) = letters(home, NARROW)
        kept = kept_bytes(home, one)
        assert (kept.length, len(kept.payload)) == (file.stat().st_size, 1024 * 1024)
        assert kept.payload == file.read_bytes()[: 1024 * 1024]
        counts = totals(home, NARROW)
        assert replay(home, NARROW, [one]).counts.dead_letter == 1
        assert totals(home, NARROW) == counts


def test_bytes_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    """The bytes lie apart from the lake's tables, in folders 0700 and files 0600."""
    file = tmp_path / "in"
    file.write_bytes(POISON)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
    top = tmp_path / "home" / "lake" / "_dead_letter_bytes"
    found = [top, *top.rglob("*")]
    assert len(found) == 3
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_a_fix_and_a_replay_land_them(tmp_path: Path) -> None:
    """After the catalogue is corrected the record lands; every record is still counted once."""
    file = tmp_path / "in"
    file.write_bytes(jsonl([narrow("a")]) + POISON + WORD)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        assert (totals(home, NARROW).inserted, totals(home, NARROW).dead_letter) == (1, 2)
    with opened(tmp_path / "home", FIXED) as home:
        result = replay(home, FIXED, letters(home, FIXED))
        assert (result.counts.read, result.counts.inserted, result.counts.dead_letter) == (2, 1, 1)
        assert [(row["id"], row["began_at"]) for row in table(home, FIXED)] == [
            ("a", "2026-03-03 10:00:00"),
            ("w", "seven"),
        ]
        counts = totals(home, FIXED)
        assert_adds_up(counts)
        assert (counts.read, counts.inserted, counts.dead_letter) == (3, 2, 1)
        assert [one.reason for one in letters(home, FIXED)] == ["invalid_json"]
        position = home.con.execute("SELECT record_position FROM connect.f_narrow WHERE id = 'w'").fetchall()[0][0]
        assert position == next(o.position for o in letters(home, FIXED, is_open=False) if o.reason == "wrong_type")


def test_a_users_object_is_corrected_in_its_file(tmp_path: Path) -> None:
    """A wrong type in objects.toml costs that value alone; corrected, with a higher version, a load fills it."""
    home_folder = tmp_path / "home"
    home_folder.mkdir()
    text = """
[object.answer]
key = ["id"]
event_time = "at"
catalogue_version = NUMBER
[object.answer.columns]
id = { type = "text", meaning = "Id." }
at = { type = "timestamp", meaning = "When." }
score = { type = "TYPE", meaning = "Score." }
"""
    (home_folder / "objects.toml").write_text(text.replace("TYPE", "integer").replace("NUMBER", "1"))
    record = '{"id":"1","at":"2026-03-03T10:00:00Z","score":7.5}\n{"id":"2","at":"2026-03-03T10:00:00Z"}'
    for name in ("first", "again"):
        (tmp_path / name).write_text(record)
    with open_home(settings_of(home_folder)) as home:
        obj = home.objects["answer"]
        result = load_into(home, tmp_path / "first", obj=obj)
        assert (result.counts.dead_letter, result.drifts[0].type_changes) == (0, {"score is DOUBLE": 1})
        assert [(row["score"], row["record_unmapped"]) for row in table(home, obj)] == [
            (None, '{"score":7.5}'),
            (None, None),
        ]
    (home_folder / "objects.toml").write_text(text.replace("TYPE", "double").replace("NUMBER", "2"))
    with open_home(settings_of(home_folder)) as home:
        obj = home.objects["answer"]
        assert load_into(home, tmp_path / "again", obj=obj).counts.updated == 2
        for _ in range(2):
            assert [(row["id"], row["score"]) for row in table(home, obj)] == [("1", 7.5), ("2", None)]
            rebuild(home, obj)


def test_the_same_poison_twice_is_one(tmp_path: Path) -> None:
    """The same file again adds nothing; the same bytes in two files have one hash and two positions."""
    for name in ("a", "b"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(POISON)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, tmp_path / "in" / "a", obj=NARROW)
        assert load_into(home, tmp_path / "in" / "a", obj=NARROW).counts.read == 0
        assert len(letters(home, NARROW)) == 1
        load_into(home, tmp_path / "in", obj=NARROW)
        found = letters(home, NARROW)
        assert len({one.position for one in found}) == 2
        assert len({one.payload_hash for one in found}) == 1
        assert totals(home, NARROW).dead_letter == 2


def test_a_replay_that_fails_again_keeps_one(tmp_path: Path) -> None:
    """Without a fix a replay changes nothing but the number of tries: one entry, one copy of the bytes, true totals."""
    file = tmp_path / "in"
    file.write_bytes(jsonl([narrow("a")]) + POISON + WORD + b'\n {"Changed":"2026-03-03T10:00:00Z"} \n')
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        before, counts = letters(home, NARROW), totals(home, NARROW)
        assert len(before) == 3
        for tries in (1, 2):
            result = replay(home, NARROW, letters(home, NARROW))
            assert (result.counts.read, result.counts.dead_letter) == (3, 3)
            after = letters(home, NARROW)
            assert [dataclasses.replace(one, replays=0) for one in after] == before
            assert {one.replays for one in after} == {tries}
            assert totals(home, NARROW) == counts
        kept = list((tmp_path / "home" / "lake" / "_dead_letter_bytes").rglob("*.jsonl"))
        assert sum(path.read_bytes().count(b"\n") for path in kept) == 3


def test_one_letter_of_many_is_replayed(tmp_path: Path) -> None:
    """A replay of some letters leaves the others alone."""
    write(tmp_path / "in" / "a", *(narrow(f"w{n}", Began="seven") for n in range(4)))
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, tmp_path / "in", obj=NARROW)
    with opened(tmp_path / "home", FIXED) as home:
        found = letters(home, FIXED)
        assert replay(home, FIXED, found[1:3]).counts.inserted == 2
        assert letters(home, FIXED) == [found[0], found[3]]


def test_a_letter_whose_record_is_part_of_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a fix in reading makes a record of a span and the record is still wrong, the letter stays set aside."""
    file = tmp_path / "in"
    file.write_bytes(POISON)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        before = letters(home, NARROW)
        monkeypatch.setattr(FileSource, "revive", lambda *_: ('{"Score":"x"}', Mark()))
        replay(home, NARROW, before)
        assert [(one.position, one.payload_hash) for one in letters(home, NARROW)] == [
            (one.position, one.payload_hash) for one in before
        ]
        assert totals(home, NARROW).dead_letter == 1


def test_bytes_go_after_their_retention_and_the_index_stays(tmp_path: Path) -> None:
    """Dropped bytes leave the entry, and a replay says what can still be done."""
    from datetime import date

    file = tmp_path / "in"
    file.write_bytes(POISON)
    with opened(tmp_path / "home", NARROW) as home:
        load_into(home, file, obj=NARROW)
        assert drop_old_bytes(home, NARROW, date(2020, 1, 1)) == 0
        assert drop_old_bytes(home, NARROW, date(2100, 1, 1)) == 1
        (one,) = letters(home, NARROW)
        with pytest.raises(UsageError, match="load the file again from where it came"):
            replay(home, NARROW, [one])
        assert load_into(home, file, obj=NARROW).counts.read == 0


def test_contact_records_of_every_reason(tmp_path: Path) -> None:
    """The contact record's own letters name the column or path, and never a value."""
    number = "+15535550143"
    bad = {
        "wrong_type": [contact("a", InitiationTimestamp=number), contact("b", LastUpdateTimestamp=[number])],
        "implausible_time": [contact("c", InitiationTimestamp="1999-01-01T00:00:00Z")],
        "missing_key": [contact("d", ContactId=...)],
    }
    for reason, records in bad.items():
        write(tmp_path / "in" / reason, *records)
    with opened(tmp_path / "home") as home:
        load_into(home, tmp_path / "in")
        found = letters(home)
        assert sorted(one.reason for one in found) == sorted(r for r, records in bad.items() for _ in records)
        assert all("5535550143" not in one.detail for one in found)
        assert any("initiation_timestamp" in one.detail for one in found)
        assert contacts(home).name == "contact_record"
