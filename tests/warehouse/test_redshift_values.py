"""Every value arrives in Redshift as it left, whichever way it goes: bound, in Parquet, in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from homes import NARROW
from redshift_home import URL, Redshift, make_database, redshift_of
from redshift_merges import batch_id, hooks, row_of, warehouse_of, write_batch

from trunkline.objects.model import RECORD_COLUMNS, Column, Json, ListOf, MapOf, Object

WAYS = ("values", "files", "json")


def _column(name: str, type_: Any, **more: Any) -> Column:
    return Column(name, type_, (name,), f"{name}.", source="test", is_amazon=False, **more)


KINDS = Object(
    name="kinds", database="test", warehouse_table="connect.f_kinds", grain="One row per id.", key=("id",),
    version="changed_at", event_time="began_at", partition="began_at", delete_rule="Never.", anchor="id",
    columns=(
        _column("id", "text", nullable=False), _column("began_at", "timestamp"), _column("changed_at", "timestamp"),
        _column("words", "text", length_max=65_535), _column("whole", "bigint"), _column("small", "integer"),
        _column("real", "double"), _column("flag", "boolean"), _column("day", "date"), _column("user", "text"),
        _column("labels", MapOf("text")), _column("list", ListOf("text")), _column("anything", Json()),
        *RECORD_COLUMNS,
    ),
)  # fmt: skip

TEXTS = [
    "", " ", "a ", "100%_\\", "it's \"quoted\"; DROP TABLE x; --", ":p0 :name ::int $1 ? {x}", "NULL", "null", "\\N", "|",
    "tab\tline\nreturn\r", "é ü ß 漢字", "😀👩‍👩‍👧‍👦 \U0010ffff", "\u2028\u2029\ufeff", "\x7f\x01\x1f", "x" * 65_535, "漢" * 21_845,
    "🙂" * 16_383, "/* comment */ $$ quoted $$", "'; CALL connect.x(); '",
]  # fmt: skip
WHOLES = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
REALS = [0.0, -0.0, 0.1, 4.43, 1e-300, 1.7976931348623157e308, math.nan, math.inf, -math.inf, 5e-324, 1 / 3]
TIMES = [datetime(2010, 1, 1), datetime(2026, 3, 8, 7, 59, 59, 999_999), datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59),
         datetime(2026, 11, 1, 6, 30, 0, 1)]  # fmt: skip
JSONS = ['{"a":12345678901234567890123456789012345678,"b":[1.50,null,true,"\\\\u0041"]}', "[]", "{}", '"text"', "0.10000000000000000000000000000000000001",
         '{"Mixed Case":{"é😀":"%_"}}', "null", "[[[[]]]]"]  # fmt: skip


def rows_of() -> list[dict[str, Any]]:
    found = []
    for number in range(max(map(len, (TEXTS, WHOLES, REALS, TIMES, JSONS)))):
        text = TEXTS[number % len(TEXTS)]
        found.append(row_of(
            f"k{number:02}", KINDS, words=text, whole=WHOLES[number % len(WHOLES)],
            small=(-(2**31), 2**31 - 1, 0)[number % 3], real=REALS[number % len(REALS)], flag=(True, False, None)[number % 3],
            day=TIMES[number % len(TIMES)].date(), user="reserved", began_at=TIMES[number % len(TIMES)],
            changed_at=TIMES[number % len(TIMES)], labels={"key": text[:1000], "Key": "b"}, list=[text[:1000], None, ""],
            anything=JSONS[number % len(JSONS)], record_position=text[:1000],
        ))  # fmt: skip
    found.append(row_of("nothing", KINDS, began_at=None, changed_at=None))
    return found


@pytest.fixture(scope="module")
def server(postgres_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    with redshift_of(make_database(postgres_uri, "redshift_values")) as redshift:
        with warehouse_of(redshift, tmp_path_factory.mktemp("install")) as warehouse:
            warehouse.install([NARROW, KINDS], [])
        yield redshift


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, server: Redshift, monkeypatch: pytest.MonkeyPatch) -> str:
    for table in ("connect.f_narrow", "connect.f_kinds", "ledger.batch"):
        server.query(f"DELETE FROM {table} RETURNING 1")
    server.emulator.forget()
    if request.param != "values":
        monkeypatch.setattr("trunkline.warehouse.redshift.request.INSERT_ROWS_MAX", 0)
    return str(request.param)


def url_of(way: str) -> str:
    return URL + ("&format=json" if way == "json" else "")


def nested(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)


def same(held: Any, sent: Any) -> bool:
    if isinstance(sent, float):
        return (math.isnan(held) and math.isnan(sent)) or (
            held == sent and math.copysign(1, held) == math.copysign(1, sent)
        )
    return bool(held == sent)


def test_every_value_arrives_as_it_left(server: Redshift, tmp_path: Path, way: str) -> None:
    """Known flaw 20: quotes, marks of parameters, 4-byte signs, the longest texts, 38 digits, edges of numbers and
    times.
    """
    rows = rows_of()
    size = 4 if way == "values" else len(rows)
    for start in range(0, len(rows), size):
        name = f"{way} {start}"
        with warehouse_of(server, tmp_path / "scratch", url_of(way)) as warehouse:
            part = write_batch(tmp_path, name, rows[start : start + size], KINDS)
            warehouse.merge(KINDS, [part], hooks(KINDS, {batch_id(name): size}))
    names = [column.name for column in KINDS.columns]
    listed = ", ".join(f'"{c.name}"' + ("::text" if not isinstance(c.type, str) else "") for c in KINDS.columns)
    held = {row[0]: dict(zip(names, row, strict=True)) for row in server.query(f"SELECT {listed} FROM connect.f_kinds")}
    assert len(held) == len(rows)
    for row in rows:
        for column in KINDS.columns:
            got, sent = held[row["id"]][column.name], row[column.name]
            if isinstance(column.type, str):
                assert same(got, sent), (row["id"], column.name)
            else:
                wanted = nested(sent) if isinstance(column.type, Json) else sent
                assert nested(got) == wanted, (row["id"], column.name)
    copies = bool(server.copier.copied)
    assert copies == (way != "values") or way == "values"
    assert server.query("SELECT DISTINCT first_position FROM ledger.batch") == [("it's here: :p0 -- ''",)]
    assert server.staged() == []


def test_a_long_nested_value_goes_as_json(server: Redshift, tmp_path: Path) -> None:
    """Parquet's nested values go through a VARCHAR; one that does not fit makes the load stage JSON."""
    server.emulator.forget()
    long = {f"k{number}": "x" * 1_000 for number in range(200)}
    with warehouse_of(server, tmp_path / "scratch") as warehouse:
        part = write_batch(tmp_path, "long", [row_of("long", KINDS, anything=json.dumps(long))], KINDS)
        warehouse.merge(KINDS, [part], hooks(KINDS, {batch_id("long"): 1}))
    (statement,) = [
        sub.sql for one in server.emulator.committed for sub in one.subs if "COPY" in sub.sql and "f_kinds" in sub.sql
    ]
    assert "FORMAT AS JSON 'auto'" in statement
    assert [
        json.loads(text) for (text,) in server.query("SELECT anything::text FROM connect.f_kinds WHERE id = 'long'")
    ] == [long]
