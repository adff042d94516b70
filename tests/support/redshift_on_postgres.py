"""Redshift's SQL in a PostgreSQL: what the two spell differently, translated, so that generated text can be run.

It assumes that everything else means the same in both. What it cannot show: Redshift's snapshot isolation, its rule
that trailing blanks do not count in a comparison, and that a bound on the sort key saves reading.
"""

from __future__ import annotations

import re

FUNCTIONS = (
    "CREATE OR REPLACE FUNCTION public.redshift_json_text(jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1::text'",
    "CREATE OR REPLACE FUNCTION public.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$SELECT date_trunc('second', timezone('UTC', now()))$$",
    """CREATE OR REPLACE FUNCTION public.redshift_datediff_ms(timestamp, timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$SELECT (extract(epoch FROM date_trunc('milliseconds', $2) - date_trunc('milliseconds', $1)) * 1000)::bigint$$""",
    """CREATE OR REPLACE FUNCTION public.redshift_datediff_s(timestamp, timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$SELECT extract(epoch FROM date_trunc('second', $2) - date_trunc('second', $1))::bigint$$""",
    """CREATE OR REPLACE FUNCTION public.redshift_dateadd_s(bigint, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE
    AS $$SELECT $2 + $1 * interval '1 second'$$""",
    """CREATE OR REPLACE FUNCTION public.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE
    AS $$SELECT $3 AT TIME ZONE $1 AT TIME ZONE $2$$""",
    # An empty text where there is no such key, as Redshift has it.
    """CREATE OR REPLACE FUNCTION public.json_extract_path_text(text, text) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$SELECT CASE WHEN $1 IS NOT NULL THEN COALESCE($1::json ->> $2, '') END$$""",
    "CREATE OR REPLACE FUNCTION public.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT $1::jsonb'",
)
"""Redshift's functions that PostgreSQL lacks; create them once in a database."""

_SPELLINGS = (
    (r"\bJSON_SERIALIZE\(", "public.redshift_json_text("),  # PostgreSQL's own takes no jsonb
    (r"\bSUPER\b", "jsonb"),
    (r"\bDATEDIFF\(millisecond, ", "public.redshift_datediff_ms("),
    (r"\bDATEDIFF\(second, ", "public.redshift_datediff_s("),
    (r"\bDATEADD\(second, ", "public.redshift_dateadd_s("),
    (r"\bIDENTITY\(1, 1\)", "GENERATED ALWAYS AS IDENTITY"),
    (r"\nDISTSTYLE KEY\nDISTKEY \([^)]*\)\nSORTKEY \([^)]*\)", ""),
    (r" DISTKEY \([^)]*\)", ""),
    (r"\bJSON_PARSE\(", "public.json_parse("),
    (r"\nWITH NO SCHEMA BINDING", ""),
    # Views that are bound: those that read one go with it, and are made anew behind it.
    (r"^(DROP VIEW IF EXISTS [^;]*)$", r"\1 CASCADE"),
    (r" TO (ROLE|GROUP) ", " TO "),
    # A FROM may go on with a path into a SUPER; its members' fields are columns.
    (r", (t\.\"\w+\") AS u\b", r'CROSS JOIN LATERAL jsonb_array_elements(\1) AS u("item")'),
    (r"CAST\(u\.\"(\w+)\" AS", r"""CAST(u."item" ->> '\1' AS"""),
    (r"CAST\(u\.\"(\w+)\"\.\"(\w+)\" AS", r"""CAST(u."item" -> '\1' ->> '\2' AS"""),
    (r"\bu\.\"(?!item\")(\w+)\" AS", r"""u."item" -> '\1' AS"""),  # a list within a member stays SUPER
)


_CALL = re.compile(r'CALL ("?\w+"?\."?insert_new_\w+"?)\((.*)\)', re.DOTALL)
_TEXT_COLUMN = re.compile(r'^(\s+("\w+") VARCHAR\((\d+)\)(?: NOT NULL)?)', re.MULTILINE)


def translated(statement: str) -> str:
    """A generated Redshift statement as PostgreSQL reads it."""
    for pattern, spelling in _SPELLINGS:
        statement = re.sub(pattern, spelling, statement)
    if re.match(r"CREATE (TEMP )?TABLE [^(]*\(", statement):  # a length is in bytes there
        statement = _TEXT_COLUMN.sub(r"\1 CHECK (octet_length(\2) <= \3)", statement)
    if found := _CALL.fullmatch(statement.strip()):
        statement = f"CALL {found[1]}({', '.join([*([found[2]] if found[2] else []), *['NULL'] * 5])})"
    return statement


def call(procedure: str, *arguments: str) -> str:
    """CALL of a procedure with OUT arguments: Redshift names the inputs alone, PostgreSQL wants a place for each."""
    schema, name = procedure.split(".")
    inputs = ["'" + argument.replace("'", "''") + "'" for argument in arguments]
    return f'CALL "{schema}"."{name}"({", ".join([*inputs, *["NULL"] * 5])})'
