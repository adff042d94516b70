"""Engines: type names, lengths of text, and the error for an unknown name."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot

from trunkline.engines import athena
from trunkline.engines.catalogue import ENGINES, find
from trunkline.engines.model import quote_backtick, quote_double, text_bytes_of
from trunkline.errors import UsageError
from trunkline.limits import TEXT_BYTES_MAX
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Column, Field, Json, ListOf, MapOf, Struct, Type

NESTED = MapOf(Struct((Field("index", "Index", "integer"), Field("values", "Values", ListOf("timestamp")))))


def _column(type_: Type, name: str = "x", length_max: int | None = None) -> Column:
    return Column(name, type_, None, "A column.", length_max=length_max)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("text", ("VARCHAR", "text", "VARCHAR(65535)", "string")),
        ("integer", ("INTEGER", "integer", "INTEGER", "int")),
        ("decimal", ("DECIMAL(38,20)", "numeric(38,20)", "DECIMAL(38,20)", "decimal(38,20)")),
        ("double", ("DOUBLE", "double precision", "DOUBLE PRECISION", "double")),
        ("timestamp", ("TIMESTAMP", "timestamp", "TIMESTAMP", "timestamp")),
        (Json(), ("VARCHAR", "jsonb", "SUPER", "string")),
        (ListOf("text"), ("VARCHAR[]", "jsonb", "SUPER", "array<string>")),
        (
            NESTED,
            (
                'MAP(VARCHAR, STRUCT("index" INTEGER, "values" TIMESTAMP[]))',
                "jsonb",
                "SUPER",
                "map<string,struct<index:int,values:array<timestamp>>>",
            ),
        ),
    ],
)
def test_each_engine_names_each_type(type_: Type, expected: tuple[str, ...]) -> None:
    """A type has one name per engine: nested ones are native in DuckDB and Athena, jsonb and SUPER elsewhere."""
    assert tuple(engine.type_of(_column(type_)) for engine in ENGINES.values()) == expected


def test_trino_names_are_types_that_trino_has() -> None:
    """A cast in a query needs Trino's names, not Hive's, and members of a row are quoted."""
    name = athena.trino_type(NESTED)
    assert name == 'map(varchar, row("index" integer, "values" array(timestamp(6))))'
    sqlglot.parse_one(f"SELECT CAST(x AS {name})", dialect="trino")


def test_redshift_text_has_the_published_length() -> None:
    """The declared length, else the length that the name suggests, else Redshift's maximum; all in bytes."""
    lengths = {name: text_bytes_of(_column("text", name)) for name in ("queue_arn", "contact_id", "queue_name", "note")}
    assert lengths == {"queue_arn": 2048, "contact_id": 512, "queue_name": 1024, "note": TEXT_BYTES_MAX}
    assert text_bytes_of(_column("text", "contact_id", 36)) == 36
    # Connect API: 256 characters of 4 bytes.
    assert text_bytes_of(_column("text", "customer_endpoint_display_name")) >= 256 * 4
    assert text_bytes_of(_column("text", "channel")) == 256


def test_redshift_refuses_a_longer_varchar() -> None:
    """A length above Redshift's maximum is an error that names the column, before any DDL runs."""
    with pytest.raises(ValueError, match="column x: length_max 65536 is outside 1 to 65535 bytes"):
        find("redshift").type_of(_column("text", length_max=65_536))


def test_every_name_of_the_catalogue_fits_every_engine() -> None:
    """No engine cuts or folds a name: lower case, and shorter than the shortest limit."""
    names = [column.name for column in CONTACT_RECORD.columns]
    shortest = min(engine.identifier_bytes_max or 10_000 for engine in ENGINES.values())
    assert shortest == 63
    assert [name for name in names if name != name.lower() or len(name.encode()) > shortest] == []


def test_a_quote_in_a_name_stays_a_name() -> None:
    """Quoting doubles the quote; U+0000 is refused, and DuckDB agrees with the result."""
    name = 'a"b`c'
    assert quote_double(name) == '"a""b`c"'
    assert quote_backtick(name) == '`a"b``c`'
    with duckdb.connect() as db:
        assert db.execute(f"SELECT 1 AS {quote_double(name)}").description[0][0] == name
    for quote in (quote_double, quote_backtick):
        with pytest.raises(ValueError, match="U\\+0000"):
            quote("a\x00")


def test_an_unknown_engine_names_the_known_ones() -> None:
    """An unknown engine is a usage error that lists the valid names."""
    with pytest.raises(UsageError, match="no engine 'oracle'; engines are duckdb, postgres, redshift, athena"):
        find("oracle")


def test_every_refusal_has_an_alternative_and_a_source() -> None:
    """A refusal is useful only with a workaround and where it is documented."""
    refusals = [refusal for engine in ENGINES.values() for refusal in engine.refuses]
    assert len(refusals) > 8
    assert all(refusal.what and refusal.instead and refusal.source for refusal in refusals)
