"""What a target would refuse, found in the embedded engine before anything is staged.

One value that a server cannot store would fail the whole batch there. Such rows are found by the limits that its
engine declares: text too long in bytes, characters and numbers that it cannot store. The rest loads.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.engines.duckdb import DUCKDB
from trunkline.engines.model import Engine, text_literal
from trunkline.limits import RECORD_BYTES_MAX
from trunkline.objects.model import Column, Json, Object
from trunkline.sql.relation import BATCH_ID, Relation

# A text in JSON, so that digits in it are not taken for a number.
_STRINGS = r'"(\\.|[^"\\])*"'
# U+0000 escaped: an even number of backslashes before it would make it plain text.
_ESCAPED_NUL = r"(^|[^\\])(\\\\)*\\u0000"
# A number that may be out of range has an exponent of three digits, or very many digits.
_LARGE = "[0-9][eE][+-]?[0-9]{3}|[0-9]{300}"


def json_text(column: Column) -> str:
    """A nested or JSON column of a lake row as JSON text; NULL for NULL."""
    name = DUCKDB.quote(column.name)
    if isinstance(column.type, Json) and column.pii == "direct":
        # The rule for personal data has put a hash in the value's place: a text, and of 32 digits perhaps a number.
        return f"CASE WHEN regexp_full_match({name}, '[0-9a-f]{{32}}') THEN '\"' || {name} || '\"' ELSE {name} END"
    return name if isinstance(column.type, str | Json) else f"CAST(to_json({name}) AS VARCHAR)"


def suspects_sql(obj: Object, engine: Engine, source: Relation) -> str | None:
    """SELECT of the rowids of rows that the engine may refuse, cheap to plan and to run; None where it takes all.

    Every refused row is among them. A condition on each of some 150 columns takes a tenth of a second to plan, so
    that texts are looked through together.
    """
    texts = [DUCKDB.quote(column.name) for column in obj.columns if column.type == "text"]
    nested = [json_text(column) for column in obj.columns if not isinstance(column.type, str)]
    conditions = [
        f"strlen({value}) > {length_max}"
        for column in obj.columns
        if (length_max := _length_max(obj, engine, column)) is not None
        for value in [json_text(column)]
    ]
    if engine.refuses_nul:
        conditions.append(f"contains(concat_ws('', {', '.join(texts)}), chr(0))")
    pattern = "|".join(["u0000"] * engine.refuses_nul + [_LARGE] * (engine.json_exponent_max is not None))
    if nested and pattern:
        conditions.append(f"regexp_matches(concat_ws(' ', {', '.join(nested)}), '{pattern}')")
    return f"SELECT rowid FROM {source.sql} WHERE {' OR '.join(conditions)}" if conditions else None


def refusal_sql(obj: Object, engine: Engine, source: Relation) -> str:
    """SELECT of the rows of `source` that the engine refuses; $1 is the list of rowids to look at.

    Columns: the row's rowid, BATCH_ID, record_position, record_hash, record_arrived_at, reason, column's name, the
    value's length in bytes. A row is there once, for its first column that does not fit.
    """
    refusal = "\n".join(arm for column in obj.columns for arm in _arms(obj, engine, column))
    return (
        f"SELECT record_row, {BATCH_ID}, record_position, record_hash, record_arrived_at, record_refusal.reason, "
        f"record_refusal.name, record_refusal.length_bytes FROM (SELECT rowid AS record_row, {BATCH_ID}, "
        f"record_position, record_hash, record_arrived_at, CASE\n{refusal}\nEND AS record_refusal "
        f"FROM {source.sql} WHERE rowid IN (SELECT unnest($1::BIGINT[]))) WHERE record_refusal IS NOT NULL "
        "ORDER BY record_row"
    )


def _length_max(obj: Object, engine: Engine, column: Column) -> int | None:
    """The most bytes that a value may have; None where the type or the record's own limit keeps it below."""
    if isinstance(column.type, str) and column.type != "text":
        return None
    limits = [engine.value_bytes_max(column)]
    if column.name in obj.key and engine.key_bytes_max is not None:
        limits.append(engine.key_bytes_max // len(obj.key))
    return min((limit for limit in limits if limit is not None and limit < RECORD_BYTES_MAX), default=None)


def _arms(obj: Object, engine: Engine, column: Column) -> Iterator[str]:
    if isinstance(column.type, str) and column.type != "text":
        return
    value = json_text(column)
    length_max = _length_max(obj, engine, column)
    if length_max is not None:
        yield _arm(f"strlen({value}) > {length_max}", "refused_length", column, value)
    if engine.refuses_nul:
        is_text = column.type == "text"
        has_nul = f"contains({value}, chr(0))" if is_text else f"regexp_matches({value}, '{_ESCAPED_NUL}')"
        yield _arm(has_nul, "refused_character", column, value)
    if not isinstance(column.type, str) and engine.json_exponent_max is not None:
        bare = f"regexp_replace({value}, '{_STRINGS}', '', 'g')"
        exponents = f"regexp_extract_all({bare}, '[0-9][eE][+-]?([0-9]+)', 1)"
        powers = f"list_transform({exponents}, lambda d: coalesce(try_cast(d AS BIGINT), {2**62}))"
        digits = f"list_transform(regexp_extract_all({bare}, '[0-9]+'), lambda d: strlen(d))"
        largest = f"greatest(coalesce(list_max({powers}), 0), coalesce(list_max({digits}), 0))"
        yield _arm(f"{largest} > {engine.json_exponent_max}", "refused_number", column, value)


def _arm(condition: str, reason: str, column: Column, value: str) -> str:
    return (
        f"WHEN {condition} THEN {{'reason': '{reason}', 'name': {text_literal(column.name)}, "
        f"'length_bytes': strlen({value})}}"
    )
