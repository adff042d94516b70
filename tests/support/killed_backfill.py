"""A scan in a process of its own, to be killed: `python killed_backfill.py HOME LOG ITEMS`. Each page read is a line of LOG."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dynamo_fake import FakeTable
from dynamo_tables import call
from homes import opened

from trunkline.pipelines.post_call.backfill import ScanOptions, backfill_scan

PAGE, SEGMENTS = 2_500, 4


def main(home: Path, log: str, items: int) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def seen(segment: int, start: int) -> None:
        os.write(handle, f"{segment} {start}\n".encode())

    source = FakeTable(lambda n: call(f"c{n:08}", f"2026-02-{1 + n % 28:02}T10:00:00Z"), items, PAGE, seen=seen)
    with opened(home, threads=2) as found:
        backfill_scan(found, found.objects["call"], "calls", source, ScanOptions(segments=SEGMENTS))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
