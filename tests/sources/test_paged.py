"""What a reading of a paged system remembers: enough to give nothing twice, and no more."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from trunkline.sources import paged
from trunkline.sources.paged import PagedReading, SeenRecord

AT = datetime(2026, 3, 3)


def reading(**changes: object) -> PagedReading:
    seen = {str(at): SeenRecord("d", float(at)) for at in (100, 200, 300)}
    return PagedReading("r", AT, **{"seen": seen, "newest": 300.0} | changes)  # type: ignore[arg-type]


def test_only_what_may_come_again_is_remembered() -> None:
    """With an overlap what is as new as that; without one, a system that is read whole, everything."""
    incremental, bounded, whole = reading(overlap_s=150.0), reading(overlap_s=150.0, until=400.0), reading()
    for state in (incremental, bounded, whole):
        state.forget_old()
    assert sorted(incremental.seen) == ["200", "300"]
    assert sorted(bounded.seen) == ["300"]
    assert sorted(whole.seen) == ["100", "200", "300"]


def test_versions_that_are_compared() -> None:
    """Those that may come again, and those of what is remembered; all, where versions do not tell."""
    bounded = reading(overlap_s=100.0, until=1000.0)
    assert list(bounded.compared_versions) == [(900.0, math.inf), (100.0, 300.0)]
    assert list(reading(overlap_s=100.0, until=1000.0, seen={}).compared_versions) == [(900.0, math.inf)]
    assert list(reading().compared_versions) == [(-math.inf, math.inf)]


def test_no_more_than_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state is read and written with each batch."""
    monkeypatch.setattr(paged, "API_SEEN_MAX", 2)
    whole = reading()
    whole.forget_old()
    assert sorted(whole.seen) == ["200", "300"]


def test_the_next_reading_begins_before_the_newest_record() -> None:
    """A system that is read whole has no such time."""
    assert (reading(overlap_s=50.0).next_since, reading().next_since) == (250.0, None)
