"""Amazon Redshift: nested values and JSON as `SUPER`, text as VARCHAR with a length in bytes.

Redshift declares keys but does not enforce them, and its planner trusts them, so no key is declared.
"""

from __future__ import annotations

import re
from typing import Final

from trunkline.engines.model import (
    Engine,
    Procedures,
    Refusal,
    RoleRules,
    Spelling,
    TableRules,
    Unnested,
    quote_double,
    text_bytes_of,
)
from trunkline.limits import DATA_API_STATEMENT_BYTES_MAX, NESTED_BYTES_MAX, TEXT_BYTES_MAX
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column, ListOf
from trunkline.objects.view import MemberLeaf, Members

SCALARS = {
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "double": "DOUBLE PRECISION",
    "decimal": f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}

GUIDE = "Amazon Redshift database developer guide"
RESERVED_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between "
        "binary blanksasnull both bytedict bzip2 case cast check collate column constraint create credentials "
        "cross current_date current_time current_timestamp current_user current_user_id default deferrable deflate "
        "defrag delta delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end "
        "except explicit false for foreign freeze from full globaldict256 globaldict64k grant group gzip having "
        "identity ignore ilike in initially inner intersect interval into is isnull join leading left like limit "
        "localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null "
        "nulls off offline offset oid old on only open or order outer overlaps parallel partition percent "
        "permissions pivot placing primary raw readratio recover references rejectlog resort respect restore right "
        "select session_user similar snapshot some sysdate system table tag tdes text255 text32k then timestamp to "
        "top trailing true truncatecolumns type union unique unnest unpivot user using verbose wallet when where "
        "with without",
    )
)
"""Names that have to be quoted (database developer guide, "Reserved words")."""


def type_of(column: Column) -> str:
    """Redshift's name of a column's type; raises ValueError for a text longer than a VARCHAR can be."""
    if not isinstance(column.type, str):
        return "SUPER"
    if column.type == "decimal":
        return f"DECIMAL({DECIMAL_DIGITS},{column.decimal_scale})"
    if column.type != "text":
        return SCALARS[column.type]
    length = text_bytes_of(column)
    if not 1 <= length <= TEXT_BYTES_MAX:
        raise ValueError(f"column {column.name}: length_max {length} is outside 1 to {TEXT_BYTES_MAX} bytes")
    return f"VARCHAR({length})"


def column_bytes_max(column: Column) -> int:
    """The longest value of a column in bytes of its text."""
    return text_bytes_of(column) if column.type == "text" else NESTED_BYTES_MAX


PROCEDURES = Procedures(
    lock_mode="",  # Redshift has one mode, in which readers wait
    lock_note=(
        "Under snapshot isolation two loaders would both\n"
        "  -- insert a new key. A transaction that reads or copies before this call must lock before that."
    ),
    text_type="VARCHAR(512)",
    result="OUT BIGINT",
    utc_now="GETDATE()",  # sessions are in UTC unless somebody sets a time zone, and GETDATE has none
)


def _storage(key: str, partition: str) -> str:
    # One key column at most: Redshift takes no more. Merges join on it, so that matching rows are on one slice.
    # Encodings are not named: only then is ENCODE AUTO in force, and Redshift chooses and changes them itself.
    return f"\nDISTSTYLE KEY\nDISTKEY ({key})\nSORTKEY ({partition})"


def _bucket(instant: str, local: str, width_s: int) -> str:
    # Every zone is whole seconds from UTC, so wall clock and instant have the same fraction of a second.
    past = f"DATEDIFF(second, DATE_TRUNC('day', {local}), {local}) % {width_s}"
    return f"DATEADD(second, -({past}), DATE_TRUNC('second', {instant}))"


def _percentile(value: str, percent: int, rank: str, count: str) -> str:
    # PERCENTILE_DISC is a window function only, and the aggregate approximate: ranks are compared in whole numbers.
    return f"MIN(CASE WHEN {rank} * 100 >= {count} * {percent} THEN {value} END)"


def _unnest(members: Members, column: str) -> Unnested:
    types = SCALARS | {"text": f"VARCHAR({TEXT_BYTES_MAX})"}

    def field(leaf: MemberLeaf) -> str:
        value = f"u.{'.'.join(quote_double(name) for name in leaf.path)}"
        typed = value if isinstance(leaf.type, ListOf) else f"CAST({value} AS {types[leaf.type]})"
        return f"{typed} AS {quote_double(leaf.name)}"

    return Unnested(tuple(map(field, members.leaves)), f", {column} AS u")


SPELLING = Spelling(
    types={
        "string": f"VARCHAR({TEXT_BYTES_MAX})",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "bigint": "BIGINT",
        "decimal": f"NUMERIC({DECIMAL_DIGITS},{DECIMAL_SCALE})",
        "double": "DOUBLE PRECISION",
        "boolean": "BOOLEAN",
        "array(string)": "SUPER",
    },
    ms_between=lambda start, end: f"DATEDIFF(millisecond, {start}, {end})",
    local=lambda instant, zone: f"CONVERT_TIMEZONE('UTC', '{zone}', {instant})",
    utc=lambda local, zone: f"CONVERT_TIMEZONE('{zone}', 'UTC', {local})",
    bucket=_bucket,
    md5=lambda text: f"MD5({text})",
    by_code_point=lambda text: text,
    placeholder=lambda number, name: f":{name}",
    percentile=_percentile,
    percentile_needs_rank=True,
    nested_as_text=lambda type_, value: f"JSON_SERIALIZE({value})",
    unnest=_unnest,
    map_value=lambda map_, key: f"NULLIF(JSON_EXTRACT_PATH_TEXT(JSON_SERIALIZE({map_}), {key}), '')",
)

REDSHIFT = Engine(
    name="redshift",
    type_of=type_of,
    quote=quote_double,
    spelling=SPELLING,
    # A bound view would keep the table's columns from being widened.
    tables=TableRules(storage=_storage, view_tail="\nWITH NO SCHEMA BINDING"),
    roles=RoleRules(
        create=lambda role: f"CREATE ROLE {quote_double(role)}",
        note="Run once: Redshift has no CREATE ROLE IF NOT EXISTS.",
        prefix="ROLE ",
    ),
    text_bytes_max=TEXT_BYTES_MAX,  # in bytes, not characters
    statement_bytes_max=DATA_API_STATEMENT_BYTES_MAX,  # 16 MB on a direct connection
    column_bytes_max=column_bytes_max,
    json_exponent_max=307,  # a number inside SUPER is an integer, a decimal or a double (SUPER type)
    refuses_nul=True,
    identifier_bytes_max=127,
    procedures=PROCEDURES,
    refuses=(
        Refusal("U+0000 in text", "a dead letter of this target", f"{GUIDE}, COPY"),
        Refusal(
            "enforced keys; the planner trusts declared ones",
            "no key declared, the merge keeps one row per key",
            f"{GUIDE}, CREATE TABLE",
        ),
        Refusal("arrays, maps, JSON and JSONB types", "SUPER", f"{GUIDE}, unsupported PostgreSQL data types"),
        Refusal("SUPER as DISTKEY or SORTKEY", "scalar columns only", f"{GUIDE}, SUPER limitations"),
        Refusal("indexes, ON CONFLICT, WHEN MATCHED AND", "delete and insert", f"{GUIDE}, MERGE"),
        Refusal(
            "TRUNCATE and COMMIT inside a procedure's transaction", "DELETE FROM", f"{GUIDE}, managing transactions"
        ),
    ),
)
