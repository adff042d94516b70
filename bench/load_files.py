"""Load: files as Firehose writes them to lake and warehouse, re-deliveries included.

Rival: dlt as it comes, JSON to DuckDB, merge by key, the newest copy of a contact kept by `dedup_sort`. dlt has no
lake, no hash, no accounting; it makes child tables of lists. Wall time of the whole command, and CPU of the process
with all its threads; dlt's work grows with the records as ours does, so that a ratio at 20,000 holds above.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import Line, scratch, show, simulated

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings import Settings


def ours(home: Path, source: Path) -> int:
    with open_home(Settings.load(home, {})) as opened:
        return load(opened, opened.objects["contact_record"], [str(source)]).counts.read


def records(source: Path) -> Iterator[dict[str, Any]]:
    """Firehose puts no newline between records, so one is decoded after another."""
    decoder = json.JSONDecoder()
    for path in sorted(source.rglob("*")):
        if path.is_file():
            text, at = path.read_text(), 0
            while at < len(text):
                record, at = decoder.raw_decode(text, at)
                yield record


def with_dlt(home: Path, source: Path) -> int:
    import dlt

    resource_ = dlt.resource(
        lambda: records(source), name="contact_record", write_disposition="merge", primary_key="ContactId",
        columns={"LastUpdateTimestamp": {"data_type": "timestamp", "dedup_sort": "desc"}},
    )  # fmt: skip
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(str(home / "dlt.duckdb")), dataset_name="calls",
        pipelines_dir=str(home / "pipelines"),
    )  # fmt: skip
    pipeline.run(resource_)
    return 0


def timed(job: Callable[[Path, Path], int], home: Path, source: Path) -> tuple[float, float]:
    """Wall and CPU seconds, with those of child processes."""
    home.mkdir()
    wall, cpu = time.monotonic(), _cpu()
    job(home, source)
    return time.monotonic() - wall, _cpu() - cpu


def _cpu() -> float:
    usage = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in usage)


def run(is_quick: bool, is_million: bool) -> None:
    contacts = 2_000 if is_quick else 20_000
    with scratch() as folder:
        source = simulated(folder / "files", contacts, days=2)
        count = sum(1 for _ in records(source))
        size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
        wall, cpu = timed(ours, folder / "ours", source)
        rival_wall, rival_cpu = timed(with_dlt, folder / "dlt", source)
        show(
            f"load: {count:,} records, {size / 1e6:,.0f} MB, files to lake and warehouse",
            [
                Line("dlt, files to warehouse, wall", rival_wall / count * 1e6, "us/record", 1.0),
                Line(
                    "ours, files to lake and warehouse, wall", wall / count * 1e6, "us/record", rival_wall / wall, "10x"
                ),
                Line("dlt, CPU", rival_cpu / count * 1e6, "us/record", 1.0),
                Line("ours, CPU", cpu / count * 1e6, "us/record", rival_cpu / cpu, "10x"),
            ],
        )
        if is_million:
            source = simulated(folder / "million", 825_000, seed=2, days=60)
            wall, cpu = timed(ours, folder / "big", source)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            show(
                "load: 825,000 contacts, a million records, ours alone",
                [Line("wall", wall, "s"), Line("CPU", cpu, "s"), Line("peak memory (the simulator's too)", peak, "MB")],
            )
