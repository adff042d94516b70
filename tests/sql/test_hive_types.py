"""Which changes of a Hive type keep the files readable."""

from __future__ import annotations

import pytest

from trunkline.engines.athena import hive_type
from trunkline.objects.catalogue import OBJECTS
from trunkline.sql.lake.glue import is_same, is_widening, parse_hive_type

WIDER = [
    ("int", "bigint"),
    ("tinyint", "int"),
    ("smallint", "bigint"),
    ("float", "double"),
    ("decimal(10,2)", "decimal(38,20)"),
    ("decimal(10,2)", "decimal(12,4)"),
    ("array<int>", "array<bigint>"),
    ("map<string,int>", "map<string,bigint>"),
    ("struct<a:int>", "struct<a:bigint>"),
    ("struct<a:int>", "struct<b:string,a:int>"),
    ("array<struct<a:int,b:string>>", "array<struct<a:int,b:string,c:double>>"),
]
NOT_WIDER = [
    ("bigint", "double"),
    ("int", "string"),
    ("string", "int"),
    ("timestamp", "date"),
    ("date", "timestamp"),
    ("decimal(38,20)", "decimal(38,2)"),
    ("decimal(10,2)", "decimal(11,4)"),
    ("double", "decimal(38,20)"),
    ("struct<a:int>", "map<string,int>"),
    ("struct<a:int,b:string>", "struct<a:int>"),
    ("array<int>", "int"),
    ("int", "array<int>"),
    ("map<string,string>", "map<int,string>"),
]


@pytest.mark.parametrize(("narrow", "wide"), WIDER)
def test_a_type_with_more_values_is_wider(narrow: str, wide: str) -> None:
    """In one direction it widens, in the other it narrows."""
    assert is_widening(narrow, wide)
    assert not is_widening(wide, narrow)
    assert not is_same(narrow, wide)


@pytest.mark.parametrize(("first", "second"), NOT_WIDER)
def test_unrelated_and_narrower_types_are_no_widening(first: str, second: str) -> None:
    """In neither direction for unrelated types, and not towards the narrower one."""
    assert not is_widening(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("INT", "int"), ("integer", "int"), ("struct<a: int, b:array< string >>", "STRUCT<A:int,`b`:array<string>>"),
     ("decimal( 38 , 20 )", "decimal(38,20)")],
)  # fmt: skip
def test_spelling_does_not_matter(first: str, second: str) -> None:
    """Case, spaces and synonyms make no difference."""
    assert is_same(first, second)
    assert not is_widening(first, second)


@pytest.mark.parametrize(
    "text", ["", "array<", "array<int", "struct<a>", "int>", "array<int>>", "a b", "map<string,>", "'x'"]
)
def test_text_that_is_not_a_type_is_refused(text: str) -> None:
    """The message has the text."""
    with pytest.raises(ValueError, match="is not a Hive type"):
        parse_hive_type(text)


def test_every_type_of_the_catalogue_is_read() -> None:
    """Each is parsed, and equals itself."""
    for obj in OBJECTS.values():
        for column in obj.columns:
            assert is_same(hive_type(column.type), hive_type(column.type).upper())
