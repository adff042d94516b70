"""No generated statement has what Redshift refuses, and the check that says so finds each of these things."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import redshift_rules as rules

from trunkline.engines.catalogue import find
from trunkline.objects.catalogue import load
from trunkline.objects.ledger import LEDGER_TABLES
from trunkline.objects.model import Object
from trunkline.sql.ddl import create_staging, ledger_statements, warehouse_statements
from trunkline.sql.grants import grant_statements, role_statements
from trunkline.sql.merge import redshift_load as load_sql
from trunkline.sql.merge.plpgsql import lock_statement
from trunkline.sql.merge.procedures import procedure_statements
from trunkline.sql.star import analysis_statements

ROOT = Path(__file__).parents[2]
REDSHIFT = find("redshift")
OBJECTS = load([ROOT / "examples" / "objects.toml"])


def procedure(body: str, arguments: str = "a IN BIGINT") -> str:
    return f'CREATE OR REPLACE PROCEDURE "s"."p" (\n  {arguments}\n) AS $$\nBEGIN\n{body}\nEND;\n$$ LANGUAGE plpgsql'


PLANTED = {
    "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING": ["on_conflict"],
    "INSERT INTO t (a) VALUES (1) RETURNING a": ["returning"],
    'CREATE INDEX IF NOT EXISTS "i" ON "t" ("a")': ["index"],
    "CREATE SEQUENCE s": ["sequence"],
    "CREATE TRIGGER g AFTER INSERT ON t EXECUTE PROCEDURE p()": ["trigger"],
    'CREATE ROLE IF NOT EXISTS "r"': ["create_role_if"],
    'CREATE TABLE "t" ("a" JSONB)': ["type"],
    'CREATE TABLE "t" ("a" json)': ["type"],
    'CREATE TABLE "t" ("a" UUID)': ["type"],
    'CREATE TABLE "t" ("a" BIGSERIAL)': ["type"],
    'CREATE TABLE "t" ("a" BIGINT[])': ["type"],
    'CREATE TABLE "t" ("a" TEXT)': ["type"],
    'SELECT ARRAY[1, 2] AS "a"': ["type"],
    'CREATE TABLE "t" ("a" BIGINT, PRIMARY KEY ("a"))': ["enforced_key"],
    'CREATE TABLE "t" ("a" VARCHAR(65536))': ["varchar_bytes"],
    'CREATE TABLE "t" ("a" VARCHAR(MAX))': ["varchar_bytes"],
    'CREATE TABLE "t" ("a" VARCHAR)': ["varchar_length"],
    'CREATE TABLE "t" ("a" BIGINT)\nDISTKEY ("a", "b")': ["distkey"],
    'CREATE TABLE "t" (\n  references VARCHAR(10)\n)': ["reserved_word"],
    "SELECT s.user FROM t AS s": ["reserved_word"],
    'SELECT 1 AS "ContactId"': ["upper_case_name"],
    f'SELECT 1 AS "{"a" * 128}"': ["identifier_bytes"],
    f"SELECT '{'é' * 100_000}'": ["statement_bytes"],
    "MERGE INTO t USING s ON t.k = s.k WHEN MATCHED AND s.v > t.v THEN UPDATE SET v = s.v": ["when_matched_and"],
    "MERGE INTO t USING s ON t.k = s.k WHEN NOT MATCHED BY SOURCE THEN DELETE": ["not_matched_by"],
    "MERGE INTO t AS x USING s ON x.k = s.k WHEN MATCHED THEN DELETE": ["merge_target_alias"],
    "WITH s AS (SELECT 1 AS k) MERGE INTO t USING s ON t.k = s.k WHEN MATCHED THEN DELETE": ["merge_with"],
    "DELETE FROM t AS x USING s WHERE x.k = s.k": ["delete_target_alias"],
    "SELECT COUNT(*) FILTER (WHERE a) FROM t": ["filter"],
    "DO $$ BEGIN END $$": ["do_block"],
    "SELECT DISTINCT ON (a) a, b FROM t": ["distinct_on"],
    "SELECT n FROM GENERATE_SERIES(1, 9) AS n": ["lateral"],
    "CREATE TEMP VIEW v AS SELECT 1 AS a": ["temp_view"],
    "LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE": ["lock_mode"],
    "SELECT 1 FROM t WHERE ROW(a, b) > ROW(c, d)": ["row_compare"],
    "SELECT a FROM (VALUES (1)) AS v": ["values_list"],
    "SELECT ctid FROM t": ["system_column"],
    "SELECT jsonb_agg(a) FROM t": ["array_function"],
    procedure("  TRUNCATE t;"): ["truncate"],
    procedure("  DELETE FROM t;\n  COMMIT;"): ["commit"],
    procedure("  EXECUTE 'TRUNCATE ' || quote_ident(a);"): ["truncate"],
    procedure("  EXECUTE 'INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING';"): ["on_conflict"],
    procedure("  VACUUM t;"): ["vacuum"],
    procedure("  PREPARE x AS SELECT 1;"): ["prepared"],
    procedure("  EXECUTE FORMAT('SELECT %I', a);"): ["format"],
    procedure("  a := 1;", "a INOUT BIGINT DEFAULT NULL"): ["default_argument"],
    procedure("  a1 := 1;", ", ".join(f"a{n} IN BIGINT" for n in range(33))): ["arguments"],
}


def load_statements(obj: Object) -> list[str]:
    """What a load of the object sends beside values."""
    found = [load_sql.lock(obj), load_sql.call(obj, 1, "0" * 32), load_sql.count_batches(obj)]
    for format_ in ("parquet", "json"):
        files = load_sql.Files("s3://bucket/prefix/1/rows.manifest", "arn:aws:iam::111122223333:role/Copy", format_)
        found += [
            load_sql.create_values(),
            load_sql.value_at(0, 1, 9)[1:-1],
            load_sql.create_raw(obj, format_),
            load_sql.copy(load_sql.raw_table(obj), load_sql.raw_columns(obj), files),
            load_sql.take_batch(obj, 1, "0" * 32, format_),
            *load_sql.replace_all(obj, format_),
            *load_sql.replace_some(obj, format_, "f" * 32, "0" * 32),
        ]
    for table in LEDGER_TABLES:
        better = ("next_offset", "is_complete") if table.name == "ledger.position" else ()
        found += [load_sql.create_staged(table), *load_sql.put_statements(table, better)]
    return [*found, *ledger_statements(LEDGER_TABLES, REDSHIFT)]


OF_ALL = "roles, grants and views"


@cache
def statements_of(name: str) -> tuple[str, ...]:
    """The statements that are generated for Redshift for an object, or with OF_ALL for all of them together."""
    if name == OF_ALL:
        views = analysis_statements(OBJECTS.values(), REDSHIFT)
        return *role_statements(REDSHIFT), *grant_statements(OBJECTS.values(), REDSHIFT), *views
    obj = OBJECTS[name]
    return (
        *warehouse_statements(obj, REDSHIFT),
        *procedure_statements(obj, REDSHIFT),
        create_staging(obj, REDSHIFT, f"{obj.warehouse_table}_run_1"),
        lock_statement(obj, REDSHIFT),
        *load_statements(obj),
    )


@pytest.mark.parametrize("name", [*OBJECTS, OF_ALL])
def test_generated_statements_keep_every_rule(name: str) -> None:
    """Tables, views, procedures, roles and grants hold nothing that Redshift refuses, users' objects included."""
    assert statements_of(name)
    broken = {statement: rules.violations(statement) for statement in statements_of(name)}
    assert {statement: names for statement, names in broken.items() if names} == {}


@pytest.mark.parametrize("path", sorted((ROOT / "sql/redshift").rglob("*.sql")), ids=lambda path: path.name)
def test_generated_files_keep_every_rule(path: Path) -> None:
    """A file for Redshift is statements that were checked above, or that keep the rules too."""
    left = path.read_text()
    for name in (*OBJECTS, OF_ALL):
        for statement in statements_of(name):
            left = left.replace(statement + ";", "")
    others = [text for text in re.sub(r"(?m)^--[^\n]*$", "", left).split(";") if text.strip()]
    assert [rules.violations(text) for text in others] == [[]] * len(others)
    assert "PROCEDURE" not in left, "a procedure's own semicolons would cut it"


@pytest.mark.parametrize("path", sorted((ROOT / "tests/golden").rglob("*.redshift.sql")), ids=lambda path: path.stem)
def test_golden_queries_keep_every_rule(path: Path) -> None:
    """Metric queries and views as they were reviewed."""
    assert rules.violations(path.read_text()) == []


@pytest.mark.parametrize("statement", PLANTED, ids=lambda text: " ".join(text.split())[:60])
def test_planted_violations_are_found(statement: str) -> None:
    """The check finds what it is for, and only that."""
    assert rules.violations(statement) == PLANTED[statement]


def test_every_rule_has_a_planted_violation() -> None:
    """No rule stands that has never found anything."""
    planted = {name for names in PLANTED.values() for name in names}
    assert {*rules.ANYWHERE, *rules.IN_PROCEDURES} <= planted


def test_text_and_comments_are_no_code() -> None:
    """Words in a comment, a text or a quoted name break no rule."""
    statement = 'SELECT \'TRUNCATE; ON CONFLICT\' AS "references" -- RETURNING JSONB, it\'s\n/* COMMIT */ FROM "t"'
    assert rules.violations(statement) == []
    assert rules.violations(procedure("  -- no COMMIT and no TRUNCATE, the caller's\n  a := 1;")) == []


def test_procedures_lock_first_and_nest_as_redshift_allows() -> None:
    """The lock comes before any query, and an inner procedure has INOUT arguments only."""
    for obj in OBJECTS.values():
        statements = procedure_statements(obj, REDSHIFT)
        assert rules.nested_out(statements) == []
        assert [rules.unlocked(statement) for statement in statements] == [False] * 4
    inner = procedure("  a := 1;", "a OUT BIGINT")
    outer = procedure('  CALL "s"."p"(a);').replace('"s"."p" (', '"s"."q" (')
    assert rules.nested_out([inner, outer]) == ['"s"."p"']
    assert rules.unlocked(procedure("  DELETE FROM t;\n  LOCK TABLE t;"))
