"""What counts as personal data inside free text, and that finding it takes a time that grows with the text alone."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime

import pytest
from flat_rows import flat_rows
from hypothesis import given
from hypothesis import strategies as st

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule, has_pii, own_numbers
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed

# The definition, which is right and slow: a search from every place takes a time that grows with the square.
DEFINITION = re.compile(r"\+[1-9][0-9]{6,14}|[^ \t\n\f\r@]+@[^ \t\n\f\r@]+\.[^ \t\n\f\r@]+")


@given(st.text(alphabet="a1+@. \n", max_size=40))
def test_it_finds_what_the_definition_finds(text: str) -> None:
    """The quick way and the definition agree on every text."""
    assert has_pii(text) == bool(DEFINITION.search(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a" * 2_000_000 + "@", False),
        ("a@" * 1_000_000, False),
        ("+1" * 1_000_000, False),
        ("a@b" + "." * 2_000_000, True),
    ],
)
def test_a_hostile_text_is_searched_in_linear_time(text: str, expected: bool) -> None:
    """Two megabytes made to be slow take a second at most: with the definition this test would run for hours."""
    started = time.process_time()
    assert has_pii(text) == expected
    assert time.process_time() - started < 1


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


def test_what_is_hidden_in_a_json_column_is_json() -> None:
    """PostgreSQL and Redshift refuse a bare hash where JSON belongs, and one contact by e-mail would stop a load."""
    at = datetime(2026, 3, 8, 12)
    record = {"ContactId": "a", "AdditionalEmailRecipients": {"To": [{"Address": "ann@example.com"}]}}
    plan = Plan(CONTACT_RECORD.name, "test", (FileRange("file", "1", 0, 100, True, at),))
    flattener = Flattener(CONTACT_RECORD, PiiRule("hash", b"key"))
    result = flattener.flatten(Framed(plan, [json.dumps(record)], [0], [0], [], 100), at)
    (row,) = flat_rows(flattener, result)
    assert re.fullmatch("[0-9a-f]{32}", json.loads(row["additional_email_recipients"]))
