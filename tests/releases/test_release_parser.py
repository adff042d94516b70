"""The text of a release: what is a call, and where exactly something is not."""

from __future__ import annotations

import pytest

from trunkline.releases.parser import decode, parse, parse_name
from trunkline.releases.plan import NumberLiteral, ReleaseError


def calls(text: str) -> list[tuple[str, dict[str, str]]]:
    return [(call.sql, call.parameters) for call in parse(text, "Rel1.txt").calls]


@pytest.mark.parametrize(
    ("line", "sql"),
    [
        ("load_dims", "CALL load_dims();"),
        ("load_dims;", "CALL load_dims();"),
        ("load_dims()", "CALL load_dims();"),
        ("  CALL\tload_dims ( ) ;  ", "CALL load_dims();"),
        ("call Connect.Load_Dims();", "CALL connect.load_dims();"),
        ('CALL "Connect"."load dims"()', 'CALL "Connect"."load dims"();'),
        ("/* a */ CALL /* b */ load_dims() -- c", "CALL load_dims();"),
        ("load_dims -- c; d()", "CALL load_dims();"),
        ("caller()", "CALL caller();"),
        ("_p$1", 'CALL "_p$1"();'),
        ("p(true, FALSE, Null, '')", "CALL p(TRUE, FALSE, NULL, '');"),
    ],
)
def test_forms_of_a_call(line: str, sql: str) -> None:
    """With and without CALL, parentheses, semicolon, comments, white space; names folded unless quoted."""
    assert calls(line) == [(sql, {})]


def test_values_are_bound_and_never_in_the_statement() -> None:
    """Texts with quotes, semicolons and comments; numbers with their own digits."""
    text = "p('it''s; -- /* :a1 */', 12345678901234567890.5, -3, +1.5E-3, 'ünï', 'C:\\dir')"
    assert calls(text) == [
        (
            "CALL p(:a1, :a2, :a3, :a4, :a5, :a6);",
            {
                "a1": "it's; -- /* :a1 */",
                "a2": "12345678901234567890.5",
                "a3": "-3",
                "a4": "+1.5E-3",
                "a5": "ünï",
                "a6": "C:\\dir",
            },
        )
    ]
    (call,) = parse("p(1, 'x')", "f").calls
    assert call.arguments == (NumberLiteral("1"), "x")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_as_editors_leave_them(end: str) -> None:
    """BOM, both line ends, blank lines, comments of all kinds, a last line without an end; lines are
    counted right.
    """
    lines = [
        "\ufeff-- nightly",
        "",
        "# by hand",
        "  # too",
        "a()",
        "/* b()",
        "/* nested */ c()",
        "*/",
        "d(); ",
        "\t",
        "e",
    ]
    release = parse(end.join(lines), "Rel1.txt")
    assert [(call.number, call.line, call.display_name) for call in release.calls] == [
        (1, 5, "a"),
        (2, 9, "d"),
        (3, 11, "e"),
    ]
    assert release.content == end.join(lines)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a()\nb() c()", 2, 5, "one call stands on a line"),
        ("a(); b();", 1, 6, "one call stands on a line"),
        ("a();;", 1, 5, "one call stands on a line"),
        (";", 1, 1, "procedure's name is missing"),
        ("CALL", 1, 5, "procedure's name is missing"),
        ("CALL ()", 1, 6, "procedure's name is missing"),
        ("SELECT 1", 1, 1, "SELECT is a word of SQL"),
        ("drop table x", 1, 1, "DROP is a word of SQL"),
        ("COMMIT;", 1, 1, "COMMIT is a word of SQL"),
        ("call call", 1, 6, "CALL is a word of SQL"),
        ("a.b.c()", 1, 5, "at most two parts"),
        ("a.()", 1, 3, "name is missing"),
        ("a(", 1, 3, "a value"),
        ("a(1", 1, 4, "comma or a closing parenthesis"),
        ("a(1,)", 1, 5, "a value"),
        ("a(1 2)", 1, 5, "comma or a closing parenthesis"),
        ("a('x' 'y')", 1, 7, "comma or a closing parenthesis"),
        ("a(now())", 1, 3, "no value"),
        ("a(1+1)", 1, 4, "comma or a closing parenthesis"),
        ("a(1::int)", 1, 4, "':' (U+003A) has no place here"),
        ("a(E'x')", 1, 3, "no value"),
        ("a($$x$$)", 1, 3, "'$' (U+0024)"),
        ("a('x)", 1, 3, "never closed"),
        ("a('x\n')", 1, 3, "never closed"),
        ("a\n()", 2, 1, "name is missing"),
        ("a /* \n */ ()", 2, 5, "name is missing"),
        ("a('x\\'y')", 1, 5, "backslash before a quote"),
        ('"a', 1, 1, "never closed"),
        ('""()', 1, 1, "a name is empty"),
        ('"a""b"()', 1, 1, "U+0022"),
        ('"a;b"()', 1, 1, "U+003B"),
        ('"a--b"()', 1, 1, "two hyphens"),
        ('"a:b"()', 1, 1, "U+003A"),
        ("l\u043ead()", 1, 2, "the character U+043E"),
        ("\uff43all()", 1, 1, "the character U+FF43"),
        ("a\u00a0()", 1, 2, "the character U+00A0"),
        ("a(\u20181\u2019)", 1, 3, "the character U+2018"),
        ("a()\x00", 1, 4, "U+0000"),
        ("-- x\rdrop()", 1, 5, "U+000D"),
        ("-- x\u2028b()", 1, 5, "U+2028"),
        ("/* \u202e */ a()", 1, 4, "U+202E"),
        ("a()\n  /* b()", 2, 3, "never closed"),
        ("a() # c", 1, 5, "'#' (U+0023)"),
        ("x" * 128, 1, 1, "at most 127 bytes"),
        ("a(" + "'" + "x" * 65_536 + "')", 1, 1, "at most 65,535"),
        ("a(" + ",".join("1" * 33) + ")", 1, 1, "33 arguments"),
        ("a(12abc)", 1, 3, "'1' (U+0031)"),
        ("\ufeffa b", 1, 3, "one call stands on a line"),
    ],
)
def test_anything_else_is_an_error_with_its_place(text: str, line: int, column: int, message: str) -> None:
    """File, line, column, and what is wrong, before anything runs."""
    with pytest.raises(ReleaseError) as caught:
        parse(text, "Rel1.txt")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"Rel1.txt:{line}:{column}: ")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["", "\n\n", "-- a()\n", "/* a() */"])
def test_a_file_without_calls_is_an_error(text: str) -> None:
    """A file that was truncated to nothing must not look like a success."""
    with pytest.raises(ReleaseError, match="no procedure call"):
        parse(text, "Rel1.txt")


def test_bytes_that_are_not_text() -> None:
    """The byte's place in characters; UTF-16 by name; too large before anything else."""
    with pytest.raises(ReleaseError, match=r"f:2:4: the byte 0xff is not UTF-8"):
        decode("a()\nü()".encode() + b"\xff", "f")
    with pytest.raises(ReleaseError, match="UTF-16"):
        decode("a()".encode("utf-16"), "f")
    with pytest.raises(ReleaseError, match="at most 262,144"):
        decode(b" " * 262_145, "f")


def test_names_of_events() -> None:
    """A name, nothing else."""
    assert parse_name('Connect."Load Dims"', "event") == ("connect", "Load Dims")
    for text in ("", "a()", "a;", "a b", "a.b.c", "a.", ".a", "1", "a\n", "a--", "select", "x" * 2000, "\ufeffa", "a'"):
        with pytest.raises(ReleaseError):
            parse_name(text, "event")


def test_a_release_is_identified_by_what_it_runs() -> None:
    """Comments and spacing do not make another release; names, values and order do."""

    def digest(text: str) -> str:
        return parse(text, "f").digest

    assert digest("a(1)\nb") == digest("-- x\nCALL A( 1 );\n\nb();")
    assert (
        len({digest(text) for text in ("a(1)\nb", "b\na(1)", "a('1')\nb", "a(1)", "a.b(1)", "a(NULL)\nb", "a('')\nb")})
        == 7
    )
