"""The text of a release: one procedure call a line. Pure; nothing from the text is ever part of a statement's syntax.

    -- nightly                     comments: --, # at a line's start, /* */ (also over lines, also nested)
    connect.load_dims              with or without CALL, parentheses, trailing semicolon
    CALL connect.load_facts('2026-03-01', 7, true, NULL);

Names are folded to lower case as Redshift folds them, unless in double quotes. Arguments are texts in single quotes
(a quote inside is doubled), numbers, TRUE, FALSE and NULL. Anything else is an error with file, line and column.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final, NamedTuple, NoReturn

from trunkline.limits import RELEASE_BYTES_MAX
from trunkline.releases.plan import (
    NumberLiteral,
    ProcedureCall,
    Release,
    ReleaseError,
    Value,
    arguments_fault,
    character,
    name_fault,
)

# Controls but tab and line ends, the odd line separators, and what turns the reading direction: an editor shows
# these differently from what they are, in comments too. A lone carriage return is a line end in some editors only.
_DECEPTIVE: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]|\r(?!\n)"
)
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t]+) | (?P<end>\r?\n) | (?P<comment>--[^\r\n]*) | (?P<block>/\*)
      | (?P<text>'(?:[^'\r\n]|'')*') | (?P<quoted>"(?:[^"\r\n]|"")*")
      | (?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_$.]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*) | (?P<mark>[.,();])""",
    re.VERBOSE,
)
_BLOCK_MARK: Final = re.compile(r"/\*|\*/")
_CONSTANTS: Final[dict[str, Value]] = {"true": True, "false": False, "null": None}
# A line that begins with one of these is some other statement, not a procedure's name.
_OTHER_STATEMENTS: Final = frozenset(
    re.findall(
        r"\w+",
        "abort alter analyze begin call cancel checkpoint close comment commit copy create deallocate declare delete "
        "desc describe do drop end exec execute explain fetch from grant insert into listen lock merge prepare "
        "reindex reset revoke rollback savepoint select set show start table truncate unload unlisten update vacuum "
        "values where with",
    )
)
_EXPECTED: Final = "Valid is one call a line, such as: CALL connect.insert_new_f_calls();"


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def decode(data: bytes, source: str) -> str:
    """The text of a release file. Raises ReleaseError where it is too large or not UTF-8."""
    if len(data) > RELEASE_BYTES_MAX:
        raise ReleaseError(
            f"the file has {len(data):,} bytes; a release has at most {RELEASE_BYTES_MAX:,}. Split it.", source
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ReleaseError("the file is UTF-16. Save it as UTF-8.", source, 1, 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise ReleaseError(
            f"the byte 0x{data[error.start]:02x} is not UTF-8. Save the file as UTF-8.", source, line, column
        ) from None


def parse(text: str, source: str) -> Release:
    """The calls of a release in the order of the file. Raises ReleaseError at the first thing that is no call."""
    body = _Body(text.removeprefix("\ufeff"), source)
    if deceptive := _DECEPTIVE.search(body.text):
        body.fail(
            deceptive.start(),
            f"{character(deceptive[0])} is invisible or shown differently from what it is. Remove it.",
        )
    calls: list[ProcedureCall] = []
    for line in _lines(body):
        name, arguments = _call(body, line)
        calls.append(ProcedureCall(len(calls) + 1, name, arguments, body.place(line[0].at)[0]))
    if not calls:
        raise ReleaseError(f"the file holds no procedure call. {_EXPECTED}", source)
    return Release(source, tuple(calls), text)


def parse_name(text: str, source: str) -> tuple[str, ...]:
    """The parts of a procedure's name that stands alone, as an event gives it. Raises ReleaseError."""
    body = _Body(text, source)
    if len(text) > 1_000:
        raise ReleaseError(f"the name has {len(text):,} characters; Redshift's have at most 127 bytes a part.", source)
    read = list(_tokens(body))
    if "".join(token.text for token in read) != text:
        body.fail(0, "a comment has no place in a name.")
    tokens = [token for token in read if token.kind != "space"]
    bad = next((token for token in tokens if token.kind not in ("word", "quoted") and token.text != "."), None)
    if not tokens or bad:
        body.fail(bad.at if bad else 0, "this is no procedure name. Valid is name or schema.name, without arguments.")
    cursor = _Cursor(body, tokens)
    name = _name(cursor)
    if cursor.peek():
        cursor.fail("a name ends before this. Valid is name or schema.name.")
    return name


class _Body:
    """The text being parsed, which knows where in the file a position is."""

    def __init__(self, text: str, source: str) -> None:
        self.text, self.source = text, source

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, from 1, in characters."""
        return self.text.count("\n", 0, at) + 1, at - (self.text.rfind("\n", 0, at) + 1) + 1

    def fail(self, at: int, message: str) -> NoReturn:
        """Raise ReleaseError for a position."""
        raise ReleaseError(message, self.source, *self.place(at))


def _tokens(body: _Body) -> Iterator[_Token]:
    """Everything but comments. A comment over lines ends a line."""
    text, at, is_line_start = body.text, 0, True
    while at < len(text):
        if is_line_start and text[at] == "#":
            at = _end_of_line(text, at)
            continue
        found = _TOKEN.match(text, at)
        if found is None:
            body.fail(at, _why_not(text, at))
        kind, end = str(found.lastgroup), found.end()
        if kind == "text" and "\\'" in found[0]:
            # Where the text would end depends on a setting of the database.
            body.fail(at + found[0].index("\\'"), "a backslash before a quote ends the text in some databases only.")
        if kind == "block":
            end = _end_of_block(body, at)
            kind = "end" if "\n" in text[at:end] else "space"
        if kind != "comment":
            yield _Token(kind, found[0], at)
        is_line_start = kind == "end" or (is_line_start and kind == "space")
        at = end


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end - (text[end - 1] == "\r")


def _end_of_block(body: _Body, start: int) -> int:
    """Just after the `*/` that closes the comment; comments nest, as in the database."""
    depth, end = 0, start
    for mark in _BLOCK_MARK.finditer(body.text, start):
        depth += 1 if mark[0] == "/*" else -1
        end = mark.end()
        if depth == 0:
            break
    if depth:
        body.fail(start, "this comment is never closed. Add */.")
    return end


def _why_not(text: str, at: int) -> str:
    sign = text[at]
    if sign == "'":
        return "this text is never closed. Texts end on their line, and a quote inside is doubled."
    if sign == '"':
        return "this name is never closed."
    return f"{character(sign)} has no place here. {_EXPECTED}"


def _lines(body: _Body) -> Iterator[list[_Token]]:
    """Tokens line by line, without white space; empty lines left out."""
    line: list[_Token] = []
    for token in _tokens(body):
        if token.kind == "end":
            if line:
                yield line
            line = []
        elif token.kind != "space":
            line.append(token)
    if line:
        yield line


class _Cursor:
    """Where the reading of a line is."""

    def __init__(self, body: _Body, tokens: list[_Token]) -> None:
        self.body, self._tokens, self._next = body, tokens, 0

    def peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def take(self, mark: str) -> bool:
        """Whether the next token is this mark; if so, it is passed."""
        token = self.peek()
        is_there = token is not None and token.kind == "mark" and token.text == mark
        self._next += is_there
        return is_there

    def next(self, kinds: tuple[str, ...], expected: str) -> _Token:
        token = self.peek()
        if token is None or token.kind not in kinds:
            self.fail(f"{expected} is missing here. {_EXPECTED}")
        self._next += 1
        return token

    def fail(self, message: str) -> NoReturn:
        """Raise ReleaseError at the next token, or at the end of the last."""
        token = self.peek()
        last = self._tokens[-1]
        self.body.fail(token.at if token else last.at + len(last.text), message)


def _call(body: _Body, line: list[_Token]) -> tuple[tuple[str, ...], tuple[Value, ...]]:
    cursor = _Cursor(body, line)
    if line[0].kind == "word" and line[0].text.lower() == "call":
        cursor.next(("word",), "CALL")
    name = _name(cursor)
    arguments = _arguments(cursor) if cursor.take("(") else ()
    cursor.take(";")
    if cursor.peek():
        cursor.fail(f"the call ends before this; one call stands on a line. {_EXPECTED}")
    if fault := arguments_fault(arguments):
        body.fail(line[0].at, f"{fault}.")
    return name, arguments


def _name(cursor: _Cursor) -> tuple[str, ...]:
    parts: list[str] = []
    while True:
        token = cursor.next(("word", "quoted"), "a procedure's name")
        part = token.text.lower() if token.kind == "word" else token.text[1:-1].replace('""', '"')
        if not parts and token.kind == "word" and part in _OTHER_STATEMENTS:
            cursor.body.fail(
                token.at,
                f"{part.upper()} is a word of SQL and no procedure's name "
                f"(put it in double quotes if a procedure has that name). "
                f"{_EXPECTED}",
            )
        if fault := name_fault(part):
            cursor.body.fail(token.at, f"{fault}.")
        parts.append(part)
        if len(parts) > 2:
            cursor.body.fail(
                token.at, "a name has at most two parts, schema and procedure; the database is chosen by DATABASE."
            )
        if not cursor.take("."):
            return tuple(parts)


def _arguments(cursor: _Cursor) -> tuple[Value, ...]:
    """After the opening parenthesis, through the closing one."""
    if cursor.take(")"):
        return ()
    values: list[Value] = []
    while True:
        token = cursor.next(("text", "number", "word"), "a value (text in single quotes, number, TRUE, FALSE or NULL)")
        values.append(_value(cursor, token))
        if cursor.take(")"):
            return tuple(values)
        if not cursor.take(","):
            cursor.fail("a comma or a closing parenthesis is missing here.")


def _value(cursor: _Cursor, token: _Token) -> Value:
    if token.kind == "number":
        return NumberLiteral(token.text)
    if token.kind == "word":
        if token.text.lower() not in _CONSTANTS:
            cursor.body.fail(
                token.at, "this is no value. Valid are texts in single quotes, numbers, TRUE, FALSE and NULL."
            )
        return _CONSTANTS[token.text.lower()]
    return token.text[1:-1].replace("''", "'")
