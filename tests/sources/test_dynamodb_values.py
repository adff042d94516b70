"""Attribute values of every type come through exactly; what is malformed is refused with its reason (must hold 3)."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import RecordError
from trunkline.sources.dynamodb.values import TAGS, Attribute, Item, number, object_text, remove_tags, text_of

ATTRIBUTE = msgspec.json.Decoder(Attribute)
ITEM = msgspec.json.Decoder(Item)

numbers = st.builds(
    lambda sign, digits, size: Decimal((sign, tuple(map(int, str(digits))), size - len(str(digits)))),
    st.integers(0, 1), st.integers(1, 10**38 - 1), st.integers(-129, 126),
) | st.just(Decimal(0))  # fmt: skip
texts = st.text(st.characters(codec="utf-8"), max_size=12)
binaries = st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode())
names = st.one_of(st.sampled_from(["a", "b c", 'q"', *TAGS]), texts)


def a_set(members: Any) -> Any:
    return st.lists(members, min_size=1, max_size=4, unique=True)


scalars = st.one_of(
    texts.map(lambda v: {"S": v}),
    numbers.map(lambda v: {"N": str(v)}),
    binaries.map(lambda v: {"B": v}),
    st.booleans().map(lambda v: {"BOOL": v}),
    st.just({"NULL": True}),
    a_set(texts).map(lambda v: {"SS": sorted(v)}),
    st.lists(numbers, min_size=1, max_size=4, unique=True).map(lambda v: {"NS": [str(one) for one in sorted(v)]}),
    a_set(binaries).map(lambda v: {"BS": sorted(v)}),
)
attributes = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: {"L": v}),
        st.dictionaries(names, inner, max_size=3).map(lambda v: {"M": v}),
    ),
    max_leaves=12,
)


def tagged(plain: Any) -> Any:
    """The inverse of `text_of`: the typed value of a plain one."""
    match plain:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": plain}
        case Decimal():
            return {"N": plain}
        case str():
            return {"S": plain}
        case list():
            return {"L": [tagged(one) for one in plain]}
        case _:
            if len(plain) == 1 and (tag := next(iter(plain))) in TAGS:
                if tag == "M":
                    return {"M": {key: tagged(value) for key, value in plain["M"].items()}}
                return {tag: plain[tag]}
            return {"M": {key: tagged(value) for key, value in plain.items()}}


def exact(typed: Any) -> Any:
    """A typed value with its numbers as decimals, so that 1.50 is 1.5."""
    match typed:
        case {"N": str(text)}:
            return {"N": Decimal(text)}
        case {"NS": list(members)}:
            return {"NS": [Decimal(one) for one in members]}
        case {"M": dict(inner)}:
            return {"M": {key: exact(value) for key, value in inner.items()}}
        case {"L": list(inner)}:
            return {"L": [exact(one) for one in inner]}
    return typed


def read(text: str | bytes) -> Any:
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


@given(attributes)
def test_every_value_round_trips(typed: Any) -> None:
    """Out of the plain text the typed value can be told again, to the last digit, whatever its type and nesting."""
    text = text_of(ATTRIBUTE.decode(msgspec.json.encode(typed)))
    assert tagged(read(text)) == exact(typed)


@given(st.lists(st.dictionaries(names, attributes, max_size=4), min_size=1, max_size=5))
def test_removing_tags_from_many_items_reads_like_value_by_value(items: list[Any]) -> None:
    """The quick way over many items gives the slow way's texts, or says that it cannot."""
    lines = [msgspec.json.encode(one) for one in items]
    for some in (lines, *([one] for one in lines)):
        quick = remove_tags(b"\n".join(some))
        if quick is not None:
            assert [read(text) for text in quick.split(b"\n")] == [read(object_text(ITEM.decode(one))) for one in some]


mistakes = st.sampled_from([
    b'"x"', b"5", b"true", b"null", b"{}", b"[]", b'[{"S":"x"}]', b'{"S":"x","N":"1"}', b'{"S":5}', b'{"S":{"S":"x"}}',
    b'{"M":{"k":"x"}}', b'{"M":"x"}', b'{"M":null}', b'{"NULL":false}', b'{"BOOL":"true"}', b'{"N":5}', b'{"N":"x"}',
    b'{"":"x"}', b'{"M":{"S":"x"}}', b'{"S":"x","M":{}}',
])  # fmt: skip


@given(st.lists(st.dictionaries(names, attributes, max_size=3), max_size=3), mistakes, st.integers(0, 3), st.booleans())
def test_an_invalid_value_is_never_read_quickly(items: list[Any], mistake: bytes, at: int, is_inside: bool) -> None:
    """Whatever stands beside it: what is counted too often in one item cannot be made up for by another."""
    lines = [msgspec.json.encode(one) for one in items]
    wrong = b'{"k":%b}' % (b'{"M":{"a":{"S":"}"},"b":%b}}' % mistake if is_inside else mistake)
    lines.insert(at, wrong)
    assert remove_tags(b"\n".join(lines)) is None


def test_an_item_that_looks_like_a_value_is_not_read_quickly() -> None:
    """It has no key, which another member without a type could make up for."""
    assert remove_tags(b'{"S":"x"}\n{"a":{"S":"x"},"b":5}') is None


def test_common_items_are_read_quickly() -> None:
    """Braces, quotes and tags inside texts do not hinder it."""
    item = {
        "a": {"S": 'x "q" {"S":"y"} }} \\'},
        "m": {"M": {"n": {"N": "-1.5"}, "k": {"M": {"z": {"S": "{"}}}}},
        "t": {"BOOL": True},
    }
    text = remove_tags(msgspec.json.encode(item))
    assert text is not None
    assert json.loads(text) == {"a": 'x "q" {"S":"y"} }} \\', "m": {"n": -1.5, "k": {"z": "{"}}, "t": True}


@pytest.mark.parametrize(
    ("given_", "text"),
    [("1E5", "100000"), ("1.50", "1.5"), ("-0", "0"), ("0.000", "0"), ("+7", "7"), ("007", "7"), (".5", "0.5"), ("5.", "5"),
     ("1e-10", "0.0000000001"), ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
     ("9.9999999999999999999999999999999999999E+125", "99999999999999999999999999999999999999" + "0" * 88)],
)  # fmt: skip
def test_a_number_in_plain_notation(given_: str, text: str) -> None:
    """One value has one text, whatever notation DynamoDB or a writer of exports chose."""
    assert number(given_) == text


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"N": "five"}, "N must be a number"), ({"N": ""}, "N must be a number"), ({"N": "NaN"}, "N must be a number"),
        ({"N": "1" * 39}, "more than 38 digits"), ({"N": "1E126"}, "more than 38 digits or is outside"),
        ({"N": "1E-131"}, "is outside 1E-130"), ({"N": "١"}, "N must be a number"),
        ({}, "exactly one type, and this has 0"), ({"S": "a", "N": "1"}, "exactly one type, and this has 2"),
        ({"S": 5}, "S must be a text"), ({"NULL": False}, "NULL must be true"), ({"B": "a*"}, "must be base64"),
        ({"SS": []}, "at least one member"), ({"NS": ["1", "1.0"]}, "none twice"), ({"BS": ["?"]}, "must be base64"),
    ],
)  # fmt: skip
def test_a_malformed_value_is_an_error_with_its_reason(typed: Any, why: str) -> None:
    """The reason names the attribute and never its value."""
    with pytest.raises(RecordError, match=why) as caught:
        object_text(ITEM.decode(msgspec.json.encode({"amount": typed})))
    assert str(caught.value).startswith("attribute amount: ")
    assert caught.value.code == "wrong_type"


def test_nesting_has_a_limit() -> None:
    """DynamoDB nests 32 deep; deeper text is refused, not a crash."""
    typed: Any = {"S": "x"}
    for _ in range(40):
        typed = {"M": {"k": typed}}
    with pytest.raises(RecordError, match="nested deeper than 32"):
        text_of(ATTRIBUTE.decode(msgspec.json.encode(typed)))


def test_a_long_number_in_a_known_column_is_a_text() -> None:
    """A reader that takes numbers for floats would round it."""
    item = ITEM.decode(b'{"score":{"N":"0.1234567890123456789"},"n":{"N":"5"},"id":{"N":"5"}}')
    assert (
        object_text(item, {("score",): False, ("n",): False, ("id",): True})
        == '{"score":"0.1234567890123456789","n":5,"id":"5"}'
    )
