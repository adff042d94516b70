"""Flatten: contact records of 4 KB to the full-width typed table, CPU per record on one core.

Rival: `mission_style.py`. Bound: pysimdjson's bare parse, which makes no table. Ours without the hash is not a mode of
the product: it is the whole with a statement that leaves `record_hash` empty. Canonical text, drift and the search for
personal data in free maps come with the decoding and are in both.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import mission_style
import simdjson
from measure import Line, cpu_in_turns, scratch, show, simulated

from trunkline.batch import Framed, Plan, Range, Texts
from trunkline.compile.flatten import record_hash
from trunkline.flatten.pii import PiiRule
from trunkline.flatten.run import Flattener
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.sources import s3_files

AT = datetime(2026, 4, 1)
RULE = PiiRule("hash", b"bench")


def _framed(texts: Texts) -> Framed:
    ranges = (Range("bench", "1", 0, 10**9, True, AT),)
    plan = Plan(CONTACT_RECORD.name, "bench", ranges)
    return Framed(plan, texts, [0] * len(texts), range(len(texts)), [], 0)


def _each(texts: Any, size: int, job: Callable[[Any], object]) -> None:
    for first in range(0, len(texts), size):
        job(texts[first : first + size])


def _read(folder: Path) -> list[Framed]:
    files = s3_files.list_files([str(folder)])
    return list(s3_files.read_batches(files, {}, CONTACT_RECORD.name))


def _anew(flattener: Flattener) -> Flattener:
    """The flattener without what it remembers of texts it has read: real records do not come again and again."""
    for memo in flattener._leaves._memo.values():  # noqa: SLF001 - no caller of the product wants it
        memo.clear()
    return flattener


def _without_hash(flattener: Flattener) -> None:
    """Make the flattener's statement one that leaves `record_hash` empty."""
    assert record_hash(flattener.obj) in flattener.sql.rows
    flattener.con.execute("DEALLOCATE rows")
    flattener.con.execute(f"PREPARE rows AS {flattener.sql.rows.replace(record_hash(flattener.obj), chr(39) * 2)}")


def run(is_quick: bool) -> None:
    contacts, repeats = (1_000, 3) if is_quick else (3_300, 5)
    with scratch() as folder:
        source = simulated(folder, contacts)
        texts = Texts([text.encode() for framed in _read(source) for text in framed.texts][:4_000])
        parser, schema = simdjson.Parser(), mission_style.schema(CONTACT_RECORD)
        whole, bare = Flattener(CONTACT_RECORD, RULE), Flattener(CONTACT_RECORD, RULE)
        _without_hash(bare)
        encoded, decoded = texts.records, list(texts)
        jobs: dict[str, Callable[[], object]] = {
            "parse": lambda: [parser.parse(data) and None for data in encoded],
            "rival": lambda: mission_style.flatten(decoded, schema),
            "rival100": lambda: _each(decoded[:1_000], 100, partial(mission_style.flatten, schema=schema)),
            "framing": lambda: _read(source),
            "whole": lambda: _anew(whole).flatten(_framed(texts), AT),
            "whole100": lambda: _each(texts[:1_000], 100, lambda some: _anew(whole).flatten(_framed(some), AT)),
            "bare": lambda: _anew(bare).flatten(_framed(texts), AT),
        }
        cpu = {name: seconds * 1e6 for name, seconds in cpu_in_turns(jobs, repeats).items()}
    count, small = len(texts), min(len(texts), 1_000)
    framing, parse, rival = cpu["framing"] / count, cpu["parse"] / count, cpu["rival"] / count
    checked = cpu["bare"] / count + framing
    everything = cpu["whole"] / count + framing
    show(
        f"flatten: {count:,} records of {sum(map(len, encoded)) // count:,} bytes, CPU per record, one core",
        [
            Line("mission's style (json.loads, dictionaries, pyarrow)", rival, "us", 1.0),
            Line("ours, framing and bad-record check", checked, "us", rival / checked, "5x"),
            Line("ours with hash, canonical text, drift, personal data", everything, "us", rival / everything, "3x"),
            Line("  of which framing", framing, "us"),
            Line("pysimdjson's bare parse (the bound; makes no table)", parse, "us", rival / parse),
            Line("mission's style, batches of 100", cpu["rival100"] / small, "us", 1.0),
            Line("ours with everything, batches of 100", cpu["whole100"] / small, "us",
                 cpu["rival100"] / cpu["whole100"], "1x"),
        ],
    )  # fmt: skip
