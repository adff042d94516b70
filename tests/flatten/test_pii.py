"""What counts as personal data inside free text, and that finding it takes a time that grows with the text alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.flatten.pii import PiiRule, has_pii, own_numbers

# The definition, which is right and slow: a search from every place takes a time that grows with the square.
DEFINITION = re.compile(r"\+[1-9][0-9]{6,14}|[^ \t\n\f\r@]+@[^ \t\n\f\r@]+\.[^ \t\n\f\r@]+")


@given(st.text(alphabet="a1+@. \n", max_size=40))
def test_it_finds_what_the_definition_finds(text: str) -> None:
    """The quick way and the definition agree on every text."""
    assert has_pii(text) == bool(DEFINITION.search(text))


@pytest.mark.parametrize("text", ["a" * 2_000_000 + "@", "a@" * 1_000_000, "+1" * 1_000_000, "a@b" + "." * 2_000_000])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    """Two megabytes made to be slow: with the definition this test would run for hours."""
    has_pii(text)


def test_the_records_own_numbers_count_without_their_plus() -> None:
    """A number that the record itself names is found in any spelling that holds its digits; short ones say nothing."""
    own = own_numbers(["+15535550143", "+49", "bob"])
    assert own == ["15535550143"]
    assert has_pii("call 15535550143 back", own)
    assert not has_pii("room 49, ask bob", own)


def test_a_rule_hides_as_hmac_does() -> None:
    """The first 128 bits of HMAC-SHA-256 (RFC 4231, test case 2), NULL, or the text itself."""
    text = "what do ya want for nothing?"
    assert PiiRule("hash", b"Jefe").hide(text) == "5bdcc146bf60754e6a042426089575c7"
    assert PiiRule("drop", b"Jefe").hide(text) is None
    assert PiiRule("keep", b"Jefe").hide(text) == text
