"""Helpers of the source tests: framing bytes in any chunks, and the strict reference grammar."""

from __future__ import annotations

import io
import json
from typing import Any

from trunkline.sources.files.framing import frame
from trunkline.sources.files.json_text import Span

Framed = tuple[list[str], list[int], list[Span]]


def frame_all(data: bytes, chunk: int = 1 << 20, block: int = 1 << 20, damage: str | None = None) -> Framed:
    """All of a file's records, their offsets and its broken spans, read in chunks of at most `chunk` bytes."""
    stream = io.BytesIO(data)
    texts: list[str] = []
    offsets: list[int] = []
    broken: list[Span] = []
    for one in frame(lambda n: stream.read(min(n, chunk)), 0, lambda: damage, block):
        texts += one.texts
        offsets += one.offsets
        broken += one.broken
    return texts, offsets, broken


def strict_loads(text: str) -> Any:
    """RFC 8259 as Python's own parser reads it, without its extensions."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)
