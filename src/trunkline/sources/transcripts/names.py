"""The call that a transcript belongs to, from the file's name: the setting's key patterns and Contact Lens's own.

A key is matched from its end, so that a prefix before it does not matter. Sources: Contact Lens, example output
locations (also with the `Redacted` folder, and for chat); Transcribe, `redacted-` before a redacted job's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from trunkline.errors import UsageError

CALL_ID: Final = "{call_id}"
_STORED: Final = re.compile(r"[.]json(?:[.]gz|[.]zst)?$")
_COMPRESSED: Final = r"(?:[.]gz|[.]zst)?"
# Copies on disk may have another character where the key has colons.
_LENS: Final = re.compile(
    r"(?P<call_id>[^/]+?)_analysis_(?P<redacted>redacted_)?"
    r"(?P<date>\d{4}-?\d\d-?\d\d)T(?P<hour>\d\d)\D?(?P<minute>\d\d)(?:\D?(?P<second>\d\d))?(?:Z|_UTC)[.]json"
    + _COMPRESSED
    + "$"
)


@dataclass(frozen=True, slots=True)
class TranscriptName:
    """What a file's name says. `written_at` is ISO text in UTC, None where the name holds no time."""

    call_id: str
    is_redacted: bool
    written_at: str | None = None


def is_transcript(uri: str) -> bool:
    """Whether a file may be a transcript: whether its name is a JSON file's. Recordings are in the same folders."""
    return _STORED.search(uri) is not None


def read_name(uri: str, patterns: Sequence[str]) -> TranscriptName | None:
    """What the name of a file says; None where it matches no pattern. The pattern with the most fixed text wins.

    Raises UsageError for an invalid pattern.
    """
    lens = _LENS.search(uri)
    if lens is not None:
        is_redacted = lens["redacted"] is not None or "/Redacted/" in uri
        date = lens["date"].replace("-", "")
        at = f"{date[:4]}-{date[4:6]}-{date[6:]}T{lens['hour']}:{lens['minute']}:{lens['second'] or '00'}Z"
        return TranscriptName(lens["call_id"], is_redacted, at)
    for pattern, compiled in _compiled(tuple(patterns)):
        match = compiled.search(uri)
        if match is not None:
            return TranscriptName(match["call_id"], "redacted" in pattern.lower() or "/Redacted/" in uri)
    return None


def keys_of(call_id: str, patterns: Sequence[str]) -> list[str]:
    """The keys where a call's transcript may be, in the order of the patterns.

    Raises UsageError for an invalid pattern.
    """
    check_patterns(patterns)
    return [pattern.replace(CALL_ID, call_id) for pattern in patterns]


def check_patterns(patterns: Sequence[str]) -> None:
    """Raises UsageError unless each pattern holds `{call_id}` once and ends as a JSON file's name."""
    for pattern in patterns:
        if pattern.count(CALL_ID) != 1 or not pattern.endswith(".json"):
            raise UsageError(
                f"transcript_keys has {pattern!r}; valid is a key with {CALL_ID} in it once that ends with .json, such "
                "as transcripts/{call_id}.json"
            )


@cache
def _compiled(patterns: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    check_patterns(patterns)
    longest_first = sorted(patterns, key=lambda pattern: -len(pattern))
    return [
        (
            pattern,
            re.compile(
                "(?:^|/)" + re.escape(pattern).replace(re.escape(CALL_ID), "(?P<call_id>[^/]+)") + _COMPRESSED + "$"
            ),
        )
        for pattern in longest_first
    ]
