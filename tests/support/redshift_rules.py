"""What Redshift refuses, as a check over the text of a statement. Each rule names the fact behind it.

A parser is no proof: sqlglot's Redshift dialect reads `WHEN MATCHED AND`, which Redshift does not. So the text itself is
searched, without comments and with texts and names set apart. In a procedure the texts are searched too: they are what
EXECUTE runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

STATEMENT_BYTES_MAX = 200_000
IDENTIFIER_BYTES_MAX = 127
VARCHAR_BYTES_MAX = 65_535
ARGUMENTS_MAX = 32

# Amazon Redshift database developer guide, reserved words.
_WORDS = """
aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary both
bytedict bzip2 case cast check collate column constraint create credentials cross current_date current_time
current_timestamp current_user current_user_id default deferrable deflate defrag delta delta32k desc disable distinct do
else emptyasnull enable encode encrypt encryption end except explicit false for foreign freeze from full globaldict256
globaldict64k grant group gzip having identity ignore ilike in initially inner intersect interval into is isnull join
leading left like limit localtime localtimestamp lun luns lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull
null nulls off offline offset oid old on only open or order outer overlaps parallel partition percent permissions pivot
placing primary raw readratio recover references respect rejectlog resort restore right select session_user similar snapshot
some sysdate system table tag tdes text255 text32k then timestamp to top trailing true truncatecolumns union unique unnest
unpivot user using verbose wallet when where with without
"""
RESERVED = frozenset(_WORDS.split())

TYPES = r"BIGINT|INTEGER|SMALLINT|BOOLEAN|TIMESTAMP|DATE|SUPER|DOUBLE PRECISION|VARCHAR|CHAR|DECIMAL"

ANYWHERE = {
    "on_conflict": r"\bON\s+CONFLICT\b",
    "returning": r"\bRETURNING\b",
    "index": r"\bCREATE\s+(UNIQUE\s+)?INDEX\b",
    "sequence": r"\b(CREATE\s+SEQUENCE|NEXTVAL)\b",
    "trigger": r"\bCREATE\s+(OR\s+REPLACE\s+)?TRIGGER\b",
    "type": r"\b(JSONB?|UUID|BYTEA|(SMALL|BIG)?SERIAL|MONEY|HSTORE|TEXT)\b|\bARRAY\s*\[|\w\s*\[\s*\]",
    "enforced_key": r"\b(PRIMARY\s+KEY|FOREIGN\s+KEY|UNIQUE\s*\()",
    "when_matched_and": r"\bWHEN\s+(NOT\s+)?MATCHED\s+AND\b",
    "not_matched_by": r"\bNOT\s+MATCHED\s+BY\b",
    "merge_target_alias": r"\bMERGE\s+INTO\s+[\w\".]+\s+(AS\s+)?(?!USING\b)[\w\"]+",
    "merge_with": r"\bWITH\b[^;]*\bMERGE\s+INTO\b",
    "delete_target_alias": r"\bDELETE\s+FROM\s+[\w\".]+\s+AS\b",
    "filter": r"\bFILTER\s*\(",
    "do_block": r"^\s*DO\b",
    "distinct_on": r"\bDISTINCT\s+ON\b",
    "lateral": r"\bLATERAL\b|\bGENERATE_SERIES\b|\bUNNEST\s*\(",
    "temp_view": r"\bTEMP(ORARY)?\s+VIEW\b",
    "lock_mode": r"\bLOCK\b[^;]*\bIN\b[^;]*\bMODE\b",
    "row_compare": r"\bROW\s*\(",
    "values_list": r"\bFROM\s*\(\s*VALUES\b",
    "system_column": r"\b(CTID|XMAX|XMIN)\b",
    "create_role_if": r"\bROLE\s+IF\s+NOT\s+EXISTS\b",
    "array_function": r"\b(ARRAY_AGG|JSONB?_\w+|TO_JSONB?)\s*\(",
}
IN_PROCEDURES = {
    "truncate": r"\bTRUNCATE\b",
    "commit": r"\b(COMMIT|ROLLBACK|SAVEPOINT|START\s+TRANSACTION)\b",
    "vacuum": r"\b(VACUUM|ALTER\s+TABLE\s+[\w\".]+\s+APPEND|CREATE\s+EXTERNAL\s+TABLE|(CREATE|DROP)\s+DATABASE)\b",
    "prepared": r"\bPREPARE\b|\bDEALLOCATE\b",
    "default_argument": r"\b(IN|OUT|INOUT)\s+[\w()]+\s+DEFAULT\b",
    "format": r"\bFORMAT\s*\(",
}
# Redshift's own: SUPER to text and back; and what COPY reads.
_ALLOWED = r"\bJSON_(SERIALIZE|PARSE|EXTRACT_PATH_TEXT)\s*(?=\()|\bFORMAT AS JSON\b"


@dataclass(frozen=True)
class Parts:
    """A statement taken apart: code with texts and names blanked, the quoted names, and the texts."""

    code: str
    names: tuple[str, ...]
    texts: tuple[str, ...]


_TOKEN = re.compile(r"""(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")""", re.DOTALL)


def parts(statement: str) -> Parts:
    names: list[str] = []
    texts: list[str] = []

    def blank(found: re.Match[str]) -> str:
        if found["comment"]:
            return " "
        if found["text"]:
            texts.append(found["text"][1:-1].replace("''", "'"))
            return "''"
        names.append(found["name"][1:-1].replace('""', '"'))
        return '"n"'

    return Parts(_TOKEN.sub(blank, statement), tuple(names), tuple(texts))


def violations(statement: str) -> list[str]:
    """The names of the rules that a statement breaks, each once, in alphabetical order; empty when it keeps them all."""
    found = set(_size(statement))
    is_procedure = re.match(r"(?:\s|--[^\n]*\n)*CREATE\s+(OR\s+REPLACE\s+)?PROCEDURE\b", statement, re.IGNORECASE)
    # A message is a text that nobody runs.
    pieces = [parts(re.sub(r"\bRAISE\s+\w+\s+'(?:[^']|'')*'", "RAISE", statement) if is_procedure else statement)]
    if is_procedure:
        pieces += [parts(text) for text in pieces[0].texts if re.search(r"\s", text)]
    rules = {**ANYWHERE, **IN_PROCEDURES} if is_procedure else ANYWHERE
    for piece in pieces:
        code = re.sub(_ALLOWED, "", piece.code, flags=re.IGNORECASE)
        found |= {name for name, pattern in rules.items() if re.search(pattern, code, re.IGNORECASE)}
        found |= set(_types(code)) | set(_names(piece, code))
    head = pieces[0].code.split("$$")[0]
    if is_procedure and len(re.findall(r",", head)) >= ARGUMENTS_MAX:
        found.add("arguments")
    return sorted(found)


def nested_out(statements: Iterable[str]) -> list[str]:
    """Procedures with OUT arguments that another one of the statements calls: an inner procedure takes INOUT only."""
    texts = [re.sub(r"--[^\n]*", "", statement).split("$$") for statement in statements if "PROCEDURE" in statement]
    called = {name for text in texts for name in re.findall(r"\bCALL\s+([\w\".]+)\s*\(", text[1])}
    heads = [re.search(r"PROCEDURE\s+([\w\".]+)\s*\((.*)\)", text[0], re.DOTALL) for text in texts]
    return [head[1] for head in heads if head and head[1] in called and re.search(r"\bOUT\b", head[2])]


def unlocked(statement: str) -> bool:
    """Whether a procedure reads or writes a table before it takes a lock: its snapshot would be older than the lock."""
    body = parts(statement).code.split("$$")[1]
    first = re.search(r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|EXECUTE|LOCK|CALL)\b", body, re.IGNORECASE)
    return first is not None and first[1].upper() not in ("LOCK", "CALL")


def _size(statement: str) -> list[str]:
    return ["statement_bytes"] if len(statement.encode()) >= STATEMENT_BYTES_MAX else []


def _types(code: str) -> list[str]:
    found = []
    for match in re.finditer(r"\bVARCHAR\b(?:\s*\(\s*(\w+)\s*\))?", code, re.IGNORECASE):
        if match[1] is None:
            found.append("varchar_length")  # 256 bytes then, and a longer value is cut or refused
        elif not match[1].isdigit() or not 1 <= int(match[1]) <= VARCHAR_BYTES_MAX:
            found.append("varchar_bytes")
    if re.search(r"\bDISTKEY\s*\([^)]*,", code, re.IGNORECASE):
        found.append("distkey")
    return found


def _names(piece: Parts, code: str) -> list[str]:
    found = []
    if any(name != name.lower() for name in piece.names):
        found.append("upper_case_name")
    if any(not 1 <= len(name.encode()) <= IDENTIFIER_BYTES_MAX for name in piece.names):
        found.append("identifier_bytes")
    # A reserved word where only a name can stand: after AS, after a dot, or before a type at a line's beginning.
    bare = re.findall(r"(?:\bAS\s+|\.\s*)(?!\$\$)([a-z_]\w*)\b(?!\s*\()", code, re.IGNORECASE)
    bare += re.findall(rf"^\s*(\w+)\s+(?:{TYPES})\b", code, re.IGNORECASE | re.MULTILINE)
    if any(word.lower() in RESERVED - {"select", "date", "timestamp", "with"} for word in bare if not _is_cast(word)):
        found.append("reserved_word")
    return found


def _is_cast(word: str) -> bool:
    # `CAST(x AS DATE)` has a type behind AS.
    return bool(re.fullmatch(TYPES, word, re.IGNORECASE))
