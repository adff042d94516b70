"""Scalars made plain: the texts that the flatten statement types without loss, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.flatten.exact import plain_scalar
from trunkline.objects.model import Scalar


@pytest.mark.parametrize(
    ("type_", "text", "expected"),
    [
        ("timestamp", "2026-03-08T10:00:00+05:30", "2026-03-08T04:30:00Z"),
        ("timestamp", "2026-03-08T10:00:00.123456789Z", "2026-03-08T10:00:00.123456Z"),
        ("timestamp", "2026-03-08T24:00:00Z", "2026-03-09T00:00:00Z"), ("timestamp", "2026-02-30T10:00:00Z", None),
        ("timestamp", "9999-12-31T23:59:59-05:00", None), ("timestamp", "0000-01-01T00:00:00Z", None),
        ("bigint", "33.000", "33"), ("bigint", "33.5", None), ("bigint", "1e3", None), ("bigint", "-0", "0"),
        ("bigint", "9223372036854775807", "9223372036854775807"), ("bigint", "9223372036854775808", None),
        ("integer", "2147483647", "2147483647"), ("integer", "2147483648", None), ("integer", "", None),
        ("double", "1e400", None), ("double", "nan", None), ("double", "4.50", "4.5"), ("double", "1.", "1.0"),
        ("decimal", "000012.3400", "12.34"), ("decimal", "-0.0", "0"), ("decimal", "1e3", None),
        ("decimal", "1234567890123456789", None), ("decimal", "0.123456789012345678901", None),
        ("date", "2026-02-29", None), ("date", "2024-02-29", "2024-02-29"), ("boolean", "True", None),
    ],
)  # fmt: skip
def test_values_become_plain_or_are_refused(type_: Scalar, text: str, expected: str | None) -> None:
    """One text for one value; nothing that a cast would round, cut or wrap."""
    assert plain_scalar(type_, text) == expected


def test_seconds_become_milliseconds() -> None:
    """Whole milliseconds are kept, what is finer is refused."""
    assert plain_scalar("bigint", "33.5", "seconds_to_ms") == "33500"
    assert plain_scalar("bigint", "0.0005", "seconds_to_ms") is None


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**17), max_value=10**17))
def test_a_decimal_keeps_every_digit(value: Decimal) -> None:
    """38 digits come out as they went in, and two spellings of a number are one text."""
    text = plain_scalar("decimal", f"{value:f}")
    assert text is not None
    assert Decimal(text) == value
    assert plain_scalar("decimal", text) == text


def test_plain_times_are_what_duckdb_reads() -> None:
    """A cast of the plain text gives the instant itself."""
    for text in ("2026-03-08T10:00:00.000001Z", "2026-03-08T10:00:00Z", "2010-01-01T00:00:00Z"):
        shown = duckdb.execute("SELECT strftime(TRY_CAST($1 AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')", [text]).fetchall()
        assert plain_scalar("timestamp", shown[0][0]) == text
