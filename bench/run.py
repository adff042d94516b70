"""`make bench`: Trunkline against named rivals, on the same data, in one run.

python bench/run.py [--only NAME ...] [--quick]
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform

BENCHMARKS = {
    "flatten": "records to a typed table, against the mission's style and a bare parse",
    "load": "files to lake and warehouse, on one core and two, against a hand-written script and dlt",
    "merge": "one table into the warehouse, against dlt and plain SQL",
    "collecting": "a day through the emulated Connect API: calls, and what the client adds",
    "growth": "a batch's merge as the warehouse grows",
    "transcripts": "transcript files to typed rows, against the document's functions",
    "postgres": "staging and merge on a PostgreSQL server, against COPY, psycopg2, pandas, SQL by hand and dlt",
    "dynamodb": "stream images, the function and an export, against the document's functions",
    "salesforce_bulk": "a Bulk job's pages to typed rows, against JSON records and a CSV file",
    "reconcile": "ten million ids against ten million, against plain anti-joins",
    "demo": "the second run of `trunkline demo`",
    "live": "events folded into the present, against dictionary-style Python; a saved state restored",
    "persist": "the functions of live points: cold import against boto3's, a warm batch against parsing it",
    "board": "an event that was read to the frame of the wallboard that shows it",
    "nightly": "seven objects run one after another, against their loads and merges alone",
    "athena": "a day of calls in the lake, against the application's JSON: bytes stored and read",
    "agent_views": "a week of agent events in the lake: what a question about one day reads of them",
}


def main() -> None:
    told = "\n".join(f"  {name:<17}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(description=f"benchmarks:\n{told}", formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="less data and fewer repeats: to see that it runs")
    parser.add_argument("--million", action="store_true", help="load a million records too, ours alone")
    options = parser.parse_args()
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load}")
    for name in options.only:
        module = importlib.import_module(name if name != "load" else "load_files")
        if name == "load":
            module.run(options.quick, options.million)
        else:
            module.run(options.quick)


if __name__ == "__main__":
    main()
