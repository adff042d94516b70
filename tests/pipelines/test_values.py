"""What is written in a record arrives in every engine as it left (must hold 6); what an engine refuses is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from homes import NARROW, Record, lake_best, letters, load_into, narrow, opened, table, totals, write
from servers import SERVERS

from trunkline.pipelines.jobs.load import replay
from trunkline.pipelines.jobs.upkeep import rebuild
from trunkline.pipelines.set_aside import row_text, select_refused
from trunkline.sql.relation import flat_rows

WIDEST = "é" * 32_767 + "x"
EDGES: dict[str, Record] = {
    "percent": {"Phone": "100 % _ \\ ' \" $1 :name ?"},
    "four bytes": {"Phone": "\U0001f600\U00020000\U0010ffff", "Labels": {"\U0001f600": "\U0001f469\u200d\U0001f680"}},
    "65,535 bytes": {"Phone": WIDEST, "Labels": {"wide": WIDEST}},
    "controls": {"Phone": 'tab\t newline\n return\r quote" bell\x07 line\u2028 end'},
    "not a number": {"Phone": "NaN", "Anything": {"n": "NaN", "i": "Infinity"}},
    "38 digits": {"Anything": [12345678901234567890123456789012345678, 0.1234567890123456789012345678901234567, 1.50]},
    "largest": {"Score": 10**15 - 1, "Items": [{"N": 2147483647}, {"N": -2147483648}]},
    "smallest": {"Score": 1 - 10**15},
    "empty": {"Phone": "", "Labels": {}, "Items": [], "Anything": {}},
    "null": {"Phone": None, "Labels": None, "Items": None, "Anything": None, "Score": None},
    "first moment": {"Began": "2010-01-01T00:00:00Z", "Changed": "2010-01-01T00:00:00.000001Z"},
    "last microsecond": {"Began": "2026-02-28T23:59:59.999999Z", "Changed": "2026-03-01T01:29:59.999999+01:30"},
    "an undated row": {"Began": ...},
    "unknown fields": {"New %s": {"deep": [1.50, "\U0001f600", 12345678901234567890123456789012345678]}},
}


def raw_record(name: str) -> Record:
    """The record of a case; its numbers are written with all their digits."""
    return narrow(name, **EDGES[name])


@pytest.mark.usefixtures("each_target")
def test_values_arrive_as_they_left(tmp_path: Path) -> None:
    """Every engine's table has what the lake has, value for value, also after a rebuild."""
    with opened(tmp_path / "home", NARROW, pii="keep") as home:
        load_into(home, write(tmp_path / "in" / "a", *map(raw_record, EDGES)), obj=NARROW)
        rows = {row["id"]: row for row in table(home, NARROW)}
        assert list(rows) == sorted(EDGES)
        assert [rows[name] for name in sorted(EDGES)] == lake_best(home, NARROW)
        assert rows["65,535 bytes"]["phone"] == WIDEST
        assert rows["four bytes"]["phone"] == EDGES["four bytes"]["Phone"]
        assert rows["percent"]["phone"] == EDGES["percent"]["Phone"]
        assert rows["38 digits"]["anything"].startswith("[12345678901234567890123456789012345678,")
        assert rows["empty"]["phone"] == ""
        before = table(home, NARROW)
        rebuild(home, NARROW)
        assert table(home, NARROW) == before


REFUSED: dict[str, tuple[str, Record]] = {
    "a NUL in a text": ("refused_character", {"Phone": "a\x00b"}),
    "a NUL in a map": ("refused_character", {"Labels": {"k": "\x00"}}),
    "a NUL in JSON": ("refused_character", {"Anything": {"k\x00": 1}}),
    "a NUL in an unknown field": ("refused_character", {"New": "\x00"}),
}
TAKEN: dict[str, Record] = {
    "a backslash before u0000": {"Anything": {"k": "\\u0000"}, "Labels": {"a": "\\\\u0000"}},
    "a large number in a text": {"Anything": {"k": "1e99999"}},
    "a large number": {"Anything": "1e300"},
}


@pytest.mark.parametrize("each_target", SERVERS, indirect=True)
def test_what_a_server_refuses_is_a_dead_letter_of_it_alone(tmp_path: Path, each_target: str) -> None:
    """The row is in the lake and not in the table, counted as rejected; the rest loads, and a replay changes nothing."""
    records: list[Any] = [narrow(name, **changes) for name, (_, changes) in REFUSED.items()]
    records += [narrow(name, **changes) for name, changes in TAKEN.items()]
    with opened(tmp_path / "home", NARROW, pii="keep") as home:
        result = load_into(home, write(tmp_path / "in" / "a", *records), obj=NARROW)
        assert (result.counts.inserted, result.counts.rejected) == (len(TAKEN), len(REFUSED))
        assert [row["id"] for row in table(home, NARROW)] == sorted(TAKEN)
        found = letters(home, NARROW)
        assert sorted(one.reason for one in found) == sorted(reason for reason, _ in REFUSED.values())
        assert all("column" in one.detail for one in found)
        assert select_refused(home, NARROW, flat_rows(NARROW), found) == len(REFUSED)
        assert b'"id"' in row_text(home, NARROW, found[0])
        before, counts = table(home, NARROW), totals(home, NARROW)
        replay(home, NARROW, found)
        assert totals(home, NARROW) == counts
        assert [one.replays for one in letters(home, NARROW)] == [1] * len(REFUSED)
        rebuild(home, NARROW)
        assert table(home, NARROW) == before
        assert load_into(home, tmp_path / "in", obj=NARROW).counts.read == 0


@pytest.mark.parametrize("each_target", SERVERS, indirect=True)
def test_a_refused_row_lands_once_the_server_takes_it(
    tmp_path: Path, each_target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a limit is gone, replay merges the lake's row; the account says inserted and no longer rejected."""
    from dataclasses import replace

    from trunkline.warehouse.postgres import warehouse as postgres
    from trunkline.warehouse.redshift import loading as redshift

    with opened(tmp_path / "home", NARROW) as home:
        with monkeypatch.context() as patch:
            patch.setattr(postgres, "POSTGRES", replace(postgres.POSTGRES, key_bytes_max=4))
            patch.setattr(redshift, "REDSHIFT", replace(redshift.REDSHIFT, key_bytes_max=4))
            result = load_into(home, write(tmp_path / "in" / "a", narrow("fine"), narrow("too long")), obj=NARROW)
        assert (result.counts.inserted, result.counts.rejected) == (1, 1)
        (letter,) = letters(home, NARROW)
        assert letter.reason == "refused_length"
        replay(home, NARROW, [letter])
        assert [row["id"] for row in table(home, NARROW)] == ["fine", "too long"]
        assert letters(home, NARROW) == []
        assert (totals(home, NARROW).read, totals(home, NARROW).inserted, totals(home, NARROW).rejected) == (2, 2, 0)
        assert lake_best(home, NARROW) == table(home, NARROW)
