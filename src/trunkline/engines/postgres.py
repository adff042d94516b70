"""PostgreSQL: nested values and JSON as `jsonb`, text without a length.

`jsonb` keeps a JSON value, not its text: keys come back in its own order, so canonical text is compared before it is
stored, by `record_hash`, never after. A JSON string with an escaped U+0000 is refused as U+0000 itself is.
"""

from __future__ import annotations

from trunkline.engines.model import (
    Engine,
    Procedures,
    Refusal,
    RoleRules,
    Spelling,
    TableRules,
    Unnested,
    fraction,
    numbered_placeholder,
    quote_double,
    text_literal,
)
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, ListOf
from trunkline.objects.view import MemberLeaf, Members

SCALARS = {
    "text": "text",
    "bigint": "bigint",
    "integer": "integer",
    "double": "double precision",
    "decimal": f"numeric({DECIMAL_DIGITS},{DECIMAL_SCALE})",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}

MANUAL = "PostgreSQL manual"


def type_of(column: Column) -> str:
    """PostgreSQL's name of a column's type."""
    if column.type == "decimal":
        return f"numeric({DECIMAL_DIGITS},{column.decimal_scale})"
    return SCALARS[column.type] if isinstance(column.type, str) else "jsonb"


PROCEDURES = Procedures(
    lock_mode=" IN SHARE ROW EXCLUSIVE MODE",
    lock_note="Readers go on; a second loader waits here.",
    text_type="TEXT",
    result="INOUT BIGINT DEFAULT NULL",
    utc_now="TIMEZONE('UTC', NOW())",
    temporary_schema="pg_temp.",
    has_upsert=True,
    # A batch's keys are counted in memory, and 170 columns take long to compile.
    settings="SET work_mem = '64MB'\nSET jit = off",
)


def _bucket(instant: str, local: str, width_s: int) -> str:
    # date_bin is exact, where intervals made from seconds go through a float.
    origin = "TIMESTAMP '2000-01-01 00:00:00'"
    return f"{instant} - ({local} - date_bin(INTERVAL '{width_s} seconds', {local}, {origin}))"


def _member(leaf: MemberLeaf) -> str:
    """The operators from a member of a list to a value in it: a list as JSON, a scalar as its type."""
    *outer, last = (text_literal(name) for name in leaf.path)
    steps = " ".join(f"-> {name}" for name in outer)
    item = f'u."item" {steps} ' if steps else 'u."item" '
    if isinstance(leaf.type, ListOf):
        return f"{item}-> {last}"
    return f"CAST({item}->> {last} AS {SCALARS[leaf.type]})"


def _unnest(members: Members, column: str) -> Unnested:
    fields = tuple(f"{_member(leaf)} AS {quote_double(leaf.name)}" for leaf in members.leaves)
    return Unnested(fields, f'CROSS JOIN LATERAL jsonb_array_elements({column}) AS u("item")')


def _create_role(role: str) -> str:
    return (
        f"DO $$\nBEGIN\n  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = {text_literal(role)}) THEN\n"
        f"    CREATE ROLE {quote_double(role)};\n  END IF;\nEND;\n$$"
    )


SPELLING = Spelling(
    types={
        "string": "TEXT",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "decimal": f"NUMERIC({DECIMAL_DIGITS},{DECIMAL_SCALE})",
        "bigint": "BIGINT",
        "double": "DOUBLE PRECISION",
        "boolean": "BOOLEAN",
        "array(string)": "JSONB",
    },
    ms_between=lambda start, end: f"CAST(TRUNC(EXTRACT(EPOCH FROM ({end} - {start})) * 1000) AS BIGINT)",
    local=lambda instant, zone: f"timezone('{zone}', timezone('UTC', {instant}))",
    utc=lambda local, zone: f"timezone('UTC', timezone('{zone}', {local}))",
    bucket=_bucket,
    md5=lambda text: f"md5({text})",
    by_code_point=lambda text: f'{text} COLLATE "C"',
    placeholder=numbered_placeholder,
    percentile=lambda value, percent, rank, count: (
        f"percentile_disc({fraction(percent)}) WITHIN GROUP (ORDER BY {value})"
    ),
    nested_as_text=lambda type_, value: f"CAST({value} AS TEXT)",
    unnest=_unnest,
    map_value=lambda map_, key: f"({map_} ->> {key})",
)

POSTGRES = Engine(
    name="postgres",
    type_of=type_of,
    quote=quote_double,
    spelling=SPELLING,
    tables=TableRules(has_primary_keys=True, has_indexes=True, converts_in_place=True, relaxes_in_place=True),
    roles=RoleRules(create=_create_role, grants_columns=True),
    text_bytes_max=1024**3 - 1,  # manual 8.3: the longest string is about 1 GB
    statement_bytes_max=1024**3 - 1,  # a message of the wire protocol is below 1 GB
    refuses_nul=True,  # manual 8.3: the character with code zero cannot be stored
    key_bytes_max=2_600,  # manual 64.1: a B-tree entry has at most a third of a page, 2,704 bytes with its header
    json_exponent_max=16_000,  # manual 8.1.2: a numeric has up to 16,383 digits after the point
    identifier_bytes_max=63,  # manual 4.1.1: NAMEDATALEN is 64; longer names are cut without an error
    procedures=PROCEDURES,
    refuses=(
        Refusal("U+0000 in text, and escaped in jsonb", "a dead letter of this target", f"{MANUAL} 8.3, 8.14"),
        Refusal("maps, and arrays of structs", "jsonb", f"{MANUAL} 8.14"),
        Refusal(
            "dropping or moving a column by CREATE OR REPLACE VIEW", "new columns at the end", f"{MANUAL}, CREATE VIEW"
        ),
    ),
)
