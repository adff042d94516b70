"""Which changes of a Hive type keep the files readable."""

from __future__ import annotations

import pytest

from trunkline.engines.athena import hive_type
from trunkline.objects.catalogue import OBJECTS
from trunkline.sql.lake.hive_types import is_same, is_widening, parse

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
def test_what_holds_more_is_wider(narrow: str, wide: str) -> None:
    """One way it widens, the other way it narrows."""
    assert is_widening(narrow, wide)
    assert not is_widening(wide, narrow)
    assert not is_same(narrow, wide)


@pytest.mark.parametrize(("one", "other"), NOT_WIDER)
def test_what_does_not_hold_all_is_no_widening(one: str, other: str) -> None:
    """Neither way for types that have nothing in common, nor towards the narrower."""
    assert not is_widening(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("INT", "int"), ("integer", "int"), ("struct<a: int, b:array< string >>", "STRUCT<A:int,`b`:array<string>>"),
     ("decimal( 38 , 20 )", "decimal(38,20)")],
)  # fmt: skip
def test_spelling_does_not_matter(one: str, other: str) -> None:
    """Case, spaces, synonyms."""
    assert is_same(one, other)
    assert not is_widening(one, other)


@pytest.mark.parametrize(
    "text", ["", "array<", "array<int", "struct<a>", "int>", "array<int>>", "a b", "map<string,>", "'x'"]
)
def test_what_is_no_type_is_refused(text: str) -> None:
    """With the text in the message."""
    with pytest.raises(ValueError, match="is not a Hive type"):
        parse(text)


def test_every_type_of_the_catalogue_is_read() -> None:
    """And is the same as itself."""
    for obj in OBJECTS.values():
        for column in obj.columns:
            assert is_same(hive_type(column.type), hive_type(column.type).upper())
