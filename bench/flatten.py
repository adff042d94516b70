"""Flatten: contact records of 4 KB to the full-width typed table, CPU per record on one core.

Rival: `mission_style.py`. Bound: pysimdjson's bare parse, which makes no table. Ours without the hash is not a mode of
the product: it is the whole with a statement that leaves `record_hash` empty. Canonical text, drift and the search for
personal data in free maps come with the decoding and are in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import mission_style
import simdjson
from measure import Line, cpu_in_turns, scratch, show, simulated

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.positions import FileRange, Plan
from trunkline.records import Framed, Texts
from trunkline.sources.files import reader as s3_files

AT = datetime(2026, 4, 1)
RULE = PiiRule("hash", b"bench")


def _framed(texts: Texts) -> Framed:
    ranges = (FileRange("bench", "1", 0, 10**9, True, AT),)
    plan = Plan(CONTACT_RECORD.name, "bench", ranges)
    return Framed(plan, texts, [0] * len(texts), range(len(texts)), [], 0)


def _each(texts: Any, size: int, job: Callable[[Any], object]) -> None:
    for first in range(0, len(texts), size):
        job(texts[first : first + size])


def _read(folder: Path) -> list[Framed]:
    files = s3_files.list_files([str(folder)])
    return list(s3_files.read_batches(files, {}, CONTACT_RECORD.name))


def _in_turn(parts: Sequence[Any], job: Callable[[Any], object]) -> Callable[[], object]:
    """The job over another part each time: a flattener remembers what it read, and real records do not come again."""
    turns = cycle(parts)
    return lambda: job(next(turns))


def _without_hash(flattener: Flattener) -> None:
    """Make the flattener's statement one that leaves `record_hash` empty."""
    sql, found = re.subn(
        r"^  md5\(.*\) AS \"record_hash\"", "  '' AS \"record_hash\"", flattener.sql.rows, flags=re.MULTILINE
    )
    assert found == 1
    flattener.con.execute("DEALLOCATE rows")
    flattener.con.execute(f"PREPARE rows AS {sql}")


def run(is_quick: bool) -> None:
    count, repeats = (1_000, 3) if is_quick else (4_000, 5)
    with scratch() as folder:
        source = simulated(folder, count * (repeats + 1))
        framed = _read(source)
        total = sum(len(one.texts) for one in framed)
        encoded = [text.encode() for one in framed for text in one.texts][: count * (repeats + 1)]
        parts = [Texts(encoded[first : first + count]) for first in range(0, len(encoded), count)]
        decoded = [list(part) for part in parts]
        parser, schema = simdjson.Parser(), mission_style.schema(CONTACT_RECORD)
        whole, bare = Flattener(CONTACT_RECORD, RULE), Flattener(CONTACT_RECORD, RULE)
        for part in parts:  # so that their statements have all the leaves that come
            whole.flatten(_framed(part), AT)
            bare.flatten(_framed(part), AT)
        _without_hash(bare)
        rival = partial(mission_style.flatten, schema=schema)
        small = [part[:1_000] for part in parts], [part[:1_000] for part in decoded]
        cpu = cpu_in_turns({
            "parse": _in_turn(parts, lambda part: [parser.parse(data) and None for data in part.records]),
            "rival": _in_turn(decoded, rival),
            "rival100": _in_turn(small[1], lambda part: _each(part, 100, rival)),
            "framing": lambda: _read(source),
            "whole": _in_turn(parts, lambda part: whole.flatten(_framed(part), AT)),
            "whole100": _in_turn(small[0], lambda part: _each(part, 100, lambda some: whole.flatten(_framed(some), AT))),
            "bare": _in_turn(parts, lambda part: bare.flatten(_framed(part), AT)),
        }, repeats)  # fmt: skip
    each = {name: seconds * 1e6 / (total if name == "framing" else count) for name, seconds in cpu.items()}
    few = {name: cpu[name] * 1e6 / min(count, 1_000) for name in ("rival100", "whole100")}
    checked, everything = each["bare"] + each["framing"], each["whole"] + each["framing"]
    show(
        f"flatten: {count:,} records of {sum(map(len, encoded)) // len(encoded):,} bytes, CPU per record, one core",
        [
            Line("mission's style (json.loads, dictionaries, pyarrow)", each["rival"], "us", 1.0),
            Line("ours, framing and bad-record check", checked, "us", each["rival"] / checked),
            Line("ours with hash, canonical text, drift, personal data", everything, "us",
                 each["rival"] / everything),
            Line("  of which framing", each["framing"], "us"),
            Line("pysimdjson's bare parse (the bound; makes no table)", each["parse"], "us",
                 each["rival"] / each["parse"]),
            Line("mission's style, batches of 100", few["rival100"], "us", 1.0),
            Line("ours with everything, batches of 100", few["whole100"], "us",
                 few["rival100"] / few["whole100"], "1x"),
        ],
    )  # fmt: skip
