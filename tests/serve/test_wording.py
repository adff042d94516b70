"""Numbers as text: units that people expect, and a dash for an unknown value."""

from __future__ import annotations

import pytest

from trunkline.serve.report import wording
from trunkline.serve.report.charts import nice_maximum
from trunkline.serve.report.markup import el, join, text


@pytest.mark.parametrize(
    ("seconds", "words", "clock"),
    [
        (None, "\u2013", "\u2013"),
        (0, "0 s", "0:00"),
        (8.44, "8.4 s", "0:08"),
        (9.97, "10 s", "0:10"),
        (59.4, "59 s", "0:59"),
        (59.6, "1 min 00 s", "1:00"),
        (372, "6 min 12 s", "6:12"),
        (3599.7, "1 h 00 min", "1:00:00"),
        (7500, "2 h 05 min", "2:05:00"),
        (200_000, "2 d 8 h", "55:33:20"),
    ],
)
def test_durations(seconds, words, clock) -> None:
    """Rounding never gives 60 seconds or 60 minutes."""
    assert (wording.duration(seconds), wording.clock(seconds)) == (words, clock)


def test_percentages_keep_their_ends() -> None:
    """Only exactly 0 is 0.0%, only exactly 100 is 100.0%."""
    values = (None, 0, 0.01, 50, 99.99, 100.0)
    assert [wording.percentage(value) for value in values] == ["\u2013", "0.0%", "<0.1%", "50.0%", ">99.9%", "100.0%"]


def test_changes() -> None:
    """A change always has a sign, a share if the value before is not 0, or the word `unchanged`."""
    assert wording.count_change(1341, 1000) == "+341 (+34.1%)"
    assert wording.count_change(3, 0) == "+3"
    assert wording.count_change(0, 5) == "\u22125 (\u2212100.0%)"
    assert wording.count_change(5, 5) == "unchanged"
    assert wording.percentage_change(81.0, 80.0) == "+1.0 point"
    assert wording.percentage_change(50.01, 50.0) == "unchanged"
    assert wording.duration_change(10.0, 70.0) == "\u22121 min 00 s"
    assert wording.duration_change(10.0, 10.01) == "unchanged"
    assert wording.duration_change(None, 1.0) == wording.count_change(1, None) == ""


def test_markup_escapes_what_is_not_markup() -> None:
    """Text is escaped, markup stays, attribute values are quoted, control characters are replaced."""
    assert join("<b>", text("&")) == "&lt;b&gt;&amp;"
    assert el("p", {"title": "\"x'<", "hidden": True, "class": None}, el("br")) == (
        '<p title="&quot;x&#x27;&lt;" hidden><br></p>'
    )
    assert text("a\x00b\x1bc\ud800") == "a\ufffdb\ufffdc\ufffd"
    with pytest.raises(ValueError, match="not the name of an element"):
        el("p onclick=x")


@pytest.mark.parametrize("value", [0, 1, 2, 3, 9, 10, 11, 99, 101, 481, 12_345, 999_999])
def test_scales_hold_their_values_and_halves_are_whole(value: int) -> None:
    """The maximum is at least the value, less than twice the value from ten on, and its half is a whole number."""
    top = nice_maximum(value)
    assert top >= value
    assert top / 2 == int(top / 2)
    assert value < 10 or top < value * 2
