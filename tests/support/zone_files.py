"""Changes of offset of every zone of this machine, read from the zones' files and, apart from that, by asking the zones."""

from __future__ import annotations

import importlib.resources
import struct
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

DAY = 86_400
SINCE = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
UNTIL = int(datetime(2038, 1, 1, tzinfo=UTC).timestamp())
# No two changes since 1990 are nearer than six days (the test of the files sees to it): none hides between two probes.
_PROBE = 3 * DAY

# Instant (seconds since 1970), offset before, offset after, in seconds.
Change = tuple[int, int, int]


@dataclass(frozen=True)
class Table:
    """What a zone's clocks do from 1990 to 2037; zones that do the same share one."""

    first_offset: int
    changes: tuple[Change, ...]


def file_of(key: str) -> bytes:
    """The zone's file, from where zoneinfo has it: the system's database first, then the package tzdata."""
    for folder in zoneinfo.TZPATH:
        path = Path(folder, key)
        if path.is_file():
            return path.read_bytes()
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *key.split("/")).read_bytes()


def changes_in_file(data: bytes) -> list[Change]:
    """The changes of offset that a TZif file lists (RFC 9636), whole history; what its footer rules come after them."""
    at, size = 0, 4
    for _ in range(2 if data[4:5] >= b"2" else 1):
        utc_count, std_count, leaps, times, types, letters = struct.unpack(">6l", data[at + 20 : at + 44])
        start, width = at + 44, size
        at = start + times * (width + 1) + types * 6 + letters + leaps * (width + 4) + std_count + utc_count
        size = 8
    instants = struct.unpack(f">{times}{'q' if width == 8 else 'l'}", data[start : start + times * width])
    kinds = data[start + times * width : start + times * (width + 1)]
    at = start + times * (width + 1)
    offsets = [struct.unpack(">l", data[at + 6 * i : at + 6 * i + 4])[0] for i in range(types)]
    found, before = [], offsets[0]
    for instant, kind in zip(instants, kinds, strict=True):
        if offsets[kind] != before:
            found.append((instant, before, offsets[kind]))
        before = offsets[kind]
    return found


def offset_at(zone: ZoneInfo, instant: int) -> int:
    """Seconds of the zone's clock ahead of UTC, as zoneinfo has it."""
    return int(datetime.fromtimestamp(instant, zone).utcoffset().total_seconds())


def _asked(zone: ZoneInfo) -> Iterator[Change]:
    before = offset_at(zone, SINCE)
    for low in range(SINCE, UNTIL, _PROBE):
        high = min(low + _PROBE, UNTIL)
        after = offset_at(zone, high)
        if after != before:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(zone, middle) == before else (low, middle)
            yield high, before, after
            before = after


@cache
def tables() -> dict[Table, list[str]]:
    """Every zone of `zoneinfo.available_timezones()` under its table; zones with equal files are read once."""
    by_file: dict[bytes, list[str]] = {}
    for key in sorted(zoneinfo.available_timezones()):
        by_file.setdefault(file_of(key), []).append(key)
    found: dict[Table, list[str]] = {}
    for keys in by_file.values():
        zone = ZoneInfo(keys[0])
        found.setdefault(Table(offset_at(zone, SINCE), tuple(_asked(zone))), []).extend(keys)
    return found
