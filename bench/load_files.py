"""Load: files as Firehose writes them to lake and warehouse, re-deliveries included; and the same as one large file.

Rivals: `plain_duckdb.py`, a hand-written DuckDB script without guarantees; and dlt as it comes, JSON to DuckDB, merge by
key, the newest copy of a contact kept by `dedup_sort` (dlt has no lake, no hash, no accounting; it makes child tables of
lists). Each runs in a process of its own, in turns. Wall time, and CPU with all threads and processes.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import plain_duckdb
from measure import Line, scratch, show, simulated

from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings.installation import Settings
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec


def ours(home: Path, source: Path, threads: int = 2) -> int:
    with open_home(Settings.load(home, {"TRUNKLINE_THREADS": str(threads)})) as opened:
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


JOBS: dict[str, Callable[[Path, Path], object]] = {
    "dlt": with_dlt,
    "script": plain_duckdb.load,
    "ours": ours,
    "ours on one core": lambda home, source: ours(home, source, threads=1),
}


def timed(name: str, home: Path, source: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a job in a process of its own, with those of its child processes."""
    done = subprocess.run(
        [sys.executable, __file__, name, str(home), str(source)], capture_output=True, text=True, check=True
    )
    shutil.rmtree(home)
    wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return wall, cpu


def main(name: str, home: str, source: str) -> None:
    Path(home).mkdir()
    wall, cpu = time.monotonic(), _cpu()
    JOBS[name](Path(home), Path(source))
    print(json.dumps([time.monotonic() - wall, _cpu() - cpu]))


def _cpu() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _medians(names: Sequence[str], folder: Path, source: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each job; they take turns, so that a busy machine slows all of them alike."""
    runs = {name: [] for name in names}
    for _ in range(repeats):
        for name in names:
            runs[name].append(timed(name, folder / "home", source))
    return {name: (median(wall for wall, _ in times), median(cpu for _, cpu in times)) for name, times in runs.items()}


def run(is_quick: bool, is_million: bool) -> None:
    contacts, repeats = (2_000, 1) if is_quick else (20_000, 3)
    with scratch() as folder:
        for name, spec in {"small files": {}, "one file": {"file_bytes_max": 10**9, "file_age_s_max": 10**7}}.items():
            source = simulate(Spec(contacts=contacts, seed=1, days=2, **spec), folder / name).folder
            count = sum(1 for _ in records(source))
            size = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
            has_dlt = name == "small files" and importlib.util.find_spec("dlt") is not None  # by `make bench`
            jobs = [job for job in JOBS if job != "dlt" or has_dlt]
            found = _medians(jobs, folder, source, repeats)
            target = "1.0x" if name == "small files" else "0.56x"
            lines = []
            for job, (wall, cpu) in found.items():
                lines.append(
                    Line(
                        f"{job}, CPU",
                        cpu / count * 1e6,
                        "us/record",
                        found["script"][1] / cpu,
                        target if job == "ours" else "",
                    )
                )
                lines.append(Line(f"{job}, wall", wall / count * 1e6, "us/record", found["script"][0] / wall))
            show(f"load, {name}: {count:,} records, {size / 1e6:,.0f} MB; ratios to the script", lines)
            cores = found["ours on one core"][0] / found["ours"][0]
            show(f"two cores, {name}", [Line("one core's wall time over two's", cores, "times", None, "1.6")])
        if is_million:
            source = simulated(folder / "million", 825_000, seed=2, days=60)
            wall, cpu = timed("ours", folder / "home", source)
            show(
                "load: 825,000 contacts, a million records, ours alone",
                [Line("wall", wall, "s"), Line("CPU", cpu, "s")],
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
