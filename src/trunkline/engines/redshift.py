"""Amazon Redshift: nested values and JSON as `SUPER`, text as VARCHAR with a length in bytes.

Redshift declares keys but does not enforce them, and its planner trusts them, so no key is declared.
"""

from __future__ import annotations

from trunkline.engines.model import FREE_TEXT_BYTES, Engine, Procedures, Refusal, quote_double, text_bytes_of
from trunkline.limits import DATA_API_STATEMENT_BYTES_MAX
from trunkline.objects.model import DECIMAL_DIGITS, DECIMAL_SCALE, Column

SCALARS = {
    "bigint": "BIGINT",
    "integer": "INTEGER",
    "double": "DOUBLE PRECISION",
    "decimal": f"DECIMAL({DECIMAL_DIGITS},{DECIMAL_SCALE})",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
}

NESTED_BYTES_MAX = 1_000_000
"""Ours: a SUPER value may have 16 MB, but a row of COPY from JSON has at most 4 MB (COPY from JSON format)."""

GUIDE = "Amazon Redshift database developer guide"


def type_of(column: Column) -> str:
    """Redshift's name of a column's type; raises ValueError for a text longer than a VARCHAR can be."""
    if not isinstance(column.type, str):
        return "SUPER"
    if column.type != "text":
        return SCALARS[column.type]
    length = text_bytes_of(column)
    if not 1 <= length <= FREE_TEXT_BYTES:
        raise ValueError(f"column {column.name}: length_max {length} is outside 1 to {FREE_TEXT_BYTES} bytes")
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
    nested_text="JSON_SERIALIZE({})",
)

REDSHIFT = Engine(
    name="redshift",
    sqlglot="redshift",
    type_of=type_of,
    quote=quote_double,
    text_bytes_max=FREE_TEXT_BYTES,  # in bytes, not characters
    statement_bytes_max=DATA_API_STATEMENT_BYTES_MAX,  # 16 MB on a direct connection
    column_bytes_max=column_bytes_max,
    json_exponent_max=307,  # a number inside SUPER is an integer, a decimal or a double (SUPER type)
    refuses_nul=True,
    has_nested_types=False,
    identifier_bytes_max=127,
    procedures=PROCEDURES,
    refuses=(
        Refusal("U+0000 in text", "a dead letter of this target", f"{GUIDE}, COPY"),
        Refusal("enforced keys; the planner trusts declared ones", "no key declared, the merge keeps one row per key",
                f"{GUIDE}, CREATE TABLE"),
        Refusal("arrays, maps, JSON and JSONB types", "SUPER", f"{GUIDE}, unsupported PostgreSQL data types"),
        Refusal("SUPER as DISTKEY or SORTKEY", "scalar columns only", f"{GUIDE}, SUPER limitations"),
        Refusal("indexes, ON CONFLICT, WHEN MATCHED AND", "delete and insert", f"{GUIDE}, MERGE"),
        Refusal("TRUNCATE and COMMIT inside a procedure's transaction", "DELETE FROM",
                f"{GUIDE}, managing transactions"),
    ),
)  # fmt: skip
